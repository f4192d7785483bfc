//! Drives a set of files: steps as long as there is work, then waits for the watcher or the next look.

use super::clock::{Clock, SystemClock};
use super::watch::Watcher;
use super::{Files, Follow, Pipe, Sender, SourceError, Step, Stop};
use std::path::Path;
use std::time::Duration;

/// Looks are at most this often, however much happens.
const SOONEST: Duration = Duration::from_millis(20);

/// A look is made at least this often, since network file systems and links to files tell a watcher nothing.
const LATEST: Duration = Duration::from_secs(1);

/// The same where there is no watcher.
const LATEST_UNWATCHED: Duration = Duration::from_millis(250);

impl Files {
    /// Reads everything, and follows it if wanted, until the end, a requested stop, or nobody receives any more. Pipes and
    /// devices among the arguments are read on threads of their own, and end with this.
    ///
    /// # Errors
    /// A named pipe that cannot be read. Problems of single files are told as messages.
    pub fn run(mut self, out: &Sender, stop: &Stop) -> Result<(), SourceError> {
        let follow = self.follow();
        let (streams, troubles) = (self.streams(), self.troubles());
        let read = |path: &Path| Pipe::open(path, follow)?.telling(troubles.clone()).run(out, stop);
        std::thread::scope(|scope| {
            let readers: Vec<_> = streams.iter().map(|path| scope.spawn(|| read(path))).collect();
            let mut result = self.drive(out, stop);
            for reader in readers {
                // A panic of the reader is passed on as one.
                let read = reader.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
                result = result.and(read);
            }
            match result {
                Err(SourceError::Closed) => Ok(()),
                result => result,
            }
        })
    }

    fn drive(&mut self, out: &Sender, stop: &Stop) -> Result<(), SourceError> {
        let clock = SystemClock::start();
        // Before the first look, so that nothing happens unseen between the two.
        let is_watched = self.follow() == Follow::Forever && self.looks_every().is_none();
        let mut watcher = is_watched.then(|| Watcher::new(self.selection()));
        while !stop.requested() {
            let begun = clock.now();
            self.look(out)?;
            let looked = clock.now();
            while !stop.requested() && self.step(clock.now(), out)? == Step::Worked {}
            if self.follow() == Follow::UntilEnd {
                break;
            }
            // Many files make a look dear; it never takes more than a small part of the time.
            let cost = looked.saturating_sub(begun);
            let soonest = SOONEST.max(cost.saturating_mul(10)).saturating_sub(clock.now().saturating_sub(looked));
            clock.sleep(soonest, stop);
            match &mut watcher {
                Some(watcher) => {
                    let latest = if watcher.is_working() { LATEST } else { LATEST_UNWATCHED };
                    watcher.wait(latest.max(cost.saturating_mul(400)), stop);
                }
                None => clock.sleep(self.looks_every().unwrap_or_default().saturating_sub(soonest), stop),
            }
        }
        self.finish(out)
    }
}

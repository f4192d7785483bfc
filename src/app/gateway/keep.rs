//! The journal into the store as long as the gateway runs: where that breaks off, it is said and begun again. Calls go on
//! meanwhile, and stay in the journal.

use super::feed;
use crate::app::fill::{Run, fill};
use crate::config::Retention;
use crate::pipeline::{OnRefusal, Progress};
use crate::price::Prices;
use crate::source::Stop;
use crate::units::clean;
use anyhow::Result;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// How long it rests before it begins again, and how often it looks meanwhile whether that is still wanted.
const REST: Duration = Duration::from_secs(2);
const LOOK: Duration = Duration::from_millis(50);

/// When to stop: a run that breaks off stops itself, and the next one has a stop of its own.
#[derive(Default)]
pub struct Turns {
    over: Stop,
    turn: Mutex<Stop>,
}

impl Turns {
    /// Ends the present run, and there is no next one.
    pub fn end(&self) {
        self.over.request();
        self.turn.lock().unwrap_or_else(PoisonError::into_inner).request();
    }

    /// A stop for the next run; asked for at once where there is to be none.
    pub fn begin(&self) -> Stop {
        let mut turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        *turn = Stop::new();
        if self.over.requested() {
            turn.request();
        }
        turn.clone()
    }

    fn rest(&self) {
        for _ in 0..REST.as_millis() / LOOK.as_millis() {
            if self.over.requested() {
                return;
            }
            std::thread::sleep(LOOK);
        }
    }
}

/// Ends the turns when it is dropped.
pub struct Ending<'a>(pub &'a Turns);

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        self.0.end();
    }
}

/// What is kept where, and for how long.
pub struct Filling<'a> {
    /// The folder of the journal, and the age at which its segments go, µs.
    pub journal: (&'a Path, Option<i64>),
    /// The store, and how long it keeps what.
    pub store: (&'a Path, &'a Retention),
    /// What models cost.
    pub prices: Arc<Prices>,
    /// How far it is.
    pub progress: Arc<Progress>,
}

impl Filling<'_> {
    /// Fills the store until the end of the turns. `tell` hears why the journal is not read, and nothing once it is again.
    ///
    /// # Errors
    /// What broke the last run, if it was not begun again.
    pub fn keep(&self, first: Run, turns: &Turns, tell: &dyn Fn(Option<String>)) -> Result<()> {
        let mut next = Ok(first);
        loop {
            let stop = turns.begin();
            let how = (OnRefusal::Retry, Arc::clone(&self.prices));
            let done = next.and_then(|run| fill(self.store, run, how, &self.progress, &stop));
            if turns.over.requested() {
                return done;
            }
            let why = done.err().map_or("it has ended".to_owned(), |why| format!("{why:#}"));
            tell(Some(format!("the journal is not read: {}; calls go on and stay in it", clean(&why))));
            turns.rest();
            next = feed::follow(self.journal.0, self.store.0, self.journal.1).map(|(run, _)| run);
            if next.is_ok() {
                tell(None);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::config::Config;
    use std::sync::atomic::{AtomicU32, Ordering};

    #[test]
    fn a_reader_that_breaks_off_is_begun_again() {
        let folder = tempfile::tempdir().unwrap();
        let (journal, store) = (folder.path().join("journal"), folder.path().join("store.db"));
        std::fs::create_dir(&journal).unwrap();
        let call = r#"{"event":"llm_call","request_id":"a","model":"m"}"#;
        std::fs::write(journal.join("calls-1.jsonl"), format!("{call}\n")).unwrap();
        let config = Config::default();
        let filling = Filling {
            journal: (&journal, None),
            store: (&store, &config.retention),
            prices: Arc::default(),
            progress: Arc::default(),
        };
        let (turns, broken) = (Turns::default(), Arc::new(AtomicU32::new(0)));
        let seen = Arc::clone(&broken);
        let first: Run = Box::new(move |_, _| {
            seen.fetch_add(1, Ordering::Relaxed);
            Err(crate::source::SourceError::Unreadable { path: "journal".into(), cause: std::io::Error::other("gone") })
        });
        std::thread::scope(|scope| {
            let _ending = Ending(&turns);
            let kept = scope.spawn(|| filling.keep(first, &turns, &|_| ()));
            let begun = crate::clock::ticks();
            while filling.progress.counts().accepted == 0 {
                assert!(crate::clock::ticks() - begun < Duration::from_secs(20), "it is read after all");
                std::thread::sleep(LOOK);
            }
            turns.end();
            kept.join().unwrap().unwrap();
        });
        assert_eq!(broken.load(Ordering::Relaxed), 1);
    }
}

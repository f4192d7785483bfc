//! `llmtop watch`: the rules of the configuration without a screen. One line for each change; ends with a signal, or with
//! its input.

use super::alert::{Courier, Found, Lookout, Now, signals_of};
use super::feed::{Read, STDIN};
use super::fill::{Ending, Filling, fill};
use super::ingest::stop_on_signals;
use super::say::say;
use super::setup;
use crate::alert::quoted;
use crate::cli::WatchArgs;
use crate::clock;
use crate::config::{Effective, Origin};
use crate::pipeline::{OnRefusal, Progress};
use crate::source::{Follow, Stop, Troubles};
use crate::store::{self, StoreError, sqlite::SqliteStore};
use crate::tui::Terminal;
use crate::units::{self, clean};
use anyhow::{Result, bail};
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// How often it is seen whether to end.
const LOOK: Duration = Duration::from_millis(50);

/// How long the end waits for what is being told.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// Watches the logs named, or the default store.
pub fn run(args: &WatchArgs, settings: &Effective, out: &mut dyn Write) -> Result<ExitCode> {
    if !Lookout::is_needed(&settings.config) {
        bail!("there is nothing to watch: the configuration has no [[alert]], and no [[budget]] that warns");
    }
    let signalled = stop_on_signals()?;
    let follow = if args.once { Follow::UntilEnd } else { Follow::Forever };
    let filling = match args.files.as_slice() {
        [] => None,
        files => Some(Filling::open(files, follow, settings)?),
    };
    let store = match &filling {
        Some(filling) => filling.store.clone(),
        None => default_store(settings)?,
    };
    let Some(lookout) = Lookout::open(&settings.config, &store, Now::Clock)? else { return Ok(ExitCode::SUCCESS) };
    let lookout = lookout.at(place(&args.files, settings));
    let courier = Courier::new(|trouble| say(&format!("alerts: {}", clean(trouble))));
    let mut watch =
        Watch { lookout, courier, out, every: Duration::from_micros(args.every.unsigned_abs()), said: None };
    let (progress, troubles) = (Arc::default(), filling.as_ref().map(|filling| filling.troubles.clone()));
    watch.while_filled((filling, settings), args, &progress, &signalled.stop)?;
    // The stop is asked for at the end of the input too: only a signal is in a hurry.
    let lost = watch.end(|| signalled.signal.load(Ordering::Acquire) != 0);
    let read = Read::of(&progress, &troubles.unwrap_or_else(Troubles::new));
    Ok(match u8::try_from(signalled.signal.load(Ordering::Acquire)) {
        Ok(signal @ 1..) => ExitCode::from(128 + signal),
        _ if lost > 0 => ExitCode::FAILURE,
        _ => read.exit_code(),
    })
}

/// Where the calls are that an alert is about, as words behind `llmtop`; a pipe cannot be looked at again.
fn place(files: &[PathBuf], settings: &Effective) -> String {
    let word = |path: &PathBuf| {
        let text = path.display().to_string();
        let is_plain = text.bytes().all(|b| b.is_ascii_alphanumeric() || b"/._-".contains(&b));
        if is_plain { text } else { quoted(&clean(&text)) }
    };
    let mut words: Vec<String> = Vec::new();
    if let (Origin::Flag(_), Some(store)) = (settings.origin("store"), &settings.config.store) {
        words.extend(["--store".to_owned(), word(store)]);
    } else {
        words.extend(files.iter().filter(|file| file.as_path() != Path::new(STDIN)).map(word));
    }
    words.join(" ")
}

/// The default store, made where it is not there yet: whoever fills it may come later.
fn default_store(settings: &Effective) -> Result<PathBuf> {
    let store = settings.config.store()?.to_owned();
    if !store.exists() {
        SqliteStore::open(&store)?;
    }
    Ok(store)
}

/// A look that is under way is given up when the end is asked for.
struct Until<'a>(&'a Stop);

impl store::Watch for Until<'_> {
    fn cancelled(&self) -> bool {
        self.0.requested()
    }
}

/// The watch over one store.
struct Watch<'a> {
    lookout: Lookout,
    courier: Courier,
    out: &'a mut dyn Write,
    every: Duration,
    /// Why the store did not answer the last time, so that it is said once.
    said: Option<String>,
}

impl Watch<'_> {
    /// Fills the store, if there is something to fill it with, and watches it meanwhile.
    fn while_filled(
        &mut self,
        (filling, settings): (Option<Filling>, &Effective),
        args: &WatchArgs,
        progress: &Arc<Progress>,
        stop: &Stop,
    ) -> Result<()> {
        let Some(Filling { store, run, place: _place, temporary: _temporary, .. }) = filling else {
            // Others fill it: there is no end but the one that is asked for, and that one is now.
            return self.until((|| args.once, Now::Clock), || true, stop);
        };
        let refusal = if args.once { OnRefusal::Fail } else { OnRefusal::Retry };
        let how = (refusal, setup::prices(settings)?);
        let (store, retention) = (store.as_path(), &settings.config.retention);
        std::thread::scope(|scope| {
            // However the watch ends, by a panic too: the feed ends with it, or the scope would wait for ever.
            let _ending = Ending(stop);
            let thread = scope.spawn(move || fill((store, retention), run, how, progress, stop));
            // A pipe is never caught up with.
            let is_pipe = args.files == [PathBuf::from(STDIN)];
            let is_ready = || !args.once && (is_pipe || progress.counts().caught_up);
            self.until((|| thread.is_finished(), Now::Log), is_ready, stop)?;
            if !thread.is_finished() {
                stop.request();
            }
            thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    }

    /// Looks every so often once there is something to look at, and a last time when everything has been read.
    fn until(
        &mut self,
        (is_ended, end): (impl Fn() -> bool, Now),
        is_ready: impl Fn() -> bool,
        stop: &Stop,
    ) -> Result<()> {
        let mut due: Option<Duration> = None;
        while !stop.requested() {
            if is_ended() {
                // What was seen while it came in goes on; of what came in at once the end is all there is to see.
                let found = if self.lookout.is_quiet() {
                    self.lookout.look_at_end(end, &Until(stop))
                } else {
                    self.lookout.look(&Until(stop))
                };
                return match found {
                    Err(StoreError::Cancelled) => Ok(()),
                    found => self.tell(&found?),
                };
            }
            if is_ready() && due.is_none_or(|due| clock::ticks() >= due) {
                self.look(stop)?;
                due = Some(clock::ticks() + self.every);
            }
            std::thread::park_timeout(LOOK);
        }
        Ok(())
    }

    /// Looks once; a store that does not answer is said once, and looked at again.
    fn look(&mut self, stop: &Stop) -> Result<()> {
        match self.lookout.look(&Until(stop)) {
            Ok(found) => {
                self.said = None;
                self.tell(&found)
            }
            Err(StoreError::Cancelled) => Ok(()),
            Err(error) => {
                let error = error.to_string();
                if self.said.as_ref() != Some(&error) {
                    say(&clean(&error));
                    self.said = Some(error);
                }
                Ok(())
            }
        }
    }

    fn tell(&mut self, found: &Found) -> Result<()> {
        for change in &found.changes {
            writeln!(self.out, "{} {}", units::rfc3339(change.alert.at_us), change.line())?;
        }
        let is_terminal = std::io::stdout().is_terminal();
        let terminal = Terminal::of(&|name| std::env::var_os(name));
        for notice in &found.notices {
            let route = self.lookout.route(&notice.change);
            for signal in signals_of(notice, &route.0).iter().filter(|_| is_terminal) {
                write!(self.out, "{}", signal.sequence(terminal))?;
            }
            self.courier.tell(notice, &route);
        }
        self.out.flush()?;
        Ok(())
    }

    /// Waits until everything has been told, or a signal comes; how much could not be.
    fn end(self, is_hurried: impl Fn() -> bool) -> u64 {
        while !self.courier.is_idle() && !is_hurried() {
            std::thread::park_timeout(LOOK);
        }
        let lost = self.courier.finish(LAST_WORDS);
        if lost > 0 {
            say(&format!("alerts: {lost} could not be told"));
        }
        lost
    }
}

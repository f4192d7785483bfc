//! Sources put to work: what fills a store, for the commands that load to the end and for those that follow.

use super::kept::Kept;
use super::places::{Place, store_of};
use super::say::say;
use super::setup;
use crate::batch::Checkpoint;
use crate::clock;
use crate::config::Effective;
use crate::pipeline::{self, OnRefusal, PipelineError, Progress, Settings};
use crate::price::Prices;
use crate::source::{Files, Follow, Message, Pipe, Sender, SourceError, Stop, Troubles};
use crate::store::{Appended, Store, sqlite::SqliteStore};
use crate::units::clean;
use anyhow::Result;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

/// Standard input among the file arguments.
pub const STDIN: &str = "-";

/// Files, and perhaps standard input, ready to be read.
pub struct Feed {
    files: Option<Files>,
    stdin: Option<Pipe>,
    troubles: Troubles,
}

impl Feed {
    /// What was named on the command line. `known` is how far files have been read before.
    pub fn of(args: &[PathBuf], follow: Follow, known: Vec<Checkpoint>) -> Result<Feed, SourceError> {
        let (stdin, files): (Vec<_>, Vec<_>) = args.iter().cloned().partition(|arg| arg == Path::new(STDIN));
        let files = match (files.is_empty(), stdin.is_empty()) {
            (true, _) => None,
            (false, true) => Some(Files::new(files, follow, known)?),
            (false, false) => Some(Files::beside_others(files, follow, known)?),
        };
        let troubles = files.as_ref().map(Files::troubles).unwrap_or_default();
        let stdin = if stdin.is_empty() { None } else { Some(Pipe::stdin()?.telling(troubles.clone())) };
        Ok(Feed { files, stdin, troubles })
    }

    /// Named logs into their store, going on where it ends. A private store that holds what a log was before it was written
    /// anew is begun anew: it shows what its logs hold, and what rotation has moved away from them.
    pub fn into_place(args: &[PathBuf], follow: Follow, place: &Place) -> Result<Feed> {
        let known = SqliteStore::open(place.path())?.checkpoints()?;
        let feed = Feed::of(args, follow, known)?;
        let overwritten =
            feed.files.as_ref().filter(|_| place.is_private()).map(Files::overwritten).unwrap_or_default();
        let Some(first) = overwritten.first() else { return Ok(feed) };
        if !place.empty()? {
            say(&format!("{} was written anew; what it held before is counted too", clean(first)));
            return Ok(feed);
        }
        SqliteStore::open(place.path())?;
        Ok(Feed::of(args, follow, Vec::new())?)
    }

    /// What is the matter with what is read, now and while they are read.
    pub fn troubles(&self) -> Troubles {
        self.troubles.clone()
    }

    /// Reads everything: standard input on a thread of its own where there are files too.
    pub fn run(self, out: &Sender, stop: &Stop) -> Result<(), SourceError> {
        match (self.files, self.stdin) {
            (Some(files), None) => files.run(out, stop),
            (None, Some(pipe)) => pipe.run(out, stop),
            (None, None) => out.send(Message::CaughtUp).map_err(|_| SourceError::Closed),
            (Some(files), Some(pipe)) => std::thread::scope(|scope| {
                let piped = scope.spawn(|| pipe.run(out, stop));
                let read = files.run(out, stop);
                let piped = piped.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
                read.and(piped)
            }),
        }
    }
}

/// How the pipeline of a command runs.
pub fn pipeline_settings(on_refusal: OnRefusal, prices: Arc<Prices>) -> Settings {
    let cores = std::thread::available_parallelism().map_or(2, usize::from);
    // The writer takes about as long as one parser; more than four find nothing left to do.
    Settings {
        parsers: cores.saturating_sub(1).clamp(1, 4),
        on_refusal,
        prices,
        now_us: clock::now_us,
        ticks: clock::ticks,
    }
}

/// Loads a feed to its end.
pub fn load(
    feed: Feed,
    store: &mut dyn Store,
    prices: Arc<Prices>,
    progress: &Arc<Progress>,
    stop: &Stop,
) -> Result<Appended, PipelineError> {
    let settings = pipeline_settings(OnRefusal::Fail, prices);
    pipeline::run(|out, stop| feed.run(&out, &stop), store, &settings, progress, stop)
}

/// Loads logs to their end into the store that is theirs alone; where that is, and whether all could be read.
pub fn load_private(files: &[PathBuf], settings: &Effective) -> Result<(Place, Read)> {
    let place = store_of(files, settings)?;
    let read = load_into(&place, files, settings)?;
    Ok((place, read))
}

/// Loads logs to their end into a place; whether all could be read.
pub fn load_into(place: &Place, files: &[PathBuf], settings: &Effective) -> Result<Read> {
    let feed = Feed::into_place(files, Follow::UntilEnd, place)?;
    let mut store = Kept::open(place.path(), &settings.config.retention)?;
    let (progress, troubles) = (Arc::default(), feed.troubles());
    load(feed, &mut store, setup::prices(settings)?, &progress, &Stop::new())?;
    store.look_after()?;
    Ok(Read::of(&progress, &troubles))
}

/// Whether everything was read that was there to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Read {
    /// All of it.
    All,
    /// Something could not be read; it was said what.
    Part,
}

impl Read {
    /// Says what went wrong with single sources; whether they were read nevertheless.
    pub fn of(progress: &Progress, troubles: &Troubles) -> Read {
        for trouble in progress.troubles() {
            say(&clean(&trouble));
        }
        if troubles.missed() { Read::Part } else { Read::All }
    }

    /// Of two readings together.
    pub fn and(self, other: Read) -> Read {
        if self == Read::All { other } else { self }
    }

    /// What to exit with.
    pub fn exit_code(self) -> ExitCode {
        match self {
            Read::All => ExitCode::SUCCESS,
            Read::Part => ExitCode::FAILURE,
        }
    }
}

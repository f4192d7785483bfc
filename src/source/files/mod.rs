//! Files, patterns and folders, read to their ends and followed: step by step, without a clock, a watcher or a thread, so
//! that every order of events can be played. `run` drives it.

mod lineage;
mod look;
mod open;
mod serve;
mod tell;

use super::identity::{FileId, Stamp, id_of};
use super::select::{By, Found, Selection};
use super::tail::Tail;
use super::{Chunk, MAX_LINE, Message, Sender, SourceError};
use crate::batch::Checkpoint;
use lineage::Lineage;
use std::collections::{HashMap, HashSet, VecDeque};
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tell::{Told, Until};

/// How long to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Follow {
    /// Until the end of what is there.
    UntilEnd,
    /// On and on, with new files, until asked to stop.
    Forever,
}

/// What a step did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Some work; there may be more.
    Worked,
    /// Nothing: everything that was there has been read.
    Idle,
}

/// How long a file that no wanted path leads to any more is kept open for what its writer may still add.
const ORPHAN_PATIENCE: Duration = Duration::from_secs(60);

/// How long a compressed file may stand still in the middle of a stream before it counts as cut.
const PACKED_PATIENCE: Duration = Duration::from_secs(10);

/// How long a file that looks like a copy in the making is given to become one.
const COPY_PATIENCE: Duration = Duration::from_secs(1);

/// How many contents that were truncated away are remembered, to know their copies by.
const RETIRED: usize = 64;

/// How many files are held open at most; others are opened again when they change.
const MAX_OPEN: usize = 512;

/// A set of files, patterns and folders.
///
/// Each file is read once, however many paths lead to it. Where reading goes on is told by device, inode, and the hashes of
/// the first and the last bytes read: so a file that was renamed is not read again, and one that was cut short or written anew
/// is read from its beginning. A copy that rotation left beside the log (`copytruncate`), found in a folder or by a pattern, is
/// known by both hashes too, and only its rest is read; a copy that is named, or in another folder, is read as a file of its
/// own, whose rotated files belong to it: what they hold that was written since it was first read is read too, under its
/// name. The last line of a file is delivered without a newline only when the file ends (not followed, stop, rotated away)
/// and the line does not break off within an object; the checkpoint covers it then, and if it turns out later that the line
/// goes on, the whole line is read again.
pub struct Files {
    selection: Arc<Selection>,
    follow: Follow,
    every: Option<Duration>,
    limit: usize,
    max_open: usize,
    /// Where to go on in files that are not open.
    known: HashMap<FileId, Checkpoint>,
    /// Files that are not open, as they were when everything in them had been read, or when they were found to be no logs.
    seen: HashMap<FileId, Stamp>,
    /// Contents that are gone from under their names.
    retired: VecDeque<Checkpoint>,
    /// Rotated files of logs, by folder and name of the log.
    lineages: HashMap<PathBuf, HashMap<OsString, Lineage>>,
    /// Checkpoints whose file was searched for under another name.
    sought: HashSet<FileId>,
    /// Files that look like a copy in the making, and since when they have been as they are.
    growing: HashMap<FileId, (Stamp, Duration)>,
    pending: VecDeque<Pending>,
    queued: HashSet<FileId>,
    loading: Option<Followed>,
    tails: Vec<Followed>,
    turn: usize,
    caught_up: bool,
    /// Time of the step, since any fixed moment.
    now: Duration,
    told: Told,
    total: u64,
    total_told: Option<u64>,
}

/// A file to be opened.
#[derive(Debug)]
struct Pending {
    found: Found,
    /// Raw bytes counted for it in the total.
    counted: u64,
}

/// An open file.
struct Followed {
    tail: Tail,
    path: PathBuf,
    /// Where it was found: what rotation has copied from it is called after that, though it may be renamed itself by now.
    origin: PathBuf,
    id: FileId,
    /// Size when it was opened: what has to be read before the next file has its turn.
    until: u64,
    /// Whether a wanted path leads to it.
    linked: bool,
    /// Whether a copy of it has appeared beside it: should its content go now, the unfinished line is read from the copy.
    copied: bool,
    quiet_since: Duration,
    /// How it was found.
    by: By,
    /// Whether it was empty when it was last asked where to begin in it.
    waited: bool,
    /// What was found, while it cannot be told yet where to begin in it.
    undecided: Option<Found>,
}

/// How reading on went.
#[derive(Debug, PartialEq, Eq)]
enum Advance {
    More,
    Dry,
    /// Nothing more is to be read from it.
    Over,
}

impl Files {
    /// Files, folders and patterns, with what is known of earlier runs: all checkpoints in the store, whatever their names,
    /// the newest of each device and inode. `-` has no meaning here; [`super::Pipe::stdin`] is for that.
    ///
    /// # Errors
    /// Nothing of it can be read; what else cannot be is told when it is looked for. When following, a named file that is
    /// not there yet, but whose folder is, and a pattern without matches, are waited for.
    pub fn new(args: Vec<PathBuf>, follow: Follow, known: Vec<Checkpoint>) -> Result<Files, SourceError> {
        let files = Files::beside_others(args, follow, known)?;
        files.check()?;
        Ok(files)
    }

    /// The same beside other sources: it does not matter if nothing of it can be read.
    ///
    /// # Errors
    /// A pattern that is none.
    pub fn beside_others(args: Vec<PathBuf>, follow: Follow, known: Vec<Checkpoint>) -> Result<Files, SourceError> {
        Ok(Files {
            selection: Arc::new(Selection::new(args)?),
            follow,
            every: None,
            limit: MAX_LINE,
            max_open: MAX_OPEN,
            known: known.into_iter().map(|c| (id_of(&c), c)).collect(),
            seen: HashMap::new(),
            retired: VecDeque::new(),
            lineages: HashMap::new(),
            sought: HashSet::new(),
            growing: HashMap::new(),
            pending: VecDeque::new(),
            queued: HashSet::new(),
            loading: None,
            tails: Vec::new(),
            turn: 0,
            caught_up: false,
            now: Duration::ZERO,
            told: Told::default(),
            total: 0,
            total_told: None,
        })
    }

    /// Lines longer than this many bytes are left out; [`MAX_LINE`] unless said.
    pub fn line_limit(mut self, bytes: usize) -> Files {
        self.limit = bytes;
        self
    }

    /// Holds at most so many files open; the others are opened again when they change.
    pub fn max_open(mut self, files: usize) -> Files {
        self.max_open = files.max(1);
        self
    }

    /// Looks so often instead of being woken: a watcher costs whoever writes more than the looks do where lines come by the
    /// thousand.
    pub fn look_every(mut self, time: Duration) -> Files {
        self.every = Some(time);
        self
    }

    pub(super) fn looks_every(&self) -> Option<Duration> {
        self.every
    }

    pub(super) fn selection(&self) -> &Arc<Selection> {
        &self.selection
    }

    pub(super) fn follow(&self) -> Follow {
        self.follow
    }

    /// Does a small piece of work: opens a file, or reads at most one chunk. At first one file after another, oldest first;
    /// what then grows or appears is read in turns. `now` is the time since any fixed moment.
    ///
    /// # Errors
    /// Only when nobody receives any more.
    pub fn step(&mut self, now: Duration, out: &Sender) -> Result<Step, SourceError> {
        self.now = now;
        if !self.caught_up {
            self.load(out)?;
            return Ok(Step::Worked);
        }
        if !self.pending.is_empty() {
            self.drain_undecided(out)?;
        }
        while let Some(next) = self.pending.pop_front() {
            self.queued.remove(&next.found.stamp.id);
            self.drain_named(&next.found.name, out)?;
            if let Some(file) = self.open(next, out)? {
                self.keep(file);
            }
        }
        for _ in 0..self.tails.len() {
            self.turn = (self.turn + 1) % self.tails.len().max(1);
            if self.serve(self.turn, out)? {
                return Ok(Step::Worked);
            }
        }
        self.let_go(out)?;
        Ok(Step::Idle)
    }

    /// Ends: delivers the last lines that have no newline. What was not read yet is left for the next run.
    ///
    /// # Errors
    /// Only when nobody receives any more.
    pub fn finish(&mut self, out: &Sender) -> Result<(), SourceError> {
        self.tails.extend(self.loading.take());
        while let Some(mut file) = self.tails.pop() {
            if file.tail.packed() {
                // The rotated part of a log is older than what was read of the log: the next run would not look for it.
                while !self.is_log(&file) && self.advance(&mut file, out)? == Advance::More {}
            } else {
                let _ = self.attempt(&mut file, out, |_, f| f.tail.close())?;
                // A rotated file cannot be found again under its name: all of it is read now.
                let here = file.linked && std::fs::metadata(&file.path).is_ok_and(|m| Stamp::of(&m).id == file.id);
                while self.advance(&mut file, out)? == Advance::More && !here {}
                self.last_line(&mut file, out)?;
            }
            self.park(&file);
        }
        Ok(())
    }

    /// The next piece of the first reading.
    fn load(&mut self, out: &Sender) -> Result<(), SourceError> {
        let Some(mut file) = self.loading.take() else { return self.load_next(out) };
        let advance = self.advance(&mut file, out)?;
        let enough = file.tail.position() >= file.until && !file.tail.packed();
        match (advance, self.follow) {
            (Advance::Over, _) => self.park(&file),
            (Advance::More, _) if !enough => self.loading = Some(file),
            (_, Follow::Forever) => self.keep(file),
            (_, Follow::UntilEnd) => {
                self.last_line(&mut file, out)?;
                self.park(&file);
            }
        }
        Ok(())
    }

    fn load_next(&mut self, out: &Sender) -> Result<(), SourceError> {
        self.tell_total(out)?;
        let Some(next) = self.pending.pop_front() else {
            self.caught_up = true;
            return send(out, Message::CaughtUp);
        };
        self.queued.remove(&next.found.stamp.id);
        self.drain_undecided(out)?;
        self.loading = self.open(next, out)?;
        self.tell_total(out)
    }

    /// Does something with a file; a failure is told, and ends only this file.
    fn attempt<T>(
        &mut self,
        file: &mut Followed,
        out: &Sender,
        act: impl FnOnce(&mut Files, &mut Followed) -> std::io::Result<T>,
    ) -> Result<Option<T>, SourceError> {
        match act(self, file) {
            Ok(value) => Ok(Some(value)),
            Err(cause) => {
                let path = file.path.clone();
                let error = SourceError::Unreadable { path: path.clone(), cause };
                self.trouble(&path.to_string_lossy(), &error, Until::OpenedAgain, out)?;
                Ok(None)
            }
        }
    }

    fn tell_total(&mut self, out: &Sender) -> Result<(), SourceError> {
        if self.total_told != Some(self.total) {
            self.total_told = Some(self.total);
            send(out, Message::Total { raw_bytes: self.total })?;
        }
        Ok(())
    }
}

/// Hands a message on.
pub(super) fn send(out: &Sender, message: Message) -> Result<(), SourceError> {
    out.send(message).map_err(|_| SourceError::Closed)
}

/// A chunk that tells only how far a file is done.
fn mark(name: &Arc<str>, checkpoint: Checkpoint) -> Message {
    let offset = checkpoint.offset;
    Message::Chunk(Chunk { source: Arc::clone(name), offset, checkpoint: Some(checkpoint), ..Chunk::default() })
}

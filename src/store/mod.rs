//! The store, as the rest knows it: append batches, answer a view, fetch and export records, retain.
//! SQLite is the first implementation.

pub mod sqlite;

use crate::batch::{Batch, Checkpoint};
use crate::snapshot::{Accounting, Holdings, Record, Snapshot};
use crate::view::{Filter, RecordKey, View, Window};
use std::io::Write;
use std::path::PathBuf;

/// What an append did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Appended {
    /// Events that were new.
    pub accepted: u64,
    /// Events that were there already.
    pub duplicate: u64,
    /// Latest time of an accepted call, µs; 0 without any.
    pub last_us: i64,
}

impl Appended {
    /// Adds another append's counts.
    pub fn add(&mut self, other: Appended) {
        self.accepted += other.accepted;
        self.duplicate += other.duplicate;
        self.last_us = self.last_us.max(other.last_us);
    }
}

/// Why the store could not do something. Messages name the file and say what to do.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The folder or file could not be made or opened.
    #[error("store {path} cannot be opened or made; check its folder, or name another with --store")]
    Io {
        /// The store's path.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// SQLite refused.
    #[error("store {path}: {hint}")]
    Sqlite {
        /// The store's path.
        path: PathBuf,
        /// What happened and what to do.
        hint: String,
        /// What SQLite said.
        source: rusqlite::Error,
    },
    /// Written by a newer version.
    #[error(
        "store {path} was made by a newer llmtop (version {found} of its layout, this program knows {known}); upgrade llmtop, or name another store with --store"
    )]
    Newer {
        /// The store's path.
        path: PathBuf,
        /// Its version.
        found: i64,
        /// The newest this program knows.
        known: i64,
    },
    /// Something else, that must not be written to.
    #[error("{path} is not a store of llmtop; name another with --store")]
    Foreign {
        /// Its path.
        path: PathBuf,
    },
    /// There is nothing to read.
    #[error("store {path} does not exist; fill it with `llmtop ingest FILE`, or name another with --store")]
    Missing {
        /// The store's path.
        path: PathBuf,
    },
    /// A blob does not read.
    #[error("store {path} is damaged ({what}); move it away and ingest the logs again")]
    Damaged {
        /// The store's path.
        path: PathBuf,
        /// What did not read.
        what: String,
    },
    /// A query that is not allowed or does not read.
    #[error("{0}")]
    Query(String),
    /// Nobody wanted the answer any more.
    #[error("cancelled")]
    Cancelled,
    /// The receiver of an export or a query went away or failed.
    #[error("the result cannot be written")]
    Output(#[source] std::io::Error),
}

/// Whether a reading should go on. Asked every few thousand rows.
pub trait Watch {
    /// `true` once nobody wants the answer any more.
    fn cancelled(&self) -> bool {
        false
    }
    /// A partial answer, with `scan.covered` below 1.
    fn partial(&self, _snapshot: &Snapshot) {}
}

/// Never cancels, ignores partial answers.
pub struct Patient;
impl Watch for Patient {}

/// The writing side; one thread owns it.
pub trait Store: Send {
    /// Appends batches in one transaction: rows, rollups, text, counts and checkpoints together or not at all. After an
    /// error the same batches may be appended again.
    fn append(&mut self, batches: &[Batch]) -> Result<Appended, StoreError>;
    /// How far files have been read.
    fn checkpoints(&mut self) -> Result<Vec<Checkpoint>, StoreError>;
    /// Deletes what is older than its age, in µs before `now_us`, then what is too much.
    fn retain(&mut self, keep: Retention, now_us: i64) -> Result<Retained, StoreError>;
    /// Gives unused space back to the file system.
    fn vacuum(&mut self) -> Result<(), StoreError>;
}

/// How long things are kept, µs, and how much; `None` is for ever, and all.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Retention {
    /// Prompts and answers.
    pub text_us: Option<i64>,
    /// Single calls, spans, scores, errors.
    pub rows_us: Option<i64>,
    /// Minute, hour and six-hour rollups, hourly totals of users and sessions. Days stay.
    pub fine_us: Option<i64>,
    /// How large the store may be, bytes. The oldest text goes first, then the oldest rows, then the oldest fine rollups, a
    /// whole hour or day at a time; days and what is newest stay, even if they are more.
    pub size: Option<u64>,
}

/// What was deleted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Retained {
    /// Text blocks.
    pub text_blocks: u64,
    /// Rows of all kinds.
    pub rows: u64,
    /// Rollup blobs.
    pub rollups: u64,
}

/// The reading side; any number of them.
pub trait Reader: Send {
    /// Answers a view.
    fn snapshot(&mut self, view: &View, now_us: i64, watch: &dyn Watch) -> Result<Snapshot, StoreError>;
    /// One call with its text.
    fn record(&mut self, key: RecordKey) -> Result<Option<Record>, StoreError>;
    /// Writes the events of a window as native JSON lines; how many. Spans and scores only where the filter is empty.
    fn export(&mut self, window: Window, now_us: i64, filter: &Filter, out: &mut dyn Write) -> Result<u64, StoreError>;
    /// What the store holds, and the books.
    fn holdings(&mut self) -> Result<(Holdings, Accounting), StoreError>;
}

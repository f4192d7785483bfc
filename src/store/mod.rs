//! The store, as the rest knows it: append batches, answer a view, fetch and export records, retain.
//! SQLite is the first implementation.

pub mod sqlite;

use crate::batch::{Batch, Checkpoint};
use crate::price::Prices;
use crate::snapshot::traces::Story;
use crate::snapshot::{Accounting, Holdings, Record, Snapshot};
use crate::view::{Filter, RecordKey, TraceId, Unit, View, Window};
use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;

/// What an append did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Appended {
    /// Events that were new.
    pub accepted: u64,
    /// Events that were there already.
    pub duplicate: u64,
    /// Events of a time whose single events have been deleted: refused, because nothing tells whether they were there.
    pub expired: u64,
    /// Latest time of an accepted call, µs; 0 without any.
    pub last_us: i64,
}

impl Appended {
    /// Adds another append's counts.
    pub fn add(&mut self, other: Appended) {
        self.accepted += other.accepted;
        self.duplicate += other.duplicate;
        self.expired += other.expired;
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
    /// What was put aside beside the store could not be written or read.
    #[error(
        "store {path}: lines put aside beside it cannot be written or read; free some space, nothing that was committed is lost"
    )]
    Spool {
        /// The store's path.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
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
    /// Puts batches aside on disk, to be appended together with the next ones: lines out of time order are cheaper to
    /// write many at a time. All their calls must have a time of their own.
    fn park(&mut self, batches: &[Batch]) -> Result<(), StoreError>;
    /// How far files have been read.
    fn checkpoints(&mut self) -> Result<Vec<Checkpoint>, StoreError>;
    /// Deletes what is older than its age, in µs before `now_us`, then what is too much.
    fn retain(&mut self, keep: Retention, now_us: i64) -> Result<Retained, StoreError>;
    /// Prices the calls from `since_us` on again, totals included, in one transaction.
    fn reprice(&mut self, prices: &Prices, since_us: i64, mode: Mode) -> Result<Repricing, StoreError>;
    /// Settles what was assigned to the variants of experiments as a whole. Where that is another than before, the
    /// experiment's units are counted anew from the calls that are left; whether any was.
    fn settle(&mut self, units: &[(String, Unit)]) -> Result<bool, StoreError>;
    /// Gives unused space back to the file system.
    fn vacuum(&mut self) -> Result<(), StoreError>;
}

/// Whether a change is made, or only told of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// It is made.
    Apply,
    /// It is told of.
    DryRun,
}

/// What calls of one model came to before and after they were priced again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Change {
    /// Calls that were looked at.
    pub calls: u64,
    /// Calls whose cost is another now.
    pub changed: u64,
    /// Cost of the priced ones before, nano-dollars.
    pub before_nusd: i64,
    /// The same after.
    pub after_nusd: i64,
    /// Calls without a cost before.
    pub unpriced_before: u64,
    /// The same after.
    pub unpriced_after: u64,
}

impl Change {
    /// Adds another's.
    pub fn add(&mut self, other: &Change) {
        self.calls = self.calls.saturating_add(other.calls);
        self.changed = self.changed.saturating_add(other.changed);
        self.before_nusd = self.before_nusd.saturating_add(other.before_nusd);
        self.after_nusd = self.after_nusd.saturating_add(other.after_nusd);
        self.unpriced_before = self.unpriced_before.saturating_add(other.unpriced_before);
        self.unpriced_after = self.unpriced_after.saturating_add(other.unpriced_after);
    }
}

/// What pricing again came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Repricing {
    /// By provider and model.
    pub models: BTreeMap<(Option<String>, Option<String>), Change>,
    /// Calls before this time, µs, have been deleted and keep the cost they had.
    pub gone_us: Option<i64>,
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
    /// Calls `each` with the calls of a window that a filter lets through, oldest first, without their text; how many.
    fn calls(
        &mut self,
        window: Window,
        now_us: i64,
        filter: &Filter,
        each: &mut dyn FnMut(&Record),
    ) -> Result<u64, StoreError>;
    /// The trace or the conversation that an id leads to.
    fn story(&mut self, id: &TraceId) -> Result<Option<Story>, StoreError>;
    /// What the store holds, and the books.
    fn holdings(&mut self) -> Result<(Holdings, Accounting), StoreError>;
}

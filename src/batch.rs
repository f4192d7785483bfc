//! A batch: events of some lines, packed for the store away from the writer's thread. Hashing, dictionary look-ups,
//! sorting and text compression happen here; the writer only inserts.

use crate::event::{Reason, Sink};
use crate::snapshot::Rejected;

/// Identity of a file, and how far it has been read: committed with the rows that came from those bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Checkpoint {
    /// The source's name (path, `stdin`, …), as shown and as stored.
    pub source: String,
    /// Device number.
    pub dev: u64,
    /// Inode number.
    pub ino: u64,
    /// Hash of the first `fingerprint_len` raw bytes of the file.
    pub fingerprint: u64,
    /// How many bytes the fingerprint covers (at most 1,024; fewer while the file is shorter).
    pub fingerprint_len: u32,
    /// Raw bytes of the file that are done: everything before is in the store. For a compressed file it is 0 until the whole
    /// file is done, then its size.
    pub offset: u64,
    /// Hash of the last bytes (at most 1,024) before `offset`: with the first bytes' hash it tells a copy of the same log, or
    /// the same log, from another that only begins alike. 0 where unknown.
    pub tail_fingerprint: u64,
    /// Size of the file when it was last looked at.
    pub size: u64,
    /// Modification time, ns since the epoch, when it was last looked at.
    pub mtime_ns: i64,
}

/// Counts of lines, before the store says which events were new.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LineCounts {
    /// Lines read, plus the further events of lines that held several.
    pub read: u64,
    /// No LLM event.
    pub skipped: u64,
    /// Broken, by reason.
    pub rejected: Vec<(Reason, u64)>,
    /// First examples of broken ones.
    pub examples: Vec<Rejected>,
    /// Bytes read.
    pub bytes: u64,
}

#[allow(dead_code)]
fn _sink_is_object_safe(_: &dyn Sink) {}

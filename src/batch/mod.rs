//! A batch: the events of some lines, packed for the store away from the writer's thread. Hashing, dictionary look-ups,
//! sorting keys and compressing text happen here, so that the single writer only inserts.

mod builder;
mod dict;
mod facts;
mod ids;
mod text;

pub use builder::Builder;
pub use dict::{Attrs, SeriesKey};
pub use facts::{Facts, Id, Measure};
pub use ids::{pack_id, unpack_id};
pub use text::{OpenBlock, TextBlock, TextField};

use crate::event::{Outcome, Reason};
use crate::snapshot::{Rejected, Skipped};

/// Where some bytes stand in a batch's arena; the empty place is unknown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Place {
    at: u32,
    len: u32,
}

impl Place {
    /// Whether there is nothing.
    pub fn is_none(self) -> bool {
        self.len == 0
    }
}

/// One call, packed. Strings are places in the batch's arena or numbers in the builder's dictionaries.
#[derive(Debug, Clone, Copy)]
pub struct CallRow {
    /// When it ended, µs since the epoch.
    pub ts_us: i64,
    /// Hash of its identity.
    pub id: i64,
    /// Its measures and ids (see [`Facts`]).
    pub facts: Place,
    /// Attributes as JSON, where there are too many combinations for the dictionary.
    pub attrs_text: Place,
    /// Number in the builder's dictionary of series.
    pub series: u32,
    /// Number in the builder's dictionary of attributes; [`INLINE`] where `attrs_text` has them.
    pub attrs: u32,
    /// Number of the call's text: block within the batch × [`TextBlock::SLOTS`] + slot; −1 is none.
    pub text: i32,
    /// How it went.
    pub outcome: Outcome,
    /// Whether the event had a time; without one `ts_us` is the time of reading.
    pub timed: bool,
    /// Whether its cost is known.
    pub priced: bool,
}

/// `CallRow::attrs` where the attributes are inline.
pub const INLINE: u32 = u32::MAX;

/// A failed call's message; few calls fail, so these own their text.
#[derive(Debug, Clone)]
pub struct ErrorRow {
    /// The call's number in the batch's `calls`.
    pub call: u32,
    /// The message, at most 8 KiB.
    pub message: Box<str>,
    /// Its template (see `stats::template`).
    pub template: Box<str>,
    /// How long the provider asked to wait, µs.
    pub retry_after_us: Option<i64>,
    /// Whose call it was, for the list of those a failure meets: the call itself is then not read.
    pub user: Option<Box<str>>,
    /// What the provider calls the error.
    pub error_type: Option<Box<str>>,
}

/// A span, whole.
#[derive(Debug, Clone)]
pub struct SpanRow {
    /// Time; the time of reading where the event had none.
    pub ts_us: i64,
    /// Hash of its identity.
    pub id: i64,
    /// Whether the event had a time.
    pub timed: bool,
    /// The event.
    pub span: crate::event::SpanEvent<'static>,
}

/// A score, whole.
#[derive(Debug, Clone)]
pub struct ScoreRow {
    /// Time; the time of reading where the event had none.
    pub ts_us: i64,
    /// Hash of its identity.
    pub id: i64,
    /// Whether the event had a time.
    pub timed: bool,
    /// The event.
    pub score: crate::event::ScoreEvent<'static>,
}

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
    /// Of a compressed file, the unpacked bytes that are done, whole lines: where reading goes on that was interrupted. 0
    /// for plain text.
    pub unpacked: u64,
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
    /// The first of them that is a JSON object.
    pub skipped_like: Option<Skipped>,
    /// Broken, by reason.
    pub rejected: Vec<(Reason, u64)>,
    /// First examples of broken ones.
    pub examples: Vec<Rejected>,
    /// Bytes read.
    pub bytes: u64,
}

impl LineCounts {
    /// How many examples of one reason a batch keeps.
    pub const EXAMPLES: usize = 5;

    /// Counts a line without an event and keeps it as an example if there is none yet.
    pub fn skip(&mut self, example: impl FnOnce() -> Option<Skipped>) {
        self.skipped += 1;
        if self.skipped_like.is_none() {
            self.skipped_like = example();
        }
    }

    /// Counts a broken line and keeps it as an example if there are few yet.
    pub fn reject(&mut self, example: Rejected) {
        let reason = example.reason;
        match self.rejected.iter_mut().find(|(r, _)| *r == reason) {
            Some((_, n)) => *n += 1,
            None => self.rejected.push((reason, 1)),
        }
        if self.examples.iter().filter(|e| e.reason == reason).count() < Self::EXAMPLES {
            self.examples.push(example);
        }
    }
}

/// The events of some lines of one source, packed.
#[derive(Debug, Default)]
pub struct Batch {
    /// Which builder's dictionaries the numbers in it refer to.
    pub builder: u64,
    /// The source's name.
    pub source: String,
    /// Calls in the order of the lines.
    pub calls: Vec<CallRow>,
    /// Bytes that places refer to.
    pub arena: Vec<u8>,
    /// Text of the calls, compressed.
    pub texts: Vec<TextBlock>,
    /// Messages of failed calls, in the order of `calls`.
    pub errors: Vec<ErrorRow>,
    /// Spans.
    pub spans: Vec<SpanRow>,
    /// Scores.
    pub scores: Vec<ScoreRow>,
    /// What gateways know of limits, each with its time, µs.
    pub limits: Vec<(i64, crate::event::LimitEvent)>,
    /// Entries new in the builder's dictionary of series, in the order of their numbers.
    pub new_series: Vec<SeriesKey>,
    /// Number of the first of them.
    pub first_series: u32,
    /// Entries new in the builder's dictionary of attributes, as JSON, in the order of their numbers.
    pub new_attrs: Vec<Box<str>>,
    /// Number of the first of them.
    pub first_attrs: u32,
    /// Latest time of reading, µs.
    pub read_us: i64,
    /// Counts of the lines.
    pub counts: LineCounts,
    /// How far the source is done with these events.
    pub checkpoint: Option<Checkpoint>,
    /// Whether every call is at or after the one before it.
    pub in_order: bool,
}

impl Batch {
    /// The bytes at a place.
    pub fn bytes(&self, place: Place) -> &[u8] {
        self.arena.get(place.at as usize..place.at as usize + place.len as usize).unwrap_or_default()
    }

    /// Adds bytes to the arena; the empty place where 4 GiB of them are in it.
    pub fn put(&mut self, bytes: &[u8]) -> Place {
        let (at, len) = (u32::try_from(self.arena.len()), u32::try_from(bytes.len()));
        let Some(place) = at.ok().zip(len.ok()).map(|(at, len)| Place { at, len }) else { return Place::default() };
        self.arena.extend_from_slice(bytes);
        place
    }

    /// The text at a place.
    pub fn str(&self, place: Place) -> &str {
        std::str::from_utf8(self.bytes(place)).unwrap_or_default()
    }

    /// What is known of a call.
    pub fn facts(&self, row: &CallRow) -> Facts<'_> {
        Facts::read(self.bytes(row.facts)).unwrap_or_default()
    }

    /// About how much memory it takes, bytes.
    pub fn weight(&self) -> usize {
        self.calls.len() * size_of::<CallRow>()
            + self.arena.len()
            + self.texts.iter().map(|t| t.data.len()).sum::<usize>()
            + (self.spans.len() + self.scores.len() + self.limits.len()) * 1_024
            + self.errors.iter().map(|e| e.message.len() + 128).sum::<usize>()
    }
}

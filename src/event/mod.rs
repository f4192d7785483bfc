//! The kinds of events, as borrowed views of one log line, and what became of a line.
//! Plain data and classification only: no parsing, no I/O, no clock.

mod call;
mod failure;
mod limit;

pub use call::{CacheUse, Call, ScoreEvent, ScoreSource, ScoreTarget, SpanEvent, SpanKind, Text};
pub use call::{MAX_COST_NUSD, MAX_TOKENS, first_token_us, output_speed};
pub use failure::{Evidence, FailureMode, Outcome, classify};
pub use limit::LimitEvent;

use crate::listed::listed;

/// Receives the events of a line as a format finds them. Several events may come from one line.
pub trait Sink {
    /// One finished call to a model.
    fn call(&mut self, call: &Call<'_>);
    /// One step of a trace that is no model call.
    fn span(&mut self, span: &SpanEvent<'_>);
    /// One judgement of a call or of a trace.
    fn score(&mut self, score: &ScoreEvent<'_>);
    /// What a gateway knows of a provider's limits; few ask.
    fn limit(&mut self, _: &LimitEvent) {}
}

/// What a line turned out to be; every line read ends in exactly one of these.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Its events went to the sink.
    Taken,
    /// No LLM event: an ordinary log line, an empty line.
    Skipped,
    /// Meant as an event, or as JSON, and broken.
    Rejected(Reason),
}

listed! {
    /// Why a line was rejected. The word is what `report` and the screen print and what the store keeps;
    /// in the order they are shown in.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
    #[repr(u8)]
    pub enum Reason {
        /// JSON that breaks off or does not parse.
        InvalidJson,
        /// Bytes that are not UTF-8.
        InvalidUtf8,
        /// NUL bytes, as a crash leaves them in a preallocated or sparse log.
        NulBytes,
        /// Longer than the limit of a line (64 MiB).
        LineTooLong,
        /// Nested deeper than the limit (128).
        TooDeep,
        /// A field of a known name that holds the wrong type.
        WrongType,
        /// A number that no real call can have: negative, not finite, or beyond the field's range.
        OutOfRange,
        /// A timestamp that is in no known form, or outside 1970–2200.
        BadTimestamp,
        /// The same key twice with different values.
        DuplicateKey,
        /// A score without a name or value, a span without trace id, a call with nothing in it.
        MissingField,
        /// A compressed stream that is broken or cut.
        CorruptStream,
        /// Older than what is kept: retention has deleted the single events of its time, and what was summed up of them
        /// stays, so that this could be counted twice.
        Expired,
    }
}

impl Reason {
    /// The stable word for this reason.
    pub const fn word(self) -> &'static str {
        match self {
            Reason::InvalidJson => "invalid_json",
            Reason::InvalidUtf8 => "invalid_utf8",
            Reason::NulBytes => "nul_bytes",
            Reason::LineTooLong => "line_too_long",
            Reason::TooDeep => "too_deep",
            Reason::WrongType => "wrong_type",
            Reason::OutOfRange => "out_of_range",
            Reason::BadTimestamp => "bad_timestamp",
            Reason::DuplicateKey => "duplicate_key",
            Reason::MissingField => "missing_field",
            Reason::CorruptStream => "corrupt_stream",
            Reason::Expired => "expired",
        }
    }

    /// The reason a stored word stands for.
    pub fn from_word(word: &str) -> Option<Reason> {
        Reason::ALL.into_iter().find(|r| r.word() == word)
    }
}

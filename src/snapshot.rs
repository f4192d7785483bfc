//! What the faces draw and print: one answer to one `View`, plain data, made by the store, computed in one place.
//! Unknown is `None`. Faces derive text from it and nothing else.

mod bill;
pub mod experiments;
mod figures;
mod money;
pub mod quality;
pub mod traces;

pub use bill::{Bill, BillLine, Computed, Invoice};
pub use figures::{Dist, FEW_P95, FEW_P99, Phases, Stats};
pub use money::{BudgetState, Burn, Forecast, Spend, Tasks};

use crate::event::{CacheUse, FailureMode, Outcome, Reason};
use crate::stats::histogram::Histogram;
use crate::units;
use crate::view::{Grouping, Range, RecordKey, View};

/// What a group's key has for values that are not told apart: combinations beyond the bounded number share a total, and
/// this stands for what they differ in. No filter finds it.
pub const OTHER: &str = "(other)";

/// One group of a table.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Group {
    /// The value of each dimension of the grouping; `None` where the calls do not say, [`OTHER`] where they are not told
    /// apart.
    pub key: Vec<Option<String>>,
    /// Its figures in the window.
    pub stats: Stats,
    /// Its figures in the window before.
    pub previous: Stats,
    /// Its chart of counts and sums, if asked for, in steps that may be longer than those of the snapshot's.
    pub points: Vec<Point>,
}

/// One grouping with its groups.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    /// What it is grouped by.
    pub grouping: Grouping,
    /// The first `top` groups in the order of the grouping.
    pub groups: Vec<Group>,
    /// How many groups there are without the `top`.
    pub total: usize,
}

/// One step of a chart over time.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Point {
    /// Its times.
    pub range: Range,
    /// All calls.
    pub calls: u64,
    /// Calls by outcome number.
    pub outcomes: [u64; Outcome::COUNT],
    /// Retries.
    pub retries: Option<i64>,
    /// Tokens in.
    pub input_tokens: Option<i64>,
    /// Tokens out.
    pub output_tokens: Option<i64>,
    /// Nano-dollars.
    pub cost_nusd: Option<i64>,
    /// Latency, µs.
    pub latency_us: Dist,
    /// TTFT, µs.
    pub ttft_us: Dist,
    /// Filled latency buckets (see `stats::histogram`), if asked for.
    pub heat: Vec<(u16, u64)>,
}

/// Charts over time: equal steps that cover the window; the last one may reach past its end.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Chart {
    /// Length of a step, µs; 0 where there is no chart.
    pub step_us: i64,
    /// The steps, oldest first.
    pub points: Vec<Point>,
    /// The window before, in the same steps, if it was asked for.
    pub previous: Vec<Point>,
}

/// A failure mode in the window.
#[derive(Debug, Clone, PartialEq)]
pub struct Failure {
    /// Which.
    pub mode: FailureMode,
    /// Calls that failed so in the window.
    pub calls: u64,
    /// The same in the window before.
    pub previous: u64,
    /// First in the window, µs; the beginning of its minute or day where single calls have been deleted.
    pub first_us: Option<i64>,
    /// Last in the window, µs; the same holds.
    pub last_us: Option<i64>,
    /// Calls per chart step.
    pub trend: Vec<u64>,
    /// Affected models, most first.
    pub models: Vec<(String, u64)>,
    /// Distinct affected users; where `partial`, at least so many.
    pub users: Option<u64>,
    /// Raw error types, most first, of the calls that were read.
    pub error_types: Vec<(String, u64)>,
    /// The newest message.
    pub example: Option<String>,
    /// The call it is from.
    pub example_key: Option<RecordKey>,
    /// Longest `Retry-After` seen, µs.
    pub retry_after_us: Option<u64>,
    /// Whether users, error types and the longest wait are of the newest of its calls alone.
    pub partial: bool,
}

/// Alike messages counted together.
#[derive(Debug, Clone, PartialEq)]
pub struct Cluster {
    /// The message with its variable parts masked.
    pub template: String,
    /// The failure mode of its newest call.
    pub mode: FailureMode,
    /// How many calls.
    pub calls: u64,
    /// First in the window, µs.
    pub first_us: i64,
    /// Last in the window, µs.
    pub last_us: i64,
    /// Affected models, most first.
    pub models: Vec<(String, u64)>,
    /// The newest message.
    pub example: String,
    /// The call it is from.
    pub example_key: RecordKey,
}

/// Clusters, and whether all errors of the window were read for them.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Clusters {
    /// Most calls first.
    pub list: Vec<Cluster>,
    /// Errors read; the newest ones.
    pub read: u64,
    /// Whether there were more than were read.
    pub partial: bool,
}

/// One call with everything the store keeps of it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Record {
    /// When it ended, µs; and the hash of its identity.
    pub ts_us: i64,
    /// Hash of its identity.
    pub id: i64,
    /// Where it was read.
    pub source: Option<String>,
    /// The facts; its cost is what the producer reports.
    pub call: crate::event::Call<'static>,
    /// What it cost, nano-dollars: as reported or as computed, whichever counts.
    pub cost_nusd: Option<i64>,
    /// Whether its text was kept once and has been deleted since.
    pub text_expired: bool,
    /// Why it cost what it cost, where somebody with prices has looked.
    pub bill: Option<Box<Bill>>,
}

impl Record {
    /// Its key.
    pub fn key(&self) -> RecordKey {
        RecordKey { ts_us: self.ts_us, id: self.id }
    }

    /// Its cache use as a word.
    pub fn cache_word(&self) -> Option<&'static str> {
        self.call.cache.map(CacheUse::word)
    }
}

/// A line that was rejected, as an example.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejected {
    /// Where it was read.
    pub source: String,
    /// Byte offset of the line in the uncompressed input.
    pub offset: u64,
    /// Why.
    pub reason: Reason,
    /// The beginning of the line, at most 200 bytes, as it was (hostile: print through the masking writer only).
    pub snippet: String,
}

/// A line that was skipped, as an example.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skipped {
    /// Where it was read.
    pub source: String,
    /// Byte offset of the line in the uncompressed input.
    pub offset: u64,
    /// The names of its fields, as `{"msg","model"}`.
    pub shape: String,
}

/// Everything read, accounted for: `read = accepted + duplicate + skipped + rejected`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Accounting {
    /// Lines read, or events where a line held several.
    pub read: u64,
    /// New in the store.
    pub accepted: u64,
    /// Already in the store.
    pub duplicate: u64,
    /// No LLM event.
    pub skipped: u64,
    /// Broken.
    pub rejected: u64,
    /// Rejected by reason, most first.
    pub reasons: Vec<(Reason, u64)>,
    /// First examples of rejected lines.
    pub examples: Vec<Rejected>,
    /// The first skipped line that is a JSON object.
    pub skipped_like: Option<Skipped>,
    /// Accepted events dated more than five minutes ahead of the reading clock.
    pub future: u64,
    /// Accepted calls without a cost.
    pub unpriced: u64,
}

impl Accounting {
    /// Where lines were read and none was an event: that, what the first looks like, and what an event is, to be told one
    /// after another. Empty otherwise.
    pub fn nothing_taken(&self) -> Vec<String> {
        if self.read == 0 || self.accepted + self.duplicate > 0 {
            return Vec::new();
        }
        let n = units::count;
        let mut told = vec![format!(
            "no event in the {} read: {} skipped, {} rejected",
            if self.read == 1 { "one line".to_owned() } else { format!("{} lines", n(self.read)) },
            n(self.skipped),
            n(self.rejected)
        )];
        if let Some(Skipped { source, offset, shape }) = &self.skipped_like {
            told.push(format!("skipped, for example, {} at byte {}: {shape}", units::clean(source), n(*offset)));
        } else if self.skipped > 0 {
            told.push("none of the skipped lines is a JSON object".to_owned());
        }
        told.push(r#"an event is a JSON object with "event":"llm_call" in it: see Events in the README"#.to_owned());
        told
    }
}

/// A source the store has read from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SourceInfo {
    /// Its name as shown.
    pub name: String,
    /// Lines read from it.
    pub read: u64,
    /// Events taken from it.
    pub accepted: u64,
    /// Bytes read.
    pub bytes: u64,
}

/// What the store holds, whatever the window.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Holdings {
    /// Calls.
    pub calls: u64,
    /// Time of the first and the last call, µs.
    pub bounds: Option<(i64, i64)>,
    /// Sources read.
    pub sources: Vec<SourceInfo>,
    /// Combinations of dimensions, or hosts, that share a total because there were too many. Tables have them under
    /// [`OTHER`] where they differ; filters find them all the same.
    pub folded_series: u64,
}

/// How far the reading of rows went, where rollups could not answer.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Scan {
    /// Whether rows were read for this.
    pub rows: bool,
    /// Share of the window covered, newest first, 0..=1.
    pub covered: f64,
    /// Before this time, µs, single calls of the window have been deleted: what was read of rows leaves them out.
    pub gone_us: Option<i64>,
}

/// One answer.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Snapshot {
    /// The question.
    pub view: View,
    /// When it was made, µs.
    pub now_us: i64,
    /// The window's times.
    pub range: Range,
    /// Accounting of the whole store.
    pub accounting: Accounting,
    /// What the store holds.
    pub holdings: Holdings,
    /// Figures of the window.
    pub totals: Stats,
    /// Figures of the window before.
    pub previous: Stats,
    /// Calls in the window without the filter, where a filter is set.
    pub unfiltered_calls: Option<u64>,
    /// Latency histogram of the window, if asked for.
    pub distribution: Option<Histogram>,
    /// Latency histogram of the window before, if asked for.
    pub previous_distribution: Option<Histogram>,
    /// Charts over time.
    pub chart: Chart,
    /// One table per grouping.
    pub tables: Vec<Table>,
    /// Failure modes, most calls first.
    pub failures: Vec<Failure>,
    /// Clusters of alike messages.
    pub clusters: Clusters,
    /// Newest errors.
    pub errors: Vec<Record>,
    /// Newest records, or a page of older ones.
    pub records: Vec<Record>,
    /// Whether rows had to be read, and how far that went.
    pub scan: Scan,
    /// How the budgets of the view stand, in their order.
    pub budgets: Vec<BudgetState>,
    /// What became of tasks, if asked for; without regard to the filter.
    pub tasks: Option<Tasks>,
    /// What scores and retrievals came to, if asked for.
    pub quality: Option<Box<quality::Quality>>,
    /// Traces or sessions, if asked for.
    pub traces: traces::Traces,
    /// What gateways know of providers' limits at the end of the window, if asked for; the least room first.
    pub headroom: Vec<crate::event::LimitEvent>,
    /// Experiments up to the end of the window, if asked for, whatever the filter; the newest first.
    pub experiments: Vec<experiments::Experiment>,
}

impl Snapshot {
    /// An empty answer, for a face that has none yet.
    pub fn empty(view: View, now_us: i64) -> Snapshot {
        Snapshot { range: view.window.resolve(None, now_us), view, now_us, ..Snapshot::default() }
    }
}

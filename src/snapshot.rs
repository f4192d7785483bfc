//! What the faces draw and print: one answer to one `View`, plain data, made by the store, computed in one place.
//! Unknown is `None`. Faces derive text from it and nothing else.

use crate::event::{CacheUse, FailureMode, Outcome, Reason};
use crate::stats::acc::{Acc, Sum};
use crate::stats::histogram::Histogram;
use crate::view::{Grouping, Range, RecordKey, View};

/// Percentiles, maximum and mean of one measure, in its own unit (µs, or tokens per second).
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Dist {
    /// How many calls had the measure.
    pub count: u64,
    /// Median.
    pub p50: Option<f64>,
    /// 90th percentile.
    pub p90: Option<f64>,
    /// 95th percentile.
    pub p95: Option<f64>,
    /// 99th percentile.
    pub p99: Option<f64>,
    /// Exact maximum.
    pub max: Option<f64>,
    /// Exact mean.
    pub mean: Option<f64>,
}

impl Dist {
    /// Reads a histogram whose values are `scale` times the unit wanted.
    pub fn of(hist: &Histogram, scale: f64) -> Dist {
        let q = |q| hist.quantile(q).map(|v| v as f64 / scale);
        Dist {
            count: hist.count(),
            p50: q(0.50),
            p90: q(0.90),
            p95: q(0.95),
            p99: q(0.99),
            max: hist.max().map(|v| v as f64 / scale),
            mean: hist.mean().map(|v| v / scale),
        }
    }
}

/// The figures of a set of calls.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Stats {
    /// All calls.
    pub calls: u64,
    /// Failed calls.
    pub errors: u64,
    /// Calls that ended in a rate limit; part of the errors.
    pub rate_limited: u64,
    /// Calls by outcome number, see [`Outcome::number`].
    pub outcomes: [u64; Outcome::COUNT],
    /// Retries made.
    pub retries: Option<i64>,
    /// Tokens in, cached included.
    pub input_tokens: Option<i64>,
    /// Tokens out, reasoning included.
    pub output_tokens: Option<i64>,
    /// Cached part of the input.
    pub cached_input_tokens: Option<i64>,
    /// Tokens written to the provider's cache.
    pub cache_write_tokens: Option<i64>,
    /// Reasoning part of the output.
    pub reasoning_tokens: Option<i64>,
    /// Cost of the priced calls, nano-dollars.
    pub cost_nusd: Option<i64>,
    /// Calls whose cost is unknown.
    pub unpriced_calls: u64,
    /// Latency, µs.
    pub latency_us: Dist,
    /// Time to first token, µs.
    pub ttft_us: Dist,
    /// Output speed, tokens per second.
    pub output_tokens_per_s: Dist,
    /// Where the time went, summed, µs.
    pub phases: Phases,
}

/// Where the time of calls went, summed over the calls that say so, µs.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Phases {
    /// Waiting before being sent.
    pub queue_us: Option<i64>,
    /// On the network.
    pub network_us: Option<i64>,
    /// From the end of queue and network until the first token.
    pub first_token_us: Option<i64>,
    /// From the first to the last token.
    pub generation_us: Option<i64>,
}

impl Stats {
    /// The figures of an accumulator: the only way figures are made.
    pub fn of(acc: &Acc) -> Stats {
        Stats {
            calls: acc.calls(),
            errors: acc.errors(),
            rate_limited: acc.rate_limited(),
            outcomes: acc.outcomes(),
            retries: acc.sum(Sum::Retries),
            input_tokens: acc.sum(Sum::Input),
            output_tokens: acc.sum(Sum::Output),
            cached_input_tokens: acc.sum(Sum::CachedInput),
            cache_write_tokens: acc.sum(Sum::CacheWrite),
            reasoning_tokens: acc.sum(Sum::Reasoning),
            cost_nusd: acc.sum(Sum::Cost),
            unpriced_calls: acc.unpriced,
            latency_us: Dist::of(&acc.latency, 1.0),
            ttft_us: Dist::of(&acc.ttft, 1.0),
            output_tokens_per_s: Dist::of(&acc.speed, 1_000.0),
            phases: Phases {
                queue_us: acc.sum(Sum::Queue),
                network_us: acc.sum(Sum::Network),
                first_token_us: acc.sum(Sum::FirstToken),
                generation_us: acc.sum(Sum::Generation),
            },
        }
    }

    /// Failed calls as a share of all, 0..=1; `None` without calls.
    pub fn error_rate(&self) -> Option<f64> {
        (self.calls > 0).then(|| self.errors as f64 / self.calls as f64)
    }

    /// Rate-limited calls as a share of all, 0..=1; `None` without calls.
    pub fn rate_limit_rate(&self) -> Option<f64> {
        (self.calls > 0).then(|| self.rate_limited as f64 / self.calls as f64)
    }
}

/// One group of a table.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Group {
    /// The value of each dimension of the grouping; `None` where the calls do not say.
    pub key: Vec<Option<String>>,
    /// Its figures in the window.
    pub stats: Stats,
    /// Its figures in the window before.
    pub previous: Stats,
    /// Its chart of counts and sums, if asked for, with the same times as the snapshot's.
    pub points: Vec<Point>,
}

/// One grouping with its groups, most calls first.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    /// What it is grouped by.
    pub grouping: Grouping,
    /// The groups, most calls first, `top` of them.
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
    /// First in the window, µs.
    pub first_us: Option<i64>,
    /// Last in the window, µs.
    pub last_us: Option<i64>,
    /// Calls per chart step.
    pub trend: Vec<u64>,
    /// Affected models, most first.
    pub models: Vec<(String, u64)>,
    /// Distinct affected users among the newest errors read.
    pub users: Option<u64>,
    /// Raw error types, most first.
    pub error_types: Vec<(String, u64)>,
    /// The newest message.
    pub example: Option<String>,
    /// The call it is from.
    pub example_key: Option<RecordKey>,
    /// Longest `Retry-After` seen, µs.
    pub retry_after_us: Option<u64>,
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
    /// The facts.
    pub call: crate::event::Call<'static>,
    /// Whether its text was kept once and has been deleted since.
    pub text_expired: bool,
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
    /// Accepted events dated more than five minutes ahead of the reading clock.
    pub future: u64,
    /// Accepted calls without a cost.
    pub unpriced: u64,
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
    /// Dimension combinations that were folded into `other` because there were too many.
    pub folded_series: u64,
}

/// How far the reading of rows went, where rollups could not answer.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Scan {
    /// Whether rows were read for this.
    pub rows: bool,
    /// Share of the window covered, newest first, 0..=1.
    pub covered: f64,
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
}

impl Snapshot {
    /// An empty answer, for a face that has none yet.
    pub fn empty(view: View, now_us: i64) -> Snapshot {
        Snapshot { range: view.window.resolve(None, now_us), view, now_us, ..Snapshot::default() }
    }
}

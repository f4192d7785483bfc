//! The figures of a set of calls, read out of an accumulator, and those of a group that it is ranked by.

use super::Group;
use super::money::known;
use crate::event::Outcome;
use crate::stats::acc::{Acc, Sum};
use crate::stats::histogram::Histogram;
use crate::view::Measure;

/// Fewer values than this make a 95th percentile a guess.
pub const FEW_P95: u64 = 20;
/// Fewer values than this make a 99th percentile a guess.
pub const FEW_P99: u64 = 100;

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
    /// Cost of answers that were cut at the limit of their length (`finish_reason` length), nano-dollars.
    pub truncated_nusd: Option<i64>,
    /// What earlier attempts of retried calls cost at most, nano-dollars: each as much as the last one.
    pub retried_nusd: Option<i64>,
    /// What the providers' prompt caches saved, net of what writing to them cost more, nano-dollars; may be negative.
    pub cache_saved_nusd: Option<i64>,
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
            truncated_nusd: acc.part(Sum::Truncated),
            retried_nusd: acc.part(Sum::Retried),
            cache_saved_nusd: acc.part(Sum::CacheSaved),
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

    /// What all calls came to as far as anything is known, as [`super::Spend::known`] has it.
    pub fn known_nusd(&self) -> Option<i64> {
        known(self.cost_nusd, self.calls, self.unpriced_calls)
    }

    /// What is known of the cost over all calls, nano-dollars: where some have no price the mean is more than that. `None`
    /// where nothing is known.
    pub fn cost_per_call(&self) -> Option<f64> {
        self.known_nusd().filter(|_| self.calls > 0).map(|cost| cost as f64 / self.calls as f64)
    }

    /// Rate-limited calls as a share of all, 0..=1; `None` without calls.
    pub fn rate_limit_rate(&self) -> Option<f64> {
        (self.calls > 0).then(|| self.rate_limited as f64 / self.calls as f64)
    }
}

impl Group {
    /// The figure that a measure names; `None` where it is unknown, or a percentile of too few calls.
    pub fn measure(&self, which: Measure) -> Option<f64> {
        let Stats { calls, errors: _, rate_limited, latency_us, ttft_us, .. } = &self.stats;
        let whole = |n: Option<i64>| n.map(|n| n as f64);
        match which {
            Measure::Calls => Some(*calls as f64),
            Measure::ErrorRate => self.stats.error_rate(),
            Measure::RateLimited => Some(*rate_limited as f64),
            Measure::RateLimitRate => self.stats.rate_limit_rate(),
            Measure::Retries => whole(self.stats.retries),
            Measure::P50 => latency_us.p50,
            Measure::P95 => sound_p95(latency_us),
            Measure::P95Change => {
                let before = sound_p95(&self.previous.latency_us).filter(|before| *before > 0.0)?;
                Some(sound_p95(latency_us)? / before)
            }
            Measure::P99 => latency_us.p99.filter(|_| latency_us.count >= FEW_P99),
            Measure::Longest => latency_us.max,
            Measure::Ttft => sound_p95(ttft_us),
            Measure::Speed => self.stats.output_tokens_per_s.p50,
            Measure::Input => whole(self.stats.input_tokens),
            Measure::Output => whole(self.stats.output_tokens),
            Measure::Cost => whole(self.stats.cost_nusd),
            Measure::CostPerCall => self.stats.cost_per_call(),
        }
    }
}

fn sound_p95(dist: &Dist) -> Option<f64> {
    dist.p95.filter(|_| dist.count >= FEW_P95)
}

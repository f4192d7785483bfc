//! `llm_limit`: what a gateway knows of a provider's limits at a moment, by upstream, key and model. The newest one counts.

use serde::{Deserialize, Serialize};

/// How much of a provider's limits is left, as far as it is known, and what waits for it. Unknown is `None`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct LimitEvent {
    /// When that was so, µs since the Unix epoch.
    #[serde(skip)]
    pub ts_us: Option<i64>,
    /// Whom it calls.
    pub upstream: String,
    /// Which of its keys, by number, or whose, by a hash; empty where there is none.
    pub key: String,
    /// The model; empty where calls name none.
    pub model: String,
    /// Calls sent in the last minute.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requests_per_minute: Option<u64>,
    /// Tokens used in the last minute.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tokens_per_minute: Option<u64>,
    /// So many calls at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requests_limit: Option<u64>,
    /// Of those, so many are left.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requests_remaining: Option<u64>,
    /// So many tokens at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tokens_limit: Option<u64>,
    /// Of those, so many are left.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tokens_remaining: Option<u64>,
    /// So many input tokens at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input_tokens_limit: Option<u64>,
    /// Of those, so many are left.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input_tokens_remaining: Option<u64>,
    /// So many output tokens at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output_tokens_limit: Option<u64>,
    /// Of those, so many are left.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output_tokens_remaining: Option<u64>,
    /// The next 429 would come in so many ms at the present rate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_429_ms: Option<u64>,
    /// A 429 asked to stay away for so many ms more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub closed_ms: Option<u64>,
    /// Calls that wait.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub queue_calls: Option<u64>,
    /// The first of them has waited so many ms.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub queue_ms: Option<u64>,
}

impl LimitEvent {
    /// What is limited: its word, the limit, what is left of it.
    pub fn limits(&self) -> [(&'static str, Option<u64>, Option<u64>); 4] {
        [
            ("requests", self.requests_limit, self.requests_remaining),
            ("tokens", self.tokens_limit, self.tokens_remaining),
            ("input tokens", self.input_tokens_limit, self.input_tokens_remaining),
            ("output tokens", self.output_tokens_limit, self.output_tokens_remaining),
        ]
    }

    /// The share that is left of the limit that has the least left, 0..=1.
    pub fn headroom(&self) -> Option<f64> {
        let share = |(_, limit, left): (_, Option<u64>, Option<u64>)| {
            let limit = limit.filter(|limit| *limit > 0)?;
            Some((left? as f64 / limit as f64).min(1.0))
        };
        self.limits().into_iter().filter_map(share).min_by(f64::total_cmp)
    }

    /// Whether anything is known of its limits, or anything waits.
    pub fn says_something(&self) -> bool {
        self.limits().iter().any(|(_, limit, left)| limit.or(*left).is_some())
            || self.closed_ms.is_some()
            || self.queue_calls.is_some_and(|calls| calls > 0)
    }
}

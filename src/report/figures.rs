//! The figures of a set of calls under their public names, made once for every machine-readable form. Times are in ms,
//! money in dollars, shares in 0..=1; unknown is null.

use crate::snapshot::{Dist, Stats};
use serde_json::{Map, Value, json};

/// The figures as a JSON object.
pub(super) fn figures(stats: &Stats) -> Map<String, Value> {
    let list = [
        ("calls", json!(stats.calls)),
        ("errors", json!(stats.errors)),
        ("error_rate", json!(stats.error_rate())),
        ("rate_limited", json!(stats.rate_limited)),
        ("rate_limit_rate", json!(stats.rate_limit_rate())),
        ("retries", json!(stats.retries)),
        ("input_tokens", json!(stats.input_tokens)),
        ("output_tokens", json!(stats.output_tokens)),
        ("cached_input_tokens", json!(stats.cached_input_tokens)),
        ("cache_write_tokens", json!(stats.cache_write_tokens)),
        ("reasoning_tokens", json!(stats.reasoning_tokens)),
        ("cost_usd", json!(stats.cost_nusd.map(|nano| nano as f64 / 1e9))),
        ("unpriced_calls", json!(stats.unpriced_calls)),
        ("latency_ms", distribution(&stats.latency_us, 1_000.0)),
        ("ttft_ms", distribution(&stats.ttft_us, 1_000.0)),
        ("output_tokens_per_s", distribution(&stats.output_tokens_per_s, 1.0)),
    ];
    list.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// What money came to beyond costs. What earlier attempts cost is told at its most: each as much as the last one.
pub(super) fn money(stats: &Stats) -> Map<String, Value> {
    let usd = |nano: Option<i64>| json!(nano.map(|nano| nano as f64 / 1e9));
    let list = [
        ("truncated_usd", usd(stats.truncated_nusd)),
        ("retried_at_most_usd", usd(stats.retried_nusd)),
        ("cache_saved_usd", usd(stats.cache_saved_nusd)),
    ];
    list.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

fn distribution(dist: &Dist, per: f64) -> Value {
    let value = |value: Option<f64>| value.map(|value| value / per);
    json!({
        "p50": value(dist.p50),
        "p90": value(dist.p90),
        "p95": value(dist.p95),
        "p99": value(dist.p99),
        "max": value(dist.max),
        "mean": value(dist.mean),
    })
}

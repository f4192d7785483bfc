//! Waiting before a provider's limits instead of running into them: what its answers tell goes into the limits, and calls
//! stand in a fair queue before those.

use super::bucket::{Quota, Refill};
use super::clock;
use super::headers;
use super::identity::short_hash;
use super::limit::{Cost, Heard, Lane, Limits, Measure, Sent};
use super::metrics::{escaped, head};
use super::queue::{Admitted, Bounds, Overflow, Queue};
use super::record::Record;
use super::target::Target;
use crate::provider::limits;
use http::{HeaderMap, StatusCode};
use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;

/// The limits and the queue before them.
pub struct Throttle {
    limits: Arc<Limits>,
    queue: Arc<Queue>,
}

/// More models and keys than this are not told apart by figures.
const MOST_FIGURES: usize = 100;

impl Throttle {
    /// Nothing is known yet.
    pub fn new(bounds: Bounds) -> Throttle {
        let limits = Arc::<Limits>::default();
        Throttle { queue: Queue::new(bounds, Arc::clone(&limits), clock::now), limits }
    }

    /// Waits until a call may go.
    ///
    /// # Errors
    /// Where there is no room for it, or it would take too long.
    pub async fn enter(&self, lane: &Lane, record: &Record) -> Result<Admitted, Overflow> {
        let user = record.identity.user.as_deref().unwrap_or_default();
        let input = record.asked.text_chars.div_ceil(4) as u64;
        let cost = Cost { input, output: record.asked.max_tokens.unwrap_or(0) };
        self.queue.enter(lane, user, cost).await
    }

    /// What the head of an answer tells; `wait` is how long a 429 asks to stay away.
    pub fn heard(
        &self,
        (lane, sent): (&Lane, &Sent),
        (status, headers): (StatusCode, &HeaderMap),
        wait: Option<Duration>,
    ) {
        let told = told(headers);
        if !told.is_known() && wait.is_none() {
            return;
        }
        let now = clock::now();
        if told.is_known() {
            let at = (now, clock::now_us());
            let quota = |quota: limits::Quota| {
                let limit =
                    Quota { limit: quota.limit, remaining: quota.remaining, reset_at: None, refill: Refill::Steadily };
                quota.is_known().then(|| limit.with_reset_us(quota.reset_at_us, at))
            };
            let heard: Heard = [told.requests, told.tokens, told.input_tokens, told.output_tokens].map(quota);
            self.limits.heard(lane, sent, &heard, now);
        }
        if status == StatusCode::TOO_MANY_REQUESTS
            && let Some(wait) = wait
        {
            self.limits.close(lane, wait, now);
        }
        self.queue.look_again(lane);
    }

    /// A call that never went.
    pub fn take_back(&self, lane: &Lane, sent: &Sent) {
        self.limits.take_back(lane, sent, clock::now());
        self.queue.look_again(lane);
    }

    /// What is known, for Prometheus.
    pub fn write(&self, out: &mut String) {
        const WORDS: [&str; Measure::ALL.len()] = ["requests", "tokens", "input_tokens", "output_tokens"];
        let now = clock::now();
        let figures: Vec<_> = self.limits.figures(now).into_iter().take(MOST_FIGURES).collect();
        let labels = |lane: &Lane| {
            let [upstream, key, model] = [&lane.upstream, &lane.key, &lane.model].map(|text| escaped(text));
            format!("upstream=\"{upstream}\",key=\"{key}\",gen_ai_request_model=\"{model}\"")
        };
        head(out, "llmtop_proxy_limit_remaining", "gauge", "What is left of a provider's limit, as far as it is known");
        for figure in &figures {
            for (left, word) in figure.left.iter().zip(WORDS) {
                if let Some(left) = left {
                    let labels = labels(&figure.lane);
                    let _ =
                        writeln!(out, "llmtop_proxy_limit_remaining{{{labels},limit=\"{word}\"}} {}", left.remaining);
                }
            }
        }
        head(out, "llmtop_proxy_next_429_seconds", "gauge", "When the next 429 would come at the present rate");
        for figure in &figures {
            if let Some(at) = figure.next_429 {
                let seconds = at.saturating_duration_since(now).as_secs_f64();
                let _ = writeln!(out, "llmtop_proxy_next_429_seconds{{{}}} {seconds}", labels(&figure.lane));
            }
        }
        let depths = self.queue.depths();
        head(out, "llmtop_proxy_queue_calls", "gauge", "Calls that wait for capacity");
        for depth in &depths {
            let _ = writeln!(out, "llmtop_proxy_queue_calls{{{}}} {}", labels(&depth.lane), depth.calls);
        }
        head(out, "llmtop_proxy_queue_longest_seconds", "gauge", "How long the first of them has waited");
        for depth in &depths {
            let seconds = depth.longest.as_secs_f64();
            let _ = writeln!(out, "llmtop_proxy_queue_longest_seconds{{{}}} {seconds}", labels(&depth.lane));
        }
    }
}

/// What the headers of an answer tell. Every dialect has the word in its names; most upstreams of one's own tell nothing.
fn told(headers: &HeaderMap) -> limits::Limits {
    let is_about_limits = |name: &http::HeaderName| {
        let name = name.as_str();
        name.contains("ratelimit") || name.contains("rate-limit")
    };
    if !headers.keys().any(is_about_limits) {
        return limits::Limits::default();
    }
    limits::limits(&|name| headers::text(headers, name), clock::now_us())
}

/// What a call's limits are kept by: the upstream, its key or the client's by its hash, and the model.
pub fn lane(target: &Target, key: Option<&[u8]>, model: Option<&str>) -> Lane {
    let key = match (target.key(), key) {
        (Some(_), _) => format!("{}", target.key_number + 1),
        (None, Some(key)) => short_hash(key),
        (None, None) => String::new(),
    };
    Lane { upstream: target.upstream.name.as_str().into(), key: key.into(), model: model.unwrap_or_default().into() }
}

//! Waiting before a provider's limits instead of running into them: what its answers tell goes into the limits, and calls
//! stand in a fair queue before those.

use super::bucket::{Quota, Refill};
use super::clock::{self, micros};
use super::headers;
use super::limit::{Cost, Headroom, Heard, Lane, Left, Limits, Measure, Sent};
use super::metrics::{escaped, head};
use super::queue::{Admitted, Bounds, Depth, Overflow, Queue, Wants};
use super::record::Record;
use super::target::Place;
use super::turns::Who;
use crate::event::LimitEvent;
use crate::provider::{Usage, limits};
use http::{HeaderMap, StatusCode};
use std::fmt::Write;
use std::sync::Arc;
use std::time::{Duration, Instant};

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

    /// Lets a call go that may go at once.
    pub fn try_enter(&self, lane: &Lane, record: &Record) -> Option<Sent> {
        self.queue.try_enter(lane, wants(record).cost)
    }

    /// Whether a call may go at once, as far as is known.
    pub fn has_room(&self, lane: &Lane, record: &Record) -> bool {
        self.expected(lane, record).is_zero()
    }

    /// How long a call would wait, as far as is known.
    pub fn expected(&self, lane: &Lane, record: &Record) -> Duration {
        self.queue.expected(lane, wants(record))
    }

    /// Waits until a call may go.
    ///
    /// # Errors
    /// Where there is no room for it, or it would take too long.
    pub async fn enter(&self, lane: &Lane, record: &Record) -> Result<Admitted, Overflow> {
        self.queue.enter(lane, wants(record), record.until).await
    }

    /// What the head of an answer tells; `wait` is how long a 429 asks to stay away.
    pub fn heard(
        &self,
        (lane, sent): (&Lane, &Sent),
        (status, headers): (StatusCode, &HeaderMap),
        wait: Option<Duration>,
    ) {
        if wait.is_none() && !are_told(headers) {
            return;
        }
        let now = clock::now();
        if let Some(heard) = told(headers, (now, clock::now_us())) {
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

    /// What will count the tokens of a call.
    pub fn meter(&self, lane: &Lane) -> Meter {
        Meter { limits: Arc::clone(&self.limits), lane: lane.clone() }
    }

    /// What is known of all limits at present.
    pub fn told(&self) -> Vec<LimitEvent> {
        let (now, now_us) = (clock::now(), clock::now_us());
        let depths = self.queue.depths();
        let told = |figure: Headroom| {
            let depth = depths.iter().find(|depth| depth.lane == figure.lane);
            LimitEvent { ts_us: Some(now_us), ..told_of(&figure, depth, now) }
        };
        self.limits.figures(now).into_iter().map(told).filter(LimitEvent::says_something).take(MOST_FIGURES).collect()
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

fn told_of(figure: &Headroom, depth: Option<&Depth>, now: Instant) -> LimitEvent {
    let [requests, tokens, input, output] = figure.left;
    let (limit, left) =
        (|of: Option<Left>| of.and_then(|left| left.limit), |of: Option<Left>| of.map(|left| left.remaining));
    let until = |at: Option<Instant>| at.map(|at| micros(at.saturating_duration_since(now)) / 1_000);
    LimitEvent {
        ts_us: None,
        upstream: figure.lane.upstream.to_string(),
        key: figure.lane.key.to_string(),
        model: figure.lane.model.to_string(),
        requests_per_minute: Some(figure.requests_per_minute),
        tokens_per_minute: Some(figure.tokens_per_minute),
        requests_limit: limit(requests),
        requests_remaining: left(requests),
        tokens_limit: limit(tokens),
        tokens_remaining: left(tokens),
        input_tokens_limit: limit(input),
        input_tokens_remaining: left(input),
        output_tokens_limit: limit(output),
        output_tokens_remaining: left(output),
        next_429_ms: until(figure.next_429),
        closed_ms: until(figure.closed_until),
        queue_calls: depth.map(|depth| depth.calls as u64),
        queue_ms: depth.map(|depth| micros(depth.longest) / 1_000),
    }
}

/// Whether anything is told of limits: most upstreams of one's own tell nothing.
fn are_told(headers: &HeaderMap) -> bool {
    headers.keys().any(|name| is_of_limits(name.as_str()))
}

fn is_of_limits(name: &str) -> bool {
    name.contains("ratelimit") || name.contains("rate-limit")
}

/// What the headers of an answer tell. Every dialect has the word in its names; most upstreams of one's own tell nothing.
fn told(headers: &HeaderMap, at: (Instant, i64)) -> Option<Heard> {
    let names = || headers.keys().map(http::HeaderName::as_str).filter(|name| is_of_limits(name));
    let of = |refill: Refill| {
        if !names().any(|name| refill_of(headers, name) == refill) {
            return [None; 4];
        }
        let get = |name: &str| headers::text(headers, name).filter(|_| refill_of(headers, name) == refill);
        let told = limits::limits(&get, at.1);
        [told.requests, told.tokens, told.input_tokens, told.output_tokens].map(|quota| {
            let limit = Quota { limit: quota.limit, remaining: quota.remaining, reset_at: None, refill };
            quota.is_known().then(|| limit.with_reset_us(quota.reset_at_us, at))
        })
    };
    let (steady, windows) = (of(Refill::Steadily), of(Refill::AtReset));
    let mut heard = steady;
    for (heard, window) in heard.iter_mut().zip(windows) {
        let left = |quota: &Option<Quota>| quota.and_then(|quota| quota.remaining).unwrap_or(u64::MAX);
        if heard.is_none() || window.is_some() && left(&window) < left(heard) {
            *heard = window;
        }
    }
    heard.iter().any(Option::is_some).then_some(heard)
}

/// How a limit comes back, by the header that tells of it. Those of OpenAI, whose resets are lengths of time (`6m0s`), and of
/// Anthropic (what is missing of 200000 tokens a minute is told to be there in as many minutes) are token buckets. What
/// names its window, or has no name, or tells its reset as a bare number, is a window that comes back as a whole.
fn refill_of(headers: &HeaderMap, name: &str) -> Refill {
    if name.starts_with("anthropic-") {
        return Refill::Steadily;
    }
    let parts = ["x-ratelimit-limit-", "x-ratelimit-remaining-", "x-ratelimit-reset-"];
    let Some(word) = parts.iter().find_map(|part| name.strip_prefix(part)) else { return Refill::AtReset };
    let is_window = ["-minute", "-hour", "-day"].iter().any(|window| word.ends_with(window));
    let reset = || headers::text(headers, &format!("x-ratelimit-reset-{word}"));
    if is_window || reset().is_some_and(|reset| reset.parse::<f64>().is_ok()) {
        return Refill::AtReset;
    }
    Refill::Steadily
}

/// What a call needs before limits, and whose it is.
fn wants(record: &Record) -> Wants<'_> {
    let user = record.identity.user.as_deref().unwrap_or_default();
    let input = record.asked.text_chars.div_ceil(4) as u64;
    let cost = Cost { input, output: record.asked.max_tokens.unwrap_or(0) };
    Wants { who: Who { owner: &record.identity.owner, user }, cost }
}

/// Counts the tokens of a call against the limits it fell under.
pub struct Meter {
    limits: Arc<Limits>,
    lane: Lane,
}

impl Meter {
    /// What its answer says that it took.
    pub fn used(&self, usage: &Usage, now: Instant) {
        if usage.is_known() {
            let cost = Cost { input: usage.input.unwrap_or(0), output: usage.output.unwrap_or(0) };
            self.limits.used(&self.lane, cost, now);
        }
    }
}

/// What a call's limits are kept by: the upstream, its key or the client's by its hash, and the model.
pub fn lane(place: &Place, key: impl FnOnce() -> Option<String>, model: Option<&str>) -> Lane {
    let key = match place.key() {
        Some(_) => format!("{}", place.key_number + 1),
        None => key().unwrap_or_default(),
    };
    Lane { upstream: place.upstream.name.as_str().into(), key: key.into(), model: model.unwrap_or_default().into() }
}

#[cfg(test)]
mod tests;

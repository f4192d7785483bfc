//! Calls made up for tests: few values of each dimension, often none, and times that love the edges of buckets.

use super::Rng;
use serde_json::{Map, Value, json};

/// 2026-03-02T00:00:00Z, µs since the epoch.
pub const START_US: i64 = 1_772_409_600_000_000;
/// µs.
pub const MINUTE: i64 = 60_000_000;
/// µs.
pub const HOUR: i64 = 60 * MINUTE;
/// µs.
pub const DAY: i64 = 24 * HOUR;

/// A call as the tests know it, beside the store and its types.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Event {
    pub ts_us: i64,
    pub source: &'static str,
    pub request_id: Option<String>,
    pub trace_id: Option<String>,
    pub user: Option<String>,
    pub session: Option<String>,
    pub provider: Option<String>,
    pub model: Option<String>,
    pub operation: Option<String>,
    pub host: Option<String>,
    pub app: Option<String>,
    pub environment: Option<String>,
    pub variant: Option<String>,
    pub tags: Vec<&'static str>,
    /// The failure mode; `None` is success.
    pub failure: Option<&'static str>,
    pub message: Option<String>,
    pub input_tokens: Option<u64>,
    pub output_tokens: Option<u64>,
    pub cached_input_tokens: Option<u64>,
    pub cache_write_tokens: Option<u64>,
    pub reasoning_tokens: Option<u64>,
    pub latency_us: Option<u64>,
    pub ttft_us: Option<u64>,
    pub cost_nusd: Option<i64>,
    pub retries: Option<u64>,
    pub preview: Option<String>,
}

/// Failure modes with what a producer would say.
const FAILURES: &[(&str, &[(&str, &str)])] = &[
    ("rate_limit", &[("http_status", "429"), ("error_message", "\"Rate limit reached for org-17\"")]),
    ("rate_limit", &[("error_type", "\"rate_limit_exceeded\""), ("status", "\"error\"")]),
    ("timeout", &[("status", "\"timeout\"")]),
    ("server_error", &[("http_status", "500"), ("error_message", "\"The server had an error\"")]),
    ("overloaded", &[("http_status", "529")]),
    ("auth", &[("http_status", "401"), ("error_type", "\"invalid_api_key\"")]),
    ("context_length", &[("error_type", "\"context_length_exceeded\""), ("http_status", "400")]),
    ("unknown", &[("status", "\"error\"")]),
];

fn maybe(rng: &mut Rng, percent: u64, list: &[&str]) -> Option<String> {
    rng.chance(percent).then(|| (*rng.pick(list)).to_owned())
}

/// A time in some days from [`START_US`]: every other one at an edge of a minute, an hour or a day, or beside it.
pub fn time(rng: &mut Rng, days: i64) -> i64 {
    let any = START_US + rng.below((days * DAY) as u64) as i64;
    let edge = *rng.pick(&[1, MINUTE, HOUR, 6 * HOUR, DAY]);
    if rng.chance(50) { any.div_euclid(edge) * edge + *rng.pick(&[-1, 0, 0, 1]) } else { any }
}

/// A call with the number `n` at a time.
pub fn event(rng: &mut Rng, n: u64, ts_us: i64) -> Event {
    let failure = rng.chance(20).then(|| rng.pick(FAILURES).0);
    let magnitude = 11 + rng.below(16);
    let latency_us = rng.chance(85).then(|| 1_000 + rng.below(1 << magnitude));
    Event {
        ts_us,
        source: if rng.chance(50) { "a.log" } else { "b.log" },
        request_id: Some(match n % 3 {
            0 => format!("req-{n}"),
            1 => format!("{n:08x}-0000-4000-8000-{n:012x}"),
            _ => format!("{n:032x}"),
        }),
        trace_id: rng.chance(50).then(|| format!("{:032x}", n / 3)),
        user: maybe(rng, 80, &["u_1", "u_2", "U_3", "u_3", "caf\u{e9}", "123e4567-e89b-12d3-a456-426614174000"]),
        session: rng.chance(60).then(|| format!("s-{}", n / 7)),
        provider: maybe(rng, 90, &["openai", "anthropic", "azure"]),
        model: maybe(rng, 90, &["gpt-4o", "gpt-4o-mini", "claude-sonnet-4", "o3"]),
        operation: maybe(rng, 50, &["chat", "embeddings"]),
        host: maybe(rng, 70, &["web-1", "web-2", "worker-1"]),
        app: maybe(rng, 50, &["support", "search"]),
        environment: maybe(rng, 60, &["prod", "staging"]),
        variant: maybe(rng, 40, &["control", "short"]),
        tags: ["rag", "beta"].into_iter().filter(|_| rng.chance(30)).collect(),
        failure,
        message: None,
        input_tokens: rng.chance(90).then(|| rng.below(9_000)),
        output_tokens: rng.chance(85).then(|| rng.below(900)),
        cached_input_tokens: rng.chance(40).then(|| rng.below(500)),
        cache_write_tokens: rng.chance(20).then(|| rng.below(500)),
        reasoning_tokens: rng.chance(20).then(|| rng.below(300)),
        latency_us,
        ttft_us: latency_us.filter(|_| rng.chance(60)).map(|l| l * (1 + rng.below(11)) / 10),
        cost_nusd: rng.chance(70).then(|| rng.below(40_000_000) as i64),
        retries: rng.chance(50).then(|| rng.below(4)),
        preview: rng.chance(30).then(|| format!("where is parcel {} now?", rng.below(5))),
    }
}

/// Some calls of some days, oldest first.
pub fn events(seed: u64, count: u64, days: i64) -> Vec<Event> {
    let mut rng = Rng(seed);
    let mut list: Vec<Event> = (0..count)
        .map(|n| {
            let ts_us = time(&mut rng, days);
            event(&mut rng, n, ts_us)
        })
        .collect();
    list.sort_by_key(|e| e.ts_us);
    list
}

impl Event {
    /// Whether it failed.
    pub fn is_error(&self) -> bool {
        self.failure.is_some()
    }

    /// What a failed call said: its message, else the type of its error.
    pub fn said(&self) -> Option<&'static str> {
        let fields = self.failing()?;
        let of = |name: &str| fields.iter().find(|(field, _)| *field == name).map(|(_, text)| text.trim_matches('"'));
        of("error_message").or_else(|| of("error_type")).or_else(|| of("status").filter(|word| *word != "error"))
    }

    /// The fields in which a failed call says so.
    fn failing(&self) -> Option<&'static [(&'static str, &'static str)]> {
        let mode = self.failure?;
        let said: Vec<_> = FAILURES.iter().filter(|(m, _)| *m == mode).collect();
        Some(said[self.ts_us.unsigned_abs() as usize % said.len()].1)
    }

    /// The line a producer would write.
    pub fn line(&self) -> String {
        let mut map = Map::from_iter([("event".to_owned(), json!("llm_call"))]);
        let mut put = |name: &str, value: Value| {
            if !value.is_null() {
                map.insert(name.to_owned(), value);
            }
        };
        let ms = |us: Option<u64>| us.map(|us| us as f64 / 1e3);
        put("timestamp", json!(llmtop::units::rfc3339(self.ts_us)));
        for (name, value) in [
            ("request_id", &self.request_id),
            ("trace_id", &self.trace_id),
            ("user_id", &self.user),
            ("session_id", &self.session),
            ("provider", &self.provider),
            ("model", &self.model),
            ("operation", &self.operation),
            ("host", &self.host),
            ("app", &self.app),
            ("environment", &self.environment),
            ("variant", &self.variant),
            ("error_message", &self.message),
            ("prompt_preview", &self.preview),
        ] {
            put(name, json!(value));
        }
        for (name, value) in [
            ("input_tokens", self.input_tokens),
            ("output_tokens", self.output_tokens),
            ("cached_input_tokens", self.cached_input_tokens),
            ("cache_write_tokens", self.cache_write_tokens),
            ("reasoning_tokens", self.reasoning_tokens),
            ("retries", self.retries),
        ] {
            put(name, json!(value));
        }
        put("latency_ms", json!(ms(self.latency_us)));
        put("ttft_ms", json!(ms(self.ttft_us)));
        put("cost_usd", json!(self.cost_nusd.map(|nano| nano as f64 / 1e9)));
        if !self.tags.is_empty() {
            put("tags", json!(self.tags));
        }
        match self.failing() {
            None => put("status", json!("ok")),
            Some(fields) => {
                for (name, value) in fields {
                    put(name, serde_json::from_str(value).expect("JSON of the table"));
                }
            }
        }
        Value::Object(map).to_string()
    }
}

//! Events written as native lines: what `export` gives, and what reads back as the same event.

use super::json;
use crate::event::{Call, LimitEvent, ScoreEvent, SpanEvent, Text};
use crate::units;
use std::io::{self, Write};

/// The field that carries the identity of an event that has no id of its own, as 16 hex digits: a line that is written
/// differently still is the same event.
pub const IDENTITY: &str = "llmtop_id";

/// What `usage` says of tokens that nobody counted.
pub const ESTIMATED: &str = "estimated";

/// Writes a call as one line. `id` is the hash of its identity.
pub fn call(call: &Call<'_>, id: i64, out: &mut dyn Write) -> io::Result<()> {
    call_with(call, id, |_| {}, out)
}

/// The same, with more members than an event has.
pub fn call_with(call: &Call<'_>, id: i64, more: impl FnOnce(&mut Line), out: &mut dyn Write) -> io::Result<()> {
    let mut line = Line::new("llm_call", call.ts_us);
    for (name, value) in texts(call) {
        line.text(name, value.as_deref());
    }
    if call.request_id.is_none() {
        line.identity(id);
    }
    for (name, value) in counts(call) {
        line.number(name, value);
    }
    for (name, value) in times(call) {
        line.millis(name, value);
    }
    line.dollars("cost_usd", call.cost_nusd);
    line.text("status", Some(if call.outcome.is_error() { "error" } else { "ok" }));
    line.text("failure_mode", call.outcome.failure().map(|f| f.word()));
    line.text("cache", call.cache.map(|c| c.word()));
    line.raw("temperature", call.temperature.filter(|t| t.is_finite()).map(|t| t.to_string()).as_deref());
    line.raw("stream", call.stream.map(|s| if s { "true" } else { "false" }));
    line.text("usage", call.estimated.then_some(ESTIMATED));
    for (name, value) in payloads(call) {
        line.payload(name, value.as_deref());
    }
    more(&mut line);
    line.end(out)
}

type Named<T, const N: usize> = [(&'static str, T); N];

fn texts<'c, 'a>(c: &'c Call<'a>) -> Named<&'c Text<'a>, 19> {
    [
        ("request_id", &c.request_id),
        ("trace_id", &c.trace_id),
        ("span_id", &c.span_id),
        ("parent_id", &c.parent_id),
        ("user_id", &c.user_id),
        ("session_id", &c.session_id),
        ("host", &c.host),
        ("app", &c.app),
        ("environment", &c.environment),
        ("model", &c.model),
        ("provider", &c.provider),
        ("operation", &c.operation),
        ("error_type", &c.error_type),
        ("error_message", &c.error_message),
        ("fallback_from", &c.fallback_from),
        ("experiment", &c.experiment),
        ("variant", &c.variant),
        ("service_tier", &c.service_tier),
        ("finish_reason", &c.finish_reason),
    ]
}

fn counts(c: &Call<'_>) -> Named<Option<u64>, 11> {
    [
        ("input_tokens", c.input_tokens),
        ("output_tokens", c.output_tokens),
        ("cached_input_tokens", c.cached_input_tokens),
        ("cache_write_tokens", c.cache_write_tokens),
        ("cache_write_1h_tokens", c.cache_write_1h_tokens),
        ("reasoning_tokens", c.reasoning_tokens),
        ("input_audio_tokens", c.input_audio_tokens),
        ("output_audio_tokens", c.output_audio_tokens),
        ("http_status", c.http_status.map(u64::from)),
        ("retries", c.retries.map(u64::from)),
        ("max_tokens", c.max_tokens),
    ]
}

fn times(c: &Call<'_>) -> Named<Option<u64>, 5> {
    [
        ("latency_ms", c.latency_us),
        ("ttft_ms", c.ttft_us),
        ("queue_ms", c.queue_us),
        ("network_ms", c.network_us),
        ("retry_after_ms", c.retry_after_us),
    ]
}

fn payloads<'c, 'a>(c: &'c Call<'a>) -> Named<&'c Text<'a>, 7> {
    [
        ("tags", &c.tags),
        ("prompt_preview", &c.prompt_preview),
        ("prompt", &c.prompt),
        ("response", &c.response),
        ("tool_calls", &c.tool_calls),
        ("guardrail", &c.guardrail),
        ("gateway", &c.gateway),
    ]
}

/// Writes a span as one line.
pub fn span(span: &SpanEvent<'_>, id: i64, out: &mut dyn Write) -> io::Result<()> {
    let mut line = Line::new("llm_span", span.ts_us);
    line.text("kind", Some(span.kind.word()));
    for (name, value) in [
        ("name", &span.name),
        ("trace_id", &span.trace_id),
        ("span_id", &span.span_id),
        ("parent_id", &span.parent_id),
        ("user_id", &span.user_id),
        ("session_id", &span.session_id),
        ("error_message", &span.error_message),
    ] {
        line.text(name, value.as_deref());
    }
    if span.trace_id.is_none() || span.span_id.is_none() {
        line.identity(id);
    }
    line.millis("latency_ms", span.latency_us);
    line.text("status", span.ok.map(|ok| if ok { "ok" } else { "error" }));
    line.members(span.attrs.as_deref());
    line.end(out)
}

/// Writes a score as one line.
pub fn score(score: &ScoreEvent<'_>, id: i64, out: &mut dyn Write) -> io::Result<()> {
    let mut line = Line::new("llm_score", score.ts_us);
    line.text("name", Some(&score.name));
    line.raw("value", Some(&score.value.to_string()));
    line.text("source", score.source.map(|s| s.word()));
    for (name, value) in [
        ("score_id", &score.score_id),
        ("request_id", &score.request_id),
        ("trace_id", &score.trace_id),
        ("user_id", &score.user_id),
        ("comment", &score.comment),
    ] {
        line.text(name, value.as_deref());
    }
    if score.score_id.is_none() {
        line.identity(id);
    }
    line.end(out)
}

/// Writes what is known of a limit as one line.
pub fn limit(limit: &LimitEvent, out: &mut dyn Write) -> io::Result<()> {
    let mut line = Line::new("llm_limit", limit.ts_us);
    line.members(Some(&serde_json::to_string(limit)?));
    line.end(out)
}

/// One JSON object being written. What is unknown is left out.
pub struct Line(Vec<u8>);

impl Line {
    fn new(event: &str, ts_us: Option<i64>) -> Line {
        let mut line = Line(Vec::with_capacity(1_024));
        line.0.extend_from_slice(b"{\"event\":\"");
        line.0.extend_from_slice(event.as_bytes());
        line.0.push(b'"');
        line.text("timestamp", ts_us.map(units::rfc3339).as_deref());
        line
    }

    fn name(&mut self, name: &str) {
        self.0.extend_from_slice(b",\"");
        self.0.extend_from_slice(name.as_bytes());
        self.0.extend_from_slice(b"\":");
    }

    fn raw(&mut self, name: &str, json: Option<&str>) {
        if let Some(json) = json {
            self.name(name);
            self.0.extend_from_slice(json.as_bytes());
        }
    }

    /// A member that is an object with these members.
    pub fn object(&mut self, name: &str, members: impl FnOnce(&mut Line)) {
        self.name(name);
        self.0.push(b'{');
        let start = self.0.len();
        members(self);
        if self.0.get(start) == Some(&b',') {
            self.0.remove(start);
        }
        self.0.push(b'}');
    }

    /// A member that is text.
    pub fn text(&mut self, name: &str, text: Option<&str>) {
        if let Some(text) = text {
            self.name(name);
            // A string always has a JSON form, and a vector always takes it.
            let _ = serde_json::to_writer(&mut self.0, text);
        }
    }

    /// A member that is a whole number.
    pub fn number(&mut self, name: &str, value: Option<u64>) {
        self.decimal(name, value, 0);
    }

    /// A member that is a time in ms, from µs.
    pub fn millis(&mut self, name: &str, us: Option<u64>) {
        self.decimal(name, us, 3);
    }

    fn dollars(&mut self, name: &str, nano: Option<i64>) {
        self.decimal(name, nano.and_then(|n| u64::try_from(n).ok()), 9);
    }

    fn decimal(&mut self, name: &str, value: Option<u64>, places: usize) {
        if let Some(value) = value {
            self.name(name);
            push_decimal(&mut self.0, value, places);
        }
    }

    /// Text that may be JSON: lists and objects as they are, anything else as a string.
    fn payload(&mut self, name: &str, text: Option<&str>) {
        match text {
            Some(json) if json.starts_with(['[', '{']) && is_json_line(json) => self.raw(name, Some(json)),
            text => self.text(name, text),
        }
    }

    /// The members of a JSON object, beside those that are there.
    fn members(&mut self, object: Option<&str>) {
        let inner = object.filter(|o| is_json_line(o)).and_then(|o| o.trim().strip_prefix('{')?.strip_suffix('}'));
        if let Some(inner) = inner.map(str::trim).filter(|inner| !inner.is_empty()) {
            self.0.push(b',');
            self.0.extend_from_slice(inner.as_bytes());
        }
    }

    fn identity(&mut self, id: i64) {
        self.text(IDENTITY, Some(&format!("{:016x}", id as u64)));
    }

    fn end(mut self, out: &mut dyn Write) -> io::Result<()> {
        self.0.extend_from_slice(b"}\n");
        out.write_all(&self.0)
    }
}

/// Whether a text is JSON that can stand in a line as it is: on one line, nothing around it that would be lost, and not
/// so deep that the line would be too deep with it.
fn is_json_line(text: &str) -> bool {
    text.ends_with([']', '}'])
        && !text.contains(['\n', '\r'])
        && json::depth(text) + 1 < json::MAX_DEPTH
        && serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok()
}

/// A whole number of the last of `places` decimal places, as an exact decimal: `1528151` µs are `1528.151` ms.
fn push_decimal(out: &mut Vec<u8>, mut value: u64, places: usize) {
    // As many digits as any number has.
    let (mut digits, mut first) = ([b'0'; 20], 20);
    while value > 0 {
        first -= 1;
        digits[first] = b'0' + (value % 10) as u8;
        value /= 10;
    }
    let point = 20 - places;
    out.extend_from_slice(&digits[first.min(point - 1)..point]);
    let last = digits[point..].iter().rposition(|digit| *digit != b'0');
    if let Some(last) = last {
        out.push(b'.');
        out.extend_from_slice(&digits[point..=point + last]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_exact() {
        for (value, places, want) in [
            (1_528_151, 3, "1528.151"),
            (5, 3, "0.005"),
            (2_000, 3, "2"),
            (0, 3, "0"),
            (0, 0, "0"),
            (42, 0, "42"),
            (1_200_000, 9, "0.0012"),
            (u64::MAX, 9, "18446744073.709551615"),
            (u64::MAX, 0, "18446744073709551615"),
        ] {
            let mut out = Vec::new();
            push_decimal(&mut out, value, places);
            assert_eq!(String::from_utf8_lossy(&out), want);
        }
    }
}

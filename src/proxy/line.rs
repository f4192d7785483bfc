//! A call that has ended as lines of the journal: its `llm_call`, and a span for each try before the last.

use super::clock::micros;
use super::record::{Attempt, End, Record};
use super::settings::{Capture, Secrets};
use crate::event::{Call, SpanEvent, SpanKind};
use crate::format::write;
use crate::provider::Keep;
use crate::redact;
use std::borrow::Cow;
use std::fmt::Write as _;
use std::time::Instant;

/// Appends the lines of a call.
pub fn write(record: &Record, end: &End, capture: Capture, app: Option<&str>, lines: &mut Vec<u8>) {
    let now = super::clock::now();
    for attempt in &record.attempts {
        let _ = write::span(&span(record, attempt, capture), 0, lines);
    }
    // A vector takes every write.
    let _ = write::call(&call(record, end, capture, app, now), 0, lines);
}

fn call<'r>(record: &'r Record, end: &End, capture: Capture, app: Option<&'r str>, now: Instant) -> Call<'r> {
    let latency_us = record.latency_us(now);
    let verdict = record.verdict(end);
    let usage = record.usage();
    let asked = &record.asked;
    let identity = &record.identity;
    let text = |text: &'r Option<String>| text.as_deref().map(Cow::Borrowed);
    Call {
        ts_us: Some(record.started_us.saturating_add(i64::try_from(latency_us).unwrap_or(i64::MAX))),
        request_id: Some(Cow::Borrowed(&record.request_id)),
        trace_id: text(&identity.trace),
        span_id: None,
        parent_id: text(&identity.parent),
        user_id: text(&identity.user),
        session_id: text(&identity.session),
        app: text(&identity.app).or(app.map(Cow::Borrowed)),
        tags: text(&identity.tags),
        variant: text(&identity.variant),
        model: text(&record.answer.model).or_else(|| text(&asked.model)),
        provider: record.upstream.as_deref().and_then(|upstream| text(&upstream.provider)),
        operation: Some(Cow::Borrowed(record.provider.map_or("other", |provider| provider.operation()))),
        input_tokens: usage.input,
        output_tokens: usage.output,
        cached_input_tokens: usage.cache_read,
        cache_write_tokens: usage.cache_write,
        cache_write_1h_tokens: usage.cache_write_1h,
        reasoning_tokens: usage.reasoning,
        input_audio_tokens: usage.input_audio,
        output_audio_tokens: usage.output_audio,
        latency_us: Some(latency_us),
        ttft_us: record.phases.first_token.map(|at| micros(at.saturating_duration_since(record.started))),
        queue_us: Some(record.phases.queue_us).filter(|us| *us > 0),
        network_us: Some(record.phases.connect_us).filter(|us| *us > 0),
        outcome: verdict.outcome,
        http_status: record.status,
        error_type: verdict.kind.map(Cow::Owned),
        error_message: verdict
            .message
            .map(|message| Cow::Owned(safe(&message, Keep::Beginning(2000), capture.secrets))),
        retry_after_us: record.retry_after_us,
        retries: record.provider.map(|_| u32::try_from(record.attempts.len()).unwrap_or(u32::MAX)),
        fallback_from: text(&record.fallback_from),
        temperature: asked.temperature,
        max_tokens: asked.max_tokens,
        service_tier: text(&record.answer.service_tier).or_else(|| text(&asked.service_tier)),
        finish_reason: text(&record.answer.finish_reason),
        stream: record.provider.map(|_| asked.stream),
        prompt_preview: preview(&asked.preview, capture),
        response: preview(&record.answer.text, capture),
        tool_calls: tools(record),
        gateway: Some(Cow::Owned(gateway(record, now))),
        estimated: record.is_estimated(),
        ..Call::default()
    }
}

/// What is written of a text: first made safe, then cut, so that half a secret is none.
fn preview(text: &str, capture: Capture) -> Option<Cow<'static, str>> {
    let kept = safe(text, capture.keep, capture.secrets);
    (!kept.is_empty()).then_some(Cow::Owned(kept))
}

fn safe(text: &str, keep: Keep, secrets: Secrets) -> String {
    let mut kept = String::new();
    match (secrets, keep) {
        (Secrets::AsTheyAre, keep) => keep.push(&mut kept, text),
        (Secrets::Redacted, Keep::Nothing) => {}
        (Secrets::Redacted, Keep::Beginning(most)) => kept = redact::beginning(text, most),
        (Secrets::Redacted, Keep::All) => kept = redact::redact(text).into_owned(),
    }
    kept
}

fn tools(record: &Record) -> Option<Cow<'static, str>> {
    let tools = &record.answer.tools;
    if tools.is_empty() {
        return None;
    }
    let calls: Vec<_> = tools.iter().map(|name| serde_json::json!({ "name": name })).collect();
    serde_json::to_string(&calls).ok().map(Cow::Owned)
}

/// The way of a call through the gateway, as a JSON object: what is unknown is left out.
fn gateway(record: &Record, now: Instant) -> String {
    let mut out = String::with_capacity(320);
    let mut text = |name: &str, value: Option<&str>| {
        if let Some(json) = value.and_then(|value| serde_json::to_string(value).ok()) {
            let _ = write!(out, ",\"{name}\":{json}");
        }
    };
    text("protocol", record.provider.map(|provider| provider.name()));
    text("upstream", record.upstream.as_deref().map(|upstream| upstream.name.as_str()));
    text("target", record.target.as_deref());
    text("client", record.client.as_deref());
    text("response_id", record.answer.id.as_deref());
    text("provider_request_id", record.provider_request_id.as_deref());
    text("degraded", record.degraded.then_some("static"));
    let since = |at: Option<Instant>| at.map(|at| micros(at.saturating_duration_since(record.started)));
    let phases = &record.phases;
    for (name, us) in [
        ("own_ms", record.gateway_us()),
        ("sent_ms", since(phases.sent)),
        ("first_byte_ms", since(phases.first_byte)),
        ("last_byte_ms", since(Some(now))),
    ] {
        if let Some(us) = us {
            let _ = write!(out, ",\"{name}\":{}.{:03}", us / 1000, us % 1000);
        }
    }
    // The bodies of other calls pass uncounted.
    let asked = record.provider.map(|_| record.request_bytes);
    let stalls = Some(u64::from(phases.stalls)).filter(|stalls| *stalls > 0);
    let counts = [("request_bytes", asked), ("response_bytes", Some(record.response_bytes)), ("stalls", stalls)];
    for (name, count) in counts.into_iter().filter_map(|(name, count)| Some((name, count?))) {
        let _ = write!(out, ",\"{name}\":{count}");
    }
    out.replace_range(..1, "{");
    out.push('}');
    out
}

/// A try that was given up.
fn span<'r>(record: &'r Record, attempt: &'r Attempt, capture: Capture) -> SpanEvent<'r> {
    let said = |text: &Option<String>| text.as_deref().map(|text| safe(text, Keep::Beginning(2000), capture.secrets));
    let attrs = serde_json::json!({
        "request_id": record.request_id,
        "upstream": attempt.upstream.name,
        "model": attempt.model,
        "http_status": attempt.status,
        "error_type": said(&attempt.error.kind),
    });
    SpanEvent {
        ts_us: Some(attempt.started_us.saturating_add(i64::try_from(attempt.latency_us).unwrap_or(i64::MAX))),
        identity: None,
        kind: SpanKind::Attempt,
        name: Some(Cow::Borrowed("attempt")),
        trace_id: Some(Cow::Borrowed(record.identity.trace.as_deref().unwrap_or(&record.request_id))),
        span_id: Some(Cow::Owned(format!("{}-{}", record.request_id, attempt.started_us))),
        parent_id: Some(Cow::Borrowed(&record.request_id)),
        user_id: None,
        session_id: None,
        latency_us: Some(attempt.latency_us),
        ok: Some(false),
        error_message: said(&attempt.error.message).map(Cow::Owned),
        attrs: Some(Cow::Owned(attrs.to_string())),
    }
}

//! A call that has ended as lines of the journal: its `llm_call`, and a span for each try before the last.

use super::clock::micros;
use super::record::{Attempt, End, Record};
use super::settings::{Capture, Secrets};
use crate::event::{Call, SpanEvent, SpanKind};
use crate::format::write;
use crate::provider::Keep;
use crate::redact;
use std::borrow::Cow;
use std::time::Instant;

/// Appends the lines of a call.
pub fn write(record: &Record, (end, now): (&End, Instant), capture: Capture, app: Option<&str>, lines: &mut Vec<u8>) {
    for attempt in &record.attempts {
        let _ = write::span(&span(record, attempt, capture), 0, lines);
    }
    // A vector takes every write.
    let _ = write::call_with(
        &call(record, end, capture, app, now),
        0,
        |line| line.object("gateway", |way| tell(record, now, way)),
        lines,
    );
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
        // One that nobody took belongs to whom it was meant for.
        provider: record.upstream.as_ref().or(record.home.as_ref()).and_then(|upstream| text(&upstream.provider)),
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
            .map(|message| Cow::Owned(safe(&message, Keep::Beginning(2000), capture.secrets).into_owned())),
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
        cost_nusd: (record.provider.is_some() && record.is_unsent(end)).then_some(0),
        estimated: record.is_estimated(),
        ..Call::default()
    }
}

/// What is written of a text: first made safe, then cut, so that half a secret is none.
fn preview(text: &str, capture: Capture) -> Option<Cow<'_, str>> {
    Some(safe(text, capture.keep, capture.secrets)).filter(|kept| !kept.is_empty())
}

fn safe(text: &str, keep: Keep, secrets: Secrets) -> Cow<'_, str> {
    match (secrets, keep) {
        (Secrets::AsTheyAre, Keep::All) => Cow::Borrowed(text),
        (Secrets::AsTheyAre, keep) => {
            let mut kept = String::new();
            keep.push(&mut kept, text);
            Cow::Owned(kept)
        }
        (Secrets::Redacted, Keep::Nothing) => Cow::Borrowed(""),
        (Secrets::Redacted, Keep::Beginning(most)) => redact::beginning(text, most),
        (Secrets::Redacted, Keep::All) => redact::redact(text),
    }
}

fn tools(record: &Record) -> Option<Cow<'static, str>> {
    let tools = &record.answer.tools;
    if tools.is_empty() {
        return None;
    }
    let calls: Vec<_> = tools.iter().map(|name| serde_json::json!({ "name": name })).collect();
    serde_json::to_string(&calls).ok().map(Cow::Owned)
}

/// The way of a call through the gateway, as an object: what is unknown is left out.
fn tell(record: &Record, now: Instant, line: &mut write::Line) {
    line.text("protocol", record.provider.map(|provider| provider.name()));
    line.text("upstream", record.upstream.as_deref().map(|upstream| upstream.name.as_str()));
    line.text("target", record.target.as_deref());
    line.text("client", record.client.as_deref());
    line.text("response_id", record.answer.id.as_deref());
    line.text("provider_request_id", record.provider_request_id.as_deref());
    line.text("degraded", record.degraded.then_some("static"));
    let since = |at: Option<Instant>| at.map(|at| micros(at.saturating_duration_since(record.started)));
    let phases = &record.phases;
    line.millis("own_ms", record.gateway_us());
    line.millis("sent_ms", since(phases.sent));
    line.millis("first_byte_ms", since(phases.first_byte));
    line.millis("last_byte_ms", since(Some(now)));
    // The bodies of other calls pass uncounted.
    line.number("request_bytes", record.provider.map(|_| record.request_bytes));
    line.number("response_bytes", Some(record.response_bytes));
    line.number("stalls", Some(u64::from(phases.stalls)).filter(|stalls| *stalls > 0));
}

/// A try that was given up.
fn span<'r>(record: &'r Record, attempt: &'r Attempt, capture: Capture) -> SpanEvent<'r> {
    let said =
        |text: &'r Option<String>| text.as_deref().map(|text| safe(text, Keep::Beginning(2000), capture.secrets));
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
        error_message: said(&attempt.error.message),
        attrs: Some(Cow::Owned(attrs.to_string())),
    }
}

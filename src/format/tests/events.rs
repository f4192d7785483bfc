//! Events as JSON for fixtures: every known field under its own name.

use crate::event::{Call, ScoreEvent, SpanEvent};
use serde_json::{Map, Value, json};

/// An object of the fields that are known.
macro_rules! known {
    ($event:ident: $($field:ident),*) => {{
        let mut map = Map::new();
        $(if let Some(value) = &$event.$field { map.insert(stringify!($field).into(), json!(value)); })*
        map
    }};
}

pub fn call(c: &Call<'_>) -> Value {
    let mut map = known!(c: ts_us, request_id, identity, trace_id, span_id, parent_id, user_id, session_id, host, app, environment, tags,
        model, provider, operation, input_tokens, output_tokens, cached_input_tokens, cache_write_tokens,
        cache_write_1h_tokens, reasoning_tokens, input_audio_tokens, output_audio_tokens, latency_us, ttft_us, queue_us, network_us, cost_nusd, http_status,
        error_type, error_message, retry_after_us, retries, fallback_from, experiment, variant, temperature, max_tokens,
        service_tier, finish_reason, stream, prompt_preview, prompt, response, tool_calls, guardrail, gateway);
    if c.estimated {
        map.insert("estimated".into(), json!(true));
    }
    if let Some(cache) = c.cache {
        map.insert("cache".into(), json!(cache.word()));
    }
    map.insert("outcome".into(), json!(c.outcome.word()));
    json!({ "call": map })
}

pub fn span(s: &SpanEvent<'_>) -> Value {
    let mut map = known!(s: ts_us, identity, name, trace_id, span_id, parent_id, user_id, session_id, latency_us, ok, error_message,
        attrs);
    map.insert("kind".into(), json!(s.kind.word()));
    json!({ "span": map })
}

pub fn score(s: &ScoreEvent<'_>) -> Value {
    let mut map = known!(s: ts_us, score_id, identity, request_id, trace_id, user_id, comment);
    map.insert("name".into(), json!(s.name));
    map.insert("value".into(), json!(s.value));
    if let Some(source) = s.source {
        map.insert("source".into(), json!(source.word()));
    }
    json!({ "score": map })
}

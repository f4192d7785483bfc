//! A trace as one `ExportTraceServiceRequest` of OTLP/JSON, with the attribute names of OpenTelemetry's conventions for
//! generative AI, for `POST /v1/traces` of any collector. What they have no name for begins with `llmtop.`.

use super::super::{Options, Words};
use crate::event::SpanKind;
use crate::snapshot::traces::{Node, PartKind, Story, Trace};
use crate::units::harmless_json;
use serde_json::{Value, json};
use std::io;
use xxhash_rust::xxh3::{xxh3_64, xxh3_128};

/// Writes it. Ids of OpenTelemetry are 16 and 8 bytes in hex: those that are not, without the dashes of a UUID, are replaced
/// by their hash (XXH3, 128 and 64 bits), and kept in `llmtop.trace_id` and `llmtop.span_id`.
///
/// # Errors
/// Those of writing; a conversation is no trace, and `InvalidInput`.
pub fn write(story: &Story, options: &Options, out: &mut dyn io::Write) -> io::Result<()> {
    let Story::Trace(trace) = story else {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "a session is no trace of OpenTelemetry; ask for one of its traces, or for --format json",
        ));
    };
    let spans: Vec<Value> = (0..trace.tree.nodes.len()).map(|number| span(trace, number, options.words)).collect();
    let request = json!({"resourceSpans": [{
        "resource": {"attributes": [text("service.name", "llmtop")]},
        "scopeSpans": [{"scope": {"name": "llmtop", "version": env!("CARGO_PKG_VERSION")}, "spans": spans}],
    }]});
    out.write_all(harmless_json(&serde_json::to_string_pretty(&request)?).as_bytes())?;
    out.write_all(b"\n")
}

fn text(key: &str, value: &str) -> Value {
    json!({"key": key, "value": {"stringValue": value}})
}

/// OTLP/JSON writes 64-bit integers as text.
fn number(key: &str, value: u64) -> Value {
    json!({"key": key, "value": {"intValue": value.to_string()}})
}

fn real(key: &str, value: f64) -> Value {
    json!({"key": key, "value": {"doubleValue": value}})
}

/// An id of so many hex digits; `None` where this one is none.
fn hex(id: &str, digits: usize) -> Option<String> {
    let plain: String = id.chars().filter(|c| *c != '-').collect::<String>().to_ascii_lowercase();
    let is_hex = plain.len() == digits && plain.bytes().all(|b| b.is_ascii_hexdigit());
    (is_hex && plain.bytes().any(|b| b != b'0')).then_some(plain)
}

fn trace_id(id: &str) -> String {
    hex(id, 32).unwrap_or_else(|| format!("{:032x}", xxh3_128(id.as_bytes())))
}

/// The id of a node; what has none, or shares it, has the hash of what it is.
fn span_id(node: &Node) -> String {
    let own = node.part.span_id.as_deref().filter(|id| !id.is_empty() && !node.is_double);
    let key = node.part.key;
    match own {
        Some(id) => hex(id, 16).unwrap_or_else(|| format!("{:016x}", xxh3_64(id.as_bytes()))),
        None => format!("{:016x}", xxh3_64(format!("{}/{}", key.ts_us, key.id).as_bytes())),
    }
}

fn nanos(us: i64) -> String {
    format!("{us}000")
}

/// `chat gpt-4.1`, `execute_tool search`: the operation and its subject.
fn operation(node: &Node) -> (String, Option<&'static str>) {
    match node.part.kind {
        PartKind::Call => {
            (node.part.operation.clone().unwrap_or_else(|| "chat".to_owned()), Some("gen_ai.request.model"))
        }
        PartKind::Step(SpanKind::Agent) => ("invoke_agent".to_owned(), Some("gen_ai.agent.name")),
        PartKind::Step(SpanKind::Tool) => ("execute_tool".to_owned(), Some("gen_ai.tool.name")),
        PartKind::Step(SpanKind::Retrieval) => ("retrieval".to_owned(), None),
        PartKind::Step(SpanKind::Chain) => ("invoke_workflow".to_owned(), Some("gen_ai.workflow.name")),
        PartKind::Step(kind @ (SpanKind::Guardrail | SpanKind::Attempt)) => (kind.word().to_owned(), None),
    }
}

fn span(trace: &Trace, at: usize, words: Words) -> Value {
    let node = &trace.tree.nodes[at];
    let part = &node.part;
    let (operation, subject) = operation(node);
    let mut attributes = vec![text("gen_ai.operation.name", &operation)];
    let mut say = |value: Option<Value>| attributes.extend(value);
    say(subject.zip(part.name.as_deref()).map(|(key, name)| text(key, name)));
    say(part.provider.as_deref().map(|name| text("gen_ai.provider.name", name)));
    say(part.input_tokens.map(|n| number("gen_ai.usage.input_tokens", n)));
    say(part.output_tokens.map(|n| number("gen_ai.usage.output_tokens", n)));
    say(part.session.as_deref().map(|id| text("gen_ai.conversation.id", id)));
    say(part.user.as_deref().map(|id| text("user.id", id)));
    let failed = part.outcome.filter(|outcome| outcome.is_error());
    say(failed.map(|outcome| text("error.type", outcome.word())));
    say(part.ttft_us.map(|us| real("llmtop.ttft_ms", us as f64 / 1e3)));
    say(part.cost_nusd.map(|nano| real("llmtop.cost_usd", nano as f64 / 1e9)));
    say(part.retries.map(|n| number("llmtop.retries", u64::from(n))));
    say(part.request_id.as_deref().map(|id| text("llmtop.request_id", id)));
    say(Some(text("llmtop.trace_id", trace.id.text())));
    say(part.span_id.as_deref().map(|id| text("llmtop.span_id", id)));
    for (name, value) in super::attrs(part, words) {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        say(Some(text(&format!("llmtop.{name}"), &value)));
    }
    let kind = if part.kind == PartKind::Call { 3 } else { 1 };
    let code = match part.outcome {
        None => 0,
        Some(outcome) if outcome.is_error() => 2,
        Some(_) => 1,
    };
    let message = part.error.as_deref().filter(|_| failed.is_some()).unwrap_or_default();
    let parent = node.parent.map(|parent| span_id(&trace.tree.nodes[parent])).unwrap_or_default();
    json!({
        "traceId": trace_id(trace.id.text()),
        "spanId": span_id(node),
        "parentSpanId": parent,
        "name": format!("{operation} {}", part.label()),
        "kind": kind,
        "startTimeUnixNano": nanos(part.start_us()),
        "endTimeUnixNano": nanos(part.end_us()),
        "attributes": attributes,
        "status": {"code": code, "message": message},
    })
}

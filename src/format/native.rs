//! The native events: `llm_call`, `llm_span`, `llm_score` and `llm_limit` by the field `event`.

use super::draft::Draft;
use super::json::{self, Object, Value};
use super::keys::{self, Field};
use super::{Context, Format, Step, convert};
use crate::event::{LimitEvent, Reason, ScoreEvent, ScoreSource, Sink, SpanEvent, SpanKind, Text, Verdict};
use serde_json::value::RawValue;
use std::borrow::Cow;

/// `{"event": "llm_call" | "llm_span" | "llm_score" | "llm_limit", …}`.
#[derive(Debug)]
pub struct Native;

impl Format for Native {
    fn name(&self) -> &'static str {
        "native"
    }

    fn object<'a>(&self, object: &Object<'a>, around: &Context<'a>, sink: &mut dyn Sink) -> Option<Step<'a>> {
        let done = match kind(object)?.as_ref() {
            _ if object.contradicts => Err(Reason::DuplicateKey),
            "llm_call" => call(object, around, sink),
            "llm_span" => span(object, around, sink),
            "llm_score" => score(object, around, sink),
            "llm_limit" => limit(object, around, sink),
            _ => return None,
        };
        Some(Step::Done(done.map_or_else(Verdict::Rejected, |()| Verdict::Taken)))
    }
}

/// The kind of event an object is meant as.
fn kind<'a>(object: &Object<'a>) -> Option<Cow<'a, str>> {
    let is_event = |name: &str| name == "event" || keys::find(name).is_some_and(|key| key.field == Field::Event);
    let (_, raw) = object.entries.iter().find(|(name, _)| is_event(name))?;
    match json::value(raw) {
        Value::Text(kind) if matches!(kind.as_ref(), "llm_call" | "llm_span" | "llm_score" | "llm_limit") => Some(kind),
        _ => None,
    }
}

fn call<'a>(object: &Object<'a>, around: &Context<'a>, sink: &mut dyn Sink) -> Result<(), Reason> {
    let mut draft = Draft::new();
    for (name, raw) in &object.entries {
        if let Some(key) = keys::find(name) {
            draft.set(key, json::value(raw));
        }
    }
    sink.call(draft.finish(around)?);
    Ok(())
}

/// Whether a span says a field in a way of its own; all others are kept as attributes.
fn is_of_span(field: Field) -> bool {
    use Field::*;
    matches!(
        field,
        Event
            | Timestamp
            | End
            | LogTime
            | Start
            | BareId
            | Identity
            | TraceId
            | SpanId
            | ParentId
            | UserId
            | SessionId
            | Latency
    ) || is_evidence(field)
}

fn is_evidence(field: Field) -> bool {
    use Field::*;
    matches!(field, Status | Success | Failure | Error | HttpStatus | ErrorType | ErrorCode | ErrorMessage)
}

fn span<'a>(object: &Object<'a>, around: &Context<'a>, sink: &mut dyn Sink) -> Result<(), Reason> {
    let mut draft = Draft::new();
    let mut attrs: Vec<(&str, &RawValue)> = Vec::new();
    let (mut kind, mut name) = (SpanKind::Chain, None);
    for (key_name, raw) in &object.entries {
        let value = json::value(raw);
        match (key_name.as_ref(), keys::find(key_name)) {
            ("kind" | "span_kind" | "span_type" | "type", _) => kind = span_kind(&convert::text(value)?),
            ("name" | "span_name", _) => name = convert::text(value)?,
            (_, Some(key)) if is_of_span(key.field) || matches!(value, Value::Json(_)) && key.field == Field::Nest => {
                if matches!(key.field, Field::ErrorType | Field::HttpStatus | Field::ErrorCode) {
                    attrs.push((key_name, raw));
                }
                draft.set(key, value);
            }
            _ if value == Value::Null => {}
            _ => attrs.push((key_name, raw)),
        }
    }
    let (common, bare_id, outcome) = draft.finish_common(around)?;
    if !convert::given(&common.trace_id) {
        return Err(Reason::MissingField);
    }
    sink.span(&SpanEvent {
        ts_us: common.ts_us,
        identity: common.identity,
        kind,
        name,
        trace_id: common.trace_id,
        span_id: common.span_id.or(bare_id),
        parent_id: common.parent_id,
        user_id: common.user_id,
        session_id: common.session_id,
        latency_us: common.latency_us,
        ok: outcome.map(|outcome| !outcome.is_error()),
        error_message: common.error_message,
        attrs: attributes(&attrs),
    });
    Ok(())
}

/// The kind a word stands for; a step of no known kind is one of a chain.
fn span_kind(word: &Text<'_>) -> SpanKind {
    let word = word.as_deref().unwrap_or_default().to_ascii_lowercase();
    SpanKind::from_word(&word).unwrap_or(match word.as_str() {
        "invoke_agent" | "create_agent" => SpanKind::Agent,
        "tool_call" | "function" | "function_call" | "execute_tool" => SpanKind::Tool,
        "retriever" | "search" | "vector_search" | "rerank" | "reranker" => SpanKind::Retrieval,
        "guardrails" | "moderation" => SpanKind::Guardrail,
        _ => SpanKind::Chain,
    })
}

/// A JSON object of the rest, each value as it stands.
fn attributes(rest: &[(&str, &RawValue)]) -> Text<'static> {
    if rest.is_empty() {
        return None;
    }
    let mut out = String::from("{");
    for (i, (name, raw)) in rest.iter().enumerate() {
        if i > 0 {
            out.push(',');
        }
        out.push_str(&serde_json::Value::from(*name).to_string());
        out.push(':');
        out.push_str(raw.get());
    }
    out.push('}');
    Some(Cow::Owned(out))
}

/// Whether a score says a field as a call does.
fn is_of_score(field: Field) -> bool {
    use Field::*;
    matches!(
        field,
        Event | Timestamp | End | LogTime | Start | BareId | Identity | RequestId | TraceId | UserId | Latency
    )
}

fn score<'a>(object: &Object<'a>, around: &Context<'a>, sink: &mut dyn Sink) -> Result<(), Reason> {
    let mut draft = Draft::new();
    let (mut name, mut given, mut source, mut comment, mut score_id) = (None, None, None, None, None);
    for (key_name, raw) in &object.entries {
        let value = json::value(raw);
        match (key_name.as_ref(), keys::find(key_name)) {
            ("name" | "score_name" | "metric", _) => name = name.or(convert::text(value)?),
            ("value" | "score", _) => given = given.or(convert::judgement(value)?),
            ("source" | "scorer" | "evaluator", _) => source = source.or(score_source(&convert::text(value)?)),
            ("comment" | "explanation" | "reason" | "rationale", _) => {
                comment = comment.or(convert::text_or_json(value)?)
            }
            ("score_id" | "scoreId", _) => score_id = convert::text(value)?,
            (_, Some(key)) if is_of_score(key.field) => draft.set(key, value),
            _ => {}
        }
    }
    let (common, bare_id, _) = draft.finish_common(around)?;
    sink.score(&ScoreEvent {
        ts_us: common.ts_us,
        score_id: score_id.or(bare_id),
        identity: common.identity,
        name: name.ok_or(Reason::MissingField)?,
        value: given.ok_or(Reason::MissingField)?,
        source,
        request_id: common.request_id,
        trace_id: common.trace_id,
        user_id: common.user_id,
        comment,
    });
    Ok(())
}

fn score_source(word: &Text<'_>) -> Option<ScoreSource> {
    let word = word.as_deref()?.to_ascii_lowercase();
    ScoreSource::from_word(&word).or(match word.as_str() {
        "end_user" | "customer" | "feedback" => Some(ScoreSource::User),
        "llm" | "llm_judge" | "model" | "eval" => Some(ScoreSource::Judge),
        "annotation" | "annotator" | "reviewer" => Some(ScoreSource::Human),
        "code" | "heuristic" => Some(ScoreSource::Rule),
        _ => None,
    })
}

fn limit<'a>(object: &Object<'a>, around: &Context<'a>, sink: &mut dyn Sink) -> Result<(), Reason> {
    let mut ts_us = None;
    let mut rest = serde_json::Map::new();
    for (name, raw) in &object.entries {
        match keys::find(name) {
            Some(key) if key.field == Field::Timestamp => ts_us = convert::time(json::value(raw))?,
            _ => drop(rest.insert(name.to_string(), serde_json::from_str(raw.get()).map_err(|_| Reason::InvalidJson)?)),
        }
    }
    let limit: LimitEvent = serde_json::from_value(rest.into()).map_err(|_| Reason::WrongType)?;
    if limit.upstream.is_empty() {
        return Err(Reason::MissingField);
    }
    sink.limit(&LimitEvent { ts_us: ts_us.or(around.ts_us), ..limit });
    Ok(())
}

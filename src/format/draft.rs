//! A call while its keys are being read: each key goes to its field, the best of several names wins, and what belongs
//! together (times, token totals, evidence of failure) is put together at the end.

mod evidence;
mod settle;

use super::convert::{self, Field as Read};
use super::json::{self, Object, Value};
use super::keys::{self, Field, Key, Meaning};
use super::status;
use crate::event::{Call, FailureMode, Reason, Text};
use serde_json::value::RawValue;

/// No name has been seen for a field.
const NONE: u16 = u16::MAX;

/// The fields of an event as far as they have been read.
#[derive(Debug)]
pub struct Draft<'a> {
    call: Call<'a>,
    best: [u16; Field::COUNT],
    timestamp: Option<i64>,
    end: Option<i64>,
    log_time: Option<i64>,
    bad_log_time: Option<Reason>,
    start: Option<i64>,
    first_token: Option<i64>,
    bare_id: Text<'a>,
    total_tokens: Option<u64>,
    cache_write_5m: Option<u64>,
    tool_use_tokens: Option<u64>,
    cached_audio_tokens: Option<u64>,
    attempts: Option<u32>,
    ok: Option<bool>,
    failure_mode: Option<FailureMode>,
    faults: Vec<Fault>,
    apart: Apart,
}

/// Something in the event that does not read.
#[derive(Debug, Clone, Copy)]
struct Fault {
    /// The field it would have been a value of; forgiven where that has one by another name. `None` is never forgiven.
    field: Option<Field>,
    reason: Reason,
}

/// Which counts, as read, stand beside the total instead of in it.
#[derive(Debug, Default, Clone, Copy)]
struct Apart {
    input: bool,
    cache_read: bool,
    cache_write: bool,
    cache_write_5m: bool,
    cache_write_1h: bool,
    input_audio: bool,
    output: bool,
    output_audio: bool,
    reasoning: bool,
}

/// Takes a value where its name is the best so far.
#[inline]
fn put<T>(best: &mut u16, key: Key, slot: &mut Option<T>, value: Read<T>) -> Result<(), Reason> {
    if let Some(value) = value?
        && key.id < *best
    {
        *best = key.id;
        *slot = Some(value);
    }
    Ok(())
}

/// As [`put`], and notes whether the count stands beside the total.
#[inline]
fn put_tokens(
    best: &mut u16,
    key: Key,
    slot: &mut Option<u64>,
    apart: &mut bool,
    value: Value<'_>,
) -> Result<(), Reason> {
    let before = *best;
    put(best, key, slot, convert::tokens(value))?;
    if *best != before {
        *apart = key.meaning == Meaning::Apart;
    }
    Ok(())
}

/// As [`put_tokens`], for counts that few calls have and that may come in lists.
#[inline(never)]
fn put_sorted(
    best: &mut u16,
    key: Key,
    slot: &mut Option<u64>,
    apart: &mut bool,
    read: Read<u64>,
) -> Result<(), Reason> {
    let before = *best;
    put(best, key, slot, read)?;
    if *best != before {
        *apart = key.meaning == Meaning::Apart;
    }
    Ok(())
}

impl<'a> Draft<'a> {
    /// An event of which nothing is known.
    pub fn new() -> Draft<'a> {
        Draft {
            call: Call::default(),
            best: [NONE; Field::COUNT],
            timestamp: None,
            end: None,
            log_time: None,
            bad_log_time: None,
            start: None,
            first_token: None,
            bare_id: None,
            total_tokens: None,
            cache_write_5m: None,
            tool_use_tokens: None,
            cached_audio_tokens: None,
            attempts: None,
            ok: None,
            failure_mode: None,
            faults: Vec::new(),
            apart: Apart::default(),
        }
    }

    /// Takes what a key says. A value that does not read is a fault unless its field gets a good one by another name; of
    /// several faults the first counts.
    #[inline]
    pub fn set(&mut self, key: Key, value: Value<'a>) {
        if let Value::Json(raw) = value
            && key.nests
            && raw.starts_with('{')
        {
            return self.nest(key, raw);
        }
        if let Err(reason) = self.take(key, value) {
            self.blame(Some(key.field), reason);
        }
    }

    /// Notes a fault.
    #[cold]
    fn blame(&mut self, field: Option<Field>, reason: Reason) {
        self.faults.push(Fault { field, reason });
    }

    /// The first fault that nothing makes up for.
    #[inline]
    fn fault(&self) -> Option<Reason> {
        if self.faults.is_empty() { None } else { self.first_fault() }
    }

    #[cold]
    fn first_fault(&self) -> Option<Reason> {
        let counts = |fault: &&Fault| fault.field.is_none_or(|field| !self.can_do_without(field));
        self.faults.iter().find(counts).map(|fault| fault.reason)
    }

    /// Whether what a field would say is known otherwise.
    fn can_do_without(&self, field: Field) -> bool {
        let known = |field: Field| self.best[field as usize] != NONE;
        known(field)
            || match field {
                Field::Start | Field::End => known(Field::Timestamp) && known(Field::Latency),
                Field::FirstTokenAt => known(Field::Ttft),
                Field::Attempts => known(Field::Retries),
                _ => false,
            }
    }

    /// Takes a value that is no object of more names.
    #[inline]
    fn take(&mut self, key: Key, value: Value<'a>) -> Result<(), Reason> {
        let mut best = self.best[key.field as usize];
        match self.text_slot(key.field) {
            Some(slot) => {
                put(&mut best, key, slot, convert::text(value))?;
                self.best[key.field as usize] = best;
                Ok(())
            }
            None => self.assign(key, value),
        }
    }

    /// Takes the keys of an object under a key that has names below it.
    #[cold]
    fn nest(&mut self, outer: Key, raw: &'a str) {
        let object = match Object::parse(raw) {
            Ok(object) => object,
            Err(reason) => {
                self.blame(None, reason);
                return;
            }
        };
        if object.contradicts {
            self.blame(None, Reason::DuplicateKey);
        }
        for (name, raw) in &object.entries {
            if let Some(key) = keys::find_inside(outer, name) {
                self.set(key, json::value(raw));
            }
        }
        let says_something = |(_, raw): &(_, &RawValue)| !status::is_no_error(&json::value(raw));
        if outer.field == Field::Error && object.entries.iter().any(says_something) {
            self.note(Some(false));
            let _ = self.assign(Key { field: Field::ErrorMessage, ..outer }, Value::Json(raw));
        }
    }

    /// The table from fields of plain text to where they go.
    #[inline]
    fn text_slot(&mut self, field: Field) -> Option<&mut Text<'a>> {
        let call = &mut self.call;
        Some(match field {
            Field::RequestId => &mut call.request_id,
            Field::BareId => &mut self.bare_id,
            Field::TraceId => &mut call.trace_id,
            Field::SpanId => &mut call.span_id,
            Field::ParentId => &mut call.parent_id,
            Field::UserId => &mut call.user_id,
            Field::SessionId => &mut call.session_id,
            Field::Host => &mut call.host,
            Field::App => &mut call.app,
            Field::Environment => &mut call.environment,
            Field::Model => &mut call.model,
            Field::Provider => &mut call.provider,
            Field::Operation => &mut call.operation,
            Field::ErrorType => &mut call.error_type,
            Field::ServiceTier => &mut call.service_tier,
            Field::FallbackFrom => &mut call.fallback_from,
            Field::Experiment => &mut call.experiment,
            Field::Variant => &mut call.variant,
            _ => return None,
        })
    }

    /// The table from all other fields to where they go and how they are read.
    fn assign(&mut self, key: Key, value: Value<'a>) -> Result<(), Reason> {
        let best = &mut self.best[key.field as usize];
        let (call, apart) = (&mut self.call, &mut self.apart);
        match key.field {
            Field::Event | Field::Nest => Ok(()),
            // Plain text has its slots above.
            Field::RequestId
            | Field::BareId
            | Field::TraceId
            | Field::SpanId
            | Field::ParentId
            | Field::UserId
            | Field::SessionId
            | Field::Host
            | Field::App
            | Field::Environment
            | Field::Model
            | Field::Provider
            | Field::Operation
            | Field::ErrorType
            | Field::ServiceTier
            | Field::FallbackFrom
            | Field::Experiment
            | Field::Variant => Ok(()),
            Field::Timestamp => put(best, key, &mut self.timestamp, convert::time(value)),
            Field::End => put(best, key, &mut self.end, convert::time(value)),
            Field::Start => put(best, key, &mut self.start, convert::time(value)),
            Field::FirstTokenAt => put(best, key, &mut self.first_token, convert::time(value)),
            Field::LogTime => {
                let read = convert::time(value).inspect_err(|reason| self.bad_log_time = Some(*reason));
                put(best, key, &mut self.log_time, read.or(Ok(None)))
            }
            Field::Tags => put(best, key, &mut call.tags, convert::tags(value)),
            Field::InputTokens => put_tokens(best, key, &mut call.input_tokens, &mut apart.input, value),
            Field::OutputTokens => put_tokens(best, key, &mut call.output_tokens, &mut apart.output, value),
            Field::TotalTokens => put(best, key, &mut self.total_tokens, convert::tokens(value)),
            Field::CachedInputTokens => {
                put_tokens(best, key, &mut call.cached_input_tokens, &mut apart.cache_read, value)
            }
            Field::CacheWriteTokens => {
                put_tokens(best, key, &mut call.cache_write_tokens, &mut apart.cache_write, value)
            }
            Field::CacheWrite5mTokens => {
                put_tokens(best, key, &mut self.cache_write_5m, &mut apart.cache_write_5m, value)
            }
            Field::CacheWrite1hTokens => {
                let read = convert::hour_tokens(value, key.meaning);
                put_sorted(best, key, &mut call.cache_write_1h_tokens, &mut apart.cache_write_1h, read)
            }
            Field::ReasoningTokens => put_tokens(best, key, &mut call.reasoning_tokens, &mut apart.reasoning, value),
            Field::InputAudioTokens => {
                let read = convert::audio_tokens(value, key.meaning);
                put_sorted(best, key, &mut call.input_audio_tokens, &mut apart.input_audio, read)
            }
            Field::OutputAudioTokens => {
                let read = convert::audio_tokens(value, key.meaning);
                put_sorted(best, key, &mut call.output_audio_tokens, &mut apart.output_audio, read)
            }
            Field::CachedAudioTokens => {
                put(best, key, &mut self.cached_audio_tokens, convert::audio_tokens(value, key.meaning))
            }
            Field::ToolUseTokens => put(best, key, &mut self.tool_use_tokens, convert::tokens(value)),
            Field::Latency => put(best, key, &mut call.latency_us, convert::duration(value, key.meaning)),
            Field::Ttft => put(best, key, &mut call.ttft_us, convert::duration(value, key.meaning)),
            Field::Queue => put(best, key, &mut call.queue_us, convert::duration(value, key.meaning)),
            Field::Network => put(best, key, &mut call.network_us, convert::duration(value, key.meaning)),
            Field::RetryAfter => put(best, key, &mut call.retry_after_us, convert::duration(value, key.meaning)),
            Field::Cost => put(best, key, &mut call.cost_nusd, convert::cost(value)),
            Field::Status | Field::Success | Field::Failure | Field::Error | Field::ErrorCode => {
                self.evidence(key, value)
            }
            Field::Identity => put(best, key, &mut call.identity, convert::identity(value)),
            Field::FailureMode => put(best, key, &mut self.failure_mode, convert::failure_mode(value)),
            Field::HttpStatus => self.http_status(key, value),
            Field::ErrorMessage => put(best, key, &mut call.error_message, convert::text_or_json(value)),
            Field::Retries => put(best, key, &mut call.retries, convert::retries(value)),
            Field::Attempts => put(best, key, &mut self.attempts, convert::retries(value)),
            Field::Cache => put(best, key, &mut call.cache, convert::cache(value)),
            Field::Temperature => put(best, key, &mut call.temperature, convert::temperature(value)),
            Field::MaxTokens => put(best, key, &mut call.max_tokens, convert::max_tokens(value)),
            Field::FinishReason => put(best, key, &mut call.finish_reason, convert::text_or_first(value)),
            Field::Stream => put(best, key, &mut call.stream, convert::flag(value)),
            Field::PromptPreview => put(best, key, &mut call.prompt_preview, convert::text_or_json(value)),
            Field::Prompt => put(best, key, &mut call.prompt, convert::text_or_json(value)),
            Field::Response => put(best, key, &mut call.response, convert::text_or_json(value)),
            Field::ToolCalls => put(best, key, &mut call.tool_calls, convert::list(value)),
            Field::Guardrail => put(best, key, &mut call.guardrail, convert::list(value)),
            Field::Gateway => put(best, key, &mut call.gateway, convert::object(value)),
            Field::Usage => {
                call.estimated |= convert::is_estimated(value);
                Ok(())
            }
        }
    }
}

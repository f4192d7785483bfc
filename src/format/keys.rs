//! Names of the fields of a native event, with all their aliases, in one table. A name earlier in the table wins over a
//! later one of the same field; `status` and `error`, which speak for several fields, come after those. Names are compared in snake case, nested objects as dotted paths.

use foldhash::fast::RandomState;
use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::LazyLock;

/// What a key of an event says. One field may have many names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Field {
    /// `event`: which kind of event it is.
    Event,
    /// When the call ended, by the name that means just that.
    Timestamp,
    /// When it ended, as one half of a pair.
    End,
    /// When the line was written.
    LogTime,
    /// When it started.
    Start,
    /// When the first token came.
    FirstTokenAt,
    /// Id of the call.
    RequestId,
    /// `id`: of the call, the span or the score, whichever the event is.
    BareId,
    /// Trace.
    TraceId,
    /// Own span.
    SpanId,
    /// Parent span.
    ParentId,
    /// End user.
    UserId,
    /// Conversation.
    SessionId,
    /// Machine.
    Host,
    /// Application.
    App,
    /// Deployment environment.
    Environment,
    /// Tags.
    Tags,
    /// Model.
    Model,
    /// Provider.
    Provider,
    /// Operation.
    Operation,
    /// Input tokens.
    InputTokens,
    /// Output tokens.
    OutputTokens,
    /// Input and output tokens together.
    TotalTokens,
    /// Read from the provider's cache.
    CachedInputTokens,
    /// Written to the provider's cache.
    CacheWriteTokens,
    /// Written for five minutes.
    CacheWrite5mTokens,
    /// Written for one hour.
    CacheWrite1hTokens,
    /// Reasoning.
    ReasoningTokens,
    /// Length of the call.
    Latency,
    /// Time to the first token.
    Ttft,
    /// Waiting before it was sent.
    Queue,
    /// Time on the network.
    Network,
    /// Cost as reported, dollars.
    Cost,
    /// `status`: a word, or an HTTP status.
    Status,
    /// `success`: whether it went well.
    Success,
    /// `failure`: whether it failed.
    Failure,
    /// `error`: text, flag or object.
    Error,
    /// HTTP status of the final answer.
    HttpStatus,
    /// Error type, code or class.
    ErrorType,
    /// A code that may be a word or an HTTP status.
    ErrorCode,
    /// Error message.
    ErrorMessage,
    /// How long the provider asked to wait.
    RetryAfter,
    /// Retries made.
    Retries,
    /// Attempts made: one more than retries.
    Attempts,
    /// Model this call fell back from.
    FallbackFrom,
    /// The response cache's part.
    Cache,
    /// Experiment.
    Experiment,
    /// Variant.
    Variant,
    /// Sampling temperature.
    Temperature,
    /// Asked limit of output tokens.
    MaxTokens,
    /// Why it ended.
    FinishReason,
    /// Whether it was streamed.
    Stream,
    /// Beginning of the prompt.
    PromptPreview,
    /// Whole prompt.
    Prompt,
    /// Answer.
    Response,
    /// Tool calls asked for.
    ToolCalls,
    /// What guardrails did.
    Guardrail,
    /// Only a step of a dotted path, no field itself.
    Nest,
}

impl Field {
    /// How many fields there are.
    pub const COUNT: usize = Field::Nest as usize + 1;
}

/// How the value under a name is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meaning {
    /// As the field says; tokens are totals.
    Plain,
    /// Seconds.
    Seconds,
    /// Milliseconds.
    Millis,
    /// Microseconds.
    Micros,
    /// Nanoseconds.
    Nanos,
    /// Tokens beside the total, not part of it: Anthropic's cached input, Gemini's output without thoughts. An input
    /// of this meaning is a total unless cache figures of this meaning stand beside it.
    Apart,
}

/// One name of one field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key {
    /// Place in the table; smaller wins.
    pub id: u16,
    /// What it says.
    pub field: Field,
    /// How it is meant.
    pub meaning: Meaning,
    /// Whether an object under this name holds more names of the table.
    pub nests: bool,
}

/// A row of the table: a field, how the values under these names are meant, and the names.
type Row = (Field, Meaning, &'static [&'static str]);

use Field as F;
use Meaning::{Apart, Micros, Millis, Nanos, Plain, Seconds};

/// All names. Bare names of durations (`latency`, `duration`, …) are seconds, as clocks of most languages give them.
const ROWS: &[Row] = &[
    (F::Event, Plain, &["event"]),
    (F::Timestamp, Plain, &["timestamp"]),
    (F::End, Plain, &["end_time", "ended_at", "completed_at", "finished_at", "end_timestamp"]),
    (F::LogTime, Plain, &["ts", "time", "@timestamp", "asctime", "datetime", "created_at"]),
    (F::Start, Plain, &["start_time", "started_at", "start_timestamp"]),
    (F::FirstTokenAt, Plain, &["completion_start_time", "first_token_at", "first_token_time"]),
    (F::RequestId, Plain, &["request_id", "call_id", "litellm_call_id", "gen_ai.response.id", "response_id", "req_id"]),
    (F::BareId, Plain, &["id"]),
    (F::TraceId, Plain, &["trace_id", "trace", "otel_trace_id", "dd.trace_id", "trace.id"]),
    (F::SpanId, Plain, &["span_id", "otel_span_id", "dd.span_id", "span.id"]),
    (F::ParentId, Plain, &["parent_id", "parent_span_id", "parent_run_id", "parent", "parent.id"]),
    (F::UserId, Plain, &["user_id", "user", "end_user", "end_user_id", "user.id", "enduser.id", "customer_id", "uid"]),
    (
        F::SessionId,
        Plain,
        &[
            "session_id",
            "session",
            "conversation_id",
            "gen_ai.conversation.id",
            "session.id",
            "thread_id",
            "chat_id",
            "conversation.id",
        ],
    ),
    (F::Host, Plain, &["host", "hostname", "host_name", "host.name", "pod", "k8s.pod.name"]),
    (F::App, Plain, &["app", "application", "app_name", "service", "service_name", "service.name", "project"]),
    (
        F::Environment,
        Plain,
        &[
            "environment",
            "env",
            "deployment_environment",
            "deployment.environment",
            "deployment.environment.name",
            "stage",
        ],
    ),
    (F::Tags, Plain, &["tags", "request_tags", "labels", "tag"]),
    (
        F::Model,
        Plain,
        &[
            "model",
            "response_model",
            "gen_ai.response.model",
            "request_model",
            "gen_ai.request.model",
            "model_name",
            "model_id",
            "llm_model",
            "llm.model_name",
        ],
    ),
    (
        F::Provider,
        Plain,
        &[
            "provider",
            "gen_ai.provider.name",
            "gen_ai.system",
            "custom_llm_provider",
            "llm_provider",
            "model_provider",
            "llm.provider",
            "vendor",
        ],
    ),
    (F::Operation, Plain, &["operation", "gen_ai.operation.name", "operation_name", "call_type", "request_type", "op"]),
    (F::InputTokens, Apart, &["input_tokens", "usage.input_tokens"]),
    (
        F::InputTokens,
        Plain,
        &[
            "prompt_tokens",
            "usage.prompt_tokens",
            "gen_ai.usage.input_tokens",
            "gen_ai.usage.prompt_tokens",
            "tokens_in",
            "input_token_count",
            "prompt_token_count",
            "usage_metadata.prompt_token_count",
            "usage_metadata.input_tokens",
            "num_input_tokens",
            "num_prompt_tokens",
            "tokens.input",
            "tokens.prompt",
            "usage.input",
            "llm.token_count.prompt",
            "in_tokens",
        ],
    ),
    (
        F::OutputTokens,
        Plain,
        &[
            "output_tokens",
            "completion_tokens",
            "usage.output_tokens",
            "usage.completion_tokens",
            "gen_ai.usage.output_tokens",
            "gen_ai.usage.completion_tokens",
            "tokens_out",
            "output_token_count",
            "completion_token_count",
            "usage_metadata.output_tokens",
            "num_output_tokens",
            "num_completion_tokens",
            "tokens.output",
            "tokens.completion",
            "usage.output",
            "llm.token_count.completion",
            "out_tokens",
        ],
    ),
    (
        F::OutputTokens,
        Apart,
        &["candidates_token_count", "usage_metadata.candidates_token_count", "response_token_count"],
    ),
    (
        F::TotalTokens,
        Plain,
        &[
            "total_tokens",
            "usage.total_tokens",
            "gen_ai.usage.total_tokens",
            "usage_metadata.total_token_count",
            "usage_metadata.total_tokens",
            "total_token_count",
            "tokens.total",
            "usage.total",
        ],
    ),
    (
        F::CachedInputTokens,
        Plain,
        &[
            "cached_input_tokens",
            "cached_tokens",
            "cache_read_tokens",
            "cached_prompt_tokens",
            "prompt_tokens_details.cached_tokens",
            "usage.prompt_tokens_details.cached_tokens",
            "input_tokens_details.cached_tokens",
            "usage.input_tokens_details.cached_tokens",
            "usage.cached_input_tokens",
            "usage.cached_tokens",
            "usage.prompt_cache_hit_tokens",
            "prompt_cache_hit_tokens",
            "gen_ai.usage.cache_read.input_tokens",
            "gen_ai.usage.cache_read_input_tokens",
            "gen_ai.usage.cache_read_tokens",
            "gen_ai.usage.input_cached_tokens",
            "gen_ai.usage.details.cache_read_tokens",
            "usage_metadata.cached_content_token_count",
            "usage_metadata.input_token_details.cache_read",
            "cached_content_token_count",
            "llm.token_count.prompt_details.cache_read",
        ],
    ),
    (F::CachedInputTokens, Apart, &["cache_read_input_tokens", "usage.cache_read_input_tokens"]),
    (
        F::CacheWriteTokens,
        Plain,
        &[
            "cache_write_tokens",
            "cached_write_tokens",
            "cache_creation_tokens",
            "prompt_tokens_details.cache_write_tokens",
            "usage.prompt_tokens_details.cache_write_tokens",
            "input_tokens_details.cache_write_tokens",
            "usage.input_tokens_details.cache_write_tokens",
            "usage.cache_write_tokens",
            "gen_ai.usage.cache_creation.input_tokens",
            "gen_ai.usage.cache_creation_input_tokens",
            "gen_ai.usage.cache_write_tokens",
            "usage_metadata.input_token_details.cache_creation",
            "llm.token_count.prompt_details.cache_write",
        ],
    ),
    (F::CacheWriteTokens, Apart, &["cache_creation_input_tokens", "usage.cache_creation_input_tokens"]),
    (F::CacheWrite5mTokens, Plain, &["cache_write_5m_tokens"]),
    (
        F::CacheWrite5mTokens,
        Apart,
        &["cache_creation.ephemeral_5m_input_tokens", "usage.cache_creation.ephemeral_5m_input_tokens"],
    ),
    (F::CacheWrite1hTokens, Plain, &["cache_write_1h_tokens", "usage.cache_write_1h_tokens"]),
    (
        F::CacheWrite1hTokens,
        Apart,
        &["cache_creation.ephemeral_1h_input_tokens", "usage.cache_creation.ephemeral_1h_input_tokens"],
    ),
    (
        F::ReasoningTokens,
        Plain,
        &[
            "reasoning_tokens",
            "completion_tokens_details.reasoning_tokens",
            "usage.completion_tokens_details.reasoning_tokens",
            "output_tokens_details.reasoning_tokens",
            "usage.output_tokens_details.reasoning_tokens",
            "usage.reasoning_tokens",
            "gen_ai.usage.reasoning.output_tokens",
            "gen_ai.usage.reasoning_tokens",
            "llm.usage.reasoning_tokens",
            "thinking_tokens",
            "usage_metadata.output_token_details.reasoning",
            "llm.token_count.completion_details.reasoning",
            "thoughts_token_count",
            "usage_metadata.thoughts_token_count",
        ],
    ),
    (
        F::Latency,
        Millis,
        &["latency_ms", "duration_ms", "elapsed_ms", "response_time_ms", "response_ms", "_response_ms"],
    ),
    (
        F::Latency,
        Millis,
        &["total_ms", "took_ms", "processing_time_ms", "latency_millis", "duration_millis", "time_ms"],
    ),
    (
        F::Latency,
        Seconds,
        &["latency_s", "latency_seconds", "latency_sec", "duration_s", "duration_seconds", "elapsed_s"],
    ),
    (F::Latency, Seconds, &["duration_sec", "elapsed_seconds", "response_time_s", "response_time_seconds"]),
    (F::Latency, Seconds, &["latency", "duration", "response_time", "elapsed", "total_time", "elapsed_time"]),
    (F::Latency, Seconds, &["gen_ai.client.operation.duration"]),
    (F::Latency, Micros, &["latency_us", "duration_us", "elapsed_us"]),
    (F::Latency, Nanos, &["latency_ns", "duration_ns", "elapsed_ns"]),
    (F::Ttft, Millis, &["ttft_ms", "time_to_first_token_ms", "first_token_ms", "first_token_latency_ms"]),
    (F::Ttft, Seconds, &["ttft_s", "ttft", "time_to_first_token", "time_to_first_token_s", "ttft_seconds"]),
    (F::Ttft, Seconds, &["gen_ai.response.time_to_first_chunk", "gen_ai.server.time_to_first_token"]),
    (F::Ttft, Micros, &["ttft_us"]),
    (F::Queue, Millis, &["queue_ms", "queue_time_ms", "queued_ms", "wait_ms"]),
    (F::Queue, Seconds, &["queue_s", "queue_time", "usage.queue_time", "queue_time_s"]),
    (F::Queue, Micros, &["queue_us"]),
    (F::Network, Millis, &["network_ms", "network_time_ms", "network_latency_ms"]),
    (F::Network, Seconds, &["network_s", "network_time", "network_time_s"]),
    (F::Network, Micros, &["network_us"]),
    (
        F::Cost,
        Plain,
        &[
            "cost_usd",
            "response_cost",
            "cost",
            "total_cost",
            "total_cost_usd",
            "usage.cost",
            "usage.cost_usd",
            "gen_ai.usage.cost",
            "cost.total",
            "llm.cost.total",
            "price_usd",
        ],
    ),
    (
        F::HttpStatus,
        Plain,
        &[
            "http_status",
            "status_code",
            "http_status_code",
            "http.status_code",
            "http.response.status_code",
            "response_status",
            "error.status_code",
            "error.http_status",
            "err.status_code",
            "err.status",
            "http_code",
        ],
    ),
    (F::ErrorType, Plain, &["error_type"]),
    (F::ErrorCode, Plain, &["error_code", "error.code", "err.code"]),
    (
        F::ErrorType,
        Plain,
        &[
            "error.type",
            "error_class",
            "error.class",
            "error.status",
            "error.name",
            "exception_type",
            "exception.type",
            "err.type",
            "err.name",
            "failure_reason",
        ],
    ),
    (
        F::ErrorMessage,
        Plain,
        &[
            "error_message",
            "error.message",
            "error_msg",
            "error_str",
            "exception.message",
            "err.message",
            "status_message",
        ],
    ),
    (F::Status, Plain, &["status", "outcome", "status.code"]),
    (F::Success, Plain, &["success", "ok", "succeeded"]),
    (F::Failure, Plain, &["failure", "is_error"]),
    (F::Error, Plain, &["error", "err", "exception"]),
    (F::RetryAfter, Millis, &["retry_after_ms"]),
    (F::RetryAfter, Seconds, &["retry_after_s", "retry_after", "retry_after_seconds", "error.retry_after"]),
    (F::Retries, Plain, &["retries", "retry_count", "num_retries", "n_retries"]),
    (F::Attempts, Plain, &["attempts", "attempt", "num_attempts"]),
    (F::FallbackFrom, Plain, &["fallback_from", "fallback_from_model", "original_model"]),
    (F::Cache, Plain, &["cache", "cache_status", "cache_hit"]),
    (F::Experiment, Plain, &["experiment", "experiment_id", "experiment_name"]),
    (F::Variant, Plain, &["variant", "variant_name", "experiment_variant"]),
    (F::Temperature, Plain, &["temperature", "gen_ai.request.temperature"]),
    (F::MaxTokens, Plain, &["max_tokens", "gen_ai.request.max_tokens", "max_output_tokens", "max_completion_tokens"]),
    (F::FinishReason, Plain, &["finish_reason", "stop_reason", "gen_ai.response.finish_reasons", "finish_reasons"]),
    (F::Stream, Plain, &["stream", "streaming", "is_streaming", "gen_ai.request.stream", "gen_ai.is_streaming"]),
    (F::PromptPreview, Plain, &["prompt_preview", "input_preview", "preview"]),
    (F::Prompt, Plain, &["prompt", "messages", "input", "gen_ai.input.messages", "gen_ai.prompt"]),
    (
        F::Response,
        Plain,
        &[
            "response",
            "output",
            "completion",
            "response_text",
            "output_text",
            "gen_ai.output.messages",
            "gen_ai.completion",
        ],
    ),
    (F::ToolCalls, Plain, &["tool_calls"]),
    (F::Guardrail, Plain, &["guardrail", "guardrails", "guardrail_information"]),
];

/// The table as it is searched.
struct Table {
    by_name: HashMap<Cow<'static, str>, Key, RandomState>,
    names: Vec<Cow<'static, str>>,
}

static TABLE: LazyLock<Table> = LazyLock::new(build);

fn build() -> Table {
    let mut table = Table { by_name: HashMap::with_hasher(RandomState::default()), names: Vec::new() };
    for &(field, meaning, names) in ROWS {
        for &name in names {
            table.add(Cow::Borrowed(name), field, meaning);
        }
    }
    let paths: Vec<&'static str> =
        ROWS.iter().flat_map(|row| row.2).copied().filter(|name| name.contains('.')).collect();
    for path in paths {
        for (dot, _) in path.match_indices('.') {
            table.add(Cow::Borrowed(&path[..dot]), Field::Nest, Plain);
            if let Some(key) = table.by_name.get_mut(&path[..dot]) {
                key.nests = true;
            }
        }
    }
    table
}

impl Table {
    /// Adds a name unless it is there.
    fn add(&mut self, name: Cow<'static, str>, field: Field, meaning: Meaning) {
        let id = u16::try_from(self.names.len()).unwrap_or(u16::MAX);
        if !self.by_name.contains_key(&name) {
            self.names.push(name.clone());
            self.by_name.insert(name, Key { id, field, meaning, nests: false });
        }
    }
}

/// How many names there are; ids are below it.
pub const MAX_NAMES: usize = 512;

/// The key a name stands for, in any spelling (`requestId`, `request-id`, `RequestID`).
pub fn find(name: &str) -> Option<Key> {
    let table = &*TABLE;
    table.by_name.get(name).or_else(|| table.by_name.get(snake(name)?.as_str())).copied()
}

/// The key of a name inside the object under another key.
pub fn find_inside(outer: Key, name: &str) -> Option<Key> {
    let table = &*TABLE;
    let outer = table.names.get(usize::from(outer.id))?;
    let path = format!("{outer}.{}", snake(name).as_deref().unwrap_or(name));
    table.by_name.get(path.as_str()).copied()
}

/// The snake case of a name, where it differs; `None` for names that have it, and for names too long to be known.
fn snake(name: &str) -> Option<String> {
    const LONGEST: usize = 64;
    let odd = |b: u8| b.is_ascii_uppercase() || b == b'-' || b == b' ';
    if name.len() > LONGEST || !name.bytes().any(odd) {
        return None;
    }
    let bytes = name.as_bytes();
    let mut out = String::with_capacity(name.len() + 4);
    for (i, c) in name.char_indices() {
        let before = i.checked_sub(1).map_or(b'_', |i| bytes[i]);
        let after = bytes.get(i + 1).copied().unwrap_or(b'_');
        let starts_word = before.is_ascii_lowercase()
            || before.is_ascii_digit()
            || (before.is_ascii_uppercase() && after.is_ascii_lowercase());
        match c {
            '-' | ' ' => out.push('_'),
            c if c.is_ascii_uppercase() => {
                if starts_word {
                    out.push('_');
                }
                out.push(c.to_ascii_lowercase());
            }
            c => out.push(c),
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_stands_once_and_in_snake_case() {
        let names: Vec<&str> = ROWS.iter().flat_map(|row| row.2).copied().collect();
        for name in &names {
            assert_eq!(names.iter().filter(|n| n == &name).count(), 1, "{name}");
            assert_eq!(snake(name), None, "{name}");
        }
        assert!(TABLE.names.len() <= MAX_NAMES);
    }

    #[test]
    fn spellings_meet() {
        for name in ["requestId", "request_id", "RequestID", "request-id", "RequestId"] {
            assert_eq!(find(name).map(|k| k.field), Some(Field::RequestId), "{name}");
        }
        assert_eq!(find("costUSD").map(|k| k.field), Some(Field::Cost));
        assert_eq!(find("cacheCreationInputTokens").map(|k| k.meaning), Some(Apart));
        assert_eq!(find("ModelBehaviour"), None);
    }

    #[test]
    fn paths_are_found_flat_and_nested() {
        let flat = find("gen_ai.usage.input_tokens");
        let outer = find("gen_ai").and_then(|k| find_inside(k, "usage"));
        assert_eq!(outer.and_then(|k| find_inside(k, "inputTokens")), flat);
        assert!(find("user").is_some_and(|k| k.nests && k.field == Field::UserId));
    }
}

//! The names of the fields of events, in the order in which they win over each other: an earlier name over a later one of
//! the same field. `status`, `error` and the like, which speak for several fields, come after those. Names are in snake
//! case, paths into nested objects are dotted.

use super::keys::Field::{self, *};
use super::keys::Meaning::{self, *};

/// A row of the table: a field, how the values under these names are meant, and the names.
pub type Row = (Field, Meaning, &'static str);

/// All names. Bare names of durations (`latency`, `duration`, …) are seconds, as most languages' clocks give them; Go's
/// `time.Duration` shows itself by its size.
pub const ROWS: &[Row] = &[
    (Event, Plain, "event"),
    (Timestamp, Plain, "timestamp"),
    (End, Plain, "end_time ended_at completed_at finished_at end_timestamp"),
    (LogTime, Plain, "ts time @timestamp asctime datetime created_at"),
    (Start, Plain, "start_time started_at start_timestamp"),
    (FirstTokenAt, Plain, "completion_start_time first_token_at first_token_time"),
    (RequestId, Plain, "request_id call_id litellm_call_id gen_ai.response.id response_id req_id"),
    (BareId, Plain, "id"),
    (Identity, Plain, super::write::IDENTITY),
    (TraceId, Plain, "trace_id trace otel_trace_id dd.trace_id trace.id"),
    (SpanId, Plain, "span_id otel_span_id dd.span_id span.id"),
    (ParentId, Plain, "parent_id parent_span_id parent_run_id parent parent.id"),
    (UserId, Plain, "user_id user end_user end_user_id user.id enduser.id customer_id uid"),
    (
        SessionId,
        Plain,
        "session_id session conversation_id gen_ai.conversation.id session.id thread_id chat_id \
         conversation.id",
    ),
    (Host, Plain, "host hostname host_name host.name pod k8s.pod.name"),
    (App, Plain, "app application app_name service service_name service.name project"),
    (
        Environment,
        Plain,
        "environment env deployment_environment deployment.environment deployment.environment.name stage",
    ),
    (Tags, Plain, "tags request_tags labels tag"),
    (
        Model,
        Plain,
        "model response_model gen_ai.response.model request_model gen_ai.request.model model_name model_id \
         llm_model llm.model_name",
    ),
    (
        Provider,
        Plain,
        "provider gen_ai.provider.name gen_ai.system custom_llm_provider llm_provider model_provider \
         llm.provider vendor",
    ),
    (Operation, Plain, "operation gen_ai.operation.name operation_name call_type request_type op"),
    (InputTokens, Apart, "input_tokens usage.input_tokens usage_details.input"),
    (
        InputTokens,
        Plain,
        "prompt_tokens usage.prompt_tokens gen_ai.usage.input_tokens gen_ai.usage.prompt_tokens tokens_in \
         input_token_count prompt_token_count usage_metadata.prompt_token_count usage_metadata.input_tokens \
         num_input_tokens num_prompt_tokens tokens.input tokens.prompt usage.input llm.token_count.prompt \
         in_tokens usage_details.prompt_tokens",
    ),
    (
        OutputTokens,
        Plain,
        "output_tokens completion_tokens usage.output_tokens usage.completion_tokens \
         gen_ai.usage.output_tokens gen_ai.usage.completion_tokens tokens_out output_token_count \
         completion_token_count usage_metadata.output_tokens num_output_tokens num_completion_tokens \
         tokens.output tokens.completion usage.output llm.token_count.completion out_tokens \
         usage_details.completion_tokens",
    ),
    (
        OutputTokens,
        Apart,
        "candidates_token_count usage_metadata.candidates_token_count response_token_count \
         usage_metadata.response_token_count usage_details.output",
    ),
    (
        TotalTokens,
        Plain,
        "total_tokens usage.total_tokens gen_ai.usage.total_tokens usage_metadata.total_token_count \
         usage_metadata.total_tokens total_token_count tokens.total usage.total usage_details.total \
         usage_details.total_tokens",
    ),
    (
        CachedInputTokens,
        Plain,
        "cached_input_tokens cached_tokens cache_read_tokens cached_prompt_tokens \
         prompt_tokens_details.cached_tokens usage.prompt_tokens_details.cached_tokens \
         input_tokens_details.cached_tokens usage.input_tokens_details.cached_tokens \
         usage.cached_input_tokens usage.cached_tokens usage.prompt_cache_hit_tokens prompt_cache_hit_tokens \
         gen_ai.usage.cache_read.input_tokens gen_ai.usage.cache_read_input_tokens \
         gen_ai.usage.cache_read_tokens gen_ai.usage.input_cached_tokens \
         gen_ai.usage.details.cache_read_tokens usage_metadata.cached_content_token_count \
         usage_metadata.input_token_details.cache_read cached_content_token_count \
         llm.token_count.prompt_details.cache_read usage_details.prompt_tokens_details.cached_tokens \
         usage.input_token_details.cached_tokens usage.input_token_details.cache_read_tokens \
         hidden_params.usage_object.prompt_tokens_details.cached_tokens",
    ),
    (
        CachedInputTokens,
        Apart,
        "cache_read_input_tokens usage.cache_read_input_tokens cache_read_input_token_count \
         usage.cache_read_input_token_count usage_details.input_cached_tokens usage_details.input_cache_read \
         usage_details.cache_read_input_tokens",
    ),
    (
        CacheWriteTokens,
        Plain,
        "cache_write_tokens cached_write_tokens cache_creation_tokens \
         prompt_tokens_details.cache_write_tokens usage.prompt_tokens_details.cache_write_tokens \
         input_tokens_details.cache_write_tokens usage.input_tokens_details.cache_write_tokens \
         usage.cache_write_tokens gen_ai.usage.cache_creation.input_tokens \
         gen_ai.usage.cache_creation_input_tokens gen_ai.usage.cache_write_tokens \
         usage.input_token_details.cache_write_tokens gen_ai.usage.details.cache_write_tokens prompt_tokens_details.cache_creation_tokens \
         usage.prompt_tokens_details.cache_creation_tokens \
         hidden_params.usage_object.prompt_tokens_details.cache_creation_tokens \
         usage_metadata.input_token_details.cache_creation llm.token_count.prompt_details.cache_write",
    ),
    (
        CacheWriteTokens,
        Apart,
        "cache_creation_input_tokens usage.cache_creation_input_tokens cache_write_input_tokens \
         usage.cache_write_input_tokens cache_write_input_token_count usage.cache_write_input_token_count",
    ),
    (
        CacheWrite5mTokens,
        Plain,
        "cache_write_5m_tokens prompt_tokens_details.cache_creation_token_details.ephemeral_5m_input_tokens \
         usage.prompt_tokens_details.cache_creation_token_details.ephemeral_5m_input_tokens \
         hidden_params.usage_object.prompt_tokens_details.cache_creation_token_details.ephemeral_5m_input_tokens \
         usage_metadata.input_token_details.ephemeral_5m_input_tokens",
    ),
    // Langfuse's counts never overlap: one that names no lifetime is not the sum of those that do, and costs as 5 minutes.
    (
        CacheWrite5mTokens,
        Apart,
        "cache_creation.ephemeral_5m_input_tokens usage.cache_creation.ephemeral_5m_input_tokens \
         usage_details.input_cache_creation_5m usage_details.input_cache_creation \
         usage_details.cache_creation_input_tokens",
    ),
    (
        CacheWrite1hTokens,
        Plain,
        "cache_write_1h_tokens usage.cache_write_1h_tokens \
         prompt_tokens_details.cache_creation_token_details.ephemeral_1h_input_tokens \
         usage.prompt_tokens_details.cache_creation_token_details.ephemeral_1h_input_tokens \
         hidden_params.usage_object.prompt_tokens_details.cache_creation_token_details.ephemeral_1h_input_tokens \
         usage_metadata.input_token_details.ephemeral_1h_input_tokens",
    ),
    (
        CacheWrite1hTokens,
        Apart,
        "cache_creation.ephemeral_1h_input_tokens usage.cache_creation.ephemeral_1h_input_tokens \
         usage_details.input_cache_creation_1h",
    ),
    (CacheWrite1hTokens, Sorted, "usage.cache_details cache_details"),
    (
        ReasoningTokens,
        Plain,
        "reasoning_tokens completion_tokens_details.reasoning_tokens \
         usage.completion_tokens_details.reasoning_tokens output_tokens_details.reasoning_tokens \
         usage.output_tokens_details.reasoning_tokens usage.reasoning_tokens \
         gen_ai.usage.reasoning.output_tokens gen_ai.usage.reasoning_tokens llm.usage.reasoning_tokens \
         thinking_tokens usage_metadata.output_token_details.reasoning \
         llm.token_count.completion_details.reasoning gen_ai.usage.details.reasoning_tokens \
         usage.output_token_details.reasoning_tokens output_tokens_details.thinking_tokens usage.output_tokens_details.thinking_tokens \
         usage_details.completion_tokens_details.reasoning_tokens \
         hidden_params.usage_object.completion_tokens_details.reasoning_tokens",
    ),
    (
        ReasoningTokens,
        Apart,
        "thoughts_token_count usage_metadata.thoughts_token_count usage_details.output_reasoning_tokens \
         usage_details.output_reasoning usage_details.reasoning_tokens",
    ),
    (
        InputAudioTokens,
        Plain,
        "input_audio_tokens usage.input_audio_tokens prompt_tokens_details.audio_tokens \
         usage.prompt_tokens_details.audio_tokens input_tokens_details.audio_tokens \
         usage.input_tokens_details.audio_tokens input_token_details.audio_tokens \
         usage.input_token_details.audio_tokens gen_ai.usage.input_audio_tokens \
         gen_ai.usage.details.input_audio_tokens llm.token_count.prompt_details.audio \
         usage_metadata.input_token_details.audio usage_details.prompt_tokens_details.audio_tokens \
         hidden_params.usage_object.prompt_tokens_details.audio_tokens",
    ),
    (InputAudioTokens, Apart, "usage_details.input_audio_tokens usage_details.input_audio"),
    (InputAudioTokens, Sorted, "prompt_tokens_details usage_metadata.prompt_tokens_details"),
    (
        CachedAudioTokens,
        Plain,
        "usage.prompt_tokens_details.cached_tokens_details.audio_tokens \
         usage.input_tokens_details.cached_tokens_details.audio_tokens \
         usage.input_token_details.cached_tokens_details.audio_tokens \
         gen_ai.usage.details.cache_audio_read_tokens",
    ),
    (CachedAudioTokens, Sorted, "cache_tokens_details usage_metadata.cache_tokens_details"),
    (
        OutputAudioTokens,
        Plain,
        "output_audio_tokens usage.output_audio_tokens completion_tokens_details.audio_tokens \
         usage.completion_tokens_details.audio_tokens output_tokens_details.audio_tokens \
         usage.output_tokens_details.audio_tokens output_token_details.audio_tokens \
         usage.output_token_details.audio_tokens gen_ai.usage.output_audio_tokens \
         gen_ai.usage.details.output_audio_tokens llm.token_count.completion_details.audio \
         usage_metadata.output_token_details.audio usage_details.completion_tokens_details.audio_tokens \
         hidden_params.usage_object.completion_tokens_details.audio_tokens",
    ),
    (OutputAudioTokens, Apart, "usage_details.output_audio_tokens usage_details.output_audio"),
    (
        OutputAudioTokens,
        Sorted,
        "candidates_tokens_details usage_metadata.candidates_tokens_details response_tokens_details \
         usage_metadata.response_tokens_details",
    ),
    (ToolUseTokens, Plain, "tool_use_prompt_token_count usage_metadata.tool_use_prompt_token_count"),
    (
        Latency,
        Millis,
        "latency_ms duration_ms elapsed_ms response_time_ms response_ms _response_ms total_ms took_ms \
         processing_time_ms latency_millis duration_millis time_ms",
    ),
    (
        Latency,
        Seconds,
        "latency_s latency_seconds latency_sec duration_s duration_seconds elapsed_s duration_sec \
         elapsed_seconds response_time_s response_time_seconds",
    ),
    (Latency, Bare, "latency duration response_time elapsed total_time elapsed_time"),
    (Latency, Seconds, "gen_ai.client.operation.duration"),
    (Latency, Micros, "latency_us duration_us elapsed_us"),
    (Latency, Nanos, "latency_ns duration_ns elapsed_ns"),
    (Ttft, Millis, "ttft_ms time_to_first_token_ms first_token_ms first_token_latency_ms"),
    (
        Ttft,
        Seconds,
        "ttft_s time_to_first_token_s ttft_seconds gen_ai.response.time_to_first_chunk \
         gen_ai.server.time_to_first_token",
    ),
    (Ttft, Bare, "ttft time_to_first_token"),
    (Ttft, Micros, "ttft_us"),
    (Queue, Millis, "queue_ms queue_time_ms queued_ms wait_ms"),
    (Queue, Seconds, "queue_s usage.queue_time queue_time_s"),
    (Queue, Bare, "queue_time"),
    (Queue, Micros, "queue_us"),
    (Network, Millis, "network_ms network_time_ms network_latency_ms"),
    (Network, Seconds, "network_s network_time_s"),
    (Network, Bare, "network_time"),
    (Network, Micros, "network_us"),
    (
        Cost,
        Plain,
        "cost_usd response_cost cost total_cost total_cost_usd usage.cost usage.cost_usd gen_ai.usage.cost \
         cost.total llm.cost.total price_usd",
    ),
    (
        HttpStatus,
        Plain,
        "http_status status_code http_status_code http.status_code http.response.status_code response_status \
         error.status_code error.http_status err.status_code err.status http_code",
    ),
    (ErrorType, Plain, "error_type"),
    (ErrorCode, Plain, "error_code error.code err.code"),
    (
        ErrorType,
        Plain,
        "error.type error_class error.class error.status error.name exception_type exception.type err.type \
         err.name failure_reason",
    ),
    (
        ErrorMessage,
        Plain,
        "error_message error.message error_msg error_str exception.message err.message status_message",
    ),
    (FailureMode, Plain, "failure_mode"),
    (Status, Plain, "status outcome"),
    (Status, Code, "status.code"),
    (Success, Plain, "success ok succeeded"),
    (Failure, Plain, "failure is_error"),
    (Error, Plain, "error err exception"),
    (RetryAfter, Millis, "retry_after_ms"),
    (RetryAfter, Seconds, "retry_after_s retry_after retry_after_seconds error.retry_after"),
    (Retries, Plain, "retries retry_count num_retries n_retries"),
    (Attempts, Plain, "attempts attempt num_attempts"),
    (FallbackFrom, Plain, "fallback_from fallback_from_model original_model"),
    (Cache, Plain, "cache cache_status cache_hit"),
    (Experiment, Plain, "experiment experiment_id experiment_name"),
    (Variant, Plain, "variant variant_name experiment_variant"),
    (Temperature, Plain, "temperature gen_ai.request.temperature"),
    (MaxTokens, Plain, "max_tokens gen_ai.request.max_tokens max_output_tokens max_completion_tokens"),
    // What the answer says of it before what was asked for, which may be `auto`.
    (
        ServiceTier,
        Plain,
        "usage.service_tier openai.response.service_tier gen_ai.openai.response.service_tier \
         gen_ai.response.service_tier usage_metadata.service_tier usage_metadata.traffic_type service_tier \
         openai.request.service_tier gen_ai.openai.request.service_tier gen_ai.request.service_tier",
    ),
    (FinishReason, Plain, "finish_reason stop_reason gen_ai.response.finish_reasons finish_reasons"),
    (Stream, Plain, "stream streaming is_streaming gen_ai.request.stream gen_ai.is_streaming"),
    (PromptPreview, Plain, "prompt_preview input_preview preview"),
    (Prompt, Plain, "prompt messages input gen_ai.input.messages gen_ai.prompt"),
    (Response, Plain, "response output completion response_text output_text gen_ai.output.messages gen_ai.completion"),
    (ToolCalls, Plain, "tool_calls"),
    (Guardrail, Plain, "guardrail guardrails guardrail_information"),
    (Gateway, Plain, "gateway"),
    (Usage, Plain, "usage"),
];

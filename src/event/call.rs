//! `llm_call`, `llm_span` and `llm_score` with every field they may carry, borrowed from the line where possible.
//! `None` is unknown; nothing here defaults to zero.

use super::Outcome;
use crate::listed::listed;
use std::borrow::Cow;

/// A text field: borrowed from the line, or owned where it had escapes; `None` is unknown.
pub type Text<'a> = Option<Cow<'a, str>>;

/// How a response cache took part in a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CacheUse {
    /// Answered from the exact cache.
    Hit,
    /// Looked up and not found.
    Miss,
    /// Answered from the semantic cache.
    Semantic,
    /// Answered from an expired entry because everything else failed.
    Stale,
}

impl CacheUse {
    /// The word on the wire.
    pub const fn word(self) -> &'static str {
        match self {
            CacheUse::Hit => "hit",
            CacheUse::Miss => "miss",
            CacheUse::Semantic => "semantic",
            CacheUse::Stale => "stale",
        }
    }

    /// Reads the word on the wire.
    pub fn from_word(word: &str) -> Option<CacheUse> {
        [CacheUse::Hit, CacheUse::Miss, CacheUse::Semantic, CacheUse::Stale].into_iter().find(|c| c.word() == word)
    }
}

/// More tokens than any one call can have: what says more is broken, and would drown all that is summed with it.
pub const MAX_TOKENS: u64 = 1_000_000_000;

/// Dearer than any one call can be, nano-dollars: a million dollars, reported or computed.
pub const MAX_COST_NUSD: i64 = 1_000_000_000_000_000;

/// One finished call to a model. Times are when the call ended, in µs since the Unix epoch; durations in µs;
/// money in nano-dollars; token counts as totals (input includes cached, output includes reasoning).
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Call<'a> {
    /// When the call ended, µs since the Unix epoch.
    pub ts_us: Option<i64>,
    /// The producer's id of this call; the identity for de-duplication.
    pub request_id: Text<'a>,
    /// The hash of its identity, where the line carries it: of an exported event without an id of its own.
    pub identity: Option<i64>,
    /// The trace this call belongs to.
    pub trace_id: Text<'a>,
    /// This call's own span id.
    pub span_id: Text<'a>,
    /// The span that caused it.
    pub parent_id: Text<'a>,
    /// The end user.
    pub user_id: Text<'a>,
    /// The conversation.
    pub session_id: Text<'a>,
    /// The machine that made the call.
    pub host: Text<'a>,
    /// The application or service.
    pub app: Text<'a>,
    /// The deployment environment, such as `prod`.
    pub environment: Text<'a>,
    /// Tags as a JSON array of strings.
    pub tags: Text<'a>,
    /// The model's name, as answered, else as asked.
    pub model: Text<'a>,
    /// The provider.
    pub provider: Text<'a>,
    /// `chat`, `embeddings`, …
    pub operation: Text<'a>,
    /// All input tokens, cached ones included.
    pub input_tokens: Option<u64>,
    /// All output tokens, reasoning included.
    pub output_tokens: Option<u64>,
    /// Of the input: read from the provider's cache.
    pub cached_input_tokens: Option<u64>,
    /// Of the input: written to the provider's cache, any lifetime.
    pub cache_write_tokens: Option<u64>,
    /// Of the cache writes: those kept one hour.
    pub cache_write_1h_tokens: Option<u64>,
    /// Of the output: reasoning.
    pub reasoning_tokens: Option<u64>,
    /// Of the input: audio that was not read from the provider's cache.
    pub input_audio_tokens: Option<u64>,
    /// Of the output: audio.
    pub output_audio_tokens: Option<u64>,
    /// The whole call, µs.
    pub latency_us: Option<u64>,
    /// Until the first token, µs.
    pub ttft_us: Option<u64>,
    /// Waiting before it was sent, µs.
    pub queue_us: Option<u64>,
    /// On the network, µs.
    pub network_us: Option<u64>,
    /// What the producer says it cost, nano-dollars.
    pub cost_nusd: Option<i64>,
    /// Success, or the failure mode.
    pub outcome: Outcome,
    /// The HTTP status of the final answer.
    pub http_status: Option<u16>,
    /// The raw error type or code.
    pub error_type: Text<'a>,
    /// The raw error message.
    pub error_message: Text<'a>,
    /// How long the provider asked to wait, µs.
    pub retry_after_us: Option<u64>,
    /// Retries made before the final answer.
    pub retries: Option<u32>,
    /// The model this call fell back from.
    pub fallback_from: Text<'a>,
    /// The response cache's part in it.
    pub cache: Option<CacheUse>,
    /// The experiment's name.
    pub experiment: Text<'a>,
    /// The assigned variant.
    pub variant: Text<'a>,
    /// Sampling temperature.
    pub temperature: Option<f64>,
    /// The asked limit of output tokens.
    pub max_tokens: Option<u64>,
    /// The provider's word for how it was served, such as `batch`, `flex` or `priority`; prices depend on it.
    pub service_tier: Text<'a>,
    /// Why the answer ended, in the provider's word.
    pub finish_reason: Text<'a>,
    /// Whether the answer was streamed.
    pub stream: Option<bool>,
    /// The beginning of the prompt.
    pub prompt_preview: Text<'a>,
    /// The whole prompt: text, or messages as JSON.
    pub prompt: Text<'a>,
    /// The answer: text, or messages as JSON.
    pub response: Text<'a>,
    /// Tool calls asked for by the model, as JSON.
    pub tool_calls: Text<'a>,
    /// What guardrails did, as a JSON list of `{name, action, detail}`.
    pub guardrail: Text<'a>,
    /// What a gateway tells of its way: a JSON object of its phases, its upstream, the ids of the other side.
    pub gateway: Text<'a>,
    /// Whether the tokens are estimated, because nobody counted them.
    pub estimated: bool,
}

impl Call<'_> {
    /// Whether the answer was cut at the limit of its length, by any provider's word for it.
    pub fn is_truncated(&self) -> bool {
        const WORDS: [&str; 5] = ["length", "max_tokens", "max_output_tokens", "model_length", "token_limit"];
        self.finish_reason.as_deref().is_some_and(|word| WORDS.iter().any(|w| w.eq_ignore_ascii_case(word)))
    }
}

/// Output speed in milli-tokens per second: output tokens over the generation time (latency − TTFT), or over the whole
/// latency without a TTFT and where next to nothing is left after it: then the answer came in one piece, whatever it was
/// called, and dividing by the rest would give any number. `None` without output or time.
pub fn output_speed(output_tokens: Option<u64>, latency_us: Option<u64>, ttft_us: Option<u64>) -> Option<u64> {
    /// Generation is at least this part of the latency, as 1/n.
    const LEAST_PART: u64 = 20;
    let (tokens, latency) = (output_tokens.filter(|tokens| *tokens > 0)?, latency_us?);
    let generation = ttft_us.and_then(|ttft| latency.checked_sub(ttft));
    let time = generation.filter(|time| time.saturating_mul(LEAST_PART) >= latency).unwrap_or(latency);
    (time > 0).then(|| tokens.saturating_mul(1_000_000_000) / time)
}

/// How much of a call's time to the first token, which counts from its start, was the model's, µs: what queue and network
/// leave of it. Where they are longer than it, it cannot have counted them.
pub fn first_token_us(ttft_us: u64, queue_us: Option<u64>, network_us: Option<u64>) -> u64 {
    let before = queue_us.unwrap_or(0).saturating_add(network_us.unwrap_or(0));
    ttft_us.checked_sub(before).unwrap_or(ttft_us)
}

listed! {
    /// What kind of step a span is.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
    pub enum SpanKind {
        /// An agent's turn.
        Agent,
        /// A tool execution.
        Tool,
        /// A retrieval of documents.
        Retrieval,
        /// A chain or workflow step.
        Chain,
        /// A guardrail check.
        Guardrail,
        /// A try of a call that was given up for another.
        Attempt,
    }
}

impl SpanKind {
    /// The word on the wire.
    pub const fn word(self) -> &'static str {
        match self {
            SpanKind::Agent => "agent",
            SpanKind::Tool => "tool",
            SpanKind::Retrieval => "retrieval",
            SpanKind::Chain => "chain",
            SpanKind::Guardrail => "guardrail",
            SpanKind::Attempt => "attempt",
        }
    }

    /// Reads the word on the wire.
    pub fn from_word(word: &str) -> Option<SpanKind> {
        SpanKind::ALL.into_iter().find(|k| k.word() == word)
    }
}

/// A step of a trace that is no model call.
#[derive(Debug, Clone, PartialEq)]
pub struct SpanEvent<'a> {
    /// When the step ended, µs since the Unix epoch.
    pub ts_us: Option<i64>,
    /// See [`Call::identity`].
    pub identity: Option<i64>,
    /// What it is.
    pub kind: SpanKind,
    /// Its name, such as the tool's.
    pub name: Text<'a>,
    /// The trace.
    pub trace_id: Text<'a>,
    /// Its own id.
    pub span_id: Text<'a>,
    /// The step that caused it.
    pub parent_id: Text<'a>,
    /// The end user.
    pub user_id: Text<'a>,
    /// The conversation.
    pub session_id: Text<'a>,
    /// Duration, µs.
    pub latency_us: Option<u64>,
    /// `Some(true)` is ok, `Some(false)` an error.
    pub ok: Option<bool>,
    /// The raw error message.
    pub error_message: Text<'a>,
    /// The rest of what the span carries (`retrieved`, `relevant`, `cited`, `input`, `output`, tags …), a JSON object.
    pub attrs: Text<'a>,
}

listed! {
    /// Who judged.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
    pub enum ScoreSource {
        /// The end user.
        User,
        /// A model as judge.
        Judge,
        /// A person reviewing.
        Human,
        /// A rule in code.
        Rule,
    }
}

impl ScoreSource {
    /// The word on the wire.
    pub const fn word(self) -> &'static str {
        match self {
            ScoreSource::User => "user",
            ScoreSource::Judge => "judge",
            ScoreSource::Human => "human",
            ScoreSource::Rule => "rule",
        }
    }

    /// Reads the word on the wire.
    pub fn from_word(word: &str) -> Option<ScoreSource> {
        ScoreSource::ALL.into_iter().find(|k| k.word() == word)
    }
}

/// What a score judges.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ScoreTarget {
    /// One call, by `request_id`.
    Request,
    /// A whole trace, by `trace_id`.
    Trace,
}

/// A judgement of a call or of a whole trace.
#[derive(Debug, Clone, PartialEq)]
pub struct ScoreEvent<'a> {
    /// When it was given, µs since the Unix epoch.
    pub ts_us: Option<i64>,
    /// The producer's id of this judgement, if any.
    pub score_id: Text<'a>,
    /// See [`Call::identity`].
    pub identity: Option<i64>,
    /// What was judged, such as `task_completed` or `thumbs`.
    pub name: Cow<'a, str>,
    /// The value; booleans are 0 and 1.
    pub value: f64,
    /// Who judged.
    pub source: Option<ScoreSource>,
    /// The judged call.
    pub request_id: Text<'a>,
    /// The judged trace.
    pub trace_id: Text<'a>,
    /// The end user.
    pub user_id: Text<'a>,
    /// A remark.
    pub comment: Text<'a>,
}

impl ScoreEvent<'_> {
    /// Whether a call or a trace is judged; a call where both ids are given.
    pub fn target(&self) -> Option<ScoreTarget> {
        if self.request_id.is_some() {
            Some(ScoreTarget::Request)
        } else {
            self.trace_id.as_ref().map(|_| ScoreTarget::Trace)
        }
    }
}

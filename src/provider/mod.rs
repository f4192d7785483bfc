//! The wire of the providers, read and never changed: a registry of protocols, each of which knows its paths, what a
//! request asks for and what an answer says of tokens, text and ends. Pure: bytes in, facts out. A new protocol is one
//! file, one line of [`PROVIDERS`] and a recorded stream in `fixtures/wire/`.

mod answering;
mod anthropic;
mod asking;
mod embeddings;
mod error;
pub mod estimate;
mod gemini;
mod json;
pub mod limits;
mod openai_chat;
mod openai_completions;
mod openai_responses;
mod openai_usage;
pub mod refusal;
pub mod retry;
pub mod splice;
pub mod sse;
#[cfg(test)]
mod tests;

use crate::event::MAX_TOKENS;

/// One protocol of a provider.
pub trait Provider: Sync {
    /// Its stable name, such as `openai.chat`, also of its fixtures.
    fn name(&self) -> &'static str;

    /// What its calls are: `chat`, `text_completion`, `embeddings`, `generate_content` (the words of OpenTelemetry GenAI).
    fn operation(&self) -> &'static str;

    /// Whose errors it speaks.
    fn family(&self) -> Family;

    /// Whether a path, without its query, is one of its own: recognised by its end, whatever stands before.
    fn owns(&self, path: &str) -> bool;

    /// Whether its streams say nothing of tokens unless they are asked to.
    fn omits_usage(&self) -> bool {
        false
    }

    /// What a request asks for. Lenient: what is missing or of another type is unknown.
    fn asked(&self, path: &str, body: &[u8], keep: Keep) -> Asked;

    /// Reads one answer.
    fn reader(&self, keep: Keep) -> Box<dyn Reader>;
}

/// Whose words errors are in, and how usage is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Family {
    /// OpenAI and all that speak like it.
    OpenAi,
    /// Anthropic.
    Anthropic,
    /// Google Gemini.
    Gemini,
}

/// Every protocol, in the order in which paths are tried.
pub static PROVIDERS: [&dyn Provider; 6] = [
    &openai_chat::OpenAiChat,
    &openai_completions::OpenAiCompletions,
    &openai_responses::OpenAiResponses,
    &anthropic::Anthropic,
    &gemini::Gemini,
    &embeddings::Embeddings,
];

/// The protocol of a path, without its query; `None` where it is none that is read.
pub fn of_path(path: &str) -> Option<&'static dyn Provider> {
    let path = path.trim_end_matches('/');
    PROVIDERS.into_iter().find(|provider| provider.owns(path))
}

/// How much of a text is kept, in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// None.
    Nothing,
    /// So many characters from its beginning.
    Beginning(usize),
    /// All of it.
    All,
}

impl Keep {
    /// Adds to a text what of `more` is kept.
    pub fn push(self, text: &mut String, more: &str) {
        match self {
            Keep::Nothing => {}
            Keep::All => text.push_str(more),
            // Bytes are at least as many as characters: a long text is seldom counted.
            Keep::Beginning(most) if text.len() + more.len() <= most => text.push_str(more),
            Keep::Beginning(most) => {
                let room = most.saturating_sub(text.chars().count());
                text.extend(more.chars().take(room));
            }
        }
    }
}

/// What a request asks for; `None` and empty are unknown.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Asked {
    /// The model's name, as asked.
    pub model: Option<String>,
    /// Whether a stream is asked for.
    pub stream: bool,
    /// Whether the request itself asks for the usage at the end of a stream (OpenAI's `stream_options.include_usage`).
    pub usage_in_stream: bool,
    /// Sampling temperature.
    pub temperature: Option<f64>,
    /// The limit of output tokens.
    pub max_tokens: Option<u64>,
    /// The tier of service asked for.
    pub service_tier: Option<String>,
    /// The end user: OpenAI's `safety_identifier`, `user` or `metadata.user_id`, Anthropic's `metadata.user_id`.
    pub user: Option<String>,
    /// The conversation, where the request names one (`metadata.session_id`, OpenAI's `conversation`, `prompt_cache_key` is none).
    pub session: Option<String>,
    /// The text of the last message of the user, or the input, as far as it is kept.
    pub preview: String,
    /// All text of the request, in characters: what an estimate of its tokens stands on.
    pub text_chars: usize,
}

/// More characters than any name or id needs.
const MOST_NAME: usize = 256;

fn bound(text: &mut Option<String>) {
    if let Some(text) = text
        && text.len() > MOST_NAME
        && let Some((at, _)) = text.char_indices().nth(MOST_NAME)
    {
        text.truncate(at);
    }
}

impl Asked {
    /// Cuts names and ids that are no such: what is kept of a call is bounded, whatever it says.
    pub fn bound(&mut self) {
        [&mut self.model, &mut self.service_tier, &mut self.user, &mut self.session].into_iter().for_each(bound);
    }
}

/// Tokens as totals (input includes cached, output includes reasoning), whatever the provider's own way of counting;
/// `None` is unknown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// All input, cache reads and writes included.
    pub input: Option<u64>,
    /// All output, reasoning included.
    pub output: Option<u64>,
    /// Of the input: read from the provider's cache.
    pub cache_read: Option<u64>,
    /// Of the input: written to the provider's cache.
    pub cache_write: Option<u64>,
    /// Of the writes: kept one hour.
    pub cache_write_1h: Option<u64>,
    /// Of the output: reasoning.
    pub reasoning: Option<u64>,
    /// Of the input: audio.
    pub input_audio: Option<u64>,
    /// Of the output: audio.
    pub output_audio: Option<u64>,
}

impl Usage {
    /// Whether it says anything.
    pub fn is_known(&self) -> bool {
        self.input.is_some() || self.output.is_some()
    }

    /// A count as a provider may say it: none that no call can have.
    pub fn count(tokens: Option<u64>) -> Option<u64> {
        tokens.filter(|tokens| *tokens <= MAX_TOKENS)
    }
}

/// What an answer says.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Answer {
    /// The model, as answered.
    pub model: Option<String>,
    /// The provider's id of the answer.
    pub id: Option<String>,
    /// Tokens.
    pub usage: Usage,
    /// Why it ended, in the provider's word.
    pub finish_reason: Option<String>,
    /// The tier it was served by.
    pub service_tier: Option<String>,
    /// Its text, as far as it is kept.
    pub text: String,
    /// All its text, reasoning and arguments of tools, in characters: what an estimate of its tokens stands on.
    pub text_chars: usize,
    /// The tools it calls, by name, in order.
    pub tools: Vec<String>,
    /// An error it holds, inside of a stream or as its body.
    pub error: Option<ApiError>,
    /// Whether a stream has said that it is over (`[DONE]`, `message_stop`, `response.completed`, a finish reason of Gemini).
    pub is_over: bool,
}

/// More tools than a bounded record of an answer names.
const MOST_TOOLS: usize = 128;

impl Answer {
    /// Cuts names and ids that are no such: what is kept of a call is bounded, whatever it says.
    pub fn bound(&mut self) {
        [&mut self.model, &mut self.id, &mut self.finish_reason, &mut self.service_tier].into_iter().for_each(bound);
        self.tools.truncate(MOST_TOOLS);
        for tool in &mut self.tools {
            let mut name = Some(std::mem::take(tool));
            bound(&mut name);
            *tool = name.unwrap_or_default();
        }
    }
}

/// An error in a provider's words.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ApiError {
    /// Its type, or status word.
    pub kind: Option<String>,
    /// Its code, as text.
    pub code: Option<String>,
    /// Its message.
    pub message: Option<String>,
    /// How long it asks to wait, where the body says so (Gemini's `RetryInfo`), µs.
    pub retry_after_us: Option<u64>,
}

/// What an event of a stream was.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Seen {
    /// It holds content, reasoning or a part of a tool call: the model is speaking.
    pub is_content: bool,
    /// It holds nothing but the usage that is sent on request (OpenAI chat's chunk without choices).
    pub is_usage_alone: bool,
}

/// Reads one answer, whole or event by event.
pub trait Reader: Send {
    /// An event of a stream: its name, where it has one, and its data.
    fn event(&mut self, name: Option<&str>, data: &[u8]) -> Seen;

    /// A whole body: the answer, or an error.
    fn body(&mut self, body: &[u8]);

    /// What has been read so far.
    fn answer(&self) -> &Answer;

    /// The answer itself.
    fn into_answer(self: Box<Self>) -> Answer;
}

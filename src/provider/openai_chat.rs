//! OpenAI chat completions and all that speak like it (Azure, DeepSeek, Groq, Mistral, OpenRouter, vLLM, …); its reader
//! serves text completions and embeddings too, whose answers are the same but for the choices.

use super::answering::Answering;
use super::asking::{Messages, Metadata, Named, Size, first_count, first_text, name_after};
use super::json::{self, List, Maybe, Scalar};
use super::openai_usage::Counts;
use super::{Answer, Asked, Family, Keep, Provider, Reader, Seen, error};
use serde::Deserialize;
use serde_json::value::RawValue;

/// The protocol.
pub struct OpenAiChat;

impl Provider for OpenAiChat {
    fn name(&self) -> &'static str {
        "openai.chat"
    }

    fn operation(&self) -> &'static str {
        "chat"
    }

    fn family(&self) -> Family {
        Family::OpenAi
    }

    fn owns(&self, path: &str) -> bool {
        path.ends_with("/chat/completions")
    }

    fn omits_usage(&self) -> bool {
        true
    }

    fn asked(&self, path: &str, body: &[u8], keep: Keep) -> Asked {
        asked(path, body, keep)
    }

    fn reader(&self, keep: Keep) -> Box<dyn Reader> {
        Box::new(ChatReader::new(keep))
    }
}

/// A request of any of OpenAI's protocols: each has some of these fields, under these names.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Request<'a> {
    #[serde(borrow)]
    model: Scalar<'a>,
    #[serde(borrow)]
    stream: Scalar<'a>,
    #[serde(borrow)]
    stream_options: Maybe<StreamOptions<'a>>,
    #[serde(borrow)]
    temperature: Scalar<'a>,
    #[serde(borrow)]
    max_tokens: Scalar<'a>,
    #[serde(borrow)]
    max_completion_tokens: Scalar<'a>,
    #[serde(borrow)]
    max_output_tokens: Scalar<'a>,
    #[serde(borrow)]
    service_tier: Scalar<'a>,
    #[serde(borrow)]
    safety_identifier: Scalar<'a>,
    #[serde(borrow)]
    user: Scalar<'a>,
    #[serde(borrow)]
    metadata: Maybe<Metadata<'a>>,
    conversation: Named,
    #[serde(borrow)]
    instructions: Messages<'a>,
    #[serde(borrow)]
    prompt: Messages<'a>,
    #[serde(borrow)]
    input: Messages<'a>,
    #[serde(borrow)]
    messages: Messages<'a>,
    tools: Size,
    functions: Size,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct StreamOptions<'a> {
    #[serde(borrow)]
    include_usage: Scalar<'a>,
}

/// What a request of any of OpenAI's protocols asks for.
pub fn asked(path: &str, body: &[u8], keep: Keep) -> Asked {
    let mut asked = match serde_json::from_slice::<Maybe<Request<'_>>>(body) {
        Ok(Maybe(request)) => request.map(|request| request.told(keep)).unwrap_or_default(),
        Err(_) => match json::mended(body) {
            Some(body) => return asked(path, &body, keep),
            None => Asked::default(),
        },
    };
    asked.model = asked.model.or_else(|| name_after(path, "/deployments/"));
    asked
}

impl Request<'_> {
    fn told(&self, keep: Keep) -> Asked {
        let metadata = self.metadata.0.as_ref();
        let user = first_text(&[&self.safety_identifier, &self.user]);
        let mut asked = Asked {
            model: self.model.owned(),
            stream: self.stream.is_true(),
            usage_in_stream: self.stream_options.0.as_ref().is_some_and(|options| options.include_usage.is_true()),
            temperature: self.temperature.number(),
            max_tokens: first_count(&[&self.max_completion_tokens, &self.max_output_tokens, &self.max_tokens]),
            service_tier: self.service_tier.owned(),
            user: user.or_else(|| metadata?.user_id.owned()),
            session: metadata.and_then(|metadata| metadata.session_id.owned()).or_else(|| self.conversation.0.clone()),
            preview: String::new(),
            text_chars: self.tools.0 + self.functions.0,
        };
        // In this order: the last that has text of the user is the preview.
        for messages in [&self.instructions, &self.prompt, &self.input, &self.messages] {
            messages.tell(&mut asked, keep);
        }
        asked
    }
}

/// A whole answer or a chunk of one.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Chunk<'a> {
    #[serde(borrow)]
    id: Scalar<'a>,
    #[serde(borrow)]
    model: Scalar<'a>,
    #[serde(borrow)]
    service_tier: Scalar<'a>,
    #[serde(borrow)]
    choices: List<Choice<'a>>,
    #[serde(borrow)]
    usage: Maybe<Counts<'a>>,
    #[serde(borrow)]
    x_groq: Maybe<Groq<'a>>,
    #[serde(borrow)]
    error: Option<&'a RawValue>,
}

/// Where Groq keeps the usage of a stream.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Groq<'a> {
    #[serde(borrow)]
    usage: Maybe<Counts<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Choice<'a> {
    #[serde(borrow)]
    delta: Maybe<Message<'a>>,
    #[serde(borrow)]
    message: Maybe<Message<'a>>,
    #[serde(borrow)]
    text: Scalar<'a>,
    #[serde(borrow)]
    finish_reason: Scalar<'a>,
    /// Where Moonshot keeps the usage of a stream.
    #[serde(borrow)]
    usage: Maybe<Counts<'a>>,
    #[serde(borrow)]
    error: Option<&'a RawValue>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Message<'a> {
    #[serde(borrow)]
    content: Scalar<'a>,
    #[serde(borrow)]
    refusal: Scalar<'a>,
    #[serde(borrow)]
    reasoning_content: Scalar<'a>,
    #[serde(borrow)]
    reasoning: Scalar<'a>,
    #[serde(borrow)]
    tool_calls: List<ToolCall<'a>>,
    #[serde(borrow)]
    function_call: Maybe<Function<'a>>,
    #[serde(borrow)]
    audio: Maybe<Audio<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ToolCall<'a> {
    #[serde(borrow)]
    function: Maybe<Function<'a>>,
    #[serde(borrow)]
    custom: Maybe<Function<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Function<'a> {
    #[serde(borrow)]
    name: Scalar<'a>,
    #[serde(borrow)]
    arguments: Scalar<'a>,
    #[serde(borrow)]
    input: Scalar<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Audio<'a> {
    #[serde(borrow)]
    data: Scalar<'a>,
    #[serde(borrow)]
    transcript: Scalar<'a>,
}

/// Reads answers of chat completions, text completions and embeddings.
pub struct ChatReader {
    so_far: Answering,
}

impl ChatReader {
    /// A reader of one answer.
    pub fn new(keep: Keep) -> ChatReader {
        ChatReader { so_far: Answering::new(keep) }
    }

    fn chunk(&mut self, chunk: &Chunk<'_>) -> Seen {
        let answer = &mut self.so_far.answer;
        chunk.id.replace(&mut answer.id);
        chunk.model.replace(&mut answer.model);
        chunk.service_tier.replace(&mut answer.service_tier);
        let usage = chunk.usage.0.as_ref().or(chunk.x_groq.0.as_ref().and_then(|groq| groq.usage.0.as_ref()));
        let usage = usage.map(Counts::usage).filter(|usage| usage.is_known());
        if let Some(usage) = usage {
            answer.usage = usage;
        }
        self.so_far.fail(error::of_field(chunk.error));
        let mut is_content = false;
        for choice in &chunk.choices.items {
            is_content |= self.choice(choice);
        }
        let is_bare = chunk.choices.is_list && chunk.choices.items.is_empty() && chunk.error.is_none();
        Seen { is_content, is_usage_alone: is_bare && usage.is_some() }
    }

    fn choice(&mut self, choice: &Choice<'_>) -> bool {
        choice.finish_reason.replace(&mut self.so_far.answer.finish_reason);
        if let Some(usage) = choice.usage.0.as_ref().map(Counts::usage).filter(|usage| usage.is_known()) {
            self.so_far.answer.usage = usage;
        }
        self.so_far.fail(error::of_field(choice.error));
        let message = choice.delta.0.as_ref().or(choice.message.0.as_ref());
        let is_text = self.so_far.say(choice.text.text());
        message.is_some_and(|message| self.message(message)) || is_text
    }

    fn message(&mut self, message: &Message<'_>) -> bool {
        let so_far = &mut self.so_far;
        let mut is_content = so_far.say(message.content.text());
        is_content |= so_far.say(message.refusal.text());
        // Some servers send the same reasoning under both names.
        is_content |= so_far.weigh(message.reasoning_content.text().or(message.reasoning.text()));
        for call in &message.tool_calls.items {
            let function = call.function.0.as_ref().or(call.custom.0.as_ref());
            is_content |= function.is_some_and(|function| function.tell(so_far));
        }
        is_content |= message.function_call.0.as_ref().is_some_and(|function| function.tell(so_far));
        let audio = message.audio.0.as_ref();
        is_content |= so_far.say(audio.and_then(|audio| audio.transcript.text()));
        is_content || audio.is_some_and(|audio| audio.data.text().is_some())
    }
}

impl Function<'_> {
    fn tell(&self, so_far: &mut Answering) -> bool {
        let is_named = so_far.call(self.name.text());
        so_far.weigh(self.arguments.text().or(self.input.text())) || is_named
    }
}

impl Reader for ChatReader {
    fn event(&mut self, name: Option<&str>, data: &[u8]) -> Seen {
        if data == b"[DONE]" {
            self.so_far.answer.is_over = true;
            return Seen::default();
        }
        match serde_json::from_slice::<Maybe<Chunk<'_>>>(data) {
            Ok(Maybe(Some(chunk))) if name != Some("error") || chunk.error.is_some() => return self.chunk(&chunk),
            Err(_) if name != Some("error") => {
                if let Some(data) = json::mended(data) {
                    return self.event(name, &data);
                }
            }
            _ => {}
        }
        if name == Some("error") {
            self.so_far.fail(error::of_body(data));
        }
        Seen::default()
    }

    fn body(&mut self, body: &[u8]) {
        match serde_json::from_slice::<Maybe<Chunk<'_>>>(body) {
            Ok(Maybe(Some(chunk))) => {
                self.chunk(&chunk);
                if !chunk.choices.is_list && chunk.usage.0.is_none() {
                    self.so_far.fail(error::of_body(body));
                }
            }
            Ok(Maybe(None)) => self.so_far.fail(error::of_body(body)),
            Err(_) => match json::mended(body) {
                Some(body) => self.body(&body),
                None => self.so_far.fail(error::of_body(body)),
            },
        }
    }

    fn answer(&self) -> &Answer {
        &self.so_far.answer
    }

    fn into_answer(self: Box<Self>) -> Answer {
        self.so_far.answer
    }
}

//! What OpenAI's older answers have in common, and all that speak like them: chat and text completions, embeddings.

use super::json::{Content, Count, List, Maybe, Text};
use super::{Answer, Keep, Reader, Seen, Usage, error};
use serde::Deserialize;
use serde_json::Value;

/// A whole answer, or a chunk of one.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Chunk<'a> {
    #[serde(borrow)]
    id: Text<'a>,
    #[serde(borrow)]
    model: Text<'a>,
    #[serde(borrow)]
    service_tier: Text<'a>,
    #[serde(borrow)]
    choices: List<Choice<'a>>,
    usage: Maybe<Tokens>,
    error: Value,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Choice<'a> {
    #[serde(borrow)]
    delta: Maybe<Message<'a>>,
    #[serde(borrow)]
    message: Maybe<Message<'a>>,
    #[serde(borrow)]
    text: Text<'a>,
    #[serde(borrow)]
    finish_reason: Text<'a>,
    error: Value,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Message<'a> {
    #[serde(borrow)]
    content: Content<'a>,
    #[serde(borrow)]
    reasoning_content: Text<'a>,
    #[serde(borrow)]
    reasoning: Text<'a>,
    #[serde(borrow)]
    refusal: Text<'a>,
    #[serde(borrow)]
    tool_calls: List<Tool<'a>>,
    #[serde(borrow)]
    function_call: Maybe<Function<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Tool<'a> {
    #[serde(borrow)]
    function: Maybe<Function<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Function<'a> {
    #[serde(borrow)]
    name: Text<'a>,
    #[serde(borrow)]
    arguments: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Tokens {
    prompt_tokens: Count,
    completion_tokens: Count,
    total_tokens: Count,
    prompt_tokens_details: Maybe<InputDetails>,
    completion_tokens_details: Maybe<OutputDetails>,
    prompt_cache_hit_tokens: Count,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct InputDetails {
    cached_tokens: Count,
    cache_write_tokens: Count,
    audio_tokens: Count,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct OutputDetails {
    reasoning_tokens: Count,
    audio_tokens: Count,
}

impl Tokens {
    fn usage(&self) -> Usage {
        let input = self.prompt_tokens_details.0.as_ref();
        let output = self.completion_tokens_details.0.as_ref();
        Usage {
            input: self.prompt_tokens.0,
            // Embeddings say nothing of output: it is what the total has more.
            output: self.completion_tokens.0.or_else(|| self.total_tokens.0?.checked_sub(self.prompt_tokens.0?)),
            cache_read: input.and_then(|details| details.cached_tokens.0).or(self.prompt_cache_hit_tokens.0),
            cache_write: input.and_then(|details| details.cache_write_tokens.0),
            cache_write_1h: None,
            reasoning: output.and_then(|details| details.reasoning_tokens.0),
            input_audio: input.and_then(|details| details.audio_tokens.0),
            output_audio: output.and_then(|details| details.audio_tokens.0),
        }
    }
}

/// Reads answers of the older kind.
pub struct OpenAiReader {
    answer: Answer,
    keep: Keep,
}

impl OpenAiReader {
    /// A reader that has read nothing.
    pub fn new(keep: Keep) -> OpenAiReader {
        OpenAiReader { answer: Answer::default(), keep }
    }

    fn take(&mut self, chunk: &Chunk<'_>) -> Seen {
        let answer = &mut self.answer;
        for (slot, text) in [(&mut answer.id, &chunk.id), (&mut answer.model, &chunk.model)] {
            if slot.is_none() {
                *slot = text.owned();
            }
        }
        if let Some(tier) = chunk.service_tier.owned() {
            answer.service_tier = Some(tier);
        }
        let mut is_content = false;
        for choice in &chunk.choices.0 {
            is_content |= self.choice(choice);
        }
        let usage = chunk.usage.0.as_ref().map(Tokens::usage).filter(Usage::is_known);
        if let Some(usage) = usage {
            self.answer.usage = usage;
        }
        if let Some(found) = error::of_value(&chunk.error) {
            self.answer.error = Some(found);
        }
        Seen { is_content, is_usage_alone: usage.is_some() && chunk.choices.0.is_empty() && chunk.error.is_null() }
    }

    fn choice(&mut self, choice: &Choice<'_>) -> bool {
        let mut says = self.answer.say(self.keep, choice.text.get());
        for message in [&choice.delta, &choice.message].into_iter().filter_map(|message| message.0.as_ref()) {
            says |= self.message(message);
        }
        if let Some(reason) = choice.finish_reason.owned() {
            self.answer.finish_reason = Some(reason);
        }
        if let Some(found) = error::of_value(&choice.error) {
            self.answer.error = Some(found);
        }
        says
    }

    fn message(&mut self, message: &Message<'_>) -> bool {
        let answer = &mut self.answer;
        let mut says = false;
        for text in &message.content.0 {
            says |= answer.say(self.keep, Some(text));
        }
        says |= answer.say(self.keep, message.refusal.get());
        // Some name it twice.
        says |= answer.think(message.reasoning_content.get().or(message.reasoning.get()));
        let tools = message.tool_calls.0.iter().filter_map(|tool| tool.function.0.as_ref());
        for function in tools.chain(&message.function_call.0) {
            answer.tools.extend(function.name.owned());
            says |= function.name.says() | answer.think(function.arguments.get());
        }
        says
    }
}

impl Reader for OpenAiReader {
    fn event(&mut self, _: Option<&str>, data: &[u8]) -> Seen {
        if data == b"[DONE]" {
            self.answer.is_over = true;
            return Seen::default();
        }
        serde_json::from_slice(data).map(|chunk| self.take(&chunk)).unwrap_or_default()
    }

    fn body(&mut self, body: &[u8]) {
        match serde_json::from_slice(body) {
            Ok(chunk) => {
                self.take(&chunk);
                if self.answer.error.is_none() && chunk.choices.0.is_empty() && self.answer.usage == Usage::default() {
                    self.answer.error = error::of_body(body);
                }
            }
            Err(_) => self.answer.error = error::of_body(body),
        }
    }

    fn answer(&self) -> &Answer {
        &self.answer
    }
}

/// The model of a path of Azure: the name of its deployment.
pub fn deployment(path: &str) -> Option<String> {
    let (_, rest) = path.split_once("/deployments/")?;
    let name = rest.split('/').next().filter(|name| !name.is_empty())?;
    Some(name.to_owned())
}

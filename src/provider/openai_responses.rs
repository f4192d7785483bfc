//! OpenAI's responses: items instead of messages, and streams of named events with the whole response at their end.

use super::json::{Content, Count, List, Maybe, Text};
use super::{Answer, Asked, Family, Keep, Provider, Reader, Seen, Usage, error, request};
use serde::Deserialize;
use serde_json::Value;

/// `openai.responses`.
pub struct OpenAiResponses;

impl Provider for OpenAiResponses {
    fn name(&self) -> &'static str {
        "openai.responses"
    }

    fn operation(&self) -> &'static str {
        "chat"
    }

    fn family(&self) -> Family {
        Family::OpenAi
    }

    fn owns(&self, path: &str) -> bool {
        path.ends_with("/responses")
    }

    fn asked(&self, path: &str, body: &[u8], keep: Keep) -> Asked {
        let mut asked = request::asked(body, keep);
        asked.model = asked.model.or_else(|| super::openai::deployment(path));
        asked
    }

    fn reader(&self, keep: Keep) -> Box<dyn Reader> {
        Box::new(ResponsesReader { answer: Answer::default(), keep })
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Event<'a> {
    #[serde(borrow, rename = "type")]
    kind: Text<'a>,
    #[serde(borrow)]
    response: Maybe<Response<'a>>,
    #[serde(borrow)]
    delta: Text<'a>,
    #[serde(borrow)]
    item: Maybe<Item<'a>>,
    error: Value,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Response<'a> {
    #[serde(borrow)]
    id: Text<'a>,
    #[serde(borrow)]
    model: Text<'a>,
    #[serde(borrow)]
    status: Text<'a>,
    #[serde(borrow)]
    service_tier: Text<'a>,
    #[serde(borrow)]
    incomplete_details: Maybe<Incomplete<'a>>,
    #[serde(borrow)]
    output: List<Item<'a>>,
    usage: Maybe<Tokens>,
    error: Value,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Incomplete<'a> {
    #[serde(borrow)]
    reason: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Item<'a> {
    #[serde(borrow, rename = "type")]
    kind: Text<'a>,
    #[serde(borrow)]
    name: Text<'a>,
    #[serde(borrow)]
    content: Content<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Tokens {
    input_tokens: Count,
    output_tokens: Count,
    input_tokens_details: Maybe<InputDetails>,
    output_tokens_details: Maybe<OutputDetails>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct InputDetails {
    cached_tokens: Count,
    cache_write_tokens: Count,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct OutputDetails {
    reasoning_tokens: Count,
}

impl Tokens {
    fn usage(&self) -> Usage {
        let input = self.input_tokens_details.0.as_ref();
        Usage {
            input: self.input_tokens.0,
            output: self.output_tokens.0,
            cache_read: input.and_then(|details| details.cached_tokens.0),
            cache_write: input.and_then(|details| details.cache_write_tokens.0),
            reasoning: self.output_tokens_details.0.as_ref().and_then(|details| details.reasoning_tokens.0),
            ..Usage::default()
        }
    }
}

struct ResponsesReader {
    answer: Answer,
    keep: Keep,
}

impl ResponsesReader {
    /// What a response says of itself; `is_whole` is told by its status.
    fn response(&mut self, response: &Response<'_>) {
        let answer = &mut self.answer;
        for (slot, text) in [
            (&mut answer.id, &response.id),
            (&mut answer.model, &response.model),
            (&mut answer.service_tier, &response.service_tier),
        ] {
            if let Some(text) = text.owned() {
                *slot = Some(text);
            }
        }
        if let Some(usage) = response.usage.0.as_ref().map(Tokens::usage).filter(Usage::is_known) {
            answer.usage = usage;
        }
        if let Some(found) = error::of_value(&response.error) {
            answer.error = Some(found);
        }
        let status = response.status.get().filter(|status| !matches!(*status, "in_progress" | "queued"));
        if let Some(status) = status {
            let reason = response.incomplete_details.0.as_ref().and_then(|details| details.reason.owned());
            answer.finish_reason = reason.or_else(|| Some(status.to_owned()));
        }
    }

    fn event_of(&mut self, event: &Event<'_>, data: &[u8]) -> Seen {
        let kind = event.kind.get().unwrap_or_default();
        if let Some(response) = &event.response.0 {
            self.response(response);
        }
        let is_content = match kind {
            "response.output_text.delta" | "response.refusal.delta" => self.answer.say(self.keep, event.delta.get()),
            "response.output_item.added" => self.tool(event.item.0.as_ref()),
            _ if kind.ends_with(".delta") => self.answer.think(event.delta.get()),
            _ => false,
        };
        match kind {
            "response.completed" | "response.incomplete" | "response.failed" | "response.cancelled" => {
                self.answer.is_over = true
            }
            "error" => self.answer.error = error::of_body(data),
            _ => {}
        }
        if let Some(found) = error::of_value(&event.error) {
            self.answer.error = Some(found);
        }
        Seen { is_content, is_usage_alone: false }
    }

    fn tool(&mut self, item: Option<&Item<'_>>) -> bool {
        let name = item.filter(|item| item.kind.get().is_some_and(|kind| kind.ends_with("_call")));
        let name = name.and_then(|item| item.name.owned().or_else(|| item.kind.owned()));
        let is_tool = name.is_some();
        self.answer.tools.extend(name);
        is_tool
    }
}

impl Reader for ResponsesReader {
    fn event(&mut self, _: Option<&str>, data: &[u8]) -> Seen {
        serde_json::from_slice(data).map(|event| self.event_of(&event, data)).unwrap_or_default()
    }

    fn body(&mut self, body: &[u8]) {
        let Ok(response) = serde_json::from_slice::<Response<'_>>(body) else {
            self.answer.error = error::of_body(body);
            return;
        };
        self.response(&response);
        for item in &response.output.0 {
            for text in item.content.0.iter().filter(|_| item.kind.get() == Some("message")) {
                self.answer.say(self.keep, Some(text));
            }
            self.tool(Some(item));
        }
    }

    fn answer(&self) -> &Answer {
        &self.answer
    }
}

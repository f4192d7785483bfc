//! OpenAI responses: events by type, the whole response once more in the last of them.

use super::answering::Answering;
use super::json::{self, List, Maybe, Scalar};
use super::openai_usage::Counts;
use super::{Answer, Asked, Family, Keep, Provider, Reader, Seen, error, openai_chat};
use serde::Deserialize;
use serde_json::value::RawValue;

/// The protocol.
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
        // A stream of responses has its usage without being asked.
        Asked { usage_in_stream: false, ..openai_chat::asked(path, body, keep) }
    }

    fn reader(&self, keep: Keep) -> Box<dyn Reader> {
        Box::new(ResponsesReader { so_far: Answering::new(keep) })
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Event<'a> {
    #[serde(borrow, rename = "type")]
    kind: Scalar<'a>,
    #[serde(borrow)]
    delta: Scalar<'a>,
    #[serde(borrow)]
    item: Maybe<Item<'a>>,
    #[serde(borrow)]
    response: Maybe<Response<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Response<'a> {
    #[serde(borrow)]
    id: Scalar<'a>,
    #[serde(borrow)]
    model: Scalar<'a>,
    #[serde(borrow)]
    status: Scalar<'a>,
    #[serde(borrow)]
    service_tier: Scalar<'a>,
    #[serde(borrow)]
    output: List<Item<'a>>,
    #[serde(borrow)]
    usage: Maybe<Counts<'a>>,
    #[serde(borrow)]
    incomplete_details: Maybe<Incomplete<'a>>,
    #[serde(borrow)]
    error: Option<&'a RawValue>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Incomplete<'a> {
    #[serde(borrow)]
    reason: Scalar<'a>,
}

/// A message, reasoning, or a call of a tool.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Item<'a> {
    #[serde(borrow, rename = "type")]
    kind: Scalar<'a>,
    #[serde(borrow)]
    name: Scalar<'a>,
    #[serde(borrow)]
    arguments: Scalar<'a>,
    #[serde(borrow)]
    input: Scalar<'a>,
    #[serde(borrow)]
    content: List<Part<'a>>,
    #[serde(borrow)]
    summary: List<Part<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Part<'a> {
    #[serde(borrow)]
    text: Scalar<'a>,
    #[serde(borrow)]
    refusal: Scalar<'a>,
}

struct ResponsesReader {
    so_far: Answering,
}

impl ResponsesReader {
    fn told(&mut self, event: &Event<'_>, data: &[u8]) -> Seen {
        let kind = event.kind.text().unwrap_or_default();
        if let Some(response) = &event.response.0 {
            self.response(response);
        }
        let is_content = match kind {
            "response.output_text.delta" | "response.refusal.delta" => self.so_far.say(event.delta.text()),
            // Sound is content, but its base64 is no text.
            "response.audio.delta" | "response.output_audio.delta" => event.delta.text().is_some(),
            "response.output_item.added" => event.item.0.as_ref().is_some_and(|item| item.call(&mut self.so_far)),
            kind if kind.ends_with(".delta") => self.so_far.weigh(event.delta.text()),
            _ => false,
        };
        match kind {
            "response.completed" | "response.incomplete" | "response.failed" | "response.cancelled" => {
                self.so_far.answer.is_over = true;
            }
            "error" => self.so_far.fail(error::of_body(data)),
            _ => {}
        }
        Seen { is_content, is_usage_alone: false }
    }

    fn response(&mut self, response: &Response<'_>) {
        let answer = &mut self.so_far.answer;
        response.id.replace(&mut answer.id);
        response.model.replace(&mut answer.model);
        response.service_tier.replace(&mut answer.service_tier);
        if let Some(usage) = response.usage.0.as_ref().map(Counts::usage).filter(|usage| usage.is_known()) {
            answer.usage = usage;
        }
        let reason = response.incomplete_details.0.as_ref().map(|details| &details.reason);
        if let Some(reason) = reason.filter(|reason| reason.text().is_some()) {
            reason.replace(&mut answer.finish_reason);
        } else if !matches!(response.status.text(), Some("in_progress" | "queued")) {
            response.status.replace(&mut answer.finish_reason);
        }
        // After a stream of parts the whole repeats them.
        if answer.text_chars == 0 && answer.tools.is_empty() {
            response.output.items.iter().for_each(|item| item.tell(&mut self.so_far));
        }
        self.so_far.fail(error::of_field(response.error));
    }
}

impl Item<'_> {
    /// The tool it calls: by name, or one of the provider's own by kind (`web_search` of `web_search_call`).
    fn call(&self, so_far: &mut Answering) -> bool {
        let kind = self.kind.text().and_then(|kind| kind.strip_suffix("_call"));
        kind.is_some() && so_far.call(self.name.text().or(kind))
    }

    fn tell(&self, so_far: &mut Answering) {
        self.call(so_far);
        so_far.weigh(self.arguments.text());
        so_far.weigh(self.input.text());
        let is_reasoning = self.kind.text() == Some("reasoning");
        for part in &self.content.items {
            let text = part.text.text().or(part.refusal.text());
            if is_reasoning {
                so_far.weigh(text)
            } else {
                so_far.say(text)
            };
        }
        for part in &self.summary.items {
            so_far.weigh(part.text.text());
        }
    }
}

impl Reader for ResponsesReader {
    fn event(&mut self, _: Option<&str>, data: &[u8]) -> Seen {
        match serde_json::from_slice::<Maybe<Event<'_>>>(data) {
            Ok(Maybe(Some(event))) if event.kind.text().is_some() => self.told(&event, data),
            Err(_) if data != b"[DONE]" => match json::mended(data) {
                Some(data) => self.event(None, &data),
                None => Seen::default(),
            },
            // Servers that speak nearly like it put errors without a type into the stream.
            Ok(Maybe(Some(_))) => {
                self.so_far.fail(error::of_body(data));
                Seen::default()
            }
            _ => Seen::default(),
        }
    }

    fn body(&mut self, body: &[u8]) {
        match serde_json::from_slice::<Maybe<Response<'_>>>(body) {
            Ok(Maybe(Some(response))) => {
                self.response(&response);
                if !response.output.is_list {
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

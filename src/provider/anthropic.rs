//! Anthropic messages, also below Vertex: input leaves out what was cached, and is added up here; the last event's usage
//! replaces the first one's, field by field.

use super::answering::Answering;
use super::asking::{Messages, Metadata, Size, name_after};
use super::json::{self, List, Maybe, Scalar};
use super::{Answer, Asked, Family, Keep, Provider, Reader, Seen, Usage, error};
use serde::Deserialize;
use serde_json::value::RawValue;

/// The protocol.
pub struct Anthropic;

/// The methods of Vertex.
const VERTEX: [&str; 2] = [":rawPredict", ":streamRawPredict"];

impl Provider for Anthropic {
    fn name(&self) -> &'static str {
        "anthropic.messages"
    }

    fn operation(&self) -> &'static str {
        "chat"
    }

    fn family(&self) -> Family {
        Family::Anthropic
    }

    fn owns(&self, path: &str) -> bool {
        let is_vertex =
            path.contains("/publishers/anthropic/models/") && VERTEX.iter().any(|method| path.ends_with(method));
        path.ends_with("/v1/messages") || is_vertex && !path.contains("/models/count-tokens")
    }

    fn asked(&self, path: &str, body: &[u8], keep: Keep) -> Asked {
        let mut asked = match serde_json::from_slice::<Maybe<Request<'_>>>(body) {
            Ok(Maybe(request)) => request.map(|request| request.told(keep)).unwrap_or_default(),
            Err(_) => match json::mended(body) {
                Some(body) => return self.asked(path, &body, keep),
                None => Asked::default(),
            },
        };
        asked.model = asked.model.or_else(|| name_after(path, "/models/"));
        asked
    }

    fn reader(&self, keep: Keep) -> Box<dyn Reader> {
        Box::new(AnthropicReader { so_far: Answering::new(keep), tokens: Tokens::default() })
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Request<'a> {
    #[serde(borrow)]
    model: Scalar<'a>,
    #[serde(borrow)]
    stream: Scalar<'a>,
    #[serde(borrow)]
    temperature: Scalar<'a>,
    #[serde(borrow)]
    max_tokens: Scalar<'a>,
    #[serde(borrow)]
    service_tier: Scalar<'a>,
    #[serde(borrow)]
    metadata: Maybe<Metadata<'a>>,
    #[serde(borrow)]
    system: Messages<'a>,
    #[serde(borrow)]
    messages: Messages<'a>,
    tools: Size,
}

impl Request<'_> {
    fn told(&self, keep: Keep) -> Asked {
        let metadata = self.metadata.0.as_ref();
        let mut asked = Asked {
            model: self.model.owned(),
            stream: self.stream.is_true(),
            usage_in_stream: false,
            temperature: self.temperature.number(),
            max_tokens: self.max_tokens.count(),
            service_tier: self.service_tier.owned(),
            user: metadata.and_then(|metadata| metadata.user_id.owned()),
            session: metadata.and_then(|metadata| metadata.session_id.owned()),
            preview: String::new(),
            text_chars: self.tools.0,
        };
        self.system.tell(&mut asked, Keep::Nothing);
        self.messages.tell(&mut asked, keep);
        asked
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Event<'a> {
    #[serde(borrow, rename = "type")]
    kind: Scalar<'a>,
    #[serde(borrow)]
    message: Maybe<Message<'a>>,
    #[serde(borrow)]
    content_block: Maybe<Block<'a>>,
    #[serde(borrow)]
    delta: Maybe<Delta<'a>>,
    #[serde(borrow)]
    usage: Maybe<Counts<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Message<'a> {
    #[serde(borrow)]
    id: Scalar<'a>,
    #[serde(borrow)]
    model: Scalar<'a>,
    #[serde(borrow)]
    stop_reason: Scalar<'a>,
    #[serde(borrow)]
    content: List<Block<'a>>,
    #[serde(borrow)]
    usage: Maybe<Counts<'a>>,
    #[serde(borrow)]
    error: Option<&'a RawValue>,
}

/// A part of an answer, at its beginning or whole.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Block<'a> {
    #[serde(borrow, rename = "type")]
    kind: Scalar<'a>,
    #[serde(borrow)]
    text: Scalar<'a>,
    #[serde(borrow)]
    thinking: Scalar<'a>,
    #[serde(borrow)]
    name: Scalar<'a>,
    input: Size,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Delta<'a> {
    #[serde(borrow)]
    text: Scalar<'a>,
    #[serde(borrow)]
    thinking: Scalar<'a>,
    #[serde(borrow)]
    partial_json: Scalar<'a>,
    #[serde(borrow)]
    stop_reason: Scalar<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Counts<'a> {
    #[serde(borrow)]
    input_tokens: Scalar<'a>,
    #[serde(borrow)]
    output_tokens: Scalar<'a>,
    #[serde(borrow)]
    cache_read_input_tokens: Scalar<'a>,
    #[serde(borrow)]
    cache_creation_input_tokens: Scalar<'a>,
    #[serde(borrow)]
    cache_creation: Maybe<CacheCreation<'a>>,
    #[serde(borrow)]
    output_tokens_details: Maybe<OutputDetails<'a>>,
    #[serde(borrow)]
    service_tier: Scalar<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct CacheCreation<'a> {
    #[serde(borrow)]
    ephemeral_5m_input_tokens: Scalar<'a>,
    #[serde(borrow)]
    ephemeral_1h_input_tokens: Scalar<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct OutputDetails<'a> {
    #[serde(borrow)]
    thinking_tokens: Scalar<'a>,
    #[serde(borrow)]
    reasoning_tokens: Scalar<'a>,
}

/// Tokens in Anthropic's own, disjoint way of counting.
#[derive(Default)]
struct Tokens {
    uncached: Option<u64>,
    read: Option<u64>,
    write: Option<u64>,
    write_5m: Option<u64>,
    write_1h: Option<u64>,
    output: Option<u64>,
    reasoning: Option<u64>,
}

impl Tokens {
    /// What a later count says replaces what was said before; what it leaves out stays.
    fn replace(&mut self, counts: &Counts<'_>) {
        let say = |kept: &mut Option<u64>, said: &Scalar<'_>| *kept = Usage::count(said.count()).or(*kept);
        say(&mut self.uncached, &counts.input_tokens);
        say(&mut self.read, &counts.cache_read_input_tokens);
        say(&mut self.write, &counts.cache_creation_input_tokens);
        say(&mut self.output, &counts.output_tokens);
        if let Some(creation) = &counts.cache_creation.0 {
            say(&mut self.write_5m, &creation.ephemeral_5m_input_tokens);
            say(&mut self.write_1h, &creation.ephemeral_1h_input_tokens);
        }
        if let Some(details) = &counts.output_tokens_details.0 {
            say(&mut self.reasoning, &details.reasoning_tokens);
            say(&mut self.reasoning, &details.thinking_tokens);
        }
    }

    fn usage(&self) -> Usage {
        let parts = || self.write_5m.unwrap_or(0).checked_add(self.write_1h?);
        let write = self.write.or_else(parts).or(self.write_5m);
        let input = [self.read, write].into_iter().flatten().try_fold(self.uncached.unwrap_or(0), u64::checked_add);
        let is_known = self.uncached.is_some() || self.read.is_some() || write.is_some();
        Usage {
            input: Usage::count(input.filter(|_| is_known)),
            output: self.output,
            cache_read: self.read,
            cache_write: write,
            cache_write_1h: self.write_1h,
            reasoning: self.reasoning,
            ..Usage::default()
        }
    }
}

struct AnthropicReader {
    so_far: Answering,
    tokens: Tokens,
}

impl AnthropicReader {
    fn told(&mut self, event: &Event<'_>, data: &[u8]) -> Seen {
        let mut is_content = false;
        if let Some(message) = &event.message.0 {
            self.message(message);
        }
        if let Some(block) = &event.content_block.0 {
            is_content |= block.tell(&mut self.so_far);
        }
        if let Some(delta) = &event.delta.0 {
            delta.stop_reason.replace(&mut self.so_far.answer.finish_reason);
            is_content |= self.so_far.say(delta.text.text());
            is_content |= self.so_far.weigh(delta.thinking.text());
            is_content |= self.so_far.weigh(delta.partial_json.text());
        }
        if event.kind.text() == Some("message_start") {
            // What a stream begins with says of its output what no one knows yet.
            self.tokens.output = None;
            self.so_far.answer.usage = self.tokens.usage();
        }
        self.count(&event.usage);
        match event.kind.text() {
            Some("message_stop") => self.so_far.answer.is_over = true,
            Some("error") => self.so_far.fail(error::of_body(data)),
            _ => {}
        }
        Seen { is_content, is_usage_alone: false }
    }

    fn message(&mut self, message: &Message<'_>) {
        let answer = &mut self.so_far.answer;
        message.id.replace(&mut answer.id);
        message.model.replace(&mut answer.model);
        message.stop_reason.replace(&mut answer.finish_reason);
        self.count(&message.usage);
        for block in &message.content.items {
            block.tell(&mut self.so_far);
        }
        self.so_far.fail(error::of_field(message.error));
    }

    fn count(&mut self, counts: &Maybe<Counts<'_>>) {
        if let Some(counts) = &counts.0 {
            counts.service_tier.replace(&mut self.so_far.answer.service_tier);
            self.tokens.replace(counts);
            self.so_far.answer.usage = self.tokens.usage();
        }
    }
}

impl Block<'_> {
    fn tell(&self, so_far: &mut Answering) -> bool {
        let is_call = self.kind.text().is_some_and(|kind| kind.ends_with("tool_use"));
        let is_named = is_call && so_far.call(self.name.text());
        so_far.answer.text_chars = so_far.answer.text_chars.saturating_add(self.input.0);
        let is_text = so_far.say(self.text.text());
        so_far.weigh(self.thinking.text()) || is_text || is_named
    }
}

impl Reader for AnthropicReader {
    fn event(&mut self, name: Option<&str>, data: &[u8]) -> Seen {
        match serde_json::from_slice::<Maybe<Event<'_>>>(data) {
            Ok(Maybe(Some(event))) => return self.told(&event, data),
            Err(_) => {
                if let Some(data) = json::mended(data) {
                    return self.event(name, &data);
                }
            }
            Ok(Maybe(None)) => {}
        }
        if name == Some("error") {
            self.so_far.fail(error::of_body(data));
        }
        Seen::default()
    }

    fn body(&mut self, body: &[u8]) {
        match serde_json::from_slice::<Maybe<Message<'_>>>(body) {
            Ok(Maybe(Some(message))) => {
                self.message(&message);
                if !message.content.is_list {
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

//! Anthropic's messages. Its input leaves out what came from the cache and what went into it; the usage at a stream's end
//! replaces, field by field, what its beginning said.

use super::json::{Content, Count, List, Maybe, Text};
use super::{Answer, Asked, Family, Keep, Provider, Reader, Seen, Usage, error, request};
use serde::Deserialize;

/// `anthropic.messages`.
pub struct Anthropic;

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
        path.ends_with("/messages")
    }

    fn asked(&self, _: &str, body: &[u8], keep: Keep) -> Asked {
        request::asked(body, keep)
    }

    fn reader(&self, keep: Keep) -> Box<dyn Reader> {
        Box::new(MessagesReader { answer: Answer::default(), keep, tokens: Tokens::default() })
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Event<'a> {
    #[serde(borrow, rename = "type")]
    kind: Text<'a>,
    #[serde(borrow)]
    message: Maybe<Message<'a>>,
    #[serde(borrow)]
    delta: Maybe<Delta<'a>>,
    #[serde(borrow)]
    content_block: Maybe<Block<'a>>,
    #[serde(borrow)]
    usage: Maybe<Tokens<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Message<'a> {
    #[serde(borrow)]
    id: Text<'a>,
    #[serde(borrow)]
    model: Text<'a>,
    #[serde(borrow)]
    content: List<Block<'a>>,
    #[serde(borrow)]
    stop_reason: Text<'a>,
    #[serde(borrow)]
    usage: Maybe<Tokens<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Block<'a> {
    #[serde(borrow, rename = "type")]
    kind: Text<'a>,
    #[serde(borrow)]
    name: Text<'a>,
    #[serde(borrow)]
    text: Content<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Delta<'a> {
    #[serde(borrow)]
    text: Text<'a>,
    #[serde(borrow)]
    thinking: Text<'a>,
    #[serde(borrow)]
    partial_json: Text<'a>,
    #[serde(borrow)]
    stop_reason: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Tokens<'a> {
    input_tokens: Count,
    output_tokens: Count,
    cache_read_input_tokens: Count,
    cache_creation_input_tokens: Count,
    cache_creation: Maybe<Lifetimes>,
    #[serde(borrow)]
    service_tier: Text<'a>,
}

#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(default)]
struct Lifetimes {
    ephemeral_5m_input_tokens: Count,
    ephemeral_1h_input_tokens: Count,
}

impl Tokens<'_> {
    /// What `newer` says goes before this; what it leaves out stays.
    fn replace(&mut self, newer: &Tokens<'_>) {
        let newer_of = |old: &mut Count, new: Count| {
            if new.0.is_some() {
                *old = new;
            }
        };
        newer_of(&mut self.input_tokens, newer.input_tokens);
        newer_of(&mut self.output_tokens, newer.output_tokens);
        newer_of(&mut self.cache_read_input_tokens, newer.cache_read_input_tokens);
        newer_of(&mut self.cache_creation_input_tokens, newer.cache_creation_input_tokens);
        if let Some(lifetimes) = newer.cache_creation.0 {
            self.cache_creation = Maybe(Some(lifetimes));
        }
    }

    fn usage(&self) -> Usage {
        let lifetimes = self.cache_creation.0.unwrap_or_default();
        let apart = [lifetimes.ephemeral_5m_input_tokens.0, lifetimes.ephemeral_1h_input_tokens.0];
        let written = self.cache_creation_input_tokens.0.or_else(|| sum(&apart));
        let parts = [self.input_tokens.0, self.cache_read_input_tokens.0, written];
        Usage {
            input: self.input_tokens.0.and_then(|_| sum(&parts)),
            output: self.output_tokens.0,
            cache_read: self.cache_read_input_tokens.0,
            cache_write: written,
            cache_write_1h: lifetimes.ephemeral_1h_input_tokens.0,
            ..Usage::default()
        }
    }
}

/// The sum of what is known; `None` where nothing is.
fn sum(parts: &[Option<u64>]) -> Option<u64> {
    parts.iter().flatten().copied().reduce(u64::saturating_add)
}

struct MessagesReader {
    answer: Answer,
    keep: Keep,
    tokens: Tokens<'static>,
}

impl MessagesReader {
    fn count(&mut self, tokens: Option<&Tokens<'_>>) {
        let Some(tokens) = tokens else { return };
        self.tokens.replace(tokens);
        if let Some(tier) = tokens.service_tier.owned() {
            self.answer.service_tier = Some(tier);
        }
        self.answer.usage = self.tokens.usage();
    }

    fn message(&mut self, message: &Message<'_>) {
        self.answer.id = message.id.owned();
        self.answer.model = message.model.owned();
        self.answer.finish_reason = message.stop_reason.owned();
        self.count(message.usage.0.as_ref());
        for block in &message.content.0 {
            self.block(block);
        }
    }

    fn block(&mut self, block: &Block<'_>) -> bool {
        let mut says = false;
        for text in &block.text.0 {
            says |= self.answer.say(self.keep, Some(text));
        }
        if block.kind.get().is_some_and(|kind| kind.ends_with("tool_use")) {
            self.answer.tools.extend(block.name.owned());
            says = true;
        }
        says
    }

    fn event_of(&mut self, event: &Event<'_>, data: &[u8]) -> Seen {
        let mut is_content = false;
        if let Some(message) = &event.message.0 {
            self.message(message);
        }
        if let Some(block) = &event.content_block.0 {
            is_content |= self.block(block);
        }
        if let Some(delta) = &event.delta.0 {
            is_content |= self.answer.say(self.keep, delta.text.get());
            is_content |= self.answer.think(delta.thinking.get());
            is_content |= self.answer.think(delta.partial_json.get());
            if let Some(reason) = delta.stop_reason.owned() {
                self.answer.finish_reason = Some(reason);
            }
        }
        self.count(event.usage.0.as_ref());
        match event.kind.get() {
            Some("message_stop") => self.answer.is_over = true,
            Some("error") => self.answer.error = error::of_body(data),
            _ => {}
        }
        Seen { is_content, is_usage_alone: false }
    }
}

impl Reader for MessagesReader {
    fn event(&mut self, _: Option<&str>, data: &[u8]) -> Seen {
        serde_json::from_slice(data).map(|event| self.event_of(&event, data)).unwrap_or_default()
    }

    fn body(&mut self, body: &[u8]) {
        match serde_json::from_slice::<Message<'_>>(body) {
            Ok(message) if message.usage.0.is_some() || !message.content.0.is_empty() => self.message(&message),
            _ => self.answer.error = error::of_body(body),
        }
    }

    fn answer(&self) -> &Answer {
        &self.answer
    }
}

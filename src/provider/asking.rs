//! What requests of all protocols have in common: the text in a tree of messages and parts, read in one pass and borrowed
//! from the body, so that a big prompt is never built up as a value.

use super::json::{Maybe, Scalar};
use super::{Asked, Keep};
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::fmt;

/// What a token of a prompt that is given as numbers weighs, in characters.
const CHARS_PER_TOKEN: usize = 4;

/// A message, a part of one, a text, or a list of these.
#[derive(Debug, Default)]
pub struct Content<'a> {
    role: Cow<'a, str>,
    text: Vec<Cow<'a, str>>,
    /// Text that is no prose: tool calls and their results, reasoning, schemas; characters.
    other: usize,
}

impl Content<'_> {
    /// All its text, in characters.
    pub fn chars(&self) -> usize {
        self.text.iter().map(|text| text.chars().count()).sum::<usize>() + self.other
    }

    /// Whether it is a message of the user with text in it; what has no role is one.
    fn is_of_user(&self) -> bool {
        matches!(&*self.role, "user" | "") && self.text.iter().any(|text| !text.trim().is_empty())
    }

    fn preview(&self, keep: Keep) -> String {
        let mut preview = String::new();
        for (at, text) in self.text.iter().enumerate() {
            if at > 0 {
                keep.push(&mut preview, "\n");
            }
            keep.push(&mut preview, text);
        }
        preview
    }
}

/// The messages of a request, or its input where that is one text.
#[derive(Debug, Default)]
pub struct Messages<'a>(Vec<Content<'a>>);

impl Messages<'_> {
    /// Adds their text to what is asked, and shows the last of the user's.
    pub fn tell(&self, asked: &mut Asked, keep: Keep) {
        asked.text_chars += self.0.iter().map(Content::chars).sum::<usize>();
        let last = self.0.iter().rev().find(|message| message.is_of_user());
        if let Some(last) = last {
            asked.preview = last.preview(keep);
        }
    }
}

/// The size of any JSON in characters, but for the space between its parts; nothing is none.
#[derive(Debug, Default)]
pub struct Size(pub usize);

impl<'de> Deserialize<'de> for Size {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = <&'de RawValue>::deserialize(deserializer)?.get();
        Ok(Size(match compact_chars(raw) {
            _ if raw == "null" => 0,
            // Empty brackets or quotes.
            0..=2 => 0,
            chars => chars,
        }))
    }
}

/// Characters of JSON, but for white space outside of texts.
fn compact_chars(json: &str) -> usize {
    let (mut is_text, mut is_escaped) = (false, false);
    json.chars()
        .filter(|c| {
            let is_quote = *c == '"' && !is_escaped;
            is_escaped = is_text && *c == '\\' && !is_escaped;
            is_text ^= is_quote;
            is_text || !c.is_ascii_whitespace()
        })
        .count()
}

/// `metadata`, as OpenAI's and Anthropic's callers fill it.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Metadata<'a> {
    /// The end user.
    #[serde(borrow)]
    pub user_id: Scalar<'a>,
    /// The conversation.
    #[serde(borrow)]
    pub session_id: Scalar<'a>,
}

/// A name, alone or as the id of an object.
#[derive(Debug, Default)]
pub struct Named(pub Option<String>);

impl<'de> Deserialize<'de> for Named {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Default, Deserialize)]
        #[serde(default)]
        struct Object<'a> {
            #[serde(borrow)]
            id: Scalar<'a>,
        }
        let raw = <&'de RawValue>::deserialize(deserializer)?.get();
        let object = || serde_json::from_str::<Maybe<Object<'_>>>(raw).ok()?.0?.id.owned();
        Ok(Named(serde_json::from_str::<Scalar<'_>>(raw).ok().and_then(|name| name.owned()).or_else(object)))
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Messages<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(MessagesVisitor)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Content<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ContentVisitor)
    }
}

struct MessagesVisitor;
struct ContentVisitor;

impl<'de> Visitor<'de> for MessagesVisitor {
    type Value = Messages<'de>;

    fn expecting(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str("anything")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut messages = Vec::new();
        while let Some(message) = seq.next_element()? {
            messages.push(message);
        }
        Ok(Messages(messages))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        Ok(Messages(vec![ContentVisitor.visit_map(map)?]))
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Messages(vec![Content { text: vec![Cow::Borrowed(text)], ..Content::default() }]))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Messages(vec![Content { text: vec![Cow::Owned(text.to_owned())], ..Content::default() }]))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(Messages::default())
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
        Ok(Messages::default())
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
        Ok(Messages::default())
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
        Ok(Messages::default())
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Messages::default())
    }
}

impl<'de> Visitor<'de> for ContentVisitor {
    type Value = Content<'de>;

    fn expecting(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str("anything")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Content { text: vec![Cow::Borrowed(text)], ..Content::default() })
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Content { text: vec![Cow::Owned(text.to_owned())], ..Content::default() })
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
        Ok(Content { other: CHARS_PER_TOKEN, ..Content::default() })
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(Content::default())
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
        Ok(Content::default())
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
        Ok(Content::default())
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Content::default())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut all = Content::default();
        while let Some(part) = seq.next_element::<Content<'de>>()? {
            all.add(part);
        }
        Ok(all)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let (mut all, mut kind) = (Content::default(), Scalar::Nothing);
        while let Some(key) = map.next_key::<Scalar<'de>>()? {
            match key.text().unwrap_or_default() {
                "role" => all.role = text_of(map.next_value()?),
                "type" => kind = map.next_value()?,
                "text" | "content" | "parts" => all.add(map.next_value()?),
                "thinking" | "summary" => all.other += map.next_value::<Content<'de>>()?.chars(),
                "tool_calls" | "function_call" | "functionCall" | "functionResponse" | "arguments" | "input"
                | "output" => {
                    all.other += map.next_value::<Size>()?.0;
                }
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        if kind.text().is_some_and(|kind| kind.contains("tool") || kind.contains("reasoning")) {
            all.other = all.chars();
            all.text.clear();
        }
        Ok(all)
    }
}

impl<'a> Content<'a> {
    fn add(&mut self, part: Content<'a>) {
        self.text.extend(part.text);
        self.other += part.other;
    }
}

fn text_of(scalar: Scalar<'_>) -> Cow<'_, str> {
    match scalar {
        Scalar::Text(text) => text,
        _ => Cow::Borrowed(""),
    }
}

/// The name between `before` and the next slash or colon of a path, such as a deployment's.
pub fn name_after(path: &str, before: &str) -> Option<String> {
    let name = path.rsplit_once(before)?.1.split(['/', ':']).next()?;
    let name = name.split("%3A").next()?;
    (!name.is_empty()).then(|| name.to_owned())
}

/// The first of these that is a text.
pub fn first_text(of: &[&Scalar<'_>]) -> Option<String> {
    of.iter().find_map(|scalar| scalar.owned())
}

/// The first of these that is a count.
pub fn first_count(of: &[&Scalar<'_>]) -> Option<u64> {
    of.iter().find_map(|scalar| scalar.count())
}

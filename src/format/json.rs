//! JSON off the fast path: values as the fields of an event see them, objects with all their keys kept, depth, and text
//! with escapes. The grammar is serde_json's.

use super::number::{self, Num};
use crate::event::Reason;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;

/// Objects and arrays may be nested so deep, the outermost counting as one.
pub const MAX_DEPTH: usize = 128;

/// A value under a key.
#[derive(Debug, Clone, PartialEq)]
pub enum Value<'a> {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number, with its text.
    Number(&'a str, Num),
    /// A string without its escapes.
    Text(Cow<'a, str>),
    /// An object or array, as it stands.
    Json(&'a str),
}

/// The value that a piece of valid JSON holds.
pub fn value(raw: &RawValue) -> Value<'_> {
    let text = raw.get();
    match text.as_bytes().first() {
        Some(b'n') | None => Value::Null,
        Some(b't') => Value::Bool(true),
        Some(b'f') => Value::Bool(false),
        Some(b'"') => Value::Text(string(text)),
        Some(b'{' | b'[') => Value::Json(text),
        Some(_) => number::parse(text).map_or(Value::Null, |num| Value::Number(text, num)),
    }
}

/// The text of a quoted JSON string that is known to be valid but perhaps for lone surrogates.
fn string(quoted: &str) -> Cow<'_, str> {
    match serde_json::from_str::<Str<'_>>(quoted) {
        Ok(text) => text.0,
        Err(_) => {
            let inner = quoted.get(1..quoted.len().saturating_sub(1)).unwrap_or_default();
            unescape(inner).map_or(Cow::Borrowed(inner), Cow::Owned)
        }
    }
}

/// Resolves the escapes of a JSON string, given without its quotes. A lone surrogate, which programs leave that cut text
/// in UTF-16, becomes U+FFFD. `None` where an escape is broken.
pub fn unescape(text: &str) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = memchr::memchr(b'\\', rest.as_bytes()) {
        out.push_str(&rest[..at]);
        let code = *rest.as_bytes().get(at + 1)?;
        rest = rest.get(at + 2..)?;
        match code {
            b'"' | b'\\' | b'/' => out.push(char::from(code)),
            b'n' => out.push('\n'),
            b't' => out.push('\t'),
            b'r' => out.push('\r'),
            b'b' => out.push('\u{8}'),
            b'f' => out.push('\u{c}'),
            b'u' => {
                let (c, used) = unicode(rest)?;
                out.push(c);
                rest = &rest[used..];
            }
            _ => return None,
        }
    }
    out.push_str(rest);
    Some(out)
}

/// The character of `XXXX` or `XXXX\uXXXX`, and how many bytes of the text it took.
pub fn unicode(text: &str) -> Option<(char, usize)> {
    let high = hex4(text)?;
    if let Some(c) = char::from_u32(high) {
        return Some((c, 4));
    }
    let low = text.get(4..).and_then(|t| t.strip_prefix("\\u")).and_then(hex4);
    match low {
        Some(low) if high < 0xdc00 && (0xdc00..0xe000).contains(&low) => {
            let c = char::from_u32(0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00));
            Some((c.unwrap_or(char::REPLACEMENT_CHARACTER), 10))
        }
        _ => Some((char::REPLACEMENT_CHARACTER, 4)),
    }
}

fn hex4(text: &str) -> Option<u32> {
    let digits = text.get(..4)?;
    digits.bytes().all(|b| b.is_ascii_hexdigit()).then(|| u32::from_str_radix(digits, 16).ok()).flatten()
}

/// How deep a text is nested, strings left out; enough for a limit, no check of the grammar.
pub fn depth(text: &str) -> usize {
    let (mut deepest, mut now, mut in_string, mut escaped) = (0, 0_usize, false, false);
    for byte in text.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            _ if in_string => {}
            b'{' | b'[' => {
                now += 1;
                deepest = deepest.max(now);
            }
            b'}' | b']' => now = now.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

/// Whether a text is nested beyond the limit.
pub fn is_too_deep(text: &str) -> bool {
    let opens = memchr::memchr2_iter(b'{', b'[', text.as_bytes());
    opens.take(MAX_DEPTH + 1).count() > MAX_DEPTH && depth(text) > MAX_DEPTH
}

/// Whether a text is one JSON value, and not too deep.
pub fn check(text: &str) -> Result<(), Reason> {
    match serde_json::from_str::<serde::de::IgnoredAny>(text) {
        _ if is_too_deep(text) => Err(Reason::TooDeep),
        Ok(_) => Ok(()),
        Err(_) => Err(Reason::InvalidJson),
    }
}

/// The keys of an object in order, each once, with their values unread.
#[derive(Debug)]
pub struct Object<'a> {
    /// Keys and values in the order of the text.
    pub entries: Vec<(Cow<'a, str>, &'a RawValue)>,
    /// Whether a key came again with another value; the first is kept.
    pub contradicts: bool,
}

impl<'a> Object<'a> {
    /// Reads a text that holds one object and nothing else.
    pub fn parse(text: &'a str) -> Result<Object<'a>, Reason> {
        match serde_json::from_str::<Object<'a>>(text) {
            _ if is_too_deep(text) => Err(Reason::TooDeep),
            Ok(object) => Ok(object),
            Err(_) => Err(Reason::InvalidJson),
        }
    }

    /// The value under a key, by its exact name.
    pub fn get(&self, name: &str) -> Option<&'a RawValue> {
        self.entries.iter().find(|(key, _)| key == name).map(|(_, raw)| *raw)
    }

    /// The text under a key; `None` where it holds anything else.
    pub fn text(&self, name: &str) -> Option<Cow<'a, str>> {
        match value(self.get(name)?) {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Keeps the first of keys that came again, and notes whether they disagree.
    fn of(mut entries: Vec<(Cow<'a, str>, &'a RawValue)>) -> Object<'a> {
        /// Up to so many keys are compared each with each.
        const FEW: usize = 40;
        let again: Vec<(usize, usize)> =
            if entries.len() <= FEW { repeated_few(&entries) } else { repeated_many(&entries) };
        let contradicts = again.iter().any(|&(first, later)| value(entries[first].1) != value(entries[later].1));
        let mut again = again.iter().map(|&(_, later)| later).peekable();
        let mut place = 0..;
        entries.retain(|_| again.next_if_eq(&place.next().unwrap_or(usize::MAX)).is_none());
        Object { entries, contradicts }
    }
}

/// Places of keys that came before, each with where it first was.
fn repeated_few(entries: &[(Cow<'_, str>, &RawValue)]) -> Vec<(usize, usize)> {
    let first = |(later, (key, _)): (usize, &(Cow<'_, str>, &RawValue))| {
        entries[..later].iter().position(|(before, _)| before == key).map(|first| (first, later))
    };
    entries.iter().enumerate().filter_map(first).collect()
}

/// As [`repeated_few`], for objects of any size.
fn repeated_many(entries: &[(Cow<'_, str>, &RawValue)]) -> Vec<(usize, usize)> {
    let mut seen: HashMap<&str, usize> = HashMap::with_capacity(entries.len());
    let mut again = Vec::new();
    for (place, (key, _)) in entries.iter().enumerate() {
        let first = *seen.entry(key.as_ref()).or_insert(place);
        if first != place {
            again.push((first, place));
        }
    }
    again
}

impl<'de: 'a, 'a> Deserialize<'de> for Object<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries;
        impl<'de> Visitor<'de> for Entries {
            type Value = Object<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object<'de>, A::Error> {
                let mut entries = Vec::with_capacity(32);
                while let Some((key, raw)) = map.next_entry::<Str<'de>, &'de RawValue>()? {
                    entries.push((key.0, raw));
                }
                Ok(Object::of(entries))
            }
        }
        deserializer.deserialize_map(Entries)
    }
}

/// A string borrowed from the text where it has no escapes.
struct Str<'a>(Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Str<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Borrow;
        impl<'de> Visitor<'de> for Borrow {
            type Value = Str<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Str<'de>, E> {
                Ok(Str(Cow::Borrowed(text)))
            }

            fn visit_str<E>(self, text: &str) -> Result<Str<'de>, E> {
                Ok(Str(Cow::Owned(text.to_owned())))
            }
        }
        deserializer.deserialize_str(Borrow)
    }
}

/// The first value of a text, and how many bytes it takes; what follows is not looked at.
pub fn first_value(text: &str) -> Option<(&RawValue, usize)> {
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<&RawValue>();
    let raw = values.next()?.ok()?;
    Some((raw, values.byte_offset()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_keep_their_order_and_contradictions_are_noted() {
        let object = Object::parse(r#"{"b":1,"a":{"x":[1]},"b":1, "c":"\u00e9"}"#).unwrap();
        let keys: Vec<&str> = object.entries.iter().map(|(k, _)| k.as_ref()).collect();
        assert_eq!(keys, ["b", "a", "c"]);
        assert!(!object.contradicts);
        assert_eq!(object.text("c").as_deref(), Some("é"));
        let many: Vec<String> = (0..50_000).map(|n| format!("\"k{}\":{}", n % 300, n % 300)).collect();
        let text = format!("{{{}}}", many.join(","));
        let object = Object::parse(&text).unwrap();
        assert_eq!((object.entries.len(), object.contradicts), (300, false));
        assert_eq!(object.entries[299].0, "k299");
        assert!(Object::parse(r#"{"b":1,"b":2}"#).unwrap().contradicts);
        assert!(!Object::parse(r#"{"b":"A","b":"\u0041"}"#).unwrap().contradicts);
    }

    #[test]
    fn depth_is_limited_and_strings_do_not_count() {
        let nested = |n: usize| format!("{{\"a\":{}{}}}", "[".repeat(n - 1), "]".repeat(n - 1));
        assert!(Object::parse(&nested(MAX_DEPTH)).is_ok());
        assert_eq!(Object::parse(&nested(MAX_DEPTH + 1)).err(), Some(Reason::TooDeep));
        assert_eq!(depth(r#"{"a":"[[[\"[["}"#), 1);
    }

    #[test]
    fn escapes_resolve_and_lone_surrogates_are_replaced() {
        assert_eq!(unescape(r#"a\n\"\u00e9\ud83d\ude00\/"#).as_deref(), Some("a\n\"é😀/"));
        assert_eq!(unescape(r"cut \ud83d").as_deref(), Some("cut \u{fffd}"));
        assert_eq!(unescape(r"\ud83d\u0041").as_deref(), Some("\u{fffd}A"));
        assert_eq!(unescape(r"\x41"), None);
        assert_eq!(unescape(r"\u00g0"), None);
        let object = Object::parse(r#"{"p":"cut \ud83d"}"#).unwrap();
        assert_eq!(object.text("p").as_deref(), Some("cut \u{fffd}"));
    }
}

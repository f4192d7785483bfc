//! Lenient, borrowed JSON: what is missing or of another type is unknown and spoils nothing around it; texts are borrowed
//! from the bytes wherever they hold no escapes.

use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

/// A text, a number or a flag, as they come; lists and objects are nothing.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum Scalar<'a> {
    /// Anything else.
    #[default]
    Nothing,
    /// A flag.
    Flag(bool),
    /// A number of no sign and no fraction.
    Count(u64),
    /// Any other number.
    Number(f64),
    /// A text.
    Text(Cow<'a, str>),
}

impl Scalar<'_> {
    /// The text, unless it is empty.
    pub fn text(&self) -> Option<&str> {
        match self {
            Scalar::Text(text) if !text.is_empty() => Some(text),
            _ => None,
        }
    }

    /// The text, to keep.
    pub fn owned(&self) -> Option<String> {
        self.text().map(str::to_owned)
    }

    /// A text or a number, as text.
    pub fn word(&self) -> Option<String> {
        match self {
            Scalar::Count(count) => Some(count.to_string()),
            Scalar::Number(number) => Some(number.to_string()),
            _ => self.owned(),
        }
    }

    /// The count; `7.0` is one too.
    pub fn count(&self) -> Option<u64> {
        match self {
            Scalar::Count(count) => Some(*count),
            // Counts are far below 2^53, where the cast is exact.
            Scalar::Number(number) if *number >= 0.0 && *number < 9e15 && number.fract() == 0.0 => Some(*number as u64),
            _ => None,
        }
    }

    /// The number.
    pub fn number(&self) -> Option<f64> {
        match self {
            Scalar::Count(count) => Some(*count as f64),
            Scalar::Number(number) => Some(*number),
            _ => None,
        }
    }

    /// Whether it is the flag `true`.
    pub fn is_true(&self) -> bool {
        *self == Scalar::Flag(true)
    }

    /// Keeps the text where there is one, in place of what was there.
    pub fn replace(&self, kept: &mut Option<String>) {
        if let Some(text) = self.text()
            && kept.as_deref() != Some(text)
        {
            *kept = Some(text.to_owned());
        }
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Scalar<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ScalarVisitor(PhantomData))
    }
}

struct ScalarVisitor<'a>(PhantomData<&'a ()>);

impl<'de: 'a, 'a> Visitor<'de> for ScalarVisitor<'a> {
    type Value = Scalar<'a>;

    fn expecting(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str("anything")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Scalar::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Scalar::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Self::Value, E> {
        Ok(Scalar::Flag(flag))
    }

    fn visit_u64<E>(self, count: u64) -> Result<Self::Value, E> {
        Ok(Scalar::Count(count))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Self::Value, E> {
        Ok(Scalar::Number(number as f64))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Self::Value, E> {
        Ok(Scalar::Number(number))
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Scalar::Nothing)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Self::Value, A::Error> {
        pass_list(seq).map(|()| Scalar::Nothing)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        pass_object(map).map(|()| Scalar::Nothing)
    }
}

/// An object; anything else is none.
#[derive(Debug)]
pub struct Maybe<T>(pub Option<T>);

impl<T> Default for Maybe<T> {
    fn default() -> Self {
        Maybe(None)
    }
}

/// The objects of a list; what is no object in it is left out, what is no list is empty.
#[derive(Debug)]
pub struct List<T> {
    /// The objects.
    pub items: Vec<T>,
    /// Whether it was a list at all.
    pub is_list: bool,
}

impl<T> Default for List<T> {
    fn default() -> Self {
        List { items: Vec::new(), is_list: false }
    }
}

struct MaybeVisitor<T>(PhantomData<T>);
struct ListVisitor<T>(PhantomData<T>);

/// What a scalar is where an object or a list was looked for.
macro_rules! nothing_of_scalars {
    () => {
        fn expecting(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
            to.write_str("anything")
        }

        fn visit_str<E>(self, _: &str) -> Result<Self::Value, E> {
            Ok(Default::default())
        }

        fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
            Ok(Default::default())
        }

        fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
            Ok(Default::default())
        }

        fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
            Ok(Default::default())
        }

        fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
            Ok(Default::default())
        }

        fn visit_unit<E>(self) -> Result<Self::Value, E> {
            Ok(Default::default())
        }
    };
}

impl<'de, T: Deserialize<'de>> Visitor<'de> for MaybeVisitor<T> {
    type Value = Maybe<T>;

    nothing_of_scalars!();

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Self::Value, A::Error> {
        pass_list(seq).map(|()| Maybe(None))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map)).map(|object| Maybe(Some(object)))
    }
}

impl<'de, T: Deserialize<'de>> Visitor<'de> for ListVisitor<T> {
    type Value = List<T>;

    nothing_of_scalars!();

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element::<Maybe<T>>()? {
            items.extend(item.0);
        }
        Ok(List { items, is_list: true })
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        pass_object(map).map(|()| List::default())
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Maybe<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(MaybeVisitor(PhantomData))
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for List<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ListVisitor(PhantomData))
    }
}

/// Reads past the rest of a list.
pub fn pass_list<'de, A: SeqAccess<'de>>(mut seq: A) -> Result<(), A::Error> {
    while seq.next_element::<IgnoredAny>()?.is_some() {}
    Ok(())
}

/// Reads past the rest of an object.
pub fn pass_object<'de, A: MapAccess<'de>>(mut map: A) -> Result<(), A::Error> {
    while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
    Ok(())
}

/// JSON that could not be read, with what can be mended in it mended: halves of characters, then what is said twice, of
/// which the last counts, as most servers read it. `None` where there is nothing to mend.
pub fn mended(bytes: &[u8]) -> Option<Vec<u8>> {
    whole_characters(bytes).or_else(|| {
        let once = serde_json::to_vec(&serde_json::from_slice::<serde_json::Value>(bytes).ok()?).ok()?;
        (once != bytes).then_some(once)
    })
}

/// Servers that cut between tokens leave halves of surrogate pairs and of UTF-8: they become the replacement character.
fn whole_characters(bytes: &[u8]) -> Option<Vec<u8>> {
    let text = String::from_utf8_lossy(bytes);
    let mut mended = String::with_capacity(text.len());
    let mut rest: &str = &text;
    while let Some(at) = rest.find('\\') {
        mended.push_str(&rest[..at]);
        let escape = &rest[at..];
        let (kept, len) = match (half(escape), escape.get(6..).and_then(half)) {
            (Some(0xD800..=0xDBFF), Some(0xDC00..=0xDFFF)) => (&escape[..12], 12),
            (Some(_), _) => ("\\ufffd", 6),
            (None, _) => {
                let len = 1 + escape[1..].chars().next().map_or(0, char::len_utf8);
                (&escape[..len], len)
            }
        };
        mended.push_str(kept);
        rest = &escape[len..];
    }
    mended.push_str(rest);
    (mended.as_bytes() != bytes).then(|| mended.into_bytes())
}

/// The half of a surrogate pair that a text begins with, escaped.
fn half(text: &str) -> Option<u32> {
    let digits = text.strip_prefix("\\u")?.get(..4)?;
    u32::from_str_radix(digits, 16).ok().filter(|unit| (0xD800..=0xDFFF).contains(unit))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[derive(Default, serde::Deserialize)]
    #[serde(default)]
    struct Probe<'a> {
        #[serde(borrow)]
        word: Scalar<'a>,
        #[serde(borrow)]
        inner: Maybe<Inner<'a>>,
        #[serde(borrow)]
        list: List<Inner<'a>>,
    }

    #[derive(Default, serde::Deserialize)]
    #[serde(default)]
    struct Inner<'a> {
        #[serde(borrow)]
        n: Scalar<'a>,
    }

    #[test]
    fn another_type_is_unknown_and_spoils_nothing_around_it() {
        for other in ["null", "1", "-1", "1.5", "true", "[1,{}]", "{\"a\":[1]}", "\"x\\n\""] {
            let text = format!(r#"{{"inner":{other},"list":{other},"word":"é","more":{other}}}"#);
            let probe: Probe<'_> = serde_json::from_str(&text).unwrap();
            assert_eq!(probe.word.text(), Some("é"), "{other}");
            assert!(probe.inner.0.is_none_or(|inner| inner.n == Scalar::Nothing), "{other}");
            assert!(probe.list.items.len() <= 1, "{other}");
        }
    }

    #[test]
    fn halves_of_characters_are_mended_and_whole_ones_kept() {
        let mended = |text: &[u8]| whole_characters(text).map(|bytes| String::from_utf8(bytes).unwrap());
        assert_eq!(mended(br#"{"a":"\ud83d"}"#).as_deref(), Some(r#"{"a":"\ufffd"}"#));
        assert_eq!(mended(br#"{"a":"\ude42\ud83d\ude42"}"#).as_deref(), Some(r#"{"a":"\ufffd\ud83d\ude42"}"#));
        assert_eq!(mended(b"{\"a\":\"\xf0\x9f\"}").as_deref(), Some("{\"a\":\"\u{fffd}\"}"));
        assert_eq!(mended(br#"{"a":"\\ud83d \" \u00e9"}"#), None);
        assert_eq!(mended(br#"{"a":"\"#), None);
    }

    #[test]
    fn what_is_said_twice_is_said_once() {
        assert_eq!(mended(br#"{"a":1,"b":{"c":1,"c":2},"a":3}"#).as_deref(), Some(&br#"{"a":3,"b":{"c":2}}"#[..]));
        assert_eq!(mended(b"{\"a\":3}"), None);
    }
}

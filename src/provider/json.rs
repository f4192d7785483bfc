//! JSON as it comes, taken leniently: a field of another type than is usual is unknown, and spoils nothing beside it. Texts
//! are borrowed where they have no escapes.

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor, value::MapAccessDeserializer};
use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

/// A text, or a number or a switch as text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Text<'a>(pub Option<Cow<'a, str>>);

impl Text<'_> {
    /// The text.
    pub fn get(&self) -> Option<&str> {
        self.0.as_deref()
    }

    /// The text, kept; nothing where it is empty.
    pub fn owned(&self) -> Option<String> {
        self.get().filter(|text| !text.is_empty()).map(str::to_owned)
    }

    /// Whether there is something in it.
    pub fn says(&self) -> bool {
        self.get().is_some_and(|text| !text.is_empty())
    }
}

/// A count.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Count(pub Option<u64>);

/// A number.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Number(pub Option<f64>);

/// A switch; what is none is off.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Switch(pub bool);

/// A list; what is none is empty.
#[derive(Debug, Clone, PartialEq)]
pub struct List<T>(pub Vec<T>);

impl<T> Default for List<T> {
    fn default() -> List<T> {
        List(Vec::new())
    }
}

/// An object; what is none is absent.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Maybe<T>(pub Option<T>);

/// The texts of a content: a string, a list of parts with `text`, `content` or `parts`, or one such part.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Content<'a>(pub Vec<Cow<'a, str>>);

impl Content<'_> {
    /// Whether there is something in it.
    pub fn says(&self) -> bool {
        self.0.iter().any(|text| !text.is_empty())
    }
}

macro_rules! lenient {
    ($name:ident, $expects:literal, $($body:tt)*) => {
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Reads;
                impl<'de> Visitor<'de> for Reads {
                    type Value = $name;
                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str($expects)
                    }
                    $($body)*
                }
                deserializer.deserialize_any(Reads)
            }
        }
    };
}

/// What a visitor makes of everything that it does not know: nothing.
macro_rules! otherwise {
    ($value:expr; $($what:ident),*) => { $(otherwise!(@ $what, $value);)* };
    (@ bool, $value:expr) => { fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> { Ok($value) } };
    (@ i64, $value:expr) => { fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> { Ok($value) } };
    (@ u64, $value:expr) => { fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> { Ok($value) } };
    (@ f64, $value:expr) => { fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> { Ok($value) } };
    (@ str, $value:expr) => { fn visit_str<E>(self, _: &str) -> Result<Self::Value, E> { Ok($value) } };
    (@ unit, $value:expr) => { fn visit_unit<E>(self) -> Result<Self::Value, E> { Ok($value) } };
    (@ seq, $value:expr) => {
        fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
            while seq.next_element::<IgnoredAny>()?.is_some() {}
            Ok($value)
        }
    };
    (@ map, $value:expr) => {
        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
            Ok($value)
        }
    };
}

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reads;
        impl<'de> Visitor<'de> for Reads {
            type Value = Text<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text")
            }
            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Text<'de>, E> {
                Ok(Text(Some(Cow::Borrowed(text))))
            }
            fn visit_str<E>(self, text: &str) -> Result<Text<'de>, E> {
                Ok(Text(Some(Cow::Owned(text.to_owned()))))
            }
            fn visit_i64<E>(self, n: i64) -> Result<Text<'de>, E> {
                Ok(Text(Some(Cow::Owned(n.to_string()))))
            }
            fn visit_u64<E>(self, n: u64) -> Result<Text<'de>, E> {
                Ok(Text(Some(Cow::Owned(n.to_string()))))
            }
            otherwise!(Text(None); bool, f64, unit, seq, map);
        }
        deserializer.deserialize_any(Reads)
    }
}

lenient!(Count, "a count",
    fn visit_u64<E>(self, n: u64) -> Result<Count, E> {
        Ok(Count(crate::provider::Usage::count(Some(n))))
    }
    fn visit_f64<E>(self, n: f64) -> Result<Count, E> {
        // Some write whole numbers with a point.
        let whole = n >= 0.0 && n.fract() == 0.0 && n < 1e15;
        Ok(Count(crate::provider::Usage::count(whole.then_some(n as u64))))
    }
    otherwise!(Count(None); bool, i64, str, unit, seq, map);
);

lenient!(Number, "a number",
    fn visit_u64<E>(self, n: u64) -> Result<Number, E> {
        Ok(Number(Some(n as f64)))
    }
    fn visit_i64<E>(self, n: i64) -> Result<Number, E> {
        Ok(Number(Some(n as f64)))
    }
    fn visit_f64<E>(self, n: f64) -> Result<Number, E> {
        Ok(Number(Some(n).filter(|n| n.is_finite())))
    }
    otherwise!(Number(None); bool, str, unit, seq, map);
);

lenient!(Switch, "true or false",
    fn visit_bool<E>(self, on: bool) -> Result<Switch, E> {
        Ok(Switch(on))
    }
    otherwise!(Switch(false); i64, u64, f64, str, unit, seq, map);
);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for List<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reads<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Reads<T> {
            type Value = List<T>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<List<T>, A::Error> {
                let mut list = Vec::new();
                while let Some(Maybe(item)) = seq.next_element::<Maybe<T>>()? {
                    list.extend(item);
                }
                Ok(List(list))
            }
            otherwise!(List(Vec::new()); bool, i64, u64, f64, str, unit, map);
        }
        deserializer.deserialize_any(Reads(PhantomData))
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Maybe<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reads<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Reads<T> {
            type Value = Maybe<T>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Maybe<T>, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map)).map(|object| Maybe(Some(object)))
            }
            otherwise!(Maybe(None); bool, i64, u64, f64, str, unit, seq);
        }
        deserializer.deserialize_any(Reads(PhantomData))
    }
}

/// A part of a content.
#[derive(serde::Deserialize)]
struct Part<'a> {
    #[serde(borrow, default)]
    text: Text<'a>,
    #[serde(borrow, default)]
    content: Content<'a>,
    #[serde(borrow, default)]
    parts: Content<'a>,
}

impl<'de: 'a, 'a> Deserialize<'de> for Content<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reads;
        impl<'de> Visitor<'de> for Reads {
            type Value = Content<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a content")
            }
            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Content<'de>, E> {
                Ok(Content(vec![Cow::Borrowed(text)]))
            }
            fn visit_str<E>(self, text: &str) -> Result<Content<'de>, E> {
                Ok(Content(vec![Cow::Owned(text.to_owned())]))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Content<'de>, A::Error> {
                let mut texts = Vec::new();
                while let Some(Content(more)) = seq.next_element()? {
                    texts.extend(more);
                }
                Ok(Content(texts))
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Content<'de>, A::Error> {
                let part = Part::deserialize(MapAccessDeserializer::new(map))?;
                let mut texts: Vec<Cow<'de, str>> = part.text.0.into_iter().collect();
                texts.extend(part.content.0);
                texts.extend(part.parts.0);
                Ok(Content(texts))
            }
            otherwise!(Content(Vec::new()); bool, i64, u64, f64, unit);
        }
        deserializer.deserialize_any(Reads)
    }
}

//! Changes in the body of a request that leave every other byte as it is: usage asked for in a stream, a model's name.

use serde_json::Value;
use std::ops::Range;

/// A member of the top object: its name as text, and where its value stands.
struct Member<'j> {
    name: &'j [u8],
    value: Range<usize>,
}

/// The request with `stream_options.include_usage` set; `None` where it is set already, or this is no object.
pub fn ask_for_usage(body: &[u8]) -> Option<Vec<u8>> {
    let members = members(body)?;
    let Some(options) = members.iter().rfind(|member| member.name == b"stream_options") else {
        let at = open(body)?;
        let comma = if members.is_empty() { "" } else { "," };
        return Some(put(body, at..at, format!(r#""stream_options":{{"include_usage":true}}{comma}"#).as_bytes()));
    };
    let text = &body[options.value.clone()];
    let Some(inner) = self::members(text) else {
        return Some(put(body, options.value.clone(), br#"{"include_usage":true}"#));
    };
    let offset = options.value.start;
    match inner.iter().rfind(|member| member.name == b"include_usage") {
        Some(asked) if &text[asked.value.clone()] == b"true" => None,
        Some(asked) => Some(put(body, offset + asked.value.start..offset + asked.value.end, b"true")),
        None => {
            let at = offset + open(text)?;
            let comma = if inner.is_empty() { "" } else { "," };
            Some(put(body, at..at, format!(r#""include_usage":true{comma}"#).as_bytes()))
        }
    }
}

/// The request with another model; `None` where it names none at its top.
pub fn rename_model(body: &[u8], model: &str) -> Option<Vec<u8>> {
    let name = Value::String(model.to_owned()).to_string();
    let places: Vec<Range<usize>> =
        members(body)?.into_iter().filter(|member| member.name == b"model").map(|member| member.value).collect();
    if places.is_empty() {
        return None;
    }
    // Parsers differ in which of two they take.
    Some(places.into_iter().rev().fold(body.to_vec(), |body, place| put(&body, place, name.as_bytes())))
}

/// A path of Gemini, or of Azure's deployments, with another model; `None` where it names none.
pub fn rename_model_in_path(path: &str, model: &str) -> Option<String> {
    let is_plain = model.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b));
    if !is_plain {
        return None;
    }
    let (start, end) = match (path.find("/models/"), path.find("/deployments/")) {
        (Some(at), _) => (at + "/models/".len(), [':', '?', '/']),
        (None, Some(at)) => (at + "/deployments/".len(), ['/', '?', '/']),
        (None, None) => return None,
    };
    let len = path[start..].find(end).unwrap_or(path.len() - start);
    Some(format!("{}{model}{}", &path[..start], &path[start + len..]))
}

fn put(body: &[u8], place: Range<usize>, new: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(body.len() + new.len());
    out.extend_from_slice(&body[..place.start]);
    out.extend_from_slice(new);
    out.extend_from_slice(&body[place.end..]);
    out
}

/// The place behind the opening brace.
fn open(body: &[u8]) -> Option<usize> {
    let at = skip_space(body, 0);
    (body.get(at) == Some(&b'{')).then_some(at + 1)
}

/// The members of an object; `None` where the text is none, or broken where it matters. Names with escapes are taken as they
/// are written: none of those that are looked for needs any.
fn members(body: &[u8]) -> Option<Vec<Member<'_>>> {
    let mut at = skip_space(body, open(body)?);
    let mut members = Vec::new();
    if body.get(at) == Some(&b'}') {
        return Some(members);
    }
    loop {
        let name = string(body, at)?;
        at = skip_space(body, name.end);
        if body.get(at) != Some(&b':') {
            return None;
        }
        let start = skip_space(body, at + 1);
        let end = value(body, start)?;
        members.push(Member { name: &body[name.start + 1..name.end - 1], value: start..end });
        at = skip_space(body, end);
        match body.get(at)? {
            b',' => at = skip_space(body, at + 1),
            b'}' => return Some(members),
            _ => return None,
        }
    }
}

fn skip_space(body: &[u8], mut at: usize) -> usize {
    while body.get(at).is_some_and(u8::is_ascii_whitespace) {
        at += 1;
    }
    at
}

/// A string with its quotes.
fn string(body: &[u8], at: usize) -> Option<Range<usize>> {
    if body.get(at) != Some(&b'"') {
        return None;
    }
    let mut end = at + 1;
    loop {
        end += memchr::memchr2(b'"', b'\\', body.get(end..)?)?;
        match body[end] {
            b'"' => return Some(at..end + 1),
            _ => end += 2,
        }
    }
}

/// The end of the value that begins here.
fn value(body: &[u8], at: usize) -> Option<usize> {
    match body.get(at)? {
        b'"' => string(body, at).map(|string| string.end),
        b'{' | b'[' => nested(body, at),
        _ => {
            let len = body[at..].iter().position(|b| b",]}".contains(b) || b.is_ascii_whitespace())?;
            (len > 0).then_some(at + len)
        }
    }
}

fn nested(body: &[u8], mut at: usize) -> Option<usize> {
    let mut depth = 0usize;
    loop {
        match body.get(at)? {
            b'"' => at = string(body, at)?.end,
            b'{' | b'[' => (depth, at) = (depth + 1, at + 1),
            b'}' | b']' => {
                (depth, at) = (depth - 1, at + 1);
                if depth == 0 {
                    return Some(at);
                }
            }
            _ => at += 1,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    fn asked(body: &str) -> Option<String> {
        ask_for_usage(body.as_bytes()).map(|body| String::from_utf8(body).unwrap())
    }

    #[test]
    fn usage_is_asked_for_and_nothing_else_moves() {
        let added = r#""stream_options":{"include_usage":true}"#;
        assert_eq!(asked(r#" { "a":"\"}" }"#).unwrap(), format!(r#" {{{added}, "a":"\"}}" }}"#));
        assert_eq!(asked("{}").unwrap(), format!("{{{added}}}"));
        assert_eq!(asked(r#"{"stream_options": null}"#).unwrap(), r#"{"stream_options": {"include_usage":true}}"#);
        assert_eq!(
            asked(r#"{"stream_options":{"x":[1,{}]}}"#).unwrap(),
            r#"{"stream_options":{"include_usage":true,"x":[1,{}]}}"#
        );
        assert_eq!(
            asked(r#"{"stream_options":{"include_usage" : false }}"#).unwrap(),
            r#"{"stream_options":{"include_usage" : true }}"#
        );
        for none in
            [r#"{"stream_options":{"include_usage":true}}"#, "[]", "", "{", r#"{"a""#, r#"{"a":"#, r#"{"a":1"#, "x"]
        {
            assert_eq!(asked(none), None, "{none}");
        }
    }

    #[test]
    fn a_model_is_renamed_where_it_stands() {
        let renamed = |body: &str| rename_model(body.as_bytes(), "m\"2").map(|body| String::from_utf8(body).unwrap());
        assert_eq!(
            renamed(r#"{"x":{"model":"a"}, "model" : "b","model":"c"}"#).unwrap(),
            r#"{"x":{"model":"a"}, "model" : "m\"2","model":"m\"2"}"#
        );
        assert_eq!(renamed(r#"{"messages":[{"model":"b"}]}"#), None);
        let path = |path: &str| rename_model_in_path(path, "new-1.5");
        assert_eq!(
            path("/v1beta/models/old:streamGenerateContent?alt=sse").unwrap(),
            "/v1beta/models/new-1.5:streamGenerateContent?alt=sse"
        );
        assert_eq!(
            path("/openai/deployments/old/chat/completions?a=b").unwrap(),
            "/openai/deployments/new-1.5/chat/completions?a=b"
        );
        assert_eq!(path("/v1/chat/completions"), None);
        assert_eq!(rename_model_in_path("/models/a:x", "../b"), None);
    }

    fn json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::Bool),
            any::<i32>().prop_map(|n| n.into()),
            ".{0,8}".prop_map(Value::String),
        ];
        leaf.prop_recursive(3, 24, 4, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
                proptest::collection::vec((name(), inner), 0..4)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    fn name() -> impl Strategy<Value = String> {
        prop_oneof![
            Just("model".to_owned()),
            Just("stream_options".to_owned()),
            Just("include_usage".to_owned()),
            ".{0,6}"
        ]
    }

    proptest! {
        #[test]
        fn what_parses_parses_to_the_same_but_for_the_change(members in proptest::collection::vec((name(), json()), 0..6), pretty: bool) {
            let object = Value::Object(members.into_iter().collect());
            let text = if pretty { serde_json::to_string_pretty(&object).unwrap() } else { object.to_string() };
            let mut want = object.clone();
            let options = &mut want["stream_options"];
            if !options.is_object() {
                *options = serde_json::json!({});
            }
            options["include_usage"] = Value::Bool(true);
            match ask_for_usage(text.as_bytes()) {
                Some(changed) => prop_assert_eq!(serde_json::from_slice::<Value>(&changed).unwrap(), want),
                None => prop_assert_eq!(&object["stream_options"]["include_usage"], &Value::Bool(true)),
            }
            if let Some(renamed) = rename_model(text.as_bytes(), "new") {
                let mut want = object.clone();
                want["model"] = Value::String("new".to_owned());
                prop_assert_eq!(serde_json::from_slice::<Value>(&renamed).unwrap(), want);
            } else {
                prop_assert!(object.get("model").is_none());
            }
        }

        #[test]
        fn rubbish_hurts_nobody(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            let _ = (ask_for_usage(&bytes), rename_model(&bytes, "x"));
        }
    }
}

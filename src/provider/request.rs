//! What a request asks for, in the words of all protocols at once: their fields do not contradict each other.

use super::json::{Content, Count, List, Maybe, Number, Switch, Text};
use super::{Asked, Keep};
use serde::Deserialize;

#[derive(Default, Deserialize)]
#[serde(default)]
struct Request<'a> {
    #[serde(borrow)]
    model: Text<'a>,
    stream: Switch,
    stream_options: Maybe<StreamOptions>,
    temperature: Number,
    max_tokens: Count,
    max_completion_tokens: Count,
    max_output_tokens: Count,
    #[serde(borrow)]
    service_tier: Text<'a>,
    #[serde(borrow)]
    user: Text<'a>,
    #[serde(borrow)]
    safety_identifier: Text<'a>,
    #[serde(borrow)]
    conversation: Text<'a>,
    #[serde(borrow)]
    metadata: Maybe<Metadata<'a>>,
    #[serde(borrow)]
    system: Content<'a>,
    #[serde(borrow)]
    instructions: Content<'a>,
    #[serde(borrow)]
    prompt: Content<'a>,
    #[serde(borrow)]
    messages: List<Message<'a>>,
    #[serde(borrow)]
    input: Input<'a>,
    #[serde(borrow)]
    contents: List<Message<'a>>,
    #[serde(borrow, rename = "systemInstruction", alias = "system_instruction")]
    system_instruction: Content<'a>,
    #[serde(rename = "generationConfig", alias = "generation_config")]
    generation_config: Maybe<GenerationConfig>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct StreamOptions {
    include_usage: Switch,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Metadata<'a> {
    #[serde(borrow)]
    user_id: Text<'a>,
    #[serde(borrow)]
    session_id: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Message<'a> {
    #[serde(borrow)]
    role: Text<'a>,
    #[serde(borrow)]
    content: Content<'a>,
    #[serde(borrow)]
    parts: Content<'a>,
    #[serde(borrow)]
    text: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct GenerationConfig {
    temperature: Number,
    #[serde(rename = "maxOutputTokens", alias = "max_output_tokens")]
    max_output_tokens: Count,
}

/// A text, several texts, or messages.
#[derive(Default)]
struct Input<'a> {
    texts: Vec<std::borrow::Cow<'a, str>>,
    messages: Vec<Message<'a>>,
}

impl<'de: 'a, 'a> Deserialize<'de> for Input<'a> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = <&serde_json::value::RawValue>::deserialize(deserializer)?.get();
        // Both readings are lenient: what is none of theirs is empty.
        let messages: List<Message<'de>> = serde_json::from_str(raw).unwrap_or_default();
        let is_list_of_messages = messages.0.iter().any(|message| message.role.says());
        let texts = match is_list_of_messages {
            true => Vec::new(),
            false => serde_json::from_str::<Content<'de>>(raw).map(|content| content.0).unwrap_or_default(),
        };
        Ok(Input { texts, messages: messages.0 })
    }
}

impl<'a> Request<'a> {
    fn messages(&self) -> impl DoubleEndedIterator<Item = &Message<'a>> {
        self.messages.0.iter().chain(&self.input.messages).chain(&self.contents.0)
    }

    /// The texts of the last message of the user, else the input.
    fn last_words(&self) -> Vec<&str> {
        let of_user = self.messages().rev().find(|message| matches!(message.role.get(), Some("user") | None));
        match of_user.or_else(|| self.messages().next_back()) {
            Some(message) => message.texts().collect(),
            None => self.input.texts.iter().chain(&self.prompt.0).map(|text| &**text).collect(),
        }
    }

    /// All texts that a model reads.
    fn texts(&self) -> impl Iterator<Item = &str> {
        let outside = [&self.system, &self.instructions, &self.system_instruction, &self.prompt];
        let outside = outside.into_iter().flat_map(|content| &content.0).chain(&self.input.texts).map(|text| &**text);
        outside.chain(self.messages().flat_map(Message::texts))
    }
}

impl Message<'_> {
    fn texts(&self) -> impl Iterator<Item = &str> {
        self.content.0.iter().chain(&self.parts.0).map(|text| &**text).chain(self.text.get())
    }
}

/// Reads a request of any protocol. What is no JSON asks for nothing that is known.
pub fn asked(body: &[u8], keep: Keep) -> Asked {
    let Ok(request) = serde_json::from_slice::<Request<'_>>(body) else { return Asked::default() };
    let metadata = request.metadata.0.as_ref();
    let config = request.generation_config.0.as_ref();
    let mut preview = String::new();
    for text in request.last_words() {
        if !preview.is_empty() {
            keep.push(&mut preview, "\n");
        }
        keep.push(&mut preview, text);
    }
    let limits = [request.max_completion_tokens, request.max_output_tokens, request.max_tokens];
    Asked {
        model: request.model.owned(),
        stream: request.stream.0,
        usage_in_stream: request.stream_options.0.as_ref().is_some_and(|options| options.include_usage.0),
        temperature: request.temperature.0.or(config.and_then(|config| config.temperature.0)),
        max_tokens: limits
            .into_iter()
            .find_map(|count| count.0)
            .or(config.and_then(|config| config.max_output_tokens.0)),
        service_tier: request.service_tier.owned(),
        user: request
            .safety_identifier
            .owned()
            .or_else(|| request.user.owned())
            .or_else(|| metadata.and_then(|metadata| metadata.user_id.owned())),
        session: metadata.and_then(|metadata| metadata.session_id.owned()).or_else(|| request.conversation.owned()),
        preview,
    }
}

/// All text of a request that a model reads: what an estimate of its tokens stands on.
pub fn text(body: &[u8]) -> String {
    let Ok(request) = serde_json::from_slice::<Request<'_>>(body) else { return String::new() };
    request.texts().collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_protocol_says_what_it_asks_for() {
        let chat = r#"{"model":"gpt-4o","stream":true,"stream_options":{"include_usage":true},"temperature":0.2,
            "max_completion_tokens":99,"user":"ann","service_tier":"flex","messages":[{"role":"system","content":"be brief"},
            {"role":"user","content":[{"type":"text","text":"hel\u006co"},{"type":"image_url","image_url":{"url":"data:"}}]},
            {"role":"assistant","content":null,"tool_calls":[]}]}"#;
        let got = asked(chat.as_bytes(), Keep::All);
        assert_eq!((got.model.as_deref(), got.stream, got.usage_in_stream), (Some("gpt-4o"), true, true));
        assert_eq!((got.temperature, got.max_tokens, got.preview.as_str()), (Some(0.2), Some(99), "hello"));
        assert_eq!((got.user.as_deref(), got.service_tier.as_deref()), (Some("ann"), Some("flex")));
        assert_eq!(text(chat.as_bytes()), "be brief\nhello");
        let anthropic = r#"{"model":"claude","max_tokens":5,"system":[{"type":"text","text":"S"}],"metadata":{"user_id":"u1"},
            "messages":[{"role":"user","content":"Q"}]}"#;
        let got = asked(anthropic.as_bytes(), Keep::All);
        assert_eq!((got.user.as_deref(), got.max_tokens, got.preview.as_str()), (Some("u1"), Some(5), "Q"));
        assert_eq!(text(anthropic.as_bytes()), "S\nQ");
        let gemini = r#"{"contents":[{"role":"user","parts":[{"text":"one"},{"text":"two"}]}],
            "generationConfig":{"temperature":1,"maxOutputTokens":7},"systemInstruction":{"parts":[{"text":"sys"}]}}"#;
        let got = asked(gemini.as_bytes(), Keep::Beginning(5));
        assert_eq!((got.temperature, got.max_tokens, got.preview.as_str()), (Some(1.0), Some(7), "one\nt"));
        assert_eq!(text(gemini.as_bytes()), "sys\none\ntwo");
        for (input, want) in [
            (r#""plain""#, "plain"),
            (r#"["a","b"]"#, "a\nb"),
            (r#"[{"role":"user","content":[{"type":"input_text","text":"deep"}]}]"#, "deep"),
            (r#"[[1,2,3]]"#, ""),
        ] {
            let body = format!(r#"{{"input":{input},"instructions":"I"}}"#);
            assert_eq!(asked(body.as_bytes(), Keep::All).preview, want);
        }
    }

    #[test]
    fn what_is_odd_spoils_nothing_beside_it() {
        let got = asked(
            br#"{"model":7,"stream":"yes","temperature":"hot","messages":{"a":1},"user":["x"],"max_tokens":-1}"#,
            Keep::All,
        );
        assert_eq!(
            (got.model.as_deref(), got.stream, got.temperature, got.user, got.max_tokens),
            (Some("7"), false, None, None, None)
        );
        assert_eq!(asked(b"no json", Keep::All), Asked::default());
    }
}

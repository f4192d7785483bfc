//! Graceful degradation: what is answered where everything else has failed, in the shape of each protocol, as a body or as a
//! stream, and marked by a header.

use super::body::Reply;
use super::record::Record;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use http::{Response, StatusCode};
use serde_json::{Value, json};

/// The mark.
const MARK: (HeaderName, HeaderValue) =
    (HeaderName::from_static("x-llmtop-degraded"), HeaderValue::from_static("static"));

/// A text as the answer to a call; `None` where its protocol has no texts.
pub fn response(record: &Record, text: &str) -> Option<Response<Reply>> {
    let model = record.asked.model.as_deref().unwrap_or("unknown");
    let made = Made { id: &record.request_id, model, text, seconds: record.started_us.div_euclid(1_000_000) };
    let is_stream = record.asked.stream;
    let body = match (record.provider?.name(), is_stream) {
        ("openai.chat", false) => made.chat(),
        ("openai.chat", true) => made.chat_stream(),
        ("openai.completions", false) => made.completion(json!("stop")),
        ("openai.completions", true) => {
            format!("{}data: [DONE]\n\n", event(None, &made.completion(json!("stop")))).into()
        }
        ("openai.responses", false) => made.responses("completed"),
        ("openai.responses", true) => made.responses_stream(),
        ("anthropic.messages", false) => made.message(json!([{"type": "text", "text": text}]), json!("end_turn")),
        ("anthropic.messages", true) => made.message_stream(),
        ("gemini", false) => made.gemini(),
        ("gemini", true) => event(None, &made.gemini()).into(),
        _ => return None,
    };
    let (kind, body) = match body {
        Value::String(stream) => ("text/event-stream", stream),
        object => ("application/json", object.to_string()),
    };
    let mut response = Response::new(Reply::own(body));
    *response.status_mut() = StatusCode::OK;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response.headers_mut().insert(MARK.0, MARK.1);
    Some(response)
}

/// What an answer is made of.
struct Made<'a> {
    id: &'a str,
    model: &'a str,
    text: &'a str,
    seconds: i64,
}

fn event(name: Option<&str>, data: &Value) -> String {
    let name = name.map_or_else(String::new, |name| format!("event: {name}\n"));
    format!("{name}data: {data}\n\n")
}

/// Events that are named by their type.
fn events(list: &[Value]) -> Value {
    list.iter().map(|data| event(data["type"].as_str(), data)).collect::<String>().into()
}

impl Made<'_> {
    fn chat(&self) -> Value {
        let message = json!({"role": "assistant", "content": self.text, "refusal": null});
        let choice = json!({"index": 0, "message": message, "logprobs": null, "finish_reason": "stop"});
        self.openai("chat.completion", &choice)
    }

    fn chat_stream(&self) -> Value {
        let chunk = |delta: Value, finish: Value| {
            let choice = json!({"index": 0, "delta": delta, "logprobs": null, "finish_reason": finish});
            event(None, &self.openai("chat.completion.chunk", &choice))
        };
        let first = chunk(json!({"role": "assistant", "content": self.text}), Value::Null);
        format!("{first}{}data: [DONE]\n\n", chunk(json!({}), json!("stop"))).into()
    }

    fn completion(&self, finish: Value) -> Value {
        let choice = json!({"index": 0, "text": self.text, "logprobs": null, "finish_reason": finish});
        self.openai("text_completion", &choice)
    }

    fn openai(&self, object: &str, choice: &Value) -> Value {
        json!({"id": self.id, "object": object, "created": self.seconds, "model": self.model, "choices": [choice]})
    }

    fn responses(&self, status: &str) -> Value {
        let output = json!([self.item("completed", true)]);
        let output = if status == "completed" { output } else { json!([]) };
        json!({
            "id": self.id, "object": "response", "created_at": self.seconds, "status": status, "model": self.model,
            "output": output, "error": null, "incomplete_details": null, "instructions": null, "metadata": {},
            "parallel_tool_calls": true, "temperature": null, "tool_choice": "auto", "tools": [], "top_p": null,
        })
    }

    fn item(&self, status: &str, is_whole: bool) -> Value {
        let content = json!([{"type": "output_text", "text": self.text, "annotations": []}]);
        let content = if is_whole { content } else { json!([]) };
        json!({"id": "msg_1", "type": "message", "role": "assistant", "status": status, "content": content})
    }

    fn responses_stream(&self) -> Value {
        let place = json!({"item_id": "msg_1", "output_index": 0, "content_index": 0});
        let part = |text: &str| json!({"type": "output_text", "text": text, "annotations": []});
        let at_place = |kind: &str, name: &str, value: Value| {
            let mut data = place.clone();
            data["type"] = kind.into();
            data[name] = value;
            data
        };
        let mut list = vec![
            json!({"type": "response.created", "response": self.responses("in_progress")}),
            json!({"type": "response.output_item.added", "output_index": 0, "item": self.item("in_progress", false)}),
            at_place("response.content_part.added", "part", part("")),
            at_place("response.output_text.delta", "delta", self.text.into()),
            at_place("response.output_text.done", "text", self.text.into()),
            at_place("response.content_part.done", "part", part(self.text)),
            json!({"type": "response.output_item.done", "output_index": 0, "item": self.item("completed", true)}),
            json!({"type": "response.completed", "response": self.responses("completed")}),
        ];
        for (n, data) in list.iter_mut().enumerate() {
            data["sequence_number"] = n.into();
        }
        events(&list)
    }

    fn message(&self, content: Value, stop: Value) -> Value {
        json!({
            "id": self.id, "type": "message", "role": "assistant", "model": self.model, "content": content,
            "stop_reason": stop, "stop_sequence": null, "usage": {"input_tokens": 0, "output_tokens": 0},
        })
    }

    fn message_stream(&self) -> Value {
        events(&[
            json!({"type": "message_start", "message": self.message(json!([]), Value::Null)}),
            json!({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}),
            json!({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": self.text}}),
            json!({"type": "content_block_stop", "index": 0}),
            json!({"type": "message_delta", "delta": {"stop_reason": "end_turn", "stop_sequence": null},
                "usage": {"output_tokens": 0}}),
            json!({"type": "message_stop"}),
        ])
    }

    fn gemini(&self) -> Value {
        json!({
            "candidates": [{"content": {"role": "model", "parts": [{"text": self.text}]}, "finishReason": "STOP", "index": 0}],
            "modelVersion": self.model, "responseId": self.id,
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::eye::Eye;
    use super::*;
    use crate::provider::{self, Answer, Keep};
    use http_body_util::BodyExt;

    const TEXTS: [&str; 4] =
        ["Sorry, later.", "\"quoted\" \\ and\n\ndata: [DONE]\n\n", "\u{1f600} \u{2028} caf\u{e9}", "event: error\r\n"];

    /// A text as the answer to a call to this path.
    fn answered(path: &str, stream: bool, model: Option<&str>, text: &str) -> Option<Response<Reply>> {
        let mut record = Record::new(Some("lt_1".to_owned()));
        record.provider = provider::of_path(path);
        record.asked.stream = stream;
        record.asked.model = model.map(str::to_owned);
        response(&record, text)
    }

    /// What the protocol's own reader makes of it.
    fn read(path: &str, response: Response<Reply>) -> (Answer, bool) {
        let (head, body) = response.into_parts();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let bytes = runtime.block_on(body.collect()).unwrap().to_bytes();
        let mut eye = Eye::new(provider::of_path(path), &head.headers, Keep::All);
        eye.push(&bytes, None);
        let mut answer = Answer::default();
        eye.read_out(&mut answer);
        (answer, eye.is_cut())
    }

    #[test]
    fn every_protocol_of_texts_reads_its_own_as_a_whole_and_as_a_stream() {
        for path in [
            "/v1/chat/completions",
            "/v1/completions",
            "/v1/responses",
            "/v1/messages",
            "/v1beta/models/g:generateContent",
        ] {
            for (text, stream) in TEXTS.into_iter().flat_map(|text| [(text, false), (text, true)]) {
                let response = answered(path, stream, Some("m-1"), text).unwrap();
                assert_eq!(response.status(), StatusCode::OK);
                assert_eq!(response.headers()["x-llmtop-degraded"], "static");
                let kind = if stream { "text/event-stream" } else { "application/json" };
                assert_eq!(response.headers()[CONTENT_TYPE], kind, "{path}");
                let (answer, is_cut) = read(path, response);
                assert_eq!((answer.text.as_str(), is_cut), (text, false), "{path}");
                assert_eq!((answer.model.as_deref(), answer.id.as_deref()), (Some("m-1"), Some("lt_1")), "{path}");
                assert!(answer.finish_reason.is_some() && answer.error.is_none(), "{path}: {answer:?}");
                let is_counted = answer.usage.input.unwrap_or(0) + answer.usage.output.unwrap_or(0) > 0;
                assert!(!is_counted, "no model has said it: {path}");
                assert!(!stream || answer.is_over, "{path}: {answer:?}");
            }
        }
    }

    #[test]
    fn a_call_without_a_model_is_answered_too_and_one_without_texts_is_not() {
        let response = answered("/v1/chat/completions", false, None, "Later.").unwrap();
        assert_eq!(read("/v1/chat/completions", response).0.model.as_deref(), Some("unknown"));
        assert!(answered("/v1/embeddings", false, Some("m"), "Later.").is_none());
        assert!(answered("/v1/files", false, None, "Later.").is_none());
    }
}

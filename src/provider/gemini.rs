//! Google's Gemini, on its own API and on Vertex AI: the model stands in the path, output leaves out thoughts, and a stream
//! is one of events or, without `alt=sse`, a JSON list.

use super::json::{Content, Count, List, Maybe, Switch, Text};
use super::{Answer, ApiError, Asked, Family, Keep, Provider, Reader, Seen, Usage, error, request};
use serde::Deserialize;
use serde_json::Value;

/// `gemini.generate_content`.
pub struct Gemini;

/// The methods that are calls to a model.
const METHODS: [(&str, bool); 2] = [(":generateContent", false), (":streamGenerateContent", true)];

impl Provider for Gemini {
    fn name(&self) -> &'static str {
        "gemini.generate_content"
    }

    fn operation(&self) -> &'static str {
        "generate_content"
    }

    fn family(&self) -> Family {
        Family::Gemini
    }

    fn owns(&self, path: &str) -> bool {
        METHODS.iter().any(|(method, _)| path.ends_with(method))
    }

    fn asked(&self, path: &str, body: &[u8], keep: Keep) -> Asked {
        let path = path.split('?').next().unwrap_or_default();
        let mut asked = request::asked(body, keep);
        for (method, stream) in METHODS {
            if let Some(rest) = path.strip_suffix(method) {
                asked.stream = stream;
                asked.model = rest.rsplit('/').next().filter(|name| !name.is_empty()).map(str::to_owned);
            }
        }
        asked
    }

    fn reader(&self, keep: Keep) -> Box<dyn Reader> {
        Box::new(GeminiReader { answer: Answer::default(), keep })
    }
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Response<'a> {
    #[serde(borrow)]
    candidates: List<Candidate<'a>>,
    usage_metadata: Maybe<Tokens>,
    #[serde(borrow)]
    model_version: Text<'a>,
    #[serde(borrow)]
    response_id: Text<'a>,
    #[serde(borrow)]
    prompt_feedback: Maybe<Feedback<'a>>,
    error: Value,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Candidate<'a> {
    #[serde(borrow)]
    content: Maybe<Parts<'a>>,
    #[serde(borrow)]
    finish_reason: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Parts<'a> {
    #[serde(borrow)]
    parts: List<Part<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Part<'a> {
    #[serde(borrow)]
    text: Content<'a>,
    thought: Switch,
    #[serde(borrow)]
    function_call: Maybe<Function<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Function<'a> {
    #[serde(borrow)]
    name: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Feedback<'a> {
    #[serde(borrow)]
    block_reason: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Tokens {
    prompt_token_count: Count,
    candidates_token_count: Count,
    thoughts_token_count: Count,
    cached_content_token_count: Count,
    tool_use_prompt_token_count: Count,
    prompt_tokens_details: List<Modality>,
    candidates_tokens_details: List<Modality>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Modality {
    modality: String,
    token_count: Count,
}

impl Tokens {
    fn usage(&self) -> Usage {
        let plus = |a: Option<u64>, b: Option<u64>| match (a, b) {
            (None, b) => b,
            (Some(a), b) => Some(a.saturating_add(b.unwrap_or(0))),
        };
        Usage {
            input: plus(self.prompt_token_count.0, self.tool_use_prompt_token_count.0),
            output: plus(self.candidates_token_count.0, self.thoughts_token_count.0),
            cache_read: self.cached_content_token_count.0,
            reasoning: self.thoughts_token_count.0,
            input_audio: audio(&self.prompt_tokens_details),
            output_audio: audio(&self.candidates_tokens_details),
            ..Usage::default()
        }
    }
}

fn audio(details: &List<Modality>) -> Option<u64> {
    details.0.iter().find(|detail| detail.modality == "AUDIO").and_then(|detail| detail.token_count.0)
}

struct GeminiReader {
    answer: Answer,
    keep: Keep,
}

impl GeminiReader {
    fn take(&mut self, response: &Response<'_>) -> Seen {
        let mut is_content = false;
        for candidate in &response.candidates.0 {
            for part in candidate.content.0.iter().flat_map(|content| &content.parts.0) {
                is_content |= self.part(part);
            }
            if let Some(reason) = candidate.finish_reason.owned() {
                self.answer.finish_reason = Some(reason);
                self.answer.is_over = true;
            }
        }
        let answer = &mut self.answer;
        if let Some(usage) = response.usage_metadata.0.as_ref().map(Tokens::usage).filter(Usage::is_known) {
            answer.usage = usage;
        }
        for (slot, text) in [(&mut answer.model, &response.model_version), (&mut answer.id, &response.response_id)] {
            if let Some(text) = text.owned() {
                *slot = Some(text);
            }
        }
        if let Some(reason) = response.prompt_feedback.0.as_ref().and_then(|feedback| feedback.block_reason.owned()) {
            let message = format!("the prompt was blocked: {reason}");
            let kind = Some("content_filter".to_owned());
            answer.error = Some(ApiError { kind, message: Some(message), code: Some(reason), retry_after_us: None });
        }
        if let Some(found) = error::of_value(&response.error) {
            answer.error = Some(found);
        }
        Seen { is_content, is_usage_alone: false }
    }

    fn part(&mut self, part: &Part<'_>) -> bool {
        let mut says = false;
        for text in &part.text.0 {
            says |= if part.thought.0 { self.answer.think(Some(text)) } else { self.answer.say(self.keep, Some(text)) };
        }
        if let Some(function) = &part.function_call.0 {
            self.answer.tools.extend(function.name.owned());
            says = true;
        }
        says
    }
}

impl Reader for GeminiReader {
    fn event(&mut self, _: Option<&str>, data: &[u8]) -> Seen {
        serde_json::from_slice(data).map(|response| self.take(&response)).unwrap_or_default()
    }

    fn body(&mut self, body: &[u8]) {
        let is_list = body.trim_ascii_start().starts_with(b"[");
        let list = if is_list {
            serde_json::from_slice::<List<Response<'_>>>(body)
        } else {
            serde_json::from_slice(body).map(|one| List(vec![one]))
        };
        match list {
            Ok(List(responses)) => responses.iter().for_each(|response| {
                self.take(response);
            }),
            Err(_) => self.answer.error = error::of_body(body),
        }
    }

    fn answer(&self) -> &Answer {
        &self.answer
    }
}

//! Google Gemini, directly or below Vertex: the model and the method are in the path; output leaves out thoughts, and is
//! added up here; a stream is server-sent events or one list of answers.

use super::answering::Answering;
use super::asking::{Messages, Size, first_count, name_after};
use super::json::{self, List, Maybe, Scalar};
use super::{Answer, Asked, Family, Keep, Provider, Reader, Seen, Usage, error};
use serde::Deserialize;
use serde_json::value::RawValue;

/// The protocol.
pub struct Gemini;

impl Provider for Gemini {
    fn name(&self) -> &'static str {
        "gemini"
    }

    fn operation(&self) -> &'static str {
        "generate_content"
    }

    fn family(&self) -> Family {
        Family::Gemini
    }

    fn owns(&self, path: &str) -> bool {
        matches!(method(path), Some("generateContent" | "streamGenerateContent"))
    }

    fn asked(&self, path: &str, body: &[u8], keep: Keep) -> Asked {
        let mut asked = match serde_json::from_slice::<Maybe<Request<'_>>>(body) {
            Ok(Maybe(request)) => request.map(|request| request.told(keep)).unwrap_or_default(),
            Err(_) => match json::mended(body) {
                Some(body) => return self.asked(path, &body, keep),
                None => Asked::default(),
            },
        };
        asked.model = name_after(path, "/models/").or_else(|| name_after(path, "/"));
        asked.stream = method(path) == Some("streamGenerateContent");
        asked
    }

    fn reader(&self, keep: Keep) -> Box<dyn Reader> {
        Box::new(GeminiReader { so_far: Answering::new(keep) })
    }
}

/// The method at the end of a path; some clients escape the colon.
fn method(path: &str) -> Option<&str> {
    let last = path.rsplit('/').next()?;
    last.rsplit_once(':').or_else(|| last.rsplit_once("%3A")).map(|(_, method)| method)
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Request<'a> {
    #[serde(borrow, alias = "systemInstruction")]
    system_instruction: Messages<'a>,
    #[serde(borrow)]
    contents: Messages<'a>,
    #[serde(borrow, alias = "generationConfig")]
    generation_config: Maybe<Config<'a>>,
    tools: Size,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Config<'a> {
    #[serde(borrow)]
    temperature: Scalar<'a>,
    #[serde(borrow, alias = "maxOutputTokens")]
    max_output_tokens: Scalar<'a>,
}

impl Request<'_> {
    fn told(&self, keep: Keep) -> Asked {
        let config = self.generation_config.0.as_ref();
        let mut asked = Asked {
            temperature: config.and_then(|config| config.temperature.number()),
            max_tokens: config.and_then(|config| config.max_output_tokens.count()),
            text_chars: self.tools.0,
            ..Asked::default()
        };
        self.system_instruction.tell(&mut asked, Keep::Nothing);
        self.contents.tell(&mut asked, keep);
        asked
    }
}

/// A whole answer or a chunk of one.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Chunk<'a> {
    #[serde(borrow)]
    candidates: List<Candidate<'a>>,
    #[serde(borrow)]
    usage_metadata: Maybe<Counts<'a>>,
    #[serde(borrow)]
    model_version: Scalar<'a>,
    #[serde(borrow)]
    response_id: Scalar<'a>,
    #[serde(borrow)]
    prompt_feedback: Maybe<Feedback<'a>>,
    #[serde(borrow)]
    error: Option<&'a RawValue>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Feedback<'a> {
    #[serde(borrow)]
    block_reason: Scalar<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Candidate<'a> {
    #[serde(borrow)]
    content: Maybe<Parts<'a>>,
    #[serde(borrow)]
    finish_reason: Scalar<'a>,
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
    text: Scalar<'a>,
    #[serde(borrow)]
    thought: Scalar<'a>,
    #[serde(borrow)]
    function_call: Maybe<Call<'a>>,
    #[serde(borrow)]
    executable_code: Maybe<Code<'a>>,
    #[serde(borrow)]
    inline_data: Option<&'a RawValue>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Call<'a> {
    #[serde(borrow)]
    name: Scalar<'a>,
    args: Size,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Code<'a> {
    #[serde(borrow)]
    code: Scalar<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Counts<'a> {
    #[serde(borrow)]
    prompt_token_count: Scalar<'a>,
    #[serde(borrow)]
    tool_use_prompt_token_count: Scalar<'a>,
    #[serde(borrow)]
    cached_content_token_count: Scalar<'a>,
    #[serde(borrow)]
    candidates_token_count: Scalar<'a>,
    #[serde(borrow)]
    response_token_count: Scalar<'a>,
    #[serde(borrow)]
    thoughts_token_count: Scalar<'a>,
    #[serde(borrow)]
    total_token_count: Scalar<'a>,
    #[serde(borrow)]
    prompt_tokens_details: List<Modality<'a>>,
    #[serde(borrow)]
    tool_use_prompt_tokens_details: List<Modality<'a>>,
    #[serde(borrow)]
    candidates_tokens_details: List<Modality<'a>>,
    #[serde(borrow)]
    service_tier: Scalar<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Modality<'a> {
    #[serde(borrow)]
    modality: Scalar<'a>,
    #[serde(borrow)]
    token_count: Scalar<'a>,
}

impl Counts<'_> {
    fn usage(&self) -> Usage {
        let tokens = |of: &Scalar<'_>| Usage::count(of.count());
        let input = sum(&[tokens(&self.prompt_token_count), tokens(&self.tool_use_prompt_token_count)]);
        let said = Usage::count(first_count(&[&self.candidates_token_count, &self.response_token_count]));
        let reasoning = tokens(&self.thoughts_token_count);
        // Counts of nothing are left out; the total says whether there was nothing.
        let rest = || tokens(&self.total_token_count)?.checked_sub(input?);
        Usage {
            input,
            output: sum(&[said, reasoning]).or_else(rest),
            cache_read: tokens(&self.cached_content_token_count),
            reasoning,
            input_audio: sum(&[audio(&self.prompt_tokens_details), audio(&self.tool_use_prompt_tokens_details)]),
            output_audio: audio(&self.candidates_tokens_details),
            ..Usage::default()
        }
    }
}

/// The sum of what is known; `None` if nothing is.
fn sum(parts: &[Option<u64>]) -> Option<u64> {
    let mut known = parts.iter().flatten();
    let first = *known.next()?;
    Usage::count(known.try_fold(first, |sum, part| sum.checked_add(*part)))
}

fn audio(details: &List<Modality<'_>>) -> Option<u64> {
    let audio = details.items.iter().find(|detail| detail.modality.text() == Some("AUDIO"))?;
    Usage::count(audio.token_count.count())
}

struct GeminiReader {
    so_far: Answering,
}

impl GeminiReader {
    fn chunk(&mut self, chunk: &Chunk<'_>) -> Seen {
        let answer = &mut self.so_far.answer;
        chunk.response_id.replace(&mut answer.id);
        chunk.model_version.replace(&mut answer.model);
        if let Some(counts) = &chunk.usage_metadata.0 {
            counts.service_tier.replace(&mut answer.service_tier);
            let usage = counts.usage();
            answer.usage = if usage.is_known() { usage } else { answer.usage };
        }
        self.so_far.fail(error::of_field(chunk.error));
        self.end(chunk.prompt_feedback.0.as_ref().map(|feedback| &feedback.block_reason));
        let mut is_content = false;
        for candidate in &chunk.candidates.items {
            self.end(Some(&candidate.finish_reason));
            for part in candidate.content.0.iter().flat_map(|content| &content.parts.items) {
                is_content |= part.tell(&mut self.so_far);
            }
        }
        Seen { is_content, is_usage_alone: false }
    }

    fn end(&mut self, reason: Option<&Scalar<'_>>) {
        if let Some(reason) = reason.filter(|reason| reason.text().is_some()) {
            reason.replace(&mut self.so_far.answer.finish_reason);
            self.so_far.answer.is_over = true;
        }
    }
}

impl Part<'_> {
    fn tell(&self, so_far: &mut Answering) -> bool {
        let text = self.text.text();
        let mut is_content = if self.thought.is_true() { so_far.weigh(text) } else { so_far.say(text) };
        if let Some(call) = &self.function_call.0 {
            is_content |= so_far.call(call.name.text());
            so_far.answer.text_chars = so_far.answer.text_chars.saturating_add(call.args.0);
        }
        is_content |= so_far.weigh(self.executable_code.0.as_ref().and_then(|code| code.code.text()));
        is_content || self.inline_data.is_some()
    }
}

impl Reader for GeminiReader {
    fn event(&mut self, _: Option<&str>, data: &[u8]) -> Seen {
        match serde_json::from_slice::<Maybe<Chunk<'_>>>(data) {
            Ok(Maybe(chunk)) => chunk.map(|chunk| self.chunk(&chunk)).unwrap_or_default(),
            Err(_) => json::mended(data).map(|data| self.event(None, &data)).unwrap_or_default(),
        }
    }

    fn body(&mut self, body: &[u8]) {
        let mut rest = body.trim_ascii();
        let mut read = false;
        // A list may have been cut: what is whole of it counts.
        while let Some(start) =
            rest.iter().position(|byte| !matches!(byte, b'[' | b',' | b']') && !byte.is_ascii_whitespace())
        {
            let mut items = serde_json::Deserializer::from_slice(&rest[start..]).into_iter::<Maybe<Chunk<'_>>>();
            let Some(Ok(Maybe(Some(chunk)))) = items.next() else { break };
            rest = &rest[start + items.byte_offset()..];
            self.chunk(&chunk);
            read |= chunk.candidates.is_list || chunk.usage_metadata.0.is_some() || chunk.prompt_feedback.0.is_some();
        }
        if !read {
            match json::mended(body) {
                Some(body) => self.body(&body),
                None => self.so_far.fail(error::of_body(body)),
            }
        }
    }

    fn answer(&self) -> &Answer {
        &self.so_far.answer
    }

    fn into_answer(self: Box<Self>) -> Answer {
        self.so_far.answer
    }
}

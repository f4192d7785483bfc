//! Every protocol against recorded-like streams and bodies: `fixtures/wire` of the project's own, cut at every byte, and
//! the recordings of real providers where they are at hand.

#![allow(clippy::unwrap_used)]

use super::sse::Events;
use super::*;
use serde_json::Value;
use std::io::Read;
use std::path::{Path, PathBuf};

/// A recorded call.
struct Case {
    name: String,
    path: String,
    request: Vec<u8>,
    response: Vec<u8>,
    is_stream: bool,
    expected: Value,
}

/// What was read of an answer, with the numbers of the events that were something.
#[derive(Debug, PartialEq)]
struct Outcome {
    answer: Answer,
    first_content: Option<usize>,
    usage_alone: Vec<usize>,
}

fn cases() -> Vec<Case> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/wire");
    let mut folders: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    folders.sort();
    folders.iter().map(|folder| case(folder)).collect()
}

fn case(folder: &Path) -> Case {
    let read = |name: &str| std::fs::read(folder.join(name));
    let expected: Value = serde_json::from_slice(&read("expected.json").unwrap()).unwrap();
    let is_stream = folder.join("response.sse").exists();
    Case {
        name: folder.file_name().unwrap().to_string_lossy().into_owned(),
        path: expected["path"].as_str().unwrap().to_owned(),
        request: read("request.json").unwrap(),
        response: read("response.sse").or_else(|_| read("response.json")).unwrap(),
        is_stream,
        expected,
    }
}

impl Case {
    fn read(&self, pieces: &[&[u8]]) -> Outcome {
        let mut reader = of_path(&self.path).unwrap().reader(Keep::All);
        if !self.is_stream {
            reader.body(&pieces.concat());
            return Outcome { answer: reader.into_answer(), first_content: None, usage_alone: vec![] };
        }
        let (mut events, mut seen) = (Events::default(), Vec::new());
        let mut on = |event: sse::Event<'_>| {
            if !event.data.is_empty() {
                seen.push(reader.event(event.name, event.data));
            }
        };
        pieces.iter().for_each(|piece| events.push(piece, &mut on));
        events.finish(&mut on);
        let first_content = seen.iter().position(|seen| seen.is_content);
        let usage_alone = (0..seen.len()).filter(|at| seen[*at].is_usage_alone).collect();
        Outcome { answer: reader.into_answer(), first_content, usage_alone }
    }
}

fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

fn texts(value: &Value) -> Vec<String> {
    value.as_array().into_iter().flatten().filter_map(text).collect()
}

fn expected_answer(expected: &Value) -> Answer {
    let usage = &expected["usage"];
    let error = &expected["error"];
    Answer {
        model: text(&expected["model"]),
        id: text(&expected["id"]),
        usage: Usage {
            input: usage["input"].as_u64(),
            output: usage["output"].as_u64(),
            cache_read: usage["cache_read"].as_u64(),
            cache_write: usage["cache_write"].as_u64(),
            cache_write_1h: usage["cache_write_1h"].as_u64(),
            reasoning: usage["reasoning"].as_u64(),
            input_audio: usage["input_audio"].as_u64(),
            output_audio: usage["output_audio"].as_u64(),
        },
        finish_reason: text(&expected["finish"]),
        service_tier: text(&expected["tier"]),
        text: text(&expected["text"]).unwrap_or_default(),
        text_chars: expected["text_chars"].as_u64().unwrap_or(0) as usize,
        tools: texts(&expected["tools"]),
        error: error.is_object().then(|| ApiError {
            kind: text(&error["kind"]),
            code: text(&error["code"]),
            message: text(&error["message"]),
            retry_after_us: error["retry_after_us"].as_u64(),
        }),
        is_over: expected["is_over"] == true,
    }
}

fn expected_asked(asked: &Value) -> Asked {
    Asked {
        model: text(&asked["model"]),
        stream: asked["stream"] == true,
        usage_in_stream: asked["usage_in_stream"] == true,
        temperature: asked["temperature"].as_f64(),
        max_tokens: asked["max_tokens"].as_u64(),
        service_tier: text(&asked["service_tier"]),
        user: text(&asked["user"]),
        session: text(&asked["session"]),
        preview: text(&asked["preview"]).unwrap_or_default(),
        text_chars: asked["text_chars"].as_u64().unwrap_or(0) as usize,
    }
}

#[test]
fn every_fixture_is_read_as_expected() {
    for case in cases() {
        let outcome = case.read(&[&case.response]);
        let expected = Outcome {
            answer: expected_answer(&case.expected),
            first_content: case.expected["first_content"].as_u64().map(|at| at as usize),
            usage_alone: case.expected["usage_alone"]
                .as_array()
                .into_iter()
                .flatten()
                .map(|at| at.as_u64().unwrap() as usize)
                .collect(),
        };
        assert_eq!(outcome, expected, "{}", case.name);
        if case.expected["asked"].is_object() {
            let asked = of_path(&case.path).unwrap().asked(&case.path, &case.request, Keep::All);
            assert_eq!(asked, expected_asked(&case.expected["asked"]), "{}", case.name);
        }
    }
}

#[test]
fn every_protocol_has_a_fixture() {
    let cases = cases();
    for provider in PROVIDERS {
        assert!(cases.iter().any(|case| provider.owns(&case.path)), "{}", provider.name());
    }
}

#[test]
fn a_stream_cut_anywhere_gives_the_same_answer() {
    for case in cases().iter().filter(|case| case.is_stream) {
        let whole = case.read(&[&case.response]);
        for cut in 0..case.response.len() {
            let (left, right) = case.response.split_at(cut);
            assert_eq!(case.read(&[left, right]), whole, "{} cut at {cut}", case.name);
        }
        for size in [1, 7] {
            let pieces: Vec<&[u8]> = case.response.chunks(size).collect();
            assert_eq!(case.read(&pieces), whole, "{} in pieces of {size}", case.name);
        }
    }
}

#[test]
fn any_beginning_of_a_request_or_an_answer_is_read_without_fear() {
    for case in cases() {
        let provider = of_path(&case.path).unwrap();
        for end in 0..case.request.len() {
            provider.asked(&case.path, &case.request[..end], Keep::Beginning(3));
        }
        for end in 0..case.response.len() {
            provider.reader(Keep::Beginning(3)).body(&case.response[..end]);
        }
    }
}

#[test]
fn paths_are_known_by_their_end() {
    for (path, name) in [
        ("/v1/chat/completions", Some("openai.chat")),
        ("/api/v1/chat/completions/", Some("openai.chat")),
        ("/openai/deployments/mine/chat/completions", Some("openai.chat")),
        ("/v1/completions", Some("openai.completions")),
        ("/openai/v1/responses", Some("openai.responses")),
        ("/v1/responses/resp_1", None),
        ("/v1/embeddings", Some("openai.embeddings")),
        ("/anthropic/v1/messages", Some("anthropic.messages")),
        ("/v1/messages/count_tokens", None),
        ("/v1/messages/batches", None),
        ("/v1/projects/p/locations/l/publishers/anthropic/models/c@1:streamRawPredict", Some("anthropic.messages")),
        ("/v1/projects/p/locations/l/publishers/anthropic/models/count-tokens:rawPredict", None),
        ("/v1beta/models/g:generateContent", Some("gemini")),
        ("/v1beta/models/g%3AstreamGenerateContent", Some("gemini")),
        ("/v1beta/models/g:countTokens", None),
        ("/v1/models", None),
    ] {
        assert_eq!(of_path(path).map(Provider::name), name, "{path}");
    }
}

#[test]
fn counts_that_no_call_can_have_are_unknown() {
    let mut reader = of_path("/v1/messages").unwrap().reader(Keep::Nothing);
    reader.body(br#"{"content":[],"usage":{"input_tokens":1000000000,"cache_read_input_tokens":1000000000,"output_tokens":-1}}"#);
    assert_eq!((reader.answer().usage.input, reader.answer().usage.output), (None, None));
}

/// The recordings beside the project, or where `LLMTOP_TEST_DATA` says; `None` is said and passes.
fn recordings() -> Option<PathBuf> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data");
    let folder = std::env::var_os("LLMTOP_TEST_DATA").map_or_else(beside, PathBuf::from).join("cassettes");
    if !folder.is_dir() {
        println!("skipped: there are no recordings in {}", folder.display());
        return None;
    }
    Some(folder)
}

fn recorded(folder: &Path, name: &str, expected: &Value) -> Case {
    let read = |file: &str| std::fs::read(folder.join(name).join(file)).unwrap();
    let (raw, mut response) = (read("response.body"), Vec::new());
    if expected["content_encoding"] == "gzip" {
        flate2::read::GzDecoder::new(&raw[..]).read_to_end(&mut response).unwrap();
    } else {
        response = raw;
    }
    let path = expected["path"].as_str().unwrap().split('?').next().unwrap().to_owned();
    let is_stream = expected["sse_events"].is_u64();
    Case { name: name.to_owned(), path, request: read("request.json"), response, is_stream, expected: expected.clone() }
}

#[test]
fn real_recordings_are_read_as_expected() {
    let Some(folder) = recordings() else { return };
    let expected: Value = serde_json::from_slice(&std::fs::read(folder.join("expected.json")).unwrap()).unwrap();
    for (name, expected) in expected.as_object().unwrap() {
        let case = recorded(&folder, name, expected);
        let answer = case.read(&[&case.response]).answer;
        check_recorded(&case, &answer);
        for size in [1, 7] {
            let pieces: Vec<&[u8]> = case.response.chunks(size).collect();
            assert_eq!(case.read(&pieces).answer, answer, "{name} in pieces of {size}");
        }
    }
}

fn check_recorded(case: &Case, answer: &Answer) {
    let (name, expected, usage) = (&case.name, &case.expected, &case.expected["usage"]);
    let is_gemini = expected["api"] == "gemini";
    // Gemini's output is told there without thoughts, Anthropic's input without cache.
    let input = expected["input_tokens_incl_cache"].as_u64().or(usage["input_tokens"].as_u64());
    let thoughts = if is_gemini { usage["reasoning_tokens"].as_u64().unwrap_or(0) } else { 0 };
    let output = usage["output_tokens"].as_u64().map(|output| output + thoughts);
    assert_eq!((answer.usage.input, answer.usage.output), (input, output), "{name}");
    let read = usage["cached_tokens"].as_u64().or(usage["cache_read_input_tokens"].as_u64());
    assert_eq!(answer.usage.cache_read, read, "{name}");
    assert_eq!(answer.usage.cache_write, usage["cache_creation_input_tokens"].as_u64(), "{name}");
    assert_eq!(answer.usage.reasoning, usage["reasoning_tokens"].as_u64(), "{name}");
    assert_eq!(answer.model, text(&expected["model_response"]), "{name}");
    assert_eq!(answer.finish_reason, text(&expected["finish"]), "{name}");
    // Google ends its streams with a finish reason and nothing after it.
    if let Some(is_over) = expected["stream_terminated_normally"].as_bool().filter(|_| !is_gemini) {
        assert_eq!(answer.is_over, is_over, "{name}");
    }
    let error = [&expected["error"], &expected["stream_error"]].into_iter().find(|error| error.is_object());
    let said = error.map(|error| text(&error["message"]));
    assert_eq!(answer.error.as_ref().map(|error| error.message.clone()), said, "{name}");
    if let (Some(error), Some(answered)) = (error, &answer.error) {
        assert_eq!(answered.kind, text(&error["type"]), "{name}");
        let code = text(&error["code"]).or(error["code"].as_u64().map(|code| code.to_string()));
        assert_eq!(answered.code, code, "{name}");
    }
    let asked = of_path(&case.path).unwrap().asked(&case.path, &case.request, Keep::All);
    assert_eq!(asked.model, text(&expected["model_requested"]), "{name}");
    assert!(asked.text_chars > 0 && !asked.preview.is_empty(), "{name}");
}

//! Recorded answers of real providers, read as the gateway reads them: tokens, ends and errors as a client must see them,
//! whole and torn anywhere. The recordings stand beside the project: without them these tests say that they were skipped.

mod common;

use llmtop::provider::{self, Answer, Keep, sse::Events};
use serde_json::Value;
use std::io::Read;
use std::path::{Path, PathBuf};

fn cassettes() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/cassettes");
    if folder.is_dir() {
        return Some(folder);
    }
    eprintln!("skipped: there are no recordings beside the project");
    None
}

fn body(folder: &Path, coding: Option<&str>) -> Vec<u8> {
    let raw = std::fs::read(folder.join("response.body")).expect("a body");
    let mut out = Vec::new();
    match coding {
        Some("gzip") => flate2::read::MultiGzDecoder::new(&raw[..]).read_to_end(&mut out).expect("gzip"),
        None => return raw,
        Some(other) => panic!("{other} is not read here"),
    };
    out
}

fn read(path: &str, body: &[u8], is_stream: bool, size: usize) -> Answer {
    let path = path.split('?').next().unwrap_or(path);
    let protocol = provider::of_path(path).unwrap_or_else(|| panic!("a protocol of {path}"));
    let mut reader = protocol.reader(Keep::All);
    if is_stream {
        let mut events = Events::new();
        for piece in body.chunks(size) {
            events.push(piece, &mut |event| {
                reader.event(event.name, event.data);
            });
        }
        events.finish(&mut |event| {
            reader.event(event.name, event.data);
        });
    } else {
        reader.body(body);
    }
    reader.answer().clone()
}

#[test]
fn recordings_are_read_as_their_clients_have_to() {
    let Some(folder) = cassettes() else { return };
    let expected: Value =
        serde_json::from_slice(&std::fs::read(folder.join("expected.json")).expect("the truth")).expect("JSON");
    let cases = expected.as_object().expect("cases");
    assert!(cases.len() >= 25);
    for (name, want) in cases {
        let path = want["path"].as_str().expect("a path");
        let is_stream = !want["sse_events"].is_null();
        let bytes = body(&folder.join(name), want["content_encoding"].as_str());
        let answer = read(path, &bytes, is_stream, bytes.len().max(1));
        let usage = answer.usage;
        let count = |name: &str| want["usage"][name].as_u64();
        let plus = |a: Option<u64>, b: &str| a.map(|a| a + count(b).unwrap_or(0));
        // The recorded figures are in the provider's own way of counting.
        let (input, output, cached) = match want["api"].as_str().unwrap_or_default() {
            api if api.starts_with("anthropic") => {
                let read = plus(count("input_tokens"), "cache_read_input_tokens");
                assert_eq!(usage.cache_write, count("cache_creation_input_tokens"), "{name}: cache write");
                (plus(read, "cache_creation_input_tokens"), count("output_tokens"), count("cache_read_input_tokens"))
            }
            api if api.starts_with("gemini") => {
                (count("input_tokens"), plus(count("output_tokens"), "reasoning_tokens"), count("cached_tokens"))
            }
            _ => (count("input_tokens"), count("output_tokens"), count("cached_tokens")),
        };
        assert_eq!((usage.input, usage.output, usage.cache_read), (input, output, cached), "{name}: tokens");
        assert_eq!(usage.reasoning, count("reasoning_tokens"), "{name}: reasoning");
        assert_eq!(answer.finish_reason.as_deref(), want["finish"].as_str(), "{name}: finish");
        assert_eq!(answer.model.as_deref(), want["model_response"].as_str(), "{name}: model");
        assert_eq!(answer.error.is_some(), want["status"] == "error", "{name}: {:?}", answer.error);
        if let Some(message) = want["error"]["message"].as_str().or(want["stream_error"]["message"].as_str()) {
            assert_eq!(answer.error.as_ref().and_then(|e| e.message.as_deref()), Some(message), "{name}");
        }
        if is_stream {
            for size in [1, 7, 64] {
                assert_eq!(read(path, &bytes, true, size), answer, "{name} in pieces of {size}");
            }
        }
    }
}

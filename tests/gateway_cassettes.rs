//! Recordings of real providers through the gateway: clients get what they would get without it, and the journal has of each
//! call what its provider said, in whatever pieces it comes, and wherever it breaks off.

mod gateway_common;

use gateway_common::replay::{Case, Recordings, Replay};
use gateway_common::{Answer, Gateway, Home, send};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read};

/// A gateway before what replays: each recording is an upstream of its own, so that the limits of one do not hold up another.
struct Scene {
    recordings: Recordings,
    replay: Replay,
    gateway: Gateway,
}

/// The calls of a journal by the names of their recordings.
type Calls = BTreeMap<String, Value>;

impl Scene {
    fn new() -> Option<Scene> {
        let recordings = Recordings::find()?;
        let replay = recordings.replay();
        let mut config = "[proxy]\nretries = 0\nbreaker_failures = 0\n".to_owned();
        for Case { name, .. } in &recordings.cases {
            config += &format!("[upstream.{name}]\nbase_url = \"http://{}/case/{name}\"\n", replay.address);
        }
        let home = Home::new();
        home.write("config/llmtop/config.toml", config);
        Some(Scene { gateway: Gateway::start(home, &[]), recordings, replay })
    }

    /// Does something with every recording, all at once.
    fn each(&self, act: impl Fn(&Case) + Sync) {
        std::thread::scope(|scope| {
            for case in &self.recordings.cases {
                scope.spawn(|| act(case));
            }
        });
    }

    fn send(&self, case: &Case, more: &[(&str, &str)]) -> std::net::TcpStream {
        let own = case.headers();
        let own = own.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let id = [("x-llmtop-request-id", case.name.as_str())];
        let headers: Vec<_> = own.chain(id).chain(more.iter().copied()).collect();
        self.gateway.send(&format!("/u/{}{}", case.name, case.path), &headers, &case.request)
    }

    fn direct(&self, case: &Case) -> Answer {
        let own = case.headers();
        let own: Vec<_> = own.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        Answer::read(send(self.replay.address, &format!("/case/{}{}", case.name, case.path), &own, &case.request))
    }

    /// Stops the gateway, and takes what it has written: each call once.
    fn calls(mut self) -> (Recordings, Calls) {
        self.gateway.signal("-TERM");
        assert_eq!(self.gateway.ended(), Some(143));
        let count = self.recordings.cases.len();
        let calls = self.gateway.calls(count).into_iter();
        let calls: Calls = calls.map(|call| (call["request_id"].as_str().expect("an id").to_owned(), call)).collect();
        assert_eq!(calls.len(), count, "each call once");
        (self.recordings, calls)
    }
}

/// What belongs to the message, not to its connection, in an order that does not matter.
fn end_to_end(answer: &Answer) -> Vec<(String, String)> {
    const HOP_BY_HOP: [&str; 3] = ["connection", "transfer-encoding", "keep-alive"];
    let mut headers = answer.headers.clone();
    headers.retain(|(name, _)| !HOP_BY_HOP.contains(&name.to_ascii_lowercase().as_str()));
    headers.sort_by(|a, b| a.0.cmp(&b.0));
    headers
}

/// Whether nobody counted: the provider did not, and the model has spoken.
fn has_estimate(call: &Value) -> bool {
    let is_counted = |name: &str| call[name].as_u64().is_some_and(|tokens| tokens > 0);
    call["usage"] == "estimated" && is_counted("input_tokens")
}

/// The journal's line against what has to be read of a recording that came whole.
fn check(case: &Case, call: &Value) {
    let (name, expected, usage) = (&case.name, &case.expected, &case.expected["usage"]);
    assert_eq!(call["http_status"], expected["http_status"], "{name}");
    let model = [&expected["model_response"], &expected["model_requested"]].into_iter().find(|model| model.is_string());
    assert_eq!(Some(&call["model"]), model, "{name}");
    assert_eq!(
        (&call["gateway"]["upstream"], &call["gateway"]["protocol"]),
        (&Value::from(name.as_str()), &expected["api"]),
        "{name}"
    );
    let is_cut = case.is_stream() && expected["finish"].is_null();
    let status = if is_cut { &Value::from("error") } else { &expected["status"] };
    assert_eq!(&call["status"], status, "{name}: {call}");
    if is_cut {
        assert_eq!(
            (&call["failure_mode"], &call["error_type"]),
            (&"connection".into(), &"stream_cut".into()),
            "{name}"
        );
    }
    let error = [&expected["error"], &expected["stream_error"]].into_iter().find(|error| error.is_object());
    if let Some(error) = error {
        assert_eq!(call["error_message"], error["message"], "{name}");
    }
    if usage.is_null() {
        assert_eq!(has_estimate(call), case.is_good(), "{name}: {call}");
        return;
    }
    // Google tells thoughts beside the output, Anthropic the cache beside the input: the journal has totals.
    let input = expected["input_tokens_incl_cache"].as_u64().or(usage["input_tokens"].as_u64());
    let thoughts = if expected["api"] == "gemini" { usage["reasoning_tokens"].as_u64() } else { None };
    let output = usage["output_tokens"].as_u64().map(|output| output + thoughts.unwrap_or(0));
    let read = usage["cached_tokens"].as_u64().or(usage["cache_read_input_tokens"].as_u64());
    for (field, want) in [
        ("input_tokens", input),
        ("output_tokens", output),
        ("cached_input_tokens", read),
        ("cache_write_tokens", usage["cache_creation_input_tokens"].as_u64()),
        ("reasoning_tokens", usage["reasoning_tokens"].as_u64()),
    ] {
        assert_eq!(call[field].as_u64(), want, "{field} of {name}: {call}");
    }
    assert!(call["usage"].is_null(), "{name}: {call}");
}

fn passes_in_pieces_of(split: usize) {
    let Some(scene) = Scene::new() else { return };
    let split = split.to_string();
    scene.each(|case| {
        let name = &case.name;
        let (direct, passed) = (scene.direct(case), Answer::read(scene.send(case, &[("x-replay-split", &split)])));
        assert_eq!((passed.status, passed.is_whole), (direct.status, direct.is_whole), "{name}");
        assert_eq!(end_to_end(&passed), end_to_end(&direct), "{name}");
        assert!(passed.body == direct.body && passed.body == case.response, "{name}: {}", passed.text());
    });
    let seen = scene.replay.seen();
    let (recordings, calls) = scene.calls();
    for case in &recordings.cases {
        check(case, &calls[&case.name]);
        let mut asked = seen.iter().filter(|request| request["case"] == case.name.as_str());
        let is_asked = |request: &&Value| request["headers"].to_string().contains("x-replay-split");
        let asked = asked.find(is_asked).unwrap_or_else(|| panic!("{} was asked", case.name));
        // Nothing is put into a question but the one for the usage of a stream.
        let hash: String = Sha256::digest(&case.request).iter().map(|byte| format!("{byte:02x}")).collect();
        let is_as_sent = asked["body_sha256"] == hash.as_str();
        let adds = case.is_stream() && case.expected["usage"].is_null() && !has_include_usage(case);
        assert_eq!(is_as_sent, !adds, "{}", case.name);
        assert!(!asked["headers"].to_string().contains("x-llmtop"), "{asked}");
    }
}

fn has_include_usage(case: &Case) -> bool {
    let request: Value = serde_json::from_slice(&case.request).expect("JSON");
    request["stream_options"]["include_usage"] == true
}

#[test]
fn recordings_pass_by_the_byte_and_are_read() {
    passes_in_pieces_of(0);
}

#[test]
fn recordings_torn_into_bytes_are_read_the_same() {
    passes_in_pieces_of(1);
}

#[test]
fn recordings_torn_into_sevens_are_read_the_same() {
    passes_in_pieces_of(7);
}

#[test]
fn recordings_that_break_off_are_recorded_once_as_cut() {
    let Some(scene) = Scene::new() else { return };
    scene.each(|case| {
        let passed = Answer::read(scene.send(case, &[("x-replay-split", "1"), ("x-replay-abort", "1")]));
        let half = &case.response[..case.response.len() / 2];
        if case.is_good() {
            assert_eq!((passed.status, passed.is_whole), (200, false), "{}", case.name);
            assert!(passed.body == half, "{}: {}", case.name, passed.text());
        } else {
            // An error is waited for as a whole, so one that breaks off is none that could be handed on.
            assert_eq!((passed.status, passed.is_whole), (502, true), "{}", case.name);
        }
    });
    let (recordings, calls) = scene.calls();
    for case in &recordings.cases {
        let call = &calls[&case.name];
        assert_eq!((&call["status"], &call["failure_mode"]), (&"error".into(), &"connection".into()), "{call}");
        let is_counted = call["input_tokens"].as_u64().is_some_and(|tokens| tokens > 0);
        let is_of_text = case.expected["api"] != "openai.embeddings";
        assert_eq!(is_counted, case.is_good() && is_of_text, "{call}");
    }
}

#[test]
fn clients_that_leave_half_way_are_recorded_once() {
    let Some(scene) = Scene::new() else { return };
    scene.each(|case| {
        // Streams stop after their first half, all other answers before their first byte.
        let half = case.response.len().div_ceil(2);
        let (split, ever) = (half.to_string(), "600000");
        if case.is_stream() {
            let client = scene.send(case, &[("x-replay-split", &split), ("x-replay-gap-ms", ever)]);
            read_of_body(client, half, &case.name);
        } else {
            let client = scene.send(case, &[("x-replay-ttft-ms", ever)]);
            scene.replay.has_seen(&case.name);
            drop(client);
        }
    });
    scene.gateway.calls_reach(scene.recordings.cases.len());
    let (recordings, calls) = scene.calls();
    for case in &recordings.cases {
        let call = &calls[&case.name];
        assert_eq!((&call["status"], &call["failure_mode"]), (&"error".into(), &"cancelled".into()), "{call}");
        assert_eq!(call["error_type"], "client_left", "{call}");
        let is_counted = call["input_tokens"].as_u64().is_some_and(|tokens| tokens > 0);
        assert_eq!(is_counted, case.is_stream(), "{call}");
    }
}

/// Reads so much of a body that comes in one chunk or several.
fn read_of_body(client: std::net::TcpStream, bytes: usize, name: &str) {
    let mut reader = BufReader::new(client);
    let mut line = String::new();
    while line != "\r\n" {
        line.clear();
        assert!(reader.read_line(&mut line).expect("a header") > 0, "{name}");
    }
    let mut read = 0;
    while read < bytes {
        let mut size = String::new();
        reader.read_line(&mut size).expect("a size");
        let size = usize::from_str_radix(size.trim(), 16).unwrap_or_else(|_| panic!("{name}: {size:?}"));
        reader.read_exact(&mut vec![0; size + 2]).expect("a chunk");
        read += size;
    }
}

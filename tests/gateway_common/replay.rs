//! The upstream that replays recordings of real providers. Recordings and replayer lie beside the project: where they are
//! missing, tests say so and pass.

use super::{PATIENCE, send};
use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// A recorded call, and what has to be read of it.
pub struct Case {
    /// Its name.
    pub name: String,
    /// Path and query.
    pub path: String,
    /// The body asked with.
    pub request: Vec<u8>,
    /// The body answered, as it came.
    pub response: Vec<u8>,
    /// What is to be read of it.
    pub expected: Value,
}

impl Case {
    /// Whether the answer is a stream of events.
    pub fn is_stream(&self) -> bool {
        self.expected["sse_events"].is_u64()
    }

    /// Whether the answer is no error by its status.
    pub fn is_good(&self) -> bool {
        self.expected["http_status"] == 200
    }

    /// The headers of the client that asked, but for those that belong to a connection.
    pub fn headers(&self) -> Vec<(String, String)> {
        let mut headers = vec![("Content-Type".to_owned(), "application/json".to_owned())];
        let key = match self.expected["api"].as_str() {
            Some("anthropic.messages") => {
                headers.push(("anthropic-version".to_owned(), "2023-06-01".to_owned()));
                ("X-Api-Key", "sk-test")
            }
            Some("gemini") => ("X-Goog-Api-Key", "sk-test"),
            _ => ("Authorization", "Bearer sk-test"),
        };
        headers.push((key.0.to_owned(), key.1.to_owned()));
        headers.push(("Accept-Encoding".to_owned(), "gzip, deflate".to_owned()));
        headers
    }
}

/// All recordings, and what replays them; `None` is said and passes.
pub struct Recordings {
    /// The recorded calls.
    pub cases: Vec<Case>,
    folder: PathBuf,
    tool: PathBuf,
}

impl Recordings {
    /// Finds them beside the project, or where `LLMTOP_TEST_DATA` says.
    pub fn find() -> Option<Recordings> {
        let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data");
        let data = std::env::var_os("LLMTOP_TEST_DATA").map_or_else(beside, PathBuf::from);
        let (folder, tool) = (data.join("cassettes"), data.join("../tools/replay_upstream.py"));
        let expected = folder.join("expected.json");
        if !expected.is_file() || !tool.is_file() {
            println!("skipped: there are no recordings in {}, or {} is missing", folder.display(), tool.display());
            return None;
        }
        let expected: Value = serde_json::from_slice(&std::fs::read(expected).expect("read")).expect("JSON");
        let cases = expected.as_object().expect("an object").iter().map(|(name, expected)| {
            let read = |file: &str| std::fs::read(folder.join(name).join(file)).expect("a recording");
            let path = expected["path"].as_str().expect("a path").to_owned();
            let (request, response) = (read("request.json"), read("response.body"));
            Case { name: name.clone(), path, request, response, expected: expected.clone() }
        });
        Some(Recordings { cases: cases.collect(), folder: folder.clone(), tool })
    }

    /// Starts what replays them.
    pub fn replay(&self) -> Replay {
        // It cannot say which free port it has got, so it is told one; whoever takes that first makes it end, and it is told
        // another.
        (0..20).find_map(|_| self.try_replay()).expect("a free port")
    }

    fn try_replay(&self) -> Option<Replay> {
        let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port");
        let mut command = Command::new("python3");
        command.arg(&self.tool).args(["--ttft-ms", "0", "--gap-ms", "0", "--port", &free.port().to_string()]);
        command.arg("--dir").arg(&self.folder).stdout(Stdio::piped()).stderr(Stdio::null()).stdin(Stdio::null());
        let mut child = command.spawn().expect("python3 starts");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("a pipe")).read_line(&mut line).expect("its first line");
        let replay = Replay { address: free, child };
        line.contains("cases on http").then_some(replay)
    }
}

/// What replays recordings, while it lives.
pub struct Replay {
    /// Where it listens.
    pub address: SocketAddr,
    child: Child,
}

impl Replay {
    /// The requests it has seen.
    pub fn seen(&self) -> Vec<Value> {
        let answer = super::Answer::read(send(self.address, "/__log", &[], b""));
        serde_json::from_slice(&answer.body).expect("JSON")
    }

    /// Waits until it has seen a request for a recording.
    pub fn has_seen(&self, case: &str) {
        let begun = std::time::Instant::now();
        while !self.seen().iter().any(|request| request["case"] == case) {
            assert!(begun.elapsed() < PATIENCE, "{case} is asked for");
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
    }
}

impl Drop for Replay {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

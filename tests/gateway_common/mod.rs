//! A gateway as a program of its own, an upstream that does what a script says, and a client that sees every byte.

#![allow(dead_code, unused_imports)]

#[path = "../common/program.rs"]
mod program;
pub mod replay;
mod wire;

pub use program::Home;
use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;
pub use wire::{chunk, json, last_chunk, stream_head};

/// Longer than anything takes that works.
const PATIENCE: Duration = Duration::from_secs(20);

/// What an upstream does with one request.
#[derive(Clone)]
pub enum Act {
    /// Sends these pieces as they are, head and all, and goes on with the connection.
    Send(Vec<Vec<u8>>),
    /// Sends these pieces and closes the connection.
    Cut(Vec<Vec<u8>>),
    /// Sends these pieces and waits until the other side goes.
    Stall(Vec<Vec<u8>>),
    /// Sends the first and then the second, again and again, until the other side goes.
    Drip(Vec<u8>, Vec<u8>),
}

/// A request as an upstream got it.
#[derive(Debug, Clone)]
pub struct Asked {
    /// Its first line.
    pub line: String,
    /// Its headers, as they are spelled.
    pub headers: Vec<(String, String)>,
    /// Its body.
    pub body: Vec<u8>,
}

impl Asked {
    /// A header by its name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}

/// An upstream that follows a script, act by act; the last one is done again and again.
pub struct Upstream {
    /// Where it listens.
    pub address: SocketAddr,
    asked: Receiver<Asked>,
    gone: Receiver<()>,
}

impl Upstream {
    /// Starts one.
    pub fn start(script: Vec<Act>) -> Upstream {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let (tell, asked) = channel();
        let (tell_gone, gone) = channel();
        let script = Arc::new(Mutex::new((script, 0)));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (script, tell, gone) = (Arc::clone(&script), tell.clone(), tell_gone.clone());
                std::thread::spawn(move || serve(stream, &script, &tell, &gone));
            }
        });
        Upstream { address, asked, gone }
    }

    /// Its base URL.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The next request.
    pub fn asked(&self) -> Asked {
        self.asked.recv_timeout(PATIENCE).expect("a request")
    }

    /// How many requests have come and were not looked at.
    pub fn rest(&self) -> usize {
        self.asked.try_iter().count()
    }

    /// Waits until the other side has left a stalled answer.
    pub fn is_left(&self) {
        self.gone.recv_timeout(PATIENCE).expect("the other side goes");
    }
}

fn serve(stream: TcpStream, script: &Mutex<(Vec<Act>, usize)>, tell: &Sender<Asked>, gone: &Sender<()>) {
    let mut reader = BufReader::new(stream.try_clone().expect("a second handle"));
    let mut stream = stream;
    let _ = stream.set_nodelay(true);
    while let Some(asked) = read_request(&mut reader) {
        let act = {
            let mut script = script.lock().expect("no panic");
            let at = script.1.min(script.0.len() - 1);
            script.1 += 1;
            script.0[at].clone()
        };
        let _ = tell.send(asked);
        if let Act::Drip(head, piece) = &act {
            let _ = stream.write_all(head);
            while stream.write_all(piece).is_ok() {
                std::thread::sleep(Duration::from_millis(20));
            }
            let _ = gone.send(());
            return;
        }
        let pieces: &[Vec<u8>] = match &act {
            Act::Send(pieces) | Act::Cut(pieces) | Act::Stall(pieces) => pieces,
            Act::Drip(..) => &[],
        };
        for piece in pieces {
            if stream.write_all(piece).is_err() {
                break;
            }
        }
        match act {
            Act::Send(_) | Act::Drip(..) => {}
            Act::Cut(_) => {
                let _ = stream.shutdown(Shutdown::Both);
                return;
            }
            Act::Stall(_) => {
                let _ = reader.read(&mut [0]);
                let _ = gone.send(());
                return;
            }
        }
    }
}

fn read_request(reader: &mut impl BufRead) -> Option<Asked> {
    let mut line = String::new();
    if reader.read_line(&mut line).ok()? == 0 {
        return None;
    }
    let headers = read_headers(reader)?;
    let of =
        |name: &str| headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.clone());
    let mut body = Vec::new();
    if let Some(len) = of("content-length").and_then(|len| len.parse().ok()) {
        body = vec![0; len];
        reader.read_exact(&mut body).ok()?;
    } else if of("transfer-encoding").is_some() {
        loop {
            let mut size = String::new();
            reader.read_line(&mut size).ok()?;
            let size = usize::from_str_radix(size.trim(), 16).ok()?;
            let mut chunk = vec![0; size + 2];
            reader.read_exact(&mut chunk).ok()?;
            if size == 0 {
                break;
            }
            body.extend_from_slice(&chunk[..size]);
        }
    }
    Some(Asked { line: line.trim_end().to_owned(), headers, body })
}

fn read_headers(reader: &mut impl BufRead) -> Option<Vec<(String, String)>> {
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        match line.trim_end().split_once(':') {
            Some((name, value)) => headers.push((name.to_owned(), value.trim().to_owned())),
            None => return Some(headers),
        }
    }
}

/// A gateway in a home of its own.
pub struct Gateway {
    /// Its home: store, journal, configuration.
    pub home: Home,
    /// Where it listens.
    pub address: SocketAddr,
    child: Child,
}

impl Gateway {
    /// One upstream for all.
    pub fn of(upstream: &Upstream) -> Gateway {
        Gateway::start(Home::new(), &["--upstream", &upstream.url()])
    }

    /// One with a configuration, in which `UPSTREAM` is the upstream's URL.
    pub fn told(upstream: &Upstream, config: &str) -> Gateway {
        let home = Home::new();
        home.write("config/llmtop/config.toml", config.replace("UPSTREAM", &upstream.url()));
        Gateway::start(home, &[])
    }

    /// Starts one with these flags.
    pub fn start(home: Home, flags: &[&str]) -> Gateway {
        let command = Gateway::command(&home, flags);
        Gateway::run(home, command)
    }

    /// How one is started with these flags.
    pub fn command(home: &Home, flags: &[&str]) -> Command {
        let mut command = home.llmtop(["proxy", "--headless", "--listen", "127.0.0.1:0"]);
        command.args(flags);
        command
    }

    /// Starts one so.
    pub fn run(home: Home, mut command: Command) -> Gateway {
        let mut child = command.stdout(Stdio::piped()).spawn().expect("the program starts");
        let mut line = String::new();
        let mut out = BufReader::new(child.stdout.take().expect("a pipe"));
        out.read_line(&mut line).expect("its first line");
        let url = line.split_whitespace().find_map(|word| word.trim_end_matches(',').split_once("://"));
        let address = url.and_then(|(_, url)| url.parse().ok()).unwrap_or_else(|| panic!("an address in {line:?}"));
        Gateway { home, address, child }
    }

    /// Sends a request and reads the answer to its end.
    pub fn call(&self, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        Answer::read(self.send(path, headers, body))
    }

    /// Sends a request.
    pub fn send(&self, path: &str, headers: &[(&str, &str)], body: &[u8]) -> TcpStream {
        send(self.address, path, headers, body)
    }

    /// The events of the journal so far, in order.
    pub fn journal(&self) -> Vec<Value> {
        let folder = self.home.path("data/llmtop/journal");
        let mut paths: Vec<_> =
            std::fs::read_dir(folder).expect("a journal").map(|e| e.expect("an entry").path()).collect();
        paths.sort();
        let text: String = paths.iter().filter_map(|path| std::fs::read_to_string(path).ok()).collect();
        text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
    }

    /// The first event of the journal that is what is waited for.
    pub fn journal_has(&self, is_it: impl Fn(&Value) -> bool) -> Value {
        let begun = std::time::Instant::now();
        loop {
            if let Some(event) = self.journal().into_iter().find(&is_it) {
                return event;
            }
            assert!(begun.elapsed() < PATIENCE, "it comes");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// The calls of the journal, once there are so many.
    pub fn calls(&self, count: usize) -> Vec<Value> {
        let begun = std::time::Instant::now();
        loop {
            let mut calls = self.journal();
            calls.retain(|event| event["event"] == "llm_call");
            if calls.len() >= count || begun.elapsed() > PATIENCE {
                assert_eq!(calls.len(), count, "{calls:#?}");
                return calls;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Waits until so many calls are in the journal.
    pub fn calls_reach(&self, count: usize) {
        let begun = std::time::Instant::now();
        while self.journal_lines() < count {
            assert!(begun.elapsed() < PATIENCE, "calls come in");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn journal_lines(&self) -> usize {
        let folder = self.home.path("data/llmtop/journal");
        let files = std::fs::read_dir(folder).into_iter().flatten().flatten();
        files
            .filter_map(|entry| std::fs::read(entry.path()).ok())
            .map(|text| text.iter().filter(|b| **b == b'\n').count())
            .sum()
    }

    /// Waits until the store has so many calls, and no more.
    pub fn stored(&self, count: u64) {
        let begun = std::time::Instant::now();
        loop {
            let report = self.home.run(["report", "--since", "all", "--format", "json"]);
            let report: Value = serde_json::from_str(&report.out).unwrap_or_default();
            let calls = report["totals"]["calls"].as_u64().unwrap_or_default();
            if calls >= count || begun.elapsed() > PATIENCE {
                assert_eq!(calls, count);
                return;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Its process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// What it says on standard error, where that is a pipe.
    pub fn errors(&mut self) -> std::process::ChildStderr {
        self.child.stderr.take().expect("a pipe")
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: &str) {
        let sent = Command::new("kill").args([signal, &self.id().to_string()]).status().expect("kill");
        assert!(sent.success());
    }

    /// Ends it at once.
    pub fn kill(&mut self) {
        self.child.kill().expect("killed");
        self.child.wait().expect("its end");
    }

    /// Waits for its end.
    pub fn ended(&mut self) -> Option<i32> {
        self.child.wait().expect("its end").code()
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Sends a request to anywhere.
pub fn send(address: SocketAddr, path: &str, headers: &[(&str, &str)], body: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect(address).expect("connected");
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    let method = if body.is_empty() { "GET" } else { "POST" };
    let mut head =
        format!("{method} {path} HTTP/1.1\r\nhost: gateway\r\nconnection: close\r\ncontent-length: {}\r\n", body.len());
    for (name, value) in headers {
        head += &format!("{name}: {value}\r\n");
    }
    stream.write_all(format!("{head}\r\n").as_bytes()).expect("sent");
    stream.write_all(body).expect("sent");
    stream
}

/// An answer as a client got it.
#[derive(Debug)]
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// Its headers, as they are spelled.
    pub headers: Vec<(String, String)>,
    /// Its body, without the chunks it came in.
    pub body: Vec<u8>,
    /// Whether it came to its end.
    pub is_whole: bool,
}

impl Answer {
    /// Reads one to its end.
    pub fn read(stream: TcpStream) -> Answer {
        let mut reader = BufReader::new(stream);
        let mut line = String::new();
        reader.read_line(&mut line).expect("a status line");
        let status =
            line.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_else(|| panic!("{line:?}"));
        let headers = read_headers(&mut reader).expect("headers");
        let of =
            |name: &str| headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.clone());
        let mut body = Vec::new();
        let is_whole = match of("content-length").and_then(|len| len.parse::<u64>().ok()) {
            Some(len) => {
                let _ = reader.take(len).read_to_end(&mut body);
                body.len() as u64 == len
            }
            None => read_chunks(&mut reader, &mut body).is_some(),
        };
        Answer { status, headers, body, is_whole }
    }

    /// Its body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// A header by its name in any case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}

fn read_chunks(reader: &mut impl BufRead, body: &mut Vec<u8>) -> Option<()> {
    loop {
        let mut size = String::new();
        reader.read_line(&mut size).ok()?;
        let size = usize::from_str_radix(size.trim(), 16).ok()?;
        let mut chunk = vec![0; size + 2];
        reader.read_exact(&mut chunk).ok()?;
        if size == 0 {
            return Some(());
        }
        body.extend_from_slice(&chunk[..size]);
    }
}

//! A stage for sources: a folder, a follower that is driven by hand, and a store that is no more than the lines delivered and
//! the checkpoints committed with them.
#![allow(dead_code)]

use crossbeam_channel::{Receiver, Sender, unbounded};
use llmtop::batch::Checkpoint;
use llmtop::source::{Chunk, Files, Follow, Message, Step};
use std::collections::{HashMap, HashSet};
use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

/// gzip of some bytes.
pub fn gzip(text: &[u8]) -> Vec<u8> {
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gz.write_all(text).expect("to memory");
    gz.finish().expect("to memory")
}

/// zstd of some bytes.
pub fn zst(text: &[u8]) -> Vec<u8> {
    zstd::encode_all(text, 1).expect("to memory")
}

/// Lines in order: those of several files come as the files are found.
pub fn sorted(text: &str) -> Vec<String> {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    lines.sort();
    lines
}

/// What was told since the last run began.
#[derive(Default)]
struct Heard {
    total: u64,
    raw_bytes: u64,
    offsets: Vec<u64>,
    troubles: Vec<String>,
    corrupt: Vec<String>,
    too_long: Vec<(u64, u64, Vec<u8>)>,
}

/// The stage.
pub struct Play {
    folder: tempfile::TempDir,
    files: Option<Files>,
    line_limit: Option<usize>,
    max_open: Option<usize>,
    sender: Sender<Message>,
    receiver: Receiver<Message>,
    now: Duration,
    /// By device and inode, as a store keeps them.
    checkpoints: HashMap<(u64, u64), Checkpoint>,
    stored: Vec<u8>,
    /// Line by line, without newlines; what was torn by a stop is in here too.
    lines: Vec<String>,
    heard: Heard,
}

impl Play {
    /// An empty folder and an empty store.
    pub fn new() -> Play {
        let (sender, receiver) = unbounded();
        Play {
            folder: tempfile::tempdir().expect("a temporary folder"),
            files: None,
            line_limit: None,
            max_open: None,
            sender,
            receiver,
            now: Duration::ZERO,
            checkpoints: HashMap::new(),
            stored: Vec::new(),
            lines: Vec::new(),
            heard: Heard::default(),
        }
    }

    pub fn dir(&self) -> PathBuf {
        self.folder.path().to_owned()
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn write(&self, name: &str, text: &str) -> PathBuf {
        self.write_bytes(name, text.as_bytes())
    }

    pub fn write_bytes(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, bytes).expect("writes");
        path
    }

    pub fn line_limit(&mut self, bytes: usize) {
        self.line_limit = Some(bytes);
    }

    pub fn max_open(&mut self, files: usize) {
        self.max_open = Some(files);
    }

    fn begin(&mut self, args: &[&PathBuf], follow: Follow) {
        let args = args.iter().map(|p| (*p).clone()).collect();
        let known = self.checkpoints.values().cloned().collect();
        let mut files = Files::new(args, follow, known).expect("begins");
        if let Some(bytes) = self.line_limit {
            files = files.line_limit(bytes);
        }
        if let Some(n) = self.max_open {
            files = files.max_open(n);
        }
        self.heard = Heard::default();
        self.files = Some(files);
    }

    /// Begins to follow.
    pub fn follow(&mut self, args: &[&PathBuf]) {
        self.begin(args, Follow::Forever);
    }

    /// Reads everything that is new, to its end.
    pub fn ingest_bytes(&mut self, args: &[&PathBuf]) -> Vec<u8> {
        self.begin(args, Follow::UntilEnd);
        self.drive(usize::MAX);
        self.end();
        let before = self.stored.len();
        self.commit(usize::MAX);
        self.stored[before..].to_vec()
    }

    /// The same, of text.
    pub fn ingest(&mut self, args: &[&PathBuf]) -> String {
        String::from_utf8(self.ingest_bytes(args)).expect("text")
    }

    /// Looks, and reads everything that is there; gives what came.
    pub fn take(&mut self) -> String {
        self.steps(usize::MAX)
    }

    /// The same, as sorted lines.
    pub fn take_sorted(&mut self) -> Vec<String> {
        sorted(&self.take())
    }

    /// Looks, and does at most so many steps.
    pub fn steps(&mut self, n: usize) -> String {
        self.drive(n);
        let before = self.stored.len();
        self.commit(usize::MAX);
        String::from_utf8(self.stored[before..].to_vec()).expect("text")
    }

    fn drive(&mut self, n: usize) {
        let files = self.files.as_mut().expect("begun");
        files.look(&self.sender).expect("we listen");
        for _ in 0..n {
            if files.step(self.now, &self.sender).expect("we listen") == Step::Idle {
                break;
            }
        }
    }

    fn end(&mut self) {
        self.files.take().expect("begun").finish(&self.sender).expect("we listen");
    }

    /// Ends as a requested stop does; gives what came.
    pub fn stop(&mut self) -> String {
        self.end();
        let before = self.stored.len();
        self.commit(usize::MAX);
        String::from_utf8(self.stored[before..].to_vec()).expect("text")
    }

    /// Time passes.
    pub fn wait(&mut self, time: Duration) {
        self.now += time;
    }

    /// Reads everything, looking twice: what looked like a copy in the making is read then.
    pub fn settle(&mut self) {
        self.drive(usize::MAX);
        self.wait(Duration::from_secs(2));
        self.drive(usize::MAX);
        self.commit(usize::MAX);
    }

    /// Does some steps, without committing.
    pub fn some(&mut self, n: usize) {
        self.drive(n);
    }

    /// Stops and begins again.
    pub fn restart(&mut self, arg: &PathBuf) {
        self.stop();
        self.follow(&[arg]);
    }

    /// Dies with everything committed but the last messages, and begins again.
    pub fn kill(&mut self, lost: usize, arg: &PathBuf) {
        self.die(lost);
        self.follow(&[arg]);
    }

    /// Dies with everything committed but the last messages.
    pub fn die(&mut self, lost: usize) {
        let keep = self.receiver.len().saturating_sub(lost);
        self.commit(keep);
        while self.receiver.try_recv().is_ok() {}
        self.files = None;
    }

    /// Takes messages into the store: lines and checkpoint together.
    fn commit(&mut self, n: usize) {
        let messages: Vec<Message> = self.receiver.try_iter().take(n).collect();
        for message in messages {
            match message {
                Message::Chunk(chunk) => self.store(chunk),
                Message::Total { raw_bytes } => self.heard.total = raw_bytes,
                Message::CaughtUp => {}
                Message::Trouble { message, .. } => self.heard.troubles.push(message),
            }
        }
    }

    fn store(&mut self, chunk: Chunk) {
        let text = String::from_utf8_lossy(&chunk.bytes);
        self.lines.extend(text.lines().map(str::to_owned));
        self.stored.extend_from_slice(&chunk.bytes);
        if let Some(checkpoint) = chunk.checkpoint {
            self.checkpoints.insert((checkpoint.dev, checkpoint.ino), checkpoint);
        }
        if !chunk.bytes.is_empty() {
            self.heard.offsets.push(chunk.offset);
        }
        self.heard.raw_bytes += chunk.raw_bytes;
        self.heard.corrupt.extend(chunk.corrupt);
        self.heard.too_long.extend(chunk.too_long);
    }

    /// The lines in the store that are among the given ones, sorted: all but those torn by a stop.
    pub fn stored_of(&self, whole: &HashSet<&str>) -> Vec<String> {
        let mut lines: Vec<String> = self.lines.iter().filter(|l| whole.contains(l.as_str())).cloned().collect();
        lines.sort();
        lines
    }

    /// Everything in the store, as it came.
    pub fn stored(&self) -> &[u8] {
        &self.stored
    }

    pub fn total(&self) -> u64 {
        self.heard.total
    }

    pub fn raw_bytes(&self) -> u64 {
        self.heard.raw_bytes
    }

    pub fn offsets(&self) -> Vec<u64> {
        self.heard.offsets.clone()
    }

    pub fn troubles(&self) -> Vec<String> {
        self.heard.troubles.clone()
    }

    /// What is the matter now, as the screen shows it.
    pub fn present_troubles(&self) -> Vec<String> {
        let files = self.files.as_ref().expect("begun");
        files.troubles().list().into_iter().map(|t| t.message).collect()
    }

    pub fn corrupt(&self) -> Vec<String> {
        self.heard.corrupt.clone()
    }

    pub fn too_long(&self) -> Vec<(u64, u64, Vec<u8>)> {
        self.heard.too_long.clone()
    }
}

//! Sources with their threads: the watcher wakes the follower, pipes and devices end as they should, a stop is heard.

mod source_common;

use crossbeam_channel::{Receiver, bounded, unbounded};
use llmtop::source::{Chunk, Files, Follow, Message, Pipe, SourceError, Stop};
use source_common::{gzip, zst};
use std::fs;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread::JoinHandle;
use std::time::Duration;

/// Far longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(30);

struct Running {
    messages: Receiver<Message>,
    stop: Stop,
    thread: JoinHandle<Result<(), SourceError>>,
}

impl Running {
    fn files(args: Vec<PathBuf>, follow: Follow) -> Running {
        let files = Files::new(args, follow, Vec::new()).expect("begins");
        let ((out, messages), stop) = (unbounded(), Stop::new());
        let thread = {
            let stop = stop.clone();
            std::thread::spawn(move || files.run(&out, &stop))
        };
        Running { messages, stop, thread }
    }

    fn pipe(pipe: Pipe) -> Running {
        let ((out, messages), stop) = (unbounded(), Stop::new());
        let thread = {
            let stop = stop.clone();
            std::thread::spawn(move || pipe.run(&out, &stop))
        };
        Running { messages, stop, thread }
    }

    /// Waits until so many bytes of lines have come.
    fn read(&self, len: usize) -> String {
        let mut text = Vec::new();
        while text.len() < len {
            if let Message::Chunk(chunk) = self.messages.recv_timeout(PATIENCE).expect("comes in time") {
                text.extend_from_slice(&chunk.bytes);
            }
        }
        String::from_utf8(text).expect("text")
    }

    fn caught_up(&self) {
        while !matches!(self.messages.recv_timeout(PATIENCE).expect("comes in time"), Message::CaughtUp) {}
    }

    /// Waits for the end; gives the remaining chunks.
    fn end(self) -> Vec<Chunk> {
        self.thread.join().expect("no panic").expect("no error");
        let chunk = |m| if let Message::Chunk(chunk) = m { Some(chunk) } else { None };
        self.messages.into_iter().filter_map(chunk).collect()
    }
}

fn text(chunks: &[Chunk]) -> Vec<u8> {
    chunks.iter().flat_map(|c| c.bytes.clone()).collect()
}

fn append(path: &Path, text: &str) {
    let mut file = fs::OpenOptions::new().append(true).create(true).open(path).expect("opens");
    file.write_all(text.as_bytes()).expect("writes");
}

fn fifo(path: &Path) {
    assert!(Command::new("mkfifo").arg(path).status().expect("runs").success());
}

#[test]
fn a_live_tail_follows_through_rotation() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("app.log");
    append(&path, "one\n");
    let running = Running::files(vec![path.clone()], Follow::Forever);
    assert_eq!(running.read(4), "one\n");
    running.caught_up();
    append(&path, "two\n");
    assert_eq!(running.read(4), "two\n");
    fs::rename(&path, folder.path().join("app.log.1")).expect("renames");
    append(&folder.path().join("app.log.1"), "three\n");
    assert_eq!(running.read(6), "three\n");
    append(&path, "four\nfi");
    assert_eq!(running.read(5), "four\n");
    running.stop.request();
    assert_eq!(text(&running.end()), b"fi");
}

#[test]
fn new_files_of_a_new_folder_are_followed() {
    let folder = tempfile::tempdir().expect("a folder");
    let running = Running::files(vec![folder.path().join("*/*.log")], Follow::Forever);
    running.caught_up();
    fs::create_dir(folder.path().join("a")).expect("creates");
    append(&folder.path().join("a/x.log"), "x\n");
    assert_eq!(running.read(2), "x\n");
    append(&folder.path().join("a/x.log"), "y\n");
    assert_eq!(running.read(2), "y\n");
    running.stop.request();
    running.end();
}

#[test]
fn a_stop_is_heard_when_nothing_happens_and_when_nobody_receives() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("app.log");
    fs::write(&path, "x\n".repeat(4 << 20)).expect("writes");
    let idle = Running::files(vec![path.clone()], Follow::Forever);
    idle.caught_up();
    idle.stop.request();
    idle.end();
    let files = Files::new(vec![path], Follow::Forever, Vec::new()).expect("begins");
    let (out, messages) = bounded(1);
    let thread = std::thread::spawn(move || files.run(&out, &Stop::new()));
    messages.recv().expect("something");
    drop(messages);
    thread.join().expect("no panic").expect("an end, not an error");
}

#[test]
fn named_pipes_are_read_as_streams() {
    let folder = tempfile::tempdir().expect("a folder");
    let (path, log) = (folder.path().join("pipe"), folder.path().join("app.log"));
    fifo(&path);
    append(&log, "log\n");
    let running = Running::files(vec![path.clone(), log], Follow::UntilEnd);
    let mut writer = fs::OpenOptions::new().write(true).open(&path).expect("someone reads");
    writer.write_all(b"a\nb").expect("writes");
    drop(writer);
    let chunks = running.end();
    let of = |name: &Path| -> Vec<u8> {
        chunks.iter().filter(|c| *c.source == *name.to_string_lossy()).flat_map(|c| c.bytes.clone()).collect()
    };
    assert_eq!(of(&path), b"a\nb");
    assert!(chunks.iter().filter(|c| *c.source == *path.to_string_lossy()).all(|c| c.checkpoint.is_none()));
    assert_eq!(of(&folder.path().join("app.log")), b"log\n");
}

#[test]
fn a_followed_pipe_waits_for_the_next_writer() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("pipe");
    fifo(&path);
    let running = Running::pipe(Pipe::open(&path, Follow::Forever).expect("opens"));
    for text in ["one\n", "", "two\n"] {
        let mut writer = fs::OpenOptions::new().write(true).open(&path).expect("someone reads");
        writer.write_all(text.as_bytes()).expect("writes");
        drop(writer);
        assert_eq!(running.read(text.len()), text);
    }
    running.stop.request();
    running.end();
}

#[test]
fn devices_end_at_once_or_never() {
    let running = Running::files(vec!["/dev/null".into()], Follow::UntilEnd);
    assert!(running.end().is_empty());
    let pipe = Pipe::open(Path::new("/dev/zero"), Follow::UntilEnd).expect("opens").line_limit(10_000);
    let running = Running::pipe(pipe);
    running.stop.request();
    let chunks = running.end();
    assert_eq!(text(&chunks).len() / 10_001, 0, "nothing but a line too long, or none");
}

#[test]
fn pipes_unpack_by_content() {
    let lines: String = (0..50_000).map(|i| format!("line {i}\n")).collect();
    for bytes in [lines.clone().into_bytes(), gzip(lines.as_bytes()), zst(lines.as_bytes())] {
        let len = bytes.len() as u64;
        let chunks = Running::pipe(Pipe::new("stdin", std::io::Cursor::new(bytes))).end();
        assert!(text(&chunks) == lines.as_bytes());
        assert_eq!(chunks.iter().map(|c| c.raw_bytes).sum::<u64>(), len);
        let mut offset = 0;
        for chunk in &chunks {
            assert_eq!((chunk.offset, &*chunk.source), (offset, "stdin"));
            offset += chunk.bytes.len() as u64;
        }
    }
    let cut = &gzip(lines.as_bytes())[..1_000];
    let chunks = Running::pipe(Pipe::new("stdin", std::io::Cursor::new(cut.to_vec()))).end();
    assert!(lines.as_bytes().starts_with(&text(&chunks)));
    assert_eq!(chunks.iter().filter(|c| c.corrupt.is_some()).count(), 1);
}

#[test]
fn a_pipe_delivers_lines_as_they_come() {
    let (mut writer, reader) = UnixStream::pair().expect("a pair");
    let running = Running::pipe(Pipe::new("stdin", reader));
    writer.write_all(b"{").expect("writes");
    writer.write_all(b"}\nrest").expect("writes");
    assert_eq!(running.read(3), "{}\n");
    drop(writer);
    assert_eq!(text(&running.end()), b"rest");
}

/// A reader that fails after some bytes.
struct Failing(bool);

impl Read for Failing {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        if std::mem::replace(&mut self.0, true) {
            return Err(std::io::Error::other("the device is on fire"));
        }
        out[..2].copy_from_slice(b"a\n");
        Ok(2)
    }
}

#[test]
fn a_failing_pipe_gives_what_it_had_and_the_reason() {
    let ((out, messages), stop) = (unbounded(), Stop::new());
    let error = Pipe::new("stdin", Failing(false)).run(&out, &stop).expect_err("fails");
    assert!(error.to_string().contains("stdin"));
    drop(out);
    let got: Vec<Message> = messages.into_iter().collect();
    assert!(matches!(&got[0], Message::Chunk(chunk) if chunk.bytes == b"a\n"), "{got:?}");
}

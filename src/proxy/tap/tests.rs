//! An answer on its way, from a real connection, piece by piece: what goes on, and when its call is recorded.

#![allow(clippy::unwrap_used)]

use super::*;
use crate::provider;
use crate::proxy::journal::Journal;
use crate::proxy::record::Record;
use crate::proxy::recorder::Recorder;
use crate::proxy::settings::Capture;
use http_body_util::Empty;
use hyper::Request;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use std::future::poll_fn;
use std::sync::Arc;
use tokio::net::UnixStream;

const STREAM: &str = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
const BODY: &str = r#"{"id":"c","choices":[{"message":{"content":"Hi"},"finish_reason":"stop"}],"usage":{"prompt_tokens":9,"completion_tokens":3}}"#;
const WORD: &str = "data: {\"choices\":[{\"delta\":{\"content\":\"Hi\"}}]}\n\n";
const STOP: &str = "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n";
const USAGE: &str = "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":3}}\n\n";
const DONE: &str = "data: [DONE]\n\n";
const EVER: Duration = Duration::from_secs(600);

/// A tap, and the upstream that its answer comes from.
struct Scene {
    /// Until it is dropped.
    tap: Option<Tap>,
    upstream: UnixStream,
    recorder: Arc<Recorder>,
    folder: tempfile::TempDir,
}

/// How an answer is waited for.
struct How {
    strip: bool,
    between: Duration,
    total: Duration,
    first: Vec<&'static str>,
}

const PATIENT: How = How { strip: false, between: EVER, total: EVER, first: Vec::new() };

async fn write(stream: &UnixStream, text: &str) {
    let mut bytes = text.as_bytes();
    while !bytes.is_empty() {
        stream.writable().await.unwrap();
        bytes = &bytes[stream.try_write(bytes).unwrap_or(0)..];
    }
}

fn chunk(text: &str) -> String {
    format!("{:x}\r\n{text}\r\n", text.len())
}

impl Scene {
    async fn new(head: &str, how: How) -> Scene {
        let (client, upstream) = UnixStream::pair().unwrap();
        let (mut sender, connection) = http1::handshake(TokioIo::new(client)).await.unwrap();
        tokio::spawn(connection);
        let request = Request::post("/").body(Empty::<Bytes>::new()).unwrap();
        let answer = async {
            upstream.readable().await.unwrap();
            write(&upstream, head).await;
        };
        let (response, ()) = tokio::join!(sender.send_request(request), answer);
        let (head, inner) = response.unwrap().into_parts();
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::open(folder.path(), 1 << 20).unwrap();
        let recorder = Arc::new(Recorder::new(journal, Capture::default(), None));
        let mut record = Record::new(Some("lt_1".to_owned()));
        (record.provider, record.status) = (provider::of_path("/v1/chat/completions"), Some(200));
        let eye = Eye::new(record.provider, &head.headers, Capture::default().keep);
        let parts = Parts {
            inner: inner.into(),
            first: how.first.into_iter().map(Bytes::from).collect(),
            open: Open::new(record, Arc::clone(&recorder)),
            eye,
            strip: how.strip.then(Strip::default),
            pace: Pace::new(how.between, (clock::now(), clock::now() + how.total), None),
            stall: Duration::ZERO,
            held: Vec::new(),
        };
        Scene { tap: Some(Tap::new(parts)), upstream, recorder, folder }
    }

    /// Whether it has ended, and how much is to come where that is known.
    fn stands(&self) -> (bool, Option<u64>) {
        self.tap.as_ref().map(|tap| (tap.is_end_stream(), tap.size_hint().exact())).unwrap()
    }

    async fn next(&mut self) -> Option<Result<String, String>> {
        let tap = self.tap.as_mut().unwrap();
        let frame = poll_fn(|cx| tap.poll_frame(cx)).await?;
        let text = |frame: Frame<Bytes>| String::from_utf8(frame.into_data().unwrap().to_vec()).unwrap();
        Some(frame.map(text).map_err(|why| why.to_string()))
    }

    /// The calls of the journal.
    fn lines(&self) -> Vec<Value> {
        let files = std::fs::read_dir(self.folder.path()).unwrap();
        let text: String = files.map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap()).collect();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// The one call of the journal: its status and the type of its error.
    fn line(&self) -> (String, Option<String>) {
        let lines = self.lines();
        assert_eq!(lines.len(), 1, "{lines:?}");
        let text = |name: &str| lines[0][name].as_str().map(str::to_owned);
        (text("status").unwrap(), text("error_type"))
    }
}

fn ok() -> (String, Option<String>) {
    ("ok".to_owned(), None)
}

fn error(kind: &str) -> (String, Option<String>) {
    ("error".to_owned(), Some(kind.to_owned()))
}

#[tokio::test]
async fn a_body_is_recorded_before_its_last_byte_goes_on() {
    let head = format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n", BODY.len());
    let mut scene = Scene::new(&head, PATIENT).await;
    assert_eq!(scene.stands(), (false, Some(BODY.len() as u64)));
    write(&scene.upstream, &BODY[..20]).await;
    assert_eq!(scene.next().await.unwrap().unwrap(), BODY[..20]);
    assert!(scene.lines().is_empty() && !scene.stands().0);
    write(&scene.upstream, &BODY[20..]).await;
    assert_eq!(scene.next().await.unwrap().unwrap(), BODY[20..]);
    assert_eq!((scene.line(), scene.stands().0), (ok(), true));
    assert!(scene.next().await.is_none());
    let line = scene.lines().remove(0);
    assert_eq!((&line["input_tokens"], &line["gateway"]["response_bytes"]), (&9.into(), &BODY.len().into()));
}

#[tokio::test]
async fn a_stream_is_recorded_before_its_end_goes_on() {
    let mut scene = Scene::new(STREAM, PATIENT).await;
    for (text, lines) in [(WORD, 0), (WORD, 0), (WORD, 0), (STOP, 0), (USAGE, 0), (DONE, 1)] {
        write(&scene.upstream, &chunk(text)).await;
        assert_eq!(scene.next().await.unwrap().unwrap(), text);
        assert_eq!(scene.lines().len(), lines, "after {text}");
    }
    write(&scene.upstream, "0\r\n\r\n").await;
    assert!(scene.next().await.is_none() && scene.next().await.is_none());
    assert_eq!(scene.line(), ok());
    assert_eq!(scene.lines()[0]["gateway"]["stalls"], 3, "every pause before a word was longer than none");
}

#[tokio::test]
async fn pieces_that_were_waited_for_go_first() {
    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: 14\r\n\r\n";
    let mut scene = Scene::new(head, How { first: vec![WORD, STOP], ..PATIENT }).await;
    assert_eq!(scene.stands(), (false, Some((WORD.len() + STOP.len() + 14) as u64)));
    assert_eq!(scene.next().await.unwrap().unwrap(), WORD);
    assert!(!scene.stands().0);
    assert_eq!(scene.next().await.unwrap().unwrap(), STOP);
    write(&scene.upstream, DONE).await;
    assert_eq!((scene.next().await.unwrap().unwrap().as_str(), scene.line()), (DONE, ok()));
}

#[tokio::test]
async fn what_is_taken_out_is_recorded_and_what_waits_goes_on_at_the_end() {
    let mut scene = Scene::new(STREAM, How { strip: true, ..PATIENT }).await;
    assert_eq!(scene.stands(), (false, None));
    write(&scene.upstream, &chunk(&[WORD, STOP].concat())).await;
    assert_eq!(scene.next().await.unwrap().unwrap(), [WORD, STOP].concat());
    write(&scene.upstream, &[chunk(USAGE), chunk("data: torn")].concat()).await;
    write(&scene.upstream, "0\r\n\r\n").await;
    assert_eq!(scene.next().await.unwrap().unwrap(), "data: torn");
    assert!(scene.next().await.is_none());
    assert_eq!((scene.line(), &scene.lines()[0]["output_tokens"]), (ok(), &3.into()));
}

#[tokio::test]
async fn an_answer_that_breaks_off_says_so_to_both_sides() {
    let mut scene = Scene::new(STREAM, PATIENT).await;
    write(&scene.upstream, &chunk(WORD)).await;
    assert_eq!(scene.next().await.unwrap().unwrap(), WORD);
    scene.upstream = UnixStream::pair().unwrap().0;
    assert!(scene.next().await.unwrap().is_err());
    assert_eq!(scene.line(), error("stream_cut"));
    scene.tap = None;
    assert_eq!(scene.lines().len(), 1, "dropped, it is not recorded again");
}

#[tokio::test]
async fn a_stream_that_ends_without_its_end_is_cut() {
    let mut scene = Scene::new(STREAM, PATIENT).await;
    write(&scene.upstream, &[chunk(WORD).as_str(), "0\r\n\r\n"].concat()).await;
    assert_eq!(scene.next().await.unwrap().unwrap(), WORD);
    assert!(scene.next().await.is_none());
    assert_eq!(scene.line(), error("stream_cut"));
}

#[tokio::test]
async fn who_drops_it_has_left_unless_the_gateway_stops() {
    for (stops, word) in [(false, "client_left"), (true, "proxy_shutdown")] {
        let mut scene = Scene::new(STREAM, PATIENT).await;
        write(&scene.upstream, &chunk(&[WORD, USAGE].concat())).await;
        scene.next().await.unwrap().unwrap();
        if stops {
            scene.recorder.stop();
        }
        assert!(scene.lines().is_empty() && scene.recorder.in_flight() == 1);
        scene.tap = None;
        assert_eq!((scene.line(), scene.recorder.in_flight()), (error(word), 0));
        assert_eq!(scene.lines()[0]["input_tokens"], 9, "what was read counts");
    }
}

#[tokio::test]
async fn what_takes_too_long_ends_in_an_event_or_in_an_error() {
    let late = || How { between: Duration::from_millis(20), ..PATIENT };
    let mut scene = Scene::new(STREAM, How { strip: true, ..late() }).await;
    write(&scene.upstream, &chunk(&[STOP, "data: held"].concat())).await;
    assert_eq!(scene.next().await.unwrap().unwrap(), STOP);
    let last = scene.next().await.unwrap().unwrap();
    assert!(!last.contains("held") && last.contains("data: {\"error\""), "{last}");
    assert!(scene.next().await.is_none() && scene.stands().0);
    assert_eq!(scene.line(), error("timeout_between_tokens"));

    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n";
    let mut scene = Scene::new(head, late()).await;
    assert_eq!(scene.next().await.unwrap().unwrap_err(), "timeout_between_tokens");
    assert!(scene.next().await.is_none());
    assert_eq!(scene.line(), error("timeout_between_tokens"));

    let mut scene = Scene::new(STREAM, How { total: Duration::from_millis(20), ..PATIENT }).await;
    assert!(scene.next().await.unwrap().unwrap().contains("timeout_total"));
    assert_eq!(scene.line(), error("timeout_total"));
}

//! What cannot be recorded: the disk is full, the journal's folder is gone. Traffic goes on and the loss is told, or calls are
//! refused, as configured; and when there is room again, so it is said. And several gateways that share all they have.

mod gateway_common;

use gateway_common::{Act, Answer, Gateway, Home, Upstream, json};
use serde_json::Value;
use std::collections::HashSet;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

const CHAT: &str = "/v1/chat/completions";
const ASK: &[u8] = br#"{"model":"gpt-4o-mini","messages":[{"role":"user","content":"hi"}]}"#;
const ANSWER: &str = r#"{"id":"c1","model":"gpt-4o-mini","choices":[{"index":0,"message":{"role":"assistant","content":"Hello"},"finish_reason":"stop"}],"usage":{"prompt_tokens":9,"completion_tokens":3}}"#;

fn whole() -> Act {
    Act::Send(vec![json("200 OK", "", ANSWER)])
}

/// A gateway that says what it says on standard error, and may be told that its disk is full.
struct Scene {
    gateway: Gateway,
    upstream: Upstream,
    errors: Receiver<String>,
}

impl Scene {
    fn new(config: &str) -> Scene {
        let upstream = Upstream::start(vec![whole()]);
        let home = Home::new();
        let base = format!("[upstream.one]\nbase_url = \"{}\"\n", upstream.url());
        home.write("config/llmtop/config.toml", format!("{config}{base}"));
        let plain = Gateway::command(&home, &[]);
        // What a limit of files does, not the signal that comes with it.
        let mut command: Command = home.command("sh");
        command.args(["-c", "trap '' XFSZ; exec \"$0\" \"$@\""]).arg(plain.get_program()).args(plain.get_args());
        command.stderr(Stdio::piped());
        let mut gateway = Gateway::run(home, command);
        let lines = BufReader::new(gateway.errors()).lines();
        let (tell, errors) = channel();
        std::thread::spawn(move || lines.map_while(Result::ok).all(|line| tell.send(line).is_ok()));
        Scene { gateway, upstream, errors }
    }

    fn call(&self) -> Answer {
        self.gateway.call(CHAT, &[], ASK)
    }

    /// Waits until it says something with these words, and takes that.
    fn says(&self, words: &str) -> String {
        let within = Duration::from_secs(20);
        loop {
            let line = self.errors.recv_timeout(within).unwrap_or_else(|_| panic!("it says {words:?}"));
            if line.contains(words) {
                return line;
            }
        }
    }

    /// A figure of its own.
    fn figure(&self, name: &str) -> u64 {
        let metrics = self.gateway.call("/metrics", &[], b"").text();
        let value = metrics.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok());
        value.unwrap_or_else(|| panic!("{name} in {metrics}"))
    }

    /// Calls recorded and not recorded.
    fn counts(&self) -> (u64, u64) {
        (self.figure("llmtop_proxy_recorded_total "), self.figure("llmtop_proxy_unrecorded_total "))
    }

    fn ready(&self) -> u16 {
        self.gateway.call("/ready", &[], b"").status
    }

    /// The one segment of the journal.
    fn segment(&self) -> Vec<u8> {
        let entries = fs::read_dir(self.gateway.home.path("data/llmtop/journal")).expect("a journal");
        let paths = entries.map(|entry| entry.expect("an entry").path());
        let segments: Vec<_> = paths.filter(|path| path.extension().is_some_and(|ext| ext == "jsonl")).collect();
        assert_eq!(segments.len(), 1, "{segments:?}");
        fs::read(&segments[0]).expect("read")
    }

    /// From now on no file of it grows beyond so many bytes; `None` is as before.
    #[cfg(target_os = "linux")]
    fn limit(&self, bytes: Option<usize>) {
        let most = bytes.map_or(libc::RLIM_INFINITY, |bytes| bytes as libc::rlim_t);
        let new = libc::rlimit { rlim_cur: most, rlim_max: libc::RLIM_INFINITY };
        let id = libc::pid_t::try_from(self.gateway.id()).expect("an id");
        // SAFETY: reads one structure that lives here, and writes none.
        let done = unsafe { libc::prlimit(id, libc::RLIMIT_FSIZE, &new, std::ptr::null_mut()) };
        assert_eq!(done, 0, "{}", std::io::Error::last_os_error());
    }
}

#[cfg(target_os = "linux")]
#[test]
fn on_a_full_disk_traffic_goes_on_and_the_loss_is_told() {
    let scene = Scene::new("");
    assert!((0..2).all(|_| scene.call().text() == ANSWER));
    let before = scene.segment();
    // Room for a part of a line: that is written, and taken back.
    scene.limit(Some(before.len() + 100));
    for _ in 0..3 {
        let answer = scene.call();
        assert_eq!((answer.status, answer.text().as_str(), answer.is_whole), (200, ANSWER, true));
    }
    assert_eq!((scene.counts(), scene.ready()), ((2, 3), 200));
    assert_eq!(scene.segment(), before, "whole lines alone");
    let said = scene.says("calls are not recorded");
    assert!(said.starts_with("llmtop: ") && said.contains("data/llmtop/journal"), "{said}");
    scene.limit(Some(before.len()));
    assert_eq!((scene.call().status, scene.counts()), (200, (2, 4)));
    scene.limit(None);
    assert_eq!((scene.call().status, scene.counts()), (200, (3, 4)));
    assert!(scene.says("recorded again").contains("4 were not"));
    assert!(scene.segment().starts_with(&before));
    scene.gateway.calls(3);
    scene.gateway.stored(3);
    assert_eq!(scene.upstream.rest(), 7);
}

#[cfg(target_os = "linux")]
#[test]
fn what_cannot_be_recorded_is_refused_where_that_is_asked_for() {
    let scene = Scene::new("[proxy]\non_record_failure = \"block\"\n");
    assert_eq!(scene.call().status, 200);
    let before = scene.segment();
    scene.limit(Some(before.len() + 50));
    assert_eq!(scene.call().status, 200, "that it cannot be written is seen when it is");
    assert_eq!(scene.upstream.rest(), 2);
    for _ in 0..3 {
        let refused = scene.call();
        assert_eq!(refused.status, 503);
        let body: Value = serde_json::from_slice(&refused.body).expect("JSON");
        assert!(body["error"].to_string().contains("not_recorded"), "{body}");
    }
    let messages = scene.gateway.call("/v1/messages", &[], br#"{"model":"claude","max_tokens":5,"messages":[]}"#);
    let body: Value = serde_json::from_slice(&messages.body).expect("JSON");
    assert_eq!((messages.status, &body["type"]), (503, &"error".into()), "in the words of the provider: {body}");
    let models = scene.gateway.call("/v1/models", &[], b"");
    assert_eq!((models.status, scene.upstream.rest(), scene.ready()), (503, 0, 503));
    assert_eq!(scene.segment(), before);
    scene.limit(None);
    assert_eq!((scene.ready(), scene.call().status), (200, 200), "ready again before anybody calls");
    assert!(scene.says("recorded again").contains("6 were not"));
    let (recorded, lost) = scene.counts();
    assert_eq!(lost, 6, "the one that passed, and those that were refused");
    scene.gateway.stored(recorded);
}

#[test]
fn a_journal_without_its_folder_begins_again_when_that_is_back() {
    // Every call begins a segment.
    let scene = Scene::new("[proxy]\njournal_segment = \"1B\"\n");
    let folder = scene.gateway.home.path("data/llmtop/journal");
    assert_eq!(scene.call().status, 200);
    // What reads it has found it.
    scene.gateway.stored(1);
    fs::remove_dir_all(&folder).expect("removed");
    fs::write(&folder, "in the way").expect("written");
    assert!((0..3).all(|_| scene.call().text() == ANSWER));
    assert_eq!((scene.counts(), scene.ready()), ((1, 3), 200));
    assert!(scene.says("calls are not recorded").contains("data/llmtop/journal"));
    fs::remove_file(&folder).expect("removed");
    fs::create_dir(&folder).expect("made");
    assert!((0..2).all(|_| scene.call().status == 200));
    assert!(scene.says("recorded again").contains("3 were not"));
    assert_eq!((scene.counts(), scene.gateway.calls(2).len()), ((3, 3), 2));
    scene.gateway.stored(3);
}

#[test]
fn a_journal_that_cannot_be_written_is_said_at_the_start() {
    let home = Home::new();
    home.write("file", "");
    for folder in [home.path("file"), home.path("file/journal"), "/dev/null/journal".into(), "/proc/journal".into()] {
        let folder = folder.to_str().expect("UTF-8");
        let error = home.run(["proxy", "--headless", "--listen", "127.0.0.1:0", "--journal", folder]).bad();
        assert!(error.contains("the journal cannot be written") && error.contains(folder), "{error}");
        let error = home.run(["run", "--journal", folder, "--", "echo", "ran"]).bad();
        assert!(error.contains("the journal cannot be written") && error.contains(folder), "{error}");
    }
}

/// Calls of one client until nobody is there: the ids of those that it has whole.
fn keep_calling(address: SocketAddr, name: &str, count: usize) -> Vec<String> {
    let ids = (0..count).map(|n| format!("{name}-{n}"));
    ids.map_while(|id| try_call(address, &id).map(|is_whole| (id, is_whole)))
        .filter(|done| done.1)
        .map(|done| done.0)
        .collect()
}

/// Whether a call was answered whole; `None` where nobody is there.
fn try_call(address: SocketAddr, id: &str) -> Option<bool> {
    let mut stream = TcpStream::connect(address).ok()?;
    let about = format!("host: x\r\nx-llmtop-request-id: {id}\r\nconnection: close\r\ncontent-length: {}", ASK.len());
    stream.write_all(format!("POST {CHAT} HTTP/1.1\r\n{about}\r\n\r\n").as_bytes()).ok()?;
    stream.write_all(ASK).ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    Some(answer.starts_with("HTTP/1.1 200") && answer.ends_with(ANSWER))
}

#[test]
fn gateways_that_share_journal_and_store_count_each_call_once() {
    const EACH: usize = 60;
    let upstream = Upstream::start(vec![whole()]);
    let shared = Home::new();
    let (journal, store) = (shared.path("journal"), shared.path("shared.db"));
    let flags = ["--upstream", &upstream.url(), "--journal", journal.to_str().expect("UTF-8"), "--store"];
    let flags: Vec<&str> = flags.into_iter().chain(store.to_str()).collect();
    let start = || Gateway::start(Home::new(), &flags);
    let mut gateways = [start(), start(), start()];
    let addresses = gateways.each_ref().map(|gateway| gateway.address);
    let lines = || -> Vec<Value> {
        let entries = fs::read_dir(&journal).expect("a journal").flatten().map(|entry| entry.path());
        let segments = entries.filter(|path| path.extension().is_some_and(|ext| ext == "jsonl"));
        let text: String = segments.map(|path| fs::read_to_string(path).expect("read")).collect();
        text.lines().map(|line| serde_json::from_str(line).expect("a whole line")).collect()
    };
    let done: Vec<String> = std::thread::scope(|scope| {
        let clients =
            addresses.iter().zip(["a", "b", "c"]).map(|(to, name)| scope.spawn(|| keep_calling(*to, name, EACH)));
        let clients: Vec<_> = clients.collect();
        // The first has the journal's lock: another has to take over in the middle.
        let begun = Instant::now();
        while lines().len() < EACH {
            assert!(begun.elapsed() < Duration::from_secs(20), "calls come in");
            std::thread::sleep(Duration::from_millis(1));
        }
        gateways[0].kill();
        clients.into_iter().flat_map(|client| client.join().expect("no panic")).collect()
    });
    let written: Vec<String> =
        lines().iter().map(|call| call["request_id"].as_str().expect("an id").to_owned()).collect();
    let unique: HashSet<&String> = written.iter().collect();
    assert!(
        unique.len() == written.len() && done.iter().all(|id| unique.contains(id)),
        "{} of {written:?}",
        done.len()
    );
    assert!(written.len() >= 2 * EACH, "the others go on: {}", written.len());
    let stored = || {
        let report = shared.run(["report", "--since", "all", "--format", "json", "--store", flags[5]]);
        let report: Value = serde_json::from_str(&report.out).unwrap_or_default();
        let duplicates = report["accounting"]["duplicate"].as_u64();
        (report["totals"]["calls"].as_u64().unwrap_or_default(), duplicates)
    };
    let begun = Instant::now();
    while stored().0 < written.len() as u64 && begun.elapsed() < Duration::from_secs(20) {
        std::thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(stored(), (written.len() as u64, Some(0)));
    // Whoever comes later reads nothing twice.
    gateways.iter_mut().skip(1).for_each(Gateway::kill);
    let last = start();
    assert_eq!(keep_calling(last.address, "d", 1).len(), 1);
    let begun = Instant::now();
    while stored().0 <= written.len() as u64 && begun.elapsed() < Duration::from_secs(20) {
        std::thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(stored(), (written.len() as u64 + 1, Some(0)));
}

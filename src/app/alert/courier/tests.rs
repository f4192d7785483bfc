//! Telling, against servers, programs and files of the test. Nobody waits: the waits between attempts are recorded.

use super::*;
use crate::alert::{Address, Engine, Notices, Settings};
use crate::config::{Inputs, resolve};
use crate::snapshot::{Snapshot, Stats};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::thread::JoinHandle;

/// A firing of a rule, and its end.
fn notices() -> Vec<Notice> {
    let file = "[[alert]]\nname = \"prod <errors>\"\nmetric = \"error_rate\"\nabove = \"5%\"\nfilter = \"env:prod\"\n";
    let places = crate::cli::PlaceArgs::default();
    let inputs = Inputs { places: &places, screen: None, env: &|_| None, panes: &[] };
    let effective = resolve(Some((Path::new("c.toml"), file)), inputs).expect("reads");
    let Settings { rules, .. } = effective.config.alerts;
    let mut engine = Engine::new(&rules, &[]);
    let of = |errors| Snapshot { totals: Stats { calls: 100, errors, ..Stats::default() }, ..Snapshot::default() };
    let mut changes = engine.step(1_777_644_000_000_000, &[of(7)]);
    changes.extend(engine.step(1_777_644_060_000_000, &[of(1)]));
    Notices::new(0).step(0, &changes)
}

/// A worker whose waits are written down instead of waited for, and what it complains of.
fn worker(channel: Channel, go: Go) -> (Worker, Arc<Mutex<Vec<String>>>) {
    let seen = Arc::<Mutex<Vec<String>>>::default();
    let (waits, complaints) = (Arc::clone(&seen), Arc::clone(&seen));
    let worker = Worker {
        channel,
        books: Arc::default(),
        complain: Arc::new(move |text| complaints.lock().expect("locked").push(text.to_owned())),
        wait: Box::new(move |time| {
            waits.lock().expect("locked").push(format!("waits {} s", time.as_secs()));
            go
        }),
        done: VecDeque::new(),
        agent: webhook::agent(LIMIT),
    };
    (worker, seen)
}

fn seen(list: &Mutex<Vec<String>>) -> Vec<String> {
    list.lock().expect("locked").clone()
}

/// A server that answers with these statuses, one request each: its address, and the requests it got, head and body.
fn server(statuses: &'static [u16]) -> (String, JoinHandle<Vec<(String, String)>>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}/secret", listener.local_addr().expect("an address"));
    let serve = move || statuses.iter().map(|status| answer(&listener, *status)).collect();
    (url, std::thread::spawn(serve))
}

fn answer(listener: &TcpListener, status: u16) -> (String, String) {
    let (mut stream, _) = listener.accept().expect("a request");
    let mut reader = BufReader::new(stream.try_clone().expect("a second handle"));
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        assert_ne!(reader.read_line(&mut head).expect("a line"), 0, "{head}");
    }
    let length = head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
    let mut body = vec![0; length.expect("a length")];
    reader.read_exact(&mut body).expect("the body");
    let location = if status == 302 { "Location: http://127.0.0.1:1/\r\n" } else { "" };
    let text = format!("HTTP/1.1 {status} Said\r\n{location}Content-Length: 0\r\nConnection: close\r\n\r\n");
    stream.write_all(text.as_bytes()).expect("answered");
    (head, String::from_utf8(body).expect("UTF-8"))
}

fn parcel(notice: &Notice, url: &str, format: Option<Format>) -> Parcel {
    let targets = Targets { webhook: Some(Address(url.to_owned())), format, ..Targets::default() };
    Parcel { notice: notice.clone(), targets }
}

#[test]
fn a_webhook_that_fails_is_tried_again_and_told_once() {
    let (url, server) = server(&[503, 429, 200, 200]);
    let (mut worker, said) = worker(Channel::Webhook, Go::On);
    let notices = notices();
    worker.take(&parcel(&notices[0], &url, None));
    worker.take(&parcel(&notices[0], &url, None));
    worker.take(&parcel(&notices[1], &url, Some(Format::Slack)));
    assert_eq!(seen(&said), ["waits 1 s", "waits 5 s"], "the same is not told twice, and its end is not the same");
    assert!(worker.books.troubles().is_empty(), "all is well again");
    let requests = server.join().expect("served");
    let heads: Vec<String> = requests.iter().map(|(head, _)| head.to_lowercase()).collect();
    let ids: Vec<&str> = heads.iter().filter_map(|h| h.lines().find(|l| l.starts_with("idempotency-key: "))).collect();
    assert!(ids[0] == ids[1] && ids[1] == ids[2] && ids[2] != ids[3], "{ids:?}");
    assert!(heads.iter().all(|head| head.contains("content-type: application/json")));
    let plain: serde_json::Value = serde_json::from_str(&requests[2].1).expect("JSON");
    assert_eq!((plain["event"].as_str(), plain["value"].as_f64()), (Some("llm_alert"), Some(0.07)));
    assert_eq!(plain["filter"], "env:prod status:error");
    let slack: serde_json::Value = serde_json::from_str(&requests[3].1).expect("JSON");
    let text = slack["text"].as_str().expect("a text");
    assert!(text.contains("CLEARED prod &lt;errors&gt;: error rate 1.00 %"), "{text}");
}

#[test]
fn what_cannot_be_told_is_counted_and_said_without_its_address() {
    for (statuses, waits, says) in [
        (&[500, 500, 502, 500][..], 3, "answered 500"),
        (&[404], 0, "answered 404"),
        (&[302], 0, "leads elsewhere (302); give the address it leads to"),
    ] {
        let (url, server) = server(statuses);
        let (mut worker, said) = worker(Channel::Webhook, Go::On);
        worker.take(&parcel(&notices()[0], &url, None));
        server.join().expect("served");
        let said = seen(&said);
        assert_eq!(said.len(), waits + 1, "{said:?}");
        let last = said.last().expect("a complaint");
        assert!(last.contains(says) && last.contains("\"prod <errors>\"") && !last.contains("secret"), "{last}");
        assert_eq!(worker.books.lost.load(Ordering::Relaxed), 1);
        assert_eq!(worker.books.troubles().len(), 1);
    }
}

#[test]
fn nobody_is_waited_for_at_the_end() {
    let (mut worker, said) = worker(Channel::Webhook, Go::Home);
    // Nobody listens where a listener has gone.
    let url = TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).map(|at| format!("http://{at}/secret"));
    worker.take(&parcel(&notices()[0], &url.expect("an address"), None));
    let said = seen(&said);
    assert_eq!((said.len(), said[0].as_str()), (2, "waits 1 s"));
    assert!(said[1].contains("127.0.0.1") && !said[1].contains("secret"), "{said:?}");
}

#[test]
fn a_program_gets_the_alert_and_its_output_goes_nowhere() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("got.json");
    let script = format!("cat > '{}'; echo noise; echo noise >&2", path.display());
    let command: Vec<String> = ["sh", "-c", &script].map(str::to_owned).to_vec();
    let (mut worker, said) = worker(Channel::Command, Go::On);
    let notice = Notice { untold: 3, ..notices()[0].clone() };
    worker.take(&Parcel { notice, targets: Targets { command, ..Targets::default() } });
    assert_eq!(seen(&said), [""; 0]);
    let got: serde_json::Value = serde_json::from_slice(&std::fs::read(path).expect("written")).expect("JSON");
    assert_eq!((got["state"].as_str(), got["untold"].as_u64()), (Some("fired"), Some(3)));
}

#[test]
fn a_program_that_is_not_there_fails_or_hangs_is_told_of() {
    let words = |command: &[&str]| command.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    let run = |command: &[&str], limit| command::run(&words(command), "{}", limit).expect_err("fails").why;
    assert!(run(&["/nonexistent/page"], LIMIT).starts_with("/nonexistent/page cannot be started"));
    assert_eq!(run(&["sh", "-c", "exit 3"], LIMIT), "sh failed (exit status: 3)");
    // It would sleep for ever, and so would what it has started.
    assert_eq!(run(&["sh", "-c", "sleep 1000 & wait"], Duration::ZERO), "sh was ended after 0 s");
    assert_eq!(command::run(&words(&["true"]), &"x".repeat(8_000), LIMIT), Ok(()), "it need not read");
}

#[test]
fn a_file_gets_a_line_each_and_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("alerts.jsonl");
    let mut courier = Courier::new(|why| panic!("{why}"));
    for notice in notices() {
        let targets = Targets { file: Some(path.clone()), ..Targets::default() };
        courier.tell(&notice, &(vec![Channel::Bell, Channel::File], targets));
    }
    assert_eq!(courier.finish(LIMIT), 0);
    let text = std::fs::read_to_string(&path).expect("written");
    let states: Vec<serde_json::Value> = text.lines().map(|l| serde_json::from_str(l).expect("JSON")).collect();
    assert_eq!(states.iter().map(|s| s["state"].as_str()).collect::<Vec<_>>(), [Some("fired"), Some("cleared")]);
    assert_eq!(states[0]["id"], states[1]["id"]);
    assert_eq!(std::fs::metadata(&path).expect("there").permissions().mode() & 0o777, 0o600);
}

#[test]
fn nothing_in_a_file_steers_the_terminal_it_is_printed_on() {
    let name = "a\u{9b}31m\u{202e}b\u{1b}]0;x\u{7}";
    let mut notice = notices().remove(0);
    notice.change.alert.name = name.to_owned();
    let event = parcel(&notice, "http://127.0.0.1/", None).event();
    assert!(!event.contains(|c: char| c.is_control() || c == '\u{202e}'), "{event}");
    let read: serde_json::Value = serde_json::from_str(&event).expect("JSON");
    assert_eq!(read["name"], name, "and it is all there");
}

#[test]
fn a_full_queue_is_told_of_and_stops_nobody() {
    let lost = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&lost);
    let mut courier = Courier::new(move |_| {
        count.fetch_add(1, Ordering::SeqCst);
    });
    // It accepts and never answers.
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}/", listener.local_addr().expect("an address"));
    let targets = Targets { webhook: Some(Address(url)), ..Targets::default() };
    let notice = notices().remove(0);
    for _ in 0..QUEUE + 5 {
        courier.tell(&notice, &(vec![Channel::Webhook], targets.clone()));
    }
    assert!((4..=5).contains(&lost.load(Ordering::SeqCst)), "one may be on its way");
    assert!(!courier.is_idle());
    assert_eq!(courier.finish(Duration::ZERO), QUEUE as u64 + 5, "none of them was told");
}

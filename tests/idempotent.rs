//! The same events however they come: twice, in another order, through a pipe, in chunks, compressed, or by way of an
//! export. One store, one report, one export.

mod common;

use common::Rng;
use common::event::{START_US, events};
use common::program::Home;
use common::stored::{NOW_US, Stored};
use serde_json::Value;
use std::io::Write;

/// A log with everything in it: calls in any order and some of them twice, spans, scores, envelopes, rubbish.
fn log() -> String {
    let mut rng = Rng(21);
    let mut lines: Vec<String> = events(21, 300, 2).iter().map(|e| e.line()).collect();
    let twice: Vec<String> = (0..20).map(|_| rng.pick(&lines).clone()).collect();
    lines.extend(twice);
    lines.extend(nameless().lines().map(str::to_owned));
    rng.shuffle(&mut lines);
    lines.join("\n") + "\n"
}

/// Events without an id of their own, and what an export has to carry beside the usual fields.
fn nameless() -> String {
    let time = |n: i64| llmtop::units::rfc3339(START_US + n * 1_234_567);
    let mut text = String::new();
    for n in 0..20 {
        let (ts, next) = (time(n), time(n + 100_000));
        text += &format!("{{\"event\":\"llm_call\",\"ts\":\"{ts}\",\"model\":\"m\",\"input_tokens\":{n}}}\n");
        text += &format!(
            "{{\"event\":\"llm_call\",\"ts\":\"{ts}\",\"model\":\"m\",\"duration\":\"{n}.5s\",\"error\":{{\"type\":\"overloaded_error\",\"message\":\"try \\\"later\\\" {n}\"}}}}\n"
        );
        text += &format!(
            "{{\"log\":\"{{\\\"event\\\":\\\"llm_call\\\",\\\"model\\\":\\\"docker\\\",\\\"cost\\\":0.{n:04}}}\\n\",\"stream\":\"stdout\",\"time\":\"{ts}\"}}\n"
        );
        text += &format!(
            "{{\"event\":\"llm_call\",\"ts\":\"{ts}\",\"id\":\"ok-{n}\",\"status\":\"ok\",\"error_message\":\"a warning {n}\",\"messages\":[{{\"role\":\"user\",\"content\":\"caf\\u00e9\\n\"}}],\"output\":\"[1] \"}}\n"
        );
        text += &format!(
            "{{\"event\":\"llm_span\",\"ts\":\"{ts}\",\"trace_id\":\"t{n}\",\"kind\":\"tool\",\"name\":\"x\",\"status\":\"error\",\"http_status\":503,\"cited\":[1,2]}}\n"
        );
        text += &format!("{{\"event\":\"llm_span\",\"ts\":\"{ts}\",\"trace_id\":\"t{n}\",\"span_id\":\"s{n}\"}}\n");
        text += &format!(
            "{{\"event\":\"llm_score\",\"ts\":\"{next}\",\"name\":\"thumbs\",\"value\":{},\"request_id\":\"ok-{n}\"}}\n",
            n % 2 == 0
        );
        text += &format!(
            "{{\"event\":\"llm_score\",\"ts\":\"{next}\",\"name\":\"nps\",\"value\":0.{n},\"score_id\":\"n{n}\",\"comment\":\"\\u2028\"}}\n"
        );
        text += "nothing of interest\n{\"event\":\"llm_call\",\"broken\n";
    }
    text
}

/// What a report says of the events themselves, whatever was read to get them.
fn figures(home: &Home) -> Value {
    let mut report = home.report(&["--by", "model", "--by", "error", "--by", "user", "--by", "hour", "--by", "host"]);
    let books = report["accounting"].take();
    assert_eq!(
        books["read"].as_u64(),
        ["accepted", "duplicate", "skipped", "rejected"].iter().map(|n| books[n].as_u64()).sum(),
        "{books}"
    );
    report["accounting"] = books["accepted"].clone();
    report["store"]["sources"] = Value::Null;
    report
}

/// The home of a log that was read once, as a file.
fn once(log: &str) -> Home {
    let home = Home::new();
    home.ingest(&home.write("app.log", log));
    home
}

/// Two homes that should hold the same.
#[track_caller]
fn same(a: &Home, b: &Home) {
    assert_eq!(a.export(), b.export());
    assert_eq!(figures(a), figures(b));
}

#[test]
fn the_same_log_twice_changes_nothing() {
    let text = log();
    let home = once(&text);
    let (before, exported) = (home.report(&["--by", "model"]), home.export());
    let unchanged = home.ingest(&home.path("app.log"));
    assert!(unchanged.starts_with("read 0 lines"), "{unchanged}");
    assert_eq!(home.report(&["--by", "model"]), before, "a file that did not change is not read");
    let copy = home.ingest(&home.write("copy/app.log", &text));
    assert!(copy.contains(" 0 accepted"), "{copy}");
    assert_eq!(home.export(), exported);
    assert_eq!(figures(&home)["totals"], before["totals"]);
}

#[test]
fn the_same_log_by_other_ways_is_the_same_store() {
    let text = log();
    let want = once(&text);

    let piped = Home::new();
    piped.feed(["ingest", "-"], text.as_bytes()).good();
    same(&piped, &want);

    let backwards = Home::new();
    let mut lines: Vec<&str> = text.lines().collect();
    lines.reverse();
    backwards.ingest(&backwards.write("app.log", lines.join("\n")));
    same(&backwards, &want);

    let chunks = Home::new();
    let lines: Vec<&str> = text.lines().collect();
    for (n, chunk) in lines.chunks(37).enumerate() {
        chunks.write(&format!("logs/{n:02}.log"), chunk.join("\n"));
    }
    chunks.ingest(&chunks.path("logs"));
    same(&chunks, &want);

    let packed = Home::new();
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gz.write_all(text.as_bytes()).expect("to memory");
    packed.write("a.gz", gz.finish().expect("to memory"));
    packed.write("b.log", zstd::encode_all(text.as_bytes(), 1).expect("to memory"));
    packed.run(["ingest", "a.gz", "b.log"]).good();
    same(&packed, &want);
}

#[test]
fn a_log_that_grows_between_runs_is_read_once() {
    let text = log();
    let want = once(&text);
    let home = Home::new();
    let path = home.write("app.log", "");
    let mut file = std::fs::OpenOptions::new().append(true).open(&path).expect("opened");
    let mut rng = Rng(4);
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let mut rest = lines.as_slice();
    while !rest.is_empty() {
        let (some, after) = rest.split_at((1 + rng.below(200) as usize).min(rest.len()));
        file.write_all(some.concat().as_bytes()).expect("appended");
        rest = after;
        home.ingest(&path);
    }
    same(&home, &want);
    for book in ["read", "accepted", "duplicate", "skipped", "rejected", "reasons", "unpriced", "future"] {
        assert_eq!(home.report(&[])["accounting"][book], want.report(&[])["accounting"][book], "{book}");
    }
}

#[test]
fn an_export_is_the_same_events_again() {
    let want = once(&log());
    let exported = want.export();
    assert_eq!(want.feed(["ingest", "-"], exported.as_bytes()).good().matches(" 0 accepted").count(), 1);
    assert_eq!(want.export(), exported, "into the same store: nothing is new");

    let other = Home::new();
    let out = other.feed(["ingest", "-"], exported.as_bytes()).good();
    assert!(out.contains(" 0 duplicate, 0 skipped, 0 rejected"), "{out}");
    same(&other, &want);
    // The log itself adds nothing to the store of its export.
    let again = other.ingest(&other.write("app.log", log()));
    assert!(again.contains(" 0 accepted"), "{again}");
    same(&other, &want);
}

#[test]
fn an_export_of_a_window_or_a_filter_is_what_is_in_it() {
    let home = once(&log());
    let all = home.export();
    let windowed = home.run(["export", "--since", "2026-03-02T06:00", "--until", "2026-03-03T06:00"]).good();
    let inside = |line: &&str| {
        let event: Value = serde_json::from_str(line).expect("JSON");
        let time = event["timestamp"].as_str().expect("a time").to_owned();
        ("2026-03-02T06:00".."2026-03-03T06:00").contains(&time.as_str())
    };
    let want: Vec<&str> = all.lines().filter(inside).collect();
    assert!(!want.is_empty());
    assert_eq!(windowed.lines().collect::<Vec<_>>(), want);
    let failed = home.run(["export", "--filter", "status:error"]).good();
    let want: Vec<&str> =
        all.lines().filter(|l| l.contains("\"event\":\"llm_call\"") && l.contains("\"status\":\"error\"")).collect();
    assert_eq!(failed.lines().collect::<Vec<_>>(), want);
}

#[test]
fn only_spans_and_scores_can_be_exported_too() {
    let only: Vec<String> =
        nameless().lines().filter(|l| l.contains("llm_span") || l.contains("llm_score")).map(str::to_owned).collect();
    let home = once(&only.join("\n"));
    assert_eq!(home.export().lines().count(), only.len());
}

#[test]
fn events_without_a_time_keep_their_first_reading() {
    let lines = "{\"event\":\"llm_call\",\"request_id\":\"a\",\"model\":\"m\"}\n{\"event\":\"llm_call\",\"model\":\"b\"}\n\
                 {\"event\":\"llm_span\",\"trace_id\":\"t\"}\n{\"event\":\"llm_score\",\"name\":\"x\",\"value\":1}\n";
    let mut stored = Stored::new();
    assert_eq!(stored.add_lines("a", lines, NOW_US).accepted, 4);
    let exported = stored.export();
    for later in 1..4 {
        let did = stored.add_lines("b", lines, NOW_US + later * 3_600_000_000);
        assert_eq!((did.accepted, did.duplicate), (0, 4));
        let did = stored.add_lines("c", &exported, NOW_US + later * 3_600_000_000);
        assert_eq!((did.accepted, did.duplicate), (0, 4));
    }
    assert_eq!(stored.export(), exported);
}

//! `llmtop check` from outside: exit codes, the same figures as the report's, the three forms, logs and stores, baselines, and
//! what it says where nothing can be judged.

mod common;

use common::event::{DAY, Event, HOUR, START_US, events};
use common::program::{Home, Ran};
use serde_json::{Value, json};
use std::fs;

/// A hundred calls of a day, one of them failed, of 10 to 1,000 ms and a cent each.
fn run_of(name: &str, at_us: i64) -> Vec<Event> {
    let call = |n: u64| Event {
        ts_us: at_us + n as i64 * (DAY / 100),
        request_id: Some(format!("{name}-{n}")),
        model: Some("gpt-4o".to_owned()),
        environment: Some(if n < 50 { "prod" } else { "staging" }.to_owned()),
        latency_us: Some((n + 1) * 10_000),
        cost_nusd: Some(10_000_000),
        failure: (n == 99).then_some("timeout"),
        ..Event::default()
    };
    (0..100).map(call).collect()
}

fn log(events: &[Event]) -> String {
    events.iter().map(|event| event.line() + "\n").collect()
}

/// A home with the log `run.log`.
fn home() -> Home {
    let home = Home::new();
    home.write("run.log", log(&run_of("a", START_US)));
    home
}

fn check(home: &Home, line: &str) -> Ran {
    home.run(["check"].into_iter().chain(line.split(' ').filter(|word| !word.is_empty())))
}

#[track_caller]
fn code(home: &Home, line: &str) -> Option<i32> {
    let ran = check(home, line);
    assert!(!ran.err.contains("panicked"), "{line}: {}", ran.err);
    ran.code
}

fn document(home: &Home, line: &str) -> Value {
    let ran = check(home, &format!("{line} --format json"));
    let document: Value = serde_json::from_str(&ran.out).unwrap_or_else(|e| panic!("{line}: {e}: {ran:?}"));
    assert_eq!(document["exit_code"], json!(ran.code), "{line}");
    document
}

#[test]
fn the_exit_code_says_whether_it_held() {
    let home = home();
    for (line, want) in [
        ("run.log --error-rate 1%", 0),
        ("run.log --error-rate 0.99%", 1),
        ("run.log --p50 520ms --p95 960ms --p99 1s", 0),
        ("run.log --p95 900ms", 1),
        ("run.log --cost 1 --cost-per-call 0.01 --rate-limit-rate 0% --unpriced-share 0%", 0),
        ("run.log --cost 0.99", 1),
        ("run.log --cost-per-call 0.0099", 1),
        ("run.log --ttft-p95 1s", 2),
        ("run.log --ttft-p95 1s --cost 0.99", 1),
        ("run.log --error-rate 1% --min-calls 100", 0),
        ("run.log --error-rate 1% --min-calls 101", 2),
        ("run.log --error-rate 0% --min-calls 101", 2),
        ("run.log --cost 0.99 --min-calls 101", 1),
        ("run.log --error-rate 0% --filter env:prod", 0),
        ("run.log --p99 1s --filter env:prod", 2),
        ("run.log --error-rate 0% --filter model:other", 2),
        ("run.log --error-rate 0% --since 1h", 2),
        ("run.log --error-rate 0% --since 2026-03-02T00:00 --until 2026-03-02T12:00", 0),
        ("run.log --error-rate 0% --window 2026-03-02", 1),
    ] {
        assert_eq!(code(&home, line), Some(want), "{line}");
    }
}

#[test]
fn figures_are_those_of_the_report() {
    let home = Home::new();
    home.ingest(&home.write("app.log", log(&events(5, 2_000, 2))));
    let report = home.report(&[])["totals"].clone();
    let limits = "--since all --p50 1s --p95 1s --p99 1s --ttft-p95 1s --error-rate 1% --rate-limit-rate 1% --cost 1";
    let document = document(&home, limits);
    let measured: Vec<&Value> =
        document["limits"].as_array().expect("a list").iter().map(|line| &line["measured"]).collect();
    let want = [
        &report["latency_ms"]["p50"],
        &report["latency_ms"]["p95"],
        &report["latency_ms"]["p99"],
        &report["ttft_ms"]["p95"],
        &report["error_rate"],
        &report["rate_limit_rate"],
        &report["cost_usd"],
    ];
    assert_eq!(measured, want);
    assert_eq!(document["calls"], report["calls"]);
    assert_eq!(document["limits"][6]["at_least"], json!(report["unpriced_calls"].as_u64() > Some(0)));
}

#[test]
fn every_form_says_the_same() {
    let home = home();
    let line = "run.log --p95 900ms --error-rate 1% --ttft-p95 1s --utc";
    let text = check(&home, line);
    assert_eq!(text.code, Some(1));
    for want in
        ["2026-03-02 00:00:00 to ", "UTC, 100 calls", "NOT held: latency p95; cannot be judged: first token p95"]
    {
        assert!(text.out.contains(want), "{want}: {}", text.out);
    }
    let verdicts: Vec<Value> = document(&home, line)["limits"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|line| line["verdict"].clone())
        .collect();
    assert_eq!(verdicts, ["not_held", "not_judged", "held"]);
    let xml = check(&home, &format!("{line} --format junit")).out;
    assert_eq!(xml.matches("<testcase ").count(), 4, "{xml}");
    assert_eq!((xml.matches("<failure ").count(), xml.matches("<error ").count()), (1, 1), "{xml}");
}

#[test]
fn an_unknown_cost_is_not_judged_unless_it_is_too_much_already() {
    let home = Home::new();
    let mut calls = run_of("a", START_US);
    calls[7].cost_nusd = None;
    home.write("run.log", log(&calls));
    for (line, want) in [
        ("--cost 5", 2),
        ("--cost 0.98", 1),
        ("--cost-per-call 0.02", 2),
        ("--cost-per-call 0.0098", 1),
        ("--unpriced-share 1%", 0),
        ("--unpriced-share 0.5%", 1),
    ] {
        assert_eq!(code(&home, &format!("run.log {line}")), Some(want), "{line}");
    }
    let said = check(&home, "run.log --cost 5").out;
    assert!(said.contains("≥ $0.99") && said.contains("cannot be judged: 1 call without a price"), "{said}");
}

#[test]
fn another_run_is_the_baseline() {
    let home = home();
    let with = |change: fn(&mut Event)| {
        let mut calls = run_of("b", START_US + 9 * DAY);
        calls.iter_mut().for_each(change);
        log(&calls)
    };
    home.write("same.log", with(|_| ()));
    home.write("slow.log", with(|call| call.latency_us = call.latency_us.map(|us| us * 3 / 2)));
    home.write("dear.log", with(|call| call.cost_nusd = Some(12_000_000)));
    home.write("failing.log", with(|call| call.failure = call.failure.or((call.ts_us % 2 == 0).then_some("timeout"))));
    for (line, want) in [
        ("same.log --baseline run.log", 0),
        ("same.log --baseline run.log --max-regression 0%", 0),
        ("slow.log --baseline run.log", 1),
        ("slow.log --baseline run.log --max-regression 60%", 0),
        ("slow.log --baseline run.log --error-rate 5%", 0),
        ("run.log --baseline slow.log", 0),
        ("dear.log --baseline run.log --cost 5", 1),
        ("dear.log --baseline run.log --cost 5 --max-regression 20%", 0),
        ("failing.log --baseline run.log --error-rate 100%", 1),
        ("same.log --baseline run.log --min-calls 101", 2),
        ("same.log --baseline run.log --ttft-p95 1s", 2),
        ("same.log --baseline *.nothing", 2),
        ("same.log --baseline 1h", 2),
    ] {
        assert_eq!(code(&home, line), Some(want), "{line}: {:?}", check(&home, line));
    }
    let document = document(&home, "slow.log --baseline run.log");
    let names: Vec<&str> =
        document["limits"].as_array().expect("a list").iter().filter_map(|line| line["limit"].as_str()).collect();
    assert_eq!(names, ["p95", "error-rate", "cost-per-call"]);
    assert_eq!((&document["baseline"]["calls"], &document["calls"]), (&json!(100), &json!(100)));
}

#[test]
fn a_named_store_is_checked_and_stays_without_the_baseline() {
    let home = home();
    home.write("new.log", log(&run_of("b", START_US + DAY)));
    home.run(["ingest", "new.log", "--store", "own.db", "--quiet"]).good();
    let document = document(&home, "--since all --baseline run.log --store own.db");
    assert_eq!((&document["calls"], &document["baseline"]["calls"]), (&json!(100), &json!(100)));
    let report = home.run(["report", "--since", "all", "--format", "json", "--store", "own.db"]).good();
    let report: Value = serde_json::from_str(&report).expect("JSON");
    assert_eq!(report["totals"]["calls"], 100);
}

#[test]
fn the_time_before_is_the_baseline() {
    let home = Home::new();
    let mut calls = run_of("a", START_US);
    calls.extend(run_of("b", START_US + DAY).into_iter().map(|mut call| {
        call.cost_nusd = Some(20_000_000);
        call
    }));
    home.ingest(&home.write("app.log", log(&calls)));
    let day = "--window 2026-03-03";
    for (line, want) in [
        ("--baseline 24h --cost 9", 1),
        ("--baseline 24h --cost 9 --max-regression 100%", 0),
        ("--baseline 2026-03-02 --cost 9 --max-regression 100%", 0),
        ("--baseline 2026-03-02T00:00..2026-03-02T12:00 --cost 9 --max-regression 100%", 0),
        ("--baseline all --cost 9 --max-regression 99%", 1),
        ("--baseline 24h --p95 2s", 0),
        ("--baseline 2026-02-01 --p95 2s", 2),
    ] {
        let line = format!("{day} {line}");
        assert_eq!(code(&home, &line), Some(want), "{line}: {:?}", check(&home, &line));
    }
    let half = document(&home, &format!("{day} --cost 9 --baseline 2026-03-02T00:00..2026-03-02T12:00"));
    assert_eq!(half["limits"][1]["baseline"], json!(1.0), "half a dollar in half a day");
    let since = |us| llmtop::units::rfc3339(us);
    assert_eq!(half["baseline"]["window"], json!({"since": since(START_US), "until": since(START_US + 12 * HOUR)}));
}

#[test]
fn what_cannot_be_judged_is_explained_with_2() {
    let home = home();
    let refused = [
        ("--p95 2s", "does not exist; fill it with"),
        ("none.log --p95 2s", "none.log"),
        ("run.log --p95 2s --baseline 24hours", "no log that is there, and no window"),
        ("run.log --p95 2s --baseline 2026-03-02..2026-03-01", "the end is before the beginning"),
        ("run.log --p95 2s --since tomorrowish", "tomorrowish"),
        ("run.log", "nothing to check: give a limit (--p50,"),
        ("run.log --error-rate 1", "write a percentage such as 1%"),
    ];
    for (line, why) in refused {
        let ran = check(&home, line);
        assert!(ran.code == Some(2) && ran.err.contains(why) && ran.out.is_empty(), "{line}: {ran:?}");
    }
    let twice = home.feed(["check", "-", "--p95", "2s", "--baseline", "-"], b"");
    assert!(twice.code == Some(2) && twice.err.contains("can be read once"), "{twice:?}");
    let piped = home
        .feed(["check", "-", "--error-rate", "1%", "--baseline", "run.log"], log(&run_of("p", START_US)).as_bytes());
    assert_eq!(piped.code, Some(0), "{piped:?}");
    for (line, why) in [
        ("run.log --p95 2s --since 1h", "the newest call is of 2026-03-02T"),
        ("run.log --p95 2s --filter model:o3", "none of the 100 calls in this window passes the filter"),
    ] {
        let ran = check(&home, line);
        assert!(ran.code == Some(2) && ran.out.contains(why), "{line}: {ran:?}");
    }
    home.write("words.log", "one\ntwo\n");
    let words = check(&home, "words.log --p95 2s");
    assert!(words.code == Some(2) && words.out.contains("no event in the 2 lines read"), "{words:?}");
}

#[test]
fn what_could_not_be_read_holds_nothing() {
    let home = home();
    home.write("a.xz", b"\xfd7zXZ\0\0\0");
    let held = check(&home, "run.log a.xz --p95 2s");
    assert!(held.code == Some(2) && held.err.contains("a.xz"), "{held:?}");
    assert!(held.out.ends_with("cannot be judged: not everything could be read\n"), "{}", held.out);
    assert_eq!(code(&home, "run.log a.xz --p95 2ms"), Some(1));
    home.write("old/good.log", log(&run_of("b", START_US)));
    let packed = zstd::encode_all(log(&run_of("c", START_US)).as_bytes(), 1).expect("to memory");
    home.write("old/torn.log.zst", &packed[..packed.len() / 2]);
    let half = check(&home, "run.log --p95 2s --baseline old");
    assert!(half.code == Some(2) && half.err.contains("torn.log.zst"), "{half:?}");
    let xml = check(&home, "run.log a.xz --p95 2s --format junit").out;
    assert!(xml.contains("<error message=\"not everything could be read\"/>"), "{xml}");
}

#[test]
fn a_reader_that_went_away_does_not_make_it_held() {
    let home = home();
    let script = "set -o pipefail; \"$0\" check run.log --p95 2ms | true; echo ${PIPESTATUS[0]} > code";
    let ran = home.command("bash").args(["-c", script, env!("CARGO_BIN_EXE_llmtop")]).output().expect("bash");
    assert!(ran.stderr.is_empty(), "{}", String::from_utf8_lossy(&ran.stderr));
    assert_eq!(fs::read_to_string(home.path("code")).expect("written").trim(), "1");
}

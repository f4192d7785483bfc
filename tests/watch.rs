//! `llmtop watch` from outside: what fires on a log that has ended and on one that grows, whom it tells, and how it ends.

mod common;

use common::program::{Home, Ran};
use std::io::{BufRead, BufReader, Write};
use std::process::Stdio;
use std::time::{SystemTime, UNIX_EPOCH};

const SAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/sample.jsonl");

/// So many calls a second apart that end at a time, in seconds; of every ten, so many have failed.
fn calls(name: &str, end_s: u64, count: u64, failed_of_ten: u64) -> String {
    let line = |i: u64| {
        let status = if i % 10 < failed_of_ten { "error" } else { "ok" };
        format!(
            "{{\"event\":\"llm_call\",\"request_id\":\"{name}-{i}\",\"timestamp\":{},\"model\":\"gpt-4o\",\
             \"environment\":\"prod\",\"latency_ms\":900,\"status\":\"{status}\",\"cost_usd\":0.02}}\n",
            end_s - count + i
        )
    };
    (0..count).map(line).collect()
}

fn now_s() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs()
}

const ERRORS: &str = "[[alert]]\nname = \"errors\"\nmetric = \"error_rate\"\nabove = \"20%\"\nover = \"10m\"\n\
                      filter = \"env:prod\"\n";

#[test]
fn what_fires_at_the_end_of_an_old_log_is_told_and_handed_on() {
    let home = Home::new();
    let (got, file) = (home.path("got.json"), home.path("alerts.jsonl"));
    let rules = format!(
        "[[alert]]\nname = \"errors\"\nmetric = \"error_rate\"\nabove = \"2%\"\nover = \"1h\"\n\
         command = [\"sh\", \"-c\", \"cat > '{}'; echo noise\"]\nfile = \"{}\"\n\
         [[alert]]\nname = \"slow\"\nmetric = \"p95_latency\"\nabove = \"1s\"\nover = \"1h\"\nfor = \"10m\"\n\
         [[alert]]\nname = \"never\"\nmetric = \"error_rate\"\nabove = \"90%\"\nover = \"1h\"\n",
        got.display(),
        file.display()
    );
    let config = home.write("c.toml", rules);
    let config = config.to_str().expect("UTF-8");
    for args in [["watch", "--once", SAMPLE, "--config", config].as_slice(), &["watch", "-", "--config", config]] {
        let input = std::fs::read(SAMPLE).expect("the sample");
        let out = home.feed(args, &input).good();
        let lines: Vec<&str> = out.lines().collect();
        assert_eq!(lines.len(), 2, "{out}");
        for (line, what) in lines.iter().zip(["FIRED errors: error rate ", "FIRED slow: p95 latency "]) {
            assert!(line.starts_with("2026-03-02T00:50:29.933060Z ") && line.contains(what), "{line}");
        }
        // A pipe cannot be looked at again.
        let place = if args[1] == "--once" { format!("{SAMPLE} ") } else { String::new() };
        let window = "--window 2026-03-01T23:50:29.933060Z..2026-03-02T00:50:29.933060Z";
        assert!(lines[0].ends_with(&format!("; {place}{window} --filter 'status:error'")), "{}", lines[0]);
        assert!(lines[1].contains("since 2026-03-02T00:40:"), "it has held for ten minutes: {}", lines[1]);
    }
    let json = |text: String| serde_json::from_str::<serde_json::Value>(&text).expect("JSON");
    let told = json(std::fs::read_to_string(got).expect("the command ran"));
    assert_eq!((told["event"].as_str(), told["name"].as_str()), (Some("llm_alert"), Some("errors")));
    let events = std::fs::read_to_string(file).expect("the file is there");
    assert_eq!(events.lines().map(|line| json(line.to_owned())).filter(|event| event["id"] == told["id"]).count(), 2);
}

#[test]
fn what_is_pasted_leads_to_the_calls() {
    let home = Home::new();
    home.write("config/llmtop/config.toml", ERRORS);
    let log = home.write("app.log", calls("a", 1_777_644_000, 300, 3));
    let line = home.run(["watch".as_ref(), "--once".as_ref(), log.as_os_str()]).good();
    let (_, paste) = line.trim_end().split_once("; ").expect("what to paste");
    let report = format!("{} report --format json {paste}", env!("CARGO_BIN_EXE_llmtop"));
    let ran = Ran::of(home.command("sh").args(["-c", &report]).output().expect("a shell"));
    let report: serde_json::Value = serde_json::from_str(&ran.good()).expect("JSON");
    assert_eq!(report["totals"]["calls"], 90, "{report}");
}

#[test]
fn a_log_that_grows_fires_clears_and_a_signal_ends_it() {
    let home = Home::new();
    home.write("config/llmtop/config.toml", ERRORS);
    let log = home.write("app.log", calls("a", now_s(), 100, 5));
    let mut command = home.llmtop(["watch", "app.log", "--every", "20ms"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
    let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
    let mut next = || lines.next().expect("a line").expect("UTF-8");
    let fired = next();
    assert!(fired.contains(" FIRED errors: error rate 50.0 % over 10m, above 20.0 %, since "), "{fired}");
    let mut file = std::fs::OpenOptions::new().append(true).open(&log).expect("opens");
    file.write_all(calls("b", now_s(), 300, 0).as_bytes()).expect("written");
    let cleared = next();
    assert!(cleared.contains(" CLEARED errors: error rate 12.5 % over 10m"), "{cleared}");
    let id = i32::try_from(child.id()).expect("a process");
    // SAFETY: signals the child that was started above and has not been waited for.
    assert_eq!(unsafe { libc::kill(id, libc::SIGTERM) }, 0);
    assert_eq!(lines.next().map(|line| line.expect("UTF-8")), None, "nothing more is said");
    let ran = Ran::of(child.wait_with_output().expect("its end"));
    assert_eq!((ran.code, ran.err.as_str()), (Some(143), ""));
}

#[test]
fn budgets_warn_by_themselves_and_in_their_own_day() {
    let home = Home::new();
    let budget = "[[budget]]\nname = \"daily\"\nlimit_usd = 5\nperiod = \"day\"\ntimezone = \"Europe/Berlin\"\n";
    home.write("config/llmtop/config.toml", budget);
    // Six dollars within five minutes, up to midnight in Berlin; then so that four minutes of them are of the day before.
    for (end_s, want) in [(1_777_672_800, "120 % ($6.00 of $5.00), above 100 %"), (1_777_672_860, "")] {
        let log = home.write(&format!("{end_s}.log"), calls("a", end_s, 300, 0));
        let out = home.run(["watch".as_ref(), "--once".as_ref(), log.as_os_str()]).good();
        assert!(out.contains(want) && out.is_empty() == want.is_empty(), "{end_s}: {out}");
    }
}

#[test]
fn a_look_at_a_store_is_a_look_at_the_present() {
    let home = Home::new();
    home.write("config/llmtop/config.toml", "[[alert]]\nname = \"silent\"\nmetric = \"no_events\"\nabove = \"10m\"\n");
    home.ingest(&home.write("app.log", calls("a", now_s() - 1_800, 20, 0)));
    let out = home.run(["watch", "--once"]).good();
    assert!(out.contains("FIRED silent: time without a call 30m") && out.contains(", above 10m, since "), "{out}");
    home.ingest(&home.write("more.log", calls("b", now_s(), 20, 0)));
    assert_eq!(home.run(["watch", "--once"]).good(), "");
}

#[test]
fn what_could_not_be_told_is_said() {
    let home = Home::new();
    let log = home.write("app.log", calls("a", 1_777_644_000, 100, 5));
    home.write("config/llmtop/config.toml", format!("{ERRORS}command = [\"/nonexistent/page\"]\n"));
    let ran = home.run(["watch".as_ref(), "--once".as_ref(), log.as_os_str()]);
    assert_eq!(ran.code, Some(1), "{}", ran.err);
    assert!(ran.out.contains("FIRED errors"), "{}", ran.out);
    for says in ["command was not told of \"errors\": /nonexistent/page cannot be started", "1 could not be told"] {
        assert!(ran.err.contains(says), "{}", ran.err);
    }
}

#[test]
fn nothing_to_watch_and_impossible_rules_are_told_before_anything_starts() {
    let home = Home::new();
    let log = home.write("app.log", calls("a", 1_777_644_000, 1, 0));
    let watch = || home.run(["watch".as_ref(), log.as_os_str()]).bad();
    assert!(
        watch().contains("there is nothing to watch: the configuration has no [[alert]], and no [[budget]] that warns")
    );
    home.write("config/llmtop/config.toml", "\n[[alert]]\nname = \"a\"\nmetric = \"error_rat\"\nabove = 2\n");
    let error = watch();
    assert!(error.contains("line 4: alert.metric: no metric \"error_rat\"; did you mean error_rate?"), "{error}");
    assert!(!home.path("cache").exists(), "nothing was begun");
}

/// A dead man's switch in cron: however long ago the last call was, its silence is told.
#[test]
fn the_silence_of_a_log_long_over_is_told() {
    let home = Home::new();
    let rule = "[[alert]]\nname = \"dead\"\nmetric = \"no_events\"\nabove = \"1m\"\n";
    let config = home.write("c.toml", rule);
    let out = home.run(["watch", "--once", SAMPLE, "--config", config.to_str().expect("UTF-8")]).good();
    assert!(out.lines().count() == 1 && out.contains("FIRED dead: time without a call"), "{out}");
}

//! What is typed and what it becomes.

use super::*;
use crate::view::{Anchor, Dim, Span};
use clap::error::ErrorKind;

fn read(line: &str) -> Cli {
    parse(line.split(' ')).unwrap_or_else(|e| panic!("{line}: {e}"))
}

fn refuse(words: &[&str]) -> clap::Error {
    match parse(words) {
        Ok(cli) => panic!("{words:?} read as {cli:?}"),
        Err(error) => error,
    }
}

#[test]
fn clap_finds_no_fault_in_the_definition() {
    command().debug_assert();
}

#[test]
fn files_are_files_unless_they_are_commands() {
    assert_eq!(read("llmtop report.log").files, [PathBuf::from("report.log")]);
    assert_eq!(read("llmtop ./report app.log").files, [PathBuf::from("./report"), PathBuf::from("app.log")]);
    assert_eq!(read("llmtop -- report").files, [PathBuf::from("report")]);
    assert_eq!(read("llmtop -").files, [PathBuf::from("-")]);
    assert_eq!(read("llmtop --window 1h a.log b.log --utc").files.len(), 2);
    assert!(matches!(read("llmtop report").command, Some(Command::Report(_))));
    let behind = read("llmtop app.log report");
    assert!(behind.command.is_none() && behind.files.len() == 2, "{behind:?}");
    let alone = read("llmtop");
    assert!(alone.files.is_empty() && alone.command.is_none());
    assert_eq!(command_like("reprot").as_deref(), Some("report"));
    assert_eq!(command_like("app.log"), None);
}

#[test]
fn what_stands_before_a_command_is_not_ignored() {
    for words in [["llmtop", "--utc", "report"].as_slice(), &["llmtop", "--filter", "model:x", "export"]] {
        assert_eq!(refuse(words).kind(), ErrorKind::ArgumentConflict, "{words:?}");
    }
    let cli = read("llmtop --store a.db report --config c.toml");
    assert_eq!((cli.places.store, cli.places.config), (Some("a.db".into()), Some("c.toml".into())));
    let behind = read("llmtop report --store a.db");
    assert_eq!(behind.places.store, Some("a.db".into()));
}

#[test]
fn every_command_of_the_manual_reads() {
    for line in [
        "llmtop app.log more/*.jsonl.gz logs/ --pane errors --window 6h --theme light --mouse",
        "llmtop ingest archive/a.jsonl.zst -",
        "llmtop replay app.log --speed 60x --window 15m",
        "llmtop demo --seed 7 --rate 5x --history 6h --utc",
        "llmtop report --since 24h --by model --format json",
        "llmtop report app.log --since all --by provider,model --by error --top 5 --filter -status:ok",
        "llmtop check --since 1h --p50 1s --p95 2s --p99 5s --ttft-p95 800ms --error-rate 1% --rate-limit-rate 0.5% --cost 5",
        "llmtop check a.log b.log --cost-per-call 0.01 --unpriced-share 0% --min-calls 100 --filter env:prod --format junit",
        "llmtop check --window 1h --baseline 24h --max-regression 10% --format json --utc",
        "llmtop query SELECT --format csv",
        "llmtop export --since all --format jsonl --filter model:x",
        "llmtop store info",
        "llmtop store path --store x.db",
        "llmtop store vacuum",
        "llmtop store prune --older-than 30d",
        "llmtop config init",
        "llmtop config check --config x.toml",
        "llmtop config show",
        "llmtop completions fish",
        "llmtop man report",
    ] {
        read(line);
    }
}

#[test]
fn values_become_types() {
    let Some(Command::Report(report)) =
        read("llmtop report --by provider,model --by ENV --filter status:error --top 7").command
    else {
        panic!("a report");
    };
    assert_eq!(report.by, [By(vec![Dim::Provider, Dim::Model]), By(vec![Dim::Environment])]);
    assert_eq!(report.by[0].grouping(report.top()).name(), "provider,model");
    assert_eq!(report.filter.as_ref().map(ToString::to_string).as_deref(), Some("status:error"));
    assert_eq!(report.top(), Some(7));
    let Some(Command::Replay(replay)) = read("llmtop replay a.log --speed 0").command else { panic!("a replay") };
    assert_eq!(replay.speed, Speed(0.0));
    let Some(Command::Demo(demo)) = read("llmtop demo").command else { panic!("a demo") };
    assert_eq!((demo.seed, demo.rate, demo.history), (1, Speed(1.0), 7_800_000_000));
    assert_eq!(read("llmtop --window all").screen.window, Some(Window::all()));
}

#[test]
fn top_bounds_text_alone_unless_given() {
    for (line, top) in [("report", Some(50)), ("report --format json", None), ("report --format csv --top 3", Some(3))]
    {
        let Some(Command::Report(report)) = read(&format!("llmtop {line}")).command else { panic!("a report") };
        assert_eq!(report.top(), top, "{line}");
    }
}

#[test]
fn the_window_of_a_report() {
    let (now, hour) = (1_777_644_000_000_000, 3_600_000_000);
    let configured = Window::last(hour, Anchor::Auto);
    for (line, want) in [
        ("report", configured),
        ("report app.log", Window::all()),
        ("report app.log --window 1h", Window::last(hour, Anchor::Auto)),
        ("report --since 24h", Window::last(24 * hour, Anchor::Now)),
        ("report --until 1h", Window { span: Span::All, anchor: Anchor::At(now - hour) }),
        ("report --since 2026-05-01T13:00 --until 2026-05-01T14:00", Window::last(hour, Anchor::At(now))),
    ] {
        let Some(Command::Report(report)) = read(&format!("llmtop {line}")).command else { panic!("a report") };
        let unsaid = if report.files.is_empty() { configured } else { Window::all() };
        assert_eq!(report.when.window(unsaid, now), Ok(want), "{line}");
    }
}

#[test]
fn faults_say_what_would_be_right() {
    for (words, says) in [
        (["llmtop", "--filter", "modle:x"].as_slice(), "column 1: no field \"modle\"; did you mean model?"),
        (&["llmtop", "--window", "soon"], "try 15m, 24h"),
        (&["llmtop", "report", "--by", "modell"], "did you mean model?"),
        (&["llmtop", "report", "--by", "model,model"], "named twice"),
        (&["llmtop", "report", "--format", "xml"], "text, json, csv"),
        (&["llmtop", "report", "--window", "1h", "--since", "2h"], "cannot be used with"),
        (&["llmtop", "check", "--since", "1h"], "nothing to check: give a limit (--p50, --p95, "),
        (&["llmtop", "check", "--since", "1h"], "Usage: llmtop check [OPTIONS] [FILE]..."),
        (&["llmtop", "check", "--error-rate", "1"], "write a percentage such as 1%"),
        (&["llmtop", "check", "--p95", "2"], "write a length such as 800ms"),
        (&["llmtop", "check", "--cost", "cheap"], "write dollars such as 5"),
        (&["llmtop", "check", "--p95", "2s", "--max-regression", "10%"], "--baseline <FILE|WINDOW>"),
        (&["llmtop", "check", "--baseline", "24h", "--max-regression", "0.1"], "write a percentage such as 10%"),
        (&["llmtop", "check", "--p95", "2s", "--min-calls", "0"], "1.."),
        (&["llmtop", "check", "--p59", "2s"], "similar argument"),
        (&["llmtop", "check", "--p95", "2s", "--format", "xml"], "text, json, junit"),
        (&["llmtop", "replay", "a.log", "--speed", "-1"], "unexpected argument"),
        (&["llmtop", "replay", "a.log", "--speed", "warp"], "60x"),
        (&["llmtop", "demo", "--rate", "0"], "from 0.001x"),
        (&["llmtop", "store", "prune"], "--older-than"),
        (&["llmtop", "store", "prune", "--older-than", "30"], "30d"),
        (&["llmtop", "ingest"], "FILE"),
        (&["llmtop", "--theme", "solarized"], "auto, dark, light, mono"),
    ] {
        let message = refuse(words).to_string();
        assert!(message.contains(says), "{words:?}: {message}");
    }
}

#[test]
fn completions_and_manual_pages_are_written() {
    use clap_complete::Shell;
    for shell in [Shell::Bash, Shell::Zsh, Shell::Fish, Shell::Elvish, Shell::PowerShell] {
        let mut out = Vec::new();
        write_completions(shell, &mut out).unwrap();
        assert!(String::from_utf8(out).unwrap().contains("older-than"), "{shell}");
    }
    let page = |of: Option<&str>| {
        let mut out = Vec::new();
        write_man(of, &mut out).map(|()| String::from_utf8(out).unwrap())
    };
    assert!(page(None).unwrap().contains(".TH llmtop"));
    assert!(page(Some("report")).unwrap().contains("provider,model"));
    assert!(page(Some("check")).unwrap().contains("unpriced"));
    assert!(page(Some("reprot")).unwrap_err().to_string().contains("did you mean report?"));
}

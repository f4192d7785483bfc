//! The program from outside: exit codes, messages, and what happens when nobody reads.

use std::io::pipe;
use std::process::{Command, Output, Stdio};

/// The program with a home of its own and none of the caller's settings.
fn llmtop(home: &std::path::Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_llmtop"));
    command.args(args).env_clear().env("HOME", home).stdin(Stdio::null());
    command
}

fn run(home: &std::path::Path, args: &[&str]) -> (Option<i32>, String, String) {
    let Output { status, stdout, stderr } = llmtop(home, args).output().expect("the program starts");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
    (status.code(), text(stdout), text(stderr))
}

#[test]
fn exit_codes_tell_failures_from_slips() {
    let home = tempfile::tempdir().expect("a folder");
    let home = home.path();
    let (code, out, _) = run(home, &["--version"]);
    assert_eq!((code, out.as_str()), (Some(0), concat!("llmtop ", env!("CARGO_PKG_VERSION"), "\n")));
    let (code, out, _) = run(home, &["help", "report"]);
    assert!(code == Some(0) && out.contains("--since"), "{out}");
    let (code, _, err) = run(home, &["report", "--filter", "status:ok modle:x"]);
    assert!(code == Some(2) && err.contains("column 11: no field \"modle\"; did you mean model?"), "{err}");
    let (code, _, err) = run(home, &["config", "check", "--config", "none.toml"]);
    assert_eq!((code, err.as_str()), (Some(1), ""));
    let (code, _, err) = run(home, &["man", "reprot"]);
    assert!(code == Some(1) && err.starts_with("llmtop: no command \"reprot\"; did you mean report?"), "{err}");
}

#[test]
fn the_configuration_is_written_checked_and_shown() {
    let home = tempfile::tempdir().expect("a folder");
    let home = home.path();
    let path = home.join(".config/llmtop/config.toml");
    assert_eq!(run(home, &["config", "init"]).0, Some(0));
    let (code, _, err) = run(home, &["config", "init"]);
    assert!(code == Some(1) && err.contains("was left alone"), "{err}");
    assert_eq!(run(home, &["config", "check"]).0, Some(0));
    std::fs::write(&path, "windw = \"6h\"\ntheme = \"blue\"\n").expect("written");
    let (code, out, _) = run(home, &["config", "check"]);
    assert_eq!((code, out.lines().count()), (Some(1), 2), "{out}");
    assert!(out.contains("line 1: no setting \"windw\"; did you mean window?"), "{out}");
    std::fs::write(&path, "window = \"6h\"\n").expect("written");
    let (code, out, _) = run(home, &["config", "show"]);
    assert!(code == Some(0) && out.contains("config.toml, line 1"), "{out}");
}

#[test]
fn a_reader_that_went_away_is_no_failure() {
    let home = tempfile::tempdir().expect("a folder");
    for args in [["completions", "bash"], ["man", "report"], ["config", "show"]] {
        let (reader, writer) = pipe().expect("a pipe");
        drop(reader);
        let output =
            llmtop(home.path(), &args).stdout(writer).stderr(Stdio::piped()).output().expect("the program starts");
        assert_eq!((output.status.code(), output.stderr.len()), (Some(0), 0), "{args:?}");
    }
}

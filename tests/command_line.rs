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

#[test]
fn keys_of_upstreams_are_shown_nowhere() {
    let home = tempfile::tempdir().expect("a folder");
    let (config, key) = (home.path().join("config.toml"), home.path().join("key"));
    let upstream = "[upstream.own]\nbase_url = \"http://127.0.0.1:9\"\nkey_env = \"OWN_KEY\"\n";
    std::fs::write(&config, format!("{upstream}key_file = \"{}\"\n", key.display())).expect("written");
    std::fs::write(&key, "sk-hunter2\n").expect("written");
    let told = config.to_str().expect("UTF-8");
    for args in [
        &["config", "show", "--config", told][..],
        &["config", "check", "--config", told],
        // It cannot listen there, which is found out after the keys were read.
        &["proxy", "--headless", "--listen", "127.0.0.1:1", "--journal", "/dev/null/no", "--config", told],
        &["run", "--config", told, "--", "env"],
    ] {
        let output = llmtop(home.path(), args).env("OWN_KEY", "").output().expect("the program starts");
        let output_with = llmtop(home.path(), args).env("OWN_KEY", "sk-hunter2").output().expect("the program starts");
        for output in [output, output_with] {
            let said = [output.stdout, output.stderr].concat();
            let said = String::from_utf8_lossy(&said).replace("OWN_KEY=sk-hunter2", "");
            assert!(!said.contains("hunter2"), "{args:?}: {said}");
        }
    }
    let (code, _, error) = run(home.path(), &["proxy", "--headless", "--config", told]);
    assert!(code == Some(1) && error.contains("key_env: the variable OWN_KEY is not set"), "{error}");
    std::fs::write(&config, format!("{}key_file = \"/no/such/file\"\n", upstream.replace("key_env", "#")))
        .expect("written");
    let (code, _, error) = run(home.path(), &["proxy", "--headless", "--config", told]);
    assert!(code == Some(1) && error.contains("[upstream.own]") && error.contains("/no/such/file"), "{error}");
}

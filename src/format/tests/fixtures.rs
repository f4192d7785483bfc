//! Every format has a folder in `fixtures/formats/`: `input.jsonl`, and in `expected.json` what each line becomes.
//! `LLMTOP_BLESS=1 cargo test fixtures` writes the expected files anew; look at the difference before keeping it.

use super::*;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/formats").join(name)
}

/// What the lines of an input become.
fn outcome(input: &[u8]) -> Value {
    let lines = input.split(|b| *b == b'\n').filter(|line| !line.is_empty());
    lines
        .map(|line| match read(line) {
            (Verdict::Taken, events) => json!({ "events": events }),
            (Verdict::Skipped, _) => json!("skipped"),
            (Verdict::Rejected(reason), _) => json!({ "rejected": reason.word() }),
        })
        .collect()
}

#[test]
fn every_format_has_a_fixture_that_holds() {
    for format in FORMATS {
        let folder = folder(format.name());
        let input = std::fs::read(folder.join("input.jsonl"))
            .unwrap_or_else(|e| panic!("format {} needs {}: {e}", format.name(), folder.join("input.jsonl").display()));
        let got = outcome(&input);
        let expected = folder.join("expected.json");
        if std::env::var_os("LLMTOP_BLESS").is_some() {
            std::fs::write(&expected, serde_json::to_string_pretty(&got).unwrap() + "\n").unwrap();
        }
        let want: Value = serde_json::from_slice(&std::fs::read(&expected).unwrap()).unwrap();
        assert_eq!(got, want, "{}", format.name());
    }
}

#[test]
fn the_format_of_a_folder_is_the_one_that_reads_it() {
    struct Nothing;
    impl Sink for Nothing {
        fn call(&mut self, _: &Call<'_>) {}
        fn span(&mut self, _: &SpanEvent<'_>) {}
        fn score(&mut self, _: &ScoreEvent<'_>) {}
    }
    for format in FORMATS {
        let input = std::fs::read_to_string(folder(format.name()).join("input.jsonl")).unwrap();
        let first = input.lines().next().unwrap().trim();
        let object = Object::parse(first).ok();
        let takes = |f: &&dyn Format| match &object {
            Some(object) => f.object(object, &Context::default(), &mut Nothing).is_some(),
            None => f.text(first).is_some(),
        };
        assert_eq!(FORMATS.iter().find(|f| takes(f)).map(|f| f.name()), Some(format.name()), "{first}");
    }
}

#[test]
fn names_are_unique_and_no_folder_is_left_over() {
    let mut names: Vec<&str> = FORMATS.iter().map(|format| format.name()).collect();
    names.sort_unstable();
    let mut folders: Vec<String> =
        std::fs::read_dir(folder("")).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    folders.sort_unstable();
    assert_eq!(names, folders);
}

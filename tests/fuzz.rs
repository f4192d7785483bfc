//! Broken input by the thousand: log lines in every format, filters, configuration files, torn archives. Nothing panics,
//! every line has one verdict, the fast path and the general one agree, what was read before a break is delivered.
//!
//! The same inputs in every run. `LLMTOP_FUZZ_ROUNDS=1000000` makes more of them, `LLMTOP_FUZZ_SEED=7` others; a failure names
//! the round, and `LLMTOP_FUZZ_FIRST` with that number and one round plays it alone.

mod common;
#[path = "source_common/mod.rs"]
mod source_common;

use common::Rng;
use common::mutate::mutated;
use llmtop::batch::Builder;
use llmtop::cli::PlaceArgs;
use llmtop::config::{self, Inputs};
use llmtop::event::{Call, ScoreEvent, Sink, SpanEvent, Verdict};
use llmtop::format::Decoder;
use llmtop::source::{Message, Pipe, Stop};
use llmtop::tui::Ui;
use llmtop::view::Filter;
use source_common::{Play, gzip, zst};
use std::io::Cursor;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::Path;

/// A number from the environment.
fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// Plays rounds of broken input; a failure says which round it was and of what.
fn play(rounds: u64, make: impl Fn(&mut Rng) -> Vec<u8>, check: impl Fn(&[u8])) {
    let (seed, first) = (setting("LLMTOP_FUZZ_SEED", 1), setting("LLMTOP_FUZZ_FIRST", 0));
    for round in first..first + setting("LLMTOP_FUZZ_ROUNDS", rounds) {
        let mut rng = Rng(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ round.wrapping_mul(0x2545_f491_4f6c_dd1d));
        let input = make(&mut rng);
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| check(&input))) {
            eprintln!("seed {seed}, round {round}, input: {}", input.escape_ascii());
            resume_unwind(panic);
        }
    }
}

/// The lines of all fixtures of formats, and some of the sample log.
fn lines() -> Vec<Vec<u8>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    let folders = std::fs::read_dir(root.join("formats")).expect("the fixtures");
    let mut files: Vec<_> = folders.map(|f| f.expect("a folder").path().join("input.jsonl")).collect();
    files.sort();
    let mut lines = Vec::new();
    for file in files {
        let text = std::fs::read(&file).expect("a fixture");
        lines.extend(text.split(|b| *b == b'\n').filter(|l| !l.is_empty()).map(<[u8]>::to_vec));
    }
    let sample = std::fs::read(root.join("sample.jsonl")).expect("the sample");
    lines.extend(sample.split(|b| *b == b'\n').step_by(40).filter(|l| !l.is_empty()).map(<[u8]>::to_vec));
    lines
}

/// A text as JSON has it, whatever bytes it is of.
fn quoted(bytes: &[u8]) -> String {
    serde_json::Value::from(String::from_utf8_lossy(bytes)).to_string()
}

/// A line inside what logs wrap around lines; what is broken in it stays so.
fn wrapped(rng: &mut Rng, line: Vec<u8>) -> Vec<u8> {
    let around = |before: &str, after: &str| [before.as_bytes(), &line, after.as_bytes()].concat();
    match rng.below(9) {
        0 => format!("{{\"log\":{},\"stream\":\"stdout\",\"time\":\"2026-01-02T03:04:05Z\"}}", quoted(&line))
            .into_bytes(),
        1 => format!("{{\"message\":{},\"levelname\":\"INFO\"}}", quoted(&line)).into_bytes(),
        2 => format!("{{\"MESSAGE\":{:?},\"_HOSTNAME\":\"h\"}}", line).into_bytes(),
        3 => around("{\"message\":", ",\"level\":\"info\"}"),
        4 => around("api-1  | ", ""),
        5 => around("2026-01-02T03:04:05.678901234Z stdout F ", ""),
        6 => around("<14>1 2026-01-02T03:04:05Z web app 1 - - ", ""),
        7 => around("INFO:root:", ""),
        _ => around("Jan  2 03:04:05 web app[1]: ", "\r"),
    }
}

/// Keeps every event as text that tells all of it.
#[derive(Default)]
struct Told(Vec<String>);

impl Sink for Told {
    fn call(&mut self, call: &Call<'_>) {
        self.0.push(format!("{call:?}"));
    }

    fn span(&mut self, span: &SpanEvent<'_>) {
        self.0.push(format!("{span:?}"));
    }

    fn score(&mut self, score: &ScoreEvent<'_>) {
        self.0.push(format!("{score:?}"));
    }
}

/// Decodes a line after others, which the decoder may have learned from, and the plain way.
fn check_line(learned: &[Vec<u8>], line: &[u8]) {
    let mut decoder = Decoder::new();
    for line in learned {
        decoder.decode(line, &mut Told::default());
    }
    let (mut fast, mut slow) = (Told::default(), Told::default());
    let verdict = decoder.decode(line, &mut fast);
    assert_eq!(verdict, Decoder::new().decode_slowly(line, &mut slow));
    assert_eq!(fast.0, slow.0);
    assert_eq!(verdict == Verdict::Taken, !fast.0.is_empty(), "{verdict:?} and its events");
    let mut builder = Builder::new(std::sync::Arc::default()).expect("memory");
    builder.begin_line(1_767_323_045_000_000);
    let again = decoder.decode(line, &mut builder);
    let events = builder.end_line(line);
    assert_eq!((again, events), (verdict, fast.0.len() as u64));
    let batch = builder.finish().expect("memory");
    assert_eq!((batch.calls.len() + batch.spans.len() + batch.scores.len()) as u64, events);
}

#[test]
fn log_lines() {
    let corpus = lines();
    assert!(corpus.len() > 60, "{} lines", corpus.len());
    let make = |rng: &mut Rng| {
        let line = rng.pick(&corpus).clone();
        let mut line = if rng.chance(15) { wrapped(rng, line) } else { line };
        if !rng.chance(2) {
            line = mutated(rng, &line, &corpus);
        }
        if rng.chance(15) {
            line = wrapped(rng, line);
        }
        line.retain(|b| *b != b'\n');
        line
    };
    // Lines of one log are alike, so what was learned of the nearest relatives matters.
    let learned: Vec<Vec<u8>> = corpus.iter().step_by(7).cloned().collect();
    play(4_000, make, |line| check_line(&learned, line));
}

#[test]
fn lines_alike_one_after_another() {
    let corpus = lines();
    let make = |rng: &mut Rng| {
        let line = rng.pick(&corpus).clone();
        let mut all = line.clone();
        for _ in 0..3 {
            all.push(b'\n');
            let mut next = mutated(rng, &line, &corpus);
            next.retain(|b| *b != b'\n');
            all.extend(next);
        }
        all
    };
    play(2_000, make, |text| {
        let mut lines: Vec<Vec<u8>> = text.split(|b| *b == b'\n').map(<[u8]>::to_vec).collect();
        let last = lines.pop().expect("a line");
        check_line(&lines, &last);
    });
}

#[test]
fn filters() {
    let corpus: Vec<Vec<u8>> = [
        "model:gpt-4o* provider:openai -status:ok latency>5s \"parcel\"",
        "user:u_12,u_13 session: trace:4bf92f env:prod,stage tag:a",
        "ttft>=1.5s cost<0.01 tokens>8k tokens<=2M latency<250ms",
        "error:rate_limit,timeout -model:*embed* -\"a b\\\"c\"",
        "variant:b source:app.log host:web-* operation:chat hour:2026-05-01T14:00:00Z day:2026-05-01",
        "user:\"Ann \u{202e} Löwe\" app:\"\" request:req_1",
    ]
    .map(|text| text.as_bytes().to_vec())
    .to_vec();
    let make = |rng: &mut Rng| {
        let filter = rng.pick(&corpus).clone();
        mutated(rng, &filter, &corpus)
    };
    play(20_000, make, |bytes| {
        let text = String::from_utf8_lossy(bytes);
        match Filter::parse(&text) {
            Ok(filter) => {
                let written = filter.to_string();
                assert_eq!(Filter::parse(&written).as_ref(), Ok(&filter), "read back from {written:?}");
            }
            Err(fault) => {
                let columns = text.chars().count();
                assert!((1..=columns + 1).contains(&fault.column), "column {} of {columns}", fault.column);
                assert!(!fault.why.is_empty());
            }
        }
    });
}

#[test]
fn configuration_files() {
    let corpus: Vec<Vec<u8>> = [
        "window = \"6h\"\ntheme = \"light\"\npane = \"errors\"\nutc = true\nmouse = false\n",
        "store = \"~/calls.db\"\nfilter = 'env:prod -user:test*'\nmask = false\n",
        "[retention]\ntext = \"30d\"\nrows = \"forever\"\nsize = \"5GB\"\n\n[cache]\nmax_size = 1000000\nmax_age = \"7d\"\n",
        "# nothing\nretention = { text = '7d', size = \"\"\"20GB\"\"\" }\ncache.max_age = \"1.5h\"\n",
    ]
    .map(|text| text.as_bytes().to_vec())
    .to_vec();
    let panes: Vec<&str> = Ui::pane_names().collect();
    let make = |rng: &mut Rng| {
        let file = rng.pick(&corpus).clone();
        mutated(rng, &file, &corpus)
    };
    play(3_000, make, |bytes| {
        let text = String::from_utf8_lossy(bytes);
        let env = |name: &str| (name == "HOME").then(|| "/home/u".into());
        let inputs = Inputs { places: &PlaceArgs::default(), screen: None, env: &env, panes: &panes };
        match config::resolve(Some((Path::new("/c.toml"), &text)), inputs) {
            Ok(effective) => {
                let mut shown = Vec::new();
                effective.show(&mut shown).expect("to memory");
                assert!(!shown.is_empty());
            }
            Err(problems) => {
                let most = text.lines().count() + 1;
                assert!(!problems.0.is_empty() && problems.0.iter().all(|p| !p.to_string().is_empty()));
                let told = problems.to_string();
                let lines =
                    told.lines().filter_map(|l| l.strip_prefix("/c.toml, line ")?.split(':').next()?.parse().ok());
                assert!(lines.into_iter().all(|n: usize| (1..=most).contains(&n)), "{told} of {most} lines");
            }
        }
    });
}

/// What a stream of bytes gives: its lines, and whether it is said to have broken off.
fn read(bytes: &[u8]) -> (Vec<u8>, usize) {
    let (out, got) = crossbeam_channel::unbounded();
    Pipe::new("fuzz", Cursor::new(bytes.to_vec())).line_limit(1 << 20).run(&out, &Stop::new()).expect("it ends");
    drop(out);
    let (mut lines, mut broken) = (Vec::new(), 0);
    for message in got {
        if let Message::Chunk(chunk) = message {
            lines.extend(chunk.bytes);
            broken += usize::from(chunk.corrupt.is_some());
        }
    }
    (lines, broken)
}

fn archives() -> (Vec<u8>, Vec<Vec<u8>>) {
    let text = lines().join(&b'\n');
    let (first, second) = text.split_at(text.len() / 2);
    let members = [gzip(first), gzip(second)].concat();
    let frames = [zst(first), zst(second)].concat();
    let archives = vec![gzip(&text), zst(&text), members, frames];
    (text, archives)
}

#[test]
fn cut_archives_give_what_came_before_the_cut() {
    let (text, archives) = archives();
    let make = |rng: &mut Rng| {
        let mut bytes = rng.pick(&archives).clone();
        bytes.truncate(rng.below(bytes.len() as u64 + 1) as usize);
        bytes
    };
    play(1_500, make, |bytes| {
        let (lines, broken) = read(bytes);
        if bytes.len() < 4 {
            return; // Too short to be known for an archive.
        }
        assert!(text.starts_with(&lines), "{} bytes that were never packed", lines.len());
        let whole = lines.len() == text.len();
        assert!(broken <= 1);
        // Cut between two members, within a header, or nowhere: only a cut inside a member shows.
        assert!(whole || broken == 1 || lines.is_empty() || lines.len() == text.len() / 2, "{}", lines.len());
    });
}

#[test]
fn broken_archives() {
    let (_, archives) = archives();
    let make = |rng: &mut Rng| {
        let archive = rng.pick(&archives).clone();
        mutated(rng, &archive, &archives)
    };
    play(600, make, |bytes| {
        let (_, broken) = read(bytes);
        assert!(broken <= 1, "{broken} breaks of one stream");
    });
    // The same as files, which are read in another way.
    play(200, make, |bytes| {
        let mut stage = Play::new();
        let path = stage.write_bytes("app.log.gz", bytes);
        stage.ingest_bytes(&[&path]);
        assert!(stage.corrupt().len() <= 1);
        assert_eq!(stage.ingest_bytes(&[&path]), b"", "once is enough");
    });
}

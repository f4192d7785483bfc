//! The pipeline with sources and stores that misbehave: cuts anywhere, several parsers, a store that refuses, a source
//! that fails, readers while it writes. What comes out is what one parser and one append give.

mod common;

use common::Rng;
use common::event::{Event, events};
use common::naive::check;
use common::stored::{NOW_US, Stored, view};
use llmtop::batch::{Batch, Checkpoint};
use llmtop::pipeline::{self, OnRefusal, PipelineError, Progress, Settings};
use llmtop::price::{CostSource, Prices};
use llmtop::source::{Chunk, Message, Pipe, Sender, Stop};
use llmtop::store::{Appended, Mode, Patient, Reader, Repricing, Retained, Retention, Store, StoreError};
use llmtop::view::{Unit, Window};
use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

fn settings(parsers: usize, on_refusal: OnRefusal) -> Settings {
    let prices = Arc::new(Prices { rule: CostSource::Reported, ..Prices::default() });
    Settings { parsers, on_refusal, prices, now_us: || NOW_US, ticks: llmtop::clock::ticks }
}

/// A source that failed, or that found nobody to deliver to.
#[derive(Debug, thiserror::Error)]
#[error("the source broke")]
struct Broke;

/// Whole lines in chunks of any size; the last one may lack its newline.
fn chunks(lines: &[String], rng: &mut Rng) -> Vec<Chunk> {
    let (mut rest, mut offset, mut chunks) = (lines, 0, Vec::new());
    while !rest.is_empty() {
        let (some, after) = rest.split_at((1 + rng.below(40) as usize).min(rest.len()));
        let mut bytes = (some.join("\n") + "\n").into_bytes();
        if after.is_empty() {
            bytes.pop();
        }
        let len = bytes.len() as u64;
        chunks.push(Chunk { source: "a.log".into(), offset, bytes, raw_bytes: len, ..Chunk::default() });
        (rest, offset) = (after, offset + len);
    }
    chunks
}

/// Runs a pipeline over some chunks.
fn run(
    chunks: Vec<Chunk>,
    store: &mut dyn Store,
    settings: &Settings,
    progress: &Arc<Progress>,
) -> Result<Appended, PipelineError> {
    let source = |out: Sender, _: Stop| {
        out.send(Message::Total { raw_bytes: chunks.iter().map(|c| c.raw_bytes).sum() }).map_err(|_| Broke)?;
        for chunk in chunks {
            out.send(Message::Chunk(chunk)).map_err(|_| Broke)?;
        }
        out.send(Message::CaughtUp).map_err(|_| Broke)
    };
    pipeline::run(source, store, settings, progress, &Stop::new())
}

fn log(seed: u64, count: u64) -> (Vec<Event>, Vec<String>) {
    let list: Vec<Event> = events(seed, count, 2).into_iter().map(|e| Event { source: "a.log", ..e }).collect();
    let mut lines: Vec<String> = list.iter().map(Event::line).collect();
    lines.extend(lines[..count as usize / 3].to_vec());
    lines.extend(["not an event", "{\"event\":\"llm_call\",", "", "\r"].map(str::to_owned));
    Rng(seed).shuffle(&mut lines);
    (list, lines)
}

#[test]
fn any_number_of_parsers_and_any_chunks_give_the_same_store() {
    for parsers in [1, 2, 4] {
        let (list, lines) = log(parsers as u64, 400);
        let mut stored = Stored::new();
        let progress = Arc::<Progress>::default();
        let settings = settings(parsers, OnRefusal::Fail);
        let did = run(chunks(&lines, &mut Rng(7)), stored.store(), &settings, &progress).expect("it runs");
        assert_eq!((did.accepted, did.duplicate), (400, 133));
        let counts = progress.counts();
        assert_eq!((counts.lines, counts.accepted, counts.duplicate), (537, 400, 133));
        assert_eq!((counts.skipped, counts.rejected), (3, 1));
        assert_eq!(counts.raw_done, counts.raw_total);
        assert!(counts.caught_up && counts.ended);
        let snapshot = stored.ask(&view(Window::all(), "", &["model", "hour", "source"]));
        check(&snapshot, &list, &|_| true);
        let books = &snapshot.accounting;
        assert_eq!(books.read, books.accepted + books.duplicate + books.skipped + books.rejected);
        assert_eq!(books.examples.len(), 1);
        let offset: usize = lines.iter().take_while(|l| *l != "{\"event\":\"llm_call\",").map(|l| l.len() + 1).sum();
        assert_eq!(books.examples[0].offset, offset as u64, "the example is where it says");
    }
}

#[test]
fn events_that_a_container_runtime_has_split_count_once_and_whole() {
    let event = |id: u32| {
        let prompt = "a \"long\" prompt ".repeat(2_000);
        serde_json::json!({"event": "llm_call", "timestamp": "2025-03-01T10:15:30Z", "request_id": id, "model": "m",
            "input_tokens": 8_000, "prompt": prompt})
        .to_string()
    };
    let pieces = |line: &str| -> Vec<String> {
        line.as_bytes().chunks(16 << 10).map(|piece| String::from_utf8(piece.to_vec()).expect("ASCII")).collect()
    };
    let cri = |id| {
        let pieces = pieces(&event(id));
        let tag = |i| if i + 1 == pieces.len() { "F" } else { "P" };
        let record = |(i, piece)| {
            format!("2025-03-01T10:15:30.1Z stdout {} {piece}\n2025-03-01T10:15:30.1Z stderr F x\n", tag(i))
        };
        pieces.iter().enumerate().map(record).collect::<String>()
    };
    let docker = |id| {
        let mut pieces = pieces(&event(id));
        pieces.last_mut().expect("there is one").push('\n');
        let record = |piece| {
            let text = serde_json::to_string(piece).expect("text");
            format!("{{\"log\":{text},\"stream\":\"stdout\",\"time\":\"2025-03-01T10:15:30.1Z\"}}\n")
        };
        pieces.iter().map(record).collect::<String>()
    };
    for (log, others) in [((0..90).map(cri).collect::<String>(), 3 * 90), ((0..90).map(docker).collect(), 0)] {
        assert!(log.len() > 2 * llmtop::source::CHUNK, "it comes in several chunks");
        let mut stored = Stored::new();
        let progress = Arc::<Progress>::default();
        let pipe = Pipe::new("c.log", std::io::Cursor::new(log.into_bytes()));
        let source = |out: Sender, stop: Stop| pipe.run(&out, &stop);
        let settings = settings(2, OnRefusal::Fail);
        let did = pipeline::run(source, stored.store(), &settings, &progress, &Stop::new()).expect("it runs");
        assert_eq!((did.accepted, did.duplicate), (90, 0));
        let counts = progress.counts();
        assert_eq!((counts.lines, counts.skipped, counts.rejected), (90 + others, others, 0));
        let totals = stored.ask(&view(Window::all(), "", &[])).totals;
        assert_eq!((totals.calls, totals.input_tokens), (90, Some(720_000)));
    }
}

/// A store that refuses now and then, before or instead of writing.
struct Fickle<'s> {
    store: &'s mut dyn Store,
    refusals: u32,
}

impl Store for Fickle<'_> {
    fn append(&mut self, batches: &[Batch]) -> Result<Appended, StoreError> {
        if self.refusals > 0 {
            self.refusals -= 1;
            return Err(StoreError::Missing { path: PathBuf::from("gone.db") });
        }
        self.store.append(batches)
    }

    fn park(&mut self, batches: &[Batch]) -> Result<(), StoreError> {
        self.store.park(batches)
    }

    fn checkpoints(&mut self) -> Result<Vec<Checkpoint>, StoreError> {
        self.store.checkpoints()
    }

    fn retain(&mut self, ages: Retention, now_us: i64) -> Result<Retained, StoreError> {
        self.store.retain(ages, now_us)
    }

    fn reprice(&mut self, prices: &Prices, since_us: i64, mode: Mode) -> Result<Repricing, StoreError> {
        self.store.reprice(prices, since_us, mode)
    }

    fn settle(&mut self, units: &[(String, Unit)]) -> Result<bool, StoreError> {
        self.store.settle(units)
    }

    fn vacuum(&mut self) -> Result<(), StoreError> {
        self.store.vacuum()
    }
}

#[test]
fn a_store_that_refuses_for_a_while_loses_nothing() {
    let (list, lines) = log(3, 200);
    let mut stored = Stored::new();
    let progress = Arc::<Progress>::default();
    let mut fickle = Fickle { store: stored.store(), refusals: 2 };
    let settings = settings(2, OnRefusal::Retry);
    run(chunks(&lines, &mut Rng(1)), &mut fickle, &settings, &progress).expect("it works in the end");
    assert_eq!(progress.refusal(), None);
    check(&stored.ask(&view(Window::all(), "", &["model"])), &list, &|_| true);
}

#[test]
fn a_store_that_refuses_ends_a_load_with_its_reason() {
    let (_, lines) = log(4, 3_000);
    let mut stored = Stored::new();
    let mut fickle = Fickle { store: stored.store(), refusals: u32::MAX };
    let progress = Arc::<Progress>::default();
    let error = run(chunks(&lines, &mut Rng(1)), &mut fickle, &settings(2, OnRefusal::Fail), &progress);
    assert!(matches!(error, Err(PipelineError::Store(StoreError::Missing { .. }))), "{error:?}");
    assert!(progress.counts().ended && progress.counts().lines == 0);
}

/// A locked store is the system's own refusal: nothing of the group is written, and it can be appended again.
#[test]
fn a_group_that_failed_can_be_appended_again() {
    let list = events(9, 150, 2);
    let lines: Vec<String> = list.iter().map(Event::line).collect();
    let mut stored = Stored::new();
    let mut parser = common::stored::Parser::new();
    let first = parser.batch("a.log", lines[..50].iter().map(String::as_str), NOW_US);
    let mut second = parser.batch("a.log", lines[50..].iter().map(String::as_str), NOW_US);
    stored.store().append(std::slice::from_ref(&first)).expect("appended");
    // Numbers of a dictionary that nobody was told: the group breaks off in the middle of its calls.
    let whole = second.calls.clone();
    second.calls.last_mut().expect("calls").series = 9_999;
    assert!(stored.store().append(std::slice::from_ref(&second)).is_err());
    assert_eq!(stored.ask(&view(Window::all(), "", &[])).totals.calls, 50);
    second.calls = whole;
    let did = stored.store().append(&[first, second]).expect("appended");
    assert_eq!((did.accepted, did.duplicate), (100, 50));
    let list: Vec<Event> = list.into_iter().map(|e| Event { source: "a.log", ..e }).collect();
    check(&stored.ask(&view(Window::all(), "", &["model", "user", "source", "error"])), &list, &|_| true);
}

#[test]
fn a_source_that_fails_leaves_what_it_delivered() {
    let (_, lines) = log(5, 300);
    let mut stored = Stored::new();
    let chunks = chunks(&lines, &mut Rng(1));
    let source = |out: Sender, _: Stop| -> Result<(), Broke> {
        chunks.into_iter().for_each(|chunk| out.send(Message::Chunk(chunk)).expect("somebody listens"));
        Err(Broke)
    };
    let settings = settings(2, OnRefusal::Fail);
    let error = pipeline::run(source, stored.store(), &settings, &Arc::default(), &Stop::new());
    assert!(error.is_err_and(|e| e.to_string() == "the source broke"));
    assert_eq!(stored.ask(&view(Window::all(), "", &[])).totals.calls, 300);
}

/// All figures of an answer are of one moment, whatever is written meanwhile.
#[test]
fn readers_see_whole_groups_while_it_writes() {
    let list = events(6, 3_000, 1);
    let mut stored = Stored::new();
    let mut reader = stored.reader();
    let done = AtomicBool::new(false);
    let all: Vec<&Event> = list.iter().collect();
    let groups: Vec<Vec<&Event>> = all.chunks(60).map(<[_]>::to_vec).collect();
    let seen: HashSet<u64> = std::thread::scope(|scope| {
        scope.spawn(|| {
            stored.add(&groups);
            done.store(true, Ordering::Release);
        });
        let mut seen = HashSet::new();
        loop {
            let last = done.load(Ordering::Acquire);
            let asked = view(Window::all(), "", &["model", "hour"]);
            let got = reader.snapshot(&asked, NOW_US, &Patient).expect("an answer");
            assert_eq!(got.totals.calls % 60, 0, "a group is there or not");
            assert_eq!((got.holdings.calls, got.accounting.accepted), (got.totals.calls, got.totals.calls));
            for table in &got.tables {
                assert_eq!(table.groups.iter().map(|g| g.stats.calls).sum::<u64>(), got.totals.calls);
            }
            assert_eq!(got.chart.points.iter().map(|p| p.calls).sum::<u64>(), got.totals.calls);
            assert_eq!(got.failures.iter().map(|f| f.calls).sum::<u64>(), got.totals.errors);
            seen.insert(got.totals.calls);
            if last {
                return seen;
            }
        }
    });
    assert!(seen.contains(&3_000));
}

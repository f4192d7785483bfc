//! A store in a folder of its own, filled from lines the way the pipeline does it, in any batches and groups.

use super::Rng;
use super::event::Event;
use llmtop::batch::{Batch, Builder};
use llmtop::event::{Reason, Verdict};
use llmtop::format::Decoder;
use llmtop::price::{CostSource, Prices};
use llmtop::snapshot::{Rejected, Snapshot};
use llmtop::store::sqlite::{SqliteReader, SqliteStore};
use llmtop::store::{Appended, Patient, Reader, Store};
use llmtop::view::{Filter, Grouping, Sections, TraceList, View, Window};
use std::path::PathBuf;
use std::sync::Arc;

/// When everything is read: after all calls of the tests.
pub const NOW_US: i64 = super::event::START_US + 400 * super::event::DAY;

/// A store and its folder.
pub struct Stored {
    folder: tempfile::TempDir,
    store: SqliteStore,
}

/// Lines to batches, as a parsing thread makes them.
pub struct Parser {
    decoder: Decoder,
    builder: Builder,
}

impl Parser {
    /// With empty dictionaries; what producers report counts.
    pub fn new() -> Parser {
        Parser::pricing(Arc::new(Prices { rule: CostSource::Reported, ..Prices::default() }))
    }

    /// The same, that prices calls.
    pub fn pricing(prices: Arc<Prices>) -> Parser {
        Parser { decoder: Decoder::new(), builder: Builder::new(prices).expect("memory") }
    }

    /// One batch of some lines of a source, read at a time.
    pub fn batch<'l>(&mut self, source: &str, lines: impl IntoIterator<Item = &'l str>, read_us: i64) -> Batch {
        for line in lines {
            self.builder.begin_line(read_us);
            let verdict = self.decoder.decode(line.as_bytes(), &mut self.builder);
            let events = self.builder.end_line(line.as_bytes());
            let counts = &mut self.builder.batch().counts;
            counts.read += events.max(1);
            match verdict {
                Verdict::Taken => {}
                Verdict::Skipped => counts.skip(|| None),
                Verdict::Rejected(reason) => counts.reject(example(source, reason)),
            }
        }
        self.builder.batch().source = source.to_owned();
        self.builder.finish().expect("memory")
    }
}

fn example(source: &str, reason: Reason) -> Rejected {
    Rejected { source: source.to_owned(), offset: 0, reason, snippet: String::new() }
}

/// Batches of groups of calls: the sources of each in batches of their own from two parsers.
fn batches(groups: &[Vec<&Event>]) -> Vec<Vec<Batch>> {
    let mut parsers = [Parser::new(), Parser::new()];
    let mut all = Vec::new();
    for (number, group) in groups.iter().enumerate() {
        let mut batches = Vec::new();
        for source in ["a.log", "b.log"] {
            let lines: Vec<String> = group.iter().filter(|e| e.source == source).map(|e| e.line()).collect();
            for part in lines.chunks(1 + lines.len() / 2) {
                let parser = &mut parsers[(number + batches.len()) % 2];
                batches.push(parser.batch(source, part.iter().map(String::as_str), NOW_US));
            }
        }
        all.push(batches);
    }
    all
}

impl Stored {
    /// An empty store.
    pub fn new() -> Stored {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let store = SqliteStore::open(&folder.path().join("test.db")).expect("a store");
        Stored { folder, store }
    }

    /// A store with some calls, appended at once.
    pub fn of(events: &[Event]) -> Stored {
        let mut stored = Stored::new();
        stored.add(&[events.iter().collect()]);
        stored
    }

    /// Where it is.
    pub fn path(&self) -> PathBuf {
        self.folder.path().join("test.db")
    }

    /// The writing side.
    pub fn store(&mut self) -> &mut SqliteStore {
        &mut self.store
    }

    /// Appends groups of calls, each in one transaction, its sources in batches of their own from two parsers.
    pub fn add(&mut self, groups: &[Vec<&Event>]) -> Appended {
        let mut did = Appended::default();
        for batches in batches(groups) {
            did.add(self.store.append(&batches).expect("appended"));
        }
        did
    }

    /// The same, but now and then a group is put aside first and comes in with the next; how many were.
    pub fn add_some_parked(&mut self, groups: &[Vec<&Event>], rng: &mut Rng) -> (usize, Appended) {
        let (mut parked, mut did) = (0, Appended::default());
        for batches in batches(groups) {
            if rng.chance(50) {
                self.store.park(&batches).expect("put aside");
                parked += 1;
            } else {
                did.add(self.store.append(&batches).expect("appended"));
            }
        }
        did.add(self.store.append(&[]).expect("appended"));
        (parked, did)
    }

    /// Appends lines of one source in one transaction.
    pub fn add_lines(&mut self, source: &str, lines: &str, read_us: i64) -> Appended {
        let batch = Parser::new().batch(source, lines.lines(), read_us);
        self.store.append(&[batch]).expect("appended")
    }

    /// A reader of its own.
    pub fn reader(&self) -> SqliteReader {
        SqliteReader::open(&self.path()).expect("a reader")
    }

    /// One answer.
    pub fn ask(&self, view: &View) -> Snapshot {
        self.reader().snapshot(view, NOW_US, &Patient).expect("an answer")
    }

    /// All events as lines.
    pub fn export(&self) -> String {
        let mut out = Vec::new();
        let all = Window::all();
        self.reader().export(all, NOW_US, &Filter::default(), &mut out).expect("exported");
        String::from_utf8(out).expect("UTF-8")
    }
}

/// A view of a window: a filter and groupings by their texts, with every section.
pub fn view(window: Window, filter: &str, by: &[&str]) -> View {
    let grouping = |name: &&str| Grouping {
        dims: name.split(',').map(|w| llmtop::view::Dim::from_word(w).expect("a dimension")).collect(),
        top: None,
        ..Grouping::default()
    };
    let sections = Sections {
        points: 24,
        distribution: true,
        heat: true,
        group_points: 3,
        failures: true,
        clusters: 100,
        errors: 5,
        tasks: false,
        quality: true,
        headroom: true,
        experiments: 9,
        traces: TraceList::default(),
        exact_members: true,
        records: 9,
    };
    View {
        window,
        filter: Filter::parse(filter).unwrap_or_else(|e| panic!("{filter}: {e}")),
        groupings: by.iter().map(grouping).collect(),
        sections,
        before: None,
        budgets: Vec::new(),
        experiments: Vec::new(),
    }
}

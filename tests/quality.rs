//! Scores and retrievals of a small application that answers from documents, through the real store: in order, shuffled,
//! and one line at a time they come to the same.

mod common;

use common::Rng;
use common::stored::{NOW_US, Stored};
use llmtop::event::ScoreSource;
use llmtop::snapshot::Tasks;
use llmtop::snapshot::quality::{By, Figure, Nps, Parts, Quality, RagMeasure};
use llmtop::store::sqlite::SqliteStore;
use llmtop::store::{Retention, Store};
use llmtop::view::{Anchor, Filter, RecordKey, Sections, View, Window};

const EVENTS: &str = include_str!("../fixtures/scenarios/rag/events.jsonl");

/// 2026-05-01T12:00:00Z, µs: after all that happened but for one late score.
const NOON_US: i64 = 1_777_636_800_000_000;
const HOUR: i64 = 3_600_000_000;

fn view(window: Window, filter: &str) -> View {
    let filter = Filter::parse(filter).unwrap_or_else(|e| panic!("{e}"));
    let sections = Sections { quality: true, tasks: true, ..Sections::default() };
    View { window, filter, sections, ..View::default() }
}

fn stored() -> Stored {
    let mut stored = Stored::new();
    stored.add_lines("events.jsonl", EVENTS, NOW_US);
    stored
}

fn ask(stored: &Stored, window: Window, filter: &str) -> Quality {
    *stored.ask(&view(window, filter)).quality.expect("asked for")
}

fn share(yes: u64, all: u64) -> Parts {
    Parts::Share { yes, all }
}

fn noon() -> Window {
    Window::last(3 * HOUR, Anchor::At(NOON_US))
}

fn parts(quality: &Quality, name: &str) -> Parts {
    quality.score(name).unwrap_or_else(|| panic!("no {name}: {quality:?}")).now.parts
}

#[test]
fn scores_come_to_figures() {
    let stored = stored();
    let quality = ask(&stored, noon(), "");
    let names: Vec<&str> = quality.scores.iter().map(|score| score.name.as_str()).collect();
    assert_eq!(names, ["task_completed", "hallucination", "thumbs", "nps"]);
    assert_eq!(parts(&quality, "task_completed"), share(1, 2), "what was said last counts");
    assert_eq!(parts(&quality, "hallucination"), share(1, 4), "people came after the judge");
    assert_eq!(parts(&quality, "thumbs"), share(2, 3), "once, however often it is read");
    assert_eq!(parts(&quality, "nps"), Parts::Nps(Nps { promoters: 1, passives: 0, detractors: 0 }));
    assert_eq!((quality.waiting, quality.gone_us), (1, None));
    let all = ask(&stored, Window::all(), "");
    assert_eq!(all.score("relevance").and_then(|score| score.now.value()), Some(0.4), "a score may come long after");
}

#[test]
fn judges_and_people_stand_apart() {
    let quality = ask(&stored(), noon(), "");
    let score = quality.score("hallucination").expect("judged");
    let sources: Vec<_> = score.sources.iter().map(|(who, figure)| (*who, figure.parts)).collect();
    assert_eq!(sources, [(Some(ScoreSource::Judge), share(2, 4)), (Some(ScoreSource::Human), share(1, 4))]);
    let agreed = score.agreement.expect("both judged four");
    assert_eq!((agreed.count, agreed.same, agreed.kappa), (4, 3, Some(0.5)));
    let worst: Vec<_> =
        score.worst.iter().map(|e| (e.request_id.as_deref(), e.model.as_deref(), e.comment.as_deref())).collect();
    assert_eq!(worst, [(Some("r2"), Some("gpt-4.1"), Some("by hand"))]);
    let call = stored().reader().record_of(score.worst[0].call.expect("found"));
    assert_eq!(call.as_deref(), Some("r2"));
}

/// What is behind a key.
trait RecordOf {
    fn record_of(&mut self, key: RecordKey) -> Option<String>;
}

impl RecordOf for llmtop::store::sqlite::SqliteReader {
    fn record_of(&mut self, key: RecordKey) -> Option<String> {
        let record = llmtop::store::Reader::record(self, key).expect("read")?;
        record.call.request_id.map(|id| id.into_owned())
    }
}

#[test]
fn scores_are_told_apart_by_what_they_judge() {
    let quality = ask(&stored(), noon(), "");
    let of = |name: &str, by: By| -> Vec<(String, Parts)> {
        let groups = quality.score(name).expect("a score").groups.iter().filter(|g| g.by == by);
        groups.map(|g| (g.value.clone(), g.now.parts)).collect()
    };
    let named =
        |list: &[(&str, Parts)]| list.iter().map(|(name, parts)| ((*name).to_owned(), *parts)).collect::<Vec<_>>();
    assert_eq!(of("hallucination", By::Prompt), named(&[("prompt:v1", share(1, 2)), ("prompt:v2", share(0, 2))]));
    assert_eq!(of("hallucination", By::Variant), named(&[("control", share(1, 2)), ("treatment", share(0, 2))]));
    assert_eq!(of("thumbs", By::Model), named(&[("gpt-4.1", share(0, 1)), ("gpt-4.1-mini", share(1, 1))]), "one waits");
    assert_eq!(of("thumbs", By::Tag), named(&[("web", share(1, 2))]));
    // Of a whole trace no model is known, but what its calls share.
    assert_eq!(of("task_completed", By::Model), named(&[]));
    assert_eq!(of("task_completed", By::Variant), named(&[("control", share(1, 2))]));
}

#[test]
fn a_filter_asks_the_judged_calls() {
    let stored = stored();
    let thumbs = |filter: &str| ask(&stored, noon(), filter).score("thumbs").map(|score| score.now.parts);
    assert_eq!(thumbs("model:gpt-4.1-mini"), Some(share(1, 1)));
    assert_eq!(thumbs("variant:treatment"), Some(share(1, 2)));
    assert_eq!(thumbs("user:u_2"), Some(share(0, 1)));
    assert_eq!(thumbs("tag:prompt:v2"), Some(share(1, 2)));
    assert_eq!(thumbs("latency>1s"), Some(share(1, 2)));
    assert_eq!(thumbs("\"question 5\""), Some(share(1, 1)));
    assert_eq!(thumbs("latency>2s"), None);
    assert_eq!(thumbs("trace:t3"), Some(share(0, 1)), "the call is of that trace");
    assert_eq!(ask(&stored, noon(), "model:gpt-4.1").unknown, 1);
    let tasks = |filter: &str| ask(&stored, noon(), filter).score("task_completed").map(|score| score.now.parts);
    assert_eq!((tasks("variant:control"), tasks("app:docs-bot user:u_1")), (Some(share(1, 2)), Some(share(1, 2))));
    assert_eq!((tasks("trace:t2"), tasks("model:gpt-4.1")), (Some(share(0, 1)), None));
}

#[test]
fn tasks_and_their_score_are_one_figure() {
    let stored = stored();
    for window in [noon(), Window::all(), Window::last(HOUR, Anchor::At(NOON_US - HOUR))] {
        let snapshot = stored.ask(&view(window, ""));
        let quality = snapshot.quality.expect("asked for");
        let figure = quality.score("task_completed").map_or(share(0, 0), |score| score.now.parts);
        assert_eq!(snapshot.tasks.map(|Tasks { judged, completed }| share(completed, judged)), Some(figure));
    }
}

#[test]
fn a_change_is_against_the_window_before() {
    let quality = ask(&stored(), Window::last(HOUR, Anchor::At(NOON_US)), "");
    let score = quality.score("hallucination").expect("judged");
    // People this hour, the judge the hour before.
    assert_eq!((score.now.parts, score.before.parts), (share(1, 4), share(2, 4)));
    assert_eq!(quality.score("thumbs").map(|score| (score.now.count(), score.before.count())), Some((0, 3)));
}

#[test]
fn retrievals_come_to_figures() {
    let stored = stored();
    let retrieval = ask(&stored, noon(), "").retrieval.expect("spans");
    let now = &retrieval.now;
    assert_eq!((now.count, now.told, now.empty, now.failed, now.made_up), (6, 5, 1, 1, 1));
    assert!(
        now.latency_us.p50.is_some_and(|us| (us / 60_000.0 - 1.0).abs() < 0.004)
            && now.latency_us.max == Some(120_000.0)
    );
    let figures: Vec<(u64, f64)> = retrieval.measures.iter().map(|m| told(&m.now)).collect();
    // By hand: 2/5, 1/2, 3/4, 1/2; 2/3, 0, 1, 1; 1/3, 0, 1, 1/2; 1, 1/2, 1; 2/5, 1/2, 1/4, 1/2.
    assert_eq!(figures, [(4, 0.5375), (4, 0.6667), (4, 0.4583), (3, 0.8333), (4, 0.4125)]);
    assert_eq!(retrieval.measures.len(), RagMeasure::ALL.len());
    let names: Vec<_> = retrieval.names.iter().map(|n| (n.name.as_deref(), n.count, n.empty)).collect();
    assert_eq!(names, [(Some("guides"), 5, 1), (Some("orders"), 1, 0)]);
    let empty: Vec<_> = retrieval.empty.iter().map(|e| (e.trace_id.as_deref(), e.input.as_deref())).collect();
    assert_eq!(empty, [(Some("t2"), Some("question 2"))]);
    let of_user = ask(&stored, noon(), "user:u_1").retrieval.expect("spans name users");
    assert_eq!((of_user.now.count, of_user.now.empty), (2, 1));
    assert_eq!(ask(&stored, noon(), "model:gpt-4.1").retrieval, None, "spans name no model");
}

/// How many, and the mean to four places.
fn told(figure: &Figure) -> (u64, f64) {
    (figure.count(), (figure.value().expect("told") * 1e4).round() / 1e4)
}

#[test]
fn any_order_comes_to_the_same() {
    let want = ask(&stored(), Window::all(), "");
    for seed in 0..12 {
        let mut lines: Vec<&str> = EVENTS.lines().collect();
        Rng(seed + 1).shuffle(&mut lines);
        let mut other = Stored::new();
        for part in lines.chunks(1 + seed as usize) {
            other.add_lines("events.jsonl", &part.join("\n"), NOW_US);
        }
        assert_eq!(ask(&other, Window::all(), ""), want, "seed {seed}");
    }
}

#[test]
fn what_was_deleted_is_said() {
    let mut stored = stored();
    let keep = Retention { rows_us: Some(0), ..Retention::default() };
    let store: &mut SqliteStore = stored.store();
    // 10:04, before the last two retrievals.
    store.retain(keep, NOON_US - 2 * HOUR + 240_000_000).expect("deleted");
    let quality = ask(&stored, noon(), "");
    assert!(quality.gone_us.is_some());
    assert_eq!(quality.score("hallucination").map(|s| s.now.count()), Some(4));
    let worst = &quality.score("hallucination").expect("judged").worst[0];
    assert_eq!((worst.model.as_deref(), worst.call.is_some()), (Some("gpt-4.1"), true), "it was found before");
    assert_eq!(stored.ask(&view(noon(), "")).tasks, None);
}

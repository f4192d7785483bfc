//! Lists of traces, traces and conversations out of the store, against the plainest computation; in any order of arrival,
//! windows, filters; tries of a gateway; retention.

mod common;

use common::Rng;
use common::event::{DAY, Event, HOUR, MINUTE, START_US, events};
use common::stored::{NOW_US, Stored, view};
use llmtop::snapshot::traces::{PartKind, Story, Trace, TraceEnd, TraceRow, Traces};
use llmtop::store::{Reader, Retention, Store};
use llmtop::view::{Direction, TraceId, TraceList, TraceOrder, TraceUnit, View, Window};
use proptest::prelude::*;
use std::collections::BTreeMap;

fn listed(unit: TraceUnit, by: TraceOrder, window: Window, filter: &str) -> View {
    let mut asked = view(window, filter, &[]);
    asked.sections.traces = TraceList { top: 10_000, unit, by, direction: Direction::Falling };
    asked
}

/// What a call belongs to.
fn belongs(event: &Event, unit: TraceUnit) -> Option<TraceId> {
    let was_tried = event.retries.is_some_and(|retries| retries > 0);
    match unit {
        TraceUnit::Session => event.session.clone().map(TraceId::Session),
        TraceUnit::Trace => (event.trace_id.clone().map(TraceId::Trace))
            .or_else(|| event.session.clone().map(TraceId::Loose))
            .or_else(|| event.request_id.clone().filter(|_| was_tried).map(TraceId::Request)),
    }
}

/// The list by a loop over all calls of the window; each with the sums that have to be right.
fn naive(list: &[&Event], unit: TraceUnit, passes: fn(&Event) -> bool) -> BTreeMap<TraceId, [i64; 7]> {
    let mut groups: BTreeMap<TraceId, Vec<&Event>> = BTreeMap::new();
    list.iter().filter_map(|e| Some((belongs(e, unit)?, *e))).for_each(|(id, e)| groups.entry(id).or_default().push(e));
    groups.retain(|_, events| events.iter().any(|e| passes(e)));
    let sums = |events: Vec<&Event>| {
        let start = |e: &&Event| e.ts_us - e.latency_us.unwrap_or(0) as i64;
        [
            events.len() as i64,
            events.iter().filter(|e| e.is_error()).count() as i64,
            events.iter().map(start).min().unwrap_or(0),
            events.iter().map(|e| e.ts_us).max().unwrap_or(0),
            events.iter().filter_map(|e| e.cost_nusd).sum(),
            events.iter().filter_map(|e| e.input_tokens).sum::<u64>() as i64,
            events.iter().filter(|e| e.cost_nusd.is_none()).count() as i64,
        ]
    };
    groups.into_iter().map(|(id, events)| (id, sums(events))).collect()
}

fn sums(row: &TraceRow) -> [i64; 7] {
    [
        row.calls as i64,
        row.errors as i64,
        row.start_us,
        row.end_us,
        row.cost_nusd.unwrap_or(0),
        row.input_tokens.unwrap_or(0) as i64,
        row.unpriced as i64,
    ]
}

fn check(traces: &Traces, want: &BTreeMap<TraceId, [i64; 7]>) {
    let got: BTreeMap<TraceId, [i64; 7]> = traces.list.iter().map(|row| (row.id.clone(), sums(row))).collect();
    assert_eq!(&got, want);
    assert_eq!((traces.total, traces.list.len()), (want.len() as u64, want.len()));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn lists_are_what_a_loop_gives(seed: u64, count in 1u64..150) {
        let mut rng = Rng(seed);
        let list = events(seed, count, 2);
        let mut read: Vec<&Event> = list.iter().collect();
        rng.shuffle(&mut read);
        let mut stored = Stored::new();
        stored.add_some_parked(&read.chunks(1 + rng.below(40) as usize).map(<[&Event]>::to_vec).collect::<Vec<_>>(), &mut rng);
        for unit in [TraceUnit::Trace, TraceUnit::Session] {
            let all: Vec<&Event> = list.iter().collect();
            let got = stored.ask(&listed(unit, TraceOrder::Start, Window::all(), ""));
            check(&got.traces, &naive(&all, unit, |_| true));
            prop_assert_eq!(got.traces.outside, list.iter().filter(|e| belongs(e, unit).is_none()).count() as u64);
            prop_assert!(got.traces.list.windows(2).all(|w| w[0].start_us >= w[1].start_us));
            let got = stored.ask(&listed(unit, TraceOrder::Cost, Window::all(), "status:error"));
            check(&got.traces, &naive(&all, unit, Event::is_error));
            prop_assert!(got.traces.list.windows(2).all(|w| w[0].cost_nusd >= w[1].cost_nusd));
            let window = Window::between(START_US + 5 * HOUR, START_US + 30 * HOUR).expect("a window");
            let got = stored.ask(&listed(unit, TraceOrder::Duration, window, ""));
            let some: Vec<&Event> = list.iter().filter(|e| got.range.contains(e.ts_us)).collect();
            check(&got.traces, &naive(&some, unit, |_| true));
        }
        // Each of them opens, and is the same.
        let got = stored.ask(&listed(TraceUnit::Trace, TraceOrder::Start, Window::all(), ""));
        let mut reader = stored.reader();
        for row in &got.traces.list {
            let Some(Story::Trace(trace)) = reader.story(&row.id).expect("read") else { panic!("{:?}", row.id) };
            prop_assert_eq!(sums(&trace.row), sums(row));
            prop_assert_eq!((trace.row.end, &trace.row.name, &trace.row.user), (row.end, &row.name, &row.user));
        }
        let got = stored.ask(&listed(TraceUnit::Session, TraceOrder::Start, Window::all(), ""));
        for row in &got.traces.list {
            let Some(Story::Session(told)) = reader.story(&row.id).expect("read") else { panic!("{:?}", row.id) };
            // A conversation has all of its traces, whoever else took part.
            prop_assert!(told.row.calls >= row.calls && told.row.start_us <= row.start_us);
            let costs = told.turns.iter().filter_map(|turn| turn.row.cost_nusd);
            prop_assert_eq!(told.turns.last().and_then(|turn| turn.so_far_nusd), costs.reduce(|a, b| a + b));
        }
    }
}

fn lines(stored: &mut Stored, lines: &[serde_json::Value]) {
    let text: Vec<String> = lines.iter().map(|line| line.to_string()).collect();
    stored.add_lines("a.log", &text.join("\n"), NOW_US);
}

fn time(ms: i64) -> String {
    llmtop::units::rfc3339(START_US + ms * 1_000)
}

fn trace(stored: &Stored, id: TraceId) -> Box<Trace> {
    match stored.reader().story(&id).expect("read") {
        Some(Story::Trace(trace)) => trace,
        other => panic!("{other:?}"),
    }
}

/// The gateway names as trace of a try the request where the client gave no trace.
#[test]
fn tries_belong_to_the_call_they_were_made_for() {
    let mut stored = Stored::new();
    let call = |id: &str, at, session: Option<&str>| {
        serde_json::json!({"event": "llm_call", "timestamp": time(at), "request_id": id, "model": "m", "latency_ms": 900,
            "retries": 1, "session_id": session, "cost_usd": 0.5})
    };
    let attempt = |of: &str, at| {
        serde_json::json!({"event": "llm_span", "kind": "attempt", "name": "attempt", "timestamp": time(at), "trace_id": of,
            "span_id": format!("{of}-1"), "parent_id": of, "latency_ms": 300, "status": "error", "request_id": of})
    };
    lines(
        &mut stored,
        &[attempt("r1", 400), attempt("r2", 2_400), call("r1", 1_000, None), call("r2", 3_000, Some("s"))],
    );
    let got = stored.ask(&listed(TraceUnit::Trace, TraceOrder::Start, Window::all(), "")).traces;
    let ids: Vec<TraceId> = got.list.iter().map(|row| row.id.clone()).collect();
    assert_eq!(ids, [TraceId::Loose("s".to_owned()), TraceId::Request("r1".to_owned())]);
    assert!(got.list.iter().all(|row| (row.calls, row.errors) == (1, 1)), "{got:?}");
    for id in ids.into_iter().chain([TraceId::Trace("r1".to_owned()), TraceId::Request("r2".to_owned())]) {
        let tree = trace(&stored, id.clone()).tree;
        let kinds: Vec<&str> = tree.nodes.iter().map(|node| node.part.kind.word()).collect();
        assert_eq!((kinds, tree.nodes[1].parent), (vec!["call", "attempt"], Some(0)), "{id:?}");
    }
    assert_eq!(trace(&stored, TraceId::Request("r1".to_owned())).tree.nodes[0].part.kind, PartKind::Call);
}

#[test]
fn scores_say_how_a_trace_ended() {
    let mut stored = Stored::new();
    let call = |id: &str, trace: &str, at| serde_json::json!({"event": "llm_call", "timestamp": time(at), "request_id": id, "trace_id": trace, "model": "m"});
    let agent = |trace: &str, at, status: &str| {
        serde_json::json!({"event": "llm_span", "kind": "agent", "name": "a", "timestamp": time(at), "trace_id": trace,
            "span_id": "root", "latency_ms": 5_000, "status": status})
    };
    let score = |target: &str, id: &str, value, at| serde_json::json!({"event": "llm_score", "timestamp": time(at), "name": "task_completed", "value": value, target: id});
    lines(
        &mut stored,
        &[
            score("trace_id", "t1", false, 50),
            score("trace_id", "t1", true, 60_000),
            call("r1", "t1", 100),
            call("r2", "t2", 200),
            score("request_id", "r2", false, 90_000),
            agent("t3", 9_000, "error"),
            call("r3", "t3", 300),
            agent("t4", 9_500, "ok"),
            serde_json::json!({"event": "llm_call", "timestamp": time(400), "request_id": "r4", "trace_id": "t4", "status": "error"}),
        ],
    );
    let got = stored.ask(&listed(TraceUnit::Trace, TraceOrder::Failed, Window::all(), "")).traces;
    let ends: BTreeMap<&str, TraceEnd> = got.list.iter().map(|row| (row.id.text(), row.end)).collect();
    use TraceEnd::{Completed, Failed, NotCompleted, Ok};
    assert_eq!(ends, BTreeMap::from([("t1", Completed), ("t2", NotCompleted), ("t3", Failed), ("t4", Ok)]));
    for (id, end) in ends {
        assert_eq!(trace(&stored, TraceId::Trace(id.to_owned())).row.end, end, "{id}");
    }
    assert!(got.list[0].end.is_bad() && got.list[1].end.is_bad() && !got.list[3].end.is_bad());
}

#[test]
fn what_has_been_deleted_is_gone_from_traces_too() {
    let list = events(5, 120, 3);
    let mut stored = Stored::of(&list);
    let old = list.iter().find(|e| e.trace_id.is_some() && e.ts_us < START_US + DAY).expect("an old trace");
    let keep = Retention { rows_us: Some(DAY), ..Retention::default() };
    stored.store().retain(keep, START_US + 3 * DAY + 5 * MINUTE).expect("deleted");
    let id = TraceId::Trace(old.trace_id.clone().expect("a trace"));
    let left = |e: &&Event| e.trace_id == old.trace_id && e.ts_us >= START_US + 2 * DAY + 5 * MINUTE;
    let want = list.iter().filter(left).count();
    match stored.reader().story(&id).expect("read") {
        Some(Story::Trace(trace)) => assert_eq!(trace.tree.nodes.len(), want),
        Some(other) => panic!("{other:?}"),
        None => assert_eq!(want, 0),
    }
}

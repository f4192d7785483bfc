//! Whatever the order, the batches and the way into the store, a look-up finds exactly what reading everything finds.

use super::*;
use crate::batch::{Batch, Builder};
use crate::event::{Call, Sink, SpanEvent, SpanKind};
use crate::store::sqlite::{SqliteStore, open_writer};
use crate::store::{Retention, Store};
use proptest::prelude::*;
use std::path::Path;
use std::sync::Arc;

/// An event: whether it is a call, its time in seconds, the numbers of its trace and its request.
type Made = (bool, i64, Option<u8>, Option<u16>);

const START_US: i64 = 1_772_409_600_000_000;

/// Ids of all the shapes there are.
fn id(kind: &str, number: u16) -> String {
    match number % 3 {
        0 => format!("{number:032x}"),
        1 => format!("{number:08x}-0000-4000-8000-{:012x}", kind.len()),
        _ => format!("{kind}-{number}"),
    }
}

fn made() -> impl Strategy<Value = Made> {
    (any::<bool>(), 0..20_000i64, prop::option::of(0..12u8), prop::option::of(0..400u16))
}

fn batch(builder: &mut Builder, events: &[Made]) -> Batch {
    for (number, (is_call, second, trace, request)) in events.iter().enumerate() {
        let ts_us = Some(START_US + second * 1_000_000);
        let trace_id = trace.map(|t| id("trace", u16::from(t)).into());
        builder.begin_line(0);
        if *is_call {
            let request_id = request.map(|r| id("request", r).into());
            builder.call(&Call { ts_us, trace_id, request_id, ..Call::default() });
        } else {
            let span_id = request.map(|r| id("span", r).into());
            builder.span(&SpanEvent { ts_us, trace_id, span_id, ..span() });
        }
        builder.end_line(format!("{number} {events:?}").as_bytes());
    }
    builder.finish().expect("memory")
}

fn span() -> SpanEvent<'static> {
    SpanEvent {
        ts_us: None,
        identity: None,
        kind: SpanKind::Tool,
        name: None,
        trace_id: None,
        span_id: None,
        parent_id: None,
        user_id: None,
        session_id: None,
        latency_us: None,
        ok: None,
        error_message: None,
        attrs: None,
    }
}

/// The rows of a wanted id, by reading everything: of calls and of spans.
fn by_reading(conn: &Connection, kind: Kind, id: &str) -> (Vec<i64>, Vec<i64>) {
    let (mut calls, mut spans) = (Vec::new(), Vec::new());
    let which = if kind == Kind::Trace { Id::Trace } else { Id::Request };
    let all = Range { since_us: i64::MIN, until_us: i64::MAX };
    row::each_row(conn, all, Order::OldestFirst, |call| {
        if call.id(which).as_deref() == Some(id) {
            calls.push(call.key.id);
        }
        Ok(Flow::On)
    })
    .expect("calls");
    if kind == Kind::Trace {
        let mut select = conn.prepare("SELECT id FROM span WHERE trace_id = ?1 ORDER BY ts_us, id").expect("spans");
        let found = select.query_map([id], |row| row.get(0)).expect("spans");
        spans = found.map(|id| id.expect("a span")).collect();
    }
    (calls, spans)
}

fn by_index(conn: &Connection, kind: Kind, ids: &[String]) -> Vec<(Vec<i64>, Vec<i64>)> {
    let wanted = Wanted::find(conn, kind, ids.iter().map(String::as_str)).expect("an index");
    let mut found = vec![(Vec::new(), Vec::new()); ids.len()];
    wanted
        .calls(conn, |number, call| {
            found[number].0.push(call.key.id);
            Ok(())
        })
        .expect("calls");
    if kind == Kind::Trace {
        wanted
            .spans(conn, |number, row| {
                found[number].1.push(row.get("id")?);
                Ok(())
            })
            .expect("spans");
    }
    found
}

/// Asks for every id there can be, all at once and a few alone.
fn check(path: &Path) {
    let (conn, _) = open_writer(path).expect("a store");
    for (kind, word, most) in [(Kind::Trace, "trace", 13), (Kind::Request, "request", 402)] {
        let ids: Vec<String> = (0..most).map(|n| id(word, n)).collect();
        let want: Vec<_> = ids.iter().map(|id| by_reading(&conn, kind, id)).collect();
        assert_eq!(by_index(&conn, kind, &ids), want);
        for (id, want) in ids.iter().zip(&want).take(4) {
            assert_eq!(by_index(&conn, kind, std::slice::from_ref(id)), std::slice::from_ref(want));
        }
    }
}

fn builder() -> Builder {
    Builder::new(Arc::default()).expect("memory")
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_look_up_finds_what_a_scan_finds(events in prop::collection::vec(made(), 1..200), groups in prop::collection::vec((1..40usize, any::<bool>()), 1..20)) {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("test.db");
        let mut store = SqliteStore::open(&path).expect("a store");
        let (mut builder, mut rest) = (builder(), events.as_slice());
        for (len, parked) in groups.iter().cycle() {
            let (group, after) = rest.split_at(rest.len().min(*len));
            let batch = batch(&mut builder, group);
            rest = after;
            if *parked && !rest.is_empty() {
                store.park(&[batch]).expect("parked");
            } else {
                store.append(&[batch]).expect("appended");
            }
            if rest.is_empty() {
                break;
            }
        }
        check(&path);
        // Again, as an older layout that had no index.
        drop(store);
        let (conn, place) = open_writer(&path).expect("a store");
        conn.execute_batch("DELETE FROM id_run").expect("no index");
        ids::fill(&conn, &place).expect("an index");
        drop(conn);
        check(&path);
        // And with the older half of it deleted.
        let mut store = SqliteStore::open(&path).expect("a store");
        let keep = Retention { rows_us: Some(0), ..Retention::default() };
        store.retain(keep, START_US + 10_000 * 1_000_000).expect("deleted");
        check(&path);
    }
}

#[test]
fn many_small_transactions_leave_few_runs() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("test.db");
    let mut store = SqliteStore::open(&path).expect("a store");
    let mut builder = builder();
    for n in 0..300u16 {
        let batch = batch(&mut builder, &[(true, 60, Some(0), Some(n)), (true, 61, None, Some(n + 300))]);
        store.append(&[batch]).expect("appended");
    }
    let (conn, _) = open_writer(&path).expect("a store");
    let runs = |kind: Kind| {
        let sql = "SELECT count(*), sum(length(data)) FROM id_run WHERE kind = ?1";
        conn.query_row(sql, [kind as u8], |row| Ok((row.get(0)?, row.get(1)?))).expect("runs")
    };
    let ((traces, bytes), (requests, _)): ((i64, i64), (i64, i64)) = (runs(Kind::Trace), runs(Kind::Request));
    assert!(traces <= 2 && bytes <= 10, "one trace: {traces} runs, {bytes} bytes");
    assert!(requests <= 8, "600 requests: {requests} runs");
    check(&path);
}

//! Scores before and after what they judge, in any order and any batches: always the same, and what a plain reading of
//! all events says.

use super::judged::Judged;
use crate::batch::{Batch, Builder};
use crate::event::{Call, ScoreEvent, ScoreSource, Sink, Text};
use crate::store::sqlite::{SqliteStore, open_writer};
use crate::store::{Retention, Store};
use proptest::prelude::*;
use rusqlite::Connection;
use std::path::Path;
use std::sync::Arc;

const START_US: i64 = 1_772_409_600_000_000;

#[derive(Debug, Clone)]
struct MadeCall {
    second: i64,
    request: u8,
    trace: Option<u8>,
    app: Option<u8>,
    user: Option<u8>,
}

#[derive(Debug, Clone)]
enum Made {
    Call(MadeCall),
    /// Its second, request and trace, either of which may be nobody's.
    Score(i64, Option<u8>, Option<u8>),
}

fn named(kind: &str, number: Option<u8>) -> Text<'static> {
    number.map(|n| if n % 2 == 0 { format!("{n:032x}") } else { format!("{kind}-{n}") }.into())
}

fn made() -> impl Strategy<Value = Made> {
    let few = || prop::option::of(0..6u8);
    let call = (0..40_000i64, 0..12u8, few(), prop::option::of(0..2u8), prop::option::of(0..2u8));
    prop_oneof![
        3 => call.prop_map(|(second, request, trace, app, user)| Made::Call(MadeCall { second, request, trace, app, user })),
        2 => (0..40_000i64, prop::option::of(0..14u8), few()).prop_map(|(at, request, trace)| Made::Score(at, request, trace)),
    ]
}

fn put(builder: &mut Builder, (number, made): &(usize, Made)) {
    builder.begin_line(0);
    match made {
        Made::Call(call) => builder.call(&Call {
            ts_us: Some(START_US + call.second * 1_000_000),
            request_id: named("request", Some(call.request)),
            trace_id: named("trace", call.trace),
            app: named("app", call.app),
            user_id: named("user", call.user),
            experiment: call.trace.map(|t| format!("e{}", t % 2).into()),
            ..Call::default()
        }),
        Made::Score(second, request, trace) => builder.score(&ScoreEvent {
            ts_us: Some(START_US + second * 1_000_000),
            score_id: Some(format!("score-{number}").into()),
            identity: None,
            name: "thumbs".into(),
            value: *number as f64,
            source: Some(ScoreSource::User),
            request_id: named("request", *request),
            trace_id: named("trace", *trace),
            user_id: None,
            comment: None,
        }),
    }
    builder.end_line(format!("{number} {made:?}").as_bytes());
}

fn batch(events: &[(usize, Made)]) -> Batch {
    let mut builder = Builder::new(Arc::default()).expect("memory");
    events.iter().for_each(|event| put(&mut builder, event));
    builder.finish().expect("memory")
}

/// A score as the store has it: its number, and what it judges. Numbers of series and attributes depend on the order.
type Kept = (i64, Option<Found>);

/// The call, what is shared, and what is not.
type Found = (Option<(i64, i64)>, [Option<String>; 4], u8);

fn kept(path: &Path) -> Vec<Kept> {
    let (conn, _) = open_writer(path).expect("a store");
    let sql = format!("SELECT CAST(value AS INTEGER), mixed, {} FROM score ORDER BY 1, ts_us", Judged::COLUMNS);
    let mut select = conn.prepare(&sql).expect("scores");
    let rows = select.query_map([], |row| {
        let judged = Judged::read(row, 2)?.map(|j| {
            let call = j.call.map(|c| (c.key.ts_us, c.key.id));
            let own = |text: Option<&str>| text.map(str::to_owned);
            let s = &j.shared;
            let mixed: u8 = row.get(1).expect("mixed");
            (call, [own(s.app()), own(s.user()), own(s.experiment()), own(s.session())], mixed)
        });
        Ok((row.get(0)?, judged))
    });
    rows.expect("scores").map(|row| row.expect("a score")).collect()
}

/// What each score judges by a look at all calls.
fn by_reading(events: &[(usize, Made)]) -> Vec<(i64, Option<Option<i64>>, Option<String>)> {
    let calls: Vec<&MadeCall> =
        events.iter().filter_map(|(_, m)| if let Made::Call(c) = m { Some(c) } else { None }).collect();
    let mut out = Vec::new();
    for (number, made) in events {
        let Made::Score(at, request, trace) = made else { continue };
        let app = |c: &MadeCall| named("app", c.app).map(|a| a.into_owned());
        let found = match (request, trace) {
            (Some(request), _) => {
                let mine = calls.iter().filter(|c| c.request == *request);
                mine.min_by_key(|c| (c.second > *at, c.second.abs_diff(*at)))
                    .map(|c| (Some(START_US + c.second * 1_000_000), app(c)))
            }
            (None, Some(trace)) => {
                let mine: Vec<_> = calls.iter().filter(|c| c.trace == Some(*trace)).collect();
                let mut apps: Vec<_> = mine.iter().filter_map(|c| app(c)).collect();
                apps.sort();
                apps.dedup();
                (!mine.is_empty()).then(|| (None, if apps.len() == 1 { apps.pop() } else { None }))
            }
            (None, None) => None,
        };
        out.push((*number as i64, found.as_ref().map(|f| f.0), found.and_then(|f| f.1)));
    }
    out.sort();
    out
}

fn fill(path: &Path, parts: &[Vec<(usize, Made)>], together: usize) {
    let mut store = SqliteStore::open(path).expect("a store");
    for group in parts.chunks(together.max(1)) {
        let batches: Vec<Batch> = group.iter().map(|part| batch(part)).collect();
        store.append(&batches).expect("appended");
        if group.len() % 2 == 0 {
            // What was known in memory has to be found again.
            store = SqliteStore::open(path).expect("the store again");
        }
    }
}

/// Calls of one request at one second are one call: of those that differ only the first is kept.
fn distinct(events: Vec<Made>) -> Vec<(usize, Made)> {
    let mut seen = std::collections::HashSet::new();
    let mut is_new = |made: &Made| match made {
        Made::Call(call) => seen.insert((call.second, call.request)),
        Made::Score(..) => true,
    };
    events.into_iter().filter(|made| is_new(made)).enumerate().collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn any_order_and_any_batches_give_the_same(
        events in prop::collection::vec(made(), 1..60),
        order in prop::collection::vec(any::<u32>(), 60),
        cut in 1usize..20,
        together in 1usize..4,
    ) {
        let events = distinct(events);
        let folder = tempfile::tempdir().expect("a folder");
        let (one, other) = (folder.path().join("one.db"), folder.path().join("other.db"));
        fill(&one, std::slice::from_ref(&events), 1);
        let mut turned = events.clone();
        turned.sort_by_key(|(number, _)| order.get(*number).copied());
        let parts: Vec<Vec<(usize, Made)>> = turned.chunks(cut).map(<[_]>::to_vec).collect();
        fill(&other, &parts, together);
        let found = kept(&one);
        prop_assert_eq!(&found, &kept(&other));
        let plain: Vec<_> = found.into_iter().map(|(number, judged)| {
            let app = judged.as_ref().and_then(|j| j.1[0].clone());
            (number, judged.map(|j| j.0.map(|(ts_us, _)| ts_us)), app)
        }).collect();
        prop_assert_eq!(plain, by_reading(&events));
    }
}

fn call(second: i64, request: u8, trace: u8) -> Made {
    Made::Call(MadeCall { second, request, trace: Some(trace), app: Some(trace), user: Some(1) })
}

fn numbered(events: Vec<Made>) -> Vec<(usize, Made)> {
    events.into_iter().enumerate().collect()
}

fn waiting(conn: &Connection) -> i64 {
    conn.query_row("SELECT count(*) FROM score WHERE found = 0", [], |row| row.get(0)).expect("a count")
}

#[test]
fn what_was_found_stays_found_when_its_call_is_deleted() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("test.db");
    let mut store = SqliteStore::open(&path).expect("a store");
    let late = 30 * 86_400;
    let events = vec![
        call(0, 1, 1),
        Made::Score(late, Some(1), None),
        Made::Score(late, None, Some(1)),
        Made::Score(late, Some(9), None),
    ];
    store.append(&[batch(&numbered(events))]).expect("appended");
    let keep = Retention { rows_us: Some(86_400_000_000), ..Retention::default() };
    store.retain(keep, START_US + late * 1_000_000).expect("retained");
    assert_eq!(waiting(&store.conn), 1);
    let before = kept(&path);
    // A late child of another application: the trace has none in common any more. The request's call stays the one it was.
    let child = Made::Call(MadeCall { second: late, request: 2, trace: Some(1), app: Some(0), user: Some(1) });
    store.append(&[batch(&[(7, child)])]).expect("appended");
    let after = kept(&path);
    assert_eq!(before[0], after[0]);
    let app = |kept: &Kept| kept.1.as_ref().and_then(|j| j.1[0].clone());
    assert_eq!((app(&before[1]).as_deref(), app(&after[1])), (Some("app-1"), None));
}

#[test]
fn a_failed_transaction_forgets_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("test.db");
    let mut store = SqliteStore::open(&path).expect("a store");
    store.append(&[batch(&[(0, Made::Score(5, Some(1), None))])]).expect("appended");
    let other = Connection::open(&path).expect("another");
    other
        .execute_batch(
            "BEGIN IMMEDIATE; CREATE TRIGGER no BEFORE INSERT ON counter BEGIN SELECT RAISE(ABORT, 'no'); END; COMMIT",
        )
        .expect("a trigger");
    assert!(store.append(&[batch(&[(1, call(1, 1, 1))])]).is_err());
    other.execute_batch("DROP TRIGGER no").expect("dropped");
    assert_eq!(waiting(&store.conn), 1);
    store.append(&[batch(&[(1, call(1, 1, 1))])]).expect("appended");
    assert_eq!(waiting(&store.conn), 0);
}

#[test]
fn what_another_program_has_scored_waits_for_calls_of_this_one() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("test.db");
    let mut store = SqliteStore::open(&path).expect("a store");
    store.append(&[batch(&[(0, call(1, 3, 1))])]).expect("appended");
    let mut other = SqliteStore::open(&path).expect("the same");
    other
        .append(&[batch(&[(1, Made::Score(5, Some(1), None)), (2, Made::Score(5, None, Some(2)))])])
        .expect("appended");
    store.append(&[batch(&[(3, call(2, 1, 1))])]).expect("appended");
    other.append(&[batch(&[(4, call(2, 2, 2))])]).expect("appended");
    assert_eq!(waiting(&store.conn), 0);
}

#[test]
fn scores_of_an_older_store_are_joined_when_it_is_opened() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("test.db");
    let old = Connection::open(&path).expect("a file");
    old.execute_batch(include_str!("../migrations/0001_first.sql")).expect("the first layout");
    old.execute_batch(include_str!("../migrations/0002_headroom.sql")).expect("the second");
    old.execute_batch(&format!(
        "PRAGMA application_id = {}; PRAGMA user_version = 2;
         INSERT INTO score VALUES ({START_US}, 1, 1, 'thumbs', 1.0, NULL, NULL, 'request-1', NULL, NULL, NULL);
         INSERT INTO score VALUES ({START_US}, 2, 1, 'thumbs', 2.0, NULL, NULL, 'request-3', NULL, NULL, NULL);",
        crate::store::sqlite::APPLICATION
    ))
    .expect("scores");
    drop(old);
    let mut store = SqliteStore::open(&path).expect("brought up to date");
    store.append(&[batch(&[(1, call(1, 3, 1))])]).expect("appended");
    let judged: Vec<bool> = kept(&path).iter().map(|(_, judged)| judged.is_some()).collect();
    assert_eq!(judged, [false, true]);
}

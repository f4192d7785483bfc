//! The store against the plainest computation: whatever the order, the batches, the window and the filter, an answer is
//! what a loop over all calls gives. Percentiles within the histogram's error, everything else exactly.

mod common;

use common::Rng;
use common::event::{DAY, Event, HOUR, MINUTE, START_US, event, events, time};
use common::naive::{check, check_sums, groups};
use common::stored::{NOW_US, Stored, view};
use llmtop::snapshot::{OTHER, Snapshot, Stats};
use llmtop::store::sqlite::Cell;
use llmtop::store::{Reader, Retained, Retention, Store};
use llmtop::view::{Dim, Direction, Filter, Grouping, Measure, Ranking, Sections, View, Window};
use proptest::prelude::*;

/// Groupings that rollups answer.
const ROLLED_UP: [&str; 6] = ["model", "error", "status", "hour", "provider,model", "day,operation,variant"];

/// A filter and what it means.
type Case = (&'static str, fn(&Event) -> bool);

fn is(value: &Option<String>, want: &str) -> bool {
    value.as_deref().is_some_and(|v| v.to_lowercase() == want.to_lowercase())
}

/// Every field, every number, and what they say together.
const FILTERS: [Case; 54] = [
    ("", |_| true),
    ("model:gpt-4o", |e| is(&e.model, "gpt-4o")),
    ("model:GPT-4o*", |e| e.model.as_deref().is_some_and(|m| m.starts_with("gpt-4o"))),
    ("-model:gpt*", |e| !e.model.as_deref().is_some_and(|m| m.starts_with("gpt"))),
    ("model:", |e| e.model.is_none()),
    ("provider:openai,azure", |e| is(&e.provider, "openai") || is(&e.provider, "azure")),
    ("operation:chat", |e| is(&e.operation, "chat")),
    ("app:support env:prod", |e| is(&e.app, "support") && is(&e.environment, "prod")),
    ("host:web-*", |e| e.host.as_deref().is_some_and(|h| h.starts_with("web-"))),
    ("-host:web-1", |e| !is(&e.host, "web-1")),
    ("host:", |e| e.host.is_none()),
    ("host:web-2 status:error", |e| is(&e.host, "web-2") && e.is_error()),
    ("host:web-2 model:o3", |e| is(&e.host, "web-2") && is(&e.model, "o3")),
    ("variant:short,\"\"", |e| e.variant.is_none() || is(&e.variant, "short")),
    ("status:ok", |e| !e.is_error()),
    ("status:error", |e| e.is_error()),
    ("error:rate_limit", |e| e.failure == Some("rate_limit")),
    ("-error:rate_limit,timeout", |e| !matches!(e.failure, Some("rate_limit" | "timeout"))),
    ("error:", |e| !e.is_error()),
    ("error:*", |e| e.is_error()),
    ("user:u_3", |e| e.user.as_deref() == Some("u_3")),
    ("user:U_*", |e| e.user.as_deref() == Some("U_3")),
    ("user:123e4567*", |e| e.user.as_deref().is_some_and(|u| u.starts_with("123e4567"))),
    ("user:CAF\u{c9}", |_| false),
    ("user:caf\u{e9}", |e| e.user.as_deref() == Some("caf\u{e9}")),
    ("model:\"GPT-4o\"", |_| false),
    ("user:", |e| e.user.is_none()),
    ("session:s-1*", |e| e.session.as_deref().is_some_and(|s| s.starts_with("s-1"))),
    ("-session:", |e| e.session.is_some()),
    ("trace:*7", |e| e.trace_id.as_deref().is_some_and(|t| t.ends_with('7'))),
    ("request:req-3", |e| is(&e.request_id, "req-3")),
    ("request:*-4000-8000-*", |e| e.request_id.as_deref().is_some_and(|r| r.contains("-4000-8000-"))),
    ("tag:rag", |e| e.tags.contains(&"rag")),
    ("-tag:beta", |e| !e.tags.contains(&"beta")),
    ("tag:", |e| e.tags.is_empty()),
    ("source:a.*", |e| e.source == "a.log"),
    ("day:2026-03-02", |e| e.ts_us < START_US + DAY && e.ts_us >= START_US),
    ("-hour:2026-03-02T0*", |e| !(START_US..START_US + 10 * HOUR).contains(&e.ts_us)),
    ("latency>20ms", |e| e.latency_us.is_some_and(|l| l > 20_000)),
    ("latency<=20ms", |e| e.latency_us.is_some_and(|l| l <= 20_000)),
    ("-latency>=20ms", |e| e.latency_us.is_none_or(|l| l < 20_000)),
    ("ttft<5ms", |e| e.ttft_us.is_some_and(|t| t < 5_000)),
    ("cost>=0.02", |e| e.cost_nusd.is_some_and(|c| c >= 20_000_000)),
    ("tokens>4k", |e| {
        let sum = e.input_tokens.unwrap_or(0) + e.output_tokens.unwrap_or(0);
        sum > 4_000
    }),
    ("parcel", |e| e.preview.is_some()),
    ("\"PARCEL 3\"", |e| e.preview.as_deref().is_some_and(|p| p.contains("parcel 3"))),
    ("-parcel model:o3", |e| e.preview.is_none() && is(&e.model, "o3")),
    ("message:\"Rate limit reached for *\"", |e| e.said() == Some("Rate limit reached for org-17")),
    ("message:*SERVER*,*limit*", |e| e.said().is_some_and(|m| m.contains("server") || m.contains("limit"))),
    ("message:\"The server had an error\" error:server_error", |e| e.said() == Some("The server had an error")),
    ("message:", |e| e.said().is_none()),
    ("-message:* model:o3", |e| e.said().is_none() && is(&e.model, "o3")),
    ("claude", |e| is(&e.model, "claude-sonnet-4")),
    ("status:error latency<50ms -user:u_1", |e| {
        e.is_error() && e.latency_us.is_some_and(|l| l < 50_000) && !is(&e.user, "u_1")
    }),
];

/// A window whose ends are at, beside or between the edges of buckets.
fn window(rng: &mut Rng) -> Window {
    loop {
        let (a, b) = (time(rng, 4), time(rng, 4));
        if let Some(window) = Window::between(a.min(b), a.max(b)) {
            return window;
        }
    }
}

/// Cuts a list into groups of any size.
fn cut<'e>(rng: &mut Rng, list: &[&'e Event]) -> Vec<Vec<&'e Event>> {
    let mut rest = list;
    let mut groups = Vec::new();
    while !rest.is_empty() {
        let (group, after) = rest.split_at(1 + rng.below(rest.len() as u64) as usize);
        groups.push(group.to_vec());
        rest = after;
    }
    groups
}

fn few_cases(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(few_cases(16))]

    #[test]
    fn any_order_and_any_batches_give_the_same_store(seed: u64, count in 1u64..120) {
        let mut rng = Rng(seed);
        let list = events(seed, count, 3);
        let mut read: Vec<&Event> = list.iter().collect();
        read.extend((0..rng.below(30)).map(|_| rng.pick(&list)));
        rng.shuffle(&mut read);
        let mut stored = Stored::new();
        // Some batches are put aside before they are appended with those that follow.
        let (parked, did) = stored.add_some_parked(&cut(&mut rng, &read), &mut rng);
        prop_assert_eq!((did.accepted, did.duplicate), (count, read.len() as u64 - count), "{} parked", parked);

        let whole = view(Window::all(), "", &ROLLED_UP);
        let got = stored.ask(&whole);
        check(&got, &list, &|_| true);
        prop_assert_eq!((got.holdings.calls, got.accounting.accepted), (count, count));
        prop_assert_eq!(got.holdings.bounds, Some((list[0].ts_us, list[list.len() - 1].ts_us)));
        prop_assert_eq!(got.accounting.read, got.accounting.accepted + got.accounting.duplicate);
        let once = Stored::of(&list);
        prop_assert_eq!(stored.export(), once.export());
        let mut want = once.ask(&whole);
        want.accounting = got.accounting.clone();
        (want.holdings.sources, want.now_us) = (got.holdings.sources.clone(), got.now_us);
        prop_assert_eq!(format!("{got:?}"), format!("{want:?}"));
    }

    #[test]
    fn any_window_is_what_a_loop_gives(seed: u64, count in 1u64..200) {
        let mut rng = Rng(seed ^ 1);
        let list = events(seed, count, 4);
        let stored = Stored::of(&list);
        for _ in 0..4 {
            check(&stored.ask(&view(window(&mut rng), "", &ROLLED_UP)), &list, &|_| true);
            check(&stored.ask(&view(window(&mut rng), "", &["host", "host,status"])), &list, &|_| true);
            check(&stored.ask(&view(window(&mut rng), "", &["source,user", "session,host"])), &list, &|_| true);
        }
    }

    #[test]
    fn any_filter_is_what_a_loop_gives(seed: u64, count in 20u64..150) {
        let mut rng = Rng(seed ^ 2);
        let list = events(seed, count, 2);
        let stored = Stored::of(&list);
        for _ in 0..12 {
            let (one, passes_one) = *rng.pick(&FILTERS);
            let (two, passes_two) = *rng.pick(&FILTERS);
            let window = if rng.chance(50) { Window::all() } else { window(&mut rng) };
            let by = [*rng.pick(&ROLLED_UP), *rng.pick(&["host", "app", "environment", "user"])];
            let asked = view(window, &format!("{one} {two}"), &by);
            check(&stored.ask(&asked), &list, &|e| passes_one(e) && passes_two(e));
        }
    }

    #[test]
    fn users_and_sessions_add_up(seed: u64, count in 1u64..200) {
        let mut rng = Rng(seed ^ 3);
        let list = events(seed, count, 3);
        let mut stored = Stored::new();
        let all: Vec<&Event> = list.iter().collect();
        stored.add(&cut(&mut rng, &all));
        for window in [Window::all(), window(&mut rng), window(&mut rng)] {
            let asked = View { sections: Sections::default(), ..view(window, "", &["user", "session"]) };
            let got = stored.ask(&asked);
            let now: Vec<&Event> = list.iter().filter(|e| got.range.contains(e.ts_us)).collect();
            for table in &got.tables {
                let name = table.grouping.name();
                let want = groups(&now, &name);
                assert_eq!(table.groups.len(), want.len(), "{name}");
                for group in &table.groups {
                    if group.key[0].is_none() {
                        check_nobody(&group.stats, &want[&group.key], &name);
                        continue;
                    }
                    check_sums(&group.stats, &want[&group.key], &format!("{name} {:?}", group.key));
                }
            }
        }
    }
}

/// Calls that name nobody are what is left of the whole, which cannot tell a sum of 0 from an unknown one.
fn check_nobody(got: &Stats, events: &[&Event], what: &str) {
    let sum = |of: fn(&Event) -> Option<u64>| events.iter().filter_map(|e| of(e)).sum::<u64>() as i64;
    let priced: Vec<i64> = events.iter().filter_map(|e| e.cost_nusd).collect();
    assert_eq!(got.calls, events.len() as u64, "{what}: calls of nobody");
    assert_eq!(got.errors, events.iter().filter(|e| e.is_error()).count() as u64, "{what}: errors of nobody");
    assert_eq!(got.cost_nusd, (!priced.is_empty()).then(|| priced.iter().sum()), "{what}: cost of nobody");
    assert_eq!(got.input_tokens.unwrap_or(0), sum(|e| e.input_tokens), "{what}: input of nobody");
    assert_eq!(got.retries.unwrap_or(0), sum(|e| e.retries), "{what}: retries of nobody");
    let latencies = events.iter().filter_map(|e| e.latency_us);
    assert_eq!(got.latency_us.count, latencies.clone().count() as u64, "{what}: latencies of nobody");
    assert!(got.latency_us.max.is_none_or(|max| latencies.max() == Some(max as u64)), "{what}: longest of nobody");
}

/// A table cut to its first rows has the first by what it is sorted by, users and other groups alike.
#[test]
fn tables_are_cut_by_what_they_are_sorted_by() {
    let user = |n: u64| Event {
        ts_us: START_US + n as i64 * MINUTE,
        source: "a.log",
        request_id: Some(n.to_string()),
        user: Some(format!("u{n}")),
        app: Some(format!("app{n}")),
        cost_nusd: Some(10_000_000 + n as i64),
        latency_us: Some(1_000),
        ..Event::default()
    };
    let busy = |n: u64| Event {
        user: Some("busy".to_owned()),
        app: Some("busy".to_owned()),
        failure: Some("auth"),
        cost_nusd: Some(10),
        latency_us: Some(9_000),
        ..user(1_000 + n)
    };
    let mut list: Vec<Event> = (0..400).map(user).chain((0..500).map(busy)).collect();
    list.push(Event {
        user: None,
        app: None,
        request_id: Some("dear".to_owned()),
        cost_nusd: Some(5_000_000_000),
        ..user(3_000)
    });
    let stored = Stored::of(&list);
    let by = |dim: Dim, by: Measure, direction: Direction| {
        let grouping = Grouping { order: Ranking { by, direction }, ..Grouping::by(dim, Some(2)) };
        let view = View { groupings: vec![grouping], ..View::default() };
        let table = stored.ask(&view).tables.swap_remove(0);
        assert_eq!((table.total, table.groups.len()), (402, 2));
        table.groups.into_iter().map(|mut g| g.key.swap_remove(0)).collect::<Vec<_>>()
    };
    let name = |text: &str| Some(text.to_owned());
    for (dim, last) in [(Dim::User, "u399"), (Dim::App, "app399")] {
        assert_eq!(by(dim, Measure::Calls, Direction::Falling)[0], name("busy"));
        assert_eq!(by(dim, Measure::ErrorRate, Direction::Falling)[0], name("busy"));
        assert_eq!(by(dim, Measure::Cost, Direction::Falling), [None, name(last)]);
        assert_eq!(by(dim, Measure::CostPerCall, Direction::Rising)[0], name("busy"));
    }
    assert_eq!(by(Dim::App, Measure::P95, Direction::Falling)[0], name("busy"));
}

#[test]
fn every_filter_alone_by_rollups_and_by_rows() {
    let list = events(7, 600, 2);
    let stored = Stored::of(&list);
    let odd = Window::between(START_US + 90 * MINUTE + 7, START_US + DAY + 13).expect("a window");
    for (filter, passes) in FILTERS {
        for window in [Window::all(), odd] {
            let by_rollups = stored.ask(&view(window, filter, &["model"]));
            check(&by_rollups, &list, &passes);
            let by_rows = stored.ask(&view(window, &format!("{filter} -user:nobody"), &["model"]));
            assert!(by_rows.scan.rows);
            assert_eq!(by_rollups.totals, by_rows.totals, "{filter}");
            let groups = |got: &Snapshot| -> Vec<_> {
                got.tables[0].groups.iter().map(|g| (g.key.clone(), g.stats.clone(), g.previous.clone())).collect()
            };
            assert_eq!(groups(&by_rollups), groups(&by_rows), "{filter}");
        }
    }
}

#[test]
fn the_same_id_at_two_times_is_two_calls_and_the_same_moment_holds_many() {
    let mut rng = Rng(5);
    let mut list: Vec<Event> = (0..50).map(|n| event(&mut rng, n, START_US)).collect();
    list.push(Event { ts_us: START_US + 1, ..list[0].clone() });
    let stored = Stored::of(&list);
    check(&stored.ask(&view(Window::all(), "", &ROLLED_UP)), &list, &|_| true);
}

/// A list with more combinations of dimensions than there are lanes.
fn many_series(count: u64) -> Vec<Event> {
    let mut rng = Rng(11);
    let one = |n: u64| Event {
        model: Some(format!("model-{n}")),
        host: Some(format!("host-{}", n % 1_300)),
        ..event(&mut rng, n, START_US + n as i64 * 20_000_000)
    };
    (0..count).map(one).collect()
}

#[test]
fn too_many_series_share_lanes_and_the_totals_stay_exact() {
    let list = many_series(2_600);
    let mut stored = Stored::new();
    let all: Vec<&Event> = list.iter().collect();
    let groups: Vec<Vec<&Event>> = all.chunks(700).map(<[_]>::to_vec).collect();
    stored.add(&groups);
    let got = stored.ask(&view(Window::all(), "", &["status", "error", "day"]));
    check(&got, &list, &|_| true);
    assert!((600..2_600).contains(&got.holdings.folded_series), "{}", got.holdings.folded_series);
    let by_model = stored.ask(&view(Window::all(), "", &["model", "provider"]));
    let calls: u64 = by_model.tables[0].groups.iter().map(|g| g.stats.calls).sum();
    assert_eq!(calls, list.len() as u64, "what shares a lane is still in the table");
    let other: Vec<_> = by_model.tables[0].groups.iter().filter(|g| g.key[0].as_deref() == Some(OTHER)).collect();
    assert_eq!(other.len(), 1, "and under a name of its own");
    assert!(by_model.tables[0].groups.iter().all(|g| g.key[0].is_some()), "every call says its model");
    let exact = stored.ask(&view(Window::all(), "-user:nobody", &["model"]));
    assert_eq!(exact.tables[0].total, list.len(), "rows know all combinations");
    // What came before the limit still has its own lane, also after reopening.
    let first = stored.ask(&view(Window::all(), "model:model-3", &[]));
    assert_eq!(first.totals.calls, 1);
}

/// A filter finds what shares a lane, never a wrong 0: by the lane where it takes all of it or nothing, else by rows.
#[test]
fn filters_find_what_shares_a_lane() {
    let list = many_series(2_600);
    let mut stored = Stored::new();
    let all: Vec<&Event> = list.iter().collect();
    stored.add(&all.chunks(900).map(<[_]>::to_vec).collect::<Vec<_>>());
    let cases: [Case; 8] = [
        ("model:model-2599", |e| is(&e.model, "model-2599")),
        ("model:model-25*", |e| e.model.as_deref().is_some_and(|m| m.starts_with("model-25"))),
        ("-model:model-2599", |e| !is(&e.model, "model-2599")),
        ("model:", |_| false),
        ("model:nobody", |_| false),
        ("host:host-1299", |e| is(&e.host, "host-1299")),
        ("host:host-1299 status:error", |e| is(&e.host, "host-1299") && e.is_error()),
        ("status:error", |e| e.is_error()),
    ];
    for (filter, passes) in cases {
        let got = stored.ask(&view(Window::all(), filter, &["status", "day"]));
        check(&got, &list, &passes);
    }
    let needs_rows =
        |filter| stored.ask(&View { sections: Sections::default(), ..view(Window::all(), filter, &[]) }).scan.rows;
    assert!(needs_rows("model:model-2599"));
    for filter in ["", "model:model-3", "model:model*", "status:error", "model:"] {
        assert!(!needs_rows(filter), "{filter} is answered by lanes");
    }
}

/// Where all that share a lane agree on a dimension, tables by it stay exact.
#[test]
fn what_shares_a_lane_keeps_what_it_has_in_common() {
    let mut list = many_series(2_300);
    for (n, event) in list.iter_mut().enumerate() {
        event.provider = Some("openai".to_owned());
        event.app = (n < 2_290).then(|| "support".to_owned());
    }
    let stored = Stored::of(&list);
    check(&stored.ask(&view(Window::all(), "", &["provider", "provider,status"])), &list, &|_| true);
    let by_app = stored.ask(&view(Window::all(), "", &["app"]));
    let other = by_app.tables[0].groups.iter().filter(|g| g.key[0].as_deref() == Some(OTHER));
    assert!(other.map(|g| g.stats.calls).sum::<u64>() > 0, "some say their app and some do not");
}

#[test]
fn totals_outlive_their_rows() {
    let list = events(3, 800, 6);
    let mut stored = Stored::of(&list);
    let (cut, now_us) = (START_US + 4 * DAY, START_US + 6 * DAY);
    let asked = view(Window::all(), "", &["model", "day"]);
    let before = stored.ask(&View { sections: Sections::default(), ..asked });
    let ages = Retention { text_us: Some(now_us - cut), rows_us: Some(now_us - cut), ..Retention::default() };
    let did = stored.store().retain(ages, now_us).expect("pruned");
    assert_eq!(did.rows as usize, list.iter().filter(|e| e.ts_us < cut).count() + failed_before(&list, cut));
    let asked = view(Window::all(), "", &["model", "day"]);
    let after = stored.ask(&View { sections: Sections::default(), ..asked });
    assert_eq!((&after.totals, &after.tables), (&before.totals, &before.tables));
    for (from, to) in [(0, 3 * DAY), (HOUR, DAY + 5 * MINUTE), (2 * DAY, 5 * DAY + 7), (4 * DAY, 6 * DAY)] {
        let window = Window::between(START_US + from, START_US + to).expect("a window");
        let sections = Sections { points: 12, ..Sections::default() };
        let got = stored.ask(&View { sections, ..view(window, "", &["model", "hour"]) });
        check(&got, &list, &|_| true);
    }
    let by_user = stored.ask(&view(Window::all(), "", &["user"]));
    assert_eq!(by_user.totals, before.totals, "a table that needs rows takes nothing from the totals");
}

/// Where single calls have been deleted, what only they tell says so, and what else can tell is used.
#[test]
fn deleted_calls_are_never_shown_as_none() {
    let list = events(9, 800, 6);
    let mut stored = Stored::of(&list);
    let (cut, now_us) = (START_US + 3 * DAY, START_US + 6 * DAY);
    let ages = Retention { rows_us: Some(now_us - cut), ..Retention::default() };
    stored.store().retain(ages, now_us).expect("pruned");
    let kept: Vec<Event> = list.iter().filter(|e| e.ts_us >= cut).cloned().collect();
    let half = |got: &Snapshot| (got.scan.covered - 0.5).abs() < 0.05 && got.scan.gone_us == Some(cut);

    let by_user = stored.ask(&view(Window::all(), "", &["user"]));
    let calls: u64 = by_user.tables[0].groups.iter().filter(|g| g.key[0].is_some()).map(|g| g.stats.calls).sum();
    assert_eq!(calls as usize, list.iter().filter(|e| e.user.is_some()).count(), "users from their hourly totals");
    assert_eq!((by_user.scan.covered, by_user.scan.gone_us), (1.0, None));

    let asked = |window, filter, by: &[&str]| View { sections: Sections::default(), ..view(window, filter, by) };
    let by_filter = stored.ask(&asked(Window::all(), "user:u_1", &[]));
    assert_eq!(by_filter.totals.calls as usize, kept.iter().filter(|e| is(&e.user, "u_1")).count());
    assert!(half(&by_filter), "{:?}", by_filter.scan);
    assert!(half(&stored.ask(&asked(Window::all(), "", &["source"]))));
    let later = Window::between(cut, now_us).expect("a window");
    let whole = stored.ask(&asked(later, "user:u_1", &[]));
    assert_eq!((whole.scan.covered, whole.scan.gone_us), (1.0, None));
    assert_eq!(whole.previous.calls, 0, "the window before is gone, and not half told");
}

/// Lines in no order of time, in many blocks of text: found and written out all the same, in order of time.
#[test]
fn texts_of_a_log_that_is_out_of_order() {
    let mut list = events(15, 3_000, 2);
    list.iter_mut().enumerate().for_each(|(n, e)| e.preview = (n % 3 > 0).then(|| format!("parcel {n}.")));
    let in_order = Stored::of(&list);
    let mut shuffled: Vec<&Event> = list.iter().collect();
    Rng(16).shuffle(&mut shuffled);
    let mut stored = Stored::new();
    stored.add(&shuffled.chunks(40).map(<[_]>::to_vec).collect::<Vec<_>>());
    assert_eq!(stored.export(), in_order.export());
    for filter in ["\"parcel 77\"", "-\"parcel 1\"", "parcel -\"parcel 5\"", "\"parcel 1001.\""] {
        let asked = |stored: &Stored| stored.ask(&view(Window::all(), filter, &["model"]));
        let (got, want) = (asked(&stored), asked(&in_order));
        assert!(got.totals.calls > 0);
        assert_eq!((got.totals, got.records), (want.totals, want.records), "{filter}");
    }
}

/// More failures than are read one by one: what is told of all of them is exact, what is not says so.
#[test]
fn failures_beyond_the_newest_are_known() {
    let failed = |n: u64, at: i64, mode: &'static str| Event {
        ts_us: START_US + at,
        source: "a.log",
        request_id: Some(n.to_string()),
        user: Some(format!("u{n}")),
        failure: Some(mode),
        message: Some(format!("call {n} failed")),
        ..Event::default()
    };
    let limited = (0..3_000).map(|n| failed(n, n as i64 * 1_000, "rate_limit"));
    let old = [failed(9_000, 7 * MINUTE - HOUR, "auth"), failed(9_001, 9 * MINUTE - HOUR, "auth")];
    let list: Vec<Event> = limited.chain(old).collect();
    let mut stored = Stored::of(&list);
    let asked = View {
        sections: Sections { failures: true, clusters: 10, ..Sections::default() },
        ..view(Window::all(), "", &[])
    };
    for filter in ["", "user:u*"] {
        let got = stored.ask(&View { filter: Filter::parse(filter).expect("a filter"), ..asked.clone() });
        let [limited, auth] = got.failures.as_slice() else { panic!("{:?}", got.failures) };
        assert_eq!((limited.first_us, limited.last_us), (Some(START_US), Some(START_US + 2_999_000)));
        assert!(limited.partial && limited.users.is_some_and(|n| n < 3_000));
        assert_eq!((auth.first_us, auth.last_us), (Some(list[3_000].ts_us), Some(list[3_001].ts_us)));
        assert_eq!(auth.example.as_deref(), Some("call 9001 failed"));
        assert!(!got.clusters.partial && got.clusters.read > 2_000);
    }
    let ages = Retention { rows_us: Some(30 * MINUTE), ..Retention::default() };
    stored.store().retain(ages, START_US).expect("pruned");
    let got = stored.ask(&asked);
    assert_eq!((got.failures[1].calls, got.failures[1].partial, got.failures[1].users), (2, true, None));
    let minute = list[3_000].ts_us.div_euclid(DAY) * DAY;
    assert!(
        got.failures[1].first_us.is_some_and(|us| minute <= us && us <= list[3_000].ts_us),
        "{:?}",
        got.failures[1]
    );
}

/// A short window without its single calls is drawn of minutes, as its totals are.
#[test]
fn a_chart_without_single_calls_agrees_with_its_totals() {
    let list = events(10, 3_000, 1);
    let mut stored = Stored::of(&list);
    let ages = Retention { rows_us: Some(0), ..Retention::default() };
    stored.store().retain(ages, START_US + 30 * DAY).expect("pruned");
    for minutes in [15, 61] {
        let window = Window::between(START_US + 6 * HOUR, START_US + 6 * HOUR + minutes * MINUTE).expect("a window");
        let sections = Sections { points: 40, ..Sections::default() };
        let got = stored.ask(&View { sections, ..view(window, "", &[]) });
        check(&got, &list, &|_| true);
        assert!(got.totals.calls > 0 && !got.scan.rows);
        assert_eq!(got.chart.points.iter().map(|p| p.calls).sum::<u64>(), got.totals.calls);
    }
}

#[test]
fn only_days_are_left_and_count_once() {
    let list = events(4, 800, 6);
    let mut stored = Stored::of(&list);
    let now_us = START_US + 6 * DAY;
    let ages = Retention { rows_us: Some(DAY), fine_us: Some(3 * DAY), ..Retention::default() };
    stored.store().retain(ages, now_us).expect("pruned");
    let whole_days = Window::between(START_US, START_US + 6 * DAY).expect("a window");
    for window in [Window::all(), whole_days] {
        let got = stored.ask(&View { sections: Sections::default(), ..view(window, "", &["model", "day"]) });
        let within = |e: &&Event| got.range.contains(e.ts_us);
        assert_eq!(got.totals.calls, list.iter().filter(within).count() as u64);
        assert_eq!(got.tables[1].groups.iter().map(|g| g.stats.calls).sum::<u64>(), got.totals.calls);
    }
    // What is finer than what is left is answered by the whole days that hold it, each once.
    let odd = Window::between(START_US + 5 * HOUR, START_US + DAY + 9 * HOUR + 1).expect("a window");
    let got = stored.ask(&View { sections: Sections::default(), ..view(odd, "", &[]) });
    let days = START_US..START_US + 2 * DAY;
    assert_eq!(got.totals.calls, list.iter().filter(|e| days.contains(&e.ts_us)).count() as u64);
}

fn failed_before(list: &[Event], cut: i64) -> usize {
    list.iter().filter(|e| e.ts_us < cut && e.is_error()).count()
}

#[test]
fn late_and_future_calls_land_in_their_hour() {
    let mut stored = Stored::new();
    let line = |id: &str, ts: i64| {
        format!("{{\"event\":\"llm_call\",\"request_id\":\"{id}\",\"ts\":\"{}\"}}\n", llmtop::units::rfc3339(ts))
    };
    stored.add_lines("x", &line("now", NOW_US - 1), NOW_US);
    stored.add_lines("x", &line("late", NOW_US - 200 * DAY), NOW_US);
    stored.add_lines("x", &(line("soon", NOW_US + 299_000_000) + &line("future", NOW_US + 40 * DAY)), NOW_US);
    let got = stored.ask(&view(Window::all(), "", &["day"]));
    assert_eq!((got.totals.calls, got.tables[0].groups.len()), (4, 4));
    assert_eq!((got.accounting.future, got.accounting.unpriced), (1, 4));
    let recent = stored.ask(&view(Window::last(HOUR, llmtop::view::Anchor::Auto), "", &[]));
    assert_eq!(recent.totals.calls, 1, "a clock that is ahead does not move the window: {:?}", recent.range);
}

/// What calls that went well said is kept, but it is no error.
#[test]
fn the_view_of_errors_has_those_that_failed() {
    let mut stored = Stored::new();
    let line = |id: u32, rest: &str| format!("{{\"event\":\"llm_call\",\"ts\":1772409600,\"id\":\"{id}\",{rest}}}\n");
    let lines = line(1, "\"status\":\"ok\",\"error_message\":\"warn: slow\"") + &line(2, "\"http_status\":500");
    stored.add_lines("x", &lines, NOW_US);
    let mut rows = Vec::new();
    let mut each = |_: &[String], row| {
        rows.push(row);
        Ok(())
    };
    stored.reader().query("SELECT error FROM errors", &mut each).expect("a query");
    assert_eq!(rows, [[Cell::Text("server_error".to_owned())]]);
    let asked = View { sections: Sections { failures: true, errors: 9, ..Sections::default() }, ..View::default() };
    assert_eq!(stored.ask(&asked).errors.len(), 1);
}

/// Times at both ends of what events may have: no arithmetic on windows, charts or buckets may break.
#[test]
fn the_first_and_the_last_moment_there_can_be() {
    let mut rng = Rng(8);
    let ends = [1, 1_000_000, START_US, 7_258_118_399_999_999];
    let list: Vec<Event> = ends.iter().enumerate().map(|(n, ts)| event(&mut rng, n as u64, *ts)).collect();
    let stored = Stored::of(&list);
    check(&stored.ask(&view(Window::all(), "", &["day", "host"])), &list, &|_| true);
    for (from, to) in [(i64::MIN / 2, i64::MAX / 2 - 1), (0, 2), (-5, START_US), (START_US, ends[3] + 1), (7, 8)] {
        let window = Window::between(from, to).expect("a window");
        let sections = Sections { exact_members: true, ..Sections::default() };
        check(&stored.ask(&View { sections, ..view(window, "", &["day", "user"]) }), &list, &|_| true);
    }
}

/// However long the window, a chart has the points that were asked for.
#[test]
fn a_window_of_ages_has_no_more_points() {
    let list = events(14, 100, 3);
    let stored = Stored::of(&list);
    for weeks in [1_000_000, 15_000_000] {
        let window = Window::last(weeks * 7 * DAY, llmtop::view::Anchor::Auto);
        let got = stored.ask(&view(window, "", &["model"]));
        assert!(got.chart.points.len() <= 26 && got.chart.previous.len() <= 26, "{}", got.chart.points.len());
        assert_eq!(got.chart.points.iter().map(|p| p.calls).sum::<u64>(), 100);
    }
}

/// More combinations of attributes than the dictionary takes: the rest stands in the rows, and reads the same.
#[test]
fn attributes_beyond_the_dictionary() {
    let count = 50_200;
    let line = |n: u64| {
        let ts = llmtop::units::rfc3339(START_US + n as i64);
        format!(
            "{{\"event\":\"llm_call\",\"ts\":\"{ts}\",\"request_id\":\"{n}\",\"max_tokens\":{n},\"tags\":[\"t{}\"]}}\n",
            n % 3
        )
    };
    let lines: String = (0..count).map(line).collect();
    let mut stored = Stored::new();
    assert_eq!(stored.add_lines("a.log", &lines, NOW_US).accepted, count);
    let window = Window::between(START_US + 49_900, START_US + count as i64).expect("a window");
    let got = stored.ask(&view(window, "tag:t1", &[]));
    assert_eq!(got.totals.calls, 100);
    let newest = got.records.iter().map(|r| (r.call.max_tokens, r.call.request_id.clone().map(String::from)));
    let want = (0..count).rev().filter(|n| n % 3 == 1).map(|n| (Some(n), Some(n.to_string()))).take(9);
    assert_eq!(newest.collect::<Vec<_>>(), want.collect::<Vec<_>>());
}

/// Names so long that a parser's dictionaries start anew, and text beyond a block.
#[test]
fn long_names_and_long_texts_come_back() {
    let text = |n: usize| format!("{n} ").repeat(if n.is_multiple_of(20) { 300_000 } else { 10 });
    let line = |n: usize| {
        let ts = llmtop::units::rfc3339(START_US + n as i64 * MINUTE);
        let (model, text) = (format!("{n}-{}", "m".repeat(300_000)), text(n));
        format!(
            "{{\"event\":\"llm_call\",\"ts\":\"{ts}\",\"request_id\":\"{n}\",\"model\":\"{model}\",\"prompt\":\"{text}\",\"status\":\"ok\"}}\n"
        )
    };
    let mut stored = Stored::new();
    let mut parser = common::stored::Parser::new();
    // 60 × 300 kB of names: more than the dictionaries may weigh.
    for n in 0..60 {
        let batch = parser.batch("a.log", [line(n).as_str()], NOW_US);
        stored.store().append(&[batch]).expect("appended");
    }
    let exported = stored.export();
    assert_eq!(exported.lines().count(), 60);
    for (n, line) in exported.lines().enumerate() {
        let event: serde_json::Value = serde_json::from_str(line).expect("JSON");
        assert!(event["model"].as_str().is_some_and(|m| m.starts_with(&format!("{n}-m")) && m.len() > 300_000));
        assert!(event["prompt"].as_str().is_some_and(|p| p == text(n)));
    }
    let by_model = stored.ask(&view(Window::all(), "", &["model"]));
    assert_eq!((by_model.tables[0].total, by_model.totals.calls), (60, 60));
}

/// Calls whose ids and text do not shrink, fifty at the start of each hour, one group a day.
fn bulky(days: i64) -> (Stored, Vec<String>) {
    let mut rng = Rng(77);
    let mut stored = Stored::new();
    let mut lines = Vec::new();
    for day in 0..days {
        let from = lines.len();
        for n in 0..1_200 {
            let ts = llmtop::units::rfc3339(START_US + day * DAY + n / 50 * HOUR + n % 50);
            let mut noise = |words: usize| (0..words).map(|_| format!("{:016x}", rng.next())).collect::<String>();
            let (id, text) = (noise(12), noise(64));
            lines.push(format!(
                "{{\"event\":\"llm_call\",\"request_id\":\"{day}-{n}-{id}\",\"ts\":\"{ts}\",\"model\":\"m{}\",\
                 \"user_id\":\"u{n}\",\"latency_ms\":{n},\"cost_usd\":0.01,\"prompt_preview\":\"{text}\"}}\n",
                n % 7
            ));
        }
        stored.add_lines("bulky", &lines[from..].concat(), NOW_US);
    }
    (stored, lines)
}

/// How large such a store is when everything of an age has gone.
fn size_without(days: i64, ages: Retention) -> u64 {
    let (mut stored, _) = bulky(days);
    stored.store().retain(ages, NOW_US).expect("pruned");
    stored.store().vacuum().expect("packed");
    file_size(&stored)
}

fn file_size(stored: &Stored) -> u64 {
    std::fs::metadata(stored.path()).expect("a file").len()
}

#[test]
fn a_store_that_is_too_large_loses_the_oldest_text_then_rows_then_fine_totals() {
    let days = 6;
    let (mut stored, lines) = bulky(days);
    let retain = |stored: &mut Stored, size: u64| {
        let keep = Retention { size: Some(size), ..Retention::default() };
        stored.store().retain(keep, NOW_US).expect("retained")
    };
    stored.store().vacuum().expect("packed");
    let full = file_size(&stored);
    assert_eq!(retain(&mut stored, full * 2), Retained::default(), "there is room");
    let asked = View { sections: Sections::default(), ..view(Window::all(), "", &["model", "day"]) };
    let whole = stored.ask(&asked);
    assert_eq!(whole.totals.calls, lines.len() as u64);

    // Some of the text is enough, and what is left of it is the newest.
    let size = full / 4 * 3;
    let did = retain(&mut stored, size);
    assert!(did.text_blocks > 0 && did.rows == 0 && did.rollups == 0, "{did:?}");
    assert!(file_size(&stored) <= size, "{} of {size}", file_size(&stored));
    let records = View { sections: Sections { records: 10_000, ..Sections::default() }, ..asked.clone() };
    let has_text: Vec<bool> = stored.ask(&records).records.iter().map(|r| !r.text_expired).collect();
    assert!(has_text[0] && !has_text[has_text.len() - 1] && has_text.windows(2).all(|w| w[0] >= w[1]));
    assert_eq!(retain(&mut stored, size), Retained::default(), "once is enough");

    // Then all of it, and the oldest rows, whole hours of them; the totals know nothing of that.
    let rowless = Retention { rows_us: Some(0), ..Retention::default() };
    let textless = Retention { text_us: Some(0), ..Retention::default() };
    let size = (size_without(days, rowless) + size_without(days, textless)) / 2;
    let did = retain(&mut stored, size);
    assert!(did.rows > 0 && did.rows.is_multiple_of(50) && did.rollups == 0, "{did:?}");
    assert!(file_size(&stored) <= size, "{} of {size}", file_size(&stored));
    let now = stored.ask(&asked);
    assert_eq!((&now.totals, &now.tables), (&whole.totals, &whole.tables));

    // At last fine totals; days stay, and what is newest, even if it is more than was wanted.
    let did = retain(&mut stored, 4_096);
    assert!(did.rollups > 0, "{did:?}");
    let now = stored.ask(&asked);
    assert_eq!((&now.totals, &now.tables), (&whole.totals, &whole.tables));
    assert_eq!(stored.export().lines().count(), 50, "the newest hour");
    assert_eq!(retain(&mut stored, 4_096), Retained::default());
}

#[test]
fn what_was_deleted_is_not_counted_again() {
    let list = events(5, 120, 3);
    let mut stored = Stored::of(&list);
    let cut = list[60].ts_us;
    let keep = Retention { rows_us: Some(NOW_US - cut), ..Retention::default() };
    stored.store().retain(keep, NOW_US).expect("pruned");
    let asked = view(Window::all(), "", &["model", "day"]);
    let before = stored.ask(&asked);
    let did = stored.add(&[list.iter().collect()]);
    let gone = list.iter().filter(|e| e.ts_us < cut).count() as u64;
    assert_eq!((did.accepted, did.duplicate, did.expired), (0, 120 - gone, gone));
    let after = stored.ask(&asked);
    assert_eq!((&after.totals, &after.tables), (&before.totals, &before.tables));
    assert_eq!(after.accounting.read, 240);
    assert_eq!(after.accounting.rejected, gone, "{:?}", after.accounting);
}

#[test]
fn a_call_never_gets_the_text_of_another() {
    let mut stored = Stored::new();
    let line = |id: &str, ts: i64, text: &str| {
        let ts = llmtop::units::rfc3339(ts);
        format!("{{\"event\":\"llm_call\",\"request_id\":\"{id}\",\"ts\":\"{ts}\",\"prompt_preview\":\"{text}\"}}\n")
    };
    stored.add_lines("x", &line("new", START_US + 5 * DAY, "of the new one"), NOW_US);
    stored.add_lines("x", &line("old", START_US, "of the old one"), NOW_US);
    for _ in 0..2 {
        let keep = Retention { text_us: Some(NOW_US - START_US - DAY), ..Retention::default() };
        stored.store().retain(keep, NOW_US).expect("pruned");
    }
    stored.add_lines("x", &line("third", START_US + 6 * DAY, "of the third one"), NOW_US);
    let asked = view(Window::all(), "", &[]);
    let got = stored.ask(&View { sections: Sections { records: 9, ..Sections::default() }, ..asked });
    let texts: Vec<_> = got.records.iter().map(|r| (r.call.prompt_preview.as_deref(), r.text_expired)).collect();
    assert_eq!(texts, [(Some("of the third one"), false), (Some("of the new one"), false), (None, true)]);
}

#[test]
fn text_goes_first_and_is_known_to_have_been_there() {
    let list = events(12, 300, 4);
    let mut stored = Stored::new();
    let all: Vec<&Event> = list.iter().collect();
    let days: Vec<Vec<&Event>> = all.chunk_by(|a, b| a.ts_us / DAY == b.ts_us / DAY).map(<[_]>::to_vec).collect();
    stored.add(&days);
    let cut = START_US + 2 * DAY;
    let ages = Retention { text_us: Some(NOW_US - cut), ..Retention::default() };
    let did = stored.store().retain(ages, NOW_US).expect("pruned");
    assert!(did.text_blocks > 0 && did.rows == 0);
    let asked = view(Window::all(), "", &["model"]);
    let got = stored.ask(&View { sections: Sections { records: 300, ..asked.sections }, ..asked });
    assert_eq!(got.totals.calls, 300);
    for (record, event) in got.records.iter().rev().zip(&list) {
        let kept = event.ts_us >= cut;
        let same_moment = list.iter().filter(|e| e.ts_us == event.ts_us).count() > 1;
        if !same_moment {
            assert_eq!(record.call.prompt_preview.as_deref(), event.preview.as_deref().filter(|_| kept));
            assert_eq!(record.text_expired, !kept && event.preview.is_some());
        }
    }
    assert_eq!(stored.export().lines().count(), 300);
}

/// A deleted text's place is never given to another's: a call whose text is gone shows none.
#[test]
fn deleted_texts_are_not_replaced_by_those_of_other_calls() {
    let line = |id: u32, prompt: &str| {
        let ts = llmtop::units::rfc3339(START_US + i64::from(id) * DAY);
        format!("{{\"event\":\"llm_call\",\"ts\":\"{ts}\",\"id\":\"{id}\",\"prompt\":\"{prompt}\"}}\n")
    };
    let mut stored = Stored::new();
    stored.add_lines("x", &line(1, "the secret of one"), NOW_US);
    stored.store().retain(Retention { text_us: Some(0), ..Retention::default() }, NOW_US).expect("pruned");
    stored.add_lines("x", &line(2, "the secret of another"), NOW_US);
    let asked = View { sections: Sections { records: 9, ..Sections::default() }, ..View::default() };
    let records = stored.ask(&asked).records;
    let seen: Vec<_> = records.iter().map(|r| (r.call.prompt.as_deref(), r.text_expired)).collect();
    assert_eq!(seen, [(Some("the secret of another"), false), (None, true)]);
}

/// Page by page, newest first, every record comes once; with a filter, each that it lets through.
#[test]
fn pages_of_records_leave_nothing_out() {
    let mut rng = Rng(13);
    let mut list = events(13, 200, 2);
    // Many at one moment, where only the id tells them apart.
    list.extend((200..260).map(|n| event(&mut rng, n, START_US + DAY)));
    let stored = Stored::of(&list);
    for (filter, passes) in [FILTERS[0], FILTERS[15], FILTERS[35]] {
        let mut seen = std::collections::BTreeSet::new();
        let mut asked = view(Window::all(), filter, &[]);
        asked.sections = Sections { records: 17, ..Sections::default() };
        loop {
            let page = stored.ask(&asked).records;
            let Some(last) = page.last() else { break };
            assert!(page.is_sorted_by(|a, b| a.key() > b.key()));
            asked.before = Some(last.key());
            for record in &page {
                assert!(seen.insert(record.key()), "twice");
                let whole = stored.reader().record(record.key()).expect("read").expect("it is there");
                assert_eq!(&whole, record);
            }
        }
        assert_eq!(seen.len(), list.iter().filter(|e| passes(e)).count(), "{filter}");
    }
}

#[test]
fn the_newest_of_each_limit_counts_whatever_order_they_come_in() {
    let mut stored = Stored::new();
    let line = |second: i64, model: &str, left: u64| {
        let at = llmtop::units::rfc3339(START_US + second * 1_000_000);
        format!(
            "{{\"event\":\"llm_limit\",\"timestamp\":\"{at}\",\"upstream\":\"u\",\"key\":\"1\",\"model\":\"{model}\",\
             \"requests_limit\":100,\"requests_remaining\":{left},\"queue_calls\":2}}\n"
        )
    };
    let lines: String = [line(20, "a", 7), line(10, "a", 50), line(15, "b", 3), line(20, "a", 7)].concat();
    let broken = "{\"event\":\"llm_limit\",\"model\":\"c\"}\n{\"event\":\"llm_limit\",\"upstream\":7}\n";
    stored.add_lines("gateway", &(lines + broken), START_US);
    let call = format!(
        "{{\"event\":\"llm_call\",\"timestamp\":\"{}\",\"model\":\"a\",\"usage\":\"estimated\",\"gateway\":{{\"upstream\":\"u\"}}}}\n",
        llmtop::units::rfc3339(START_US + 18 * 1_000_000)
    );
    stored.add_lines("gateway", &call, START_US);
    let snapshot = stored.ask(&view(Window::all(), "", &[]));
    let told: Vec<_> =
        snapshot.headroom.iter().map(|l| (l.model.as_str(), l.requests_remaining, l.queue_calls, l.ts_us)).collect();
    let at = |second: i64| Some(START_US + second * 1_000_000);
    assert_eq!(told, [("b", Some(3), Some(2), at(15)), ("a", Some(7), Some(2), at(20))], "the least room first");
    let books = &snapshot.accounting;
    assert_eq!((books.read, books.accepted, books.duplicate, books.rejected), (7, 3, 2, 2));
    let call = &snapshot.records[0].call;
    assert_eq!((call.estimated, call.gateway.as_deref()), (true, Some("{\"upstream\":\"u\"}")));
}

#[test]
fn a_cluster_leads_to_exactly_its_calls() {
    let list = events(77, 600, 3);
    let mut stored = Stored::new();
    let all: Vec<&Event> = list.iter().collect();
    stored.add(&[all]);
    for filter in ["", "provider:openai", "tag:rag"] {
        let got = stored.ask(&view(Window::all(), filter, &["model"]));
        assert!(got.clusters.list.len() >= 5, "{filter}: {:?}", got.clusters);
        for cluster in &got.clusters.list {
            let narrowed = cluster.narrowed(&got.view.filter);
            let of_it = stored.ask(&View { filter: narrowed.clone(), ..view(Window::all(), "", &["model"]) });
            assert_eq!(of_it.totals.calls, cluster.calls, "{narrowed}");
            assert_eq!(Filter::parse(&narrowed.to_string()), Ok(narrowed), "as it is typed");
        }
    }
}

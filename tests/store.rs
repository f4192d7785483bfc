//! The store against the plainest computation: whatever the order, the batches, the window and the filter, an answer is
//! what a loop over all calls gives. Percentiles within the histogram's error, everything else exactly.

mod common;

use common::Rng;
use common::event::{DAY, Event, HOUR, MINUTE, START_US, event, events, time};
use common::naive::{check, check_sums, groups};
use common::stored::{NOW_US, Stored, view};
use llmtop::snapshot::Snapshot;
use llmtop::store::{Reader, Retention, Store};
use llmtop::view::{Sections, View, Window};
use proptest::prelude::*;

/// Groupings that rollups answer.
const ROLLED_UP: [&str; 6] = ["model", "error", "status", "hour", "provider,model", "day,operation,variant"];

/// A filter and what it means.
type Case = (&'static str, fn(&Event) -> bool);

fn is(value: &Option<String>, want: &str) -> bool {
    value.as_deref().is_some_and(|v| v.to_lowercase() == want.to_lowercase())
}

/// Every field, every number, and what they say together.
const FILTERS: [Case; 49] = [
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
        let did = stored.add(&cut(&mut rng, &read));
        prop_assert_eq!((did.accepted, did.duplicate), (count, read.len() as u64 - count));

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
                let mut want = groups(&now, &name);
                want.retain(|key, _| key[0].is_some());
                assert_eq!(table.groups.len(), want.len(), "{name}");
                for group in &table.groups {
                    check_sums(&group.stats, &want[&group.key], &format!("{name} {:?}", group.key));
                }
            }
        }
    }
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
    assert!((400..700).contains(&got.holdings.folded_series), "{}", got.holdings.folded_series);
    let by_model = stored.ask(&view(Window::all(), "", &["model"]));
    let calls: u64 = by_model.tables[0].groups.iter().map(|g| g.stats.calls).sum();
    assert_eq!(calls, list.len() as u64, "what shares a lane is still in the table, as unknown");
    let exact = stored.ask(&view(Window::all(), "-user:nobody", &["model"]));
    assert_eq!(exact.tables[0].total, list.len(), "rows know all combinations");
    // What came before the limit still has its own lane, also after reopening.
    let first = stored.ask(&view(Window::all(), "model:model-3", &[]));
    assert_eq!(first.totals.calls, 1);
}

#[test]
fn totals_outlive_their_rows() {
    let list = events(3, 800, 6);
    let mut stored = Stored::of(&list);
    let (cut, now_us) = (START_US + 4 * DAY, START_US + 6 * DAY);
    let asked = view(Window::all(), "", &["model", "day"]);
    let before = stored.ask(&View { sections: Sections::default(), ..asked });
    let ages = Retention { text_us: Some(now_us - cut), rows_us: Some(now_us - cut), fine_us: None };
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

#[test]
fn only_days_are_left_and_count_once() {
    let list = events(4, 800, 6);
    let mut stored = Stored::of(&list);
    let now_us = START_US + 6 * DAY;
    let ages = Retention { text_us: None, rows_us: Some(DAY), fine_us: Some(3 * DAY) };
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

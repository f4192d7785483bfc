//! Budgets against the plainest computation: whatever the period, the zone, the filter and what a budget is divided by, its
//! counters are what a loop over all calls gives; what retention has deleted is said.

mod common;

use chrono_tz::Tz;
use common::Rng;
use common::event::{DAY, Event, HOUR, MINUTE, START_US, events, time};
use common::naive::dim;
use common::stored::{NOW_US, Stored};
use llmtop::snapshot::{BudgetState, Burn, Forecast, Snapshot, Spend, Tasks};
use llmtop::store::{Patient, Reader, Retention, Store};
use llmtop::view::{Anchor, Budget, Dim, Filter, Period, Range, Sections, Span, View, Window};
use proptest::prelude::*;
use std::collections::BTreeMap;

const USD: i64 = 1_000_000_000;

/// A filter and what it means.
type Case = (&'static str, fn(&Event) -> bool);

const FILTERS: [Case; 7] = [
    ("", |_| true),
    ("env:prod", |e| e.environment.as_deref() == Some("prod")),
    ("model:gpt-4o* -status:error", |e| e.model.as_deref().is_some_and(|m| m.starts_with("gpt-4o")) && !e.is_error()),
    ("host:web-*", |e| e.host.as_deref().is_some_and(|h| h.starts_with("web-"))),
    ("user:u_1,u_2", |e| matches!(e.user.as_deref(), Some("u_1" | "u_2"))),
    ("tag:rag app:support", |e| e.tags.contains(&"rag") && e.app.as_deref() == Some("support")),
    ("model:nothing-like-it", |_| false),
];

const PER: [Option<Dim>; 8] = [
    None,
    Some(Dim::User),
    Some(Dim::Session),
    Some(Dim::Model),
    Some(Dim::App),
    Some(Dim::Host),
    Some(Dim::Variant),
    Some(Dim::Provider),
];

/// Changes of clocks in the weeks of the tests, half hours, and none.
const ZONES: [Tz; 5] = [Tz::UTC, Tz::Europe__Berlin, Tz::America__New_York, Tz::Asia__Kolkata, Tz::Pacific__Auckland];

const PERIODS: [Period; 6] = [
    Period::Day,
    Period::Week,
    Period::Month,
    Period::Last(HOUR),
    Period::Last(5 * MINUTE),
    Period::Last(9 * DAY + 1_234_567),
];

fn budget(period: Period, zone: Tz, filter: &str, per: Option<Dim>) -> Budget {
    let filter = Filter::parse(filter).expect("a filter");
    Budget { name: "b".to_owned(), limit_nusd: USD / 20, period, zone, filter, per, warn_at: vec![800, 1_000] }
}

/// A view that is of no calls, at a moment: budgets do not mind its filter.
fn view_at(at_us: i64, budgets: Vec<Budget>) -> View {
    let window = Window { span: Span::Micros(MINUTE), anchor: Anchor::At(at_us) };
    View { window, filter: Filter::parse("model:none").expect("a filter"), budgets, ..View::default() }
}

fn state(stored: &Stored, at_us: i64, budget: Budget) -> BudgetState {
    stored.ask(&view_at(at_us, vec![budget])).budgets.swap_remove(0)
}

/// What calls of a range came to.
fn spend<'e>(list: impl Iterator<Item = &'e Event>, range: Range) -> Spend {
    let within: Vec<&Event> = list.filter(|e| range.contains(e.ts_us)).collect();
    let costs: Vec<i64> = within.iter().filter_map(|e| e.cost_nusd).collect();
    Spend {
        calls: within.len() as u64,
        cost_nusd: (!costs.is_empty()).then(|| costs.iter().sum()),
        unpriced_calls: (within.len() - costs.len()) as u64,
    }
}

/// The period so far, and the one before up to the same point.
fn times(budget: &Budget, at_us: i64) -> (Range, Range) {
    let period = budget.period.at(at_us, budget.zone);
    let before = budget.period.before(period.since_us, budget.zone);
    let same = (before.since_us + at_us - period.since_us).min(before.until_us);
    (Range { since_us: period.since_us, until_us: at_us }, Range { since_us: before.since_us, until_us: same })
}

fn check_burn(got: &Burn, list: &[&Event], (budget, at_us, first_us): (&Budget, i64, i64), what: &str) {
    let (now, before) = times(budget, at_us);
    let of = |range| spend(list.iter().copied(), range);
    let begun = first_us < before.until_us;
    assert_eq!(got.spent, of(now), "{what}: spent");
    assert_eq!(got.before, begun.then(|| of(before)), "{what}: before");
    let spent = got.spent.cost_nusd.unwrap_or(0);
    if let Some(Forecast { expected_nusd, low_nusd, high_nusd }) = got.forecast {
        assert!(
            spent as f64 <= low_nusd && low_nusd <= expected_nusd && expected_nusd <= high_nusd,
            "{what}: forecast"
        );
        assert!(!matches!(budget.period, Period::Last(_)), "{what}: a length of time does not end");
    }
    if let Some(exhausted_us) = got.exhausted_us {
        assert!(exhausted_us >= at_us && spent < budget.limit_nusd, "{what}: exhausted");
    }
}

/// `first_us` is the time of the store's first call.
fn check(got: &BudgetState, list: &[&Event], (at_us, first_us): (i64, i64)) {
    let budget = &got.budget;
    let what = format!("{} {} {:?} {:?} at {at_us}", budget.period, budget.zone, budget.filter.to_string(), budget.per);
    assert_eq!(got.period, budget.period.at(at_us, budget.zone), "{what}");
    check_burn(&got.total, list, (budget, at_us, first_us), &what);
    let late = Range { since_us: at_us - HOUR.min(got.period.len_us()), until_us: at_us };
    check_rate(got.total.rate_nusd_per_h, list, late, &what);
    let Some(per) = budget.per else {
        assert_eq!((got.most.len(), got.members, got.over), (0, 0, 0), "{what}");
        return;
    };
    let mut groups: BTreeMap<String, Vec<&Event>> = BTreeMap::new();
    for event in list {
        dim(event, per.word()).into_iter().for_each(|key| groups.entry(key).or_default().push(event));
    }
    let (now, _) = times(budget, at_us);
    let mut want: Vec<(&String, Spend)> = groups.iter().map(|(k, v)| (k, spend(v.iter().copied(), now))).collect();
    want.retain(|(_, spend)| spend.calls > 0);
    want.sort_by(|(a, x), (b, y)| y.cost_nusd.cmp(&x.cost_nusd).then_with(|| a.cmp(b)));
    let costs = || want.iter().filter_map(|(_, s)| s.cost_nusd).filter(|cost| *cost > 0);
    assert_eq!(got.members, costs().count() as u64, "{what}: members");
    assert_eq!(got.over, costs().filter(|cost| *cost >= budget.limit_nusd).count() as u64, "{what}: over");
    let keys: Vec<_> = got.most.iter().map(|burn| burn.key[0].clone().expect("a name")).collect();
    assert_eq!(keys, want.iter().take(20).map(|(k, _)| (*k).clone()).collect::<Vec<_>>(), "{what}: most");
    for burn in &got.most {
        let key = burn.key[0].as_ref().expect("a name");
        let of = (budget, at_us, first_us);
        check_burn(burn, &groups[key], of, &format!("{what}: {key:?}"));
        check_rate(burn.rate_nusd_per_h, &groups[key], late, &format!("{what}: {key:?}"));
    }
}

fn check_rate(got: Option<f64>, list: &[&Event], late: Range, what: &str) {
    let spent = spend(list.iter().copied(), late);
    let want = if spent.calls == 0 { Some(0) } else { spent.cost_nusd };
    match (got, want) {
        (None, want) => assert!(want.is_none() || want == Some(0), "{what}: rate of {want:?}"),
        // Where the store began within the time, the rate is higher: what was before does not count.
        (Some(got), want) => {
            let least = want.expect("a price") as f64 * HOUR as f64 / late.len_us() as f64;
            assert!(got >= least * 0.999_999 && (got - least).abs() <= least * 60.0, "{what}: {got} {least}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_budget_is_what_a_loop_gives(seed: u64, count in 1u64..300) {
        let mut rng = Rng(seed ^ 7);
        let list = events(seed, count, 40);
        let stored = Stored::of(&list);
        let first_us = list.iter().map(|e| e.ts_us).min().expect("calls");
        for _ in 0..6 {
            let at_us = list[0].ts_us + 1 + rng.below(40 * DAY as u64) as i64;
            let at_us = if rng.chance(50) { time(&mut rng, 40).max(list[0].ts_us + 1) } else { at_us };
            let cases: Vec<Case> = (0..4).map(|_| *rng.pick(&FILTERS)).collect();
            let budgets: Vec<Budget> = cases
                .iter()
                .map(|(filter, _)| budget(*rng.pick(&PERIODS), *rng.pick(&ZONES), filter, *rng.pick(&PER)))
                .collect();
            let got = stored.ask(&view_at(at_us, budgets));
            prop_assert_eq!(got.budgets.len(), cases.len());
            for (state, (_, passes)) in got.budgets.iter().zip(&cases) {
                let of: Vec<&Event> = list.iter().filter(|e| passes(e)).collect();
                check(state, &of, (at_us, first_us));
                prop_assert_eq!(state.total.gone_us, None);
            }
        }
    }
}

/// A call of a dollar, or of something else, at an hour.
fn call(n: u64, ts_us: i64, cost_nusd: Option<i64>) -> Event {
    Event { ts_us, source: "a.log", request_id: Some(format!("r{n}")), cost_nusd, ..Event::default() }
}

/// A dollar an hour, at half past.
fn hourly(hours: i64) -> Vec<Event> {
    (0..hours).map(|n| call(n as u64, START_US + n * HOUR + 30 * MINUTE, Some(USD))).collect()
}

/// A call on every full hour: the one at the end counts, the one an hour before it does not, or a rate would be twice as high.
#[test]
fn a_rate_is_of_an_hour_to_the_microsecond() {
    let log: Vec<Event> = (0..48).map(|n| call(n, START_US + n as i64 * HOUR, Some(USD))).collect();
    let log: Vec<Event> = log.into_iter().map(|e| Event { user: Some("u_1".to_owned()), ..e }).collect();
    let stored = Stored::of(&log);
    let at_us = START_US + 30 * HOUR + 1;
    for period in [Period::Day, Period::Month, Period::Last(HOUR), Period::Last(2 * HOUR)] {
        let per = Some(Dim::User);
        for budget in [
            budget(period, Tz::UTC, "", None),
            budget(period, Tz::UTC, "", per),
            budget(period, Tz::UTC, "user:u_1", per),
        ] {
            let state = state(&stored, at_us, Budget { limit_nusd: 26 * USD, ..budget });
            assert_eq!(state.total.rate_nusd_per_h, Some(USD as f64), "{period}");
            assert!(state.most.iter().all(|burn| burn.rate_nusd_per_h == Some(USD as f64)), "{period}");
        }
    }
}

#[test]
fn even_spend_is_forecast_to_the_dollar() {
    let stored = Stored::of(&hourly(30 * 24));
    let at_us = START_US + 20 * DAY + 6 * HOUR;
    let ask = |period, limit_nusd| state(&stored, at_us, Budget { limit_nusd, ..budget(period, Tz::UTC, "", None) });
    let day = ask(Period::Day, 10 * USD);
    assert_eq!((day.total.spent.cost_nusd, day.total.before.and_then(|s| s.cost_nusd)), (Some(6 * USD), Some(6 * USD)));
    assert_eq!((day.share(), day.total.rate_nusd_per_h), (Some(0.6), Some(USD as f64)));
    assert_eq!(day.total.exhausted_us, Some(at_us + 4 * HOUR));
    let forecast = |state: &BudgetState| state.total.forecast.map(|f| (f.expected_nusd, f.low_nusd, f.high_nusd));
    assert_eq!(forecast(&day), Some((24e9, 24e9, 24e9)));
    // 2026-03-22 is a Sunday: 6 days and 6 hours of the week, 21 and 6 of the month are over.
    let week = ask(Period::Week, 1_000 * USD);
    assert_eq!((week.total.spent.cost_nusd, forecast(&week)), (Some(150 * USD), Some((168e9, 168e9, 168e9))));
    assert_eq!(week.total.exhausted_us, None, "not within the week");
    let month = ask(Period::Month, 500 * USD);
    assert_eq!(month.total.spent.cost_nusd, Some(486 * USD));
    assert_eq!(forecast(&month), Some((720e9, 720e9, 720e9)));
    assert_eq!(month.total.exhausted_us, Some(at_us + 14 * HOUR));
    // What comes in falls out again: the limit is never reached.
    let last = ask(Period::Last(DAY), 30 * USD);
    assert_eq!(
        (last.total.spent.cost_nusd, last.total.forecast, last.total.exhausted_us),
        (Some(24 * USD), None, None)
    );
}

#[test]
fn a_limit_reached_to_the_last_nano_dollar_is_all_of_it() {
    let stored = Stored::of(&hourly(48));
    let at_us = START_US + DAY + 10 * HOUR;
    let ask = |limit_nusd| state(&stored, at_us, Budget { limit_nusd, ..budget(Period::Day, Tz::UTC, "", None) });
    let reached = ask(10 * USD);
    assert_eq!((reached.share(), reached.total.exhausted_us), (Some(1.0), None));
    assert!(ask(10 * USD + 1).share().expect("known") < 1.0);
    assert!(ask(10 * USD + 1).total.exhausted_us.is_some());
    let over = ask(5 * USD);
    assert_eq!((over.share(), over.total.exhausted_us), (Some(2.0), None));
}

#[test]
fn nothing_spent_and_nothing_known_are_two_things() {
    let mut list = hourly(24);
    list.extend((0..30).map(|n| call(100 + n, START_US + 3 * DAY + n as i64 * MINUTE, None)));
    list.push(call(200, START_US + 5 * DAY, Some(USD)));
    list.push(call(201, START_US + 5 * DAY + 1, None));
    let stored = Stored::of(&list);
    let ask = |at_us| state(&stored, at_us, budget(Period::Day, Tz::UTC, "", None));
    let idle = ask(START_US + DAY + 12 * HOUR);
    assert_eq!((idle.total.spent, idle.share()), (Spend::default(), Some(0.0)));
    assert_eq!((idle.total.before.and_then(|s| s.cost_nusd), idle.total.rate_nusd_per_h), (Some(12 * USD), Some(0.0)));
    assert_eq!(idle.total.exhausted_us, None);
    let unpriced = ask(START_US + 3 * DAY + HOUR);
    assert_eq!((unpriced.total.spent.unpriced_calls, unpriced.share()), (30, None), "never $0");
    assert_eq!((unpriced.total.rate_nusd_per_h, unpriced.total.forecast), (None, None));
    let partly = ask(START_US + 5 * DAY + HOUR);
    assert_eq!((partly.total.spent.cost_nusd, partly.total.spent.unpriced_calls), (Some(USD), 1), "at least a dollar");
    assert_eq!(
        Stored::new().ask(&view_at(NOW_US, vec![budget(Period::Day, Tz::UTC, "", Some(Dim::User))])).budgets.len(),
        1
    );
}

/// Ten days of the same hours: dear in the morning, nothing at night.
#[test]
fn a_day_is_forecast_by_the_same_hours_of_the_days_before() {
    let dear = |n: i64| (6..12).map(move |hour| (n, hour));
    let list: Vec<Event> = (0..10)
        .flat_map(dear)
        .enumerate()
        .map(|(i, (n, hour))| call(i as u64, START_US + n * DAY + hour * HOUR, Some(USD)))
        .collect();
    let stored = Stored::of(&list);
    let ask = |days: i64, hours: i64| {
        let at_us = START_US + days * DAY + hours * HOUR;
        state(&stored, at_us, budget(Period::Day, Tz::UTC, "", None)).total.forecast.map(|f| f.expected_nusd / 1e9)
    };
    let near =
        |got: Option<f64>, want: f64| assert!(got.is_some_and(|got| (got - want).abs() < 0.01), "{got:?} {want}");
    near(ask(9, 9), 6.0);
    near(ask(9, 13), 6.0);
    near(ask(9, 2), 6.0);
    // With too few days an hour is taken for like any other: 3 and 15 times a quarter of a dollar.
    near(ask(3, 9), 6.75);
    assert_eq!(ask(0, 8), None, "two full hours");
}

#[test]
fn who_spent_most_and_how_many_are_over() {
    let of = |user: u64, n: u64| Event {
        user: Some(format!("u{user:02}")),
        model: Some(format!("m{user:02}")),
        ..call(user * 100 + n, START_US + n as i64 * HOUR, Some(user as i64 * USD / 100))
    };
    let mut list: Vec<Event> = (1..=40).flat_map(|user| (0..10).map(move |n| of(user, n))).collect();
    list.push(Event { user: None, model: None, ..call(9_999, START_US + 1, Some(100 * USD)) });
    list.sort_by_key(|e| e.ts_us);
    let stored = Stored::of(&list);
    for (per, filter) in [(Dim::User, ""), (Dim::Model, ""), (Dim::User, "-user:nobody"), (Dim::Model, "-user:nobody")]
    {
        let budget = Budget { limit_nusd: 3 * USD, ..budget(Period::Day, Tz::UTC, filter, Some(per)) };
        let got = state(&stored, START_US + 12 * HOUR, budget);
        assert_eq!((got.members, got.over, got.most.len()), (40, 11, 20), "{per:?} {filter}");
        assert_eq!(got.worst().spent.cost_nusd, Some(4 * USD), "what is nobody's is no member's");
        assert_eq!(got.share(), Some(4.0 / 3.0));
        assert_eq!(got.total.spent.cost_nusd, Some(182 * USD));
        assert_eq!(got.total.exhausted_us, None, "the limit is each one's");
    }
}

/// Values that share a total in rollups are told apart by single calls.
#[test]
fn too_many_models_are_still_told_apart() {
    let one =
        |n: u64| Event { model: Some(format!("m{n}")), ..call(n, START_US + n as i64 * 20_000_000, Some(n as i64)) };
    let list: Vec<Event> = (1..2_400).map(one).collect();
    let stored = Stored::of(&list);
    let got = state(&stored, START_US + 20 * HOUR, budget(Period::Day, Tz::UTC, "", Some(Dim::Model)));
    assert_eq!((got.members, got.most[0].key.clone()), (2_399, vec![Some("m2399".to_owned())]));
    assert_eq!(got.most[0].spent.cost_nusd, Some(2_399));
}

#[test]
fn an_old_log_is_told_of_its_own_last_day() {
    let stored = Stored::of(&hourly(3 * 24));
    let last = START_US + 3 * DAY - 30 * MINUTE;
    let ask = |window, now_us| {
        let view = View { window, budgets: vec![budget(Period::Day, Tz::UTC, "", None)], ..View::default() };
        stored.reader().snapshot(&view, now_us, &Patient).expect("an answer").budgets.swap_remove(0)
    };
    for window in [Window::all(), Window::last(HOUR, Anchor::Auto)] {
        assert_eq!(ask(window, NOW_US).total.spent.cost_nusd, Some(24 * USD), "{window}");
        let live = ask(window, last + MINUTE);
        assert_eq!(
            (live.total.spent.cost_nusd, live.period.until_us),
            (Some(24 * USD), START_US + 3 * DAY),
            "{window}"
        );
    }
    assert_eq!(ask(Window::last(HOUR, Anchor::Now), NOW_US).total.spent, Spend::default());
    let back = Window::last(HOUR, Anchor::At(START_US + DAY + 6 * HOUR));
    assert_eq!(ask(back, NOW_US).total.spent.cost_nusd, Some(6 * USD));
    let ahead = Window::last(HOUR, Anchor::At(NOW_US + 9 * DAY));
    assert_eq!(ask(ahead, NOW_US).total.spent, Spend::default(), "nothing of the future is spent");
}

#[test]
fn what_has_been_deleted_is_said() {
    let list = events(21, 900, 20);
    let mut stored = Stored::of(&list);
    let at_us = START_US + 20 * DAY - 7 * HOUR - 13;
    let cases = |per: &[Option<Dim>], filter: &str| -> Vec<Budget> {
        per.iter().map(|per| budget(Period::Month, Tz::America__New_York, filter, *per)).collect()
    };
    let exact = cases(&[None, Some(Dim::User), Some(Dim::Model), Some(Dim::App)], "");
    let by_rows = cases(&[None, Some(Dim::User)], "user:u_1");
    let before = stored.ask(&view_at(at_us, [exact.clone(), by_rows.clone()].concat()));
    let cut = START_US + 10 * DAY;
    let ages = Retention { rows_us: Some(NOW_US - cut), ..Retention::default() };
    stored.store().retain(ages, NOW_US).expect("pruned");
    let after = stored.ask(&view_at(at_us, [exact, by_rows].concat()));
    let spent = |got: &Snapshot, n: usize| got.budgets[n].total.spent;
    let most =
        |got: &Snapshot, n: usize| got.budgets[n].most.iter().map(|b| (b.key.clone(), b.spent)).collect::<Vec<_>>();
    for n in 0..4 {
        assert_eq!((spent(&after, n), most(&after, n)), (spent(&before, n), most(&before, n)), "rollups have all, {n}");
        assert_eq!(after.budgets[n].total.gone_us, None, "{n}");
        assert_eq!(after.budgets[n].most.first().and_then(|b| b.gone_us), None, "{n}");
    }
    for n in 4..6 {
        assert!(spent(&after, n).calls < spent(&before, n).calls, "{n}");
        assert_eq!(after.budgets[n].total.gone_us, Some(cut), "{n}");
    }
    assert_eq!(after.budgets[5].most[0].gone_us, Some(cut));
    // Days alone are left of the first half: a month of New York begins within one of them, and that is said.
    let fine = Retention { fine_us: Some(NOW_US - cut), ..Retention::default() };
    stored.store().retain(fine, NOW_US).expect("pruned");
    let days = state(&stored, at_us, budget(Period::Day, Tz::America__New_York, "", None));
    assert_eq!(days.total.gone_us, None, "the present day is whole");
    let at_us = START_US + 9 * DAY + 12 * HOUR;
    let whole = state(&stored, at_us, budget(Period::Day, Tz::America__New_York, "", None));
    assert!(whole.total.gone_us.is_some(), "{whole:?}");
    let users = state(&stored, START_US + 19 * DAY, budget(Period::Month, Tz::UTC, "", Some(Dim::User)));
    assert_eq!(users.most[0].gone_us, Some(cut));
}

#[test]
fn two_viewers_agree_and_a_restart_changes_nothing() {
    let list = events(5, 500, 9);
    let stored = Stored::of(&list);
    let budgets: Vec<Budget> =
        PER.iter().map(|per| budget(Period::Week, Tz::Europe__Berlin, "env:prod", *per)).collect();
    let (one, two) = (view_at(START_US + 6 * DAY, budgets.clone()), view_at(START_US + 6 * DAY, budgets));
    let two = View { window: Window { span: Span::Micros(DAY), ..two.window }, filter: Filter::default(), ..two };
    assert_eq!(stored.ask(&one).budgets, stored.ask(&two).budgets);
}

#[test]
fn tasks_are_judged_once_each_by_their_newest_score() {
    let mut stored = Stored::of(&hourly(3));
    let score = |minute: i64, of: &str, value: &str| {
        let time = llmtop::units::rfc3339(START_US + minute * MINUTE);
        format!(r#"{{"event":"llm_score","timestamp":"{time}","name":"task_completed","value":{value},{of}}}"#)
    };
    let lines = [
        score(1, r#""request_id":"a""#, "true"),
        score(2, r#""request_id":"a""#, "false"),
        score(3, r#""request_id":"b""#, "0.5"),
        score(4, r#""trace_id":"a""#, "true"),
        score(5, r#""trace_id":"c""#, "0.49"),
        score(6, r#""trace_id":"d""#, "4"),
        score(600, r#""trace_id":"c""#, "1"),
        score(7, r#""request_id":"e""#, "true").replace("task_completed", "thumbs"),
    ];
    stored.add_lines("scores.log", &lines.join("\n"), NOW_US);
    let ask = |stored: &Stored, window| {
        stored.ask(&View { window, sections: Sections { tasks: true, ..Sections::default() }, ..View::default() }).tasks
    };
    let hour = Window::last(HOUR, Anchor::At(START_US + HOUR));
    assert_eq!(ask(&stored, hour), Some(Tasks { judged: 4, completed: 2 }));
    assert_eq!(ask(&stored, Window::all()), Some(Tasks { judged: 4, completed: 3 }), "a score may come long after");
    assert_eq!(stored.ask(&View::default()).tasks, None, "nobody asked");
    let ages = Retention { rows_us: Some(NOW_US - START_US - 2 * HOUR), ..Retention::default() };
    stored.store().retain(ages, NOW_US).expect("pruned");
    assert_eq!(ask(&stored, Window::all()), None, "deleted scores are not told as none");
}

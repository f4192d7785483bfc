//! Tables of the engine, with made-up snapshots: hold, hysteresis, the unknown, coming and going, budgets and their days.

use super::*;
use crate::snapshot::{BudgetState, Burn, Dist, Forecast, Holdings, Record, Snapshot, Spend, Stats};
use crate::view::{Budget, Dim, Filter, Period, Range, View};
use chrono_tz::Tz;

const S: i64 = 1_000_000;
const MIN: i64 = 60 * S;
const HOUR: i64 = 60 * MIN;
/// 2026-05-01T14:00:00Z
const NOW: i64 = 1_777_644_000 * S;
const USD: i64 = 1_000_000_000;

fn rule(metric: &str, side: Side, at: f64) -> Rule {
    let metric = Metric::named(metric).expect("a metric");
    Rule {
        name: "prod".to_owned(),
        metric,
        over_us: 5 * MIN,
        filter: Filter::default(),
        budget: None,
        condition: Condition { against: Against::Value, side, at, clear: at },
        hold_us: 0,
        min_calls: metric.min_calls,
        notify: None,
        targets: Targets::default(),
        line: 1,
    }
}

fn answer(totals: Stats) -> Snapshot {
    Snapshot { totals, range: Range { since_us: NOW - 5 * MIN, until_us: NOW }, ..Snapshot::default() }
}

/// So many calls of a hundred have failed.
fn failed(percent: u64) -> Snapshot {
    answer(Stats { calls: 100, errors: percent, ..Stats::default() })
}

/// Steps an engine of one rule through answers, so many seconds apart; `F`, `C` or `.` for each, `p` while pending.
fn course(rule: &Rule, seconds: i64, answers: &[Snapshot]) -> String {
    let mut engine = Engine::new(std::slice::from_ref(rule), &[]);
    let step = |(i, answer): (usize, &Snapshot)| {
        let changes = engine.step(NOW + seconds * S * i as i64, std::slice::from_ref(answer));
        match (changes.as_slice(), engine.states()[0].phase) {
            ([Change { turn: Turn::Fired, .. }], Phase::Firing { .. }) => 'F',
            ([Change { turn: Turn::Cleared, .. }], Phase::Quiet) => 'C',
            ([], Phase::Quiet) => '.',
            ([], Phase::Pending { .. }) => 'p',
            ([], Phase::Firing { .. }) => 'f',
            other => panic!("{other:?}"),
        }
    };
    answers.iter().enumerate().map(step).collect()
}

#[test]
fn a_rule_fires_beyond_its_threshold_and_clears_at_it() {
    let rates = [4, 5, 6, 7, 5, 4, 6].map(failed);
    assert_eq!(course(&rule("error_rate", Side::Above, 0.05), 5, &rates), "..FfC.F");
    let rates = [6, 5, 4, 4, 5, 6].map(failed);
    assert_eq!(course(&rule("error_rate", Side::Below, 0.05), 5, &rates), "..FfC.");
}

#[test]
fn a_rule_has_to_hold_and_clears_at_its_own_bound() {
    let mut held = rule("error_rate", Side::Above, 0.05);
    held.hold_us = 10 * S;
    assert_eq!(course(&held, 5, &[6, 6, 6, 6, 2].map(failed)), "ppFfC");
    assert_eq!(course(&held, 5, &[6, 6, 5, 6, 6, 6].map(failed)), "pp.ppF");
    assert_eq!(course(&held, 60, &[6, 6].map(failed)), "pF", "a late look is enough");
    let mut engine = Engine::new(std::slice::from_ref(&held), &[]);
    let mut at = |seconds: i64| engine.step(NOW + seconds * S, &[failed(6)]).len();
    assert_eq!([at(0), at(-3_600), at(-3_595), at(-3_590)], [0, 0, 0, 1], "a clock that was set back");
    held.hold_us = 0;
    held.condition.clear = 0.02;
    assert_eq!(course(&held, 5, &[6, 5, 3, 2, 3, 5, 6].map(failed)), "FffC..F");
}

#[test]
fn the_unknown_neither_fires_nor_clears() {
    let few = || answer(Stats { calls: 9, errors: 9, ..Stats::default() });
    let none = || answer(Stats::default());
    let rates = [few(), none(), failed(50), few(), none(), failed(0), few()];
    assert_eq!(course(&rule("error_rate", Side::Above, 0.05), 5, &rates), "..FffC.");
    let mut held = rule("error_rate", Side::Above, 0.05);
    held.hold_us = 10 * S;
    assert_eq!(course(&held, 5, &[failed(50), none(), none(), failed(50)]), "pppF");
    held.min_calls = 101;
    assert_eq!(course(&held, 60, &[failed(50), failed(50)]), "..", "its own least number of calls");
}

#[test]
fn percentiles_of_few_calls_are_unknown() {
    let of = |count, value| {
        let dist = Dist { count, p50: Some(value), p95: Some(value), p99: Some(value), ..Dist::default() };
        answer(Stats { calls: 500, latency_us: dist, ttft_us: dist, ..Stats::default() })
    };
    for (metric, enough) in [("p50_latency", 10), ("p95_latency", 20), ("p99_latency", 100), ("ttft_p95", 20)] {
        let rule = rule(metric, Side::Above, 2e6);
        assert_eq!(course(&rule, 5, &[of(enough - 1, 9e6), of(enough, 9e6), of(enough, 1e6)]), ".FC", "{metric}");
    }
}

#[test]
fn every_metric_of_calls_is_read_in_its_unit() {
    let stats = Stats {
        calls: 200,
        errors: 20,
        rate_limited: 10,
        cost_nusd: Some(3 * USD),
        unpriced_calls: 50,
        ..Stats::default()
    };
    for (metric, want) in [
        ("error_rate", Some(0.1)),
        ("rate_limit_rate", Some(0.05)),
        ("spend", Some(3e9)),
        ("spend_rate", Some(36e9)),
        ("unpriced_share", Some(0.25)),
        ("calls_per_min", Some(40.0)),
        ("p95_latency", None),
        ("no_events", None),
        ("budget_share", None),
    ] {
        let metric = Metric::named(metric).expect("a metric");
        assert_eq!(metric.of_window(&stats, 5 * MIN, metric.min_calls), want, "{metric:?}");
    }
    let unpriced = Stats { calls: 5, unpriced_calls: 5, ..Stats::default() };
    let spend = Metric::named("spend").expect("a metric");
    assert_eq!(spend.of_window(&unpriced, MIN, 0), None, "not nothing");
    let refused = Stats { cost_nusd: Some(0), unpriced_calls: 4, ..unpriced };
    assert_eq!(spend.of_window(&refused, MIN, 0), None, "nor where nothing but refused calls is priced");
    assert_eq!(spend.of_window(&Stats::default(), MIN, 0), Some(0.0), "nothing was called");
    assert!(Metric::named("eror_rate").is_err_and(|why| why.ends_with("did you mean error_rate?")));
}

#[test]
fn a_change_is_against_the_window_before() {
    let of = |now: u64, before: u64| Snapshot {
        previous: Stats { calls: before, ..Stats::default() },
        ..answer(Stats { calls: now, ..Stats::default() })
    };
    let mut rise = rule("calls_per_min", Side::Above, 0.5);
    rise.condition.against = Against::Before;
    assert_eq!(course(&rise, 5, &[of(150, 100), of(151, 100), of(9, 0), of(100, 100)]), ".FfC");
    let mut fall = rule("calls_per_min", Side::Below, -0.5);
    fall.condition.against = Against::Before;
    assert_eq!(course(&fall, 5, &[of(50, 100), of(49, 100), of(0, 100), of(60, 100)]), ".FfC");
    let mut engine = Engine::new(&[rise], &[]);
    let changes = engine.step(NOW, &[of(180, 100)]);
    let summary = tell::summary(&changes[0].alert);
    assert_eq!(summary, "calls a minute +80.0 % against the 5m before, above +50.0 %");
}

#[test]
fn silence_is_the_time_since_the_newest_call() {
    let rule = rule("no_events", Side::Above, (10 * MIN) as f64);
    let called = |at: i64| {
        let record = Record { ts_us: at, ..Record::default() };
        Snapshot { records: vec![record], ..answer(Stats::default()) }
    };
    let quiet = |first, last| Snapshot {
        holdings: Holdings { calls: 5, bounds: Some((first, last)), ..Holdings::default() },
        ..answer(Stats::default())
    };
    // A step a minute: the newest call is 9, 11 and then no minutes old.
    assert_eq!(course(&rule, 60, &[called(NOW - 9 * MIN), called(NOW - 10 * MIN), called(NOW + 2 * MIN)]), ".FC");
    assert_eq!(course(&rule, 60, &[quiet(0, NOW - 3 * HOUR)]), "F", "long before the window");
    assert_eq!(course(&rule, 60, &[called(NOW + HOUR)]), ".", "a clock that runs ahead");
    // Nothing was ever called: silence begins with the watching.
    let nothing: Vec<Snapshot> = (0..12).map(|_| answer(Stats::default())).collect();
    assert_eq!(course(&rule, 60, &nothing), "...........F");
    let mut filtered = rule.clone();
    filtered.filter = Filter::parse("env:prod").expect("reads");
    let mut engine = Engine::new(&[filtered], &[]);
    let views = engine.views();
    assert_eq!((views.len(), views[0].sections.records), (1, 1));
    let view = View { filter: views[0].filter.clone(), ..View::default() };
    let range = Range { since_us: NOW - HOUR, until_us: NOW };
    let others = Snapshot { view, range, ..quiet(0, NOW) };
    let fired = engine.step(NOW, &[others]);
    assert_eq!(tell::summary(&fired[0].alert), "time without a call 1h, above 10m", "others' calls do not count");
}

#[test]
fn rules_of_one_window_and_filter_share_a_question() {
    let mut other = rule("p95_latency", Side::Above, 2e6);
    other.filter = Filter::parse("env:prod").expect("reads");
    let mut longer = rule("spend", Side::Above, 2e9);
    longer.over_us = HOUR;
    let rules = [rule("error_rate", Side::Above, 0.05), rule("spend", Side::Above, 2e9), other, longer];
    let budgets = [budget(Period::Day, None)];
    let engine = Engine::new(&rules, &budgets);
    let views = engine.views();
    assert_eq!(views.len(), 3);
    assert_eq!(views.iter().map(|view| view.budgets.len()).collect::<Vec<_>>(), [1, 0, 0]);
    assert!(Engine::new(&[], &[]).is_idle());
    assert_eq!(Engine::new(&[], &budgets).views().len(), 1);
    assert_eq!(engine.reach_us(), (HOUR, 0));
}

#[test]
fn an_alert_says_what_how_much_since_when_and_where_to_look() {
    let mut errors = rule("error_rate", Side::Above, 0.05);
    errors.filter = Filter::parse("env:prod app:\"a b\"").expect("reads");
    errors.hold_us = MIN;
    assert_eq!(errors.words(), "error rate above 5.00 % over 5m for 1m, env:prod app:\"a b\"");
    let mut engine = Engine::new(&[errors], &[]);
    engine.step(NOW - MIN, &[failed(8)]);
    let fired = engine.step(NOW, &[failed(7)]);
    let cleared = engine.step(NOW + 90 * S, &[failed(1)]);
    assert_eq!(
        fired[0].line(),
        "FIRED prod: error rate 7.00 % over 5m, above 5.00 %, since 2026-05-01T13:59:00.000Z; \
         --window 2026-05-01T13:55:00.000Z..2026-05-01T14:00:00.000Z --filter 'env:prod app:\"a b\" status:error'"
    );
    assert_eq!(
        cleared[0].headline(),
        "CLEARED prod: error rate 1.00 % over 5m, above 5.00 %, after 2m 30s, since 2026-05-01T13:59:00.000Z"
    );
    assert_eq!(fired[0].alert.id, cleared[0].alert.id);
    let event = fired[0].event();
    for (name, want) in [
        ("event", "\"llm_alert\""),
        ("state", "\"fired\""),
        ("timestamp", "\"2026-05-01T14:00:00.000Z\""),
        ("value", "0.07"),
        ("threshold", "0.05"),
        ("unit", "\"share\""),
        ("filter", "\"env:prod app:\\\"a b\\\" status:error\""),
        ("budget", "null"),
    ] {
        assert_eq!(event[name].to_string(), want, "{name}");
    }
    let slow = rule("p95_latency", Side::Above, 2e6);
    assert_eq!(slow.metric.narrowed(&slow.filter, Some(2e6)).to_string(), "latency>2s");
}

#[test]
fn names_from_logs_are_harmless_wherever_they_go() {
    let evil = "x\u{1b}]0;pwned\u{7}<!channel>`rm -rf`'; rm -rf ~".to_owned() + &"a".repeat(500);
    let mut engine = Engine::new(&[], &[budget(Period::Day, Some(Dim::User))]);
    let mut state = spent(Period::Day, NOW, 0, Some(Dim::User));
    state.most = vec![burn(Some(Some(&evil)), 40 * USD)];
    let change = engine.step(NOW, &[with(vec![state])]).remove(0);
    for text in [change.line(), change.slack()["text"].to_string()] {
        assert!(!text.contains(['\u{1b}', '\u{7}']) && text.len() < 2_000, "{text}");
    }
    assert!(change.line().contains("'\\''; rm -rf ~"), "quoted for the shell: {}", change.line());
    let slack = change.slack()["text"].as_str().expect("text").to_owned();
    assert!(!slack.contains("<!channel>") && slack.matches('`').count() == 2 + 2, "{slack}");
}

fn budget(period: Period, per: Option<Dim>) -> Budget {
    Budget {
        name: "daily".to_owned(),
        limit_nusd: 50 * USD,
        period,
        zone: Tz::Europe__Berlin,
        filter: Filter::parse("env:prod").expect("reads"),
        per,
        warn_at: vec![500, 800, 1_000],
    }
}

fn burn(key: Option<Option<&str>>, nusd: i64) -> Burn {
    let key = key.map(|key| key.map(str::to_owned)).into_iter().collect();
    Burn { key, spent: Spend { calls: 10, cost_nusd: Some(nusd), unpriced_calls: 0 }, ..Burn::default() }
}

fn spent(period: Period, now_us: i64, nusd: i64, per: Option<Dim>) -> BudgetState {
    let budget = budget(period, per);
    let period = budget.period.at(now_us, budget.zone);
    BudgetState { budget, period, total: burn(None, nusd), most: Vec::new(), members: 0, over: 0 }
}

fn with(budgets: Vec<BudgetState>) -> Snapshot {
    Snapshot { budgets, ..answer(Stats::default()) }
}

fn told(changes: &[Change]) -> Vec<String> {
    let one = |c: &Change| {
        let key = c.alert.key.as_deref().map(|key| format!(" {key}")).unwrap_or_default();
        format!("{} {}{key}", c.turn.word(), (c.alert.threshold * 100.0).round())
    };
    changes.iter().map(one).collect()
}

#[test]
fn a_budget_warns_once_a_step_and_a_period() {
    let mut engine = Engine::new(&[], &[budget(Period::Day, None)]);
    let mut at = |now_us: i64, cents: i64| {
        told(&engine.step(now_us, &[with(vec![spent(Period::Day, now_us, cents * USD / 100, None)])]))
    };
    assert_eq!(at(NOW, 2_499), [""; 0]);
    assert_eq!(at(NOW + MIN, 2_500), ["fired 50"], "half is half");
    assert_eq!(at(NOW + 2 * MIN, 3_900), [""; 0]);
    assert_eq!(at(NOW + 3 * MIN, 5_001), ["fired 100"], "a jump is told once, at its highest step");
    assert_eq!(at(NOW + 4 * MIN, 9_999), [""; 0]);
    // 22:00 UTC is midnight in Berlin.
    assert_eq!(at(NOW + 8 * HOUR - 1, 9_999), [""; 0]);
    assert_eq!(at(NOW + 8 * HOUR, 0), ["cleared 100"]);
    assert_eq!(at(NOW + 9 * HOUR, 4_000), ["fired 80"]);
}

#[test]
fn a_day_of_summer_time_ends_an_hour_early() {
    let berlin = |text: &str| chrono::DateTime::parse_from_rfc3339(text).expect("a time").timestamp_micros();
    for (noon, last, next) in [
        ("2026-03-29T12:00:00+02:00", "2026-03-29T23:59:59+02:00", "2026-03-30T00:00:00+02:00"),
        ("2026-10-25T12:00:00+01:00", "2026-10-25T23:59:59+01:00", "2026-10-26T00:00:00+01:00"),
    ] {
        let mut engine = Engine::new(&[], &[budget(Period::Day, None)]);
        let mut at = |text: &str, usd: i64| {
            let now_us = berlin(text);
            told(&engine.step(now_us, &[with(vec![spent(Period::Day, now_us, usd * USD, None)])]))
        };
        assert_eq!(at(noon, 30), ["fired 50"]);
        assert_eq!(at(last, 30), [""; 0], "{last}");
        assert_eq!(at(next, 26), ["cleared 50", "fired 50"], "{next}");
    }
}

#[test]
fn a_divided_budget_warns_of_each_part() {
    let mut engine = Engine::new(&[], &[budget(Period::Week, Some(Dim::User))]);
    let mut at = |now_us: i64, users: &[(Option<&str>, i64)]| {
        let mut state = spent(Period::Week, now_us, 500, Some(Dim::User));
        state.members = 30;
        state.most = users.iter().map(|(user, usd)| burn(Some(*user), usd * USD)).collect();
        told(&engine.step(now_us, &[with(vec![state])]))
    };
    assert_eq!(at(NOW, &[(Some("ann"), 26), (Some("bob"), 24)]), ["fired 50 user ann"]);
    assert_eq!(
        at(NOW + MIN, &[(Some("bob"), 41), (Some("ann"), 30), (None, 25)]),
        ["fired 80 user bob", "fired 50 user (unknown)"]
    );
    assert_eq!(at(NOW + MIN, &[(Some("bob"), 41)]), [""; 0], "who is listed no more has not spent less");
    assert_eq!(at(NOW + 7 * 24 * HOUR, &[]).len(), 3, "the week is over for all");
}

#[test]
fn a_budget_of_a_length_of_time_clears_and_warns_again() {
    let mut engine = Engine::new(&[], &[budget(Period::Last(24 * HOUR), None)]);
    let mut at = |minute: i64, cents: i64| {
        let now_us = NOW + minute * MIN;
        told(&engine.step(now_us, &[with(vec![spent(Period::Last(24 * HOUR), now_us, cents * USD / 100, None)])]))
    };
    assert_eq!(at(0, 4_000), ["fired 80"]);
    assert_eq!(at(1, 3_990), [""; 0]);
    assert_eq!(at(2, 4_010), [""; 0], "around the step nothing is said again");
    assert_eq!(at(3, 3_500), ["cleared 80"]);
    assert_eq!(at(4, 3_600), [""; 0], "the lower step was told on the way up");
    assert_eq!(at(5, 4_100), ["fired 80"]);
    assert_eq!(at(6, 1_000), ["cleared 80"]);
    assert_eq!(at(7, 2_500), ["fired 50"]);
    assert_eq!(at(8, 4_000), ["fired 80"]);
    assert_eq!(at(9, 3_000), ["cleared 80"]);
    assert_eq!(at(10, 1_000), ["cleared 50"], "what is left in the end is the step that it came down to");
}

#[test]
fn whoever_falls_out_of_the_list_of_a_length_of_time_is_warned_of_no_more() {
    let period = Period::Last(24 * HOUR);
    let mut engine = Engine::new(&[], &[budget(period, Some(Dim::User))]);
    let mut at = |minute: i64, members: u64, users: &[(&str, i64)]| {
        let now_us = NOW + minute * MIN;
        let mut state = spent(period, now_us, 500, Some(Dim::User));
        state.members = members;
        state.most = users.iter().map(|(user, usd)| burn(Some(Some(user)), usd * USD)).collect();
        told(&engine.step(now_us, &[with(vec![state])]))
    };
    assert_eq!(at(0, 2, &[("ann", 45), ("bob", 1)]), ["fired 80 user ann"]);
    assert_eq!(at(1, 3, &[("cem", 49), ("bob", 39)]).len(), 2, "ann may have spent as much as bob");
    assert_eq!(at(2, 3, &[("cem", 49), ("bob", 35)]), ["cleared 80 user ann"]);
    assert_eq!(at(3, 1, &[("cem", 49)]), ["cleared 50 user bob"], "all that have spent anything are listed");
    assert_eq!(at(4, 0, &[]), ["cleared 80 user cem"]);
}

#[test]
fn whoever_watches_a_budget_of_a_calendar_tells_of_it_by_the_same_id() {
    let id = |now_us: i64, usd: i64, user: &str| {
        let mut state = spent(Period::Day, now_us, 0, Some(Dim::User));
        state.most = vec![burn(Some(Some(user)), usd * USD)];
        let mut engine = Engine::new(&[], &[budget(Period::Day, Some(Dim::User))]);
        engine.step(now_us, &[with(vec![state])]).remove(0).alert.id
    };
    let first = id(NOW, 41, "ann");
    assert_eq!(first, id(NOW + 3 * HOUR, 44, "ann"), "a second viewer, or the same after a restart");
    for other in [id(NOW, 26, "ann"), id(NOW, 41, "bob"), id(NOW + 24 * HOUR, 41, "ann")] {
        assert_ne!(first, other, "another step, part or day");
    }
}

#[test]
fn rules_of_budgets_read_their_state() {
    let mut share = rule("budget_share", Side::Above, 0.9);
    share.budget = Some("daily".to_owned());
    let mut coming = rule("forecast_over_limit", Side::Above, 1.0);
    coming.budget = Some("daily".to_owned());
    coming.name = "coming".to_owned();
    let day = Budget { warn_at: Vec::new(), ..budget(Period::Day, Some(Dim::User)) };
    let mut engine = Engine::new(&[share, coming], std::slice::from_ref(&day));
    let mut state = spent(Period::Day, NOW, 46 * USD, Some(Dim::User));
    state.budget = day;
    let expected = |usd: f64| Some(Forecast { expected_nusd: usd * 1e9, low_nusd: 0.0, high_nusd: 0.0 });
    state.most = vec![
        Burn { forecast: expected(49.0), ..burn(Some(Some("ann")), 46 * USD) },
        Burn { forecast: expected(60.0), ..burn(Some(Some("bob")), 20 * USD) },
    ];
    let changes = engine.step(NOW, &[with(vec![state.clone()])]);
    let lines: Vec<String> = changes.iter().map(|change| tell::summary(&change.alert)).collect();
    assert_eq!(
        lines,
        [
            "spent of the budget 92.0 % ($46.00 of $50.00) by user ann, above 90.0 %",
            "forecast of the budget 120 % ($20.00 of $50.00) by user bob, above 100 %",
        ]
    );
    assert_eq!(changes[0].alert.filter.to_string(), "env:prod user:ann");
    state.most[0].spent = Spend { calls: 5, cost_nusd: None, unpriced_calls: 5 };
    assert!(engine.step(NOW, &[with(vec![state])]).is_empty(), "unknown");
}

#[test]
fn one_that_comes_and_goes_is_told_at_most_once_in_a_time() {
    let rule = rule("error_rate", Side::Above, 0.05);
    let mut engine = Engine::new(&[rule], &[]);
    let mut notices = Notices::new(5 * MIN);
    let mut at = |minute: i64, percent: u64| -> Vec<(&'static str, u64)> {
        let now_us = NOW + minute * MIN;
        let changes = engine.step(now_us, &[failed(percent)]);
        notices.step(now_us, &changes).iter().map(|n| (n.change.turn.word(), n.untold)).collect()
    };
    assert_eq!(at(0, 9), [("fired", 0)]);
    assert_eq!(at(1, 1), [("cleared", 0)]);
    assert_eq!(at(2, 9), [], "too soon");
    assert_eq!(at(3, 1), [], "and its end with it");
    assert_eq!(at(4, 9), [], "too soon still");
    assert_eq!(at(5, 9), [("fired", 1)], "it fires still, so it is told late");
    assert_eq!(at(6, 1), [("cleared", 0)]);
    assert_eq!(at(20, 9), [("fired", 0)]);
}

#[test]
fn the_end_of_a_rule_is_told_whoever_has_spent_most_by_then() {
    let mut share = rule("budget_share", Side::Above, 0.9);
    share.budget = Some("daily".to_owned());
    let budget = Budget { warn_at: Vec::new(), ..budget(Period::Day, Some(Dim::User)) };
    let mut engine = Engine::new(&[share], std::slice::from_ref(&budget));
    let mut notices = Notices::new(5 * MIN);
    let mut at = |minute: i64, user: &str, usd: i64| {
        let now_us = NOW + minute * MIN;
        let mut state = spent(Period::Day, now_us, 0, Some(Dim::User));
        state.budget = budget.clone();
        state.most = vec![burn(Some(Some(user)), usd * USD)];
        let changes = engine.step(now_us, &[with(vec![state])]);
        let notices = notices.step(now_us, &changes);
        notices.iter().map(|n| (n.change.turn.word(), n.change.alert.id.clone())).collect::<Vec<_>>()
    };
    let fired = at(0, "ann", 46);
    let cleared = at(1, "bob", 12);
    assert_eq!((fired[0].0, cleared[0].0), ("fired", "cleared"));
    assert_eq!(fired[0].1, cleared[0].1);
}

#[test]
fn the_next_step_of_a_budget_is_told_at_once() {
    let mut engine = Engine::new(&[], &[budget(Period::Day, None)]);
    let mut notices = Notices::new(HOUR);
    let mut at = |minute: i64, usd: i64| {
        let now_us = NOW + minute * MIN;
        let changes = engine.step(now_us, &[with(vec![spent(Period::Day, now_us, usd * USD, None)])]);
        notices.step(now_us, &changes).iter().map(|n| n.change.alert.threshold).collect::<Vec<_>>()
    };
    assert_eq!(at(0, 25), [0.5]);
    assert_eq!(at(1, 41), [0.8]);
    assert_eq!(at(2, 52), [1.0]);
    assert_eq!(at(3, 53), [0.0; 0]);
}

#[test]
fn ways_to_tell_are_those_named_or_those_there_are() {
    let mut settings = Settings::default();
    let mut rule = rule("error_rate", Side::Above, 0.05);
    assert_eq!(settings.route(Some(&rule)).0, [Channel::Screen, Channel::Bell]);
    settings.targets.command = vec!["page".to_owned()];
    rule.targets.webhook = Some(Address("https://user:pw@hooks.slack.com/services/T0/secret".to_owned()));
    let (channels, targets) = settings.route(Some(&rule));
    assert_eq!(channels, [Channel::Screen, Channel::Bell, Channel::Command, Channel::Webhook]);
    assert_eq!((targets.command[0].as_str(), targets.format()), ("page", Format::Slack));
    assert_eq!(format!("{:?}", targets.webhook), "Some(Address(hooks.slack.com/…))", "its secret is not shown");
    assert_eq!(settings.route(None).0, [Channel::Screen, Channel::Command]);
    rule.notify = Some(vec![Channel::File]);
    assert_eq!(settings.route(Some(&rule)).0, [Channel::File]);
}

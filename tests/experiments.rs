//! Experiments through the whole backbone: counters of units in any order of arrival, corrected, moved and deleted; three
//! scenarios with a known end; what commands say of them.

mod common;

use common::Rng;
use common::program::Home;
use common::stored::{NOW_US, Parser, Stored};
use llmtop::price::{Author, Bucket, CostSource, Entry, Prices, Rate, Service, Source, Table, Tables};
use llmtop::snapshot::experiments::{Experiment, Judgement};
use llmtop::store::{Mode, Retention, Store};
use llmtop::view::{Experiment as Rule, Metric, Range, Sections, Unit, View, Window};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

const DAY: i64 = 86_400_000_000;
const START: i64 = common::event::START_US;

/// A made-up call or score.
#[derive(Debug, Clone)]
enum Made {
    Call(Call),
    Score { id: String, ts_us: i64, request: Option<String>, trace: Option<String>, name: &'static str, value: f64 },
}

#[derive(Debug, Clone)]
struct Call {
    id: String,
    ts_us: i64,
    trace: String,
    user: Option<String>,
    session: Option<String>,
    experiment: Option<&'static str>,
    variant: Option<&'static str>,
    failed: bool,
    cost: Option<f64>,
    latency_ms: Option<f64>,
    output: Option<u64>,
}

impl Made {
    fn line(&self) -> String {
        let time = |us: &i64| *us as f64 / 1e6;
        let value = match self {
            Made::Call(c) => serde_json::json!({
                "event": "llm_call", "request_id": c.id, "timestamp": time(&c.ts_us), "trace_id": c.trace,
                "model": "gpt-4o", "provider": "openai", "user_id": c.user, "session_id": c.session,
                "experiment": c.experiment, "variant": c.variant, "status": if c.failed { "error" } else { "ok" },
                "cost_usd": c.cost, "latency_ms": c.latency_ms, "output_tokens": c.output, "input_tokens": 1_000,
            }),
            Made::Score { id, ts_us, request, trace, name, value } => serde_json::json!({
                "event": "llm_score", "id": id, "timestamp": time(ts_us), "request_id": request, "trace_id": trace,
                "name": name, "value": value, "source": "judge",
            }),
        };
        value.to_string()
    }
}

/// Calls of a few users over three days, in two experiments and in none, and scores of some of them.
fn made(seed: u64, count: u64) -> Vec<Made> {
    let mut rng = Rng(seed);
    let mut all = Vec::new();
    for n in 0..count {
        let user = rng.chance(80).then(|| format!("u_{}", rng.below(7)));
        let session = rng.chance(60).then(|| format!("s_{}", rng.below(9)));
        let ts_us = START + rng.below(3 * DAY as u64) as i64 / 1_000_000 * 1_000_000;
        let call = Call {
            id: format!("r_{n}"),
            ts_us,
            trace: format!("t_{n}"),
            user,
            session,
            experiment: [None, Some("tone"), Some("length")][rng.below(3) as usize],
            variant: [None, Some("a"), Some("b")][rng.below(3) as usize],
            failed: rng.chance(20),
            cost: rng.chance(80).then(|| rng.below(900) as f64 / 1e4),
            latency_ms: rng.chance(90).then(|| 50.0 + rng.below(4_000) as f64),
            output: rng.chance(90).then(|| rng.below(500)),
        };
        if rng.chance(40) {
            let (request, trace) =
                if rng.chance(50) { (Some(call.id.clone()), None) } else { (None, Some(call.trace.clone())) };
            all.push(Made::Score {
                id: format!("score_{n}"),
                ts_us: ts_us + rng.below(3_600) as i64 * 1_000_000,
                request,
                trace,
                name: ["task_completed", "thumbs", "tone"][rng.below(3) as usize],
                value: [0.0, 1.0, 0.4][rng.below(3) as usize],
            });
        }
        all.push(Made::Call(call));
    }
    all
}

fn view(rules: &[Rule]) -> View {
    let sections = Sections { experiments: 99, ..Sections::default() };
    View { window: Window::all(), sections, experiments: rules.to_vec(), ..View::default() }
}

fn asked(stored: &Stored, rules: &[Rule]) -> Vec<Experiment> {
    stored.ask(&view(rules)).experiments
}

/// Stores events, in groups of batches of one transaction each.
fn store(events: &[Made], rng: &mut Rng) -> Stored {
    let mut stored = Stored::new();
    append(&mut stored, events, rng);
    stored
}

fn append(stored: &mut Stored, events: &[Made], rng: &mut Rng) {
    let mut parser = Parser::new();
    let mut rest = events;
    while !rest.is_empty() {
        let (some, later) = rest.split_at(1 + rng.below(rest.len() as u64) as usize);
        let lines: Vec<String> = some.iter().map(Made::line).collect();
        let batch = parser.batch("log", lines.iter().map(String::as_str), NOW_US);
        if rng.chance(30) {
            stored.store().park(&[batch]).expect("put aside");
        } else {
            stored.store().append(&[batch]).expect("appended");
        }
        rest = later;
    }
    stored.store().append(&[]).expect("appended");
}

/// What a loop over the events says of one variant: units, calls, and a few figures.
#[derive(Debug, Default, PartialEq)]
struct Naive {
    units: BTreeSet<String>,
    calls: u64,
    failed: u64,
    cost: f64,
    priced: u64,
    done: u64,
    judged: u64,
}

fn unit_of(call: &Call, unit: Unit) -> String {
    let user = call.user.as_ref().map(|user| format!("user {user}"));
    let session = call.session.as_ref().map(|session| format!("session {session}"));
    let alone = format!("call {}", call.id);
    match unit {
        Unit::User => user.or(session).unwrap_or(alone),
        Unit::Session => session.unwrap_or(alone),
        Unit::Request => alone,
    }
}

fn naive(events: &[Made], unit: Unit) -> BTreeMap<(String, String), Naive> {
    let mut all: BTreeMap<(String, String), Naive> = BTreeMap::new();
    let calls: Vec<&Call> = events.iter().filter_map(|e| if let Made::Call(c) = e { Some(c) } else { None }).collect();
    for call in &calls {
        let Some(variant) = call.variant else { continue };
        let of = all.entry((call.experiment.unwrap_or("default").to_owned(), variant.to_owned())).or_default();
        of.units.insert(unit_of(call, unit));
        of.calls += 1;
        of.failed += u64::from(call.failed);
        of.cost += call.cost.unwrap_or(0.0);
        of.priced += u64::from(call.cost.is_some());
        for event in events {
            let Made::Score { request, trace, name: "task_completed", value, .. } = event else { continue };
            if request.as_ref() == Some(&call.id) || trace.as_ref() == Some(&call.trace) {
                // A trace of one call without a user or a session has no unit that is known.
                let known = trace.is_none() || !unit_of(call, unit).starts_with("call");
                of.judged += u64::from(known);
                of.done += u64::from(known && *value >= 0.5);
            }
        }
    }
    all
}

fn check(got: &[Experiment], want: &BTreeMap<(String, String), Naive>) {
    let arms: usize = got.iter().map(|one| one.arms.len()).sum();
    assert_eq!(arms, want.len(), "every variant is there");
    for one in got {
        for (i, arm) in one.arms.iter().enumerate() {
            let want = &want[&(one.rule.name.clone(), arm.variant.clone())];
            assert_eq!((arm.units, arm.calls), (want.units.len() as u64, want.calls));
            let figure = |metric| one.measure(&metric).and_then(|measure| measure.figures[i]);
            let near = |got: Option<f64>, want: Option<f64>| match (got, want) {
                (Some(got), Some(want)) => assert!((got - want).abs() <= 1e-9 * want.abs().max(1.0), "{got} {want}"),
                (got, want) => assert_eq!(got, want),
            };
            near(figure(Metric::ErrorRate), Some(want.failed as f64 / want.calls as f64));
            near(figure(Metric::CostPerCall), (want.priced > 0).then(|| want.cost * 1e9 / want.priced as f64));
            near(figure(Metric::TaskCompletion), (want.judged > 0).then(|| want.done as f64 / want.judged as f64));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_order_and_any_batches_give_the_counters_of_a_loop(seed: u64, count in 1u64..80) {
        let events = made(seed, count);
        let mut rng = Rng(seed ^ 1);
        let mut read = events.clone();
        // Some lines come twice.
        read.extend((0..rng.below(20)).map(|_| rng.pick(&events).clone()));
        rng.shuffle(&mut read);
        let got = asked(&store(&read, &mut rng), &[]);
        check(&got, &naive(&events, Unit::User));
        let once = asked(&store(&events, &mut Rng(9)), &[]);
        prop_assert_eq!(format!("{got:?}"), format!("{once:?}"));
    }

    #[test]
    fn another_unit_is_counted_anew_and_from_then_on(seed: u64, count in 2u64..60) {
        let events = made(seed, count);
        let mut rng = Rng(seed);
        let (before, after) = events.split_at(events.len() / 2);
        let mut stored = store(before, &mut rng);
        let units: Vec<(String, Unit)> =
            ["tone", "length", "default"].map(|name| (name.to_owned(), Unit::Session)).into();
        stored.store().settle(&units).expect("settled");
        prop_assert!(!stored.store().settle(&units).expect("settled"), "the second time nothing changes");
        append(&mut stored, after, &mut rng);
        check(&asked(&stored, &[]), &naive(&events, Unit::Session));
    }
}

#[test]
fn pricing_again_corrects_what_units_cost() {
    let mut events = made(5, 60);
    // What is not reported is computed, once there are prices.
    for event in &mut events {
        if let Made::Call(call) = event {
            call.cost = None;
        }
    }
    let mut stored = store(&events, &mut Rng(3));
    let cost = |stored: &Stored| {
        let all = asked(stored, &[]);
        all.iter().map(|one| one.measure(&Metric::CostPerCall).map(|m| m.figures.clone())).collect::<Vec<_>>()
    };
    assert!(cost(&stored).iter().all(Option::is_none));
    let source = Arc::new(Source { author: Author::Config, name: "made up".to_owned(), date_us: None });
    let mut entry = Entry::new("gpt-4o", Some("openai"), source);
    let rates = &mut entry.scheme_mut(Service::Standard).rates;
    for bucket in [Bucket::Input, Bucket::Output] {
        rates.set(bucket, Rate::from_picos(2_000_000).expect("a rate"));
    }
    let tables = Tables::only(Table::of(vec![entry]));
    let prices = Prices { rule: CostSource::Computed, tables, ..Prices::default() };
    stored.store().reprice(&prices, i64::MIN, Mode::Apply).expect("priced");
    let lines: Vec<String> = events.iter().map(Made::line).collect();
    let mut fresh = Stored::new();
    let batch = Parser::pricing(Arc::new(prices)).batch("log", lines.iter().map(String::as_str), NOW_US);
    fresh.store().append(&[batch]).expect("appended");
    assert!(cost(&fresh).iter().all(Option::is_some), "there is a price");
    assert_eq!(format!("{:?}", asked(&stored, &[])), format!("{:?}", asked(&fresh, &[])));
}

#[test]
fn an_older_store_gets_its_units_when_it_is_opened() {
    let events = made(8, 70);
    let stored = store(&events, &mut Rng(4));
    let want = format!("{:?}", asked(&stored, &[]));
    let conn = rusqlite::Connection::open(stored.path()).expect("opens");
    conn.execute_batch(
        "DROP TABLE unit_run; DROP TABLE arm; DROP TABLE unit_score; DROP TABLE experiment; PRAGMA user_version = 4;",
    )
    .expect("an older layout");
    drop(conn);
    assert_eq!(format!("{:?}", asked(&stored, &[])), want);
}

#[test]
fn days_that_were_deleted_are_said_to_be() {
    let events = made(6, 80);
    let mut stored = store(&events, &mut Rng(2));
    assert!(asked(&stored, &[]).iter().all(|one| one.gone_us.is_none()));
    let now_us = START + 3 * DAY;
    let keep = Retention { fine_us: Some(DAY), ..Retention::default() };
    stored.store().retain(keep, now_us).expect("retained");
    let left = asked(&stored, &[]);
    let cut = (START + 2 * DAY).div_euclid(DAY) * DAY;
    assert!(!left.is_empty());
    for one in &left {
        assert_eq!(one.gone_us, Some(cut));
        let Range { since_us, .. } = one.range;
        assert!(since_us >= cut);
    }
}

/// A scenario: so many users of each variant, each with some calls, its rate of failures and its latency.
fn scenario(users: [u64; 2], failing: [u64; 2], latency_ms: [f64; 2]) -> Vec<Made> {
    let mut rng = Rng(77);
    let mut all = Vec::new();
    for (arm, variant) in ["control", "treatment"].into_iter().enumerate() {
        for user in 0..users[arm] {
            for n in 0..4 + rng.below(5) {
                let spread = (0..6).map(|_| rng.below(1_000) as f64 / 1_000.0).sum::<f64>() / 3.0;
                all.push(Made::Call(Call {
                    id: format!("{variant}_{user}_{n}"),
                    ts_us: START + rng.below(DAY as u64) as i64,
                    trace: format!("t_{variant}_{user}_{n}"),
                    user: Some(format!("{variant}_{user}")),
                    session: None,
                    experiment: Some("checkout"),
                    variant: Some(variant),
                    failed: rng.below(1_000) < failing[arm],
                    cost: Some(0.004),
                    latency_ms: Some(latency_ms[arm] * spread),
                    output: Some(100 + rng.below(20)),
                }));
            }
        }
    }
    all
}

fn one(events: &[Made], rules: &[Rule]) -> Experiment {
    asked(&store(events, &mut Rng(1)), rules).into_iter().next().expect("an experiment")
}

fn said(one: &Experiment, metric: Metric) -> Judgement {
    one.judgement(one.measure(&metric).expect("a metric"), 1).expect("a judgement")
}

#[test]
fn an_effect_is_found_and_its_direction() {
    let found = one(&scenario([600, 600], [250, 120], [800.0, 1_100.0]), &[]);
    assert_eq!(said(&found, Metric::ErrorRate), Judgement::Better);
    assert_eq!(said(&found, Metric::LatencyP95), Judgement::Worse);
    assert_eq!(said(&found, Metric::CostPerCall), Judgement::NoDifference(200_000.0));
    assert!(found.headline_words(1).starts_with("worse: latency p95 +"), "{}", found.headline_words(1));
}

#[test]
fn no_effect_is_no_win() {
    let found = one(&scenario([600, 600], [150, 150], [800.0, 800.0]), &[]);
    for measure in &found.measures {
        let judgement = found.judgement(measure, 1).expect("a judgement");
        assert!(matches!(judgement, Judgement::NotYet(_) | Judgement::NoDifference(_)), "{measure:?}");
    }
    let aa = Rule { aa: true, ..Rule::unsettled("checkout") };
    let won = one(&scenario([600, 600], [250, 120], [800.0, 800.0]), &[aa]);
    assert_eq!(said(&won, Metric::ErrorRate), Judgement::FalseWin);
}

#[test]
fn a_ratio_mismatch_goes_before_any_verdict() {
    let events = scenario([600, 450], [250, 120], [800.0, 800.0]);
    let found = one(&events, &[]);
    assert!(found.is_mismatched());
    assert_eq!(said(&found, Metric::ErrorRate), Judgement::Mismatch);
    let weights = vec![("control".to_owned(), 4.0), ("treatment".to_owned(), 3.0)];
    let settled = Rule { weights, ..Rule::unsettled("checkout") };
    assert_eq!(said(&one(&events, &[settled]), Metric::ErrorRate), Judgement::Better);
}

#[test]
fn users_in_two_variants_are_counted() {
    let mut events = scenario([60, 60], [100, 100], [800.0, 800.0]);
    for event in &mut events {
        if let Made::Call(call) = event
            && call.user.as_deref() == Some("treatment_7")
        {
            call.user = Some("control_3".to_owned());
        }
    }
    assert_eq!(one(&events, &[]).crossed, 1);
}

fn log(events: &[Made]) -> String {
    events.iter().map(|event| event.line() + "\n").collect()
}

#[test]
fn the_commands_tell_of_experiments() {
    let home = Home::new();
    let path = home.write("run.jsonl", log(&scenario([600, 600], [250, 120], [800.0, 1_100.0])));
    home.ingest(&path);
    let listed = home.run(["experiment", "list"]).good();
    assert!(listed.contains("checkout: treatment is worse: latency p95 +"), "{listed}");
    let shown = home.run(["experiment", "show", "checkout"]).good();
    for words in
        ["treatment against control", "error rate, primary", "better", "control (control)", "no difference > $0.0002"]
    {
        assert!(shown.contains(words), "{words}: {shown}");
    }
    let json = home.run(["experiment", "show", "checkout", "--format", "json"]).good();
    let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    let one = &json["experiments"][0];
    assert_eq!((&one["name"], &one["mismatch"], &one["unit"]), (&"checkout".into(), &false.into(), &"user".into()));
    assert_eq!(one["variants"][1]["verdict"], "worse");
    let error = one["metrics"].as_array().expect("metrics").iter().find(|m| m["metric"] == "error_rate");
    assert_eq!(error.expect("error rate")["variants"][1]["verdict"], "better");
    let unknown = home.run(["experiment", "show", "chekout"]).bad();
    assert!(unknown.contains("did you mean checkout?"), "{unknown}");
}

#[test]
fn the_gate_holds_an_experiment() {
    let home = Home::new();
    let path = home.write("run.jsonl", log(&scenario([600, 600], [250, 120], [800.0, 1_100.0])));
    home.ingest(&path);
    let code = |metric: &str, margin: &str| {
        let args = ["check", "--experiment", "checkout", "--metric", metric, "--not-worse-than", margin];
        let output = home.llmtop(args).output().expect("runs");
        (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let (held, words) = code("error_rate", "1%");
    assert_eq!(held, Some(0), "{words}");
    assert!(words.contains("error rate not worse than the control by 1% of its figure"), "{words}");
    assert_eq!(code("latency_p95", "5%").0, Some(1));
    assert_eq!(code("cost_per_call", "$0.001").0, Some(0));
    assert_eq!(code("output_tokens", "0.001").0, Some(2), "nothing tells tokens so close apart");
    assert_eq!(code("satisfaction", "1pp").0, Some(2), "nobody was asked");
    assert_eq!(code("error_rate", "0.01").0, Some(2), "neither a share nor points");
    assert_eq!(code("speed", "1%").0, Some(2));
    // Of a log that is named.
    let path = path.to_string_lossy().into_owned();
    let args = ["check", "--experiment", "checkout", "--metric", "error_rate", "--not-worse-than", "1pp", &path];
    let json = home.run(args.into_iter().chain(["--format", "json"])).good();
    let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!((&json["verdict"], &json["exit_code"]), (&"held".into(), &0.into()));
}

#[test]
fn another_unit_is_settled_in_the_configuration() {
    let home = Home::new();
    let path = home.write("run.jsonl", log(&made(11, 200)));
    home.ingest(&path);
    let unit = |home: &Home, more: &[&str]| {
        let args = ["experiment", "show", "tone", "--format", "json"].iter().chain(more);
        let json: serde_json::Value = serde_json::from_str(&home.run(args).good()).expect("JSON");
        json["experiments"][0]["unit"].as_str().map(str::to_owned)
    };
    assert_eq!(unit(&home, &[]).as_deref(), Some("user"));
    let config = home.write("own.toml", "[experiment.tone]\nunit = \"session\"\n");
    let config = config.to_string_lossy().into_owned();
    assert_eq!(unit(&home, &["--config", &config]).as_deref(), Some("session"));
}

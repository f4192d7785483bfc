//! Changes with a known reason: it is found, no other is, and what is chance is not told.

use super::effect::{Effect, Kind, Pair, Sum};
use super::{Cause, Cell, Change, Cube, Figure, changes};
use crate::event::{FailureMode, Outcome};
use crate::stats::acc::{Acc, Sample};
use crate::view::Dim;
use proptest::prelude::*;

/// Calls of one cell on one side: how many, how many of them fail by timeout, how long they take, what one costs.
#[derive(Debug, Clone, Copy, Default)]
struct Calls {
    calls: u64,
    timeouts: u64,
    latency_ms: u64,
    cost_nusd: i64,
}

const fn calls(calls: u64, timeouts: u64, latency_ms: u64, cost_nusd: i64) -> Calls {
    Calls { calls, timeouts, latency_ms, cost_nusd }
}

/// Latencies lie around the one that is given, from half of it to one and a half.
fn acc(of: Calls, failed: bool) -> Acc {
    let mut acc = Acc::default();
    let outcome = if failed { Outcome::Failed(FailureMode::Timeout) } else { Outcome::Ok };
    let n = if failed { of.timeouts } else { of.calls - of.timeouts };
    for i in 0..n {
        let latency_us = of.latency_ms * 500 + of.latency_ms * 1_000 * i / n.max(1);
        let (latency_us, cost_nusd) = (Some(latency_us), Some(of.cost_nusd));
        acc.record(&Sample { outcome, latency_us, cost_nusd, ..Sample::default() });
    }
    acc
}

/// A row: model, provider, app, then the calls of the window before and those of this one.
type Row = (&'static str, &'static str, &'static str, Calls, Calls);

/// The values of a cell, and its two sides.
type Owned = (Vec<Option<String>>, [Option<Acc>; 2]);

fn told(rows: &[Row]) -> Vec<Change> {
    let owned: Vec<Owned> = rows
        .iter()
        .flat_map(|(model, provider, app, before, now)| {
            [false, true].map(|failed| {
                let names = [Some(*model), Some(*provider), Some(*app), failed.then_some("timeout")];
                let key = names.map(|name| name.map(str::to_owned)).to_vec();
                (key, [before, now].map(|of| Some(acc(*of, failed)).filter(|acc| !acc.is_empty())))
            })
        })
        .collect();
    let cells = owned.iter().map(|(key, sides)| Cell { key, sides: [sides[0].as_ref(), sides[1].as_ref()] }).collect();
    changes(&[Cube { dims: vec![Dim::Model, Dim::Provider, Dim::App, Dim::Error], cells }], Some(1.0))
}

fn of(changes: &[Change], figure: Figure) -> Option<&Change> {
    changes.iter().find(|change| change.figure == figure)
}

fn names(cause: &Cause) -> Vec<&str> {
    cause.pairs.iter().filter_map(|(_, value)| value.as_deref()).collect()
}

#[test]
fn an_incident_of_one_model_is_found_and_not_its_provider() {
    let same = calls(400, 4, 800, 1_000);
    let told = told(&[
        ("gpt-4.1", "openai", "chat", calls(200, 4, 1_000, 2_000), calls(200, 44, 4_000, 2_000)),
        ("gpt-4.1", "openai", "search", calls(200, 4, 1_000, 2_000), calls(200, 40, 4_000, 2_000)),
        ("gpt-4o", "openai", "chat", same, same),
        ("claude-sonnet-4-5", "anthropic", "search", same, same),
    ]);
    let errors = of(&told, Figure::ErrorRate).expect("told");
    let first = &errors.causes[0];
    // All failures are timeouts, before as well: saying so would say nothing more.
    assert_eq!(names(first), ["gpt-4.1"]);
    assert_eq!(errors.causes.len(), 1);
    assert!((first.explains - 1.0).abs() < 1e-9 && first.mix.abs() < 1e-9, "{first:?}");
    assert_eq!((first.before.calls, first.now.calls), (400, 400));
    assert_eq!((first.before.value, first.now.value), (Some(0.02), Some(0.21)));
    for figure in [Figure::P95, Figure::Mean] {
        assert_eq!(names(&of(&told, figure).expect("told").causes[0]), ["gpt-4.1"], "{figure:?}");
    }
    assert_eq!(of(&told, Figure::Cost), None);
}

#[test]
fn a_failure_of_one_app_with_one_model_is_told_by_both() {
    let same = calls(500, 5, 800, 1_000);
    let told = told(&[
        ("gpt-4.1", "openai", "chat", same, calls(500, 100, 800, 1_000)),
        ("gpt-4.1", "openai", "search", same, same),
        ("gpt-4o", "openai", "chat", same, same),
        ("gpt-4o", "openai", "search", same, same),
    ]);
    let causes = &of(&told, Figure::ErrorRate).expect("told").causes;
    assert_eq!(causes.len(), 1, "{causes:?}");
    assert_eq!(names(&causes[0]), ["gpt-4.1", "chat"]);
    assert_eq!(causes[0].now.value, Some(0.2));
}

#[test]
fn a_shift_to_a_dearer_model_is_a_matter_of_mix() {
    let told = told(&[
        ("opus", "anthropic", "chat", calls(100, 0, 900, 50_000_000), calls(400, 0, 900, 50_000_000)),
        ("haiku", "anthropic", "chat", calls(900, 0, 900, 1_000_000), calls(600, 0, 900, 1_000_000)),
    ]);
    assert_eq!(told.len(), 1);
    let cost = &told[0];
    assert_eq!((cost.figure, cost.before, cost.now), (Figure::Cost, 5.9e9, 20.6e9));
    assert!(cost.by_calls.expect("of cost").abs() < 1e-9);
    let first = &cost.causes[0];
    assert_eq!(names(first), ["opus"]);
    assert!(first.within.abs() < 1e-9 && first.mix > 1.0, "{first:?}");
    assert_eq!((first.before.value, first.now.value), (Some(5e7), Some(5e7)));
    assert_eq!((first.before.calls, first.now.calls), (100, 400));
}

#[test]
fn what_grows_everywhere_is_nobodys() {
    let told = told(&[
        ("a", "x", "chat", calls(1_000, 10, 900, 1_000_000), calls(2_000, 100, 900, 1_000_000)),
        ("b", "y", "search", calls(500, 5, 900, 4_000_000), calls(1_000, 50, 900, 4_000_000)),
    ]);
    let errors = of(&told, Figure::ErrorRate).expect("told");
    assert_eq!((errors.before, errors.now, errors.causes.len()), (0.01, 0.05, 0));
    let cost = of(&told, Figure::Cost).expect("told");
    assert!((cost.by_calls.expect("of cost") - 1.0).abs() < 1e-9);
    assert!(cost.causes.is_empty());
    assert_eq!(told.len(), 2);
}

#[test]
fn two_models_are_told_one_after_the_other() {
    let told = told(&[
        ("a", "x", "chat", calls(500, 5, 900, 0), calls(500, 80, 900, 0)),
        ("b", "y", "chat", calls(500, 5, 900, 0), calls(500, 60, 900, 0)),
        ("c", "x", "chat", calls(2_000, 20, 900, 0), calls(2_000, 20, 900, 0)),
        ("d", "y", "chat", calls(2_000, 20, 900, 0), calls(2_000, 20, 900, 0)),
    ]);
    let causes = &of(&told, Figure::ErrorRate).expect("told").causes;
    assert_eq!(causes.iter().map(names).collect::<Vec<_>>(), [["a"], ["b"]]);
    let explained: f64 = causes.iter().map(|cause| cause.explains).sum();
    assert!((explained - 1.0).abs() < 1e-9);
}

#[test]
fn a_model_that_is_new_or_gone_is_told() {
    let old = calls(1_000, 10, 900, 1_000_000);
    let new =
        told(&[("a", "x", "chat", old, old), ("b", "y", "chat", Calls::default(), calls(200, 60, 900, 9_000_000))]);
    let errors = of(&new, Figure::ErrorRate).expect("told");
    assert_eq!(names(&errors.causes[0]), ["b"]);
    assert_eq!((errors.causes[0].before.value, errors.causes[0].now.value), (None, Some(0.3)));
    let gone =
        told(&[("a", "x", "chat", old, old), ("b", "y", "chat", calls(200, 60, 900, 9_000_000), Calls::default())]);
    assert_eq!(names(&of(&gone, Figure::Cost).expect("told").causes[0]), ["b"]);
}

#[test]
fn chance_and_trifles_are_not_told() {
    // Two of 50 and four of 50 are the same; so are 10,000 and 10,500 of a million each.
    for (n, before, now) in [(50, 2, 4), (1_000_000, 10_000, 10_500), (10, 0, 9)] {
        let side = |timeouts| calls(n, timeouts, 900, 1_000);
        let told = told(&[("a", "x", "chat", side(before), side(now))]);
        assert_eq!(told, [], "{n}");
    }
    assert_eq!(told(&[]), []);
    assert_eq!(changes(&[], Some(1.0)), []);
}

/// What a part is and what all are, of as many values as there are.
fn pairs(kind: Kind, values: &[[(u32, u32); 2]]) -> Vec<Pair> {
    let part = |value: &[(u32, u32); 2]| {
        value.map(|(n, x)| {
            let x = if n > 0 { f64::from(x.min(n)) } else { 0.0 };
            Sum { n: f64::from(n), x, squares: x }
        })
    };
    let mut all = [Sum::default(); 2];
    values.iter().map(part).for_each(|value| (0..2).for_each(|side| all[side].add(value[side])));
    values.iter().map(|value| Pair { kind, part: part(value), all }).collect()
}

proptest! {
    #[test]
    fn the_effects_of_all_values_add_up_to_the_change(
        values in prop::collection::vec([(0u32..500, 0u32..500), (0u32..500, 0u32..500)], 1..12),
    ) {
        for kind in [Kind::Share, Kind::Mean, Kind::Sum] {
            let pairs = pairs(kind, &values);
            let all = pairs[0].all;
            prop_assume!(all[0].n > 0.0 && all[1].n > 0.0);
            let value = |side: usize| if kind == Kind::Sum { all[side].x } else { all[side].x / all[side].n };
            let sum: f64 = pairs.iter().map(|pair| pair.effect().total()).sum();
            prop_assert!((sum - (value(1) - value(0))).abs() < 1e-9 * (1.0 + value(1) + value(0)), "{kind:?} {sum}");
            for pair in &pairs {
                prop_assert!((0.0..=std::f64::consts::LN_2 + 1e-12).contains(&pair.surprise(0.7)));
                prop_assert!(pair.error().is_finite());
            }
        }
    }

    #[test]
    fn nothing_that_stays_the_same_is_told(
        rows in prop::collection::vec((1u64..80, 0u64..30, 1u64..2_000, 0i64..1_000_000), 1..6),
    ) {
        const MODELS: [&str; 6] = ["a", "b", "c", "d", "e", "f"];
        let row = |(i, (n, bad, latency, cost)): (usize, &(u64, u64, u64, i64))| {
            let same = calls(*n, (*bad).min(*n), *latency, *cost);
            (MODELS[i], "x", "chat", same, same)
        };
        prop_assert_eq!(told(&rows.iter().enumerate().map(row).collect::<Vec<_>>()), []);
    }
}

/// Two groups worked through by hand: rates 10 and 20 %, then 15 and 20 %, their shares of the calls 1/2 each, then 1/4 and
/// 3/4. Of the change from 15 to 18.75 points 1.875 come of the rates and 1.875 of the mix.
#[test]
fn a_worked_example() {
    let pairs = pairs(Kind::Share, &[[(100, 10), (100, 15)], [(100, 20), (300, 60)]]);
    let effects: Vec<Effect> = pairs.iter().map(Pair::effect).collect();
    let [first, second] = effects[..] else { panic!("two") };
    let is = |a: f64, b: f64| assert!((a - b).abs() < 1e-12, "{a} {b}");
    is(first.within, 0.375 * 0.05);
    is(second.within, 0.0);
    is(first.mix, -0.25 * (0.125 - 0.16875));
    is(second.mix, 0.25 * (0.2 - 0.16875));
    is(first.within + second.within, 0.01875);
    is(first.mix + second.mix, 0.01875);
}

//! Experiments for the screens: one with a winner, one that cannot tell yet, one whose units are not shared out as meant; and
//! hostile ones.

use super::{HOSTILE, NOW, Random};
use llmtop::snapshot::experiments::{ArmSums, Experiment, QUANTILES, Sums};
use llmtop::stats::experiment::Moments;
use llmtop::view::{Experiment as Rule, Metric, Range, Unit};

const DAY: i64 = 86_400_000_000;

/// What the calls of a variant are like.
struct Like {
    units: u64,
    errors: f64,
    latency_us: f64,
    nano: f64,
    done: f64,
}

fn arm(variant: &str, seed: u64, like: &Like) -> ArmSums {
    let mut random = Random(seed);
    let mut arm = ArmSums { variant: variant.to_owned(), units: like.units, ..ArmSums::default() };
    let mut latencies = Vec::new();
    for _ in 0..like.units {
        let calls = 1 + (random.unit() * 8.0) as u64;
        let slow = random.around(1.0, 1.3);
        let of_unit: Vec<u64> = (0..calls).map(|_| (like.latency_us * slow * random.around(1.0, 1.7)) as u64).collect();
        of_unit.iter().for_each(|us| arm.latency.record(*us));
        of_unit.iter().for_each(|us| arm.ttft.record(us / 3));
        let hits = |random: &mut Random, chance: f64| (0..calls).filter(|_| random.unit() < chance).count() as f64;
        let (errors, done) = (hits(&mut random, like.errors), hits(&mut random, like.done));
        let tone = calls as f64 * random.around(3.0, 1.1);
        let n = calls as f64;
        let cost = like.nano * n * random.around(1.0, 1.2);
        for (metric, x, y) in [
            (Metric::ErrorRate, errors, n),
            (Metric::CostPerCall, cost, n),
            (Metric::CostPerTask, cost, done),
            (Metric::TaskCompletion, done, n),
            (Metric::OutputTokens, 180.0 * n * slow, n),
            (Metric::Score("tone".to_owned()), tone, n),
        ] {
            arm.ratios.entry(metric).or_default().add(x, y);
        }
        arm.calls += calls;
        latencies.push(of_unit);
    }
    arm.below = std::array::from_fn(|i| {
        let (histogram, part) = if i < 2 { (&arm.latency, 1) } else { (&arm.ttft, 3) };
        let at = histogram.quantile(QUANTILES[i].1).unwrap_or(0);
        let mut below = Moments::default();
        for of_unit in &latencies {
            below.add(of_unit.iter().filter(|us| **us / part <= at).count() as f64, of_unit.len() as f64);
        }
        below
    });
    arm
}

fn experiment(rule: Rule, unit: Unit, arms: Vec<ArmSums>, crossed: u64) -> Experiment {
    let range = Range { since_us: (NOW - 6 * DAY).div_euclid(DAY) * DAY, until_us: (NOW + DAY).div_euclid(DAY) * DAY };
    Experiment::of(rule, Sums { arms, unit, range, gone_us: None, crossed })
}

/// A winner, an open one, a mismatch.
pub fn typical() -> Vec<Experiment> {
    let like = |units, errors, latency_us, nano, done| Like { units, errors, latency_us, nano, done };
    let old = || arm("control", 1, &like(2_412, 0.031, 1_900_000.0, 4_200_000.0, 0.71));
    let short = arm("short", 2, &like(2_377, 0.029, 1_310_000.0, 2_950_000.0, 0.78));
    let shorter = arm("shorter", 3, &like(2_399, 0.034, 1_020_000.0, 2_300_000.0, 0.66));
    let settled = Rule { primary: Some(vec![Metric::TaskCompletion]), ..Rule::unsettled("answers") };
    let plain = arm("a", 4, &like(214, 0.04, 900_000.0, 700_000.0, 0.8));
    let hints = arm("b", 5, &like(229, 0.03, 930_000.0, 720_000.0, 0.82));
    let broken = [
        arm("control", 6, &like(4_100, 0.02, 600_000.0, 90_000.0, 0.9)),
        arm("new", 7, &like(3_480, 0.02, 600_000.0, 90_000.0, 0.9)),
    ];
    vec![
        experiment(settled, Unit::User, vec![short, old(), shorter], 3),
        experiment(Rule::unsettled("tool hints"), Unit::Session, vec![plain, hints], 41),
        experiment(Rule::unsettled("router"), Unit::User, broken.into(), 0),
    ]
}

/// The same with names that break terminals, and numbers at their limits.
pub fn hostile() -> Vec<Experiment> {
    let mut all = typical();
    let long = "n".repeat(10_000);
    let name = |i: usize| HOSTILE.get(i % 7).map_or_else(|| long.clone(), |s| (*s).to_owned());
    for (i, one) in all.iter_mut().enumerate() {
        one.rule.name = name(i);
        one.range = Range { since_us: i64::MIN, until_us: i64::MIN };
        one.gone_us = Some(i64::MAX);
        one.crossed = u64::MAX >> 8;
        for (j, arm) in one.arms.iter_mut().enumerate() {
            arm.variant = name(i + j + 1);
            arm.calls = u64::MAX;
            arm.units = u64::MAX >> 8;
        }
        for (j, measure) in one.measures.iter_mut().enumerate() {
            measure.figures.iter_mut().for_each(|figure| *figure = [Some(f64::MAX), Some(f64::NAN), Some(-0.0)][j % 3]);
            if let Metric::Score(score) = &mut measure.metric {
                *score = name(j);
            }
            for found in measure.comparisons.iter_mut().flatten() {
                found.difference = [f64::INFINITY, f64::NAN, f64::MIN][j % 3];
            }
        }
    }
    all
}

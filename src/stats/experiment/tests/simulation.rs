//! Streams of users that come back, peeked at after every batch: seeded, of fixed size, the same at every run.

use super::super::*;
use crate::stats::histogram::{Histogram, bounds, bucket};

/// SplitMix64.
struct Random(u64);

impl Random {
    fn unit(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    }

    fn normal(&mut self) -> f64 {
        (-2.0 * (1.0 - self.unit()).ln()).sqrt() * (std::f64::consts::TAU * self.unit()).cos()
    }
}

/// A user: the arm, its own rate of errors, its own slowness, its calls so far.
struct User {
    arm: usize,
    error_rate: f64,
    slowness: f64,
    calls: f64,
    errors: f64,
    cost: f64,
    latencies: Vec<u64>,
}

/// What the variant does: so many times the errors, so many times the latency.
#[derive(Clone, Copy)]
struct Effect {
    errors: f64,
    latency: f64,
}

/// How users come: all at once and back again, or more of them all the time.
#[derive(Clone, Copy, PartialEq)]
enum Cohort {
    Fixed,
    Growing,
}

const USERS: usize = 240;
const BATCHES: usize = 30;
const CALLS: usize = 120;

/// The spread of users' slowness and of calls', as deviations of the logarithm.
const SPREAD: [f64; 2] = [0.35, 0.6];
const ERROR_RATE: f64 = 0.06;
const MEDIAN_US: f64 = 800_000.0;

/// The comparisons after each batch: errors, cost, 95th percentile of latency.
fn stream(seed: u64, effect: Effect, cohort: Cohort) -> Vec<[Comparison; 3]> {
    let mut random = Random(seed);
    let mut users: Vec<User> = Vec::new();
    let mut peeks = Vec::with_capacity(BATCHES);
    let mut histograms = [Histogram::default(), Histogram::default()];
    for batch in 1..=BATCHES {
        let there = if cohort == Cohort::Fixed { USERS } else { USERS * batch / BATCHES };
        while users.len() < there {
            users.push(user(&mut random, effect));
        }
        for _ in 0..CALLS {
            // Some users are far busier than others.
            let at = (random.unit().powf(1.7) * users.len() as f64) as usize;
            call(&mut random, &mut users[at], effect, &mut histograms);
        }
        peeks.push(peek(&users, &histograms));
    }
    peeks
}

fn user(random: &mut Random, effect: Effect) -> User {
    let arm = usize::from(random.unit() < 0.5);
    let times = if arm == 1 { effect.errors } else { 1.0 };
    // Rates of errors differ fourfold between users.
    let error_rate = times * ERROR_RATE * (0.4 + 1.2 * random.unit());
    let slowness = SPREAD[0] * random.normal();
    User { arm, error_rate, slowness, calls: 0.0, errors: 0.0, cost: 0.0, latencies: Vec::new() }
}

fn call(random: &mut Random, user: &mut User, effect: Effect, histograms: &mut [Histogram; 2]) {
    let times = if user.arm == 1 { effect.latency } else { 1.0 };
    let latency = times * MEDIAN_US * (user.slowness + SPREAD[1] * random.normal()).exp();
    user.calls += 1.0;
    user.errors += f64::from(u8::from(random.unit() < user.error_rate));
    user.cost += latency;
    user.latencies.push(latency as u64);
    histograms[user.arm].record(latency as u64);
}

fn peek(users: &[User], histograms: &[Histogram; 2]) -> [Comparison; 3] {
    // The upper end of the bucket that the arm's quantile is in, in buckets as coarse as the store's.
    let thresholds = [0, 1].map(|arm: usize| {
        let histogram: &Histogram = &histograms[arm];
        bounds(bucket(histogram.quantile(0.95).unwrap_or(0)) | 7).1
    });
    let mut sums = [[Moments::default(); 3]; 2];
    for user in users.iter().filter(|user| user.calls > 0.0) {
        let below = user.latencies.iter().filter(|latency| **latency <= thresholds[user.arm]).count();
        let of = &mut sums[user.arm];
        of[0].add(user.errors, user.calls);
        of[1].add(user.cost, user.calls);
        of[2].add(below as f64, user.calls);
    }
    let estimates = [0, 1].map(|arm| {
        let of: &[Moments; 3] = &sums[arm];
        [of[0].share(), of[1].estimate(), quantile(&histograms[arm], &of[2], 0.95)]
    });
    [0, 1, 2].map(|metric| match (estimates[0][metric], estimates[1][metric]) {
        (Some(control), Some(variant)) => {
            let least = if metric == 0 { 0.005 } else { 0.0 };
            let threshold = (0.05 * control.value).max(least);
            compare(&control, &variant, Plan { threshold, alpha: 0.05 })
        }
        _ => Comparison {
            difference: 0.0,
            interval: None,
            p: 1.0,
            alpha: 0.05,
            threshold: 0.0,
            verdict: Verdict::NotYet { more: None },
        },
    })
}

/// The mean and the 95th percentile of latency without an effect: the logarithm is normal with both spreads together.
fn mean_and_p95() -> (f64, f64) {
    let variance = SPREAD[0] * SPREAD[0] + SPREAD[1] * SPREAD[1];
    (MEDIAN_US * (variance / 2.0).exp(), MEDIAN_US * (1.644_853_6 * variance.sqrt()).exp())
}

/// The most that may happen of `runs` where each has a chance of 5 %, for a test that is wrong once in a thousand times: mean
/// and 3.1 standard deviations of the binomial.
fn margin(runs: usize) -> usize {
    let (mean, variance) = (0.05 * runs as f64, 0.05 * 0.95 * runs as f64);
    (mean + 3.1 * variance.sqrt()) as usize
}

const RUNS: usize = 300;
const NOTHING: Effect = Effect { errors: 1.0, latency: 1.0 };

fn is_win(comparison: &Comparison) -> bool {
    matches!(comparison.verdict, Verdict::Higher | Verdict::Lower)
}

/// A/A: nothing differs, somebody looks after each of 30 batches, and calls a win the first time one is shown.
#[test]
fn streams_without_a_difference_have_few_false_wins() {
    for cohort in [Cohort::Fixed, Cohort::Growing] {
        let mut wins = [0; 4];
        let mut naive = 0;
        for run in 0..RUNS {
            let peeks = stream(1_000 + run as u64, NOTHING, cohort);
            (0..3).for_each(|metric| wins[metric] += usize::from(peeks.iter().any(|peek| is_win(&peek[metric]))));
            // All three together, as others, by Holm.
            let family = |peek: &[Comparison; 3]| {
                let p = peek.map(|comparison| comparison.p);
                levels(&p, 0.05).iter().zip(p).any(|(level, p)| p <= *level)
            };
            wins[3] += usize::from(peeks.iter().any(family));
            // A fixed-size test of the textbook, looked at as often, for comparison.
            naive += usize::from(peeks.iter().any(|peek| {
                let Some(Interval { low, high }) = peek[1].interval else { return false };
                let (half, scale) = ((high - low) / 2.0, 4.0 * peek[1].threshold);
                peek[1].difference.abs() > 1.96 * variance_for(half, scale, 0.05).sqrt()
            }));
        }
        let most = margin(RUNS);
        assert!(wins.iter().all(|wins| *wins <= most), "{wins:?} of {RUNS}, at most {most}");
        assert!(naive > most, "looking all the time at a test for one look is wrong {naive} times of {RUNS}");
    }
}

/// Known effects: the interval never leaves the truth out in more than 5 % of the streams, over all looks, and what is there
/// is found.
#[test]
fn known_effects_are_covered_and_found() {
    let effect = Effect { errors: 2.2, latency: 1.8 };
    let (mean, p95) = mean_and_p95();
    let truth = [ERROR_RATE * (effect.errors - 1.0), mean * (effect.latency - 1.0), p95 * (effect.latency - 1.0)];
    let (mut missed, mut found, mut wrong) = ([0; 3], [0; 3], [0; 3]);
    for run in 0..RUNS {
        let cohort = if run % 2 == 0 { Cohort::Fixed } else { Cohort::Growing };
        let peeks = stream(9_000 + run as u64, effect, cohort);
        for metric in 0..3 {
            let misses = |peek: &[Comparison; 3]| {
                let Some(Interval { low, high }) = peek[metric].interval else { return false };
                truth[metric] < low || truth[metric] > high
            };
            missed[metric] += usize::from(peeks.iter().any(misses));
            let verdict = |wanted: Verdict| peeks.iter().any(|peek| peek[metric].verdict == wanted);
            found[metric] += usize::from(verdict(Verdict::Higher));
            wrong[metric] += usize::from(verdict(Verdict::Lower));
        }
    }
    let most = margin(RUNS);
    assert!(missed.iter().all(|missed| *missed <= most), "{missed:?} of {RUNS}, at most {most}");
    assert!(found.iter().all(|found| *found * 10 >= RUNS * 9), "found {found:?} of {RUNS}");
    assert_eq!(wrong, [0; 3], "the other way");
}

/// Where nothing differs, that is said in the end, with the difference that would have mattered.
#[test]
fn that_nothing_differs_is_said_with_enough_units() {
    let mut said = 0;
    for seed in 0..20 {
        let mut random = Random(seed);
        let mut arms = [Moments::default(); 2];
        let verdicts: Vec<Verdict> = (0..40)
            .map(|_| {
                for _ in 0..1_000 {
                    let arm = usize::from(random.unit() < 0.5);
                    arms[arm].add(3.0 * (1.0 + 0.2 * random.normal()), 3.0);
                }
                let [control, variant] = arms.map(|arm| arm.estimate().expect("units"));
                compare(&control, &variant, Plan { threshold: 0.02, alpha: 0.05 }).verdict
            })
            .collect();
        said += usize::from(verdicts.iter().any(|verdict| matches!(verdict, Verdict::NoDifference { .. })));
    }
    assert!(said >= 18, "{said} of 20");
}

/// The chi-square test is looked at as often as all else, and rarely cries where units are shared out as they should be.
#[test]
fn fair_assignment_is_rarely_called_a_mismatch() {
    let mut random = Random(77);
    let cries = |random: &mut Random, chance: f64| {
        let mut units = [0, 0];
        (0..60).any(|_| {
            (0..50).for_each(|_| units[usize::from(random.unit() < chance)] += 1);
            mismatch(&units, &[1.0, 1.0]).is_some_and(|found| found.p < MISMATCH)
        })
    };
    let fair = (0..400).filter(|_| cries(&mut random, 0.5)).count();
    assert!(fair <= 16, "{fair} of 400 streams");
    assert_eq!((0..20).filter(|_| cries(&mut random, 0.58)).count(), 20);
}

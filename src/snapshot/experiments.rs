//! Experiments: what the variants came to, each against the control, and the verdicts. Made of sums over units, in one place;
//! it is about the whole life of an experiment, because intervals that move along with a window would hold no more.

mod judgement;

pub use crate::stats::experiment::{Comparison, Interval, MISMATCH, Mismatch, Verdict};
pub use judgement::{Headline, Judgement};

use crate::stats::experiment::{Estimate, Moments, Plan, compare, levels, mismatch, quantile};
use crate::stats::histogram::Histogram;
use crate::view::{Experiment as Rule, Good, Measured, Metric, Range, Role, Unit};
use std::collections::{BTreeMap, BTreeSet};

/// The chance that an interval of what an experiment is about ever misses.
pub const ALPHA: f64 = 0.05;

/// The quantiles that are told, with their metrics, in the order of [`ArmSums::below`]. The first two are of latency.
pub const QUANTILES: [(Metric, f64); 4] =
    [(Metric::LatencyP50, 0.5), (Metric::LatencyP95, 0.95), (Metric::TtftP50, 0.5), (Metric::TtftP95, 0.95)];

/// Sums over the units of one variant.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ArmSums {
    /// The variant.
    pub variant: String,
    /// Units.
    pub units: u64,
    /// Calls.
    pub calls: u64,
    /// Numerators and denominators of ratios, by what they make.
    pub ratios: BTreeMap<Metric, Moments>,
    /// Scores of which each was 0 or 1, so that their mean is a share.
    pub binary: BTreeSet<Metric>,
    /// Latency of all calls, µs.
    pub latency: Histogram,
    /// TTFT of all calls, µs.
    pub ttft: Histogram,
    /// Calls at most a threshold near each of [`QUANTILES`], and all of them.
    pub below: [Moments; 4],
}

impl ArmSums {
    fn estimate(&self, metric: &Metric) -> Option<Estimate> {
        if let Some(at) = QUANTILES.iter().position(|(of, _)| of == metric) {
            let histogram = if at < 2 { &self.latency } else { &self.ttft };
            return quantile(histogram, &self.below[at], QUANTILES[at].1);
        }
        let moments = self.ratios.get(metric)?;
        match metric.measured() {
            Measured::Share => moments.share(),
            _ if self.binary.contains(metric) => moments.share(),
            _ => moments.estimate(),
        }
    }

    fn figure(&self, metric: &Metric) -> Option<f64> {
        match QUANTILES.iter().position(|(of, _)| of == metric) {
            Some(at) => {
                let histogram = if at < 2 { &self.latency } else { &self.ttft };
                histogram.quantile(QUANTILES[at].1).map(|us| us as f64)
            }
            None => self.ratios.get(metric)?.ratio(),
        }
    }
}

/// A variant.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Arm {
    /// Its name.
    pub variant: String,
    /// Units that had a call.
    pub units: u64,
    /// Their calls.
    pub calls: u64,
    /// How many units it should have, as far as that can be told.
    pub expected: Option<f64>,
}

/// One metric of all variants.
#[derive(Debug, Clone, PartialEq)]
pub struct Measure {
    /// Which.
    pub metric: Metric,
    /// What it decides.
    pub role: Role,
    /// Which way it is better.
    pub good: Good,
    /// What it is told in: scores of 0 and 1 alone are shares.
    pub measured: Measured,
    /// Its figure for each variant, in the metric's unit.
    pub figures: Vec<Option<f64>>,
    /// Each variant against the control; `None` of the control itself and where a figure is not known well enough.
    pub comparisons: Vec<Option<Comparison>>,
}

/// An experiment.
#[derive(Debug, Clone, PartialEq)]
pub struct Experiment {
    /// What is settled about it.
    pub rule: Rule,
    /// What its units are.
    pub unit: Unit,
    /// The days there are calls of, whole, UTC.
    pub range: Range,
    /// Before this time, µs, something of it has been deleted.
    pub gone_us: Option<i64>,
    /// Its variants, the control first.
    pub arms: Vec<Arm>,
    /// How units were shared out; `None` where that cannot be told.
    pub mismatch: Option<Mismatch>,
    /// Units that are in more than one variant.
    pub crossed: u64,
    /// What was measured, what it is about first.
    pub measures: Vec<Measure>,
}

/// What an experiment is made of.
#[derive(Debug, Clone, Default)]
pub struct Sums {
    /// Its variants in any order.
    pub arms: Vec<ArmSums>,
    /// What their units are.
    pub unit: Unit,
    /// The days there are calls of.
    pub range: Range,
    /// Before this time something of it has been deleted.
    pub gone_us: Option<i64>,
    /// Units that are in more than one variant.
    pub crossed: u64,
}

impl Experiment {
    /// Judges an experiment.
    ///
    /// Each variant is compared with the control at [`ALPHA`] divided by their number (Bonferroni). Metrics that it is about
    /// share that level in equal parts; guardrails have it each, because a false alarm of one is the safe mistake; of all
    /// other metrics together one false verdict has that chance (Holm).
    pub fn of(rule: Rule, mut sums: Sums) -> Experiment {
        let names: Vec<&str> = sums.arms.iter().map(|arm| arm.variant.as_str()).collect();
        let control = rule.control_of(&names);
        if control < sums.arms.len() {
            sums.arms[..=control].rotate_right(1);
        }
        let names: Vec<&str> = sums.arms.iter().map(|arm| arm.variant.as_str()).collect();
        let units: Vec<u64> = sums.arms.iter().map(|arm| arm.units).collect();
        let mismatch = mismatch(&units, &rule.weights_of(&names));
        let expected = |i: usize| mismatch.as_ref().map(|found| found.expected[i]);
        let arm = |(i, arm): (usize, &ArmSums)| Arm {
            variant: arm.variant.clone(),
            units: arm.units,
            calls: arm.calls,
            expected: expected(i),
        };
        let arms = sums.arms.iter().enumerate().map(arm).collect();
        let measures = measures(&rule, &sums.arms);
        let Sums { unit, range, gone_us, crossed, .. } = sums;
        Experiment { unit, range, gone_us, arms, mismatch, crossed, measures, rule }
    }

    /// Whether units were not shared out as they should be: then nothing else is told.
    pub fn is_mismatched(&self) -> bool {
        self.mismatch.as_ref().is_some_and(|found| found.p < MISMATCH)
    }

    /// The measure of a metric.
    pub fn measure(&self, metric: &Metric) -> Option<&Measure> {
        self.measures.iter().find(|measure| measure.metric == *metric)
    }
}

/// All metrics that anything is known of.
fn measures(rule: &Rule, arms: &[ArmSums]) -> Vec<Measure> {
    let scores: BTreeSet<&Metric> =
        arms.iter().flat_map(|arm| arm.ratios.keys()).filter(|metric| matches!(metric, Metric::Score(_))).collect();
    let all = Metric::ALL.into_iter().chain(scores.into_iter().cloned());
    let mut measures: Vec<Measure> = all.filter_map(|metric| measure(rule, arms, metric)).collect();
    measures.sort_by_key(|measure| measure.role);
    let treatments = arms.len().saturating_sub(1);
    (1..=treatments).for_each(|arm| judge(rule, arms, &mut measures, (arm, ALPHA / treatments as f64)));
    measures
}

/// A metric before it is compared; `None` where no variant has it.
fn measure(rule: &Rule, arms: &[ArmSums], metric: Metric) -> Option<Measure> {
    let figures: Vec<Option<f64>> = arms.iter().map(|arm| arm.figure(&metric)).collect();
    if figures.iter().all(Option::is_none) {
        return None;
    }
    let is_share = arms.iter().all(|arm| arm.binary.contains(&metric) || !arm.ratios.contains_key(&metric));
    let measured = match metric.measured() {
        Measured::Number if is_share => Measured::Share,
        measured => measured,
    };
    let (role, good) = (rule.role(&metric), rule.good(&metric));
    Some(Measure { role, good, measured, comparisons: vec![None; figures.len()], figures, metric })
}

/// Compares one variant with the control by all metrics.
fn judge(rule: &Rule, arms: &[ArmSums], measures: &mut [Measure], (arm, alpha): (usize, f64)) {
    let at = |metric: &Metric, alpha: f64| {
        let (control, variant) = (arms[0].estimate(metric)?, arms[arm].estimate(metric)?);
        let threshold = rule.threshold(metric, control.value);
        Some(compare(&control, &variant, Plan { threshold, alpha }))
    };
    let others: Vec<usize> = (0..measures.len())
        .filter(|i| measures[*i].role == Role::Other && at(&measures[*i].metric, alpha).is_some())
        .collect();
    let p: Vec<f64> = others.iter().map(|i| at(&measures[*i].metric, alpha).map_or(1.0, |found| found.p)).collect();
    let corrected: BTreeMap<usize, f64> = others.into_iter().zip(levels(&p, alpha)).collect();
    for (i, measure) in measures.iter_mut().enumerate() {
        let level = match measure.role {
            Role::Primary => alpha / rule.primaries() as f64,
            Role::Guardrail => alpha,
            Role::Other => corrected.get(&i).copied().unwrap_or(alpha),
        };
        measure.comparisons[arm] = at(&measure.metric, level);
    }
}

#[cfg(test)]
mod tests;

//! One figure of a variant against the control's: the difference, its interval, and a verdict.

use super::moments::Estimate;
use super::sequence::{half_width, p_value, variance_for};

/// Fewer units of an arm say nothing: the intervals rest on the central limit theorem.
pub const LEAST_UNITS: u64 = 30;

/// The same for units counted by how evenly busy they are.
pub const LEAST_EFFECTIVE: f64 = 15.0;

/// The mixture is this many times as wide as the difference that matters: effects from that difference up to twenty times
/// as large are then found with a few more units than the best choice for each would need.
const SCALE: f64 = 4.0;

/// What is asked of a comparison.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Plan {
    /// The difference that matters, in the figure's unit; 0 where nothing tells.
    pub threshold: f64,
    /// The chance that the interval ever misses.
    pub alpha: f64,
}

/// From where to where the true difference is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    /// The least it is.
    pub low: f64,
    /// The most it is.
    pub high: f64,
}

impl Interval {
    /// Whether 0 is left out.
    pub fn excludes_zero(&self) -> bool {
        self.low > 0.0 || self.high < 0.0
    }
}

/// What can be said of a difference. Whether more is better is not known here.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Verdict {
    /// An arm has fewer units than [`LEAST_UNITS`]; so many more are needed.
    TooFew {
        /// How many more, in the arm that has least.
        more: u64,
    },
    /// It is more than the control's.
    Higher,
    /// It is less.
    Lower,
    /// It is no further from the control's than this, in the figure's unit.
    NoDifference {
        /// The difference that would have mattered.
        than: f64,
    },
    /// It cannot be told yet.
    NotYet {
        /// About so many more units, of both arms together, if nothing changes; `None` where nothing tells.
        more: Option<u64>,
    },
}

/// A figure against the control's.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Comparison {
    /// The variant's figure less the control's.
    pub difference: f64,
    /// Where the true difference is; `None` while there are too few units.
    pub interval: Option<Interval>,
    /// The always-valid p-value, 0..=1; 1 while there are too few units.
    pub p: f64,
    /// The chance that the interval ever misses.
    pub alpha: f64,
    /// The difference that matters.
    pub threshold: f64,
    /// What can be said.
    pub verdict: Verdict,
}

/// Compares two independent arms: V = s₁²/n₁ + s₂²/n₂, each s²/n over units.
pub fn compare(control: &Estimate, variant: &Estimate, plan: Plan) -> Comparison {
    let difference = variant.value - control.value;
    let blank = Comparison {
        difference,
        interval: None,
        p: 1.0,
        alpha: plan.alpha,
        threshold: plan.threshold,
        verdict: Verdict::NotYet { more: None },
    };
    if let Some(more) = missing(control).max(missing(variant)) {
        return Comparison { verdict: Verdict::TooFew { more }, ..blank };
    }
    let variance = control.variance + variant.variance;
    let scale = scale(plan.threshold, control);
    if scale <= 0.0 {
        return blank;
    }
    let half = half_width(variance, scale, plan.alpha);
    let interval = Interval { low: difference - half, high: difference + half };
    let verdict = match interval {
        Interval { low, .. } if low > 0.0 => Verdict::Higher,
        Interval { high, .. } if high < 0.0 => Verdict::Lower,
        _ if difference.abs() + half <= plan.threshold => Verdict::NoDifference { than: plan.threshold },
        _ => Verdict::NotYet { more: more(control, variant, (variance, scale), plan) },
    };
    Comparison { interval: Some(interval), p: p_value(difference, variance, scale), verdict, ..blank }
}

/// How wide the mixture is: by the difference that matters, else by the control's figure.
fn scale(threshold: f64, control: &Estimate) -> f64 {
    if threshold > 0.0 { SCALE * threshold } else { control.value.abs() / 5.0 }
}

/// How many units an arm lacks; `None` where it has enough.
fn missing(arm: &Estimate) -> Option<u64> {
    let by_count = LEAST_UNITS.saturating_sub(arm.units);
    let uneven = (arm.effective < LEAST_EFFECTIVE)
        .then(|| (arm.units as f64 * (LEAST_EFFECTIVE / arm.effective.max(1.0) - 1.0)).ceil() as u64);
    Some(by_count.max(uneven.unwrap_or(0))).filter(|more| *more > 0)
}

/// About how many more units it takes until the interval leaves out 0 or stays within what matters, whichever needs fewer,
/// if the difference stays as it is. Variances fall as units come in.
fn more(control: &Estimate, variant: &Estimate, (variance, scale): (f64, f64), plan: Plan) -> Option<u64> {
    let difference = (variant.value - control.value).abs();
    let half = difference.max(plan.threshold - difference);
    let wanted = variance_for(half, scale, plan.alpha);
    let units = (control.units + variant.units) as f64;
    let all = units * variance / wanted;
    (wanted > 0.0 && all.is_finite()).then(|| (all - units).clamp(1.0, 1e15) as u64)
}

//! Quantiles with a variance over units, from a histogram and from how many calls of each unit lie below a threshold.

use super::moments::{Estimate, Moments};
use crate::stats::histogram::Histogram;

/// So many calls have to lie beyond a quantile before it says anything.
pub const LEAST_BEYOND: f64 = 10.0;

/// How many standard errors the slope of the quantile function is measured over, to each side.
const REACH: f64 = 2.0;

/// The quantile `q` in 0..1 with the variance of its estimate, by the delta method for quantiles over units (Deng, Knoblich,
/// Lu, KDD 2018, §4; Liu, Sun, Varshney, Xu, *Large-Scale Online Experimentation with Quantile Metrics*, 2019):
/// Var(quantile) = Var(share of calls below it) / density².
///
/// `below` has for each unit how many of its calls are at most a threshold near the arm's quantile, and all of its calls.
/// Units are counted in coarser buckets than the arm as a whole, so the threshold is not quite the quantile: the variance is
/// carried over by how much larger than that of independent calls it is, `Var(q) = Var(F) q (1 − q) / (F (1 − F))`. The
/// density is the slope of the histogram's quantile function over two standard errors to each side (Woodruff, JASA 47, 1952).
///
/// `None` where fewer than [`LEAST_BEYOND`] calls lie beyond the quantile, or on one side of the threshold.
pub fn quantile(histogram: &Histogram, below: &Moments, q: f64) -> Option<Estimate> {
    let at = below.estimate()?;
    let (calls, share) = (below.y, at.value);
    let scarce = |share: f64| calls * share.min(1.0 - share) < LEAST_BEYOND;
    if scarce(q) || scarce(share) {
        return None;
    }
    let error = (at.variance * q * (1.0 - q) / (share * (1.0 - share))).sqrt();
    // Not past the ends, and over more than a call or two.
    let reach = (REACH * error).max(2.0 / calls).min(0.8 * q.min(1.0 - q));
    let value = histogram.quantile(q)? as f64;
    let (low, high) = (histogram.quantile(q - reach)? as f64, histogram.quantile(q + reach)? as f64);
    // Values in one bucket of the histogram are not told apart: half of its width is the least there is.
    let slope = (high - low).max(value / 256.0) / (2.0 * reach);
    Some(Estimate { value, variance: (slope * error).powi(2), ..at })
}

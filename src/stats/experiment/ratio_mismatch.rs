//! Sample-ratio mismatch: whether variants got the share of units they were meant to get. Where they did not, something is
//! wrong with the assignment or the logging, and no comparison means anything.

use super::special::chi_square_p;

/// Below this chance units were not assigned as they should be. It is small because somebody may look often, and because a
/// mismatch is no matter of taste (Fabijan et al., *Diagnosing Sample Ratio Mismatch*, KDD 2019).
pub const MISMATCH: f64 = 0.001;

/// Fewer units say nothing of their shares: the chi-square approximation wants five of each variant (Cochran, 1954).
const LEAST_EXPECTED: f64 = 5.0;

/// How units were shared out.
#[derive(Debug, Clone, PartialEq)]
pub struct Mismatch {
    /// The chance of shares at least as wrong if they were assigned as they should be, 0..=1.
    pub p: f64,
    /// How many units each variant should have.
    pub expected: Vec<f64>,
}

/// Pearson's chi-square of units against weights (Pearson, 1900), with one degree of freedom less than there are variants.
/// `None` where there is one variant, a weight of 0, or too few units.
pub fn mismatch(units: &[u64], weights: &[f64]) -> Option<Mismatch> {
    let (all, sum): (f64, f64) = (units.iter().map(|n| *n as f64).sum(), weights.iter().sum());
    if units.len() < 2 || units.len() != weights.len() || weights.iter().any(|weight| *weight <= 0.0) {
        return None;
    }
    let expected: Vec<f64> = weights.iter().map(|weight| all * weight / sum).collect();
    if expected.iter().any(|expected| *expected < LEAST_EXPECTED) {
        return None;
    }
    let statistic = units.iter().zip(&expected).map(|(n, e)| (*n as f64 - e).powi(2) / e).sum();
    Some(Mismatch { p: chi_square_p(statistic, (units.len() - 1) as f64), expected })
}

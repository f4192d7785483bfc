//! Welch's test, the one of textbooks for a single look at a fixed number of units. No verdict is made of it: it is what
//! readers can check the means and variances with.

use super::moments::Estimate;
use super::special::student_t_p;

/// Welch's test of two means.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Welch {
    /// The difference in standard errors.
    pub t: f64,
    /// Degrees of freedom, after Welch and Satterthwaite.
    pub freedom: f64,
    /// Two-sided p-value of one look, 0..=1.
    pub p: f64,
}

/// Compares two figures (Welch, *The Generalization of Student's Problem*, Biometrika 34, 1947). `None` without variance or
/// below two units.
pub fn welch(a: &Estimate, b: &Estimate) -> Option<Welch> {
    let variance = a.variance + b.variance;
    if variance <= 0.0 || a.units < 2 || b.units < 2 {
        return None;
    }
    let part = |of: &Estimate| of.variance * of.variance / (of.units - 1) as f64;
    let freedom = variance * variance / (part(a) + part(b));
    let t = (a.value - b.value) / variance.sqrt();
    Some(Welch { t, freedom, p: student_t_p(t, freedom) })
}

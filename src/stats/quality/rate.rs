//! Shares of judgements that are yes or no, thumbs among them.

use super::{Interval, Z95};

/// The score interval of Wilson for `yes` of `all`, 0..=1; `None` without any. E. B. Wilson, "Probable Inference, the Law of
/// Succession, and Statistical Inference", JASA 22 (1927) 209–212, without a correction for continuity: method 3 of R. G.
/// Newcombe, "Two-sided confidence intervals for the single proportion", Statistics in Medicine 17 (1998) 857–872.
pub fn wilson(yes: u64, all: u64) -> Option<Interval> {
    if all == 0 || yes > all {
        return None;
    }
    let (n, p, z2) = (all as f64, yes as f64 / all as f64, Z95 * Z95);
    let middle = (p + z2 / (2.0 * n)) / (1.0 + z2 / n);
    let half = Z95 / (1.0 + z2 / n) * (p * (1.0 - p) / n + z2 / (4.0 * n * n)).sqrt();
    let found = Interval::around(middle, half).within(0.0, 1.0);
    // At the ends the formula gives these up to rounding.
    let low = if yes == 0 { 0.0 } else { found.low };
    Some(Interval { low, high: if yes == all { 1.0 } else { found.high } })
}

/// Thumbs up as a share of all thumbs, 0..=1; `None` without any.
pub fn thumbs(up: u64, down: u64) -> Option<f64> {
    let all = up.checked_add(down).filter(|all| *all > 0)?;
    Some(up as f64 / all as f64)
}

/// Whether a value is a thumb up: 1 of 0 and 1, or of −1 and 1.
pub fn is_up(value: f64) -> bool {
    value > 0.0
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Table I of Newcombe (1998), method 3.
    #[test]
    fn wilson_equals_newcombes_table() {
        for (yes, all, low, high) in
            [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)]
        {
            let found = wilson(yes, all).expect("an interval");
            assert!((found.low - low).abs() < 5e-5 && (found.high - high).abs() < 5e-5, "{yes}/{all}: {found:?}");
        }
    }

    #[test]
    fn the_ends_are_exact_and_nothing_is_unknown() {
        assert_eq!(wilson(0, 0), None);
        assert_eq!(wilson(2, 1), None);
        assert_eq!(wilson(0, 3).map(|i| i.low), Some(0.0));
        assert_eq!(wilson(3, 3).map(|i| i.high), Some(1.0));
        let one = wilson(1, 1).expect("one is little, not nothing");
        assert!(one.low > 0.2 && one.low < 0.21);
    }

    #[test]
    fn thumbs_are_a_share() {
        assert_eq!(thumbs(0, 0), None);
        assert_eq!(thumbs(3, 1), Some(0.75));
        assert!(is_up(1.0) && !is_up(0.0) && !is_up(-1.0));
    }
}

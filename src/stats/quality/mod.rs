//! Pure statistics of judgements: rates, means and Net Promoter Scores with their intervals, agreement of two raters,
//! and what a retrieval was worth. All intervals are of 95 %; unknown is `None`, never 0.

pub mod kappa;
pub mod mean;
pub mod nps;
pub mod rag;
pub mod rate;

/// A confidence interval of 95 %.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Interval {
    /// Its lower end.
    pub low: f64,
    /// Its upper end.
    pub high: f64,
}

impl Interval {
    /// Around a value, so far to both sides.
    pub fn around(middle: f64, half: f64) -> Interval {
        Interval { low: middle - half, high: middle + half }
    }

    /// The same, within the values that are possible.
    #[must_use]
    pub fn within(self, low: f64, high: f64) -> Interval {
        Interval { low: self.low.clamp(low, high), high: self.high.clamp(low, high) }
    }

    /// Whether two have nothing in common: then what they are of differs, for all that chance may have done.
    pub fn is_apart_from(&self, other: &Interval) -> bool {
        self.low > other.high || other.low > self.high
    }
}

/// The 97.5th percentile of the standard normal distribution.
pub const Z95: f64 = 1.959_963_984_540_054;

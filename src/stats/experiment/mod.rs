//! Statistics of experiments: sums over units that merge, ratios and quantiles with variances over units, intervals that
//! hold however often somebody looks, and verdicts in words. Pure; what is counted where is the store's.

mod compare;
mod holm;
mod moments;
mod quantile;
mod ratio_mismatch;
mod sequence;
mod special;
mod welch;

pub use compare::{Comparison, Interval, LEAST_EFFECTIVE, LEAST_UNITS, Plan, Verdict, compare};
pub use holm::levels;
pub use moments::{Estimate, Moments};
pub use quantile::{LEAST_BEYOND, quantile};
pub use ratio_mismatch::{MISMATCH, Mismatch, mismatch};
pub use sequence::{half_width, p_value, variance_for};
pub use special::{chi_square_p, student_t_p};
pub use welch::{Welch, welch};

#[cfg(test)]
mod tests;

//! What a sum will come to at the end of its period: what is spent, and what the rest of the period is expected to add,
//! judged by equal steps of late or by the same hours of the days before. Sums to come are told with a prediction interval.

use crate::snapshot::Forecast;

/// Fewer full steps than this tell nothing of a spread.
pub const FEWEST_STEPS: usize = 3;

/// Fewer days before than this tell nothing of the hours of a day.
pub const FEWEST_DAYS: usize = 7;

/// The normal distribution's 90th percentile: one in ten lies above it, and one in ten below its negative.
const Z: f64 = 1.281_551_565_545;

/// The sum at the end of a period by `steps` of late, equal in length, full, and oldest first, where `remaining` of their
/// length are to come: `spent + remaining × mean`, with the interval that holds four times out of five.
///
/// For n steps of mean x̄ and standard deviation s the sum of m further ones is m·x̄ ± t·s·√(m + m²/n), t being Student's of
/// n − 1 degrees of freedom at 0.9: the prediction interval for the mean of m future observations (Hahn and Meeker,
/// Statistical Intervals, 1991, section 4.7; x̄ ± t·s·√(1/m + 1/n)) times m. It takes the steps for independent. Where one
/// follows the one before it, as spend does, the variances of both sums grow by f = (1 + r)/(1 − r), r being the correlation
/// of neighbours (the limit for an autoregression of first order; Box, Jenkins and Reinsel, Time Series Analysis, section
/// 2.1), and n steps are worth n/f. That is done to the safe side: r is raised by its bias of about 1/n and drawn towards
/// 0.6 as by three more steps, and a negative one, which would make the interval narrower, is taken for none. `None` with
/// fewer than three steps.
pub fn by_steps(spent: f64, steps: &[f64], remaining: f64) -> Option<Forecast> {
    if steps.len() < FEWEST_STEPS || !remaining.is_finite() || remaining < 0.0 {
        return None;
    }
    let (n, m) = (steps.len() as f64, remaining);
    let mean = mean(steps);
    let squares: f64 = steps.iter().map(|x| (x - mean).powi(2)).sum();
    // What is left of a spread has to be told by two steps at least.
    let grown = inflation(steps, mean, squares).min(n / 2.0);
    let variance = squares / (n - grown);
    let freedom = (n / grown - 1.0).max(2.0);
    let half = student(freedom) * (variance * grown * (m + m * m / n)).sqrt();
    Some(around(spent, m * mean, half))
}

/// The sum at the end of a day by the days before: of each, what was spent until the same time of day, and what after it.
///
/// What came after is a line in what came before it, r = a + b·s by least squares, so that a day that is dearer so far than
/// the others is expected to go on so as far as their days did. The interval is that for one future observation at s,
/// t·σ·√(1 + 1/n + (s − s̄)²/Σ(sᵢ − s̄)²) with n − 2 degrees of freedom (Draper and Smith, Applied Regression Analysis,
/// section 1.4). Where the line would fall, or all days began alike, it is the mean of what came after, with
/// t·σ·√(1 + 1/n) and n − 1 degrees of freedom. The hours of a day depend on each other as they will; only days are taken for
/// independent. `None` with fewer than seven.
pub fn by_days(spent: f64, days: &[(f64, f64)]) -> Option<Forecast> {
    if days.len() < FEWEST_DAYS {
        return None;
    }
    let n = days.len() as f64;
    let (firsts, rests): (Vec<f64>, Vec<f64>) = days.iter().copied().unzip();
    let (first, rest) = (mean(&firsts), mean(&rests));
    let sxx: f64 = firsts.iter().map(|s| (s - first).powi(2)).sum();
    let sxy: f64 = days.iter().map(|(s, r)| (s - first) * (r - rest)).sum();
    // Sums of dollars are rounded: what differs by less than that does not differ.
    let alike = sxx <= f64::EPSILON * (first * first * n).max(1.0);
    let slope = if alike { 0.0 } else { (sxy / sxx).max(0.0) };
    let left: f64 = days.iter().map(|(s, r)| (r - rest - slope * (s - first)).powi(2)).sum();
    let (freedom, apart) = if slope > 0.0 { (n - 2.0, (spent - first).powi(2) / sxx) } else { (n - 1.0, 0.0) };
    let half = student(freedom) * (left / freedom * (1.0 + 1.0 / n + apart)).sqrt();
    Some(around(spent, rest + slope * (spent - first), half))
}

/// A sum of what is spent and what comes, which is never less than nothing.
fn around(spent: f64, rest: f64, half: f64) -> Forecast {
    let sum = |rest: f64| spent + rest.max(0.0);
    Forecast { expected_nusd: sum(rest), low_nusd: sum(rest - half), high_nusd: sum(rest + half) }
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}

/// How far a step of spend usually follows the one before it: what few steps say of it is drawn towards this.
const USUAL: f64 = 0.6;

/// How many steps that is worth.
const WORTH: f64 = 3.0;

/// By how much sums of correlated steps vary more than those of independent ones; at least 1.
fn inflation(steps: &[f64], mean: f64, squares: f64) -> f64 {
    if squares <= 0.0 {
        return 1.0;
    }
    let products: f64 = steps.windows(2).map(|pair| (pair[0] - mean) * (pair[1] - mean)).sum();
    let n = steps.len() as f64;
    let r = ((n * products / squares + 1.0 + WORTH * USUAL) / (n + WORTH)).clamp(0.0, 0.95);
    (1.0 + r) / (1.0 - r)
}

/// The 90th percentile of Student's t (Abramowitz and Stegun, 26.7.5, to the third term): within 0.6 % from two degrees of
/// freedom on.
fn student(freedom: f64) -> f64 {
    let (z, v) = (Z, freedom);
    let first = (z.powi(3) + z) / 4.0;
    let second = (5.0 * z.powi(5) + 16.0 * z.powi(3) + 3.0 * z) / 96.0;
    let third = (3.0 * z.powi(7) + 19.0 * z.powi(5) + 17.0 * z.powi(3) - 15.0 * z) / 384.0;
    z + first / v + second / (v * v) + third / (v * v * v)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn percentiles_of_student_are_those_of_the_tables() {
        for (freedom, want) in [(2.0, 1.886), (3.0, 1.638), (5.0, 1.476), (10.0, 1.372), (30.0, 1.310), (1e9, 1.2816)] {
            assert!((student(freedom) / want - 1.0).abs() < 0.006, "{freedom}: {}", student(freedom));
        }
    }

    #[test]
    fn a_constant_series_leaves_no_doubt() {
        let even = by_steps(40.0, &[5.0; 6], 4.0);
        assert_eq!(even, Some(Forecast { expected_nusd: 60.0, low_nusd: 60.0, high_nusd: 60.0 }));
        let days = by_days(40.0, &[(40.0, 12.0); 7]);
        assert_eq!(days, Some(Forecast { expected_nusd: 52.0, low_nusd: 52.0, high_nusd: 52.0 }));
        let over = by_steps(7.0, &[1.0, 2.0, 3.0], 0.0);
        assert_eq!(over, Some(Forecast { expected_nusd: 7.0, low_nusd: 7.0, high_nusd: 7.0 }), "the period is over");
    }

    #[test]
    fn a_known_series_has_the_interval_worked_by_hand() {
        // Neighbours differ: r is negative, and taken for none. Mean 3, squares 6 × 1, s² = 6/5, m = 4, n = 6:
        // t(5) = 1.476, √(1.2 × (4 + 16/6)) = 2.828.
        let got = by_steps(10.0, &[2.0, 4.0, 2.0, 4.0, 2.0, 4.0], 4.0).expect("six steps");
        assert_eq!(got.expected_nusd, 22.0);
        assert!((got.high_nusd - 22.0 - 1.476 * 2.828).abs() < 0.02, "{got:?}");
        assert!((22.0 - got.low_nusd - 1.476 * 2.828).abs() < 0.02, "{got:?}");
        // In blocks the same values are worth less.
        let blocks = by_steps(10.0, &[2.0, 2.0, 2.0, 4.0, 4.0, 4.0], 4.0).expect("six steps");
        assert!(blocks.expected_nusd == 22.0 && blocks.high_nusd > got.high_nusd + 1.0, "{blocks:?}");
    }

    #[test]
    fn a_dear_day_goes_on_as_dear_days_did() {
        // After its first hours each day cost twice as much again.
        let days: Vec<(f64, f64)> = (1..=8).map(|n| (f64::from(n), 2.0 * f64::from(n))).collect();
        let got = by_days(20.0, &days).expect("eight days");
        assert!((got.expected_nusd - 60.0).abs() < 1e-6 && (got.high_nusd - got.low_nusd) < 1e-3, "{got:?}");
        // Days whose beginning tells nothing, or the contrary: the mean of what came after.
        let apart: Vec<(f64, f64)> = (1..=8).map(|n| (f64::from(n), 10.0 - f64::from(n))).collect();
        assert_eq!(by_days(100.0, &apart).map(|f| f.expected_nusd), Some(105.5));
    }

    #[test]
    fn too_little_tells_nothing() {
        assert_eq!(by_steps(1.0, &[1.0, 2.0], 5.0), None);
        assert_eq!(by_steps(1.0, &[1.0; 9], f64::NAN), None);
        assert_eq!(by_days(1.0, &[(1.0, 1.0); 6]), None);
    }

    /// Random numbers of a seed (xorshift), their logarithms normal: spend is never less than nothing, and skewed.
    struct Noise(u64);

    impl Noise {
        fn even(&mut self) -> f64 {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            (self.0 >> 11) as f64 / (1u64 << 53) as f64
        }

        fn normal(&mut self) -> f64 {
            (0..12).map(|_| self.even()).sum::<f64>() - 6.0
        }

        /// So many steps around 1, each following the one before by `r`.
        fn steps(&mut self, count: usize, r: f64) -> Vec<f64> {
            let mut level = self.normal();
            let mut step = || {
                level = r * level + (1.0 - r * r).sqrt() * self.normal();
                (0.4 * level).exp()
            };
            (0..count).map(|_| step()).collect()
        }
    }

    /// How many of 1,000 sums to come the interval holds.
    fn held(past: usize, future: usize, r: f64) -> usize {
        let mut noise = Noise(0x9e37_79b9_7f4a_7c15);
        let holds = |_: &usize| {
            let steps = noise.steps(past + future, r);
            let (known, to_come) = steps.split_at(past);
            let got = by_steps(5.0, known, future as f64).expect("enough steps");
            let came = 5.0 + to_come.iter().sum::<f64>();
            got.low_nusd <= came && came <= got.high_nusd
        };
        (0..1_000).filter(holds).count()
    }

    #[test]
    fn the_interval_holds_four_times_out_of_five() {
        for (past, future) in [(3, 3), (6, 18), (12, 12), (24, 6), (24, 24), (14, 1)] {
            for r in [0.0, 0.3, 0.6] {
                let held = held(past, future, r);
                assert!((750..=990).contains(&held), "{past} steps, {future} to come, r = {r}: {held} of 1000");
            }
        }
    }

    #[test]
    fn the_interval_of_days_holds_four_times_out_of_five() {
        let mut noise = Noise(77);
        for (count, apart) in [(7, 0.0), (7, 0.5), (14, 0.3)] {
            let mut held = 0;
            for _ in 0..1_000 {
                let mut day = || {
                    let level = (apart * noise.normal()).exp();
                    let mut part = |hours: f64| level * hours * (0.2 * noise.normal()).exp();
                    (part(9.0), part(15.0))
                };
                let days: Vec<(f64, f64)> = (0..count).map(|_| day()).collect();
                let (spent, to_come) = day();
                let got = by_days(spent, &days).expect("enough days");
                held += usize::from(got.low_nusd <= spent + to_come && spent + to_come <= got.high_nusd);
            }
            assert!((750..=990).contains(&held), "{count} days, {apart}: {held} of 1000");
        }
    }

    proptest! {
        #[test]
        fn never_less_than_is_spent(spent in 0.0f64..1e15, steps in prop::collection::vec(0.0f64..1e12, 3..40), remaining in 0.0f64..1e4) {
            let days: Vec<(f64, f64)> = steps.iter().zip(steps.iter().rev()).map(|(a, b)| (*a, *b)).collect();
            for got in [by_steps(spent, &steps, remaining), by_days(spent, &days)].into_iter().flatten() {
                prop_assert!(spent <= got.low_nusd && got.low_nusd <= got.expected_nusd, "{:?}", got);
                prop_assert!(got.expected_nusd <= got.high_nusd && got.high_nusd.is_finite(), "{:?}", got);
            }
        }
    }
}

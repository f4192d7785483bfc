//! Means of judgements on a scale, with the interval of Student.

use super::Interval;

/// Count, mean and spread of some values, taken in one by one or from others (B. P. Welford, Technometrics 4 (1962)
/// 419–420; T. F. Chan, G. H. Golub, R. J. LeVeque, The American Statistician 37 (1983) 242–247).
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Moments {
    /// How many.
    pub count: u64,
    mean: f64,
    /// Sum of the squared distances from the mean.
    squares: f64,
}

impl Moments {
    /// Takes in a value; one that is no number is none.
    pub fn add(&mut self, value: f64) {
        if !value.is_finite() {
            return;
        }
        self.count += 1;
        let from = value - self.mean;
        self.mean += from / self.count as f64;
        self.squares += from * (value - self.mean);
    }

    /// Takes in another's values.
    pub fn merge(&mut self, other: &Moments) {
        if other.count == 0 {
            return;
        }
        let (a, b) = (self.count as f64, other.count as f64);
        let apart = other.mean - self.mean;
        self.mean += apart * b / (a + b);
        self.squares += other.squares + apart * apart * a * b / (a + b);
        self.count += other.count;
    }

    /// Their mean; `None` without any.
    pub fn mean(&self) -> Option<f64> {
        (self.count > 0).then_some(self.mean)
    }

    /// Their standard deviation, with n − 1; `None` below two.
    pub fn deviation(&self) -> Option<f64> {
        (self.count > 1).then(|| (self.squares / (self.count - 1) as f64).max(0.0).sqrt())
    }

    /// The interval of the mean by Student's t with n − 1 degrees of freedom; `None` below two values. NIST/SEMATECH
    /// e-Handbook of Statistical Methods, 1.3.5.2 "Confidence limits for the mean".
    pub fn interval(&self) -> Option<Interval> {
        let half = student(self.count.checked_sub(1)?)? * self.deviation()? / (self.count as f64).sqrt();
        Some(Interval::around(self.mean, half))
    }
}

/// Above so many degrees of freedom the expansion is exact to more than ten digits.
const MANY: u64 = 200;

/// The 97.5th percentile of Student's t; `None` without degrees of freedom. M. Abramowitz, I. A. Stegun, Handbook of
/// Mathematical Functions (1964): for few degrees the finite sums 26.7.3 and 26.7.4, turned round by halving; for many the
/// expansion 26.7.5.
pub fn student(degrees: u64) -> Option<f64> {
    match degrees {
        0 => None,
        1..=MANY => Some(by_halving(degrees)),
        _ => Some(expansion(degrees as f64)),
    }
}

fn by_halving(degrees: u64) -> f64 {
    let (mut low, mut high) = (0.0, 16.0);
    for _ in 0..100 {
        let middle = (low + high) / 2.0;
        if within(middle, degrees) < 0.95 { low = middle } else { high = middle }
    }
    (low + high) / 2.0
}

/// The probability that |t| is at most so much: A(t|ν), 26.7.3 for odd ν, 26.7.4 for even.
fn within(t: f64, degrees: u64) -> f64 {
    let angle = (t / (degrees as f64).sqrt()).atan();
    let (sine, cosine) = angle.sin_cos();
    let odd = degrees % 2 == 1;
    let (mut term, mut sum) = if odd { (cosine, 0.0) } else { (1.0, 0.0) };
    let mut n = if odd { 1 } else { 0 };
    while n + 2 <= degrees {
        sum += term;
        let (above, below) = ((n + 1) as f64, (n + 2) as f64);
        term *= above / below * cosine * cosine;
        n += 2;
    }
    if odd { 2.0 / std::f64::consts::PI * (angle + sine * sum) } else { sine * sum }
}

fn expansion(v: f64) -> f64 {
    let x = super::Z95;
    let (x2, x3) = (x * x, x * x * x);
    let g1 = (x3 + x) / 4.0;
    let g2 = (5.0 * x2 * x3 + 16.0 * x3 + 3.0 * x) / 96.0;
    let g3 = (3.0 * x2 * x2 * x3 + 19.0 * x2 * x3 + 17.0 * x3 - 15.0 * x) / 384.0;
    x + g1 / v + g2 / (v * v) + g3 / (v * v * v)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Abramowitz and Stegun, table 26.10, the column for 0.95 on both sides.
    #[test]
    fn student_equals_the_table() {
        for (degrees, t) in [
            (1, 12.706),
            (2, 4.303),
            (3, 3.182),
            (4, 2.776),
            (5, 2.571),
            (10, 2.228),
            (30, 2.042),
            (60, 2.000),
            (120, 1.980),
        ] {
            assert!((student(degrees).expect("known") - t).abs() < 6e-4, "{degrees}: {:?}", student(degrees));
        }
        assert_eq!(student(0), None);
        let (by_sum, by_expansion) = (by_halving(MANY), expansion(MANY as f64));
        assert!((by_sum - by_expansion).abs() < 1e-8, "{by_sum} {by_expansion}");
    }

    /// NIST/SEMATECH e-Handbook 1.3.5.2: 195 measurements of heat flow, mean 9.261460, standard deviation 0.022789, limits
    /// 9.258242 and 9.264679.
    #[test]
    fn limits_of_a_mean_equal_the_handbooks() {
        let deviation: f64 = 0.022_789;
        let flow = Moments { count: 195, mean: 9.261_460, squares: deviation * deviation * 194.0 };
        let found = flow.interval().expect("enough");
        assert!((found.low - 9.258_242).abs() < 1.5e-6 && (found.high - 9.264_679).abs() < 1.5e-6, "{found:?}");
    }

    #[test]
    fn small_counts_are_honest() {
        let mut few = Moments::default();
        assert_eq!((few.mean(), few.interval()), (None, None));
        few.add(0.4);
        assert_eq!((few.mean(), few.deviation(), few.interval()), (Some(0.4), None, None));
        few.add(0.4);
        assert_eq!(few.interval(), Some(Interval { low: 0.4, high: 0.4 }));
        few.add(f64::NAN);
        assert_eq!(few.count, 2);
    }

    proptest::proptest! {
        #[test]
        fn in_parts_is_the_same_as_at_once(values in proptest::collection::vec(-1e3f64..1e3, 1..40), cut in 0usize..40) {
            let of = |values: &[f64]| values.iter().fold(Moments::default(), |mut sum, v| { sum.add(*v); sum });
            let (left, right) = values.split_at(cut.min(values.len()));
            let mut parts = of(left);
            parts.merge(&of(right));
            let whole = of(&values);
            proptest::prop_assert_eq!(parts.count, whole.count);
            proptest::prop_assert!((parts.mean - whole.mean).abs() < 1e-9 && (parts.squares - whole.squares).abs() < 1e-3);
        }
    }
}

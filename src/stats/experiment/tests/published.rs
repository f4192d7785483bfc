//! Published worked examples, each with where it stands.

use super::super::*;
use crate::stats::histogram::Histogram;

fn mean(values: &[f64]) -> Estimate {
    let mut moments = Moments::default();
    values.iter().for_each(|value| moments.add(*value, 1.0));
    moments.estimate().expect("some values")
}

fn near(got: f64, want: f64, within: f64) {
    assert!((got - want).abs() <= within, "{got} for {want}");
}

/// Student's sleep data, as R prints `t.test(extra ~ group, data = sleep)`: t = -1.8608, df = 17.776, p-value = 0.07939.
#[test]
fn welch_is_that_of_the_sleep_data() {
    let first = mean(&[0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0]);
    let second = mean(&[1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4]);
    let Welch { t, freedom, p } = welch(&first, &second).expect("they differ");
    near(t, -1.8608, 5e-5);
    near(freedom, 17.776, 5e-4);
    near(p, 0.07939, 5e-6);
}

/// Two-sided critical values of t: NIST/SEMATECH e-Handbook of Statistical Methods, 1.3.6.7.2.
#[test]
fn tails_of_t_are_those_of_the_table() {
    for (t, freedom, p) in [(12.706, 1.0, 0.05), (2.228, 10.0, 0.05), (2.750, 30.0, 0.01), (3.390, 100.0, 0.001)] {
        near(student_t_p(t, freedom), p, p * 2e-3);
        near(student_t_p(-t, freedom), p, p * 2e-3);
    }
    near(student_t_p(0.0, 7.0), 1.0, 1e-12);
}

/// Upper critical values of chi-square: NIST/SEMATECH e-Handbook of Statistical Methods, 1.3.6.7.4.
#[test]
fn tails_of_chi_square_are_those_of_the_table() {
    for (statistic, freedom, p) in
        [(3.841, 1.0, 0.05), (10.828, 1.0, 0.001), (11.070, 5.0, 0.05), (23.209, 10.0, 0.01), (124.342, 100.0, 0.05)]
    {
        near(chi_square_p(statistic, freedom), p, p * 2e-3);
    }
    assert_eq!(chi_square_p(0.0, 1.0), 1.0);
}

/// Mendel's peas, 315, 108, 101 and 32 for 9:3:3:1: chi-square 0.470, p = 0.925 (Mendel, 1866; worked in most textbooks).
#[test]
fn peas_are_as_they_should_be() {
    let found = mismatch(&[315, 108, 101, 32], &[9.0, 3.0, 3.0, 1.0]).expect("enough peas");
    near(found.p, 0.925, 5e-4);
    near(found.expected[0], 312.75, 1e-9);
}

/// 821,588 users in control and 815,482 in treatment for equal shares: p = 1.8e-6 (Kohavi, Tang, Xu, *Trustworthy Online
/// Controlled Experiments*, 2020, chapter 21).
#[test]
fn a_published_mismatch_is_found() {
    let found = mismatch(&[821_588, 815_482], &[1.0, 1.0]).expect("enough users");
    near(found.p, 1.8e-6, 5e-8);
    assert!(found.p < MISMATCH);
    assert!(mismatch(&[821_588, 815_482], &[821_588.0, 815_482.0]).expect("enough").p > 0.99);
    assert_eq!(mismatch(&[8, 0], &[1.0, 1.0]), None, "too few");
    assert_eq!(mismatch(&[100, 100], &[1.0, 0.0]), None, "nothing was expected of one");
}

/// With one call for each unit the delta method is the variance of a mean.
#[test]
fn a_ratio_of_single_calls_is_a_mean() {
    let Estimate { value, variance, units, effective } = mean(&[2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0]);
    near(value, 5.0, 1e-12);
    near(variance, 32.0 / 7.0 / 8.0, 1e-12);
    assert_eq!((units, effective), (8, 8.0));
}

/// The delta method against the formula in the paper, with means, variances and covariance written out.
#[test]
fn a_ratio_has_the_variance_of_the_paper() {
    let units = [(1.0, 3.0), (0.0, 5.0), (4.0, 9.0), (2.0, 2.0), (3.0, 8.0)];
    let mut moments = Moments::default();
    units.iter().for_each(|(x, y)| moments.add(*x, *y));
    let n = units.len() as f64;
    let (mx, my) = (10.0 / n, 27.0 / n);
    let product = |f: &dyn Fn(f64, f64) -> f64| units.iter().map(|(x, y)| f(*x, *y)).sum::<f64>() / (n - 1.0);
    let (vx, vy) = (product(&|x, _| (x - mx) * (x - mx)), product(&|_, y| (y - my) * (y - my)));
    let cov = product(&|x, y| (x - mx) * (y - my));
    let want = (vx / (my * my) - 2.0 * mx / my.powi(3) * cov + mx * mx / my.powi(4) * vy) / n;
    near(moments.estimate().expect("five units").variance, want, 1e-12);
}

/// Equation 10 of the paper on confidence sequences: at the size they are chosen for no other width is narrower.
#[test]
fn the_mixture_is_tightest_where_the_paper_says() {
    let alpha: f64 = 0.05;
    let rho2 = |t: f64| (-2.0 * alpha.ln() + (-2.0 * alpha.ln()).ln() + 1.0) / t;
    let (variance, t) = (3.0, 500.0);
    let width = |scale2: f64| half_width(variance / t, scale2.sqrt(), alpha);
    let best = width(rho2(t) * variance);
    for factor in [0.2, 0.5, 0.9, 1.1, 2.0, 5.0] {
        // Their closed form is near the best, not quite it.
        assert!(width(rho2(t) * variance * factor) > best * 0.9995, "{factor}");
    }
    // Theorem 2.2 written out.
    let (t, rho2) = (200.0_f64, 0.01_f64);
    let want = (2.0 * (t * rho2 + 1.0) / (t * t * rho2) * ((t * rho2 + 1.0).sqrt() / alpha).ln()).sqrt();
    near(half_width(1.0 / t, rho2.sqrt(), alpha), want, 1e-12);
}

#[test]
fn the_p_value_and_the_interval_agree() {
    for (difference, variance, scale) in [(1.0, 0.05, 0.5), (0.5, 0.01, 1.0), (3.0, 1.0, 0.3)] {
        let p = p_value(difference, variance, scale);
        assert!(half_width(variance, scale, p * 1.001) < difference);
        assert!(half_width(variance, scale, p * 0.999) > difference);
        let half = half_width(variance, scale, 0.05);
        near(variance_for(half, scale, 0.05), variance, variance * 1e-9);
    }
}

/// Holm's own kind of table: 0.01, 0.02, 0.03, 0.04 at 0.05 reject the first alone; the others are held against a third of it.
#[test]
fn holm_steps_down_and_stops() {
    assert_eq!(levels(&[0.03, 0.01, 0.04, 0.02], 0.05), [0.05 / 3.0, 0.0125, 0.05 / 3.0, 0.05 / 3.0]);
    assert_eq!(levels(&[0.001, 0.02], 0.05), [0.025, 0.05]);
    assert!(levels(&[], 0.05).is_empty());
}

/// Of independent exponential values the variance of a quantile is p (1 − p) / (n f²), f being the density there (Serfling,
/// *Approximation Theorems of Mathematical Statistics*, 1980, §2.3.3).
#[test]
fn a_quantile_of_independent_values_has_its_textbook_variance() {
    let n = 40_000;
    let value = |i: usize| -1e6 * (1.0 - (i as f64 + 0.5) / n as f64).ln();
    for (q, threshold) in [(0.5, 0.5_f64), (0.95, 0.93)] {
        let at = -1e6 * (1.0 - threshold).ln();
        let (mut histogram, mut below) = (Histogram::default(), Moments::default());
        for i in 0..n {
            histogram.record(value(i) as u64);
            below.add(f64::from(u8::from(value(i) <= at)), 1.0);
        }
        let Estimate { value, variance, .. } = quantile(&histogram, &below, q).expect("enough");
        let want = q / (1.0 - q) / n as f64 * 1e12;
        near(value, -1e6 * (1.0 - q).ln(), 8e3);
        near(variance, want, want * 0.12);
    }
    assert_eq!(quantile(&Histogram::default(), &Moments::default(), 0.5), None);
}

#[test]
fn few_units_say_nothing_and_many_say_it_all() {
    let of = |value: f64, variance: f64, units: u64, effective: f64| Estimate { value, variance, units, effective };
    let plan = Plan { threshold: 0.05, alpha: 0.05 };
    let few = compare(&of(1.0, 0.01, 500, 400.0), &of(2.0, 0.01, 12, 12.0), plan);
    assert_eq!((few.verdict, few.interval, few.p), (Verdict::TooFew { more: 18 }, None, 1.0));
    let uneven = compare(&of(1.0, 0.01, 500, 5.0), &of(2.0, 0.01, 90, 90.0), plan);
    assert_eq!(uneven.verdict, Verdict::TooFew { more: 1_000 });
    let verdict =
        |value, variance| compare(&of(1.0, variance, 500, 500.0), &of(value, variance, 500, 500.0), plan).verdict;
    assert_eq!(verdict(1.2, 1e-4), Verdict::Higher);
    assert_eq!(verdict(0.8, 1e-4), Verdict::Lower);
    assert_eq!(verdict(1.01, 1e-5), Verdict::NoDifference { than: 0.05 });
    assert!(matches!(verdict(1.02, 1e-3), Verdict::NotYet { more: Some(more) } if (1_000..1_000_000).contains(&more)));
    // Two arms in which every unit is the same.
    assert_eq!(verdict(1.0, 0.0), Verdict::NoDifference { than: 0.05 });
    assert_eq!(verdict(1.001, 0.0), Verdict::Higher);
}

#[test]
fn a_share_that_met_no_failure_is_not_known_to_be_nothing() {
    let mut none = Moments::default();
    (0..100).for_each(|_| none.add(0.0, 3.0));
    let estimate = none.share().expect("units");
    assert_eq!(estimate.value, 0.0);
    near(estimate.variance.sqrt(), 1.0 / 302.0, 1e-4);
}

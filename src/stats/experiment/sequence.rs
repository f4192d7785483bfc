//! Intervals and p-values that hold at all times together, however often somebody looks: asymptotic confidence sequences of
//! a normal mixture.

/// Half the width of the interval around a difference of this variance, in the figure's unit. `scale` is τ, above 0; `alpha`
/// the chance in 0..1 that the interval ever misses.
///
/// Waudby-Smith, Arbour, Sinha, Kennedy, Ramdas, *Time-uniform central limit theory and asymptotic confidence sequences*
/// (2021; Annals of Statistics 2024), theorem 2.2: with t units of variance σ² an estimated mean lies within
/// `σ √( 2 (tρ² + 1) / (t²ρ²) · ln( √(tρ² + 1) / α ) )` of the true one at all t together, with probability 1 − α. Here
/// V = σ²/t is the variance of a difference of two independent arms, s₁²/n₁ + s₂²/n₂, and τ² = ρ²σ² the variance of the
/// mixture, so that `tρ² = τ²/V`. Written in τ the bound runs in information 1/V rather than in units: users come back,
/// so information grows while units do not.
///
/// τ is the size of effect the interval is tightest for: it is, where V = τ² / (−2 ln α + ln(−2 ln α) + 1) (their eq. 10),
/// where the standard error is about a third of τ. Too large a τ costs little (the logarithm of it), too small a one much.
pub fn half_width(variance: f64, scale: f64, alpha: f64) -> f64 {
    if variance <= 0.0 {
        return 0.0;
    }
    let information = scale * scale / variance;
    (variance * (1.0 + 1.0 / information) * (information.ln_1p() - 2.0 * alpha.ln())).sqrt()
}

/// The smallest alpha at which the interval leaves out 0: a p-value that holds at all times together (Johari, Koomen,
/// Pekelis, Walsh, *Always Valid Inference*, Operations Research 2022, §4: one over the mixture likelihood ratio). 0..=1.
pub fn p_value(difference: f64, variance: f64, scale: f64) -> f64 {
    if variance <= 0.0 {
        return if difference == 0.0 { 1.0 } else { 0.0 };
    }
    let information = scale * scale / variance;
    let exponent = difference * difference / (2.0 * variance * (1.0 + 1.0 / information));
    (0.5 * information.ln_1p() - exponent).exp().min(1.0)
}

/// The variance at which the interval is as narrow as this, for saying how many more units it takes.
pub fn variance_for(half: f64, scale: f64, alpha: f64) -> f64 {
    // The width grows with the variance, so that halving finds it; a variance above the square of the width is too much.
    let (mut low, mut high) = (0.0, half * half);
    for _ in 0..80 {
        let middle = 0.5 * (low + high);
        if half_width(middle, scale, alpha) > half {
            high = middle;
        } else {
            low = middle;
        }
    }
    low
}

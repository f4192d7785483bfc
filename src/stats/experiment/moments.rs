//! Sums over units, from which a ratio and its variance follow. They merge by addition, so that units may be summed up in
//! any parts.

/// Sums over units of a numerator x and a denominator y, as failed calls and calls.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Moments {
    /// Units with a numerator or a denominator.
    pub n: u64,
    /// Σ x
    pub x: f64,
    /// Σ y
    pub y: f64,
    /// Σ x²
    pub xx: f64,
    /// Σ y²
    pub yy: f64,
    /// Σ x y
    pub xy: f64,
}

/// A figure with the variance of its estimate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Estimate {
    /// The figure.
    pub value: f64,
    /// Variance of the estimate, in the square of the figure's unit; 0 and up.
    pub variance: f64,
    /// Units it is made of.
    pub units: u64,
    /// How many units of the same size would tell as much: (Σ y)² / Σ y² (Kish, Survey Sampling, 1965, §11.2). Few busy
    /// units among many quiet ones are few.
    pub effective: f64,
}

impl Moments {
    /// Adds a unit; one with neither says nothing.
    pub fn add(&mut self, x: f64, y: f64) {
        if x != 0.0 || y > 0.0 {
            self.n += 1;
            self.x += x;
            self.y += y;
            self.xx += x * x;
            self.yy += y * y;
            self.xy += x * y;
        }
    }

    /// Adds all of another.
    pub fn merge(&mut self, other: &Moments) {
        self.n += other.n;
        self.x += other.x;
        self.y += other.y;
        self.xx += other.xx;
        self.yy += other.yy;
        self.xy += other.xy;
    }

    /// Σ x / Σ y; `None` without a denominator.
    pub fn ratio(&self) -> Option<f64> {
        (self.y > 0.0).then(|| self.x / self.y)
    }

    /// The ratio with its variance by the delta method over units: calls of one unit are correlated, units are not.
    ///
    /// With d = x − R y of each unit, Var(R) ≈ Σ d² / ((n − 1) n ȳ²); this is the variance of a ratio metric of Deng,
    /// Knoblich, Lu, *Applying the Delta Method in Metric Analytics* (KDD 2018), eq. 3, written in sums. `None` below two
    /// units.
    pub fn estimate(&self) -> Option<Estimate> {
        let value = self.ratio()?;
        if self.n < 2 {
            return None;
        }
        let n = self.n as f64;
        let squares = (self.xx - 2.0 * value * self.xy + value * value * self.yy).max(0.0);
        let variance = squares * n / (n - 1.0) / (self.y * self.y);
        Some(Estimate { value, variance, units: self.n, effective: self.y * self.y / self.yy })
    }

    /// The same for a share, 0..=1, that may have met no failure yet: the variance is never taken for less than that of so
    /// many independent calls with one failure and one success more (Agresti, Caffo, *Simple and Effective Confidence
    /// Intervals for Proportions*, The American Statistician 54, 2000).
    pub fn share(&self) -> Option<Estimate> {
        let estimate = self.estimate()?;
        let guess = (self.x + 1.0) / (self.y + 2.0);
        let least = (guess * (1.0 - guess)).max(0.0) / (self.y + 2.0);
        Some(Estimate { variance: estimate.variance.max(least), ..estimate })
    }
}

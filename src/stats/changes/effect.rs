//! The arithmetic of changes: how much of one some calls explain, by their number and by what happened within them, how
//! surprising that is, and how far it may be chance.

/// What calls of one window came to, of one figure.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Sum {
    /// Calls that have the figure.
    pub n: f64,
    /// Their sum: of failures, of µs, of nano-dollars.
    pub x: f64,
    /// The sum of the squares of single calls.
    pub squares: f64,
}

impl Sum {
    pub fn add(&mut self, other: Sum) {
        self.n += other.n;
        self.x += other.x;
        self.squares += other.squares;
    }

    /// The mean of a call; `None` without calls.
    pub fn mean(self) -> Option<f64> {
        (self.n > 0.0).then(|| self.x / self.n)
    }

    /// The variance of the mean: of a share with one success and one failure added, so that none of none is no certainty
    /// (Agresti and Coull, "Approximate is better than exact for interval estimation of binomial proportions", 1998).
    fn variance(self, kind: Kind) -> f64 {
        if self.n <= 0.0 {
            return 0.0;
        }
        let (share, mean) = ((self.x + 1.0) / (self.n + 2.0), self.x / self.n);
        match kind {
            Kind::Share => share * (1.0 - share) / self.n,
            Kind::Mean | Kind::Sum => (self.squares / self.n - mean * mean).max(0.0) / self.n,
        }
    }
}

/// What kind of figure it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A share of calls.
    Share,
    /// A mean over calls.
    Mean,
    /// A sum over calls.
    Sum,
}

/// Some calls in both windows, the one before first, and all calls that they are among, of the same figure.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pair {
    pub kind: Kind,
    pub part: [Sum; 2],
    pub all: [Sum; 2],
}

/// How much of a change comes of the number of calls, and how much of what happened within them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Effect {
    pub mix: f64,
    pub within: f64,
}

impl Effect {
    pub fn total(self) -> f64 {
        self.mix + self.within
    }
}

impl Pair {
    /// The effect of these calls on the figure of all. With the share `w` of all calls and the mean `r` of these, in the two
    /// windows, and the mean `R` of all:
    ///
    /// `within = (w₀ + w₁)/2 · (r₁ − r₀)` and `mix = (w₁ − w₀) · ((r₀ + r₁)/2 − (R₀ + R₁)/2)`.
    ///
    /// Over values that share out all calls the two add up to `R₁ − R₀` exactly. It is the symmetric decomposition of Kitagawa,
    /// "Components of a difference between two rates", JASA 1955, written for each component against the mean of all, as Oaxaca
    /// and Blinder (1973) have it for regressions. Of a sum the same holds with the number of calls in the place of the
    /// share, and nothing to be held against. Calls that are there in one window only have no change within.
    pub fn effect(&self) -> Effect {
        let [before, now] = self.part;
        let (r0, r1) = match (before.mean(), now.mean()) {
            (Some(r0), Some(r1)) => (r0, r1),
            (Some(only), None) | (None, Some(only)) => (only, only),
            (None, None) => (0.0, 0.0),
        };
        let (w, of_all) = (self.weights(), self.middle());
        Effect { mix: (w[1] - w[0]) * ((r0 + r1) / 2.0 - of_all), within: (w[0] + w[1]) / 2.0 * (r1 - r0) }
    }

    fn weights(&self) -> [f64; 2] {
        match self.kind {
            Kind::Sum => [self.part[0].n, self.part[1].n],
            _ => [0, 1].map(|side| if self.all[side].n > 0.0 { self.part[side].n / self.all[side].n } else { 0.0 }),
        }
    }

    fn middle(&self) -> f64 {
        match self.kind {
            Kind::Sum => 0.0,
            _ => self.all.iter().filter_map(|sum| sum.mean()).sum::<f64>() / 2.0,
        }
    }

    /// The standard error of the effect. Of a mean or a share: of what is within by the variances of both means, of the mix
    /// by those of the shares of calls. Of a sum: that of a compound Poisson process, the sum of the squares.
    pub fn error(&self) -> f64 {
        if self.kind == Kind::Sum {
            return (self.part[0].squares + self.part[1].squares).sqrt();
        }
        let w = self.weights();
        let within: f64 = self.part.iter().map(|sum| sum.variance(self.kind)).sum();
        let means: Vec<f64> = self.part.iter().filter_map(|sum| sum.mean()).collect();
        let apart = means.iter().sum::<f64>() / means.len().max(1) as f64 - self.middle();
        let shares: f64 = (0..2).map(|side| w[side] * (1.0 - w[side]).max(0.0) / self.all[side].n.max(1.0)).sum();
        (((w[0] + w[1]) / 2.0).powi(2) * within + apart * apart * shares).sqrt()
    }

    /// The share of the figure's sum that these calls had before: what they would explain if all had changed alike.
    pub fn expected(&self) -> f64 {
        let before = self.all[0].x;
        if before > 0.0 { self.part[0].x / before } else { self.share() }
    }

    /// The share of these among all calls, the mean of the windows that have calls; of one way to fail, which is no set of
    /// calls, among all failures.
    pub fn share(&self) -> f64 {
        let of_failures = self.all.iter().zip(self.part).all(|(all, part)| all.n == part.n && self.kind == Kind::Share);
        let size = |sum: &Sum| if of_failures { sum.x } else { sum.n };
        let sides = self.part.iter().zip(&self.all).filter(|(_, all)| size(all) > 0.0);
        let shares: Vec<f64> = sides.map(|(part, all)| size(part) / size(all)).collect();
        shares.iter().sum::<f64>() / shares.len().max(1) as f64
    }

    /// How surprising it is that these calls explain such a share of a change: the Jensen-Shannon divergence of their share
    /// of the change from their share of the calls, in nats, 0..=ln 2. With surprise, which there is that of the share now
    /// from the share before, Bhagwan et al. rank explanations in "Adtributor: Revenue Debugging in Advertising Systems",
    /// NSDI 2014; what they call explanatory power is `explains`.
    pub fn surprise(&self, explains: f64) -> f64 {
        let (p, q) = (self.share().clamp(0.0, 1.0), explains.clamp(0.0, 1.0));
        let half = |p: f64, q: f64| if p > 0.0 { p * (2.0 * p / (p + q)).ln() } else { 0.0 };
        let of = |p: f64, q: f64| (half(p, q) + half(q, p)) / 2.0;
        of(p, q) + of(1.0 - p, 1.0 - q)
    }
}

/// All calls of both windows.
#[derive(Debug, Clone, Copy)]
pub(super) struct Whole {
    pub kind: Kind,
    pub all: [Sum; 2],
}

impl Whole {
    pub fn n(&self) -> [f64; 2] {
        self.all.map(|sum| sum.n)
    }

    /// By how much the figure changed.
    pub fn change(&self) -> f64 {
        let of = |sum: Sum| if self.kind == Kind::Sum { sum.x } else { sum.mean().unwrap_or(0.0) };
        of(self.all[1]) - of(self.all[0])
    }

    /// The standard error of that.
    pub fn error(&self) -> f64 {
        Pair { kind: self.kind, part: self.all, all: self.all }.error()
    }

    /// Of a sum: the share of its change that the number of calls explains.
    pub fn by_number(&self) -> f64 {
        let effect = Pair { kind: self.kind, part: self.all, all: self.all }.effect();
        if self.change() == 0.0 { 0.0 } else { effect.mix / self.change() }
    }
}

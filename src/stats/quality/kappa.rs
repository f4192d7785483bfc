//! How far two raters agree beyond chance.

use super::{Interval, Z95};
use std::collections::BTreeMap;

/// What two raters said of the same things: how often each pair of categories.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Agreement {
    pairs: BTreeMap<(i64, i64), u64>,
}

impl Agreement {
    /// Takes in what the first and the second said of one thing.
    pub fn add(&mut self, first: i64, second: i64) {
        *self.pairs.entry((first, second)).or_default() += 1;
    }

    /// Things that both judged.
    pub fn count(&self) -> u64 {
        self.pairs.values().sum()
    }

    /// Of how many things both said the same.
    pub fn same(&self) -> u64 {
        self.pairs.iter().filter(|((a, b), _)| a == b).map(|(_, n)| n).sum()
    }

    /// Cohen's kappa, at most 1; `None` without things, and where both raters say the same one thing of all: then nothing
    /// tells agreement from chance. J. Cohen, "A Coefficient of Agreement for Nominal Scales", Educational and
    /// Psychological Measurement 20 (1960) 37–46.
    pub fn kappa(&self) -> Option<f64> {
        let shares = Shares::of(self)?;
        (shares.chance < 1.0).then(|| (shares.agreed - shares.chance) / (1.0 - shares.chance))
    }

    /// The interval of kappa by its large-sample standard error; `None` where kappa is, and below two things. J. L. Fleiss,
    /// J. Cohen, B. S. Everitt, "Large Sample Standard Errors of Kappa and Weighted Kappa", Psychological Bulletin 72
    /// (1969) 323–327.
    pub fn interval(&self) -> Option<Interval> {
        if self.count() < 2 {
            return None;
        }
        Some(Interval::around(self.kappa()?, Z95 * self.standard_error()?).within(-1.0, 1.0))
    }

    fn standard_error(&self) -> Option<f64> {
        let (shares, kappa, n) = (Shares::of(self)?, self.kappa()?, self.count() as f64);
        let mut sum = 0.0;
        for ((a, b), count) in &self.pairs {
            let share = *count as f64 / n;
            if a == b {
                sum += share * (1.0 - (shares.first(*a) + shares.second(*b)) * (1.0 - kappa)).powi(2);
            } else {
                sum += share * (1.0 - kappa).powi(2) * (shares.second(*a) + shares.first(*b)).powi(2);
            }
        }
        let around = kappa - shares.chance * (1.0 - kappa);
        Some((sum - around * around).max(0.0).sqrt() / ((1.0 - shares.chance) * n.sqrt()))
    }
}

/// The raters' shares of each category, how much of all they agreed on, and how much of that chance would do.
struct Shares {
    first: BTreeMap<i64, f64>,
    second: BTreeMap<i64, f64>,
    agreed: f64,
    chance: f64,
}

impl Shares {
    fn of(agreement: &Agreement) -> Option<Shares> {
        let n = agreement.count();
        if n == 0 {
            return None;
        }
        let (mut first, mut second) = (BTreeMap::<i64, u64>::new(), BTreeMap::<i64, u64>::new());
        for ((a, b), count) in &agreement.pairs {
            *first.entry(*a).or_default() += count;
            *second.entry(*b).or_default() += count;
        }
        let share = |counts: BTreeMap<i64, u64>| -> BTreeMap<i64, f64> {
            counts.into_iter().map(|(category, count)| (category, count as f64 / n as f64)).collect()
        };
        let (first, second) = (share(first), share(second));
        let chance = first.iter().map(|(category, p)| p * second.get(category).copied().unwrap_or(0.0)).sum();
        Some(Shares { first, second, agreed: agreement.same() as f64 / n as f64, chance })
    }

    fn first(&self, category: i64) -> f64 {
        self.first.get(&category).copied().unwrap_or(0.0)
    }

    fn second(&self, category: i64) -> f64 {
        self.second.get(&category).copied().unwrap_or(0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table<const N: usize>(rows: [[u64; N]; N]) -> Agreement {
        let mut out = Agreement::default();
        for (a, row) in rows.iter().enumerate() {
            for (b, count) in row.iter().enumerate() {
                (0..*count).for_each(|_| out.add(a as i64, b as i64));
            }
        }
        out
    }

    /// The example of Cohen (1960): two psychiatrists, 200 patients.
    #[test]
    fn kappa_equals_cohens_example() {
        let found = table([[88, 14, 18], [10, 40, 10], [2, 6, 12]]);
        assert_eq!((found.count(), found.same()), (200, 140));
        assert!((found.kappa().expect("known") - 0.492).abs() < 5e-4);
    }

    /// Table 18.1 of J. L. Fleiss, B. Levin, M. C. Paik, Statistical Methods for Rates and Proportions (2003): kappa 0.68
    /// with a standard error of 0.087, of rounded terms.
    #[test]
    fn the_standard_error_equals_fleiss_example() {
        let found = table([[75, 1, 4], [5, 4, 1], [0, 0, 10]]);
        assert!((found.kappa().expect("known") - 0.68).abs() < 5e-3, "{:?}", found.kappa());
        assert!((found.standard_error().expect("known") - 0.087).abs() < 1e-3, "{:?}", found.standard_error());
    }

    #[test]
    fn what_chance_explains_wholly_is_unknown() {
        assert_eq!((Agreement::default().kappa(), Agreement::default().interval()), (None, None));
        let all_alike = table([[5, 0], [0, 0]]);
        assert_eq!((all_alike.kappa(), all_alike.interval()), (None, None));
        // One rater who never varies agrees as often as chance.
        assert_eq!(table([[3, 0], [2, 0]]).kappa(), Some(0.0));
        assert_eq!(table([[3, 0], [0, 2]]).kappa(), Some(1.0));
        assert_eq!(table([[0, 2], [2, 0]]).kappa(), Some(-1.0));
        assert_eq!(table([[0, 1], [0, 0]]).interval(), None);
    }
}

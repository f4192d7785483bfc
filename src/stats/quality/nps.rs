//! The Net Promoter Score: promoters less detractors, as a share of all who were asked.

use super::{Interval, Z95};

/// What the answers to "how likely are you to recommend it, 0 to 10" came to (F. F. Reichheld, "The One Number You Need to
/// Grow", Harvard Business Review 81 (2003) 46–54).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Nps {
    /// Who answered 9 or 10.
    pub promoters: u64,
    /// Who answered 7 or 8.
    pub passives: u64,
    /// Who answered 0 to 6.
    pub detractors: u64,
}

/// What somebody is by the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Attitude {
    /// 0 to 6.
    Detractor,
    /// 7 or 8.
    Passive,
    /// 9 or 10.
    Promoter,
}

impl Attitude {
    /// By the answer; `None` for what is not on the scale.
    pub fn of(value: f64) -> Option<Attitude> {
        match value {
            v if !(0.0..=10.0).contains(&v) => None,
            v if v >= 9.0 => Some(Attitude::Promoter),
            v if v >= 7.0 => Some(Attitude::Passive),
            _ => Some(Attitude::Detractor),
        }
    }
}

impl Nps {
    /// Takes in an answer; whether it was on the scale.
    pub fn add(&mut self, value: f64) -> bool {
        match Attitude::of(value) {
            Some(Attitude::Promoter) => self.promoters += 1,
            Some(Attitude::Passive) => self.passives += 1,
            Some(Attitude::Detractor) => self.detractors += 1,
            None => return false,
        }
        true
    }

    /// How many answered.
    pub fn count(&self) -> u64 {
        self.promoters.saturating_add(self.passives).saturating_add(self.detractors)
    }

    /// The score, −100..=100; `None` without answers.
    pub fn score(&self) -> Option<f64> {
        let all = self.count();
        (all > 0).then(|| 100.0 * (self.promoters as f64 - self.detractors as f64) / all as f64)
    }

    /// The interval of the score, −100..=100; `None` below two answers. The adjusted Wald interval with three answers
    /// added, ¾ of them promoters and ¾ detractors: B. Rocks, "Interval Estimation for the 'Net Promoter Score'", The
    /// American Statistician 70 (2016) 365–372.
    pub fn interval(&self) -> Option<Interval> {
        self.interval_at(Z95)
    }

    fn interval_at(&self, z: f64) -> Option<Interval> {
        if self.count() < 2 {
            return None;
        }
        let n = self.count() as f64 + 3.0;
        let (promoters, detractors) = ((self.promoters as f64 + 0.75) / n, (self.detractors as f64 + 0.75) / n);
        let score = promoters - detractors;
        let half = z * ((promoters + detractors - score * score) / n).sqrt();
        Some(Interval::around(100.0 * score, 100.0 * half).within(-100.0, 100.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_fall_where_reichheld_has_them() {
        let mut nps = Nps::default();
        assert!((0..=10).all(|answer| nps.add(f64::from(answer))));
        assert_eq!(nps, Nps { promoters: 2, passives: 2, detractors: 7 });
        assert!(!nps.add(11.0) && !nps.add(-1.0) && !nps.add(f64::NAN));
        assert_eq!(nps.count(), 11);
    }

    /// J. Sauro, J. Lewis, "Confidence Intervals for Net Promoter Scores" (measuringu.com, 2021): 15 promoters, 13 passives
    /// and 8 detractors give 19, and at 90 % an interval from about −2 to 38.
    #[test]
    fn the_interval_equals_a_published_one() {
        let nps = Nps { promoters: 15, passives: 13, detractors: 8 };
        assert_eq!(nps.score().map(f64::round), Some(19.0));
        let found = nps.interval_at(1.645).expect("an interval");
        assert_eq!((found.low.round(), found.high.round()), (-2.0, 38.0));
        let wider = nps.interval().expect("an interval");
        assert!(wider.low < found.low && wider.high > found.high);
    }

    #[test]
    fn few_answers_have_no_interval_and_none_no_score() {
        assert_eq!((Nps::default().score(), Nps::default().interval()), (None, None));
        let one = Nps { promoters: 1, ..Nps::default() };
        assert_eq!((one.score(), one.interval()), (Some(100.0), None));
        let two = Nps { promoters: 2, ..Nps::default() };
        assert!(two.interval().is_some_and(|i| i.low < 60.0 && i.high <= 100.0));
    }
}

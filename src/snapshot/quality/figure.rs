//! One figure of some judgements: their rate, mean or Net Promoter Score, with its interval.

use super::Interval;
use crate::stats::quality::mean::Moments;
use crate::stats::quality::nps::Nps;
use crate::stats::quality::rate::{is_up, thumbs, wilson};

/// What the values of a score are, by its name and by the values there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub enum Scale {
    /// Yes or no: the share of yes.
    #[default]
    Rate,
    /// Up or down: the share of up.
    Thumbs,
    /// 0 to 10: promoters less detractors.
    Nps,
    /// Anything else: the mean.
    Mean,
}

/// From this value on a task was completed: `true` is 1, and judges that grade give a share.
const COMPLETED: f64 = 0.5;

impl Scale {
    /// The scale of a name, by its values: by nearly all of them, so that one slip does not make another figure of all.
    pub fn of(name: &str, values: impl Iterator<Item = f64> + Clone) -> Scale {
        let nearly_all = |fits: fn(f64) -> bool| {
            let (fit, all) = values.clone().fold((0, 0), |(fit, all), v| (fit + u64::from(fits(v)), all + 1));
            fit * 10 >= all * 9
        };
        match name {
            "task_completed" => Scale::Rate,
            "nps" => Scale::Nps,
            "thumbs" if nearly_all(|v| v == -1.0 || v == 0.0 || v == 1.0) => Scale::Thumbs,
            _ if nearly_all(|v| v == 0.0 || v == 1.0) => Scale::Rate,
            _ => Scale::Mean,
        }
    }

    /// Whether a value is on the scale.
    pub fn has(self, value: f64) -> bool {
        match self {
            Scale::Rate => (0.0..=1.0).contains(&value),
            Scale::Nps => (0.0..=10.0).contains(&value),
            Scale::Thumbs => (-1.0..=1.0).contains(&value),
            Scale::Mean => value.is_finite(),
        }
    }

    /// Whether a value means yes.
    pub fn is_yes(self, value: f64) -> bool {
        match self {
            Scale::Thumbs => is_up(value),
            _ => value >= COMPLETED,
        }
    }
}

/// What values come to, by their scale.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Parts {
    /// Yes, and all.
    Share {
        /// Those that say yes.
        yes: u64,
        /// All.
        all: u64,
    },
    /// Promoters, passives and detractors.
    Nps(Nps),
    /// Count, mean and spread.
    Mean(Moments),
}

impl Default for Parts {
    fn default() -> Parts {
        Parts::Share { yes: 0, all: 0 }
    }
}

/// A figure of some judgements.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Figure {
    /// What it is made of.
    pub parts: Parts,
}

impl Figure {
    /// Nothing yet.
    pub fn new(scale: Scale) -> Figure {
        Figure {
            parts: match scale {
                Scale::Rate | Scale::Thumbs => Parts::Share { yes: 0, all: 0 },
                Scale::Nps => Parts::Nps(Nps::default()),
                Scale::Mean => Parts::Mean(Moments::default()),
            },
        }
    }

    /// Takes in a value of the scale.
    pub fn add(&mut self, scale: Scale, value: f64) {
        match &mut self.parts {
            Parts::Share { yes, all } => {
                *yes += u64::from(scale.is_yes(value));
                *all += 1;
            }
            Parts::Nps(nps) => drop(nps.add(value)),
            Parts::Mean(moments) => moments.add(value),
        }
    }

    /// Of how many judgements.
    pub fn count(&self) -> u64 {
        match self.parts {
            Parts::Share { all, .. } => all,
            Parts::Nps(nps) => nps.count(),
            Parts::Mean(moments) => moments.count,
        }
    }

    /// The rate, 0..=1, the score, −100..=100, or the mean; `None` without judgements.
    pub fn value(&self) -> Option<f64> {
        match self.parts {
            Parts::Share { yes, all } => thumbs(yes, all.saturating_sub(yes)),
            Parts::Nps(nps) => nps.score(),
            Parts::Mean(moments) => moments.mean(),
        }
    }

    /// Its interval of 95 %; `None` where there are too few.
    pub fn interval(&self) -> Option<Interval> {
        match self.parts {
            Parts::Share { yes, all } => wilson(yes, all),
            Parts::Nps(nps) => nps.interval(),
            Parts::Mean(moments) => moments.interval(),
        }
    }

    /// Whether it differs from another by more than chance would do, as far as their intervals tell.
    pub fn is_apart_from(&self, other: &Figure) -> bool {
        self.interval().zip(other.interval()).is_some_and(|(a, b)| a.is_apart_from(&b))
    }
}

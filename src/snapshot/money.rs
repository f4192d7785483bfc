//! The state of budgets, and what money came to beyond sums of costs: plain data, made by the store in one place.

use crate::view::{Budget, Range};

/// What some calls cost.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Spend {
    /// All calls.
    pub calls: u64,
    /// Cost of the priced ones, nano-dollars; `None` where none is priced.
    pub cost_nusd: Option<i64>,
    /// Calls whose cost is unknown: the true spend is more.
    pub unpriced_calls: u64,
}

impl Spend {
    /// What it came to as far as anything is known, nano-dollars: 0 where nothing was called, `None` where all that is known
    /// is that some calls, such as refused ones, cost nothing.
    pub fn known(&self) -> Option<i64> {
        known(self.cost_nusd, self.calls, self.unpriced_calls)
    }
}

/// See [`Spend::known`]; for the sums of other figures.
pub(super) fn known(cost_nusd: Option<i64>, calls: u64, unpriced_calls: u64) -> Option<i64> {
    match cost_nusd {
        None => (calls == 0).then_some(0),
        Some(0) if unpriced_calls > 0 => None,
        known => known,
    }
}

/// A sum to come, with the range it will lie in four times out of five, nano-dollars.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Forecast {
    /// What is expected.
    pub expected_nusd: f64,
    /// One time in ten it is less.
    pub low_nusd: f64,
    /// One time in ten it is more.
    pub high_nusd: f64,
}

/// How one budget, or one value of what it is divided by, stands.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Burn {
    /// Whose it is: the value of the budget's dimension; empty for the whole budget. Calls that do not say are nobody's, and
    /// in the whole alone.
    pub key: Vec<Option<String>>,
    /// Spent since the period began.
    pub spent: Spend,
    /// Spent in the period before up to the same point; `None` where the store begins later than that.
    pub before: Option<Spend>,
    /// Nano-dollars per hour, of late; `None` where nothing is known yet.
    pub rate_nusd_per_h: Option<f64>,
    /// What will be spent when the period ends; `None` where there is too little to tell by, and for lengths of time, which
    /// do not end.
    pub forecast: Option<Forecast>,
    /// When the limit will be reached at that rate, µs; `None` where it will not within the period, or has been.
    pub exhausted_us: Option<i64>,
    /// Before this time, µs, something has been deleted that would tell these figures apart: what they have of earlier times
    /// is of what is left, or of whole hours or days that reach beyond the period. `None` where they are whole.
    pub gone_us: Option<i64>,
}

/// How a budget stands.
#[derive(Debug, Clone, PartialEq)]
pub struct BudgetState {
    /// Which.
    pub budget: Budget,
    /// The present period.
    pub period: Range,
    /// All of its calls together; where the budget is divided, the limit holds for none of this.
    pub total: Burn,
    /// Where it is divided: those who have spent most, most first.
    pub most: Vec<Burn>,
    /// Where it is divided: how many have spent anything, and how many all of their limit.
    pub members: u64,
    /// See `members`.
    pub over: u64,
}

impl BudgetState {
    /// The one that stands worst: the whole, or whoever has spent most.
    pub fn worst(&self) -> &Burn {
        self.budget.per.and(self.most.first()).unwrap_or(&self.total)
    }

    /// How much of the limit that one has spent, 0 and up; `None` where it is unknown.
    pub fn share(&self) -> Option<f64> {
        match (self.budget.per, self.most.first()) {
            // The limit is no limit of the whole.
            (Some(_), None) => Some(0.0),
            _ => self.share_of(self.worst()),
        }
    }

    /// How much of the limit somebody has spent.
    pub fn share_of(&self, burn: &Burn) -> Option<f64> {
        let spent = burn.spent.known()?;
        (self.budget.limit_nusd > 0).then(|| spent as f64 / self.budget.limit_nusd as f64)
    }
}

/// What became of tasks, by their `task_completed` scores in the window.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tasks {
    /// Judged ones: calls or traces, each once by its newest score.
    pub judged: u64,
    /// Those that were completed: a score of one half and more.
    pub completed: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_that_cost_nothing_say_nothing_of_those_without_a_price() {
        for (calls, cost_nusd, unpriced_calls, known) in [
            (0, None, 0, Some(0)),
            (5, None, 5, None),
            (5, Some(0), 0, Some(0)),
            (5, Some(0), 4, None),
            (5, Some(7), 4, Some(7)),
        ] {
            let spend = Spend { calls, cost_nusd, unpriced_calls };
            assert_eq!(spend.known(), known, "{spend:?}");
        }
    }
}

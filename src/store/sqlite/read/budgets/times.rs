//! The times of a budget: its period so far, the one before up to the same point, and the time of late that its rate is of;
//! and what retention has deleted of them.

use super::super::Answer;
use super::super::cube::Cube;
use super::super::plan::{Horizon, Piece, plan};
use crate::snapshot::Spend;
use crate::store::sqlite::rollup::Tier;
use crate::view::{Budget, Period, Range};

/// The time that the rate of late is of, where the period is not shorter.
const LATE_US: i64 = Tier::Hour.len_us();

/// What an answer is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Needs {
    /// Rollups no finer than this tier, and single calls at the edges.
    Rollups(Tier),
    /// Hourly totals of members, and single calls at the edges.
    Totals,
    /// Single calls alone.
    Rows,
}

impl Needs {
    pub fn of(cube: Cube) -> Needs {
        match cube {
            Cube::Rows => Needs::Rows,
            Cube::Hosts => Needs::Rollups(Tier::Hour),
            Cube::Everything | Cube::Main => Needs::Rollups(Tier::Minute),
        }
    }
}

/// The times of a budget.
#[derive(Debug, Clone, Copy, Default)]
pub struct Times {
    /// The whole period; of a length of time, all of it up to now.
    pub period: Range,
    /// The period so far.
    pub spent: Range,
    /// The period before, for as long as this one has lasted; at most as a whole.
    pub before: Range,
    /// The last hour, or all of a period that is shorter: exactly so long, or a call at either end would count twice.
    pub late: Range,
    ends: bool,
}

impl Times {
    /// The times at a moment. Where single calls have been deleted, edges that calls alone could tell are put down to the
    /// buckets of `finest`.
    pub fn of(budget: &Budget, at_us: i64, (finest, horizon): (Tier, Horizon)) -> Times {
        let told = |us: i64| if us < horizon.rows_us { floor(us, finest) } else { us };
        let mut period = budget.period.at(at_us, budget.zone);
        let before = budget.period.before(period.since_us, budget.zone);
        let same = before.since_us.saturating_add(at_us.saturating_sub(period.since_us)).min(before.until_us);
        let late_us = LATE_US.min(period.len_us());
        period.since_us = told(period.since_us);
        Times {
            period,
            spent: Range { since_us: period.since_us, until_us: at_us },
            before: Range { since_us: told(before.since_us), until_us: told(same) },
            late: Range { since_us: told(at_us.saturating_sub(late_us)), until_us: at_us },
            ends: !matches!(budget.period, Period::Last(_)),
        }
    }

    /// The moment they are of.
    pub fn at_us(&self) -> i64 {
        self.spent.until_us
    }

    /// Whether the store goes back into the time before, so that nothing spent then is nothing.
    pub fn begun_before(&self, first_us: Option<i64>) -> bool {
        first_us.is_some_and(|first| first < self.before.until_us)
    }

    /// What is left of the period, µs; `None` of a length of time, which has no end.
    pub fn left_us(&self) -> Option<i64> {
        self.ends.then(|| self.period.until_us.saturating_sub(self.at_us()).max(0))
    }

    /// Nano-dollars per hour of what was spent of late, where `first_us` is the time of the store's first call: what was before it does not
    /// count. `None` where nothing was there yet, or nothing had a price.
    pub fn rate(&self, late: Range, spent: Spend, first_us: Option<i64>) -> Option<f64> {
        let first_us = first_us.filter(|first| *first < late.until_us)?;
        let spent = match spent {
            Spend { calls: 0, .. } => 0,
            Spend { cost_nusd, .. } => cost_nusd?,
        };
        let known = Range { since_us: late.since_us.max(first_us), ..late };
        let hours = known.len_us().max(Tier::Minute.len_us()) as f64 / Tier::Hour.len_us() as f64;
        Some(spent as f64 / hours)
    }

    /// When a limit will be reached at a rate: within the period, or, of a length of time, within as long again, where what
    /// falls out of it is taken for spent evenly. `None` where it will not, or has been.
    pub fn exhausted(&self, budget: &Budget, spent: Spend, rate_per_h: f64) -> Option<i64> {
        let spent = spent.cost_nusd.unwrap_or_default();
        let left = budget.limit_nusd.saturating_sub(spent);
        let len_us = self.period.len_us() as f64;
        let (within_us, falls) = match self.left_us() {
            Some(left_us) => (left_us as f64, 0.0),
            None => (len_us, spent as f64 / len_us),
        };
        let per_us = rate_per_h / Tier::Hour.len_us() as f64 - falls;
        let in_us = left as f64 / per_us;
        (left > 0 && per_us > 0.0 && in_us < within_us).then(|| self.at_us().saturating_add(in_us as i64))
    }

    /// The time before which something has been deleted that this needs; `None` where all is there.
    pub fn gone_us(&self, answer: &Answer<'_>, needs: Needs) -> Option<i64> {
        let hull = Range { since_us: self.before.since_us, ..self.spent };
        let Horizon { rows_us, fine_us } = answer.horizon;
        let rounded =
            |tiers| [self.spent, self.before].into_iter().filter_map(|range| outside(answer, range, tiers)).max();
        match needs {
            Needs::Rows => answer.gone(hull, rows_us),
            Needs::Totals => answer.gone(hull, fine_us).max(rounded((Tier::Hour, Tier::Hour))),
            Needs::Rollups(finest) => rounded((finest, Tier::Day)),
        }
    }
}

/// Where what is left of a range's edges is coarser than they are, so that buckets reach beyond it: the time before which
/// the finer has been deleted.
fn outside(answer: &Answer<'_>, range: Range, tiers: (Tier, Tier)) -> Option<i64> {
    let pieces = plan(range, tiers, answer.horizon);
    let ends = |piece: &Piece| match *piece {
        Piece::Rows(range) => (range.since_us, range.until_us),
        Piece::Buckets { tier, from, to } => (from.saturating_mul(tier.len_us()), to.saturating_mul(tier.len_us())),
    };
    let (since_us, _) = pieces.first().map(ends)?;
    let (_, until_us) = pieces.last().map(ends)?;
    let before = since_us < range.since_us && answer.first_us.is_some_and(|first| first < range.since_us);
    let Horizon { rows_us, fine_us } = answer.horizon;
    (before || until_us > range.until_us).then(|| rows_us.max(fine_us).min(range.until_us))
}

pub fn floor(us: i64, tier: Tier) -> i64 {
    us.div_euclid(tier.len_us()).saturating_mul(tier.len_us())
}

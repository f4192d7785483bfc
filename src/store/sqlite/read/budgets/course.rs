//! The course of a budget's spend: equal steps of late, and the forecast by them.

use super::super::fold::{Lanes, Steps};
use super::super::groups::GroupSteps;
use super::super::plan::tier_of_step;
use super::super::read_error::ReadResult;
use super::times::Needs;
use super::{Cube, Desk, Wanted};
use crate::snapshot::{Forecast, Group, Spend};
use crate::stats::acc::{Acc, Sum};
use crate::stats::forecast::{FEWEST_DAYS, FEWEST_STEPS, by_days, by_steps};
use crate::store::sqlite::rollup::Tier;
use crate::view::{Grouping, Period, Range};
use foldhash::HashMap;

const HOUR_US: i64 = Tier::Hour.len_us();
const DAY_US: i64 = Tier::Day.len_us();

/// How many steps of late the rest of a period is judged by: a day of hours, two weeks of days, so that every hour of a day
/// and every day of a week has its share.
const HOURS: i64 = 24;
const DAYS: i64 = 14;

/// How many days before are compared hour by hour: of everything together, and of what has to be read lane by lane.
const COMPARED: [i64; 2] = [14, 7];

/// Where a period ends in hours, it is judged by hours, and else by days of UTC, which are read fast.
fn step_us(period: Period) -> Option<i64> {
    match period {
        Period::Day => Some(HOUR_US),
        Period::Week | Period::Month => Some(DAY_US),
        Period::Last(_) => None,
    }
}

/// The spend of steps, and what is left of the period.
#[derive(Clone)]
pub struct Costs {
    pub since_us: i64,
    pub step_us: i64,
    pub costs: Vec<f64>,
    pub left_us: i64,
}

impl Costs {
    /// The forecast by steps; `None` where calls have no price.
    pub fn forecast(&self, spent: Spend) -> Option<Forecast> {
        by_steps(amount(spent)?, &self.costs, self.left_us as f64 / self.step_us as f64)
    }

    /// What was spent in a range, where a part of a step has its share of it.
    fn within(&self, range: Range) -> f64 {
        let share = |(n, cost): (usize, &f64)| {
            let since_us = self.since_us.saturating_add(n as i64 * self.step_us);
            let (from, to) = (since_us.max(range.since_us), (since_us + self.step_us).min(range.until_us));
            cost * (to.saturating_sub(from).max(0) as f64 / self.step_us as f64)
        };
        self.costs.iter().enumerate().map(share).sum()
    }
}

fn amount(spent: Spend) -> Option<f64> {
    if spent.calls == 0 { Some(0.0) } else { spent.cost_nusd.map(|cost| cost as f64) }
}

fn cost(acc: &Acc) -> f64 {
    acc.sum(Sum::Cost).unwrap_or_default() as f64
}

/// The steps of a whole budget while they are read.
pub struct Course {
    range: Range,
    steps: Steps,
}

impl Course {
    /// The steps to be read; `None` where there is nothing to tell by.
    pub fn of_whole(desk: &Desk<'_>) -> Option<Course> {
        let step = step_us(desk.budget.period)?;
        let cube = desk.cube(&super::Total::default());
        let back = match (step, cube) {
            (DAY_US, _) => DAYS,
            (_, Cube::Everything) => HOURS * (COMPARED[0] + 1),
            (_, Cube::Main | Cube::Hosts) => HOURS * (COMPARED[1] + 1),
            (_, Cube::Rows) => HOURS,
        };
        Course::new(desk, step, back, Needs::of(cube))
    }

    fn new(desk: &Desk<'_>, step_us: i64, back: i64, needs: Needs) -> Option<Course> {
        let range = full(desk, step_us, back, needs);
        (!range.is_empty()).then(|| Course { range, steps: Steps::new(range, step_us) })
    }

    pub fn wanted(&mut self) -> Wanted<'_> {
        Wanted { range: self.range, coarsest: tier_of_step(self.steps.step_us), lanes: &mut self.steps }
    }

    /// The steps from the first on in which something was called.
    fn costs(&self, left_us: i64) -> Costs {
        let idle = self.steps.accs.iter().take_while(|acc| acc.is_empty()).count();
        let costs = self.steps.accs.iter().skip(idle).map(cost).collect();
        let since_us = self.steps.since_us.saturating_add(idle as i64 * self.steps.step_us);
        Costs { since_us, step_us: self.steps.step_us, costs, left_us }
    }

    /// The forecast of a whole budget: of a day by the days before, where they are enough; of a week that began with the
    /// store, by hours.
    pub fn forecast(self, desk: &Desk<'_>, spent: Spend) -> ReadResult<Option<Forecast>> {
        let (Some(left_us), Some(now)) = (desk.times.left_us(), amount(spent)) else { return Ok(None) };
        let mut costs = self.costs(left_us);
        if desk.budget.period == Period::Day {
            let days = days_before(desk, &costs);
            if days.len() >= FEWEST_DAYS {
                return Ok(by_days(now, &days));
            }
            costs.costs.drain(..costs.costs.len().saturating_sub(HOURS as usize));
        } else if desk.budget.period == Period::Week && costs.costs.len() < FEWEST_STEPS {
            return by_hours(desk, left_us, spent);
        }
        Ok(costs.forecast(spent))
    }
}

/// The forecast by hours where there are too few days.
fn by_hours(desk: &Desk<'_>, left_us: i64, spent: Spend) -> ReadResult<Option<Forecast>> {
    let needs = Needs::of(desk.cube(&super::Total::default()));
    let Some(mut course) = Course::new(desk, HOUR_US, HOURS * FEWEST_STEPS as i64, needs) else { return Ok(None) };
    desk.read(vec![course.wanted()])?;
    Ok(course.costs(left_us).forecast(spent))
}

/// Of each day before, as far back as steps are there: what was spent until this time of day, and what after it. A day
/// before is 24 hours earlier: where clocks change, its hours are those of the sun.
fn days_before(desk: &Desk<'_>, costs: &Costs) -> Vec<(f64, f64)> {
    let (period, at_us) = (desk.times.period, desk.times.at_us());
    let day = |n: i64| {
        let back = |us: i64| us - n * DAY_US;
        let (since_us, at_us, until_us) = (back(period.since_us), back(at_us), back(period.until_us));
        let until = Range { since_us: at_us, until_us };
        (since_us >= costs.since_us).then(|| (costs.within(Range { since_us, until_us: at_us }), costs.within(until)))
    };
    (1..=COMPARED[0]).map_while(day).collect()
}

/// The times of so many full steps up to now, as far as they are kept and the store goes back.
fn full(desk: &Desk<'_>, step_us: i64, back: i64, needs: Needs) -> Range {
    let until_us = desk.times.at_us().div_euclid(step_us) * step_us;
    let ceil = |us: i64| us.saturating_add(step_us - 1).div_euclid(step_us).saturating_mul(step_us);
    let horizon = desk.horizon();
    let kept_us = match needs {
        // Single calls are dear: no more of them are read than the sums need anyway.
        Needs::Rows => horizon.rows_us.max(desk.times.before.since_us),
        Needs::Totals => horizon.fine_us,
        Needs::Rollups(_) if step_us < DAY_US => horizon.fine_us,
        Needs::Rollups(_) => i64::MIN,
    };
    let first_us = desk.answer.first_us.unwrap_or(until_us).max(kept_us);
    Range { since_us: until_us.saturating_sub(back * step_us).max(ceil(first_us)), until_us }
}

/// The steps of some values of what a budget is divided by, in their order; of single calls there are none, which would
/// have to be read again.
pub fn of_groups(desk: &Desk<'_>, grouping: &Grouping, names: &[&str], needs: Needs) -> ReadResult<Vec<Costs>> {
    let (Some(step), Some(left_us)) = (step_us(desk.budget.period), desk.times.left_us()) else {
        return Ok(Vec::new());
    };
    let range = full(desk, step, if step == DAY_US { DAYS } else { HOURS }, needs);
    if needs == Needs::Rows || names.is_empty() || range.is_empty() {
        return Ok(Vec::new());
    }
    let group = |name: &&str| Group { key: vec![Some((*name).to_owned())], ..Group::default() };
    let groups: Vec<Group> = names.iter().map(group).collect();
    let steps = groups.iter().map(|_| Steps::new(range, step)).collect();
    let mut lanes = GroupSteps { groups: &groups, grouping, steps, lanes: HashMap::default() };
    let coarsest = tier_of_step(step);
    desk.read(vec![Wanted { range, coarsest, lanes: &mut lanes as &mut dyn Lanes }])?;
    let costs = |steps: Steps| {
        let costs = steps.accs.iter().map(cost).collect();
        Costs { since_us: steps.since_us, step_us: step, costs, left_us }
    };
    Ok(lanes.steps.into_iter().map(costs).collect())
}

/// The full hours of the last day, by which users and sessions are judged, and what is left of the period, µs; `None` where
/// it does not end.
pub fn hours_of_members(desk: &Desk<'_>) -> Option<(Range, i64)> {
    Some((full(desk, HOUR_US, HOURS, Needs::Totals), desk.times.left_us()?))
}

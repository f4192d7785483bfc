//! Budgets of users and of sessions: from their hourly totals, the edges from single calls. There may be very many, so only
//! those who have spent most are looked at further.

use super::super::members::{Members, Name, Sums, text};
use super::course::{Costs, hours_of_members};
use super::times::Needs;
use super::{Desk, MOST, Part, Parts, ReadResult};
use crate::snapshot::Spend;
use crate::store::sqlite::rollup::Tier;
use crate::store::sqlite::runs::{Kind, Totals};
use crate::view::{Dim, Range};

const HOUR_US: i64 = Tier::Hour.len_us();

/// How all users, or sessions, stand.
pub fn parts(desk: &Desk<'_>) -> ReadResult<Parts> {
    let reading = Reading::of(desk);
    let spent = desk.times.spent;
    let late = desk.times.late;
    let recent = reading.sums(late)?;
    let mut now = reading.sums(if late.since_us < spent.since_us {
        spent
    } else {
        Range { until_us: late.since_us, ..spent }
    })?;
    if late.since_us >= spent.since_us {
        recent.iter().for_each(|(name, totals)| now.add(name, totals));
    }
    let (members, over) = desk.counted(now.iter().map(|(_, totals)| spend(totals)));
    let list = first(&now);
    let before = reading.listed(desk.times.before, &list)?;
    let courses = reading.courses(desk, &list)?;
    let of = |sums: &Sums, name: Name<'_>| sums.get(name).map(spend).unwrap_or_default();
    let part = |((name, spent), costs): ((Name<'_>, Spend), Option<Costs>)| Part {
        name: text(name),
        now: spent,
        before: of(&before, name),
        rate: desk.times.rate(late, of(&recent, name), desk.answer.first_us),
        forecast: costs.and_then(|costs| costs.forecast(spent)),
    };
    let courses = courses.into_iter().map(Some).chain(std::iter::repeat_with(|| None));
    Ok(Parts { most: list.into_iter().zip(courses).map(part).collect(), members, over, needs: Needs::Totals })
}

/// Those who have spent most, most first.
fn first(sums: &Sums) -> Vec<(Name<'_>, Spend)> {
    let mut list: Vec<(Name<'_>, Spend)> = sums.iter().map(|(name, totals)| (name, spend(totals))).collect();
    let compare = |(a, x): &(Name<'_>, Spend), (b, y): &(Name<'_>, Spend)| {
        y.cost_nusd.cmp(&x.cost_nusd).then_with(|| text(*a).cmp(&text(*b)))
    };
    if list.len() > MOST {
        list.select_nth_unstable_by(MOST, compare);
        list.truncate(MOST);
    }
    list.sort_by(compare);
    list
}

/// Members of one kind.
#[derive(Clone, Copy)]
struct Reading<'a> {
    members: Members<'a>,
    kind: Kind,
}

impl<'a> Reading<'a> {
    fn of(desk: &Desk<'a>) -> Reading<'a> {
        let kind = if desk.budget.per == Some(Dim::Session) { Kind::Session } else { Kind::User };
        let members = Members { context: desk.answer.context, horizon: desk.horizon(), watch: desk.watch };
        Reading { members, kind }
    }

    /// What all came to in a range.
    fn sums(self, range: Range) -> ReadResult<Sums> {
        let mut sums = Sums::default();
        self.members.each(self.kind, range, &mut |name, totals| sums.add(name, totals))?;
        Ok(sums)
    }

    /// What some came to in a range.
    fn listed(self, range: Range, list: &[(Name<'_>, Spend)]) -> ReadResult<Sums> {
        let mut sums = Sums::default();
        list.iter().for_each(|(name, _)| sums.add(*name, &Totals::default()));
        self.members.each(self.kind, range, &mut |name, totals| {
            if sums.get(name).is_some() {
                sums.add(name, totals);
            }
        })?;
        Ok(sums)
    }

    /// What each of a list spent in each hour of the last day; none where the period does not end.
    fn courses(self, desk: &Desk<'_>, list: &[(Name<'_>, Spend)]) -> ReadResult<Vec<Costs>> {
        let Some((range, left_us)) = hours_of_members(desk).filter(|_| !list.is_empty()) else { return Ok(Vec::new()) };
        let none = Costs { since_us: range.since_us, step_us: HOUR_US, costs: Vec::new(), left_us };
        let mut courses: Vec<Costs> = list.iter().map(|_| none.clone()).collect();
        for hour in 0..range.len_us() / HOUR_US {
            let since_us = range.since_us + hour * HOUR_US;
            let sums = self.listed(Range { since_us, until_us: since_us + HOUR_US }, list)?;
            for ((name, _), course) in list.iter().zip(&mut courses) {
                course.costs.push(sums.get(*name).map_or(0.0, |totals| totals.cost_nusd as f64));
            }
        }
        Ok(courses)
    }
}

fn spend(totals: &Totals) -> Spend {
    let priced = totals.unpriced < totals.calls;
    Spend { calls: totals.calls, cost_nusd: priced.then_some(totals.cost_nusd), unpriced_calls: totals.unpriced }
}

//! Budgets: what was spent of each in its period, by whom, against the period before, and what it will come to. The calls
//! are those of the budget's filter, whatever the view's; the counters come from the store alone, so all viewers agree.

mod course;
mod members;
mod times;

use super::Answer;
use super::books::bounds;
use super::cube::Cube;
use super::fold::{Fan, Lanes, Pass, Seen, Total};
use super::groups::Cells;
use super::plan::Horizon;
use super::read_error::ReadResult;
use super::series::Passing;
use crate::snapshot::{BudgetState, Burn, Forecast, OTHER, Spend};
use crate::stats::acc::{Acc, Depth, Sum};
use crate::store::Watch;
use crate::store::sqlite::rollup::Tier;
use crate::view::{Anchor, Budget, Dim, Grouping, Range, Span, Window};
use course::Course;
use times::{Needs, Times};

/// How many of those who have spent most are told.
const MOST: usize = 20;

/// How all budgets of the view stand.
pub fn states(answer: &Answer<'_>, watch: &dyn Watch) -> ReadResult<Vec<BudgetState>> {
    if answer.view.budgets.is_empty() {
        return Ok(Vec::new());
    }
    let at_us = moment(answer)?;
    answer.view.budgets.iter().map(|budget| Desk::new(answer, budget, at_us, watch).state()).collect()
}

/// The moment budgets are told of: the end of the window, so that an old log's are those of its last day, and travelling
/// back in time shows how they stood. A window of everything ends like one of an hour.
fn moment(answer: &Answer<'_>) -> ReadResult<i64> {
    let (window, now_us) = (answer.view.window, answer.now_us);
    if answer.first_us.is_none() {
        return Ok(now_us);
    }
    let until_us = match (window.span, window.anchor) {
        (Span::All, Anchor::Auto | Anchor::Now) => {
            let live = Window::last(Tier::Hour.len_us(), Anchor::Auto);
            live.resolve(bounds(answer.context, live, now_us)?, now_us).until_us
        }
        _ => answer.range.until_us,
    };
    Ok(until_us.min(now_us))
}

/// One budget while it is reckoned.
struct Desk<'a> {
    answer: &'a Answer<'a>,
    budget: &'a Budget,
    passing: Passing,
    times: Times,
    watch: &'a dyn Watch,
}

/// The same of the period so far, of the period before up to the same point, and of late.
#[derive(Default)]
struct Three<T> {
    now: T,
    before: T,
    late: T,
}

impl<T: Lanes> Three<T> {
    fn wanted(&mut self, times: &Times, coarsest: Option<Tier>) -> [Wanted<'_>; 3] {
        [
            Wanted { range: times.spent, coarsest, lanes: &mut self.now },
            Wanted { range: times.before, coarsest, lanes: &mut self.before },
            Wanted { range: times.late, coarsest, lanes: &mut self.late },
        ]
    }
}

/// Something to be filled from a range, with the coarsest buckets that tell it apart; `None` is single calls.
struct Wanted<'a> {
    range: Range,
    coarsest: Option<Tier>,
    lanes: &'a mut dyn Lanes,
}

/// Takes of what is read only what lies in a range.
struct Within<'a> {
    range: Range,
    lanes: &'a mut dyn Lanes,
}

impl Lanes for Within<'_> {
    fn each(&mut self, call: Seen<'_, '_>, give: &mut dyn FnMut(&mut Acc) -> ReadResult<()>) -> ReadResult<()> {
        if self.range.contains(call.ts_us) { self.lanes.each(call, give) } else { Ok(()) }
    }

    fn add_dims(&self, dims: &mut Vec<Dim>) {
        self.lanes.add_dims(dims);
    }
}

/// One value of what a budget is divided by.
struct Part {
    name: String,
    now: Spend,
    before: Spend,
    rate: Option<f64>,
    forecast: Option<Forecast>,
}

/// All of them.
struct Parts {
    most: Vec<Part>,
    members: u64,
    over: u64,
    needs: Needs,
}

impl<'a> Desk<'a> {
    fn new(answer: &'a Answer<'a>, budget: &'a Budget, at_us: i64, watch: &'a dyn Watch) -> Desk<'a> {
        let passing = answer.context.series.passing(&budget.filter);
        let mut desk = Desk { answer, budget, passing, times: Times::default(), watch };
        let by_host = desk.cube(&Total::default()) == Cube::Hosts || budget.per == Some(Dim::Host);
        let finest = if by_host || desk.by_totals() { Tier::Hour } else { Tier::Minute };
        desk.times = Times::of(budget, at_us, (finest, answer.horizon));
        desk
    }

    fn horizon(&self) -> Horizon {
        self.answer.horizon
    }

    fn cube(&self, lanes: &dyn Lanes) -> Cube {
        Cube::of(&self.budget.filter, &self.passing, lanes)
    }

    /// Whether the totals of members answer: users or sessions without a filter.
    fn by_totals(&self) -> bool {
        matches!(self.budget.per, Some(Dim::User | Dim::Session)) && self.budget.filter.is_empty()
    }

    fn grouping(&self) -> Option<Grouping> {
        self.budget.per.filter(|_| !self.by_totals()).map(|dim| Grouping::by(dim, None))
    }

    fn state(&self) -> ReadResult<BudgetState> {
        let mut whole = Three::<Total>::default();
        let mut course = Course::of_whole(self);
        let grouping = self.grouping();
        let mut cells =
            grouping.as_ref().map(|g| Three { now: Cells::new(g), before: Cells::new(g), late: Cells::new(g) });
        let mut wanted: Vec<Wanted<'_>> = whole.wanted(&self.times, Some(Tier::Day)).into();
        wanted.extend(course.as_mut().map(Course::wanted));
        if let Some(cells) = &mut cells {
            let coarsest = cells.now.coarsest();
            wanted.extend(cells.wanted(&self.times, coarsest));
        }
        self.read(wanted)?;
        let now = spend(&whole.now.acc);
        let forecast = match course {
            Some(course) => course.forecast(self, now)?,
            None => None,
        };
        let parts = match (cells, grouping) {
            (Some(cells), Some(grouping)) => Some(self.groups(cells, &grouping)?),
            _ if self.by_totals() => Some(members::parts(self)?),
            _ => None,
        };
        let needs = Needs::of(self.cube(&Total::default()));
        let rate = self.rate(spend(&whole.late.acc));
        let before = spend(&whole.before.acc);
        Ok(self.stated(Part { name: String::new(), now, before, rate, forecast }, needs, parts))
    }

    fn stated(&self, whole: Part, needs: Needs, parts: Option<Parts>) -> BudgetState {
        let mut total = self.burn(whole, needs);
        total.key.clear();
        // The limit is each member's.
        total.exhausted_us = total.exhausted_us.filter(|_| parts.is_none());
        let (most, members, over) = parts.map_or_else(Default::default, |parts| {
            let most = parts.most.into_iter().map(|part| self.burn(part, parts.needs)).collect();
            (most, parts.members, parts.over)
        });
        BudgetState { budget: self.budget.clone(), period: self.times.period, total, most, members, over }
    }

    /// Reads all that is wanted: what rollups know from the smallest of them, what only single calls know in one pass.
    fn read(&self, wanted: Vec<Wanted<'_>>) -> ReadResult<()> {
        let mut by_rows = Vec::new();
        for Wanted { range, coarsest, lanes } in wanted {
            if coarsest.is_none() || self.cube(lanes) == Cube::Rows {
                by_rows.push(Within { range, lanes });
            } else {
                self.pass(range, coarsest).run(self.answer.context, lanes, self.watch)?;
            }
        }
        for range in joined(by_rows.iter().map(|within| within.range)) {
            let fan = by_rows.iter_mut().map(|within| within as &mut dyn Lanes).collect();
            self.pass(range, None).run(self.answer.context, &mut Fan(fan), self.watch)?;
        }
        Ok(())
    }

    fn pass(&self, range: Range, coarsest: Option<Tier>) -> Pass<'_> {
        let (filter, passing) = (&self.budget.filter, &self.passing);
        Pass { range, coarsest, horizon: self.horizon(), filter, passing, depth: Depth::Sums }
    }

    /// Who has spent most, by cells.
    fn groups(&self, mut cells: Three<Cells>, grouping: &Grouping) -> ReadResult<Parts> {
        let mut needs = Needs::of(self.cube(&cells.now));
        if needs != Needs::Rows && by_name(&cells.now, grouping).any(|(name, _)| name == OTHER) {
            // Several values share a total: none of them is told by it.
            cells = Three { now: Cells::new(grouping), before: Cells::new(grouping), late: Cells::new(grouping) };
            self.read(cells.wanted(&self.times, None).into())?;
            needs = Needs::Rows;
        }
        let mut all: Vec<(String, Spend)> = by_name(&cells.now, grouping).collect();
        let (members, over) = self.counted(all.iter().map(|(_, spend)| *spend));
        all.sort_by(|(a, x), (b, y)| y.cost_nusd.cmp(&x.cost_nusd).then_with(|| a.cmp(b)));
        all.truncate(MOST);
        let names: Vec<&str> = all.iter().map(|(name, _)| name.as_str()).collect();
        let mut forecasts = course::of_groups(self, grouping, &names, needs)?.into_iter();
        let of = |cells: &Cells| -> foldhash::HashMap<String, Spend> { by_name(cells, grouping).collect() };
        let (mut before, mut late) = (of(&cells.before), of(&cells.late));
        let part = |(name, now): (String, Spend)| {
            let (before, late) = (before.remove(&name).unwrap_or_default(), late.remove(&name).unwrap_or_default());
            let forecast = forecasts.next().and_then(|costs| costs.forecast(now));
            Part { name, now, before, rate: self.rate(late), forecast }
        };
        Ok(Parts { most: all.into_iter().map(part).collect(), members, over, needs })
    }

    /// How many have spent anything, and how many all of their limit.
    fn counted(&self, spends: impl Iterator<Item = Spend>) -> (u64, u64) {
        let costs = spends.filter_map(|spend| spend.cost_nusd).filter(|cost| *cost > 0);
        costs.fold((0, 0), |(members, over), cost| (members + 1, over + u64::from(cost >= self.budget.limit_nusd)))
    }

    fn rate(&self, late: Spend) -> Option<f64> {
        self.times.rate(self.times.late, late, self.answer.first_us)
    }

    fn burn(&self, part: Part, needs: Needs) -> Burn {
        let Part { name, now, before, rate, forecast } = part;
        Burn {
            key: vec![Some(name)],
            spent: now,
            before: self.times.begun_before(self.answer.first_us).then_some(before),
            rate_nusd_per_h: rate,
            forecast,
            exhausted_us: rate.and_then(|rate| self.times.exhausted(self.budget, now, rate)),
            gone_us: self.times.gone_us(self.answer, needs),
        }
    }
}

/// What calls came to.
fn spend(acc: &Acc) -> Spend {
    Spend { calls: acc.calls(), cost_nusd: acc.sum(Sum::Cost), unpriced_calls: acc.unpriced }
}

/// What each value spent; calls that do not say one are nobody's.
fn by_name<'c>(cells: &'c Cells, grouping: &'c Grouping) -> impl Iterator<Item = (String, Spend)> + 'c {
    let groups = cells.groups(grouping).into_iter();
    groups.filter_map(|(mut key, acc)| Some((key.pop().flatten().filter(|name| !name.is_empty())?, spend(&acc))))
}

/// Ranges with those that touch joined, in order.
fn joined(ranges: impl Iterator<Item = Range>) -> Vec<Range> {
    let mut list: Vec<Range> = ranges.filter(|range| !range.is_empty()).collect();
    list.sort_by_key(|range| range.since_us);
    let mut out: Vec<Range> = Vec::with_capacity(list.len());
    for range in list {
        match out.last_mut().filter(|last| last.until_us >= range.since_us) {
            Some(last) => last.until_us = last.until_us.max(range.until_us),
            None => out.push(range),
        }
    }
    out
}

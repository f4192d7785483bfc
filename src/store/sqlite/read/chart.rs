//! Charts over time: equal steps, aligned to the clock, for everything and for single groups.

use super::Answer;
use super::cube::Cube;
use super::fold::{Pass, Steps, Total};
use super::groups::GroupSteps;
use super::plan::{step_us, tier_of_step};
use super::read_error::ReadResult;
use crate::snapshot::{Chart, Dist, Point, Table};
use crate::stats::acc::{Acc, Depth, Sum};
use crate::store::Watch;
use crate::store::sqlite::rollup::Tier;
use crate::view::{Dim, Range};
use foldhash::HashMap;

/// Above so many calls a chart is not made of rows: its steps are whole minutes at least.
const MANY: u64 = 50_000;

/// The steps of a chart of a range, empty; `None` where there is none.
pub fn steps(range: Range, step_us: i64) -> Option<Steps> {
    (step_us > 0 && !range.is_empty()).then(|| Steps::new(range, step_us))
}

/// The coarsest rollups a chart may be made of; `None` is rows.
pub fn coarsest(step_us: i64) -> Option<Tier> {
    tier_of_step(step_us)
}

/// The shortest step that gives about as many points as asked for, 0 where there is no chart; not below a minute where
/// that would read many rows, and nothing finer than what is left.
pub fn step(answer: &Answer<'_>, watch: &dyn Watch) -> ReadResult<i64> {
    let points = answer.view.sections.points;
    if points == 0 || answer.range.is_empty() {
        return Ok(0);
    }
    let len = answer.range.len_us();
    let by_rows = answer.cube(&Total::default()) == Cube::Rows;
    let fine = step_us(len, points, if by_rows { 0 } else { finest_left(answer) });
    if fine >= Tier::Minute.len_us() || by_rows {
        return Ok(fine);
    }
    let mut total = Total::default();
    let whole = Range { since_us: floor(answer.range.since_us), until_us: floor(answer.range.until_us) };
    let mut pass = answer.pass(whole, Some(Tier::Hour));
    pass.depth = Depth::Sums;
    pass.run(answer.context, &mut total, watch)?;
    Ok(if total.acc.calls() > MANY { step_us(len, points, Tier::Minute.len_us()) } else { fine })
}

/// The shortest step, µs, that what retention has left of a window and the one before can fill.
fn finest_left(answer: &Answer<'_>) -> i64 {
    let since_us = answer.previous().map_or(answer.range.since_us, |previous| previous.since_us);
    let since_us = answer.first_us.map_or(since_us, |first| since_us.max(first));
    match () {
        () if since_us < answer.horizon.fine_us => Tier::Day.len_us(),
        () if since_us < answer.horizon.rows_us => Tier::Minute.len_us(),
        () => 0,
    }
}

fn floor(ts_us: i64) -> i64 {
    ts_us.div_euclid(Tier::Minute.len_us()) * Tier::Minute.len_us()
}

/// Charts of the first groups of the first grouping.
pub fn group_charts(answer: &Answer<'_>, chart: &Chart, tables: &mut [Table], watch: &dyn Watch) -> ReadResult<()> {
    let count = answer.view.sections.group_points;
    let Some(table) = tables.first_mut().filter(|_| count > 0 && chart.step_us > 0) else { return Ok(()) };
    let groups = &table.groups[..count.min(table.groups.len())];
    // Half as many points are enough for a trend, and are often made of hours where a chart is of minutes.
    let step_us = step_us(answer.range.len_us(), answer.view.sections.points / 2, chart.step_us);
    let mut lanes = GroupSteps {
        groups,
        grouping: &table.grouping,
        steps: groups.iter().map(|_| Steps::new(answer.range, step_us)).collect(),
        lanes: HashMap::default(),
    };
    // Trends are drawn of counts and sums; percentiles of single groups over time nobody asks for.
    let by_hour = table.grouping.dims.contains(&Dim::Hour);
    let coarsest = tier_of_step(step_us).map(|tier| if by_hour { tier.min(Tier::Hour) } else { tier });
    let pass = Pass { depth: Depth::Sums, ..answer.pass(answer.range, coarsest) };
    pass.run(answer.context, &mut lanes, watch)?;
    let charts: Vec<Vec<Point>> = lanes.steps.iter().map(|s| points_of(s, false)).collect();
    for (group, points) in table.groups.iter_mut().zip(charts) {
        group.points = points;
    }
    Ok(())
}

/// What the steps came to.
pub fn points_of(steps: &Steps, heat: bool) -> Vec<Point> {
    let at = |n: usize| {
        let since_us = steps.since_us.saturating_add((n as i64).saturating_mul(steps.step_us));
        Range { since_us, until_us: since_us.saturating_add(steps.step_us) }
    };
    steps.accs.iter().enumerate().map(|(n, acc)| point(at(n), acc, heat)).collect()
}

fn point(range: Range, acc: &Acc, heat: bool) -> Point {
    Point {
        range,
        calls: acc.calls(),
        outcomes: acc.outcomes(),
        retries: acc.sum(Sum::Retries),
        input_tokens: acc.sum(Sum::Input),
        output_tokens: acc.sum(Sum::Output),
        cost_nusd: acc.sum(Sum::Cost),
        latency_us: Dist::of(&acc.latency, 1.0),
        ttft_us: Dist::of(&acc.ttft, 1.0),
        heat: if heat { acc.latency.filled().collect() } else { Vec::new() },
    }
}

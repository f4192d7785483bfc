//! What changed: the calls of both windows by all dimensions that the rollups know, which are read anyhow for tables; by
//! host and by user, which have rollups of their own by the hour, where that reads few single calls.

use super::Answer;
use super::cube::Cube;
use super::figures::Figures;
use super::fold::Pass;
use super::groups::Cells;
use super::members::{Members, Sums, text};
use super::read_error::ReadResult;
use crate::snapshot::Changes;
use crate::stats::acc::{Acc, Depth, Sum};
use crate::stats::changes::{self, Cell, LEAST_CALLS};
use crate::store::Watch;
use crate::store::sqlite::rollup::Tier;
use crate::store::sqlite::runs::Kind;
use crate::view::{Dim, Grouping, Range};
use foldhash::HashMap;

/// What the main lanes tell apart. Of two that explain the same, the one that stands first in [`Dim`] is told.
const DIMS: [Dim; 7] =
    [Dim::Model, Dim::Provider, Dim::Operation, Dim::App, Dim::Environment, Dim::Variant, Dim::Error];

/// At most so many single calls are read to tell hosts and users apart.
const FEW_ROWS: u64 = 10_000;

/// What is to be filled for the changes of a view. Where single calls are read anyhow, hosts are told apart with the rest.
pub fn cells(answer: &Answer<'_>) -> Vec<Cells> {
    if !answer.view.sections.changes {
        return Vec::new();
    }
    let main = Cells::new(&Grouping::of(&DIMS, None));
    if answer.cube(&main) == Cube::Rows {
        let all: Vec<Dim> = DIMS.into_iter().chain([Dim::Host]).collect();
        return vec![Cells::new(&Grouping::of(&all, None))];
    }
    vec![main]
}

/// What changed from the window before; the first parts of an answer do not say.
pub fn changes(
    answer: &Answer<'_>,
    previous: Range,
    (now, before): (&Figures, &Figures),
    watch: &dyn Watch,
) -> ReadResult<Changes> {
    if answer.covered < 1.0 {
        return Ok(Changes::NotAsked);
    }
    let starts_late = answer.first_us.is_none_or(|first| first >= previous.until_us);
    if previous.is_empty() || starts_late {
        return Ok(Changes::NoBefore);
    }
    let [calls_now, calls_before] = [now, before].map(|figures| figures.total.acc.calls());
    if calls_now.min(calls_before) < LEAST_CALLS {
        return Ok(Changes::TooFew { before: calls_before, now: calls_now });
    }
    let missed_us = answer.first_us.map_or(0, |first| first.saturating_sub(previous.since_us));
    let is_whole = missed_us <= previous.len_us() / 20;
    let hours = previous.len_us() as f64 / 3.6e9;
    let ranges = [previous, answer.cover];
    let apart =
        if reads_few(answer, ranges, watch)? { apart(answer, ranges, [before, now], watch)? } else { Vec::new() };
    let main = before.changes.iter().zip(&now.changes).map(|(before, now)| cube([before, now]));
    let cubes: Vec<_> = main.chain(apart.iter().map(Apart::cube)).collect();
    Ok(Changes::Told { list: changes::changes(&cubes, is_whole.then_some(hours)), is_whole })
}

fn cube<'a>(sides: [&'a Cells; 2]) -> changes::Cube<'a> {
    let mut all: HashMap<&[Option<String>], [Option<&Acc>; 2]> = HashMap::default();
    for (side, cells) in sides.into_iter().enumerate() {
        cells.cells().for_each(|(key, acc)| all.entry(key).or_default()[side] = Some(acc));
    }
    let mut cells: Vec<Cell<'a>> = all.into_iter().map(|(key, sides)| Cell { key, sides }).collect();
    cells.sort_by(|a, b| a.key.cmp(b.key));
    changes::Cube { dims: sides[1].dims().to_vec(), cells }
}

/// Whether what no whole hour covers of the windows holds few calls.
fn reads_few(answer: &Answer<'_>, ranges: [Range; 2], watch: &dyn Watch) -> ReadResult<bool> {
    let hour = Tier::Hour.len_us();
    let mut calls = 0;
    for range in ranges {
        let from = range.since_us.saturating_add(hour - 1).div_euclid(hour) * hour;
        let to = range.until_us.div_euclid(hour) * hour;
        let edges = match from < to {
            true => [Range { until_us: from, ..range }, Range { since_us: to, ..range }],
            false => [range, Range::default()],
        };
        for edge in edges.into_iter().filter(|edge| !edge.is_empty()) {
            calls += answer.total(edge, &answer.view.filter, &answer.passing, watch)?.calls();
        }
    }
    Ok(calls <= FEW_ROWS)
}

/// The calls of both windows by something that is not rolled up with the rest.
enum Apart {
    Hosts(Box<[Cells; 2]>),
    Users(Vec<User>),
}

impl Apart {
    fn cube(&self) -> changes::Cube<'_> {
        match self {
            Apart::Hosts(sides) => cube([&sides[0], &sides[1]]),
            Apart::Users(users) => {
                let cells =
                    users.iter().map(|(key, sides)| Cell { key, sides: [sides[0].as_ref(), sides[1].as_ref()] });
                changes::Cube { dims: vec![Dim::User], cells: cells.collect() }
            }
        }
    }
}

fn apart(answer: &Answer<'_>, ranges: [Range; 2], figures: [&Figures; 2], watch: &dyn Watch) -> ReadResult<Vec<Apart>> {
    let mut all = Vec::new();
    let hosts = || Cells::new(&Grouping::by(Dim::Host, None));
    if answer.cube(&hosts()) == Cube::Hosts {
        let mut sides = [hosts(), hosts()];
        for (cells, range) in sides.iter_mut().zip(ranges) {
            let pass = Pass { depth: Depth::Times, ..answer.pass(range, Some(Tier::Day)) };
            pass.run(answer.context, cells, watch)?;
        }
        all.push(Apart::Hosts(Box::new(sides)));
    }
    if answer.view.filter.is_empty() {
        all.push(Apart::Users(users(answer, ranges, figures, watch)?));
    }
    Ok(all)
}

type User = (Vec<Option<String>>, [Option<Acc>; 2]);

/// What each user's calls came to: counts, failures and costs. Calls that name nobody are nobody's.
fn users(answer: &Answer<'_>, ranges: [Range; 2], figures: [&Figures; 2], watch: &dyn Watch) -> ReadResult<Vec<User>> {
    let members = Members { context: answer.context, horizon: answer.horizon, watch };
    let mut users: HashMap<Option<String>, [Option<Acc>; 2]> = HashMap::default();
    for side in 0..2 {
        let mut sums = Sums::default();
        members.each(Kind::User, ranges[side], &mut |name, totals| sums.add(name, totals))?;
        let all = &figures[side].total.acc;
        let mut rest = (all.calls(), all.errors(), all.sum(Sum::Cost).unwrap_or(0));
        for (name, totals) in sums.iter() {
            rest.0 = rest.0.saturating_sub(totals.calls);
            rest.1 = rest.1.saturating_sub(totals.errors);
            rest.2 = rest.2.saturating_sub(totals.cost_nusd);
            let acc = Acc::of_sums(totals.calls, totals.errors, totals.cost_nusd);
            users.entry(Some(text(name))).or_default()[side] = Some(acc);
        }
        if rest.0 > 0 {
            users.entry(None).or_default()[side] = Some(Acc::of_sums(rest.0, rest.1, rest.2));
        }
    }
    let mut list: Vec<User> = users.into_iter().map(|(name, sides)| (vec![name], sides)).collect();
    list.sort_by(|a, b| a.0.cmp(&b.0));
    Ok(list)
}

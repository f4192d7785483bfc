//! Groups: one accumulator for each combination of values of all dimensions asked for, from which every table is summed.

use super::context::Context;
use super::fold::{Lanes, Seen, Steps};
use super::read_error::ReadResult;
use super::series::Who;
use crate::batch::Id;
use crate::snapshot::{Group, Stats, Table};
use crate::stats::acc::Acc;
use crate::store::sqlite::rollup::Tier;
use crate::units;
use crate::view::{Dim, Grouping};
use foldhash::HashMap;

/// The values of the dimensions of a cell, in the order of `Cells::dims`.
type Key = Vec<Option<String>>;

/// Accumulators by combination of values.
pub struct Cells {
    dims: Vec<Dim>,
    by_key: HashMap<Key, usize>,
    /// The cell of a series where its values decide alone; the time of its bucket beside it where that counts too.
    by_series: HashMap<(Who, i64), usize>,
    cells: Vec<(Key, Acc)>,
}

/// Whether a dimension is known of single calls alone.
pub fn is_row_dim(dim: Dim) -> bool {
    matches!(dim, Dim::User | Dim::Session | Dim::Source)
}

/// The value of a dimension, of somebody's calls at a time.
fn value(dim: Dim, call: Seen<'_, '_>) -> ReadResult<Option<String>> {
    Ok(match (dim, call.call) {
        (Dim::User, Some(stored)) => stored.id(Id::User).map(|t| t.into_owned()),
        (Dim::Session, Some(stored)) => stored.id(Id::Session).map(|t| t.into_owned()),
        (Dim::Source, Some(stored)) => stored.source(call.context)?,
        (Dim::Hour, _) => Some(units::hour(call.ts_us)),
        (Dim::Day, _) => Some(units::day(call.ts_us)),
        _ => call.context.series.dim(call.who, dim).map(str::to_owned),
    })
}

/// Whether the values of some dimensions follow from who called alone.
fn are_of_series(dims: &[Dim]) -> bool {
    !dims.iter().any(|d| matches!(d, Dim::Hour | Dim::Day) || is_row_dim(*d))
}

impl Cells {
    /// Cells for the groups of a grouping.
    pub fn new(grouping: &Grouping) -> Cells {
        let mut dims = grouping.dims.clone();
        dims.sort_unstable();
        dims.dedup();
        Cells { dims, by_key: HashMap::default(), by_series: HashMap::default(), cells: Vec::new() }
    }

    /// The coarsest buckets that tell the groups apart; `None` where only rows do.
    pub fn coarsest(&self) -> Option<Tier> {
        if self.dims.iter().copied().any(is_row_dim) {
            return None;
        }
        Some(if self.dims.contains(&Dim::Hour) { Tier::Hour } else { Tier::Day })
    }

    fn bucket(&self, ts_us: i64) -> i64 {
        if self.dims.contains(&Dim::Hour) {
            ts_us.div_euclid(Tier::Hour.len_us())
        } else if self.dims.contains(&Dim::Day) {
            ts_us.div_euclid(Tier::Day.len_us())
        } else {
            0
        }
    }

    fn key(&self, call: Seen<'_, '_>) -> ReadResult<Key> {
        self.dims.iter().map(|dim| value(*dim, call)).collect()
    }

    fn cell(&mut self, key: Key) -> usize {
        let next = self.cells.len();
        if let Some(at) = self.by_key.get(&key) {
            return *at;
        }
        self.by_key.insert(key.clone(), next);
        self.cells.push((key, Acc::default()));
        next
    }

    /// What its cells are told apart by.
    pub fn dims(&self) -> &[Dim] {
        &self.dims
    }

    /// The values of a cell and what it came to, for each.
    pub fn cells(&self) -> impl Iterator<Item = (&[Option<String>], &Acc)> {
        self.cells.iter().map(|(key, acc)| (key.as_slice(), acc))
    }

    /// Whether the groups are told apart by who called alone, whenever it was.
    pub fn is_timeless(&self) -> bool {
        are_of_series(&self.dims)
    }

    /// The groups of one grouping with their accumulators, most calls first.
    pub fn groups(&self, grouping: &Grouping) -> Vec<(Key, Acc)> {
        let columns: Vec<usize> = grouping.dims.iter().filter_map(|d| self.dims.iter().position(|x| x == d)).collect();
        let failures = grouping.dims.iter().position(|d| *d == Dim::Error);
        let mut groups: HashMap<Key, Acc> = HashMap::default();
        for (key, acc) in &self.cells {
            let key: Key = columns.iter().map(|c| key[*c].clone()).collect();
            // Calls that did not fail have no failure mode to be grouped by.
            if failures.is_some_and(|at| key[at].is_none()) {
                continue;
            }
            groups.entry(key).or_default().merge(acc);
        }
        let mut groups: Vec<_> = groups.into_iter().collect();
        groups.sort_by(|(ka, a), (kb, b)| b.calls().cmp(&a.calls()).then_with(|| ka.cmp(kb)));
        groups
    }

    /// The table of one grouping, with the figures of the window before beside each group.
    pub fn table(&self, grouping: &Grouping, previous: &Cells) -> Table {
        let before: HashMap<Key, Acc> = previous.groups(grouping).into_iter().collect();
        let make = |(key, acc): (Key, Acc)| {
            let previous = before.get(&key).map(Stats::of).unwrap_or_default();
            Group { stats: Stats::of(&acc), previous, key, points: Vec::new() }
        };
        ranked(grouping, self.groups(grouping).into_iter().map(make).collect())
    }
}

/// A table of all groups, most calls first, put in the order of the grouping and cut by it.
pub fn ranked(grouping: &Grouping, mut groups: Vec<Group>) -> Table {
    let (order, total) = (grouping.order, groups.len());
    groups.sort_by(|a, b| order.compare(a.measure(order.by), b.measure(order.by)));
    groups.truncate(grouping.top.unwrap_or(usize::MAX));
    Table { grouping: grouping.clone(), groups, total }
}

impl Lanes for Cells {
    fn each(&mut self, call: Seen<'_, '_>, give: &mut dyn FnMut(&mut Acc) -> ReadResult<()>) -> ReadResult<()> {
        let by_row = self.dims.iter().copied().any(is_row_dim);
        let short = (call.who, self.bucket(call.ts_us));
        let known = if by_row { None } else { self.by_series.get(&short).copied() };
        let at = match known {
            Some(at) => at,
            None => {
                let key = self.key(call)?;
                let at = self.cell(key);
                if !by_row {
                    self.by_series.insert(short, at);
                }
                at
            }
        };
        self.cells.get_mut(at).map_or(Ok(()), |(_, acc)| give(acc))
    }

    fn add_dims(&self, dims: &mut Vec<Dim>) {
        dims.extend_from_slice(&self.dims);
    }
}

/// One accumulator for each series and lane: read once, and then summed for every table.
#[derive(Default)]
pub struct ByWho(HashMap<Who, Acc>);

impl ByWho {
    /// Gives everything to the cells of a table.
    pub fn hand_on(&self, context: &Context, cells: &mut Cells) -> ReadResult<()> {
        for (who, sum) in &self.0 {
            cells.each(Seen { context, ts_us: 0, len_us: 0, who: *who, call: None }, &mut |acc| {
                acc.merge(sum);
                Ok(())
            })?;
        }
        Ok(())
    }
}

impl Lanes for ByWho {
    fn each(&mut self, call: Seen<'_, '_>, give: &mut dyn FnMut(&mut Acc) -> ReadResult<()>) -> ReadResult<()> {
        give(self.0.entry(call.who).or_default())
    }

    /// All dimensions that lanes know but the host.
    fn add_dims(&self, dims: &mut Vec<Dim>) {
        dims.push(Dim::Model);
    }
}

/// One chart for each of the first groups of a grouping.
pub struct GroupSteps<'a> {
    pub groups: &'a [Group],
    pub grouping: &'a Grouping,
    pub steps: Vec<Steps>,
    pub lanes: HashMap<Who, Option<usize>>,
}

impl Lanes for GroupSteps<'_> {
    fn each(&mut self, call: Seen<'_, '_>, give: &mut dyn FnMut(&mut Acc) -> ReadResult<()>) -> ReadResult<()> {
        let dims = &self.grouping.dims;
        // Where a series alone decides, it is asked once.
        let lane = match self.lanes.get(&call.who) {
            Some(lane) if are_of_series(dims) => *lane,
            _ => {
                let key: Key = dims.iter().map(|dim| value(*dim, call)).collect::<ReadResult<_>>()?;
                let lane = self.groups.iter().position(|g| g.key == key);
                self.lanes.insert(call.who, lane);
                lane
            }
        };
        let steps = lane.and_then(|l| self.steps.get_mut(l));
        steps.and_then(|s| s.at(call.ts_us)).map_or(Ok(()), give)
    }

    fn add_dims(&self, dims: &mut Vec<Dim>) {
        dims.extend_from_slice(&self.grouping.dims);
    }
}

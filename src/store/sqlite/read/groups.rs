//! Groups: one accumulator for each combination of values of all dimensions asked for, from which every table is summed.

use super::context::Context;
use super::fold::{Lanes, Steps};
use super::read_error::ReadResult;
use super::row::{column, id_text};
use super::series::Who;
use crate::snapshot::{Group, Stats, Table};
use crate::stats::acc::Acc;
use crate::store::sqlite::rollup::Tier;
use crate::units;
use crate::view::{Dim, Grouping};
use rusqlite::Row;
use std::collections::HashMap;

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

/// Whether the rollups of hosts tell its groups apart.
pub fn is_of_hosts(grouping: &Grouping) -> bool {
    let known = |dim: &Dim| matches!(dim, Dim::Host | Dim::Status | Dim::Error | Dim::Hour | Dim::Day);
    grouping.dims.contains(&Dim::Host) && grouping.dims.iter().all(known)
}

/// The value of a dimension, of somebody's calls at a time.
fn value(dim: Dim, context: &Context, ts_us: i64, who: Who, row: Option<&Row<'_>>) -> ReadResult<Option<String>> {
    Ok(match (dim, row) {
        (Dim::User, Some(row)) => id_text(row, column::USER)?.map(|t| t.into_owned()),
        (Dim::Session, Some(row)) => id_text(row, column::SESSION)?.map(|t| t.into_owned()),
        (Dim::Source, Some(row)) => context.source(row.get(3)?)?,
        (Dim::Hour, _) => Some(units::hour(ts_us)),
        (Dim::Day, _) => Some(units::day(ts_us)),
        _ => context.series.dim(who, dim).map(str::to_owned),
    })
}

impl Cells {
    /// Cells for all dimensions of some groupings.
    pub fn new(groupings: &[Grouping]) -> Cells {
        let mut dims: Vec<Dim> = groupings.iter().flat_map(|g| g.dims.iter().copied()).collect();
        dims.sort_unstable();
        dims.dedup();
        Cells { dims, by_key: HashMap::new(), by_series: HashMap::new(), cells: Vec::new() }
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

    fn key(&self, context: &Context, ts_us: i64, who: Who, row: Option<&Row<'_>>) -> ReadResult<Key> {
        self.dims.iter().map(|dim| value(*dim, context, ts_us, who, row)).collect()
    }

    fn cell(&mut self, key: Key) -> usize {
        let next = self.cells.len();
        let at = *self.by_key.entry(key.clone()).or_insert(next);
        if at == next {
            self.cells.push((key, Acc::default()));
        }
        at
    }

    /// Everything in all cells.
    pub fn total(&self) -> Acc {
        let mut total = Acc::default();
        self.cells.iter().for_each(|(_, acc)| total.merge(acc));
        total
    }

    /// The groups of one grouping with their accumulators, most calls first.
    pub fn groups(&self, grouping: &Grouping) -> Vec<(Key, Acc)> {
        let columns: Vec<usize> = grouping.dims.iter().filter_map(|d| self.dims.iter().position(|x| x == d)).collect();
        let failures = grouping.dims.iter().position(|d| *d == Dim::Error);
        let mut groups: HashMap<Key, Acc> = HashMap::new();
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
        let groups = self.groups(grouping);
        let total = groups.len();
        let top = grouping.top.unwrap_or(usize::MAX);
        let make = |(key, acc): (Key, Acc)| {
            let previous = before.get(&key).map(Stats::of).unwrap_or_default();
            Group { stats: Stats::of(&acc), previous, key, points: Vec::new() }
        };
        Table { grouping: grouping.clone(), groups: groups.into_iter().take(top).map(make).collect(), total }
    }
}

impl Lanes for Cells {
    fn lane(&mut self, context: &Context, ts_us: i64, who: Who, row: Option<&Row<'_>>) -> ReadResult<Option<&mut Acc>> {
        let by_row = self.dims.iter().copied().any(is_row_dim);
        let short = (who, self.bucket(ts_us));
        let known = if by_row { None } else { self.by_series.get(&short).copied() };
        let at = match known {
            Some(at) => at,
            None => {
                let key = self.key(context, ts_us, who, row)?;
                let at = self.cell(key);
                if !by_row {
                    self.by_series.insert(short, at);
                }
                at
            }
        };
        Ok(self.cells.get_mut(at).map(|(_, acc)| acc))
    }

    fn dims(&self) -> &[Dim] {
        &self.dims
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
    fn lane(&mut self, context: &Context, ts_us: i64, who: Who, row: Option<&Row<'_>>) -> ReadResult<Option<&mut Acc>> {
        let dims = &self.grouping.dims;
        // Where a series alone decides, it is asked once.
        let varies = dims.iter().any(|d| is_row_dim(*d) || matches!(d, Dim::Hour | Dim::Day));
        let lane = match self.lanes.get(&who) {
            Some(lane) if !varies => *lane,
            _ => {
                let key: Key =
                    dims.iter().map(|dim| value(*dim, context, ts_us, who, row)).collect::<ReadResult<_>>()?;
                let lane = self.groups.iter().position(|g| g.key == key);
                self.lanes.insert(who, lane);
                lane
            }
        };
        Ok(lane.and_then(|l| self.steps.get_mut(l)).and_then(|s| s.at(ts_us)))
    }

    fn dims(&self) -> &[Dim] {
        &self.grouping.dims
    }
}

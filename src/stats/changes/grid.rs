//! Calls of two windows as a grid of numbers: the values of each cell by number, its sums of one figure beside them.

use super::effect::{Kind, Pair, Sum, Whole};
use super::{Cube, Figure, LEAST_CALLS, Standing};
use crate::stats::acc::{Acc, Sum as Of};
use crate::stats::histogram::{Histogram, bucket, middle};
use crate::view::Dim;
use std::collections::HashMap;

/// What all calls of a side came to.
pub(super) fn total(cube: &Cube<'_>, side: usize) -> Acc {
    let mut total = Acc::default();
    cube.cells.iter().filter_map(|cell| cell.sides[side]).for_each(|acc| total.merge(acc));
    total
}

/// The figure of some calls; `None` where nothing says it.
pub(super) fn value(figure: Figure, acc: &Acc) -> Option<f64> {
    match figure {
        Figure::ErrorRate => (acc.calls() > 0).then(|| acc.errors() as f64 / acc.calls() as f64),
        Figure::P95 => acc.latency.quantile(0.95).map(|us| us as f64),
        Figure::Mean => acc.latency.mean(),
        Figure::Cost => acc.sum(Of::Cost).map(|nusd| nusd as f64),
    }
}

/// One value of one dimension.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct At {
    pub dim: usize,
    pub value: usize,
}

/// A cell.
struct Row<'a> {
    /// The numbers of its values.
    at: Vec<usize>,
    sums: [Sum; 2],
    sides: [Option<&'a Acc>; 2],
}

/// A cube, seen for one figure.
pub(super) struct Grid<'a> {
    figure: Figure,
    pub dims: &'a [Dim],
    /// The values of each dimension.
    values: Vec<Vec<Option<&'a str>>>,
    rows: Vec<Row<'a>>,
}

impl<'a> Grid<'a> {
    /// `totals` are all calls of both windows.
    pub fn new(figure: Figure, cube: &'a Cube<'a>, totals: &[Acc; 2]) -> Grid<'a> {
        let mut numbers: Vec<HashMap<Option<&str>, usize>> = vec![HashMap::new(); cube.dims.len()];
        let mut values: Vec<Vec<Option<&str>>> = vec![Vec::new(); cube.dims.len()];
        // The p95 changes with the share of calls that are slower than it was.
        let slow = totals[0].latency.quantile(0.95).unwrap_or(0);
        let mut rows = Vec::with_capacity(cube.cells.len());
        for cell in &cube.cells {
            let mut at = Vec::with_capacity(cube.dims.len());
            for (i, value) in cell.key.iter().take(cube.dims.len()).enumerate() {
                let value = value.as_deref();
                at.push(*numbers[i].entry(value).or_insert_with(|| {
                    values[i].push(value);
                    values[i].len() - 1
                }));
            }
            let sums = cell.sides.map(|acc| acc.map(|acc| sum(figure, acc, slow)).unwrap_or_default());
            rows.push(Row { at, sums, sides: cell.sides });
        }
        Grid { figure, dims: &cube.dims, values, rows }
    }

    pub fn kind(&self) -> Kind {
        match self.figure {
            Figure::ErrorRate | Figure::P95 => Kind::Share,
            Figure::Mean => Kind::Mean,
            Figure::Cost => Kind::Sum,
        }
    }

    /// All calls.
    pub fn whole(&self) -> Whole {
        Whole { kind: self.kind(), all: self.sum(|_| true) }
    }

    /// What a value is called.
    pub fn pair(&self, at: At) -> (Dim, Option<String>) {
        (self.dims[at.dim], self.values[at.dim][at.value].map(str::to_owned))
    }

    /// All values that can be told: calls that did not fail have no failure to be named.
    pub fn all(&self) -> impl Iterator<Item = At> + '_ {
        let of = |dim: usize| (0..self.values[dim].len()).map(move |value| At { dim, value });
        (0..self.dims.len()).flat_map(of).filter(|at| {
            let value = self.values[at.dim][at.value];
            value.is_some() || self.dims[at.dim] != Dim::Error
        })
    }

    fn sum(&self, of: impl Fn(&Row<'_>) -> bool) -> [Sum; 2] {
        let mut sums = [Sum::default(); 2];
        for row in self.rows.iter().filter(|row| of(row)) {
            sums.iter_mut().zip(row.sums).for_each(|(sum, more)| sum.add(more));
        }
        sums
    }

    /// Whether a value says which failures are meant, rather than which calls: a share of calls that fail in one way is of
    /// all calls, not of those that failed.
    fn is_of_failures(&self, at: &At) -> bool {
        self.figure == Figure::ErrorRate && self.dims[at.dim] == Dim::Error
    }

    /// The calls with all of these values but with none of the `without`, among those with `within`.
    pub fn part(&self, scope: &[At], within: &[At], without: &[Vec<At>]) -> Pair {
        let has = |row: &Row<'_>, at: &At| row.at.get(at.dim) == Some(&at.value);
        let among = |row: &Row<'_>| within.iter().all(|at| has(row, at) || self.is_of_failures(at));
        let left = |row: &Row<'_>| !without.iter().any(|scope| scope.iter().all(|at| has(row, at)));
        let failing = |row: &Row<'_>| scope.iter().chain(within).all(|at| !self.is_of_failures(at) || has(row, at));
        let calls = |row: &Row<'_>| scope.iter().all(|at| has(row, at) || self.is_of_failures(at));
        let mut pair = Pair { kind: self.kind(), part: [Sum::default(); 2], all: [Sum::default(); 2] };
        for row in self.rows.iter().filter(|row| among(row)) {
            for side in 0..2 {
                let sum = row.sums[side];
                pair.all[side].add(sum);
                if !calls(row) || !left(row) {
                    continue;
                }
                // Those that fail in another way are calls all the same.
                pair.part[side].add(if failing(row) { sum } else { Sum { n: sum.n, ..Sum::default() } });
            }
        }
        self.of_alike(&mut pair, scope, within);
        pair
    }

    /// One way of failing is held against all calls that fail in that way.
    fn of_alike(&self, pair: &mut Pair, scope: &[At], within: &[At]) {
        let meant: Vec<&At> = scope.iter().chain(within).filter(|at| self.is_of_failures(at)).collect();
        if meant.is_empty() || scope.iter().all(|at| self.is_of_failures(at)) {
            return;
        }
        let alike = self.sum(|row| meant.iter().all(|at| row.at.get(at.dim) == Some(&at.value)));
        (0..2).for_each(|side| {
            pair.all[side].x = alike[side].x;
            pair.all[side].squares = alike[side].squares;
        });
    }

    /// How the calls with all of these values stand on one side, all calls being so many.
    pub fn standing(&self, scope: &[At], side: usize, all: u64) -> Standing {
        let has =
            |row: &&Row<'_>| scope.iter().all(|at| row.at.get(at.dim) == Some(&at.value) || self.is_of_failures(at));
        let mut acc = Acc::default();
        self.rows.iter().filter(has).filter_map(|row| row.sides[side]).for_each(|other| acc.merge(other));
        let calls = acc.calls();
        let value = match self.figure {
            Figure::ErrorRate => self.part(scope, &[], &[]).part[side].mean(),
            Figure::P95 if acc.latency.count() < LEAST_CALLS => None,
            Figure::Cost => value(Figure::Cost, &acc).map(|cost| cost / calls.max(1) as f64),
            figure => value(figure, &acc),
        };
        Standing {
            calls,
            share: if all > 0 { calls as f64 / all as f64 } else { 0.0 },
            value: value.filter(|_| calls > 0),
        }
    }
}

fn sum(figure: Figure, acc: &Acc, slow: u64) -> Sum {
    let share = |n: u64, x: u64| Sum { n: n as f64, x: x as f64, squares: x as f64 };
    match figure {
        Figure::ErrorRate => share(acc.calls(), acc.errors()),
        Figure::P95 => share(acc.latency.count(), above(&acc.latency, slow)),
        Figure::Mean => Sum {
            n: acc.latency.count() as f64,
            x: acc.latency.sum() as f64,
            squares: acc.latency.filled().map(|(at, n)| (middle(at) as f64).powi(2) * n as f64).sum(),
        },
        // Squares of costs are not kept: calls alike in all dimensions are taken to vary by as much as their mean.
        Figure::Cost => {
            let (n, x) = (acc.calls() as f64, acc.sum(Of::Cost).unwrap_or(0) as f64);
            Sum { n, x, squares: if n > 0.0 { 2.0 * x * x / n } else { 0.0 } }
        }
    }
}

/// Values in a higher bucket than that of another value.
fn above(hist: &Histogram, value: u64) -> u64 {
    let limit = bucket(value);
    hist.filled().filter(|(at, _)| *at > limit).map(|(_, n)| n).sum()
}

//! What changed: the calls of both windows by all dimensions that the rollups know, which are read anyhow for tables.

use super::Answer;
use super::cube::Cube;
use super::figures::Figures;
use super::groups::Cells;
use crate::snapshot::Changes;
use crate::stats::changes::{self, Cell, LEAST_CALLS};
use crate::view::{Dim, Grouping, Range};
use foldhash::HashMap;

/// What the main lanes tell apart. Of two that explain the same, the one that stands first in [`Dim`] is told.
const DIMS: [Dim; 7] =
    [Dim::Model, Dim::Provider, Dim::Operation, Dim::App, Dim::Environment, Dim::Variant, Dim::Error];

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
pub fn changes(answer: &Answer<'_>, previous: Range, (now, before): (&Figures, &Figures)) -> Changes {
    if answer.covered < 1.0 {
        return Changes::NotAsked;
    }
    let starts_late = answer.first_us.is_none_or(|first| first >= previous.until_us);
    if previous.is_empty() || starts_late {
        return Changes::NoBefore;
    }
    let [calls_now, calls_before] = [now, before].map(|figures| figures.total.acc.calls());
    if calls_now.min(calls_before) < LEAST_CALLS {
        return Changes::TooFew { before: calls_before, now: calls_now };
    }
    let missed_us = answer.first_us.map_or(0, |first| first.saturating_sub(previous.since_us));
    let is_whole = missed_us <= previous.len_us() / 20;
    let hours = previous.len_us() as f64 / 3.6e9;
    let cubes: Vec<_> = now.changes.iter().zip(&before.changes).map(|(now, before)| cube(now, before)).collect();
    Changes::Told { list: changes::changes(&cubes, is_whole.then_some(hours)), is_whole }
}

fn cube<'a>(now: &'a Cells, before: &'a Cells) -> changes::Cube<'a> {
    let mut sides: HashMap<&[Option<String>], [Option<&crate::stats::acc::Acc>; 2]> = HashMap::default();
    before.cells().for_each(|(key, acc)| sides.entry(key).or_default()[0] = Some(acc));
    now.cells().for_each(|(key, acc)| sides.entry(key).or_default()[1] = Some(acc));
    let mut cells: Vec<Cell<'a>> = sides.into_iter().map(|(key, sides)| Cell { key, sides }).collect();
    cells.sort_by(|a, b| a.key.cmp(b.key));
    changes::Cube { dims: now.dims().to_vec(), cells }
}

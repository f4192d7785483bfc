//! What changed: which values of which dimensions explain the change of a figure from one window to the next. Each value's
//! part is split into what its share of calls did (mix) and what happened within it, and noise is not told.

mod effect;
mod grid;
mod search;

use super::acc::Acc;
use crate::listed::listed;
use crate::view::Dim;

listed! {
    /// A figure whose change is explained.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
    pub enum Figure {
        /// Failed calls as a share of all, 0..=1.
        ErrorRate,
        /// 95th percentile of latency, µs.
        P95,
        /// Mean latency, µs.
        Mean,
        /// Cost, nano-dollars an hour.
        Cost,
    }
}

impl Figure {
    /// The stable word, which reports for programs have.
    pub const fn word(self) -> &'static str {
        match self {
            Figure::ErrorRate => "error_rate",
            Figure::P95 => "latency_p95",
            Figure::Mean => "latency_mean",
            Figure::Cost => "cost_per_hour",
        }
    }
}

/// Calls with the same values of all dimensions, in the window before and in this one.
#[derive(Debug, Clone)]
pub struct Cell<'a> {
    /// The values, in the order of the dimensions.
    pub key: &'a [Option<String>],
    /// What they came to before, and now; `None` where there were none.
    pub sides: [Option<&'a Acc>; 2],
}

/// All calls of two windows, told apart by some dimensions.
#[derive(Debug, Clone, Default)]
pub struct Cube<'a> {
    /// The dimensions. Where values of two explain the same, the first of them is told.
    pub dims: Vec<Dim>,
    /// The calls, each in one cell.
    pub cells: Vec<Cell<'a>>,
}

/// How a figure changed, and why.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// Which.
    pub figure: Figure,
    /// What it was, in the figure's unit.
    pub before: f64,
    /// What it is.
    pub now: f64,
    /// Of cost: the share of the change that the number of calls explains, where all cost what calls cost on average.
    pub by_calls: Option<f64>,
    /// Calls in the window before, and in this one.
    pub calls: [u64; 2],
    /// What explains it, most first; empty where it is spread over all calls alike.
    pub causes: Vec<Cause>,
}

/// Some calls that explain a change.
#[derive(Debug, Clone, PartialEq)]
pub struct Cause {
    /// Which calls: those with all these values.
    pub pairs: Vec<(Dim, Option<String>)>,
    /// The share of the change it explains: above 1 where others changed the other way.
    pub explains: f64,
    /// The part of that which comes of its share of the calls (of cost: of how many they were).
    pub mix: f64,
    /// The part which comes of what happened to these calls.
    pub within: f64,
    /// How they stood.
    pub before: Standing,
    /// How they stand.
    pub now: Standing,
}

/// How some calls stand in one window.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Standing {
    /// How many they are.
    pub calls: u64,
    /// As a share of all calls.
    pub share: f64,
    /// The figure of these calls alone, in its unit; of cost, nano-dollars a call. `None` without calls, or of too few.
    pub value: Option<f64>,
}

/// A figure is told that changed by at least this share of the larger of the two, ...
const WORTH_TELLING: f64 = 0.1;
/// ... by at least so many of its standard errors, ...
const ERRORS: f64 = 2.0;
/// ... where each window has so many calls, ...
pub const LEAST_CALLS: u64 = 20;
/// ... and, of an error rate, by so much (a tenth of a point).
const LEAST_POINTS: f64 = 0.001;

/// The changes worth telling, in the order of [`Figure::ALL`]. `cubes` are all calls told apart in several ways, the most
/// telling first; `hours` is how long each of the two windows is, and `None` leaves out what depends on that.
pub fn changes(cubes: &[Cube<'_>], hours: Option<f64>) -> Vec<Change> {
    let Some(first) = cubes.first() else { return Vec::new() };
    let totals = [0, 1].map(|side| grid::total(first, side));
    let figures = Figure::ALL.into_iter().filter(|figure| *figure != Figure::Cost || hours.is_some());
    figures.filter_map(|figure| change(figure, cubes, &totals, hours.unwrap_or(1.0))).collect()
}

fn change(figure: Figure, cubes: &[Cube<'_>], totals: &[Acc; 2], hours: f64) -> Option<Change> {
    let [before, now] = [&totals[0], &totals[1]].map(|acc| grid::value(figure, acc));
    let per = if figure == Figure::Cost { hours.max(f64::MIN_POSITIVE) } else { 1.0 };
    let (before, now) = (before? / per, now? / per);
    let size = (now - before).abs();
    let least = if figure == Figure::ErrorRate { LEAST_POINTS } else { 0.0 };
    if size < WORTH_TELLING * before.abs().max(now.abs()) || size <= least {
        return None;
    }
    let grids: Vec<_> = cubes.iter().map(|cube| grid::Grid::new(figure, cube, totals)).collect();
    let whole = grids.first()?.whole();
    let [n_before, n_now] = whole.n();
    if n_before < LEAST_CALLS as f64 || n_now < LEAST_CALLS as f64 || whole.change().abs() < ERRORS * whole.error() {
        return None;
    }
    Some(Change {
        figure,
        before,
        now,
        by_calls: (figure == Figure::Cost).then(|| whole.by_number()),
        calls: [totals[0].calls(), totals[1].calls()],
        causes: search::causes(&grids, &whole),
    })
}

#[cfg(test)]
mod tests;

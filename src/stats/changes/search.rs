//! The search for what explains a change: the most surprising value that explains enough of it, narrowed by a second one
//! where that says it more closely, then what explains enough of the rest.

use super::effect::{Kind, Pair, Whole};
use super::grid::{At, Grid};
use super::{Cause, ERRORS};

/// What is told explains at least this share of the change, ...
const LEAST: f64 = 0.2;
/// ... and that much more than if all had changed alike, as a share of what it could be more.
const LIFT: f64 = 0.3;
/// ... or nearly all of it, ...
const NEARLY_ALL: f64 = 0.8;
/// ... being no more than so much of all calls.
const FEW: f64 = 0.5;
/// A second value says it more closely where so much of what the first explains is with it.
const CLOSER: f64 = 0.75;
/// A further cause explains so much of the rest of the calls, as a share of what it explains of all.
const APART: f64 = 0.7;
/// Most causes of one change.
const MOST: usize = 3;
/// Where so much is explained, the rest does not matter.
const ENOUGH: f64 = 0.9;

/// A value, and how it ranks.
struct Found {
    scope: Vec<At>,
    explains: f64,
    surprise: f64,
}

/// What explains the change of `whole`, the best first. All grids are of all its calls.
pub(super) fn causes(grids: &[Grid<'_>], whole: &Whole) -> Vec<Cause> {
    let mut all: Vec<(f64, Cause)> = Vec::new();
    for (i, grid) in grids.iter().enumerate() {
        for found in of_grid(grid, whole) {
            // What grids have in common is not known: another has to say it better than the first.
            let best = all.iter().map(|(surprise, _)| *surprise).fold(0.0, f64::max);
            if i == 0 || found.surprise > best {
                all.push((found.surprise, cause(grid, whole, &found)));
            }
        }
    }
    if grids.len() > 1 {
        all.sort_by(|(a, _), (b, _)| b.total_cmp(a));
    }
    all.into_iter().map(|(_, cause)| cause).take(MOST).collect()
}

fn of_grid(grid: &Grid<'_>, whole: &Whole) -> Vec<Found> {
    let mut candidates: Vec<Found> =
        grid.all().filter_map(|at| candidate(grid.part(&[at], &[], &[]), whole.change(), vec![at])).collect();
    // A stable sort: of equals the first dimension.
    candidates.sort_by(|a, b| b.surprise.total_cmp(&a.surprise));
    let mut told: Vec<Found> = Vec::new();
    for found in candidates {
        let explained: f64 = told.iter().map(|f| f.explains).sum();
        if told.len() >= MOST || explained >= ENOUGH {
            break;
        }
        let scopes: Vec<Vec<At>> = told.iter().map(|f| f.scope.clone()).collect();
        let rest = grid.part(&found.scope, &[], &scopes).effect().total() / whole.change();
        if told.is_empty() || rest >= LEAST && rest >= APART * found.explains {
            told.push(closer(grid, whole, found));
        }
    }
    told
}

/// A value that is worth telling of a change.
fn candidate(pair: Pair, change: f64, scope: Vec<At>) -> Option<Found> {
    let effect = pair.effect().total();
    let explains = effect / change;
    let expected = pair.expected();
    let lift = if expected < 1.0 { (explains - expected) / (1.0 - expected) } else { 0.0 };
    let alone = pair.kind != Kind::Sum && explains >= NEARLY_ALL && pair.share() <= FEW;
    let told = explains >= LEAST && (lift >= LIFT || alone) && effect.abs() >= ERRORS * pair.error();
    told.then(|| Found { scope, explains, surprise: pair.surprise(explains) })
}

/// The same narrowed by a second value, where nearly all that it explains is with that.
fn closer(grid: &Grid<'_>, whole: &Whole, found: Found) -> Found {
    let [first] = found.scope[..] else { return found };
    let of_first = grid.part(&[first], &[], &[]).effect().total();
    let surprise = found.surprise;
    let narrowed = grid.all().filter(|at| at.dim != first.dim).filter_map(|at| {
        let scope = vec![first, at];
        let inside = candidate(grid.part(&[at], &[first], &[]), change_within(grid, first), scope.clone())?;
        let pair = grid.part(&scope, &[], &[]);
        let kept = pair.effect().total() / of_first;
        let explains = pair.effect().total() / whole.change();
        (kept >= CLOSER).then_some((inside.surprise, Found { scope, explains, surprise }))
    });
    let best = narrowed.reduce(|best, other| if other.0 > best.0 { other } else { best });
    best.map_or(found, |(_, narrowed)| narrowed)
}

fn change_within(grid: &Grid<'_>, first: At) -> f64 {
    let pair = grid.part(&[first], &[], &[]);
    Whole { kind: pair.kind, all: pair.part }.change()
}

fn cause(grid: &Grid<'_>, whole: &Whole, found: &Found) -> Cause {
    let effect = grid.part(&found.scope, &[], &[]).effect();
    let change = whole.change();
    let calls = |side: usize| grid.standing(&[], side, 0).calls;
    Cause {
        pairs: found.scope.iter().map(|at| grid.pair(*at)).collect(),
        explains: effect.total() / change,
        mix: effect.mix / change,
        within: effect.within / change,
        before: grid.standing(&found.scope, 0, calls(0)),
        now: grid.standing(&found.scope, 1, calls(1)),
    }
}

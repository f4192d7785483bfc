//! What a unit costs: a call, a thousand output tokens, a completed task, a user; what the providers' caches saved.

use super::spend::{facts, money};
use crate::snapshot::{Snapshot, Stats, Tasks};
use crate::tui::figures::{self, Bad};
use crate::tui::live::Scene;
use crate::tui::pen::Pen;
use crate::tui::theme::Role;
use crate::units;
use crate::view::Dim;
use ratatui::layout::Rect;

/// A figure with what explains it, the longest form first.
type Unit = ((String, Role), Vec<(String, Role)>);

const NAME: u16 = 15;

/// Why a figure is not there that is made without regard to filters.
const FILTERED: &[&str] = &["not with a filter", "no filter"];

/// Draws the panel.
pub(super) fn draw(pen: &mut Pen, area: Rect, scene: &Scene, _: Option<usize>) {
    let inner = pen.panel(area, "unit costs");
    let inner = Rect { x: inner.x + 1, width: inner.width.saturating_sub(2), ..inner };
    let lines = [
        ("per call", of_calls(scene, figures::cost_per_call_of)),
        ("per 1k output", of_calls(scene, figures::cost_per_1k)),
        ("per user", per_user(scene)),
        ("per task done", per_task(scene)),
        ("cache saved", cache(scene)),
    ];
    let named = lines.map(|(name, (figure, notes))| (name.to_owned(), figure, notes));
    facts(pen, inner, NAME, &named);
}

fn unknown(why: &[&str]) -> Unit {
    let notes = why.iter().map(|why| ((*why).to_owned(), Role::Dim));
    ((units::UNKNOWN.to_owned(), Role::Dim), notes.collect())
}

/// A cost that calls have by themselves, with its change.
fn of_calls(scene: &Scene, cost: fn(&Stats) -> figures::UnitCost) -> Unit {
    let now = cost(&scene.snapshot.totals);
    let before = figures::before(scene.snapshot).and_then(|before| cost(before).nusd);
    let role = if now.nusd.is_some() { Role::Strong } else { Role::Dim };
    let change = figures::change(now.nusd, before, Bad::FarUp);
    ((now.text(), role), change.into_iter().collect())
}

/// What a user costs, of the calls that name one.
fn per_user(scene: &Scene) -> Unit {
    let Some(table) = super::table(scene.snapshot, Dim::User) else {
        return unknown(if scene.ui.filter.is_empty() { &["looking …"] } else { FILTERED });
    };
    let nobody = table.groups.iter().find(|g| g.key.first().is_some_and(Option::is_none));
    let users = table.total.saturating_sub(usize::from(nobody.is_some()));
    let totals = &scene.snapshot.totals;
    let theirs = nobody.and_then(|g| g.stats.cost_nusd).unwrap_or(0);
    let spent = totals.cost_nusd.map(|n| n.saturating_sub(theirs) as f64);
    if users == 0 {
        return unknown(&["no call names a user", "none named"]);
    }
    let each = money(spent.map(|n| n / users as f64), totals);
    let count = figures::count(users as u64);
    ((each, Role::Strong), vec![(format!("{count} users"), Role::Dim)])
}

/// What a task costs that was completed. Tasks are counted without regard to the filter, so there is none with one.
fn per_task(scene: &Scene) -> Unit {
    let snapshot = scene.snapshot;
    if !snapshot.view.filter.is_empty() {
        return unknown(FILTERED);
    }
    let Some(Tasks { judged, completed }) = snapshot.tasks.filter(|tasks| tasks.judged > 0) else {
        return unknown(&["no task was judged", "none judged"]);
    };
    let of = format!("{} of {}", figures::count(completed), figures::count(judged));
    let figure = match spent_for(snapshot, completed) {
        Some(each) => (money(Some(each), &snapshot.totals), Role::Strong),
        None => (units::UNKNOWN.to_owned(), Role::Dim),
    };
    (figure, vec![(format!("{of} done"), Role::Dim), (of, Role::Dim)])
}

fn spent_for(snapshot: &Snapshot, completed: u64) -> Option<f64> {
    let spent = snapshot.totals.cost_nusd?;
    (completed > 0).then(|| spent as f64 / completed as f64)
}

/// What caches saved; where writing to them cost more than it saved, that is said.
fn cache(scene: &Scene) -> Unit {
    let now = &scene.snapshot.totals;
    let Some(saved) = now.cache_saved_nusd.map(|n| n as f64) else { return unknown(&["no known saving"]) };
    let input = figures::cached(now).map(|share| format!("{} of input cached", units::percent(share)));
    let input = input.into_iter().map(|text| (text, Role::Dim));
    if saved < 0.0 {
        let lost = [("writing cost more than it saved", Role::Warn), ("cost more", Role::Warn)];
        let lost = lost.map(|(text, role)| (text.to_owned(), role));
        return ((figures::money(Some(saved)), Role::Warn), lost.into_iter().collect());
    }
    ((figures::money(Some(saved)), Role::Text), input.collect())
}

//! What was spent for nothing: earlier attempts, answers that were called off, blocked or cut, all other failed calls, billed
//! or not. The kinds overlap, so they are not summed.

use super::spend::money;
use crate::event::FailureMode;
use crate::snapshot::{Group, Snapshot, Stats};
use crate::tui::figures;
use crate::tui::live::Scene;
use crate::tui::pen::Pen;
use crate::tui::theme::Role;
use crate::tui::widgets::table::{Cell, Column, Side, Table, Width};
use crate::units;
use crate::view::Dim;
use ratatui::layout::Rect;
use std::borrow::Cow;

/// One kind of waste.
struct Waste {
    kind: &'static str,
    calls: Option<u64>,
    nusd: Option<f64>,
    /// The cost as text, with how sure it is.
    cost: String,
}

static COLUMNS: &[Column<Waste>] = &[
    Column { head: "", width: Width::Between(17, 26), side: Side::Left, rank: 0, cell: kind, key: None },
    Column { head: "calls", width: Width::Fixed(6), side: Side::Right, rank: 2, cell: calls, key: None },
    Column { head: "cost", width: Width::Fixed(9), side: Side::Right, rank: 1, cell: cost, key: None },
    Column { head: "share%", width: Width::Fixed(6), side: Side::Right, rank: 3, cell: share, key: None },
];

fn kind<'a>(waste: &'a Waste, _: &Scene<'a>) -> Cell<'a> {
    Cell::plain(waste.kind)
}

fn calls<'a>(waste: &'a Waste, _: &Scene<'a>) -> Cell<'a> {
    match waste.calls {
        None => Cell::dim(units::UNKNOWN),
        Some(0) => Cell::dim("0"),
        Some(n) => Cell::plain(figures::count(n)),
    }
}

fn cost<'a>(waste: &'a Waste, _: &Scene<'a>) -> Cell<'a> {
    let role = if waste.nusd.is_some_and(|n| n > 0.0) { Role::Text } else { Role::Dim };
    Cell::Text(Cow::Borrowed(waste.cost.as_str()), role)
}

/// Of all that was spent; what earlier attempts cost may not be part of that, but compares with it.
fn share<'a>(waste: &'a Waste, scene: &Scene<'a>) -> Cell<'a> {
    let all = scene.snapshot.totals.cost_nusd.filter(|n| *n > 0);
    Cell::dim(figures::share(waste.nusd.zip(all).map(|(n, all)| n / all as f64)))
}

/// Draws the panel.
pub(super) fn draw(pen: &mut Pen, area: Rect, scene: &Scene, _: Option<usize>) {
    let inner = pen.panel_with(area, &[("wasted", Role::Title), ("kinds overlap", Role::Dim)]);
    let list = kinds(scene.snapshot);
    let rows: Vec<&Waste> = list.iter().collect();
    Table { columns: COLUMNS, rows: &rows, sorted: None, cursor: None }.draw(pen, inner, scene);
}

fn kinds(snapshot: &Snapshot) -> [Waste; 5] {
    let totals = &snapshot.totals;
    let is = |modes: &[FailureMode], group: &Group| {
        group.key.first().and_then(Option::as_deref).is_some_and(|word| modes.iter().any(|m| m.word() == word))
    };
    let apart = [FailureMode::Cancelled, FailureMode::GuardrailBlocked];
    let of = |kind, wanted: &dyn Fn(&Group) -> bool| {
        let table = super::table(snapshot, Dim::Error);
        failed(kind, table.map(|t| t.groups.iter().filter(|g| wanted(g)).map(|g| &g.stats).collect()))
    };
    [
        retried(totals),
        of("cancelled", &|g| is(&apart[..1], g)),
        of("guard blocked", &|g| is(&apart[1..], g)),
        of("other failures", &|g| !is(&apart, g)),
        Waste {
            kind: "cut at length",
            calls: None,
            nusd: totals.truncated_nusd.map(|n| n as f64),
            cost: money(totals.truncated_nusd.map(|n| n as f64), totals),
        },
    ]
}

/// Each earlier attempt cost as much as the last one, at most.
fn retried(totals: &Stats) -> Waste {
    let nusd = totals.retried_nusd.map(|n| n as f64);
    let cost = figures::money(nusd);
    Waste {
        kind: "retries, at most",
        calls: totals.retries.map(|n| u64::try_from(n).unwrap_or(0)),
        nusd,
        cost: if nusd.is_some_and(|n| n > 0.0) { format!("≤{cost}") } else { cost },
    }
}

/// What failed calls came to; without any, nothing was wasted on them.
fn failed(kind: &'static str, groups: Option<Vec<&Stats>>) -> Waste {
    let Some(groups) = groups else {
        return Waste { kind, calls: None, nusd: None, cost: units::UNKNOWN.to_owned() };
    };
    let mut sum = Stats::default();
    for stats in groups {
        sum.calls = sum.calls.saturating_add(stats.calls);
        sum.unpriced_calls = sum.unpriced_calls.saturating_add(stats.unpriced_calls);
        let both = (sum.cost_nusd, stats.cost_nusd);
        sum.cost_nusd = both.0.zip(both.1).map(|(a, b)| a.saturating_add(b)).or(both.0).or(both.1);
    }
    let nusd = sum.known_nusd().map(|n| n as f64);
    Waste { kind, calls: Some(sum.calls), nusd, cost: money(nusd, &sum) }
}

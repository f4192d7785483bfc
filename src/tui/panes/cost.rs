//! Cost: what is being spent, whether the budgets hold, when and on which models, who spends most, what a unit costs, what
//! was wasted.

mod over_time;
mod spend;
mod units_of;
mod wasted;

use super::columns::{CALLS, COST, COST_CHANGE, NAME, PER_1K, PER_CALL, PER_HOUR, SHARE};
use super::{Needs, Pane, Panel, TOP, budgets, changes, chart_points, groups, no_rows, places};
use crate::snapshot::{Group, Snapshot, Table};
use crate::tui::pen;
use crate::tui::ui::Ui;
use crate::tui::widgets::table::Column;
use crate::view::{Dim, Grouping, Measure, Ranking, Sections};
use ratatui::layout::Rect;

static COLUMNS: &[Column<Group>] =
    &[NAME, Column { rank: 1, ..COST }, SHARE, COST_CHANGE, PER_HOUR, PER_CALL, PER_1K, Column { rank: 5, ..CALLS }];

const SPEND: usize = 0;
const BUDGETS: usize = 1;
const OVER_TIME: usize = 2;
const SPENDERS: usize = 3;
const UNITS: usize = 4;
const WASTED: usize = 5;
const CHANGES: usize = 6;

/// Most models that are looked through for calls without a price.
const MODELS: usize = 200;

/// The pane.
pub(super) static PANE: Pane = Pane {
    name: "cost",
    title: "Cost",
    short: "Cost",
    needs,
    panels: &[
        Panel { name: "spend", rows: no_rows, draw: spend::draw },
        Panel { name: "budgets", rows: budgets::rows, draw: budgets::draw },
        Panel { name: "spend over time", rows: no_rows, draw: over_time::draw },
        Panel {
            name: "top spenders",
            rows: |s, ui| groups::targets(s, ui, COLUMNS),
            draw: |pen, area, scene, cursor| groups::draw(pen, area, scene, cursor, COLUMNS),
        },
        Panel { name: "unit costs", rows: no_rows, draw: units_of::draw },
        Panel { name: "wasted", rows: no_rows, draw: wasted::draw },
        Panel {
            name: "what changed",
            rows: |s, _| changes::rows(s, changes::COST),
            draw: |pen, area, scene, cursor| changes::draw(pen, area, scene, cursor, changes::COST),
        },
    ],
    layout,
    by: &[
        &[Dim::Model],
        &[Dim::User],
        &[Dim::Session],
        &[Dim::App],
        &[Dim::Environment],
        &[Dim::Host],
        &[Dim::Provider],
        &[Dim::Operation],
    ],
    sorts: &["cost", "calls", "$/call"],
    pages: false,
};

/// What the panels that are shown draw. The dearest models come first, since charts of groups are those of the first table.
fn needs(ui: &Ui) -> Needs {
    let shown = places(ui);
    let is_shown = |panel: usize| shown.iter().any(|(shown, _)| *shown == panel);
    let mut groupings = vec![dearest(Dim::Model, MODELS)];
    let (listed, first) = (ui.grouping(), &groupings[0]);
    // The spenders are in the first table where that has the same groups in the same order.
    if is_shown(SPENDERS) && (listed.dims != first.dims || listed.order != first.order) {
        groupings.push(listed);
    }
    if is_shown(WASTED) {
        groupings.push(Grouping::by(Dim::Error, None));
    }
    // With a filter, users are told apart by single calls alone: too long a wait for one figure.
    let of_all = is_shown(UNITS) && ui.filter.is_empty();
    if of_all && groupings.iter().all(|grouping| grouping.dims != [Dim::User]) {
        groupings.push(dearest(Dim::User, TOP));
    }
    let (points, group_points) = if is_shown(OVER_TIME) { (chart_points(ui), TOP) } else { (0, 0) };
    let changes = is_shown(CHANGES);
    let sections = Sections { points, group_points, tasks: of_all, changes, ..Sections::default() };
    Needs { groupings, sections, budgets: ui.budgets.clone(), ..Needs::default() }
}

fn dearest(dim: Dim, top: usize) -> Grouping {
    Grouping { order: Ranking { by: Measure::Cost, ..Ranking::default() }, ..Grouping::by(dim, Some(top)) }
}

/// The table by one dimension.
fn table(snapshot: &Snapshot, dim: Dim) -> Option<&Table> {
    snapshot.tables.iter().find(|t| t.grouping.dims == [dim])
}

fn layout(area: Rect, ui: &Ui) -> Vec<(usize, Rect)> {
    match (area.width, area.height) {
        (0..60, _) | (_, 0..12) => least(area, ui),
        (_, 0..20) => low(area, ui),
        (0..110, 0..30) => small(area, ui),
        (0..110, _) => tall(area, ui),
        (160.., _) if !ui.budgets.is_empty() => widest(area, ui),
        _ => wide(area, ui),
    }
}

/// Rows for the budgets: what they want of at most so many.
fn budget_rows(ui: &Ui, most: u16) -> u16 {
    if ui.budgets.is_empty() { 0 } else { budgets::height(ui).min(most) }
}

/// Rows for what is spent, and for what was wasted.
const SPEND_ROWS: u16 = 7;
const WASTED_ROWS: u16 = 8;
/// Rows for what changed.
const CHANGE_ROWS: u16 = 4;

/// Leaves out what has no room.
fn shown<const N: usize>(places: [(usize, Rect); N]) -> Vec<(usize, Rect)> {
    places.into_iter().filter(|(_, area)| area.height > 0 && area.width > 0).collect()
}

/// What is shown beside the spend where there is little room: the budgets, else who spends most.
fn second(ui: &Ui) -> usize {
    if ui.budgets.is_empty() { SPENDERS } else { BUDGETS }
}

/// 40×10.
fn least(area: Rect, ui: &Ui) -> Vec<(usize, Rect)> {
    let (spend, rest) = pen::top(area, if area.height < 12 { 2 } else { SPEND_ROWS });
    shown([(SPEND, spend), (second(ui), rest)])
}

/// 60×16.
fn low(area: Rect, ui: &Ui) -> Vec<(usize, Rect)> {
    let (above, rest) = pen::top(area, SPEND_ROWS);
    let (spend, units) = pen::halves(above);
    shown([(SPEND, spend), (UNITS, units), (second(ui), rest)])
}

/// 80×24: no chart.
fn small(area: Rect, ui: &Ui) -> Vec<(usize, Rect)> {
    let (above, rest) = pen::top(area, SPEND_ROWS);
    let (spend, units) = pen::halves(above);
    let (budgets, rest) = pen::top(rest, budget_rows(ui, rest.height / 2));
    let (spenders, wasted) = pen::left(rest, rest.width * 7 / 12);
    shown([(SPEND, spend), (UNITS, units), (BUDGETS, budgets), (SPENDERS, spenders), (WASTED, wasted)])
}

/// Narrow and high: one below the other.
fn tall(area: Rect, ui: &Ui) -> Vec<(usize, Rect)> {
    let (above, rest) = pen::top(area, SPEND_ROWS);
    let (spend, units) = pen::halves(above);
    let (budgets, rest) = pen::top(rest, budget_rows(ui, rest.height / 3));
    let (chart, rest) = pen::top(rest, rest.height / 3);
    let (spenders, wasted) = pen::bottom(rest, WASTED_ROWS);
    shown([
        (SPEND, spend),
        (UNITS, units),
        (BUDGETS, budgets),
        (OVER_TIME, chart),
        (SPENDERS, spenders),
        (WASTED, wasted),
    ])
}

/// 120×40: figures in a row, the budgets across all of it, with their forecasts.
fn wide(area: Rect, ui: &Ui) -> Vec<(usize, Rect)> {
    let (above, rest) = pen::top(area, WASTED_ROWS);
    let (spend, others) = pen::left(above, area.width / 3);
    let (units, wasted) = pen::halves(others);
    let (budgets, rest) = pen::top(rest, budget_rows(ui, rest.height / 3));
    let (rest, changes) = pen::bottom(rest, if rest.height >= 20 { CHANGE_ROWS } else { 0 });
    let (chart, spenders) = pen::halves_of(rest);
    shown([
        (SPEND, spend),
        (UNITS, units),
        (WASTED, wasted),
        (BUDGETS, budgets),
        (OVER_TIME, chart),
        (SPENDERS, spenders),
        (CHANGES, changes),
    ])
}

/// Columns of what stands on the right, and of what is spent, on the left of the budgets.
const RIGHT: u16 = 48;
const LEFT: u16 = 40;

/// 200×60: spend beside the budgets, the chart beside unit costs and what was wasted.
fn widest(area: Rect, ui: &Ui) -> Vec<(usize, Rect)> {
    let wanted = budget_rows(ui, area.height / 3).max(SPEND_ROWS + 1);
    let (above, rest) = pen::top(area, wanted);
    let (rest, changes) = pen::bottom(rest, if rest.height >= 20 { CHANGE_ROWS } else { 0 });
    let (middle, spenders) = pen::halves_of(rest);
    let (chart, right) = pen::left(middle, area.width - RIGHT);
    let (units, wasted) = pen::top(right, SPEND_ROWS);
    let (spend, budgets) = pen::left(above, LEFT);
    shown([
        (SPEND, spend),
        (BUDGETS, budgets),
        (OVER_TIME, chart),
        (UNITS, units),
        (WASTED, wasted),
        (SPENDERS, spenders),
        (CHANGES, changes),
    ])
}

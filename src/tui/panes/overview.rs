//! Overview: is it all right, since when, where, show me one.

use super::columns::{CALLS, COST, ERRORS, LIMITED, NAME, P50, P95, P95_CHANGE, P99, PER_HOUR, SPEED, TTFT};
use super::{Needs, Pane, Panel, changes, chart_points, charts, failures, groups, no_rows, records, tiles};
use crate::snapshot::Group;
use crate::tui::pen;
use crate::tui::ui::Ui;
use crate::tui::widgets::table::Column;
use crate::view::{Dim, Sections};
use ratatui::layout::Rect;

static COLUMNS: &[Column<Group>] =
    &[NAME, CALLS, ERRORS, LIMITED, P50, P95, P95_CHANGE, P99, TTFT, SPEED, PER_HOUR, COST];

const TILES: usize = 0;
const LATENCY: usize = 1;
const CALLS_CHART: usize = 2;
const TOKENS: usize = 3;
const SPEND: usize = 4;
const GROUPS: usize = 5;
const FAILURES: usize = 6;
const NEWEST: usize = 7;
const CHANGES: usize = 8;

/// The pane.
pub(super) static PANE: Pane = Pane {
    name: "overview",
    title: "Overview",
    short: "Over",
    needs: |ui| Needs {
        groupings: vec![ui.grouping()],
        sections: Sections {
            points: chart_points(ui),
            failures: true,
            errors: 30,
            changes: true,
            ..Sections::default()
        },
        budgets: ui.budgets.clone(),
        ..Needs::default()
    },
    panels: &[
        Panel { name: "figures", rows: no_rows, draw: tiles::draw },
        Panel { name: "latency", rows: no_rows, draw: charts::latency },
        Panel { name: "calls", rows: no_rows, draw: charts::calls },
        Panel { name: "tokens", rows: no_rows, draw: charts::tokens },
        Panel { name: "spend", rows: no_rows, draw: charts::cost },
        Panel {
            name: "models",
            rows: |s, ui| groups::targets(s, ui, COLUMNS),
            draw: |pen, area, scene, cursor| groups::draw(pen, area, scene, cursor, COLUMNS),
        },
        Panel { name: "failure modes", rows: failures::short_rows, draw: failures::draw_short },
        Panel { name: "newest errors", rows: records::error_rows, draw: records::draw_errors },
        Panel {
            name: "what changed",
            rows: |s, _| changes::rows(s, changes::OVERVIEW),
            draw: |pen, area, scene, cursor| changes::draw(pen, area, scene, cursor, changes::OVERVIEW),
        },
    ],
    layout,
    by: &[&[Dim::Model], &[Dim::Provider], &[Dim::App], &[Dim::Variant]],
    sorts: &["p95", "calls", "err%", "Δp95", "ttft95", "cost"],
    pages: false,
};

fn layout(area: Rect, _: &Ui) -> Vec<(usize, Rect)> {
    match (area.width, area.height) {
        (0..60, _) | (_, 0..12) => vec![(TILES, area)],
        (0..120, 0..26) => small(area),
        (0..120, _) => tall(area),
        _ => wide(area),
    }
}

/// 80×24: tiles in two rows, one chart, one table.
fn small(area: Rect) -> Vec<(usize, Rect)> {
    let (tiles, rest) = pen::top(area, 6);
    if rest.height < 12 {
        return vec![(TILES, tiles), (GROUPS, rest)];
    }
    let (chart, table) = pen::top(rest, rest.height / 2 - 1);
    vec![(TILES, tiles), (LATENCY, chart), (GROUPS, table)]
}

/// Narrow and high: one below the other.
fn tall(area: Rect) -> Vec<(usize, Rect)> {
    let (tiles, rest) = pen::top(area, 6);
    let part = rest.height / 4;
    let (latency, rest) = pen::top(rest, part);
    let (groups, rest) = pen::top(rest, part + 1);
    let (failures, errors) = pen::top(rest, rest.height / 2);
    vec![(TILES, tiles), (LATENCY, latency), (GROUPS, groups), (FAILURES, failures), (NEWEST, errors)]
}

/// From here on all columns of the groups fit beside the failure modes.
const BESIDE_FROM: u16 = 190;
/// The failure modes with when they began.
const FAILURES_LEAST: u16 = 53;

/// From 120 columns: tiles, two charts side by side, the groups, below or beside them the failure modes, the newest errors;
/// from 48 rows four charts.
fn wide(area: Rect) -> Vec<(usize, Rect)> {
    let (tiles, rest) = pen::top(area, if area.height >= 34 { 5 } else { 4 });
    let four = area.height >= 46;
    let high = if four { rest.height / 4 } else { rest.height / 3 };
    let (first, mut rest) = pen::top(rest, high);
    let (latency, calls) = pen::halves(first);
    let mut out = vec![(TILES, tiles), (LATENCY, latency), (CALLS_CHART, calls)];
    if four {
        let (second, below) = pen::top(rest, high.saturating_sub(3));
        let (tokens, spend) = pen::halves(second);
        out.extend([(TOKENS, tokens), (SPEND, spend)]);
        rest = below;
    }
    if area.width < BESIDE_FROM && rest.height >= 14 {
        let (tables, changes) = pen::bottom(rest, if rest.height >= 20 { 4 } else { 0 });
        let (groups, below) = pen::top(tables, tables.height / 2);
        let (failures, errors) = pen::left(below, FAILURES_LEAST.max(area.width * 7 / 16));
        out.extend([(GROUPS, groups), (FAILURES, failures), (NEWEST, errors)]);
        out.extend((changes.height > 0).then_some((CHANGES, changes)));
        return out;
    }
    let (tables, errors) =
        if rest.height >= 12 { pen::top(rest, rest.height - rest.height * 2 / 5) } else { (rest, Rect::ZERO) };
    let (groups, failures) = pen::left(tables, area.width * 9 / 16);
    out.extend([(GROUPS, groups), (FAILURES, failures)]);
    let (changes, errors) = pen::top(errors, if four { 5 } else { 0 });
    out.extend([(CHANGES, changes), (NEWEST, errors)].into_iter().filter(|(_, area)| area.height > 0));
    out
}

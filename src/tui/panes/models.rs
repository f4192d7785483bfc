//! Models: every figure of every model; other dimensions with the key for grouping.

use super::columns::{
    CACHED, CALLS, COST, ERRORS, INPUT, LIMITED, NAME, OUTPUT, P50, P95, P95_CHANGE, P99, PER_CALL, RETRIES, SPEED,
    TREND, TTFT,
};
use super::{Needs, Pane, Panel, chart_points, charts, groups, no_rows};
use crate::snapshot::Group;
use crate::tui::pen;
use crate::tui::ui::Ui;
use crate::tui::widgets::table::Column;
use crate::view::{Dim, Sections};
use ratatui::layout::Rect;

static COLUMNS: &[Column<Group>] = &[
    NAME, CALLS, ERRORS, LIMITED, RETRIES, P50, P95, P95_CHANGE, P99, TTFT, SPEED, INPUT, OUTPUT, CACHED, COST,
    PER_CALL, TREND,
];

/// The pane.
pub(super) static PANE: Pane = Pane {
    name: "models",
    title: "Models",
    short: "Model",
    needs: |ui| Needs {
        groupings: vec![ui.grouping()],
        sections: Sections { points: chart_points(ui), group_points: 12, ..Sections::default() },
        ..Needs::default()
    },
    panels: &[
        Panel {
            name: "models",
            rows: |s, ui| groups::targets(s, ui, COLUMNS),
            draw: |pen, area, scene, cursor| groups::draw(pen, area, scene, cursor, COLUMNS),
        },
        Panel { name: "calls", rows: no_rows, draw: charts::calls },
        Panel { name: "tokens", rows: no_rows, draw: charts::tokens },
        Panel { name: "spend", rows: no_rows, draw: charts::cost },
        Panel { name: "latency", rows: no_rows, draw: charts::latency },
    ],
    layout,
    by: &[
        &[Dim::Model],
        &[Dim::Provider],
        &[Dim::Provider, Dim::Model],
        &[Dim::Operation],
        &[Dim::App],
        &[Dim::Environment],
        &[Dim::Host],
        &[Dim::Variant],
    ],
    sorts: &["p95", "calls", "err%", "429%", "Δp95", "ttft95", "tok/s", "in", "out", "cost", "$/call"],
    pages: false,
};

fn layout(area: Rect, _: &Ui) -> Vec<(usize, Rect)> {
    if area.height < 24 {
        return vec![(0, area)];
    }
    let rows = if area.height >= 44 { area.height * 2 / 5 } else { area.height * 3 / 5 };
    let (table, charts) = pen::top(area, rows);
    if area.width < 120 {
        return vec![(0, table), (1, charts)];
    }
    if charts.height < 20 {
        let (calls, rest) = pen::left(charts, area.width / 3);
        let (tokens, spend) = pen::halves(rest);
        return vec![(0, table), (1, calls), (2, tokens), (3, spend)];
    }
    let (above, below) = pen::top(charts, charts.height / 2);
    let ((calls, latency), (tokens, spend)) = (pen::halves(above), pen::halves(below));
    vec![(0, table), (1, calls), (4, latency), (2, tokens), (3, spend)]
}

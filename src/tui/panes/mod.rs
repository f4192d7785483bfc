//! The panes: a registry. A pane is one file that says what it needs, which panels it has and where they go, and one
//! line in `ALL`.

mod budgets;
mod charts;
mod columns;
mod cost;
mod errors;
mod experiments;
mod failures;
mod groups;
mod headroom;
mod input;
mod latency;
mod limits;
mod models;
mod overview;
pub(crate) mod quality;
mod records;
mod requests;
mod tiles;
mod traces;
mod users;

use super::live::Scene;
use super::pen::{self, Pen};
use super::ui::{Order, Sort, Target, Ui};
use crate::snapshot::Snapshot;
use crate::view::{Budget, Dim, Direction, Experiment, Grouping, Ranking, Sections};
use ratatui::layout::Rect;

/// All panes, in the order of their numbers.
pub(crate) static ALL: &[&Pane] = &[
    &overview::PANE,
    &latency::PANE,
    &models::PANE,
    &cost::PANE,
    &errors::PANE,
    &limits::PANE,
    &experiments::PANE,
    &traces::PANE,
    &quality::PANE,
    &requests::PANE,
    &users::PANE,
    &input::PANE,
];

/// The pane that lists records, where Enter on a group leads.
pub(crate) fn records() -> usize {
    ALL.iter().position(|pane| pane.name == requests::PANE.name).unwrap_or(0)
}

/// The key of a pane, by its number from 0; those after the tenth have none.
pub(crate) fn key_of(number: usize) -> Option<char> {
    "1234567890".chars().nth(number)
}

/// Most groups a table asks for.
pub(crate) const TOP: usize = 50;
/// Records of a page.
pub(crate) const PAGE: usize = 100;

/// The order the store is to have groups in, so that it cuts by what the table is sorted by.
pub(crate) fn ranking(sort: Sort) -> Ranking {
    let by = sort.head.and_then(columns::measure).unwrap_or_default();
    let direction = match sort.order {
        Order::Falling => Direction::Falling,
        Order::Rising => Direction::Rising,
    };
    Ranking { by, direction }
}

/// What a pane needs of a snapshot.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Needs {
    /// Its tables.
    pub groupings: Vec<Grouping>,
    /// Its sections.
    pub sections: Sections,
    /// The budgets whose state it shows.
    pub budgets: Vec<Budget>,
    /// What is settled about the experiments it shows.
    pub experiments: Vec<Experiment>,
}

/// A pane.
pub(crate) struct Pane {
    /// Its name on the command line.
    pub name: &'static str,
    /// Its name on the screen.
    pub title: &'static str,
    /// The same in at most five letters, for narrow screens.
    pub short: &'static str,
    /// What it needs of a snapshot.
    pub needs: fn(&Ui) -> Needs,
    /// Its panels, in the order the cursor goes through their rows.
    pub panels: &'static [Panel],
    /// Which panels are shown on an area of this size, and where.
    pub layout: fn(Rect, &Ui) -> Vec<(usize, Rect)>,
    /// What its table can be grouped by, the first one at the start.
    pub by: &'static [&'static [Dim]],
    /// The headings its table can be sorted by, the first one at the start.
    pub sorts: &'static [&'static str],
    /// Whether its list comes in pages.
    pub pages: bool,
}

/// A part of a pane with a frame of its own.
pub(crate) struct Panel {
    /// What it is called when it is shown alone.
    pub name: &'static str,
    /// Its rows, in the order they are drawn.
    pub rows: fn(&Snapshot, &Ui) -> Vec<Target>,
    /// Draws it, with the cursor on one of its rows.
    pub draw: fn(&mut Pen, Rect, &Scene, Option<usize>),
}

/// A panel without rows.
pub(crate) fn no_rows(_: &Snapshot, _: &Ui) -> Vec<Target> {
    Vec::new()
}

/// The area of a pane on a screen of this size.
pub(crate) fn body(area: Rect) -> Rect {
    let (_, rest) = pen::top(area, 1);
    pen::bottom(rest, u16::from(rest.height > 1)).0
}

/// The panels shown on an area.
fn placed(ui: &Ui, area: Rect) -> Vec<(usize, Rect)> {
    match ui.maximised {
        Some(panel) if panel < ui.pane().panels.len() => vec![(panel, area)],
        _ => (ui.pane().layout)(area, ui),
    }
}

/// The panels shown on the screen.
fn places(ui: &Ui) -> Vec<(usize, Rect)> {
    placed(ui, body(Rect { x: 0, y: 0, width: ui.size.0, height: ui.size.1 }))
}

/// The rows the cursor goes through, over all panels that are shown.
pub(crate) fn rows(ui: &Ui, snapshot: &Snapshot) -> Vec<Target> {
    places(ui).into_iter().flat_map(|(i, _)| (ui.pane().panels[i].rows)(snapshot, ui)).collect()
}

/// Draws the pane.
pub(crate) fn draw(pen: &mut Pen, area: Rect, scene: &Scene) {
    let ui = scene.ui;
    let panels = placed(ui, area);
    let all: Vec<Vec<Target>> = panels.iter().map(|(i, _)| (ui.pane().panels[*i].rows)(scene.snapshot, ui)).collect();
    let place = ui.state().selection.place(&all.concat());
    let mut first = 0;
    for ((i, area), rows) in panels.iter().zip(&all) {
        let cursor = place.and_then(|p| p.checked_sub(first)).filter(|p| *p < rows.len());
        pen.panel_of(first..first + rows.len());
        first += rows.len();
        (ui.pane().panels[*i].draw)(pen, *area, scene, cursor);
    }
}

/// How many points charts of this width get: one for two cells, so that each holds calls enough for a percentile; in
/// steps, so that small changes of size ask nothing new.
pub(crate) fn chart_points(ui: &Ui) -> usize {
    let cells = if ui.size.0 >= 100 { ui.size.0 / 2 } else { ui.size.0 };
    (usize::from(cells / 2).div_ceil(10) * 10).clamp(20, 60)
}

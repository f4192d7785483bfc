//! A table of groups as a panel: sorted as the pane says, each row leading to its records.

use crate::snapshot::{Group, Snapshot, Table as Groups};
use crate::tui::live::Scene;
use crate::tui::pen::Pen;
use crate::tui::theme::Role;
use crate::tui::ui::{Order, Target, Ui};
use crate::tui::widgets::table::{Column, Table, sort_rows};
use crate::units;
use ratatui::layout::Rect;

/// The table that answers the pane's present grouping, else the first one of a snapshot that is still being asked for.
pub(super) fn table<'a>(snapshot: &'a Snapshot, ui: &Ui) -> Option<&'a Groups> {
    let wanted = ui.grouping();
    let exact = snapshot.tables.iter().find(|t| t.grouping == wanted);
    exact.or_else(|| snapshot.tables.iter().find(|t| t.grouping.dims == wanted.dims))
}

/// The groups in the order of the pane.
pub(super) fn sorted<'a>(snapshot: &'a Snapshot, ui: &Ui, columns: &[Column<Group>]) -> Vec<&'a Group> {
    table(snapshot, ui).map(|t| sort_rows(&t.groups, columns, ui.sort())).unwrap_or_default()
}

/// What the rows stand for.
pub(super) fn targets(snapshot: &Snapshot, ui: &Ui, columns: &[Column<Group>]) -> Vec<Target> {
    let dims = ui.grouping().dims;
    let rows = sorted(snapshot, ui, columns).into_iter();
    rows.map(|g| Target::Group(dims.iter().copied().zip(g.key.iter().cloned()).collect())).collect()
}

fn direction(order: Order) -> &'static str {
    match order {
        Order::Falling => "",
        Order::Rising => ", lowest first",
    }
}

/// Draws the table in a frame that says what it shows.
pub(super) fn draw(pen: &mut Pen, area: Rect, scene: &Scene, cursor: Option<usize>, columns: &[Column<Group>]) {
    let (snapshot, ui) = (scene.snapshot, scene.ui);
    let rows = sorted(snapshot, ui, columns);
    let name = format!("by {}", ui.grouping().name().replace(',', " and "));
    let total = table(snapshot, ui).map_or(0, |t| t.total);
    let count = if total > rows.len() {
        format!("top {} of {}", rows.len(), units::count(total as u64))
    } else {
        units::count(total as u64)
    };
    let order =
        ui.sort().head.map(|head| format!("sorted by {head}{}", direction(ui.sort().order))).unwrap_or_default();
    let inner = pen.panel_with(area, &[(&name, Role::Title), (&count, Role::Dim), (&order, Role::Dim)]);
    if rows.is_empty() {
        return pen.words(inner, &[("no groups in this window".to_owned(), Role::Dim)]);
    }
    Table { columns, rows: &rows, sorted: ui.sort().head, cursor }.draw(pen, inner, scene);
}

//! Users: who calls, what it costs, what fails for them; sessions with the key for grouping.

use super::columns::{CALLS, COST, ERRORS, INPUT, LIMITED, NAME, OUTPUT, PER_CALL, RETRIES};
use super::{Needs, Pane, Panel, groups};
use crate::snapshot::Group;
use crate::tui::widgets::table::Column;
use crate::view::Dim;

static COLUMNS: &[Column<Group>] = &[NAME, CALLS, COST, ERRORS, INPUT, OUTPUT, PER_CALL, LIMITED, RETRIES];

/// The pane.
pub(super) static PANE: Pane = Pane {
    name: "users",
    title: "Users",
    short: "User",
    needs: |ui| Needs { groupings: vec![ui.grouping()], ..Needs::default() },
    panels: &[Panel {
        name: "users",
        rows: |s, ui| groups::targets(s, ui, COLUMNS),
        draw: |pen, area, scene, cursor| groups::draw(pen, area, scene, cursor, COLUMNS),
    }],
    layout: |area, _| vec![(0, area)],
    by: &[&[Dim::User], &[Dim::Session]],
    sorts: &["cost", "calls", "err%", "in", "out", "$/call", "429%"],
    pages: false,
};

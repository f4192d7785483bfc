//! A conversation: its turns in order, with what it had cost when each ended.

use crate::snapshot::traces::{Conversation, Turn};
use crate::tui::figures;
use crate::tui::live::Scene;
use crate::tui::pen::Pen;
use crate::tui::theme::Role;
use crate::tui::widgets::table::{Cell, Column, Side, Table, Width};
use crate::units;
use ratatui::layout::Rect;
use std::borrow::Cow;

type CellOf = for<'a> fn(&'a Turn, &Scene<'a>) -> Cell<'a>;

const fn figure(head: &'static str, width: u16, rank: u8, cell: CellOf) -> Column<Turn> {
    Column { head, width: Width::Fixed(width), side: Side::Right, rank, cell, key: None }
}

const fn text(head: &'static str, width: Width, rank: u8, cell: CellOf) -> Column<Turn> {
    Column { head, width, side: Side::Left, rank, cell, key: None }
}

fn known<'a>(value: Option<String>) -> Cell<'a> {
    value.map_or_else(|| Cell::dim(units::UNKNOWN), Cell::plain)
}

static COLUMNS: &[Column<Turn>] = &[
    text("begins", Width::Fixed(14), 0, |t, scene| {
        Cell::plain(units::time(t.row.start_us, scene.ui.zone, "%m-%d %H:%M:%S"))
    }),
    text("first step", Width::Between(14, 40), 1, |t, _| {
        t.row.name.as_deref().map_or_else(|| Cell::dim(units::UNKNOWN), Cell::plain)
    }),
    figure("took", 7, 2, |t, _| Cell::plain(units::duration_cell(Some(t.row.latency_us() as f64)))),
    figure("calls", 6, 5, |t, _| Cell::plain(units::count(t.row.calls))),
    figure("tools", 6, 7, |t, _| Cell::plain(units::count(t.row.tools))),
    figure("tokens", 7, 6, |t, _| known(t.row.tokens().map(|n| units::compact(n as f64)))),
    figure("cost", 9, 4, |t, _| known(t.row.cost_nusd.map(|n| figures::money(Some(n as f64))))),
    figure("so far", 9, 2, |t, _| known(t.so_far_nusd.map(|n| figures::money(Some(n as f64))))),
    figure("errors", 6, 5, |t, _| match t.row.errors {
        0 => Cell::dim("0"),
        n => Cell::Text(Cow::Owned(units::count(n)), Role::Bad),
    }),
    text("outcome", Width::Fixed(13), 3, |t, _| {
        Cell::Text(Cow::Borrowed(t.row.end.word()), if t.row.end.is_bad() { Role::Bad } else { Role::Dim })
    }),
    text("trace", Width::Between(9, 34), 8, |t, _| match t.call {
        Some(_) => Cell::dim("one call, of no trace"),
        None => Cell::dim(t.row.id.text()),
    }),
];

/// Draws it with the cursor on one of its turns.
pub(super) fn draw(pen: &mut Pen, area: Rect, scene: &Scene, (told, cursor): (&Conversation, usize)) {
    let row = &told.row;
    let cost = row.cost_nusd.map_or_else(|| "no known cost".to_owned(), |n| figures::money(Some(n as f64)));
    let cut = if told.is_cut { ", and more that are not shown" } else { "" };
    let all = format!(
        "{} turns{cut} · {} calls · {cost} · {}",
        units::count(told.turns.len() as u64),
        units::count(row.calls),
        units::duration_us(row.latency_us() as f64)
    );
    let title = [("session", Role::Title), (told.session.as_str(), Role::Strong), (&all, Role::Dim)];
    let inner = pen.panel_with(area, &title);
    let rows: Vec<&Turn> = told.turns.iter().collect();
    Table { columns: COLUMNS, rows: &rows, sorted: None, cursor: Some(cursor) }.draw(pen, inner, scene);
}

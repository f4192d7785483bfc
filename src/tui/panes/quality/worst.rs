//! The worst of one score, each leading to the record behind it.

use super::chosen;
use crate::snapshot::Snapshot;
use crate::snapshot::quality::Example;
use crate::tui::live::Scene;
use crate::tui::pen::Pen;
use crate::tui::theme::Role;
use crate::tui::ui::{Target, Ui};
use crate::tui::widgets::table::{Cell, Column, Side, Table, Width};
use crate::units;
use crate::view::{Field, TraceId};
use ratatui::layout::Rect;

type CellOf = for<'a> fn(&'a Example, &Scene<'a>) -> Cell<'a>;

const fn text(head: &'static str, width: Width, rank: u8, cell: CellOf) -> Column<Example> {
    Column { head, width, side: Side::Left, rank, cell, key: None }
}

static COLUMNS: &[Column<Example>] = &[
    text("time", Width::Fixed(8), 1, time),
    Column { head: "value", width: Width::Fixed(6), side: Side::Right, rank: 0, cell: value, key: None },
    text("by", Width::Fixed(5), 3, |e, _| Cell::dim(e.source.map_or(units::UNKNOWN, |who| who.word()))),
    text("model", Width::Between(12, 26), 4, |e, _| named(e.model.as_deref())),
    text("user", Width::Between(6, 12), 6, |e, _| named(e.user_id.as_deref())),
    text("remark", Width::Between(14, 80), 5, |e, _| said(e.comment.as_deref())),
    text("judges", Width::Between(10, 24), 2, target),
];

fn time<'a>(example: &'a Example, scene: &Scene<'a>) -> Cell<'a> {
    Cell::plain(super::super::failures::clock(example.key.ts_us, scene))
}

fn value<'a>(example: &'a Example, _: &Scene<'a>) -> Cell<'a> {
    let sign = if example.value < 0.0 { "-" } else { "" };
    let value = example.value.abs();
    let text = if value.fract() == 0.0 && value < 1e6 {
        format!("{sign}{value:.0}")
    } else {
        sign.to_owned() + &units::digits3(value)
    };
    Cell::Text(text.into(), Role::Text)
}

fn named(text: Option<&str>) -> Cell<'_> {
    text.map_or_else(|| Cell::dim(units::UNKNOWN), Cell::name)
}

fn said(text: Option<&str>) -> Cell<'_> {
    text.map_or_else(|| Cell::dim(units::UNKNOWN), Cell::plain)
}

/// The call or the trace; what nothing was heard of says so.
fn target<'a>(example: &'a Example, _: &Scene<'a>) -> Cell<'a> {
    match (&example.call, &example.request_id, &example.trace_id) {
        (Some(_), Some(request), _) => Cell::plain(format!("call {request}")),
        (None, Some(request), _) => Cell::dim(format!("waits for {request}")),
        (_, None, Some(trace)) => Cell::plain(format!("trace {trace}")),
        _ => Cell::dim("nothing named"),
    }
}

/// What the rows stand for.
pub(super) fn rows(snapshot: &Snapshot, ui: &Ui) -> Vec<Target> {
    let target = |example: &Example| match (example.call, &example.request_id, &example.trace_id) {
        (Some(key), ..) => Target::Record { key, failed: false },
        (None, Some(request), _) => Target::Narrow(Field::Request, request.clone()),
        (None, None, trace) => Target::Trace(TraceId::Trace(trace.clone().unwrap_or_default())),
    };
    chosen(snapshot, ui).map(|score| score.worst.iter().map(target).collect()).unwrap_or_default()
}

/// Draws the panel.
pub(super) fn draw(pen: &mut Pen, area: Rect, scene: &Scene, cursor: Option<usize>) {
    let score = chosen(scene.snapshot, scene.ui);
    let title = format!("worst of {}", score.map_or("scores", |score| score.name.as_str()));
    let inner = pen.panel_with(area, &[(&title, Role::Title), ("Enter opens the record", Role::Dim)]);
    let rows: Vec<&Example> = score.map(|score| score.worst.iter().collect()).unwrap_or_default();
    if rows.is_empty() {
        return pen.words(inner, &[("no bad ones in this window".to_owned(), Role::Dim)]);
    }
    Table { columns: COLUMNS, rows: &rows, sorted: None, cursor }.draw(pen, inner, scene);
}

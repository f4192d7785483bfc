//! The newest retrievals that found nothing, each leading to its trace.

use super::quality;
use crate::snapshot::Snapshot;
use crate::snapshot::quality::EmptyRetrieval;
use crate::tui::figures;
use crate::tui::live::Scene;
use crate::tui::pen::Pen;
use crate::tui::theme::Role;
use crate::tui::ui::{Mask, Target, Ui};
use crate::tui::widgets::table::{Cell, Column, Side, Table, Width};
use crate::units;
use crate::view::TraceId;
use ratatui::layout::Rect;

type CellOf = for<'a> fn(&'a EmptyRetrieval, &Scene<'a>) -> Cell<'a>;

const fn text(head: &'static str, width: Width, rank: u8, cell: CellOf) -> Column<EmptyRetrieval> {
    Column { head, width, side: Side::Left, rank, cell, key: None }
}

static COLUMNS: &[Column<EmptyRetrieval>] = &[
    text("time", Width::Fixed(8), 0, |e, scene| Cell::plain(super::super::failures::clock(e.key.ts_us, scene))),
    text("searched", Width::Between(10, 20), 1, |e, _| named(e.name.as_deref())),
    Column { head: "took", width: Width::Fixed(6), side: Side::Right, rank: 3, cell: took, key: None },
    text("user", Width::Between(6, 12), 4, |e, _| named(e.user_id.as_deref())),
    text("trace", Width::Between(9, 12), 2, |e, _| named(e.trace_id.as_deref())),
    text("asked for", Width::Between(16, 100), 5, asked),
];

fn named(text: Option<&str>) -> Cell<'_> {
    text.map_or_else(|| Cell::dim(units::UNKNOWN), Cell::plain)
}

fn took<'a>(one: &'a EmptyRetrieval, _: &Scene<'a>) -> Cell<'a> {
    Cell::plain(units::duration_cell(one.latency_us.map(|us| us as f64)))
}

/// What was asked for, covered as prompts are.
fn asked<'a>(one: &'a EmptyRetrieval, scene: &Scene<'a>) -> Cell<'a> {
    match (one.input.as_deref(), scene.ui.mask) {
        (None, _) => Cell::dim(units::UNKNOWN),
        (Some(_), Mask::Covered) => Cell::dim("•••••• (m shows)"),
        (Some(text), Mask::Open) => Cell::dim(text),
    }
}

fn all(snapshot: &Snapshot) -> &[EmptyRetrieval] {
    let retrieval = quality(snapshot).and_then(|q| q.retrieval.as_ref());
    retrieval.map(|r| r.empty.as_slice()).unwrap_or_default()
}

/// What the rows stand for.
pub(super) fn rows(snapshot: &Snapshot, _: &Ui) -> Vec<Target> {
    let target = |one: &EmptyRetrieval| Target::Trace(TraceId::Trace(one.trace_id.clone().unwrap_or_default()));
    all(snapshot).iter().map(target).collect()
}

/// Draws the panel.
pub(super) fn draw(pen: &mut Pen, area: Rect, scene: &Scene, cursor: Option<usize>) {
    let rows: Vec<&EmptyRetrieval> = all(scene.snapshot).iter().collect();
    let newest = quality(scene.snapshot).and_then(|q| q.retrieval.as_ref()).map(|r| r.now.empty);
    let count = newest.filter(|n| *n > 0).map(|n| format!("newest of {}", figures::count(n))).unwrap_or_default();
    let inner = pen.panel_with(area, &[("empty retrievals", Role::Title), (&count, Role::Dim)]);
    if rows.is_empty() {
        return pen.words(inner, &[("no retrieval found nothing".to_owned(), Role::Dim)]);
    }
    Table { columns: COLUMNS, rows: &rows, sorted: None, cursor }.draw(pen, inner, scene);
}

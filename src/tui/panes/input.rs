//! Input: every line read, accounted for; the sources; the first rejected lines with their reasons.

use super::{Needs, Pane, Panel, no_rows};
use crate::snapshot::{Rejected, Snapshot, SourceInfo};
use crate::tui::figures;
use crate::tui::live::Scene;
use crate::tui::pen::{self, Pen};
use crate::tui::theme::Role;
use crate::tui::ui::{Target, Ui};
use crate::tui::widgets::table::{Cell, Column, Side, Table, Width};
use crate::units;
use ratatui::layout::Rect;
use std::borrow::Cow;

/// The pane.
pub(super) static PANE: Pane = Pane {
    name: "input",
    title: "Input",
    short: "In",
    needs: |_| Needs::default(),
    panels: &[
        Panel { name: "lines read", rows: no_rows, draw: accounting },
        Panel { name: "sources", rows: source_rows, draw: sources },
        Panel { name: "rejected lines", rows: no_rows, draw: rejected },
    ],
    layout,
    by: &[],
    sorts: &[],
    pages: false,
};

fn layout(area: Rect, _: &Ui) -> Vec<(usize, Rect)> {
    if area.height < 12 {
        return vec![(0, area)];
    }
    let (above, below) = pen::top(area, (area.height / 2).min(16));
    if area.width < 80 {
        return vec![(0, above), (2, below)];
    }
    let (accounting, sources) = pen::left(above, 44.min(area.width / 2));
    vec![(0, accounting), (1, sources), (2, below)]
}

/// What became of the lines, as a sum that adds up.
fn accounting(pen: &mut Pen, area: Rect, scene: &Scene, _: Option<usize>) {
    let inner = pen.panel(area, "lines read");
    let inner = Rect { x: inner.x + 1, width: inner.width.saturating_sub(2), ..inner };
    let a = &scene.snapshot.accounting;
    let bad = if a.rejected > 0 { Role::Warn } else { Role::Text };
    let lost = if scene.live.lost > 0 { Role::Bad } else { Role::Dim };
    let mut rows: Vec<(&str, u64, Role)> = vec![
        ("read", a.read, Role::Strong),
        ("= accepted", a.accepted, Role::Text),
        ("+ duplicate", a.duplicate, Role::Text),
        ("+ skipped, no LLM event", a.skipped, Role::Text),
        ("+ rejected", a.rejected, bad),
    ];
    rows.extend(a.reasons.iter().map(|(reason, n)| (reason.word(), *n, Role::Dim)));
    rows.extend([
        ("lost on the way", scene.live.lost, lost),
        ("dated in the future", a.future, Role::Dim),
        ("calls without a price", a.unpriced, Role::Dim),
        ("series folded into `other`", scene.snapshot.holdings.folded_series, Role::Dim),
    ]);
    for (i, (name, n, role)) in rows.into_iter().take(usize::from(inner.height)).enumerate() {
        let y = inner.y + i as u16;
        let deep = if name.contains('_') { 4 } else { 0 };
        pen.text(inner.x + deep, y, inner.width.saturating_sub(deep), name, role);
        pen.figure(inner.x, y, inner.width, &units::count(n), role);
    }
}

static SOURCES: &[Column<SourceInfo>] = &[
    Column { head: "source", width: Width::Between(16, 80), side: Side::Left, rank: 0, cell: source_name, key: None },
    Column { head: "read", width: Width::Fixed(9), side: Side::Right, rank: 1, cell: source_read, key: None },
    Column { head: "accepted", width: Width::Fixed(9), side: Side::Right, rank: 2, cell: source_accepted, key: None },
    Column { head: "bytes", width: Width::Fixed(8), side: Side::Right, rank: 3, cell: source_bytes, key: None },
];

fn source_name<'a>(source: &'a SourceInfo, _: &Scene<'a>) -> Cell<'a> {
    Cell::plain(source.name.as_str())
}

fn source_read<'a>(source: &'a SourceInfo, _: &Scene<'a>) -> Cell<'a> {
    Cell::plain(figures::count(source.read))
}

fn source_accepted<'a>(source: &'a SourceInfo, _: &Scene<'a>) -> Cell<'a> {
    Cell::plain(figures::count(source.accepted))
}

fn source_bytes<'a>(source: &'a SourceInfo, _: &Scene<'a>) -> Cell<'a> {
    Cell::plain(units::bytes(source.bytes))
}

fn source_rows(snapshot: &Snapshot, _: &Ui) -> Vec<Target> {
    let named = |s: &SourceInfo| Target::Group(vec![(crate::view::Dim::Source, Some(s.name.clone()))]);
    snapshot.holdings.sources.iter().map(named).collect()
}

fn sources(pen: &mut Pen, area: Rect, scene: &Scene, cursor: Option<usize>) {
    let holdings = &scene.snapshot.holdings;
    let calls = format!("{} calls stored", figures::count(holdings.calls));
    let form = "%Y-%m-%d %H:%M:%S";
    let bounds = holdings.bounds.map_or(String::new(), |(first, last)| {
        let zone = scene.ui.zone;
        format!("{} to {}", units::time(first, zone, form), units::time(last, zone, form))
    });
    let inner = pen.panel_with(area, &[("sources", Role::Title), (&calls, Role::Dim), (&bounds, Role::Dim)]);
    let rows: Vec<&SourceInfo> = holdings.sources.iter().collect();
    if rows.is_empty() {
        return pen.words(inner, &[("nothing has been read yet".to_owned(), Role::Dim)]);
    }
    Table { columns: SOURCES, rows: &rows, sorted: None, cursor }.draw(pen, inner, scene);
}

static REJECTED: &[Column<Rejected>] = &[
    Column { head: "reason", width: Width::Fixed(14), side: Side::Left, rank: 0, cell: reason, key: None },
    Column { head: "byte", width: Width::Fixed(13), side: Side::Right, rank: 2, cell: offset, key: None },
    Column { head: "source", width: Width::Between(12, 30), side: Side::Left, rank: 3, cell: origin, key: None },
    Column { head: "begins with", width: Width::Between(16, 200), side: Side::Left, rank: 1, cell: snippet, key: None },
];

fn reason<'a>(rejected: &'a Rejected, _: &Scene<'a>) -> Cell<'a> {
    Cell::Text(Cow::Borrowed(rejected.reason.word()), Role::Warn)
}

fn offset<'a>(rejected: &'a Rejected, _: &Scene<'a>) -> Cell<'a> {
    Cell::plain(units::count(rejected.offset))
}

fn origin<'a>(rejected: &'a Rejected, _: &Scene<'a>) -> Cell<'a> {
    Cell::plain(rejected.source.as_str())
}

/// The line may hold what a prompt holds, so it is covered as one.
fn snippet<'a>(rejected: &'a Rejected, scene: &Scene<'a>) -> Cell<'a> {
    match scene.ui.mask {
        crate::tui::ui::Mask::Covered => Cell::dim("•••••• (m shows)"),
        crate::tui::ui::Mask::Open => Cell::dim(rejected.snippet.as_str()),
    }
}

fn rejected(pen: &mut Pen, area: Rect, scene: &Scene, _: Option<usize>) {
    let a = &scene.snapshot.accounting;
    let count = match a.rejected {
        n if n > a.examples.len() as u64 => format!("first {} of {}", a.examples.len(), figures::count(n)),
        n => figures::count(n),
    };
    let inner = pen.panel_with(area, &[("rejected lines", Role::Title), (&count, Role::Dim)]);
    let rows: Vec<&Rejected> = a.examples.iter().collect();
    if rows.is_empty() {
        return pen.words(inner, &[("no line has been rejected".to_owned(), Role::Dim)]);
    }
    Table { columns: REJECTED, rows: &rows, sorted: None, cursor: None }.draw(pen, inner, scene);
}

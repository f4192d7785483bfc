//! Traces: what belongs together, newest, slowest, dearest or failed first; sessions with the key for grouping. Enter shows
//! the waterfall of one.

use super::{Needs, PAGE, Pane, Panel, ranking};
use crate::snapshot::Snapshot;
use crate::snapshot::traces::TraceRow;
use crate::tui::figures;
use crate::tui::live::Scene;
use crate::tui::pen::Pen;
use crate::tui::theme::Role;
use crate::tui::ui::{Target, Ui};
use crate::tui::widgets::table::{Cell, Column, Side, Table, Width};
use crate::units;
use crate::view::{Dim, Sections, TraceList, TraceOrder, TraceUnit};
use ratatui::layout::Rect;
use std::borrow::Cow;

type CellOf = for<'a> fn(&'a TraceRow, &Scene<'a>) -> Cell<'a>;
type Key = fn(&TraceRow) -> Option<f64>;

const fn figure(head: &'static str, width: u16, rank: u8, cell: CellOf, key: Option<Key>) -> Column<TraceRow> {
    Column { head, width: Width::Fixed(width), side: Side::Right, rank, cell, key }
}

const fn text(head: &'static str, width: Width, rank: u8, cell: CellOf) -> Column<TraceRow> {
    Column { head, width, side: Side::Left, rank, cell, key: None }
}

const START: Column<TraceRow> = text("start", Width::Fixed(14), 0, start);
const NAME: Column<TraceRow> = text("first step", Width::Between(10, 30), 4, |t, _| name(t.name.as_deref()));
const DURATION: Column<TraceRow> = figure(
    "duration",
    8,
    1,
    |t, _| Cell::plain(units::duration_cell(Some(t.latency_us() as f64))),
    Some(|t| Some(t.latency_us() as f64)),
);
const TRACES: Column<TraceRow> = figure("traces", 6, 5, |t, _| Cell::plain(units::count(t.traces)), None);
const CALLS: Column<TraceRow> =
    figure("calls", 5, 5, |t, _| Cell::plain(units::count(t.calls)), Some(|t| Some(t.calls as f64)));
const TOOLS: Column<TraceRow> = figure("tools", 5, 7, |t, _| Cell::plain(units::count(t.tools)), None);
const TOKENS: Column<TraceRow> = figure(
    "tokens",
    6,
    6,
    |t, _| t.tokens().map_or_else(|| Cell::dim(units::UNKNOWN), |n| Cell::plain(units::compact(n as f64))),
    Some(|t| t.tokens().map(|n| n as f64)),
);
const COST: Column<TraceRow> = figure("cost", 9, 2, cost, Some(|t| t.cost_nusd.map(|n| n as f64)));
const FAILED: Column<TraceRow> = figure("failed", 6, 3, failed, Some(|t| Some(t.errors as f64)));
const USER: Column<TraceRow> = text("user", Width::Between(7, 14), 8, |t, _| name(t.user.as_deref()));
const END: Column<TraceRow> = text("outcome", Width::Fixed(13), 2, end);
const ID: Column<TraceRow> = text("id", Width::Between(9, 36), 9, |t, _| Cell::dim(t.id.text()));

static OF_TRACES: &[Column<TraceRow>] = &[START, NAME, DURATION, CALLS, TOOLS, TOKENS, COST, FAILED, USER, END, ID];
static OF_SESSIONS: &[Column<TraceRow>] =
    &[START, NAME, DURATION, TRACES, CALLS, TOOLS, TOKENS, COST, FAILED, USER, END, ID];

/// The pane.
pub(super) static PANE: Pane = Pane {
    name: "traces",
    title: "Traces",
    short: "Trace",
    needs: |ui| Needs { sections: Sections { traces: asked(ui), ..Sections::default() }, ..Needs::default() },
    panels: &[Panel { name: "traces", rows, draw }],
    layout: |area, _| vec![(0, area)],
    by: &[&[], &[Dim::Session]],
    sorts: &["start", "duration", "cost", "failed", "calls", "tokens"],
    pages: false,
};

fn asked(ui: &Ui) -> TraceList {
    let by = match ui.sort().head {
        Some("duration") => TraceOrder::Duration,
        Some("cost") => TraceOrder::Cost,
        Some("failed") => TraceOrder::Failed,
        Some("calls") => TraceOrder::Calls,
        Some("tokens") => TraceOrder::Tokens,
        _ => TraceOrder::Start,
    };
    let unit = if ui.grouping().dims.is_empty() { TraceUnit::Trace } else { TraceUnit::Session };
    TraceList { top: PAGE, unit, by, direction: ranking(ui.sort()).direction }
}

fn rows(snapshot: &Snapshot, _: &Ui) -> Vec<Target> {
    snapshot.traces.list.iter().map(|row| Target::Trace(row.id.clone())).collect()
}

fn start<'a>(row: &'a TraceRow, scene: &Scene<'a>) -> Cell<'a> {
    let today = scene.snapshot.now_us.saturating_sub(row.start_us) < 86_400_000_000;
    let form = if today { "%H:%M:%S%.3f" } else { "%m-%d %H:%M:%S" };
    Cell::plain(units::time(row.start_us, scene.ui.zone, form))
}

fn name(text: Option<&str>) -> Cell<'_> {
    text.map_or_else(|| Cell::dim(units::UNKNOWN), Cell::plain)
}

fn cost<'a>(row: &'a TraceRow, _: &Scene<'a>) -> Cell<'a> {
    let text = row.cost_nusd.map(|n| figures::money(Some(n as f64)));
    match (text, row.unpriced) {
        (None, _) => Cell::dim(units::UNKNOWN),
        (Some(text), 0) => Cell::plain(text),
        (Some(text), _) => Cell::plain(format!("≥{text}")),
    }
}

fn failed<'a>(row: &'a TraceRow, _: &Scene<'a>) -> Cell<'a> {
    match row.errors {
        0 => Cell::dim("0"),
        n => Cell::Text(Cow::Owned(units::count(n)), Role::Bad),
    }
}

fn end<'a>(row: &'a TraceRow, _: &Scene<'a>) -> Cell<'a> {
    Cell::Text(Cow::Borrowed(row.end.word()), if row.end.is_bad() { Role::Bad } else { Role::Dim })
}

fn draw(pen: &mut Pen, area: Rect, scene: &Scene, cursor: Option<usize>) {
    let (snapshot, ui) = (scene.snapshot, scene.ui);
    let (traces, asked) = (&snapshot.traces, snapshot.view.sections.traces);
    let (what, columns) = match asked.unit {
        TraceUnit::Trace => ("traces", OF_TRACES),
        TraceUnit::Session => ("sessions", OF_SESSIONS),
    };
    let order = match (asked.by, asked.direction) {
        (TraceOrder::Start, crate::view::Direction::Falling) => "newest first",
        (TraceOrder::Start, _) => "oldest first",
        (TraceOrder::Duration, _) => "by duration",
        (TraceOrder::Cost, _) => "by cost",
        (TraceOrder::Failed, _) => "failed first",
        (TraceOrder::Calls, _) => "by calls",
        (TraceOrder::Tokens, _) => "by tokens",
    };
    let (shown, total) = (traces.list.len() as u64, traces.total);
    let count =
        if total > shown { format!("{} of {}", units::count(shown), units::count(total)) } else { units::count(total) };
    let cut = traces.since_us.map(|us| format!("only since {}", units::time(us, ui.zone, "%m-%d %H:%M:%S")));
    let outside = (traces.outside > 0)
        .then(|| format!("{} calls name neither trace nor session", figures::count(traces.outside)));
    let title = [
        (what, Role::Title),
        (&count, Role::Dim),
        (order, Role::Dim),
        (cut.as_deref().unwrap_or_default(), Role::Warn),
        (outside.as_deref().unwrap_or_default(), Role::Dim),
    ];
    let inner = pen.panel_with(area, &title);
    if traces.list.is_empty() {
        return pen.words(inner, &nothing(scene));
    }
    let rows: Vec<&TraceRow> = traces.list.iter().collect();
    Table { columns, rows: &rows, sorted: ui.sort().head, cursor }.draw(pen, inner, scene);
}

fn nothing(scene: &Scene) -> Vec<(String, Role)> {
    let snapshot = scene.snapshot;
    if snapshot.view != scene.ui.view() {
        return vec![("looking …".to_owned(), Role::Dim)];
    }
    vec![
        ("no call in this window names a trace or a session".to_owned(), Role::Strong),
        ("a trace is what shares a `trace_id`; steps of it are events `llm_span`".to_owned(), Role::Dim),
    ]
}

//! Lists of records as panels: the newest errors, and all requests.

use crate::snapshot::{Record, Snapshot};
use crate::tui::figures;
use crate::tui::live::Scene;
use crate::tui::pen::Pen;
use crate::tui::theme::Role;
use crate::tui::ui::{Mask, Target, Ui};
use crate::tui::widgets::table::{Cell, Column, Side, Table, Width};
use crate::units;
use ratatui::layout::Rect;
use std::borrow::Cow;

type CellOf = for<'a> fn(&'a Record, &Scene<'a>) -> Cell<'a>;

const fn text(head: &'static str, width: Width, rank: u8, cell: CellOf) -> Column<Record> {
    Column { head, width, side: Side::Left, rank, cell, key: None }
}

const fn figure(head: &'static str, width: u16, rank: u8, cell: CellOf) -> Column<Record> {
    Column { head, width: Width::Fixed(width), side: Side::Right, rank, cell, key: None }
}

const TIME: Column<Record> = text("time", Width::Between(12, 14), 0, time);
const MODEL: Column<Record> = text("model", Width::Between(17, 26), 3, |r, _| named(&r.call.model));
const OUTCOME: Column<Record> = text("outcome", Width::Between(13, 17), 1, outcome);
const MODE: Column<Record> = text("mode", Width::Between(13, 17), 1, outcome);
const LATENCY: Column<Record> = figure("latency", 7, 2, |r, _| micros(r.call.latency_us));
const TTFT: Column<Record> = figure("ttft", 6, 7, |r, _| micros(r.call.ttft_us));
const INPUT: Column<Record> = figure("in", 6, 8, |r, _| tokens(r.call.input_tokens));
const OUTPUT: Column<Record> = figure("out", 6, 8, |r, _| tokens(r.call.output_tokens));
const COST: Column<Record> = figure("cost", 9, 6, cost);
const USER: Column<Record> = text("user", Width::Between(7, 13), 5, |r, _| name(&r.call.user_id));
const APP: Column<Record> = text("app", Width::Between(8, 14), 10, |r, _| name(&r.call.app));
const HTTP: Column<Record> = figure("http", 4, 6, http);
const TRACE: Column<Record> = text("trace", Width::Fixed(9), 9, |r, _| name(&r.call.trace_id));
const MESSAGE: Column<Record> = text("message", Width::Between(36, 200), 4, message);
const PROMPT: Column<Record> = text("prompt, or what failed", Width::Between(16, 200), 9, prompt);

/// The columns of errors.
static ERRORS: &[Column<Record>] = &[TIME, MODEL, MODE, LATENCY, HTTP, USER, TRACE, MESSAGE];
/// The columns of requests.
static REQUESTS: &[Column<Record>] = &[TIME, MODEL, OUTCOME, LATENCY, TTFT, INPUT, OUTPUT, COST, USER, APP, PROMPT];

fn time<'a>(record: &'a Record, scene: &Scene<'a>) -> Cell<'a> {
    let today = scene.snapshot.now_us.saturating_sub(record.ts_us) < 86_400_000_000;
    let form = if today { "%H:%M:%S%.3f" } else { "%m-%d %H:%M:%S" };
    Cell::plain(units::time(record.ts_us, scene.ui.zone, form))
}

fn name<'a>(text: &'a Option<Cow<'static, str>>) -> Cell<'a> {
    match text.as_deref() {
        Some(text) => Cell::plain(text),
        None => Cell::dim(units::UNKNOWN),
    }
}

fn named<'a>(text: &'a Option<Cow<'static, str>>) -> Cell<'a> {
    text.as_deref().map_or_else(|| Cell::dim(units::UNKNOWN), Cell::name)
}

fn outcome<'a>(record: &'a Record, _: &Scene<'a>) -> Cell<'a> {
    let role = if record.call.outcome.is_error() { Role::Bad } else { Role::Dim };
    Cell::Text(Cow::Borrowed(record.call.outcome.word()), role)
}

fn micros<'a>(us: Option<u64>) -> Cell<'a> {
    us.map_or_else(|| Cell::dim(units::UNKNOWN), |us| Cell::plain(units::duration_cell(Some(us as f64))))
}

fn tokens<'a>(n: Option<u64>) -> Cell<'a> {
    n.map_or_else(|| Cell::dim(units::UNKNOWN), |n| Cell::plain(units::compact(n as f64)))
}

fn cost<'a>(record: &'a Record, _: &Scene<'a>) -> Cell<'a> {
    record.cost_nusd.map_or_else(|| Cell::dim(units::UNKNOWN), |n| Cell::plain(figures::money(Some(n as f64))))
}

fn http<'a>(record: &'a Record, _: &Scene<'a>) -> Cell<'a> {
    record.call.http_status.map_or_else(|| Cell::dim(units::UNKNOWN), |n| Cell::plain(n.to_string()))
}

fn message<'a>(record: &'a Record, _: &Scene<'a>) -> Cell<'a> {
    let call = &record.call;
    let said = call.error_message.as_deref().or(call.error_type.as_deref());
    said.map_or_else(|| Cell::dim(units::UNKNOWN), Cell::plain)
}

fn prompt<'a>(record: &'a Record, scene: &Scene<'a>) -> Cell<'a> {
    if record.call.outcome.is_error() {
        return message(record, scene);
    }
    let text = record.call.prompt_preview.as_deref().or(record.call.prompt.as_deref());
    match (text, scene.ui.mask) {
        (None, _) => Cell::dim(units::UNKNOWN),
        (Some(_), Mask::Covered) => Cell::dim("•••••• (m shows)"),
        (Some(text), Mask::Open) => Cell::dim(text),
    }
}

fn targets(records: &[Record]) -> Vec<Target> {
    records.iter().map(|r| Target::Record { key: r.key(), failed: r.call.outcome.is_error() }).collect()
}

/// What the rows of the newest errors stand for.
pub(super) fn error_rows(snapshot: &Snapshot, _: &Ui) -> Vec<Target> {
    targets(&snapshot.errors)
}

/// What the rows of the requests stand for.
pub(super) fn request_rows(snapshot: &Snapshot, _: &Ui) -> Vec<Target> {
    targets(&snapshot.records)
}

/// Draws the newest errors.
pub(super) fn draw_errors(pen: &mut Pen, area: Rect, scene: &Scene, cursor: Option<usize>) {
    let inner = pen.panel(area, "newest errors");
    let rows: Vec<&Record> = scene.snapshot.errors.iter().collect();
    if rows.is_empty() {
        return pen.words(inner, &[("no failed calls in this window".to_owned(), Role::Dim)]);
    }
    Table { columns: ERRORS, rows: &rows, sorted: None, cursor }.draw(pen, inner, scene);
}

/// Draws the requests.
pub(super) fn draw_requests(pen: &mut Pen, area: Rect, scene: &Scene, cursor: Option<usize>) {
    let snapshot = scene.snapshot;
    let rows: Vec<&Record> = snapshot.records.iter().collect();
    let count = format!("{} in this window", figures::count(snapshot.totals.calls));
    let page = match scene.ui.pages.len() {
        0 => "newest first".to_owned(),
        n => format!("page {}; g goes to the newest", n + 1),
    };
    let inner = pen.panel_with(area, &[("requests", Role::Title), (&count, Role::Dim), (&page, Role::Dim)]);
    if rows.is_empty() {
        let words = if snapshot.view == scene.ui.view() { "no further requests" } else { "asking …" };
        return pen.words(inner, &[(words.to_owned(), Role::Dim)]);
    }
    Table { columns: REQUESTS, rows: &rows, sorted: None, cursor }.draw(pen, inner, scene);
}

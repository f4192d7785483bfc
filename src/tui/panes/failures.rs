//! Failure modes as a panel: how many, since when, where.

use crate::snapshot::{Failure, Snapshot};
use crate::tui::figures;
use crate::tui::live::Scene;
use crate::tui::pen::Pen;
use crate::tui::theme::Role;
use crate::tui::ui::{Target, Ui};
use crate::tui::widgets::table::{Cell, Column, Side, Table, Width, sort_rows};
use crate::units;
use ratatui::layout::Rect;
use std::borrow::Cow;

type CellOf = for<'a> fn(&'a Failure, &Scene<'a>) -> Cell<'a>;

const fn text(head: &'static str, width: Width, rank: u8, cell: CellOf) -> Column<Failure> {
    Column { head, width, side: Side::Left, rank, cell, key: None }
}

const fn figure(
    head: &'static str,
    width: u16,
    rank: u8,
    cell: CellOf,
    key: fn(&Failure) -> Option<f64>,
) -> Column<Failure> {
    Column { head, width: Width::Fixed(width), side: Side::Right, rank, cell, key: Some(key) }
}

const MODE: Column<Failure> = text("mode", Width::Between(15, 17), 0, |f, _| Cell::plain(f.mode.word()));
const CALLS: Column<Failure> =
    figure("calls", 6, 1, |f, _| Cell::plain(figures::count(f.calls)), |f| Some(f.calls as f64));
const CHANGE: Column<Failure> = figure("change", 7, 2, change, growth);
const SHARE: Column<Failure> = figure("of all%", 7, 8, share_of_calls, |f| Some(f.calls as f64));
const TREND: Column<Failure> = text("trend", Width::Between(8, 16), 5, |f, _| {
    Cell::Trend(f.trend.iter().map(|n| Some(*n as f64)).collect(), Role::Text)
});
const SINCE: Column<Failure> = text("since", Width::Fixed(15), 4, since);
const FIRST: Column<Failure> = figure("first", 8, 4, |f, s| at(f.first_us, s), |f| f.first_us.map(|t| t as f64));
const LAST: Column<Failure> = figure("last", 8, 3, |f, s| at(f.last_us, s), |f| f.last_us.map(|t| t as f64));
const USERS: Column<Failure> = figure("users", 5, 7, users, |f| f.users.map(|n| n as f64));
const MODELS: Column<Failure> = text("models", Width::Between(18, 40), 6, models);
const TYPES: Column<Failure> = text("said", Width::Between(14, 30), 9, types);
const EXAMPLE: Column<Failure> = text("newest message", Width::Between(24, 90), 10, example);

/// For a panel beside others.
pub(super) static SHORT: &[Column<Failure>] = &[MODE, CALLS, CHANGE, TREND, SINCE, MODELS];
/// For a pane of their own.
pub(super) static LONG: &[Column<Failure>] =
    &[MODE, CALLS, CHANGE, SHARE, TREND, FIRST, LAST, USERS, MODELS, TYPES, EXAMPLE];
/// The headings of the long form that sort.
pub(super) const SORTS: &[&str] = &["calls", "change", "last", "first", "users"];

/// The growth of a mode, calls; what is new stands above what grew.
fn growth(failure: &Failure) -> Option<f64> {
    Some(failure.calls as f64 - failure.previous as f64)
}

fn change<'a>(failure: &'a Failure, scene: &Scene<'a>) -> Cell<'a> {
    let known = figures::whole_before(scene.snapshot).is_some();
    if !known {
        return Cell::dim(units::UNKNOWN);
    }
    match figures::change(Some(failure.calls as f64), Some(failure.previous as f64), figures::Bad::Up) {
        Some((text, role)) if failure.calls >= 5 => Cell::Text(Cow::Owned(text), role),
        Some((text, _)) => Cell::dim(text),
        None if failure.calls > 0 => Cell::Text(Cow::Borrowed("new"), Role::Bad),
        None => Cell::dim(units::UNKNOWN),
    }
}

fn share_of_calls<'a>(failure: &'a Failure, scene: &Scene<'a>) -> Cell<'a> {
    let all = scene.snapshot.totals.calls;
    Cell::plain(figures::share((all > 0).then(|| failure.calls as f64 / all as f64)))
}

/// `new since 14:11` where the window before had none, else when it last happened.
fn since<'a>(failure: &'a Failure, scene: &Scene<'a>) -> Cell<'a> {
    let time = |ts: Option<i64>| ts.map_or_else(|| units::UNKNOWN.to_owned(), |t| clock(t, scene));
    if failure.previous == 0 && figures::whole_before(scene.snapshot).is_some() {
        return Cell::Text(Cow::Owned(format!("new since {}", short(failure.first_us, scene))), Role::Bad);
    }
    Cell::dim(format!("last {}", time(failure.last_us)))
}

fn short(ts: Option<i64>, scene: &Scene) -> String {
    ts.map_or_else(|| units::UNKNOWN.to_owned(), |t| units::time(t, scene.ui.zone, "%H:%M"))
}

/// A time of the window: with the day where the window is longer than one.
pub(super) fn clock(ts_us: i64, scene: &Scene) -> String {
    let form = if scene.snapshot.range.len_us() <= 86_400_000_000 { "%H:%M:%S" } else { "%m-%d" };
    units::time(ts_us, scene.ui.zone, form)
}

fn at<'a>(ts: Option<i64>, scene: &Scene<'a>) -> Cell<'a> {
    ts.map_or_else(|| Cell::dim(units::UNKNOWN), |t| Cell::plain(clock(t, scene)))
}

fn users<'a>(failure: &'a Failure, _: &Scene<'a>) -> Cell<'a> {
    let more = if failure.partial { "+" } else { "" };
    failure.users.map_or_else(|| Cell::dim(units::UNKNOWN), |n| Cell::plain(format!("{}{more}", figures::count(n))))
}

/// The first of a list with how many more there are: `gpt-4.1 +2`.
pub(super) fn first_of(list: &[(String, u64)]) -> Cow<'_, str> {
    match list {
        [] => Cow::Borrowed(units::UNKNOWN),
        [(one, _)] => Cow::Borrowed(one),
        [(one, _), rest @ ..] => Cow::Owned(format!("{} +{}", crate::tui::clean::fit(one, 30), rest.len())),
    }
}

fn models<'a>(failure: &'a Failure, _: &Scene<'a>) -> Cell<'a> {
    Cell::name(first_of(&failure.models))
}

fn types<'a>(failure: &'a Failure, _: &Scene<'a>) -> Cell<'a> {
    Cell::dim(first_of(&failure.error_types))
}

fn example<'a>(failure: &'a Failure, _: &Scene<'a>) -> Cell<'a> {
    Cell::dim(failure.example.as_deref().unwrap_or(units::UNKNOWN))
}

/// The failure modes in the order of the columns; a pane that does not sort by one of them keeps the store's order.
pub(super) fn sorted<'a>(snapshot: &'a Snapshot, ui: &Ui, columns: &[Column<Failure>]) -> Vec<&'a Failure> {
    sort_rows(&snapshot.failures, columns, ui.sort())
}

/// What the rows of the short form stand for.
pub(super) fn short_rows(snapshot: &Snapshot, _: &Ui) -> Vec<Target> {
    snapshot.failures.iter().map(|f| Target::Mode(f.mode)).collect()
}

/// What the rows of the long form stand for.
pub(super) fn long_rows(snapshot: &Snapshot, ui: &Ui) -> Vec<Target> {
    sorted(snapshot, ui, LONG).into_iter().map(|f| Target::Mode(f.mode)).collect()
}

/// Draws the short form.
pub(super) fn draw_short(pen: &mut Pen, area: Rect, scene: &Scene, cursor: Option<usize>) {
    let rows: Vec<&Failure> = scene.snapshot.failures.iter().collect();
    draw(pen, area, scene, cursor, SHORT, &rows, None);
}

/// Draws the long form.
pub(super) fn draw_long(pen: &mut Pen, area: Rect, scene: &Scene, cursor: Option<usize>) {
    let rows = sorted(scene.snapshot, scene.ui, LONG);
    draw(pen, area, scene, cursor, LONG, &rows, scene.ui.sort().head);
}

fn draw(
    pen: &mut Pen,
    area: Rect,
    scene: &Scene,
    cursor: Option<usize>,
    columns: &[Column<Failure>],
    rows: &[&Failure],
    sorted: Option<&'static str>,
) {
    let errors = format!("{} failed", figures::count(scene.snapshot.totals.errors));
    let inner = pen.panel_with(area, &[("failure modes", Role::Title), (&errors, Role::Dim)]);
    if rows.is_empty() {
        return pen.words(inner, &[("no failed calls in this window".to_owned(), Role::Dim)]);
    }
    Table { columns, rows, sorted, cursor }.draw(pen, inner, scene);
}

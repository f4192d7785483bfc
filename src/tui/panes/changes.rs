//! What changed from the window before, and what explains it, as a panel of lines; Enter leads to the calls of a line.

use crate::snapshot::{Figure, Snapshot, Told};
use crate::tui::clean;
use crate::tui::figures::Bad;
use crate::tui::live::Scene;
use crate::tui::pen::Pen;
use crate::tui::theme::Role;
use crate::tui::ui::Target;
use crate::view::Dim;
use ratatui::layout::Rect;

/// Beside tiles that have everything.
pub(super) const OVERVIEW: &[Figure] = &[Figure::ErrorRate, Figure::P95, Figure::Cost];
/// Beside failures.
pub(super) const ERRORS: &[Figure] = &[Figure::ErrorRate];
/// Beside percentiles.
pub(super) const LATENCY: &[Figure] = &[Figure::P95, Figure::Mean];
/// Beside spend.
pub(super) const COST: &[Figure] = &[Figure::Cost];

/// What the lines stand for.
pub(super) fn rows(snapshot: &Snapshot, figures: &[Figure]) -> Vec<Target> {
    snapshot.changes.lines(figures).iter().map(target).collect()
}

fn target(told: &Told<'_>) -> Target {
    let mut pairs = told.cause.map(|cause| cause.pairs.clone()).unwrap_or_default();
    if told.change.figure == Figure::ErrorRate && pairs.iter().all(|(dim, _)| *dim != Dim::Error) {
        pairs.push((Dim::Status, Some("error".to_owned())));
    }
    Target::Change(told.change.figure, pairs)
}

/// Draws the lines of some figures.
pub(super) fn draw(pen: &mut Pen, area: Rect, scene: &Scene, cursor: Option<usize>, figures: &[Figure]) {
    let changes = &scene.snapshot.changes;
    let inner = pen.panel_with(area, &[("what changed", Role::Title), ("against the window before", Role::Dim)]);
    let lines = changes.lines(figures);
    if lines.is_empty() {
        let words = changes.silence(figures).unwrap_or_default();
        return pen.words(inner, &[(words, Role::Dim)]);
    }
    let head = lines.iter().map(|told| clean::width(&told.head())).max().unwrap_or(0) as u16;
    let room = usize::from(inner.height);
    let first = cursor.map_or(0, |at| (at + 1).saturating_sub(room));
    pen.hidden(inner, lines.len().saturating_sub(room));
    for (i, told) in lines.iter().enumerate().skip(first).take(room) {
        let y = inner.y + (i - first) as u16;
        line(pen, Rect { x: inner.x + 1, y, width: inner.width.saturating_sub(2), height: 1 }, told, head);
        let whole = Rect { y, height: 1, ..inner };
        if cursor == Some(i) {
            pen.mark(whole);
        }
        pen.row_spot(whole, i);
    }
}

fn line(pen: &mut Pen, area: Rect, told: &Told<'_>, head: u16) {
    pen.text(area.x, area.y, area.width, &told.head(), role(told));
    let (mut x, end) = (area.x + head + 2, area.right());
    if x < end {
        x += pen.text(x, area.y, end - x, &told.reason(), Role::Text) + 2;
    }
    let detail = told.detail();
    // Half a figure is a wrong one.
    if x < end && clean::width(&detail) <= usize::from(end - x) {
        pen.text(x, area.y, end - x, &detail, Role::Dim);
    }
}

/// A figure that grew is bad news, but for money, which is so only where it grew far.
fn role(told: &Told<'_>) -> Role {
    let (before, now) = (told.change.before, told.change.now);
    let bad = if told.change.figure == Figure::Cost { Bad::FarUp } else { Bad::Up };
    match crate::tui::figures::change(Some(now), Some(before), bad) {
        Some((_, Role::Bad)) => Role::Bad,
        Some((_, Role::Warn)) => Role::Warn,
        None if now > before => Role::Bad,
        _ => Role::Strong,
    }
}

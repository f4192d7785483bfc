//! Each metric of a variant against the control: both figures, the difference, its interval as text and as a picture, and
//! the verdict.

use super::{compared, role, shown};
use crate::snapshot::experiments::{Comparison, Experiment, Interval, Measure};
use crate::tui::clean;
use crate::tui::live::Scene;
use crate::tui::pen::Pen;
use crate::tui::theme::Role;
use crate::units;
use crate::view::Role as Part;
use ratatui::layout::Rect;

/// Where the columns stand, by the room there is.
struct Columns {
    gap: u16,
    name: u16,
    figure: u16,
    difference: u16,
    interval: u16,
    picture: u16,
}

impl Columns {
    fn of(width: u16) -> Columns {
        let (interval, picture) = match width {
            ..100 => (0, 0),
            100..136 => (21, 0),
            136..170 => (21, 21),
            _ => (23, 41),
        };
        let wide = width >= 100;
        Columns {
            name: if wide { 20 } else { 17 },
            figure: 9,
            difference: 10,
            gap: if wide { 2 } else { 1 },
            interval,
            picture,
        }
    }
}

/// Draws the panel.
pub(super) fn draw(pen: &mut Pen, area: Rect, scene: &Scene, _: Option<usize>) {
    let Some(experiment) = shown(scene.snapshot, scene.ui).filter(|one| one.arms.len() > 1) else {
        let inner = pen.panel(area, "against the control");
        return pen.words(inner, &[("two variants of an experiment are compared here".to_owned(), Role::Dim)]);
    };
    let arm = compared(experiment, scene.ui).min(experiment.arms.len() - 1);
    let title = format!("{} against {}", experiment.arms[arm].variant, experiment.arms[0].variant);
    let hold = "intervals hold however often one looks";
    let legend = "● what it is about  ! what must not get worse";
    let inner = pen.panel_with(area, &[(&title, Role::Title), (hold, Role::Dim), (legend, Role::Dim)]);
    let inner = Rect { x: inner.x + 1, width: inner.width.saturating_sub(2), ..inner };
    let mut y = inner.y;
    for (text, role) in remarks(experiment) {
        for line in clean::wrap(&text, usize::from(inner.width), 2) {
            if y >= inner.bottom() {
                return;
            }
            pen.text(inner.x, y, inner.width, &line, role);
            y += 1;
        }
    }
    let columns = Columns::of(inner.width);
    if inner.bottom().saturating_sub(y) > 2 {
        heads(pen, Rect { y, ..inner }, &columns, experiment, arm);
        y += 1;
    }
    let room = usize::from(inner.bottom().saturating_sub(y));
    pen.hidden(inner, experiment.measures.len().saturating_sub(room));
    for measure in experiment.measures.iter().take(room) {
        line(pen, Rect { y, height: 1, ..inner }, &columns, (experiment, measure, arm));
        y += 1;
    }
}

/// What has to be known before any figure: a mismatch first.
fn remarks(experiment: &Experiment) -> Vec<(String, Role)> {
    let mut remarks = Vec::new();
    if let Some(found) = experiment.mismatch.as_ref().filter(|_| experiment.is_mismatched()) {
        let arms = experiment.arms.iter().zip(&found.expected);
        let each: Vec<String> = arms
            .map(|(arm, due)| {
                format!("{} {} of {} due", arm.variant, units::count(arm.units), units::count(due.round() as u64))
            })
            .collect();
        let each = each.join(", ");
        let p = found.p;
        let text = format!("MISMATCH: {each} (p = {p:.1e}): assignment or logging is broken, no verdict");
        remarks.push((text, Role::Bad));
    }
    let units: u64 = experiment.arms.iter().fold(0, |sum, arm| sum.saturating_add(arm.units));
    if experiment.crossed > 0 && experiment.crossed.saturating_mul(100) >= units {
        let count = units::count(experiment.crossed);
        let text = format!("{count} units are in more than one variant: the variants are less apart than they look");
        remarks.push((text, Role::Warn));
    }
    if let Some(us) = experiment.gone_us {
        remarks.push((format!("days before {} UTC have been deleted", units::day(us)), Role::Warn));
    }
    remarks
}

fn heads(pen: &mut Pen, area: Rect, columns: &Columns, experiment: &Experiment, arm: usize) {
    let mut x = area.x + columns.name + columns.gap;
    let names = [&experiment.arms[0].variant, &experiment.arms[arm].variant];
    for name in names {
        let name = clean::fit(name, usize::from(columns.figure));
        pen.figure(x, area.y, columns.figure, &name, Role::Dim);
        x += columns.figure + columns.gap;
    }
    pen.figure(x, area.y, columns.difference, "change", Role::Dim);
    x += columns.difference + columns.gap;
    if columns.interval > 0 {
        pen.figure(x, area.y, columns.interval, "interval", Role::Dim);
        x += columns.interval + columns.gap;
    }
    if columns.picture > 0 {
        let middle = x + columns.picture / 2;
        pen.text(middle, area.y, 1, "0", Role::Dim);
        x += columns.picture + columns.gap;
    }
    pen.text(x, area.y, area.right().saturating_sub(x), "verdict", Role::Dim);
}

fn line(pen: &mut Pen, area: Rect, columns: &Columns, (experiment, measure, arm): (&Experiment, &Measure, usize)) {
    let y = area.y;
    let (mark, style) = match measure.role {
        Part::Primary => ("● ", Role::Strong),
        Part::Guardrail => ("! ", Role::Text),
        Part::Other => ("  ", Role::Text),
    };
    let used = pen.text(area.x, y, 2, mark, style);
    pen.text(area.x + used, y, columns.name - used, &measure.metric.title(), style);
    let mut x = area.x + columns.name + columns.gap;
    for figure in [measure.figures.first(), measure.figures.get(arm)] {
        let text = figure.copied().flatten().map_or_else(|| units::UNKNOWN.to_owned(), |value| measure.figure(value));
        pen.figure(x, y, columns.figure, &text, Role::Text);
        x += columns.figure + columns.gap;
    }
    let found = measure.comparisons.get(arm).and_then(Option::as_ref);
    let judgement = experiment.judgement(measure, arm);
    let look = judgement.as_ref().map_or(Role::Dim, role);
    let change = found.map_or_else(|| units::UNKNOWN.to_owned(), |found| measure.difference(found.difference));
    pen.figure(x, y, columns.difference, &change, look);
    x += columns.difference + columns.gap;
    if columns.interval > 0 {
        let text = found.and_then(|found| found.interval).map(|interval| between(measure, interval));
        pen.figure(x, y, columns.interval, &text.unwrap_or_default(), Role::Dim);
        x += columns.interval + columns.gap;
    }
    if columns.picture > 0 {
        if let Some(found) = found {
            picture(pen, Rect { x, width: columns.picture, ..area }, found, look);
        }
        x += columns.picture + columns.gap;
    }
    let words = judgement.map_or_else(|| "not known well enough".to_owned(), |found| found.words(measure.measured));
    pen.text(x, y, area.right().saturating_sub(x), &words, look);
}

/// An interval in the words of a difference: `−35.2 % to −28.1 %`.
fn between(measure: &Measure, Interval { low, high }: Interval) -> String {
    format!("{} to {}", measure.difference(low), measure.difference(high))
}

/// The interval on an axis with 0 in its middle, and dots where a difference begins to matter.
fn picture(pen: &mut Pen, area: Rect, found: &Comparison, role: Role) {
    let Some(Interval { low, high }) = found.interval else { return };
    let most = low.abs().max(high.abs()).max(found.threshold) * 1.05;
    if most <= 0.0 || !most.is_finite() {
        return;
    }
    let half = f64::from(area.width / 2);
    let at = |value: f64| area.x + (half + value / most * half).round().clamp(0.0, f64::from(area.width - 1)) as u16;
    for tick in [-found.threshold, found.threshold] {
        pen.put(at(tick), area.y, '·', Role::Dim);
    }
    (at(low)..=at(high)).for_each(|x| pen.put(x, area.y, '─', role));
    pen.put(at(0.0), area.y, '│', Role::Dim);
    pen.put(at(found.difference), area.y, '●', role);
}

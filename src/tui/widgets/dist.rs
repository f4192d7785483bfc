//! A distribution on a log axis: columns for the window, a dim line for the window before, percentiles marked below.

use super::bar::{eighths, up};
use super::heat::LogAxis;
use crate::stats::histogram::Histogram;
use crate::tui::pen::Pen;
use crate::tui::theme::{Ink, Role};
use crate::units;
use ratatui::layout::Rect;

/// The percentiles marked, those whose names matter most first.
const MARKS: [(f64, &str); 4] = [(0.95, "p95"), (0.50, "p50"), (0.99, "p99"), (0.90, "p90")];

/// Draws the distribution of values in µs. Both histograms are drawn as shares of their own calls.
pub(crate) fn draw(pen: &mut Pen, area: Rect, now: &Histogram, before: Option<&Histogram>) {
    let before = before.filter(|h| h.count() > 0);
    let buckets = now.filled().chain(before.into_iter().flat_map(|h| h.filled())).map(|(b, _)| b);
    let Some(scale) = LogAxis::of(buckets) else { return };
    let below = if area.height >= 5 { 2 } else { 0 };
    let plot = Rect { height: area.height - below, ..area };
    if plot.width == 0 || plot.height == 0 {
        return;
    }
    let ours = shares(now, scale, plot.width);
    let theirs = before.map(|h| shares(h, scale, plot.width));
    let max = ours.iter().chain(theirs.iter().flatten()).copied().fold(0.0, f64::max);
    let high = usize::from(plot.height) * 8;
    for (column, share) in ours.iter().enumerate() {
        let x = plot.x + column as u16;
        bar(pen, plot, x, eighths(share / max, high));
        if let Some(before) = theirs.as_ref().and_then(|t| t.get(column)) {
            outline(pen, plot, x, eighths(before / max, high));
        }
    }
    if below > 0 {
        percentiles(pen, Rect { y: plot.bottom(), height: 1, ..plot }, now, scale);
        ticks(pen, Rect { y: plot.bottom() + 1, height: 1, ..plot }, scale);
    }
}

fn shares(hist: &Histogram, scale: LogAxis, width: u16) -> Vec<f64> {
    let mut out = vec![0.0; usize::from(width)];
    let all = hist.count().max(1) as f64;
    for (bucket, count) in hist.filled() {
        out[scale.cell(bucket, usize::from(width))] += count as f64 / all;
    }
    out
}

fn bar(pen: &mut Pen, plot: Rect, x: u16, top: usize) {
    for row in 0..top.div_ceil(8) {
        let y = plot.bottom() - 1 - row as u16;
        pen.put(x, y, up((top - row * 8).min(8)), Role::Series(Ink::One));
    }
}

/// The height of the window before: a dot above the columns, nothing where the columns are higher.
fn outline(pen: &mut Pen, plot: Rect, x: u16, top: usize) {
    if top == 0 {
        return;
    }
    let y = plot.bottom() - 1 - ((top - 1) / 8) as u16;
    if pen.is_blank(x, y) {
        pen.put(x, y, '╌', Role::Dim);
    }
}

fn percentiles(pen: &mut Pen, row: Rect, hist: &Histogram, scale: LogAxis) {
    for x in row.left()..row.right() {
        pen.put(x, row.y, '─', Role::Border);
    }
    let place = |value: u64| {
        let cell = (scale.share(value as f64) * f64::from(row.width)) as u16;
        row.x + cell.min(row.width - 1)
    };
    let marks: Vec<(u16, String, &str)> = MARKS
        .iter()
        .filter_map(|(q, name)| {
            let value = hist.quantile(*q)?;
            Some((place(value), format!("{name} {}", units::duration_cell(Some(value as f64))), *name))
        })
        .collect();
    let mut taken: Vec<(u16, u16)> = marks.iter().map(|(x, ..)| (*x, *x + 1)).collect();
    for (x, long, short) in &marks {
        pen.put(*x, row.y, '┴', Role::Strong);
        let free = |wide: u16| {
            let (from, to) = (x + 1, x + 1 + wide);
            to <= row.right() && taken.iter().all(|(a, b)| to <= *a || *b <= from)
        };
        let label = [long.as_str(), *short].into_iter().find(|l| free(l.len() as u16 + 1));
        if let Some(label) = label {
            taken.push((x + 1, x + 1 + pen.text(x + 1, row.y, row.width, label, Role::Strong)));
        }
    }
}

fn ticks(pen: &mut Pen, row: Rect, scale: LogAxis) {
    let count = (row.width / 14).max(1);
    for i in 0..count {
        let cell = u32::from(i) * u32::from(row.width) / u32::from(count);
        let value = scale.value(f64::from(cell) / f64::from(row.width));
        pen.text(row.x + cell as u16, row.y, 8, &units::duration_cell(Some(value)), Role::Dim);
    }
}

//! The heat map: time across, latency up on a log axis, brightness by the number of calls.

use super::axis::TimeAxis;
use crate::snapshot::Point;
use crate::stats::histogram;
use crate::tui::pen::Pen;
use crate::tui::theme::Role;
use crate::units;
use ratatui::layout::Rect;

const SHADES: [(char, Role); 5] =
    [('·', Role::Dim), ('░', Role::Dim), ('▒', Role::Text), ('▓', Role::Text), ('█', Role::Strong)];

/// Limits of a log axis, in the unit of the values.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct LogAxis {
    low: f64,
    high: f64,
}

impl LogAxis {
    /// An axis that holds all filled buckets; `None` without any.
    pub fn of(buckets: impl Iterator<Item = u16>) -> Option<LogAxis> {
        let (low, high) = buckets.fold((u16::MAX, 0), |(low, high), b| (low.min(b), high.max(b)));
        if low > high {
            return None;
        }
        let low = (histogram::bounds(low).0.max(1)) as f64;
        let high = (histogram::bounds(high).1.max(2)) as f64;
        Some(LogAxis { low, high: high.max(low * 2.0) * 1.001 })
    }

    /// Where a value lies, from 0 at the low end to 1 at the high one.
    pub fn share(self, value: f64) -> f64 {
        ((value.max(1.0) / self.low).ln() / (self.high / self.low).ln()).clamp(0.0, 1.0)
    }

    /// The value at a share of the axis.
    pub fn value(self, share: f64) -> f64 {
        self.low * (self.high / self.low).powf(share)
    }

    /// The cell, of so many, that a bucket falls into.
    pub fn cell(self, bucket: u16, cells: usize) -> usize {
        let share = self.share(histogram::middle(bucket) as f64);
        ((share * cells as f64) as usize).min(cells.saturating_sub(1))
    }
}

/// Draws the heat map of points that carry latency buckets.
pub(crate) fn draw(pen: &mut Pen, area: Rect, axis: TimeAxis, points: &[Point]) {
    let filled = points.iter().flat_map(|p| p.heat.iter().map(|(b, _)| *b));
    let Some(scale) = LogAxis::of(filled) else { return };
    let times = u16::from(area.height >= 4);
    let gutter = if area.width >= 24 { 7 } else { 0 };
    let plot = Rect { x: area.x + gutter, width: area.width - gutter, height: area.height - times, ..area };
    if plot.width == 0 || plot.height == 0 {
        return;
    }
    let rows = usize::from(plot.height);
    let cells = count(plot, axis, points, scale, rows);
    let max = cells.iter().copied().fold(0.0, f64::max);
    for (i, weight) in cells.iter().enumerate().filter(|(_, w)| **w > 0.0) {
        // By the root: a single call is still seen, and a crowd still stands out from a few.
        let level = ((weight / max).sqrt() * SHADES.len() as f64) as usize;
        let (c, role) = SHADES[level.min(SHADES.len() - 1)];
        pen.put(plot.x + (i / rows) as u16, plot.bottom() - 1 - (i % rows) as u16, c, role);
    }
    if gutter > 0 {
        labels(pen, area.x, plot, scale);
    }
    axis.draw_cursor(pen, plot);
    axis.labels(pen, Rect { y: plot.bottom(), height: times, ..plot });
}

/// Calls in each cell of the plot, column by column, from the bottom.
fn count(plot: Rect, axis: TimeAxis, points: &[Point], scale: LogAxis, rows: usize) -> Vec<f64> {
    let mut cells = vec![0.0; usize::from(plot.width) * rows];
    let mut from = 0;
    for column in 0..plot.width {
        let ts = axis.time(column, plot.width);
        while points.get(from).is_some_and(|p| p.range.until_us <= ts) {
            from += 1;
        }
        let Some(point) = points.get(from).filter(|p| p.range.contains(ts)) else { continue };
        for (bucket, calls) in &point.heat {
            cells[usize::from(column) * rows + scale.cell(*bucket, rows)] += *calls as f64;
        }
    }
    cells
}

fn labels(pen: &mut Pen, x: u16, plot: Rect, scale: LogAxis) {
    let rows = plot.height;
    let every = if rows >= 12 { 4 } else { 3 };
    for row in 0..rows {
        pen.put(plot.x - 1, plot.bottom() - 1 - row, '│', Role::Border);
        if row % every == 0 {
            let value = scale.value((f64::from(row) + 0.5) / f64::from(rows));
            pen.figure(x, plot.bottom() - 1 - row, 6, &units::duration_cell(Some(value)), Role::Dim);
            pen.put(plot.x - 1, plot.bottom() - 1 - row, '┤', Role::Border);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_axis_holds_its_buckets() {
        let buckets = [histogram::bucket(1_000), histogram::bucket(30_000_000)];
        let axis = LogAxis::of(buckets.into_iter()).expect("filled");
        assert_eq!(axis.cell(buckets[0], 10), 0);
        assert_eq!(axis.cell(buckets[1], 10), 9);
        assert!((axis.share(axis.value(0.3)) - 0.3).abs() < 1e-9);
        assert_eq!(LogAxis::of(std::iter::empty()), None);
    }
}

//! The axes of charts: one time axis for all charts of a screen, with its cursor, and a value axis of round numbers.

use crate::tui::pen::Pen;
use crate::tui::theme::Role;
use crate::units::{self, Zone};
use crate::view::Range;
use ratatui::layout::Rect;

/// The time axis: the window across the width of a chart.
#[derive(Clone, Copy)]
pub(crate) struct TimeAxis {
    /// From the left edge to the right one.
    pub range: Range,
    /// The cursor, µs.
    pub cursor: Option<i64>,
    /// In which zone times are written.
    pub zone: Zone,
}

const SECOND: i64 = 1_000_000;
const STEPS: [i64; 22] = [
    1, 5, 10, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 10_800, 21_600, 43_200, 86_400, 172_800, 604_800,
    1_209_600, 2_592_000, 7_776_000, 31_536_000,
];

impl TimeAxis {
    /// The cell, from 0, that a time falls into on so many cells.
    pub fn cell(self, ts_us: i64, cells: u16) -> Option<u16> {
        if !self.range.contains(ts_us) || cells == 0 {
            return None;
        }
        let into = i128::from(ts_us - self.range.since_us) * i128::from(cells) / i128::from(self.range.len_us());
        Some((into as u16).min(cells - 1))
    }

    /// The middle of a cell's time.
    pub fn time(self, cell: u16, cells: u16) -> i64 {
        let len = i128::from(self.range.len_us());
        let into = len * (2 * i128::from(cell) + 1) / (2 * i128::from(cells.max(1)));
        self.range.since_us.saturating_add(into as i64)
    }

    /// Writes the times below a chart.
    pub fn labels(self, pen: &mut Pen, area: Rect) {
        let len = self.range.len_us();
        if area.height == 0 || len == 0 {
            return;
        }
        let form = self.form();
        let wide = units::time(self.range.since_us, self.zone, form).chars().count() as i64;
        let most = (i64::from(area.width) / (wide + 4)).max(1);
        let Some(step) = STEPS.iter().map(|s| s * SECOND).find(|s| len / s <= most) else { return };
        let mut at = self.range.since_us.div_euclid(step).saturating_add(1).saturating_mul(step);
        let mut free = area.x;
        while let Some(cell) = self.cell(at, area.width) {
            let x = area.x + cell;
            let text = units::time(at, self.zone, form);
            if x >= free && i64::from(area.right() - x) >= wide {
                free = x + pen.text(x, area.y, area.right() - x, &text, Role::Dim) + 1;
            }
            at = at.saturating_add(step);
        }
    }

    fn form(self) -> &'static str {
        match self.range.len_us() / SECOND {
            0..=599 => "%H:%M:%S",
            600..=172_799 => "%H:%M",
            172_800..=31_535_999 => "%m-%d",
            _ => "%Y-%m",
        }
    }

    /// Draws the cursor through a chart, where nothing else is.
    pub fn draw_cursor(self, pen: &mut Pen, area: Rect) {
        let Some(cell) = self.cursor.and_then(|at| self.cell(at, area.width)) else { return };
        for y in area.top()..area.bottom() {
            if pen.is_blank(area.x + cell, y) {
                pen.put(area.x + cell, y, '│', Role::Text);
            }
        }
    }
}

/// The parts of a chart: labels of values on the left, the drawing, the times below.
pub(crate) struct Parts {
    /// Where to draw.
    pub plot: Rect,
    /// Where the times go; empty on low charts.
    pub times: Rect,
}

/// Draws a value axis from 0 to `max` and answers what is left. On narrow or low charts there is none.
pub(crate) fn values(pen: &mut Pen, area: Rect, max: f64, write: fn(f64) -> String) -> Parts {
    let times = if area.height >= 4 { 1 } else { 0 };
    let plot_height = area.height - times;
    let top = write(max);
    let labels = [&top, &write(max / 2.0)].iter().map(|l| l.chars().count()).max().unwrap_or(0) as u16;
    let gutter = if area.width >= labels + 16 && plot_height >= 2 { labels + 1 } else { 0 };
    let plot = Rect { x: area.x + gutter, width: area.width - gutter, height: plot_height, ..area };
    if gutter > 0 {
        for y in plot.top()..plot.bottom() {
            pen.put(plot.x - 1, y, '│', Role::Border);
        }
        mark(pen, area.x, plot.y, labels, &top);
        if plot_height >= 6 {
            mark(pen, area.x, plot.y + plot_height / 2, labels, &write(max / 2.0));
        }
        mark(pen, area.x, plot.bottom() - 1, labels, "0");
    }
    let times = Rect { x: plot.x, y: plot.bottom(), width: plot.width, height: times };
    Parts { plot, times }
}

fn mark(pen: &mut Pen, x: u16, y: u16, width: u16, text: &str) {
    pen.figure(x, y, width, text, Role::Dim);
    pen.put(x + width, y, '┤', Role::Border);
}

/// The smallest round number that is not below `max`: 1, 1.5, 2, 3, 4, 5, 6 or 8 times a power of ten.
pub(crate) fn round_up(max: f64) -> f64 {
    if !max.is_finite() || max <= 0.0 {
        return 1.0;
    }
    let power = 10f64.powf(max.log10().floor());
    let found = [1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0].into_iter().find(|m| m * power >= max * 0.999_999);
    found.unwrap_or(10.0) * power
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_end_at_round_numbers() {
        let cases = [(7.3, 8.0), (1.01, 1.5), (42.0, 50.0), (1.0, 1.0), (0.0, 1.0), (8.4e6, 1e7)];
        for (max, want) in cases {
            assert!((round_up(max) / want - 1.0).abs() < 1e-9, "{max}");
        }
    }

    #[test]
    fn times_and_cells_agree() {
        let range = Range { since_us: 1_000, until_us: 101_000 };
        let axis = TimeAxis { range, cursor: None, zone: Zone::Utc };
        for cell in 0..50 {
            assert_eq!(axis.cell(axis.time(cell, 50), 50), Some(cell));
        }
        assert_eq!(axis.cell(101_000, 50), None);
        let whole = TimeAxis { range: Range { since_us: i64::MIN / 2, until_us: i64::MAX / 2 }, ..axis };
        assert_eq!(whole.cell(0, 10), Some(5));
    }
}

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
/// Seconds of a day, and how days are written.
const DAY: i64 = 86_400;
const DAYS: &str = "%m-%d";
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
        // A label of a day stands once a day.
        let least = if form == DAYS { DAY } else { 1 };
        let Some(step) = STEPS.iter().filter(|s| **s >= least).map(|s| s * SECOND).find(|s| len / s <= most) else {
            return;
        };
        let mut at = self.range.since_us.div_euclid(step).saturating_add(1).saturating_mul(step);
        let mut free = area.x;
        let mut last = String::new();
        while let Some(cell) = self.cell(at, area.width) {
            let x = area.x + cell;
            let text = units::time(at, self.zone, form);
            if x >= free && i64::from(area.right() - x) >= wide && text != last {
                free = x + pen.text(x, area.y, area.right() - x, &text, Role::Dim) + 1;
                last = text;
            }
            at = at.saturating_add(step);
        }
    }

    fn form(self) -> &'static str {
        match self.range.len_us() / SECOND {
            0..=599 => "%H:%M:%S",
            600..=172_799 => "%H:%M",
            172_800..=31_535_999 => DAYS,
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

/// How values lie along an axis.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Scale {
    /// From 0 to this.
    Linear(f64),
    /// From one positive value to another, each factor as long as the next.
    Log {
        /// At the bottom.
        low: f64,
        /// At the top; above `low`.
        high: f64,
    },
}

impl Scale {
    /// A log axis of round ends that holds positive values between these two.
    pub fn log(low: f64, high: f64) -> Scale {
        let (low, high) = (around(low).0, around(high).1);
        Scale::Log { low, high: if high > low { high } else { low * 10.0 } }
    }

    /// Where a value lies, from 0 at the bottom to 1 at the top; what is beyond an end is at it.
    pub fn share(self, value: f64) -> f64 {
        let share = match self {
            Scale::Linear(max) => value / max,
            Scale::Log { low, high } => (value.max(low) / low).ln() / (high / low).ln(),
        };
        share.clamp(0.0, 1.0)
    }

    /// The dot, from 0 at the top, of a value on so many rows of four dots.
    pub fn dot(self, value: f64, rows: u16) -> i32 {
        let last = i32::from(rows) * 4 - 1;
        last - (self.share(value) * f64::from(last)).round() as i32
    }

    /// The highest value.
    pub fn max(self) -> f64 {
        match self {
            Scale::Linear(max) => max,
            Scale::Log { high, .. } => high,
        }
    }

    /// Labels with their rows: the ends, and what there is room for between them.
    fn marks(self, rows: u16, write: fn(f64) -> String) -> Vec<(u16, String)> {
        let bottom = rows.saturating_sub(1);
        match self {
            Scale::Linear(max) => {
                let middle = (rows >= 6).then(|| (rows / 2, write(max / 2.0)));
                [(0, write(max)), (bottom, "0".to_owned())].into_iter().chain(middle).collect()
            }
            Scale::Log { low, high } => {
                let mut marks = vec![(0, write(high)), (bottom, write(low))];
                for value in tens(low, high) {
                    let row = (self.dot(value, rows) / 4).max(0) as u16;
                    if marks.iter().all(|(taken, _)| taken.abs_diff(row) >= 2) {
                        marks.push((row, write(value)));
                    }
                }
                marks
            }
        }
    }
}

/// The round numbers, 1, 2 or 5 times a power of ten, at or below and at or above a positive value.
fn around(value: f64) -> (f64, f64) {
    let power = 10f64.powf(value.log10().floor());
    let steps = [1.0, 2.0, 5.0, 10.0].map(|step| step * power);
    // Not quite equal is equal: the powers are not exact.
    let below = steps.into_iter().rev().find(|step| *step <= value * 1.000_001).unwrap_or(power);
    let above = steps.into_iter().find(|step| *step >= value * 0.999_999).unwrap_or(steps[3]);
    (below, above)
}

/// Powers of ten between two values.
fn tens(low: f64, high: f64) -> impl Iterator<Item = f64> {
    let (first, last) = (low.log10().ceil() as i32, high.log10().floor() as i32);
    (first..=last).map(|power| 10f64.powi(power))
}

/// The parts of a chart: labels of values on the left, the drawing, the times below.
pub(crate) struct Parts {
    /// Where to draw.
    pub plot: Rect,
    /// Where the times go; empty on low charts.
    pub times: Rect,
}

/// Draws a value axis and answers what is left. On narrow or low charts there is none.
pub(crate) fn values(pen: &mut Pen, area: Rect, scale: Scale, write: fn(f64) -> String) -> Parts {
    let times = if area.height >= 4 { 1 } else { 0 };
    let plot_height = area.height - times;
    let marks = scale.marks(plot_height, write);
    let labels = marks.iter().map(|(_, l)| l.chars().count()).max().unwrap_or(0) as u16;
    let gutter = if area.width >= labels + 16 && plot_height >= 2 { labels + 1 } else { 0 };
    let plot = Rect { x: area.x + gutter, width: area.width - gutter, height: plot_height, ..area };
    if gutter > 0 {
        for y in plot.top()..plot.bottom() {
            pen.put(plot.x - 1, y, '│', Role::Border);
        }
        for (row, label) in &marks {
            mark(pen, area.x, plot.y + row, labels, label);
        }
        if times > 0 && matches!(scale, Scale::Log { .. }) {
            pen.figure(area.x, plot.bottom(), labels, "log", Role::Warn);
        }
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
    fn log_axes_end_at_round_numbers_and_have_the_tens_between() {
        assert_eq!(Scale::log(340.0, 29_900.0), Scale::Log { low: 200.0, high: 50_000.0 });
        assert_eq!(Scale::log(1_000.0, 20_000.0), Scale::Log { low: 1_000.0, high: 20_000.0 });
        assert_eq!(Scale::log(7.0, 7.0), Scale::Log { low: 5.0, high: 10.0 });
        assert_eq!(Scale::log(10.0, 10.0), Scale::Log { low: 10.0, high: 100.0 });
        let scale = Scale::log(100.0, 10_000.0);
        assert!((scale.share(1_000.0) - 0.5).abs() < 1e-9);
        assert_eq!([0.0, 1.0, 1e9].map(|v| scale.share(v)), [0.0, 0.0, 1.0]);
        let marks = scale.marks(9, |v| v.to_string());
        assert_eq!(marks, [(0, "10000".to_owned()), (8, "100".to_owned()), (4, "1000".to_owned())]);
        assert_eq!(scale.marks(3, |v| v.to_string()).len(), 2, "no room between the ends");
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

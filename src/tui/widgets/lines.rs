//! A line chart in braille: several series over one time axis, the window before as a dim line behind them.

use super::axis::{self, Scale, TimeAxis};
use crate::tui::pen::Pen;
use crate::tui::theme::{Ink, Role};
use crate::view::Range;
use ratatui::layout::Rect;
use std::cmp::Ordering;

/// One line: a value for each point in time, or a gap.
pub(crate) struct Series {
    /// Its name at the right end.
    pub name: &'static str,
    /// How it is drawn.
    pub ink: Ink,
    /// How far it stretches the axis.
    pub reach: Reach,
    /// (when, value), oldest first.
    pub values: Vec<(i64, Option<f64>)>,
}

impl Series {
    /// Whether it has no value at all.
    pub fn is_empty(&self) -> bool {
        self.values.iter().all(|(_, value)| value.is_none())
    }
}

/// Whether a line may stretch the value axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reach {
    /// All of it is to be seen.
    Whole,
    /// Up to twice as high as the lines that are seen whole; what is above stays at the upper edge, marked by `↑`.
    Clipped,
}

/// How a chart's values lie along their axis.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Spread {
    /// From 0 on, evenly.
    Even,
    /// Factors evenly, all lines whole; from this value on, even if some are below it.
    Factors {
        /// Above 0.
        from: f64,
    },
}

/// A line chart.
pub(crate) struct LineChart {
    /// Its time axis.
    pub axis: TimeAxis,
    /// Its lines; later ones are drawn over earlier ones.
    pub series: Vec<Series>,
    /// How values are written.
    pub write: fn(f64) -> String,
    /// How values lie along their axis.
    pub spread: Spread,
}

/// The middle of a range, where its value is drawn.
pub(crate) fn middle(range: Range) -> i64 {
    range.since_us.saturating_add(range.len_us() / 2)
}

struct Dots {
    cells: Vec<(u8, Option<Ink>)>,
    width: usize,
    height: usize,
}

impl Dots {
    fn new(area: Rect) -> Dots {
        let (width, height) = (usize::from(area.width), usize::from(area.height));
        Dots { cells: vec![(0, None); width * height], width, height }
    }

    fn set(&mut self, x: i32, y: i32, ink: Ink) {
        let (Ok(x), Ok(y)) = (usize::try_from(x), usize::try_from(y)) else { return };
        if x >= self.width * 2 || y >= self.height * 4 {
            return;
        }
        // Braille numbers its dots down the left column, down the right column, then the bottom row.
        let bit = match (x % 2, y % 4) {
            (0, 3) => 6,
            (_, 3) => 7,
            (column, row) => column * 3 + row,
        };
        let cell = &mut self.cells[y / 4 * self.width + x / 2];
        cell.0 |= 1 << bit;
        cell.1 = Some(ink);
    }

    fn line(&mut self, from: (i32, i32), to: (i32, i32), ink: Ink) {
        let (dx, dy) = ((to.0 - from.0).abs(), (to.1 - from.1).abs());
        let steps = dx.max(dy).max(1);
        for step in 0..=steps {
            let at = |a: i32, b: i32| a + ((b - a) * step + (b - a).signum() * steps / 2) / steps;
            self.set(at(from.0, to.0), at(from.1, to.1), ink);
        }
    }

    fn draw(&self, pen: &mut Pen, area: Rect) {
        for (i, (bits, ink)) in self.cells.iter().enumerate() {
            let Some(ink) = ink else { continue };
            let (x, y) = (area.x + (i % self.width) as u16, area.y + (i / self.width) as u16);
            pen.put(x, y, char::from_u32(0x2800 + u32::from(*bits)).unwrap_or(' '), Role::Series(*ink));
        }
    }
}

impl LineChart {
    /// Draws it.
    pub fn draw(&self, pen: &mut Pen, area: Rect) {
        if area.width < 2 || area.height < 1 {
            return;
        }
        let scale = self.scale();
        let names = self.names_width(area);
        let inner = Rect { width: area.width - names, ..area };
        let parts = axis::values(pen, inner, scale, self.write);
        let mut dots = Dots::new(parts.plot);
        let mut ends = Vec::new();
        for series in &self.series {
            if let Some(end) = self.plot(&mut dots, series, scale) {
                ends.push((series, end));
            }
        }
        dots.draw(pen, parts.plot);
        self.axis.draw_cursor(pen, parts.plot);
        self.axis.labels(pen, parts.times);
        if names > 0 {
            write_names(pen, parts.plot, names, ends);
        }
    }

    fn scale(&self) -> Scale {
        let values = || self.series.iter().flat_map(|s| s.values.iter().filter_map(|v| v.1));
        let (low, high) = values().filter(|v| *v > 0.0).fold((f64::INFINITY, 0.0), |(l, h), v| (v.min(l), v.max(h)));
        match self.spread {
            Spread::Factors { from } if low <= high && high.is_finite() => Scale::log(low.max(from), high),
            _ => Scale::Linear(axis::round_up(self.highest())),
        }
    }

    fn highest(&self) -> f64 {
        let of = |reach| {
            let series = self.series.iter().filter(move |s| s.reach == reach);
            series.flat_map(|s| s.values.iter().filter_map(|v| v.1)).fold(0.0, f64::max)
        };
        let (whole, clipped): (f64, f64) = (of(Reach::Whole), of(Reach::Clipped));
        if whole > 0.0 { whole.max(clipped.min(whole * 2.0)) } else { clipped }
    }

    fn names_width(&self, area: Rect) -> u16 {
        let longest = self.series.iter().map(|s| s.name.len()).max().unwrap_or(0) as u16;
        if longest > 0 && area.width >= 40 && area.height >= 3 { longest + 2 } else { 0 }
    }

    /// Draws one line into the dots and answers the row of its end, and whether that is above the edge.
    fn plot(&self, dots: &mut Dots, series: &Series, scale: Scale) -> Option<End> {
        let (wide, rows) = (dots.width as u16 * 2, dots.height as u16);
        let mut last = None;
        let mut end = None;
        for (ts, value) in &series.values {
            let at = self.axis.cell(*ts, wide);
            let point = at.zip(*value).map(|(x, value)| (i32::from(x), scale.dot(value, rows)));
            if let Some(to) = point {
                dots.line(last.unwrap_or(to), to, series.ink);
                end = value.map(|value| End { row: (to.1 / 4).max(0) as u16, value, above: value > scale.max() });
            }
            last = point;
        }
        end
    }
}

/// Where a line ends.
#[derive(Clone, Copy)]
struct End {
    row: u16,
    value: f64,
    above: bool,
}

/// The order of names from the top: by the values of the ends, since ends in one row still differ; of equal ones the
/// last name by letters, which is p99 over p95 over p50.
fn from_the_top(a: &(&Series, End), b: &(&Series, End)) -> Ordering {
    b.1.value.total_cmp(&a.1.value).then_with(|| b.0.name.cmp(a.0.name))
}

/// Writes the names beside the ends of the lines, the highest first, none over another.
fn write_names(pen: &mut Pen, plot: Rect, width: u16, mut ends: Vec<(&Series, End)>) {
    ends.retain(|(series, _)| !series.name.is_empty());
    ends.sort_by(from_the_top);
    let mut free = 0;
    let mut left = ends.len() as u16;
    for (series, end) in ends {
        let y = end.row.max(free).min(plot.height.saturating_sub(left));
        if y >= free && y < plot.height {
            let name = format!("{}{}", series.name, if end.above { "↑" } else { "" });
            pen.text(plot.right() + 1, plot.y + y, width - 1, &name, Role::Series(series.ink));
            free = y + 1;
        }
        left -= 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::theme::Theme;
    use crate::units::Zone;
    use ratatui::buffer::Buffer;

    fn named(name: &'static str, last: f64) -> Series {
        Series { name, ink: Ink::One, reach: Reach::Whole, values: vec![(0, Some(90.0)), (50, Some(last))] }
    }

    /// The names at the right edge, from the top.
    fn names(series: Vec<Series>) -> Vec<String> {
        let axis = TimeAxis { range: Range { since_us: 0, until_us: 100 }, cursor: None, zone: Zone::Utc };
        let area = Rect::new(0, 0, 60, 7);
        let mut buffer = Buffer::empty(area);
        let chart = LineChart { axis, series, write: |v| format!("{v}"), spread: Spread::Even };
        chart.draw(&mut Pen::new(&mut buffer, Theme::Mono), area);
        let edge = |y| (55..60).map(|x| buffer[(x, y)].symbol()).collect::<String>().trim().to_owned();
        (0..area.height).map(edge).filter(|name| name.starts_with('p')).collect()
    }

    #[test]
    fn names_stand_in_the_order_of_the_values() {
        let met = vec![named("p99", 3.0), named("p50", 1.0), named("p95", 2.0)];
        assert_eq!(names(met), ["p99", "p95", "p50"], "all in the lowest row");
        let equal = vec![named("p50", 40.0), named("p95", 40.0), named("p99", 40.0)];
        assert_eq!(names(equal), ["p99", "p95", "p50"]);
        let turned = vec![named("p50", 80.0), named("p95", 2.0), named("p99", 2.0)];
        assert_eq!(names(turned), ["p50", "p99", "p95"]);
    }
}

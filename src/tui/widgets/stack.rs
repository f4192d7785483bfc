//! Stacked columns over time: what is worst stands at the bottom, where the eye compares best.

use super::axis::{self, Scale, TimeAxis};
use super::bar::{eighths, up};
use crate::tui::pen::Pen;
use crate::tui::theme::{Ink, Role, Theme};
use crate::view::Range;
use ratatui::layout::Rect;
use ratatui::style::Style;

/// Stacked columns.
pub(crate) struct Stack {
    /// The time axis.
    pub axis: TimeAxis,
    /// Inks from the bottom up.
    pub inks: Vec<Ink>,
    /// For each step in time, a value for each ink.
    pub columns: Vec<(Range, Vec<f64>)>,
    /// How values are written.
    pub write: fn(f64) -> String,
}

impl Stack {
    /// Draws it.
    pub fn draw(&self, pen: &mut Pen, area: Rect) {
        if area.width < 2 || area.height < 1 {
            return;
        }
        let highest = self.columns.iter().map(|(_, v)| v.iter().sum::<f64>()).fold(0.0, f64::max);
        let max = axis::round_up(highest);
        let parts = axis::values(pen, area, Scale::Linear(max), self.write);
        let plot = parts.plot;
        let mut from = 0;
        for cell in 0..plot.width {
            let ts = self.axis.time(cell, plot.width);
            while self.columns.get(from).is_some_and(|(range, _)| range.until_us <= ts) {
                from += 1;
            }
            if let Some((_, values)) = self.columns.get(from).filter(|(range, _)| range.contains(ts)) {
                let tops = self.tops(values, max, usize::from(plot.height) * 8);
                self.column(pen, plot, plot.x + cell, &tops);
            }
        }
        self.axis.draw_cursor(pen, plot);
        self.axis.labels(pen, parts.times);
    }

    /// The upper end of each ink in eighths of a cell; an ink with something in it is seen.
    fn tops(&self, values: &[f64], max: f64, high: usize) -> Vec<usize> {
        let mut sum = 0.0;
        let mut top = 0;
        values
            .iter()
            .map(|value| {
                sum += value;
                if *value > 0.0 {
                    top = eighths(sum / max, high).clamp((top + 1).min(high), high);
                }
                top
            })
            .collect()
    }

    fn column(&self, pen: &mut Pen, plot: Rect, x: u16, tops: &[usize]) {
        for row in 0..plot.height {
            let (low, high) = (usize::from(row) * 8, usize::from(row) * 8 + 8);
            let here: Vec<(usize, usize, Ink)> = tops
                .iter()
                .zip(&self.inks)
                .enumerate()
                .filter_map(|(i, (top, ink))| {
                    let bottom = if i == 0 { 0 } else { tops[i - 1] };
                    let (from, to) = (bottom.max(low), (*top).min(high));
                    (to > from).then(|| (from - low, to - low, *ink))
                })
                .collect();
            let Some((fill, ink, above)) = two_inks(&here) else { return };
            paint(pen, x, plot.bottom() - 1 - row, fill, ink, above);
        }
    }
}

/// A cell has two colours: of three parts the lower two become one, in the ink of the larger.
fn two_inks(parts: &[(usize, usize, Ink)]) -> Option<(usize, Ink, Option<Ink>)> {
    match parts {
        [] => None,
        [(_, fill, ink)] => Some((*fill, *ink, None)),
        [(_, fill, ink), (_, _, above)] => Some((*fill, *ink, Some(*above))),
        [(_, first, lower), (_, second, middle), rest @ ..] => {
            let ink = if second - first > *first { middle } else { lower };
            Some((*second, *ink, rest.last().map(|r| r.2)))
        }
    }
}

/// One cell: the lower ink up to `fill` eighths, another one above it.
fn paint(pen: &mut Pen, x: u16, y: u16, fill: usize, ink: Ink, above: Option<Ink>) {
    let theme = pen.theme();
    if theme == Theme::Mono {
        // What failed keeps its height, at the cost of the rest of its cell; the rest is whole cells of its own fill.
        let failing = matches!(ink, Ink::Failed | Ink::Limited);
        let c = if failing && fill < 8 { up(fill) } else { theme.fill(ink) };
        return pen.put(x, y, c, Role::Series(ink));
    }
    let mut style = theme.style(Role::Series(ink));
    if let Some(color) = above.and_then(|a| theme.color(a)) {
        style = style.bg(color);
    }
    pen.put_styled(x, y, up(fill), Style { add_modifier: Default::default(), ..style });
}

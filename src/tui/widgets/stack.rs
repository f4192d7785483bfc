//! Stacked columns over time: what is worst stands at the bottom, where the eye compares best.

use super::axis::{self, TimeAxis};
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
        let parts = axis::values(pen, area, max, self.write);
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
            let mut here = tops.iter().zip(&self.inks).enumerate().filter_map(|(i, (top, ink))| {
                let bottom = if i == 0 { 0 } else { tops[i - 1] };
                let (from, to) = (bottom.max(low), (*top).min(high));
                (to > from).then(|| (to - low, *ink))
            });
            let Some((fill, ink)) = here.next() else { return };
            let above = here.next().map(|(_, ink)| ink);
            paint(pen, x, plot.bottom() - 1 - row, fill, ink, above);
        }
    }
}

/// One cell: the lower ink up to `fill` eighths, another one above it.
fn paint(pen: &mut Pen, x: u16, y: u16, fill: usize, ink: Ink, above: Option<Ink>) {
    let theme = pen.theme();
    if theme == Theme::Mono {
        let main = above.filter(|_| fill < 4).unwrap_or(ink);
        let c = if main == Ink::Failed && above.is_none() { up(fill) } else { theme.fill(main) };
        return pen.put(x, y, c, Role::Series(main));
    }
    let mut style = theme.style(Role::Series(ink));
    if let Some(color) = above.and_then(|a| theme.color(a)) {
        style = style.bg(color);
    }
    pen.put_styled(x, y, up(fill), Style { add_modifier: Default::default(), ..style });
}

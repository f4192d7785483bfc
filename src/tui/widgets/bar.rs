//! Bars and sparklines of block characters, an eighth of a cell fine.

use crate::tui::pen::Pen;
use crate::tui::theme::{Ink, Role};
use ratatui::style::Style;

const UP: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
const ALONG: [char; 9] = [' ', '▏', '▎', '▍', '▌', '▋', '▊', '▉', '█'];

/// The block that fills so many eighths of a cell from below.
pub(crate) fn up(eighths: usize) -> char {
    UP[eighths.min(8)]
}

/// A bar of a share of at most `width` cells, from the left.
pub(crate) fn along(pen: &mut Pen, x: u16, y: u16, width: u16, share: f64, role: Role) {
    let eighths = eighths(share, usize::from(width) * 8);
    for cell in 0..width {
        let here = eighths.saturating_sub(usize::from(cell) * 8).min(8);
        if here > 0 {
            pen.put(x + cell, y, ALONG[here], role);
        }
    }
}

/// The same with a track, so that it is seen how much is left.
pub(crate) fn gauge(pen: &mut Pen, x: u16, y: u16, width: u16, share: f64, role: Role) {
    (0..width).for_each(|cell| pen.put(x + cell, y, '·', Role::Dim));
    along(pen, x, y, width, share, role);
}

/// A share of so many eighths; something is never nothing.
pub(crate) fn eighths(share: f64, all: usize) -> usize {
    if !share.is_finite() || share <= 0.0 {
        return 0;
    }
    ((share.min(1.0) * all as f64).round() as usize).max(1)
}

/// Averages values into so many columns; a column without a value stays without.
pub(crate) fn columns(values: &[Option<f64>], width: usize) -> Vec<Option<f64>> {
    (0..width)
        .map(|column| {
            let from = column * values.len() / width.max(1);
            let to = ((column + 1) * values.len() / width.max(1)).max(from + 1).min(values.len());
            let known: Vec<f64> = values.get(from..to)?.iter().flatten().copied().collect();
            (!known.is_empty()).then(|| known.iter().sum::<f64>() / known.len() as f64)
        })
        .collect()
}

/// A sparkline of one row, from 0 to its highest value. Zero is a low line, unknown is a gap.
pub(crate) fn spark(pen: &mut Pen, x: u16, y: u16, width: u16, values: &[Option<f64>], role: Role) {
    let values = columns(values, usize::from(width).min(values.len().max(1)));
    let max = values.iter().flatten().copied().fold(0.0, f64::max);
    let start = x + width.saturating_sub(values.len() as u16);
    for (i, value) in values.iter().enumerate() {
        let Some(value) = value else { continue };
        let level = if max > 0.0 { eighths(value / max, 8).max(1) } else { 1 };
        pen.put(start + i as u16, y, up(level), if *value > 0.0 { role } else { Role::Dim });
    }
}

/// One part of a split bar: its name, its size, its ink.
pub(crate) type Part<'a> = (&'a str, f64, Ink);

/// A bar of parts that share the whole width; small parts keep one cell.
pub(crate) fn parts(pen: &mut Pen, x: u16, y: u16, width: u16, parts: &[Part]) {
    let total: f64 = parts.iter().map(|p| p.1).sum();
    if total <= 0.0 || width == 0 {
        return;
    }
    let mut done = 0.0;
    let mut from = 0;
    for (name, size, ink) in parts.iter().filter(|p| p.1 > 0.0) {
        done += size;
        let to = ((done / total * f64::from(width)).round() as u16).clamp((from + 1).min(width), width);
        part(pen, x + from, y, to - from, name, *ink);
        from = to;
    }
}

fn part(pen: &mut Pen, x: u16, y: u16, width: u16, name: &str, ink: Ink) {
    let theme = pen.theme();
    for cell in 0..width {
        match theme.color(ink) {
            Some(color) => pen.put_styled(x + cell, y, ' ', Style::new().bg(color)),
            None => pen.put(x + cell, y, theme.fill(ink), Role::Series(ink)),
        }
    }
    let label = usize::from(width) >= name.chars().count() + 2;
    if let (true, Some(color)) = (label, theme.color(ink)) {
        let style = Style::new().bg(color).fg(ratatui::style::Color::Black);
        for (i, c) in name.chars().enumerate() {
            pen.put_styled(x + 1 + i as u16, y, c, style);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn something_is_never_nothing() {
        assert_eq!(eighths(0.0, 8), 0);
        assert_eq!(eighths(0.001, 8), 1);
        assert_eq!(eighths(1.0, 8), 8);
        assert_eq!(eighths(f64::NAN, 8), 0);
    }

    #[test]
    fn columns_average_what_is_known() {
        assert_eq!(columns(&[Some(1.0), Some(3.0), None, None], 2), [Some(2.0), None]);
        assert_eq!(columns(&[], 3), [None, None, None]);
        assert_eq!(columns(&[Some(1.0)], 2), [Some(1.0), Some(1.0)]);
    }
}

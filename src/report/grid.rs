//! Aligned columns of plain text in a given width: what does not fit is left out from the least important column on, never
//! cut in the middle of a figure. Everything printed is cleaned here.

use crate::units::clean;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Columns between two cells.
const GAP: usize = 2;

/// Labels keep so many columns, or a third of the width, before figures are left out for them.
const LABEL: usize = 12;

/// A column of figures.
pub struct Column {
    /// Its heading.
    pub title: &'static str,
    /// The higher, the sooner it is left out.
    pub rank: u8,
}

/// Columns of figures behind a column of labels.
pub struct Grid {
    /// Heading of the labels.
    pub label: String,
    /// The columns, left to right.
    pub columns: Vec<Column>,
    /// A label and its figures, one for each column.
    pub rows: Vec<(String, Vec<String>)>,
}

impl Grid {
    /// The lines, none wider than `width` as far as label and first figures allow.
    pub fn lines(&self, width: usize) -> Vec<String> {
        let widths = self.widths();
        let labels = self.rows.iter().map(|(label, _)| clean(label).width()).chain([self.label.width()]);
        let wanted = labels.max().unwrap_or(0);
        let (shown, figures) = self.choose(&widths, width.saturating_sub(wanted.min(LABEL.max(width / 3))));
        let label = wanted.min(width.saturating_sub(figures).max(1));
        let titles: Vec<&str> = self.columns.iter().map(|column| column.title).collect();
        let line = |name: &str, cells: &[&str]| {
            let mut line = fit(name, label);
            for &i in &shown {
                let cell = cells.get(i).copied().unwrap_or_default();
                line.push_str(&" ".repeat((GAP + widths[i]).saturating_sub(cell.width())));
                line.push_str(cell);
            }
            line.trim_end().to_owned()
        };
        let rows =
            self.rows.iter().map(|(name, cells)| line(name, &cells.iter().map(String::as_str).collect::<Vec<_>>()));
        std::iter::once(line(&self.label, &titles)).chain(rows).collect()
    }

    fn widths(&self) -> Vec<usize> {
        let width = |i: usize| self.rows.iter().filter_map(|(_, cells)| cells.get(i)).map(|cell| cell.width()).max();
        self.columns.iter().enumerate().map(|(i, column)| column.title.width().max(width(i).unwrap_or(0))).collect()
    }

    /// The columns that fit into what the labels leave, in their order, and what they take together.
    fn choose(&self, widths: &[usize], room: usize) -> (Vec<usize>, usize) {
        let mut shown: Vec<usize> = (0..self.columns.len()).collect();
        loop {
            let taken: usize = shown.iter().map(|&i| widths[i] + GAP).sum();
            let last = shown.iter().copied().max_by_key(|&i| (self.columns[i].rank, i));
            match last {
                Some(last) if taken > room && shown.len() > 1 => shown.retain(|&i| i != last),
                _ => return (shown, taken),
            }
        }
    }
}

/// Text cleaned, and cut or filled to exactly so many columns; `…` where it was cut.
pub(super) fn fit(text: &str, width: usize) -> String {
    let mut out = cut(text, width);
    let have = out.width();
    out.push_str(&" ".repeat(width.saturating_sub(have)));
    out
}

/// Text cleaned, and cut to at most so many columns; `…` where it was cut.
pub(super) fn cut(text: &str, width: usize) -> String {
    // A hostile name may be megabytes long: look at no more of it than could fit, zero-width marks included.
    let head: String = text.chars().take(width.saturating_mul(4).saturating_add(4)).collect();
    let safe = clean(&head);
    if head.len() == text.len() && safe.width() <= width {
        return safe.into_owned();
    }
    let mut out = String::new();
    let mut taken = 0;
    for c in safe.chars() {
        taken += c.width().unwrap_or(0);
        if taken + 1 > width {
            break;
        }
        out.push(c);
    }
    if width > 0 {
        out.push('…');
    }
    out
}

/// Text cleaned and broken between words into lines of at most so many columns.
pub(super) fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in clean(text).split(' ').filter(|word| !word.is_empty()) {
        let word = cut(word, width.max(1));
        match lines.last_mut() {
            Some(line) if line.is_empty() => line.push_str(&word),
            Some(line) if line.width() + 1 + word.width() <= width => {
                line.push(' ');
                line.push_str(&word);
            }
            _ => lines.push(word),
        }
    }
    lines
}

//! A tile: one figure, its change against the window before, a sparkline, one line of detail.

use super::bar;
use crate::tui::clean;
use crate::tui::pen::Pen;
use crate::tui::theme::Role;
use ratatui::layout::Rect;
use std::borrow::Cow;

/// What stands below the figure of a tile.
pub(crate) enum Below {
    /// Nothing.
    Nothing,
    /// The figure over time.
    Trend(Vec<Option<f64>>),
    /// The figure as a share of what there is.
    Share(f64, Role),
}

/// What a tile says.
pub(crate) struct Tile {
    /// What the figure is.
    pub name: Cow<'static, str>,
    /// The figure with its unit.
    pub figure: String,
    /// How the figure looks.
    pub role: Role,
    /// The change, such as `▲ 3 %`, and how it looks.
    pub change: Option<(String, Role)>,
    /// What stands below the figure where there is room.
    pub below: Below,
    /// What explains it, the longest form first.
    pub details: Vec<String>,
}

impl Tile {
    /// Draws it in a box: with two rows inside there is a sparkline, with three a line of detail.
    pub fn draw(&self, pen: &mut Pen, area: Rect) {
        let inner = pen.panel_with(area, &[(&self.name, Role::Dim)]);
        if inner.height == 0 || inner.width < 3 {
            return;
        }
        let pad = u16::from(inner.width >= 16);
        let inner = Rect { x: inner.x + pad, width: inner.width - 2 * pad, ..inner };
        self.head(pen, inner);
        if inner.height >= 2 {
            self.below(pen, Rect { y: inner.y + 1, ..inner });
        }
        let detail = self.details.iter().find(|d| clean::width(d) <= usize::from(inner.width));
        if let Some(detail) = detail.filter(|_| inner.height >= 3) {
            pen.text(inner.x, inner.y + 2, inner.width, detail, Role::Dim);
        }
    }

    fn below(&self, pen: &mut Pen, area: Rect) {
        match &self.below {
            Below::Nothing => {}
            Below::Trend(values) => bar::spark(pen, area.x, area.y, area.width, values, Role::Text),
            Below::Share(share, role) => bar::gauge(pen, area.x, area.y, area.width, *share, *role),
        }
    }

    /// Draws it on one row: name, figure, change.
    pub fn draw_row(&self, pen: &mut Pen, area: Rect) {
        let name = pen.text(area.x, area.y, 9, &self.name, Role::Dim).max(9);
        if area.width > name + 1 {
            self.head(pen, Rect { x: area.x + name + 1, width: area.width - name - 1, ..area });
        }
    }

    fn head(&self, pen: &mut Pen, area: Rect) {
        let (figure, change) = self.fitting(usize::from(area.width));
        // What does not fit even so is no figure any more.
        if clean::width(&figure) > usize::from(area.width) {
            return pen.figure(area.x, area.y, area.width, &figure, self.role);
        }
        pen.text(area.x, area.y, area.width, &figure, self.role);
        if let Some((change, role)) = change {
            pen.figure(area.x, area.y, area.width, &change, role);
        }
    }

    /// The figure and its change as there is room: first the change loses its spaces, then the figure, then the change
    /// goes as a whole, since an arrow or a number without its unit says something else.
    fn fitting(&self, width: usize) -> (Cow<'_, str>, Option<(Cow<'_, str>, Role)>) {
        let (figure, tight) = (&self.figure, self.figure.replace(' ', ""));
        let alone = if clean::width(figure) <= width { Cow::from(figure) } else { Cow::from(tight.clone()) };
        let Some((change, role)) = &self.change else { return (alone, None) };
        let squeezed = change.replace(' ', "");
        let forms = [(figure, change), (figure, &squeezed), (&tight, &squeezed)];
        match forms.into_iter().find(|(f, c)| clean::width(f) + clean::width(c) < width) {
            Some((figure, change)) => (Cow::from(figure.clone()), Some((Cow::from(change.clone()), *role))),
            None => (alone, None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(figure: &str, change: &str, width: usize) -> String {
        let tile = Tile {
            name: "errors".into(),
            figure: figure.to_owned(),
            role: Role::Text,
            change: Some((change.to_owned(), Role::Dim)),
            below: Below::Nothing,
            details: Vec::new(),
        };
        let (figure, change) = tile.fitting(width);
        [figure, change.map(|(change, _)| change).unwrap_or_default()].join("|")
    }

    #[test]
    fn a_change_is_whole_or_not_there() {
        assert_eq!(head("0.136 %", "▼ 35.4 pt", 17), "0.136 %|▼ 35.4 pt");
        assert_eq!(head("0.136 %", "▼ 35.4 pt", 16), "0.136 %|▼35.4pt");
        assert_eq!(head("0.136 %", "▼ 35.4 pt", 14), "0.136%|▼35.4pt");
        assert_eq!(head("0.136 %", "▼ 35.4 pt", 13), "0.136 %|");
        assert_eq!(head("0.136 %", "▼ 35.4 pt", 6), "0.136%|");
    }
}

//! A tile: one figure, its change against the window before, a sparkline, one line of detail.

use super::bar;
use crate::tui::clean;
use crate::tui::pen::Pen;
use crate::tui::theme::Role;
use ratatui::layout::Rect;

/// What a tile says.
pub(crate) struct Tile {
    /// What the figure is.
    pub name: &'static str,
    /// The figure with its unit.
    pub figure: String,
    /// How the figure looks.
    pub role: Role,
    /// The change, such as `▲ 3 %`, and how it looks.
    pub change: Option<(String, Role)>,
    /// The figure over time.
    pub trend: Vec<Option<f64>>,
    /// What explains it, the longest form first.
    pub details: Vec<String>,
}

impl Tile {
    /// Draws it in a box: with two rows inside there is a sparkline, with three a line of detail.
    pub fn draw(&self, pen: &mut Pen, area: Rect) {
        let inner = pen.panel_with(area, &[(self.name, Role::Dim)]);
        if inner.height == 0 || inner.width < 3 {
            return;
        }
        let pad = u16::from(inner.width >= 16);
        let inner = Rect { x: inner.x + pad, width: inner.width - 2 * pad, ..inner };
        self.head(pen, inner);
        if inner.height >= 2 {
            bar::spark(pen, inner.x, inner.y + 1, inner.width, &self.trend, Role::Text);
        }
        let detail = self.details.iter().find(|d| clean::width(d) <= usize::from(inner.width));
        if let Some(detail) = detail.filter(|_| inner.height >= 3) {
            pen.text(inner.x, inner.y + 2, inner.width, detail, Role::Dim);
        }
    }

    /// Draws it on one row: name, figure, change.
    pub fn draw_row(&self, pen: &mut Pen, area: Rect) {
        let name = pen.text(area.x, area.y, 9, self.name, Role::Dim).max(9);
        if area.width > name + 1 {
            self.head(pen, Rect { x: area.x + name + 1, width: area.width - name - 1, ..area });
        }
    }

    fn head(&self, pen: &mut Pen, area: Rect) {
        let figure = clean::width(&self.figure) as u16;
        if figure > area.width {
            return pen.figure(area.x, area.y, area.width, &self.figure, self.role);
        }
        pen.text(area.x, area.y, area.width, &self.figure, self.role);
        let Some((change, role)) = &self.change else { return };
        // Without room the change loses its spaces and its unit, then all but its direction.
        let squeezed = change.replace(" pt", "").replace(' ', "");
        let arrow: String = change.chars().take(1).collect();
        let room = usize::from(area.width - figure);
        if let Some(fitting) = [change, &squeezed, &arrow].into_iter().find(|c| clean::width(c) < room) {
            pen.figure(area.x, area.y, area.width, fitting, *role);
        }
    }
}

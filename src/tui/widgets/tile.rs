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
    /// What explains it.
    pub detail: String,
}

impl Tile {
    /// Draws it in a box: with two rows inside there is a sparkline, with three a line of detail.
    pub fn draw(&self, pen: &mut Pen, area: Rect) {
        let inner = pen.panel_with(area, &[(self.name, Role::Dim)]);
        if inner.height == 0 || inner.width < 3 {
            return;
        }
        let inner = Rect { x: inner.x + 1, width: inner.width.saturating_sub(1), ..inner };
        self.head(pen, inner);
        if inner.height >= 2 {
            bar::spark(pen, inner.x, inner.y + 1, inner.width.saturating_sub(1), &self.trend, Role::Text);
        }
        if inner.height >= 3 && clean::width(&self.detail) <= usize::from(inner.width) {
            pen.text(inner.x, inner.y + 2, inner.width, &self.detail, Role::Dim);
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
            return;
        }
        pen.text(area.x, area.y, area.width, &self.figure, self.role);
        let Some((change, role)) = &self.change else { return };
        let wide = clean::width(change) as u16;
        let gap = 1;
        if figure + gap + wide < area.width {
            pen.figure(area.x, area.y, area.width - 1, change, *role);
        } else if figure + gap + wide == area.width {
            pen.figure(area.x, area.y, area.width, change, *role);
        } else if figure + 2 <= area.width {
            // The direction alone where the number has no room.
            let arrow: String = change.chars().take(1).collect();
            pen.figure(area.x, area.y, area.width, &arrow, *role);
        }
    }
}

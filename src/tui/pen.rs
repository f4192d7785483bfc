//! The pen: the only way widgets write into the buffer. Every text passes through `clean` here, every cell is clipped.

use super::clean;
use super::mouse::{Spot, Spots};
use super::theme::{Role, Theme};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier, Style};
use std::ops::Range;

/// Writes into a buffer in a theme.
pub(crate) struct Pen<'a> {
    buf: &'a mut Buffer,
    theme: Theme,
    spots: Spots,
    /// The rows of the pane that the panel in hand draws.
    rows: Range<usize>,
}

impl<'a> Pen<'a> {
    /// A pen for a buffer.
    pub fn new(buf: &'a mut Buffer, theme: Theme) -> Pen<'a> {
        Pen { buf, theme, spots: Spots::default(), rows: 0..0 }
    }

    /// What can be clicked on what was drawn.
    pub fn spots(self) -> Spots {
        self.spots
    }

    /// The next panel draws these rows of the pane.
    pub fn panel_of(&mut self, rows: Range<usize>) {
        self.rows = rows;
    }

    /// A row of the panel in hand is here, if that has rows.
    pub fn row_spot(&mut self, area: Rect, row: usize) {
        if row < self.rows.len() {
            self.spots.add(area, Spot::Row(self.rows.start + row));
        }
    }

    /// The name of a pane is here.
    pub fn pane_spot(&mut self, area: Rect, pane: usize) {
        self.spots.add(area, Spot::Pane(pane));
    }

    /// The theme it writes in.
    pub fn theme(&self) -> Theme {
        self.theme
    }

    /// Writes a text into at most `width` columns and answers the columns used. What does not fit ends in `…`.
    pub fn text(&mut self, x: u16, y: u16, width: u16, text: &str, role: Role) -> u16 {
        let area = self.buf.area;
        if y < area.y || y >= area.bottom() || x < area.x || x >= area.right() {
            return 0;
        }
        let room = width.min(area.right() - x);
        let text = clean::fit(text, usize::from(room));
        let (end, _) = self.buf.set_stringn(x, y, text, usize::from(room), fresh(self.theme.style(role)));
        end - x
    }

    /// Writes a figure so that it ends at the right edge of its place. Half a figure is a wrong one: where it does not
    /// fit, `…` stands for it.
    pub fn figure(&mut self, x: u16, y: u16, width: u16, text: &str, role: Role) {
        let text = if clean::width(text) > usize::from(width) { "…" } else { text };
        let wide = (clean::width(text) as u16).min(width);
        let start = x + width - wide;
        self.text(start, y, wide, text, role);
    }

    /// Sets one cell.
    pub fn put(&mut self, x: u16, y: u16, c: char, role: Role) {
        let style = self.theme.style(role);
        self.put_styled(x, y, c, style);
    }

    /// Sets one cell in a style made of inks.
    pub fn put_styled(&mut self, x: u16, y: u16, c: char, style: Style) {
        if let Some(cell) = self.buf.cell_mut((x, y)) {
            cell.set_char(c).set_style(fresh(style));
        }
    }

    /// Whether nothing has been written to a cell.
    pub fn is_blank(&self, x: u16, y: u16) -> bool {
        self.buf.cell((x, y)).is_some_and(|cell| cell.symbol() == " ")
    }

    /// Marks an area as the place of the cursor: one look for all of it, whatever colours it had.
    pub fn mark(&mut self, area: Rect) {
        let style = fresh(self.theme.style(Role::Cursor));
        self.buf.set_style(area.intersection(self.buf.area), style);
    }

    /// Empties an area; what was there is to be clicked no more.
    pub fn erase(&mut self, area: Rect) {
        let area = area.intersection(self.buf.area);
        self.spots.cover(area);
        for y in area.top()..area.bottom() {
            for x in area.left()..area.right() {
                if let Some(cell) = self.buf.cell_mut((x, y)) {
                    cell.reset();
                }
            }
        }
    }

    /// Draws a box with a title in its upper line and answers its inside. Without room for a box, all is inside.
    pub fn panel(&mut self, area: Rect, title: &str) -> Rect {
        self.panel_with(area, &[(title, Role::Title)])
    }

    /// The same with a title of several parts. The first is its name and may be cut; of the others those that do not fit
    /// go as a whole, from the right.
    pub fn panel_with(&mut self, area: Rect, title: &[(&str, Role)]) -> Rect {
        let area = area.intersection(self.buf.area);
        if area.width < 4 || area.height < 3 {
            return area;
        }
        self.frame(area);
        let mut x = area.x + 2;
        let end = area.right() - 2;
        for (i, (part, role)) in title.iter().filter(|(part, _)| !part.is_empty()).enumerate() {
            let room = usize::from(end.saturating_sub(x));
            if room == 0 || (i > 0 && clean::width(part) > room) {
                break;
            }
            self.put(x - 1, area.y, ' ', Role::Text);
            x += self.text(x, area.y, end - x, part, *role) + 2;
            self.put(x - 2, area.y, ' ', Role::Text);
        }
        Rect { x: area.x + 1, y: area.y + 1, width: area.width - 2, height: area.height - 2 }
    }

    /// Says in the lower line of the box around an area that so many rows of what is in it have no room.
    pub fn hidden(&mut self, area: Rect, rows: usize) {
        let text = format!(" {rows} more ");
        let wide = clean::width(&text) as u16;
        let x = area.right().saturating_sub(wide + 1);
        let is_line = |x| self.buf.cell((x, area.bottom())).is_some_and(|cell| cell.symbol() == "─");
        if rows > 0 && x > area.x && (x..x + wide).all(is_line) {
            self.text(x, area.bottom(), wide, &text, Role::Dim);
        }
    }

    fn frame(&mut self, area: Rect) {
        let (right, bottom) = (area.right() - 1, area.bottom() - 1);
        for x in area.x + 1..right {
            self.put(x, area.y, '─', Role::Border);
            self.put(x, bottom, '─', Role::Border);
        }
        for y in area.y + 1..bottom {
            self.put(area.x, y, '│', Role::Border);
            self.put(right, y, '│', Role::Border);
        }
        for (x, y, c) in [(area.x, area.y, '┌'), (right, area.y, '┐'), (area.x, bottom, '└'), (right, bottom, '┘')]
        {
            self.put(x, y, c, Role::Border);
        }
    }

    /// Words in the middle of an area, one line each.
    pub fn words(&mut self, area: Rect, lines: &[(String, Role)]) {
        let skip = usize::from(area.height).saturating_sub(lines.len()) / 2;
        let wide = lines.iter().map(|(l, _)| clean::width(l)).max().unwrap_or(0).min(usize::from(area.width)) as u16;
        let x = area.x + (area.width - wide) / 2;
        for (i, (line, role)) in lines.iter().take(usize::from(area.height)).enumerate() {
            self.text(x, area.y + (skip + i) as u16, wide, line, *role);
        }
    }
}

/// A style that leaves nothing of the one before.
fn fresh(style: Style) -> Style {
    Style {
        fg: style.fg.or(Some(Color::Reset)),
        bg: style.bg.or(Some(Color::Reset)),
        sub_modifier: Modifier::all().difference(style.add_modifier),
        ..style
    }
}

/// Cuts rows off the top of an area: what was cut, and the rest.
pub(crate) fn top(area: Rect, height: u16) -> (Rect, Rect) {
    let height = height.min(area.height);
    let cut = Rect { height, ..area };
    (cut, Rect { y: area.y + height, height: area.height - height, ..area })
}

/// Cuts rows off the bottom of an area: the rest, and what was cut.
pub(crate) fn bottom(area: Rect, height: u16) -> (Rect, Rect) {
    top(area, area.height - height.min(area.height))
}

/// Cuts columns off the left of an area: what was cut, and the rest.
pub(crate) fn left(area: Rect, width: u16) -> (Rect, Rect) {
    let width = width.min(area.width);
    let cut = Rect { width, ..area };
    (cut, Rect { x: area.x + width, width: area.width - width, ..area })
}

/// An area in two halves, one above the other.
pub(crate) fn halves_of(area: Rect) -> (Rect, Rect) {
    top(area, area.height.div_ceil(2))
}

/// An area in two halves side by side.
pub(crate) fn halves(area: Rect) -> (Rect, Rect) {
    left(area, area.width / 2)
}

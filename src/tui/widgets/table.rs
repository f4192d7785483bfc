//! Tables: columns of fixed width that go in a fixed order where room runs out, a cursor, one bar in the sorted column.

use super::bar;
use crate::tui::clean::{fit_apart, fit_name, width as width_of};
use crate::tui::live::Scene;
use crate::tui::pen::Pen;
use crate::tui::theme::{Ink, Role};
use crate::tui::ui::Order;
use ratatui::layout::Rect;
use std::borrow::Cow;

/// How wide a column is.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Width {
    /// Always this wide.
    Fixed(u16),
    /// At least, and at most this wide, as there is room.
    Between(u16, u16),
}

impl Width {
    fn least(self) -> u16 {
        match self {
            Width::Fixed(w) | Width::Between(w, _) => w,
        }
    }
}

/// On which side a column's text stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    /// Names.
    Left,
    /// Figures.
    Right,
}

/// What stands in one place of a table.
pub(crate) enum Cell<'a> {
    /// A text in a role.
    Text(Cow<'a, str>, Role),
    /// A name, shortened in its middle.
    Name(Cow<'a, str>),
    /// A bar of a share.
    Bar(f64, Role),
    /// A small line over time.
    Trend(Vec<Option<f64>>, Role),
}

impl<'a> Cell<'a> {
    /// A plain figure or name.
    pub fn plain(text: impl Into<Cow<'a, str>>) -> Cell<'a> {
        Cell::Text(text.into(), Role::Text)
    }

    /// A name that differs from others at its end as well as at its beginning.
    pub fn name(text: impl Into<Cow<'a, str>>) -> Cell<'a> {
        Cell::Name(text.into())
    }

    /// Context.
    pub fn dim(text: impl Into<Cow<'a, str>>) -> Cell<'a> {
        Cell::Text(text.into(), Role::Dim)
    }
}

/// A column: one line in a pane's list.
pub(crate) struct Column<T: 'static> {
    /// Its heading.
    pub head: &'static str,
    /// How wide it is.
    pub width: Width,
    /// On which side.
    pub side: Side,
    /// Columns of a higher rank go first where room runs out.
    pub rank: u8,
    /// What stands in it.
    pub cell: for<'a> fn(&'a T, &Scene<'a>) -> Cell<'a>,
    /// What it is sorted by, highest first; unknown last.
    pub key: Option<fn(&T) -> Option<f64>>,
}

/// A table to be drawn.
pub(crate) struct Table<'a, T: 'static> {
    /// Its columns.
    pub columns: &'a [Column<T>],
    /// Its rows, in order.
    pub rows: &'a [&'a T],
    /// The heading it is sorted by.
    pub sorted: Option<&'static str>,
    /// The row of the cursor.
    pub cursor: Option<usize>,
}

const GAP: u16 = 2;
const BAR: u16 = 5;
/// Wider tables give names so much room before they show the least of the figures.
const NAMES_FROM: u16 = 80;
const NAME_LONG: u16 = 24;
/// Narrower tables have no bars.
const BARS_FROM: u16 = 70;

impl<T> Table<'_, T> {
    /// Draws the headings and as many rows as there is room for, the cursor's among them.
    pub fn draw(&self, pen: &mut Pen, area: Rect, scene: &Scene) {
        if area.height == 0 || area.width < 4 {
            return;
        }
        let area = Rect { x: area.x + 1, width: area.width - 2, ..area };
        let places = self.places(area, scene);
        let bar = self.bar_max(area, &places);
        let head = u16::from(area.height >= 2);
        if head > 0 {
            self.heads(pen, area, &places, scene.ui.sort().order);
        }
        let room = usize::from(area.height - head);
        let first = self.cursor.map_or(0, |c| (c + 1).saturating_sub(room));
        pen.hidden(area, self.rows.len().saturating_sub(room));
        let names = self.names(&places, scene);
        for (i, row) in self.rows.iter().enumerate().skip(first).take(room) {
            let y = area.y + head + (i - first) as u16;
            self.row(pen, y, row, &places, scene);
            if let Some((x, wide, names)) = &names
                && let Some(Some(name)) = names.get(i)
            {
                pen.erase(Rect { x: *x, y, width: *wide, height: 1 });
                pen.text(*x, y, *wide, name, Role::Text);
            }
            let whole = Rect { x: area.x - 1, width: area.width + 2, y, height: 1 };
            if self.cursor == Some(i) {
                pen.mark(whole);
            }
            // After the mark, which would turn a bar inside out.
            self.bar(pen, y, row, &places, bar);
            pen.row_spot(whole, i);
        }
    }

    /// Where the first column stands, with those of its names that would be cut to what others are cut to as well, cut
    /// so that they stay different.
    fn names(&self, places: &[(usize, u16, u16)], scene: &Scene) -> Option<(u16, u16, Vec<Option<String>>)> {
        let (column, x, wide) = places.first()?;
        let cell = |row: &&T| match (self.columns[*column].cell)(row, scene) {
            Cell::Name(name) => Some(name.into_owned()),
            _ => None,
        };
        Some((*x, *wide, fit_apart(&self.rows.iter().map(cell).collect::<Vec<_>>(), usize::from(*wide))))
    }

    /// Which columns are shown, where, and how wide.
    fn places(&self, area: Rect, scene: &Scene) -> Vec<(usize, u16, u16)> {
        let mut order: Vec<usize> = (0..self.columns.len()).collect();
        order.sort_by_key(|i| self.columns[*i].rank);
        let bar = |i: usize| if area.width >= BARS_FROM && self.is_sorted(i) { BAR } else { 0 };
        let mut used = 0;
        let mut shown: Vec<(usize, u16)> = Vec::new();
        for i in order {
            let gap = if shown.is_empty() { 0 } else { GAP };
            let least = self.least(i, area, scene);
            if used + least + gap + bar(i) > area.width {
                break;
            }
            used += least + gap + bar(i);
            shown.push((i, least));
        }
        shown.sort_unstable();
        self.widen(&mut shown, area.width - used);
        let mut x = area.x;
        let mut places = Vec::with_capacity(shown.len());
        for (i, wide) in shown {
            places.push((i, x, wide));
            x += wide + GAP + bar(i);
        }
        places
    }

    /// The least width of a column. On wide tables a name as long as most comes before the least of the figures.
    fn least(&self, column: usize, area: Rect, scene: &Scene) -> u16 {
        let Column { width, rank, cell, .. } = &self.columns[column];
        let least = width.least();
        let Width::Between(_, most) = width else { return least.min(area.width) };
        if *rank > 0 || area.width < NAMES_FROM {
            return least.min(area.width);
        }
        let wide = |row: &&T| match cell(row, scene) {
            Cell::Name(name) => width_of(&name),
            _ => 0,
        };
        let longest = self.rows.iter().map(wide).max().unwrap_or(0);
        u16::try_from(longest).unwrap_or(u16::MAX).clamp(least, NAME_LONG.min(*most))
    }

    /// Gives spare room to the columns that take it, evenly.
    fn widen(&self, shown: &mut [(usize, u16)], mut spare: u16) {
        loop {
            let takes =
                |(i, wide): &(usize, u16)| matches!(self.columns[*i].width, Width::Between(_, most) if *wide < most);
            let takers = shown.iter().filter(|c| takes(c)).count() as u16;
            if takers == 0 || spare == 0 {
                return;
            }
            let each = (spare / takers).max(1);
            for column in shown.iter_mut().filter(|c| takes(c)) {
                if let Width::Between(_, most) = self.columns[column.0].width {
                    let more = each.min(most - column.1).min(spare);
                    column.1 += more;
                    spare -= more;
                }
            }
        }
    }

    fn is_sorted(&self, column: usize) -> bool {
        self.sorted == Some(self.columns[column].head) && self.columns[column].side == Side::Right
    }

    /// The sorted column, where its bar starts, and its highest value.
    fn bar_max(&self, area: Rect, places: &[(usize, u16, u16)]) -> Option<(usize, f64)> {
        let (column, ..) = places.iter().find(|(i, ..)| area.width >= BARS_FROM && self.is_sorted(*i))?;
        let key = self.columns[*column].key?;
        let max = self.rows.iter().filter_map(|r| key(r)).fold(0.0, f64::max);
        (max > 0.0).then_some((*column, max))
    }

    fn heads(&self, pen: &mut Pen, area: Rect, places: &[(usize, u16, u16)], order: Order) {
        let arrow = if order == Order::Falling { '▾' } else { '▴' };
        for (i, x, wide) in places {
            let column = &self.columns[*i];
            let sorted = self.sorted == Some(column.head);
            let text = if sorted { Cow::Owned(format!("{}{arrow}", column.head)) } else { Cow::Borrowed(column.head) };
            let role = if sorted { Role::Strong } else { Role::Dim };
            match column.side {
                Side::Left => drop(pen.text(*x, area.y, *wide, &text, role)),
                // The arrow stands in the gap, so that the heading stays above its figures.
                Side::Right if sorted => pen.figure(*x, area.y, wide + 1, &text, role),
                Side::Right => pen.figure(*x, area.y, *wide, &text, role),
            }
        }
    }

    fn row<'s>(&self, pen: &mut Pen, y: u16, row: &'s T, places: &[(usize, u16, u16)], scene: &Scene<'s>) {
        for (i, x, wide) in places {
            let column = &self.columns[*i];
            match ((column.cell)(row, scene), column.side) {
                (Cell::Text(text, role), Side::Left) => drop(pen.text(*x, y, *wide, &text, role)),
                (Cell::Text(text, role), Side::Right) => pen.figure(*x, y, *wide, &text, role),
                (Cell::Name(text), _) => drop(pen.text(*x, y, *wide, &fit_name(&text, usize::from(*wide)), Role::Text)),
                (Cell::Bar(share, role), _) => bar::gauge(pen, *x, y, *wide, share, role),
                (Cell::Trend(values, role), _) => bar::spark(pen, *x, y, *wide, &values, role),
            }
        }
    }

    /// The bar of the sorted column, in the gap after it.
    fn bar(&self, pen: &mut Pen, y: u16, row: &T, places: &[(usize, u16, u16)], bar_max: Option<(usize, f64)>) {
        let Some((sorted, max)) = bar_max else { return };
        let Some((_, x, wide)) = places.iter().find(|(i, ..)| *i == sorted) else { return };
        let x = x + wide + 1;
        let share = self.columns[sorted].key.and_then(|key| key(row)).unwrap_or(0.0) / max;
        pen.erase(Rect { x, y, width: BAR - 1, height: 1 });
        bar::along(pen, x, y, BAR - 1, share, Role::Series(Ink::One));
    }
}

/// Rows sorted by a column, highest first or turned around; unknown values last, equal ones as they came.
pub(crate) fn sort_rows<'a, T>(rows: &'a [T], columns: &[Column<T>], sort: super::super::ui::Sort) -> Vec<&'a T> {
    let mut sorted: Vec<&T> = rows.iter().collect();
    let Some(key) = columns.iter().find(|c| Some(c.head) == sort.head).and_then(|c| c.key) else { return sorted };
    sorted.sort_by(|a, b| match (key(a), key(b)) {
        (Some(a), Some(b)) => sort.order.of(b.total_cmp(&a)),
        (a, b) => b.is_some().cmp(&a.is_some()),
    });
    sorted
}

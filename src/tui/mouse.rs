//! The mouse is data, as keys are: one table from what was done where to an action. Where things are is told by the
//! drawing: it leaves a spot for each thing that can be clicked.

use super::keys::{Action, Context, Step};
use crossterm::event::{MouseButton, MouseEvent, MouseEventKind};
use ratatui::layout::{Position, Rect};

/// Something on the screen that can be clicked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spot {
    /// The name of a pane, by its number from 0.
    Pane(usize),
    /// A row, by its number from 0 over all rows of the pane.
    Row(usize),
}

/// The spots of a frame.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Spots(Vec<(Rect, Spot)>);

impl Spots {
    /// Notes that something is here.
    pub(super) fn add(&mut self, area: Rect, spot: Spot) {
        self.0.push((area, spot));
    }

    /// What is here is covered by something else.
    pub(super) fn cover(&mut self, area: Rect) {
        self.0.retain(|(spot, _)| !spot.intersects(area));
    }

    /// What is at a place.
    pub fn at(&self, column: u16, row: u16) -> Option<Spot> {
        let found = self.0.iter().rev().find(|(area, _)| area.contains(Position { x: column, y: row }));
        found.map(|(_, spot)| *spot)
    }
}

/// Whether the mouse is listened to. While it is, the terminal selects no text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mouse {
    /// It is the terminal's.
    #[default]
    Ignored,
    /// It moves and opens.
    Used,
}

/// One line of the table.
struct Binding {
    what: MouseEventKind,
    contexts: &'static [Context],
    /// What it does on a spot, or beside all of them.
    act: fn(Option<Spot>) -> Option<Action>,
}

const PANE: &[Context] = &[Context::Pane];
const VIEWS: &[Context] = &[Context::Pane, Context::Details];
const READ: &[Context] = &[Context::Pane, Context::Details, Context::Help];

static MOUSE: &[Binding] = &[
    Binding { what: MouseEventKind::ScrollDown, contexts: READ, act: |_| Some(Action::Move(Step::Down)) },
    Binding { what: MouseEventKind::ScrollUp, contexts: READ, act: |_| Some(Action::Move(Step::Up)) },
    Binding { what: MouseEventKind::Down(MouseButton::Left), contexts: VIEWS, act: pane },
    Binding { what: MouseEventKind::Down(MouseButton::Left), contexts: PANE, act: row },
];

fn pane(spot: Option<Spot>) -> Option<Action> {
    match spot {
        Some(Spot::Pane(number)) => Some(Action::Pane(number)),
        _ => None,
    }
}

fn row(spot: Option<Spot>) -> Option<Action> {
    match spot {
        Some(Spot::Row(number)) => Some(Action::Click(number)),
        _ => None,
    }
}

/// The action of the mouse in a context, on a frame with these spots.
pub fn lookup(context: Context, event: MouseEvent, spots: &Spots) -> Option<Action> {
    let spot = spots.at(event.column, event.row);
    let here = MOUSE.iter().filter(|b| b.what == event.kind && b.contexts.contains(&context));
    here.into_iter().find_map(|b| (b.act)(spot))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crossterm::event::KeyModifiers;

    fn event(kind: MouseEventKind, column: u16, row: u16) -> MouseEvent {
        MouseEvent { kind, column, row, modifiers: KeyModifiers::NONE }
    }

    #[test]
    fn a_place_means_what_was_drawn_there_last() {
        let mut spots = Spots::default();
        spots.add(Rect::new(2, 3, 10, 1), Spot::Row(4));
        spots.add(Rect::new(0, 9, 5, 1), Spot::Pane(1));
        let left = MouseEventKind::Down(MouseButton::Left);
        let click = |context, x, y, spots: &Spots| lookup(context, event(left, x, y), spots);
        assert_eq!(click(Context::Pane, 2, 3, &spots), Some(Action::Click(4)));
        assert_eq!(click(Context::Pane, 11, 3, &spots), Some(Action::Click(4)));
        assert_eq!(click(Context::Pane, 12, 3, &spots), None);
        assert_eq!(click(Context::Details, 4, 9, &spots), Some(Action::Pane(1)));
        assert_eq!(click(Context::Details, 2, 3, &spots), None, "rows are behind the details");
        assert_eq!(click(Context::Line, 4, 9, &spots), None);
        spots.cover(Rect::new(0, 3, 80, 1));
        assert_eq!(click(Context::Pane, 2, 3, &spots), None);
        let wheel = event(MouseEventKind::ScrollDown, 70, 20);
        assert_eq!(lookup(Context::Help, wheel, &spots), Some(Action::Move(Step::Down)));
        assert_eq!(lookup(Context::Line, wheel, &spots), None);
        let other = event(MouseEventKind::Down(MouseButton::Middle), 0, 9);
        assert_eq!(lookup(Context::Pane, other, &spots), None);
    }
}

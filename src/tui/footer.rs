//! The last line: the panes with their numbers, then hints from the key table as far as there is room.

use super::clean::width;
use super::keys::{Action, Binding, Context, KEYS};
use super::live::Scene;
use super::panes::{self, Pane};
use super::pen::Pen;
use super::theme::Role;
use super::ui::Ui;
use ratatui::layout::Rect;

/// How a pane is named, by its number from 0 and whether it is the one shown; `None` leaves it out.
type Name = fn(usize, &Pane, Here) -> Option<String>;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Here {
    Shown,
    Behind,
}

/// The ways to name the panes, the longest first.
const NAMES: [Name; 4] = [
    |i, pane, _| Some(keyed(i, pane.title)),
    |i, pane, _| Some(keyed(i, pane.short)),
    |i, pane, here| if here == Here::Shown { Some(keyed(i, pane.short)) } else { panes::key_of(i).map(String::from) },
    |i, pane, here| (here == Here::Shown).then(|| keyed(i, pane.title)),
];

/// A name behind its key, where it has one.
fn keyed(number: usize, name: &str) -> String {
    panes::key_of(number).map_or_else(|| name.to_owned(), |key| format!("{key} {name}"))
}

/// Draws it: names of panes as long as they leave room for how to get help and how to leave.
pub(crate) fn draw(pen: &mut Pen, area: Rect, scene: &Scene) {
    let ui = scene.ui;
    let needed: u16 = here(ui.context()).filter(|b| is_last(b)).map(wide).sum();
    let fits = |name: &Name| used(&tabs(*name, ui)) + 1 + needed <= area.width;
    let names = NAMES.into_iter().find(fits).map(|name| tabs(name, ui)).unwrap_or_default();
    let mut x = area.x;
    for (i, text, role) in names {
        let wide = pen.text(x, area.y, area.right() - x, &text, role);
        pen.pane_spot(Rect { x, width: wide, ..area }, i);
        x += wide + 1;
    }
    hints(pen, Rect { x, width: area.right().saturating_sub(x), ..area }, ui);
}

/// What is written for each pane.
fn tabs(name: Name, ui: &Ui) -> Vec<(usize, String, Role)> {
    let tab = |(i, pane): (usize, &&Pane)| {
        let (here, role) = if i == ui.pane { (Here::Shown, Role::Cursor) } else { (Here::Behind, Role::Dim) };
        name(i, pane, here).map(|text| (i, text, role))
    };
    panes::ALL.iter().enumerate().filter_map(tab).collect()
}

/// Columns of names with one between each and the next.
fn used(tabs: &[(usize, String, Role)]) -> u16 {
    let columns: usize = tabs.iter().map(|(_, text, _)| width(text) + 1).sum();
    u16::try_from(columns.saturating_sub(1)).unwrap_or(u16::MAX)
}

/// The bindings that have a hint here.
fn here(context: Context) -> impl Iterator<Item = &'static Binding> {
    KEYS.iter().filter(move |b| !b.hint.is_empty() && b.contexts.contains(&context))
}

fn is_last(binding: &Binding) -> bool {
    matches!(binding.action, Action::Help | Action::Quit)
}

fn key_name(binding: &Binding) -> String {
    binding.keys.first().map(|k| k.name()).unwrap_or_default()
}

/// Columns of a hint with the space before it.
fn wide(binding: &Binding) -> u16 {
    (width(&key_name(binding)) + 3 + width(binding.hint)) as u16
}

/// The hints of the key table, at the right edge: help and quit first, then as many as there is room for, in the order
/// of the table.
fn hints(pen: &mut Pen, area: Rect, ui: &Ui) {
    let mut room = area.width;
    let mut take = |b: &&Binding| room.checked_sub(wide(b)).map(|left| room = left).is_some();
    let all = || here(ui.context()).filter(|b| ui.offers(b.action));
    let last: Vec<_> = all().filter(|b| is_last(b)).take_while(&mut take).collect();
    let first: Vec<_> = all().filter(|b| !is_last(b)).take_while(&mut take).collect();
    let mut x = area.x + room;
    for binding in first.into_iter().chain(last) {
        x += 2 + pen.text(x + 2, area.y, area.width, &key_name(binding), Role::Strong);
        x += 1 + pen.text(x + 1, area.y, area.width, binding.hint, Role::Dim);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_names_of_panes_are_short() {
        for pane in panes::ALL {
            assert!((1..=5).contains(&pane.short.len()), "{}", pane.name);
            assert!(panes::ALL.iter().filter(|p| p.short == pane.short).count() == 1, "{}", pane.name);
        }
    }
}

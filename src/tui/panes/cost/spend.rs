//! What is being spent: in the window, per hour, against the window before; which models have calls without a price.

use crate::snapshot::{Group, Stats};
use crate::tui::clean::fit_name;
use crate::tui::figures::{self, Bad};
use crate::tui::live::Scene;
use crate::tui::pen::{self, Pen};
use crate::tui::theme::Role;
use crate::units;
use crate::view::{Dim, Span};
use ratatui::layout::Rect;

/// A line: its name, its figure, what explains it, the longest form first.
type Fact = (String, (String, Role), Vec<(String, Role)>);

/// Columns of names and of figures.
const NAME: u16 = 12;
const FIGURE: u16 = 8;

/// Money: at least that, where calls have no price.
pub(super) fn money(nano: Option<f64>, stats: &Stats) -> String {
    match nano {
        Some(n) if stats.unpriced_calls > 0 => figures::least_money(n),
        n => figures::money(n),
    }
}

/// Writes lines: the name, the figure at the right edge of its column, and of the explanations the first that has room.
pub(super) fn facts(pen: &mut Pen, area: Rect, name: u16, facts: &[Fact]) {
    for (i, (what, (figure, role), notes)) in facts.iter().take(usize::from(area.height)).enumerate() {
        let y = area.y + i as u16;
        pen.text(area.x, y, name.min(area.width), what, Role::Dim);
        let x = area.x + name;
        if x + FIGURE > area.right() {
            continue;
        }
        pen.figure(x, y, FIGURE, figure, *role);
        let room = area.right().saturating_sub(x + FIGURE + 2);
        let fits = |(note, _): &&(String, Role)| crate::tui::clean::width(note) <= usize::from(room);
        if let Some((note, role)) = notes.iter().find(fits) {
            pen.text(x + FIGURE + 2, y, room, note, *role);
        }
    }
}

/// Draws the panel.
pub(super) fn draw(pen: &mut Pen, area: Rect, scene: &Scene, _: Option<usize>) {
    let now = &scene.snapshot.totals;
    let unpriced = match now.unpriced_calls {
        0 => String::new(),
        n => format!("{} unpriced", figures::count(n)),
    };
    let framed = area.height >= 3;
    let inner = pen.panel_with(area, &[("spend", Role::Title), (&unpriced, Role::Warn)]);
    let inner = if framed { Rect { x: inner.x + 1, width: inner.width.saturating_sub(2), ..inner } } else { inner };
    let lines = lines(scene);
    facts(pen, inner, NAME, &lines);
    models(pen, pen::top(inner, lines.len() as u16).1, scene);
}

fn lines(scene: &Scene) -> Vec<Fact> {
    let snapshot = scene.snapshot;
    let now = &snapshot.totals;
    let cost = now.known_nusd();
    let spent = cost.map(|n| n as f64);
    let before = figures::whole_before(snapshot);
    let change = figures::change(spent, before.and_then(|b| b.cost_nusd).map(|n| n as f64), Bad::FarUp);
    let per_hour = figures::hourly(snapshot, cost);
    let window = match scene.ui.window.span {
        Span::All => "in all".to_owned(),
        Span::Micros(_) => scene.ui.window_words(),
    };
    let strong = |nano| (money(nano, now), Role::Strong);
    let mut lines = vec![
        ("per hour".to_owned(), strong(per_hour), change.into_iter().collect()),
        (window, strong(spent), vec![(format!("{} calls", figures::count(now.calls)), Role::Dim)]),
    ];
    if let Some(before) = before {
        let spent = money(before.cost_nusd.map(|n| n as f64), before);
        let calls = format!("{} calls", figures::count(before.calls));
        lines.push(("before".to_owned(), (spent, Role::Text), vec![(calls, Role::Dim)]));
    }
    lines.extend(unpriced(now));
    lines
}

/// How many calls have no price.
fn unpriced(now: &Stats) -> Option<Fact> {
    let n = now.unpriced_calls;
    let share = units::percent(n as f64 / now.calls.max(1) as f64);
    let notes = vec![(format!("calls, {share}"), Role::Dim), ("calls".to_owned(), Role::Dim)];
    (n > 0).then(|| ("unpriced".to_owned(), (figures::count(n), Role::Warn), notes))
}

/// Columns of the tokens of a model.
const TOKENS: u16 = 13;
/// Columns of its whole line at most: further apart than this, nobody reads it as one.
const WIDEST: u16 = 64;

/// The models of the calls without a price, with their tokens: most calls first, as many as have room.
fn models(pen: &mut Pen, area: Rect, scene: &Scene) {
    let table = super::table(scene.snapshot, Dim::Model);
    let mut models: Vec<&Group> =
        table.into_iter().flat_map(|t| &t.groups).filter(|g| g.stats.unpriced_calls > 0).collect();
    models.sort_by_key(|g| std::cmp::Reverse(g.stats.unpriced_calls));
    let area = Rect { width: area.width.min(WIDEST), ..area };
    for (group, y) in models.into_iter().zip(area.top()..area.bottom()) {
        of_model(pen, Rect { y, height: 1, ..area }, group);
    }
}

fn of_model(pen: &mut Pen, area: Rect, group: &Group) {
    const CALLS: u16 = 6;
    let rest = area.width.saturating_sub(CALLS + 1 + TOKENS + 2);
    if rest < 6 {
        return;
    }
    let name = group.key.first().and_then(Option::as_deref).unwrap_or("(none)");
    pen.text(area.x + 1, area.y, rest - 1, &fit_name(name, usize::from(rest) - 1), Role::Text);
    pen.figure(area.x + rest + 1, area.y, CALLS, &figures::count(group.stats.unpriced_calls), Role::Text);
    pen.text(area.x + rest + CALLS + 3, area.y, TOKENS, &tokens(&group.stats), Role::Dim);
}

/// Where only some calls of a model have no price, nobody knows how many of its tokens are theirs: at most all.
fn tokens(s: &Stats) -> String {
    match figures::all_tokens(s.input_tokens, s.output_tokens) {
        Some(n) if s.unpriced_calls == s.calls => format!("{} tokens", units::compact(n as f64)),
        Some(n) if s.unpriced_calls > s.calls / 2 => format!("≤{} tokens", units::compact(n as f64)),
        None if s.unpriced_calls == s.calls => "no tokens".to_owned(),
        _ => format!("of {}", figures::count(s.calls)),
    }
}

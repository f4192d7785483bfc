//! Dollars per hour over time, stacked by model: the dearest ones at the bottom, all others on top.

use crate::snapshot::{Group, Point};
use crate::tui::clean::fit_name;
use crate::tui::figures;
use crate::tui::live::Scene;
use crate::tui::panes::charts;
use crate::tui::pen::Pen;
use crate::tui::theme::{Ink, Role};
use crate::tui::widgets::stack::Stack;
use crate::view::{Dim, Range};
use ratatui::layout::Rect;

/// The inks of the dearest models, from the bottom up, and of all others.
const INKS: [Ink; 4] = [Ink::One, Ink::Two, Ink::Three, Ink::Ghost];
const OTHERS: usize = INKS.len() - 1;
/// Columns of a model's name in the title.
const NAME: usize = 22;

/// Draws the panel.
pub(super) fn draw(pen: &mut Pen, area: Rect, scene: &Scene, _: Option<usize>) {
    let snapshot = scene.snapshot;
    let groups = priced(scene);
    let Some(first) = groups.first() else {
        let inner = pen.panel(area, "$/h");
        let why =
            if snapshot.totals.cost_nusd.is_none() { "no call in this window has a price" } else { "looking …" };
        return pen.words(inner, &[(why.to_owned(), Role::Dim)]);
    };
    let columns: Vec<(Range, Vec<f64>)> = first
        .points
        .iter()
        .enumerate()
        .map(|(step, point)| {
            let factor = per_hour(point.range) * figures::whole_step(point.range, snapshot.range);
            (point.range, parts(&groups, step).into_iter().map(|n| n * factor).collect())
        })
        .collect();
    let inner = pen_title(pen, area, scene, &groups, &columns);
    Stack { axis: charts::axis(scene), inks: INKS.to_vec(), columns, write: charts::axis_money }.draw(pen, inner);
}

/// The models with a cost and a chart, dearest first.
fn priced<'a>(scene: &Scene<'a>) -> Vec<&'a Group> {
    let table = super::table(scene.snapshot, Dim::Model).into_iter();
    let mut groups: Vec<&Group> =
        table.flat_map(|t| &t.groups).filter(|g| g.stats.cost_nusd.is_some() && !g.points.is_empty()).collect();
    groups.sort_by_key(|g| std::cmp::Reverse(g.stats.cost_nusd));
    groups
}

/// By what the cost of a step becomes one per hour.
fn per_hour(step: Range) -> f64 {
    3.6e9 / step.len_us().max(1) as f64
}

/// The costs of a step: of each of the dearest models, of the others together.
fn parts(groups: &[&Group], step: usize) -> Vec<f64> {
    let cost = |g: &&Group| g.points.get(step).and_then(|p: &Point| p.cost_nusd).unwrap_or(0).max(0) as f64;
    let mut parts: Vec<f64> = groups.iter().take(OTHERS).map(cost).collect();
    parts.resize(OTHERS, 0.0);
    parts.push(groups.iter().skip(OTHERS).map(cost).sum());
    parts
}

/// The figures at the cursor, else those of the window, each beside its ink.
fn pen_title(pen: &mut Pen, area: Rect, scene: &Scene, groups: &[&Group], columns: &[(Range, Vec<f64>)]) -> Rect {
    let pointed = scene.ui.time_cursor.and_then(|at| columns.iter().find(|(range, _)| range.contains(at)));
    let rate = |of: &mut dyn Iterator<Item = &&Group>| -> Option<f64> {
        figures::hourly(scene.snapshot, of.filter_map(|g| g.stats.cost_nusd).reduce(i64::saturating_add))
    };
    let rate_of = |ink: usize| match pointed {
        Some((_, values)) => values.get(ink).copied(),
        None if ink < OTHERS => rate(&mut groups.iter().skip(ink).take(1)),
        None => rate(&mut groups.iter().skip(OTHERS)),
    };
    let fill = |ink: usize| pen.theme().fill(INKS[ink]);
    let named = |(ink, group): (usize, &&Group)| {
        let name = group.key.first().and_then(Option::as_deref).unwrap_or("(none)");
        format!("{} {} {}", fill(ink), fit_name(name, NAME), figures::money(rate_of(ink)))
    };
    let mut legend: Vec<(String, Role)> = groups
        .iter()
        .take(OTHERS)
        .enumerate()
        .map(|(ink, group)| (named((ink, group)), Role::Series(INKS[ink])))
        .collect();
    let others = groups.len().saturating_sub(OTHERS);
    if others > 0 {
        let text = format!("{} {others} others {}", fill(OTHERS), figures::money(rate_of(OTHERS)));
        legend.push((text, Role::Series(Ink::Ghost)));
    }
    let at = pointed.map_or_else(String::new, |(range, _)| charts::at(range.since_us, scene));
    let mut title = vec![("$/h", Role::Title), (at.as_str(), Role::Strong)];
    title.extend(legend.iter().map(|(text, role)| (text.as_str(), *role)));
    pen.panel_with(area, &title)
}

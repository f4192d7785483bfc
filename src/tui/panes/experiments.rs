//! Experiments: which there are, what the variants of one came to, each metric against the control with its interval, and
//! the verdict in words.

mod metrics;
mod variants;

use super::{Needs, Pane, Panel, no_rows};
use crate::snapshot::Snapshot;
use crate::snapshot::experiments::{Experiment, Judgement};
use crate::tui::live::Scene;
use crate::tui::pen::{self, Pen};
use crate::tui::theme::Role;
use crate::tui::ui::{Target, Ui};
use crate::tui::widgets::table::{Cell, Column, Side, Table, Width};
use crate::units;
use ratatui::layout::Rect;
use std::borrow::Cow;

/// At most so many are listed.
const MOST: usize = 12;

/// The pane.
pub(super) static PANE: Pane = Pane {
    name: "experiments",
    title: "Experiments",
    short: "Exp",
    needs: |ui| Needs {
        sections: crate::view::Sections { experiments: MOST, ..Default::default() },
        experiments: ui.experiments.clone(),
        ..Needs::default()
    },
    panels: &[
        Panel { name: "experiments", rows, draw },
        Panel { name: "variants", rows: variants::rows, draw: variants::draw },
        Panel { name: "against the control", rows: no_rows, draw: metrics::draw },
    ],
    layout,
    by: &[],
    sorts: &[],
    pages: false,
};

/// The metrics are what one comes for: the two tables above them take a few lines each.
fn layout(area: Rect, _: &Ui) -> Vec<(usize, Rect)> {
    if area.height < 12 {
        return vec![(2, area)];
    }
    let few = area.height < 30;
    let (list, rest) = pen::top(area, if few { 6 } else { 8 });
    let (variants, metrics) = pen::top(rest, if few { 5 } else { 7 });
    vec![(0, list), (1, variants), (2, metrics)]
}

/// The experiment the cursor is on, or one of its variants; else the first.
fn shown<'a>(snapshot: &'a Snapshot, ui: &Ui) -> Option<&'a Experiment> {
    let selection = &ui.state().selection;
    let named = match &selection.target {
        Some(Target::Experiment(name) | Target::Variant { experiment: name, .. }) => {
            snapshot.experiments.iter().find(|one| one.rule.name == *name)
        }
        _ => snapshot.experiments.get(selection.index),
    };
    named.or_else(|| snapshot.experiments.first())
}

/// The variant that is compared: the one the cursor is on, else the first beside the control.
fn compared(experiment: &Experiment, ui: &Ui) -> usize {
    let named = match &ui.state().selection.target {
        Some(Target::Variant { variant, .. }) => experiment.arms.iter().position(|arm| arm.variant == *variant),
        _ => None,
    };
    named.unwrap_or(1).max(1)
}

fn rows(snapshot: &Snapshot, _: &Ui) -> Vec<Target> {
    snapshot.experiments.iter().map(|one| Target::Experiment(one.rule.name.clone())).collect()
}

static COLUMNS: &[Column<Experiment>] = &[
    Column {
        head: "",
        width: Width::Between(12, 40),
        side: Side::Left,
        rank: 0,
        cell: |e, _| Cell::name(&*e.rule.name),
        key: None,
    },
    Column {
        head: "variants",
        width: Width::Fixed(8),
        side: Side::Right,
        rank: 4,
        cell: |e, _| Cell::plain(units::count(e.arms.len() as u64)),
        key: None,
    },
    Column { head: "units", width: Width::Fixed(8), side: Side::Right, rank: 2, cell: units_of, key: None },
    Column {
        head: "by",
        width: Width::Fixed(7),
        side: Side::Left,
        rank: 3,
        cell: |e, _| Cell::dim(e.unit.word()),
        key: None,
    },
    Column { head: "verdict", width: Width::Between(39, 90), side: Side::Left, rank: 1, cell: verdict, key: None },
];

fn units_of<'a>(experiment: &'a Experiment, _: &Scene<'a>) -> Cell<'a> {
    Cell::plain(units::count(experiment.arms.iter().fold(0, |sum, arm| sum.saturating_add(arm.units))))
}

/// What is said of the variant of which most can be said.
fn verdict<'a>(experiment: &'a Experiment, _: &Scene<'a>) -> Cell<'a> {
    if experiment.arms.len() < 2 {
        return Cell::dim("one variant alone, nothing to compare");
    }
    let is_open =
        |arm: usize| matches!(experiment.headline(arm).judgement, Judgement::NotYet(_) | Judgement::TooFew(_));
    let arm = (1..experiment.arms.len()).find(|arm| !is_open(*arm)).unwrap_or(1);
    let words = experiment.headline_words(arm);
    let several = experiment.arms.len() > 2 && !experiment.is_mismatched();
    let words = if several { format!("{}: {words}", experiment.arms[arm].variant) } else { words };
    Cell::Text(Cow::Owned(words), role(&experiment.headline(arm).judgement))
}

/// How a judgement looks: what is wrong is red, what is open is context.
fn role(judgement: &Judgement) -> Role {
    match judgement {
        Judgement::Mismatch | Judgement::Worse | Judgement::FalseWin => Role::Bad,
        Judgement::Better | Judgement::Higher | Judgement::Lower => Role::Strong,
        Judgement::NoDifference(_) => Role::Text,
        Judgement::TooFew(_) | Judgement::NotYet(_) => Role::Dim,
    }
}

fn draw(pen: &mut Pen, area: Rect, scene: &Scene, cursor: Option<usize>) {
    let all = &scene.snapshot.experiments;
    let until = scene.snapshot.range.until_us.saturating_sub(1);
    let scope = format!("whole life, up to {} UTC", units::day(until));
    let filter = if scene.ui.filter.is_empty() { "" } else { "whatever the filter" };
    let inner = pen.panel_with(area, &[("experiments", Role::Title), (&scope, Role::Dim), (filter, Role::Dim)]);
    if all.is_empty() {
        let words = ["no call names a variant", r#"a call with "variant":"b" (and "experiment":"name") is of one"#];
        return pen.words(inner, &words.map(|words| (words.to_owned(), Role::Dim)));
    }
    let shown = shown(scene.snapshot, scene.ui).and_then(|one| all.iter().position(|other| std::ptr::eq(one, other)));
    let rows: Vec<&Experiment> = all.iter().collect();
    // Where the cursor is on a variant, the list still shows whose.
    let table = Table { columns: COLUMNS, rows: &rows, sorted: None, cursor };
    table.draw(pen, inner, scene);
    if let (None, Some(at)) = (cursor, shown) {
        let y = inner.y + 1 + at as u16;
        if y < inner.bottom() {
            pen.put(inner.x, y, '▸', Role::Strong);
        }
    }
}

//! One score by what it judges: models, variants, versions of prompts, groups of users.

use super::{by, chosen, figure};
use crate::snapshot::Snapshot;
use crate::snapshot::quality::{By, Scale, ScoreGroup, is_bad_high};
use crate::tui::live::Scene;
use crate::tui::pen::Pen;
use crate::tui::theme::Role;
use crate::tui::ui::{Target, Ui};
use crate::tui::widgets::table::{Cell, Column, Side, Table, Width, sort_rows};
use crate::view::{Dim, Field};
use ratatui::layout::Rect;

/// A group with what its figures are.
#[derive(Clone)]
struct Row {
    group: ScoreGroup,
    scale: Scale,
    is_bad_high: bool,
}

type CellOf = for<'a> fn(&'a Row, &Scene<'a>) -> Cell<'a>;

const fn right(head: &'static str, width: u16, rank: u8, cell: CellOf, key: fn(&Row) -> Option<f64>) -> Column<Row> {
    Column { head, width: Width::Fixed(width), side: Side::Right, rank, cell, key: Some(key) }
}

static COLUMNS: &[Column<Row>] = &[
    Column {
        head: "of",
        width: Width::Between(10, 30),
        side: Side::Left,
        rank: 0,
        cell: |r, _| Cell::name(r.group.value.as_str()),
        key: None,
    },
    right("score", 8, 1, |r, _| figure::cell(figure::value(&r.group.now, r.scale)), |r| r.group.now.value()),
    right("n", 6, 2, |r, _| figure::count(&r.group.now), |r| Some(r.group.now.count() as f64)),
    right("95 % of it", 11, 4, |r, _| figure::cell(figure::interval(&r.group.now, r.scale)), |_| None),
    right(
        "change",
        12,
        3,
        |r, _| figure::cell(figure::change(&r.group.now, &r.group.before, r.scale, r.is_bad_high)),
        |_| None,
    ),
];

/// What the groups are by: as chosen; until something is, the first that the score has groups of. Whole traces have no model.
fn wanted(snapshot: &Snapshot, ui: &Ui) -> By {
    let has = |by: &By| chosen(snapshot, ui).is_some_and(|score| score.groups.iter().any(|group| group.by == *by));
    let first = || By::ALL.into_iter().find(has);
    if ui.by() == 0 { first().unwrap_or(by(0)) } else { by(ui.by()) }
}

fn all(snapshot: &Snapshot, ui: &Ui) -> Vec<Row> {
    let Some(score) = chosen(snapshot, ui) else { return Vec::new() };
    let wanted = wanted(snapshot, ui);
    let groups = score.groups.iter().filter(|group| group.by == wanted);
    let is_bad_high = is_bad_high(&score.name);
    let rows: Vec<Row> = groups.map(|group| Row { group: group.clone(), scale: score.scale, is_bad_high }).collect();
    sort_rows(&rows, COLUMNS, ui.sort()).into_iter().cloned().collect()
}

/// What the rows stand for.
pub(super) fn rows(snapshot: &Snapshot, ui: &Ui) -> Vec<Target> {
    let target = |row: Row| {
        let ScoreGroup { by, value, .. } = row.group;
        let field = match by {
            By::Model => Field::Dim(Dim::Model),
            By::Variant => Field::Dim(Dim::Variant),
            By::App => Field::Dim(Dim::App),
            By::Environment => Field::Dim(Dim::Environment),
            By::Prompt | By::Tag => Field::Tag,
        };
        Target::Narrow(field, value)
    };
    all(snapshot, ui).into_iter().map(target).collect()
}

/// Draws the panel.
pub(super) fn draw(pen: &mut Pen, area: Rect, scene: &Scene, cursor: Option<usize>) {
    let (snapshot, ui) = (scene.snapshot, scene.ui);
    let word = wanted(snapshot, ui).word();
    let name = chosen(snapshot, ui).map_or("score", |score| score.name.as_str());
    let title = format!("{name} by {word}");
    let inner = pen.panel_with(area, &[(&title, Role::Title), ("b groups otherwise", Role::Dim)]);
    let rows = all(snapshot, ui);
    if rows.is_empty() {
        let why = match wanted(snapshot, ui) {
            By::Model => "no model: these judge whole traces".to_owned(),
            By::Prompt => "no call has a tag such as prompt:v3".to_owned(),
            _ => format!("no judged call says its {word}"),
        };
        return pen.words(inner, &[(why, Role::Dim), ("b groups otherwise".to_owned(), Role::Dim)]);
    }
    // The columns look at rows that live only here: they are drawn by a scene of the same life.
    let rows: Vec<&Row> = rows.iter().collect();
    let scene = Scene { ..*scene };
    Table { columns: COLUMNS, rows: &rows, sorted: ui.sort().head, cursor }.draw(pen, inner, &scene);
}

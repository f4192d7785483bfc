//! All scores by name: the figure, how sure it is, how it changes, who judged and how far they agree.

use super::{chosen, figure, quality};
use crate::event::ScoreSource;
use crate::snapshot::Snapshot;
use crate::snapshot::quality::ScoreStats;
use crate::tui::figures;
use crate::tui::live::Scene;
use crate::tui::pen::Pen;
use crate::tui::theme::Role;
use crate::tui::ui::{Target, Ui};
use crate::tui::widgets::table::{Cell, Column, Side, Table, Width};
use crate::units;
use ratatui::layout::Rect;
use std::borrow::Cow;

type CellOf = for<'a> fn(&'a ScoreStats, &Scene<'a>) -> Cell<'a>;

const fn text(head: &'static str, width: Width, rank: u8, cell: CellOf) -> Column<ScoreStats> {
    Column { head, width, side: Side::Left, rank, cell, key: None }
}

const fn right(head: &'static str, width: u16, rank: u8, cell: CellOf) -> Column<ScoreStats> {
    Column { head, width: Width::Fixed(width), side: Side::Right, rank, cell, key: None }
}

static COLUMNS: &[Column<ScoreStats>] = &[
    text("score", Width::Between(20, 32), 0, name),
    right("figure", 8, 1, |s, _| figure::cell(figure::value(&s.now, s.scale))),
    right("95 % of it", 11, 3, |s, _| figure::cell(figure::interval(&s.now, s.scale))),
    right("n", 7, 2, |s, _| figure::count(&s.now)),
    right("change", 12, 4, |s, _| figure::cell(figure::change(&s.now, &s.before, s.scale, s.is_bad_high()))),
    text("trend", Width::Between(8, 24), 9, |s, _| Cell::Trend(trend(s), Role::Text)),
    right("judge", 8, 6, |s, _| of(s, ScoreSource::Judge)),
    right("human", 8, 5, |s, _| of(s, ScoreSource::Human)),
    right("user", 8, 7, |s, _| of(s, ScoreSource::User)),
    right("rule", 8, 11, |s, _| of(s, ScoreSource::Rule)),
    right("kappa", 6, 8, kappa),
    text("what it is", Width::Between(20, 30), 10, what),
];

/// The chosen one has a mark before it.
fn name<'a>(score: &'a ScoreStats, scene: &Scene<'a>) -> Cell<'a> {
    let is_chosen = chosen(scene.snapshot, scene.ui).is_some_and(|chosen| chosen.name == score.name);
    Cell::Name(Cow::Owned(format!("{}{}", if is_chosen { "▸ " } else { "  " }, score.name)))
}

/// A line from 0 to the highest value; Net Promoter Scores are moved above 0 for it.
fn trend(score: &ScoreStats) -> Vec<Option<f64>> {
    let lowest = score.trend.iter().flatten().fold(0.0, |a: f64, b| a.min(*b));
    score.trend.iter().map(|value| value.map(|v| v - lowest)).collect()
}

fn of<'a>(score: &ScoreStats, who: ScoreSource) -> Cell<'a> {
    match score.sources.iter().find(|(source, _)| *source == Some(who)) {
        Some((_, theirs)) => {
            let (text, role) = figure::value(theirs, score.scale);
            Cell::Text(Cow::Owned(text), if role == Role::Strong { Role::Text } else { role })
        }
        None => Cell::dim(units::UNKNOWN),
    }
}

fn kappa<'a>(score: &'a ScoreStats, _: &Scene<'a>) -> Cell<'a> {
    match score.agreement.and_then(|agreed| agreed.kappa) {
        Some(kappa) => Cell::plain(format!("{kappa:.2}")),
        None => Cell::dim(units::UNKNOWN),
    }
}

fn what<'a>(score: &'a ScoreStats, _: &Scene<'a>) -> Cell<'a> {
    use crate::snapshot::quality::{Parts, Scale};
    let left_out = match score.left_out {
        0 => String::new(),
        n => format!(", {} off the scale", figures::count(n)),
    };
    let of = match (score.scale, score.now.parts) {
        (Scale::Nps, Parts::Nps(nps)) => {
            let n = figures::count;
            format!("{} promote, {} passive, {} detract", n(nps.promoters), n(nps.passives), n(nps.detractors))
        }
        (Scale::Thumbs, _) => "share of thumbs up".to_owned(),
        (Scale::Rate, _) => if score.is_bad_high() { "share of yes, low is good" } else { "share of yes" }.to_owned(),
        _ => if score.is_bad_high() { "mean, low is good" } else { "mean" }.to_owned(),
    };
    Cell::dim(of + &left_out)
}

/// What the rows stand for.
pub(super) fn rows(snapshot: &Snapshot, _: &Ui) -> Vec<Target> {
    quality(snapshot).map(|q| q.scores.iter().map(|s| Target::Score(s.name.clone())).collect()).unwrap_or_default()
}

/// Draws the panel.
pub(super) fn draw(pen: &mut Pen, area: Rect, scene: &Scene, cursor: Option<usize>) {
    let quality = quality(scene.snapshot);
    let mut notes = vec![("scores".to_owned(), Role::Title)];
    if let Some(quality) = quality {
        let n = figures::count;
        let dim = |text: String| (text, Role::Dim);
        notes.push(dim("Enter looks into one".to_owned()));
        notes.extend((quality.further_names > 0).then(|| dim(format!("{} further names", n(quality.further_names)))));
        notes.extend((quality.waiting > 0).then(|| dim(format!("{} wait for their call", n(quality.waiting)))));
        notes.extend((quality.unknown > 0).then(|| dim(format!("{} not filtered: call unknown", n(quality.unknown)))));
        let so_far = || (format!("so far the newest {}", units::percent(quality.covered)), Role::Warn);
        notes.extend((quality.covered < 1.0).then(so_far));
        let gone = quality.gone_us.map(|us| units::time(us, scene.ui.zone, "%Y-%m-%d %H:%M"));
        notes.extend(gone.map(|at| (format!("deleted before {at}"), Role::Warn)));
    }
    let title: Vec<(&str, Role)> = notes.iter().map(|(text, role)| (text.as_str(), *role)).collect();
    let inner = pen.panel_with(area, &title);
    let rows: Vec<&ScoreStats> = quality.map(|q| q.scores.iter().collect()).unwrap_or_default();
    if rows.is_empty() {
        return pen.words(inner, &nothing(scene));
    }
    Table { columns: COLUMNS, rows: &rows, sorted: None, cursor }.draw(pen, inner, scene);
}

fn nothing(scene: &Scene) -> Vec<(String, Role)> {
    let Some(quality) = quality(scene.snapshot) else { return vec![("looking …".to_owned(), Role::Dim)] };
    let first = match quality.waiting {
        0 => "nobody judged anything in this window".to_owned(),
        n => format!("{} scores of this window wait for calls that nothing was heard of", figures::count(n)),
    };
    let how = [
        r#"{"event":"llm_score","name":"thumbs","value":1,"request_id":"…"}  in a log"#,
        "llmtop score REQUEST_ID --name thumbs --value 1",
        "llmtop review --sample 50",
    ];
    let mut lines = vec![(first, Role::Strong), (String::new(), Role::Dim)];
    lines.extend(how.map(|line| (line.to_owned(), Role::Dim)));
    lines
}

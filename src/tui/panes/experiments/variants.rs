//! What each variant came to: units, calls and the figures that most ask for.

use super::shown;
use crate::snapshot::Snapshot;
use crate::snapshot::experiments::Experiment;
use crate::tui::live::Scene;
use crate::tui::pen::Pen;
use crate::tui::theme::Role;
use crate::tui::ui::{Target, Ui};
use crate::tui::widgets::table::{Cell, Column, Side, Table, Width};
use crate::units;
use crate::view::Metric;
use ratatui::layout::Rect;

/// A variant with its place.
struct Row<'e> {
    experiment: &'e Experiment,
    arm: usize,
}

/// A row as the table has it: texts alone.
struct Texts {
    variant: String,
    is_control: bool,
    units: (String, Role),
    calls: String,
    figures: [String; FIGURES.len()],
}

/// The figures, in the order of their columns.
const FIGURES: [Metric; 9] = [
    Metric::TaskCompletion,
    Metric::Satisfaction,
    Metric::ErrorRate,
    Metric::LatencyP50,
    Metric::LatencyP95,
    Metric::TtftP50,
    Metric::CostPerCall,
    Metric::CostPerTask,
    Metric::OutputTokens,
];

type CellOf = for<'a> fn(&'a Texts, &Scene<'a>) -> Cell<'a>;

const fn figure(head: &'static str, width: u16, rank: u8, cell: CellOf) -> Column<Texts> {
    Column { head, width: Width::Fixed(width), side: Side::Right, rank, cell, key: None }
}

static COLUMNS: &[Column<Texts>] = &[
    Column { head: "", width: Width::Between(12, 28), side: Side::Left, rank: 0, cell: name, key: None },
    figure("units", 7, 1, |r, _| Cell::Text(r.units.0.as_str().into(), r.units.1)),
    figure("calls", 7, 2, |r, _| Cell::plain(&*r.calls)),
    figure("done", 7, 5, |r, _| Cell::plain(&*r.figures[0])),
    figure("thumbs", 7, 6, |r, _| Cell::plain(&*r.figures[1])),
    figure("errors", 7, 3, |r, _| Cell::plain(&*r.figures[2])),
    figure("p50", 8, 8, |r, _| Cell::plain(&*r.figures[3])),
    figure("p95", 8, 4, |r, _| Cell::plain(&*r.figures[4])),
    figure("ttft", 8, 9, |r, _| Cell::plain(&*r.figures[5])),
    figure("$/call", 9, 7, |r, _| Cell::plain(&*r.figures[6])),
    figure("$/task", 9, 10, |r, _| Cell::plain(&*r.figures[7])),
    figure("out tok", 7, 11, |r, _| Cell::plain(&*r.figures[8])),
];

fn name<'a>(row: &'a Texts, _: &Scene<'a>) -> Cell<'a> {
    if row.is_control && !row.variant.eq_ignore_ascii_case("control") {
        return Cell::name(format!("{} (control)", row.variant));
    }
    Cell::name(&*row.variant)
}

impl Row<'_> {
    fn texts(&self) -> Texts {
        let arm = &self.experiment.arms[self.arm];
        let figure = |metric: &Metric| {
            let measure = self.experiment.measure(metric)?;
            Some(measure.figure((*measure.figures.get(self.arm)?)?))
        };
        let role = if self.experiment.is_mismatched() { Role::Bad } else { Role::Text };
        Texts {
            variant: arm.variant.clone(),
            is_control: self.arm == 0,
            units: (units::compact(arm.units as f64), role),
            calls: units::compact(arm.calls as f64),
            figures: FIGURES.map(|metric| figure(&metric).unwrap_or_else(|| units::UNKNOWN.to_owned())),
        }
    }
}

/// What the rows stand for.
pub(super) fn rows(snapshot: &Snapshot, ui: &Ui) -> Vec<Target> {
    let Some(experiment) = shown(snapshot, ui) else { return Vec::new() };
    let target =
        |variant: &String| Target::Variant { experiment: experiment.rule.name.clone(), variant: variant.clone() };
    experiment.arms.iter().map(|arm| target(&arm.variant)).collect()
}

/// Draws the table.
pub(super) fn draw(pen: &mut Pen, area: Rect, scene: &Scene, cursor: Option<usize>) {
    let Some(experiment) = shown(scene.snapshot, scene.ui) else {
        pen.panel(area, "variants");
        return;
    };
    let days = format!(
        "{} to {} UTC",
        units::day(experiment.range.since_us),
        units::day(experiment.range.until_us.saturating_sub(1))
    );
    let title = format!("variants of {}", experiment.rule.name);
    let aa = if experiment.rule.aa { "A/A: any win is false" } else { "" };
    let inner = pen.panel_with(area, &[(&title, Role::Title), (aa, Role::Warn), (&days, Role::Dim)]);
    let texts: Vec<Texts> = (0..experiment.arms.len()).map(|arm| Row { experiment, arm }.texts()).collect();
    let rows: Vec<&Texts> = texts.iter().collect();
    Table { columns: COLUMNS, rows: &rows, sorted: None, cursor }.draw(pen, inner, scene);
}

//! Latency: percentiles over time, the distribution, the heat map, where the time goes, by model.

use super::columns::{CALLS, ERRORS, MAX, NAME, P50, P95, P95_CHANGE, P99, SPEED, TTFT};
use super::{Needs, Pane, Panel, changes, chart_points, charts, groups, no_rows};
use crate::snapshot::{Group, Stats};
use crate::tui::clean;
use crate::tui::figures;
use crate::tui::live::Scene;
use crate::tui::pen::{self, Pen};
use crate::tui::theme::{Ink, Role};
use crate::tui::ui::Ui;
use crate::tui::widgets::table::Column;
use crate::tui::widgets::{bar, dist};
use crate::units;
use crate::view::{Dim, Sections};
use ratatui::layout::Rect;

static COLUMNS: &[Column<Group>] = &[NAME, CALLS, P50, P95, P95_CHANGE, P99, MAX, TTFT, SPEED, ERRORS];

const CHART: usize = 0;
const DISTRIBUTION: usize = 1;
const HEAT: usize = 2;
const TTFT_CHART: usize = 3;
const PHASES: usize = 4;
const GROUPS: usize = 5;
const CHANGES: usize = 6;

/// The pane.
pub(super) static PANE: Pane = Pane {
    name: "latency",
    title: "Latency",
    short: "Lat",
    needs: |ui| Needs {
        groupings: vec![ui.grouping()],
        sections: Sections {
            points: chart_points(ui),
            distribution: true,
            heat: true,
            changes: true,
            ..Sections::default()
        },
        ..Needs::default()
    },
    panels: &[
        Panel { name: "latency", rows: no_rows, draw: charts::latency },
        Panel { name: "distribution", rows: no_rows, draw: distribution },
        Panel { name: "latency over time", rows: no_rows, draw: charts::heat_map },
        Panel { name: "time to first token", rows: no_rows, draw: charts::ttft },
        Panel { name: "where the time goes", rows: no_rows, draw: breakdown },
        Panel {
            name: "models",
            rows: |s, ui| groups::targets(s, ui, COLUMNS),
            draw: |pen, area, scene, cursor| groups::draw(pen, area, scene, cursor, COLUMNS),
        },
        Panel {
            name: "what changed",
            rows: |s, _| changes::rows(s, changes::LATENCY),
            draw: |pen, area, scene, cursor| changes::draw(pen, area, scene, cursor, changes::LATENCY),
        },
    ],
    layout,
    by: &[&[Dim::Model], &[Dim::Provider], &[Dim::App], &[Dim::Host], &[Dim::Variant], &[Dim::Operation]],
    sorts: &["p95", "p99", "Δp95", "p50", "max", "ttft95", "calls"],
    pages: false,
};

fn layout(area: Rect, _: &Ui) -> Vec<(usize, Rect)> {
    if area.width < 100 {
        return narrow(area);
    }
    if area.height < 16 {
        let (left, right) = pen::halves(area);
        return vec![(CHART, left), (GROUPS, right)];
    }
    let (area, changes) = pen::bottom(area, if area.height >= 34 { 4 } else { 0 });
    let charts = area.height * 2 / 3;
    let (charts, below) = pen::top(area, charts);
    let (first, second) = pen::top(charts, charts.height / 2);
    let (chart, distribution) = pen::halves(first);
    let (heat, ttft) = pen::halves(second);
    let (phases, table) = pen::left(below, area.width * 2 / 5);
    let places = [
        (CHART, chart),
        (DISTRIBUTION, distribution),
        (HEAT, heat),
        (TTFT_CHART, ttft),
        (PHASES, phases),
        (GROUPS, table),
        (CHANGES, changes),
    ];
    places.into_iter().filter(|(_, area)| area.height > 0).collect()
}

fn narrow(area: Rect) -> Vec<(usize, Rect)> {
    if area.height < 12 {
        return vec![(CHART, area)];
    }
    if area.height < 20 {
        let (chart, distribution) = pen::top(area, area.height / 2);
        return vec![(CHART, chart), (DISTRIBUTION, distribution)];
    }
    let part = area.height / 3;
    let (first, rest) = pen::top(area, part);
    let (second, table) = pen::top(rest, part);
    let (distribution, heat) = pen::halves(second);
    vec![(CHART, first), (DISTRIBUTION, distribution), (HEAT, heat), (GROUPS, table)]
}

fn distribution(pen: &mut Pen, area: Rect, scene: &Scene, _: Option<usize>) {
    let snapshot = scene.snapshot;
    let before = snapshot.previous_distribution.as_ref().filter(|h| h.count() > 0);
    let count = format!("{} calls", figures::count(snapshot.totals.latency_us.count));
    let dim = if before.is_some() { "╌ before" } else { "" };
    let inner = pen.panel_with(area, &[("distribution", Role::Title), (&count, Role::Dim), (dim, Role::Dim)]);
    match snapshot.distribution.as_ref().filter(|h| h.count() > 0) {
        Some(now) => dist::draw(pen, inner, now, before),
        None => pen.words(inner, &[("no call says how long it took".to_owned(), Role::Dim)]),
    }
}

const NAMES: [(&str, Ink); 5] = [
    ("queue", Ink::Limited),
    ("network", Ink::Three),
    ("first token", Ink::Two),
    ("generation", Ink::One),
    ("not told apart", Ink::Ghost),
];

/// Where all the time of these calls went; zeros where none of them says. What no phase accounts for is the last part, so
/// that the shares are of all the time.
fn parts(stats: &Stats) -> [f64; 5] {
    let of = |us: Option<i64>| us.unwrap_or(0).max(0) as f64;
    let phases = &stats.phases;
    let [queue, network] = [of(phases.queue_us), of(phases.network_us)];
    let [first, generation] = [of(phases.first_token_us), of(phases.generation_us)];
    let told = queue + network + first + generation;
    let whole = stats.latency_us.mean.unwrap_or(0.0) * stats.latency_us.count as f64;
    let rest = if told > 0.0 { (whole - told).max(0.0) } else { 0.0 };
    [queue, network, first, generation, rest]
}

/// Where the time of calls goes, for all of them and for each group, with the shares in figures.
fn breakdown(pen: &mut Pen, area: Rect, scene: &Scene, _: Option<usize>) {
    let inner = pen.panel_with(area, &[("where the time goes", Role::Title), ("all calls together", Role::Dim)]);
    let all = parts(&scene.snapshot.totals);
    let total: f64 = all.iter().sum();
    if total <= 0.0 {
        return pen.words(inner, &[("no call carries ttft, queue or network times".to_owned(), Role::Dim)]);
    }
    let inner = Rect { x: inner.x + 1, width: inner.width.saturating_sub(2), ..inner };
    let (mut x, mut row) = (inner.x, 0);
    for ((name, ink), size) in NAMES.iter().zip(all).filter(|(_, size)| *size > 0.0) {
        let text = format!("{name} {}", units::percent(size / total));
        let wide = text.len() as u16;
        if x > inner.x && x + wide > inner.right() {
            (x, row) = (inner.x, row + 1);
        }
        if row < inner.height {
            x += pen.text(x, inner.y + row, inner.width, &text, Role::Series(*ink)) + 2;
        }
    }
    let name = 22.min(inner.width / 3);
    phase_row(pen, inner, row + 1, ("all", name), all);
    let before = parts(&scene.snapshot.previous);
    phase_row(pen, inner, row + 2, ("window before", name), before);
    for (i, group) in groups::sorted(scene.snapshot, scene.ui, COLUMNS).into_iter().enumerate() {
        let key = group.key.first().and_then(|k| k.as_deref()).unwrap_or("(none)");
        phase_row(pen, inner, row + 4 + i as u16, (key, name), parts(&group.stats));
    }
}

fn phase_row(pen: &mut Pen, area: Rect, row: u16, (name, width): (&str, u16), sizes: [f64; 5]) {
    if row >= area.height || area.width < width + 8 {
        return;
    }
    let y = area.y + row;
    pen.text(area.x, y, width, &clean::fit_name(name, usize::from(width)), Role::Dim);
    if sizes.iter().sum::<f64>() <= 0.0 {
        pen.text(area.x + width + 1, y, 1, units::UNKNOWN, Role::Dim);
    }
    let shown: Vec<bar::Part> = NAMES.iter().zip(sizes).map(|((name, ink), size)| (*name, size, *ink)).collect();
    bar::parts(pen, area.x + width + 1, y, area.width - width - 1, &shown);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::snapshot::{Dist, Phases};

    #[test]
    fn shares_are_of_all_the_time() {
        let dist = |count, mean| Dist { count, mean: Some(mean), ..Dist::default() };
        let phases = |first, generation| Phases {
            queue_us: Some(100),
            network_us: Some(20),
            first_token_us: first,
            generation_us: generation,
        };
        let streamed = Stats {
            latency_us: dist(10, 100.0),
            ttft_us: dist(10, 40.0),
            phases: phases(Some(280), Some(600)),
            ..Stats::default()
        };
        assert_eq!(parts(&streamed), [100.0, 20.0, 280.0, 600.0, 0.0]);
        let whole = Stats { latency_us: dist(10, 100.0), phases: phases(None, None), ..Stats::default() };
        assert_eq!(parts(&whole), [100.0, 20.0, 0.0, 0.0, 880.0]);
        // A streamed call of 1,000 whose first token came after 400, and one in one piece that waited for 800.
        let phases =
            Phases { queue_us: Some(800), network_us: None, first_token_us: Some(400), generation_us: Some(600) };
        let both = Stats { latency_us: dist(2, 1_000.0), ttft_us: dist(1, 400.0), phases, ..Stats::default() };
        assert_eq!(parts(&both), [800.0, 0.0, 400.0, 600.0, 200.0]);
        let silent = Stats { latency_us: dist(10, 100.0), ..Stats::default() };
        assert_eq!(parts(&silent), [0.0; 5]);
    }
}

//! Errors: failure modes with their times and places, clusters of alike messages, the newest errors.

use super::{Needs, Pane, Panel, changes, chart_points, charts, failures, no_rows, records};
use crate::snapshot::{Cluster, Snapshot};
use crate::tui::figures;
use crate::tui::live::Scene;
use crate::tui::pen::{self, Pen};
use crate::tui::theme::Role;
use crate::tui::ui::{Target, Ui};
use crate::tui::widgets::table::{Cell, Column, Side, Table, Width};
use crate::view::Sections;
use ratatui::layout::Rect;

/// The pane.
pub(super) static PANE: Pane = Pane {
    name: "errors",
    title: "Errors",
    short: "Err",
    needs: |ui| Needs {
        sections: Sections {
            points: chart_points(ui),
            failures: true,
            clusters: 50,
            errors: 50,
            changes: true,
            ..Sections::default()
        },
        ..Needs::default()
    },
    panels: &[
        Panel { name: "failed calls", rows: no_rows, draw: charts::failures },
        Panel { name: "failure modes", rows: failures::long_rows, draw: failures::draw_long },
        Panel { name: "alike messages", rows: cluster_rows, draw: draw_clusters },
        Panel { name: "newest errors", rows: records::error_rows, draw: records::draw_errors },
        Panel {
            name: "what changed",
            rows: |s, _| changes::rows(s, changes::ERRORS),
            draw: |pen, area, scene, cursor| changes::draw(pen, area, scene, cursor, changes::ERRORS),
        },
    ],
    layout,
    by: &[],
    sorts: failures::SORTS,
    pages: false,
};

fn layout(area: Rect, _: &Ui) -> Vec<(usize, Rect)> {
    match area.height {
        0..12 => vec![(1, area)],
        12..20 => {
            let (modes, rest) = pen::top(area, area.height / 2);
            vec![(1, modes), (2, rest)]
        }
        20..30 => {
            let (modes, rest) = pen::top(area, area.height * 2 / 5);
            let (changes, rest) = pen::top(rest, 3);
            vec![(1, modes), (4, changes), (2, rest)]
        }
        height => {
            let (chart, rest) = pen::top(area, height / 5);
            let (modes, rest) = pen::top(rest, rest.height / 3);
            let (changes, rest) = pen::top(rest, if height >= 46 { 5 } else { 4 });
            let (clusters, errors) = pen::top(rest, rest.height * 3 / 5);
            vec![(0, chart), (1, modes), (4, changes), (2, clusters), (3, errors)]
        }
    }
}

static CLUSTERS: &[Column<Cluster>] = &[
    Column { head: "calls", width: Width::Fixed(7), side: Side::Right, rank: 0, cell: calls, key: None },
    Column {
        head: "message, its variable parts masked",
        width: Width::Between(38, 160),
        side: Side::Left,
        rank: 1,
        cell: template,
        key: None,
    },
    Column { head: "mode", width: Width::Fixed(17), side: Side::Left, rank: 2, cell: mode, key: None },
    Column { head: "models", width: Width::Between(14, 40), side: Side::Left, rank: 4, cell: models, key: None },
    Column { head: "first", width: Width::Fixed(8), side: Side::Right, rank: 5, cell: first, key: None },
    Column { head: "last", width: Width::Fixed(8), side: Side::Right, rank: 3, cell: last, key: None },
];

fn calls<'a>(cluster: &'a Cluster, _: &Scene<'a>) -> Cell<'a> {
    Cell::plain(figures::count(cluster.calls))
}

fn template<'a>(cluster: &'a Cluster, _: &Scene<'a>) -> Cell<'a> {
    Cell::plain(cluster.template.as_str())
}

fn mode<'a>(cluster: &'a Cluster, _: &Scene<'a>) -> Cell<'a> {
    Cell::dim(cluster.mode.word())
}

fn models<'a>(cluster: &'a Cluster, _: &Scene<'a>) -> Cell<'a> {
    Cell::name(failures::first_of(&cluster.models))
}

fn first<'a>(cluster: &'a Cluster, scene: &Scene<'a>) -> Cell<'a> {
    Cell::plain(failures::clock(cluster.first_us, scene))
}

fn last<'a>(cluster: &'a Cluster, scene: &Scene<'a>) -> Cell<'a> {
    Cell::plain(failures::clock(cluster.last_us, scene))
}

/// A cluster leads to the newest call of it.
fn cluster_rows(snapshot: &Snapshot, _: &Ui) -> Vec<Target> {
    snapshot.clusters.list.iter().map(|c| Target::Cluster(c.example_key)).collect()
}

fn draw_clusters(pen: &mut Pen, area: Rect, scene: &Scene, cursor: Option<usize>) {
    let clusters = &scene.snapshot.clusters;
    let read = match clusters.read {
        0 => String::new(),
        n if clusters.partial => format!("of the newest {} errors", figures::count(n)),
        n => format!("of {} errors", figures::count(n)),
    };
    let inner = pen.panel_with(area, &[("alike messages", Role::Title), (&read, Role::Dim)]);
    let rows: Vec<&Cluster> = clusters.list.iter().collect();
    if rows.is_empty() {
        return pen.words(inner, &[("no error messages in this window".to_owned(), Role::Dim)]);
    }
    Table { columns: CLUSTERS, rows: &rows, sorted: None, cursor }.draw(pen, inner, scene);
}

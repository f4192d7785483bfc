//! Errors: failure modes with their times and places, clusters of alike messages, the newest errors.

use super::{Needs, Pane, Panel, changes, chart_points, charts, failures, no_rows, records};
use crate::snapshot::{Cluster, News, Snapshot};
use crate::tui::figures;
use crate::tui::live::Scene;
use crate::tui::pen::{self, Pen};
use crate::tui::theme::Role;
use crate::tui::ui::{Target, Ui};
use crate::tui::widgets::table::{Cell, Column, Side, Table, Width};
use crate::units;
use crate::view::Sections;
use ratatui::layout::Rect;
use std::borrow::Cow;

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

type CellOf = for<'a> fn(&'a Cluster, &Scene<'a>) -> Cell<'a>;

const fn column(head: &'static str, width: Width, side: Side, rank: u8, cell: CellOf) -> Column<Cluster> {
    Column { head, width, side, rank, cell, key: None }
}

static CLUSTERS: &[Column<Cluster>] = &[
    column("calls", Width::Fixed(6), Side::Right, 0, |c, _| Cell::plain(figures::count(c.calls))),
    column("change", Width::Fixed(7), Side::Right, 2, change),
    column("trend", Width::Between(8, 10), Side::Left, 8, trend),
    column("message, its variable parts masked", Width::Between(38, 160), Side::Left, 1, |c, _| {
        Cell::plain(c.template.as_str())
    }),
    column("mode", Width::Fixed(17), Side::Left, 3, |c, _| Cell::dim(c.mode.word())),
    column("models", Width::Between(14, 22), Side::Left, 5, |c, _| Cell::name(failures::first_of(&c.models))),
    column("providers", Width::Between(10, 11), Side::Left, 9, |c, _| Cell::name(failures::first_of(&c.providers))),
    column("variants", Width::Between(9, 11), Side::Left, 11, |c, _| Cell::name(failures::first_of(&c.variants))),
    column("users", Width::Fixed(5), Side::Right, 7, users),
    column("first ever", Width::Fixed(14), Side::Right, 6, ever),
    column("last", Width::Fixed(8), Side::Right, 4, |c, s| Cell::plain(failures::clock(c.last_us, s))),
];

/// What nobody has seen before is marked; so is what had gone and is back.
fn change<'a>(cluster: &'a Cluster, scene: &Scene<'a>) -> Cell<'a> {
    let before = cluster.previous.filter(|_| figures::whole_before(scene.snapshot).is_some());
    match (cluster.news(scene.snapshot.range), before) {
        (_, None) => Cell::dim(units::UNKNOWN),
        (News::New, _) => Cell::Text(Cow::Borrowed("new"), Role::Bad),
        (News::Back, _) => Cell::Text(Cow::Borrowed("back"), Role::Bad),
        (News::Known, Some(before)) => {
            match figures::change(Some(cluster.calls as f64), Some(before as f64), figures::Bad::Up) {
                Some((text, role)) if cluster.calls >= 5 => Cell::Text(Cow::Owned(text), role),
                Some((text, _)) => Cell::dim(text),
                None => Cell::dim(units::UNKNOWN),
            }
        }
    }
}

fn trend<'a>(cluster: &'a Cluster, _: &Scene<'a>) -> Cell<'a> {
    Cell::Trend(cluster.trend.iter().map(|n| Some(*n as f64)).collect(), Role::Text)
}

fn users<'a>(cluster: &'a Cluster, scene: &Scene<'a>) -> Cell<'a> {
    let more = if scene.snapshot.clusters.partial { "+" } else { "" };
    cluster.users.map_or_else(|| Cell::dim(units::UNKNOWN), |n| Cell::plain(format!("{}{more}", figures::count(n))))
}

/// When it was first seen in the store: with the day where that was before the window.
fn ever<'a>(cluster: &'a Cluster, scene: &Scene<'a>) -> Cell<'a> {
    if cluster.ever_us >= scene.snapshot.range.since_us {
        return Cell::plain(failures::clock(cluster.ever_us, scene));
    }
    Cell::dim(units::time(cluster.ever_us, scene.ui.zone, "%m-%d %H:%M:%S"))
}

/// A cluster leads to its calls.
fn cluster_rows(snapshot: &Snapshot, _: &Ui) -> Vec<Target> {
    let target = |c: &Cluster| Target::Cluster { mode: c.mode, template: c.template.clone() };
    snapshot.clusters.list.iter().map(target).collect()
}

fn draw_clusters(pen: &mut Pen, area: Rect, scene: &Scene, cursor: Option<usize>) {
    let clusters = &scene.snapshot.clusters;
    let read = match clusters.read {
        0 => String::new(),
        n if clusters.partial => format!("{} of the newest {} errors", clusters.total, figures::count(n)),
        n => format!("{} of {} errors", clusters.total, figures::count(n)),
    };
    let inner = pen.panel_with(area, &[("alike messages", Role::Title), (&read, Role::Dim)]);
    let rows: Vec<&Cluster> = clusters.list.iter().collect();
    if rows.is_empty() {
        return pen.words(inner, &[("no error messages in this window".to_owned(), Role::Dim)]);
    }
    Table { columns: CLUSTERS, rows: &rows, sorted: None, cursor }.draw(pen, inner, scene);
}

//! Clusters of failed calls that say alike things, in reports.

use super::grid::{Column, Grid, cut};
use super::json::time;
use super::measure::change;
use crate::snapshot::{Cluster, News, Snapshot};
use crate::units::{self, UNKNOWN};
use serde_json::{Map, Value, json};

/// At most so many are listed for people.
const MOST: usize = 10;

/// The section of the text; nothing where nothing failed.
pub(super) fn lines(snapshot: &Snapshot, width: usize, at: &dyn Fn(i64) -> String) -> Vec<String> {
    let clusters = &snapshot.clusters;
    if clusters.list.is_empty() {
        return Vec::new();
    }
    let titles = [("calls", 0), ("change", 1), ("first ever", 3), ("users", 4), ("most in", 5), ("failed by", 2)];
    let columns = titles.map(|(title, rank)| Column { title, rank }).into();
    let row = |cluster: &Cluster| {
        let users = cluster.users.map_or_else(|| UNKNOWN.to_owned(), units::count);
        let model = cluster.models.first().map_or_else(|| UNKNOWN.to_owned(), |(model, _)| cut(model, 24));
        let cells = vec![
            units::count(cluster.calls),
            changed(cluster, snapshot),
            at(cluster.ever_us),
            if clusters.partial { format!("{users}+") } else { users },
            model,
            cluster.mode.word().to_owned(),
        ];
        (cut(&cluster.template, 60), cells)
    };
    let rows = clusters.list.iter().take(MOST).map(row).collect();
    let mut lines = Grid { label: "alike messages".to_owned(), columns, rows }.lines(width);
    let more = clusters.total.saturating_sub(MOST);
    if more > 0 {
        lines.push(format!("and {} more", units::count(more as u64)));
    }
    if clusters.partial {
        lines.push(format!("of the newest {} errors", units::count(clusters.read)));
    }
    lines
}

fn changed(cluster: &Cluster, snapshot: &Snapshot) -> String {
    match (cluster.news(snapshot.range), cluster.previous) {
        (News::New, _) => "new".to_owned(),
        (News::Back, _) => "back".to_owned(),
        (News::Known, Some(before)) => change(cluster.calls as f64, before as f64, snapshot.previous.calls > 0),
        (News::Known, None) => UNKNOWN.to_owned(),
    }
}

/// The same for programs.
pub(super) fn value(snapshot: &Snapshot) -> Value {
    let one = |cluster: &Cluster| {
        json!({
            "message": cluster.template,
            "templates": cluster.templates,
            "mode": cluster.mode.word(),
            "calls": cluster.calls,
            "previous": cluster.previous,
            "news": match cluster.news(snapshot.range) {
                News::New => "new",
                News::Back => "back",
                News::Known => "known",
            },
            "first": time(cluster.first_us),
            "last": time(cluster.last_us),
            "first_ever": time(cluster.ever_us),
            "models": names(&cluster.models),
            "providers": names(&cluster.providers),
            "variants": names(&cluster.variants),
            "users": cluster.users,
            "example": cluster.example,
        })
    };
    snapshot.clusters.list.iter().map(one).collect()
}

fn names(list: &[(String, u64)]) -> Map<String, Value> {
    list.iter().map(|(name, calls)| (name.clone(), json!(calls))).collect()
}

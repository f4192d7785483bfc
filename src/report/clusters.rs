//! Clusters of failed calls that say alike things, in reports.

use super::grid::{cut, wrap};
use super::json::time;
use super::measure::change;
use super::text::calls;
use crate::snapshot::{Cluster, News, Snapshot};
use crate::units;
use serde_json::{Map, Value, json};

/// At most so many are listed for people.
const MOST: usize = 10;

/// The section of the text; nothing where nothing failed.
pub(super) fn lines(snapshot: &Snapshot, width: usize, at: &dyn Fn(i64) -> String) -> Vec<String> {
    let clusters = &snapshot.clusters;
    if clusters.list.is_empty() {
        return Vec::new();
    }
    let of = if clusters.partial { "of the newest" } else { "of" };
    let mut lines = vec![format!("alike messages {of} {} errors", units::count(clusters.read))];
    for cluster in clusters.list.iter().take(MOST) {
        lines.push(cut(&format!("  {}", cluster.template), width));
        lines.extend(wrap(&about(cluster, snapshot, at), width.saturating_sub(4)).iter().map(|l| format!("    {l}")));
    }
    let more = clusters.total.saturating_sub(MOST.min(clusters.list.len()));
    if more > 0 {
        lines.push(format!("  and {} more", units::count(more as u64)));
    }
    lines
}

/// `9 calls, new; first ever 2026-05-01 10:03:27; invalid_request; in gpt-4o and 3 others; 5 users`
fn about(cluster: &Cluster, snapshot: &Snapshot, at: &dyn Fn(i64) -> String) -> String {
    let mut parts = vec![
        format!("{}, {}", calls(cluster.calls), changed(cluster, snapshot)),
        format!("first ever {}", at(cluster.ever_us)),
        cluster.mode.word().to_owned(),
    ];
    match cluster.models.as_slice() {
        [] => {}
        [(only, _)] => parts.push(format!("in {}", cut(only, 40))),
        [(first, _), rest @ ..] => parts.push(format!("in {} and {} more", cut(first, 40), rest.len())),
    }
    let more = if snapshot.clusters.partial { "+" } else { "" };
    parts.extend(cluster.users.map(|n| format!("{}{more} {}", units::count(n), if n == 1 { "user" } else { "users" })));
    parts.join("; ")
}

fn changed(cluster: &Cluster, snapshot: &Snapshot) -> String {
    match (cluster.news(snapshot.range), cluster.previous) {
        (News::New, _) => "new".to_owned(),
        (News::Back, _) => "back".to_owned(),
        (News::Known, Some(before)) if before == cluster.calls => "as many as before".to_owned(),
        (News::Known, Some(before)) => change(cluster.calls as f64, before as f64, snapshot.previous.calls > 0),
        (News::Known, None) => "nothing to compare with".to_owned(),
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

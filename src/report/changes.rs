//! What changed from the window before, and the clusters of alike error messages, in reports.

use super::grid::wrap;
use crate::snapshot::{Cause, Change, Changes, Figure, Snapshot, Standing};
use serde_json::{Map, Value, json};

/// The lines of what changed for people; nothing where it was not asked.
pub(super) fn lines(snapshot: &Snapshot, width: usize) -> Vec<String> {
    let changes = &snapshot.changes;
    let told = changes.lines(&Figure::ALL).into_iter().map(|told| told.text());
    let all: Vec<String> = told.chain(changes.silence(&Figure::ALL)).collect();
    if all.is_empty() || snapshot.totals.calls == 0 {
        return Vec::new();
    }
    let mut lines = vec!["what changed".to_owned()];
    for text in all {
        lines.extend(wrap(&text, width.saturating_sub(2)).into_iter().map(|line| format!("  {line}")));
    }
    lines
}

/// What changed for programs: null where there is no window before.
pub(super) fn value(changes: &Changes) -> Value {
    match changes {
        Changes::Told { list, .. } => list.iter().map(change).collect(),
        _ => Value::Null,
    }
}

fn change(change: &Change) -> Value {
    json!({
        "figure": change.figure.word(),
        "before": figure(change.figure, Some(change.before)),
        "now": figure(change.figure, Some(change.now)),
        "explained_by_number_of_calls": change.by_calls,
        "causes": change.causes.iter().map(|c| cause(change.figure, c)).collect::<Vec<_>>(),
    })
}

/// Times in ms and money in dollars, as elsewhere.
fn figure(figure: Figure, value: Option<f64>) -> Value {
    let per = match figure {
        Figure::ErrorRate => 1.0,
        Figure::P95 | Figure::Mean => 1e3,
        Figure::Cost => 1e9,
    };
    json!(value.map(|value| value / per))
}

fn cause(of: Figure, cause: &Cause) -> Value {
    let pairs: Map<String, Value> =
        cause.pairs.iter().map(|(dim, value)| (dim.word().to_owned(), json!(value))).collect();
    let side = |standing: &Standing| {
        json!({
            "calls": standing.calls,
            "share_of_calls": standing.share,
            // Of cost, that of a call.
            "value": figure(of, standing.value),
        })
    };
    json!({
        "calls_with": pairs,
        "explains": cause.explains,
        "by_mix": cause.mix,
        "by_itself": cause.within,
        "before": side(&cause.before),
        "now": side(&cause.now),
    })
}

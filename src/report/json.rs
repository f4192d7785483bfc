//! The report for programs. Names are kept from version to version; more may be added. Unknown is null.

use super::figures::{figures, money};
use super::{Options, Report, Words, budgets, changes, clusters, headroom, mask};
use crate::snapshot::{Accounting, Failure, Group, Snapshot, Stats, Table};
use crate::units::{UNKNOWN, harmless_json, rfc3339};
use serde_json::{Map, Value, json};
use std::io;

/// `--format json`
pub(super) struct Json;

impl Report for Json {
    fn name(&self) -> &'static str {
        "json"
    }

    fn write(&self, snapshot: &Snapshot, options: &Options, out: &mut dyn io::Write) -> io::Result<()> {
        let text = serde_json::to_string_pretty(&document(snapshot, options.words))?;
        out.write_all(harmless_json(&text).as_bytes())?;
        out.write_all(b"\n")
    }
}

fn document(snapshot: &Snapshot, words: Words) -> Value {
    let groups: Map<String, Value> =
        snapshot.tables.iter().map(|table| (table.grouping.name(), groups(table))).collect();
    let totals_of_groups: Map<String, Value> =
        snapshot.tables.iter().map(|table| (table.grouping.name(), json!(table.total))).collect();
    json!({
        "schema": 1,
        "window": {"since": time(snapshot.range.since_us), "until": time(snapshot.range.until_us)},
        "filter": snapshot.view.filter.to_string(),
        "accounting": accounting(&snapshot.accounting, words),
        "totals": stats(&snapshot.totals),
        "previous": stats(&snapshot.previous),
        "groups": groups,
        "group_counts": totals_of_groups,
        "budgets": snapshot.budgets.iter().map(budgets::value).collect::<Vec<_>>(),
        "failures": snapshot.failures.iter().map(failure).collect::<Vec<_>>(),
        "clusters": clusters::value(snapshot),
        "changes": changes::value(&snapshot.changes),
        "headroom": headroom::value(snapshot),
        "unfiltered_calls": snapshot.unfiltered_calls,
        "store": store(snapshot),
        // Below 1 where rows had to be read and some have been deleted: figures that need them are then of the newest part.
        "covered": if snapshot.scan.rows { snapshot.scan.covered } else { 1.0 },
    })
}

/// The figures of a set of calls, with what money came to beyond costs.
fn stats(stats: &Stats) -> Map<String, Value> {
    figures(stats).into_iter().chain(money(stats)).collect()
}

/// A time as text; null for what is no time.
pub(super) fn time(us: i64) -> Value {
    let text = rfc3339(us);
    if text == UNKNOWN { Value::Null } else { Value::String(text) }
}

fn accounting(accounting: &Accounting, words: Words) -> Value {
    let reasons: Map<String, Value> =
        accounting.reasons.iter().map(|(reason, lines)| (reason.word().to_owned(), json!(lines))).collect();
    let example = |rejected: &crate::snapshot::Rejected| {
        json!({
            "source": rejected.source,
            "offset": rejected.offset,
            "reason": rejected.reason.word(),
            "line": mask::example(&rejected.snippet, words),
        })
    };
    let skipped = |skipped: &crate::snapshot::Skipped| json!({ "source": skipped.source, "offset": skipped.offset, "fields": skipped.shape });
    json!({
        "read": accounting.read,
        "accepted": accounting.accepted,
        "duplicate": accounting.duplicate,
        "skipped": accounting.skipped,
        "rejected": accounting.rejected,
        "reasons": reasons,
        "unpriced": accounting.unpriced,
        "future": accounting.future,
        "skipped_like": accounting.skipped_like.as_ref().map(skipped),
        "examples": accounting.examples.iter().map(example).collect::<Vec<_>>(),
    })
}

fn groups(table: &Table) -> Value {
    table.groups.iter().map(group).collect()
}

fn group(group: &Group) -> Value {
    let key = match group.key.as_slice() {
        [only] => json!(only),
        several => json!(several),
    };
    let mut object = Map::from_iter([("key".to_owned(), key)]);
    object.extend(stats(&group.stats));
    Value::Object(object)
}

fn failure(failure: &Failure) -> Value {
    let models: Map<String, Value> =
        failure.models.iter().map(|(model, calls)| (model.clone(), json!(calls))).collect();
    let types: Map<String, Value> =
        failure.error_types.iter().map(|(kind, calls)| (kind.clone(), json!(calls))).collect();
    json!({
        "mode": failure.mode.word(),
        "calls": failure.calls,
        "previous": failure.previous,
        "first": failure.first_us.map(time),
        "last": failure.last_us.map(time),
        "models": models,
        "error_types": types,
        "users": failure.users,
        "partial": failure.partial,
        "retry_after_ms": failure.retry_after_us.map(|us| us as f64 / 1_000.0),
        "example": failure.example,
    })
}

fn store(snapshot: &Snapshot) -> Value {
    let holdings = &snapshot.holdings;
    json!({
        "calls": holdings.calls,
        "first": holdings.bounds.map(|(first, _)| time(first)),
        "last": holdings.bounds.map(|(_, last)| time(last)),
        "sources": holdings.sources.len(),
        "folded_series": holdings.folded_series,
    })
}

//! The models whose calls have no price, with their tokens, where the text of a report has a table of models.

use super::grid::{Column, Grid};
use crate::snapshot::{Group, Snapshot};
use crate::units::{UNKNOWN, count};
use crate::view::Dim;

/// At most so many models are listed.
const MOST: usize = 10;

/// The section, or nothing where all calls have a cost.
pub(super) fn section(snapshot: &Snapshot, width: usize) -> Vec<String> {
    let Some(models) = snapshot.tables.iter().find(|table| table.grouping.dims == [Dim::Model]) else {
        return Vec::new();
    };
    let mut groups: Vec<&Group> = models.groups.iter().filter(|group| group.stats.unpriced_calls > 0).collect();
    groups.sort_by_key(|group| std::cmp::Reverse(group.stats.unpriced_calls));
    if groups.is_empty() {
        return Vec::new();
    }
    let column = |title, rank| Column { title, rank };
    let columns = vec![column("calls", 0), column("of", 1), column("tokens in", 2), column("tokens out", 3)];
    let more = groups.len().saturating_sub(MOST);
    let grid =
        Grid { label: "without a cost".to_owned(), columns, rows: groups.into_iter().take(MOST).map(row).collect() };
    let mut lines = grid.lines(width);
    if more > 0 {
        lines.push(format!("and {} more models", count(more as u64)));
    }
    lines
}

/// A model. Tokens are told apart by model alone: where some of its calls have a cost, those without have at most so many.
fn row(group: &Group) -> (String, Vec<String>) {
    let stats = &group.stats;
    let at_most = if stats.unpriced_calls < stats.calls { "≤" } else { "" };
    let tokens = |sum: Option<i64>| match sum.and_then(|n| u64::try_from(n).ok()) {
        Some(n) => format!("{at_most}{}", count(n)),
        None => UNKNOWN.to_owned(),
    };
    let name = group.key.first().cloned().flatten().unwrap_or_else(|| UNKNOWN.to_owned());
    let cells =
        vec![count(stats.unpriced_calls), count(stats.calls), tokens(stats.input_tokens), tokens(stats.output_tokens)];
    (name, cells)
}

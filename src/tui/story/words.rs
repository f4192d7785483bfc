//! A trace in words: what it came to, and one part of it; where its time went and what is odd is said by the trace itself.

use crate::snapshot::traces::{Node, PartKind, Trace, Tree};
use crate::tui::clean;
use crate::tui::figures;
use crate::tui::theme::Role;
use crate::units::{self, Zone};
use crate::view::TraceId;

fn took(us: u64) -> String {
    units::duration_us(us as f64)
}

/// Which trace it is.
pub(super) fn title(trace: &Trace) -> String {
    match &trace.id {
        TraceId::Trace(id) => id.clone(),
        TraceId::Request(id) => format!("of request {id}"),
        TraceId::Loose(id) => format!("calls of session {id} that name no trace"),
        TraceId::Session(id) => format!("session {id}"),
    }
}

/// All of it, wrapped.
pub(super) fn lines(trace: &Trace, zone: Zone, width: usize) -> Vec<(String, Role)> {
    let mut out = vec![(figures_of(trace, zone), Role::Strong)];
    let wrap = |text: String, role| clean::wrap(&text, width, 3).into_iter().map(move |line| (line, role));
    out.extend(wrap(trace.blame(), Role::Text));
    for odd in trace.oddities() {
        out.extend(wrap(odd, Role::Warn));
    }
    out
}

fn figures_of(trace: &Trace, zone: Zone) -> String {
    let row = &trace.row;
    let many = |n: u64, one: &str, many: &str| format!("{} {}", units::count(n), if n == 1 { one } else { many });
    let mut parts = vec![took(trace.tree.latency_us()), row.end.word().to_owned()];
    parts.extend(row.name.clone());
    parts.push(many(row.calls, "call", "calls"));
    parts.push(many(row.tools, "tool", "tools"));
    parts.extend(row.tokens().map(|n| format!("{} tokens", units::compact(n as f64))));
    parts.push(row.cost_nusd.map_or_else(|| "no known cost".to_owned(), |nano| figures::money(Some(nano as f64))));
    parts.extend((row.errors > 0).then(|| many(row.errors, "error", "errors")));
    parts.extend(row.user.clone());
    parts.push(units::time(trace.tree.start_us, zone, "%Y-%m-%d %H:%M:%S%.3f"));
    parts.join(" · ")
}

/// One part in two lines.
pub(super) fn about(node: &Node, tree: &Tree) -> Vec<(String, Role)> {
    let part = &node.part;
    let mut facts = vec![format!("{} {}", part.kind.word(), part.label())];
    facts.push(part.latency_us.map_or_else(|| "nobody said how long it took".to_owned(), took));
    let begins = part.start_us().abs_diff(tree.start_us);
    facts.extend((begins >= 1_000).then(|| format!("begins at {}", took(begins))));
    facts.extend(part.ttft_us.map(|us| format!("first token {}", took(us))));
    let tokens = |n: Option<u64>| n.map_or_else(|| units::UNKNOWN.to_owned(), units::count);
    if part.kind == PartKind::Call {
        facts.push(format!("{} + {} tokens", tokens(part.input_tokens), tokens(part.output_tokens)));
        facts.push(part.cost_nusd.map_or_else(|| "no known cost".to_owned(), |n| figures::money(Some(n as f64))));
    }
    let critical = node.critical_us();
    facts.extend((critical >= 1_000).then(|| format!("held the whole up for {}", took(critical))));
    let idle: u64 = node.gaps.iter().map(|(from, to)| to.abs_diff(*from)).sum();
    facts.extend((idle >= 1_000).then(|| format!("none of its steps ran for {}", took(idle))));
    let remarks = node.remarks().join(", ");
    let said = match (&part.error, remarks.is_empty()) {
        (Some(error), true) => error.clone(),
        (Some(error), false) => format!("{remarks}: {error}"),
        (None, _) => remarks,
    };
    let role = if part.has_failed() { Role::Bad } else { Role::Warn };
    vec![(facts.join(" · "), Role::Text), (said, role)]
}

//! A trace or a conversation for programs. Names are kept from version to version; more may be added. Unknown is null.

use super::super::json::time;
use super::super::{Options, Words};
use crate::snapshot::traces::{Blame, Conversation, Finding, Link, Node, Story, Trace, TraceRow, Turn};
use crate::units::harmless_json;
use serde_json::{Value, json};
use std::io;

/// Writes it.
///
/// # Errors
/// Those of writing.
pub fn write(story: &Story, options: &Options, out: &mut dyn io::Write) -> io::Result<()> {
    let value = match story {
        Story::Trace(trace) => of_trace(trace, options.words),
        Story::Session(told) => of_session(told),
    };
    out.write_all(harmless_json(&serde_json::to_string_pretty(&value)?).as_bytes())?;
    out.write_all(b"\n")
}

fn millis(us: u64) -> f64 {
    us as f64 / 1e3
}

fn usd(nano: Option<i64>) -> Option<f64> {
    nano.map(|nano| nano as f64 / 1e9)
}

fn row(row: &TraceRow) -> Value {
    json!({
        "id": row.id.text(),
        "name": row.name,
        "start": time(row.start_us),
        "end": time(row.end_us),
        "latency_ms": millis(row.latency_us()),
        "traces": row.traces,
        "calls": row.calls,
        "tools": row.tools,
        "input_tokens": row.input_tokens,
        "output_tokens": row.output_tokens,
        "cost_usd": usd(row.cost_nusd),
        "unpriced_calls": row.unpriced,
        "errors": row.errors,
        "user_id": row.user,
        "outcome": row.end.word(),
    })
}

fn of_trace(trace: &Trace, words: Words) -> Value {
    let tree = &trace.tree;
    json!({
        "schema": 1,
        "trace": row(&trace.row),
        "critical_path": tree.blame.iter().map(blame).collect::<Vec<_>>(),
        "findings": tree.findings.iter().map(finding).collect::<Vec<_>>(),
        "remarks": trace.oddities(),
        "cut": trace.is_cut,
        "parts": tree.nodes.iter().map(|node| part(node, words)).collect::<Vec<_>>(),
    })
}

fn blame(blame: &Blame) -> Value {
    json!({
        "name": blame.name,
        "kind": blame.kind.map(|kind| kind.word()),
        "ms": millis(blame.us),
        "parts": blame.parts,
    })
}

fn finding(finding: &Finding) -> Value {
    match finding {
        Finding::Again { name, times, node } => json!({"kind": "again", "name": name, "times": times, "part": node}),
        Finding::Loop { steps, times, node } => json!({"kind": "loop", "steps": steps, "times": times, "part": node}),
        Finding::Retried { name, retries, node } => {
            json!({"kind": "retried", "name": name, "retries": retries, "part": node})
        }
    }
}

fn link(link: Link) -> &'static str {
    match link {
        Link::Root => "root",
        Link::Id => "id",
        Link::Time => "time",
        Link::Orphan => "orphan",
        Link::Cycle => "cycle",
    }
}

fn part(node: &Node, words: Words) -> Value {
    let part = &node.part;
    let gaps: u64 = node.gaps.iter().map(|(from, to)| to.abs_diff(*from)).sum();
    json!({
        "kind": part.kind.word(),
        "name": part.name,
        "span_id": part.span_id,
        "request_id": part.request_id,
        "parent_id": part.parent_id,
        "parent": node.parent,
        "depth": node.depth,
        "link": link(node.link),
        "start": time(part.start_us()),
        "end": time(part.end_us()),
        "latency_ms": part.latency_us.map(millis),
        "ttft_ms": part.ttft_us.map(millis),
        "status": part.outcome.map(|outcome| if outcome.is_error() { "error" } else { "ok" }),
        "error": part.error,
        "provider": part.provider,
        "operation": part.operation,
        "input_tokens": part.input_tokens,
        "output_tokens": part.output_tokens,
        "cost_usd": usd(part.cost_nusd),
        "retries": part.retries,
        "critical_ms": millis(node.critical_us()),
        "idle_ms": millis(gaps),
        "retry": node.retry,
        "again": node.again,
        "late": node.is_late,
        "attributes": super::attrs(part, words),
    })
}

fn of_session(told: &Conversation) -> Value {
    let turn = |turn: &Turn| {
        let mut value = row(&turn.row);
        value["so_far_usd"] = json!(usd(turn.so_far_nusd));
        value["is_trace"] = json!(turn.call.is_none());
        value
    };
    json!({
        "schema": 1,
        "session": row(&told.row),
        "cut": told.is_cut,
        "turns": told.turns.iter().map(turn).collect::<Vec<_>>(),
    })
}

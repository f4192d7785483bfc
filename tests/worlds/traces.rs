//! Traces for the screens: an agent with tools beside each other, tries, a late child and an orphan; the same made to break
//! a layout; lists and a conversation.

use super::{HOSTILE, NOW};
use llmtop::event::{FailureMode, Outcome, SpanKind};
use llmtop::snapshot::traces::{Conversation, Part, PartKind, Story, Trace, TraceEnd, TraceRow, Traces, Tree, Turn};
use llmtop::view::{RecordKey, TraceId, TraceUnit, View};

const ID: &str = "9f3c0a71d2b84e55a1c06f7be2d94310";

const STEPS: [&str; 5] = ["ops_agent", "answer_question", "support-chat", "nightly_report", "gpt-4.1-mini"];

fn row(i: i64, unit: TraceUnit) -> TraceRow {
    let start_us = NOW - 4_321_000 * (i + 1);
    let id = format!("{:032x}", (i as u128 + 1) * 0x9f3c_0a71_d2b8_4e55_a1c0);
    let number = |n: i64| n as u64;
    TraceRow {
        id: if unit == TraceUnit::Trace { TraceId::Trace(id) } else { TraceId::Session(format!("s_{i:04x}")) },
        name: (i % 11 != 10).then(|| STEPS[(i % 5) as usize].to_owned()),
        start_us,
        end_us: start_us + 700_000 + i * i * 97_000,
        traces: if unit == TraceUnit::Trace { 1 } else { number(1 + i % 7) },
        calls: number(1 + i % 9),
        tools: number(i % 5),
        input_tokens: (i % 13 != 12).then_some(number(400 + i * 731)),
        output_tokens: (i % 13 != 12).then_some(number(40 + i * 17)),
        cost_nusd: (i % 13 != 12).then_some(1_200_000 + i * 431_000),
        unpriced: u64::from(i % 6 == 5),
        errors: if i % 8 == 3 { number(1 + i % 3) } else { 0 },
        user: (i % 9 != 8).then(|| format!("u_{}", 100 + i * 7)),
        end: match i % 8 {
            3 => TraceEnd::Failed,
            4 => TraceEnd::NotCompleted,
            0 => TraceEnd::Completed,
            7 => TraceEnd::Unknown,
            _ => TraceEnd::Ok,
        },
    }
}

/// The list of a view.
pub fn list(view: &View) -> Traces {
    let asked = view.sections.traces;
    let rows = (0..asked.top as i64).map(|i| row(i, asked.unit));
    let is_list = asked.top > 0;
    Traces {
        list: rows.collect(),
        total: if is_list { 5_196 } else { 0 },
        outside: if is_list { 214 } else { 0 },
        since_us: None,
    }
}

fn name(i: usize) -> String {
    HOSTILE.get(i % 7).map_or_else(|| "n".repeat(10_000), |text| (*text).to_owned())
}

/// The same made to break a layout.
pub fn hostile_list(view: &View) -> Traces {
    let mut traces = list(view);
    for (i, row) in traces.list.iter_mut().enumerate() {
        (row.id, row.name, row.user) = (TraceId::Trace(name(i)), Some(name(i + 1)), Some(name(i + 2)));
        (row.start_us, row.end_us) = (i64::MIN >> (i % 60), i64::MAX >> (i % 60));
        (row.calls, row.errors, row.cost_nusd) = (u64::MAX >> i.min(63), u64::MAX, Some(i64::MIN));
        (row.input_tokens, row.output_tokens) = (Some(u64::MAX), Some(u64::MAX));
    }
    if view.sections.traces.top > 0 {
        (traces.total, traces.outside, traces.since_us) = (u64::MAX, u64::MAX, Some(i64::MIN));
    }
    traces
}

/// A part of a trace that began `NOW`: its kind, its name, its id, its parent's, from when to when, ms.
fn part(kind: PartKind, name: &str, (id, parent): (&str, &str), (from, to): (i64, i64)) -> Part {
    let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let hash = id.bytes().fold(7_i64, |hash, b| hash.wrapping_mul(31).wrapping_add(i64::from(b)));
    let key = RecordKey { ts_us: NOW + to * 1_000, id: hash };
    Part {
        name: some(name),
        span_id: some(id),
        parent_id: some(parent),
        latency_us: Some((to - from) as u64 * 1_000),
        outcome: Some(Outcome::Ok),
        user: Some("u_12".to_owned()),
        ..Part::new(kind, key)
    }
}

fn step(kind: SpanKind, name: &str, ids: (&str, &str), when: (i64, i64)) -> Part {
    part(PartKind::Step(kind), name, ids, when)
}

fn call(ids: (&str, &str), when: (i64, i64), tokens: (u64, u64)) -> Part {
    Part {
        request_id: Some(format!("req_{}", ids.0)),
        ttft_us: Some(420_000),
        input_tokens: Some(tokens.0),
        output_tokens: Some(tokens.1),
        cost_nusd: Some(tokens.0 as i64 * 2_000 + tokens.1 as i64 * 8_000),
        ..part(PartKind::Call, "gpt-4.1", ids, when)
    }
}

fn failed(part: Part, mode: FailureMode, why: &str) -> Part {
    Part { outcome: Some(Outcome::Failed(mode)), error: Some(why.to_owned()), ..part }
}

/// The parts of the agent.
fn parts() -> Vec<Part> {
    use FailureMode::{RateLimit, Unknown};
    use SpanKind::{Agent, Attempt, Retrieval, Tool};
    let asked = |part: Part, what| {
        let attrs = r#"{"input":{"parcel":"P-2","note":"for Ms Meyer"},"output":"in transit","http_status":502}"#;
        Part { asked: Some(what), attrs: Some(attrs.to_owned()), ..part }
    };
    let carrier = |ids, when| asked(step(Tool, "carrier_status", ids, when), 1);
    vec![
        step(Agent, "ops_agent", ("root", ""), (0, 12_900)),
        call(("c1", "root"), (20, 1_420), (2_600, 90)),
        step(Tool, "search_orders", ("t1", "root"), (1_430, 1_590)),
        failed(carrier(("t2", "root"), (1_430, 2_630)), Unknown, "carrier API: 502 Bad Gateway"),
        failed(carrier(("t3", "root"), (2_650, 3_950)), Unknown, "carrier API: 502 Bad Gateway"),
        carrier(("t4", "root"), (3_970, 8_370)),
        step(Tool, "stock_level", ("t5", "root"), (1_440, 1_500)),
        step(Retrieval, "policy_search", ("r1", "root"), (1_435, 1_835)),
        Part { retries: Some(1), ..call(("c2", "root"), (8_400, 9_900), (3_900, 70)) },
        failed(step(Attempt, "attempt", ("a1", "req_c2"), (8_410, 8_700)), RateLimit, "Rate limit reached"),
        asked(step(Tool, "stop_parcel", ("t6", "root"), (9_920, 10_520)), 2),
        asked(step(Tool, "stop_parcel", ("t7", "root"), (10_540, 10_550)), 2),
        failed(call(("c3", "root"), (10_560, 12_860), (4_200, 260)), RateLimit, "Rate limit reached for gpt-4.1"),
        step(Tool, "write_summary", ("t9", "root"), (12_800, 21_400)),
        step(Tool, "send_mail", ("t10", "gone"), (12_000, 12_100)),
    ]
}

fn trace(parts: Vec<Part>) -> Story {
    let tree = Tree::build(parts);
    let id = TraceId::Trace(ID.to_owned());
    let row = TraceRow {
        id: id.clone(),
        name: Some("ops_agent".to_owned()),
        start_us: tree.start_us,
        end_us: tree.end_us,
        errors: 4,
        user: Some("u_12".to_owned()),
        end: TraceEnd::Completed,
        ..row(3, TraceUnit::Trace)
    };
    Story::Trace(Box::new(Trace { id, tree, row, is_cut: false }))
}

/// The agent.
pub fn agent() -> Story {
    trace(parts())
}

/// A trace of one call.
pub fn one_call() -> Story {
    trace(vec![Part { latency_us: None, ..call(("c1", ""), (0, 0), (10, 1)) }])
}

/// Names to break a terminal, times at their limits, circles, a chain of a thousand.
pub fn hostile_agent() -> Story {
    let mut all = parts();
    for (i, part) in all.iter_mut().enumerate() {
        (part.name, part.error, part.user) = (Some(name(i)), Some(name(i + 1)), Some(name(i + 2)));
        part.attrs = Some(format!(r#"{{"input":{:?},"retrieved":[1,2]}}"#, name(i)));
        part.cost_nusd = Some(i64::MIN >> i);
        part.input_tokens = Some(u64::MAX >> i);
    }
    all[3].key.ts_us = i64::MAX;
    all[4].key.ts_us = i64::MIN;
    all[5].latency_us = Some(u64::MAX);
    all[6].parent_id = Some("t7".to_owned());
    all[11].parent_id = Some("t5".to_owned());
    all.extend((0..1_000).map(|n| {
        let (id, parent) = (format!("x{n}"), if n > 0 { format!("x{}", n - 1) } else { "root".to_owned() });
        step(SpanKind::Chain, &name(n), (&id, &parent), (n as i64, 9_000 - n as i64))
    }));
    trace(all)
}

/// A conversation of some turns.
pub fn conversation() -> Story {
    let mut so_far = 0;
    let turns: Vec<Turn> = (0..9)
        .map(|i| {
            let mut row = row(i, TraceUnit::Trace);
            row.start_us = NOW + i * 95_000_000;
            row.end_us = row.start_us + 900_000 + i * i * 120_000;
            so_far += row.cost_nusd.unwrap_or(0);
            let call = (i % 4 == 2).then_some(RecordKey { ts_us: row.end_us, id: i });
            Turn { row, call, so_far_nusd: Some(so_far) }
        })
        .collect();
    let row = TraceRow { cost_nusd: Some(so_far), calls: 41, ..row(2, TraceUnit::Session) };
    Story::Session(Box::new(Conversation { session: "s_9a0f42".to_owned(), turns, row, is_cut: false }))
}

//! The judgement for programs. Names are kept from version to version; more may be added. Unknown is null. Times are in ms,
//! money in dollars, shares in 0..=1, as the field `unit` says.

use super::gate::{Gate, Line, Sample};
use super::limit::{Measured, Unit};
use super::{Form, words};
use crate::units::{UNKNOWN, Zone, harmless_json, rfc3339};
use serde_json::{Value, json};
use std::io;

/// `--format json`
pub(super) struct Json;

impl Form for Json {
    fn name(&self) -> &'static str {
        "json"
    }

    fn write(&self, gate: &Gate, _: Zone, out: &mut dyn io::Write) -> io::Result<()> {
        let text = serde_json::to_string_pretty(&document(gate))?;
        out.write_all(harmless_json(&text).as_bytes())?;
        out.write_all(b"\n")
    }
}

fn document(gate: &Gate) -> Value {
    let verdict = gate.verdict();
    let baseline = gate.baseline.as_ref().map(|(name, sample)| {
        let mut baseline = looked_at(sample);
        baseline["name"] = json!(name);
        baseline["max_regression"] = json!(gate.asked.max_regression);
        baseline
    });
    let mut document = looked_at(&gate.sample);
    for (name, value) in [
        ("schema", json!(1)),
        ("verdict", json!(verdict.word())),
        ("exit_code", json!(verdict.exit_code())),
        ("filter", json!(gate.filter)),
        ("min_calls", json!(gate.asked.min_calls)),
        ("read_all", json!(gate.read_all)),
        ("baseline", json!(baseline)),
        ("limits", gate.lines.iter().map(line).collect()),
        ("notes", json!(gate.notes)),
    ] {
        document[name] = value;
    }
    document
}

fn looked_at(sample: &Sample) -> Value {
    json!({
        "window": {"since": time(sample.range.since_us), "until": time(sample.range.until_us)},
        "calls": sample.calls,
    })
}

/// A time as text; null for what is no time.
fn time(us: i64) -> Value {
    let text = rfc3339(us);
    if text == UNKNOWN { Value::Null } else { Value::String(text) }
}

fn line(line: &Line) -> Value {
    let unit = line.limit.unit;
    json!({
        "limit": line.limit.flag,
        "name": words::name(line),
        "against": if line.baseline.is_some() { "baseline" } else { "limit" },
        "unit": unit.word(),
        "measured": figure(&line.measured, unit),
        // The true figure is this or more.
        "at_least": matches!(line.measured, Measured::AtLeast(..)),
        "allowed": line.allowed.map(|most| unit.public(most)),
        "baseline": line.baseline.as_ref().map(|before| figure(before, unit)),
        "change": words::change(line).filter(|change| change.is_finite()),
        "verdict": line.verdict.word(),
        "why": line.verdict.why(),
    })
}

fn figure(measured: &Measured, unit: Unit) -> Value {
    match measured {
        Measured::Exact(value) | Measured::AtLeast(value, _) => json!(unit.public(*value)),
        Measured::Unknown(_) => Value::Null,
    }
}

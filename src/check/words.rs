//! The words of a judged line, the same in every form that people read.

use super::gate::{Gate, Line, Verdict};
use super::limit::{Measured, Unit};
use crate::units::UNKNOWN;

/// What the lines of a limit, and of one held against the baseline, are called. Stays the same from run to run.
pub(super) fn name(line: &Line) -> String {
    let against = if line.baseline.is_some() { " against baseline" } else { "" };
    format!("{}{against}", line.limit.name)
}

/// The figure: in as many digits as it takes to tell it from what is allowed.
pub(super) fn measured(line: &Line) -> String {
    figure(&line.measured, line.limit.unit, writer(line))
}

/// The most it may be: as it was typed, or as it follows from the baseline.
pub(super) fn allowed(line: &Line) -> String {
    let unit = line.limit.unit;
    match line.allowed {
        None => UNKNOWN.to_owned(),
        Some(most) if line.baseline.is_none() => unit.typed(most),
        Some(most) => writer(line)(unit, most),
    }
}

/// The baseline's figure.
pub(super) fn baseline(line: &Line) -> String {
    line.baseline.as_ref().map_or_else(String::new, |before| figure(before, line.limit.unit, Unit::text))
}

/// The change from the baseline, of it, where both are known; infinite from nothing.
pub(super) fn change(line: &Line) -> Option<f64> {
    match (&line.measured, &line.baseline) {
        (Measured::Exact(now), Some(Measured::Exact(before))) if now != before => Some(now / before - 1.0),
        (Measured::Exact(_), Some(Measured::Exact(_))) => Some(0.0),
        _ => None,
    }
}

/// `+9.5 %`, `=`, or `×12` from tenfold on, where there is a change that can be told.
pub(super) fn change_text(line: &Line) -> Option<String> {
    let change = change(line)?;
    Some(match change {
        0.0 => "=".to_owned(),
        c if c.is_infinite() => "from nothing".to_owned(),
        c if c >= 9.0 => format!("×{}", crate::units::digits3(c + 1.0)),
        c => format!("{}{}", if c < 0.0 { '-' } else { '+' }, crate::units::percent(c.abs())),
    })
}

/// The judgement of a line or of all.
pub(super) fn verdict(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Held => "held".to_owned(),
        Verdict::NotHeld => "NOT held".to_owned(),
        Verdict::Unjudged(why) => format!("cannot be judged: {why}"),
    }
}

/// The last word: what is not held, and what could not be judged.
pub(super) fn summary(gate: &Gate) -> String {
    let names = |of: fn(&Verdict) -> bool| {
        let lines = gate.lines.iter().filter(|line| of(&line.verdict));
        lines.map(name).collect::<Vec<_>>().join(", ")
    };
    let not = names(|verdict| *verdict == Verdict::NotHeld);
    let unknown = names(|verdict| matches!(verdict, Verdict::Unjudged(_)));
    match (not.is_empty(), unknown.is_empty()) {
        (false, true) => format!("NOT held: {not}"),
        (false, false) => format!("NOT held: {not}; cannot be judged: {unknown}"),
        (true, false) => format!("cannot be judged: {unknown}"),
        (true, true) => verdict(&gate.verdict()),
    }
}

fn figure(measured: &Measured, unit: Unit, write: fn(Unit, f64) -> String) -> String {
    match measured {
        Measured::Exact(value) => write(unit, *value),
        Measured::AtLeast(value, _) => format!("≥ {}", write(unit, *value)),
        Measured::Unknown(_) => UNKNOWN.to_owned(),
    }
}

/// Three digits, unless figure and limit look the same in them and are not.
fn writer(line: &Line) -> fn(Unit, f64) -> String {
    let unit = line.limit.unit;
    let close = match (&line.measured, line.allowed) {
        (Measured::Exact(value) | Measured::AtLeast(value, _), Some(most)) => {
            *value != most && unit.text(*value) == unit.text(most)
        }
        _ => false,
    };
    if close { Unit::exact } else { Unit::text }
}

//! Experiments as text for people and as values for programs. Names of values are kept from version to version; more may be
//! added. Unknown is null.

use super::grid::{Column, Grid, wrap};
use crate::snapshot::experiments::{Comparison, Experiment, Measure};
use crate::units::{self, UNKNOWN, clean, rfc3339};
use crate::view::{Measured, Role};
use serde_json::{Value, json};

/// A line for each experiment: its name, how much there is of it, and the verdicts.
pub fn list(all: &[Experiment], width: usize) -> Vec<String> {
    if all.is_empty() {
        return vec!["no call names a variant".to_owned()];
    }
    let columns = ["variants", "units", "by", "first day", "last day"];
    let columns = columns.into_iter().zip([3, 1, 2, 4, 5]).map(|(title, rank)| Column { title, rank }).collect();
    let row = |one: &Experiment| {
        let units: u64 = one.arms.iter().map(|arm| arm.units).sum();
        let (first, last) = days(one);
        let cells =
            vec![units::count(one.arms.len() as u64), units::count(units), one.unit.word().to_owned(), first, last];
        (one.rule.name.clone(), cells)
    };
    let mut lines = Grid { label: "experiment".to_owned(), columns, rows: all.iter().map(row).collect() }.lines(width);
    lines.push(String::new());
    for one in all {
        lines.extend(verdicts(one, &format!("{}: ", one.rule.name), width));
    }
    lines
}

/// One experiment: its variants, each metric of each against the control, and the verdicts.
pub fn show(one: &Experiment, width: usize) -> Vec<String> {
    let (first, last) = days(one);
    let aa = if one.rule.aa { "; A/A: any win is false" } else { "" };
    let mut lines = vec![
        format!("experiment  {}", clean(&one.rule.name)),
        format!("units       {}{aa}", one.unit.word()),
        format!("days        {first} to {last} UTC, its whole life; intervals hold however often one looks"),
    ];
    lines.extend(remarks(one).iter().flat_map(|remark| wrap(remark, width)));
    lines.push(String::new());
    lines.extend(variants(one).lines(width));
    for arm in 1..one.arms.len() {
        lines.push(String::new());
        lines.extend(against(one, arm).lines(width));
    }
    lines.push(String::new());
    lines.extend(verdicts(one, "", width));
    lines
}

fn days(one: &Experiment) -> (String, String) {
    (units::day(one.range.since_us), units::day(one.range.until_us.saturating_sub(1)))
}

fn verdicts(one: &Experiment, before: &str, width: usize) -> Vec<String> {
    let arms = 1..one.arms.len();
    if arms.is_empty() {
        return wrap(&format!("{before}one variant alone, nothing to compare"), width);
    }
    if one.is_mismatched() {
        return wrap(&format!("{before}{}", one.headline_words(1)), width);
    }
    let say = |arm: usize| format!("{before}{} is {}", one.arms[arm].variant, one.headline_words(arm));
    arms.flat_map(|arm| wrap(&say(arm), width)).collect()
}

fn remarks(one: &Experiment) -> Vec<String> {
    let mut remarks = Vec::new();
    if let Some(found) = one.mismatch.as_ref().filter(|_| one.is_mismatched()) {
        let of = one.arms.iter().zip(&found.expected);
        let each: Vec<String> = of
            .map(|(arm, due)| {
                format!("{} has {} of {} due", arm.variant, units::count(arm.units), units::count(due.round() as u64))
            })
            .collect();
        let p = found.p;
        remarks
            .push(format!("MISMATCH: {} (p = {p:.1e}): assignment or logging is broken, no verdict", each.join(", ")));
    }
    if one.crossed > 0 {
        remarks.push(format!("note: {} units are in more than one variant", units::count(one.crossed)));
    }
    if let Some(us) = one.gone_us {
        remarks.push(format!("note: days before {} UTC have been deleted", units::day(us)));
    }
    remarks
}

fn variants(one: &Experiment) -> Grid {
    let columns = ["units", "calls"].into_iter().map(|title| Column { title, rank: 0 }).collect();
    let row = |(i, arm): (usize, &crate::snapshot::experiments::Arm)| {
        let control = if i == 0 { " (control)" } else { "" };
        (format!("{}{control}", arm.variant), vec![units::count(arm.units), units::count(arm.calls)])
    };
    Grid { label: "variant".to_owned(), columns, rows: one.arms.iter().enumerate().map(row).collect() }
}

fn against(one: &Experiment, arm: usize) -> Grid {
    let columns = [("control", 1), ("variant", 1), ("change", 0), ("interval", 2), ("verdict", 0)];
    let columns = columns.into_iter().map(|(title, rank)| Column { title, rank }).collect();
    let row = |measure: &Measure| {
        let figure = |arm: usize| {
            let value = measure.figures.get(arm).copied().flatten();
            value.map_or_else(|| UNKNOWN.to_owned(), |value| measure.figure(value))
        };
        let found = measure.comparisons.get(arm).and_then(Option::as_ref);
        let change = found.map_or_else(|| UNKNOWN.to_owned(), |found| measure.difference(found.difference));
        let interval = found.and_then(|found| found.interval).map_or_else(
            || UNKNOWN.to_owned(),
            |interval| format!("{} to {}", measure.difference(interval.low), measure.difference(interval.high)),
        );
        let words = one.judgement(measure, arm).map(|judgement| judgement.words(measure.measured));
        let role = match measure.role {
            Role::Other => String::new(),
            role => format!(", {}", role.word()),
        };
        let cells =
            vec![figure(0), figure(arm), change, interval, words.unwrap_or_else(|| "not known well enough".to_owned())];
        (format!("{}{role}", measure.metric.title()), cells)
    };
    let label = format!("{} against {}", clean(&one.arms[arm].variant), clean(&one.arms[0].variant));
    Grid { label, columns, rows: one.measures.iter().map(row).collect() }
}

/// Experiments for programs.
pub fn values(all: &[Experiment]) -> Value {
    json!({ "schema": 1, "experiments": all.iter().map(value).collect::<Vec<_>>() })
}

fn value(one: &Experiment) -> Value {
    let arm = |(i, arm): (usize, &crate::snapshot::experiments::Arm)| {
        json!({
            "variant": arm.variant,
            "control": i == 0,
            "units": arm.units,
            "expected_units": arm.expected,
            "calls": arm.calls,
            "verdict": (i > 0).then(|| one.headline(i).judgement.word()),
            "verdict_of": (i > 0).then(|| one.headline(i).metric.map(|metric| metric.name())).flatten(),
            "words": (i > 0).then(|| one.headline_words(i)),
        })
    };
    json!({
        "name": one.rule.name,
        "unit": one.unit.word(),
        "aa": one.rule.aa,
        "since": rfc3339(one.range.since_us),
        "until": rfc3339(one.range.until_us),
        "deleted_before": one.gone_us.map(rfc3339),
        "mismatch": one.is_mismatched(),
        "mismatch_p": one.mismatch.as_ref().map(|found| found.p),
        "crossed_units": one.crossed,
        "variants": one.arms.iter().enumerate().map(arm).collect::<Vec<_>>(),
        "metrics": one.measures.iter().map(|measure| metric(one, measure)).collect::<Vec<_>>(),
    })
}

/// The unit that machines get a metric in, and by how much its figures are divided for that.
pub fn unit(measured: Measured) -> (&'static str, f64) {
    match measured {
        Measured::Share => ("share", 1.0),
        Measured::Time => ("ms", 1e3),
        Measured::Money => ("usd", 1e9),
        Measured::Tokens => ("tokens", 1.0),
        Measured::Number => ("number", 1.0),
    }
}

fn metric(one: &Experiment, measure: &Measure) -> Value {
    let (unit, by) = unit(measure.measured);
    let figure = |(i, figure): (usize, &Option<f64>)| {
        let found = measure.comparisons.get(i).and_then(Option::as_ref);
        json!({
            "variant": one.arms[i].variant,
            "value": figure.map(|figure| figure / by),
            "against_control": found.map(|found| comparison(found, by)),
            "verdict": one.judgement(measure, i).map(|judgement| judgement.word()),
            "words": one.judgement(measure, i).map(|judgement| judgement.words(measure.measured)),
        })
    };
    json!({
        "metric": measure.metric.name(),
        "role": measure.role.word(),
        "unit": unit,
        "variants": measure.figures.iter().enumerate().map(figure).collect::<Vec<_>>(),
    })
}

/// A comparison in the unit that machines get.
fn comparison(found: &Comparison, by: f64) -> Value {
    json!({
        "difference": found.difference / by,
        "low": found.interval.map(|interval| interval.low / by),
        "high": found.interval.map(|interval| interval.high / by),
        "p": found.p,
        "alpha": found.alpha,
        "matters_from": found.threshold / by,
    })
}

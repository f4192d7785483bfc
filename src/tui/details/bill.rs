//! Why a call cost what it cost: each kind of tokens times its rate, where the rates are from, and what its producer says.

use super::Fact;
use crate::snapshot::{Bill, BillLine, Computed, Invoice, Record};
use crate::tui::theme::Role;
use crate::units::{self, Zone};

/// What it cost.
pub(super) fn cost(record: &Record) -> Option<String> {
    match &record.bill {
        Some(bill) => Some(counted(record, bill)),
        None => record.cost_nusd.or(record.call.cost_nusd).map(units::usd),
    }
}

/// Why, as far as that is known: what was computed, with what it is the sum of, and what the producer says.
pub(super) fn facts(record: &Record) -> Vec<Fact> {
    let Some(bill) = &record.bill else { return Vec::new() };
    let mut out = Vec::new();
    match &bill.computed {
        Computed::Billed(invoice) => billed(invoice, &mut out),
        Computed::Free(why) => out.push(("computed", format!("$0.00: {why}"), Role::Text)),
        Computed::Unpriced(why) => out.push(("computed", format!("{}: {why}", units::UNKNOWN), Role::Warn)),
    }
    out.extend(bill.reported_nusd.map(|said| ("reported", against(said, bill.computed.nusd()), Role::Text)));
    out
}

/// What counts, and which of the two it is.
fn counted(record: &Record, bill: &Bill) -> String {
    let Some(cost) = record.cost_nusd else { return format!("{}, so it is unpriced", units::UNKNOWN) };
    let is = |one: Option<i64>| one == Some(cost);
    let whose = match (is(bill.reported_nusd), is(bill.computed.nusd())) {
        (true, true) => "as reported and as computed",
        (true, false) => "as reported",
        (false, true) => "as computed",
        (false, false) => "by other prices than those of now",
    };
    format!("{}, {whose}", exact(cost))
}

fn exact(nano: i64) -> String {
    units::exact_usd(i128::from(nano) * 1_000)
}

fn billed(invoice: &Invoice, out: &mut Vec<Fact>) {
    out.push(("computed", exact(invoice.nusd), Role::Text));
    out.extend(invoice.lines.iter().map(|line| (kind(line), product(line), Role::Text)));
    if invoice.uplift != 0 {
        let share = f64::from(invoice.uplift) / 1_000.0;
        let lines = invoice.lines.iter().fold(0u128, |sum, line| sum.saturating_add(line.pusd));
        let amount = i128::try_from(lines).unwrap_or(i128::MAX).saturating_mul(i128::from(invoice.uplift)) / 100_000;
        let amount = units::exact_usd(amount);
        out.push((" uplift", format!("{share:+}% by the configuration = {amount}"), Role::Text));
    }
    let size = invoice.above.map(|above| format!(", prompts above {} tokens", units::count(above)));
    out.push(("tier", format!("{}{}", invoice.service, size.unwrap_or_default()), Role::Dim));
    out.push(("priced as", format!("{}, found by {}", invoice.model, invoice.found), Role::Dim));
    out.push(("prices", source(invoice), if invoice.backdated { Role::Warn } else { Role::Dim }));
}

/// The kind of tokens, set in, in less than the columns that names of facts have.
fn kind(line: &BillLine) -> &'static str {
    const NAMES: [(&str, &str); 8] = [
        ("input", " input"),
        ("cache read", " cache read"),
        ("cache write", " write 5m"),
        ("cache write 1h", " write 1h"),
        ("output", " output"),
        ("reasoning", " reasoning"),
        ("audio input", " audio in"),
        ("audio output", " audio out"),
    ];
    NAMES.iter().find(|(kind, _)| *kind == line.kind).map_or(line.kind, |(_, name)| name)
}

/// `1,234 × $2.00/M = $0.002468`
fn product(line: &BillLine) -> String {
    let rate = units::exact_usd(i128::from(line.rate_pusd) * 1_000_000);
    let all = units::exact_usd(i128::try_from(line.pusd).unwrap_or(i128::MAX));
    format!("{} × {rate}/M = {all}", units::count(line.tokens))
}

/// Who says so, of which day, and from when on it holds. Days of prices begin in UTC.
fn source(invoice: &Invoice) -> String {
    let day = |us| units::time(us, Zone::Utc, "%Y-%m-%d");
    let of = invoice.source_us.map_or_else(String::new, |us| format!(" of {}", day(us)));
    let from = invoice.from_us.map_or_else(String::new, |us| format!(", from {} on", day(us)));
    let late = if invoice.backdated { ", later than the call" } else { "" };
    format!("{}{of}{from}{late}", invoice.source)
}

/// What the producer says, against what was computed.
fn against(said: i64, computed: Option<i64>) -> String {
    let text = exact(said);
    let Some(computed) = computed else { return text };
    let by = said.saturating_sub(computed);
    if by == 0 {
        return format!("{text}, the same");
    }
    let share = if computed > 0 {
        // Without a space, so that no line ends inside of it.
        format!(" ({})", units::percent(by.unsigned_abs() as f64 / computed as f64).replace(' ', ""))
    } else {
        String::new()
    };
    let more = if by > 0 { "more" } else { "less" };
    format!("{text}, {} {more}{share}", exact(by.saturating_abs()))
}

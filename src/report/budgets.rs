//! How budgets stand, as a table for people and as values for programs.

use super::grid::{Column, Grid, cut, wrap};
use super::json::time;
use crate::snapshot::{BudgetState, Burn, Spend};
use crate::units::{self, UNKNOWN};
use serde_json::{Value, json};

/// Of those a budget is divided by, so many of the first are printed.
const FIRST: usize = 3;

/// Columns of the table with their ranks: the higher, the sooner one is left out.
const COLUMNS: [(&str, u8); 8] = [
    ("spent", 0),
    ("limit", 1),
    ("share", 0),
    ("before", 6),
    ("per hour", 4),
    ("at the end", 2),
    ("4 in 5 times", 5),
    ("limit reached", 3),
];

/// The lines of the table; `at` writes a time.
pub(super) fn lines(budgets: &[BudgetState], width: usize, at: &dyn Fn(i64) -> String) -> Vec<String> {
    if budgets.is_empty() {
        return Vec::new();
    }
    let rows = budgets.iter().flat_map(|state| rows(state, at)).collect();
    let columns = COLUMNS.map(|(title, rank)| Column { title, rank }).into();
    let mut lines = Grid { label: "budgets".to_owned(), columns, rows }.lines(width);
    lines.extend(budgets.iter().flat_map(|state| notes(state, at)).flat_map(|note| wrap(&note, width)));
    lines
}

fn rows(state: &BudgetState, at: &dyn Fn(i64) -> String) -> Vec<(String, Vec<String>)> {
    let name = format!("{} ({})", cut(&state.budget.name, 40), state.budget.period);
    let divided = state.budget.per.is_some();
    let mut rows = vec![(name, cells(state, &state.total, !divided, at))];
    for burn in state.most.iter().take(FIRST) {
        rows.push((format!("  {}", cut(&key(burn).unwrap_or_default(), 40)), cells(state, burn, true, at)));
    }
    rows
}

/// The cells of one row; a whole that is divided has no limit of its own.
fn cells(state: &BudgetState, burn: &Burn, limited: bool, at: &dyn Fn(i64) -> String) -> Vec<String> {
    let unknown = || UNKNOWN.to_owned();
    let limit = state.budget.limit_nusd;
    let rest = match (burn.exhausted_us, burn.spent.cost_nusd) {
        (_, Some(spent)) if limited && spent >= limit => "reached".to_owned(),
        (Some(us), _) => at(us),
        _ => unknown(),
    };
    let sum = |nusd: f64| units::usd(nusd.round() as i64);
    vec![
        money(burn.spent),
        if limited { units::usd(limit) } else { unknown() },
        state.share_of(burn).filter(|_| limited).map_or_else(unknown, units::percent),
        burn.before.map_or_else(unknown, money),
        burn.rate_nusd_per_h.map_or_else(unknown, sum),
        burn.forecast.map_or_else(unknown, |f| sum(f.expected_nusd)),
        burn.forecast.map_or_else(unknown, |f| format!("{} to {}", sum(f.low_nusd), sum(f.high_nusd))),
        rest,
    ]
}

/// A sum of money, and whether it is at least that.
fn money(spend: Spend) -> String {
    let sign = if spend.unpriced_calls > 0 { "≥" } else { "" };
    spend.known().map_or_else(|| UNKNOWN.to_owned(), |nusd| format!("{sign}{}", units::usd(nusd)))
}

fn key(burn: &Burn) -> Option<String> {
    burn.key.first().cloned().flatten()
}

fn notes(state: &BudgetState, at: &dyn Fn(i64) -> String) -> Vec<String> {
    let name = cut(&state.budget.name, 40);
    let mut notes = Vec::new();
    if let Some(per) = state.budget.per {
        let (members, over, per) = (units::count(state.members), units::count(state.over), per.word());
        notes.push(format!("{name}: per {per}; {members} have spent something, {over} all of the limit"));
    }
    let unpriced = state.total.spent.unpriced_calls;
    if unpriced > 0 {
        notes.push(format!("{name}: {} without a price are not in it", super::text::calls(unpriced)));
    }
    if let Some(us) = state.total.gone_us.max(state.most.iter().filter_map(|burn| burn.gone_us).max()) {
        notes.push(format!("{name}: calls or hours before {} have been deleted; it is not whole", at(us)));
    }
    notes
}

/// For programs: dollars, shares in 0..=1 and above, null where unknown.
pub(super) fn value(state: &BudgetState) -> Value {
    let budget = &state.budget;
    let mut value = burn(state, &state.total);
    let more = json!({
        "name": budget.name,
        "limit_usd": usd(budget.limit_nusd as f64),
        "period": budget.period.to_string(),
        "timezone": budget.zone.name(),
        "filter": budget.filter.to_string(),
        "per": budget.per.map(|dim| dim.word()),
        "since": time(state.period.since_us),
        "until": time(state.period.until_us),
        "share": state.share(),
        "members": budget.per.map(|_| state.members),
        "over_limit": budget.per.map(|_| state.over),
        "most": state.most.iter().map(|one| member(state, one)).collect::<Vec<_>>(),
    });
    if let (Value::Object(value), Value::Object(more)) = (&mut value, more) {
        value.extend(more);
    }
    value
}

fn member(state: &BudgetState, one: &Burn) -> Value {
    let mut value = burn(state, one);
    value["key"] = json!(key(one));
    value
}

fn burn(state: &BudgetState, burn: &Burn) -> Value {
    let forecast = |f: crate::snapshot::Forecast| {
        json!({
            "expected_usd": usd(f.expected_nusd.round()),
            "low_usd": usd(f.low_nusd.round()),
            "high_usd": usd(f.high_nusd.round()),
        })
    };
    json!({
        "calls": burn.spent.calls,
        "unpriced_calls": burn.spent.unpriced_calls,
        "spent_usd": burn.spent.known().map(|nusd| usd(nusd as f64)),
        "share": state.share_of(burn),
        "before_usd": burn.before.and_then(|spend| spend.known()).map(|nusd| usd(nusd as f64)),
        "usd_per_hour": burn.rate_nusd_per_h.map(|rate| usd(rate.round())),
        "forecast": burn.forecast.map(forecast),
        "limit_reached": burn.exhausted_us.map(time),
        "deleted_before": burn.gone_us.map(time),
    })
}

fn usd(nusd: f64) -> f64 {
    nusd / 1e9
}

//! The warnings that budgets give by themselves, at the shares of `warn_at`: once in a period for each step, and for each
//! value of what a budget is divided by.

use super::engine::{filter_of, key_words};
use super::metric::Unit;
use super::rule::{Against, Side};
use super::{Alert, Change, Level, Metric, Phase, State, Turn, tell};
use crate::snapshot::{BudgetState, Burn};
use crate::view::{Period, Range};
use std::collections::BTreeMap;

/// Over a length of time spending may fall again. A step is left once it has fallen to this share of it, so that it is not
/// told of again and again.
const LEFT: f64 = 0.9;

/// Whose warning it is: the budget's name and the value of what it is divided by.
type Whose = (String, Vec<Option<String>>);

/// What was warned of.
struct Warned {
    alert: Alert,
    /// Beginning of the period, µs; 0 for lengths of time, whose periods never end.
    period_us: i64,
    /// The step, thousandths.
    step: u32,
}

/// What was warned of in the present periods.
#[derive(Default)]
pub(super) struct Warnings {
    warned: BTreeMap<Whose, Warned>,
}

impl Warnings {
    /// Takes how the budgets stand; what has turned.
    pub(super) fn step(&mut self, now_us: i64, budgets: &[BudgetState]) -> Vec<Change> {
        let mut changes = Vec::new();
        for state in budgets {
            self.end_periods(now_us, state, &mut changes);
            let parts = if state.budget.per.is_some() { &state.most[..] } else { std::slice::from_ref(&state.total) };
            for burn in parts {
                self.burn(now_us, state, burn, &mut changes);
            }
        }
        changes
    }

    /// A new period begins with nothing spent: what was warned of is over.
    fn end_periods(&mut self, now_us: i64, state: &BudgetState, changes: &mut Vec<Change>) {
        let period_us = period_us(state);
        let is_over = |whose: &Whose, warned: &Warned| whose.0 == state.budget.name && warned.period_us != period_us;
        let over = self.warned.extract_if(.., |whose, warned| is_over(whose, warned));
        changes.extend(over.map(|(_, warned)| Change {
            turn: Turn::Cleared,
            alert: Alert { at_us: now_us, value: None, detail: Some("the period is over".to_owned()), ..warned.alert },
        }));
    }

    fn burn(&mut self, now_us: i64, state: &BudgetState, burn: &Burn, changes: &mut Vec<Change>) {
        let whose = (state.budget.name.clone(), burn.key.clone());
        let Some(share) = state.share_of(burn) else { return };
        if let Some(warned) = self.warned.get_mut(&whose) {
            (warned.alert.value, warned.alert.detail) = (Some(share), Some(tell::spent(state, burn)));
        }
        let before = self.warned.get(&whose).map(|warned| warned.step);
        let reached = reached(state, burn);
        match (before, reached) {
            (None, None) => {}
            (Some(before), Some(reached)) if reached == before => {}
            (before, Some(reached)) if before.is_none_or(|before| reached > before) => {
                let alert = alert(now_us, state, burn, (share, reached));
                let warned = Warned { alert: alert.clone(), period_us: period_us(state), step: reached };
                self.warned.insert(whose, warned);
                changes.push(Change { turn: Turn::Fired, alert });
            }
            (Some(before), reached) if share < f64::from(before) / 1_000.0 * LEFT => {
                let Some(warned) = self.warned.remove(&whose) else { return };
                let alert = Alert { at_us: now_us, ..warned.alert.clone() };
                changes.push(Change { turn: Turn::Cleared, alert });
                if let Some(step) = reached {
                    // It was higher and came down to a lower step, of which it was told on the way up.
                    self.warned.insert(whose, Warned { step, ..warned });
                }
            }
            _ => {}
        }
    }

    /// The warnings that hold, oldest first.
    pub(super) fn states(&self) -> Vec<State> {
        let mut all: Vec<&Warned> = self.warned.values().collect();
        all.sort_by_key(|warned| warned.alert.since_us);
        let state = |warned: &&Warned| State {
            name: warned.alert.name.clone(),
            words: tell::summary(&warned.alert),
            phase: Phase::Firing { since_us: warned.alert.since_us },
            level: if warned.step < 1_000 { Level::Warning } else { Level::Alarm },
            value: warned.alert.value.map(|value| Unit::Share.text(value)),
        };
        all.iter().map(state).collect()
    }
}

fn period_us(state: &BudgetState) -> i64 {
    match state.budget.period {
        Period::Last(_) => 0,
        Period::Day | Period::Week | Period::Month => state.period.since_us,
    }
}

/// The highest step that was reached, in whole numbers: half of the limit is half of it to the nano-dollar.
fn reached(state: &BudgetState, burn: &Burn) -> Option<u32> {
    let spent = i128::from(burn.spent.cost_nusd.unwrap_or_default()) * 1_000;
    let limit = i128::from(state.budget.limit_nusd);
    state.budget.warn_at.iter().copied().filter(|step| spent >= i128::from(*step) * limit).max()
}

fn alert(now_us: i64, state: &BudgetState, burn: &Burn, (share, step): (f64, u32)) -> Alert {
    let budget = &state.budget;
    let metric = Metric::budget_share();
    let key = key_words(budget, burn);
    // The same for everyone who watches this budget, so that whoever gets it from two of them can tell. A length of time
    // has no beginning, only the moment that it is told.
    let period = if period_us(state) == 0 { now_us } else { state.period.since_us };
    let parts = [&budget.name, key.as_deref().unwrap_or_default(), &period.to_string(), &step.to_string()];
    Alert {
        id: tell::id(&parts),
        name: budget.name.clone(),
        metric,
        unit: metric.unit,
        against: Against::Value,
        value: Some(share),
        side: Side::Above,
        threshold: f64::from(step) / 1_000.0,
        since_us: now_us,
        at_us: now_us,
        over_us: None,
        range: Range { since_us: state.period.since_us, until_us: now_us },
        filter: filter_of(budget, burn),
        budget: Some(budget.name.clone()),
        key,
        detail: Some(tell::spent(state, burn)),
        is_warning: true,
    }
}

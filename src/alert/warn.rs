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
            if state.budget.per.is_some() {
                self.end_unlisted(now_us, state, &mut changes);
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

    /// Whoever is no more among those who have spent most has spent no more than the last of these, or nothing where all are
    /// listed that have spent anything.
    fn end_unlisted(&mut self, now_us: i64, state: &BudgetState, changes: &mut Vec<Change>) {
        let spends = |burn: &&Burn| burn.spent.cost_nusd.is_some_and(|nusd| nusd > 0);
        let at_most = match state.most.last() {
            Some(last) if (state.most.iter().filter(spends).count() as u64) < state.members => state.share_of(last),
            _ => Some(0.0),
        };
        let Some(at_most) = at_most else { return };
        let is_left = |whose: &Whose, warned: &Warned| {
            let is_listed = || state.most.iter().any(|burn| burn.key == whose.1);
            whose.0 == state.budget.name && is_below(at_most, warned.step) && !is_listed()
        };
        let left = self.warned.extract_if(.., |whose, warned| is_left(whose, warned));
        changes.extend(left.map(|(_, warned)| Change {
            turn: Turn::Cleared,
            alert: Alert {
                at_us: now_us,
                value: None,
                detail: Some("no more among those who have spent most".to_owned()),
                ..warned.alert
            },
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
            (Some(before), reached) if is_below(share, before) => {
                let Some(warned) = self.warned.remove(&whose) else { return };
                let since_us = warned.alert.since_us;
                changes.push(Change { turn: Turn::Cleared, alert: Alert { at_us: now_us, ..warned.alert } });
                if let Some(step) = reached {
                    // It was higher and came down to a lower step, of which it was told on the way up.
                    let alert = Alert { since_us, ..alert(now_us, state, burn, (share, step)) };
                    self.warned.insert(whose, Warned { alert, period_us: warned.period_us, step });
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
            name: match &warned.alert.key {
                Some(key) => format!("{}: {key}", warned.alert.name),
                None => warned.alert.name.clone(),
            },
            words: tell::summary(&warned.alert),
            phase: Phase::Firing { since_us: warned.alert.since_us },
            level: if warned.step < 1_000 { Level::Warning } else { Level::Alarm },
            value: warned.alert.value.map(|value| Unit::Share.text(value)),
        };
        all.iter().map(state).collect()
    }
}

/// Whether a share is so far below a step that the step is left.
fn is_below(share: f64, step: u32) -> bool {
    share < f64::from(step) / 1_000.0 * LEFT
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
        place: String::new(),
    }
}

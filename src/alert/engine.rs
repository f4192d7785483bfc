//! Steps the rules: quiet, pending while a rule holds, firing once it has held long enough, quiet again. What is unknown
//! neither fires nor clears.

use super::metric::{Reads, Unit};
use super::rule::{Against, Rule, Side};
use super::warn::Warnings;
use super::{Metric, tell};
use crate::snapshot::{Burn, Snapshot};
use crate::view::{Anchor, Budget, Field, Filter, Range, Sections, View, Window};

/// No window that looks for the newest call is shorter, µs.
const LEAST_LOOK_US: i64 = 3_600_000_000;

/// Where a rule stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Phase {
    /// It does not hold.
    #[default]
    Quiet,
    /// It holds, not yet long enough.
    Pending {
        /// Since when, µs.
        since_us: i64,
    },
    /// It has held long enough.
    Firing {
        /// Since when it holds, µs.
        since_us: i64,
    },
}

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// On the way there: a budget is not yet spent.
    Warning,
    /// What was not to happen has.
    Alarm,
}

/// Which way it turned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// It fires.
    Fired,
    /// It fires no more.
    Cleared,
}

impl Turn {
    /// Its word.
    pub const fn word(self) -> &'static str {
        match self {
            Turn::Fired => "fired",
            Turn::Cleared => "cleared",
        }
    }
}

/// What an alert is about: what, how much, since when, and where to look.
#[derive(Debug, Clone, PartialEq)]
pub struct Alert {
    /// The same for one firing and its end, whoever saw it: 16 hexadecimal digits.
    pub id: String,
    /// The name of the rule, or of the budget.
    pub name: String,
    /// The metric.
    pub metric: &'static Metric,
    /// The unit of the value and the threshold.
    pub unit: Unit,
    /// What the threshold is compared with.
    pub against: Against,
    /// The value now; `None` where it is unknown.
    pub value: Option<f64>,
    /// The side of the threshold.
    pub side: Side,
    /// The threshold.
    pub threshold: f64,
    /// Since when it holds, µs.
    pub since_us: i64,
    /// When it turned, µs.
    pub at_us: i64,
    /// The length of the window, µs; `None` where there is no such window.
    pub over_us: Option<i64>,
    /// The times to look at.
    pub range: Range,
    /// The calls to look at.
    pub filter: Filter,
    /// The budget it is about.
    pub budget: Option<String>,
    /// Whose part of the budget; `None` for the whole.
    pub key: Option<String>,
    /// More to know, such as how much money a share is.
    pub detail: Option<String>,
    /// Whether a budget warns by itself, without a rule.
    pub is_warning: bool,
    /// Where its calls are, as words of a shell to put behind `llmtop`; empty for the default store.
    pub place: String,
}

/// An alert that fired or cleared.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// Which way.
    pub turn: Turn,
    /// What about.
    pub alert: Alert,
}

/// Where a rule or a budget's warning stands, for lists.
#[derive(Debug, Clone, PartialEq)]
pub struct State {
    /// Its name.
    pub name: String,
    /// What it watches, in words.
    pub words: String,
    /// Where it stands.
    pub phase: Phase,
    /// How bad it is, where it fires.
    pub level: Level,
    /// The value now, in words; `None` where it is unknown.
    pub value: Option<String>,
}

/// A question that one or several rules need answered.
#[derive(Debug, Clone, PartialEq)]
struct Ask {
    over_us: i64,
    filter: Filter,
    newest: bool,
}

impl Ask {
    fn of(rule: &Rule) -> Option<Ask> {
        let filter = rule.filter.clone();
        match rule.metric.reads {
            Reads::Window(_) => Some(Ask { over_us: rule.over_us, filter, newest: false }),
            Reads::Newest => {
                // Far enough back to tell that the threshold has been passed, and by how much for a while.
                let over_us = (rule.condition.at * 2.0).min(i64::MAX as f64) as i64;
                Some(Ask { over_us: over_us.max(LEAST_LOOK_US), filter, newest: true })
            }
            Reads::Budget(_) => None,
        }
    }

    fn view(&self) -> View {
        let sections = Sections { records: usize::from(self.newest), ..Sections::default() };
        let window = Window::last(self.over_us, Anchor::Now);
        View { window, filter: self.filter.clone(), sections, ..View::default() }
    }
}

/// A rule at work.
struct Watched {
    rule: Rule,
    /// Its question, by number.
    ask: Option<usize>,
    phase: Phase,
    /// What was measured last.
    value: Option<f64>,
}

/// A value with where it comes from.
struct Measured {
    value: f64,
    key: Option<String>,
    filter: Filter,
    detail: Option<String>,
    range: Range,
    /// Since when it is beyond the threshold, where that can be told; else it is since it was first seen.
    since_us: Option<i64>,
}

/// All rules and the warnings of all budgets.
pub struct Engine {
    watched: Vec<Watched>,
    asks: Vec<Ask>,
    budgets: Vec<Budget>,
    warnings: Warnings,
    /// When it was stepped first: where nothing was ever called, silence begins then.
    begun_us: Option<i64>,
}

impl Engine {
    /// Rules and budgets, all quiet.
    pub fn new(rules: &[Rule], budgets: &[Budget]) -> Engine {
        let mut asks: Vec<Ask> = Vec::new();
        let mut number = |ask: Ask| match asks.iter().position(|known| *known == ask) {
            Some(at) => at,
            None => {
                asks.push(ask);
                asks.len() - 1
            }
        };
        let watched: Vec<Watched> = rules
            .iter()
            .map(|rule| {
                let ask = Ask::of(rule).map(&mut number);
                Watched { rule: rule.clone(), ask, phase: Phase::Quiet, value: None }
            })
            .collect();
        if asks.is_empty() && !budgets.is_empty() {
            asks.push(Ask { over_us: 60_000_000, filter: Filter::default(), newest: false });
        }
        Engine { watched, asks, budgets: budgets.to_vec(), warnings: Warnings::default(), begun_us: None }
    }

    /// Whether there is nothing to watch.
    pub fn is_idle(&self) -> bool {
        self.asks.is_empty()
    }

    /// The longest time that a rule looks back from its end, and that it has to hold, µs.
    pub fn reach_us(&self) -> (i64, i64) {
        let longest = |of: fn(&Rule) -> i64| self.watched.iter().map(|w| of(&w.rule)).max().unwrap_or_default();
        (longest(|rule| rule.over_us), longest(|rule| rule.hold_us))
    }

    /// What has to be answered before a step. Rules of the same window and filter share an answer; the budgets come with the
    /// first one.
    pub fn views(&self) -> Vec<View> {
        let mut views: Vec<View> = self.asks.iter().map(Ask::view).collect();
        if let Some(first) = views.first_mut() {
            first.budgets.clone_from(&self.budgets);
        }
        views
    }

    /// Takes the answers to [`Engine::views`], in their order; what has turned since the last step.
    pub fn step(&mut self, now_us: i64, answers: &[Snapshot]) -> Vec<Change> {
        let begun_us = *self.begun_us.get_or_insert(now_us);
        let mut changes = Vec::new();
        for watched in &mut self.watched {
            let measured = watched.measure(now_us, begun_us, answers);
            changes.extend(watched.step(now_us, measured));
        }
        if let Some(first) = answers.first() {
            changes.extend(self.warnings.step(now_us, &first.budgets));
        }
        changes
    }

    /// A step on the way to the end of what has ended, at which only the rules look that have to hold for longer than
    /// `left_us` until then.
    pub fn rehearse(&mut self, now_us: i64, left_us: i64, answers: &[Snapshot]) -> Vec<Change> {
        let mut changes = Vec::new();
        for watched in self.watched.iter_mut().filter(|watched| watched.rule.hold_us > left_us) {
            let measured = watched.measure(now_us, now_us, answers);
            changes.extend(watched.step(now_us, measured));
        }
        changes
    }

    /// Where everything stands: the rules in their order, then the budgets that warn.
    pub fn states(&self) -> Vec<State> {
        let state = |w: &Watched| State {
            name: w.rule.name.clone(),
            words: w.rule.words(),
            phase: w.phase,
            level: Level::Alarm,
            value: w.value.map(|value| w.rule.value_words(value)),
        };
        self.watched.iter().map(state).chain(self.warnings.states()).collect()
    }
}

impl Watched {
    fn measure(&self, now_us: i64, begun_us: i64, answers: &[Snapshot]) -> Option<Measured> {
        let rule = &self.rule;
        let plain = |value, range| {
            let threshold = (rule.condition.against == Against::Value).then_some(rule.condition.at);
            let filter = rule.metric.narrowed(&rule.filter, threshold);
            Measured { value, key: None, filter, detail: None, range, since_us: None }
        };
        match rule.metric.reads {
            Reads::Window(_) => {
                let answer = answers.get(self.ask?)?;
                Some(plain(self.of_window(answer)?, answer.range))
            }
            Reads::Newest => {
                let answer = answers.get(self.ask?)?;
                let age_us = silence_us(answer, now_us, begun_us);
                let newest_us = now_us.saturating_sub(age_us);
                let passed_us = newest_us.saturating_add(rule.condition.at as i64);
                let range = Range { since_us: newest_us, until_us: now_us };
                Some(Measured { since_us: Some(passed_us.min(now_us)), ..plain(age_us as f64, range) })
            }
            Reads::Budget(read) => {
                let name = rule.budget.as_deref()?;
                let state = answers.first()?.budgets.iter().find(|state| state.budget.name == name)?;
                let (value, burn) = read(state)?;
                Some(Measured {
                    value,
                    key: key_words(&state.budget, burn),
                    filter: filter_of(&state.budget, burn),
                    detail: Some(tell::spent(state, burn)),
                    range: Range { since_us: state.period.since_us, until_us: now_us },
                    since_us: None,
                })
            }
        }
    }

    fn of_window(&self, answer: &Snapshot) -> Option<f64> {
        let Rule { metric, over_us, min_calls, .. } = &self.rule;
        let now = metric.of_window(&answer.totals, *over_us, *min_calls)?;
        match self.rule.condition.against {
            Against::Value => Some(now),
            Against::Before => {
                let before = metric.of_window(&answer.previous, *over_us, *min_calls)?;
                (before > 0.0).then(|| now / before - 1.0)
            }
        }
    }

    fn step(&mut self, now_us: i64, measured: Option<Measured>) -> Option<Change> {
        self.value = measured.as_ref().map(|measured| measured.value);
        let measured = measured?;
        let condition = self.rule.condition;
        let is_firing = matches!(self.phase, Phase::Firing { .. });
        let bound = if is_firing { condition.clear } else { condition.at };
        let holds = condition.side.is_beyond(measured.value, bound);
        let since_us = match self.phase {
            Phase::Quiet => measured.since_us.unwrap_or(now_us),
            // A clock that was set back must not make it wait for longer than it has to.
            Phase::Pending { since_us } => since_us.min(now_us),
            Phase::Firing { since_us } => since_us,
        };
        let held_us = now_us.saturating_sub(since_us);
        let next = match holds {
            false => Phase::Quiet,
            true if is_firing || held_us >= self.rule.hold_us => Phase::Firing { since_us },
            true => Phase::Pending { since_us },
        };
        let before = std::mem::replace(&mut self.phase, next);
        let turn = match (before, next) {
            (Phase::Firing { .. }, Phase::Quiet) => Turn::Cleared,
            (Phase::Quiet | Phase::Pending { .. }, Phase::Firing { .. }) => Turn::Fired,
            _ => return None,
        };
        Some(Change { turn, alert: self.alert(now_us, since_us, measured) })
    }

    fn alert(&self, at_us: i64, since_us: i64, measured: Measured) -> Alert {
        let Rule { name, metric, condition, .. } = &self.rule;
        Alert {
            id: tell::id(&[name, &since_us.to_string()]),
            name: name.clone(),
            metric,
            unit: self.rule.unit(),
            against: condition.against,
            value: Some(measured.value),
            side: condition.side,
            threshold: condition.at,
            since_us,
            at_us,
            over_us: matches!(metric.reads, Reads::Window(_)).then_some(self.rule.over_us),
            range: Range { since_us: measured.range.since_us.min(since_us), ..measured.range },
            filter: measured.filter,
            budget: self.rule.budget.clone(),
            key: measured.key,
            detail: measured.detail,
            is_warning: false,
            place: String::new(),
        }
    }
}

/// The time since the newest call that passes, µs; where none is in sight, at least the length of the window looked at.
fn silence_us(answer: &Snapshot, now_us: i64, begun_us: i64) -> i64 {
    let newest = answer.records.first().map(|record| record.ts_us);
    let last = answer.holdings.bounds.map(|(_, last)| last).filter(|_| answer.view.filter.is_empty());
    let since_us = match (newest, last) {
        (Some(newest), _) => newest,
        (None, Some(last)) => last,
        (None, None) if answer.holdings.calls > 0 => answer.range.since_us,
        (None, None) => begun_us,
    };
    now_us.saturating_sub(since_us).max(0)
}

/// Whose part of a budget it is, in words.
pub(super) fn key_words(budget: &Budget, burn: &Burn) -> Option<String> {
    let dim = budget.per?;
    let value = burn.key.first()?;
    Some(format!("{} {}", dim.word(), value.as_deref().unwrap_or("(unknown)")))
}

/// The calls of a part of a budget.
pub(super) fn filter_of(budget: &Budget, burn: &Burn) -> Filter {
    match (budget.per, burn.key.first()) {
        (Some(dim), Some(value)) => budget.filter.narrowed(Field::Dim(dim), value.as_deref()),
        _ => budget.filter.clone(),
    }
}

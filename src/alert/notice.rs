//! Who else than the screen hears of a change, and when: each firing once and its end once, and of a rule that comes and
//! goes at most one firing in a time; one that still fires by then is told late rather than never.

use super::{Alert, Change, Turn};
use std::collections::BTreeMap;

/// A change to be told.
#[derive(Debug, Clone, PartialEq)]
pub struct Notice {
    /// What.
    pub change: Change,
    /// How often it fired since the last notice, without being told of; 0 is usual.
    pub untold: u64,
}

/// What was told of one rule, or of one part of a budget.
#[derive(Default)]
struct Told {
    /// When a firing was told last, µs.
    last_us: Option<i64>,
    /// The firing that was told and whose end was not.
    open: Option<Alert>,
    /// A firing that waits.
    held: Option<Change>,
    untold: u64,
}

/// What changes are of: a rule, or a budget's warning of one of its parts. The same rule may fire by one part of a divided
/// budget, and clear when another has spent most.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Subject {
    Rule(String),
    Warning(String, Option<String>),
}

impl Subject {
    fn of(alert: &Alert) -> Subject {
        let name = alert.name.clone();
        if alert.is_warning { Subject::Warning(name, alert.key.clone()) } else { Subject::Rule(name) }
    }
}

/// What was told.
pub struct Notices {
    quiet_us: i64,
    told: BTreeMap<Subject, Told>,
}

impl Notices {
    /// Nothing told yet; at most one firing of each in `quiet_us`.
    pub fn new(quiet_us: i64) -> Notices {
        Notices { quiet_us, told: BTreeMap::new() }
    }

    /// Takes what has turned; what is to be told now.
    pub fn step(&mut self, now_us: i64, changes: &[Change]) -> Vec<Notice> {
        let quiet_us = self.quiet_us;
        let mut due = Vec::new();
        for change in changes {
            let told = self.told.entry(Subject::of(&change.alert)).or_default();
            due.extend(told.take(now_us, quiet_us, change));
        }
        due.extend(self.told.values_mut().filter_map(|told| told.wait_over(now_us, quiet_us)));
        self.told.retain(|_, told| !told.is_forgotten(now_us, quiet_us));
        due
    }
}

impl Told {
    fn is_quiet(&self, now_us: i64, quiet_us: i64) -> bool {
        // A clock that was set back must not keep anything from being told.
        self.last_us.is_some_and(|last| (0..quiet_us).contains(&now_us.saturating_sub(last)))
    }

    fn take(&mut self, now_us: i64, quiet_us: i64, change: &Change) -> Option<Notice> {
        match change.turn {
            Turn::Cleared => {
                self.held = None;
                self.open.take().map(|_| Notice { change: change.clone(), untold: 0 })
            }
            Turn::Fired => {
                // The next step of a budget is news, however soon it comes.
                let is_worse = self.open.as_ref().is_some_and(|open| change.alert.threshold > open.threshold);
                if self.is_quiet(now_us, quiet_us) && !is_worse {
                    self.untold += 1;
                    self.held = Some(change.clone());
                    return None;
                }
                Some(self.tell(now_us, change.clone(), 0))
            }
        }
    }

    /// One that had to wait and fires still.
    fn wait_over(&mut self, now_us: i64, quiet_us: i64) -> Option<Notice> {
        if self.is_quiet(now_us, quiet_us) {
            return None;
        }
        let change = self.held.take()?;
        Some(self.tell(now_us, change, 1))
    }

    /// `itself` is 1 where the change is one of those counted as not told.
    fn tell(&mut self, now_us: i64, change: Change, itself: u64) -> Notice {
        self.last_us = Some(now_us);
        self.open = Some(change.alert.clone());
        Notice { change, untold: std::mem::take(&mut self.untold).saturating_sub(itself) }
    }

    fn is_forgotten(&self, now_us: i64, quiet_us: i64) -> bool {
        self.open.is_none() && self.held.is_none() && !self.is_quiet(now_us, quiet_us)
    }
}

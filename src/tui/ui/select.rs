//! The cursor: it stays on the thing it is on while rows move under it, and leads from it towards records.

use super::super::keys::Step;
use super::super::panes;
use super::{Details, Effect, Found, Mode, Part, Place, Ui};
use crate::event::FailureMode;
use crate::snapshot::{BudgetState, OTHER, Record, Snapshot};
use crate::view::{Anchor, Dim, Field, Filter, RecordKey, TraceId, Window};

/// What a row stands for.
#[derive(Debug, Clone, PartialEq)]
pub enum Target {
    /// A group of a table.
    Group(Vec<(Dim, Option<String>)>),
    /// A failure mode.
    Mode(FailureMode),
    /// One record.
    Record {
        /// Which.
        key: RecordKey,
        /// Whether it failed.
        failed: bool,
    },
    /// A budget, or the part of it that somebody has.
    Budget {
        /// The budget's name.
        name: String,
        /// Whose part; empty for all of it.
        key: Vec<Option<String>>,
    },
    /// An experiment, by its name.
    Experiment(String),
    /// A variant of an experiment.
    Variant {
        /// The experiment's name.
        experiment: String,
        /// Its own.
        variant: String,
    },
    /// Alike messages; this is the newest call of them.
    Cluster(RecordKey),
    /// The scores of a name.
    Score(String),
    /// The calls that have a value in one field.
    Narrow(Field, String),
    /// A trace or a session.
    Trace(TraceId),
}

/// Where the cursor is: on a thing, else in a place.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Selection {
    /// The thing; `None` keeps the cursor at its place while rows move under it.
    pub target: Option<Target>,
    /// The place, from 0, over all rows of the pane.
    pub index: usize,
}

impl Selection {
    /// The row the cursor is on among these.
    pub fn place(&self, rows: &[Target]) -> Option<usize> {
        let found = self.target.as_ref().and_then(|t| rows.iter().position(|r| r == t));
        found.or_else(|| (!rows.is_empty()).then(|| self.index.min(rows.len() - 1)))
    }
}

impl Ui {
    pub(super) fn step(&mut self, step: Step, snapshot: &Snapshot) {
        let page = usize::from(self.size.1).saturating_sub(8).max(1);
        match &mut self.mode {
            Mode::Help { scroll } | Mode::Alerts { scroll } => *scroll = scrolled(*scroll, step, page),
            Mode::Details(details) => details.scroll = scrolled(details.scroll, step, page),
            Mode::Normal => self.step_rows(step, page, snapshot),
            Mode::Story(_) => self.step_story(step, page),
            Mode::Step(open) => open.scroll = scrolled(open.scroll, step, page),
            Mode::Filter(_) | Mode::Command(_) => {}
        }
    }

    fn step_rows(&mut self, step: Step, page: usize, snapshot: &Snapshot) {
        let rows = panes::rows(self, snapshot);
        let Some(at) = self.state().selection.place(&rows) else { return };
        let last = rows.len() - 1;
        if self.pane().pages && self.turn_page(step, at, last, snapshot) {
            return;
        }
        let to = match step {
            Step::Down => at + 1,
            Step::Up => at.saturating_sub(1),
            Step::PageDown => at + page,
            Step::PageUp => at.saturating_sub(page),
            Step::First => 0,
            Step::Last => last,
        };
        self.select(to.min(last), &rows);
    }

    /// Turns a page of a list that the store gives in pages; answers whether it did.
    fn turn_page(&mut self, step: Step, at: usize, last: usize, snapshot: &Snapshot) -> bool {
        let full = snapshot.records.len() >= panes::PAGE && snapshot.view.before == self.pages.last().copied();
        match step {
            Step::Down | Step::PageDown if at == last && full => {
                self.pages.extend(snapshot.records.last().map(Record::key));
            }
            Step::Up | Step::PageUp if at == 0 && self.pages.pop().is_some() => {}
            Step::First if !self.pages.is_empty() => self.pages.clear(),
            _ => return false,
        }
        self.state_mut().selection = Selection::default();
        true
    }

    /// Puts the cursor on a row. The first row holds its place, so that a live list keeps showing the newest.
    pub(super) fn select(&mut self, to: usize, rows: &[Target]) {
        let target = if to == 0 { None } else { rows.get(to).cloned() };
        self.state_mut().selection = Selection { target, index: to };
    }

    /// Puts the cursor on a row; the second click on the same thing goes into it.
    pub(super) fn click(&mut self, row: usize, snapshot: &Snapshot) -> Effect {
        let rows = panes::rows(self, snapshot);
        let Some(target) = rows.get(row) else { return Effect::None };
        let again = self.clicked.replace(target.clone()).as_ref() == Some(target);
        self.select(row, &rows);
        if !again {
            return Effect::None;
        }
        self.clicked = None;
        self.open(snapshot)
    }

    /// What the cursor is on.
    pub(crate) fn selected(&self, snapshot: &Snapshot) -> Option<Target> {
        let rows = panes::rows(self, snapshot);
        let at = self.state().selection.place(&rows)?;
        rows.into_iter().nth(at)
    }

    pub(super) fn open(&mut self, snapshot: &Snapshot) -> Effect {
        match self.selected(snapshot) {
            Some(Target::Record { key, .. } | Target::Cluster(key)) => self.read(key, snapshot),
            Some(Target::Group(pairs)) if pairs.iter().any(|(_, value)| value.as_deref() == Some(OTHER)) => {
                self.note("these are summed up together; a filter finds each by its name");
                Effect::None
            }
            Some(Target::Group(pairs)) => self.narrow(narrowed(&self.filter, &pairs)),
            Some(Target::Score(name)) => {
                self.note(format!(
                    "{name}: by {}, and the worst",
                    self.groupings().nth(self.state().by).unwrap_or_default()
                ));
                self.score = Some(name);
                Effect::None
            }
            Some(Target::Narrow(field, value)) => self.narrow(self.filter.narrowed(field, Some(&value))),
            Some(Target::Trace(id)) => self.tell(id),
            Some(Target::Budget { name, key }) => self.open_budget(&name, &key, snapshot),
            Some(Target::Experiment(name)) => self.open_experiment(name, snapshot),
            Some(Target::Variant { variant, .. }) => {
                self.narrow(self.filter.narrowed(Field::Dim(Dim::Variant), Some(&variant)))
            }
            Some(Target::Mode(mode)) => self.narrow(self.filter.narrowed(Field::Dim(Dim::Error), Some(mode.word()))),
            None => {
                self.note("nothing is behind this row");
                Effect::None
            }
        }
    }

    /// Takes a narrower filter and goes to the records.
    fn narrow(&mut self, filter: Filter) -> Effect {
        self.remember();
        self.show_records(filter)
    }

    /// Goes to the calls that a budget counts, from the beginning of its period.
    fn open_budget(&mut self, name: &str, key: &[Option<String>], snapshot: &Snapshot) -> Effect {
        let Some(state) = snapshot.budgets.iter().find(|state| state.budget.name == name) else {
            self.note("this budget has gone");
            return Effect::None;
        };
        self.remember();
        let until_us = state.period.until_us.min(snapshot.now_us);
        let len_us = until_us.saturating_sub(state.period.since_us).max(1);
        self.window = Window::last(len_us, Anchor::At(until_us));
        self.show_records(of_budget(state, key))
    }

    /// Goes to the variants of an experiment, to the first that is compared.
    fn open_experiment(&mut self, experiment: String, snapshot: &Snapshot) -> Effect {
        let found = snapshot.experiments.iter().find(|one| one.rule.name == experiment);
        if let Some(arm) = found.and_then(|one| one.arms.get(1).or(one.arms.first())) {
            self.remember();
            let index = self.state().selection.index;
            let target = Some(Target::Variant { experiment, variant: arm.variant.clone() });
            self.state_mut().selection = Selection { target, index };
        }
        Effect::None
    }

    fn show_records(&mut self, filter: Filter) -> Effect {
        self.use_filter(filter);
        self.pane = panes::records();
        self.maximised = None;
        self.pages.clear();
        self.state_mut().selection = Selection::default();
        Effect::None
    }

    /// Opens a record, at once with what the snapshot has of it.
    pub(super) fn read(&mut self, key: RecordKey, snapshot: &Snapshot) -> Effect {
        let known = snapshot.records.iter().chain(&snapshot.errors).find(|r| r.key() == key);
        let found = known.map_or(Found::Asked, |r| Found::Here(Box::new(r.clone())));
        let part = if let Mode::Details(open) = &self.mode { open.part } else { Part::Both };
        self.mode = Mode::Details(Details { key, found, scroll: 0, part });
        Effect::Detail(key)
    }

    /// Goes to the next or the previous record of the pane, or only to a failed one.
    pub(super) fn step_record(&mut self, wanted: Wanted, way: Way, snapshot: &Snapshot) -> Effect {
        let rows = panes::rows(self, snapshot);
        let is_match = |r: &Target| match (r, wanted) {
            (Target::Record { failed, .. }, Wanted::Failed) => *failed,
            (Target::Record { .. }, Wanted::Any) => true,
            _ => false,
        };
        let at = match &self.mode {
            Mode::Details(open) => {
                rows.iter().position(|r| matches!(r, Target::Record { key, .. } if *key == open.key))
            }
            _ => self.state().selection.place(&rows),
        };
        let to = match way {
            Way::Older => {
                let from = match (&self.mode, at) {
                    // The first press in a live list may mean the row the cursor already stands on.
                    (Mode::Normal, Some(0)) if self.state().selection.target.is_none() => 0,
                    (_, at) => at.map_or(0, |at| at + 1),
                };
                (from..rows.len()).find(|i| is_match(&rows[*i]))
            }
            Way::Newer => (0..at.unwrap_or(0)).rev().find(|i| is_match(&rows[*i])),
        };
        match to {
            Some(to) => {
                self.state_mut().selection = Selection { target: rows.get(to).cloned(), index: to };
                match (&self.mode, &rows[to]) {
                    (Mode::Details(_), Target::Record { key, .. }) => self.read(*key, snapshot),
                    _ => Effect::None,
                }
            }
            None => self.no_more(wanted, &rows),
        }
    }

    fn no_more(&mut self, wanted: Wanted, rows: &[Target]) -> Effect {
        let any = rows.iter().any(|r| matches!(r, Target::Record { .. }));
        if wanted == Wanted::Failed && !any && self.mode == Mode::Normal {
            // This pane has no calls to go through; what was done instead must not stay unsaid.
            let effect = self.narrow(self.filter.narrowed(Field::Dim(Dim::Status), Some("error")));
            self.note("filter status:error set; Esc goes back, x clears all filters");
            return effect;
        }
        self.note(match wanted {
            Wanted::Failed => "no further error on this page",
            Wanted::Any => "no further record on this page",
        });
        Effect::None
    }

    pub(super) fn remember(&mut self) {
        const DEEPEST: usize = 100;
        if self.history.len() >= DEEPEST {
            self.history.remove(0);
        }
        self.history.push(Place {
            pane: self.pane,
            window: self.window,
            filter: self.filter.clone(),
            pages: self.pages.clone(),
            selection: self.state().selection.clone(),
        });
    }

    pub(super) fn back(&mut self) {
        if let Mode::Details(open) = &mut self.mode
            && open.part != Part::Both
        {
            (open.part, open.scroll) = (Part::Both, 0);
        } else if let Mode::Story(reading) = &mut self.mode
            && reading.part != Part::Both
        {
            reading.part = Part::Both;
        } else if matches!(self.mode, Mode::Details(_) | Mode::Story(_) | Mode::Step(_)) {
            self.mode = self.under.pop().unwrap_or_default();
        } else if matches!(self.mode, Mode::Help { .. } | Mode::Alerts { .. }) {
            self.mode = Mode::Normal;
        } else if self.maximised.take().is_some() || self.time_cursor.take().is_some() {
        } else if let Some(place) = self.history.pop() {
            self.pane = place.pane;
            self.window = place.window;
            self.use_filter(place.filter);
            self.pages = place.pages;
            self.state_mut().selection = place.selection;
        } else {
            self.note("this is where you started; q quits");
        }
    }
}

/// Which records are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wanted {
    Any,
    Failed,
}

/// Which way through a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    Older,
    Newer,
}

fn scrolled(at: usize, step: Step, page: usize) -> usize {
    match step {
        Step::Down => at.saturating_add(1),
        Step::Up => at.saturating_sub(1),
        Step::PageDown => at.saturating_add(page),
        Step::PageUp => at.saturating_sub(page),
        Step::First => 0,
        // Drawing stops at the last row; so far nobody's prompt has more.
        Step::Last => 1_000_000,
    }
}

/// The calls that a budget counts, or that count for one of those it is divided by.
pub(super) fn of_budget(state: &BudgetState, key: &[Option<String>]) -> Filter {
    match (state.budget.per, key) {
        (Some(dim), [value]) => state.budget.filter.narrowed(Field::Dim(dim), value.as_deref()),
        _ => state.budget.filter.clone(),
    }
}

/// A filter narrowed to a group. Hours and days are no fields of a filter; their rows lead to all records.
pub(super) fn narrowed(filter: &Filter, pairs: &[(Dim, Option<String>)]) -> Filter {
    let fields = pairs.iter().filter(|(dim, _)| !matches!(dim, Dim::Hour | Dim::Day));
    fields.fold(filter.clone(), |filter, (dim, value)| filter.narrowed(Field::Dim(*dim), value.as_deref()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cursor_stays_on_its_thing() {
        let row = |id| Target::Cluster(RecordKey { ts_us: 0, id });
        let rows: Vec<_> = (0..5).map(row).collect();
        let on = Selection { target: Some(row(3)), index: 1 };
        assert_eq!(on.place(&rows), Some(3));
        assert_eq!(on.place(&rows[..3]), Some(1));
        assert_eq!(on.place(&[]), None);
        assert_eq!(Selection { target: None, index: 9 }.place(&rows), Some(4));
    }
}

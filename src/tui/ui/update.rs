//! From action to state: one line per action, each handled where its part of the state lives.

use super::select::{Selection, Target, Wanted, Way, narrowed, of_budget};
use super::travel::{Resize, Travel};
use super::{Effect, Flow, Found, Line, Mask, Message, Mode, Order, Ui};
use crate::snapshot::Snapshot;
use crate::tui::keys::Action;
use crate::tui::{details, panes, story};
use crate::units::Zone;
use crate::view::{Dim, Field, Filter};

impl Ui {
    /// Does what a person wants, looking at what the screen shows. Pure; the effect is for the loop.
    pub fn update(&mut self, action: Action, snapshot: &Snapshot) -> Effect {
        let message = self.message.take();
        if action == Action::Back && self.mode == Mode::Normal && matches!(message, Some(Message::Fault(_))) {
            // Esc at a fault means the fault, not the way back.
            return Effect::None;
        }
        if !matches!(action, Action::Click(_)) {
            self.clicked = None;
        }
        let before = self.view();
        let effect = self.act(action, snapshot);
        match effect {
            Effect::None if self.view() != before => Effect::Ask,
            effect => effect,
        }
    }

    fn act(&mut self, action: Action, snapshot: &Snapshot) -> Effect {
        match action {
            Action::Quit => return Effect::Quit,
            Action::Redraw => return Effect::Redraw,
            Action::Suspend => return Effect::Suspend,
            Action::Copy => return self.copy(snapshot),
            Action::Open if matches!(self.mode, Mode::Details(_)) => return self.open_trace(),
            Action::Open if self.mode != Mode::Normal => return self.open_part(),
            Action::Open => return self.open(snapshot),
            Action::Click(row) => return self.click(row, snapshot),
            Action::Edit(edit) => return self.edit(edit, snapshot),
            Action::NextError => return self.step_error(Way::Older, snapshot),
            Action::PreviousError => return self.step_error(Way::Newer, snapshot),
            Action::TimeBack if matches!(self.mode, Mode::Story(_)) => return self.step_trace(Way::Newer, snapshot),
            Action::TimeOn if matches!(self.mode, Mode::Story(_)) => return self.step_trace(Way::Older, snapshot),
            Action::TimeBack | Action::TimeOn if self.is_inside_story() => {}
            Action::TimeBack if self.is_reading() => return self.step_record(Wanted::Any, Way::Newer, snapshot),
            Action::TimeOn if self.is_reading() => return self.step_record(Wanted::Any, Way::Older, snapshot),
            Action::Help => self.help(),
            Action::Pane(number) => self.go(number),
            Action::NextPane => self.go((self.pane + 1) % panes::ALL.len()),
            Action::PreviousPane => self.go((self.pane + panes::ALL.len() - 1) % panes::ALL.len()),
            Action::Move(step) => self.step(step, snapshot),
            Action::TimeBack => self.move_time(Travel::Earlier, snapshot),
            Action::TimeOn => self.move_time(Travel::Later, snapshot),
            Action::Back => self.back(),
            Action::Filter => self.mode = Mode::Filter(Line::new(&self.filter_line())),
            Action::Command => self.mode = Mode::Command(Line::default()),
            Action::ClearFilter => self.clear_filter(),
            Action::OlderFilter => self.step_filter(Travel::Earlier),
            Action::NewerFilter => self.step_filter(Travel::Later),
            Action::Sort => self.next_sort(),
            Action::Reverse => self.reverse(),
            Action::By => self.next_by(),
            Action::Pause => self.pause(snapshot),
            Action::Longer => self.resize_window(Resize::Longer),
            Action::Shorter => self.resize_window(Resize::Shorter),
            Action::Earlier => self.travel(Travel::Earlier, snapshot),
            Action::Later => self.travel(Travel::Later, snapshot),
            Action::Maximise => self.maximise(),
            Action::Mask => self.turn_mask(),
            Action::Zone => self.turn_zone(),
            Action::Theme => self.theme = self.theme.next(),
            Action::Type(c) => self.type_char(c),
        }
        Effect::None
    }

    fn is_reading(&self) -> bool {
        matches!(self.mode, Mode::Details(_))
    }

    fn help(&mut self) {
        self.mode = match self.mode {
            Mode::Help { .. } => Mode::Normal,
            _ => Mode::Help { scroll: 0 },
        };
    }

    /// Goes to a pane; one that does not exist is said so.
    pub(super) fn go(&mut self, number: usize) {
        if number >= panes::ALL.len() {
            return self.note(format!("there are {} panes", panes::ALL.len()));
        }
        self.mode = Mode::Normal;
        self.under.clear();
        if number != self.pane {
            self.pane = number;
            self.maximised = None;
            self.pages.clear();
        }
    }

    fn filter_line(&self) -> String {
        let text = self.filter.to_string();
        if text.is_empty() { text } else { text + " " }
    }

    fn clear_filter(&mut self) {
        if self.filter.is_empty() {
            return self.note("there is no filter");
        }
        self.remember();
        self.use_filter(Filter::default());
    }

    fn next_sort(&mut self) {
        let heads = self.pane().sorts;
        let at = heads.iter().position(|head| Some(*head) == self.sort().head);
        let Some(next) = at.map(|at| heads[(at + 1) % heads.len()]) else {
            return self.note("this pane is in order of time");
        };
        let state = self.state_mut();
        state.sort.head = Some(next);
        state.sort.order = Order::Falling;
        state.selection = Selection::default();
    }

    fn reverse(&mut self) {
        let state = self.state_mut();
        state.sort.order = match state.sort.order {
            Order::Falling => Order::Rising,
            Order::Rising => Order::Falling,
        };
    }

    fn next_by(&mut self) {
        let count = self.pane().by.len();
        if count < 2 {
            return self.note("this pane has one grouping");
        }
        let state = self.state_mut();
        state.by = (state.by + 1) % count;
        state.selection = Selection::default();
        let name = self.groupings().nth(self.state().by).unwrap_or_default();
        self.note(format!("by {name}"));
    }

    /// One panel in full size, then the next, then all again.
    fn maximise(&mut self) {
        if let Mode::Details(open) = &mut self.mode {
            (open.part, open.scroll) = (open.next_part(), 0);
            return;
        }
        if let Mode::Story(reading) = &mut self.mode {
            reading.part = reading.next_part();
            return;
        }
        if self.mode != Mode::Normal {
            return;
        }
        let panels = self.pane().panels.len();
        let next = self.maximised.map_or(0, |at| at + 1);
        self.maximised = (next < panels).then_some(next);
        if let Some(panel) = self.maximised.and_then(|at| self.pane().panels.get(at)) {
            self.note(format!("{} ({} of {panels}); z next, Esc all", panel.name, next + 1));
        }
    }

    fn turn_mask(&mut self) {
        self.mask = match self.mask {
            Mask::Covered => Mask::Open,
            Mask::Open => Mask::Covered,
        };
    }

    fn turn_zone(&mut self) {
        self.zone = match self.zone {
            Zone::Local => Zone::Utc,
            Zone::Utc => Zone::Local,
        };
        self.note(match self.zone {
            Zone::Local => "times are local",
            Zone::Utc => "times are UTC",
        });
    }

    fn type_char(&mut self, c: char) {
        if let Mode::Filter(line) | Mode::Command(line) = &mut self.mode {
            line.insert(c);
        }
    }

    fn copy(&mut self, snapshot: &Snapshot) -> Effect {
        let text = match &self.mode {
            Mode::Details(open) => match &open.found {
                Found::Here(record) => Some(details::as_text(record, self.zone, self.mask)),
                Found::Asked | Found::Gone => None,
            },
            Mode::Story(reading) => Some(reading.id.text().to_owned()),
            Mode::Step(open) => Some(story::as_text(&open.part, self.zone, self.mask)),
            _ => self.selected(snapshot).and_then(|target| copied(&target, snapshot)),
        };
        match text {
            Some(text) => {
                self.note(format!("copied {} characters to the terminal's clipboard", text.chars().count()));
                Effect::Copy(text)
            }
            None => {
                self.note("nothing here to copy");
                Effect::None
            }
        }
    }

    /// Takes a new size of the terminal.
    pub fn resize(&mut self, columns: u16, rows: u16) -> Effect {
        let before = self.view();
        self.size = (columns, rows);
        if self.view() == before { Effect::None } else { Effect::Ask }
    }

    /// Whether the screen stands still.
    pub fn is_paused(&self) -> bool {
        matches!(self.flow, Flow::Paused { .. })
    }
}

/// What is copied of a row: the filter that leads to it, or the id of a record.
fn copied(target: &Target, snapshot: &Snapshot) -> Option<String> {
    match target {
        Target::Group(pairs) => Some(narrowed(&Filter::default(), pairs).to_string()),
        Target::Experiment(name) => Some(name.clone()),
        Target::Variant { variant, .. } => {
            Some(Filter::default().narrowed(Field::Dim(Dim::Variant), Some(variant)).to_string())
        }
        Target::Mode(mode) => Some(format!("error:{}", mode.word())),
        Target::Trace(id) => Some(id.text().to_owned()),
        Target::Budget { name, key } => {
            let state = snapshot.budgets.iter().find(|state| state.budget.name == *name)?;
            Some(of_budget(state, key).to_string())
        }
        Target::Score(name) => Some(name.clone()),
        Target::Narrow(field, value) => Some(Filter::default().narrowed(*field, Some(value)).to_string()),
        Target::Record { key, .. } | Target::Cluster(key) => {
            let record = snapshot.records.iter().chain(&snapshot.errors).find(|r| r.key() == *key)?;
            record.call.request_id.as_deref().map(str::to_owned)
        }
    }
}

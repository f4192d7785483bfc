//! The state of the screen: plain data, changed by actions alone. `update` is pure: the same state, action and snapshot
//! give the same state and effect.

mod command;
mod line;
mod select;
mod story;
mod travel;
mod update;

pub(crate) use command::COMMANDS;
pub use line::Line;
pub use select::Target;
pub use story::{Reading, StepText, Telling};

use super::details;
use super::keys::{Action, Context};
use super::panes::{self, Pane};
use super::theme::Theme;
use crate::snapshot::{Record, Snapshot};
use crate::units::Zone;
use crate::view::{Anchor, Budget, Experiment, Filter, Grouping, RecordKey, TraceId, View, Window};
use select::Selection;

/// What the person is doing.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Mode {
    /// Looking at a pane.
    #[default]
    Normal,
    /// Typing a filter.
    Filter(Line),
    /// Typing a command.
    Command(Line),
    /// Reading the keys.
    Help {
        /// Rows scrolled.
        scroll: usize,
    },
    /// Reading one record.
    Details(Details),
    /// Reading a trace or a conversation.
    Story(Box<Reading>),
    /// Reading one step of a trace.
    Step(StepText),
    /// Reading the alerts.
    Alerts {
        /// Rows scrolled.
        scroll: usize,
    },
}

/// The record that is being read.
#[derive(Debug, Clone, PartialEq)]
pub struct Details {
    /// Which.
    pub key: RecordKey,
    /// What is known of it.
    pub found: Found,
    /// Rows of text scrolled.
    pub scroll: usize,
    /// What of it is shown.
    pub part: Part,
}

impl Details {
    /// What is shown next in full size; what is not there is left out.
    fn next_part(&self) -> Part {
        let has_text = matches!(&self.found, Found::Here(record) if !details::is_silent(record));
        match self.part {
            Part::Both => Part::Facts,
            Part::Facts if has_text => Part::Text,
            Part::Facts | Part::Text => Part::Both,
        }
    }
}

/// What is shown of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Part {
    /// All of it.
    #[default]
    Both,
    /// Its facts alone.
    Facts,
    /// Its text alone.
    Text,
}

/// What is known of a record.
#[derive(Debug, Clone, PartialEq)]
pub enum Found {
    /// It has been asked for.
    Asked,
    /// Here it is.
    Here(Box<Record>),
    /// The store has it no more.
    Gone,
}

/// Whether prompts and answers are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mask {
    /// They are covered.
    #[default]
    Covered,
    /// They are shown.
    Open,
}

/// Whether the screen goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Flow {
    /// It follows what comes in.
    #[default]
    Running,
    /// It stands; a window that would move on ends here, µs.
    Paused {
        /// Where windows end.
        until_us: i64,
    },
}

/// The direction of a sorted column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Order {
    /// Highest, and so mostly worst, first.
    #[default]
    Falling,
    /// Lowest first.
    Rising,
}

impl Order {
    /// Turns an order of falling values around where rising ones are wanted.
    pub fn of(self, falling: std::cmp::Ordering) -> std::cmp::Ordering {
        match self {
            Order::Falling => falling,
            Order::Rising => falling.reverse(),
        }
    }
}

/// What a pane's table is sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sort {
    /// The column's heading; `None` keeps the order of the store.
    pub head: Option<&'static str>,
    /// Its direction.
    pub order: Order,
}

/// A line for the person, gone with the next key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message {
    /// Something to know.
    Note(String),
    /// Something that did not work.
    Fault(String),
}

/// What a pane remembers while another one is shown.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct PaneState {
    pub selection: Selection,
    pub sort: Sort,
    /// Which of the pane's groupings.
    pub by: usize,
}

/// Where one was, to go back to.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Place {
    pub pane: usize,
    pub window: Window,
    pub filter: Filter,
    pub pages: Vec<RecordKey>,
    pub selection: Selection,
}

/// What the loop has to do after an action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Draw.
    None,
    /// Ask the store for the new view.
    Ask,
    /// Ask the store for a record.
    Detail(RecordKey),
    /// Ask the store for a trace or a conversation.
    Story(TraceId),
    /// Put a text into the clipboard of the terminal.
    Copy(String),
    /// Paint everything anew.
    Redraw,
    /// Go into the background.
    Suspend,
    /// Leave.
    Quit,
}

/// All state of the screen.
#[derive(Debug, Clone, PartialEq)]
pub struct Ui {
    /// Number of the pane, from 0, in the order of the registry.
    pub pane: usize,
    /// The window in time.
    pub window: Window,
    /// Which calls.
    pub filter: Filter,
    /// What the person is doing.
    pub mode: Mode,
    /// The colours.
    pub theme: Theme,
    /// Whether prompts and answers are shown.
    pub mask: Mask,
    /// Whether the screen goes on.
    pub flow: Flow,
    /// In which zone times are shown.
    pub zone: Zone,
    /// A line for the person.
    pub message: Option<Message>,
    /// The panel in full size, by its number in the pane.
    pub maximised: Option<usize>,
    /// Columns and rows of the terminal.
    pub size: (u16, u16),
    /// What may be spent.
    pub budgets: Vec<Budget>,
    /// What is settled about experiments.
    pub experiments: Vec<Experiment>,
    /// The cursor of the charts, µs.
    pub time_cursor: Option<i64>,
    /// The name of the scores that are looked into; `None` is the first there are.
    pub score: Option<String>,
    /// What was clicked last, if nothing was done since.
    pub(crate) clicked: Option<Target>,
    pub(crate) home: Anchor,
    pub(crate) panes: Vec<PaneState>,
    pub(crate) history: Vec<Place>,
    /// What one went into the present one from, the last at the end.
    pub(crate) under: Vec<Mode>,
    pub(crate) pages: Vec<RecordKey>,
    pub(crate) filters: Vec<String>,
    pub(crate) filter_at: usize,
    pub(crate) commands: Vec<String>,
}

impl Ui {
    /// A screen that shows the first pane, live, nothing filtered.
    pub fn new(window: Window, filter: Filter) -> Ui {
        let states = panes::ALL.iter().map(|p| PaneState {
            sort: Sort { head: p.sorts.first().copied(), order: Order::Falling },
            ..PaneState::default()
        });
        let mut ui = Ui {
            pane: 0,
            window,
            filter: Filter::default(),
            mode: Mode::Normal,
            theme: Theme::default(),
            mask: Mask::default(),
            flow: Flow::default(),
            zone: Zone::default(),
            message: None,
            maximised: None,
            size: (80, 24),
            budgets: Vec::new(),
            experiments: Vec::new(),
            time_cursor: None,
            score: None,
            clicked: None,
            home: window.anchor,
            panes: states.collect(),
            history: Vec::new(),
            under: Vec::new(),
            pages: Vec::new(),
            filters: vec![String::new()],
            filter_at: 0,
            commands: Vec::new(),
        };
        if !matches!(window.anchor, Anchor::Auto | Anchor::Now) {
            ui.home = Anchor::Auto;
        }
        ui.use_filter(filter);
        ui
    }

    /// The number of the pane of this name; `Err` names the ones there are.
    pub fn pane_named(name: &str) -> Result<usize, String> {
        let found = panes::ALL.iter().position(|p| p.name == name);
        found.ok_or_else(|| {
            format!("no pane is named {name:?}; there are {}", Ui::pane_names().collect::<Vec<_>>().join(", "))
        })
    }

    /// The names of the panes, in their order.
    pub fn pane_names() -> impl Iterator<Item = &'static str> {
        panes::ALL.iter().map(|p| p.name)
    }

    /// The view the screen needs now.
    pub fn view(&self) -> View {
        let needs = (self.pane().needs)(self);
        let anchor = match (self.flow, self.window.anchor) {
            (Flow::Paused { until_us }, Anchor::Now | Anchor::Auto) => Anchor::At(until_us),
            (_, anchor) => anchor,
        };
        View {
            window: Window { anchor, ..self.window },
            filter: self.filter.clone(),
            groupings: needs.groupings,
            sections: needs.sections,
            before: if self.pane().pages { self.pages.last().copied() } else { None },
            budgets: needs.budgets,
            experiments: needs.experiments,
        }
    }

    /// Whether a snapshot that came in should replace the one shown: while paused, only one that answers a new question.
    pub fn wants(&self, shown: &Snapshot, next: &Snapshot) -> bool {
        match self.flow {
            Flow::Running => true,
            Flow::Paused { .. } => {
                let view = self.view();
                next.view == view && shown.view != view
            }
        }
    }

    /// Takes in a record that was asked for.
    pub fn take_record(&mut self, key: RecordKey, record: Option<Record>) {
        if let Mode::Details(details) = &mut self.mode
            && details.key == key
        {
            details.found = match (record, std::mem::replace(&mut details.found, Found::Gone)) {
                (Some(record), _) => Found::Here(Box::new(record)),
                (None, found @ Found::Here(_)) => found,
                (None, _) => Found::Gone,
            };
        }
    }

    /// Where keys are looked up.
    pub fn context(&self) -> Context {
        match self.mode {
            Mode::Normal => Context::Pane,
            Mode::Filter(_) | Mode::Command(_) => Context::Line,
            Mode::Help { .. } | Mode::Alerts { .. } => Context::Help,
            Mode::Details(_) => Context::Details,
            Mode::Story(_) => Context::Story,
            Mode::Step(_) => Context::Step,
        }
    }

    /// Whether an action has anything to act on. A record that was logged without its text has none to show.
    pub(crate) fn offers(&self, action: Action) -> bool {
        match (action, &self.mode) {
            (Action::Mask, Mode::Details(Details { found: Found::Here(record), .. })) => details::has_text(record),
            (Action::Mask, Mode::Story(_)) => false,
            _ => true,
        }
    }

    pub(crate) fn pane(&self) -> &'static Pane {
        panes::ALL[self.pane.min(panes::ALL.len() - 1)]
    }

    pub(crate) fn state(&self) -> &PaneState {
        &self.panes[self.pane.min(self.panes.len() - 1)]
    }

    pub(crate) fn state_mut(&mut self) -> &mut PaneState {
        let at = self.pane.min(self.panes.len() - 1);
        &mut self.panes[at]
    }

    /// Which of the pane's groupings.
    pub(crate) fn by(&self) -> usize {
        self.state().by
    }

    pub(crate) fn sort(&self) -> Sort {
        self.state().sort
    }

    /// The grouping the pane's main table shows: the first groups in the order it is sorted by.
    pub(crate) fn grouping(&self) -> Grouping {
        let all = self.pane().by;
        let dims = all.get(self.state().by % all.len().max(1)).copied().unwrap_or(&[]);
        Grouping { order: panes::ranking(self.sort()), ..Grouping::of(dims, Some(panes::TOP)) }
    }

    pub(crate) fn note(&mut self, text: impl Into<String>) {
        self.message = Some(Message::Note(text.into()));
    }

    pub(crate) fn fault(&mut self, text: impl Into<String>) {
        self.message = Some(Message::Fault(text.into()));
    }
}

//! Reading a trace or a conversation: the cursor on its parts, into one of them, and back to where one came from.

use super::super::keys::Step;
use super::super::panes;
use super::select::{Selection, Target, Wanted, Way};
use super::{Details, Effect, Found, Mode, Part as Shown, Ui};
use crate::snapshot::Snapshot;
use crate::snapshot::traces::{Node, Part, PartKind, Story};
use crate::view::{RecordKey, TraceId};

/// The trace or conversation that is being read.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    /// Which.
    pub id: TraceId,
    /// What is known of it.
    pub found: Telling,
    /// The part the cursor is on, from 0.
    pub cursor: usize,
    /// What of it is shown: its facts are what it came to.
    pub part: Shown,
}

/// What is known of a trace.
#[derive(Debug, Clone, PartialEq)]
pub enum Telling {
    /// It has been asked for.
    Asked,
    /// Here it is.
    Here(Box<Story>),
    /// The store has it no more.
    Gone,
}

/// The step of a trace that is being read.
#[derive(Debug, Clone, PartialEq)]
pub struct StepText {
    /// Which.
    pub part: Box<Part>,
    /// Rows of text scrolled.
    pub scroll: usize,
}

/// So many things are gone into, one from another; then the first is forgotten.
const DEEPEST: usize = 30;

impl Reading {
    /// How many rows it has.
    pub(crate) fn rows(&self) -> usize {
        match &self.found {
            Telling::Here(story) => match story.as_ref() {
                Story::Trace(trace) => trace.tree.nodes.len(),
                Story::Session(told) => told.turns.len(),
            },
            Telling::Asked | Telling::Gone => 0,
        }
    }

    /// The part the cursor is on.
    fn part_under_cursor(&self) -> Option<RecordKey> {
        let Telling::Here(story) = &self.found else { return None };
        let Story::Trace(trace) = story.as_ref() else { return None };
        trace.tree.nodes.get(self.cursor).map(|node| node.part.key)
    }

    /// Where a part stands.
    fn row_of(&self, key: RecordKey) -> Option<usize> {
        let Telling::Here(story) = &self.found else { return None };
        let Story::Trace(trace) = story.as_ref() else { return None };
        trace.tree.nodes.iter().position(|node| node.part.key == key)
    }

    /// What is shown next in full size.
    pub(super) fn next_part(&self) -> Shown {
        match self.part {
            Shown::Both => Shown::Facts,
            Shown::Facts => Shown::Text,
            Shown::Text => Shown::Both,
        }
    }

    fn has_failed(&self, row: usize) -> bool {
        match &self.found {
            Telling::Here(story) => match story.as_ref() {
                Story::Trace(trace) => trace.tree.nodes.get(row).is_some_and(|node| node.part.has_failed()),
                Story::Session(told) => told.turns.get(row).is_some_and(|turn| turn.row.errors > 0),
            },
            Telling::Asked | Telling::Gone => false,
        }
    }
}

/// What a row of a story leads into.
enum Into {
    Call(RecordKey),
    Step(Box<Part>),
    Trace(TraceId),
    Nothing,
}

impl Ui {
    /// Goes into a trace or a conversation.
    pub(super) fn tell(&mut self, id: TraceId) -> Effect {
        self.dive();
        self.mode =
            Mode::Story(Box::new(Reading { id: id.clone(), found: Telling::Asked, cursor: 0, part: Shown::Both }));
        Effect::Story(id)
    }

    /// Remembers what is being read, to come back to it.
    fn dive(&mut self) {
        let mode = std::mem::take(&mut self.mode);
        if matches!(mode, Mode::Details(_) | Mode::Story(_) | Mode::Step(_)) {
            if self.under.len() >= DEEPEST {
                self.under.remove(0);
            }
            self.under.push(mode);
        }
    }

    /// The story that is being read, where it may still go on: its parts come in one by one, and some late.
    pub fn unfinished(&self, now_us: i64) -> Option<TraceId> {
        /// Longer after its last part nothing is waited for, µs.
        const OVER_US: i64 = 600_000_000;
        let Mode::Story(reading) = &self.mode else { return None };
        let Telling::Here(story) = &reading.found else { return None };
        let last_us = match story.as_ref() {
            Story::Trace(trace) => trace.tree.last_us,
            Story::Session(told) => told.row.end_us,
        };
        let is_over = now_us.saturating_sub(last_us) > OVER_US;
        (!is_over && !self.is_paused()).then(|| reading.id.clone())
    }

    /// Takes in a story that was asked for.
    pub fn take_story(&mut self, id: &TraceId, story: Option<Story>) {
        if let Mode::Story(reading) = &mut self.mode
            && reading.id == *id
        {
            let on = reading.part_under_cursor();
            reading.found = story.map_or(Telling::Gone, |story| Telling::Here(Box::new(story)));
            let moved = on.and_then(|key| reading.row_of(key));
            reading.cursor = moved.unwrap_or(reading.cursor).min(reading.rows().saturating_sub(1));
        }
    }

    /// Goes into what the cursor of a story is on.
    pub(super) fn open_part(&mut self) -> Effect {
        let into = match &self.mode {
            Mode::Story(reading) => into(reading),
            _ => Into::Nothing,
        };
        match into {
            Into::Call(key) => {
                self.dive();
                self.mode = Mode::Details(Details { key, found: Found::Asked, scroll: 0, part: Shown::Both });
                Effect::Detail(key)
            }
            Into::Step(part) => {
                self.dive();
                self.mode = Mode::Step(StepText { part, scroll: 0 });
                Effect::None
            }
            Into::Trace(id) => self.tell(id),
            Into::Nothing => {
                self.note("nothing is behind this row");
                Effect::None
            }
        }
    }

    /// Goes from a record to the trace it belongs to.
    pub(super) fn open_trace(&mut self) -> Effect {
        let Mode::Details(Details { found: Found::Here(record), .. }) = &self.mode else { return Effect::None };
        let call = &record.call;
        let own = |text: &crate::event::Text| text.as_deref().map(str::to_owned);
        let was_tried = call.retries.is_some_and(|retries| retries > 0);
        let request = own(&call.request_id).filter(|_| was_tried).map(TraceId::Request);
        let of = own(&call.trace_id).map(TraceId::Trace);
        let id = of.or_else(|| own(&call.session_id).map(TraceId::Session)).or(request);
        match id {
            Some(id) => self.tell(id),
            None => {
                self.note("this call names neither a trace nor a session");
                Effect::None
            }
        }
    }

    /// Moves the cursor of a story.
    pub(super) fn step_story(&mut self, step: Step, page: usize) {
        let Mode::Story(reading) = &mut self.mode else { return };
        let last = reading.rows().saturating_sub(1);
        let to = match step {
            Step::Down => reading.cursor + 1,
            Step::Up => reading.cursor.saturating_sub(1),
            Step::PageDown => reading.cursor + page,
            Step::PageUp => reading.cursor.saturating_sub(page),
            Step::First => 0,
            Step::Last => last,
        };
        reading.cursor = to.min(last);
    }

    /// Goes to the next or the previous failed part of a story.
    pub(super) fn step_failed(&mut self, way: Way) {
        let Mode::Story(reading) = &mut self.mode else { return };
        let to = match way {
            Way::Older => (reading.cursor + 1..reading.rows()).find(|row| reading.has_failed(*row)),
            Way::Newer => (0..reading.cursor).rev().find(|row| reading.has_failed(*row)),
        };
        match to {
            Some(to) => reading.cursor = to,
            None => self.note("no further error this way"),
        }
    }

    /// Goes to the trace before or after in the list one came from.
    pub(super) fn step_trace(&mut self, way: Way, snapshot: &Snapshot) -> Effect {
        let Mode::Story(reading) = &self.mode else { return Effect::None };
        let rows = panes::rows(self, snapshot);
        let at = rows.iter().position(|row| matches!(row, Target::Trace(id) if *id == reading.id));
        let to = at.and_then(|at| match way {
            Way::Older => Some(at + 1),
            Way::Newer => at.checked_sub(1),
        });
        match to.and_then(|to| Some((to, rows.get(to)?))) {
            Some((index, Target::Trace(id))) if self.under.is_empty() => {
                let id = id.clone();
                self.state_mut().selection = Selection { target: Some(Target::Trace(id.clone())), index };
                self.mode = Mode::Normal;
                self.tell(id)
            }
            _ => {
                self.note("no further trace this way");
                Effect::None
            }
        }
    }

    /// What `e` does while something is read out of a story: nothing to step through.
    pub(super) fn is_inside_story(&self) -> bool {
        matches!(self.mode, Mode::Step(_)) || (matches!(self.mode, Mode::Details(_)) && !self.under.is_empty())
    }

    /// The next error, wherever one is.
    pub(super) fn step_error(&mut self, way: Way, snapshot: &Snapshot) -> Effect {
        if matches!(self.mode, Mode::Story(_)) {
            self.step_failed(way);
        } else if self.is_inside_story() {
            self.note("Esc goes back to the trace; e there finds its errors");
        } else {
            return self.step_record(Wanted::Failed, way, snapshot);
        }
        Effect::None
    }
}

fn into(reading: &Reading) -> Into {
    let Telling::Here(story) = &reading.found else { return Into::Nothing };
    match story.as_ref() {
        Story::Trace(trace) => match trace.tree.nodes.get(reading.cursor).map(|node: &Node| &node.part) {
            Some(part) if part.kind == PartKind::Call => Into::Call(part.key),
            Some(part) => Into::Step(Box::new(part.clone())),
            None => Into::Nothing,
        },
        Story::Session(told) => match told.turns.get(reading.cursor) {
            Some(turn) => turn.call.map_or_else(|| Into::Trace(turn.row.id.clone()), Into::Call),
            None => Into::Nothing,
        },
    }
}

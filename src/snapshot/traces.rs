//! Traces and sessions: lists of them, one of them as a tree, one conversation with its running cost.

mod words;

pub use crate::trace::{Blame, Finding, Link, Node, Part, PartKind, Tree, is_open};

use crate::view::{RecordKey, TraceId};

/// What became of a trace or a session.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum TraceEnd {
    /// A score says that its task was completed.
    Completed,
    /// A score says that it was not.
    NotCompleted,
    /// Its first step failed; without one, its last call.
    Failed,
    /// That went well.
    Ok,
    /// Nobody said.
    #[default]
    Unknown,
}

impl TraceEnd {
    /// The word for it.
    pub const fn word(self) -> &'static str {
        match self {
            TraceEnd::Completed => "completed",
            TraceEnd::NotCompleted => "not completed",
            TraceEnd::Failed => "error",
            TraceEnd::Ok => "ok",
            TraceEnd::Unknown => "?",
        }
    }

    /// Whether it is what nobody wants.
    pub const fn is_bad(self) -> bool {
        matches!(self, TraceEnd::NotCompleted | TraceEnd::Failed)
    }
}

/// The figures of a trace or a session: of the calls and steps of it that were read.
#[derive(Debug, Clone, PartialEq)]
pub struct TraceRow {
    /// Which.
    pub id: TraceId,
    /// The name of its first step, else the model of its first call.
    pub name: Option<String>,
    /// When its first part began, µs.
    pub start_us: i64,
    /// When its last part ended, µs.
    pub end_us: i64,
    /// Traces, of a session; 1 of a trace.
    pub traces: u64,
    /// Calls.
    pub calls: u64,
    /// Steps that are tools.
    pub tools: u64,
    /// Tokens in; `None` where no call says.
    pub input_tokens: Option<u64>,
    /// Tokens out; `None` where no call says.
    pub output_tokens: Option<u64>,
    /// Cost of the priced calls, nano-dollars; `None` where none is priced.
    pub cost_nusd: Option<i64>,
    /// Calls whose cost is unknown.
    pub unpriced: u64,
    /// Failed calls and steps.
    pub errors: u64,
    /// Whose it is.
    pub user: Option<String>,
    /// What became of it.
    pub end: TraceEnd,
}

impl TraceRow {
    /// How long it took, µs.
    pub fn latency_us(&self) -> u64 {
        self.end_us.abs_diff(self.start_us)
    }

    /// All its tokens; `None` where no call says.
    pub fn tokens(&self) -> Option<u64> {
        let (input, output) = (self.input_tokens, self.output_tokens);
        (input.is_some() || output.is_some()).then(|| input.unwrap_or(0).saturating_add(output.unwrap_or(0)))
    }
}

/// A list of traces or of sessions.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Traces {
    /// The first of them, in the order that was asked for.
    pub list: Vec<TraceRow>,
    /// How many there are.
    pub total: u64,
    /// Calls of the window that belong to none: they name neither a trace nor a session.
    pub outside: u64,
    /// There were too many: those before this time, µs, were not looked at.
    pub since_us: Option<i64>,
}

/// One trace.
#[derive(Debug, Clone, PartialEq)]
pub struct Trace {
    /// Which.
    pub id: TraceId,
    /// Its parts in their places.
    pub tree: Tree,
    /// Its figures.
    pub row: TraceRow,
    /// It has more parts than were read.
    pub is_cut: bool,
}

/// One turn of a conversation: a trace, or a call that belongs to none.
#[derive(Debug, Clone, PartialEq)]
pub struct Turn {
    /// Its figures; of a call alone, those of the call.
    pub row: TraceRow,
    /// The call, where it is one alone.
    pub call: Option<RecordKey>,
    /// What the conversation had cost when it ended, nano-dollars; `None` where nothing of it was priced.
    pub so_far_nusd: Option<i64>,
}

/// A conversation.
#[derive(Debug, Clone, PartialEq)]
pub struct Conversation {
    /// The session.
    pub session: String,
    /// Its turns in order of their beginnings.
    pub turns: Vec<Turn>,
    /// The figures of all of it.
    pub row: TraceRow,
    /// It has more calls than were read.
    pub is_cut: bool,
}

/// What an id leads to.
#[derive(Debug, Clone, PartialEq)]
pub enum Story {
    /// A trace.
    Trace(Box<Trace>),
    /// A conversation.
    Session(Box<Conversation>),
}

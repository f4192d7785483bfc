//! Which traces are asked for: a list of them in an order, or one by its id.

use super::Direction;

/// What a trace is known by.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum TraceId {
    /// Its id.
    Trace(String),
    /// A call of it, by the call's request id.
    Request(String),
    /// The calls of a session that name no trace: they are taken for one.
    Loose(String),
    /// A whole conversation: all traces and calls of a session.
    Session(String),
}

impl TraceId {
    /// The id itself.
    pub fn text(&self) -> &str {
        match self {
            TraceId::Trace(id) | TraceId::Request(id) | TraceId::Loose(id) | TraceId::Session(id) => id,
        }
    }
}

/// What a list of traces is ordered by.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum TraceOrder {
    /// When they began.
    #[default]
    Start,
    /// How long they took.
    Duration,
    /// What they cost.
    Cost,
    /// Those that failed, by how many of their parts did.
    Failed,
    /// How many calls they made.
    Calls,
    /// How many tokens they took.
    Tokens,
}

/// What the rows of a list are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum TraceUnit {
    /// Traces.
    #[default]
    Trace,
    /// Sessions.
    Session,
}

/// A list of traces that is asked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct TraceList {
    /// At most so many; 0 is no list.
    pub top: usize,
    /// What the rows are.
    pub unit: TraceUnit,
    /// Their order.
    pub by: TraceOrder,
    /// Its direction.
    pub direction: Direction,
}

//! The tree of a trace: its parts linked by their ids, else by time, with what held it up, where nothing ran, and what was
//! done again. Pure; parts may come in any order, be missing, or refer to each other in circles.

mod again;
mod attrs;
mod link;
mod path;

pub use again::Finding;
pub use attrs::is_open;
pub use link::Link;
pub use path::Blame;

use crate::event::{Outcome, SpanKind};
use crate::view::RecordKey;

/// What a part is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PartKind {
    /// A call to a model.
    Call,
    /// Another step.
    Step(SpanKind),
}

impl PartKind {
    /// Its word: `call`, or that of the kind of span.
    pub const fn word(self) -> &'static str {
        match self {
            PartKind::Call => "call",
            PartKind::Step(kind) => kind.word(),
        }
    }
}

/// One part of a trace, as it was recorded.
#[derive(Debug, Clone, PartialEq)]
pub struct Part {
    /// When it ended, µs, and the hash of its identity.
    pub key: RecordKey,
    /// What it is.
    pub kind: PartKind,
    /// A span's name, a call's model.
    pub name: Option<String>,
    /// Its own id.
    pub span_id: Option<String>,
    /// A call's other id, by which tries that were given up name the call they are of.
    pub request_id: Option<String>,
    /// The id of the part that caused it.
    pub parent_id: Option<String>,
    /// A call's provider.
    pub provider: Option<String>,
    /// What kind of call it is, such as `chat`.
    pub operation: Option<String>,
    /// How long it took, µs.
    pub latency_us: Option<u64>,
    /// How it went, where that is known.
    pub outcome: Option<Outcome>,
    /// What it said where it failed.
    pub error: Option<String>,
    /// Until the first token, µs.
    pub ttft_us: Option<u64>,
    /// Tokens in.
    pub input_tokens: Option<u64>,
    /// Tokens out.
    pub output_tokens: Option<u64>,
    /// Nano-dollars.
    pub cost_nusd: Option<i64>,
    /// Retries before the answer.
    pub retries: Option<u32>,
    /// The end user.
    pub user: Option<String>,
    /// The conversation.
    pub session: Option<String>,
    /// The rest of what a span carries, a JSON object; input and output are in it.
    pub attrs: Option<String>,
    /// A hash of what was asked for, where that is known: alike parts ask for the same.
    pub asked: Option<u64>,
}

impl Part {
    /// A part of which nothing is known but what it is and when it ended.
    pub fn new(kind: PartKind, key: RecordKey) -> Part {
        Part {
            key,
            kind,
            name: None,
            span_id: None,
            request_id: None,
            parent_id: None,
            provider: None,
            operation: None,
            latency_us: None,
            outcome: None,
            error: None,
            ttft_us: None,
            input_tokens: None,
            output_tokens: None,
            cost_nusd: None,
            retries: None,
            user: None,
            session: None,
            attrs: None,
            asked: None,
        }
    }

    /// When it ended, µs.
    pub fn end_us(&self) -> i64 {
        self.key.ts_us
    }

    /// When it began, µs; its end where nobody said how long it took.
    pub fn start_us(&self) -> i64 {
        let latency = i64::try_from(self.latency_us.unwrap_or(0)).unwrap_or(i64::MAX);
        self.key.ts_us.saturating_sub(latency)
    }

    /// Whether it failed.
    pub fn has_failed(&self) -> bool {
        self.outcome.is_some_and(|outcome| outcome.is_error())
    }

    /// Its name for a person: what it is called, else what it is.
    pub fn label(&self) -> &str {
        self.name.as_deref().filter(|name| !name.is_empty()).unwrap_or(self.kind.word())
    }
}

/// A part in its place.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// What was recorded.
    pub part: Part,
    /// The number of its parent among the nodes.
    pub parent: Option<usize>,
    /// How it came to its place.
    pub link: Link,
    /// How deep it lies; 0 has no parent.
    pub depth: usize,
    /// Numbers of its children, in order of their beginnings.
    pub children: Vec<usize>,
    /// It ended after its parent, by more than clocks are rounded: its parent did not wait for it.
    pub is_late: bool,
    /// Another part of the trace has the same id.
    pub is_double: bool,
    /// The stretches of it that determined when the trace ended, µs, oldest first; those of its children are theirs.
    pub critical: Vec<(i64, i64)>,
    /// Stretches of it in which none of its children ran, µs, oldest first; empty for what has none.
    pub gaps: Vec<(i64, i64)>,
    /// Which time it is that the same is tried after a failure, from 1; 0 is the first.
    pub retry: u32,
    /// Which time it is that the same is asked for, though it had been answered, from 1; 0 is the first.
    pub again: u32,
}

impl Node {
    /// How much of it determined when the trace ended, µs.
    pub fn critical_us(&self) -> u64 {
        self.critical.iter().map(|(from, to)| to.abs_diff(*from)).sum()
    }
}

/// A trace as a tree.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Tree {
    /// Parents before their children, otherwise in order of their beginnings.
    pub nodes: Vec<Node>,
    /// When the first part began, µs.
    pub start_us: i64,
    /// When the last part ended that the whole waited for, µs.
    pub end_us: i64,
    /// When the last part of all ended, µs.
    pub last_us: i64,
    /// What the time from beginning to end went to, most first.
    pub blame: Vec<Blame>,
    /// What is worth pointing out.
    pub findings: Vec<Finding>,
}

/// Clocks of logs are rounded to this, µs: what lies closer together is not told apart.
pub const ROUNDING_US: i64 = 1_000;

impl Tree {
    /// Puts parts in their places.
    pub fn build(parts: Vec<Part>) -> Tree {
        let mut tree = Tree { nodes: link::link(parts), ..Tree::default() };
        path::walk(&mut tree);
        again::look(&mut tree);
        tree
    }

    /// How long it took, µs.
    pub fn latency_us(&self) -> u64 {
        self.end_us.abs_diff(self.start_us)
    }

    /// Whether a node or one below it determined when the trace ended.
    pub fn is_critical(&self, number: usize) -> bool {
        self.nodes.get(number).is_some_and(|node| !node.critical.is_empty())
    }

    /// Numbers of the nodes without a parent.
    pub fn roots(&self) -> impl Iterator<Item = usize> {
        (0..self.nodes.len()).filter(|n| self.nodes[*n].parent.is_none())
    }
}

#[cfg(test)]
mod tests;

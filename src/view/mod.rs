//! What a face asks for: a window, a filter, groupings, sections. Plain data, comparable, echoed by the answer.

mod budget;
mod experiment;
mod filter;
mod ranking;
mod traces;
mod window;

pub use budget::{Budget, Period};
pub use experiment::{DEFAULT_EXPERIMENT, Experiment, Good, Measured, Metric, Role, Threshold, Unit};
pub use filter::{
    CallSubject, Case, Field, Filter, FilterError, Match, Needle, Number, Op, Pattern, Subject, Term, any_matches,
};
pub use ranking::{Direction, Measure, Ranking};
pub use traces::{TraceId, TraceList, TraceOrder, TraceUnit};
pub use window::{Anchor, Range, Span, Window, WindowError};

use crate::listed::listed;

listed! {
    /// A dimension calls can be grouped by.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
    pub enum Dim {
        /// The model's name.
        Model,
        /// The provider.
        Provider,
        /// `chat`, `embeddings`, …
        Operation,
        /// The end user.
        User,
        /// The conversation.
        Session,
        /// The machine that made the call.
        Host,
        /// The application.
        App,
        /// The deployment environment.
        Environment,
        /// The experiment's variant.
        Variant,
        /// The failure mode; calls that did not fail are left out.
        Error,
        /// `ok` or `error`.
        Status,
        /// The file or stream it was read from.
        Source,
        /// The hour it ended in, UTC, RFC 3339.
        Hour,
        /// The day it ended on, UTC, `YYYY-MM-DD`.
        Day,
    }
}

impl Dim {
    /// The word for it on the command line and in JSON.
    pub const fn word(self) -> &'static str {
        match self {
            Dim::Model => "model",
            Dim::Provider => "provider",
            Dim::Operation => "operation",
            Dim::User => "user",
            Dim::Session => "session",
            Dim::Host => "host",
            Dim::App => "app",
            Dim::Environment => "environment",
            Dim::Variant => "variant",
            Dim::Error => "error",
            Dim::Status => "status",
            Dim::Source => "source",
            Dim::Hour => "hour",
            Dim::Day => "day",
        }
    }

    /// The dimension a word names.
    pub fn from_word(word: &str) -> Option<Dim> {
        Dim::ALL.into_iter().find(|d| d.word() == word)
    }
}

/// One grouping: a dimension, or several together.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Grouping {
    /// The dimensions whose combinations are the groups.
    pub dims: Vec<Dim>,
    /// At most so many groups, the first in `order`; `None` is all.
    pub top: Option<usize>,
    /// Their order.
    pub order: Ranking,
}

impl Grouping {
    /// A grouping by one dimension, most calls first.
    pub fn by(dim: Dim, top: Option<usize>) -> Grouping {
        Grouping::of(&[dim], top)
    }

    /// A grouping by several dimensions together, most calls first.
    pub fn of(dims: &[Dim], top: Option<usize>) -> Grouping {
        Grouping { dims: dims.to_vec(), top, order: Ranking::default() }
    }

    /// `model`, or `provider,model`.
    pub fn name(&self) -> String {
        self.dims.iter().map(|d| d.word()).collect::<Vec<_>>().join(",")
    }
}

/// Parts of a snapshot beyond totals and accounting; a face asks only for what it draws.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Sections {
    /// How many points the charts over time should have, about; 0 is no chart.
    pub points: usize,
    /// Merged histograms of the window and the one before, for the distribution.
    pub distribution: bool,
    /// A histogram per chart point, for the heat map.
    pub heat: bool,
    /// A chart per group of the first grouping: at most so many groups.
    pub group_points: usize,
    /// Failure modes with first and last seen, trend, affected models and users.
    pub failures: bool,
    /// Clusters of alike error messages: at most so many.
    pub clusters: usize,
    /// Newest errors: at most so many.
    pub errors: usize,
    /// Tables of users and sessions from single calls, with percentiles, rather than from their hourly totals.
    pub exact_members: bool,
    /// Newest records: at most so many, before `View::before`.
    pub records: usize,
    /// What became of tasks, by their scores.
    pub tasks: bool,
    /// What scores and retrievals came to.
    pub quality: bool,
    /// What gateways know of providers' limits.
    pub headroom: bool,
    /// Experiments, the newest first: at most so many.
    pub experiments: usize,
    /// Traces or sessions.
    pub traces: TraceList,
}

/// Everything a face asks for.
#[derive(Debug, Clone, PartialEq)]
pub struct View {
    /// The window in time.
    pub window: Window,
    /// Which calls.
    pub filter: Filter,
    /// The groupings, each a table.
    pub groupings: Vec<Grouping>,
    /// Which parts are wanted.
    pub sections: Sections,
    /// The record list starts below this record, when paging.
    pub before: Option<RecordKey>,
    /// Budgets to tell the state of, whatever the window and the filter.
    pub budgets: Vec<Budget>,
    /// What is settled about experiments.
    pub experiments: Vec<Experiment>,
}

impl Default for View {
    fn default() -> Self {
        View {
            window: Window::all(),
            filter: Filter::default(),
            groupings: Vec::new(),
            sections: Sections::default(),
            before: None,
            budgets: Vec::new(),
            experiments: Vec::new(),
        }
    }
}

/// The key of one call in the store: when it ended and the 64-bit hash of its identity.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RecordKey {
    /// When it ended, µs since the Unix epoch.
    pub ts_us: i64,
    /// Hash of its `request_id`, or of its line.
    pub id: i64,
}

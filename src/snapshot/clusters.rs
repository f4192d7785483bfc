//! Clusters of failed calls that say alike things, whoever said them.

use crate::event::FailureMode;
use crate::view::{Dim, Field, Filter, Range, RecordKey};

/// Alike messages of calls that failed in the same way, counted together.
#[derive(Debug, Clone, PartialEq)]
pub struct Cluster {
    /// What the messages have in common, their variable parts masked.
    pub template: String,
    /// The templates that were put together, in the order of their texts.
    pub templates: Vec<String>,
    /// How the calls failed.
    pub mode: FailureMode,
    /// How many calls.
    pub calls: u64,
    /// The same in the window before; `None` without one, or where not all errors were read.
    pub previous: Option<u64>,
    /// First in the window, µs.
    pub first_us: i64,
    /// Last in the window, µs.
    pub last_us: i64,
    /// First in the store whatever the filter, µs; of errors that are kept.
    pub ever_us: i64,
    /// Calls per chart step.
    pub trend: Vec<u64>,
    /// Affected models, most first.
    pub models: Vec<(String, u64)>,
    /// Affected providers, most first.
    pub providers: Vec<(String, u64)>,
    /// Affected variants, most first.
    pub variants: Vec<(String, u64)>,
    /// How many different users are affected; `None` where none of the calls names one.
    pub users: Option<u64>,
    /// The newest message.
    pub example: String,
    /// The call it is from.
    pub example_key: RecordKey,
}

/// Clusters, and whether all errors of the window were read for them.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Clusters {
    /// Most calls first.
    pub list: Vec<Cluster>,
    /// How many there are without the limit to their number.
    pub total: usize,
    /// Errors read; the newest ones.
    pub read: u64,
    /// Whether there were more than were read.
    pub partial: bool,
}

impl Clusters {
    /// The cluster of a failure mode with this template.
    pub fn find(&self, mode: FailureMode, template: &str) -> Option<&Cluster> {
        self.list.iter().find(|cluster| cluster.mode == mode && cluster.template == template)
    }
}

/// Whether a cluster is news.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum News {
    /// Never before this window, as far as errors are kept.
    New,
    /// Not in the window before, but earlier.
    Back,
    /// In the window before too, or nobody knows.
    Known,
}

impl Cluster {
    /// Whether it is news in a window.
    pub fn news(&self, range: Range) -> News {
        match self.previous {
            None => News::Known,
            Some(_) if self.ever_us >= range.since_us => News::New,
            Some(0) => News::Back,
            Some(_) => News::Known,
        }
    }

    /// A filter narrowed to exactly its calls.
    pub fn narrowed(&self, filter: &Filter) -> Filter {
        let templates: Vec<&str> = self.templates.iter().map(String::as_str).collect();
        filter.narrowed(Field::Dim(Dim::Error), Some(self.mode.word())).narrowed_to(Field::Message, &templates)
    }
}

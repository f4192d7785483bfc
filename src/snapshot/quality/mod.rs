//! What scores and retrievals of a window came to: plain data. `tally` and `retrieval` make it, in one place for all faces.

mod figure;
mod retrieval;
mod tally;

pub use crate::stats::quality::Interval;
pub use crate::stats::quality::nps::Nps;
pub use figure::{Figure, Parts, Scale};
pub use retrieval::{EmptyRetrieval, RagFigure, RagMeasure, RetrievalStats, Retrievals, Retrieved};
pub use tally::{Judgement, Subject, Tally, When};

use crate::event::ScoreSource;
use crate::listed::listed;
use crate::view::RecordKey;

listed! {
    /// What scores can be told apart by.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
    pub enum By {
        /// The model of the judged call; of traces it is not known.
        Model,
        /// The experiment's variant.
        Variant,
        /// The application.
        App,
        /// The deployment environment.
        Environment,
        /// The version of the prompt, by a tag such as `prompt:v3`.
        Prompt,
        /// Another tag; who has several counts for each.
        Tag,
    }
}

impl By {
    /// Its word.
    pub const fn word(self) -> &'static str {
        match self {
            By::Model => "model",
            By::Variant => "variant",
            By::Prompt => "prompt",
            By::App => "app",
            By::Environment => "environment",
            By::Tag => "tag",
        }
    }
}

/// The scores of one name.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ScoreStats {
    /// The name.
    pub name: String,
    /// What its values are.
    pub scale: Scale,
    /// Each call or trace once, by its newest score.
    pub now: Figure,
    /// The same in the window before.
    pub before: Figure,
    /// Scores that are on no scale the name has, and count for nothing.
    pub left_out: u64,
    /// The figure of each step of the window, equally long ones.
    pub trend: Vec<Option<f64>>,
    /// By who judged, each call or trace once by its newest score of theirs; most first.
    pub sources: Vec<(Option<ScoreSource>, Figure)>,
    /// How far a judge and people agree.
    pub agreement: Option<Agreed>,
    /// By what the judged calls are, most first within each.
    pub groups: Vec<ScoreGroup>,
    /// The worst ones, the worst first.
    pub worst: Vec<Example>,
}

impl ScoreStats {
    /// Whether high values are bad ones, by the name.
    pub fn is_bad_high(&self) -> bool {
        is_bad_high(&self.name)
    }
}

/// Whether high values of a score are bad ones: names that say what is wrong with an answer.
pub fn is_bad_high(name: &str) -> bool {
    const BAD: [&str; 8] = ["hallucinat", "toxic", "bias", "harm", "error", "violation", "refus", "leak"];
    let name = name.to_lowercase();
    BAD.iter().any(|word| name.contains(word))
}

/// How far two kinds of raters agree, where both judged the same calls or traces.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Agreed {
    /// Who is held against people.
    pub first: ScoreSource,
    /// Whom they are held against.
    pub second: ScoreSource,
    /// What both judged.
    pub count: u64,
    /// Of that, what they said the same of.
    pub same: u64,
    /// Cohen's kappa; `None` where nothing tells agreement from chance.
    pub kappa: Option<f64>,
    /// Its interval.
    pub interval: Option<Interval>,
}

/// The scores of one name of calls that have one value in common.
#[derive(Debug, Clone, PartialEq)]
pub struct ScoreGroup {
    /// What they are told apart by.
    pub by: By,
    /// The value.
    pub value: String,
    /// In the window.
    pub now: Figure,
    /// In the window before.
    pub before: Figure,
}

/// One score, to look at.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Example {
    /// The score's own time, µs, and the hash of its identity.
    pub key: RecordKey,
    /// Its value.
    pub value: f64,
    /// Who judged.
    pub source: Option<ScoreSource>,
    /// The judged call, where one is and was found.
    pub call: Option<RecordKey>,
    /// As the score has it.
    pub request_id: Option<String>,
    /// As the score has it.
    pub trace_id: Option<String>,
    /// The end user.
    pub user_id: Option<String>,
    /// The judged call's model.
    pub model: Option<String>,
    /// A remark.
    pub comment: Option<String>,
}

/// What scores and retrievals came to.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Quality {
    /// By name: the common ones first, then most first.
    pub scores: Vec<ScoreStats>,
    /// Names of scores beyond those that are listed.
    pub further_names: u64,
    /// Scores of the window whose call or trace nothing was heard of.
    pub waiting: u64,
    /// Scores of the window that a filter has nothing to ask of: what they judge was not found.
    pub unknown: u64,
    /// Scores before this time, µs, have been deleted.
    pub gone_us: Option<i64>,
    /// Share of the window that was read so far, its newest part, 0..=1.
    pub covered: f64,
    /// Retrievals; `None` where the filter asks for what spans do not say.
    pub retrieval: Option<RetrievalStats>,
}

impl Quality {
    /// Whether there is nothing at all.
    pub fn is_empty(&self) -> bool {
        self.scores.is_empty() && self.retrieval.as_ref().is_none_or(|r| r.now.count == 0)
    }

    /// The scores of a name.
    pub fn score(&self, name: &str) -> Option<&ScoreStats> {
        self.scores.iter().find(|score| score.name == name)
    }
}

#[cfg(test)]
mod tests;

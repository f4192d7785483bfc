//! Retrievals into figures: what they found, what of it was relevant, what the answers refer to, how long they took.

use super::{Figure, Interval, Scale};
use crate::listed::listed;
use crate::snapshot::Dist;
use crate::stats::histogram::Histogram;
use crate::stats::quality::rag::Retrieval;
use crate::stats::quality::rate::wilson;
use crate::view::{Range, RecordKey};
use std::collections::BTreeMap;

/// Precision is of so many of the first.
pub const K: usize = 5;

listed! {
    /// A measure of a retrieval; all are shares, 0..=1, of which the mean is told.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
    pub enum RagMeasure {
        /// Of the first five found, those that are relevant.
        Precision,
        /// Of the relevant ones, those that were found.
        Recall,
        /// One over the rank of the first relevant one.
        ReciprocalRank,
        /// Of the cited ones, those that were found.
        Attribution,
        /// Of those found, the cited ones.
        Utilization,
    }
}

impl RagMeasure {
    /// Its word.
    pub const fn word(self) -> &'static str {
        match self {
            RagMeasure::Precision => "precision@5",
            RagMeasure::Recall => "recall",
            RagMeasure::ReciprocalRank => "mrr",
            RagMeasure::Attribution => "attribution",
            RagMeasure::Utilization => "chunk utilization",
        }
    }

    /// The names of scores that say the same.
    pub const fn scores(self) -> &'static [&'static str] {
        match self {
            RagMeasure::Precision => &["retrieval_precision", "context_precision", "precision_at_k"],
            RagMeasure::Recall => &["retrieval_recall", "context_recall"],
            RagMeasure::ReciprocalRank => &["mrr", "reciprocal_rank"],
            RagMeasure::Attribution => &["attribution"],
            RagMeasure::Utilization => &["chunk_utilization", "context_utilization"],
        }
    }

    fn of(self, retrieval: &Retrieval) -> Option<f64> {
        match self {
            RagMeasure::Precision => retrieval.precision_at(K),
            RagMeasure::Recall => retrieval.recall(),
            RagMeasure::ReciprocalRank => retrieval.reciprocal_rank(),
            RagMeasure::Attribution => retrieval.attribution(),
            RagMeasure::Utilization => retrieval.utilization(),
        }
    }
}

/// One measure over the retrievals that tell it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RagFigure {
    /// Which.
    pub measure: RagMeasure,
    /// In the window.
    pub now: Figure,
    /// In the window before.
    pub before: Figure,
}

/// A retrieval that found nothing.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct EmptyRetrieval {
    /// When it ended, µs, and the hash of its identity.
    pub key: RecordKey,
    /// What was searched.
    pub name: Option<String>,
    /// Its trace.
    pub trace_id: Option<String>,
    /// The end user.
    pub user_id: Option<String>,
    /// How long it took, µs.
    pub latency_us: Option<u64>,
    /// What was asked for; prompts, so it is masked as they are.
    pub input: Option<String>,
}

/// The retrievals of one name.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Retrieved {
    /// What was searched; `None` where it does not say.
    pub name: Option<String>,
    /// All.
    pub count: u64,
    /// Those that say what they found.
    pub told: u64,
    /// Of those, the ones that found nothing.
    pub empty: u64,
    /// Those that failed.
    pub failed: u64,
    /// How long they took, µs.
    pub latency_us: Dist,
    /// Cited chunks that were not among those found.
    pub made_up: u64,
}

impl Retrieved {
    /// Empty ones as a share of those that say what they found, 0..=1.
    pub fn empty_rate(&self) -> Option<f64> {
        (self.told > 0).then(|| self.empty as f64 / self.told as f64)
    }

    /// The interval of that.
    pub fn empty_interval(&self) -> Option<Interval> {
        wilson(self.empty, self.told)
    }
}

/// What retrievals came to.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RetrievalStats {
    /// All of the window.
    pub now: Retrieved,
    /// All of the window before.
    pub before: Retrieved,
    /// The measures, in their order.
    pub measures: Vec<RagFigure>,
    /// Empty ones as a share, of each step of the window.
    pub trend: Vec<Option<f64>>,
    /// By what was searched, most first.
    pub names: Vec<Retrieved>,
    /// Those that found nothing, the newest first.
    pub empty: Vec<EmptyRetrieval>,
}

/// How many names, and how many of the empty ones, are listed.
const LISTED: usize = 30;

/// Steps of the trend.
const STEPS: usize = 24;

/// The retrievals of one name or of all, in the making.
#[derive(Debug, Default)]
struct Sum {
    of: Retrieved,
    latency: Histogram,
}

impl Sum {
    fn add(&mut self, one: &Retrieval, latency_us: Option<u64>, ok: Option<bool>) {
        self.of.count += 1;
        self.of.failed += u64::from(ok == Some(false));
        self.of.told += u64::from(one.is_empty().is_some());
        self.of.empty += u64::from(one.is_empty() == Some(true));
        self.of.made_up += one.made_up().unwrap_or(0);
        latency_us.into_iter().for_each(|us| self.latency.record(us));
    }

    fn finish(self, name: Option<String>) -> Retrieved {
        Retrieved { name, latency_us: Dist::of(&self.latency, 1.0), ..self.of }
    }
}

/// Collects retrievals.
#[derive(Debug)]
pub struct Retrievals {
    range: Range,
    now: Sum,
    before: Sum,
    names: BTreeMap<Option<String>, Sum>,
    measures: Vec<RagFigure>,
    steps: Vec<(u64, u64)>,
    empty: Vec<EmptyRetrieval>,
}

impl Retrievals {
    /// For a window.
    pub fn new(range: Range) -> Retrievals {
        let nothing = Figure::new(Scale::Mean);
        let measures = RagMeasure::ALL.map(|measure| RagFigure { measure, now: nothing, before: nothing });
        Retrievals {
            range,
            now: Sum::default(),
            before: Sum::default(),
            names: BTreeMap::new(),
            measures: measures.to_vec(),
            steps: vec![(0, 0); STEPS],
            empty: Vec::new(),
        }
    }

    /// Takes in one of the window, with what it is called and where it is, in order of time.
    pub fn add(&mut self, one: &Retrieval, at: EmptyRetrieval, ok: Option<bool>) {
        self.now.add(one, at.latency_us, ok);
        self.names.entry(at.name.clone()).or_default().add(one, at.latency_us, ok);
        for figure in &mut self.measures {
            figure.measure.of(one).into_iter().for_each(|value| figure.now.add(Scale::Mean, value));
        }
        let is_empty = one.is_empty();
        if let Some(step) = is_empty.and_then(|_| self.step(at.key.ts_us)).and_then(|at| self.steps.get_mut(at)) {
            step.0 += u64::from(is_empty == Some(true));
            step.1 += 1;
        }
        if is_empty == Some(true) {
            if self.empty.len() >= 2 * LISTED {
                self.empty.drain(..LISTED);
            }
            self.empty.push(at);
        }
    }

    /// Takes in one of the window before.
    pub fn add_before(&mut self, one: &Retrieval, latency_us: Option<u64>, ok: Option<bool>) {
        self.before.add(one, latency_us, ok);
        for figure in &mut self.measures {
            figure.measure.of(one).into_iter().for_each(|value| figure.before.add(Scale::Mean, value));
        }
    }

    fn step(&self, ts_us: i64) -> Option<usize> {
        let len = i128::from(self.range.until_us) - i128::from(self.range.since_us);
        let at = (i128::from(ts_us) - i128::from(self.range.since_us)) * STEPS as i128;
        usize::try_from(at.checked_div(len)?).ok()
    }

    /// What it all came to.
    pub fn finish(mut self) -> RetrievalStats {
        let mut names: Vec<Retrieved> = self.names.into_iter().map(|(name, sum)| sum.finish(name)).collect();
        names.sort_by_key(|name| std::cmp::Reverse(name.count));
        names.truncate(LISTED);
        self.empty.reverse();
        self.empty.truncate(LISTED);
        let share = |(empty, all): &(u64, u64)| (*all > 0).then(|| *empty as f64 / *all as f64);
        RetrievalStats {
            now: self.now.finish(None),
            before: self.before.finish(None),
            measures: self.measures,
            trend: self.steps.iter().map(share).collect(),
            names,
            empty: self.empty,
        }
    }
}

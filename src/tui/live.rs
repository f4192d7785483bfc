//! What the screen knows beside the snapshot: how the feed goes, what went wrong on the way; and the scene, which is all
//! that drawing may look at.

use super::ui::Ui;
use crate::snapshot::Snapshot;

/// How events come in.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Feed {
    /// Nothing feeds the store from here.
    #[default]
    Idle,
    /// Sources are followed.
    Live,
    /// All sources came to their end.
    Ended,
    /// What was there at the start is still being read.
    Loading {
        /// Bytes read.
        done: u64,
        /// Bytes there are; 0 is unknown.
        total: u64,
        /// Lines read a second.
        lines_per_s: f64,
        /// Time left, µs.
        eta_us: Option<u64>,
    },
    /// A log is played by its own times.
    Replay {
        /// So many times as fast; 0 is as fast as it goes.
        speed: f64,
    },
}

/// How a rule, or the warning of a budget, stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// It does not hold.
    Quiet,
    /// It holds, not yet long enough to fire.
    Pending,
    /// It is on the way to what was not to happen.
    Warning,
    /// It fires.
    Firing,
}

/// A rule, or the warning of a budget.
#[derive(Debug, Clone, PartialEq)]
pub struct Alarm {
    /// Its name.
    pub name: String,
    /// What it watches, in words.
    pub words: String,
    /// The value now, in words; `None` where it is unknown.
    pub value: Option<String>,
    /// How it stands.
    pub standing: Standing,
    /// Since when it holds, µs.
    pub since_us: Option<i64>,
}

impl Alarm {
    /// The worst that stands out, the newest of them, and how many others do.
    pub(crate) fn worst(alarms: &[Alarm]) -> Option<(&Alarm, usize)> {
        let out = || alarms.iter().filter(|alarm| alarm.standing >= Standing::Warning);
        let worst = out().max_by_key(|alarm| (alarm.standing, alarm.since_us))?;
        Some((worst, out().count() - 1))
    }
}

/// The state of the ingest beside the snapshot.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Live {
    /// What is read, in short: `api.jsonl +2`.
    pub source: String,
    /// How it comes in.
    pub feed: Feed,
    /// Events lost on the way.
    pub lost: u64,
    /// What went wrong with sources, newest last.
    pub troubles: Vec<String>,
    /// How old the figures are, µs, where that is more than usual.
    pub stale_us: Option<u64>,
    /// Why the store does not answer.
    pub store_error: Option<String>,
    /// The rules of alerts in their order, then the budgets that warn.
    pub alarms: Vec<Alarm>,
}

/// All that drawing may look at.
#[derive(Clone, Copy)]
pub(crate) struct Scene<'a> {
    /// The figures.
    pub snapshot: &'a Snapshot,
    /// The feed.
    pub live: &'a Live,
    /// What the person does.
    pub ui: &'a Ui,
}

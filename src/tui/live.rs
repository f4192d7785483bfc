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

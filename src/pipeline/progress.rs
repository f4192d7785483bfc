//! What a pipeline has done so far, readable from any thread at any time.

use crate::event::Reason;
use crate::snapshot::{Accounting, Skipped};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Counters of a running pipeline. `read = accepted + duplicate + skipped + rejected` once all is committed.
#[derive(Debug, Default)]
pub struct Progress {
    lines: AtomicU64,
    accepted: AtomicU64,
    duplicate: AtomicU64,
    skipped: AtomicU64,
    rejected: AtomicU64,
    raw_done: AtomicU64,
    raw_total: AtomicU64,
    commits: AtomicU64,
    caught_up: AtomicBool,
    ended: AtomicBool,
    troubles: Mutex<Vec<String>>,
    skipped_like: Mutex<Option<Skipped>>,
    refusal: Mutex<Option<String>>,
    reasons: Mutex<BTreeMap<Reason, u64>>,
}

/// The counters at one moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Lines committed, or put aside to be.
    pub lines: u64,
    /// New events.
    pub accepted: u64,
    /// Events that were there already.
    pub duplicate: u64,
    /// Lines without an event.
    pub skipped: u64,
    /// Broken lines.
    pub rejected: u64,
    /// Raw bytes committed, or put aside to be.
    pub raw_done: u64,
    /// Raw bytes there are to read, as far as known.
    pub raw_total: u64,
    /// Transactions.
    pub commits: u64,
    /// Whether everything there was at the start has been committed.
    pub caught_up: bool,
    /// Whether the pipeline has ended.
    pub ended: bool,
}

/// How many different troubles are kept.
const TROUBLES: usize = 100;

impl Progress {
    /// The counters now.
    pub fn counts(&self) -> Counts {
        Counts {
            lines: self.lines.load(Relaxed),
            accepted: self.accepted.load(Relaxed),
            duplicate: self.duplicate.load(Relaxed),
            skipped: self.skipped.load(Relaxed),
            rejected: self.rejected.load(Relaxed),
            raw_done: self.raw_done.load(Relaxed),
            raw_total: self.raw_total.load(Relaxed),
            commits: self.commits.load(Relaxed),
            caught_up: self.caught_up.load(Relaxed),
            ended: self.ended.load(Relaxed),
        }
    }

    /// Troubles with single sources, oldest first.
    pub fn troubles(&self) -> Vec<String> {
        lock(&self.troubles).clone()
    }

    /// The lines read, as far as they are committed, for people.
    pub fn accounting(&self) -> Accounting {
        let Counts { lines, accepted, duplicate, skipped, rejected, .. } = self.counts();
        let skipped_like = lock(&self.skipped_like).clone();
        let mut reasons: Vec<(Reason, u64)> = lock(&self.reasons).iter().map(|(reason, n)| (*reason, *n)).collect();
        reasons.sort_by_key(|(_, n)| std::cmp::Reverse(*n));
        Accounting {
            read: lines,
            accepted,
            duplicate,
            skipped,
            rejected,
            reasons,
            skipped_like,
            ..Accounting::default()
        }
    }

    /// What the store says, while it refuses.
    pub fn refusal(&self) -> Option<String> {
        lock(&self.refusal).clone()
    }

    pub(super) fn committed(&self, counts: Counts) {
        self.lines.fetch_add(counts.lines, Relaxed);
        self.accepted.fetch_add(counts.accepted, Relaxed);
        self.duplicate.fetch_add(counts.duplicate, Relaxed);
        self.skipped.fetch_add(counts.skipped, Relaxed);
        self.rejected.fetch_add(counts.rejected, Relaxed);
        self.raw_done.fetch_add(counts.raw_done, Relaxed);
        self.commits.fetch_add(1, Relaxed);
    }

    /// Why lines of what was committed were rejected.
    pub(super) fn rejected(&self, reasons: &[(Reason, u64)]) {
        let mut all = lock(&self.reasons);
        for (reason, n) in reasons {
            *all.entry(*reason).or_default() += n;
        }
    }

    /// So many lines and raw bytes have been read and put aside, to be committed with what follows.
    pub(super) fn parked(&self, lines: u64, raw_bytes: u64) {
        self.lines.fetch_add(lines, Relaxed);
        self.raw_done.fetch_add(raw_bytes, Relaxed);
    }

    pub(super) fn total(&self, raw_bytes: u64) {
        self.raw_total.store(raw_bytes, Relaxed);
    }

    pub(super) fn caught_up(&self) {
        self.caught_up.store(true, Relaxed);
    }

    pub(super) fn end(&self) {
        self.ended.store(true, Relaxed);
    }

    pub(super) fn trouble(&self, text: String) {
        let mut troubles = lock(&self.troubles);
        if troubles.len() < TROUBLES && !troubles.contains(&text) {
            troubles.push(text);
        }
    }

    /// Keeps the first example of a skipped line.
    pub(super) fn skipped_like(&self, example: Option<&Skipped>) {
        if let Some(example) = example {
            lock(&self.skipped_like).get_or_insert_with(|| example.clone());
        }
    }

    pub(super) fn refuse(&self, text: Option<String>) {
        *lock(&self.refusal) = text;
    }
}

/// A thread that panicked while holding a list of messages has not broken the list.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

//! Writes what became of each call: the line in the journal, once, and what is known of losses. A call is recorded before
//! its client hears of the end.

use super::journal::Journal;
use super::line;
use super::metrics::Metrics;
use super::record::{End, Record};
use super::settings::Capture;
use crate::event::LimitEvent;
use crate::format::write;
use crate::provider::estimate;
use arc_swap::ArcSwap;
use std::cell::RefCell;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Records calls.
pub struct Recorder {
    journal: Journal,
    /// What of texts is written, and what calls without a word of their own are of.
    told: ArcSwap<(Capture, Option<String>)>,
    stopping: AtomicBool,
    in_flight: AtomicI64,
    written: AtomicU64,
    lost: AtomicU64,
    /// Why the last call could not be written; `None` where it could.
    trouble: Mutex<Option<String>>,
    has_trouble: AtomicBool,
    /// Whether the tables for estimates have been asked for.
    warmed: AtomicBool,
    metrics: Metrics,
}

thread_local! {
    /// Lines are made here, one call after the other.
    static LINE: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

impl Recorder {
    /// A recorder into a journal.
    pub fn new(journal: Journal, capture: Capture, app: Option<String>) -> Recorder {
        Recorder {
            journal,
            told: ArcSwap::from_pointee((capture, app)),
            stopping: AtomicBool::new(false),
            in_flight: AtomicI64::new(0),
            written: AtomicU64::new(0),
            lost: AtomicU64::new(0),
            trouble: Mutex::default(),
            has_trouble: AtomicBool::new(false),
            warmed: AtomicBool::new(false),
            metrics: Metrics::default(),
        }
    }

    /// A call has begun.
    pub fn begin(&self) {
        self.in_flight.fetch_add(1, Ordering::Relaxed);
    }

    /// A call has ended: writes it, before anybody hears of the end.
    pub fn end(&self, record: &Record, end: &End) {
        if record.is_estimated() && !self.warmed.swap(true, Ordering::Relaxed) {
            // The tables take a while; until they stand the estimate is rougher. Without a thread it stays so.
            let _ = std::thread::Builder::new().name("estimates".into()).spawn(estimate::warm);
        }
        self.write(record, end);
    }

    /// Writes a call that has ended.
    fn write(&self, record: &Record, end: &End) {
        let now = super::clock::now();
        let written = LINE.with_borrow_mut(|lines| {
            lines.clear();
            let told = self.told.load();
            line::write(record, (end, now), told.0, told.1.as_deref(), lines);
            self.journal.append(lines)
        });
        self.in_flight.fetch_sub(1, Ordering::Relaxed);
        self.metrics.add(record, record.verdict(end).outcome, now);
        if let Some(meter) = &record.meter {
            meter.used(&record.answer.usage, now);
        }
        match written {
            Ok(()) => {
                self.written.fetch_add(1, Ordering::Relaxed);
                self.is_well();
            }
            Err(why) => self.lose(&why),
        }
    }

    fn is_well(&self) {
        if self.has_trouble.swap(false, Ordering::Relaxed) {
            *self.trouble.lock().unwrap_or_else(PoisonError::into_inner) = None;
        }
    }

    /// Looks whether calls can be recorded again, where the last could not be. Else nobody would find out where who asks
    /// whether it is ready keeps all calls away.
    pub fn look_again(&self) {
        if self.has_trouble.load(Ordering::Relaxed) && self.journal.probe().is_ok() {
            self.is_well();
        }
    }

    #[cold]
    fn lose(&self, why: &std::io::Error) {
        self.lost.fetch_add(1, Ordering::Relaxed);
        self.has_trouble.store(true, Ordering::Relaxed);
        let text = format!("{}: {why}", self.journal.folder().display());
        *self.trouble.lock().unwrap_or_else(PoisonError::into_inner) = Some(text);
    }

    /// Writes what is known of limits.
    pub fn tell(&self, limits: &[LimitEvent]) {
        let mut lines = Vec::with_capacity(limits.len() * 256);
        // A vector takes every write; what cannot be kept of this is told by the next call, or soon again.
        let told = limits.iter().try_for_each(|limit| write::limit(limit, &mut lines));
        if told.is_ok() && !lines.is_empty() {
            let _ = self.journal.append(&lines);
        }
    }

    /// Why calls cannot be recorded at present; `None` where they can.
    pub fn trouble(&self) -> Option<String> {
        if !self.has_trouble.load(Ordering::Relaxed) {
            return None;
        }
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Where it writes.
    pub fn journal(&self) -> &Journal {
        &self.journal
    }

    /// Calls written, and calls that could not be.
    pub fn counts(&self) -> (u64, u64) {
        (self.written.load(Ordering::Relaxed), self.lost.load(Ordering::Relaxed))
    }

    /// Figures of the calls.
    pub fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// Calls under way.
    pub fn in_flight(&self) -> i64 {
        self.in_flight.load(Ordering::Relaxed)
    }

    /// What ends from now on without a word was stopped, not left.
    pub fn stop(&self) {
        self.stopping.store(true, Ordering::Relaxed);
    }

    /// Whether the gateway is being stopped.
    pub fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }

    /// Other words for the calls that end from now on.
    pub fn heed(&self, capture: Capture, app: Option<String>) {
        self.told.store(Arc::new((capture, app)));
    }
}

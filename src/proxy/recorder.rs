//! Writes what became of each call: the line in the journal, once, and what is known of losses. A call is recorded before
//! its client hears of the end.

use super::journal::Journal;
use super::line;
use super::metrics::Metrics;
use super::record::{End, Record};
use super::settings::Capture;
use std::cell::RefCell;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

/// Records calls.
pub struct Recorder {
    journal: Journal,
    capture: Capture,
    app: Option<String>,
    stopping: AtomicBool,
    in_flight: AtomicI64,
    written: AtomicU64,
    lost: AtomicU64,
    /// Why the last call could not be written; `None` where it could.
    trouble: Mutex<Option<String>>,
    has_trouble: AtomicBool,
    slow: Mutex<Option<Slow>>,
    metrics: Metrics,
}

/// What writes the calls whose tokens have to be estimated.
struct Slow {
    lines: crossbeam_channel::Sender<(Box<Record>, End)>,
    thread: JoinHandle<()>,
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
            capture,
            app,
            stopping: AtomicBool::new(false),
            in_flight: AtomicI64::new(0),
            written: AtomicU64::new(0),
            lost: AtomicU64::new(0),
            trouble: Mutex::default(),
            has_trouble: AtomicBool::new(false),
            slow: Mutex::default(),
            metrics: Metrics::default(),
        }
    }

    /// A call has begun.
    pub fn begin(&self) {
        self.in_flight.fetch_add(1, Ordering::Relaxed);
    }

    /// A call has ended: writes it, at once but where its tokens have to be estimated, which takes time.
    pub fn end(self: &Arc<Recorder>, record: Box<Record>, end: &End) {
        if !record.is_estimated() {
            return self.write(&record, end);
        }
        let slow = self.slow.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(slow) = slow.as_ref() {
            if let Err(unsent) = slow.lines.send((record, end.clone())) {
                let (record, end) = unsent.into_inner();
                self.write(&record, &end);
            }
            return;
        }
        drop(slow);
        self.write(&record, end);
    }

    /// Starts the thread that writes what takes time.
    ///
    /// # Errors
    /// Where the system has no thread for it.
    pub fn start(self: &Arc<Recorder>) -> std::io::Result<()> {
        let (lines, slow) = crossbeam_channel::unbounded::<(Box<Record>, End)>();
        let recorder = Arc::clone(self);
        let thread = std::thread::Builder::new().name("estimates".into()).spawn(move || {
            slow.iter().for_each(|(record, end)| recorder.write(&record, &end));
        })?;
        *self.slow.lock().unwrap_or_else(PoisonError::into_inner) = Some(Slow { lines, thread });
        Ok(())
    }

    /// Waits until everything is written.
    pub fn finish(&self) {
        let slow = self.slow.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(Slow { lines, thread }) = slow {
            drop(lines);
            // A panic there has been told by its thread.
            let _ = thread.join();
        }
    }

    /// Writes a call that has ended.
    fn write(&self, record: &Record, end: &End) {
        let now = super::clock::now();
        let written = LINE.with_borrow_mut(|lines| {
            lines.clear();
            line::write(record, (end, now), self.capture, self.app.as_deref(), lines);
            self.journal.append(lines)
        });
        self.in_flight.fetch_sub(1, Ordering::Relaxed);
        self.metrics.add(record, record.verdict(end).outcome, now);
        match written {
            Ok(()) => {
                self.written.fetch_add(1, Ordering::Relaxed);
                if self.has_trouble.swap(false, Ordering::Relaxed) {
                    *self.trouble.lock().unwrap_or_else(PoisonError::into_inner) = None;
                }
            }
            Err(why) => self.lose(&why),
        }
    }

    #[cold]
    fn lose(&self, why: &std::io::Error) {
        self.lost.fetch_add(1, Ordering::Relaxed);
        self.has_trouble.store(true, Ordering::Relaxed);
        let text = format!("{}: {why}", self.journal.folder().display());
        *self.trouble.lock().unwrap_or_else(PoisonError::into_inner) = Some(text);
    }

    /// Why calls cannot be recorded at present; `None` where they can.
    pub fn trouble(&self) -> Option<String> {
        if !self.has_trouble.load(Ordering::Relaxed) {
            return None;
        }
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner).clone()
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

    /// How much of texts readers have to keep.
    pub fn capture(&self) -> Capture {
        self.capture
    }
}

//! The reader thread of the screen: answers the view that is wanted, again whenever the store has changed or time has gone
//! on, and never takes more than a small share of a core.

use super::alert::Sentry;
use super::live::Status;
use crate::clock;
use crate::price::Prices;
use crate::snapshot::traces::Story;
use crate::snapshot::{Record, Snapshot};
use crate::store::sqlite::SqliteReader;
use crate::store::{Reader, StoreError, Watch};
use crate::tui::{Backend, Live, Signal};
use crate::view::{RecordKey, TraceId, View};
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Shortest and longest time between two answers to the same view.
const SOON: Duration = Duration::from_millis(250);
const LATE: Duration = Duration::from_secs(5);

/// An answer is made again after so many times its own cost: the reader's share of a core stays below 1/REST.
const REST: u32 = 20;

/// The same while nothing has changed but the time.
const LONG_REST: u32 = 400;

/// How often the store is asked whether it has changed.
const LOOK: Duration = Duration::from_millis(250);

/// What the screen and the reader tell each other.
#[derive(Default)]
struct Board {
    wanted: Option<View>,
    /// Counts the questions, so that an answer knows whether it is still wanted.
    question: u64,
    answer: Option<Arc<Snapshot>>,
    record_wanted: Option<RecordKey>,
    record: Option<(RecordKey, Option<Record>)>,
    story_wanted: Option<TraceId>,
    story: Option<(TraceId, Option<Story>)>,
    error: Option<String>,
    is_closed: bool,
}

impl Board {
    /// Whether something is asked for that goes before an answer.
    fn is_asked(&self) -> bool {
        self.record_wanted.is_some() || self.story_wanted.is_some()
    }
}

#[derive(Default)]
struct Shared {
    board: Mutex<Board>,
    changed: Condvar,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Board> {
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The screen's backend over a store and the state of what feeds it.
pub struct Watcher {
    shared: Arc<Shared>,
    status: Arc<Status>,
    sentry: Sentry,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Watcher {
    /// Opens the store for reading and starts the reader thread; the prices explain what records cost.
    pub fn start(
        (store, prices): (&Path, Arc<Prices>),
        status: Arc<Status>,
        sentry: Sentry,
    ) -> anyhow::Result<Watcher> {
        let reader = SqliteReader::open(store)?;
        let shared = Arc::<Shared>::default();
        let theirs = Arc::clone(&shared);
        let thread = std::thread::Builder::new()
            .name("answer".into())
            .spawn(move || Worker::new(reader, prices, theirs).run())?;
        Ok(Watcher { shared, status, sentry, thread: Some(thread) })
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.shared.lock().is_closed = true;
        self.shared.changed.notify_all();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Backend for Watcher {
    fn ask(&self, view: &View) {
        let mut board = self.shared.lock();
        board.wanted = Some(view.clone());
        board.question += 1;
        self.shared.changed.notify_all();
    }

    fn poll(&self) -> Option<Arc<Snapshot>> {
        self.shared.lock().answer.take()
    }

    fn live(&self) -> Live {
        let mut live = self.status.live();
        let error = self.shared.lock().error.clone();
        live.store_error = live.store_error.or(error);
        live.alarms = self.sentry.alarms();
        live.troubles.extend(self.sentry.troubles());
        live
    }

    fn signals(&self) -> Vec<Signal> {
        self.sentry.signals()
    }

    fn detail(&self, key: RecordKey) {
        self.shared.lock().record_wanted = Some(key);
        self.shared.changed.notify_all();
    }

    fn story(&self, id: &TraceId) {
        self.shared.lock().story_wanted = Some(id.clone());
        self.shared.changed.notify_all();
    }

    fn poll_story(&self) -> Option<(TraceId, Option<Story>)> {
        self.shared.lock().story.take()
    }

    fn poll_detail(&self) -> Option<(RecordKey, Option<Record>)> {
        self.shared.lock().record.take()
    }
}

/// Gives up an answer once another question was asked.
struct Current<'a> {
    shared: &'a Shared,
    question: u64,
    /// Whether it was not answered before.
    is_new: bool,
}

impl Watch for Current<'_> {
    fn cancelled(&self) -> bool {
        let board = self.shared.lock();
        board.is_closed || board.question != self.question || board.is_asked()
    }

    fn partial(&self, snapshot: &Snapshot) {
        // While the same question is answered again, the whole answer from before says more.
        let mut board = self.shared.lock();
        if self.is_new && board.question == self.question {
            board.answer = Some(Arc::new(snapshot.clone()));
        }
    }
}

/// What to do next.
enum Task {
    Answer(View, u64),
    Record(RecordKey),
    Story(TraceId),
    Close,
}

struct Worker {
    reader: SqliteReader,
    /// What explains the cost of a record.
    prices: Arc<Prices>,
    shared: Arc<Shared>,
    answered: u64,
    version: i64,
    due: Duration,
    late: Duration,
}

impl Worker {
    fn new(reader: SqliteReader, prices: Arc<Prices>, shared: Arc<Shared>) -> Worker {
        let now = clock::ticks();
        Worker { reader, prices, shared, answered: 0, version: 0, due: now, late: now }
    }

    fn run(mut self) {
        loop {
            match self.next() {
                Task::Close => return,
                Task::Record(key) => {
                    let found = self.reader.record(key).map(|record| record.map(|record| self.explained(record)));
                    let mut board = self.shared.lock();
                    match found {
                        Ok(record) => board.record = Some((key, record)),
                        Err(error) => board.error = Some(error.to_string()),
                    }
                }
                Task::Story(id) => {
                    let found = self.reader.story(&id);
                    let mut board = self.shared.lock();
                    match found {
                        Ok(story) => board.story = Some((id, story)),
                        Err(error) => board.error = Some(error.to_string()),
                    }
                }
                Task::Answer(view, question) => self.answer(&view, question),
            }
        }
    }

    fn explained(&self, record: Record) -> Record {
        let bill = self.prices.bill(&record.call, record.ts_us).plain();
        Record { bill: Some(Box::new(bill)), ..record }
    }

    /// Waits for something to do: a record, a new question, or a reason to answer the last one again.
    fn next(&mut self) -> Task {
        let shared = Arc::clone(&self.shared);
        let mut board = shared.lock();
        loop {
            if board.is_closed {
                return Task::Close;
            }
            if let Some(key) = board.record_wanted.take() {
                return Task::Record(key);
            }
            if let Some(id) = board.story_wanted.take() {
                return Task::Story(id);
            }
            if let Some(view) = board.wanted.clone() {
                let question = board.question;
                if question != self.answered {
                    return Task::Answer(view, question);
                }
                drop(board);
                if self.is_due() {
                    return Task::Answer(view, question);
                }
                board = shared.lock();
                if board.question != question || board.is_asked() || board.is_closed {
                    continue;
                }
            }
            board = shared.changed.wait_timeout(board, LOOK).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Whether the last question should be answered again: the store has changed, or the clock has moved the window on.
    fn is_due(&mut self) -> bool {
        let now = clock::ticks();
        now >= self.due && (now >= self.late || self.reader.version().is_ok_and(|v| v != self.version))
    }

    fn answer(&mut self, view: &View, question: u64) {
        let begun = clock::ticks();
        let version = self.reader.version().unwrap_or_default();
        let current = Current { shared: &self.shared, question, is_new: question != self.answered };
        let answer = self.reader.snapshot(view, clock::now_us(), &current);
        let cost = clock::ticks().saturating_sub(begun);
        let mut board = self.shared.lock();
        match answer {
            Ok(snapshot) => {
                board.answer = Some(Arc::new(snapshot));
                board.error = None;
            }
            // Another question is waiting; this one counts as not answered.
            Err(StoreError::Cancelled) => return,
            Err(error) => board.error = Some(error.to_string()),
        }
        drop(board);
        (self.answered, self.version) = (question, version);
        self.due = clock::ticks() + SOON.max(cost * REST);
        self.late = clock::ticks() + LATE.max(cost * LONG_REST);
    }
}

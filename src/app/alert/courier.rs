//! Tells programs, webhooks and files, each on a thread with a bounded queue of its own: nobody waits for them, and none for
//! another. What fails is tried again after a while; what could not be told in the end is counted and said.

use super::{command, file, webhook};
use crate::alert::{Channel, Format, Notice, Targets};
use crate::units::harmless_json;
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};
use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// So many may wait for one way to tell.
const QUEUE: usize = 64;

/// So many ids are remembered as told.
const REMEMBERED: usize = 256;

/// How long programs and webhooks may take.
const LIMIT: Duration = Duration::from_secs(10);

/// How long to wait before it is tried again, each time.
const BACKOFF: [Duration; 3] = [Duration::from_secs(1), Duration::from_secs(5), Duration::from_secs(25)];

/// Why something could not be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Failure {
    why: String,
    /// Whether it may be tried again.
    is_passing: bool,
}

impl Failure {
    /// It may go better the next time.
    pub(super) fn passing(why: String) -> Failure {
        Failure { why, is_passing: true }
    }

    /// It will not.
    pub(super) fn lasting(why: String) -> Failure {
        Failure { why, is_passing: false }
    }
}

/// Something to be told in one way.
struct Parcel {
    notice: Notice,
    targets: Targets,
}

impl Parcel {
    /// The same for the same thing told twice.
    fn id(&self) -> String {
        format!("{}-{}", self.notice.change.alert.id, self.notice.change.turn.word())
    }

    fn event(&self) -> String {
        let mut event = self.notice.change.event();
        if self.notice.untold > 0 {
            event["untold"] = self.notice.untold.into();
        }
        // Whoever prints it has names from logs in their terminal.
        harmless_json(&event.to_string()).into_owned()
    }

    fn body(&self) -> String {
        match self.targets.format() {
            Format::Plain => self.event(),
            Format::Slack => harmless_json(&self.notice.change.slack().to_string()).into_owned(),
        }
    }
}

/// What has become of what was to be told.
#[derive(Default)]
struct Books {
    /// Waits, or is being told.
    open: AtomicU64,
    lost: AtomicU64,
    /// What is the matter with a way to tell, as long as it is.
    troubles: Mutex<BTreeMap<Channel, String>>,
}

impl Books {
    fn troubles(&self) -> MutexGuard<'_, BTreeMap<Channel, String>> {
        self.troubles.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is said of what could not be told.
type Complain = Arc<dyn Fn(&str) + Send + Sync>;

/// A way to tell, on its thread.
struct Lane {
    queue: Sender<Parcel>,
    ended: Receiver<()>,
}

/// All ways to tell that have been used.
pub struct Courier {
    lanes: BTreeMap<Channel, Lane>,
    books: Arc<Books>,
    complain: Complain,
    /// Dropped to ask for an end of waiting.
    patience: Sender<()>,
    impatience: Receiver<()>,
}

impl Courier {
    /// Nothing to tell yet; `complain` is called with each thing that could not be told.
    pub fn new(complain: impl Fn(&str) + Send + Sync + 'static) -> Courier {
        let (patience, impatience) = bounded(0);
        let complain = Arc::new(complain);
        Courier { lanes: BTreeMap::new(), books: Arc::default(), complain, patience, impatience }
    }

    /// Takes something to tell; returns at once.
    pub fn tell(&mut self, notice: &Notice, (channels, targets): &(Vec<Channel>, Targets)) {
        let outward = [Channel::Command, Channel::Webhook, Channel::File];
        for channel in outward.into_iter().filter(|channel| channels.contains(channel) && targets.has(*channel)) {
            let parcel = Parcel { notice: notice.clone(), targets: targets.clone() };
            let name = notice.change.alert.name.clone();
            self.books.open.fetch_add(1, Ordering::Relaxed);
            let is_taken = self.lane(channel).is_some_and(|lane| lane.queue.try_send(parcel).is_ok());
            if !is_taken {
                self.books.open.fetch_sub(1, Ordering::Relaxed);
                lose(&self.books, &self.complain, channel, &name, "too many wait already");
            }
        }
    }

    /// The thread of a way to tell; `None` where there are no more threads to be had.
    fn lane(&mut self, channel: Channel) -> Option<&Lane> {
        if !self.lanes.contains_key(&channel) {
            let (queue, parcels) = bounded(QUEUE);
            let (end, ended) = bounded(0);
            let worker = Worker {
                channel,
                books: Arc::clone(&self.books),
                complain: Arc::clone(&self.complain),
                wait: Box::new(waiting(self.impatience.clone())),
                done: VecDeque::new(),
                agent: webhook::agent(LIMIT),
            };
            let run = move || {
                worker.run(&parcels);
                drop(end);
            };
            std::thread::Builder::new().name(channel.word().to_owned()).spawn(run).ok()?;
            self.lanes.insert(channel, Lane { queue, ended });
        }
        self.lanes.get(&channel)
    }

    /// What is the matter, for the screen.
    pub fn troubles(&self) -> Vec<String> {
        let lost = self.books.lost.load(Ordering::Relaxed);
        let count = if lost > 0 { format!(" ({lost} not told)") } else { String::new() };
        self.books.troubles().values().map(|why| format!("alerts: {why}{count}")).collect()
    }

    /// Whether nothing waits and nothing is being told.
    pub fn is_idle(&self) -> bool {
        self.books.open.load(Ordering::Relaxed) == 0
    }

    /// Ends: what waits is tried once more, for at most so long; how many could not be told, all in all.
    pub fn finish(self, limit: Duration) -> u64 {
        let Courier { lanes, books, patience, .. } = self;
        drop(patience);
        // A queue that is closed ends its thread once it is empty.
        let ends: Vec<Receiver<()>> = lanes.into_values().map(|lane| lane.ended).collect();
        let deadline = crossbeam_channel::after(limit);
        for end in &ends {
            crossbeam_channel::select! {
                recv(end) -> _ => {}
                recv(deadline) -> _ => break,
            }
        }
        books.lost.load(Ordering::Relaxed) + books.open.load(Ordering::Relaxed)
    }
}

/// Says and counts what could not be told.
fn lose(books: &Books, complain: &Complain, channel: Channel, name: &str, why: &str) {
    books.lost.fetch_add(1, Ordering::Relaxed);
    let text = format!("{} was not told of {name:?}: {why}", channel.word());
    complain(&text);
    books.troubles().insert(channel, text);
}

/// Whether to go on after a wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Go {
    On,
    /// The program is about to end.
    Home,
}

fn waiting(impatience: Receiver<()>) -> impl Fn(Duration) -> Go + Send {
    move |time| match impatience.recv_timeout(time) {
        Err(RecvTimeoutError::Timeout) => Go::On,
        Ok(()) | Err(RecvTimeoutError::Disconnected) => Go::Home,
    }
}

/// The work of one way to tell.
struct Worker {
    channel: Channel,
    books: Arc<Books>,
    complain: Complain,
    wait: Box<dyn Fn(Duration) -> Go + Send>,
    /// What was told last, so that nothing is told twice.
    done: VecDeque<String>,
    agent: ureq::Agent,
}

impl Worker {
    fn run(mut self, parcels: &Receiver<Parcel>) {
        for parcel in parcels {
            self.take(&parcel);
            self.books.open.fetch_sub(1, Ordering::Relaxed);
        }
    }

    fn take(&mut self, parcel: &Parcel) {
        let id = parcel.id();
        if self.done.contains(&id) {
            return;
        }
        match self.deliver(parcel) {
            Ok(()) => {
                self.books.troubles().remove(&self.channel);
                self.done.push_back(id);
                if self.done.len() > REMEMBERED {
                    self.done.pop_front();
                }
            }
            Err(failure) => {
                let name = &parcel.notice.change.alert.name;
                lose(&self.books, &self.complain, self.channel, name, &failure.why);
            }
        }
    }

    /// Tries until it is done, hopeless, or no longer wanted.
    fn deliver(&self, parcel: &Parcel) -> Result<(), Failure> {
        let mut waits = BACKOFF.iter();
        loop {
            let Err(failure) = self.attempt(parcel) else { return Ok(()) };
            let Some(wait) = waits.next().filter(|_| failure.is_passing) else { return Err(failure) };
            self.books
                .troubles()
                .insert(self.channel, format!("{}: {}; trying again", self.channel.word(), failure.why));
            if (self.wait)(*wait) == Go::Home {
                return Err(failure);
            }
        }
    }

    fn attempt(&self, parcel: &Parcel) -> Result<(), Failure> {
        let Parcel { targets, .. } = parcel;
        match self.channel {
            Channel::Command => command::run(&targets.command, &parcel.event(), LIMIT),
            Channel::Webhook => match &targets.webhook {
                Some(to) => webhook::post(&self.agent, to, &parcel.body(), &parcel.id()),
                None => Ok(()),
            },
            Channel::File => match &targets.file {
                Some(path) => file::append(path, &parcel.event()),
                None => Ok(()),
            },
            // Whoever owns the terminal does these.
            Channel::Screen | Channel::Bell | Channel::Desktop => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests;

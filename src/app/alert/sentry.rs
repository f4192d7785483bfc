//! The rules beside a screen: a thread with a reader of its own that looks every few seconds, takes a small share of a core,
//! and never makes screen or feed wait.

use super::courier::Courier;
use super::lookout::{Found, Lookout};
use crate::alert::{Channel, Level, Notice, Phase, State};
use crate::app::live::Status;
use crate::clock;
use crate::store::{StoreError, Watch};
use crate::tui::{Alarm, Signal, Standing};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Shortest time between two looks.
const EVERY: Duration = Duration::from_secs(5);

/// The same after so many times the cost of a look.
const REST: u32 = 50;

/// How often it is seen whether what was there at the start has been read.
const LOOK: Duration = Duration::from_millis(250);

/// How long an ending screen waits for what is being told.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// Who is told besides the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Everybody.
    World,
    /// The terminal alone: what is made up or played again must wake nobody.
    Terminal,
}

#[derive(Default)]
struct Board {
    alarms: Vec<Alarm>,
    signals: Vec<Signal>,
    troubles: Vec<String>,
    is_closed: bool,
}

#[derive(Default)]
struct Shared {
    board: Mutex<Board>,
    closed: Condvar,
}

/// A look that is under way is given up when the screen ends.
impl Watch for Shared {
    fn cancelled(&self) -> bool {
        self.lock().is_closed
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Board> {
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The rules beside a screen; dropping it ends them.
#[derive(Default)]
pub struct Sentry {
    shared: Arc<Shared>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Sentry {
    /// Begins to look, once the feed has read what was there.
    pub fn start(lookout: Lookout, reach: Reach, status: Arc<Status>) -> std::io::Result<Sentry> {
        let shared = Arc::<Shared>::default();
        let mut round = Round { shared: Arc::clone(&shared), lookout, reach, status, courier: Courier::new(|_| {}) };
        let run = move || {
            let mut wait = LOOK;
            while round.waits(wait) {
                wait = if round.status.is_loading() { LOOK } else { round.look() };
            }
            round.courier.finish(LAST_WORDS);
        };
        let thread = std::thread::Builder::new().name("alerts".into()).spawn(run)?;
        Ok(Sentry { shared, thread: Some(thread) })
    }

    /// All rules and what warns, for the screen.
    pub fn alarms(&self) -> Vec<Alarm> {
        self.shared.lock().alarms.clone()
    }

    /// What the terminal has not been told yet.
    pub fn signals(&self) -> Vec<Signal> {
        std::mem::take(&mut self.shared.lock().signals)
    }

    /// What is the matter with looking and telling.
    pub fn troubles(&self) -> Vec<String> {
        self.shared.lock().troubles.clone()
    }
}

impl Drop for Sentry {
    fn drop(&mut self) {
        self.shared.lock().is_closed = true;
        self.shared.closed.notify_all();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// The work of the thread.
struct Round {
    shared: Arc<Shared>,
    lookout: Lookout,
    reach: Reach,
    status: Arc<Status>,
    courier: Courier,
}

impl Round {
    /// Waits; whether to go on.
    fn waits(&self, time: Duration) -> bool {
        let board = self.shared.lock();
        let waited = self.shared.closed.wait_timeout_while(board, time, |board| !board.is_closed);
        !waited.unwrap_or_else(PoisonError::into_inner).0.is_closed
    }

    /// Looks once; how long to wait until the next look.
    fn look(&mut self) -> Duration {
        let begun = clock::ticks();
        let found = self.lookout.look(&*self.shared);
        let cost = clock::ticks().saturating_sub(begun);
        let mut troubles = Vec::new();
        let signals = match found {
            Ok(found) => self.tell(&found),
            Err(StoreError::Cancelled) => return EVERY,
            Err(error) => {
                troubles.push(format!("alerts: the store does not answer: {error}"));
                Vec::new()
            }
        };
        troubles.extend(self.courier.troubles());
        let mut board = self.shared.lock();
        board.alarms = self.lookout.states().into_iter().map(alarm).collect();
        board.signals.extend(signals);
        board.troubles = troubles;
        EVERY.max(cost * REST)
    }

    fn tell(&mut self, found: &Found) -> Vec<Signal> {
        let mut signals = Vec::new();
        for notice in &found.notices {
            let route = self.lookout.route(&notice.change);
            signals.extend(signals_of(notice, &route.0));
            if self.reach == Reach::World {
                self.courier.tell(notice, &route);
            }
        }
        signals
    }
}

/// What the terminal is told of a notice.
pub fn signals_of(notice: &Notice, channels: &[Channel]) -> Vec<Signal> {
    let signal = |channel: &Channel| match channel {
        Channel::Bell => Some(Signal::Bell),
        Channel::Desktop => Some(Signal::Desktop(notice.change.headline())),
        _ => None,
    };
    channels.iter().filter_map(signal).collect()
}

fn alarm(state: State) -> Alarm {
    let (standing, since_us) = match (state.phase, state.level) {
        (Phase::Quiet, _) => (Standing::Quiet, None),
        (Phase::Pending { since_us }, _) => (Standing::Pending, Some(since_us)),
        (Phase::Firing { since_us }, Level::Warning) => (Standing::Warning, Some(since_us)),
        (Phase::Firing { since_us }, Level::Alarm) => (Standing::Firing, Some(since_us)),
    };
    Alarm { name: state.name, words: state.words, value: state.value, standing, since_us }
}

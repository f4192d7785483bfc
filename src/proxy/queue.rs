//! The fair queue before the limits of a provider: calls wait here, each key and each of its users in turn, instead of
//! collecting 429s. Bounded in length and time; who leaves is gone at once. Every line with calls in it has one task that lets them go.

use super::limit::{Cost, Lane, Limits, Sent};
use super::turns::{Turns, Who};
use foldhash::fast::RandomState;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::{Notify, oneshot};
use tokio::time;

#[cfg(test)]
mod tests;

/// What tells the present.
pub type Clock = fn() -> Instant;

/// The bounds of the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// The most calls that wait for one upstream, key and model.
    pub most: usize,
    /// The longest that a call waits.
    pub longest: Duration,
}

impl Default for Bounds {
    fn default() -> Bounds {
        Bounds { most: 1_000, longest: Duration::from_secs(30) }
    }
}

/// The queue.
#[derive(Debug)]
pub struct Queue {
    bounds: Bounds,
    limits: Arc<Limits>,
    clock: Clock,
    lines: Mutex<Lines>,
}

#[derive(Debug, Default)]
struct Lines {
    /// Lines with calls in them.
    lines: HashMap<Lane, Line, RandomState>,
    last_id: u64,
}

#[derive(Debug)]
struct Line {
    waiting: Turns<Waiting>,
    /// Wakes its task.
    changed: Arc<Notify>,
}

#[derive(Debug)]
struct Waiting {
    cost: Cost,
    since: Instant,
    tell: oneshot::Sender<Sent>,
}

/// What a call needs, and whose it is.
#[derive(Debug, Clone, Copy)]
pub struct Wants<'a> {
    /// Whose.
    pub who: Who<'a>,
    /// How much.
    pub cost: Cost,
}

/// A call that may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Admitted {
    /// It is counted as sent.
    pub sent: Sent,
    /// How long it waited.
    pub waited: Duration,
}

/// A call that finds no room, or found none in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the queue has no room for this call; there will be some in {} s", .wait.as_secs_f64().ceil())]
pub struct Overflow {
    /// How long it would have to wait from now on.
    pub wait: Duration,
}

/// How a line stands, for figures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Depth {
    /// Which.
    pub lane: Lane,
    /// Calls that wait.
    pub calls: usize,
    /// How long the oldest of them has waited.
    pub longest: Duration,
}

/// What a line does next.
enum Next {
    Wait(Instant),
    End,
}

impl Queue {
    /// A queue before these limits; `clock` has to go with the timers of tokio.
    pub fn new(bounds: Bounds, limits: Arc<Limits>, clock: Clock) -> Arc<Queue> {
        Arc::new(Queue { bounds, limits, clock, lines: Mutex::default() })
    }

    /// Lets a call go that may go at once, as nobody waits and there is room.
    pub fn try_enter(&self, lane: &Lane, cost: Cost) -> Option<Sent> {
        let lines = self.lines();
        if lines.lines.contains_key(lane) {
            return None;
        }
        self.limits.admit(lane, cost, (self.clock)()).ok()
    }

    /// Waits until a call may go, at most until `until`. Dropped before, it leaves the queue.
    ///
    /// # Errors
    /// Where it would wait too long, the line is full, or it has waited as long as it may.
    pub async fn enter(self: &Arc<Queue>, lane: &Lane, wants: Wants<'_>, until: Instant) -> Result<Admitted, Overflow> {
        let since = (self.clock)();
        let longest = self.bounds.longest.min(until.saturating_duration_since(since));
        let mut place = match self.stand(lane, wants, since, longest)? {
            Stand::Admitted(sent) => return Ok(Admitted { sent, waited: Duration::ZERO }),
            Stand::Waits(place) => place,
        };
        match time::timeout(longest, &mut place.told).await {
            Ok(Ok(sent)) => Ok(Admitted { sent, waited: (self.clock)().saturating_duration_since(since) }),
            // Late, or it had to give way.
            _ => {
                drop(place);
                Err(Overflow { wait: self.expected(lane, wants) })
            }
        }
    }

    /// More is known of the limits of a lane: its line looks again.
    pub fn look_again(&self, lane: &Lane) {
        if let Some(line) = self.lines().lines.get(lane) {
            line.changed.notify_one();
        }
    }

    /// How long one more call would wait, as far as it is known.
    pub fn expected(&self, lane: &Lane, wants: Wants<'_>) -> Duration {
        self.expected_in(self.lines().lines.get(lane), lane, wants, (self.clock)())
    }

    /// How each line stands, in order.
    pub fn depths(&self) -> Vec<Depth> {
        let now = (self.clock)();
        let depth = |(lane, line): (&Lane, &Line)| {
            let waits = line.waiting.iter().map(|waiting| now.saturating_duration_since(waiting.since));
            Depth { lane: lane.clone(), calls: line.waiting.len(), longest: waits.max().unwrap_or_default() }
        };
        let mut depths: Vec<Depth> = self.lines().lines.iter().map(depth).collect();
        depths.sort_by(|a, b| a.lane.cmp(&b.lane));
        depths
    }

    /// Goes at once where nobody waits and there is room, else takes a place.
    fn stand<'q>(
        self: &'q Arc<Queue>,
        lane: &'q Lane,
        wants: Wants<'q>,
        now: Instant,
        longest: Duration,
    ) -> Result<Stand<'q>, Overflow> {
        let Wants { who, cost } = wants;
        let mut lines = self.lines();
        if !lines.lines.contains_key(lane)
            && let Ok(sent) = self.limits.admit(lane, cost, now)
        {
            return Ok(Stand::Admitted(sent));
        }
        let wait = self.expected_in(lines.lines.get(lane), lane, wants, now);
        if wait > longest {
            return Err(Overflow { wait });
        }
        lines.last_id += 1;
        let id = lines.last_id;
        let (tell, told) = oneshot::channel();
        let line = lines.lines.entry(lane.clone()).or_insert_with(|| self.open(lane));
        // Who gives way hears of it by its sender's end.
        match line.waiting.push(who, id, Waiting { cost, since: now, tell }) {
            Ok(_) => Ok(Stand::Waits(Place { queue: self, lane, who, id, told })),
            Err(_) => {
                line.changed.notify_one();
                Err(Overflow { wait })
            }
        }
    }

    /// A new line and its task.
    fn open(self: &Arc<Queue>, lane: &Lane) -> Line {
        let changed = Arc::new(Notify::new());
        tokio::spawn(release_all(Arc::clone(self), lane.clone(), Arc::clone(&changed)));
        Line { waiting: Turns::new(self.bounds.most), changed }
    }

    /// Lets go who may; what its task does next.
    fn release(&self, lane: &Lane) -> Next {
        let (mut lines, now) = (self.lines(), (self.clock)());
        let Some(line) = lines.lines.get_mut(lane) else { return Next::End };
        while let Some(first) = line.waiting.front() {
            let sent = match self.limits.admit(lane, first.cost, now) {
                Ok(sent) => sent,
                Err(at) => return Next::Wait(at),
            };
            if line.waiting.pop().is_none_or(|first| first.tell.send(sent).is_err()) {
                self.limits.take_back(lane, &sent, now);
            }
        }
        lines.lines.remove(lane);
        Next::End
    }

    fn leave(&self, lane: &Lane, who: Who<'_>, id: u64) {
        if let Some(line) = self.lines().lines.get_mut(lane)
            && line.waiting.remove(who, id).is_some()
        {
            line.changed.notify_one();
        }
    }

    /// By those that go before, at the mean of what waits.
    fn expected_in(&self, line: Option<&Line>, lane: &Lane, wants: Wants<'_>, now: Instant) -> Duration {
        let Wants { who, cost } = wants;
        let ahead = line.map_or(0, |line| line.waiting.ahead(who) as u64);
        let len = line.map_or(1, |line| line.waiting.len().max(1) as u64);
        let waiting = || line.into_iter().flat_map(|line| line.waiting.iter());
        let share = |of: fn(&Cost) -> u64| {
            let all = waiting().fold(0_u64, |sum, waiting| sum.saturating_add(of(&waiting.cost)));
            all.saturating_mul(ahead) / len
        };
        let input = share(|cost| cost.input).saturating_add(cost.input);
        let output = share(|cost| cost.output).saturating_add(cost.output);
        let room_at = self.limits.room_at(lane, ahead + 1, Cost { input, output }, now);
        room_at.saturating_duration_since(now)
    }

    fn lines(&self) -> MutexGuard<'_, Lines> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

enum Stand<'q> {
    Admitted(Sent),
    Waits(Place<'q>),
}

/// A place in a line, left when it is dropped.
struct Place<'q> {
    queue: &'q Queue,
    lane: &'q Lane,
    who: Who<'q>,
    id: u64,
    told: oneshot::Receiver<Sent>,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.queue.leave(self.lane, self.who, self.id);
        // It was let go and did not hear of it any more.
        if let Ok(sent) = self.told.try_recv() {
            self.queue.limits.take_back(self.lane, &sent, (self.queue.clock)());
            self.queue.look_again(self.lane);
        }
    }
}

async fn release_all(queue: Arc<Queue>, lane: Lane, changed: Arc<Notify>) {
    while let Next::Wait(at) = queue.release(&lane) {
        tokio::select! {
            () = time::sleep_until(at.into()) => {}
            () = changed.notified() => {}
        }
    }
}

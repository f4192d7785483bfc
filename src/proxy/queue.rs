//! The fair queue before the limits of a provider: calls wait here, each user in its turn, instead of collecting 429s.
//! Bounded in length and time; who leaves is gone at once. Every line with calls in it has one task that lets them go.

use super::fair::Fair;
use super::limit::{Cost, Lane, Limits, Sent};
use foldhash::fast::RandomState;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::{Notify, oneshot};
use tokio::time;

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
    waiting: Fair<Waiting>,
    /// Wakes its task.
    changed: Arc<Notify>,
}

#[derive(Debug)]
struct Waiting {
    cost: Cost,
    since: Instant,
    tell: oneshot::Sender<Sent>,
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

    /// Waits until a call may go. Dropped before, it leaves the queue.
    ///
    /// # Errors
    /// Where it would wait too long, the line is full, or it has waited as long as any may.
    pub async fn enter(self: &Arc<Queue>, lane: &Lane, user: &str, cost: Cost) -> Result<Admitted, Overflow> {
        let since = (self.clock)();
        let mut place = match self.stand(lane, user, cost, since)? {
            Stand::Admitted(sent) => return Ok(Admitted { sent, waited: Duration::ZERO }),
            Stand::Waits(place) => place,
        };
        match time::timeout(self.bounds.longest, &mut place.told).await {
            Ok(Ok(sent)) => Ok(Admitted { sent, waited: (self.clock)().saturating_duration_since(since) }),
            // Late, or it had to give way.
            _ => {
                drop(place);
                Err(Overflow { wait: self.expected(lane, user, cost) })
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
    pub fn expected(&self, lane: &Lane, user: &str, cost: Cost) -> Duration {
        self.expected_in(self.lines().lines.get(lane), lane, user, cost, (self.clock)())
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
        user: &'q str,
        cost: Cost,
        now: Instant,
    ) -> Result<Stand<'q>, Overflow> {
        let mut lines = self.lines();
        if !lines.lines.contains_key(lane)
            && let Ok(sent) = self.limits.admit(lane, cost, now)
        {
            return Ok(Stand::Admitted(sent));
        }
        let wait = self.expected_in(lines.lines.get(lane), lane, user, cost, now);
        if wait > self.bounds.longest {
            return Err(Overflow { wait });
        }
        lines.last_id += 1;
        let id = lines.last_id;
        let (tell, told) = oneshot::channel();
        let line = lines.lines.entry(lane.clone()).or_insert_with(|| self.open(lane));
        // Who gives way hears of it by its sender's end.
        match line.waiting.push(user, id, Waiting { cost, since: now, tell }) {
            Ok(_) => Ok(Stand::Waits(Place { queue: self, lane, user, id, told })),
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
        Line { waiting: Fair::new(self.bounds.most), changed }
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

    fn leave(&self, lane: &Lane, user: &str, id: u64) {
        if let Some(line) = self.lines().lines.get_mut(lane)
            && line.waiting.remove(user, id).is_some()
        {
            line.changed.notify_one();
        }
    }

    /// By those that go before, at the mean of what waits.
    fn expected_in(&self, line: Option<&Line>, lane: &Lane, user: &str, cost: Cost, now: Instant) -> Duration {
        let ahead = line.map_or(0, |line| line.waiting.ahead(user) as u64);
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
    user: &'q str,
    id: u64,
    told: oneshot::Receiver<Sent>,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.queue.leave(self.lane, self.user, self.id);
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::super::bucket::{Quota, Refill};
    use super::*;
    use tokio::task::JoinHandle;

    fn now() -> Instant {
        time::Instant::now().into_std()
    }

    fn lane() -> Lane {
        Lane { upstream: "openai".into(), key: "a".into(), model: "gpt".into() }
    }

    const CALL: Cost = Cost { input: 10, output: 10 };

    /// A queue before a limit of one call a second, of which none is left.
    fn queue(most: usize, longest_ms: u64) -> Arc<Queue> {
        let limits = Arc::new(Limits::default());
        let sent = limits.send(&lane(), CALL, now());
        let quota = Quota {
            limit: Some(60),
            remaining: Some(0),
            reset_at: Some(now() + Duration::from_secs(60)),
            refill: Refill::Steadily,
        };
        limits.heard(&lane(), &sent, &[Some(quota), None, None, None], now());
        Queue::new(Bounds { most, longest: Duration::from_millis(longest_ms) }, limits, now)
    }

    async fn enter(queue: &Arc<Queue>, user: &'static str) -> JoinHandle<Result<(u64, &'static str), u64>> {
        let queue = Arc::clone(queue);
        let task = tokio::spawn(async move {
            let entered = queue.enter(&lane(), user, CALL).await;
            entered.map(|admitted| (admitted.waited.as_secs(), user)).map_err(|overflow| overflow.wait.as_secs())
        });
        tokio::task::yield_now().await;
        task
    }

    #[tokio::test(start_paused = true)]
    async fn calls_go_as_there_is_room_and_users_take_turns() {
        let queue = queue(9, 30_000);
        let mut tasks = Vec::new();
        for user in ["a", "a", "a", "b", "c"] {
            tasks.push(enter(&queue, user).await);
        }
        assert_eq!(queue.depths(), [Depth { lane: lane(), calls: 5, longest: Duration::ZERO }]);
        assert_eq!(queue.expected(&lane(), "b", CALL).as_secs(), 5, "two of a, one of b, one of c, and it");
        let mut ends = Vec::new();
        for task in tasks {
            ends.push(task.await.unwrap().unwrap());
        }
        assert_eq!(ends, [(1, "a"), (4, "a"), (5, "a"), (2, "b"), (3, "c")]);
        tokio::task::yield_now().await;
        assert_eq!(queue.depths(), [], "its task is over");
    }

    #[tokio::test(start_paused = true)]
    async fn what_would_wait_too_long_is_told_at_once() {
        let queue = queue(99, 3_500);
        let tasks = [enter(&queue, "a").await, enter(&queue, "a").await, enter(&queue, "a").await];
        assert_eq!(queue.enter(&lane(), "a", CALL).await.unwrap_err().wait.as_secs(), 4);
        let other = enter(&queue, "b").await;
        assert_eq!(other.await.unwrap(), Ok((2, "b")));
        let mut ends = Vec::new();
        for task in tasks {
            ends.push(task.await.unwrap());
        }
        assert_eq!(ends[..2], [Ok((1, "a")), Ok((3, "a"))]);
        assert_eq!(ends[2], Err(0), "it waited its time, as another came between");
    }

    #[tokio::test(start_paused = true)]
    async fn a_full_line_makes_room_for_who_has_less() {
        let queue = queue(2, 30_000);
        let (first, second) = (enter(&queue, "a").await, enter(&queue, "a").await);
        assert_eq!(enter(&queue, "a").await.await.unwrap(), Err(3));
        let other = enter(&queue, "b").await;
        assert!(second.await.unwrap().is_err(), "it gives way");
        assert_eq!((first.await.unwrap(), other.await.unwrap()), (Ok((1, "a")), Ok((2, "b"))));
    }

    #[tokio::test(start_paused = true)]
    async fn who_is_dropped_is_gone_at_once() {
        let queue = queue(9, 30_000);
        let (gone, stays) = (enter(&queue, "a").await, enter(&queue, "b").await);
        gone.abort();
        assert!(gone.await.unwrap_err().is_cancelled());
        assert_eq!(queue.depths()[0].calls, 1);
        assert_eq!(stays.await.unwrap(), Ok((1, "b")));
    }

    #[tokio::test(start_paused = true)]
    async fn one_that_was_let_go_and_left_is_taken_back() {
        let queue = queue(9, 30_000);
        let lane = lane();
        let Ok(Stand::Waits(place)) = queue.stand(&lane, "a", CALL, now()) else { panic!("it waits") };
        time::advance(Duration::from_millis(1_001)).await;
        assert!(matches!(queue.release(&lane), Next::End));
        assert!(queue.limits.admit(&lane, CALL, now()).is_err(), "its place is taken");
        drop(place);
        assert!(queue.limits.admit(&lane, CALL, now()).is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn news_of_limits_let_calls_go() {
        let queue = queue(9, 30_000);
        let waits = enter(&queue, "a").await;
        let sent = queue.limits.send(&lane(), CALL, now());
        let quota = Quota { limit: Some(60), remaining: Some(50), reset_at: None, refill: Refill::Steadily };
        queue.limits.heard(&lane(), &sent, &[Some(quota), None, None, None], now());
        queue.look_again(&lane());
        assert_eq!(waits.await.unwrap(), Ok((0, "a")));
        assert_eq!(enter(&queue, "a").await.await.unwrap(), Ok((0, "a")), "there is room: no line");
    }

    #[tokio::test(start_paused = true)]
    async fn a_closed_lane_overflows_with_its_time() {
        let queue = queue(9, 30_000);
        queue.limits.close(&lane(), Duration::from_secs(90), now());
        assert_eq!(enter(&queue, "a").await.await.unwrap(), Err(90));
        assert_eq!(queue.depths(), []);
    }
}

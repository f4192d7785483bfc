//! How long an answer may take: one timer for its next move and for the whole, set again only when it fires. What a move
//! is, the one who asks decides: of a stream, what the model says, so that pings do not pass for it.

use super::clock;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};
use tokio::time::Sleep;

/// What took too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Late {
    /// The first word.
    First,
    /// The next move.
    Between,
    /// The whole.
    Total,
}

impl Late {
    /// Its name in events.
    pub const fn word(self) -> &'static str {
        match self {
            Late::First => "timeout_first_token",
            Late::Between => "timeout_between_tokens",
            Late::Total => "timeout_total",
        }
    }
}

/// The pace of an answer.
pub struct Pace {
    between: Duration,
    until: Instant,
    /// The latest moment for the first move; `None` once it has come.
    first_by: Option<Instant>,
    moved: Instant,
    /// Made where somebody waits: most answers are there at once.
    timer: Option<Pin<Box<Sleep>>>,
}

impl Pace {
    /// An answer that `moved` last when its head came, and has to be over by `until`; before `first_by` it has to move again,
    /// where that is given.
    pub fn new(between: Duration, (moved, until): (Instant, Instant), first_by: Option<Instant>) -> Pace {
        Pace { between, until, first_by, moved, timer: None }
    }

    /// It has moved: how long it had stood still; nothing at its first move.
    pub fn moved(&mut self, now: Instant) -> Duration {
        let pause = now.saturating_duration_since(self.moved);
        self.moved = now;
        if self.first_by.take().is_none() {
            return pause;
        }
        // The next piece may be due before the first one was; from now on it only gets later.
        let due = self.due().0;
        if let Some(timer) = &mut self.timer {
            timer.as_mut().reset(due.into());
        }
        Duration::ZERO
    }

    /// Ready when it takes too long.
    pub fn poll_late(&mut self, cx: &mut Context<'_>) -> Poll<Late> {
        loop {
            let (due, late) = self.due();
            let timer = self.timer.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(due.into())));
            ready!(timer.as_mut().poll(cx));
            if clock::now() >= due {
                return Poll::Ready(late);
            }
            timer.as_mut().reset(due.into());
        }
    }

    /// What it is late for at this moment.
    pub fn late(&self, now: Instant) -> Option<Late> {
        let (due, late) = self.due();
        (now >= due).then_some(late)
    }

    fn due(&self) -> (Instant, Late) {
        let next = match self.first_by {
            Some(first_by) => (first_by, Late::First),
            None => (self.moved.checked_add(self.between).unwrap_or(self.until), Late::Between),
        };
        if self.until <= next.0 { (self.until, Late::Total) } else { next }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[tokio::test]
    async fn the_first_move_has_a_time_of_its_own_and_the_whole_bounds_all() {
        let now = clock::now();
        let after = |seconds| now + Duration::from_secs(seconds);
        let mut pace = Pace::new(Duration::from_secs(5), (now, after(100)), Some(after(30)));
        assert_eq!((pace.late(after(29)), pace.late(after(30))), (None, Some(Late::First)));
        assert_eq!(pace.moved(after(20)), Duration::ZERO);
        assert_eq!((pace.late(after(24)), pace.late(after(25))), (None, Some(Late::Between)));
        assert_eq!(pace.moved(after(97)), Duration::from_secs(77));
        assert_eq!((pace.late(after(99)), pace.late(after(100))), (None, Some(Late::Total)));
    }
}

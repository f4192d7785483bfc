//! How long the pieces of an answer may take: one timer for both the pause and the whole, set again only when it fires.

use super::clock;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};
use tokio::time::Sleep;

/// What took too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Late {
    /// The next piece.
    Between,
    /// The whole.
    Total,
}

impl Late {
    /// Its name in events.
    pub const fn word(self) -> &'static str {
        match self {
            Late::Between => "timeout_between_tokens",
            Late::Total => "timeout_total",
        }
    }
}

/// The pace of an answer.
pub struct Pace {
    between: Duration,
    until: Instant,
    moved: Instant,
    timer: Pin<Box<Sleep>>,
}

impl Pace {
    /// An answer that `moved` last when its head came, and has to be over by `until`.
    pub fn new(between: Duration, until: Instant, moved: Instant) -> Pace {
        let timer = Box::pin(tokio::time::sleep_until(next(moved, between, until).into()));
        Pace { between, until, moved, timer }
    }

    /// It has moved: how long it had stood still.
    pub fn moved(&mut self, now: Instant) -> Duration {
        let pause = now.saturating_duration_since(self.moved);
        self.moved = now;
        pause
    }

    /// Ready when it takes too long.
    pub fn poll_late(&mut self, cx: &mut Context<'_>) -> Poll<Late> {
        loop {
            ready!(self.timer.as_mut().poll(cx));
            let now = clock::now();
            if now >= self.until {
                return Poll::Ready(Late::Total);
            }
            if now.saturating_duration_since(self.moved) >= self.between {
                return Poll::Ready(Late::Between);
            }
            self.timer.as_mut().reset(next(self.moved, self.between, self.until).into());
        }
    }
}

fn next(moved: Instant, between: Duration, until: Instant) -> Instant {
    moved.checked_add(between).map_or(until, |pause| pause.min(until))
}

//! The clock of the sources: the one place of this layer that reads the time and sleeps. Tests bring their own.

use super::Stop;
use std::time::{Duration, Instant};

/// Tells and passes time.
pub trait Clock {
    /// Time since any fixed moment; never goes back.
    fn now(&self) -> Duration;
    /// Waits as long as said, or until a stop is requested.
    fn sleep(&self, time: Duration, stop: &Stop);
}

/// The machine's monotonic clock.
#[derive(Debug, Clone, Copy)]
pub struct SystemClock(Instant);

/// How long a sleep may go without looking at the stop.
const SLICE: Duration = Duration::from_millis(50);

impl SystemClock {
    /// A clock that begins at zero.
    pub fn start() -> SystemClock {
        SystemClock(Instant::now())
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Duration {
        self.0.elapsed()
    }

    fn sleep(&self, time: Duration, stop: &Stop) {
        let end = self.now().saturating_add(time);
        while !stop.requested() {
            let left = end.saturating_sub(self.now());
            if left.is_zero() {
                return;
            }
            std::thread::sleep(left.min(SLICE));
        }
    }
}

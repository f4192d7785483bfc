//! The clock. Time is an argument everywhere else; this file and the screen's loop are the two that look.

use std::sync::LazyLock;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// The present, µs since the Unix epoch; 0 on a machine whose clock stands before it.
pub fn now_us() -> i64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .ok()
        .and_then(|since| i64::try_from(since.as_micros()).ok())
        .unwrap_or_default()
}

/// Time since this was first asked; never goes back, whatever happens to the clock on the wall.
pub fn ticks() -> Duration {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    START.elapsed()
}

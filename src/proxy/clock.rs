//! The clock of the gateway: the one place of it that reads the time.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// The present for measuring; never goes back.
pub fn now() -> Instant {
    Instant::now()
}

/// The present on the wall, µs since the Unix epoch; 0 on a machine whose clock stands before it.
pub fn now_us() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_micros()).unwrap_or_default()
}

/// A length of time in µs.
pub fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

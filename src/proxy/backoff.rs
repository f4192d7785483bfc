//! When a call is tried again, and after how long: exponential backoff with full jitter (Brooker, Exponential Backoff And
//! Jitter, AWS Architecture Blog, 2015), the provider's own wait before it, and a budget so that retries never make a storm.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

/// How often and how soon.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    /// The first wait is drawn from zero to this.
    pub base: Duration,
    /// No wait is drawn from more than this.
    pub cap: Duration,
    /// Retries of one call at one target.
    pub most: u32,
    /// Where a provider asks to wait longer, its answer goes to the client instead.
    pub longest: Duration,
}

impl Default for Backoff {
    fn default() -> Backoff {
        Backoff {
            base: Duration::from_millis(500),
            cap: Duration::from_secs(8),
            most: 2,
            longest: Duration::from_secs(30),
        }
    }
}

impl Backoff {
    /// How long to wait before the next try, after so many retries; `None` is not at all. `asked` is the provider's own
    /// word, `random` from 0 to 1.
    pub fn wait(&self, retries: u32, asked: Option<Duration>, random: f64) -> Option<Duration> {
        if retries >= self.most {
            return None;
        }
        match asked {
            // At once is what a provider says that does not know.
            Some(asked) if !asked.is_zero() => (asked <= self.longest).then_some(asked),
            _ => {
                let most = self.base.saturating_mul(2u32.saturating_pow(retries)).min(self.cap);
                Some(most.mul_f64(random.clamp(0.0, 1.0)))
            }
        }
    }
}

/// So many retries are there at the start, for those who call seldom; and never are more saved up than ten times as many.
const FIRST: i64 = 10 * UNIT;
const SAVED: i64 = 10 * FIRST;

/// One retry, in what a call adds.
const UNIT: i64 = 100;

/// How many retries may be made: each call adds a share of one, each retry takes one.
#[derive(Debug)]
pub struct RetryBudget {
    left: AtomicI64,
    share: i64,
}

impl RetryBudget {
    /// A budget of this share of calls, 0..=1.
    pub fn new(share: f64) -> RetryBudget {
        let share = (share.clamp(0.0, 1.0) * UNIT as f64).round() as i64;
        RetryBudget { left: AtomicI64::new(if share > 0 { FIRST } else { 0 }), share }
    }

    /// A call has come.
    pub fn add(&self) {
        let more = |left: i64| Some((left + self.share).min(SAVED));
        let _ = self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more);
    }

    /// Takes a retry, if there is one.
    pub fn take(&self) -> bool {
        let less = |left: i64| (left >= UNIT).then_some(left - UNIT);
        self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: fn(u64) -> Duration = Duration::from_millis;

    #[test]
    fn waits_grow_to_their_cap_and_the_provider_is_asked_first() {
        let backoff = Backoff { most: 9, ..Backoff::default() };
        for (retries, most) in [(0, 500), (1, 1_000), (2, 2_000), (4, 8_000), (8, 8_000)] {
            assert_eq!(backoff.wait(retries, None, 1.0), Some(MS(most)));
            assert_eq!(backoff.wait(retries, None, 0.0), Some(MS(0)));
            assert_eq!(backoff.wait(retries, Some(MS(1_700)), 0.5), Some(MS(1_700)));
        }
        assert_eq!(backoff.wait(9, None, 0.5), None);
        assert_eq!(backoff.wait(0, Some(MS(30_001)), 0.5), None, "that long nobody waits");
    }

    #[test]
    fn retries_stay_within_their_share() {
        let budget = RetryBudget::new(0.2);
        let mut taken = 0;
        for _ in 0..10_000 {
            budget.add();
            taken += (0..3).filter(|_| budget.take()).count();
        }
        assert_eq!(taken, 2_010);
        let none = RetryBudget::new(0.0);
        none.add();
        assert!(!none.take());
    }

    #[test]
    fn what_is_saved_up_is_bounded() {
        let budget = RetryBudget::new(1.0);
        (0..100_000).for_each(|_| budget.add());
        assert_eq!((0..1_000).filter(|_| budget.take()).count(), 100);
    }
}

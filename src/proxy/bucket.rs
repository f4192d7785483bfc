//! What is left of one limit, as a provider said it and as it changes until it says more: a bucket that refills steadily,
//! or at once when its window is over.

use std::time::{Duration, Instant};

/// One limit, as an answer tells it; `None` is unknown. A remaining of less than nothing is none: leave it out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    /// The most there can be.
    pub limit: Option<u64>,
    /// What is left.
    pub remaining: Option<u64>,
    /// When all of it is there again.
    pub reset_at: Option<Instant>,
    /// How it comes back.
    pub refill: Refill,
}

/// How a limit comes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refill {
    /// Bit by bit until the reset (a token bucket: OpenAI, Anthropic).
    Steadily,
    /// All at the reset (a fixed window).
    AtReset,
}

impl Quota {
    /// The same with its reset on the other clock: `reset_at_us` and `now_us` are µs since the Unix epoch, `now` is the same
    /// moment as `now_us`.
    pub fn with_reset_us(self, reset_at_us: Option<i64>, (now, now_us): (Instant, i64)) -> Quota {
        let moment = |reset_at_us: i64| {
            let ahead = u64::try_from(reset_at_us.saturating_sub(now_us)).unwrap_or_default();
            now.checked_add(Duration::from_micros(ahead))
        };
        Quota { reset_at: reset_at_us.and_then(moment), ..self }
    }
}

/// The window of a limit of which no more is known: limits are told per minute.
const WINDOW: Duration = Duration::from_secs(60);

/// Resets are told in whole seconds by some; a shorter one makes no faster refill than this one.
const SHORTEST_RESET: Duration = Duration::from_secs(1);

/// What is further away than this is never.
const HORIZON: Duration = Duration::from_secs(86_400);

/// What is left, at a moment.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bucket {
    level: f64,
    /// Infinite where it is not known.
    cap: f64,
    per_second: f64,
    at: Instant,
    reset_at: Option<Instant>,
}

impl Bucket {
    /// The bucket after an answer, less what was sent since; `None` where it says nothing of what is left. `before` is the
    /// bucket so far.
    pub fn heard(quota: &Quota, sent_since: u64, before: Option<&Bucket>, now: Instant) -> Option<Bucket> {
        let remaining = quota.remaining? as f64;
        let cap = quota.limit.map_or(f64::INFINITY, |limit| (limit as f64).max(remaining));
        let per_second = match quota.refill {
            Refill::AtReset => 0.0,
            Refill::Steadily => refill(quota, remaining, before, now),
        };
        Some(Bucket { level: remaining - sent_since as f64, cap, per_second, at: now, reset_at: quota.reset_at })
    }

    /// What is left; less than nothing where more was sent than there was.
    pub fn level(&self, now: Instant) -> f64 {
        let passed = now.saturating_duration_since(self.at).as_secs_f64();
        match self.reset_at {
            Some(reset_at) if self.per_second == 0.0 && reset_at <= now => self.cap,
            _ => (self.level + self.per_second * passed).min(self.cap),
        }
    }

    /// The most there can be; `None` is unknown.
    pub fn cap(&self) -> Option<u64> {
        self.cap.is_finite().then_some(self.cap as u64)
    }

    /// When all of it is there again, if nothing more is sent.
    pub fn full_at(&self, now: Instant) -> Option<Instant> {
        if self.per_second > 0.0 {
            return later(now, (self.cap - self.level(now)) / self.per_second);
        }
        self.reset_at.filter(|reset_at| *reset_at > now)
    }

    /// Takes what a call needs; below nothing, if it must be.
    pub fn take(&mut self, amount: f64, now: Instant) {
        let is_reset = self.per_second == 0.0 && self.reset_at.is_some_and(|reset_at| reset_at <= now);
        let level = self.level(now) - amount;
        (self.level, self.at) = (level.min(self.cap), now.max(self.at));
        if is_reset {
            self.reset_at = None;
        }
    }

    /// When one call of `amount` may go. One that is larger than the whole limit goes when the limit is whole.
    pub fn ready_at(&self, amount: f64, now: Instant) -> Instant {
        self.there_at(amount.min(self.cap), now)
    }

    /// When `amount` will have been there, over more than one window if need be. The present, where that is not known.
    pub fn there_at(&self, amount: f64, now: Instant) -> Instant {
        let missing = amount - self.level(now);
        if missing <= 0.0 {
            return now;
        }
        if self.per_second > 0.0 {
            return later(now, missing / self.per_second).unwrap_or(now + HORIZON);
        }
        let Some(reset_at) = self.reset_at else { return now };
        let windows = if amount > self.cap { ((amount - self.cap) / self.cap.max(1.0)).ceil() } else { 0.0 };
        later(reset_at, windows * WINDOW.as_secs_f64()).unwrap_or(reset_at + HORIZON)
    }

    /// When it will be empty at this rate of use, per second; `None` where it will not be.
    pub fn empty_at(&self, rate: f64, now: Instant) -> Option<Instant> {
        let level = self.level(now).max(0.0);
        let falls = rate - self.per_second;
        if falls <= 0.0 || !level.is_finite() {
            return None;
        }
        let empty_at = later(now, level / falls)?;
        let comes_back = self.per_second == 0.0 && self.reset_at.is_some_and(|reset_at| reset_at <= empty_at);
        (!comes_back).then_some(empty_at)
    }
}

/// How fast it comes back, per second; 0 where that is not known.
fn refill(quota: &Quota, remaining: f64, before: Option<&Bucket>, now: Instant) -> f64 {
    let Some(limit) = quota.limit.map(|limit| limit as f64) else { return 0.0 };
    let time = quota.reset_at.map(|reset_at| reset_at.saturating_duration_since(now));
    match time {
        Some(time) if limit > remaining && !time.is_zero() => {
            let rate = (limit - remaining) / time.as_secs_f64();
            rate.min(limit / SHORTEST_RESET.as_secs_f64())
        }
        // A full one does not say how fast it fills.
        _ => before.map(|before| before.per_second).filter(|rate| *rate > 0.0).unwrap_or(limit / WINDOW.as_secs_f64()),
    }
}

/// A moment so many seconds later; `None` beyond the horizon.
fn later(from: Instant, seconds: f64) -> Option<Instant> {
    let time = Duration::try_from_secs_f64(seconds.max(0.0)).ok().filter(|time| *time <= HORIZON)?;
    // Rounded up, so that at that moment it really is there.
    from.checked_add(time + Duration::from_micros(1))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn quota(limit: u64, remaining: u64, reset_at: Instant, refill: Refill) -> Quota {
        Quota { limit: Some(limit), remaining: Some(remaining), reset_at: Some(reset_at), refill }
    }

    fn seconds(count: f64) -> Duration {
        Duration::from_secs_f64(count)
    }

    #[track_caller]
    fn near(moment: Instant, want: Instant) {
        let apart = moment.max(want) - moment.min(want);
        assert!(apart <= Duration::from_millis(1), "{apart:?} apart");
    }

    #[test]
    fn a_steady_one_comes_back_bit_by_bit() {
        let now = Instant::now();
        let mut bucket = Bucket::heard(&quota(600, 0, now + seconds(60.0), Refill::Steadily), 0, None, now).unwrap();
        near(bucket.ready_at(1.0, now), now + seconds(0.1));
        near(bucket.ready_at(9_999.0, now), now + seconds(60.0));
        near(bucket.there_at(1_200.0, now), now + seconds(120.0));
        assert_eq!(bucket.level(now + seconds(30.0)).round() as i64, 300);
        assert_eq!(bucket.level(now + seconds(900.0)), 600.0);
        bucket.take(700.0, now + seconds(60.0));
        assert_eq!(bucket.level(now + seconds(60.0)).round() as i64, -100);
        near(bucket.full_at(now + seconds(60.0)).unwrap(), now + seconds(130.0));
    }

    #[test]
    fn a_reset_on_the_wall_is_one_from_now() {
        let now = Instant::now();
        let of = |reset_at_us| quota(9, 9, now, Refill::AtReset).with_reset_us(reset_at_us, (now, 1_000_000)).reset_at;
        assert_eq!(of(Some(3_500_000)), Some(now + seconds(2.5)));
        assert_eq!((of(Some(5)), of(None), of(Some(i64::MIN))), (Some(now), None, Some(now)));
    }

    #[test]
    fn a_window_comes_back_at_once() {
        let now = Instant::now();
        let mut bucket = Bucket::heard(&quota(100, 10, now + seconds(20.0), Refill::AtReset), 4, None, now).unwrap();
        assert_eq!(bucket.ready_at(6.0, now), now);
        near(bucket.ready_at(7.0, now + seconds(19.0)), now + seconds(20.0));
        near(bucket.there_at(250.0, now), now + seconds(140.0));
        bucket.take(30.0, now + seconds(21.0));
        assert_eq!(bucket.level(now + seconds(21.0)), 70.0, "it was full again");
        assert_eq!(
            bucket.ready_at(71.0, now + seconds(21.0)),
            now + seconds(21.0),
            "nothing says when: it may be tried"
        );
    }

    #[test]
    fn what_is_not_told_holds_nothing_back() {
        let now = Instant::now();
        let unknown = Quota { limit: Some(5), remaining: None, reset_at: None, refill: Refill::Steadily };
        assert_eq!(Bucket::heard(&unknown, 0, None, now), None);
        let only = Quota { limit: None, remaining: Some(0), reset_at: None, refill: Refill::Steadily };
        let bucket = Bucket::heard(&only, 3, None, now).unwrap();
        assert_eq!((bucket.ready_at(1.0, now), bucket.cap()), (now, None));
        let dated = Quota { reset_at: Some(now + seconds(3.0)), ..only };
        let bucket = Bucket::heard(&dated, 3, None, now).unwrap();
        near(bucket.ready_at(1.0, now), now + seconds(3.0));
        assert_eq!(bucket.ready_at(1.0, now + seconds(3.0)), now + seconds(3.0));
    }

    #[test]
    fn a_full_one_keeps_the_rate_that_was_seen() {
        let now = Instant::now();
        let seen = Bucket::heard(&quota(100, 90, now + seconds(1.0), Refill::Steadily), 0, None, now).unwrap();
        let full = quota(100, 100, now, Refill::Steadily);
        assert_eq!(Bucket::heard(&full, 0, Some(&seen), now).unwrap().per_second, 10.0);
        assert_eq!(Bucket::heard(&full, 0, None, now).unwrap().per_second, 100.0 / 60.0);
        let rounded = quota(100, 10, now + seconds(0.001), Refill::Steadily);
        assert_eq!(Bucket::heard(&rounded, 0, None, now).unwrap().per_second, 100.0);
    }

    #[test]
    fn the_moment_it_is_empty_is_foretold() {
        let now = Instant::now();
        let steady = Bucket::heard(&quota(600, 300, now + seconds(30.0), Refill::Steadily), 0, None, now).unwrap();
        assert_eq!(steady.empty_at(10.0, now), None, "as fast as it fills");
        near(steady.empty_at(20.0, now).unwrap(), now + seconds(30.0));
        let window = Bucket::heard(&quota(600, 300, now + seconds(30.0), Refill::AtReset), 0, None, now).unwrap();
        assert_eq!(window.empty_at(10.0, now), None, "it is back before");
        near(window.empty_at(15.0, now).unwrap(), now + seconds(20.0));
        near(window.empty_at(1e9, now).unwrap(), now);
    }
}

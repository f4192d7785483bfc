//! A circuit breaker: an upstream that has failed several times in a row is left alone for a while; then one call probes it,
//! and all follow if that goes well (Nygard, Release It!, 2007). Whoever was let through before it changed has no say any
//! more in what it is now.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// When it opens, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    /// So many failures in a row; 0 is never.
    pub failures: u32,
    /// How long it stays open.
    pub open: Duration,
}

impl Default for Rule {
    fn default() -> Rule {
        Rule { failures: 5, open: Duration::from_secs(15) }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Closed { failed: u32 },
    Open { until: Instant },
    Probing,
}

/// Its state, and how often that has changed.
#[derive(Debug)]
struct Known {
    state: State,
    epoch: u64,
}

impl Known {
    fn turn(&mut self, state: State) {
        self.state = state;
        self.epoch += 1;
    }
}

/// The breaker of one upstream.
#[derive(Debug)]
pub struct Breaker {
    rule: Rule,
    known: Mutex<Known>,
}

impl Breaker {
    /// A closed one.
    pub fn new(rule: Rule) -> Arc<Breaker> {
        let known = Known { state: State::Closed { failed: 0 }, epoch: 0 };
        Arc::new(Breaker { rule, known: Mutex::new(known) })
    }

    /// Leave for one call; `None` while the upstream is left alone.
    pub fn admit(self: &Arc<Breaker>, now: Instant) -> Option<Permit> {
        let mut known = self.known();
        match known.state {
            State::Closed { .. } => {}
            State::Open { until } if now >= until => known.turn(State::Probing),
            State::Open { .. } | State::Probing => return None,
        }
        Some(Permit { breaker: Arc::clone(self), epoch: known.epoch })
    }

    /// Whether a call would get leave.
    pub fn would_admit(&self, now: Instant) -> bool {
        match self.known().state {
            State::Closed { .. } => true,
            State::Open { until } => now >= until,
            State::Probing => false,
        }
    }

    /// How long the upstream is left alone yet; nothing where it is not, or is being probed.
    pub fn closed_for(&self, now: Instant) -> Duration {
        match self.known().state {
            State::Open { until } => until.saturating_duration_since(now),
            State::Closed { .. } | State::Probing => Duration::ZERO,
        }
    }

    /// Whether calls go through.
    pub fn is_closed(&self) -> bool {
        matches!(self.known().state, State::Closed { .. })
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Leave for one call. Dropped without a word it says nothing of the upstream; a probe then leaves its place to the next.
#[derive(Debug)]
pub struct Permit {
    breaker: Arc<Breaker>,
    epoch: u64,
}

impl Permit {
    /// The upstream has begun to answer. That is enough to let others follow a probe, which they do on trial: the next
    /// failure closes the way again.
    pub fn answered(&mut self) {
        let mut known = self.breaker.known();
        if known.epoch == self.epoch && known.state == State::Probing {
            known.turn(State::Closed { failed: self.breaker.rule.failures.saturating_sub(1) });
            self.epoch = known.epoch;
        }
    }

    /// The upstream has answered, be it that it refused.
    pub fn worked(self) {
        let mut known = self.breaker.known();
        if known.epoch != self.epoch {
            return;
        }
        match known.state {
            State::Closed { .. } => known.state = State::Closed { failed: 0 },
            State::Open { .. } | State::Probing => known.turn(State::Closed { failed: 0 }),
        }
    }

    /// The upstream has failed.
    pub fn failed(self, now: Instant) {
        let rule = self.breaker.rule;
        let mut known = self.breaker.known();
        if known.epoch != self.epoch {
            return;
        }
        let failed = match known.state {
            State::Closed { failed } => failed.saturating_add(1),
            State::Open { .. } | State::Probing => rule.failures,
        };
        let opens = rule.failures > 0 && failed >= rule.failures;
        match now.checked_add(rule.open) {
            Some(until) if opens => known.turn(State::Open { until }),
            _ => known.state = State::Closed { failed },
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut known = self.breaker.known();
        if known.epoch == self.epoch && known.state == State::Probing {
            // In the past, so that the next call may probe at once.
            known.turn(State::Open { until: super::clock::now() });
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn breaker(failures: u32) -> Arc<Breaker> {
        Breaker::new(Rule { failures, open: Duration::from_secs(10) })
    }

    #[test]
    fn it_opens_after_failures_in_a_row_and_closes_after_a_probe() {
        let breaker = breaker(3);
        let t0 = Instant::now();
        let at = |seconds| t0 + Duration::from_secs(seconds);
        for (outcome, closed) in
            [(false, true), (false, true), (true, true), (false, true), (false, true), (false, false)]
        {
            let permit = breaker.admit(t0).unwrap();
            if outcome {
                permit.worked()
            } else {
                permit.failed(t0)
            }
            assert_eq!(breaker.is_closed(), closed);
        }
        assert!(breaker.admit(at(9)).is_none() && !breaker.would_admit(at(9)) && breaker.would_admit(at(10)));
        let probe = breaker.admit(at(10)).unwrap();
        assert!(breaker.admit(at(11)).is_none() && !breaker.would_admit(at(11)), "one probe at a time");
        probe.failed(at(11));
        assert!(breaker.admit(at(20)).is_none());
        drop(breaker.admit(at(21)).unwrap());
        let probe = breaker.admit(Instant::now().max(at(21))).unwrap();
        probe.worked();
        assert!(breaker.is_closed() && breaker.admit(t0).is_some());
    }

    #[test]
    fn without_a_rule_it_never_opens() {
        let breaker = breaker(0);
        let now = Instant::now();
        (0..100).for_each(|_| breaker.admit(now).unwrap().failed(now));
        assert!(breaker.is_closed());
    }

    #[test]
    fn who_began_before_it_opened_has_no_say_in_the_probe() {
        let breaker = breaker(2);
        let now = Instant::now();
        let later = now + Duration::from_secs(10);
        let [early_good, early_bad] = [breaker.admit(now).unwrap(), breaker.admit(now).unwrap()];
        (0..2).for_each(|_| breaker.admit(now).unwrap().failed(now));
        let probe = breaker.admit(later).unwrap();
        early_bad.failed(later);
        assert!(breaker.admit(later + Duration::from_secs(11)).is_none(), "no second probe beside the first");
        early_good.worked();
        assert!(!breaker.is_closed(), "only the probe closes it");
        probe.worked();
        assert!(breaker.is_closed());
    }

    #[test]
    fn an_answer_that_begins_lets_others_follow_on_trial() {
        let breaker = breaker(3);
        let now = Instant::now();
        let later = now + Duration::from_secs(10);
        let open = || (0..3).for_each(|_| breaker.admit(now).unwrap().failed(now));
        open();
        let mut probe = breaker.admit(later).unwrap();
        probe.answered();
        assert!(breaker.is_closed());
        probe.failed(later);
        assert!(!breaker.is_closed(), "the answer broke off");
        let mut probe = breaker.admit(later + Duration::from_secs(10)).unwrap();
        probe.answered();
        probe.worked();
        (0..2).for_each(|_| breaker.admit(later).unwrap().failed(later));
        assert!(breaker.is_closed());
    }

    #[test]
    fn a_permit_without_a_verdict_counts_for_nothing() {
        let breaker = breaker(2);
        let now = Instant::now();
        breaker.admit(now).unwrap().failed(now);
        (0..9).for_each(|_| drop(breaker.admit(now).unwrap()));
        assert!(breaker.is_closed());
        breaker.admit(now).unwrap().failed(now);
        assert!(!breaker.is_closed(), "the failures are still in a row");
    }
}

//! A circuit breaker: an upstream that has failed several times in a row is left alone for a while; then one call probes it,
//! and all follow if that goes well (Nygard, Release It!, 2007).

use std::sync::{Arc, Mutex, PoisonError};
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

/// The breaker of one upstream.
#[derive(Debug)]
pub struct Breaker {
    rule: Rule,
    state: Mutex<State>,
}

impl Breaker {
    /// A closed one.
    pub fn new(rule: Rule) -> Arc<Breaker> {
        Arc::new(Breaker { rule, state: Mutex::new(State::Closed { failed: 0 }) })
    }

    /// Leave for one call; `None` while the upstream is left alone.
    pub fn admit(self: &Arc<Breaker>, now: Instant) -> Option<Permit> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let is_probe = match *state {
            State::Closed { .. } => false,
            State::Open { until } if now >= until => {
                *state = State::Probing;
                true
            }
            State::Open { .. } | State::Probing => return None,
        };
        Some(Permit { breaker: Arc::clone(self), is_probe })
    }

    /// Whether calls go through.
    pub fn is_closed(&self) -> bool {
        matches!(*self.state.lock().unwrap_or_else(PoisonError::into_inner), State::Closed { .. })
    }
}

/// Leave for one call. A probe that is dropped without a word leaves its place to the next.
#[derive(Debug)]
pub struct Permit {
    breaker: Arc<Breaker>,
    is_probe: bool,
}

impl Permit {
    /// The upstream has answered, be it that it refused.
    pub fn worked(mut self) {
        self.is_probe = false;
        *self.breaker.state.lock().unwrap_or_else(PoisonError::into_inner) = State::Closed { failed: 0 };
    }

    /// The upstream has failed.
    pub fn failed(mut self, now: Instant) {
        let rule = self.breaker.rule;
        let mut state = self.breaker.state.lock().unwrap_or_else(PoisonError::into_inner);
        let failed = match *state {
            State::Closed { failed } if !self.is_probe => failed.saturating_add(1),
            _ => rule.failures,
        };
        let opens = rule.failures > 0 && failed >= rule.failures;
        *state = match now.checked_add(rule.open) {
            Some(until) if opens => State::Open { until },
            _ => State::Closed { failed },
        };
        drop(state);
        self.is_probe = false;
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if self.is_probe {
            let mut state = self.breaker.state.lock().unwrap_or_else(PoisonError::into_inner);
            if *state == State::Probing {
                // In the past, so that the next call may probe at once.
                *state = State::Open { until: super::clock::now() };
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn it_opens_after_failures_in_a_row_and_closes_after_a_probe() {
        let breaker = Breaker::new(Rule { failures: 3, open: Duration::from_secs(10) });
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
        assert!(breaker.admit(at(9)).is_none());
        let probe = breaker.admit(at(10)).unwrap();
        assert!(breaker.admit(at(11)).is_none(), "one probe at a time");
        probe.failed(at(11));
        assert!(breaker.admit(at(20)).is_none());
        drop(breaker.admit(at(21)).unwrap());
        let probe = breaker.admit(Instant::now().max(at(21))).unwrap();
        probe.worked();
        assert!(breaker.is_closed() && breaker.admit(t0).is_some());
    }

    #[test]
    fn without_a_rule_it_never_opens() {
        let breaker = Breaker::new(Rule { failures: 0, open: Duration::from_secs(10) });
        let now = Instant::now();
        (0..100).for_each(|_| breaker.admit(now).unwrap().failed(now));
        assert!(breaker.is_closed());
    }
}

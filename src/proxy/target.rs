//! Which of several upstreams and keys takes a call: of those whose breaker is closed the one with the least in flight for
//! its weight, in turn where they are alike.

use super::breaker::{Breaker, Permit};
use super::settings::Upstream;
use http::HeaderValue;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Instant;

/// What goes on at an upstream, whatever its settings.
#[derive(Debug)]
pub struct Live {
    /// Whether it is left alone.
    pub breaker: Arc<Breaker>,
    /// Calls in flight by key; the first, too, where there is none.
    in_flight: Vec<Arc<AtomicUsize>>,
    turn: AtomicUsize,
    /// It has refused to be asked for usage.
    hides_usage: AtomicBool,
}

impl Live {
    /// Nothing yet, for so many keys.
    pub fn new(breaker: Arc<Breaker>, keys: usize) -> Live {
        let in_flight = (0..keys.max(1)).map(|_| Arc::default()).collect();
        Live { breaker, in_flight, turn: AtomicUsize::new(0), hides_usage: AtomicBool::new(false) }
    }

    /// Whether it can be asked for usage, as far as is known.
    pub fn tells_usage(&self) -> bool {
        !self.hides_usage.load(Ordering::Relaxed)
    }

    /// It refuses to be asked for usage.
    pub fn forget_usage(&self) {
        self.hides_usage.store(true, Ordering::Relaxed);
    }

    /// Calls in flight.
    pub fn in_flight(&self) -> usize {
        self.in_flight.iter().map(|calls| calls.load(Ordering::Relaxed)).sum()
    }

    /// The key with the least in flight.
    fn key(&self) -> usize {
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        let count = self.in_flight.len();
        let places = (0..count).map(|n| (turn + n) % count);
        places.min_by_key(|place| self.in_flight[*place].load(Ordering::Relaxed)).unwrap_or(0)
    }
}

/// An upstream that takes a call, with the key for it.
pub struct Target {
    /// The upstream.
    pub upstream: Arc<Upstream>,
    /// Which of its keys, from 0.
    pub key_number: usize,
    /// Leave of its breaker.
    pub permit: Permit,
    /// Counted as in flight as long as this lives.
    pub busy: Busy,
}

impl Target {
    /// The key to call it with; `None` where that of the client goes up.
    pub fn key(&self) -> Option<&HeaderValue> {
        self.upstream.keys.get(self.key_number)
    }
}

/// A call in flight.
pub struct Busy(Arc<AtomicUsize>);

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The one of these that takes a call now; `None` where all are left alone.
pub fn choose(upstreams: &[Arc<Upstream>], now: Instant) -> Option<Target> {
    let mut order: Vec<&Arc<Upstream>> = upstreams.iter().collect();
    if order.len() > 1 {
        let turn = upstreams[0].live.turn.fetch_add(1, Ordering::Relaxed) % order.len();
        order.rotate_left(turn);
        let load = |upstream: &&Arc<Upstream>| {
            let in_flight = upstream.live.in_flight().saturating_add(1) as u64;
            in_flight.saturating_mul(1_000) / u64::from(upstream.weight.max(1))
        };
        order.sort_by_key(load);
    }
    order.into_iter().find_map(|upstream| {
        let permit = upstream.live.breaker.admit(now)?;
        let key_number = upstream.live.key();
        let busy = Arc::clone(upstream.live.in_flight.get(key_number)?);
        busy.fetch_add(1, Ordering::Relaxed);
        Some(Target { upstream: Arc::clone(upstream), key_number, permit, busy: Busy(busy) })
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::breaker::Rule;
    use super::*;

    fn upstream(name: &str, weight: u32, keys: usize) -> Arc<Upstream> {
        let key = |n| HeaderValue::from_str(&format!("k{n}")).unwrap();
        let live = Arc::new(Live::new(Breaker::new(Rule { failures: 1, ..Rule::default() }), keys));
        let mut upstream = Upstream::new(name, "http://up".parse().unwrap(), live);
        upstream.weight = weight;
        upstream.keys = (0..keys).map(key).collect();
        Arc::new(upstream)
    }

    #[test]
    fn weights_are_kept_and_keys_take_turns() {
        let all = [upstream("a", 3, 1), upstream("b", 1, 2)];
        let now = Instant::now();
        let held: Vec<Target> = (0..40).map(|_| choose(&all, now).unwrap()).collect();
        let count = |name: &str| held.iter().filter(|target| target.upstream.name == name).count();
        assert_eq!((count("a"), count("b")), (30, 10));
        let of_b: Vec<usize> = held.iter().filter(|t| t.upstream.name == "b").map(|t| t.key_number).collect();
        assert_eq!(of_b.iter().filter(|key| **key == 0).count(), 5);
        drop(held);
        assert_eq!(all[0].live.in_flight() + all[1].live.in_flight(), 0);
    }

    #[test]
    fn an_upstream_left_alone_takes_nothing() {
        let all = [upstream("a", 1, 0), upstream("b", 1, 0)];
        let now = Instant::now();
        let first = choose(&all, now).unwrap();
        let down = first.upstream.name.clone();
        first.permit.failed(now);
        drop(first.busy);
        for _ in 0..5 {
            assert_ne!(choose(&all, now).unwrap().upstream.name, down);
        }
        choose(&all, now).unwrap().permit.failed(now);
        assert!(choose(&all, now).is_none());
    }
}

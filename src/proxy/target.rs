//! Which of several upstreams and keys takes a call: of those whose breaker lets it the one with the least in flight for its
//! weight, in turn where they are alike; those that have failed in this call come last.

use super::breaker::{Breaker, Permit};
use super::settings::Upstream;
use http::HeaderValue;
use std::ops::Deref;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// What goes on at an upstream, whatever its settings.
#[derive(Debug)]
pub struct Live {
    /// Whether it is left alone.
    pub breaker: Arc<Breaker>,
    /// Calls in flight by key; the first, too, where there is none.
    in_flight: Vec<Arc<AtomicUsize>>,
    /// Calls it has taken, each as long as its weight makes it: whoever has least is next.
    taken: AtomicU64,
    /// Whose turn it is of its keys.
    key_turn: AtomicUsize,
    /// It is never to be asked for usage.
    hides_usage: AtomicBool,
    /// It has refused to be asked for usage, and is not asked again before.
    hides_usage_until: Mutex<Option<Instant>>,
}

/// One that has refused to be asked for usage is asked again after this: it may be another by then.
const HIDES: Duration = Duration::from_secs(3_600);

/// A call at an upstream of weight 1.
const STEP: u64 = 1_000_000;

impl Live {
    /// Nothing yet, for so many keys.
    pub fn new(breaker: Arc<Breaker>, keys: usize) -> Live {
        Live {
            breaker,
            in_flight: (0..keys.max(1)).map(|_| Arc::default()).collect(),
            taken: AtomicU64::new(0),
            key_turn: AtomicUsize::new(0),
            hides_usage: AtomicBool::new(false),
            hides_usage_until: Mutex::new(None),
        }
    }

    /// Whether it can be asked for usage, as far as is known.
    pub fn tells_usage(&self, now: Instant) -> bool {
        let until = || *self.hides_usage_until.lock().unwrap_or_else(PoisonError::into_inner);
        !self.hides_usage.load(Ordering::Relaxed) && until().is_none_or(|until| now >= until)
    }

    /// It is never to be asked for usage.
    pub fn forget_usage(&self) {
        self.hides_usage.store(true, Ordering::Relaxed);
    }

    /// It has refused to be asked for usage: it is not asked for a while.
    pub fn hide_usage(&self, now: Instant) {
        *self.hides_usage_until.lock().unwrap_or_else(PoisonError::into_inner) = now.checked_add(HIDES);
    }

    /// Calls in flight.
    pub fn in_flight(&self) -> usize {
        self.in_flight.iter().map(|calls| calls.load(Ordering::Relaxed)).sum()
    }

    /// Its keys, the one with the least in flight first, in turn where they are alike.
    fn keys(&self) -> Vec<usize> {
        let (turn, count) = (self.key_turn.load(Ordering::Relaxed), self.in_flight.len());
        let mut keys: Vec<usize> = (0..count).map(|n| turn.wrapping_add(n) % count).collect();
        keys.sort_by_key(|key| self.in_flight[*key].load(Ordering::Relaxed));
        keys
    }
}

/// Where a call may go: an upstream, and the key for it.
#[derive(Debug, Clone)]
pub struct Place {
    /// The upstream.
    pub upstream: Arc<Upstream>,
    /// Which of its keys, from 0.
    pub key_number: usize,
    /// What it counts from where it takes the call: nobody catches up on calls it has missed.
    from: u64,
}

impl Place {
    /// The key to call it with; `None` where that of the client goes up.
    pub fn key(&self) -> Option<&HeaderValue> {
        self.upstream.keys.get(self.key_number)
    }

    /// Goes there; `None` where it has been left alone since.
    pub fn take(self, now: Instant) -> Option<Target> {
        let live = &self.upstream.live;
        let permit = live.breaker.admit(now)?;
        let busy = Arc::clone(live.in_flight.get(self.key_number)?);
        busy.fetch_add(1, Ordering::Relaxed);
        live.taken.fetch_max(self.from, Ordering::Relaxed);
        live.taken.fetch_add(step(&self.upstream), Ordering::Relaxed);
        live.key_turn.fetch_add(1, Ordering::Relaxed);
        Some(Target { place: self, permit, busy: Busy(busy) })
    }
}

fn step(upstream: &Upstream) -> u64 {
    STEP / u64::from(upstream.weight.max(1))
}

/// A place that takes a call.
pub struct Target {
    place: Place,
    /// Leave of its breaker.
    pub permit: Permit,
    /// Counted as in flight as long as this lives.
    pub busy: Busy,
}

impl Deref for Target {
    type Target = Place;

    fn deref(&self) -> &Place {
        &self.place
    }
}

/// A call in flight.
pub struct Busy(Arc<AtomicUsize>);

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// What has failed in a call so far, so that others are tried first.
#[derive(Debug, Default)]
pub struct Failed {
    /// Upstreams, and the key where it is that one alone.
    places: Vec<(Arc<Upstream>, Option<usize>)>,
}

impl Failed {
    /// An upstream has failed, whichever key it is called with.
    pub fn upstream(&mut self, upstream: &Arc<Upstream>) {
        self.places.push((Arc::clone(upstream), None));
    }

    /// A key has no room.
    pub fn key(&mut self, place: &Place) {
        self.places.push((Arc::clone(&place.upstream), Some(place.key_number)));
    }

    /// How often a place has failed.
    pub fn count(&self, place: &Place) -> usize {
        let is_it = |(upstream, key): &&(Arc<Upstream>, Option<usize>)| {
            Arc::ptr_eq(upstream, &place.upstream) && key.is_none_or(|key| key == place.key_number)
        };
        self.places.iter().filter(is_it).count()
    }
}

/// Every place of these that takes a call now, the best first; none where all are left alone.
pub fn order(upstreams: &[Arc<Upstream>], failed: &Failed, now: Instant) -> Vec<Place> {
    if let [one] = upstreams
        && one.live.in_flight.len() == 1
    {
        let from = one.live.taken.load(Ordering::Relaxed).saturating_sub(step(one));
        let place = || Place { upstream: Arc::clone(one), key_number: 0, from };
        return one.live.breaker.would_admit(now).then(place).into_iter().collect();
    }
    let open: Vec<&Arc<Upstream>> = upstreams.iter().filter(|u| u.live.breaker.would_admit(now)).collect();
    let taken = |upstream: &Upstream| upstream.live.taken.load(Ordering::Relaxed);
    let most = open.iter().map(|upstream| taken(upstream)).max().unwrap_or(0);
    let longest = open.iter().map(|upstream| step(upstream)).max().unwrap_or(0);
    let from = most.saturating_sub(longest);
    let load = |upstream: &Upstream| upstream.live.in_flight() as u64 * 1_000 / u64::from(upstream.weight.max(1));
    let mut keyed: Vec<_> = open.into_iter().map(|u| (load(u), taken(u).max(from), u)).collect();
    keyed.sort_by_key(|(load, taken, _)| (*load, *taken));
    let places = keyed.into_iter().flat_map(|(_, _, upstream)| {
        let keys = upstream.live.keys().into_iter();
        keys.map(move |key_number| Place { upstream: Arc::clone(upstream), key_number, from })
    });
    let mut places: Vec<Place> = places.collect();
    places.sort_by_key(|place| failed.count(place));
    places
}

/// The one of these that takes a call now; `None` where all are left alone.
pub fn choose(upstreams: &[Arc<Upstream>], now: Instant) -> Option<Target> {
    order(upstreams, &Failed::default(), now).into_iter().find_map(|place| place.take(now))
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
    fn calls_one_after_the_other_take_turns_by_weight_and_key() {
        for (weights, want) in [((1, 1), (20, 20)), ((3, 1), (30, 10)), ((1, 7), (5, 35))] {
            let all = [upstream("a", weights.0, 2), upstream("b", weights.1, 1)];
            let now = Instant::now();
            let mut took = [0_usize; 3];
            for _ in 0..40 {
                let target = choose(&all, now).unwrap();
                took[if target.upstream.name == "b" { 2 } else { target.key_number }] += 1;
            }
            assert_eq!((took[0] + took[1], took[2]), want, "{weights:?}");
            assert!(took[0].abs_diff(took[1]) <= 1, "{took:?}");
        }
    }

    #[test]
    fn who_was_away_does_not_catch_up() {
        let all = [upstream("a", 1, 1), upstream("b", 1, 1)];
        let now = Instant::now();
        for _ in 0..100 {
            drop(choose(&all[..1], now).unwrap());
        }
        let of_b = (0..10).filter(|_| choose(&all, now).unwrap().upstream.name == "b").count();
        assert!((5..=6).contains(&of_b), "{of_b}");
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

    #[test]
    fn what_has_failed_in_a_call_comes_last_in_it() {
        let all = [upstream("a", 1, 2), upstream("b", 1, 1)];
        let now = Instant::now();
        let _busy = [choose(&all[1..], now).unwrap(), choose(&all[1..], now).unwrap()];
        let names = |failed: &Failed| -> Vec<(String, usize)> {
            order(&all, failed, now).iter().map(|place| (place.upstream.name.clone(), place.key_number)).collect()
        };
        let mut failed = Failed::default();
        let first = order(&all, &failed, now).remove(0);
        assert_eq!(first.upstream.name, "a");
        failed.key(&first);
        let other = 1 - first.key_number;
        assert_eq!(names(&failed), [("a".into(), other), ("b".into(), 0), ("a".into(), first.key_number)]);
        failed.upstream(&all[0]);
        assert_eq!(names(&failed)[0], ("b".into(), 0));
    }

    #[test]
    fn who_refuses_to_be_asked_for_usage_is_asked_again_after_an_hour() {
        let (live, now) = (Live::new(Breaker::new(Rule::default()), 1), Instant::now());
        live.hide_usage(now);
        assert!(!live.tells_usage(now) && live.tells_usage(now + HIDES));
        live.forget_usage();
        assert!(!live.tells_usage(now + HIDES));
    }
}

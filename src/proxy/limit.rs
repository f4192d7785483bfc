//! What is known of the limits of a provider, per upstream, key and model: what answers told, less what was sent since;
//! when the next call may go; and when, at the present rate, the next 429 would come.

use super::bucket::{Bucket, Quota};
use super::sliding::Sliding;
use foldhash::fast::RandomState;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

#[cfg(test)]
mod tests;

/// What a limit of a provider is kept by.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Lane {
    /// The upstream's name.
    pub upstream: Arc<str>,
    /// A name of the key; never the key itself.
    pub key: Arc<str>,
    /// The model.
    pub model: Arc<str>,
}

/// What a call needs, estimated before it is sent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Cost {
    /// Input tokens.
    pub input: u64,
    /// Output tokens.
    pub output: u64,
}

/// What limits are of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Measure {
    /// Calls.
    Requests,
    /// Tokens, input and output.
    Tokens,
    /// Input tokens.
    InputTokens,
    /// Output tokens.
    OutputTokens,
}

impl Measure {
    /// Every measure, in the order in which they are told.
    pub const ALL: [Measure; 4] = [Measure::Requests, Measure::Tokens, Measure::InputTokens, Measure::OutputTokens];
}

/// What one answer told, by the order of [`Measure::ALL`].
pub type Heard = [Option<Quota>; 4];

/// A call that was sent, for the answer that tells of limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sent {
    cost: Cost,
    /// What had been sent to the lane, this call included.
    totals: [u64; 4],
}

/// What is known of one lane, for figures.
#[derive(Debug, Clone, PartialEq)]
pub struct Headroom {
    /// Which.
    pub lane: Lane,
    /// Calls in the last minute.
    pub requests_per_minute: u64,
    /// Tokens in the last minute.
    pub tokens_per_minute: u64,
    /// What is left, by the order of [`Measure::ALL`].
    pub left: [Option<Left>; 4],
    /// No call goes before then: a 429 said so.
    pub closed_until: Option<Instant>,
    /// When the next 429 would come at the present rate, if calls were not held back.
    pub next_429: Option<Instant>,
}

/// What is left of one limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Left {
    /// The limit, where it is known.
    pub limit: Option<u64>,
    /// What is left now.
    pub remaining: u64,
    /// When all of it is there again.
    pub full_at: Option<Instant>,
}

/// The longest that a 429 closes a lane: whoever asks for more is asked again after it.
const LONGEST_CLOSED: Duration = Duration::from_secs(3_600);

/// The time of rates.
const MINUTE: Duration = Duration::from_secs(60);

/// The limits of all lanes. Bounded: lanes that are idle are forgotten, and past the bound the one that is idle longest.
#[derive(Debug)]
pub struct Limits {
    most: usize,
    idle: Duration,
    lanes: Mutex<HashMap<Lane, Known, RandomState>>,
}

#[derive(Debug)]
struct Known {
    touched: Instant,
    totals: [u64; 4],
    /// The totals of the latest call whose answer was heard, by calls: answers of before say nothing new.
    heard: u64,
    buckets: [Option<Bucket>; 4],
    closed_until: Option<Instant>,
    /// Calls, input tokens and output tokens.
    rates: Sliding<3>,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits::new(4_096, Duration::from_secs(3_600))
    }
}

impl Limits {
    /// At most `most` lanes, each until it was `idle` for so long.
    pub fn new(most: usize, idle: Duration) -> Limits {
        Limits { most: most.max(1), idle, lanes: Mutex::default() }
    }

    /// Sends a call, if it may go now.
    ///
    /// # Errors
    /// When it may go, as far as it is known.
    pub fn admit(&self, lane: &Lane, cost: Cost, now: Instant) -> Result<Sent, Instant> {
        self.with(lane, now, |known| match known.ready_at(cost, now) {
            at if at > now => Err(at),
            _ => Ok(known.send(cost, now)),
        })
    }

    /// Counts a call that goes whatever is left.
    pub fn send(&self, lane: &Lane, cost: Cost, now: Instant) -> Sent {
        self.with(lane, now, |known| known.send(cost, now))
    }

    /// Takes a call back that was counted and did not go.
    pub fn take_back(&self, lane: &Lane, sent: &Sent, now: Instant) {
        self.with(lane, now, |known| {
            for (bucket, amount) in known.buckets.iter_mut().zip(amounts(1, sent.cost)) {
                bucket.iter_mut().for_each(|bucket| bucket.take(-(amount as f64), now));
            }
        });
    }

    /// Takes over what the answer to a call told.
    pub fn heard(&self, lane: &Lane, sent: &Sent, heard: &Heard, now: Instant) {
        self.with(lane, now, |known| known.heard(sent, heard, now));
    }

    /// Counts the tokens that a call has used: of rates alone, as the provider's next answer says what is left.
    pub fn used(&self, lane: &Lane, used: Cost, now: Instant) {
        self.with(lane, now, |known| known.rates.add([0, used.input, used.output], now));
    }

    /// Closes a lane: a 429 asked to wait so long.
    pub fn close(&self, lane: &Lane, wait: Duration, now: Instant) {
        let until = now + wait.min(LONGEST_CLOSED);
        self.with(lane, now, |known| known.closed_until = known.closed_until.max(Some(until)));
    }

    /// When a lane will have had room for so many calls that need so much together; the present, where it is not known.
    pub fn room_at(&self, lane: &Lane, calls: u64, cost: Cost, now: Instant) -> Instant {
        self.with(lane, now, |known| {
            known.latest(now, |bucket, at| bucket.there_at(amounts(calls, cost)[at] as f64, now))
        })
    }

    /// What is known of each lane, in order.
    pub fn figures(&self, now: Instant) -> Vec<Headroom> {
        let mut lanes = self.lanes();
        let mut figures: Vec<Headroom> = lanes.iter_mut().map(|(lane, known)| known.figures(lane, now)).collect();
        figures.sort_by(|a, b| a.lane.cmp(&b.lane));
        figures
    }

    fn with<T>(&self, lane: &Lane, now: Instant, act: impl FnOnce(&mut Known) -> T) -> T {
        let mut lanes = self.lanes();
        if let Some(known) = lanes.get_mut(lane) {
            known.touched = known.touched.max(now);
            return act(known);
        }
        if lanes.len() >= self.most {
            self.forget(&mut lanes, now);
        }
        act(lanes.entry(lane.clone()).or_insert_with(|| Known::new(now)))
    }

    fn forget(&self, lanes: &mut HashMap<Lane, Known, RandomState>, now: Instant) {
        lanes.retain(|_, known| now.saturating_duration_since(known.touched) < self.idle);
        while lanes.len() >= self.most {
            let oldest = lanes.iter().min_by_key(|(_, known)| known.touched).map(|(lane, _)| lane.clone());
            let Some(oldest) = oldest else { return };
            lanes.remove(&oldest);
        }
    }

    fn lanes(&self) -> MutexGuard<'_, HashMap<Lane, Known, RandomState>> {
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What calls need of each measure.
fn amounts(calls: u64, cost: Cost) -> [u64; 4] {
    [calls, cost.input.saturating_add(cost.output), cost.input, cost.output]
}

impl Known {
    fn new(now: Instant) -> Known {
        Known {
            touched: now,
            totals: [0; 4],
            heard: 0,
            buckets: [None; 4],
            closed_until: None,
            rates: Sliding::new(MINUTE),
        }
    }

    fn ready_at(&self, cost: Cost, now: Instant) -> Instant {
        self.latest(now, |bucket, at| bucket.ready_at(amounts(1, cost)[at] as f64, now))
    }

    /// The latest moment that any of the buckets, by its place, or a 429 gives.
    fn latest(&self, now: Instant, moment: impl Fn(&Bucket, usize) -> Instant) -> Instant {
        let buckets = self.buckets.iter().enumerate();
        let moments = buckets.filter_map(|(at, bucket)| bucket.as_ref().map(|bucket| moment(bucket, at)));
        moments.chain(self.closed_until).fold(now, Instant::max)
    }

    fn send(&mut self, cost: Cost, now: Instant) -> Sent {
        let amounts = amounts(1, cost);
        for (total, amount) in self.totals.iter_mut().zip(amounts) {
            *total = total.saturating_add(amount);
        }
        for (bucket, amount) in self.buckets.iter_mut().zip(amounts) {
            bucket.iter_mut().for_each(|bucket| bucket.take(amount as f64, now));
        }
        self.rates.add([1, 0, 0], now);
        Sent { cost, totals: self.totals }
    }

    /// Calls sent after this one may be counted in its answer or not: they are taken as not.
    fn heard(&mut self, sent: &Sent, heard: &Heard, now: Instant) {
        let number = sent.totals[0];
        if number < self.heard {
            return;
        }
        if heard.iter().flatten().any(|quota| quota.remaining.is_some()) {
            self.heard = number.min(self.totals[0]);
        }
        for (at, quota) in heard.iter().enumerate() {
            let Some(quota) = quota else { continue };
            let since = self.totals[at].saturating_sub(sent.totals[at]);
            if let Some(bucket) = Bucket::heard(quota, since, self.buckets[at].as_ref(), now) {
                self.buckets[at] = Some(bucket);
            }
        }
    }

    fn figures(&mut self, lane: &Lane, now: Instant) -> Headroom {
        let [requests, input, output] = self.rates.sums(now);
        Headroom {
            lane: lane.clone(),
            requests_per_minute: requests,
            tokens_per_minute: input.saturating_add(output),
            left: self.buckets.map(|bucket| bucket.as_ref().map(|bucket| left(bucket, now))),
            closed_until: self.closed_until.filter(|until| *until > now),
            next_429: self.next_429(now),
        }
    }

    fn next_429(&mut self, now: Instant) -> Option<Instant> {
        let [requests, input, output] = self.rates.per_second(now);
        let rates = [requests, input + output, input, output];
        let buckets = self.buckets.iter().zip(rates);
        buckets.filter_map(|(bucket, rate)| bucket.as_ref()?.empty_at(rate, now)).min()
    }
}

fn left(bucket: &Bucket, now: Instant) -> Left {
    let level = bucket.level(now).max(0.0);
    Left { limit: bucket.cap(), remaining: level as u64, full_at: bucket.full_at(now) }
}

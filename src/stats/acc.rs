//! The accumulator behind every aggregate figure: exact counts and sums, three histograms; mergeable, and packed into
//! the blobs of the rollups. One path computes every number: calls are folded in here, and read out of here.

use super::histogram::Histogram;
use super::varint::{put, put_signed, take, take_signed};
use crate::event::{FailureMode, Outcome, first_token_us, output_speed};

/// The sums an accumulator keeps, in their stored order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(usize)]
pub enum Sum {
    /// Retries made.
    Retries = 0,
    /// All input tokens.
    Input = 1,
    /// All output tokens.
    Output = 2,
    /// Cached input tokens.
    CachedInput = 3,
    /// Cache writes.
    CacheWrite = 4,
    /// Reasoning tokens.
    Reasoning = 5,
    /// Cost, nano-dollars.
    Cost = 6,
    /// Queue time, µs.
    Queue = 7,
    /// Network time, µs.
    Network = 8,
    /// The model's part of the time to first token of calls that also have a latency, µs: without queue and network.
    FirstToken = 9,
    /// Generation time (latency − TTFT) of calls that have both, µs.
    Generation = 10,
    /// Cost of answers that went well and were cut at the limit of their length, nano-dollars.
    Truncated = 11,
    /// Retries times cost of the calls that were retried, nano-dollars: what their earlier attempts cost at most.
    Retried = 12,
    /// What the provider's cache saved, nano-dollars.
    CacheSaved = 13,
}

const SUMS: usize = 14;

/// Sums that follow from what only some calls have; without such calls they are 0.
const PARTS: [Sum; 3] = [Sum::Truncated, Sum::Retried, Sum::CacheSaved];

/// The measures of one call, as they are folded in. `None` is unknown.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Sample {
    /// How it went.
    pub outcome: Outcome,
    /// The sums' parts, in the order of [`Sum`]; retries to network.
    pub retries: Option<u32>,
    /// All input tokens.
    pub input_tokens: Option<u64>,
    /// All output tokens.
    pub output_tokens: Option<u64>,
    /// Cached input tokens.
    pub cached_input_tokens: Option<u64>,
    /// Cache writes.
    pub cache_write_tokens: Option<u64>,
    /// Reasoning tokens.
    pub reasoning_tokens: Option<u64>,
    /// Nano-dollars.
    pub cost_nusd: Option<i64>,
    /// Nano-dollars, net of what writing to the cache cost more.
    pub cache_saved_nusd: Option<i64>,
    /// Whether the answer was cut at the limit of its length.
    pub truncated: bool,
    /// µs.
    pub latency_us: Option<u64>,
    /// µs.
    pub ttft_us: Option<u64>,
    /// µs.
    pub queue_us: Option<u64>,
    /// µs.
    pub network_us: Option<u64>,
}

impl Sample {
    /// Output speed in milli-tokens per second, as [`output_speed`] has it.
    pub fn speed(&self) -> Option<u64> {
        output_speed(self.output_tokens, self.latency_us, self.ttft_us)
    }

    /// What prices make of it, in the order of [`Repriced::SUMS`].
    #[inline]
    fn money(&self) -> [Option<i64>; Repriced::SUMS.len()] {
        let truncated = self.cost_nusd.filter(|_| self.truncated && !self.outcome.is_error());
        [self.cost_nusd, truncated, self.retried_nusd(), self.cache_saved_nusd]
    }

    /// What earlier attempts cost at most; `None` where there were none or the cost is unknown.
    fn retried_nusd(&self) -> Option<i64> {
        let retries = self.retries.filter(|n| *n > 0)?;
        Some(self.cost_nusd?.saturating_mul(i64::from(retries)))
    }

    /// The model's part of the time to the first token, and the time after it.
    fn generation(&self) -> Option<(u64, u64)> {
        let (latency, ttft) = (self.latency_us?, self.ttft_us?);
        (ttft <= latency).then(|| (first_token_us(ttft, self.queue_us, self.network_us), latency - ttft))
    }
}

/// Counts, sums and histograms of a set of calls. A sum that no call knew is unknown, not zero.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Acc {
    n: u64,
    /// Calls by outcome number.
    outcomes: [u64; Outcome::COUNT],
    /// Calls without a cost.
    pub unpriced: u64,
    sums: [i64; SUMS],
    known: u16,
    /// Latency, µs.
    pub latency: Histogram,
    /// TTFT, µs.
    pub ttft: Histogram,
    /// Output speed, milli-tokens per second.
    pub speed: Histogram,
}

/// By how much new prices change what some calls came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Repriced {
    unpriced: i64,
    sums: [i64; Repriced::SUMS.len()],
}

impl Repriced {
    const SUMS: [Sum; 4] = [Sum::Cost, Sum::Truncated, Sum::Retried, Sum::CacheSaved];

    /// By how much one call changes.
    pub fn of(before: &Sample, after: &Sample) -> Repriced {
        let (old, new) = (before.money(), after.money());
        let change = |which: usize| new[which].unwrap_or(0).saturating_sub(old[which].unwrap_or(0));
        Repriced {
            unpriced: i64::from(after.cost_nusd.is_none()) - i64::from(before.cost_nusd.is_none()),
            sums: [change(0), change(1), change(2), change(3)],
        }
    }

    /// Adds another's.
    pub fn merge(&mut self, other: &Repriced) {
        self.unpriced = self.unpriced.saturating_add(other.unpriced);
        for (mine, theirs) in self.sums.iter_mut().zip(other.sums) {
            *mine = mine.saturating_add(theirs);
        }
    }

    /// By how much the cost changes, nano-dollars.
    pub fn cost_nusd(&self) -> i64 {
        self.sums[0]
    }

    /// By how many the calls without a cost change.
    pub fn unpriced(&self) -> i64 {
        self.unpriced
    }
}

/// Which histograms to read from bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Depth {
    /// Counts and sums alone.
    Sums,
    /// The histograms of latency and TTFT too.
    Times,
    /// Everything.
    Full,
}

impl Acc {
    /// Of calls that no more is known of than how many they were, how many failed, and what they cost, nano-dollars.
    pub fn of_sums(calls: u64, errors: u64, cost_nusd: i64) -> Acc {
        let mut acc = Acc { n: calls, ..Acc::default() };
        acc.outcomes[0] = calls.saturating_sub(errors);
        acc.outcomes[FailureMode::Unknown as usize] = errors;
        acc.add(Sum::Cost, Some(cost_nusd));
        acc
    }

    /// Whether nothing was folded in since it was made or cleared.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.n == 0
    }

    /// All calls.
    pub fn calls(&self) -> u64 {
        self.n
    }

    /// Failed calls.
    pub fn errors(&self) -> u64 {
        self.outcomes[1..].iter().sum()
    }

    /// Calls that ended in a rate limit.
    pub fn rate_limited(&self) -> u64 {
        self.outcomes[FailureMode::RateLimit as usize]
    }

    /// Calls by outcome number.
    pub fn outcomes(&self) -> [u64; Outcome::COUNT] {
        self.outcomes
    }

    /// A sum; `None` where no call knew it.
    pub fn sum(&self, which: Sum) -> Option<i64> {
        (self.known & (1 << which as usize) != 0).then(|| self.sums[which as usize])
    }

    /// Folds one call in.
    #[inline]
    pub fn record(&mut self, sample: &Sample) {
        let outcome = usize::from(sample.outcome.number()).min(Outcome::COUNT - 1);
        self.outcomes[outcome] += 1;
        self.n += 1;
        self.unpriced += u64::from(sample.cost_nusd.is_none());
        self.add_money(sample);
        self.add(Sum::Retries, sample.retries.map(i64::from));
        self.add(Sum::Input, sample.input_tokens.map(clamp));
        self.add(Sum::Output, sample.output_tokens.map(clamp));
        self.add(Sum::CachedInput, sample.cached_input_tokens.map(clamp));
        self.add(Sum::CacheWrite, sample.cache_write_tokens.map(clamp));
        self.add(Sum::Reasoning, sample.reasoning_tokens.map(clamp));
        self.add(Sum::Queue, sample.queue_us.map(clamp));
        self.add(Sum::Network, sample.network_us.map(clamp));
        if let Some((first, rest)) = sample.generation() {
            self.add(Sum::FirstToken, Some(clamp(first)));
            self.add(Sum::Generation, Some(clamp(rest)));
        }
        sample.latency_us.into_iter().for_each(|v| self.latency.record(v));
        sample.ttft_us.into_iter().for_each(|v| self.ttft.record(v));
        sample.speed().into_iter().for_each(|v| self.speed.record(v));
    }

    #[inline]
    fn add_money(&mut self, sample: &Sample) {
        for (which, value) in Repriced::SUMS.into_iter().zip(sample.money()) {
            self.add(which, value);
        }
    }

    #[inline]
    fn add(&mut self, which: Sum, value: Option<i64>) {
        if let Some(value) = value {
            let slot = &mut self.sums[which as usize];
            *slot = slot.saturating_add(value);
            self.known |= 1 << which as usize;
        }
    }

    /// Adds all of another.
    pub fn merge(&mut self, other: &Acc) {
        self.n = self.n.saturating_add(other.n);
        for (mine, theirs) in self.outcomes.iter_mut().zip(other.outcomes) {
            *mine = mine.saturating_add(theirs);
        }
        self.unpriced = self.unpriced.saturating_add(other.unpriced);
        for (mine, theirs) in self.sums.iter_mut().zip(other.sums) {
            *mine = mine.saturating_add(theirs);
        }
        self.known |= other.known;
        self.latency.merge(&other.latency);
        self.ttft.merge(&other.ttft);
        self.speed.merge(&other.speed);
    }

    /// A sum of what only some calls have, such as the cost of cut answers: 0 where none has it. Known where costs are.
    pub fn part(&self, which: Sum) -> Option<i64> {
        self.sum(Sum::Cost).map(|_| self.sums[which as usize])
    }

    /// Changes what calls cost that were folded in before.
    pub fn reprice(&mut self, by: &Repriced) {
        for (which, change) in Repriced::SUMS.into_iter().zip(by.sums) {
            let slot = &mut self.sums[which as usize];
            *slot = slot.saturating_add(change);
        }
        self.unpriced = self.unpriced.saturating_add_signed(by.unpriced);
        let cost = 1 << Sum::Cost as usize;
        self.known = if self.unpriced < self.n { self.known | cost } else { self.known & !cost };
    }

    /// Which sums are stored: those that are known, and parts that are not 0.
    fn stored(&self) -> u16 {
        let parts = PARTS.iter().fold(0, |mask, part| mask | 1 << *part as usize);
        let filled = PARTS.iter().filter(|part| self.sums[**part as usize] != 0);
        filled.fold(self.known & !parts, |mask, part| mask | 1 << *part as usize)
    }

    /// Forgets everything, keeping the memory.
    pub fn clear(&mut self) {
        self.outcomes.fill(0);
        self.sums.fill(0);
        (self.n, self.unpriced, self.known) = (0, 0, 0);
        self.latency.clear();
        self.ttft.clear();
        self.speed.clear();
    }

    /// Appends the packed form.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let mask = self.outcomes.iter().enumerate().fold(0u64, |m, (i, n)| m | (u64::from(*n > 0) << i));
        put(out, mask);
        self.outcomes.iter().filter(|n| **n > 0).for_each(|n| put(out, *n));
        put(out, self.unpriced);
        let stored = self.stored();
        put(out, u64::from(stored));
        for (i, sum) in self.sums.iter().enumerate() {
            if stored & (1 << i) != 0 {
                put_signed(out, *sum);
            }
        }
        self.latency.encode(out);
        self.ttft.encode(out);
        self.speed.encode(out);
    }

    /// Adds the packed form at the front of `bytes` and takes it off, but for what is not wanted of the histograms;
    /// `None` (and a half-added state) on broken bytes.
    pub fn merge_encoded(&mut self, bytes: &mut &[u8], depth: Depth) -> Option<()> {
        let mask = take(bytes)?;
        for i in (0..Outcome::COUNT).filter(|i| mask & (1 << i) != 0) {
            let calls = take(bytes)?;
            self.outcomes[i] = self.outcomes[i].saturating_add(calls);
            self.n = self.n.saturating_add(calls);
        }
        self.unpriced = self.unpriced.saturating_add(take(bytes)?);
        let known = u16::try_from(take(bytes)?).ok()?;
        for i in (0..SUMS).filter(|i| known & (1 << i) != 0) {
            self.sums[i] = self.sums[i].saturating_add(take_signed(bytes)?);
        }
        self.known |= known;
        if depth >= Depth::Times {
            self.latency.merge_encoded(bytes)?;
            self.ttft.merge_encoded(bytes)?;
        }
        if depth == Depth::Full {
            self.speed.merge_encoded(bytes)?;
        }
        Some(())
    }
}

fn clamp(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sample() -> impl Strategy<Value = Sample> {
        let opt = || prop::option::of(0u64..10_000_000);
        (0u8..15, opt(), opt(), opt(), opt(), prop::option::of(-5i64..1_000_000)).prop_map(
            |(o, input, output, latency, ttft, cost)| Sample {
                outcome: Outcome::from_number(o),
                input_tokens: input,
                output_tokens: output,
                latency_us: latency,
                ttft_us: ttft,
                cost_nusd: cost,
                ..Sample::default()
            },
        )
    }

    proptest! {
        #[test]
        fn any_split_merges_to_the_same(samples in prop::collection::vec(sample(), 0..60), cut in 0usize..60) {
            let cut = cut.min(samples.len());
            let (mut whole, mut left, mut right) = (Acc::default(), Acc::default(), Acc::default());
            samples.iter().for_each(|s| whole.record(s));
            samples[..cut].iter().for_each(|s| left.record(s));
            samples[cut..].iter().for_each(|s| right.record(s));
            let mut bytes = Vec::new();
            right.encode(&mut bytes);
            let mut rest = bytes.as_slice();
            prop_assert!(left.merge_encoded(&mut rest, Depth::Full).is_some());
            prop_assert!(rest.is_empty());
            let (mut a, mut b) = (Vec::new(), Vec::new());
            left.encode(&mut a);
            whole.encode(&mut b);
            prop_assert_eq!(a, b);
        }
    }

    #[test]
    fn speed_is_of_the_time_in_which_tokens_came() {
        let speed = |latency, ttft| {
            Sample { output_tokens: Some(500), latency_us: Some(latency), ttft_us: ttft, ..Sample::default() }.speed()
        };
        let cases = [
            (1_000_000, None, Some(500_000)),
            (1_000_000, Some(500_000), Some(1_000_000)),
            (1_000_000, Some(950_000), Some(10_000_000)),
            // Buffered: the answer came in one piece.
            (1_000_000, Some(950_001), Some(500_000)),
            (1_000_000, Some(999_999), Some(500_000)),
            (1_000_000, Some(1_000_000), Some(500_000)),
            (100_000, Some(200_000), Some(5_000_000)),
            (0, None, None),
        ];
        for (latency, ttft, want) in cases {
            assert_eq!(speed(latency, ttft), want, "{latency} {ttft:?}");
        }
    }

    #[test]
    fn the_first_token_is_what_queue_and_network_of_that_call_leave() {
        let first = |samples: &[Sample]| {
            let mut acc = Acc::default();
            samples.iter().for_each(|sample| acc.record(sample));
            acc.sum(Sum::FirstToken)
        };
        let streamed = Sample { latency_us: Some(1_000), ttft_us: Some(400), ..Sample::default() };
        let whole = Sample { latency_us: Some(1_000), queue_us: Some(800), ..Sample::default() };
        assert_eq!(first(&[streamed, whole]), Some(400), "what another waited does not matter");
        assert_eq!(first(&[Sample { queue_us: Some(100), network_us: Some(50), ..streamed }]), Some(250));
        assert_eq!(first(&[Sample { queue_us: Some(500), ..streamed }]), Some(400), "it did not count the queue");
        assert_eq!(first(&[whole]), None);
    }

    #[test]
    fn what_no_call_knew_is_unknown() {
        let mut acc = Acc::default();
        acc.record(&Sample { input_tokens: Some(0), ..Sample::default() });
        assert_eq!(acc.sum(Sum::Input), Some(0));
        assert_eq!(acc.sum(Sum::Output), None);
        assert_eq!(acc.unpriced, 1);
    }
}

//! What a unit's calls and scores came to: sums alone, so that they may be added in any parts and any order. Histograms are
//! coarse: they serve to count calls below a threshold, and are kept for every unit.

use crate::stats::acc::Sample;
use crate::stats::histogram::bucket;
use crate::stats::varint::{put, put_signed, take, take_signed};

/// So many fine buckets (see `stats::histogram`) are one here: 16 for each doubling.
const FINE: u16 = 8;

/// Scores are summed in millionths, so that their order does not matter; larger ones count as this.
const LARGEST: f64 = 1e9;

/// The coarse bucket of a value.
pub fn coarse(value: u64) -> u16 {
    bucket(value) / FINE
}

/// The highest value of a coarse bucket.
#[cfg(test)]
fn highest(coarse: u16) -> u64 {
    crate::stats::histogram::bounds(coarse * FINE + FINE - 1).1
}

/// A sparse histogram of coarse buckets, sorted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sparse(pub Vec<(u16, u64)>);

impl Sparse {
    fn add(&mut self, bucket: u16, count: u64) {
        match self.0.binary_search_by_key(&bucket, |(b, _)| *b) {
            Ok(at) => self.0[at].1 += count,
            Err(at) => self.0.insert(at, (bucket, count)),
        }
    }

    fn merge(&mut self, other: &Sparse) {
        other.0.iter().for_each(|(bucket, count)| self.add(*bucket, *count));
    }

    /// Its number of buckets, then for each the gap and whether there is more than one, and how many.
    fn encode(&self, out: &mut Vec<u8>) {
        put(out, self.0.len() as u64);
        let mut last = 0;
        for (bucket, count) in &self.0 {
            let gap = u64::from(bucket - last) << 1;
            if *count == 1 {
                put(out, gap);
            } else {
                put(out, gap | 1);
                put(out, *count);
            }
            last = *bucket;
        }
    }

    fn decode(&mut self, bytes: &mut &[u8]) -> Option<()> {
        self.0.clear();
        let mut at = 0u64;
        for _ in 0..take(bytes)? {
            let gap = take(bytes)?;
            at = at.checked_add(gap >> 1)?;
            let count = if gap & 1 == 1 { take(bytes)? } else { 1 };
            self.0.push((u16::try_from(at).ok()?, count));
        }
        Some(())
    }

    /// How many values there are, and how many of them are in this bucket or below.
    pub fn below(&self, most: u16) -> (u64, u64) {
        self.0.iter().fold((0, 0), |(all, below), (bucket, count)| {
            (all + count, if *bucket <= most { below + count } else { below })
        })
    }
}

/// What scores of one name came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Scored {
    /// Number of the name.
    pub name: u32,
    /// How many. What is taken back is negative until it meets what it takes from.
    pub count: i64,
    /// Those of one half and more: `true` is 1.
    pub positive: i64,
    /// Their sum, millionths.
    pub sum: i64,
}

impl Scored {
    /// One score, counted or, with −1, taken back.
    pub fn of(name: u32, value: f64, sign: i64) -> Scored {
        let sum = (value.clamp(-LARGEST, LARGEST) * 1e6).round() as i64;
        Scored { name, count: sign, positive: sign * i64::from(value >= 0.5), sum: sign * sum }
    }

    fn merge(&mut self, other: &Scored) {
        self.count += other.count;
        self.positive += other.positive;
        self.sum = self.sum.saturating_add(other.sum);
    }
}

/// A sum of what some calls say, and how many do. Both may be negative where they correct what was counted before.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Known {
    /// The sum.
    pub sum: i64,
    /// How many calls say.
    pub calls: i64,
}

impl Known {
    fn note(&mut self, value: Option<i64>) {
        if let Some(value) = value {
            self.sum = self.sum.saturating_add(value);
            self.calls += 1;
        }
    }

    fn merge(&mut self, other: Known) {
        self.sum = self.sum.saturating_add(other.sum);
        self.calls += other.calls;
    }
}

/// What a call adds to its unit, kept small: there are as many as calls. −1 is unknown.
#[derive(Debug, Clone, Copy)]
pub struct One {
    input_tokens: i64,
    output_tokens: i64,
    cost_nusd: i64,
    latency_us: i64,
    ttft_us: i64,
    failed: bool,
}

impl One {
    pub fn of(sample: &Sample) -> One {
        let signed = |n: Option<u64>| n.map_or(-1, |n| i64::try_from(n).unwrap_or(i64::MAX));
        One {
            input_tokens: signed(sample.input_tokens),
            output_tokens: signed(sample.output_tokens),
            cost_nusd: sample.cost_nusd.map_or(-1, |nano| nano.max(0)),
            latency_us: signed(sample.latency_us),
            ttft_us: signed(sample.ttft_us),
            failed: sample.outcome.is_error(),
        }
    }
}

/// What a unit's calls and scores came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts {
    pub calls: u64,
    pub errors: u64,
    pub input_tokens: Known,
    pub output_tokens: Known,
    /// Nano-dollars.
    pub cost: Known,
    pub latency: Sparse,
    pub ttft: Sparse,
    /// Sorted by name.
    pub scores: Vec<Scored>,
}

/// Which parts are there: the rest takes no room.
const PARTS: [u8; 7] = [1, 2, 4, 8, 16, 32, 64];

impl Counts {
    /// Adds a call.
    pub fn note(&mut self, one: &One) {
        let known = |value: i64| (value >= 0).then_some(value);
        self.calls += 1;
        self.errors += u64::from(one.failed);
        self.input_tokens.note(known(one.input_tokens));
        self.output_tokens.note(known(one.output_tokens));
        self.cost.note(known(one.cost_nusd));
        for (sparse, us) in [(&mut self.latency, one.latency_us), (&mut self.ttft, one.ttft_us)] {
            if let Ok(us) = u64::try_from(us) {
                sparse.add(coarse(us), 1);
            }
        }
    }

    /// What another cost changes.
    pub fn repriced(before: Option<i64>, after: Option<i64>) -> Counts {
        let mut cost = Known::default();
        cost.note(after);
        cost.sum = cost.sum.saturating_sub(before.unwrap_or(0));
        cost.calls -= i64::from(before.is_some());
        Counts { cost, ..Counts::default() }
    }

    /// One score.
    pub fn scored(score: Scored) -> Counts {
        Counts { scores: vec![score], ..Counts::default() }
    }

    /// Adds all of another.
    pub fn merge(&mut self, other: &Counts) {
        self.add_sums(other);
        self.latency.merge(&other.latency);
        self.ttft.merge(&other.ttft);
    }

    /// Adds all of another but its histograms.
    pub fn add_sums(&mut self, other: &Counts) {
        self.calls += other.calls;
        self.errors += other.errors;
        self.input_tokens.merge(other.input_tokens);
        self.output_tokens.merge(other.output_tokens);
        self.cost.merge(other.cost);
        for score in &other.scores {
            match self.scores.binary_search_by_key(&score.name, |s| s.name) {
                Ok(at) => {
                    self.scores[at].merge(score);
                    if self.scores[at] == (Scored { name: score.name, ..Scored::default() }) {
                        self.scores.remove(at);
                    }
                }
                Err(at) => self.scores.insert(at, *score),
            }
        }
    }

    /// Forgets everything, keeping the memory.
    pub fn clear(&mut self) {
        let none = Known::default();
        (self.calls, self.errors, self.input_tokens, self.output_tokens, self.cost) = (0, 0, none, none, none);
        self.latency.0.clear();
        self.ttft.0.clear();
        self.scores.clear();
    }

    /// Appends it packed.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let has = |known: &Known| *known != Known::default();
        let there = [
            self.errors > 0,
            has(&self.input_tokens),
            has(&self.output_tokens),
            has(&self.cost),
            !self.latency.0.is_empty(),
            !self.ttft.0.is_empty(),
            !self.scores.is_empty(),
        ];
        out.push(there.into_iter().zip(PARTS).fold(0, |mask, (there, part)| if there { mask | part } else { mask }));
        put(out, self.calls);
        if there[0] {
            put(out, self.errors);
        }
        for (known, there) in [&self.input_tokens, &self.output_tokens, &self.cost].into_iter().zip(&there[1..4]) {
            if *there {
                put_signed(out, known.sum);
                // Nearly always all calls say.
                put_signed(out, known.calls - self.calls as i64);
            }
        }
        for (sparse, there) in [&self.latency, &self.ttft].into_iter().zip(&there[4..6]) {
            if *there {
                sparse.encode(out);
            }
        }
        if there[6] {
            put(out, self.scores.len() as u64);
            for Scored { name, count, positive, sum } in &self.scores {
                put(out, u64::from(*name));
                put_signed(out, *count);
                put_signed(out, *positive);
                put_signed(out, *sum);
            }
        }
    }

    /// Takes it off the front of some bytes, using its memory again; `None` on broken bytes.
    pub fn decode(&mut self, bytes: &mut &[u8]) -> Option<()> {
        let (&mask, rest) = bytes.split_first()?;
        *bytes = rest;
        self.calls = take(bytes)?;
        self.errors = if mask & PARTS[0] > 0 { take(bytes)? } else { 0 };
        let calls = i64::try_from(self.calls).ok()?;
        for (known, part) in
            [&mut self.input_tokens, &mut self.output_tokens, &mut self.cost].into_iter().zip(&PARTS[1..4])
        {
            *known = Known::default();
            if mask & part > 0 {
                known.sum = take_signed(bytes)?;
                known.calls = take_signed(bytes)?.checked_add(calls)?;
            }
        }
        for (sparse, part) in [&mut self.latency, &mut self.ttft].into_iter().zip(&PARTS[4..6]) {
            sparse.0.clear();
            if mask & part > 0 {
                sparse.decode(bytes)?;
            }
        }
        self.scores.clear();
        if mask & PARTS[6] > 0 {
            for _ in 0..take(bytes)? {
                let name = u32::try_from(take(bytes)?).ok()?;
                let (count, positive) = (take_signed(bytes)?, take_signed(bytes)?);
                self.scores.push(Scored { name, count, positive, sum: take_signed(bytes)? });
            }
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Outcome;
    use proptest::prelude::*;

    fn sample() -> impl Strategy<Value = Counts> {
        let option = |most: u64| prop::option::of(0..most);
        let parts = (0u8..3, option(9_999), option(9_999_999), option(999_999), prop::option::of(0i64..9_999));
        (parts, prop::option::of((0u32..4, -2.0f64..9.0))).prop_map(|(parts, score)| {
            let (outcome, input_tokens, latency_us, ttft_us, cost_nusd) = parts;
            let outcome = Outcome::from_number(outcome);
            let mut counts = Counts::default();
            let sample = Sample { outcome, input_tokens, latency_us, ttft_us, cost_nusd, ..Sample::default() };
            counts.note(&One::of(&sample));
            if let Some((name, value)) = score {
                counts.merge(&Counts::scored(Scored::of(name, value, 1)));
                counts.merge(&Counts::repriced(cost_nusd, Some(7)));
            }
            counts
        })
    }

    proptest! {
        #[test]
        fn counts_add_in_any_order_and_come_back(parts in prop::collection::vec(sample(), 0..12)) {
            let sum = |parts: &mut dyn Iterator<Item = &Counts>| parts.fold(Counts::default(), |mut sum, part| { sum.merge(part); sum });
            let all = sum(&mut parts.iter());
            prop_assert_eq!(&all, &sum(&mut parts.iter().rev()));
            let mut bytes = Vec::new();
            all.encode(&mut bytes);
            let (mut rest, mut back) = (bytes.as_slice(), parts.last().cloned().unwrap_or_default());
            prop_assert_eq!(back.decode(&mut rest), Some(()));
            prop_assert_eq!(back, all);
            prop_assert!(rest.is_empty());
        }

        #[test]
        fn broken_counts_never_panic(bytes: Vec<u8>) {
            let _ = Counts::default().decode(&mut bytes.as_slice());
        }

        #[test]
        fn a_coarse_bucket_is_a_few_percent_wide(value in 300u64..1 << 39) {
            let top = highest(coarse(value));
            prop_assert!(top >= value && top as f64 <= value as f64 * 1.07);
        }
    }
}

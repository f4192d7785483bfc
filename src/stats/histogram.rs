//! Log-linear histograms: HdrHistogram's bucket layout at two significant digits, kept sparse as bytes in the store and
//! merged dense for reading. A quantile is off by at most 1/256 (0.4 %) of the value.

use super::varint;

/// Values below this have a bucket of their own.
const LINEAR: u64 = 256;
const HALF_BITS: u32 = 7;

/// Largest value that is told apart, 2^40 (12.7 days in µs); anything above counts as this.
pub const MAX_VALUE: u64 = 1 << 40;

/// One more than the largest bucket number.
pub const BUCKETS: usize = bucket(MAX_VALUE) as usize + 1;

/// The bucket a value falls into. The layout is HdrHistogram's for two significant digits: values up to 255 exactly,
/// then 128 buckets for each doubling.
#[inline]
pub const fn bucket(value: u64) -> u16 {
    let value = if value > MAX_VALUE { MAX_VALUE } else { value };
    if value < LINEAR {
        return value as u16;
    }
    let shift = 63 - value.leading_zeros() - HALF_BITS;
    (((shift as u64) << HALF_BITS) + (value >> shift)) as u16
}

/// The lowest value of a bucket, and the highest.
pub const fn bounds(bucket: u16) -> (u64, u64) {
    let bucket = bucket as u64;
    if bucket < LINEAR {
        return (bucket, bucket);
    }
    let shift = (bucket >> HALF_BITS) - 1;
    let low = (bucket - (shift << HALF_BITS)) << shift;
    (low, low + (1 << shift) - 1)
}

/// The value that stands for a bucket: its middle.
pub const fn middle(bucket: u16) -> u64 {
    let (low, high) = bounds(bucket);
    low + (high - low) / 2
}

/// A merged histogram with the exact count, sum and maximum beside it. It is a short sorted list while few buckets are
/// filled, an array afterwards: a minute of one series is cheap, and so is a month of everything.
#[derive(Debug, Clone, Default)]
pub struct Histogram {
    few: Vec<(u16, u32)>,
    many: Vec<u32>,
    /// Bucket of the first element of `many`.
    base: u16,
    is_array: bool,
    n: u64,
    sum: u64,
    max: u64,
}

/// Above so many filled buckets the array is used.
const FEW: usize = 48;

/// The array begins and ends at multiples of this many buckets, less one for the mask.
const MARGIN: usize = 127;

impl PartialEq for Histogram {
    fn eq(&self, other: &Histogram) -> bool {
        (self.n, self.sum, self.max) == (other.n, other.sum, other.max) && self.filled().eq(other.filled())
    }
}

impl Histogram {
    /// How many values.
    pub fn count(&self) -> u64 {
        self.n
    }

    /// The exact largest value.
    pub fn max(&self) -> Option<u64> {
        (self.n > 0).then_some(self.max)
    }

    /// The exact sum, saturating.
    pub fn sum(&self) -> u64 {
        self.sum
    }

    /// The exact mean.
    pub fn mean(&self) -> Option<f64> {
        (self.n > 0).then(|| self.sum as f64 / self.n as f64)
    }

    /// Adds one value.
    #[inline]
    pub fn record(&mut self, value: u64) {
        self.add(bucket(value), 1);
        self.sum = self.sum.saturating_add(value);
        self.max = self.max.max(value);
    }

    #[inline]
    fn add(&mut self, bucket: u16, count: u32) {
        self.n = self.n.saturating_add(u64::from(count));
        if self.is_array {
            self.add_to_array(bucket, count);
        } else {
            self.add_to_few(bucket, count);
        }
    }

    #[inline]
    fn add_to_few(&mut self, bucket: u16, count: u32) {
        match self.few.binary_search_by_key(&bucket, |(b, _)| *b) {
            Ok(at) => self.few[at].1 = self.few[at].1.saturating_add(count),
            Err(at) if self.few.len() < FEW => self.few.insert(at, (bucket, count)),
            Err(_) => {
                self.become_array();
                self.add_to_array(bucket, count);
            }
        }
    }

    #[inline]
    fn add_to_array(&mut self, bucket: u16, count: u32) {
        match self.many.get_mut(usize::from(bucket.wrapping_sub(self.base))) {
            Some(slot) if bucket >= self.base => *slot = slot.saturating_add(count),
            _ => {
                self.make_room(bucket, bucket);
                self.many[usize::from(bucket - self.base)] += count;
            }
        }
    }

    /// Lets the array reach from one bucket to another, and a little further, so that this stays rare.
    fn make_room(&mut self, low: u16, high: u16) {
        let high = (usize::from(high) | MARGIN).min(BUCKETS - 1);
        if self.many.is_empty() {
            self.base = low & !(MARGIN as u16);
        } else if low < self.base {
            let base = low & !(MARGIN as u16);
            self.many.splice(..0, std::iter::repeat_n(0, usize::from(self.base - base)));
            self.base = base;
        }
        let len = high - usize::from(self.base) + 1;
        if self.many.len() < len {
            self.many.resize(len, 0);
        }
    }

    fn become_array(&mut self) {
        self.is_array = true;
        let few = std::mem::take(&mut self.few);
        if let (Some((low, _)), Some((high, _))) = (few.first(), few.last()) {
            self.make_room(*low, *high);
        }
        few.into_iter().for_each(|(bucket, count)| self.add_to_array(bucket, count));
    }

    /// Adds all of another.
    pub fn merge(&mut self, other: &Histogram) {
        let n = self.n.saturating_add(other.n);
        if other.is_array && !other.many.is_empty() {
            if !self.is_array {
                self.become_array();
            }
            self.make_room(other.base, other.base + (other.many.len() - 1) as u16);
            let at = usize::from(other.base - self.base);
            let mine = self.many[at..].iter_mut();
            mine.zip(&other.many).for_each(|(mine, theirs)| *mine = mine.saturating_add(*theirs));
        } else {
            other.few.iter().for_each(|(bucket, count)| self.add(*bucket, *count));
        }
        self.n = n;
        self.sum = self.sum.saturating_add(other.sum);
        self.max = self.max.max(other.max);
    }

    /// Forgets everything, keeping the memory.
    pub fn clear(&mut self) {
        self.few.clear();
        if self.is_array {
            self.many.clear();
            self.is_array = false;
        }
        (self.n, self.sum, self.max) = (0, 0, 0);
    }

    /// The value at a quantile in 0..=1 by nearest rank (the ⌈q·n⌉-th smallest), at its bucket's middle, never above
    /// the exact maximum.
    pub fn quantile(&self, q: f64) -> Option<u64> {
        if self.n == 0 {
            return None;
        }
        let rank = ((q.clamp(0.0, 1.0) * self.n as f64).ceil() as u64).clamp(1, self.n);
        let mut seen = 0u64;
        for (bucket, count) in self.filled() {
            seen = seen.saturating_add(count);
            if seen >= rank {
                return Some(middle(bucket).min(self.max));
            }
        }
        Some(self.max)
    }

    /// The filled buckets as (bucket, count), lowest first.
    pub fn filled(&self) -> impl Iterator<Item = (u16, u64)> + '_ {
        let array = if self.is_array { self.many.as_slice() } else { &[] };
        let base = self.base;
        let array = array.iter().enumerate().filter(|(_, c)| **c > 0);
        let array = array.map(move |(i, c)| (base + i as u16, u64::from(*c)));
        self.few.iter().map(|(b, c)| (*b, u64::from(*c))).chain(array)
    }

    /// Appends the sparse form: count, sum, max, then (gap, count) for each filled bucket, all varints.
    pub fn encode(&self, out: &mut Vec<u8>) {
        varint::put(out, self.n);
        if self.n == 0 {
            return;
        }
        varint::put(out, self.sum);
        varint::put(out, self.max);
        let mut last = 0;
        for (bucket, count) in self.filled() {
            // Most buckets of a short time hold one value: the count's first bit rides on the gap.
            let gap = u64::from(bucket - last) << 1;
            if count == 1 {
                varint::put(out, gap);
            } else {
                varint::put(out, gap | 1);
                varint::put(out, count);
            }
            last = bucket;
        }
    }

    /// Adds the sparse form at the front of `bytes` and takes it off; `None` (and a half-added state) on broken bytes.
    pub fn merge_encoded(&mut self, bytes: &mut &[u8]) -> Option<()> {
        let n = varint::take(bytes)?;
        if n == 0 {
            return Some(());
        }
        let sum = varint::take(bytes)?;
        let max = varint::take(bytes)?;
        let mut seen = 0u64;
        let mut at = 0u64;
        while seen < n {
            let gap = varint::take(bytes)?;
            let count = if gap & 1 == 1 { u32::try_from(varint::take(bytes)?).ok()? } else { 1 };
            at = at.checked_add(gap >> 1)?;
            if at >= BUCKETS as u64 || count == 0 {
                return None;
            }
            seen = seen.checked_add(u64::from(count))?;
            if self.is_array {
                self.add_to_array(at as u16, count);
            } else {
                self.add_to_few(at as u16, count);
            }
        }
        self.n = self.n.saturating_add(seen);
        self.sum = self.sum.saturating_add(sum);
        self.max = self.max.max(max);
        (seen == n).then_some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn buckets_are_those_of_hdrhistogram() {
        let mut theirs = hdrhistogram::Histogram::<u64>::new_with_max(MAX_VALUE, 2).expect("two digits up to 2^40");
        theirs.auto(false);
        for exponent in 0..40 {
            for value in [1u64 << exponent, (1 << exponent) + (1 << exponent) / 3, (2 << exponent) - 1] {
                let (low, high) = bounds(bucket(value));
                assert_eq!((low, high), (theirs.lowest_equivalent(value), theirs.highest_equivalent(value)), "{value}");
            }
        }
    }

    proptest! {
        #[test]
        fn a_bucket_holds_its_value_within_the_stated_error(value in 0u64..MAX_VALUE) {
            let (low, high) = bounds(bucket(value));
            prop_assert!(low <= value && value <= high);
            let error = middle(bucket(value)).abs_diff(value) as f64;
            prop_assert!(error <= value as f64 / 256.0);
        }

        #[test]
        fn quantiles_are_the_nearest_rank_within_the_error(mut values in prop::collection::vec(0u64..100_000_000, 1..300), q in 0.0f64..=1.0) {
            let mut hist = Histogram::default();
            values.iter().for_each(|v| hist.record(*v));
            values.sort_unstable();
            let rank = ((q * values.len() as f64).ceil() as usize).clamp(1, values.len());
            let exact = values[rank - 1];
            let got = hist.quantile(q).expect("not empty");
            prop_assert!(got.abs_diff(exact) as f64 <= exact as f64 / 256.0, "{} for {}", got, exact);
        }

        #[test]
        fn merged_bytes_equal_merged_values(a in prop::collection::vec(0u64..1_000_000, 0..200), b in prop::collection::vec(0u64..1_000_000, 0..200)) {
            let (mut left, mut right, mut both) = (Histogram::default(), Histogram::default(), Histogram::default());
            a.iter().for_each(|v| { left.record(*v); both.record(*v) });
            b.iter().for_each(|v| { right.record(*v); both.record(*v) });
            let mut bytes = Vec::new();
            left.encode(&mut bytes);
            right.encode(&mut bytes);
            let mut rest = bytes.as_slice();
            let mut merged = Histogram::default();
            prop_assert!(merged.merge_encoded(&mut rest).is_some());
            prop_assert!(merged.merge_encoded(&mut rest).is_some());
            prop_assert!(rest.is_empty());
            prop_assert_eq!(merged.filled().collect::<Vec<_>>(), both.filled().collect::<Vec<_>>());
            prop_assert_eq!((merged.n, merged.sum, merged.max), (both.n, both.sum, both.max));
        }

        #[test]
        fn broken_bytes_never_panic(bytes: Vec<u8>) {
            let _ = Histogram::default().merge_encoded(&mut bytes.as_slice());
        }
    }
}

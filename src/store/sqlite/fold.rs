//! Folding: calls in time order into accumulators of minutes, those into hours, six hours and days. Pure: what comes out is
//! bytes to be added to the store's rollups, so it runs beside the inserts.

use super::rollup::{ALL, HOST_LANES, Tier, chunk, put_acc};
use crate::stats::acc::{Acc, Sample};

/// Accumulators of one chunk of lanes in one bucket, to be added to the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delta {
    pub tier: Tier,
    pub bucket: i64,
    pub chunk: u32,
    /// Entries sorted by lane, as in the store.
    pub data: Vec<u8>,
}

/// Accumulators by lane, reused from bucket to bucket.
#[derive(Debug, Default)]
struct Slots {
    main: Vec<Acc>,
    hosts: Vec<Acc>,
    touched: Vec<u32>,
}

impl Slots {
    #[inline]
    fn place(&mut self, lane: u32) -> &mut Acc {
        let (accs, at) = match lane.checked_sub(HOST_LANES) {
            Some(at) => (&mut self.hosts, at as usize),
            None => (&mut self.main, lane as usize),
        };
        if accs.len() <= at {
            accs.resize_with(at + 1, Acc::default);
        }
        &mut accs[at]
    }

    #[inline]
    fn get(&mut self, lane: u32) -> &mut Acc {
        if self.place(lane).is_empty() {
            self.touched.push(lane);
        }
        self.place(lane)
    }

    fn clear(&mut self) {
        for lane in std::mem::take(&mut self.touched) {
            self.place(lane).clear();
        }
    }
}

/// Folds one transaction's calls.
#[derive(Debug)]
pub struct Fold {
    open: [(i64, Slots); 4],
    done: Vec<Delta>,
    one: Vec<u8>,
}

impl Default for Fold {
    fn default() -> Fold {
        Fold { open: Tier::ALL.map(|_| (i64::MIN, Slots::default())), done: Vec::new(), one: Vec::new() }
    }
}

impl Fold {
    /// Folds a call in. Cheapest when calls come in time order; right in any.
    #[inline]
    pub fn add(&mut self, ts_us: i64, (lane, host_lane): (u32, Option<u32>), sample: &Sample) {
        let bucket = ts_us.div_euclid(Tier::Minute.len_us());
        if bucket != self.open[0].0 {
            self.turn(0, bucket);
            let hour = ts_us.div_euclid(Tier::Hour.len_us());
            if hour != self.open[1].0 {
                self.turn(1, hour);
            }
        }
        self.open[0].1.get(lane).record(sample);
        if let Some(host) = host_lane {
            self.open[1].1.get(host).record(sample);
        }
    }

    /// Hands out what was closed since the last time.
    pub fn take(&mut self) -> Vec<Delta> {
        std::mem::take(&mut self.done)
    }

    /// Closes all that is open and hands out the rest.
    pub fn finish(&mut self) -> Vec<Delta> {
        for level in 0..Tier::ALL.len() {
            self.turn(level, i64::MIN);
        }
        self.take()
    }

    /// Closes the open bucket of a tier, adding it to the next tier's, and opens another.
    fn turn(&mut self, level: usize, next: i64) {
        let open = std::mem::replace(&mut self.open[level].0, next);
        if open == i64::MIN {
            return;
        }
        if level == 0 {
            self.sum_everything();
        }
        self.raise(level, open);
        self.hand_out(Tier::ALL[level], open);
        self.open[level].1.clear();
    }

    fn sum_everything(&mut self) {
        let slots = &mut self.open[0].1;
        let mut all = std::mem::take(slots.get(ALL));
        for lane in slots.touched.iter().filter(|s| **s != ALL) {
            all.merge(&slots.main[*lane as usize]);
        }
        *slots.place(ALL) = all;
    }

    fn raise(&mut self, level: usize, bucket: i64) {
        let Some(tier) = Tier::ALL.get(level + 1) else { return };
        let upper = bucket.saturating_mul(Tier::ALL[level].len_us()).div_euclid(tier.len_us());
        if self.open[level + 1].0 != upper {
            self.turn(level + 1, upper);
        }
        let (lower, higher) = self.open.split_at_mut(level + 1);
        let (from, to) = (&mut lower[level].1, &mut higher[0].1);
        for i in 0..from.touched.len() {
            let lane = from.touched[i];
            to.get(lane).merge(from.place(lane));
        }
    }

    fn hand_out(&mut self, tier: Tier, bucket: i64) {
        let slots = &mut self.open[tier as usize].1;
        let mut touched = std::mem::take(&mut slots.touched);
        touched.sort_unstable();
        for group in touched.chunk_by(|a, b| chunk(*a) == chunk(*b)) {
            let mut data = Vec::new();
            group.iter().for_each(|lane| put_acc(*lane, slots.place(*lane), &mut data, &mut self.one));
            self.done.push(Delta { tier, bucket, chunk: chunk(group[0]), data });
        }
        slots.touched = touched;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::acc::Depth;
    use crate::store::sqlite::rollup::each_lane;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    /// Calls of each tier's buckets and lanes, counted from the deltas.
    fn counted(deltas: &[Delta]) -> BTreeMap<(u8, i64, u32), u64> {
        let mut counts = BTreeMap::new();
        for delta in deltas {
            each_lane(&delta.data, |lane, mut packed| {
                let mut acc = Acc::default();
                acc.merge_encoded(&mut packed, Depth::Full)?;
                *counts.entry((delta.tier as u8, delta.bucket, lane)).or_default() += acc.calls();
                Some(())
            })
            .expect("its own bytes");
        }
        counts
    }

    proptest! {
        #[test]
        fn every_tier_counts_every_call_once(calls in prop::collection::vec((0i64..200_000_000_000, 1u32..40, prop::option::of(0u32..3)), 0..200), sorted: bool) {
            let mut calls = calls;
            if sorted { calls.sort_unstable() }
            let mut fold = Fold::default();
            let mut want: BTreeMap<(u8, i64, u32), u64> = BTreeMap::new();
            for (ts_us, lane, host) in calls {
                let host = host.map(|h| HOST_LANES + h);
                fold.add(ts_us, (lane, host), &Sample::default());
                for tier in Tier::ALL {
                    let bucket = ts_us.div_euclid(tier.len_us());
                    *want.entry((tier as u8, bucket, lane)).or_default() += 1;
                    *want.entry((tier as u8, bucket, ALL)).or_default() += 1;
                    if let Some(host) = host.filter(|_| tier != Tier::Minute) {
                        *want.entry((tier as u8, bucket, host)).or_default() += 1;
                    }
                }
            }
            prop_assert_eq!(counted(&fold.finish()), want);
            prop_assert!(fold.finish().is_empty());
        }
    }
}

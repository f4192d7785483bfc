//! Runs of units: sorted by the hash of the unit, behind histograms of all their calls; runs of alike size are merged, so
//! that a day of an arm has few and each unit is rewritten rarely.

use super::counts::Counts;
use crate::stats::histogram::Histogram;
use crate::stats::varint::{put, put_bytes, take, take_bytes};
use crate::store::StoreError;
use crate::store::sqlite::Place;
use crate::store::sqlite::rollup::Tier;
use crate::store::sqlite::stack::{Stacks, stacks};
use rusqlite::Connection;

/// Length of a day, µs.
pub const DAY_US: i64 = Tier::Day.len_us();

/// Units of one arm on one day, to be added to the store.
#[derive(Debug)]
pub struct UnitRun {
    pub arm: u32,
    pub day: i64,
    pub data: Vec<u8>,
}

/// Latency and TTFT of all calls of a run, µs.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Head {
    pub latency: Histogram,
    pub ttft: Histogram,
}

impl Head {
    fn encode(&self, out: &mut Vec<u8>) {
        let mut head = Vec::new();
        self.latency.encode(&mut head);
        self.ttft.encode(&mut head);
        put_bytes(out, &head);
    }

    /// Adds the head at the front of a run and takes it off.
    pub fn add_encoded(&mut self, bytes: &mut &[u8]) -> Option<()> {
        let mut head = take_bytes(bytes)?;
        self.latency.merge_encoded(&mut head)?;
        self.ttft.merge_encoded(&mut head)
    }
}

/// Writes a run.
pub struct Writer {
    pub out: Vec<u8>,
    last: u64,
}

impl Writer {
    pub fn new(head: &Head, room: usize) -> Writer {
        let mut out = Vec::with_capacity(room);
        head.encode(&mut out);
        Writer { out, last: 0 }
    }

    /// Appends the next unit: hashes rise.
    pub fn put(&mut self, unit: u64, counts: &Counts) {
        put(&mut self.out, unit - self.last);
        self.last = unit;
        counts.encode(&mut self.out);
    }
}

/// Reads a run, unit by unit.
pub struct Reader<'a> {
    rest: &'a [u8],
    /// Hash of the unit it stands at.
    pub unit: u64,
    pub counts: Counts,
    /// Whether `unit` and `counts` are those of a unit, or the run has ended.
    pub is_at_unit: bool,
}

impl<'a> Reader<'a> {
    /// Stands at the first unit; adds the head of the run to one.
    pub fn new(mut run: &'a [u8], head: &mut Head) -> Option<Reader<'a>> {
        head.add_encoded(&mut run)?;
        let mut reader = Reader { rest: run, unit: 0, counts: Counts::default(), is_at_unit: false };
        reader.advance()?;
        Some(reader)
    }

    /// Goes to the next unit; `None` on broken bytes.
    pub fn advance(&mut self) -> Option<()> {
        self.is_at_unit = !self.rest.is_empty();
        if self.is_at_unit {
            self.unit = self.unit.checked_add(take(&mut self.rest)?)?;
            self.counts.decode(&mut self.rest)?;
        }
        Some(())
    }
}

/// Merges two runs; `None` on broken bytes.
pub fn merge(a: &[u8], b: &[u8]) -> Option<Vec<u8>> {
    use std::cmp::Ordering::{Equal, Greater, Less};
    let mut head = Head::default();
    let (mut left, mut right) = (Reader::new(a, &mut head)?, Reader::new(b, &mut head)?);
    let mut out = Writer::new(&head, a.len() + b.len());
    while left.is_at_unit || right.is_at_unit {
        let order = match (left.is_at_unit, right.is_at_unit) {
            (true, false) => Less,
            (false, _) => Greater,
            (true, true) => left.unit.cmp(&right.unit),
        };
        if order == Equal {
            left.counts.merge(&right.counts);
        }
        let first = if order == Greater { &right } else { &left };
        out.put(first.unit, &first.counts);
        if order != Greater {
            left.advance()?;
        }
        if order != Less {
            right.advance()?;
        }
    }
    Some(out.out)
}

static STACKS: Stacks = stacks!("unit_run", "arm", "day", merge, "counters of units do not read");

/// Adds runs to those that are there.
pub fn write(conn: &Connection, place: &Place, runs: Vec<UnitRun>) -> Result<(), StoreError> {
    runs.into_iter().try_for_each(|run| STACKS.add(conn, place, (i64::from(run.arm), run.day), run.data))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::acc::Sample;
    use crate::store::sqlite::unit::counts::One;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    fn run(of: &BTreeMap<u64, u64>) -> Vec<u8> {
        let (mut head, mut all) = (Head::default(), BTreeMap::<u64, Counts>::new());
        for (unit, latency) in of {
            head.latency.record(*latency);
            let sample = Sample { latency_us: Some(*latency), ..Sample::default() };
            all.entry(*unit).or_default().note(&One::of(&sample));
        }
        let mut out = Writer::new(&head, 0);
        all.iter().for_each(|(unit, counts)| out.put(*unit, counts));
        out.out
    }

    proptest! {
        #[test]
        fn merged_runs_hold_every_call_once(a in prop::collection::btree_map(any::<u64>(), 0u64..9_999, 0..20), b in prop::collection::btree_map(0u64..30, 0u64..9_999, 0..20)) {
            let merged = merge(&run(&a), &run(&b)).expect("its own bytes");
            prop_assert_eq!(&merged, &merge(&run(&b), &run(&a)).expect("its own bytes"));
            let mut head = Head::default();
            let mut reader = Reader::new(&merged, &mut head).expect("its own bytes");
            let mut calls = 0;
            let mut units = std::collections::BTreeSet::new();
            while reader.is_at_unit {
                prop_assert!(units.insert(reader.unit));
                calls += reader.counts.calls;
                reader.advance().expect("its own bytes");
            }
            prop_assert_eq!(calls as usize, a.len() + b.len());
            prop_assert_eq!(head.latency.count() as usize, a.len() + b.len());
        }

        #[test]
        fn broken_runs_never_panic(bytes: Vec<u8>) {
            let _ = merge(&bytes, &bytes);
        }
    }
}

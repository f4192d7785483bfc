//! The calls of a group, in the order of the table, into it.

use super::Place;
use super::calls::{Inserter, ROWS, Ready};
use super::dict::{Dicts, Series};
use super::ledger::Totals;
use super::unit::Arm;
use crate::batch::{Batch, CallRow, INLINE, TextBlock};
use crate::store::{Appended, StoreError};
use rusqlite::{Connection, OptionalExtension, Transaction, params};

/// Events dated further ahead of the reading clock than this are counted as future.
const FUTURE_US: i64 = 300_000_000;

/// So many calls are handed on together.
const PORTION: usize = 1_024;

/// Where a call of the group is, in the order it is written.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    pub ts_us: i64,
    pub id: i64,
    pub batch: u32,
    pub row: u32,
}

/// What is known of one batch while its group is written.
pub struct Writing {
    pub builder: u64,
    pub read_us: i64,
    /// From which time on events are kept, µs; those before are only counted.
    pub since_us: i64,
    pub source: i64,
    pub first_block: i64,
    /// Calls accepted per text block, and which calls were new.
    pub blocks: Vec<u32>,
    pub new: Vec<bool>,
    /// Times of the spans that were new, and hashes of their traces.
    pub span_ids: Vec<(i64, u32)>,
    pub did: Appended,
}

impl Writing {
    /// Counts an event.
    pub fn count(&mut self, new: bool) {
        self.did.accepted += u64::from(new);
        self.did.duplicate += u64::from(!new);
    }

    /// Counts an event of a time that is not kept any more.
    pub fn expire(&mut self) {
        self.did.expired += 1;
    }

    /// Counts an event that was new or not, or of a time that is not kept any more; whether it is one more.
    pub fn settle(&mut self, new: Option<bool>) -> bool {
        match new {
            Some(new) => self.count(new),
            None => self.expire(),
        }
        new == Some(true)
    }

    /// A call of the batch was new.
    fn note(&mut self, number: u32, row: &CallRow) {
        self.new[number as usize] = true;
        if let Ok(text) = usize::try_from(row.text) {
            self.blocks[text / TextBlock::SLOTS as usize] += 1;
        }
    }
}

/// Which of the batches being written the calls in memory are from.
#[derive(Clone, Copy)]
pub enum Origins<'a> {
    /// They are those batches, from this number on.
    Batches(usize),
    /// They were put aside: batch and number within it, of each.
    Parked(&'a [(u32, u32)]),
}

impl Origins<'_> {
    fn of(self, key: &Key) -> (usize, u32) {
        match self {
            Origins::Batches(first) => (first + key.batch as usize, key.row),
            Origins::Parked(list) => {
                let (batch, row) = list[key.row as usize];
                (batch as usize, row)
            }
        }
    }
}

/// A call that was new, to be summed up.
#[derive(Clone, Copy)]
pub struct Inserted {
    pub ts_us: i64,
    pub batch: u32,
    pub row: u32,
    pub lane: u32,
    pub host_lane: Option<u32>,
    /// The variant it is of.
    pub arm: Option<Arm>,
}

/// What a call is summed up in: its lane, its host's, its arm.
type Summed = (u32, Option<u32>, Option<Arm>);

/// The calls of a group, on their way into the table.
pub struct Calls<'a> {
    pub tx: &'a Transaction<'a>,
    pub batches: &'a [Batch],
    pub keys: &'a [Key],
    pub origins: Origins<'a>,
    pub writing: &'a mut [Writing],
    pub totals: &'a mut Totals,
    pub dicts: &'a mut Dicts,
}

impl<'a> Calls<'a> {
    /// How many.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Inserts all; hands those that were new on, in portions.
    pub fn insert(
        mut self,
        place: &Place,
        mut hand_on: impl FnMut(&[Inserted]) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let mut inserter = Inserter::new(self.tx).map_err(|e| place.wrap(e))?;
        let mut portion = Vec::with_capacity(PORTION);
        let since_us = self.writing.first().map_or(i64::MIN, |w| w.since_us);
        let expired = self.keys.partition_point(|key| key.ts_us < since_us);
        let (expired, kept) = self.keys.split_at(expired);
        expired.iter().for_each(|key| self.writing[self.origins.of(key).0].expire());
        for keys in kept.chunks(PORTION) {
            keys.chunks(ROWS)
                .try_for_each(|keys| self.insert_some(&mut inserter, keys, &mut portion))
                .map_err(|e| place.wrap(e))?;
            hand_on(&portion)?;
            portion.clear();
        }
        Ok(())
    }

    /// Inserts at most [`ROWS`] calls; adds those that were new.
    fn insert_some(
        &mut self,
        inserter: &mut Inserter<'_>,
        keys: &[Key],
        inserted: &mut Vec<Inserted>,
    ) -> rusqlite::Result<()> {
        let mut ready = Vec::with_capacity(ROWS);
        let mut summed = [(0, None, None); ROWS];
        for (key, summed) in keys.iter().zip(&mut summed) {
            let (call, of_call) = self.ready(key)?;
            ready.push(call);
            *summed = of_call;
        }
        let mut new = Vec::with_capacity(ROWS);
        inserter.insert(&ready, &mut new)?;
        for ((key, (lane, host_lane, arm)), new) in keys.iter().zip(summed).zip(new) {
            if self.note(key, new) {
                let Key { ts_us, batch, row, .. } = *key;
                inserted.push(Inserted { ts_us, batch, row, lane, host_lane, arm });
            }
        }
        Ok(())
    }

    /// A call with its numbers in the store, and the lanes and the arm it is summed up in.
    fn ready(&mut self, key: &Key) -> rusqlite::Result<(Ready<'a>, Summed)> {
        let (batch, w) = (&self.batches[key.batch as usize], &self.writing[self.origins.of(key).0]);
        let row = &batch.calls[key.row as usize];
        let mapping = self.dicts.of(w.builder)?;
        let Series { id, lane, host_lane, .. } = mapping.series(self.tx, row.series)?;
        let attrs = if row.attrs == INLINE { 0 } else { mapping.attrs(self.tx, row.attrs)? };
        let arm = self.dicts.arm(self.tx, w.builder, (row.series, row.attrs), batch.str(row.attrs_text))?;
        let (source, first_block) = (w.source, w.first_block);
        Ok((Ready { batch, row, ts_us: key.ts_us, series: id, attrs, source, first_block }, (lane, host_lane, arm)))
    }

    /// Counts a call; whether it was new.
    fn note(&mut self, key: &Key, new: bool) -> bool {
        let (origin, number) = self.origins.of(key);
        let (row, w) = (&self.batches[key.batch as usize].calls[key.row as usize], &mut self.writing[origin]);
        w.count(new);
        if new {
            w.note(number, row);
            self.totals.note(key.ts_us, !row.priced, w.read_us.saturating_add(FUTURE_US));
        }
        new
    }
}

/// All calls of the group in the order of the table, so that the tree is walked once from left to right.
pub fn time_order(tx: &Connection, batches: &[Batch]) -> rusqlite::Result<Vec<Key>> {
    let mut keys = Vec::with_capacity(batches.iter().map(|b| b.calls.len()).sum());
    for (b, batch) in batches.iter().enumerate() {
        for (r, row) in batch.calls.iter().enumerate() {
            let ts_us = if row.timed { row.ts_us } else { first_reading(tx, 0, row.id, row.ts_us)? };
            keys.push(Key { ts_us, id: row.id, batch: b as u32, row: r as u32 });
        }
    }
    if !keys.is_sorted() {
        keys.sort_unstable();
    }
    Ok(keys)
}

/// The time an event without one got when it was first read.
pub fn first_reading(tx: &Connection, kind: u8, id: i64, read_us: i64) -> rusqlite::Result<i64> {
    let known = tx
        .prepare_cached("SELECT ts_us FROM untimed WHERE kind = ?1 AND id = ?2")?
        .query_row(params![kind, id], |row| row.get(0))
        .optional()?;
    if let Some(ts_us) = known {
        return Ok(ts_us);
    }
    tx.prepare_cached("INSERT INTO untimed VALUES (?1, ?2, ?3)")?.execute(params![kind, id, read_us])?;
    Ok(read_us)
}

//! The writing side: a group of batches in one transaction, in time order, with everything that follows from each new row.

use super::calls::{Inserter, ROWS, Ready};
use super::checkpoint::Checkpointer;
use super::dict::{Dicts, Series};
use super::fold::{Delta, Fold};
use super::ledger::{self, Totals};
use super::member::Members;
use super::runs::{self, Run};
use super::{Place, open_writer, rollup};
use crate::batch::{Batch, CallRow, Checkpoint, INLINE, Id, ScoreRow, SpanRow, TextBlock};
use crate::store::{Appended, Retained, Retention, Store, StoreError};
use crossbeam_channel::{bounded, unbounded};
use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};
use std::path::Path;
use std::sync::Arc;

/// Events dated further ahead of the reading clock than this are counted as future.
const FUTURE_US: i64 = 300_000_000;

/// The writer of a store in an SQLite file.
pub struct SqliteStore {
    pub(super) conn: Connection,
    pub(super) place: Place,
    state: State,
    checkpointer: Checkpointer,
}

#[derive(Default)]
struct State {
    dicts: Dicts,
    sums: Sums,
}

impl State {
    /// After a rollback: numbers given in it do not exist, what was being summed was not written.
    fn forget(&mut self) {
        self.dicts.forget();
        self.sums = Sums::default();
    }
}

impl SqliteStore {
    /// Opens a store for writing; makes it where it is missing. Folder 0700, file 0600.
    pub fn open(path: &Path) -> Result<SqliteStore, StoreError> {
        let (conn, place) = open_writer(path)?;
        let checkpointer = Checkpointer::start(path, &place)?;
        Ok(SqliteStore { conn, place, state: State::default(), checkpointer })
    }
}

impl Store for SqliteStore {
    fn append(&mut self, batches: &[Batch]) -> Result<Appended, StoreError> {
        let SqliteStore { conn, place, state, checkpointer } = self;
        batches.iter().for_each(|b| state.dicts.learn(b));
        let begun = conn.transaction_with_behavior(TransactionBehavior::Immediate).map_err(|e| place.wrap(e));
        let done = begun.and_then(|tx| {
            let did = write_group(&tx, place, state, batches)?;
            tx.commit().map_err(|e| place.wrap(e))?;
            Ok(did)
        });
        match &done {
            Ok(_) => checkpointer.committed(conn),
            Err(_) => state.forget(),
        }
        done
    }

    fn checkpoints(&mut self) -> Result<Vec<Checkpoint>, StoreError> {
        ledger::checkpoints(&self.conn).map_err(|e| self.place.wrap(e))
    }

    fn retain(&mut self, ages: Retention, now_us: i64) -> Result<Retained, StoreError> {
        super::retain::retain(&mut self.conn, ages, now_us).map_err(|e| self.place.wrap(e))
    }

    fn vacuum(&mut self) -> Result<(), StoreError> {
        self.conn
            .execute_batch("PRAGMA wal_checkpoint(TRUNCATE); VACUUM; PRAGMA wal_checkpoint(TRUNCATE);")
            .map_err(|e| self.place.wrap(e))
    }
}

/// Where a call of the group is, in the order it is written.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    ts_us: i64,
    id: i64,
    batch: u32,
    row: u32,
}

/// What is known of one batch while its group is written.
struct Writing {
    source: i64,
    first_block: i64,
    /// Calls accepted per text block, and which calls were new.
    blocks: Vec<u32>,
    new: Vec<bool>,
    did: Appended,
}

fn write_group(
    tx: &Transaction<'_>,
    place: &Place,
    state: &mut State,
    batches: &[Batch],
) -> Result<Appended, StoreError> {
    let sql = |e| place.wrap(e);
    let mut totals = Totals::default();
    let mut writing = begin(tx, state, batches).map_err(sql)?;
    let keys = time_order(tx, batches).map_err(sql)?;
    let State { dicts, sums } = state;
    let calls = Calls { tx, batches, keys: &keys, writing: &mut writing, totals: &mut totals, dicts };
    write_calls(calls, sums, place)?;
    let mut did = Appended::default();
    for (batch, w) in batches.iter().zip(&mut writing) {
        write_texts(tx, batch, w).map_err(sql)?;
        write_errors(tx, state, batch, w).map_err(sql)?;
        for span in &batch.spans {
            let new = write_span(tx, w.source, span).map_err(sql)?;
            totals.spans += i64::from(new);
            count(&mut w.did, new);
        }
        for score in &batch.scores {
            let new = write_score(tx, w.source, score).map_err(sql)?;
            totals.scores += i64::from(new);
            count(&mut w.did, new);
        }
        ledger::count_lines(tx, &mut state.dicts, batch, w.did).map_err(sql)?;
        if let Some(checkpoint) = &batch.checkpoint {
            ledger::put_checkpoint(tx, checkpoint).map_err(sql)?;
        }
        did.add(w.did);
    }
    totals.write(tx).map_err(sql)?;
    did.last_us = totals.last_us.unwrap_or_default();
    Ok(did)
}

fn count(did: &mut Appended, new: bool) {
    did.accepted += u64::from(new);
    did.duplicate += u64::from(!new);
}

fn begin(tx: &Connection, state: &mut State, batches: &[Batch]) -> rusqlite::Result<Vec<Writing>> {
    let mut next: i64 = tx.query_row("SELECT coalesce(max(id), 0) + 1 FROM text_block", [], |row| row.get(0))?;
    let mut writing = Vec::with_capacity(batches.len());
    for batch in batches {
        writing.push(Writing {
            source: state.dicts.source(tx, &batch.source)?,
            first_block: next,
            blocks: vec![0; batch.texts.len()],
            new: vec![false; batch.calls.len()],
            did: Appended::default(),
        });
        next += batch.texts.len() as i64;
    }
    Ok(writing)
}

/// All calls of the group in the order of the table, so that the tree is walked once from left to right.
fn time_order(tx: &Connection, batches: &[Batch]) -> rusqlite::Result<Vec<Key>> {
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
fn first_reading(tx: &Connection, kind: u8, id: i64, read_us: i64) -> rusqlite::Result<i64> {
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

/// Inserts the calls and what is summed up of them: on this thread, with the summing on two more beside it where there
/// are enough calls to be worth it.
fn write_calls(calls: Calls<'_>, sums: &mut Sums, place: &Place) -> Result<(), StoreError> {
    let batches = calls.batches;
    let mut sink =
        SumWriter { tx: calls.tx, place, rollups: rollup::Writer::new(calls.tx).map_err(|e| place.wrap(e))? };
    let Sums { fold, members } = sums;
    if calls.keys.len() < MANY {
        calls.insert(place, |portion| {
            fold_in(fold, batches, portion);
            count_in(members, batches, portion);
            Ok(())
        })?;
        sink.take(Summed::Rollups(fold.finish()))?;
        return sink.take(Summed::Members(members.finish()));
    }
    let (to_fold, to_count) = (bounded::<Portion>(PORTIONS), bounded::<Portion>(PORTIONS));
    let (summed, sums) = unbounded::<Summed>();
    // What the closure owns ends with it, also where it fails, and the threads with what they wait for.
    std::thread::scope(move |scope| {
        let counted = summed.clone();
        scope.spawn(move || {
            for portion in &to_fold.1 {
                fold_in(fold, batches, &portion);
                drop(summed.send(Summed::Rollups(fold.take())));
            }
            drop(summed.send(Summed::Rollups(fold.finish())));
        });
        scope.spawn(move || {
            for portion in &to_count.1 {
                count_in(members, batches, &portion);
                drop(counted.send(Summed::Members(members.take())));
            }
            drop(counted.send(Summed::Members(members.finish())));
        });
        calls.insert(place, |portion| {
            let portion = Portion::from(portion);
            drop((to_fold.0.send(Arc::clone(&portion)), to_count.0.send(portion)));
            // What is closed is written at once: out of order every group closes every minute.
            sums.try_iter().try_for_each(|done| sink.take(done))
        })?;
        drop((to_fold.0, to_count.0));
        sums.iter().try_for_each(|done| sink.take(done))
    })
}

/// What the summing threads hand back.
enum Summed {
    Rollups(Vec<Delta>),
    Members(Vec<Run>),
}

/// Adds what was summed up to the store.
struct SumWriter<'t> {
    tx: &'t Transaction<'t>,
    place: &'t Place,
    rollups: rollup::Writer<'t>,
}

impl SumWriter<'_> {
    fn take(&mut self, done: Summed) -> Result<(), StoreError> {
        match done {
            Summed::Rollups(deltas) => self.rollups.add(self.place, &deltas),
            Summed::Members(runs) => runs::write(self.tx, self.place, runs),
        }
    }
}

/// Calls that were new, for several threads.
type Portion = Arc<[Inserted]>;

/// How many portions may wait to be summed up.
const PORTIONS: usize = 64;

fn fold_in(fold: &mut Fold, batches: &[Batch], portion: &[Inserted]) {
    for call in portion {
        let batch = &batches[call.batch as usize];
        let row = &batch.calls[call.row as usize];
        fold.add(call.ts_us, (call.lane, call.host_lane), &batch.facts(row).sample(row.outcome));
    }
}

fn count_in(members: &mut Members, batches: &[Batch], portion: &[Inserted]) {
    for call in portion {
        let batch = &batches[call.batch as usize];
        let row = &batch.calls[call.row as usize];
        let facts = batch.facts(row);
        members.add(call.ts_us, &facts.sample(row.outcome), [Id::User, Id::Session].map(|id| facts.id_bytes(id)));
    }
}

/// From so many calls on a thread is worth its start.
const MANY: usize = 4_096;

/// So many calls are handed on together.
const PORTION: usize = 1_024;

/// A call that was new, to be summed up.
#[derive(Clone, Copy)]
struct Inserted {
    ts_us: i64,
    batch: u32,
    row: u32,
    lane: u32,
    host_lane: Option<u32>,
}

/// What is summed up of calls.
#[derive(Default)]
struct Sums {
    fold: Fold,
    members: Members,
}

/// The calls of a group, on their way into the table.
struct Calls<'a> {
    tx: &'a Transaction<'a>,
    batches: &'a [Batch],
    keys: &'a [Key],
    writing: &'a mut [Writing],
    totals: &'a mut Totals,
    dicts: &'a mut Dicts,
}

impl<'a> Calls<'a> {
    /// Inserts all; hands those that were new on, in portions.
    fn insert(
        mut self,
        place: &Place,
        mut hand_on: impl FnMut(&[Inserted]) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let mut inserter = Inserter::new(self.tx).map_err(|e| place.wrap(e))?;
        let mut portion = Vec::with_capacity(PORTION);
        for keys in self.keys.chunks(PORTION) {
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
        let mut lanes = [(0, None); ROWS];
        for (key, lanes) in keys.iter().zip(&mut lanes) {
            let (call, of_call) = self.ready(key)?;
            ready.push(call);
            *lanes = of_call;
        }
        let mut new = Vec::with_capacity(ROWS);
        inserter.insert(&ready, &mut new)?;
        for ((key, (lane, host_lane)), new) in keys.iter().zip(lanes).zip(new) {
            if self.note(key, new) {
                let Key { ts_us, batch, row, .. } = *key;
                inserted.push(Inserted { ts_us, batch, row, lane, host_lane });
            }
        }
        Ok(())
    }

    /// A call with its numbers in the store, and the lanes it is summed up in.
    fn ready(&mut self, key: &Key) -> rusqlite::Result<(Ready<'a>, (u32, Option<u32>))> {
        let (batch, w) = (&self.batches[key.batch as usize], &self.writing[key.batch as usize]);
        let row = &batch.calls[key.row as usize];
        let mapping = self.dicts.of(batch.builder)?;
        let Series { id, lane, host_lane, .. } = mapping.series(self.tx, row.series)?;
        let attrs = if row.attrs == INLINE { 0 } else { mapping.attrs(self.tx, row.attrs)? };
        let (source, first_block) = (w.source, w.first_block);
        Ok((Ready { batch, row, ts_us: key.ts_us, series: id, attrs, source, first_block }, (lane, host_lane)))
    }

    /// Counts a call; whether it was new.
    fn note(&mut self, key: &Key, new: bool) -> bool {
        let (batch, w) = (&self.batches[key.batch as usize], &mut self.writing[key.batch as usize]);
        let row = &batch.calls[key.row as usize];
        count(&mut w.did, new);
        if new {
            w.note(key.row, row);
            self.totals.note(key.ts_us, !row.priced, batch.read_us.saturating_add(FUTURE_US));
        }
        new
    }
}

impl Writing {
    /// A call of the batch was new.
    fn note(&mut self, number: u32, row: &CallRow) {
        self.new[number as usize] = true;
        if let Ok(text) = usize::try_from(row.text) {
            self.blocks[text / TextBlock::SLOTS as usize] += 1;
        }
    }
}

/// Writes the blocks of which any call was new. A block may hold the text of duplicates too; nothing refers to it.
fn write_texts(tx: &Connection, batch: &Batch, w: &Writing) -> rusqlite::Result<()> {
    for (i, (block, new)) in batch.texts.iter().zip(&w.blocks).enumerate().filter(|(_, (_, new))| **new > 0) {
        let _ = new;
        tx.prepare_cached("INSERT INTO text_block (id, last_us, data) VALUES (?1, ?2, ?3)")?.execute(params![
            w.first_block + i as i64,
            block.last_us,
            block.data
        ])?;
    }
    Ok(())
}

fn write_errors(tx: &Connection, state: &mut State, batch: &Batch, w: &Writing) -> rusqlite::Result<()> {
    for error in batch.errors.iter().filter(|e| w.new.get(e.call as usize) == Some(&true)) {
        let row = &batch.calls[error.call as usize];
        let series = state.dicts.of(batch.builder)?.series(tx, row.series)?;
        let template = state.dicts.template(tx, &error.template)?;
        let ts_us = if row.timed { row.ts_us } else { first_reading(tx, 0, row.id, row.ts_us)? };
        tx.prepare_cached("INSERT OR IGNORE INTO error VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?.execute(params![
            ts_us,
            row.id,
            series.id,
            template,
            error.message,
            error.retry_after_us
        ])?;
    }
    Ok(())
}

fn write_span(tx: &Connection, source: i64, row: &SpanRow) -> rusqlite::Result<bool> {
    let ts_us = if row.timed { row.ts_us } else { first_reading(tx, 1, row.id, row.ts_us)? };
    let s = &row.span;
    let new = tx
        .prepare_cached("INSERT OR IGNORE INTO span VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14)")?
        .execute(params![
            ts_us,
            row.id,
            source,
            s.kind.word(),
            s.name,
            s.trace_id,
            s.span_id,
            s.parent_id,
            s.user_id,
            s.session_id,
            s.latency_us.map(|v| v as i64),
            s.ok,
            s.error_message,
            s.attrs
        ])?;
    Ok(new == 1)
}

fn write_score(tx: &Connection, source: i64, row: &ScoreRow) -> rusqlite::Result<bool> {
    let ts_us = if row.timed { row.ts_us } else { first_reading(tx, 2, row.id, row.ts_us)? };
    let s = &row.score;
    let new = tx.prepare_cached("INSERT OR IGNORE INTO score VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11)")?.execute(
        params![
            ts_us,
            row.id,
            source,
            s.name,
            s.value,
            s.source.map(|j| j.word()),
            s.score_id,
            s.request_id,
            s.trace_id,
            s.user_id,
            s.comment
        ],
    )?;
    Ok(new == 1)
}

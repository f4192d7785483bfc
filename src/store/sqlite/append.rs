//! The writing side: a group of batches in one transaction, in time order, with everything that follows from each new row.

use super::checkpoint::Checkpointer;
use super::dict::Dicts;
use super::insert::{Calls, Origins, Writing, first_reading, time_order};
use super::ledger::{self, Totals};
use super::spool::{Parked, Spool};
use super::sums::{Sums, write_calls};
use super::{Place, ids, open_writer};
use crate::batch::{Batch, CallRow, Checkpoint, ErrorRow, SpanRow};
use crate::price::Prices;
use crate::store::{Appended, Mode, Repricing, Retained, Retention, Store, StoreError};
use crate::view::Unit;
use rusqlite::{Connection, Transaction, TransactionBehavior, params};
use std::path::Path;

/// The writer of a store in an SQLite file.
pub struct SqliteStore {
    pub(super) conn: Connection,
    pub(super) place: Place,
    state: State,
    checkpointer: Checkpointer,
    spool: Spool,
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
        Ok(SqliteStore { conn, place, state: State::default(), checkpointer, spool: Spool::beside(path) })
    }
}

impl Store for SqliteStore {
    fn append(&mut self, batches: &[Batch]) -> Result<Appended, StoreError> {
        let SqliteStore { conn, place, state, checkpointer, spool } = self;
        batches.iter().for_each(|b| state.dicts.learn(b));
        let begun = conn.transaction_with_behavior(TransactionBehavior::Immediate).map_err(|e| place.wrap(e));
        let done = begun.and_then(|tx| {
            let did = write_group(&tx, place, state, spool, batches)?;
            tx.commit().map_err(|e| place.wrap(e))?;
            Ok(did)
        });
        match &done {
            Ok(_) => {
                spool.clear();
                checkpointer.committed(conn);
            }
            Err(_) => state.forget(),
        }
        done
    }

    fn park(&mut self, batches: &[Batch]) -> Result<(), StoreError> {
        batches.iter().for_each(|b| self.state.dicts.learn(b));
        self.spool.park(batches)
    }

    fn checkpoints(&mut self) -> Result<Vec<Checkpoint>, StoreError> {
        ledger::checkpoints(&self.conn).map_err(|e| self.place.wrap(e))
    }

    fn retain(&mut self, ages: Retention, now_us: i64) -> Result<Retained, StoreError> {
        self.checkpointer.rest();
        super::retain::retain(&mut self.conn, ages, now_us).map_err(|e| self.place.wrap(e))
    }

    fn reprice(&mut self, prices: &Prices, since_us: i64, mode: Mode) -> Result<Repricing, StoreError> {
        super::reprice::reprice(&mut self.conn, &self.place, prices, (since_us, mode))
    }

    fn settle(&mut self, units: &[(String, Unit)]) -> Result<bool, StoreError> {
        let SqliteStore { conn, place, .. } = self;
        let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate).map_err(|e| place.wrap(e))?;
        let changed = super::unit::settle(&tx, place, units)?;
        tx.commit().map_err(|e| place.wrap(e))?;
        Ok(changed)
    }

    fn vacuum(&mut self) -> Result<(), StoreError> {
        self.checkpointer.rest();
        self.conn
            .execute_batch("PRAGMA wal_checkpoint(TRUNCATE); VACUUM; PRAGMA wal_checkpoint(TRUNCATE);")
            .map_err(|e| self.place.wrap(e))
    }
}

/// A batch of the group, in memory or put aside.
enum Member<'a> {
    Batch(&'a Batch),
    Parked(&'a Parked),
}

impl<'a> Member<'a> {
    /// All of the batch but, where it was put aside, its calls and its texts.
    fn batch(&self) -> &'a Batch {
        match self {
            Member::Batch(batch) => batch,
            Member::Parked(parked) => &parked.batch,
        }
    }

    fn calls(&self) -> usize {
        match self {
            Member::Batch(batch) => batch.calls.len(),
            Member::Parked(parked) => parked.calls,
        }
    }
}

fn write_group(
    tx: &Transaction<'_>,
    place: &Place,
    state: &mut State,
    spool: &Spool,
    batches: &[Batch],
) -> Result<Appended, StoreError> {
    let sql = |e| place.wrap(e);
    let mut totals = Totals::default();
    let members: Vec<Member<'_>> =
        spool.parked().iter().map(Member::Parked).chain(batches.iter().map(Member::Batch)).collect();
    let mut writing = begin(tx, state, &members).map_err(sql)?;
    let State { dicts, sums } = state;
    for window in spool.windows() {
        let window = window?;
        let (batches, origins) = (std::slice::from_ref(&window.batch), Origins::Parked(&window.origins));
        let (keys, writing, totals) = (&window.keys, &mut writing, &mut totals);
        write_calls(Calls { tx, batches, keys, origins, writing, totals, dicts }, sums, place)?;
    }
    let keys = time_order(tx, batches).map_err(sql)?;
    let origins = Origins::Batches(spool.parked().len());
    let calls = Calls { tx, batches, keys: &keys, origins, writing: &mut writing, totals: &mut totals, dicts };
    write_calls(calls, sums, place)?;
    let mut did = Appended::default();
    for (member, w) in members.iter().zip(&mut writing) {
        write_rest(tx, place, state, spool, (member, w), &mut totals)?;
        did.add(w.did);
    }
    let span_ids = writing.iter_mut().flat_map(|w| std::mem::take(&mut w.span_ids)).collect();
    ids::write(tx, place, ids::Ids::of_spans(span_ids))?;
    let resolved = state.sums.scored().settle(tx, place)?;
    super::unit::count_scores(tx, place, &mut state.dicts.arms, &resolved)?;
    totals.write(tx).map_err(sql)?;
    did.last_us = totals.last_us.unwrap_or_default();
    Ok(did)
}

fn begin(tx: &Connection, state: &mut State, members: &[Member<'_>]) -> rusqlite::Result<Vec<Writing>> {
    // Never a number that was given before: what is deleted may still be referred to.
    let mut next: i64 = tx.query_row("SELECT coalesce(max(id), 0) + 1 FROM text_block", [], |row| row.get(0))?;
    let since_us = ledger::rows_since_us(tx)?;
    state.sums.scored().begin(tx)?;
    state.dicts.look_at_units(ledger::counter(tx, "settled")?);
    let mut writing = Vec::with_capacity(members.len());
    for member in members {
        let batch = member.batch();
        writing.push(Writing {
            builder: batch.builder,
            read_us: batch.read_us,
            since_us,
            source: state.dicts.source(tx, &batch.source)?,
            first_block: next,
            blocks: vec![0; batch.texts.len()],
            new: vec![false; member.calls()],
            span_ids: Vec::new(),
            did: Appended::default(),
        });
        next += batch.texts.len() as i64;
    }
    Ok(writing)
}

/// Writes all of a batch but its calls.
fn write_rest(
    tx: &Transaction<'_>,
    place: &Place,
    state: &mut State,
    spool: &Spool,
    (member, w): (&Member<'_>, &mut Writing),
    totals: &mut Totals,
) -> Result<(), StoreError> {
    let sql = |e| place.wrap(e);
    let batch = member.batch();
    write_texts(tx, place, spool, member, w)?;
    for (i, error) in batch.errors.iter().enumerate().filter(|(_, e)| w.new.get(e.call as usize) == Some(&true)) {
        let row = match member {
            Member::Batch(batch) => batch.calls.get(error.call as usize),
            Member::Parked(parked) => parked.failed.get(i),
        };
        if let Some(row) = row {
            write_error(tx, state, w.builder, row, error).map_err(sql)?;
        }
    }
    for span in &batch.spans {
        let new = write_span(tx, w, span).map_err(sql)?;
        totals.spans += i64::from(w.settle(new));
    }
    for score in &batch.scores {
        let new = state.sums.scored().write(tx, score, (w.source, w.since_us)).map_err(sql)?;
        totals.scores += i64::from(w.settle(new));
    }
    for (ts_us, limit) in &batch.limits {
        w.settle(super::headroom::write(tx, *ts_us, limit).map_err(sql)?);
    }
    ledger::count_lines(tx, &mut state.dicts, batch, w.did).map_err(sql)?;
    batch.checkpoint.as_ref().map_or(Ok(()), |checkpoint| ledger::put_checkpoint(tx, checkpoint).map_err(sql))
}

/// Writes the blocks of which any call was new. A block may hold the text of duplicates too; nothing refers to it.
fn write_texts(
    tx: &Connection,
    place: &Place,
    spool: &Spool,
    member: &Member<'_>,
    w: &Writing,
) -> Result<(), StoreError> {
    let blocks = member.batch().texts.iter().zip(&w.blocks).enumerate();
    for (i, (block, _)) in blocks.filter(|(_, (_, new))| **new > 0) {
        let parked = match member {
            Member::Batch(_) => None,
            Member::Parked(parked) => Some(spool.text(parked, i)?),
        };
        let data = parked.as_ref().unwrap_or(&block.data);
        tx.prepare_cached("INSERT INTO text_block (id, last_us, data) VALUES (?1, ?2, ?3)")
            .and_then(|mut insert| insert.execute(params![w.first_block + i as i64, block.last_us, data]))
            .map_err(|e| place.wrap(e))?;
    }
    Ok(())
}

fn write_error(
    tx: &Connection,
    state: &mut State,
    builder: u64,
    row: &CallRow,
    error: &ErrorRow,
) -> rusqlite::Result<()> {
    let series = state.dicts.of(builder)?.series(tx, row.series)?;
    let template = state.dicts.template(tx, &error.template)?;
    let ts_us = if row.timed { row.ts_us } else { first_reading(tx, 0, row.id, row.ts_us)? };
    let ErrorRow { message, retry_after_us, user, error_type, .. } = error;
    tx.prepare_cached("INSERT OR IGNORE INTO error VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)")?
        .execute(params![ts_us, row.id, series.id, template, message, retry_after_us, user, error_type])
        .map(|_| ())
}

/// Writes a span; whether it was new, or nothing where it is of a time that is not kept.
fn write_span(tx: &Connection, w: &mut Writing, row: &SpanRow) -> rusqlite::Result<Option<bool>> {
    let ts_us = if row.timed { row.ts_us } else { first_reading(tx, 1, row.id, row.ts_us)? };
    if ts_us < w.since_us {
        return Ok(None);
    }
    let s = &row.span;
    let new = tx
        .prepare_cached("INSERT OR IGNORE INTO span VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14)")?
        .execute(params![
            ts_us,
            row.id,
            w.source,
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
    if let Some(trace) = s.trace_id.as_deref().filter(|id| new == 1 && !id.is_empty()) {
        w.span_ids.push((ts_us, ids::hash(trace)));
    }
    Ok(Some(new == 1))
}

//! One call, one row: binding and inserting, the writer's innermost step.

use crate::batch::{Batch, CallRow, INLINE, Maybe, Place, TextBlock};
use rusqlite::{CachedStatement, Connection, types::Null};

const INSERT: &str = "INSERT OR IGNORE INTO call VALUES \
    (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,?16,?17,?18,?19,?20,?21,?22,?23,?24)";

/// The prepared insert. Bindings stay from row to row, so a NULL after a NULL is not bound again.
pub struct Inserter<'c> {
    statement: CachedStatement<'c>,
    null: u32,
}

/// A row's numbers in the store.
pub struct Numbers {
    pub ts_us: i64,
    pub series: i64,
    pub attrs: i64,
    pub source: i64,
    pub first_block: i64,
}

impl<'c> Inserter<'c> {
    pub fn new(conn: &'c Connection) -> rusqlite::Result<Inserter<'c>> {
        let mut statement = conn.prepare_cached(INSERT)?;
        statement.clear_bindings();
        Ok(Inserter { statement, null: u32::MAX })
    }

    /// Inserts a call; whether it was new.
    pub fn insert(&mut self, batch: &Batch, row: &CallRow, numbers: &Numbers) -> rusqlite::Result<bool> {
        self.number(1, numbers.ts_us)?;
        self.number(2, row.id)?;
        self.number(3, numbers.series)?;
        if row.attrs == INLINE {
            self.bytes(4, batch, row.attrs_text)?;
        } else {
            self.number(4, numbers.attrs)?;
        }
        self.number(5, numbers.source)?;
        let text = numbers.first_block * i64::from(TextBlock::SLOTS) + row.text;
        self.maybe(6, (row.text >= 0).then_some(text))?;
        let measures = [
            row.input_tokens,
            row.output_tokens,
            row.cached_input_tokens,
            row.cache_write_tokens,
            row.cache_write_1h_tokens,
            row.reasoning_tokens,
            row.latency_us,
            row.ttft_us,
            row.queue_us,
            row.network_us,
            row.cost_nusd,
            row.retries,
        ];
        for (index, measure) in (7..).zip(measures) {
            self.maybe(index, Maybe::get(measure))?;
        }
        let ids = [row.request_id, row.trace_id, row.span_id, row.parent_id, row.session_id, row.user_id];
        for (index, place) in (19..).zip(ids) {
            self.bytes(index, batch, place)?;
        }
        Ok(self.statement.raw_execute()? == 1)
    }

    #[inline]
    fn number(&mut self, index: usize, value: i64) -> rusqlite::Result<()> {
        self.null &= !(1 << index);
        self.statement.raw_bind_parameter(index, value)
    }

    #[inline]
    fn maybe(&mut self, index: usize, value: Option<i64>) -> rusqlite::Result<()> {
        match value {
            Some(value) => self.number(index, value),
            None => self.nothing(index),
        }
    }

    #[inline]
    fn nothing(&mut self, index: usize) -> rusqlite::Result<()> {
        if self.null & (1 << index) != 0 {
            return Ok(());
        }
        self.null |= 1 << index;
        self.statement.raw_bind_parameter(index, Null)
    }

    #[inline]
    fn bytes(&mut self, index: usize, batch: &Batch, place: Place) -> rusqlite::Result<()> {
        if place.is_none() {
            return self.nothing(index);
        }
        self.null &= !(1 << index);
        if place.is_packed() {
            self.statement.raw_bind_parameter(index, batch.bytes(place))
        } else {
            self.statement.raw_bind_parameter(index, batch.str(place))
        }
    }
}

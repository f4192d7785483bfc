//! Calls into rows: binding and inserting, the writer's innermost step.

use crate::batch::{Batch, CallRow, INLINE, Maybe, Place, TextBlock};
use rusqlite::{CachedStatement, Connection, Error, ErrorCode, types::Null};

/// How many rows are inserted by one statement. SQLite finds the place of each but the first from the one before, which
/// saves a third of the time.
pub const ROWS: usize = 32;

/// Columns of a row.
const COLUMNS: usize = 24;

/// Inserts calls, many at a time.
pub struct Inserter<'c> {
    many: Insert<'c>,
    one: Insert<'c>,
}

/// A call and its numbers in the store.
#[derive(Clone, Copy)]
pub struct Ready<'b> {
    pub batch: &'b Batch,
    pub row: &'b CallRow,
    pub ts_us: i64,
    pub series: i64,
    pub attrs: i64,
    pub source: i64,
    pub first_block: i64,
}

impl<'c> Inserter<'c> {
    pub fn new(conn: &'c Connection) -> rusqlite::Result<Inserter<'c>> {
        Ok(Inserter { many: Insert::new(conn, "FAIL", ROWS)?, one: Insert::new(conn, "IGNORE", 1)? })
    }

    /// Inserts at most [`ROWS`] calls; tells of each, in order, whether it was new.
    pub fn insert(&mut self, calls: &[Ready<'_>], new: &mut Vec<bool>) -> rusqlite::Result<()> {
        let done = if calls.len() == ROWS { self.many.insert(calls)? } else { 0 };
        new.resize(new.len() + done, true);
        let rest = &calls[done..];
        // Where the statement stopped there is a call that the store has already.
        let rest = if (1..ROWS).contains(&done) || (calls.len() == ROWS && done == 0) {
            new.push(false);
            &rest[1..]
        } else {
            rest
        };
        for call in rest {
            new.push(self.one.insert(std::slice::from_ref(call))? == 1);
        }
        Ok(())
    }
}

/// A prepared insert of some rows. Bindings stay from time to time, so a NULL after a NULL is not bound again.
struct Insert<'c> {
    conn: &'c Connection,
    statement: CachedStatement<'c>,
    /// Of each row, the columns that are bound to NULL.
    nulls: [u32; ROWS],
}

impl<'c> Insert<'c> {
    fn new(conn: &'c Connection, or: &str, rows: usize) -> rusqlite::Result<Insert<'c>> {
        let row = format!("({})", ["?"; COLUMNS].join(","));
        let sql = format!("INSERT OR {or} INTO call VALUES {}", vec![row; rows].join(","));
        let mut statement = conn.prepare_cached(&sql)?;
        statement.clear_bindings();
        Ok(Insert { conn, statement, nulls: [u32::MAX; ROWS] })
    }

    /// Inserts calls up to the first one that the store has already; how many.
    fn insert(&mut self, calls: &[Ready<'_>]) -> rusqlite::Result<usize> {
        for (slot, call) in calls.iter().enumerate() {
            Slot { statement: &mut self.statement, nulls: &mut self.nulls[slot], first: slot * COLUMNS }.bind(call)?;
        }
        match self.statement.raw_execute() {
            Ok(n) => Ok(n),
            Err(Error::SqliteFailure(e, _)) if e.code == ErrorCode::ConstraintViolation => {
                Ok(usize::try_from(self.conn.changes()).unwrap_or(0))
            }
            Err(error) => Err(error),
        }
    }
}

/// The parameters of one row of a statement.
struct Slot<'s, 'c> {
    statement: &'s mut CachedStatement<'c>,
    nulls: &'s mut u32,
    first: usize,
}

impl Slot<'_, '_> {
    fn bind(&mut self, call: &Ready<'_>) -> rusqlite::Result<()> {
        let (batch, row) = (call.batch, call.row);
        self.number(1, call.ts_us)?;
        self.number(2, row.id)?;
        self.number(3, call.series)?;
        if row.attrs == INLINE {
            self.bytes(4, batch, row.attrs_text)?;
        } else {
            self.number(4, call.attrs)?;
        }
        self.number(5, call.source)?;
        let text = call.first_block * i64::from(TextBlock::SLOTS) + row.text;
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
        Ok(())
    }

    #[inline]
    fn number(&mut self, index: usize, value: i64) -> rusqlite::Result<()> {
        *self.nulls &= !(1 << index);
        self.statement.raw_bind_parameter(self.first + index, value)
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
        if *self.nulls & (1 << index) != 0 {
            return Ok(());
        }
        *self.nulls |= 1 << index;
        self.statement.raw_bind_parameter(self.first + index, Null)
    }

    #[inline]
    fn bytes(&mut self, index: usize, batch: &Batch, place: Place) -> rusqlite::Result<()> {
        if place.is_none() {
            return self.nothing(index);
        }
        *self.nulls &= !(1 << index);
        if place.is_packed() {
            self.statement.raw_bind_parameter(self.first + index, batch.bytes(place))
        } else {
            self.statement.raw_bind_parameter(self.first + index, batch.str(place))
        }
    }
}

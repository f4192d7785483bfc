//! Calls into rows: binding and inserting, the writer's innermost step.

use crate::batch::{Batch, CallRow, INLINE, TextBlock};
use rusqlite::{CachedStatement, Connection, Error, ErrorCode};

/// How many rows are inserted by one statement. SQLite finds the place of each but the first from the one before, which
/// saves a third of the time.
pub const ROWS: usize = 32;

/// Columns of a row.
const COLUMNS: usize = 7;

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

/// A prepared insert of some rows.
struct Insert<'c> {
    conn: &'c Connection,
    statement: CachedStatement<'c>,
}

impl<'c> Insert<'c> {
    fn new(conn: &'c Connection, or: &str, rows: usize) -> rusqlite::Result<Insert<'c>> {
        let row = format!("({})", ["?"; COLUMNS].join(","));
        let sql = format!("INSERT OR {or} INTO call VALUES {}", vec![row; rows].join(","));
        Ok(Insert { conn, statement: conn.prepare_cached(&sql)? })
    }

    /// Inserts calls up to the first one that the store has already; how many.
    fn insert(&mut self, calls: &[Ready<'_>]) -> rusqlite::Result<usize> {
        for (slot, call) in calls.iter().enumerate() {
            bind(&mut self.statement, slot * COLUMNS, call)?;
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

/// Binds a call to the parameters after `before`.
fn bind(statement: &mut CachedStatement<'_>, before: usize, call: &Ready<'_>) -> rusqlite::Result<()> {
    let (batch, row) = (call.batch, call.row);
    statement.raw_bind_parameter(before + 1, call.ts_us)?;
    statement.raw_bind_parameter(before + 2, row.id)?;
    statement.raw_bind_parameter(before + 3, call.series)?;
    statement.raw_bind_parameter(before + 4, call.source)?;
    if row.attrs == INLINE {
        statement.raw_bind_parameter(before + 5, batch.str(row.attrs_text))?;
    } else {
        statement.raw_bind_parameter(before + 5, call.attrs)?;
    }
    let text = call.first_block * i64::from(TextBlock::SLOTS) + i64::from(row.text);
    statement.raw_bind_parameter(before + 6, (row.text >= 0).then_some(text))?;
    statement.raw_bind_parameter(before + 7, batch.bytes(row.facts))
}

//! SQL by hand over the documented views: one read-only statement, its rows handed out as they come.

use super::SqliteReader;
use crate::batch::{Facts, Id, Measure};
use crate::store::StoreError;
use rusqlite::functions::{Context, FunctionFlags};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, Error};

/// A value of a query's result.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    /// SQL's NULL: unknown.
    Null,
    /// A whole number.
    Integer(i64),
    /// A number.
    Real(f64),
    /// Text; bytes that are no text as hex digits.
    Text(String),
}

/// Takes the rows of a result: the names of the columns, and a row's values.
pub type RowSink<'a> = dyn FnMut(&[String], Vec<Cell>) -> std::io::Result<()> + 'a;

impl SqliteReader {
    /// Runs one statement: `each` gets every row with the names of its columns. Returns the names.
    ///
    /// # Errors
    /// What SQLite says of the statement, with a word on the views where a table is not known.
    pub fn query(&mut self, sql: &str, each: &mut RowSink<'_>) -> Result<Vec<String>, StoreError> {
        let said = |error: Error| {
            let hint = if error.to_string().contains("no such") {
                "; the views are calls, errors, spans, scores, sources (their columns: SELECT * FROM calls LIMIT 1)"
            } else {
                ""
            };
            StoreError::Query(format!("query: {error}{hint}"))
        };
        let mut statement = self.context.conn.prepare(sql).map_err(said)?;
        // What gives no columns changes something, if only this connection: BEGIN, ATTACH.
        if !statement.readonly() || statement.column_count() == 0 {
            return Err(StoreError::Query("query: only reading is allowed; use SELECT".to_owned()));
        }
        let names: Vec<String> = statement.column_names().map(str::to_owned).collect();
        let mut rows = statement.query([]).map_err(said)?;
        while let Some(row) = rows.next().map_err(said)? {
            let cells = (0..names.len()).map(|i| row.get_ref(i).map(cell)).collect::<Result<_, _>>().map_err(said)?;
            each(&names, cells).map_err(StoreError::Output)?;
        }
        Ok(names)
    }
}

/// Adds the functions that the views unpack calls with: `call_measure(facts, name)` and `call_id(facts, name)`.
pub(super) fn add_functions(conn: &Connection) -> rusqlite::Result<()> {
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC | FunctionFlags::SQLITE_INNOCUOUS;
    conn.create_scalar_function("call_measure", 2, flags, |asked| {
        let (facts, name) = (facts(asked)?, asked.get_raw(1).as_str()?);
        let which = Measure::ALL.into_iter().find(|m| m.name() == name).ok_or_else(|| unknown(name))?;
        Ok(facts.measure(which))
    })?;
    conn.create_scalar_function("call_id", 2, flags, |asked| {
        let (facts, name) = (facts(asked)?, asked.get_raw(1).as_str()?);
        let which = Id::ALL.into_iter().find(|id| id.name() == name).ok_or_else(|| unknown(name))?;
        Ok(facts.id(which).map(std::borrow::Cow::into_owned))
    })
}

fn facts<'a>(asked: &'a Context<'_>) -> rusqlite::Result<Facts<'a>> {
    Facts::read(asked.get_raw(0).as_blob()?).ok_or_else(|| Error::UserFunctionError("a call does not read".into()))
}

fn unknown(name: &str) -> Error {
    Error::UserFunctionError(format!("{name:?} is not kept of a call").into())
}

fn cell(value: ValueRef<'_>) -> Cell {
    match value {
        ValueRef::Null => Cell::Null,
        ValueRef::Integer(n) => Cell::Integer(n),
        ValueRef::Real(x) => Cell::Real(x),
        ValueRef::Text(text) => Cell::Text(String::from_utf8_lossy(text).into_owned()),
        ValueRef::Blob(bytes) => Cell::Text(bytes.iter().map(|b| format!("{b:02x}")).collect()),
    }
}

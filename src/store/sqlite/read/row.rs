//! Calls as they are stored: their measures, their ids, and the whole record.

use super::context::Context;
use super::read_error::{ReadError, ReadResult};
use super::series::Who;
use crate::batch::{Attrs, Facts, Id, Measure};
use crate::event::Call;
use crate::snapshot::Record;
use crate::stats::acc::Sample;
use crate::view::{Range, RecordKey};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, Row};
use std::borrow::Cow;

/// The columns every reading of rows selects together, in this order.
pub const COLUMNS: &str = "c.ts_us, c.id, c.series, c.source, c.attrs, c.text, c.facts";

/// How many they are.
pub const COUNT: usize = 7;

/// A call as it is stored.
pub struct Stored<'r> {
    /// The row, for what only some readers ask for.
    row: &'r Row<'r>,
    /// When it ended, µs, and the hash of its identity.
    pub key: RecordKey,
    /// Its own series.
    pub series: u32,
    facts: Facts<'r>,
}

impl<'r> Stored<'r> {
    /// The call of a row that begins with [`COLUMNS`].
    pub fn of(row: &'r Row<'r>) -> ReadResult<Stored<'r>> {
        Ok(Stored {
            row,
            key: RecordKey { ts_us: row.get(0)?, id: row.get(1)? },
            series: row.get(2)?,
            facts: facts(row, 6)?,
        })
    }

    /// A number, if known.
    pub fn measure(&self, which: Measure) -> Option<i64> {
        self.facts.measure(which)
    }

    /// An id, unpacked.
    pub fn id(&self, which: Id) -> Option<Cow<'r, str>> {
        self.facts.id(which)
    }

    /// An id as it is stored: whether it is packed, and its bytes.
    pub fn id_bytes(&self, which: Id) -> (bool, &'r [u8]) {
        self.facts.id_bytes(which)
    }

    /// Its measures.
    pub fn sample(&self, context: &Context) -> Sample {
        sample(context, self.series, &self.facts)
    }

    /// Where it was read.
    pub fn source(&self, context: &Context) -> ReadResult<Option<String>> {
        context.source(self.row.get(3)?)
    }

    /// Its attributes.
    pub fn attrs(&self, context: &Context) -> ReadResult<Attrs> {
        match self.row.get_ref(4)? {
            ValueRef::Integer(id) => context.attrs(id),
            ValueRef::Text(json) => Ok(serde_json::from_slice(json).unwrap_or_default()),
            _ => Ok(Attrs::default()),
        }
    }

    /// Its attributes as they are stored: their number, or JSON.
    pub fn attrs_value(&self) -> ReadResult<rusqlite::types::Value> {
        Ok(self.row.get(4)?)
    }

    /// The number of its text, if it has any.
    pub fn text(&self) -> ReadResult<Option<i64>> {
        Ok(self.row.get(5)?)
    }

    /// The whole record but its text.
    pub fn record(&self, context: &Context) -> ReadResult<Record> {
        let series = context.series.key(Who::Series(self.series)).cloned().unwrap_or_default();
        let mut call = Call { ts_us: Some(self.key.ts_us), ..Call::default() };
        series.restore(&mut call);
        self.facts.restore(&mut call);
        self.attrs(context)?.restore(&mut call);
        let RecordKey { ts_us, id } = self.key;
        Ok(Record {
            ts_us,
            id,
            source: self.source(context)?,
            call,
            cost_nusd: self.measure(Measure::Cost),
            text_expired: false,
            bill: None,
        })
    }
}

/// The order rows are read in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    OldestFirst,
    NewestFirst,
}

/// Whether to read on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flow {
    On,
    Enough,
}

/// Reads the calls of a range, until `each` has enough.
pub fn each_row(
    conn: &Connection,
    range: Range,
    order: Order,
    mut each: impl FnMut(&Stored<'_>) -> ReadResult<Flow>,
) -> ReadResult<()> {
    let direction = if order == Order::NewestFirst { "DESC" } else { "ASC" };
    let sql = format!(
        "SELECT {COLUMNS} FROM call c WHERE c.ts_us >= ?1 AND c.ts_us < ?2 ORDER BY c.ts_us {direction}, c.id {direction}"
    );
    let mut select = conn.prepare_cached(&sql)?;
    let mut rows = select.query([range.since_us, range.until_us])?;
    while let Some(row) = rows.next()? {
        if each(&Stored::of(row)?)? == Flow::Enough {
            break;
        }
    }
    Ok(())
}

/// Reads of the calls of a range what sums are made of: their series, measures and ids, in no particular order.
pub fn each_facts(
    conn: &Connection,
    range: Range,
    mut each: impl FnMut(u32, &Facts<'_>) -> ReadResult<()>,
) -> ReadResult<()> {
    let mut select = conn.prepare_cached("SELECT series, facts FROM call WHERE ts_us >= ?1 AND ts_us < ?2")?;
    let mut rows = select.query([range.since_us, range.until_us])?;
    while let Some(row) = rows.next()? {
        each(row.get(0)?, &facts(row, 1)?)?;
    }
    Ok(())
}

fn facts<'r>(row: &'r Row<'_>, column: usize) -> ReadResult<Facts<'r>> {
    let facts = row.get_ref(column)?.as_blob().ok().and_then(Facts::read);
    facts.ok_or(ReadError::Damaged("a call does not read"))
}

/// The measures of a call of a series.
pub fn sample(context: &Context, series: u32, facts: &Facts<'_>) -> Sample {
    facts.sample(context.series.key(Who::Series(series)).map(|k| k.outcome).unwrap_or_default())
}

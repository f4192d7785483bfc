//! Rows of calls: their measures, their ids, and the whole record.

use super::series::Who;
use crate::batch::{Attrs, unpack_id};
use crate::event::Call;
use crate::snapshot::Record;
use crate::stats::acc::Sample;
use crate::view::{Range, RecordKey};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, Row};
use std::borrow::Cow;

use super::context::Context;
use super::read_error::ReadResult;

/// The columns every reading of rows selects, in this order.
pub const COLUMNS: &str = "c.ts_us, c.id, c.series, c.source, c.text, c.attrs, c.input_tokens, c.output_tokens, \
    c.cached_input_tokens, c.cache_write_tokens, c.reasoning_tokens, c.latency_us, c.ttft_us, c.queue_us, c.network_us, \
    c.cost_nusd, c.retries, c.user_id, c.session_id, c.request_id, c.trace_id, c.span_id, c.parent_id, c.cache_write_1h_tokens";

/// Which columns are read; those that are not read are NULL at their place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Columns {
    /// All of them.
    All,
    /// The measures.
    Measures,
    /// The measures, the source, the user and the session.
    Members,
}

impl Columns {
    fn sql(self) -> String {
        let skipped: &[usize] = match self {
            Columns::All => &[],
            Columns::Measures => &[1, 3, 4, 5, 17, 18, 19, 20, 21, 22, 23],
            Columns::Members => &[1, 4, 5, 19, 20, 21, 22, 23],
        };
        let names = COLUMNS.split(", ").enumerate();
        names.map(|(i, name)| if skipped.contains(&i) { "NULL" } else { name }).collect::<Vec<_>>().join(", ")
    }
}

/// Index of each of them that is asked for by itself.
pub mod column {
    pub const TEXT: usize = 4;
    pub const ATTRS: usize = 5;
    pub const INPUT: usize = 6;
    pub const OUTPUT: usize = 7;
    pub const LATENCY: usize = 11;
    pub const TTFT: usize = 12;
    pub const COST: usize = 15;
    pub const USER: usize = 17;
    pub const SESSION: usize = 18;
    pub const REQUEST: usize = 19;
    pub const TRACE: usize = 20;
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

/// Reads the rows of a range, until `each` has enough.
pub fn each_row(
    conn: &Connection,
    range: Range,
    order: Order,
    columns: Columns,
    mut each: impl FnMut(&Row<'_>) -> ReadResult<Flow>,
) -> ReadResult<()> {
    let direction = if order == Order::NewestFirst { "DESC" } else { "ASC" };
    let sql = format!(
        "SELECT {} FROM call c WHERE c.ts_us >= ?1 AND c.ts_us < ?2 ORDER BY c.ts_us {direction}, c.id {direction}",
        columns.sql()
    );
    let mut select = conn.prepare_cached(&sql)?;
    let mut rows = select.query([range.since_us, range.until_us])?;
    while let Some(row) = rows.next()? {
        if each(row)? == Flow::Enough {
            break;
        }
    }
    Ok(())
}

/// A row's key.
pub fn key(row: &Row<'_>) -> rusqlite::Result<RecordKey> {
    Ok(RecordKey { ts_us: row.get(0)?, id: row.get(1)? })
}

/// A row's own series.
pub fn series(row: &Row<'_>) -> rusqlite::Result<u32> {
    row.get(2)
}

/// A number, if known.
#[inline]
pub fn number(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<i64>> {
    Ok(match row.get_ref(column)? {
        ValueRef::Integer(n) => Some(n),
        _ => None,
    })
}

#[inline]
fn unsigned(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<u64>> {
    Ok(number(row, column)?.and_then(|n| u64::try_from(n).ok()))
}

/// A row's measures.
pub fn sample(row: &Row<'_>, context: &Context) -> rusqlite::Result<Sample> {
    Ok(Sample {
        outcome: context.series.key(Who::Series(series(row)?)).map(|k| k.outcome).unwrap_or_default(),
        input_tokens: unsigned(row, column::INPUT)?,
        output_tokens: unsigned(row, column::OUTPUT)?,
        cached_input_tokens: unsigned(row, 8)?,
        cache_write_tokens: unsigned(row, 9)?,
        reasoning_tokens: unsigned(row, 10)?,
        latency_us: unsigned(row, column::LATENCY)?,
        ttft_us: unsigned(row, column::TTFT)?,
        queue_us: unsigned(row, 13)?,
        network_us: unsigned(row, 14)?,
        cost_nusd: number(row, column::COST)?,
        retries: unsigned(row, 16)?.map(|r| u32::try_from(r).unwrap_or(u32::MAX)),
    })
}

/// An id, unpacked.
pub fn id_text<'r>(row: &'r Row<'_>, column: usize) -> rusqlite::Result<Option<Cow<'r, str>>> {
    Ok(match row.get_ref(column)? {
        ValueRef::Text(text) => Some(String::from_utf8_lossy(text)),
        ValueRef::Blob(packed) => unpack_id(packed).map(Cow::Owned),
        _ => None,
    })
}

/// The whole record but its text.
pub fn record(row: &Row<'_>, context: &Context) -> ReadResult<Record> {
    let series = context.series.key(Who::Series(series(row)?)).cloned().unwrap_or_default();
    let own = |t: Option<Box<str>>| t.map(|t| Cow::Owned(t.into_string()));
    let [provider, model, operation, app, environment, host, variant] = series.dims.map(own);
    let id = |column| -> rusqlite::Result<Option<Cow<'static, str>>> {
        Ok(id_text(row, column)?.map(|t| Cow::Owned(t.into_owned())))
    };
    let key = key(row)?;
    let sample = sample(row, context)?;
    let mut call = Call {
        ts_us: Some(key.ts_us),
        outcome: series.outcome,
        provider,
        model,
        operation,
        app,
        environment,
        host,
        variant,
        input_tokens: sample.input_tokens,
        output_tokens: sample.output_tokens,
        cached_input_tokens: sample.cached_input_tokens,
        cache_write_tokens: sample.cache_write_tokens,
        cache_write_1h_tokens: unsigned(row, 23)?,
        reasoning_tokens: sample.reasoning_tokens,
        latency_us: sample.latency_us,
        ttft_us: sample.ttft_us,
        queue_us: sample.queue_us,
        network_us: sample.network_us,
        cost_nusd: sample.cost_nusd,
        retries: sample.retries,
        user_id: id(column::USER)?,
        session_id: id(column::SESSION)?,
        request_id: id(column::REQUEST)?,
        trace_id: id(column::TRACE)?,
        span_id: id(21)?,
        parent_id: id(22)?,
        ..Call::default()
    };
    attrs(row, context)?.restore(&mut call);
    Ok(Record { ts_us: key.ts_us, id: key.id, source: context.source(row.get(3)?)?, call, text_expired: false })
}

/// The attributes of a row.
pub fn attrs(row: &Row<'_>, context: &Context) -> ReadResult<Attrs> {
    match row.get_ref(column::ATTRS)? {
        ValueRef::Integer(id) => context.attrs(id),
        ValueRef::Text(json) => Ok(serde_json::from_slice(json).unwrap_or_default()),
        _ => Ok(Attrs::default()),
    }
}

//! Single records: a page of the newest, one by its key, all of a range for an export.

use super::context::Context;
use super::pace::Pace;
use super::read_error::{ReadError, ReadResult};
use super::row::{self, COLUMNS, Flow, Order, Stored};
use super::series::Passing;
use super::subject::passes;
use crate::format::write;
use crate::snapshot::Record;
use crate::store::Watch;
use crate::view::{Filter, Range, RecordKey};
use rusqlite::{Connection, OptionalExtension, Row};
use std::borrow::Cow;
use std::io::Write;

/// A record with its text.
fn whole(call: &Stored<'_>, context: &Context) -> ReadResult<Record> {
    Bare::of(call, context)?.finish(context)
}

/// A record without what is kept apart from its row, and the number of its text.
struct Bare {
    record: Record,
    text: Option<i64>,
}

impl Bare {
    fn of(call: &Stored<'_>, context: &Context) -> ReadResult<Bare> {
        Ok(Bare { record: call.record(context)?, text: call.text()? })
    }

    /// Puts its text in, once; how many bytes.
    fn put_text(&mut self, context: &Context) -> ReadResult<usize> {
        let Some(text) = self.text.take() else { return Ok(0) };
        let call = &mut self.record.call;
        self.record.text_expired = !context.text(text, call)?;
        let texts =
            [&call.prompt_preview, &call.prompt, &call.response, &call.tool_calls, &call.guardrail, &call.gateway];
        Ok(texts.into_iter().flatten().map(|text| text.len()).sum())
    }

    fn finish(mut self, context: &Context) -> ReadResult<Record> {
        self.put_text(context)?;
        // Calls that went well may have one too.
        let message = context.error_message(self.record.ts_us, self.record.id)?;
        self.record.call.error_message = message.map(Cow::Owned);
        Ok(self.record)
    }
}

/// How many records are exported together, and how much of their texts is read ahead, bytes.
const TOGETHER: (usize, usize) = (32_768, 64 << 20);

/// Writes records in their order. Their texts are read in the order of the blocks, as far as there is room: a log that is
/// not in order of time would have a block opened for each.
fn write_together(context: &Context, records: &mut Vec<Bare>, out: &mut dyn Write) -> ReadResult<u64> {
    let mut by_text: Vec<usize> = (0..records.len()).collect();
    by_text.sort_unstable_by_key(|at| records[*at].text);
    let mut bytes = 0;
    for at in by_text {
        if bytes < TOGETHER.1 {
            bytes += records[at].put_text(context)?;
        }
    }
    let mut written = 0;
    for bare in records.drain(..) {
        let record = bare.finish(context)?;
        write::call(&record.call, record.id, out).map_err(ReadError::Output)?;
        written += 1;
    }
    Ok(written)
}

/// The newest records of a range that a filter lets through, below `before`; newest first. Also how far back they
/// reach, µs: the range's start where all of it was looked at.
pub fn page(
    context: &Context,
    range: Range,
    before: Option<RecordKey>,
    (filter, passing): (&Filter, &Passing),
    count: usize,
    watch: &dyn Watch,
) -> ReadResult<Vec<Record>> {
    let mut records = Vec::with_capacity(count.min(1_000));
    let until_us = before.map_or(range.until_us, |b| range.until_us.min(b.ts_us.saturating_add(1)));
    let mut pace = Pace::of(watch);
    row::each_row(&context.conn, Range { until_us, ..range }, Order::NewestFirst, |call| {
        pace.step()?;
        if before.is_some_and(|b| call.key >= b) || !passes(filter, passing, call, context)? {
            return Ok(Flow::On);
        }
        records.push(whole(call, context)?);
        Ok(if records.len() >= count { Flow::Enough } else { Flow::On })
    })?;
    Ok(records)
}

/// One record by its key.
pub fn one(context: &Context, key: RecordKey) -> ReadResult<Option<Record>> {
    let sql = format!("SELECT {COLUMNS} FROM call c WHERE c.ts_us = ?1 AND c.id = ?2");
    let mut select = context.conn.prepare_cached(&sql)?;
    let mut rows = select.query([key.ts_us, key.id])?;
    rows.next()?.map(|row| whole(&Stored::of(row)?, context)).transpose()
}

/// Calls `each` with the calls of a range that a filter lets through, oldest first, without their text; how many.
pub fn each(
    context: &Context,
    range: Range,
    (filter, passing): (&Filter, &Passing),
    each: &mut dyn FnMut(&Record),
) -> ReadResult<u64> {
    let mut read = 0;
    row::each_row(&context.conn, range, Order::OldestFirst, |call| {
        if passes(filter, passing, call, context)? {
            each(&call.record(context)?);
            read += 1;
        }
        Ok(Flow::On)
    })?;
    Ok(read)
}

/// Writes the events of a range as native lines, oldest first within each kind; how many. Spans and scores have nothing
/// most filters ask for, so they are written only where the filter is empty.
pub fn export(
    context: &Context,
    range: Range,
    (filter, passing): (&Filter, &Passing),
    out: &mut dyn Write,
) -> ReadResult<u64> {
    let mut written = 0;
    let mut together = Vec::new();
    row::each_row(&context.conn, range, Order::OldestFirst, |call| {
        if passes(filter, passing, call, context)? {
            together.push(Bare::of(call, context)?);
        }
        if together.len() >= TOGETHER.0 {
            written += write_together(context, &mut together, out)?;
        }
        Ok(Flow::On)
    })?;
    written += write_together(context, &mut together, out)?;
    if filter.is_empty() {
        written += spans(&context.conn, range, out)?;
        written += scores(&context.conn, range, out)?;
    }
    Ok(written)
}

type Owned = Option<Cow<'static, str>>;

fn text(row: &Row<'_>, column: &str) -> rusqlite::Result<Owned> {
    Ok(row.get::<_, Option<String>>(column)?.map(Cow::Owned))
}

fn spans(conn: &Connection, range: Range, out: &mut dyn Write) -> ReadResult<u64> {
    let mut select = conn.prepare("SELECT * FROM span WHERE ts_us >= ?1 AND ts_us < ?2 ORDER BY ts_us, id")?;
    let mut rows = select.query([range.since_us, range.until_us])?;
    let mut written = 0;
    while let Some(row) = rows.next()? {
        let kind: String = row.get("kind")?;
        let span = crate::event::SpanEvent {
            ts_us: row.get("ts_us")?,
            identity: None,
            kind: crate::event::SpanKind::from_word(&kind).ok_or(ReadError::Damaged("a span's kind is unknown"))?,
            name: text(row, "name")?,
            trace_id: text(row, "trace_id")?,
            span_id: text(row, "span_id")?,
            parent_id: text(row, "parent_id")?,
            user_id: text(row, "user_id")?,
            session_id: text(row, "session_id")?,
            latency_us: row.get("latency_us")?,
            ok: row.get("ok")?,
            error_message: text(row, "error_message")?,
            attrs: text(row, "attrs")?,
        };
        write::span(&span, row.get("id")?, out).map_err(ReadError::Output)?;
        written += 1;
    }
    Ok(written)
}

fn scores(conn: &Connection, range: Range, out: &mut dyn Write) -> ReadResult<u64> {
    let mut select = conn.prepare("SELECT * FROM score WHERE ts_us >= ?1 AND ts_us < ?2 ORDER BY ts_us, id")?;
    let mut rows = select.query([range.since_us, range.until_us])?;
    let mut written = 0;
    while let Some(row) = rows.next()? {
        let judge: Option<String> = row.get("judge")?;
        let score = crate::event::ScoreEvent {
            ts_us: row.get("ts_us")?,
            score_id: text(row, "score_id")?,
            identity: None,
            name: Cow::Owned(row.get("name")?),
            value: row.get("value")?,
            source: judge.as_deref().and_then(crate::event::ScoreSource::from_word),
            request_id: text(row, "request_id")?,
            trace_id: text(row, "trace_id")?,
            user_id: text(row, "user_id")?,
            comment: text(row, "comment")?,
        };
        write::score(&score, row.get("id")?, out).map_err(ReadError::Output)?;
        written += 1;
    }
    Ok(written)
}

/// Time of the newest call at or before a time.
pub fn newest_until(conn: &Connection, until_us: i64) -> rusqlite::Result<Option<i64>> {
    conn.prepare_cached("SELECT ts_us FROM call WHERE ts_us <= ?1 ORDER BY ts_us DESC LIMIT 1")?
        .query_row([until_us], |row| row.get(0))
        .optional()
}

//! What the store knows of itself: its first and last call, what is kept, what it holds, what became of every line.

use super::context::Context;
use super::plan::Horizon;
use super::read_error::ReadResult;
use super::records;
use crate::snapshot::{Accounting, Holdings, SourceInfo};
use crate::store::sqlite::ledger;
use crate::view::{Span, Window};

/// Calls dated further ahead than this do not move the end of an automatic window.
const FUTURE_US: i64 = 300_000_000;

/// First and last time that count for a window: everything for the whole store, else what is not in the future.
pub fn bounds(context: &Context, window: Window, now_us: i64) -> ReadResult<Option<(i64, i64)>> {
    let first = ledger::counter(&context.conn, "first_us")?;
    let last = ledger::counter(&context.conn, "last_us")?;
    let (Some(first), Some(last)) = (first, last) else { return Ok(None) };
    let latest = now_us.saturating_add(FUTURE_US);
    if window.span == Span::All || last <= latest {
        return Ok(Some((first, last)));
    }
    Ok(Some((first, records::newest_until(&context.conn, latest)?.unwrap_or(last))))
}

/// From which times on single calls and fine rollups are kept.
pub fn horizon(context: &Context) -> ReadResult<Horizon> {
    let at = |name| ledger::counter(&context.conn, name);
    Ok(Horizon { rows_us: at("rows_since_us")?.unwrap_or(i64::MIN), fine_us: at("fine_since_us")?.unwrap_or(i64::MIN) })
}

fn count(context: &Context, name: &str) -> ReadResult<u64> {
    Ok(ledger::counter(&context.conn, name)?.and_then(|n| u64::try_from(n).ok()).unwrap_or_default())
}

/// What the store holds.
pub fn holdings(context: &Context) -> ReadResult<Holdings> {
    let mut select = context.conn.prepare_cached("SELECT name, read, accepted, bytes FROM source ORDER BY name")?;
    let sources = select.query_map([], |row| {
        Ok(SourceInfo { name: row.get(0)?, read: row.get(1)?, accepted: row.get(2)?, bytes: row.get(3)? })
    })?;
    let first = ledger::counter(&context.conn, "first_us")?;
    let last = ledger::counter(&context.conn, "last_us")?;
    Ok(Holdings {
        calls: count(context, "calls")?,
        bounds: first.zip(last),
        sources: sources.collect::<rusqlite::Result<_>>()?,
        folded_series: context.series.folded,
    })
}

/// What became of every line.
pub fn accounting(context: &Context) -> ReadResult<Accounting> {
    let sums = "SELECT coalesce(sum(read), 0), coalesce(sum(accepted), 0), coalesce(sum(duplicate), 0), \
                coalesce(sum(skipped), 0), coalesce(sum(rejected), 0) FROM source";
    let mut books = context.conn.prepare_cached(sums)?.query_row([], |row| {
        Ok(Accounting {
            read: row.get(0)?,
            accepted: row.get(1)?,
            duplicate: row.get(2)?,
            skipped: row.get(3)?,
            rejected: row.get(4)?,
            ..Accounting::default()
        })
    })?;
    books.reasons = ledger::rejections(&context.conn)?;
    books.examples = ledger::examples(&context.conn)?;
    books.skipped_like = ledger::skipped_like(&context.conn)?;
    books.future = count(context, "future")?;
    books.unpriced = count(context, "unpriced")?;
    Ok(books)
}

//! What the store holds, and the books of what was read into it.

use super::context::Context;
use super::read_error::ReadResult;
use crate::snapshot::{Accounting, Holdings, SourceInfo};
use crate::store::sqlite::ledger;

fn count(context: &Context, name: &str) -> ReadResult<u64> {
    Ok(ledger::counter(&context.conn, name)?.and_then(|n| u64::try_from(n).ok()).unwrap_or_default())
}

/// What the store holds, whatever the window.
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

/// What became of every line read.
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

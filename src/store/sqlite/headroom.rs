//! What gateways know of providers' limits: of each upstream, key and model the newest.

use crate::event::LimitEvent;
use crate::view::Range;
use rusqlite::{Connection, params};

/// What was said longer ago says nothing of now, µs.
const FRESH_US: i64 = 15 * 60_000_000;

/// A window that ends with its newest call may end so long before what was said after that, µs.
const AFTER_US: i64 = 60_000_000;

/// What was said longer before the newest is deleted, µs: models and keys come and go.
const KEPT_US: i64 = 7 * 86_400_000_000;

/// Writes one that is newer than what is there; whether it was, or nothing where it is as old as what is deleted.
pub fn write(tx: &Connection, ts_us: i64, limit: &LimitEvent) -> rusqlite::Result<Option<bool>> {
    let json = serde_json::to_string(limit).map_err(|e| rusqlite::Error::ToSqlConversionFailure(e.into()))?;
    let new = tx
        .prepare_cached(
            "INSERT INTO headroom VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO UPDATE \
             SET ts_us = excluded.ts_us, json = excluded.json WHERE excluded.ts_us > ts_us",
        )?
        .execute(params![limit.upstream, limit.key, limit.model, ts_us, json])?;
    if new == 1 {
        tx.prepare_cached("DELETE FROM headroom WHERE ts_us < ?1")?.execute([ts_us.saturating_sub(KEPT_US)])?;
    }
    Ok(Some(new == 1))
}

/// What was known at the end of a range, the least room first.
pub fn read(conn: &Connection, range: Range) -> rusqlite::Result<Vec<LimitEvent>> {
    let since_us = range.until_us.saturating_sub(FRESH_US);
    let mut select =
        conn.prepare_cached("SELECT ts_us, json FROM headroom WHERE ts_us >= ?1 AND ts_us <= ?2 ORDER BY ts_us DESC")?;
    let of = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get::<_, String>(1)?));
    let rows = select
        .query_map([since_us, range.until_us.saturating_add(AFTER_US)], of)?
        .collect::<rusqlite::Result<Vec<(i64, String)>>>()?;
    let read = |(ts_us, json): (i64, String)| {
        let limit: LimitEvent = serde_json::from_str(&json).ok()?;
        Some(LimitEvent { ts_us: Some(ts_us), ..limit })
    };
    let mut limits: Vec<LimitEvent> = rows.into_iter().filter_map(read).collect();
    let room = |limit: &LimitEvent| limit.headroom().unwrap_or(2.0);
    limits.sort_by(|a, b| room(a).total_cmp(&room(b)).then_with(|| a.model.cmp(&b.model)));
    Ok(limits)
}

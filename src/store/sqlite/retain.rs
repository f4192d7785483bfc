//! Retention: text goes first, then rows, then fine rollups; the day tier stays.

use super::rollup::Tier;
use crate::store::{Retained, Retention};
use rusqlite::{Connection, TransactionBehavior};

/// Deletes what is older than its age.
pub fn retain(conn: &mut Connection, ages: Retention, now_us: i64) -> rusqlite::Result<Retained> {
    let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut did = Retained::default();
    let before = |age: Option<i64>| age.map(|age| now_us.saturating_sub(age));
    // Blocks that go take their numbers with them.
    let highest: i64 = tx.query_row("SELECT coalesce(max(id), 0) FROM text_block", [], |row| row.get(0))?;
    note_highest(&tx, "text_blocks", highest)?;
    if let Some(cut) = before(ages.text_us) {
        did.text_blocks += tx.execute("DELETE FROM text_block WHERE last_us < ?1", [cut])? as u64;
    }
    if let Some(cut) = before(ages.rows_us) {
        for table in ["call", "error", "span", "score"] {
            did.rows += tx.execute(&format!("DELETE FROM {table} WHERE ts_us < ?1"), [cut])? as u64;
        }
        did.text_blocks += tx.execute("DELETE FROM text_block WHERE last_us < ?1", [cut])? as u64;
        note_highest(&tx, "rows_since_us", cut)?;
    }
    if let Some(cut) = before(ages.fine_us) {
        for tier in [Tier::Minute, Tier::Hour, Tier::SixHours] {
            // Only buckets that lie before the cut as a whole, and whole days, so that no tier begins inside another's bucket.
            let day = cut.div_euclid(Tier::Day.len_us()) * Tier::Day.len_us();
            let bucket = day.div_euclid(tier.len_us());
            did.rollups +=
                tx.execute("DELETE FROM rollup WHERE tier = ?1 AND bucket < ?2", (tier as u8, bucket))? as u64;
        }
        let day = cut.div_euclid(Tier::Day.len_us()) * Tier::Day.len_us();
        tx.execute("DELETE FROM member WHERE hour < ?1", [day.div_euclid(Tier::Hour.len_us())])?;
        note_highest(&tx, "fine_since_us", day)?;
    }
    tx.commit()?;
    Ok(did)
}

fn note_highest(conn: &Connection, name: &str, value: i64) -> rusqlite::Result<()> {
    conn.execute(
        "INSERT INTO counter VALUES (?1, ?2) ON CONFLICT DO UPDATE SET value = max(value, excluded.value)",
        (name, value),
    )?;
    Ok(())
}

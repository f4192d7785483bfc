//! Retention, by age and by size: text goes first, then rows, then fine rollups, the oldest first; the day tier stays.

use super::rollup::{Tier, shelf, shelves};
use crate::store::{Retained, Retention};
use rusqlite::{Connection, Transaction, TransactionBehavior};

const HOUR_US: i64 = Tier::Hour.len_us();
const DAY_US: i64 = Tier::Day.len_us();

/// Stores that hold more than so much are cut by days instead of hours.
const LONG_US: i64 = 31 * DAY_US;

/// Tables of single events, by their time.
const ROWS: [&str; 4] = ["call", "error", "span", "score"];

/// Tiers that go at last.
const FINE: [Tier; 3] = [Tier::Minute, Tier::Hour, Tier::SixHours];

/// Deletes what is older than its age, then what is too much.
pub fn retain(conn: &mut Connection, keep: Retention, now_us: i64) -> rusqlite::Result<Retained> {
    let mut did = Retained::default();
    let cuts = [(Part::Text, keep.text_us), (Part::Rows, keep.rows_us), (Part::Fine, keep.fine_us)];
    for (part, age) in cuts.into_iter().filter_map(|(part, age)| Some((part, age?))) {
        delete(conn, part, now_us.saturating_sub(age), &mut did)?;
    }
    if let Some(most) = keep.size {
        shrink(conn, most, &mut did)?;
    }
    Ok(did)
}

/// What is deleted together, in the order in which it goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Text,
    Rows,
    Fine,
}

/// Deletes what lies before a time, in one transaction.
fn delete(conn: &mut Connection, part: Part, cut: i64, did: &mut Retained) -> rusqlite::Result<()> {
    let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
    match part {
        Part::Text => did.text_blocks += delete_text(&tx, cut)?,
        Part::Rows => {
            for table in ROWS {
                did.rows += tx.execute(&format!("DELETE FROM {table} WHERE ts_us < ?1"), [cut])? as u64;
            }
            tx.execute("DELETE FROM score_target WHERE ts_us < ?1", [cut])?;
            super::ids::delete_before(&tx, cut)?;
            did.text_blocks += delete_text(&tx, cut)?;
            note_horizon(&tx, "rows_since_us", cut)?;
        }
        Part::Fine => did.rollups += delete_fine(&tx, cut)?,
    }
    tx.commit()
}

/// The block of the highest number is emptied instead: numbers that calls refer to are never given again.
fn delete_text(tx: &Transaction<'_>, cut: i64) -> rusqlite::Result<u64> {
    let last = "(SELECT max(id) FROM text_block)";
    let gone = tx.execute(&format!("DELETE FROM text_block WHERE last_us < ?1 AND id < {last}"), [cut])?;
    let empty = format!("UPDATE text_block SET data = x'' WHERE id = {last} AND last_us < ?1 AND length(data) > 0");
    Ok((gone + tx.execute(&empty, [cut])?) as u64)
}

/// Only buckets that lie before the cut as a whole, and whole days, so that no tier begins inside another's bucket.
fn delete_fine(tx: &Transaction<'_>, cut: i64) -> rusqlite::Result<u64> {
    let day = floor(cut, DAY_US);
    let mut gone = 0;
    for tier in FINE {
        let bucket = day.div_euclid(tier.len_us());
        for shelf in shelves(tier) {
            gone += tx.execute("DELETE FROM rollup WHERE tier = ?1 AND bucket < ?2", (shelf, bucket))?;
        }
    }
    tx.execute("DELETE FROM member WHERE hour < ?1", [day.div_euclid(HOUR_US)])?;
    tx.execute("DELETE FROM unit_run WHERE day < ?1", [day.div_euclid(DAY_US)])?;
    note_horizon(tx, "fine_since_us", day)?;
    Ok(gone as u64)
}

fn note_horizon(conn: &Connection, name: &str, cut: i64) -> rusqlite::Result<()> {
    conn.execute(
        "INSERT INTO counter VALUES (?1, ?2) ON CONFLICT DO UPDATE SET value = max(value, excluded.value)",
        (name, cut),
    )?;
    Ok(())
}

/// Deletes the oldest until nine tenths of `most` bytes are in use. It begins a little below `most`, so that the file, which
/// uses freed pages again but does not shrink by itself, stays below it; one that is above all the same is packed anew.
fn shrink(conn: &mut Connection, most: u64, did: &mut Retained) -> rusqlite::Result<()> {
    let (begin, enough) = (most / 20 * 19, most / 10 * 9);
    if Pages::of(conn)?.used() > begin {
        for part in [Part::Text, Part::Rows, Part::Fine] {
            while Pages::of(conn)?.used() > enough
                && let Some(cut) = next_cut(conn, part)?
            {
                delete(conn, part, cut, did)?;
            }
        }
    }
    let pages = Pages::of(conn)?;
    if pages.file() > most && pages.free.saturating_mul(20) >= pages.all {
        // It takes as much room again for a while. Where there is none, the file stays as large as it is.
        let _ = conn.execute_batch("PRAGMA wal_checkpoint(TRUNCATE); VACUUM; PRAGMA wal_checkpoint(TRUNCATE);");
    }
    Ok(())
}

/// The pages of the file.
#[derive(Debug, Clone, Copy)]
struct Pages {
    all: u64,
    free: u64,
    bytes: u64,
}

impl Pages {
    fn of(conn: &Connection) -> rusqlite::Result<Pages> {
        let ask = |pragma: &str| conn.query_row(pragma, [], |row| row.get(0));
        Ok(Pages {
            all: ask("PRAGMA page_count")?,
            free: ask("PRAGMA freelist_count")?,
            bytes: ask("PRAGMA page_size")?,
        })
    }

    fn file(self) -> u64 {
        self.all.saturating_mul(self.bytes)
    }

    fn used(self) -> u64 {
        self.all.saturating_sub(self.free).saturating_mul(self.bytes)
    }
}

/// The end of the oldest hour or day there is of something; `None` where only the newest is left, which stays.
fn next_cut(conn: &Connection, part: Part) -> rusqlite::Result<Option<i64>> {
    let Some((oldest, newest)) = bounds(conn, part)? else { return Ok(None) };
    let long = part == Part::Fine || newest.saturating_sub(oldest) > LONG_US;
    let unit = if long { DAY_US } else { HOUR_US };
    let cut = floor(oldest, unit).saturating_add(unit);
    Ok((cut <= newest).then_some(cut))
}

/// The oldest and the newest time of something, µs.
fn bounds(conn: &Connection, part: Part) -> rusqlite::Result<Option<(i64, i64)>> {
    let ask = |sql: &str, unit_us: i64| -> rusqlite::Result<Option<(i64, i64)>> {
        // Two questions in one, each answered from one end of the key.
        let (low, high): (Option<i64>, Option<i64>) = conn.query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(low.zip(high).map(|(low, high)| (low.saturating_mul(unit_us), high.saturating_mul(unit_us))))
    };
    let ends = |table: &str, column: &str, of: &str| {
        format!("SELECT (SELECT min({column}) FROM {table} {of}), (SELECT max({column}) FROM {table} {of})")
    };
    let mut found = Vec::new();
    match part {
        Part::Text => found.push(ask(&ends("text_block", "last_us", "WHERE length(data) > 0"), 1)?),
        Part::Rows => {
            for table in ROWS {
                found.push(ask(&ends(table, "ts_us", ""), 1)?);
            }
        }
        Part::Fine => {
            for tier in FINE {
                // What is of lanes is of everything together.
                let of = format!("WHERE tier = {}", shelf(tier, 0));
                found.push(ask(&ends("rollup", "bucket", &of), tier.len_us())?);
            }
        }
    }
    Ok(found.into_iter().flatten().reduce(|(a, b), (c, d)| (a.min(c), b.max(d))))
}

fn floor(ts_us: i64, unit_us: i64) -> i64 {
    ts_us.div_euclid(unit_us).saturating_mul(unit_us)
}

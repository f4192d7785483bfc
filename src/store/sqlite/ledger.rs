//! The books: lines by source and reason, totals of the store, how far files are done.

use super::dict::Dicts;
use crate::batch::{Batch, Checkpoint, LineCounts};
use crate::event::Reason;
use crate::snapshot::{Rejected, Skipped};
use crate::store::Appended;
use rusqlite::{Connection, OptionalExtension, params};

/// What a transaction adds to the totals of the store.
#[derive(Debug, Default)]
pub struct Totals {
    pub calls: i64,
    pub spans: i64,
    pub scores: i64,
    pub future: i64,
    pub unpriced: i64,
    pub first_us: Option<i64>,
    pub last_us: Option<i64>,
}

impl Totals {
    /// Notes an accepted call: its time, whether it has no cost, and from which time on it lies in the future.
    pub fn note(&mut self, ts_us: i64, unpriced: bool, future_us: i64) {
        self.calls += 1;
        self.unpriced += i64::from(unpriced);
        self.future += i64::from(ts_us > future_us);
        self.first_us = Some(self.first_us.map_or(ts_us, |t| t.min(ts_us)));
        self.last_us = Some(self.last_us.map_or(ts_us, |t| t.max(ts_us)));
    }

    /// Adds to the totals in the store.
    pub fn write(&self, conn: &Connection) -> rusqlite::Result<()> {
        let mut add = conn.prepare_cached(
            "INSERT INTO counter (name, value) VALUES (?1, ?2) ON CONFLICT DO UPDATE SET value = value + excluded.value",
        )?;
        let sums = [
            ("calls", self.calls),
            ("spans", self.spans),
            ("scores", self.scores),
            ("future", self.future),
            ("unpriced", self.unpriced),
        ];
        for (name, value) in sums.into_iter().filter(|(_, v)| *v != 0) {
            add.execute(params![name, value])?;
        }
        if let (Some(first), Some(last)) = (self.first_us, self.last_us) {
            conn.prepare_cached(
                "INSERT INTO counter VALUES ('first_us', ?1) ON CONFLICT DO UPDATE SET value = min(value, excluded.value)",
            )?
            .execute([first])?;
            conn.prepare_cached(
                "INSERT INTO counter VALUES ('last_us', ?1) ON CONFLICT DO UPDATE SET value = max(value, excluded.value)",
            )?
            .execute([last])?;
        }
        Ok(())
    }
}

/// From which time on single events are kept, µs.
pub fn rows_since_us(conn: &Connection) -> rusqlite::Result<i64> {
    let since = conn
        .prepare_cached("SELECT value FROM counter WHERE name = 'rows_since_us'")?
        .query_row([], |row| row.get(0))
        .optional()?;
    Ok(since.unwrap_or(i64::MIN))
}

/// Adds a batch's lines to the books.
pub fn count_lines(conn: &Connection, dicts: &mut Dicts, batch: &Batch, did: Appended) -> rusqlite::Result<()> {
    let counts = &batch.counts;
    let expired = (did.expired > 0).then_some((Reason::Expired, did.expired));
    let reasons: Vec<(Reason, u64)> = counts.rejected.iter().copied().chain(expired).collect();
    let rejected: u64 = reasons.iter().map(|(_, n)| n).sum();
    let id = dicts.source(conn, &batch.source)?;
    conn.prepare_cached(
        "UPDATE source SET read = read + ?2, accepted = accepted + ?3, duplicate = duplicate + ?4, \
         skipped = skipped + ?5, rejected = rejected + ?6, bytes = bytes + ?7 WHERE id = ?1",
    )?
    .execute(params![id, counts.read, did.accepted, did.duplicate, counts.skipped, rejected, counts.bytes])?;
    for (reason, lines) in &reasons {
        conn.prepare_cached(
            "INSERT INTO rejection (reason, lines) VALUES (?1, ?2) ON CONFLICT DO UPDATE SET lines = lines + excluded.lines",
        )?
        .execute(params![reason.word(), lines])?;
    }
    keep_examples(conn, counts)
}

/// What an example of a skipped line stands under, where others have their reason.
const SKIPPED: &str = "skipped";

fn keep_examples(conn: &Connection, counts: &LineCounts) -> rusqlite::Result<()> {
    let most = LineCounts::EXAMPLES as i64;
    let skipped = counts.skipped_like.iter().map(|s| (SKIPPED, &s.source, s.offset, &s.shape, 1));
    let rejected = counts.examples.iter().map(|e| (e.reason.word(), &e.source, e.offset, &e.snippet, most));
    for (reason, source, offset, snippet, most) in rejected.chain(skipped) {
        conn.prepare_cached(
            "INSERT INTO line_example (reason, source, offset, snippet) SELECT ?1, ?2, ?3, ?4 \
             WHERE (SELECT count(*) FROM line_example WHERE reason = ?1) < ?5",
        )?
        .execute(params![reason, source, offset, snippet, most])?;
    }
    Ok(())
}

/// The first broken lines of each reason. Words of other versions are left out.
pub fn examples(conn: &Connection) -> rusqlite::Result<Vec<Rejected>> {
    let mut select = conn.prepare_cached("SELECT reason, source, offset, snippet FROM line_example ORDER BY id")?;
    let mut rows = select.query([])?;
    let mut list = Vec::new();
    while let Some(row) = rows.next()? {
        let Some(reason) = Reason::from_word(&row.get::<_, String>(0)?) else { continue };
        list.push(Rejected { reason, source: row.get(1)?, offset: row.get(2)?, snippet: row.get(3)? });
    }
    Ok(list)
}

/// The first skipped line that is a JSON object.
pub fn skipped_like(conn: &Connection) -> rusqlite::Result<Option<Skipped>> {
    conn.prepare_cached("SELECT source, offset, snippet FROM line_example WHERE reason = ?1 LIMIT 1")?
        .query_row([SKIPPED], |row| Ok(Skipped { source: row.get(0)?, offset: row.get(1)?, shape: row.get(2)? }))
        .optional()
}

/// Notes how far a file is done. Numbers that SQLite has no type for are stored bit by bit.
pub fn put_checkpoint(conn: &Connection, c: &Checkpoint) -> rusqlite::Result<()> {
    conn.prepare_cached("INSERT OR REPLACE INTO checkpoint VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)")?
        .execute(params![
            c.dev as i64,
            c.ino as i64,
            c.source,
            c.fingerprint as i64,
            c.fingerprint_len,
            c.offset as i64,
            c.size as i64,
            c.mtime_ns,
            c.tail_fingerprint as i64,
            c.unpacked as i64
        ])?;
    Ok(())
}

/// All that is known of how far files are done.
pub fn checkpoints(conn: &Connection) -> rusqlite::Result<Vec<Checkpoint>> {
    let mut select = conn
        .prepare("SELECT source, dev, ino, fingerprint, fingerprint_len, offset, size, mtime_ns, tail_fingerprint, unpacked FROM checkpoint")?;
    let rows = select.query_map([], |row| {
        Ok(Checkpoint {
            source: row.get(0)?,
            dev: row.get::<_, i64>(1)? as u64,
            ino: row.get::<_, i64>(2)? as u64,
            fingerprint: row.get::<_, i64>(3)? as u64,
            fingerprint_len: row.get(4)?,
            offset: row.get::<_, i64>(5)? as u64,
            size: row.get::<_, i64>(6)? as u64,
            mtime_ns: row.get(7)?,
            tail_fingerprint: row.get::<_, i64>(8)? as u64,
            unpacked: row.get::<_, i64>(9)? as u64,
        })
    })?;
    rows.collect()
}

/// A total of the store; `None` where nothing was ever counted.
pub fn counter(conn: &Connection, name: &str) -> rusqlite::Result<Option<i64>> {
    conn.prepare_cached("SELECT value FROM counter WHERE name = ?1")?.query_row([name], |row| row.get(0)).optional()
}

/// Broken lines by reason, most first. Words of other versions are left out of the list, never out of the sums.
pub fn rejections(conn: &Connection) -> rusqlite::Result<Vec<(Reason, u64)>> {
    let mut select = conn.prepare_cached("SELECT reason, lines FROM rejection ORDER BY lines DESC, reason")?;
    let rows = select.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?)))?;
    let mut list = Vec::new();
    for row in rows {
        let (word, lines) = row?;
        if let Some(reason) = Reason::from_word(&word) {
            list.push((reason, lines as u64));
        }
    }
    Ok(list)
}

//! Scores on their way into the store: inserted, then joined to what they judge, in the transaction of whichever comes
//! last. Any order of arrival gives the same store.

mod judged;
mod resolve;
#[cfg(test)]
mod tests;

pub use judged::{Judged, Shared};
pub use resolve::Resolved;

use super::Place;
use super::insert::first_reading;
use super::member::Name;
use crate::batch::{Id, ScoreRow, pack_id};
use crate::store::StoreError;
use crate::view::RecordKey;
use foldhash::HashSet;
use rusqlite::{Connection, OptionalExtension, params};
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// What is known of all scores: the hashes of what they judge, so that a call nobody has judged costs next to nothing.
#[derive(Default)]
pub struct Scored {
    /// How many scores there were when the targets were known; another program may have written more.
    known: Option<i64>,
    targets: HashSet<i64>,
    /// Of calls of this transaction that are judged already.
    met: Vec<i64>,
    /// Scores of this transaction that are new.
    new: Vec<RecordKey>,
}

/// Which id of a call a score judges it by.
const KINDS: [Id; 2] = [Id::Request, Id::Trace];

/// The hash of an id as calls have it.
#[inline]
fn hash_stored(which: Id, (_, bytes): Name<'_>) -> i64 {
    xxh3_64_with_seed(bytes, which as u64) as i64
}

fn hash(which: Id, id: &str) -> i64 {
    let mut packed = [0; 17];
    match pack_id(id, &mut packed) {
        Some(len) => hash_stored(which, (true, &packed[..len])),
        None => hash_stored(which, (false, id.as_bytes())),
    }
}

/// What a score judges: a call by its request id, else a whole trace. Empty ids are none.
fn target<'i>(request: Option<&'i str>, trace: Option<&'i str>) -> Option<(Id, &'i str)> {
    let named = |id: Option<&'i str>| id.filter(|id| !id.is_empty());
    named(request).map(|id| (Id::Request, id)).or_else(|| named(trace).map(|id| (Id::Trace, id)))
}

impl Scored {
    /// Gets ready for a transaction: reads what earlier ones and other programs have left.
    pub fn begin(&mut self, conn: &Connection) -> rusqlite::Result<()> {
        self.met.clear();
        self.new.clear();
        let scores = conn
            .prepare_cached("SELECT value FROM counter WHERE name = 'scores'")?
            .query_row([], |row| row.get(0))
            .optional()?
            .unwrap_or(0);
        if self.known != Some(scores) {
            let mut select = conn.prepare("SELECT DISTINCT hash FROM score_target")?;
            self.targets = select.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
            self.known = Some(scores);
        }
        Ok(())
    }

    /// Notes a new call, if it is judged.
    #[inline]
    pub fn meet<'b>(&mut self, id: impl Fn(Id) -> Name<'b>) {
        if self.targets.is_empty() {
            return;
        }
        for which in KINDS {
            let name = id(which);
            if !name.1.is_empty() {
                let hash = hash_stored(which, name);
                if self.targets.contains(&hash) {
                    self.met.push(hash);
                }
            }
        }
    }

    /// Writes a score; whether it was new, or nothing where it is of a time that is not kept.
    pub fn write(
        &mut self,
        conn: &Connection,
        row: &ScoreRow,
        (source, since_us): (i64, i64),
    ) -> rusqlite::Result<Option<bool>> {
        let ts_us = if row.timed { row.ts_us } else { first_reading(conn, 2, row.id, row.ts_us)? };
        if ts_us < since_us {
            return Ok(None);
        }
        let s = &row.score;
        let new = conn
            .prepare_cached(
                "INSERT OR IGNORE INTO score \
                 (ts_us, id, source, name, value, judge, score_id, request_id, trace_id, user_id, comment) \
                 VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11)",
            )?
            .execute(params![
                ts_us,
                row.id,
                source,
                s.name,
                s.value,
                s.source.map(|j| j.word()),
                s.score_id,
                s.request_id,
                s.trace_id,
                s.user_id,
                s.comment
            ])?;
        self.known = self.known.map(|known| known + new as i64);
        if let Some((which, id)) = target(s.request_id.as_deref(), s.trace_id.as_deref()).filter(|_| new == 1) {
            let hash = hash(which, id);
            put_target(conn, hash, RecordKey { ts_us, id: row.id })?;
            self.targets.insert(hash);
            self.new.push(RecordKey { ts_us, id: row.id });
        }
        Ok(Some(new == 1))
    }

    /// Joins the scores of the transaction, and those that waited for its calls, to what they judge. What follows from
    /// that for others: each score that counts otherwise than before.
    pub fn settle(&mut self, conn: &Connection, place: &Place) -> Result<Vec<Resolved>, StoreError> {
        let mut keys = std::mem::take(&mut self.new);
        self.met.sort_unstable();
        self.met.dedup();
        for hash in self.met.drain(..) {
            keys.extend(of_target(conn, hash).map_err(|e| place.wrap(e))?);
        }
        keys.sort_unstable();
        keys.dedup();
        resolve::resolve(conn, &keys).map_err(|e| e.at(place))
    }
}

fn put_target(conn: &Connection, hash: i64, key: RecordKey) -> rusqlite::Result<()> {
    conn.prepare_cached("INSERT OR IGNORE INTO score_target VALUES (?1, ?2, ?3)")?
        .execute(params![hash, key.ts_us, key.id])
        .map(|_| ())
}

fn of_target(conn: &Connection, hash: i64) -> rusqlite::Result<Vec<RecordKey>> {
    conn.prepare_cached("SELECT ts_us, id FROM score_target WHERE hash = ?1")?
        .query_map([hash], |row| Ok(RecordKey { ts_us: row.get(0)?, id: row.get(1)? }))?
        .collect()
}

/// Joins the scores of a store of the older layout.
pub fn fill(conn: &Connection, place: &Place) -> Result<(), StoreError> {
    /// How many together.
    const TOGETHER: usize = 10_000;
    let sql = |e| place.wrap(e);
    let mut keys = Vec::new();
    let mut select = conn.prepare("SELECT ts_us, id, request_id, trace_id FROM score").map_err(sql)?;
    let mut rows = select.query([]).map_err(sql)?;
    let mut read = || -> rusqlite::Result<()> {
        while let Some(row) = rows.next()? {
            let (request, trace): (Option<String>, Option<String>) = (row.get(2)?, row.get(3)?);
            if let Some((which, id)) = target(request.as_deref(), trace.as_deref()) {
                let key = RecordKey { ts_us: row.get(0)?, id: row.get(1)? };
                put_target(conn, hash(which, id), key)?;
                keys.push(key);
            }
        }
        Ok(())
    };
    read().map_err(sql)?;
    keys.chunks(TOGETHER).try_for_each(|some| resolve::resolve(conn, some).map(drop)).map_err(|e| e.at(place))
}

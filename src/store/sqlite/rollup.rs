//! Rollups in the store: how they are laid out, and adding to them by reading the blob that is there, merging, writing it
//! back. No state outlives a transaction.

use super::Place;
use super::fold::Delta;
use crate::listed::listed;
use crate::stats::acc::{Acc, Depth, Repriced};
use crate::stats::varint;
use crate::store::StoreError;
use rusqlite::{CachedStatement, Connection, OptionalExtension, params};
use std::collections::BTreeMap;

listed! {
    /// A length of time that rollups are kept for. The discriminant is stored.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
    #[repr(u8)]
    pub enum Tier {
        Minute = 0,
        Hour = 1,
        SixHours = 2,
        Day = 3,
    }
}

impl Tier {
    /// Its length, µs.
    pub const fn len_us(self) -> i64 {
        match self {
            Tier::Minute => 60_000_000,
            Tier::Hour => 3_600_000_000,
            Tier::SixHours => 21_600_000_000,
            Tier::Day => 86_400_000_000,
        }
    }
}

/// How many lanes share a blob.
pub const CHUNK: u32 = 16;

/// The lane of everything together: never a series' own.
pub const ALL: u32 = 0;

/// The first lane of the hosts. Lanes of hosts have no minutes: hours are enough for what is asked of hosts.
pub const HOST_LANES: u32 = 1 << 16;

/// The chunk a lane is in; everything together has one of its own.
pub const fn chunk(lane: u32) -> u32 {
    if lane == ALL { 0 } else { (lane - 1) / CHUNK + 1 }
}

/// The chunks of all lanes but everything's and the hosts', and those of the hosts': `from..to`.
pub const MAIN_CHUNKS: (u32, u32) = (1, chunk(HOST_LANES));
/// See [`MAIN_CHUNKS`].
pub const HOST_CHUNKS: (u32, u32) = (chunk(HOST_LANES), u32::MAX);

/// The number by which the table has a chunk of a tier. Everything together stands apart from the lanes: charts read it of
/// many buckets, and would have to pass by all lanes of each.
pub const fn shelf(tier: Tier, chunk: u32) -> u8 {
    tier as u8 + if chunk == 0 { Tier::ALL.len() as u8 } else { 0 }
}

/// Both numbers of a tier: that of its lanes, and that of everything together.
pub const fn shelves(tier: Tier) -> [u8; 2] {
    [shelf(tier, 1), shelf(tier, 0)]
}

/// Adds to the rollups of one transaction.
pub struct Writer<'c> {
    insert: CachedStatement<'c>,
    select: CachedStatement<'c>,
    update: CachedStatement<'c>,
    merger: Merger,
}

impl<'c> Writer<'c> {
    pub fn new(conn: &'c Connection) -> rusqlite::Result<Writer<'c>> {
        let key = "WHERE tier = ?1 AND bucket = ?2 AND chunk = ?3";
        Ok(Writer {
            insert: conn
                .prepare_cached("INSERT OR IGNORE INTO rollup (tier, bucket, chunk, data) VALUES (?1, ?2, ?3, ?4)")?,
            select: conn.prepare_cached(&format!("SELECT data FROM rollup {key}"))?,
            update: conn.prepare_cached(&format!("UPDATE rollup SET data = ?4 {key}"))?,
            merger: Merger::default(),
        })
    }

    /// Adds what was folded to what is there. Cheapest in the order of the table.
    pub fn add(&mut self, place: &Place, deltas: &[Delta]) -> Result<(), StoreError> {
        let sql = |e| place.wrap(e);
        for Delta { tier, bucket, chunk, data } in deltas {
            let tier = shelf(*tier, *chunk);
            // Most are the first of their bucket.
            if self.insert.execute(params![tier, bucket, chunk, data]).map_err(sql)? == 1 {
                continue;
            }
            let mut rows = self.select.query(params![tier, bucket, chunk]).map_err(sql)?;
            let row = rows.next().map_err(sql)?.ok_or_else(|| place.damaged("a rollup is there and is not"))?;
            let old = row.get_ref(0).map_err(sql)?.as_blob().map_err(|_| place.damaged("a rollup is no blob"))?;
            let data = self.merger.merge(old, data).ok_or_else(|| place.damaged("a rollup does not read"))?;
            drop(rows);
            self.update.execute(params![tier, bucket, chunk, data]).map_err(sql)?;
        }
        Ok(())
    }
}

/// Changes what the calls of lanes cost in one chunk of one bucket. One that is not there was deleted by retention.
pub fn reprice(
    conn: &Connection,
    place: &Place,
    (tier, bucket, chunk): (Tier, i64, u32),
    changes: &BTreeMap<u32, Repriced>,
) -> Result<(), StoreError> {
    let sql = |e| place.wrap(e);
    let key = "WHERE tier = ?1 AND bucket = ?2 AND chunk = ?3";
    let tier = shelf(tier, chunk);
    let old: Option<Vec<u8>> = conn
        .prepare_cached(&format!("SELECT data FROM rollup {key}"))
        .and_then(|mut s| s.query_row(params![tier, bucket, chunk], |row| row.get(0)).optional())
        .map_err(sql)?;
    let Some(old) = old else { return Ok(()) };
    let (mut out, mut one, mut acc) = (Vec::with_capacity(old.len() + 64), Vec::new(), Acc::default());
    each_lane(&old, |lane, mut packed| {
        match changes.get(&lane) {
            None => put_entry(lane, packed, &mut out),
            Some(by) => {
                acc.clear();
                acc.merge_encoded(&mut packed, Depth::Full)?;
                acc.reprice(by);
                put_acc(lane, &acc, &mut out, &mut one);
            }
        }
        Some(())
    })
    .ok_or_else(|| place.damaged("a rollup does not read"))?;
    conn.prepare_cached(&format!("UPDATE rollup SET data = ?4 {key}"))
        .and_then(|mut s| s.execute(params![tier, bucket, chunk, out]))
        .map_err(sql)?;
    Ok(())
}

/// Merges blobs, with memory that is used again.
#[derive(Default)]
struct Merger {
    acc: Acc,
    one: Vec<u8>,
    out: Vec<u8>,
}

impl Merger {
    /// Merges two blobs, each sorted by lane; `None` on broken bytes.
    fn merge(&mut self, old: &[u8], new: &[u8]) -> Option<&[u8]> {
        self.out.clear();
        let (mut old, mut new) = (Entries(old), Entries(new));
        let (mut left, mut right) = (old.next()?, new.next()?);
        loop {
            match (left, right) {
                (None, None) => return Some(&self.out),
                (Some((a, mut x)), Some((b, mut y))) if a == b => {
                    self.acc.clear();
                    self.acc.merge_encoded(&mut x, Depth::Full)?;
                    self.acc.merge_encoded(&mut y, Depth::Full)?;
                    put_acc(a, &self.acc, &mut self.out, &mut self.one);
                    (left, right) = (old.next()?, new.next()?);
                }
                (Some((a, data)), other) if other.is_none_or(|(b, _)| a < b) => {
                    put_entry(a, data, &mut self.out);
                    left = old.next()?;
                }
                (_, Some((b, data))) => {
                    put_entry(b, data, &mut self.out);
                    right = new.next()?;
                }
                (Some(_), None) => return None,
            }
        }
    }
}

/// The entries of a blob: lane and packed accumulator.
struct Entries<'a>(&'a [u8]);

impl<'a> Entries<'a> {
    /// The next entry, or the end; `None` on broken bytes.
    fn next(&mut self) -> Option<Option<(u32, &'a [u8])>> {
        if self.0.is_empty() {
            return Some(None);
        }
        let lane = u32::try_from(varint::take(&mut self.0)?).ok()?;
        Some(Some((lane, varint::take_bytes(&mut self.0)?)))
    }
}

fn put_entry(lane: u32, data: &[u8], out: &mut Vec<u8>) {
    varint::put(out, u64::from(lane));
    varint::put_bytes(out, data);
}

/// Appends an accumulator's entry to a blob; `one` is scratch.
pub fn put_acc(lane: u32, acc: &Acc, out: &mut Vec<u8>, one: &mut Vec<u8>) {
    one.clear();
    acc.encode(one);
    put_entry(lane, one, out);
}

/// Calls `each` with every lane of a blob and its packed accumulator; `None` on broken bytes.
pub fn each_lane(blob: &[u8], mut each: impl FnMut(u32, &[u8]) -> Option<()>) -> Option<()> {
    let mut entries = Entries(blob);
    while let Some((lane, data)) = entries.next()? {
        each(lane, data)?;
    }
    Some(())
}

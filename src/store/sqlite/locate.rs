//! Finding rows by their ids: the skip index says which ten minutes can hold them, and those are read from the tables.

use super::ids::{self, BUCKET_US, Kind};
use super::read::read_error::{ReadError, ReadResult};
use super::read::row::{self, Flow, Order, Stored};
use crate::batch::{Id, pack_id};
use crate::view::Range;
use rusqlite::{Connection, Row};
use std::collections::{BTreeSet, HashMap};

/// Ids to be found, and where they can be.
pub struct Wanted<'i> {
    kind: Kind,
    /// By their bytes as calls have them: the number of each id.
    stored: HashMap<(bool, Vec<u8>), usize>,
    /// By their text.
    text: HashMap<&'i str, usize>,
    buckets: BTreeSet<i64>,
}

impl<'i> Wanted<'i> {
    /// Looks ids up in the index, many at once for what one costs. What is found later tells them apart by their place in the
    /// list; of one that is in it twice, by the first. The empty id is never found.
    ///
    /// # Errors
    /// Those of SQLite, and a damaged index.
    pub fn find(conn: &Connection, kind: Kind, ids: impl IntoIterator<Item = &'i str>) -> ReadResult<Wanted<'i>> {
        let (mut stored, mut text, mut hashes) = (HashMap::new(), HashMap::new(), Vec::new());
        for (number, id) in ids.into_iter().enumerate().filter(|(_, id)| !id.is_empty()) {
            stored.entry(as_stored(id)).or_insert(number);
            text.entry(id).or_insert(number);
            hashes.push(ids::hash(id));
        }
        hashes.sort_unstable();
        hashes.dedup();
        let buckets = if hashes.is_empty() { BTreeSet::new() } else { buckets(conn, kind, &hashes)? };
        Ok(Wanted { kind, stored, text, buckets })
    }

    /// The stretches to be read, joined where they follow each other; oldest first.
    fn ranges(&self) -> Vec<Range> {
        let mut ranges: Vec<Range> = Vec::new();
        for bucket in &self.buckets {
            let (since_us, until_us) = (bucket * BUCKET_US, (bucket + 1) * BUCKET_US);
            match ranges.last_mut().filter(|range| range.until_us == since_us) {
                Some(range) => range.until_us = until_us,
                None => ranges.push(Range { since_us, until_us }),
            }
        }
        ranges
    }

    /// Calls `each` with every call of a wanted id, oldest first, and the id's place in the list.
    ///
    /// # Errors
    /// Those of SQLite and of `each`, and damaged rows.
    pub fn calls(
        &self,
        conn: &Connection,
        mut each: impl FnMut(usize, &Stored<'_>) -> ReadResult<()>,
    ) -> ReadResult<()> {
        let which = match self.kind {
            Kind::Trace => Id::Trace,
            Kind::Request => Id::Request,
        };
        // One buffer for all look-ups: most rows are of others.
        let mut key = (false, Vec::new());
        for range in self.ranges() {
            row::each_row(conn, range, Order::OldestFirst, |call| {
                let (packed, bytes) = call.id_bytes(which);
                key.0 = packed;
                key.1.clear();
                key.1.extend_from_slice(bytes);
                if let Some(number) = self.stored.get(&key) {
                    each(*number, call)?;
                }
                Ok(Flow::On)
            })?;
        }
        Ok(())
    }

    /// Calls `each` with every span of a wanted trace, oldest first, and the id's place in the list.
    ///
    /// # Errors
    /// Those of SQLite and of `each`.
    pub fn spans(&self, conn: &Connection, mut each: impl FnMut(usize, &Row<'_>) -> ReadResult<()>) -> ReadResult<()> {
        let mut select =
            conn.prepare_cached("SELECT * FROM span WHERE ts_us >= ?1 AND ts_us < ?2 ORDER BY ts_us, id")?;
        for range in self.ranges() {
            let mut rows = select.query([range.since_us, range.until_us])?;
            while let Some(row) = rows.next()? {
                let trace = row.get_ref("trace_id")?.as_str_or_null().map_err(rusqlite::Error::from)?;
                if let Some(number) = trace.and_then(|trace| self.text.get(trace)) {
                    each(*number, row)?;
                }
            }
        }
        Ok(())
    }
}

/// An id as calls have it: whether it is packed, and its bytes.
fn as_stored(id: &str) -> (bool, Vec<u8>) {
    let mut packed = [0; 17];
    match pack_id(id, &mut packed) {
        Some(len) => (true, packed[..len].to_vec()),
        None => (false, id.as_bytes().to_vec()),
    }
}

/// The buckets that can hold any of some sorted hashes.
fn buckets(conn: &Connection, kind: Kind, hashes: &[u32]) -> ReadResult<BTreeSet<i64>> {
    let mut found = BTreeSet::new();
    let mut select = conn.prepare_cached("SELECT bucket, data FROM id_run WHERE kind = ?1")?;
    let mut rows = select.query([kind as u8])?;
    while let Some(row) = rows.next()? {
        let data = row.get_ref(1)?.as_blob().map_err(rusqlite::Error::from)?;
        let mut is_in = false;
        ids::common(data, hashes, |_| is_in = true).ok_or(ReadError::Damaged(ids::BROKEN))?;
        if is_in {
            found.insert(row.get(0)?);
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests;

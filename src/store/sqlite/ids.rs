//! The skip index of ids: of each ten minutes the hashes of the trace and request ids in it. An index of the ids themselves
//! would be written all over with every transaction; this one grows by a sorted run each, and runs of alike size are merged.

use super::Place;
use super::member::Name;
use super::read::row::Stored;
use super::stack::{Stacks, stacks};
use crate::batch::{Id, pack_id};
use crate::stats::varint::{put, take};
use crate::store::StoreError;
use rusqlite::{Connection, params};
use xxhash_rust::xxh3::xxh3_64;

/// Whose ids. The discriminant is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// Trace ids of calls and spans.
    Trace = 0,
    /// Request ids of calls.
    Request = 1,
}

/// The kinds, and which id of a call each is of.
const KINDS: [(Kind, Id); 2] = [(Kind::Trace, Id::Trace), (Kind::Request, Id::Request)];

/// How long a bucket is, µs. Longer ones make fewer runs and more rows to read for each that is found.
pub const BUCKET_US: i64 = 600_000_000;

/// The bucket of a time.
pub fn bucket(ts_us: i64) -> i64 {
    ts_us.div_euclid(BUCKET_US)
}

/// The hash of an id as it is stored: packed or not, its bytes.
#[inline]
fn hash_stored((_, bytes): Name<'_>) -> u32 {
    xxh3_64(bytes) as u32
}

/// The hash of an id.
pub fn hash(id: &str) -> u32 {
    let mut packed = [0; 17];
    match pack_id(id, &mut packed) {
        Some(len) => hash_stored((true, &packed[..len])),
        None => hash_stored((false, id.as_bytes())),
    }
}

/// The hashes of one kind in one bucket, to be added to the store.
#[derive(Debug)]
pub struct Run {
    kind: Kind,
    bucket: i64,
    data: Vec<u8>,
}

/// Collects the ids of one transaction, which come in order of time: what comes again after others makes one more run.
#[derive(Debug, Default)]
pub struct Ids {
    bucket: i64,
    open: [Vec<u32>; 2],
    done: Vec<Run>,
}

impl Ids {
    /// Takes the ids of a call in.
    #[inline]
    pub fn add<'b>(&mut self, ts_us: i64, id: impl Fn(Id) -> Name<'b>) {
        self.turn_to(bucket(ts_us));
        for ((_, which), open) in KINDS.into_iter().zip(&mut self.open) {
            let name = id(which);
            if !name.1.is_empty() {
                open.push(hash_stored(name));
            }
        }
    }

    #[inline]
    fn turn_to(&mut self, bucket: i64) {
        if bucket != self.bucket {
            self.close();
            self.bucket = bucket;
        }
    }

    fn close(&mut self) {
        for ((kind, _), open) in KINDS.into_iter().zip(&mut self.open) {
            if !open.is_empty() {
                open.sort_unstable();
                open.dedup();
                self.done.push(Run { kind, bucket: self.bucket, data: encode(open) });
                open.clear();
            }
        }
    }

    /// Hands out the runs of the buckets closed since the last time.
    pub fn take(&mut self) -> Vec<Run> {
        std::mem::take(&mut self.done)
    }

    /// Closes the open bucket and hands out the rest.
    pub fn finish(&mut self) -> Vec<Run> {
        self.close();
        self.take()
    }

    /// The runs of the trace ids of spans, by their times and hashes in any order.
    pub fn of_spans(mut spans: Vec<(i64, u32)>) -> Vec<Run> {
        spans.sort_unstable();
        let mut ids = Ids::default();
        for (ts_us, hash) in spans {
            ids.turn_to(bucket(ts_us));
            ids.open[Kind::Trace as usize].push(hash);
        }
        ids.finish()
    }
}

static STACKS: Stacks = stacks!("id_run", "kind", "bucket", merge, BROKEN);

/// Adds runs to those that are there.
pub fn write(conn: &Connection, place: &Place, runs: Vec<Run>) -> Result<(), StoreError> {
    runs.into_iter().try_for_each(|run| STACKS.add(conn, place, (run.kind as i64, run.bucket), run.data))
}

/// What is said of a run that does not read.
pub const BROKEN: &str = "the index of ids does not read";

/// Makes the index of a store that has none: all its rows once, in order of time.
pub fn fill(conn: &Connection, place: &Place) -> Result<(), StoreError> {
    let mut ids = Ids::default();
    let mut select = conn
        .prepare(&format!("SELECT {} FROM call c ORDER BY c.ts_us, c.id", super::read::row::COLUMNS))
        .map_err(|e| place.wrap(e))?;
    let mut rows = select.query([]).map_err(|e| place.wrap(e))?;
    while let Some(row) = rows.next().map_err(|e| place.wrap(e))? {
        let call = Stored::of(row).map_err(|e| e.at(place))?;
        ids.add(call.key.ts_us, |id| call.id_bytes(id));
        write(conn, place, ids.take())?;
    }
    write(conn, place, ids.finish())?;
    let spans: rusqlite::Result<Vec<(i64, u32)>> = conn
        .prepare("SELECT ts_us, trace_id FROM span WHERE trace_id <> ''")
        .and_then(|mut s| s.query_map([], |row| Ok((row.get(0)?, hash(row.get_ref(1)?.as_str()?))))?.collect());
    write(conn, place, Ids::of_spans(spans.map_err(|e| place.wrap(e))?))
}

/// Deletes what is of buckets that lie before a time as a whole.
pub fn delete_before(conn: &Connection, cut_us: i64) -> rusqlite::Result<()> {
    for (kind, _) in KINDS {
        conn.execute("DELETE FROM id_run WHERE kind = ?1 AND bucket < ?2", params![kind as u8, bucket(cut_us)])?;
    }
    Ok(())
}

/// A run of sorted, distinct hashes.
fn encode(hashes: &[u32]) -> Vec<u8> {
    let mut out = Vec::with_capacity(hashes.len() * 4);
    let mut last = 0;
    for hash in hashes {
        put(&mut out, u64::from(hash - last));
        last = *hash;
    }
    out
}

/// The next hash of a run after one; `None` on broken bytes.
#[inline]
fn next(rest: &mut &[u8], last: u32) -> Option<u32> {
    last.checked_add(u32::try_from(take(rest)?).ok()?)
}

/// Calls `each` with those of some sorted hashes that a run has; `None` on broken bytes.
pub fn common(mut run: &[u8], wanted: &[u32], mut each: impl FnMut(u32)) -> Option<()> {
    let (mut wanted, mut at) = (wanted.iter().copied().peekable(), 0);
    while !run.is_empty() {
        at = next(&mut run, at)?;
        while wanted.next_if(|w| *w < at).is_some() {}
        if wanted.next_if_eq(&at).is_some() {
            each(at);
        }
        if wanted.peek().is_none() {
            break;
        }
    }
    Some(())
}

/// Merges two runs; `None` on broken bytes.
fn merge(mut a: &[u8], mut b: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(a.len() + b.len());
    let step = |rest: &mut &[u8], at: u32| match rest.is_empty() {
        true => Some(None),
        false => next(rest, at).map(Some),
    };
    let (mut left, mut right, mut last) = (step(&mut a, 0)?, step(&mut b, 0)?, 0);
    while let Some(least) = left.into_iter().chain(right).min() {
        put(&mut out, u64::from(least - last));
        last = least;
        if left == Some(least) {
            left = step(&mut a, least)?;
        }
        if right == Some(least) {
            right = step(&mut b, least)?;
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    fn list(set: &BTreeSet<u32>) -> Vec<u32> {
        set.iter().copied().collect()
    }

    proptest! {
        #[test]
        fn merged_runs_have_what_either_has(a: BTreeSet<u32>, b: BTreeSet<u32>, near in prop::collection::btree_set(0u32..64, 0..40)) {
            let (a, b): (BTreeSet<u32>, BTreeSet<u32>) = (&a | &near, &b | &near.iter().map(|n| n + 20).collect());
            let run = merge(&encode(&list(&a)), &encode(&list(&b))).expect("its own bytes");
            prop_assert_eq!(&run, &encode(&list(&(&a | &b))));
            let mut found = Vec::new();
            common(&run, &list(&a), |hash| found.push(hash)).expect("its own bytes");
            prop_assert_eq!(found, list(&a));
            let mut found = Vec::new();
            common(&encode(&list(&a)), &list(&b), |hash| found.push(hash)).expect("its own bytes");
            prop_assert_eq!(found, list(&(&a & &b)));
        }

        #[test]
        fn broken_runs_never_panic(bytes: Vec<u8>, wanted: BTreeSet<u32>) {
            let _ = common(&bytes, &list(&wanted), |_| {});
            let _ = merge(&bytes, &bytes);
        }
    }
}

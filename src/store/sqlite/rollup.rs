//! Rollups: calls in time order folded into accumulators of minutes, those into hours, six hours and days, each written
//! by reading the blob that is there, merging and writing it back. No state outlives a transaction.

use super::Place;
use crate::stats::acc::{Acc, Depth, Sample};
use crate::stats::varint;
use crate::store::StoreError;
use rusqlite::{Connection, OptionalExtension, params};

/// A length of time that rollups are kept for. The discriminant is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Tier {
    Minute = 0,
    Hour = 1,
    SixHours = 2,
    Day = 3,
}

impl Tier {
    pub const ALL: [Tier; 4] = [Tier::Minute, Tier::Hour, Tier::SixHours, Tier::Day];

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

/// How many series share a blob.
pub const CHUNK: u32 = 16;

/// The series of everything: never a row's own.
pub const ALL: u32 = 0;

/// The chunk a series is in; everything together has one of its own.
pub const fn chunk(series: u32) -> u32 {
    if series == ALL { 0 } else { (series - 1) / CHUNK + 1 }
}

/// Accumulators by series number, reused from bucket to bucket.
#[derive(Debug, Default)]
struct Slots {
    accs: Vec<Acc>,
    touched: Vec<u32>,
}

impl Slots {
    #[inline]
    fn get(&mut self, series: u32) -> &mut Acc {
        let at = series as usize;
        if self.accs.len() <= at {
            self.accs.resize_with(at + 1, Acc::default);
        }
        if self.accs[at].is_empty() {
            self.touched.push(series);
        }
        &mut self.accs[at]
    }

    fn clear(&mut self) {
        for series in self.touched.drain(..) {
            self.accs[series as usize].clear();
        }
    }
}

/// Folds one transaction's calls.
#[derive(Debug)]
pub struct Fold {
    open: [(i64, Slots); 4],
    scratch: Vec<u8>,
    one: Vec<u8>,
}

impl Default for Fold {
    fn default() -> Fold {
        Fold { open: Tier::ALL.map(|_| (i64::MIN, Slots::default())), scratch: Vec::new(), one: Vec::new() }
    }
}

impl Fold {
    /// Folds a call in. Cheapest when calls come in time order; right in any.
    #[inline]
    pub fn add(&mut self, conn: &Connection, place: &Place, ts_us: i64, series: u32, sample: &Sample) -> Result<(), StoreError> {
        let bucket = ts_us.div_euclid(Tier::Minute.len_us());
        if bucket != self.open[0].0 {
            self.turn(conn, place, 0, bucket)?;
        }
        self.open[0].1.get(series).record(sample);
        Ok(())
    }

    /// Writes all that is open: at the end of a transaction.
    pub fn flush(&mut self, conn: &Connection, place: &Place) -> Result<(), StoreError> {
        for level in 0..Tier::ALL.len() {
            self.turn(conn, place, level, i64::MIN)?;
        }
        Ok(())
    }

    /// Forgets all that is open: after a rollback.
    pub fn forget(&mut self) {
        for (bucket, slots) in &mut self.open {
            *bucket = i64::MIN;
            slots.clear();
        }
    }

    /// Closes the open bucket of a tier, adding it to the next tier's, and opens another.
    fn turn(&mut self, conn: &Connection, place: &Place, level: usize, next: i64) -> Result<(), StoreError> {
        let open = std::mem::replace(&mut self.open[level].0, next);
        if open == i64::MIN {
            return Ok(());
        }
        if level == 0 {
            self.sum_everything();
        }
        self.raise(conn, place, level, open)?;
        let mut slots = std::mem::take(&mut self.open[level].1);
        let written = self.write(conn, place, Tier::ALL[level], open, &mut slots);
        slots.clear();
        self.open[level].1 = slots;
        written
    }

    fn sum_everything(&mut self) {
        let slots = &mut self.open[0].1;
        let mut all = std::mem::take(slots.get(ALL));
        for series in slots.touched.iter().filter(|s| **s != ALL) {
            all.merge(&slots.accs[*series as usize]);
        }
        slots.accs[ALL as usize] = all;
    }

    fn raise(&mut self, conn: &Connection, place: &Place, level: usize, bucket: i64) -> Result<(), StoreError> {
        let Some(tier) = Tier::ALL.get(level + 1) else { return Ok(()) };
        let upper = bucket.saturating_mul(Tier::ALL[level].len_us()).div_euclid(tier.len_us());
        if self.open[level + 1].0 != upper {
            self.turn(conn, place, level + 1, upper)?;
        }
        let (lower, higher) = self.open.split_at_mut(level + 1);
        let (from, to) = (&lower[level].1, &mut higher[0].1);
        for series in &from.touched {
            to.get(*series).merge(&from.accs[*series as usize]);
        }
        Ok(())
    }

    fn write(&mut self, conn: &Connection, place: &Place, tier: Tier, bucket: i64, slots: &mut Slots) -> Result<(), StoreError> {
        let Slots { accs, touched } = slots;
        touched.sort_unstable();
        for group in touched.chunk_by(|a, b| chunk(*a) == chunk(*b)) {
            let key = params![tier as u8, bucket, chunk(group[0])];
            let mut select = conn
                .prepare_cached("SELECT data FROM rollup WHERE tier = ?1 AND bucket = ?2 AND chunk = ?3")
                .map_err(|e| place.wrap(e))?;
            let old: Option<Vec<u8>> = select.query_row(key, |row| row.get(0)).optional().map_err(|e| place.wrap(e))?;
            self.scratch.clear();
            merge_chunk(old.as_deref().unwrap_or_default(), group, accs, &mut self.scratch, &mut self.one)
                .ok_or_else(|| place.damaged("a rollup does not read"))?;
            conn.prepare_cached("INSERT OR REPLACE INTO rollup (tier, bucket, chunk, data) VALUES (?1, ?2, ?3, ?4)")
                .and_then(|mut insert| insert.execute(params![tier as u8, bucket, chunk(group[0]), self.scratch]))
                .map_err(|e| place.wrap(e))?;
        }
        Ok(())
    }
}

/// Writes the old blob with the group's accumulators merged into it. Both are sorted by series.
fn merge_chunk(old: &[u8], group: &[u32], accs: &mut [Acc], out: &mut Vec<u8>, one: &mut Vec<u8>) -> Option<()> {
    let mut new = group.iter().copied().peekable();
    let mut rest = old;
    while !rest.is_empty() {
        let series = u32::try_from(varint::take(&mut rest)?).ok()?;
        let mut data = varint::take_bytes(&mut rest)?;
        while let Some(before) = new.next_if(|n| *n < series) {
            put_acc(before, &accs[before as usize], out, one);
        }
        if new.next_if_eq(&series).is_some() {
            accs[series as usize].merge_encoded(&mut data, Depth::Full)?;
            put_acc(series, &accs[series as usize], out, one);
        } else {
            varint::put(out, u64::from(series));
            varint::put_bytes(out, data);
        }
    }
    new.for_each(|series| put_acc(series, &accs[series as usize], out, one));
    Some(())
}

fn put_acc(series: u32, acc: &Acc, out: &mut Vec<u8>, one: &mut Vec<u8>) {
    one.clear();
    acc.encode(one);
    varint::put(out, u64::from(series));
    varint::put_bytes(out, one);
}

/// Calls `each` with every series of a blob and its packed accumulator; `None` on broken bytes.
pub fn each_series(mut blob: &[u8], mut each: impl FnMut(u32, &[u8]) -> Option<()>) -> Option<()> {
    while !blob.is_empty() {
        let series = u32::try_from(varint::take(&mut blob)?).ok()?;
        each(series, varint::take_bytes(&mut blob)?)?;
    }
    Some(())
}

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

/// Accumulators by lane, reused from bucket to bucket.
#[derive(Debug, Default)]
struct Slots {
    main: Vec<Acc>,
    hosts: Vec<Acc>,
    touched: Vec<u32>,
}

impl Slots {
    #[inline]
    fn place(&mut self, lane: u32) -> &mut Acc {
        let (accs, at) = match lane.checked_sub(HOST_LANES) {
            Some(at) => (&mut self.hosts, at as usize),
            None => (&mut self.main, lane as usize),
        };
        if accs.len() <= at {
            accs.resize_with(at + 1, Acc::default);
        }
        &mut accs[at]
    }

    #[inline]
    fn get(&mut self, lane: u32) -> &mut Acc {
        if self.place(lane).is_empty() {
            self.touched.push(lane);
        }
        self.place(lane)
    }

    fn clear(&mut self) {
        for lane in std::mem::take(&mut self.touched) {
            self.place(lane).clear();
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
    pub fn add(
        &mut self,
        conn: &Connection,
        place: &Place,
        ts_us: i64,
        (lane, host_lane): (u32, Option<u32>),
        sample: &Sample,
    ) -> Result<(), StoreError> {
        let bucket = ts_us.div_euclid(Tier::Minute.len_us());
        if bucket != self.open[0].0 {
            self.turn(conn, place, 0, bucket)?;
            let hour = ts_us.div_euclid(Tier::Hour.len_us());
            if hour != self.open[1].0 {
                self.turn(conn, place, 1, hour)?;
            }
        }
        self.open[0].1.get(lane).record(sample);
        if let Some(host) = host_lane {
            self.open[1].1.get(host).record(sample);
        }
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
        for lane in slots.touched.iter().filter(|s| **s != ALL) {
            all.merge(&slots.main[*lane as usize]);
        }
        *slots.place(ALL) = all;
    }

    fn raise(&mut self, conn: &Connection, place: &Place, level: usize, bucket: i64) -> Result<(), StoreError> {
        let Some(tier) = Tier::ALL.get(level + 1) else { return Ok(()) };
        let upper = bucket.saturating_mul(Tier::ALL[level].len_us()).div_euclid(tier.len_us());
        if self.open[level + 1].0 != upper {
            self.turn(conn, place, level + 1, upper)?;
        }
        let (lower, higher) = self.open.split_at_mut(level + 1);
        let (from, to) = (&mut lower[level].1, &mut higher[0].1);
        for i in 0..from.touched.len() {
            let lane = from.touched[i];
            to.get(lane).merge(from.place(lane));
        }
        Ok(())
    }

    fn write(
        &mut self,
        conn: &Connection,
        place: &Place,
        tier: Tier,
        bucket: i64,
        slots: &mut Slots,
    ) -> Result<(), StoreError> {
        let mut touched = std::mem::take(&mut slots.touched);
        touched.sort_unstable();
        for group in touched.chunk_by(|a, b| chunk(*a) == chunk(*b)) {
            let key = params![tier as u8, bucket, chunk(group[0])];
            let mut select = conn
                .prepare_cached("SELECT data FROM rollup WHERE tier = ?1 AND bucket = ?2 AND chunk = ?3")
                .map_err(|e| place.wrap(e))?;
            let old: Option<Vec<u8>> = select.query_row(key, |row| row.get(0)).optional().map_err(|e| place.wrap(e))?;
            self.scratch.clear();
            merge_chunk(old.as_deref().unwrap_or_default(), group, slots, &mut self.scratch, &mut self.one)
                .ok_or_else(|| place.damaged("a rollup does not read"))?;
            conn.prepare_cached("INSERT OR REPLACE INTO rollup (tier, bucket, chunk, data) VALUES (?1, ?2, ?3, ?4)")
                .and_then(|mut insert| insert.execute(params![tier as u8, bucket, chunk(group[0]), self.scratch]))
                .map_err(|e| place.wrap(e))?;
        }
        slots.touched = touched;
        Ok(())
    }
}

/// Writes the old blob with the group's accumulators merged into it. Both are sorted by lane.
fn merge_chunk(old: &[u8], group: &[u32], slots: &mut Slots, out: &mut Vec<u8>, one: &mut Vec<u8>) -> Option<()> {
    let mut new = group.iter().copied().peekable();
    let mut rest = old;
    while !rest.is_empty() {
        let lane = u32::try_from(varint::take(&mut rest)?).ok()?;
        let mut data = varint::take_bytes(&mut rest)?;
        while let Some(before) = new.next_if(|n| *n < lane) {
            put_acc(before, slots.place(before), out, one);
        }
        if new.next_if_eq(&lane).is_some() {
            slots.place(lane).merge_encoded(&mut data, Depth::Full)?;
            put_acc(lane, slots.place(lane), out, one);
        } else {
            varint::put(out, u64::from(lane));
            varint::put_bytes(out, data);
        }
    }
    new.for_each(|lane| put_acc(lane, slots.place(lane), out, one));
    Some(())
}

fn put_acc(lane: u32, acc: &Acc, out: &mut Vec<u8>, one: &mut Vec<u8>) {
    one.clear();
    acc.encode(one);
    varint::put(out, u64::from(lane));
    varint::put_bytes(out, one);
}

/// Calls `each` with every lane of a blob and its packed accumulator; `None` on broken bytes.
pub fn each_lane(mut blob: &[u8], mut each: impl FnMut(u32, &[u8]) -> Option<()>) -> Option<()> {
    while !blob.is_empty() {
        let lane = u32::try_from(varint::take(&mut blob)?).ok()?;
        each(lane, varint::take_bytes(&mut blob)?)?;
    }
    Some(())
}

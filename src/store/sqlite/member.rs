//! Hourly totals of users and sessions. There may be millions, so they are no rows: each transaction adds a sorted run to
//! the hour it touches, and runs of alike size are merged, so that an hour has few and each total is rewritten rarely.

use super::Place;
use crate::event::FailureMode;
use crate::stats::acc::Sample;
use crate::stats::varint::{put, put_bytes, put_signed, take, take_bytes, take_signed};
use crate::store::StoreError;
use hashbrown::HashTable;
use rusqlite::{Connection, params};

/// Which kind of member. The discriminant is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    User = 0,
    Session = 1,
}

/// Length of an hour, µs.
pub const HOUR_US: i64 = 3_600_000_000;

/// What a member's calls came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Totals {
    pub calls: u64,
    pub errors: u64,
    pub rate_limited: u64,
    pub retries: i64,
    pub input_tokens: i64,
    pub output_tokens: i64,
    pub cost_nusd: i64,
    pub unpriced: u64,
    pub latency_sum_us: i64,
    pub latency_count: u64,
    pub latency_max_us: i64,
    /// Which of retries, input, output, cost were known of any call: bits 0 to 3.
    pub known: u8,
}

impl Totals {
    /// What one call comes to.
    #[inline]
    pub fn of(sample: &Sample) -> Totals {
        let signed = |value: Option<u64>| value.map(|v| i64::try_from(v).unwrap_or(i64::MAX));
        let sums = [
            sample.retries.map(i64::from),
            signed(sample.input_tokens),
            signed(sample.output_tokens),
            sample.cost_nusd,
        ];
        let known = sums.iter().enumerate().fold(0, |mask, (bit, sum)| mask | u8::from(sum.is_some()) << bit);
        let [retries, input_tokens, output_tokens, cost_nusd] = sums.map(Option::unwrap_or_default);
        let latency = signed(sample.latency_us);
        Totals {
            calls: 1,
            errors: u64::from(sample.outcome.is_error()),
            rate_limited: u64::from(sample.outcome.failure() == Some(FailureMode::RateLimit)),
            retries,
            input_tokens,
            output_tokens,
            cost_nusd,
            unpriced: u64::from(sample.cost_nusd.is_none()),
            latency_sum_us: latency.unwrap_or_default(),
            latency_count: u64::from(latency.is_some()),
            latency_max_us: latency.unwrap_or_default(),
            known,
        }
    }

    pub fn merge(&mut self, other: &Totals) {
        self.calls = self.calls.saturating_add(other.calls);
        self.errors = self.errors.saturating_add(other.errors);
        self.rate_limited = self.rate_limited.saturating_add(other.rate_limited);
        self.retries = self.retries.saturating_add(other.retries);
        self.input_tokens = self.input_tokens.saturating_add(other.input_tokens);
        self.output_tokens = self.output_tokens.saturating_add(other.output_tokens);
        self.cost_nusd = self.cost_nusd.saturating_add(other.cost_nusd);
        self.unpriced = self.unpriced.saturating_add(other.unpriced);
        self.latency_sum_us = self.latency_sum_us.saturating_add(other.latency_sum_us);
        self.latency_count = self.latency_count.saturating_add(other.latency_count);
        self.latency_max_us = self.latency_max_us.max(other.latency_max_us);
        self.known |= other.known;
    }

    fn encode(&self, out: &mut Vec<u8>) {
        put(out, self.calls);
        put(out, self.errors << 4 | u64::from(self.known));
        if self.errors > 0 {
            put(out, self.rate_limited);
        }
        put(out, self.unpriced);
        for (bit, sum) in [self.retries, self.input_tokens, self.output_tokens, self.cost_nusd].into_iter().enumerate()
        {
            if self.known & (1 << bit) != 0 {
                put_signed(out, sum);
            }
        }
        put(out, self.latency_count);
        if self.latency_count > 0 {
            put_signed(out, self.latency_sum_us);
            put_signed(out, self.latency_max_us);
        }
    }

    fn decode(bytes: &mut &[u8]) -> Option<Totals> {
        let mut t = Totals { calls: take(bytes)?, ..Totals::default() };
        let errors = take(bytes)?;
        (t.errors, t.known) = (errors >> 4, (errors & 15) as u8);
        if t.errors > 0 {
            t.rate_limited = take(bytes)?;
        }
        t.unpriced = take(bytes)?;
        let sums = [&mut t.retries, &mut t.input_tokens, &mut t.output_tokens, &mut t.cost_nusd];
        for (bit, sum) in sums.into_iter().enumerate() {
            if t.known & (1 << bit) != 0 {
                *sum = take_signed(bytes)?;
            }
        }
        t.latency_count = take(bytes)?;
        if t.latency_count > 0 {
            t.latency_sum_us = take_signed(bytes)?;
            t.latency_max_us = take_signed(bytes)?;
        }
        Some(t)
    }
}

/// One hour's members of one kind, being counted.
#[derive(Debug, Default)]
struct Open {
    table: HashTable<(u64, u32)>,
    names: Vec<u8>,
    ends: Vec<u32>,
    totals: Vec<Totals>,
}

impl Open {
    fn name(&self, n: u32) -> &[u8] {
        let start = if n == 0 { 0 } else { self.ends[n as usize - 1] };
        &self.names[start as usize..self.ends[n as usize] as usize]
    }

    #[inline]
    fn get(&mut self, hash: u64, tag: u8, name: &[u8]) -> &mut Totals {
        let same = |n: u32| {
            let known = self.name(n);
            known[0] == tag && &known[1..] == name
        };
        let found = self.table.find(hash, |(h, n)| *h == hash && same(*n)).map(|(_, n)| *n);
        let number = found.unwrap_or_else(|| {
            let number = self.totals.len() as u32;
            self.names.push(tag);
            self.names.extend_from_slice(name);
            self.ends.push(self.names.len() as u32);
            self.totals.push(Totals::default());
            self.table.insert_unique(hash, (hash, number), |(h, _)| *h);
            number
        });
        &mut self.totals[number as usize]
    }

    /// The run: members sorted by name.
    fn encode(&self) -> Vec<u8> {
        let mut order: Vec<u32> = (0..self.totals.len() as u32).collect();
        order.sort_unstable_by(|a, b| self.name(*a).cmp(self.name(*b)));
        let mut out = Vec::with_capacity(self.names.len() + self.totals.len() * 24);
        for n in order {
            put_bytes(&mut out, self.name(n));
            self.totals[n as usize].encode(&mut out);
        }
        out
    }

    fn clear(&mut self) {
        self.table.clear();
        self.names.clear();
        self.ends.clear();
        self.totals.clear();
    }
}

/// Counts one transaction's members.
#[derive(Debug)]
pub struct Members {
    hour: i64,
    open: [Open; 2],
}

impl Default for Members {
    fn default() -> Members {
        Members { hour: i64::MIN, open: [Open::default(), Open::default()] }
    }
}

/// A member's name as it is in the batch: its hash, whether it is a packed id, its bytes.
pub type Name<'a> = (u64, bool, &'a [u8]);

impl Members {
    /// Counts a call for its user and its session, where it has them.
    #[inline]
    pub fn add(
        &mut self,
        conn: &Connection,
        place: &Place,
        ts_us: i64,
        sample: &Sample,
        names: [Name<'_>; 2],
    ) -> Result<(), StoreError> {
        let hour = ts_us.div_euclid(HOUR_US);
        if hour != self.hour {
            self.flush(conn, place)?;
            self.hour = hour;
        }
        let one = Totals::of(sample);
        for (open, (hash, packed, name)) in self.open.iter_mut().zip(names) {
            if !name.is_empty() {
                open.get(hash, u8::from(packed), name).merge(&one);
            }
        }
        Ok(())
    }

    /// Writes the open hour.
    pub fn flush(&mut self, conn: &Connection, place: &Place) -> Result<(), StoreError> {
        for (kind, open) in [Kind::User, Kind::Session].into_iter().zip(&mut self.open) {
            if !open.totals.is_empty() {
                let run = open.encode();
                open.clear();
                add_run(conn, place, kind, self.hour, run)?;
            }
        }
        self.hour = i64::MIN;
        Ok(())
    }

    /// Forgets the open hour: after a rollback.
    pub fn forget(&mut self) {
        self.open.iter_mut().for_each(Open::clear);
        self.hour = i64::MIN;
    }
}

/// Adds a run, first merging it with those before it that are not much larger: their number stays logarithmic.
fn add_run(conn: &Connection, place: &Place, kind: Kind, hour: i64, mut run: Vec<u8>) -> Result<(), StoreError> {
    let sql = |e| place.wrap(e);
    let key = params![kind as u8, hour];
    let sizes: Vec<(i64, i64)> = conn
        .prepare_cached("SELECT run, length(data) FROM member WHERE kind = ?1 AND hour = ?2 ORDER BY run DESC")
        .and_then(|mut s| s.query_map(key, |row| Ok((row.get(0)?, row.get(1)?)))?.collect())
        .map_err(sql)?;
    let mut number = sizes.first().map_or(0, |(n, _)| n + 1);
    for (older, size) in sizes {
        if size > 2 * run.len() as i64 {
            break;
        }
        let old: Vec<u8> = conn
            .prepare_cached("DELETE FROM member WHERE kind = ?1 AND hour = ?2 AND run = ?3 RETURNING data")
            .and_then(|mut s| s.query_row(params![kind as u8, hour, older], |row| row.get(0)))
            .map_err(sql)?;
        run = merge_runs(&old, &run).ok_or_else(|| place.damaged("hourly totals do not read"))?;
        number = older;
    }
    conn.prepare_cached("INSERT INTO member (kind, hour, run, data) VALUES (?1, ?2, ?3, ?4)")
        .and_then(|mut s| s.execute(params![kind as u8, hour, number, run]))
        .map_err(sql)?;
    Ok(())
}

fn next<'a>(run: &mut &'a [u8]) -> Option<Option<(&'a [u8], Totals)>> {
    if run.is_empty() {
        return Some(None);
    }
    Some(Some((take_bytes(run)?, Totals::decode(run)?)))
}

/// Merges two sorted runs; `None` on broken bytes.
fn merge_runs(mut a: &[u8], mut b: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(a.len() + b.len());
    let (mut left, mut right) = (next(&mut a)?, next(&mut b)?);
    loop {
        use std::cmp::Ordering::{Equal, Greater, Less};
        let order = match (&left, &right) {
            (None, None) => return Some(out),
            (Some(_), None) => Less,
            (None, Some(_)) => Greater,
            (Some((l, _)), Some((r, _))) => l.cmp(r),
        };
        let (name, mut totals) = if order == Greater { right? } else { left? };
        if let (Equal, Some((_, other))) = (order, &right) {
            totals.merge(other);
        }
        put_bytes(&mut out, name);
        totals.encode(&mut out);
        if order != Greater {
            left = next(&mut a)?;
        }
        if order != Less {
            right = next(&mut b)?;
        }
    }
}

/// Calls `each` with every member of a run: whether the name is packed, the name, the totals. `None` on broken bytes.
pub fn each_member(mut run: &[u8], mut each: impl FnMut(bool, &[u8], &Totals)) -> Option<()> {
    while let Some((name, totals)) = next(&mut run)? {
        let (tag, name) = name.split_first()?;
        each(*tag == 1, name, &totals);
    }
    Some(())
}

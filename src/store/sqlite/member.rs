//! Hourly totals of users and sessions. There may be millions, so they are no rows: each transaction adds a sorted run to
//! the hour it touches, and runs of alike size are merged, so that an hour has few and each total is rewritten rarely.

use super::Place;
use crate::event::{FailureMode, Outcome};
use crate::stats::acc::Sample;
use crate::stats::varint::{put, put_bytes, put_signed, take, take_bytes, take_signed};
use crate::store::StoreError;
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
    pub fn of(sample: &Sample) -> Totals {
        let mut totals = Totals::default();
        One::of(sample).add_to(&mut totals);
        totals
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

    /// Packs it; what most members lack (errors, unpriced calls, retries) takes a bit.
    fn encode(&self, out: &mut Vec<u8>) {
        let flags = self.known
            | u8::from(self.errors > 0) << 4
            | u8::from(self.unpriced > 0) << 5
            | u8::from(self.latency_count == self.calls) << 6
            | u8::from(self.calls == 1) << 7;
        out.push(flags);
        if self.calls != 1 {
            put(out, self.calls);
        }
        if self.errors > 0 {
            put(out, self.errors);
            put(out, self.rate_limited);
        }
        if self.unpriced > 0 {
            put(out, self.unpriced);
        }
        for (bit, sum) in [self.retries, self.input_tokens, self.output_tokens, self.cost_nusd].into_iter().enumerate()
        {
            if self.known & (1 << bit) != 0 {
                put_signed(out, sum);
            }
        }
        if self.latency_count != self.calls {
            put(out, self.latency_count);
        }
        if self.latency_count > 0 {
            put_signed(out, self.latency_sum_us);
        }
        if self.latency_count > 1 {
            put_signed(out, self.latency_max_us);
        }
    }

    fn decode(bytes: &mut &[u8]) -> Option<Totals> {
        let (&flags, rest) = bytes.split_first()?;
        *bytes = rest;
        let has = |bit: u8| flags & (1 << bit) != 0;
        let mut t = Totals { calls: if has(7) { 1 } else { take(bytes)? }, known: flags & 15, ..Totals::default() };
        if has(4) {
            t.errors = take(bytes)?;
            t.rate_limited = take(bytes)?;
        }
        if has(5) {
            t.unpriced = take(bytes)?;
        }
        let sums = [&mut t.retries, &mut t.input_tokens, &mut t.output_tokens, &mut t.cost_nusd];
        for (bit, sum) in sums.into_iter().enumerate() {
            if t.known & (1 << bit) != 0 {
                *sum = take_signed(bytes)?;
            }
        }
        t.latency_count = if has(6) { t.calls } else { take(bytes)? };
        if t.latency_count > 0 {
            t.latency_sum_us = take_signed(bytes)?;
            t.latency_max_us = if t.latency_count > 1 { take_signed(bytes)? } else { t.latency_sum_us };
        }
        Some(t)
    }
}

/// What a call adds to its member, kept small: there are as many as calls.
#[derive(Debug, Clone, Copy)]
struct One {
    input_tokens: i64,
    output_tokens: i64,
    cost_nusd: i64,
    latency_us: i64,
    retries: u32,
    outcome: Outcome,
    /// Which of retries, input, output, cost, latency are known: bits 0 to 4.
    known: u8,
}

impl One {
    fn of(sample: &Sample) -> One {
        let signed = |value: Option<u64>| value.map(|v| i64::try_from(v).unwrap_or(i64::MAX));
        let (input, output) = (signed(sample.input_tokens), signed(sample.output_tokens));
        let latency = signed(sample.latency_us);
        let known = [
            sample.retries.is_some(),
            input.is_some(),
            output.is_some(),
            sample.cost_nusd.is_some(),
            latency.is_some(),
        ];
        One {
            input_tokens: input.unwrap_or_default(),
            output_tokens: output.unwrap_or_default(),
            cost_nusd: sample.cost_nusd.unwrap_or_default(),
            latency_us: latency.unwrap_or_default(),
            retries: sample.retries.unwrap_or_default(),
            outcome: sample.outcome,
            known: known.into_iter().enumerate().fold(0, |mask, (bit, known)| mask | u8::from(known) << bit),
        }
    }

    fn add_to(&self, t: &mut Totals) {
        t.calls += 1;
        t.errors += u64::from(self.outcome.is_error());
        t.rate_limited += u64::from(self.outcome.failure() == Some(FailureMode::RateLimit));
        t.retries = t.retries.saturating_add(i64::from(self.retries));
        t.input_tokens = t.input_tokens.saturating_add(self.input_tokens);
        t.output_tokens = t.output_tokens.saturating_add(self.output_tokens);
        t.cost_nusd = t.cost_nusd.saturating_add(self.cost_nusd);
        t.unpriced += u64::from(self.known & 8 == 0);
        t.latency_sum_us = t.latency_sum_us.saturating_add(self.latency_us);
        t.latency_count += u64::from(self.known & 16 != 0);
        t.latency_max_us = t.latency_max_us.max(self.latency_us);
        t.known |= self.known & 15;
    }
}

/// One hour's calls of one kind of member, not yet summed: sorting them once is cheaper than a look-up for each.
#[derive(Debug, Default)]
struct Open {
    /// The first bytes of the name, tag first, and the call's number.
    order: Vec<(u128, u32)>,
    names: Vec<u8>,
    ends: Vec<u32>,
    calls: Vec<One>,
}

impl Open {
    fn name(&self, n: u32) -> &[u8] {
        let start = if n == 0 { 0 } else { self.ends[n as usize - 1] };
        &self.names[start as usize..self.ends[n as usize] as usize]
    }

    #[inline]
    fn add(&mut self, tag: u8, name: &[u8], one: One) {
        let mut first = [0; 16];
        let len = name.len().min(15);
        first[0] = tag;
        first[1..=len].copy_from_slice(&name[..len]);
        self.order.push((u128::from_be_bytes(first), self.calls.len() as u32));
        self.names.push(tag);
        self.names.extend_from_slice(name);
        self.ends.push(self.names.len() as u32);
        self.calls.push(one);
    }

    /// The run: members sorted by name.
    fn encode(&mut self) -> Vec<u8> {
        let mut order = std::mem::take(&mut self.order);
        // The first bytes as a number decide most comparisons without a look at the names.
        order.sort_unstable_by(|a, b| a.0.cmp(&b.0).then_with(|| self.name(a.1).cmp(self.name(b.1))));
        let mut run = RunWriter::with_room(order.len() * 28);
        for member in order.chunk_by(|a, b| a.0 == b.0 && self.name(a.1) == self.name(b.1)) {
            let mut totals = Totals::default();
            member.iter().for_each(|(_, n)| self.calls[*n as usize].add_to(&mut totals));
            run.put(self.name(member[0].1), &totals);
        }
        self.order = order;
        run.out
    }

    fn clear(&mut self) {
        self.order.clear();
        self.names.clear();
        self.ends.clear();
        self.calls.clear();
    }
}

/// Counts one transaction's members.
#[derive(Debug)]
pub struct Members {
    hour: i64,
    open: [Open; 2],
    done: Vec<Run>,
}

impl Default for Members {
    fn default() -> Members {
        Members { hour: i64::MIN, open: [Open::default(), Open::default()], done: Vec::new() }
    }
}

/// A member's name as it is in the batch: whether it is a packed id, and its bytes.
pub type Name<'a> = (bool, &'a [u8]);

impl Members {
    /// Counts a call for its user and its session, where it has them.
    #[inline]
    pub fn add(&mut self, ts_us: i64, sample: &Sample, names: [Name<'_>; 2]) {
        let hour = ts_us.div_euclid(HOUR_US);
        if hour != self.hour {
            self.close();
            self.hour = hour;
        }
        let one = One::of(sample);
        for (open, (packed, name)) in self.open.iter_mut().zip(names) {
            if !name.is_empty() {
                open.add(u8::from(packed), name, one);
            }
        }
    }

    fn close(&mut self) {
        for (kind, open) in [Kind::User, Kind::Session].into_iter().zip(&mut self.open) {
            if !open.calls.is_empty() {
                self.done.push(Run { kind, hour: self.hour, data: open.encode() });
                open.clear();
            }
        }
        self.hour = i64::MIN;
    }

    /// Closes the open hour and hands all runs out.
    pub fn finish(&mut self) -> Vec<Run> {
        self.close();
        std::mem::take(&mut self.done)
    }
}

/// The members of one kind in one hour, sorted by name, to be added to the store.
#[derive(Debug)]
pub struct Run {
    kind: Kind,
    hour: i64,
    data: Vec<u8>,
}

/// Adds runs to those that are there.
pub fn write(conn: &Connection, place: &Place, runs: Vec<Run>) -> Result<(), StoreError> {
    runs.into_iter().try_for_each(|run| add_run(conn, place, run.kind, run.hour, run.data))
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

/// Writes a run: each name as how much of it is that of the name before, and its rest.
struct RunWriter {
    out: Vec<u8>,
    last: Vec<u8>,
}

impl RunWriter {
    fn with_room(bytes: usize) -> RunWriter {
        RunWriter { out: Vec::with_capacity(bytes), last: Vec::new() }
    }

    fn put(&mut self, name: &[u8], totals: &Totals) {
        let shared = common_prefix(&self.last, name);
        put(&mut self.out, shared as u64);
        put_bytes(&mut self.out, &name[shared..]);
        self.last.truncate(shared);
        self.last.extend_from_slice(&name[shared..]);
        totals.encode(&mut self.out);
    }
}

/// How many bytes two names begin with alike, eight at a time.
fn common_prefix(a: &[u8], b: &[u8]) -> usize {
    let mut at = 0;
    for (x, y) in a.chunks_exact(8).zip(b.chunks_exact(8)) {
        if x != y {
            break;
        }
        at += 8;
    }
    at + a[at..].iter().zip(&b[at..]).take_while(|(x, y)| x == y).count()
}

/// Reads a run, member by member.
struct RunReader<'a> {
    rest: &'a [u8],
    name: Vec<u8>,
    totals: Totals,
    /// Whether `name` and `totals` are those of a member, or the run has ended.
    is_at_member: bool,
}

impl<'a> RunReader<'a> {
    /// Stands at the first member.
    fn new(run: &'a [u8]) -> Option<RunReader<'a>> {
        let mut reader = RunReader { rest: run, name: Vec::new(), totals: Totals::default(), is_at_member: false };
        reader.advance()?;
        Some(reader)
    }

    /// Goes to the next member; `None` on broken bytes.
    fn advance(&mut self) -> Option<()> {
        self.is_at_member = !self.rest.is_empty();
        if self.is_at_member {
            let shared = usize::try_from(take(&mut self.rest)?).ok().filter(|s| *s <= self.name.len())?;
            self.name.truncate(shared);
            self.name.extend_from_slice(take_bytes(&mut self.rest)?);
            self.totals = Totals::decode(&mut self.rest)?;
        }
        Some(())
    }
}

/// Merges two sorted runs; `None` on broken bytes.
fn merge_runs(a: &[u8], b: &[u8]) -> Option<Vec<u8>> {
    use std::cmp::Ordering::{Equal, Greater, Less};
    let mut out = RunWriter::with_room(a.len() + b.len());
    let (mut left, mut right) = (RunReader::new(a)?, RunReader::new(b)?);
    while left.is_at_member || right.is_at_member {
        let order = match (left.is_at_member, right.is_at_member) {
            (true, false) => Less,
            (false, _) => Greater,
            (true, true) => left.name.cmp(&right.name),
        };
        if order == Equal {
            left.totals.merge(&right.totals);
        }
        let first = if order == Greater { &right } else { &left };
        out.put(&first.name, &first.totals);
        if order != Greater {
            left.advance()?;
        }
        if order != Less {
            right.advance()?;
        }
    }
    Some(out.out)
}

/// Calls `each` with every member of a run: whether the name is packed, the name, the totals. `None` on broken bytes.
pub fn each_member(run: &[u8], mut each: impl FnMut(bool, &[u8], &Totals)) -> Option<()> {
    let mut reader = RunReader::new(run)?;
    while reader.is_at_member {
        let (tag, name) = reader.name.split_first()?;
        each(*tag == 1, name, &reader.totals);
        reader.advance()?;
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    fn totals() -> impl Strategy<Value = Totals> {
        let sample =
            (0u8..3, prop::option::of(0u64..9_999), prop::option::of(0u64..9_999_999), prop::option::of(0i64..9_999));
        prop::collection::vec(sample, 1..5).prop_map(|samples| {
            let mut sum = Totals::default();
            for (outcome, input_tokens, latency_us, cost_nusd) in samples {
                let outcome = Outcome::from_number(outcome);
                sum.merge(&Totals::of(&Sample { outcome, input_tokens, latency_us, cost_nusd, ..Sample::default() }));
            }
            sum
        })
    }

    fn run(of: &BTreeMap<String, Totals>) -> Vec<u8> {
        let mut out = RunWriter::with_room(0);
        of.iter().for_each(|(name, totals)| out.put(format!("\0{name}").as_bytes(), totals));
        out.out
    }

    proptest! {
        #[test]
        fn merged_runs_hold_the_sum(a in prop::collection::btree_map("[ab]{0,4}", totals(), 0..20), b in prop::collection::btree_map("[ab]{0,4}", totals(), 0..20)) {
            let mut sum = a.clone();
            for (name, totals) in &b {
                sum.entry(name.clone()).or_default().merge(totals);
            }
            let merged = merge_runs(&run(&a), &run(&b)).expect("its own bytes");
            let mut got = BTreeMap::new();
            each_member(&merged, |packed, name, totals| {
                assert!(!packed);
                got.insert(String::from_utf8(name.to_vec()).expect("text"), *totals);
            }).expect("its own bytes");
            prop_assert_eq!(got, sum);
        }

        #[test]
        fn broken_runs_never_panic(bytes: Vec<u8>) {
            let _ = each_member(&bytes, |_, _, _| {});
            let _ = merge_runs(&bytes, &bytes);
        }
    }
}

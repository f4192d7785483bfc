//! Hourly totals of users and sessions. There may be millions, so they are no rows: each transaction adds a sorted run to
//! the hour it touches, and runs of alike size are merged, so that an hour has few and each total is rewritten rarely.

use super::Place;
use super::stack::{Stacks, stacks};
use crate::stats::acc::Repriced;
use crate::stats::varint::{put, put_bytes, put_signed, take, take_bytes, take_signed};
use crate::store::StoreError;
use rusqlite::{Connection, params};
use std::collections::BTreeMap;

/// Which kind of member. The discriminant is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    User = 0,
    Session = 1,
}

/// Length of an hour, µs.
pub const HOUR_US: i64 = 3_600_000_000;

/// The bit of `Totals::known` for the cost.
const COST: u8 = 1 << 3;

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

    fn reprice(&mut self, by: &Repriced) {
        self.cost_nusd = self.cost_nusd.saturating_add(by.cost_nusd());
        self.unpriced = self.unpriced.saturating_add_signed(by.unpriced());
        self.known = if self.unpriced < self.calls { self.known | COST } else { self.known & !COST };
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

/// The members of one kind in one hour, sorted by name, to be added to the store.
#[derive(Debug)]
pub struct Run {
    pub kind: Kind,
    pub hour: i64,
    pub data: Vec<u8>,
}

static STACKS: Stacks = stacks!("member", "kind", "hour", merge_runs, BROKEN);

/// What is said of a run that does not read.
const BROKEN: &str = "hourly totals do not read";

/// Adds runs to those that are there.
pub fn write(conn: &Connection, place: &Place, runs: Vec<Run>) -> Result<(), StoreError> {
    runs.into_iter().try_for_each(|run| STACKS.add(conn, place, (run.kind as i64, run.hour), run.data))
}

/// Changes what the calls of members cost, by their names with the tag: the runs of the hour become one.
pub fn reprice(
    conn: &Connection,
    place: &Place,
    (kind, hour): (Kind, i64),
    changes: &BTreeMap<Vec<u8>, Repriced>,
) -> Result<(), StoreError> {
    let sql = |e| place.wrap(e);
    let broken = || place.damaged(BROKEN);
    let runs: Vec<Vec<u8>> = conn
        .prepare_cached("DELETE FROM member WHERE kind = ?1 AND hour = ?2 RETURNING data")
        .and_then(|mut s| s.query_map(params![kind as u8, hour], |row| row.get(0))?.collect())
        .map_err(sql)?;
    let mut merged = Vec::new();
    for run in &runs {
        merged = merge_runs(&merged, run).ok_or_else(broken)?;
    }
    let mut out = RunWriter::with_room(merged.len() + merged.len() / 8);
    let mut reader = RunReader::new(&merged).ok_or_else(broken)?;
    while reader.is_at_member {
        if let Some(by) = changes.get(&reader.name) {
            reader.totals.reprice(by);
        }
        out.put(&reader.name, &reader.totals);
        reader.advance().ok_or_else(broken)?;
    }
    if !out.out.is_empty() {
        conn.prepare_cached("INSERT INTO member (kind, hour, run, data) VALUES (?1, ?2, 0, ?3)")
            .and_then(|mut s| s.execute(params![kind as u8, hour, out.out]))
            .map_err(sql)?;
    }
    Ok(())
}

/// Writes a run: each name as how much of it is that of the name before, and its rest.
pub struct RunWriter {
    pub out: Vec<u8>,
    last: Vec<u8>,
}

impl RunWriter {
    pub fn with_room(bytes: usize) -> RunWriter {
        RunWriter { out: Vec::with_capacity(bytes), last: Vec::new() }
    }

    pub fn put(&mut self, name: &[u8], totals: &Totals) {
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
    use crate::event::Outcome;
    use crate::stats::acc::Sample;
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

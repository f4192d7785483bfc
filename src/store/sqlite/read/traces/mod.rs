//! Lists of traces and sessions: calls and spans of the window, newest first, summed by what they belong to.

mod gather;
mod one;
mod session;
mod tasks;

pub use one::story;

use super::Answer;
use super::context::Context;
use super::pace::Pace;
use super::read_error::{ReadError, ReadResult};
use super::row::{COLUMNS, Stored};
use super::series::Who;
use super::subject::passes;
use crate::batch::{Id, Measure, pack_id, unpack_id};
use crate::event::{Outcome, SpanKind};
use crate::snapshot::traces::{TraceRow, Traces};
use crate::store::Watch;
use crate::view::{Dim, Direction, TraceId, TraceList, TraceUnit};
use foldhash::HashMap;
use gather::{SpanFacts, Sum};
use rusqlite::Row;
use tasks::Done;
use xxhash_rust::xxh3::xxh3_64;

/// So many traces are told apart. Where there are more, the older ones are left out, and that is said.
const MOST: usize = 100_000;

/// What the key of a trace begins with.
const TRACE: u8 = 0;
const LOOSE: u8 = 1;
const REQUEST: u8 = 2;
const SESSION: u8 = 3;

/// The list of a view; empty where none is asked for.
pub fn list(answer: &Answer<'_>, watch: &dyn Watch) -> ReadResult<Traces> {
    let asked = answer.view.sections.traces;
    if asked.top == 0 {
        return Ok(Traces::default());
    }
    let done = tasks::read(&answer.context.conn, answer.cover)?;
    let mut reading = Reading {
        answer,
        done,
        unit: asked.unit,
        sums: HashMap::default(),
        key: Vec::new(),
        tries: HashMap::default(),
        outside: 0,
    };
    let since_us = reading.read(watch)?;
    Ok(reading.list(asked, since_us))
}

/// A list in the making.
struct Reading<'a> {
    answer: &'a Answer<'a>,
    done: Done,
    unit: TraceUnit,
    sums: HashMap<Box<[u8]>, Sum>,
    /// Of the row in hand.
    key: Vec<u8>,
    /// Where tries belong that name as their trace only the request they were made for: by that, the key of its trace.
    tries: HashMap<Vec<u8>, Box<[u8]>>,
    outside: u64,
}

impl Reading<'_> {
    /// Reads calls and spans together, newest first; the time before which there was no room.
    fn read(&mut self, watch: &dyn Watch) -> ReadResult<Option<i64>> {
        let conn = &self.answer.context.conn;
        let (since, until) = (self.answer.cover.since_us, self.answer.cover.until_us);
        let sql = format!(
            "SELECT {COLUMNS} FROM call c WHERE c.ts_us >= ?1 AND c.ts_us < ?2 ORDER BY c.ts_us DESC, c.id DESC"
        );
        let (mut of_calls, mut of_spans) = (conn.prepare_cached(&sql)?, conn.prepare_cached(SPANS)?);
        let (mut calls, mut spans) = (of_calls.query([since, until])?, of_spans.query([since, until])?);
        let (mut call, mut span, mut pace) = (calls.next()?, spans.next()?, Pace::of(watch));
        let time = |row: Option<&Row<'_>>| row.map_or(Ok(i64::MIN), |row| row.get::<_, i64>(0));
        loop {
            pace.step()?;
            let (of_call, of_span) = (time(call)?, time(span)?);
            let fits = match (call, span) {
                (None, None) => return Ok(None),
                (Some(row), _) if of_call >= of_span => {
                    let fits = self.call(&Stored::of(row)?)?;
                    call = calls.next()?;
                    fits
                }
                (_, Some(row)) => {
                    let fits = self.span(row)?;
                    span = spans.next()?;
                    fits
                }
                (Some(_), None) => continue,
            };
            if !fits {
                return Ok(Some(of_call.max(of_span)));
            }
        }
    }

    /// Adds a call; whether there was room.
    fn call(&mut self, call: &Stored<'_>) -> ReadResult<bool> {
        let context = self.answer.context;
        let trace = call.id_bytes(Id::Trace);
        let session = call.id_bytes(Id::Session);
        let was_tried = || call.measure(Measure::Retries).is_some_and(|retries| retries > 0);
        let (tag, id) = match (self.unit, trace.1, session.1) {
            (TraceUnit::Session, _, [_, ..]) => (SESSION, session),
            (TraceUnit::Trace, [_, ..], _) => (TRACE, trace),
            (TraceUnit::Trace, [], [_, ..]) => (LOOSE, session),
            (TraceUnit::Trace, [], []) if was_tried() => (REQUEST, call.id_bytes(Id::Request)),
            _ => (0, (false, &[][..])),
        };
        if id.1.is_empty() {
            self.outside += 1;
            return Ok(true);
        }
        self.turn_to(tag, id);
        if trace.1.is_empty() && was_tried() {
            let tries = key(TRACE, call.id_bytes(Id::Request));
            self.tries.insert(tries, self.key.as_slice().into());
        }
        let how = model_and_outcome(context, call);
        let passes = passes(&self.answer.view.filter, &self.answer.passing, call, context)?;
        let task = self.done.of_call(call);
        let Some(sum) = self.sum() else { return Ok(false) };
        sum.call(call, how);
        sum.passes |= passes;
        sum.task = sum.task.or(task);
        if tag == SESSION && !trace.1.is_empty() {
            sum.trace(xxh3_64(trace.1));
        }
        Ok(true)
    }

    /// Adds a span; whether there was room.
    fn span(&mut self, row: &Row<'_>) -> ReadResult<bool> {
        let text = |column: usize| -> ReadResult<Option<&str>> {
            row.get_ref(column)?.as_str_or_null().map_err(|e| ReadError::Sqlite(e.into()))
        };
        let (tag, id) = match self.unit {
            TraceUnit::Trace => (TRACE, text(1)?),
            TraceUnit::Session => (SESSION, text(2)?),
        };
        let Some(id) = id.filter(|id| !id.is_empty()) else { return Ok(true) };
        let mut packed = [0; 17];
        match pack_id(id, &mut packed) {
            Some(len) => self.turn_to(tag, (true, &packed[..len])),
            None => self.turn_to(tag, (false, id.as_bytes())),
        }
        let is_all = self.answer.view.filter.is_empty();
        let Some(sum) = self.sum() else { return Ok(false) };
        sum.step(&SpanFacts {
            end_us: row.get(0)?,
            kind: SpanKind::from_word(text(3)?.unwrap_or_default()).unwrap_or(SpanKind::Chain),
            name: text(4)?,
            has_parent: text(5)?.is_some_and(|id| !id.is_empty()),
            latency_us: row.get(6)?,
            ok: row.get(7)?,
            user: text(8)?,
        });
        sum.passes |= is_all;
        Ok(true)
    }

    fn turn_to(&mut self, tag: u8, (packed, bytes): (bool, &[u8])) {
        self.key.clear();
        self.key.extend_from_slice(&[tag, u8::from(packed)]);
        self.key.extend_from_slice(bytes);
    }

    /// The sums of the key in hand, where there is room for it.
    fn sum(&mut self) -> Option<&mut Sum> {
        if !self.sums.contains_key(self.key.as_slice()) {
            if self.sums.len() >= MOST {
                return None;
            }
            self.sums.insert(self.key.as_slice().into(), Sum::default());
        }
        self.sums.get_mut(self.key.as_slice())
    }

    /// The first of what was read.
    fn list(mut self, asked: TraceList, since_us: Option<i64>) -> Traces {
        for (tries, of) in std::mem::take(&mut self.tries) {
            if self.sums.get(tries.as_slice()).is_some_and(Sum::is_of_tries)
                && let Some(tries) = self.sums.remove(tries.as_slice())
                && let Some(sum) = self.sums.get_mut(&of)
            {
                sum.take_tries(&tries);
            }
        }
        let done = std::mem::take(&mut self.done);
        let mut sums: Vec<(Box<[u8]>, Sum)> = self.sums.into_iter().filter(|(_, sum)| sum.passes).collect();
        for (key, sum) in &mut sums {
            sum.task = if key[0] == TRACE { done.of_trace(&name(key)).or(sum.task) } else { sum.task };
        }
        let total = sums.len() as u64;
        sums.sort_by_cached_key(|(key, sum)| {
            let (a, b, c) = sum.weight(asked.by);
            let weight = if asked.direction == Direction::Falling { (-a, -b, -c) } else { (a, b, c) };
            (weight, key.clone())
        });
        sums.truncate(asked.top);
        let row = |(key, sum): (Box<[u8]>, Sum)| sum.row(id_of(&key));
        Traces { list: sums.into_iter().map(row).collect::<Vec<TraceRow>>(), total, outside: self.outside, since_us }
    }
}

const SPANS: &str = "SELECT ts_us, trace_id, session_id, kind, name, parent_id, latency_us, ok, user_id FROM span \
                     WHERE ts_us >= ?1 AND ts_us < ?2 ORDER BY ts_us DESC, id DESC";

fn key(tag: u8, (packed, bytes): (bool, &[u8])) -> Vec<u8> {
    let mut key = vec![tag, u8::from(packed)];
    key.extend_from_slice(bytes);
    key
}

/// The id in a key.
fn name(key: &[u8]) -> String {
    match key {
        [_, 1, packed @ ..] => unpack_id(packed).unwrap_or_default(),
        [_, _, text @ ..] => String::from_utf8_lossy(text).into_owned(),
        _ => String::new(),
    }
}

fn id_of(key: &[u8]) -> TraceId {
    let id = name(key);
    match key.first() {
        Some(&LOOSE) => TraceId::Loose(id),
        Some(&REQUEST) => TraceId::Request(id),
        Some(&SESSION) => TraceId::Session(id),
        _ => TraceId::Trace(id),
    }
}

/// How a call went, and its model.
fn model_and_outcome<'c>(context: &'c Context, call: &Stored<'_>) -> (Option<&'c str>, Outcome) {
    let series = Who::Series(call.series);
    let outcome = context.series.key(series).map(|key| key.outcome).unwrap_or_default();
    (context.series.dim(series, Dim::Model), outcome)
}

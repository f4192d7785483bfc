//! From scores to what they judge, by the index of ids: of one request the newest call up to the score, else the first one
//! after it; of a trace what all its calls share.

use super::judged::OneCall;
use super::{Judged, Shared, target};
use crate::batch::{Attrs, Id};
use crate::event::ScoreSource;
use crate::store::sqlite::ids::Kind;
use crate::store::sqlite::locate::Wanted;
use crate::store::sqlite::read::read_error::ReadResult;
use crate::store::sqlite::read::row::Stored;
use crate::view::RecordKey;
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, params};
use std::collections::HashMap;

/// A score that counts otherwise than before. What counts units takes it from `was` and gives it to `is`.
#[derive(Debug, Clone, PartialEq)]
pub struct Resolved {
    /// The score: its time, µs, and the hash of its identity.
    pub key: RecordKey,
    /// What was judged, such as `task_completed`.
    pub name: Box<str>,
    /// The judgement.
    pub value: f64,
    /// Who judged.
    pub source: Option<ScoreSource>,
    /// The request that it names, if it judges one call.
    pub request: Option<Box<str>>,
    /// What it was known to judge before; `None` where it waited, or is new.
    pub was: Option<Judged>,
    /// What it judges.
    pub is: Judged,
}

/// A score to be joined.
struct Score {
    key: RecordKey,
    name: Box<str>,
    value: f64,
    source: Option<ScoreSource>,
    which: Id,
    target: Box<str>,
    was: Option<Judged>,
}

/// Joins scores to what they judge, and writes it down; those that count otherwise than before.
pub fn resolve(conn: &Connection, keys: &[RecordKey]) -> ReadResult<Vec<Resolved>> {
    let scores = keys.iter().filter_map(|key| read(conn, *key).transpose()).collect::<ReadResult<Vec<Score>>>()?;
    let mut changed = Vec::new();
    let mut says = Says { conn, series: HashMap::new(), attrs: HashMap::new() };
    let calls = says.of_requests(&scores)?;
    let traces = says.of_traces(&scores)?;
    for score in scores {
        let is = match score.which {
            Id::Request => nearest(&score, calls.get(&score.target).map(Vec::as_slice).unwrap_or_default()),
            _ => shared(&score, traces.get(&score.target)),
        };
        let Some(is) = is.filter(|is| score.was.as_ref() != Some(is)) else { continue };
        is.write(conn, score.key)?;
        let Score { key, name, value, source, which, target, was } = score;
        let request = (which == Id::Request).then_some(target);
        changed.push(Resolved { key, name, value, source, request, was, is });
    }
    Ok(changed)
}

fn read(conn: &Connection, key: RecordKey) -> ReadResult<Option<Score>> {
    let sql = format!(
        "SELECT name, value, judge, request_id, trace_id, {} FROM score WHERE ts_us = ?1 AND id = ?2",
        Judged::COLUMNS
    );
    let mut select = conn.prepare_cached(&sql)?;
    let mut rows = select.query(params![key.ts_us, key.id])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    let (request, trace): (Option<String>, Option<String>) = (row.get(3)?, row.get(4)?);
    let Some((which, id)) = target(request.as_deref(), trace.as_deref()) else { return Ok(None) };
    Ok(Some(Score {
        key,
        name: row.get::<_, String>(0)?.into(),
        value: row.get(1)?,
        source: row.get::<_, Option<String>>(2)?.as_deref().and_then(ScoreSource::from_word),
        which,
        target: id.into(),
        was: Judged::read(row, 5)?,
    }))
}

/// How far a call is from what a score judges: calls up to the score before those after it, the nearest first. Two calls of
/// one id at one time are the same.
fn distance(score: RecordKey, call: RecordKey) -> (bool, u64, i64) {
    (call.ts_us > score.ts_us, call.ts_us.abs_diff(score.ts_us), call.id)
}

/// The call that a score judges. One that was found before counts even where it has been deleted since.
fn nearest(score: &Score, found: &[Judged]) -> Option<Judged> {
    let far = |judged: &&Judged| judged.call.as_ref().map(|call| distance(score.key, call.key));
    let mut best = score.was.as_ref();
    for one in found {
        if best.is_none_or(|best| far(&one) < far(&best)) {
            best = Some(one);
        }
    }
    best.cloned()
}

/// What all calls of a trace share, those that have been deleted since included.
fn shared(score: &Score, found: Option<&Shared>) -> Option<Judged> {
    let before = score.was.as_ref().map(|was| was.shared.clone());
    let shared = match (before, found) {
        (Some(mut before), Some(found)) => {
            before.merge(found);
            before
        }
        (before, found) => before.or_else(|| found.cloned())?,
    };
    Some(Judged { call: None, shared })
}

/// What calls say, with the dictionaries that takes.
struct Says<'c> {
    conn: &'c Connection,
    /// App, environment and variant of each series.
    series: HashMap<u32, [Option<Box<str>>; 3]>,
    /// The experiment of each number of attributes.
    attrs: HashMap<i64, Option<Box<str>>>,
}

impl Says<'_> {
    /// The calls of each request that is judged.
    fn of_requests(&mut self, scores: &[Score]) -> ReadResult<HashMap<Box<str>, Vec<Judged>>> {
        let mut found: HashMap<Box<str>, Vec<Judged>> = HashMap::new();
        self.each(scores, (Id::Request, Kind::Request), |id, call, shared| {
            let one = OneCall { key: call.key, series: i64::from(call.series), attrs: call.attrs_value()? };
            found.entry(id.into()).or_default().push(Judged { call: Some(one), shared });
            Ok(())
        })?;
        Ok(found)
    }

    /// What the calls of each trace that is judged share.
    fn of_traces(&mut self, scores: &[Score]) -> ReadResult<HashMap<Box<str>, Shared>> {
        let mut found: HashMap<Box<str>, Shared> = HashMap::new();
        self.each(scores, (Id::Trace, Kind::Trace), |id, _, shared| {
            found.entry(id.into()).or_default().merge(&shared);
            Ok(())
        })?;
        Ok(found)
    }

    fn each(
        &mut self,
        scores: &[Score],
        (which, kind): (Id, Kind),
        mut each: impl FnMut(&str, &Stored<'_>, Shared) -> ReadResult<()>,
    ) -> ReadResult<()> {
        let ids: Vec<&str> = scores.iter().filter(|s| s.which == which).map(|s| &*s.target).collect();
        let conn = self.conn;
        Wanted::find(conn, kind, ids.iter().copied())?.calls(conn, |number, call| {
            let Some(id) = ids.get(number) else { return Ok(()) };
            each(id, call, self.shared(call)?)
        })
    }

    fn shared(&mut self, call: &Stored<'_>) -> ReadResult<Shared> {
        let [app, environment, variant] = self.dims(call.series)?;
        let experiment = self.experiment(&call.attrs_value()?)?;
        let own = |which| call.id(which).map(|id| id.into_owned().into_boxed_str());
        Ok(Shared::of([app, environment, variant, experiment, own(Id::User), own(Id::Session)]))
    }

    fn dims(&mut self, series: u32) -> ReadResult<[Option<Box<str>>; 3]> {
        if let Some(known) = self.series.get(&series) {
            return Ok(known.clone());
        }
        let found = self
            .conn
            .prepare_cached("SELECT app, environment, variant FROM series WHERE id = ?1")?
            .query_row([series], |row| Ok([row.get(0)?, row.get(1)?, row.get(2)?]))
            .optional()?;
        let dims = found.unwrap_or_default().map(|value: Option<String>| value.map(String::into_boxed_str));
        self.series.insert(series, dims.clone());
        Ok(dims)
    }

    fn experiment(&mut self, attrs: &Value) -> ReadResult<Option<Box<str>>> {
        let of =
            |json: &str| serde_json::from_str::<Attrs>(json).unwrap_or_default().experiment.map(String::into_boxed_str);
        match attrs {
            Value::Text(json) => Ok(of(json)),
            Value::Integer(number) => {
                if let Some(known) = self.attrs.get(number) {
                    return Ok(known.clone());
                }
                let json: Option<String> = self
                    .conn
                    .prepare_cached("SELECT json FROM attrs WHERE id = ?1")?
                    .query_row([number], |row| row.get(0))
                    .optional()?;
                let experiment = json.as_deref().and_then(of);
                self.attrs.insert(*number, experiment.clone());
                Ok(experiment)
            }
            _ => Ok(None),
        }
    }
}

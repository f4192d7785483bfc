//! Which calls are judged: so many of those that a filter lets through, the same ones for the same seed, whatever order
//! they came in.

use crate::store::Reader;
use crate::store::sqlite::{Cell, SqliteReader};
use crate::view::{Filter, RecordKey, Window};
use anyhow::Result;
use std::collections::{BTreeSet, HashSet};
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// What to take calls from.
pub struct Asked<'a> {
    /// The window of time.
    pub window: Window,
    /// Which calls.
    pub filter: &'a Filter,
    /// How many.
    pub count: usize,
    /// Which sample.
    pub seed: u64,
    /// What is judged.
    pub name: &'a str,
    /// Who judges: those whom the same judged so before are passed over.
    pub source: &'static str,
    /// Calls of this application are never taken: a judge does not judge itself.
    pub except: &'a str,
}

/// A sample.
#[derive(Debug, Default)]
pub struct Sample {
    /// The calls that are still to be judged, in their order.
    pub calls: Vec<RecordKey>,
    /// How many of the sample were judged before.
    pub done: usize,
    /// Calls that have no request id, which no score can name.
    pub nameless: u64,
}

/// Takes a sample. Of all calls those whose hashes by the seed are the lowest: a few more calls change it little.
pub fn take(reader: &mut SqliteReader, asked: &Asked<'_>, now_us: i64) -> Result<Sample> {
    let judged = judged(reader, asked)?;
    let (mut sample, mut lowest) = (Sample::default(), BTreeSet::new());
    reader.calls(asked.window, now_us, asked.filter, &mut |record| {
        let call = &record.call;
        if call.app.as_deref() == Some(asked.except) {
            return;
        }
        let Some(request) = call.request_id.as_deref().filter(|id| !id.is_empty()) else {
            sample.nameless += 1;
            return;
        };
        let is_done = judged.contains(request);
        lowest.insert((xxh3_64_with_seed(request.as_bytes(), asked.seed), record.key(), is_done));
        if lowest.len() > asked.count {
            lowest.pop_last();
        }
    })?;
    for (_, key, is_done) in lowest {
        if is_done {
            sample.done += 1;
        } else {
            sample.calls.push(key);
        }
    }
    Ok(sample)
}

/// The requests that have such a score.
fn judged(reader: &mut SqliteReader, asked: &Asked<'_>) -> Result<HashSet<String>> {
    let name = asked.name.replace('\'', "''");
    let sql = format!("SELECT request_id FROM scores WHERE name = '{name}' AND source = '{}'", asked.source);
    let mut judged = HashSet::new();
    reader.query(&sql, &mut |_, row| {
        if let Some(Cell::Text(request)) = row.into_iter().next() {
            judged.insert(request);
        }
        Ok(())
    })?;
    Ok(judged)
}

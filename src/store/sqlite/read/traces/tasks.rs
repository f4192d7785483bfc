//! Whether tasks were completed, by their `task_completed` scores: what says most of how a trace ended.

use super::super::read_error::ReadResult;
use crate::batch::Id;
use crate::snapshot::quality::Scale;
use crate::store::sqlite::read::row::Stored;
use crate::view::Range;
use foldhash::HashMap;
use rusqlite::Connection;

/// Scores may come so long after the end of the window, µs.
const AFTER_US: i64 = 86_400_000_000;

/// What scores say, by trace and by request; the newest counts.
#[derive(Default)]
pub struct Done {
    traces: HashMap<String, bool>,
    requests: HashMap<String, bool>,
}

impl Done {
    /// What they say of a trace.
    pub fn of_trace(&self, id: &str) -> Option<bool> {
        self.traces.get(id).copied()
    }

    /// What they say of a trace, else of one of its calls.
    pub fn of_parts<'r>(&self, id: &str, requests: impl Iterator<Item = &'r str>) -> Option<bool> {
        self.of_trace(id).or_else(|| requests.filter_map(|id| self.requests.get(id).copied()).last())
    }

    /// What they say of a call.
    pub fn of_call(&self, call: &Stored<'_>) -> Option<bool> {
        if self.requests.is_empty() {
            return None;
        }
        self.requests.get(call.id(Id::Request)?.as_ref()).copied()
    }
}

/// Reads the scores of a range of time and a day after it.
pub fn read(conn: &Connection, range: Range) -> ReadResult<Done> {
    let mut select = conn.prepare_cached(
        "SELECT request_id, trace_id, value FROM score WHERE ts_us >= ?1 AND ts_us < ?2 \
         AND name = 'task_completed' AND value BETWEEN 0 AND 1 ORDER BY ts_us, id",
    )?;
    let mut rows = select.query([range.since_us, range.until_us.saturating_add(AFTER_US)])?;
    let mut done = Done::default();
    while let Some(row) = rows.next()? {
        let (request, trace): (Option<String>, Option<String>) = (row.get(0)?, row.get(1)?);
        let completed = Scale::Rate.is_yes(row.get(2)?);
        match (request, trace) {
            (Some(request), _) => drop(done.requests.insert(request, completed)),
            (None, Some(trace)) => drop(done.traces.insert(trace, completed)),
            (None, None) => {}
        }
    }
    Ok(done)
}

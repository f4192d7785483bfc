//! What became of tasks: the newest `task_completed` score of each call or trace in the window.

use super::Answer;
use super::pace::Pace;
use super::read_error::ReadResult;
use crate::snapshot::Tasks;
use crate::store::Watch;
use crate::view::{Anchor, Range, Span};
use foldhash::HashMap;

/// From this value on a task was completed: `true` is 1, and judges that grade give a share.
const COMPLETED: f64 = 0.5;

/// Counts tasks; `None` where scores of the window have been deleted. Scores on another scale than 0 to 1 say nothing of
/// completion, nor do those of neither a call nor a trace.
pub fn tasks(answer: &Answer<'_>, watch: &dyn Watch) -> ReadResult<Option<Tasks>> {
    if answer.gone(answer.range, answer.horizon.rows_us).is_some() {
        return Ok(None);
    }
    // A window of everything ends with its newest call, and scores come after what they judge.
    let range = match (answer.view.window.span, answer.view.window.anchor) {
        (Span::All, Anchor::Auto | Anchor::Now) => Range { since_us: i64::MIN, until_us: i64::MAX },
        _ => answer.range,
    };
    let mut select = answer.context.conn.prepare_cached(
        "SELECT request_id, trace_id, value FROM score \
         WHERE ts_us >= ?1 AND ts_us < ?2 AND name = 'task_completed' AND value BETWEEN 0 AND 1 \
         AND coalesce(request_id, trace_id) IS NOT NULL ORDER BY ts_us, id",
    )?;
    let mut rows = select.query([range.since_us, range.until_us])?;
    let (mut newest, mut pace) = (HashMap::<(bool, String), bool>::default(), Pace::of(watch));
    while let Some(row) = rows.next()? {
        pace.step()?;
        let of_call: Option<String> = row.get(0)?;
        let key = match of_call {
            Some(request) => (true, request),
            None => (false, row.get(1)?),
        };
        newest.insert(key, row.get::<_, f64>(2)? >= COMPLETED);
    }
    let completed = newest.values().filter(|completed| **completed).count() as u64;
    Ok(Some(Tasks { judged: newest.len() as u64, completed }))
}

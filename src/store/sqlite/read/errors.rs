//! Failed calls: failure modes with what they affect, the newest errors. Counts come from the rollups; what needs single
//! errors comes from the newest few thousand.

use super::context::Context;
use super::figures::Figures;
use super::pace::Pace;
use super::read_error::ReadResult;
use super::row::{COLUMNS, COUNT, Flow, Order, Stored};
use super::series::{Passing, Who};
use super::subject::passes;
use crate::event::{FailureMode, Outcome};
use crate::snapshot::{Failure, Point, Record};
use crate::store::Watch;
use crate::view::{Dim, Filter, Grouping, Range, RecordKey};
use rusqlite::Row;
use std::collections::{HashMap, HashSet};

/// How many of the newest errors are read for users and messages.
pub const NEWEST: usize = 2_000;

/// What is read of an error, in this order.
const OF_ERROR: &str = "e.ts_us, e.id, e.series, e.user_id, e.error_type, e.message, e.retry_after_us";

/// How many names are given of affected models and error types.
const NAMES: usize = 5;

/// One failed call, as far as failures and clusters need it.
pub struct Failed {
    key: RecordKey,
    mode: FailureMode,
    user: Option<String>,
    error_type: Option<String>,
    message: String,
    retry_after_us: Option<i64>,
}

/// Which errors, for whom.
#[derive(Clone, Copy)]
pub struct Errors<'a> {
    pub context: &'a Context,
    pub filter: &'a Filter,
    pub passing: &'a Passing,
    pub watch: &'a dyn Watch,
}

impl Errors<'_> {
    /// The newest errors of a range, at most so many.
    pub fn newest(self, range: Range, most: usize) -> ReadResult<Vec<Failed>> {
        let mut failed = Vec::new();
        self.each(range, None, Order::NewestFirst, |one| {
            if failed.len() >= most {
                return Flow::Enough;
            }
            failed.push(one);
            Flow::On
        })?;
        Ok(failed)
    }

    /// The first error of a mode in a range, from one end.
    fn first(self, range: Range, mode: FailureMode, order: Order) -> ReadResult<Option<Failed>> {
        let mut found = None;
        self.each(range, Some(mode), order, |one| {
            found = Some(one);
            Flow::Enough
        })?;
        Ok(found)
    }

    /// Hands out the errors of a range that the filter lets through, of one mode or of all.
    fn each(
        self,
        range: Range,
        mode: Option<FailureMode>,
        order: Order,
        mut each: impl FnMut(Failed) -> Flow,
    ) -> ReadResult<()> {
        let direction = if order == Order::NewestFirst { "DESC" } else { "ASC" };
        // The calls of a few thousand errors are all over the table: they are looked at where the filter asks it of them.
        let (of_call, join, first) = match self.filter.needs_rows() {
            true => (format!("{COLUMNS}, "), "CROSS JOIN call c ON c.ts_us = e.ts_us AND c.id = e.id", COUNT),
            false => (String::new(), "", 0),
        };
        let sql = format!(
            "SELECT {of_call}{OF_ERROR} FROM error e \
             CROSS JOIN series s ON s.id = e.series {join} \
             WHERE e.ts_us >= ?1 AND e.ts_us < ?2 AND s.outcome <> 0 AND (?3 = 0 OR s.outcome = ?3) \
             ORDER BY e.ts_us {direction}, e.id {direction}"
        );
        let outcome = mode.map_or(0, |mode| Outcome::Failed(mode).number());
        let mut select = self.context.conn.prepare_cached(&sql)?;
        let mut rows = select.query((range.since_us, range.until_us, outcome))?;
        let mut pace = Pace::of(self.watch);
        while let Some(row) = rows.next()? {
            pace.step()?;
            if self.passes(row, first)?
                && let Some(failed) = Failed::of(row, first, self.context)?
                && each(failed) == Flow::Enough
            {
                break;
            }
        }
        Ok(())
    }

    /// Hands out the errors of a range that the filter lets through, the newest first: `what` of each, from a column on.
    pub fn each_row(
        self,
        range: Range,
        what: &str,
        mut each: impl FnMut(&Row<'_>, usize) -> ReadResult<Flow>,
    ) -> ReadResult<()> {
        let (of_call, join, first) = match self.filter.needs_rows() {
            true => (format!("{COLUMNS}, "), "CROSS JOIN call c ON c.ts_us = e.ts_us AND c.id = e.id", COUNT),
            false => (String::new(), "", 0),
        };
        let sql = format!(
            "SELECT {of_call}{what} FROM error e {join} WHERE e.ts_us >= ?1 AND e.ts_us < ?2 \
             ORDER BY e.ts_us DESC, e.id DESC"
        );
        let mut select = self.context.conn.prepare_cached(&sql)?;
        let mut rows = select.query((range.since_us, range.until_us))?;
        let mut pace = Pace::of(self.watch);
        while let Some(row) = rows.next()? {
            pace.step()?;
            if self.passes(row, first)? && each(row, first)? == Flow::Enough {
                break;
            }
        }
        Ok(())
    }

    /// Whether the filter lets an error through whose own columns begin at `first`.
    fn passes(self, row: &Row<'_>, first: usize) -> ReadResult<bool> {
        if self.filter.needs_rows() {
            return passes(self.filter, self.passing, &Stored::of(row)?, self.context);
        }
        Ok(self.passing.lets(Who::Series(row.get(first + 2)?)))
    }

    /// Failure modes, most calls first. `points` is the chart, `failed` the newest errors.
    pub fn failures(
        self,
        range: Range,
        (now, before): (&Figures, &Figures),
        points: &[Point],
        failed: &[Failed],
    ) -> ReadResult<Vec<Failure>> {
        let (Some(cells), Some(cells_before)) = (&now.failures, &before.failures) else { return Ok(Vec::new()) };
        let by_mode = Grouping::by(Dim::Error, None);
        let previous: HashMap<_, _> =
            cells_before.groups(&by_mode).into_iter().map(|(k, acc)| (k, acc.calls())).collect();
        let pairs = cells.groups(&Grouping::of(&[Dim::Error, Dim::Model], None));
        let mut list = Vec::new();
        for (key, acc) in cells.groups(&by_mode) {
            let Some(mode) = key[0].as_deref().and_then(FailureMode::from_word) else { continue };
            let models = pairs.iter().filter(|(k, _)| k[0] == key[0]);
            let models = models.filter_map(|(k, acc)| Some((k[1].clone()?, acc.calls()))).take(NAMES).collect();
            let number = usize::from(Outcome::Failed(mode).number());
            let mine: Vec<&Failed> = failed.iter().filter(|f| f.mode == mode).collect();
            let failure = Failure {
                calls: acc.calls(),
                previous: previous.get(&key).copied().unwrap_or_default(),
                trend: points.iter().map(|p| p.outcomes[number]).collect(),
                models,
                ..failure(mode, &mine)
            };
            let is_whole = mine.len() as u64 == failure.calls;
            list.push(if is_whole { failure } else { self.beyond(failure, range, now.total.seen[number])? });
        }
        Ok(list)
    }

    /// What single errors tell of a mode, where not all of its errors were among the newest.
    fn beyond(self, failure: Failure, range: Range, seen: Option<(Range, Range)>) -> ReadResult<Failure> {
        let Some((first, last)) = seen else { return Ok(Failure { partial: true, ..failure }) };
        let within = |bucket: Range| Range {
            since_us: bucket.since_us.max(range.since_us),
            until_us: bucket.until_us.min(range.until_us),
        };
        let oldest = self.first(within(first), failure.mode, Order::OldestFirst)?;
        let mut whole = Failure { partial: true, ..failure };
        if whole.last_us.is_none()
            && let Some(newest) = self.first(within(last), whole.mode, Order::NewestFirst)?
        {
            let of_one = self::failure(whole.mode, &[&newest]);
            whole = Failure {
                calls: whole.calls,
                previous: whole.previous,
                trend: whole.trend,
                models: whole.models,
                partial: true,
                ..of_one
            };
        }
        // Of deleted calls the bucket is known.
        whole.first_us = Some(oldest.map_or(within(first).since_us, |f| f.key.ts_us));
        whole.last_us = whole.last_us.or(Some(within(last).since_us));
        Ok(whole)
    }
}

impl Failed {
    /// A row with [`OF_ERROR`] from the column `first` on; `None` where the call did not fail.
    fn of(row: &Row<'_>, first: usize, context: &Context) -> ReadResult<Option<Failed>> {
        let series = Who::Series(row.get(first + 2)?);
        let Some(mode) = context.series.key(series).and_then(|k| k.outcome.failure()) else { return Ok(None) };
        Ok(Some(Failed {
            key: RecordKey { ts_us: row.get(first)?, id: row.get(first + 1)? },
            mode,
            user: row.get(first + 3)?,
            error_type: row.get(first + 4)?,
            message: row.get(first + 5)?,
            retry_after_us: row.get(first + 6)?,
        }))
    }
}

/// What single errors of a mode, newest first, tell of it.
fn failure(mode: FailureMode, mine: &[&Failed]) -> Failure {
    let users: HashSet<&str> = mine.iter().filter_map(|f| f.user.as_deref()).collect();
    let example = mine.iter().find(|f| !f.message.is_empty());
    Failure {
        mode,
        calls: 0,
        previous: 0,
        first_us: mine.last().map(|f| f.key.ts_us),
        last_us: mine.first().map(|f| f.key.ts_us),
        trend: Vec::new(),
        models: Vec::new(),
        users: (!users.is_empty()).then_some(users.len() as u64),
        error_types: most(mine.iter().filter_map(|f| f.error_type.clone())),
        example: example.map(|f| f.message.clone()),
        example_key: example.or(mine.first()).map(|f| f.key),
        retry_after_us: mine.iter().filter_map(|f| f.retry_after_us).max().and_then(|v| u64::try_from(v).ok()),
        partial: false,
    }
}

/// The most frequent names, most first.
fn most(names: impl Iterator<Item = String>) -> Vec<(String, u64)> {
    let mut counts: HashMap<String, u64> = HashMap::new();
    names.for_each(|name| *counts.entry(name).or_default() += 1);
    let mut list: Vec<_> = counts.into_iter().collect();
    list.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    list.truncate(NAMES);
    list
}

/// The newest errors as records.
pub fn records(context: &Context, failed: &[Failed], top: usize) -> ReadResult<Vec<Record>> {
    let mut list = Vec::new();
    for f in failed.iter().take(top) {
        list.extend(super::records::one(context, f.key)?);
    }
    Ok(list)
}

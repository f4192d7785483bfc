//! Failed calls: failure modes with what they affect, clusters of alike messages, the newest errors. Counts come from the
//! rollups; what needs single errors comes from the newest few thousand.

use super::context::Context;
use super::groups::Cells;
use super::read_error::ReadResult;
use super::row::{self, COLUMNS, column, id_text};
use super::series::{Passing, Who};
use super::subject::passes;
use crate::event::{FailureMode, Outcome};
use crate::snapshot::{Cluster, Clusters, Failure, Point, Record};
use crate::view::{Dim, Filter, Grouping, Range, RecordKey};
use std::collections::{HashMap, HashSet};

/// How many of the newest errors are read for users, messages and clusters.
pub const NEWEST: usize = 2_000;

/// How many names are given of affected models and error types.
const NAMES: usize = 5;

/// One failed call, as far as failures and clusters need it.
pub struct Failed {
    key: RecordKey,
    mode: FailureMode,
    model: Option<String>,
    user: Option<String>,
    error_type: Option<String>,
    message: String,
    template: String,
    retry_after_us: Option<i64>,
}

/// The newest errors of a range that a filter lets through, at most so many; whether there were more.
pub fn newest(
    context: &Context,
    range: Range,
    (filter, passing): (&Filter, &Passing),
    most: usize,
) -> ReadResult<(Vec<Failed>, bool)> {
    let sql = format!(
        "SELECT {COLUMNS}, e.message, t.text, e.retry_after_us FROM error e \
         JOIN call c ON c.ts_us = e.ts_us AND c.id = e.id LEFT JOIN template t ON t.id = e.template \
         WHERE e.ts_us >= ?1 AND e.ts_us < ?2 ORDER BY e.ts_us DESC, e.id DESC"
    );
    let mut select = context.conn.prepare_cached(&sql)?;
    let mut rows = select.query([range.since_us, range.until_us])?;
    let mut failed = Vec::new();
    while let Some(row) = rows.next()? {
        if !passes(filter, passing, row, context)? {
            continue;
        }
        let series = row::series(row)?;
        let Some(mode) = context.series.key(Who::Series(series)).and_then(|k| k.outcome.failure()) else { continue };
        if failed.len() >= most {
            return Ok((failed, true));
        }
        failed.push(Failed {
            key: row::key(row)?,
            mode,
            model: context.series.dim(Who::Series(series), Dim::Model).map(str::to_owned),
            user: id_text(row, column::USER)?.map(|t| t.into_owned()),
            error_type: row::attrs(row, context)?.error_type,
            message: row.get(24)?,
            template: row.get::<_, Option<String>>(25)?.unwrap_or_default(),
            retry_after_us: row.get(26)?,
        });
    }
    Ok((failed, false))
}

/// Failure modes, most calls first. `cells` and `before` are by error and model; `points` is the chart.
pub fn failures(cells: &Cells, before: &Cells, points: &[Point], failed: &[Failed], partial: bool) -> Vec<Failure> {
    let by_mode = Grouping::by(Dim::Error, None);
    let previous: HashMap<_, _> = before.groups(&by_mode).into_iter().map(|(k, acc)| (k, acc.calls())).collect();
    let pairs = cells.groups(&Grouping::of(&[Dim::Error, Dim::Model], None));
    let mut list = Vec::new();
    for (key, acc) in cells.groups(&by_mode) {
        let Some(mode) = key[0].as_deref().and_then(FailureMode::from_word) else { continue };
        let models = pairs.iter().filter(|(k, _)| k[0] == key[0]);
        let models = models.filter_map(|(k, acc)| Some((k[1].clone()?, acc.calls()))).take(NAMES).collect();
        let previous = previous.get(&key).copied().unwrap_or_default();
        let mine: Vec<&Failed> = failed.iter().filter(|f| f.mode == mode).collect();
        list.push(failure(mode, (acc.calls(), previous), models, points, &mine, partial));
    }
    list
}

fn failure(
    mode: FailureMode,
    (calls, previous): (u64, u64),
    models: Vec<(String, u64)>,
    points: &[Point],
    mine: &[&Failed],
    partial: bool,
) -> Failure {
    let number = usize::from(Outcome::Failed(mode).number());
    let trend: Vec<u64> = points.iter().map(|p| p.outcomes[number]).collect();
    let first_step = points.iter().find(|p| p.outcomes[number] > 0).map(|p| p.range.since_us);
    let oldest_read = mine.last().map(|f| f.key.ts_us);
    let users: HashSet<&str> = mine.iter().filter_map(|f| f.user.as_deref()).collect();
    let example = mine.iter().find(|f| !f.message.is_empty());
    Failure {
        mode,
        calls,
        previous,
        first_us: if partial || mine.is_empty() { first_step.or(oldest_read) } else { oldest_read },
        last_us: mine.first().map(|f| f.key.ts_us),
        trend,
        models,
        users: (!users.is_empty()).then_some(users.len() as u64),
        error_types: most(mine.iter().filter_map(|f| f.error_type.clone())),
        example: example.map(|f| f.message.clone()),
        example_key: example.or(mine.first()).map(|f| f.key),
        retry_after_us: mine.iter().filter_map(|f| f.retry_after_us).max().and_then(|v| u64::try_from(v).ok()),
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

/// Alike messages counted together, most calls first.
pub fn clusters(failed: &[Failed], partial: bool, top: usize) -> Clusters {
    let mut by_template: HashMap<&str, Vec<&Failed>> = HashMap::new();
    failed.iter().for_each(|f| by_template.entry(&f.template).or_default().push(f));
    let mut list: Vec<Cluster> = by_template
        .into_iter()
        .filter_map(|(template, members)| {
            let (newest, oldest) = (members.first()?, members.last()?);
            Some(Cluster {
                template: template.to_owned(),
                mode: newest.mode,
                calls: members.len() as u64,
                first_us: oldest.key.ts_us,
                last_us: newest.key.ts_us,
                models: most(members.iter().filter_map(|f| f.model.clone())),
                example: newest.message.clone(),
                example_key: newest.key,
            })
        })
        .collect();
    list.sort_by(|a, b| {
        b.calls.cmp(&a.calls).then_with(|| b.last_us.cmp(&a.last_us)).then_with(|| a.template.cmp(&b.template))
    });
    list.truncate(top);
    Clusters { list, read: failed.len() as u64, partial }
}

/// The newest errors as records.
pub fn records(context: &Context, failed: &[Failed], top: usize) -> ReadResult<Vec<Record>> {
    let mut list = Vec::new();
    for f in failed.iter().take(top) {
        list.extend(super::records::one(context, f.key)?);
    }
    Ok(list)
}

//! Clusters of failed calls by what they said: counted over all errors of the window and of the one before, and when each
//! was first seen at all.

use super::books::horizon;
use super::context::Context;
use super::errors::Errors;
use super::fold::{Pass, Total};
use super::pace::Pace;
use super::read_error::ReadResult;
use super::row::Flow;
use super::series::Who;
use crate::event::FailureMode;
use crate::snapshot::{Cluster, Clusters, Point};
use crate::stats::acc::Depth;
use crate::stats::alike::alike;
use crate::store::sqlite::rollup::Tier;
use crate::view::{Dim, Filter, Range, RecordKey};
use foldhash::{HashMap, HashSet};
use rusqlite::Row;
use std::hash::BuildHasher;

/// At most so many errors of a window are counted, the newest; where the filter asks for single calls, so many.
const MOST: u64 = 200_000;
const MOST_BY_ROWS: u64 = 20_000;

/// How many names are given of affected models, providers and variants.
const NAMES: usize = 5;

/// What is read of an error.
const OF_ERROR: &str = "e.ts_us, e.id, e.series, e.template, e.user_id";

/// Errors that failed in the same way with the same template.
struct Tally {
    calls: u64,
    previous: u64,
    newest: RecordKey,
    oldest_us: i64,
    series: HashMap<u32, u64>,
    users: HashSet<u64>,
    trend: Vec<u64>,
}

/// By failure mode and number of the template.
type Tallies = HashMap<(FailureMode, i64), Tally>;

/// The clusters of a window, most calls first; `points` are the chart's, whose steps the trends have.
pub fn clusters(
    errors: Errors<'_>,
    (range, previous): (Range, Option<Range>),
    points: &[Point],
    top: usize,
) -> ReadResult<Clusters> {
    let mut tallies = Tallies::default();
    let (read, partial) = now(errors, range, points, &mut tallies)?;
    let before = match previous {
        Some(previous) if !partial && !tallies.is_empty() => before(errors, previous, &mut tallies)?,
        _ => None,
    };
    let context = errors.context;
    let mut list = Vec::new();
    for mode in FailureMode::ALL {
        let mine: Vec<(i64, Tally)> = {
            let keys: Vec<_> = tallies.keys().filter(|(of, _)| *of == mode).copied().collect();
            keys.into_iter().filter_map(|key| Some((key.1, tallies.remove(&key)?))).collect()
        };
        list.extend(of_mode(context, mode, mine)?);
    }
    list.sort_by(|(a, _), (b, _)| {
        b.calls.cmp(&a.calls).then_with(|| b.last_us.cmp(&a.last_us)).then_with(|| a.template.cmp(&b.template))
    });
    let total = list.len();
    list.truncate(top);
    let firsts = Firsts::of(errors, range.until_us)?;
    let mut done = Vec::with_capacity(list.len());
    for (mut cluster, numbers) in list {
        let first = numbers.iter().filter_map(|number| firsts.get(number)).min();
        cluster.ever_us = first.map_or(cluster.first_us, |first| cluster.first_us.min(*first));
        cluster.previous = before.is_some().then_some(cluster.previous.unwrap_or(0));
        let key = cluster.example_key;
        cluster.example = context.error_message(key.ts_us, key.id)?.unwrap_or_default();
        done.push(cluster);
    }
    Ok(Clusters { list: done, total, read, partial })
}

/// Counts the errors of the window: how many were read, and whether there are more.
fn now(errors: Errors<'_>, range: Range, points: &[Point], tallies: &mut Tallies) -> ReadResult<(u64, bool)> {
    let hasher = foldhash::fast::FixedState::default();
    let most = if errors.filter.needs_rows() { MOST_BY_ROWS } else { MOST };
    let (mut read, mut partial) = (0, false);
    let since_us = points.first().map_or(0, |point| point.range.since_us);
    let step_us = points.first().map_or(1, |point| point.range.len_us().max(1));
    errors.each_row(range, OF_ERROR, |row, first| {
        let Some((mode, key, series, template)) = of(row, first, errors.context)? else { return Ok(Flow::On) };
        if read >= most {
            partial = true;
            return Ok(Flow::Enough);
        }
        read += 1;
        let tally = tallies.entry((mode, template)).or_insert_with(|| Tally {
            calls: 0,
            previous: 0,
            newest: key,
            oldest_us: key.ts_us,
            series: HashMap::default(),
            users: HashSet::default(),
            trend: vec![0; points.len()],
        });
        tally.calls += 1;
        // The newest come first.
        tally.oldest_us = key.ts_us;
        *tally.series.entry(series).or_default() += 1;
        if let Some(user) = row.get_ref(first + 4)?.as_bytes_or_null().ok().flatten().filter(|user| !user.is_empty()) {
            tally.users.insert(hasher.hash_one(user));
        }
        let step = usize::try_from((key.ts_us - since_us).div_euclid(step_us)).unwrap_or(usize::MAX);
        tally.trend.get_mut(step).into_iter().for_each(|n| *n += 1);
        Ok(Flow::On)
    })?;
    Ok((read, partial))
}

/// Counts the errors of the window before; `None` where there are too many.
fn before(errors: Errors<'_>, range: Range, tallies: &mut Tallies) -> ReadResult<Option<u64>> {
    let most = if errors.filter.needs_rows() { MOST_BY_ROWS } else { MOST };
    let mut read = 0;
    errors.each_row(range, OF_ERROR, |row, first| {
        let Some((mode, _, _, template)) = of(row, first, errors.context)? else { return Ok(Flow::On) };
        read += 1;
        if read > most {
            return Ok(Flow::Enough);
        }
        tallies.get_mut(&(mode, template)).into_iter().for_each(|tally| tally.previous += 1);
        Ok(Flow::On)
    })?;
    Ok((read <= most).then_some(read))
}

type OfError = (FailureMode, RecordKey, u32, i64);

/// An error, from the column `first` on; `None` where the call did not fail.
fn of(row: &Row<'_>, first: usize, context: &Context) -> ReadResult<Option<OfError>> {
    let series: u32 = row.get(first + 2)?;
    let Some(mode) = context.series.key(Who::Series(series)).and_then(|key| key.outcome.failure()) else {
        return Ok(None);
    };
    let key = RecordKey { ts_us: row.get(first)?, id: row.get(first + 1)? };
    Ok(Some((mode, key, series, row.get(first + 3)?)))
}

/// The clusters of one failure mode, with the numbers of their templates.
fn of_mode(context: &Context, mode: FailureMode, mut mine: Vec<(i64, Tally)>) -> ReadResult<Vec<(Cluster, Vec<i64>)>> {
    mine.sort_by_key(|(number, _)| *number);
    let texts = mine.iter().map(|(number, _)| context.template(*number)).collect::<ReadResult<Vec<String>>>()?;
    let refs: Vec<&str> = texts.iter().map(String::as_str).collect();
    let models = context.series.values(Dim::Model);
    let groups = alike(&refs, &|word| models.contains(word));
    Ok(groups
        .into_iter()
        .filter_map(|group| {
            let members: Vec<&(i64, Tally)> = group.members.iter().filter_map(|at| mine.get(*at)).collect();
            let newest = members.iter().map(|(_, tally)| tally.newest).max()?;
            let mut templates: Vec<String> = group.members.iter().map(|at| texts[*at].clone()).collect();
            templates.dedup();
            let users: HashSet<u64> = members.iter().flat_map(|(_, tally)| tally.users.iter().copied()).collect();
            let mut trend = vec![0; members.first().map_or(0, |(_, tally)| tally.trend.len())];
            for (_, tally) in &members {
                trend.iter_mut().zip(&tally.trend).for_each(|(sum, n)| *sum += n);
            }
            let names = |dim: Dim| most(context, dim, members.iter().flat_map(|(_, tally)| &tally.series));
            let cluster = Cluster {
                template: group.pattern,
                templates,
                mode,
                calls: members.iter().map(|(_, tally)| tally.calls).sum(),
                previous: Some(members.iter().map(|(_, tally)| tally.previous).sum()),
                first_us: members.iter().map(|(_, tally)| tally.oldest_us).min()?,
                last_us: newest.ts_us,
                ever_us: i64::MAX,
                trend,
                models: names(Dim::Model),
                providers: names(Dim::Provider),
                variants: names(Dim::Variant),
                users: (!users.is_empty()).then_some(users.len() as u64),
                example: String::new(),
                example_key: newest,
            };
            Some((cluster, members.iter().map(|(number, _)| *number).collect()))
        })
        .collect())
}

/// The most frequent values of a dimension, most first.
fn most<'a>(context: &Context, dim: Dim, series: impl Iterator<Item = (&'a u32, &'a u64)>) -> Vec<(String, u64)> {
    let mut counts: HashMap<&str, u64> = HashMap::default();
    for (number, calls) in series {
        let value = context.series.dim(Who::Series(*number), dim);
        value.into_iter().for_each(|value| *counts.entry(value).or_default() += calls);
    }
    let mut list: Vec<(String, u64)> = counts.into_iter().map(|(name, calls)| (name.to_owned(), calls)).collect();
    list.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    list.truncate(NAMES);
    list
}

/// When each template was first seen among errors that are kept, µs. Whole hours are read once and kept; they are read
/// again where the number of failures in them is no longer what it was, because late ones have come.
#[derive(Default)]
pub struct Firsts {
    until_us: i64,
    errors: u64,
    by_template: HashMap<i64, i64>,
}

impl Firsts {
    /// Of templates that occur before a time.
    fn of(errors: Errors<'_>, until_us: i64) -> ReadResult<HashMap<i64, i64>> {
        let hour = Tier::Hour.len_us();
        let context = errors.context;
        // What breaks off half-way is begun anew.
        let mut known = context.firsts.take();
        if known.errors != failures(errors, known.until_us)? {
            known = Firsts::default();
        }
        let whole_us = (until_us.div_euclid(hour) * hour).max(known.until_us);
        known.read(errors, Range { since_us: known.until_us, until_us: whole_us })?;
        (known.until_us, known.errors) = (whole_us, failures(errors, whole_us)?);
        let mut all = Firsts { by_template: known.by_template.clone(), ..Firsts::default() };
        context.firsts.replace(known);
        all.read(errors, Range { since_us: whole_us, until_us })?;
        Ok(all.by_template)
    }

    /// Adds the errors of a range.
    fn read(&mut self, errors: Errors<'_>, range: Range) -> ReadResult<()> {
        let sql = "SELECT e.ts_us, e.template FROM error e CROSS JOIN series s ON s.id = e.series \
                   WHERE e.ts_us >= ?1 AND e.ts_us < ?2 AND s.outcome <> 0";
        let mut select = errors.context.conn.prepare_cached(sql)?;
        let mut rows = select.query([range.since_us, range.until_us])?;
        let mut pace = Pace::of(errors.watch);
        while let Some(row) = rows.next()? {
            pace.step()?;
            let ts_us: i64 = row.get(0)?;
            let first = self.by_template.entry(row.get(1)?).or_insert(ts_us);
            *first = (*first).min(ts_us);
        }
        Ok(())
    }
}

/// How many calls failed before a full hour, whatever the filter.
fn failures(errors: Errors<'_>, until_us: i64) -> ReadResult<u64> {
    let (filter, mut total) = (Filter::default(), Total::default());
    let passing = errors.context.series.passing(&filter);
    let pass = Pass {
        range: Range { since_us: 0, until_us },
        coarsest: Some(Tier::Day),
        horizon: horizon(errors.context)?,
        filter: &filter,
        passing: &passing,
        depth: Depth::Sums,
    };
    pass.run(errors.context, &mut total, errors.watch)?;
    Ok(total.acc.errors())
}

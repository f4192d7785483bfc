//! The reading side: one `View` in, one `Snapshot` out, within one read transaction, so that all its figures agree.

mod chart;
mod context;
mod errors;
mod fold;
mod groups;
mod members;
mod plan;
mod query;
mod read_error;
mod records;
mod row;
mod series;
mod subject;

pub use query::Cell;

use super::{Place, ledger, open_reader};
use crate::snapshot::{Accounting, Holdings, Record, Rejected, Scan, Snapshot, SourceInfo, Stats};
use crate::stats::acc::{Acc, Depth};
use crate::store::{Reader, StoreError, Watch};
use crate::view::{Anchor, Dim, Filter, Grouping, Range, RecordKey, Span, View, Window};
use context::Context;
use fold::{Pass, Total};
use groups::Cells;
use plan::Horizon;
use read_error::ReadResult;
use series::Passing;
use std::path::Path;

/// Calls dated further ahead than this do not move the end of an automatic window.
const FUTURE_US: i64 = 300_000_000;

/// A reader of a store in an SQLite file.
pub struct SqliteReader {
    context: Context,
    place: Place,
}

impl SqliteReader {
    /// Opens an existing store for reading.
    ///
    /// # Errors
    /// Where it is missing, damaged, or of a newer version.
    pub fn open(path: &Path) -> Result<SqliteReader, StoreError> {
        let (conn, place) = open_reader(path)?;
        Ok(SqliteReader { context: Context::new(conn), place })
    }

    /// Runs `read` in one read transaction, with the dictionaries up to date.
    fn within<T>(&mut self, read: impl FnOnce(&Context) -> ReadResult<T>) -> Result<T, StoreError> {
        let SqliteReader { context, place } = self;
        let begin = |context: &mut Context| -> rusqlite::Result<()> {
            context.conn.execute_batch("BEGIN")?;
            let Context { conn, series, .. } = context;
            series.refresh(conn)
        };
        let answer = match begin(context) {
            Ok(()) => read(context),
            Err(error) => Err(error.into()),
        };
        if !context.conn.is_autocommit() {
            context.conn.execute_batch("COMMIT").map_err(|e| place.wrap(e))?;
        }
        answer.map_err(|e| e.at(place))
    }
}

impl Reader for SqliteReader {
    fn snapshot(&mut self, view: &View, now_us: i64, watch: &dyn Watch) -> Result<Snapshot, StoreError> {
        self.within(|context| Answer::new(context, view, now_us)?.snapshot(watch))
    }

    fn record(&mut self, key: RecordKey) -> Result<Option<Record>, StoreError> {
        self.within(|context| records::one(context, key))
    }

    fn export(
        &mut self,
        window: Window,
        now_us: i64,
        filter: &Filter,
        out: &mut dyn std::io::Write,
    ) -> Result<u64, StoreError> {
        self.within(|context| {
            let range = match (window.span, window.anchor) {
                // Spans and scores may lie before the first call and after the last.
                (Span::All, Anchor::At(until_us)) => Range { since_us: i64::MIN, until_us },
                (Span::All, _) => Range { since_us: i64::MIN, until_us: i64::MAX },
                _ => window.resolve(bounds(context, window, now_us)?, now_us),
            };
            let passing = context.series.passing(filter);
            records::export(context, range, (filter, &passing), out)
        })
    }

    fn holdings(&mut self) -> Result<(Holdings, Accounting), StoreError> {
        self.within(|context| Ok((holdings(context)?, accounting(context)?)))
    }
}

/// One answer in the making.
struct Answer<'a> {
    context: &'a Context,
    view: &'a View,
    now_us: i64,
    range: Range,
    /// The range the figures are read from: a whole-store window is rounded outward to days, which reads no rows.
    cover: Range,
    passing: Passing,
    horizon: Horizon,
}

impl<'a> Answer<'a> {
    fn new(context: &'a Context, view: &'a View, now_us: i64) -> ReadResult<Answer<'a>> {
        let range = view.window.resolve(bounds(context, view.window, now_us)?, now_us);
        let whole = view.window.span == Span::All && !matches!(view.window.anchor, Anchor::At(_));
        let day = super::rollup::Tier::Day.len_us();
        let outward = Range {
            since_us: range.since_us.div_euclid(day) * day,
            until_us: range.until_us.saturating_add(day - 1).div_euclid(day) * day,
        };
        Ok(Answer {
            context,
            view,
            now_us,
            range,
            cover: if whole && !range.is_empty() { outward } else { range },
            passing: context.series.passing(&view.filter),
            horizon: horizon(context)?,
        })
    }

    fn pass<'p>(&'p self, range: Range, coarsest: Option<super::rollup::Tier>) -> Pass<'p> {
        Pass {
            range,
            coarsest,
            horizon: self.horizon,
            filter: &self.view.filter,
            passing: &self.passing,
            depth: Depth::Full,
        }
    }

    /// The groupings that accumulators answer; lists of users or sessions without a filter have totals of their own.
    fn groupings(&self) -> (Vec<Grouping>, Vec<Grouping>) {
        let by_totals = |g: &&Grouping| {
            !self.view.sections.exact_members
                && self.view.filter.is_empty()
                && (g.dims == [Dim::User] || g.dims == [Dim::Session])
        };
        let (members, mut others): (Vec<_>, Vec<_>) = self.view.groupings.iter().partition(by_totals);
        let failures = Grouping { dims: vec![Dim::Error, Dim::Model], top: None };
        if self.view.sections.failures {
            others.push(&failures);
        }
        (others.into_iter().cloned().collect(), members.into_iter().cloned().collect())
    }

    /// Hosts are rolled up apart from other dimensions: summed together with those, all would be read from rows. What is
    /// read from rows anyway is read once.
    fn hosts_apart(&self, groupings: Vec<Grouping>) -> (Vec<Grouping>, Vec<Grouping>) {
        if self.view.filter.needs_rows() || Cells::new(&groupings).coarsest().is_none() {
            return (Vec::new(), groupings);
        }
        groupings.into_iter().partition(groups::is_of_hosts)
    }

    fn cells(&self, groupings: &[Grouping], range: Range, watch: &dyn Watch) -> ReadResult<Cells> {
        let mut cells = Cells::new(groupings);
        self.pass(range, cells.coarsest()).run(self.context, &mut cells, watch)?;
        Ok(cells)
    }

    fn total(&self, range: Range, filter: &Filter, passing: &Passing, watch: &dyn Watch) -> ReadResult<Acc> {
        let mut total = Total::default();
        let pass = Pass { filter, passing, ..self.pass(range, Some(super::rollup::Tier::Day)) };
        pass.run(self.context, &mut total, watch)?;
        Ok(total.0)
    }

    /// Everything the filter lets through. Cells that are made of rows lack those that retention has deleted.
    fn whole(&self, cells: &Cells, range: Range, watch: &dyn Watch) -> ReadResult<Acc> {
        if cells.coarsest().is_none() && !self.view.filter.needs_rows() && range.since_us < self.horizon.rows_us {
            return self.total(range, &self.view.filter, &self.passing, watch);
        }
        Ok(cells.total())
    }

    fn snapshot(&self, watch: &dyn Watch) -> ReadResult<Snapshot> {
        let (context, view) = (self.context, self.view);
        let previous = if view.window.span == Span::All { Range::default() } else { self.range.previous() };
        let (groupings, members) = self.groupings();
        let (by_host, groupings) = self.hosts_apart(groupings);
        let cells = self.cells(&groupings, self.cover, watch)?;
        let before = self.cells(&groupings, previous, watch)?;
        let (total, total_before) = (self.whole(&cells, self.cover, watch)?, self.whole(&before, previous, watch)?);
        let mut snapshot = Snapshot::empty(view.clone(), self.now_us);
        snapshot.range = self.range;
        snapshot.accounting = accounting(context)?;
        snapshot.holdings = holdings(context)?;
        (snapshot.totals, snapshot.previous) = (Stats::of(&total), Stats::of(&total_before));
        if view.sections.distribution {
            snapshot.distribution = Some(total.latency);
            snapshot.previous_distribution = (!previous.is_empty()).then_some(total_before.latency);
        }
        if !view.filter.is_empty() {
            let nothing = Filter::default();
            let all = context.series.passing(&nothing);
            snapshot.unfiltered_calls = Some(self.total(self.cover, &nothing, &all, watch)?.calls());
        }
        snapshot.chart = chart::chart(self, previous, watch)?;
        for grouping in &view.groupings {
            snapshot.tables.push(if members.contains(grouping) {
                members::table(context, grouping, (self.cover, previous), self.horizon, watch)?
            } else if by_host.contains(grouping) {
                let alone = std::slice::from_ref(grouping);
                self.cells(alone, self.cover, watch)?.table(grouping, &self.cells(alone, previous, watch)?)
            } else {
                cells.table(grouping, &before)
            });
        }
        chart::group_charts(self, &snapshot.chart, &mut snapshot.tables, watch)?;
        self.errors(&mut snapshot, &cells, &before)?;
        if view.sections.records > 0 {
            let which = (&view.filter, &self.passing);
            snapshot.records = records::page(context, self.range, view.before, which, view.sections.records, watch)?;
        }
        let by_rows = view.filter.needs_rows() || cells.coarsest().is_none();
        snapshot.scan = Scan { rows: by_rows, covered: 1.0 };
        Ok(snapshot)
    }

    fn errors(&self, snapshot: &mut Snapshot, cells: &Cells, before: &Cells) -> ReadResult<()> {
        let sections = &self.view.sections;
        if !sections.failures && sections.clusters == 0 && sections.errors == 0 {
            return Ok(());
        }
        let few = !sections.failures && sections.clusters == 0;
        let most = if few { sections.errors } else { errors::NEWEST };
        let (failed, partial) = errors::newest(self.context, self.range, (&self.view.filter, &self.passing), most)?;
        if sections.failures {
            snapshot.failures = errors::failures(cells, before, &snapshot.chart.points, &failed, partial);
        }
        if sections.clusters > 0 {
            snapshot.clusters = errors::clusters(&failed, partial, sections.clusters);
        }
        snapshot.errors = errors::records(self.context, &failed, sections.errors)?;
        Ok(())
    }
}

/// First and last time that count for a window: everything for the whole store, else what is not in the future.
fn bounds(context: &Context, window: Window, now_us: i64) -> ReadResult<Option<(i64, i64)>> {
    let first = ledger::counter(&context.conn, "first_us")?;
    let last = ledger::counter(&context.conn, "last_us")?;
    let (Some(first), Some(last)) = (first, last) else { return Ok(None) };
    let latest = now_us.saturating_add(FUTURE_US);
    if window.span == Span::All || last <= latest {
        return Ok(Some((first, last)));
    }
    Ok(Some((first, records::newest_until(&context.conn, latest)?.unwrap_or(last))))
}

fn horizon(context: &Context) -> ReadResult<Horizon> {
    let at = |name| ledger::counter(&context.conn, name);
    Ok(Horizon { rows_us: at("rows_since_us")?.unwrap_or(i64::MIN), fine_us: at("fine_since_us")?.unwrap_or(i64::MIN) })
}

fn count(context: &Context, name: &str) -> ReadResult<u64> {
    Ok(ledger::counter(&context.conn, name)?.and_then(|n| u64::try_from(n).ok()).unwrap_or_default())
}

fn holdings(context: &Context) -> ReadResult<Holdings> {
    let mut select = context.conn.prepare_cached("SELECT name, read, accepted, bytes FROM source ORDER BY name")?;
    let sources = select.query_map([], |row| {
        Ok(SourceInfo { name: row.get(0)?, read: row.get(1)?, accepted: row.get(2)?, bytes: row.get(3)? })
    })?;
    let first = ledger::counter(&context.conn, "first_us")?;
    let last = ledger::counter(&context.conn, "last_us")?;
    Ok(Holdings {
        calls: count(context, "calls")?,
        bounds: first.zip(last),
        sources: sources.collect::<rusqlite::Result<_>>()?,
        folded_series: context.series.folded,
    })
}

fn accounting(context: &Context) -> ReadResult<Accounting> {
    let sums = "SELECT coalesce(sum(read), 0), coalesce(sum(accepted), 0), coalesce(sum(duplicate), 0), \
                coalesce(sum(skipped), 0), coalesce(sum(rejected), 0) FROM source";
    let mut books = context.conn.prepare_cached(sums)?.query_row([], |row| {
        Ok(Accounting {
            read: row.get(0)?,
            accepted: row.get(1)?,
            duplicate: row.get(2)?,
            skipped: row.get(3)?,
            rejected: row.get(4)?,
            ..Accounting::default()
        })
    })?;
    books.reasons = ledger::rejections(&context.conn)?;
    books.examples = examples(context)?;
    books.future = count(context, "future")?;
    books.unpriced = count(context, "unpriced")?;
    Ok(books)
}

fn examples(context: &Context) -> ReadResult<Vec<Rejected>> {
    let mut select =
        context.conn.prepare_cached("SELECT reason, source, offset, snippet FROM reject_example ORDER BY id")?;
    let mut rows = select.query([])?;
    let mut list = Vec::new();
    while let Some(row) = rows.next()? {
        let Some(reason) = crate::event::Reason::from_word(&row.get::<_, String>(0)?) else { continue };
        list.push(Rejected { reason, source: row.get(1)?, offset: row.get(2)?, snippet: row.get(3)? });
    }
    Ok(list)
}

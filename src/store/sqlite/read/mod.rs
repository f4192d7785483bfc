//! The reading side: one `View` in, one `Snapshot` out, within one read transaction, so that all its figures agree.

mod books;
mod budgets;
mod changes;
mod chart;
mod clusters;
mod context;
mod cube;
mod errors;
mod experiments;
mod figures;
mod fold;
mod groups;
mod members;
mod pace;
mod plan;
mod quality;
mod query;
pub(super) mod read_error;
mod records;
mod retrievals;
pub(super) mod row;
mod series;
mod subject;
mod texts;
mod traces;

pub use query::Cell;

use super::{Place, open_reader};
use crate::snapshot::traces::Story;
use crate::snapshot::{Accounting, Chart, Holdings, Record, Scan, Snapshot, Stats};
use crate::stats::acc::{Acc, Depth};
use crate::store::{Patient, Reader, StoreError, Watch};
use crate::view::{Anchor, Dim, Filter, Grouping, Range, RecordKey, Span, TraceId, View, Window};
use books::{accounting, bounds, holdings, horizon};
use context::Context;
use cube::Cube;
use errors::Errors;
use figures::Figures;
use fold::{Lanes, Pass, Total};
use groups::Cells;
use members::Members;
use plan::Horizon;
use read_error::ReadResult;
use series::Passing;
use std::path::Path;

/// From so many single calls on an answer is given in parts.
const MANY: u64 = 200_000;

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
        query::add_functions(&conn).map_err(|e| place.wrap(e))?;
        Ok(SqliteReader { context: Context::new(conn), place })
    }

    /// A number that changes when another connection has written.
    ///
    /// # Errors
    /// Those of SQLite.
    pub fn version(&mut self) -> Result<i64, StoreError> {
        let version = self.context.conn.query_row("PRAGMA data_version", [], |row| row.get(0));
        version.map_err(|e| self.place.wrap(e))
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
        self.within(|context| {
            let answer = Answer::new(context, view, now_us)?;
            // They do not depend on the window: parts of an answer have all of them.
            let budgets = budgets::states(&answer, watch)?;
            for part in answer.parts()? {
                watch.partial(&Snapshot { budgets: budgets.clone(), ..answer.newest(part).snapshot(watch)? });
            }
            Ok(Snapshot { budgets, ..answer.snapshot(watch)? })
        })
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

    fn calls(
        &mut self,
        window: Window,
        now_us: i64,
        filter: &Filter,
        each: &mut dyn FnMut(&Record),
    ) -> Result<u64, StoreError> {
        self.within(|context| {
            let range = window.resolve(bounds(context, window, now_us)?, now_us);
            let passing = context.series.passing(filter);
            records::each(context, range, (filter, &passing), each)
        })
    }

    fn story(&mut self, id: &TraceId) -> Result<Option<Story>, StoreError> {
        self.within(|context| traces::story(context, id))
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
    /// How much of the window that is.
    covered: f64,
    passing: Passing,
    horizon: Horizon,
    /// Time of the first call there ever was, µs.
    first_us: Option<i64>,
}

impl<'a> Answer<'a> {
    fn new(context: &'a Context, view: &'a View, now_us: i64) -> ReadResult<Answer<'a>> {
        let bounds = bounds(context, view.window, now_us)?;
        let range = view.window.resolve(bounds, now_us);
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
            covered: 1.0,
            passing: context.series.passing(&view.filter),
            horizon: horizon(context)?,
            first_us: bounds.map(|(first, _)| first),
        })
    }

    /// The time before which calls of a range have been deleted, where `cut` is how far back they are kept; `None` where all
    /// are there.
    fn gone(&self, range: Range, cut: i64) -> Option<i64> {
        let since_us = range.since_us.max(self.first_us?);
        let cut = cut.min(range.until_us);
        (since_us < cut).then_some(cut)
    }

    /// What reading rows for the figures came to.
    fn scan(&self, by_rows: bool) -> Scan {
        let gone_us = self.gone_us(by_rows);
        let kept = |cut: i64| {
            let since_us = self.first_us.map_or(self.range.since_us, |first| self.range.since_us.max(first));
            let all = Range { since_us, ..self.range }.len_us().max(1);
            self.range.until_us.saturating_sub(cut) as f64 / all as f64
        };
        let covered = gone_us.map_or(self.covered, |cut| self.covered.min(kept(cut)));
        Scan { rows: by_rows || gone_us.is_some(), covered, gone_us }
    }

    /// The time before which something that this answer needs has been deleted.
    fn gone_us(&self, by_rows: bool) -> Option<i64> {
        let rows = self.gone(self.range, self.horizon.rows_us).filter(|_| by_rows);
        let by_members = self.view.groupings.iter().any(|g| self.by_totals(g));
        rows.max(self.gone(self.range, self.horizon.fine_us).filter(|_| by_members))
    }

    /// Whether some figure, beside lists of single calls, is made of rows alone.
    fn needs_rows(&self) -> bool {
        let by_rows = |g: &Grouping| !self.by_totals(g) && self.cube(&Cells::new(g)) == Cube::Rows;
        self.view.sections.traces.top > 0
            || self.cube(&Total::default()) == Cube::Rows
            || self.view.groupings.iter().any(by_rows)
    }

    /// The window before, where there is one: the first parts of an answer are without, and so is one of rows that have been
    /// deleted.
    fn previous(&self) -> Option<Range> {
        let previous = self.range.previous();
        let is_there = || !self.needs_rows() || self.gone(previous, self.horizon.rows_us).is_none();
        (self.view.window.span != Span::All && self.covered >= 1.0 && is_there()).then_some(previous)
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

    /// Which rollups answer for some lanes.
    fn cube(&self, lanes: &dyn Lanes) -> Cube {
        Cube::of(&self.view.filter, &self.passing, lanes)
    }

    fn total(&self, range: Range, filter: &Filter, passing: &Passing, watch: &dyn Watch) -> ReadResult<Acc> {
        let mut total = Total::default();
        let pass = Pass { filter, passing, ..self.pass(range, Some(super::rollup::Tier::Day)) };
        pass.run(self.context, &mut total, watch)?;
        Ok(total.acc)
    }

    fn snapshot(&self, watch: &dyn Watch) -> ReadResult<Snapshot> {
        let (context, view) = (self.context, self.view);
        let previous = self.previous().unwrap_or_default();
        let step_us = chart::step(self, watch)?;
        let now = Figures::read(self, (self.cover, self.range), step_us, watch)?;
        let before = Figures::read(self, (previous, previous), step_us, watch)?;
        let mut snapshot = Snapshot::empty(view.clone(), self.now_us);
        snapshot.range = self.range;
        snapshot.accounting = accounting(context)?;
        snapshot.holdings = holdings(context)?;
        (snapshot.totals, snapshot.previous) = (Stats::of(&now.total.acc), Stats::of(&before.total.acc));
        if !view.filter.is_empty() {
            let nothing = Filter::default();
            let all = context.series.passing(&nothing);
            snapshot.unfiltered_calls = Some(self.total(self.cover, &nothing, &all, watch)?.calls());
        }
        snapshot.chart = Chart { step_us, points: now.points(view), previous: before.points(view) };
        for (grouping, cells) in view.groupings.iter().zip(now.tables.iter().zip(&before.tables)) {
            snapshot.tables.push(match cells {
                (Some(now), Some(before)) => now.table(grouping, before),
                _ => {
                    let members = Members { context, horizon: self.horizon, watch };
                    let now = (self.cover, self.all_of(self.cover, &now));
                    members.table(grouping, now, (previous, self.all_of(previous, &before)))?
                }
            });
        }
        chart::group_charts(self, &snapshot.chart, &mut snapshot.tables, watch)?;
        self.errors(&mut snapshot, &now, &before, watch)?;
        if view.sections.records > 0 {
            let which = (&view.filter, &self.passing);
            snapshot.records = records::page(context, self.range, view.before, which, view.sections.records, watch)?;
        }
        if view.sections.tasks {
            snapshot.tasks = quality::tasks(self, watch)?;
        }
        if view.sections.quality {
            snapshot.quality = Some(Box::new(quality::quality(self, watch)?));
        }
        snapshot.traces = traces::list(self, watch)?;
        if view.sections.headroom {
            snapshot.headroom = super::headroom::read(&context.conn, self.range)?;
        }
        if view.sections.changes {
            snapshot.changes = changes::changes(self, previous, (&now, &before), watch)?;
        }
        if view.sections.experiments > 0 {
            snapshot.experiments = experiments::experiments(self, view.sections.experiments, watch)?;
        }
        snapshot.scan = self.scan(now.by_rows || view.sections.traces.top > 0);
        if view.sections.distribution {
            snapshot.distribution = Some(now.total.acc.latency);
            snapshot.previous_distribution = (!previous.is_empty()).then_some(before.total.acc.latency);
        }
        Ok(snapshot)
    }

    /// Shares of the window, from its end, that are worth an answer of their own before the whole: where many single calls
    /// have to be read, a person sees the newest at once.
    fn parts(&self) -> ReadResult<Vec<f64>> {
        if !self.cover.is_empty() && quality::is_long(self)? {
            return Ok(vec![1.0 / 64.0, 1.0 / 8.0]);
        }
        if !self.needs_rows() || self.cover.is_empty() {
            return Ok(Vec::new());
        }
        let nothing = Filter::default();
        let all = self.context.series.passing(&nothing);
        let calls = self.total(self.cover, &nothing, &all, &Patient)?.calls();
        Ok(if calls > MANY { vec![1.0 / 64.0, 1.0 / 8.0] } else { Vec::new() })
    }

    /// The same question for the newest part of the window. The window's times stay, and with them the chart's.
    fn newest(&self, share: f64) -> Answer<'a> {
        let part = (self.range.len_us() as f64 * share) as i64;
        let cover = Range { since_us: self.range.until_us.saturating_sub(part), until_us: self.range.until_us };
        Answer { cover, covered: share, passing: self.passing.clone(), ..*self }
    }

    /// Whether single calls of the window or of the one before have been deleted.
    fn lacks_rows(&self) -> bool {
        let back = if self.view.window.span == Span::All { self.range } else { self.range.previous() };
        self.gone(Range { until_us: self.range.until_us, ..back }, self.horizon.rows_us).is_some()
    }

    /// Whether a grouping is answered by the totals of members: users or sessions without a filter. Where single calls have
    /// been deleted there is nothing else.
    fn by_totals(&self, grouping: &Grouping) -> bool {
        (!self.view.sections.exact_members || self.lacks_rows())
            && self.view.filter.is_empty()
            && (grouping.dims == [Dim::User] || grouping.dims == [Dim::Session])
    }

    /// What all calls of a range came to, where it is of the same calls as the totals of members.
    fn all_of<'f>(&self, range: Range, figures: &'f Figures) -> Option<&'f Acc> {
        let hour = super::rollup::Tier::Hour.len_us();
        let in_hours = range.since_us % hour == 0 && range.until_us % hour == 0;
        let is_whole = self.gone(range, self.horizon.fine_us).is_none()
            && (in_hours || self.gone(range, self.horizon.rows_us).is_none());
        is_whole.then_some(&figures.total.acc)
    }

    fn errors(&self, snapshot: &mut Snapshot, now: &Figures, before: &Figures, watch: &dyn Watch) -> ReadResult<()> {
        let sections = &self.view.sections;
        if !sections.failures && sections.clusters == 0 && sections.errors == 0 {
            return Ok(());
        }
        let most = if sections.failures { errors::NEWEST } else { sections.errors };
        let errors = Errors { context: self.context, filter: &self.view.filter, passing: &self.passing, watch };
        let failed = errors.newest(self.range, most)?;
        snapshot.failures = errors.failures(self.range, (now, before), &snapshot.chart.points, &failed)?;
        if sections.clusters > 0 {
            let ranges = (self.range, self.previous());
            snapshot.clusters = clusters::clusters(errors, ranges, &snapshot.chart.points, sections.clusters)?;
        }
        snapshot.errors = errors::records(self.context, &failed, sections.errors)?;
        Ok(())
    }
}

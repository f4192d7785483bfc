//! One pass over a range: each rollup or row goes to the accumulator that a lane function names. Everything aggregated
//! comes through here.

use super::context::Context;
use super::plan::{Horizon, Piece, plan};
use super::read_error::{ReadError, ReadResult};
use super::row::{self, Flow, Order};
use super::subject::passes;
use crate::stats::acc::{Acc, Depth};
use crate::store::Watch;
use crate::store::sqlite::rollup::{ALL, Tier, each_series};
use crate::view::{Filter, Range};
use rusqlite::Row;

/// Where a call or a rollup goes.
pub trait Lanes {
    /// The accumulator for what a series did at a time; `None` leaves it out. `row` is there where single calls are read.
    fn lane(&mut self, context: &Context, ts_us: i64, series: u32, row: Option<&Row<'_>>) -> ReadResult<Option<&mut Acc>>;

    /// Further accumulators for the same, such as a chart beside a total; called with the scratch of one series or row.
    fn wants_series(&self) -> bool {
        true
    }
}

/// What a pass reads.
pub struct Pass<'a> {
    /// The times.
    pub range: Range,
    /// The coarsest buckets that may be used; `None` reads rows alone.
    pub coarsest: Option<Tier>,
    /// What retention has deleted.
    pub horizon: Horizon,
    /// Which calls.
    pub filter: &'a Filter,
    /// What the filter says of each series.
    pub passing: &'a [bool],
    /// How much of each accumulator.
    pub depth: Depth,
}

impl Pass<'_> {
    fn pieces(&self) -> Vec<Piece> {
        match self.coarsest {
            Some(tier) if !self.filter.needs_rows() => plan(self.range, tier, self.horizon),
            _ => vec![Piece::Rows(self.range)],
        }
    }

    /// Runs the pass; `progress` hears the time reached, newest first, every few thousand rows, and may cancel.
    pub fn run(&self, context: &Context, lanes: &mut dyn Lanes, watch: &dyn Watch) -> ReadResult<()> {
        for piece in self.pieces() {
            if watch.cancelled() {
                return Err(ReadError::Cancelled);
            }
            match piece {
                Piece::Rows(range) => self.rows(context, range, lanes, watch)?,
                Piece::Buckets { tier, from, to } => self.buckets(context, tier, (from, to), lanes)?,
            }
        }
        Ok(())
    }

    fn rows(&self, context: &Context, range: Range, lanes: &mut dyn Lanes, watch: &dyn Watch) -> ReadResult<()> {
        let mut read = 0u32;
        row::each_row(&context.conn, range, Order::OldestFirst, |row| {
            read = read.wrapping_add(1);
            if read.is_multiple_of(8_192) && watch.cancelled() {
                return Err(ReadError::Cancelled);
            }
            if passes(self.filter, self.passing, row, context)? {
                let key = row::key(row)?;
                let series = if lanes.wants_series() { row::series(row)? } else { ALL };
                if let Some(acc) = lanes.lane(context, key.ts_us, series, Some(row))? {
                    acc.record(&row::sample(row, context)?);
                }
            }
            Ok(Flow::On)
        })
    }

    fn buckets(&self, context: &Context, tier: Tier, (from, to): (i64, i64), lanes: &mut dyn Lanes) -> ReadResult<()> {
        // Where no series is told apart, the blob of everything together is enough.
        let everything = !lanes.wants_series() && self.filter.is_empty();
        let sql = if everything {
            "SELECT bucket, data FROM rollup WHERE tier = ?1 AND bucket >= ?2 AND bucket < ?3 AND chunk = 0"
        } else {
            "SELECT bucket, data FROM rollup WHERE tier = ?1 AND bucket >= ?2 AND bucket < ?3 AND chunk > 0"
        };
        let mut select = context.conn.prepare_cached(sql)?;
        let mut rows = select.query((tier as u8, from, to))?;
        while let Some(row) = rows.next()? {
            let ts_us = row.get::<_, i64>(0)?.saturating_mul(tier.len_us());
            let blob = row.get_ref(1)?.as_blob().map_err(|_| ReadError::Damaged("a rollup is no blob"))?;
            let mut failed = None;
            let read = each_series(blob, |series, mut packed| {
                if !everything && self.passing.get(series as usize) != Some(&true) {
                    return Some(());
                }
                let series = if lanes.wants_series() { series } else { ALL };
                match lanes.lane(context, ts_us, series, None) {
                    Ok(Some(acc)) => acc.merge_encoded(&mut packed, self.depth),
                    Ok(None) => Some(()),
                    Err(error) => {
                        failed = Some(error);
                        None
                    }
                }
            });
            if let Some(error) = failed {
                return Err(error);
            }
            read.ok_or(ReadError::Damaged("a rollup does not read"))?;
        }
        Ok(())
    }
}

/// Everything in one accumulator.
#[derive(Default)]
pub struct Total(pub Acc);

impl Lanes for Total {
    fn lane(&mut self, _: &Context, _: i64, _: u32, _: Option<&Row<'_>>) -> ReadResult<Option<&mut Acc>> {
        Ok(Some(&mut self.0))
    }

    fn wants_series(&self) -> bool {
        false
    }
}

/// One accumulator for each step of a chart.
pub struct Steps {
    pub since_us: i64,
    pub step_us: i64,
    pub accs: Vec<Acc>,
}

impl Steps {
    pub fn new(range: Range, step_us: i64) -> Steps {
        let since_us = range.since_us.div_euclid(step_us) * step_us;
        let count = (range.until_us - since_us + step_us - 1).div_euclid(step_us).max(0);
        let count = usize::try_from(count).unwrap_or_default();
        Steps { since_us, step_us, accs: vec![Acc::default(); count] }
    }
}

impl Lanes for Steps {
    fn lane(&mut self, _: &Context, ts_us: i64, _: u32, _: Option<&Row<'_>>) -> ReadResult<Option<&mut Acc>> {
        let at = (ts_us - self.since_us).div_euclid(self.step_us).max(0);
        Ok(self.accs.get_mut(usize::try_from(at).unwrap_or(usize::MAX)))
    }

    fn wants_series(&self) -> bool {
        false
    }
}

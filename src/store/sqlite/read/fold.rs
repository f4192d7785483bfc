//! One pass over a range: each rollup or row goes to the accumulator that a lane function names. Everything aggregated
//! comes through here.

use super::context::Context;
use super::plan::{Horizon, Piece, plan};
use super::read_error::{ReadError, ReadResult};
use super::row::{self, Flow, Order};
use super::series::{Passing, Who};
use super::subject::passes;
use crate::stats::acc::{Acc, Depth};
use crate::store::Watch;
use crate::store::sqlite::rollup::{HOST_CHUNKS, MAIN_CHUNKS, Tier, each_lane};
use crate::view::{Dim, Field, Filter, Match, Range};
use rusqlite::Row;

/// Where calls go.
pub trait Lanes {
    /// The accumulator for somebody's calls at a time; `None` leaves them out. `row` is there where single calls are read.
    fn lane(&mut self, context: &Context, ts_us: i64, who: Who, row: Option<&Row<'_>>) -> ReadResult<Option<&mut Acc>>;

    /// The dimensions it tells apart.
    fn dims(&self) -> &[Dim] {
        &[]
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
    /// What the filter says of each series and lane.
    pub passing: &'a Passing,
    /// How much of each accumulator.
    pub depth: Depth,
}

/// Which rollups know all the dimensions that a pass asks about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cube {
    /// Everything together.
    Everything,
    /// All dimensions but the host.
    Main,
    /// The host alone.
    Hosts,
    /// None: single calls do.
    Rows,
}

impl Cube {
    fn of(filter: &Filter, lanes: &[Dim]) -> Cube {
        use Dim::{App, Environment, Error, Host, Model, Operation, Provider, Status, Variant};
        if filter.needs_rows() || lanes.iter().any(|d| super::groups::is_row_dim(*d)) {
            return Cube::Rows;
        }
        let asked = filter.terms.iter().filter_map(|t| match &t.matches {
            Match::Any(Field::Dim(dim), _) => Some(*dim),
            _ => None,
        });
        let dims: Vec<Dim> = asked.chain(lanes.iter().copied()).collect();
        let main = dims.iter().any(|d| matches!(d, Provider | Model | Operation | App | Environment | Variant));
        match (dims.contains(&Host), main) {
            (true, true) => Cube::Rows,
            (true, false) => Cube::Hosts,
            (false, true) => Cube::Main,
            (false, false) if dims.iter().any(|d| matches!(d, Status | Error)) => Cube::Main,
            (false, false) => Cube::Everything,
        }
    }

    fn chunks(self) -> (u32, u32) {
        match self {
            Cube::Everything | Cube::Rows => (0, 1),
            Cube::Main => MAIN_CHUNKS,
            Cube::Hosts => HOST_CHUNKS,
        }
    }
}

impl Pass<'_> {
    fn pieces(&self, cube: Cube) -> Vec<Piece> {
        let finest = if cube == Cube::Hosts { Tier::Hour } else { Tier::Minute };
        match self.coarsest {
            Some(tier) if cube != Cube::Rows && tier >= finest => plan(self.range, (finest, tier), self.horizon),
            _ => vec![Piece::Rows(self.range)],
        }
    }

    /// Runs the pass; asks every few thousand rows whether the answer is still wanted.
    pub fn run(&self, context: &Context, lanes: &mut dyn Lanes, watch: &dyn Watch) -> ReadResult<()> {
        let cube = Cube::of(self.filter, lanes.dims());
        for piece in self.pieces(cube) {
            if watch.cancelled() {
                return Err(ReadError::Cancelled);
            }
            match piece {
                Piece::Rows(range) => self.rows(context, range, lanes, watch)?,
                Piece::Buckets { tier, from, to } => self.buckets(context, cube, tier, (from, to), lanes)?,
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
                let who = Who::Series(row::series(row)?);
                if let Some(acc) = lanes.lane(context, row::key(row)?.ts_us, who, Some(row))? {
                    acc.record(&row::sample(row, context)?);
                }
            }
            Ok(Flow::On)
        })
    }

    fn buckets(
        &self,
        context: &Context,
        cube: Cube,
        tier: Tier,
        (from, to): (i64, i64),
        lanes: &mut dyn Lanes,
    ) -> ReadResult<()> {
        let mut select = context.conn.prepare_cached(
            "SELECT bucket, data FROM rollup WHERE tier = ?1 AND bucket >= ?2 AND bucket < ?3 AND chunk >= ?4 AND chunk < ?5",
        )?;
        let chunks = cube.chunks();
        let mut rows = select.query((tier as u8, from, to, chunks.0, chunks.1))?;
        while let Some(row) = rows.next()? {
            let ts_us = row.get::<_, i64>(0)?.saturating_mul(tier.len_us());
            let blob = row.get_ref(1)?.as_blob().map_err(|_| ReadError::Damaged("a rollup is no blob"))?;
            let mut failed = None;
            let read = each_lane(blob, |lane, mut packed| {
                let who = if cube == Cube::Everything { Who::Everybody } else { Who::Lane(lane) };
                if !self.passing.lets(who) {
                    return Some(());
                }
                match lanes.lane(context, ts_us, who, None) {
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
    fn lane(&mut self, _: &Context, _: i64, _: Who, _: Option<&Row<'_>>) -> ReadResult<Option<&mut Acc>> {
        Ok(Some(&mut self.0))
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

    /// The accumulator of the step a time is in.
    pub fn at(&mut self, ts_us: i64) -> Option<&mut Acc> {
        let at = (ts_us - self.since_us).div_euclid(self.step_us).max(0);
        self.accs.get_mut(usize::try_from(at).unwrap_or(usize::MAX))
    }
}

impl Lanes for Steps {
    fn lane(&mut self, _: &Context, ts_us: i64, _: Who, _: Option<&Row<'_>>) -> ReadResult<Option<&mut Acc>> {
        Ok(self.at(ts_us))
    }
}

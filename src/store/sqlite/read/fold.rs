//! One pass over a range: each rollup or row goes to the accumulator that a lane function names. Everything aggregated
//! comes through here.

use super::context::Context;
use super::cube::Cube;
use super::pace::Pace;
use super::plan::{Horizon, Piece, plan};
use super::read_error::{ReadError, ReadResult};
use super::row::{self, Flow, Order, Stored};
use super::series::{Passing, Who};
use super::subject::passes;
use crate::event::Outcome;
use crate::stats::acc::{Acc, Depth};
use crate::store::Watch;
use crate::store::sqlite::rollup::{Tier, each_lane, shelf};
use crate::view::{Dim, Filter, Range};

/// Where calls go.
pub trait Lanes {
    /// Calls `give` with each accumulator that somebody's calls at a time belong in. `call` is there where single calls
    /// are read.
    fn each(&mut self, call: Seen<'_, '_>, give: &mut dyn FnMut(&mut Acc) -> ReadResult<()>) -> ReadResult<()>;

    /// Adds the dimensions it tells apart.
    fn add_dims(&self, _dims: &mut Vec<Dim>) {}
}

/// Calls on their way to an accumulator.
#[derive(Clone, Copy)]
pub struct Seen<'a, 'r> {
    pub context: &'a Context,
    /// When they ended, or the beginning of their bucket, µs.
    pub ts_us: i64,
    /// How long that bucket is, µs; 1 for single calls.
    pub len_us: i64,
    pub who: Who,
    pub call: Option<&'a Stored<'r>>,
}

/// Several destinations at once, for what is read only once.
pub struct Fan<'a>(pub Vec<&'a mut dyn Lanes>);

impl Lanes for Fan<'_> {
    fn each(&mut self, call: Seen<'_, '_>, give: &mut dyn FnMut(&mut Acc) -> ReadResult<()>) -> ReadResult<()> {
        self.0.iter_mut().try_for_each(|lanes| lanes.each(call, give))
    }

    fn add_dims(&self, dims: &mut Vec<Dim>) {
        self.0.iter().for_each(|lanes| lanes.add_dims(dims));
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
        let cube = Cube::of(self.filter, self.passing, lanes);
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
        let mut pace = Pace::of(watch);
        row::each_row(&context.conn, range, Order::OldestFirst, |call| {
            pace.step()?;
            if passes(self.filter, self.passing, call, context)? {
                let who = Who::Series(call.series);
                let sample = call.sample(context);
                let seen = Seen { context, ts_us: call.key.ts_us, len_us: 1, who, call: Some(call) };
                lanes.each(seen, &mut |acc| {
                    acc.record(&sample);
                    Ok(())
                })?;
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
        let mut rows = select.query((shelf(tier, chunks.0), from, to, chunks.0, chunks.1))?;
        while let Some(row) = rows.next()? {
            let ts_us = row.get::<_, i64>(0)?.saturating_mul(tier.len_us());
            let blob = row.get_ref(1)?.as_blob().map_err(|_| ReadError::Damaged("a rollup is no blob"))?;
            let mut failed = None;
            let read = each_lane(blob, |lane, packed| {
                let who = if cube == Cube::Everything { Who::Everybody } else { Who::Lane(lane) };
                if !self.passing.lets(who) {
                    return Some(());
                }
                let given = lanes.each(Seen { context, ts_us, len_us: tier.len_us(), who, call: None }, &mut |acc| {
                    let mut copy = packed;
                    acc.merge_encoded(&mut copy, self.depth).ok_or(ReadError::Damaged("a rollup does not read"))
                });
                given.map_err(|error| failed = Some(error)).ok()
            });
            if let Some(error) = failed {
                return Err(error);
            }
            read.ok_or(ReadError::Damaged("a rollup does not read"))?;
        }
        Ok(())
    }
}

/// Everything in one accumulator, and when each outcome came first and last.
#[derive(Default)]
pub struct Total {
    pub acc: Acc,
    /// By outcome number: the first and the last bucket, or moment, that has one.
    pub seen: [Option<(Range, Range)>; Outcome::COUNT],
}

impl Lanes for Total {
    fn each(&mut self, call: Seen<'_, '_>, give: &mut dyn FnMut(&mut Acc) -> ReadResult<()>) -> ReadResult<()> {
        let before = self.acc.outcomes();
        give(&mut self.acc)?;
        let at = Range { since_us: call.ts_us, until_us: call.ts_us.saturating_add(call.len_us) };
        let now = self.acc.outcomes();
        for (seen, _) in self.seen.iter_mut().zip(before.iter().zip(&now)).filter(|(_, (before, now))| before < now) {
            // Pieces come in order of time, buckets and rows within them too.
            *seen = Some((seen.map_or(at, |(first, _)| first), at));
        }
        Ok(())
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
        let since_us = range.since_us.div_euclid(step_us).saturating_mul(step_us);
        let reach = range.until_us.saturating_sub(since_us).max(0);
        let count = reach / step_us + i64::from(reach % step_us > 0);
        let count = usize::try_from(count).unwrap_or_default();
        Steps { since_us, step_us, accs: vec![Acc::default(); count] }
    }

    /// The accumulator of the step a time is in.
    pub fn at(&mut self, ts_us: i64) -> Option<&mut Acc> {
        let at = ts_us.saturating_sub(self.since_us).div_euclid(self.step_us).max(0);
        self.accs.get_mut(usize::try_from(at).unwrap_or(usize::MAX))
    }
}

impl Lanes for Steps {
    fn each(&mut self, call: Seen<'_, '_>, give: &mut dyn FnMut(&mut Acc) -> ReadResult<()>) -> ReadResult<()> {
        self.at(call.ts_us).map_or(Ok(()), give)
    }
}

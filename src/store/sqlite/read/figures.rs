//! The figures of one range: total, tables, failures, chart. Each is read from the smallest rollups that know its
//! dimensions; what only single calls know is read in one pass for all.

use super::cube::Cube;
use super::fold::{Fan, Lanes, Pass, Steps, Total};
use super::groups::{ByWho, Cells};
use super::read_error::ReadResult;
use super::{Answer, changes, chart};
use crate::snapshot::Point;
use crate::stats::acc::Depth;
use crate::store::Watch;
use crate::store::sqlite::rollup::Tier;
use crate::view::{Dim, Grouping, Range, View};

/// What a range came to.
pub struct Figures {
    pub total: Total,
    /// One for each grouping; `None` where the totals of members answer it.
    pub tables: Vec<Option<Cells>>,
    /// By failure mode and model.
    pub failures: Option<Cells>,
    /// By all that a change may come of.
    pub changes: Vec<Cells>,
    pub steps: Option<Steps>,
    /// Whether single calls had to be read for more than the edges.
    pub by_rows: bool,
}

/// What is to be filled, of which buckets at the coarsest, with how much of them.
type ToFill<'a> = (&'a mut dyn Lanes, Option<Tier>, Depth);

impl Figures {
    /// Reads the figures of a range: `cover` for totals, `range` for the chart.
    pub fn read(
        answer: &Answer<'_>,
        (cover, range): (Range, Range),
        step_us: i64,
        watch: &dyn Watch,
    ) -> ReadResult<Figures> {
        let view = answer.view;
        let failures = Grouping::of(&[Dim::Error, Dim::Model], None);
        let mut figures = Figures {
            total: Total::default(),
            tables: view.groupings.iter().map(|g| (!answer.by_totals(g)).then(|| Cells::new(g))).collect(),
            failures: view.sections.failures.then(|| Cells::new(&failures)),
            changes: changes::cells(answer),
            steps: chart::steps(range, step_us),
            by_rows: false,
        };
        figures.main(answer, cover, watch)?;
        let (mut apart, mut together) = (Vec::new(), Vec::new());
        for (lanes, coarsest, depth) in figures.lanes(answer, step_us) {
            match answer.cube(lanes) {
                Cube::Rows => together.push(lanes),
                _ => apart.push((lanes, coarsest, depth)),
            }
        }
        let by_rows = !together.is_empty();
        if by_rows {
            answer.pass(cover, None).run(answer.context, &mut Fan(together), watch)?;
        }
        for (lanes, coarsest, depth) in apart {
            Pass { depth, ..answer.pass(cover, coarsest) }.run(answer.context, lanes, watch)?;
        }
        figures.by_rows = by_rows;
        Ok(figures)
    }

    /// The tables that the main lanes answer are summed from one reading of them.
    fn main(&mut self, answer: &Answer<'_>, cover: Range, watch: &dyn Watch) -> ReadResult<()> {
        let main = |cells: &&mut Cells| is_main(cells, answer);
        let mut tables: Vec<_> = self.tables.iter_mut().flatten().filter(main).collect();
        // Failures are counted, and nothing more; of changes, times are asked too.
        let mut depth = if tables.is_empty() { Depth::Sums } else { Depth::Full };
        tables.extend(self.failures.iter_mut().filter(main));
        let changes: Vec<_> = self.changes.iter_mut().filter(main).collect();
        depth = if changes.is_empty() { depth } else { depth.max(Depth::Times) };
        tables.extend(changes);
        if tables.is_empty() {
            return Ok(());
        }
        let mut by_who = ByWho::default();
        let pass = Pass { depth, ..answer.pass(cover, Some(Tier::Day)) };
        pass.run(answer.context, &mut by_who, watch)?;
        tables.into_iter().try_for_each(|cells| by_who.hand_on(answer.context, cells))
    }

    /// Everything else to be filled, with the coarsest buckets that tell it apart, and how much of them it takes.
    fn lanes(&mut self, answer: &Answer<'_>, step_us: i64) -> Vec<ToFill<'_>> {
        let mut all: Vec<ToFill<'_>> = vec![(&mut self.total, Some(Tier::Day), Depth::Full)];
        for cells in self.tables.iter_mut().flatten().chain(&mut self.failures).chain(&mut self.changes) {
            if !is_main(cells, answer) {
                let coarsest = cells.coarsest();
                all.push((cells, coarsest, Depth::Full));
            }
        }
        if let Some(steps) = &mut self.steps {
            all.push((steps, chart::coarsest(step_us), Depth::Times));
        }
        all
    }

    /// The points of the chart.
    pub fn points(&self, view: &View) -> Vec<Point> {
        self.steps.as_ref().map(|s| chart::points_of(s, view.sections.heat)).unwrap_or_default()
    }
}

fn is_main(cells: &Cells, answer: &Answer<'_>) -> bool {
    cells.is_timeless() && answer.cube(cells) == Cube::Main
}

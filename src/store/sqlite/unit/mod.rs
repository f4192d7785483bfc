//! Counting the units of experiments: one transaction's calls of variants, day by day, into sorted runs. Pure but for what
//! `run` has, which is what becomes of them in the store.

mod arm;
mod counts;
mod fill;
mod run;
mod score;

pub use arm::{Arm, Arms};
pub use counts::{Counts, coarse};

use counts::One;
pub use fill::{Fill, fill, settle};
pub use run::{DAY_US, Head, Reader, UnitRun, write};
pub use score::count as count_scores;

use crate::stats::acc::Sample;
use run::Writer;
use std::collections::BTreeMap;

/// Calls and scores of one arm on one day, not yet summed: sorting them once is cheaper than a look-up for each.
#[derive(Debug, Default)]
struct Open {
    head: Head,
    /// The unit and the number of the call.
    order: Vec<(u64, u32)>,
    calls: Vec<One>,
    /// What is no call.
    others: BTreeMap<u64, Counts>,
}

impl Open {
    fn encode(mut self) -> Vec<u8> {
        self.order.sort_unstable();
        let mut out = Writer::new(&self.head, self.order.len() * 40);
        let mut others = std::mem::take(&mut self.others).into_iter().peekable();
        for of_unit in self.order.chunk_by(|a, b| a.0 == b.0) {
            let unit = of_unit[0].0;
            while let Some((other, counts)) = others.next_if(|(other, _)| *other < unit) {
                out.put(other, &counts);
            }
            let mut counts = others.next_if(|(other, _)| *other == unit).map(|(_, counts)| counts).unwrap_or_default();
            of_unit.iter().for_each(|(_, call)| counts.note(&self.calls[*call as usize]));
            out.put(unit, &counts);
        }
        others.for_each(|(unit, counts)| out.put(unit, &counts));
        out.out
    }
}

/// Counts one transaction's units.
#[derive(Debug, Default)]
pub struct Units {
    day: i64,
    /// By arm; there are few.
    open: Vec<(u32, Open)>,
    done: Vec<UnitRun>,
}

impl Units {
    /// Counts a call. Cheapest when calls come in time order; right in any.
    pub fn add(&mut self, ts_us: i64, arm: u32, unit: u64, sample: &Sample) {
        let open = self.open(ts_us, arm);
        sample.latency_us.iter().for_each(|us| open.head.latency.record(*us));
        sample.ttft_us.iter().for_each(|us| open.head.ttft.record(*us));
        open.order.push((unit, open.calls.len() as u32));
        open.calls.push(One::of(sample));
    }

    /// Adds what is no call: a score, a change of cost.
    pub fn merge(&mut self, ts_us: i64, arm: u32, unit: u64, counts: &Counts) {
        self.open(ts_us, arm).others.entry(unit).or_default().merge(counts);
    }

    fn open(&mut self, ts_us: i64, arm: u32) -> &mut Open {
        let day = ts_us.div_euclid(DAY_US);
        if day != self.day {
            self.close();
            self.day = day;
        }
        let at = self.open.iter().position(|(number, _)| *number == arm).unwrap_or_else(|| {
            self.open.push((arm, Open::default()));
            self.open.len() - 1
        });
        &mut self.open[at].1
    }

    fn close(&mut self) {
        let day = self.day;
        self.done.extend(self.open.drain(..).map(|(arm, open)| UnitRun { arm, day, data: open.encode() }));
    }

    /// Hands out the runs of the days closed since the last time.
    pub fn take(&mut self) -> Vec<UnitRun> {
        std::mem::take(&mut self.done)
    }

    /// Closes the open day and hands out the rest.
    pub fn finish(&mut self) -> Vec<UnitRun> {
        self.close();
        self.take()
    }
}

//! Experiments: counters of units, day by day, added up unit by unit into sums over units. Days are whole, UTC; those before
//! the end of the window count, all of them.

use super::Answer;
use super::read_error::{ReadError, ReadResult};
use crate::snapshot::experiments::{ArmSums, Experiment, QUANTILES, Sums};
use crate::stats::experiment::Moments;
use crate::store::Watch;
use crate::store::sqlite::unit::{Counts, DAY_US, Head, Reader, coarse};
use crate::view::{Anchor, Experiment as Rule, Metric, Range, Span, Unit};
use rusqlite::Connection;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, HashMap};

/// An experiment as it is listed.
struct Listed {
    name: String,
    unit: Unit,
    /// Numbers and names of its variants.
    arms: Vec<(u32, String)>,
    /// First and last day.
    days: (i64, i64),
}

/// The experiments that had calls before the end of the window, the newest first, at most so many.
pub fn experiments(answer: &Answer<'_>, most: usize, watch: &dyn Watch) -> ReadResult<Vec<Experiment>> {
    let conn = &answer.context.conn;
    // A window of everything ends with its newest call, and scores come after what they judge.
    let until = match (answer.view.window.span, answer.view.window.anchor) {
        (Span::All, Anchor::Auto | Anchor::Now) => i64::MAX,
        _ => answer.range.until_us.saturating_sub(1).div_euclid(DAY_US),
    };
    let since = answer.horizon.fine_us.div_euclid(DAY_US);
    let mut all = listed(conn, (since, until))?;
    all.sort_by(|a, b| b.days.1.cmp(&a.days.1).then_with(|| a.name.cmp(&b.name)));
    all.truncate(most);
    let names = score_names(conn)?;
    let read = |listed: Listed| {
        if watch.cancelled() {
            return Err(ReadError::Cancelled);
        }
        let settled = answer.view.experiments.iter().find(|rule| rule.name == listed.name).cloned();
        let rule = settled.unwrap_or_else(|| Rule::unsettled(&listed.name));
        let mut sums = sums(conn, &listed, (since, until), &names, watch)?;
        // What was deleted may have been of it, where there are calls from the first day that is left on.
        sums.gone_us = (answer.horizon.fine_us > i64::MIN && listed.days.0 <= since)
            .then_some(answer.horizon.fine_us)
            .filter(|gone| answer.first_us.is_some_and(|first| first < *gone));
        Ok(Experiment::of(rule, sums))
    };
    all.into_iter().map(read).collect()
}

fn listed(conn: &Connection, (since, until): (i64, i64)) -> ReadResult<Vec<Listed>> {
    let mut select = conn.prepare_cached(
        "SELECT a.id, a.experiment, a.variant, coalesce(e.unit, 0), \
         (SELECT min(day) FROM unit_run WHERE arm = a.id AND day BETWEEN ?1 AND ?2), \
         (SELECT max(day) FROM unit_run WHERE arm = a.id AND day BETWEEN ?1 AND ?2) \
         FROM arm a LEFT JOIN experiment e ON e.name = a.experiment ORDER BY a.variant",
    )?;
    let mut rows = select.query((since, until))?;
    let mut all: BTreeMap<String, Listed> = BTreeMap::new();
    while let Some(row) = rows.next()? {
        let (Some(first), Some(last)) = (row.get::<_, Option<i64>>(4)?, row.get::<_, Option<i64>>(5)?) else {
            continue;
        };
        let name: String = row.get(1)?;
        let unit = Unit::from_number(row.get(3)?);
        let one =
            all.entry(name.clone()).or_insert(Listed { name, unit, arms: Vec::new(), days: (i64::MAX, i64::MIN) });
        one.arms.push((row.get(0)?, row.get(2)?));
        one.days = (one.days.0.min(first), one.days.1.max(last));
    }
    Ok(all.into_values().collect())
}

fn score_names(conn: &Connection) -> ReadResult<HashMap<u32, Metric>> {
    let mut select = conn.prepare_cached("SELECT id, name FROM unit_score")?;
    let rows = select.query_map([], |row| Ok((row.get(0)?, Metric::of_score(&row.get::<_, String>(1)?))))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Adds up the units of an experiment.
fn sums(
    conn: &Connection,
    listed: &Listed,
    days: (i64, i64),
    names: &HashMap<u32, Metric>,
    watch: &dyn Watch,
) -> ReadResult<Sums> {
    let broken = || ReadError::Damaged("counters of units do not read");
    let mut runs: Vec<(usize, Vec<u8>)> = Vec::new();
    let mut select =
        conn.prepare_cached("SELECT data FROM unit_run WHERE arm = ?1 AND day BETWEEN ?2 AND ?3 ORDER BY day, run")?;
    for (place, (arm, _)) in listed.arms.iter().enumerate() {
        let mut rows = select.query((arm, days.0, days.1))?;
        while let Some(row) = rows.next()? {
            runs.push((place, row.get(0)?));
        }
    }
    let mut heads = vec![Head::default(); listed.arms.len()];
    let mut readers = Vec::with_capacity(runs.len());
    for (place, run) in &runs {
        readers.push((*place, Reader::new(run, &mut heads[*place]).ok_or_else(broken)?));
    }
    let mut adding = Adding::new(&heads, names);
    walk(readers, &mut adding, watch)?;
    let arms = adding.arms.into_iter().zip(heads).zip(&listed.arms).map(|((sum, head), (_, variant))| ArmSums {
        variant: variant.clone(),
        latency: head.latency,
        ttft: head.ttft,
        ..sum.finish(names)
    });
    let range = Range {
        since_us: listed.days.0.saturating_mul(DAY_US),
        until_us: listed.days.1.saturating_add(1).saturating_mul(DAY_US),
    };
    Ok(Sums { arms: arms.collect(), unit: listed.unit, range, gone_us: None, crossed: adding.crossed })
}

/// Goes through runs that are sorted by unit, all at once, unit by unit.
fn walk(mut readers: Vec<(usize, Reader<'_>)>, adding: &mut Adding<'_>, watch: &dyn Watch) -> ReadResult<()> {
    const OFTEN: u64 = 4_096;
    let at =
        |readers: &[(usize, Reader<'_>)], i: usize| readers[i].1.is_at_unit.then(|| Reverse((readers[i].1.unit, i)));
    let mut heap: BinaryHeap<Reverse<(u64, usize)>> = (0..readers.len()).filter_map(|i| at(&readers, i)).collect();
    let (mut current, mut steps) = (None, 0u64);
    while let Some(Reverse((unit, i))) = heap.pop() {
        steps += 1;
        if steps.is_multiple_of(OFTEN) && watch.cancelled() {
            return Err(ReadError::Cancelled);
        }
        if current.replace(unit) != Some(unit) {
            adding.close();
        }
        let (place, reader) = &mut readers[i];
        adding.add(*place, &reader.counts);
        reader.advance().ok_or(ReadError::Damaged("counters of units do not read"))?;
        heap.extend(at(&readers, i));
    }
    adding.close();
    Ok(())
}

/// One unit in one arm, as far as it has been added up.
#[derive(Debug, Clone, Default)]
struct Tally {
    is_there: bool,
    counts: Counts,
    /// Calls with a latency or a TTFT, and those at most each threshold, in the order of the quantiles.
    below: [(u64, u64); 4],
}

/// Sums over the units of one arm.
#[derive(Debug, Default)]
struct Arm {
    sums: ArmSums,
    fixed: [Moments; 7],
    /// By number of the name: the score's sums, and whether each was 0 or 1.
    scores: HashMap<u32, (Moments, bool)>,
    thresholds: [u16; 4],
    tally: Tally,
}

/// What the fixed sums make, in their order.
const FIXED: [Metric; 7] = [
    Metric::ErrorRate,
    Metric::CostPerCall,
    Metric::InputTokens,
    Metric::OutputTokens,
    Metric::TaskCompletion,
    Metric::Satisfaction,
    Metric::CostPerTask,
];

impl Arm {
    fn add(&mut self, counts: &Counts) {
        let tally = &mut self.tally;
        if !tally.is_there {
            tally.is_there = true;
            tally.counts.clear();
            tally.below = Default::default();
        }
        tally.counts.add_sums(counts);
        for (i, below) in tally.below.iter_mut().enumerate() {
            let (all, of) = (if i < 2 { &counts.latency } else { &counts.ttft }).below(self.thresholds[i]);
            *below = (below.0 + all, below.1 + of);
        }
    }

    /// Adds the unit to the sums; whether it had a call.
    fn close(&mut self, names: &HashMap<u32, Metric>) -> bool {
        if !std::mem::take(&mut self.tally.is_there) {
            return false;
        }
        let counts = &self.tally.counts;
        self.sums.units += u64::from(counts.calls > 0);
        self.sums.calls += counts.calls;
        for (moments, (all, below)) in self.sums.below.iter_mut().zip(self.tally.below) {
            moments.add(below as f64, all as f64);
        }
        let known = [&counts.cost, &counts.input_tokens, &counts.output_tokens];
        self.fixed[0].add(counts.errors as f64, counts.calls as f64);
        for (moments, known) in self.fixed[1..4].iter_mut().zip(known) {
            moments.add(known.sum as f64, known.calls as f64);
        }
        for score in &counts.scores {
            let (count, positive) = (score.count as f64, score.positive as f64);
            match names.get(&score.name) {
                Some(Metric::TaskCompletion) => {
                    self.fixed[4].add(positive, count);
                    // Of units whose tasks were judged alone; cost that is not known is left out.
                    self.fixed[6].add(counts.cost.sum as f64, positive);
                }
                Some(Metric::Satisfaction) => self.fixed[5].add(positive, count),
                _ => {
                    let (moments, binary) = self.scores.entry(score.name).or_insert((Moments::default(), true));
                    moments.add(score.sum as f64 / 1e6, count);
                    *binary &= i128::from(score.sum) == i128::from(score.positive) * 1_000_000;
                }
            }
        }
        counts.calls > 0
    }

    fn finish(self, names: &HashMap<u32, Metric>) -> ArmSums {
        let mut sums = self.sums;
        sums.ratios.extend(FIXED.into_iter().zip(self.fixed).filter(|(_, moments)| moments.n > 0));
        for (number, (moments, binary)) in self.scores {
            let Some(metric) = names.get(&number) else { continue };
            if binary {
                sums.binary.insert(metric.clone());
            }
            sums.ratios.insert(metric.clone(), moments);
        }
        sums
    }
}

/// Adding up units, one after another.
struct Adding<'n> {
    arms: Vec<Arm>,
    crossed: u64,
    names: &'n HashMap<u32, Metric>,
}

impl<'n> Adding<'n> {
    fn new(heads: &[Head], names: &'n HashMap<u32, Metric>) -> Adding<'n> {
        let arm = |head: &Head| {
            let threshold = |i: usize| {
                let of = if i < 2 { &head.latency } else { &head.ttft };
                of.quantile(QUANTILES[i].1).map_or(0, coarse)
            };
            Arm { thresholds: std::array::from_fn(threshold), ..Arm::default() }
        };
        Adding { arms: heads.iter().map(arm).collect(), crossed: 0, names }
    }

    fn add(&mut self, place: usize, counts: &Counts) {
        self.arms[place].add(counts);
    }

    /// Ends the unit in hand.
    fn close(&mut self) {
        let there = self.arms.iter_mut().map(|arm| arm.close(self.names)).filter(|there| *there).count();
        self.crossed += u64::from(there > 1);
    }
}

//! What follows from new calls, summed on two threads beside the inserts: rollups, the totals of members, the index of
//! ids, the units of experiments.

use super::fold::{Delta, Fold};
use super::ids::{self, Ids};
use super::insert::{Calls, Inserted};
use super::member::Members;
use super::runs::{self, Run};
use super::scores::Scored;
use super::unit::{self, UnitRun, Units};
use super::{Place, rollup};
use crate::batch::{Batch, Id};
use crate::store::StoreError;
use crossbeam_channel::{bounded, unbounded};
use rusqlite::Transaction;
use std::sync::Arc;

/// What is summed up of calls.
#[derive(Default)]
pub struct Sums {
    fold: Fold,
    units: Units,
    counts: Counts,
}

impl Sums {
    /// What is known of scores.
    pub fn scored(&mut self) -> &mut Scored {
        &mut self.counts.scored
    }
}

/// What is counted by names: of users and sessions, where ids are, and which calls are judged.
#[derive(Default)]
struct Counts {
    members: Members,
    ids: Ids,
    scored: Scored,
}

/// Inserts the calls and what is summed up of them: on this thread, with the summing on two more beside it where there
/// are enough calls to be worth it.
pub fn write_calls(calls: Calls<'_>, sums: &mut Sums, place: &Place) -> Result<(), StoreError> {
    let batches = calls.batches;
    let mut sink =
        SumWriter { tx: calls.tx, place, rollups: rollup::Writer::new(calls.tx).map_err(|e| place.wrap(e))? };
    let Sums { fold, units, counts } = sums;
    if calls.len() < MANY {
        calls.insert(place, |portion| {
            fold_in((fold, units), batches, portion);
            count_in(counts, batches, portion);
            Ok(())
        })?;
        sink.take(Summed::Rollups(fold.finish()))?;
        sink.take(Summed::Members(counts.members.finish()))?;
        sink.take(Summed::Units(units.finish()))?;
        return sink.take(Summed::Ids(counts.ids.finish()));
    }
    let (to_fold, to_count) = (bounded::<Portion>(PORTIONS), bounded::<Portion>(PORTIONS));
    let (summed, sums) = unbounded::<Summed>();
    // What the closure owns ends with it, also where it fails, and the threads with what they wait for.
    std::thread::scope(move |scope| {
        let counted = summed.clone();
        scope.spawn(move || {
            for portion in &to_fold.1 {
                fold_in((fold, units), batches, &portion);
                drop(summed.send(Summed::Rollups(fold.take())));
                drop(summed.send(Summed::Units(units.take())));
            }
            drop(summed.send(Summed::Rollups(fold.finish())));
            drop(summed.send(Summed::Units(units.finish())));
        });
        scope.spawn(move || {
            for portion in &to_count.1 {
                count_in(counts, batches, &portion);
                drop(counted.send(Summed::Members(counts.members.take())));
                drop(counted.send(Summed::Ids(counts.ids.take())));
            }
            drop(counted.send(Summed::Members(counts.members.finish())));
            drop(counted.send(Summed::Ids(counts.ids.finish())));
        });
        calls.insert(place, |portion| {
            let portion = Portion::from(portion);
            drop((to_fold.0.send(Arc::clone(&portion)), to_count.0.send(portion)));
            // What is closed is written at once: out of order every group closes every minute.
            sums.try_iter().try_for_each(|done| sink.take(done))
        })?;
        drop((to_fold.0, to_count.0));
        sums.iter().try_for_each(|done| sink.take(done))
    })
}

/// What the summing threads hand back.
enum Summed {
    Rollups(Vec<Delta>),
    Members(Vec<Run>),
    Units(Vec<UnitRun>),
    Ids(Vec<ids::Run>),
}

/// Adds what was summed up to the store.
struct SumWriter<'t> {
    tx: &'t Transaction<'t>,
    place: &'t Place,
    rollups: rollup::Writer<'t>,
}

impl SumWriter<'_> {
    fn take(&mut self, done: Summed) -> Result<(), StoreError> {
        match done {
            Summed::Rollups(deltas) => self.rollups.add(self.place, &deltas),
            Summed::Members(runs) => runs::write(self.tx, self.place, runs),
            Summed::Units(runs) => unit::write(self.tx, self.place, runs),
            Summed::Ids(runs) => ids::write(self.tx, self.place, runs),
        }
    }
}

/// Calls that were new, for several threads.
type Portion = Arc<[Inserted]>;

/// How many portions may wait to be summed up.
const PORTIONS: usize = 64;

fn fold_in((fold, units): (&mut Fold, &mut Units), batches: &[Batch], portion: &[Inserted]) {
    for call in portion {
        let batch = &batches[call.batch as usize];
        let row = &batch.calls[call.row as usize];
        let facts = batch.facts(row);
        let sample = facts.sample(row.outcome);
        fold.add(call.ts_us, (call.lane, call.host_lane), &sample);
        if let Some(arm) = call.arm {
            units.add(call.ts_us, arm.number, arm.unit_of(&facts, row.id), &sample);
        }
    }
}

fn count_in(Counts { members, ids, scored }: &mut Counts, batches: &[Batch], portion: &[Inserted]) {
    for call in portion {
        let batch = &batches[call.batch as usize];
        let row = &batch.calls[call.row as usize];
        let facts = batch.facts(row);
        members.add(call.ts_us, &facts.sample(row.outcome), [Id::User, Id::Session].map(|id| facts.id_bytes(id)));
        ids.add(call.ts_us, |id| facts.id_bytes(id));
        scored.meet(|id| facts.id_bytes(id));
    }
}

/// From so many calls on a thread is worth its start.
const MANY: usize = 4_096;

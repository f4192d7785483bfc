//! The writer: gathers batches into groups and appends each group in one transaction. Groups are small while lines come
//! in time order, and large when they do not, with most of it put aside on disk, so that a shuffled load walks the table
//! less often.

use super::{Counts, OnRefusal, Parsed, PipelineError, Progress, Settings, Ticketed};
use crate::batch::Batch;
use crate::event::Reason;
use crate::source::Stop;
use crate::store::{Appended, Store, StoreError};
use crossbeam_channel::{Receiver, RecvTimeoutError};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// A group is appended when it is this old,
const PATIENCE: Duration = Duration::from_millis(100);
/// a little older while calls pour in, because a large group costs less a call,
const FAST_PATIENCE: Duration = Duration::from_millis(500);
/// or has this many calls,
const CALLS: usize = 1 << 17;
/// or weighs this much, bytes, and cannot be put aside,
const WEIGHT: usize = 72 << 20;
/// or, out of order, has this many calls,
const MANY_CALLS: usize = 1 << 22;
/// or, out of order, is this old.
const LONG_PATIENCE: Duration = Duration::from_secs(15);

/// Out of order, so much is put aside at once, bytes.
const ASIDE: usize = 24 << 20;

/// More calls a millisecond than this are a load, and no application at work.
const FAST: u128 = 20;

/// How long to wait before a refused group is tried again.
const AGAIN: Duration = Duration::from_millis(500);

pub(super) struct Writer<'s> {
    store: &'s mut dyn Store,
    settings: &'s Settings,
    progress: &'s Arc<Progress>,
    stop: &'s Stop,
    early: BTreeMap<u64, Parsed>,
    next: u64,
    group: Group,
    newest_us: i64,
    caught_up: bool,
    did: Appended,
}

/// Batches that will be appended together.
#[derive(Default)]
struct Group {
    /// Those that were not put aside.
    batches: Vec<Batch>,
    /// What they come to, those put aside too.
    counts: Counts,
    reasons: Vec<(Reason, u64)>,
    calls: usize,
    /// Of those that were not put aside, bytes.
    weight: usize,
    disordered: bool,
    untimed: bool,
    since: Option<Duration>,
}

impl Group {
    fn due(&self, now: Duration, caught_up: bool) -> bool {
        let Some(since) = self.since else { return false };
        let age = now.saturating_sub(since);
        if self.weight >= WEIGHT || self.calls >= MANY_CALLS {
            return true;
        }
        if self.disordered && !caught_up && self.is_fast(age) {
            return age >= LONG_PATIENCE;
        }
        self.calls >= CALLS || age >= if self.is_fast(age) { FAST_PATIENCE } else { PATIENCE }
    }

    /// Whether what is in memory had better wait on disk for the rest of the group.
    fn is_to_be_parked(&self) -> bool {
        self.disordered && !self.untimed && self.weight >= ASIDE
    }

    /// Whether calls come in as from a load, and not as from an application.
    fn is_fast(&self, age: Duration) -> bool {
        self.calls as u128 > FAST * age.max(PATIENCE).as_millis()
    }

    /// How long to wait for another batch before looking at the clock again.
    fn wait(&self) -> Duration {
        if self.since.is_some() { PATIENCE / 2 } else { LONG_PATIENCE }
    }
}

impl<'s> Writer<'s> {
    pub fn new(
        store: &'s mut dyn Store,
        settings: &'s Settings,
        progress: &'s Arc<Progress>,
        stop: &'s Stop,
    ) -> Writer<'s> {
        Writer {
            store,
            settings,
            progress,
            stop,
            early: BTreeMap::new(),
            next: 1,
            group: Group::default(),
            newest_us: i64::MIN,
            caught_up: false,
            did: Appended::default(),
        }
    }

    /// Writes until all parsers have ended.
    pub fn run(mut self, parsed: &Receiver<Ticketed<Parsed>>) -> Result<Appended, PipelineError> {
        loop {
            match parsed.recv_timeout(self.group.wait()) {
                Ok(ticketed) => self.sort_in(ticketed)?,
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            if self.group.due((self.settings.ticks)(), self.caught_up) {
                self.append()?;
            } else if self.group.is_to_be_parked() {
                self.park()?;
            }
        }
        self.append()?;
        Ok(self.did)
    }

    /// Takes parsed chunks in the order of their numbers, whichever parser was faster.
    fn sort_in(&mut self, ticketed: Ticketed<Parsed>) -> Result<(), PipelineError> {
        if let Parsed::Failed(error) = ticketed.item {
            return Err(error.into());
        }
        self.early.insert(ticketed.number, ticketed.item);
        while let Some(item) = self.early.remove(&self.next) {
            self.next += 1;
            match item {
                Parsed::Batch(batch, raw_bytes) => self.gather(*batch, raw_bytes),
                Parsed::CaughtUp => {
                    self.caught_up = true;
                    self.append()?;
                    self.progress.caught_up();
                }
                Parsed::Failed(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    fn gather(&mut self, batch: Batch, raw_bytes: u64) {
        let group = &mut self.group;
        group.counts.raw_done += raw_bytes;
        if batch.counts.read == 0 && batch.checkpoint.is_none() {
            return;
        }
        group.since.get_or_insert_with(self.settings.ticks);
        group.counts.lines += batch.counts.read;
        group.counts.skipped += batch.counts.skipped;
        group.counts.rejected += batch.counts.rejected.iter().map(|(_, n)| n).sum::<u64>();
        group.reasons.extend_from_slice(&batch.counts.rejected);
        group.calls += batch.calls.len();
        group.weight += batch.weight();
        group.untimed |= batch.calls.iter().any(|call| !call.timed);
        if let (Some(first), Some(last)) = (batch.calls.first(), batch.calls.last()) {
            group.disordered |= !batch.in_order || first.ts_us < self.newest_us;
            self.newest_us = self.newest_us.max(last.ts_us);
        }
        group.batches.push(batch);
    }

    fn park(&mut self) -> Result<(), StoreError> {
        let batches = std::mem::take(&mut self.group.batches);
        self.surely(|store| store.park(&batches))?;
        self.group.weight = 0;
        let counts = &mut self.group.counts;
        self.progress.parked(std::mem::take(&mut counts.lines), std::mem::take(&mut counts.raw_done));
        Ok(())
    }

    fn append(&mut self) -> Result<(), PipelineError> {
        let group = std::mem::take(&mut self.group);
        if group.since.is_none() {
            return Ok(());
        }
        let did = self.surely(|store| store.append(&group.batches))?;
        self.did.add(did);
        let rejected = group.counts.rejected + did.expired;
        let Appended { accepted, duplicate, .. } = did;
        self.progress.rejected(&group.reasons);
        if did.expired > 0 {
            self.progress.rejected(&[(Reason::Expired, did.expired)]);
        }
        self.progress.committed(Counts { accepted, duplicate, rejected, ..group.counts });
        Ok(())
    }

    /// Does something with the store, again and again if need be and that is wanted.
    fn surely<T>(&mut self, mut what: impl FnMut(&mut dyn Store) -> Result<T, StoreError>) -> Result<T, StoreError> {
        loop {
            match what(self.store) {
                Ok(did) => {
                    self.progress.refuse(None);
                    return Ok(did);
                }
                Err(error) if self.settings.on_refusal == OnRefusal::Fail || self.stop.requested() => {
                    return Err(error);
                }
                Err(error) => {
                    self.progress.refuse(Some(error.to_string()));
                    std::thread::sleep(AGAIN);
                }
            }
        }
    }
}

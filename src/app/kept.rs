//! A store that is kept to its retention while it is written: what is too old or too much goes when it is opened, about
//! hourly from then on, and once more when a load is done.

use crate::batch::{Batch, Checkpoint};
use crate::clock;
use crate::config;
use crate::price::Prices;
use crate::store::{Appended, Mode, Repricing, Retained, Retention, Store, StoreError, sqlite::SqliteStore};
use crate::view::Unit;
use std::path::Path;
use std::time::Duration;

/// How often it is looked after.
const EVERY: Duration = Duration::from_secs(3_600);

/// A store and what is kept of it.
pub struct Kept<S = SqliteStore> {
    store: S,
    keep: Retention,
    ticks: fn() -> Duration,
    due: Duration,
}

impl Kept {
    /// Opens a store for writing and deletes what is kept no longer.
    ///
    /// # Errors
    /// It cannot be opened or written.
    pub fn open(path: &Path, keep: &config::Retention) -> Result<Kept, StoreError> {
        let keep = Retention { text_us: keep.text_us, rows_us: keep.rows_us, size: keep.size, fine_us: None };
        Kept::new(SqliteStore::open(path)?, keep, clock::ticks)
    }
}

impl<S: Store> Kept<S> {
    fn new(store: S, keep: Retention, ticks: fn() -> Duration) -> Result<Kept<S>, StoreError> {
        let mut kept = Kept { store, keep, ticks, due: Duration::ZERO };
        kept.look_after()?;
        Ok(kept)
    }

    /// Deletes what is kept no longer.
    ///
    /// # Errors
    /// The store cannot be written.
    pub fn look_after(&mut self) -> Result<(), StoreError> {
        self.due = (self.ticks)().saturating_add(EVERY);
        if self.keep != Retention::default() {
            self.store.retain(self.keep, clock::now_us())?;
        }
        Ok(())
    }
}

impl<S: Store> Store for Kept<S> {
    fn append(&mut self, batches: &[Batch]) -> Result<Appended, StoreError> {
        let did = self.store.append(batches)?;
        if (self.ticks)() >= self.due {
            // What was appended is in the store, whatever becomes of this; it is tried again in an hour.
            let _ = self.look_after();
        }
        Ok(did)
    }

    fn park(&mut self, batches: &[Batch]) -> Result<(), StoreError> {
        self.store.park(batches)
    }

    fn checkpoints(&mut self) -> Result<Vec<Checkpoint>, StoreError> {
        self.store.checkpoints()
    }

    fn retain(&mut self, keep: Retention, now_us: i64) -> Result<Retained, StoreError> {
        self.store.retain(keep, now_us)
    }

    fn reprice(&mut self, prices: &Prices, since_us: i64, mode: Mode) -> Result<Repricing, StoreError> {
        self.store.reprice(prices, since_us, mode)
    }

    fn settle(&mut self, units: &[(String, Unit)]) -> Result<bool, StoreError> {
        self.store.settle(units)
    }

    fn vacuum(&mut self) -> Result<(), StoreError> {
        self.store.vacuum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU64, Ordering};

    static SECONDS: AtomicU64 = AtomicU64::new(0);

    fn ticks() -> Duration {
        Duration::from_secs(SECONDS.load(Ordering::SeqCst))
    }

    /// Counts how often it is looked after, and refuses that.
    #[derive(Default)]
    struct Counting {
        retained: u64,
        refuses: u64,
    }

    impl Store for Counting {
        fn append(&mut self, _: &[Batch]) -> Result<Appended, StoreError> {
            Ok(Appended { accepted: 1, ..Appended::default() })
        }

        fn park(&mut self, _: &[Batch]) -> Result<(), StoreError> {
            Ok(())
        }

        fn checkpoints(&mut self) -> Result<Vec<Checkpoint>, StoreError> {
            Ok(Vec::new())
        }

        fn retain(&mut self, keep: Retention, _: i64) -> Result<Retained, StoreError> {
            assert_eq!(keep.size, Some(1_000));
            self.retained += 1;
            if self.retained > self.refuses { Ok(Retained::default()) } else { Err(StoreError::Cancelled) }
        }

        fn reprice(&mut self, _: &Prices, _: i64, _: Mode) -> Result<Repricing, StoreError> {
            Ok(Repricing::default())
        }

        fn settle(&mut self, _: &[(String, Unit)]) -> Result<bool, StoreError> {
            Ok(false)
        }

        fn vacuum(&mut self) -> Result<(), StoreError> {
            Ok(())
        }
    }

    #[test]
    fn a_store_is_looked_after_at_the_start_and_hourly() {
        let keep = Retention { size: Some(1_000), ..Retention::default() };
        assert!(Kept::new(Counting { refuses: 1, ..Counting::default() }, keep, ticks).is_err(), "said at the start");
        let mut kept = Kept::new(Counting::default(), keep, ticks).expect("opens");
        for (seconds, times) in [(0, 1), (3_599, 1), (3_600, 2), (3_601, 2), (7_199, 2), (20_000, 3), (20_001, 3)] {
            SECONDS.store(seconds, Ordering::SeqCst);
            assert_eq!(kept.append(&[]).expect("appended").accepted, 1);
            assert_eq!(kept.store.retained, times, "after {seconds} s");
        }
        kept.store.refuses = 100;
        SECONDS.store(40_000, Ordering::SeqCst);
        assert_eq!(kept.append(&[]).expect("appended all the same").accepted, 1);
        assert!(kept.look_after().is_err());
    }

    #[test]
    fn a_store_without_bounds_is_left_alone() {
        let mut kept =
            Kept::new(Counting { refuses: 9, ..Counting::default() }, Retention::default(), ticks).expect("opens");
        kept.look_after().expect("nothing to do");
        assert_eq!(kept.store.retained, 0);
    }
}

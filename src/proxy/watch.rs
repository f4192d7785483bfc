//! An answer that has to be over in time even where its client has stopped reading: then nobody asks it for more, and only a
//! clock of its own can end it.

use super::tap::Tap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;
use tokio::task::AbortHandle;

/// An answer whose time is watched.
pub struct Watched {
    tap: Arc<Mutex<Tap>>,
    watcher: AbortHandle,
}

impl Watched {
    /// An answer that has to be over by `until`.
    pub fn new(tap: Tap, until: Instant) -> Watched {
        let tap = Arc::new(Mutex::new(tap));
        let watched = Arc::downgrade(&tap);
        let watcher = tokio::spawn(async move {
            tokio::time::sleep_until(until.into()).await;
            if let Some(tap) = watched.upgrade() {
                tap.lock().unwrap_or_else(PoisonError::into_inner).expire();
            }
        });
        Watched { tap, watcher: watcher.abort_handle() }
    }

    /// Does something with it.
    pub fn with<T>(&self, act: impl FnOnce(&mut Tap) -> T) -> T {
        act(&mut self.tap.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.watcher.abort();
    }
}

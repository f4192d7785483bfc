//! Wakes the follower when something happens in the folders it reads. Only a hint: where it fails, looking now and then
//! is enough.

use super::Stop;
use super::select::{Root, Selection};
use crossbeam_channel::{Receiver, Sender, bounded};
use notify::event::{AccessKind, AccessMode};
use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

/// How long a wait may go without looking at the stop.
const SLICE: Duration = Duration::from_millis(100);

/// A watcher of folders, if the system has one.
pub(super) struct Watcher {
    selection: Arc<Selection>,
    inner: Option<RecommendedWatcher>,
    watched: HashSet<Root>,
    /// Whether all folders are watched.
    complete: bool,
    hints: Receiver<()>,
    /// Keeps the channel open where there is no watcher.
    _sender: Sender<()>,
}

impl Watcher {
    /// Begins to watch.
    pub fn new(selection: &Arc<Selection>) -> Watcher {
        let (sender, hints) = bounded(1);
        let inner = {
            let (sender, selection) = (sender.clone(), Arc::clone(selection));
            notify::recommended_watcher(move |event| {
                if !sender.is_full() && matters(&event, &selection) {
                    let _ = sender.try_send(());
                }
            })
        };
        let selection = Arc::clone(selection);
        let watched = HashSet::new();
        let mut watcher = Watcher { selection, inner: inner.ok(), watched, complete: false, hints, _sender: sender };
        watcher.update();
        watcher
    }

    /// Whether everything is watched, as far as the system says.
    pub fn is_working(&self) -> bool {
        self.complete
    }

    /// Waits for something to happen, at most so long, or until a stop is requested.
    pub fn wait(&mut self, longest: Duration, stop: &Stop) {
        let mut left = longest;
        while !stop.requested() {
            let slice = left.min(SLICE);
            if self.hints.recv_timeout(slice).is_ok() {
                return;
            }
            left -= slice;
            if left.is_zero() {
                return self.update();
            }
        }
    }

    /// Watches folders that have come since, and forgets those that are gone.
    fn update(&mut self) {
        let Some(inner) = &mut self.inner else { return };
        let roots = self.selection.roots();
        self.watched.retain(|root| {
            let keep = roots.contains(root) && root.path.is_dir();
            if !keep {
                let _ = inner.unwatch(&root.path);
            }
            keep
        });
        self.complete = true;
        for root in roots {
            let mode = if root.deep { RecursiveMode::Recursive } else { RecursiveMode::NonRecursive };
            if self.watched.contains(&root) {
                continue;
            }
            match inner.watch(&root.path, mode) {
                Ok(()) => _ = self.watched.insert(root),
                Err(_) => self.complete = false,
            }
        }
    }
}

/// Whether an event is worth a look. Opening and reading, which the follower does itself, is not.
fn matters(event: &notify::Result<Event>, selection: &Selection) -> bool {
    let Ok(event) = event else { return true };
    let quiet = match event.kind {
        EventKind::Access(AccessKind::Close(AccessMode::Write)) => false,
        EventKind::Access(_) => true,
        _ => false,
    };
    !quiet && (event.need_rescan() || event.paths.iter().any(|path| selection.concerns(path)))
}

//! The journal on its way into the store. Of several gateways that share a folder one reads it: the one that holds its
//! lock; when that ends, another takes over.

use crate::app::feed::{Feed, load};
use crate::app::fill::{Ending, Run};
use crate::clock;
use crate::price::Prices;
use crate::proxy::{EXTENSION, PATTERN};
use crate::source::{Files, Follow, Sender, SourceError, Stop, Troubles, is_read};
use crate::store::{Store, sqlite::SqliteStore};
use anyhow::Result;
use std::fs::{File, OpenOptions};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// The name of the lock of a journal's folder.
const LOCK: &str = "reader-lock";

/// How often old segments are looked for.
const TIDY: Duration = Duration::from_secs(600);

/// How often it is seen whether the lock is free.
const AGAIN: Duration = Duration::from_millis(500);

/// How often new calls are looked for.
const LOOK: Duration = Duration::from_millis(100);

/// A journal followed into a store.
pub fn follow(journal: &Path, store: &Path, keep_us: Option<i64>) -> Result<(Run, Troubles)> {
    // The store is there before the screen asks for it.
    SqliteStore::open(store)?;
    let troubles = Troubles::new();
    let (journal, store) = (journal.to_owned(), store.to_owned());
    let run: Run = Box::new(move |out, stop| {
        let Some(_lock) = wait_for_lock(&journal, &stop)? else { return Ok(()) };
        let tidy = || keep_us.map(|keep_us| prune(&journal, &store, clock::now_us().saturating_sub(keep_us)));
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let mut due = Duration::ZERO;
                while !stop.requested() {
                    if clock::ticks() >= due {
                        tidy();
                        due = clock::ticks().saturating_add(TIDY);
                    }
                    std::thread::sleep(AGAIN);
                }
            });
            let _ending = Ending(&stop);
            read(&journal, &store, Follow::Forever, &out, &stop)
        })
    });
    Ok((run, troubles))
}

/// Deletes segments that the store has whole and that nobody has written to since `before_us`. What cannot be deleted now is
/// tried again later.
fn prune(journal: &Path, store: &Path, before_us: i64) {
    let Ok(known) = SqliteStore::open(store).and_then(|mut store| store.checkpoints()) else { return };
    for entry in std::fs::read_dir(journal).into_iter().flatten().flatten() {
        let Ok(meta) = entry.metadata() else { continue };
        let is_one = is_segment(&entry.path());
        let is_known = || {
            File::open(entry.path()).is_ok_and(|file| known.iter().any(|known| is_read(known, &file).unwrap_or(false)))
        };
        let is_old = meta.mtime().saturating_mul(1_000_000) < before_us;
        // The one that a gateway writes to is locked by it.
        let is_free = || File::open(entry.path()).is_ok_and(|file| file.try_lock().is_ok());
        if is_one && is_old && (meta.len() == 0 || is_known()) && is_free() {
            let _ = std::fs::remove_file(entry.path());
        }
    }
}

/// Reads a journal from where the store has it.
pub fn read(journal: &Path, store: &Path, follow: Follow, out: &Sender, stop: &Stop) -> Result<(), SourceError> {
    let known = SqliteStore::open(store).and_then(|mut store| store.checkpoints());
    let known =
        known.map_err(|why| SourceError::Unreadable { path: store.to_owned(), cause: std::io::Error::other(why) })?;
    // This process writes it, perhaps thousands of times a second.
    Files::new(vec![segments(journal)], follow, known)?.look_every(LOOK).run(out, stop)
}

/// Whether a file of a journal is a segment.
pub fn is_segment(path: &Path) -> bool {
    path.extension().is_some_and(|ext| ext == EXTENSION)
}

/// The segments of a journal, as a pattern.
pub fn segments(journal: &Path) -> PathBuf {
    PathBuf::from(glob::Pattern::escape(&journal.to_string_lossy())).join(PATTERN)
}

/// Puts what the journal has more into the store, to its end; where another gateway reads it, that does so.
///
/// # Errors
/// Where the journal cannot be read or the store not be written.
pub fn catch_up(journal: &Path, store: &Path, prices: Arc<Prices>) -> Result<()> {
    let lock = OpenOptions::new().create(true).append(true).mode(0o600).open(journal.join(LOCK))?;
    if lock.try_lock().is_err() {
        return Ok(());
    }
    let mut store = SqliteStore::open(store)?;
    let known = store.checkpoints()?;
    let feed = Feed::of(&[segments(journal)], Follow::UntilEnd, known)?;
    load(feed, &mut store, prices, &Arc::default(), &Stop::new())?;
    Ok(())
}

fn wait_for_lock(journal: &Path, stop: &Stop) -> Result<Option<File>, SourceError> {
    let path = journal.join(LOCK);
    let opened = OpenOptions::new().create(true).append(true).mode(0o600).open(&path);
    let file = opened.map_err(|cause| SourceError::Unreadable { path: path.clone(), cause })?;
    while !stop.requested() {
        match file.try_lock() {
            Ok(()) => return Ok(Some(file)),
            Err(std::fs::TryLockError::WouldBlock) => std::thread::sleep(AGAIN),
            Err(std::fs::TryLockError::Error(cause)) => return Err(SourceError::Unreadable { path, cause }),
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::pipeline::Progress;
    use crate::price::Tables;

    #[test]
    fn a_segment_goes_only_where_its_very_bytes_are_in_the_store() {
        let home = tempfile::tempdir().unwrap();
        let (journal, path) = (home.path().join("journal"), home.path().join("store.db"));
        std::fs::create_dir(&journal).unwrap();
        let segment = journal.join("calls-1.jsonl");
        let line = |id: &str| format!("{{\"event\":\"llm_call\",\"request_id\":\"{id}\",\"timestamp\":1700000000}}\n");
        std::fs::write(&segment, line("one")).unwrap();
        let mut store = SqliteStore::open(&path).unwrap();
        let feed = Feed::of(&[segments(&journal)], Follow::UntilEnd, Vec::new()).unwrap();
        let prices = Arc::new(Prices { tables: Tables::shipped(), ..Prices::default() });
        load(feed, &mut store, prices, &Arc::<Progress>::default(), &Stop::new()).unwrap();
        drop(store);
        // The same file by its number and its length, and another by its bytes.
        std::fs::write(&segment, line("two")).unwrap();
        prune(&journal, &path, i64::MAX);
        assert!(segment.exists(), "nobody has read it");
        std::fs::write(&segment, line("one")).unwrap();
        prune(&journal, &path, i64::MAX);
        assert!(!segment.exists());
    }
}

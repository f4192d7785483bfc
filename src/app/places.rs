//! Which store a command works on: the named one, the default one, or the private one of a set of logs in the cache,
//! which is bounded by size and age.

use super::feed::STDIN;
use super::temporary::Temporary;
use crate::config::{self, CacheLimits, Effective, Env};
use anyhow::{Context, Result};
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What the name of the file ends in that is locked while a private store is in use, and written when it is taken into use.
const LOCK: &str = "-lock";

/// A store for a set of logs; a private one is in use as long as this lives, and is not tidied away.
pub struct Place {
    path: PathBuf,
    private: Option<InUse>,
    /// Of a pipe, which cannot be resumed: the store does not outlive this.
    _temporary: Option<Temporary>,
}

/// The lock of a private store. `None` on file systems that lock nothing.
struct InUse(Option<File>);

impl Place {
    /// Where the store is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether it is the store of these logs alone.
    pub fn is_private(&self) -> bool {
        self.private.is_some()
    }

    /// Deletes a private store, so that it can be begun anew; false where another program uses it, or it is no private one.
    ///
    /// # Errors
    /// It cannot be deleted.
    pub fn empty(&self) -> io::Result<bool> {
        match &self.private {
            None => return Ok(false),
            Some(InUse(None)) => remove(&self.path)?,
            Some(InUse(Some(lock))) => {
                // Taking the lock alone gives up the shared one even where it fails.
                let alone = lock.try_lock().is_ok();
                let removed = if alone { remove(&self.path) } else { Ok(()) };
                lock.lock_shared()?;
                removed?;
                return Ok(alone);
            }
        }
        Ok(true)
    }
}

/// The store for a set of logs: the one named by `--store`, else one of their own.
pub fn store_of(files: &[PathBuf], settings: &Effective) -> Result<Place> {
    if let (config::Origin::Flag(_), Some(path)) = (settings.origin("store"), &settings.config.store) {
        return Ok(Place { path: path.clone(), private: None, _temporary: None });
    }
    own_store_of(files, settings)
}

/// The store of these logs and no others, whatever `--store` says: a temporary one for a pipe, else their private one.
pub fn own_store_of(files: &[PathBuf], settings: &Effective) -> Result<Place> {
    if files.iter().any(|file| file == Path::new(STDIN)) {
        let temporary = Temporary::new().context("no temporary store can be made; name one with --store")?;
        return Ok(Place { path: temporary.store(), private: None, _temporary: Some(temporary) });
    }
    let env: Env<'_> = &|name| std::env::var_os(name);
    let folder = config::cache_dir(env)?;
    let path = config::private_store(&folder, &files.iter().map(|f| whole(f)).collect::<Vec<_>>());
    let private = Some(take(&path).with_context(|| {
        format!("{} cannot be written; set XDG_CACHE_HOME, or name a store with --store", folder.display())
    })?);
    // A cache that cannot be tidied is no reason not to show a log.
    let _ = tidy(&folder, &path, &settings.config.cache);
    Ok(Place { path, private, _temporary: None })
}

/// The same log under one name, wherever the command was typed.
fn whole(file: &Path) -> PathBuf {
    if file == Path::new(STDIN) {
        return file.to_owned();
    }
    fs::canonicalize(file).or_else(|_| std::path::absolute(file)).unwrap_or_else(|_| file.to_owned())
}

/// Takes a private store into use. Reading a store does not change its file: the lock's time tells when it was used last.
fn take(store: &Path) -> io::Result<InUse> {
    if let Some(folder) = store.parent() {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    }
    loop {
        let mut lock = lock_file(store)?;
        match lock.lock_shared() {
            Err(e) if e.kind() == ErrorKind::Unsupported || e.raw_os_error() == Some(libc::ENOLCK) => {
                return Ok(InUse(None));
            }
            locked => locked?,
        }
        if is_at(&lock, &side(store, LOCK)) {
            lock.write_all(b".")?;
            lock.set_len(0)?;
            return Ok(InUse(Some(lock)));
        }
        // It was tidied away between opening and locking.
    }
}

fn lock_file(store: &Path) -> io::Result<File> {
    OpenOptions::new().append(true).create(true).mode(0o600).open(side(store, LOCK))
}

/// Whether an open file is still the one of that name.
fn is_at(file: &File, path: &Path) -> bool {
    let id = |meta: &fs::Metadata| (meta.dev(), meta.ino());
    matches!((file.metadata(), fs::metadata(path)), (Ok(open), Ok(there)) if id(&open) == id(&there))
}

/// Deletes private stores that have not been used for too long, and the longest unused while all are too big together; never
/// one that is in use.
fn tidy(folder: &Path, keep: &Path, limits: &CacheLimits) -> io::Result<()> {
    let mut stores = Vec::new();
    for entry in fs::read_dir(folder)?.flatten() {
        let path = entry.path();
        if path.extension().is_some_and(|e| e == "db") && path != keep {
            let files = ["", "-wal", LOCK].map(|suffix| fs::metadata(side(&path, suffix)).ok());
            let idle = |meta: &fs::Metadata| meta.modified().ok().map(|m| m.elapsed().unwrap_or_default());
            let size = files.iter().flatten().map(fs::Metadata::len).sum::<u64>();
            let unused = files.iter().flatten().filter_map(idle).min().unwrap_or_default();
            stores.push((unused, size, path));
        }
    }
    stores.sort();
    let mut kept = fs::metadata(keep).map_or(0, |m| m.len());
    let oldest = limits.max_age_us.and_then(|us| u64::try_from(us).ok()).map(Duration::from_micros);
    for (idle, size, path) in stores {
        kept = kept.saturating_add(size);
        let surplus = limits.max_size.is_some_and(|most| kept > most) || oldest.is_some_and(|most| idle > most);
        if surplus && remove_unused(&path)? {
            kept -= size;
        }
    }
    Ok(())
}

fn side(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// Deletes a store with its side files, unless somebody uses it.
fn remove_unused(store: &Path) -> io::Result<bool> {
    let lock = lock_file(store)?;
    match lock.try_lock() {
        Err(TryLockError::WouldBlock) => return Ok(false),
        // Nothing is locked here: its age has to do.
        Err(TryLockError::Error(_)) | Ok(()) => {}
    }
    remove(store)?;
    fs::remove_file(side(store, LOCK))?;
    Ok(true)
}

fn remove(store: &Path) -> io::Result<()> {
    for suffix in ["-wal", "-shm", ""] {
        match fs::remove_file(side(store, suffix)) {
            Err(e) if e.kind() != ErrorKind::NotFound => return Err(e),
            _ => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::UNIX_EPOCH;

    fn store(folder: &Path, name: &str) -> PathBuf {
        let path = folder.join(name);
        for suffix in ["", "-wal", LOCK] {
            let mut file = File::create(side(&path, suffix)).expect("made");
            file.write_all(b"something").expect("written");
            file.set_modified(UNIX_EPOCH).expect("aged");
        }
        path
    }

    #[test]
    fn what_is_in_use_is_not_tidied_away() {
        let folder = tempfile::tempdir().expect("a folder");
        let (used, unused) = (store(folder.path(), "used.db"), store(folder.path(), "unused.db"));
        let day = CacheLimits { max_size: None, max_age_us: Some(86_400_000_000) };
        let in_use = take(&used).expect("locked");
        File::open(side(&used, LOCK)).and_then(|f| f.set_modified(UNIX_EPOCH)).expect("old all the same");
        tidy(folder.path(), Path::new("other.db"), &day).expect("tidied");
        assert!(used.exists() && !unused.exists());
        assert_eq!(fs::read_dir(folder.path()).expect("listed").count(), 3, "with all that belongs to it");
        drop(in_use);
        drop(take(&used).expect("locked"));
        tidy(folder.path(), Path::new("other.db"), &day).expect("tidied");
        assert!(used.exists(), "it was used just now, though its file is old");
        let none = CacheLimits { max_size: Some(0), max_age_us: None };
        tidy(folder.path(), Path::new("other.db"), &none).expect("tidied");
        assert_eq!(fs::read_dir(folder.path()).expect("listed").count(), 0);
    }

    #[test]
    fn a_store_is_emptied_by_its_only_user() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = store(folder.path(), "a.db");
        let place = || Place { path: path.clone(), private: Some(take(&path).expect("locked")), _temporary: None };
        let (one, two) = (place(), place());
        assert!(!one.empty().expect("asked") && path.exists(), "somebody else reads it");
        drop(two);
        assert!(one.empty().expect("asked") && !path.exists());
        assert!(!remove_unused(&path).expect("asked"), "it is in use still");
        assert!(!Place { path, private: None, _temporary: None }.empty().expect("asked"));
    }
}

//! Which store a command works on: the named one, the default one, or the private one of a set of logs in the cache,
//! which is bounded by size and age.

use super::feed::STDIN;
use crate::config::{self, CacheLimits, Effective, Env};
use anyhow::Result;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The store for a set of logs: the one named by `--store`, else their private one.
pub fn store_of(files: &[PathBuf], settings: &Effective) -> Result<PathBuf> {
    if let (config::Origin::Flag(_), Some(path)) = (settings.origin("store"), &settings.config.store) {
        return Ok(path.clone());
    }
    let env: Env<'_> = &|name| std::env::var_os(name);
    let folder = config::cache_dir(env)?;
    let path = config::private_store(&folder, &files.iter().map(|f| whole(f)).collect::<Vec<_>>());
    // A cache that cannot be tidied is no reason not to show a log.
    let _ = tidy(&folder, &path, &settings.config.cache);
    Ok(path)
}

/// The same log under one name, wherever the command was typed.
fn whole(file: &Path) -> PathBuf {
    if file == Path::new(STDIN) {
        return file.to_owned();
    }
    fs::canonicalize(file).or_else(|_| std::path::absolute(file)).unwrap_or_else(|_| file.to_owned())
}

/// Deletes private stores that have not been used for too long, and the longest unused while all are too big together.
fn tidy(folder: &Path, keep: &Path, limits: &CacheLimits) -> std::io::Result<()> {
    let mut stores = Vec::new();
    for entry in fs::read_dir(folder)?.flatten() {
        let path = entry.path();
        if path.extension().is_some_and(|e| e == "db") && path != keep {
            let meta = entry.metadata()?;
            let idle = meta.modified().ok().and_then(|m| m.elapsed().ok()).unwrap_or_default();
            let wal = fs::metadata(side(&path, "-wal")).map_or(0, |m| m.len());
            stores.push((idle, meta.len() + wal, path));
        }
    }
    stores.sort();
    let mut kept = fs::metadata(keep).map_or(0, |m| m.len());
    let oldest = limits.max_age_us.and_then(|us| u64::try_from(us).ok()).map(Duration::from_micros);
    for (idle, size, path) in stores {
        kept = kept.saturating_add(size);
        if limits.max_size.is_some_and(|most| kept > most) || oldest.is_some_and(|most| idle > most) {
            kept -= size;
            remove(&path)?;
        }
    }
    Ok(())
}

fn side(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// Deletes a store with its side files.
fn remove(path: &Path) -> std::io::Result<()> {
    for suffix in ["-wal", "-shm"] {
        match fs::remove_file(side(path, suffix)) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => return Err(e),
            _ => {}
        }
    }
    fs::remove_file(path)
}

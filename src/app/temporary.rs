//! Temporary stores: a folder each, gone at exit. What a killed program left behind is removed by the next one that starts;
//! which folders are in use is told by a lock that dies with its process.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// What the folders' names begin with; the process and a number follow.
const PREFIX: &str = "llmtop-";

/// A store that is gone when this is dropped.
pub struct Temporary {
    folder: PathBuf,
    /// The open folder, locked as long as this lives. `None` on file systems that lock nothing.
    _lock: Option<File>,
}

impl Temporary {
    /// A folder of its own for a store, readable by nobody else. Folders that nobody uses any more are removed.
    ///
    /// # Errors
    /// The folder for temporary files cannot be written.
    pub fn new() -> io::Result<Temporary> {
        let base = std::env::temp_dir();
        sweep(&base);
        for attempt in 0..100u32 {
            let folder = base.join(format!("{PREFIX}{}-{attempt}", std::process::id()));
            match DirBuilder::new().mode(0o700).create(&folder) {
                Err(e) if e.kind() == io::ErrorKind::AlreadyExists => continue,
                made => made?,
            }
            match claim(&folder) {
                Claim::Ours(lock) => return Ok(Temporary { folder, _lock: Some(lock) }),
                Claim::Unlockable => return Ok(Temporary { folder, _lock: None }),
                // Somebody sweeping came between making and locking, and removes it.
                Claim::Theirs => {}
            }
        }
        Err(io::Error::other("no name is left for a temporary store"))
    }

    /// Where the store is.
    pub fn store(&self) -> PathBuf {
        self.folder.join("llmtop.db")
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// What asking for a folder gave.
enum Claim {
    /// It is ours alone, and still where it was.
    Ours(File),
    /// A living process has it, or it is gone.
    Theirs,
    /// Nothing can be locked here, so nothing is told of who uses it.
    Unlockable,
}

/// Locks a folder. What was removed and made anew between opening and locking is another one, and not ours.
fn claim(folder: &Path) -> Claim {
    let options = OpenOptions::new().read(true).custom_flags(libc::O_DIRECTORY | libc::O_NOFOLLOW).to_owned();
    let Ok(lock) = options.open(folder) else { return Claim::Theirs };
    match lock.try_lock() {
        Err(TryLockError::WouldBlock) => return Claim::Theirs,
        Err(TryLockError::Error(_)) => return Claim::Unlockable,
        Ok(()) => {}
    }
    let same = |a: &fs::Metadata, b: &fs::Metadata| (a.dev(), a.ino()) == (b.dev(), b.ino());
    match (lock.metadata(), fs::symlink_metadata(folder)) {
        (Ok(open), Ok(there)) if same(&open, &there) => Claim::Ours(lock),
        _ => Claim::Theirs,
    }
}

/// Removes the folders of this user that no living process holds. What cannot be removed is left: nobody waits for it.
fn sweep(base: &Path) {
    let Ok(entries) = fs::read_dir(base) else { return };
    // SAFETY: it only asks, and cannot fail.
    let us = unsafe { libc::geteuid() };
    for entry in entries.flatten().filter(|e| is_name(&e.file_name().to_string_lossy())) {
        let path = entry.path();
        // Folders of others are not even locked: their owners would take that for being in use.
        if fs::symlink_metadata(&path).is_ok_and(|meta| meta.is_dir() && meta.uid() == us)
            && let Claim::Ours(_lock) = claim(&path)
        {
            // Under the lock, so that no other sweep is at it; who makes the same name anew makes another folder.
            let _ = fs::remove_dir_all(&path);
        }
    }
}

/// `llmtop-`, a process, `-`, a number.
fn is_name(name: &str) -> bool {
    let number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let parts = name.strip_prefix(PREFIX).and_then(|rest| rest.split_once('-'));
    parts.is_some_and(|(process, attempt)| number(process) && number(attempt))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_kind_of_folder_is_swept() {
        assert!(is_name("llmtop-4711-0"));
        for other in ["llmtop", "llmtop-", "llmtop-4711", "llmtop-a-0", "llmtop-1-2-3", "llmtop-1-", "xllmtop-1-2"] {
            assert!(!is_name(other), "{other}");
        }
    }

    #[test]
    fn what_is_held_stays_and_what_nobody_holds_goes() {
        let base = tempfile::tempdir().expect("a folder");
        let make = |name: &str| {
            let path = base.path().join(name);
            fs::create_dir_all(path.join("inner")).expect("makes");
            fs::write(path.join("llmtop.db"), "x").expect("writes");
            path
        };
        let (held, left, other) = (make("llmtop-1-0"), make("llmtop-2-0"), make("something-2-0"));
        let target = make("target");
        std::os::unix::fs::symlink(&target, base.path().join("llmtop-3-0")).expect("links");
        let Claim::Ours(lock) = claim(&held) else { panic!("nobody else has it") };
        assert!(matches!(claim(&held), Claim::Theirs));
        sweep(base.path());
        assert!(held.exists() && other.exists() && target.join("llmtop.db").exists());
        assert!(!left.exists());
        drop(lock);
        sweep(base.path());
        assert!(!held.exists());
    }
}

//! The journal: finished calls as lines in segments of a folder, each written by one `write(2)`. A gateway has segments of
//! its own, so several may share a folder; nobody else writes into them, so what a full disk cut can be taken back.

use super::clock;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The ending of a segment's name.
pub const EXTENSION: &str = "jsonl";

/// The pattern of the segments of a folder.
pub const PATTERN: &str = "calls-*.jsonl";

/// How long calls may go into a segment that somebody has deleted or moved away.
const LOOK: Duration = Duration::from_secs(1);

/// A folder of segments, and the one that is written.
#[derive(Debug)]
pub struct Journal {
    folder: PathBuf,
    most: u64,
    /// How often it is seen whether the segment is still where it is read.
    look: Duration,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    segment: Option<Segment>,
    /// All that were begun.
    begun: Vec<PathBuf>,
}

#[derive(Debug)]
struct Segment {
    file: File,
    path: PathBuf,
    looked: Instant,
    length: u64,
    /// Half a line stands at its end.
    is_torn: bool,
}

/// The journal cannot be written.
#[derive(Debug, thiserror::Error)]
#[error("{}: {source}", path.display())]
pub struct JournalError {
    /// The folder.
    pub path: PathBuf,
    /// Why not.
    pub source: io::Error,
}

impl Journal {
    /// Opens the folder, made if it is not there, for its owner alone. Begins no segment yet.
    ///
    /// # Errors
    /// Where the folder cannot be made or written to.
    pub fn open(folder: &Path, most: u64) -> Result<Journal, JournalError> {
        let fault = |source| JournalError { path: folder.to_owned(), source };
        DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(fault)?;
        let journal = Journal { folder: folder.to_owned(), most, look: LOOK, state: Mutex::default() };
        // What cannot be written is told before the first call, not after it.
        let mut state = journal.state.lock().unwrap_or_else(PoisonError::into_inner);
        journal.segment(&mut state, 0).map_err(fault)?;
        drop(state);
        Ok(journal)
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The segments it has begun that are still there.
    pub fn segments(&self) -> Vec<PathBuf> {
        let mut begun = self.state.lock().unwrap_or_else(PoisonError::into_inner).begun.clone();
        begun.retain(|path| path.exists());
        begun
    }

    /// Appends whole lines by one write. What did not fit as a whole is taken back.
    ///
    /// # Errors
    /// Where they could not be written as a whole; the journal is as before.
    pub fn append(&self, lines: &[u8]) -> io::Result<()> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let segment = self.segment(&mut state, lines.len() as u64)?;
        match segment.append(lines) {
            Ok(()) => Ok(()),
            Err(why) => {
                // Perhaps the file is the trouble, not the disk: the next call tries another.
                // And behind what could not be taken back nothing is written.
                if segment.length == 0 || segment.is_torn {
                    state.segment = None;
                }
                Err(why)
            }
        }
    }

    /// Whether there is room: a file beside the segments is made, filled and deleted.
    ///
    /// # Errors
    /// Where there is none.
    pub fn probe(&self) -> io::Result<()> {
        let path = self.folder.join(format!("probe-{}", std::process::id()));
        let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&path);
        let filled = file.and_then(|mut file| file.write_all(&[0; 16 << 10]));
        let removed = fs::remove_file(&path);
        filled.and(removed)
    }

    /// The segment that has room for so many bytes.
    fn segment<'s>(&self, state: &'s mut State, bytes: u64) -> io::Result<&'s mut Segment> {
        let is_full = |s: &Segment| s.length > 0 && s.length.saturating_add(bytes) > self.most;
        if state.segment.as_mut().is_none_or(|s| is_full(s) || s.has_gone(self.look)) {
            match self.begin(state) {
                Ok(segment) => state.segment = Some(segment),
                // A segment that is too long loses nothing; a call that is not written is lost.
                Err(_) if state.segment.as_ref().is_some_and(Segment::is_there) => {}
                Err(why) => return Err(why),
            }
        }
        state.segment.as_mut().ok_or_else(|| io::Error::other("no segment"))
    }

    fn begin(&self, state: &mut State) -> io::Result<Segment> {
        loop {
            let (now_us, process, number) = (clock::now_us(), std::process::id(), state.begun.len() + 1);
            let path = self.folder.join(format!("calls-{now_us}-{process}-{number}.{EXTENSION}"));
            state.begun.push(path.clone());
            let opened = OpenOptions::new().append(true).create_new(true).mode(0o600).open(&path);
            match opened {
                Err(taken) if taken.kind() == io::ErrorKind::AlreadyExists => {}
                // The folder may have been cleared away under us.
                Err(gone) if gone.kind() == io::ErrorKind::NotFound => {
                    fs::create_dir_all(&self.folder)?;
                    return Err(gone);
                }
                opened => {
                    let file = opened?;
                    // Whoever tidies up lets a file alone that is locked. Where nothing locks, nothing is tidied that is new.
                    let _ = file.try_lock_shared();
                    return Ok(Segment { file, path, looked: clock::now(), length: 0, is_torn: false });
                }
            }
        }
    }
}

impl Segment {
    /// Whether it was deleted or moved away, so that nobody reads what is written to it; seen once in a while.
    fn has_gone(&mut self, every: Duration) -> bool {
        let now = clock::now();
        if now.saturating_duration_since(self.looked) < every {
            return false;
        }
        self.looked = now;
        let place = |meta: fs::Metadata| (meta.dev(), meta.ino());
        match (fs::metadata(&self.path).map(place), self.file.metadata().map(place)) {
            (Ok(named), Ok(open)) => named != open,
            (Err(why), _) => why.kind() == io::ErrorKind::NotFound,
            (Ok(_), Err(_)) => false,
        }
    }

    /// Whether it has a name yet, so that somebody reads it.
    fn is_there(&self) -> bool {
        self.file.metadata().is_ok_and(|meta| meta.nlink() > 0)
    }

    fn append(&mut self, lines: &[u8]) -> io::Result<()> {
        let written = loop {
            match self.file.write(lines) {
                Err(again) if again.kind() == io::ErrorKind::Interrupted => {}
                result => break result?,
            }
        };
        if written < lines.len() {
            self.is_torn = self.file.set_len(self.length).is_err();
            return Err(io::Error::from(io::ErrorKind::StorageFull));
        }
        self.length = self.length.saturating_add(written as u64);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn segments(folder: &Path) -> Vec<PathBuf> {
        let mut found: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        found.sort();
        found
    }

    #[test]
    fn segments_are_full_lines_of_bounded_size_for_their_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/journal");
        let journal = Journal::open(&path, 25).unwrap();
        for line in ["first line\n", "second line\n", "third line\n", "a line that is longer than a whole segment\n"] {
            journal.append(line.as_bytes()).unwrap();
        }
        let texts: Vec<String> = segments(&path).iter().map(|path| fs::read_to_string(path).unwrap()).collect();
        assert_eq!(texts[..2], ["first line\nsecond line\n", "third line\n"]);
        assert_eq!(texts.len(), 3);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o700);
        assert_eq!(fs::metadata(&segments(&path)[0]).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn where_no_segment_can_be_begun_the_one_before_takes_more() {
        let folder = tempfile::tempdir().unwrap();
        let (path, moved) = (folder.path().join("journal"), folder.path().join("moved"));
        let journal = Journal::open(&path, 10).unwrap();
        journal.append(b"first line\n").unwrap();
        fs::rename(&path, &moved).unwrap();
        fs::write(&path, "").unwrap();
        journal.append(b"second line\n").unwrap();
        assert_eq!(fs::read_to_string(&segments(&moved)[0]).unwrap(), "first line\nsecond line\n");
        fs::remove_dir_all(&moved).unwrap();
        assert!(journal.append(b"third line\n").is_err(), "nobody would read it");
    }

    #[test]
    fn a_segment_that_is_deleted_or_moved_away_is_written_to_no_more() {
        let folder = tempfile::tempdir().unwrap();
        let mut journal = Journal::open(folder.path(), 1 << 20).unwrap();
        journal.look = Duration::ZERO;
        journal.append(b"first\n").unwrap();
        fs::remove_file(&segments(folder.path())[0]).unwrap();
        journal.append(b"second\n").unwrap();
        let [second] = &segments(folder.path())[..] else { panic!("one segment") };
        assert_eq!(fs::read_to_string(second).unwrap(), "second\n");
        fs::rename(second, folder.path().join("elsewhere")).unwrap();
        journal.append(b"third\n").unwrap();
        assert_eq!(segments(folder.path()).len(), 2);
    }

    #[test]
    fn what_cannot_be_taken_back_ends_its_segment() {
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::open(folder.path(), 1 << 30).unwrap();
        // Takes a part of a long line, and cannot be shortened.
        let (_reader, writer) = std::os::unix::net::UnixStream::pair().unwrap();
        writer.set_nonblocking(true).unwrap();
        let file = File::from(std::os::fd::OwnedFd::from(writer));
        let path = segments(folder.path())[0].clone();
        journal.state.lock().unwrap().segment =
            Some(Segment { file, path, looked: clock::now(), length: 5, is_torn: false });
        let mut long = vec![b'x'; 8 << 20];
        long.push(b'\n');
        assert!(journal.append(&long).is_err());
        journal.append(b"next\n").unwrap();
        let texts: Vec<String> = segments(folder.path()).iter().map(|path| fs::read_to_string(path).unwrap()).collect();
        assert!(texts.contains(&"next\n".to_owned()), "{texts:?}");
    }

    #[test]
    fn two_journals_share_a_folder() {
        let folder = tempfile::tempdir().unwrap();
        let (one, two) = (Journal::open(folder.path(), 100).unwrap(), Journal::open(folder.path(), 100).unwrap());
        one.append(b"one\n").unwrap();
        two.append(b"two\n").unwrap();
        assert_eq!(segments(folder.path()).len(), 2);
    }

    #[test]
    fn a_folder_that_cannot_be_written_is_told_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        fs::write(&file, "").unwrap();
        let error = Journal::open(&file.join("journal"), 100).unwrap_err();
        assert!(error.to_string().contains("journal"), "{error}");
    }
}

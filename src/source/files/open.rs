//! Opening: where to begin in a file, by what is known of it, of files renamed, and of copies.

use super::{Files, Follow, Followed, Pending, mark, send};
use crate::batch::Checkpoint;
use crate::source::Sender;
use crate::source::decode::Form;
use crate::source::error::SourceError;
use crate::source::identity::{FileId, PRINT, Print, Stamp, read_at};
use crate::source::select::{By, Found, is_binary, other_form};
use crate::source::tail::Tail;
use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// What to do with a file just opened.
enum Start {
    /// It is no log, or nothing is new in it.
    Nowhere,
    /// Perhaps a copy that is being written: look again later.
    Later,
    Beginning,
    /// After this offset, known from its own checkpoint.
    After(u64),
    /// After this offset, known from what it is a copy of.
    Copied(u64),
}

impl Files {
    /// Opens a file and goes to where it is to be read from; `None` where there is nothing to read.
    pub(super) fn open(&mut self, next: Pending, now: Duration, out: &Sender) -> Result<Option<Followed>, SourceError> {
        let Pending { found, counted } = next;
        let opened = self.try_open(&found, out);
        let fresh = match &opened {
            Ok(Some(tail)) => tail.stamp().size.saturating_sub(tail.position()),
            _ => 0,
        };
        self.total = self.total.saturating_sub(counted).saturating_add(fresh);
        match opened {
            Ok(Some(tail)) => {
                let stamp = tail.stamp();
                Ok(Some(Followed {
                    tail,
                    id: stamp.id,
                    until: stamp.size,
                    path: found.path,
                    linked: true,
                    quiet_since: now,
                }))
            }
            Ok(None) => Ok(None),
            Err(OpenError::Source(error)) => Err(error),
            // Renamed or removed since it was found; the next look tells.
            Err(OpenError::Io(e)) if e.kind() == io::ErrorKind::NotFound && self.follow == Follow::Forever => Ok(None),
            Err(OpenError::Io(source)) => {
                let error = SourceError::Unreadable { path: found.path.clone(), source };
                self.trouble(&found.name, &error, out)?;
                Ok(None)
            }
        }
    }

    fn try_open(&mut self, found: &Found, out: &Sender) -> Result<Option<Tail>, OpenError> {
        let file = File::open(&found.path)?;
        let meta = file.metadata()?;
        let stamp = Stamp::of(&meta);
        if !meta.is_file() || self.tails.iter().any(|f| f.id == stamp.id) {
            return Ok(None);
        }
        let start = self.start(&file, stamp, found)?;
        let mut tail = Tail::new(Arc::clone(&found.name), file, self.limit)?;
        match start {
            Start::Nowhere => {
                self.seen.insert(stamp.id, stamp);
                if let (By::Name, Some(form)) = (found.by, other_form(tail.file())) {
                    self.trouble(&found.name, &SourceError::WrongForm { path: found.path.clone(), form }, out)?;
                }
                return Ok(None);
            }
            Start::Later => return Ok(None),
            Start::Beginning => {}
            Start::After(offset) => tail.resume(offset)?,
            Start::Copied(offset) => {
                tail.resume(offset)?;
                send(out, mark(&found.name, tail.checkpoint()?))?;
            }
        }
        Ok(Some(tail))
    }

    fn start(&mut self, file: &File, stamp: Stamp, found: &Found) -> io::Result<Start> {
        let mut first = [0; 4];
        let n = read_at(file, &mut first, 0)?;
        let packed = matches!(Form::of(&first[..n]), Form::Gzip | Form::Zstd);
        if !packed && (other_form(file).is_some() || (found.by == By::Search && is_binary(file))) {
            return Ok(Start::Nowhere);
        }
        if let Some(known) = self.known.get(&stamp.id) {
            if stamp.size >= known.offset && Print::of(known).fits(file)? {
                return Ok(match known.offset {
                    0 => Start::Beginning,
                    offset if packed && offset == stamp.size => Start::Nowhere,
                    _ if packed => Start::Beginning,
                    offset => Start::After(offset),
                });
            }
            // Its inode was used again, or it was written anew: its old content may still be about as a copy.
            let known = known.clone();
            self.retire(known);
        }
        if packed || found.by == By::Name {
            return Ok(Start::Beginning);
        }
        if let Some(offset) = self.copied(file, stamp, &found.path)? {
            return Ok(Start::Copied(offset));
        }
        let later = self.follow == Follow::Forever && self.copy_in_the_making(file, stamp, &found.path)?;
        Ok(if later { Start::Later } else { Start::Beginning })
    }

    /// How far a file is a copy of one in the same folder that was read before: rotation by copying.
    fn copied(&self, file: &File, stamp: Stamp, path: &Path) -> io::Result<Option<u64>> {
        if (stamp.size as usize) < PRINT {
            return Ok(None);
        }
        let open: Vec<Checkpoint> = self.tails.iter().filter_map(|f| f.tail.checkpoint().ok()).collect();
        let mut best = None;
        for known in self.known.values().chain(&self.retired).chain(&open) {
            let print = Print::of(known);
            let same_folder = || Path::new(&known.source).parent() == path.parent();
            let better = stamp.size >= print.offset && best.is_none_or(|b| print.offset > b);
            if better && print.is_strong() && same_folder() && print.fits(file)? {
                best = Some(print.offset);
            }
        }
        Ok(best)
    }

    /// Whether a file begins like one that is followed in the same folder, is shorter than what was read of that, and has
    /// changed since the last look: then it is being written as its copy.
    fn copy_in_the_making(&mut self, file: &File, stamp: Stamp, path: &Path) -> io::Result<bool> {
        let mut alike = false;
        for other in self.tails.iter().filter(|f| f.path.parent() == path.parent() && f.tail.position() > stamp.size) {
            alike |= begin_alike(file, other.tail.file(), stamp.size)?;
        }
        let id: FileId = stamp.id;
        Ok(alike && self.growing.insert(id, stamp) != Some(stamp))
    }
}

/// Whether two files have the same first bytes, as far as one of them goes.
fn begin_alike(a: &File, b: &File, size: u64) -> io::Result<bool> {
    let len = size.min(PRINT as u64) as usize;
    let (mut first, mut second) = ([0; PRINT], [0; PRINT]);
    let n = read_at(a, &mut first[..len], 0)?;
    let m = read_at(b, &mut second[..len], 0)?;
    Ok(n > 0 && n == m && first[..n] == second[..m])
}

/// Why a file was not opened: the file system, or nobody listens.
enum OpenError {
    Io(io::Error),
    Source(SourceError),
}

impl From<io::Error> for OpenError {
    fn from(error: io::Error) -> OpenError {
        OpenError::Io(error)
    }
}

impl From<SourceError> for OpenError {
    fn from(error: SourceError) -> OpenError {
        OpenError::Source(error)
    }
}

//! Opening: where to begin in a file, by what is known of it, of files renamed, and of copies.

use super::tell::Until;
use super::{COPY_PATIENCE, Files, Follow, Followed, Pending, mark, send};
use crate::batch::Checkpoint;
use crate::source::Sender;
use crate::source::decode::Form;
use crate::source::error::SourceError;
use crate::source::identity::{Head, PRINT, Print, Stamp, read_at};
use crate::source::select::{By, Found, is_binary, other_form};
use crate::source::tail::{Tail, first_unpacked};
use std::fs::File;
use std::io;
use std::os::unix::fs::DirEntryExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Where to begin in a file.
enum Start {
    /// It is no log, or nothing is new in it.
    Nowhere,
    /// Not to be said yet: it is empty, or perhaps a copy that is being written.
    Later,
    Beginning,
    /// After what was read of it before.
    After(Print),
    /// After what was read of what it is a copy of.
    Copied(Print),
    /// After so many unpacked bytes that were read of it before.
    Unpacked(u64),
    /// As it seems, after what a log is known by that this is the compressed copy of.
    Packed(Print),
}

impl Files {
    /// Opens a file and goes to where it is to be read from; `None` where there is nothing to read.
    pub(super) fn open(&mut self, next: Pending, out: &Sender) -> Result<Option<Followed>, SourceError> {
        let Pending { mut found, counted } = next;
        let origin = found.path.clone();
        self.total = self.total.saturating_sub(counted);
        let tail = match self.try_open(&mut found) {
            Ok(Some(tail)) => tail,
            Ok(None) => return Ok(None),
            // Renamed or removed since it was found; the next look tells.
            Err(e) if e.kind() == io::ErrorKind::NotFound && self.follow == Follow::Forever => return Ok(None),
            Err(cause) => {
                let error = SourceError::Unreadable { path: found.path.clone(), cause };
                self.trouble(&found.name, &error, Until::Opened, out)?;
                return Ok(None);
            }
        };
        self.opened(&found.name);
        let stamp = tail.stamp();
        let mut file = Followed {
            tail,
            id: stamp.id,
            until: stamp.size,
            path: found.path.clone(),
            origin,
            linked: true,
            copied: false,
            quiet_since: self.now,
            by: found.by,
            waited: false,
            undecided: Some(found),
        };
        if !self.decide(&mut file, out)? {
            return Ok(None);
        }
        let fresh = stamp.size.saturating_sub(file.tail.position());
        self.total = self.total.saturating_add(fresh);
        Ok(Some(file))
    }

    fn try_open(&mut self, found: &mut Found) -> io::Result<Option<Tail>> {
        let is_it = |file: &File| file.metadata().is_ok_and(|meta| Stamp::of(&meta).id == found.stamp.id);
        let file = match File::open(&found.path) {
            Ok(file) if is_it(&file) => file,
            opened => match moved(found) {
                // Rotation has renamed it since it was found.
                Some(path) => {
                    found.path = path;
                    File::open(&found.path)?
                }
                None => {
                    self.sought.remove(&found.stamp.id);
                    if opened.is_ok() && self.follow == Follow::Forever {
                        return Ok(None);
                    }
                    found.by = By::Search;
                    opened?
                }
            },
        };
        let meta = file.metadata()?;
        let stamp = Stamp::of(&meta);
        if !meta.is_file() || self.tails.iter().any(|f| f.id == stamp.id) {
            return Ok(None);
        }
        found.stamp = stamp;
        Tail::new(Arc::clone(&found.name), file, self.limit).map(Some)
    }

    /// Goes to where an open file is to be read from, as soon as that can be told; false where there is nothing to read in
    /// it, now or later.
    pub(super) fn decide(&mut self, file: &mut Followed, out: &Sender) -> Result<bool, SourceError> {
        let Some(found) = file.undecided.take() else { return Ok(true) };
        let is_filled = || file.tail.file().metadata().is_ok_and(|meta| meta.len() > 0);
        if file.waited && self.is_log(file) && is_filled() {
            // It may have been filled, copied and cut in between: what was copied comes before what is in it now.
            self.read_rotated(file, out)?;
        }
        let Some(mut start) = self.attempt(file, out, |this, f| this.start(&f.tail, &found))? else { return Ok(false) };
        if matches!(start, Start::Copied(_) | Start::Packed(_)) {
            // What its original still has is read from there, so that it is not read from both.
            self.drain_folder(&found.path, out)?;
            let Some(again) = self.attempt(file, out, |this, f| this.start(&f.tail, &found))? else { return Ok(false) };
            start = again;
        }
        let moved = match start {
            Start::Nowhere => {
                self.seen.insert(file.id, file.tail.stamp());
                if let (By::Name, Some(form)) = (found.by, other_form(file.tail.file())) {
                    let error = SourceError::WrongForm { path: found.path, form };
                    self.trouble(&found.name, &error, Until::Opened, out)?;
                }
                return Ok(false);
            }
            Start::Later => {
                file.waited = true;
                file.undecided = Some(found);
                return Ok(true);
            }
            Start::Beginning => Some(()),
            Start::Unpacked(bytes) => self.attempt(file, out, |_, f| f.tail.resume_packed(bytes))?,
            Start::Packed(print) => self.attempt(file, out, |_, f| f.tail.pass_over(print))?,
            Start::After(known) | Start::Copied(known) => self.attempt(file, out, |_, f| f.tail.resume(known))?,
        };
        if self.follow == Follow::UntilEnd
            && moved.is_some()
            && self.attempt(file, out, |_, f| f.tail.close())?.is_none()
        {
            return Ok(false);
        }
        if let (Start::Copied(_), Some(())) = (start, moved) {
            send(out, mark(&found.name, file.tail.checkpoint()))?;
        }
        Ok(moved.is_some())
    }

    fn start(&mut self, tail: &Tail, found: &Found) -> io::Result<Start> {
        let file = tail.file();
        let stamp = Stamp::of(&file.metadata()?);
        if stamp.size == 0 && self.follow == Follow::Forever {
            return Ok(Start::Later);
        }
        let mut first = [0; 4];
        let n = read_at(file, &mut first, 0)?;
        let packed = matches!(Form::of(&first[..n]), Form::Gzip | Form::Zstd);
        if !packed && (other_form(file).is_some() || (found.by == By::Search && is_binary(file))) {
            return Ok(Start::Nowhere);
        }
        if let Some(known) = self.known.get(&stamp.id) {
            if stamp.size >= known.offset && Print::of(known).fits(file)? {
                return Ok(match (known.offset, known.unpacked) {
                    (offset @ 1.., _) if packed && offset == stamp.size => Start::Nowhere,
                    (_, unpacked @ 1..) if packed => Start::Unpacked(unpacked),
                    (0, _) => Start::Beginning,
                    _ if packed => Start::Beginning,
                    _ => Start::After(Print::of(known)),
                });
            }
            // Its inode was used again, or it was written anew: its old content may still be about as a copy.
            let known = known.clone();
            self.known.remove(&stamp.id);
            self.retire(known);
        }
        if found.by == By::Name {
            // The same under another inode, as programs write it that replace a file to add to it.
            let same = if packed { None } else { self.continues(found) };
            return Ok(same.map_or(Start::Beginning, Start::After));
        }
        if packed {
            let print = first_unpacked(file)?.and_then(|first| self.packed_copy(first, &found.path));
            return Ok(print.map_or(Start::Beginning, Start::Packed));
        }
        if let Some(print) = self.copied(file, stamp, &found.path)? {
            return Ok(Start::Copied(print));
        }
        let later = self.follow == Follow::Forever && self.copy_in_the_making(file, stamp, &found.path)?;
        Ok(if later { Start::Later } else { Start::Beginning })
    }

    /// What was read before of what a file is a copy of, in the same folder: rotation by copying.
    fn copied(&mut self, file: &File, stamp: Stamp, path: &Path) -> io::Result<Option<Print>> {
        let mut head = Head::read(file)?;
        let mut fits = |print: &Print| -> io::Result<bool> {
            Ok(head.may_copy(print) && print.offset <= stamp.size && print.fits(file)?)
        };
        let mut best: Option<Print> = None;
        let mut better = |print: Print, best: &mut Option<Print>| -> io::Result<bool> {
            let fits = best.is_none_or(|b| print.offset > b.offset) && fits(&print)?;
            if fits {
                *best = Some(print);
            }
            Ok(fits)
        };
        for known in self.known.values().chain(&self.retired).filter(|known| beside(known, path)) {
            better(Print::of(known), &mut best)?;
        }
        for other in self.tails.iter_mut().filter(|f| f.path.parent() == path.parent()) {
            other.copied |= better(other.tail.mark(), &mut best)?;
        }
        Ok(best)
    }

    /// What a log in the same folder is known by that begins with these bytes: rotation compresses what it has renamed. Of
    /// several, the one that was read furthest.
    fn packed_copy(&self, first: Vec<u8>, path: &Path) -> Option<Print> {
        let mut head = Head::new(first);
        let closed = self.known.values().chain(&self.retired).filter(|c| beside(c, path)).map(Print::of);
        let open = self.tails.iter().filter(|f| f.path.parent() == path.parent()).map(|f| f.tail.mark());
        closed.chain(open).filter(|print| head.may_copy(print)).max_by_key(|print| print.offset)
    }

    /// Whether a file begins like one that is followed in the same folder, is shorter than what was read of that, and has
    /// changed not long ago: then it is being written as its copy.
    fn copy_in_the_making(&mut self, file: &File, stamp: Stamp, path: &Path) -> io::Result<bool> {
        let mut alike = false;
        for other in self.tails.iter().filter(|f| f.path.parent() == path.parent() && f.tail.position() > stamp.size) {
            alike |= begin_alike(file, other.tail.file(), stamp.size)?;
        }
        let since = match self.growing.get(&stamp.id) {
            Some((before, since)) if *before == stamp => *since,
            _ => self.now,
        };
        self.growing.insert(stamp.id, (stamp, since));
        Ok(alike && self.now.saturating_sub(since) < COPY_PATIENCE)
    }
}

/// Where in its folder a file is that was found there.
fn moved(found: &Found) -> Option<PathBuf> {
    let folder = found.path.parent()?;
    let place = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let is_it = |meta: std::fs::Metadata| Stamp::of(&meta).id == found.stamp.id;
    let mut entries = std::fs::read_dir(place).ok()?.flatten().filter(|e| e.ino() == found.stamp.id.ino);
    entries.find_map(|e| e.metadata().is_ok_and(is_it).then(|| folder.join(e.file_name())))
}

/// Whether a checkpoint is of a file in the same folder.
fn beside(known: &Checkpoint, path: &Path) -> bool {
    Path::new(&known.source).parent() == path.parent()
}

/// Whether two files have the same first bytes, as far as one of them goes.
fn begin_alike(a: &File, b: &File, size: u64) -> io::Result<bool> {
    let len = size.min(PRINT as u64) as usize;
    let (mut first, mut second) = ([0; PRINT], [0; PRINT]);
    let n = read_at(a, &mut first[..len], 0)?;
    let m = read_at(b, &mut second[..len], 0)?;
    Ok(n > 0 && n == m && first[..n] == second[..m])
}

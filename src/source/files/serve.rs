//! Serving: reads on in open files, ends those whose content is gone or that will not go on, and closes what is too many.

use super::lineage::carries;
use super::tell::Until;
use super::{Advance, Files, Followed, ORPHAN_PATIENCE, PACKED_PATIENCE, Pending, RETIRED, send};
use crate::batch::Checkpoint;
use crate::source::error::SourceError;
use crate::source::select::Found;
use crate::source::tail::Progress;
use crate::source::{Chunk, Message, Sender};
use std::path::Path;
use std::sync::Arc;

impl Files {
    /// Gives a followed file its turn; whether there was something.
    pub(super) fn serve(&mut self, turn: usize, out: &Sender) -> Result<bool, SourceError> {
        if turn >= self.tails.len() {
            return Ok(false);
        }
        // Taken out for the time being, so that the others can be borrowed; put back at its place.
        let mut file = self.tails.swap_remove(turn);
        let advance = self.advance(&mut file, out)?;
        if advance == Advance::Over {
            self.park(&file);
            return Ok(true);
        }
        if advance == Advance::More {
            file.quiet_since = self.now;
        }
        self.put_back(file, turn);
        Ok(advance == Advance::More)
    }

    /// Reads all that is left in the open files beside a path, as far as their content has not gone.
    pub(super) fn drain_folder(&mut self, path: &Path, out: &Sender) -> Result<(), SourceError> {
        self.drain_those(|file| file.path.parent() == path.parent(), out)
    }

    /// Reads all that is left in the open files of a name before the next of that name is begun: what a log was comes into
    /// the store before what it is now, so that after a crash the newest that is known of it tells what is not read yet.
    pub(super) fn drain_named(&mut self, name: &str, out: &Sender) -> Result<(), SourceError> {
        self.drain_those(|file| &**file.tail.name() == name, out)
    }

    fn drain_those(&mut self, wanted: impl Fn(&Followed) -> bool, out: &Sender) -> Result<(), SourceError> {
        let mut turn = 0;
        while turn < self.tails.len() {
            if wanted(&self.tails[turn]) && self.tails[turn].undecided.is_none() {
                let mut file = self.tails.swap_remove(turn);
                self.drain(&mut file, out)?;
                self.put_back(file, turn);
            }
            turn += 1;
        }
        Ok(())
    }

    /// Reads all that is left in an open file, if its content has not gone.
    fn drain(&mut self, file: &mut Followed, out: &Sender) -> Result<(), SourceError> {
        loop {
            match self.attempt(file, out, |_, f| f.tail.read_intact())? {
                Some(Progress::Read(chunk)) => {
                    file.copied = false;
                    chunk.map_or(Ok(()), |chunk| send(out, Message::Chunk(chunk)))?;
                }
                // That it is over is found again when it has its turn.
                Some(Progress::Done(chunk)) => return self.last_of(chunk, out),
                Some(Progress::Dry | Progress::Replaced) | None => return Ok(()),
            }
        }
    }

    /// Reads the open files that were empty so far: what is compressed of them in the meantime is known by what was read.
    pub(super) fn drain_undecided(&mut self, out: &Sender) -> Result<(), SourceError> {
        let mut turn = 0;
        while turn < self.tails.len() {
            if self.tails[turn].undecided.is_none() {
                turn += 1;
                continue;
            }
            let mut file = self.tails.swap_remove(turn);
            if !self.decide(&mut file, out)? {
                self.park(&file);
                continue;
            }
            if file.undecided.is_none() {
                self.drain(&mut file, out)?;
            }
            self.put_back(file, turn);
            turn += 1;
        }
        Ok(())
    }

    fn put_back(&mut self, file: Followed, turn: usize) {
        self.tails.push(file);
        let last = self.tails.len() - 1;
        self.tails.swap(turn.min(last), last);
    }

    /// Reads on in one file, and delivers what there is.
    pub(super) fn advance(&mut self, file: &mut Followed, out: &Sender) -> Result<Advance, SourceError> {
        if !self.decide(file, out)? {
            return Ok(Advance::Over);
        }
        if file.undecided.is_some() {
            return Ok(Advance::Dry);
        }
        match self.attempt(file, out, |_, f| f.tail.read())? {
            None => Ok(Advance::Over),
            Some(Progress::Dry) => Ok(Advance::Dry),
            Some(Progress::Read(chunk)) => {
                file.copied = false;
                chunk.map_or(Ok(()), |chunk| send(out, Message::Chunk(chunk)))?;
                Ok(Advance::More)
            }
            Some(Progress::Done(chunk)) => {
                self.last_of(chunk, out)?;
                Ok(Advance::Over)
            }
            Some(Progress::Replaced) => self.replaced(file, out),
        }
    }

    /// Delivers the last lines of a compressed file, and tells where it is not whole.
    fn last_of(&mut self, chunk: Chunk, out: &Sender) -> Result<(), SourceError> {
        let damage = chunk.corrupt.clone().map(|why| SourceError::Damaged { name: chunk.source.to_string(), why });
        let name = Arc::clone(&chunk.source);
        send(out, Message::Chunk(chunk))?;
        damage.map_or(Ok(()), |error| self.trouble(&name, &error, Until::OpenedAgain, out))
    }

    /// The old content is gone. Its rest is read from where rotation has copied it to, before anything of the new content:
    /// what was read of that would be all that is known of the file after a crash. Then the new content is read.
    fn replaced(&mut self, file: &mut Followed, out: &Sender) -> Result<Advance, SourceError> {
        self.known.remove(&file.id);
        self.retire(file.tail.checkpoint());
        if !self.read_rotated(file, out)? && !file.copied {
            if let Some(chunk) = file.tail.remains() {
                chunk.checkpoint.iter().for_each(|c| self.retire(c.clone()));
                send(out, Message::Chunk(chunk))?;
            }
            if self.is_log(file) && !file.tail.packed() {
                let (name, seen) = (Arc::clone(file.tail.name()), file.tail.stamp().size);
                self.tell_gone(&name, file.tail.position(), seen, out)?;
            }
        }
        file.copied = false;
        file.tail.restart();
        let (path, name) = (file.path.clone(), Arc::clone(file.tail.name()));
        // The rotated file of a name that is used again and again may now hold a copy of another content.
        file.undecided = Some(Found { path, name, stamp: file.tail.stamp(), by: file.by });
        Ok(Advance::More)
    }

    /// Reads what rotation has moved away from a log; whether something of it goes on with what was read of the log.
    pub(super) fn read_rotated(&mut self, file: &Followed, out: &Sender) -> Result<bool, SourceError> {
        let print = file.tail.print();
        let mut carried = false;
        self.drain_undecided(out)?;
        for found in self.rotated_from(&file.origin) {
            carried |= carries(&found, &print);
            let id = found.stamp.id;
            if id == file.id || self.tails.iter().any(|f| f.id == id) || self.seen.get(&id) == Some(&found.stamp) {
                continue;
            }
            let Some(mut next) = self.open(Pending { found, counted: 0 }, out)? else { continue };
            let advance = loop {
                match self.advance(&mut next, out)? {
                    Advance::More => {}
                    end => break end,
                }
            };
            if advance == Advance::Over { self.park(&next) } else { self.keep(next) }
        }
        Ok(carried)
    }

    /// Delivers the last line of a file that may go on another day, unless it breaks off within an object: then it is left
    /// for that day, when it is whole.
    pub(super) fn last_line(&mut self, file: &mut Followed, out: &Sender) -> Result<(), SourceError> {
        if file.tail.is_torn() { Ok(()) } else { self.very_last_line(file, out) }
    }

    /// Delivers the last line of a file that does not go on, if all of the file has been read.
    fn very_last_line(&mut self, file: &mut Followed, out: &Sender) -> Result<(), SourceError> {
        if file.tail.at_end()
            && let Some(Some(chunk)) = self.attempt(file, out, |_, f| f.tail.finish())?
        {
            send(out, Message::Chunk(chunk))?;
        }
        Ok(())
    }

    /// Closes what will not go on: rotated files after a while of silence, compressed ones that were cut.
    pub(super) fn let_go(&mut self, out: &Sender) -> Result<(), SourceError> {
        let mut i = 0;
        while i < self.tails.len() {
            let file = &self.tails[i];
            let quiet = self.now.saturating_sub(file.quiet_since);
            if file.tail.packed() && quiet >= PACKED_PATIENCE {
                let mut file = self.tails.swap_remove(i);
                let _ = self.attempt(&mut file, out, |_, f| f.tail.close())?;
                while self.advance(&mut file, out)? == Advance::More {}
                self.park(&file);
            } else if !file.linked && quiet >= ORPHAN_PATIENCE {
                let mut file = self.tails.swap_remove(i);
                self.very_last_line(&mut file, out)?;
                self.park(&file);
            } else {
                i += 1;
            }
        }
        Ok(())
    }

    /// Follows a file; closes the one that has been quiet for longest when there are too many.
    pub(super) fn keep(&mut self, file: Followed) {
        self.tails.push(file);
        if self.tails.len() <= self.max_open {
            return;
        }
        let idle = |f: &Followed| f.linked && f.tail.at_end();
        let quietest = self.tails.iter().enumerate().filter(|(_, f)| idle(f)).min_by_key(|(_, f)| f.quiet_since);
        if let Some(i) = quietest.map(|(i, _)| i) {
            let file = self.tails.swap_remove(i);
            self.park(&file);
        }
    }

    /// Remembers where to go on should the file change, and closes it.
    pub(super) fn park(&mut self, file: &Followed) {
        self.seen.insert(file.id, file.tail.stamp());
        self.known.insert(file.id, file.tail.checkpoint());
    }

    pub(super) fn retire(&mut self, checkpoint: Checkpoint) {
        if self.retired.len() == RETIRED {
            self.retired.pop_front();
        }
        self.retired.push_back(checkpoint);
    }
}

//! Serving: reads on in open files, ends those whose content is gone or that will not go on, and closes what is too many.

use super::{Advance, Files, Follow, Followed, ORPHAN_PATIENCE, PACKED_PATIENCE, RETIRED, send};
use crate::batch::Checkpoint;
use crate::source::error::SourceError;
use crate::source::tail::Progress;
use crate::source::{Message, Sender};
use std::path::Path;

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
        self.tails.push(file);
        let last = self.tails.len() - 1;
        self.tails.swap(turn, last);
        Ok(advance == Advance::More)
    }

    /// Reads all that is left in the open files beside a path whose content has not gone.
    pub(super) fn drain_folder(&mut self, path: &Path, out: &Sender) -> Result<(), SourceError> {
        let (mut beside, others): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.tails).into_iter().partition(|f| f.path.parent() == path.parent());
        for file in &mut beside {
            let intact = |f: &Followed| f.undecided.is_none() && f.tail.is_intact().unwrap_or(false);
            while intact(file) && self.advance(file, out)? == Advance::More {}
        }
        self.tails = others;
        self.tails.extend(beside);
        Ok(())
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
                send(out, Message::Chunk(chunk))?;
                Ok(Advance::Over)
            }
            Some(Progress::Replaced) => self.replaced(file, out),
        }
    }

    /// The old content is gone: its last line ends, and the new content is read from its beginning.
    fn replaced(&mut self, file: &mut Followed, out: &Sender) -> Result<Advance, SourceError> {
        let (chunk, checkpoint) = file.tail.retire();
        if let Some(chunk) = chunk.filter(|_| !file.copied) {
            send(out, Message::Chunk(chunk))?;
        }
        file.copied = false;
        self.retire(checkpoint);
        file.tail.restart();
        if self.follow == Follow::UntilEnd {
            let _ = self.attempt(file, out, |_, f| f.tail.close())?;
        }
        Ok(Advance::More)
    }

    /// Delivers the last line of a file, if all of the file has been read.
    pub(super) fn last_line(&mut self, file: &mut Followed, out: &Sender) -> Result<(), SourceError> {
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
                self.last_line(&mut file, out)?;
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

//! Looking: which files are there now, which of them are new, and what became of those that are not where they were.

use super::{Files, Follow, Pending};
use crate::batch::Checkpoint;
use crate::source::Sender;
use crate::source::error::SourceError;
use crate::source::identity::{FileId, Print, Stamp, id_of};
use crate::source::select::{By, Finding, Found, other_form};
use std::collections::{HashMap, HashSet};
use std::fs::{File, Metadata};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

impl Files {
    /// Whether there is anything to begin with: fails where all that was named leads to nothing that can be read.
    pub(super) fn check(&self) -> Result<(), SourceError> {
        let Finding { files, streams, problems, unreadable } = self.selection.find();
        let waits = |problem: &SourceError| self.follow == Follow::Forever && may_come(problem);
        if !streams.is_empty() || problems.iter().any(|(_, problem)| waits(problem)) {
            return Ok(());
        }
        let mut all: Vec<SourceError> = problems.into_iter().chain(unreadable).map(|(_, problem)| problem).collect();
        for found in files {
            match refused(&found) {
                None => return Ok(()),
                Some(problem) => all.push(problem),
            }
        }
        // None at all: an empty folder, which may be filled.
        all.into_iter().next().map_or(Ok(()), Err)
    }

    /// Pipes and devices among the arguments; they are read as streams, beside the files.
    pub(in crate::source) fn streams(&self) -> Vec<PathBuf> {
        self.selection.find().streams
    }

    /// Looks for files: new ones, renamed ones, ones that changed since they were closed. The next steps read them.
    ///
    /// # Errors
    /// Only when nobody receives any more.
    pub fn look(&mut self, out: &Sender) -> Result<(), SourceError> {
        let Finding { files, problems, unreadable, .. } = self.selection.find();
        self.look_told(problems.into_iter().chain(unreadable).collect(), &files, out)?;
        let there: HashSet<FileId> = files.iter().map(|f| f.stamp.id).collect();
        let (mut rotated, gone) = self.rotations(&files, &there);
        for known in &gone {
            self.tell_gone(&known.source, known.offset, known.size, out)?;
        }
        let about: HashSet<FileId> = there.iter().copied().chain(rotated.iter().map(|f| f.stamp.id)).collect();
        self.seen.retain(|id, _| about.contains(id));
        self.growing.retain(|id, _| about.contains(id));
        let open: HashSet<FileId> = self.tails.iter().chain(&self.loading).map(|f| f.id).collect();
        // What was read in part comes first: by it, the copies of it are known.
        rotated.splice(..0, self.renamed(&files, &there, &open));
        let paths: HashMap<FileId, &Path> = files.iter().map(|f| (f.stamp.id, f.path.as_path())).collect();
        for file in &mut self.tails {
            file.linked = paths.contains_key(&file.id);
            if let Some(path) = paths.get(&file.id) {
                file.path = (*path).to_owned();
            }
        }
        rotated.extend(files);
        for found in rotated {
            let id = found.stamp.id;
            if !open.contains(&id) && self.seen.get(&id) != Some(&found.stamp) {
                self.queue(found);
            }
        }
        Ok(())
    }

    fn queue(&mut self, found: Found) {
        if self.queued.insert(found.stamp.id) {
            let done = self.known.get(&found.stamp.id).map_or(0, |c| c.offset);
            // Shorter than it was: read from its beginning.
            let counted = found.stamp.size.checked_sub(done).unwrap_or(found.stamp.size);
            self.total = self.total.saturating_add(counted);
            self.pending.push_back(Pending { found, counted });
        }
    }

    /// Files that were read in part under a name that now leads to another file: rotation has renamed them to where nothing
    /// looks. They are searched for, once, in the folder of the name.
    fn renamed(&mut self, files: &[Found], there: &HashSet<FileId>, open: &HashSet<FileId>) -> Vec<Found> {
        let names: HashMap<&str, &Found> = files.iter().map(|f| (&*f.name, f)).collect();
        let lost = |c: &&Checkpoint| {
            let id = id_of(c);
            !there.contains(&id) && !self.sought.contains(&id) && !open.contains(&id)
        };
        let lost: Vec<(Checkpoint, Found)> = self
            .known
            .values()
            .filter(lost)
            .filter_map(|c| names.get(c.source.as_str()).map(|found| (c.clone(), (*found).clone())))
            .collect();
        let mut rotated = Vec::new();
        for (known, found) in lost {
            self.sought.insert(id_of(&known));
            rotated.extend(sibling(&found, &known));
        }
        rotated.sort_by_key(|f| f.stamp.mtime_ns);
        rotated
    }
}

/// The file in the same folder that a checkpoint is of. Its inode alone does not tell: that may have been used again.
pub(super) fn sibling(found: &Found, known: &Checkpoint) -> Option<Found> {
    let folder = found.path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let entries = std::fs::read_dir(folder).ok()?;
    entries.filter_map(Result::ok).find_map(|entry| {
        let stamp = Stamp::of(&entry.metadata().ok().filter(Metadata::is_file)?);
        if stamp.id != id_of(known) || stamp.size < known.offset {
            return None;
        }
        let same = Print::of(known).fits(&File::open(entry.path()).ok()?).ok()?;
        same.then(|| Found { path: entry.path(), stamp, ..found.clone() })
    })
}

/// Why a file that was found cannot be read, if it cannot. What is no log is passed over where it was not named.
fn refused(found: &Found) -> Option<SourceError> {
    let path = found.path.clone();
    match File::open(&path) {
        Err(cause) => Some(SourceError::Unreadable { path, cause }),
        Ok(file) => {
            other_form(&file).filter(|_| found.by == By::Name).map(|form| SourceError::WrongForm { path, form })
        }
    }
}

/// Whether waiting may help: a file not there yet in a folder that is, a pattern without matches.
fn may_come(problem: &SourceError) -> bool {
    match problem {
        SourceError::Missing { path } => {
            let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
            folder.is_dir()
        }
        SourceError::NoMatch { .. } => true,
        SourceError::Unreadable { cause, .. } => cause.kind() == ErrorKind::NotFound,
        _ => false,
    }
}

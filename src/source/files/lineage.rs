//! What rotation leaves beside a log that is read by its name alone: found by name and time, told from what was there
//! before by content. A log's lineage is its file and all that was rotated away from it since it was first read.

use super::look::sibling;
use super::{Files, Followed};
use crate::batch::Checkpoint;
use crate::source::identity::{FileId, Head, Print, Stamp, id_of};
use crate::source::rotation::origins;
use crate::source::select::{By, Found};
use crate::source::tail::first_unpacked;
use std::collections::{HashMap, HashSet};
use std::ffi::OsString;
use std::fs::{File, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What is known of the rotated files of a log.
#[derive(Debug)]
pub(super) struct Lineage {
    log: Log,
    /// What was last written before this belongs to the time before the log was read, ns since the epoch.
    since_ns: i64,
    /// Files that are of the time before, as they were found.
    before: HashMap<FileId, Print>,
}

/// A log as it is looked for.
#[derive(Debug, Clone)]
struct Log {
    name: Arc<str>,
    by: By,
}

/// What became of what was last read under a name.
#[derive(Debug)]
enum Fate {
    /// Nothing was read yet.
    Unread,
    /// It is there still.
    Here,
    /// It is in a rotated file; last written then, ns since the epoch.
    Rotated(i64),
    /// It is nowhere in its folder.
    Gone(Checkpoint),
}

/// What was read before, by the names it was read under.
type ByName<'a> = HashMap<&'a str, Vec<&'a Checkpoint>>;

impl Files {
    /// Rotated files of the logs that are looked for, which are not looked for themselves, the oldest first. Second, what
    /// was read under names whose content is gone since.
    pub(super) fn rotations(&mut self, files: &[Found], there: &HashSet<FileId>) -> (Vec<Found>, Vec<Checkpoint>) {
        let mut logs: HashMap<PathBuf, HashMap<OsString, &Found>> = HashMap::new();
        for log in files {
            if let (Some(folder), Some(name)) = (log.path.parent(), log.path.file_name()) {
                logs.entry(folder.to_owned()).or_default().insert(name.to_owned(), log);
            }
        }
        let folders: HashSet<PathBuf> = logs.keys().chain(self.lineages.keys()).cloned().collect();
        let (mut taken, mut gone) = (Vec::new(), Vec::new());
        for folder in folders {
            let mut beside = self.beside(&folder, logs.get(&folder));
            beside.retain(|(_, found)| !there.contains(&found.stamp.id));
            self.begin_lineages(&folder, logs.remove(&folder).unwrap_or_default(), &beside, &mut gone);
            beside.retain(|(log, found)| self.is_new(&folder, log, found));
            taken.extend(beside.into_iter().map(|(_, found)| found));
        }
        taken.sort_by(|a, b| (a.stamp.mtime_ns, &a.path).cmp(&(b.stamp.mtime_ns, &b.path)));
        (taken, gone)
    }

    /// The named files whose content was read before and is neither there nor in a rotated file: they were written anew.
    pub fn overwritten(&self) -> Vec<Arc<str>> {
        let (names, mut gone) = (self.by_name(), Vec::new());
        for log in self.selection.find().files {
            let (Some(folder), Some(name)) = (log.path.parent(), log.path.file_name()) else { continue };
            let rotated = rotated_in(folder, &HashMap::from([(name.to_owned(), Log::of(&log))]));
            let rotated: Vec<&Found> = rotated.iter().map(|(_, found)| found).collect();
            if let Fate::Gone(_) = self.fate(&log, &rotated, &names) {
                gone.push(log.name);
            }
        }
        gone
    }

    /// Judges the logs of a folder that are there for the first time.
    fn begin_lineages(
        &mut self,
        folder: &Path,
        logs: HashMap<OsString, &Found>,
        beside: &[(OsString, Found)],
        gone: &mut Vec<Checkpoint>,
    ) {
        let is_known = |name: &OsString| self.lineages.get(folder).is_some_and(|l| l.contains_key(name));
        let (names, mut begun) = (self.by_name(), Vec::new());
        for (name, log) in logs.into_iter().filter(|(name, _)| !is_known(name)) {
            let rotated: Vec<&Found> = beside.iter().filter(|(of, _)| *of == name).map(|(_, f)| f).collect();
            let fate = self.fate(log, &rotated, &names);
            begun.push((name, Lineage::new(log, &rotated, &fate)));
            if let Fate::Gone(known) = fate {
                gone.push(known);
            }
        }
        if !begun.is_empty() {
            self.lineages.entry(folder.to_owned()).or_default().extend(begun);
        }
    }

    fn by_name(&self) -> ByName<'_> {
        let mut names = ByName::new();
        for known in self.known.values().filter(|c| c.offset > 0) {
            names.entry(known.source.as_str()).or_default().push(known);
        }
        names
    }

    fn fate(&self, log: &Found, rotated: &[&Found], names: &ByName<'_>) -> Fate {
        let named = names.get(&*log.name).into_iter().flatten().copied();
        let own = self.known.get(&log.stamp.id).filter(|c| c.offset > 0);
        let Some(newest) = named.chain(own).max_by_key(|c| (c.mtime_ns, c.offset)) else { return Fate::Unread };
        if self.continues(log).is_some() {
            return Fate::Here;
        }
        if rotated.iter().any(|f| carries(f, &Print::of(newest))) || sibling(log, newest).is_some() {
            return Fate::Rotated(newest.mtime_ns);
        }
        Fate::Gone(newest.clone())
    }

    /// What was read before of what a file holds now, by its name under another inode too.
    pub(super) fn continues(&self, log: &Found) -> Option<Print> {
        let file = File::open(&log.path).ok()?;
        let same = |c: &&Checkpoint| {
            let print = Print::of(c);
            let may_be = id_of(c) == log.stamp.id || (c.source == *log.name && print.is_strong());
            may_be && c.offset > 0 && log.stamp.size >= c.offset && print.fits(&file).unwrap_or(false)
        };
        self.known.values().filter(same).map(Print::of).max_by_key(|print| print.offset)
    }

    /// The rotated files of one log that may hold what was not read yet, the oldest first.
    pub(super) fn rotated_from(&self, log: &Path) -> Vec<Found> {
        let (Some(folder), Some(name)) = (log.parent(), log.file_name()) else { return Vec::new() };
        let mut found = self.beside(folder, None);
        found.retain(|(of, found)| of == name && self.is_new(folder, of, found));
        found.sort_by(|(_, a), (_, b)| (a.stamp.mtime_ns, &a.path).cmp(&(b.stamp.mtime_ns, &b.path)));
        found.into_iter().map(|(_, found)| found).collect()
    }

    /// Whether an open file is one that was looked for, where it was looked for.
    pub(super) fn is_log(&self, file: &Followed) -> bool {
        let logs = file.path.parent().and_then(|folder| self.lineages.get(folder));
        file.linked && logs.zip(file.path.file_name()).is_some_and(|(logs, name)| logs.contains_key(name))
    }

    /// Rotated files in a folder, each with the name of its log.
    fn beside(&self, folder: &Path, logs: Option<&HashMap<OsString, &Found>>) -> Vec<(OsString, Found)> {
        let before = self.lineages.get(folder).into_iter().flatten().map(|(name, l)| (name.clone(), l.log.clone()));
        let now = logs.into_iter().flatten().map(|(name, found)| (name.clone(), Log::of(found)));
        rotated_in(folder, &before.chain(now).collect())
    }

    /// Whether a rotated file may hold what was not read yet.
    fn is_new(&self, folder: &Path, log: &OsString, found: &Found) -> bool {
        let Some(lineage) = self.lineages.get(folder).and_then(|logs| logs.get(log)) else { return false };
        if found.stamp.mtime_ns < lineage.since_ns {
            return false;
        }
        let Some(print) = lineage.before.get(&found.stamp.id) else { return true };
        !File::open(&found.path).and_then(|file| print.fits(&file)).unwrap_or(true)
    }
}

impl Lineage {
    /// As it is when its log is looked at for the first time.
    fn new(log: &Found, rotated: &[&Found], fate: &Fate) -> Lineage {
        // What was rotated away while nobody looked is later than what was read last; else, later than this moment.
        let (since_ns, all) = match fate {
            Fate::Rotated(since_ns) => (*since_ns, false),
            Fate::Unread | Fate::Here | Fate::Gone(_) => (log.stamp.mtime_ns, true),
        };
        let print = |found: &Found| Print::take(&File::open(&found.path).ok()?, found.stamp.size).ok();
        let before = rotated.iter().filter(|f| all || f.stamp.mtime_ns < since_ns);
        let before = before.filter_map(|f| Some((f.stamp.id, print(f)?))).collect();
        Lineage { log: Log::of(log), since_ns, before }
    }
}

impl Log {
    fn of(found: &Found) -> Log {
        Log { name: Arc::clone(&found.name), by: found.by }
    }
}

/// Files in a folder whose names are those of rotated logs, each with the name of its log. One that was named is a log of
/// its own; one that a search found there may be a rotated log all the same: rotation uses its names again and again.
fn rotated_in(folder: &Path, logs: &HashMap<OsString, Log>) -> Vec<(OsString, Found)> {
    let place = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let Ok(entries) = std::fs::read_dir(place) else { return Vec::new() };
    let mut found = Vec::new();
    for entry in entries.flatten() {
        let file = entry.file_name();
        let known = |log: &String| logs.get_key_value(std::ffi::OsStr::new(log));
        if logs.get(&file).is_some_and(|log| log.by == By::Name) {
            continue;
        }
        let Some((of, log)) = file.to_str().map(origins).and_then(|logs| logs.iter().find_map(known)) else {
            continue;
        };
        let Some(meta) = std::fs::metadata(entry.path()).ok().filter(Metadata::is_file) else { continue };
        let (path, name) = (folder.join(&file), Arc::clone(&log.name));
        found.push((of.clone(), Found { path, name, stamp: Stamp::of(&meta), by: By::Search }));
    }
    found
}

/// Whether a file holds what is known by this, plain or compressed. Of compressed ones the beginning tells.
pub(super) fn carries(found: &Found, print: &Print) -> bool {
    let look = || -> io::Result<bool> {
        let file = File::open(&found.path)?;
        if found.stamp.size >= print.offset && print.is_strong() && print.fits(&file)? {
            return Ok(true);
        }
        Ok(match first_unpacked(&file)? {
            Some(first) => Head::new(first).may_copy(print),
            None => false,
        })
    };
    look().unwrap_or(false)
}

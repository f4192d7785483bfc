//! Which files: names, patterns and folders, looked up again whenever asked. Follows links, skips hidden files and obvious
//! binaries in folders; no file comes twice.

use super::SourceError;
use super::identity::{PRINT, Stamp, read_at};
use glob::{MatchOptions, Pattern};
use std::collections::HashSet;
use std::fs::{self, File};
use std::io::ErrorKind;
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A file that was found.
#[derive(Debug, Clone)]
pub(super) struct Found {
    pub path: PathBuf,
    /// The path as shown.
    pub name: Arc<str>,
    pub stamp: Stamp,
    pub by: By,
}

/// How a file was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum By {
    /// It was named.
    Name,
    /// By a pattern or in a folder.
    Search,
}

/// What to read, as given.
#[derive(Debug)]
pub(super) struct Selection {
    wanted: Vec<Wanted>,
}

#[derive(Debug)]
enum Wanted {
    /// A file or a folder.
    Path(PathBuf),
    Pattern {
        text: String,
        absolute: Option<Pattern>,
    },
}

/// What a look gave.
#[derive(Debug, Default)]
pub(super) struct Finding {
    /// Regular files, oldest first, then by name.
    pub files: Vec<Found>,
    /// Pipes and devices that were named.
    pub streams: Vec<PathBuf>,
    /// Arguments that lead to nothing.
    pub problems: Vec<(Arc<str>, SourceError)>,
    /// What cannot be read below a folder.
    pub unreadable: Vec<(Arc<str>, SourceError)>,
}

/// A directory to be watched.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Root {
    pub path: PathBuf,
    pub deep: bool,
}

/// As a shell matches: `*` stops at `/`, hidden files only when asked for.
const LIKE_A_SHELL: MatchOptions =
    MatchOptions { case_sensitive: true, require_literal_separator: true, require_literal_leading_dot: true };

impl Selection {
    /// Takes the arguments; one that does not exist as a path and holds `*`, `?` or `[` is a pattern.
    ///
    /// # Errors
    /// A pattern that is none.
    pub fn new(args: Vec<PathBuf>) -> Result<Selection, SourceError> {
        let wanted = args.into_iter().map(|path| {
            let text = path.to_string_lossy();
            if !text.contains(['*', '?', '[']) || path.symlink_metadata().is_ok() {
                return Ok(Wanted::Path(path));
            }
            let bad =
                |e: glob::PatternError| SourceError::BadPattern { pattern: text.to_string(), reason: e.msg.to_owned() };
            Pattern::new(&text).map_err(bad)?;
            let absolute = std::path::absolute(&path).ok().and_then(|p| Pattern::new(&p.to_string_lossy()).ok());
            Ok(Wanted::Pattern { text: text.into_owned(), absolute })
        });
        Ok(Selection { wanted: wanted.collect::<Result<_, _>>()? })
    }

    /// Looks everything up.
    pub fn find(&self) -> Finding {
        let mut finding = Finding::default();
        for wanted in &self.wanted {
            match wanted {
                Wanted::Path(path) => finding.look_at(path, By::Name),
                Wanted::Pattern { text, .. } => finding.look_for(text),
            }
        }
        let mut seen = HashSet::new();
        // What was named counts as named, even if a folder holds it too.
        finding.files.sort_by_key(|f| f.by == By::Search);
        finding.files.retain(|f| seen.insert(f.stamp.id));
        finding.files.sort_by(|a, b| (a.stamp.mtime_ns, &a.path).cmp(&(b.stamp.mtime_ns, &b.path)));
        finding
    }

    /// Whether something at this absolute path could matter.
    pub fn concerns(&self, path: &Path) -> bool {
        self.wanted.iter().any(|wanted| match wanted {
            Wanted::Path(wanted) => {
                let absolute = std::path::absolute(wanted).unwrap_or_else(|_| wanted.clone());
                path.starts_with(&absolute) || wanted.canonicalize().is_ok_and(|real| path.starts_with(real))
            }
            // A folder that comes or goes matters to what is looked for below it.
            Wanted::Pattern { absolute, .. } => {
                absolute.as_ref().is_none_or(|p| p.matches_path_with(path, LIKE_A_SHELL) || path.is_dir())
            }
        })
    }

    /// The folders in which things can happen that matter.
    pub fn roots(&self) -> HashSet<Root> {
        let mut roots = HashSet::new();
        for wanted in &self.wanted {
            match wanted {
                Wanted::Path(path) if path.is_dir() => {
                    roots.insert(Root { path: absolute(path), deep: true });
                }
                Wanted::Path(path) => {
                    roots.extend(parent(path).map(|path| Root { path, deep: false }));
                    roots.extend(
                        path.canonicalize().ok().and_then(|p| parent(&p)).map(|path| Root { path, deep: false }),
                    );
                }
                Wanted::Pattern { text, .. } => {
                    roots.insert(pattern_root(text));
                }
            }
        }
        roots
    }
}

impl Finding {
    /// A path that was named, or matched a pattern: a folder stands for the files in it.
    fn look_at(&mut self, path: &Path, by: By) {
        match fs::metadata(path) {
            Ok(meta) if meta.is_dir() => self.look_into(path),
            Ok(meta) if meta.is_file() => self.add(path, Stamp::of(&meta), by),
            Ok(meta) if meta.file_type().is_fifo() || meta.file_type().is_char_device() => {
                if by == By::Name {
                    self.streams.push(path.to_owned());
                }
            }
            Ok(_) => {
                self.problem(path, SourceError::WrongForm { path: path.to_owned(), form: "a socket or a block device" })
            }
            // A pattern's match that is gone again is none.
            Err(_) if by == By::Search => {}
            Err(e) if e.kind() == ErrorKind::NotFound => {
                self.problem(path, SourceError::Missing { path: path.to_owned() });
            }
            Err(cause) => self.problem(path, SourceError::Unreadable { path: path.to_owned(), cause }),
        }
    }

    fn look_for(&mut self, pattern: &str) {
        let before = self.files.len() + self.problems.len();
        match glob::glob_with(pattern, LIKE_A_SHELL) {
            Ok(paths) => {
                for path in paths {
                    match path {
                        Ok(path) => self.look_at(&path, By::Search),
                        Err(e) => {
                            let path = e.path().to_owned();
                            let error = SourceError::Unreadable { path, cause: e.into() };
                            self.unreadable.push((pattern.into(), error));
                        }
                    }
                }
            }
            Err(e) => {
                let error = SourceError::BadPattern { pattern: pattern.to_owned(), reason: e.msg.to_owned() };
                self.problems.push((pattern.into(), error));
            }
        }
        if self.files.len() + self.problems.len() == before {
            self.problems.push((pattern.into(), SourceError::NoMatch { pattern: pattern.to_owned() }));
        }
    }

    /// Every regular file in a folder and below it that is not hidden. Links are followed, but never in a circle.
    fn look_into(&mut self, folder: &Path) {
        let visible = |e: &walkdir::DirEntry| e.depth() == 0 || !e.file_name().as_encoded_bytes().starts_with(b".");
        for entry in walkdir::WalkDir::new(folder).follow_links(true).into_iter().filter_entry(visible) {
            match entry {
                Ok(entry) if entry.file_type().is_file() => {
                    if let Ok(meta) = entry.metadata() {
                        self.add(entry.path(), Stamp::of(&meta), By::Search);
                    }
                }
                Ok(_) => {}
                Err(e) => self.walk_error(folder, e),
            }
        }
    }

    fn walk_error(&mut self, folder: &Path, error: walkdir::Error) {
        let path = error.path().unwrap_or(folder).to_owned();
        let top = error.depth() == 0;
        match error.into_io_error() {
            // Gone between listing and looking, or a link into nowhere.
            Some(e) if e.kind() == ErrorKind::NotFound => {}
            Some(cause) => {
                let list = if top { &mut self.problems } else { &mut self.unreadable };
                list.push((path.to_string_lossy().into(), SourceError::Unreadable { path, cause }));
            }
            // A circle of links: everything in it is found on the way in.
            None => {}
        }
    }

    fn add(&mut self, path: &Path, stamp: Stamp, by: By) {
        let path = path.strip_prefix(".").unwrap_or(path).to_owned();
        let name = path.to_string_lossy().into();
        self.files.push(Found { path, name, stamp, by });
    }

    fn problem(&mut self, path: &Path, error: SourceError) {
        self.problems.push((path.to_string_lossy().into(), error));
    }
}

/// What a file is that is no log, by its first bytes; `None` for what may be one.
pub(super) fn other_form(file: &File) -> Option<&'static str> {
    const FORMS: [(&[u8], &str); 11] = [
        (b"\xfd7zXZ\0", "an xz archive"),
        (b"BZh", "a bzip2 archive"),
        (b"PK\x03\x04", "a zip archive"),
        (b"\x04\x22\x4d\x18", "an lz4 archive"),
        (b"SQLite format 3\0", "an SQLite database"),
        (b"\x7fELF", "a program"),
        (b"\x89PNG", "a picture"),
        (b"\xff\xd8\xff", "a picture"),
        (b"%PDF", "a PDF document"),
        (b"PAR1", "a Parquet file"),
        (b"\x37\x7f\x06", "a part of an SQLite database"),
    ];
    let mut head = [0; 16];
    let n = read_at(file, &mut head, 0).ok()?;
    FORMS.iter().find(|(magic, _)| head[..n].starts_with(magic)).map(|(_, form)| *form)
}

/// Whether the first bytes are those of no text: NUL together with other control bytes. NUL alone is what a crash leaves in
/// a log. Compressed files are no text either, and are asked before.
pub(super) fn is_binary(file: &File) -> bool {
    let mut head = [0; PRINT];
    let n = read_at(file, &mut head, 0).unwrap_or(0);
    let control = |b: &u8| matches!(b, 1..=8 | 14..=26 | 28..=31);
    head[..n].contains(&0) && head[..n].iter().any(control)
}

/// The deepest folder that all matches of a pattern are in.
fn pattern_root(pattern: &str) -> Root {
    let path = Path::new(pattern);
    let special = |c: &std::path::Component<'_>| c.as_os_str().to_string_lossy().contains(['*', '?', '[']);
    let fixed: PathBuf = path.components().take_while(|c| !special(c)).collect();
    let deep = path.components().filter(|c| special(c)).count() > 1
        || path.components().next_back().is_some_and(|c| !special(&c));
    Root { path: absolute(&fixed), deep }
}

fn parent(path: &Path) -> Option<PathBuf> {
    absolute(path).parent().map(Path::to_owned)
}

fn absolute(path: &Path) -> PathBuf {
    let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

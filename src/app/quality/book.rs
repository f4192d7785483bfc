//! The log of judgements beside a store: appended by one write a line, then read into the store like any other log.

use crate::app::feed::{Feed, load};
use crate::app::{setup, store};
use crate::config::Effective;
use crate::pipeline::Progress;
use crate::source::{Follow, Stop};
use crate::store::Store;
use crate::store::sqlite::SqliteReader;
use anyhow::{Context, Result};
use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::sync::Arc;

/// The log of judgements of one store.
pub struct Book {
    store: PathBuf,
    path: PathBuf,
}

impl Book {
    /// That of the store of the settings, which has to be there. What is in the log already is in the store then, too.
    ///
    /// # Errors
    /// There is no store, or it cannot be written.
    pub fn open(settings: &Effective) -> Result<Book> {
        let store = settings.config.store()?.to_owned();
        store::existing(&store)?;
        let book = Book { path: store.with_extension("scores.jsonl"), store };
        book.settle(settings)?;
        Ok(book)
    }

    /// Appends whole lines, for the owner alone to read.
    ///
    /// # Errors
    /// They cannot be written.
    pub fn note(&self, lines: &[u8]) -> Result<()> {
        let write = || -> std::io::Result<()> {
            let mut file = OpenOptions::new().append(true).create(true).read(true).mode(0o600).open(&self.path)?;
            // Half a line that something left behind must not take this one with it.
            let mut whole = if is_torn(&mut file)? { b"\n".to_vec() } else { Vec::new() };
            whole.extend_from_slice(lines);
            file.write_all(&whole)
        };
        write().with_context(|| format!("cannot write {}", self.path.display()))
    }

    /// Reads the log into the store, from where it was read to.
    ///
    /// # Errors
    /// The store cannot be written; what was noted stays in the log.
    pub fn settle(&self, settings: &Effective) -> Result<()> {
        if !self.path.exists() {
            return Ok(());
        }
        let load = || -> Result<()> {
            let mut store = store::existing(&self.store)?;
            let log = PathBuf::from(glob::Pattern::escape(&self.path.to_string_lossy()));
            let feed = Feed::of(&[log], Follow::UntilEnd, store.checkpoints()?)?;
            load(feed, &mut store, setup::prices(settings)?, &Arc::<Progress>::default(), &Stop::new())?;
            Ok(())
        };
        load().with_context(|| {
            format!("{} is written, but not in the store yet; `llmtop ingest` it there", self.path.display())
        })
    }

    /// A reader of the store.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn reader(&self) -> Result<SqliteReader> {
        Ok(SqliteReader::open(&self.store)?)
    }
}

/// Whether a file ends within a line.
fn is_torn(file: &mut File) -> std::io::Result<bool> {
    if file.metadata()?.len() == 0 {
        return Ok(false);
    }
    let mut last = [0];
    file.seek(SeekFrom::End(-1))?;
    file.read_exact(&mut last)?;
    Ok(last != *b"\n")
}

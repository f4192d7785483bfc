//! `llmtop store`: what the store holds, where it is, and keeping it small.

use crate::cli::StoreCommand;
use crate::clock;
use crate::config::Effective;
use crate::store::sqlite::{SqliteReader, SqliteStore};
use crate::store::{Reader, Retention, Store, StoreError};
use crate::units::{bytes, clean, count, rfc3339};
use anyhow::Result;
use std::io::Write;
use std::path::Path;

/// Runs a `store` command.
pub fn run(command: &StoreCommand, settings: &Effective, out: &mut dyn Write) -> Result<()> {
    let path = settings.config.store()?;
    match command {
        StoreCommand::Path => writeln!(out, "{}", path.display())?,
        StoreCommand::Info => info(path, out)?,
        StoreCommand::Vacuum => {
            let before = size(path);
            existing(path)?.vacuum()?;
            writeln!(out, "{}: {} before, {} after", path.display(), bytes(before), bytes(size(path)))?;
        }
        StoreCommand::Prune { older_than } => prune(path, *older_than, out)?,
    }
    Ok(())
}

/// The store for writing, if there is one: looking after nothing must not make something.
pub(super) fn existing(path: &Path) -> Result<SqliteStore, StoreError> {
    if !path.try_exists().unwrap_or(true) {
        return Err(StoreError::Missing { path: path.to_owned() });
    }
    SqliteStore::open(path)
}

fn size(path: &Path) -> u64 {
    let of = |suffix: &str| {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        std::fs::metadata(name).map_or(0, |m| m.len())
    };
    of("") + of("-wal")
}

fn prune(path: &Path, older_than_us: i64, out: &mut dyn Write) -> Result<()> {
    let ages = Retention { text_us: Some(older_than_us), rows_us: Some(older_than_us), ..Retention::default() };
    let did = existing(path)?.retain(ages, clock::now_us())?;
    writeln!(
        out,
        "deleted {} rows and {} blocks of text; totals over time stay (llmtop store vacuum gives the space back)",
        count(did.rows),
        count(did.text_blocks)
    )?;
    Ok(())
}

fn info(path: &Path, out: &mut dyn Write) -> Result<()> {
    let (holds, books) = SqliteReader::open(path)?.holdings()?;
    writeln!(out, "path      {}", path.display())?;
    writeln!(out, "size      {}", bytes(size(path)))?;
    writeln!(out, "calls     {}", count(holds.calls))?;
    if let Some((first, last)) = holds.bounds {
        writeln!(out, "from      {}", rfc3339(first))?;
        writeln!(out, "to        {}", rfc3339(last))?;
    }
    writeln!(
        out,
        "lines     {} read = {} accepted + {} duplicate + {} skipped + {} rejected",
        count(books.read),
        count(books.accepted),
        count(books.duplicate),
        count(books.skipped),
        count(books.rejected)
    )?;
    if books.future > 0 {
        writeln!(out, "future    {} events were dated ahead of the clock", count(books.future))?;
    }
    if holds.folded_series > 0 {
        writeln!(out, "folded    {} combinations of dimensions are summed up as one", count(holds.folded_series))?;
    }
    for source in &holds.sources {
        writeln!(
            out,
            "source    {}: {} lines, {} accepted, {}",
            clean(&source.name),
            count(source.read),
            count(source.accepted),
            bytes(source.bytes)
        )?;
    }
    Ok(())
}

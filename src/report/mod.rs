//! Reports: one snapshot as text, JSON or CSV. A new form is one file and one line here.

mod budgets;
mod csv;
pub mod experiments;
mod figures;
mod grid;
mod json;
mod mask;
mod measure;
mod text;
pub mod trace;
mod unpriced;

pub use grid::{Column, Grid};

use crate::snapshot::Snapshot;
use crate::units::Zone;
use std::io;

/// How a report is to look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// Columns there are; only text minds.
    pub width: usize,
    /// Zone of the times that people read.
    pub zone: Zone,
    /// Text out of the logs.
    pub words: Words,
}

/// What becomes of text out of the logs, which may hold prompts, answers and keys: reports end up in mails and build logs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Words {
    /// Its form alone is shown.
    Masked,
    /// It is shown.
    Shown,
}

impl Default for Options {
    fn default() -> Options {
        Options { width: 100, zone: Zone::Local, words: Words::Masked }
    }
}

/// A form of report.
pub trait Report: Sync {
    /// The word for `--format`.
    fn name(&self) -> &'static str;

    /// Writes a snapshot.
    ///
    /// # Errors
    /// Those of writing.
    fn write(&self, snapshot: &Snapshot, options: &Options, out: &mut dyn io::Write) -> io::Result<()>;
}

/// All forms, the usual one first.
pub static ALL: [&dyn Report; 3] = [&text::Text, &json::Json, &csv::Csv];

/// The form of this name.
pub fn by_name(name: &str) -> Option<&'static dyn Report> {
    ALL.into_iter().find(|report| report.name() == name)
}

#[cfg(test)]
mod tests;

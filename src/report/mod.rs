//! Reports: one snapshot as text, JSON or CSV. A new form is one file and one line here.

mod csv;
mod figures;
mod grid;
mod json;
mod measure;
mod text;

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
}

impl Default for Options {
    fn default() -> Options {
        Options { width: 100, zone: Zone::Local }
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

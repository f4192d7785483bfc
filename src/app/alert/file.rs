//! Alerts in a file: events `llm_alert`, one to a line, readable by its owner alone.

use super::courier::Failure;
use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// Appends an event with one write, so that a reader never sees half of it.
pub(super) fn append(path: &Path, event: &str) -> Result<(), Failure> {
    let written = || -> std::io::Result<()> {
        let mut file = OpenOptions::new().append(true).create(true).mode(0o600).open(path)?;
        file.write_all(format!("{event}\n").as_bytes())
    };
    written().map_err(|error| Failure::passing(format!("{}: {error}", path.display())))
}

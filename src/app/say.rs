//! What is told on standard error beside the work: a line of ours. Where nobody reads it, that is no failure of the work's.

use std::io::Write;

/// Tells a line.
pub fn say(line: &str) {
    let mut err = std::io::stderr().lock();
    let _ = writeln!(err, "llmtop: {line}").and_then(|()| err.flush());
}

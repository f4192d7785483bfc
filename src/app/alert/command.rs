//! Alerts to a program: JSON on its standard input, no shell between. What it prints goes nowhere, and it is ended, with
//! all that it has started, when it takes too long.

use super::courier::Failure;
use std::io::Write;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

/// How often it is asked whether it has ended.
const LOOK: Duration = Duration::from_millis(20);

/// Runs a program, for at most so long.
pub(super) fn run(command: &[String], event: &str, limit: Duration) -> Result<(), Failure> {
    let [program, arguments @ ..] = command else { return Ok(()) };
    // A group of its own: it can be ended as a whole, and the keys of the terminal do not reach it.
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
        .map_err(|error| Failure::lasting(format!("{program} cannot be started: {error}")))?;
    if let Some(mut stdin) = child.stdin.take() {
        // It fits into the pipe, so that this does not wait; a program that does not read it may have its reasons.
        let _ = stdin.write_all(format!("{event}\n").as_bytes());
    }
    match wait(&mut child, limit) {
        Ok(Some(status)) if status.success() => Ok(()),
        Ok(Some(status)) => Err(Failure::passing(format!("{program} failed ({status})"))),
        Ok(None) => Err(Failure::lasting(format!("{program} was ended after {} s", limit.as_secs()))),
        Err(error) => Err(Failure::lasting(format!("{program}: {error}"))),
    }
}

/// Waits for its end; `None` where it had to be ended.
fn wait(child: &mut Child, limit: Duration) -> std::io::Result<Option<ExitStatus>> {
    let looks = limit.as_millis() / LOOK.as_millis();
    for _ in 0..looks {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        std::thread::park_timeout(LOOK);
    }
    let group = i32::try_from(child.id()).unwrap_or_default();
    if group > 0 {
        // SAFETY: signals the group that this child was made the leader of, and that it has not been waited for.
        unsafe { libc::kill(-group, libc::SIGKILL) };
    }
    child.wait()?;
    Ok(None)
}

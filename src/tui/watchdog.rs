//! Ends the process when its terminal has gone and the screen does not end by itself: it may be within a library that reads
//! a terminal that is no more, again and again. What was committed is safe, as after any kill.

use super::terminal::{Keyboard, Pending, poll};
use std::io;
use std::os::fd::AsRawFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// How long the screen, and what feeds its store, have to end in order.
const PATIENCE: Duration = Duration::from_millis(1_500);

/// How often it is looked whether a signal came.
const LOOK: Duration = Duration::from_millis(250);

/// What a shell gives for a process that a hang-up ended.
const HUNG_UP: i32 = 128 + signal_hook::consts::SIGHUP;

/// Begins to watch; `signal` is the number of the signal that came, 0 before, and `grace` how long what is not of the screen
/// may go on.
///
/// # Errors
/// The thread cannot be started.
pub(super) fn start(keyboard: &Keyboard, signal: Arc<AtomicUsize>, grace: Duration) -> io::Result<()> {
    let device = keyboard.device()?;
    std::thread::Builder::new().name("watchdog".into()).spawn(move || {
        let hung_up = || signal.load(Ordering::Relaxed) == signal_hook::consts::SIGHUP as usize;
        while !hung_up() {
            match poll(device.as_raw_fd(), 0, LOOK) {
                Ok(Pending::Perhaps) => {}
                Ok(Pending::Gone) => break,
                // A terminal that cannot be asked is left to the screen.
                Err(_) => return,
            }
        }
        std::thread::sleep(PATIENCE.saturating_add(grace));
        std::process::exit(HUNG_UP);
    })?;
    Ok(())
}

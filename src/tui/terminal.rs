//! The terminal: taken over at the start, and given back however the program ends: return, error, panic, signal.

use super::mouse::Mouse;
use super::signal::{Signal, Terminal};
use crossterm::event::{DisableBracketedPaste, EnableBracketedPaste};
use crossterm::style::Print;
use crossterm::terminal::{EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode};
use crossterm::{cursor, execute};
use ratatui::backend::CrosstermBackend;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::mem::ManuallyDrop;
use std::ops::{Deref, DerefMut};
use std::os::fd::{AsFd, AsRawFd, OwnedFd, RawFd};
use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// The screen, written through a large buffer: one write a frame. It is never dropped: ratatui's then shows the cursor, which is
/// the guard's, and panics where neither the terminal nor standard error is there any more.
pub(super) struct Screen(ManuallyDrop<ratatui::Terminal<CrosstermBackend<BufWriter<File>>>>);

impl Deref for Screen {
    type Target = ratatui::Terminal<CrosstermBackend<BufWriter<File>>>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl DerefMut for Screen {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.0
    }
}

const BUFFER: usize = 64 << 10;

/// Whether the terminal is ours at the moment.
static TAKEN: AtomicBool = AtomicBool::new(false);

/// Whether the mouse is to be ours with it.
static MOUSE: AtomicBool = AtomicBool::new(false);

/// Buttons and wheel, in the form that knows no limit of columns. Moves are left alone: nobody asks for them, and they
/// are many on a slow line.
const MOUSE_ON: Print<&str> = Print("\x1b[?1000h\x1b[?1006h");
const MOUSE_OFF: Print<&str> = Print("\x1b[?1006l\x1b[?1000l");

/// The terminal while it is ours; dropping it gives it back.
pub(super) struct Guard;

impl Guard {
    /// Takes the terminal over, with the mouse where that is wanted.
    pub fn take(mouse: Mouse) -> io::Result<Guard> {
        hook_panics();
        MOUSE.store(mouse == Mouse::Used, Ordering::SeqCst);
        let guard = Guard;
        take()?;
        Ok(guard)
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        restore();
    }
}

fn take() -> io::Result<()> {
    enable_raw_mode()?;
    TAKEN.store(true, Ordering::SeqCst);
    execute!(tty()?, EnterAlternateScreen, EnableBracketedPaste, cursor::Hide)?;
    if MOUSE.load(Ordering::SeqCst) {
        execute!(tty()?, MOUSE_ON)?;
    }
    Ok(())
}

/// Gives the terminal back, once. What fails here has nowhere to be told.
fn restore() {
    if !TAKEN.swap(false, Ordering::SeqCst) {
        return;
    }
    if let Ok(mut tty) = tty() {
        if MOUSE.load(Ordering::SeqCst) {
            let _ = execute!(tty, MOUSE_OFF);
        }
        let _ = execute!(tty, DisableBracketedPaste, LeaveAlternateScreen, cursor::Show);
    }
    let _ = disable_raw_mode();
}

/// A panic gives the terminal back before it is told, so that its words are not lost with the other screen.
fn hook_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            restore();
            before(info);
        }));
    });
}

/// Standard output under a descriptor of its own: a thread that panics need not wait for whoever has locked the usual one.
fn tty() -> io::Result<File> {
    Ok(File::from(io::stdout().as_fd().try_clone_to_owned()?))
}

/// The screen on standard output.
pub(super) fn screen() -> io::Result<Screen> {
    let terminal = ratatui::Terminal::new(CrosstermBackend::new(BufWriter::with_capacity(BUFFER, tty()?)));
    terminal.map(|terminal| Screen(ManuallyDrop::new(terminal)))
}

/// The device that keys come from: standard input, or the controlling terminal where that is the log.
pub(super) struct Keyboard {
    device: Option<OwnedFd>,
}

/// What the keyboard has to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pending {
    /// Keys, a signal, or nothing within the time.
    Perhaps,
    /// The terminal has gone.
    Gone,
}

impl Keyboard {
    /// Opens the device.
    pub fn open() -> io::Result<Keyboard> {
        use std::io::IsTerminal;
        if io::stdin().is_terminal() {
            return Ok(Keyboard { device: None });
        }
        Ok(Keyboard { device: Some(File::open("/dev/tty")?.into()) })
    }

    /// Waits for keys. A terminal that has hung up is seen here, because reading it would never return.
    pub fn wait(&self, time: Duration) -> io::Result<Pending> {
        let fd = self.device.as_ref().map_or(libc::STDIN_FILENO, AsRawFd::as_raw_fd);
        poll(fd, libc::POLLIN, time)
    }

    /// The device under a descriptor of its own.
    pub fn device(&self) -> io::Result<OwnedFd> {
        match &self.device {
            Some(device) => device.try_clone(),
            None => io::stdin().as_fd().try_clone_to_owned(),
        }
    }
}

/// Waits for something to happen to a terminal; that it has gone is always told.
pub(super) fn poll(fd: RawFd, events: libc::c_short, time: Duration) -> io::Result<Pending> {
    let mut poll = libc::pollfd { fd, events, revents: 0 };
    let millis = i32::try_from(time.as_millis()).unwrap_or(i32::MAX);
    // SAFETY: one valid pollfd, alive for the whole call.
    let ready = unsafe { libc::poll(&raw mut poll, 1, millis) };
    match ready {
        -1 => match io::Error::last_os_error() {
            e if e.kind() == io::ErrorKind::Interrupted => Ok(Pending::Perhaps),
            e => Err(e),
        },
        0 => Ok(Pending::Perhaps),
        _ if poll.revents & (libc::POLLHUP | libc::POLLERR | libc::POLLNVAL) != 0 => Ok(Pending::Gone),
        _ => Ok(Pending::Perhaps),
    }
}

/// Asks the terminal to put a text into the clipboard (OSC 52).
pub(super) fn copy(text: &str) -> io::Result<()> {
    let mut out = tty()?;
    write!(out, "\x1b]52;c;{}\x07", base64(text.as_bytes()))?;
    out.flush()
}

/// Rings, and asks for notifications of the desktop.
pub(super) fn tell(signals: &[Signal]) -> io::Result<()> {
    if signals.is_empty() {
        return Ok(());
    }
    let (mut out, here) = (tty()?, Terminal::of(&|name| std::env::var_os(name)));
    signals.iter().try_for_each(|signal| out.write_all(signal.sequence(here).as_bytes()))?;
    out.flush()
}

/// Stops the program as a shell expects it, and takes the terminal again when it goes on.
pub(super) fn suspend() -> io::Result<()> {
    restore();
    signal_hook::low_level::raise(signal_hook::consts::SIGTSTP)?;
    take()
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let word = chunk.iter().fold(0u32, |w, b| w << 8 | u32::from(*b)) << (8 * (3 - chunk.len()));
        for i in 0..4 {
            let digit = DIGITS[(word >> (18 - 6 * i) & 63) as usize];
            out.push(if i <= chunk.len() { digit as char } else { '=' });
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::base64;

    #[test]
    fn base64_follows_rfc_4648() {
        let cases =
            [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("foobar", "Zm9vYmFy")];
        for (plain, coded) in cases {
            assert_eq!(base64(plain.as_bytes()), coded);
        }
    }
}

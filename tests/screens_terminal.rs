//! The loop of the screen in a pseudo-terminal: keys, sizes, a log on standard input, and the terminal given back after a
//! quit, a signal, a panic and a hang-up. The screen runs in this very test binary, started again as a child.

mod worlds;

use llmtop::snapshot::traces::Story;
use llmtop::snapshot::{Record, Snapshot};
use llmtop::tui::mouse::Mouse;
use llmtop::tui::{Backend, Exit, Live, Options, Signal, Ui, run};
use llmtop::view::{RecordKey, TraceId, View};
use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};
use std::io::{Read, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use vt100::MouseProtocolMode;
use worlds::{live, typical, ui};

/// Answers every view at once; falls over when a filter named `panic` is asked for.
struct Made {
    next: Mutex<Option<Arc<Snapshot>>>,
    record: Mutex<Option<RecordKey>>,
    signals: Mutex<Vec<Signal>>,
}

impl Backend for Made {
    fn ask(&self, view: &View) {
        assert!(!view.filter.to_string().contains("panic"), "asked to fall over");
        *self.next.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(typical(view)));
    }

    fn poll(&self) -> Option<Arc<Snapshot>> {
        self.next.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn live(&self) -> Live {
        live()
    }

    fn signals(&self) -> Vec<Signal> {
        std::mem::take(&mut *self.signals.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn detail(&self, key: RecordKey) {
        *self.record.lock().unwrap_or_else(PoisonError::into_inner) = Some(key);
    }

    fn story(&self, _: &TraceId) {}

    fn poll_story(&self) -> Option<(TraceId, Option<Story>)> {
        None
    }

    fn poll_detail(&self) -> Option<(RecordKey, Option<Record>)> {
        self.record.lock().unwrap_or_else(PoisonError::into_inner).take().map(|key| (key, None))
    }
}

/// The child: not a test of its own.
#[test]
#[ignore = "the screen that the other tests start"]
fn the_screen_itself() {
    let alert = std::env::var("ALERT").map_or_else(|_| Vec::new(), |text| vec![Signal::Bell, Signal::Desktop(text)]);
    let backend = Made { next: Mutex::new(None), record: Mutex::new(None), signals: Mutex::new(alert) };
    let mouse = if std::env::var_os("MOUSE").is_some() { Mouse::Used } else { Mouse::Ignored };
    let options = Options { ui: ui("overview", (80, 24)), mouse, now_us: worlds::NOW, grace: Duration::ZERO };
    match run(&backend, options) {
        Ok(Exit::Quit) => println!("left by quit"),
        Ok(Exit::Signal(number)) => println!("left by signal {number}"),
        Ok(Exit::Hangup) => println!("left by hang-up"),
        Err(error) => println!("left by error: {error}"),
    }
}

struct Terminal {
    master: Option<Box<dyn MasterPty + Send>>,
    keys: Option<Box<dyn Write + Send>>,
    child: Box<dyn Child + Send + Sync>,
    bytes: Receiver<Vec<u8>>,
    closed: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
    screen: vt100::Parser,
}

/// Waits a moment for bytes to read, so that a reader can also be stopped.
fn readable(fd: i32) -> bool {
    let mut poll = libc::pollfd { fd, events: libc::POLLIN, revents: 0 };
    // SAFETY: one valid pollfd, alive for the whole call; the descriptor is open while the reader runs.
    unsafe { libc::poll(&raw mut poll, 1, 50) > 0 }
}

/// Longer than anything here takes, even on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

impl Terminal {
    /// Starts the child under a shell line in which `$SCREEN` runs it.
    fn start(line: &str) -> Terminal {
        let size = PtySize { rows: 24, cols: 80, pixel_width: 0, pixel_height: 0 };
        let pair = native_pty_system().openpty(size).expect("a pseudo-terminal");
        let exe = std::env::current_exe().expect("this binary has a path");
        let screen = format!("'{}' --exact the_screen_itself --ignored --nocapture", exe.display());
        let mut command = CommandBuilder::new("sh");
        command.args(["-c", &line.replace("$SCREEN", &screen)]);
        command.env("TERM", "xterm-256color");
        let child = pair.slave.spawn_command(command).expect("a shell");
        drop(pair.slave);
        let mut reader = pair.master.try_clone_reader().expect("a reader");
        let (send, bytes) = channel();
        let closed = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&closed);
        let fd = pair.master.as_raw_fd().expect("a descriptor");
        let thread = std::thread::spawn(move || {
            let mut buffer = vec![0; 1 << 16];
            while !seen.load(Ordering::Relaxed) {
                if !readable(fd) {
                    continue;
                }
                match reader.read(&mut buffer) {
                    Ok(n @ 1..) if send.send(buffer[..n].to_vec()).is_ok() => {}
                    _ => return,
                }
            }
        });
        let keys = pair.master.take_writer().expect("a writer");
        let screen = vt100::Parser::new(24, 80, 0);
        Terminal { master: Some(pair.master), keys: Some(keys), child, bytes, closed, thread: Some(thread), screen }
    }

    /// Closes our side of the terminal, the reader's too.
    fn hang_up(&mut self) {
        self.closed.store(true, Ordering::Relaxed);
        self.thread.take().map(JoinHandle::join);
        (self.keys, self.master) = (None, None);
    }

    fn press(&mut self, keys: &str) {
        let writer = self.keys.as_mut().expect("still open");
        writer.write_all(keys.as_bytes()).and_then(|()| writer.flush()).expect("the child reads keys");
    }

    fn resize(&mut self, rows: u16, cols: u16) {
        let size = PtySize { rows, cols, pixel_width: 0, pixel_height: 0 };
        self.master.as_ref().expect("still open").resize(size).expect("a new size");
        self.screen.screen_mut().set_size(rows, cols);
    }

    /// Reads until the screen satisfies the condition.
    fn until(&mut self, what: &str, condition: impl Fn(&vt100::Screen) -> bool) {
        let start = Instant::now();
        while !condition(self.screen.screen()) {
            let left = PATIENCE.saturating_sub(start.elapsed());
            match self.bytes.recv_timeout(left) {
                Ok(bytes) => self.screen.process(&bytes),
                Err(_) => panic!("never saw {what}; the screen was:\n{}", self.screen.screen().contents()),
            }
        }
    }

    /// Presses and lets go the left button on a text in one of the rows from this one on.
    fn click(&mut self, from: usize, text: &str) {
        let wanted = text.to_owned();
        let place = move |screen: &vt100::Screen| {
            screen.rows(0, u16::MAX).enumerate().skip(from).find_map(|(y, row)| {
                let at = row.find(&wanted)?;
                Some((row[..at].chars().count() + 1, y + 1))
            })
        };
        let seen = place.clone();
        self.until(text, move |screen| seen(screen).is_some());
        let (x, y) = place(self.screen.screen()).expect("just seen");
        self.press(&format!("\x1b[<0;{x};{y}M\x1b[<0;{x};{y}m"));
    }

    fn shows(&mut self, text: &str) {
        let wanted = text.to_owned();
        self.until(text, move |screen| screen.contents().contains(&wanted));
    }

    /// Waits for the end and checks that the terminal is as it was.
    fn ends_with(&mut self, words: &str) {
        self.shows(words);
        assert!(!self.screen.screen().alternate_screen(), "the other screen is left");
        assert!(!self.screen.screen().hide_cursor(), "the cursor is shown");
        assert!(!self.screen.screen().bracketed_paste(), "pasting is as before");
        assert_eq!(self.screen.screen().mouse_protocol_mode(), MouseProtocolMode::None, "the mouse is the terminal's");
        self.child.wait().expect("the child ends");
    }
}

/// The key of a pane.
fn key_of(pane: &str) -> String {
    let number = Ui::pane_names().position(|name| name == pane).expect("a pane");
    "1234567890".chars().nth(number).expect("it has a key").to_string()
}

#[test]
fn keys_sizes_and_quit() {
    let mut terminal = Terminal::start("$SCREEN; stty -a");
    terminal.shows("1 Over");
    terminal.shows("gpt-4.1");
    assert!(terminal.screen.screen().alternate_screen());
    terminal.press("2");
    terminal.shows("distribution");
    terminal.resize(40, 120);
    terminal.shows("where the time goes");
    terminal.press(&key_of("requests"));
    terminal.shows("in this window");
    terminal.press("\r");
    terminal.shows("covered; m shows it");
    terminal.press("\x1b");
    terminal.shows("newest first");
    terminal.press("/nosuch:\r");
    terminal.shows("no field");
    terminal.press("\x1b");
    terminal.until("the line gone", |screen| !screen.contents().contains("no field"));
    terminal.press("q");
    terminal.shows("left by quit");
    terminal.shows(" icanon");
    assert!(terminal.screen.screen().contents().contains(" echo "), "the terminal echoes again");
    terminal.ends_with("left by quit");
}

#[test]
fn the_mouse_goes_to_panes_and_into_rows_and_is_given_back() {
    let mut terminal = Terminal::start("MOUSE=1 $SCREEN");
    terminal.shows("gpt-4.1");
    assert_eq!(terminal.screen.screen().mouse_protocol_mode(), MouseProtocolMode::PressRelease);
    terminal.click(23, &key_of("requests"));
    terminal.shows("in this window");
    terminal.click(6, "gpt-4.1");
    // The wheel moves the cursor, so the next click is a first one again.
    terminal.press("\x1b[<65;5;5M\x1b[<64;5;5M");
    terminal.click(8, "gpt-4.1");
    terminal.click(8, "gpt-4.1");
    terminal.shows("covered; m shows it");
    terminal.press("q");
    terminal.ends_with("left by quit");
}

#[test]
fn without_being_asked_for_the_mouse_stays_the_terminals() {
    let mut terminal = Terminal::start("$SCREEN");
    terminal.shows("gpt-4.1");
    assert_eq!(terminal.screen.screen().mouse_protocol_mode(), MouseProtocolMode::None);
    terminal.press("q");
    terminal.ends_with("left by quit");
}

#[test]
fn an_alert_rings_and_asks_for_a_notification_once() {
    let mut terminal = Terminal::start("TERM=xterm ALERT='FIRED prod; 5 %' $SCREEN");
    let (mut raw, told) = (Vec::new(), "\x07\x1b]9;llmtop: FIRED prod; 5 %\x07");
    let count = |raw: &[u8]| String::from_utf8_lossy(raw).matches(told).count();
    while count(&raw) == 0 {
        let bytes = terminal.bytes.recv_timeout(PATIENCE).expect("the alert is told");
        terminal.screen.process(&bytes);
        raw.extend(bytes);
    }
    terminal.shows("prod-api.jsonl");
    terminal.press("q");
    terminal.ends_with("left by quit");
    assert_eq!(count(&raw), 1);
}

#[test]
fn keys_come_from_the_terminal_while_the_log_comes_by_pipe() {
    let mut terminal = Terminal::start("echo '{\"event\":\"llm_call\"}' | $SCREEN");
    terminal.shows("gpt-4.1");
    terminal.press("5");
    terminal.shows("alike messages");
    terminal.press("q");
    terminal.ends_with("left by quit");
}

#[test]
fn a_signal_gives_the_terminal_back() {
    let mut terminal = Terminal::start("export MOUSE=1; exec $SCREEN");
    terminal.shows("gpt-4.1");
    let pid = i32::try_from(terminal.child.process_id().expect("it runs")).expect("a process id");
    // SAFETY: kill has no memory effects; the process is our own child, not waited for yet.
    assert_eq!(unsafe { libc::kill(pid, libc::SIGTERM) }, 0);
    terminal.ends_with("left by signal 15");
}

#[test]
fn a_panic_gives_the_terminal_back_and_is_told() {
    let mut terminal = Terminal::start("MOUSE=1 $SCREEN 2>&1");
    terminal.shows("gpt-4.1");
    terminal.press("/panic\r");
    terminal.ends_with("asked to fall over");
}

#[test]
fn a_terminal_that_goes_ends_the_screen() {
    let mut terminal = Terminal::start("exec $SCREEN");
    terminal.shows("gpt-4.1");
    terminal.hang_up();
    let start = Instant::now();
    while terminal.child.try_wait().expect("our child").is_none() {
        assert!(start.elapsed() < PATIENCE, "the screen outlives its terminal");
        std::thread::park_timeout(Duration::from_millis(20));
    }
}

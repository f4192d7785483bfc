//! The loop of the screen: keys in, frames out, snapshots as they come. The main thread; the only place of the screen
//! that knows the time, and only to wait.

use super::frame;
use super::keys::{Action, lookup};
use super::live::Live;
use super::mouse::{self, Mouse, Spots};
use super::signal::Signal;
use super::terminal::{self, Guard, Keyboard, Pending, Screen};
use super::ui::{Effect, Ui};
use super::watchdog;
use crate::snapshot::traces::Story;
use crate::snapshot::{Record, Snapshot};
use crate::view::{RecordKey, TraceId, View};
use crossterm::event::{self, Event, KeyEventKind, MouseEvent};
use crossterm::terminal::{BeginSynchronizedUpdate, EndSynchronizedUpdate};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// Where snapshots and records come from. Every call returns at once.
pub trait Backend {
    /// Asks for the answer to a view, again and again until another one is asked for.
    fn ask(&self, view: &View);
    /// The newest answer since the last call, if there is one.
    fn poll(&self) -> Option<Arc<Snapshot>>;
    /// The state of the feed.
    fn live(&self) -> Live;
    /// What the person is to be told aloud, once each.
    fn signals(&self) -> Vec<Signal> {
        Vec::new()
    }
    /// Asks for one record with its text.
    fn detail(&self, key: RecordKey);
    /// Asks for a trace or a conversation.
    fn story(&self, id: &TraceId);
    /// The one asked for, once it has come; without it where the store has nothing of that id.
    fn poll_story(&self) -> Option<(TraceId, Option<Story>)>;
    /// The record asked for, once it has come; without a record where the store has none of this key.
    fn poll_detail(&self) -> Option<(RecordKey, Option<Record>)>;
}

/// What the screen starts with.
#[derive(Debug, Clone)]
pub struct Options {
    /// The state at the start.
    pub ui: Ui,
    /// Whether the mouse is listened to.
    pub mouse: Mouse,
    /// The present, µs since the Unix epoch, for the times shown until the first snapshot has come.
    pub now_us: i64,
}

/// Why the screen ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// The person left.
    Quit,
    /// A signal of this number came.
    Signal(i32),
    /// The terminal has gone.
    Hangup,
}

/// What can go wrong with the terminal.
#[derive(Debug, thiserror::Error)]
pub enum TuiError {
    /// There is no terminal for the keys.
    #[error("no terminal to read keys from; `llmtop report` prints the figures without one")]
    NoKeyboard(#[source] io::Error),
    /// The terminal could not be prepared.
    #[error("the terminal could not be prepared for the screen")]
    Setup(#[source] io::Error),
    /// A frame could not be written.
    #[error("a frame could not be written to the terminal")]
    Draw(#[source] io::Error),
    /// Keys could not be read.
    #[error("keys could not be read from the terminal")]
    Keys(#[source] io::Error),
}

/// Longest wait for a key before the backend is looked at again.
const WAIT: Duration = Duration::from_millis(100);
/// The same while an answer is awaited.
const AWAITING: Duration = Duration::from_millis(8);
/// Shortest time between frames that no key asked for.
const FRAME: Duration = Duration::from_millis(200);

/// Runs the screen until the person leaves, a signal comes or the terminal goes.
///
/// # Errors
/// Where the terminal cannot be prepared, written or read; it has been restored by then.
pub fn run(backend: &dyn Backend, options: Options) -> Result<Exit, TuiError> {
    let signals = Signals::watch().map_err(TuiError::Setup)?;
    let keyboard = Keyboard::open().map_err(TuiError::NoKeyboard)?;
    watchdog::start(&keyboard, Arc::clone(&signals.seen)).map_err(TuiError::Setup)?;
    let guard = Guard::take(options.mouse).map_err(TuiError::Setup)?;
    let screen = terminal::screen().map_err(TuiError::Setup)?;
    let mut session = Session::new(backend, screen, options);
    let exit = session.run(&keyboard, &signals);
    drop(guard);
    exit
}

struct Session<'a> {
    backend: &'a dyn Backend,
    screen: Screen,
    ui: Ui,
    snapshot: Arc<Snapshot>,
    live: Live,
    /// What is drawn, and what can be clicked on it.
    drawn_of: (Arc<Snapshot>, Spots),
    changed: Changed,
    drawn: Instant,
}

/// What has changed since the last frame; a key is answered at once, figures may wait a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Changed {
    Nothing,
    Figures,
    Keys,
}

impl<'a> Session<'a> {
    fn new(backend: &'a dyn Backend, screen: Screen, options: Options) -> Session<'a> {
        let mut ui = options.ui;
        if let Ok(size) = screen.size() {
            ui.resize(size.width, size.height);
        }
        // It answers no question of ours, and so is shown as not answered yet.
        let snapshot = Snapshot { view: View::default(), ..Snapshot::empty(ui.view(), options.now_us) };
        let snapshot = Arc::new(snapshot);
        let (live, drawn_of) = (backend.live(), (Arc::clone(&snapshot), Spots::default()));
        let (changed, drawn) = (Changed::Keys, Instant::now());
        Session { backend, screen, ui, snapshot, live, drawn_of, changed, drawn }
    }

    fn run(&mut self, keyboard: &Keyboard, signals: &Signals) -> Result<Exit, TuiError> {
        self.backend.ask(&self.ui.view());
        loop {
            self.look();
            terminal::tell(&self.backend.signals()).map_err(TuiError::Draw)?;
            self.draw_if_due()?;
            if let Some(signal) = signals.seen() {
                return Ok(Exit::Signal(signal));
            }
            if keyboard.wait(self.wait()).map_err(TuiError::Keys)? == Pending::Gone {
                return Ok(Exit::Hangup);
            }
            // Without a key there may still be a change of size: its signal can go to any thread.
            if let Some(exit) = self.read_events(keyboard)? {
                return Ok(exit);
            }
        }
    }

    fn wait(&self) -> Duration {
        match self.changed {
            Changed::Nothing if self.snapshot.view != self.ui.view() => AWAITING,
            Changed::Nothing => WAIT,
            _ => FRAME.saturating_sub(self.drawn.elapsed()).min(WAIT),
        }
    }

    /// Takes in what the backend has.
    fn look(&mut self) {
        if let Some(next) = self.backend.poll()
            && self.ui.wants(&self.snapshot, &next)
        {
            // What a key has asked for is shown at once.
            let changed = if next.view == self.snapshot.view { Changed::Figures } else { Changed::Keys };
            if let Some(id) = self.ui.unfinished(next.now_us) {
                self.backend.story(&id);
            }
            self.snapshot = next;
            self.note(changed);
        }
        if let Some((key, record)) = self.backend.poll_detail() {
            self.ui.take_record(key, record);
            self.note(Changed::Keys);
        }
        if let Some((id, story)) = self.backend.poll_story() {
            self.ui.take_story(&id, story);
            self.note(Changed::Keys);
        }
        let live = self.backend.live();
        if live != self.live {
            self.live = live;
            self.note(Changed::Figures);
        }
    }

    fn note(&mut self, changed: Changed) {
        self.changed = self.changed.max(changed);
    }

    fn draw_if_due(&mut self) -> Result<(), TuiError> {
        let due = match self.changed {
            Changed::Nothing => false,
            Changed::Figures => self.drawn.elapsed() >= FRAME,
            Changed::Keys => true,
        };
        if !due {
            return Ok(());
        }
        let (snapshot, live, ui) = (&self.snapshot, &self.live, &self.ui);
        let mut spots = Spots::default();
        let drawn = (|| {
            crossterm::queue!(self.screen.backend_mut(), BeginSynchronizedUpdate)?;
            self.screen.draw(|f| spots = frame::paint(f.buffer_mut(), snapshot, live, ui))?;
            crossterm::execute!(self.screen.backend_mut(), EndSynchronizedUpdate)
        })();
        drawn.map_err(TuiError::Draw)?;
        self.drawn_of = (Arc::clone(&self.snapshot), spots);
        self.changed = Changed::Nothing;
        self.drawn = Instant::now();
        Ok(())
    }

    /// Takes in all keys that are there. A terminal that has gone must not be read from: the reading would never end.
    fn read_events(&mut self, keyboard: &Keyboard) -> Result<Option<Exit>, TuiError> {
        loop {
            if keyboard.wait(Duration::ZERO).map_err(TuiError::Keys)? == Pending::Gone {
                return Ok(Some(Exit::Hangup));
            }
            if !event::poll(Duration::ZERO).map_err(TuiError::Keys)? {
                return Ok(None);
            }
            let effect = match event::read().map_err(TuiError::Keys)? {
                Event::Key(key) if key.kind != KeyEventKind::Release => match lookup(self.ui.context(), key) {
                    Some(action) => self.ui.update(action, &self.snapshot),
                    None => Effect::None,
                },
                Event::Mouse(event) => match self.point(event) {
                    Some(effect) => effect,
                    None => continue,
                },
                Event::Paste(text) => self.paste(&text),
                Event::Resize(columns, rows) => self.ui.resize(columns, rows),
                _ => continue,
            };
            self.note(Changed::Keys);
            if self.take_effect(effect)? == Flow::Leave {
                return Ok(Some(Exit::Quit));
            }
        }
    }

    /// What the mouse does is meant for what is drawn, even if newer figures have come since.
    fn point(&mut self, event: MouseEvent) -> Option<Effect> {
        let (snapshot, spots) = &self.drawn_of;
        let action = mouse::lookup(self.ui.context(), event, spots)?;
        Some(self.ui.update(action, snapshot))
    }

    /// A pasted text goes into the line being typed; elsewhere it would be a row of surprising keys.
    fn paste(&mut self, text: &str) -> Effect {
        if self.ui.context() == super::keys::Context::Line {
            text.chars().for_each(|c| drop(self.ui.update(Action::Type(c), &self.snapshot)));
        }
        Effect::None
    }

    fn take_effect(&mut self, effect: Effect) -> Result<Flow, TuiError> {
        match effect {
            Effect::None => {}
            Effect::Ask => self.backend.ask(&self.ui.view()),
            Effect::Detail(key) => self.backend.detail(key),
            Effect::Story(id) => self.backend.story(&id),
            Effect::Copy(text) => terminal::copy(&text).map_err(TuiError::Draw)?,
            Effect::Redraw => self.screen.clear().map_err(TuiError::Draw)?,
            Effect::Suspend => {
                terminal::suspend().map_err(TuiError::Setup)?;
                self.screen.clear().map_err(TuiError::Draw)?;
            }
            Effect::Quit => return Ok(Flow::Leave),
        }
        Ok(Flow::Stay)
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Flow {
    Stay,
    Leave,
}

/// The signals that end the screen.
struct Signals {
    seen: Arc<AtomicUsize>,
    ids: Vec<signal_hook::SigId>,
}

impl Signals {
    fn watch() -> io::Result<Signals> {
        let mut signals = Signals { seen: Arc::new(AtomicUsize::new(0)), ids: Vec::new() };
        for signal in [SIGTERM, SIGHUP, SIGINT] {
            let seen = Arc::clone(&signals.seen);
            signals.ids.push(signal_hook::flag::register_usize(signal, seen, signal as usize)?);
        }
        Ok(signals)
    }

    fn seen(&self) -> Option<i32> {
        match self.seen.load(Ordering::Relaxed) {
            0 => None,
            signal => i32::try_from(signal).ok(),
        }
    }
}

impl Drop for Signals {
    fn drop(&mut self) {
        for id in self.ids.drain(..) {
            signal_hook::low_level::unregister(id);
        }
    }
}

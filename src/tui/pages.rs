//! Pages of text, each answered by one key: for commands that ask a person about one thing after another.

use super::clean::{clean, fit, wrap};
use super::mouse::Mouse;
use super::terminal::{Guard, Keyboard, Pending};
use super::watchdog;
use crossterm::cursor::MoveTo;
use crossterm::event::{Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use crossterm::style::{Attribute, Print, SetAttribute};
use crossterm::terminal::{Clear, ClearType};
use crossterm::{event, queue};
use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// A page.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Page {
    /// The line above.
    pub head: String,
    /// The texts, each under a heading of its own; hostile, as all text of logs.
    pub texts: Vec<(String, String)>,
    /// The line below: what the keys do.
    pub foot: String,
}

/// Most rows of one text.
const ROWS: usize = 5_000;

impl Page {
    /// Its rows at a width, each with whether it is a heading.
    fn rows(&self, width: usize) -> Vec<(String, bool)> {
        let mut rows = Vec::new();
        for (heading, text) in &self.texts {
            rows.push((clean(heading).into_owned(), true));
            rows.extend(wrap(text, width, ROWS).into_iter().map(|row| (row, false)));
            rows.push((String::new(), false));
        }
        rows
    }

    /// The screen at a size, scrolled by so many rows: each row with whether it stands out.
    pub fn screen(&self, (width, height): (u16, u16), scroll: usize) -> Vec<(String, bool)> {
        let (width, height) = (usize::from(width), usize::from(height));
        let rows = self.rows(width.saturating_sub(2).max(1));
        let room = height.saturating_sub(3);
        let below = rows.len().saturating_sub(room);
        let scroll = scroll.min(below);
        let more = if below > scroll { format!("   {} rows more below", below - scroll) } else { String::new() };
        let mut out = vec![(fit(&clean(&format!("{}{more}", self.head)), width).into_owned(), true)];
        out.push((String::new(), false));
        out.extend(rows.into_iter().skip(scroll).take(room));
        out.resize(height.saturating_sub(1).max(1), (String::new(), false));
        out.push((fit(&clean(&self.foot), width).into_owned(), true));
        out.truncate(height.max(1));
        out
    }

    /// How far it can be scrolled at a size.
    fn most(&self, (width, height): (u16, u16)) -> usize {
        let rows = self.rows(usize::from(width).saturating_sub(2).max(1)).len();
        rows.saturating_sub(usize::from(height).saturating_sub(3))
    }
}

/// The terminal, while pages are shown on it.
pub struct Pages {
    _guard: Guard,
    keyboard: Keyboard,
    stopped: Arc<AtomicBool>,
}

/// How often it is seen whether a signal came.
const LOOK: Duration = Duration::from_millis(200);

impl Pages {
    /// Takes the terminal over until it is dropped.
    ///
    /// # Errors
    /// There is none, or it refuses.
    pub fn open() -> io::Result<Pages> {
        use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
        let stopped = Arc::new(AtomicBool::new(false));
        for signal in [SIGINT, SIGTERM, SIGHUP] {
            signal_hook::flag::register(signal, Arc::clone(&stopped))?;
        }
        let keyboard = Keyboard::open()?;
        watchdog::start(&keyboard, Arc::default(), Duration::ZERO)?;
        Ok(Pages { keyboard, _guard: Guard::take(Mouse::Ignored)?, stopped })
    }

    /// Shows a page until one of some keys is pressed; `q` for Esc, interrupts and signals, whether it is one of them or not.
    ///
    /// # Errors
    /// Those of the terminal.
    pub fn ask(&mut self, page: &Page, keys: &str) -> io::Result<char> {
        let mut scroll = 0usize;
        loop {
            let size = crossterm::terminal::size()?;
            scroll = scroll.min(page.most(size));
            draw(&page.screen(size, scroll))?;
            let Some(key) = self.key()? else { return Ok('q') };
            let room = usize::from(size.1).saturating_sub(4).max(1);
            match key.code {
                KeyCode::Esc => return Ok('q'),
                KeyCode::Char('c') if key.modifiers.contains(KeyModifiers::CONTROL) => return Ok('q'),
                KeyCode::Char(c) if keys.contains(c) => return Ok(c),
                KeyCode::Char('j') | KeyCode::Down => scroll += 1,
                KeyCode::Char('k') | KeyCode::Up => scroll = scroll.saturating_sub(1),
                KeyCode::PageDown | KeyCode::Char(' ') => scroll += room,
                KeyCode::PageUp => scroll = scroll.saturating_sub(room),
                KeyCode::Char('g') | KeyCode::Home => scroll = 0,
                KeyCode::Char('G') | KeyCode::End => scroll = usize::MAX,
                _ => {}
            }
        }
    }

    /// The next key, or a change of size as a key that means nothing; `None` where the program is to end. A terminal that has
    /// gone must not be read from, nor waited for by who would read: that would never end.
    fn key(&self) -> io::Result<Option<KeyEvent>> {
        let mut patience = Duration::ZERO;
        loop {
            if self.stopped.load(Ordering::Acquire) || self.keyboard.wait(patience)? == Pending::Gone {
                return Ok(None);
            }
            patience = if event::poll(Duration::ZERO)? { Duration::ZERO } else { LOOK };
            if patience.is_zero() {
                match event::read()? {
                    Event::Key(key) if key.kind != KeyEventKind::Release => return Ok(Some(key)),
                    Event::Resize(..) => return Ok(Some(KeyEvent::new(KeyCode::Null, KeyModifiers::NONE))),
                    _ => {}
                }
            }
        }
    }
}

fn draw(rows: &[(String, bool)]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    for (y, (row, stands_out)) in rows.iter().enumerate() {
        let attribute = if *stands_out { Attribute::Bold } else { Attribute::Reset };
        queue!(out, MoveTo(0, y as u16), SetAttribute(Attribute::Reset), SetAttribute(attribute), Print(row))?;
        queue!(out, SetAttribute(Attribute::Reset), Clear(ClearType::UntilNewLine))?;
    }
    out.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page() -> Page {
        let text = |name: &str, text: &str| (name.to_owned(), text.to_owned());
        Page {
            head: "call 3 of 50".to_owned(),
            texts: vec![text("prompt", "What is\nthe capital of France?"), text("answer", "\u{1b}[2JParis")],
            foot: "y yes   n no   q quit".to_owned(),
        }
    }

    #[test]
    fn a_page_has_its_texts_and_nothing_that_steers() {
        let rows: Vec<String> = page().screen((40, 12), 0).into_iter().map(|(row, _)| row).collect();
        assert_eq!(rows.len(), 12);
        assert_eq!(rows[0], "call 3 of 50");
        assert_eq!(rows[11], "y yes   n no   q quit");
        assert!(rows.iter().all(|row| !row.contains('\u{1b}')) && rows.iter().any(|row| row.contains("Paris")));
    }

    #[test]
    fn a_small_screen_scrolls_and_nothing_panics() {
        let page = page();
        assert!(page.screen((40, 5), 0)[0].0.contains("5 rows more below"), "{:?}", page.screen((40, 5), 0));
        assert!(page.screen((40, 5), 99).iter().any(|(row, _)| row.contains("Paris")));
        for (width, height) in (0..30).flat_map(|w| (0..12).map(move |h| (w, h))) {
            assert!(page.screen((width, height), 3).len() <= usize::from(height).max(1));
        }
    }
}

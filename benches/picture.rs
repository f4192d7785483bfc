//! Draws the README's picture, `assets/overview.svg`: a real frame of the demo's overview, from its log lines through the
//! pipeline and the store. The seed and the clock are fixed, so the picture changes only when the program does:
//! `cargo run --release --example picture [PANE [dark|light [FILE]]]`; `-` is standard output.

use llmtop::pipeline::{self, OnRefusal, Progress, Settings};
use llmtop::snapshot::Snapshot;
use llmtop::source::demo::{Demo, Player};
use llmtop::source::{Message, Sender, SourceError, Stop};
use llmtop::store::sqlite::{SqliteReader, SqliteStore};
use llmtop::store::{Patient, Reader};
use llmtop::tui::{self, Feed, Live, Theme, Ui, picture};
use llmtop::units::Zone;
use llmtop::view::{Anchor, Filter, Window};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use std::error::Error;
use std::path::Path;
use std::sync::Arc;

const SEED: u64 = 1;
/// 2026-05-01T14:17:00Z, µs.
const NOW_US: i64 = 1_777_645_020_000_000;
const MINUTE_US: i64 = 60_000_000;
const SIZE: (u16, u16) = (160, 44);

fn main() -> Result<(), Box<dyn Error>> {
    let mut words = std::env::args().skip(1);
    let pane = words.next().unwrap_or_else(|| "overview".to_owned());
    let theme = words.next().map_or(Some(Theme::Dark), |word| Theme::from_word(&word)).ok_or("dark, light or mono")?;
    let file = words.next().unwrap_or_else(|| format!("{}/assets/{pane}.svg", env!("CARGO_MANIFEST_DIR")));
    let mut ui = Ui::new(Window::last(60 * MINUTE_US, Anchor::Auto), Filter::default());
    (ui.pane, ui.theme, ui.size, ui.zone) = (Ui::pane_named(&pane)?, theme, SIZE, Zone::Utc);
    let folder = tempfile::tempdir()?;
    let snapshot = answer(&folder.path().join("demo.db"), &ui)?;
    let svg = picture::picture(&frame(&snapshot, &ui), theme);
    match file.as_str() {
        "-" => print!("{svg}"),
        file => std::fs::write(file, svg).map_err(|e| format!("{file}: {e}"))?,
    }
    Ok(())
}

/// The demo's past in a new store, and what that answers to the screen's view.
fn answer(path: &Path, ui: &Ui) -> Result<Snapshot, Box<dyn Error>> {
    let settings = Settings {
        parsers: 1,
        on_refusal: OnRefusal::Fail,
        prices: Arc::default(),
        now_us: || NOW_US,
        ticks: llmtop::clock::ticks,
    };
    let mut store = SqliteStore::open(path)?;
    pipeline::run(past, &mut store, &settings, &Arc::<Progress>::default(), &Stop::new())?;
    Ok(SqliteReader::open(path)?.snapshot(&ui.view(), NOW_US, &Patient)?)
}

fn past(out: Sender, _: Stop) -> Result<(), SourceError> {
    let demo = Demo::new(SEED, NOW_US - 130 * MINUTE_US).story(NOW_US - 60 * MINUTE_US);
    let mut player = Player::new(demo);
    while let Some(chunk) = player.due(NOW_US) {
        out.send(Message::Chunk(chunk)).map_err(|_| SourceError::Closed)?;
    }
    Ok(())
}

fn frame(snapshot: &Snapshot, ui: &Ui) -> Buffer {
    let live = Live { source: "demo".to_owned(), feed: Feed::Live, ..Live::default() };
    let mut buffer = Buffer::empty(Rect::new(0, 0, SIZE.0, SIZE.1));
    tui::paint(&mut buffer, snapshot, &live, ui);
    buffer
}

//! How long a frame takes: the overview at 200×60 and 80×24, drawn, compared with the frame before and written through a
//! buffer, figures changing between frames. `cargo bench --bench frame` prints median and 99th percentile in µs.

#[path = "../tests/common/mod.rs"]
mod common;

use common::{live, typical, ui};
use ratatui::backend::CrosstermBackend;
use ratatui::layout::Rect;
use ratatui::{Terminal, TerminalOptions, Viewport};
use std::cell::Cell;
use std::io::{BufWriter, Write};
use std::rc::Rc;
use std::time::Instant;

const FRAMES: usize = 2_000;

/// Counts what a terminal would get.
#[derive(Clone, Default)]
struct Counter(Rc<Cell<usize>>);

impl Write for Counter {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.set(self.0.get() + bytes.len());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn main() -> std::io::Result<()> {
    println!("{:<22}{:>12}{:>12}{:>14}", "frame", "median µs", "p99 µs", "bytes/frame");
    for (pane, size) in
        [("overview", (200, 60)), ("latency", (200, 60)), ("requests", (200, 60)), ("overview", (80, 24))]
    {
        measure(pane, size)?;
    }
    Ok(())
}

fn measure(pane: &str, size: (u16, u16)) -> std::io::Result<()> {
    let ui = ui(pane, size);
    let one = typical(&ui.view());
    // The same afternoon a step later: every chart and every figure moves.
    let mut two = one.clone();
    two.chart.points.rotate_left(1);
    two.totals.calls += 17;
    two.totals.latency_us.p95 = two.totals.latency_us.p95.map(|v| v * 1.01);
    two.records.rotate_left(1);
    two.errors.rotate_left(1);
    let counter = Counter::default();
    let out = BufWriter::with_capacity(64 << 10, counter.clone());
    let viewport = Viewport::Fixed(Rect::new(0, 0, size.0, size.1));
    let mut terminal = Terminal::with_options(CrosstermBackend::new(out), TerminalOptions { viewport })?;
    let mut took = Vec::with_capacity(FRAMES);
    for i in 0..FRAMES {
        let snapshot = if i % 2 == 0 { &one } else { &two };
        let start = Instant::now();
        terminal.draw(|frame| llmtop::tui::draw(frame, snapshot, &live(), &ui))?;
        took.push(start.elapsed().as_nanos() as f64 / 1_000.0);
    }
    took.sort_by(f64::total_cmp);
    let bytes = counter.0.get() / FRAMES;
    let name = format!("{pane} {}x{}", size.0, size.1);
    println!("{name:<22}{:>12.0}{:>12.0}{bytes:>14}", took[FRAMES / 2], took[FRAMES * 99 / 100]);
    Ok(())
}

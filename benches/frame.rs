//! How long a frame takes: the overview at 200×60 and 80×24, drawn, compared with the frame before and written through a
//! buffer, figures changing between frames. `cargo bench --bench frame` prints median and 99th
//! percentile of the CPU time in µs, which other programs do not disturb.

#[path = "../tests/worlds/mod.rs"]
mod worlds;

use llmtop::snapshot::Point;
use ratatui::backend::CrosstermBackend;
use ratatui::layout::Rect;
use ratatui::{Terminal, TerminalOptions, Viewport};
use std::cell::Cell;
use std::io::{BufWriter, Write};
use std::rc::Rc;
use worlds::{live, typical, ui};

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

/// CPU time of this thread, ns.
fn cpu_ns() -> i64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: a valid place to write to; the clock exists on every Unix this runs on.
    unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut time) };
    time.tv_sec * 1_000_000_000 + time.tv_nsec
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
    for (to, from) in two.chart.points.iter_mut().zip(one.chart.points.iter().cycle().skip(1)) {
        *to = Point { range: to.range, ..from.clone() };
    }
    two.totals.calls += 17;
    two.totals.latency_us.p95 = two.totals.latency_us.p95.map(|v| v * 1.01);
    for list in [&mut two.records, &mut two.errors] {
        let first = usize::from(!list.is_empty());
        list.rotate_left(first);
    }
    let counter = Counter::default();
    let out = BufWriter::with_capacity(64 << 10, counter.clone());
    let viewport = Viewport::Fixed(Rect::new(0, 0, size.0, size.1));
    let mut terminal = Terminal::with_options(CrosstermBackend::new(out), TerminalOptions { viewport })?;
    let mut took = Vec::with_capacity(FRAMES);
    for i in 0..FRAMES {
        let snapshot = if i % 2 == 0 { &one } else { &two };
        let start = cpu_ns();
        terminal.draw(|frame| llmtop::tui::draw(frame, snapshot, &live(), &ui))?;
        took.push((cpu_ns() - start) as f64 / 1_000.0);
    }
    took.sort_by(f64::total_cmp);
    let bytes = counter.0.get() / FRAMES;
    let name = format!("{pane} {}x{}", size.0, size.1);
    println!("{name:<22}{:>12.0}{:>12.0}{bytes:>14}", took[FRAMES / 2], took[FRAMES * 99 / 100]);
    Ok(())
}

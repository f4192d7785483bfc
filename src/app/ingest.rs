//! `llmtop ingest`: loads logs into the store, with a progress bar, and says what became of every line.

use super::feed::{self, Feed, Read};
use super::kept::Kept;
use super::setup;
use crate::cli::IngestArgs;
use crate::clock;
use crate::config::Effective;
use crate::event::Reason;
use crate::pipeline::{Counts, Progress};
use crate::source::{Follow, Stop};
use crate::store::Store;
use crate::units::{bytes, compact, count, duration_us};
use anyhow::Result;
use std::io::{IsTerminal, Write};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};
use std::time::Duration;

/// How often the progress bar is drawn.
const DRAW: Duration = Duration::from_millis(100);

/// Loads what is named and prints a summary.
pub fn run(args: &IngestArgs, settings: &Effective, out: &mut dyn Write) -> Result<ExitCode> {
    let prices = setup::prices(settings)?;
    let mut store = Kept::open(settings.config.store()?, &settings.config.retention)?;
    let feed = Feed::of(&args.files, Follow::UntilEnd, store.checkpoints()?)?;
    let troubles = feed.troubles();
    let (progress, stop, done) = (Arc::<Progress>::default(), stop_on_signals()?, AtomicBool::new(false));
    let begun = clock::ticks();
    let loaded = std::thread::scope(|scope| {
        if !args.quiet && std::io::stderr().is_terminal() {
            scope.spawn(|| bar(&progress, &done, begun));
        }
        // However loading ends, by a panic too: the bar ends with it, or the scope would wait for ever.
        let _ending = Ending(&done);
        feed::load(feed, &mut store, prices, &progress, &stop.stop)
    });
    loaded?;
    store.look_after()?;
    let read = Read::of(&progress, &troubles);
    let signal = stop.signal.load(Ordering::Acquire);
    summary(progress.counts(), clock::ticks().saturating_sub(begun), signal != 0, out)?;
    let accounting = progress.accounting();
    if let Some(line) = refused(&accounting.reasons) {
        writeln!(out, "{line}")?;
    }
    accounting.nothing_taken().iter().skip(1).try_for_each(|line| writeln!(out, "{line}"))?;
    Ok(match u8::try_from(signal) {
        Ok(signal @ 1..) => ExitCode::from(128 + signal),
        _ => read.exit_code(),
    })
}

/// Why lines were rejected, and where examples are; nothing where none was.
fn refused(reasons: &[(Reason, u64)]) -> Option<String> {
    let parts: Vec<String> =
        reasons.iter().map(|(reason, lines)| format!("{} {}", count(*lines), reason.word())).collect();
    (!parts.is_empty()).then(|| format!("rejected: {}; `llmtop report` shows the first of them", parts.join(", ")))
}

/// Says that loading is done when it is dropped.
struct Ending<'a>(&'a AtomicBool);

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

/// A stop that interrupt, termination and hang-up ask for.
pub struct Signalled {
    /// The stop.
    pub stop: Stop,
    /// The signal that came; 0 is none.
    pub signal: Arc<AtomicI32>,
    handle: signal_hook::iterator::Handle,
}

impl Drop for Signalled {
    fn drop(&mut self) {
        self.handle.close();
    }
}

/// Listens for them.
pub fn stop_on_signals() -> std::io::Result<Signalled> {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
    let stop = Stop::new();
    let mut signals = signal_hook::iterator::Signals::new([SIGINT, SIGTERM, SIGHUP])?;
    let handle = signals.handle();
    let (asked, signal) = (stop.clone(), Arc::new(AtomicI32::new(0)));
    let came = Arc::clone(&signal);
    std::thread::Builder::new().name("signals".into()).spawn(move || {
        if let Some(signal) = signals.forever().next() {
            came.store(signal, Ordering::Release);
            asked.request();
        }
    })?;
    Ok(Signalled { stop, signal, handle })
}

fn bar(progress: &Progress, done: &AtomicBool, begun: Duration) {
    let mut err = std::io::stderr().lock();
    while !done.load(Ordering::Acquire) {
        let _ = write!(err, "\r\x1b[2K{}", line(progress.counts(), clock::ticks().saturating_sub(begun)));
        let _ = err.flush();
        std::thread::park_timeout(DRAW);
    }
    let _ = write!(err, "\r\x1b[2K");
    let _ = err.flush();
}

fn line(now: Counts, took: Duration) -> String {
    let seconds = took.as_secs_f64().max(0.001);
    let speed = format!("{} lines  {} lines/s", count(now.lines), compact(now.lines as f64 / seconds));
    if now.raw_total == 0 {
        return format!("{speed}  {}", bytes(now.raw_done));
    }
    let share = (now.raw_done as f64 / now.raw_total as f64).min(1.0);
    let filled = (share * 20.0).round() as usize;
    let left = if share > 0.01 { seconds / share * (1.0 - share) } else { f64::NAN };
    let left = if left.is_finite() { format!("  {} left", duration_us(left * 1e6)) } else { String::new() };
    format!(
        "[{}{}] {:>3.0} %  {} of {}  {speed}{left}",
        "█".repeat(filled),
        "·".repeat(20 - filled),
        share * 100.0,
        bytes(now.raw_done),
        bytes(now.raw_total)
    )
}

fn summary(now: Counts, took: Duration, stopped: bool, out: &mut dyn Write) -> std::io::Result<()> {
    let seconds = took.as_secs_f64().max(1e-6);
    writeln!(
        out,
        "{}read {} lines in {} ({} lines/s): {} accepted, {} duplicate, {} skipped, {} rejected",
        if stopped { "stopped: " } else { "" },
        count(now.lines),
        duration_us(seconds * 1e6),
        compact((now.lines as f64 / seconds).round()),
        count(now.accepted),
        count(now.duplicate),
        count(now.skipped),
        count(now.rejected),
    )
}

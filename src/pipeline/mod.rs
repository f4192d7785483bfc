//! The pipeline: chunks of lines → parsing threads → batches → the one writer. Every queue is bounded and every line ends
//! in one counter. What is being read can be watched from other threads through [`Progress`].

mod parse;
mod progress;
mod write;

pub use progress::{Counts, Progress};

use crate::price::Prices;
use crate::source::{Message, Stop};
use crate::store::{Appended, Store, StoreError};
use crossbeam_channel::{Receiver, Sender, bounded};
use std::sync::Arc;

/// How many chunks may wait for a parser.
const CHUNKS: usize = 4;

/// How many batches may wait for the writer: about as many as it appends at once, or parsing would stand still meanwhile.
const BATCHES: usize = 64;

/// What to do when the store refuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnRefusal {
    /// Give up with the error: a load that nobody watches.
    Fail,
    /// Say so and try again until it works or the stop is asked for: a live screen.
    Retry,
}

/// How a pipeline runs.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Threads that parse, at least one.
    pub parsers: usize,
    /// What to do when the store refuses.
    pub on_refusal: OnRefusal,
    /// What calls are priced by.
    pub prices: Arc<Prices>,
    /// The clock, µs since the epoch: for events without a time, and for what lies in the future.
    pub now_us: fn() -> i64,
    /// A clock that never goes back, since any fixed moment: for how long a group has waited.
    pub ticks: fn() -> std::time::Duration,
}

/// Why a pipeline ended early.
#[derive(Debug, thiserror::Error)]
pub enum PipelineError {
    /// The store refused.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A thread could not be started, or a compressor not be made.
    #[error("starting the pipeline: {0}")]
    Start(#[from] std::io::Error),
    /// The source could not go on.
    #[error("{0}")]
    Source(Box<dyn std::error::Error + Send + Sync>),
}

/// Numbers messages in the order they came, so that the writer sees batches in the order of the lines.
struct Ticketed<T> {
    number: u64,
    item: T,
}

/// What parsers hand on.
enum Parsed {
    Batch(Box<crate::batch::Batch>, u64),
    CaughtUp,
    Failed(std::io::Error),
}

/// Runs `source` until it ends, writing all it delivers to `store` on the calling thread.
pub fn run<E>(
    source: impl FnOnce(Sender<Message>, Stop) -> Result<(), E> + Send,
    store: &mut dyn Store,
    settings: &Settings,
    progress: &Arc<Progress>,
    stop: &Stop,
) -> Result<Appended, PipelineError>
where
    E: std::error::Error + Send + Sync + 'static,
{
    let (to_parse, chunks) = bounded::<Message>(CHUNKS);
    let (to_write, batches) = bounded::<Ticketed<Parsed>>(BATCHES);
    let queue = parse::Queue::new(chunks);
    std::thread::scope(|scope| {
        let reader =
            std::thread::Builder::new().name("read".into()).spawn_scoped(scope, || source(to_parse, stop.clone()))?;
        for _ in 0..settings.parsers.max(1) {
            let (queue, to_write) = (queue.clone(), to_write.clone());
            let (now_us, prices, progress) = (settings.now_us, Arc::clone(&settings.prices), Arc::clone(progress));
            std::thread::Builder::new()
                .name("parse".into())
                .spawn_scoped(scope, move || parse::work(&queue, &to_write, (now_us, prices), &progress))?;
        }
        drop(to_write);
        drop(queue);
        let written = write::Writer::new(store, settings, progress, stop).run(&batches);
        if written.is_err() {
            stop.request();
        }
        drain(&batches);
        progress.end();
        let read = reader.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        let did = written?;
        read.map_err(|e| PipelineError::Source(Box::new(e)))?;
        Ok(did)
    })
}

/// Lets threads that wait to send go on to their end.
fn drain(batches: &Receiver<Ticketed<Parsed>>) {
    while batches.recv().is_ok() {}
}

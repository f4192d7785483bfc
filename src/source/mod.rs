//! Sources: files, folders, pipes, replays. They deliver whole lines in chunks, with where the bytes came from, and know
//! nothing of what is in them.

mod clock;
mod cutter;
mod decode;
pub mod demo;
mod error;
mod files;
mod identity;
mod pipe;
mod replay;
mod rotation;
mod run;
mod select;
mod tail;
mod troubles;
mod watch;

pub use clock::{Clock, SystemClock};
pub use error::SourceError;
pub use files::{Files, Follow, Step};
pub use identity::is_read;
pub use pipe::Pipe;
pub use replay::{LONGEST_WAIT, Pacer, Replay};
pub use troubles::{Trouble, Troubles};

use crate::batch::Checkpoint;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Lines longer than this are rejected without being held in memory.
pub const MAX_LINE: usize = 64 << 20;

/// About how many bytes of lines one chunk holds.
pub const CHUNK: usize = 1 << 20;

/// Some whole lines of one source, in order.
#[derive(Debug, Default)]
pub struct Chunk {
    /// The source's name, as shown.
    pub source: Arc<str>,
    /// Offset of the first byte of `bytes` in the uncompressed input.
    pub offset: u64,
    /// Whole lines, each ending in `\n` but perhaps the last one of the source. May be empty, where only the checkpoint, a
    /// long line or a broken stream is to be told.
    pub bytes: Vec<u8>,
    /// Lines that were too long and left out: (offset, length, first 200 bytes).
    pub too_long: Vec<(u64, u64, Vec<u8>)>,
    /// A stream that broke off: what is known of it, for the reasons and the examples.
    pub corrupt: Option<String>,
    /// How far the source is done once these lines are in the store; `None` for what cannot be resumed.
    pub checkpoint: Option<Checkpoint>,
    /// Raw bytes of the file consumed for this chunk (compressed bytes for compressed files), for the progress bar.
    pub raw_bytes: u64,
}

/// What a source tells.
#[derive(Debug)]
pub enum Message {
    /// How many raw bytes the files of this run hold that were not read before, as far as known: the sum that
    /// [`Chunk::raw_bytes`] is on its way to. Sent before the first chunk, again whenever it changes, and not any more after
    /// [`Message::CaughtUp`]. Never sent by pipes.
    Total {
        /// Raw bytes.
        raw_bytes: u64,
    },
    /// Some lines.
    Chunk(Chunk),
    /// Every file has delivered what it held at the start; following goes on. Sent once by a set of files, which does not
    /// wait for the pipes among its arguments; and once by each pipe, at its end.
    CaughtUp,
    /// A problem with one source that does not end the others. Sent once each time it begins; whether it is over is told
    /// by [`Troubles`].
    Trouble {
        /// The source's name, as shown.
        source: Arc<str>,
        /// What is the matter and what to do.
        message: String,
    },
}

/// Where messages go. Bounded in use: a full queue makes the reader wait. Keep receiving, or drop the receiver, until the
/// source's `run` has returned.
pub type Sender = crossbeam_channel::Sender<Message>;

/// Asks sources to end; clones share one state.
#[derive(Debug, Clone, Default)]
pub struct Stop(Arc<AtomicBool>);

impl Stop {
    /// A stop that nobody has asked for yet.
    pub fn new() -> Stop {
        Stop::default()
    }

    /// Asks for the end.
    pub fn request(&self) {
        self.0.store(true, Ordering::Release);
    }

    /// Whether the end was asked for.
    pub fn requested(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

//! Sources: files, folders, pipes, replays. They deliver whole lines in chunks, with where the bytes came from, and know
//! nothing of what is in them.

pub mod demo;

use crate::batch::Checkpoint;
use std::sync::Arc;

/// Lines longer than this are rejected without being held in memory.
pub const MAX_LINE: usize = 64 << 20;

/// About how many bytes of lines one chunk holds.
pub const CHUNK: usize = 1 << 20;

/// Some whole lines of one source, in order.
#[derive(Debug)]
pub struct Chunk {
    /// The source's name, as shown.
    pub source: Arc<str>,
    /// Offset of the first byte of `bytes` in the uncompressed input.
    pub offset: u64,
    /// Whole lines, each ending in `\n` but perhaps the last one of the source.
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

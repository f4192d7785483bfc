//! Parsing threads: take chunks in turn, split lines, decode them into a batch, account for each.

use super::{Parsed, Progress, Ticketed};
use crate::batch::{Batch, Builder};
use crate::event::{Reason, Verdict};
use crate::format::parts::{Joined, Joiner};
use crate::format::{Decoder, shape};
use crate::price::Prices;
use crate::snapshot::{Rejected, Skipped};
use crate::source::{Chunk, Message, Trouble};
use crossbeam_channel::{Receiver, Sender};
use std::sync::{Arc, Mutex, PoisonError};

/// How much of a broken line is kept as an example, bytes.
const SNIPPET: usize = 200;

/// The queue of messages; taking one gives it its number, so that order survives several parsers.
#[derive(Clone)]
pub(super) struct Queue(Arc<Mutex<(Receiver<Message>, u64)>>);

impl Queue {
    pub fn new(messages: Receiver<Message>) -> Queue {
        Queue(Arc::new(Mutex::new((messages, 0))))
    }

    fn take(&self) -> Option<Ticketed<Message>> {
        let mut queue = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let item = queue.0.recv().ok()?;
        queue.1 += 1;
        Some(Ticketed { number: queue.1, item })
    }
}

/// A parsing thread: until the source has ended and the queue is empty, or the writer has gone.
pub(super) fn work(
    queue: &Queue,
    out: &Sender<Ticketed<Parsed>>,
    (now_us, prices): (fn() -> i64, Arc<Prices>),
    progress: &Progress,
) {
    let mut parser = match Builder::new(prices) {
        Ok(builder) => Parser { decoder: Decoder::new(), joiner: Joiner::default(), builder },
        Err(error) => {
            let _ = out.send(Ticketed { number: 0, item: Parsed::Failed(error) });
            return;
        }
    };
    while let Some(Ticketed { number, item }) = queue.take() {
        let parsed = match item {
            Message::Chunk(chunk) => {
                let parsed = parser.chunk(&chunk, now_us());
                if let Parsed::Batch(batch, _) = &parsed {
                    progress.skipped_like(batch.counts.skipped_like.as_ref());
                }
                parsed
            }
            Message::CaughtUp => Parsed::CaughtUp,
            Message::Total { raw_bytes } => {
                progress.total(raw_bytes);
                Parsed::Batch(Box::default(), 0)
            }
            Message::Trouble { source, message } => {
                progress.trouble(Trouble { source, message }.line());
                Parsed::Batch(Box::default(), 0)
            }
        };
        if out.send(Ticketed { number, item: parsed }).is_err() {
            return;
        }
    }
}

struct Parser {
    decoder: Decoder,
    /// Within a chunk alone: sources part no line of which a runtime wrote parts, but at the end of the input.
    joiner: Joiner,
    builder: Builder,
}

impl Parser {
    fn chunk(&mut self, chunk: &Chunk, now_us: i64) -> Parsed {
        self.lines(chunk, now_us);
        let batch = self.builder.batch();
        batch.counts.bytes = chunk.bytes.len() as u64;
        for (offset, len, beginning) in &chunk.too_long {
            batch.counts.read += 1;
            batch.counts.bytes += len;
            batch.counts.reject(example(chunk, *offset, Reason::LineTooLong, beginning));
        }
        if let Some(what) = &chunk.corrupt {
            batch.counts.read += 1;
            batch.counts.reject(example(
                chunk,
                chunk.offset + chunk.bytes.len() as u64,
                Reason::CorruptStream,
                what.as_bytes(),
            ));
        }
        batch.source = chunk.source.to_string();
        batch.checkpoint.clone_from(&chunk.checkpoint);
        match self.builder.finish() {
            Ok(batch) => Parsed::Batch(Box::new(batch), chunk.raw_bytes),
            Err(error) => Parsed::Failed(error),
        }
    }

    /// Every line, those that came in parts put together again.
    fn lines(&mut self, chunk: &Chunk, now_us: i64) {
        let mut joiner = std::mem::take(&mut self.joiner);
        let mut start = 0;
        while start < chunk.bytes.len() {
            let rest = &chunk.bytes[start..];
            let end = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
            match joiner.take(&rest[..end], start) {
                Joined::Alone => self.line(chunk, start, &rest[..end], now_us),
                Joined::Pending => {}
                Joined::Whole(line, start) => self.line(chunk, start, line, now_us),
            }
            start += end + 1;
        }
        joiner.rest().for_each(|(line, start)| self.line(chunk, start, line, now_us));
        self.joiner = joiner;
    }

    fn line(&mut self, chunk: &Chunk, start: usize, line: &[u8], now_us: i64) {
        self.builder.begin_line(now_us);
        let verdict = self.decoder.decode(line, &mut self.builder);
        let events = self.builder.end_line(line);
        let batch: &mut Batch = self.builder.batch();
        batch.counts.read += events.max(1);
        match verdict {
            Verdict::Taken if events > 0 => {}
            Verdict::Taken | Verdict::Skipped => batch.counts.skip(|| skipped(chunk, start, line)),
            Verdict::Rejected(reason) => {
                batch.counts.reject(example(chunk, chunk.offset + start as u64, reason, line));
            }
        }
    }
}

fn skipped(chunk: &Chunk, start: usize, line: &[u8]) -> Option<Skipped> {
    let shape = shape(line)?;
    Some(Skipped { source: chunk.source.to_string(), offset: chunk.offset + start as u64, shape })
}

fn example(chunk: &Chunk, offset: u64, reason: Reason, line: &[u8]) -> Rejected {
    let head = &line[..line.len().min(SNIPPET)];
    Rejected { source: chunk.source.to_string(), offset, reason, snippet: String::from_utf8_lossy(head).into_owned() }
}

//! Hands out the demo's lines as they fall due: all of the past at once, in chunks, then live.

use super::Demo;
use crate::source::{CHUNK, Chunk};
use std::iter::Peekable;
use std::sync::Arc;

/// The demo as a source of chunks.
#[derive(Debug)]
pub struct Player {
    lines: Peekable<Demo>,
    source: Arc<str>,
    offset: u64,
}

impl Player {
    /// Plays this demo.
    pub fn new(demo: Demo) -> Player {
        Player { lines: demo.peekable(), source: Arc::from("demo"), offset: 0 }
    }

    /// The lines due at `now_us` (µs since the Unix epoch) that were not given out, at most about [`CHUNK`] bytes of them;
    /// `None` when nothing is due.
    pub fn due(&mut self, now_us: i64) -> Option<Chunk> {
        let mut bytes = Vec::new();
        while bytes.len() < CHUNK {
            let Some((_, line)) = self.lines.next_if(|(ts_us, _)| *ts_us <= now_us) else { break };
            bytes.extend_from_slice(line.as_bytes());
            bytes.push(b'\n');
        }
        (!bytes.is_empty()).then(|| self.chunk(bytes))
    }

    /// When the next line falls due, µs since the Unix epoch.
    pub fn next_us(&mut self) -> i64 {
        self.lines.peek().map_or(i64::MAX, |(ts_us, _)| *ts_us)
    }

    fn chunk(&mut self, bytes: Vec<u8>) -> Chunk {
        let raw_bytes = bytes.len() as u64;
        let offset = self.offset;
        self.offset = offset.saturating_add(raw_bytes);
        Chunk {
            source: Arc::clone(&self.source),
            offset,
            bytes,
            too_long: Vec::new(),
            corrupt: None,
            checkpoint: None,
            raw_bytes,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3_600_000_000;

    #[test]
    fn the_past_comes_at_once_and_the_rest_when_due() {
        let start = 1_760_000_000_000_000;
        let mut player = Player::new(Demo::new(5, start).times(0.2));
        let mut offset = 0;
        let mut lines = Vec::new();
        while let Some(chunk) = player.due(start + HOUR) {
            assert_eq!((chunk.offset, chunk.raw_bytes), (offset, chunk.bytes.len() as u64));
            assert!(chunk.bytes.ends_with(b"\n"));
            offset += chunk.raw_bytes;
            lines.extend(chunk.bytes.split(|b| *b == b'\n').filter(|l| !l.is_empty()).map(<[u8]>::to_vec));
        }
        let due: Vec<Vec<u8>> = Demo::new(5, start)
            .times(0.2)
            .take_while(|(ts, _)| *ts <= start + HOUR)
            .map(|(_, line)| line.into_bytes())
            .collect();
        assert!(due.len() > 1_000);
        assert_eq!(lines, due);
        let next = player.next_us();
        assert!(next > start + HOUR);
        assert!(player.due(next - 1).is_none());
        assert!(player.due(next).is_some());
    }
}

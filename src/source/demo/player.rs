//! Hands out the demo's lines as they fall due: all of the past at once, in chunks, then live.

use super::Demo;
use crate::source::{CHUNK, Chunk, Clock, Message, Sender, Stop};
use std::iter::Peekable;
use std::sync::Arc;
use std::time::Duration;

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

    /// Gives out the past, a [`Message::CaughtUp`], then every line when it falls due, until a stop is requested or nobody
    /// receives any more. `begin_us` is the present moment at the call, µs since the Unix epoch; `clock` tells how it goes on.
    pub fn run(mut self, begin_us: i64, clock: &impl Clock, out: &Sender, stop: &Stop) {
        let began = clock.now();
        let now_us = || begin_us.saturating_add(micros(clock.now().saturating_sub(began)));
        if !self.give(begin_us, out, stop) || out.send(Message::CaughtUp).is_err() {
            return;
        }
        while !stop.requested() && self.give(now_us(), out, stop) {
            let left_us = self.next_us().saturating_sub(now_us()).max(0);
            clock.sleep(Duration::from_micros(left_us.unsigned_abs()), stop);
        }
    }

    /// Sends all that is due. Whether to go on.
    fn give(&mut self, now_us: i64, out: &Sender, stop: &Stop) -> bool {
        while let Some(chunk) = self.due(now_us) {
            if stop.requested() || out.send(Message::Chunk(chunk)).is_err() {
                return false;
            }
        }
        true
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
        Chunk { source: Arc::clone(&self.source), offset, bytes, raw_bytes, ..Chunk::default() }
    }
}

fn micros(time: Duration) -> i64 {
    i64::try_from(time.as_micros()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    use std::cell::Cell;

    const HOUR: i64 = 3_600_000_000;
    const START: i64 = 1_760_000_000_000_000;

    /// Time passes by sleeping, and a minute after the beginning it is enough.
    struct Minute(Cell<Duration>);

    impl Clock for Minute {
        fn now(&self) -> Duration {
            self.0.get()
        }

        fn sleep(&self, time: Duration, stop: &Stop) {
            self.0.set(self.0.get() + time);
            if self.0.get() >= Duration::from_secs(60) {
                stop.request();
            }
        }
    }

    #[test]
    fn after_the_past_it_is_live() {
        let now = START + HOUR;
        let (out, inbox) = crossbeam_channel::unbounded();
        let clock = Minute(Cell::default());
        Player::new(Demo::new(5, START).times(0.2)).run(now, &clock, &out, &Stop::new());
        drop(out);
        let (mut past, mut live, mut caught_up) = (0, 0, false);
        for message in inbox {
            match message {
                Message::Chunk(chunk) if caught_up => live += chunk.bytes.iter().filter(|b| **b == b'\n').count(),
                Message::Chunk(chunk) => past += chunk.bytes.iter().filter(|b| **b == b'\n').count(),
                Message::CaughtUp => caught_up = true,
                other => panic!("{other:?}"),
            }
        }
        let count = |until: i64| Demo::new(5, START).times(0.2).take_while(|(ts, _)| *ts <= until).count();
        assert_eq!(past, count(now));
        // The last sleep ends a minute after the beginning or later, and what would be due then is not given out any more.
        let lived = count(now + 60_000_000) - past;
        assert!(live > 10 && live.abs_diff(lived) <= 1, "{live} {lived}");
    }

    #[test]
    fn a_receiver_that_goes_away_ends_it() {
        let (out, inbox) = crossbeam_channel::bounded(1);
        drop(inbox);
        Player::new(Demo::new(5, START)).run(START + HOUR, &Minute(Cell::default()), &out, &Stop::new());
    }

    #[test]
    fn the_past_comes_at_once_and_the_rest_when_due() {
        let mut player = Player::new(Demo::new(5, START).times(0.2));
        let mut offset = 0;
        let mut lines = Vec::new();
        while let Some(chunk) = player.due(START + HOUR) {
            assert_eq!((chunk.offset, chunk.raw_bytes), (offset, chunk.bytes.len() as u64));
            assert!(chunk.bytes.ends_with(b"\n"));
            offset += chunk.raw_bytes;
            lines.extend(chunk.bytes.split(|b| *b == b'\n').filter(|l| !l.is_empty()).map(<[u8]>::to_vec));
        }
        let due: Vec<Vec<u8>> = Demo::new(5, START)
            .times(0.2)
            .take_while(|(ts, _)| *ts <= START + HOUR)
            .map(|(_, line)| line.into_bytes())
            .collect();
        assert!(due.len() > 1_000);
        assert_eq!(lines, due);
        let next = player.next_us();
        assert!(next > START + HOUR);
        assert!(player.due(next - 1).is_none());
        assert!(player.due(next).is_some());
    }
}

//! Replay: plays lines by the times they carry, faster or slower. What a line's time is, is asked of a function; time itself
//! of a clock.

use super::files::send;
use super::{CHUNK, Chunk, Clock, Message, Sender, SourceError, Stop};
use crossbeam_channel::Receiver;
use std::sync::Arc;
use std::time::Duration;

/// A silence in the log is cut to this when played, unless said otherwise.
pub const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// When lines are due. Pure: it knows no clock.
///
/// The first time seen is due at zero. From then on a line is due as long after the one before as their times are apart,
/// divided by the speed, and at most the longest wait. A line whose time is missing or earlier than the latest so far is due
/// with the one before.
#[derive(Debug, Clone)]
pub struct Pacer {
    speed: f64,
    longest: Duration,
    /// Latest time seen, µs.
    latest_us: Option<i64>,
    due: Duration,
}

impl Pacer {
    /// Plays `speed` times as fast as it happened; 0, and what is no positive number, means without waiting.
    pub fn new(speed: f64, longest: Duration) -> Pacer {
        Pacer { speed, longest, latest_us: None, due: Duration::ZERO }
    }

    /// When a line with this time (µs since the epoch) is due, since the beginning of the replay. Never goes back.
    pub fn due(&mut self, ts_us: Option<i64>) -> Duration {
        let Some(ts_us) = ts_us else { return self.due };
        let gap_us = self.latest_us.map_or(0, |latest| ts_us.saturating_sub(latest)).max(0);
        self.latest_us = Some(self.latest_us.map_or(ts_us, |latest| latest.max(ts_us)));
        self.due = self.due.saturating_add(self.wait(gap_us));
        self.due
    }

    /// Another log begins: its first line is due with the last one of the log before.
    pub fn restart(&mut self) {
        self.latest_us = None;
    }

    fn wait(&self, gap_us: i64) -> Duration {
        let seconds = gap_us as f64 / 1e6 / self.speed;
        if self.speed > 0.0 && seconds.is_finite() {
            Duration::try_from_secs_f64(seconds).map_or(self.longest, |wait| wait.min(self.longest))
        } else {
            Duration::ZERO
        }
    }
}

/// Plays what another source delivers: takes its messages, and hands the lines on as they become due.
///
/// Several logs are played one after another, in the order in which they come. Checkpoints are left out: a replay is not
/// resumed.
pub struct Replay<C, T> {
    clock: C,
    time_of: T,
    pacer: Pacer,
    source: Option<Arc<str>>,
}

impl<C: Clock, T: FnMut(&[u8]) -> Option<i64>> Replay<C, T> {
    /// `speed` as in [`Pacer::new`], waits cut to [`LONGEST_WAIT`]; `time_of` gives the time of a line (without its
    /// newline), µs since the epoch, if it has one.
    pub fn new(speed: f64, clock: C, time_of: T) -> Replay<C, T> {
        Replay { clock, time_of, pacer: Pacer::new(speed, LONGEST_WAIT), source: None }
    }

    /// Cuts silences to this instead.
    pub fn longest_wait(mut self, longest: Duration) -> Replay<C, T> {
        self.pacer.longest = longest;
        self
    }

    /// Plays until the source has ended (its sender is gone), a stop is requested, or nobody receives any more. The source
    /// should be stopped by the same stop.
    ///
    /// # Errors
    /// None for now; kept so that all sources run alike.
    pub fn run(mut self, from: &Receiver<Message>, out: &Sender, stop: &Stop) -> Result<(), SourceError> {
        let begun = self.clock.now();
        for message in from {
            let sent = match message {
                Message::Chunk(chunk) => self.play(chunk, begun, out, stop),
                other => send(out, other),
            };
            if sent.is_err() || stop.requested() {
                break;
            }
        }
        Ok(())
    }

    /// Hands on the lines of a chunk in pieces: what is due together goes together.
    fn play(&mut self, mut chunk: Chunk, begun: Duration, out: &Sender, stop: &Stop) -> Result<(), SourceError> {
        if self.source.as_ref() != Some(&chunk.source) {
            self.pacer.restart();
            self.source = Some(Arc::clone(&chunk.source));
        }
        let bytes = std::mem::take(&mut chunk.bytes);
        let (mut start, mut at) = (0, 0);
        for line in bytes.split_inclusive(|b| *b == b'\n') {
            let text = line.strip_suffix(b"\n").unwrap_or(line);
            let due = self.pacer.due((self.time_of)(text));
            let wait = due.saturating_sub(self.clock.now().saturating_sub(begun));
            if !wait.is_zero() {
                self.hand_on(&mut chunk, &bytes[start..at], out)?;
                start = at;
                self.clock.sleep(wait, stop);
                if stop.requested() {
                    return Ok(());
                }
            }
            at += line.len();
            if at - start >= CHUNK {
                self.hand_on(&mut chunk, &bytes[start..at], out)?;
                start = at;
            }
        }
        // With the last lines goes what else the chunk tells.
        let rest = bytes[start..].to_vec();
        send(out, Message::Chunk(Chunk { bytes: rest, checkpoint: None, ..chunk }))
    }

    /// Hands on some lines of a chunk, which then begins after them.
    fn hand_on(&self, chunk: &mut Chunk, lines: &[u8], out: &Sender) -> Result<(), SourceError> {
        if lines.is_empty() {
            return Ok(());
        }
        let raw_bytes = chunk.raw_bytes.min(lines.len() as u64);
        let piece = Chunk {
            source: Arc::clone(&chunk.source),
            offset: chunk.offset,
            bytes: lines.to_vec(),
            raw_bytes,
            ..Chunk::default()
        };
        chunk.offset += lines.len() as u64;
        chunk.raw_bytes -= raw_bytes;
        send(out, Message::Chunk(piece))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crossbeam_channel::unbounded;
    use std::cell::Cell;

    const S: i64 = 1_000_000;

    #[test]
    fn lines_are_due_as_far_apart_as_they_were() {
        let mut pacer = Pacer::new(60.0, LONGEST_WAIT);
        let due: Vec<Duration> = [Some(100 * S), Some(160 * S), None, Some(130 * S), Some(220 * S)]
            .into_iter()
            .map(|ts| pacer.due(ts))
            .collect();
        let s = Duration::from_secs;
        assert_eq!(due, [s(0), s(1), s(1), s(1), s(2)]);
        assert_eq!(pacer.due(Some(100_000 * S)), s(12), "a long silence is cut");
        pacer.restart();
        assert_eq!(pacer.due(Some(0)), s(12), "another log begins where this one ended");
        assert_eq!(pacer.due(Some(60 * S)), s(13));
    }

    #[test]
    fn odd_speeds_and_times_never_stop_the_replay() {
        for speed in [0.0, -1.0, f64::NAN] {
            let mut pacer = Pacer::new(speed, LONGEST_WAIT);
            assert_eq!([Some(i64::MIN), Some(0), Some(i64::MAX)].map(|ts| pacer.due(ts)), [Duration::ZERO; 3]);
        }
        for speed in [f64::MIN_POSITIVE, 1e-300] {
            let mut pacer = Pacer::new(speed, LONGEST_WAIT);
            pacer.due(Some(0));
            assert_eq!(pacer.due(Some(1)), LONGEST_WAIT);
        }
        let mut pacer = Pacer::new(f64::INFINITY, LONGEST_WAIT);
        assert_eq!([Some(0), Some(i64::MAX)].map(|ts| pacer.due(ts)), [Duration::ZERO; 2]);
    }

    /// A clock that moves only while someone sleeps.
    struct Fake(Cell<Duration>);

    impl Clock for &Fake {
        fn now(&self) -> Duration {
            self.0.get()
        }

        fn sleep(&self, time: Duration, _: &Stop) {
            self.0.set(self.0.get() + time);
        }
    }

    fn seconds(line: &[u8]) -> Option<i64> {
        let digits = line.split(|b| *b == b' ').next()?;
        std::str::from_utf8(digits).ok()?.parse::<i64>().ok().map(|s| s * S)
    }

    fn chunk(source: &str, offset: u64, text: &str) -> Message {
        let checkpoint = Some(crate::batch::Checkpoint::default());
        let raw_bytes = text.len() as u64;
        Message::Chunk(Chunk {
            source: source.into(),
            offset,
            bytes: text.into(),
            checkpoint,
            raw_bytes,
            ..Chunk::default()
        })
    }

    /// Plays messages; gives each chunk of lines.
    fn play(speed: f64, messages: Vec<Message>) -> (Duration, Vec<Chunk>) {
        let ((to, from), (out, got)) = (unbounded(), unbounded());
        for message in messages {
            to.send(message).expect("open");
        }
        drop(to);
        let clock = Fake(Cell::new(Duration::from_secs(7)));
        Replay::new(speed, &clock, seconds).run(&from, &out, &Stop::new()).expect("plays");
        drop(out);
        let chunk = |m| if let Message::Chunk(chunk) = m { Some(chunk) } else { None };
        (clock.0.get() - Duration::from_secs(7), got.into_iter().filter_map(chunk).collect())
    }

    #[test]
    fn what_is_due_together_comes_together() {
        let messages = vec![chunk("a", 10, "100 a\n100 b\nno time\n103 c\n"), chunk("a", 35, "104 d\n90 late\n")];
        let (took, chunks) = play(1.0, messages);
        let got: Vec<(u64, &str)> =
            chunks.iter().map(|c| (c.offset, std::str::from_utf8(&c.bytes).expect("text"))).collect();
        assert_eq!(got, [(10, "100 a\n100 b\nno time\n"), (30, "103 c\n"), (35, "104 d\n90 late\n")]);
        assert_eq!(took, Duration::from_secs(4));
        assert_eq!(chunks.iter().map(|c| c.raw_bytes).sum::<u64>(), 40);
        assert!(chunks.iter().all(|c| c.checkpoint.is_none()));
    }

    #[test]
    fn without_waiting_chunks_stay_as_they_are() {
        let (took, chunks) = play(0.0, vec![chunk("a", 0, "1 a\n5000 b\n"), chunk("b", 0, "2 c")]);
        assert_eq!((took, chunks.len()), (Duration::ZERO, 2));
    }

    #[test]
    fn a_stop_ends_the_replay() {
        let ((to, from), (out, got)) = (unbounded(), unbounded());
        to.send(chunk("a", 0, "1 a\n2 b\n")).expect("open");
        let stop = Stop::new();
        stop.request();
        Replay::new(1.0, super::super::SystemClock::start(), seconds).run(&from, &out, &stop).expect("ends");
        drop((out, to));
        assert_eq!(got.into_iter().count(), 1, "only what was due");
    }
}

//! Streams: standard input, named pipes, character devices, any reader. Read once, never resumed.

use super::cutter::{Cutter, Lines};
use super::decode::{Decoder, Got};
use super::files::send;
use super::{CHUNK, Chunk, Follow, MAX_LINE, Message, Sender, SourceError, Stop, Troubles};
use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Read};
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// How long a wait for bytes may go without looking at the stop.
const SLICE_MS: i32 = 100;

/// How much is read at a time while little comes.
const TRICKLE: usize = 64 << 10;

/// A stream of lines, plain or compressed. It ends with a [`Message::CaughtUp`].
pub struct Pipe {
    name: Arc<str>,
    input: Box<dyn Read + Send>,
    /// A named pipe that is opened again when its writer has gone.
    again: Option<PathBuf>,
    limit: usize,
    troubles: Troubles,
}

impl Pipe {
    /// Any reader, under a name. One whose `read` blocks is stopped only between reads; one that says `WouldBlock` is asked
    /// again at once, so it should have waited a little before. Lines are delivered after each read.
    pub fn new(name: &str, input: impl Read + Send + 'static) -> Pipe {
        Pipe::of(name, Box::new(Brief { inner: input, gave: false }))
    }

    fn of(name: &str, input: Box<dyn Read + Send>) -> Pipe {
        Pipe { name: name.into(), input, again: None, limit: MAX_LINE, troubles: Troubles::new() }
    }

    /// Standard input, under a descriptor of its own: what is put over descriptor 0 afterwards does not matter.
    ///
    /// # Errors
    /// No standard input.
    pub fn stdin() -> Result<Pipe, SourceError> {
        let failed = |source| SourceError::Stream { name: "stdin".to_owned(), source };
        let fd = io::stdin().as_fd().try_clone_to_owned().map_err(failed)?;
        Ok(Pipe::of("stdin", Box::new(Patient::new(fd.into()))))
    }

    /// A named pipe or a device. When following, a named pipe waits for the next writer when one has gone.
    ///
    /// # Errors
    /// It cannot be opened.
    pub fn open(path: &Path, follow: Follow) -> Result<Pipe, SourceError> {
        let name = path.to_string_lossy();
        let file = open(path).map_err(|source| SourceError::Stream { name: name.to_string(), source })?;
        // Only what has a name of its own can get another writer: what `/dev/fd/3` and the like lead to has none.
        let named = path.canonicalize().is_ok() && file.metadata().is_ok_and(|m| m.file_type().is_fifo());
        let again = (follow == Follow::Forever && named).then(|| path.to_owned());
        Ok(Pipe { again, ..Pipe::of(&name, Box::new(Patient::new(file))) })
    }

    /// Lines longer than this many bytes are left out; [`MAX_LINE`] unless said.
    pub fn line_limit(mut self, bytes: usize) -> Pipe {
        self.limit = bytes;
        self
    }

    /// Puts what is the matter on a board of others.
    pub fn telling(mut self, troubles: Troubles) -> Pipe {
        self.troubles = troubles;
        self
    }

    /// Reads to the end, or until a stop is requested or nobody receives any more.
    ///
    /// # Errors
    /// Reading fails.
    pub fn run(mut self, out: &Sender, stop: &Stop) -> Result<(), SourceError> {
        let mut offset = 0;
        loop {
            // Opened before the old one is closed: what a pipe holds that nobody has open is lost.
            let next = self.again.as_deref().and_then(|path| open(path).ok());
            let input = std::mem::replace(&mut self.input, Box::new(io::empty()));
            offset = match self.read(input, offset, out, stop) {
                Err(SourceError::Closed) => return Ok(()),
                end => end?,
            };
            match next {
                Some(file) if !stop.requested() => self.input = Box::new(Patient::new(file)),
                _ => break,
            }
        }
        // Whether someone still listens does not matter any more.
        let _ = send(out, Message::CaughtUp);
        Ok(())
    }

    /// Reads one input to its end; returns the offset after it.
    fn read(&self, input: Box<dyn Read + Send>, offset: u64, out: &Sender, stop: &Stop) -> Result<u64, SourceError> {
        let mut decoder = Decoder::new(input);
        decoder.close();
        let mut cutter = Cutter::new(offset, self.limit);
        let (mut want, mut told) = (TRICKLE, 0);
        let mut deliver = |lines: Option<Lines>, taken: u64, corrupt: Option<String>| {
            if lines.is_none() && corrupt.is_none() {
                return Ok(());
            }
            let chunk = self.chunk(lines.unwrap_or_default(), taken - told, corrupt);
            told = taken;
            send(out, Message::Chunk(chunk))
        };
        while !stop.requested() {
            let mut state = Got::End;
            let filled = cutter.fill(want, |space| {
                let (n, got) = decoder.read_full(space)?;
                state = got;
                Ok(n)
            });
            let (n, lines) = filled.map_err(|source| SourceError::Stream { name: self.name.to_string(), source })?;
            want = if n == want { CHUNK } else { TRICKLE };
            deliver(lines, decoder.taken(), None)?;
            match state {
                Got::Bytes(_) | Got::Dry { .. } => {}
                Got::End => break,
                Got::Broken(why) => {
                    deliver(None, decoder.taken(), Some(why.clone()))?;
                    self.tell_damage(why, out)?;
                    return Ok(cutter.done());
                }
            }
        }
        // A stop in the middle of compressed data leaves a line that is torn by the decoder, not by the writer.
        if !(stop.requested() && decoder.packed()) {
            deliver(cutter.finish(), decoder.taken(), None)?;
        }
        Ok(cutter.done())
    }

    fn tell_damage(&self, why: String, out: &Sender) -> Result<(), SourceError> {
        let (source, name) = (Arc::clone(&self.name), self.name.to_string());
        let message = SourceError::Damaged { name, why }.to_string();
        self.troubles.begin(&source, &message);
        self.troubles.miss();
        send(out, Message::Trouble { source, message })
    }

    fn chunk(&self, lines: Lines, raw_bytes: u64, corrupt: Option<String>) -> Chunk {
        Chunk {
            source: Arc::clone(&self.name),
            offset: lines.offset,
            bytes: lines.bytes,
            too_long: lines.too_long,
            corrupt,
            checkpoint: None,
            raw_bytes,
        }
    }
}

/// Without waiting for a writer.
fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open(path)
}

/// Says `WouldBlock` after each read, so that nobody waits for more before what came is handed on.
struct Brief<R> {
    inner: R,
    gave: bool,
}

impl<R: Read> Read for Brief<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if std::mem::take(&mut self.gave) {
            return Err(ErrorKind::WouldBlock.into());
        }
        let n = self.inner.read(out)?;
        self.gave = n > 0;
        Ok(n)
    }
}

/// Reads a descriptor, waiting a little for bytes: `WouldBlock` when none came. After some came it does not wait for more,
/// so that they are handed on at once.
struct Patient {
    file: File,
    wait_ms: i32,
}

impl Patient {
    fn new(file: File) -> Patient {
        Patient { file, wait_ms: SLICE_MS }
    }
}

impl Read for Patient {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let mut fd = libc::pollfd { fd: self.file.as_raw_fd(), events: libc::POLLIN, revents: 0 };
        // SAFETY: one valid pollfd, and its count, are passed; the descriptor is open as long as `self.file` is.
        let ready = unsafe { libc::poll(&raw mut fd, 1, self.wait_ms) };
        self.wait_ms = SLICE_MS;
        match ready {
            0 => Err(ErrorKind::WouldBlock.into()),
            n if n < 0 => Err(io::Error::last_os_error()),
            _ => {
                let n = self.file.read(out)?;
                self.wait_ms = 0;
                Ok(n)
            }
        }
    }
}

//! gzip and zstd, told by their first bytes: members and frames one after another, from a file that may still grow. What is
//! neither is handed through.

use flate2::bufread::GzDecoder;
use std::io::{self, BufRead, ErrorKind, Read};
use zstd::stream::raw::{Decoder as ZstdDecoder, InBuffer, Operation, OutBuffer};

/// How many raw bytes are read at a time.
const RAW: usize = 256 << 10;

/// What one read gave.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Got {
    /// This many bytes; there may be more.
    Bytes(usize),
    /// Nothing more for now; the input may go on.
    Dry {
        /// Whether it ends in the middle of a compressed stream.
        inside: bool,
    },
    /// The end of the input.
    End,
    /// A compressed stream that is broken or cut: why. Nothing comes after it.
    Broken(String),
}

/// What the first bytes say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// Text, or anything else.
    Plain,
    /// gzip.
    Gzip,
    /// zstd.
    Zstd,
    /// Too few bytes to say.
    Unknown,
}

impl Form {
    /// Tells the form from the first bytes; four are always enough.
    pub fn of(first: &[u8]) -> Form {
        let begins = |magic: &[u8]| first.iter().zip(magic).all(|(a, b)| a == b);
        let full = |magic: &[u8]| first.len() >= magic.len();
        let skippable = |b: &u8| (0x50..=0x5f).contains(b);
        match first {
            [] => Form::Unknown,
            _ if begins(&[0x1f, 0x8b]) => {
                if full(&[0; 2]) {
                    Form::Gzip
                } else {
                    Form::Unknown
                }
            }
            _ if begins(&ZSTD) => {
                if full(&ZSTD) {
                    Form::Zstd
                } else {
                    Form::Unknown
                }
            }
            [b, rest @ ..] if skippable(b) && rest.iter().zip(&SKIPPABLE).all(|(a, b)| a == b) => {
                if rest.len() >= SKIPPABLE.len() { Form::Zstd } else { Form::Unknown }
            }
            _ => Form::Plain,
        }
    }
}

/// A zstd frame begins so.
const ZSTD: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
/// A skippable zstd frame goes on so after its first byte.
const SKIPPABLE: [u8; 3] = [0x2a, 0x4d, 0x18];

/// Raw bytes, buffered, with how many were taken. At the end of what is there it says `WouldBlock` unless that is the end
/// for good, so that decoders keep their state until more comes.
struct Raw<R> {
    inner: R,
    buf: Box<[u8]>,
    at: usize,
    len: usize,
    taken: u64,
    last: bool,
}

impl<R: Read> Raw<R> {
    /// The next bytes, four of them unless fewer are there; and whether the input ends after them.
    fn peek(&mut self) -> io::Result<(&[u8], bool)> {
        let mut ended = false;
        while self.len - self.at < 4 {
            self.buf.copy_within(self.at..self.len, 0);
            self.len -= self.at;
            self.at = 0;
            match retry(|| self.inner.read(&mut self.buf[self.len..])) {
                Ok(0) => {
                    ended = self.last;
                    break;
                }
                Ok(n) => self.len += n,
                Err(e) if e.kind() == ErrorKind::WouldBlock => break,
                Err(e) => return Err(e),
            }
        }
        Ok((&self.buf[self.at..self.len], ended))
    }
}

impl<R: Read> Raw<R> {
    /// Reads plain bytes without the way through the buffer.
    fn read_past_buffer(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let n = retry(|| self.inner.read(out))?;
        self.taken += n as u64;
        if n == 0 && !self.last { Err(ErrorKind::WouldBlock.into()) } else { Ok(n) }
    }
}

impl<R: Read> Read for Raw<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.at == self.len && out.len() >= RAW {
            return self.read_past_buffer(out);
        }
        let from = self.fill_buf()?;
        let n = from.len().min(out.len());
        out[..n].copy_from_slice(&from[..n]);
        self.consume(n);
        Ok(n)
    }
}

impl<R: Read> BufRead for Raw<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.at == self.len {
            self.at = 0;
            self.len = 0;
            self.len = retry(|| self.inner.read(&mut self.buf))?;
            if self.len == 0 && !self.last {
                return Err(ErrorKind::WouldBlock.into());
            }
        }
        Ok(&self.buf[self.at..self.len])
    }

    fn consume(&mut self, n: usize) {
        let n = n.min(self.len - self.at);
        self.at += n;
        self.taken += n as u64;
    }
}

/// Calls again what a signal interrupted.
pub(super) fn retry<T>(mut call: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    loop {
        match call() {
            Err(e) if e.kind() == ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

/// A zstd frame being decoded.
struct Frames {
    zstd: ZstdDecoder<'static>,
    /// Whether it may hold bytes back because the last read had no room for them.
    held: bool,
}

/// Where in the input the decoder is.
enum State<R> {
    /// Nothing read yet.
    Start(Raw<R>),
    /// Not compressed.
    Plain(Raw<R>),
    /// After a whole member or frame.
    Between(Raw<R>),
    /// In a gzip member.
    Gzip(Box<GzDecoder<Raw<R>>>),
    /// In a zstd frame.
    Zstd(Raw<R>, Frames),
    /// Broken, with the raw bytes taken.
    Over(u64),
}

/// Decodes what a reader gives.
pub(super) struct Decoder<R> {
    state: State<R>,
    /// A failure that came after some bytes; those are handed out first.
    failed: Option<io::Error>,
    closed: bool,
}

impl<R: Read> Decoder<R> {
    /// Reads from the beginning of an input that may grow, until [`Decoder::close`].
    pub fn new(inner: R) -> Decoder<R> {
        let raw = Raw { inner, buf: vec![0; RAW].into(), at: 0, len: 0, taken: 0, last: false };
        Decoder { state: State::Start(raw), failed: None, closed: false }
    }

    /// From here on, the end of what is there is the end of the input.
    pub fn close(&mut self) {
        self.closed = true;
        match &mut self.state {
            State::Start(raw) | State::Plain(raw) | State::Between(raw) | State::Zstd(raw, _) => raw.last = true,
            State::Gzip(gz) => gz.get_mut().last = true,
            State::Over(_) => {}
        }
    }

    /// Whether the end of what is there is the end of the input.
    pub fn is_closed(&self) -> bool {
        self.closed
    }

    /// Raw bytes used up so far.
    pub fn taken(&self) -> u64 {
        match &self.state {
            State::Start(raw) | State::Plain(raw) | State::Between(raw) | State::Zstd(raw, _) => raw.taken,
            State::Gzip(gz) => gz.get_ref().taken,
            State::Over(taken) => *taken,
        }
    }

    /// Whether the input is compressed, as far as is known.
    pub fn packed(&self) -> bool {
        !matches!(self.state, State::Start(_) | State::Plain(_))
    }

    /// Reads as many bytes as fit and are there. `Bytes` has at least one.
    ///
    /// # Errors
    /// What reading the raw bytes fails with.
    pub fn read_full(&mut self, out: &mut [u8]) -> io::Result<(usize, Got)> {
        if let Some(error) = self.failed.take() {
            return Err(error);
        }
        let mut n = 0;
        while n < out.len() {
            match self.read(&mut out[n..]) {
                Ok(Got::Bytes(more)) => n += more,
                Ok(other) => return Ok((n, other)),
                Err(error) if n == 0 => return Err(error),
                Err(error) => {
                    self.failed = Some(error);
                    break;
                }
            }
        }
        Ok((n, Got::Bytes(n)))
    }

    /// Reads some bytes into `out`, which is not empty.
    fn read(&mut self, out: &mut [u8]) -> io::Result<Got> {
        loop {
            let step = match &mut self.state {
                State::Start(raw) => start(raw)?,
                State::Between(raw) => between(raw)?,
                State::Plain(raw) => match raw.read(out) {
                    Ok(0) => Next::Say(Got::End),
                    Ok(n) => Next::Say(Got::Bytes(n)),
                    Err(e) => Next::Say(dry(e, None)?),
                },
                State::Gzip(gz) => match gz.read(out) {
                    Ok(0) => Next::Ended(0),
                    Ok(n) => Next::Say(Got::Bytes(n)),
                    Err(e) => Next::Say(dry(e, Some(gz.get_ref().taken))?),
                },
                State::Zstd(raw, frames) => frames.read(raw, out)?,
                State::Over(_) => Next::Say(Got::End),
            };
            match step {
                Next::Say(broken @ Got::Broken(_)) => {
                    self.state = State::Over(self.taken());
                    return Ok(broken);
                }
                Next::Say(got) => return Ok(got),
                Next::Ended(n) if n > 0 => {
                    self.go(Next::Ended(0))?;
                    return Ok(Got::Bytes(n));
                }
                next => self.go(next)?,
            }
        }
    }

    /// Changes the state, keeping the raw bytes.
    fn go(&mut self, next: Next) -> io::Result<()> {
        let taken = self.taken();
        let raw = match std::mem::replace(&mut self.state, State::Over(taken)) {
            State::Start(raw) | State::Plain(raw) | State::Between(raw) | State::Zstd(raw, _) => raw,
            State::Gzip(gz) => gz.into_inner(),
            State::Over(_) => return Ok(()),
        };
        self.state = match next {
            Next::Plain => State::Plain(raw),
            Next::Gzip => State::Gzip(Box::new(GzDecoder::new(raw))),
            Next::Zstd => State::Zstd(raw, Frames { zstd: ZstdDecoder::new()?, held: false }),
            Next::Between | Next::Ended(_) | Next::Say(_) => State::Between(raw),
        };
        Ok(())
    }
}

/// What follows from looking at the input.
enum Next {
    Say(Got),
    Plain,
    Between,
    /// A member or frame has ended, with so many last bytes.
    Ended(usize),
    Gzip,
    Zstd,
}

/// At the beginning: what is it?
fn start<R: Read>(raw: &mut Raw<R>) -> io::Result<Next> {
    let (first, ended) = raw.peek()?;
    Ok(match Form::of(first) {
        Form::Unknown if !ended => Next::Say(Got::Dry { inside: false }),
        Form::Unknown | Form::Plain => Next::Plain,
        Form::Gzip | Form::Zstd => Next::Between,
    })
}

/// After a whole member or frame, or before the first: another one, padding, or the end.
fn between<R: Read>(raw: &mut Raw<R>) -> io::Result<Next> {
    loop {
        let (first, ended) = raw.peek()?;
        return Ok(match (first, Form::of(first)) {
            ([], _) if ended => Next::Say(Got::End),
            ([], _) => Next::Say(Got::Dry { inside: false }),
            // Tapes and some writers pad with zeros.
            ([0, ..], _) => {
                raw.consume(1);
                continue;
            }
            (_, Form::Gzip) => Next::Gzip,
            (_, Form::Zstd) => Next::Zstd,
            (_, Form::Unknown) if !ended => Next::Say(Got::Dry { inside: true }),
            _ => Next::Say(Got::Broken(format!("something else follows the compressed data at byte {}", raw.taken))),
        });
    }
}

impl Frames {
    /// Decodes a piece of a frame.
    fn read<R: Read>(&mut self, raw: &mut Raw<R>, out: &mut [u8]) -> io::Result<Next> {
        loop {
            let (input, ended) = match raw.fill_buf() {
                Ok(input) => (input, input.is_empty()),
                Err(e) if e.kind() == ErrorKind::WouldBlock => (&[][..], false),
                Err(e) => return Err(e),
            };
            // Without input it is called only for what it held back for want of room: it takes idle calls for a fault.
            if input.is_empty() && !self.held {
                let broken =
                    || Got::Broken(format!("it ends too early, in the middle of a zstd frame, at byte {}", raw.taken));
                return Ok(Next::Say(if ended { broken() } else { Got::Dry { inside: true } }));
            }
            let (mut from, mut to) = (InBuffer::around(input), OutBuffer::around(&mut *out));
            let result = self.zstd.run(&mut from, &mut to);
            let (used, n) = (from.pos(), to.pos());
            raw.consume(used);
            self.held = n == out.len();
            match result {
                Err(e) => {
                    return Ok(Next::Say(Got::Broken(format!("it is damaged near byte {} (zstd: {e})", raw.taken))));
                }
                Ok(0) => return Ok(Next::Ended(n)),
                Ok(_) if n > 0 => return Ok(Next::Say(Got::Bytes(n))),
                Ok(_) => {}
            }
        }
    }
}

/// Tells a decoder's error: nothing for now, a broken stream, or a failure of the reader below. In a gzip member with how
/// many raw bytes were taken.
fn dry(error: io::Error, inside: Option<u64>) -> io::Result<Got> {
    match (error.kind(), inside) {
        (ErrorKind::WouldBlock, _) => Ok(Got::Dry { inside: inside.is_some() }),
        (ErrorKind::UnexpectedEof, Some(at)) => {
            Ok(Got::Broken(format!("it ends too early, in the middle of a gzip stream, at byte {at}")))
        }
        (ErrorKind::InvalidInput | ErrorKind::InvalidData, Some(at)) => {
            Ok(Got::Broken(format!("it is damaged near byte {at} (gzip: {error})")))
        }
        _ => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::RefCell;
    use std::io::Write;
    use std::rc::Rc;

    /// An input that grows while it is read.
    #[derive(Clone, Default)]
    struct Growing(Rc<RefCell<(Vec<u8>, usize)>>);

    impl Read for Growing {
        fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
            let (bytes, at) = &mut *self.0.borrow_mut();
            let n = out.len().min(bytes.len() - *at);
            out[..n].copy_from_slice(&bytes[*at..*at + n]);
            *at += n;
            Ok(n)
        }
    }

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gz.write_all(text).expect("to memory");
        gz.finish().expect("to memory")
    }

    fn zst(text: &[u8]) -> Vec<u8> {
        zstd::encode_all(text, 1).expect("to memory")
    }

    fn text() -> Vec<u8> {
        (0..60_000u64).flat_map(|i| format!("{:x}\n", i.wrapping_mul(0x9e37_79b9_7f4a_7c15)).into_bytes()).collect()
    }

    /// Reads to where it goes no further.
    fn drain(decoder: &mut Decoder<impl Read>, out: &mut Vec<u8>, room: usize) -> Got {
        let mut space = vec![0; room];
        loop {
            let (n, got) = decoder.read_full(&mut space).expect("memory");
            out.extend_from_slice(&space[..n]);
            if !matches!(got, Got::Bytes(_)) {
                return got;
            }
        }
    }

    fn read_all(bytes: &[u8]) -> (Vec<u8>, Got) {
        let mut decoder = Decoder::new(bytes);
        decoder.close();
        let mut out = Vec::new();
        let got = drain(&mut decoder, &mut out, 10_007);
        assert!(matches!(got, Got::Broken(_)) || decoder.taken() == bytes.len() as u64);
        (out, got)
    }

    #[test]
    fn members_and_frames_follow_one_another() {
        let text = text();
        let (a, b) = text.split_at(100_000);
        let skippable = [&[0x53, 0x2a, 0x4d, 0x18, 3, 0, 0, 0][..], b"abc"].concat();
        let cases = [
            text.clone(),
            gzip(&text),
            zst(&text),
            [gzip(a), gzip(b"")].concat().into_iter().chain(gzip(b)).collect(),
            [gzip(a), zst(b), vec![0; 512]].concat(),
            [skippable, zst(a), zst(b"")].concat().into_iter().chain(zst(b)).collect(),
        ];
        for (i, bytes) in cases.iter().enumerate() {
            let (out, got) = read_all(bytes);
            assert!(out == text && got == Got::End, "case {i}: {} bytes, {got:?}", out.len());
        }
        assert_eq!(read_all(b""), (Vec::new(), Got::End));
        assert_eq!(read_all(&[0x28, 0xb5]), (vec![0x28, 0xb5], Got::End));
    }

    #[test]
    fn a_stream_cut_anywhere_gives_what_came_before() {
        let text = &text()[..3_000];
        for whole in [gzip(text), zst(text)] {
            for cut in 5..whole.len() {
                let (out, got) = read_all(&whole[..cut]);
                assert!(text.starts_with(&out), "cut at {cut}");
                assert!(matches!(got, Got::Broken(_)), "cut at {cut}: {got:?}");
            }
        }
    }

    #[test]
    fn damage_is_told_and_never_panics() {
        let text = &text()[..3_000];
        for whole in [gzip(text), zst(text)] {
            for at in 0..whole.len() {
                let mut bytes = whole.clone();
                bytes[at] ^= 0x55;
                read_all(&bytes);
            }
            let (out, got) = read_all(&[&whole[..], b"garbage"].concat());
            assert_eq!(out, text);
            assert!(matches!(got, Got::Broken(_)));
        }
    }

    #[test]
    fn a_stream_may_grow_in_any_pieces() {
        let text = &text()[..20_000];
        for whole in [gzip(text), zst(text), [zst(text), gzip(b"more")].concat()] {
            for piece in [1, 7, 64, 4_096] {
                let input = Growing::default();
                let mut decoder = Decoder::new(input.clone());
                let mut out = Vec::new();
                for part in whole.chunks(piece) {
                    input.0.borrow_mut().0.extend_from_slice(part);
                    for _ in 0..3 {
                        let got = drain(&mut decoder, &mut out, 333);
                        assert!(matches!(got, Got::Dry { .. }), "{got:?}");
                    }
                }
                assert_eq!(drain(&mut decoder, &mut out, 333), Got::Dry { inside: false });
                decoder.close();
                assert_eq!(drain(&mut decoder, &mut out, 333), Got::End);
                assert!(out.starts_with(text));
                assert_eq!(decoder.taken(), whole.len() as u64);
            }
        }
    }
}

//! Compressed files: unpacked from their beginnings; what was read of them before, or of a log that they are the compressed
//! copy of, is passed over.

use super::{Body, Progress, Tail, rewound};
use crate::source::cutter::{Cutter, Lines};
use crate::source::decode::{Decoder, Form, Got};
use crate::source::identity::{PRINT, Print, read_at};
use crate::source::{CHUNK, Chunk};
use std::fs::File;
use std::io;
use std::sync::Arc;

/// The unpacked content up to an offset, on the way there.
pub(in crate::source) struct Passing {
    /// Where it ends.
    until: u64,
    /// What it has to be known by there; where it was read of this very file, only that a line ends.
    print: Option<Print>,
    at: u64,
    /// The last bytes, at most [`PRINT`].
    last: Vec<u8>,
}

impl Tail {
    /// A compressed file begins like a log that was read: passes over as much if it goes on alike, else reads all of it.
    pub fn pass_over(&mut self, print: Print) -> io::Result<()> {
        self.pass_until(print.offset, Some(print))
    }

    /// Goes on after so many unpacked bytes, which are in the store. Nothing can go on within a stream, so they are unpacked
    /// again.
    pub fn resume_packed(&mut self, unpacked: u64) -> io::Result<()> {
        self.unpacked = unpacked;
        self.pass_until(unpacked, None)
    }

    fn pass_until(&mut self, until: u64, print: Option<Print>) -> io::Result<()> {
        self.body = Body::Packed(Box::new(Decoder::new(rewound(&self.file)?)));
        self.passing = Some(Passing { until, print, at: 0, last: Vec::new() });
        Ok(())
    }

    pub(super) fn read_packed(&mut self) -> io::Result<Progress> {
        if let Some(passing) = self.passing.take() {
            return self.pass(passing);
        }
        let (file, print) = (&self.file, &self.print);
        let Body::Packed(decoder) = &mut self.body else { return Ok(Progress::Dry) };
        let (mut state, mut fits) = (Got::End, true);
        let (n, lines) = self.cutter.fill(usize::MAX, |out| {
            let (n, got) = decoder.read_full(out)?;
            fits = print.fits(file)?;
            state = got;
            Ok(if fits { n } else { 0 })
        })?;
        if !fits {
            return Ok(Progress::Replaced);
        }
        let taken = decoder.taken();
        self.print.move_to(&self.file, taken)?;
        match state {
            Got::Dry { inside: false } if taken >= self.stamp.size => self.unpacked(lines, None),
            Got::End => self.unpacked(lines, None),
            Got::Broken(why) => self.unpacked(lines, Some(why)),
            Got::Dry { .. } if n == 0 => Ok(Progress::Dry),
            Got::Bytes(_) | Got::Dry { .. } => Ok(Progress::Read(lines.map(|lines| self.chunk(lines)).transpose()?)),
        }
    }

    /// Passes over a piece.
    fn pass(&mut self, mut passing: Passing) -> io::Result<Progress> {
        let Body::Packed(decoder) = &mut self.body else { return Ok(Progress::Dry) };
        let left = passing.until.saturating_sub(passing.at);
        let mut piece = vec![0; usize::try_from(left).map_or(CHUNK, |left| left.min(CHUNK))];
        let (n, got) = decoder.read_full(&mut piece)?;
        passing.add(&piece[..n]);
        let taken = decoder.taken();
        self.print.move_to(&self.file, taken)?;
        match (passing.is_through(), got) {
            (Some(true), _) => {
                self.cutter = Cutter::new(passing.until, self.limit);
                self.unpacked = passing.until;
            }
            (Some(false), _) | (None, Got::End | Got::Broken(_)) => self.begin_again()?,
            (None, Got::Dry { inside: false }) if taken >= self.stamp.size => self.begin_again()?,
            (None, Got::Dry { .. }) if n == 0 => {
                self.passing = Some(passing);
                return Ok(Progress::Dry);
            }
            (None, Got::Bytes(_) | Got::Dry { .. }) => self.passing = Some(passing),
        }
        Ok(Progress::Read(None))
    }

    /// It is another log after all.
    fn begin_again(&mut self) -> io::Result<()> {
        let mut decoder = Decoder::new(rewound(&self.file)?);
        if let Body::Packed(old) = &self.body
            && old.is_closed()
        {
            decoder.close();
        }
        self.body = Body::Packed(Box::new(decoder));
        self.print = Print::default();
        self.unpacked = 0;
        Ok(())
    }

    /// The end of a compressed file. What of a broken one was no whole line yet is not delivered: the break stands for it.
    fn unpacked(&mut self, lines: Option<Lines>, corrupt: Option<String>) -> io::Result<Progress> {
        let mut lines = lines.unwrap_or_else(|| Lines { offset: self.cutter.done(), ..Lines::default() });
        // Without a last line that has no newline: should the file grow, it may go on.
        self.unpacked = self.cutter.done();
        if let (None, Some(mut last)) = (&corrupt, self.cutter.finish()) {
            lines.bytes.append(&mut last.bytes);
            lines.too_long.append(&mut last.too_long);
        }
        let size = self.stamp.size;
        let raw_bytes = size.saturating_sub(self.told);
        self.told = size;
        self.mark = Print::take(&self.file, size)?;
        Ok(Progress::Done(Chunk {
            source: Arc::clone(&self.name),
            offset: lines.offset,
            bytes: lines.bytes,
            too_long: lines.too_long,
            corrupt,
            checkpoint: Some(self.checkpoint()),
            raw_bytes,
        }))
    }
}

/// Unpacks the first bytes of a compressed file; `None` for one that is not compressed.
pub(in crate::source) fn first_unpacked(file: &File) -> io::Result<Option<Vec<u8>>> {
    let mut first = [0; 4];
    let n = read_at(file, &mut first, 0)?;
    if !matches!(Form::of(&first[..n]), Form::Gzip | Form::Zstd) {
        return Ok(None);
    }
    let mut decoder = Decoder::new(rewound(file)?);
    let mut first = vec![0; PRINT];
    let (n, _) = decoder.read_full(&mut first)?;
    first.truncate(n);
    Ok(Some(first))
}

impl Passing {
    fn add(&mut self, piece: &[u8]) {
        self.at += piece.len() as u64;
        self.last.extend_from_slice(&piece[piece.len().saturating_sub(PRINT)..]);
        let surplus = self.last.len().saturating_sub(PRINT);
        self.last.drain(..surplus);
    }

    /// At the end: whether the content is the one that was read, up to the end of a line. `None` before.
    fn is_through(&self) -> Option<bool> {
        let is_it = || self.print.is_none_or(|print| print.ends(&self.last));
        (self.at >= self.until).then(|| self.last.last() == Some(&b'\n') && is_it())
    }
}

//! One open file, read to wherever it ends now: plain or compressed, growing, cut short or written anew under the handle.

mod packed;

use super::Chunk;
use super::cutter::{Cutter, Lines};
use super::decode::{Decoder, Form};
use super::identity::{Print, Stamp, read_at};
use crate::batch::Checkpoint;
use memchr::memrchr;
use packed::Passing;
use std::fs::File;
use std::io;
use std::sync::Arc;

/// What reading on gave.
#[derive(Debug)]
pub(super) enum Progress {
    /// It went on; with lines, if any were completed.
    Read(Option<Chunk>),
    /// Nothing more for now.
    Dry,
    /// A compressed file was read to its end, or to where it breaks; nothing more is read from it.
    Done(Chunk),
    /// The content is another than before: what was left of the old one is in [`Tail::finish`], then [`Tail::restart`].
    Replaced,
}

/// How the content is read.
pub(super) enum Body {
    /// Too short to say.
    Unknown,
    Plain,
    Packed(Box<Decoder<File>>),
}

/// An open file and how far it was read.
pub(super) struct Tail {
    name: Arc<str>,
    file: File,
    body: Body,
    cutter: Cutter,
    limit: usize,
    /// What was read so far is known by this; its offset is the raw bytes read, partial line included.
    print: Print,
    /// What is known of it up to where its lines were delivered.
    mark: Print,
    /// Raw bytes told in chunks.
    told: u64,
    /// The file when it was last looked at.
    stamp: Stamp,
    /// Whether the last line delivered had no newline, so that what follows may belong to it.
    torn: bool,
    /// What of the unpacked content is passed over, as long as it lasts.
    passing: Option<Passing>,
}

impl Tail {
    /// Begins at the beginning.
    pub fn new(name: Arc<str>, file: File, limit: usize) -> io::Result<Tail> {
        let stamp = Stamp::of(&file.metadata()?);
        Ok(Tail {
            name,
            file,
            body: Body::Unknown,
            cutter: Cutter::new(0, limit),
            limit,
            print: Print::default(),
            mark: Print::default(),
            told: 0,
            // Nothing was read at this size yet.
            stamp: Stamp { mtime_ns: i64::MIN, ..stamp },
            torn: false,
            passing: None,
        })
    }

    /// Goes on after an offset up to which everything is known to be in the store. Only plain text can go on within.
    pub fn resume(&mut self, offset: u64) -> io::Result<()> {
        let mut last = [b'\n'];
        if offset > 0 {
            read_at(&self.file, &mut last, offset - 1)?;
        }
        self.body = Body::Plain;
        self.cutter = Cutter::new(offset, self.limit);
        self.print = Print::take(&self.file, offset)?;
        self.mark = self.print;
        self.told = offset;
        self.torn = last != [b'\n'];
        Ok(())
    }

    /// Begins again, with content that has replaced the old one.
    pub fn restart(&mut self) {
        self.body = Body::Unknown;
        self.cutter = Cutter::new(0, self.limit);
        self.print = Print::default();
        self.mark = Print::default();
        self.told = 0;
        self.torn = false;
        self.passing = None;
        self.stamp.mtime_ns = i64::MIN;
    }

    /// The open file.
    pub fn file(&self) -> &File {
        &self.file
    }

    /// The file when it was last read from.
    pub fn stamp(&self) -> Stamp {
        self.stamp
    }

    /// Raw bytes read, those of an unfinished line included.
    pub fn position(&self) -> u64 {
        self.print.offset
    }

    /// Whether everything that was in the file at the last look has been read.
    pub fn at_end(&self) -> bool {
        matches!(self.body, Body::Plain | Body::Unknown) && self.print.offset >= self.stamp.size
    }

    /// Whether it is inside of a compressed stream that may be written just now.
    pub fn packed(&self) -> bool {
        matches!(self.body, Body::Packed(_))
    }

    /// Whether the content that was read is still there.
    pub fn is_intact(&self) -> io::Result<bool> {
        Ok(self.file.metadata()?.len() >= self.print.offset && self.print.fits(&self.file)?)
    }

    /// Reads on, at most one chunk.
    ///
    /// # Errors
    /// What the file system says; nothing is lost then, reading can be tried again.
    pub fn read(&mut self) -> io::Result<Progress> {
        let stamp = Stamp::of(&self.file.metadata()?);
        let changed = stamp != self.stamp;
        if stamp.size < self.print.offset || (changed && !self.print.fits(&self.file)?) {
            return Ok(Progress::Replaced);
        }
        self.stamp = stamp;
        if let (Body::Unknown, true) = (&self.body, changed) {
            self.tell_form(false)?;
        }
        match self.body {
            Body::Unknown => Ok(Progress::Dry),
            Body::Plain => self.read_plain(),
            Body::Packed(_) => self.read_packed(),
        }
    }

    /// What is there is all there will be: takes it for what it is.
    pub fn close(&mut self) -> io::Result<()> {
        if let Body::Unknown = self.body {
            self.tell_form(true)?;
        }
        if let Body::Packed(decoder) = &mut self.body {
            decoder.close();
        }
        Ok(())
    }

    /// The last line, which has no newline, if there is one.
    pub fn finish(&mut self) -> io::Result<Option<Chunk>> {
        let rest = self.cutter.finish();
        rest.map(|lines| self.chunk(lines)).transpose()
    }

    /// The old content is gone: its last line, and what it was known by.
    pub fn retire(&mut self) -> (Option<Chunk>, Checkpoint) {
        let rest = if self.packed() { None } else { self.cutter.finish() };
        let checkpoint = self.checkpoint_of(self.print);
        let chunk = rest.map(|lines| Chunk {
            source: Arc::clone(&self.name),
            offset: lines.offset,
            raw_bytes: self.print.offset.saturating_sub(self.told),
            bytes: lines.bytes,
            too_long: lines.too_long,
            corrupt: None,
            checkpoint: Some(checkpoint.clone()),
        });
        (chunk, checkpoint)
    }

    /// What the content is known by, up to where its lines were delivered.
    pub fn mark(&self) -> Print {
        self.mark
    }

    /// Where reading would go on after what was delivered.
    pub fn checkpoint(&self) -> Checkpoint {
        self.checkpoint_of(self.mark)
    }

    fn checkpoint_of(&self, print: Print) -> Checkpoint {
        Checkpoint {
            source: self.name.to_string(),
            dev: self.stamp.id.dev,
            ino: self.stamp.id.ino,
            fingerprint: print.head,
            fingerprint_len: print.head_len,
            offset: print.offset,
            tail_fingerprint: print.tail,
            size: self.stamp.size,
            mtime_ns: self.stamp.mtime_ns,
        }
    }

    /// Looks at the first bytes; `ended` says that no more will come.
    fn tell_form(&mut self, ended: bool) -> io::Result<()> {
        let mut first = [0; 4];
        let n = read_at(&self.file, &mut first, 0)?;
        self.body = match Form::of(&first[..n]) {
            Form::Unknown if !ended => Body::Unknown,
            Form::Unknown | Form::Plain => Body::Plain,
            Form::Gzip | Form::Zstd => Body::Packed(Box::new(Decoder::new(self.rewound()?))),
        };
        Ok(())
    }

    /// A handle of its own that reads from the beginning.
    fn rewound(&self) -> io::Result<File> {
        use std::io::Seek;
        let mut file = self.file.try_clone()?;
        file.rewind()?;
        Ok(file)
    }

    fn read_plain(&mut self) -> io::Result<Progress> {
        let there = self.stamp.size.saturating_sub(self.print.offset);
        if there == 0 || (self.torn && !self.mend()?) {
            return Ok(Progress::Dry);
        }
        let (file, print) = (&self.file, &self.print);
        let want = usize::try_from(self.stamp.size.saturating_sub(print.offset)).unwrap_or(usize::MAX);
        if want == 0 {
            return Ok(Progress::Dry);
        }
        // Looked at after the reading: had the old content been gone before it, this would show.
        let read = |out: &mut [u8]| match read_at(file, out, print.offset)? {
            0 => Ok(0),
            n => Ok(if print.fits(file)? { n } else { 0 }),
        };
        let (n, lines) = self.cutter.fill(want, read)?;
        if n == 0 {
            return Ok(Progress::Replaced);
        }
        self.print.move_to(&self.file, self.print.offset + n as u64)?;
        Ok(Progress::Read(lines.map(|lines| self.chunk(lines)).transpose()?))
    }

    /// The line before was delivered without its newline. If that was all of it, its newline is passed over; if it goes on,
    /// the whole line is read again. False while that cannot be told.
    fn mend(&mut self) -> io::Result<bool> {
        let offset = self.print.offset;
        let mut next = [0; 2];
        let n = read_at(&self.file, &mut next, offset)?;
        let start = match &next[..n] {
            [b'\n', ..] => offset + 1,
            b"\r\n" => offset + 2,
            [] | [b'\r'] => return Ok(false),
            _ => line_start(&self.file, offset)?,
        };
        self.cutter = Cutter::new(start, self.limit);
        self.print = Print::take(&self.file, start)?;
        self.mark = self.print;
        self.told = self.told.min(start);
        self.torn = false;
        Ok(true)
    }

    fn chunk(&mut self, lines: Lines) -> io::Result<Chunk> {
        let done = match &self.body {
            // What is in the middle of a stream is not resumed.
            Body::Packed(decoder) => {
                self.mark = Print { tail: 0, offset: 0, ..self.print };
                decoder.taken()
            }
            Body::Plain | Body::Unknown => {
                let done = self.cutter.done();
                self.mark = if done == self.print.offset { self.print } else { Print::take(&self.file, done)? };
                done
            }
        };
        let raw_bytes = done.saturating_sub(self.told);
        self.told = self.told.max(done);
        Ok(Chunk {
            source: Arc::clone(&self.name),
            offset: lines.offset,
            bytes: lines.bytes,
            too_long: lines.too_long,
            corrupt: None,
            checkpoint: Some(self.checkpoint()),
            raw_bytes,
        })
    }
}

/// Where the line begins that the byte before `offset` belongs to.
fn line_start(file: &File, offset: u64) -> io::Result<u64> {
    let mut block = vec![0; 64 << 10];
    let mut end = offset;
    while end > 0 {
        let len = end.min(block.len() as u64);
        let n = read_at(file, &mut block[..len as usize], end - len)?;
        if let Some(i) = memrchr(b'\n', &block[..n]) {
            return Ok(end - len + i as u64 + 1);
        }
        end -= len;
    }
    Ok(0)
}

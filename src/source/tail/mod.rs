//! One open file, read to wherever it ends now: plain or compressed, growing, cut short or written anew under the handle.

mod packed;

use super::Chunk;
use super::cutter::{Cutter, Lines};
use super::decode::{Decoder, Form};
use super::identity::{Ends, Print, Stamp, read_at};
use crate::batch::Checkpoint;
use memchr::memrchr;
use packed::Passing;
pub(super) use packed::first_unpacked;
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
    /// Of plain text, the bytes that `print` is of.
    read: Ends,
    /// What is known of it up to where its lines were delivered.
    mark: Print,
    /// Of plain text, the bytes that `mark` is of.
    delivered: Ends,
    /// Raw bytes told in chunks.
    told: u64,
    /// The file when it was last looked at.
    stamp: Stamp,
    /// Whether the last line delivered had no newline, so that what follows may belong to it.
    torn: bool,
    /// Unpacked bytes of whole lines that were delivered.
    unpacked: u64,
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
            read: Ends::default(),
            mark: Print::default(),
            delivered: Ends::default(),
            told: 0,
            // Nothing was read at this size yet.
            stamp: Stamp { mtime_ns: i64::MIN, ..stamp },
            torn: false,
            unpacked: 0,
            passing: None,
        })
    }

    /// Goes on after what is known by this, which is in the store. Only plain text can go on within. Should the content
    /// have gone by now, the next reading finds it replaced.
    pub fn resume(&mut self, known: Print) -> io::Result<()> {
        let mut last = [b'\n'];
        if known.offset > 0 {
            read_at(&self.file, &mut last, known.offset - 1)?;
        }
        self.body = Body::Plain;
        self.go_to(known.offset)?;
        (self.print, self.mark) = (known, known);
        self.told = known.offset;
        self.torn = last != [b'\n'];
        Ok(())
    }

    /// Places the reading after an offset, as if everything before had been delivered.
    fn go_to(&mut self, offset: u64) -> io::Result<()> {
        self.cutter = Cutter::new(offset, self.limit);
        self.read = Ends::read(&self.file, offset)?;
        self.delivered = self.read.clone();
        (self.print, self.mark) = (self.read.print(), self.read.print());
        Ok(())
    }

    /// Begins again, with content that has replaced the old one.
    pub fn restart(&mut self) {
        self.body = Body::Unknown;
        self.cutter = Cutter::new(0, self.limit);
        (self.read, self.delivered) = (Ends::default(), Ends::default());
        (self.print, self.mark) = (Print::default(), Print::default());
        self.told = 0;
        self.torn = false;
        self.unpacked = 0;
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
    fn is_intact(&self) -> io::Result<bool> {
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

    /// The same, but what was replaced is left for a later reading to find so.
    pub fn read_intact(&mut self) -> io::Result<Progress> {
        match self.is_intact()? {
            true => self.read(),
            false => Ok(Progress::Dry),
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

    /// Whether the last line breaks off within an object: delivered so, it would be a broken line for ever, although it may
    /// be whole at the next reading.
    pub fn is_torn(&self) -> bool {
        self.cutter.is_torn()
    }

    /// The last line, which has no newline, if there is one.
    pub fn finish(&mut self) -> io::Result<Option<Chunk>> {
        let rest = self.cutter.finish();
        rest.map(|lines| self.chunk(lines)).transpose()
    }

    /// The old content is gone, and nothing carries it on: its last line.
    pub fn remains(&mut self) -> Option<Chunk> {
        let rest = if self.packed() { None } else { self.cutter.finish() };
        rest.map(|lines| Chunk {
            source: Arc::clone(&self.name),
            offset: lines.offset,
            raw_bytes: self.print.offset.saturating_sub(self.told),
            bytes: lines.bytes,
            too_long: lines.too_long,
            corrupt: None,
            checkpoint: Some(self.checkpoint_of(self.print)),
        })
    }

    /// The source's name.
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// What everything that was read is known by, the unfinished line included.
    pub fn print(&self) -> Print {
        self.print
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
            unpacked: self.unpacked,
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
            Form::Gzip | Form::Zstd => Body::Packed(Box::new(Decoder::new(rewound(&self.file)?))),
        };
        Ok(())
    }

    fn read_plain(&mut self) -> io::Result<Progress> {
        let there = self.stamp.size.saturating_sub(self.print.offset);
        if there == 0 || (self.torn && !self.mend()?) {
            return Ok(Progress::Dry);
        }
        let (file, print, bytes) = (&self.file, &self.print, &mut self.read);
        let want = usize::try_from(self.stamp.size.saturating_sub(print.offset)).unwrap_or(usize::MAX);
        if want == 0 {
            return Ok(Progress::Dry);
        }
        // Looked at after the reading: had the old content been gone before it, this would show.
        let read = |out: &mut [u8]| {
            let n = read_at(file, out, print.offset)?;
            if n == 0 || !print.fits(file)? {
                return Ok(0);
            }
            bytes.add(&out[..n]);
            Ok(n)
        };
        let (n, lines) = self.cutter.fill(want, read)?;
        if n == 0 {
            return Ok(Progress::Replaced);
        }
        self.print = self.read.print();
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
        self.go_to(start)?;
        self.told = self.told.min(start);
        self.torn = false;
        Ok(true)
    }

    fn chunk(&mut self, lines: Lines) -> io::Result<Chunk> {
        let done = match &self.body {
            // Within a stream, the unpacked bytes tell where to go on, not the raw ones.
            Body::Packed(decoder) => {
                self.unpacked = self.cutter.done();
                self.mark = Print { tail: 0, offset: 0, ..self.print };
                decoder.taken()
            }
            Body::Plain | Body::Unknown => {
                let done = self.cutter.done();
                if self.delivered.offset() + lines.bytes.len() as u64 == done {
                    self.delivered.add(&lines.bytes);
                } else if done == self.read.offset() {
                    self.delivered = self.read.clone();
                } else {
                    // A line that was left out lies between.
                    self.delivered = Ends::read(&self.file, done)?;
                }
                self.mark = self.delivered.print();
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

/// A handle that reads from the beginning, in the place of one that nobody reads from so.
fn rewound(file: &File) -> io::Result<File> {
    use std::io::Seek;
    let mut file = file.try_clone()?;
    file.rewind()?;
    Ok(file)
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

//! What a file is: device and inode, its first and its last bytes. Tells growth from replacement, and a rotated copy from
//! another log.

use super::decode::retry;
use crate::batch::Checkpoint;
use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use xxhash_rust::xxh3::xxh3_64;

/// How many bytes at either end are compared.
pub(super) const PRINT: usize = 1_024;

/// Device and inode.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct FileId {
    pub dev: u64,
    pub ino: u64,
}

/// What a look at a file's metadata gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stamp {
    pub id: FileId,
    /// Bytes.
    pub size: u64,
    /// Modification time, ns since the epoch.
    pub mtime_ns: i64,
}

impl Stamp {
    /// Takes what counts from the metadata.
    pub fn of(meta: &Metadata) -> Stamp {
        Stamp {
            id: FileId { dev: meta.dev(), ino: meta.ino() },
            size: meta.len(),
            mtime_ns: meta.mtime().saturating_mul(1_000_000_000).saturating_add(meta.mtime_nsec()),
        }
    }
}

/// What the content is known by: the hash of its first bytes, and that of the last before an offset.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Print {
    pub head: u64,
    pub head_len: u32,
    /// 0 where unknown.
    pub tail: u64,
    pub offset: u64,
}

impl Print {
    /// Of the content up to an offset, which is not beyond the end of the file.
    pub fn take(file: &File, offset: u64) -> io::Result<Print> {
        let mut print = Print { offset, ..Print::default() };
        let len = offset.min(PRINT as u64);
        if let Some(head) = hash_at(file, 0, len)? {
            print.head = head;
            print.head_len = len as u32;
        }
        print.tail = if offset == 0 { 0 } else { hash_at(file, offset - len, len)?.unwrap_or(0) };
        Ok(print)
    }

    /// The same content further on.
    pub fn move_to(&mut self, file: &File, offset: u64) -> io::Result<()> {
        let before = *self;
        *self = Print::take(file, offset)?;
        if before.head_len as usize == PRINT {
            (self.head, self.head_len) = (before.head, before.head_len);
        }
        Ok(())
    }

    /// Whether the file still begins so, and still has the same bytes before the offset.
    pub fn fits(&self, file: &File) -> io::Result<bool> {
        if self.head_len > 0 && hash_at(file, 0, u64::from(self.head_len))? != Some(self.head) {
            return Ok(false);
        }
        let len = self.offset.min(PRINT as u64);
        Ok(self.tail == 0 || hash_at(file, self.offset - len, len)? == Some(self.tail))
    }

    /// What a checkpoint recorded.
    pub fn of(checkpoint: &Checkpoint) -> Print {
        Print {
            head: checkpoint.fingerprint,
            head_len: checkpoint.fingerprint_len.min(PRINT as u32),
            tail: checkpoint.tail_fingerprint,
            offset: checkpoint.offset,
        }
    }

    /// Whether it is enough to know the same log by under another inode: the first bytes and those before the offset. A
    /// head alone is not, since logs of one program may begin with the same banner. What is passed over by mistake would
    /// have to be alike at both ends of what was read; and bytes that really are the same hold no new event.
    pub fn is_strong(&self) -> bool {
        self.tail != 0 && u64::from(self.head_len) == self.offset.min(PRINT as u64)
    }

    /// Whether these are the last bytes before the offset: [`PRINT`] of them, or all.
    pub fn ends(&self, last: &[u8]) -> bool {
        self.tail != 0 && xxh3_64(last) == self.tail
    }
}

/// The first and the last of the bytes that were read, and how many they are: the print of these very bytes, whatever has
/// become of the file since.
#[derive(Debug, Clone, Default)]
pub(super) struct Ends {
    first: Vec<u8>,
    last: Vec<u8>,
    offset: u64,
}

impl Ends {
    /// Of what a file holds before an offset.
    pub fn read(file: &File, offset: u64) -> io::Result<Ends> {
        let len = offset.min(PRINT as u64);
        let piece = |from: u64| -> io::Result<Vec<u8>> {
            let mut bytes = vec![0; len as usize];
            let n = read_at(file, &mut bytes, from)?;
            bytes.truncate(n);
            Ok(bytes)
        };
        Ok(Ends { first: piece(0)?, last: piece(offset - len)?, offset })
    }

    /// The next bytes.
    pub fn add(&mut self, bytes: &[u8]) {
        let room = PRINT.saturating_sub(self.first.len());
        self.first.extend_from_slice(&bytes[..bytes.len().min(room)]);
        let surplus = (self.last.len() + bytes.len()).saturating_sub(PRINT).min(self.last.len());
        self.last.drain(..surplus);
        self.last.extend_from_slice(&bytes[bytes.len().saturating_sub(PRINT)..]);
        self.offset += bytes.len() as u64;
    }

    /// How many bytes there were.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// What they are known by.
    pub fn print(&self) -> Print {
        if self.offset == 0 {
            return Print::default();
        }
        let head_len = self.first.len() as u32;
        Print { head: xxh3_64(&self.first), head_len, tail: xxh3_64(&self.last), offset: self.offset }
    }
}

/// The first bytes of a file, to be compared with those of many others.
pub(super) struct Head {
    bytes: Vec<u8>,
    /// Hashes by length, as far as they were asked for.
    hashes: Vec<Option<u64>>,
}

impl Head {
    /// Of a file.
    pub fn read(file: &File) -> io::Result<Head> {
        let mut bytes = vec![0; PRINT];
        let n = read_at(file, &mut bytes, 0)?;
        bytes.truncate(n);
        Ok(Head::new(bytes))
    }

    /// Of at most [`PRINT`] bytes.
    pub fn new(bytes: Vec<u8>) -> Head {
        Head { hashes: vec![None; bytes.len() + 1], bytes }
    }

    /// Whether what is known by this may be copied here: it begins so, and is known well enough to tell.
    pub fn may_copy(&mut self, print: &Print) -> bool {
        let len = print.head_len as usize;
        let Some(hash) = self.hashes.get_mut(len) else { return false };
        let bytes = &self.bytes[..len];
        print.is_strong() && *hash.get_or_insert_with(|| xxh3_64(bytes)) == print.head
    }
}

/// Whether a file is the one of a checkpoint, and holds nothing beyond what was read of it: by its bytes, since the number of
/// a file that was deleted is given to another.
pub fn is_read(checkpoint: &Checkpoint, file: &File) -> io::Result<bool> {
    let (stamp, print) = (Stamp::of(&file.metadata()?), Print::of(checkpoint));
    Ok(stamp.id == id_of(checkpoint) && stamp.size == print.offset && print.is_strong() && print.fits(file)?)
}

/// The file of a checkpoint.
pub(super) fn id_of(checkpoint: &Checkpoint) -> FileId {
    FileId { dev: checkpoint.dev, ino: checkpoint.ino }
}

/// Reads as many bytes as fit, or as there are.
pub(super) fn read_at(file: &File, mut out: &mut [u8], mut offset: u64) -> io::Result<usize> {
    let wanted = out.len();
    while !out.is_empty() {
        match retry(|| file.read_at(out, offset))? {
            0 => break,
            n => {
                offset += n as u64;
                out = &mut out[n..];
            }
        }
    }
    Ok(wanted - out.len())
}

/// Hash of `len` bytes (at most [`PRINT`]); `None` where the file is too short for them.
fn hash_at(file: &File, offset: u64, len: u64) -> io::Result<Option<u64>> {
    let mut buf = [0; PRINT];
    let buf = &mut buf[..(len as usize).min(PRINT)];
    Ok((read_at(file, buf, offset)? == buf.len()).then(|| xxh3_64(buf)))
}

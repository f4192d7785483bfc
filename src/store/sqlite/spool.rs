//! Batches put aside in a file without a name, sorted by time in runs, until there are enough to walk the table once for
//! many. What is in it is not in the store: it goes with the program, and is read again.

use super::insert::Key;
use crate::batch::{Batch, CallRow, INLINE, TextBlock};
use crate::event::Outcome;
use crate::store::StoreError;
use std::fs::File;
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// Every so many rows of a run their time is remembered.
const MARK: usize = 1_024;

/// About so many calls are handed out at once: so many marks.
const WINDOW: usize = 128;

/// How much of a run is read at once, bytes.
const READ: usize = 256 << 10;

/// How much is written at once, bytes.
const WRITE: usize = 1 << 20;

/// The numbers before a row's bytes.
const HEAD: usize = 46;

/// Batches put aside.
pub struct Spool {
    path: PathBuf,
    file: Option<File>,
    end: u64,
    parked: Vec<Parked>,
    runs: Vec<Run>,
}

/// A batch that was put aside.
pub struct Parked {
    /// It, without its calls and the bytes of its texts.
    pub batch: Batch,
    /// How many calls it has.
    pub calls: usize,
    /// The call of each of its errors.
    pub failed: Vec<CallRow>,
    /// Where the bytes of its texts are, and how many.
    texts: Vec<(u64, usize)>,
}

/// Rows sorted by time.
struct Run {
    at: u64,
    end: u64,
    marks: Vec<i64>,
}

/// Calls of all runs between two times, in order.
pub struct Window {
    /// The calls.
    pub batch: Batch,
    /// The batch each is from, and its number in it.
    pub origins: Vec<(u32, u32)>,
    /// Their order.
    pub keys: Vec<Key>,
}

impl Spool {
    /// An empty spool for the store at a path; there is a file once something is put aside.
    pub fn beside(store: &Path) -> Spool {
        Spool { path: store.to_owned(), file: None, end: 0, parked: Vec::new(), runs: Vec::new() }
    }

    /// The batches that were put aside, in that order.
    pub fn parked(&self) -> &[Parked] {
        &self.parked
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        (self.file, self.end) = (None, 0);
        self.parked = Vec::new();
        self.runs = Vec::new();
    }

    /// Puts batches aside; they remain the caller's where that fails.
    pub fn park(&mut self, batches: &[Batch]) -> Result<(), StoreError> {
        let (end, parked) = (self.end, self.parked.len());
        self.write(batches).map_err(|source| {
            self.end = end;
            self.parked.truncate(parked);
            self.failed(source)
        })
    }

    fn failed(&self, source: io::Error) -> StoreError {
        StoreError::Spool { path: self.path.clone(), source }
    }

    fn write(&mut self, batches: &[Batch]) -> io::Result<()> {
        let file = match self.file.take() {
            Some(file) => file,
            None => nameless(&self.path)?,
        };
        let mut out = Out { file: &file, at: self.end, bytes: Vec::with_capacity(WRITE) };
        let first = self.parked.len() as u32;
        let run = write_run(&mut out, batches, first)?;
        let parked = batches.iter().map(|batch| put_aside(&mut out, batch)).collect::<io::Result<Vec<_>>>()?;
        out.flush()?;
        self.end = out.at;
        self.file = Some(file);
        self.parked.extend(parked);
        self.runs.push(run);
        Ok(())
    }

    /// The text block of a batch.
    pub fn text(&self, parked: &Parked, number: usize) -> Result<Vec<u8>, StoreError> {
        let (at, len) = parked.texts.get(number).copied().unwrap_or_default();
        let mut data = vec![0; len];
        match &self.file {
            Some(file) => file.read_exact_at(&mut data, at).map(|()| data).map_err(|e| self.failed(e)),
            None => Ok(data),
        }
    }

    /// All calls in windows of time, oldest first.
    pub fn windows(&self) -> Windows<'_> {
        let mut marks: Vec<i64> = self.runs.iter().flat_map(|run| run.marks.iter().copied()).collect();
        marks.sort_unstable();
        let mut bounds: Vec<i64> = marks.into_iter().skip(WINDOW).step_by(WINDOW).collect();
        bounds.dedup();
        let mut bounds: Vec<Option<i64>> = bounds.into_iter().map(Some).collect();
        if !self.runs.is_empty() {
            bounds.push(None);
        }
        let cursors = self.runs.iter().map(|run| Cursor { at: run.at, end: run.end, bytes: Vec::new(), next: 0 });
        Windows { spool: self, bounds: bounds.into_iter(), cursors: cursors.collect() }
    }
}

/// A file that only this program sees, in the folder of a store.
fn nameless(store: &Path) -> io::Result<File> {
    let mut name = store.as_os_str().to_owned();
    name.push(format!("-spool-{}", std::process::id()));
    let file = std::fs::OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(&name)?;
    std::fs::remove_file(&name)?;
    Ok(file)
}

/// Writes on at a place.
struct Out<'f> {
    file: &'f File,
    at: u64,
    bytes: Vec<u8>,
}

impl Out<'_> {
    /// Where the next byte comes to stand.
    fn position(&self) -> u64 {
        self.at + self.bytes.len() as u64
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.write_all_at(&self.bytes, self.at)?;
        self.at += self.bytes.len() as u64;
        self.bytes.clear();
        Ok(())
    }

    fn flush_if_full(&mut self) -> io::Result<()> {
        if self.bytes.len() < WRITE { Ok(()) } else { self.flush() }
    }
}

fn write_run(out: &mut Out<'_>, batches: &[Batch], first: u32) -> io::Result<Run> {
    let mut keys: Vec<Key> = Vec::with_capacity(batches.iter().map(|b| b.calls.len()).sum());
    for (batch, calls) in (0..).zip(batches.iter().map(|b| &b.calls)) {
        keys.extend((0..).zip(calls).map(|(row, call)| Key { ts_us: call.ts_us, id: call.id, batch, row }));
    }
    keys.sort_unstable();
    let (at, mut marks) = (out.position(), Vec::with_capacity(keys.len() / MARK + 1));
    for (i, key) in keys.iter().enumerate() {
        if i.is_multiple_of(MARK) {
            marks.push(key.ts_us);
        }
        let batch = &batches[key.batch as usize];
        put_row(&mut out.bytes, batch, &batch.calls[key.row as usize], (first + key.batch, key.row));
        out.flush_if_full()?;
    }
    Ok(Run { at, end: out.position(), marks })
}

fn put_aside(out: &mut Out<'_>, batch: &Batch) -> io::Result<Parked> {
    let mut texts = Vec::with_capacity(batch.texts.len());
    for text in &batch.texts {
        texts.push((out.position(), text.data.len()));
        out.bytes.extend_from_slice(&text.data);
        out.flush_if_full()?;
    }
    let failed = batch.errors.iter().filter_map(|e| batch.calls.get(e.call as usize).copied()).collect();
    let slim = Batch {
        builder: batch.builder,
        source: batch.source.clone(),
        texts: batch.texts.iter().map(|t| TextBlock { data: Vec::new(), ..*t }).collect(),
        errors: batch.errors.clone(),
        spans: batch.spans.clone(),
        scores: batch.scores.clone(),
        read_us: batch.read_us,
        counts: batch.counts.clone(),
        checkpoint: batch.checkpoint.clone(),
        ..Batch::default()
    };
    Ok(Parked { batch: slim, calls: batch.calls.len(), failed, texts })
}

/// A row: its numbers, the lengths of its bytes, its bytes.
fn put_row(out: &mut Vec<u8>, batch: &Batch, row: &CallRow, (origin, number): (u32, u32)) {
    let (facts, attrs) = (batch.bytes(row.facts), batch.bytes(row.attrs_text));
    out.extend_from_slice(&row.ts_us.to_le_bytes());
    out.extend_from_slice(&row.id.to_le_bytes());
    for word in
        [row.series, row.attrs, row.text.cast_unsigned(), origin, number, facts.len() as u32, attrs.len() as u32]
    {
        out.extend_from_slice(&word.to_le_bytes());
    }
    out.push(row.outcome.number());
    out.push(u8::from(row.priced));
    out.extend_from_slice(facts);
    out.extend_from_slice(attrs);
}

/// Reads a run from its beginning to its end.
struct Cursor {
    at: u64,
    end: u64,
    bytes: Vec<u8>,
    next: usize,
}

impl Cursor {
    /// Has at least `want` unread bytes in memory; whether there are so many.
    fn have(&mut self, file: &File, want: usize) -> io::Result<bool> {
        let unread = self.bytes.len() - self.next;
        if unread >= want {
            return Ok(true);
        }
        self.bytes.drain(..self.next);
        self.next = 0;
        let left = usize::try_from(self.end - self.at).unwrap_or(usize::MAX);
        let more = READ.max(want - unread).min(left);
        self.bytes.resize(unread + more, 0);
        file.read_exact_at(&mut self.bytes[unread..], self.at)?;
        self.at += more as u64;
        Ok(self.bytes.len() >= want)
    }

    /// Moves the rows before a time into a window; all of them without a time.
    fn take(&mut self, file: &File, until_us: Option<i64>, window: &mut Window) -> io::Result<()> {
        while self.have(file, HEAD)? {
            let head = Head(&self.bytes[self.next..self.next + HEAD]);
            if until_us.is_some_and(|until| head.long(0) >= until) {
                break;
            }
            let len = HEAD + head.word(5) as usize + head.word(6) as usize;
            if !self.have(file, len)? {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            window.push(&self.bytes[self.next..self.next + len]);
            self.next += len;
        }
        Ok(())
    }
}

/// The numbers before a row's bytes.
struct Head<'b>(&'b [u8]);

impl Head<'_> {
    fn long(&self, number: usize) -> i64 {
        i64::from_le_bytes(std::array::from_fn(|i| self.0[number * 8 + i]))
    }

    fn word(&self, number: usize) -> u32 {
        u32::from_le_bytes(std::array::from_fn(|i| self.0[16 + number * 4 + i]))
    }
}

impl Window {
    fn push(&mut self, row: &[u8]) {
        let (head, bytes) = row.split_at(HEAD);
        let head = Head(head);
        let (facts, attrs_text) = bytes.split_at(head.word(5) as usize);
        let call = CallRow {
            ts_us: head.long(0),
            id: head.long(1),
            facts: self.batch.put(facts),
            attrs_text: if head.word(1) == INLINE { self.batch.put(attrs_text) } else { Default::default() },
            series: head.word(0),
            attrs: head.word(1),
            text: head.word(2).cast_signed(),
            outcome: Outcome::from_number(head.0[44]),
            timed: true,
            priced: head.0[45] != 0,
        };
        self.keys.push(Key { ts_us: call.ts_us, id: call.id, batch: 0, row: self.origins.len() as u32 });
        self.origins.push((head.word(3), head.word(4)));
        self.batch.calls.push(call);
    }
}

/// The windows of a spool.
pub struct Windows<'s> {
    spool: &'s Spool,
    bounds: std::vec::IntoIter<Option<i64>>,
    cursors: Vec<Cursor>,
}

impl Iterator for Windows<'_> {
    type Item = Result<Window, StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        let (bound, file) = (self.bounds.next()?, self.spool.file.as_ref()?);
        let mut window = Window { batch: Batch::default(), origins: Vec::new(), keys: Vec::new() };
        let taken = self.cursors.iter_mut().try_for_each(|cursor| cursor.take(file, bound, &mut window));
        window.keys.sort_unstable();
        Some(taken.map(|()| window).map_err(|e| self.spool.failed(e)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A batch of calls whose times jump about; each has its number in its facts.
    fn batch(calls: u32, step: i64) -> Batch {
        let mut batch = Batch { builder: 7, ..Batch::default() };
        for n in 0..calls {
            let facts = batch.put(format!("facts of {n}").as_bytes());
            let inline = n % 3 == 0;
            let attrs_text = if inline { batch.put(b"{\"a\":1}") } else { Default::default() };
            batch.calls.push(CallRow {
                ts_us: (i64::from(n) * step).rem_euclid(1_000_003),
                id: i64::from(n),
                facts,
                attrs_text,
                series: n % 5,
                attrs: if inline { INLINE } else { n },
                text: if n % 2 == 0 { n as i32 } else { -1 },
                outcome: Outcome::from_number((n % 4) as u8),
                timed: true,
                priced: n % 7 == 0,
            });
        }
        batch.texts.push(TextBlock { last_us: 5, len: 1, data: vec![1, 2, 3] });
        batch
    }

    #[test]
    fn windows_hold_every_call_once_and_in_order() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut spool = Spool::beside(&folder.path().join("test.db"));
        let batches = [batch(90_000, 7_919), batch(120_000, 104_729), batch(1, 1), batch(0, 1)];
        spool.park(&batches[..1]).expect("parked");
        spool.park(&batches[1..]).expect("parked");
        assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 0, "the file has no name");
        let (mut last, mut seen, mut windows) = (i64::MIN, [0; 4], 0);
        for window in spool.windows() {
            let window = window.expect("its own rows");
            windows += 1;
            for key in &window.keys {
                assert!(key.ts_us >= last, "in order");
                last = key.ts_us;
                let (got, (origin, number)) = (window.batch.calls[key.row as usize], window.origins[key.row as usize]);
                let from = &batches[origin as usize];
                let want = from.calls[number as usize];
                assert_eq!(window.batch.bytes(got.facts), from.bytes(want.facts));
                assert_eq!(window.batch.bytes(got.attrs_text), from.bytes(want.attrs_text));
                assert_eq!(
                    (got.ts_us, got.id, got.series, got.attrs, got.text, got.outcome, got.timed, got.priced),
                    (want.ts_us, want.id, want.series, want.attrs, want.text, want.outcome, want.timed, want.priced)
                );
                seen[origin as usize] += 1;
            }
        }
        assert_eq!((seen, windows > 1), ([90_000, 120_000, 1, 0], true));
        for parked in spool.parked() {
            assert_eq!(spool.text(parked, 0).expect("its text"), [1, 2, 3]);
        }
        spool.clear();
        assert!(spool.windows().next().is_none() && spool.parked().is_empty());
    }
}

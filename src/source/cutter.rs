//! Cuts a stream of bytes into whole lines. Holds at most one unfinished line, the lines that a container's runtime has
//! split one into so far, and of one that is too long only its beginning.

use super::CHUNK;
use crate::format::parts::Seam;
use memchr::{memchr, memrchr};
use std::io;
use std::mem;

/// How much of a line that is too long is kept, as an example.
const SNIPPET: usize = 200;

/// Whole lines, one after another in the input.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Lines {
    /// Offset of the first byte.
    pub offset: u64,
    /// The lines; all but the last of the input end in `\n`.
    pub bytes: Vec<u8>,
    /// Lines left out before these: (offset, length without `\n`, first bytes).
    pub too_long: Vec<(u64, u64, Vec<u8>)>,
}

/// The unfinished line at the end of what was read so far.
#[derive(Debug)]
pub(super) struct Cutter {
    /// The unfinished line, and before it what may not be parted from it: a line of which a runtime has written parts.
    rest: Vec<u8>,
    /// Where `rest` can be cut.
    seam: Seam,
    /// Offset of `rest` in the input.
    offset: u64,
    skipping: Option<Skipped>,
    limit: usize,
}

/// A line that is passed over.
#[derive(Debug)]
struct Skipped {
    offset: u64,
    len: u64,
    first: Vec<u8>,
}

impl Cutter {
    /// Begins at an offset of the input that begins a line; lines longer than `limit` bytes are left out.
    pub fn new(offset: u64, limit: usize) -> Cutter {
        Cutter { rest: Vec::new(), seam: Seam::default(), offset, skipping: None, limit: limit.max(1) }
    }

    /// Everything before this offset has been handed out.
    pub fn done(&self) -> u64 {
        self.skipping.as_ref().map_or(self.offset, |s| s.offset)
    }

    /// Lets `read` fill at most `want` bytes (it returns how many it did), and hands out what lines that completes.
    ///
    /// # Errors
    /// Whatever `read` fails with; then nothing has changed.
    pub fn fill(
        &mut self,
        want: usize,
        read: impl FnOnce(&mut [u8]) -> io::Result<usize>,
    ) -> io::Result<(usize, Option<Lines>)> {
        // One fill is never longer than a line may be: only a line that was begun before it can turn out too long.
        let want = want.clamp(1, CHUNK.min(self.limit));
        let held = self.rest.len();
        self.rest.resize(held + want, 0);
        let n = match read(&mut self.rest[held..]) {
            Ok(n) => n.min(want),
            Err(error) => {
                self.rest.truncate(held);
                return Err(error);
            }
        };
        self.rest.truncate(held + n);
        let too_long = self.pass_over(held);
        Ok((n, self.cut(too_long)))
    }

    /// Whether the unfinished line breaks off within an object, or between the parts that a runtime wrote of it, so that it
    /// can be no whole event: its writer is at it, or was stopped.
    pub fn is_torn(&self) -> bool {
        let last = &self.rest[memrchr(b'\n', &self.rest).map_or(0, |i| i + 1)..];
        self.skipping.is_none() && (breaks_off(last) || self.seam.is_waiting(last))
    }

    /// Hands out the unfinished line as the last one: the input has ended.
    pub fn finish(&mut self) -> Option<Lines> {
        if let Some(skipped) = self.skipping.take() {
            let too_long = vec![(skipped.offset, skipped.len, skipped.first)];
            return Some(Lines { offset: self.offset, bytes: Vec::new(), too_long });
        }
        let bytes = mem::take(&mut self.rest);
        self.seam = Seam::default();
        let offset = self.offset;
        self.offset += bytes.len() as u64;
        (!bytes.is_empty()).then(|| Lines { offset, bytes, too_long: Vec::new() })
    }

    /// Removes from the fresh bytes what belongs to a line that is too long; returns that line once it is complete.
    fn pass_over(&mut self, held: usize) -> Vec<(u64, u64, Vec<u8>)> {
        let newline = if held > 0 || self.skipping.is_some() { memchr(b'\n', &self.rest[held..]) } else { None };
        let end = newline.map_or(self.rest.len(), |i| held + i);
        if self.skipping.is_none() && held > 0 && end > self.limit {
            let first = self.rest[..SNIPPET.min(end)].to_vec();
            self.skipping = Some(Skipped { offset: self.offset, len: 0, first });
        }
        let Some(skipped) = &mut self.skipping else { return Vec::new() };
        skipped.len += end as u64;
        let drop = newline.map_or(end, |_| end + 1);
        self.rest.drain(..drop);
        self.seam = Seam::default();
        self.offset += drop as u64;
        match newline.and_then(|_| self.skipping.take()) {
            Some(line) => vec![(line.offset, line.len, line.first)],
            None => {
                self.rest = Vec::new();
                Vec::new()
            }
        }
    }

    /// Takes everything up to the last newline, but for a line that goes on in the next.
    fn cut(&mut self, too_long: Vec<(u64, u64, Vec<u8>)>) -> Option<Lines> {
        let whole = memrchr(b'\n', &self.rest).map_or(0, |i| i + 1);
        let end = self.seam.find(&self.rest[..whole]);
        self.seam.moved(end);
        if end == 0 && too_long.is_empty() {
            return None;
        }
        let rest = self.rest[end..].to_vec();
        let mut bytes = mem::replace(&mut self.rest, rest);
        bytes.truncate(end);
        // Lines that trickle in wait in the queue at their own size, not at that of the space they were read into.
        if bytes.capacity() / 4 > end {
            bytes.shrink_to_fit();
        }
        let offset = self.offset;
        self.offset += end as u64;
        Some(Lines { offset, bytes, too_long })
    }
}

/// Whether a line ends within an object or a text in it. Objects are told by braces and quotes alone; what stands before
/// the first brace does not matter.
fn breaks_off(line: &[u8]) -> bool {
    let Some(start) = memchr(b'{', line) else { return false };
    // Python quotes with either sign; in JSON an apostrophe is a letter.
    let python = line[start + 1..].trim_ascii_start().starts_with(b"'");
    let (mut depth, mut quote, mut escaped) = (0usize, None, false);
    for byte in &line[start..] {
        match (quote, byte) {
            (Some(_), _) if mem::take(&mut escaped) => {}
            (Some(_), b'\\') => escaped = true,
            (Some(end), byte) if byte == end => quote = None,
            (None, b'"') => quote = Some(byte),
            (None, b'\'') if python => quote = Some(byte),
            (None, b'{') => depth += 1,
            (None, b'}') => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    depth > 0 || quote.is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Feeds `input` in pieces of the given sizes, and collects what comes out.
    fn cut(input: &[u8], sizes: &[usize], limit: usize) -> Vec<Lines> {
        let mut cutter = Cutter::new(0, limit);
        let mut sizes = sizes.iter().cycle();
        let (mut pos, mut out) = (0, Vec::new());
        while pos < input.len() {
            let want = *sizes.next().expect("cycle");
            let (n, lines) = cutter
                .fill(want, |space| {
                    let n = space.len().min(input.len() - pos);
                    space[..n].copy_from_slice(&input[pos..pos + n]);
                    Ok(n)
                })
                .expect("reads from memory");
            pos += n;
            out.extend(lines);
        }
        out.extend(cutter.finish());
        assert_eq!(cutter.finish(), None);
        out
    }

    /// Lines kept, with their offsets; and those left out, with their offsets and lengths.
    type Cut = (Vec<(u64, Vec<u8>)>, Vec<(u64, u64)>);

    /// What any way of cutting must give.
    fn expected(input: &[u8], limit: usize) -> Cut {
        let (mut kept, mut left_out, mut offset) = (Vec::new(), Vec::new(), 0);
        for line in input.split_inclusive(|b| *b == b'\n') {
            let text = line.strip_suffix(b"\n").unwrap_or(line);
            if text.len() > limit {
                left_out.push((offset, text.len() as u64));
            } else {
                kept.push((offset, line.to_vec()));
            }
            offset += line.len() as u64;
        }
        (kept, left_out)
    }

    proptest! {
        #[test]
        fn any_pieces_give_the_same_lines(
            input in proptest::collection::vec(prop_oneof![4 => Just(b'x'), 1 => Just(b'\n'), 1 => any::<u8>()], 0..200),
            sizes in proptest::collection::vec(1usize..40, 1..6),
            limit in 1usize..30,
        ) {
            let (mut kept, mut left_out) = (Vec::new(), Vec::new());
            for lines in cut(&input, &sizes, limit) {
                let mut offset = lines.offset;
                for line in lines.bytes.split_inclusive(|b| *b == b'\n') {
                    kept.push((offset, line.to_vec()));
                    offset += line.len() as u64;
                }
                for (offset, len, first) in lines.too_long {
                    let at = offset as usize;
                    prop_assert_eq!(&first[..], &input[at..at + (len as usize).min(first.len())]);
                    left_out.push((offset, len));
                }
            }
            prop_assert_eq!((kept, left_out), expected(&input, limit));
        }
    }

    #[test]
    fn a_long_line_is_passed_over_in_little_memory() {
        let limit = 1 << 10;
        let mut cutter = Cutter::new(7, limit);
        for _ in 0..10_000 {
            let (_, lines) = cutter
                .fill(limit, |s| {
                    s.fill(b'a');
                    Ok(s.len())
                })
                .expect("reads");
            assert_eq!(lines, None);
            assert!(cutter.rest.capacity() <= 4 * limit, "{}", cutter.rest.capacity());
            assert_eq!(cutter.done(), 7);
        }
        let (_, lines) = cutter
            .fill(3, |s| {
                s.copy_from_slice(b"\nb\n");
                Ok(3)
            })
            .expect("reads");
        let lines = lines.expect("a line ended");
        assert_eq!((lines.bytes.as_slice(), lines.offset), (&b"b\n"[..], 7 + 10_000 * 1024 + 1));
        assert_eq!(lines.too_long, vec![(7, 10_000 * 1024, vec![b'a'; SNIPPET])]);
    }

    #[test]
    fn a_line_in_parts_comes_out_in_one_piece() {
        let before = "2025-03-01T10:15:30Z stdout F ready\n";
        let parts = "2025-03-01T10:15:30Z stdout P {\"a\":\n2025-03-01T10:15:30Z stderr F other\n2025-03-01T10:15:30Z stdout F 1}\n";
        let input = [before, parts].concat();
        for size in [1, 7, 33, 40, 100, 1_000] {
            let got = cut(input.as_bytes(), &[size], 1 << 10);
            let ends: Vec<usize> = got.iter().map(|lines| lines.offset as usize + lines.bytes.len()).collect();
            assert!(ends.iter().all(|end| [before.len(), input.len()].contains(end)), "{size}: {ends:?}");
            assert_eq!(got.iter().flat_map(|lines| lines.bytes.clone()).collect::<Vec<u8>>(), input.as_bytes());
        }
        let got = cut(&input.as_bytes()[..before.len() + 40], &[8], 1 << 10);
        assert_eq!(got.len(), 2, "at the end what there is comes out");
        let too_long = cut(input.as_bytes(), &[16], 100);
        assert_eq!(too_long.iter().flat_map(|lines| &lines.too_long).count(), 1);
    }

    #[test]
    fn an_object_that_breaks_off_is_no_line_yet() {
        let torn = [
            r#"{"#,
            r#"{"a":1"#,
            r#"{"a":"}"#,
            r#"{"a":"}\""#,
            r#"{"a":{"b":1}"#,
            r#"api-1 | {"a":"it's}"#,
            r#"{'a': "}'#,
            r#"2024-05-01T00:00:00Z stdout F {"event":"llm_call","mo"#,
            r#"{"a":1} {"b"#,
        ];
        let whole = [
            "",
            "text",
            r#"{"a":"{"}"#,
            r#"{"a":"\"{"}  "#,
            r#"INFO it's {"a":"don't"}"#,
            r#"{'a': "it's }", 'b': '{'}"#,
            "}",
            "[1,",
        ];
        for (lines, is_torn) in [(&torn[..], true), (&whole[..], false)] {
            for line in lines {
                assert_eq!(breaks_off(line.as_bytes()), is_torn, "{line}");
            }
        }
    }

    #[test]
    fn a_failed_read_changes_nothing() {
        let mut cutter = Cutter::new(0, 100);
        cutter
            .fill(3, |s| {
                s.copy_from_slice(b"abc");
                Ok(3)
            })
            .expect("reads");
        assert!(cutter.fill(3, |_| Err(io::ErrorKind::WouldBlock.into())).is_err());
        assert_eq!(cutter.finish().expect("a rest").bytes, b"abc");
    }
}

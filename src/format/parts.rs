//! Lines that a container's runtime has split: Docker's json-file log cuts at 16 KiB, CRI marks what goes on with a `P`.
//! Tells where in a log nothing is left open, and puts the parts together again. No decoding: lines in, lines out.

use memchr::memmem::Finder;
use memchr::{memchr, memrchr};
use std::ops::Range;
use std::sync::LazyLock;

/// Docker cuts after so many bytes, which are at least as many in its log; what is shorter ended without a newline. A
/// little less, for a cut that spares a character.
const DOCKER_PART: usize = (16 << 10) - 16;

/// So many lines of the other stream may come between the parts of one; then it is given up, or a line that is never ended
/// would hold up a log for ever.
const MAX_BETWEEN: usize = 200;

/// The end of the text in a line of Docker's. Within it a quote has a backslash before it, so this cannot stand there.
static AFTER_LOG: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b"\",\"stream\":\""));

/// Streams of a container: output and errors, each with its own lines.
const STREAMS: usize = 2;

/// A line of a container's log.
#[derive(Debug, PartialEq, Eq)]
struct Part {
    /// 0 is the output, 1 the errors.
    stream: usize,
    /// Where in the line the program's own text stands.
    text: Range<usize>,
    /// Whether the program's line ends with it.
    ends: bool,
}

/// Reads a line without its newline as one of a container's log; `None` for all others.
#[inline]
fn part(line: &[u8]) -> Option<Part> {
    match line.first()? {
        b'{' => docker(line),
        b'0'..=b'9' => cri(line),
        _ => None,
    }
}

/// `{"log":"…\n","stream":"stdout","time":"…"}`, written by Docker always so.
fn docker(line: &[u8]) -> Option<Part> {
    const BEFORE_LOG: &[u8] = b"{\"log\":\"";
    let rest = line.strip_prefix(BEFORE_LOG)?;
    let length = AFTER_LOG.find(rest)?;
    let stream = stream(rest.get(length + AFTER_LOG.needle().len()..)?)?;
    let text = &rest[..length];
    let ends = text.len() < DOCKER_PART || ends_in_newline(text);
    Some(Part { stream, text: BEFORE_LOG.len()..BEFORE_LOG.len() + length, ends })
}

/// Whether the escaped text ends in `\n`, its backslash being no escaped one.
fn ends_in_newline(text: &[u8]) -> bool {
    text.strip_suffix(b"n").is_some_and(|rest| rest.iter().rev().take_while(|b| **b == b'\\').count() % 2 == 1)
}

/// `2024-01-01T12:00:00.123456789Z stdout P …`.
fn cri(line: &[u8]) -> Option<Part> {
    const LONGEST_TIME: usize = 40;
    const STREAM: usize = "stdout ".len();
    if line.get(4) != Some(&b'-') || line.get(10) != Some(&b'T') {
        return None;
    }
    let from = memchr(b' ', &line[..line.len().min(LONGEST_TIME)])? + 1;
    let stream = stream(&line[from..])?;
    let tags = line.get(from + STREAM..).filter(|_| line[from + STREAM - 1] == b' ')?;
    let length = tags.iter().take(LONGEST_TIME).position(|b| *b == b' ').unwrap_or(tags.len());
    let ends = match tags[..length].split(|b| *b == b':').next()? {
        b"F" => true,
        b"P" => false,
        _ => return None,
    };
    Some(Part { stream, text: (from + STREAM + length + 1).min(line.len())..line.len(), ends })
}

fn stream(text: &[u8]) -> Option<usize> {
    [&b"stdout"[..], b"stderr"].iter().position(|name| text.starts_with(name))
}

/// Finds where a log can be cut so that no line is left in parts. It sees the log grow.
#[derive(Debug, Default)]
pub struct Seam {
    /// For each stream whose line is not ended yet: where its first part begins, and how many lines of the other came since.
    open: [Option<Open>; STREAMS],
    /// Up to here the lines have been looked at.
    seen: usize,
}

#[derive(Debug, Clone, Copy)]
struct Open {
    from: usize,
    between: usize,
}

impl Seam {
    /// Where in some whole lines, which are those seen before and some more, the first line begins that goes on beyond
    /// them; their end where none does.
    pub fn find(&mut self, lines: &[u8]) -> usize {
        let is_closed = self.open.iter().all(Option::is_none);
        if is_closed && last_line(lines.get(self.seen..).unwrap_or_default()).is_none_or(|line| part(line).is_none()) {
            self.seen = lines.len();
            return lines.len();
        }
        while let Some(rest) = lines.get(self.seen..).filter(|rest| !rest.is_empty()) {
            let length = memchr(b'\n', rest).unwrap_or(rest.len());
            if let Some(part) = part(&rest[..length]) {
                self.note(&part);
            }
            self.seen += length + 1;
        }
        self.open.iter().flatten().map(|open| open.from).min().unwrap_or(lines.len())
    }

    fn note(&mut self, part: &Part) {
        let own = &mut self.open[part.stream];
        let from = own.map_or(self.seen, |open| open.from);
        *own = if part.ends { None } else { own.or(Some(Open { from, between: 0 })) };
        if !part.ends {
            return;
        }
        // What has ended now may have begun before the other: neither is parted.
        let other = &mut self.open[1 - part.stream];
        *other = other
            .map(|open| Open { from: open.from.min(from), between: open.between + 1 })
            .filter(|open| open.between <= MAX_BETWEEN);
    }

    /// Whether some line is not ended yet.
    pub fn is_open(&self) -> bool {
        self.open.iter().any(Option::is_some)
    }

    /// Whether nothing but lines that are not ended yet stands behind where the log can be cut, `last` being what comes after
    /// the last newline. Where whole lines of the other stream stand there too, they do not wait for what may never come.
    pub fn is_waiting(&self, last: &[u8]) -> bool {
        let mut then = Seam { open: self.open, seen: self.seen };
        part(last).iter().for_each(|part| then.note(part));
        then.is_open() && then.open.iter().flatten().all(|open| open.between == 0)
    }

    /// So many bytes at the beginning have been taken away.
    pub fn moved(&mut self, bytes: usize) {
        self.seen = self.seen.saturating_sub(bytes);
        self.open.iter_mut().flatten().for_each(|open| open.from = open.from.saturating_sub(bytes));
    }
}

/// The last of some lines that all end in a newline.
fn last_line(lines: &[u8]) -> Option<&[u8]> {
    let lines = lines.strip_suffix(b"\n")?;
    Some(&lines[memrchr(b'\n', lines).map_or(0, |at| at + 1)..])
}

/// Puts lines together again that came in parts.
#[derive(Debug, Default)]
pub struct Joiner {
    pending: [Pending; STREAMS],
}

/// The parts of a line so far, in the form of the first.
#[derive(Debug, Default)]
struct Pending {
    /// Whether there are any.
    is_open: bool,
    /// The first part up to the end of its text, and the texts of the others.
    bytes: Vec<u8>,
    /// What stands behind the text.
    after: Vec<u8>,
    /// Where the first part began.
    at: usize,
}

/// What a line is.
#[derive(Debug, PartialEq, Eq)]
pub enum Joined<'j> {
    /// Whole as it stands.
    Alone,
    /// A part; its line is not ended yet.
    Pending,
    /// The last part; the whole line, and where its first part began.
    Whole(&'j [u8], usize),
}

impl Joiner {
    /// Takes the next line, without its newline, which begins at some place.
    #[inline]
    pub fn take(&mut self, line: &[u8], at: usize) -> Joined<'_> {
        match part(line) {
            Some(part) if !part.ends || self.pending[part.stream].is_open => self.add(line, &part, at),
            _ => Joined::Alone,
        }
    }

    fn add(&mut self, line: &[u8], part: &Part, at: usize) -> Joined<'_> {
        let pending = &mut self.pending[part.stream];
        if pending.is_open {
            pending.bytes.extend_from_slice(&line[part.text.clone()]);
        } else {
            pending.begin(line, part, at);
        }
        if !part.ends {
            return Joined::Pending;
        }
        pending.whole().map_or(Joined::Pending, |(line, at)| Joined::Whole(line, at))
    }

    /// No more lines come: what is pending, as far as it came, and where it began.
    pub fn rest(&mut self) -> impl Iterator<Item = (&[u8], usize)> {
        self.pending.iter_mut().filter_map(Pending::whole)
    }
}

impl Pending {
    fn begin(&mut self, line: &[u8], part: &Part, at: usize) {
        /// Memory of longer lines is given back.
        const KEPT: usize = 1 << 20;
        if self.bytes.capacity() > KEPT {
            self.bytes = Vec::new();
        }
        self.bytes.clear();
        self.bytes.extend_from_slice(&line[..part.text.end]);
        self.after.clear();
        self.after.extend_from_slice(&line[part.text.end..]);
        (self.at, self.is_open) = (at, true);
    }

    /// The line, which is pending no more.
    fn whole(&mut self) -> Option<(&[u8], usize)> {
        if !std::mem::take(&mut self.is_open) {
            return None;
        }
        self.bytes.extend_from_slice(&self.after);
        Some((&self.bytes, self.at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A program's line as a runtime writes it.
    #[derive(Debug, Clone, Copy)]
    enum Runtime {
        Docker,
        Cri,
    }

    /// The records of a program's line: in parts of the size at which Docker cuts.
    fn records(runtime: Runtime, stream: &str, line: &str) -> Vec<String> {
        let bytes = line.as_bytes();
        let parts: Vec<&[u8]> = if bytes.is_empty() { vec![b""] } else { bytes.chunks(16 << 10).collect() };
        let last = parts.len() - 1;
        let record = |(i, part): (usize, &&[u8])| {
            let part = std::str::from_utf8(part).unwrap();
            match runtime {
                Runtime::Docker => {
                    let text = if i == last { format!("{part}\n") } else { part.to_owned() };
                    let text = serde_json::to_string(&text).unwrap();
                    format!("{{\"log\":{text},\"stream\":\"{stream}\",\"time\":\"2025-03-01T10:15:30.5Z\"}}\n")
                }
                Runtime::Cri => {
                    let tag = if i == last { "F" } else { "P" };
                    format!("2025-03-01T10:15:30.123456789Z {stream} {tag} {part}\n")
                }
            }
        };
        parts.iter().enumerate().map(record).collect()
    }

    /// What a joiner makes of some lines, in the order in which they end.
    fn join(lines: &[u8]) -> Vec<(Vec<u8>, usize)> {
        let (mut joiner, mut out, mut at) = (Joiner::default(), Vec::new(), 0);
        for line in lines.split_inclusive(|b| *b == b'\n') {
            let text = line.strip_suffix(b"\n").unwrap_or(line);
            match joiner.take(text, at) {
                Joined::Alone => out.push((text.to_vec(), at)),
                Joined::Pending => {}
                Joined::Whole(whole, at) => out.push((whole.to_vec(), at)),
            }
            at += line.len();
        }
        out.extend(joiner.rest().map(|(line, at)| (line.to_vec(), at)));
        out
    }

    fn text() -> impl Strategy<Value = String> {
        prop_oneof![
            "[a-z \"\\\\{}]{0,40}",
            (1usize..60_000, "[a-z\"\\\\]{1,7}").prop_map(|(n, unit)| unit.repeat(n / unit.len() + 1)),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

        #[test]
        fn parts_of_two_streams_become_the_lines_they_were(
            runtime in prop_oneof![Just(Runtime::Docker), Just(Runtime::Cri)],
            out in prop::collection::vec(text(), 0..4),
            err in prop::collection::vec(text(), 0..4),
            turns in prop::collection::vec(any::<bool>(), 1..9),
            cuts in prop::collection::vec(1usize..30_000, 1..9),
        ) {
            let all = |stream: &str, lines: &[String]| -> Vec<String> {
                lines.iter().flat_map(|line| records(runtime, stream, line)).collect()
            };
            let (outs, errs) = (all("stdout", &out), all("stderr", &err));
            let (mut outs, mut errs, mut turns) = (outs.into_iter(), errs.into_iter(), turns.iter().cycle());
            let mut log = String::new();
            loop {
                let next = if *turns.next().unwrap() { outs.next().or_else(|| errs.next()) } else { errs.next().or_else(|| outs.next()) };
                match next {
                    Some(record) => log.push_str(&record),
                    None => break,
                }
            }
            let mut whole: Vec<Vec<u8>> = join(log.as_bytes()).into_iter().map(|(line, _)| line).collect();
            // Each line as if it had been written in one.
            let alone = |stream: &str, line: &String| match runtime {
                Runtime::Docker => {
                    let text = serde_json::to_string(&format!("{line}\n")).unwrap();
                    format!("{{\"log\":{text},\"stream\":\"{stream}\",\"time\":\"2025-03-01T10:15:30.5Z\"}}")
                }
                Runtime::Cri => format!("2025-03-01T10:15:30.123456789Z {stream} F {line}"),
            };
            let lines = out.iter().map(|line| alone("stdout", line)).chain(err.iter().map(|line| alone("stderr", line)));
            let mut want: Vec<Vec<u8>> = lines.map(String::into_bytes).collect();
            for line in &mut whole {
                // The first part keeps its tag.
                if let Some(at) = line.windows(3).take(60).position(|w| w == b" P ") {
                    line[at + 1] = b'F';
                }
                // Where its line ends, the last part has a newline.
                let long = line.len() > DOCKER_PART;
                prop_assert!(!long || matches!(runtime, Runtime::Cri) || part(line).unwrap().ends);
            }
            whole.sort();
            want.sort();
            prop_assert!(whole == want, "{} lines for {}", whole.len(), want.len());

            // Grown in any steps, and cut where nothing is open, it gives the same.
            let (mut seam, mut held, mut pieces) = (Seam::default(), Vec::new(), Vec::new());
            let (mut rest, mut cuts) = (log.as_bytes(), cuts.iter().cycle());
            while !rest.is_empty() {
                let (now, later) = rest.split_at((*cuts.next().unwrap()).min(rest.len()));
                rest = later;
                held.extend_from_slice(now);
                let whole = memrchr(b'\n', &held).map_or(0, |at| at + 1);
                let end = seam.find(&held[..whole]);
                prop_assert!(seam.is_open() || end == whole);
                pieces.extend(join(&held[..end]).into_iter().map(|(line, _)| line));
                held.drain(..end);
                seam.moved(end);
            }
            prop_assert!(held.is_empty());
            pieces.sort();
            let mut once: Vec<Vec<u8>> = join(log.as_bytes()).into_iter().map(|(line, _)| line).collect();
            once.sort();
            prop_assert!(pieces == once);
        }

        #[test]
        fn no_lines_panic(lines in prop::collection::vec("(\\{\"log\":\"|\",\"stream\":\"|2025-03-01T|stdout|stderr| |P|F|:|\\\\|n|\n|x){0,12}", 0..6)) {
            let log = lines.concat();
            join(log.as_bytes());
            let whole = memrchr(b'\n', log.as_bytes()).map_or(0, |at| at + 1);
            prop_assert!(Seam::default().find(&log.as_bytes()[..whole]) <= whole);
        }
    }

    #[test]
    fn records_are_told_from_other_lines() {
        let long = "x".repeat(DOCKER_PART);
        let docker = |text: &str| format!("{{\"log\":\"{text}\",\"stream\":\"stderr\",\"attrs\":{{}},\"time\":\"t\"}}");
        let said = |line: &str| part(line.as_bytes()).map(|part| (part.stream, line[part.text].to_owned(), part.ends));
        let cases = [
            ("2025-03-01T10:15:30.5+01:00 stdout F ".to_owned(), Some((0, String::new(), true))),
            ("2025-03-01T10:15:30Z stderr P:tag  {".to_owned(), Some((1, " {".to_owned(), false))),
            ("2025-03-01T10:15:30Z stderr F".to_owned(), Some((1, String::new(), true))),
            ("2025-03-01T10:15:30Z stderr X x".to_owned(), None),
            ("2025-03-01T10:15:30Z INFO stdout F x".to_owned(), None),
            ("12".to_owned(), None),
            (docker("short"), Some((1, "short".to_owned(), true))),
            (docker(&long), Some((1, long.clone(), false))),
            (docker(&format!("{long}\\n")), Some((1, format!("{long}\\n"), true))),
            (docker(&format!("{long}\\\\n")), Some((1, format!("{long}\\\\n"), false))),
            (docker(&format!("{long}\\\",\\\"stream\\\":")), Some((1, format!("{long}\\\",\\\"stream\\\":"), false))),
            ("{\"event\":\"llm_call\",\"log\":\"x\"}".to_owned(), None),
            ("{\"log\":\"x\"}".to_owned(), None),
        ];
        for (line, want) in cases {
            assert_eq!(said(&line), want, "{line:.80}");
        }
    }

    #[test]
    fn a_line_that_is_never_ended_holds_nothing_up_for_long() {
        let mut log = b"2025-03-01T10:15:30Z stdout P {\n".to_vec();
        let mut seam = Seam::default();
        assert_eq!(seam.find(&log), 0);
        while seam.is_open() {
            log.extend_from_slice(b"2025-03-01T10:15:30Z stderr F another line\n");
            seam.find(&log);
            assert!(log.len() < 50 * MAX_BETWEEN);
        }
        assert_eq!(seam.find(&log), log.len());
    }
}

//! Server-sent events out of any chunks of bytes, as the HTML standard reads them: LF, CRLF and CR end lines, a blank line
//! ends an event, comments and unknown fields are nothing. Every byte of the stream belongs to exactly one event, so that
//! a forwarder can cut one out: the lengths told so far and [`Events::held`] add up to what was pushed.

use memchr::memchr2;

/// The longest event that is read; a longer one is told as empty events of its length, and counted.
pub const MAX_EVENT: usize = 16 << 20;

const BOM: &[u8] = b"\xef\xbb\xbf";

/// An event of a stream; one of comments or blank lines alone has no data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Event<'a> {
    /// Its name, where it has one that is UTF-8.
    pub name: Option<&'a str>,
    /// Its data, lines joined by LF.
    pub data: &'a [u8],
    /// Bytes of the stream that it took, comments and the blank line at its end included.
    pub raw_len: usize,
}

/// Reads events out of chunks. A whole event within one chunk is read in place, a torn one is kept until its end is there.
#[derive(Debug)]
pub struct Events {
    torn: Vec<u8>,
    scan: Scan,
    lines: Vec<u8>,
    has_begun: bool,
    is_skipping: bool,
    skipped: u64,
    limit: usize,
}

impl Default for Events {
    fn default() -> Events {
        Events::with_limit(MAX_EVENT)
    }
}

impl Events {
    /// With another limit of one event's size, in bytes.
    pub fn with_limit(limit: usize) -> Events {
        let (torn, lines) = (Vec::new(), Vec::new());
        Events { torn, scan: Scan::default(), lines, has_begun: false, is_skipping: false, skipped: 0, limit }
    }

    /// Reads a chunk, and tells every event that ends in it.
    pub fn push(&mut self, bytes: &[u8], on: &mut dyn FnMut(Event<'_>)) {
        if self.torn.is_empty() {
            let used = self.read(bytes, on);
            self.torn.extend_from_slice(&bytes[used..]);
        } else {
            let mut torn = std::mem::take(&mut self.torn);
            torn.extend_from_slice(bytes);
            let used = self.read(&torn, on);
            torn.drain(..used);
            self.torn = torn;
        }
        if self.is_skipping || self.torn.len() > self.limit {
            self.skip(on);
        }
    }

    /// The stream has ended: tells the event whose blank line never came.
    pub fn finish(&mut self, on: &mut dyn FnMut(Event<'_>)) {
        let torn = std::mem::take(&mut self.torn);
        self.scan = Scan::default();
        if !torn.is_empty() {
            self.tell(&torn, on);
        }
    }

    /// Whether no event is torn: all that was pushed has been told.
    pub fn is_empty(&self) -> bool {
        self.torn.is_empty()
    }

    /// Bytes at the end of what was pushed that belong to an event whose end has not come: what a forwarder may hold back.
    pub fn held(&self) -> usize {
        self.torn.len()
    }

    /// Events that were too long to be read.
    pub fn skipped(&self) -> u64 {
        self.skipped
    }

    /// Tells the events that end in `bytes`, which begin where the torn event does; how many bytes they took.
    fn read(&mut self, bytes: &[u8], on: &mut dyn FnMut(Event<'_>)) -> usize {
        let mut from = 0;
        while let Some(len) = self.scan.end(&bytes[from..]) {
            self.tell(&bytes[from..from + len], on);
            self.scan = Scan::default();
            from += len;
        }
        from
    }

    fn tell(&mut self, event: &[u8], on: &mut dyn FnMut(Event<'_>)) {
        let is_rest = std::mem::take(&mut self.is_skipping);
        let is_long = event.len() > self.limit;
        if is_long && !is_rest {
            self.skipped += 1;
        }
        if is_rest || is_long {
            on(Event { name: None, data: &[], raw_len: event.len() });
        } else {
            let is_first = !std::mem::replace(&mut self.has_begun, true);
            let text = if is_first { event.strip_prefix(BOM).unwrap_or(event) } else { event };
            let (name, data) = fields(text, &mut self.lines);
            on(Event { name, data, raw_len: event.len() });
        }
    }

    /// Lets go of an event that is too long, but for the two bytes that may be the beginning of its end.
    fn skip(&mut self, on: &mut dyn FnMut(Event<'_>)) {
        let gone = self.torn.len().saturating_sub(2);
        self.torn.drain(..gone);
        self.scan = Scan { line: self.scan.line.saturating_sub(gone), seen: self.scan.seen.saturating_sub(gone) };
        if !std::mem::replace(&mut self.is_skipping, true) {
            self.skipped += 1;
        }
        self.has_begun = true;
        if gone > 0 {
            on(Event { name: None, data: &[], raw_len: gone });
        }
    }
}

/// How far the search for the end of an event has come, from the event's beginning.
#[derive(Debug, Clone, Copy, Default)]
struct Scan {
    /// Where the line begins that has not ended.
    line: usize,
    /// Up to where there is no other end of a line.
    seen: usize,
}

impl Scan {
    /// The length of the event, once its blank line is there. A CR at the very end waits: an LF may belong to it.
    fn end(&mut self, bytes: &[u8]) -> Option<usize> {
        loop {
            let Some(found) = memchr2(b'\n', b'\r', &bytes[self.seen..]) else {
                self.seen = bytes.len();
                return None;
            };
            let at = self.seen + found;
            if bytes[at] == b'\r' && at + 1 == bytes.len() {
                self.seen = at;
                return None;
            }
            let next = at + end_of_line(&bytes[at..]);
            let is_blank = at == self.line;
            (self.line, self.seen) = (next, next);
            if is_blank {
                return Some(next);
            }
        }
    }
}

/// How long the end of a line is that `bytes` begin with.
fn end_of_line(bytes: &[u8]) -> usize {
    if bytes.starts_with(b"\r\n") { 2 } else { 1 }
}

/// Name and data of an event; data of several lines is joined in `lines`.
fn fields<'a>(mut event: &'a [u8], lines: &'a mut Vec<u8>) -> (Option<&'a str>, &'a [u8]) {
    let (mut name, mut only, mut many) = (None, None, false);
    while !event.is_empty() {
        let end = memchr2(b'\n', b'\r', event).unwrap_or(event.len());
        let (line, rest) = event.split_at(end);
        event = if rest.is_empty() { rest } else { &rest[end_of_line(rest)..] };
        if let Some(value) = value_of(line, b"data") {
            match only {
                None => only = Some(value),
                Some(first) => {
                    if !many {
                        lines.clear();
                        lines.extend_from_slice(first);
                        many = true;
                    }
                    lines.push(b'\n');
                    lines.extend_from_slice(value);
                }
            }
        } else if let Some(value) = value_of(line, b"event") {
            name = std::str::from_utf8(value).ok().filter(|name| !name.is_empty());
        }
    }
    (name, if many { lines } else { only.unwrap_or_default() })
}

/// The value of a line, if it is of this field; one space after the colon is none of it.
fn value_of<'a>(line: &'a [u8], field: &[u8]) -> Option<&'a [u8]> {
    let rest = line.strip_prefix(field)?;
    match rest.strip_prefix(b":") {
        Some(value) => Some(value.strip_prefix(b" ").unwrap_or(value)),
        None => rest.is_empty().then_some(rest),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Told = Vec<(Option<String>, String, usize)>;

    /// What is told of a stream that arrives in pieces, and that no byte is lost on the way.
    fn told(events: &mut Events, pieces: &[&[u8]]) -> Told {
        let mut told = Told::new();
        let mut pushed = 0;
        for piece in pieces {
            events.push(piece, &mut |event| told.push(owned(event)));
            pushed += piece.len();
            assert_eq!(told.iter().map(|event| event.2).sum::<usize>() + events.held(), pushed);
        }
        events.finish(&mut |event| told.push(owned(event)));
        assert!(events.is_empty());
        assert_eq!(told.iter().map(|event| event.2).sum::<usize>(), pushed);
        told
    }

    fn owned(event: Event<'_>) -> (Option<String>, String, usize) {
        (event.name.map(str::to_owned), String::from_utf8_lossy(event.data).into_owned(), event.raw_len)
    }

    fn whole(stream: &str) -> Vec<(Option<String>, String)> {
        let told = told(&mut Events::default(), &[stream.as_bytes()]);
        told.into_iter().filter(|event| !event.1.is_empty()).map(|(name, data, _)| (name, data)).collect()
    }

    #[test]
    fn the_standard_is_read_as_it_is_written() {
        let one = |name: Option<&str>, data: &str| vec![(name.map(str::to_owned), data.to_owned())];
        for (stream, expected) in [
            ("data: a\n\n", one(None, "a")),
            ("data:a\r\n\r\n", one(None, "a")),
            ("data:  a\r\r", one(None, " a")),
            ("event: x\ndata: a\n\n", one(Some("x"), "a")),
            ("data: a\ndata\ndata: b\nid: 7\nretry: 5\n\n", one(None, "a\n\nb")),
            ("\u{feff}data: a\n\n", one(None, "a")),
            (": hello\ndata: a\n\n: bye\n\n\n", one(None, "a")),
            ("event: x\n\ndata: a\n\n", one(None, "a")),
            ("datax: a\n\ndata: b\n\n", one(None, "b")),
            ("data: no end", one(None, "no end")),
            ("data: no end\r", one(None, "no end")),
        ] {
            assert_eq!(whole(stream), expected, "{stream:?}");
        }
    }

    #[test]
    fn a_stream_torn_anywhere_tells_the_same() {
        let stream =
            "\u{feff}: hello\r\n\r\nevent: a\r\ndata: 1\r\ndata: 2 é\r\n\r\ndata: 3\n\n\n\rdata: 4\r\revent:b\ndata: 5";
        let bytes = stream.as_bytes();
        let expected = told(&mut Events::default(), &[bytes]);
        assert_eq!(expected.iter().filter(|event| !event.1.is_empty()).count(), 4);
        for cut in 0..=bytes.len() {
            let (left, right) = bytes.split_at(cut);
            assert_eq!(told(&mut Events::default(), &[left, right]), expected, "cut at {cut}");
        }
        for size in [1, 2, 7] {
            let pieces: Vec<&[u8]> = bytes.chunks(size).collect();
            assert_eq!(told(&mut Events::default(), &pieces), expected, "pieces of {size}");
        }
    }

    #[test]
    fn an_event_beyond_the_limit_is_passed_over_and_counted() {
        for end in ["\n\n", "\r\n\r\n", "\r\r"] {
            let long = format!("data: {}{end}data: b{end}", "x".repeat(40));
            for size in [1, 3, 7, 100] {
                let mut events = Events::with_limit(20);
                let pieces: Vec<&[u8]> = long.as_bytes().chunks(size).collect();
                let told = told(&mut events, &pieces);
                let data: Vec<&str> = told.iter().map(|event| &*event.1).filter(|data| !data.is_empty()).collect();
                assert_eq!((data, events.skipped()), (vec!["b"], 1), "{end:?} in pieces of {size}");
            }
        }
    }
}

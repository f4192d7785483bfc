//! Server-sent events out of any chunks of bytes, as the HTML standard reads them: LF, CRLF and CR end lines, a blank line
//! ends an event, comments and unknown fields are nothing.

use memchr::memchr2;

/// An event longer than this is none of a model's: from there on nothing is read.
const MOST: usize = 16 << 20;

/// An event, or what stands in the place of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Event<'e> {
    /// Its name, where it has one.
    pub name: Option<&'e str>,
    /// Its data; empty where there were only comments.
    pub data: &'e [u8],
    /// Bytes of the stream that it took, comments and the blank line at its end included.
    pub raw_len: usize,
}

/// Takes a stream apart.
#[derive(Debug, Default)]
pub struct Events {
    /// The beginning of an event that is not over.
    torn: Vec<u8>,
    /// In it: where its last line begins, and up to where no line ends.
    line: usize,
    seen: usize,
    /// Data of several lines, put together.
    joined: Vec<u8>,
    has_begun: bool,
    is_lost: bool,
}

impl Events {
    /// A stream that begins.
    pub fn new() -> Events {
        Events::default()
    }

    /// Takes bytes: what events end in them.
    pub fn push(&mut self, bytes: &[u8], on: &mut dyn FnMut(Event<'_>)) {
        if self.is_lost {
            return;
        }
        if self.torn.is_empty() {
            let done = self.scan(bytes, on);
            self.torn.extend_from_slice(&bytes[done..]);
        } else {
            let mut torn = std::mem::take(&mut self.torn);
            torn.extend_from_slice(bytes);
            let done = self.scan(&torn, on);
            torn.drain(..done);
            self.torn = torn;
        }
        if self.torn.len() > MOST {
            *self = Events { is_lost: true, ..Events::default() };
        }
    }

    /// The stream is over: what is left is an event too, as clients take it that do not insist on the blank line.
    pub fn finish(&mut self, on: &mut dyn FnMut(Event<'_>)) {
        let torn = std::mem::take(&mut self.torn);
        (self.line, self.seen) = (0, 0);
        if !torn.is_empty() {
            self.tell(&torn, on);
        }
    }

    /// Whether an event was too long, so that nothing is read any more.
    pub fn is_lost(&self) -> bool {
        self.is_lost
    }

    /// Tells the events that end in `data`, which begins with one; how much they took.
    fn scan(&mut self, data: &[u8], on: &mut dyn FnMut(Event<'_>)) -> usize {
        let (mut begin, mut line, mut seen) = (0, self.line, self.seen);
        while let Some(at) = memchr2(b'\n', b'\r', &data[seen..]) {
            let end = seen + at;
            let next = match (data[end], data.get(end + 1)) {
                (b'\r', Some(b'\n')) => end + 2,
                // Whether the line ends here is told by the next byte.
                (b'\r', None) => {
                    seen = end;
                    break;
                }
                _ => end + 1,
            };
            if end == line {
                self.tell(&data[begin..next], on);
                begin = next;
            }
            (line, seen) = (next, next);
            if seen >= data.len() {
                break;
            }
        }
        if memchr2(b'\n', b'\r', &data[seen..]).is_none() {
            seen = data.len();
        }
        (self.line, self.seen) = (line - begin, seen - begin);
        begin
    }

    fn tell(&mut self, raw: &[u8], on: &mut dyn FnMut(Event<'_>)) {
        let is_first = !std::mem::replace(&mut self.has_begun, true);
        let text = if is_first { raw.strip_prefix(b"\xef\xbb\xbf").unwrap_or(raw) } else { raw };
        let (mut name, mut data, mut parts) = (None, &b""[..], 0);
        self.joined.clear();
        for line in text.split(|byte| matches!(byte, b'\n' | b'\r')) {
            if let Some(value) = field(line, b"data") {
                if parts == 1 {
                    self.joined.extend_from_slice(data);
                }
                if parts > 0 {
                    self.joined.push(b'\n');
                    self.joined.extend_from_slice(value);
                }
                data = value;
                parts += 1;
            } else if let Some(value) = field(line, b"event") {
                name = std::str::from_utf8(value).ok();
            }
        }
        let data = if parts > 1 { &self.joined } else { data };
        on(Event { name, data, raw_len: raw.len() });
    }
}

/// The value of a field, but for the one space that may stand before it.
fn field<'l>(line: &'l [u8], name: &[u8]) -> Option<&'l [u8]> {
    let rest = line.strip_prefix(name)?;
    match rest {
        [] => Some(rest),
        [b':', b' ', value @ ..] | [b':', value @ ..] => Some(value),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Told = (Option<String>, String, usize);

    fn told(stream: &[u8], size: usize) -> Vec<Told> {
        let (mut events, mut list) = (Events::new(), Vec::new());
        let mut on = |event: Event<'_>| {
            let data = String::from_utf8_lossy(event.data).into_owned();
            list.push((event.name.map(str::to_owned), data, event.raw_len));
        };
        stream.chunks(size).for_each(|piece| events.push(piece, &mut on));
        events.finish(&mut on);
        list
    }

    fn told_in_any_pieces(stream: &str) -> Vec<(Option<String>, String)> {
        let whole = told(stream.as_bytes(), stream.len().max(1));
        for size in 1..=stream.len().min(40) {
            assert_eq!(told(stream.as_bytes(), size), whole, "in pieces of {size}");
        }
        assert_eq!(whole.iter().map(|told| told.2).sum::<usize>(), stream.len(), "every byte belongs to one");
        whole.into_iter().map(|(name, data, _)| (name, data)).collect()
    }

    fn data(text: &str) -> (Option<String>, String) {
        (None, text.to_owned())
    }

    #[test]
    fn all_ends_of_lines_are_read() {
        for end in ["\n", "\r\n", "\r"] {
            let stream = [
                "event: a",
                "data: {\"x\":1}",
                "",
                ": comment",
                "",
                "data:two",
                "data: lines",
                "",
                "data: [DONE]",
                "",
                "",
            ];
            let want = [(Some("a".to_owned()), "{\"x\":1}".to_owned()), data(""), data("two\nlines"), data("[DONE]")];
            assert_eq!(told_in_any_pieces(&stream.join(end)), want, "{end:?}");
        }
    }

    #[test]
    fn what_is_left_at_the_end_counts_and_a_byte_order_mark_does_not() {
        assert_eq!(told_in_any_pieces("\u{feff}data: é\n\ndata: torn"), [data("é"), data("torn")]);
        assert_eq!(told_in_any_pieces("data\n\nid: 5\n\ndatabase: x\n\n"), [data(""), data(""), data("")]);
        assert_eq!(told_in_any_pieces(""), []);
    }

    #[test]
    fn an_endless_event_ends_the_reading() {
        let (mut events, mut count) = (Events::new(), 0);
        for _ in 0..=MOST >> 20 {
            events.push(&vec![b'x'; 1 << 20], &mut |_| count += 1);
        }
        events.push(b"\n\ndata: x\n\n", &mut |_| count += 1);
        assert!(events.is_lost() && count == 0);
    }
}

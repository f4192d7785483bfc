//! The fast path: one pass over a native `llm_call`, values borrowed from the line, keys expected in the order of the
//! lines before. Anything odd is left to the general path, which decides; what this takes, that takes too, and alike.

use super::draft::Draft;
use super::json::{self, Value};
use super::keys::{self, Field, Key, MAX_NAMES};
use super::{Context, number};
use crate::event::{Sink, Verdict};
use memchr::memmem::Finder;
use std::borrow::Cow;
use std::ops::Range;
use std::sync::LazyLock;

/// So many keys out of the expected order make the next line the new example.
const MAX_SURPRISES: usize = 3;

/// More keys than any event has that is worth a fast path.
const MAX_KEYS: usize = 96;

/// How most native calls begin.
const USUAL: &str = "{\"event\":\"llm_call\"";

static CALL: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b"\"llm_call\""));

/// A key as the example had it: the bytes between two values (`, "model": `), and what the key says.
#[derive(Debug)]
struct Expected {
    glue: Glue,
    name: Range<usize>,
    key: Option<Key>,
}

/// Some bytes, and their first 32 as words with a mask, for a comparison without a call.
#[derive(Debug)]
struct Glue {
    bytes: Box<[u8]>,
    words: [u64; 4],
    masks: [u64; 4],
}

impl Glue {
    fn new(bytes: &[u8]) -> Glue {
        let (mut head, mut mask) = ([0; 32], [0; 32]);
        for (i, byte) in bytes.iter().take(32).enumerate() {
            (head[i], mask[i]) = (*byte, 0xff);
        }
        Glue { bytes: bytes.into(), words: words(&head), masks: words(&mask) }
    }

    /// Whether a text begins with these bytes.
    #[inline]
    fn begins(&self, text: &[u8]) -> bool {
        match text.first_chunk::<32>() {
            Some(head) if self.bytes.len() <= 32 => {
                let head = words(head);
                let differs = (0..4).fold(0, |differs, i| differs | ((head[i] ^ self.words[i]) & self.masks[i]));
                differs == 0
            }
            _ => text.starts_with(&self.bytes),
        }
    }
}

#[inline]
fn words(bytes: &[u8; 32]) -> [u64; 4] {
    std::array::from_fn(|i| u64::from_le_bytes(std::array::from_fn(|j| bytes[i * 8 + j])))
}

/// Reads native calls; learns the order of their keys.
#[derive(Debug, Default)]
pub struct Scanner {
    expected: Vec<Expected>,
    /// The keys of this line, while its order is being learned.
    learned: Vec<Expected>,
    /// Where keys that no event knows stand in this line, those apart that were expected.
    strangers: Vec<Range<usize>>,
}

/// A set of names of the table.
#[derive(Default)]
struct Names([u64; MAX_NAMES / 64]);

impl Names {
    /// Adds a name; `false` where it was there.
    #[inline]
    fn insert(&mut self, key: Key) -> bool {
        let (word, bit) = (usize::from(key.id) / 64 % self.0.len(), 1 << (key.id % 64));
        let new = self.0[word] & bit == 0;
        self.0[word] |= bit;
        new
    }
}

/// Where reading has got to in a line.
struct Cursor<'a> {
    text: &'a str,
    at: usize,
    /// The next expected key.
    next: usize,
    surprises: usize,
}

impl Scanner {
    /// Reads a text that is a native call; `None` where it is anything else, or odd.
    #[inline]
    pub fn read(&mut self, text: &str, around: &Context<'_>, sink: &mut dyn Sink) -> Option<Verdict> {
        if !text.starts_with('{') || !(text.starts_with(USUAL) || CALL.find(text.as_bytes()).is_some()) {
            return None;
        }
        let mut cursor = Cursor { text, at: 0, next: 0, surprises: 0 };
        let mut draft = Draft::new();
        let read = self.keys(&mut cursor, &mut draft);
        self.adopt(read.is_some(), cursor.surprises);
        read?;
        match draft.finish(around) {
            Ok(call) => {
                sink.call(call);
                Some(Verdict::Taken)
            }
            Err(reason) => Some(Verdict::Rejected(reason)),
        }
    }

    /// All keys and values up to the end of the text; `None` for what is not a plain native call.
    fn keys<'a>(&mut self, cursor: &mut Cursor<'a>, draft: &mut Draft<'a>) -> Option<()> {
        let mut names = Names::default();
        let mut is_call = false;
        self.strangers.clear();
        self.learned.clear();
        for _ in 0..MAX_KEYS {
            let key = match self.expected_key(cursor) {
                Some(key) => key,
                None => self.other_key(cursor)?,
            };
            let value = cursor.value()?;
            if let Some(key) = key {
                if !names.insert(key) {
                    return None;
                }
                if key.field == Field::Event {
                    is_call = value == Value::Text(Cow::Borrowed("llm_call"));
                }
                draft.set(key, value);
            }
            if cursor.ends()? {
                return is_call.then_some(());
            }
        }
        None
    }

    /// The key that stands here if it is the expected one, or the one after.
    #[inline]
    fn expected_key(&self, cursor: &mut Cursor<'_>) -> Option<Option<Key>> {
        let rest = cursor.text.as_bytes().get(cursor.at..)?;
        for skipped in 0..2 {
            let expected = self.expected.get(cursor.next + skipped)?;
            if expected.glue.begins(rest) {
                cursor.at += expected.glue.bytes.len();
                cursor.next += skipped + 1;
                cursor.surprises += skipped;
                return Some(expected.key);
            }
        }
        None
    }

    /// The key that stands here, whichever it is; `None` where there is none, or an unknown one that came before.
    fn other_key(&mut self, cursor: &mut Cursor<'_>) -> Option<Option<Key>> {
        cursor.surprises += 1;
        let from = cursor.at;
        let name_range = cursor.name()?;
        let name = cursor.text.get(name_range.clone())?;
        let glue = cursor.text.as_bytes().get(from..cursor.at)?;
        let key = keys::find(name);
        if key.is_none() {
            let same = |range: &Range<usize>| cursor.text.get(range.clone()) == Some(name);
            if self.strangers.iter().any(same) {
                return None;
            }
            self.strangers.push(name_range.clone());
        }
        match self.expected.iter().position(|expected| expected.glue.bytes[expected.name.clone()] == *name.as_bytes()) {
            Some(place) if place >= cursor.next => cursor.next = place + 1,
            Some(_) if key.is_none() => return None,
            _ => {}
        }
        if self.expected.is_empty() {
            let name = name_range.start - from..name_range.end - from;
            self.learned.push(Expected { glue: Glue::new(glue), name, key });
        }
        Some(key)
    }

    /// Makes a line that was read the example for those that follow, or has the next one tried.
    fn adopt(&mut self, was_read: bool, surprises: usize) {
        if self.expected.is_empty() && was_read {
            std::mem::swap(&mut self.expected, &mut self.learned);
        } else if surprises > MAX_SURPRISES {
            self.expected.clear();
        }
    }
}

impl<'a> Cursor<'a> {
    #[inline]
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    #[inline]
    fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t')) {
            self.at += 1;
        }
    }

    /// `{` or `,`, a quoted name without escapes, and `:`; where the name is.
    fn name(&mut self) -> Option<Range<usize>> {
        let opens = if self.at == 0 { b'{' } else { b',' };
        self.token(opens)?;
        self.token(b'"')?;
        let from = self.at;
        let to = end_of_string(self.text.as_bytes(), from)?;
        if self.text.as_bytes()[to] != b'"' {
            return None;
        }
        self.at = to + 1;
        self.token(b':')?;
        self.skip_space();
        Some(from..to)
    }

    /// One byte, with space before it.
    fn token(&mut self, byte: u8) -> Option<()> {
        self.skip_space();
        (self.peek()? == byte).then(|| self.at += 1)
    }

    /// Whether the object ends here, and the text with it; `None` where it neither ends nor goes on.
    #[inline]
    fn ends(&mut self) -> Option<bool> {
        if self.peek()? == b',' {
            return Some(false);
        }
        self.skip_space();
        match self.peek()? {
            b',' => Some(false),
            b'}' if self.at + 1 == self.text.len() => Some(true),
            _ => None,
        }
    }

    #[inline]
    fn value(&mut self) -> Option<Value<'a>> {
        match self.peek()? {
            b'"' => self.string(),
            b'0'..=b'9' => {
                let from = self.at;
                let (num, end) = number::scan(self.text.as_bytes(), from)?;
                self.at = end;
                Some(Value::Number(self.text.get(from..end)?, num))
            }
            b't' => self.literal("true", Value::Bool(true)),
            b'f' => self.literal("false", Value::Bool(false)),
            b'n' => self.literal("null", Value::Null),
            b'{' | b'[' => self.nested(),
            // The expected key was written without a space.
            b' ' | b'\t' => {
                self.skip_space();
                self.value()
            }
            _ => None,
        }
    }

    #[inline]
    fn literal(&mut self, word: &str, value: Value<'a>) -> Option<Value<'a>> {
        let rest = self.text.as_bytes().get(self.at..)?;
        rest.starts_with(word.as_bytes()).then(|| self.at += word.len())?;
        Some(value)
    }

    #[inline]
    fn string(&mut self) -> Option<Value<'a>> {
        let from = self.at + 1;
        let to = end_of_string(self.text.as_bytes(), from)?;
        if self.text.as_bytes()[to] == b'"' {
            self.at = to + 1;
            return Some(Value::Text(Cow::Borrowed(self.text.get(from..to)?)));
        }
        self.escaped(from, to)
    }

    /// A string whose first escape is at `backslash`.
    fn escaped(&mut self, from: usize, backslash: usize) -> Option<Value<'a>> {
        let bytes = self.text.as_bytes();
        let mut at = backslash;
        while *bytes.get(at)? == b'\\' {
            at = end_of_string(bytes, at + 2)?;
        }
        self.at = at + 1;
        json::unescape(self.text.get(from..at)?).map(|text| Value::Text(Cow::Owned(text)))
    }

    /// An object or array as it stands, checked by the general parser.
    #[cold]
    fn nested(&mut self) -> Option<Value<'a>> {
        let (raw, length) = json::first_value(self.text.get(self.at..)?)?;
        if json::depth(raw.get()) >= json::MAX_DEPTH {
            return None;
        }
        self.at += length;
        Some(Value::Json(raw.get()))
    }
}

/// Where the first quote or backslash is; `None` where a control character or the end comes first.
#[inline]
fn end_of_string(bytes: &[u8], from: usize) -> Option<usize> {
    let mut rest = bytes.get(from..)?;
    while let Some((chunk, after)) = rest.split_first_chunk::<16>() {
        if let Some(place) = first_special(chunk) {
            return (chunk[place] >= 0x20).then(|| bytes.len() - rest.len() + place);
        }
        rest = after;
    }
    let place = rest.iter().position(|b| matches!(b, b'"' | b'\\' | 0..0x20))?;
    (rest[place] >= 0x20).then(|| bytes.len() - rest.len() + place)
}

/// Where the first quote, backslash or control character is in some bytes.
#[cfg(target_arch = "x86_64")]
#[inline]
fn first_special(chunk: &[u8; 16]) -> Option<usize> {
    // SAFETY: SSE2 is part of every x86-64.
    unsafe { first_special_by_sse2(chunk) }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "sse2")]
#[inline]
fn first_special_by_sse2(chunk: &[u8; 16]) -> Option<usize> {
    use std::arch::x86_64::{
        _mm_cmpeq_epi8, _mm_min_epu8, _mm_movemask_epi8, _mm_or_si128, _mm_set_epi64x, _mm_set1_epi8,
    };
    let [low, high] = [0, 8].map(|at| i64::from_le_bytes(std::array::from_fn(|i| chunk[at + i])));
    let bytes = _mm_set_epi64x(high, low);
    let quote = _mm_cmpeq_epi8(bytes, _mm_set1_epi8(b'"'.cast_signed()));
    let backslash = _mm_cmpeq_epi8(bytes, _mm_set1_epi8(b'\\'.cast_signed()));
    let control = _mm_cmpeq_epi8(bytes, _mm_min_epu8(bytes, _mm_set1_epi8(0x1f)));
    let marks = _mm_movemask_epi8(_mm_or_si128(_mm_or_si128(quote, backslash), control));
    (marks != 0).then_some(marks.trailing_zeros() as usize)
}

/// Where the first quote, backslash or control character is in some bytes: eight at a time in a word.
#[cfg(not(target_arch = "x86_64"))]
#[inline]
fn first_special(chunk: &[u8; 16]) -> Option<usize> {
    first_special_by_words(chunk)
}

#[cfg(any(test, not(target_arch = "x86_64")))]
fn first_special_by_words(chunk: &[u8; 16]) -> Option<usize> {
    const ONES: u64 = u64::MAX / 255;
    const HIGHS: u64 = ONES << 7;
    let zero_byte = |word: u64| word.wrapping_sub(ONES) & !word & HIGHS;
    [0, 8].into_iter().find_map(|at| {
        let word = u64::from_le_bytes(std::array::from_fn(|i| chunk[at + i]));
        let quote = zero_byte(word ^ (ONES * u64::from(b'"')));
        let backslash = zero_byte(word ^ (ONES * u64::from(b'\\')));
        let control = word.wrapping_sub(ONES * 0x20) & !word & HIGHS;
        // The lowest mark of each is exact; only higher ones may come from a borrow.
        let marks = quote | backslash | control;
        (marks != 0).then(|| at + marks.trailing_zeros() as usize / 8)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_end_at_the_first_special_byte() {
        let cases = [
            (&b"abc\"defghijk"[..], Some(3)),
            (b"abcdefghij\\n\"", Some(10)),
            (b"abcdefgh\"", Some(8)),
            (b"abc\n\"", None),
            (b"abcdefghijklmnop", None),
            (b"\"", Some(0)),
            (b"", None),
            ("ünïcödé – text\"".as_bytes(), Some("ünïcödé – text".len())),
        ];
        for (bytes, want) in cases {
            assert_eq!(end_of_string(bytes, 0), want, "{}", bytes.escape_ascii());
        }
    }

    #[test]
    fn every_place_of_every_byte_is_right() {
        for byte in 0..=255_u8 {
            for place in 0..20 {
                let mut bytes = vec![b'x'; 20];
                bytes[place] = byte;
                bytes.push(b'"');
                let want = match byte {
                    b'"' | b'\\' => Some(place),
                    0..0x20 => None,
                    _ => Some(20),
                };
                assert_eq!(end_of_string(&bytes, 0), want, "{byte} at {place}");
                let chunk = bytes.first_chunk::<16>().unwrap();
                assert_eq!(first_special(chunk), first_special_by_words(chunk), "{byte} at {place}");
            }
        }
    }
}

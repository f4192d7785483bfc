//! A dict of Python as `logging` prints it (`{'event': 'llm_call', 'ok': True, 'x': None}`), and JSON with the `NaN` and
//! `Infinity` of Python's `json`: both are rewritten as JSON. Objects print in many ways; those of no known form are null.

use super::json::MAX_DEPTH;
use super::{Context, Format, Payload, Step, has_marker};
use std::borrow::Cow;

/// `{'event': 'llm_call', …}`.
#[derive(Debug)]
pub struct PythonDict;

impl Format for PythonDict {
    fn name(&self) -> &'static str {
        "python_dict"
    }

    fn text<'a>(&self, text: &'a str) -> Option<Step<'a>> {
        if !text.starts_with('{') || !has_marker(text) {
            return None;
        }
        let (json, used) = rewrite(text)?;
        // Rewriting valid JSON, or its own result, leads nowhere new.
        let is_new = text[used..].trim().is_empty() && json != text;
        is_new.then(|| Step::Inside(vec![Payload { key: "", text: Cow::Owned(json) }], Context::default()))
    }
}

/// The text of the dict that a text begins with.
pub fn dict_within(text: &str) -> Option<&str> {
    let (_, used) = rewrite(text)?;
    text.get(..used)
}

/// A dict as JSON, and how many bytes it took. Only for dicts in single quotes and JSON with odd numbers: other broken
/// JSON stays broken.
fn rewrite(text: &str) -> Option<(String, usize)> {
    let is_python = text[1..].trim_start().starts_with('\'');
    if !is_python && !["NaN", "Infinity"].iter().any(|odd| text.contains(odd)) {
        return None;
    }
    let mut rewriter = Rewriter { text, at: 0, out: String::with_capacity(text.len() + 16), is_python };
    rewriter.value(0)?;
    Some((rewriter.out, rewriter.at))
}

struct Rewriter<'a> {
    text: &'a str,
    at: usize,
    out: String,
    is_python: bool,
}

impl Rewriter<'_> {
    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn skip_space(&mut self) {
        while self.peek().is_some_and(|b| b.is_ascii_whitespace()) {
            self.at += 1;
        }
    }

    fn eat(&mut self, byte: u8) -> Option<()> {
        self.skip_space();
        (self.peek()? == byte).then(|| self.at += 1)
    }

    fn value(&mut self, depth: usize) -> Option<()> {
        if depth >= MAX_DEPTH {
            return None;
        }
        self.skip_space();
        match self.peek()? {
            b'{' => self.dict_or_set(depth),
            b'[' => self.list(b']', depth),
            b'(' if self.is_python => self.list(b')', depth),
            b'"' => self.string(),
            b'\'' if self.is_python => self.string(),
            b'-' | b'0'..=b'9' => self.number(),
            b'<' if self.is_python => self.object_repr(),
            _ => self.word(depth),
        }
    }

    /// A list or tuple, from its opening byte.
    fn list(&mut self, close: u8, depth: usize) -> Option<()> {
        self.at += 1;
        self.out.push('[');
        self.skip_space();
        if self.eat(close).is_none() {
            self.value(depth + 1)?;
            self.list_rest(close, depth)?;
        }
        self.out.push(']');
        Some(())
    }

    /// The items of a list after the first, and its closing byte. Tuples of one end in a comma.
    fn list_rest(&mut self, close: u8, depth: usize) -> Option<()> {
        while self.eat(close).is_none() {
            self.eat(b',')?;
            if self.is_python && self.eat(close).is_some() {
                break;
            }
            self.out.push(',');
            self.value(depth + 1)?;
        }
        Some(())
    }

    /// A dict or set, from its opening byte: a set shows itself by what follows its first item, and becomes a list.
    fn dict_or_set(&mut self, depth: usize) -> Option<()> {
        self.at += 1;
        let from = self.out.len();
        self.out.push('{');
        if self.eat(b'}').is_some() {
            self.out.push('}');
            return Some(());
        }
        self.value(depth + 1)?;
        if self.is_python && self.eat(b':').map(|()| self.at -= 1).is_none() {
            self.list_rest(b'}', depth)?;
            self.out.replace_range(from..=from, "[");
            self.out.push(']');
            return Some(());
        }
        self.quote_from(from + 1);
        self.dict_rest(depth)?;
        self.out.push('}');
        Some(())
    }

    /// The value of the first pair, the other pairs, and the closing byte.
    fn dict_rest(&mut self, depth: usize) -> Option<()> {
        loop {
            self.eat(b':')?;
            self.out.push(':');
            self.value(depth + 1)?;
            if self.eat(b'}').is_some() {
                return Some(());
            }
            self.eat(b',')?;
            self.out.push(',');
            let from = self.out.len();
            self.value(depth + 1)?;
            self.quote_from(from);
        }
    }

    /// Makes a string of a key that is none, such as a number.
    fn quote_from(&mut self, from: usize) {
        if !self.out[from..].starts_with('"') {
            let key = self.out.split_off(from);
            self.push_quoted(&key);
        }
    }

    fn push_quoted(&mut self, text: &str) {
        self.out.push_str(&serde_json::Value::from(text).to_string());
    }

    fn number(&mut self) -> Option<()> {
        if self.rest().starts_with("-Infinity") || self.rest().starts_with("-inf") {
            self.at += 1;
            return self.word(0);
        }
        let is_part = |b: u8| b.is_ascii_digit() || matches!(b, b'+' | b'-' | b'.' | b'e' | b'E' | b'_');
        let length = self.rest().bytes().take_while(|b| is_part(*b)).count();
        let digits = self.rest()[..length].to_owned();
        self.out.push_str(&digits);
        self.at += length;
        Some(())
    }

    /// A string in either kind of quotes, with the escapes of Python, which are more than those of JSON.
    fn string(&mut self) -> Option<()> {
        let text = self.unquoted()?;
        self.push_quoted(&text);
        Some(())
    }

    fn unquoted(&mut self) -> Option<String> {
        let quote = char::from(self.peek()?);
        self.at += 1;
        let mut text = String::new();
        loop {
            let c = self.rest().chars().next()?;
            self.at += c.len_utf8();
            match c {
                c if c == quote => return Some(text),
                '\\' => text.push(self.escape()?),
                c => text.push(c),
            }
        }
    }

    /// What an escape stands for, the backslash being read.
    fn escape(&mut self) -> Option<char> {
        let code = self.rest().chars().next()?;
        self.at += code.len_utf8();
        Some(match code {
            'n' => '\n',
            't' => '\t',
            'r' => '\r',
            'b' => '\u{8}',
            'f' => '\u{c}',
            'v' => '\u{b}',
            'a' => '\u{7}',
            '0' => '\0',
            'x' => self.hex(2)?,
            'u' => self.unicode()?,
            'U' => self.hex(8)?,
            other => other,
        })
    }

    /// `\uXXXX`, or a pair of them as JSON writes what Python would not.
    fn unicode(&mut self) -> Option<char> {
        let (c, used) = super::json::unicode(self.rest())?;
        self.at += used;
        Some(c)
    }

    fn hex(&mut self, digits: usize) -> Option<char> {
        let code = u32::from_str_radix(self.rest().get(..digits)?, 16).ok()?;
        self.at += digits;
        Some(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER))
    }

    /// A constant, a prefixed string, or a call such as `datetime.datetime(2024, 1, 1)`.
    fn word(&mut self, depth: usize) -> Option<()> {
        let is_part = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.');
        let length = self.rest().bytes().take_while(|b| is_part(*b)).count();
        let word = self.rest()[..length].to_owned();
        self.at += length;
        match (word.as_str(), self.peek()) {
            ("true", _) => self.out.push_str("true"),
            ("false", _) => self.out.push_str("false"),
            ("null", _) => self.out.push_str("null"),
            ("NaN" | "nan", _) => self.out.push_str("\"NaN\""),
            ("Infinity" | "inf", _) => self.out.push_str("\"inf\""),
            _ if !self.is_python => return None,
            ("True", _) => self.out.push_str("true"),
            ("False", _) => self.out.push_str("false"),
            ("None", _) => self.out.push_str("null"),
            ("b" | "u" | "r", Some(b'\'' | b'"')) => self.string()?,
            (name, Some(b'(')) if !name.is_empty() => self.call(&word, depth)?,
            _ => return None,
        }
        Some(())
    }

    /// A constructor: a date and time, or anything made of one text (`UUID('…')`, `Decimal('…')`).
    fn call(&mut self, name: &str, depth: usize) -> Option<()> {
        let from = self.out.len();
        self.at += 1;
        let opened = self.at;
        if self.value(depth + 1).and_then(|()| self.eat(b')')).is_some() && self.out[from..].starts_with('"') {
            return Some(());
        }
        self.out.truncate(from);
        self.at = opened;
        let arguments = self.skip_balanced()?;
        match date_time(name, arguments) {
            Some(time) => self.push_quoted(&time),
            None => self.out.push_str("null"),
        }
        Some(())
    }

    /// What stands up to the closing parenthesis, which is passed.
    fn skip_balanced(&mut self) -> Option<&str> {
        let from = self.at;
        let mut open = 1_usize;
        for (i, b) in self.text.bytes().enumerate().skip(from) {
            match b {
                b'(' => open += 1,
                b')' => open -= 1,
                _ => {}
            }
            if open == 0 {
                self.at = i + 1;
                return self.text.get(from..i);
            }
        }
        None
    }

    /// `<Foo object at 0x7f…>`, which says nothing.
    fn object_repr(&mut self) -> Option<()> {
        self.at += self.rest().find('>')? + 1;
        self.out.push_str("null");
        Some(())
    }
}

/// RFC 3339 of `datetime.datetime(2024, 1, 1, 12, 0, 0, 123456)`; without a zone, or in UTC.
fn date_time(name: &str, arguments: &str) -> Option<String> {
    let is_utc = arguments.split("tzinfo=").nth(1).is_none_or(|zone| zone.to_ascii_lowercase().contains("utc"));
    if !name.ends_with("datetime") || !is_utc {
        return None;
    }
    let numbers = arguments.split(',').map_while(|part| part.trim().parse::<u32>().ok());
    let mut parts: Vec<u32> = numbers.take(7).collect();
    if parts.len() < 3 {
        return None;
    }
    parts.resize(7, 0);
    let [year, month, day, hour, minute, second, micros] = parts.try_into().ok()?;
    Some(format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{micros:06}Z"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(text: &str) -> Option<serde_json::Value> {
        let (json, used) = rewrite(text)?;
        assert_eq!(used, text.len(), "{text}");
        serde_json::from_str(&json).ok()
    }

    #[test]
    fn dicts_become_objects() {
        let cases = [
            (r#"{'a': True, 'b': None, 'c': 1.5e-05}"#, r#"{"a":true,"b":null,"c":1.5e-05}"#),
            (r#"{'t': ('x', 2), 'one': (1,), 'none': ()}"#, r#"{"t":["x",2],"one":[1],"none":[]}"#),
            (r#"{'q': "it's", 'd': 'say "hi"', 'n': 'a\nb'}"#, r#"{"q":"it's","d":"say \"hi\"","n":"a\nb"}"#),
            (r#"{'u': '\xe9\u20ac\U0001f600', 'b': b'raw'}"#, r#"{"u":"é€😀","b":"raw"}"#),
            (r#"{'k': {1: 'x', None: {'y': []}}}"#, r#"{"k":{"1":"x","null":{"y":[]}}}"#),
            (r#"{'s': {'a', 'b'}, 'e': {}}"#, r#"{"s":["a","b"],"e":{}}"#),
            (r#"{'id': UUID('0f-1'), 'c': Decimal('0.002')}"#, r#"{"id":"0f-1","c":"0.002"}"#),
            (
                r#"{'t': datetime.datetime(2024, 1, 2, 3, 4, 5, 6, tzinfo=datetime.timezone.utc), 'o': <Foo at 0x7f>}"#,
                r#"{"t":"2024-01-02T03:04:05.000006Z","o":null}"#,
            ),
            (r#"{'e': RateLimitError('slow down', 429), 'x': nan, 'y': -inf}"#, r#"{"e":null,"x":"NaN","y":"inf"}"#),
        ];
        for (python, want) in cases {
            assert_eq!(json(python), serde_json::from_str(want).ok(), "{python}");
        }
    }

    #[test]
    fn odd_numbers_of_json_are_kept_as_texts() {
        let want = serde_json::json!({"a": "NaN", "b": "inf", "c": "😀"});
        assert_eq!(json(r#"{"a": NaN, "b": -Infinity, "c": "\ud83d\ude00"}"#), Some(want));
    }

    #[test]
    fn what_is_neither_stays_broken() {
        for text in [
            r#"{"a": True}"#,
            r#"{"a": NaN"#,
            "{'a': 1",
            "{'a' 1}",
            "{'a': <Foo",
            "{'a': f(1",
            r#"{"a": 'NaN'}"#,
            "{'a':: 1}",
        ] {
            assert_eq!(rewrite(text), None, "{text}");
        }
    }
}

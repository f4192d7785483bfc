//! Templates of error messages: numbers, ids, quoted parts and addresses masked, so that alike messages count together.
//! Of a stack trace its message counts; of an object in the message, what it says.

/// Most characters of a template.
pub const MAX_CHARS: usize = 160;

/// So much of a message is looked at; no more of it would fit a template, but for masked parts of great length.
const MAX_INPUT: usize = 2_048;

/// Objects within quoted parts of objects are looked into so deep.
const DEEPEST: u8 = 4;

/// The template of a message: `<n>` for numbers and lengths of time, `<id>` for ids and hashes, `<url>`, `<path>`, `<email>`,
/// quoted parts as `"…"`, but for what objects in it say under names such as `message`, `type` and `code`; white space as
/// one space; at most [`MAX_CHARS`] characters, cut ones ending in `…`.
pub fn template(message: &str) -> String {
    template_at(said(message), 0)
}

fn template_at(message: &str, depth: u8) -> String {
    let clipped = message.get(..message.floor_char_boundary(MAX_INPUT)).unwrap_or(message);
    let mut out = Out { depth, ..Out::default() };
    let mut rest = clipped;
    while let Some(c) = rest.chars().next() {
        if out.chars > MAX_CHARS {
            break;
        }
        rest = step(rest, c, &mut out);
    }
    out.finish(!rest.is_empty() || clipped.len() < message.len())
}

/// The message of a stack trace: a Python traceback ends with it, in others it comes first.
fn said(message: &str) -> &str {
    if message.contains("Traceback (most recent call last)") {
        let outside = |line: &&str| !line.trim().is_empty() && !line.starts_with([' ', '\t']);
        return message.lines().rev().find(outside).unwrap_or(message);
    }
    let frame = message.match_indices('\n').find(|(at, _)| message[*at..].trim_start().starts_with("at "));
    match frame {
        Some((at, _)) if !message[..at].trim().is_empty() => &message[..at],
        _ => message,
    }
}

/// Takes one piece of the message; what is left.
fn step<'a>(rest: &'a str, c: char, out: &mut Out) -> &'a str {
    if c.is_whitespace() || c.is_control() {
        out.space();
        return &rest[c.len_utf8()..];
    }
    if matches!(c, '"' | '`' | '\'' | '“' | '‘')
        && !out.in_word()
        && let Some(length) = quoted(rest, c)
    {
        let inner = &rest[c.len_utf8()..length - closing(c).len_utf8()];
        out.quote(c, inner, &rest[length..]);
        return &rest[length..];
    }
    if !is_word_char(c) {
        out.bracket(c);
        out.push_char(c);
        return &rest[c.len_utf8()..];
    }
    let word = first_word(rest);
    mask(word, out);
    &rest[word.len()..]
}

/// How long a quoted part is, quotes included; `None` where the quote is not closed near by, or is an apostrophe.
fn quoted(text: &str, open: char) -> Option<usize> {
    const LONGEST: usize = 1_024;
    let close = closing(open);
    let from = open.len_utf8();
    let mut escaped = false;
    let ends = |(_, c): &(usize, char)| {
        let ends = *c == close && !escaped;
        escaped = *c == '\\' && !escaped;
        ends
    };
    let length = text[from..].char_indices().take(LONGEST).find(ends).map(|(i, _)| i)?;
    let end = from + length + close.len_utf8();
    let goes_on = text[end..].chars().next().is_some_and(char::is_alphanumeric);
    (length > 0 && !(open == '\'' && goes_on)).then_some(end)
}

const fn closing(open: char) -> char {
    match open {
        '“' => '”',
        '‘' => '’',
        other => other,
    }
}

/// Characters that ids, numbers, addresses and paths are made of.
fn is_word_char(c: char) -> bool {
    c.is_alphanumeric()
        || matches!(c, '_' | '-' | '.' | '/' | ':' | '@' | '#' | '%' | '+' | '$' | '€' | '&' | '?' | '~')
}

/// The word a text begins with, without the punctuation that ends it; an address takes its query too.
fn first_word(text: &str) -> &str {
    let is_url = text.starts_with("http://") || text.starts_with("https://");
    let goes_on = |c: char| {
        if is_url { !c.is_whitespace() && !matches!(c, '"' | '\'' | ')' | '>' | '`' | ',') } else { is_word_char(c) }
    };
    // A comma between digits is of a number.
    let in_number = |at: usize| {
        let is_digit = |at: usize| text.as_bytes().get(at).is_some_and(u8::is_ascii_digit);
        text.as_bytes().get(at) == Some(&b',') && at.checked_sub(1).is_some_and(is_digit) && is_digit(at + 1)
    };
    let end = text.char_indices().find(|(at, c)| !goes_on(*c) && !in_number(*at)).map_or(text.len(), |(at, _)| at);
    let trimmed = text[..end].trim_end_matches(['.', ':', '?', '-', '/']);
    if trimmed.is_empty() { &text[..text.chars().next().map_or(0, char::len_utf8)] } else { trimmed }
}

/// Writes a word, or what stands for it.
fn mask(word: &str, out: &mut Out) {
    let has_digit = word.bytes().any(|b| b.is_ascii_digit());
    if word.contains("://") {
        out.push("<url>");
    } else if word.contains('@') && word.contains('.') {
        out.push("<email>");
    } else if has_digit && (is_number(word) || is_duration(word) || is_address(word)) {
        out.push("<n>");
    } else if word.starts_with('/') && word.len() > 1 {
        out.push("<path>");
    } else if is_id(word) {
        out.push("<id>");
    } else if has_digit {
        mask_parts(word, out);
    } else {
        out.push(word);
    }
}

/// A number with what may stand around it: sign, money, separators, a unit, a date or time.
fn is_number(word: &str) -> bool {
    let word = word.trim_start_matches(['-', '+', '$', '€', '#', '~']);
    let unit_at = word.rfind(|c: char| c.is_ascii_digit()).map_or(0, |i| i + 1);
    let (number, unit) = word.split_at(unit_at);
    let numeric = |b: u8| b.is_ascii_digit() || matches!(b, b'.' | b',' | b':' | b'-' | b'/' | b'T' | b'+' | b'_');
    number.bytes().all(numeric)
        && number.starts_with(|c: char| c.is_ascii_digit())
        && (unit.len() <= 2 && unit.bytes().all(|b| b.is_ascii_alphabetic() || b == b'%') || unit.starts_with("ms/"))
}

/// A length of time of several units: `6m0s`, `1h2m3.5s`.
fn is_duration(word: &str) -> bool {
    let mut rest = word;
    while !rest.is_empty() {
        let number = rest.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
        let after = number.trim_start_matches(|c: char| c.is_ascii_alphabetic());
        let unit = &number[..number.len() - after.len()];
        if number.len() == rest.len() || !matches!(unit, "d" | "h" | "m" | "min" | "s" | "ms" | "us" | "µs" | "ns") {
            return false;
        }
        rest = after;
    }
    true
}

/// An address of the sixth version: `2001:db8::1`.
fn is_address(word: &str) -> bool {
    word.matches(':').count() >= 2 && word.bytes().all(|b| b.is_ascii_hexdigit() || matches!(b, b':' | b'.'))
}

/// Names under which objects say what went wrong.
const TELLING: [&str; 11] =
    ["message", "msg", "type", "code", "error", "detail", "details", "reason", "status", "error_type", "error_code"];

/// A quoted text without its escapes.
fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match (c, if c == '\\' { chars.next() } else { None }) {
            ('\\', Some('n' | 't' | 'r')) => out.push(' '),
            ('\\', Some(escaped)) => out.push(escaped),
            (c, _) => out.push(c),
        }
    }
    out
}

/// Whether a quoted part before a colon is short and plain enough to be a field's name.
fn is_field(text: &str) -> bool {
    text.len() <= 32 && text.bytes().all(|b| b.is_ascii_alphabetic() || b == b'_')
}

/// An id: hexadecimal digits, a UUID, or letters and digits mixed as only machines mix them.
fn is_id(word: &str) -> bool {
    let body = word.strip_prefix("0x").unwrap_or(word);
    let digits = body.bytes().filter(u8::is_ascii_digit).count();
    let hex = body.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-') && body.len() >= 8 && digits > 0;
    hex || body.rsplit(['-', '_', '.', ':', '/']).any(|part| is_random(part) || is_hex(part))
}

/// Whether a part without separators is of hexadecimal digits of both kinds: a date of digits alone is none.
fn is_hex(part: &str) -> bool {
    let letters = part.bytes().filter(u8::is_ascii_alphabetic).count();
    part.len() >= 8 && part.bytes().all(|b| b.is_ascii_hexdigit()) && letters > 0 && letters < part.len()
}

/// Whether a part without separators looks random: long, with digits and letters in turn.
fn is_random(part: &str) -> bool {
    let turns = part.as_bytes().windows(2).filter(|w| w[0].is_ascii_digit() != w[1].is_ascii_digit()).count();
    let mixes_case = part.bytes().any(|b| b.is_ascii_lowercase()) && part.bytes().any(|b| b.is_ascii_uppercase());
    part.is_ascii()
        && part.len() >= 8
        && (turns >= 3 || (part.len() >= 16 && turns >= 1 && mixes_case) || (part.len() >= 20 && turns >= 2))
}

/// A word that carries numbers and means something (`gpt-4o-mini`, `user_12`): numbers of three digits and more, and those
/// that stand alone at its end after `_` or `=`, are masked; a model's name stays.
fn mask_parts(word: &str, out: &mut Out) {
    let mut rest = word;
    while let Some(c) = rest.chars().next() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let is_tail = digits == rest.len() && out.text.ends_with(['_', '#', ':']);
        if digits >= 3 || is_tail && digits > 0 {
            out.push("<n>");
            rest = &rest[digits..];
        } else {
            let length = digits.max(c.len_utf8());
            out.push(&rest[..length]);
            rest = &rest[length..];
        }
    }
}

/// A template as it grows.
#[derive(Default)]
struct Out {
    text: String,
    chars: usize,
    /// In how many quoted parts this is.
    depth: u8,
    /// How many braces are open.
    open: usize,
    /// Whether the field that comes next says what went wrong.
    is_telling: bool,
}

impl Out {
    fn push(&mut self, text: &str) {
        self.text.push_str(text);
        self.chars += text.chars().count();
    }

    fn push_char(&mut self, c: char) {
        self.text.push(c);
        self.chars += 1;
    }

    fn bracket(&mut self, c: char) {
        match c {
            '{' => self.open += 1,
            '}' => self.open = self.open.saturating_sub(1),
            _ => {}
        }
    }

    /// A quoted part: a field's name stays, what a telling field says is a message of its own.
    fn quote(&mut self, open: char, inner: &str, after: &str) {
        let close = closing(open);
        let is_name = self.open > 0 && after.trim_start().starts_with(':') && is_field(inner);
        if is_name {
            self.is_telling = TELLING.contains(&inner.to_ascii_lowercase().as_str());
            self.push(&format!("{open}{inner}{close}"));
        } else if self.open > 0 && std::mem::take(&mut self.is_telling) && self.depth < DEEPEST {
            let said = template_at(&plain(inner), self.depth + 1);
            self.push(&format!("{open}{said}{close}"));
        } else {
            self.push(&format!("{open}…{close}"));
        }
    }

    fn space(&mut self) {
        if !self.text.is_empty() && !self.text.ends_with(' ') {
            self.push_char(' ');
        }
    }

    /// Whether the last character belongs to a word, so that a quote after it is an apostrophe.
    fn in_word(&self) -> bool {
        self.text.ends_with(char::is_alphanumeric)
    }

    fn finish(self, cut: bool) -> String {
        let text = self.text.trim_end();
        if !cut && self.chars <= MAX_CHARS {
            return text.to_owned();
        }
        let mut short: String = text.chars().take(MAX_CHARS - 1).collect();
        short.truncate(short.trim_end().len());
        short.push('…');
        short
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn alike_messages_meet() {
        let groups: &[&[&str]] = &[
            &[
                "Rate limit reached for gpt-4o in organization org-Ab12Cd34Ef56Gh78 on tokens per min (TPM): Limit 30000, Used 14567, Requested 24754. Please try again in 18.642s.",
                "Rate limit reached for gpt-4o in organization org-Zz98Yy87Xx76Ww65 on tokens per min (TPM): Limit 30000, Used 29001, Requested 2000. Please try again in 520ms.",
            ],
            &[
                "prompt is too long: 3333404 tokens > 200000 maximum",
                "prompt is too long: 200001 tokens > 200000 maximum",
            ],
            &[
                "Request 0af7651916cd43dd8448eb211c80319c failed: timed out after 30.0s",
                "Request 4bf92f3577b34da6a3ce929d0e0e4736 failed: timed out after 60s",
            ],
            &[
                "The deployment 'chat-prod' was not found (id 123e4567-e89b-12d3-a456-426614174000)",
                "The deployment 'chat staging' was not found (id 00000000-e89b-12d3-a456-426614174999)",
            ],
            &[
                "POST https://api.example.com/v1/chat?key=abc failed:  429",
                "POST https://eu.example.com/v1/messages failed: 503",
            ],
            &["user_12 has no budget left ($12.10 of $12)", "user_99812 has no budget left ($3.02 of $3)"],
            &["connect ECONNREFUSED 10.0.0.12:8080", "connect ECONNREFUSED 10.0.3.4:443"],
            &["cannot open /var/lib/app/a.json", "cannot open /tmp/b.json"],
        ];
        for group in groups {
            let templates: Vec<String> = group.iter().map(|m| template(m)).collect();
            assert!(templates.iter().all(|t| t == &templates[0]), "{templates:#?}");
        }
    }

    #[test]
    fn unlike_messages_stay_apart_and_readable() {
        let cases = [
            ("Rate limit reached for gpt-4o-mini", "Rate limit reached for gpt-4o-mini"),
            ("model claude-3-5-sonnet not found", "model claude-3-5-sonnet not found"),
            ("prompt is too long: 200001 tokens > 200000 maximum", "prompt is too long: <n> tokens > <n> maximum"),
            ("Overloaded", "Overloaded"),
            ("request req_4bf92f3577b3 for claude-sonnet-4-20250514", "request <id> for claude-sonnet-4-<n>"),
            ("you don't have access, can't go on", "you don't have access, can't go on"),
            ("Unexpected token < in JSON at position 0", "Unexpected token < in JSON at position <n>"),
            (
                "Error code: 429 - {'error': {'message': 'Rate limit'}}",
                "Error code: <n> - {'error': {'message': 'Rate limit'}}",
            ),
            (
                r#"400 {"type":"error","error":{"type":"invalid_request_error","message":"prompt is too long: 7 \"x\" > 5"},"id":"a b"}"#,
                r#"<n> {"type":"error","error":{"type":"invalid_request_error","message":"prompt is too long: <n> "…" > <n>"},"id":"…"}"#,
            ),
            ("Please try again in 6m0s or in 1h2m3.5s", "Please try again in <n> or in <n>"),
            ("connect to [2001:db8::1]:443", "connect to [<n>]:<n>"),
            (
                "Traceback (most recent call last):\n  File \"/app/x.py\", line 3, in <module>\n    call()\nhttpx.ReadTimeout: The read operation timed out\n",
                "httpx.ReadTimeout: The read operation timed out",
            ),
            (
                "Error: connect ECONNREFUSED 127.0.0.1:8000\n    at TCPConnectWrap.afterConnect [as oncomplete] (node:net:1555:16)",
                "Error: connect ECONNREFUSED <n>",
            ),
            ("retry at 2024-01-01T12:00:00.123Z please", "retry at <n> please"),
            ("see https://platform.openai.com/docs/errors.", "see <url>."),
            ("mail bob@example.com now", "mail <email> now"),
            ("req_011CeCGmMJJGRCp7xgjqapmJ failed", "<id> failed"),
            ("  two\n\tlines \u{1b}[0m ", "two lines [<n>"),
            ("", ""),
        ];
        for (message, want) in cases {
            assert_eq!(template(message), want);
        }
    }

    #[test]
    fn length_is_bounded_in_characters() {
        let long = template(&"wörter ohne ende ".repeat(50));
        assert_eq!(long.chars().count(), MAX_CHARS);
        assert!(long.ends_with('…'));
        assert!(template(&"9 ".repeat(100_000)).chars().count() <= MAX_CHARS);
    }

    proptest! {
        #[test]
        fn any_text_has_a_bounded_template(message in "\\PC{0,400}") {
            prop_assert!(template(&message).chars().count() <= MAX_CHARS);
        }

        #[test]
        fn numbers_do_not_matter(a in 0u32..1_000_000, b in 0u32..1_000_000) {
            let message = |n: u32| format!("limit {n}, used {n} of {n} tokens");
            prop_assert_eq!(template(&message(a)), template(&message(b)));
        }
    }
}

//! Reads the filter language. Every fault names its column, in characters from 1, and what would be right there.

use super::{Field, Filter, Match, Needle, Number, Op, Pattern, Term};
use crate::event::FailureMode;
use crate::nearest::did_you_mean;
use crate::units;
use crate::view::Dim;

/// A filter that does not read, with the column where it fails.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("filter, column {column}: {why}")]
pub struct FilterError {
    /// Column of the fault, counted in characters from 1.
    pub column: usize,
    /// What is wrong and what would be right.
    pub why: String,
}

/// What a field's name stands for.
#[derive(Clone, Copy)]
enum Name {
    Field(Field),
    Number(Number),
}

/// Every name, the ones shown in messages first, then the habits of other tools.
const NAMES: [(&str, Name); 41] = [
    ("model", Name::Field(Field::Dim(Dim::Model))),
    ("provider", Name::Field(Field::Dim(Dim::Provider))),
    ("operation", Name::Field(Field::Dim(Dim::Operation))),
    ("status", Name::Field(Field::Dim(Dim::Status))),
    ("error", Name::Field(Field::Dim(Dim::Error))),
    ("user", Name::Field(Field::Dim(Dim::User))),
    ("session", Name::Field(Field::Dim(Dim::Session))),
    ("trace", Name::Field(Field::Trace)),
    ("request", Name::Field(Field::Request)),
    ("host", Name::Field(Field::Dim(Dim::Host))),
    ("app", Name::Field(Field::Dim(Dim::App))),
    ("env", Name::Field(Field::Dim(Dim::Environment))),
    ("tag", Name::Field(Field::Tag)),
    ("variant", Name::Field(Field::Dim(Dim::Variant))),
    ("message", Name::Field(Field::Message)),
    ("source", Name::Field(Field::Dim(Dim::Source))),
    ("hour", Name::Field(Field::Dim(Dim::Hour))),
    ("day", Name::Field(Field::Dim(Dim::Day))),
    ("latency", Name::Number(Number::Latency)),
    ("ttft", Name::Number(Number::Ttft)),
    ("cost", Name::Number(Number::Cost)),
    ("tokens", Name::Number(Number::Tokens)),
    ("environment", Name::Field(Field::Dim(Dim::Environment))),
    ("op", Name::Field(Field::Dim(Dim::Operation))),
    ("failure", Name::Field(Field::Dim(Dim::Error))),
    ("user_id", Name::Field(Field::Dim(Dim::User))),
    ("session_id", Name::Field(Field::Dim(Dim::Session))),
    ("conversation", Name::Field(Field::Dim(Dim::Session))),
    ("conversation_id", Name::Field(Field::Dim(Dim::Session))),
    ("trace_id", Name::Field(Field::Trace)),
    ("id", Name::Field(Field::Request)),
    ("request_id", Name::Field(Field::Request)),
    ("hostname", Name::Field(Field::Dim(Dim::Host))),
    ("service", Name::Field(Field::Dim(Dim::App))),
    ("tags", Name::Field(Field::Tag)),
    ("error_message", Name::Field(Field::Message)),
    ("file", Name::Field(Field::Dim(Dim::Source))),
    ("duration", Name::Number(Number::Latency)),
    ("spend", Name::Number(Number::Cost)),
    ("cost_usd", Name::Number(Number::Cost)),
    ("total_tokens", Name::Number(Number::Tokens)),
];

fn name(word: &str) -> Option<Name> {
    let lower = word.to_ascii_lowercase();
    NAMES.iter().find(|(known, _)| *known == lower).map(|(_, name)| *name)
}

/// Reads a whole filter.
pub(super) fn filter(text: &str) -> Result<Filter, FilterError> {
    let mut cursor = Cursor { rest: text, column: 1 };
    let mut terms = Vec::new();
    loop {
        cursor.take_while(char::is_whitespace);
        if cursor.rest.is_empty() {
            return Ok(Filter { terms });
        }
        terms.push(cursor.term()?);
    }
}

/// The text not yet read, and the column of its first character.
struct Cursor<'a> {
    rest: &'a str,
    column: usize,
}

impl<'a> Cursor<'a> {
    fn take_while(&mut self, inside: impl Fn(char) -> bool) -> &'a str {
        let end = self.rest.find(|c| !inside(c)).unwrap_or(self.rest.len());
        let (taken, rest) = self.rest.split_at(end);
        self.column += taken.chars().count();
        self.rest = rest;
        taken
    }

    fn take(&mut self, prefix: &str) -> bool {
        let Some(rest) = self.rest.strip_prefix(prefix) else { return false };
        self.column += prefix.chars().count();
        self.rest = rest;
        true
    }

    fn fail<T>(&self, why: impl Into<String>) -> Result<T, FilterError> {
        fail(self.column, why)
    }

    fn at_gap(&self) -> bool {
        self.rest.chars().next().is_none_or(char::is_whitespace)
    }

    fn term(&mut self) -> Result<Term, FilterError> {
        let negated = self.take("-");
        if negated && self.at_gap() {
            return self.fail("nothing follows the `-`; write -status:ok, or \"-\" to search for the character");
        }
        Ok(Term { negated, matches: self.condition()? })
    }

    fn condition(&mut self) -> Result<Match, FilterError> {
        if self.rest.starts_with('"') {
            return self.quoted_text();
        }
        let word = self.rest.split(char::is_whitespace).next().unwrap_or_default();
        let sign = word.find([':', '<', '>']).or_else(|| word.find('=').filter(|at| name(&word[..*at]).is_some()));
        match sign {
            Some(at) => self.field(&word[..at]),
            None => self.word(),
        }
    }

    fn quoted_text(&mut self) -> Result<Match, FilterError> {
        let start = self.column;
        let text = self.quoted()?.join("*");
        if text.is_empty() {
            return fail(start, "no text between the quotes; put what to search for there, or leave them out");
        }
        self.expect_gap()?;
        Ok(Match::Text(Needle::new(&text)))
    }

    fn word(&mut self) -> Result<Match, FilterError> {
        let word = self.take_while(|c| !c.is_whitespace() && c != '"');
        self.expect_gap()?;
        Ok(Match::Text(Needle::new(word)))
    }

    fn field(&mut self, word: &str) -> Result<Match, FilterError> {
        let start = self.column;
        if word.is_empty() {
            return self.fail("a field's name is missing here; write model:gpt-4o or latency>5s, without spaces");
        }
        let Some(name) = name(word) else { return fail(start, unknown_name(word)) };
        self.take(word);
        match name {
            Name::Field(field) => self.values(field),
            Name::Number(number) => self.comparison(number),
        }
    }

    fn values(&mut self, field: Field) -> Result<Match, FilterError> {
        let word = field.word();
        if !self.take(":") {
            return self.fail(format!("{word} is matched, not compared; write {word}:VALUE"));
        }
        let mut patterns = Vec::new();
        if self.at_gap() {
            check_value(field, &Pattern::exact(""), self.column)?;
            return Ok(Match::Any(field, vec![Pattern::exact("")]));
        }
        loop {
            let start = self.column;
            let pattern = self.value(field)?;
            check_value(field, &pattern, start)?;
            patterns.push(pattern);
            if !self.take(",") {
                break;
            }
        }
        self.expect_gap()?;
        Ok(Match::Any(field, patterns))
    }

    fn value(&mut self, field: Field) -> Result<Pattern, FilterError> {
        if self.rest.starts_with('"') {
            return Ok(Pattern::of(self.quoted()?, field.quoted_case()));
        }
        let text = self.take_while(|c| !c.is_whitespace() && !matches!(c, ',' | '"'));
        if text.is_empty() {
            return self.fail("a value is missing here; write \"\" for calls that have none");
        }
        // What can only be written in quotes means the same without them.
        let case = if text.chars().any(char::is_control) { field.quoted_case() } else { field.case() };
        Ok(Pattern::glob(text, case))
    }

    /// Reads `"…"`; the parts between unescaped stars.
    fn quoted(&mut self) -> Result<Vec<String>, FilterError> {
        let start = self.column;
        self.take("\"");
        let mut pieces = vec![String::new()];
        let mut piece = String::new();
        let mut chars = self.rest.char_indices();
        while let Some((at, c)) = chars.next() {
            self.column += 1;
            match c {
                '"' => {
                    self.rest = &self.rest[at + 1..];
                    pieces.pop();
                    pieces.push(piece);
                    return Ok(pieces);
                }
                '*' => {
                    pieces.pop();
                    pieces.push(std::mem::take(&mut piece));
                    pieces.push(String::new());
                }
                '\\' => match chars.next() {
                    Some((_, escaped)) => {
                        self.column += 1;
                        // Before anything else a backslash is itself: Windows paths and regular habits read as typed.
                        if !matches!(escaped, '"' | '\\' | '*') {
                            piece.push('\\');
                        }
                        piece.push(escaped);
                    }
                    None => break,
                },
                c => piece.push(c),
            }
        }
        fail(start, "this quote is not closed; end the value with \"")
    }

    fn comparison(&mut self, number: Number) -> Result<Match, FilterError> {
        let word = number.word();
        let example = example(number);
        self.take(":");
        let op = [Op::AtLeast, Op::AtMost, Op::Above, Op::Below].into_iter().find(|op| self.take(op.sign()));
        let Some(op) = op else {
            return self.fail(format!("{word} is compared with <, <=, > or >=; write {word}>{example}"));
        };
        let start = self.column;
        let text = self.take_while(|c| !c.is_whitespace());
        let bound = bound(number, text).ok_or_else(|| bad_bound(number, text, start))?;
        Ok(Match::Compare(number, op, bound))
    }

    fn expect_gap(&self) -> Result<(), FilterError> {
        if self.at_gap() {
            return Ok(());
        }
        self.fail("a space is missing here, or quotes around the whole; inside quotes write \\\" for a quote")
    }
}

fn fail<T>(column: usize, why: impl Into<String>) -> Result<T, FilterError> {
    Err(FilterError { column, why: why.into() })
}

fn unknown_name(word: &str) -> String {
    let near = did_you_mean(word, NAMES.iter().map(|(known, _)| *known));
    if !near.is_empty() {
        return format!("no field {word:?}{near}");
    }
    let known: Vec<&str> = NAMES.iter().map(|(known, _)| *known).take_while(|known| *known != "hour").collect();
    let numbers: Vec<&str> = Number::ALL.iter().map(|number| number.word()).collect();
    format!(
        "no field {word:?}; there are {}, and {} to compare; put quotes around text to search for",
        known.join(", "),
        numbers.join(", ")
    )
}

/// The two fields with a closed list of words reject what can never match.
fn check_value(field: Field, pattern: &Pattern, column: usize) -> Result<(), FilterError> {
    let matches_one = |words: &[&str]| words.iter().any(|word| pattern.matches(Some(word)));
    match field {
        Field::Dim(Dim::Status) if !matches_one(&["ok", "error"]) => {
            fail(column, "status is ok or error; for what went wrong write error:timeout")
        }
        Field::Dim(Dim::Error) => {
            let words = FailureMode::ALL.map(FailureMode::word);
            if pattern.is_unknown() || matches_one(&words) {
                return Ok(());
            }
            let value = pattern.typed(field.case());
            let near = did_you_mean(&value, words);
            let all = if near.is_empty() { format!("; there are {}", words.join(", ")) } else { near };
            fail(column, format!("no failure mode {value}{all}"))
        }
        _ => Ok(()),
    }
}

fn example(number: Number) -> &'static str {
    match number {
        Number::Latency => "5s",
        Number::Ttft => "800ms",
        Number::Cost => "0.01",
        Number::Tokens => "8000",
    }
}

fn bound(number: Number, text: &str) -> Option<i64> {
    let bound = match number {
        Number::Latency | Number::Ttft => units::parse_duration_us(text),
        Number::Cost => units::parse_usd_nano(text),
        Number::Tokens => units::parse_count(text),
    };
    bound.filter(|bound| *bound >= 0)
}

fn bad_bound(number: Number, text: &str, column: usize) -> FilterError {
    let (word, example) = (number.word(), example(number));
    let why = match number {
        _ if text.is_empty() => format!("a value to compare with is missing; write {word}>{example}"),
        Number::Latency | Number::Ttft if text.parse::<f64>().is_ok_and(|n| n >= 0.0 && n.is_finite()) => {
            format!("{text:?} has no unit; write {text}s or {text}ms")
        }
        Number::Latency | Number::Ttft => format!("{text:?} is no length of time; write 800ms, 5s or 1.5m"),
        Number::Cost => format!("{text:?} is no amount of dollars; write 0.01"),
        Number::Tokens => format!("{text:?} is no number of tokens; write 8000 or 8k"),
    };
    FilterError { column, why }
}

/// A bound as it is typed: exact, in the largest unit that needs no fraction.
pub(super) fn bound_text(number: Number, bound: i64) -> String {
    match number {
        Number::Latency | Number::Ttft => units::exact_duration(bound),
        Number::Cost => dollars(bound),
        Number::Tokens => bound.to_string(),
    }
}

fn dollars(nano: i64) -> String {
    let sign = if nano < 0 { "-" } else { "" };
    let (whole, part) = (nano.unsigned_abs() / 1_000_000_000, nano.unsigned_abs() % 1_000_000_000);
    let text = format!("{sign}{whole}.{part:09}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

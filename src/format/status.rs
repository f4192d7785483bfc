//! Words that producers write for how a call went, before the failure is classified.

use super::json::Value;
use super::number::Num;

/// What a word for the status says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Said {
    /// Whether it went well, where the word says so.
    pub ok: Option<bool>,
    /// What else the word is.
    pub names: Names,
}

/// What a status word is besides good or bad.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Names {
    /// Nothing more.
    Nothing,
    /// An HTTP status, perhaps with its phrase behind it.
    Http(u16),
    /// The kind of failure.
    Failure,
}

const GOOD: [&str; 10] = [
    "ok",
    "success",
    "succeeded",
    "successful",
    "completed",
    "complete",
    "done",
    "finished",
    "passed",
    "status_code_ok",
];

const BAD: [&str; 9] = ["error", "failure", "failed", "fail", "errored", "err", "ko", "exception", "status_code_error"];

/// Kinds of failure that stand in for a status. Any other word (`running`, `incomplete`, …) says nothing.
const KINDS: [&str; 17] = [
    "timeout",
    "timed_out",
    "cancelled",
    "canceled",
    "aborted",
    "rate_limited",
    "rate_limit",
    "throttled",
    "overloaded",
    "blocked",
    "rejected",
    "refused",
    "content_filter",
    "guardrail_blocked",
    "budget_exceeded",
    "unavailable",
    "connection_error",
];

/// Reads a status word in any case.
pub fn read(word: &str) -> Said {
    let word = word.trim();
    let is = |known: &&str| known.eq_ignore_ascii_case(word);
    if GOOD.iter().any(is) {
        Said { ok: Some(true), names: Names::Nothing }
    } else if BAD.iter().any(is) {
        Said { ok: Some(false), names: Names::Nothing }
    } else if KINDS.iter().any(is) {
        Said { ok: Some(false), names: Names::Failure }
    } else {
        Said { ok: None, names: http(word).map_or(Names::Nothing, Names::Http) }
    }
}

/// The status of `429` or `429 Too Many Requests`.
fn http(word: &str) -> Option<u16> {
    let digits = word.split(' ').next().filter(|digits| digits.len() == 3)?;
    digits.parse().ok().filter(|code| (100..600).contains(code))
}

/// What a status code below 100 says: 1 is well and 2 an error in OpenTelemetry, above those it is one of gRPC's errors.
pub fn of_code(code: u64) -> Option<bool> {
    match code {
        1 => Some(true),
        2..=16 => Some(false),
        _ => None,
    }
}

/// What programs write where there is no error, beside nothing at all: what `nil` is printed as, and codes of success.
const NO_ERROR: [&str; 15] = [
    "",
    "0",
    "none",
    "null",
    "nil",
    "<nil>",
    "nan",
    "n/a",
    "-",
    "undefined",
    "false",
    "no",
    "ok",
    "success",
    "no_error",
];

/// Whether the text of an error says that there is none.
pub fn is_no_error_word(text: &str) -> bool {
    let word = text.trim();
    NO_ERROR.iter().any(|known| known.eq_ignore_ascii_case(word))
}

/// Whether the value of an error says that there is none: nothing, zero, no, a code of success, or nothing but those.
pub fn is_no_error(value: &Value<'_>) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(failed) => !failed,
        Value::Number(_, Num::Int(code)) => matches!(code, 0 | 200..300),
        Value::Number(_, Num::Float(code)) => *code == 0.0,
        Value::Text(word) => is_no_error_word(word) || matches!(http(word.trim()), Some(200..300)),
        Value::Json(raw) => raw.get(1..).is_some_and(|rest| rest.trim_start().len() <= 1),
    }
}

/// Whether a text is a bare code or class name, such as `rate_limit_exceeded` or `openai.RateLimitError`.
pub fn is_one_word(text: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-' | b':');
    !text.is_empty() && text.len() <= 64 && text.bytes().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_say_what_they_mean() {
        let said = |ok, names| Said { ok, names };
        let cases = [
            ("ok", said(Some(true), Names::Nothing)),
            ("SUCCESS", said(Some(true), Names::Nothing)),
            ("failure", said(Some(false), Names::Nothing)),
            ("Cancelled", said(Some(false), Names::Failure)),
            ("timeout", said(Some(false), Names::Failure)),
            ("429", said(None, Names::Http(429))),
            ("503 Service Unavailable", said(None, Names::Http(503))),
            ("4290", said(None, Names::Nothing)),
            ("+42", said(None, Names::Nothing)),
            ("running", said(None, Names::Nothing)),
            ("incomplete", said(None, Names::Nothing)),
        ];
        for (word, want) in cases {
            assert_eq!(read(word), want, "{word}");
        }
        assert!(is_one_word("litellm.RateLimitError"));
        assert!(!is_one_word("Rate limit reached"));
    }
}

//! Words that producers write for how a call went, before the failure is classified.

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
    /// An HTTP status in digits.
    Http,
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
    } else if word.len() == 3 && matches!(word.as_bytes()[0], b'1'..=b'5') && word.bytes().all(|b| b.is_ascii_digit()) {
        Said { ok: None, names: Names::Http }
    } else {
        Said { ok: None, names: Names::Nothing }
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
            ("429", said(None, Names::Http)),
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

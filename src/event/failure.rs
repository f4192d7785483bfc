//! Failure modes: one list for all providers, found from status, HTTP code, error code and message.
//! The raw error is kept beside the mode, never replaced by it.

mod words;

use crate::listed::listed;
use words::{MESSAGES, TYPES, WIDE_TYPES};

listed! {
    /// What went wrong with a call, in one list for every provider. The discriminant, from 1 without a gap, is stored.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
    #[repr(u8)]
    pub enum FailureMode {
        /// Too many requests or tokens for the account's limits.
        RateLimit = 1,
        /// The provider has no capacity (529, 503 with such a word).
        Overloaded = 2,
        /// Any other 5xx.
        ServerError = 3,
        /// No answer in time.
        Timeout = 4,
        /// No connection, or it broke.
        Connection = 5,
        /// Key missing, wrong or without the right.
        Auth = 6,
        /// The request was not understood or names something unknown.
        InvalidRequest = 7,
        /// The prompt is longer than the model takes.
        ContextLength = 8,
        /// The provider's content filter refused.
        ContentFilter = 9,
        /// The answer could not be read as what was asked for.
        MalformedOutput = 10,
        /// A guardrail refused.
        GuardrailBlocked = 11,
        /// A budget was used up.
        BudgetExceeded = 12,
        /// The client went away.
        Cancelled = 13,
        /// Failed, and nothing says why.
        Unknown = 14,
    }
}

impl FailureMode {
    /// The stable word.
    pub const fn word(self) -> &'static str {
        match self {
            FailureMode::RateLimit => "rate_limit",
            FailureMode::Overloaded => "overloaded",
            FailureMode::ServerError => "server_error",
            FailureMode::Timeout => "timeout",
            FailureMode::Connection => "connection",
            FailureMode::Auth => "auth",
            FailureMode::InvalidRequest => "invalid_request",
            FailureMode::ContextLength => "context_length",
            FailureMode::ContentFilter => "content_filter",
            FailureMode::MalformedOutput => "malformed_output",
            FailureMode::GuardrailBlocked => "guardrail_blocked",
            FailureMode::BudgetExceeded => "budget_exceeded",
            FailureMode::Cancelled => "cancelled",
            FailureMode::Unknown => "unknown",
        }
    }

    /// The mode a word names.
    pub fn from_word(word: &str) -> Option<FailureMode> {
        FailureMode::ALL.into_iter().find(|m| m.word() == word)
    }
}

/// Success, or the failure mode.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, PartialOrd, Ord)]
pub enum Outcome {
    /// Nothing speaks of a failure.
    #[default]
    Ok,
    /// Failed in this way.
    Failed(FailureMode),
}

impl Outcome {
    /// How many outcomes there are; `number` is below it.
    pub const COUNT: usize = 1 + FailureMode::ALL.len();

    /// The stored number: 0 for ok, else the mode's.
    pub const fn number(self) -> u8 {
        match self {
            Outcome::Ok => 0,
            Outcome::Failed(mode) => mode as u8,
        }
    }

    /// The outcome a stored number stands for; unknown numbers are failures of unknown mode.
    pub fn from_number(number: u8) -> Outcome {
        match number {
            0 => Outcome::Ok,
            n => Outcome::Failed(FailureMode::ALL.get(usize::from(n) - 1).copied().unwrap_or(FailureMode::Unknown)),
        }
    }

    /// Whether the call failed.
    pub const fn is_error(self) -> bool {
        matches!(self, Outcome::Failed(_))
    }

    /// The failure mode, if any.
    pub const fn failure(self) -> Option<FailureMode> {
        match self {
            Outcome::Ok => None,
            Outcome::Failed(mode) => Some(mode),
        }
    }

    /// `ok`, or the failure mode's word.
    pub const fn word(self) -> &'static str {
        match self {
            Outcome::Ok => "ok",
            Outcome::Failed(mode) => mode.word(),
        }
    }
}

/// What a producer said about how a call went, before it is classified.
#[derive(Debug, Clone, Copy, Default)]
pub struct Evidence<'a> {
    /// `Some(false)` where the producer says it failed.
    pub ok: Option<bool>,
    /// The HTTP status, if known.
    pub http_status: Option<u16>,
    /// Error type, code or class.
    pub error_type: &'a str,
    /// Error message.
    pub message: &'a str,
}

/// Finds the outcome from what a producer said. It failed where the producer says so, where the HTTP status is 400 or
/// above, and where there is an error and nobody says that it went well. Asked in this order, the first answer counts:
/// the error type, the phrases of the message, the HTTP status, the wide types. The tests hold the table of examples.
pub fn classify(evidence: Evidence<'_>) -> Outcome {
    let error_status = evidence.http_status.filter(|status| *status >= 400);
    let has_error = !evidence.error_type.trim().is_empty() || !evidence.message.trim().is_empty();
    if error_status.is_none() && (evidence.ok == Some(true) || (evidence.ok.is_none() && !has_error)) {
        return Outcome::Ok;
    }
    let kind = squeeze(type_of(&evidence));
    if let Some(mode) = exact(&kind).or_else(|| find(TYPES, &kind)) {
        return Outcome::Failed(mode);
    }
    let message = clip(evidence.message).to_ascii_lowercase();
    let mode = find(MESSAGES, &message)
        .or_else(|| error_status.or_else(|| status_in(&kind, &message)).and_then(|status| by_status(status, &message)))
        .or_else(|| find(WIDE_TYPES, &kind));
    Outcome::Failed(mode.unwrap_or(FailureMode::Unknown))
}

/// A word of this project's own list.
fn exact(kind: &str) -> Option<FailureMode> {
    let is_word = |mode: &FailureMode| mode.word().bytes().filter(|b| *b != b'_').eq(kind.bytes());
    FailureMode::ALL.into_iter().filter(|mode| *mode != FailureMode::Unknown).find(is_word)
}

/// The error type; without one, the class name that many messages begin with (`RateLimitError: …`).
fn type_of<'a>(evidence: &Evidence<'a>) -> &'a str {
    if !evidence.error_type.trim().is_empty() {
        return clip(evidence.error_type);
    }
    let word = evidence.message.split([':', '(', ' ']).next().unwrap_or_default();
    let is_class =
        word.ends_with("Error") || word.ends_with("Exception") || word.ends_with("Timeout") || word.contains('_');
    if is_class { clip(word) } else { "" }
}

/// The beginning of a text, as much as is worth looking at.
fn clip(text: &str) -> &str {
    const ENOUGH: usize = 2_048;
    text.get(..text.floor_char_boundary(ENOUGH)).unwrap_or(text)
}

/// Lower case without punctuation.
fn squeeze(text: &str) -> String {
    text.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
}

fn find(table: &[(FailureMode, &[&str])], text: &str) -> Option<FailureMode> {
    if text.is_empty() {
        return None;
    }
    table.iter().find(|(_, words)| words.iter().any(|word| text.contains(word))).map(|(mode, _)| *mode)
}

/// An HTTP status that stands in the type (`429`, `HTTP503`) or in the words that clients begin messages with.
fn status_in(kind: &str, message: &str) -> Option<u16> {
    let digits = kind.strip_prefix("http").unwrap_or(kind);
    let after = ["error code: ", "status code: ", "status code ", "http ", "status: "];
    let in_message = after.iter().find_map(|words| message.split_once(words)?.1.get(..3));
    [Some(digits), in_message].into_iter().flatten().find_map(|d| d.parse().ok().filter(|n| (400..600).contains(n)))
}

fn by_status(status: u16, message: &str) -> Option<FailureMode> {
    Some(match status {
        401 | 403 => FailureMode::Auth,
        402 => FailureMode::BudgetExceeded,
        408 | 504 | 522 | 524 => FailureMode::Timeout,
        429 => FailureMode::RateLimit,
        499 => FailureMode::Cancelled,
        503 if message.contains("unavailable") && message.contains("model") => FailureMode::Overloaded,
        520 | 521 | 523 => FailureMode::Connection,
        529 => FailureMode::Overloaded,
        400..500 => FailureMode::InvalidRequest,
        500..600 => FailureMode::ServerError,
        _ => return None,
    })
}

#[cfg(test)]
mod tests;

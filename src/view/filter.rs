//! The filter language: `model:gpt-4o* -status:ok latency>5s "text"`. Space is AND, comma is OR within a field,
//! `-` negates. A filter is data; the store decides whether rollups or rows answer it.

mod parse;
mod pattern;
mod subject;

use super::Dim;
use crate::listed::listed;
use std::fmt;

pub use parse::FilterError;
pub use pattern::{Case, Needle, Pattern};
pub use subject::CallSubject;

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
    /// What a failed call said, or that with its variable parts masked: its template.
    Message,
}

impl Field {
    /// Its word in a filter.
    pub const fn word(self) -> &'static str {
        match self {
            Field::Dim(Dim::Environment) => "env",
            Field::Dim(dim) => dim.word(),
            Field::Trace => "trace",
            Field::Request => "request",
            Field::Tag => "tag",
            Field::Message => "message",
        }
    }

    /// Whether letters' case matters in a value that is typed without quotes: in ids, tags and files it does, and not in the
    /// names of models, hosts and the like. In quotes it always does, but for words of the program's own.
    pub const fn case(self) -> Case {
        match self {
            Field::Dim(Dim::User | Dim::Session | Dim::Source) | Field::Trace | Field::Request | Field::Tag => {
                Case::Exact
            }
            Field::Dim(_) | Field::Message => Case::Any,
        }
    }

    /// How a value in quotes is compared.
    const fn quoted_case(self) -> Case {
        match self {
            Field::Dim(Dim::Status | Dim::Error | Dim::Hour | Dim::Day) => Case::Any,
            _ => Case::Exact,
        }
    }

    /// Whether the rollups know it, so that no rows need to be read for it.
    pub const fn is_rolled_up(self) -> bool {
        use Dim::{App, Environment, Error, Host, Model, Operation, Provider, Status, Variant};
        matches!(self, Field::Dim(Provider | Model | Operation | App | Environment | Host | Variant | Error | Status))
    }
}

listed! {
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
}

impl Number {
    /// Its word in a filter.
    pub const fn word(self) -> &'static str {
        match self {
            Number::Latency => "latency",
            Number::Ttft => "ttft",
            Number::Cost => "cost",
            Number::Tokens => "tokens",
        }
    }
}

/// How a number is compared with a bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Op {
    /// `>`
    Above,
    /// `>=`
    AtLeast,
    /// `<`
    Below,
    /// `<=`
    AtMost,
}

impl Op {
    /// The sign, which is also SQL's.
    pub const fn sign(self) -> &'static str {
        match self {
            Op::Above => ">",
            Op::AtLeast => ">=",
            Op::Below => "<",
            Op::AtMost => "<=",
        }
    }

    /// Whether a value is on the right side of the bound.
    pub const fn holds(self, value: i64, bound: i64) -> bool {
        match self {
            Op::Above => value > bound,
            Op::AtLeast => value >= bound,
            Op::Below => value < bound,
            Op::AtMost => value <= bound,
        }
    }
}

/// What a term asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Match {
    /// The field equals one of the patterns; the empty pattern stands for unknown.
    Any(Field, Vec<Pattern>),
    /// The number is on this side of the bound, in the number's own unit; unknown numbers never match.
    Compare(Number, Op, i64),
    /// Some text of the record contains this.
    Text(Needle),
}

/// One condition, possibly negated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Term {
    /// Turned around by a leading `-`; what is unknown then matches, because the condition itself does not hold.
    pub negated: bool,
    /// What it asks.
    pub matches: Match,
}

/// A call as a filter sees it.
pub trait Subject {
    /// Whether `test` holds for the field's value, or, for tags, for any of them; `test` gets `None` where there is none.
    fn any_value(&self, field: Field, test: &dyn Fn(Option<&str>) -> bool) -> bool;
    /// The number, in its own unit; `None` is unknown.
    fn number(&self, number: Number) -> Option<i64>;
    /// Whether `test` holds for any text of the call: prompt, response, error, ids.
    fn any_text(&self, test: &dyn Fn(&str) -> bool) -> bool;
}

impl Term {
    /// Whether it takes a look beside the row to answer it, which is the dearest question.
    pub fn is_of_text(&self) -> bool {
        matches!(&self.matches, Match::Text(_) | Match::Any(Field::Message, _))
    }

    /// Whether rollups cannot answer it.
    pub fn needs_rows(&self) -> bool {
        !matches!(&self.matches, Match::Any(field, _) if field.is_rolled_up())
    }

    /// Whether a call has what is asked.
    pub fn holds(&self, subject: &dyn Subject) -> bool {
        let found = match &self.matches {
            Match::Any(field, patterns) => subject.any_value(*field, &|value| any_matches(patterns, value)),
            Match::Compare(number, op, bound) => subject.number(*number).is_some_and(|value| op.holds(value, *bound)),
            Match::Text(needle) => subject.any_text(&|text| needle.is_in(text)),
        };
        found != self.negated
    }
}

/// Whether a value matches one of the patterns.
pub fn any_matches(patterns: &[Pattern], value: Option<&str>) -> bool {
    patterns.iter().any(|pattern| pattern.matches(value))
}

/// All conditions; all must hold. Empty lets everything through. Its text is canonical and reads back as the same filter.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Filter {
    /// The conditions.
    pub terms: Vec<Term>,
}

impl Filter {
    /// Reads a filter; empty text lets everything through.
    ///
    /// # Errors
    /// Names the column and what would be right there.
    pub fn parse(text: &str) -> Result<Filter, FilterError> {
        parse::filter(text)
    }

    /// Whether nothing is asked.
    pub fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }

    /// Whether some term is on what the rollups do not know, so that rows must be read.
    pub fn needs_rows(&self) -> bool {
        self.terms.iter().any(Term::needs_rows)
    }

    /// Whether a series lets calls through: all terms on rolled-up dimensions hold for its values. Other terms do not count.
    pub fn dims_match<'a>(&self, value_of: &dyn Fn(Dim) -> Option<&'a str>) -> bool {
        self.terms.iter().all(|term| match &term.matches {
            Match::Any(field @ Field::Dim(dim), patterns) if field.is_rolled_up() => {
                any_matches(patterns, value_of(*dim)) != term.negated
            }
            _ => true,
        })
    }

    /// Whether a call has all that is asked.
    pub fn holds(&self, subject: &dyn Subject) -> bool {
        self.terms.iter().all(|term| term.holds(subject))
    }

    /// This filter narrowed to one value of a field (`None` is unknown), taken literally. What was asked of the field
    /// before gives way: the way from a row of a table to its calls.
    #[must_use]
    pub fn narrowed(&self, field: Field, value: Option<&str>) -> Filter {
        self.narrowed_to(field, &[value.unwrap_or_default()])
    }

    /// The same with one of several values; the empty one is unknown.
    #[must_use]
    pub fn narrowed_to(&self, field: Field, values: &[&str]) -> Filter {
        let same = |term: &&Term| !term.negated && matches!(&term.matches, Match::Any(f, _) if *f == field);
        let mut terms: Vec<Term> = self.terms.iter().filter(|term| !same(term)).cloned().collect();
        let patterns = values.iter().map(|value| Pattern::value(value, field.quoted_case())).collect();
        terms.push(Term { negated: false, matches: Match::Any(field, patterns) });
        Filter { terms }
    }
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, term) in self.terms.iter().enumerate() {
            write!(f, "{}{term}", if i == 0 { "" } else { " " })?;
        }
        Ok(())
    }
}

impl fmt::Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.negated { "-" } else { "" })?;
        match &self.matches {
            Match::Any(field, patterns) => write_values(f, *field, patterns),
            Match::Compare(number, op, bound) => {
                write!(f, "{}{}{}", number.word(), op.sign(), parse::bound_text(*number, *bound))
            }
            Match::Text(needle) => write!(f, "{needle}"),
        }
    }
}

fn write_values(f: &mut fmt::Formatter<'_>, field: Field, patterns: &[Pattern]) -> fmt::Result {
    write!(f, "{}:", field.word())?;
    for (i, pattern) in patterns.iter().enumerate() {
        // Alone, nothing is unknown; among others only quotes show it.
        let blank = pattern.is_unknown() && patterns.len() > 1;
        let typed = pattern.typed(field.case());
        write!(f, "{}{typed}{}", if i == 0 { "" } else { "," }, if blank { "\"\"" } else { "" })?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;

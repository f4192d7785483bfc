//! A row as a filter sees it: cheap questions first, text only when it is asked for.

use super::context::Context;
use super::read_error::ReadResult;
use super::row::Stored;
use super::series::{Passing, Who};
use crate::batch::{Id, Measure, SeriesKey};
use crate::units;
use crate::view::{Dim, Field, Filter, Match, Needle, Number, Pattern, Subject, any_matches};
use std::borrow::Cow;

/// A row that a filter asks about.
struct RowSubject<'a, 'r> {
    call: &'a Stored<'r>,
    context: &'a Context,
}

/// Whether a filter lets a row through; `passing` is what it says of each series.
pub fn passes(filter: &Filter, passing: &Passing, call: &Stored<'_>, context: &Context) -> ReadResult<bool> {
    if !passing.lets(Who::Series(call.series)) {
        return Ok(false);
    }
    if !filter.needs_rows() {
        return Ok(true);
    }
    let subject = RowSubject { call, context };
    let on_rows = filter.terms.iter().filter(|t| t.needs_rows());
    // Text is the dearest question, so it is asked last.
    let (texts, others): (Vec<_>, Vec<_>) = on_rows.partition(|t| t.is_of_text());
    if !others.iter().all(|t| t.holds(&subject)) {
        return Ok(false);
    }
    for term in texts {
        let found = match &term.matches {
            Match::Text(needle) => subject.any_text(&|text| needle.is_in(text)) || subject.stored_text_has(needle)?,
            Match::Any(Field::Message, patterns) => subject.said(patterns)?,
            _ => continue,
        };
        if found == term.negated {
            return Ok(false);
        }
    }
    Ok(true)
}

impl RowSubject<'_, '_> {
    fn dim(&self, dim: Dim) -> Option<Cow<'_, str>> {
        match dim {
            Dim::User => self.call.id(Id::User),
            Dim::Session => self.call.id(Id::Session),
            Dim::Source => self.call.source(self.context).ok().flatten().map(Cow::Owned),
            Dim::Hour => Some(Cow::Owned(units::hour(self.call.key.ts_us))),
            Dim::Day => Some(Cow::Owned(units::day(self.call.key.ts_us))),
            _ => self.series_dim(dim).map(Cow::Borrowed),
        }
    }

    fn series_dim(&self, dim: Dim) -> Option<&str> {
        self.context.series.dim(Who::Series(self.call.series), dim)
    }

    fn tags(&self) -> Vec<String> {
        let tags = self.call.attrs(self.context).ok().and_then(|a| a.tags);
        tags.and_then(|t| serde_json::from_str(&t).ok()).unwrap_or_default()
    }

    fn in_attrs(&self, test: &dyn Fn(&str) -> bool) -> bool {
        let Ok(attrs) = self.call.attrs(self.context) else { return false };
        [attrs.tags, attrs.error_type, attrs.finish_reason].iter().flatten().any(|t| test(t))
    }

    /// Whether what a failed call said matches, or its template; with others nothing is said.
    fn said(&self, patterns: &[Pattern]) -> ReadResult<bool> {
        let who = Who::Series(self.call.series);
        let key = self.call.key;
        let said = match self.context.series.key(who).is_some_and(|series| series.outcome.is_error()) {
            true => self.context.error_said(key.ts_us, key.id)?,
            false => None,
        };
        let Some(texts) = said else { return Ok(any_matches(patterns, None)) };
        let known: Vec<&str> = texts.iter().map(String::as_str).filter(|text| !text.is_empty()).collect();
        Ok(match known.as_slice() {
            [] => any_matches(patterns, None),
            texts => texts.iter().any(|text| any_matches(patterns, Some(text))),
        })
    }

    /// Whether what is kept apart from the row contains something: prompt, response, error message.
    fn stored_text_has(&self, needle: &Needle) -> ReadResult<bool> {
        if let Some(text) = self.call.text()?
            && self.context.text_has(text, needle)?
        {
            return Ok(true);
        }
        let key = self.call.key;
        Ok(self.context.error_message(key.ts_us, key.id)?.is_some_and(|message| needle.is_in(&message)))
    }
}

impl Subject for RowSubject<'_, '_> {
    fn any_value(&self, field: Field, test: &dyn Fn(Option<&str>) -> bool) -> bool {
        match field {
            Field::Dim(dim) => test(self.dim(dim).as_deref()),
            Field::Trace => test(self.call.id(Id::Trace).as_deref()),
            Field::Request => test(self.call.id(Id::Request).as_deref()),
            Field::Message => false,
            Field::Tag => match self.tags() {
                tags if tags.is_empty() => test(None),
                tags => tags.iter().any(|t| test(Some(t))),
            },
        }
    }

    fn number(&self, which: Number) -> Option<i64> {
        let at = |which| self.call.measure(which);
        match which {
            Number::Latency => at(Measure::Latency),
            Number::Ttft => at(Measure::Ttft),
            Number::Cost => at(Measure::Cost),
            Number::Tokens => match (at(Measure::InputTokens), at(Measure::OutputTokens)) {
                (None, None) => None,
                (input, output) => Some(input.unwrap_or(0).saturating_add(output.unwrap_or(0))),
            },
        }
    }

    /// Texts of the row itself; those kept apart are asked for by what is looked for in them.
    fn any_text(&self, test: &dyn Fn(&str) -> bool) -> bool {
        let ids = [Id::Request, Id::Trace, Id::User, Id::Session];
        let in_ids = ids.into_iter().any(|id| self.call.id(id).is_some_and(|t| test(&t)));
        let in_dims = || SeriesKey::DIMS.iter().any(|dim| self.series_dim(*dim).is_some_and(test));
        in_ids || in_dims() || self.in_attrs(test)
    }
}

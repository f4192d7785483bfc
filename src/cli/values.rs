//! Values on the command line: text to types, with messages that say what would be right.

use crate::nearest::did_you_mean;
use crate::units;
use crate::view::{Anchor, Dim, Filter, Grouping, Window};
use clap::builder::PossibleValuesParser;

/// What to group by: one dimension, or several together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct By(pub Vec<Dim>);

impl By {
    /// As a grouping of at most `top` groups.
    pub fn grouping(&self, top: Option<usize>) -> Grouping {
        Grouping::of(&self.0, top)
    }
}

/// How many times as fast as usual; 0 is as fast as it goes. Never negative, never infinite.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Speed(pub f64);

/// A window that ends now for a live log, and with the newest call for an old one.
pub(super) fn window(text: &str) -> Result<Window, String> {
    Window::parse(text, Anchor::Auto).map_err(|e| e.to_string())
}

pub(super) fn filter(text: &str) -> Result<Filter, String> {
    Filter::parse(text).map_err(|e| format!("column {}: {}", e.column, e.why))
}

/// A length of time above zero, µs.
pub(super) fn length(text: &str) -> Result<i64, String> {
    units::parse_duration_us(text)
        .filter(|us| *us > 0)
        .ok_or_else(|| "write a length such as 90s, 12h or 30d".to_owned())
}

pub(super) fn speed(text: &str) -> Result<Speed, String> {
    factor(text).ok_or_else(|| "write a factor such as 60x or 0.5x, or 0 for as fast as it goes".to_owned())
}

pub(super) fn rate(text: &str) -> Result<Speed, String> {
    factor(text)
        .filter(|Speed(times)| (0.001..=1_000.0).contains(times))
        .ok_or_else(|| "write a factor from 0.001x to 1000x, such as 5x".to_owned())
}

fn factor(text: &str) -> Option<Speed> {
    let number: f64 = text.strip_suffix(['x', '×']).unwrap_or(text).trim().parse().ok()?;
    (number.is_finite() && number >= 0.0).then_some(Speed(number))
}

pub(super) fn by(text: &str) -> Result<By, String> {
    let mut dims: Vec<Dim> = Vec::new();
    for word in text.split(',').map(str::trim) {
        let dim = dim(word)?;
        if dims.contains(&dim) {
            return Err(format!("{} is named twice", dim.word()));
        }
        dims.push(dim);
    }
    Ok(By(dims))
}

fn dim(word: &str) -> Result<Dim, String> {
    let lower = word.to_ascii_lowercase();
    let known = if lower == "env" { "environment" } else { lower.as_str() };
    Dim::from_word(known).ok_or_else(|| {
        let words = Dim::ALL.map(Dim::word);
        format!("no dimension {word:?}{}; there are {}", did_you_mean(word, words), words.join(", "))
    })
}

/// A percentage that is not negative, as a share.
pub(super) fn percent(text: &str) -> Result<f64, String> {
    units::parse_share(text).filter(|share| *share >= 0.0).ok_or_else(|| "write a percentage such as 10%".to_owned())
}

pub(super) fn check_format() -> PossibleValuesParser {
    PossibleValuesParser::new(crate::check::ALL.iter().map(|form| form.name()))
}

pub(super) fn report_format() -> PossibleValuesParser {
    PossibleValuesParser::new(crate::report::ALL.iter().map(|report| report.name()))
}

//! What changed from the window before to this one, and what explains it: plain data, and the words for it, which all faces
//! share.

pub use crate::stats::changes::{Cause, Change, Figure, Standing};
use crate::units::{self, UNKNOWN};
use crate::view::Dim;

/// What changed, or why nobody can say.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum Changes {
    /// It was not asked for, or not answered yet.
    #[default]
    NotAsked,
    /// There is no window before to compare with: the window is all of the time, or begins where the store does.
    NoBefore,
    /// Too few calls in this window, or in the one before, to tell anything by.
    TooFew {
        /// In the window before.
        before: u64,
        /// In this one.
        now: u64,
    },
    /// These figures changed by more than chance would; none is worth telling where it is empty.
    Told {
        /// What changed.
        list: Vec<Change>,
        /// Whether calls of the window before are there from its beginning: of others, sums are not compared.
        is_whole: bool,
    },
}

/// One line of what changed.
#[derive(Debug, Clone, PartialEq)]
pub struct Told<'a> {
    /// The change it is of.
    pub change: &'a Change,
    /// What explains it; `None` where nothing does alone.
    pub cause: Option<&'a Cause>,
    /// Whether it is the first line of its change.
    pub is_first: bool,
}

impl Changes {
    /// The changes that are told.
    pub fn list(&self) -> &[Change] {
        match self {
            Changes::Told { list, .. } => list,
            _ => &[],
        }
    }

    /// One line for each cause, and one for each change without any, of these figures.
    pub fn lines(&self, figures: &[Figure]) -> Vec<Told<'_>> {
        let mut lines = Vec::new();
        for change in self.list().iter().filter(|change| figures.contains(&change.figure)) {
            let causes = change.causes.iter().map(Some).chain(change.causes.is_empty().then_some(None));
            lines.extend(causes.enumerate().map(|(i, cause)| Told { change, cause, is_first: i == 0 }));
        }
        lines
    }

    /// What to say where there are no lines of these figures; `None` where there are, or where nothing was asked.
    pub fn silence(&self, figures: &[Figure]) -> Option<String> {
        match self {
            Changes::NotAsked => None,
            Changes::NoBefore => Some("no window before this one to compare with".to_owned()),
            Changes::TooFew { before, now } => Some(format!(
                "too few calls to tell what changed: {} before, {} now",
                units::count(*before),
                units::count(*now)
            )),
            Changes::Told { .. } if !self.lines(figures).is_empty() => None,
            Changes::Told { .. } if figures.len() == 1 => {
                Some(format!("no change of the {} that is worth telling", figures[0].name()))
            }
            Changes::Told { .. } => Some("nothing changed that is worth telling".to_owned()),
        }
    }
}

impl Figure {
    /// What people call it.
    pub const fn name(self) -> &'static str {
        match self {
            Figure::ErrorRate => "error rate",
            Figure::P95 => "latency p95",
            Figure::Mean => "mean latency",
            Figure::Cost => "cost",
        }
    }

    /// The figure as it is written.
    pub fn text(self, value: f64) -> String {
        match self {
            Figure::ErrorRate => units::percent(value),
            Figure::P95 | Figure::Mean => units::duration_us(value),
            Figure::Cost => format!("{}/h", units::usd(value as i64)),
        }
    }

    /// The figure of some of the calls, as it is written.
    fn part(self, value: Option<f64>) -> String {
        match (self, value) {
            (_, None) => UNKNOWN.to_owned(),
            (Figure::Cost, Some(value)) => units::usd(value as i64),
            (_, Some(value)) => self.text(value),
        }
    }
}

impl Told<'_> {
    /// `error rate 1.80 % → 4.10 %`; of what is no first line, nothing.
    pub fn head(&self) -> String {
        let Change { figure, before, now, .. } = self.change;
        if !self.is_first {
            return String::new();
        }
        format!("{} {} → {}", figure.name(), figure.text(*before), figure.text(*now))
    }

    /// `gpt-4.1 explains 82.0 % of it`.
    pub fn reason(&self) -> String {
        match self.cause {
            // Others changed the other way.
            Some(cause) if cause.explains >= 1.05 => {
                format!("{} explains more than all of it ({})", cause.name(), percent(cause.explains))
            }
            Some(cause) if self.is_first => format!("{} explains {} of it", cause.name(), percent(cause.explains)),
            Some(cause) => format!("{} explains {}", cause.name(), percent(cause.explains)),
            None if self.is_of_number() => "the number of calls explains it".to_owned(),
            None => "no one value explains it: it is spread over all calls".to_owned(),
        }
    }

    /// `4.20 % → 11.0 %; share of calls unchanged`.
    pub fn detail(&self) -> String {
        let figure = self.change.figure;
        let Some(Cause { before, now, .. }) = self.cause else {
            return if figure == Figure::Cost { numbers(self.change.calls) } else { String::new() };
        };
        let value = match (before.value, now.value) {
            (_, Some(value)) if before.calls == 0 => format!("new, {}", figure.part(Some(value))),
            (Some(_), _) if now.calls == 0 => "gone".to_owned(),
            (Some(a), Some(b)) if is_same(a, b) => format!("unchanged at {}", figure.part(Some(b))),
            (None, None) => String::new(),
            (a, b) => format!("{} → {}", figure.part(a), figure.part(b)),
        };
        let value = match figure {
            Figure::Cost if !value.is_empty() => format!("{value} a call"),
            Figure::P95 if before.value.is_some() && now.value.is_some() => format!("p95 {value}"),
            _ => value,
        };
        let calls = match figure {
            Figure::Cost => numbers([before.calls, now.calls]),
            _ if is_same(before.share, now.share) => "share of calls unchanged".to_owned(),
            _ => format!("share of calls {} → {}", units::percent(before.share), units::percent(now.share)),
        };
        if value.is_empty() { calls } else { format!("{value}; {calls}") }
    }

    /// All of it in one line.
    pub fn text(&self) -> String {
        let (head, detail) = (self.head(), self.detail());
        let head = if head.is_empty() { "and ".to_owned() } else { format!("{head}: ") };
        let detail = if detail.is_empty() { detail } else { format!(" ({detail})") };
        format!("{head}{}{detail}", self.reason())
    }

    fn is_of_number(&self) -> bool {
        self.change.by_calls.is_some_and(|share| share >= 0.5)
    }
}

impl Cause {
    /// The calls it is of: `gpt-4.1 with timeout`, `app search`, `calls without a model`.
    pub fn name(&self) -> String {
        let of = |(dim, value): &(Dim, Option<String>)| match (dim, value.as_deref().filter(|v| !v.is_empty())) {
            (dim, None) => format!("calls without {} {}", article(dim.word()), dim.word()),
            (Dim::Model | Dim::Error, Some(value)) => units::clean(value).into_owned(),
            (dim, Some(value)) => format!("{} {}", dim.word(), units::clean(value)),
        };
        self.pairs.iter().map(of).collect::<Vec<_>>().join(" with ")
    }
}

fn article(word: &str) -> &'static str {
    if word.starts_with(['a', 'e', 'i', 'o']) { "an" } else { "a" }
}

/// A share of a change in whole percents; beyond any that says something, so much.
fn percent(share: f64) -> String {
    if share < 100.0 { format!("{:.0} %", share * 100.0) } else { "over 9,999 %".to_owned() }
}

/// Whether two figures are as good as the same.
fn is_same(a: f64, b: f64) -> bool {
    (a - b).abs() <= 0.05 * a.abs().max(b.abs())
}

fn numbers([before, now]: [u64; 2]) -> String {
    if is_same(before as f64, now as f64) {
        return "number of calls unchanged".to_owned();
    }
    format!("{} → {} calls", units::count(before), units::count(now))
}

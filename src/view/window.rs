//! Windows of time: how long, and where they end. Half-open, `[since, until)`, in µs since the Unix epoch.

use chrono::{DateTime, NaiveDate, NaiveDateTime, TimeZone, Utc};

/// How long a window is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Span {
    /// A length in µs.
    Micros(i64),
    /// Everything there is.
    All,
}

/// Where a window ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Anchor {
    /// At the present moment.
    Now,
    /// At the present moment if calls come in, else just after the newest call: right for a live log and for an old one.
    Auto,
    /// At this time, exclusive.
    At(i64),
}

/// A window as asked for; [`Window::resolve`] makes it times.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Window {
    /// How long it is.
    pub span: Span,
    /// Where it ends.
    pub anchor: Anchor,
}

/// A half-open range of time, µs since the Unix epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Range {
    /// First instant inside.
    pub since_us: i64,
    /// First instant after.
    pub until_us: i64,
}

impl Range {
    /// Its length, µs; never negative.
    pub fn len_us(self) -> i64 {
        self.until_us.saturating_sub(self.since_us).max(0)
    }

    /// Whether nothing can be inside.
    pub fn is_empty(self) -> bool {
        self.len_us() == 0
    }

    /// Whether an instant is inside.
    pub fn contains(self, ts_us: i64) -> bool {
        self.since_us <= ts_us && ts_us < self.until_us
    }

    /// The range of the same length just before.
    pub fn previous(self) -> Range {
        Range { since_us: self.since_us.saturating_sub(self.len_us()), until_us: self.since_us }
    }
}

/// Why a window could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("window {text:?}: {why}; try 15m, 24h, 7d, all, or 2026-05-01T14:00..2026-05-01T15:00")]
pub struct WindowError {
    /// What was given.
    pub text: String,
    /// What is wrong with it.
    pub why: &'static str,
}

const SECOND: i64 = 1_000_000;

impl Window {
    /// Everything there is.
    pub const fn all() -> Window {
        Window { span: Span::All, anchor: Anchor::Auto }
    }

    /// The last so many µs.
    pub const fn last(us: i64, anchor: Anchor) -> Window {
        Window { span: Span::Micros(us), anchor }
    }

    /// The usual steps, shortest first, that `+` and `-` walk through; `None` is all.
    pub const STEPS: [(&'static str, Option<i64>); 9] = [
        ("1m", Some(60 * SECOND)),
        ("5m", Some(300 * SECOND)),
        ("15m", Some(900 * SECOND)),
        ("1h", Some(3_600 * SECOND)),
        ("6h", Some(6 * 3_600 * SECOND)),
        ("24h", Some(86_400 * SECOND)),
        ("7d", Some(7 * 86_400 * SECOND)),
        ("30d", Some(30 * 86_400 * SECOND)),
        ("all", None),
    ];

    /// Reads `15m`, `all`, a start such as `2026-05-01` (until now), or `FROM..TO`. Times without a zone are UTC.
    pub fn parse(text: &str, anchor: Anchor) -> Result<Window, WindowError> {
        let fail = |why| WindowError { text: text.to_owned(), why };
        let trimmed = text.trim();
        if trimmed == "all" {
            return Ok(Window { span: Span::All, anchor });
        }
        if let Some((from, to)) = trimmed.split_once("..") {
            let since = parse_time(from).ok_or_else(|| fail("the start is no time"))?;
            let until = parse_time(to).ok_or_else(|| fail("the end is no time"))?;
            if until <= since {
                return Err(fail("the end is not after the start"));
            }
            return Ok(Window { span: Span::Micros(until - since), anchor: Anchor::At(until) });
        }
        let us = crate::units::parse_duration_us(trimmed).ok_or_else(|| fail("neither a length nor a range"))?;
        if us <= 0 {
            return Err(fail("a window has to be longer than nothing"));
        }
        Ok(Window { span: Span::Micros(us), anchor })
    }

    /// The times of this window. `bounds` are the first and last call's times in the store, `now_us` the present.
    /// `All` spans from the first to just after the last call; without calls it is the empty range at `now`.
    pub fn resolve(self, bounds: Option<(i64, i64)>, now_us: i64) -> Range {
        let until_us = match (self.anchor, bounds) {
            (Anchor::At(at), _) => at,
            (Anchor::Auto, Some((_, last))) => auto_end(self.span, last, now_us),
            (Anchor::Now | Anchor::Auto, _) => now_us,
        };
        match (self.span, bounds) {
            (Span::Micros(us), _) => Range { since_us: until_us.saturating_sub(us), until_us },
            (Span::All, None) => Range { since_us: now_us, until_us: now_us },
            (Span::All, Some((first, last))) => {
                let until_us = if let Anchor::At(at) = self.anchor { at } else { last.saturating_add(1) };
                Range { since_us: first.min(until_us), until_us }
            }
        }
    }
}

/// The newest call decides where an old log ends; a live one ends now, however quiet the last moments were.
fn auto_end(span: Span, last_us: i64, now_us: i64) -> i64 {
    let quiet = match span {
        Span::Micros(us) => us,
        Span::All => i64::MAX,
    };
    if last_us >= now_us.saturating_sub(quiet) { now_us } else { last_us.saturating_add(1) }
}

/// Reads a time: RFC 3339, `YYYY-MM-DD[ T]HH:MM[:SS]`, or a date; without a zone it is UTC. µs since the epoch.
pub fn parse_time(text: &str) -> Option<i64> {
    let text = text.trim();
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Some(time.timestamp_micros());
    }
    for form in ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"] {
        if let Ok(time) = NaiveDateTime::parse_from_str(text, form) {
            return Some(Utc.from_utc_datetime(&time).timestamp_micros());
        }
    }
    let day = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?;
    Some(Utc.from_utc_datetime(&day.and_hms_opt(0, 0, 0)?).timestamp_micros())
}

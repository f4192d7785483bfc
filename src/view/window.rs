//! Windows of time: how long, and where they end. Half-open, `[since, until)`, in µs since the Unix epoch.

use crate::units;
use chrono::{DateTime, NaiveDate, NaiveDateTime, TimeZone, Utc};
use std::cmp::Ordering;
use std::fmt;

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
#[error("window {text:?}: {why}; try 15m, 24h, 7d, all, 2026-05-01, or 2026-05-01T14:00..2026-05-01T15:00")]
pub struct WindowError {
    /// What was given.
    pub text: String,
    /// What is wrong with it.
    pub why: &'static str,
}

const SECOND: i64 = 1_000_000;

/// No window is longer, but the one of everything: all the time that events can be of, 1970 up to 2199, and some.
const LONGEST: i64 = 250 * 366 * 86_400 * SECOND;

/// What to say of one that is.
const TOO_LONG: &str = "longer than 250 years; write all for everything";

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

    /// Reads `15m`, `all`, a day such as `2026-05-01`, or `FROM..TO`. Times without a zone are UTC.
    ///
    /// # Errors
    /// Says what is wrong with the text and gives examples.
    pub fn parse(text: &str, anchor: Anchor) -> Result<Window, WindowError> {
        let fail = |why| WindowError { text: text.to_owned(), why };
        let trimmed = text.trim();
        if trimmed.eq_ignore_ascii_case("all") {
            return Ok(Window { span: Span::All, anchor });
        }
        if let Some((from, to)) = trimmed.split_once("..") {
            let since = parse_time(from).ok_or_else(|| fail("the start is no time"))?;
            let until = parse_time(to).ok_or_else(|| fail("the end is no time"))?;
            let window = Window::between(since, until).ok_or_else(|| fail(no_window(since, until)))?;
            return window.bounded().ok_or_else(|| fail(TOO_LONG));
        }
        if let Some(midnight) = parse_day(trimmed) {
            return Window::between(midnight, midnight.saturating_add(86_400 * SECOND))
                .ok_or_else(|| fail("the day is out of range"));
        }
        let us = units::parse_duration_us(trimmed).ok_or_else(|| fail("neither a length nor a range"))?;
        if us <= 0 {
            return Err(fail("a window has to be longer than nothing"));
        }
        Window { span: Span::Micros(us), anchor }.bounded().ok_or_else(|| fail(TOO_LONG))
    }

    /// This window, unless it is longer than any may be.
    fn bounded(self) -> Option<Window> {
        (!matches!(self.span, Span::Micros(us) if us > LONGEST)).then_some(self)
    }

    /// The window from one time up to another, µs; `None` where nothing is between.
    pub fn between(since_us: i64, until_us: i64) -> Option<Window> {
        let us = until_us.checked_sub(since_us).filter(|us| *us > 0)?;
        Some(Window { span: Span::Micros(us), anchor: Anchor::At(until_us) })
    }

    /// Reads a start and an end as they are given apart, `--since 24h --until 2026-05-01`. Either is a time, or a length
    /// before the present `now_us`; the start may be `all`, and is if it is missing; the end is the present if it is missing
    /// or `now`. The start alone may be `FROM..TO` too.
    ///
    /// # Errors
    /// Says which of the two does not read, or that they are the wrong way round.
    pub fn since_until(since: Option<&str>, until: Option<&str>, now_us: i64) -> Result<Window, WindowError> {
        let until_us = match until.map(str::trim) {
            None | Some("now") => None,
            Some(text) => Some(parse_moment(text, now_us)?),
        };
        let since = since.map_or("all", str::trim);
        if since.eq_ignore_ascii_case("all") {
            return Ok(Window { span: Span::All, anchor: until_us.map_or(Anchor::Auto, Anchor::At) });
        }
        if until.is_none() && since.contains("..") {
            return Window::parse(since, Anchor::Auto);
        }
        let fail = |why| WindowError { text: format!("{since}..{}", until.unwrap_or("now")), why };
        let window = match (units::parse_duration_us(since), until_us) {
            (Some(us), None) if us > 0 => Window { span: Span::Micros(us), anchor: Anchor::Now },
            (_, until_us) => {
                let (since_us, until_us) = (parse_moment(since, now_us)?, until_us.unwrap_or(now_us));
                Window::between(since_us, until_us).ok_or_else(|| fail(no_window(since_us, until_us)))?
            }
        };
        window.bounded().ok_or_else(|| fail(TOO_LONG))
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

impl fmt::Display for Window {
    /// As it is typed: `1h`, `all`, or from and to. Reads back as the same window, but for where `all` ends.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.span, self.anchor) {
            (Span::All, _) => f.write_str("all"),
            (Span::Micros(us), Anchor::At(until_us)) => {
                write!(f, "{}..{}", units::rfc3339(until_us.saturating_sub(us)), units::rfc3339(until_us))
            }
            // A day and more is commonest in hours up to one day, as in the steps.
            (Span::Micros(86_400_000_000), _) => f.write_str("24h"),
            (Span::Micros(us), _) => f.write_str(&units::exact_duration(us)),
        }
    }
}

/// Why nothing is between two times.
fn no_window(since_us: i64, until_us: i64) -> &'static str {
    match until_us.cmp(&since_us) {
        Ordering::Less => "the end is before the beginning",
        Ordering::Equal => "it ends where it begins",
        Ordering::Greater => TOO_LONG,
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
    parse_day(text)
}

/// The start of a day in UTC, µs.
fn parse_day(text: &str) -> Option<i64> {
    let day = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?;
    Some(Utc.from_utc_datetime(&day.and_hms_opt(0, 0, 0)?).timestamp_micros())
}

/// A time, or so long before the present.
fn parse_moment(text: &str, now_us: i64) -> Result<i64, WindowError> {
    let fail = |why| WindowError { text: text.to_owned(), why };
    match units::parse_duration_us(text) {
        Some(us) if us >= 0 => now_us.checked_sub(us).ok_or_else(|| fail("that is before all time")),
        Some(_) => Err(fail("a length may not be negative")),
        None => parse_time(text).ok_or_else(|| fail("neither a length nor a time")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const HOUR: i64 = 3_600 * SECOND;
    const MAY_1: i64 = 1_777_593_600 * SECOND;

    fn parse(text: &str) -> Window {
        Window::parse(text, Anchor::Auto).unwrap_or_else(|e| panic!("{e}"))
    }

    #[test]
    fn lengths_days_and_ranges_read() {
        for (text, us) in Window::STEPS {
            assert_eq!(parse(text), Window { span: us.map_or(Span::All, Span::Micros), anchor: Anchor::Auto });
            assert_eq!(parse(text).to_string(), text);
        }
        assert_eq!(parse(" ALL "), Window::all());
        assert_eq!(parse("90s").span, Span::Micros(90 * SECOND));
        assert_eq!(parse("2026-05-01"), parse("2026-05-01..2026-05-02"));
        let want = Window { span: Span::Micros(HOUR), anchor: Anchor::At(MAY_1 + 15 * HOUR) };
        for text in [
            "2026-05-01T14:00..2026-05-01T15:00",
            "2026-05-01 14:00 .. 2026-05-01 15:00:00",
            "2026-05-01T14:00:00Z..2026-05-01T17:00:00+02:00",
            "2026-05-01T14:00:00.000..2026-05-01T15:00:00.000Z",
        ] {
            assert_eq!(parse(text), want, "{text}");
        }
        assert_eq!(want.to_string(), "2026-05-01T14:00:00.000Z..2026-05-01T15:00:00.000Z");
        assert_eq!(parse(&want.to_string()), want);
    }

    #[test]
    fn faults_are_told() {
        for (text, why) in [
            ("", "neither a length nor a range"),
            ("24", "neither a length nor a range"),
            ("yesterday", "neither a length nor a range"),
            ("2026-02-30", "neither a length nor a range"),
            ("0s", "longer than nothing"),
            ("-1h", "longer than nothing"),
            ("..", "the start is no time"),
            ("2026-05-01..", "the end is no time"),
            ("2026-05-02..2026-05-01", "the end is before the beginning"),
            ("2026-05-01..2026-05-01", "it ends where it begins"),
            ("-262000-01-01..+262000-01-01", "longer than 250 years"),
            ("0001-01-01..2026-05-01", "longer than 250 years"),
            ("15000000w", "longer than 250 years"),
            ("9223372036854s", "longer than 250 years"),
        ] {
            let error = Window::parse(text, Anchor::Now).map(|w| panic!("{text}: {w:?}")).map_err(|e| e.to_string());
            assert!(error.as_ref().is_err_and(|e| e.contains(why)), "{text}: {error:?}");
        }
    }

    #[test]
    fn start_and_end_apart() {
        let now = MAY_1 + 12 * HOUR;
        let read = |since, until| Window::since_until(since, until, now);
        assert_eq!(read(None, None), Ok(Window::all()));
        assert_eq!(read(Some("all"), Some("1h")), Ok(Window { span: Span::All, anchor: Anchor::At(now - HOUR) }));
        assert_eq!(read(Some("24h"), None), Ok(Window::last(24 * HOUR, Anchor::Now)));
        assert!(read(Some("2026-05-01..2026-05-02"), Some("now")).is_err(), "a range has its end already");
        assert_eq!(read(Some("24h"), Some("now")), Ok(Window::last(24 * HOUR, Anchor::Now)));
        assert_eq!(read(Some("2h"), Some("1h")), Ok(Window::last(HOUR, Anchor::At(now - HOUR))));
        assert_eq!(read(Some("2026-05-01"), None), Ok(Window::last(12 * HOUR, Anchor::At(now))));
        assert_eq!(
            read(Some("2026-05-01"), Some("2026-05-01T01:00")),
            Ok(Window::last(HOUR, Anchor::At(MAY_1 + HOUR)))
        );
        for (since, until) in [
            ("1h", "2h"),
            ("0s", "now"),
            ("-1h", "now"),
            ("2027-01-01", "now"),
            ("x", "now"),
            ("1h", "x"),
            ("20000w", "now"),
        ] {
            assert!(read(Some(since), Some(until)).is_err(), "{since} {until}");
        }
    }

    #[test]
    fn an_old_log_ends_with_its_newest_call_and_a_live_one_now() {
        let hour = Window::last(HOUR, Anchor::Auto);
        let (first, now) = (MAY_1, MAY_1 + 100 * HOUR);
        let old = Some((first, first + 2 * HOUR));
        assert_eq!(hour.resolve(old, now), Range { since_us: first + HOUR + 1, until_us: first + 2 * HOUR + 1 });
        assert_eq!(hour.resolve(Some((first, now - SECOND)), now), Range { since_us: now - HOUR, until_us: now });
        assert_eq!(hour.resolve(None, now), Range { since_us: now - HOUR, until_us: now });
        let all = Window::all().resolve(old, now);
        assert_eq!(all, Range { since_us: first, until_us: first + 2 * HOUR + 1 });
        assert!(all.contains(first) && all.contains(first + 2 * HOUR));
        assert!(Window::all().resolve(None, now).is_empty());
        assert_eq!(all.previous().until_us, all.since_us);
        assert_eq!(all.previous().len_us(), all.len_us());
    }

    proptest! {
        #[test]
        fn nothing_panics(text in any::<String>(), near in "[-0-9:.TZ +smhd]{0,40}", since: i64, until: i64, now: i64) {
            for text in [&text, &near] {
                let _ = Window::parse(text, Anchor::Auto);
                let _ = Window::since_until(Some(text), Some(&near), now);
            }
            for window in Window::between(since, until).into_iter().chain([Window::all(), Window::last(since, Anchor::Auto)]) {
                let range = window.resolve(Some((since.min(until), since.max(until))), now);
                prop_assert!(range.len_us() >= 0 && range.previous().len_us() >= 0);
            }
        }
    }
}

//! Budgets: a limit of money for a period of a calendar, or for a length of time that ends now. Periods begin and end at
//! midnight of the budget's time zone, so that a day may have 23 or 25 hours.

use super::{Dim, Filter, Range};
use chrono::{DateTime, Datelike, Days, LocalResult, Months, NaiveDate, NaiveTime, TimeZone, Utc};
use chrono_tz::Tz;
use std::fmt;

/// Over which time a budget's limit holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Period {
    /// From midnight to midnight.
    Day,
    /// From Monday to Monday.
    Week,
    /// From the first to the first.
    Month,
    /// The time up to now, of this length in µs.
    Last(i64),
}

/// What may be spent, on what.
#[derive(Debug, Clone, PartialEq)]
pub struct Budget {
    /// Its name, unique among the budgets.
    pub name: String,
    /// What may be spent in a period, nano-dollars; above 0.
    pub limit_nusd: i64,
    /// Over which time.
    pub period: Period,
    /// Whose midnight.
    pub zone: Tz,
    /// Which calls count.
    pub filter: Filter,
    /// Each value of this dimension has the limit for itself.
    pub per: Option<Dim>,
    /// Shares of the limit at which to warn, in thousandths, rising.
    pub warn_at: Vec<u32>,
}

impl Period {
    /// Reads `day`, `week`, `month`, or a length such as `30d` or `1h`.
    pub fn parse(text: &str) -> Option<Period> {
        match text {
            "day" => Some(Period::Day),
            "week" => Some(Period::Week),
            "month" => Some(Period::Month),
            _ => crate::units::parse_duration_us(text).filter(|us| *us > 0).map(Period::Last),
        }
    }

    /// The period that a moment is in; of a length of time, the one that ends at it.
    pub fn at(self, now_us: i64, zone: Tz) -> Range {
        let Some(now) = DateTime::<Utc>::from_timestamp_micros(now_us) else { return Range::default() };
        let today = now.with_timezone(&zone).date_naive();
        let (first, after) = match self {
            Period::Day => (Some(today), today.checked_add_days(Days::new(1))),
            Period::Week => {
                let monday = today.checked_sub_days(Days::new(u64::from(today.weekday().num_days_from_monday())));
                (monday, monday.and_then(|day| day.checked_add_days(Days::new(7))))
            }
            Period::Month => {
                let first = today.with_day(1);
                (first, first.and_then(|day| day.checked_add_months(Months::new(1))))
            }
            Period::Last(us) => return Range { since_us: now_us.saturating_sub(us), until_us: now_us },
        };
        match (first, after) {
            (Some(first), Some(after)) => Range { since_us: midnight(first, zone), until_us: midnight(after, zone) },
            _ => Range::default(),
        }
    }

    /// The period before the one that begins at `since_us`.
    pub fn before(self, since_us: i64, zone: Tz) -> Range {
        match self {
            Period::Last(us) => Range { since_us: since_us.saturating_sub(us), until_us: since_us },
            _ => self.at(since_us.saturating_sub(1), zone),
        }
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Period::Day => f.write_str("day"),
            Period::Week => f.write_str("week"),
            Period::Month => f.write_str("month"),
            Period::Last(us) => f.write_str(&crate::units::exact_duration(*us)),
        }
    }
}

/// The first moment of a day, µs. Where the clocks go forward at midnight it begins an hour later; where they go back it
/// begins with the first of both midnights.
fn midnight(day: NaiveDate, zone: Tz) -> i64 {
    let naive = day.and_time(NaiveTime::MIN);
    match zone.from_local_datetime(&naive) {
        LocalResult::Single(moment) | LocalResult::Ambiguous(moment, _) => moment.timestamp_micros(),
        LocalResult::None => gap_end(naive, zone),
    }
}

/// The moment at which a clock that has jumped over a time goes on. Gaps begin and end at quarters of an hour.
fn gap_end(naive: chrono::NaiveDateTime, zone: Tz) -> i64 {
    let step = chrono::TimeDelta::minutes(15);
    let mut at = naive;
    for _ in 0..200 {
        at += step;
        if let LocalResult::Single(moment) | LocalResult::Ambiguous(moment, _) = zone.from_local_datetime(&at) {
            return moment.timestamp_micros();
        }
    }
    naive.and_utc().timestamp_micros()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3_600_000_000;

    fn us(text: &str) -> i64 {
        DateTime::parse_from_rfc3339(text).expect("a time").timestamp_micros()
    }

    fn period(period: Period, at: &str, zone: Tz) -> (String, String, i64) {
        let range = period.at(us(at), zone);
        let text = |us| DateTime::<Utc>::from_timestamp_micros(us).expect("a time").format("%dT%H:%M").to_string();
        (text(range.since_us), text(range.until_us), range.len_us() / HOUR)
    }

    #[test]
    fn days_follow_the_zone_and_its_summer_time() {
        let berlin = Tz::Europe__Berlin;
        let day = |at| period(Period::Day, at, berlin);
        assert_eq!(day("2026-03-28T12:00:00Z"), ("27T23:00".into(), "28T23:00".into(), 24));
        assert_eq!(day("2026-03-29T12:00:00Z"), ("28T23:00".into(), "29T22:00".into(), 23));
        assert_eq!(day("2026-10-25T12:00:00Z"), ("24T22:00".into(), "25T23:00".into(), 25));
        // The last moment of a day and the first of the next.
        assert_eq!(day("2026-05-01T21:59:59Z").1, "01T22:00");
        assert_eq!(day("2026-05-01T22:00:00Z").0, "01T22:00");
        // Clocks that go forward at midnight: the day begins at one.
        let beirut = period(Period::Day, "2026-03-29T12:00:00Z", Tz::Asia__Beirut);
        assert_eq!(beirut, ("28T22:00".into(), "29T21:00".into(), 23));
        // Half hours, and a zone that skipped a whole day.
        assert_eq!(period(Period::Day, "2026-05-01T12:00:00Z", Tz::Asia__Kolkata).0, "30T18:30");
        assert_eq!(period(Period::Day, "2011-12-31T12:00:00Z", Tz::Pacific__Apia).2, 24);
    }

    #[test]
    fn weeks_begin_on_monday_and_months_on_the_first() {
        let utc = Tz::UTC;
        assert_eq!(period(Period::Week, "2026-05-03T23:00:00Z", utc), ("27T00:00".into(), "04T00:00".into(), 168));
        assert_eq!(period(Period::Week, "2026-05-04T00:00:00Z", utc).0, "04T00:00");
        assert_eq!(period(Period::Month, "2028-02-10T00:00:00Z", utc).2, 29 * 24);
        assert_eq!(period(Period::Month, "2026-03-10T00:00:00Z", Tz::Europe__Berlin).2, 31 * 24 - 1);
        let last = Period::Last(2 * HOUR).at(us("2026-05-01T12:30:00Z"), utc);
        assert_eq!((last.until_us, last.len_us()), (us("2026-05-01T12:30:00Z"), 2 * HOUR));
    }

    #[test]
    fn the_period_before_ends_where_this_one_begins() {
        let berlin = Tz::Europe__Berlin;
        for which in [Period::Day, Period::Week, Period::Month, Period::Last(HOUR)] {
            let now = which.at(us("2026-03-30T09:00:00Z"), berlin);
            let before = which.before(now.since_us, berlin);
            assert_eq!(before.until_us, now.since_us, "{which}");
            assert!(!before.is_empty(), "{which}");
        }
    }

    #[test]
    fn periods_read_as_they_are_written() {
        for text in ["day", "week", "month", "30d", "1h", "90m"] {
            assert_eq!(Period::parse(text).map(|p| p.to_string()).as_deref(), Some(text));
        }
        for text in ["", "year", "0d", "-1h", "30"] {
            assert_eq!(Period::parse(text), None, "{text}");
        }
    }
}

//! Times as logs write them: RFC 3339 and its relatives, and numbers since the Unix epoch in s, ms, µs or ns.
//! µs since the epoch; finer digits are cut off; a time without a zone is UTC; only 1970 up to 2199 is a time.

const DAY_US: i64 = 86_400_000_000;

/// 2200-01-01, the first moment that is no time of a call any more.
const END_US: i64 = 84_006 * DAY_US;

/// Reads a whole text as a time; `None` where it is none.
pub fn parse(text: &str) -> Option<i64> {
    let text = text.trim();
    match scan(text.as_bytes()) {
        Some((us, end)) if end == text.len() => Some(us),
        _ => epoch(text),
    }
}

/// Reads the time a text begins with, perhaps in brackets.
pub fn leading(text: &str) -> Option<i64> {
    let text = text.trim_start().trim_start_matches(['[', '(', '"']);
    scan(text.as_bytes()).map(|(us, _)| us)
}

/// Reads a number since the epoch, its unit by its size: below 10¹¹ it is seconds, then ms, µs, ns by three digits each.
pub fn epoch(text: &str) -> Option<i64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    if whole.is_empty() || !text.bytes().all(|b| b.is_ascii_digit() || b == b'.') || fraction.contains('.') {
        return text.contains(['e', 'E']).then(|| text.parse().ok()).flatten().and_then(epoch_float);
    }
    let whole: u64 = whole.parse().ok()?;
    let unit_ns = unit_ns(whole);
    let mut ns = u128::from(whole).checked_mul(u128::from(unit_ns))?;
    let mut place = unit_ns;
    for digit in fraction.bytes() {
        place /= 10;
        ns += u128::from(digit - b'0') * u128::from(place);
    }
    in_range(i64::try_from(ns / 1_000).ok()?)
}

fn epoch_float(value: f64) -> Option<i64> {
    let us = value * unit_ns(value as u64) as f64 / 1e3;
    (us >= 0.0 && us < END_US as f64).then_some(us as i64)
}

fn unit_ns(whole: u64) -> u64 {
    match whole {
        0..100_000_000_000 => 1_000_000_000,
        100_000_000_000..100_000_000_000_000 => 1_000_000,
        100_000_000_000_000..100_000_000_000_000_000 => 1_000,
        _ => 1,
    }
}

fn in_range(us: i64) -> Option<i64> {
    (0..END_US).contains(&us).then_some(us)
}

/// Reads `YYYY-MM-DD`, `T` or a space, `HH:MM:SS`, a fraction of any length after `.` or `,`, and a zone if there is one:
/// the time and how many bytes it took.
pub fn scan(bytes: &[u8]) -> Option<(i64, usize)> {
    let head: &[u8; 19] = bytes.get(..19)?.try_into().ok()?;
    let separated = head[4] == b'-' && head[7] == b'-' && head[13] == b':' && head[16] == b':';
    if !separated || !matches!(head[10], b'T' | b't' | b' ' | b'_') {
        return None;
    }
    let two = |i: usize| number2(head[i], head[i + 1]);
    let (year, month, day) = (two(0)? * 100 + two(2)?, two(5)?, two(8)?);
    let (hour, minute, second) = (two(11)?, two(14)?, two(17)?);
    if hour > 23 || minute > 59 || second > 60 || day == 0 || day > days_in(year, month)? {
        return None;
    }
    let seconds = (days(year, month, day) * 24 + hour) * 3_600 + minute * 60 + second;
    let (fraction_us, at) = fraction(bytes, 19);
    let (zone_s, end) = zone(bytes, at)?;
    let us = in_range((seconds - zone_s) * 1_000_000 + fraction_us)?;
    Some((us, end))
}

#[inline]
fn number2(a: u8, b: u8) -> Option<i64> {
    let (a, b) = (a.wrapping_sub(b'0'), b.wrapping_sub(b'0'));
    (a <= 9 && b <= 9).then(|| i64::from(a) * 10 + i64::from(b))
}

fn days_in(year: i64, month: i64) -> Option<i64> {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => Some(31),
        4 | 6 | 9 | 11 => Some(30),
        2 => Some(if leap { 29 } else { 28 }),
        _ => None,
    }
}

/// Days from 1970-01-01, with years that begin in March so that the leap day comes last.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let before_month = (153 * month + 2) / 5;
    year * 365 + year / 4 - year / 100 + year / 400 + before_month + day - 1 - 719_468
}

/// A fraction of a second at `at`: its µs, and where it ends. Without digits there is none.
fn fraction(bytes: &[u8], at: usize) -> (i64, usize) {
    if !matches!(bytes.get(at), Some(b'.' | b',')) {
        return (0, at);
    }
    let mut us = 0;
    let mut place = 100_000;
    let mut end = at + 1;
    while let Some(digit) = bytes.get(end).filter(|b| b.is_ascii_digit()) {
        us += i64::from(digit - b'0') * place;
        place /= 10;
        end += 1;
    }
    if end == at + 1 { (0, at) } else { (us, end) }
}

/// A zone at `at`: seconds east of Greenwich, and where it ends. None at all is UTC; a broken one is `None`.
fn zone(bytes: &[u8], at: usize) -> Option<(i64, usize)> {
    match bytes.get(at) {
        Some(b'Z' | b'z') => Some((0, at + 1)),
        Some(sign @ (b'+' | b'-')) => {
            let hours = number2(*bytes.get(at + 1)?, *bytes.get(at + 2)?)?;
            let colon = usize::from(bytes.get(at + 3) == Some(&b':'));
            let minutes = bytes.get(at + 3 + colon).zip(bytes.get(at + 4 + colon)).and_then(|(a, b)| number2(*a, *b));
            let end = if minutes.is_some() { at + 5 + colon } else { at + 3 };
            let seconds = hours * 3_600 + minutes.unwrap_or(0) * 60;
            (hours < 24 && minutes.unwrap_or(0) < 60).then_some((if *sign == b'-' { -seconds } else { seconds }, end))
        }
        Some(b' ') if bytes[at..].starts_with(b" UTC") => Some((0, at + 4)),
        Some(b' ')
            if matches!(bytes.get(at + 1), Some(b'+' | b'-')) && bytes.get(at + 2).is_some_and(u8::is_ascii_digit) =>
        {
            zone(bytes, at + 1)
        }
        _ => Some((0, at)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::DateTime;
    use proptest::prelude::*;

    #[test]
    fn forms_of_one_moment_agree() {
        let want = Some(1_700_172_946_680_590);
        let forms = [
            "2023-11-16T22:15:46.68059Z",
            "2023-11-16T22:15:46.6805900Z",
            "2023-11-16T22:15:46.680590999Z",
            "2023-11-16t22:15:46.680590z",
            "2023-11-16 22:15:46,680590",
            "2023-11-16 22:15:46.680590",
            "2023-11-16 22:15:46.680590 UTC",
            "2023-11-16T23:15:46.680590+01:00",
            "2023-11-16 17:45:46.680590 -0430",
            "2023-11-17T03:45:46.680590+0530",
            "1700172946.68059",
            "1700172946680.59",
            "1700172946680590",
            "1700172946680590123",
        ];
        for form in forms {
            assert_eq!(parse(form), want, "{form}");
        }
    }

    #[test]
    fn what_is_no_time_of_a_call_is_refused() {
        let bad = [
            "",
            "yesterday",
            "12:00:00",
            "2023-11-16",
            "2023-13-01T00:00:00Z",
            "2023-02-29T00:00:00Z",
            "1969-12-31T23:59:59Z",
            "2200-01-01T00:00:00Z",
            "2023-11-16T24:00:00Z",
            "2023-11-16T22:15:46.68Q",
            "-5",
            "99999999999",
            "1.2.3",
            "NaN",
            "2023-11-16T22:15:46+25:00",
            "1e400",
        ];
        for text in bad {
            assert_eq!(parse(text), None, "{text}");
        }
        assert_eq!(parse("2199-12-31T23:59:59.999999Z"), Some(END_US - 1));
        assert_eq!(parse("1.7e9"), Some(1_700_000_000_000_000));
    }

    #[test]
    fn a_line_may_begin_with_a_time() {
        let want = Some(1_704_110_400_123_000);
        assert_eq!(leading("2024-01-01 12:00:00,123 INFO name - {"), want);
        assert_eq!(leading("[2024-01-01T12:00:00.123Z] {"), want);
        assert_eq!(leading("INFO:root:{"), None);
    }

    proptest! {
        #[test]
        fn agrees_with_chrono(us in 0..END_US, offset in -12i32..=12) {
            let zone = chrono::FixedOffset::east_opt(offset * 3_600).unwrap();
            let text = DateTime::from_timestamp_micros(us).unwrap().with_timezone(&zone).to_rfc3339();
            prop_assert_eq!(parse(&text), Some(us), "{}", text);
        }
    }
}

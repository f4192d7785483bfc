//! Units, and all text made of numbers: durations, counts, money, rates, bytes, times. One form everywhere.
//! Three significant digits; unknown is `–`.

mod moment;

use chrono::{DateTime, Local, TimeZone, Utc};
use std::borrow::Cow;

/// What stands for an unknown figure.
pub const UNKNOWN: &str = "–";

/// Reads a length of time: `250ms`, `5s`, `1.5m`, `2h`, `7d`, `1w`, `80us`; µs, or `None` where it does not read.
pub fn parse_duration_us(text: &str) -> Option<i64> {
    let text = text.trim();
    let split = text.find(|c: char| c.is_alphabetic())?;
    let (number, unit) = text.split_at(split);
    let unit_us = match unit {
        "us" | "µs" | "μs" => 1,
        "ms" => 1_000,
        "s" => 1_000_000,
        "m" | "min" => 60_000_000,
        "h" => 3_600_000_000,
        "d" => 86_400_000_000,
        "w" => 7 * 86_400_000_000,
        _ => return None,
    };
    scaled(number.trim_end(), unit_us)
}

/// Reads dollars (`0.01`, `$5`) as nano-dollars.
pub fn parse_usd_nano(text: &str) -> Option<i64> {
    let text = text.trim();
    scaled(text.strip_prefix('$').unwrap_or(text), 1_000_000_000)
}

/// Reads a percentage (`0.5%`) as a share: the float nearest to it, as if counts had been divided.
pub fn parse_share(text: &str) -> Option<f64> {
    let number = text.trim().strip_suffix('%')?.trim_end();
    scaled(number, 1_000_000_000).map(|billionths| billionths as f64 / 1e11)
}

/// Reads a number of things: `8000`, `8k`, `1.5M`, `2G`.
pub fn parse_count(text: &str) -> Option<i64> {
    let text = text.trim();
    let split = text.find(|c: char| c.is_alphabetic()).unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let scale = match unit {
        "" => 1,
        "k" | "K" => 1_000,
        "m" | "M" => 1_000_000,
        "g" | "G" => 1_000_000_000,
        _ => return None,
    };
    scaled(number, scale)
}

/// Reads bytes: `512`, `800kB`, `20GB` (powers of 1,000), `20GiB` (powers of 1,024).
pub fn parse_bytes(text: &str) -> Option<u64> {
    let text = text.trim();
    let split = text.find(|c: char| c.is_alphabetic()).unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let scale: i64 = match unit.to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "kb" | "k" => 1_000,
        "mb" | "m" => 1_000_000,
        "gb" | "g" => 1_000_000_000,
        "tb" | "t" => 1_000_000_000_000,
        "kib" => 1 << 10,
        "mib" => 1 << 20,
        "gib" => 1 << 30,
        "tib" => 1 << 40,
        _ => return None,
    };
    scaled(number.trim_end(), scale).and_then(|bytes| u64::try_from(bytes).ok())
}

/// A plain decimal times `scale`, rounded half away from zero, in whole numbers all the way: no figure is bent by a float.
fn scaled(text: &str, scale: i64) -> Option<i64> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text),
    };
    let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
    let is_number = !(whole.is_empty() && part.is_empty()) && (whole.len() + part.len()) <= 24;
    if !is_number || !whole.bytes().chain(part.bytes()).all(|b| b.is_ascii_digit()) {
        return None;
    }
    let mantissa: i128 = format!("0{whole}{part}").parse().ok()?;
    let divisor = 10i128.checked_pow(u32::try_from(part.len()).ok()?)?;
    let value = mantissa.checked_mul(i128::from(scale))?.checked_add(divisor / 2)? / divisor;
    i64::try_from(if negative { -value } else { value }).ok()
}

/// Dollars as nano-dollars; `None` where not finite or beyond ±9 billion dollars.
pub fn nano_usd(usd: f64) -> Option<i64> {
    let nano = usd * 1e9;
    (nano.is_finite() && nano.abs() < 9e18).then(|| nano.round() as i64)
}

/// Three significant digits of a value that is at least 0, without an exponent: `0.0123`, `1.23`, `12.3`, `123`, `1234`.
pub fn digits3(value: f64) -> String {
    let size = value.abs();
    let decimals = match size {
        s if s == 0.0 || s >= 99.95 => 0,
        s if s >= 9.995 => 1,
        s if s >= 0.9995 => 2,
        s if s >= 0.09995 => 3,
        _ => 4,
    };
    format!("{value:.decimals$}")
}

/// A duration: `812 µs`, `812 ms`, `1.23 s`, `4m 31s`, `3h 06m`, `12d 04h`, `140d`. From a minute on it is read as on a
/// clock, to the whole second, minute or hour.
pub fn duration_us(us: f64) -> String {
    if !us.is_finite() {
        return UNKNOWN.to_owned();
    }
    let whole = |unit_us: f64| (us.abs() / unit_us).round() as u64;
    let sign = if us < 0.0 { "-" } else { "" };
    match us.abs() {
        u if u < 999.5 => format!("{us:.0} µs"),
        u if u < 999_500.0 => format!("{} ms", digits3(us / 1e3)),
        u if u < 59.95e6 => format!("{} s", digits3(us / 1e6)),
        _ if whole(1e6) < 3_600 => format!("{sign}{}", clock_parts(whole(1e6), 60, ("m", "s"))),
        _ if whole(60e6) < 1_440 => format!("{sign}{}", clock_parts(whole(60e6), 60, ("h", "m"))),
        _ if whole(3_600e6) < 2_400 => format!("{sign}{}", clock_parts(whole(3_600e6), 24, ("d", "h"))),
        _ => format!("{sign}{}d", whole(86_400e6)),
    }
}

/// `4m 05s` of 245 and 60; a rest of nothing is left out.
fn clock_parts(value: u64, base: u64, (unit, part): (&str, &str)) -> String {
    match value % base {
        0 => format!("{}{unit}", value / base),
        rest => format!("{}{unit} {rest:02}{part}", value / base),
    }
}

/// A duration that is a guess, in five columns: as in a table cell, but from ten minutes, hours or days on only those.
pub fn duration_guess(us: f64) -> String {
    let cell = duration_cell(Some(us));
    let split =
        cell.find(['m', 'h', 'd']).filter(|at| cell.len() > 5 && cell[..*at].bytes().all(|b| b.is_ascii_digit()));
    match split {
        Some(at) => cell[..=at].to_owned(),
        None => cell,
    }
}

/// A length of time as it is typed, exact, in the largest unit that needs no fraction: `90s`, `1h`, `7d`. Reads back with
/// [`parse_duration_us`].
pub fn exact_duration(us: i64) -> String {
    let units = [(86_400_000_000, "d"), (3_600_000_000, "h"), (60_000_000, "m"), (1_000_000, "s"), (1_000, "ms")];
    let (unit_us, unit) = units.into_iter().find(|(unit, _)| us != 0 && us % unit == 0).unwrap_or((1, "us"));
    format!("{}{unit}", us / unit_us)
}

/// Bytes as they are typed, exact, in the largest unit that needs no fraction: `20GB`. Reads back with [`parse_bytes`].
pub fn exact_bytes(n: u64) -> String {
    let units = [(1_000_000_000_000, "TB"), (1_000_000_000, "GB"), (1_000_000, "MB"), (1_000, "kB")];
    let (size, unit) = units.into_iter().find(|(size, _)| n != 0 && n.is_multiple_of(*size)).unwrap_or((1, "B"));
    format!("{}{unit}", n / size)
}

/// A duration without the space, for table cells: `1.23s`, `4m31s`.
pub fn duration_cell(us: Option<f64>) -> String {
    us.map_or_else(|| UNKNOWN.to_owned(), |us| duration_us(us).replace(' ', ""))
}

/// A whole number with thousands separators: `1,204,118`.
pub fn count(n: u64) -> String {
    let plain = n.to_string();
    let mut out = String::with_capacity(plain.len() + plain.len() / 3);
    for (i, c) in plain.chars().enumerate() {
        if i > 0 && (plain.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(c);
    }
    out
}

/// A number in three digits with a suffix: `842`, `18.4k`, `1.20M`, `3.05G`.
pub fn compact(value: f64) -> String {
    match value.abs() {
        v if v < 999.5 => {
            if value.fract() == 0.0 {
                format!("{value:.0}")
            } else {
                digits3(value)
            }
        }
        v if v < 999_500.0 => format!("{}k", digits3(value / 1e3)),
        v if v < 999.5e6 => format!("{}M", digits3(value / 1e6)),
        v if v < 999.5e9 => format!("{}G", digits3(value / 1e9)),
        _ => format!("{}T", digits3(value / 1e12)),
    }
}

/// A share in 0..=1 as percent: `1.8 %`.
pub fn percent(share: f64) -> String {
    format!("{} %", digits3(share * 100.0))
}

/// Money from nano-dollars: `$0.0012`, `$4.12`, `$1,204`.
pub fn usd(nano: i64) -> String {
    let dollars = nano as f64 / 1e9;
    let sign = if nano < 0 { "-" } else { "" };
    match dollars.abs() {
        d if d >= 999.5 => format!("{sign}${}", count(d.round() as u64)),
        // Three digits wherever they begin, up to the last nano-dollar: what is not nothing never reads like it.
        d if d > 0.0 && d < 0.00995 => {
            let decimals = (2.0 - d.log10().floor()).clamp(4.0, 9.0) as usize;
            format!("{sign}${}", format!("{d:.decimals$}").trim_end_matches('0'))
        }
        d if d == 0.0 || d >= 0.995 => format!("{sign}${d:.2}"),
        d => format!("{sign}${}", digits3(d)),
    }
}

/// Money from pico-dollars, exact, with two decimals at least: `$0.002468`, `$1.50`.
pub fn exact_usd(pico: i128) -> String {
    const DOLLAR: u128 = 1_000_000_000_000;
    let sign = if pico < 0 { "-" } else { "" };
    let (whole, part) = (pico.unsigned_abs() / DOLLAR, pico.unsigned_abs() % DOLLAR);
    let part = format!("{part:012}");
    let part = part.trim_end_matches('0');
    format!("{sign}${}.{part:0<2}", count(u64::try_from(whole).unwrap_or(u64::MAX)))
}

/// Bytes: `512 B`, `2.72 GB` (powers of 1,000).
pub fn bytes(n: u64) -> String {
    let value = n as f64;
    match value {
        v if v < 999.5 => format!("{n} B"),
        v if v < 999.5e3 => format!("{} kB", digits3(v / 1e3)),
        v if v < 999.5e6 => format!("{} MB", digits3(v / 1e6)),
        v if v < 999.5e9 => format!("{} GB", digits3(v / 1e9)),
        v => format!("{} TB", digits3(v / 1e12)),
    }
}

/// What a rate is per, the shortest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Per {
    /// A second.
    Second,
    /// A minute.
    Minute,
    /// An hour.
    Hour,
}

impl Per {
    /// What suits so many events in a time, µs: seconds up to a minute or from one a second on, else minutes or hours.
    pub fn of(n: u64, over_us: i64) -> Per {
        let per_s = n as f64 / (over_us.max(1) as f64 / 1e6);
        match per_s {
            r if r >= 0.9995 || n == 0 || over_us <= 60_000_000 => Per::Second,
            r if r * 60.0 >= 0.9995 => Per::Minute,
            _ => Per::Hour,
        }
    }
}

/// A rate of events over a length of time, µs, per what suits it: `42.7/s`, `12.2/min`, `30.0/h`.
pub fn rate(n: u64, over_us: i64) -> String {
    rate_per(n, over_us, Per::of(n, over_us))
}

/// The same per a time that is given, for rates that stand beside each other.
pub fn rate_per(n: u64, over_us: i64, per: Per) -> String {
    if over_us <= 0 {
        return UNKNOWN.to_owned();
    }
    let (unit_us, unit) = match per {
        Per::Second => (1e6, "s"),
        Per::Minute => (60e6, "min"),
        Per::Hour => (3_600e6, "h"),
    };
    format!("{}/{unit}", compact_rate(n as f64 * unit_us / over_us as f64))
}

fn compact_rate(value: f64) -> String {
    if value < 999.5 { digits3(value) } else { compact(value) }
}

/// Which zone times are shown in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Zone {
    /// The machine's.
    #[default]
    Local,
    /// UTC.
    Utc,
}

/// A time in the given strftime form; `–` for what is no time.
pub fn time(us: i64, zone: Zone, form: &str) -> String {
    match (zone, DateTime::<Utc>::from_timestamp_micros(us)) {
        (_, None) => UNKNOWN.to_owned(),
        (Zone::Utc, Some(at)) => at.format(form).to_string(),
        (Zone::Local, Some(at)) => Local.from_utc_datetime(&at.naive_utc()).format(form).to_string(),
    }
}

/// RFC 3339 in UTC to the millisecond, or to the µs where it matters: `2026-05-01T14:00:00.250Z`.
pub fn rfc3339(us: i64) -> String {
    if let Ok(since) = u64::try_from(us)
        && since < 253_402_300_800_000_000
    {
        return moment::rfc3339(since);
    }
    let form = if us % 1_000 == 0 { "%Y-%m-%dT%H:%M:%S%.3fZ" } else { "%Y-%m-%dT%H:%M:%S%.6fZ" };
    time(us, Zone::Utc, form)
}

/// The hour a time is in, UTC: `2026-05-01T14:00:00Z`. What groups by hour are called, and what the filter `hour:` matches.
pub fn hour(us: i64) -> String {
    time(us, Zone::Utc, "%Y-%m-%dT%H:00:00Z")
}

/// The day a time is on, UTC: `2026-05-01`. What groups by day are called, and what the filter `day:` matches.
pub fn day(us: i64) -> String {
    time(us, Zone::Utc, "%Y-%m-%d")
}

/// Text from outside, safe to print: white space becomes a plain space; control and escape characters, those that turn the
/// direction of writing and those that hide become `U+FFFD`. What is left still has to be cut to its width.
pub fn clean(text: &str) -> Cow<'_, str> {
    if text.chars().all(|c| c == ' ' || !(c.is_whitespace() || is_unsafe(c))) {
        return Cow::Borrowed(text);
    }
    let safe = |c: char| match c {
        c if c.is_whitespace() => ' ',
        c if is_unsafe(c) => char::REPLACEMENT_CHARACTER,
        c => c,
    };
    Cow::Owned(text.chars().map(safe).collect())
}

/// Whether a character may steer a terminal, or reorder or hide text: controls (C0, C1, DEL), bidirectional marks, line and
/// paragraph separators, what has no width, and fillers that look like nothing.
pub fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

/// The same JSON with every character that could steer a terminal escaped. JSON's own signs are all ASCII, so whatever
/// is not stands inside a string.
pub fn harmless_json(json: &str) -> Cow<'_, str> {
    let hostile = |c: char| c >= '\u{7f}' && is_unsafe(c);
    if json.bytes().all(|b| b < 0x7f) || !json.contains(hostile) {
        return Cow::Borrowed(json);
    }
    let mut out = String::with_capacity(json.len() + 64);
    for c in json.chars() {
        if hostile(c) {
            c.encode_utf16(&mut [0; 2]).iter().for_each(|unit| out.push_str(&format!("\\u{unit:04x}")));
        } else {
            out.push(c);
        }
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_text_is_disarmed() {
        for harmless in ["", "gpt-4o", "日本語 モデル", "naïve – “quoted” 🦀", "a\u{301}"] {
            assert!(matches!(clean(harmless), Cow::Borrowed(same) if same == harmless), "{harmless}");
        }
        assert_eq!(clean("a\tb\nc\r"), "a b c ");
        assert_eq!(clean("\u{1b}[2J\u{9b}31m\u{7f}\0"), "\u{FFFD}[2J\u{FFFD}31m\u{FFFD}\u{FFFD}");
        assert_eq!(clean("user\u{202e}nimda\u{200b}\u{feff}\u{2028}"), "user\u{FFFD}nimda\u{FFFD}\u{FFFD} ");
    }

    #[test]
    fn figures_have_three_digits_and_their_unit() {
        let cases = [
            (duration_us(812.0), "812 µs"),
            (duration_us(812_400.0), "812 ms"),
            (duration_us(999_600.0), "1.00 s"),
            (duration_us(3_210_000.0), "3.21 s"),
            (duration_us(59_940_000.0), "59.9 s"),
            (duration_us(59_960_000.0), "1m"),
            (duration_us(72_300_000.0), "1m 12s"),
            (duration_us(150e6), "2m 30s"),
            (duration_us(270.6e6), "4m 31s"),
            (duration_us(-245e6), "-4m 05s"),
            (duration_us(3_599.6e6), "1h"),
            (duration_us(3.1 * 3_600e6), "3h 06m"),
            (duration_us(86_399e6), "1d"),
            (duration_us(100.0 * 3_600e6), "4d 04h"),
            (duration_us(99.96 * 86_400e6), "99d 23h"),
            (duration_us(1_000.0 * 86_400e6), "1000d"),
            (duration_us(f64::NAN), "–"),
            (duration_cell(Some(751e6)), "12m31s"),
            (duration_guess(751e6), "12m"),
            (duration_guess(271e6), "4m31s"),
            (duration_guess(812.0), "812µs"),
            (duration_guess(12_300.0), "12.3ms"),
            (duration_guess(36.5 * 3_600e6), "1d13h"),
            (count(1_204_118), "1,204,118"),
            (count(12), "12"),
            (compact(18_432.0), "18.4k"),
            (compact(42.0), "42"),
            (percent(0.0179), "1.79 %"),
            (usd(4_120_000_000), "$4.12"),
            (usd(1_200_000), "$0.0012"),
            (usd(0), "$0.00"),
            (usd(1_204_118_000_000), "$1,204"),
            (bytes(2_720_000_000), "2.72 GB"),
            (rate(427, 10_000_000), "42.7/s"),
            (rate(30, 3_600_000_000), "30.0/h"),
            (rate(734, 3_600_000_000), "12.2/min"),
            (rate_per(734, 3_600_000_000, Per::Second), "0.204/s"),
            (rate_per(511_000, 3_600_000_000, Per::Minute), "8.52k/min"),
            (rate(3, 0), "–"),
            (rfc3339(1_700_000_000_250_000), "2023-11-14T22:13:20.250Z"),
            (hour(1_700_000_000_250_000), "2023-11-14T22:00:00Z"),
            (day(1_700_000_000_250_000), "2023-11-14"),
        ];
        for (got, want) in cases {
            assert_eq!(got, want);
        }
    }

    #[test]
    fn times_by_integers_are_those_of_the_calendar() {
        let days = (0..2_932_897).step_by(131).chain([0, 58, 59, 60, 10_956, 11_016, 11_017, 2_932_896]);
        for day in days {
            for us in [0, 1, 86_399_999_999, 43_200_250_000] {
                let at = day * 86_400_000_000 + us;
                let form = if at % 1_000 == 0 { "%Y-%m-%dT%H:%M:%S%.3fZ" } else { "%Y-%m-%dT%H:%M:%S%.6fZ" };
                assert_eq!(rfc3339(at), time(at, Zone::Utc, form));
            }
        }
        assert_eq!(rfc3339(-1_000), "1969-12-31T23:59:59.999Z");
        assert_eq!(rfc3339(253_402_300_800_000_000), "+10000-01-01T00:00:00.000Z");
    }

    #[test]
    fn exact_money_loses_nothing() {
        let cases = [
            (2_468_000_000, "$0.002468"),
            (1_500_000_000_000, "$1.50"),
            (0, "$0.00"),
            (1, "$0.000000000001"),
            (-12_345_678_900_000_000_000, "-$12,345,678.90"),
        ];
        for (pico, text) in cases {
            assert_eq!(exact_usd(pico), text);
        }
    }

    #[test]
    fn durations_and_money_read() {
        assert_eq!(parse_duration_us("1.5m"), Some(90_000_000));
        assert_eq!(parse_duration_us("250ms"), Some(250_000));
        assert_eq!(parse_duration_us("24"), None);
        assert_eq!(parse_duration_us(".5s"), Some(500_000));
        assert_eq!(parse_duration_us("-5s"), Some(-5_000_000));
        for bad in ["", "s", ".s", "1e5s", "5 parsecs", "99999999999999d", "inf s", "1.2.3s", "+5s", "5s5"] {
            assert_eq!(parse_duration_us(bad), None, "{bad}");
        }
        assert_eq!(parse_usd_nano("$0.01"), Some(10_000_000));
        assert_eq!(parse_usd_nano("9007199.254740993"), Some(9_007_199_254_740_993));
        assert_eq!(parse_usd_nano("0.0000000005"), Some(1));
        assert_eq!([usd(320), usd(90_000), usd(1)], ["$0.00000032", "$0.00009", "$0.000000001"]);
        assert_eq!([usd(149_000), usd(99_000), usd(1_234_567)], ["$0.000149", "$0.000099", "$0.00123"]);
        assert_eq!([usd(12_345), usd(9_949_999), usd(9_950_000)], ["$0.0000123", "$0.00995", "$0.0100"]);
        assert_eq!([usd(-149_000), usd(99_999), usd(1_000_000)], ["-$0.000149", "$0.0001", "$0.001"]);
        assert_eq!(parse_usd_nano("NaN"), None);
        assert_eq!(parse_share("0.3%"), Some(3.0 / 1_000.0), "to the last bit");
        assert_eq!([parse_share("250 %"), parse_share("-1%")], [Some(2.5), Some(-0.01)]);
        assert_eq!([parse_share("1"), parse_share("%"), parse_share("$1%")], [None, None, None]);
        assert_eq!(parse_count("1.5M"), Some(1_500_000));
        assert_eq!(parse_count("8k"), Some(8_000));
        assert_eq!(parse_bytes("20GB"), Some(20_000_000_000));
        assert_eq!(parse_bytes("1.5 GiB"), Some(1_610_612_736));
        assert_eq!(parse_bytes("-1"), None);
        for us in [0, 1, 1_500, 90_000_000, 3_600_000_000, 604_800_000_000, i64::MAX, -5_000] {
            assert_eq!(parse_duration_us(&exact_duration(us)), Some(us));
        }
        assert_eq!(exact_duration(86_400_000_000), "1d");
        for n in [0, 7, 20_000_000_000, 1 << 40, 9_007_199_254_740_993] {
            assert_eq!(parse_bytes(&exact_bytes(n)), Some(n));
        }
    }
}

//! Values of JSON as values of fields: units, ranges, and what is refused. `Ok(None)` is unknown.

use super::json::{self, Object, Value};
use super::keys::Meaning;
use super::number::{self, Num};
use super::time;
use crate::event::{CacheUse, FailureMode, MAX_COST_NUSD, MAX_TOKENS, Reason, Text};
use crate::units;
use std::borrow::Cow;

/// A field's value, unknown, or why it is none.
pub type Field<T> = Result<Option<T>, Reason>;

/// Longer than any call can take: 31 days, in µs.
pub const MAX_DURATION_US: f64 = 31.0 * 86_400e6;

/// Most retries or attempts of one call.
const MAX_RETRIES: u64 = 1_000_000;

/// A text; empty is unknown, and numbers stand for their digits.
#[inline]
pub fn text(value: Value<'_>) -> Field<Cow<'_, str>> {
    match value {
        Value::Text(text) => Ok((!text.is_empty()).then_some(text)),
        Value::Number(digits, _) => Ok(Some(Cow::Borrowed(digits))),
        Value::Null => Ok(None),
        Value::Bool(_) | Value::Json(_) => Err(Reason::WrongType),
    }
}

/// Text, or any other JSON as it stands.
pub fn text_or_json(value: Value<'_>) -> Field<Cow<'_, str>> {
    match value {
        Value::Json(raw) => Ok(Some(Cow::Borrowed(raw))),
        other => text(other),
    }
}

/// The hash of an identity: 16 hex digits; anything else is none of ours.
pub fn identity(value: Value<'_>) -> Field<i64> {
    match value {
        Value::Text(digits) if digits.len() == 16 && digits.bytes().all(|b| b.is_ascii_hexdigit()) => {
            Ok(u64::from_str_radix(&digits, 16).ok().map(u64::cast_signed))
        }
        _ => Ok(None),
    }
}

/// A failure mode by its own word; other words are unknown.
pub fn failure_mode(value: Value<'_>) -> Field<FailureMode> {
    match value {
        Value::Text(word) => Ok(FailureMode::from_word(&word)),
        _ => Ok(None),
    }
}

/// The first text of a list, or a text.
pub fn text_or_first(value: Value<'_>) -> Field<Cow<'_, str>> {
    match value {
        Value::Json(raw) => match serde_json::from_str::<Vec<Option<&serde_json::value::RawValue>>>(raw) {
            Ok(list) => list.into_iter().flatten().next().map_or(Ok(None), |raw| text(json::value(raw))),
            Err(_) => Err(Reason::WrongType),
        },
        other => text(other),
    }
}

/// A number, also in a string; an empty string is unknown.
fn number(value: &Value<'_>) -> Field<Num> {
    match value {
        Value::Number(_, num) => Ok(Some(*num)),
        Value::Text(text) if text.trim().is_empty() => Ok(None),
        Value::Text(text) => number::parse(text.trim()).map(Some).ok_or(Reason::WrongType),
        Value::Null => Ok(None),
        Value::Bool(_) | Value::Json(_) => Err(Reason::WrongType),
    }
}

/// A whole number from 0 up to `most`.
fn whole(value: &Value<'_>, most: u64) -> Field<u64> {
    match number(value)? {
        None => Ok(None),
        Some(Num::Int(n)) if n <= most => Ok(Some(n)),
        Some(Num::Int(_)) => Err(Reason::OutOfRange),
        Some(Num::Float(f)) if !(0.0..=most as f64).contains(&f) => Err(Reason::OutOfRange),
        Some(Num::Float(f)) if f.fract() != 0.0 => Err(Reason::WrongType),
        Some(Num::Float(f)) => Ok(Some(f as u64)),
    }
}

/// A finite number from 0 up to `most`.
fn amount(value: &Value<'_>, scale: f64, most: f64) -> Field<f64> {
    let scaled = match number(value)? {
        None => return Ok(None),
        Some(Num::Int(n)) => n as f64 * scale,
        Some(Num::Float(f)) => f * scale,
    };
    if (0.0..=most).contains(&scaled) { Ok(Some(scaled)) } else { Err(Reason::OutOfRange) }
}

/// Tokens.
pub fn tokens(value: Value<'_>) -> Field<u64> {
    whole(&value, MAX_TOKENS)
}

/// Audio tokens: a count, or the audio in a list of modalities.
pub fn audio_tokens(value: Value<'_>, meaning: Meaning) -> Field<u64> {
    sorted_tokens(value, meaning, "modality", "audio")
}

/// Tokens kept an hour: a count, or those in a list of lifetimes.
pub fn hour_tokens(value: Value<'_>, meaning: Meaning) -> Field<u64> {
    sorted_tokens(value, meaning, "ttl", "1h")
}

/// A count, or that of one sort in `[{"modality":"AUDIO","tokenCount":25}, …]`, which is unknown where none is listed.
fn sorted_tokens(value: Value<'_>, meaning: Meaning, label: &str, sort: &str) -> Field<u64> {
    const COUNTS: [&str; 4] = ["tokenCount", "token_count", "inputTokens", "input_tokens"];
    let list: Vec<&serde_json::value::RawValue> = match (meaning, value) {
        (Meaning::Sorted, Value::Json(raw)) if raw.starts_with('[') => {
            serde_json::from_str(raw).map_err(|_| Reason::WrongType)?
        }
        (Meaning::Sorted, _) => return Ok(None),
        (_, value) => return tokens(value),
    };
    let mut sum = None;
    for object in list.into_iter().filter_map(|entry| Object::parse(entry.get()).ok()) {
        let word = object.text(label).unwrap_or_default();
        // Python prints the name of an enum with that of its type.
        let is_it = word.rsplit('.').next().is_some_and(|word| word.eq_ignore_ascii_case(sort));
        let count = COUNTS.iter().find_map(|name| object.get(name)).filter(|_| is_it);
        if let Some(count) = count.map_or(Ok(None), |raw| tokens(json::value(raw)))? {
            sum = Some(sum.unwrap_or(0) + count);
        }
    }
    if sum.is_some_and(|sum| sum > MAX_TOKENS) { Err(Reason::OutOfRange) } else { Ok(sum) }
}

/// The asked limit of output tokens; -1 is how some say that there is none.
pub fn max_tokens(value: Value<'_>) -> Field<u64> {
    match number(&value) {
        Ok(Some(Num::Float(-1.0))) => Ok(None),
        _ => whole(&value, u64::from(u32::MAX)),
    }
}

/// A duration in µs from a number in its unit, from a text with the unit beside it (`1.5s`), or from the text of a clock,
/// as Python's `timedelta` and .NET's `TimeSpan` print themselves (`0:00:01.500000`).
pub fn duration(value: Value<'_>, meaning: Meaning) -> Field<u64> {
    if let Value::Text(text) = &value
        && let Some(us) = spelled_duration(text).filter(|us| number::parse(text.trim()).is_none() && *us >= 0)
    {
        return if us as f64 <= MAX_DURATION_US { Ok(u64::try_from(us).ok()) } else { Err(Reason::OutOfRange) };
    }
    let scale = match meaning {
        Meaning::Seconds => 1e6,
        Meaning::Bare => return bare_duration(&value),
        Meaning::Micros => 1.0,
        Meaning::Nanos => 1e-3,
        Meaning::Millis | Meaning::Plain | Meaning::Apart | Meaning::Sorted | Meaning::Code => 1e3,
    };
    Ok(amount(&value, scale, MAX_DURATION_US)?.map(|us| (us + 0.5) as u64))
}

/// A duration in µs whose name has no unit: seconds, but whole numbers from a million on, 11 days as seconds, are the ns
/// that Go's `time.Duration` logs itself as. What would be too long may be in any unit, and is unknown.
fn bare_duration(value: &Value<'_>) -> Field<u64> {
    const LEAST_NS: u64 = 1_000_000;
    let scale = match number(value)? {
        Some(Num::Int(LEAST_NS..)) => 1e-3,
        _ => 1e6,
    };
    match amount(value, scale, f64::MAX)? {
        Some(us) if us > MAX_DURATION_US => Ok(None),
        us => Ok(us.map(|us| (us + 0.5) as u64)),
    }
}

/// µs of `1.5s` or `0:00:01.5`.
fn spelled_duration(text: &str) -> Option<i64> {
    let Some((hours, rest)) = text.trim().split_once(':') else { return units::parse_duration_us(text) };
    let (minutes, seconds) = rest.split_once(':')?;
    let digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    let two_digits = |part: &str| part.len() == 2 && digits(part);
    if !digits(hours) || !two_digits(minutes) || !two_digits(seconds.split('.').next()?) {
        return None;
    }
    let parts = [(hours, "h"), (minutes, "m"), (seconds, "s")];
    parts
        .iter()
        .try_fold(0_i64, |sum, (part, unit)| sum.checked_add(units::parse_duration_us(&format!("{part}{unit}"))?))
}

/// Dollars as nano-dollars; a `$` in front is fine.
pub fn cost(value: Value<'_>) -> Field<i64> {
    let dollars = match &value {
        Value::Text(text) => number(&Value::Text(Cow::Borrowed(text.trim().trim_start_matches('$'))))?,
        other => number(other)?,
    };
    let dollars = match dollars {
        None => return Ok(None),
        Some(Num::Int(n)) => n as f64,
        Some(Num::Float(f)) => f,
    };
    let nano = units::nano_usd(dollars).filter(|nano| (0..=MAX_COST_NUSD).contains(nano));
    nano.map(Some).ok_or(Reason::OutOfRange)
}

/// A time in µs.
pub fn time(value: Value<'_>) -> Field<i64> {
    match value {
        Value::Null => Ok(None),
        Value::Text(text) if text.is_empty() => Ok(None),
        Value::Text(text) => time::parse(&text).map(Some).ok_or(Reason::BadTimestamp),
        Value::Number(digits, _) => time::epoch(digits).map(Some).ok_or(Reason::BadTimestamp),
        Value::Bool(_) | Value::Json(_) => Err(Reason::WrongType),
    }
}

/// A yes or no, also as 0 and 1 or as a word.
pub fn flag(value: Value<'_>) -> Field<bool> {
    match value {
        Value::Null => Ok(None),
        Value::Bool(yes) => Ok(Some(yes)),
        Value::Number(_, Num::Int(0)) => Ok(Some(false)),
        Value::Number(_, Num::Int(1)) => Ok(Some(true)),
        Value::Text(word) => match word.trim().to_ascii_lowercase().as_str() {
            "" => Ok(None),
            "true" | "yes" | "1" => Ok(Some(true)),
            "false" | "no" | "0" => Ok(Some(false)),
            _ => Err(Reason::WrongType),
        },
        Value::Number(..) | Value::Json(_) => Err(Reason::WrongType),
    }
}

/// The value of a score: a finite number, or a boolean as 0 or 1.
pub fn judgement(value: Value<'_>) -> Field<f64> {
    let number = match value {
        Value::Bool(yes) => Some(Num::Float(f64::from(u8::from(yes)))),
        Value::Text(ref word) if word.eq_ignore_ascii_case("true") => Some(Num::Float(1.0)),
        Value::Text(ref word) if word.eq_ignore_ascii_case("false") => Some(Num::Float(0.0)),
        other => number(&other)?,
    };
    match number {
        None => Ok(None),
        Some(Num::Int(n)) => Ok(Some(n as f64)),
        Some(Num::Float(f)) if f.is_finite() => Ok(Some(f)),
        Some(Num::Float(_)) => Err(Reason::OutOfRange),
    }
}

/// An HTTP status; 0 is how some say that there was no answer.
pub fn http_status(value: Value<'_>) -> Field<u16> {
    match whole(&value, 999)? {
        None | Some(0) => Ok(None),
        Some(1..100) => Err(Reason::OutOfRange),
        Some(status) => Ok(u16::try_from(status).ok()),
    }
}

/// A count of retries.
pub fn retries(value: Value<'_>) -> Field<u32> {
    Ok(whole(&value, MAX_RETRIES)?.and_then(|n| u32::try_from(n).ok()))
}

/// A sampling temperature, 0 to 100.
pub fn temperature(value: Value<'_>) -> Field<f64> {
    amount(&value, 1.0, 100.0)
}

/// The response cache's part; words of no known meaning are unknown.
pub fn cache(value: Value<'_>) -> Field<CacheUse> {
    match value {
        Value::Text(word) => {
            let word = word.trim().to_ascii_lowercase();
            Ok(CacheUse::from_word(&word).or(match word.as_str() {
                "true" => Some(CacheUse::Hit),
                "false" => Some(CacheUse::Miss),
                _ => None,
            }))
        }
        other => Ok(flag(other)?.map(|hit| if hit { CacheUse::Hit } else { CacheUse::Miss })),
    }
}

/// Tags as a JSON array of strings: from such a list, a comma-separated text, or an object (`key:value`).
pub fn tags(value: Value<'_>) -> Field<Cow<'_, str>> {
    let words: Vec<String> = match value {
        Value::Null => return Ok(None),
        Value::Json(raw) if serde_json::from_str::<Vec<Cow<'_, str>>>(raw).is_ok() => {
            return Ok((!raw[1..].trim_start().starts_with(']')).then_some(Cow::Borrowed(raw)));
        }
        Value::Json(raw) if raw.starts_with('[') => listed(raw)?,
        Value::Json(raw) => paired(raw)?,
        other => match text(other)? {
            Some(words) => words.split(',').map(|word| word.trim().to_owned()).filter(|w| !w.is_empty()).collect(),
            None => return Ok(None),
        },
    };
    let json = serde_json::to_string(&words).map_err(|_| Reason::WrongType)?;
    Ok((!words.is_empty()).then_some(Cow::Owned(json)))
}

fn listed(raw: &str) -> Result<Vec<String>, Reason> {
    let list: Vec<&serde_json::value::RawValue> = serde_json::from_str(raw).map_err(|_| Reason::WrongType)?;
    Ok(list.into_iter().filter_map(|raw| scalar(json::value(raw))).collect())
}

fn paired(raw: &str) -> Result<Vec<String>, Reason> {
    let object = Object::parse(raw)?;
    let pair = |(key, raw): &(Cow<'_, str>, &serde_json::value::RawValue)| {
        scalar(json::value(raw)).map_or_else(|| key.to_string(), |value| format!("{key}:{value}"))
    };
    Ok(object.entries.iter().map(pair).collect())
}

fn scalar(value: Value<'_>) -> Option<String> {
    match value {
        Value::Bool(yes) => Some(yes.to_string()),
        other => text(other).ok().flatten().map(Cow::into_owned),
    }
}

/// A JSON list: as it stands, or a lone object in a list of its own, or the text of one.
pub fn list(value: Value<'_>) -> Field<Cow<'_, str>> {
    match value {
        Value::Json(raw) if raw.starts_with('{') => Ok(Some(Cow::Owned(format!("[{raw}]")))),
        Value::Json(raw) => Ok(Some(Cow::Borrowed(raw))),
        Value::Text(text) if text.is_empty() => Ok(None),
        Value::Text(text) if text.starts_with(['[', '{']) && json::first_value(&text).is_some() => Ok(Some(text)),
        Value::Text(text) => {
            let quoted = serde_json::to_string(&[text]).map_err(|_| Reason::WrongType)?;
            Ok(Some(Cow::Owned(quoted)))
        }
        Value::Null => Ok(None),
        Value::Bool(_) | Value::Number(..) => Err(Reason::WrongType),
    }
}

/// An object as it stands; anything else says nothing.
pub fn object(value: Value<'_>) -> Field<Cow<'_, str>> {
    match value {
        Value::Json(raw) if raw.starts_with('{') => Ok(Some(Cow::Borrowed(raw))),
        _ => Ok(None),
    }
}

/// Whether tokens are said to be estimated.
pub fn is_estimated(value: Value<'_>) -> bool {
    matches!(value, Value::Text(word) if word == super::write::ESTIMATED)
}

/// Whether a text says anything.
pub fn given(text: &Text<'_>) -> bool {
    text.as_ref().is_some_and(|t| !t.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(raw: &str) -> Value<'_> {
        json::value(json::first_value(raw).unwrap().0)
    }

    #[test]
    fn counts_are_whole_and_within_reason() {
        let cases = [
            ("812", Ok(Some(812))),
            ("812.0", Ok(Some(812))),
            ("\"812\"", Ok(Some(812))),
            ("null", Ok(None)),
            ("\"\"", Ok(None)),
            ("-1", Err(Reason::OutOfRange)),
            ("812.5", Err(Reason::WrongType)),
            ("1e300", Err(Reason::OutOfRange)),
            ("1e999", Err(Reason::OutOfRange)),
            ("\"NaN\"", Err(Reason::OutOfRange)),
            ("99999999999999999999", Err(Reason::OutOfRange)),
            ("true", Err(Reason::WrongType)),
            ("\"many\"", Err(Reason::WrongType)),
            ("[1]", Err(Reason::WrongType)),
        ];
        for (raw, want) in cases {
            assert_eq!(tokens(read(raw)), want, "{raw}");
        }
        assert_eq!(max_tokens(read("-1")), Ok(None));
        assert_eq!(max_tokens(read("-2")), Err(Reason::OutOfRange));
    }

    #[test]
    fn durations_come_in_every_unit() {
        let cases = [
            ("1528.151", Meaning::Millis, Ok(Some(1_528_151))),
            ("1.528151", Meaning::Seconds, Ok(Some(1_528_151))),
            ("\"1.5s\"", Meaning::Millis, Ok(Some(1_500_000))),
            ("\"250ms\"", Meaning::Seconds, Ok(Some(250_000))),
            ("\"250\"", Meaning::Millis, Ok(Some(250_000))),
            ("\"0:00:00.120000\"", Meaning::Seconds, Ok(Some(120_000))),
            ("\"01:02:03\"", Meaning::Millis, Ok(Some(3_723_000_000))),
            ("\"0:0:1\"", Meaning::Seconds, Err(Reason::WrongType)),
            ("\"-1:00:00\"", Meaning::Seconds, Err(Reason::WrongType)),
            ("\"900:00:00\"", Meaning::Seconds, Err(Reason::OutOfRange)),
            ("1528151000", Meaning::Nanos, Ok(Some(1_528_151))),
            ("-0.1", Meaning::Millis, Err(Reason::OutOfRange)),
            ("1e12", Meaning::Seconds, Err(Reason::OutOfRange)),
            ("\"inf\"", Meaning::Seconds, Err(Reason::OutOfRange)),
            ("\"long\"", Meaning::Seconds, Err(Reason::WrongType)),
            ("1.528151", Meaning::Bare, Ok(Some(1_528_151))),
            ("12", Meaning::Bare, Ok(Some(12_000_000))),
            ("999999", Meaning::Bare, Ok(Some(999_999_000_000))),
            ("1000000", Meaning::Bare, Ok(Some(1_000))),
            ("1528151000", Meaning::Bare, Ok(Some(1_528_151))),
            ("\"1528151000\"", Meaning::Bare, Ok(Some(1_528_151))),
            ("1e12", Meaning::Bare, Ok(None)),
            ("99999999999999999999", Meaning::Bare, Ok(None)),
            ("-1", Meaning::Bare, Err(Reason::OutOfRange)),
            ("1e999", Meaning::Bare, Err(Reason::OutOfRange)),
        ];
        for (raw, meaning, want) in cases {
            assert_eq!(duration(read(raw), meaning), want, "{raw}");
        }
    }

    #[test]
    fn money_and_flags_and_codes() {
        assert_eq!(cost(read("0.001234567891")), Ok(Some(1_234_568)));
        assert_eq!(cost(read("\"$0.02\"")), Ok(Some(20_000_000)));
        assert_eq!(cost(read("-0.01")), Err(Reason::OutOfRange));
        assert_eq!(cost(read("1e7")), Err(Reason::OutOfRange));
        assert_eq!(flag(read("\"False\"")), Ok(Some(false)));
        assert_eq!(flag(read("2")), Err(Reason::WrongType));
        assert_eq!(http_status(read("\"429\"")), Ok(Some(429)));
        assert_eq!(http_status(read("0")), Ok(None));
        assert_eq!(http_status(read("42")), Err(Reason::OutOfRange));
        assert_eq!(cache(read("\"HIT\"")), Ok(Some(CacheUse::Hit)));
        assert_eq!(cache(read("false")), Ok(Some(CacheUse::Miss)));
    }

    #[test]
    fn lists_take_one_form() {
        let tag = |raw| tags(read(raw)).unwrap().map(Cow::into_owned);
        assert_eq!(tag(r#"["a","b"]"#).as_deref(), Some(r#"["a","b"]"#));
        assert_eq!(tag(r#""a, b""#).as_deref(), Some(r#"["a","b"]"#));
        assert_eq!(tag(r#"{"team":"x","n":3}"#).as_deref(), Some(r#"["team:x","n:3"]"#));
        assert_eq!(tag(r#"["a",3,null]"#).as_deref(), Some(r#"["a","3"]"#));
        assert_eq!(tag("[]"), None);
        assert_eq!(list(read(r#"{"name":"pii"}"#)).unwrap().as_deref(), Some(r#"[{"name":"pii"}]"#));
        assert_eq!(list(read(r#""pii""#)).unwrap().as_deref(), Some(r#"["pii"]"#));
        assert_eq!(text_or_first(read(r#"["stop","length"]"#)).unwrap().as_deref(), Some("stop"));
    }
}

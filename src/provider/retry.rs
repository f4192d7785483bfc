//! What an answer says of trying again: whether it may help, and how long to wait first.

use super::ApiError;
use chrono::DateTime;
use http::{HeaderMap, StatusCode};

/// Whether another try may end differently: a timeout, a conflict, a limit, a fault of the server's own (529 is Anthropic's
/// overload). What a key or an account may not do, waiting does not mend; the upstream's own word (`x-should-retry`) counts
/// before all.
pub fn may_help(status: StatusCode, headers: &HeaderMap, error: Option<&ApiError>) -> bool {
    match text(headers, "x-should-retry") {
        Some("true") => return true,
        Some("false") => return false,
        _ => {}
    }
    match status.as_u16() {
        408 | 409 => true,
        429 => !error.is_some_and(is_about_money),
        code => code >= 500,
    }
}

/// Limits that no time lifts: an account without credit.
fn is_about_money(error: &ApiError) -> bool {
    const WORDS: [&str; 4] = ["insufficient_quota", "billing", "credit", "payment"];
    let says = |text: &Option<String>| {
        text.as_deref().is_some_and(|text| {
            let text = text.to_ascii_lowercase();
            WORDS.iter().any(|word| text.contains(word))
        })
    };
    says(&error.kind) || says(&error.code)
}

/// How long an answer asks to wait, µs: `retry-after-ms`, `retry-after` in seconds or as a date, else what the body says.
/// `now_us` is the present, µs since the Unix epoch.
pub fn after_us(headers: &HeaderMap, error: Option<&ApiError>, now_us: i64) -> Option<u64> {
    let millis = text(headers, "retry-after-ms").and_then(|text| micros(text, 1e3));
    let after = || {
        let text = text(headers, "retry-after")?;
        micros(text, 1e6).or_else(|| {
            let date = DateTime::parse_from_rfc2822(text).ok()?.timestamp_micros();
            u64::try_from(date.saturating_sub(now_us).max(0)).ok()
        })
    };
    millis.or_else(after).or_else(|| error?.retry_after_us)
}

/// A number of some unit as µs; `None` for what is negative, or longer than a year.
fn micros(text: &str, unit: f64) -> Option<u64> {
    const YEAR_US: f64 = 365.0 * 86_400e6;
    let us = text.parse::<f64>().ok()? * unit;
    (0.0..=YEAR_US).contains(&us).then_some(us as u64)
}

fn text<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name)?.to_str().ok().map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{HeaderName, HeaderValue};

    fn map(headers: &[(&'static str, &'static str)]) -> HeaderMap {
        headers.iter().map(|(k, v)| (HeaderName::from_static(k), HeaderValue::from_static(v))).collect()
    }

    #[test]
    fn every_way_to_ask_for_time_is_read() {
        // 2026-11-24T08:00:00Z
        const NOW: i64 = 1_795_507_200_000_000;
        for (headers, want) in [
            (&[("retry-after-ms", "1500.5"), ("retry-after", "9")][..], Some(1_500_500)),
            (&[("retry-after", "2")], Some(2_000_000)),
            (&[("retry-after", "0.25")], Some(250_000)),
            (&[("retry-after", "Tue, 24 Nov 2026 08:00:10 GMT")], Some(10_000_000)),
            (&[("retry-after", "Tue, 24 Nov 2026 07:00:00 GMT")], Some(0)),
            (&[("retry-after", "-1")], None),
            (&[("retry-after", "soon")], None),
            (&[("retry-after", "NaN")], None),
            (&[], None),
        ] {
            assert_eq!(after_us(&map(headers), None, NOW), want, "{headers:?}");
        }
        let error = ApiError { retry_after_us: Some(7), ..ApiError::default() };
        assert_eq!(after_us(&map(&[]), Some(&error), NOW), Some(7));
    }

    #[test]
    fn what_another_try_can_mend_is_tried() {
        let helps = |status: u16, headers: &[(&'static str, &'static str)], code: &str| {
            let error = ApiError { code: Some(code.to_owned()), ..ApiError::default() };
            let status = StatusCode::from_u16(status).unwrap_or_default();
            may_help(status, &map(headers), Some(&error))
        };
        for status in [408, 409, 429, 500, 502, 503, 504, 529] {
            assert!(helps(status, &[], "x"), "{status}");
        }
        for status in [200, 301, 400, 401, 403, 404, 413, 422] {
            assert!(!helps(status, &[], "x"), "{status}");
        }
        assert!(!helps(429, &[], "insufficient_quota") && !helps(500, &[("x-should-retry", "false")], "x"));
        assert!(helps(400, &[("x-should-retry", "true")], "x"));
    }
}

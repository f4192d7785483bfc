//! What a provider says of its rate limits in the headers of an answer, in all dialects: OpenAI's, Anthropic's, those
//! with a window in the name, the nameless ones and the IETF's. Gemini says nothing. What is absent, negative or not
//! understood is unknown.

use chrono::DateTime;

/// One limit: so many in a window.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Quota {
    /// What a full window holds.
    pub limit: Option<u64>,
    /// What is left of it.
    pub remaining: Option<u64>,
    /// When it is full again, µs since the epoch.
    pub reset_at_us: Option<i64>,
}

impl Quota {
    /// Whether it says anything.
    pub fn is_known(&self) -> bool {
        *self != Quota::default()
    }
}

/// The limits of a key and model, as of one answer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Limits {
    /// Calls.
    pub requests: Quota,
    /// Tokens, of whichever kind.
    pub tokens: Quota,
    /// Input tokens, where they are limited on their own.
    pub input_tokens: Quota,
    /// Output tokens, where they are limited on their own.
    pub output_tokens: Quota,
}

impl Limits {
    /// Whether any of them says anything.
    pub fn is_known(&self) -> bool {
        *self != Limits::default()
    }
}

/// How a header is looked up: by its name in lower case; no value where it is absent or no text.
pub type Headers<'h> = dyn Fn(&str) -> Option<&'h str> + 'h;

/// The words that dialects have for each kind. Groq, Azure and most others speak as OpenAI does; `req` is Mistral's,
/// `tokens-prompt` and `tokens-generated` are Fireworks'.
const REQUESTS: [&str; 2] = ["requests", "req"];
const TOKENS: [&str; 2] = ["tokens", "token"];
const INPUT: [&str; 2] = ["input-tokens", "tokens-prompt"];
const OUTPUT: [&str; 2] = ["output-tokens", "tokens-generated"];

/// The windows that some name (Cerebras, Mistral, SambaNova).
const WINDOWS: [&str; 4] = ["", "-minute", "-hour", "-day"];

/// The furthest reset that is believed, µs from now: 400 days.
const FURTHEST_US: i64 = 400 * 86_400 * 1_000_000;

const SECOND_US: f64 = 1e6;

/// The limits that the headers of an answer tell, as of `now_us`.
pub fn limits(get: &Headers, now_us: i64) -> Limits {
    let mut limits = Limits {
        requests: named(get, &REQUESTS, now_us),
        tokens: named(get, &TOKENS, now_us),
        input_tokens: named(get, &INPUT, now_us),
        output_tokens: named(get, &OUTPUT, now_us),
    };
    if !limits.tokens.is_known() {
        limits.tokens = by_size(get, now_us);
    }
    if !limits.requests.is_known() {
        limits.requests = nameless(get, now_us);
    }
    limits
}

/// The tightest of all quotas of a kind.
fn named(get: &Headers, words: &[&str], now_us: i64) -> Quota {
    let mut found = Quota::default();
    for word in words {
        let anthropic = |part: &str| get(&format!("anthropic-ratelimit-{word}-{part}"));
        found = tighter(found, quota(anthropic, now_us));
        for window in WINDOWS {
            let openai = |part: &str| get(&format!("x-ratelimit-{part}-{word}{window}"));
            found = tighter(found, quota(openai, now_us));
        }
    }
    found
}

/// Mistral's older headers of tokens.
fn by_size(get: &Headers, now_us: i64) -> Quota {
    let part = |part: &str| match part {
        "reset" => get("ratelimitbysize-reset"),
        part => get(&format!("x-ratelimitbysize-{part}-minute")).or_else(|| get(&format!("ratelimitbysize-{part}"))),
    };
    quota(part, now_us)
}

/// Limits that do not say of what: those are of calls. OpenRouter and GitHub have `X-`, the IETF's drafts none.
fn nameless(get: &Headers, now_us: i64) -> Quota {
    let older = quota(|part| get(&format!("x-ratelimit-{part}")), now_us);
    let draft = quota(|part| get(&format!("ratelimit-{part}")), now_us);
    tighter(tighter(older, draft), structured(get, now_us))
}

/// A quota out of its three parts.
fn quota<'h>(part: impl Fn(&str) -> Option<&'h str>, now_us: i64) -> Quota {
    Quota {
        limit: part("limit").and_then(count),
        remaining: part("remaining").and_then(count),
        reset_at_us: part("reset").and_then(|text| reset(text, now_us)),
    }
}

/// Of two quotas the one that is used up first: the one with less left, as the next refusal comes from it.
fn tighter(one: Quota, other: Quota) -> Quota {
    match (one.is_known(), other.is_known()) {
        (true, true) if key(&other) < key(&one) => other,
        (false, _) => other,
        _ => one,
    }
}

fn key(quota: &Quota) -> u64 {
    quota.remaining.or(quota.limit).unwrap_or(u64::MAX)
}

/// The IETF's structured fields: `"default";r=50;t=30` with the policy `"default";q=100;w=60`; and the draft before,
/// `limit=100, remaining=50, reset=30`. Of several policies the tightest.
fn structured(get: &Headers, now_us: i64) -> Quota {
    let Some(field) = get("ratelimit") else { return Quota::default() };
    if field.contains("remaining=") {
        return quota(|part| parameter(field, part), now_us);
    }
    let policies = get("ratelimit-policy").unwrap_or_default();
    field.split(',').fold(Quota::default(), |found, item| {
        let policy = policies.split(',').find(|policy| name(policy) == name(item)).unwrap_or_default();
        let one = Quota {
            limit: parameter(policy, "q").and_then(count),
            remaining: parameter(item, "r").and_then(count),
            reset_at_us: parameter(item, "t").and_then(|text| reset(text, now_us)),
        };
        tighter(found, one)
    })
}

/// The name of an item of a structured field.
fn name(item: &str) -> &str {
    item.split(';').next().unwrap_or_default().trim()
}

/// A parameter of a structured field.
fn parameter<'h>(field: &'h str, key: &str) -> Option<&'h str> {
    field.split([';', ',']).find_map(|part| {
        let (name, value) = part.split_once('=')?;
        (name.trim() == key).then(|| value.trim())
    })
}

/// A count: whole and not negative; of a list with parameters (`100, 100;w=60`) the first.
fn count(text: &str) -> Option<u64> {
    let text = text.split([',', ';']).next().unwrap_or_default().trim();
    let number = text.parse::<u64>().ok().or_else(|| whole(text))?;
    (number <= i64::MAX as u64).then_some(number)
}

/// A count written as a fraction, such as `59.0`.
fn whole(text: &str) -> Option<u64> {
    let number = text.parse::<f64>().ok()?;
    (0.0..9e15).contains(&number).then_some(number as u64)
}

/// When a window is full again: a date of RFC 3339 or HTTP, a duration as Go writes it, seconds from now (a fraction
/// too), or an epoch in seconds or milliseconds.
fn reset(text: &str, now_us: i64) -> Option<i64> {
    let text = text.split([';']).next().unwrap_or_default().trim();
    let at = date_us(text).or_else(|| moment(text, now_us)).or_else(|| now_us.checked_add(duration_us(text)?))?;
    (at.checked_sub(now_us)? <= FURTHEST_US).then_some(at)
}

/// A date of RFC 3339 or of HTTP, µs since the epoch.
pub(super) fn date_us(text: &str) -> Option<i64> {
    let date = DateTime::parse_from_rfc3339(text).or_else(|_| DateTime::parse_from_rfc2822(text)).ok()?;
    Some(date.timestamp_micros())
}

/// A bare number: small ones are seconds from now, larger ones an epoch in seconds, still larger ones in milliseconds.
fn moment(text: &str, now_us: i64) -> Option<i64> {
    let number: f64 = text.parse().ok().filter(|number| (0.0..1e15).contains(number))?;
    match number {
        ..1e9 => now_us.checked_add((number * SECOND_US) as i64),
        ..1e11 => Some((number * SECOND_US) as i64),
        _ => Some((number * 1e3) as i64),
    }
}

/// A duration as Go writes it, `6m0s`, `1.5s`, `20ms`, and with days, µs.
fn duration_us(text: &str) -> Option<i64> {
    let mut rest = text;
    let mut total = 0.0;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let number: f64 = rest[..digits].parse().ok()?;
        rest = &rest[digits..];
        let letters = rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len());
        total += number * unit_us(&rest[..letters])?;
        rest = &rest[letters..];
    }
    (!text.is_empty() && total < FURTHEST_US as f64).then_some(total as i64)
}

fn unit_us(unit: &str) -> Option<f64> {
    Some(match unit {
        "ns" => 1e-3,
        "us" | "µs" | "μs" => 1.0,
        "ms" => 1e3,
        "s" => SECOND_US,
        "m" => 60.0 * SECOND_US,
        "h" => 3600.0 * SECOND_US,
        "d" => 86_400.0 * SECOND_US,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::path::Path;

    use super::*;

    /// 2026-11-24T08:00:00Z.
    const NOW: i64 = 1_795_507_200_000_000;

    fn read(headers: &[(&str, &str)]) -> Limits {
        limits(&|name| headers.iter().find(|(header, _)| *header == name).map(|(_, value)| *value), NOW)
    }

    fn full(limit: u64, remaining: u64, seconds: f64) -> Quota {
        let reset_at_us = Some(NOW + (seconds * 1e6) as i64);
        Quota { limit: Some(limit), remaining: Some(remaining), reset_at_us }
    }

    #[test]
    fn openai_and_those_like_it() {
        let got = read(&[
            ("x-ratelimit-limit-requests", "500"),
            ("x-ratelimit-remaining-requests", "499"),
            ("x-ratelimit-reset-requests", "120ms"),
            ("x-ratelimit-limit-tokens", "30000"),
            ("x-ratelimit-remaining-tokens", "0"),
            ("x-ratelimit-reset-tokens", "6m18.5s"),
        ]);
        assert_eq!(got.requests, full(500, 499, 0.12));
        assert_eq!(got.tokens, full(30_000, 0, 378.5));
        assert_eq!(got.input_tokens, Quota::default());
    }

    #[test]
    fn anthropic() {
        let got = read(&[
            ("anthropic-ratelimit-requests-limit", "4000"),
            ("anthropic-ratelimit-requests-remaining", "3999"),
            ("anthropic-ratelimit-requests-reset", "2026-11-24T08:00:01Z"),
            ("anthropic-ratelimit-input-tokens-remaining", "126000"),
            ("anthropic-ratelimit-output-tokens-limit", "80000"),
        ]);
        assert_eq!(got.requests, full(4000, 3999, 1.0));
        assert_eq!(got.input_tokens, Quota { remaining: Some(126_000), ..Quota::default() });
        assert_eq!(got.output_tokens, Quota { limit: Some(80_000), ..Quota::default() });
    }

    #[test]
    fn of_several_windows_the_tightest_counts() {
        let got = read(&[
            ("x-ratelimit-limit-requests-day", "14400"),
            ("x-ratelimit-remaining-requests-day", "3"),
            ("x-ratelimit-reset-requests-day", "33011.382867"),
            ("x-ratelimit-limit-requests-minute", "30"),
            ("x-ratelimit-remaining-requests-minute", "29"),
            ("x-ratelimit-limit-req-minute", "60"),
            ("x-ratelimit-remaining-tokens-minute", "499"),
        ]);
        assert_eq!(got.requests, full(14_400, 3, 33_011.382867));
        assert_eq!(got.tokens.remaining, Some(499));
    }

    #[test]
    fn without_a_name_it_is_calls() {
        let epoch_ms =
            [("x-ratelimit-limit", "20"), ("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "1795507260000")];
        assert_eq!(read(&epoch_ms).requests, full(20, 0, 60.0));
        let epoch = [("x-ratelimit-limit", "20"), ("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "1795507260")];
        assert_eq!(read(&epoch).requests, full(20, 0, 60.0));
        let draft = [("ratelimit-limit", "100, 100;w=60"), ("ratelimit-remaining", "50"), ("ratelimit-reset", "30")];
        assert_eq!(read(&draft).requests, full(100, 50, 30.0));
        let field = [
            ("ratelimit-policy", r#""burst";q=100;w=60,"daily";q=1000;w=86400"#),
            ("ratelimit", r#""burst";r=50;t=30, "daily";r=7;t=900"#),
        ];
        assert_eq!(read(&field).requests, full(1000, 7, 900.0));
        assert_eq!(read(&[("ratelimit", "limit=100, remaining=50, reset=5")]).requests, full(100, 50, 5.0));
    }

    #[test]
    fn what_is_not_understood_is_unknown() {
        for value in ["-1", "", "many", "NaN", "inf", "1e400", "-0.5", "99999999999999999999"] {
            let got = read(&[
                ("x-ratelimit-limit-requests", value),
                ("x-ratelimit-remaining-requests", value),
                ("x-ratelimit-reset-requests", value),
            ]);
            assert!(!got.is_known(), "{value}: {got:?}");
        }
        for reset_text in ["-1s", "1x", "s", "1.2.3s", "9999999h", "5m-3s", "2999-01-01T00:00:00Z", "1µ"] {
            assert_eq!(reset(reset_text, NOW), None, "{reset_text}");
        }
        assert!(!read(&[]).is_known());
    }

    #[test]
    fn every_way_of_saying_when() {
        for (text, seconds) in [
            ("1s", 1.0),
            ("6m0s", 360.0),
            ("20ms", 0.02),
            ("1h2m3.5s", 3723.5),
            ("1d", 86_400.0),
            ("250µs", 0.00025),
            ("0s", 0.0),
            ("7", 7.0),
            ("0.5", 0.5),
            ("2026-11-24T09:00:02+01:00", 2.0),
            ("Tue, 24 Nov 2026 08:00:03 GMT", 3.0),
        ] {
            assert_eq!(reset(text, NOW), Some(NOW + (seconds * 1e6) as i64), "{text}");
        }
    }

    #[test]
    fn the_recorded_headers_are_understood() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/cassettes");
        let Ok(folders) = std::fs::read_dir(&root) else {
            eprintln!("skipped: {} is not there", root.display());
            return;
        };
        for folder in folders.flatten() {
            let Ok(text) = std::fs::read(folder.path().join("meta.json")) else { continue };
            let meta: serde_json::Value = serde_json::from_slice(&text).unwrap();
            let pairs: Vec<(String, String)> =
                serde_json::from_value(meta["response"]["headers"].clone()).unwrap_or_default();
            let pairs: Vec<_> = pairs.iter().map(|(name, value)| (name.to_lowercase(), value.as_str())).collect();
            let get = |name: &str| pairs.iter().find(|(header, _)| header == name).map(|(_, value)| *value);
            let got = limits(&get, NOW);
            for (kind, quota) in
                [("requests", got.requests), ("tokens", got.tokens), ("input-tokens", got.input_tokens)]
            {
                let openai = get(&format!("x-ratelimit-remaining-{kind}"));
                let said = openai.or(get(&format!("anthropic-ratelimit-{kind}-remaining")));
                assert_eq!(quota.remaining, said.and_then(|said| said.parse().ok()), "{:?} {kind}", folder.path());
            }
        }
    }
}

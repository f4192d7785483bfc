//! What is held of the throttle: windows and buckets.

#![allow(clippy::unwrap_used)]
use super::*;
use http::{HeaderName, HeaderValue};

fn heard(headers: &[(&'static str, &'static str)]) -> Heard {
    let map = headers.iter().map(|(k, v)| (HeaderName::from_static(k), HeaderValue::from_static(v))).collect();
    told(&map, (Instant::now(), 1_742_043_479_000_000)).unwrap_or_default()
}

#[test]
fn token_buckets_fill_bit_by_bit_and_windows_at_once() {
    let openai = heard(&[
        ("x-ratelimit-limit-requests", "500"),
        ("x-ratelimit-remaining-requests", "499"),
        ("x-ratelimit-reset-requests", "120ms"),
    ]);
    assert_eq!(openai[0].unwrap().refill, Refill::Steadily);
    // As recorded: 74000 of 200000 a minute are there again after 22 seconds.
    let anthropic = heard(&[
        ("anthropic-ratelimit-input-tokens-limit", "200000"),
        ("anthropic-ratelimit-input-tokens-remaining", "126000"),
        ("anthropic-ratelimit-input-tokens-reset", "2025-03-15T12:58:20Z"),
    ]);
    assert_eq!(anthropic[2].unwrap().refill, Refill::Steadily);
    let daily = heard(&[
        ("x-ratelimit-limit-requests-day", "14400"),
        ("x-ratelimit-remaining-requests-day", "3"),
        ("x-ratelimit-reset-requests-day", "33011.38"),
        ("x-ratelimit-limit-requests", "30"),
        ("x-ratelimit-remaining-requests", "29"),
        ("x-ratelimit-reset-requests", "2s"),
    ]);
    assert_eq!((daily[0].unwrap().refill, daily[0].unwrap().remaining), (Refill::AtReset, Some(3)));
    for nameless in [
        [("x-ratelimit-limit", "20"), ("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "1742043539000")],
        [("ratelimit-limit", "100"), ("ratelimit-remaining", "50"), ("ratelimit-reset", "30")],
    ] {
        assert_eq!(heard(&nameless)[0].unwrap().refill, Refill::AtReset, "{nameless:?}");
    }
    assert_eq!(told(&HeaderMap::new(), (Instant::now(), 0)), None);
}

#[test]
fn of_a_daily_window_no_call_trickles_out() {
    let (limits, now) = (Limits::default(), Instant::now());
    let lane = Lane { upstream: "up".into(), key: "".into(), model: "m".into() };
    let cost = Cost::default();
    let sent = limits.send(&lane, cost, now);
    let mut daily = heard(&[
        ("x-ratelimit-limit-requests-day", "14400"),
        ("x-ratelimit-remaining-requests-day", "3"),
        ("x-ratelimit-reset-requests-day", "3600"),
    ]);
    let reset_at = now + Duration::from_secs(3_600);
    daily[0].as_mut().unwrap().reset_at = Some(reset_at);
    limits.heard(&lane, &sent, &daily, now);
    assert!((0..3).all(|_| limits.admit(&lane, cost, now).is_ok()));
    let later = now + Duration::from_secs(1_800);
    assert!(limits.admit(&lane, cost, later).unwrap_err() >= reset_at);
    assert!(limits.admit(&lane, cost, reset_at).is_ok());
}

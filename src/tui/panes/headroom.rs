//! How much of a provider's limits is left, when the next 429 would come, and what waits: as gateways tell it.

use crate::event::LimitEvent;
use crate::tui::clean::clean;
use crate::tui::theme::Role;
use crate::units;

/// Less than this share left is worth a look, and less than that is bad.
const FEW: [f64; 2] = [0.25, 0.1];

/// What was said longer ago than this is said to be old, µs.
const OLD_US: i64 = 60_000_000;

/// What is known of a limit: in one line, and the figures in another.
pub(super) fn lines(limit: &LimitEvent, now_us: i64) -> [(String, Role); 2] {
    [(brief(limit, now_us), role(limit)), (figures(limit), Role::Dim)]
}

fn role(limit: &LimitEvent) -> Role {
    match limit.headroom() {
        _ if limit.closed_ms.is_some() => Role::Bad,
        Some(share) if share < FEW[1] => Role::Bad,
        Some(share) if share < FEW[0] => Role::Warn,
        _ if limit.queue_calls.is_some_and(|calls| calls > 0) => Role::Warn,
        _ => Role::Strong,
    }
}

/// `gpt-4o at openai, key 2: 8.00 % left, next 429 in 42.0 s, 3 waiting for up to 1.20 s`
fn brief(limit: &LimitEvent, now_us: i64) -> String {
    let age_us = now_us.saturating_sub(limit.ts_us.unwrap_or(now_us)).max(0);
    // What was to come in a while is so much nearer now.
    let ahead = |ms: u64| Some(us(ms).saturating_sub(age_us)).filter(|left| *left > 0);
    let until = |ms: u64| ahead(ms).map(|left| units::duration_us(left as f64));
    let mut parts: Vec<String> = Vec::new();
    parts.extend(limit.headroom().map(|share| format!("{} left", units::percent(share))));
    parts.extend(limit.closed_ms.and_then(until).map(|left| format!("closed for {left}")));
    parts.extend(limit.next_429_ms.and_then(until).map(|left| format!("next 429 in {left}")));
    if let Some(calls) = limit.queue_calls.filter(|calls| *calls > 0 && age_us <= OLD_US) {
        let longest = units::duration_us(us(limit.queue_ms.unwrap_or(0)) as f64);
        parts.push(format!("{} waiting for up to {longest}", units::count(calls)));
    }
    if age_us > OLD_US {
        parts.push(format!("said {} ago", units::duration_us(age_us as f64)));
    }
    let model = if limit.model.is_empty() { "any model" } else { limit.model.as_str() };
    let key = if limit.key.is_empty() { String::new() } else { format!(", key {}", limit.key) };
    let told = if parts.is_empty() { "no limit is told".to_owned() } else { parts.join(", ") };
    clean(&format!("{model} at {}{key}: {told}", limit.upstream)).into_owned()
}

/// `requests 40 of 500, tokens 12.0k of 30.0k; 120 calls, 9.00k tokens a minute`
fn figures(limit: &LimitEvent) -> String {
    let count = |n: Option<u64>| n.map_or(units::UNKNOWN.to_owned(), |n| units::compact(n as f64));
    let left = |(word, limit, left): (&str, Option<u64>, Option<u64>)| match (left, limit) {
        (None, None) => None,
        (left, None) => Some(format!("{word} {} left", count(left))),
        (left, limit) => Some(format!("{word} {} of {}", count(left), count(limit))),
    };
    let known: Vec<String> = limit.limits().into_iter().filter_map(left).collect();
    let (calls, tokens) = (count(limit.requests_per_minute), count(limit.tokens_per_minute));
    let rate = format!("{calls} calls, {tokens} tokens a minute");
    if known.is_empty() { format!("  {rate}") } else { format!("  {}; {rate}", known.join(", ")) }
}

fn us(ms: u64) -> i64 {
    i64::try_from(ms.saturating_mul(1_000)).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_and_what_comes_is_told_as_of_now() {
        let limit = LimitEvent {
            ts_us: Some(1_000_000),
            upstream: "openai".to_owned(),
            key: "2".to_owned(),
            model: "gpt-4o".to_owned(),
            requests_limit: Some(500),
            requests_remaining: Some(40),
            tokens_limit: Some(30_000),
            next_429_ms: Some(45_000),
            queue_calls: Some(3),
            queue_ms: Some(1_200),
            ..LimitEvent::default()
        };
        let [brief, figures] = lines(&limit, 4_000_000);
        assert_eq!(
            brief,
            (
                "gpt-4o at openai, key 2: 8.00 % left, next 429 in 42.0 s, 3 waiting for up to 1.20 s".to_owned(),
                Role::Bad
            )
        );
        assert_eq!(figures.0, "  requests 40 of 500, tokens – of 30.0k; – calls, – tokens a minute");
        let old = lines(&limit, 901_000_000)[0].0.clone();
        assert_eq!(old, "gpt-4o at openai, key 2: 8.00 % left, said 15m ago");
        let bare = LimitEvent { upstream: "a".to_owned(), requests_per_minute: Some(2), ..LimitEvent::default() };
        let [brief, figures] = lines(&bare, 4_000_000).map(|(text, _)| text);
        assert_eq!(
            (brief.as_str(), figures.as_str()),
            ("any model at a: no limit is told", "  2 calls, – tokens a minute")
        );
    }
}

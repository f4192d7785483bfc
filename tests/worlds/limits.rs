//! What a gateway knows of limits, for the screens.

use super::{HOSTILE, NOW, SECOND};
use llmtop::event::LimitEvent;

/// One limit that is nearly used up, one that is closed, and one with room.
pub fn headroom() -> Vec<LimitEvent> {
    let of = |model: &str, key: &str, left: u64| LimitEvent {
        ts_us: Some(NOW - 2 * SECOND),
        upstream: "openai".to_owned(),
        key: key.to_owned(),
        model: model.to_owned(),
        requests_per_minute: Some(412),
        tokens_per_minute: Some(1_204_000),
        requests_limit: Some(500),
        requests_remaining: Some(left),
        tokens_limit: Some(2_000_000),
        tokens_remaining: Some(900_000),
        ..LimitEvent::default()
    };
    vec![
        LimitEvent { next_429_ms: Some(14_000), queue_calls: Some(3), queue_ms: Some(1_200), ..of("gpt-4.1", "1", 31) },
        LimitEvent { closed_ms: Some(20_000), upstream: "anthropic".to_owned(), ..of("claude-sonnet-4-5", "", 100) },
        of("gpt-4.1-mini", "2", 488),
    ]
}

/// The same with names that break terminals, and numbers at their limits.
pub fn hostile() -> Vec<LimitEvent> {
    let hostile = |(at, limit): (usize, LimitEvent)| LimitEvent {
        ts_us: Some(if at == 0 { i64::MIN } else { i64::MAX }),
        upstream: HOSTILE[at].to_owned(),
        key: HOSTILE[at + 1].to_owned(),
        model: HOSTILE[at + 2].to_owned(),
        requests_limit: Some(0),
        tokens_limit: Some(u64::MAX),
        tokens_remaining: Some(u64::MAX),
        next_429_ms: Some(u64::MAX),
        queue_ms: Some(u64::MAX),
        ..limit
    };
    headroom().into_iter().enumerate().map(hostile).collect()
}

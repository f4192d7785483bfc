//! What is known of limits, as answers tell it and calls use it up.

#![allow(clippy::unwrap_used)]

use super::*;
use crate::proxy::bucket::Refill;

fn lane(model: &str) -> Lane {
    Lane { upstream: "openai".into(), key: "a".into(), model: model.into() }
}

fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

fn window(limit: u64, remaining: u64, reset_at: Instant) -> Option<Quota> {
    Some(Quota { limit: Some(limit), remaining: Some(remaining), reset_at: Some(reset_at), refill: Refill::AtReset })
}

const CALL: Cost = Cost { input: 100, output: 50 };

#[test]
fn calls_go_until_what_is_left_is_used_and_again_after_the_reset() {
    let (limits, now, gpt) = (Limits::default(), Instant::now(), lane("gpt"));
    let first = limits.admit(&gpt, CALL, now).unwrap();
    limits.heard(&gpt, &first, &[window(3, 2, now + seconds(30)), None, None, None], now);
    assert!(limits.admit(&gpt, CALL, now).is_ok() && limits.admit(&gpt, CALL, now).is_ok());
    assert_eq!(limits.admit(&gpt, CALL, now).unwrap_err(), now + seconds(30) + Duration::from_micros(1));
    assert!(limits.admit(&lane("other"), CALL, now).is_ok(), "each has limits of its own");
    assert!(limits.admit(&gpt, CALL, now + seconds(31)).is_ok());
}

#[test]
fn tokens_are_limited_each_by_its_kind() {
    let (limits, now, claude) = (Limits::default(), Instant::now(), lane("claude"));
    let sent = limits.send(&claude, CALL, now);
    let reset = now + seconds(10);
    limits.heard(&claude, &sent, &[None, None, window(1_000, 900, reset), window(100, 60, reset)], now);
    assert!(limits.admit(&claude, Cost { input: 500, output: 50 }, now).is_ok());
    assert!(limits.admit(&claude, Cost { input: 1, output: 50 }, now).is_err(), "ten of output are left");
    let sent = limits.admit(&claude, Cost { input: 400, output: 10 }, now).unwrap();
    assert!(limits.admit(&claude, Cost { input: 1, output: 0 }, now).is_err());
    limits.take_back(&claude, &sent, now);
    assert!(limits.admit(&claude, Cost { input: 1, output: 0 }, now).is_ok(), "it did not go");
}

#[test]
fn what_was_sent_since_the_answer_is_taken_off_and_late_answers_say_nothing() {
    let (limits, now, gpt) = (Limits::default(), Instant::now(), lane("gpt"));
    let sent: Vec<Sent> = (0..5).map(|_| limits.send(&gpt, CALL, now)).collect();
    let told = |remaining| [window(10, remaining, now + seconds(60)), None, None, None];
    let left = || limits.figures(now)[0].left[0].unwrap().remaining;
    limits.heard(&gpt, &sent[2], &told(7), now);
    assert_eq!(left(), 5, "two went after it");
    limits.heard(&gpt, &sent[0], &told(9), now);
    assert_eq!(left(), 5, "older than what is known");
    limits.heard(&gpt, &sent[4], &told(4), now);
    assert_eq!(left(), 4, "another program uses the key too");
}

#[test]
fn a_429_closes_until_its_time() {
    let (limits, now, gpt) = (Limits::default(), Instant::now(), lane("gpt"));
    limits.close(&gpt, seconds(20), now);
    limits.close(&gpt, seconds(5), now);
    assert_eq!(limits.admit(&gpt, CALL, now), Err(now + seconds(20)));
    assert_eq!(limits.figures(now)[0].closed_until, Some(now + seconds(20)));
    assert!(limits.admit(&gpt, CALL, now + seconds(20)).is_ok());
    limits.close(&gpt, Duration::MAX, now);
    assert_eq!(limits.admit(&gpt, CALL, now), Err(now + LONGEST_CLOSED));
}

#[test]
fn rates_headroom_and_the_next_429_are_told() {
    let (limits, now, gpt) = (Limits::default(), Instant::now(), lane("gpt"));
    for call in 0..60 {
        let at = now + seconds(call);
        let sent = limits.send(&gpt, CALL, at);
        limits.used(&gpt, CALL, at);
        let quota = |limit, remaining| {
            Some(Quota { limit: Some(limit), remaining: Some(remaining), reset_at: None, refill: Refill::AtReset })
        };
        limits.heard(&gpt, &sent, &[quota(1_000, 999 - call), quota(90_000, 30_000), None, None], at);
    }
    let now = now + seconds(59);
    let figures = limits.figures(now).remove(0);
    assert_eq!((figures.requests_per_minute, figures.tokens_per_minute), (60, 9_000));
    assert_eq!(figures.left[0].unwrap(), Left { limit: Some(1_000), remaining: 940, full_at: None });
    let until = (figures.next_429.unwrap() - now).as_secs();
    assert!((195..=200).contains(&until), "30000 tokens at 150 a second: {until} s");
}

#[test]
fn the_room_for_many_is_told() {
    let (limits, now, gpt) = (Limits::default(), Instant::now(), lane("gpt"));
    assert_eq!(limits.room_at(&gpt, 1_000, CALL, now), now, "unknown");
    let sent = limits.send(&gpt, CALL, now);
    let steady = Quota { refill: Refill::Steadily, ..window(60, 0, now + seconds(60)).unwrap() };
    limits.heard(&gpt, &sent, &[Some(steady), None, None, None], now);
    assert_eq!((limits.room_at(&gpt, 90, CALL, now) - now).as_secs(), 90);
}

#[test]
fn lanes_are_bounded() {
    let (limits, now) = (Limits::new(3, seconds(100)), Instant::now());
    for (at, model) in ["a", "b", "c", "a", "d"].iter().enumerate() {
        limits.send(&lane(model), CALL, now + seconds(at as u64));
    }
    let models =
        |at: u64| limits.figures(now + seconds(at)).iter().map(|f| f.lane.model.to_string()).collect::<String>();
    assert_eq!(models(5), "acd", "the idle longest went");
    limits.send(&lane("e"), CALL, now + seconds(500));
    assert_eq!(models(500), "e");
    let stale = limits.send(&lane("e"), CALL, now);
    limits.heard(&lane("new"), &stale, &[window(9, 5, now + seconds(700)), None, None, None], now + seconds(501));
    assert!(limits.admit(&lane("new"), CALL, now + seconds(501)).is_ok());
}

//! Who waits before a limit, who goes next, and who is told that it would take too long.

#![allow(clippy::unwrap_used)]

use super::*;
use crate::proxy::bucket::{Quota, Refill};
use tokio::task::JoinHandle;

fn now() -> Instant {
    time::Instant::now().into_std()
}

fn lane() -> Lane {
    Lane { upstream: "openai".into(), key: "a".into(), model: "gpt".into() }
}

const CALL: Cost = Cost { input: 10, output: 10 };

fn wants(user: &str) -> Wants<'_> {
    Wants { who: Who { owner: "key", user }, cost: CALL }
}

/// Later than any test.
fn never() -> Instant {
    now() + Duration::from_secs(86_400)
}

/// A queue before a limit of one call a second, of which none is left.
fn queue(most: usize, longest_ms: u64) -> Arc<Queue> {
    let limits = Arc::new(Limits::default());
    let sent = limits.send(&lane(), CALL, now());
    let quota = Quota {
        limit: Some(60),
        remaining: Some(0),
        reset_at: Some(now() + Duration::from_secs(60)),
        refill: Refill::Steadily,
    };
    limits.heard(&lane(), &sent, &[Some(quota), None, None, None], now());
    Queue::new(Bounds { most, longest: Duration::from_millis(longest_ms) }, limits, now)
}

async fn enter(queue: &Arc<Queue>, user: &'static str) -> JoinHandle<Result<(u64, &'static str), u64>> {
    let queue = Arc::clone(queue);
    let task = tokio::spawn(async move {
        let entered = queue.enter(&lane(), wants(user), never()).await;
        entered.map(|admitted| (admitted.waited.as_secs(), user)).map_err(|overflow| overflow.wait.as_secs())
    });
    tokio::task::yield_now().await;
    task
}

#[tokio::test(start_paused = true)]
async fn calls_go_as_there_is_room_and_users_take_turns() {
    let queue = queue(9, 30_000);
    let mut tasks = Vec::new();
    for user in ["a", "a", "a", "b", "c"] {
        tasks.push(enter(&queue, user).await);
    }
    assert_eq!(queue.depths(), [Depth { lane: lane(), calls: 5, longest: Duration::ZERO }]);
    assert_eq!(queue.expected(&lane(), wants("b")).as_secs(), 5, "two of a, one of b, one of c, and it");
    let mut ends = Vec::new();
    for task in tasks {
        ends.push(task.await.unwrap().unwrap());
    }
    assert_eq!(ends, [(1, "a"), (4, "a"), (5, "a"), (2, "b"), (3, "c")]);
    tokio::task::yield_now().await;
    assert_eq!(queue.depths(), [], "its task is over");
}

#[tokio::test(start_paused = true)]
async fn what_would_wait_too_long_is_told_at_once() {
    let queue = queue(99, 3_500);
    let tasks = [enter(&queue, "a").await, enter(&queue, "a").await, enter(&queue, "a").await];
    assert_eq!(queue.enter(&lane(), wants("a"), never()).await.unwrap_err().wait.as_secs(), 4);
    let other = enter(&queue, "b").await;
    assert_eq!(other.await.unwrap(), Ok((2, "b")));
    let mut ends = Vec::new();
    for task in tasks {
        ends.push(task.await.unwrap());
    }
    assert_eq!(ends[..2], [Ok((1, "a")), Ok((3, "a"))]);
    assert_eq!(ends[2], Err(0), "it waited its time, as another came between");
}

#[tokio::test(start_paused = true)]
async fn a_full_line_makes_room_for_who_has_less() {
    let queue = queue(2, 30_000);
    let (first, second) = (enter(&queue, "a").await, enter(&queue, "a").await);
    assert_eq!(enter(&queue, "a").await.await.unwrap(), Err(3));
    let other = enter(&queue, "b").await;
    assert!(second.await.unwrap().is_err(), "it gives way");
    assert_eq!((first.await.unwrap(), other.await.unwrap()), (Ok((1, "a")), Ok((2, "b"))));
}

#[tokio::test(start_paused = true)]
async fn who_is_dropped_is_gone_at_once() {
    let queue = queue(9, 30_000);
    let (gone, stays) = (enter(&queue, "a").await, enter(&queue, "b").await);
    gone.abort();
    assert!(gone.await.unwrap_err().is_cancelled());
    assert_eq!(queue.depths()[0].calls, 1);
    assert_eq!(stays.await.unwrap(), Ok((1, "b")));
}

#[tokio::test(start_paused = true)]
async fn one_that_was_let_go_and_left_is_taken_back() {
    let queue = queue(9, 30_000);
    let lane = lane();
    let Ok(Stand::Waits(place)) = queue.stand(&lane, wants("a"), now(), Duration::from_secs(30)) else {
        panic!("it waits")
    };
    time::advance(Duration::from_millis(1_001)).await;
    assert!(matches!(queue.release(&lane), Next::End));
    assert!(queue.limits.admit(&lane, CALL, now()).is_err(), "its place is taken");
    drop(place);
    assert!(queue.limits.admit(&lane, CALL, now()).is_ok());
}

#[tokio::test(start_paused = true)]
async fn news_of_limits_let_calls_go() {
    let queue = queue(9, 30_000);
    let waits = enter(&queue, "a").await;
    let sent = queue.limits.send(&lane(), CALL, now());
    let quota = Quota { limit: Some(60), remaining: Some(50), reset_at: None, refill: Refill::Steadily };
    queue.limits.heard(&lane(), &sent, &[Some(quota), None, None, None], now());
    queue.look_again(&lane());
    assert_eq!(waits.await.unwrap(), Ok((0, "a")));
    assert_eq!(enter(&queue, "a").await.await.unwrap(), Ok((0, "a")), "there is room: no line");
}

#[tokio::test(start_paused = true)]
async fn a_closed_lane_overflows_with_its_time() {
    let queue = queue(9, 30_000);
    queue.limits.close(&lane(), Duration::from_secs(90), now());
    assert_eq!(enter(&queue, "a").await.await.unwrap(), Err(90));
    assert_eq!(queue.depths(), []);
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_beyond_the_end_of_its_call() {
    let queue = queue(9, 30_000);
    let until = now() + Duration::from_millis(500);
    assert_eq!(queue.enter(&lane(), wants("a"), until).await.unwrap_err().wait.as_secs(), 1, "told at once");
    assert_eq!(now(), until - Duration::from_millis(500));
    queue.limits.send(&lane(), CALL, now());
    let _other = enter(&queue, "b").await;
    let until = now() + Duration::from_millis(2_500);
    let late = queue.enter(&lane(), wants("a"), until).await;
    assert!(late.is_err() && now() <= until);
}

#[tokio::test(start_paused = true)]
async fn what_may_go_at_once_does_and_nothing_goes_before_those_that_wait() {
    let queue = queue(9, 30_000);
    assert!(queue.try_enter(&lane(), CALL).is_none());
    time::advance(Duration::from_millis(1_001)).await;
    assert!(queue.try_enter(&lane(), CALL).is_some());
    let waits = enter(&queue, "a").await;
    assert!(queue.try_enter(&lane(), CALL).is_none());
    assert_eq!(waits.await.unwrap(), Ok((1, "a")));
}

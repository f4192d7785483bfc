//! What is held of the throttle: lanes, refusals, figures.

#![allow(clippy::unwrap_used)]
mod refills;

use super::super::breaker::{Breaker, Rule};
use super::super::settings::Upstream;
use super::super::target::{self, Live};
use super::*;
use crate::proxy::identity::short_hash;
use http::{HeaderName, HeaderValue, Uri};

fn throttle(longest: Duration) -> Throttle {
    Throttle::new(Bounds { most: 10, longest })
}

fn target(keys: usize) -> target::Target {
    let live = Arc::new(Live::new(Breaker::new(Rule::default()), keys));
    let mut upstream = Upstream::new("up", Uri::from_static("http://up"), live);
    upstream.keys = (0..keys).map(|n| HeaderValue::from_str(&format!("sk-{n}")).unwrap()).collect();
    target::choose(&[Arc::new(upstream)], clock::now()).unwrap()
}

fn map(headers: &[(&'static str, &'static str)]) -> HeaderMap {
    headers.iter().map(|(k, v)| (HeaderName::from_static(k), HeaderValue::from_static(v))).collect()
}

/// A lane, and whether a call may go there at once.
async fn goes(throttle: &Throttle, lane: &Lane) -> Result<Sent, Duration> {
    let record = Record::new(None);
    throttle.enter(lane, &record).await.map(|admitted| admitted.sent).map_err(|full| full.wait)
}

#[test]
fn a_lane_is_of_an_upstream_a_key_and_a_model_and_has_no_key_in_it() {
    let of = |keys, key: Option<&[u8]>, model| {
        let lane = lane(&target(keys), || key.map(short_hash), model);
        [lane.upstream, lane.key, lane.model].map(|text| text.to_string())
    };
    let hash = short_hash(b"sk-mine");
    assert_eq!(of(0, Some(b"sk-mine"), Some("m")), ["up", hash.as_str(), "m"], "the client's, by its hash");
    assert_eq!(of(2, Some(b"sk-mine"), None), ["up", "1", ""], "the upstream's own, by its number");
    assert_eq!(of(0, None, Some("m")), ["up", "", "m"]);
    assert_ne!(of(0, Some(b"sk-other"), Some("m"))[1], hash);
}

#[tokio::test]
async fn a_refusal_closes_its_lane_and_no_other() {
    let throttle = throttle(Duration::from_secs(1));
    let of = |model| lane(&target(0), || None, Some(model));
    let sent = goes(&throttle, &of("a")).await.unwrap();
    let refused = (StatusCode::TOO_MANY_REQUESTS, &HeaderMap::new());
    throttle.heard((&of("a"), &sent), refused, Some(Duration::from_secs(60)));
    let wait = goes(&throttle, &of("a")).await.unwrap_err();
    assert!((58..=60).contains(&wait.as_secs()), "{wait:?}");
    goes(&throttle, &of("b")).await.unwrap();
}

#[tokio::test]
async fn a_wait_without_a_refusal_and_a_refusal_without_a_wait_close_nothing() {
    let throttle = throttle(Duration::from_secs(1));
    let lane = lane(&target(0), || None, None);
    let sent = goes(&throttle, &lane).await.unwrap();
    let minute = Some(Duration::from_secs(60));
    throttle.heard((&lane, &sent), (StatusCode::SERVICE_UNAVAILABLE, &HeaderMap::new()), minute);
    throttle.heard((&lane, &sent), (StatusCode::TOO_MANY_REQUESTS, &HeaderMap::new()), None);
    goes(&throttle, &lane).await.unwrap();
}

#[tokio::test]
async fn a_limit_that_is_used_up_holds_calls_back_until_one_never_went() {
    let throttle = throttle(Duration::from_millis(10));
    let lane = lane(&target(0), || None, Some("m"));
    let sent = goes(&throttle, &lane).await.unwrap();
    let told = map(&[
        ("x-ratelimit-limit-requests", "60"),
        ("x-ratelimit-remaining-requests", "1"),
        ("x-ratelimit-reset-requests", "59s"),
    ]);
    throttle.heard((&lane, &sent), (StatusCode::OK, &told), None);
    let last = goes(&throttle, &lane).await.unwrap();
    assert!(goes(&throttle, &lane).await.is_err());
    throttle.take_back(&lane, &last);
    goes(&throttle, &lane).await.unwrap();
}

#[tokio::test]
async fn what_is_known_is_told_and_nothing_breaks_out_of_its_label() {
    let throttle = throttle(Duration::from_secs(1));
    let lane = lane(&target(0), || None, Some("a\"b\\c\nd"));
    let sent = goes(&throttle, &lane).await.unwrap();
    let told = map(&[
        ("anthropic-ratelimit-input-tokens-limit", "1000"),
        ("anthropic-ratelimit-input-tokens-remaining", "700"),
        ("anthropic-ratelimit-input-tokens-reset", "2099-01-01T00:00:00Z"),
    ]);
    throttle.heard((&lane, &sent), (StatusCode::OK, &told), None);
    let mut out = String::new();
    throttle.write(&mut out);
    let labels = "upstream=\"up\",key=\"\",gen_ai_request_model=\"a\\\"b\\\\cd\"";
    assert!(out.contains(&format!("llmtop_proxy_limit_remaining{{{labels},limit=\"input_tokens\"}} 700\n")), "{out}");
    assert!(!out.contains("limit=\"requests\""), "what nobody told is unknown: {out}");
    for line in out.lines().filter(|line| !line.starts_with('#')) {
        assert!(line.rsplit_once(' ').is_some_and(|(_, value)| value.parse::<f64>().is_ok()), "{line}");
    }
}

#[test]
fn headers_of_other_things_tell_nothing() {
    let told = |headers: &[(&'static str, &'static str)]| told(&map(headers), (clock::now(), clock::now_us()));
    assert!(told(&[("x-limit-of-patience", "3"), ("retry-after", "5")]).is_none());
    assert!(told(&[("x-ratelimit-remaining-requests", "many")]).is_none());
    assert!(told(&[("x-ratelimit-remaining-requests", "3")]).is_some());
}

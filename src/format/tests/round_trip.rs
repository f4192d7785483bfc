//! What is written reads back as the same event, and is written again as the same line.

use super::*;
use crate::event::{CacheUse, FailureMode, Outcome, ScoreSource, SpanKind};
use proptest::prelude::*;
use proptest::sample::select;

/// Keeps what an export would have: the last event, owned.
#[derive(Default)]
struct Again(Vec<u8>);

impl Sink for Again {
    fn call(&mut self, call: &Call<'_>) {
        write::call(call, call.identity.unwrap_or_default(), &mut self.0).unwrap();
    }

    fn span(&mut self, span: &SpanEvent<'_>) {
        write::span(span, span.identity.unwrap_or_default(), &mut self.0).unwrap();
    }

    fn score(&mut self, score: &ScoreEvent<'_>) {
        write::score(score, score.identity.unwrap_or_default(), &mut self.0).unwrap();
    }
}

fn told(line: &[u8]) -> Vec<String> {
    let mut sink = Told::default();
    assert_eq!(Decoder::new().decode(line, &mut sink), Verdict::Taken, "{}", line.escape_ascii());
    sink.0
}

/// A written line, read and written again.
fn again(line: &[u8]) -> String {
    let mut sink = Again::default();
    let line = line.trim_ascii_end();
    assert_eq!(Decoder::new().decode(line, &mut sink), Verdict::Taken, "{}", line.escape_ascii());
    String::from_utf8(sink.0).unwrap()
}

/// Text as users and programs write it, hostile to lines and quotes.
fn any_text() -> impl Strategy<Value = Option<Cow<'static, str>>> {
    const TEXTS: &[&str] = &[
        "plain",
        "two\nlines\r\n",
        "quo\"te \\ back",
        "\u{1b}[31m red \u{0}",
        "caf\u{e9} \u{1f600} \u{2028}",
        "[1, 2] ",
        "{\"a\":1}",
        " {\"a\":1}",
        "[{\"role\":\"user\",\"content\":\"hi\"}]",
        "{\"a\":\n1}",
        "[broken",
        "null",
        "12",
        "llm_call",
        "-0.5",
    ];
    prop_oneof![
        Just(None),
        select(TEXTS).prop_map(|text| Some(Cow::Borrowed(text))),
        "\\PC{1,20}".prop_map(|text| Some(Cow::Owned(text))),
    ]
}

fn count(most: u64) -> impl Strategy<Value = Option<u64>> {
    prop_oneof![Just(None), Just(Some(0)), Just(Some(most)), (0..=most).prop_map(Some)]
}

fn time() -> impl Strategy<Value = Option<i64>> {
    (0i64..4_000_000_000_000_000).prop_map(Some)
}

prop_compose! {
    fn numbers()(
        tokens in [count(1_000_000_000), count(1_000_000_000), count(9), count(9), count(9), count(9), count(9), count(9)],
        times in [count(40_000_000_000), count(40_000_000_000), count(9_999), count(1), count(60_000_000)],
        cost in prop::option::of(0i64..=1_000_000_000_000_000),
        http in prop::option::of(100u16..=999),
        (retries, max_tokens) in (prop::option::of(0u32..=1_000_000), count(u64::from(u32::MAX))),
        temperature in prop::option::of(0.0f64..100.0),
        stream in any::<Option<bool>>(),
        outcome in 0u8..15,
    ) -> Call<'static> {
        let [input, output, cached, write, write_1h, reasoning, input_audio, output_audio] = tokens;
        let [latency, ttft, queue, network, retry_after] = times;
        Call {
            input_tokens: input, output_tokens: output, cached_input_tokens: cached, cache_write_tokens: write.or(write_1h),
            cache_write_1h_tokens: write_1h, reasoning_tokens: reasoning, input_audio_tokens: input_audio,
            output_audio_tokens: output_audio, latency_us: latency, ttft_us: ttft,
            queue_us: queue, network_us: network, retry_after_us: retry_after, cost_nusd: cost,
            // A status of failure and an outcome of success contradict each other; no reading gives both.
            http_status: http.filter(|http| outcome > 0 || *http < 400), outcome: Outcome::from_number(outcome),
            retries, max_tokens, temperature, stream, ..Call::default()
        }
    }
}

prop_compose! {
    fn calls()(
        numbers in numbers(),
        ts_us in time(),
        ids in [any_text(), any_text(), any_text(), any_text()],
        who in [any_text(), any_text(), any_text(), any_text(), any_text()],
        what in [any_text(), any_text(), any_text()],
        errors in [any_text(), any_text(), any_text()],
        rest in [any_text(), any_text(), any_text(), any_text()],
        texts in [any_text(), any_text(), any_text()],
        lists in [select(&[None, Some("[{\"name\":\"x\"}]"), Some("[\"a\"]")][..]), select(&[None, Some("[]")][..])],
        cache in select(&[None, Some(CacheUse::Hit), Some(CacheUse::Stale)][..]),
        gateway in select(&[None, Some("{\"upstream\":\"a b\",\"sent_ms\":1.5}")][..]),
        estimated in any::<bool>(),
        identity in any::<i64>(),
    ) -> Call<'static> {
        let [request_id, trace_id, span_id, parent_id] = ids;
        let [user_id, session_id, host, app, environment] = who;
        let [model, provider, operation] = what;
        let [error_type, error_message, fallback_from] = errors;
        let [experiment, variant, service_tier, finish_reason] = rest;
        let [prompt_preview, prompt, response] = texts;
        let identity = request_id.is_none().then_some(identity);
        // Without any of these nothing is said that could be counted.
        let model = model.or(Some(Cow::Borrowed("m")));
        Call {
            ts_us, request_id, trace_id, span_id, parent_id, user_id, session_id, host, app, environment, model, provider,
            operation, error_type, error_message, fallback_from, experiment, variant, service_tier, finish_reason, prompt_preview,
            prompt, response, identity, cache, tags: lists[0].filter(|l| l.starts_with("[\"")).map(Cow::Borrowed),
            tool_calls: lists[0].map(Cow::Borrowed), guardrail: lists[1].map(Cow::Borrowed),
            gateway: gateway.map(Cow::Borrowed), estimated, ..numbers
        }
    }
}

prop_compose! {
    fn spans()(
        ts_us in time(), ids in [any_text(), any_text(), any_text(), any_text()], name in any_text(),
        latency_us in count(9_999_999), ok in any::<Option<bool>>(), message in any_text(), identity in any::<i64>(),
        kind in select(&SpanKind::ALL[..]),
        attrs in select(&[None, Some("{\"retrieved\":[\"a\"],\"cited\":2}"), Some("{\"input\":\"x\\ny\"}")][..]),
    ) -> SpanEvent<'static> {
        let [span_id, parent_id, user_id, session_id] = ids;
        SpanEvent {
            ts_us, kind, name, trace_id: Some("t".into()), identity: span_id.is_none().then_some(identity), span_id,
            parent_id, user_id, session_id, latency_us,
            // A message without a word on success speaks of failure.
            ok: ok.or(message.as_ref().map(|_| false)), error_message: message, attrs: attrs.map(Cow::Borrowed),
        }
    }
}

prop_compose! {
    fn scores()(
        ts_us in time(), ids in [any_text(), any_text(), any_text(), any_text()], comment in any_text(),
        value in -1e12f64..1e12, source in prop::option::of(select(&ScoreSource::ALL[..])), identity in any::<i64>(),
    ) -> ScoreEvent<'static> {
        let [score_id, request_id, trace_id, user_id] = ids;
        ScoreEvent {
            ts_us, identity: score_id.is_none().then_some(identity), score_id, name: "thumbs".into(), value, source,
            request_id, trace_id, user_id, comment,
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, ..ProptestConfig::default() })]

    #[test]
    fn a_call_comes_back_whole(call in calls()) {
        let mut line = Vec::new();
        write::call(&call, call.identity.unwrap_or_default(), &mut line).unwrap();
        prop_assert_eq!(told(line.trim_ascii_end()), vec![format!("{call:?}")]);
        prop_assert_eq!(again(&line).into_bytes(), line);
    }

    #[test]
    fn a_span_comes_back_whole(span in spans()) {
        let mut line = Vec::new();
        write::span(&span, span.identity.unwrap_or_default(), &mut line).unwrap();
        prop_assert_eq!(told(line.trim_ascii_end()), vec![format!("{span:?}")]);
        prop_assert_eq!(again(&line).into_bytes(), line);
    }

    #[test]
    fn a_score_comes_back_whole(score in scores()) {
        let mut line = Vec::new();
        write::score(&score, score.identity.unwrap_or_default(), &mut line).unwrap();
        prop_assert_eq!(told(line.trim_ascii_end()), vec![format!("{score:?}")]);
        prop_assert_eq!(again(&line).into_bytes(), line);
    }
}

#[test]
fn the_outcome_found_once_stays_whatever_else_is_said() {
    let line =
        br#"{"event":"llm_call","request_id":"r","status":"error","http_status":500,"failure_mode":"rate_limit"}"#;
    assert!(told(line)[0].contains(&format!("{:?}", Outcome::Failed(FailureMode::RateLimit))));
    let other =
        br#"{"event":"llm_call","request_id":"r","status":"error","http_status":500,"failure_mode":"gremlins"}"#;
    assert!(told(other)[0].contains(&format!("{:?}", Outcome::Failed(FailureMode::ServerError))));
}

#[test]
fn deep_text_is_written_so_that_the_line_reads() {
    for depth in [100, 125, 126, 127, 128, 300] {
        let deep = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        let call = Call {
            model: Some("m".into()),
            request_id: Some("r".into()),
            prompt: Some(deep.into()),
            ..Call::default()
        };
        let mut line = Vec::new();
        write::call(&call, 0, &mut line).unwrap();
        assert_eq!(told(line.trim_ascii_end()), [format!("{call:?}")], "{depth}");
    }
}

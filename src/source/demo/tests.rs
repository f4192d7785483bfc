//! What the demo promises: order, repetition, and that every pane has something true to show.

use super::catalog::{GPT_4_1, Tokens};
use super::*;
use crate::event::{Call, FailureMode, Reason, ScoreEvent, Sink, SpanEvent, Verdict};
use crate::format::Decoder;
use serde_json::Value;
use std::collections::{HashMap, HashSet};

const START: i64 = 1_760_000_000_000_000;
const HOUR: i64 = 3_600_000_000;

fn events(seed: u64, hours: i64, busy: f64) -> Vec<(i64, Value)> {
    Demo::new(seed, START)
        .times(busy)
        .take_while(|(ts, _)| *ts < START + hours * HOUR)
        .map(|(ts, line)| (ts, serde_json::from_str(&line).expect("every line is JSON")))
        .collect()
}

fn text<'v>(event: &'v Value, key: &str) -> &'v str {
    event[key].as_str().unwrap_or_default()
}

fn of_kind<'v>(events: &'v [(i64, Value)], kind: &str) -> Vec<&'v Value> {
    events.iter().map(|(_, e)| e).filter(|e| text(e, "event") == kind).collect()
}

fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (sum, n) = values.fold((0.0, 0.0), |(sum, n), v| (sum + v, n + 1.0));
    sum / n
}

#[test]
fn a_seed_repeats_and_another_differs() {
    let take = |seed| Demo::new(seed, START).take(500).collect::<Vec<_>>();
    assert_eq!(take(1), take(1));
    assert_ne!(take(1), take(2));
}

#[test]
fn events_come_in_the_order_of_their_own_timestamps() {
    let events = events(3, 1, 0.5);
    assert!(events.len() > 8_000, "{}", events.len());
    assert!(events.is_sorted_by_key(|(ts, _)| *ts));
    assert!(events.iter().all(|(ts, e)| text(e, "timestamp") == crate::units::rfc3339(*ts)));
    assert!(events[0].0 >= START);
}

#[test]
fn calls_cover_models_providers_failures_and_variants() {
    let events = events(11, 2, 0.6);
    let calls = of_kind(&events, "llm_call");
    let values = |key: &str| calls.iter().map(|c| text(c, key)).filter(|v| !v.is_empty()).collect::<HashSet<_>>();
    assert!(values("model").len() >= 7);
    assert_eq!(values("provider"), HashSet::from(["openai", "anthropic", "gemini", "vllm"]));
    assert_eq!(values("variant"), HashSet::from(["control", "treatment", "plain", "hints", "wordy", "terse"]));
    assert_eq!(values("environment"), HashSet::from(["prod", "staging"]));
    assert_eq!(values("app").len(), 4);
    assert!(values("user_id").len() > 120);
    assert!(values("host").len() >= 6);
    assert_eq!(values("request_id").len(), calls.len(), "request ids are unique");
    let errors = calls.iter().filter(|c| text(c, "status") == "error").count();
    let rate = errors as f64 / calls.len() as f64;
    assert!((0.01..0.06).contains(&rate), "{rate}");
    assert!(values("error_type").len() >= 15, "{:?}", values("error_type"));
    assert!(calls.iter().any(|c| !text(c, "fallback_from").is_empty()));
    assert!(calls.iter().any(|c| c["retry_after_ms"].is_u64() && c["retries"].as_u64() > Some(0)));
    assert!(calls.iter().any(|c| c["guardrail"].is_array()));
    assert!(calls.iter().any(|c| text(c, "cache") == "semantic" && c["cost_usd"].as_f64() == Some(0.0)));
    assert!(calls.iter().filter(|c| text(c, "provider") == "vllm").all(|c| c["cost_usd"].is_null()));
}

#[test]
fn costs_are_the_list_price_of_the_tokens() {
    let events = events(5, 1, 0.4);
    let calls = of_kind(&events, "llm_call").into_iter();
    let mut checked = 0;
    for call in calls.filter(|c| text(c, "model") == GPT_4_1.name && text(c, "cache") != "semantic") {
        let count = |key: &str| call[key].as_u64().unwrap_or(0);
        let Some(cost) = call["cost_usd"].as_f64() else { continue };
        let tokens = Tokens {
            input: count("input_tokens"),
            cached: count("cached_input_tokens"),
            written: count("cache_write_tokens"),
            output: count("output_tokens"),
            reasoning: 0,
        };
        assert!(tokens.cached + tokens.written <= tokens.input);
        let want = GPT_4_1.cost_usd(tokens).expect("a price");
        assert!((cost - want).abs() < 1e-9);
        checked += 1;
    }
    assert!(checked > 200);
}

#[test]
fn the_incident_and_the_experiment_show() {
    let events = events(8, 1, 1.5);
    let latency = |from: i64, to: i64| {
        let span = START + from * 60_000_000..START + to * 60_000_000;
        let inside = events.iter().filter(|(ts, e)| span.contains(ts) && text(e, "model") == GPT_4_1.name);
        mean(inside.filter(|(_, e)| text(e, "status") == "ok").filter_map(|(_, e)| e["latency_ms"].as_f64()))
    };
    assert!(latency(48, 54) > 2.0 * latency(30, 44));
    let output = |variant: &str| {
        let calls = events.iter().filter(|(_, e)| text(e, "variant") == variant && text(e, "cache") == "miss");
        mean(calls.filter_map(|(_, e)| e["output_tokens"].as_f64()))
    };
    assert!(output("treatment") < 0.75 * output("control"));
    let completed = |variant: &str| {
        let of: HashSet<_> =
            events.iter().filter(|(_, e)| text(e, "variant") == variant).map(|(_, e)| text(e, "trace_id")).collect();
        let scores =
            events.iter().filter(|(_, e)| text(e, "name") == "task_completed" && of.contains(text(e, "trace_id")));
        mean(scores.filter_map(|(_, e)| e["value"].as_f64()))
    };
    assert!(completed("treatment") > completed("control") + 0.02);
}

#[test]
fn traces_hang_together() {
    let events = events(21, 2, 0.5);
    let spans = of_kind(&events, "llm_span");
    let kinds: HashSet<_> = spans.iter().map(|s| text(s, "kind")).collect();
    assert_eq!(kinds, HashSet::from(["agent", "tool", "chain", "retrieval", "guardrail"]));
    let ends: HashMap<&str, i64> = events.iter().map(|(ts, e)| (text(e, "span_id"), *ts)).collect();
    let horizon = START + 2 * HOUR - 600_000_000;
    let (mut late, mut inside) = (0, 0);
    for (ts, event) in events.iter().filter(|(ts, e)| *ts < horizon && !text(e, "parent_id").is_empty()) {
        let parent = ends.get(text(event, "parent_id")).expect("every parent is there");
        if ts > parent { late += 1 } else { inside += 1 }
    }
    assert!(late > 10 && inside > 100 * late, "{late} {inside}");
    assert!(spans.iter().any(|s| text(s, "kind") == "tool" && text(s, "status") == "error"));
    let empty = |s: &&Value| s["retrieved"].as_array().is_some_and(Vec::is_empty);
    assert!(spans.iter().filter(|s| empty(s)).count() > 10);
    let (mut retrievals, mut missed, mut made_up) = (0, 0, 0);
    for span in spans.iter().filter(|s| text(s, "kind") == "retrieval") {
        let list = |key: &str| span[key].as_array().cloned().unwrap_or_default();
        retrievals += 1;
        missed += list("relevant").iter().filter(|c| !list("retrieved").contains(c)).count();
        made_up += list("cited").iter().filter(|c| !list("retrieved").contains(c)).count();
        assert!(list("cited").iter().filter(|c| list("retrieved").contains(c)).all(|c| list("relevant").contains(c)));
    }
    assert!(missed > retrievals / 5 && missed < retrievals / 2, "{missed} of {retrievals}");
    assert!(made_up > 10 && made_up < retrievals / 20, "{made_up} of {retrievals}");
}

#[test]
fn scores_follow_what_they_judge() {
    let events = events(4, 2, 0.5);
    let scores = of_kind(&events, "llm_score");
    let names: HashSet<_> = scores.iter().map(|s| text(s, "name")).collect();
    for name in ["task_completed", "hallucination", "relevance", "chunk_utilization", "thumbs", "nps"] {
        assert!(names.contains(name), "{name}");
    }
    let calls: HashMap<&str, i64> = events
        .iter()
        .filter(|(_, e)| text(e, "event") == "llm_call")
        .map(|(ts, e)| (text(e, "request_id"), *ts))
        .collect();
    for (ts, score) in events.iter().filter(|(_, e)| text(e, "event") == "llm_score") {
        assert!(score["value"].is_number() && !text(score, "trace_id").is_empty());
        let judged = text(score, "request_id");
        assert!(judged.is_empty() || calls.get(judged).is_some_and(|call| call < ts));
    }
}

#[test]
fn the_shipped_sample_shows_all_there_is_to_see() {
    let sample = include_str!("../../../fixtures/sample.jsonl");
    assert!(sample.len() < 300_000);
    let events: Vec<Value> = sample.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let other = sample.lines().count() - events.len();
    assert_eq!((events.len(), other), (454, 6), "five ordinary log lines and a broken one");
    for kind in ["llm_call", "llm_span", "llm_score"] {
        assert!(events.iter().filter(|e| text(e, "event") == kind).count() > 50, "{kind}");
    }
    let models: HashSet<_> = events.iter().map(|e| text(e, "model")).filter(|m| !m.is_empty()).collect();
    assert_eq!(models.len(), 8);
    assert!(events.iter().filter(|e| text(e, "status") == "error").count() >= 8);
}

/// Counts events by kind, and calls by what they carry.
#[derive(Default)]
struct Counts {
    calls: usize,
    spans: usize,
    scores: usize,
    modes: HashSet<&'static str>,
    retry_after: usize,
    chunks: usize,
}

impl Sink for Counts {
    fn call(&mut self, call: &Call<'_>) {
        self.calls += 1;
        self.modes.extend(call.outcome.failure().map(FailureMode::word));
        self.retry_after += usize::from(call.retry_after_us.is_some());
        assert!(call.ts_us.is_some() && call.latency_us.is_some() && call.model.is_some() && call.app.is_some());
        assert!(call.ttft_us.is_none_or(|ttft| Some(ttft) <= call.latency_us));
        assert!(call.prompt_preview.is_some() && call.trace_id.is_some() && call.span_id.is_some());
    }

    fn span(&mut self, span: &SpanEvent<'_>) {
        self.spans += 1;
        self.chunks += usize::from(span.attrs.as_ref().is_some_and(|attrs| attrs.contains("retrieved")));
        assert!(span.name.is_some() && span.span_id.is_some() && span.latency_us.is_some() && span.ok.is_some());
    }

    fn score(&mut self, score: &ScoreEvent<'_>) {
        self.scores += 1;
        assert!(score.score_id.is_some() && score.source.is_some() && score.target().is_some());
    }
}

#[test]
fn llmtop_itself_reads_every_line() {
    let (mut decoder, mut counts) = (Decoder::new(), Counts::default());
    for (_, line) in Demo::new(1, START).take_while(|(ts, _)| *ts < START + HOUR) {
        assert_eq!(decoder.decode(line.as_bytes(), &mut counts), Verdict::Taken, "{line}");
    }
    assert!(counts.calls > 15_000 && counts.spans > 10_000 && counts.scores > 5_000 && counts.chunks > 4_000);
    assert!(counts.modes.len() >= 13, "{:?}", counts.modes);
    assert!(counts.retry_after > 50);
}

#[test]
fn the_sample_holds_what_the_readme_shows() {
    let (mut decoder, mut counts) = (Decoder::new(), Counts::default());
    let verdicts: Vec<Verdict> = include_str!("../../../fixtures/sample.jsonl")
        .lines()
        .map(|line| decoder.decode(line.as_bytes(), &mut counts))
        .collect();
    let of = |verdict: Verdict| verdicts.iter().filter(|v| **v == verdict).count();
    assert_eq!((of(Verdict::Taken), of(Verdict::Skipped)), (454, 5));
    assert_eq!(of(Verdict::Rejected(Reason::InvalidJson)), 1);
    assert_eq!((counts.calls, counts.spans, counts.scores), (221, 145, 88));
    assert!(counts.modes.len() >= 7, "{:?}", counts.modes);
}

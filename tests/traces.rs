//! Traces through the whole program: a realistic agent whose parts come in any order, from any files; by every id it has; in
//! every form.

mod common;

use common::Rng;
use common::program::Home;
use serde_json::Value;
use std::collections::HashSet;

const EVENTS: &str = include_str!("../fixtures/scenarios/agent/events.jsonl");
const AGENT: &str = "9f3c0a71d2b84e55a1c06f7be2d94310";

fn home() -> Home {
    let home = Home::new();
    home.ingest(&home.write("events.jsonl", EVENTS));
    home
}

fn json(home: &Home, id: &str) -> Value {
    serde_json::from_str(&home.run(["trace", id, "--format", "json"]).good()).expect("JSON")
}

fn text(home: &Home, id: &str) -> String {
    home.run(["trace", id, "--utc"]).good()
}

fn part<'v>(trace: &'v Value, span: &str) -> &'v Value {
    let parts = trace["parts"].as_array().expect("parts");
    parts.iter().find(|part| part["span_id"] == span).unwrap_or_else(|| panic!("{span}"))
}

#[test]
fn an_agent_is_told_as_it_was() {
    let home = home();
    insta::assert_snapshot!("agent", text(&home, AGENT));
    insta::assert_snapshot!("loop", text(&home, "loop-1"));
    insta::assert_snapshot!("session", text(&home, "s_42"));
    let trace = json(&home, AGENT);
    assert_eq!((&trace["trace"]["latency_ms"], &trace["trace"]["outcome"]), (&12_900.0.into(), &"completed".into()));
    assert_eq!((&trace["trace"]["calls"], &trace["trace"]["tools"]), (&3.into(), &8.into()));
    // What took longest, and why: 4.4 s of the third try and the two before it.
    assert_eq!(
        (&trace["critical_path"][0]["name"], &trace["critical_path"][0]["ms"]),
        (&"carrier_status".into(), &6_900.0.into())
    );
    let spent: f64 = trace["critical_path"].as_array().expect("a list").iter().filter_map(|b| b["ms"].as_f64()).sum();
    assert!((spent - 12_900.0).abs() < 1e-6, "{spent}");
    assert_eq!((&part(&trace, "t4")["retry"], &part(&trace, "t9")["late"]), (&2.into(), &true.into()));
    assert_eq!((&part(&trace, "t10")["link"], &part(&trace, "t5")["critical_ms"]), (&"orphan".into(), &0.0.into()));
    let attempt = part(&trace, "req_2-1");
    let call = &trace["parts"][attempt["parent"].as_u64().expect("a parent") as usize];
    assert_eq!((&call["request_id"], &attempt["kind"]), (&"req_2".into(), &"attempt".into()));
}

#[test]
fn parts_come_in_any_order_and_from_anywhere() {
    let want = [AGENT, "loop-1", "s_42"].map(|id| json(&home(), id));
    for seed in 0..4 {
        let mut rng = Rng(seed);
        let mut lines: Vec<&str> = EVENTS.lines().collect();
        rng.shuffle(&mut lines);
        let home = Home::new();
        let (early, late) = lines.split_at(1 + rng.below(lines.len() as u64 - 2) as usize);
        for (name, lines) in [("a.jsonl", early), ("b.jsonl", late)] {
            home.ingest(&home.write(name, lines.join("\n") + "\n"));
        }
        assert_eq!([AGENT, "loop-1", "s_42"].map(|id| json(&home, id)), want, "{seed}");
    }
}

#[test]
fn every_id_leads_there() {
    let home = home();
    assert_eq!(json(&home, "req_2"), json(&home, AGENT));
    let alone = json(&home, "req_s");
    assert_eq!((&alone["trace"]["id"], &alone["trace"]["calls"]), (&"req_s".into(), &1.into()));
    let told = json(&home, "s_42");
    let so_far: Vec<f64> =
        told["turns"].as_array().expect("turns").iter().filter_map(|t| t["so_far_usd"].as_f64()).collect();
    assert_eq!(so_far, [0.02476, 0.03316, 0.03448]);
    let err = home.run(["trace", "nothing"]).bad();
    assert!(err.contains("has no trace, request or session \"nothing\""), "{err}");
    // Logs that are named need no store.
    let other = Home::new();
    other.write("events.jsonl", EVENTS);
    let found = other.run(["trace", AGENT, "events.jsonl", "--format", "json"]).good();
    assert_eq!(serde_json::from_str::<Value>(&found).expect("JSON"), json(&home, AGENT));
}

#[test]
fn input_and_output_are_told_only_when_asked_for() {
    let home = home();
    for form in ["json", "otlp"] {
        let masked = home.run(["trace", AGENT, "--format", form]).good();
        let open = home.run(["trace", AGENT, "--format", form, "--unmask"]).good();
        for secret in ["Stop the second parcel", "in transit", "may a parcel be stopped"] {
            assert!(!masked.contains(secret) && open.contains(secret), "{form}: {secret}");
        }
        assert!(masked.contains("carrier API: 502 Bad Gateway") && masked.contains("cited"));
    }
}

#[test]
fn spans_of_opentelemetry_have_ids_that_it_takes() {
    let home = home();
    for id in [AGENT, "loop-1"] {
        let request: Value = serde_json::from_str(&home.run(["trace", id, "--format", "otlp"]).good()).expect("JSON");
        let spans = request["resourceSpans"][0]["scopeSpans"][0]["spans"].as_array().expect("spans").clone();
        let text = |span: &Value, key: &str| span[key].as_str().expect("text").to_owned();
        let hex = |id: &str, digits| id.len() == digits && id.bytes().all(|b| b.is_ascii_hexdigit());
        let ids: HashSet<String> = spans.iter().map(|span| text(span, "spanId")).collect();
        assert_eq!(ids.len(), spans.len());
        for span in &spans {
            assert!(hex(&text(span, "traceId"), 32) && hex(&text(span, "spanId"), 16), "{span}");
            let parent = text(span, "parentSpanId");
            assert!(parent.is_empty() || ids.contains(&parent), "{span}");
            let (start, end) = (text(span, "startTimeUnixNano"), text(span, "endTimeUnixNano"));
            assert!(start.parse::<u64>().expect("ns") <= end.parse::<u64>().expect("ns"));
        }
        assert_eq!(text(&spans[0], "traceId") == id, id == AGENT, "only what is none is replaced");
        let call = spans.iter().find(|span| span["kind"] == 3).expect("a call");
        assert_eq!(text(call, "name"), "chat gpt-4.1");
        let attributes = call["attributes"].as_array().expect("attributes");
        let of = |key: &str| &attributes.iter().find(|a| a["key"] == key).unwrap_or_else(|| panic!("{key}"))["value"];
        assert_eq!(of("gen_ai.request.model")["stringValue"], "gpt-4.1");
        assert_eq!(of("gen_ai.provider.name")["stringValue"], "openai");
        assert!(of("gen_ai.usage.input_tokens")["intValue"].is_string());
    }
    assert!(home.run(["trace", "s_42", "--format", "otlp"]).bad().contains("is a session"));
}

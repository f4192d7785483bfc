//! What each protocol's counts mean for a bill: `fixtures/protocols.json` has for each a call as it comes, and by hand the
//! buckets that a price stands for, none of which overlaps another.

use super::*;
use serde_json::{Map, Value, json};

/// The protocols, each with its name.
fn protocols() -> Vec<(String, Value)> {
    let text = include_str!("../../../fixtures/protocols.json");
    let list: Vec<Value> = serde_json::from_str(text).unwrap();
    list.into_iter().map(|case| (case["protocol"].as_str().unwrap().to_owned(), case)).collect()
}

/// A call of these fields, in the order in which they are given or in the opposite one.
fn line<'v>(fields: impl Iterator<Item = (&'v String, &'v Value)>) -> String {
    let fields: Vec<String> = fields.map(|(name, value)| format!("{}:{value}", json!(name))).collect();
    format!(r#"{{"event":"llm_call","request_id":"r",{}}}"#, fields.join(","))
}

/// The same values with the keys of every object in the opposite order.
fn turned(value: &Value) -> String {
    match value {
        Value::Object(map) => {
            let entries: Vec<String> = map.iter().rev().map(|(k, v)| format!("{}:{}", json!(k), turned(v))).collect();
            format!("{{{}}}", entries.join(","))
        }
        other => other.to_string(),
    }
}

/// The buckets of a call: what is a part is taken out of its whole.
fn buckets(call: &Value) -> Value {
    let count = |field: &str| call[field].as_u64().unwrap_or(0);
    let part = |whole: u64, parts: u64| whole.checked_sub(parts).expect("a part is within its whole");
    let (read, write, write_1h) =
        (count("cached_input_tokens"), count("cache_write_tokens"), count("cache_write_1h_tokens"));
    let (heard, said, reasoning) =
        (count("input_audio_tokens"), count("output_audio_tokens"), count("reasoning_tokens"));
    json!({
        "input": part(count("input_tokens"), read + write + heard), "cache_read": read,
        "cache_write_5m": part(write, write_1h), "cache_write_1h": write_1h, "audio_input": heard,
        "output": part(count("output_tokens"), said + reasoning), "reasoning": reasoning, "audio_output": said,
    })
}

#[test]
fn every_protocol_falls_into_buckets_that_do_not_overlap() {
    for (name, case) in protocols() {
        let fields: &Map<String, Value> = case["event"].as_object().unwrap();
        let call = event(&line(fields.iter()))["call"].take();
        assert_eq!(buckets(&call), case["buckets"], "{name}");
        assert_eq!(call["service_tier"], case["tier"], "{name}");
    }
}

#[test]
fn the_order_of_counts_does_not_matter() {
    for (name, case) in protocols() {
        let mut fields = case["event"].as_object().unwrap().clone();
        let straight = event(&line(fields.iter()));
        fields.insert("event".into(), json!("llm_call"));
        fields.insert("request_id".into(), json!("r"));
        assert_eq!(event(&turned(&Value::Object(fields))), straight, "{name}");
    }
}

#[test]
fn an_export_of_any_protocol_reads_as_the_same_call() {
    struct Export(Vec<u8>);
    impl Sink for Export {
        fn call(&mut self, call: &Call<'_>) {
            write::call(call, 0, &mut self.0).unwrap();
        }
        fn span(&mut self, _: &SpanEvent<'_>) {}
        fn score(&mut self, _: &ScoreEvent<'_>) {}
    }
    for (name, case) in protocols() {
        let line = line(case["event"].as_object().unwrap().iter());
        let mut export = Export(Vec::new());
        assert_eq!(Decoder::new().decode(line.as_bytes(), &mut export), Verdict::Taken, "{name}");
        assert_eq!(event(std::str::from_utf8(&export.0).unwrap().trim_end()), event(&line), "{name}");
    }
}

#[test]
fn parts_larger_than_their_total_stay_as_they_came() {
    let cases = [
        (r#""prompt_tokens":10,"prompt_tokens_details":{"cached_tokens":64}"#, ["10", "64", "null"]),
        (r#""input_tokens":10,"cached_input_tokens":64,"cache_write_tokens":3"#, ["10", "64", "3"]),
        (r#""gen_ai.usage.input_tokens":10,"gen_ai.usage.cache_read.input_tokens":64"#, ["10", "64", "null"]),
        (r#""input_tokens":0,"input_audio_tokens":5,"cached_input_tokens":0"#, ["0", "0", "null"]),
    ];
    for (fields, want) in cases {
        let call = call(fields);
        let got = ["input_tokens", "cached_input_tokens", "cache_write_tokens"].map(|f| call[f].to_string());
        assert_eq!(got, want, "{fields}");
    }
    let call = call(r#""output_tokens":4,"reasoning_tokens":9,"cache_write_tokens":1,"cache_write_1h_tokens":2"#);
    assert_eq!((&call["output_tokens"], &call["reasoning_tokens"]), (&json!(4), &json!(9)));
    assert_eq!((&call["cache_write_tokens"], &call["cache_write_1h_tokens"]), (&json!(1), &json!(2)));
}

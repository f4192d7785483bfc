//! Lines by example: aliases, units, times, spans, scores, and everything that is refused.

use super::*;
use serde_json::{Value, json};

#[test]
fn the_example_of_the_mission_is_an_event() {
    let line = r#"{"event":"llm_call","request_id":"abc","model":"gpt-4o","input_tokens":812,"output_tokens":243,"latency_ms":1834,"prompt_preview":"Hi"}"#;
    let want = json!({"call": {"request_id": "abc", "model": "gpt-4o", "input_tokens": 812, "output_tokens": 243,
        "latency_us": 1_834_000, "prompt_preview": "Hi", "outcome": "ok"}});
    assert_eq!(event(line), want);
}

#[test]
fn aliases_and_units_lead_to_one_field() {
    let cases = [
        (r#""prompt_tokens":3"#, "input_tokens", json!(3)),
        (r#""completionTokens":3"#, "output_tokens", json!(3)),
        (r#""latency":1.5"#, "latency_us", json!(1_500_000)),
        (r#""duration":"1.5s""#, "latency_us", json!(1_500_000)),
        (r#""latency_ms":"1500""#, "latency_us", json!(1_500_000)),
        (r#""durationMs":1500"#, "latency_us", json!(1_500_000)),
        (r#""response_time":1.5"#, "latency_us", json!(1_500_000)),
        (r#""latency_ns":1500000000"#, "latency_us", json!(1_500_000)),
        (r#""start_time":1700000000,"end_time":1700000001.5"#, "latency_us", json!(1_500_000)),
        (r#""startTime":1700000000.0,"completionStartTime":1700000000.25"#, "ttft_us", json!(250_000)),
        (r#""time_to_first_token":0.25"#, "ttft_us", json!(250_000)),
        (r#""retry_after":2"#, "retry_after_us", json!(2_000_000)),
        (r#""response_cost":0.002"#, "cost_nusd", json!(2_000_000)),
        (r#""attempts":3"#, "retries", json!(2)),
        (r#""cache_hit":true"#, "cache", json!("hit")),
        (r#""traceId":"t""#, "trace_id", json!("t")),
        (r#""user":{"id":7}"#, "user_id", json!("7")),
        (r#""gen_ai":{"request":{"model":"a"},"response":{"model":"b"}}"#, "model", json!("b")),
        (r#""gen_ai.request.model":"a""#, "model", json!("a")),
        (r#""model":"m","response_model":"n""#, "model", json!("m")),
        (r#""messages":[{"role":"user"}]"#, "prompt", json!(r#"[{"role":"user"}]"#)),
        (r#""gen_ai.response.finish_reasons":["stop"]"#, "finish_reason", json!("stop")),
        (r#""stream":"true""#, "stream", json!(true)),
        (r#""max_tokens":-1"#, "max_tokens", Value::Null),
        (r#""user_id":"","user":"u""#, "user_id", json!("u")),
        (r#""user_id":null,"user":"u""#, "user_id", json!("u")),
        (r#""service_tier":"flex""#, "service_tier", json!("flex")),
        (r#""serviceTier":null"#, "service_tier", Value::Null),
        (r#""service_tier":"auto","usage":{"service_tier":"batch"}"#, "service_tier", json!("batch")),
        (
            r#""openai.request.service_tier":"auto","openai.response.service_tier":"flex""#,
            "service_tier",
            json!("flex"),
        ),
        (r#""gen_ai":{"openai":{"request":{"service_tier":"flex"}}}"#, "service_tier", json!("flex")),
        (r#""usageMetadata":{"trafficType":"ON_DEMAND"}"#, "service_tier", json!("ON_DEMAND")),
        (r#""usageMetadata":{"trafficType":"ON_DEMAND","serviceTier":"priority"}"#, "service_tier", json!("priority")),
        (r#""guardrail":{"name":"pii","action":"mask"}"#, "guardrail", json!(r#"[{"name":"pii","action":"mask"}]"#)),
    ];
    for (fields, field, want) in cases {
        assert_eq!(call(fields)[field], want, "{fields}");
    }
}

#[test]
fn the_order_of_names_does_not_matter() {
    assert_eq!(call(r#""prompt_tokens":1,"input_tokens":2"#)["input_tokens"], 2);
    assert_eq!(call(r#""input_tokens":2,"prompt_tokens":1"#)["input_tokens"], 2);
    assert_eq!(call(r#""error":"late","error_message":"exact""#)["error_message"], "exact");
}

#[test]
fn errors_keep_their_raw_words() {
    let got = call(r#""error":{"code":"rate_limit_exceeded","type":"tokens","message":"slow"}"#);
    assert_eq!((&got["error_type"], &got["error_message"]), (&json!("rate_limit_exceeded"), &json!("slow")));
    let got = call(r#""error":{"code":429,"status":"RESOURCE_EXHAUSTED","message":"slow"}"#);
    assert_eq!((&got["error_type"], &got["http_status"]), (&json!("RESOURCE_EXHAUSTED"), &json!(429)));
}

#[test]
fn the_time_is_when_it_ended() {
    let cases = [
        (r#""timestamp":1700000005,"end_time":1700000004,"ts":1700000009"#, Some(1_700_000_005_000_000_i64)),
        (r#""end_time":1700000004,"ts":1700000009"#, Some(1_700_000_004_000_000)),
        (r#""ts":"2023-11-14T22:13:29Z""#, Some(1_700_000_009_000_000)),
        (r#""start_time":1700000000,"latency_ms":1500"#, Some(1_700_000_001_500_000)),
        (r#""timestamp":1700000005,"asctime":"Tuesday""#, Some(1_700_000_005_000_000)),
        (r#""start_time":"2024-05-01T00:00:00Z","error":"timeout""#, Some(1_714_521_600_000_000)),
        (r#""start_time":1700000000,"ts":1700000009"#, Some(1_700_000_009_000_000)),
        (r#""timestamp":null"#, None),
        (r#""model":"m""#, None),
    ];
    for (fields, want) in cases {
        assert_eq!(call(fields)["ts_us"].as_i64(), want, "{fields}");
    }
}

#[test]
fn what_no_real_call_can_say_is_refused() {
    let cases = [
        (r#""input_tokens":-1"#, Reason::OutOfRange),
        (r#""latency_ms":-0.5"#, Reason::OutOfRange),
        (r#""latency_ms":1e300"#, Reason::OutOfRange),
        (r#""latency_ms":NaN"#, Reason::OutOfRange),
        (r#""latency_ms":"NaN""#, Reason::OutOfRange),
        (r#""cost_usd":-0.01"#, Reason::OutOfRange),
        (r#""output_tokens":1e400"#, Reason::OutOfRange),
        (r#""http_status":42"#, Reason::OutOfRange),
        (r#""start_time":1700000001,"end_time":1700000000"#, Reason::OutOfRange),
        (r#""output_tokens":10,"total_tokens":9"#, Reason::OutOfRange),
        (r#""input_tokens":"many""#, Reason::WrongType),
        (r#""input_tokens":1.5"#, Reason::WrongType),
        (r#""input_tokens":[1]"#, Reason::WrongType),
        (r#""model":{"name":"m"}"#, Reason::WrongType),
        (r#""model":true"#, Reason::WrongType),
        (r#""timestamp":"yesterday""#, Reason::BadTimestamp),
        (r#""timestamp":"1969-12-31T23:59:59Z""#, Reason::BadTimestamp),
        (r#""timestamp":"2200-01-01T00:00:00Z""#, Reason::BadTimestamp),
        (r#""timestamp":-5"#, Reason::BadTimestamp),
        (r#""asctime":"Tuesday""#, Reason::BadTimestamp),
        (r#""model":"a","model":"b""#, Reason::DuplicateKey),
        (r#""x":1,"x":2"#, Reason::DuplicateKey),
        (r#""usage":{"input_tokens":1,"input_tokens":2}"#, Reason::DuplicateKey),
        (r#""model":"a"#, Reason::InvalidJson),
        (r#""model":"a",}"#, Reason::InvalidJson),
        (r#""model":'a'"#, Reason::InvalidJson),
    ];
    for (fields, want) in cases {
        let line = format!(r#"{{"event":"llm_call","request_id":"r",{fields}}}"#);
        assert_eq!(verdict(&line), Verdict::Rejected(want), "{fields}");
    }
    assert_eq!(call(r#""model":"a","model":"a""#)["model"], "a");
}

#[test]
fn counts_and_costs_that_cannot_be_are_refused_however_they_are_spelled() {
    const FIELDS: &[&str] = &[
        r#""input_tokens":@"#,
        r#""output_tokens":@"#,
        r#""cached_input_tokens":@"#,
        r#""cache_write_1h_tokens":@"#,
        r#""reasoning_tokens":@"#,
        r#""input_audio_tokens":@"#,
        r#""output_audio_tokens":@"#,
        r#""total_tokens":@"#,
        r#""usage":{"prompt_tokens":@}"#,
        r#""usage":{"prompt_tokens_details":{"audio_tokens":@}}"#,
        r#""usage":{"cache_creation":{"ephemeral_5m_input_tokens":@}}"#,
        r#""usageMetadata":{"candidatesTokensDetails":[{"modality":"AUDIO","tokenCount":@}]}"#,
        r#""usageDetails":{"input_cached_tokens":@}"#,
        r#""gen_ai":{"usage":{"output_tokens":@}}"#,
        r#""cost_usd":@"#,
        r#""cost":{"total":@}"#,
        r#""usage":{"cost":@}"#,
    ];
    const VALUES: &[&str] = &[
        "-1",
        "-0.5",
        "-1e-9",
        "\"-1\"",
        "\" -1 \"",
        "\"-1e3\"",
        "1e400",
        "-1e400",
        "\"1e400\"",
        "1e18",
        "99999999999999999999999",
        "\"99999999999999999999999\"",
        "NaN",
        "Infinity",
        "-Infinity",
        "\"NaN\"",
        "\"nan\"",
        "\"-nan\"",
        "\"Infinity\"",
        "\"+inf\"",
        "\"-Infinity\"",
    ];
    for field in FIELDS {
        for value in VALUES {
            let line = format!(r#"{{"event":"llm_call","request_id":"r",{}}}"#, field.replace('@', value));
            assert_eq!(verdict(&line), Verdict::Rejected(Reason::OutOfRange), "{line}");
        }
        for nothing in ["-0.0", "0", "0.0", "\"0\"", "0e9", "-0"] {
            let line = format!(r#"{{"event":"llm_call","request_id":"r",{}}}"#, field.replace('@', nothing));
            assert_eq!(verdict(&line), Verdict::Taken, "{line}");
        }
    }
    assert_eq!(call(r#""cost_usd":-0.0"#)["cost_nusd"], 0);
    assert_eq!(call(r#""input_tokens":-0.0"#)["input_tokens"], 0);
}

#[test]
fn counts_and_costs_are_taken_up_to_their_bounds() {
    let cases = [
        (r#""cost_usd":1000000"#, Ok(json!({"cost_nusd": 1_000_000_000_000_000_i64}))),
        (r#""cost_usd":1000000.000000001"#, Err(Reason::OutOfRange)),
        (r#""cost_usd":"$1000000.01""#, Err(Reason::OutOfRange)),
        (r#""input_tokens":1000000000"#, Ok(json!({"input_tokens": 1_000_000_000}))),
        (r#""input_tokens":1000000001"#, Err(Reason::OutOfRange)),
        // What is added up is held to the same bound.
        (r#""input_tokens":600000000,"cache_read_input_tokens":600000000"#, Err(Reason::OutOfRange)),
        (
            r#""usageMetadata":{"candidatesTokenCount":600000000,"thoughtsTokenCount":600000000}"#,
            Err(Reason::OutOfRange),
        ),
        (
            r#""cache_creation":{"ephemeral_5m_input_tokens":600000000,"ephemeral_1h_input_tokens":600000000}"#,
            Err(Reason::OutOfRange),
        ),
        (
            r#""promptTokensDetails":[{"modality":"AUDIO","tokenCount":600000000},{"modality":"AUDIO","tokenCount":600000000}]"#,
            Err(Reason::OutOfRange),
        ),
    ];
    for (fields, want) in cases {
        match want {
            Ok(want) => want.as_object().unwrap().iter().for_each(|(k, v)| assert_eq!(call(fields)[k], *v, "{fields}")),
            Err(reason) => {
                let line = format!(r#"{{"event":"llm_call","request_id":"r",{fields}}}"#);
                assert_eq!(verdict(&line), Verdict::Rejected(reason), "{fields}");
            }
        }
    }
}

#[test]
fn what_another_name_says_makes_up_for_a_value_that_does_not_read() {
    let cases = [
        (r#""latency_ms":120,"elapsed":"long""#, "latency_us", json!(120_000)),
        (r#""elapsed":"long","latency_ms":120"#, "latency_us", json!(120_000)),
        (r#""latency_ms":"long","elapsed":0.12"#, "latency_us", json!(120_000)),
        (r#""input_tokens":12,"prompt_tokens":"many""#, "input_tokens", json!(12)),
        (r#""user_id":"u","user":true"#, "user_id", json!("u")),
        (r#""timestamp":1700000005,"latency_ms":1,"start_time":"12:00:01""#, "latency_us", json!(1_000)),
        (r#""retries":2,"attempts":"three""#, "retries", json!(2)),
        (r#""elapsed":"0:00:00.120000""#, "latency_us", json!(120_000)),
        (r#""latency":1528151000"#, "latency_us", json!(1_528_151)),
        (r#""latency":1e12"#, "latency_us", Value::Null),
    ];
    for (fields, field, want) in cases {
        assert_eq!(call(fields)[field], want, "{fields}");
    }
    for (fields, want) in [
        (r#""latency_ms":null,"elapsed":"long""#, Reason::WrongType),
        (r#""start_time":"12:00:01","latency_ms":1"#, Reason::BadTimestamp),
        (r#""input_tokens":"many","output_tokens":1"#, Reason::WrongType),
    ] {
        let line = format!(r#"{{"event":"llm_call","request_id":"r",{fields}}}"#);
        assert_eq!(verdict(&line), Verdict::Rejected(want), "{fields}");
    }
}

#[test]
fn every_line_ends_in_one_verdict() {
    let deep = format!(r#"{{"event":"llm_call","x":{}1{}}}"#, "[".repeat(128), "]".repeat(128));
    let cases = [
        ("", Verdict::Skipped),
        ("   \t\r", Verdict::Skipped),
        ("INFO started", Verdict::Skipped),
        ("the llm_call failed", Verdict::Skipped),
        ("calling {model} for llm_call", Verdict::Skipped),
        (r#"{"level":"info","msg":"llm_call done"}"#, Verdict::Skipped),
        (r#"{"event":"user_login","model":5}"#, Verdict::Skipped),
        (r#"["llm_call"]"#, Verdict::Skipped),
        (r#"{"a":1"#, Verdict::Rejected(Reason::InvalidJson)),
        (r#"{"event":"llm_call","mod"#, Verdict::Rejected(Reason::InvalidJson)),
        (r#"INFO {"event":"llm_call","mod"#, Verdict::Rejected(Reason::InvalidJson)),
        (r#"{"event":"llm_call"}"#, Verdict::Rejected(Reason::MissingField)),
        (r#"{"event":"llm_call","host":"h"}"#, Verdict::Rejected(Reason::MissingField)),
        (r#"{"event":"llm_span","name":"x"}"#, Verdict::Rejected(Reason::MissingField)),
        (r#"{"event":"llm_score","name":"x","trace_id":"t"}"#, Verdict::Rejected(Reason::MissingField)),
        (r#"{"event":"llm_score","value":1,"trace_id":"t"}"#, Verdict::Rejected(Reason::MissingField)),
        (r#"{"event":"llm_score","name":"x","value":"good","trace_id":"t"}"#, Verdict::Rejected(Reason::WrongType)),
        (deep.as_str(), Verdict::Rejected(Reason::TooDeep)),
        ("\0\0\0\0", Verdict::Rejected(Reason::NulBytes)),
        ("{\"event\":\"llm_call\",\0\"model\":\"m\"}", Verdict::Rejected(Reason::NulBytes)),
        ("\u{feff}{\"event\":\"llm_call\",\"model\":\"m\"}\r", Verdict::Taken),
        (" {\"event\" : \"llm_call\" , \"model\" : \"m\" } ", Verdict::Taken),
    ];
    for (line, want) in cases {
        assert_eq!(verdict(line), want, "{line}");
    }
    assert_eq!(read(b"{\"event\":\"llm_call\",\"model\":\"\xff\"}").0, Verdict::Rejected(Reason::InvalidUtf8));
    assert_eq!(read(b"caf\xe9").0, Verdict::Rejected(Reason::InvalidUtf8));
}

#[test]
fn spans_keep_what_has_no_field() {
    let line = r#"{"event":"llm_span","kind":"retriever","name":"kb","traceId":"t","id":"s","parent_span_id":"p","timestamp":1700000000,"latency_ms":12.5,"status":"error","error":"index offline again","retrieved":["a","b"],"cited":1,"model":"e","http_status":503,"none":null}"#;
    let want = json!({"span": {"kind": "retrieval", "name": "kb", "trace_id": "t", "span_id": "s", "parent_id": "p",
        "ts_us": 1_700_000_000_000_000_i64, "latency_us": 12_500, "ok": false, "error_message": "index offline again",
        "attrs": r#"{"retrieved":["a","b"],"cited":1,"model":"e","http_status":503}"#}});
    assert_eq!(event(line), want);
    assert_eq!(event(r#"{"event":"llm_span","trace_id":"t","name":"x"}"#)["span"]["kind"], "chain");
    assert_eq!(event(r#"{"event":"llm_span","trace_id":"t","status":"ok"}"#)["span"]["ok"], true);
    assert_eq!(event(r#"{"event":"llm_span","trace_id":"t"}"#)["span"]["ok"], Value::Null);
}

#[test]
fn scores_take_numbers_and_booleans() {
    let line = r#"{"event":"llm_score","id":"sc","name":"thumbs","value":true,"source":"user","request_id":"r","comment":"nice"}"#;
    let want = json!({"score": {"score_id": "sc", "name": "thumbs", "value": 1.0, "source": "user", "request_id": "r",
        "comment": "nice"}});
    assert_eq!(event(line), want);
    assert_eq!(event(r#"{"event":"llm_score","name":"nps","value":-7,"trace_id":"t"}"#)["score"]["value"], -7.0);
    assert_eq!(event(r#"{"event":"llm_score","name":"nps","value":"0.5","trace_id":"t"}"#)["score"]["value"], 0.5);
}

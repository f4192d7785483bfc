//! What is looked into: events in envelopes, envelopes in envelopes, and where the looking ends.

use super::*;
use serde_json::{Value, json};

#[test]
fn envelopes_open_one_in_another() {
    let inner = r#"{"event":"llm_call","model":"m","timestamp":null}"#;
    let logger = json!({"level": "info", "asctime": "2024-01-01 12:00:00,123", "message": inner}).to_string();
    let docker = json!({"log": logger + "\n", "stream": "stdout", "time": "2024-01-01T12:00:05Z"}).to_string();
    assert_eq!(event(&docker)["call"]["ts_us"], 1_704_110_400_123_000_i64);
    let mut nested = inner.to_owned();
    for _ in 0..20 {
        nested = json!({ "message": nested }).to_string();
    }
    assert_eq!(verdict(&nested), Verdict::Skipped);
}

#[test]
fn an_envelope_that_calls_itself_an_event_is_opened_by_both_paths() {
    let inner = r#"{"event":"llm_call","request_id":"r1","model":"m","input_tokens":1}"#;
    for outer in [
        format!(r#"{{"event":"llm_call","level":30,"pid":7,"hostname":"h","data":{inner},"msg":"done"}}"#),
        format!(
            r#"{{"event":"llm_call","pid":7,"level":30,"msg":{},"time":"2025-03-01T10:15:30Z","v":0}}"#,
            serde_json::json!(inner)
        ),
    ] {
        let mut decoder = Decoder::new();
        for line in [inner, &outer, &outer] {
            let mut told = Told::default();
            assert_eq!(decoder.decode(line.as_bytes(), &mut told), Verdict::Taken, "{line}");
            assert!(told.0.len() == 1 && told.0[0].contains("r1"), "{line}");
        }
    }
}

/// How many texts inside of a line are looked at.
fn opened(line: &str) -> usize {
    let mut decoder = Decoder::new();
    assert_eq!(decoder.decode(line.as_bytes(), &mut Told::default()), verdict(line), "{line}");
    MAX_TEXTS - decoder.texts_left
}

#[test]
fn what_is_under_a_key_is_looked_at_once_however_many_loggers_it_fits() {
    let wrap = |inner: Value| json!({"v": 0, "name": "x", "hostname": "h", "level": 30, "time": 1, "ts": 1, "pid": 1, "msg": inner});
    let mut record = json!({"msg": "llm_call"});
    for _ in 0..7 {
        record = wrap(record);
    }
    assert_eq!(opened(&record.to_string()), 7);
}

#[test]
fn a_line_that_branches_at_every_level_is_given_up() {
    let mut record = json!({"msg": "llm_call"});
    for _ in 0..5 {
        let text = record.to_string();
        record = json!({"message": text, "fields": record, "data": record, "context": record});
    }
    assert_eq!(verdict(&record.to_string()), Verdict::Skipped);
    assert_eq!(opened(&record.to_string()), MAX_TEXTS);
    let found =
        json!({"message": "llm_call", "fields": {"x": "llm_call"}, "data": {"event": "llm_call", "model": "m"}});
    assert_eq!(event(&found.to_string())["call"]["model"], "m");
}

#[test]
fn an_event_that_is_refused_is_not_looked_into() {
    let inner = json!({"event": "llm_call", "model": "inner"}).to_string();
    let line = json!({"event": "llm_call", "model": true, "message": inner}).to_string();
    assert_eq!(verdict(&line), Verdict::Rejected(Reason::WrongType));
}

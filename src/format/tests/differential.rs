//! The fast path against the general one: real lines, and what is left of them after bytes flip, keys move, break, come
//! twice or carry odd values. Both must give the same verdict and the same events, whatever lines came before.

use super::*;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

/// Lines of the kinds that logs have, in some orders of keys.
const LINES: &[&str] = &[
    r#"{"event":"llm_call","timestamp":"2025-03-01T10:15:30.123Z","request_id":"req_0a1b2c3d","trace_id":"4bf92f3577b34da6a3ce929d0e0e4736","session_id":"s_9","user_id":"u_1204","host":"web-3","app":"chat","environment":"prod","model":"gpt-4o-mini","provider":"openai","operation":"chat","input_tokens":812,"output_tokens":243,"cached_input_tokens":512,"latency_ms":1834.22,"ttft_ms":312.9,"cost_usd":0.0012345,"status":"ok","http_status":200,"variant":"control","finish_reason":"stop","prompt_preview":"Where is my order? It said Tuesday – and now?"}"#,
    r#"{"event": "llm_call", "timestamp": 1740824130.5, "id": "x1", "model": "claude-sonnet-4", "input_tokens": 12, "cache_read_input_tokens": 2048, "cache_creation_input_tokens": 0, "output_tokens": 88, "latency_s": 2.5, "success": true, "temperature": 0.7, "stream": true}"#,
    r#"{"event":"llm_call","ts":1740824130500,"request_id":"r-2","model":"gemini-2.5-flash","status":"error","http_status":429,"error_type":"RESOURCE_EXHAUSTED","error_message":"quota \"tpm\"\nexceeded \u00e9 \ud83d\ude00","retries":2,"retry_after_ms":1500}"#,
    r#"{"event":"llm_call","request_id":"r-3","model":"gpt-4.1","usage":{"prompt_tokens":10,"completion_tokens":5,"prompt_tokens_details":{"cached_tokens":4,"audio_tokens":3},"service_tier":"batch"},"error":{"type":"server_error","message":"boom","code":null},"tags":["a","b"],"metadata":{"deep":[[1,2],{"x":"]}"}]},"unknown":null}"#,
    r#"{"event":"llm_call","request_id":"r-4","model":"gpt-4o-audio","input_tokens":90,"output_tokens":40,"input_audio_tokens":60,"output_audio_tokens":30,"cache_write_tokens":12,"cache_write_1h_tokens":4,"service_tier":"priority","latency_ms":5}"#,
    r#"{"gen_ai.response.model":"gpt-4o","event":"llm_call","gen_ai.usage.input_tokens":100,"gen_ai.usage.output_tokens":7,"duration":1.25,"caller":"svc.go:12","level":"info"}"#,
    r#"{"event":"llm_span","kind":"tool","name":"search","trace_id":"t1","span_id":"s1","latency_ms":12}"#,
    r#"{"event":"llm_score","name":"thumbs","value":true,"request_id":"r1"}"#,
    r#"{"message":"nothing of interest","level":"info"}"#,
    r#"{"log":"{\"event\":\"llm_call\",\"request_id\":\"d1\",\"model\":\"m\",\"latency_ms\":5}\n","stream":"stdout","time":"2025-03-01T10:15:30.5Z"}"#,
];

/// Keys that events may have, with their own spellings.
const KEYS: &[&str] = &[
    "event",
    "timestamp",
    "ts",
    "start_time",
    "end_time",
    "request_id",
    "id",
    "requestId",
    "model",
    "input_tokens",
    "prompt_tokens",
    "cache_read_input_tokens",
    "total_tokens",
    "output_tokens",
    "latency_ms",
    "latency",
    "cost_usd",
    "status",
    "success",
    "error",
    "error_code",
    "http_status",
    "retries",
    "attempts",
    "cache",
    "temperature",
    "max_tokens",
    "stream",
    "tags",
    "usage",
    "prompt",
    "messages",
    "finish_reason",
    "guardrail",
    "gateway",
    "unknown",
    "x",
    "mod\\u0065l",
    "",
    "user",
    "host",
    "tool_calls",
    "llmtop_id",
    "failure_mode",
    "elapsed",
    "error_message",
    "failure",
    "usageMetadata",
    "message",
    "service_tier",
    "input_audio_tokens",
    "output_audio_tokens",
    "prompt_tokens_details",
    "promptTokensDetails",
    "usage_details",
    "cache_creation",
    "cacheDetails",
    "cache_write_tokens",
    "cost",
];

/// Values that are right for some key and odd for others.
const VALUES: &[&str] = &[
    "null",
    "true",
    "false",
    "0",
    "1",
    "-1",
    "12",
    "007",
    "3.5",
    "1e3",
    "1E400",
    "-0",
    "0.1e-2",
    "123456789012345678901",
    "0.30000000000000004",
    "12345678.12345678901",
    "1740824130",
    "1740824130123456789",
    "99999999999",
    "\"\"",
    "\"ok\"",
    "\"error\"",
    "\"429\"",
    "\"12\"",
    "\"NaN\"",
    "\"llm_call\"",
    "\"llm_span\"",
    "\"1.5s\"",
    "\"2025-03-01T10:15:30Z\"",
    "\"2025-03-01 10:15:30,5\"",
    "\"a\\\"b\"",
    "\"\\ud83d\"",
    "\"\\q\"",
    "\"caf\u{e9}\"",
    "[]",
    "{}",
    "[1,2]",
    "[\"a\"]",
    "{\"input_tokens\":5,\"output_tokens\":1}",
    "{\"input_tokens\":5,\"input_tokens\":6}",
    "{\"id\":\"u\"}",
    "{\"code\":429,\"message\":\"m\"}",
    "[[[[]]]]",
    "[1",
    "NaN",
    "tru",
    "\"hit\"",
    "\"tab\there\"",
    "\"00c0ffee00c0ffee\"",
    "\"rate_limit\"",
    "\"0:00:01.5\"",
    "\"None\"",
    "{\"code\":0,\"message\":\"\"}",
    "{\"promptTokenCount\":10,\"thoughtsTokenCount\":5,\"toolUsePromptTokenCount\":9,\"totalTokenCount\":24}",
    "[{\"modality\":\"AUDIO\",\"tokenCount\":7},{\"modality\":\"TEXT\",\"tokenCount\":3}]",
    "[{\"modality\":\"AUDIO\",\"tokenCount\":-7}]",
    "{\"ephemeral_5m_input_tokens\":4,\"ephemeral_1h_input_tokens\":2}",
    "{\"input\":5,\"output\":1,\"input_cached_tokens\":3,\"total\":9}",
    "{\"cached_tokens\":2,\"audio_tokens\":1}",
    "[{\"ttl\":\"1h\",\"inputTokens\":3},{\"ttl\":\"5m\",\"inputTokens\":1},7]",
    "{\"total\":-1}",
    "1000000000",
    "-0.0",
    "\"priority\"",
    "\"{\\\"event\\\":\\\"llm_call\\\",\\\"model\\\":\\\"inner\\\"}\"",
];

fn told(decoder: &mut Decoder, line: &[u8]) -> (Verdict, Vec<String>) {
    let mut sink = Told::default();
    (decoder.decode(line, &mut sink), sink.0)
}

fn told_slowly(line: &[u8]) -> (Verdict, Vec<String>) {
    let mut sink = Told::default();
    (Decoder::new().decode_slowly(line, &mut sink), sink.0)
}

/// Both paths on some lines in a row, the second time with what the first has taught.
fn compare(lines: &[Vec<u8>]) -> Result<(), TestCaseError> {
    let mut decoder = Decoder::new();
    for line in lines.iter().chain(lines) {
        prop_assert_eq!(told(&mut decoder, line), told_slowly(line), "{}", line.escape_ascii());
    }
    Ok(())
}

/// A change to the bytes of a line.
#[derive(Debug, Clone)]
enum Change {
    Flip(usize, u8),
    Cut(usize),
    Insert(usize, &'static str),
    Remove(usize, usize),
}

fn change() -> impl Strategy<Value = Change> {
    const PIECES: &[&str] = &[
        "\"", "\\", ",", ":", "{", "}", "[", "]", " ", "\t", "\0", "1", "e", ".", "-", "null", "\\u0041", "é", "\u{1}",
    ];
    prop_oneof![
        (0..2_000_usize, any::<u8>()).prop_map(|(at, byte)| Change::Flip(at, byte)),
        (0..2_000_usize).prop_map(Change::Cut),
        (0..2_000_usize, select(PIECES)).prop_map(|(at, piece)| Change::Insert(at, piece)),
        (0..2_000_usize, 1..30_usize).prop_map(|(at, length)| Change::Remove(at, length)),
    ]
}

fn apply(line: &str, changes: &[Change]) -> Vec<u8> {
    let mut bytes = line.as_bytes().to_vec();
    for change in changes {
        let length = bytes.len().max(1);
        match *change {
            Change::Flip(at, byte) => {
                if let Some(place) = bytes.get_mut(at % length) {
                    *place = byte;
                }
            }
            Change::Cut(at) => bytes.truncate(at % length),
            Change::Insert(at, piece) => {
                let at = (at % length).min(bytes.len());
                bytes.splice(at..at, piece.bytes());
            }
            Change::Remove(at, many) => {
                let from = (at % length).min(bytes.len());
                let to = (from + many).min(bytes.len());
                bytes.drain(from..to);
            }
        }
    }
    bytes
}

/// A line made of any keys and values, most of them calls.
fn made_line() -> impl Strategy<Value = Vec<u8>> {
    let pairs = vec((select(KEYS), select(VALUES)), 0..12);
    (
        pairs,
        0..12_usize,
        prop::bool::weighted(0.9),
        select(&[(",", ":"), (", ", ": "), (" , ", " :\t"), (",\u{a0}", ":")][..]),
    )
        .prop_map(|(pairs, at, is_call, (comma, colon))| {
            let mut parts: Vec<String> = pairs.iter().map(|(key, value)| format!("\"{key}\"{colon}{value}")).collect();
            if is_call {
                parts.insert(at.min(parts.len()), format!("\"event\"{colon}\"llm_call\""));
            }
            format!("{{{}}}", parts.join(comma)).into_bytes()
        })
}

/// The keys of a real line in another order, some of them twice.
fn reordered() -> impl Strategy<Value = Vec<u8>> {
    select(LINES)
        .prop_map(|line| {
            let object = Object::parse(line).unwrap();
            let pairs = object.entries.iter().map(|(key, raw)| format!("\"{key}\":{}", raw.get()));
            pairs.collect::<Vec<String>>()
        })
        .prop_flat_map(|pairs| {
            let doubled: Vec<String> = pairs.iter().chain(pairs.iter().take(1)).cloned().collect();
            prop_oneof![Just(pairs), Just(doubled)]
        })
        .prop_shuffle()
        .prop_map(|pairs| format!("{{{}}}", pairs.join(",")).into_bytes())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn broken_lines(picks in vec((select(LINES), vec(change(), 0..3)), 1..5)) {
        let lines: Vec<Vec<u8>> = picks.iter().map(|(line, changes)| apply(line, changes)).collect();
        compare(&lines)?;
    }

    #[test]
    fn made_lines(lines in vec(made_line(), 1..5)) {
        compare(&lines)?;
    }

    #[test]
    fn reordered_lines(lines in vec(reordered(), 1..5)) {
        compare(&lines)?;
    }

    #[test]
    fn any_bytes(line in vec(any::<u8>(), 0..200)) {
        compare(&[line])?;
    }
}

#[test]
fn the_fast_path_takes_the_plain_lines() {
    let mut scanner = fast::Scanner::default();
    for line in LINES.iter().take(6).chain(LINES.iter().take(6)) {
        let mut sink = Told::default();
        assert_eq!(scanner.read(line, &Context::default(), &mut sink), Some(Verdict::Taken), "{line}");
    }
}

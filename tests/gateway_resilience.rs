//! The gateway where things go wrong: what a client does must not harm others, what an upstream does must not reach further
//! than it has to, and a call ends when its time is over, whoever is to blame.

mod gateway_common;

use gateway_common::{Act, Answer, Gateway, Home, Upstream, chunk, json, last_chunk, stream_head};
use serde_json::Value;
use std::io::Write;
use std::time::{Duration, Instant};

const CHAT: &str = "/v1/chat/completions";
const ASK: &[u8] = br#"{"model":"m","messages":[{"role":"user","content":"hi"}]}"#;
const ASK_STREAM: &[u8] = br#"{"model":"m","stream":true,"messages":[{"role":"user","content":"hi"}]}"#;
const ANSWER: &str = r#"{"id":"c1","model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"Hello"},"finish_reason":"stop"}],"usage":{"prompt_tokens":9,"completion_tokens":3}}"#;
const WORD: &str = "data: {\"id\":\"c1\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Hel\"}}]}\n\n";

fn whole() -> Act {
    Act::Send(vec![json("200 OK", "", ANSWER)])
}

fn refusal(status: &str, headers: &str) -> Act {
    Act::Send(vec![json(status, headers, r#"{"error":{"message":"no"}}"#)])
}

/// A gateway before two upstreams, which are ONE and TWO in its configuration.
fn before(one: &Upstream, two: &Upstream, config: &str) -> Gateway {
    let home = Home::new();
    home.write("config/llmtop/config.toml", config.replace("ONE", &one.url()).replace("TWO", &two.url()));
    Gateway::start(home, &[])
}

fn statuses(gateway: &Gateway, count: usize) -> Vec<u16> {
    (0..count).map(|_| gateway.call(CHAT, &[], ASK).status).collect()
}

const BOTH: &str = "[upstream.a]\nbase_url = \"ONE\"\n[upstream.b]\nbase_url = \"TWO\"\n";

#[test]
fn what_clients_do_wrong_leaves_the_upstream_to_others() {
    let upstream = Upstream::start(vec![whole()]);
    let config = "[proxy]\nmax_body = \"1KB\"\nbreaker_failures = 2\n[upstream.one]\nbase_url = \"UPSTREAM\"\n";
    let gateway = Gateway::told(&upstream, config);
    for _ in 0..3 {
        assert_eq!(gateway.call("/v1/files", &[], &[b'x'; 3_000]).status, 413);
        let mut chunked = std::net::TcpStream::connect(gateway.address).expect("connected");
        let head = "POST /v1/files HTTP/1.1\r\nhost: x\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n";
        let _ = chunked.write_all(format!("{head}bb8\r\n{}\r\n0\r\n\r\n", "x".repeat(3_000)).as_bytes());
        assert_eq!(Answer::read(chunked).status, 413);
        let mut left = std::net::TcpStream::connect(gateway.address).expect("connected");
        left.write_all(b"POST /v1/files HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{").expect("sent");
    }
    gateway.calls(9);
    assert_eq!(statuses(&gateway, 1), [200]);
    let words: Vec<Value> = gateway.calls(10).into_iter().map(|call| call["error_type"].clone()).collect();
    assert_eq!(words.iter().filter(|word| *word == "client_left").count(), 3, "{words:?}");
}

#[test]
fn an_upload_that_breaks_off_was_left_by_its_client() {
    let upstream = Upstream::start(vec![whole()]);
    let gateway = Gateway::of(&upstream);
    let mut client = std::net::TcpStream::connect(gateway.address).expect("connected");
    let head = format!("POST {CHAT} HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{{\"a");
    client.write_all(head.as_bytes()).expect("sent");
    drop(client);
    let call = &gateway.calls(1)[0];
    assert_eq!((call["failure_mode"].as_str(), call["error_type"].as_str()), (Some("cancelled"), Some("client_left")));
}

#[test]
fn a_body_that_does_not_come_in_time_is_told_in_the_words_of_the_provider() {
    let upstream = Upstream::start(vec![whole()]);
    let config = "[proxy]\ntotal_timeout = \"300ms\"\n[upstream.one]\nbase_url = \"UPSTREAM\"\n";
    let gateway = Gateway::told(&upstream, config);
    let mut client = std::net::TcpStream::connect(gateway.address).expect("connected");
    client.write_all(b"POST /v1/messages HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{").expect("sent");
    let answer = Answer::read(client);
    assert_eq!(answer.status, 408);
    assert!(answer.text().contains("\"type\":\"error\""), "{}", answer.text());
    assert_eq!(gateway.calls(1)[0]["error_type"], "timeout_request_body");
}

#[test]
fn a_key_without_room_is_passed_over() {
    let upstream = Upstream::start(vec![refusal("429 Too Many Requests", "retry-after: 60\r\n"), whole()]);
    let home = Home::new();
    home.write("keys", "sk-1\nsk-2\n");
    let keys = home.path("keys");
    let config = format!("[upstream.one]\nbase_url = \"{}\"\nkey_file = \"{}\"\n", upstream.url(), keys.display());
    home.write("config/llmtop/config.toml", config);
    let gateway = Gateway::start(home, &[]);
    let begun = Instant::now();
    assert_eq!(statuses(&gateway, 10), [200; 10]);
    assert!(begun.elapsed() < Duration::from_secs(10), "nobody waited");
    let keys: Vec<Option<String>> =
        (0..11).map(|_| upstream.asked().header("authorization").map(str::to_owned)).collect();
    assert!(keys[1..].iter().all(|key| *key == keys[1] && *key != keys[0]), "{keys:?}");
}

#[test]
fn equal_upstreams_take_turns_and_a_dead_one_draws_no_retries() {
    let (one, two) = (Upstream::start(vec![whole()]), Upstream::start(vec![whole()]));
    let gateway = before(&one, &two, BOTH);
    assert_eq!(statuses(&gateway, 20), [200; 20]);
    assert_eq!((one.rest(), two.rest()), (10, 10));

    let config = BOTH.replace("ONE", "http://127.0.0.1:9");
    let gateway = before(&one, &two, &format!("[proxy]\nbreaker_failures = 0\n{config}"));
    assert_eq!(statuses(&gateway, 12), [200; 12]);
    for call in gateway.calls(12) {
        assert!(call["retries"].as_u64().is_some_and(|retries| retries <= 1), "{call}");
    }
}

#[test]
fn no_call_waits_for_room_beyond_its_end() {
    let limits =
        "x-ratelimit-limit-requests: 10\r\nx-ratelimit-remaining-requests: 0\r\nx-ratelimit-reset-requests: 60s\r\n";
    let upstream = Upstream::start(vec![Act::Send(vec![json("200 OK", limits, ANSWER)])]);
    let config = "[proxy]\ntotal_timeout = \"1s\"\n[upstream.one]\nbase_url = \"UPSTREAM\"\n";
    let gateway = Gateway::told(&upstream, config);
    assert_eq!(statuses(&gateway, 1), [200]);
    let begun = Instant::now();
    assert_eq!(statuses(&gateway, 1), [429]);
    assert!(begun.elapsed() < Duration::from_secs(3));
}

#[test]
fn an_error_that_comes_in_drops_is_still_that_error() {
    let head =
        b"HTTP/1.1 400 Bad Request\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{\"er".to_vec();
    let upstream = Upstream::start(vec![Act::Stall(vec![head])]);
    let config = "[proxy]\ntotal_timeout = \"500ms\"\n[upstream.one]\nbase_url = \"UPSTREAM\"\n";
    let gateway = Gateway::told(&upstream, config);
    let begun = Instant::now();
    let answer = gateway.call(CHAT, &[], ASK);
    assert_eq!((answer.status, answer.text().as_str(), answer.is_whole), (400, "{\"er", false));
    assert!(begun.elapsed() < Duration::from_secs(8));
    upstream.is_left();
    assert_eq!(gateway.calls(1)[0]["http_status"], 400);
}

#[test]
fn pings_are_no_words_of_a_model() {
    let mut pieces = vec![stream_head()];
    pieces.push(chunk(": wait\n\n"));
    let upstream = Upstream::start(vec![Act::Stall(pieces.clone()), Act::Drip(pieces.remove(0), chunk(": wait\n\n"))]);
    let config = "[proxy]\nfirst_token_timeout = \"500ms\"\nbetween_tokens_timeout = \"1h\"\nretries = 0\n\
                  [upstream.one]\nbase_url = \"UPSTREAM\"\n";
    let gateway = Gateway::told(&upstream, config);
    for _ in 0..2 {
        let answer = gateway.call(CHAT, &[], ASK_STREAM);
        assert!(answer.text().contains("timeout_first_token"), "{}", answer.text());
        upstream.is_left();
    }
    for call in gateway.calls(2) {
        assert_eq!(call["error_type"], "timeout_first_token", "{call}");
    }
}

#[test]
fn a_client_that_stops_reading_is_bound_too() {
    let flood = Act::Drip(stream_head(), chunk(&WORD.repeat(2_000)));
    let upstream = Upstream::start(vec![flood]);
    let config = "[proxy]\ntotal_timeout = \"700ms\"\n[upstream.one]\nbase_url = \"UPSTREAM\"\n";
    let gateway = Gateway::told(&upstream, config);
    let _client = gateway.send(CHAT, &[], ASK_STREAM);
    upstream.asked();
    upstream.is_left();
    assert_eq!(gateway.calls(1)[0]["error_type"], "timeout_total");
}

#[test]
fn what_cannot_be_reached_in_time_is_a_broken_connection_and_tried_again() {
    // The system takes the connection, and nobody ever shakes hands.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let upstream = Upstream::start(vec![whole()]);
    let config =
        "[proxy]\nconnect_timeout = \"100ms\"\nretry_base = \"1ms\"\n[upstream.one]\nbase_url = \"https://ADDRESS\"\n";
    let gateway = Gateway::told(&upstream, &config.replace("ADDRESS", &address.to_string()));
    assert_eq!(statuses(&gateway, 1), [502]);
    let call = &gateway.calls(1)[0];
    assert_eq!((call["failure_mode"].as_str(), call["retries"].as_u64()), (Some("connection"), Some(2)), "{call}");
    assert_eq!(call["error_type"], "timeout_connect", "{call}");
}

#[test]
fn what_a_stand_in_refuses_is_no_answer() {
    let (one, two) = (
        Upstream::start(vec![refusal("503 Service Unavailable", "")]),
        Upstream::start(vec![refusal("404 Not Found", "")]),
    );
    let config =
        format!("[proxy]\nretries = 0\n{BOTH}models = [\"small\"]\n[[fallback]]\nmodel = \"m\"\nto = [\"b/small\"]\n");
    let gateway = before(&one, &two, &config);
    assert_eq!(statuses(&gateway, 1), [503]);
    assert_eq!((one.rest(), two.rest()), (1, 1));
    let call = &gateway.calls(1)[0];
    assert_eq!((call["http_status"].as_u64(), call["gateway"]["upstream"].as_str()), (Some(503), Some("a")), "{call}");
    assert_eq!((call["retries"].as_u64(), call["fallback_from"].is_null()), (Some(1), true), "{call}");
}

#[test]
fn a_chain_across_protocols_is_refused() {
    let home = Home::new();
    home.write("config/llmtop/config.toml", "[[fallback]]\nmodel = \"gpt-4o*\"\nto = [\"anthropic/claude-x\"]\n");
    let said = home.run(["proxy", "--headless", "--listen", "127.0.0.1:0"]).bad();
    assert!(said.contains("another protocol"), "{said}");
}

#[test]
fn a_chain_goes_on_over_steps_that_nobody_takes() {
    let (one, two) = (Upstream::start(vec![refusal("503 Service Unavailable", "")]), Upstream::start(vec![whole()]));
    let config = "[proxy]\nretries = 0\n[upstream.a]\nbase_url = \"ONE\"\nmodels = [\"m\"]\n[upstream.b]\nbase_url = \"TWO\"\n\
                  models = [\"small\"]\n[[fallback]]\nmodel = \"m\"\nto = [\"missing\", \"small\"]\n[upstream.openai]\nbase_url = \"ONE\"\nmodels = [\"none\"]\n";
    let gateway = before(&one, &two, config);
    assert_eq!(statuses(&gateway, 1), [200]);
    assert_eq!(gateway.calls(1)[0]["fallback_from"], "m");
}

#[test]
fn one_clients_options_do_not_switch_usage_off_for_all() {
    let refuses = json("400 Bad Request", "", r#"{"error":{"message":"Unknown parameter: stream_options.foo"}}"#);
    let refuses = Act::Send(vec![refuses]);
    let good = Act::Send(vec![stream_head(), chunk(WORD), chunk("data: [DONE]\n\n"), last_chunk()]);
    let upstream = Upstream::start(vec![refuses.clone(), refuses, good]);
    let gateway = Gateway::of(&upstream);
    let odd = br#"{"model":"m","stream":true,"stream_options":{"foo":1},"messages":[]}"#;
    assert_eq!(gateway.call(CHAT, &[], odd).status, 400);
    assert_eq!(gateway.call(CHAT, &[], ASK_STREAM).status, 200);
    let asks: Vec<bool> =
        (0..3).map(|_| String::from_utf8_lossy(&upstream.asked().body).contains("include_usage")).collect();
    assert_eq!(asks, [true, false, true]);
}

#[test]
fn streams_that_are_cut_open_the_breaker() {
    let upstream = Upstream::start(vec![Act::Cut(vec![stream_head(), chunk(WORD)])]);
    let config = "[proxy]\nbreaker_failures = 2\nbreaker_open = \"1h\"\n[upstream.one]\nbase_url = \"UPSTREAM\"\n";
    let gateway = Gateway::told(&upstream, config);
    for count in 1..=2 {
        assert_eq!(gateway.call(CHAT, &[], ASK_STREAM).status, 200);
        gateway.calls(count);
    }
    assert_eq!(statuses(&gateway, 1), [503]);
}

#[test]
fn a_degraded_answer_has_the_status_that_the_client_got() {
    let upstream = Upstream::start(vec![refusal("503 Service Unavailable", ""), Act::Cut(vec![])]);
    let config = "[proxy]\nretries = 0\ndegraded_answer = \"Later.\"\n[upstream.one]\nbase_url = \"UPSTREAM\"\n";
    let gateway = Gateway::told(&upstream, config);
    assert_eq!(statuses(&gateway, 2), [200, 200]);
    for (call, mode) in gateway.calls(2).iter().zip(["server_error", "connection"]) {
        assert_eq!((call["http_status"].as_u64(), call["failure_mode"].as_str()), (Some(200), Some(mode)), "{call}");
    }
}

#[test]
fn keys_in_a_query_have_limits_of_their_own() {
    let limited = r#"{"error":{"code":429,"message":"x","status":"RESOURCE_EXHAUSTED","details":[{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"55s"}]}}"#;
    let good = r#"{"candidates":[{"content":{"parts":[{"text":"Hi"}]},"finishReason":"STOP"}]}"#;
    let upstream = Upstream::start(vec![
        Act::Send(vec![json("429 Too Many Requests", "", limited)]),
        Act::Send(vec![json("200 OK", "", good)]),
    ]);
    let gateway = Gateway::of(&upstream);
    let call = |key: &str| {
        gateway.call(&format!("/v1beta/models/g:generateContent?key={key}"), &[], br#"{"contents":[]}"#).status
    };
    assert_eq!([call("A"), call("B"), call("A")], [429, 200, 429]);
}

#[test]
fn the_record_has_the_client_whatever_user_it_names() {
    let home = Home::new();
    let made = home.run(["key", "new", "team"]).good();
    let (key, section) = made.split_once("\n\n").expect("a key and its section");
    let upstream = Upstream::start(vec![whole()]);
    home.write("config/llmtop/config.toml", format!("{section}\n[upstream.one]\nbase_url = \"{}\"\n", upstream.url()));
    let gateway = Gateway::start(home, &[]);
    let headers = [("authorization", &*format!("Bearer {key}")), ("x-llmtop-user", "ann")];
    assert_eq!(gateway.call(CHAT, &headers, ASK).status, 200);
    let call = &gateway.calls(1)[0];
    assert_eq!((call["user_id"].as_str(), call["gateway"]["client"].as_str()), (Some("ann"), Some("team")), "{call}");
}

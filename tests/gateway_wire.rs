//! The gateway on the wire: bodies that are none, keys that must not go astray, streams that nobody reads or that break
//! off, paths and pages that are refused.

mod gateway_common;

use gateway_common::{Act, Answer, Gateway, Home, Upstream, chunk, json, stream_head};
use serde_json::Value;
use std::io::{Read, Write};
use std::net::TcpStream;

const CHAT: &str = "/v1/chat/completions";
const ASK: &[u8] = br#"{"model":"m","messages":[{"role":"user","content":"hi"}]}"#;
const ASK_STREAM: &[u8] = br#"{"model":"m","stream":true,"messages":[{"role":"user","content":"hi"}]}"#;
const ANSWER: &str = r#"{"id":"c1","model":"m","choices":[{"index":0,"message":{"content":"Hello"},"finish_reason":"stop"}],"usage":{"prompt_tokens":9,"completion_tokens":3}}"#;
const SAYS: &str = "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"m1\",\"model\":\"claude\",\"usage\":{\"input_tokens\":7,\"output_tokens\":1}}}\n\n";

fn whole() -> Act {
    Act::Send(vec![json("200 OK", "", ANSWER)])
}

fn delta(text: &str) -> String {
    format!(
        "event: content_block_delta\ndata: {{\"type\":\"content_block_delta\",\"index\":0,\"delta\":{{\"type\":\"text_delta\",\"text\":\"{text}\"}}}}\n\n"
    )
}

fn ended(call: &Value) -> (&str, &str) {
    (call["status"].as_str().unwrap_or("-"), call["error_type"].as_str().unwrap_or("-"))
}

#[test]
fn an_answer_without_a_body_is_whole() {
    let empty = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n".to_vec();
    let none = b"HTTP/1.1 204 No Content\r\n\r\n".to_vec();
    let trailed = [
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: x-sum\r\n\r\n".to_vec(),
        chunk("abc"),
        b"0\r\nx-sum: 1\r\n\r\n".to_vec(),
    ];
    let upstream = Upstream::start(vec![Act::Send(vec![empty]), Act::Send(vec![none]), Act::Send(trailed.to_vec())]);
    let gateway = Gateway::of(&upstream);
    for _ in 0..2 {
        let mut stream = TcpStream::connect(gateway.address).expect("connected");
        stream.write_all(b"DELETE /v1/files/f HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").expect("sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        assert!(answer.starts_with("HTTP/1.1 20"), "{answer}");
    }
    assert_eq!(gateway.call("/v1/files/f", &[("te", "trailers")], b"").text(), "abc");
    for call in gateway.calls(3) {
        assert_eq!(ended(&call), ("ok", "-"), "{call}");
    }
}

#[test]
fn a_clients_key_goes_only_where_the_client_meant() {
    let busy = Act::Send(vec![json("503 Service Unavailable", "", r#"{"error":{"message":"later"}}"#)]);
    let (one, two) = (Upstream::start(vec![busy]), Upstream::start(vec![whole()]));
    let config = format!(
        "[proxy]\nretries = 0\n[upstream.one]\nbase_url = \"UPSTREAM\"\n[upstream.two]\nbase_url = \"{}\"\nmodels = [\"other\"]\n\
         [[fallback]]\nmodel = \"m\"\nto = [\"two/other\"]\n",
        two.url()
    );
    let gateway = Gateway::told(&one, &config);
    let headers = [("authorization", "Bearer sk-of-one"), ("cookie", "a=1"), ("openai-organization", "org")];
    assert_eq!(gateway.call(CHAT, &headers, ASK).status, 200);
    assert_eq!(one.asked().header("authorization"), Some("Bearer sk-of-one"));
    let there = two.asked();
    for name in ["authorization", "cookie", "openai-organization"] {
        assert_eq!(there.header(name), None, "{name}");
    }
    let host = two.url();
    assert_eq!(there.header("host"), host.strip_prefix("http://"));
}

#[test]
fn a_stream_that_nobody_reads_does_not_fill_the_memory() {
    let much = "x".repeat(1 << 20);
    let mut pieces = vec![stream_head()];
    pieces.extend(std::iter::repeat_n(chunk(&format!("data: {much}\n\n")), 200));
    let upstream = Upstream::start(vec![Act::Stall(pieces)]);
    let gateway = Gateway::of(&upstream);
    let unread = gateway.send(CHAT, &[], ASK_STREAM);
    upstream.asked();
    let status = || std::fs::read_to_string(format!("/proc/{}/status", gateway.id())).unwrap_or_default();
    let high = |text: String| {
        let line = text.lines().find(|line| line.starts_with("VmRSS:")).map(str::to_owned).unwrap_or_default();
        line.split_whitespace().nth(1).and_then(|kb| kb.parse::<u64>().ok()).unwrap_or_default()
    };
    let mut most = 0;
    for _ in 0..20 {
        most = most.max(high(status()));
        std::thread::sleep(std::time::Duration::from_millis(25));
    }
    assert!(most < 150_000, "{most} kB");
    drop(unread);
    assert_eq!(ended(&gateway.calls(1)[0]), ("error", "client_left"));
}

#[test]
fn what_a_cut_stream_of_anthropics_said_is_estimated_and_its_error_is_the_providers() {
    let told = format!("{SAYS}{}", delta("one two three four five six seven eight nine ten eleven twelve"));
    let error =
        "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"busy\"}}\n\n";
    let upstream = Upstream::start(vec![
        Act::Cut(vec![stream_head(), chunk(&told)]),
        Act::Stall(vec![stream_head(), chunk(&told), chunk(error)]),
    ]);
    let gateway = Gateway::of(&upstream);
    let ask = br#"{"model":"claude","stream":true,"max_tokens":9,"messages":[{"role":"user","content":"hi"}]}"#;
    assert!(!gateway.call("/v1/messages", &[], ask).is_whole);
    let call = gateway.calls(1).remove(0);
    assert_eq!((ended(&call), call["usage"].as_str()), (("error", "stream_cut"), Some("estimated")), "{call}");
    assert_eq!(call["input_tokens"], 7, "what is known stays");
    assert!(call["output_tokens"].as_u64().is_some_and(|n| (8..=20).contains(&n)), "{call}");
    // Clients leave at the error.
    let mut stream = gateway.send("/v1/messages", &[], ask);
    let mut seen = String::new();
    while !seen.contains("busy") {
        let mut some = [0; 4096];
        let len = stream.read(&mut some).expect("more");
        assert!(len > 0, "{seen}");
        seen.push_str(&String::from_utf8_lossy(&some[..len]));
    }
    drop(stream);
    assert_eq!(ended(&gateway.calls(2)[1]), ("error", "overloaded_error"));
}

#[test]
fn what_is_said_twice_hides_nothing() {
    let upstream = Upstream::start(vec![whole()]);
    let gateway = Gateway::of(&upstream);
    let twice =
        br#"{"model":"m","temperature":1,"temperature":0.5,"messages":[{"role":"user","content":"hello you"}]}"#;
    assert_eq!(gateway.call(CHAT, &[], twice).status, 200);
    assert_eq!(upstream.asked().body, twice, "by the byte");
    let call = gateway.calls(1).remove(0);
    assert_eq!((call["temperature"].as_f64(), call["prompt_preview"].as_str()), (Some(0.5), Some("hello you")));
}

#[test]
fn names_without_end_are_cut() {
    let upstream = Upstream::start(vec![whole()]);
    let gateway = Gateway::of(&upstream);
    let ask = format!(r#"{{"model":"{}","user":"{}","messages":[]}}"#, "m".repeat(1 << 20), "u".repeat(1 << 20));
    assert_eq!(gateway.call(CHAT, &[("x-llmtop-request-id", &"r".repeat(4_000))], ask.as_bytes()).status, 200);
    let call = gateway.calls(1).remove(0);
    assert!(call.to_string().len() < 4_000, "{}", call.to_string().len());
    assert!(gateway.call("/metrics", &[], b"").body.len() < 64_000);
}

#[test]
fn paths_that_climb_pages_from_elsewhere_and_tunnels_are_refused() {
    let upstream = Upstream::start(vec![whole()]);
    let home = Home::new();
    home.write("key", "sk-own\n");
    let (url, key) = (upstream.url(), home.path("key"));
    let config = format!("[upstream.one]\nbase_url = \"{url}/tenant-a\"\nkey_file = \"{}\"\n", key.display());
    home.write("config/llmtop/config.toml", config);
    let gateway = Gateway::start(home, &[]);
    for path in ["/v1/../../tenant-b/v1/models", "/v1/%2e%2e/x", "/v1/./x", "/v1/.%2E/x"] {
        assert_eq!(gateway.call(path, &[], b"").status, 400, "{path}");
    }
    assert_eq!(gateway.call(CHAT, &[("origin", "https://evil.example")], ASK).status, 403);
    assert_eq!(gateway.call(CHAT, &[("origin", "http://localhost:3000")], ASK).status, 200);
    assert_eq!(gateway.call("/v1/realtime", &[("upgrade", "websocket"), ("connection", "upgrade")], b"").status, 501);
    assert_eq!(upstream.rest(), 1);
    assert_eq!(gateway.calls(7).len(), 7, "each is recorded");
}

#[test]
fn a_coded_stream_is_not_cut_into() {
    let mut coded = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::none());
    let said = "data: {\"id\":\"c\",\"choices\":[{\"delta\":{\"content\":\"Hello\"}}]}\n\n\
                data: {\"id\":\"c\",\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n\
                data: {\"id\":\"c\",\"choices\":[],\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":3}}\n\ndata: [DONE]\n\n";
    coded.write_all(said.as_bytes()).expect("coded");
    let coded = coded.finish().expect("coded");
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Encoding: gzip\r\nContent-Length: {}\r\n\r\n",
        coded.len()
    );
    let upstream = Upstream::start(vec![Act::Send(vec![head.into_bytes(), coded.clone()])]);
    let gateway = Gateway::of(&upstream);
    let answer: Answer = gateway.call(CHAT, &[], ASK_STREAM);
    assert_eq!(answer.body, coded);
    let call = gateway.calls(1).remove(0);
    assert_eq!((call["output_tokens"].as_u64(), call["response"].as_str()), (Some(3), Some("Hello")), "{call}");
}

#[test]
fn a_timeout_is_told_between_events_only() {
    let part = "data: {\"id\":\"c\",\"choices\":[{\"delta\":{\"content\":\"Hello\"}}]}\n\n";
    let torn = "data: {\"id\":\"c\",\"choi";
    let upstream = Upstream::start(vec![
        Act::Stall(vec![stream_head(), chunk(part)]),
        Act::Stall(vec![stream_head(), chunk(part), chunk(torn)]),
    ]);
    let config =
        "[proxy]\nbetween_tokens_timeout = \"300ms\"\n[upstream.one]\nbase_url = \"UPSTREAM\"\nask_for_usage = false\n";
    let gateway = Gateway::told(&upstream, config);
    let clean = gateway.call(CHAT, &[], ASK_STREAM);
    assert!(clean.is_whole && clean.text().starts_with(part) && clean.text().contains("timeout"), "{}", clean.text());
    let broken = gateway.call(CHAT, &[], ASK_STREAM);
    assert!(!broken.is_whole && broken.text() == format!("{part}{torn}"), "{}", broken.text());
    for call in gateway.calls(2) {
        assert_eq!(ended(&call), ("error", "timeout_between_tokens"));
    }
}

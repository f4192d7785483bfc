//! The gateway from outside, on real ports, before an upstream that refuses, hangs, stalls and cuts as it is told: what the
//! client gets, what the upstream gets, and that each call is in the journal exactly once.

mod gateway_common;

use gateway_common::{Act, Answer, Gateway, Home, Upstream, chunk, json, last_chunk, send, stream_head};
use serde_json::Value;
use std::io::{Read, Write};

const CHAT: &str = "/v1/chat/completions";
const ASK: &[u8] = br#"{ "model":"gpt-4o-mini", "messages":[{"role":"user","content":"hi, I am ann@example.com"}] }"#;
const ASK_STREAM: &[u8] = br#"{"model":"gpt-4o-mini","stream":true,"messages":[{"role":"user","content":"hi"}]}"#;
const ANSWER: &str = r#"{"id":"c1","model":"gpt-4o-mini-2024-07-18","choices":[{"index":0,"message":{"role":"assistant","content":"Hello"},"finish_reason":"stop"}],"usage":{"prompt_tokens":9,"completion_tokens":3,"total_tokens":12}}"#;

fn word(text: &str) -> String {
    format!(
        "data: {{\"id\":\"c1\",\"model\":\"gpt-4o-mini\",\"choices\":[{{\"index\":0,\"delta\":{{\"content\":\"{text}\"}}}}]}}\n\n"
    )
}

const STOP: &str = "data: {\"id\":\"c1\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n";
const USAGE: &str = "data: {\"id\":\"c1\",\"choices\":[],\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":3}}\n\n";
const DONE: &str = "data: [DONE]\n\n";

fn whole() -> Act {
    Act::Send(vec![json("200 OK", "x-Request-ID: req_1\r\n", ANSWER)])
}

fn overloaded(headers: &str) -> Act {
    let body = r#"{"error":{"message":"try later","type":"requests","code":"rate_limit_exceeded"}}"#;
    Act::Send(vec![json("429 Too Many Requests", headers, body)])
}

/// What one call came to, in few words.
fn brief(call: &Value) -> (String, String) {
    let text = |name: &str| call[name].as_str().unwrap_or("-").to_owned();
    (text("status"), text("failure_mode"))
}

#[test]
fn a_call_passes_by_the_byte_and_is_recorded_once() {
    let upstream = Upstream::start(vec![whole()]);
    let gateway = Gateway::of(&upstream);
    let headers =
        [("Authorization", "Bearer sk-secret"), ("X-Strange", "1"), ("x-llmtop-user", "ann"), ("x-llmtop-tag", "a,b")];
    let answer = gateway.call(&format!("{CHAT}?x=1"), &headers, ASK);
    assert_eq!((answer.status, answer.text().as_str(), answer.is_whole), (200, ANSWER, true));
    assert!(answer.headers.contains(&("x-Request-ID".to_owned(), "req_1".to_owned())), "{:?}", answer.headers);
    let asked = upstream.asked();
    assert_eq!((asked.line.as_str(), asked.body.as_slice()), ("POST /v1/chat/completions?x=1 HTTP/1.1", ASK));
    assert_eq!(asked.header("authorization"), Some("Bearer sk-secret"));
    assert!(
        asked.headers.contains(&("X-Strange".to_owned(), "1".to_owned())),
        "spelled as it was: {:?}",
        asked.headers
    );
    assert_eq!((asked.header("x-llmtop-user"), asked.header("connection")), (None, None));
    assert_eq!(asked.header("host"), Some(upstream.address.to_string().as_str()));
    let call = &gateway.calls(1)[0];
    assert_eq!(brief(call), ("ok".to_owned(), "-".to_owned()));
    assert_eq!((call["input_tokens"].as_u64(), call["output_tokens"].as_u64()), (Some(9), Some(3)));
    assert_eq!((call["user_id"].as_str(), call["tags"].to_string()), (Some("ann"), r#"["a","b"]"#.to_owned()));
    assert_eq!((call["gateway"]["provider_request_id"].as_str(), call["retries"].as_u64()), (Some("req_1"), Some(0)));
    assert_eq!(call["prompt_preview"], "hi, I am [redacted:email]");
    let text = call.to_string();
    assert!(!text.contains("sk-secret") && !text.contains("ann@"), "{text}");
}

#[test]
fn the_usage_of_a_stream_is_asked_for_and_taken_out_again() {
    let events = [word("Hel"), word("lo"), STOP.to_owned(), USAGE.to_owned(), DONE.to_owned()].concat();
    for size in [1, 7, 1_000] {
        let mut pieces = vec![stream_head()];
        pieces.extend(events.as_bytes().chunks(size).map(|piece| chunk(std::str::from_utf8(piece).expect("ASCII"))));
        pieces.push(last_chunk());
        let upstream = Upstream::start(vec![Act::Send(pieces)]);
        let gateway = Gateway::of(&upstream);
        let answer = gateway.call(CHAT, &[], ASK_STREAM);
        assert_eq!(answer.text(), events.replace(USAGE, ""), "in pieces of {size}");
        assert!(answer.is_whole);
        let asked: Value = serde_json::from_slice(&upstream.asked().body).expect("JSON");
        assert_eq!(asked["stream_options"]["include_usage"], true);
        let call = &gateway.calls(1)[0];
        assert_eq!((call["input_tokens"].as_u64(), call["output_tokens"].as_u64()), (Some(9), Some(3)));
        assert!(call["usage"].is_null() && call["ttft_ms"].is_number(), "{call}");
    }
}

#[test]
fn who_asks_for_usage_gets_it() {
    let ask = br#"{"model":"m","stream":true,"stream_options":{"include_usage":true},"messages":[]}"#;
    let events = [word("Hello"), STOP.to_owned(), USAGE.to_owned(), DONE.to_owned()].concat();
    let upstream = Upstream::start(vec![Act::Send(vec![stream_head(), chunk(&events), last_chunk()])]);
    let gateway = Gateway::of(&upstream);
    assert_eq!(gateway.call(CHAT, &[], ask).text(), events);
    assert_eq!(upstream.asked().body, ask);
}

#[test]
fn an_upstream_that_does_not_know_the_question_is_not_asked_again() {
    let refuses = json("400 Bad Request", "", r#"{"error":{"message":"unknown field stream_options"}}"#);
    let events = [word("Hello"), STOP.to_owned(), DONE.to_owned()].concat();
    let good = Act::Send(vec![stream_head(), chunk(&events), last_chunk()]);
    let upstream = Upstream::start(vec![Act::Send(vec![refuses]), good]);
    let gateway = Gateway::of(&upstream);
    for _ in 0..2 {
        assert_eq!(gateway.call(CHAT, &[], ASK_STREAM).text(), events);
    }
    let asked: Vec<bool> =
        (0..3).map(|_| String::from_utf8_lossy(&upstream.asked().body).contains("stream_options")).collect();
    assert_eq!(asked, [true, false, false]);
    for call in gateway.calls(2) {
        assert_eq!(
            (call["usage"].as_str(), brief(&call).0),
            (Some("estimated"), "ok".to_owned()),
            "nobody counted: {call}"
        );
        assert!(call["output_tokens"].as_u64().is_some_and(|n| (1..5).contains(&n)), "{call}");
    }
}

#[test]
fn a_refusal_is_tried_again_and_then_handed_on_as_it_is() {
    let upstream = Upstream::start(vec![overloaded("retry-after-ms: 20\r\n"), whole()]);
    let gateway = Gateway::of(&upstream);
    assert_eq!(gateway.call(CHAT, &[], ASK).text(), ANSWER);
    let call = &gateway.calls(1)[0];
    assert_eq!((call["retries"].as_u64(), call["status"].as_str()), (Some(1), Some("ok")));
    assert!(call["queue_ms"].as_f64().is_some_and(|ms| ms >= 20.0), "{call}");
    let spans: Vec<Value> = gateway.journal().into_iter().filter(|event| event["event"] == "llm_span").collect();
    assert_eq!(
        (spans.len(), spans[0]["kind"].as_str(), spans[0]["http_status"].as_u64()),
        (1, Some("attempt"), Some(429))
    );

    let upstream = Upstream::start(vec![overloaded("retry-after-ms: 5\r\nX-Odd: Yes\r\n")]);
    let gateway = Gateway::of(&upstream);
    let answer = gateway.call(CHAT, &[], ASK);
    assert_eq!((answer.status, answer.header("x-odd")), (429, Some("Yes")));
    assert!(answer.text().contains("rate_limit_exceeded"));
    assert_eq!(upstream.rest(), 3);
    assert_eq!(brief(&gateway.calls(1)[0]), ("error".to_owned(), "rate_limit".to_owned()));
}

#[test]
fn a_wait_that_is_too_long_is_the_clients_to_decide() {
    let upstream = Upstream::start(vec![overloaded("retry-after: 3600\r\n")]);
    let gateway = Gateway::of(&upstream);
    let answer = gateway.call(CHAT, &[], ASK);
    assert_eq!((answer.status, answer.header("retry-after"), upstream.rest()), (429, Some("3600"), 1));
    let again = gateway.call(CHAT, &[], ASK);
    assert_eq!((again.status, upstream.rest()), (429, 0), "it is known to be closed: nobody asks");
    assert!(again.header("retry-after").is_some() && again.text().contains("queue_full"), "{}", again.text());
}

#[test]
fn what_broke_before_its_first_byte_is_tried_again_and_after_it_never() {
    let upstream = Upstream::start(vec![Act::Cut(vec![]), Act::Cut(vec![stream_head()]), whole()]);
    let gateway = Gateway::of(&upstream);
    assert_eq!(gateway.call(CHAT, &[], ASK).status, 200);
    assert_eq!(gateway.calls(1)[0]["retries"], 2);

    let upstream = Upstream::start(vec![Act::Cut(vec![stream_head(), chunk(&word("Hel"))])]);
    let gateway = Gateway::of(&upstream);
    let answer = gateway.call(CHAT, &[], ASK_STREAM);
    assert_eq!((answer.status, answer.text(), answer.is_whole), (200, word("Hel"), false));
    let call = &gateway.calls(1)[0];
    assert_eq!((brief(call).1.as_str(), call["usage"].as_str(), upstream.rest()), ("connection", Some("estimated"), 1));
}

#[test]
fn a_stream_without_its_end_is_cut_however_politely() {
    let upstream = Upstream::start(vec![Act::Send(vec![stream_head(), chunk(&word("Hel")), last_chunk()])]);
    let gateway = Gateway::of(&upstream);
    let answer = gateway.call(CHAT, &[], ASK_STREAM);
    assert!(answer.is_whole && answer.text() == word("Hel"));
    let call = &gateway.calls(1)[0];
    assert_eq!((brief(call).1.as_str(), call["error_type"].as_str()), ("connection", Some("stream_cut")));
}

#[test]
fn a_client_that_leaves_ends_the_call_at_the_upstream() {
    for pieces in [vec![], vec![stream_head(), chunk(&word("Hel"))]] {
        let upstream = Upstream::start(vec![Act::Stall(pieces.clone())]);
        let gateway = Gateway::of(&upstream);
        let mut client = gateway.send(CHAT, &[], ASK_STREAM);
        upstream.asked();
        if !pieces.is_empty() {
            client.read_exact(&mut [0; 20]).expect("the answer begins");
        }
        drop(client);
        upstream.is_left();
        assert_eq!(brief(&gateway.calls(1)[0]), ("error".to_owned(), "cancelled".to_owned()));
    }
}

#[test]
fn what_takes_too_long_ends_in_the_words_of_the_provider() {
    let config = "[proxy]\nfirst_token_timeout = \"200ms\"\nbetween_tokens_timeout = \"200ms\"\nretries = 0\n\
                  [upstream.one]\nbase_url = \"UPSTREAM\"\n";
    let upstream = Upstream::start(vec![Act::Stall(vec![]), Act::Stall(vec![stream_head(), chunk(&word("Hel"))])]);
    let gateway = Gateway::told(&upstream, config);
    let answer = gateway.call("/v1/messages", &[], br#"{"model":"claude","max_tokens":5,"messages":[]}"#);
    let body: Value = serde_json::from_slice(&answer.body).expect("JSON");
    assert_eq!((answer.status, body["error"]["type"].as_str()), (504, Some("timeout_error")));
    let late = gateway.call(CHAT, &[], ASK_STREAM);
    assert!(late.status == 200 && late.text().starts_with(&word("Hel")), "{}", late.text());
    assert!(late.text().contains("data: {\"error\":{") && late.is_whole, "{}", late.text());
    for call in gateway.calls(2) {
        assert_eq!(brief(&call).1, "timeout", "{call}");
    }
}

#[test]
fn an_upstream_that_is_not_there_is_said_so_and_left_alone() {
    let config = "[proxy]\nretries = 0\nbreaker_failures = 2\nbreaker_open = \"1h\"\n[upstream.one]\nbase_url = \"http://127.0.0.1:9\"\n";
    let upstream = Upstream::start(vec![whole()]);
    let gateway = Gateway::told(&upstream, config);
    let codes: Vec<(u16, bool)> = (0..3)
        .map(|_| gateway.call(CHAT, &[], ASK))
        .map(|answer| (answer.status, answer.header("retry-after").is_some()))
        .collect();
    assert_eq!(codes, [(502, false), (502, false), (503, true)]);
    for call in gateway.calls(3) {
        assert_eq!(call["cost_usd"], 0, "what was never sent cost nothing: {call}");
        assert_eq!(call["provider"], "one");
    }
    assert_eq!(gateway.call("/ready", &[], b"").status, 200, "only calls can find out that it is back");
    assert_eq!(gateway.call("/health", &[], b"").text(), "ok\n");
    let metrics = gateway.call("/metrics", &[], b"").text();
    assert!(metrics.contains("llmtop_proxy_upstream_up{upstream=\"one\"} 0"), "{metrics}");
    assert!(metrics.contains("error_type=\"connection\",le=\"+Inf\"} 2"), "{metrics}");
}

#[test]
fn a_chain_leads_to_another_model_and_at_its_end_to_a_text() {
    let config = "[proxy]\nretries = 0\ndegraded_answer = \"Sorry, later.\"\n[upstream.one]\nbase_url = \"UPSTREAM\"\n\
                  [[fallback]]\nmodel = \"gpt-4o*\"\nto = [\"small\"]\n";
    let down = || Act::Send(vec![json("503 Service Unavailable", "", r#"{"error":{"message":"down"}}"#)]);
    let upstream = Upstream::start(vec![down(), whole(), down()]);
    let gateway = Gateway::told(&upstream, config);
    assert_eq!(gateway.call(CHAT, &[], ASK).text(), ANSWER);
    upstream.asked();
    assert_eq!(upstream.asked().body, String::from_utf8_lossy(ASK).replace("gpt-4o-mini", "small").into_bytes());
    let degraded = gateway.call(CHAT, &[], ASK);
    assert_eq!((degraded.status, degraded.header("x-llmtop-degraded")), (200, Some("static")));
    let body: Value = serde_json::from_slice(&degraded.body).expect("JSON");
    assert_eq!(body["choices"][0]["message"]["content"], "Sorry, later.");
    let calls = gateway.calls(2);
    assert_eq!((calls[0]["fallback_from"].as_str(), calls[0]["status"].as_str()), (Some("gpt-4o-mini"), Some("ok")));
    assert_eq!(
        (calls[1]["gateway"]["degraded"].as_str(), brief(&calls[1]).1.as_str()),
        (Some("static"), "server_error")
    );
}

#[test]
fn only_who_has_a_key_may_call_and_it_goes_no_further() {
    let home = Home::new();
    let made = home.run(["key", "new", "team"]).good();
    let (key, section) = made.split_once("\n\n").expect("a key and its section");
    let upstream = Upstream::start(vec![whole()]);
    home.write(
        "config/llmtop/config.toml",
        format!(
            "{section}\n[upstream.one]\nbase_url = \"{}\"\nkey_file = \"{}\"\n",
            upstream.url(),
            home.path("up.key").display()
        ),
    );
    home.write("up.key", "sk-upstream\n");
    let gateway = Gateway::start(home, &[]);
    let wrong = gateway.call(CHAT, &[("authorization", "Bearer llmtop-wrong")], ASK);
    assert_eq!((wrong.status, upstream.rest()), (401, 0));
    let bearer = format!("Bearer {key}");
    assert_eq!(gateway.call(CHAT, &[("authorization", &bearer)], ASK).status, 200);
    assert_eq!(upstream.asked().header("authorization"), Some("Bearer sk-upstream"));
    let calls = gateway.calls(2);
    assert_eq!((brief(&calls[0]).1.as_str(), calls[1]["user_id"].as_str()), ("auth", Some("client:team")));
    assert!(!gateway.journal().iter().any(|event| event.to_string().contains(key)));
    let open = Home::new().run(["proxy", "--headless", "--listen", "0.0.0.0:0"]).bad();
    assert!(open.contains("[client.NAME]"), "{open}");
}

#[test]
fn what_providers_say_of_limits_is_told() {
    let limited = json(
        "200 OK",
        "x-ratelimit-limit-requests: 50\r\nx-ratelimit-remaining-requests: 2\r\nx-ratelimit-reset-requests: 60s\r\n",
        ANSWER,
    );
    let upstream = Upstream::start(vec![Act::Send(vec![limited])]);
    let gateway = Gateway::of(&upstream);
    assert_eq!(gateway.call(CHAT, &[], ASK).text(), ANSWER);
    let told = gateway.journal_has(|event| event["event"] == "llm_limit");
    assert_eq!((told["upstream"].as_str(), told["requests_limit"].as_u64()), (Some("default"), Some(50)), "{told}");
    // It fills up again, 50 in a minute.
    assert!(told["requests_remaining"].as_u64().is_some_and(|left| (2..=6).contains(&left)), "{told}");
    assert_eq!(
        (told["requests_per_minute"].as_u64(), told["tokens_per_minute"].as_u64()),
        (Some(1), Some(12)),
        "{told}"
    );
}

#[test]
fn any_other_path_passes_and_is_recorded_without_a_model() {
    let upstream = Upstream::start(vec![Act::Send(vec![json("200 OK", "", r#"{"data":[]}"#)])]);
    let gateway = Gateway::of(&upstream);
    assert_eq!(gateway.call("/v1/models", &[], b"").text(), r#"{"data":[]}"#);
    assert_eq!(gateway.call("/u/default/v1/files?x=y", &[], b"a body").status, 200);
    assert_eq!(
        (upstream.asked().line, upstream.asked().line),
        ("GET /v1/models HTTP/1.1".to_owned(), "POST /v1/files?x=y HTTP/1.1".to_owned())
    );
    let calls = gateway.calls(2);
    assert_eq!(
        (calls[0]["gateway"]["target"].as_str(), calls[0]["operation"].as_str()),
        (Some("GET /v1/models"), Some("other"))
    );
    assert_eq!(gateway.call("/u/nobody/v1/models", &[], b"").status, 404);
}

#[test]
fn a_body_beyond_the_limit_is_refused() {
    let upstream = Upstream::start(vec![whole()]);
    let gateway = Gateway::told(&upstream, "[proxy]\nmax_body = \"1KB\"\n[upstream.one]\nbase_url = \"UPSTREAM\"\n");
    let long = format!("{{\"model\":\"m\",\"input\":\"{}\"}}", "x".repeat(2_000));
    assert_eq!((gateway.call("/v1/embeddings", &[], long.as_bytes()).status, upstream.rest()), (413, 0));
    assert_eq!(gateway.calls(1)[0]["http_status"], 413);
}

#[test]
fn a_stop_lets_streams_finish_and_records_the_rest() {
    let config = "[proxy]\ngrace = \"300ms\"\n[upstream.one]\nbase_url = \"UPSTREAM\"\n";
    let upstream = Upstream::start(vec![Act::Stall(vec![stream_head(), chunk(&word("Hel"))])]);
    let mut gateway = Gateway::told(&upstream, config);
    let mut client = gateway.send(CHAT, &[], ASK_STREAM);
    client.read_exact(&mut [0; 20]).expect("the answer begins");
    gateway.signal("-TERM");
    assert_eq!(gateway.ended(), Some(143));
    let call = &gateway.calls(1)[0];
    assert_eq!((brief(call).1.as_str(), call["error_type"].as_str()), ("cancelled", Some("proxy_shutdown")));
}

#[test]
fn a_hang_up_reads_the_configuration_again_and_a_bad_one_is_refused() {
    let (one, two) = (Upstream::start(vec![whole()]), Upstream::start(vec![whole()]));
    let config = "[upstream.one]\nbase_url = \"UPSTREAM\"\n";
    let gateway = Gateway::told(&one, config);
    let calls_reach = |upstream: &Upstream| {
        let begun = std::time::Instant::now();
        while begun.elapsed().as_secs() < 20 {
            gateway.call(CHAT, &[], ASK);
            if upstream.rest() > 0 {
                return true;
            }
        }
        false
    };
    assert!(calls_reach(&one));
    gateway.home.write("config/llmtop/config.toml", "[upstream.one]\nbase = 5\n");
    gateway.signal("-HUP");
    assert!(calls_reach(&one), "the one before stays");
    gateway.home.write("config/llmtop/config.toml", config.replace("UPSTREAM", &two.url()));
    gateway.signal("-HUP");
    assert!(calls_reach(&two));
}

/// Calls come in while the gateway is killed: whoever has a whole answer is in the journal, and all of it once in the store.
#[test]
fn killed_under_load_it_loses_no_finished_call() {
    let upstream = Upstream::start(vec![whole()]);
    let mut gateway = Gateway::of(&upstream);
    let address = gateway.address;
    let clients: Vec<_> = (0..4)
        .map(|client| {
            std::thread::spawn(move || {
                let mut done = Vec::new();
                for n in 0..10_000 {
                    let id = format!("call-{client}-{n}");
                    let Some(answer) = try_call(address, &id) else { break };
                    if answer.is_whole && answer.status == 200 {
                        done.push(id);
                    }
                }
                done
            })
        })
        .collect();
    gateway.calls_reach(200);
    gateway.kill();
    let done: Vec<String> = clients.into_iter().flat_map(|client| client.join().expect("no panic")).collect();
    let written: Vec<String> =
        gateway.journal().iter().filter_map(|call| call["request_id"].as_str().map(str::to_owned)).collect();
    let unique: std::collections::HashSet<&String> = written.iter().collect();
    assert!(done.len() >= 190 && unique.len() == written.len(), "{} done, {} written", done.len(), written.len());
    let lost: Vec<&String> = done.iter().filter(|id| !unique.contains(id)).collect();
    assert!(lost.is_empty(), "{lost:?}");
    let again = Gateway::start(std::mem::replace(&mut gateway.home, Home::new()), &["--upstream", &upstream.url()]);
    again.stored(written.len() as u64);
}

fn try_call(address: std::net::SocketAddr, id: &str) -> Option<Answer> {
    let mut stream = std::net::TcpStream::connect(address).ok()?;
    let head = format!(
        "POST {CHAT} HTTP/1.1\r\nhost: x\r\nx-llmtop-request-id: {id}\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
        ASK.len()
    );
    stream.write_all(head.as_bytes()).ok()?;
    stream.write_all(ASK).ok()?;
    let mut raw = Vec::new();
    stream.read_to_end(&mut raw).ok()?;
    let text = String::from_utf8_lossy(&raw);
    let (head, body) = text.split_once("\r\n\r\n")?;
    let is_whole = body == ANSWER;
    Some(Answer { status: head.split(' ').nth(1)?.parse().ok()?, headers: Vec::new(), body: body.into(), is_whole })
}

#[test]
fn a_program_runs_behind_a_gateway_of_its_own() {
    let upstream = Upstream::start(vec![whole()]);
    let home = Home::new();
    home.write("ask.py", "import os, urllib.request as u\nr = u.Request(os.environ['OPENAI_BASE_URL'] + '/chat/completions', data=b'{\"model\":\"gpt-4o-mini\",\"messages\":[]}')\nprint(len(u.urlopen(r).read()))\nraise SystemExit(7)\n");
    let ran = home.run(["run", "--upstream", &upstream.url(), "--", "python3", "ask.py"]);
    assert_eq!(ran.code, Some(7), "{}", ran.err);
    assert!(ran.err.contains("1 accepted") && ran.err.contains("gpt-4o-mini-2024-07-18"), "{}", ran.err);
    assert!(!home.store().exists(), "nothing is left behind");
    let missing = home.run(["run", "--", "no-such-program"]);
    assert!(missing.code == Some(127) && missing.err.contains("no-such-program"), "{}", missing.err);
    let _ = send;
}

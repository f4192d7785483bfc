//! Whose key goes up, in which place, and that none is written down: clients of Gemini have theirs in the query, too.

mod gateway_common;

use gateway_common::{Act, Asked, Gateway, Home, Upstream, json};

const GEMINI: &str = "/v1beta/models/gemini-2.5-flash:generateContent";
const ASK: &[u8] = br#"{"contents":[{"role":"user","parts":[{"text":"hi"}]}]}"#;
const ANSWER: &str = r#"{"candidates":[{"content":{"parts":[{"text":"Hello"}]},"finishReason":"STOP"}],"usageMetadata":{"promptTokenCount":2,"candidatesTokenCount":1}}"#;

/// A gateway before an upstream, with this in its configuration; `UPSTREAM` is the upstream's section, without its key.
fn scene(home: Home, config: &str) -> (Gateway, Upstream) {
    let upstream = Upstream::start(vec![Act::Send(vec![json("200 OK", "", ANSWER)])]);
    let section = format!("[upstream.google]\nprotocol = \"gemini\"\nbase_url = \"{}\"\n", upstream.url());
    let key_file = home.write("up.key", "sk-up\n");
    let config =
        config.replace("UPSTREAM", &section).replace("KEY_FILE", &format!("key_file = \"{}\"", key_file.display()));
    home.write("config/llmtop/config.toml", config);
    (Gateway::start(home, &[]), upstream)
}

fn keys(asked: &Asked) -> (&str, Vec<&str>) {
    let names = ["authorization", "x-api-key", "api-key", "x-goog-api-key"];
    (asked.line.split(' ').nth(1).expect("a target"), names.iter().filter_map(|name| asked.header(name)).collect())
}

fn is_written_nowhere(gateway: &Gateway, key: &str) {
    assert_eq!(gateway.calls(1)[0]["status"], "ok");
    let journal = gateway.journal();
    assert!(!journal.iter().any(|event| event.to_string().contains(key)), "{journal:?}");
    assert!(!gateway.call("/metrics", &[], b"").text().contains(key));
}

#[test]
fn a_key_of_a_client_goes_up_as_it_came() {
    let (gateway, upstream) = scene(Home::new(), "UPSTREAM");
    assert_eq!(gateway.call(&format!("{GEMINI}?key=sk-mine&alt=json"), &[], ASK).text(), ANSWER);
    assert_eq!(keys(&upstream.asked()), (format!("{GEMINI}?key=sk-mine&alt=json").as_str(), vec![]));
    is_written_nowhere(&gateway, "sk-mine");
}

#[test]
fn a_key_of_the_upstream_stands_where_its_protocol_has_it_and_the_clients_stays_here() {
    let (gateway, upstream) = scene(Home::new(), "UPSTREAMKEY_FILE\n");
    assert_eq!(gateway.call(&format!("{GEMINI}?key=sk-mine&alt=json"), &[], ASK).text(), ANSWER);
    assert_eq!(keys(&upstream.asked()), (format!("{GEMINI}?alt=json").as_str(), vec!["sk-up"]));
    is_written_nowhere(&gateway, "sk-");
    let listed = gateway.call("/v1beta/models?key=sk-mine", &[], b"");
    assert_eq!(listed.status, 200, "{}", listed.text());
    let listed = upstream.asked();
    assert_eq!((keys(&listed), listed.header("x-goog-api-key")), (("/v1beta/models", vec!["sk-up"]), Some("sk-up")));
}

#[test]
fn a_key_to_the_gateway_is_no_key_to_an_upstream() {
    let home = Home::new();
    let made = home.run(["key", "new", "team"]).good();
    let (key, section) = made.split_once("\n\n").expect("a key and its section");
    let (gateway, upstream) = scene(home, &format!("{section}UPSTREAM"));
    assert_eq!(gateway.call(&format!("{GEMINI}?key={key}"), &[], ASK).text(), ANSWER);
    assert_eq!(keys(&upstream.asked()), (GEMINI, vec![]));
    is_written_nowhere(&gateway, key);
    for (path, header) in
        [(GEMINI.to_owned(), "llmtop-wrong"), (format!("{GEMINI}?key={key}x"), ""), (GEMINI.to_owned(), "")]
    {
        assert_eq!(gateway.call(&path, &[("x-goog-api-key", header)], ASK).status, 401);
    }
    assert_eq!(upstream.rest(), 0);
}

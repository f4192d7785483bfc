//! What `[proxy]`, `[upstream.NAME]`, `[client.NAME]` and `[[fallback]]` read, and what they say of what they do not.

#![allow(clippy::unwrap_used)]

use super::*;
use crate::config::{Inputs, resolve};
use std::path::Path;

/// What a file says of the gateway.
fn read(file: &str) -> Result<Proxy, String> {
    let cli = crate::cli::parse(["llmtop"]).unwrap();
    let env = |name: &str| (name == "HOME").then(|| "/home/u".into());
    let inputs = Inputs { places: &cli.places, screen: Some(&cli.screen), env: &env, panes: &["overview"] };
    let effective = resolve(Some((Path::new("/c.toml"), file)), inputs);
    effective.map(|effective| effective.config.proxy).map_err(|why| why.to_string())
}

#[test]
fn nothing_said_is_the_default() {
    for file in ["", "[proxy]\n", "[proxy]\nredact = true\ncapture = \"preview\"\non_record_failure = \"pass\"\n"] {
        assert_eq!(read(file).unwrap(), Proxy::default(), "{file}");
    }
}

#[test]
fn every_setting_reads() {
    let file = "[proxy]\nlisten = \"[::1]:80\"\njournal = \"/var/journal\"\njournal_segment = \"1MB\"\n\
                journal_keep = \"forever\"\nmax_body = 1000000\napp = \" shop \"\ndegraded_answer = \"Later.\"\n\
                capture = \"full\"\nredact = false\non_record_failure = \"block\"\nconnect_timeout = \"1s\"\n\
                first_token_timeout = \"2s\"\nbetween_tokens_timeout = \"3s\"\ntotal_timeout = \"4m\"\n\
                retry_base = \"0ms\"\nretry_cap = \"5s\"\nretry_after_limit = \"6s\"\nbreaker_open = \"7s\"\n\
                queue_wait = \"0s\"\nstall = \"8s\"\ngrace = \"9s\"\nqueue = 0\nretries = 10\n\
                breaker_failures = 0\nretry_budget = \"12.5%\"\ntls_cert = \"/c.pem\"\ntls_key = \"/k.pem\"\n";
    let got = read(file).unwrap();
    let seconds = Duration::from_secs;
    let timeouts = Timeouts { connect: seconds(1), first_byte: seconds(2), between: seconds(3), total: seconds(240) };
    let want = Proxy {
        listen: Some("[::1]:80".parse().unwrap()),
        journal: Some("/var/journal".into()),
        segment: 1_000_000,
        keep_us: None,
        max_body: 1_000_000,
        timeouts,
        queue: Bounds { most: 0, longest: Duration::ZERO },
        backoff: Backoff { base: Duration::ZERO, cap: seconds(5), most: 10, longest: seconds(6) },
        retry_share: 0.125,
        breaker: Rule { failures: 0, open: seconds(7) },
        capture: Capture { keep: Keep::All, secrets: Secrets::AsTheyAre },
        unrecorded: Unrecorded::Block,
        stall: seconds(8),
        grace: seconds(9),
        degraded: Some("Later.".to_owned()),
        app: Some("shop".to_owned()),
        tls: Some(("/c.pem".into(), "/k.pem".into())),
        ..Proxy::default()
    };
    assert_eq!(got, want);
}

#[test]
fn upstreams_clients_and_fallbacks_read() {
    let hash = "0123456789abcdefABCDEF0123456789abcdef0123456789abcdef0123456789";
    let file = format!(
        "[upstream.groq]\nbase_url = \"https://api.groq.com/openai/v1\"\nprotocol = \"openai\"\n\
         key_env = [\"A_KEY\", \"B_KEY\"]\nkey_file = \"/keys\"\nmodels = [\"llama*\", \"qwen-?\"]\nweight = 3\n\
         ask_for_usage = false\n[upstream.\"own.one\"]\nbase_url = \"http://10.0.0.1:8000\"\nkey_env = \"C\"\n\
         provider = \"vllm\"\n[client.team]\nkey_sha256 = \"{hash}\"\n\
         [[fallback]]\nmodel = \"gpt-4o*\"\nto = [\"groq/llama-3\", \"meta/llama-3\", \"anthropic/claude\"]\n"
    );
    let got = read(&file).unwrap();
    let [groq, own] = got.upstreams.as_slice() else { panic!("{:?}", got.upstreams) };
    assert_eq!((groq.name.as_str(), groq.provider.as_deref(), groq.weight), ("groq", Some("groq"), 3));
    assert_eq!((groq.family, groq.ask_for_usage), (Some(Family::OpenAi), false));
    assert_eq!(
        (&groq.key_env, groq.key_file.as_deref().unwrap()),
        (&vec!["A_KEY".into(), "B_KEY".into()], Path::new("/keys"))
    );
    assert!(groq.models[0].matches("llama-3.3") && groq.models[1].matches("qwen-3"));
    assert_eq!((own.provider.as_deref(), own.weight, own.family, own.ask_for_usage), (Some("vllm"), 1, None, true));
    assert_eq!((&own.key_env, own.key_file.as_deref(), own.models.len()), (&vec!["C".into()], None, 0));
    assert_eq!((got.clients[0].name.as_str(), got.clients[0].key_sha256[..3].to_vec()), ("team", vec![1, 0x23, 0x45]));
    let next =
        |upstream: Option<&str>, model: &str| Next { upstream: upstream.map(str::to_owned), model: model.to_owned() };
    let to = [next(Some("groq"), "llama-3"), next(None, "meta/llama-3"), next(Some("anthropic"), "claude")];
    assert_eq!(got.fallbacks[0].to, to, "a model's name may have a slash");
}

#[test]
fn what_does_not_read_names_its_key_and_says_what_to_write() {
    const TIME: &str = "; write a length of time such as";
    for (line, key, says) in [
        ("listen = \"4141\"", "proxy.listen", "an address and a port such as \"127.0.0.1:4141\""),
        ("listen = \"localhost:4141\"", "proxy.listen", "an address and a port"),
        ("listen = 4141", "proxy.listen", "an address and a port"),
        (
            "journal = \"here\"",
            "proxy.journal",
            "\"here\" means another place in every folder; write the path of a folder",
        ),
        ("journal_segment = \"big\"", "proxy.journal_segment", "a size such as \"64MB\""),
        ("journal_segment = 0", "proxy.journal_segment", "\"0\" is no size"),
        ("journal_keep = \"long\"", "proxy.journal_keep", "\"7d\", or \"forever\""),
        ("journal_keep = \"-1d\"", "proxy.journal_keep", "is no age"),
        ("max_body = \"-1MB\"", "proxy.max_body", "a size such as"),
        ("app = \" \"", "proxy.app", "empty; write the name of an application"),
        ("degraded_answer = \"\"", "proxy.degraded_answer", "empty; write what to answer"),
        ("capture = \"ful\"", "proxy.capture", "did you mean full?; write \"none\", \"preview\" or \"full\""),
        ("redact = \"no\"", "proxy.redact", "true or false"),
        ("on_record_failure = \"drop\"", "proxy.on_record_failure", "or \"block\""),
        ("connect_timeout = 10", "proxy.connect_timeout", TIME),
        ("connect_timeout = \"-1s\"", "proxy.connect_timeout", TIME),
        ("first_token_timeout = \"0s\"", "proxy.first_token_timeout", "leaves no time; write a length"),
        ("between_tokens_timeout = \"soon\"", "proxy.between_tokens_timeout", TIME),
        ("total_timeout = [\"1s\"]", "proxy.total_timeout", "cannot be an array; write a length of time"),
        ("retry_base = \"1 s 2\"", "proxy.retry_base", TIME),
        ("retry_cap = \"\"", "proxy.retry_cap", TIME),
        ("retry_after_limit = \"1y\"", "proxy.retry_after_limit", TIME),
        ("breaker_open = true", "proxy.breaker_open", TIME),
        ("queue_wait = \"s\"", "proxy.queue_wait", TIME),
        ("stall = \"1\"", "proxy.stall", TIME),
        ("grace = \"never\"", "proxy.grace", TIME),
        ("queue = 100001", "proxy.queue", "at most 100000"),
        ("queue = -1", "proxy.queue", "how many calls may wait"),
        ("retries = 11", "proxy.retries", "a whole number from 0 to 10"),
        ("retries = 1.5", "proxy.retries", "a whole number from 0 to 10"),
        ("breaker_failures = \"x\"", "proxy.breaker_failures", "a whole number, 0 for never"),
        ("retry_budget = \"101%\"", "proxy.retry_budget", "a share of the calls such as \"20%\""),
        ("retry_budget = \"nan\"", "proxy.retry_budget", "is no share"),
        ("tls_cert = \"/c.pem\"", "[proxy]", "tls_cert and tls_key go together"),
        ("tls_key = \"k.pem\"", "proxy.tls_key", "the path of a PEM file"),
        ("retires = 1", "[proxy]", "has no \"retires\"; did you mean retries?"),
    ] {
        let error = read(&format!("[proxy]\n{line}\n")).unwrap_err();
        assert!(error.contains(key) && error.contains(says), "{line}: {error}");
        assert!(error.contains("/c.toml, line "), "{error}");
    }
    let error = read("proxy = 5").unwrap_err();
    assert!(error.contains("write [proxy]"), "{error}");
}

#[test]
fn an_upstream_that_does_not_read_says_why() {
    const URL: &str = "base_url = \"http://up\"\n";
    for (lines, key, says) in [
        ("", "[upstream.a]", "base_url is missing; write a URL such as \"https://api.example.com/v1\""),
        ("base_url = \"api.example.com\"", "upstream.a.base_url", "does not begin with https:// or http://"),
        ("base_url = \"ftp://x\"", "upstream.a.base_url", "does not begin with"),
        ("base_url = \"http://\"", "upstream.a.base_url", "is no URL"),
        ("base_url = \"https://up/v1?key=1\"", "upstream.a.base_url", "more than a host and a path"),
        ("base_url = \"http://up\"\nprotocol = \"opnai\"", "upstream.a.protocol", "did you mean openai?"),
        ("base_url = \"http://up\"\nprovider = \"\"", "upstream.a.provider", "the name that prices know"),
        ("base_url = \"http://up\"\nmodels = [\"gpt-[\"]", "upstream.a.models", "* for any characters"),
        ("base_url = \"http://up\"\nmodels = [[]]", "upstream.a.models", "cannot hold an array"),
        ("base_url = \"http://up\"\nweight = 0", "upstream.a.weight", "a whole number from 1 to 1000"),
        ("base_url = \"http://up\"\nweight = 1001", "upstream.a.weight", "a whole number from 1 to 1000"),
        ("base_url = \"http://up\"\nask_for_usage = 1", "upstream.a.ask_for_usage", "true or false"),
        ("base_url = \"http://up\"\nurl = \"x\"", "[upstream.a]", "has no \"url\""),
    ] {
        let error = read(&format!("[upstream.a]\n{lines}\n")).unwrap_err();
        assert!(error.contains(key) && error.contains(says), "{lines}: {error}");
    }
    for name in ["\"a/b\"", "\"\"", "\"a b\"", "\"\u{e9}\""] {
        let error = read(&format!("[upstream.{name}]\n{URL}")).unwrap_err();
        assert!(error.contains("it stands in /u/NAME/"), "{name}: {error}");
    }
    assert!(read("[[upstream]]\nbase_url = \"http://up\"\n").unwrap_err().contains("write [upstream.NAME]"));
}

#[test]
fn clients_and_fallbacks_that_do_not_read_say_why() {
    for (file, key, says) in [
        ("[client.a]\n", "[client.a]", "key_sha256 is missing; write the 64 digits that `llmtop key new` prints"),
        ("[client.a]\nkey_sha256 = \"12\"", "client.a.key_sha256", "`llmtop key new`"),
        ("[client.a]\nkey = \"llmtop-1\"", "[client.a]", "has no \"key\"; did you mean key_sha256?"),
        ("[[fallback]]\nto = [\"x\"]", "[[fallback]]", "model is missing; write the name of a model"),
        ("[[fallback]]\nmodel = \"x\"", "[[fallback]]", "to is missing; write models"),
        ("[[fallback]]\nmodel = \"x\"\nto = [\"\"]", "fallback.to", "empty; write models"),
        ("[[fallback]]\nmodel = \"x\"\nto = [\"y\", \"x\"]", "fallback.to", "\"x\" cannot stand in for itself"),
        ("[[fallback]]\nmodel = \"[\"\nto = \"y\"", "fallback.model", "* for any characters"),
    ] {
        let error = read(file).unwrap_err();
        assert!(error.contains(key) && error.contains(says), "{file}: {error}");
    }
    let signs = format!("[client.a]\nkey_sha256 = \"{}\"", "+f".repeat(32));
    assert!(read(&signs).unwrap_err().contains("no 64 hexadecimal digits"));
}

/// A key in a place where none belongs is refused, and not repeated where others may read it.
#[test]
fn a_key_that_stands_in_the_open_is_not_repeated() {
    for line in [
        "key_env = \"sk-very-secret\"",
        "key_env = [\"OK\", \"sk-very-secret\"]",
        "key_file = \"sk-very-secret\"",
        "key = \"sk-very-secret\"",
        "api_key = \"sk-very-secret\"",
    ] {
        let error = read(&format!("[upstream.a]\nbase_url = \"http://up\"\n{line}\n")).unwrap_err();
        assert!(error.contains("upstream.a") && !error.contains("very-secret"), "{line}: {error}");
    }
    let error = read("[upstream.a]\nbase_url = \"https://me:sk-very-secret@up/v1\"\n").unwrap_err();
    assert!(
        error.contains("upstream.a.base_url") && error.contains("key_env") && !error.contains("very-secret"),
        "{error}"
    );
    let error = read("[client.a]\nkey_sha256 = \"llmtop-very-secret\"\n").unwrap_err();
    assert!(!error.contains("very-secret"), "{error}");
}

#[test]
fn all_that_is_wrong_is_said_at_once() {
    let error = read("[proxy]\nretries = 11\nqueue = \"x\"\n[upstream.a]\nprotocol = \"x\"\n[client.b]\n").unwrap_err();
    for key in ["proxy.retries", "proxy.queue", "upstream.a.protocol", "base_url is missing", "[client.b]"] {
        assert!(error.contains(key), "{key}: {error}");
    }
}

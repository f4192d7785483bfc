//! The gateway as a program among others: what `run` tells its program and passes on to it, signals, and a configuration
//! that is read again.

mod gateway_common;

use gateway_common::{Act, Answer, Gateway, Home, Upstream, chunk, json, send, stream_head};
use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};

const CHAT: &str = "/v1/chat/completions";
const ASK: &[u8] = br#"{"model":"gpt-4o-mini","messages":[{"role":"user","content":"hi there"}]}"#;
const ANSWER: &str = r#"{"id":"c1","model":"gpt-4o-mini","choices":[{"index":0,"message":{"role":"assistant","content":"Hello"},"finish_reason":"stop"}],"usage":{"prompt_tokens":9,"completion_tokens":3,"total_tokens":12}}"#;

/// A program that makes one call by a variable.
const CALLER: &str = "import os, urllib.request as u\nr = u.Request(os.environ['OPENAI_BASE_URL'] + '/chat/completions', data=b'{\"model\":\"m\",\"messages\":[]}')\nprint(u.urlopen(r).status)\n";

fn whole() -> Act {
    Act::Send(vec![json("200 OK", "", ANSWER)])
}

/// A process that ends with the test, however that goes.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn kill(child: &Child, signal: &str) {
    let sent = Command::new("kill").args([signal, &child.id().to_string()]).status().expect("kill");
    assert!(sent.success());
}

#[test]
fn a_call_goes_where_its_variable_said() {
    let upstream = Upstream::start(vec![whole()]);
    let home = Home::new();
    home.write("ask.py", CALLER);
    let mut command = home.llmtop(["run", "--", "python3", "ask.py"]);
    let former = format!("{}/api/v7", upstream.url());
    let ran = program(command.env("OPENAI_BASE_URL", &former).env("HTTP_PROXY", "http://127.0.0.1:9"));
    assert_eq!((ran.0, ran.1.as_str()), (Some(0), "200\n"), "{}", ran.2);
    assert_eq!(upstream.asked().line, "POST /api/v7/chat/completions HTTP/1.1");
    assert!(ran.2.contains("1 accepted"), "{}", ran.2);
    let ran =
        home.run(["run", "--", "sh", "-c", "echo \"$AZURE_OPENAI_ENDPOINT$LITELLM_PROXY_API_BASE\"; echo $NO_PROXY"]);
    assert_eq!(ran.good(), "\n127.0.0.1\n");
}

fn program(command: &mut Command) -> (Option<i32>, String, String) {
    let output = command.output().expect("it starts");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
    (output.status.code(), text(output.stdout), text(output.stderr))
}

#[test]
fn a_program_needs_neither_key_nor_certificate_of_the_gateway() {
    let upstream = Upstream::start(vec![whole()]);
    let home = Home::new();
    home.write("ask.py", CALLER);
    let config = format!(
        "[proxy]\ntls_cert = \"/no/such\"\ntls_key = \"/no/such\"\n[client.a]\nkey_sha256 = \"{}\"\n",
        "0".repeat(64)
    );
    home.write("config/llmtop/config.toml", config);
    let ran = home.run(["run", "--upstream", &upstream.url(), "--", "python3", "ask.py"]);
    assert_eq!((ran.code, ran.out.as_str()), (Some(0), "200\n"), "{}", ran.err);
}

#[test]
fn signals_reach_the_program_and_its_end_is_the_gateways() {
    let home = Home::new();
    std::fs::create_dir(home.path("tmp")).expect("a folder");
    // A program that goes on after a signal says that it came.
    let script = "trap 'echo hup' HUP; trap 'exit 5' TERM; echo ready; while :; do sleep 0.02; done";
    let mut command = home.llmtop(["run", "--", "sh", "-c", script]);
    // Under nohup it would be ignored, and stay so.
    // SAFETY: it sets what a signal does, before anything else runs.
    unsafe {
        command.pre_exec(|| {
            libc::signal(libc::SIGHUP, libc::SIG_DFL);
            Ok(())
        });
    }
    command.env("TMPDIR", home.path("tmp")).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("it starts");
    let mut out = BufReader::new(child.stdout.take().expect("a pipe")).lines();
    let mut line = || out.next().expect("a line").expect("text");
    assert_eq!(line(), "ready");
    kill(&child, "-INT");
    kill(&child, "-HUP");
    assert_eq!(line(), "hup");
    kill(&child, "-TERM");
    let ended = child.wait_with_output().expect("its end");
    let err = String::from_utf8_lossy(&ended.stderr).into_owned();
    assert_eq!(ended.status.code(), Some(5), "{err}");
    assert!(err.contains("no call came through the gateway") && err.contains("OPENAI_BASE_URL"), "{err}");
    assert_eq!(std::fs::read_dir(home.path("tmp")).expect("a folder").count(), 0, "nothing is left behind");
    assert_eq!(home.run(["run", "--", "sh", "-c", "kill -9 $$"]).code, Some(137));
}

#[test]
fn what_a_program_says_is_alone_on_its_output_and_its_code_stays() {
    let home = Home::new();
    assert_eq!(home.run(["run", "--", "echo", "{}"]).good(), "{}\n");
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").expect("opened");
    let mut command = home.llmtop(["run", "--", "sh", "-c", "exit 7"]);
    command.stdout(full.try_clone().expect("a second handle")).stderr(full);
    assert_eq!(command.status().expect("it starts").code(), Some(7));
}

#[test]
fn a_second_signal_ends_the_grace() {
    let upstream = Upstream::start(vec![Act::Stall(vec![
        stream_head(),
        chunk("data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Hel\"}}]}\n\n"),
    ])]);
    let config = "[proxy]\ngrace = \"10m\"\n[upstream.one]\nbase_url = \"UPSTREAM\"\n";
    let mut gateway = Gateway::told(&upstream, config);
    let mut client = gateway.send(CHAT, &[], br#"{"model":"m","stream":true,"messages":[]}"#);
    client.read_exact(&mut [0; 20]).expect("the answer begins");
    gateway.signal("-TERM");
    // Once it listens no more the first has been heard.
    while std::net::TcpStream::connect(gateway.address).is_ok() {
        std::thread::yield_now();
    }
    gateway.signal("-TERM");
    assert_eq!(gateway.ended(), Some(143));
    assert_eq!(gateway.calls(1)[0]["error_type"], "proxy_shutdown");
}

#[test]
fn a_hang_up_opens_nothing_and_applies_what_is_recorded() {
    let upstream = Upstream::start(vec![whole()]);
    let home = Home::new();
    let upstream_of = |more: &str| format!("{more}\n[upstream.one]\nbase_url = \"{}\"\n", upstream.url());
    let closed = format!("[client.a]\nkey_sha256 = \"{}\"", "0".repeat(64));
    home.write("config/llmtop/config.toml", upstream_of(&closed));
    let mut command = home.llmtop(["proxy", "--headless", "--listen", "0.0.0.0:0"]);
    let mut child = Ended(command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts"));
    let mut line = String::new();
    let mut out = BufReader::new(child.0.stdout.take().expect("a pipe"));
    out.read_line(&mut line).expect("its first line");
    let port = line.split(':').find_map(|part| part.split(',').next()?.parse::<u16>().ok()).expect("a port");
    let mut said = BufReader::new(child.0.stderr.take().expect("a pipe")).lines();
    let mut again = |config: String| {
        home.write("config/llmtop/config.toml", config);
        kill(&child.0, "-HUP");
        said.next().expect("a line").expect("text")
    };
    // Here the configuration says nothing of where to listen, which is the loopback.
    let refused = again(upstream_of(""));
    assert!(refused.contains("the configuration before stays") && refused.contains("0.0.0.0"), "{refused}");
    let address = std::net::SocketAddr::from(([127, 0, 0, 1], port));
    assert_eq!(Answer::read(send(address, CHAT, &[], ASK)).status, 401);
    let later = again(upstream_of(&format!(
        "[proxy]\nqueue = 5\ncapture = \"none\"\n{closed}\n[[budget]]\nname = \"b\"\nlimit_usd = 5\nperiod = \"day\""
    )));
    assert!(later.contains("at the next start only: queue and queue_wait, budgets"), "{later}");
    kill(&child.0, "-TERM");
    child.0.wait().expect("its end");
}

#[test]
fn a_hang_up_applies_what_is_captured_and_whose_calls_they_are() {
    let upstream = Upstream::start(vec![whole()]);
    let config = "[upstream.one]\nbase_url = \"UPSTREAM\"\n";
    let gateway = Gateway::told(&upstream, config);
    let told = format!("[proxy]\ncapture = \"none\"\napp = \"shop\"\n{}", config.replace("UPSTREAM", &upstream.url()));
    gateway.call(CHAT, &[], ASK);
    assert_eq!(gateway.calls(1)[0]["prompt_preview"], "hi there");
    gateway.home.write("config/llmtop/config.toml", told);
    gateway.signal("-HUP");
    let begun = std::time::Instant::now();
    let call = loop {
        gateway.call(CHAT, &[], ASK);
        if let Some(call) = gateway.journal().into_iter().find(|call| call["app"] == "shop") {
            break call;
        }
        assert!(begun.elapsed().as_secs() < 20, "it is applied");
    };
    assert!(call["prompt_preview"].is_null(), "{call}");
}

#[test]
fn every_store_has_a_journal_of_its_own() {
    let upstream = Upstream::start(vec![whole()]);
    let home = Home::new();
    let store = home.path("other.db");
    let flags = ["--upstream", &upstream.url(), "--store", store.to_str().expect("text")];
    let gateway = Gateway::start(home, &flags);
    gateway.call(CHAT, &[], ASK);
    let folder = gateway.home.path("other.db.journal");
    assert!(std::fs::read_dir(folder).expect("a folder").count() > 0);
    assert!(!gateway.home.path("data/llmtop/journal").exists());
}

#[test]
fn a_gateway_is_not_its_own_upstream() {
    let home = Home::new();
    for url in ["http://127.0.0.1:4199", "http://localhost:4199/v1"] {
        let refused = home.run(["proxy", "--headless", "--listen", "127.0.0.1:4199", "--upstream", url]);
        assert_ne!(refused.code, Some(0));
        assert!(refused.err.contains("is this gateway itself"), "{}", refused.err);
    }
}

#[test]
fn what_runs_into_a_named_store_is_kept_and_reported_on_alone() {
    let upstream = Upstream::start(vec![whole()]);
    let home = Home::new();
    home.write("ask.py", CALLER);
    let store = home.path("kept.db");
    let flags =
        ["run", "--store", store.to_str().expect("text"), "--upstream", &upstream.url(), "--", "python3", "ask.py"];
    for _ in 0..2 {
        let ran = home.run(flags);
        assert_eq!(ran.code, Some(0), "{}", ran.err);
        assert!(ran.err.contains("1 accepted"), "its own call alone: {}", ran.err);
    }
    let report = home.run(["report", "--store", store.to_str().expect("text"), "--window", "all"]);
    let text = report.good();
    assert!(text.contains("2 accepted"), "{text}");
}

/// Where a gateway says that calls go.
fn whither(home: &Home) -> String {
    let mut command = home.llmtop(["proxy", "--headless", "--listen", "127.0.0.1:0"]);
    let mut child = Ended(command.stdout(Stdio::piped()).spawn().expect("it starts"));
    let line = BufReader::new(child.0.stdout.take().expect("a pipe")).lines().nth(1).expect("a line").expect("text");
    kill(&child.0, "-TERM");
    child.0.wait().expect("its end");
    line
}

#[test]
fn a_protocol_whose_upstreams_are_named_goes_nowhere_else() {
    let home = Home::new();
    let told = |config: &str| {
        home.write("config/llmtop/config.toml", config);
        whither(&home)
    };
    let elsewhere = "anthropic https://api.anthropic.com, gemini https://generativelanguage.googleapis.com";
    let named = told("[upstream.openai]\nbase_url = \"http://127.0.0.1:9/v1\"\n");
    assert_eq!(named, format!("calls go to openai http://127.0.0.1:9/v1, {elsewhere}"));
    let some = told("[upstream.a]\nbase_url = \"http://127.0.0.1:9\"\nprotocol = \"openai\"\nmodels = [\"gpt-4*\"]\n");
    assert_eq!(some, format!("calls go to a http://127.0.0.1:9 (gpt-4*), {elsewhere}"));
    let all = told("[upstream.a]\nbase_url = \"http://127.0.0.1:9\"\n");
    assert_eq!(all, "calls go to a http://127.0.0.1:9");
}

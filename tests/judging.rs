//! `llmtop score` and `llmtop judge` as a person runs them: what they say, what is in the store afterwards, and what a
//! judge that is scripted, slow of mind or failing leads to.

mod common;

use common::program::{Home, Ran};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};

fn calls(count: usize) -> String {
    let call = |n: usize| {
        format!(
            "{{\"event\":\"llm_call\",\"timestamp\":\"2026-05-01T10:{:02}:{:02}Z\",\"request_id\":\"req_{n}\",\"trace_id\":\"t{n}\",\
             \"model\":\"gpt-4.1\",\"provider\":\"openai\",\"app\":\"bot\",\"prompt\":\"question {n}\",\"response\":\"answer {n}\"}}\n",
            n / 60,
            n % 60
        )
    };
    (0..count).map(call).collect()
}

fn home(count: usize) -> Home {
    let home = Home::new();
    home.write("app.log", calls(count));
    home.typed("ingest app.log").good();
    home
}

trait Runs {
    fn typed(&self, args: &str) -> Ran;
    fn scores(&self) -> Vec<String>;
}

impl Runs for Home {
    fn typed(&self, args: &str) -> Ran {
        let mut command = self.command(env!("CARGO_BIN_EXE_llmtop"));
        Ran::of(command.args(args.split_whitespace()).env("JUDGE_KEY", "sk-secret").output().expect("it runs"))
    }

    /// Name, value, source and request of each score, and whether its call was found.
    fn scores(&self) -> Vec<String> {
        let mut command = self.command(env!("CARGO_BIN_EXE_llmtop"));
        let sql = "SELECT name, value, source, request_id, judges FROM scores ORDER BY ts_us, name";
        let out = Ran::of(command.args(["query", sql, "--format", "csv"]).output().expect("it runs")).good();
        out.lines().skip(1).map(str::to_owned).collect()
    }
}

#[test]
fn a_score_by_hand_is_in_the_store_and_in_a_log_of_its_own() {
    let home = home(3);
    assert_eq!(home.typed("score req_1 --name thumbs --value up").good(), "thumbs 1 for call req_1 (gpt-4.1)\n");
    assert_eq!(
        home.typed("score t2 --trace --name task_completed --value 0 --source judge").good(),
        "task_completed 0 for trace t2\n"
    );
    let waits = home.typed("score req_9 --name thumbs --value -1 --source user").good();
    assert_eq!(waits, "thumbs -1 for call req_9; nothing was heard of that call yet, so it waits\n");
    let want = ["thumbs,1,human,req_1,call", "task_completed,0,judge,,trace", "thumbs,-1,user,req_9,"];
    assert_eq!(home.scores(), want);
    // The call comes after all; and the store is made again from the logs.
    home.write("later.log", calls(10));
    home.typed("ingest later.log").good();
    assert_eq!(home.scores()[2], "thumbs,-1,user,req_9,call");
    let log = home.store().with_extension("scores.jsonl");
    assert_eq!(std::fs::read_to_string(&log).expect("the log").lines().count(), 3);
    std::fs::remove_file(home.store()).expect("removed");
    home.typed("ingest later.log").good();
    home.typed(&format!("ingest {}", log.display())).good();
    assert_eq!(home.scores().len(), 3);
}

#[test]
fn what_cannot_be_scored_is_said() {
    let home = Home::new();
    let why = home.typed("score req_1 --name thumbs --value 1").bad();
    assert!(why.contains("does not exist"), "{why}");
    assert!(!home.store().with_extension("scores.jsonl").exists(), "nothing is noted that leads nowhere");
    for (args, word) in [
        ("score a --name x --value much", "not a number"),
        ("score a --value 1", "--name"),
        ("score a --name x --value NaN", "not a number"),
    ] {
        let ran = home.typed(args);
        assert!(ran.code == Some(2) && ran.err.contains(word), "{args}: {ran:?}");
    }
}

#[test]
fn half_a_line_at_the_end_of_the_log_takes_nothing_with_it() {
    let home = home(2);
    let log = home.store().with_extension("scores.jsonl");
    std::fs::write(&log, "{\"event\":\"llm_score\",\"name\":\"thu").expect("written");
    home.typed("score req_1 --name thumbs --value 1").good();
    assert_eq!(home.scores(), ["thumbs,1,human,req_1,call"]);
}

#[test]
fn a_review_needs_a_terminal() {
    let home = home(2);
    let why = home.typed("review").bad();
    assert!(why.contains("needs a terminal"), "{why}");
    assert!(home.typed("review --filter app:nobody").good().contains("no calls to judge"));
}

/// A review in a pseudo-terminal.
struct Reviewed {
    keys: Box<dyn Write + Send>,
    child: Box<dyn portable_pty::Child + Send + Sync>,
    bytes: std::sync::mpsc::Receiver<Vec<u8>>,
    screen: vt100::Parser,
    _master: Box<dyn portable_pty::MasterPty + Send>,
}

impl Reviewed {
    fn start(home: &Home, args: &str) -> Reviewed {
        let size = portable_pty::PtySize { rows: 24, cols: 80, pixel_width: 0, pixel_height: 0 };
        let pair = portable_pty::native_pty_system().openpty(size).expect("a pseudo-terminal");
        let mut command = portable_pty::CommandBuilder::new(env!("CARGO_BIN_EXE_llmtop"));
        command.args(["review", "--store"]);
        command.arg(home.store());
        command.args(args.split_whitespace());
        command.env("HOME", home.path(""));
        command.env("TERM", "xterm-256color");
        let child = pair.slave.spawn_command(command).expect("it starts");
        drop(pair.slave);
        let mut reader = pair.master.try_clone_reader().expect("a reader");
        let keys = pair.master.take_writer().expect("a writer");
        let (send, bytes) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(read @ 1..) = reader.read(&mut buffer) {
                if send.send(buffer[..read].to_vec()).is_err() {
                    return;
                }
            }
        });
        Reviewed { keys, child, bytes, screen: vt100::Parser::new(24, 80, 0), _master: pair.master }
    }

    /// Waits until a text is on the screen.
    #[track_caller]
    fn see(&mut self, text: &str) -> String {
        let patience = std::time::Duration::from_secs(60);
        while !self.screen.screen().contents().contains(text) {
            match self.bytes.recv_timeout(patience) {
                Ok(bytes) => self.screen.process(&bytes),
                Err(_) => panic!("no {text:?} on\n{}", self.screen.screen().contents()),
            }
        }
        self.screen.screen().contents()
    }

    fn press(&mut self, key: &str) {
        self.keys.write_all(key.as_bytes()).expect("pressed");
    }
}

#[test]
fn a_review_goes_on_where_it_stopped() {
    let home = home(5);
    let mut first = Reviewed::start(&home, "--sample 4 --filter app:bot");
    let page = first.see("task_completed 1 of 4");
    assert!(page.contains("question ") && page.contains("answer ") && !page.contains("gpt-4.1"), "{page}");
    first.press("y");
    first.see("task_completed 2 of 4");
    first.press("n");
    first.see("task_completed 3 of 4");
    // A slip is put right: what is pressed last counts.
    first.press("u");
    first.see("task_completed 2 of 4   judged 0");
    first.press("y");
    first.see("task_completed 3 of 4");
    first.press("q");
    first.see("2 judged");
    first.press("r");
    first.see("gpt-4.1, variant");
    first.press("q");
    first.see("2 of the sample judged now, 0 before, 2 left");
    assert!(first.child.wait().expect("it ends").success());
    let scores = home.scores();
    assert_eq!(scores.len(), 3);
    assert!(scores.iter().all(|score| score.starts_with("task_completed,") && score.ends_with(",call")), "{scores:?}");
    let mut second = Reviewed::start(&home, "--sample 4 --filter app:bot");
    second.see("task_completed 3 of 4");
    second.press("s");
    second.see("task_completed 4 of 4");
    second.press("\u{1b}");
    second.see("0 of the sample judged now, 2 before, 2 left");
    assert!(second.child.wait().expect("it ends").success());
}

/// A judge on a port of its own: what it answers, one after another and the last one for ever, and what it was asked.
struct Scripted {
    url: String,
    asked: Arc<Mutex<Vec<(String, serde_json::Value)>>>,
}

impl Scripted {
    fn new(answers: &[(u16, &str)]) -> Scripted {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}/v1", listener.local_addr().expect("an address"));
        let asked = Arc::<Mutex<Vec<_>>>::default();
        let seen = Arc::clone(&asked);
        let answers: Vec<(u16, String)> = answers.iter().map(|(status, text)| (*status, body(*status, text))).collect();
        std::thread::spawn(move || {
            for (number, stream) in listener.incoming().enumerate() {
                let Ok(mut stream) = stream else { return };
                let Some(request) = read(&mut BufReader::new(&stream)) else { continue };
                seen.lock().expect("unharmed").push(request);
                let (status, body) = answers.get(number).or(answers.last()).expect("an answer");
                let head = format!(
                    "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
                    body.len()
                );
                let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body.as_bytes()));
            }
        });
        Scripted { url, asked }
    }

    fn asked(&self) -> Vec<(String, serde_json::Value)> {
        self.asked.lock().expect("unharmed").clone()
    }
}

fn body(status: u16, text: &str) -> String {
    if status >= 400 {
        return serde_json::json!({"error": {"message": text, "type": "server_error"}}).to_string();
    }
    serde_json::json!({
        "model": "gpt-4.1-mini", "choices": [{"message": {"role": "assistant", "content": text}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 500, "completion_tokens": 40},
    })
    .to_string()
}

/// The head and the body of a request.
fn read(reader: &mut impl BufRead) -> Option<(String, serde_json::Value)> {
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 || line == "\r\n" {
            break;
        }
        if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
        head.push_str(&line);
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some((head, serde_json::from_slice(&body).ok()?))
}

fn configured(count: usize, judge: &Scripted, more: &str) -> Home {
    let home = home(count);
    let text = format!(
        "[judge]\nbase_url = \"{}\"\nmodel = \"gpt-4.1-mini\"\nprovider = \"openai\"\nkey_env = \"JUDGE_KEY\"\n{more}",
        judge.url
    );
    home.write("config/llmtop/config.toml", text);
    home
}

const GOOD: &str = r#"{"score": 0.75, "reason": "most of it"}"#;

#[test]
fn a_judge_judges_once_and_its_calls_are_calls() {
    let judge = Scripted::new(&[(200, GOOD)]);
    let home = configured(6, &judge, "");
    let dry = home.typed("judge --sample 4 --dry-run").good();
    assert!(dry.starts_with("4 calls would be judged for relevance, for at most $0."), "{dry}");
    assert_eq!(judge.asked().len(), 0);
    let said = home.typed("judge --sample 4").good();
    assert_eq!(said, "relevance: 4 judged now, 0 before, 0 unclear, 0 failed, 0 without text; spent $0.00106\n");
    let scores = home.scores();
    assert!(
        scores.len() == 4 && scores.iter().all(|s| s.starts_with("relevance,0.75,judge,req_") && s.ends_with(",call")),
        "{scores:?}"
    );
    let own = home.typed("report --window all --filter app:llmtop-judge --format json").good();
    let own: serde_json::Value = serde_json::from_str(&own).expect("JSON");
    assert_eq!((&own["totals"]["calls"], &own["totals"]["input_tokens"]), (&4.into(), &2000.into()));
    // The same sample is done; a larger one goes on, and never judges the judge.
    assert!(home.typed("judge --sample 4").good().contains("0 judged now, 4 before"));
    assert!(home.typed("judge --sample 50").good().contains("2 judged now, 4 before"));
    let asked = judge.asked();
    assert_eq!(asked.len(), 6);
    let (head, body) = &asked[0];
    assert!(
        head.starts_with("POST /v1/chat/completions ")
            && head.to_lowercase().contains("authorization: bearer sk-secret")
    );
    let given = body["messages"][1]["content"].as_str().expect("text");
    assert!(given.contains(r#"{"asked":"question "#) && body["temperature"] == 0, "{body}");
    let log = std::fs::read_to_string(home.store().with_extension("scores.jsonl")).expect("the log");
    assert!(!log.contains("sk-secret") && log.lines().count() == 12);
}

#[test]
fn an_answer_that_is_none_is_asked_for_once_more() {
    let judge = Scripted::new(&[
        (200, "It is quite good!"),
        (200, r#"{"score": 1, "reason": "it made up a name"}"#),
        (200, "no"),
        (200, "no"),
    ]);
    let home = configured(2, &judge, "rubric = \"hallucination\"");
    let said = home.typed("judge").good();
    assert!(said.starts_with("hallucination: 1 judged now, 0 before, 1 unclear, 0 failed"), "{said}");
    let asked = judge.asked();
    assert_eq!(
        asked.iter().map(|(_, body)| body["messages"].as_array().map_or(0, Vec::len)).collect::<Vec<_>>(),
        [2, 3, 2, 3]
    );
    assert_eq!(home.scores().len(), 1);
}

#[test]
fn a_budget_is_never_exceeded() {
    let judge = Scripted::new(&[(200, GOOD)]);
    let home = configured(40, &judge, "budget_usd = 0.003\nsample = 40");
    let said = home.typed("judge").good();
    assert!(said.contains("stopped before the budget would be exceeded"), "{said}");
    let spent: f64 = said.split("spent $").nth(1).and_then(|rest| rest.lines().next()?.parse().ok()).expect("a sum");
    assert!(spent > 0.0 && spent <= 0.003, "{said}");
    let first = home.scores().len();
    assert!(first > 2 && first < 40);
    // It goes on from there.
    home.typed("judge").good();
    assert!(home.scores().len() > first);
    let unpriced = Scripted::new(&[(200, GOOD)]);
    let home = configured(2, &unpriced, "budget_usd = 1");
    home.write(
        "config/llmtop/config.toml",
        format!("[judge]\nbase_url = \"{}\"\nmodel = \"nobody-knows\"\nbudget_usd = 1", unpriced.url),
    );
    let why = home.typed("judge").bad();
    assert!(why.contains("has no price"), "what nobody can count is not spent: {why}");
    assert_eq!(unpriced.asked().len(), 0);
}

#[test]
fn a_judge_that_fails_is_given_up_and_its_failures_are_calls() {
    let judge = Scripted::new(&[(200, GOOD), (500, "boom \u{1b}[31m")]);
    let home = configured(9, &judge, "");
    let ran = home.typed("judge");
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(ran.out.contains("1 judged now, 0 before, 0 unclear, 3 failed"), "{ran:?}");
    assert!(
        ran.err.contains("failed 3 times one after another: it answered 500: boom") && !ran.err.contains('\u{1b}'),
        "{ran:?}"
    );
    let own = home.typed("report --window all --filter app:llmtop-judge --format json").good();
    let own: serde_json::Value = serde_json::from_str(&own).expect("JSON");
    assert_eq!((&own["totals"]["calls"], &own["totals"]["errors"]), (&4.into(), &3.into()));
}

#[test]
fn what_is_wrong_with_the_judge_is_said_before_anybody_is_asked() {
    let home = home(1);
    assert!(home.typed("judge").bad().contains("no judge is named"));
    let judge = Scripted::new(&[(200, GOOD)]);
    for (config, words) in [
        ("model = \"m\"", "base_url is missing"),
        ("base_url = \"http://u:p@x/\"\nmodel = \"m\"", "key_env"),
        ("base_url = \"http://x/\"\nmodel = \"m\"\nrubric = \"relevanz\"", "did you mean"),
        ("base_url = \"http://x/\"\nmodel = \"m\"\nrubric = \"Judge how kind it is.\"", "needs a name"),
        ("base_url = \"http://x/\"\nmodel = \"m\"\nkey_env = \"sk-abc\"", "no name of a variable"),
        ("base_url = \"http://x/\"\nmodel = \"m\"\nkey_env = \"NOBODY_SET_THIS\"", "is not set"),
    ] {
        home.write("config/llmtop/config.toml", format!("[judge]\n{config}"));
        let why = home.typed("judge").bad();
        assert!(why.contains(words), "{config}: {why}");
    }
    assert_eq!(judge.asked().len(), 0);
}

#[test]
fn a_review_ends_with_its_terminal() {
    let home = home(2);
    let size = portable_pty::PtySize { rows: 24, cols: 80, pixel_width: 0, pixel_height: 0 };
    let pair = portable_pty::native_pty_system().openpty(size).expect("a pseudo-terminal");
    let mut command = portable_pty::CommandBuilder::new(env!("CARGO_BIN_EXE_llmtop"));
    command.args(["review", "--store"]);
    command.arg(home.store());
    command.env("HOME", home.path(""));
    let mut child = pair.slave.spawn_command(command).expect("it starts");
    drop(pair.slave);
    let mut reader = pair.master.try_clone_reader().expect("a reader");
    let (mut seen, mut buffer) = (vt100::Parser::new(24, 80, 0), [0; 4096]);
    while !seen.screen().contents().contains("1 of 2") {
        let read = reader.read(&mut buffer).expect("its output");
        seen.process(&buffer[..read]);
    }
    drop((reader, pair.master));
    let begun = std::time::Instant::now();
    while child.try_wait().expect("its state").is_none() {
        assert!(begun.elapsed().as_secs() < 60, "it lives on without its terminal");
        std::thread::yield_now();
    }
}

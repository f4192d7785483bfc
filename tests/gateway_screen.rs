//! A gateway with a screen whose terminal is closed while a call is under way: the call gets its time, is recorded, and is in
//! the store when the program has ended.

mod gateway_common;

use gateway_common::{Act, Home, Upstream, chunk, send, stream_head};
use portable_pty::{CommandBuilder, PtySize, native_pty_system};
use std::io::Read;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

const CHAT: &str = "/v1/chat/completions";
const ASK: &[u8] = br#"{"model":"gpt-4o-mini","stream":true,"messages":[{"role":"user","content":"hi"}]}"#;
const WORD: &str = "data: {\"id\":\"c1\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Hel\"}}]}\n\n";

/// Longer than any machine takes; the test waits only as long as it must.
const PATIENCE: Duration = Duration::from_secs(60);

/// The address that a screen shows.
fn address(screen: &mut dyn Read) -> SocketAddr {
    let (mut all, mut buffer) = (Vec::new(), [0; 4096]);
    loop {
        let n = screen.read(&mut buffer).expect("its output");
        assert!(n > 0, "it has ended: {}", String::from_utf8_lossy(&all));
        all.extend_from_slice(&buffer[..n]);
        let text = String::from_utf8_lossy(&all).into_owned();
        let shown = text.split_once("OPENAI_BASE_URL=http://").and_then(|(_, rest)| rest.split_once("/v1"));
        if let Some(address) = shown.and_then(|(address, _)| address.parse().ok()) {
            return address;
        }
    }
}

#[test]
fn a_call_under_way_is_recorded_and_stored_when_the_terminal_goes() {
    let upstream = Upstream::start(vec![Act::Stall(vec![stream_head(), chunk(WORD)])]);
    let home = Home::new();
    let config = format!("[proxy]\ngrace = \"200ms\"\n[upstream.one]\nbase_url = \"{}\"\n", upstream.url());
    home.write("config/llmtop/config.toml", config);
    let size = PtySize { rows: 30, cols: 120, pixel_width: 0, pixel_height: 0 };
    let pair = native_pty_system().openpty(size).expect("a pseudo-terminal");
    let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_llmtop"));
    command.args(["proxy", "--listen", "127.0.0.1:0"]);
    home.llmtop(["proxy"]).get_envs().for_each(|(name, value)| command.env(name, value.unwrap_or_default()));
    let mut child = pair.slave.spawn_command(command).expect("it starts");
    drop(pair.slave);
    let mut screen = pair.master.try_clone_reader().expect("its output");
    let mut stream = send(address(&mut *screen), CHAT, &[], ASK);
    let mut first = [0; 1];
    stream.read_exact(&mut first).expect("the answer begins");
    drop((screen, pair.master));
    let begun = Instant::now();
    while child.try_wait().expect("its state").is_none() {
        assert!(begun.elapsed() < PATIENCE, "it lives on without its terminal");
        std::thread::yield_now();
    }
    let report = home.run(["report", "--window", "all"]).good();
    assert!(report.contains("1 accepted"), "{report}");
    let errors = home.run(["query", "SELECT error_type FROM errors"]).good();
    assert!(errors.contains("proxy_shutdown"), "{errors}");
}

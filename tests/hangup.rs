//! The whole program when its terminal goes away: it ends, and takes its temporary store with it.

use portable_pty::{CommandBuilder, PtySize, native_pty_system};
use std::io::Read;
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// Longer than any machine takes; the test waits only as long as it must.
const PATIENCE: Duration = Duration::from_secs(60);

#[test]
fn a_demo_whose_terminal_is_closed_ends() {
    let home = tempfile::tempdir().expect("a folder");
    let size = PtySize { rows: 24, cols: 80, pixel_width: 0, pixel_height: 0 };
    let pair = native_pty_system().openpty(size).expect("a pseudo-terminal");
    let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_llmtop"));
    command.args(["demo", "--history", "5m"]);
    for name in ["XDG_DATA_HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "TMPDIR", "HOME"] {
        command.env(name, home.path());
    }
    let mut child = pair.slave.spawn_command(command).expect("the program starts");
    drop(pair.slave);
    let mut output = pair.master.try_clone_reader().expect("its output");
    let (seen, shown) = mpsc::channel();
    let reading = std::thread::spawn(move || {
        let (mut all, mut buffer) = (Vec::new(), [0; 4096]);
        while let Ok(n @ 1..) = output.read(&mut buffer) {
            all.extend_from_slice(&buffer[..n]);
            if String::from_utf8_lossy(&all).contains("Overview") {
                let _ = seen.send(());
                return;
            }
        }
    });
    shown.recv_timeout(PATIENCE).expect("the screen comes up");
    reading.join().expect("the reader ends");
    drop(pair.master);
    let begun = Instant::now();
    while child.try_wait().expect("its state").is_none() {
        assert!(begun.elapsed() < PATIENCE, "the program lives on without its terminal");
        std::thread::yield_now();
    }
    let left: Vec<_> = std::fs::read_dir(home.path()).expect("its folder").flatten().map(|e| e.file_name()).collect();
    assert!(!left.iter().any(|name| name.to_string_lossy().starts_with("llmtop-")), "left behind: {left:?}");
}

//! The whole program when its terminal goes away: it ends, and takes its temporary store with it.

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};
use std::io::{Read, Write};
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// Longer than any machine takes; the test waits only as long as it must.
const PATIENCE: Duration = Duration::from_secs(60);

/// A session of its own that no signal of the terminal reaches, and that would ignore it.
const DEAF: &str = "trap '' HUP; exec setsid --wait \"$0\" \"$@\"";

/// The demo on a terminal of its own, its screen up.
struct Show {
    home: tempfile::TempDir,
    child: Box<dyn Child + Send + Sync>,
    master: Box<dyn MasterPty + Send>,
    keys: Box<dyn Write + Send>,
}

impl Show {
    fn begin(mut command: CommandBuilder) -> Show {
        let home = tempfile::tempdir().expect("a folder");
        let size = PtySize { rows: 24, cols: 80, pixel_width: 0, pixel_height: 0 };
        let pair = native_pty_system().openpty(size).expect("a pseudo-terminal");
        command.args(["demo", "--history", "5m"]);
        for name in ["XDG_DATA_HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "TMPDIR", "HOME"] {
            command.env(name, home.path());
        }
        let child = pair.slave.spawn_command(command).expect("the program starts");
        drop(pair.slave);
        let mut output = pair.master.try_clone_reader().expect("its output");
        let (seen, shown) = mpsc::channel();
        let reading = std::thread::spawn(move || {
            let (mut all, mut buffer) = (Vec::new(), [0; 4096]);
            while let Ok(n @ 1..) = output.read(&mut buffer) {
                all.extend_from_slice(&buffer[..n]);
                if String::from_utf8_lossy(&all).contains("1 Over") {
                    let _ = seen.send(());
                    return;
                }
            }
        });
        shown.recv_timeout(PATIENCE).expect("the screen comes up");
        reading.join().expect("the reader ends");
        let keys = pair.master.take_writer().expect("its keys");
        Show { home, child, master: pair.master, keys }
    }

    /// Closes the terminal; the program has to end. What is left in its folder of temporary stores.
    fn close(mut self) -> Vec<String> {
        drop((self.keys, self.master));
        let begun = Instant::now();
        while self.child.try_wait().expect("its state").is_none() {
            assert!(begun.elapsed() < PATIENCE, "the program lives on without its terminal");
            std::thread::yield_now();
        }
        let left = std::fs::read_dir(self.home.path()).expect("its folder").flatten();
        left.map(|e| e.file_name().to_string_lossy().into_owned()).filter(|name| name.starts_with("llmtop-")).collect()
    }
}

fn plain() -> CommandBuilder {
    CommandBuilder::new(env!("CARGO_BIN_EXE_llmtop"))
}

fn deaf() -> CommandBuilder {
    let mut command = CommandBuilder::new("sh");
    command.args(["-c", DEAF, env!("CARGO_BIN_EXE_llmtop")]);
    command
}

#[test]
fn a_demo_whose_terminal_is_closed_ends() {
    assert_eq!(Show::begin(plain()).close(), Vec::<String>::new(), "nothing is left behind");
}

#[test]
fn it_ends_where_no_signal_tells_it() {
    Show::begin(deaf()).close();
}

#[test]
fn it_ends_while_it_draws() {
    for command in [plain(), deaf()] {
        let mut show = Show::begin(command);
        // Nobody reads what it draws: it is within a write when the terminal goes.
        show.keys.write_all("12345678".repeat(100).as_bytes()).expect("typed");
        show.close();
    }
}

#[test]
fn it_ends_in_the_middle_of_a_key() {
    for command in [plain(), deaf()] {
        let mut show = Show::begin(command);
        show.keys.write_all(b"\x1b[<0;1").expect("typed");
        show.close();
    }
}

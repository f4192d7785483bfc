//! What goes wrong around a load: it is killed, stopped, raced, the disk is full, the store is not to be written, not a
//! store or broken, the input is rubbish. Nothing is lost, nothing counts twice, and the message names the file.

mod common;

use common::Rng;
use common::event::{Event, START_US, event};
use common::program::{Home, Ran};
use llmtop::store::sqlite::SqliteStore;
use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// A log of so many calls, in order of time, of fewer series than there are lanes: which ones share a lane depends on
/// the order they come in.
fn log(calls: u64) -> String {
    let mut rng = Rng(9);
    let line = |n: u64| {
        let event = event(&mut rng, n, START_US + n as i64 * 400_000);
        Event { app: None, environment: None, variant: None, ..event }.line() + "\n"
    };
    (0..calls).map(line).collect()
}

/// Bytes of the store and of what it has not yet taken in.
fn size(store: &Path) -> u64 {
    let of = |suffix: &str| fs::metadata(format!("{}{suffix}", store.display())).map_or(0, |m| m.len());
    of("") + of("-wal")
}

/// A load that a signal interrupts.
struct Load {
    child: Child,
}

impl Load {
    /// A load whose input, output and complaints are pipes.
    fn start(home: &Home, args: &[&str]) -> Load {
        let mut command = home.llmtop(args);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        Load { child: command.spawn().expect("the program starts") }
    }

    fn signal(&self, signal: libc::c_int) {
        // SAFETY: a signal to a child of ours that was not waited for.
        unsafe { libc::kill(self.child.id() as libc::pid_t, signal) };
    }
}

/// Waits until something is so; gives up where it never is.
fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = std::time::Instant::now();
    while !is_so() {
        assert!(begun.elapsed().as_secs() < 60, "waited for {what}");
        // Only how often it is looked at hangs on this.
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
}

fn same(a: &Home, b: &Home) {
    assert_eq!(a.export(), b.export());
    let figures = |home: &Home| {
        let mut report = home.report(&["--by", "model", "--by", "hour", "--by", "session"]);
        report["accounting"]["examples"].take();
        report
    };
    assert_eq!(figures(a), figures(b));
}

#[test]
fn killed_at_any_moment_and_run_again() {
    let text = log(6_000);
    let want = Home::new();
    want.ingest(&want.write("app.log", &text));
    let home = Home::new();
    let path = home.write("app.log", &text);
    let (mut killed, mut grown) = (0, 0);
    loop {
        let mut load = Load::start(&home, &["ingest", "app.log"]);
        let mut ended = None;
        until("growth or the end", || {
            ended = load.child.try_wait().expect("its state");
            ended.is_some() || size(&home.store()) > grown
        });
        if let Some(status) = ended {
            assert!(status.success());
            break;
        }
        load.signal(libc::SIGKILL);
        let status = load.child.wait().expect("its end");
        if status.success() {
            break;
        }
        assert_eq!(status.signal(), Some(libc::SIGKILL));
        killed += 1;
        // Each time it may get a little further, to be killed at another moment.
        grown = size(&home.store()) + killed * 100_000;
    }
    home.ingest(&path);
    same(&home, &want);
}

#[test]
fn killed_between_batches_and_fed_again() {
    let text = log(4_000);
    let want = Home::new();
    want.feed(["ingest", "-"], text.as_bytes()).good();
    let home = Home::new();
    let stored = || home.run(["export"]).out.len();
    for quarter in 1..4 {
        let before = stored();
        let mut load = Load::start(&home, &["ingest", "-"]);
        let part = &text.as_bytes()[..text.len() / 4 * quarter];
        load.child.stdin.as_mut().expect("a pipe").write_all(part).expect("fed");
        until("a commit", || stored() > before);
        load.signal(libc::SIGKILL);
        load.child.wait().expect("its end");
    }
    home.feed(["ingest", "-"], text.as_bytes()).good();
    assert_eq!(home.export(), want.export());
    assert_eq!(home.report(&["--by", "model"])["groups"], want.report(&["--by", "model"])["groups"]);
}

#[test]
fn asked_to_stop_it_stops_cleanly_and_goes_on_later() {
    for (signal, code) in [(libc::SIGTERM, 143), (libc::SIGINT, 130), (libc::SIGHUP, 129)] {
        let text = log(3_000);
        let home = Home::new();
        let mut load = Load::start(&home, &["ingest", "-"]);
        let mut stdin = load.child.stdin.take().expect("a pipe");
        stdin.write_all(text.as_bytes()).expect("fed");
        until("a commit", || home.store().exists() && !home.run(["export"]).out.is_empty());
        load.signal(signal);
        let ran = Ran::of(load.child.wait_with_output().expect("its end"));
        drop(stdin);
        assert!(ran.out.contains("stopped: read ") && ran.err.is_empty(), "{ran:?}");
        assert_eq!(ran.code, Some(code));
        home.feed(["ingest", "-"], text.as_bytes()).good();
        assert_eq!(home.report(&[])["totals"]["calls"], 3_000);
    }
}

#[test]
fn two_loads_at_once_into_one_store() {
    let text = log(6_000);
    let home = Home::new();
    let lines: Vec<&str> = text.lines().collect();
    // Half of the calls are in both logs.
    home.write("a.log", lines[..4_000].join("\n"));
    home.write("b.log", lines[2_000..].join("\n"));
    let start =
        |log| home.llmtop(["ingest", log]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("starts");
    let both = ["a.log", "b.log"].map(start);
    for child in both {
        Ran::of(child.wait_with_output().expect("its end")).good();
    }
    let want = Home::new();
    want.ingest(&want.write("app.log", &text));
    assert_eq!(home.export(), want.export());
    let (got, want) = (home.report(&["--by", "model"]), want.report(&["--by", "model"]));
    assert_eq!(got["totals"], want["totals"]);
    assert_eq!(got["groups"], want["groups"]);
    let books = &got["accounting"];
    assert_eq!(
        (&books["read"], &books["accepted"], &books["duplicate"]),
        (&8_000.into(), &6_000.into(), &2_000.into())
    );
}

#[test]
fn a_new_store_is_made_once_however_many_open_it() {
    for _ in 0..20 {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("new.db");
        let barrier = std::sync::Barrier::new(6);
        let open = || {
            barrier.wait();
            SqliteStore::open(&path).map(drop).map_err(|e| format!("{e:#?}"))
        };
        let opened: Vec<_> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..6).map(|_| scope.spawn(open)).collect();
            threads.into_iter().map(|t| t.join().expect("no panic")).collect()
        });
        assert_eq!(opened, vec![Ok(()); 6]);
    }
}

#[test]
fn a_full_disk_loses_nothing() {
    let text = log(6_000);
    let home = Home::new();
    let path = home.write("app.log", &text);
    // No file may grow beyond this many blocks of 512 bytes or 1 KiB, whichever the shell means.
    let script = "trap '' XFSZ; ulimit -f 300; exec \"$0\" ingest app.log";
    let full = || Ran::of(home.command("sh").args(["-c", script, env!("CARGO_BIN_EXE_llmtop")]).output().expect("sh"));
    let first = full().bad();
    assert!(first.contains("llmtop.db"), "{first}");
    assert!(full().bad().contains("llmtop.db"), "and says so again");
    home.ingest(&path);
    let want = Home::new();
    want.ingest(&want.write("app.log", &text));
    same(&home, &want);
}

#[test]
fn output_that_cannot_be_written_is_a_failure() {
    if !Path::new("/dev/full").exists() {
        println!("skipped: there is no /dev/full");
        return;
    }
    let home = Home::new();
    home.ingest(&home.write("app.log", log(50)));
    for args in [&["report"][..], &["export"], &["query", "SELECT * FROM calls"], &["store", "info"]] {
        let full = fs::OpenOptions::new().write(true).open("/dev/full").expect("/dev/full");
        let ran = Ran::of(home.llmtop(args).stdout(full).stderr(Stdio::piped()).output().expect("it runs"));
        assert!(ran.bad().contains("No space left"), "{args:?}");
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        let ran = Ran::of(home.llmtop(args).stdout(writer).stderr(Stdio::piped()).output().expect("it runs"));
        assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""), "{args:?}: a reader that has gone is no failure");
    }
}

#[test]
fn the_store_is_for_its_owner_alone() {
    let home = Home::new();
    home.write("app.log", log(2_000));
    let mut load = Load::start(&home, &["ingest", "app.log", "-"]);
    until("a commit", || home.path("data/llmtop/llmtop.db-wal").exists());
    let mode = |path: &str| fs::metadata(home.path(path)).expect("it is there").permissions().mode() & 0o777;
    assert_eq!(mode("data/llmtop/llmtop.db"), 0o600);
    assert_eq!(mode("data/llmtop/llmtop.db-wal"), 0o600);
    assert_eq!(mode("data/llmtop"), 0o700);
    drop(load.child.stdin.take());
    assert!(load.child.wait().expect("its end").success());
    home.run(["report", "app.log"]).good();
    assert_eq!(mode("cache/llmtop"), 0o700);
    for entry in fs::read_dir(home.path("cache/llmtop")).expect("the cache") {
        assert_eq!(entry.expect("an entry").metadata().expect("it is there").permissions().mode() & 0o777, 0o600);
    }
}

/// Root may write anything: the program is then run as nobody, where nobody can reach it.
struct Nobody {
    is_root: bool,
}

impl Nobody {
    const ID: u32 = 65_534;

    fn new(home: &Home) -> Option<Nobody> {
        // SAFETY: takes nothing and changes nothing.
        let nobody = Nobody { is_root: unsafe { libc::geteuid() == 0 } };
        let reaches = nobody.command(home, &["--version"]).output().is_ok_and(|ran| ran.status.success());
        if !reaches {
            println!("skipped: root may write anything, and nobody else can run the program");
        }
        reaches.then_some(nobody)
    }

    fn command(&self, home: &Home, args: &[&str]) -> Command {
        use std::os::unix::process::CommandExt;
        let mut command = home.llmtop(args);
        if self.is_root {
            command.uid(Nobody::ID);
        }
        command
    }

    fn run(&self, home: &Home, args: &[&str]) -> Ran {
        Ran::of(self.command(home, args).output().expect("the program starts"))
    }

    /// Gives a path to whom the program runs as, with a mode.
    fn give(&self, path: &Path, mode: u32) {
        if self.is_root {
            std::os::unix::fs::chown(path, Some(Nobody::ID), None).expect("root may");
        }
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("ours");
    }
}

#[test]
fn a_store_that_may_not_be_written_is_read_all_the_same() {
    let home = Home::new();
    home.ingest(&home.write("app.log", log(50)));
    let more = home.write("more.log", log(60));
    fs::rename(home.path("data/llmtop"), home.path("data/100% ?#")).expect("renamed");
    let store = home.path("data/100% ?#/llmtop.db");
    let name = store.to_string_lossy().into_owned();
    let report = ["report", "--since", "all", "--by", "model", "--store", &name];
    let want = home.run(report).good();
    // SQLite leaves these to a reader that could not take them away again.
    for suffix in ["-wal", "-shm"] {
        let _ = fs::remove_file(format!("{name}{suffix}"));
    }
    let Some(nobody) = Nobody::new(&home) else { return };
    nobody.give(&home.path(""), 0o755);
    nobody.give(&home.path("data"), 0o755);
    nobody.give(&more, 0o644);
    nobody.give(&store, 0o400);
    nobody.give(&home.path("data/100% ?#"), 0o500);
    assert_eq!(nobody.run(&home, &report).good(), want);
    for args in
        [&["ingest", "more.log", "--store", &name][..], &["store", "prune", "--older-than", "1s", "--store", &name]]
    {
        let err = nobody.run(&home, args).bad();
        assert!(err.contains("llmtop.db") && err.contains("cannot be written"), "{args:?}: {err}");
    }
    nobody.give(&home.path("data/100% ?#"), 0o700);
    assert_eq!(nobody.run(&home, &report).good(), want);
    let err = nobody.run(&home, &["ingest", "more.log", "--store", "/proc/no/store.db"]).bad();
    assert!(err.contains("store /proc/no/store.db cannot be opened or made"), "{err}");
}

/// Every command that opens the store.
const OPENING: [&[&str]; 8] = [
    &["ingest", "app.log"],
    &["report", "--since", "all", "--by", "model", "--by", "user", "--by", "hour"],
    &["query", "SELECT * FROM calls"],
    &["query", "SELECT * FROM errors"],
    &["export"],
    &["store", "info"],
    &["store", "vacuum"],
    &["store", "prune", "--older-than", "1s"],
];

#[test]
fn what_is_no_store_or_a_newer_one_is_left_alone() {
    let home = Home::new();
    home.write("app.log", log(50));
    for bytes in ["this is a letter to my aunt, not a database".repeat(99), "x".to_owned()] {
        home.write("data/llmtop/llmtop.db", &bytes);
        for args in OPENING {
            let err = home.run(args).bad();
            assert!(err.contains("llmtop.db is not a store of llmtop"), "{args:?}: {err}");
        }
        assert_eq!(fs::read_to_string(home.store()).expect("still there"), bytes);
    }
    fs::remove_file(home.store()).expect("ours");
    home.ingest(&home.path("app.log"));
    let conn = rusqlite::Connection::open(home.store()).expect("a database");
    conn.pragma_update(None, "user_version", 99).expect("set");
    drop(conn);
    for args in OPENING {
        let err = home.run(args).bad();
        assert!(err.contains("llmtop.db") && err.contains("newer llmtop (version 99"), "{args:?}: {err}");
    }
    let other = rusqlite::Connection::open(home.path("other.db")).expect("a database");
    other.execute_batch("CREATE TABLE call (mine TEXT); INSERT INTO call VALUES ('dear')").expect("made");
    drop(other);
    for args in OPENING {
        let err = home.run(args.iter().copied().chain(["--store", "other.db"])).bad();
        assert!(err.contains("other.db is not a store of llmtop"), "{args:?}: {err}");
    }
    let other = rusqlite::Connection::open(home.path("other.db")).expect("a database");
    let mine: String = other.query_row("SELECT mine FROM call", [], |row| row.get(0)).expect("untouched");
    assert_eq!(mine, "dear");
}

#[test]
fn a_damaged_store_is_an_error_never_a_panic() {
    let home = Home::new();
    home.ingest(&home.write("app.log", log(3_000)));
    home.run(["store", "vacuum"]).good();
    let whole = fs::read(home.store()).expect("the store");
    home.write("more.log", log(3_100));
    let mut rng = Rng(77);
    let mut failed = 0;
    for round in 0..12 {
        let mut bytes = whole.clone();
        if round % 3 == 0 {
            bytes.truncate((8_192 + rng.below(whole.len() as u64 - 8_192)) as usize);
        } else {
            for _ in 0..1 + round * 4 {
                let at = 8_192 + rng.below(whole.len() as u64 - 8_192 - 600) as usize;
                bytes[at..at + 500].fill_with(|| rng.next() as u8);
            }
        }
        for args in OPENING.iter().copied().chain([&["ingest", "more.log"][..]]) {
            let store = home.write("broken.db", &bytes);
            let ran = home.run(args.iter().copied().chain(["--store", "broken.db"]));
            assert!(matches!(ran.code, Some(0 | 1)), "{args:?}: {ran:?}");
            assert!(!ran.err.contains("panicked"), "{args:?}: {}", ran.err);
            if ran.code == Some(1) {
                failed += 1;
                assert!(ran.err.contains("broken.db") || ran.err.contains("query"), "{args:?}: {}", ran.err);
            }
            for suffix in ["-wal", "-shm"] {
                let _ = fs::remove_file(format!("{}{suffix}", store.display()));
            }
        }
    }
    assert!(failed > 20, "{failed}");
}

#[test]
fn hostile_input_is_counted_with_its_reason() {
    let home = Home::new();
    let good = log(3);
    let mut lines: Vec<Vec<u8>> = good.lines().map(|l| l.as_bytes().to_vec()).collect();
    lines[0].splice(0..0, *b"\xef\xbb\xbf");
    lines[1].push(b'\r');
    lines.push(b"{\"event\":\"llm_call\",\"model\":\"\xff\"}".to_vec());
    lines.push(vec![0; 4_096]);
    lines.push(format!("{{\"event\":\"llm_call\",\"x\":{}1{}}}", "[".repeat(5_000), "]".repeat(5_000)).into_bytes());
    lines.push(b"{\"event\":\"llm_call\",\"model\":\"a\",\"model\":\"b\"}".to_vec());
    lines.push(b"{\"event\":\"llm_call\",\"model\":\"a\",\"input_tokens\":1e99}".to_vec());
    lines.push(Vec::new());
    home.ingest(&home.write("app.log", lines.join(&b'\n')));
    let report = home.report(&[]);
    let books = &report["accounting"];
    let reasons =
        serde_json::json!({"invalid_utf8": 1, "nul_bytes": 1, "too_deep": 1, "duplicate_key": 1, "out_of_range": 1});
    assert_eq!((&books["accepted"], &books["reasons"]), (&3.into(), &reasons));
    let text = home.run(["report", "--since", "all"]).good();
    assert!(!text.contains(['\0', '\u{1b}']), "{text}");
}

#[test]
fn rubbish_and_nothing_are_read_to_the_end() {
    let mut rng = Rng(3);
    let rubbish: Vec<u8> = (0..1 << 17).flat_map(|_| rng.next().to_le_bytes()).collect();
    // Of an archive that cannot be unpacked not all was read.
    let inputs = [
        (&b""[..], 0),
        (b"\n\n\n", 0),
        (b"\n", 0),
        (&rubbish, 0),
        (b"\x1f\x8b\x08broken gzip", 1),
        (b"\x28\xb5\x2f\xfd broken", 1),
    ];
    for (input, code) in inputs {
        let home = Home::new();
        home.write("input", input);
        for ran in [home.run(["ingest", "input"]), home.feed(["ingest", "-"], input)] {
            assert_eq!((ran.code, ran.err.is_empty()), (Some(code), code == 0), "{ran:?}");
        }
        let report = home.report(&[]);
        let books = &report["accounting"];
        let sum: u64 = ["accepted", "duplicate", "skipped", "rejected"].iter().filter_map(|n| books[*n].as_u64()).sum();
        assert_eq!((books["read"].as_u64(), books["accepted"].as_u64()), (Some(sum), Some(0)), "{books}");
        assert!(home.run(["report", "--since", "all"]).good().lines().count() > 3);
    }
    let home = Home::new();
    let out = home.run(["ingest", "-"]).good();
    assert!(out.starts_with("read 0 lines"), "no standard input: {out}");
}

/// A line beyond the limit, made by a generator that holds no more than a block of it.
#[test]
fn a_line_of_a_hundred_megabytes_is_rejected_and_not_held() {
    let home = Home::new();
    let script = "printf '%s\\n' \"$1\"; head -c 104857600 /dev/zero | tr '\\0' x; printf '\\n%s\\n' \"$2\"";
    let text = log(2);
    let (a, b) = text.trim_end().split_once('\n').expect("two lines");
    let mut source: Child =
        home.command("sh").args(["-c", script, "sh", a, b]).stdout(Stdio::piped()).spawn().expect("sh");
    let long = source.stdout.take().expect("a pipe");
    let limited = "ulimit -v 600000; exec \"$0\" ingest -";
    let mut ingest: Command = home.command("sh");
    // Else every thread reserves 64 MB of addresses for itself.
    ingest.env("MALLOC_ARENA_MAX", "2");
    ingest.args(["-c", limited, env!("CARGO_BIN_EXE_llmtop")]).stdin(long);
    Ran::of(ingest.output().expect("sh")).good();
    assert!(source.wait().expect("its end").success());
    let books = &home.report(&[])["accounting"];
    assert_eq!((&books["accepted"], &books["reasons"]), (&2.into(), &serde_json::json!({"line_too_long": 1})));
    assert_eq!(books["examples"][0]["offset"], a.len() + 1);
}

#[test]
fn a_killed_programs_temporary_store_is_removed_by_the_next_and_no_other() {
    let home = Home::new();
    let folder = home.path("tmp");
    fs::create_dir_all(folder.join("llmtop-notes")).expect("a folder");
    let stores = || {
        let entries = fs::read_dir(&folder).expect("reads").flatten();
        let mut paths: Vec<_> = entries.map(|e| e.path()).filter(|p| p.join("llmtop.db").exists()).collect();
        paths.sort();
        paths
    };
    // Each reads a pipe that stays open.
    let start = || {
        let mut command = home.llmtop::<&str>([]);
        command.env("TMPDIR", &folder).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        Load { child: command.spawn().expect("the program starts") }
    };
    let mut killed = start();
    until("its store", || stores().len() == 1);
    let left = stores();
    killed.signal(libc::SIGKILL);
    killed.child.wait().expect("its end");
    assert_eq!(stores(), left, "a killed program cannot tidy up");
    let mut alive = start();
    until("its store in place of the other", || stores().len() == 1 && stores() != left);
    let held = stores();
    let mut third = start();
    until("one more", || stores().len() == 2);
    assert!(stores().contains(&held[0]), "what is in use stays");
    drop(third.child.stdin.take());
    assert_eq!(Ran::of(third.child.wait_with_output().expect("its end")).code, Some(0));
    assert_eq!(stores(), held);
    // And works as if nothing had been.
    alive.child.stdin.as_mut().expect("a pipe").write_all(log(1).as_bytes()).expect("it listens");
    drop(alive.child.stdin.take());
    let report = Ran::of(alive.child.wait_with_output().expect("its end")).good();
    assert!(report.contains("1 accepted"), "{report}");
    assert_eq!(stores(), Vec::<std::path::PathBuf>::new());
    assert!(folder.join("llmtop-notes").exists());
}

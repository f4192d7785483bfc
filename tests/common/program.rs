//! The program in a home of its own, without any of the caller's settings.

use std::ffi::OsStr;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// A home with places for data, cache and configuration.
pub struct Home {
    folder: tempfile::TempDir,
}

/// What a run of the program came to.
#[derive(Debug)]
pub struct Ran {
    /// The exit code; `None` where a signal ended it.
    pub code: Option<i32>,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
}

impl Ran {
    /// Reads a process's end.
    pub fn of(output: Output) -> Ran {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
        Ran { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }

    /// What it printed, where it went well.
    #[track_caller]
    pub fn good(self) -> String {
        assert_eq!(self.code, Some(0), "{}", self.err);
        self.out
    }

    /// What it complained of, where it failed with 1.
    #[track_caller]
    pub fn bad(self) -> String {
        assert_eq!(self.code, Some(1), "{}{}", self.out, self.err);
        assert!(self.err.starts_with("llmtop: ") && !self.err.contains("panicked"), "{}", self.err);
        self.err
    }
}

impl Home {
    /// An empty home.
    pub fn new() -> Home {
        Home { folder: tempfile::tempdir().expect("a temporary folder") }
    }

    /// A path in it.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The default store.
    pub fn store(&self) -> PathBuf {
        self.path("data/llmtop/llmtop.db")
    }

    /// Writes a file in it.
    pub fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        std::fs::write(&path, bytes).expect("written");
        path
    }

    /// Any command in this home.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command
            .env_clear()
            .env("HOME", self.folder.path())
            .env("PATH", "/usr/bin:/bin")
            .current_dir(self.folder.path());
        for (variable, folder) in
            [("XDG_DATA_HOME", "data"), ("XDG_CACHE_HOME", "cache"), ("XDG_CONFIG_HOME", "config")]
        {
            command.env(variable, self.path(folder));
        }
        command.stdin(Stdio::null());
        command
    }

    /// The program with its arguments.
    pub fn llmtop<A: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = A>) -> Command {
        let mut command = self.command(env!("CARGO_BIN_EXE_llmtop"));
        command.args(args);
        command
    }

    /// Runs the program to its end.
    pub fn run<A: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = A>) -> Ran {
        Ran::of(self.llmtop(args).output().expect("the program starts"))
    }

    /// Runs the program with something on its standard input.
    pub fn feed<A: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = A>, input: &[u8]) -> Ran {
        let mut command = self.llmtop(args);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program starts");
        let mut stdin = child.stdin.take().expect("a pipe");
        let bytes = input.to_vec();
        // A program that ends early closes the pipe: what it says of it is looked at, not the pipe.
        let writer = std::thread::spawn(move || drop(stdin.write_all(&bytes)));
        let output = child.wait_with_output().expect("its end");
        writer.join().expect("written");
        Ran::of(output)
    }

    /// Loads a file into the default store.
    #[track_caller]
    pub fn ingest(&self, path: &Path) -> String {
        self.run([OsStr::new("ingest"), path.as_os_str()]).good()
    }

    /// The report of everything as JSON, grouped by some dimensions.
    #[track_caller]
    pub fn report(&self, more: &[&str]) -> serde_json::Value {
        let args = ["report", "--since", "all", "--format", "json"];
        let out = self.run(args.iter().chain(more)).good();
        serde_json::from_str(&out).expect("JSON")
    }

    /// The events of the default store.
    #[track_caller]
    pub fn export(&self) -> String {
        self.run(["export"]).good()
    }
}

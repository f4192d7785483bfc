//! Reads the command line, runs the command, prints what went wrong as a chain of causes, and sets the exit code: 0 done,
//! 1 failed, 2 not understood or not to be judged. A reader that went away is no failure.

use llmtop::units::clean;
use llmtop::{app, cli};
use std::io::{self, BufWriter, ErrorKind, Write};
use std::process::ExitCode;

/// A gateway allocates and frees small things on several threads, thousands of times a second.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = match cli::parse(std::env::args_os()) {
        Ok(cli) => cli,
        Err(error) => error.exit(),
    };
    let mut out = BufWriter::new(io::stdout().lock());
    match app::run(&cli, &mut out).and_then(|code| flushed(&mut out).map(|()| code).map_err(Into::into)) {
        Ok(code) => code,
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&error);
            app::failed(&cli)
        }
    }
}

/// Flushes; the code of what was done stays that where nobody reads it any more.
fn flushed(out: &mut dyn Write) -> io::Result<()> {
    match out.flush() {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

/// Prints an error and its causes, one to a line; a standard error that is closed is nobody to tell.
fn complain(error: &anyhow::Error) {
    let mut err = io::stderr().lock();
    for (i, cause) in error.chain().enumerate() {
        let text = cause.to_string();
        for line in text.lines() {
            let lead = if i == 0 { "llmtop: " } else { "  because: " };
            let _ = writeln!(err, "{lead}{}", clean(line));
        }
    }
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| cause.downcast_ref::<io::Error>().is_some_and(|e| e.kind() == ErrorKind::BrokenPipe))
}

//! Reads the command line, runs the command, prints what went wrong as a chain of causes, and sets the exit code: 0 done,
//! 1 failed, 2 not understood. A reader that went away is no failure.

use anyhow::{Context, Result, bail};
use llmtop::cli::{self, Cli, Command, ConfigCommand};
use llmtop::config::{self, Env, Inputs};
use llmtop::units::clean;
use std::io::{self, BufWriter, ErrorKind, Write};
use std::process::ExitCode;

fn main() -> ExitCode {
    let cli = match cli::parse(std::env::args_os()) {
        Ok(cli) => cli,
        Err(error) => error.exit(),
    };
    let mut out = BufWriter::new(io::stdout().lock());
    match run(&cli, &mut out).and_then(|code| out.flush().map(|()| code).map_err(Into::into)) {
        Ok(code) => code,
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&error);
            ExitCode::FAILURE
        }
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

/// The commands that need neither store nor screen.
fn run(cli: &Cli, out: &mut dyn Write) -> Result<ExitCode> {
    match &cli.command {
        Some(Command::Completions { shell }) => cli::write_completions(*shell, out)?,
        Some(Command::Man { command }) => cli::write_man(command.as_deref(), out)?,
        Some(Command::Config(args)) => return configure(cli, args.command, out),
        _ => bail!("this command is not built yet"),
    }
    Ok(ExitCode::SUCCESS)
}

fn configure(cli: &Cli, command: ConfigCommand, out: &mut dyn Write) -> Result<ExitCode> {
    let env: Env<'_> = &|name| std::env::var_os(name);
    let inputs = Inputs { places: &cli.places, screen: None, env, panes: &["overview"] };
    match command {
        ConfigCommand::Init => {
            let path = config::chosen_file(&cli.places, env)?;
            config::init(&path)?;
            writeln!(out, "wrote {}", path.display())?;
        }
        ConfigCommand::Check if !config::check(inputs, out)? => return Ok(ExitCode::FAILURE),
        ConfigCommand::Check => {}
        ConfigCommand::Show => config::load(inputs).context("the configuration does not read")?.show(out)?,
    }
    Ok(ExitCode::SUCCESS)
}

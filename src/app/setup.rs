//! The settings in force for a command, and `llmtop config`.

use crate::cli::{Cli, ConfigCommand, ScreenArgs};
use crate::config::{self, Effective, Env, Inputs};
use anyhow::{Context, Result};
use std::io::Write;
use std::process::ExitCode;

/// The names of the panes there are.
const PANES: &[&str] = &["overview"];

/// Puts flags, environment and file together.
pub fn settings(cli: &Cli, screen: Option<&ScreenArgs>) -> Result<Effective> {
    let env: Env<'_> = &|name| std::env::var_os(name);
    config::load(Inputs { places: &cli.places, screen, env, panes: PANES }).context("the configuration does not read")
}

/// `llmtop config`
pub fn configure(cli: &Cli, command: ConfigCommand, out: &mut dyn Write) -> Result<ExitCode> {
    let env: Env<'_> = &|name| std::env::var_os(name);
    let inputs = Inputs { places: &cli.places, screen: None, env, panes: PANES };
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

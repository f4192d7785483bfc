//! The settings in force for a command, and `llmtop config`.

use crate::cli::{Cli, ConfigCommand, ScreenArgs};
use crate::config::{self, Effective, Env, Inputs};
use crate::price::Prices;
use crate::tui::Ui;
use crate::units::clean;
use anyhow::{Context, Result};
use std::io::Write;
use std::process::ExitCode;
use std::sync::Arc;

/// Puts flags, environment and file together.
pub fn settings(cli: &Cli, screen: Option<&ScreenArgs>) -> Result<Effective> {
    let env: Env<'_> = &|name| std::env::var_os(name);
    let panes: Vec<&str> = Ui::pane_names().collect();
    warn_of_strangers();
    config::load(Inputs { places: &cli.places, screen, env, panes: &panes }).context("the configuration does not read")
}

/// What calls are priced by.
pub fn prices(_settings: &Effective) -> Result<Arc<Prices>> {
    Ok(Arc::default())
}

/// A setting with a slip in its name would hold for nothing, and nobody would know.
fn warn_of_strangers() {
    for warning in config::strangers(std::env::vars_os().map(|(name, _)| name)) {
        eprintln!("llmtop: {}", clean(&warning));
    }
}

/// `llmtop config`
pub fn configure(cli: &Cli, command: ConfigCommand, out: &mut dyn Write) -> Result<ExitCode> {
    let env: Env<'_> = &|name| std::env::var_os(name);
    let panes: Vec<&str> = Ui::pane_names().collect();
    warn_of_strangers();
    let inputs = Inputs { places: &cli.places, screen: None, env, panes: &panes };
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

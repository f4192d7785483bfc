//! The settings in force for a command, and `llmtop config`.

use super::say::say;
use crate::cli::{Cli, ConfigCommand, ScreenArgs};
use crate::config::{self, Effective, Env, Inputs, Pricing};
use crate::price::{self, Author, Book, Prices, Table, Tables};
use crate::tui::Ui;
use crate::units::clean;
use anyhow::{Context, Result, anyhow};
use std::io::{ErrorKind, Write};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

/// Puts flags, environment and file together.
pub fn settings(cli: &Cli, screen: Option<&ScreenArgs>) -> Result<Effective> {
    let env: Env<'_> = &|name| std::env::var_os(name);
    let panes: Vec<&str> = Ui::pane_names().collect();
    warn_of_strangers();
    config::load(Inputs { places: &cli.places, screen, env, panes: &panes }).context("the configuration does not read")
}

/// What calls are priced by: the shipped table, an imported one over it, and what the configuration says.
pub fn prices(settings: &Effective) -> Result<Arc<Prices>> {
    let config = &settings.config;
    let tables = match config.price_table.as_deref().map(imported).transpose()?.flatten() {
        Some(book) => Tables::over_shipped(Table::of(book.entries)),
        None => Tables::shipped(),
    };
    let Pricing { rule, models, uplifts, gateways } = config.pricing.clone();
    let own = models.into_iter().map(Arc::new).collect();
    Ok(Arc::new(Prices { rule, own, uplifts, tables, gateways }))
}

/// The imported table, if there is one.
pub fn imported(path: &Path) -> Result<Option<Book>> {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).with_context(|| format!("cannot read the price table {}", path.display())),
    };
    let book = price::read_own(&text, Author::Imported);
    book.map(Some)
        .map_err(|fault| anyhow!("the price table {}, {fault}; import it again, or remove the file", path.display()))
}

/// A setting with a slip in its name would hold for nothing, and nobody would know.
fn warn_of_strangers() {
    for warning in config::strangers(std::env::vars_os().map(|(name, _)| name)) {
        say(&clean(&warning));
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
        // What a command would stumble over is no right configuration.
        ConfigCommand::Check => drop(prices(&config::load(inputs).context("the configuration does not read")?)?),
        ConfigCommand::Show => config::load(inputs).context("the configuration does not read")?.show(out)?,
    }
    Ok(ExitCode::SUCCESS)
}

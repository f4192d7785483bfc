//! `llmtop experiment`: the experiments of the store, or of the logs that are named.

use super::feed::{self, Read};
use super::{answer, end_of};
use crate::cli::{ExperimentArgs, ExperimentCommand, ExperimentFormat, LifeArgs};
use crate::clock;
use crate::config::{Config, Effective};
use crate::nearest::did_you_mean;
use crate::report::experiments;
use crate::snapshot::experiments::Experiment;
use crate::store::{Store, StoreError, sqlite::SqliteStore};
use crate::units::{clean, harmless_json};
use crate::view::{Experiment as Rule, Sections, View, Window};
use anyhow::{Result, bail};
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Columns of a table where nothing else is known.
const WIDTH: usize = 140;

/// Runs an `experiment` command.
pub fn run(args: &ExperimentArgs, settings: &Effective, out: &mut dyn Write) -> Result<ExitCode> {
    match &args.command {
        ExperimentCommand::List(args) => {
            let (all, read) = look(&args.life, settings)?;
            print(&all, args.life.format, experiments::list, out)?;
            Ok(read.exit_code())
        }
        ExperimentCommand::Show(args) => {
            let (all, read) = look(&args.life, settings)?;
            let one = named(all, &args.name)?;
            let show =
                |all: &[Experiment], width: usize| all.iter().flat_map(|one| experiments::show(one, width)).collect();
            print(&[one], args.life.format, show, out)?;
            Ok(read.exit_code())
        }
    }
}

/// The experiment of a name.
pub fn named(all: Vec<Experiment>, name: &str) -> Result<Experiment> {
    let names: Vec<String> = all.iter().map(|one| one.rule.name.clone()).collect();
    match all.into_iter().find(|one| one.rule.name == name) {
        Some(one) => Ok(one),
        None if names.is_empty() => bail!("no experiment {name:?}: no call names a variant"),
        None => {
            let near = did_you_mean(name, names.iter().map(String::as_str));
            bail!("no experiment {name:?}{near}; there are {}", clean(&names.join(", ")))
        }
    }
}

fn look(life: &LifeArgs, settings: &Effective) -> Result<(Vec<Experiment>, Read)> {
    let now_us = clock::now_us();
    let (path, read, _place) = place(&life.files, settings)?;
    Ok((all(&path, life.window(now_us)?, &settings.config.experiments, now_us)?, read))
}

/// Where to look: the store, or that of the logs that are named, which is kept from being tidied away as long as the last part
/// lives.
pub fn place(files: &[PathBuf], settings: &Effective) -> Result<(PathBuf, Read, Option<super::places::Place>)> {
    let (path, read, place) = if files.is_empty() {
        (settings.config.store()?.to_owned(), Read::All, None)
    } else {
        let (place, read) = feed::load_private(files, settings)?;
        (place.path().to_owned(), read, Some(place))
    };
    settle(&path, &settings.config)?;
    Ok((path, read, place))
}

/// All experiments up to the end of a window.
pub fn all(path: &Path, window: Window, rules: &[Rule], now_us: i64) -> Result<Vec<Experiment>> {
    let sections = Sections { experiments: usize::MAX, ..Sections::default() };
    let view = View { window, sections, experiments: rules.to_vec(), ..View::default() };
    Ok(answer(path, &view, end_of(path, &view, now_us)?)?.experiments)
}

/// Has the store count the units that the configuration names. A store that cannot be written stays as it is: what its units
/// are is said with every answer.
pub fn settle(path: &Path, config: &Config) -> Result<()> {
    if config.experiments.is_empty() || !path.exists() {
        return Ok(());
    }
    let units: Vec<_> = config.experiments.iter().map(|rule| (rule.name.clone(), rule.unit)).collect();
    match SqliteStore::open(path).and_then(|mut store| store.settle(&units)) {
        Ok(_) => Ok(()),
        Err(StoreError::Sqlite { .. } | StoreError::Io { .. }) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

fn print(
    all: &[Experiment],
    format: ExperimentFormat,
    text: impl Fn(&[Experiment], usize) -> Vec<String>,
    out: &mut dyn Write,
) -> Result<()> {
    if format == ExperimentFormat::Json {
        let json = serde_json::to_string_pretty(&experiments::values(all))?;
        writeln!(out, "{}", harmless_json(&json))?;
        return Ok(());
    }
    let width = if io::stdout().is_terminal() {
        crossterm::terminal::size().map_or(WIDTH, |(columns, _)| usize::from(columns))
    } else {
        WIDTH
    };
    text(all, width).iter().try_for_each(|line| writeln!(out, "{line}"))?;
    Ok(())
}

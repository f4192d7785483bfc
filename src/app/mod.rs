//! One function per command, each a table of contents. What they share: `feed` (sources into a store), `places` (which
//! store), `screen`.

mod alert;
mod audit;
mod check;
mod experiment;
mod feed;
mod fill;
mod gateway;
mod ingest;
mod kept;
mod live;
mod places;
mod prices;
mod quality;
mod reprice;
mod rows;
mod screen;
mod setup;
mod store;
mod temporary;
mod trace;
mod watch;
mod watcher;

use crate::cli::{Cli, Command, KeyCommand, ReportArgs};
use crate::clock;
use crate::config::{Config, Effective};
use crate::report;
use crate::snapshot::Snapshot;
use crate::store::{Patient, Reader, sqlite::SqliteReader};
use crate::units::Zone;
use crate::view::{Dim, Grouping, Sections, Span, View, Window};
use anyhow::{Context, Result};
use feed::Read;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Runs what was typed.
///
/// # Errors
/// What went wrong, as a chain of causes for a person to read.
pub fn run(cli: &Cli, out: &mut dyn Write) -> Result<ExitCode> {
    match &cli.command {
        None => return screen::logs(cli, out),
        Some(Command::Ingest(args)) => return ingest::run(args, &setup::settings(cli, None)?, out),
        Some(Command::Replay(args)) => return screen::replay(cli, args, out),
        Some(Command::Demo(args)) => return screen::demo(cli, args, out),
        Some(Command::Report(args)) => return report(args, &setup::settings(cli, None)?, out),
        Some(Command::Trace(args)) => return trace::run(args, &setup::settings(cli, None)?, out),
        Some(Command::Watch(args)) => return watch::run(args, &setup::settings(cli, None)?, out),
        Some(Command::Check(args)) => return check::run(args, &setup::settings(cli, None)?, out),
        Some(Command::Experiment(args)) => return experiment::run(args, &setup::settings(cli, None)?, out),
        Some(Command::Proxy(args)) => return gateway::proxy(cli, args, out),
        Some(Command::Run(args)) => return gateway::run(cli, args),
        Some(Command::Key { command: KeyCommand::New { name } }) => gateway::new_key(name, out)?,
        Some(Command::Score(args)) => quality::score(args, &setup::settings(cli, None)?, out)?,
        Some(Command::Review(args)) => quality::review(args, &setup::settings(cli, None)?, out)?,
        Some(Command::Judge(args)) => quality::judge(args, &setup::settings(cli, None)?, out)?,
        Some(Command::Query(args)) => rows::query(args, &setup::settings(cli, None)?, out)?,
        Some(Command::Export(args)) => rows::export(args, &setup::settings(cli, None)?, out)?,
        Some(Command::Prices(args)) => return prices::run(&args.command, &setup::settings(cli, None)?, out),
        Some(Command::Reprice(args)) => reprice::run(args, &setup::settings(cli, None)?, out)?,
        Some(Command::Store(args)) => store::run(&args.command, &setup::settings(cli, None)?, out)?,
        Some(Command::Config(args)) => return setup::configure(cli, args.command, out),
        Some(Command::Completions { shell }) => crate::cli::write_completions(*shell, out)?,
        Some(Command::Man { command }) => crate::cli::write_man(command.as_deref(), out)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// What to exit with where a command failed: a gate that could not be judged is not one that was not held.
pub fn failed(cli: &Cli) -> ExitCode {
    match &cli.command {
        Some(Command::Check(_)) => check::unjudged(),
        _ => ExitCode::FAILURE,
    }
}

/// `llmtop report`: one answer of the store, or of the logs that are named.
fn report(args: &ReportArgs, settings: &Effective, out: &mut dyn Write) -> Result<ExitCode> {
    let now_us = clock::now_us();
    let mut view = View {
        window: args.when.window(unsaid(&args.files, settings), now_us)?,
        filter: args.filter.clone().unwrap_or_default(),
        groupings: args.by.iter().map(|by| by.grouping(args.top())).collect(),
        sections: Sections { failures: true, errors: 5, exact_members: true, ..Sections::default() },
        before: None,
        budgets: settings.config.budgets.clone(),
        experiments: settings.config.experiments.clone(),
    };
    if args.by.is_empty() && args.format == "text" {
        view.groupings.push(Grouping::by(Dim::Model, args.top()));
    }
    let (snapshot, read) = if args.files.is_empty() {
        (answer(settings.config.store()?, &view, now_us)?, Read::All)
    } else {
        let (place, read) = feed::load_private(&args.files, settings)?;
        (answer(place.path(), &view, end_of(place.path(), &view, now_us)?)?, read)
    };
    let config = Config {
        utc: args.utc || settings.config.utc,
        mask: settings.config.mask && !args.unmask,
        ..settings.config.clone()
    };
    print_report(&args.format, &config, &snapshot, out)?;
    Ok(read.exit_code())
}

/// A report of a whole store, in place of a screen that has no terminal.
fn report_of(path: &Path, window: Window, config: &Config, out: &mut dyn Write) -> Result<()> {
    let view = View {
        window,
        filter: config.filter.clone(),
        groupings: vec![Grouping::by(Dim::Model, Some(50))],
        sections: Sections { failures: true, errors: 5, ..Sections::default() },
        before: None,
        budgets: config.budgets.clone(),
        experiments: Vec::new(),
    };
    print_report("text", config, &answer(path, &view, clock::now_us())?, out)
}

/// The window where none is asked for: all of logs that are named, else the usual one.
fn unsaid(files: &[PathBuf], settings: &Effective) -> Window {
    if files.is_empty() { settings.config.window } else { Window::all() }
}

/// Of a log as a whole the end is the present: its budgets are the same whenever it is asked.
fn end_of(path: &Path, view: &View, now_us: i64) -> Result<i64> {
    if view.window.span != Span::All {
        return Ok(now_us);
    }
    let bounds = SqliteReader::open(path)?.holdings()?.0.bounds;
    Ok(bounds.map_or(now_us, |(_, newest)| newest.saturating_add(1).min(now_us)))
}

fn answer(path: &Path, view: &View, now_us: i64) -> Result<Snapshot> {
    Ok(SqliteReader::open(path)?.snapshot(view, now_us, &Patient)?)
}

fn print_report(format: &str, config: &Config, snapshot: &Snapshot, out: &mut dyn Write) -> Result<()> {
    let report = report::by_name(format).with_context(|| format!("no report is called {format:?}"))?;
    let width = crossterm::terminal::size().map_or(100, |(columns, _)| usize::from(columns));
    let zone = if config.utc { Zone::Utc } else { Zone::Local };
    let words = if config.mask { report::Words::Masked } else { report::Words::Shown };
    report.write(snapshot, &report::Options { width, zone, words }, out)?;
    Ok(())
}

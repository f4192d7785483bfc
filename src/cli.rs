//! What was typed: commands, flags, and values that read. What they mean together with the environment and the
//! configuration file is decided in `config`.

mod args;
mod check;
mod experiment;
mod help;
mod prices;
mod proxy;
mod quality;
mod trace;
mod values;

use crate::view::{Filter, Window};
use clap::error::ErrorKind;
use clap::{Args, CommandFactory, Parser, Subcommand, ValueEnum, ValueHint};
use std::path::PathBuf;

use help::{EXAMPLES, FILTERS, USAGE};

pub use args::{
    ConfigArgs, ConfigCommand, DemoArgs, ExportArgs, ExportFormat, IngestArgs, QueryArgs, ReplayArgs, ReportArgs,
    RepriceArgs, RowFormat, StoreArgs, StoreCommand, WatchArgs, WhenArgs,
};
pub use check::{CheckArgs, LimitArgs};
pub use experiment::{ExperimentArgs, ExperimentCommand, ExperimentFormat, LifeArgs};
pub use prices::{
    PriceAuditArgs, PriceFormat, PriceImportArgs, PriceListArgs, PriceShowArgs, PricesArgs, PricesCommand,
};
pub use proxy::{GatewayArgs, KeyCommand, ProxyArgs, RunArgs};
pub use quality::{FromArgs, JudgeArgs, ReviewArgs, Rubric, Scale, ScoreArgs, ScoreValue, Who};
pub use trace::{TraceArgs, TraceFormat};
pub use values::{By, Speed};

/// The terminal dashboard for LLM applications in production: latency, errors, tokens and cost of every call, from logs.
#[derive(Debug, Parser)]
#[command(name = "llmtop", version, after_help = EXAMPLES, after_long_help = format!("{EXAMPLES}\n\n{FILTERS}"))]
#[command(override_usage = USAGE, max_term_width = 110)]
pub struct Cli {
    /// Files, globs and folders to follow; `-` is standard input
    #[arg(value_name = "FILE", value_hint = ValueHint::AnyPath)]
    pub files: Vec<PathBuf>,
    /// How the screen starts.
    #[command(flatten)]
    pub screen: ScreenArgs,
    /// Where things are.
    #[command(flatten)]
    pub places: PlaceArgs,
    /// What to do; without it, show the screen
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// Places, understood by every command.
#[derive(Debug, Clone, Default, Args)]
pub struct PlaceArgs {
    /// Store to use instead of the default one
    #[arg(long, value_name = "PATH", global = true, value_hint = ValueHint::FilePath)]
    pub store: Option<PathBuf>,
    /// Configuration file to read instead of the default one
    #[arg(long, value_name = "PATH", global = true, value_hint = ValueHint::FilePath)]
    pub config: Option<PathBuf>,
}

/// How a screen starts.
#[derive(Debug, Clone, Default, Args)]
pub struct ScreenArgs {
    /// Pane to start with
    #[arg(long, value_name = "NAME")]
    pub pane: Option<String>,
    /// Window of time: 1m 5m 15m 1h 6h 24h 7d 30d all, 2026-05-01, or FROM..TO
    #[arg(long, value_name = "WINDOW", value_parser = values::window)]
    pub window: Option<Window>,
    /// Which calls, such as 'model:gpt-4o* status:error'
    #[arg(long, value_name = "FILTER", value_parser = values::filter, allow_hyphen_values = true)]
    pub filter: Option<Filter>,
    /// Colours
    #[arg(long, value_name = "THEME", value_enum)]
    pub theme: Option<Theme>,
    /// Show times in UTC instead of local time
    #[arg(long)]
    pub utc: bool,
    /// React to the mouse: wheel, click, click again; panes by their names
    #[arg(long)]
    pub mouse: bool,
}

/// Colours of the screen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Theme {
    /// Follow the terminal
    #[default]
    Auto,
    /// For dark backgrounds
    Dark,
    /// For light backgrounds
    Light,
    /// No colours
    Mono,
}

impl Theme {
    /// Its word.
    pub const fn word(self) -> &'static str {
        match self {
            Theme::Auto => "auto",
            Theme::Dark => "dark",
            Theme::Light => "light",
            Theme::Mono => "mono",
        }
    }
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Load logs into the store and exit
    Ingest(IngestArgs),
    /// Play a log by its own timestamps
    Replay(ReplayArgs),
    /// Show a realistic live application; nothing is needed and nothing is kept
    Demo(DemoArgs),
    /// Print one answer as text, JSON or CSV
    Report(ReportArgs),
    /// Print one trace or session: its steps, what held it up, what went wrong
    Trace(TraceArgs),
    /// Watch for alerts without a screen: one line for each that fires or clears
    Watch(WatchArgs),
    /// Hold latency, errors and cost against limits or a baseline; for CI and cron
    Check(CheckArgs),
    /// List experiments, and show what their variants came to and which is better
    Experiment(ExperimentArgs),
    /// Stand between applications and providers: pass every call on, record it, show it live
    Proxy(ProxyArgs),
    /// Run a program behind a gateway of its own, and report on its calls when it ends
    Run(RunArgs),
    /// Make a key for a client of the gateway
    Key {
        /// What to do
        #[command(subcommand)]
        command: KeyCommand,
    },
    /// Judge one call, or a whole trace, by hand
    Score(ScoreArgs),
    /// Go through sampled calls in the terminal and judge each by a key, blind to model and variant
    Review(ReviewArgs),
    /// Let a model judge sampled calls
    Judge(JudgeArgs),
    /// Run read-only SQL over the documented views of the store
    Query(QueryArgs),
    /// Print the stored events as log lines that can be ingested again
    Export(ExportArgs),
    /// List, look up and refresh the prices of models
    Prices(PricesArgs),
    /// Price stored calls again after prices have changed
    Reprice(RepriceArgs),
    /// Look at the store and keep it small
    Store(StoreArgs),
    /// Write, check and show the configuration
    Config(ConfigArgs),
    /// Print a completion script for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Print the manual page, of llmtop or of one command
    Man {
        /// A command
        command: Option<String>,
    },
}

/// Every command and flag, for completions and the manual page.
pub fn command() -> clap::Command {
    Cli::command()
}

/// Reads the command line.
///
/// # Errors
/// What is wrong with it, or the help that was asked for: `clap::Error::exit` prints it rightly.
pub fn parse<I, T>(args: I) -> Result<Cli, clap::Error>
where
    I: IntoIterator<Item = T>,
    T: Into<std::ffi::OsString> + Clone,
{
    let cli = Cli::try_parse_from(args)?;
    match misplaced(&cli) {
        Some((kind, why)) => Err(command().error(kind, why)),
        None => fault(&cli).map_or(Ok(cli), Err),
    }
}

/// What no single flag is wrong about, with the usage of its command.
fn fault(cli: &Cli) -> Option<clap::Error> {
    let Some(Command::Check(args)) = &cli.command else { return None };
    let (kind, why) = args.fault()?;
    let mut all = command();
    all.build();
    Some(match all.find_subcommand_mut("check") {
        Some(check) => check.error(kind, why),
        None => all.error(kind, why),
    })
}

/// What stands before a command that does not look at it: it must not be ignored in silence.
fn misplaced(cli: &Cli) -> Option<(ErrorKind, String)> {
    cli.command.as_ref()?;
    let flags = [
        ("--pane", cli.screen.pane.is_some()),
        ("--window", cli.screen.window.is_some()),
        ("--filter", cli.screen.filter.is_some()),
        ("--theme", cli.screen.theme.is_some()),
        ("--utc", cli.screen.utc),
        ("--mouse", cli.screen.mouse),
    ];
    let file = cli.files.first().map(|file| format!("the file {file:?}"));
    let what = file.or_else(|| flags.into_iter().find(|(_, given)| *given).map(|(flag, _)| flag.to_owned()))?;
    let why = format!(
        "{what} belongs behind the command, or to no command at all\n\nA file with a command's name is reached by its path, such as ./report"
    );
    Some((ErrorKind::ArgumentConflict, why))
}

/// The command a word was probably meant to be: for the message about a file that is not there.
pub fn command_like(word: &str) -> Option<String> {
    let names: Vec<String> = command().get_subcommands().map(|sub| sub.get_name().to_owned()).collect();
    crate::nearest::nearest(word, names.iter().map(String::as_str)).map(str::to_owned)
}

/// Writes the completion script of a shell.
///
/// # Errors
/// Those of writing.
pub fn write_completions(shell: clap_complete::Shell, out: &mut dyn std::io::Write) -> std::io::Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command(), "llmtop", &mut script);
    out.write_all(&script)
}

/// Writes the manual page, of llmtop or of one command.
///
/// # Errors
/// Those of writing, and `InvalidInput` for what is no command.
pub fn write_man(of: Option<&str>, out: &mut dyn std::io::Write) -> std::io::Result<()> {
    let mut all = command();
    all.build();
    let page = match of {
        None => all,
        Some(name) => all.find_subcommand(name).cloned().ok_or_else(|| no_command(name))?,
    };
    let title = page.get_display_name().unwrap_or("llmtop").to_owned();
    clap_mangen::Man::new(page).title(title).render(out)
}

fn no_command(name: &str) -> std::io::Error {
    let near = command_like(name).map_or_else(String::new, |near| format!("; did you mean {near}?"));
    std::io::Error::new(std::io::ErrorKind::InvalidInput, format!("no command {name:?}{near}"))
}

#[cfg(test)]
mod tests;

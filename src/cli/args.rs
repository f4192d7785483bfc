//! The flags of each command, one struct a command.

use super::ScreenArgs;
use super::help::{FILTERS, QUERY_EXAMPLES, REPLAY_EXAMPLES, REPORT_EXAMPLES, WATCH_EXAMPLES};
use super::values::{self, By, Speed};
use crate::view::{Filter, Window, WindowError};
use clap::{Args, Subcommand, ValueEnum, ValueHint};
use std::path::PathBuf;

/// `llmtop ingest`
#[derive(Debug, Args)]
pub struct IngestArgs {
    /// Files, globs and folders to load; `-` is standard input
    #[arg(value_name = "FILE", required = true, value_hint = ValueHint::AnyPath)]
    pub files: Vec<PathBuf>,
    /// Show no progress
    #[arg(long, short)]
    pub quiet: bool,
}

/// `llmtop replay`
#[derive(Debug, Args)]
#[command(after_help = REPLAY_EXAMPLES)]
pub struct ReplayArgs {
    /// Files, globs and folders to play
    #[arg(value_name = "FILE", required = true, value_hint = ValueHint::AnyPath)]
    pub files: Vec<PathBuf>,
    /// How many times as fast as it happened; 0 is as fast as it goes
    #[arg(long, value_name = "N[x]", default_value = "1x", value_parser = values::speed)]
    pub speed: Speed,
    /// How the screen starts.
    #[command(flatten)]
    pub screen: ScreenArgs,
}

/// `llmtop demo`
#[derive(Debug, Args)]
pub struct DemoArgs {
    /// The same seed gives the same application
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// How many times its usual traffic
    #[arg(long, value_name = "N[x]", default_value = "1x", value_parser = values::rate)]
    pub rate: Speed,
    /// How much of its past to begin with
    #[arg(long, value_name = "LENGTH", default_value = "130m", value_parser = values::length)]
    pub history: i64,
    /// How the screen starts.
    #[command(flatten)]
    pub screen: ScreenArgs,
}

/// Which time, for the commands that answer once.
#[derive(Debug, Args)]
pub struct WhenArgs {
    /// Start: a length before now (24h), a time (2026-05-01T14:00, UTC unless it says otherwise), or `all`
    #[arg(long, value_name = "WHEN", allow_hyphen_values = true)]
    pub since: Option<String>,
    /// End, exclusive: a length before now, a time, or `now`
    #[arg(long, value_name = "WHEN", allow_hyphen_values = true)]
    pub until: Option<String>,
    /// Window of time, as on the screen: 1h, all, 2026-05-01, or FROM..TO
    #[arg(long, value_name = "WINDOW", value_parser = values::window, conflicts_with_all = ["since", "until"])]
    pub window: Option<Window>,
}

impl WhenArgs {
    /// The window asked for: `--window`, else `--since` and `--until`, else `unsaid`.
    ///
    /// # Errors
    /// Where `--since` or `--until` does not read.
    pub fn window(&self, unsaid: Window, now_us: i64) -> Result<Window, WindowError> {
        match (self.window, &self.since, &self.until) {
            (Some(window), _, _) => Ok(window),
            (None, None, None) => Ok(unsaid),
            (None, since, until) => Window::since_until(since.as_deref(), until.as_deref(), now_us),
        }
    }
}

/// `llmtop report`
#[derive(Debug, Args)]
#[command(after_help = REPORT_EXAMPLES, after_long_help = format!("{REPORT_EXAMPLES}\n\n{FILTERS}"))]
pub struct ReportArgs {
    /// Logs to report on instead of the store
    #[arg(value_name = "FILE", value_hint = ValueHint::AnyPath)]
    pub files: Vec<PathBuf>,
    /// Which time.
    #[command(flatten)]
    pub when: WhenArgs,
    /// Group by a dimension, or by several together (provider,model); may be given more than once
    #[arg(long, value_name = "DIMENSION[,…]", value_parser = values::by)]
    pub by: Vec<By>,
    /// Which calls, such as 'model:gpt-4o* status:error'
    #[arg(long, value_name = "FILTER", value_parser = values::filter, allow_hyphen_values = true)]
    pub filter: Option<Filter>,
    /// Form of the report
    #[arg(long, value_name = "FORMAT", default_value = "text", value_parser = values::report_format())]
    pub format: String,
    /// At most so many groups of each grouping; 50 in text and all otherwise unless given
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub top: Option<u32>,
    /// Show times in UTC instead of local time
    #[arg(long)]
    pub utc: bool,
    /// Show what rejected lines say, prompts and keys included, and not their form alone
    #[arg(long)]
    pub unmask: bool,
}

impl ReportArgs {
    /// At most so many groups; `None` is all.
    pub fn top(&self) -> Option<usize> {
        let default = (self.format == "text").then_some(50);
        self.top.and_then(|top| usize::try_from(top).ok()).or(default)
    }
}

/// `llmtop watch`
#[derive(Debug, Args)]
#[command(after_help = WATCH_EXAMPLES)]
pub struct WatchArgs {
    /// Files, globs and folders to follow; `-` is standard input; without any, the default store
    #[arg(value_name = "FILE", value_hint = ValueHint::AnyPath)]
    pub files: Vec<PathBuf>,
    /// Read what is there, tell what fires at its end, and exit
    #[arg(long)]
    pub once: bool,
    /// Time between two looks
    #[arg(long, value_name = "LENGTH", default_value = "5s", value_parser = values::length)]
    pub every: i64,
}

/// Form of the rows of a query.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum RowFormat {
    /// Aligned columns
    Table,
    /// One JSON object a row, a line each
    Json,
    /// Comma-separated values with a header
    Csv,
}

/// `llmtop query`
#[derive(Debug, Args)]
#[command(after_help = QUERY_EXAMPLES)]
pub struct QueryArgs {
    /// A SELECT over the views of the store
    #[arg(value_name = "SQL")]
    pub sql: String,
    /// Form of the rows
    #[arg(long, value_enum, default_value = "table")]
    pub format: RowFormat,
}

/// Form of exported events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ExportFormat {
    /// Native events, one JSON object a line
    Jsonl,
}

/// `llmtop export`
#[derive(Debug, Args)]
#[command(after_long_help = FILTERS)]
pub struct ExportArgs {
    /// Start: a length before now (24h), a time, or `all`
    #[arg(long, value_name = "WHEN", default_value = "all", allow_hyphen_values = true)]
    pub since: String,
    /// End, exclusive: a length before now, a time, or `now`
    #[arg(long, value_name = "WHEN", allow_hyphen_values = true)]
    pub until: Option<String>,
    /// Which calls, such as 'model:gpt-4o* status:error'
    #[arg(long, value_name = "FILTER", value_parser = values::filter, allow_hyphen_values = true)]
    pub filter: Option<Filter>,
    /// Form of the events
    #[arg(long, value_enum, default_value = "jsonl")]
    pub format: ExportFormat,
}

impl ExportArgs {
    /// The window asked for.
    ///
    /// # Errors
    /// Where `--since` or `--until` does not read.
    pub fn window(&self, now_us: i64) -> Result<Window, WindowError> {
        Window::since_until(Some(&self.since), self.until.as_deref(), now_us)
    }
}

/// `llmtop reprice`
#[derive(Debug, Args)]
pub struct RepriceArgs {
    /// Logs whose private store is meant; without any, the default store
    #[arg(value_name = "FILE", value_hint = ValueHint::AnyPath)]
    pub files: Vec<PathBuf>,
    /// From when on: a length before now (30d), a time (2026-05-01), or `all`
    #[arg(long, value_name = "WHEN", allow_hyphen_values = true)]
    pub since: String,
    /// Say what would change, and change nothing
    #[arg(long)]
    pub dry_run: bool,
}

/// `llmtop store`
#[derive(Debug, Args)]
pub struct StoreArgs {
    /// What to do
    #[command(subcommand)]
    pub command: StoreCommand,
}

/// `llmtop store …`
#[derive(Debug, Subcommand)]
pub enum StoreCommand {
    /// Print what the store holds and how big it is
    Info,
    /// Print where the store is
    Path,
    /// Give unused space back to the disk
    Vacuum,
    /// Delete calls and their text beyond an age; totals over time stay
    Prune {
        /// Age, such as 30d
        #[arg(long, value_name = "AGE", value_parser = values::length)]
        older_than: i64,
    },
}

/// `llmtop config`
#[derive(Debug, Args)]
pub struct ConfigArgs {
    /// What to do
    #[command(subcommand)]
    pub command: ConfigCommand,
}

/// `llmtop config …`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Subcommand)]
pub enum ConfigCommand {
    /// Write a commented configuration file; one that is there is left alone
    Init,
    /// Say whether the configuration file is right, and what is not
    Check,
    /// Print every setting in force, and where it comes from
    Show,
}

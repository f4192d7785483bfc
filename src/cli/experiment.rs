//! The flags of `llmtop experiment`.

use super::help::EXPERIMENT_EXAMPLES;
use crate::view::{Anchor, Span, Window, WindowError};
use clap::{Args, Subcommand, ValueEnum, ValueHint};
use std::path::PathBuf;

/// `llmtop experiment`
#[derive(Debug, Args)]
#[command(after_help = EXPERIMENT_EXAMPLES)]
pub struct ExperimentArgs {
    /// What to do
    #[command(subcommand)]
    pub command: ExperimentCommand,
}

/// `llmtop experiment …`
#[derive(Debug, Subcommand)]
pub enum ExperimentCommand {
    /// List the experiments that calls name, each with its verdict
    List(ExperimentListArgs),
    /// Print what the variants of one came to, each metric against the control, and the verdicts
    Show(ExperimentShowArgs),
}

/// Form of the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ExperimentFormat {
    /// For people
    Text,
    /// For programs
    Json,
}

/// What both look at.
#[derive(Debug, Args)]
pub struct LifeArgs {
    /// Logs to look at instead of the store
    #[arg(value_name = "FILE", value_hint = ValueHint::AnyPath)]
    pub files: Vec<PathBuf>,
    /// As it stood at the end of this day: a length before now, a time, or `now`
    #[arg(long, value_name = "WHEN", allow_hyphen_values = true)]
    pub until: Option<String>,
    /// Form of the answer
    #[arg(long, value_enum, default_value = "text")]
    pub format: ExperimentFormat,
}

impl LifeArgs {
    /// The window: an experiment is always about its whole life, up to some end.
    ///
    /// # Errors
    /// Where `--until` does not read.
    pub fn window(&self, now_us: i64) -> Result<Window, WindowError> {
        match &self.until {
            None => Ok(Window::all()),
            Some(until) => {
                let window = Window::since_until(Some("all"), Some(until), now_us)?;
                Ok(match window.anchor {
                    Anchor::At(us) => Window { span: Span::All, anchor: Anchor::At(us) },
                    _ => Window::all(),
                })
            }
        }
    }
}

/// `llmtop experiment list`
#[derive(Debug, Args)]
pub struct ExperimentListArgs {
    /// What to look at.
    #[command(flatten)]
    pub life: LifeArgs,
}

/// `llmtop experiment show`
#[derive(Debug, Args)]
pub struct ExperimentShowArgs {
    /// Its name; calls that name a variant and no experiment are of `default`
    #[arg(value_name = "NAME")]
    pub name: String,
    /// What to look at.
    #[command(flatten)]
    pub life: LifeArgs,
}

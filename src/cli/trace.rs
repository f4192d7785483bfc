//! `llmtop trace`: what was typed for it.

use super::help::TRACE_EXAMPLES;
use clap::{Args, ValueEnum, ValueHint};
use std::path::PathBuf;

/// Form of a trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum TraceFormat {
    /// For people
    Text,
    /// One JSON object
    Json,
    /// An OpenTelemetry export request, as OTLP/JSON
    Otlp,
}

/// `llmtop trace`
#[derive(Debug, Args)]
#[command(after_help = TRACE_EXAMPLES)]
pub struct TraceArgs {
    /// Id of a trace, of one of its calls (request id), or of a session
    #[arg(value_name = "ID")]
    pub id: String,
    /// Logs to look in instead of the store
    #[arg(value_name = "FILE", value_hint = ValueHint::AnyPath)]
    pub files: Vec<PathBuf>,
    /// Form of the trace
    #[arg(long, value_enum, default_value = "text")]
    pub format: TraceFormat,
    /// Show times in UTC instead of local time
    #[arg(long)]
    pub utc: bool,
    /// Write the input and output of steps, too, as far as the log has them
    #[arg(long)]
    pub unmask: bool,
}

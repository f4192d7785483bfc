//! The flags of the gateway.

use super::ScreenArgs;
use super::help::{PROXY_EXAMPLES, RUN_EXAMPLES};
use clap::{Args, Subcommand, ValueHint};
use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;

/// What a gateway is told on the command line.
#[derive(Debug, Clone, Default, Args)]
pub struct GatewayArgs {
    /// Whom to call: a URL for every protocol, or NAME=URL for /u/NAME and, where NAME is openai, anthropic or gemini, for
    /// its protocol; may be given more than once
    #[arg(long, value_name = "[NAME=]URL", value_hint = ValueHint::Url)]
    pub upstream: Vec<String>,
    /// Folder of the journal, in which calls are kept before the store has them; else `journal` beside the default store, or
    /// STORE.journal where --store names one
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub journal: Option<PathBuf>,
}

/// `llmtop proxy`
#[derive(Debug, Args)]
#[command(after_help = PROXY_EXAMPLES)]
pub struct ProxyArgs {
    /// Where to listen; port 0 is any free one
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub listen: Option<SocketAddr>,
    /// Whom to call and where to write.
    #[command(flatten)]
    pub gateway: GatewayArgs,
    /// Show no screen: for servers, containers and CI
    #[arg(long)]
    pub headless: bool,
    /// How the screen starts.
    #[command(flatten)]
    pub screen: ScreenArgs,
}

/// `llmtop run`
#[derive(Debug, Args)]
#[command(after_help = RUN_EXAMPLES)]
pub struct RunArgs {
    /// Whom to call and where to write.
    #[command(flatten)]
    pub gateway: GatewayArgs,
    /// The program and its arguments
    #[arg(value_name = "COMMAND", required = true, trailing_var_arg = true, allow_hyphen_values = true)]
    pub command: Vec<OsString>,
}

/// `llmtop key`
#[derive(Debug, Subcommand)]
pub enum KeyCommand {
    /// Print a new key, and the section of the configuration that lets it in
    New {
        /// The client's name
        #[arg(value_name = "NAME", default_value = "app")]
        name: String,
    },
}

//! The flags of `llmtop prices`.

use super::WhenArgs;
use super::values;
use crate::view::Filter;
use clap::{Args, Subcommand, ValueEnum, ValueHint};
use std::path::PathBuf;

/// `llmtop prices`
#[derive(Debug, Args)]
pub struct PricesArgs {
    /// What to do
    #[command(subcommand)]
    pub command: PricesCommand,
}

/// `llmtop prices …`
#[derive(Debug, Subcommand)]
pub enum PricesCommand {
    /// List the models that have a price
    List(PriceListArgs),
    /// Print all that is known of one model's prices, and how it is found
    Show(PriceShowArgs),
    /// Take over a newer price table, as far as it differs; LiteLLM's public one, or one of this program's form
    Import(PriceImportArgs),
    /// Say how a price table differs from what is in force
    Diff {
        /// The table
        #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
        file: PathBuf,
    },
    /// Hold reported costs against computed ones, and say why they probably differ
    Audit(PriceAuditArgs),
}

/// Form of prices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum PriceFormat {
    /// For people
    Text,
    /// The form of price tables: one JSON object a line
    Json,
}

/// `llmtop prices list`
#[derive(Debug, Args)]
pub struct PriceListArgs {
    /// Which models, such as 'gpt-5*' or '*haiku*'
    #[arg(value_name = "GLOB")]
    pub glob: Option<String>,
    /// Those of one provider
    #[arg(long, value_name = "NAME")]
    pub provider: Option<String>,
    /// Form of the list
    #[arg(long, value_enum, default_value = "text")]
    pub format: PriceFormat,
}

/// `llmtop prices show`
#[derive(Debug, Args)]
pub struct PriceShowArgs {
    /// The model, as calls name it
    #[arg(value_name = "MODEL")]
    pub model: String,
    /// The provider, as calls name it
    #[arg(long, value_name = "NAME")]
    pub provider: Option<String>,
}

/// `llmtop prices audit`
#[derive(Debug, Args)]
pub struct PriceAuditArgs {
    /// Logs to audit instead of the store
    #[arg(value_name = "FILE", value_hint = ValueHint::AnyPath)]
    pub files: Vec<PathBuf>,
    /// Which time.
    #[command(flatten)]
    pub when: WhenArgs,
    /// Which calls, such as 'provider:openai'
    #[arg(long, value_name = "FILTER", value_parser = values::filter, allow_hyphen_values = true)]
    pub filter: Option<Filter>,
    /// Form of the findings; json is one object a line
    #[arg(long, value_enum, default_value = "text")]
    pub format: PriceFormat,
}

/// `llmtop prices import`
#[derive(Debug, Args)]
pub struct PriceImportArgs {
    /// The table
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub file: PathBuf,
    /// The day from which on it holds, such as 2026-07-24; today unless given
    #[arg(long, value_name = "DATE", value_parser = crate::price::day)]
    pub from: Option<i64>,
}

//! `llmtop check`: its flags, those of the limits made from the table of limits.

use super::WhenArgs;
use super::help::{CHECK_EXAMPLES, FILTERS};
use super::values;
use crate::check::{Allowed, LIMITS, Limit};
use crate::config::metric;
use crate::view::{Filter, Metric, Threshold};
use clap::error::ErrorKind;
use clap::{Arg, ArgMatches, Args, FromArgMatches, ValueHint};
use std::path::PathBuf;

/// `llmtop check`
#[derive(Debug, Args)]
#[command(after_help = CHECK_EXAMPLES, after_long_help = format!("{CHECK_EXAMPLES}\n\n{FILTERS}"))]
pub struct CheckArgs {
    /// Logs to check instead of the store
    #[arg(value_name = "FILE", value_hint = ValueHint::AnyPath)]
    pub files: Vec<PathBuf>,
    /// Which time.
    #[command(flatten)]
    pub when: WhenArgs,
    /// Which calls, such as 'env:prod -model:test*'
    #[arg(long, value_name = "FILTER", value_parser = values::filter, allow_hyphen_values = true)]
    pub filter: Option<Filter>,
    /// What must not be exceeded.
    #[command(flatten)]
    pub limits: LimitArgs,
    /// Hold an experiment, its whole life up to the end of the window, instead of figures: 0 if its variants are known to be
    /// not worse than the control by more than is allowed, 1 if one is known to be, 2 while neither is known
    #[arg(long, value_name = "NAME", requires = "metric", requires = "not_worse_than", conflicts_with_all = ["baseline", "filter"])]
    pub experiment: Option<String>,
    /// By which metric, such as error_rate, latency_p95, cost_per_call, task_completion or score:relevance
    #[arg(long, value_name = "METRIC", value_parser = metric, requires = "experiment")]
    pub metric: Option<Metric>,
    /// By how much it may be worse: 1% of the control's figure, 1pp (percentage points) of a rate, 50ms, $0.002
    #[arg(long, value_name = "MARGIN", requires = "experiment")]
    pub not_worse_than: Option<String>,
    /// Which variant; without it each of them
    #[arg(long, value_name = "NAME", requires = "experiment")]
    pub variant: Option<String>,
    /// Fewer calls cannot be judged
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..))]
    pub min_calls: u64,
    /// Compare with a log, or with a window of the same store: 24h (so long before), 2026-05-01, or FROM..TO
    #[arg(long, value_name = "FILE|WINDOW", value_hint = ValueHint::AnyPath)]
    pub baseline: Option<PathBuf>,
    /// By how much a figure may be more than the baseline's (shares by chance, too): those with a limit, else latency p95,
    /// error rate and cost per call
    #[arg(long, value_name = "PERCENT", default_value = "10%", requires = "baseline", value_parser = values::percent)]
    pub max_regression: f64,
    /// Form of the answer
    #[arg(long, value_name = "FORMAT", default_value = "text", value_parser = values::check_format())]
    pub format: String,
    /// Show times in UTC instead of local time
    #[arg(long)]
    pub utc: bool,
}

/// The limits that are given, in the order of the table.
#[derive(Debug, Clone, Default)]
pub struct LimitArgs(pub Vec<Allowed>);

impl CheckArgs {
    /// The margin of an experiment.
    ///
    /// # Errors
    /// Says what would be right.
    pub fn margin(&self) -> Result<Option<Threshold>, String> {
        let asked = self.metric.as_ref().zip(self.not_worse_than.as_deref());
        asked.map(|(metric, text)| Threshold::parse(text, metric)).transpose()
    }

    /// Why there is nothing to judge.
    pub(super) fn fault(&self) -> Option<(ErrorKind, String)> {
        if self.experiment.is_some() {
            let limits = (!self.limits.0.is_empty())
                .then(|| (ErrorKind::ArgumentConflict, "an experiment is held by itself, without limits".to_owned()));
            return limits.or_else(|| Some((ErrorKind::ValueValidation, self.margin().err()?)));
        }
        let flags: Vec<String> = LIMITS.iter().map(|limit| format!("--{}", limit.flag)).collect();
        (self.limits.0.is_empty() && self.baseline.is_none()).then(|| {
            let why = format!("nothing to check: give a limit ({}) or a --baseline", flags.join(", "));
            (ErrorKind::MissingRequiredArgument, why)
        })
    }
}

impl FromArgMatches for LimitArgs {
    fn from_arg_matches(matches: &ArgMatches) -> Result<LimitArgs, clap::Error> {
        let given =
            |limit: &'static Limit| matches.get_one::<f64>(limit.flag).map(|most| Allowed { limit, most: *most });
        Ok(LimitArgs(LIMITS.iter().filter_map(given).collect()))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = LimitArgs::from_arg_matches(matches)?;
        Ok(())
    }
}

impl Args for LimitArgs {
    fn augment_args(command: clap::Command) -> clap::Command {
        LIMITS.iter().fold(command, |command, limit| {
            command.arg(
                Arg::new(limit.flag)
                    .long(limit.flag)
                    .value_name(limit.unit.value_name())
                    .help(limit.help)
                    .help_heading("Limits")
                    .value_parser(|text: &str| limit.unit.read(text)),
            )
        })
    }

    fn augment_args_for_update(command: clap::Command) -> clap::Command {
        LimitArgs::augment_args(command)
    }
}

//! The flags of `llmtop score`, `llmtop review` and `llmtop judge`.

use super::help::FILTERS;
use super::values;
use crate::event::ScoreSource;
use crate::view::{Filter, Window};
use clap::{Args, ValueEnum};

/// `llmtop score`
#[derive(Debug, Args)]
pub struct ScoreArgs {
    /// The request id of the call; with --trace, the id of a trace
    #[arg(value_name = "ID")]
    pub id: String,
    /// What is judged, such as thumbs, task_completed, hallucination, relevance or nps
    #[arg(long, value_name = "NAME", value_parser = name)]
    pub name: String,
    /// A number; true, yes and up are 1, false, no and down are 0
    #[arg(long, value_name = "VALUE", value_parser = value, allow_hyphen_values = true)]
    pub value: ScoreValue,
    /// Who judges
    #[arg(long, value_enum, default_value = "human")]
    pub source: Who,
    /// A remark
    #[arg(long, value_name = "TEXT")]
    pub comment: Option<String>,
    /// ID is that of a whole trace
    #[arg(long)]
    pub trace: bool,
}

/// A value that was typed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ScoreValue(pub f64);

fn value(text: &str) -> Result<ScoreValue, String> {
    match text.to_lowercase().as_str() {
        "true" | "yes" | "up" => return Ok(ScoreValue(1.0)),
        "false" | "no" | "down" => return Ok(ScoreValue(0.0)),
        _ => {}
    }
    let number = text.parse::<f64>().ok().filter(|number| number.is_finite());
    number.map(ScoreValue).ok_or_else(|| "not a number, nor yes or no".to_owned())
}

fn name(text: &str) -> Result<String, String> {
    let text = text.trim();
    if text.is_empty() { Err("a score needs a name".to_owned()) } else { Ok(text.to_owned()) }
}

/// Who judges.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Who {
    /// A person who reviews
    Human,
    /// The end user
    User,
    /// A model
    Judge,
    /// A rule in code
    Rule,
}

impl From<Who> for ScoreSource {
    fn from(who: Who) -> ScoreSource {
        match who {
            Who::Human => ScoreSource::Human,
            Who::User => ScoreSource::User,
            Who::Judge => ScoreSource::Judge,
            Who::Rule => ScoreSource::Rule,
        }
    }
}

/// Which calls a sample is taken from, and which sample.
#[derive(Debug, Args)]
pub struct FromArgs {
    /// Which calls, such as 'app:support-bot -status:error'
    #[arg(long, value_name = "FILTER", value_parser = values::filter, allow_hyphen_values = true)]
    pub filter: Option<Filter>,
    /// Window of time: 1h, all, 2026-05-01, or FROM..TO
    #[arg(long, value_name = "WINDOW", value_parser = values::window, default_value = "all")]
    pub window: Window,
    /// Which sample
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
}

/// `llmtop review`
#[derive(Debug, Args)]
#[command(after_long_help = FILTERS)]
pub struct ReviewArgs {
    /// How many calls; the same seed takes the same ones, and those judged before are passed over
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..))]
    pub sample: u32,
    /// Which calls.
    #[command(flatten)]
    pub from: FromArgs,
    /// What is judged
    #[arg(long, value_name = "NAME", default_value = "task_completed", value_parser = name)]
    pub name: String,
    /// Which keys judge
    #[arg(long, value_enum, default_value = "yn")]
    pub scale: Scale,
}

/// The keys of a review.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Scale {
    /// y is 1, n is 0
    Yn,
    /// 1 to 5
    #[value(name = "1-5")]
    Five,
    /// 0 to 9, and t for 10
    #[value(name = "0-10")]
    Ten,
}

/// `llmtop judge`
#[derive(Debug, Args)]
#[command(after_long_help = FILTERS)]
pub struct JudgeArgs {
    /// How many calls; the same seed takes the same ones, and those judged before are passed over
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub sample: Option<u32>,
    /// Which calls.
    #[command(flatten)]
    pub from: FromArgs,
    /// What to judge by; one of these, instead of that of the configuration
    #[arg(long, value_enum)]
    pub rubric: Option<Rubric>,
    /// Say what would be judged, and what it would cost at most, and ask nobody
    #[arg(long)]
    pub dry_run: bool,
}

/// The rubrics there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Rubric {
    /// Whether the answer is about what was asked, 0 to 1
    Relevance,
    /// Whether the answer says what nothing it was given supports, yes or no
    Hallucination,
    /// Whether what was asked for was done, yes or no
    TaskCompletion,
}

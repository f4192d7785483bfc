//! `[judge]`: which model judges calls, by which rubric, for how much money.

use super::Config;
use super::lists::Section;
use super::proxy::base_url;
use crate::nearest::did_you_mean;
use crate::units;

/// What is said of the judge.
#[derive(Debug, Clone, PartialEq)]
pub struct Judge {
    /// Where an OpenAI-compatible API is, without a slash at the end: `/chat/completions` is put to it.
    pub base_url: String,
    /// The model that judges.
    pub model: String,
    /// Whose it is, for its price; `None` leaves it to the model's name.
    pub provider: Option<String>,
    /// The variable with the key; `None` is without one.
    pub key_env: Option<String>,
    /// What to judge by, unless the command says otherwise.
    pub rubric: Rubric,
    /// How many calls, unless the command says otherwise.
    pub sample: u32,
    /// What one run may cost, nano-dollars; `None` is without end.
    pub budget_nusd: Option<i64>,
    /// The longest answer of the judge, tokens.
    pub max_tokens: u32,
}

/// What to judge by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rubric {
    /// One that is built in, by its word.
    Known(&'static str),
    /// A text of somebody's own, and the name of its scores.
    Own {
        /// What the scores are called.
        name: String,
        /// What 1 means and what 0.
        text: String,
    },
}

/// The rubrics that are built in.
pub const RUBRICS: [&str; 3] = ["relevance", "hallucination", "task_completion"];

/// Reads the section.
pub(super) fn read(section: &mut Section<'_>, config: &mut Config) {
    let url = section.need("base_url", "where an API is, such as \"https://api.openai.com/v1\"", |text| {
        base_url(text).map(|_| text.trim_end_matches('/').to_owned())
    });
    let model = section.need("model", "the name of a model, such as \"gpt-4.1-mini\"", filled);
    let provider = section.read("provider", "the provider's name, such as \"openai\"", filled);
    let key_env = section.read("key_env", "the name of a variable, such as \"OPENAI_API_KEY\"", variable);
    let rubric =
        section.read("rubric", "one of relevance, hallucination, task_completion, or a text of your own", filled);
    let name = section.read("name", "the name of the scores, of a rubric of your own", filled);
    let sample = section.read("sample", "how many calls, such as 50", whole);
    let budget_nusd = section.read("budget_usd", "dollars above 0, such as 0.50", money);
    let max_tokens = section.read("max_tokens", "how long an answer may be, such as 400", whole);
    let rubric = match rubric {
        Some(text) if !RUBRICS.contains(&text.as_str()) => own(section, name, text),
        known => {
            if name.is_some() {
                section
                    .fault_at("name", "only a rubric of your own has a name; leave it out, or write the rubric's text");
            }
            let known = known.and_then(|text| RUBRICS.into_iter().find(|word| *word == text));
            Some(Rubric::Known(known.unwrap_or(RUBRICS[0])))
        }
    };
    let (Some(base_url), Some(model), Some(rubric)) = (url, model, rubric) else { return };
    let (sample, max_tokens) = (sample.unwrap_or(50), max_tokens.unwrap_or(400));
    config.judge = Some(Judge { base_url, model, provider, key_env, rubric, sample, budget_nusd, max_tokens });
}

/// A text of somebody's own, which needs a name; one word is a slip.
fn own(section: &mut Section<'_>, name: Option<String>, text: String) -> Option<Rubric> {
    if !text.trim().contains(char::is_whitespace) {
        let near = did_you_mean(&text, RUBRICS);
        section.fault_at("rubric", &format!("no rubric {text:?}{near}; there are {}", RUBRICS.join(", ")));
        return None;
    }
    if name.is_none() {
        section.fault_at("rubric", "a rubric of your own needs a name for its scores; write name = \"politeness\"");
    }
    Some(Rubric::Own { name: name?, text })
}

fn filled(text: &str) -> Result<String, String> {
    if text.trim().is_empty() { Err("empty".to_owned()) } else { Ok(text.to_owned()) }
}

/// The name of a variable; a key itself must not stand in a file.
fn variable(text: &str) -> Result<String, String> {
    let is_name = !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    if is_name { Ok(text.to_owned()) } else { Err("this is no name of a variable; keys do not belong here".to_owned()) }
}

fn whole(text: &str) -> Result<u32, String> {
    text.parse()
        .ok()
        .filter(|n| (1..=1_000_000).contains(n))
        .ok_or_else(|| format!("{text} is no number from 1 to 1000000"))
}

fn money(text: &str) -> Result<i64, String> {
    units::parse_usd_nano(text).filter(|nano| *nano > 0).ok_or_else(|| format!("{text:?} is no sum of money above 0"))
}

//! The configuration as text: the commented file that `config init` writes, and the settings that `config show` prints.

use super::keys::{KEYS, Key, Kind};
use super::lists::{LISTS, Shape};
use super::{Config, Effective, Inputs, load};
use std::fs::{DirBuilder, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// Why no file was written.
#[derive(Debug, thiserror::Error)]
pub enum InitError {
    /// A file is there; it is left alone.
    #[error("{} is there already and was left alone; edit it, or remove it first", .0.display())]
    Exists(PathBuf),
    /// It cannot be written.
    #[error("cannot write {}: {source}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// Writes a commented file with all defaults, readable by its owner alone, and the folders it needs.
///
/// # Errors
/// Where a file is there, or cannot be written.
pub fn init(path: &Path) -> Result<(), InitError> {
    let fail = |source: io::Error| match source.kind() {
        io::ErrorKind::AlreadyExists => InitError::Exists(path.to_owned()),
        _ => InitError::Write { path: path.to_owned(), source },
    };
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        let made = DirBuilder::new().recursive(true).mode(0o700).create(folder);
        made.map_err(|source| InitError::Write { path: path.to_owned(), source })?;
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(fail)?;
    file.write_all(template().as_bytes()).map_err(fail)
}

/// The commented file: every setting with its default, each commented out.
pub(super) fn template() -> String {
    let defaults = Config::default();
    let mut out = String::from(
        "# The configuration of llmtop. What is commented out shows the default.\n\
         # Flags go before environment variables (LLMTOP_WINDOW=6h), those before this file.\n\
         # `llmtop config check` says what is wrong with it, `llmtop config show` what is in force.\n",
    );
    for key in &KEYS {
        let value = (key.get)(&defaults);
        let shown = if value.is_empty() { example(key).to_owned() } else { value };
        out.push_str(&format!(
            "\n# {}\n# Allowed: {}.\n# {} = {}\n",
            key.about,
            key.allowed,
            key.name,
            literal(key, &shown)
        ));
    }
    out + SECTIONS
}

/// What a budget and an alert look like; any number of each may follow the settings above.
const SECTIONS: &str = r#"
# Budgets, alerts (`above`, `below` or `change` of a metric over a window), prices of one model in dollars per million
# tokens, and what is added to prices or taken off; what is settled about an experiment. Each may be there several times.
#
#   [[budget]]
#   name = "prod daily"
#   limit_usd = 50
#   period = "day"
#   timezone = "Europe/Berlin"
#   filter = "env:prod"
#   per = "user"
#   warn_at = [0.8, 1.0]
#
#   [[alert]]
#   name = "prod errors"
#   metric = "error_rate"
#   above = "5%"
#   over = "5m"
#   for = "2m"
#   filter = "env:prod"
#
#   [[price]]
#   model = "llama-3.3-70b"
#   provider = "local"
#   input = 0.20
#   output = 0.60
#   from = "2026-07-01"
#
#   [[uplift]]
#   provider = "openai"
#   model = "gpt-5*"
#   percent = 10
#
#   [experiment.short_answers]
#   control = "control"                  # else the variant named control, baseline, default or a, else the first by name
#   unit = "user"                        # what was assigned to a variant as a whole: user, session or request
#   weights = { control = 50, short = 50 }
#   primary = ["task_completion"]
#   guardrails = ["latency_p95", "cost_per_call"]
#   thresholds = { task_completion = "2pp", latency_p95 = "5%" }   # 5% of the control's figure; 2pp are points
#   aa = false                           # true: all variants are the same, and every win is false
#
#   [proxy]
#   listen = "127.0.0.1:4141"
#   retries = 2
#   capture = "preview"
#
#   [upstream.local]
#   base_url = "http://127.0.0.1:8000/v1"
#   models = ["llama-*"]
#
#   [[fallback]]
#   model = "gpt-4o"
#   to = ["gpt-4o-mini", "local/llama-3.3-70b"]
#
#   [judge]                        # `llmtop judge`
#   base_url = "https://api.openai.com/v1"
#   model = "gpt-4.1-mini"
#   key_env = "OPENAI_API_KEY"
#   rubric = "relevance"           # hallucination, task_completion, or a text of your own with a name
#   sample = 50
#   budget_usd = 0.50
#
#   [client.team]
#   key_sha256 = "60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752"   # from `llmtop key new team`
"#;

/// What stands in the file for a setting without a default of its own.
fn example(key: &Key) -> &'static str {
    match key.name {
        "store" => "~/.local/share/llmtop/llmtop.db",
        _ => "",
    }
}

fn literal(key: &Key, value: &str) -> String {
    match key.kind {
        Kind::Switch => value.to_owned(),
        Kind::Names => {
            let names = value.split(',').map(str::trim).filter(|name| !name.is_empty());
            toml::Value::Array(names.map(|name| toml::Value::String(name.to_owned())).collect()).to_string()
        }
        Kind::Text | Kind::Amount => toml::Value::String(value.to_owned()).to_string(),
    }
}

/// Writes the verdict on the configuration; whether it is right.
///
/// # Errors
/// Those of writing.
pub fn check(inputs: Inputs<'_>, out: &mut dyn Write) -> io::Result<bool> {
    match load(inputs) {
        Ok(Effective { file: Some(path), .. }) => writeln!(out, "{}: all right", path.display())?,
        Ok(Effective { file: None, .. }) => writeln!(out, "no configuration file; `llmtop config init` writes one")?,
        Err(problems) => {
            writeln!(out, "{problems}")?;
            return Ok(false);
        }
    }
    Ok(true)
}

impl Effective {
    /// Writes every setting in force with where it comes from, as TOML.
    ///
    /// # Errors
    /// Those of writing.
    pub fn show(&self, out: &mut dyn Write) -> io::Result<()> {
        let lines = KEYS.iter().map(|key| {
            let value = literal(key, &(key.get)(&self.config));
            (format!("{} = {value}", key.name), self.origin(key.name))
        });
        let lines: Vec<_> = lines.collect();
        let width = lines.iter().map(|(line, _)| line.chars().count()).max().unwrap_or(0);
        for (line, origin) in lines {
            writeln!(out, "{line:<width$}  # {origin}")?;
        }
        let text = self.file.as_deref().and_then(|file| std::fs::read_to_string(file).ok()).unwrap_or_default();
        lists(&text).iter().try_for_each(|line| writeln!(out, "{line}"))
    }
}

/// The sections of a file, as they were read, but for what may hold a secret: whom alerts are told, a client's key.
fn lists(text: &str) -> Vec<String> {
    let table: toml::Table = text.parse().unwrap_or_default();
    let sections = LISTS.iter().flat_map(|list| match (list.shape, table.get(list.name)) {
        (Shape::List, Some(toml::Value::Array(sections))) => {
            sections.iter().map(|one| (list.written(""), one)).collect()
        }
        (Shape::Named, Some(toml::Value::Table(named))) => {
            named.iter().map(|(name, one)| (list.written(name), one)).collect()
        }
        (Shape::One, Some(one)) => vec![(list.written(""), one)],
        _ => Vec::new(),
    });
    let lines =
        sections.filter_map(|(title, section)| Some((title, section.as_table()?))).flat_map(|(title, section)| {
            let fields = section.iter().map(|(key, value)| match is_secret(key, value) {
                true => format!("{key} = \"…\""),
                false => format!("{key} = {value}"),
            });
            [String::new(), title].into_iter().chain(fields).collect::<Vec<_>>()
        });
    lines.collect()
}

/// Whether a setting may hold what nobody else should see; so may an address with somebody's name in it.
fn is_secret(key: &str, value: &toml::Value) -> bool {
    const SECRET: [&str; 3] = ["webhook", "command", "key_sha256"];
    SECRET.contains(&key) || value.as_str().is_some_and(|text| text.contains("://") && text.contains('@'))
}

#[cfg(test)]
mod tests {
    use super::lists;

    #[test]
    fn the_lists_are_shown_and_their_secrets_are_not() {
        let text = "window = \"1h\"\n[[alert]]\nname = \"a [[b]]\" # why\n\"webhook\" = \"\"\"https://x/SECRET\"\"\"\n\
                    command = [\n  \"curl\", \"SECRET\"]\nabove = 5.5\n[[budget]]\nlimit_usd = 50\n[alerts]\nfile = \"SECRET\"\n";
        let shown = lists(text).join("\n");
        let want = "\n[[budget]]\nlimit_usd = 50\n\n[[alert]]\nabove = 5.5\ncommand = \"…\"\nname = \"a [[b]]\"\nwebhook = \"…\"";
        assert_eq!(shown, want);
    }
}

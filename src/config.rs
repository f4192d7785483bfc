//! What is valid: flags over environment over file over defaults, typed, and for each setting where it comes from.

mod alerts;
mod budgets;
mod experiments;
mod file;
mod judge;
mod keys;
mod lists;
mod paths;
mod prices;
mod proxy;
mod write;

use crate::alert;
use crate::cli::{PlaceArgs, ScreenArgs};
use crate::nearest::did_you_mean;
use crate::view::{Anchor, Budget, Experiment, Filter, Window};
use keys::{KEYS, Key, Scope, key, pane};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};

pub use crate::cli::Theme;
pub(crate) use experiments::metric;
pub use judge::{Judge, RUBRICS, Rubric};
pub use paths::{Env, NoHome, cache_dir, config_file, default_store, expand_home, private_store};
pub use prices::Pricing;
pub use proxy::{Fallback as ProxyFallback, Proxy, Upstream as ProxyUpstream, base_url};
pub use write::{InitError, check, init};

/// The settings in force.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// The store to use where no private or temporary one is; `None` where nothing says where things live.
    pub store: Option<PathBuf>,
    /// Colours.
    pub theme: Theme,
    /// The first window.
    pub window: Window,
    /// The first pane, by name.
    pub pane: String,
    /// The first filter.
    pub filter: Filter,
    /// Times in UTC.
    pub utc: bool,
    /// Prompts and answers hidden until asked for.
    pub mask: bool,
    /// React to the mouse.
    pub mouse: bool,
    /// How long the store keeps what.
    pub retention: Retention,
    /// Bounds of the private stores.
    pub cache: CacheLimits,
    /// What may be spent, in the order of the file.
    pub budgets: Vec<Budget>,
    /// What calls cost, other than the price table says.
    pub pricing: Pricing,
    /// Where the imported price table is, if there is one; `None` where nothing says where things live.
    pub price_table: Option<PathBuf>,
    /// What is watched, and who is told.
    pub alerts: alert::Settings,
    /// What the gateway is told.
    pub proxy: Proxy,
    /// What is settled about experiments.
    pub experiments: Vec<Experiment>,
    /// Which model judges calls, if one is named.
    pub judge: Option<Judge>,
}

/// How long the store keeps what; `None` is without end.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Retention {
    /// Age of text, µs.
    pub text_us: Option<i64>,
    /// Age of calls, µs.
    pub rows_us: Option<i64>,
    /// Size of the store, bytes.
    pub size: Option<u64>,
}

/// Bounds of the folder of private stores; `None` is without end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CacheLimits {
    /// All together, bytes.
    pub max_size: Option<u64>,
    /// Since the last use, µs.
    pub max_age_us: Option<i64>,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            store: None,
            theme: Theme::Auto,
            window: Window::last(3_600_000_000, Anchor::Auto),
            pane: "overview".to_owned(),
            filter: Filter::default(),
            utc: false,
            mask: true,
            mouse: false,
            retention: Retention::default(),
            cache: CacheLimits { max_size: Some(10_000_000_000), max_age_us: Some(30 * 86_400_000_000) },
            budgets: Vec::new(),
            pricing: Pricing::default(),
            price_table: None,
            alerts: alert::Settings::default(),
            proxy: Proxy::default(),
            experiments: Vec::new(),
            judge: None,
        }
    }
}

impl Config {
    /// The store to use where no private or temporary one is.
    ///
    /// # Errors
    /// Where nothing says where things live.
    pub fn store(&self) -> Result<&Path, NoHome> {
        self.store.as_deref().ok_or(NoHome { what: "the store", variable: "XDG_DATA_HOME" })
    }
}

/// Where a setting comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// Nothing said otherwise.
    Default,
    /// A line of the configuration file, from 1.
    File(PathBuf, usize),
    /// An environment variable.
    Variable(String),
    /// A flag.
    Flag(&'static str),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Default => f.write_str("default"),
            Origin::File(path, line) => write!(f, "{}, line {line}", path.display()),
            Origin::Variable(name) => f.write_str(name),
            Origin::Flag(flag) => f.write_str(flag),
        }
    }
}

/// One thing that is wrong, with where, and what would be right.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    /// The file is there, or was named, and cannot be read.
    #[error("cannot read the configuration {}: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A setting does not read.
    #[error("{origin}: {why}")]
    Setting {
        /// Where it was given.
        origin: Origin,
        /// What is wrong and what would be right.
        why: String,
    },
    /// There is no place for the file.
    #[error(transparent)]
    NoHome(#[from] NoHome),
}

/// All that is wrong, one to a line.
#[derive(Debug)]
pub struct Problems(pub Vec<Problem>);

impl std::error::Error for Problems {}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<String> = self.0.iter().map(ToString::to_string).collect();
        f.write_str(&lines.join("\n"))
    }
}

/// The settings in force, and where each comes from.
#[derive(Debug, Clone, PartialEq)]
pub struct Effective {
    /// The settings.
    pub config: Config,
    /// The configuration file that was read, if there is one.
    pub file: Option<PathBuf>,
    origins: BTreeMap<&'static str, Origin>,
}

impl Effective {
    /// Where a setting comes from, by its name in the file.
    pub fn origin(&self, name: &str) -> Origin {
        self.origins.get(name).cloned().unwrap_or(Origin::Default)
    }
}

/// What the settings are made from, besides the file.
#[derive(Clone, Copy)]
pub struct Inputs<'a> {
    /// `--store` and `--config`.
    pub places: &'a PlaceArgs,
    /// The screen's flags, of the commands that have a screen.
    pub screen: Option<&'a ScreenArgs>,
    /// The environment.
    pub env: Env<'a>,
    /// The panes there are.
    pub panes: &'a [&'a str],
}

/// Names the configuration file.
const CONFIG_VARIABLE: &str = "LLMTOP_CONFIG";

/// The imported price table, beside the configuration file.
const PRICE_TABLE: &str = "prices.jsonl";

/// The configuration file to read: `--config`, else `LLMTOP_CONFIG`, else the default one.
///
/// # Errors
/// Where nothing says where things live.
pub fn chosen_file(places: &PlaceArgs, env: Env<'_>) -> Result<PathBuf, NoHome> {
    let named = places.config.clone().or_else(|| env(CONFIG_VARIABLE).filter(|v| !v.is_empty()).map(PathBuf::from));
    named.map_or_else(|| config_file(env), Ok)
}

/// Reads the configuration file, if there is one, and puts all layers together.
///
/// # Errors
/// All that is wrong, at once.
pub fn load(inputs: Inputs<'_>) -> Result<Effective, Problems> {
    let path = match chosen_file(inputs.places, inputs.env) {
        Ok(path) => path,
        // Without a home there is no file, and everything may still be given by flags.
        Err(_) => return resolve(None, inputs),
    };
    match std::fs::read_to_string(&path) {
        Ok(text) => resolve(Some((&path, &text)), inputs),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound && config_file(inputs.env).as_ref() == Ok(&path) => {
            resolve(None, inputs)
        }
        Err(source) => Err(Problems(vec![Problem::Unreadable { path, source }])),
    }
}

/// What to say of environment variables that look like settings and are none.
pub fn strangers(variables: impl IntoIterator<Item = OsString>) -> Vec<String> {
    let known: Vec<String> = KEYS.iter().map(Key::variable).chain([CONFIG_VARIABLE.to_owned()]).collect();
    let names = variables.into_iter().map(|name| name.to_string_lossy().into_owned());
    let strange = names.filter(|name| name.starts_with("LLMTOP_") && !known.contains(name));
    let tell = |name: String| {
        let near = did_you_mean(&name, known.iter().map(String::as_str));
        format!("{name}: no such setting{near}")
    };
    strange.map(tell).collect()
}

/// Puts all layers together: pure.
///
/// # Errors
/// All that is wrong, at once.
pub fn resolve(file: Option<(&Path, &str)>, inputs: Inputs<'_>) -> Result<Effective, Problems> {
    let mut layers = Layers {
        config: Config {
            store: default_store(inputs.env).ok(),
            price_table: chosen_file(inputs.places, inputs.env).ok().map(|path| path.with_file_name(PRICE_TABLE)),
            ..Config::default()
        },
        origins: BTreeMap::new(),
        problems: Vec::new(),
        scope: Scope { env: inputs.env, panes: inputs.panes },
    };
    layers.file(file);
    layers.environment();
    layers.places(inputs.places);
    inputs.screen.into_iter().for_each(|screen| layers.screen(screen));
    layers.alerts(file.map(|(path, _)| path));
    if !layers.problems.is_empty() {
        return Err(Problems(layers.problems));
    }
    let file = file.map(|(path, _)| path.to_owned());
    Ok(Effective { config: layers.config, file, origins: layers.origins })
}

/// Layers as they are put one over the other.
struct Layers<'a> {
    config: Config,
    origins: BTreeMap<&'static str, Origin>,
    problems: Vec<Problem>,
    scope: Scope<'a>,
}

impl Layers<'_> {
    fn set(&mut self, key: &'static Key, text: &str, origin: Origin) {
        match (key.set)(&mut self.config, text, self.scope) {
            Ok(()) => self.came(key.name, origin),
            Err(why) => {
                let why = format!("{}: {why}; write {}", key.name, key.allowed);
                self.problems.push(Problem::Setting { origin, why });
            }
        }
    }

    fn came(&mut self, name: &'static str, origin: Origin) {
        self.origins.insert(name, origin);
    }

    fn file(&mut self, file: Option<(&Path, &str)>) {
        let Some((path, text)) = file else { return };
        let (entries, faults) = file::read(text, &mut self.config);
        let at = |line| Origin::File(path.to_owned(), line);
        for fault in faults {
            self.problems.push(Problem::Setting { origin: at(fault.line), why: fault.why });
        }
        for entry in entries {
            self.set(entry.key, &entry.value, at(entry.line));
        }
    }

    /// Whom an alert tells may be said by the file or the environment: whether somebody is there is known when both are read.
    fn alerts(&mut self, file: Option<&Path>) {
        let (settings, path) = (&self.config.alerts, file.unwrap_or(Path::new("")));
        let found = alerts::unheard(settings).into_iter().map(|(line, why)| {
            let file = |line| Origin::File(path.to_owned(), line);
            let all = || self.origins.get("alerts.notify").cloned().unwrap_or(Origin::Default);
            Problem::Setting { origin: line.map_or_else(all, file), why }
        });
        self.problems.extend(found);
    }

    fn environment(&mut self) {
        let env = self.scope.env;
        // Any value asks for no colour, but an empty one: no-color.org.
        if let (Some(mono), true) = (key("theme"), env("NO_COLOR").is_some_and(|value| !value.is_empty())) {
            self.set(mono, Theme::Mono.word(), Origin::Variable("NO_COLOR".to_owned()));
        }
        for key in &KEYS {
            let variable = key.variable();
            let Some(value) = env(&variable).filter(|value| !value.is_empty()) else { continue };
            match value.to_str() {
                Some(text) => self.set(key, text, Origin::Variable(variable)),
                None => {
                    let why = "is not valid UTF-8".to_owned();
                    self.problems.push(Problem::Setting { origin: Origin::Variable(variable), why });
                }
            }
        }
    }

    fn places(&mut self, places: &PlaceArgs) {
        if let Some(store) = &places.store {
            self.config.store = Some(store.clone());
            self.came("store", Origin::Flag("--store"));
        }
    }

    fn screen(&mut self, screen: &ScreenArgs) {
        if let Some(name) = &screen.pane {
            let origin = Origin::Flag("--pane");
            match pane(name, self.scope.panes) {
                Ok(pane) => {
                    self.config.pane = pane;
                    self.came("pane", origin);
                }
                Err(why) => self.problems.push(Problem::Setting { origin, why }),
            }
        }
        if let Some(window) = screen.window {
            self.config.window = window;
            self.came("window", Origin::Flag("--window"));
        }
        if let Some(filter) = &screen.filter {
            self.config.filter = filter.clone();
            self.came("filter", Origin::Flag("--filter"));
        }
        if let Some(theme) = screen.theme {
            self.config.theme = theme;
            self.came("theme", Origin::Flag("--theme"));
        }
        if screen.utc {
            self.config.utc = true;
            self.came("utc", Origin::Flag("--utc"));
        }
        if screen.mouse {
            self.config.mouse = true;
            self.came("mouse", Origin::Flag("--mouse"));
        }
    }
}

#[cfg(test)]
mod tests;

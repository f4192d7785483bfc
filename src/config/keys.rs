//! The settings: one entry each, with its name, meaning, default and what is allowed. A new setting is one entry here and
//! one field of `Config`.

use super::paths::{Env, expand_home};
use super::{Config, Theme, alerts, prices};
use crate::alert::Address;
use crate::nearest::did_you_mean;
use crate::price::CostSource;
use crate::units;
use crate::view::{Anchor, Filter, Window};
use std::path::Path;

/// What a value is in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A string.
    Text,
    /// `true` or `false`.
    Switch,
    /// A string, or a whole number.
    Amount,
    /// A list of strings; in a variable they stand between commas.
    Names,
}

/// What the setting of a value may look at besides the value.
#[derive(Clone, Copy)]
pub(super) struct Scope<'a> {
    /// The environment, for `~`.
    pub env: Env<'a>,
    /// The panes there are.
    pub panes: &'a [&'a str],
}

/// A setting.
pub(super) struct Key {
    /// Its name in the file, with a dot after the table's name.
    pub name: &'static str,
    /// What it is in the file.
    pub kind: Kind,
    /// What it does, for people.
    pub about: &'static str,
    /// What is allowed, for messages.
    pub allowed: &'static str,
    /// Sets it; what is wrong with the text otherwise.
    pub set: fn(&mut Config, &str, Scope<'_>) -> Result<(), String>,
    /// Its value, as it is typed.
    pub get: fn(&Config) -> String,
}

impl Key {
    /// The environment variable that sets it: `retention.text` is `LLMTOP_RETENTION_TEXT`.
    pub fn variable(&self) -> String {
        format!("LLMTOP_{}", self.name.replace('.', "_").to_ascii_uppercase())
    }
}

/// The setting of this name.
pub(super) fn key(name: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.name == name)
}

/// All settings, in the order of the file.
pub(super) static KEYS: [Key; 21] = [
    Key {
        name: "store",
        kind: Kind::Text,
        about: "The store of `llmtop`, `ingest`, `report`, `query`, `export` and `store`.",
        allowed: "an absolute path, or one that begins with ~/",
        set: |config, text, scope| {
            let path = expand_home(text, scope.env);
            if path.as_os_str().is_empty() {
                return Err("empty".to_owned());
            }
            config.store = Some(path);
            Ok(())
        },
        get: |config| config.store.as_deref().map_or_else(String::new, |path| path.display().to_string()),
    },
    Key {
        name: "theme",
        kind: Kind::Text,
        about: "Colours; `mono` uses none.",
        allowed: "auto, dark, light or mono",
        set: |config, text, _| put(&mut config.theme, theme(text)),
        get: |config| config.theme.word().to_owned(),
    },
    Key {
        name: "window",
        kind: Kind::Text,
        about: "The window of time the screen and the report start with.",
        allowed: "a length such as 15m, 1h or 7d, all, or FROM..TO",
        set: |config, text, _| put(&mut config.window, Window::parse(text, Anchor::Auto).map_err(|e| e.why.to_owned())),
        get: |config| config.window.to_string(),
    },
    Key {
        name: "pane",
        kind: Kind::Text,
        about: "The pane the screen starts with.",
        allowed: "the name of a pane",
        set: |config, text, scope| put(&mut config.pane, pane(text, scope.panes)),
        get: |config| config.pane.clone(),
    },
    Key {
        name: "filter",
        kind: Kind::Text,
        about: "The filter the screen starts with.",
        allowed: "a filter such as env:prod -user:test*",
        set: |config, text, _| {
            put(&mut config.filter, Filter::parse(text).map_err(|e| format!("column {}: {}", e.column, e.why)))
        },
        get: |config| config.filter.to_string(),
    },
    Key {
        name: "utc",
        kind: Kind::Switch,
        about: "Show times in UTC instead of local time.",
        allowed: "true or false",
        set: |config, text, _| put(&mut config.utc, switch(text)),
        get: |config| config.utc.to_string(),
    },
    Key {
        name: "mask",
        kind: Kind::Switch,
        about: "Hide the text of prompts and answers until asked for with `m`.",
        allowed: "true or false",
        set: |config, text, _| put(&mut config.mask, switch(text)),
        get: |config| config.mask.to_string(),
    },
    Key {
        name: "mouse",
        kind: Kind::Switch,
        about: "React to the mouse; selecting text then needs Shift in most terminals.",
        allowed: "true or false",
        set: |config, text, _| put(&mut config.mouse, switch(text)),
        get: |config| config.mouse.to_string(),
    },
    Key {
        name: "retention.text",
        kind: Kind::Text,
        about: "How long prompts and answers are kept, counted from the time of the call.",
        allowed: "a length such as 30d, or forever",
        set: |config, text, _| put(&mut config.retention.text_us, age(text)),
        get: |config| age_text(config.retention.text_us),
    },
    Key {
        name: "retention.rows",
        kind: Kind::Text,
        about: "How long single calls are kept; totals over time stay.",
        allowed: "a length such as 90d, or forever",
        set: |config, text, _| put(&mut config.retention.rows_us, age(text)),
        get: |config| age_text(config.retention.rows_us),
    },
    Key {
        name: "retention.size",
        kind: Kind::Amount,
        about: "How big the store may grow; the oldest text goes first, then the oldest calls.",
        allowed: "a size such as 20GB, at least 1MB, or unlimited",
        set: |config, text, _| put(&mut config.retention.size, store_size(text)),
        get: |config| size_text(config.retention.size),
    },
    Key {
        name: "cost.source",
        kind: Kind::Text,
        about: "Which cost of a call counts: what its producer reports, or what its tokens cost by the price table.",
        allowed: "reported, computed or reported-then-computed",
        set: |config, text, _| put(&mut config.pricing.rule, cost_source(text)),
        get: |config| config.pricing.rule.word().to_owned(),
    },
    Key {
        name: "cost.gateways",
        kind: Kind::Names,
        about: "Providers that only pass calls on, besides LiteLLM, Portkey and the like: models cost there what their makers ask.",
        allowed: "a list of names such as [\"my-gateway\"]",
        set: |config, text, _| put(&mut config.pricing.gateways, prices::gateways(text)),
        get: |config| config.pricing.gateways.join(", "),
    },
    Key {
        name: "cache.max_size",
        kind: Kind::Amount,
        about: "How big the private stores of `llmtop FILE` may grow together; those unused longest go first.",
        allowed: "a size such as 10GB, or unlimited",
        set: |config, text, _| put(&mut config.cache.max_size, size(text)),
        get: |config| size_text(config.cache.max_size),
    },
    Key {
        name: "cache.max_age",
        kind: Kind::Text,
        about: "How long a private store is kept after its last use.",
        allowed: "a length such as 30d, or forever",
        set: |config, text, _| put(&mut config.cache.max_age_us, age(text)),
        get: |config| age_text(config.cache.max_age_us),
    },
    Key {
        name: "alerts.notify",
        kind: Kind::Text,
        about: "How to tell of alerts that do not say so themselves, and of budgets; if empty: screen, bell, and all that is below.",
        allowed: "some of screen, bell, desktop, command, webhook, file",
        set: |config, text, _| put(&mut config.alerts.notify, alerts::channels(text)),
        get: |config| config.alerts.notify.iter().flatten().map(|c| c.word()).collect::<Vec<_>>().join(", "),
    },
    Key {
        name: "alerts.command",
        kind: Kind::Text,
        about: "The program that gets an alert as JSON on its standard input, and its arguments; no shell is between.",
        allowed: "a program and its arguments, such as /usr/local/bin/page oncall",
        set: |config, text, _| {
            config.alerts.targets.command = text.split_whitespace().map(str::to_owned).collect();
            Ok(())
        },
        get: |config| config.alerts.targets.command.join(" "),
    },
    Key {
        name: "alerts.webhook",
        kind: Kind::Text,
        about: "The address that an alert is posted to; `config show` shows its host alone.",
        allowed: "an address such as https://hooks.example.org/llm",
        set: |config, text, _| put(&mut config.alerts.targets.webhook, unless_empty(text, alerts::address)),
        get: |config| {
            let shown = |to: &Address| format!("{}://{}/…", to.scheme(), to.host());
            config.alerts.targets.webhook.as_ref().map_or_else(String::new, shown)
        },
    },
    Key {
        name: "alerts.webhook_format",
        kind: Kind::Text,
        about: "What it is sent; if empty, what suits the address.",
        allowed: "plain or slack",
        set: |config, text, _| put(&mut config.alerts.targets.format, unless_empty(text, alerts::format)),
        get: |config| config.alerts.targets.format.map_or_else(String::new, |format| format.word().to_owned()),
    },
    Key {
        name: "alerts.file",
        kind: Kind::Text,
        about: "The file that alerts are appended to, as events `llm_alert`.",
        allowed: "an absolute path, or one that begins with ~/",
        set: |config, text, scope| {
            let path = unless_empty(text, alerts::path)?;
            config.alerts.targets.file = path.map(|path| expand_home(&path, scope.env));
            Ok(())
        },
        get: |config| config.alerts.targets.file.as_deref().map_or_else(String::new, |path| path.display().to_string()),
    },
    Key {
        name: "alerts.quiet",
        kind: Kind::Text,
        about: "Of an alert that comes and goes, others than the screen hear at most once in this time.",
        allowed: "a length such as 5m",
        set: |config, text, _| put(&mut config.alerts.quiet_us, alerts::length(text)),
        get: |config| units::exact_duration(config.alerts.quiet_us),
    },
];

/// What is empty is as if it was not there.
fn unless_empty<T>(text: &str, read: impl FnOnce(&str) -> Result<T, String>) -> Result<Option<T>, String> {
    if text.is_empty() { Ok(None) } else { read(text).map(Some) }
}

fn put<T>(slot: &mut T, value: Result<T, String>) -> Result<(), String> {
    *slot = value?;
    Ok(())
}

fn theme(text: &str) -> Result<Theme, String> {
    let all = [Theme::Auto, Theme::Dark, Theme::Light, Theme::Mono];
    let near = || format!("no theme {text:?}{}", did_you_mean(text, all.map(Theme::word)));
    all.into_iter().find(|theme| theme.word().eq_ignore_ascii_case(text)).ok_or_else(near)
}

fn cost_source(text: &str) -> Result<CostSource, String> {
    let near = || format!("no source {text:?}{}", did_you_mean(text, CostSource::ALL.map(CostSource::word)));
    CostSource::ALL.into_iter().find(|source| source.word().eq_ignore_ascii_case(text)).ok_or_else(near)
}

pub(super) fn pane(text: &str, panes: &[&str]) -> Result<String, String> {
    let near =
        || format!("no pane {text:?}{}; there are {}", did_you_mean(text, panes.iter().copied()), panes.join(", "));
    panes.iter().find(|pane| pane.eq_ignore_ascii_case(text)).map(|pane| (*pane).to_owned()).ok_or_else(near)
}

fn switch(text: &str) -> Result<bool, String> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" | "on" => Ok(true),
        "false" | "0" | "no" | "off" => Ok(false),
        _ => Err(format!("{text:?} is neither true nor false")),
    }
}

fn age(text: &str) -> Result<Option<i64>, String> {
    if text.eq_ignore_ascii_case("forever") {
        return Ok(None);
    }
    let length = units::parse_duration_us(text).filter(|us| *us > 0);
    length.map(Some).ok_or_else(|| format!("{text:?} is no length of time"))
}

fn age_text(us: Option<i64>) -> String {
    us.map_or_else(|| "forever".to_owned(), units::exact_duration)
}

fn size(text: &str) -> Result<Option<u64>, String> {
    if text.eq_ignore_ascii_case("unlimited") {
        return Ok(None);
    }
    let bytes = units::parse_bytes(text).filter(|bytes| *bytes > 0);
    bytes.map(Some).ok_or_else(|| format!("{text:?} is no size"))
}

/// The least a store may be held to: what is smaller was meant in another unit, and would delete nearly everything.
const LEAST_STORE: u64 = 1_000_000;

fn store_size(text: &str) -> Result<Option<u64>, String> {
    match size(text)? {
        Some(bytes) if bytes < LEAST_STORE => Err(format!("{text:?} is less than 1MB; is a unit missing, as in 20GB?")),
        size => Ok(size),
    }
}

fn size_text(bytes: Option<u64>) -> String {
    bytes.map_or_else(|| "unlimited".to_owned(), units::exact_bytes)
}

/// Whether a path in the file means the same from everywhere.
pub(super) fn is_placed(text: &str) -> bool {
    Path::new(text).is_absolute() || text == "~" || text.starts_with("~/")
}

//! The configuration file: TOML text to settings with their lines. Unknown names and wrong types are told, each with its
//! line, all of them at once.

use super::Config;
use super::keys::{KEYS, Key, Kind, is_placed, key};
use super::lists::{self, LISTS};
use crate::nearest::did_you_mean;
use toml::de::{DeTable, DeValue};

/// A value the file gives a setting.
pub(super) struct Entry {
    /// The setting.
    pub key: &'static Key,
    /// Its value as text.
    pub value: String,
    /// Its line, from 1.
    pub line: usize,
}

/// A fault at a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    /// Its line, from 1.
    pub line: usize,
    /// What is wrong and what would be right.
    pub why: String,
}

/// Reads the text of a file: what it sets, and what is wrong with it. Its lists go into the configuration.
pub(super) fn read(text: &str, config: &mut Config) -> (Vec<Entry>, Vec<Fault>) {
    let mut reading = Reading { text, config, entries: Vec::new(), faults: Vec::new() };
    match DeTable::parse(text) {
        Ok(table) => {
            reading.table("", table.get_ref());
            reading.lists(table.get_ref());
        }
        Err(error) => {
            let at = error.span().map_or(0, |span| span.start);
            reading.fault(at, error.message().replace('\n', "; "));
        }
    }
    // The parser hands tables over in the order of their names; people read files in the order of their lines.
    reading.entries.sort_by_key(|entry| entry.line);
    reading.faults.sort_by_key(|fault| fault.line);
    (reading.entries, reading.faults)
}

struct Reading<'a> {
    text: &'a str,
    config: &'a mut Config,
    entries: Vec<Entry>,
    faults: Vec<Fault>,
}

impl Reading<'_> {
    fn line(&self, at: usize) -> usize {
        self.text.as_bytes().iter().take(at).filter(|b| **b == b'\n').count() + 1
    }

    fn fault(&mut self, at: usize, why: String) {
        let line = self.line(at);
        self.faults.push(Fault { line, why });
    }

    fn table(&mut self, prefix: &str, table: &DeTable<'_>) {
        for (name, value) in table {
            let full = format!("{prefix}{}", name.get_ref());
            let at = name.span().start;
            if LISTS.iter().any(|list| list.name == full) {
                continue;
            }
            match (key(&full), value.get_ref()) {
                (Some(key), value) => self.entry(key, value, at),
                (None, DeValue::Table(inner)) if KEYS.iter().any(|key| key.name.starts_with(&format!("{full}."))) => {
                    self.table(&format!("{full}."), inner);
                }
                (None, _) => self.fault(at, unknown(&full)),
            }
        }
    }

    fn lists(&mut self, table: &DeTable<'_>) {
        for list in &LISTS {
            if let Some((_, value)) = table.iter().find(|(name, _)| name.get_ref() == list.name) {
                self.faults.extend(lists::read(list, self.text, value, self.config));
            }
        }
    }

    fn entry(&mut self, key: &'static Key, value: &DeValue<'_>, at: usize) {
        let text = match (key.kind, value) {
            (Kind::Text | Kind::Amount, DeValue::String(text)) => text.to_string(),
            (Kind::Switch, DeValue::Boolean(on)) => on.to_string(),
            (Kind::Amount, DeValue::Integer(number)) if number.radix() == 10 => number.as_str().to_owned(),
            (Kind::Names, DeValue::Array(list)) if list.iter().all(|name| name.get_ref().is_str()) => {
                list.iter().filter_map(|name| name.get_ref().as_str()).collect::<Vec<_>>().join(",")
            }
            (kind, value) => {
                let want = if matches!(kind, Kind::Switch | Kind::Names) { "" } else { "in quotes: " };
                let why = format!("{} cannot be {}; write {want}{}", key.name, article(value.type_str()), key.allowed);
                return self.fault(at, why);
            }
        };
        if key.name == "store" && !is_placed(&text) {
            return self
                .fault(at, format!("store = {text:?} means another file in every folder; write {}", key.allowed));
        }
        let line = self.line(at);
        self.entries.push(Entry { key, value: text, line });
    }
}

pub(super) fn article(kind: &str) -> String {
    let vowel = kind.starts_with(['a', 'e', 'i', 'o', 'u']);
    format!("{} {kind}", if vowel { "an" } else { "a" })
}

fn unknown(name: &str) -> String {
    // A setting written without its table's name is the commonest slip.
    let last = name.rsplit('.').next().unwrap_or(name);
    let inside = KEYS.iter().find(|key| key.name.ends_with(&format!(".{last}"))).map(|key| key.name);
    let near = match inside {
        Some(inside) => format!("; did you mean {inside}?"),
        None => did_you_mean(name, KEYS.iter().map(|key| key.name).chain(LISTS.iter().map(|list| list.name))),
    };
    if near.is_empty() {
        let names: Vec<&str> = KEYS.iter().map(|key| key.name).chain(LISTS.iter().map(|list| list.name)).collect();
        return format!("no setting {name:?}; there are {}", names.join(", "));
    }
    format!("no setting {name:?}{near}")
}

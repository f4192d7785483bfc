//! The sections of the configuration file, `[[budget]]`, `[upstream.NAME]` and their like: one entry in [`LISTS`] for each
//! kind, which reads them field by field. What is wrong is told with its line, all of it at once.

use super::Config;
use super::file::{Fault, article};
use crate::nearest::did_you_mean;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// A kind of section.
pub(super) struct List {
    /// Its name between the brackets.
    pub name: &'static str,
    /// How many there may be, and how they are told apart.
    pub shape: Shape,
    /// Reads a section into the configuration.
    pub read: fn(&mut Section<'_>, &mut Config),
}

/// How many sections of a kind there may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// Any number, `[[name]]`.
    List,
    /// Any number by name, `[name.NAME]`.
    Named,
    /// One, `[name]`.
    One,
}

impl List {
    /// The section between its brackets.
    pub fn written(&self, title: &str) -> String {
        match self.shape {
            Shape::List => format!("[[{}]]", self.name),
            Shape::Named => format!("[{}.{title}]", self.name),
            Shape::One => format!("[{}]", self.name),
        }
    }
}

/// All kinds, in the order they are read in whatever their order in the file: an alert may name a budget.
pub(super) static LISTS: [List; 10] = [
    List { name: "budget", shape: Shape::List, read: super::budgets::read },
    List { name: "price", shape: Shape::List, read: super::prices::price },
    List { name: "uplift", shape: Shape::List, read: super::prices::uplift },
    List { name: "alert", shape: Shape::List, read: super::alerts::read },
    List { name: "proxy", shape: Shape::One, read: super::proxy::proxy },
    List { name: "upstream", shape: Shape::Named, read: super::proxy::upstream },
    List { name: "client", shape: Shape::Named, read: super::proxy::client },
    List { name: "judge", shape: Shape::One, read: super::judge::read },
    List { name: "fallback", shape: Shape::List, read: super::proxy::fallback },
    List { name: "experiment", shape: Shape::Named, read: super::experiments::read },
];

/// One section while it is read. Every field that exists has to be asked for; [`Section::finish`] tells of the others.
pub(super) struct Section<'a> {
    list: &'static List,
    /// Its own name, of a kind that is told apart by names.
    title: String,
    text: &'a str,
    at: usize,
    table: &'a DeTable<'a>,
    known: Vec<&'static str>,
    faults: Vec<Fault>,
}

/// Reads the sections of one kind: what is wrong with them.
pub(super) fn read(list: &'static List, text: &str, value: &Spanned<DeValue<'_>>, config: &mut Config) -> Vec<Fault> {
    let sections: Vec<(String, &Spanned<DeValue<'_>>)> = match (list.shape, value.get_ref()) {
        (Shape::List, DeValue::Array(sections)) => sections.iter().map(|section| (String::new(), section)).collect(),
        (Shape::Named, DeValue::Table(named)) => {
            named.iter().map(|(name, section)| (name.get_ref().to_string(), section)).collect()
        }
        _ => vec![(String::new(), value)],
    };
    let mut faults = Vec::new();
    for (title, section) in sections {
        let at = section.span().start;
        match section.get_ref() {
            DeValue::Table(table) => {
                let mut section = Section { list, title, text, at, table, known: Vec::new(), faults: Vec::new() };
                (list.read)(&mut section, config);
                faults.extend(section.finish());
            }
            other => {
                let title = if title.is_empty() { "NAME" } else { &title };
                let why =
                    format!("{} cannot be {}; write {}", list.name, article(other.type_str()), list.written(title));
                faults.push(Fault { line: line(text, at), why });
            }
        }
    }
    faults
}

fn line(text: &str, at: usize) -> usize {
    text.as_bytes().iter().take(at).filter(|b| **b == b'\n').count() + 1
}

impl<'a> Section<'a> {
    /// Its own name, of a kind that is told apart by names.
    pub fn title(&self) -> &str {
        &self.title
    }

    fn path(&self) -> String {
        if self.title.is_empty() { self.list.name.to_owned() } else { format!("{}.{}", self.list.name, self.title) }
    }

    /// Its line, from 1.
    pub fn line(&self) -> usize {
        line(self.text, self.at)
    }

    /// Tells that the section as a whole is wrong.
    pub fn fault(&mut self, why: impl Into<String>) {
        let why = format!("{}: {}", self.list.written(&self.title), why.into());
        self.faults.push(Fault { line: self.line(), why });
    }

    /// Tells that a field is wrong.
    pub fn fault_at(&mut self, name: &'static str, why: &str) {
        let at = self.find(name).map_or(self.at, |(_, at)| at);
        self.push(at, name, why);
    }

    fn push(&mut self, at: usize, name: &str, why: &str) {
        self.faults.push(Fault { line: line(self.text, at), why: format!("{}.{name}: {why}", self.path()) });
    }

    fn find(&self, name: &str) -> Option<(&'a DeValue<'a>, usize)> {
        let (key, value) = self.table.iter().find(|(key, _)| key.get_ref() == name)?;
        Some((value.get_ref(), key.span().start))
    }

    /// Whether a field is given.
    pub fn has(&self, name: &str) -> bool {
        self.find(name).is_some()
    }

    /// A field, if it is there.
    fn take(&mut self, name: &'static str) -> Option<(&'a DeValue<'a>, usize)> {
        self.known.push(name);
        self.find(name)
    }

    /// A string, or a number as it is written, read by `parse`; `allowed` says what to write instead of what does not read.
    pub fn read<T>(
        &mut self,
        name: &'static str,
        allowed: &str,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        let (value, at) = self.take(name)?;
        let read = match scalar(value) {
            Some(text) => parse(&text),
            None => Err(format!("cannot be {}", article(value.type_str()))),
        };
        read.map_err(|why| self.push(at, name, &format!("{why}; write {allowed}"))).ok()
    }

    /// The same for a field that has to be there.
    pub fn need<T>(
        &mut self,
        name: &'static str,
        allowed: &str,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        if self.find(name).is_none() {
            self.known.push(name);
            self.fault(format!("{name} is missing; write {allowed}"));
            return None;
        }
        self.read(name, allowed, parse)
    }

    /// A list of strings or numbers, each read by `parse`.
    pub fn each<T>(
        &mut self,
        name: &'static str,
        allowed: &str,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Option<Vec<T>> {
        let (value, at) = self.take(name)?;
        let items: Vec<&DeValue<'_>> = match value {
            DeValue::Array(items) => items.iter().map(Spanned::get_ref).collect(),
            one => vec![one],
        };
        let read = items.into_iter().map(|item| match scalar(item) {
            Some(text) => parse(&text),
            None => Err(format!("cannot hold {}", article(item.type_str()))),
        });
        let read: Result<Vec<T>, String> = read.collect();
        read.map_err(|why| self.push(at, name, &format!("{why}; write {allowed}"))).ok()
    }

    /// A table of strings or numbers, each read by `parse` with its name.
    pub fn pairs<T>(
        &mut self,
        name: &'static str,
        allowed: &str,
        parse: impl Fn(&str, &str) -> Result<T, String>,
    ) -> Option<Vec<T>> {
        let (value, at) = self.take(name)?;
        let read = match value {
            DeValue::Table(table) => table
                .iter()
                .map(|(key, value)| match scalar(value.get_ref()) {
                    Some(text) => parse(key.get_ref(), &text),
                    None => Err(format!("cannot hold {}", article(value.get_ref().type_str()))),
                })
                .collect(),
            other => Err(format!("cannot be {}", article(other.type_str()))),
        };
        read.map_err(|why| self.push(at, name, &format!("{why}; write {allowed}"))).ok()
    }

    /// What is wrong with it, fields of other names among them.
    fn finish(mut self) -> Vec<Fault> {
        let strangers = self.table.keys().filter(|key| !self.known.contains(&key.get_ref().as_ref()));
        for (name, at) in strangers.map(|key| (key.get_ref().to_string(), key.span().start)).collect::<Vec<_>>() {
            let near = did_you_mean(&name, self.known.iter().copied());
            let near = if near.is_empty() { format!("; there are {}", self.known.join(", ")) } else { near };
            let why = format!("{} has no {name:?}{near}", self.list.written(&self.title));
            self.faults.push(Fault { line: line(self.text, at), why });
        }
        self.faults
    }
}

/// A string, a number, a date or a switch as it is written.
fn scalar(value: &DeValue<'_>) -> Option<String> {
    match value {
        DeValue::String(text) => Some(text.to_string()),
        DeValue::Integer(number) if number.radix() == 10 => Some(number.as_str().to_owned()),
        DeValue::Float(number) => Some(number.as_str().to_owned()),
        DeValue::Datetime(time) => Some(time.to_string()),
        DeValue::Boolean(on) => Some(on.to_string()),
        _ => None,
    }
}

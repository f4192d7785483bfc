//! Tables of prices, with an index of all names, and how one lies over another.

use super::entry::Entry;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// Prices of many models.
#[derive(Debug, Clone, Default)]
pub struct Table {
    groups: Vec<Vec<Arc<Entry>>>,
    /// By provider and name.
    full: HashMap<Box<str>, usize>,
    /// By name, of those whose name alone says which they are.
    /// `None` where several providers have one of that name.
    bare: HashMap<Box<str>, Option<usize>>,
    aliases: HashMap<Box<str>, usize>,
    providers: HashSet<Box<str>>,
}

impl Table {
    /// A table of these entries; of several of one model, those that begin later go on from the earlier ones.
    pub fn of(entries: impl IntoIterator<Item = Entry>) -> Table {
        let mut table = Table::default();
        for entry in entries {
            table.add(Arc::new(entry));
        }
        table.groups.iter_mut().for_each(|group| group.sort_by_key(|entry| entry.from_us));
        table
    }

    fn add(&mut self, entry: Arc<Entry>) {
        let full = entry.full_name();
        let at = *self.full.entry(full.into()).or_insert(self.groups.len());
        if at == self.groups.len() {
            self.groups.push(Vec::new());
        }
        if entry.bare_name() == &*entry.model {
            let known = self.bare.entry(entry.model.clone()).or_insert(Some(at));
            *known = known.filter(|known| *known == at);
        }
        for alias in &entry.aliases {
            self.aliases.entry(alias.clone()).or_insert(at);
        }
        if let Some(provider) = &entry.provider {
            self.providers.insert(provider.clone());
        }
        self.groups[at].push(entry);
    }

    /// The prices of a model by its provider and name, the earliest first.
    pub fn full(&self, name: &str) -> Option<&[Arc<Entry>]> {
        self.full.get(name).map(|at| &*self.groups[*at])
    }

    /// The prices of the model that a name alone means.
    pub fn bare(&self, name: &str) -> Option<&[Arc<Entry>]> {
        self.bare.get(name).copied().flatten().map(|at| &*self.groups[at])
    }

    /// The prices of the model that an alias means.
    pub fn alias(&self, name: &str) -> Option<&[Arc<Entry>]> {
        self.aliases.get(name).map(|at| &*self.groups[*at])
    }

    /// Whether it has models of a provider.
    pub fn has_provider(&self, provider: &str) -> bool {
        self.providers.contains(provider)
    }

    /// The prices of every model over time, in the order of the file.
    pub fn groups(&self) -> impl Iterator<Item = &[Arc<Entry>]> {
        self.groups.iter().map(|group| &**group)
    }

    /// This table with another one over it: from the date on that an entry of the other begins, it holds instead, but for
    /// what this table has learnt since the other was written.
    #[must_use]
    pub fn under(&self, over: &Table) -> Table {
        let mut table = self.clone();
        for group in over.groups() {
            for entry in group {
                table.lay(entry);
            }
        }
        table
    }

    fn lay(&mut self, entry: &Arc<Entry>) {
        let known = self.full(&entry.full_name()).map(<[_]>::to_vec).unwrap_or_default();
        let newer = |other: &Arc<Entry>| other.source.date_us > entry.source.date_us;
        self.add(Arc::clone(entry));
        let Some(at) = self.full.get(&*entry.full_name()).copied() else { return };
        let mut group: Vec<_> =
            known.iter().filter(|other| newer(other) || other.from_us < entry.from_us).map(Arc::clone).collect();
        let since = known.iter().rfind(|other| newer(other) && other.from_us <= entry.from_us);
        let again = since.map(|other| {
            let mut other = Entry::clone(other);
            other.from_us = other.source.date_us;
            Arc::new(other)
        });
        group.push(Arc::clone(entry));
        group.extend(again);
        group.sort_by_key(|entry| entry.from_us);
        self.groups[at] = group;
    }
}

#[cfg(test)]
#[path = "table/tests.rs"]
mod tests;

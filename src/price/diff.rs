//! How one table of prices differs from another.

use super::entry::{Entry, Service};
use super::own::Book;
use super::rate::{Bucket, Rate};
use super::table::Table;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// Where a rate stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The service tier.
    pub service: Service,
    /// Of prompts of more than so many tokens.
    pub above: Option<u64>,
    /// What it is for.
    pub bucket: Bucket,
}

/// `batch input above 200000`
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.service != Service::Standard {
            write!(f, "{} ", self.service.word())?;
        }
        f.write_str(self.bucket.name())?;
        self.above.map_or(Ok(()), |above| write!(f, " above {above}"))
    }
}

/// A rate that is another one now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Which.
    pub place: Place,
    /// What it was; `None` was unknown.
    pub before: Option<Rate>,
    /// What it is; `None` is unknown.
    pub after: Option<Rate>,
}

/// A model whose prices differ.
#[derive(Debug, Clone, PartialEq)]
pub struct PriceChange {
    /// What was in force; `None` where it was not known.
    pub before: Option<Arc<Entry>>,
    /// What the other table says.
    pub after: Entry,
}

impl PriceChange {
    /// Its rates that are others, in the order of service tiers, sizes and buckets.
    pub fn differences(&self) -> Vec<Difference> {
        let before = self.before.as_deref().map(rates).unwrap_or_default();
        let after = rates(&self.after);
        let mut all: Vec<_> = before.keys().chain(after.keys()).copied().collect();
        all.sort_unstable();
        all.dedup();
        let differ = |key: (usize, Option<u64>, usize)| {
            let (before, after) = (before.get(&key).copied(), after.get(&key).copied());
            let place = Place { service: Service::ALL[key.0], above: key.1, bucket: Bucket::ALL[key.2] };
            (before != after).then_some(Difference { place, before, after })
        };
        all.into_iter().filter_map(differ).collect()
    }
}

/// All rates of an entry by their places.
fn rates(entry: &Entry) -> BTreeMap<(usize, Option<u64>, usize), Rate> {
    let schemes = Service::ALL.into_iter().filter_map(|service| Some((service, entry.scheme(service)?)));
    schemes
        .flat_map(|(service, scheme)| {
            let tiers = scheme.tiers.iter().map(|tier| (Some(tier.above), &tier.rates));
            let sizes = std::iter::once((None, &scheme.rates)).chain(tiers);
            sizes.flat_map(move |(above, rates)| {
                rates.known().map(move |(bucket, rate)| ((service as usize, above, bucket as usize), rate))
            })
        })
        .collect()
}

/// What a table says that is not in force: each entry from its own date on, or from `from_us` where it has none.
pub fn changes(in_force: &Table, book: &Book, from_us: i64) -> Vec<PriceChange> {
    let change = |entry: &Entry| {
        let from_us = entry.from_us.unwrap_or(from_us);
        let known = in_force.full(&entry.full_name()).unwrap_or_default();
        let held = known.iter().rev().find(|known| known.from_us.is_none_or(|from| from <= from_us));
        let before = held.or(known.first()).map(Arc::clone);
        if before.as_ref().is_some_and(|before| before.costs_as(entry)) {
            return None;
        }
        Some(PriceChange { before, after: Entry { from_us: Some(from_us), ..entry.clone() } })
    };
    book.entries.iter().filter_map(change).collect()
}

/// The entries of an imported table together with what changes: from its date on a change goes before what was there.
pub fn taken_over(imported: Vec<Entry>, changes: &[PriceChange]) -> Vec<Entry> {
    let mut entries = imported;
    for change in changes {
        let new = &change.after;
        entries.retain(|entry| entry.full_name() != new.full_name() || entry.from_us < new.from_us);
        entries.push(new.clone());
    }
    entries.sort_by(|a, b| (&a.model, a.from_us).cmp(&(&b.model, b.from_us)));
    entries
}

#[cfg(test)]
#[path = "diff/tests.rs"]
mod tests;

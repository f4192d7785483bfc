//! How a model is found among the prices: by its exact name, a declared alias, without its provider's name, without the date
//! of a snapshot. Never by likeness. What the configuration says goes before what tables say of the same name. A provider
//! that nobody knows has no prices: its own may be anything.

use super::entry::{Entry, Tier};
use super::names;
use super::table::Table;
use crate::listed::listed;
use crate::view::Pattern;
use std::borrow::Cow;
use std::sync::Arc;

listed! {
    /// How a model was found.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum Found {
        /// By its name, perhaps with its provider.
        Exact,
        /// By an alias that the table declares.
        Alias,
        /// By its name without the provider before it.
        Prefix,
        /// By its name without the date of a snapshot.
        Snapshot,
        /// The same, where the table has the snapshot too, at the same prices, and the configuration has others.
        SameSnapshot,
    }
}

impl Found {
    /// Its name.
    pub const fn word(self) -> &'static str {
        match self {
            Found::Exact => "exact",
            Found::Alias => "alias",
            Found::Prefix => "prefix",
            Found::Snapshot => "snapshot",
            Found::SameSnapshot => "same-snapshot",
        }
    }

    /// What that means: found by …
    pub const fn how(self) -> &'static str {
        match self {
            Found::Exact => "its name",
            Found::Alias => "a declared alias",
            Found::Prefix => "its name behind the provider's",
            Found::Snapshot => "its name without the date of a snapshot",
            Found::SameSnapshot => "its name without the date of a snapshot, for the table has both at the same prices",
        }
    }
}

/// What some calls cost more than the list says, such as those served in one region.
#[derive(Debug, Clone, PartialEq)]
pub struct Uplift {
    /// Whose models; `None` is everybody's.
    pub provider: Option<String>,
    /// Which models.
    pub model: Option<Pattern>,
    /// Thousandths of a percent; below 0 is a rebate.
    pub parts: i32,
    /// From when on, µs; `None` is since ever.
    pub from_us: Option<i64>,
}

/// A size of prompts that prices may be of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Size {
    Smallest,
    Largest,
}

/// The prices of one model, over time.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelPrices {
    /// How it was found.
    pub found: Found,
    /// By the date they begin on; never empty.
    entries: Vec<Arc<Entry>>,
    /// From when on which uplift holds, in the order of the configuration.
    uplifts: Vec<(Option<i64>, i32)>,
}

impl ModelPrices {
    /// Those that hold at a time: the newest that are not later; else the earliest, which is said by `true`.
    pub fn at(&self, ts_us: i64) -> (&Entry, bool) {
        let held = self.entries.iter().rev().find(|entry| entry.from_us.is_none_or(|from| from <= ts_us));
        match held {
            Some(entry) => (entry, entry.from_us.is_none() && entry.source.date_us.is_some_and(|date| ts_us < date)),
            None => (&self.entries[0], true),
        }
    }

    /// The uplift that holds at a time, thousandths of a percent: the last one of the configuration that does.
    pub fn uplift(&self, ts_us: i64) -> i32 {
        let held = self.uplifts.iter().rev().find(|(from, _)| from.is_none_or(|from| from <= ts_us));
        held.map_or(0, |(_, parts)| *parts)
    }

    /// The same as if every prompt were of one size: the smallest, or the largest that has prices of its own.
    pub(super) fn of_size(&self, size: Size) -> ModelPrices {
        let flat = |entry: &Arc<Entry>| {
            let mut entry = Entry::clone(entry);
            for scheme in entry.schemes.iter_mut().flatten() {
                let tiers = std::mem::take(&mut scheme.tiers);
                let largest = tiers.into_iter().next_back().filter(|_| size == Size::Largest);
                scheme.tiers.extend(largest.map(|tier| Tier { above: 0, ..tier }));
            }
            Arc::new(entry)
        };
        ModelPrices { entries: self.entries.iter().map(flat).collect(), ..self.clone() }
    }

    /// All prices over time, the earliest first.
    pub fn entries(&self) -> &[Arc<Entry>] {
        &self.entries
    }
}

/// Where to look.
pub(super) struct Finder<'a> {
    pub table: &'a Table,
    pub own: &'a [Arc<Entry>],
    pub uplifts: &'a [Uplift],
    pub gateways: &'a [String],
}

impl Finder<'_> {
    /// The prices of a model as a call names it.
    pub fn find(&self, provider: Option<&str>, model: &str) -> Option<ModelPrices> {
        let spelt = provider.filter(|p| !p.is_empty()).map(names::provider);
        let (found, entries) = match spelt.as_deref() {
            Some(gateway) if self.is_gateway(gateway) => {
                self.of_gateway(gateway, model).or_else(|| self.dated(None, model))?
            }
            provider => self.dated(provider, model)?,
        };
        let uplifts = self.uplifts_of(entries.first()?, spelt.as_deref(), model);
        Some(ModelPrices { found, entries, uplifts })
    }

    /// The name of a provider that has no prices and is no gateway either.
    pub fn stranger<'p>(&self, provider: Option<&'p str>) -> Option<&'p str> {
        let is_strange = |p: &&str| {
            let spelt = names::provider(p);
            !p.is_empty() && !self.knows(&spelt) && !self.is_gateway(&spelt)
        };
        provider.filter(is_strange)
    }

    /// Whether a provider passes calls on to others.
    fn is_gateway(&self, provider: &str) -> bool {
        names::GATEWAYS.contains(&provider) || self.gateways.iter().any(|gateway| gateway == provider)
    }

    /// What the configuration says of a gateway's own prices.
    fn of_gateway(&self, gateway: &str, model: &str) -> Option<(Found, Vec<Arc<Entry>>)> {
        let is_own = |entry: &Arc<Entry>| entry.provider.as_deref() == Some(gateway);
        self.dated(Some(gateway), model).filter(|(_, entries)| entries.iter().any(is_own))
    }

    /// By its name, else by its name without the date of a snapshot.
    fn dated(&self, provider: Option<&str>, model: &str) -> Option<(Found, Vec<Arc<Entry>>)> {
        self.by_name(provider, model).or_else(|| {
            let (_, entries) = self.by_name(provider, names::undated(model)?)?;
            Some((Found::Snapshot, entries))
        })
    }

    /// Whether a provider is one that somebody has prices of, or that is well known.
    fn knows(&self, provider: &str) -> bool {
        names::LOCAL.contains(&provider)
            || names::OTHERS.contains(&provider)
            || self.table.has_provider(provider)
            || self.own.iter().any(|entry| entry.provider.as_deref() == Some(provider))
    }

    fn by_name(&self, provider: Option<&str>, model: &str) -> Option<(Found, Vec<Arc<Entry>>)> {
        let exact = self.exact(provider, model).map(|found| found.by(Found::Exact));
        exact.or_else(|| self.alias(provider, model).map(|found| found.by(Found::Alias))).or_else(|| {
            let (before, rest) = names::split(model)?;
            let fits = self.knows(&before) && provider.is_none_or(|provider| provider == before);
            let of = Some(before.as_ref()).filter(|_| fits)?;
            let entries = self.exact(of.into(), rest).or_else(|| self.alias(of.into(), rest))?;
            Some(entries.by(Found::Prefix))
        })
    }

    fn exact(&self, provider: Option<&str>, model: &str) -> Option<Over> {
        let listed = match provider {
            Some(provider) => self.table.full(&names::full(provider, model)).or_else(|| self.anybodys(model)),
            None => self.table.bare(model).or_else(|| self.table.full(model)),
        };
        self.with_own(provider, model, listed)
    }

    /// What a table says of a model whoever serves it.
    fn anybodys(&self, model: &str) -> Option<&[Arc<Entry>]> {
        self.table.full(model).filter(|listed| listed.iter().all(|entry| entry.provider.is_none()))
    }

    fn alias(&self, provider: Option<&str>, model: &str) -> Option<Over> {
        let listed = self.table.alias(model)?;
        let of = listed.first()?.provider.as_deref();
        let fits = provider.is_none_or(|provider| of.is_none_or(|of| of == provider));
        if fits { self.with_own(provider, model, Some(listed)) } else { None }
    }

    /// What a table says, and from when on the configuration says otherwise.
    fn with_own(&self, provider: Option<&str>, model: &str, listed: Option<&[Arc<Entry>]>) -> Option<Over> {
        let name = Name::of(provider, model, listed.and_then(<[_]>::first));
        let mut own: Vec<&Arc<Entry>> = self.own.iter().filter(|entry| name.is_of(entry)).collect();
        if name.full.is_none() && has_several(own.iter().filter_map(|entry| entry.provider.as_deref())) {
            // The configuration knows the name of several providers, and the call says none.
            return None;
        }
        let mut of_same = false;
        if own.is_empty() {
            own = listed.map(|listed| self.own_of_undated(listed)).unwrap_or_default();
            of_same = !own.is_empty();
        }
        // Of the same day, what is said of one provider goes before what is said of all.
        own.sort_by_key(|entry| (entry.from_us, entry.provider.is_some()));
        let mut entries: Vec<Arc<Entry>> = listed.unwrap_or_default().to_vec();
        for entry in own {
            let entry =
                listed.and_then(<[_]>::last).map_or_else(|| Arc::clone(entry), |listed| as_listed(entry, listed));
            entries.retain(|other| other.from_us < entry.from_us);
            entries.push(entry);
        }
        (!entries.is_empty()).then_some(Over { entries, of_same })
    }

    /// What the configuration says of the model that this is a snapshot of, where the table has both at the same prices.
    fn own_of_undated(&self, listed: &[Arc<Entry>]) -> Vec<&Arc<Entry>> {
        let same = || {
            let snapshot = listed.last()?;
            let name = names::undated(snapshot.bare_name())?;
            let base = match snapshot.provider.as_deref() {
                Some(provider) => self.table.full(&names::full(provider, name))?,
                None => self.anybodys(name)?,
            };
            base.last()?.lists_as(snapshot).then(|| Name::of(snapshot.provider.as_deref(), name, base.first()))
        };
        same().map(|name| self.own.iter().filter(|entry| name.is_of(entry)).collect()).unwrap_or_default()
    }

    fn uplifts_of(&self, entry: &Entry, provider: Option<&str>, said: &str) -> Vec<(Option<i64>, i32)> {
        let is_of = |uplift: &&Uplift| {
            let of = uplift.provider.as_deref();
            let right = of.is_none_or(|of| Some(of) == provider || Some(of) == entry.provider.as_deref());
            let names = [&*entry.model, entry.bare_name(), said];
            let fits = |pattern: &Pattern| names.iter().any(|name| pattern.matches(Some(name)));
            right && uplift.model.as_ref().is_none_or(fits)
        };
        self.uplifts.iter().filter(is_of).map(|uplift| (uplift.from_us, uplift.parts)).collect()
    }
}

fn has_several<'a>(mut of: impl Iterator<Item = &'a str>) -> bool {
    of.next().is_some_and(|first| of.any(|other| other != first))
}

/// What is found of a name: what the table says, with what the configuration says over it.
struct Over {
    entries: Vec<Arc<Entry>>,
    /// The configuration says it of the model that this is a snapshot of.
    of_same: bool,
}

impl Over {
    fn by(self, found: Found) -> (Found, Vec<Arc<Entry>>) {
        (if self.of_same { Found::SameSnapshot } else { found }, self.entries)
    }
}

/// What the configuration says, of the very model that a table has.
fn as_listed(own: &Arc<Entry>, listed: &Entry) -> Arc<Entry> {
    let Entry { model, provider, aliases, .. } = listed.clone();
    Arc::new(Entry { model, provider, aliases, mode: own.mode.or(listed.mode), ..Entry::clone(own) })
}

/// The names a model goes by.
struct Name<'a> {
    said: &'a str,
    full: Option<Cow<'a, str>>,
    listed: Option<&'a Entry>,
}

impl<'a> Name<'a> {
    fn of(provider: Option<&str>, said: &'a str, listed: Option<&'a Arc<Entry>>) -> Name<'a> {
        let full = match listed {
            Some(entry) => Some(entry.full_name().into()),
            None => provider.map(|provider| names::full(provider, said).into()),
        };
        Name { said, full, listed: listed.map(|entry| &**entry) }
    }

    /// Whether an entry of the configuration means it.
    fn is_of(&self, entry: &Entry) -> bool {
        match (&entry.provider, &self.full) {
            (Some(_), Some(full)) => entry.full_name() == **full,
            (Some(_), None) => entry.bare_name() == self.said || &*entry.model == self.said,
            (None, full) => {
                let listed = self.listed.into_iter().flat_map(|entry| [&*entry.model, entry.bare_name()]);
                listed.chain(full.as_deref()).chain([self.said]).any(|name| name == &*entry.model)
            }
        }
    }
}

#[cfg(test)]
#[path = "find/tests.rs"]
mod tests;

//! The prices of one model from one date on: base rates, tiers by the size of the prompt, service tiers, and where they
//! are from.

use super::names;
use super::rate::Rates;
use crate::listed::listed;
use std::sync::Arc;

listed! {
    /// How a provider was asked to serve a call; each has prices of its own.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
    #[repr(usize)]
    pub enum Service {
        /// As usual.
        Standard,
        /// Some time within a day, cheaper.
        Batch,
        /// When there is room, cheaper.
        Flex,
        /// Before others, dearer.
        Priority,
    }
}

impl Service {
    /// Its field in price files, and its name.
    pub const fn word(self) -> &'static str {
        match self {
            Service::Standard => "standard",
            Service::Batch => "batch",
            Service::Flex => "flex",
            Service::Priority => "priority",
        }
    }

    /// What a call's service tier means; `None` for a word that nobody has prices for.
    pub fn of(tier: Option<&str>) -> Option<Service> {
        let Some(tier) = tier else { return Some(Service::Standard) };
        const WORDS: [(Service, &[&str]); 4] = [
            (Service::Standard, &["", "standard", "default", "auto", "on_demand", "on-demand", "standard_only"]),
            (Service::Batch, &["batch", "batches"]),
            (Service::Flex, &["flex", "on_demand_flex"]),
            (Service::Priority, &["priority", "on_demand_priority"]),
        ];
        let tier = tier.trim();
        let is_tier = |words: &[&str]| words.iter().any(|word| word.eq_ignore_ascii_case(tier));
        WORDS.into_iter().find(|(_, words)| is_tier(words)).map(|(service, _)| service)
    }
}

/// Rates of requests whose prompt is larger than a size.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tier {
    /// They hold where there are more input tokens than this, for the whole request.
    pub above: u64,
    /// The rates.
    pub rates: Rates,
}

/// The rates of a service tier.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scheme {
    /// Of requests of any size.
    pub rates: Rates,
    /// Of larger ones, by rising size.
    pub tiers: Vec<Tier>,
}

impl Scheme {
    /// The tier that a prompt of so many tokens is in; `None` for the smallest.
    pub fn tier(&self, input_tokens: u64) -> Option<&Tier> {
        self.tiers.iter().rev().find(|tier| input_tokens > tier.above)
    }

    /// The rates of one size, made where there are none yet.
    pub fn tier_of(&mut self, above: u64) -> &mut Rates {
        let at = self.tiers.partition_point(|tier| tier.above < above);
        if self.tiers.get(at).is_none_or(|tier| tier.above != above) {
            self.tiers.insert(at, Tier { above, rates: Rates::default() });
        }
        &mut self.tiers[at].rates
    }

    /// Whether it knows no rate.
    pub fn is_empty(&self) -> bool {
        self.rates.is_empty() && self.tiers.is_empty()
    }

    /// All its rates, of any size.
    pub fn sizes_mut(&mut self) -> impl Iterator<Item = &mut Rates> {
        std::iter::once(&mut self.rates).chain(self.tiers.iter_mut().map(|tier| &mut tier.rates))
    }
}

listed! {
    /// What a model does, as far as prices depend on it.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum Mode {
        /// Answers in a conversation.
        Chat,
        /// Goes on with a text.
        Completion,
        /// Answers by the responses protocol.
        Responses,
        /// Turns text into vectors: there is no output to bill.
        Embedding,
    }
}

impl Mode {
    /// Its word in price files.
    pub const fn word(self) -> &'static str {
        match self {
            Mode::Chat => "chat",
            Mode::Completion => "completion",
            Mode::Responses => "responses",
            Mode::Embedding => "embedding",
        }
    }

    /// The mode of a word.
    pub fn from_word(word: &str) -> Option<Mode> {
        Mode::ALL.into_iter().find(|mode| mode.word() == word)
    }
}

/// Who says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Author {
    /// The table that came with the program.
    Shipped,
    /// A table that was imported.
    Imported,
    /// The configuration.
    Config,
}

/// Where prices are from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// Who says so.
    pub author: Author,
    /// In words.
    pub name: String,
    /// The day they were true on, µs at its beginning in UTC; `None` where nobody says.
    pub date_us: Option<i64>,
}

/// The prices of one model from one date on.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// The model's name in the table: what a call names, perhaps after its provider and a `/`.
    pub model: Box<str>,
    /// Its provider, in this program's spelling; `None` holds for every provider.
    pub provider: Option<Box<str>>,
    /// What it does, where that is said.
    pub mode: Option<Mode>,
    /// From when on they hold, µs; `None` is since ever.
    pub from_us: Option<i64>,
    /// Other names of the model.
    pub aliases: Vec<Box<str>>,
    /// The rates of each service tier, by its number; none where they are not known.
    pub schemes: [Option<Box<Scheme>>; Service::ALL.len()],
    /// Where they are from.
    pub source: Arc<Source>,
}

impl Entry {
    /// One without any rate.
    pub fn new(model: &str, provider: Option<&str>, source: Arc<Source>) -> Entry {
        Entry {
            model: model.into(),
            provider: provider.map(|p| names::provider(p).into()),
            mode: None,
            from_us: None,
            aliases: Vec::new(),
            schemes: Default::default(),
            source,
        }
    }

    /// The rates of a service tier; `None` where they are not known.
    pub fn scheme(&self, service: Service) -> Option<&Scheme> {
        self.schemes[service as usize].as_deref()
    }

    /// The same to be written to.
    pub fn scheme_mut(&mut self, service: Service) -> &mut Scheme {
        self.schemes[service as usize].get_or_insert_default()
    }

    /// Its provider and its name, by which calls that say their provider find it.
    pub fn full_name(&self) -> String {
        match &self.provider {
            Some(provider) => names::full(provider, &self.model),
            None => self.model.to_string(),
        }
    }

    /// Its name without the provider.
    pub fn bare_name(&self) -> &str {
        self.provider.as_deref().map_or(&self.model, |provider| names::bare(provider, &self.model))
    }

    /// Whether the prices are the same, wherever they are from and whenever they began.
    pub fn costs_as(&self, other: &Entry) -> bool {
        self.schemes == other.schemes && self.mode == other.mode
    }

    /// Whether another entry has the same list prices: those of the usual service, and of others as far as both know them.
    pub fn lists_as(&self, other: &Entry) -> bool {
        let same = |service: Service| match (self.scheme(service), other.scheme(service)) {
            (Some(ours), Some(theirs)) => ours == theirs,
            (ours, theirs) => service != Service::Standard || ours == theirs,
        };
        Service::ALL.into_iter().all(same)
    }
}

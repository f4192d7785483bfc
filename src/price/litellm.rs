//! The public price table of LiteLLM (`model_prices_and_context_window.json`) as entries of our own: dollars per token in
//! floats, with the size of the prompt and the service tier in the names of fields. What cannot be right is left out and told.

use super::entry::{Author, Entry, Mode, Service, Source};
use super::names;
use super::own::{Book, Fault};
use super::rate::{Bucket, Rate};
use serde_json::{Map, Value};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// Fields of prices, without what may follow.
const FIELDS: [(&str, Bucket); 9] = [
    ("input_cost_per_token", Bucket::Input),
    ("output_cost_per_token", Bucket::Output),
    ("cache_read_input_token_cost", Bucket::CacheRead),
    ("input_cost_per_token_cache_hit", Bucket::CacheRead),
    ("cache_creation_input_token_cost", Bucket::CacheWrite),
    ("cache_creation_input_token_cost_above_1hr", Bucket::CacheWrite1h),
    ("output_cost_per_reasoning_token", Bucket::Reasoning),
    ("input_cost_per_audio_token", Bucket::AudioInput),
    ("output_cost_per_audio_token", Bucket::AudioOutput),
];

/// What service tiers add to the name of a field.
const SERVICES: [(&str, Service); 3] =
    [("_batches", Service::Batch), ("_flex", Service::Flex), ("_priority", Service::Priority)];

/// Makers of models whose names are theirs alone: the bare name means theirs, where no other model is called so. Of models
/// that anybody may serve, a bare name says nothing about the price.
const MAKERS: [&str; 6] = ["mistral", "xai", "gemini", "cohere", "voyage", "amazon_nova"];

/// How makers' names of models begin that anybody may serve.
const OPEN: [&str; 3] = ["open-", "labs-", "gemma-"];

/// A model that was left out, or one of its rates, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOut {
    /// Its name in the file.
    pub model: String,
    /// The rate; `None` is the whole model.
    pub rate: Option<Bucket>,
    /// What is wrong with it.
    pub why: String,
}

/// Reads the public table; `date_us` is the day it is from.
///
/// # Errors
/// Where the file as a whole does not read.
pub fn read(text: &str, date_us: i64) -> Result<(Book, Vec<LeftOut>), Fault> {
    let models: Value = serde_json::from_str(text).map_err(|error| {
        let what = error.to_string();
        let what = what.split(" at line ").next().unwrap_or_default();
        Fault { line: error.line(), why: format!("column {}: {what}", error.column()) }
    })?;
    let is_table = |models: &Map<String, Value>| models.values().any(|m| m.get("litellm_provider").is_some());
    let Some(models) = models.as_object().filter(|models| is_table(models)) else {
        let why = "neither a table of this program nor LiteLLM's: no model has a \"litellm_provider\"".to_owned();
        return Err(Fault { line: 1, why });
    };
    let source = Source { author: Author::Imported, name: "LiteLLM's public table".to_owned(), date_us: Some(date_us) };
    let source = Arc::new(source);
    let mut reading = Reading { entries: Vec::new(), by_name: HashMap::new(), left_out: Vec::new() };
    for (name, fields) in models.iter().filter(|(name, _)| *name != "sample_spec") {
        match model(name, fields, &source) {
            Ok(Some(mut entry)) => {
                reading.left_out.extend(leave_doubtful(&mut entry));
                reading.add(entry);
            }
            Ok(None) => {}
            Err(why) => reading.left_out.push(LeftOut { model: name.clone(), rate: None, why }),
        }
    }
    let mut entries = reading.entries;
    declare_names(&mut entries);
    Ok((Book { source, entries }, reading.left_out))
}

/// Takes away rates that cannot be right, so that they are unknown.
fn leave_doubtful(entry: &mut Entry) -> Vec<LeftOut> {
    let mut left_out = Vec::new();
    for rates in entry.schemes.iter_mut().flatten().flat_map(|scheme| scheme.sizes_mut()) {
        while let Some((rate, least)) = rates.doubtful() {
            let text = |bucket| rates.get(bucket).map_or_else(String::new, |rate: Rate| rate.to_string());
            let why = format!("{} is less than {} costs, {}", text(rate), least.name(), text(least));
            left_out.push(LeftOut { model: entry.model.to_string(), rate: Some(rate), why });
            rates.unset(rate);
        }
    }
    left_out
}

struct Reading {
    entries: Vec<Entry>,
    by_name: HashMap<String, usize>,
    left_out: Vec<LeftOut>,
}

impl Reading {
    /// Adds a model; one that is there with and without its provider's name is one model, and the bare name goes first.
    fn add(&mut self, entry: Entry) {
        let next = self.entries.len();
        let at = *self.by_name.entry(entry.full_name()).or_insert(next);
        let Some(known) = self.entries.get_mut(at) else { return self.entries.push(entry) };
        let is_bare = entry.bare_name() == &*entry.model;
        let (mut first, second) = if is_bare { (entry, known.clone()) } else { (known.clone(), entry) };
        complete(&mut first, &second);
        *known = first;
    }
}

/// Fills in what only the second knows, if the two do not contradict each other.
fn complete(first: &mut Entry, second: &Entry) {
    let both = Service::ALL.into_iter().filter_map(|s| first.scheme(s).zip(second.scheme(s)));
    let agree = both.into_iter().all(|(a, b)| a.rates.or(b.rates) == b.rates.or(a.rates) && a.tiers == b.tiers);
    if !agree {
        return;
    }
    for service in Service::ALL {
        let Some(theirs) = second.scheme(service).cloned() else { continue };
        let ours = first.scheme_mut(service);
        ours.rates = ours.rates.or(theirs.rates);
        ours.tiers = theirs.tiers;
    }
}

/// The models of makers are known by their bare names too.
fn declare_names(entries: &mut [Entry]) {
    let taken: HashSet<Box<str>> =
        entries.iter().filter(|entry| entry.bare_name() == &*entry.model).map(|entry| entry.model.clone()).collect();
    let is_makers = |entry: &Entry| {
        entry.provider.as_deref().is_some_and(|provider| MAKERS.contains(&provider))
            && entry.bare_name() != &*entry.model
            && !entry.bare_name().contains('/')
            && !OPEN.iter().any(|open| entry.bare_name().starts_with(open))
    };
    let mut count: HashMap<Box<str>, usize> = HashMap::new();
    for entry in entries.iter().filter(|entry| is_makers(entry)) {
        *count.entry(entry.bare_name().into()).or_default() += 1;
    }
    for entry in entries.iter_mut().filter(|entry| is_makers(entry)) {
        let name: Box<str> = entry.bare_name().into();
        if !taken.contains(&name) && count.get(&name) == Some(&1) {
            entry.aliases.push(name);
        }
    }
}

/// A model as an entry; `None` for what is not billed by tokens, or has no price.
fn model(name: &str, fields: &Value, source: &Arc<Source>) -> Result<Option<Entry>, String> {
    let text = |field: &str| fields.get(field).and_then(Value::as_str);
    let Some(mode) = text("mode").and_then(Mode::from_word) else { return Ok(None) };
    let provider = text("litellm_provider").ok_or("no provider")?;
    let mut entry = Entry::new(name, Some(provider), Arc::clone(source));
    entry.mode = Some(mode);
    let free = is_local(&entry);
    for (field, value) in fields.as_object().into_iter().flatten() {
        if field == "tiered_pricing" {
            ranges(&mut entry, value)?;
        } else if let Some(place) = Place::of(field) {
            place.put(&mut entry, value, free)?;
        }
    }
    tidy(&mut entry);
    Ok(entry.schemes.iter().flatten().any(|scheme| !scheme.is_empty()).then_some(entry))
}

/// Whether a price of 0 is one, and not merely unknown: what runs on one's own machine costs nothing.
fn is_local(entry: &Entry) -> bool {
    let local = entry.provider.as_deref().is_some_and(|provider| names::LOCAL.contains(&provider));
    local && !entry.model.ends_with("-cloud")
}

/// Which rate a field is.
struct Place {
    bucket: Bucket,
    service: Service,
    above: Option<u64>,
    /// A second name of a field, which does not go before the first.
    second: bool,
}

impl Place {
    fn of(field: &str) -> Option<Place> {
        let service = SERVICES.iter().find_map(|(suffix, service)| Some((field.strip_suffix(suffix)?, *service)));
        let (rest, service) = service.unwrap_or((field, Service::Standard));
        let sized = rest.strip_suffix("k_tokens").and_then(|rest| rest.rsplit_once("_above_"));
        let (base, above) = match sized {
            Some((base, thousands)) => (base, Some(thousands.parse::<u64>().ok()?.checked_mul(1_000)?)),
            None => (rest, None),
        };
        let (name, bucket) = FIELDS.iter().find(|(name, _)| *name == base)?;
        Some(Place { bucket: *bucket, service, above, second: name.ends_with("_cache_hit") })
    }

    fn put(&self, entry: &mut Entry, value: &Value, zero_is_free: bool) -> Result<(), String> {
        let Some(rate) = rate(value)?.filter(|rate| zero_is_free || rate.picos() > 0) else { return Ok(()) };
        let scheme = entry.scheme_mut(self.service);
        let rates = match self.above {
            Some(above) => scheme.tier_of(above),
            None => &mut scheme.rates,
        };
        if !(self.second && rates.get(self.bucket).is_some()) {
            rates.set(self.bucket, rate);
        }
        Ok(())
    }
}

fn rate(value: &Value) -> Result<Option<Rate>, String> {
    let dollars = match value {
        Value::Null => return Ok(None),
        Value::String(text) => text.trim().parse().map_err(|_| format!("{text:?} is no price"))?,
        value => value.as_f64().ok_or_else(|| format!("{value} is no price"))?,
    };
    Rate::from_float(dollars, 1e12).map(Some)
}

/// Prices by ranges of the prompt's size: the first is of any size, each other one holds above its lower end.
fn ranges(entry: &mut Entry, value: &Value) -> Result<(), String> {
    for range in value.as_array().into_iter().flatten() {
        let Some(lower) = range.get("range").and_then(|r| r.get(0)).and_then(Value::as_f64) else { continue };
        let above = (lower > 0.0).then_some(lower as u64);
        for (field, value) in range.as_object().into_iter().flatten() {
            if let Some(place) = Place::of(field) {
                Place { above, ..place }.put(entry, value, false)?;
            }
        }
    }
    Ok(())
}

/// Takes away what says nothing: reasoning at the price of output, and output of models without any.
fn tidy(entry: &mut Entry) {
    let schemes = || Service::ALL.into_iter();
    let same = schemes().filter_map(|s| entry.scheme(s)).all(|scheme| {
        let all = scheme.tiers.iter().map(|tier| &tier.rates).chain([&scheme.rates]);
        all.into_iter().all(|rates| {
            rates.get(Bucket::Reasoning).is_none_or(|reasoning| rates.get(Bucket::Output) == Some(reasoning))
        })
    });
    if same {
        for scheme in entry.schemes.iter_mut().flatten() {
            scheme.rates.unset(Bucket::Reasoning);
            scheme.tiers.iter_mut().for_each(|tier| tier.rates.unset(Bucket::Reasoning));
        }
    }
    for slot in &mut entry.schemes {
        if let Some(scheme) = slot {
            scheme.tiers.retain(|tier| !tier.rates.is_empty());
        }
        slot.take_if(|scheme| scheme.is_empty());
    }
}

#[cfg(test)]
#[path = "litellm/tests.rs"]
mod tests;

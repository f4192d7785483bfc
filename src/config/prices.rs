//! `[[price]]` and `[[uplift]]`: what models cost here, other than the price table says.

use super::Config;
use super::lists::Section;
use crate::price::{Author, Bucket, CostSource, Entry, Rate, Rates, Service, Source, Uplift, day, provider_name};
use crate::view::{Case, Pattern};
use std::sync::Arc;

/// Nothing costs more than this many times its list price on top; thousandths of a percent.
const MOST: i32 = 1_000_000;

/// What is said of prices.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Pricing {
    /// Which cost counts.
    pub rule: CostSource,
    /// Prices of models, in the order of the file.
    pub models: Vec<Entry>,
    /// What is added, in the order of the file.
    pub uplifts: Vec<Uplift>,
    /// Providers that only pass calls on, in this program's spelling.
    pub gateways: Vec<String>,
}

/// Reads the names of gateways.
pub(super) fn gateways(text: &str) -> Result<Vec<String>, String> {
    let names = text.split(',').map(str::trim).filter(|name| !name.is_empty());
    Ok(names.map(|name| provider_name(name).into_owned()).collect())
}

/// Reads a `[[price]]`.
pub(super) fn price(section: &mut Section<'_>, config: &mut Config) {
    let model = section.need("model", "the name of a model", name);
    let provider = section.read("provider", "the name of a provider", name);
    let from_us = section.read("from", "a day such as \"2026-07-24\"", day);
    let mut rates = Rates::default();
    for bucket in Bucket::ALL {
        if let Some(rate) = section.read(bucket.word(), "dollars per million tokens such as 0.075", Rate::parse) {
            rates.set(bucket, rate);
        }
    }
    if rates.is_empty() {
        section.fault("it has no price; write input and output, dollars per million tokens, 0 for what is free");
    }
    let Some(model) = model else { return };
    if model.contains(['*', '?']) {
        section
            .fault_at("model", "stands for one model, without * and ?; write a [[price]] for each, or an [[uplift]]");
        return;
    }
    let name = format!("the configuration, line {}", section.line());
    let source = Arc::new(Source { author: Author::Config, name, date_us: from_us });
    let mut entry = Entry::new(&model, provider.as_deref(), source);
    entry.from_us = from_us;
    if rates.known().all(|(_, rate)| rate.picos() == 0) {
        make_free(&mut entry);
    } else {
        entry.scheme_mut(Service::Standard).rates = rates;
    }
    let same = |other: &Entry| other.full_name() == entry.full_name() && other.from_us == from_us;
    if config.pricing.models.iter().any(same) {
        return section.fault(format!("there are two prices of {model:?} from the same day"));
    }
    config.pricing.models.push(entry);
}

/// Where nothing that is named costs anything, nothing does: not what comes out of a local server's cache either.
fn make_free(entry: &mut Entry) {
    for service in Service::ALL {
        let rates = &mut entry.scheme_mut(service).rates;
        Bucket::ALL.into_iter().for_each(|bucket| rates.set(bucket, Rate::FREE));
    }
}

/// Reads an `[[uplift]]`.
pub(super) fn uplift(section: &mut Section<'_>, config: &mut Config) {
    let provider = section.read("provider", "the name of a provider", name);
    let model = section.read("model", "a model's name, * for any characters", name);
    let from_us = section.read("from", "a day such as \"2026-07-24\"", day);
    let Some(parts) = section.need("percent", "percent to add such as 10, below 0 to take off", percent) else {
        return;
    };
    let provider = provider.map(|provider| provider_name(&provider).into_owned());
    let model = model.map(|model| Pattern::glob(&model, Case::Exact));
    config.pricing.uplifts.push(Uplift { provider, model, parts, from_us });
}

fn name(text: &str) -> Result<String, String> {
    if text.trim().is_empty() { Err("empty".to_owned()) } else { Ok(text.trim().to_owned()) }
}

/// A percentage as thousandths of a percent.
fn percent(text: &str) -> Result<i32, String> {
    let size = text.strip_prefix('-').unwrap_or(text);
    let size = Rate::parse(size).map_err(|_| format!("{text:?} is no percentage from -100 to 1000"))?;
    if size.picos() % 1_000 != 0 {
        return Err(format!("{text} has more than three decimals"));
    }
    let parts = i32::try_from(size.picos() / 1_000).unwrap_or(i32::MAX);
    match if text.starts_with('-') { -parts } else { parts } {
        parts if (-100_000..=MOST).contains(&parts) => Ok(parts),
        _ => Err(format!("{text} is no percentage from -100 to 1000")),
    }
}

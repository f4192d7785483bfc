//! `[[budget]]`: what may be spent, on what, in which time.

use super::Config;
use super::lists::Section;
use crate::nearest::did_you_mean;
use crate::units;
use crate::view::{Budget, Dim, Filter, Period};
use chrono_tz::{TZ_VARIANTS, Tz};

/// No budget is larger, dollars: more is a slip of the keyboard, and sums of it would not fit.
const LARGEST_USD: i64 = 1_000_000_000;

/// Dimensions that a budget can be divided by.
const PER: [Dim; 9] = [
    Dim::User,
    Dim::Model,
    Dim::Session,
    Dim::App,
    Dim::Provider,
    Dim::Environment,
    Dim::Host,
    Dim::Operation,
    Dim::Variant,
];

/// Reads a section.
pub(super) fn read(section: &mut Section<'_>, config: &mut Config) {
    let name = section.need("name", "a name of its own, such as \"prod daily\"", name);
    let limit = section.need("limit_usd", "dollars above 0, such as 50", limit);
    let period = section.need("period", "\"day\", \"week\", \"month\", or a length such as \"30d\"", period);
    let zone = section.read("timezone", "an IANA time zone such as \"Europe/Berlin\"", zone);
    let filter = section.read("filter", "a filter such as \"env:prod\"", filter);
    let per = section.read("per", &format!("one of {}", PER.map(Dim::word).join(", ")), per);
    let warn_at = section.each("warn_at", "shares of the limit such as [0.5, 0.8, 1.0]", share);
    if let Some(name) = name.as_ref().filter(|name| config.budgets.iter().any(|b| b.name == **name)) {
        return section.fault_at("name", &format!("there are two budgets {name:?}; give each a name of its own"));
    }
    let (Some(name), Some(limit_nusd), Some(period)) = (name, limit, period) else { return };
    let mut warn_at = warn_at.unwrap_or_else(|| vec![800, 1_000]);
    warn_at.sort_unstable();
    warn_at.dedup();
    let (zone, filter) = (zone.unwrap_or(Tz::UTC), filter.unwrap_or_default());
    config.budgets.push(Budget { name, limit_nusd, period, zone, filter, per, warn_at });
}

fn name(text: &str) -> Result<String, String> {
    if text.trim().is_empty() { Err("empty".to_owned()) } else { Ok(text.to_owned()) }
}

fn limit(text: &str) -> Result<i64, String> {
    let limit = units::parse_usd_nano(text).ok_or_else(|| format!("{text:?} is no sum of money"))?;
    match limit {
        ..=0 => Err(format!("{text} can never be kept")),
        limit if limit > LARGEST_USD * 1_000_000_000 => Err(format!("{text} is more than a billion dollars")),
        limit => Ok(limit),
    }
}

fn period(text: &str) -> Result<Period, String> {
    let near = || format!("no period {text:?}{}", did_you_mean(text, ["day", "week", "month"]));
    Period::parse(text).ok_or_else(near)
}

/// The time zone of a name, in any case.
pub(super) fn zone(text: &str) -> Result<Tz, String> {
    let near = || format!("no time zone {text:?}{}", did_you_mean(text, TZ_VARIANTS.iter().map(|zone| zone.name())));
    TZ_VARIANTS.into_iter().find(|zone| zone.name().eq_ignore_ascii_case(text)).ok_or_else(near)
}

pub(super) fn filter(text: &str) -> Result<Filter, String> {
    Filter::parse(text).map_err(|e| format!("column {}: {}", e.column, e.why))
}

fn per(text: &str) -> Result<Dim, String> {
    let near = || format!("no dimension {text:?}{}", did_you_mean(text, PER.map(Dim::word)));
    PER.into_iter().find(|dim| dim.word() == text).ok_or_else(near)
}

/// A share as thousandths. Ten times the limit is past all warning: a percentage was meant.
fn share(text: &str) -> Result<u32, String> {
    let share: f64 = text.parse().map_err(|_| format!("{text:?} is no number"))?;
    match share {
        0.001..10.0 => Ok((share * 1_000.0).round() as u32),
        10.0..=1_000.0 => Err(format!("{text} is {text} times the limit; did you mean {}?", share / 100.0)),
        _ => Err(format!("{text} is no share; 1.0 is all of the limit, and 0.001 the least")),
    }
}

//! The project's own form of a price table: JSON Lines, a header and then a model a line, in dollars per million tokens.

use super::entry::{Author, Entry, Mode, Scheme, Service, Source};
use super::rate::{Bucket, Rate, Rates};
use crate::nearest::did_you_mean;
use chrono::{DateTime, NaiveDate, NaiveTime};
use serde_json::{Map, Value};
use std::collections::HashSet;
use std::fmt::Write;
use std::sync::Arc;

/// What the header calls the form.
const FORM: &str = "llmtop-prices";

/// Its version.
const VERSION: u64 = 1;

/// What figures are in.
const UNIT: &str = "usd_per_million_tokens";

/// What is wrong with a table, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {why}")]
pub struct Fault {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong and what would be right.
    pub why: String,
}

/// A table as a file holds it.
#[derive(Debug, Clone, PartialEq)]
pub struct Book {
    /// Where it is from.
    pub source: Arc<Source>,
    /// Its models, in the order of the file.
    pub entries: Vec<Entry>,
}

/// Whether a text is of this form, by its header.
pub fn is_own(text: &str) -> bool {
    let first = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    serde_json::from_str::<Value>(first).is_ok_and(|header| header.get("format").is_some_and(Value::is_string))
}

/// Reads a table.
///
/// # Errors
/// The first thing that is wrong with it.
pub fn read(text: &str, author: Author) -> Result<Book, Fault> {
    let mut lines = text.lines().zip(1..).filter(|(line, _)| !line.trim().is_empty());
    let (first, line) = lines.next().ok_or(Fault { line: 1, why: "the table is empty".to_owned() })?;
    let at = |line| move |why| Fault { line, why };
    let source = Arc::new(header(first, author).map_err(at(line))?);
    let (mut entries, mut seen) = (Vec::new(), HashSet::new());
    for (text, line) in lines {
        let entry = entry(text, &source).map_err(at(line))?;
        if !seen.insert((entry.full_name(), entry.from_us)) {
            return Err(at(line)(format!("{} is in the table twice", entry.model)));
        }
        entries.push(entry);
    }
    Ok(Book { source, entries })
}

fn object(text: &str) -> Result<Map<String, Value>, String> {
    match serde_json::from_str(text) {
        Ok(Value::Object(map)) => Ok(map),
        Ok(_) => Err("is no JSON object".to_owned()),
        Err(error) => {
            let what = error.to_string();
            let what = what.split(" at line ").next().unwrap_or_default();
            Err(format!("column {}: {what}", error.column()))
        }
    }
}

fn header(line: &str, author: Author) -> Result<Source, String> {
    let header = object(line)?;
    let text = |name: &str| header.get(name).and_then(Value::as_str);
    if text("format") != Some(FORM) {
        return Err(format!("no header; the first line has to say \"format\":\"{FORM}\""));
    }
    match header.get("version").and_then(Value::as_u64) {
        Some(VERSION) => {}
        Some(later) => return Err(format!("version {later} of the form is newer than this program")),
        None => return Err(format!("no version; write \"version\":{VERSION}")),
    }
    if text("unit").is_some_and(|unit| unit != UNIT) {
        return Err(format!("the unit is not known; write \"unit\":\"{UNIT}\""));
    }
    let date_us = text("date").map(day).transpose()?;
    Ok(Source { author, name: text("source").unwrap_or("an unnamed table").to_owned(), date_us })
}

/// The beginning of a day in UTC, µs, of `2026-07-24`.
///
/// # Errors
/// What is wrong with it.
pub fn day(text: &str) -> Result<i64, String> {
    let date = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok().filter(|_| text.len() == 10);
    let date = date.ok_or_else(|| format!("{text:?} is no day such as 2026-07-24"))?;
    Ok(date.and_time(NaiveTime::MIN).and_utc().timestamp_micros())
}

/// The day of a time: `2026-07-24`.
pub fn day_text(us: i64) -> String {
    DateTime::from_timestamp_micros(us).map_or_else(String::new, |time| time.format("%Y-%m-%d").to_string())
}

fn entry(line: &str, source: &Arc<Source>) -> Result<Entry, String> {
    let fields = object(line)?;
    let model = match fields.get("model").and_then(Value::as_str) {
        Some(model) if !model.trim().is_empty() => model,
        _ => return Err("no model".to_owned()),
    };
    let mut entry = Entry::new(model, None, Arc::clone(source));
    for (name, value) in &fields {
        field(&mut entry, name, value).map_err(|why| format!("{model}: {why}"))?;
    }
    if entry.schemes.iter().flatten().all(|scheme| scheme.is_empty()) {
        return Err(format!("{model} has no price"));
    }
    Ok(entry)
}

fn field(entry: &mut Entry, name: &str, value: &Value) -> Result<(), String> {
    let text = || value.as_str().ok_or_else(|| format!("{name} is no text"));
    match name {
        "model" => {}
        "provider" => entry.provider = Some(super::names::provider(text()?).into()),
        "mode" => entry.mode = Some(mode(text()?)?),
        "from" => entry.from_us = Some(day(text()?)?),
        "aliases" => {
            let names = value.as_array().into_iter().flatten().map(Value::as_str);
            let names: Option<Vec<Box<str>>> = names.map(|name| name.map(Into::into)).collect();
            entry.aliases = names.filter(|_| value.is_array()).ok_or("aliases is no list of names")?;
        }
        _ => match Service::ALL.into_iter().find(|s| *s != Service::Standard && s.word() == name) {
            Some(service) => scheme(entry.scheme_mut(service), name, value)?,
            None => price(entry.scheme_mut(Service::Standard), name, value)?,
        },
    }
    Ok(())
}

fn mode(word: &str) -> Result<Mode, String> {
    Mode::from_word(word).ok_or_else(|| format!("no mode {word:?}{}", did_you_mean(word, Mode::ALL.map(Mode::word))))
}

fn scheme(scheme: &mut Scheme, name: &str, value: &Value) -> Result<(), String> {
    let fields = value.as_object().ok_or_else(|| format!("{name} is no object with prices"))?;
    fields.iter().try_for_each(|(name, value)| price(scheme, name, value))
}

fn price(scheme: &mut Scheme, name: &str, value: &Value) -> Result<(), String> {
    if name != "tiers" {
        return rate(&mut scheme.rates, name, value);
    }
    for tier in value.as_array().ok_or("tiers is no list")? {
        let above = tier.get("above").and_then(Value::as_u64).ok_or("a tier has no \"above\", a number of tokens")?;
        let rates = scheme.tier_of(above);
        if !rates.is_empty() {
            return Err(format!("there are two tiers above {above}"));
        }
        for (name, value) in tier.as_object().into_iter().flatten().filter(|(name, _)| *name != "above") {
            rate(rates, name, value)?;
        }
    }
    Ok(())
}

fn rate(rates: &mut Rates, name: &str, value: &Value) -> Result<(), String> {
    let bucket = Bucket::from_word(name).ok_or_else(|| {
        let known = ["model", "provider", "mode", "from", "aliases", "tiers", "batch", "flex", "priority"];
        format!("no field {name:?}{}", did_you_mean(name, Bucket::ALL.map(Bucket::word).into_iter().chain(known)))
    })?;
    let dollars = value.as_f64().ok_or_else(|| format!("{name} is no number"))?;
    rates.set(bucket, Rate::from_float(dollars, 1e6).map_err(|why| format!("{name}: {why}"))?);
    Ok(())
}

/// Writes a table; it reads back as the same.
pub fn write(book: &Book) -> String {
    let mut out = format!("{{\"format\":\"{FORM}\",\"version\":{VERSION},\"unit\":\"{UNIT}\"");
    if let Some(date) = book.source.date_us {
        let _ = write!(out, ",\"date\":\"{}\"", day_text(date));
    }
    let _ = writeln!(out, ",\"source\":{}}}", Value::from(&*book.source.name));
    for entry in &book.entries {
        out.push_str(&line(entry));
        out.push('\n');
    }
    out
}

/// One model as a line, without the end of the line.
pub fn line(entry: &Entry) -> String {
    let mut out = format!("{{\"model\":{}", Value::from(&*entry.model));
    if let Some(provider) = &entry.provider {
        let _ = write!(out, ",\"provider\":{}", Value::from(&**provider));
    }
    if let Some(mode) = entry.mode {
        let _ = write!(out, ",\"mode\":\"{}\"", mode.word());
    }
    if let Some(from) = entry.from_us {
        let _ = write!(out, ",\"from\":\"{}\"", day_text(from));
    }
    for service in Service::ALL {
        match entry.scheme(service) {
            Some(scheme) if service == Service::Standard => out.extend([",", &scheme_text(scheme)]),
            Some(scheme) => drop(write!(out, ",\"{}\":{{{}}}", service.word(), scheme_text(scheme))),
            None => {}
        }
    }
    if !entry.aliases.is_empty() {
        let names: Vec<Value> = entry.aliases.iter().map(|name| Value::from(&**name)).collect();
        let _ = write!(out, ",\"aliases\":{}", Value::from(names));
    }
    out.push('}');
    out
}

fn scheme_text(scheme: &Scheme) -> String {
    let mut parts: Vec<String> = rates_text(&scheme.rates);
    let tiers = scheme.tiers.iter().map(|tier| {
        let fields = [vec![format!("\"above\":{}", tier.above)], rates_text(&tier.rates)].concat();
        format!("{{{}}}", fields.join(","))
    });
    let tiers: Vec<String> = tiers.collect();
    if !tiers.is_empty() {
        parts.push(format!("\"tiers\":[{}]", tiers.join(",")));
    }
    parts.join(",")
}

fn rates_text(rates: &Rates) -> Vec<String> {
    rates.known().map(|(bucket, rate)| format!("\"{}\":{rate}", bucket.word())).collect()
}

#[cfg(test)]
#[path = "own/tests.rs"]
mod tests;

//! Numbers of the builders' dictionaries mapped to the store's. The store's own dictionaries only grow, so a number once
//! known stays right, whoever else writes.

use crate::batch::{Batch, SeriesKey};
use crate::event::Outcome;
use rusqlite::{Connection, OptionalExtension, params};
use std::collections::HashMap;

/// Above so many series new ones are rolled up together, one `other` for each outcome.
pub const MAX_SERIES: i64 = 2_000;

/// The numbers between are kept for the `other` series, so that numbers in rollups stay small.
const FIRST_FOLDED: i64 = MAX_SERIES + 1 + Outcome::COUNT as i64;

/// A series in the store: its own number for rows, and the one it is rolled up in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Series {
    pub id: i64,
    pub rollup: u32,
}

#[derive(Debug, Default)]
struct Mapping {
    series_keys: Vec<SeriesKey>,
    series: Vec<Option<Series>>,
    attrs_text: Vec<Box<str>>,
    attrs: Vec<Option<i64>>,
}

/// What is known of the store's dictionaries.
#[derive(Debug, Default)]
pub struct Dicts {
    builders: HashMap<u64, Mapping>,
    templates: HashMap<Box<str>, i64>,
    sources: HashMap<Box<str>, i64>,
}

/// Builders that have been silent while so many others came are forgotten.
const MAX_BUILDERS: usize = 64;

/// Templates are looked up again above this.
const MAX_TEMPLATES: usize = 4_096;

impl Dicts {
    /// Takes in a batch's new entries, again or for the first time; they get their numbers when first used.
    pub fn learn(&mut self, batch: &Batch) {
        if self.builders.len() >= MAX_BUILDERS && !self.builders.contains_key(&batch.builder) {
            let oldest = self.builders.keys().min().copied();
            oldest.and_then(|number| self.builders.remove(&number));
        }
        let mapping = self.builders.entry(batch.builder).or_default();
        mapping.series_keys.truncate(batch.first_series as usize);
        mapping.series_keys.extend(batch.new_series.iter().cloned());
        mapping.series.resize(mapping.series_keys.len(), None);
        mapping.attrs_text.truncate(batch.first_attrs as usize);
        mapping.attrs_text.extend(batch.new_attrs.iter().cloned());
        mapping.attrs.resize(mapping.attrs_text.len(), None);
    }

    /// After a rollback: numbers given in that transaction do not exist.
    pub fn forget(&mut self) {
        for mapping in self.builders.values_mut() {
            mapping.series.fill(None);
            mapping.attrs.fill(None);
        }
        self.templates.clear();
        self.sources.clear();
    }

    /// The store's series for a builder's number.
    #[inline]
    pub fn series(&mut self, conn: &Connection, builder: u64, number: u32) -> rusqlite::Result<Series> {
        let unknown = || rusqlite::Error::IntegralValueOutOfRange(0, i64::from(number));
        let mapping = self.builders.get_mut(&builder).ok_or_else(unknown)?;
        let slot = mapping.series.get_mut(number as usize).ok_or_else(unknown)?;
        if let Some(series) = slot {
            return Ok(*series);
        }
        let series = find_series(conn, &mapping.series_keys[number as usize])?;
        *slot = Some(series);
        Ok(series)
    }

    /// The store's number for a builder's combination of attributes.
    #[inline]
    pub fn attrs(&mut self, conn: &Connection, builder: u64, number: u32) -> rusqlite::Result<i64> {
        let unknown = || rusqlite::Error::IntegralValueOutOfRange(0, i64::from(number));
        let mapping = self.builders.get_mut(&builder).ok_or_else(unknown)?;
        let slot = mapping.attrs.get_mut(number as usize).ok_or_else(unknown)?;
        if let Some(id) = slot {
            return Ok(*id);
        }
        let json = &mapping.attrs_text[number as usize];
        let id = find_text(conn, "SELECT id FROM attrs WHERE json = ?1", "INSERT INTO attrs (json) VALUES (?1)", json)?;
        *slot = Some(id);
        Ok(id)
    }

    /// The number of a message template.
    pub fn template(&mut self, conn: &Connection, text: &str) -> rusqlite::Result<i64> {
        if let Some(id) = self.templates.get(text) {
            return Ok(*id);
        }
        let id =
            find_text(conn, "SELECT id FROM template WHERE text = ?1", "INSERT INTO template (text) VALUES (?1)", text)?;
        if self.templates.len() >= MAX_TEMPLATES {
            self.templates.clear();
        }
        self.templates.insert(text.into(), id);
        Ok(id)
    }

    /// The number of a source.
    pub fn source(&mut self, conn: &Connection, name: &str) -> rusqlite::Result<i64> {
        if let Some(id) = self.sources.get(name) {
            return Ok(*id);
        }
        let id = find_text(conn, "SELECT id FROM source WHERE name = ?1", "INSERT INTO source (name) VALUES (?1)", name)?;
        self.sources.insert(name.into(), id);
        Ok(id)
    }
}

fn find_text(conn: &Connection, select: &str, insert: &str, text: &str) -> rusqlite::Result<i64> {
    if let Some(id) = conn.prepare_cached(select)?.query_row([text], |row| row.get(0)).optional()? {
        return Ok(id);
    }
    conn.prepare_cached(insert)?.execute([text])?;
    Ok(conn.last_insert_rowid())
}

fn find_series(conn: &Connection, key: &SeriesKey) -> rusqlite::Result<Series> {
    let bytes = key.bytes();
    if let Some(series) = select_series(conn, &bytes)? {
        return Ok(series);
    }
    // The `other` series comes first, if one is needed: it takes a number of its own.
    let other = if next_series(conn)? > MAX_SERIES { Some(other_series(conn, key.outcome)?) } else { None };
    let id = next_series(conn)?;
    let rollup = other.unwrap_or(id);
    insert_series(conn, id, &bytes, rollup, key)?;
    Ok(Series { id, rollup: u32::try_from(rollup).unwrap_or(u32::MAX) })
}

fn next_series(conn: &Connection) -> rusqlite::Result<i64> {
    let next: i64 = conn.query_row("SELECT coalesce(max(id), 0) + 1 FROM series", [], |row| row.get(0))?;
    Ok(if next > MAX_SERIES { next.max(FIRST_FOLDED) } else { next })
}

fn select_series(conn: &Connection, bytes: &[u8]) -> rusqlite::Result<Option<Series>> {
    conn.prepare_cached("SELECT id, rollup FROM series WHERE key = ?1")?
        .query_row([bytes], |row| Ok(Series { id: row.get(0)?, rollup: row.get(1)? }))
        .optional()
}

/// The series that stands for all folded ones of an outcome: its key is no series' key, its dimensions are unknown.
fn other_series(conn: &Connection, outcome: Outcome) -> rusqlite::Result<i64> {
    let bytes = [b"other".as_slice(), &[outcome.number()]].concat();
    if let Some(series) = select_series(conn, &bytes)? {
        return Ok(series.id);
    }
    let id = MAX_SERIES + 1 + i64::from(outcome.number());
    insert_series(conn, id, &bytes, id, &SeriesKey { dims: Default::default(), outcome })?;
    Ok(id)
}

fn insert_series(conn: &Connection, id: i64, bytes: &[u8], rollup: i64, key: &SeriesKey) -> rusqlite::Result<()> {
    let [provider, model, operation, app, environment, host, variant] = key.dims.each_ref().map(Option::as_deref);
    conn.prepare_cached("INSERT INTO series VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)")?.execute(params![
        id,
        bytes,
        rollup,
        provider,
        model,
        operation,
        app,
        environment,
        host,
        variant,
        key.outcome.number()
    ])?;
    Ok(())
}

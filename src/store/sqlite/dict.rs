//! Numbers of the builders' dictionaries mapped to the store's. The store's own dictionaries only grow, so a number once
//! known stays right, whoever else writes.

use super::rollup::HOST_LANES;
use super::unit::{Arm, Arms};
use crate::batch::{Batch, SeriesKey};
use crate::event::Outcome;
use rusqlite::{Connection, OptionalExtension, ToSql, params, params_from_iter};
use std::collections::HashMap;

/// A series in the store: its own number for rows, and the lanes it is rolled up in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Series {
    pub id: i64,
    pub lane: u32,
    pub host_lane: Option<u32>,
}

/// A builder's numbers and the store's for them.
#[derive(Debug, Default)]
pub struct Mapping {
    series_keys: Vec<SeriesKey>,
    series: Vec<Option<Series>>,
    attrs_text: Vec<Box<str>>,
    attrs: Vec<Option<i64>>,
    /// Arms of experiments, by the numbers of series and attributes.
    pub(super) arms: foldhash::HashMap<(u32, u32), Option<Arm>>,
}

impl Mapping {
    /// The variant of the builder's series.
    #[inline]
    pub fn variant(&self, series: u32) -> Option<&str> {
        self.series_keys.get(series as usize)?.dims.last()?.as_deref().filter(|variant| !variant.is_empty())
    }

    /// The builder's combination of attributes.
    pub fn attrs_json(&self, number: u32) -> &str {
        self.attrs_text.get(number as usize).map_or("", |json| json)
    }

    /// The store's series for the builder's number.
    #[inline]
    pub fn series(&mut self, conn: &Connection, number: u32) -> rusqlite::Result<Series> {
        match self.series.get(number as usize) {
            Some(Some(series)) => Ok(*series),
            Some(None) => {
                let series = find_series(conn, &self.series_keys[number as usize])?;
                self.series[number as usize] = Some(series);
                Ok(series)
            }
            None => Err(rusqlite::Error::InvalidQuery),
        }
    }

    /// The store's number for the builder's combination of attributes.
    #[inline]
    pub fn attrs(&mut self, conn: &Connection, number: u32) -> rusqlite::Result<i64> {
        match self.attrs.get(number as usize) {
            Some(Some(id)) => Ok(*id),
            Some(None) => {
                let (select, insert) = ("SELECT id FROM attrs WHERE json = ?1", "INSERT INTO attrs (json) VALUES (?1)");
                let id = find_text(conn, select, insert, &self.attrs_text[number as usize])?;
                self.attrs[number as usize] = Some(id);
                Ok(id)
            }
            None => Err(rusqlite::Error::InvalidQuery),
        }
    }
}

/// What is known of the store's dictionaries.
#[derive(Debug, Default)]
pub struct Dicts {
    /// The one used last stands last.
    builders: Vec<(u64, Mapping)>,
    templates: HashMap<Box<str>, i64>,
    sources: HashMap<Box<str>, i64>,
    pub(super) arms: Arms,
    /// How often units were settled anew, when that was last looked at.
    settled: Option<i64>,
}

/// Builders that have been silent while so many others spoke are forgotten: those that have started anew under another
/// number. There are a few at a time, one for each parsing thread, and they speak in turn.
const MAX_BUILDERS: usize = 64;

/// Templates are looked up again above this.
const MAX_TEMPLATES: usize = 4_096;

impl Dicts {
    /// Takes in a batch's new entries, again or for the first time; they get their numbers when first used. A builder that
    /// goes on where nothing is known of its beginning stays unknown: its numbers would be those of other entries.
    pub fn learn(&mut self, batch: &Batch) {
        if self.of(batch.builder).is_err() {
            if batch.first_series > 0 || batch.first_attrs > 0 {
                return;
            }
            if self.builders.len() >= MAX_BUILDERS {
                self.builders.remove(0);
            }
            self.builders.push((batch.builder, Mapping::default()));
        }
        let Some((_, mapping)) = self.builders.last_mut() else { return };
        mapping.series_keys.truncate(batch.first_series as usize);
        mapping.series_keys.extend(batch.new_series.iter().cloned());
        mapping.series.resize(mapping.series_keys.len(), None);
        mapping.attrs_text.truncate(batch.first_attrs as usize);
        mapping.attrs_text.extend(batch.new_attrs.iter().cloned());
        mapping.attrs.resize(mapping.attrs_text.len(), None);
    }

    /// After a rollback: numbers given in that transaction do not exist.
    pub fn forget(&mut self) {
        for (_, mapping) in &mut self.builders {
            mapping.series.fill(None);
            mapping.attrs.fill(None);
        }
        self.forget_arms();
        self.templates.clear();
        self.sources.clear();
    }

    /// Forgets arms where an experiment got another unit since, whoever settled that.
    pub fn look_at_units(&mut self, settled: Option<i64>) {
        if std::mem::replace(&mut self.settled, settled) != settled {
            self.forget_arms();
        }
    }

    fn forget_arms(&mut self) {
        self.builders.iter_mut().for_each(|(_, mapping)| mapping.arms.clear());
        self.arms.forget();
    }

    /// What is known of a builder's numbers.
    #[inline]
    pub fn of(&mut self, builder: u64) -> rusqlite::Result<&mut Mapping> {
        // Nearly always the one that was asked for before.
        if self.builders.last().is_none_or(|(number, _)| *number != builder) {
            let at = self.builders.iter().position(|(number, _)| *number == builder);
            self.builders[at.ok_or(rusqlite::Error::InvalidQuery)?..].rotate_left(1);
        }
        self.builders.last_mut().map(|(_, mapping)| mapping).ok_or(rusqlite::Error::InvalidQuery)
    }

    /// The number of a message template.
    pub fn template(&mut self, conn: &Connection, text: &str) -> rusqlite::Result<i64> {
        if let Some(id) = self.templates.get(text) {
            return Ok(*id);
        }
        let id = find_text(
            conn,
            "SELECT id FROM template WHERE text = ?1",
            "INSERT INTO template (text) VALUES (?1)",
            text,
        )?;
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
        let id =
            find_text(conn, "SELECT id FROM source WHERE name = ?1", "INSERT INTO source (name) VALUES (?1)", name)?;
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
    let known = conn
        .prepare_cached("SELECT id, lane, host_lane FROM series WHERE key = ?1")?
        .query_row([&bytes], |row| Ok(Series { id: row.get(0)?, lane: row.get(1)?, host_lane: row.get(2)? }))
        .optional()?;
    if let Some(series) = known {
        return Ok(series);
    }
    let lane = find_lane(conn, &Family::MAIN, &key.without_host())?;
    let host_lane = Some(find_lane(conn, &Family::HOSTS, &key.host_alone())?);
    let sql = "INSERT INTO series VALUES (NULL, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)";
    insert_key(conn, sql, [&bytes, &lane, &host_lane], key)?;
    Ok(Series { id: conn.last_insert_rowid(), lane, host_lane })
}

/// A kind of lane, with its numbers.
struct Family {
    /// The first number.
    first: u32,
    /// Above so many lanes new combinations share one lane for each outcome.
    most: u32,
}

impl Family {
    const MAIN: Family = Family { first: 1, most: 2_000 };
    const HOSTS: Family = Family { first: HOST_LANES, most: 1_000 };

    /// The shared lane of an outcome: right behind the others.
    fn shared(&self, outcome: Outcome) -> u32 {
        self.first + self.most + u32::from(outcome.number())
    }
}

/// The lane of a combination.
fn find_lane(conn: &Connection, family: &Family, key: &SeriesKey) -> rusqlite::Result<u32> {
    let bytes = key.bytes();
    let known = conn
        .prepare_cached("SELECT id FROM lane WHERE key = ?1 AND (id >= 65536) = ?2")?
        .query_row(params![bytes, family.first == HOST_LANES], |row| row.get(0))
        .optional()?;
    if let Some(lane) = known {
        return Ok(lane);
    }
    let last = family.first + family.most;
    let next: u32 = conn
        .prepare_cached("SELECT coalesce(max(id) + 1, ?1) FROM lane WHERE id >= ?1 AND id < ?2")?
        .query_row([family.first, last], |row| row.get(0))?;
    if next < last {
        insert_lane(conn, next, &bytes, false, key)?;
        return Ok(next);
    }
    let shared = family.shared(key.outcome);
    let exists: bool =
        conn.prepare_cached("SELECT count(*) FROM lane WHERE id = ?1")?.query_row([shared], |row| row.get(0))?;
    if !exists {
        let nothing = SeriesKey { dims: Default::default(), outcome: key.outcome };
        // No combination has such bytes, so it is never found by its key.
        insert_lane(conn, shared, format!("shared {shared}").as_bytes(), true, &nothing)?;
    }
    Ok(shared)
}

fn insert_lane(conn: &Connection, id: u32, bytes: &[u8], shared: bool, key: &SeriesKey) -> rusqlite::Result<()> {
    let sql = "INSERT INTO lane VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)";
    insert_key(conn, sql, [&id, &bytes, &shared], key)
}

/// Inserts a row that ends in the dimensions and the outcome of a key, after values of its own.
fn insert_key(conn: &Connection, sql: &str, first: [&dyn ToSql; 3], key: &SeriesKey) -> rusqlite::Result<()> {
    let outcome = key.outcome.number();
    let dims = key.dims.iter().map(|dim| dim as &dyn ToSql);
    let values = first.into_iter().chain(dims).chain([&outcome as &dyn ToSql]);
    conn.prepare_cached(sql)?.execute(params_from_iter(values))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::sqlite::open_writer;

    fn batch(builder: u64, first_series: u32, model: &str) -> Batch {
        let mut key = SeriesKey::default();
        key.dims[1] = Some(model.into());
        Batch { builder, first_series, new_series: vec![key], ..Batch::default() }
    }

    fn model(conn: &Connection, series: Series) -> String {
        conn.query_row("SELECT model FROM series WHERE id = ?1", [series.id], |row| row.get(0)).expect("a model")
    }

    /// One that speaks now and then is never forgotten, however many come and go; one that was is not taken for another.
    #[test]
    fn a_builder_keeps_its_numbers_or_has_none() {
        let folder = tempfile::tempdir().expect("a folder");
        let (conn, _) = open_writer(&folder.path().join("test.db")).expect("a store");
        let mut dicts = Dicts::default();
        dicts.learn(&batch(1, 0, "first"));
        for other in 0..500u64 {
            dicts.learn(&batch(100 + other, 0, "passing"));
            let series = dicts.of(1).and_then(|m| m.series(&conn, 0)).expect("still known");
            assert_eq!(model(&conn, series), "first");
        }
        dicts.learn(&batch(1, 1, "second"));
        let series = dicts.of(1).and_then(|m| m.series(&conn, 1)).expect("known");
        assert_eq!(model(&conn, series), "second");
        // Number 100 is gone: what it says next does not take the place of what it said first.
        dicts.learn(&batch(100, 1, "next"));
        assert!(dicts.of(100).is_err());
    }
}

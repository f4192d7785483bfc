//! Arms: the variants of experiments as numbers. An experiment's unit is kept with it, so that the writer needs no
//! configuration: who knows one says it once (`Store::settle`), and the experiment's units are then counted anew.

use super::super::dict::Dicts;
use crate::batch::{Facts, INLINE, Id};
use crate::view::{DEFAULT_EXPERIMENT, Unit};
use rusqlite::{Connection, OptionalExtension, params};
use std::collections::HashMap;
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// More variants than this are no experiment: further ones are not counted.
const MOST: u32 = 4_096;

/// So many pairs of series and attributes are remembered.
const PAIRS: usize = 100_000;

/// A variant of an experiment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arm {
    pub number: u32,
    pub unit: Unit,
}

impl Arm {
    /// The hash of the unit that a call is of.
    pub fn unit_of(self, facts: &Facts<'_>, call: i64) -> u64 {
        let ids: &[Id] = match self.unit {
            Unit::User => &[Id::User, Id::Session],
            Unit::Session => &[Id::Session],
            Unit::Request => &[],
        };
        let named = ids.iter().map(|id| (*id, facts.id_bytes(*id))).find(|(_, (_, name))| !name.is_empty());
        match named {
            Some((id, (packed, name))) => unit_hash(id, packed, name),
            None => call.cast_unsigned(),
        }
    }
}

/// The hash of a unit by its name: a user and a session of one name are two.
pub fn unit_hash(id: Id, packed: bool, name: &[u8]) -> u64 {
    xxh3_64_with_seed(name, (id as u64) << 1 | u64::from(packed))
}

/// Arms that are known, by experiment and variant.
#[derive(Debug, Default)]
pub struct Arms {
    known: HashMap<(Box<str>, Box<str>), Option<Arm>>,
}

impl Arms {
    /// The arm of a variant; `None` beyond the most there may be.
    pub fn find(&mut self, conn: &Connection, experiment: &str, variant: &str) -> rusqlite::Result<Option<Arm>> {
        let key = (experiment.into(), variant.into());
        if let Some(arm) = self.known.get(&key) {
            return Ok(*arm);
        }
        let arm = number(conn, experiment, variant)?;
        let arm = arm.map(|number| Ok(Arm { number, unit: unit(conn, experiment)? })).transpose();
        let arm: rusqlite::Result<Option<Arm>> = arm;
        let arm = arm?;
        if self.known.len() >= PAIRS {
            self.known.clear();
        }
        self.known.insert(key, arm);
        Ok(arm)
    }

    /// After a rollback, or where an experiment got another unit.
    pub fn forget(&mut self) {
        self.known.clear();
    }
}

/// What was assigned to the variants of an experiment as a whole.
pub fn unit(conn: &Connection, experiment: &str) -> rusqlite::Result<Unit> {
    let stored: Option<u8> = conn
        .prepare_cached("SELECT unit FROM experiment WHERE name = ?1")?
        .query_row([experiment], |row| row.get(0))
        .optional()?;
    Ok(stored.map_or(Unit::default(), Unit::from_number))
}

fn number(conn: &Connection, experiment: &str, variant: &str) -> rusqlite::Result<Option<u32>> {
    let known = conn
        .prepare_cached("SELECT id FROM arm WHERE experiment = ?1 AND variant = ?2")?
        .query_row([experiment, variant], |row| row.get(0))
        .optional()?;
    if known.is_some() {
        return Ok(known);
    }
    let count: u32 = conn.prepare_cached("SELECT count(*) FROM arm")?.query_row([], |row| row.get(0))?;
    if count >= MOST {
        return Ok(None);
    }
    conn.prepare_cached("INSERT INTO arm (experiment, variant) VALUES (?1, ?2)")?
        .execute(params![experiment, variant])?;
    Ok(u32::try_from(conn.last_insert_rowid()).ok())
}

/// The experiment that attributes name.
#[derive(serde::Deserialize)]
struct Named {
    experiment: Option<String>,
}

/// The experiment of a call with these attributes, as JSON.
pub fn experiment(json: &str) -> String {
    let named = serde_json::from_str::<Named>(json).ok().and_then(|named| named.experiment);
    named.filter(|name| !name.is_empty()).unwrap_or_else(|| DEFAULT_EXPERIMENT.to_owned())
}

impl Dicts {
    /// The arm of a call by the builder's numbers of its series and its attributes, or by those as they stand in the line;
    /// `None` where it has no variant.
    #[inline]
    pub fn arm(
        &mut self,
        conn: &Connection,
        builder: u64,
        (series, attrs): (u32, u32),
        inline: &str,
    ) -> rusqlite::Result<Option<Arm>> {
        let mapping = self.of(builder)?;
        let Some(variant) = mapping.variant(series) else { return Ok(None) };
        if let Some(arm) = mapping.arms.get(&(series, attrs)).filter(|_| attrs != INLINE) {
            return Ok(*arm);
        }
        let variant = variant.to_owned();
        let name = experiment(if attrs == INLINE { inline } else { mapping.attrs_json(attrs) });
        let arm = self.arms.find(conn, &name, &variant)?;
        let known = &mut self.of(builder)?.arms;
        if known.len() >= PAIRS {
            known.clear();
        }
        known.insert((series, attrs), arm);
        Ok(arm)
    }
}

//! Scores of units: what a score says is counted where its call is, and taken back where it turns out to judge another.

use super::super::scores::{Judged, Resolved};
use super::arm::{Arm, Arms, unit_hash};
use super::counts::{Counts, Scored};
use super::{Units, run};
use crate::batch::{Id, pack_id};
use crate::store::StoreError;
use crate::store::sqlite::Place;
use crate::view::{DEFAULT_EXPERIMENT, RecordKey, Unit};
use rusqlite::{Connection, OptionalExtension};
use std::collections::HashMap;

/// Scores of more names than this are not counted.
const MOST: u32 = 1_000;

/// The score that says whether a task was completed; on another scale than 0 to 1 it says nothing of that.
const COMPLETED: &str = "task_completed";

/// Counts scores that count otherwise than before.
pub fn count(conn: &Connection, place: &Place, arms: &mut Arms, resolved: &[Resolved]) -> Result<(), StoreError> {
    if resolved.is_empty() {
        return Ok(());
    }
    let mut counting = Counting { conn, arms, names: HashMap::new(), units: Units::default() };
    let mut count = || -> rusqlite::Result<()> {
        for score in resolved {
            let said = (&*score.name, score.value);
            if let Some(was) = &score.was {
                counting.add(score.key, said, was, -1)?;
            }
            counting.add(score.key, said, &score.is, 1)?;
        }
        Ok(())
    };
    count().map_err(|e| place.wrap(e))?;
    run::write(conn, place, counting.units.finish())
}

/// Counts all scores in the store, or those of one experiment.
pub fn fill(conn: &Connection, place: &Place, only: Option<&str>) -> Result<(), StoreError> {
    let mut arms = Arms::default();
    let mut counting = Counting { conn, arms: &mut arms, names: HashMap::new(), units: Units::default() };
    let mut count = || -> rusqlite::Result<()> {
        let columns = Judged::COLUMNS;
        let sql = format!("SELECT ts_us, id, name, value, {columns} FROM score WHERE found <> 0 AND variant <> ''");
        let mut select = conn.prepare(&sql)?;
        let mut rows = select.query([])?;
        while let Some(row) = rows.next()? {
            let Some(judged) = Judged::read(row, 4)? else { continue };
            if only.is_some_and(|only| experiment(&judged) != only) {
                continue;
            }
            let (key, name) = (RecordKey { ts_us: row.get(0)?, id: row.get(1)? }, row.get::<_, String>(2)?);
            counting.add(key, (&name, row.get(3)?), &judged, 1)?;
        }
        Ok(())
    };
    count().map_err(|e| place.wrap(e))?;
    run::write(conn, place, counting.units.finish())
}

struct Counting<'c> {
    conn: &'c Connection,
    arms: &'c mut Arms,
    names: HashMap<Box<str>, Option<u32>>,
    units: Units,
}

impl Counting<'_> {
    fn add(
        &mut self,
        score: RecordKey,
        (name, value): (&str, f64),
        judged: &Judged,
        sign: i64,
    ) -> rusqlite::Result<()> {
        let Some(variant) = judged.shared.variant() else { return Ok(()) };
        if name == COMPLETED && !(0.0..=1.0).contains(&value) {
            return Ok(());
        }
        let Some(arm) = self.arms.find(self.conn, experiment(judged), variant)? else { return Ok(()) };
        let (Some(unit), Some(name)) = (unit_of(arm, judged), self.name(name)?) else { return Ok(()) };
        // On the day of the call that is judged; of a trace, on the day of the judgement.
        let ts_us = judged.call.as_ref().map_or(score.ts_us, |call| call.key.ts_us);
        self.units.merge(ts_us, arm.number, unit, &Counts::scored(Scored::of(name, value, sign)));
        Ok(())
    }

    fn name(&mut self, name: &str) -> rusqlite::Result<Option<u32>> {
        if let Some(number) = self.names.get(name) {
            return Ok(*number);
        }
        let number = number(self.conn, name)?;
        self.names.insert(name.into(), number);
        Ok(number)
    }
}

fn experiment(judged: &Judged) -> &str {
    judged.shared.experiment().unwrap_or(DEFAULT_EXPERIMENT)
}

/// The unit that a score is of. That of a trace whose calls are of several users or sessions is not known.
fn unit_of(arm: Arm, judged: &Judged) -> Option<u64> {
    let shared = &judged.shared;
    let names: &[(Id, Option<&str>)] = match arm.unit {
        Unit::User => &[(Id::User, shared.user()), (Id::Session, shared.session())],
        Unit::Session => &[(Id::Session, shared.session())],
        Unit::Request => &[],
    };
    if judged.call.is_none() && shared.is_torn() {
        return None;
    }
    match names.iter().find_map(|(id, name)| Some((*id, (*name)?))) {
        Some((id, name)) => {
            let mut packed = [0; 17];
            Some(match pack_id(name, &mut packed) {
                Some(len) => unit_hash(id, true, &packed[..len]),
                None => unit_hash(id, false, name.as_bytes()),
            })
        }
        None => judged.call.as_ref().map(|call| call.key.id.cast_unsigned()),
    }
}

fn number(conn: &Connection, name: &str) -> rusqlite::Result<Option<u32>> {
    let known = conn
        .prepare_cached("SELECT id FROM unit_score WHERE name = ?1")?
        .query_row([name], |row| row.get(0))
        .optional()?;
    if known.is_some() {
        return Ok(known);
    }
    let count: u32 = conn.prepare_cached("SELECT count(*) FROM unit_score")?.query_row([], |row| row.get(0))?;
    if count >= MOST {
        return Ok(None);
    }
    conn.prepare_cached("INSERT INTO unit_score (name) VALUES (?1)")?.execute([name])?;
    Ok(u32::try_from(conn.last_insert_rowid()).ok())
}

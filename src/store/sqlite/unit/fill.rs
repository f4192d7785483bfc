//! Counting units from the calls that are in the store already: of a store from before there were units, and of an experiment
//! whose unit was settled to be another.

use super::arm::{self, Arm, Arms};
use super::{Units, run};
use crate::batch::Facts;
use crate::event::Outcome;
use crate::store::StoreError;
use crate::store::sqlite::Place;
use crate::view::Unit;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, Row, params};
use std::collections::HashMap;

/// So many calls are counted before they are written.
const PORTION: usize = 50_000;

/// Counts the units of all experiments, or of one, from the calls in the store.
pub fn fill(conn: &Connection, place: &Place, only: Option<&str>) -> Result<(), StoreError> {
    let sql = |e| place.wrap(e);
    super::score::fill(conn, place, only)?;
    let mut work = Fill::new(conn, only).map_err(sql)?;
    if work.variants.is_empty() {
        return Ok(());
    }
    let (mut units, mut counted) = (Units::default(), 0);
    let mut select =
        conn.prepare("SELECT ts_us, id, series, attrs, facts FROM call ORDER BY ts_us, id").map_err(sql)?;
    let mut rows = select.query([]).map_err(sql)?;
    while let Some(row) = rows.next().map_err(sql)? {
        let Some((arm, outcome)) = work.arm(row).map_err(sql)? else { continue };
        let facts = row.get_ref(4).map_err(sql)?.as_blob().ok().and_then(Facts::read);
        let facts = facts.ok_or_else(|| place.damaged("a call does not read"))?;
        let id: i64 = row.get(1).map_err(sql)?;
        units.add(row.get(0).map_err(sql)?, arm.number, arm.unit_of(&facts, id), &facts.sample(outcome));
        counted += 1;
        if counted % PORTION == 0 {
            run::write(conn, place, units.finish())?;
        }
    }
    run::write(conn, place, units.finish())
}

/// Settles what was assigned to the variants of experiments as a whole; those where that is another than before are counted
/// anew, as far back as there are calls.
pub fn settle(conn: &Connection, place: &Place, units: &[(String, Unit)]) -> Result<bool, StoreError> {
    let mut changed = false;
    for (name, unit) in units {
        if arm::unit(conn, name).map_err(|e| place.wrap(e))? == *unit {
            continue;
        }
        changed = true;
        let forget = |conn: &Connection| -> rusqlite::Result<()> {
            conn.execute("INSERT OR REPLACE INTO experiment VALUES (?1, ?2)", params![name, *unit as u8])?;
            conn.execute("DELETE FROM unit_run WHERE arm IN (SELECT id FROM arm WHERE experiment = ?1)", [name])?;
            Ok(())
        };
        forget(conn).map_err(|e| place.wrap(e))?;
        fill(conn, place, Some(name))?;
    }
    if changed {
        // Other writers that are at work look at this.
        let more = "INSERT INTO counter VALUES ('settled', 1) ON CONFLICT DO UPDATE SET value = value + 1";
        conn.execute(more, []).map_err(|e| place.wrap(e))?;
    }
    Ok(changed)
}

/// Finding the arms of stored calls.
pub struct Fill<'c> {
    conn: &'c Connection,
    only: Option<String>,
    /// Series that have a variant, with their outcome.
    variants: HashMap<i64, (String, Outcome)>,
    experiments: HashMap<i64, String>,
    arms: Arms,
}

impl<'c> Fill<'c> {
    pub fn new(conn: &'c Connection, only: Option<&str>) -> rusqlite::Result<Fill<'c>> {
        let mut select = conn.prepare("SELECT id, variant, outcome FROM series WHERE variant <> ''")?;
        let rows = select.query_map([], |row| Ok((row.get(0)?, (row.get(1)?, Outcome::from_number(row.get(2)?)))))?;
        let variants = rows.collect::<rusqlite::Result<_>>()?;
        Ok(Fill { conn, only: only.map(str::to_owned), variants, experiments: HashMap::new(), arms: Arms::default() })
    }

    /// The arm and the outcome of a call; its series and attributes are columns 2 and 3.
    pub fn arm(&mut self, row: &Row<'_>) -> rusqlite::Result<Option<(Arm, Outcome)>> {
        let Some((variant, outcome)) = self.variants.get(&row.get(2)?) else { return Ok(None) };
        let inline;
        let name = match row.get_ref(3)? {
            ValueRef::Integer(number) => match self.experiments.entry(number) {
                std::collections::hash_map::Entry::Occupied(known) => &*known.into_mut(),
                std::collections::hash_map::Entry::Vacant(slot) => {
                    let json: String = self
                        .conn
                        .prepare_cached("SELECT json FROM attrs WHERE id = ?1")?
                        .query_row([number], |r| r.get(0))?;
                    &*slot.insert(arm::experiment(&json))
                }
            },
            ValueRef::Text(json) => {
                inline = arm::experiment(&String::from_utf8_lossy(json));
                &inline
            }
            _ => {
                inline = arm::experiment("");
                &inline
            }
        };
        if self.only.as_ref().is_some_and(|only| only != name) {
            return Ok(None);
        }
        Ok(self.arms.find(self.conn, name, variant)?.map(|arm| (arm, *outcome)))
    }
}

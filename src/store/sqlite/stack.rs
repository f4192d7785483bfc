//! Stacks of sorted runs: what there are millions of is no rows. Each transaction adds a run, and runs of alike size are merged,
//! so that a stack has few and each entry is written again seldom. What a run is, its owner knows.

use super::Place;
use crate::store::StoreError;
use rusqlite::{Connection, params};

/// Merges two runs, the older one first; `None` on broken bytes.
pub type Merge = fn(&[u8], &[u8]) -> Option<Vec<u8>>;

/// A table of stacks: which ones there are, two columns say.
pub struct Stacks {
    pub sizes: &'static str,
    pub take: &'static str,
    pub put: &'static str,
    pub merge: Merge,
    /// What is said of a run that does not read.
    pub broken: &'static str,
}

/// The stacks of a table, by the names of the two columns.
macro_rules! stacks {
    ($table:literal, $a:literal, $b:literal, $merge:expr, $broken:expr) => {
        $crate::store::sqlite::stack::Stacks {
            sizes: concat!(
                "SELECT run, length(data) FROM ",
                $table,
                " WHERE ",
                $a,
                " = ?1 AND ",
                $b,
                " = ?2 ORDER BY run DESC"
            ),
            take: concat!("DELETE FROM ", $table, " WHERE ", $a, " = ?1 AND ", $b, " = ?2 AND run = ?3 RETURNING data"),
            put: concat!("INSERT INTO ", $table, " (", $a, ", ", $b, ", run, data) VALUES (?1, ?2, ?3, ?4)"),
            merge: $merge,
            broken: $broken,
        }
    };
}
pub(super) use stacks;

impl Stacks {
    /// Adds a run to a stack, first merging it with those before it that are not much larger: their number stays logarithmic.
    pub fn add(
        &self,
        conn: &Connection,
        place: &Place,
        (a, b): (i64, i64),
        mut data: Vec<u8>,
    ) -> Result<(), StoreError> {
        let sql = |e| place.wrap(e);
        let sizes: Vec<(i64, i64)> = conn
            .prepare_cached(self.sizes)
            .and_then(|mut s| s.query_map(params![a, b], |row| Ok((row.get(0)?, row.get(1)?)))?.collect())
            .map_err(sql)?;
        let mut number = sizes.first().map_or(0, |(n, _)| n + 1);
        for (older, size) in sizes {
            if size > 2 * data.len() as i64 {
                break;
            }
            let old: Vec<u8> = conn
                .prepare_cached(self.take)
                .and_then(|mut s| s.query_row(params![a, b, older], |row| row.get(0)))
                .map_err(sql)?;
            data = (self.merge)(&old, &data).ok_or_else(|| place.damaged(self.broken))?;
            number = older;
        }
        conn.prepare_cached(self.put).and_then(|mut s| s.execute(params![a, b, number, data])).map_err(sql)?;
        Ok(())
    }
}

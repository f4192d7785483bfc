//! The store's dictionary of series, as a reader knows it, and what a filter says of each.

use crate::batch::SeriesKey;
use crate::event::Outcome;
use crate::view::{Dim, Filter};
use rusqlite::Connection;

/// All series, by number. Only ever grows, so it is read once and then only its end.
#[derive(Debug, Default)]
pub struct SeriesTable {
    keys: Vec<Option<SeriesKey>>,
    last: i64,
    /// How many are rolled up in an `other`.
    pub folded: u64,
}

impl SeriesTable {
    /// Reads what is new.
    pub fn refresh(&mut self, conn: &Connection) -> rusqlite::Result<()> {
        let mut select = conn.prepare_cached(
            "SELECT id, rollup, provider, model, operation, app, environment, host, variant, outcome \
             FROM series WHERE id > ?1 ORDER BY id",
        )?;
        let mut rows = select.query([self.last])?;
        while let Some(row) = rows.next()? {
            let (id, rollup): (i64, i64) = (row.get(0)?, row.get(1)?);
            let mut key = SeriesKey { outcome: Outcome::from_number(row.get(9)?), ..SeriesKey::default() };
            for (i, dim) in key.dims.iter_mut().enumerate() {
                *dim = row.get::<_, Option<String>>(i + 2)?.map(String::into_boxed_str);
            }
            let at = usize::try_from(id).unwrap_or_default();
            if self.keys.len() <= at {
                self.keys.resize(at + 1, None);
            }
            self.keys[at] = Some(key);
            self.folded += u64::from(rollup != id);
            self.last = self.last.max(id);
        }
        Ok(())
    }

    /// The dimensions of a series.
    pub fn key(&self, series: u32) -> Option<&SeriesKey> {
        self.keys.get(series as usize)?.as_ref()
    }

    /// A dimension of a series.
    pub fn dim(&self, series: u32, dim: Dim) -> Option<&str> {
        self.key(series)?.get(dim)
    }

    /// Which series a filter's terms on dimensions let through, by number.
    pub fn passing(&self, filter: &Filter) -> Vec<bool> {
        let passes = |key: &Option<SeriesKey>| key.as_ref().is_some_and(|k| filter.dims_match(&|dim| k.get(dim)));
        self.keys.iter().map(passes).collect()
    }
}

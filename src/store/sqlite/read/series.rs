//! The store's dictionaries of series and lanes, as a reader knows them, and what a filter says of each.

use crate::batch::SeriesKey;
use crate::event::Outcome;
use crate::store::sqlite::rollup::HOST_LANES;
use crate::view::{Dim, Filter};
use rusqlite::Connection;

/// Whose calls: a row's series, a rollup's lane, or everybody's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Who {
    Series(u32),
    Lane(u32),
    Everybody,
}

/// One dictionary, by number. Only ever grows, so it is read once and then only its end.
#[derive(Debug, Default)]
struct Keys {
    keys: Vec<Option<SeriesKey>>,
    last: i64,
}

impl Keys {
    fn refresh(&mut self, conn: &Connection, table: &str, (first, end): (u32, u32)) -> rusqlite::Result<()> {
        let sql = format!(
            "SELECT id, provider, model, operation, app, environment, host, variant, outcome \
             FROM {table} WHERE id >= ?1 AND id < ?2 ORDER BY id"
        );
        let mut select = conn.prepare_cached(&sql)?;
        // Shared lanes stand behind the others and may come before them.
        let mut rows = select.query([i64::from(first).max(self.last), i64::from(end)])?;
        while let Some(row) = rows.next()? {
            let id: u32 = row.get(0)?;
            let mut key = SeriesKey { outcome: Outcome::from_number(row.get(8)?), ..SeriesKey::default() };
            for (i, dim) in key.dims.iter_mut().enumerate() {
                *dim = row.get::<_, Option<String>>(i + 1)?.map(String::into_boxed_str);
            }
            let at = (id - first) as usize;
            if self.keys.len() <= at {
                self.keys.resize(at + 1, None);
            }
            self.keys[at] = Some(key);
        }
        Ok(())
    }

    fn passing(&self, filter: &Filter) -> Vec<bool> {
        let passes = |key: &Option<SeriesKey>| key.as_ref().is_some_and(|k| filter.dims_match(&|dim| k.get(dim)));
        self.keys.iter().map(passes).collect()
    }

    fn get(&self, at: u32) -> Option<&SeriesKey> {
        self.keys.get(at as usize)?.as_ref()
    }
}

/// All series and lanes.
#[derive(Debug, Default)]
pub struct SeriesTable {
    series: Keys,
    lanes: Keys,
    hosts: Keys,
    /// How many combinations share a lane.
    pub folded: u64,
}

/// What a filter's terms on dimensions say of each series and lane, by number.
#[derive(Debug, Default)]
pub struct Passing {
    series: Vec<bool>,
    lanes: Vec<bool>,
    hosts: Vec<bool>,
}

impl Passing {
    /// Whether calls pass.
    pub fn lets(&self, who: Who) -> bool {
        let (list, at) = match who {
            Who::Series(n) => (&self.series, n),
            Who::Lane(n) if n >= HOST_LANES => (&self.hosts, n - HOST_LANES),
            Who::Lane(n) => (&self.lanes, n),
            Who::Everybody => return true,
        };
        list.get(at as usize) == Some(&true)
    }
}

impl SeriesTable {
    /// Reads what is new.
    pub fn refresh(&mut self, conn: &Connection) -> rusqlite::Result<()> {
        let highest: i64 = conn.query_row("SELECT coalesce(max(id), 0) FROM series", [], |row| row.get(0))?;
        if highest == self.series.last {
            return Ok(());
        }
        self.series.refresh(conn, "series", (0, u32::MAX))?;
        self.series.last = highest;
        // Lanes are few, and a shared one may come before others: they are read anew.
        (self.lanes, self.hosts) = (Keys::default(), Keys::default());
        self.lanes.refresh(conn, "lane", (0, HOST_LANES))?;
        self.hosts.refresh(conn, "lane", (HOST_LANES, u32::MAX))?;
        let folded = "SELECT count(*) FROM series WHERE lane IN (SELECT id FROM lane WHERE shared = 1)";
        self.folded = conn.query_row(folded, [], |row| row.get(0))?;
        Ok(())
    }

    /// The dimensions of a series or lane.
    pub fn key(&self, who: Who) -> Option<&SeriesKey> {
        match who {
            Who::Series(n) => self.series.get(n),
            Who::Lane(n) if n >= HOST_LANES => self.hosts.get(n - HOST_LANES),
            Who::Lane(n) => self.lanes.get(n),
            Who::Everybody => None,
        }
    }

    /// A dimension of a series or lane.
    pub fn dim(&self, who: Who, dim: Dim) -> Option<&str> {
        self.key(who)?.get(dim)
    }

    /// What a filter says of each.
    pub fn passing(&self, filter: &Filter) -> Passing {
        Passing {
            series: self.series.passing(filter),
            lanes: self.lanes.passing(filter),
            hosts: self.hosts.passing(filter),
        }
    }
}

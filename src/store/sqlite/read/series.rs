//! The store's dictionaries of series and lanes, as a reader knows them, and what a filter says of each. Where series
//! share a lane, the lane has the values they have in common; what a filter says of only some of them, rows have to tell.

use super::cube::Cube;
use crate::batch::SeriesKey;
use crate::event::Outcome;
use crate::snapshot::OTHER;
use crate::store::sqlite::rollup::HOST_LANES;
use crate::view::{Dim, Filter};
use foldhash::HashSet;
use rusqlite::{Connection, Row};

/// Whose calls: a row's series, a rollup's lane, or everybody's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Who {
    Series(u32),
    Lane(u32),
    Everybody,
}

/// A series, and the lanes its calls are summed up in.
#[derive(Debug)]
struct Series {
    key: SeriesKey,
    lane: u32,
    host_lane: Option<u32>,
}

/// A lane: a combination of its own, or one that several series share.
#[derive(Debug)]
struct Lane {
    key: SeriesKey,
    is_shared: bool,
    /// How many series are known to share it.
    series: u64,
}

impl Lane {
    /// One more series, as this lane's family sees it, shares the lane: where values differ they are other ones.
    fn share(&mut self, key: SeriesKey) {
        self.series += 1;
        if self.series == 1 {
            self.key.dims = key.dims;
            return;
        }
        for (mine, theirs) in self.key.dims.iter_mut().zip(key.dims) {
            if *mine != theirs {
                *mine = Some(OTHER.into());
            }
        }
    }
}

/// Lanes of one family, by number from its first.
type Lanes = Vec<Option<Lane>>;

/// All series and lanes.
#[derive(Debug, Default)]
pub struct SeriesTable {
    series: Vec<Option<Series>>,
    last: i64,
    lanes: Lanes,
    hosts: Lanes,
    /// How many combinations share a lane.
    pub folded: u64,
}

/// What a filter's terms on dimensions say of each series and lane, by number.
#[derive(Debug, Default, Clone)]
pub struct Passing {
    series: Vec<bool>,
    lanes: Vec<bool>,
    hosts: Vec<bool>,
    /// Whether some lane holds both calls that pass and calls that do not.
    is_mixed: bool,
    /// The same of the lanes of hosts.
    is_mixed_by_host: bool,
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

    /// Whether the lanes of a cube tell calls that pass from those that do not.
    pub fn is_told_by(&self, cube: Cube) -> bool {
        match cube {
            Cube::Everything | Cube::Rows => true,
            Cube::Main => !self.is_mixed,
            Cube::Hosts => !self.is_mixed_by_host,
        }
    }
}

impl SeriesTable {
    /// Reads what is new. Dictionaries only ever grow.
    pub fn refresh(&mut self, conn: &Connection) -> rusqlite::Result<()> {
        let highest: i64 = conn.query_row("SELECT coalesce(max(id), 0) FROM series", [], |row| row.get(0))?;
        if highest == self.last {
            return Ok(());
        }
        let known = self.series.len();
        self.read_series(conn)?;
        self.last = highest;
        let new = self.series.get(known..).unwrap_or_default().iter().flatten();
        if new.into_iter().all(|s| self.has_lanes(s)) {
            self.note(known);
            return Ok(());
        }
        // Lanes are few, and a shared one may come before others: they are read anew.
        self.lanes = read_lanes(conn, (0, HOST_LANES))?;
        self.hosts = read_lanes(conn, (HOST_LANES, u32::MAX))?;
        self.folded = 0;
        self.note(0);
        Ok(())
    }

    fn read_series(&mut self, conn: &Connection) -> rusqlite::Result<()> {
        let mut select = conn.prepare_cached(
            "SELECT id, provider, model, operation, app, environment, host, variant, outcome, lane, host_lane \
             FROM series WHERE id > ?1 ORDER BY id",
        )?;
        let mut rows = select.query([self.last])?;
        while let Some(row) = rows.next()? {
            let series = Series { key: key_of(row)?, lane: row.get(9)?, host_lane: row.get(10)? };
            put(&mut self.series, row.get(0)?, series);
        }
        Ok(())
    }

    fn has_lanes(&self, series: &Series) -> bool {
        let has_host = |lane: u32| at(&self.hosts, lane.saturating_sub(HOST_LANES)).is_some();
        at(&self.lanes, series.lane).is_some() && series.host_lane.is_none_or(has_host)
    }

    /// Notes the series from a number on with the lanes they share.
    fn note(&mut self, from: usize) {
        for series in self.series.get(from..).unwrap_or_default().iter().flatten() {
            let shared = |lane: &&mut Lane| lane.is_shared;
            let lane = at_mut(&mut self.lanes, series.lane).filter(shared);
            let host = series.host_lane.and_then(|n| at_mut(&mut self.hosts, n.saturating_sub(HOST_LANES)));
            let host = host.filter(shared);
            self.folded += u64::from(lane.is_some() || host.is_some());
            lane.into_iter().for_each(|lane| lane.share(series.key.without_host()));
            host.into_iter().for_each(|lane| lane.share(series.key.host_alone()));
        }
    }

    /// The dimensions of a series or lane.
    pub fn key(&self, who: Who) -> Option<&SeriesKey> {
        match who {
            Who::Series(n) => at(&self.series, n).map(|s| &s.key),
            Who::Lane(n) if n >= HOST_LANES => at(&self.hosts, n - HOST_LANES).map(|l| &l.key),
            Who::Lane(n) => at(&self.lanes, n).map(|l| &l.key),
            Who::Everybody => None,
        }
    }

    /// A dimension of a series or lane; [`OTHER`] where a lane's series differ in it.
    pub fn dim(&self, who: Who, dim: Dim) -> Option<&str> {
        self.key(who)?.get(dim)
    }

    /// All values of a dimension.
    pub fn values(&self, dim: Dim) -> HashSet<&str> {
        self.series.iter().flatten().filter_map(|series| series.key.get(dim)).collect()
    }

    /// What a filter says of each.
    pub fn passing(&self, filter: &Filter) -> Passing {
        let passes = |key: &SeriesKey| filter.dims_match(&|dim| key.get(dim));
        let mut passing = Passing {
            series: self.series.iter().map(|s| s.as_ref().is_some_and(|s| passes(&s.key))).collect(),
            lanes: own_lanes(&self.lanes, &passes),
            hosts: own_lanes(&self.hosts, &passes),
            ..Passing::default()
        };
        if self.folded > 0 {
            passing.is_mixed = share(&self.lanes, self.members(|s| Some(s.lane)), &passing.series, &mut passing.lanes);
            let hosts = self.members(|s| s.host_lane.map(|n| n.saturating_sub(HOST_LANES)));
            passing.is_mixed_by_host = share(&self.hosts, hosts, &passing.series, &mut passing.hosts);
        }
        passing
    }

    /// Each series' number with the place of a lane of its.
    fn members<'a>(&'a self, lane: impl Fn(&Series) -> Option<u32> + 'a) -> impl Iterator<Item = (usize, usize)> + 'a {
        let all = self.series.iter().enumerate();
        all.filter_map(move |(n, series)| Some((n, lane(series.as_ref()?)? as usize)))
    }
}

/// What a filter says of lanes that are a combination's own; those that are shared do not pass yet.
fn own_lanes(lanes: &Lanes, passes: &dyn Fn(&SeriesKey) -> bool) -> Vec<bool> {
    lanes.iter().map(|lane| lane.as_ref().is_some_and(|l| !l.is_shared && passes(&l.key))).collect()
}

/// Lets a shared lane pass where all its series do; whether some lane has both series that pass and that do not.
fn share(lanes: &Lanes, members: impl Iterator<Item = (usize, usize)>, series: &[bool], passing: &mut [bool]) -> bool {
    let mut counts = vec![(0u64, 0u64); lanes.len()];
    for (n, lane) in members {
        if let Some((all, passed)) = counts.get_mut(lane) {
            *all += 1;
            *passed += u64::from(series.get(n) == Some(&true));
        }
    }
    let mut is_mixed = false;
    for ((lane, passes), (all, passed)) in lanes.iter().zip(passing).zip(counts) {
        if lane.as_ref().is_some_and(|l| l.is_shared) {
            *passes = all > 0 && all == passed;
            is_mixed |= passed > 0 && passed < all;
        }
    }
    is_mixed
}

fn read_lanes(conn: &Connection, (first, end): (u32, u32)) -> rusqlite::Result<Lanes> {
    let mut select = conn.prepare_cached(
        "SELECT id, provider, model, operation, app, environment, host, variant, outcome, shared \
         FROM lane WHERE id >= ?1 AND id < ?2 ORDER BY id",
    )?;
    let mut rows = select.query([first, end])?;
    let mut lanes = Lanes::new();
    while let Some(row) = rows.next()? {
        let id: u32 = row.get(0)?;
        put(&mut lanes, id - first, Lane { key: key_of(row)?, is_shared: row.get(9)?, series: 0 });
    }
    Ok(lanes)
}

/// The dimensions and the outcome, from the second column on.
fn key_of(row: &Row<'_>) -> rusqlite::Result<SeriesKey> {
    let mut key = SeriesKey { outcome: Outcome::from_number(row.get(8)?), ..SeriesKey::default() };
    for (i, dim) in key.dims.iter_mut().enumerate() {
        *dim = row.get::<_, Option<String>>(i + 1)?.map(String::into_boxed_str);
    }
    Ok(key)
}

fn put<T>(list: &mut Vec<Option<T>>, at: u32, value: T) {
    let at = at as usize;
    if list.len() <= at {
        list.resize_with(at + 1, || None);
    }
    list[at] = Some(value);
}

fn at<T>(list: &[Option<T>], at: u32) -> Option<&T> {
    list.get(at as usize)?.as_ref()
}

fn at_mut<T>(list: &mut [Option<T>], at: u32) -> Option<&mut T> {
    list.get_mut(at as usize)?.as_mut()
}

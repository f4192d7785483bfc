//! Pricing stored calls again: single calls, and by how much that changes the totals they are part of, in one transaction.
//! Costs are sums, so totals change by differences; nothing else of them is read.

use super::rollup::{self, ALL, Tier, chunk};
use super::runs::{self, Kind};
use super::unit::{self, Arm, Counts, Fill, Units};
use super::{Place, ledger};
use crate::batch::{Attrs, Facts, Id, Measure};
use crate::event::{CacheUse, Call, Outcome};
use crate::price::{ModelPrices, Prices};
use crate::stats::acc::{Repriced, Sample};
use crate::store::{Change, Mode, Repricing, StoreError};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension, Row, TransactionBehavior, params};
use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// So many calls are read before those of them that change are written.
const PORTION: usize = 4_096;

/// So many changed totals are held in memory.
const MOST: usize = 200_000;

/// Prices the calls from a time on again.
pub fn reprice(
    conn: &mut Connection,
    place: &Place,
    prices: &Prices,
    (since_us, mode): (i64, Mode),
) -> Result<Repricing, StoreError> {
    let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate).map_err(|e| place.wrap(e))?;
    let mut work = Work::new(&tx, place, prices)?;
    let mut from = (since_us, i64::MIN);
    loop {
        let calls = work.read(from)?;
        let Some(last) = calls.last() else { break };
        from = (last.ts_us, last.id.saturating_add(1));
        let full = calls.len() == PORTION;
        if mode == Mode::Apply {
            calls.iter().try_for_each(|call| work.write(call))?;
        }
        if work.totals.len() > MOST {
            work.flush()?;
        }
        if !full {
            break;
        }
    }
    if mode == Mode::Apply {
        work.flush()?;
    }
    let done = work.finish(since_us)?;
    match mode {
        Mode::Apply => tx.commit().map_err(|e| place.wrap(e))?,
        Mode::DryRun => drop(tx),
    }
    Ok(done)
}

/// A series, as far as prices depend on it, and where its calls are summed up.
struct Series {
    provider: Option<String>,
    model: Option<String>,
    operation: Option<String>,
    outcome: Outcome,
    lane: u32,
    host_lane: Option<u32>,
    prices: Option<Arc<ModelPrices>>,
    change: Change,
}

/// What prices depend on of a call's attributes.
#[derive(Debug, Clone, Default)]
struct Terms {
    service_tier: Option<String>,
    cache: Option<CacheUse>,
}

impl Terms {
    fn of(attrs: Attrs) -> Terms {
        let cache = attrs.cache.as_deref().and_then(CacheUse::from_word);
        Terms { service_tier: attrs.service_tier, cache }
    }
}

/// A call that was read; `facts` where they have changed.
struct Read {
    ts_us: i64,
    id: i64,
    facts: Option<Vec<u8>>,
}

/// Changes of totals that are not written yet.
#[derive(Default)]
struct Totals {
    /// By minute and lane.
    lanes: HashMap<(i64, u32), Repriced>,
    /// By hour and lane of a host.
    hosts: HashMap<(i64, u32), Repriced>,
    /// By hour and name, with the tag that tells whether it is packed.
    members: BTreeMap<(i64, u8), BTreeMap<Vec<u8>, Repriced>>,
    members_len: usize,
    unpriced: i64,
    units: Units,
    units_len: usize,
}

impl Totals {
    fn len(&self) -> usize {
        self.lanes.len() + self.hosts.len() + self.members_len + self.units_len
    }

    fn add(&mut self, ts_us: i64, series: &Series, facts: &Facts<'_>, by: &Repriced) {
        let (minute, hour) = (ts_us.div_euclid(Tier::Minute.len_us()), ts_us.div_euclid(Tier::Hour.len_us()));
        self.lanes.entry((minute, series.lane)).or_default().merge(by);
        if let Some(host) = series.host_lane {
            self.hosts.entry((hour, host)).or_default().merge(by);
        }
        for (kind, id) in [(Kind::User, Id::User), (Kind::Session, Id::Session)] {
            let (packed, name) = facts.id_bytes(id);
            if !name.is_empty() {
                let name = [&[u8::from(packed)], name].concat();
                let members = self.members.entry((hour, kind as u8)).or_default();
                let before = members.len();
                members.entry(name).or_default().merge(by);
                self.members_len += members.len() - before;
            }
        }
        self.unpriced += by.unpriced();
    }

    /// What another cost changes of the unit of a call.
    fn add_unit(&mut self, ts_us: i64, (arm, unit): (Arm, u64), counts: &Counts) {
        self.units.merge(ts_us, arm.number, unit, counts);
        self.units_len += 1;
    }

    /// The changes of every tier's lanes, by blob.
    fn blobs(&self) -> BTreeMap<(Tier, i64, u32), BTreeMap<u32, Repriced>> {
        let mut blobs: BTreeMap<_, BTreeMap<u32, Repriced>> = BTreeMap::new();
        let mut add = |tier: Tier, ts_us: i64, lane: u32, by: &Repriced| {
            let blob = blobs.entry((tier, ts_us.div_euclid(tier.len_us()), chunk(lane))).or_default();
            blob.entry(lane).or_default().merge(by);
        };
        for ((minute, lane), by) in &self.lanes {
            for tier in Tier::ALL {
                for lane in [ALL, *lane] {
                    add(tier, minute.saturating_mul(Tier::Minute.len_us()), lane, by);
                }
            }
        }
        for ((hour, lane), by) in &self.hosts {
            for tier in Tier::ALL.into_iter().filter(|tier| *tier >= Tier::Hour) {
                add(tier, hour.saturating_mul(Tier::Hour.len_us()), *lane, by);
            }
        }
        blobs
    }
}

/// Pricing again, under way.
struct Work<'t> {
    conn: &'t Connection,
    place: &'t Place,
    prices: &'t Prices,
    series: HashMap<i64, Series>,
    terms: HashMap<i64, Terms>,
    totals: Totals,
    arms: Fill<'t>,
}

impl<'t> Work<'t> {
    fn new(conn: &'t Connection, place: &'t Place, prices: &'t Prices) -> Result<Work<'t>, StoreError> {
        let series = all_series(conn, prices).map_err(|e| place.wrap(e))?;
        let arms = Fill::new(conn, None).map_err(|e| place.wrap(e))?;
        Ok(Work { conn, place, prices, series, terms: HashMap::new(), totals: Totals::default(), arms })
    }

    /// Reads the next calls from a key on and prices them; notes by how much totals change.
    fn read(&mut self, (ts_us, id): (i64, i64)) -> Result<Vec<Read>, StoreError> {
        let (conn, place) = (self.conn, self.place);
        let sql = |e| place.wrap(e);
        let mut select = conn
            .prepare_cached(
                "SELECT ts_us, id, series, attrs, facts FROM call WHERE (ts_us, id) >= (?1, ?2) ORDER BY ts_us, id LIMIT ?3",
            )
            .map_err(sql)?;
        let mut rows = select.query(params![ts_us, id, PORTION as i64]).map_err(sql)?;
        let mut calls = Vec::with_capacity(PORTION);
        while let Some(row) = rows.next().map_err(sql)? {
            let (ts_us, id) = (row.get(0).map_err(sql)?, row.get(1).map_err(sql)?);
            let terms = self.terms(row).map_err(sql)?;
            let facts = row.get_ref(4).map_err(sql)?.as_blob().ok().and_then(Facts::read);
            let facts = facts.ok_or_else(|| place.damaged("a call does not read"))?;
            let number: i64 = row.get(2).map_err(sql)?;
            let series = self.series.get_mut(&number).ok_or_else(|| place.damaged("a call is of no series"))?;
            let before = facts.sample(series.outcome).cost_nusd;
            let unit = self.arms.arm(row).map_err(sql)?.map(|(arm, _)| (arm, arm.unit_of(&facts, id)));
            let facts = price(self.prices, series, &terms, (ts_us, &facts), &mut self.totals);
            if let (Some(unit), Some(after)) = (unit, facts.as_deref().and_then(Facts::read)) {
                let counts = Counts::repriced(before, after.measure(Measure::Cost));
                self.totals.add_unit(ts_us, unit, &counts);
            }
            calls.push(Read { ts_us, id, facts });
        }
        Ok(calls)
    }

    /// What a call's attributes say; those of a combination are read once.
    fn terms(&mut self, row: &Row<'_>) -> rusqlite::Result<Terms> {
        match row.get_ref(3)? {
            ValueRef::Integer(number) => {
                if let Some(terms) = self.terms.get(&number) {
                    return Ok(terms.clone());
                }
                let json: Option<String> = self
                    .conn
                    .prepare_cached("SELECT json FROM attrs WHERE id = ?1")?
                    .query_row([number], |row| row.get(0))
                    .optional()?;
                let attrs = json.and_then(|json| serde_json::from_str(&json).ok()).unwrap_or_default();
                let terms = Terms::of(attrs);
                self.terms.insert(number, terms.clone());
                Ok(terms)
            }
            ValueRef::Text(json) => Ok(Terms::of(serde_json::from_slice(json).unwrap_or_default())),
            _ => Ok(Terms::default()),
        }
    }

    fn write(&self, call: &Read) -> Result<(), StoreError> {
        let Some(facts) = &call.facts else { return Ok(()) };
        self.conn
            .prepare_cached("UPDATE call SET facts = ?3 WHERE ts_us = ?1 AND id = ?2")
            .and_then(|mut update| update.execute(params![call.ts_us, call.id, facts]))
            .map_err(|e| self.place.wrap(e))?;
        Ok(())
    }

    /// Writes the changes of totals there are so far.
    fn flush(&mut self) -> Result<(), StoreError> {
        let mut totals = std::mem::take(&mut self.totals);
        unit::write(self.conn, self.place, totals.units.finish())?;
        for (at, changes) in totals.blobs() {
            rollup::reprice(self.conn, self.place, at, &changes)?;
        }
        for ((hour, kind), changes) in &totals.members {
            let kind = if *kind == Kind::User as u8 { Kind::User } else { Kind::Session };
            runs::reprice(self.conn, self.place, (kind, *hour), changes)?;
        }
        let unpriced = ledger::Totals { unpriced: totals.unpriced, ..ledger::Totals::default() };
        unpriced.write(self.conn).map_err(|e| self.place.wrap(e))
    }

    fn finish(self, since_us: i64) -> Result<Repricing, StoreError> {
        let mut done = Repricing::default();
        for series in self.series.into_values().filter(|series| series.change.calls > 0) {
            done.models.entry((series.provider, series.model)).or_default().add(&series.change);
        }
        let kept = ledger::rows_since_us(self.conn).map_err(|e| self.place.wrap(e))?;
        let first = ledger::counter(self.conn, "first_us").map_err(|e| self.place.wrap(e))?;
        done.gone_us = first.filter(|first| since_us.max(*first) < kept).map(|_| kept);
        Ok(done)
    }
}

/// Prices a call; its facts where they have changed.
fn price(
    prices: &Prices,
    series: &mut Series,
    terms: &Terms,
    (ts_us, facts): (i64, &Facts<'_>),
    totals: &mut Totals,
) -> Option<Vec<u8>> {
    let text = |text: &'_ Option<String>| text.clone().map(Cow::Owned);
    let mut call: Call<'_> = Call {
        provider: series.provider.as_deref().map(Cow::Borrowed),
        model: series.model.as_deref().map(Cow::Borrowed),
        operation: series.operation.as_deref().map(Cow::Borrowed),
        outcome: series.outcome,
        service_tier: text(&terms.service_tier),
        cache: terms.cache,
        ..Call::default()
    };
    facts.restore_measures(&mut call);
    let cost = prices.cost(series.prices.as_deref(), &call, ts_us);
    let before = facts.sample(series.outcome);
    let after = Sample { cost_nusd: cost.nusd, cache_saved_nusd: cost.cache_saved_nusd, ..before };
    series.change.note(before.cost_nusd, after.cost_nusd);
    if before == after {
        return None;
    }
    totals.add(ts_us, series, facts, &Repriced::of(&before, &after));
    Some(facts.repriced(cost))
}

fn all_series(conn: &Connection, prices: &Prices) -> rusqlite::Result<HashMap<i64, Series>> {
    let mut select = conn.prepare("SELECT id, provider, model, operation, outcome, lane, host_lane FROM series")?;
    let rows = select.query_map([], |row| {
        let (provider, model): (Option<String>, Option<String>) = (row.get(1)?, row.get(2)?);
        let series = Series {
            prices: prices.model(provider.as_deref(), model.as_deref()),
            provider,
            model,
            operation: row.get(3)?,
            outcome: Outcome::from_number(row.get(4)?),
            lane: row.get(5)?,
            host_lane: row.get(6)?,
            change: Change::default(),
        };
        Ok((row.get(0)?, series))
    })?;
    rows.collect()
}

impl Change {
    fn note(&mut self, before: Option<i64>, after: Option<i64>) {
        self.calls += 1;
        self.changed += u64::from(before != after);
        self.before_nusd = self.before_nusd.saturating_add(before.unwrap_or(0));
        self.after_nusd = self.after_nusd.saturating_add(after.unwrap_or(0));
        self.unpriced_before += u64::from(before.is_none());
        self.unpriced_after += u64::from(after.is_none());
    }
}

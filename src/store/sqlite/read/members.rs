//! Users and sessions: whole hours from their hourly totals, the edges of the window from rows.

use super::context::Context;
use super::pace::Pace;
use super::plan::{Horizon, Piece, plan};
use super::read_error::{ReadError, ReadResult};
use super::row;
use crate::batch::{Id, unpack_id};
use crate::snapshot::{Dist, Group, Stats, Table};
use crate::stats::acc::{Acc, Sum};
use crate::store::Watch;
use crate::store::sqlite::rollup::Tier;
use crate::store::sqlite::runs::{Kind, Totals, each_member};
use crate::view::{Dim, Grouping, Range};
use foldhash::HashMap;

/// Sums by name, apart for names that are text and for packed ones: the most are never unpacked.
#[derive(Default)]
pub struct Sums([HashMap<Box<[u8]>, Totals>; 2]);

impl Sums {
    /// Adds what a name came to.
    pub fn add(&mut self, name: Name<'_>, totals: &Totals) {
        match self.get_mut(name) {
            Some(sum) => sum.merge(totals),
            None => self.insert(name, *totals),
        }
    }

    /// What a name came to.
    pub fn get(&self, (packed, name): Name<'_>) -> Option<&Totals> {
        self.0[usize::from(packed)].get(name)
    }

    /// All names with what they came to, in no order.
    pub fn iter(&self) -> impl Iterator<Item = (Name<'_>, &Totals)> {
        let of =
            |packed: bool| self.0[usize::from(packed)].iter().map(move |(name, totals)| ((packed, &**name), totals));
        of(false).chain(of(true))
    }

    fn get_mut(&mut self, (packed, name): Name<'_>) -> Option<&mut Totals> {
        self.0[usize::from(packed)].get_mut(name)
    }

    fn insert(&mut self, (packed, name): Name<'_>, totals: Totals) {
        self.0[usize::from(packed)].insert(name.into(), totals);
    }

    fn len(&self) -> usize {
        self.0.iter().map(HashMap::len).sum()
    }
}

/// A name as it is stored, whether packed or text.
pub type Name<'a> = (bool, &'a [u8]);

/// A name that is kept.
type Kept = (bool, Box<[u8]>);

/// A name as it is read.
pub fn text((packed, name): Name<'_>) -> String {
    if packed { unpack_id(name).unwrap_or_default() } else { String::from_utf8_lossy(name).into_owned() }
}

/// What is asked of members: which, of what is left, for whom.
#[derive(Clone, Copy)]
pub struct Members<'a> {
    pub context: &'a Context,
    pub horizon: Horizon,
    pub watch: &'a dyn Watch,
}

/// A range, and what all its calls came to; `None` where that is not to be had of the same calls.
pub type Whole<'a> = (Range, Option<&'a Acc>);

/// The name of the calls that name nobody: no member has it.
const NOBODY: Name<'static> = (false, b"");

/// A maximum that is not known.
const UNKNOWN: i64 = -1;

impl Members<'_> {
    /// The table of users or of sessions, in the window and the one before. It has counts, sums, means and maxima;
    /// percentiles are not kept for single members.
    pub fn table(self, grouping: &Grouping, now: Whole<'_>, before: Whole<'_>) -> ReadResult<Table> {
        let kind = if grouping.dims == [Dim::Session] { Kind::Session } else { Kind::User };
        let mut sums = Sums::default();
        let nobody = self.sum(kind, now, &mut |name, totals| sums.add(name, totals))?;
        nobody.into_iter().for_each(|totals| sums.insert(NOBODY, totals));
        let total = sums.len();
        let list = first(sums, grouping);
        // Of the window before only the listed members are asked for.
        let mut listed = Sums::default();
        list.iter().for_each(|((packed, name), _)| listed.insert((*packed, name), Totals::default()));
        if !list.is_empty() {
            let nobody = self.sum(kind, before, &mut |name, totals| {
                listed.get_mut(name).into_iter().for_each(|sum| sum.merge(totals));
            })?;
            nobody.into_iter().for_each(|totals| listed.insert(NOBODY, totals));
        }
        let groups = list.into_iter().map(|(name, totals)| Group {
            previous: listed.get_mut((name.0, &name.1)).map(|totals| stats(totals)).unwrap_or_default(),
            stats: stats(&totals),
            key: vec![Some(text((name.0, &name.1))).filter(|text| !text.is_empty())],
            points: Vec::new(),
        });
        Ok(Table { grouping: grouping.clone(), groups: groups.collect(), total })
    }

    /// Calls `each` with the totals of each member in pieces. What is left of the whole is nobody's.
    fn sum(
        self,
        kind: Kind,
        (range, all): Whole<'_>,
        each: &mut dyn FnMut(Name<'_>, &Totals),
    ) -> ReadResult<Option<Totals>> {
        let mut named = Totals::default();
        self.each(kind, range, &mut |name, totals| {
            named.merge(totals);
            each(name, totals);
        })?;
        Ok(all.and_then(|all| rest(all, &named)))
    }

    /// Calls `each` with the totals of each member in pieces: whole hours, and single calls of the edges.
    pub fn each(self, kind: Kind, range: Range, each: &mut dyn FnMut(Name<'_>, &Totals)) -> ReadResult<()> {
        for piece in plan(range, (Tier::Hour, Tier::Hour), self.horizon) {
            match piece {
                Piece::Buckets { tier: Tier::Hour, from, to } => self.hours(kind, (from, to), each)?,
                Piece::Buckets { tier, from, to } => {
                    let since_us = from.saturating_mul(tier.len_us());
                    self.rows(kind, Range { since_us, until_us: to.saturating_mul(tier.len_us()) }, each)?;
                }
                Piece::Rows(range) => self.rows(kind, range, each)?,
            }
        }
        Ok(())
    }

    fn hours(self, kind: Kind, (from, to): (i64, i64), each: &mut dyn FnMut(Name<'_>, &Totals)) -> ReadResult<()> {
        let mut select =
            self.context.conn.prepare_cached("SELECT data FROM member WHERE kind = ?1 AND hour >= ?2 AND hour < ?3")?;
        let mut rows = select.query((kind as u8, from, to))?;
        while let Some(row) = rows.next()? {
            if self.watch.cancelled() {
                return Err(ReadError::Cancelled);
            }
            let run = row.get_ref(0)?.as_blob().map_err(|_| ReadError::Damaged("hourly totals are no blob"))?;
            each_member(run, |packed, name, totals| each((packed, name), totals))
                .ok_or(ReadError::Damaged("hourly totals do not read"))?;
        }
        Ok(())
    }

    fn rows(self, kind: Kind, range: Range, each: &mut dyn FnMut(Name<'_>, &Totals)) -> ReadResult<()> {
        let id = if kind == Kind::User { Id::User } else { Id::Session };
        let mut pace = Pace::of(self.watch);
        row::each_facts(&self.context.conn, range, |series, facts| {
            pace.step()?;
            match facts.id_bytes(id) {
                (_, []) => {}
                name => each(name, &Totals::of(&row::sample(self.context, series, facts))),
            }
            Ok(())
        })
    }
}

/// The first members in the order of a grouping, as many as it asks for.
fn first(sums: Sums, grouping: &Grouping) -> Vec<(Kept, Totals)> {
    let order = grouping.order;
    let figure = |totals: &Totals| Group { stats: stats(totals), ..Group::default() }.measure(order.by);
    let [texts, packed] = sums.0;
    let all = texts.into_iter().map(|(name, totals)| ((false, name), totals));
    let all = all.chain(packed.into_iter().map(|(name, totals)| ((true, name), totals)));
    let mut list: Vec<_> = all.map(|(name, totals)| (figure(&totals), name, totals)).collect();
    let compare = |a: &(Option<f64>, Kept, Totals), b: &(Option<f64>, Kept, Totals)| {
        order.compare(a.0, b.0).then_with(|| b.2.calls.cmp(&a.2.calls)).then_with(|| a.1.cmp(&b.1))
    };
    let top = grouping.top.unwrap_or(usize::MAX).min(list.len());
    if top < list.len() {
        list.select_nth_unstable_by(top, compare);
        list.truncate(top);
    }
    list.sort_by(compare);
    list.into_iter().map(|(_, name, totals)| (name, totals)).collect()
}

/// What all calls came to but those of the members; `None` where that is nothing. A sum of nothing is taken for unknown,
/// and the longest of all calls is nobody's only where it is no member's.
fn rest(all: &Acc, named: &Totals) -> Option<Totals> {
    let calls = all.calls().checked_sub(named.calls).filter(|calls| *calls > 0)?;
    let left = |which: Sum, of_named: i64| all.sum(which).unwrap_or_default().saturating_sub(of_named);
    let longest = all.latency.max().and_then(|max| i64::try_from(max).ok()).unwrap_or_default();
    let mut rest = Totals {
        calls,
        errors: all.errors().saturating_sub(named.errors),
        rate_limited: all.rate_limited().saturating_sub(named.rate_limited),
        retries: left(Sum::Retries, named.retries),
        input_tokens: left(Sum::Input, named.input_tokens),
        output_tokens: left(Sum::Output, named.output_tokens),
        cost_nusd: left(Sum::Cost, named.cost_nusd),
        unpriced: all.unpriced.saturating_sub(named.unpriced),
        latency_sum_us: i64::try_from(all.latency.sum()).unwrap_or(i64::MAX).saturating_sub(named.latency_sum_us),
        latency_count: all.latency.count().saturating_sub(named.latency_count),
        latency_max_us: if longest > named.latency_max_us { longest } else { UNKNOWN },
        known: 0,
    };
    let known = [rest.retries != 0, rest.input_tokens != 0, rest.output_tokens != 0, rest.unpriced < calls];
    rest.known = known.into_iter().enumerate().fold(0, |mask, (bit, known)| mask | u8::from(known) << bit);
    Some(rest)
}

fn stats(t: &Totals) -> Stats {
    let known = |bit: u8, sum: i64| (t.known & (1 << bit) != 0).then_some(sum);
    let latency = (t.latency_count > 0).then_some(t);
    Stats {
        calls: t.calls,
        errors: t.errors,
        rate_limited: t.rate_limited,
        retries: known(0, t.retries),
        input_tokens: known(1, t.input_tokens),
        output_tokens: known(2, t.output_tokens),
        cost_nusd: known(3, t.cost_nusd),
        unpriced_calls: t.unpriced,
        latency_us: Dist {
            count: t.latency_count,
            max: latency.filter(|t| t.latency_max_us != UNKNOWN).map(|t| t.latency_max_us as f64),
            mean: latency.map(|t| t.latency_sum_us as f64 / t.latency_count as f64),
            ..Dist::default()
        },
        ..Stats::default()
    }
}

//! Users and sessions: whole hours from their hourly totals, the edges of the window from rows.

use super::context::Context;
use super::plan::{Horizon, Piece, plan};
use super::read_error::{ReadError, ReadResult};
use super::row::{self, Flow, Order};
use crate::batch::{Id, unpack_id};
use crate::snapshot::{Dist, Group, Stats, Table};
use crate::store::Watch;
use crate::store::sqlite::rollup::Tier;
use crate::store::sqlite::runs::{Kind, Totals, each_member};
use crate::view::{Dim, Grouping, Range};
use foldhash::HashMap;

type Sums = HashMap<String, Totals>;

/// The table of users or of sessions. It has counts, sums, means and maxima; percentiles are not kept for single members.
pub fn table(
    context: &Context,
    grouping: &Grouping,
    (range, previous): (Range, Range),
    horizon: Horizon,
    watch: &dyn Watch,
) -> ReadResult<Table> {
    let kind = if grouping.dims == [Dim::Session] { Kind::Session } else { Kind::User };
    let mut now = Sums::default();
    sum(context, kind, range, (horizon, watch), &mut |name, totals| match now.get_mut(name) {
        Some(sum) => sum.merge(totals),
        None => drop(now.insert(name.to_owned(), *totals)),
    })?;
    let total = now.len();
    let mut list: Vec<(String, Totals)> = now.into_iter().collect();
    let top = grouping.top.unwrap_or(usize::MAX).min(list.len());
    let order = |a: &(String, Totals), b: &(String, Totals)| {
        (b.1.cost_nusd, b.1.calls).cmp(&(a.1.cost_nusd, a.1.calls)).then_with(|| a.0.cmp(&b.0))
    };
    if top < list.len() {
        list.select_nth_unstable_by(top, order);
        list.truncate(top);
    }
    list.sort_by(order);
    // Of the window before only the listed members are asked for.
    let mut before: Sums = list.iter().map(|(name, _)| (name.clone(), Totals::default())).collect();
    if !list.is_empty() {
        sum(context, kind, previous, (horizon, watch), &mut |name, totals| {
            before.get_mut(name).into_iter().for_each(|sum| sum.merge(totals));
        })?;
    }
    let groups = list
        .into_iter()
        .map(|(name, totals)| Group {
            previous: before.get(&name).map(stats).unwrap_or_default(),
            stats: stats(&totals),
            key: vec![(!name.is_empty()).then_some(name)],
            points: Vec::new(),
        })
        .collect();
    Ok(Table { grouping: grouping.clone(), groups, total })
}

/// Calls `each` with the totals of each member in pieces: whole hours, and single calls of the edges.
fn sum(
    context: &Context,
    kind: Kind,
    range: Range,
    (horizon, watch): (Horizon, &dyn Watch),
    each: &mut dyn FnMut(&str, &Totals),
) -> ReadResult<()> {
    for piece in plan(range, (Tier::Hour, Tier::Hour), horizon) {
        if watch.cancelled() {
            return Err(ReadError::Cancelled);
        }
        match piece {
            Piece::Buckets { tier: Tier::Hour, from, to } => hours(context, kind, (from, to), each)?,
            Piece::Buckets { tier, from, to } => {
                let since_us = from.saturating_mul(tier.len_us());
                rows(context, kind, Range { since_us, until_us: to.saturating_mul(tier.len_us()) }, each)?;
            }
            Piece::Rows(range) => rows(context, kind, range, each)?,
        }
    }
    Ok(())
}

fn hours(context: &Context, kind: Kind, (from, to): (i64, i64), each: &mut dyn FnMut(&str, &Totals)) -> ReadResult<()> {
    let mut select =
        context.conn.prepare_cached("SELECT data FROM member WHERE kind = ?1 AND hour >= ?2 AND hour < ?3")?;
    let mut rows = select.query((kind as u8, from, to))?;
    while let Some(row) = rows.next()? {
        let run = row.get_ref(0)?.as_blob().map_err(|_| ReadError::Damaged("hourly totals are no blob"))?;
        each_member(run, |packed, name, totals| match packed {
            true => each(&unpack_id(name).unwrap_or_default(), totals),
            false => each(std::str::from_utf8(name).unwrap_or_default(), totals),
        })
        .ok_or(ReadError::Damaged("hourly totals do not read"))?;
    }
    Ok(())
}

fn rows(context: &Context, kind: Kind, range: Range, each: &mut dyn FnMut(&str, &Totals)) -> ReadResult<()> {
    let id = if kind == Kind::User { Id::User } else { Id::Session };
    row::each_row(&context.conn, range, Order::OldestFirst, |call| {
        if let Some(name) = call.id(id) {
            each(&name, &Totals::of(&call.sample(context)));
        }
        Ok(Flow::On)
    })
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
            max: latency.map(|t| t.latency_max_us as f64),
            mean: latency.map(|t| t.latency_sum_us as f64 / t.latency_count as f64),
            ..Dist::default()
        },
        ..Stats::default()
    }
}

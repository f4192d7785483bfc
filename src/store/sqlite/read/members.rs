//! Users and sessions: whole hours from their hourly totals, the edges of the window from rows.

use super::context::Context;
use super::plan::{Horizon, Piece, plan};
use super::read_error::{ReadError, ReadResult};
use super::row::{self, Columns, Flow, Order, column, id_text};
use crate::batch::unpack_id;
use crate::snapshot::{Dist, Group, Stats, Table};
use crate::store::Watch;
use crate::store::sqlite::member::{Kind, Totals, each_member};
use crate::store::sqlite::rollup::Tier;
use crate::view::{Dim, Grouping, Range};
use std::collections::HashMap;

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
    let now = sums(context, kind, range, horizon, watch)?;
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
    let before = if list.is_empty() { Sums::new() } else { sums(context, kind, previous, horizon, watch)? };
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

fn sums(context: &Context, kind: Kind, range: Range, horizon: Horizon, watch: &dyn Watch) -> ReadResult<Sums> {
    let mut sums = Sums::new();
    let mut edges = Vec::new();
    for piece in plan(range, (Tier::Hour, Tier::Hour), horizon) {
        match piece {
            Piece::Buckets { tier: Tier::Hour, from, to } => hours(context, kind, (from, to), &mut sums)?,
            Piece::Buckets { tier, from, to } => {
                edges.push(Range { since_us: from * tier.len_us(), until_us: to * tier.len_us() });
            }
            Piece::Rows(range) => edges.push(range),
        }
        if watch.cancelled() {
            return Err(ReadError::Cancelled);
        }
    }
    for edge in edges {
        rows(context, kind, edge, &mut sums)?;
    }
    Ok(sums)
}

fn hours(context: &Context, kind: Kind, (from, to): (i64, i64), sums: &mut Sums) -> ReadResult<()> {
    let mut select =
        context.conn.prepare_cached("SELECT data FROM member WHERE kind = ?1 AND hour >= ?2 AND hour < ?3")?;
    let mut rows = select.query((kind as u8, from, to))?;
    let mut unpacked = String::new();
    while let Some(row) = rows.next()? {
        let run = row.get_ref(0)?.as_blob().map_err(|_| ReadError::Damaged("hourly totals are no blob"))?;
        each_member(run, |packed, name, totals| {
            let name = match packed {
                true => {
                    unpacked = unpack_id(name).unwrap_or_default();
                    unpacked.as_str()
                }
                false => std::str::from_utf8(name).unwrap_or_default(),
            };
            match sums.get_mut(name) {
                Some(sum) => sum.merge(totals),
                None => drop(sums.insert(name.to_owned(), *totals)),
            }
        })
        .ok_or(ReadError::Damaged("hourly totals do not read"))?;
    }
    Ok(())
}

fn rows(context: &Context, kind: Kind, range: Range, sums: &mut Sums) -> ReadResult<()> {
    let column = if kind == Kind::User { column::USER } else { column::SESSION };
    row::each_row(&context.conn, range, Order::OldestFirst, Columns::Members, |row| {
        if let Some(name) = id_text(row, column)? {
            let totals = Totals::of(&row::sample(row, context)?);
            match sums.get_mut(name.as_ref()) {
                Some(sum) => sum.merge(&totals),
                None => drop(sums.insert(name.into_owned(), totals)),
            }
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

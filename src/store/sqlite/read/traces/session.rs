//! A conversation: the calls and traces of a session in order. The hourly totals of sessions say which hours to read.

use super::super::context::Context;
use super::super::read_error::{ReadError, ReadResult};
use super::super::row::{self, Flow, Order, Stored};
use super::gather::{SpanFacts, Sum};
use super::{model_and_outcome, tasks};
use crate::batch::{Id, pack_id};
use crate::event::SpanKind;
use crate::snapshot::traces::{Conversation, Turn};
use crate::store::sqlite::ids::Kind;
use crate::store::sqlite::ledger;
use crate::store::sqlite::locate::Wanted;
use crate::store::sqlite::runs::{HOUR_US, Kind as Member, each_member};
use crate::view::{Range, RecordKey, TraceId};
use std::collections::{BTreeMap, BTreeSet};

/// At most so many calls of a session are read.
const MOST: usize = 20_000;

/// Calls `each` with the calls of a session, oldest first.
pub fn each_call(
    context: &Context,
    session: &str,
    mut each: impl FnMut(&Stored<'_>) -> ReadResult<()>,
) -> ReadResult<()> {
    let mut packed = [0; 17];
    let name = match pack_id(session, &mut packed) {
        Some(len) => (true, packed[..len].to_vec()),
        None => (false, session.as_bytes().to_vec()),
    };
    for range in ranges(context, (name.0, &name.1))? {
        row::each_row(&context.conn, range, Order::OldestFirst, |call| {
            let (packed, bytes) = call.id_bytes(Id::Session);
            if (packed, bytes) == (name.0, name.1.as_slice()) {
                each(call)?;
            }
            Ok(Flow::On)
        })?;
    }
    Ok(())
}

/// The hours a session has calls in, oldest first; and all time of which there are calls but no totals any more.
fn ranges(context: &Context, name: (bool, &[u8])) -> ReadResult<Vec<Range>> {
    let mut hours = BTreeSet::new();
    let mut select = context.conn.prepare_cached("SELECT hour, data FROM member WHERE kind = ?1")?;
    let mut rows = select.query([Member::Session as u8])?;
    while let Some(row) = rows.next()? {
        let data = row.get_ref(1)?.as_blob().map_err(rusqlite::Error::from)?;
        let mut is_in = false;
        each_member(data, |packed, member, _| is_in |= (packed, member) == name)
            .ok_or(ReadError::Damaged("hourly totals do not read"))?;
        if is_in {
            hours.insert(row.get::<_, i64>(0)?);
        }
    }
    let mut ranges = Vec::new();
    if let Some(fine_us) = ledger::counter(&context.conn, "fine_since_us")? {
        ranges.push(Range { since_us: i64::MIN, until_us: fine_us });
    }
    ranges.extend(hours.into_iter().map(|hour| Range { since_us: hour * HOUR_US, until_us: (hour + 1) * HOUR_US }));
    Ok(ranges)
}

/// What a turn is known by: the id of its trace, or the call alone.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Of {
    Trace(String),
    Call(RecordKey),
}

/// The conversation of a session; `None` where no call names it.
pub fn conversation(context: &Context, session: &str) -> ReadResult<Option<Conversation>> {
    let (mut turns, mut calls, mut is_cut) = (BTreeMap::<Of, Sum>::new(), 0, false);
    let mut requests = BTreeMap::<Of, Vec<String>>::new();
    each_call(context, session, |call| {
        is_cut |= calls >= MOST;
        if is_cut {
            return Ok(());
        }
        calls += 1;
        match call.id(Id::Trace) {
            // All of the trace is read below.
            Some(trace) => drop(turns.entry(Of::Trace(trace.into_owned())).or_default()),
            None => {
                turns.entry(Of::Call(call.key)).or_default().call(call, model_and_outcome(context, call));
                requests.entry(Of::Call(call.key)).or_default().extend(call.id(Id::Request).map(|id| id.into_owned()));
            }
        }
        Ok(())
    })?;
    let ids: Vec<String> =
        turns.keys().filter_map(|of| if let Of::Trace(id) = of { Some(id.clone()) } else { None }).collect();
    let wanted = Wanted::find(&context.conn, Kind::Trace, ids.iter().map(String::as_str))?;
    wanted.calls(&context.conn, |at, call| {
        let of = || Of::Trace(ids[at].clone());
        turns.entry(of()).or_default().call(call, model_and_outcome(context, call));
        requests.entry(of()).or_default().extend(call.id(Id::Request).map(|id| id.into_owned()));
        Ok(())
    })?;
    wanted.spans(&context.conn, |at, row| {
        let kind: String = row.get("kind")?;
        let (name, parent, user): (Option<String>, Option<String>, Option<String>) =
            (row.get("name")?, row.get("parent_id")?, row.get("user_id")?);
        turns.entry(Of::Trace(ids[at].clone())).or_default().step(&SpanFacts {
            end_us: row.get("ts_us")?,
            kind: SpanKind::from_word(&kind).unwrap_or(SpanKind::Chain),
            name: name.as_deref(),
            has_parent: parent.is_some_and(|id| !id.is_empty()),
            latency_us: row.get("latency_us")?,
            ok: row.get("ok")?,
            user: user.as_deref(),
        });
        Ok(())
    })?;
    if turns.is_empty() {
        return Ok(None);
    }
    Ok(Some(told(context, session, turns, &requests)?).map(|told| Conversation { is_cut, ..told }))
}

/// The turns in order, with what they came to so far.
fn told(
    context: &Context,
    session: &str,
    turns: BTreeMap<Of, Sum>,
    requests: &BTreeMap<Of, Vec<String>>,
) -> ReadResult<Conversation> {
    let times = turns.values().filter_map(Sum::times);
    let range = times.fold(Range { since_us: i64::MAX, until_us: i64::MIN }, |range, (start, end)| Range {
        since_us: range.since_us.min(start),
        until_us: range.until_us.max(end),
    });
    let done = tasks::read(&context.conn, range)?;
    let mut all = Sum::default();
    let mut list = Vec::with_capacity(turns.len());
    for (of, mut sum) in turns {
        let asked = requests.get(&of).into_iter().flatten().map(String::as_str);
        let (id, call) = match &of {
            Of::Trace(id) => (TraceId::Trace(id.clone()), None),
            Of::Call(key) => (TraceId::Loose(session.to_owned()), Some(*key)),
        };
        sum.task = done.of_parts(if call.is_none() { id.text() } else { "" }, asked);
        all.take(&sum);
        list.push(Turn { row: sum.row(id), call, so_far_nusd: None });
    }
    list.sort_by(|a, b| (a.row.start_us, &a.row.id).cmp(&(b.row.start_us, &b.row.id)));
    let mut so_far: Option<i64> = None;
    for turn in &mut list {
        so_far = match (so_far, turn.row.cost_nusd) {
            (None, cost) | (cost, None) => cost,
            (Some(before), Some(cost)) => Some(before.saturating_add(cost)),
        };
        turn.so_far_nusd = so_far;
    }
    let row = all.row(TraceId::Session(session.to_owned()));
    let traces = list.iter().filter(|turn| turn.call.is_none()).count() as u64;
    Ok(Conversation {
        session: session.to_owned(),
        row: crate::snapshot::traces::TraceRow { traces, ..row },
        turns: list,
        is_cut: false,
    })
}

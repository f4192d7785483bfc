//! One trace by its id: its calls and spans through the index of ids, as a tree.

use super::super::context::Context;
use super::super::read_error::{ReadError, ReadResult};
use super::super::row::Stored;
use super::gather::{SpanFacts, Sum};
use super::{model_and_outcome, session, tasks};
use crate::batch::Id;
use crate::event::{Call, FailureMode, Outcome, SpanKind};
use crate::snapshot::traces::{Part, PartKind, Story, Trace, TraceRow, Tree};
use crate::store::sqlite::ids::Kind;
use crate::store::sqlite::locate::Wanted;
use crate::view::{Range, RecordKey, TraceId};
use rusqlite::Row;
use std::hash::{Hash, Hasher};
use xxhash_rust::xxh3::Xxh3;

/// At most so many parts of a trace are read.
const MOST: usize = 20_000;

/// Of so many calls the prompts are read, to see which ask for the same.
const ASKED: usize = 2_000;

/// What an id leads to; `None` where nothing has it.
pub fn story(context: &Context, id: &TraceId) -> ReadResult<Option<Story>> {
    let mut parts = Parts::new(context);
    let id = match id {
        TraceId::Session(session) => {
            return Ok(session::conversation(context, session)?.map(|found| Story::Session(Box::new(found))));
        }
        TraceId::Trace(trace) => {
            parts.of_trace(trace)?;
            if parts.has_calls() { id.clone() } else { parts.of_request(trace)?.unwrap_or(id.clone()) }
        }
        TraceId::Request(request) => match parts.of_request(request)? {
            Some(TraceId::Trace(trace)) => return story(context, &TraceId::Trace(trace)),
            Some(id) => id,
            None => return Ok(None),
        },
        TraceId::Loose(session) => {
            parts.of_session(session)?;
            id.clone()
        }
    };
    Ok(parts.finish(id)?.map(|trace| Story::Trace(Box::new(trace))))
}

/// The parts of a trace as they are found.
struct Parts<'c> {
    context: &'c Context,
    list: Vec<Part>,
    sum: Sum,
    is_cut: bool,
    /// Requests of calls that name no trace: what is tried for them names the request instead.
    tried: Vec<String>,
}

impl<'c> Parts<'c> {
    fn new(context: &'c Context) -> Parts<'c> {
        Parts { context, list: Vec::new(), sum: Sum::default(), is_cut: false, tried: Vec::new() }
    }

    fn has_calls(&self) -> bool {
        self.list.iter().any(|part| part.kind == PartKind::Call)
    }

    fn of_trace(&mut self, id: &str) -> ReadResult<()> {
        let conn = &self.context.conn;
        let wanted = Wanted::find(conn, Kind::Trace, [id])?;
        wanted.calls(conn, |_, call| self.call(call))?;
        wanted.spans(conn, |_, row| self.span(row))
    }

    /// The call of a request, and the trace it is of: one of its own where it names none.
    fn of_request(&mut self, request: &str) -> ReadResult<Option<TraceId>> {
        let conn = &self.context.conn;
        let mut of = None;
        Wanted::find(conn, Kind::Request, [request])?.calls(conn, |_, call| {
            match call.id(Id::Trace) {
                Some(trace) => of = Some(TraceId::Trace(trace.into_owned())),
                None => {
                    of = of.take().or_else(|| Some(TraceId::Request(request.to_owned())));
                    self.call(call)?;
                }
            }
            Ok(())
        })?;
        Ok(of)
    }

    fn of_session(&mut self, session: &str) -> ReadResult<()> {
        session::each_call(self.context, session, |call| {
            if call.id_bytes(Id::Trace).1.is_empty() { self.call(call) } else { Ok(()) }
        })
    }

    fn is_full(&mut self) -> bool {
        self.is_cut |= self.list.len() >= MOST;
        self.is_cut
    }

    fn call(&mut self, call: &Stored<'_>) -> ReadResult<()> {
        if self.is_full() {
            return Ok(());
        }
        let record = call.record(self.context)?;
        let mut event = record.call;
        if event.outcome.is_error() {
            event.error_message = self.context.error_message(record.ts_us, record.id)?.map(Into::into);
        }
        if let Some(text) = call.text()?.filter(|_| self.list.len() < ASKED) {
            self.context.text(text, &mut event)?;
        }
        if event.trace_id.is_none() && event.retries.is_some_and(|n| n > 0) {
            self.tried.extend(event.request_id.as_deref().map(str::to_owned));
        }
        self.sum.call(call, model_and_outcome(self.context, call));
        let own = |text: &crate::event::Text<'_>| text.as_deref().map(str::to_owned);
        self.list.push(Part {
            name: own(&event.model),
            span_id: own(&event.span_id),
            request_id: own(&event.request_id),
            parent_id: own(&event.parent_id),
            provider: own(&event.provider),
            operation: own(&event.operation),
            latency_us: event.latency_us,
            outcome: Some(event.outcome),
            error: own(&event.error_message).or_else(|| own(&event.error_type)),
            ttft_us: event.ttft_us,
            input_tokens: event.input_tokens,
            output_tokens: event.output_tokens,
            cost_nusd: record.cost_nusd,
            retries: event.retries,
            user: own(&event.user_id),
            session: own(&event.session_id),
            asked: asked_of(&event),
            ..Part::new(PartKind::Call, call.key)
        });
        Ok(())
    }

    fn span(&mut self, row: &Row<'_>) -> ReadResult<()> {
        if self.is_full() {
            return Ok(());
        }
        let kind: String = row.get("kind")?;
        let kind = SpanKind::from_word(&kind).ok_or(ReadError::Damaged("a span's kind is unknown"))?;
        let (ok, latency_us): (Option<bool>, Option<i64>) = (row.get("ok")?, row.get("latency_us")?);
        let key = RecordKey { ts_us: row.get("ts_us")?, id: row.get("id")? };
        let part = Part {
            name: row.get("name")?,
            span_id: row.get("span_id")?,
            parent_id: row.get("parent_id")?,
            latency_us: latency_us.and_then(|us| u64::try_from(us).ok()),
            outcome: ok.map(|ok| if ok { Outcome::Ok } else { Outcome::Failed(FailureMode::Unknown) }),
            error: row.get("error_message")?,
            user: row.get("user_id")?,
            session: row.get("session_id")?,
            attrs: row.get("attrs")?,
            ..Part::new(PartKind::Step(kind), key)
        };
        self.sum.step(&SpanFacts {
            end_us: key.ts_us,
            kind,
            name: part.name.as_deref(),
            has_parent: part.parent_id.as_deref().is_some_and(|id| !id.is_empty()),
            latency_us,
            ok,
            user: part.user.as_deref(),
        });
        let asked = part.attrs.as_deref().and_then(|attrs| asked_of_step(part.name.as_deref(), attrs));
        self.list.push(Part { asked, ..part });
        Ok(())
    }

    fn finish(mut self, id: TraceId) -> ReadResult<Option<Trace>> {
        let tried = std::mem::take(&mut self.tried);
        if !tried.is_empty() {
            let conn = &self.context.conn;
            let known: std::collections::HashSet<RecordKey> = self.list.iter().map(|part| part.key).collect();
            let wanted = Wanted::find(conn, Kind::Trace, tried.iter().map(String::as_str))?;
            wanted.spans(conn, |_, row| {
                let key = RecordKey { ts_us: row.get("ts_us")?, id: row.get("id")? };
                if known.contains(&key) { Ok(()) } else { self.span(row) }
            })?;
        }
        let Some(first) = self.list.iter().map(|part| part.key.ts_us).min() else { return Ok(None) };
        let last = self.list.iter().map(|part| part.key.ts_us).max().unwrap_or(first);
        let done = tasks::read(&self.context.conn, Range { since_us: first, until_us: last })?;
        self.sum.task = done.of_parts(id.text(), self.list.iter().filter_map(|part| part.request_id.as_deref()));
        let tree = Tree::build(self.list);
        let row = TraceRow { start_us: tree.start_us, end_us: tree.end_us, ..self.sum.row(id.clone()) };
        Ok(Some(Trace { id, tree, row, is_cut: self.is_cut }))
    }
}

/// A hash of what a call asked: its model and its prompt.
fn asked_of(call: &Call<'_>) -> Option<u64> {
    let prompt = call.prompt.as_deref().or(call.prompt_preview.as_deref())?;
    let mut hash = Xxh3::new();
    // Of long prompts only the beginning may be kept: their tokens tell them apart.
    (call.model.as_deref(), prompt, call.input_tokens).hash(&mut hash);
    Some(hash.finish())
}

/// A hash of what was asked of a step: its name and its input, where that is known.
fn asked_of_step(name: Option<&str>, attrs: &str) -> Option<u64> {
    let attrs: serde_json::Map<String, serde_json::Value> = serde_json::from_str(attrs).ok()?;
    let input = ["input", "arguments", "query", "parameters"].iter().find_map(|key| attrs.get(*key))?;
    let mut hash = Xxh3::new();
    (name, input.to_string()).hash(&mut hash);
    Some(hash.finish())
}

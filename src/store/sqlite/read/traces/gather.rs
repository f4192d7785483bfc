//! What the parts of one trace or session come to, summed as they are read, in any order.

use crate::batch::{Id, Measure};
use crate::event::{Outcome, SpanKind};
use crate::snapshot::traces::{TraceEnd, TraceRow};
use crate::store::sqlite::read::row::Stored;
use crate::view::TraceId;
use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::HashSet;

/// A span as far as sums need it.
pub struct SpanFacts<'r> {
    pub end_us: i64,
    pub kind: SpanKind,
    pub name: Option<&'r str>,
    pub has_parent: bool,
    pub latency_us: Option<i64>,
    pub ok: Option<bool>,
    pub user: Option<&'r str>,
}

/// A part that may be the first one.
struct Head {
    rank: Rank,
    start_us: i64,
    end_us: i64,
    name: Option<String>,
    failed: Option<bool>,
}

/// Which parts give a trace its name.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    /// Steps without a parent.
    Step,
    /// Calls without a parent.
    Call,
    /// What has a parent, which has not been read.
    Child,
}

/// The sums of one trace or session.
#[derive(Default)]
pub struct Sum {
    times: Option<(i64, i64)>,
    /// Hashes of the traces, where they are told apart.
    traces: HashSet<u64>,
    calls: u64,
    tools: u64,
    attempts: u64,
    steps: u64,
    tokens: [Option<u64>; 2],
    cost_nusd: Option<i64>,
    unpriced: u64,
    errors: u64,
    /// Of the last part that names one.
    user: Option<(i64, String)>,
    head: Option<Head>,
    root_end_us: Option<i64>,
    /// When the last call ended, and whether it failed.
    last: Option<(i64, bool)>,
    /// Whether its task was completed.
    pub task: Option<bool>,
    /// Whether the filter lets any of its calls through.
    pub passes: bool,
}

fn start_us(end_us: i64, latency_us: Option<i64>) -> i64 {
    end_us.saturating_sub(latency_us.unwrap_or(0))
}

fn add(sum: &mut Option<u64>, more: Option<i64>) {
    if let Some(more) = more.and_then(|more| u64::try_from(more).ok()) {
        *sum = Some(sum.unwrap_or(0).saturating_add(more));
    }
}

impl Sum {
    /// Adds a call of this model that went so.
    pub fn call(&mut self, call: &Stored<'_>, (model, outcome): (Option<&str>, Outcome)) {
        let (end_us, latency_us) = (call.key.ts_us, call.measure(Measure::Latency));
        let start_us = start_us(end_us, latency_us);
        self.span_times(start_us, end_us);
        self.calls += 1;
        self.errors += u64::from(outcome.is_error());
        add(&mut self.tokens[0], call.measure(Measure::InputTokens));
        add(&mut self.tokens[1], call.measure(Measure::OutputTokens));
        match call.measure(Measure::Cost) {
            Some(cost) => self.cost_nusd = Some(self.cost_nusd.unwrap_or(0).saturating_add(cost)),
            None => self.unpriced += 1,
        }
        self.name_user(end_us, || call.id(Id::User));
        self.last = self.last.max(Some((end_us, outcome.is_error())));
        let rank = if call.id_bytes(Id::Parent).1.is_empty() { Rank::Call } else { Rank::Child };
        if self.is_first(rank, (start_us, end_us), model) {
            let failed = Some(outcome.is_error());
            self.head = Some(Head { rank, start_us, end_us, name: model.map(str::to_owned), failed });
        }
        self.root_end(rank, end_us);
    }

    /// Adds a span.
    pub fn step(&mut self, span: &SpanFacts<'_>) {
        let start_us = start_us(span.end_us, span.latency_us);
        self.span_times(start_us, span.end_us);
        self.steps += 1;
        self.tools += u64::from(span.kind == SpanKind::Tool);
        self.attempts += u64::from(span.kind == SpanKind::Attempt);
        self.errors += u64::from(span.ok == Some(false));
        self.name_user(span.end_us, || span.user.map(Cow::Borrowed));
        let rank = if span.has_parent || span.kind == SpanKind::Attempt { Rank::Child } else { Rank::Step };
        if self.is_first(rank, (start_us, span.end_us), span.name) {
            let (name, failed) = (span.name.map(str::to_owned), span.ok.map(|ok| !ok));
            self.head = Some(Head { rank, start_us, end_us: span.end_us, name, failed });
        }
        self.root_end(rank, span.end_us);
    }

    fn span_times(&mut self, start_us: i64, end_us: i64) {
        let (first, last) = self.times.unwrap_or((start_us, end_us));
        self.times = Some((first.min(start_us), last.max(end_us)));
    }

    /// Whether a part comes before the one that is known: by its rank, then the earlier, then the longer.
    fn is_first(&self, rank: Rank, (start_us, end_us): (i64, i64), name: Option<&str>) -> bool {
        let Some(head) = &self.head else { return true };
        let known = (head.rank, head.start_us, Reverse(head.end_us), head.name.as_deref());
        (rank, start_us, Reverse(end_us), name) < known
    }

    /// Takes the user of a part that ended then; of several the last, in whatever order they come.
    fn name_user<'u>(&mut self, end_us: i64, user: impl FnOnce() -> Option<Cow<'u, str>>) {
        let is_later = self.user.as_ref().is_none_or(|(known, _)| *known <= end_us);
        if let Some(user) = is_later.then(user).flatten() {
            self.user = self.user.take().max(Some((end_us, user.into_owned())));
        }
    }

    /// What has no parent ends the whole; what is left behind by it may end later.
    fn root_end(&mut self, rank: Rank, end_us: i64) {
        if rank != Rank::Child {
            self.root_end_us = self.root_end_us.max(Some(end_us));
        }
    }

    /// Notes which trace a part is of.
    pub fn trace(&mut self, hash: u64) {
        self.traces.insert(hash);
    }

    /// Whether it is of tries alone, whose call is elsewhere.
    pub fn is_of_tries(&self) -> bool {
        self.calls == 0 && self.steps == self.attempts
    }

    /// Adds the tries that belong to a call of this one.
    pub fn take_tries(&mut self, tries: &Sum) {
        if let Some((start_us, end_us)) = tries.times {
            self.span_times(start_us, end_us);
        }
        self.steps += tries.steps;
        self.attempts += tries.attempts;
        self.errors += tries.errors;
    }

    /// When its first part began and its last one ended, µs.
    pub fn times(&self) -> Option<(i64, i64)> {
        self.times
    }

    /// When its first part began and when it ended, whatever it left behind, µs.
    fn whole(&self) -> (i64, i64) {
        let (start_us, last_us) = self.times.unwrap_or_default();
        (start_us, self.root_end_us.unwrap_or(last_us))
    }

    /// Adds all of another one.
    pub fn take(&mut self, other: &Sum) {
        self.take_tries(other);
        self.calls += other.calls;
        self.tools += other.tools;
        for (sum, more) in self.tokens.iter_mut().zip(other.tokens) {
            add(sum, more.and_then(|more| i64::try_from(more).ok()));
        }
        self.cost_nusd = match (self.cost_nusd, other.cost_nusd) {
            (None, cost) | (cost, None) => cost,
            (Some(a), Some(b)) => Some(a.saturating_add(b)),
        };
        self.unpriced += other.unpriced;
        self.user = self.user.take().max(other.user.clone());
        self.last = self.last.max(other.last);
        self.root_end_us = self.root_end_us.max(other.root_end_us.or(other.times.map(|(_, end_us)| end_us)));
    }

    fn end(&self) -> TraceEnd {
        let step = self.head.as_ref().filter(|head| head.rank == Rank::Step).and_then(|head| head.failed);
        match (self.task, step.or(self.last.map(|(_, failed)| failed))) {
            (Some(true), _) => TraceEnd::Completed,
            (Some(false), _) => TraceEnd::NotCompleted,
            (None, Some(true)) => TraceEnd::Failed,
            (None, Some(false)) => TraceEnd::Ok,
            (None, None) => TraceEnd::Unknown,
        }
    }

    /// The figures.
    pub fn row(self, id: TraceId) -> TraceRow {
        let (start_us, end_us) = self.whole();
        TraceRow {
            end: self.end(),
            id,
            name: self.head.and_then(|head| head.name),
            start_us,
            end_us,
            traces: self.traces.len().max(1) as u64,
            calls: self.calls,
            tools: self.tools,
            input_tokens: self.tokens[0],
            output_tokens: self.tokens[1],
            cost_nusd: self.cost_nusd,
            unpriced: self.unpriced,
            errors: self.errors,
            user: self.user.map(|(_, user)| user),
        }
    }

    /// What a list is ordered by, the most first.
    pub fn weight(&self, by: crate::view::TraceOrder) -> (i64, i64, i64) {
        use crate::view::TraceOrder::{Calls, Cost, Duration, Failed, Start, Tokens};
        let (start, end) = self.whole();
        let signed = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
        match by {
            Start => (start, end, 0),
            Duration => (end.saturating_sub(start), start, 0),
            Cost => (self.cost_nusd.unwrap_or(-1), start, 0),
            Failed => (i64::from(self.end().is_bad()), signed(self.errors), start),
            Calls => (signed(self.calls), start, 0),
            Tokens => (signed(self.tokens.iter().flatten().sum()), start, 0),
        }
    }
}

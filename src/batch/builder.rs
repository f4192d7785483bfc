//! Builds batches: takes events as formats find them and packs them.

use super::dict::{Attrs, Interner, attrs_key, series_key, series_of};
use super::text::TextWriter;
use super::{Batch, CallRow, ErrorRow, INLINE, Place, ScoreRow, SpanRow, TextBlock, facts};
use crate::event::{Call, LimitEvent, ScoreEvent, Sink, SpanEvent, Text};
use crate::price::{Cost, ModelPrices, Prices};
use crate::stats::template::template;
use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

/// Above so many combinations of attributes they are written inline.
const MAX_ATTRS: usize = 50_000;

/// Above so many bytes of dictionary a builder starts anew, so that hostile logs cannot fill the memory.
const MAX_DICT_BYTES: usize = 16 << 20;

/// The id of an event whose line is not hashed yet; a real hash is never this, give or take one in 2^64.
const NAMELESS: i64 = i64::MIN;

/// The longest error message that is kept, bytes.
const MAX_MESSAGE: usize = 8 << 10;

/// Packs events into a batch. One per parsing thread; the dictionaries live on from batch to batch.
pub struct Builder {
    number: u64,
    batch: Batch,
    series: Interner,
    prices: Arc<Prices>,
    models: Models,
    attrs: Interner,
    scratch: Vec<u8>,
    text: TextWriter,
    read_us: i64,
    line_events: u64,
    nameless: bool,
    line_start: [usize; 3],
}

/// The prices of models. There are few models and many series: those of one model share its prices, or they would be read
/// from all over the memory.
#[derive(Default)]
struct Models {
    /// By the number of the series.
    of_series: Vec<Option<Arc<ModelPrices>>>,
    found: HashMap<ProviderAndModel, Option<Arc<ModelPrices>>>,
}

/// As calls name them.
type ProviderAndModel = (Option<Box<str>>, Option<Box<str>>);

impl Models {
    /// Looks up the prices of the next series.
    fn add(&mut self, prices: &Prices, call: &Call<'_>) {
        let (provider, model) = (call.provider.as_deref(), call.model.as_deref());
        let found = self.found.entry((provider.map(Into::into), model.map(Into::into)));
        self.of_series.push(found.or_insert_with(|| prices.model(provider, model)).clone());
    }

    #[inline]
    fn get(&self, series: u32) -> Option<&ModelPrices> {
        self.of_series.get(series as usize).and_then(Option::as_deref)
    }
}

fn next_number() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

impl Builder {
    /// A builder with empty dictionaries, that prices calls. Fails only where memory for the compressor cannot be had.
    pub fn new(prices: Arc<Prices>) -> std::io::Result<Builder> {
        Ok(Builder {
            number: next_number(),
            batch: Batch { in_order: true, ..Batch::default() },
            series: Interner::default(),
            prices,
            models: Models::default(),
            attrs: Interner::default(),
            scratch: Vec::with_capacity(256),
            text: TextWriter::new()?,
            read_us: 0,
            line_events: 0,
            nameless: false,
            line_start: [0; 3],
        })
    }

    /// The batch being filled.
    pub fn batch(&mut self) -> &mut Batch {
        &mut self.batch
    }

    /// Begins a line. `read_us` is the time of reading, for events without a time.
    pub fn begin_line(&mut self, read_us: i64) {
        self.read_us = read_us;
        self.batch.read_us = self.batch.read_us.max(read_us);
        self.line_events = 0;
        self.nameless = false;
        self.line_start = [self.batch.calls.len(), self.batch.spans.len(), self.batch.scores.len()];
    }

    /// Ends a line: events without an id of their own take the line's hash. How many events it gave.
    pub fn end_line(&mut self, line: &[u8]) -> u64 {
        if self.nameless {
            let hash = xxh3_64(line.trim_ascii());
            let [calls, spans, scores] = self.line_start;
            let batch = &mut self.batch;
            let ids = batch.calls[calls..].iter_mut().map(|r| &mut r.id);
            let ids = ids.chain(batch.spans[spans..].iter_mut().map(|r| &mut r.id));
            let ids = ids.chain(batch.scores[scores..].iter_mut().map(|r| &mut r.id));
            // Several events of one line are told apart by their number.
            for (number, id) in ids.enumerate().filter(|(_, id)| **id == NAMELESS) {
                *id = (hash ^ (number as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15)) as i64;
            }
        }
        self.line_events
    }

    /// Hands the batch over and begins the next.
    pub fn finish(&mut self) -> std::io::Result<Batch> {
        self.seal()?;
        let mut done = std::mem::replace(&mut self.batch, Batch { in_order: true, ..Batch::default() });
        done.builder = self.number;
        self.batch.first_series = self.series.len() as u32;
        self.batch.first_attrs = self.attrs.len() as u32;
        // As much as this one took and a little more: a vector that grows by doubling would hold twice of it.
        self.batch.calls.reserve(done.calls.len() + done.calls.len() / 8);
        self.batch.arena.reserve(done.arena.len() + done.arena.len() / 8);
        if self.series.weight() + self.attrs.weight() > MAX_DICT_BYTES {
            self.number = next_number();
            (self.batch.first_series, self.batch.first_attrs) = (0, 0);
            (self.series, self.attrs) = (Interner::default(), Interner::default());
            self.models = Models::default();
        }
        Ok(done)
    }

    fn seal(&mut self) -> std::io::Result<()> {
        if let Some(block) = self.text.seal() {
            self.batch.texts.push(block?);
        }
        Ok(())
    }

    /// The identity's hash: of the id, else as the line carries it, else still to come from the line.
    fn identity(&mut self, kind: u64, id: Option<&str>, carried: Option<i64>) -> i64 {
        if let Some(id) = id.filter(|id| !id.is_empty()) {
            return xxh3_64_with_seed(id.as_bytes(), kind) as i64;
        }
        carried.unwrap_or_else(|| {
            self.nameless = true;
            NAMELESS
        })
    }

    /// Where the arena's bytes from `start` on are; an arena of 4 GiB takes no more.
    fn place_from(&self, start: usize) -> Place {
        let (at, len) = (u32::try_from(start), u32::try_from(self.batch.arena.len().saturating_sub(start)));
        at.and_then(|at| len.map(|len| Place { at, len })).unwrap_or_default()
    }

    fn place(&mut self, text: &str) -> Place {
        let start = self.batch.arena.len();
        self.batch.arena.extend_from_slice(text.as_bytes());
        self.place_from(start)
    }

    fn facts(&mut self, call: &Call<'_>, cost: Cost) -> Place {
        let start = self.batch.arena.len();
        facts::put(call, cost, &mut self.batch.arena);
        self.place_from(start)
    }

    fn series_number(&mut self, call: &Call<'_>) -> u32 {
        series_key(call, &mut self.scratch);
        let (number, new) = self.series.intern(&self.scratch);
        if new {
            self.batch.new_series.push(series_of(call));
            self.models.add(&self.prices, call);
        }
        number
    }

    /// What the call cost; its model's prices are looked up once for each series.
    fn cost(&self, call: &Call<'_>, series: u32, ts_us: i64) -> Cost {
        self.prices.cost(self.models.get(series), call, ts_us)
    }

    fn attrs_number(&mut self, call: &Call<'_>) -> (u32, Place) {
        attrs_key(call, &mut self.scratch);
        if self.attrs.len() >= MAX_ATTRS {
            let json = Attrs::of(call).json();
            return (INLINE, self.place(&json));
        }
        let (number, new) = self.attrs.intern(&self.scratch);
        if new {
            self.batch.new_attrs.push(Attrs::of(call).json().into());
        }
        (number, Place::default())
    }

    fn text_number(&mut self, call: &Call<'_>, ts_us: i64) -> i32 {
        let Some(slot) = self.text.add(call, ts_us) else { return -1 };
        let number = self.batch.texts.len() as u32 * TextBlock::SLOTS + slot;
        if self.text.is_full() {
            // A compressor that fails loses text, never the call; it can only fail for want of memory.
            let block = self.text.seal().and_then(Result::ok).unwrap_or_default();
            self.batch.texts.push(block);
        }
        i32::try_from(number).unwrap_or(-1)
    }

    fn note_error(&mut self, call: &Call<'_>) {
        let message = call.error_message.as_deref().unwrap_or_default();
        let kept = cut(message, MAX_MESSAGE);
        let shape = template(if kept.is_empty() { call.error_type.as_deref().unwrap_or_default() } else { kept });
        self.batch.errors.push(ErrorRow {
            call: self.batch.calls.len() as u32,
            message: kept.into(),
            template: shape.into(),
            retry_after_us: call.retry_after_us.and_then(|us| i64::try_from(us).ok()),
            user: call.user_id.as_deref().filter(|t| !t.is_empty()).map(Into::into),
            error_type: call.error_type.as_deref().filter(|t| !t.is_empty()).map(Into::into),
        });
    }
}

fn cut(text: &str, max: usize) -> &str {
    let mut end = text.len().min(max);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

impl Sink for Builder {
    fn call(&mut self, call: &Call<'_>) {
        let ts_us = call.ts_us.unwrap_or(self.read_us);
        let id = self.identity(0, call.request_id.as_deref(), call.identity);
        let series = self.series_number(call);
        let (attrs, attrs_text) = self.attrs_number(call);
        if call.outcome.is_error() || call.error_message.is_some() || call.retry_after_us.is_some() {
            self.note_error(call);
        }
        let cost = self.cost(call, series, ts_us);
        let row = CallRow {
            ts_us,
            id,
            timed: call.ts_us.is_some(),
            outcome: call.outcome,
            series,
            attrs,
            attrs_text,
            facts: self.facts(call, cost),
            text: self.text_number(call, ts_us),
            priced: cost.nusd.is_some(),
        };
        let batch = &mut self.batch;
        batch.in_order &= batch.calls.last().is_none_or(|last| last.ts_us <= ts_us);
        batch.calls.push(row);
        self.line_events += 1;
    }

    fn span(&mut self, span: &SpanEvent<'_>) {
        let key = match (span.trace_id.as_deref(), span.span_id.as_deref()) {
            (Some(trace), Some(id)) => Some(format!("{trace}/{id}")),
            _ => None,
        };
        let row = SpanRow {
            ts_us: span.ts_us.unwrap_or(self.read_us),
            id: self.identity(1, key.as_deref(), span.identity),
            timed: span.ts_us.is_some(),
            span: own_span(span),
        };
        self.batch.spans.push(row);
        self.line_events += 1;
    }

    fn score(&mut self, score: &ScoreEvent<'_>) {
        let row = ScoreRow {
            ts_us: score.ts_us.unwrap_or(self.read_us),
            id: self.identity(2, score.score_id.as_deref(), score.identity),
            timed: score.ts_us.is_some(),
            score: own_score(score),
        };
        self.batch.scores.push(row);
        self.line_events += 1;
    }

    fn limit(&mut self, limit: &LimitEvent) {
        self.batch.limits.push((limit.ts_us.unwrap_or(self.read_us), limit.clone()));
        self.line_events += 1;
    }
}

fn own(text: &Text<'_>) -> Text<'static> {
    text.as_deref().map(|t| Cow::Owned(t.to_owned()))
}

fn own_span(s: &SpanEvent<'_>) -> SpanEvent<'static> {
    SpanEvent {
        ts_us: s.ts_us,
        identity: s.identity,
        kind: s.kind,
        name: own(&s.name),
        trace_id: own(&s.trace_id),
        span_id: own(&s.span_id),
        parent_id: own(&s.parent_id),
        user_id: own(&s.user_id),
        session_id: own(&s.session_id),
        latency_us: s.latency_us,
        ok: s.ok,
        error_message: own(&s.error_message),
        attrs: own(&s.attrs),
    }
}

fn own_score(s: &ScoreEvent<'_>) -> ScoreEvent<'static> {
    ScoreEvent {
        ts_us: s.ts_us,
        score_id: own(&s.score_id),
        identity: s.identity,
        name: Cow::Owned(s.name.clone().into_owned()),
        value: s.value,
        source: s.source,
        request_id: own(&s.request_id),
        trace_id: own(&s.trace_id),
        user_id: own(&s.user_id),
        comment: own(&s.comment),
    }
}

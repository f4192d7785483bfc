//! A call's measures and ids in one run of bytes: what the store keeps of a call beside its keys. A mask says what is
//! known, so that the unknown costs nothing; packing is done where lines are parsed, so that the one writer need not.

use super::ids::{pack_id, unpack_id};
use crate::event::{Call, Outcome, Text};
use crate::listed::listed;
use crate::price::Cost;
use crate::stats::acc::Sample;
use crate::stats::varint;
use std::borrow::Cow;

listed! {
    /// What is measured of a call, in stored order. None but the last is ever negative.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    #[repr(usize)]
    pub enum Measure {
        /// All input tokens.
        InputTokens,
        /// All output tokens.
        OutputTokens,
        /// Cached input tokens.
        CachedInputTokens,
        /// Cache writes.
        CacheWriteTokens,
        /// Cache writes kept one hour.
        CacheWrite1hTokens,
        /// Reasoning tokens.
        ReasoningTokens,
        /// µs.
        Latency,
        /// µs.
        Ttft,
        /// µs.
        Queue,
        /// µs.
        Network,
        /// Nano-dollars.
        Cost,
        /// Retries.
        Retries,
        /// Audio input tokens.
        InputAudioTokens,
        /// Audio output tokens.
        OutputAudioTokens,
        /// What the producer says it cost, nano-dollars.
        ReportedCost,
        /// What the provider's cache saved, nano-dollars; below 0 where writing to it cost more.
        CacheSaved,
    }
}

const MEASURES: usize = Measure::ALL.len();

impl Measure {
    /// Its name in the store's views, with its unit.
    pub fn name(self) -> &'static str {
        match self {
            Measure::InputTokens => "input_tokens",
            Measure::OutputTokens => "output_tokens",
            Measure::CachedInputTokens => "cached_input_tokens",
            Measure::CacheWriteTokens => "cache_write_tokens",
            Measure::CacheWrite1hTokens => "cache_write_1h_tokens",
            Measure::ReasoningTokens => "reasoning_tokens",
            Measure::Latency => "latency_us",
            Measure::Ttft => "ttft_us",
            Measure::Queue => "queue_us",
            Measure::Network => "network_us",
            Measure::Cost => "cost_nusd",
            Measure::Retries => "retries",
            Measure::InputAudioTokens => "input_audio_tokens",
            Measure::OutputAudioTokens => "output_audio_tokens",
            Measure::ReportedCost => "reported_cost_nusd",
            Measure::CacheSaved => "cache_saved_nusd",
        }
    }
}

listed! {
    /// The ids of a call, in stored order.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    #[repr(usize)]
    pub enum Id {
        /// `request_id`
        Request,
        /// `trace_id`
        Trace,
        /// `span_id`
        Span,
        /// `parent_id`
        Parent,
        /// `session_id`
        Session,
        /// `user_id`
        User,
    }
}

const IDS: usize = Id::ALL.len();

impl Id {
    /// Its name in the store's views.
    pub fn name(self) -> &'static str {
        match self {
            Id::Request => "request_id",
            Id::Trace => "trace_id",
            Id::Span => "span_id",
            Id::Parent => "parent_id",
            Id::Session => "session_id",
            Id::User => "user_id",
        }
    }

    fn of<'c, 'a>(self, call: &'c Call<'a>) -> &'c Text<'a> {
        match self {
            Id::Request => &call.request_id,
            Id::Trace => &call.trace_id,
            Id::Span => &call.span_id,
            Id::Parent => &call.parent_id,
            Id::Session => &call.session_id,
            Id::User => &call.user_id,
        }
    }
}

/// The measures of a call as they are stored, in their order.
fn measures(call: &Call<'_>, cost: Cost) -> [Option<u64>; MEASURES] {
    let money = |nusd: Option<i64>| nusd.and_then(|n| u64::try_from(n).ok());
    [
        call.input_tokens,
        call.output_tokens,
        call.cached_input_tokens,
        call.cache_write_tokens,
        call.cache_write_1h_tokens,
        call.reasoning_tokens,
        call.latency_us,
        call.ttft_us,
        call.queue_us,
        call.network_us,
        money(cost.nusd),
        call.retries.map(u64::from),
        call.input_audio_tokens,
        call.output_audio_tokens,
        money(call.cost_nusd).filter(|_| call.cost_nusd != cost.nusd),
        cost.cache_saved_nusd.map(zigzag),
    ]
}

/// The mask before the values: bits of known measures, known ids, ids that are packed, and the three below.
const MASK: usize = 4;

/// The bit that says that the producer reports what counts as the cost.
const IS_REPORTED: u32 = 1 << 28;

/// The bit of answers that were cut at the limit of their length.
const IS_TRUNCATED: u32 = 1 << 29;

/// The bit of calls whose tokens are estimated.
const IS_ESTIMATED: u32 = 1 << 30;

const _: () = assert!(MEASURES + 2 * IDS == 28, "the bits do not overlap");

/// Small numbers for small ones on both sides of 0; all but the lowest fit the stored range.
fn zigzag(value: i64) -> u64 {
    let value = value.clamp(-(i64::MAX / 2), i64::MAX / 2);
    ((value << 1) ^ (value >> 63)) as u64
}

fn unzigzag(stored: i64) -> i64 {
    (stored >> 1) ^ -(stored & 1)
}

/// Appends a call's facts.
pub(super) fn put(call: &Call<'_>, cost: Cost, out: &mut Vec<u8>) {
    let start = out.len();
    out.extend_from_slice(&[0; MASK]);
    let mut mask = 0u32;
    if call.cost_nusd.is_some() && call.cost_nusd == cost.nusd {
        mask |= IS_REPORTED;
    }
    if call.is_truncated() {
        mask |= IS_TRUNCATED;
    }
    if call.estimated {
        mask |= IS_ESTIMATED;
    }
    for (bit, value) in measures(call, cost).into_iter().enumerate() {
        // What does not fit is the largest that does.
        if let Some(value) = value {
            mask |= 1 << bit;
            varint::put(out, value.min(i64::MAX as u64));
        }
    }
    for id in Id::ALL {
        let Some(text) = id.of(call).as_deref().filter(|t| !t.is_empty()) else { continue };
        mask |= 1 << (MEASURES + id as usize);
        let mut packed = [0; 17];
        match pack_id(text, &mut packed) {
            Some(len) => {
                mask |= 1 << (MEASURES + IDS + id as usize);
                varint::put_bytes(out, &packed[..len]);
            }
            None => varint::put_bytes(out, text.as_bytes()),
        }
    }
    out[start..start + MASK].copy_from_slice(&mask.to_le_bytes()[..MASK]);
}

/// A call's measures and ids, read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Facts<'b> {
    /// −1 is unknown.
    measures: [i64; MEASURES],
    /// Empty is unknown.
    ids: [&'b [u8]; IDS],
    mask: u32,
}

impl Default for Facts<'_> {
    fn default() -> Self {
        Facts { measures: [-1; MEASURES], ids: [&[]; IDS], mask: 0 }
    }
}

impl<'b> Facts<'b> {
    /// Reads the facts of a call; `None` for anything else.
    #[inline]
    pub fn read(bytes: &'b [u8]) -> Option<Facts<'b>> {
        let (mask, mut rest) = bytes.split_first_chunk::<MASK>()?;
        let mut facts = Facts { mask: u32::from_le_bytes(*mask), ..Facts::default() };
        for (bit, value) in facts.measures.iter_mut().enumerate() {
            if facts.mask & (1 << bit) != 0 {
                *value = i64::try_from(varint::take(&mut rest)?).ok()?;
            }
        }
        for (bit, id) in facts.ids.iter_mut().enumerate() {
            if facts.mask & (1 << (MEASURES + bit)) != 0 {
                *id = varint::take_bytes(&mut rest)?;
            }
        }
        rest.is_empty().then_some(facts)
    }

    /// A measure, if known.
    #[inline]
    pub fn measure(&self, which: Measure) -> Option<i64> {
        let stored = |which: Measure| Some(self.measures[which as usize]).filter(|v| *v >= 0);
        match which {
            Measure::CacheSaved => stored(which).map(unzigzag),
            Measure::ReportedCost if self.mask & IS_REPORTED != 0 => stored(Measure::Cost),
            _ => stored(which),
        }
    }

    #[inline]
    fn unsigned(&self, which: Measure) -> Option<u64> {
        u64::try_from(self.measures[which as usize]).ok()
    }

    /// An id's bytes and whether they are packed (see [`pack_id`]) and no text; empty is unknown.
    #[inline]
    pub fn id_bytes(&self, which: Id) -> (bool, &'b [u8]) {
        (self.mask & (1 << (MEASURES + IDS + which as usize)) != 0, self.ids[which as usize])
    }

    /// An id, if known.
    pub fn id(&self, which: Id) -> Option<Cow<'b, str>> {
        match self.id_bytes(which) {
            (_, []) => None,
            (true, packed) => unpack_id(packed).map(Cow::Owned),
            (false, text) => Some(String::from_utf8_lossy(text)),
        }
    }

    /// The measures to fold into accumulators.
    pub fn sample(&self, outcome: Outcome) -> Sample {
        Sample {
            outcome,
            retries: self.unsigned(Measure::Retries).map(|r| u32::try_from(r).unwrap_or(u32::MAX)),
            input_tokens: self.unsigned(Measure::InputTokens),
            output_tokens: self.unsigned(Measure::OutputTokens),
            cached_input_tokens: self.unsigned(Measure::CachedInputTokens),
            cache_write_tokens: self.unsigned(Measure::CacheWriteTokens),
            reasoning_tokens: self.unsigned(Measure::ReasoningTokens),
            cost_nusd: self.measure(Measure::Cost),
            cache_saved_nusd: self.measure(Measure::CacheSaved),
            truncated: self.mask & IS_TRUNCATED != 0,
            latency_us: self.unsigned(Measure::Latency),
            ttft_us: self.unsigned(Measure::Ttft),
            queue_us: self.unsigned(Measure::Queue),
            network_us: self.unsigned(Measure::Network),
        }
    }

    /// The same facts with another cost, as they are stored.
    pub fn repriced(&self, cost: Cost) -> Vec<u8> {
        let mut measures = self.measures;
        let reported = self.measure(Measure::ReportedCost);
        measures[Measure::Cost as usize] = cost.nusd.unwrap_or(-1);
        measures[Measure::ReportedCost as usize] = reported.filter(|_| reported != cost.nusd).unwrap_or(-1);
        measures[Measure::CacheSaved as usize] = cost.cache_saved_nusd.map_or(-1, |saved| zigzag(saved) as i64);
        let known = |mask: u32, (bit, value): (usize, &i64)| mask | u32::from(*value >= 0) << bit;
        let mut mask = measures.iter().enumerate().fold(self.mask & !((1 << MEASURES) - 1) & !IS_REPORTED, known);
        if reported.is_some() && reported == cost.nusd {
            mask |= IS_REPORTED;
        }
        let mut out = Vec::with_capacity(96);
        out.extend_from_slice(&mask.to_le_bytes());
        measures.iter().filter_map(|value| u64::try_from(*value).ok()).for_each(|value| varint::put(&mut out, value));
        self.ids.iter().filter(|id| !id.is_empty()).for_each(|id| varint::put_bytes(&mut out, id));
        out
    }

    /// Puts the measures and ids into a call; its cost is what the producer reports.
    pub fn restore(&self, call: &mut Call<'static>) {
        self.restore_measures(call);
        let own = |id| self.id(id).map(|t| Cow::Owned(t.into_owned()));
        call.request_id = own(Id::Request);
        call.trace_id = own(Id::Trace);
        call.span_id = own(Id::Span);
        call.parent_id = own(Id::Parent);
        call.session_id = own(Id::Session);
        call.user_id = own(Id::User);
    }

    /// Puts the measures into a call; its cost is what the producer reports.
    pub fn restore_measures(&self, call: &mut Call<'_>) {
        call.input_tokens = self.unsigned(Measure::InputTokens);
        call.output_tokens = self.unsigned(Measure::OutputTokens);
        call.cached_input_tokens = self.unsigned(Measure::CachedInputTokens);
        call.cache_write_tokens = self.unsigned(Measure::CacheWriteTokens);
        call.cache_write_1h_tokens = self.unsigned(Measure::CacheWrite1hTokens);
        call.reasoning_tokens = self.unsigned(Measure::ReasoningTokens);
        call.latency_us = self.unsigned(Measure::Latency);
        call.ttft_us = self.unsigned(Measure::Ttft);
        call.queue_us = self.unsigned(Measure::Queue);
        call.network_us = self.unsigned(Measure::Network);
        call.input_audio_tokens = self.unsigned(Measure::InputAudioTokens);
        call.output_audio_tokens = self.unsigned(Measure::OutputAudioTokens);
        call.estimated = self.mask & IS_ESTIMATED != 0;
        call.cost_nusd = self.measure(Measure::ReportedCost);
        call.retries = self.unsigned(Measure::Retries).map(|r| u32::try_from(r).unwrap_or(u32::MAX));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn id() -> impl Strategy<Value = Text<'static>> {
        prop_oneof![
            2 => Just(None),
            2 => "[a-z_]{1,20}".prop_map(|t| Some(Cow::Owned(t))),
            1 => "[0-9a-f]{32}".prop_map(|t| Some(Cow::Owned(t))),
            1 => "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}".prop_map(|t| Some(Cow::Owned(t))),
            1 => "\\PC{1,300}".prop_map(|t| Some(Cow::Owned(t))),
        ]
    }

    fn measure() -> impl Strategy<Value = Option<u64>> {
        prop::option::of(prop_oneof![0..200u64, 0..=i64::MAX as u64])
    }

    proptest! {
        #[test]
        fn what_is_put_is_read(m in prop::collection::vec(measure(), 12), cost: Option<u32>, priced: Option<u32>, saved: Option<i32>, cut: bool, estimated: bool, retries: Option<u32>, ids in prop::collection::vec(id(), 6)) {
            let call = Call {
                input_tokens: m[0], output_tokens: m[1], cached_input_tokens: m[2], cache_write_tokens: m[3],
                cache_write_1h_tokens: m[4], reasoning_tokens: m[5], latency_us: m[6], ttft_us: m[7], queue_us: m[8],
                network_us: m[9], input_audio_tokens: m[10], output_audio_tokens: m[11],
                finish_reason: cut.then_some(Cow::Borrowed("length")), cost_nusd: cost.map(i64::from), retries, estimated,
                request_id: ids[0].clone(), trace_id: ids[1].clone(), span_id: ids[2].clone(), parent_id: ids[3].clone(),
                session_id: ids[4].clone(), user_id: ids[5].clone(), ..Call::default()
            };
            let mut bytes = Vec::new();
            // Both the same, one alone, and neither.
            let nusd = priced.map(i64::from).filter(|n| n % 2 == 0).or(call.cost_nusd.filter(|n| n % 3 == 0));
            let cost = Cost { nusd, cache_saved_nusd: saved.map(i64::from) };
            put(&call, cost, &mut bytes);
            let facts = Facts::read(&bytes).expect("its own bytes");
            let mut back = Call::default();
            facts.restore(&mut back);
            back.finish_reason.clone_from(&call.finish_reason);
            prop_assert_eq!(&back, &call);
            let sample = facts.sample(Outcome::default());
            prop_assert_eq!((sample.cost_nusd, sample.cache_saved_nusd, sample.truncated), (nusd, cost.cache_saved_nusd, cut));
            // Another cost over it is the same as that cost from the beginning.
            let (mut once, other) = (Vec::new(), Cost { nusd: call.cost_nusd.map(|n| n + 1), cache_saved_nusd: None });
            put(&call, other, &mut once);
            prop_assert_eq!(facts.repriced(other), once.clone());
            prop_assert_eq!(Facts::read(&once).expect("its own bytes").repriced(cost), bytes.clone());
            for which in Measure::ALL.into_iter().filter(|m| !matches!(m, Measure::ReportedCost | Measure::CacheSaved)) {
                prop_assert_eq!(facts.measure(which), measures(&call, cost)[which as usize].map(|v| v as i64), "{}", which.name());
            }
        }

        #[test]
        fn broken_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
            if let Some(facts) = Facts::read(&bytes) {
                facts.restore(&mut Call::default());
            }
        }
    }
}

//! Dictionaries of what repeats: series (combinations of dimensions) and attributes (combinations of rarely asked
//! fields, as JSON). Numbers are the builder's own; the store maps them to its own.

use crate::event::{Call, Outcome};
use crate::stats::varint;
use crate::view::Dim;
use hashbrown::HashTable;
use std::borrow::Cow;
use std::fmt::Write as _;

/// Bytes to numbers, in the order they were first seen.
#[derive(Debug, Default)]
pub(super) struct Interner {
    table: HashTable<(u64, u32)>,
    ends: Vec<u32>,
    bytes: Vec<u8>,
}

impl Interner {
    /// The number of these bytes, and whether they are new.
    pub fn intern(&mut self, key: &[u8]) -> (u32, bool) {
        let hash = xxhash_rust::xxh3::xxh3_64(key);
        let (ends, bytes) = (&self.ends, &self.bytes);
        let at = |n: u32| {
            let start = if n == 0 { 0 } else { ends[n as usize - 1] as usize };
            &bytes[start..ends[n as usize] as usize]
        };
        if let Some((_, number)) = self.table.find(hash, |(h, n)| *h == hash && at(*n) == key) {
            return (*number, false);
        }
        let number = self.ends.len() as u32;
        self.bytes.extend_from_slice(key);
        self.ends.push(self.bytes.len() as u32);
        self.table.insert_unique(hash, (hash, number), |(h, _)| *h);
        (number, true)
    }

    pub fn len(&self) -> usize {
        self.ends.len()
    }

    pub fn weight(&self) -> usize {
        self.bytes.len()
    }
}

/// One combination of the rolled-up dimensions.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct SeriesKey {
    /// Provider, model, operation, app, environment, host, variant: in this order.
    pub dims: [Option<Box<str>>; 7],
    /// Outcome.
    pub outcome: Outcome,
}

impl SeriesKey {
    /// The dimensions in the order of `dims`.
    pub const DIMS: [Dim; 7] =
        [Dim::Provider, Dim::Model, Dim::Operation, Dim::App, Dim::Environment, Dim::Host, Dim::Variant];

    const HOST: usize = 5;

    /// The value of a dimension; `None` where it is unknown or not part of a series.
    pub fn get(&self, dim: Dim) -> Option<&str> {
        match dim {
            Dim::Status => Some(if self.outcome.is_error() { "error" } else { "ok" }),
            Dim::Error => self.outcome.failure().map(|m| m.word()),
            _ => self.dims[Self::DIMS.iter().position(|d| *d == dim)?].as_deref(),
        }
    }

    /// The same with the host unknown.
    #[must_use]
    pub fn without_host(&self) -> SeriesKey {
        let mut key = self.clone();
        key.dims[Self::HOST] = None;
        key
    }

    /// The host, known or not, and the outcome alone.
    #[must_use]
    pub fn host_alone(&self) -> SeriesKey {
        let mut key = SeriesKey { outcome: self.outcome, ..SeriesKey::default() };
        key.dims[Self::HOST].clone_from(&self.dims[Self::HOST]);
        key
    }

    /// Puts the dimensions and the outcome into a call.
    pub fn restore(self, call: &mut Call<'static>) {
        let own = |t: Option<Box<str>>| t.map(|t| Cow::Owned(t.into_string()));
        let [provider, model, operation, app, environment, host, variant] = self.dims.map(own);
        (call.provider, call.model, call.operation) = (provider, model, operation);
        (call.app, call.environment, call.host, call.variant) = (app, environment, host, variant);
        call.outcome = self.outcome;
    }

    /// The combination as bytes: the identity in dictionaries, here and in the store.
    pub fn bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(96);
        write_series(&mut out, self.dims.iter().map(Option::as_deref), self.outcome);
        out
    }
}

fn write_series<'a>(out: &mut Vec<u8>, dims: impl Iterator<Item = Option<&'a str>>, outcome: Outcome) {
    for dim in dims {
        // Lengths are one up, so that unknown (0) and empty (1) differ.
        varint::put(out, dim.map_or(0, |d| d.len() as u64 + 1));
        out.extend_from_slice(dim.unwrap_or_default().as_bytes());
    }
    out.push(outcome.number());
}

pub(super) fn series_key(call: &Call<'_>, out: &mut Vec<u8>) {
    out.clear();
    let dims = series_dims(call);
    write_series(out, dims.into_iter(), call.outcome);
}

pub(super) fn series_of(call: &Call<'_>) -> SeriesKey {
    SeriesKey { dims: series_dims(call).map(|d| d.map(Into::into)), outcome: call.outcome }
}

fn series_dims<'c>(call: &'c Call<'_>) -> [Option<&'c str>; 7] {
    [&call.provider, &call.model, &call.operation, &call.app, &call.environment, &call.host, &call.variant]
        .map(|d| d.as_deref())
}

/// The fields of a call that repeat in few combinations and are asked for rarely.
#[derive(Debug, Clone, Default, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct Attrs {
    #[serde(skip_serializing_if = "Option::is_none")]
    #[allow(missing_docs)]
    pub http_status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[allow(missing_docs)]
    pub error_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[allow(missing_docs)]
    pub retry_after_us: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[allow(missing_docs)]
    pub finish_reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[allow(missing_docs)]
    pub stream: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[allow(missing_docs)]
    pub temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[allow(missing_docs)]
    pub max_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[allow(missing_docs)]
    pub cache: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[allow(missing_docs)]
    pub fallback_from: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[allow(missing_docs)]
    pub experiment: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[allow(missing_docs)]
    pub tags: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[allow(missing_docs)]
    pub service_tier: Option<String>,
}

impl Attrs {
    pub(super) fn of(call: &Call<'_>) -> Attrs {
        let text = |t: &crate::event::Text<'_>| t.as_deref().map(str::to_owned);
        Attrs {
            http_status: call.http_status,
            error_type: text(&call.error_type),
            retry_after_us: call.retry_after_us,
            finish_reason: text(&call.finish_reason),
            stream: call.stream,
            temperature: call.temperature,
            max_tokens: call.max_tokens,
            cache: call.cache.map(|c| c.word().to_owned()),
            fallback_from: text(&call.fallback_from),
            experiment: text(&call.experiment),
            tags: text(&call.tags),
            service_tier: text(&call.service_tier),
        }
    }

    /// Puts the attributes back where they were.
    pub fn restore(self, call: &mut Call<'static>) {
        let text = |t: Option<String>| t.map(Cow::Owned);
        call.http_status = self.http_status;
        call.error_type = text(self.error_type);
        call.retry_after_us = self.retry_after_us;
        call.finish_reason = text(self.finish_reason);
        call.stream = self.stream;
        call.temperature = self.temperature;
        call.max_tokens = self.max_tokens;
        call.cache = self.cache.as_deref().and_then(crate::event::CacheUse::from_word);
        call.fallback_from = text(self.fallback_from);
        call.experiment = text(self.experiment);
        call.tags = text(self.tags);
        call.service_tier = text(self.service_tier);
    }

    pub(super) fn json(&self) -> String {
        serde_json::to_string(self).unwrap_or_else(|error| {
            let mut out = String::from("{}");
            let _ = write!(out, "/* {error} */");
            out.truncate(2);
            out
        })
    }
}

/// The attributes as bytes for the dictionary: cheaper than their JSON, and equal where they are equal.
pub(super) fn attrs_key(call: &Call<'_>, out: &mut Vec<u8>) {
    out.clear();
    let numbers = [
        call.http_status.map(u64::from),
        call.retry_after_us,
        call.stream.map(u64::from),
        call.temperature.map(f64::to_bits),
        call.max_tokens,
        call.cache.map(|c| c as u64),
    ];
    let mask = numbers.iter().enumerate().fold(0u8, |m, (i, n)| m | (u8::from(n.is_some()) << i));
    out.push(mask);
    numbers.into_iter().flatten().for_each(|n| varint::put(out, n));
    let Call { error_type, finish_reason, fallback_from, experiment, tags, service_tier, .. } = call;
    for text in [error_type, finish_reason, fallback_from, experiment, tags, service_tier] {
        varint::put(out, text.as_deref().map_or(0, |t| t.len() as u64 + 1));
        out.extend_from_slice(text.as_deref().unwrap_or_default().as_bytes());
    }
}

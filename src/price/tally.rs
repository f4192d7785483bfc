//! What is multiplied on a bill: the tokens of a call in disjoint buckets, and the rates that hold for it.

use super::bill::Unpriced;
use super::entry::{Entry, Mode, Scheme, Service};
use super::rate::{Bucket, Rate, Rates};
use crate::event::Call;

/// The tokens of a call in their buckets.
pub struct Tokens {
    /// How many there are in each.
    pub buckets: [u64; Bucket::COUNT],
    /// The size of the prompt.
    pub all_input: u64,
    /// There is no output to bill.
    pub is_embedding: bool,
}

impl Tokens {
    /// Takes the counts of a call apart.
    pub fn of(call: &Call<'_>, entry: &Entry) -> Result<Tokens, Unpriced> {
        let is_embedding = entry.mode == Some(Mode::Embedding) || is_embedding(call);
        let all_input = call.input_tokens.ok_or(Unpriced::NoInputTokens)?;
        let all_output = match call.output_tokens {
            None if is_embedding => 0,
            tokens => tokens.ok_or(Unpriced::NoOutputTokens)?,
        };
        let cached = call.cached_input_tokens.unwrap_or(0);
        let hour = call.cache_write_1h_tokens.unwrap_or(0);
        let written = call.cache_write_tokens.unwrap_or(hour);
        let (heard, said) = (call.input_audio_tokens.unwrap_or(0), call.output_audio_tokens.unwrap_or(0));
        let reasoning = call.reasoning_tokens.unwrap_or(0);
        let less = |all: u64, parts: &[u64]| {
            parts.iter().try_fold(all, |left, part| left.checked_sub(*part)).ok_or(Unpriced::PartsExceedTotal)
        };
        if heard > 0 && (cached > 0 || written > 0) {
            return Err(Unpriced::CachedAudio);
        }
        let mut buckets = [0; Bucket::COUNT];
        let mut put = |bucket: Bucket, tokens| buckets[bucket as usize] = tokens;
        put(Bucket::Input, less(all_input, &[cached, written, heard])?);
        put(Bucket::CacheRead, cached);
        put(Bucket::CacheWrite, less(written, &[hour])?);
        put(Bucket::CacheWrite1h, hour);
        put(Bucket::AudioInput, heard);
        put(Bucket::AudioOutput, said);
        let text = less(all_output, &[said, reasoning])?;
        if entry.reasons_apart() {
            put(Bucket::Output, text);
            put(Bucket::Reasoning, reasoning);
        } else {
            put(Bucket::Output, text + reasoning);
        }
        Ok(Tokens { buckets, all_input, is_embedding })
    }

    /// Pico-dollars that reading from the cache saved, less what writing to it cost more than plain input.
    pub fn cache_saved(&self, tariff: &Tariff<'_>) -> Option<i128> {
        let used = [Bucket::CacheRead, Bucket::CacheWrite, Bucket::CacheWrite1h];
        let used = used.map(|bucket| (bucket, self.buckets[bucket as usize])).into_iter().filter(|(_, n)| *n > 0);
        let plain = i128::from(tariff.rate(Bucket::Input)?.picos());
        used.map(|(bucket, n)| Some(i128::from(n) * (plain - i128::from(tariff.rate(bucket)?.picos()))))
            .reduce(|a, b| Some(a? + b?))
            .flatten()
    }
}

fn is_embedding(call: &Call<'_>) -> bool {
    matches!(call.operation.as_deref(), Some("embeddings" | "embedding" | "embed"))
}

/// The rates that hold for a request.
pub struct Tariff<'m> {
    /// Of its size.
    first: &'m Rates,
    /// Of any size, of what costs the same in any; none of them for service tiers, whose larger sizes nobody may guess.
    second: Option<&'m Rates>,
    service: Service,
    /// They are those of prompts of more than so many tokens.
    pub above: Option<u64>,
}

impl<'m> Tariff<'m> {
    /// Those of an entry for a service tier and a size of prompt.
    pub fn of(entry: &'m Entry, service: Service, all_input: u64) -> Result<Tariff<'m>, Unpriced> {
        let scheme = entry.scheme(service).ok_or(Unpriced::NoService(service))?;
        let own = scheme.tier(all_input);
        if service == Service::Standard {
            let rates = own.map_or(&scheme.rates, |tier| &tier.rates);
            return Ok(Tariff {
                first: rates,
                second: Some(&scheme.rates),
                service,
                above: own.map(|tier| tier.above),
            });
        }
        let standard = entry.scheme(Service::Standard).and_then(|standard: &Scheme| standard.tier(all_input));
        let above = own.map(|tier| tier.above).max(standard.map(|tier| tier.above));
        match (above, own) {
            (None, _) => Ok(Tariff { first: &scheme.rates, second: None, service, above }),
            (Some(above), Some(tier)) if tier.above == above => {
                Ok(Tariff { first: &tier.rates, second: None, service, above: Some(above) })
            }
            (Some(above), _) => Err(Unpriced::NoServiceAbove(service, above)),
        }
    }

    /// The rate of a bucket.
    pub fn rate(&self, bucket: Bucket) -> Option<Rate> {
        let own = self.first.get(bucket);
        match bucket {
            // Audio has no sizes in any list; reasoning is output where the size has no price for it.
            Bucket::AudioInput | Bucket::AudioOutput => own.or_else(|| self.second?.get(bucket)),
            Bucket::Reasoning => own.or_else(|| self.first.get(Bucket::Output)),
            // What a size leaves out is unknown: the rate of smaller prompts would be too low.
            _ => own,
        }
    }

    /// The rate of a bucket that has tokens.
    pub fn need(&self, bucket: Bucket) -> Result<Rate, Unpriced> {
        self.rate(bucket).ok_or(match self.service {
            Service::Standard => Unpriced::NoRate(bucket),
            service if self.first.is_empty() => Unpriced::NoService(service),
            _ => Unpriced::NoRate(bucket),
        })
    }
}

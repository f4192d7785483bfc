//! The bill of one call: tokens in disjoint buckets, each times its rate, rounded once. A bill that cannot be made rightly
//! is not made: there is a reason instead. Adding up needs no memory, for it is done for every call that is read.

use super::entry::{Entry, Service, Source};
use super::find::{Found, ModelPrices};
use super::rate::{Bucket, Rate};
use super::tariff::Tariff;
use super::{Cost, CostSource, entry};
use crate::event::{CacheUse, Call, FailureMode, MAX_COST_NUSD, Outcome};
use crate::units;
use std::fmt;
use std::sync::Arc;

/// Why what a call costs cannot be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unpriced {
    /// The call names no model.
    NoModel,
    /// The prices have no such model.
    UnknownModel,
    /// Nobody has prices of the call's provider, which it names so.
    UnknownProvider(Box<str>),
    /// The call does not say how long its input was.
    NoInputTokens,
    /// The call does not say how long its output was.
    NoOutputTokens,
    /// Parts of the input or of the output are more than all of it.
    PartsExceedTotal,
    /// There is no price for some of its tokens.
    NoRate(Bucket),
    /// The service tier is a word without a meaning here.
    UnknownService,
    /// The model has no prices for the service tier.
    NoService(Service),
    /// The model has no prices for the service tier and prompts of more than so many tokens.
    NoServiceAbove(Service, u64),
    /// More than can be counted.
    OutOfRange,
}

impl fmt::Display for Unpriced {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unpriced::NoModel => f.write_str("the call names no model"),
            Unpriced::UnknownModel => f.write_str("the model is not in the price table"),
            Unpriced::UnknownProvider(name) => write!(
                f,
                "no prices of provider {}; if it only passes calls on, name it in cost.gateways",
                units::clean(name)
            ),
            Unpriced::NoInputTokens => f.write_str("the call has no input tokens"),
            Unpriced::NoOutputTokens => f.write_str("the call has no output tokens"),
            Unpriced::PartsExceedTotal => f.write_str("parts of the tokens exceed their total"),
            Unpriced::NoRate(bucket) => write!(f, "no price for {} of this model", bucket.name()),
            Unpriced::UnknownService => f.write_str("the service tier is unknown"),
            Unpriced::NoService(service) => write!(f, "no {} prices for this model", service.word()),
            Unpriced::NoServiceAbove(service, above) => {
                write!(f, "no {} prices for prompts above {above} tokens", service.word())
            }
            Unpriced::OutOfRange => f.write_str("the cost is out of range"),
        }
    }
}

/// Why a call costs nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Free {
    /// Refused, or lost, before a token was made.
    Refused,
    /// Answered from a response cache: no provider saw it.
    FromCache,
}

impl fmt::Display for Free {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Free::Refused => "refused before any token; not billed",
            Free::FromCache => "answered from the response cache; not billed",
        })
    }
}

/// Tokens of one kind, and what they cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Line {
    /// The kind.
    pub bucket: Bucket,
    /// How many.
    pub tokens: u64,
    /// What one costs.
    pub rate: Rate,
}

impl Line {
    /// Pico-dollars, exact, without an uplift.
    pub const fn picos(&self) -> u128 {
        self.tokens as u128 * self.rate.picos() as u128
    }
}

/// What a call costs by the prices, with all that went into it.
#[derive(Debug, Clone, PartialEq)]
pub struct Invoice {
    /// What is billed; nothing of what there is none of.
    pub lines: Vec<Line>,
    /// On top of the lines, thousandths of a percent.
    pub uplift: i32,
    /// The sum with the uplift, nano-dollars, rounded once, half up.
    pub nusd: i64,
    /// See [`Cost::cache_saved_nusd`].
    pub cache_saved_nusd: Option<i64>,
    /// The rates are those of prompts of more than so many tokens.
    pub above: Option<u64>,
    /// The service tier.
    pub service: Service,
    /// The model's name among the prices.
    pub model: String,
    /// Its provider there.
    pub provider: Option<String>,
    /// How it was found.
    pub found: Found,
    /// From when on the prices hold, µs; `None` is since ever.
    pub from_us: Option<i64>,
    /// They are later than the call, and the earliest there are.
    pub backdated: bool,
    /// Where they are from.
    pub source: Arc<Source>,
}

/// What a call costs by the prices.
#[derive(Debug, Clone, PartialEq)]
pub enum Computed {
    /// So much.
    Billed(Box<Invoice>),
    /// Nothing, whatever its model.
    Free(Free),
    /// Nobody can tell.
    Unpriced(Unpriced),
}

impl Computed {
    /// Nano-dollars, where they are known.
    pub fn nusd(&self) -> Option<i64> {
        match self {
            Computed::Billed(invoice) => Some(invoice.nusd),
            Computed::Free(_) => Some(0),
            Computed::Unpriced(_) => None,
        }
    }
}

/// What a call cost, and why.
#[derive(Debug, Clone, PartialEq)]
pub struct Bill {
    /// By the prices.
    pub computed: Computed,
    /// By its producer, nano-dollars.
    pub reported_nusd: Option<i64>,
    /// Which of the two counts.
    pub rule: CostSource,
    /// What counts.
    pub cost: Cost,
}

/// A bill before it is written out. It lives on the stack for a moment and is moved once: a box would cost more.
#[allow(clippy::large_enum_variant)]
pub(super) enum Charge<'m> {
    Billed(Sum<'m>),
    Free(Free),
    Unpriced(Unpriced),
}

/// A sum and what it is made of.
pub(super) struct Sum<'m> {
    entry: &'m Entry,
    backdated: bool,
    tokens: Tokens,
    tariff: Tariff<'m>,
    uplift: i32,
    nusd: i64,
    cache_saved_nusd: Option<i64>,
}

impl Charge<'_> {
    /// What counts of it and of what the producer reports.
    pub fn cost(&self, reported: Option<i64>, rule: CostSource) -> Cost {
        let (computed, cache_saved_nusd) = match self {
            Charge::Billed(sum) => (Some(sum.nusd), sum.cache_saved_nusd),
            Charge::Free(_) => (Some(0), None),
            Charge::Unpriced(_) => (None, None),
        };
        let nusd = match rule {
            CostSource::Reported => reported,
            CostSource::Computed => computed,
            CostSource::ReportedThenComputed => reported.or(computed),
        };
        Cost { nusd, cache_saved_nusd }
    }

    /// Written out.
    pub fn written(self, model: Option<&ModelPrices>) -> Computed {
        match (self, model) {
            (Charge::Billed(sum), Some(model)) => Computed::Billed(Box::new(sum.written(model))),
            (Charge::Billed(_), None) => Computed::Unpriced(Unpriced::UnknownModel),
            (Charge::Free(why), _) => Computed::Free(why),
            (Charge::Unpriced(why), _) => Computed::Unpriced(why),
        }
    }
}

impl Sum<'_> {
    fn written(self, model: &ModelPrices) -> Invoice {
        Invoice {
            lines: lines(&self.tokens, &self.tariff).filter_map(Result::ok).collect(),
            uplift: self.uplift,
            nusd: self.nusd,
            cache_saved_nusd: self.cache_saved_nusd,
            above: self.tariff.above,
            service: self.tariff.service,
            model: self.entry.model.to_string(),
            provider: self.entry.provider.as_deref().map(str::to_owned),
            found: model.found,
            from_us: self.entry.from_us,
            backdated: self.backdated,
            source: Arc::clone(&self.entry.source),
        }
    }
}

/// What a call that ended at `ts_us` comes to by the prices of its model.
pub(super) fn charge<'m>(model: Option<&'m ModelPrices>, call: &Call<'_>, ts_us: i64) -> Charge<'m> {
    if let Some(why) = free(call) {
        return Charge::Free(why);
    }
    let unknown =
        || if call.model.as_deref().is_none_or(str::is_empty) { Unpriced::NoModel } else { Unpriced::UnknownModel };
    match model.ok_or_else(unknown).and_then(|model| sum(model, call, ts_us)) {
        Ok(sum) => Charge::Billed(sum),
        Err(why) => Charge::Unpriced(why),
    }
}

/// Whether a call was never billed, by how it ended. A client may have counted the input of what was refused. A connection
/// that was lost proves nothing: the provider may have answered.
fn free(call: &Call<'_>) -> Option<Free> {
    const REFUSED: [FailureMode; 6] = [
        FailureMode::RateLimit,
        FailureMode::Overloaded,
        FailureMode::Auth,
        FailureMode::InvalidRequest,
        FailureMode::ContextLength,
        FailureMode::BudgetExceeded,
    ];
    // Some producers call a hit in the provider's own cache by the same word; that has cached tokens and is billed.
    let is_cached = matches!(call.cache, Some(CacheUse::Hit | CacheUse::Semantic | CacheUse::Stale));
    if is_cached && call.cached_input_tokens.unwrap_or(0) == 0 {
        return Some(Free::FromCache);
    }
    let Outcome::Failed(mode) = call.outcome else { return None };
    (call.output_tokens.unwrap_or(0) == 0 && REFUSED.contains(&mode)).then_some(Free::Refused)
}

fn sum<'m>(model: &'m ModelPrices, call: &Call<'_>, ts_us: i64) -> Result<Sum<'m>, Unpriced> {
    let (entry, backdated) = model.at(ts_us);
    let all_input = call.input_tokens.ok_or(Unpriced::NoInputTokens)?;
    let service = Service::of(call.service_tier.as_deref()).ok_or(Unpriced::UnknownService)?;
    let tariff = Tariff::of(entry, service, all_input)?;
    let is_embedding = entry.mode == Some(entry::Mode::Embedding) || is_embedding(call);
    let tokens = Tokens::of(call, all_input, is_embedding, &tariff)?;
    let uplift = model.uplift(ts_us);
    let picos = lines(&tokens, &tariff).try_fold(0, |sum, line| Ok(sum + line?.picos()))?;
    let nusd = i128::try_from(picos).ok().and_then(|picos| nanos(picos, uplift)).ok_or(Unpriced::OutOfRange)?;
    let cache_saved_nusd = tokens.cache_saved(&tariff).and_then(|picos| nanos(picos, uplift));
    Ok(Sum { entry, backdated, tokens, tariff, uplift, nusd, cache_saved_nusd })
}

/// What is billed: nothing of what there is none of, and no output of what makes none.
fn lines(tokens: &Tokens, tariff: &Tariff<'_>) -> impl Iterator<Item = Result<Line, Unpriced>> {
    let no_output = tokens.is_embedding && tariff.rate(Bucket::Output).is_none();
    let billed = move |(bucket, count): &(Bucket, u64)| *count > 0 && !(no_output && *bucket == Bucket::Output);
    let counts = Bucket::ALL.into_iter().zip(tokens.buckets).filter(billed);
    counts.map(|(bucket, tokens)| tariff.need(bucket).map(|rate| Line { bucket, tokens, rate }))
}

/// Thousandths of a percent in a whole.
const WHOLE: i128 = 100_000;

/// The most a call can cost, nano-dollars: the same bound as for costs that producers report.
const MAX_NUSD: i128 = MAX_COST_NUSD as i128;

/// Pico-dollars and an uplift as nano-dollars, rounded half up; `None` beyond what one call can cost.
fn nanos(picos: i128, uplift: i32) -> Option<i64> {
    if let (0, Ok(picos)) = (uplift, i64::try_from(picos)) {
        // The usual case, which a machine divides at once.
        let nanos = picos.checked_add(500)?.div_euclid(1_000);
        return (i128::from(nanos).abs() <= MAX_NUSD).then_some(nanos);
    }
    let parts = picos.checked_mul(WHOLE + i128::from(uplift))?;
    let unit = 1_000 * WHOLE;
    let nanos = parts.checked_add(unit / 2)?.div_euclid(unit);
    if nanos.abs() <= MAX_NUSD { i64::try_from(nanos).ok() } else { None }
}

/// The tokens of a call in their buckets.
struct Tokens {
    buckets: [u64; Bucket::COUNT],
    is_embedding: bool,
}

impl Tokens {
    fn of(call: &Call<'_>, all_input: u64, is_embedding: bool, tariff: &Tariff<'_>) -> Result<Tokens, Unpriced> {
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
        let mut buckets = [0; Bucket::COUNT];
        let mut put = |bucket: Bucket, tokens| buckets[bucket as usize] = tokens;
        put(Bucket::Input, less(all_input, &[cached, written, heard])?);
        put(Bucket::CacheRead, cached);
        put(Bucket::CacheWrite, less(written, &[hour])?);
        put(Bucket::CacheWrite1h, hour);
        put(Bucket::AudioInput, heard);
        put(Bucket::AudioOutput, said);
        let text = less(all_output, &[said, reasoning])?;
        if tariff.reasons_apart() {
            put(Bucket::Output, text);
            put(Bucket::Reasoning, reasoning);
        } else {
            put(Bucket::Output, text + reasoning);
        }
        Ok(Tokens { buckets, is_embedding })
    }

    /// Pico-dollars that reading from the cache saved, less what writing to it cost more than plain input.
    fn cache_saved(&self, tariff: &Tariff<'_>) -> Option<i128> {
        let used = [Bucket::CacheRead, Bucket::CacheWrite, Bucket::CacheWrite1h].into_iter();
        let used = used.map(|bucket| (bucket, self.buckets[bucket as usize])).filter(|(_, n)| *n > 0);
        let plain = i128::from(tariff.rate(Bucket::Input)?.picos());
        used.map(|(bucket, n)| Some(i128::from(n) * (plain - i128::from(tariff.rate(bucket)?.picos()))))
            .reduce(|a, b| Some(a? + b?))
            .flatten()
    }
}

fn is_embedding(call: &Call<'_>) -> bool {
    matches!(call.operation.as_deref(), Some("embeddings" | "embedding" | "embed"))
}

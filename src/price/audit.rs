//! Reported costs held against computed ones: where they disagree, by which usual mistake the reported one comes out, and
//! calls that look as if they had been counted twice.

use super::find::Size;
use super::{CostSource, ModelPrices, Prices};
use crate::event::Call;
use crate::listed::listed;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

listed! {
    /// Why a reported cost probably differs from the computed one.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
    pub enum Cause {
        /// Cached input was charged in full and as cached.
        CacheTwice,
        /// Cached input was charged like any other.
        CacheInFull,
        /// Cached input and what was written to the cache were not charged.
        CacheLeftOut,
        /// Reasoning was added to an output that has it already.
        ReasoningTwice,
        /// Reasoning was not charged.
        ReasoningLeftOut,
        /// The rates of the usual service instead of batch, flex or priority.
        ServiceTier,
        /// The rates of another prompt size.
        PromptSize,
        /// All of the model's calls differ by the same factor: another price, or an older one.
        OtherPrice,
        /// None of these.
        Unknown,
    }
}

impl Cause {
    /// What it is, for people.
    pub const fn words(self) -> &'static str {
        match self {
            Cause::CacheTwice => "cached input counted twice",
            Cause::CacheInFull => "cached input at the full price",
            Cause::CacheLeftOut => "cache reads and writes left out",
            Cause::ReasoningTwice => "reasoning added twice",
            Cause::ReasoningLeftOut => "reasoning left out",
            Cause::ServiceTier => "wrong service tier",
            Cause::PromptSize => "wrong tier by prompt size",
            Cause::OtherPrice => "another or stale price",
            Cause::Unknown => "unknown",
        }
    }

    /// The call as it would have to be for the reported cost to be right; `None` where it would be the same.
    fn mistaken<'c>(self, call: &Call<'c>) -> Option<Call<'c>> {
        let mut other = call.clone();
        let (cached, written) = (call.cached_input_tokens.unwrap_or(0), call.cache_write_tokens.unwrap_or(0));
        let reasoning = call.reasoning_tokens.filter(|n| *n > 0);
        match self {
            Cause::CacheTwice => other.input_tokens = Some(call.input_tokens?.checked_add(cached)?),
            Cause::CacheInFull => {
                (other.cached_input_tokens, other.cache_write_tokens, other.cache_write_1h_tokens) = (None, None, None);
            }
            Cause::CacheLeftOut => {
                other.input_tokens = Some(call.input_tokens?.checked_sub(cached)?.checked_sub(written)?);
                (other.cached_input_tokens, other.cache_write_tokens, other.cache_write_1h_tokens) = (None, None, None);
            }
            Cause::ReasoningTwice => other.output_tokens = Some(call.output_tokens?.checked_add(reasoning?)?),
            Cause::ReasoningLeftOut => {
                other.output_tokens = Some(call.output_tokens?.checked_sub(reasoning?)?);
                other.reasoning_tokens = None;
            }
            Cause::ServiceTier => other.service_tier = None,
            Cause::PromptSize | Cause::OtherPrice | Cause::Unknown => return None,
        }
        (other != *call).then_some(other)
    }
}

/// Provider and model as calls name them.
pub type Named = (Option<String>, Option<String>);

/// What was found of one model.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Finding {
    /// Calls with both costs.
    pub compared: u64,
    /// Those of them that agree.
    pub agree: u64,
    /// Of those that disagree: reported, nano-dollars.
    pub reported_nusd: i64,
    /// And computed.
    pub computed_nusd: i64,
    /// How many disagree by which cause.
    pub causes: BTreeMap<Cause, u64>,
    /// Calls that report a cost and have no price.
    pub unpriced: u64,
    /// Of the calls whose cause is unknown: the least and the largest factor between the costs.
    factors: Option<(f64, f64)>,
}

/// Signs that calls were counted twice.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Doubles {
    /// Calls whose cached, written or reasoning tokens are more than the total they are part of.
    pub parts_exceed: u64,
    /// Calls that follow within two seconds upon one of the same model, tokens and user, session or trace.
    pub twins: u64,
}

/// An audit under way: calls in order of time.
pub struct Audit {
    prices: Prices,
    found: BTreeMap<Named, Option<Arc<ModelPrices>>>,
    /// By provider and model.
    pub models: BTreeMap<Named, Finding>,
    /// Signs of double counting.
    pub doubles: Doubles,
    recent: VecDeque<(i64, Twin)>,
}

/// What twins have in common.
type Twin = (Option<String>, [Option<u64>; 2], [Option<String>; 3]);

/// Costs that differ by less than this share of the computed one agree: producers round.
const TOLERANCE: f64 = 0.005;

/// And those that differ by less than a millionth of a dollar.
const LEAST_NUSD: f64 = 1_000.0;

/// How close factors have to be to be one.
const SAME_FACTOR: f64 = 0.005;

/// Twins are at most so far apart, µs.
const TWINS_US: i64 = 2_000_000;

/// Calls with fewer input tokens than this may well be alike.
const TWIN_TOKENS: u64 = 50;

fn agree(reported: i64, computed: i64) -> bool {
    (reported as f64 - computed as f64).abs() <= (computed as f64 * TOLERANCE).max(LEAST_NUSD)
}

impl Audit {
    /// An audit by these prices, whichever cost they let count.
    pub fn new(prices: &Prices) -> Audit {
        let prices = Prices { rule: CostSource::Computed, ..prices.clone() };
        Audit {
            prices,
            found: BTreeMap::new(),
            models: BTreeMap::new(),
            doubles: Doubles::default(),
            recent: VecDeque::new(),
        }
    }

    /// Looks at a call that ended at `ts_us`.
    pub fn add(&mut self, call: &Call<'_>, ts_us: i64) {
        self.doubles.parts_exceed += u64::from(parts_exceed(call));
        self.doubles.twins += u64::from(self.is_twin(call, ts_us));
        let Some(reported) = call.cost_nusd else { return };
        let own = |text: &crate::event::Text<'_>| text.as_deref().map(str::to_owned);
        let key = (own(&call.provider), own(&call.model));
        let model = match self.found.get(&key) {
            Some(model) => model.clone(),
            None => {
                let model = self.prices.model(call.provider.as_deref(), call.model.as_deref());
                self.found.insert(key.clone(), model.clone());
                model
            }
        };
        let finding = self.models.entry(key).or_default();
        let prices = &self.prices;
        let by = |model: Option<&ModelPrices>, call: &Call<'_>| prices.cost(model, call, ts_us).nusd;
        let compute = |call: &Call<'_>| by(model.as_deref(), call);
        let Some(nusd) = compute(call) else {
            finding.unpriced += 1;
            return;
        };
        finding.compared += 1;
        if agree(reported, nusd) {
            finding.agree += 1;
            return;
        }
        finding.reported_nusd = finding.reported_nusd.saturating_add(reported);
        finding.computed_nusd = finding.computed_nusd.saturating_add(nusd);
        let sounds = |other: Option<i64>| other.is_some_and(|other| !agree(other, nusd) && agree(reported, other));
        let explains = |cause: &Cause| match cause {
            Cause::PromptSize => [Size::Smallest, Size::Largest].into_iter().any(|size| {
                let model = model.as_ref().map(|model| model.of_size(size));
                sounds(by(model.as_ref(), call))
            }),
            _ => sounds(cause.mistaken(call).and_then(|other| compute(&other))),
        };
        let cause = Cause::ALL.into_iter().find(explains).unwrap_or(Cause::Unknown);
        *finding.causes.entry(cause).or_default() += 1;
        if cause == Cause::Unknown && nusd > 0 {
            let factor = reported as f64 / nusd as f64;
            let (low, high) = finding.factors.unwrap_or((factor, factor));
            finding.factors = Some((low.min(factor), high.max(factor)));
        }
    }

    fn is_twin(&mut self, call: &Call<'_>, ts_us: i64) -> bool {
        if call.input_tokens.is_none_or(|n| n < TWIN_TOKENS) || call.output_tokens.is_none() {
            return false;
        }
        let own = |text: &crate::event::Text<'_>| text.as_deref().map(str::to_owned);
        let who = [own(&call.user_id), own(&call.session_id), own(&call.trace_id)];
        if who.iter().all(Option::is_none) {
            return false;
        }
        while self.recent.front().is_some_and(|(at, _)| ts_us.saturating_sub(*at) > TWINS_US) {
            self.recent.pop_front();
        }
        let twin = (own(&call.model), [call.input_tokens, call.output_tokens], who);
        let found = self.recent.iter().any(|(_, other)| *other == twin);
        self.recent.push_back((ts_us, twin));
        found
    }

    /// The findings, with a common factor told apart from what stays unknown.
    pub fn finish(mut self) -> (BTreeMap<Named, Finding>, Doubles) {
        for finding in self.models.values_mut() {
            let Some((low, high)) = finding.factors else { continue };
            let calls = finding.causes.get(&Cause::Unknown).copied().unwrap_or(0);
            if calls >= 3 && high - low <= high * SAME_FACTOR {
                finding.causes.remove(&Cause::Unknown);
                finding.causes.insert(Cause::OtherPrice, calls);
            }
        }
        (self.models, self.doubles)
    }
}

impl Finding {
    /// The factor between reported and computed costs, where it is one and the same.
    pub fn factor(&self) -> Option<f64> {
        let (low, high) = self.factors.filter(|_| self.causes.contains_key(&Cause::OtherPrice))?;
        Some(f64::midpoint(low, high))
    }
}

fn parts_exceed(call: &Call<'_>) -> bool {
    let parts = |parts: [Option<u64>; 2], total: Option<u64>| {
        let sum = parts.into_iter().flatten().fold(0u64, u64::saturating_add);
        total.is_some_and(|total| sum > total)
    };
    parts([call.cached_input_tokens, call.cache_write_tokens], call.input_tokens)
        || parts([call.reasoning_tokens, call.output_audio_tokens], call.output_tokens)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::price::{Author, Bucket, Entry, Rate, Service, Source, Table, Tables};

    const THOUSAND: i64 = 1_000_000_000_000;

    /// A model at 2 dollars in, 0.5 cached, 8 out, 1 and 4 in batches, twice as much above 200,000 tokens.
    fn prices() -> Prices {
        let source = Source { author: Author::Config, name: "a test".to_owned(), date_us: None };
        let mut entry = Entry::new("m", Some("openai"), source.into());
        let rate = |usd: &str| Rate::parse(usd).expect("a rate");
        let standard = entry.scheme_mut(Service::Standard);
        for (bucket, usd, large) in
            [(Bucket::Input, "2", "4"), (Bucket::CacheRead, "0.5", "1"), (Bucket::Output, "8", "16")]
        {
            standard.rates.set(bucket, rate(usd));
            standard.tier_of(200_000).set(bucket, rate(large));
        }
        let batch = entry.scheme_mut(Service::Batch);
        for (bucket, usd) in [(Bucket::Input, "1"), (Bucket::CacheRead, "0.25"), (Bucket::Output, "4")] {
            batch.rates.set(bucket, rate(usd));
        }
        Prices { tables: Tables::only(Table::of([entry])), ..Prices::default() }
    }

    fn call(input: u64, cached: u64, output: u64, reasoning: u64, reported_usd: f64) -> Call<'static> {
        Call {
            model: Some("m".into()),
            provider: Some("openai".into()),
            input_tokens: Some(input),
            cached_input_tokens: Some(cached).filter(|n| *n > 0),
            output_tokens: Some(output),
            reasoning_tokens: Some(reasoning).filter(|n| *n > 0),
            cost_nusd: Some((reported_usd * 1e9).round() as i64),
            ..Call::default()
        }
    }

    fn causes(calls: &[Call<'_>]) -> (Finding, Doubles) {
        let mut audit = Audit::new(&prices());
        calls.iter().zip(0..).for_each(|(call, n)| audit.add(call, n * THOUSAND));
        let (models, doubles) = audit.finish();
        (models.into_values().next().unwrap_or_default(), doubles)
    }

    #[test]
    fn every_usual_mistake_is_named() {
        let batch = |call: Call<'static>| Call { service_tier: Some("batch".into()), ..call };
        for (call, want) in [
            // 100,000 in of which 60,000 cached, 1,000 out: 0.08 + 0.03 + 0.008.
            (call(100_000, 60_000, 1_000, 0, 0.118), None),
            (call(100_000, 60_000, 1_000, 0, 0.238), Some(Cause::CacheTwice)),
            (call(100_000, 60_000, 1_000, 0, 0.208), Some(Cause::CacheInFull)),
            (call(100_000, 60_000, 1_000, 0, 0.088), Some(Cause::CacheLeftOut)),
            // 1,000 in, 2,000 out of which 1,500 reasoning: 0.002 + 0.016.
            (call(1_000, 0, 2_000, 1_500, 0.030), Some(Cause::ReasoningTwice)),
            (call(1_000, 0, 2_000, 1_500, 0.006), Some(Cause::ReasoningLeftOut)),
            (batch(call(1_000, 0, 2_000, 0, 0.018)), Some(Cause::ServiceTier)),
            (call(300_000, 0, 1_000, 0, 0.608), Some(Cause::PromptSize)),
            (call(100_000, 0, 1_000, 0, 0.416), Some(Cause::PromptSize)),
            (call(100_000, 0, 1_000, 0, 0.3), Some(Cause::Unknown)),
            // Producers round.
            (call(100_000, 0, 1_000, 0, 0.2081), None),
            (call(10, 0, 1, 0, 0.000028), None),
        ] {
            let (finding, _) = causes(std::slice::from_ref(&call));
            assert_eq!(finding.causes.keys().next().copied(), want, "{call:?}");
            assert_eq!((finding.compared, finding.agree), (1, u64::from(want.is_none())));
        }
    }

    #[test]
    fn one_factor_for_all_is_another_price() {
        let calls: Vec<_> = (1..=4).map(|n| call(n * 10_000, 0, 100, 0, (n as f64 * 0.02 + 0.0008) * 1.25)).collect();
        let (finding, _) = causes(&calls);
        assert_eq!(finding.causes, BTreeMap::from([(Cause::OtherPrice, 4)]));
        assert!(finding.factor().is_some_and(|factor| (factor - 1.25).abs() < 1e-6), "{:?}", finding.factor());
        assert_eq!(causes(&calls[..2]).0.causes, BTreeMap::from([(Cause::Unknown, 2)]), "two may be chance");
    }

    #[test]
    fn twins_and_parts_that_exceed_are_told() {
        let mut audit = Audit::new(&prices());
        let of = |user: &'static str| Call { user_id: Some(user.into()), ..call(900, 0, 50, 0, 0.0022) };
        for (call, at_us) in [
            (of("a"), 0),
            (of("a"), 1_999_999),
            (of("b"), 2_000_000),
            (of("a"), 5_000_000),
            (call(900, 0, 50, 0, 0.0022), 5_000_001),
            (call(900, 0, 50, 0, 0.0022), 5_000_002),
            (call(100, 101, 50, 0, 0.1), 9_000_000),
        ] {
            audit.add(&call, at_us);
        }
        assert_eq!(audit.finish().1, Doubles { parts_exceed: 1, twins: 1 });
    }
}

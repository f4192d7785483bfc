//! What calls cost: the prices of models, how a model is found among them, and the bill of a call.

mod audit;
mod bill;
mod diff;
mod entry;
mod find;
mod litellm;
mod names;
mod own;
mod plain;
mod rate;
mod shipped;
mod table;
mod tariff;

pub use audit::{Audit, Cause, Doubles, Finding, Named};
pub use bill::{Bill, Computed, Free, Invoice, Line, Unpriced};
pub use diff::{Difference, Place, PriceChange, changes, taken_over};
pub use entry::{Author, Entry, Mode, Scheme, Service, Source, Tier};
pub use find::{Found, ModelPrices, Uplift};
pub use litellm::{LeftOut, read as read_litellm};
pub use names::provider as provider_name;
pub use own::{Book, Fault, day, day_text, is_own, line as own_line, read as read_own, write as write_own};
pub use rate::{Bucket, Rate, Rates};
pub use shipped::{Tables, shipped};
pub use table::Table;

use crate::event::Call;
use crate::listed::listed;
use find::Finder;
use std::sync::Arc;

listed! {
    /// Which cost of a call counts.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
    pub enum CostSource {
        /// What the producer reports.
        Reported,
        /// What its tokens cost by the prices.
        Computed,
        /// What the producer reports, else what its tokens cost.
        #[default]
        ReportedThenComputed,
    }
}

impl CostSource {
    /// Its word in the configuration.
    pub const fn word(self) -> &'static str {
        match self {
            CostSource::Reported => "reported",
            CostSource::Computed => "computed",
            CostSource::ReportedThenComputed => "reported-then-computed",
        }
    }
}

/// What a call cost, nano-dollars; `None` is unknown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Cost {
    /// What counts.
    pub nusd: Option<i64>,
    /// What its cached input would have cost more without the cache, less what writing to the cache cost more; may be
    /// negative. `None` where the call used no cache or its prices are unknown.
    pub cache_saved_nusd: Option<i64>,
}

/// All that calls are priced by. The default knows no prices: what producers report counts.
#[derive(Debug, Clone, Default)]
pub struct Prices {
    /// Which cost counts.
    pub rule: CostSource,
    /// What the configuration says of models, in its order.
    pub own: Vec<Arc<Entry>>,
    /// What is added, in the order of the configuration.
    pub uplifts: Vec<Uplift>,
    /// What tables say.
    pub tables: Tables,
    /// Providers, in this program's spelling, that only pass calls on, besides those that are well known.
    pub gateways: Vec<String>,
}

impl Prices {
    /// The prices of a model as a call names it; `None` where it is not among them.
    pub fn model(&self, provider: Option<&str>, model: Option<&str>) -> Option<Arc<ModelPrices>> {
        let model = model.filter(|model| !model.is_empty())?;
        self.finder().find(provider, model).map(Arc::new)
    }

    /// The name of a provider that has no prices and is no gateway that passes calls on.
    pub fn stranger<'p>(&self, provider: Option<&'p str>) -> Option<&'p str> {
        self.finder().stranger(provider)
    }

    fn finder(&self) -> Finder<'_> {
        Finder { table: self.tables.get(), own: &self.own, uplifts: &self.uplifts, gateways: &self.gateways }
    }

    /// What a call cost that ended at `ts_us`, by the prices of its model.
    pub fn cost(&self, model: Option<&ModelPrices>, call: &Call<'_>, ts_us: i64) -> Cost {
        let cached = [call.cached_input_tokens, call.cache_write_tokens, call.cache_write_1h_tokens];
        let uses_cache = cached.into_iter().flatten().any(|tokens| tokens > 0);
        let is_said = match self.rule {
            CostSource::Reported => true,
            CostSource::Computed => false,
            CostSource::ReportedThenComputed => call.cost_nusd.is_some(),
        };
        if is_said && !uses_cache {
            // What counts is said, and there is nothing else to work out.
            return Cost { nusd: call.cost_nusd, cache_saved_nusd: None };
        }
        bill::charge(model, call, ts_us).cost(call.cost_nusd, self.rule)
    }

    /// What a call cost that ended at `ts_us`, and why.
    pub fn bill(&self, call: &Call<'_>, ts_us: i64) -> Bill {
        let model = self.model(call.provider.as_deref(), call.model.as_deref());
        let charge = bill::charge(model.as_deref(), call, ts_us);
        let cost = charge.cost(call.cost_nusd, self.rule);
        let mut computed = charge.written(model.as_deref());
        if let (Computed::Unpriced(why @ Unpriced::UnknownModel), Some(name)) =
            (&mut computed, self.stranger(call.provider.as_deref()))
        {
            *why = Unpriced::UnknownProvider(name.into());
        }
        Bill { computed, reported_nusd: call.cost_nusd, rule: self.rule, cost }
    }
}

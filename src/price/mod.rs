//! What calls cost: the prices of models, how a model is found among them, and the bill of a call.

use crate::event::Call;
use crate::listed::listed;
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

/// All that calls are priced by.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Prices {
    source: CostSource,
}

/// The prices of one model, over time.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelPrices;

/// What a call cost, nano-dollars; `None` is unknown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Cost {
    /// What counts.
    pub nusd: Option<i64>,
    /// What its cached input would have cost more without the cache, less what writing to the cache cost more; may be
    /// negative. `None` where the call used no cache or its prices are unknown.
    pub cache_saved_nusd: Option<i64>,
}

impl Prices {
    /// The prices of a model as a call names it; `None` where it is not among them.
    pub fn model(&self, _provider: Option<&str>, _model: Option<&str>) -> Option<Arc<ModelPrices>> {
        None
    }

    /// What a call cost that ended at `ts_us`, by the prices of its model.
    pub fn cost(&self, _model: Option<&ModelPrices>, call: &Call<'_>, _ts_us: i64) -> Cost {
        let reported = call.cost_nusd.filter(|_| self.source != CostSource::Computed);
        Cost { nusd: reported, cache_saved_nusd: None }
    }
}

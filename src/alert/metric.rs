//! What can be watched: one entry in [`METRICS`] each, with its unit and how it is read. What is unknown stays so: a
//! percentile of too few calls, a cost without prices, a share of nothing.

use crate::nearest::did_you_mean;
use crate::snapshot::{BudgetState, Burn, Dist, FEW_P95, FEW_P99, Stats};
use crate::units;
use crate::view::{Filter, Match, Number, Op, Term};

/// The unit of a metric's values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// A share, 0 and up; 1 is all.
    Share,
    /// µs.
    Micros,
    /// Nano-dollars.
    Money,
    /// Nano-dollars an hour.
    MoneyPerHour,
    /// Calls a minute.
    PerMinute,
}

/// Where the values come from.
pub enum Reads {
    /// The figures of a window of this length, µs.
    Window(fn(&Stats, i64) -> Option<f64>),
    /// How a budget stands, and whose part of it that is.
    Budget(fn(&BudgetState) -> Option<(f64, &Burn)>),
    /// The time since the newest call.
    Newest,
}

/// Which of the calls of a window are to be looked at, when a metric stands out.
pub enum Narrow {
    /// All of them.
    No,
    /// Those that a filter finds.
    To(&'static str),
    /// Those beyond the threshold.
    Beyond(Number),
}

/// Something that can be watched.
pub struct Metric {
    /// Its word in the configuration.
    pub word: &'static str,
    /// Its name in messages.
    pub says: &'static str,
    /// The unit of its values.
    pub unit: Unit,
    /// Where they come from.
    pub reads: Reads,
    /// Fewer calls in the window say nothing, unless a rule says otherwise.
    pub min_calls: u64,
    /// Which calls to look at.
    pub narrow: Narrow,
}

impl Metric {
    /// Whether it goes on while nothing happens, so that of a log that has ended it is the clock's.
    pub fn is_of_the_clock(&self) -> bool {
        matches!(self.reads, Reads::Newest)
    }
}

/// Fewer calls than this make no share.
const FEW: u64 = 10;

const fn of_calls(
    word: &'static str,
    says: &'static str,
    (unit, min_calls): (Unit, u64),
    read: fn(&Stats, i64) -> Option<f64>,
    narrow: Narrow,
) -> Metric {
    Metric { word, says, unit, reads: Reads::Window(read), min_calls, narrow }
}

const fn of_budget(word: &'static str, says: &'static str, read: fn(&BudgetState) -> Option<(f64, &Burn)>) -> Metric {
    Metric { word, says, unit: Unit::Share, reads: Reads::Budget(read), min_calls: 0, narrow: Narrow::No }
}

/// All metrics.
pub static METRICS: [Metric; 13] = [
    of_calls("error_rate", "error rate", (Unit::Share, FEW), |s, _| s.error_rate(), Narrow::To("status:error")),
    of_calls(
        "rate_limit_rate",
        "rate of rate limits",
        (Unit::Share, FEW),
        |s, _| s.rate_limit_rate(),
        Narrow::To("error:rate_limit"),
    ),
    of_calls(
        "p50_latency",
        "p50 latency",
        (Unit::Micros, FEW),
        |s, _| s.latency_us.p50.filter(|_| s.latency_us.count >= FEW),
        Narrow::Beyond(Number::Latency),
    ),
    of_calls(
        "p95_latency",
        "p95 latency",
        (Unit::Micros, FEW_P95),
        |s, _| sound_p95(&s.latency_us),
        Narrow::Beyond(Number::Latency),
    ),
    of_calls(
        "p99_latency",
        "p99 latency",
        (Unit::Micros, FEW_P99),
        |s, _| s.latency_us.p99.filter(|_| s.latency_us.count >= FEW_P99),
        Narrow::Beyond(Number::Latency),
    ),
    of_calls(
        "ttft_p95",
        "p95 time to first token",
        (Unit::Micros, FEW_P95),
        |s, _| sound_p95(&s.ttft_us),
        Narrow::Beyond(Number::Ttft),
    ),
    of_calls(
        "spend_rate",
        "spend rate",
        (Unit::MoneyPerHour, 0),
        |s, over_us| Some(spend(s)? * 3_600e6 / over_us.max(1) as f64),
        Narrow::No,
    ),
    of_calls("spend", "spend", (Unit::Money, 0), |s, _| spend(s), Narrow::No),
    of_calls(
        "unpriced_share",
        "share of calls without a price",
        (Unit::Share, FEW),
        |s, _| (s.calls > 0).then(|| s.unpriced_calls as f64 / s.calls as f64),
        Narrow::No,
    ),
    of_calls(
        "calls_per_min",
        "calls a minute",
        (Unit::PerMinute, 0),
        |s, over_us| Some(s.calls as f64 * 60e6 / over_us.max(1) as f64),
        Narrow::No,
    ),
    of_budget("budget_share", "spent of the budget", share_spent),
    of_budget("forecast_over_limit", "forecast of the budget", forecast),
    Metric {
        word: "no_events",
        says: "time without a call",
        unit: Unit::Micros,
        reads: Reads::Newest,
        min_calls: 0,
        narrow: Narrow::No,
    },
];

fn spend(stats: &Stats) -> Option<f64> {
    stats.known_nusd().map(|nusd| nusd as f64)
}

fn sound_p95(dist: &Dist) -> Option<f64> {
    dist.p95.filter(|_| dist.count >= FEW_P95)
}

/// How much of the limit has been spent, by whoever has spent most.
fn share_spent(state: &BudgetState) -> Option<(f64, &Burn)> {
    let worst = state.worst();
    Some((state.share_of(worst)?, worst))
}

/// What is expected at the period's end as a share of the limit: of whoever is expected to spend most.
fn forecast(state: &BudgetState) -> Option<(f64, &Burn)> {
    let limit = state.budget.limit_nusd.max(1) as f64;
    let whole = state.budget.per.is_none().then_some(&state.total);
    let shares = whole.into_iter().chain(&state.most).filter_map(|burn| {
        let expected = burn.forecast.as_ref()?.expected_nusd;
        Some((expected / limit, burn))
    });
    shares.max_by(|a, b| a.0.total_cmp(&b.0))
}

impl PartialEq for Metric {
    fn eq(&self, other: &Metric) -> bool {
        self.word == other.word
    }
}

impl std::fmt::Debug for Metric {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.word)
    }
}

impl Metric {
    /// The metric of this word.
    ///
    /// # Errors
    /// Names the nearest word, or all.
    pub fn named(word: &str) -> Result<&'static Metric, String> {
        METRICS.iter().find(|metric| metric.word == word).ok_or_else(|| {
            let near = did_you_mean(word, METRICS.iter().map(|metric| metric.word));
            format!("no metric {word:?}{near}")
        })
    }

    /// The one that budgets warn by themselves of.
    pub(super) fn budget_share() -> &'static Metric {
        static BUDGET_SHARE: Metric = of_budget("budget_share", "spent of the budget", share_spent);
        &BUDGET_SHARE
    }

    /// Its figure in a window, where there are enough calls.
    pub fn of_window(&self, stats: &Stats, over_us: i64, min_calls: u64) -> Option<f64> {
        match self.reads {
            Reads::Window(read) if stats.calls >= min_calls => read(stats, over_us).filter(|value| value.is_finite()),
            _ => None,
        }
    }

    /// A filter narrowed to the calls to look at.
    pub fn narrowed(&self, filter: &Filter, threshold: Option<f64>) -> Filter {
        let mut filter = filter.clone();
        match (&self.narrow, threshold) {
            (Narrow::To(text), _) => filter.terms.extend(Filter::parse(text).unwrap_or_default().terms),
            (Narrow::Beyond(number), Some(bound)) => {
                let matches = Match::Compare(*number, Op::Above, bound.round() as i64);
                filter.terms.push(Term { negated: false, matches });
            }
            (Narrow::No, _) | (Narrow::Beyond(_), None) => {}
        }
        filter
    }
}

impl Unit {
    /// Reads a value of this unit.
    ///
    /// # Errors
    /// Says what would be right.
    pub fn parse(self, text: &str) -> Result<f64, String> {
        let read = match self {
            Unit::Share => share(text),
            Unit::Micros => units::parse_duration_us(text).map(|us| us as f64),
            Unit::Money | Unit::MoneyPerHour => units::parse_usd_nano(text).map(|nusd| nusd as f64),
            Unit::PerMinute => text.trim().parse().ok().filter(|n: &f64| n.is_finite()),
        };
        read.ok_or_else(|| format!("{text:?} is no {}; write {}", self.noun(), self.example()))
    }

    const fn noun(self) -> &'static str {
        match self {
            Unit::Share => "share",
            Unit::Micros => "length of time",
            Unit::Money | Unit::MoneyPerHour => "sum of money",
            Unit::PerMinute => "number of calls",
        }
    }

    /// What a value of this unit looks like in the configuration.
    pub const fn example(self) -> &'static str {
        match self {
            Unit::Share => "\"5%\" or 0.05",
            Unit::Micros => "\"2s\" or \"10m\"",
            Unit::Money => "dollars such as 50",
            Unit::MoneyPerHour => "dollars an hour such as 20",
            Unit::PerMinute => "calls a minute such as 100",
        }
    }

    /// A value as people read it.
    pub fn text(self, value: f64) -> String {
        match self {
            Unit::Share => units::percent(value),
            Unit::Micros => units::duration_us(value),
            Unit::Money => units::usd(value.round() as i64),
            Unit::MoneyPerHour => format!("{}/h", units::usd(value.round() as i64)),
            Unit::PerMinute => format!("{}/min", units::compact(value)),
        }
    }

    /// The unit's name in JSON, and a value in it.
    pub fn plain(self, value: f64) -> (&'static str, f64) {
        match self {
            Unit::Share => ("share", value),
            Unit::Micros => ("ms", value / 1e3),
            Unit::Money => ("usd", value / 1e9),
            Unit::MoneyPerHour => ("usd_per_hour", value / 1e9),
            Unit::PerMinute => ("calls_per_minute", value),
        }
    }
}

/// A share: `5%`, `+50 %`, `0.05`.
pub(crate) fn share(text: &str) -> Option<f64> {
    let text = text.trim();
    let (number, scale) = text.strip_suffix('%').map_or((text, 1.0), |number| (number.trim_end(), 100.0));
    let value: f64 = number.parse().ok()?;
    Some(value / scale).filter(|value| value.is_finite())
}

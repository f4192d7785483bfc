//! The lines of the totals: what each is called, how its figure is written, and its change from the window before.

use crate::snapshot::{Dist, Stats};
use crate::units::{self, UNKNOWN};

/// How a figure is written, and how its change is.
#[derive(Clone, Copy)]
enum Kind {
    Count,
    Share,
    Money,
    /// Of calls that are not all priced.
    MoneyAtLeast,
    Duration,
    Speed,
}

/// One line of the totals.
pub(super) struct Measure {
    /// What it is called.
    pub name: &'static str,
    kind: Kind,
    value: Option<f64>,
}

impl Measure {
    /// Its figure, or the sign for unknown.
    pub fn text(&self) -> String {
        let Some(value) = self.value else { return UNKNOWN.to_owned() };
        match self.kind {
            Kind::Count => units::count(value.max(0.0) as u64),
            Kind::Share => units::percent(value),
            Kind::Money => units::usd(value as i64),
            Kind::MoneyAtLeast => format!("≥{}", units::usd(value as i64)),
            Kind::Duration => units::duration_us(value),
            Kind::Speed => format!("{}/s", units::compact(value)),
        }
    }

    /// The change from the window before; shares change by points.
    pub fn change(&self, before: &Measure, known: bool) -> String {
        match (self.value, before.value, self.kind) {
            (Some(now), Some(before), Kind::Share) if known => {
                let points = (now - before) * 100.0;
                format!("{} pt", signed(points, &format!("{:.2}", points.abs())))
            }
            (Some(now), Some(before), _) => change(now, before, known),
            _ => UNKNOWN.to_owned(),
        }
    }
}

/// What calls cost as far as that says anything: nothing but the zeros of refused calls beside calls without a price does not.
fn known_cost(stats: &Stats) -> Option<i64> {
    stats.cost_nusd.filter(|cost| *cost != 0 || stats.unpriced_calls == 0)
}

/// What calls cost, at least that much where some have no price.
pub(super) fn spent(stats: &Stats) -> String {
    let at_least = if stats.unpriced_calls > 0 { "≥" } else { "" };
    known_cost(stats).map_or_else(|| UNKNOWN.to_owned(), |cost| format!("{at_least}{}", units::usd(cost)))
}

/// The change from one figure to another, relative to the first: `+9.5 %`, `×12` from tenfold on, `new` from nothing.
pub(super) fn change(now: f64, before: f64, known: bool) -> String {
    if !known {
        return UNKNOWN.to_owned();
    }
    if before == 0.0 {
        return if now == 0.0 { "=".to_owned() } else { "new".to_owned() };
    }
    let ratio = now / before;
    if ratio >= 10.0 {
        return format!("×{}", units::digits3(ratio));
    }
    let share = ratio - 1.0;
    signed(share, &units::percent(share.abs()))
}

fn signed(value: f64, size: &str) -> String {
    if value == 0.0 {
        return "=".to_owned();
    }
    format!("{}{size}", if value < 0.0 { '-' } else { '+' })
}

/// The lines of the totals, in their order.
pub(super) fn measures(stats: &Stats) -> Vec<Measure> {
    let sum = |value: Option<i64>| value.map(|value| value as f64);
    let Dist { p50, p95, p99, max, .. } = stats.latency_us;
    let money = if stats.unpriced_calls > 0 { Kind::MoneyAtLeast } else { Kind::Money };
    let list = [
        ("calls", Kind::Count, Some(stats.calls as f64)),
        ("errors", Kind::Count, Some(stats.errors as f64)),
        ("error rate", Kind::Share, stats.error_rate()),
        ("rate limited", Kind::Share, stats.rate_limit_rate()),
        ("retries", Kind::Count, sum(stats.retries)),
        ("latency p50", Kind::Duration, p50),
        ("latency p95", Kind::Duration, p95),
        ("latency p99", Kind::Duration, p99),
        ("latency max", Kind::Duration, max),
        ("first token p50", Kind::Duration, stats.ttft_us.p50),
        ("first token p95", Kind::Duration, stats.ttft_us.p95),
        ("output tokens p50", Kind::Speed, stats.output_tokens_per_s.p50),
        ("input tokens", Kind::Count, sum(stats.input_tokens)),
        ("  from cache", Kind::Count, sum(stats.cached_input_tokens)),
        ("output tokens", Kind::Count, sum(stats.output_tokens)),
        ("  reasoning", Kind::Count, sum(stats.reasoning_tokens)),
        ("cost", money, sum(known_cost(stats))),
        ("calls without cost", Kind::Count, Some(stats.unpriced_calls as f64)),
    ];
    list.into_iter().map(|(name, kind, value)| Measure { name, kind, value }).collect()
}

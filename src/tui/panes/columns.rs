//! The columns of tables of groups; each is one line in a pane's list.

use crate::snapshot::{Group, Point};
use crate::tui::figures::{self, Quantile};
use crate::tui::live::Scene;
use crate::tui::theme::Role;
use crate::tui::widgets::table::{Cell, Column, Side, Width};
use crate::units;
use crate::view::Measure;
use std::borrow::Cow;

type CellOf = for<'a> fn(&'a Group, &Scene<'a>) -> Cell<'a>;
type KeyOf = fn(&Group) -> Option<f64>;

const fn figure(head: &'static str, width: u16, rank: u8, cell: CellOf, key: KeyOf) -> Column<Group> {
    Column { head, width: Width::Fixed(width), side: Side::Right, rank, cell, key: Some(key) }
}

/// The group's name.
pub(super) const NAME: Column<Group> =
    Column { head: "", width: Width::Between(14, 34), side: Side::Left, rank: 0, cell: name, key: None };
/// Calls.
pub(super) const CALLS: Column<Group> =
    figure("calls", 6, 1, |g, _| Cell::plain(figures::count(g.stats.calls)), |g| Some(g.stats.calls as f64));
/// Failed calls in percent.
pub(super) const ERRORS: Column<Group> = figure("err%", 5, 2, errors, |g| g.stats.error_rate());
/// Rate-limited calls in percent.
pub(super) const LIMITED: Column<Group> = figure("429%", 5, 8, limited, |g| g.stats.rate_limit_rate());
/// Rate-limited calls.
pub(super) const LIMITED_CALLS: Column<Group> =
    figure("429", 6, 2, |g, _| counted(g.stats.rate_limited), |g| Some(g.stats.rate_limited as f64));
/// Retries.
pub(super) const RETRIES: Column<Group> = figure("retries", 7, 5, retries, |g| g.stats.retries.map(|n| n as f64));
/// Median latency.
pub(super) const P50: Column<Group> = figure("p50", 6, 6, |g, _| latency(g, Quantile::P50), |g| g.stats.latency_us.p50);
/// 95th percentile of latency.
pub(super) const P95: Column<Group> =
    figure("p95", 6, 3, |g, _| latency(g, Quantile::P95), |g| Quantile::P95.sound(&g.stats.latency_us));
/// Change of the 95th percentile against the window before.
pub(super) const P95_CHANGE: Column<Group> = figure("Δp95", 7, 4, p95_change, p95_ratio);
/// 99th percentile of latency.
pub(super) const P99: Column<Group> =
    figure("p99", 6, 9, |g, _| latency(g, Quantile::P99), |g| Quantile::P99.sound(&g.stats.latency_us));
/// Longest latency.
pub(super) const MAX: Column<Group> =
    figure("max", 6, 14, |g, _| Cell::plain(units::duration_cell(g.stats.latency_us.max)), |g| g.stats.latency_us.max);
/// 95th percentile of the time to first token.
pub(super) const TTFT: Column<Group> = figure("ttft95", 6, 7, ttft, |g| Quantile::P95.sound(&g.stats.ttft_us));
/// Median output speed.
pub(super) const SPEED: Column<Group> = figure("tok/s", 5, 11, speed, |g| g.stats.output_tokens_per_s.p50);
/// Input tokens.
pub(super) const INPUT: Column<Group> =
    figure("in", 6, 12, |g, _| tokens(g.stats.input_tokens), |g| g.stats.input_tokens.map(|n| n as f64));
/// Output tokens.
pub(super) const OUTPUT: Column<Group> =
    figure("out", 6, 12, |g, _| tokens(g.stats.output_tokens), |g| g.stats.output_tokens.map(|n| n as f64));
/// Share of input tokens from the cache.
pub(super) const CACHED: Column<Group> = figure(
    "cached%",
    7,
    13,
    |g, _| Cell::plain(figures::share(figures::cached(&g.stats))),
    |g| figures::cached(&g.stats),
);
/// Cost in the window.
pub(super) const COST: Column<Group> = figure("cost", 8, 5, |g, _| cost(g), |g| g.stats.cost_nusd.map(|n| n as f64));
/// Cost per hour.
pub(super) const PER_HOUR: Column<Group> = figure("$/h", 8, 10, per_hour, |g| g.stats.cost_nusd.map(|n| n as f64));
/// Cost of one call.
pub(super) const PER_CALL: Column<Group> = figure("$/call", 8, 15, per_call, cost_of_call);
/// Cost as a share of all that was spent.
pub(super) const SHARE: Column<Group> = Column { key: None, ..figure("share%", 6, 3, share, |_| None) };
/// Cost against the window before.
pub(super) const COST_CHANGE: Column<Group> = Column { key: None, ..figure("change", 7, 4, cost_change, |_| None) };
/// Cost of a thousand output tokens, input and all.
pub(super) const PER_1K: Column<Group> = Column { key: None, ..figure("$/1k out", 8, 9, per_1k, |_| None) };
/// Calls over time.
pub(super) const TREND: Column<Group> =
    Column { head: "calls over time", width: Width::Fixed(16), side: Side::Left, rank: 16, cell: trend, key: None };

/// The measure a heading stands for.
pub(super) fn measure(head: &str) -> Option<Measure> {
    Some(match head {
        "calls" => Measure::Calls,
        "err%" => Measure::ErrorRate,
        "429" => Measure::RateLimited,
        "429%" => Measure::RateLimitRate,
        "retries" => Measure::Retries,
        "p50" => Measure::P50,
        "p95" => Measure::P95,
        "Δp95" => Measure::P95Change,
        "p99" => Measure::P99,
        "max" => Measure::Longest,
        "ttft95" => Measure::Ttft,
        "tok/s" => Measure::Speed,
        "in" => Measure::Input,
        "out" => Measure::Output,
        "cost" => Measure::Cost,
        "$/call" => Measure::CostPerCall,
        _ => return None,
    })
}

fn name<'a>(group: &'a Group, _: &Scene<'a>) -> Cell<'a> {
    match group.key.as_slice() {
        [Some(one)] => Cell::name(one.as_str()),
        [None] => Cell::dim("(none)"),
        several => {
            let parts: Vec<&str> = several.iter().map(|k| k.as_deref().unwrap_or("(none)")).collect();
            Cell::name(parts.join(" · "))
        }
    }
}

fn counted<'a>(n: u64) -> Cell<'a> {
    Cell::Text(Cow::Owned(figures::count(n)), if n == 0 { Role::Dim } else { Role::Text })
}

fn errors<'a>(group: &'a Group, _: &Scene<'a>) -> Cell<'a> {
    let rate = group.stats.error_rate();
    Cell::Text(Cow::Owned(figures::share(rate)), figures::failing(rate))
}

fn limited<'a>(group: &'a Group, _: &Scene<'a>) -> Cell<'a> {
    let rate = group.stats.rate_limit_rate();
    Cell::Text(Cow::Owned(figures::share(rate)), figures::failing(rate))
}

fn retries<'a>(group: &'a Group, _: &Scene<'a>) -> Cell<'a> {
    match group.stats.retries {
        None => Cell::dim(units::UNKNOWN),
        Some(n) => counted(u64::try_from(n).unwrap_or(0)),
    }
}

fn latency<'a>(group: &Group, q: Quantile) -> Cell<'a> {
    let (text, role) = figures::duration(&group.stats.latency_us, q);
    Cell::Text(Cow::Owned(text), role)
}

fn p95_ratio(group: &Group) -> Option<f64> {
    let now = Quantile::P95.sound(&group.stats.latency_us)?;
    let before = Quantile::P95.sound(&group.previous.latency_us).filter(|b| *b > 0.0)?;
    Some(now / before)
}

fn p95_change<'a>(group: &'a Group, _: &Scene<'a>) -> Cell<'a> {
    match figures::change(p95_ratio(group), Some(1.0), figures::Bad::Up) {
        Some((text, role)) => Cell::Text(Cow::Owned(text), role),
        None => Cell::dim(units::UNKNOWN),
    }
}

fn ttft<'a>(group: &'a Group, _: &Scene<'a>) -> Cell<'a> {
    let (text, role) = figures::duration(&group.stats.ttft_us, Quantile::P95);
    Cell::Text(Cow::Owned(text), role)
}

fn speed<'a>(group: &'a Group, _: &Scene<'a>) -> Cell<'a> {
    let speed = group.stats.output_tokens_per_s.p50;
    speed.map_or_else(|| Cell::dim(units::UNKNOWN), |v| Cell::plain(units::compact(v.round())))
}

fn tokens<'a>(n: Option<i64>) -> Cell<'a> {
    if n.is_none() { Cell::dim(units::UNKNOWN) } else { Cell::plain(figures::tokens(n)) }
}

/// What calls without a price would have cost is unknown, and said so.
fn cost<'a>(group: &Group) -> Cell<'a> {
    spent(group, group.stats.cost_nusd.map(|n| n as f64))
}

fn per_hour<'a>(group: &'a Group, scene: &Scene<'a>) -> Cell<'a> {
    spent(group, figures::hourly(scene.snapshot, group.stats.cost_nusd))
}

/// What a group's calls came to: at least that, where some of them have no price.
fn spent<'a>(group: &Group, amount: Option<f64>) -> Cell<'a> {
    match amount {
        Some(amount) if group.stats.unpriced_calls > 0 => Cell::plain(figures::least_money(amount)),
        amount => Cell::plain(figures::money(amount)),
    }
}

fn cost_of_call(group: &Group) -> Option<f64> {
    group.stats.cost_per_call()
}

fn per_call<'a>(group: &'a Group, _: &Scene<'a>) -> Cell<'a> {
    Cell::plain(figures::cost_per_call_of(&group.stats).text())
}

fn share<'a>(group: &'a Group, scene: &Scene<'a>) -> Cell<'a> {
    let all = scene.snapshot.totals.cost_nusd.filter(|n| *n > 0);
    Cell::plain(figures::share(group.stats.cost_nusd.zip(all).map(|(cost, all)| cost as f64 / all as f64)))
}

fn cost_change<'a>(group: &'a Group, scene: &Scene<'a>) -> Cell<'a> {
    let of = |nusd: Option<i64>| nusd.map(|n| n as f64);
    let before = figures::whole_before(scene.snapshot).and(of(group.previous.cost_nusd));
    match figures::change(of(group.stats.cost_nusd), before, figures::Bad::FarUp) {
        Some((text, role)) => Cell::Text(Cow::Owned(text), role),
        None => Cell::dim(units::UNKNOWN),
    }
}

fn per_1k<'a>(group: &'a Group, _: &Scene<'a>) -> Cell<'a> {
    Cell::plain(figures::cost_per_1k(&group.stats).text())
}

fn trend<'a>(group: &'a Group, scene: &Scene<'a>) -> Cell<'a> {
    let whole = |p: &Point| p.calls as f64 * figures::whole_step(p.range, scene.snapshot.range);
    Cell::Trend(group.points.iter().map(|p| Some(whole(p))).collect(), Role::Text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::snapshot::Stats;
    use crate::stats::acc::{Acc, Sample};

    fn stats(calls: u64) -> Stats {
        let mut acc = Acc::default();
        for n in 0..calls {
            acc.record(&Sample {
                outcome: crate::event::Outcome::from_number((n % 3) as u8),
                retries: Some(1),
                input_tokens: Some(n),
                output_tokens: Some(7),
                cost_nusd: (n % 2 == 0).then_some(5),
                latency_us: Some(1_000 + n),
                ttft_us: Some(500),
                ..Sample::default()
            });
        }
        Stats::of(&acc)
    }

    /// What the store cuts by is what the column sorts by.
    #[test]
    fn every_heading_that_sorts_is_a_measure_of_the_store() {
        let all = [
            CALLS,
            ERRORS,
            LIMITED_CALLS,
            LIMITED,
            RETRIES,
            P50,
            P95,
            P95_CHANGE,
            P99,
            MAX,
            TTFT,
            SPEED,
            INPUT,
            OUTPUT,
            COST,
            PER_CALL,
        ];
        for column in all {
            let (key, measure) = (column.key.expect("it sorts"), measure(column.head).expect("a measure"));
            for (calls, before) in [(0, 0), (3, 0), (30, 200), (300, 30)] {
                let group = Group { stats: stats(calls), previous: stats(before), ..Group::default() };
                assert_eq!(key(&group), group.measure(measure), "{} of {calls}", column.head);
            }
        }
    }

    #[test]
    fn panes_of_groups_sort_by_measures() {
        // The list of traces is no table of groups.
        for pane in super::super::ALL.iter().filter(|p| p.by.first().is_some_and(|dims| !dims.is_empty())) {
            assert!(pane.sorts.iter().all(|head| measure(head).is_some()), "{}", pane.name);
        }
    }
}

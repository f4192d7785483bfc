//! The charts over time: one axis, one cursor; their titles say the figures at the cursor, else those of the window.

use crate::snapshot::{Dist, Point};
use crate::tui::figures::{self, Quantile};
use crate::tui::live::Scene;
use crate::tui::pen::Pen;
use crate::tui::theme::{Ink, Role};
use crate::tui::widgets::axis::TimeAxis;
use crate::tui::widgets::heat;
use crate::tui::widgets::lines::{LineChart, Reach, Series, Spread, middle};
use crate::tui::widgets::stack::Stack;
use crate::units;
use crate::view::Range;
use ratatui::layout::Rect;

/// The time axis of all charts of a screen.
pub(super) fn axis(scene: &Scene) -> TimeAxis {
    TimeAxis { range: scene.snapshot.range, cursor: scene.ui.time_cursor, zone: scene.ui.zone }
}

/// The point the cursor is on.
fn pointed<'a>(scene: &Scene<'a>) -> Option<&'a Point> {
    let at = scene.ui.time_cursor?;
    scene.snapshot.chart.points.iter().find(|p| p.range.contains(at))
}

/// `@ 14:11:30`, where a cursor is.
fn when(scene: &Scene) -> String {
    pointed(scene).map_or_else(String::new, |point| at(point.range.since_us, scene))
}

/// Where the cursor is, in words.
pub(super) fn at(ts_us: i64, scene: &Scene) -> String {
    let form = if scene.snapshot.range.len_us() < 86_400_000_000 { "@ %H:%M:%S" } else { "@ %m-%d %H:%M" };
    units::time(ts_us, scene.ui.zone, form)
}

fn series(points: &[Point], name: &'static str, ink: Ink, value: impl Fn(&Point) -> Option<f64>) -> Series {
    Series { name, ink, reach: Reach::Whole, values: points.iter().map(|p| (middle(p.range), value(p))).collect() }
}

/// A line of sums.
fn sums(scene: &Scene, name: &'static str, ink: Ink, sum: impl Fn(&Point) -> Option<f64>) -> Series {
    let whole = |p: &Point| Some(sum(p)? * figures::whole_step(p.range, scene.snapshot.range));
    series(&scene.snapshot.chart.points, name, ink, whole)
}

/// Columns of sums.
fn columns(scene: &Scene, sums: impl Fn(&Point) -> Vec<f64>) -> Vec<(Range, Vec<f64>)> {
    let whole = |p: &Point| {
        let factor = figures::whole_step(p.range, scene.snapshot.range);
        (p.range, sums(p).into_iter().map(|n| n * factor).collect())
    };
    scene.snapshot.chart.points.iter().map(whole).collect()
}

/// The window before in the times of this one, as a dim line.
fn ghost(scene: &Scene, value: impl Fn(&Point) -> Option<f64>) -> Series {
    let shift = scene.snapshot.range.len_us();
    let values = scene.snapshot.chart.previous.iter();
    let values = values.map(|p| (middle(p.range).saturating_add(shift), value(p))).collect();
    Series { name: "", ink: Ink::Ghost, reach: Reach::Whole, values }
}

fn axis_duration(us: f64) -> String {
    units::duration_cell(Some(us)).replace(".00", "").replace(".0", "")
}

fn axis_count(n: f64) -> String {
    units::compact(n).replace(".00", "").replace(".0", "")
}

/// Money on an axis.
pub(super) fn axis_money(nano: f64) -> String {
    units::usd(nano as i64)
}

fn dist_of<'a>(scene: &Scene<'a>, pick: fn(&Point) -> &Dist, whole: &'a Dist) -> &'a Dist {
    pointed(scene).map_or(whole, pick)
}

fn percentile_part(name: &str, dist: &Dist, q: Quantile) -> String {
    let (value, _) = q.of(dist);
    format!("{name} {}", units::duration_cell(value))
}

/// Where the slowest of what is drawn takes many times as long as the fastest, an even axis would press this flat. The
/// percentiles of the window do not tell: a minute of slow calls is little of an hour.
fn spread(dist: &Dist, series: &[Series], area: Rect) -> Spread {
    const MANY: f64 = 10.0;
    let drawn = series.iter().flat_map(|s| s.values.iter().filter_map(|v| v.1)).filter(|v| *v > 0.0);
    let (low, high) = drawn.fold((f64::INFINITY, 0.0), |(low, high), v: f64| (v.min(low), v.max(high)));
    // On a low chart there is no room for the word that says so.
    let is_wide = area.height >= 4 && high / low >= MANY;
    match dist.p50.filter(|p50| is_wide && *p50 > 0.0) {
        Some(p50) => Spread::Factors { from: p50 / MANY },
        None => Spread::Even,
    }
}

fn percentiles(pen: &mut Pen, area: Rect, scene: &Scene, name: &str, pick: fn(&Point) -> &Dist, whole: &Dist) {
    let dist = dist_of(scene, pick, whole);
    let at = when(scene);
    let p50 = percentile_part("p50", dist, Quantile::P50);
    let p95 = percentile_part("p95", dist, Quantile::P95);
    let p99 = percentile_part("p99", dist, Quantile::P99);
    let before = if scene.snapshot.chart.previous.is_empty() { "" } else { "p95 before" };
    let title = [
        (name, Role::Title),
        (&at, Role::Strong),
        (&p50, Role::Series(Ink::One)),
        (&p95, Role::Series(Ink::Two)),
        (&p99, Role::Series(Ink::Three)),
        (before, Role::Dim),
    ];
    let inner = pen.panel_with(area, &title);
    let points = &scene.snapshot.chart.points;
    let series = vec![
        ghost(scene, |p| pick(p).p95),
        Series { reach: Reach::Clipped, ..series(points, "p99", Ink::Three, |p| pick(p).p99) },
        series(points, "p50", Ink::One, |p| pick(p).p50),
        series(points, "p95", Ink::Two, |p| pick(p).p95),
    ];
    if series.iter().all(Series::is_empty) {
        return pen.words(inner, &[(format!("no call in this window says its {name}"), Role::Dim)]);
    }
    // By the whole window: the axis stays as it is while the cursor moves.
    let spread = spread(whole, &series, inner);
    LineChart { axis: axis(scene), series, write: axis_duration, spread }.draw(pen, inner);
}

/// Percentiles of latency over time.
pub(super) fn latency(pen: &mut Pen, area: Rect, scene: &Scene, _: Option<usize>) {
    percentiles(pen, area, scene, "latency", |p| &p.latency_us, &scene.snapshot.totals.latency_us);
}

/// Percentiles of the time to first token over time.
pub(super) fn ttft(pen: &mut Pen, area: Rect, scene: &Scene, _: Option<usize>) {
    percentiles(pen, area, scene, "time to first token", |p| &p.ttft_us, &scene.snapshot.totals.ttft_us);
}

/// Calls over time: failed ones, rate-limited ones, the rest.
pub(super) fn calls(pen: &mut Pen, area: Rect, scene: &Scene, _: Option<usize>) {
    let totals = &scene.snapshot.totals;
    let (all, failed, limited) = match pointed(scene) {
        Some(p) => (p.calls, figures::failed(p), limited(p)),
        None => (totals.calls, totals.errors, totals.rate_limited),
    };
    let at = when(scene);
    let ok = format!("ok {}", figures::count(all.saturating_sub(failed)));
    let limits = format!("429 {}", figures::count(limited));
    let other = format!("other {}", figures::count(failed.saturating_sub(limited)));
    let step = axis_duration(scene.snapshot.chart.step_us as f64);
    let every = if scene.snapshot.chart.step_us > 0 { format!("each {step}") } else { String::new() };
    let title = [
        ("calls", Role::Title),
        (at.as_str(), Role::Strong),
        (&ok, Role::Series(Ink::One)),
        (&limits, Role::Series(Ink::Limited)),
        (&other, Role::Series(Ink::Failed)),
        (&every, Role::Dim),
    ];
    let inner = pen.panel_with(area, &title);
    let columns = columns(scene, outcome_parts);
    let inks = vec![Ink::Failed, Ink::Limited, Ink::One];
    Stack { axis: axis(scene), inks, columns, write: axis_count }.draw(pen, inner);
}

/// Failed calls over time, at a scale of their own.
pub(super) fn failures(pen: &mut Pen, area: Rect, scene: &Scene, _: Option<usize>) {
    let totals = &scene.snapshot.totals;
    let (failed, limited) = match pointed(scene) {
        Some(p) => (figures::failed(p), limited(p)),
        None => (totals.errors, totals.rate_limited),
    };
    let at = when(scene);
    let all = format!("{} in all", figures::count(failed));
    let limits = format!("429 {}", figures::count(limited));
    let other = format!("other {}", figures::count(failed.saturating_sub(limited)));
    let title = [
        ("failed calls", Role::Title),
        (at.as_str(), Role::Strong),
        (&all, Role::Strong),
        (&limits, Role::Series(Ink::Limited)),
        (&other, Role::Series(Ink::Failed)),
    ];
    let inner = pen.panel_with(area, &title);
    let columns = columns(scene, |p| outcome_parts(p)[..2].to_vec());
    Stack { axis: axis(scene), inks: vec![Ink::Failed, Ink::Limited], columns, write: axis_count }.draw(pen, inner);
}

/// Failed calls, rate-limited ones, the rest.
fn outcome_parts(point: &Point) -> Vec<f64> {
    let (failed, limited) = (figures::failed(point), limited(point));
    let parts = [failed.saturating_sub(limited), limited, point.calls.saturating_sub(failed)];
    parts.iter().map(|n| *n as f64).collect()
}

fn limited(point: &Point) -> u64 {
    point.outcomes[crate::event::FailureMode::RateLimit as usize]
}

/// Rate limits and retries over time.
pub(super) fn limits(pen: &mut Pen, area: Rect, scene: &Scene, _: Option<usize>) {
    let totals = &scene.snapshot.totals;
    let (limits, retried) = match pointed(scene) {
        Some(p) => (limited(p), p.retries),
        None => (totals.rate_limited, totals.retries),
    };
    let at = when(scene);
    let limits = format!("429 {}", figures::count(limits));
    let retries = format!("retries {}", figures::tokens(retried));
    let title = [
        ("rate limits", Role::Title),
        (at.as_str(), Role::Strong),
        (&limits, Role::Series(Ink::Limited)),
        (&retries, Role::Series(Ink::Two)),
    ];
    let inner = pen.panel_with(area, &title);
    let series = vec![
        ghost(scene, |p| Some(limited(p) as f64)),
        sums(scene, "retry", Ink::Two, |p| p.retries.map(|n| n as f64)),
        sums(scene, "429", Ink::Limited, |p| Some(limited(p) as f64)),
    ];
    LineChart { axis: axis(scene), series, write: axis_count, spread: Spread::Even }.draw(pen, inner);
}

/// Tokens over time.
pub(super) fn tokens(pen: &mut Pen, area: Rect, scene: &Scene, _: Option<usize>) {
    let totals = &scene.snapshot.totals;
    let (input, output) = match pointed(scene) {
        Some(p) => (p.input_tokens, p.output_tokens),
        None => (totals.input_tokens, totals.output_tokens),
    };
    let at = when(scene);
    let (input, output) = (format!("in {}", figures::tokens(input)), format!("out {}", figures::tokens(output)));
    let title = [
        ("tokens", Role::Title),
        (at.as_str(), Role::Strong),
        (&input, Role::Series(Ink::One)),
        (&output, Role::Series(Ink::Two)),
    ];
    let inner = pen.panel_with(area, &title);
    let series = vec![
        sums(scene, "in", Ink::One, |p| p.input_tokens.map(|n| n as f64)),
        sums(scene, "out", Ink::Two, |p| p.output_tokens.map(|n| n as f64)),
    ];
    if series.iter().all(Series::is_empty) {
        return pen.words(inner, &[("no call in this window says its tokens".to_owned(), Role::Dim)]);
    }
    LineChart { axis: axis(scene), series, write: axis_count, spread: Spread::Even }.draw(pen, inner);
}

/// Cost over time.
pub(super) fn cost(pen: &mut Pen, area: Rect, scene: &Scene, _: Option<usize>) {
    let totals = &scene.snapshot.totals;
    let at = when(scene);
    let spent = pointed(scene).map_or(totals.cost_nusd, |p| p.cost_nusd).map(|n| n as f64);
    let (spent, unpriced) = match (spent, totals.unpriced_calls) {
        (_, 0) | (None, _) => (figures::money(spent), String::new()),
        (Some(n), unpriced) => (figures::least_money(n), format!("{} unpriced", figures::count(unpriced))),
    };
    let title = [
        ("spend", Role::Title),
        (at.as_str(), Role::Strong),
        (&spent, Role::Series(Ink::Three)),
        (&unpriced, Role::Warn),
    ];
    let inner = pen.panel_with(area, &title);
    if totals.cost_nusd.is_none() {
        return pen.words(inner, &[("no call in this window has a price".to_owned(), Role::Dim)]);
    }
    let columns = columns(scene, |p| vec![p.cost_nusd.unwrap_or(0) as f64]);
    Stack { axis: axis(scene), inks: vec![Ink::Three], columns, write: axis_money }.draw(pen, inner);
}

/// Latency over time as a heat map.
pub(super) fn heat_map(pen: &mut Pen, area: Rect, scene: &Scene, _: Option<usize>) {
    let at = when(scene);
    let title = [("latency over time", Role::Title), (&at, Role::Strong), ("brighter: more", Role::Dim)];
    let inner = pen.panel_with(area, &title);
    heat::draw(pen, inner, axis(scene), &scene.snapshot.chart.points);
}

//! The figures of some calls, computed in the plainest way, and their comparison with the store's.

use super::event::Event;
use llmtop::snapshot::{Dist, Figure, Snapshot, Stats, Table};
use llmtop::stats::template::template;
use llmtop::view::Dim;
use std::collections::BTreeMap;

/// A bucket of the histogram is at most this wide, relative to its value.
const ERROR: f64 = 0.004;

fn sum(events: &[&Event], of: impl Fn(&Event) -> Option<i64>) -> Option<i64> {
    let known: Vec<i64> = events.iter().filter_map(|e| of(e)).collect();
    (!known.is_empty()).then(|| known.iter().sum())
}

fn values(events: &[&Event], of: impl Fn(&Event) -> Option<u64>) -> Vec<u64> {
    let mut values: Vec<u64> = events.iter().filter_map(|e| of(e)).collect();
    values.sort_unstable();
    values
}

/// Tokens per second, in thousandths: over the time after the first token, or over all of it where that says nothing.
fn speed(e: &Event) -> Option<u64> {
    let (tokens, latency) = (e.output_tokens.filter(|t| *t > 0)?, e.latency_us?);
    let time = e.ttft_us.filter(|t| *t < latency).map_or(latency, |t| latency - t);
    Some(tokens * 1_000_000_000 / time)
}

fn check_dist(got: &Dist, values: &[u64], scale: f64, what: &str) {
    assert_eq!(got.count, values.len() as u64, "{what}: count");
    let Some(max) = values.last() else {
        assert_eq!(*got, Dist::default(), "{what}: nothing is unknown");
        return;
    };
    assert_eq!(got.max, Some(*max as f64 / scale), "{what}: max");
    let mean = values.iter().sum::<u64>() as f64 / values.len() as f64 / scale;
    assert!((got.mean.expect("known") - mean).abs() <= mean.abs() * 1e-9 + 1e-9, "{what}: mean {:?} {mean}", got.mean);
    for (q, got) in [(0.5, got.p50), (0.9, got.p90), (0.95, got.p95), (0.99, got.p99)] {
        let rank = ((q * values.len() as f64).ceil() as usize).clamp(1, values.len());
        let exact = values[rank - 1] as f64 / scale;
        let got = got.expect("known");
        assert!((got - exact).abs() <= exact * ERROR, "{what}: p{q} is {got}, exactly {exact}");
    }
}

/// Compares figures with those of the calls they should be of.
pub fn check_stats(got: &Stats, events: &[&Event], what: &str) {
    check_sums(got, events, what);
    let signed = |v: Option<u64>| v.map(|v| v as i64);
    assert_eq!(got.cached_input_tokens, sum(events, |e| signed(e.cached_input_tokens)), "{what}: cached tokens");
    assert_eq!(got.cache_write_tokens, sum(events, |e| signed(e.cache_write_tokens)), "{what}: cache writes");
    assert_eq!(got.reasoning_tokens, sum(events, |e| signed(e.reasoning_tokens)), "{what}: reasoning");
    for (number, calls) in got.outcomes.iter().enumerate() {
        let word = llmtop::event::Outcome::from_number(number as u8).failure().map(|m| m.word());
        assert_eq!(*calls, events.iter().filter(|e| e.failure == word).count() as u64, "{what}: outcome {word:?}");
    }
    check_dist(&got.latency_us, &values(events, |e| e.latency_us), 1.0, &format!("{what}: latency"));
    check_dist(&got.ttft_us, &values(events, |e| e.ttft_us), 1.0, &format!("{what}: ttft"));
    check_dist(&got.output_tokens_per_s, &values(events, speed), 1e3, &format!("{what}: speed"));
}

/// As [`check_stats`], for tables of members, which keep no percentiles.
pub fn check_sums(got: &Stats, events: &[&Event], what: &str) {
    let signed = |v: Option<u64>| v.map(|v| v as i64);
    let count = |which: fn(&Event) -> bool| events.iter().filter(|e| which(e)).count() as u64;
    assert_eq!(got.calls, events.len() as u64, "{what}: calls");
    assert_eq!(got.errors, count(Event::is_error), "{what}: errors");
    assert_eq!(got.rate_limited, count(|e| e.failure == Some("rate_limit")), "{what}: rate limited");
    assert_eq!(got.unpriced_calls, count(|e| e.cost_nusd.is_none()), "{what}: unpriced");
    assert_eq!(got.retries, sum(events, |e| signed(e.retries)), "{what}: retries");
    assert_eq!(got.input_tokens, sum(events, |e| signed(e.input_tokens)), "{what}: input tokens");
    assert_eq!(got.output_tokens, sum(events, |e| signed(e.output_tokens)), "{what}: output tokens");
    assert_eq!(got.cost_nusd, sum(events, |e| e.cost_nusd), "{what}: cost");
    let latency = values(events, |e| e.latency_us);
    assert_eq!(got.latency_us.count, latency.len() as u64, "{what}: latencies");
    assert_eq!(got.latency_us.max, latency.last().map(|v| *v as f64), "{what}: longest");
}

/// The value of a dimension, by its word.
pub fn dim(e: &Event, word: &str) -> Option<String> {
    match word {
        "model" => e.model.clone(),
        "provider" => e.provider.clone(),
        "operation" => e.operation.clone(),
        "user" => e.user.clone(),
        "session" => e.session.clone(),
        "host" => e.host.clone(),
        "app" => e.app.clone(),
        "environment" => e.environment.clone(),
        "variant" => e.variant.clone(),
        "error" => e.failure.map(str::to_owned),
        "status" => Some(if e.is_error() { "error" } else { "ok" }.to_owned()),
        "source" => Some(e.source.to_owned()),
        "hour" => Some(llmtop::units::rfc3339(e.ts_us)[..13].to_owned() + ":00:00Z"),
        "day" => Some(llmtop::units::rfc3339(e.ts_us)[..10].to_owned()),
        _ => panic!("no dimension {word}"),
    }
}

/// The groups there should be.
pub fn groups<'e>(events: &[&'e Event], name: &str) -> BTreeMap<Vec<Option<String>>, Vec<&'e Event>> {
    let mut groups: BTreeMap<_, Vec<&Event>> = BTreeMap::new();
    for e in events {
        if !name.split(',').any(|word| word == "error") || e.is_error() {
            groups.entry(name.split(',').map(|word| dim(e, word)).collect()).or_default().push(e);
        }
    }
    groups
}

/// Compares a table with the groups there should be, those of the window before beside them.
pub fn check_table(table: &Table, events: &[&Event], before: &[&Event], what: &str) {
    let name = table.grouping.name();
    let (mut want, before) = (groups(events, &name), groups(before, &name));
    assert_eq!(table.total, want.len(), "{what}: groups of {name}");
    let order: Vec<_> = table.groups.iter().map(|g| (std::cmp::Reverse(g.stats.calls), g.key.clone())).collect();
    assert!(order.is_sorted(), "{what}: order of {name}: {order:?}");
    for group in &table.groups {
        let what = format!("{what}: {name} {:?}", group.key);
        check_stats(&group.stats, &want.remove(&group.key).unwrap_or_default(), &what);
        check_stats(&group.previous, before.get(&group.key).map_or(&[], Vec::as_slice), &format!("{what} before"));
    }
    assert!(want.is_empty(), "{what}: missing {name}: {:?}", want.keys());
}

/// Compares everything an answer says with the calls that a predicate lets through.
pub fn check(snapshot: &Snapshot, events: &[Event], passes: &dyn Fn(&Event) -> bool) {
    let range = snapshot.range;
    let within = |from: i64, to: i64| -> Vec<&Event> {
        events.iter().filter(|e| from <= e.ts_us && e.ts_us < to && passes(e)).collect()
    };
    let what = format!("{:?} {}..{}", snapshot.view.filter.to_string(), range.since_us, range.until_us);
    let now = within(range.since_us, range.until_us);
    let previous = match snapshot.view.window.span {
        llmtop::view::Span::All => Vec::new(),
        llmtop::view::Span::Micros(us) => within(range.since_us.saturating_sub(us), range.since_us),
    };
    check_stats(&snapshot.totals, &now, &what);
    check_stats(&snapshot.previous, &previous, &format!("{what} before"));
    for table in &snapshot.tables {
        check_table(table, &now, &previous, &what);
    }
    if !snapshot.view.filter.is_empty() {
        let all = events.iter().filter(|e| range.contains(e.ts_us)).count() as u64;
        assert_eq!(snapshot.unfiltered_calls, Some(all), "{what}: without the filter");
    }
    for point in &snapshot.chart.points {
        let (from, to) = (point.range.since_us.max(range.since_us), point.range.until_us.min(range.until_us));
        let calls = within(from, to);
        let what = format!("{what}: point {from}..{to}");
        assert_eq!(point.calls, calls.len() as u64, "{what}");
        assert_eq!(point.outcomes.iter().sum::<u64>(), point.calls, "{what}: outcomes");
        check_dist(&point.latency_us, &values(&calls, |e| e.latency_us), 1.0, &what);
        check_dist(&point.ttft_us, &values(&calls, |e| e.ttft_us), 1.0, &what);
        assert_eq!(point.cost_nusd, sum(&calls, |e| e.cost_nusd), "{what}: cost");
    }
    if !snapshot.chart.points.is_empty() {
        assert_eq!(snapshot.chart.points.iter().map(|p| p.calls).sum::<u64>(), now.len() as u64, "{what}: chart");
    }
    check_group_points(snapshot, &now, &what);
    check_latencies(snapshot, &now, &what);
    check_failures(snapshot, (&now, &previous), events, &what);
    if snapshot.holdings.folded_series == 0 {
        check_changes(snapshot, [&previous, &now], &what);
    }
    let mut newest: Vec<i64> = now.iter().map(|e| e.ts_us).collect();
    newest.reverse();
    newest.truncate(snapshot.view.sections.records);
    assert_eq!(snapshot.records.iter().map(|r| r.ts_us).collect::<Vec<_>>(), newest, "{what}: records");
}

/// The charts of the first groups of the first table are those of their calls.
fn check_group_points(snapshot: &Snapshot, now: &[&Event], what: &str) {
    let Some(table) = snapshot.tables.first().filter(|_| snapshot.chart.step_us > 0) else { return };
    let groups = groups(now, &table.grouping.name());
    for group in table.groups.iter().take(snapshot.view.sections.group_points) {
        let what = format!("{what}: chart of {:?}", group.key);
        assert!(group.points.len() <= snapshot.chart.points.len(), "{what}");
        for point in &group.points {
            let calls = groups[&group.key].iter().filter(|e| point.range.contains(e.ts_us)).count();
            assert_eq!(point.calls, calls as u64, "{what} at {}", point.range.since_us);
        }
    }
}

/// The distribution and the heat map hold every latency once.
fn check_latencies(snapshot: &Snapshot, now: &[&Event], what: &str) {
    let latencies = values(now, |e| e.latency_us).len() as u64;
    if let Some(distribution) = &snapshot.distribution {
        assert_eq!(distribution.filled().map(|(_, n)| n).sum::<u64>(), latencies, "{what}: distribution");
    }
    if snapshot.view.sections.heat && !snapshot.chart.points.is_empty() {
        let heat = snapshot.chart.points.iter().flat_map(|p| &p.heat).map(|(_, n)| n).sum::<u64>();
        assert_eq!(heat, latencies, "{what}: heat");
    }
}

/// What changed against a loop over all calls of this window and the one before: the figures, and of each cause the calls.
fn check_changes(snapshot: &Snapshot, sides: [&[&Event]; 2], what: &str) {
    for change in snapshot.changes.list() {
        let what = format!("{what}: {change:?}");
        assert_eq!(change.calls, sides.map(|calls| calls.len() as u64), "{what}");
        let rate = |calls: &[&Event]| calls.iter().filter(|e| e.is_error()).count() as f64 / calls.len() as f64;
        if change.figure == Figure::ErrorRate {
            assert_eq!([change.before, change.now], sides.map(rate), "{what}");
        }
        for cause in &change.causes {
            let of_calls = |dim: Dim| change.figure != Figure::ErrorRate || dim != Dim::Error;
            let pairs: Vec<_> = cause.pairs.iter().filter(|(dim, _)| of_calls(*dim)).collect();
            let by = pairs.iter().map(|(dim, _)| dim.word()).collect::<Vec<_>>().join(",");
            let key: Vec<Option<String>> = pairs.iter().map(|(_, value)| value.clone()).collect();
            for (standing, calls) in [cause.before, cause.now].iter().zip(sides) {
                let want = if by.is_empty() { calls.len() } else { groups(calls, &by).get(&key).map_or(0, Vec::len) };
                assert_eq!(standing.calls, want as u64, "{what}: {by}");
            }
        }
    }
}

/// All clusters against a loop over all calls of this window, of the one before, and of all.
fn check_clusters(snapshot: &Snapshot, now: &[&Event], before: &[&Event], all: &[Event], what: &str) {
    for cluster in &snapshot.clusters.list {
        let mode = cluster.mode.word();
        let what = format!("{what}: {mode} {:?}", cluster.template);
        let is_it =
            |e: &&Event| e.failure == Some(mode) && e.said().map(template).unwrap_or_default() == cluster.template;
        let calls: Vec<&Event> = now.iter().copied().filter(is_it).collect();
        assert_eq!(cluster.calls, calls.len() as u64, "{what}");
        let previous = before.iter().copied().filter(is_it).count() as u64;
        assert!(
            cluster.previous.is_none_or(|n| n == previous),
            "{what}: {:?} before, not {previous}",
            cluster.previous
        );
        let times = || calls.iter().map(|e| e.ts_us);
        assert_eq!((Some(cluster.first_us), Some(cluster.last_us)), (times().min(), times().max()), "{what}");
        let of_text =
            |e: &&Event| e.failure.is_some() && e.said().map(template).unwrap_or_default() == cluster.template;
        let ever = all.iter().filter(of_text).map(|e| e.ts_us).min();
        assert_eq!(Some(cluster.ever_us), ever, "{what}: first ever");
        let users = groups(&calls, "user").keys().filter(|k| k[0].is_some()).count() as u64;
        assert_eq!(cluster.users, (users > 0).then_some(users), "{what}: users");
        let trend: u64 = cluster.trend.iter().sum();
        assert!(cluster.trend.is_empty() || trend == cluster.calls, "{what}: trend");
    }
}

fn check_failures(snapshot: &Snapshot, (now, before): (&[&Event], &[&Event]), all: &[Event], what: &str) {
    if !snapshot.view.sections.failures {
        return;
    }
    let want = groups(now, "error");
    assert_eq!(snapshot.failures.len(), want.len(), "{what}: failure modes");
    for failure in &snapshot.failures {
        let calls = &want[&vec![Some(failure.mode.word().to_owned())]];
        let times = || calls.iter().map(|e| e.ts_us);
        assert_eq!(failure.calls, calls.len() as u64, "{what}: {:?}", failure.mode);
        assert_eq!((failure.first_us, failure.last_us), (times().min(), times().max()), "{what}: {:?}", failure.mode);
        let models = groups(calls, "model");
        let named = models.iter().filter_map(|(k, v)| Some((k[0].clone()?, v.len() as u64)));
        let mut named: Vec<(String, u64)> = named.collect();
        named.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        named.truncate(5);
        // Models that share a lane are not told apart.
        if snapshot.holdings.folded_series == 0 {
            assert_eq!(failure.models, named, "{what}: models of {:?}", failure.mode);
        }
        let users = groups(calls, "user").keys().filter(|k| k[0].is_some()).count() as u64;
        assert_eq!(failure.users, (users > 0).then_some(users), "{what}: users of {:?}", failure.mode);
    }
    if snapshot.view.sections.clusters > 0 {
        let failed = want.values().map(Vec::len).sum::<usize>() as u64;
        assert_eq!(snapshot.clusters.list.iter().map(|c| c.calls).sum::<u64>(), failed, "{what}: clusters");
        assert_eq!((snapshot.clusters.read, snapshot.clusters.partial), (failed, false), "{what}: clusters");
        check_clusters(snapshot, now, before, all, what);
    }
    let newest = snapshot.errors.iter().map(|r| r.ts_us);
    let mut want: Vec<i64> = now.iter().filter(|e| e.is_error()).map(|e| e.ts_us).collect();
    want.reverse();
    want.truncate(snapshot.view.sections.errors);
    assert_eq!(newest.collect::<Vec<_>>(), want, "{what}: newest errors");
}

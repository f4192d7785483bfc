//! Worlds for the screens: snapshots built from made-up calls through the same accumulators as the store's, the same at
//! every run. A typical afternoon with an incident, an empty store, and a hostile one.

#![allow(dead_code)] // each test uses a part

mod limits;
pub mod money;
pub mod quality;
pub mod traces;
mod trials;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use llmtop::event::{Call, FailureMode, Outcome, Reason};
use llmtop::snapshot::{
    Accounting, Changes, Chart, Cluster, Clusters, Failure, Group, Holdings, Point, Record, Rejected, Skipped,
    Snapshot, SourceInfo, Stats, Table,
};
use llmtop::stats::acc::{Acc, Sample};
use llmtop::stats::changes::{Cell, Cube, changes};
use llmtop::stats::histogram::Histogram;
use llmtop::stats::template::template;
use llmtop::tui::keys::lookup;
use llmtop::tui::{Effect, Feed, Live, Ui};
use llmtop::units::Zone;
use llmtop::view::{Anchor, Dim, Filter, Grouping, Range, RecordKey, View, Window};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use std::collections::BTreeMap;
use std::sync::OnceLock;

/// 2026-05-01T14:17:00Z, µs.
pub const NOW: i64 = 1_777_645_020_000_000;
const SECOND: i64 = 1_000_000;

/// A small generator of even numbers (SplitMix64).
pub struct Random(pub u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// A number with the given median, most within a factor of `spread`.
    fn around(&mut self, median: f64, spread: f64) -> f64 {
        let normal = (0..6).map(|_| self.unit()).sum::<f64>() - 3.0;
        median * spread.powf(normal)
    }
}

struct Model {
    name: &'static str,
    provider: &'static str,
    weight: f64,
    latency_ms: f64,
    ttft_ms: f64,
    tokens: (f64, f64),
    /// Nano-dollars for an input and an output token.
    price: Option<(f64, f64)>,
}

const MODELS: [Model; 7] = [
    model("gpt-4.1", "openai", 0.24, 1_900.0, 520.0, (1_400.0, 220.0), Some((2_000.0, 8_000.0))),
    model("gpt-4.1-mini", "openai", 0.22, 820.0, 260.0, (900.0, 140.0), Some((400.0, 1_600.0))),
    model("claude-sonnet-4-5", "anthropic", 0.20, 2_400.0, 690.0, (2_600.0, 310.0), Some((3_000.0, 15_000.0))),
    model("claude-haiku-4-5", "anthropic", 0.12, 900.0, 310.0, (1_200.0, 160.0), Some((1_000.0, 5_000.0))),
    model("gemini-2.5-flash", "google", 0.12, 760.0, 240.0, (1_900.0, 180.0), Some((300.0, 2_500.0))),
    model("text-embedding-3-small", "openai", 0.099, 95.0, 0.0, (310.0, 0.0), Some((20.0, 0.0))),
    model("qwen3-32b-local", "vllm", 0.001, 3_900.0, 900.0, (800.0, 400.0), None),
];

const fn model(
    name: &'static str,
    provider: &'static str,
    weight: f64,
    latency_ms: f64,
    ttft_ms: f64,
    tokens: (f64, f64),
    price: Option<(f64, f64)>,
) -> Model {
    Model { name, provider, weight, latency_ms, ttft_ms, tokens, price }
}

/// One made-up call.
#[derive(Clone)]
struct Made {
    ts_us: i64,
    model: usize,
    user: usize,
    sample: Sample,
}

fn outcome(random: &mut Random, model: usize, late: f64, current: bool) -> Outcome {
    let dice = random.unit();
    let timeouts = if model == 0 && current && late > 0.6 { 0.12 } else { 0.001 };
    let limits = if model == 2 { 0.022 } else { 0.002 };
    match dice {
        d if d < timeouts => Outcome::Failed(FailureMode::Timeout),
        d if d < timeouts + limits => Outcome::Failed(FailureMode::RateLimit),
        d if d < timeouts + limits + 0.002 => Outcome::Failed(FailureMode::ServerError),
        d if d < timeouts + limits + 0.003 => Outcome::Failed(FailureMode::ContentFilter),
        _ => Outcome::Ok,
    }
}

fn make(random: &mut Random, range: Range, count: usize, current: bool) -> Vec<Made> {
    let mut out: Vec<Made> = (0..count)
        .map(|_| {
            let late = random.unit();
            let ts_us = range.since_us + (late * range.len_us() as f64) as i64;
            let mut pick = random.unit();
            let number = MODELS.iter().position(|m| {
                pick -= m.weight;
                pick < 0.0
            });
            let number = number.unwrap_or(0);
            let model = &MODELS[number];
            let slow = if number == 0 && current && late > 0.55 { 1.0 + 2.8 * (late - 0.55) / 0.45 } else { 1.0 };
            let outcome = outcome(random, number, late, current);
            let latency = match outcome {
                Outcome::Failed(FailureMode::Timeout) => 30_000.0,
                Outcome::Failed(FailureMode::RateLimit) => random.around(110.0, 1.5),
                _ => random.around(model.latency_ms * slow, 1.9),
            };
            let ok = outcome == Outcome::Ok;
            let ttft = (model.ttft_ms > 0.0 && ok).then(|| random.around(model.ttft_ms, 1.6).min(latency));
            let tokens = (random.around(model.tokens.0, 2.0) as u64, random.around(model.tokens.1, 2.0) as u64);
            let cost = model.price.map(|(i, o)| (tokens.0 as f64 * i + tokens.1 as f64 * o) as i64);
            let micros = |ms: f64| (ms * 1_000.0) as u64;
            Made {
                ts_us,
                model: number,
                user: (random.unit() * random.unit() * 300.0) as usize,
                sample: Sample {
                    outcome,
                    retries: Some(u32::from(outcome == Outcome::Failed(FailureMode::RateLimit)) * 2),
                    input_tokens: ok.then_some(tokens.0),
                    output_tokens: ok.then_some(tokens.1),
                    cached_input_tokens: ok.then_some(tokens.0 / 3),
                    latency_us: Some(micros(latency)),
                    ttft_us: ttft.map(micros),
                    queue_us: ttft.map(|t| micros(t * 0.06)),
                    network_us: ttft.map(|t| micros(t * 0.11)),
                    cost_nusd: if ok { cost } else { model.price.map(|_| 0) },
                    cache_saved_nusd: model.price.filter(|_| ok).map(|(i, _)| (tokens.0 as f64 / 3.0 * i * 0.9) as i64),
                    truncated: ok && ts_us % 61 == 0,
                    ..Sample::default()
                },
            }
        })
        .collect();
    out.sort_by_key(|m| m.ts_us);
    out
}

fn acc<'a>(calls: impl Iterator<Item = &'a Made>) -> Acc {
    let mut acc = Acc::default();
    calls.for_each(|m| acc.record(&m.sample));
    acc
}

fn points(calls: &[Made], range: Range, count: usize) -> Vec<Point> {
    let step = range.len_us() / count.max(1) as i64;
    (0..count as i64)
        .map(|i| {
            let range = Range { since_us: range.since_us + i * step, until_us: range.since_us + (i + 1) * step };
            let from = calls.partition_point(|m| m.ts_us < range.since_us);
            let to = calls.partition_point(|m| m.ts_us < range.until_us);
            let acc = acc(calls[from..to].iter());
            let stats = Stats::of(&acc);
            Point {
                range,
                calls: stats.calls,
                outcomes: stats.outcomes,
                retries: stats.retries,
                input_tokens: stats.input_tokens,
                output_tokens: stats.output_tokens,
                cost_nusd: stats.cost_nusd,
                latency_us: stats.latency_us,
                ttft_us: stats.ttft_us,
                heat: acc.latency.filled().collect(),
            }
        })
        .collect()
}

fn key_of(made: &Made, dim: Dim) -> Option<String> {
    let model = &MODELS[made.model];
    match dim {
        Dim::Model => Some(model.name.to_owned()),
        Dim::Provider => Some(model.provider.to_owned()),
        Dim::User => (made.user > 0).then(|| format!("u_{}", made.user)),
        Dim::Session => Some(format!("s_{:04x}", made.user * 37 + made.model)),
        Dim::Error => made.sample.outcome.failure().map(|mode| mode.word().to_owned()),
        Dim::App => Some(if made.model == 5 { "indexer" } else { "support-chat" }.to_owned()),
        _ => None,
    }
}

/// The chart of a group, as if its share were the same all the time.
fn shares(all: &[Point], group: &Acc) -> Vec<Point> {
    let whole: i64 = all.iter().filter_map(|p| p.cost_nusd).sum();
    let share = Stats::of(group).cost_nusd.unwrap_or(0) as f64 / whole.max(1) as f64;
    let cost = |p: &Point| p.cost_nusd.map(|n| (n as f64 * share) as i64);
    all.iter().map(|p| Point { range: p.range, calls: p.calls / 5, cost_nusd: cost(p), ..Point::default() }).collect()
}

fn table(now: &[Made], before: &[Made], grouping: &Grouping, all: &[Point]) -> Table {
    let key = |m: &Made| -> Vec<Option<String>> { grouping.dims.iter().map(|d| key_of(m, *d)).collect() };
    let mut accs: BTreeMap<Vec<Option<String>>, (Acc, Acc)> = BTreeMap::new();
    now.iter().for_each(|m| accs.entry(key(m)).or_default().0.record(&m.sample));
    before.iter().for_each(|m| {
        accs.get_mut(&key(m)).into_iter().for_each(|a| a.1.record(&m.sample));
    });
    let errors = grouping.dims == [Dim::Error];
    let mut groups: Vec<Group> = accs
        .into_iter()
        .filter(|(key, _)| !errors || key[0].is_some())
        .map(|(key, (now, before))| Group {
            key,
            stats: Stats::of(&now),
            previous: Stats::of(&before),
            points: shares(all, &now),
        })
        .collect();
    groups.sort_by_key(|g| std::cmp::Reverse(g.stats.calls));
    let total = groups.len();
    groups.truncate(grouping.top.unwrap_or(usize::MAX));
    Table { grouping: grouping.clone(), groups, total }
}

fn message(mode: FailureMode, made: &Made) -> String {
    match mode {
        FailureMode::Timeout => "upstream gave no first byte within 30 s".to_owned(),
        FailureMode::RateLimit => format!(
            "Rate limit reached for {} on tokens per min (TPM): Limit 450000, Used 449{:03}, Requested 2611",
            MODELS[made.model].name, made.user
        ),
        FailureMode::ServerError => "The server had an error while processing your request".to_owned(),
        _ => "The response was filtered due to the prompt triggering content management policy".to_owned(),
    }
}

fn record(made: &Made, id: i64) -> Record {
    let model = &MODELS[made.model];
    let s = &made.sample;
    let failure = s.outcome.failure();
    let text = |t: String| Some(t.into());
    let call = Call {
        ts_us: Some(made.ts_us),
        request_id: text(format!("req_{id:08x}")),
        trace_id: text(format!("{:016x}", id * 7_919)),
        user_id: key_of(made, Dim::User).map(Into::into),
        session_id: key_of(made, Dim::Session).map(Into::into),
        app: key_of(made, Dim::App).map(Into::into),
        environment: text("prod".to_owned()),
        host: text("api-3".to_owned()),
        model: text(model.name.to_owned()),
        provider: text(model.provider.to_owned()),
        operation: text("chat".to_owned()),
        input_tokens: s.input_tokens,
        output_tokens: s.output_tokens,
        cached_input_tokens: s.cached_input_tokens,
        latency_us: s.latency_us,
        ttft_us: s.ttft_us,
        queue_us: s.queue_us,
        network_us: s.network_us,
        cost_nusd: s.cost_nusd,
        outcome: s.outcome,
        http_status: Some(match failure {
            None => 200,
            Some(FailureMode::RateLimit) => 429,
            Some(FailureMode::Timeout) => 504,
            Some(FailureMode::ContentFilter) => 400,
            Some(_) => 500,
        }),
        error_type: failure.map(|f| f.word().into()),
        error_message: failure.map(|f| message(f, made).into()),
        retry_after_us: (failure == Some(FailureMode::RateLimit)).then_some(12_000_000),
        retries: s.retries,
        finish_reason: failure.is_none().then(|| "stop".into()),
        stream: Some(true),
        prompt_preview: text("Where is my parcel? It was due on Tuesday and the tracking page …".to_owned()),
        prompt: text(
            "[{\"role\":\"user\",\"content\":\"Where is my parcel? It was due on Tuesday and the tracking page shows \
             nothing.\"}]"
                .to_owned(),
        ),
        response: failure.is_none().then(|| "It left the depot this morning.\nYou should have it by noon.".into()),
        ..Call::default()
    };
    Record {
        ts_us: made.ts_us,
        id,
        source: Some("prod-api.jsonl".to_owned()),
        cost_nusd: call.cost_nusd,
        call,
        text_expired: false,
        bill: None,
    }
}

fn failures(now: &[Made], before: &[Made], range: Range, steps: usize) -> Vec<Failure> {
    let of = |calls: &[Made], mode| -> Vec<Made> {
        calls.iter().filter(|m| m.sample.outcome == Outcome::Failed(mode)).cloned().collect()
    };
    let mut out: Vec<Failure> = FailureMode::ALL
        .into_iter()
        .filter_map(|mode| {
            let (calls, old) = (of(now, mode), of(before, mode));
            let newest = calls.last()?;
            let mut models: Vec<(String, u64)> = MODELS
                .iter()
                .enumerate()
                .map(|(i, m)| (m.name.to_owned(), calls.iter().filter(|c| c.model == i).count() as u64))
                .filter(|(_, n)| *n > 0)
                .collect();
            models.sort_by_key(|(_, n)| std::cmp::Reverse(*n));
            let mut users: Vec<usize> = calls.iter().map(|c| c.user).collect();
            users.sort_unstable();
            users.dedup();
            Some(Failure {
                mode,
                calls: calls.len() as u64,
                // The timeouts are this window's incident.
                previous: if mode == FailureMode::Timeout { 0 } else { old.len() as u64 },
                first_us: calls.first().map(|c| c.ts_us),
                last_us: Some(newest.ts_us),
                trend: points(&calls, range, steps).iter().map(|p| p.calls).collect(),
                models,
                users: Some(users.len() as u64),
                error_types: vec![(mode.word().to_owned() + "_error", calls.len() as u64)],
                example: Some(message(mode, newest)),
                example_key: Some(RecordKey { ts_us: newest.ts_us, id: 1 }),
                retry_after_us: (mode == FailureMode::RateLimit).then_some(12_000_000),
                partial: false,
            })
        })
        .collect();
    out.sort_by_key(|f| std::cmp::Reverse(f.calls));
    out
}

fn clusters(failures: &[Failure]) -> Clusters {
    let provider = |name: &str| MODELS.iter().find(|m| m.name == name).map_or("", |m| m.provider);
    let list = failures.iter().map(|f| Cluster {
        template: template(f.example.as_deref().unwrap_or_default()),
        templates: vec![template(f.example.as_deref().unwrap_or_default())],
        mode: f.mode,
        calls: f.calls,
        previous: Some(f.previous),
        first_us: f.first_us.unwrap_or(0),
        last_us: f.last_us.unwrap_or(0),
        ever_us: f.first_us.filter(|_| f.previous == 0).unwrap_or(NOW - 50 * 3_600 * SECOND),
        trend: f.trend.clone(),
        models: f.models.clone(),
        providers: f.models.first().map(|(name, n)| (provider(name).to_owned(), *n)).into_iter().collect(),
        variants: Vec::new(),
        users: f.users,
        example: f.example.clone().unwrap_or_default(),
        example_key: RecordKey { ts_us: f.last_us.unwrap_or(0), id: 1 },
    });
    let read = failures.iter().map(|f| f.calls).sum();
    Clusters { list: list.collect(), total: failures.len(), read, partial: false }
}

/// What changed between two lists of calls, as the store finds it.
fn changed(now: &[Made], before: &[Made]) -> Changes {
    let dims = vec![Dim::Model, Dim::Provider, Dim::App, Dim::Error];
    let mut accs: BTreeMap<Vec<Option<String>>, [Acc; 2]> = BTreeMap::new();
    for (side, calls) in [before, now].into_iter().enumerate() {
        for made in calls {
            let key = dims.iter().map(|dim| key_of(made, *dim)).collect();
            accs.entry(key).or_default()[side].record(&made.sample);
        }
    }
    let cells = accs.iter().map(|(key, accs)| Cell { key, sides: [Some(&accs[0]), Some(&accs[1])] }).collect();
    Changes::Told { list: changes(&[Cube { dims, cells }], Some(0.25)), is_whole: true }
}

/// A screen in UTC of the last fifteen minutes.
pub fn ui(pane: &str, size: (u16, u16)) -> Ui {
    let mut ui = Ui::new(Window::last(900 * SECOND, Anchor::Auto), Filter::default());
    ui.pane = Ui::pane_named(pane).expect("a pane of that name");
    ui.zone = Zone::Utc;
    ui.resize(size.0, size.1);
    ui
}

/// The calls before, and those of the window.
fn afternoon() -> &'static (Vec<Made>, Vec<Made>) {
    static CALLS: OnceLock<(Vec<Made>, Vec<Made>)> = OnceLock::new();
    CALLS.get_or_init(|| {
        let range = Range { since_us: NOW - 900 * SECOND, until_us: NOW };
        let mut random = Random(42);
        let before = make(&mut random, range.previous(), 6_000, false);
        (before, make(&mut random, range, 6_400, true))
    })
}

/// What a store with a typical afternoon answers to a view.
pub fn typical(view: &View) -> Snapshot {
    let range = Range { since_us: NOW - 900 * SECOND, until_us: NOW };
    let (before, now) = afternoon();
    let sections = &view.sections;
    let whole = acc(now.iter());
    let old = acc(before.iter());
    let steps = sections.points;
    let chart = match steps {
        0 => Chart::default(),
        n => Chart {
            step_us: range.len_us() / n as i64,
            points: points(now, range, n),
            previous: points(before, range.previous(), n),
        },
    };
    let few = points(now, range, 12);
    let failures = failures(now, before, range, 20);
    let newest = || now.iter().rev().enumerate().map(|(i, m)| record(m, 1_000_000 - i as i64));
    Snapshot {
        range,
        accounting: typical_accounting(),
        holdings: typical_holdings(),
        totals: Stats::of(&whole),
        previous: Stats::of(&old),
        distribution: sections.distribution.then(|| whole.latency.clone()),
        previous_distribution: sections.distribution.then(|| old.latency.clone()),
        chart,
        tables: view.groupings.iter().map(|g| table(now, before, g, &few)).collect(),
        clusters: if sections.clusters > 0 { clusters(&failures) } else { Clusters::default() },
        failures: if sections.failures { failures } else { Vec::new() },
        errors: newest().filter(|r| r.call.outcome.is_error()).take(sections.errors).collect(),
        records: newest().take(sections.records).collect(),
        quality: sections.quality.then(|| Box::new(quality::typical())),
        changes: if sections.changes { changed(now, before) } else { Changes::NotAsked },
        headroom: if sections.headroom { limits::headroom() } else { Vec::new() },
        traces: traces::list(view),
        experiments: if sections.experiments > 0 { trials::typical() } else { Vec::new() },
        ..Snapshot::empty(view.clone(), NOW)
    }
}

fn typical_accounting() -> Accounting {
    let rejected = |reason, offset, snippet: &str| Rejected {
        source: "prod-api.jsonl".to_owned(),
        offset,
        reason,
        snippet: snippet.to_owned(),
    };
    Accounting {
        read: 1_204_118,
        accepted: 1_203_901,
        duplicate: 45,
        skipped: 160,
        rejected: 12,
        reasons: vec![(Reason::InvalidJson, 10), (Reason::BadTimestamp, 2)],
        examples: vec![
            rejected(Reason::InvalidJson, 8_812_204, "{\"event\":\"llm_call\",\"model\":\"gpt-4.1\",\"inp"),
            rejected(Reason::BadTimestamp, 90_100_455, "{\"event\":\"llm_call\",\"timestamp\":\"yesterday\"}"),
        ],
        skipped_like: Some(Skipped {
            source: "prod-api.jsonl".to_owned(),
            offset: 512,
            shape: "{\"msg\",\"level\"}".to_owned(),
        }),
        future: 0,
        unpriced: 61,
    }
}

fn typical_holdings() -> Holdings {
    let source = |name: &str, read, bytes| SourceInfo { name: name.to_owned(), read, accepted: read - 70, bytes };
    Holdings {
        calls: 1_203_901,
        bounds: Some((NOW - 3 * 86_400 * SECOND, NOW - 200_000)),
        sources: vec![
            source("prod-api.jsonl", 804_118, 438_000_000),
            source("prod-api.jsonl.1.gz", 300_000, 163_000_000),
            source("worker.jsonl", 100_000, 54_000_000),
        ],
        folded_series: 0,
    }
}

/// An empty store.
pub fn empty(view: &View) -> Snapshot {
    Snapshot::empty(view.clone(), NOW)
}

/// Names and messages made to break a terminal or a layout.
pub const HOSTILE: [&str; 6] = [
    "\u{1b}[31mred\u{1b}]0;title\u{7}\u{1b}[2J",
    "\u{9b}31m\u{90}q\u{9c}\u{85}x\0y",
    "user\u{202e}nimda\u{2066}\u{200b}\u{feff}",
    "模型名称很长很长很长很长很长很长很长很长很长",
    "👩‍👩‍👧‍👦🏳️‍🌈👨🏽‍🚀e\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}",
    "tab\tnew\nline\r\u{2028}",
];

/// The typical store with every name and text replaced by something hostile, and numbers at their limits.
pub fn hostile(view: &View) -> Snapshot {
    let mut snapshot = typical(view);
    let long = "n".repeat(10_000);
    let name = |i: usize| HOSTILE.get(i % 7).map_or_else(|| long.clone(), |s| (*s).to_owned());
    for table in &mut snapshot.tables {
        for (i, group) in table.groups.iter_mut().enumerate() {
            group.key.iter_mut().for_each(|k| *k = Some(name(i)));
            group.stats.calls = u64::MAX >> i;
            group.stats.cost_nusd = Some(i64::MAX >> i);
            group.stats.input_tokens = Some(i64::MIN);
        }
    }
    for (i, failure) in snapshot.failures.iter_mut().enumerate() {
        failure.models = vec![(name(i), 3), (name(i + 1), 1)];
        failure.error_types = vec![(name(i + 2), 2)];
        failure.example = Some(name(i + 3));
        (failure.first_us, failure.last_us) = (Some(i64::MIN), Some(i64::MAX));
    }
    for (i, cluster) in snapshot.clusters.list.iter_mut().enumerate() {
        (cluster.template, cluster.example) = (name(i), name(i));
        (cluster.providers, cluster.variants) = (vec![(name(i + 1), 1)], vec![(name(i + 2), 1), (name(i), 1)]);
        (cluster.ever_us, cluster.previous) = (i64::MIN, Some(u64::MAX >> i));
    }
    if let Changes::Told { list, .. } = &mut snapshot.changes {
        for (i, change) in list.iter_mut().enumerate() {
            (change.before, change.now) = (0.0, f64::MAX);
            for cause in &mut change.causes {
                cause.explains = f64::INFINITY;
                (cause.before.share, cause.now.value) = (f64::NAN, Some(f64::INFINITY));
                cause.pairs.iter_mut().for_each(|(_, value)| *value = Some(name(i)));
            }
        }
    }
    for (i, record) in snapshot.errors.iter_mut().chain(&mut snapshot.records).enumerate() {
        let call = &mut record.call;
        for text in [&mut call.model, &mut call.user_id, &mut call.app, &mut call.trace_id, &mut call.error_message] {
            *text = Some(name(i).into());
        }
        call.prompt = Some(name(i + 1).into());
        call.latency_us = Some(u64::MAX >> (i % 64));
        call.cost_nusd = Some(i64::MIN >> (i % 64));
        record.cost_nusd = call.cost_nusd;
    }
    for (i, source) in snapshot.holdings.sources.iter_mut().enumerate() {
        source.name = name(i);
    }
    for (i, example) in snapshot.accounting.examples.iter_mut().enumerate() {
        (example.source, example.snippet) = (name(i), name(i + 1));
    }
    snapshot.quality = snapshot.quality.map(|_| Box::new(quality::hostile()));
    snapshot.traces = traces::hostile_list(view);
    if !snapshot.headroom.is_empty() {
        snapshot.headroom = limits::hostile();
    }
    if !snapshot.experiments.is_empty() {
        snapshot.experiments = trials::hostile();
    }
    snapshot.accounting.read = u64::MAX;
    snapshot.totals.cost_nusd = Some(i64::MAX);
    snapshot.totals.input_tokens = Some(i64::MAX);
    snapshot.totals.output_tokens = Some(i64::MAX);
    let mut hist = Histogram::default();
    [0, 1, u64::MAX].into_iter().for_each(|v| hist.record(v));
    snapshot.distribution = snapshot.distribution.map(|_| hist);
    snapshot
}

/// A feed that is live and well.
pub fn live() -> Live {
    Live { source: "prod-api.jsonl +2".to_owned(), feed: Feed::Live, ..Live::default() }
}

/// The frame as a buffer.
pub fn buffer(snapshot: &Snapshot, live: &Live, ui: &Ui) -> Buffer {
    let mut buffer = Buffer::empty(Rect::new(0, 0, ui.size.0, ui.size.1));
    llmtop::tui::paint(&mut buffer, snapshot, live, ui);
    buffer
}

/// The frame as text, trailing space cut off.
pub fn text(buffer: &Buffer) -> String {
    let area = buffer.area;
    let mut out = String::new();
    for y in 0..area.height {
        let mut row = String::new();
        let mut x = 0;
        while x < area.width {
            let symbol = buffer[(x, y)].symbol();
            row.push_str(symbol);
            // The cell behind a wide character holds nothing of its own.
            x += unicode_width::UnicodeWidthStr::width(symbol).max(1) as u16;
        }
        out.push_str(row.trim_end());
        out.push('\n');
    }
    out
}

/// Presses keys, one after another between spaces; what the last one comes to.
pub fn press(ui: &mut Ui, snapshot: &Snapshot, keys: &str) -> Effect {
    let mut effect = Effect::None;
    for key in keys.split(' ') {
        let code = match key {
            "Enter" => KeyCode::Enter,
            "Esc" => KeyCode::Esc,
            "Tab" => KeyCode::Tab,
            "Left" => KeyCode::Left,
            "Right" => KeyCode::Right,
            "Down" => KeyCode::Down,
            "PgDn" => KeyCode::PageDown,
            "PgUp" => KeyCode::PageUp,
            "Back" => KeyCode::Backspace,
            "Space" => KeyCode::Char(' '),
            one => KeyCode::Char(one.chars().next().expect("a key")),
        };
        let action = lookup(ui.context(), KeyEvent::new(code, KeyModifiers::NONE));
        effect = action.map_or(Effect::None, |action| ui.update(action, snapshot));
    }
    effect
}

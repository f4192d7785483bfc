//! The gateway's figures for Prometheus, under the names of OpenTelemetry GenAI where there are any. The number of series is
//! bounded: past it, new models are `other`.

use super::clock::micros;
use super::record::Record;
use crate::event::Outcome;
use std::collections::{HashMap, HashSet};
use std::fmt::Write;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

/// More combinations of provider, model, operation and outcome than this are not told apart.
const MOST: usize = 300;

/// More models than this are not told apart.
const MOST_MODELS: usize = 100;

/// Bounds of durations, seconds (OpenTelemetry GenAI semantic conventions, `gen_ai.client.operation.duration`).
const SECONDS: [f64; 14] = [0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92];

/// Bounds of the gateway's own time, seconds.
const OWN_SECONDS: [f64; 14] =
    [0.000_05, 0.000_1, 0.000_2, 0.000_5, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0];

/// Bounds of tokens (`gen_ai.client.token.usage`).
const TOKENS: [f64; 14] = [
    1.0,
    4.0,
    16.0,
    64.0,
    256.0,
    1_024.0,
    4_096.0,
    16_384.0,
    65_536.0,
    262_144.0,
    1_048_576.0,
    4_194_304.0,
    16_777_216.0,
    67_108_864.0,
];

/// What a series is of.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Labels {
    provider: String,
    model: String,
    operation: &'static str,
    outcome: &'static str,
}

impl Labels {
    fn text(&self) -> String {
        let mut text = format!(
            "gen_ai_operation_name=\"{}\",gen_ai_provider_name=\"{}\",gen_ai_request_model=\"{}\"",
            self.operation,
            escaped(&self.provider),
            escaped(&self.model)
        );
        if self.outcome != Outcome::Ok.word() {
            let _ = write!(text, ",error_type=\"{}\"", self.outcome);
        }
        text
    }
}

/// A histogram with fixed bounds.
#[derive(Debug, Clone, Default)]
struct Histogram {
    /// Of each bound those not above it and above the one before; the last are above all.
    counts: [u64; 15],
    sum: f64,
}

impl Histogram {
    fn add(&mut self, bounds: &[f64; 14], value: f64) {
        let place = bounds.iter().position(|bound| value <= *bound).unwrap_or(bounds.len());
        self.counts[place] += 1;
        self.sum += value;
    }

    fn write(&self, out: &mut String, name: &str, labels: &str, bounds: &[f64; 14]) {
        let mut all = 0;
        for (count, bound) in self.counts.iter().zip(bounds) {
            all += count;
            let _ = writeln!(out, "{name}_bucket{{{labels},le=\"{bound}\"}} {all}");
        }
        all += self.counts[bounds.len()];
        let _ = writeln!(out, "{name}_bucket{{{labels},le=\"+Inf\"}} {all}");
        let _ = writeln!(out, "{name}_sum{{{labels}}} {}\n{name}_count{{{labels}}} {all}", self.sum);
    }
}

#[derive(Debug, Clone, Default)]
struct Series {
    duration: Histogram,
    ttft: Histogram,
    input: Histogram,
    output: Histogram,
    retries: u64,
}

/// All figures.
#[derive(Debug, Default)]
pub struct Metrics {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    series: HashMap<Labels, Series, foldhash::fast::RandomState>,
    own: Histogram,
    estimated: u64,
    degraded: u64,
    /// Models that have answered: names that nobody has, anybody may ask for.
    models: HashSet<String, foldhash::fast::RandomState>,
}

impl State {
    /// A model that has never answered, or is one too many, is `other`.
    fn name(&mut self, labels: &mut Labels, outcome: Outcome) {
        if !self.models.contains(&labels.model) && outcome == Outcome::Ok && self.models.len() < MOST_MODELS {
            self.models.insert(labels.model.clone());
        }
        let is_new = self.series.len() >= MOST && !self.series.contains_key(labels);
        if is_new || !self.models.contains(&labels.model) {
            labels.model = "other".to_owned();
        }
    }
}

impl Metrics {
    /// A call has ended.
    pub fn add(&self, record: &Record, outcome: Outcome, now: Instant) {
        let upstream = record.upstream.as_deref();
        let provider = upstream.map_or("", |upstream| upstream.provider.as_deref().unwrap_or(&upstream.name));
        let mut labels = Labels {
            provider: provider.to_owned(),
            model: record.asked.model.clone().unwrap_or_default(),
            operation: record.provider.map_or("other", |provider| provider.operation()),
            outcome: outcome.word(),
        };
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.name(&mut labels, outcome);
        let seconds = |us: u64| us as f64 / 1e6;
        let series = state.series.entry(labels).or_default();
        series.duration.add(&SECONDS, seconds(record.latency_us(now)));
        if let Some(at) = record.phases.first_token {
            series.ttft.add(&SECONDS, seconds(micros(at.saturating_duration_since(record.started))));
        }
        for (histogram, tokens) in
            [(&mut series.input, record.answer.usage.input), (&mut series.output, record.answer.usage.output)]
        {
            if let Some(tokens) = tokens {
                histogram.add(&TOKENS, tokens as f64);
            }
        }
        series.retries += record.attempts.len() as u64;
        if let Some(us) = record.gateway_us() {
            state.own.add(&OWN_SECONDS, seconds(us));
        }
        state.estimated += u64::from(record.is_estimated());
        state.degraded += u64::from(record.degraded);
    }

    /// All of them, as Prometheus reads them.
    pub fn write(&self, out: &mut String) {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let mut all: Vec<(String, &Series)> =
            state.series.iter().map(|(labels, series)| (labels.text(), series)).collect();
        all.sort_by(|a, b| a.0.cmp(&b.0));
        let duration = "gen_ai_client_operation_duration_seconds";
        head(out, duration, "histogram", "Duration of calls, as the client saw them");
        all.iter().for_each(|(labels, series)| series.duration.write(out, duration, labels, &SECONDS));
        let ttft = "gen_ai_client_operation_time_to_first_chunk_seconds";
        head(out, ttft, "histogram", "Time until the model began to speak");
        all.iter().for_each(|(labels, series)| series.ttft.write(out, ttft, labels, &SECONDS));
        let tokens = "gen_ai_client_token_usage";
        head(out, tokens, "histogram", "Tokens of calls");
        for (labels, series) in &all {
            for (kind, histogram) in [("input", &series.input), ("output", &series.output)] {
                histogram.write(out, tokens, &format!("{labels},gen_ai_token_type=\"{kind}\""), &TOKENS);
            }
        }
        head(out, "llmtop_proxy_retries_total", "counter", "Tries that were given up for another");
        for (labels, series) in &all {
            let _ = writeln!(out, "llmtop_proxy_retries_total{{{labels}}} {}", series.retries);
        }
        let own = "llmtop_proxy_overhead_seconds";
        head(out, own, "histogram", "The gateway's own time before the upstream was called, without queues");
        state.own.write(out, own, "proxy=\"llmtop\"", &OWN_SECONDS);
        for (name, about, value) in [
            ("llmtop_proxy_estimated_usage_total", "Calls whose tokens are estimated", state.estimated),
            ("llmtop_proxy_degraded_total", "Calls answered by the configured text", state.degraded),
        ] {
            head(out, name, "counter", about);
            let _ = writeln!(out, "{name} {value}");
        }
    }
}

/// The two lines before a metric.
pub fn head(out: &mut String, name: &str, kind: &str, about: &str) {
    let _ = writeln!(out, "# HELP {name} {about}\n# TYPE {name} {kind}");
}

/// A label's value.
pub fn escaped(text: &str) -> String {
    let clean: String = text.chars().filter(|c| !c.is_control()).collect();
    clean.replace('\\', "\\\\").replace('"', "\\\"")
}

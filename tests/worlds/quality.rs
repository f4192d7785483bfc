//! Scores and retrievals for the screens, through the same tallies as the store's.

use super::{HOSTILE, MODELS, NOW, Random, SECOND};
use llmtop::event::ScoreSource;
use llmtop::snapshot::quality::{
    EmptyRetrieval, Interval, Judgement, Quality, RetrievalStats, Retrievals, Subject, Tally, When,
};
use llmtop::stats::quality::rag::{Chunks, Retrieval};
use llmtop::view::{Range, RecordKey};

fn windows() -> [(When, Range); 2] {
    let range = Range { since_us: NOW - 900 * SECOND, until_us: NOW };
    [(When::Before, range.previous()), (When::Now, range)]
}

/// What one name's judgements look like: how many, who judges, and a value for a draw from 0 to 1.
struct Made {
    name: &'static str,
    count: u64,
    source: ScoreSource,
    value: fn(f64, When) -> f64,
}

const MADE: [Made; 8] = [
    Made { name: "task_completed", count: 420, source: ScoreSource::Judge, value: completed },
    Made { name: "task_completed", count: 90, source: ScoreSource::Human, value: completed },
    Made { name: "hallucination", count: 310, source: ScoreSource::Judge, value: |u, _| f64::from(u < 0.04) },
    Made { name: "thumbs", count: 140, source: ScoreSource::User, value: |u, _| f64::from(u < 0.72) },
    Made { name: "nps", count: 36, source: ScoreSource::User, value: |u, _| (4.0 + u * 7.0).floor() },
    Made { name: "relevance", count: 280, source: ScoreSource::Judge, value: |u, _| 0.6 + 0.4 * u },
    Made { name: "stars", count: 12, source: ScoreSource::User, value: |u, _| (1.0 + u * 5.0).floor() },
    Made { name: "retrieval_recall", count: 60, source: ScoreSource::Rule, value: |u, _| 0.7 + 0.3 * u },
];

/// The window is worse than the one before.
fn completed(draw: f64, when: When) -> f64 {
    f64::from(draw < if when == When::Now { 0.74 } else { 0.88 })
}

/// A typical afternoon.
pub fn typical() -> Quality {
    let (mut random, mut tally) = (Random(7), Tally::default());
    let subjects: Vec<u32> = MODELS
        .iter()
        .flat_map(|model| ["control", "treatment"].map(|variant| (model.name, variant)))
        .map(|(model, variant)| {
            tally.subject(Subject {
                model: Some(model.to_owned()),
                variant: Some(variant.to_owned()),
                app: Some("support-chat".to_owned()),
                environment: Some("prod".to_owned()),
                tags: vec!["web".to_owned(), format!("prompt:v{}", model.len() % 3 + 1)],
            })
        })
        .collect();
    for (when, range) in windows() {
        for made in &MADE {
            for n in 0..made.count {
                // A judge and a person see the same tasks, and mostly agree.
                let target = if made.name == "task_completed" { n % 420 } else { n };
                let (draw, twice) = (random.unit(), Random(target).unit());
                let same = made.name == "task_completed" && draw < 0.9;
                let at = range.since_us + (n as i64 + 1) * range.len_us() / (made.count as i64 + 2);
                let one = Judgement {
                    key: RecordKey { ts_us: at, id: n as i64 * 31 + made.count as i64 },
                    target,
                    value: (made.value)(if same { twice } else { draw }, when),
                    source: Some(made.source),
                    subject: subjects[(target as usize * 7) % subjects.len()],
                };
                tally.add(made.name, when, one);
            }
        }
    }
    let (mut scores, further_names) = tally.finish(windows()[1].1);
    for (at, example) in scores.iter_mut().flat_map(|score| &mut score.worst).enumerate() {
        example.user_id = Some(format!("u_{}", at * 7 % 90));
        example.trace_id = Some(format!("{:016x}", at * 7_919));
        example.comment = (at % 2 == 0).then(|| "kind, but not what I asked".to_owned());
        if at % 3 > 0 {
            example.request_id = Some(format!("req_{at:08x}"));
            example.call = (at % 3 == 1).then_some(RecordKey { ts_us: example.key.ts_us - SECOND, id: at as i64 });
            example.model = example.call.map(|_| "gpt-4.1".to_owned());
        }
    }
    let retrieval = Some(retrievals(&mut random));
    Quality { scores, further_names, waiting: 17, unknown: 0, gone_us: None, covered: 1.0, retrieval }
}

fn retrievals(random: &mut Random) -> RetrievalStats {
    let mut sum = Retrievals::new(windows()[1].1);
    let chunks = |from: u64, count: u64| Some(Chunks::ids((from..from + count).map(|n| format!("guide#{n}"))));
    for (when, range) in windows() {
        for n in 0..400u64 {
            let late = n as f64 / 400.0;
            let is_empty = random.unit() < if when == When::Now && late > 0.6 { 0.3 } else { 0.02 };
            let found = if is_empty { Some(Chunks::ids([])) } else { chunks(n, 5) };
            // Now and then an answer refers to what nobody found.
            let cited = chunks(if n % 40 == 0 { n + 4 } else { n + 1 }, 2);
            let one = Retrieval { retrieved: found, relevant: chunks(n + n % 3, 4), cited };
            let latency_us = Some(random.around(41_000.0, 1.6) as u64);
            let at = EmptyRetrieval {
                key: RecordKey { ts_us: range.since_us + (late * range.len_us() as f64) as i64, id: n as i64 },
                name: Some(if n % 4 == 0 { "orders" } else { "plant_guides" }.to_owned()),
                trace_id: Some(format!("{:032x}", n * 7_919)),
                user_id: Some(format!("u_{}", n % 50)),
                latency_us,
                input: Some("How often do I water a fern in winter?".to_owned()),
            };
            match when {
                When::Now => sum.add(&one, at, Some(n % 97 > 0)),
                When::Before => sum.add_before(&one, latency_us, Some(true)),
            }
        }
    }
    sum.finish()
}

/// The same with names that break terminals, and numbers at their limits.
pub fn hostile() -> Quality {
    let mut quality = typical();
    let name = |at: usize| HOSTILE[at % HOSTILE.len()].to_owned();
    let long = || Some("n".repeat(10_000));
    for (at, score) in quality.scores.iter_mut().enumerate() {
        score.name = if at == 2 { "n".repeat(10_000) } else { name(at) };
        score.trend = vec![Some(f64::MAX), None, Some(f64::NAN), Some(f64::MIN), Some(f64::INFINITY)];
        score.left_out = u64::MAX;
        score.groups.iter_mut().for_each(|group| group.value = name(at + 1));
        if let Some(agreed) = &mut score.agreement {
            (agreed.kappa, agreed.interval) = (Some(f64::NAN), Some(Interval { low: f64::MIN, high: f64::MAX }));
        }
        for (i, example) in score.worst.iter_mut().enumerate() {
            (example.model, example.user_id, example.trace_id) = (Some(name(i)), long(), Some(name(i + 1)));
            (example.request_id, example.comment) = (Some(name(i + 2)), Some(name(i + 3)));
            example.value = [f64::MAX, f64::NAN, f64::MIN, 1e-300][i % 4];
            example.key.ts_us = if i % 2 == 0 { i64::MIN } else { i64::MAX };
        }
    }
    (quality.waiting, quality.unknown, quality.further_names) = (u64::MAX, u64::MAX, u64::MAX);
    (quality.gone_us, quality.covered) = (Some(i64::MAX), f64::NAN);
    if let Some(retrieval) = &mut quality.retrieval {
        retrieval.now.made_up = u64::MAX;
        for (at, one) in retrieval.empty.iter_mut().enumerate() {
            (one.name, one.trace_id, one.user_id) = (Some(name(at)), Some(name(at + 1)), long());
            (one.input, one.latency_us) = (Some(name(at + 2)), Some(u64::MAX));
        }
        retrieval.names.iter_mut().enumerate().for_each(|(at, one)| one.name = Some(name(at)));
    }
    quality
}

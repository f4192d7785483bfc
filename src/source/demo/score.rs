//! What users, judges and rules say about answers in the demo, seconds to minutes later. The figures depend on what was
//! found, on failures and on the experiment, so that the panes have something true to show.

use super::call::{Done, after};
use super::line::Line;
use super::stage::{Scene, Stage};

/// Who judges what, and how long that typically takes, s.
#[derive(Clone, Copy)]
struct Judgement {
    name: &'static str,
    source: &'static str,
    delay_s: f64,
}

const HALLUCINATION: Judgement = by_judge("hallucination");
const RELEVANCE: Judgement = by_judge("relevance");
const UTILIZATION: Judgement = by_judge("chunk_utilization");
const COMPLETED: Judgement = by_judge("task_completed");
const THUMBS: Judgement = Judgement { name: "thumbs", source: "user", delay_s: 35.0 };
const NPS: Judgement = Judgement { name: "nps", source: "user", delay_s: 240.0 };
const REVIEW: Judgement = Judgement { name: "task_completed", source: "human", delay_s: 420.0 };

const fn by_judge(name: &'static str) -> Judgement {
    Judgement { name, source: "judge", delay_s: 6.0 }
}

/// Scores of one answer of the chatbot, for which `found` relevant chunks were at hand.
pub(super) fn about_answer(stage: &mut Stage, scene: &Scene, done: &Done, found: usize) {
    let subject = Subject { scene, request: Some(&done.request), end_us: done.end_us };
    let blind = if found == 0 { 0.4 } else { 0.0 };
    if stage.rng.chance(0.30) {
        let invents = yes(stage, 0.035 + blind);
        subject.score(stage, HALLUCINATION, invents, None);
        let relevance = around(stage, 0.86 - blind, 0.09);
        subject.score(stage, RELEVANCE, relevance, None);
    }
    if found > 0 && stage.rng.chance(0.15) {
        let used = around(stage, 0.55, 0.15);
        subject.score(stage, UTILIZATION, used, None);
    }
    if stage.rng.chance(0.14) {
        let up = yes(stage, 0.71 + better(scene, 0.13) - blind);
        let remark = if up > 0.0 { "the fern and I thank you" } else { "kind, but not what I asked" };
        let comment = stage.rng.chance(0.4).then_some(remark);
        subject.score(stage, THUMBS, up, comment);
    }
}

/// Scores of a whole conversation.
pub(super) fn about_session(stage: &mut Stage, scene: &Scene, end_us: i64, ok: bool) {
    let subject = Subject { scene, request: None, end_us };
    if stage.rng.chance(0.5) {
        let completed = yes(stage, if ok { 0.78 + better(scene, 0.08) } else { 0.04 });
        subject.score(stage, COMPLETED, completed, None);
    }
    if stage.rng.chance(0.02) {
        let mood = if ok { 8.1 } else { 4.1 };
        let value = (mood + 1.6 * stage.rng.normal()).round().clamp(0.0, 10.0);
        subject.score(stage, NPS, value, Some("would recommend you to a friend with a window"));
    }
}

/// Scores of a task of the agent.
pub(super) fn about_task(stage: &mut Stage, scene: &Scene, end_us: i64, ok: bool) {
    let subject = Subject { scene, request: None, end_us };
    let completed = yes(stage, if ok { 0.84 } else { 0.05 });
    subject.score(stage, COMPLETED, completed, None);
    if stage.rng.chance(0.06) {
        // People and the judge agree, mostly.
        let by_hand = if stage.rng.chance(0.1) { 1.0 - completed } else { completed };
        subject.score(stage, REVIEW, by_hand, Some("checked by hand"));
    }
}

/// What is judged: one call, or the whole trace where no request is named.
struct Subject<'a> {
    scene: &'a Scene,
    request: Option<&'a str>,
    end_us: i64,
}

impl Subject<'_> {
    fn score(&self, stage: &mut Stage, judgement: Judgement, value: f64, comment: Option<&str>) {
        let id = format!("score_{}", stage.rng.hex(12));
        let ts_us = after(self.end_us, stage.rng.log_normal(judgement.delay_s * 1e3, 0.6));
        let line = Line::event("llm_score", ts_us)
            .text("id", &id)
            .text("name", judgement.name)
            .number("value", value, 3)
            .text("source", judgement.source)
            .maybe("request_id", self.request);
        stage.push(ts_us, self.scene.on_span(line).maybe("comment", comment));
    }
}

/// 1 with this probability, else 0.
fn yes(stage: &mut Stage, probability: f64) -> f64 {
    f64::from(u8::from(stage.rng.chance(probability)))
}

/// A share around this one.
fn around(stage: &mut Stage, share: f64, spread: f64) -> f64 {
    (share + spread * stage.rng.normal()).clamp(0.0, 1.0)
}

/// What the treatment of the experiment adds.
fn better(scene: &Scene, by: f64) -> f64 {
    if scene.is_treated() { by } else { 0.0 }
}

//! The agent of the demo: it plans, calls tools in parallel, retries the one that fails, answers, and sometimes leaves a
//! late child behind that ends after its trace.

use super::call::{Ask, after, perform};
use super::catalog::{GPT_4_1, Model, SONNET, Tokens};
use super::line::Line;
use super::score::about_task;
use super::stage::{Scene, Stage};
use super::texts::task;
use super::trials::TOOL_HINTS;

/// A tool: its name, how long it takes (ms), how often it fails, and what it tells then.
struct Tool {
    name: &'static str,
    median_ms: f64,
    fails: f64,
    complaint: &'static str,
}

const SYSTEM_TEXT: &str = "You run errands in a shop for houseplants. Use the tools; ask before you spend money.";

const TOOLS: [Tool; 6] = [
    Tool { name: "search_orders", median_ms: 120.0, fails: 0.02, complaint: "query ran longer than 5 s" },
    Tool { name: "carrier_status", median_ms: 840.0, fails: 0.12, complaint: "carrier API: 502 Bad Gateway" },
    Tool { name: "stock_level", median_ms: 60.0, fails: 0.01, complaint: "no such article" },
    Tool { name: "quote_refund", median_ms: 210.0, fails: 0.03, complaint: "amount above the limit of $200" },
    Tool { name: "greenhouse_sensor", median_ms: 1_900.0, fails: 0.08, complaint: "sensor 7 does not answer" },
    Tool { name: "draft_mail", median_ms: 300.0, fails: 0.01, complaint: "template not found" },
];

/// One task under way.
struct Task {
    scene: Scene,
    root: String,
    asked: &'static str,
    model: &'static Model,
    is_lost: bool,
}

/// More rounds than this are those of an agent that is lost.
const MANY: u64 = 3;

/// One task, from arrival to its scores.
pub(super) fn play(stage: &mut Stage, at_us: i64) {
    let visit = stage.visit("ops-agent");
    let arm = visit.user.as_deref().map(|user| TOOL_HINTS.of(user));
    let scene = Scene { arm, ..visit };
    let asked = task(&mut stage.rng);
    let model = if stage.rng.chance(0.7) { &SONNET } else { &GPT_4_1 };
    let root = stage.rng.hex(16);
    let lost = stage.rng.chance(0.05);
    let task = Task { scene, root, asked, model, is_lost: lost };
    let rounds = if lost { 7 } else { 1 + stage.rng.below(3) };
    let (end_us, answered) = work(stage, &task, at_us, rounds);
    let ok = answered && !lost;
    let complaint = (!ok).then_some(if lost { "gave up after 7 rounds of tools" } else { "the model did not answer" });
    let line = task.span("agent", "ops_agent", at_us, end_us, complaint).text("span_id", &task.root);
    stage.push(end_us, line.text("input", task.asked).count("rounds", rounds));
    if stage.rng.chance(0.12) {
        late_child(stage, &task, end_us);
    }
    about_task(stage, &task.scene, end_us, ok);
}

/// Rounds of planning and tools, then the answer. When it ended, and whether the model kept answering.
fn work(stage: &mut Stage, task: &Task, at_us: i64, rounds: u64) -> (i64, bool) {
    let mut now_us = at_us;
    let mut first: Option<Vec<&'static Tool>> = None;
    for round in 0..rounds {
        let drawn = choose(stage);
        // Who is lost does the same again and again.
        let chosen = if rounds > MANY { first.get_or_insert(drawn).clone() } else { drawn };
        let wanted: Vec<String> = chosen.iter().map(|t| format!(r#"{{"name":"{}"}}"#, t.name)).collect();
        let wanted = format!("[{}]", wanted.join(","));
        let ask = Ask { tool_calls: Some(&wanted), tokens: tokens(stage, task, round, 90.0), ..task.ask(now_us) };
        let planned = perform(stage, ask);
        if !planned.ok {
            return (planned.end_us, false);
        }
        now_us =
            chosen.iter().map(|tool| run(stage, task, (tool, round), planned.end_us)).max().unwrap_or(planned.end_us);
    }
    let ask = Ask {
        response: Some("Done. The second parcel is stopped, the orchid is on its way, and nobody has to be told."),
        tokens: tokens(stage, task, rounds, 260.0),
        stream: true,
        ..task.ask(now_us)
    };
    let done = perform(stage, ask);
    (done.end_us, done.ok)
}

/// One to three different tools.
fn choose(stage: &mut Stage) -> Vec<&'static Tool> {
    let first = stage.rng.below(TOOLS.len() as u64) as usize;
    let count = 1 + stage.rng.weighted(&[0.5, 0.3, 0.2]);
    TOOLS.iter().cycle().skip(first).take(count).collect()
}

/// One tool, again where it failed. When it ended.
fn run(stage: &mut Stage, task: &Task, (tool, round): (&Tool, u64), at_us: i64) -> i64 {
    let mut now_us = at_us;
    let asked = if task.is_lost { 0 } else { round };
    let input = format!(r#"{{"order":"A-{}","step":{asked}}}"#, &task.root[..4]);
    for _ in 0..2 {
        let end_us = after(now_us, stage.rng.log_normal(tool.median_ms, 0.5));
        let fails = stage.rng.chance(tool.fails);
        let span = stage.rng.hex(16);
        let line = task
            .span("tool", tool.name, now_us, end_us, fails.then_some(tool.complaint))
            .text("span_id", &span)
            .text("parent_id", &task.root)
            .raw("input", &input)
            .maybe("output", (!fails).then_some("done; see the order's notes"));
        stage.push(end_us, line);
        now_us = end_us;
        if !fails {
            break;
        }
    }
    now_us
}

/// Work the agent did not wait for.
fn late_child(stage: &mut Stage, task: &Task, end_us: i64) {
    let late_us = after(end_us, stage.rng.log_normal(6_000.0, 0.7));
    let span = stage.rng.hex(16);
    let line = task.span("tool", "write_summary", end_us, late_us, None);
    stage.push(late_us, line.text("span_id", &span).text("parent_id", &task.root));
}

/// The context grows with every round; what was there before is mostly cached.
fn tokens(stage: &mut Stage, task: &Task, round: u64, output: f64) -> Tokens {
    let before = 2_600 + round * 900;
    let fresh = stage.rng.between(300, 1_100);
    let cached = if round > 0 && stage.rng.chance(0.9) { before / 128 * 128 } else { 0 };
    let written = if task.model == &SONNET { fresh / 2 } else { 0 };
    let output = stage.rng.log_normal(output, 0.4).clamp(8.0, 4_000.0) as u64;
    Tokens { input: before + fresh, cached, written, output, reasoning: 0 }
}

impl Task {
    fn span(&self, kind: &str, name: &str, start_us: i64, end_us: i64, complaint: Option<&str>) -> Line {
        let line = Line::event("llm_span", end_us).text("kind", kind).text("name", name);
        self.scene
            .on_span(line)
            .number("latency_ms", end_us.saturating_sub(start_us) as f64 / 1e3, 3)
            .text("status", if complaint.is_some() { "error" } else { "ok" })
            .maybe("error_message", complaint)
    }

    fn ask(&self, at_us: i64) -> Ask<'_> {
        Ask {
            parent: Some(&self.root),
            system: Some(SYSTEM_TEXT),
            ..Ask::chat(&self.scene, self.model, at_us, self.asked)
        }
    }
}

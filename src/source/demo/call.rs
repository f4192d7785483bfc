//! One model call of the demo, with its attempts, waits and fallback, as exactly one `llm_call` event at its end.

use super::catalog::{Model, Provider, Tokens};
use super::fault::{Fault, fault, mishap};
use super::line::Line;
use super::stage::{Scene, Stage};
use crate::event::{CacheUse, FailureMode};

const ATTEMPTS: u64 = 3;

/// The longest answer that is asked for, tokens.
const LONGEST: u64 = 1_024;

/// What is asked of a model.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ask<'a> {
    pub scene: &'a Scene,
    /// The span that asks.
    pub parent: Option<&'a str>,
    pub model: &'static Model,
    /// Who is asked when the model cannot.
    pub fallback: Option<&'static Model>,
    pub operation: &'static str,
    /// When it is sent, µs since the epoch.
    pub at_us: i64,
    pub tokens: Tokens,
    pub prompt: &'a str,
    /// What the model was told about its role; known where the whole prompt is logged.
    pub system: Option<&'a str>,
    /// The answer; nothing where the model only asks for tools, or answers in vectors.
    pub response: Option<&'a str>,
    /// The tools the model asks for, as JSON.
    pub tool_calls: Option<&'a str>,
    pub cache: Option<CacheUse>,
    pub stream: bool,
    /// How the provider serves it, where that is not the usual way.
    pub service_tier: Option<&'static str>,
    pub books: Books,
}

/// Whether the application says what a call cost, or leaves that to whoever reads its log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Books {
    Kept,
    LeftOut,
}

impl<'a> Ask<'a> {
    /// A plain chat call, for the caller to fill in.
    pub(super) fn chat(scene: &'a Scene, model: &'static Model, at_us: i64, prompt: &'a str) -> Ask<'a> {
        Ask {
            scene,
            parent: None,
            model,
            fallback: None,
            operation: "chat",
            at_us,
            tokens: Tokens::default(),
            prompt,
            system: None,
            response: None,
            tool_calls: None,
            cache: None,
            stream: false,
            service_tier: None,
            books: Books::Kept,
        }
    }
}

/// How a call went.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Done {
    pub request: String,
    pub end_us: i64,
    pub ok: bool,
}

/// The attempts of one call so far.
#[derive(Debug)]
struct Course {
    model: &'static Model,
    fallback_from: Option<&'static Model>,
    /// Spent on failed attempts and on waiting, ms.
    lost_ms: f64,
    retries: u64,
    /// What the last attempt failed of.
    fault: Option<Fault>,
    /// The last wait a provider asked for, ms.
    retry_after_ms: Option<u64>,
}

/// Plays one call and puts its event on the stage.
pub(super) fn perform(stage: &mut Stage, mut ask: Ask<'_>) -> Done {
    ask.tokens.output = ask.tokens.output.min(LONGEST);
    ask.tokens.reasoning = ask.tokens.reasoning.min(LONGEST);
    let course = run(stage, &ask);
    let request = format!("req_{}", stage.rng.hex(16));
    match &course.fault {
        Some(fault) => failed(stage, &ask, &course, fault, request),
        None => answered(stage, &ask, &course, request),
    }
}

/// A call that a guardrail stopped before it was sent. `json` is the list of what the guardrails did.
pub(super) fn blocked(stage: &mut Stage, ask: Ask<'_>, json: &str) -> Done {
    let fault = fault(&mut stage.rng, FailureMode::GuardrailBlocked, ask.model);
    let request = format!("req_{}", stage.rng.hex(16));
    let end_us = after(ask.at_us, fault.after_ms);
    let line = head(&ask, ask.model, end_us, &request).raw("guardrail", json);
    let line = complaint(line.number("latency_ms", fault.after_ms, 3), &fault);
    stage.push(end_us, line);
    Done { request, end_us, ok: false }
}

/// A time so many ms later.
pub(super) fn after(at_us: i64, ms: f64) -> i64 {
    at_us.saturating_add((ms * 1e3) as i64)
}

fn run(stage: &mut Stage, ask: &Ask<'_>) -> Course {
    let mut course =
        Course { model: ask.model, fallback_from: None, lost_ms: 0.0, retries: 0, fault: None, retry_after_ms: None };
    for attempt in 1..=ATTEMPTS {
        course.fault = attempt_fault(stage, ask, &course);
        let Some(failed) = &course.fault else { break };
        course.retry_after_ms = failed.retry_after_ms.or(course.retry_after_ms);
        if attempt == ATTEMPTS || !worth_retrying(failed.mode, ask.stream) {
            break;
        }
        let backoff_ms = stage.rng.log_normal(350.0 * attempt as f64, 0.3);
        course.lost_ms += failed.after_ms + failed.retry_after_ms.map_or(backoff_ms, |ms| ms as f64);
        course.retries += 1;
    }
    fall_back(course, ask)
}

/// What may pass if asked again; an answer that broke while it was streamed cannot be taken back.
fn worth_retrying(mode: FailureMode, stream: bool) -> bool {
    match mode {
        FailureMode::RateLimit | FailureMode::Overloaded => true,
        FailureMode::ServerError => !stream,
        _ => false,
    }
}

/// The other model answers what this one has no room for.
fn fall_back(mut course: Course, ask: &Ask<'_>) -> Course {
    let crowded = |fault: &Fault| matches!(fault.mode, FailureMode::RateLimit | FailureMode::Overloaded);
    if let Some(other) = ask.fallback
        && let Some(fault) = course.fault.take_if(|fault| crowded(fault))
    {
        course.lost_ms += fault.after_ms;
        course.retries += 1;
        course.fallback_from = Some(course.model);
        course.model = other;
    }
    course
}

/// Whether this attempt fails: by the weather of the moment, or by a mishap that has no reason.
fn attempt_fault(stage: &mut Stage, ask: &Ask<'_>, course: &Course) -> Option<Fault> {
    let now_us = after(ask.at_us, course.lost_ms);
    let (weather, model) = (stage.weather, course.model);
    let chances = [
        (FailureMode::RateLimit, weather.rate_limit(model.provider, now_us)),
        (FailureMode::Overloaded, weather.overload(model.provider, now_us)),
        (FailureMode::Timeout, weather.timeout(model, now_us)),
    ];
    let by_weather = chances.into_iter().find_map(|(mode, chance)| stage.rng.chance(chance).then_some(mode));
    let mode = by_weather.or_else(|| mishap(&mut stage.rng, ask.scene.staging).filter(|m| fits(*m, ask)))?;
    Some(fault(&mut stage.rng, mode, model))
}

/// Vectors cannot be malformed or filtered, and only answers are streamed to a client that may leave.
fn fits(mode: FailureMode, ask: &Ask<'_>) -> bool {
    match mode {
        FailureMode::ContentFilter | FailureMode::InvalidRequest => ask.operation == "chat",
        FailureMode::MalformedOutput => ask.operation == "chat" && !ask.stream,
        FailureMode::Cancelled => ask.stream,
        _ => true,
    }
}

fn answered(stage: &mut Stage, ask: &Ask<'_>, course: &Course, request: String) -> Done {
    let model = course.model;
    let slow = stage.weather.slowness(model, ask.at_us);
    let network_ms = stage.rng.log_normal(14.0, 0.5);
    let reading_ms = (ask.tokens.input - ask.tokens.cached.min(ask.tokens.input)) as f64 * 0.035;
    let ttft_ms = slow.sqrt() * (stage.rng.log_normal(model.first_token_ms, model.spread) + reading_ms);
    let speed = stage.rng.log_normal(model.tokens_per_s.max(1.0), model.spread * 0.6) / slow;
    let generation_ms = if model.tokens_per_s > 0.0 { ask.tokens.output as f64 / speed * 1e3 } else { 0.0 };
    let cached = matches!(ask.cache, Some(CacheUse::Hit | CacheUse::Semantic));
    let latency_ms =
        if cached { stage.rng.log_normal(6.0, 0.4) } else { course.lost_ms + network_ms + ttft_ms + generation_ms };
    let end_us = after(ask.at_us, latency_ms);
    let mut line = head(ask, model, end_us, &request).text("status", "ok").number("latency_ms", latency_ms, 3);
    if !cached {
        line = phases(line, ask, course, network_ms, course.lost_ms + network_ms + ttft_ms);
    }
    line = usage(line, ask, model, cached).count("retries", course.retries);
    line = aftermath(line, course).maybe("finish_reason", finish_reason(ask));
    if let Some(kind) = ask.cache {
        line = line.text("cache", kind.word());
    }
    line = line.maybe("response", ask.response);
    if let Some(tools) = ask.tool_calls {
        line = line.raw("tool_calls", tools);
    }
    stage.push(end_us, line);
    Done { request, end_us, ok: true }
}

fn failed(stage: &mut Stage, ask: &Ask<'_>, course: &Course, fault: &Fault, request: String) -> Done {
    let latency_ms = course.lost_ms + fault.after_ms;
    let end_us = after(ask.at_us, latency_ms);
    let mut line = head(ask, course.model, end_us, &request).number("latency_ms", latency_ms, 3);
    if course.lost_ms > 0.0 {
        line = line.number("queue_ms", course.lost_ms, 3);
    }
    if matches!(fault.mode, FailureMode::Cancelled | FailureMode::MalformedOutput) {
        line = usage(line, ask, course.model, false);
    }
    line = complaint(line, fault).count("retries", course.retries);
    stage.push(end_us, aftermath(line, course));
    Done { request, end_us, ok: false }
}

/// Who, what and where: the fields of every call.
fn head(ask: &Ask<'_>, model: &Model, end_us: i64, request: &str) -> Line {
    let line = Line::event("llm_call", end_us).text("request_id", request);
    let preview: String = ask.prompt.chars().take(100).collect();
    let line = ask
        .scene
        .on_call(line)
        .text("span_id", request.trim_start_matches("req_"))
        .maybe("parent_id", ask.parent)
        .text("model", model.name)
        .text("provider", model.provider.name())
        .text("operation", ask.operation)
        .maybe("service_tier", ask.service_tier)
        .flag("stream", ask.stream)
        .text("prompt_preview", &preview);
    let line = match ask.operation {
        "chat" => line.number("temperature", 0.2, 1).count("max_tokens", LONGEST),
        _ => line,
    };
    match ask.system {
        Some(system) => line.messages("prompt", &[("system", system), ("user", ask.prompt)]),
        None => line,
    }
}

/// Where the time went, as far as the client can tell.
fn phases(line: Line, ask: &Ask<'_>, course: &Course, network_ms: f64, ttft_ms: f64) -> Line {
    let line = line.number("network_ms", network_ms, 3);
    let line = if course.lost_ms > 0.0 { line.number("queue_ms", course.lost_ms, 3) } else { line };
    if ask.stream { line.number("ttft_ms", ttft_ms, 3) } else { line }
}

/// Tokens and cost. What the cache of the application answers has cost nothing.
fn usage(line: Line, ask: &Ask<'_>, model: &Model, cached: bool) -> Line {
    let tokens = ask.tokens;
    let line = line.count("input_tokens", tokens.input).count("output_tokens", tokens.output);
    let line = [
        ("cached_input_tokens", tokens.cached),
        ("cache_write_tokens", tokens.written),
        ("reasoning_tokens", tokens.reasoning),
    ]
    .into_iter()
    .filter(|(_, count)| *count > 0)
    .fold(line, |line, (key, count)| line.count(key, count));
    match model.cost_usd(tokens).filter(|_| ask.books == Books::Kept) {
        Some(_) if cached => line.number("cost_usd", 0.0, 0),
        Some(usd) => line.number("cost_usd", usd, 9),
        None => line,
    }
}

fn complaint(line: Line, fault: &Fault) -> Line {
    let line = line.text("status", "error");
    let line = match fault.http_status {
        Some(status) => line.count("http_status", u64::from(status)),
        None => line,
    };
    line.text("error_type", fault.error_type).text("error_message", &fault.message)
}

/// What the attempts before the last one left behind.
fn aftermath(line: Line, course: &Course) -> Line {
    let line = line.maybe("fallback_from", course.fallback_from.map(|m| m.name));
    match course.retry_after_ms {
        Some(ms) => line.count("retry_after_ms", ms),
        None => line,
    }
}

/// Why the answer ended, in the provider's own word; vectors do not end.
fn finish_reason(ask: &Ask<'_>) -> Option<&'static str> {
    let is_cut = ask.tokens.output >= LONGEST;
    let word = match (ask.model.provider, ask.tool_calls.is_some()) {
        (Provider::Anthropic, _) if is_cut => "max_tokens",
        (Provider::Google, _) if is_cut => "MAX_TOKENS",
        (Provider::OpenAi | Provider::Vllm, _) if is_cut => "length",
        (Provider::Anthropic, true) => "tool_use",
        (Provider::Anthropic, false) => "end_turn",
        (Provider::Google, _) => "STOP",
        (Provider::OpenAi | Provider::Vllm, true) => "tool_calls",
        (Provider::OpenAi | Provider::Vllm, false) => "stop",
    };
    (ask.operation == "chat").then_some(word)
}

//! One record: its phases as a bar on top, the facts on the left, the text on the right, covered until asked for.

mod bill;
mod gateway;

use super::clean::{self, clean};
use super::live::Scene;
use super::pen::{self, Pen};
use super::theme::{Ink, Role};
use super::ui::{Details, Found, Mask, Part};
use super::widgets::bar;
use crate::event::{Call, first_token_us, output_speed};
use crate::snapshot::Record;
use crate::units::{self, Zone};
use ratatui::layout::Rect;

/// Draws the record.
pub(crate) fn draw(pen: &mut Pen, area: Rect, scene: &Scene, open: &Details) {
    let record = match &open.found {
        Found::Here(record) => record,
        Found::Asked => return words(pen, area, "asking for the record …"),
        Found::Gone => return words(pen, area, "the store does not have this record any more"),
    };
    match open.part {
        Part::Both => {}
        Part::Facts => return draw_facts(pen, area, &facts(record, scene.ui.zone), open.scroll),
        Part::Text => return draw_text(pen, area, scene, record, open.scroll),
    }
    let rest = match timeline(&record.call) {
        Some(parts) if area.height >= 10 => {
            let (above, rest) = pen::top(area, 4);
            draw_timeline(pen, above, &record.call, parts);
            rest
        }
        _ => area,
    };
    let facts = facts(record, scene.ui.zone);
    if rest.width >= 90 {
        let (left, right) = pen::left(rest, (rest.width * 2 / 5).min(70));
        draw_facts(pen, left, &facts, open.scroll);
        draw_text(pen, right, scene, record, open.scroll);
    } else {
        // Text takes what it needs, so that facts have the rest; without any there is no panel for it.
        let lines = text_lines(record, scene.ui.mask, usize::from(rest.width.saturating_sub(4))).len();
        let wanted = if is_silent(record) { 0 } else { u16::try_from(lines + 1).unwrap_or(u16::MAX) };
        let free = rest.height.saturating_sub(u16::try_from(facts.len() + 2).unwrap_or(u16::MAX));
        let (above, below) = pen::bottom(rest, wanted.min((rest.height * 2 / 5).max(free)));
        draw_facts(pen, above, &facts, open.scroll);
        if below.height > 0 {
            draw_text(pen, below, scene, record, open.scroll);
        }
    }
}

/// Whether there is nothing to read of a call but its facts.
pub(crate) fn is_silent(record: &Record) -> bool {
    !has_text(record) && record.call.error_message.is_none()
}

/// Why there is no text.
fn no_text(record: &Record) -> &'static str {
    if record.text_expired { "its text has been deleted by age" } else { "the log held no text of this call" }
}

fn words(pen: &mut Pen, area: Rect, text: &str) {
    let inner = pen.panel(area, "record");
    pen.words(inner, &[(text.to_owned(), Role::Dim)]);
}

const NAMES: [(&str, Ink); 4] =
    [("queue", Ink::Limited), ("network", Ink::Three), ("first token", Ink::Two), ("generation", Ink::One)];

/// The phases of a call that says how long it took.
fn timeline(call: &Call) -> Option<[f64; 4]> {
    let latency = call.latency_us? as f64;
    let of = |us: Option<u64>| us.unwrap_or(0) as f64;
    let first = call.ttft_us.map_or(0, |ttft| first_token_us(ttft, call.queue_us, call.network_us));
    let generation = call.ttft_us.map_or(0.0, |ttft| (latency - ttft as f64).max(0.0));
    Some([of(call.queue_us), of(call.network_us), first as f64, generation])
}

fn draw_timeline(pen: &mut Pen, area: Rect, call: &Call, parts: [f64; 4]) {
    let latency = call.latency_us.unwrap_or(0) as f64;
    let total = format!("{} in all", units::duration_us(latency));
    let inner = pen.panel_with(area, &[("time", Role::Title), (&total, Role::Strong)]);
    let inner = Rect { x: inner.x + 1, width: inner.width.saturating_sub(2), ..inner };
    let known: f64 = parts.iter().sum();
    let mut shown: Vec<bar::Part> = NAMES.iter().zip(parts).map(|((name, ink), size)| (*name, size, *ink)).collect();
    // What no phase accounts for is said to be that.
    shown.push(("not told apart", (latency - known).max(0.0), Ink::Ghost));
    bar::parts(pen, inner.x, inner.y, inner.width, &shown);
    let mut x = inner.x;
    for (name, size, ink) in shown.iter().filter(|p| p.1 > 0.0) {
        let text = format!("{name} {}", units::duration_us(*size));
        let wide = clean::width(&text) as u16;
        if x + wide > inner.right() {
            break;
        }
        x += pen.text(x, inner.y + 1, wide, &text, Role::Series(*ink)) + 2;
    }
}

/// A fact: its name, its value, how it looks.
type Fact = (&'static str, String, Role);

/// Everything known of a record but its text, in the order of importance.
fn facts(record: &Record, zone: Zone) -> Vec<Fact> {
    let call = &record.call;
    let mut out: Vec<Fact> = Vec::with_capacity(40);
    let mut say = |name, value: Option<String>, role| out.extend(value.map(|v| (name, v, role)));
    let text = |t: &crate::event::Text| t.as_deref().map(str::to_owned);
    let micros = |us: Option<u64>| us.map(|us| units::duration_us(us as f64));
    let failed = if call.outcome.is_error() { Role::Bad } else { Role::Text };
    say("outcome", Some(call.outcome.word().to_owned()), failed);
    say("error", text(&call.error_type), Role::Bad);
    say("http", call.http_status.map(|n| n.to_string()), failed);
    say("wait asked", micros(call.retry_after_us), Role::Warn);
    say("retries", call.retries.map(|n| n.to_string()), Role::Text);
    say("model", text(&call.model), Role::Strong);
    say("cost", bill::cost(record), Role::Strong);
    say("fallback of", text(&call.fallback_from), Role::Warn);
    say("provider", text(&call.provider), Role::Text);
    say("operation", text(&call.operation), Role::Text);
    // Both zones: the one of the logs beside the one of the clock on the wall.
    let here = units::time(record.ts_us, Zone::Local, "%Y-%m-%d %H:%M:%S%.3f %:z");
    say("ended", Some(if zone == Zone::Utc { units::rfc3339(record.ts_us) } else { here.clone() }), Role::Text);
    say("", Some(if zone == Zone::Utc { here } else { units::rfc3339(record.ts_us) }), Role::Dim);
    say("latency", micros(call.latency_us), Role::Strong);
    say("first token", micros(call.ttft_us), Role::Text);
    say("speed", speed(call), Role::Text);
    say(
        "input",
        call.input_tokens.map(|n| {
            tokens(
                n,
                &[
                    ("cached", call.cached_input_tokens),
                    ("written", call.cache_write_tokens),
                    ("audio", call.input_audio_tokens),
                ],
            )
        }),
        Role::Text,
    );
    let made = [("reasoning", call.reasoning_tokens), ("audio", call.output_audio_tokens)];
    say("output", call.output_tokens.map(|n| tokens(n, &made)), Role::Text);
    bill::facts(record).into_iter().for_each(|(name, value, role)| say(name, Some(value), role));
    say("tokens", call.estimated.then(|| "estimated: nobody counted them".to_owned()), Role::Warn);
    say("finish", text(&call.finish_reason), Role::Text);
    say("cache", record.cache_word().map(str::to_owned), Role::Text);
    say("stream", call.stream.map(|s| if s { "yes" } else { "no" }.to_owned()), Role::Text);
    say("temperature", call.temperature.map(units::digits3), Role::Text);
    say("max tokens", call.max_tokens.map(units::count), Role::Text);
    gateway::facts(call).into_iter().for_each(|(name, value, role)| say(name, Some(value), role));
    say("user", text(&call.user_id), Role::Text);
    say("session", text(&call.session_id), Role::Text);
    say("app", text(&call.app), Role::Text);
    say("environment", text(&call.environment), Role::Text);
    say("host", text(&call.host), Role::Text);
    say("experiment", text(&call.experiment), Role::Text);
    say("variant", text(&call.variant), Role::Text);
    say("tags", text(&call.tags), Role::Text);
    say("request", text(&call.request_id), Role::Dim);
    say("trace", text(&call.trace_id), Role::Dim);
    say("span", text(&call.span_id), Role::Dim);
    say("parent", text(&call.parent_id), Role::Dim);
    say("read from", record.source.clone(), Role::Dim);
    say("text", (!has_text(record)).then(|| no_text(record).to_owned()), Role::Dim);
    out
}

fn tokens(all: u64, parts: &[(&str, Option<u64>)]) -> String {
    let known = parts.iter().filter_map(|(name, n)| n.map(|n| format!("{name} {}", units::count(n))));
    let known: Vec<String> = known.collect();
    let of = if known.is_empty() { String::new() } else { format!(" ({})", known.join(", ")) };
    format!("{} tokens{of}", units::count(all))
}

fn speed(call: &Call) -> Option<String> {
    let milli = output_speed(call.output_tokens, call.latency_us, call.ttft_us)?;
    Some(format!("{} tokens/s", units::compact((milli as f64 / 1e3).round())))
}

/// Where the values of facts begin.
const VALUES_AT: u16 = 13;

/// Values of words take as many lines as they need; those of one word, such as ids, are cut.
fn wrapped(facts: &[Fact], width: usize) -> Vec<Fact> {
    const MOST: usize = 4;
    let lines = |(name, value, role): &Fact| -> Vec<Fact> {
        if clean::width(&clean(value)) <= width || !value.contains(' ') {
            return vec![(*name, value.clone(), *role)];
        }
        let parts = clean::wrap(value, width, MOST).into_iter().enumerate();
        parts.map(|(i, part)| (if i == 0 { *name } else { "" }, part, *role)).collect()
    };
    facts.iter().flat_map(lines).collect()
}

fn draw_facts(pen: &mut Pen, area: Rect, facts: &[Fact], skip: usize) {
    let lines = wrapped(facts, usize::from(area.width.saturating_sub(VALUES_AT + 2)));
    let below = lines.len().saturating_sub(usize::from(area.height.saturating_sub(2)));
    let more = if below > skip { format!("{} more below", below - skip) } else { String::new() };
    let inner = pen.panel_with(area, &[("record", Role::Title), (&more, Role::Dim)]);
    for (i, (name, value, role)) in lines.iter().skip(skip.min(below)).take(usize::from(inner.height)).enumerate() {
        let y = inner.y + i as u16;
        pen.text(inner.x + 1, y, 12.min(inner.width.saturating_sub(1)), name, Role::Dim);
        pen.text(inner.x + VALUES_AT, y, inner.width.saturating_sub(VALUES_AT), value, *role);
    }
}

/// The text of a call by its parts; the error is no secret, the rest is.
fn sections<'a>(call: &'a Call) -> Vec<(&'static str, &'a str)> {
    let prompt = call.prompt.as_deref().or(call.prompt_preview.as_deref());
    let parts = [
        ("prompt", prompt),
        ("answer", call.response.as_deref()),
        ("tool calls", call.tool_calls.as_deref()),
        ("guardrails", call.guardrail.as_deref()),
    ];
    parts.into_iter().filter_map(|(name, text)| Some((name, text?))).collect()
}

/// Whether there is anything to cover.
pub(crate) fn has_text(record: &Record) -> bool {
    !sections(&record.call).is_empty()
}

fn draw_text(pen: &mut Pen, area: Rect, scene: &Scene, record: &Record, scroll: usize) {
    let hint = match scene.ui.mask {
        _ if !has_text(record) => "",
        Mask::Covered => "covered; m shows it",
        Mask::Open => "m covers it",
    };
    let inner = pen.panel_with(area, &[("text", Role::Title), (hint, Role::Dim)]);
    let inner = Rect { x: inner.x + 1, width: inner.width.saturating_sub(2), ..inner };
    let lines = text_lines(record, scene.ui.mask, usize::from(inner.width));
    let visible = usize::from(inner.height);
    let scroll = scroll.min(lines.len().saturating_sub(visible));
    for (i, (line, role)) in lines.iter().skip(scroll).take(visible).enumerate() {
        pen.text(inner.x, inner.y + i as u16, inner.width, line, *role);
    }
}

/// Most rows of text that can be scrolled through.
const ROWS: usize = 5_000;

fn text_lines(record: &Record, mask: Mask, width: usize) -> Vec<(String, Role)> {
    let call = &record.call;
    let mut out = Vec::new();
    if let Some(message) = call.error_message.as_deref() {
        out.extend(clean::wrap(message, width, 40).into_iter().map(|l| (l, Role::Bad)));
        out.push((String::new(), Role::Text));
    }
    for (name, text) in sections(call) {
        let count = format!("{name}, {} characters", units::count(text.chars().count() as u64));
        out.push((count, Role::Strong));
        match mask {
            Mask::Covered => out.push(("••••••••••••••••".to_owned(), Role::Dim)),
            Mask::Open => out.extend(clean::wrap(text, width, ROWS).into_iter().map(|l| (l, Role::Text))),
        }
        out.push((String::new(), Role::Text));
    }
    if !has_text(record) {
        out.push((no_text(record).to_owned(), Role::Dim));
    }
    out
}

/// The record as text for the clipboard; prompts and answers only where they are shown.
pub(crate) fn as_text(record: &Record, zone: Zone, mask: Mask) -> String {
    let mut out = String::new();
    let mut line = |name: &str, value: &str| {
        out.push_str(&clean(&format!("{name}: {value}")));
        out.push('\n');
    };
    for (name, value, _) in facts(record, zone).iter().filter(|(name, ..)| !name.is_empty()) {
        line(name.trim(), value);
    }
    record.call.error_message.iter().for_each(|m| line("message", m));
    if mask == Mask::Open {
        sections(&record.call).into_iter().for_each(|(name, text)| line(name, text));
    }
    out
}

//! One step of a trace: its facts on the left, what went in and came out on the right, covered until asked for.

use crate::snapshot::traces::{Part, is_open};
use crate::tui::clean::{self, clean};
use crate::tui::live::Scene;
use crate::tui::pen::{self, Pen};
use crate::tui::theme::Role;
use crate::tui::ui::{Mask, StepText};
use crate::units::{self, Zone};
use ratatui::layout::Rect;
use serde_json::Value;

/// Most rows of text that can be scrolled through.
const ROWS: usize = 5_000;

type Line = (String, Role);

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// Everything known of a step but its text.
fn facts(part: &Part, zone: Zone) -> Vec<(String, String, Role)> {
    let mut out = Vec::new();
    let mut say =
        |name: &str, value: Option<String>, role| out.extend(value.map(|value| (name.to_owned(), value, role)));
    say("step", Some(part.label().to_owned()), Role::Strong);
    say("kind", Some(part.kind.word().to_owned()), Role::Text);
    let how = part.outcome.map(|outcome| if outcome.is_error() { "error" } else { "ok" }.to_owned());
    say("outcome", how, if part.has_failed() { Role::Bad } else { Role::Text });
    say("message", part.error.clone(), Role::Bad);
    say("took", part.latency_us.map(|us| units::duration_us(us as f64)), Role::Strong);
    say("began", Some(units::time(part.start_us(), zone, "%Y-%m-%d %H:%M:%S%.3f")), Role::Text);
    say("ended", Some(units::time(part.end_us(), zone, "%Y-%m-%d %H:%M:%S%.3f")), Role::Text);
    say("user", part.user.clone(), Role::Text);
    say("session", part.session.clone(), Role::Text);
    for (name, value) in part.attributes().iter().filter(|(name, _)| is_open(name)) {
        say(name, Some(plain(value)), Role::Text);
    }
    say("span", part.span_id.clone(), Role::Dim);
    say("parent", part.parent_id.clone(), Role::Dim);
    out
}

/// What went in, what came out, and the rest.
fn texts(part: &Part) -> Vec<(String, String)> {
    let mut texts: Vec<(String, String)> = part
        .attributes()
        .iter()
        .filter(|(name, _)| !is_open(name))
        .map(|(name, value)| (name.clone(), plain(value)))
        .collect();
    let rank =
        |name: &str| ["input", "arguments", "query", "output", "result"].iter().position(|n| *n == name).unwrap_or(9);
    texts.sort_by_key(|(name, _)| rank(name));
    texts
}

fn text_lines(part: &Part, mask: Mask, width: usize) -> Vec<Line> {
    let mut out = Vec::new();
    for (name, text) in texts(part) {
        out.push((format!("{name}, {} characters", units::count(text.chars().count() as u64)), Role::Strong));
        match mask {
            Mask::Covered => out.push(("••••••••••••••••".to_owned(), Role::Dim)),
            Mask::Open => out.extend(clean::wrap(&text, width, ROWS).into_iter().map(|line| (line, Role::Text))),
        }
        out.push((String::new(), Role::Text));
    }
    if out.is_empty() {
        out.push(("the log held neither input nor output of this step".to_owned(), Role::Dim));
    }
    out
}

/// Draws it.
pub(crate) fn draw(pen: &mut Pen, area: Rect, scene: &Scene, open: &StepText) {
    let part = open.part.as_ref();
    let (left, right) =
        if area.width >= 90 { pen::left(area, (area.width * 2 / 5).min(70)) } else { pen::halves_of(area) };
    let inner = pen.panel(left, "step");
    let width = usize::from(inner.width.saturating_sub(14));
    let lines = facts(part, scene.ui.zone).into_iter().flat_map(|(name, value, role)| {
        let lines = clean::wrap(&value, width.max(1), 6).into_iter().enumerate();
        lines.map(move |(i, line)| (if i == 0 { name.clone() } else { String::new() }, line, role)).collect::<Vec<_>>()
    });
    for (i, (name, line, role)) in lines.take(usize::from(inner.height)).enumerate() {
        let y = inner.y + i as u16;
        pen.text(inner.x + 1, y, 12.min(inner.width.saturating_sub(1)), &name, Role::Dim);
        pen.text(inner.x + 13, y, inner.width.saturating_sub(13), &line, role);
    }
    let hint = match scene.ui.mask {
        _ if texts(part).is_empty() => "",
        Mask::Covered => "covered; m shows it",
        Mask::Open => "m covers it",
    };
    let inner = pen.panel_with(right, &[("input and output", Role::Title), (hint, Role::Dim)]);
    let lines = text_lines(part, scene.ui.mask, usize::from(inner.width.saturating_sub(2)));
    let scroll = open.scroll.min(lines.len().saturating_sub(usize::from(inner.height)));
    super::lines(pen, inner, &lines[scroll..]);
}

/// The step as text for the clipboard; its input and output only where they are shown.
pub(crate) fn as_text(part: &Part, zone: Zone, mask: Mask) -> String {
    let mut out = String::new();
    let mut line = |name: &str, value: &str| {
        out.push_str(&clean(&format!("{name}: {value}")));
        out.push('\n');
    };
    facts(part, zone).iter().for_each(|(name, value, _)| line(name, value));
    if mask == Mask::Open {
        texts(part).iter().for_each(|(name, text)| line(name, text));
    }
    out
}

//! A trace or a conversation in full size: what it came to, why it took so long, its parts.

mod step;
mod turns;
mod waterfall;
mod words;

pub(crate) use step::{as_text, draw as draw_step};

use super::live::Scene;
use super::pen::{self, Pen};
use super::theme::Role;
use super::ui::{Reading, Telling};
use crate::snapshot::traces::{Story, Trace};
use ratatui::layout::Rect;

/// Draws it.
pub(crate) fn draw(pen: &mut Pen, area: Rect, scene: &Scene, reading: &Reading) {
    match &reading.found {
        Telling::Asked => say(pen, area, "asking for the trace …"),
        Telling::Gone => say(pen, area, "the store has nothing of this trace any more"),
        Telling::Here(story) => match story.as_ref() {
            Story::Trace(trace) => draw_trace(pen, area, scene, (trace, reading.cursor)),
            Story::Session(told) => turns::draw(pen, area, scene, (told, reading.cursor)),
        },
    }
}

fn say(pen: &mut Pen, area: Rect, text: &str) {
    let inner = pen.panel(area, "trace");
    pen.words(inner, &[(text.to_owned(), Role::Dim)]);
}

fn draw_trace(pen: &mut Pen, area: Rect, scene: &Scene, (trace, cursor): (&Trace, usize)) {
    let width = usize::from(area.width.saturating_sub(4));
    let told = words::lines(trace, scene.ui.zone, width);
    let about = trace.tree.nodes.get(cursor).map(|node| words::about(node, &trace.tree));
    // The waterfall keeps most of a small screen.
    let most = area.height / 3;
    let head = u16::try_from(told.len() + 2).unwrap_or(u16::MAX).min(most);
    let head = if head < 3 { 0 } else { head };
    let (above, rest) = pen::top(area, head);
    let (middle, below) = pen::bottom(rest, if area.height >= 16 { 4 } else { 0 });
    if head > 0 {
        let title = words::title(trace);
        let inner = pen.panel_with(above, &[("trace", Role::Title), (&title, Role::Dim)]);
        lines(pen, inner, &told);
    }
    waterfall::draw(pen, middle, (trace, cursor));
    if below.height > 0 {
        let inner = pen.panel(below, "this step");
        lines(pen, inner, &about.unwrap_or_default());
    }
}

/// Lines of text with a column of room at each side.
fn lines(pen: &mut Pen, area: Rect, lines: &[(String, Role)]) {
    for (i, (text, role)) in lines.iter().take(usize::from(area.height)).enumerate() {
        pen.text(area.x + 1, area.y + i as u16, area.width.saturating_sub(2), text, *role);
    }
}

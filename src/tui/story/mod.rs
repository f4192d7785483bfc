//! A trace or a conversation in full size: what it came to, why it took so long, its parts.

mod step;
mod turns;
mod waterfall;
mod words;

pub(crate) use step::{as_text, draw as draw_step};

use super::live::Scene;
use super::pen::{self, Pen};
use super::theme::Role;
use super::ui::{Part, Reading, Telling};
use crate::snapshot::traces::{Story, Trace};
use ratatui::layout::Rect;

/// Draws it.
pub(crate) fn draw(pen: &mut Pen, area: Rect, scene: &Scene, reading: &Reading) {
    match &reading.found {
        Telling::Asked => say(pen, area, "asking for the trace …"),
        Telling::Gone => say(pen, area, "the store has nothing of this trace any more"),
        Telling::Here(story) => match story.as_ref() {
            Story::Trace(trace) => draw_trace(pen, area, scene, (trace, reading)),
            Story::Session(told) => turns::draw(pen, area, scene, (told, reading.cursor)),
        },
    }
}

fn say(pen: &mut Pen, area: Rect, text: &str) {
    let inner = pen.panel(area, "trace");
    pen.words(inner, &[(text.to_owned(), Role::Dim)]);
}

fn draw_trace(pen: &mut Pen, area: Rect, scene: &Scene, (trace, reading): (&Trace, &Reading)) {
    let cursor = reading.cursor;
    let told = words::lines(trace, scene.ui.zone, usize::from(area.width.saturating_sub(4)));
    let wanted = u16::try_from(told.len() + 2).unwrap_or(u16::MAX);
    let (head, foot) = match reading.part {
        // The waterfall keeps most of a small screen.
        Part::Both => (wanted.min(area.height / 3), if area.height >= 16 { 4 } else { 0 }),
        Part::Facts => (area.height, 0),
        Part::Text => (0, 0),
    };
    let (above, rest) = pen::top(area, if head < 3 { 0 } else { head });
    let (middle, below) = pen::bottom(rest, foot);
    if above.height > 0 {
        let title = words::title(trace);
        let inner = pen.panel_with(above, &[("trace", Role::Title), (&title, Role::Dim)]);
        pen.hidden(inner, told.len().saturating_sub(usize::from(inner.height)));
        lines(pen, inner, &told);
    }
    if middle.height > 0 {
        waterfall::draw(pen, middle, (trace, cursor));
    }
    if below.height > 0 {
        let inner = pen.panel(below, "this step");
        let about = trace.tree.nodes.get(cursor).map(|node| words::about(node, &trace.tree));
        lines(pen, inner, &about.unwrap_or_default());
    }
}

/// Lines of text with a column of room at each side.
fn lines(pen: &mut Pen, area: Rect, lines: &[(String, Role)]) {
    for (i, (text, role)) in lines.iter().take(usize::from(area.height)).enumerate() {
        pen.text(area.x + 1, area.y + i as u16, area.width.saturating_sub(2), text, *role);
    }
}

//! The help: made from the key table, with the signs and the filter language below.

use super::keys::{Context, KEYS};
use super::panes;
use super::pen::Pen;
use super::theme::Role;
use super::ui;
use ratatui::layout::Rect;

const NOTES: &[(&str, &str)] = &[
    ("~1.23s", "a guess: fewer than 20 calls for p95, 100 for p99"),
    ("▲ ▼", "against the window before, of the same length"),
    ("–", "unknown; nothing said so"),
    ("≥$1.20", "some calls have no price"),
    ("Δp95", "change of the 95th percentile"),
    ("ttft95", "95th percentile of the time to first token"),
    ("model:a,b*", "a comma is OR, * stands for anything"),
    ("-status:ok", "a minus turns around; a space is AND"),
    ("latency>5s", "also ttft, cost, tokens; < <= >="),
    ("\"text\"", "anywhere in a record"),
];

/// Draws the keys in as many columns as there is room for.
pub(crate) fn draw(pen: &mut Pen, area: Rect, scroll: usize) {
    let inner = pen.panel(area, "keys");
    let inner = Rect { x: inner.x + 1, width: inner.width.saturating_sub(1), ..inner };
    let rows = rows();
    let columns = usize::from((inner.width / 46).clamp(1, 3));
    let each = rows.len().div_ceil(columns);
    let visible = usize::from(inner.height);
    let scroll = scroll.min(each.saturating_sub(visible));
    let wide = inner.width / columns as u16;
    for (i, (left, right)) in rows.iter().enumerate() {
        let (column, row) = (i / each, i % each);
        if row < scroll || row - scroll >= visible {
            continue;
        }
        let (x, y) = (inner.x + column as u16 * wide, inner.y + (row - scroll) as u16);
        pen.text(x, y, 14.min(wide), left, Role::Strong);
        pen.text(x + 15, y, wide.saturating_sub(16), right, Role::Text);
    }
}

fn rows() -> Vec<(String, String)> {
    let last = panes::key_of(panes::ALL.len().clamp(1, 10) - 1).map_or_else(String::new, String::from);
    let keys = if last == "0" { "1 … 9 0".to_owned() } else { format!("1 … {last}") };
    let mut out = vec![(keys, "a pane".to_owned())];
    let shown = KEYS.iter().filter(|b| !b.help.is_empty() && !b.contexts.contains(&Context::Line));
    out.extend(shown.map(|b| {
        let keys: Vec<String> = b.keys.iter().take(3).map(|k| k.name()).collect();
        (keys.join(" "), b.help.to_owned())
    }));
    out.extend(ui::COMMANDS.iter().map(|c| (format!(":{}", c.word), c.takes.to_owned())));
    out.extend(NOTES.iter().map(|(sign, says)| ((*sign).to_owned(), (*says).to_owned())));
    out
}

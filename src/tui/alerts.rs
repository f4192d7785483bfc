//! The alerts: every rule with where it stands, what fires first.

use super::live::{Alarm, Scene, Standing};
use super::pen::Pen;
use super::theme::Role;
use crate::units;
use ratatui::layout::Rect;
use unicode_width::UnicodeWidthStr;

/// What a standing is called, and its colour.
const fn shown(standing: Standing) -> (&'static str, Role) {
    match standing {
        Standing::Quiet => ("quiet", Role::Dim),
        Standing::Pending => ("· pending", Role::Text),
        Standing::Warning => ("△ warns", Role::Warn),
        Standing::Firing => ("▲ fires", Role::Bad),
    }
}

/// An alarm in lines: how it stands, and in full what it watches.
fn lines(alarm: &Alarm, scene: &Scene, width: usize) -> Vec<(String, Role)> {
    let (word, role) = shown(alarm.standing);
    let value = alarm.value.as_deref().unwrap_or(units::UNKNOWN);
    let since = alarm.since_us.map(|us| format!("  since {}", units::time(us, scene.ui.zone, "%m-%d %H:%M")));
    let head = format!("{word:<9} {}  {value}{}", alarm.name, since.unwrap_or_default());
    let head = wrapped(&head, width, "          ").into_iter().map(|line| (line, role));
    let words = wrapped(&format!("          {}", alarm.words), width, "          ");
    head.chain(words.into_iter().map(|line| (line, Role::Dim))).collect()
}

/// Words in lines of a width, all but the first behind `indent`.
fn wrapped(text: &str, width: usize, indent: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_inclusive(' ') {
        let is_full = |line: &String| line.width() + word.trim_end().width() > width && line.trim() != "";
        if lines.last().is_some_and(is_full) {
            lines.push(indent.to_owned());
        }
        if let Some(line) = lines.last_mut() {
            line.push_str(word);
        }
    }
    lines
}

/// Draws them from a row on.
pub(crate) fn draw(pen: &mut Pen, area: Rect, scene: &Scene, scroll: usize) {
    let alarms = &scene.live.alarms;
    let firing = alarms.iter().filter(|alarm| alarm.standing >= Standing::Warning).count();
    let count = match alarms.len() {
        0 => String::new(),
        all => format!("{firing} of {all} stand out"),
    };
    let inner = pen.panel_with(area, &[("alerts", Role::Title), (&count, Role::Dim)]);
    if alarms.is_empty() {
        let words = [
            "nothing is watched, or has been looked at yet",
            "rules are [[alert]] in the configuration, and every [[budget]] warns by itself",
        ];
        return pen.words(inner, &words.map(|line| (line.to_owned(), Role::Dim)));
    }
    let mut rows: Vec<&Alarm> = alarms.iter().collect();
    rows.sort_by_key(|alarm| std::cmp::Reverse(alarm.standing));
    let lines: Vec<_> = rows.iter().flat_map(|alarm| lines(alarm, scene, usize::from(inner.width))).collect();
    let visible = usize::from(inner.height).max(1);
    let shown = &lines[scroll.min(lines.len().saturating_sub(visible))..];
    for (y, (line, role)) in (inner.y..inner.bottom()).zip(shown) {
        pen.text(inner.x, y, inner.width, line, *role);
    }
}

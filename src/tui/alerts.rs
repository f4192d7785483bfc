//! The alerts: every rule with where it stands, what fires first.

use super::live::{Alarm, Scene, Standing};
use super::pen::Pen;
use super::theme::Role;
use super::widgets::table::{Cell, Column, Side, Table, Width};
use crate::units;
use ratatui::layout::Rect;
use std::borrow::Cow;

static COLUMNS: &[Column<Alarm>] = &[
    Column { head: "state", width: Width::Fixed(9), side: Side::Left, rank: 0, cell: state, key: None },
    Column { head: "alert", width: Width::Between(12, 32), side: Side::Left, rank: 0, cell: name, key: None },
    Column { head: "now", width: Width::Fixed(10), side: Side::Right, rank: 1, cell: value, key: None },
    Column { head: "since", width: Width::Fixed(11), side: Side::Left, rank: 3, cell: since, key: None },
    Column { head: "what", width: Width::Between(20, 200), side: Side::Left, rank: 2, cell: words, key: None },
];

/// What a standing is called, and its colour.
const fn shown(standing: Standing) -> (&'static str, Role) {
    match standing {
        Standing::Quiet => ("quiet", Role::Dim),
        Standing::Pending => ("· pending", Role::Text),
        Standing::Warning => ("△ warns", Role::Warn),
        Standing::Firing => ("▲ fires", Role::Bad),
    }
}

fn state<'a>(alarm: &'a Alarm, _: &Scene<'a>) -> Cell<'a> {
    let (word, role) = shown(alarm.standing);
    Cell::Text(Cow::Borrowed(word), role)
}

fn name<'a>(alarm: &'a Alarm, _: &Scene<'a>) -> Cell<'a> {
    Cell::plain(alarm.name.as_str())
}

fn value<'a>(alarm: &'a Alarm, _: &Scene<'a>) -> Cell<'a> {
    let value = alarm.value.as_deref().unwrap_or(units::UNKNOWN);
    Cell::Text(Cow::Borrowed(value), if alarm.standing == Standing::Quiet { Role::Dim } else { Role::Strong })
}

fn since<'a>(alarm: &'a Alarm, scene: &Scene<'a>) -> Cell<'a> {
    let text = |us| units::time(us, scene.ui.zone, "%m-%d %H:%M");
    Cell::dim(alarm.since_us.map_or_else(String::new, text))
}

fn words<'a>(alarm: &'a Alarm, _: &Scene<'a>) -> Cell<'a> {
    Cell::dim(alarm.words.as_str())
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
    let visible = usize::from(inner.height.saturating_sub(1)).max(1);
    let rows = &rows[scroll.min(rows.len().saturating_sub(visible))..];
    Table { columns: COLUMNS, rows, sorted: None, cursor: None }.draw(pen, inner, scene);
}

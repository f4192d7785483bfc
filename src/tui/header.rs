//! The first line: source, feed, window, filter on the left, what became of the lines read on the right. Where room runs
//! out, each part has shorter forms, and each form its place in the order in which they give way.

use super::clean::{fit, width};
use super::figures;
use super::live::{Alarm, Feed, Scene, Standing};
use super::pen::Pen;
use super::theme::Role;
use crate::units;
use crate::view::Anchor;
use ratatui::layout::Rect;

/// A part of the header: its forms, the longest first, each with a rank: the form of the highest rank gives way first.
struct Part {
    forms: Vec<(String, u8)>,
    role: Role,
}

fn part(role: Role, forms: impl IntoIterator<Item = (String, u8)>) -> Part {
    Part { forms: forms.into_iter().filter(|(text, _)| !text.is_empty()).collect(), role }
}

/// Draws it.
pub(crate) fn draw(pen: &mut Pen, area: Rect, scene: &Scene) {
    let mut parts = left_parts(scene);
    let split = parts.len();
    parts.extend(right_parts(scene));
    shorten(&mut parts, usize::from(area.width));
    let mut x = area.x;
    for (text, role) in parts.iter().take(split).filter_map(shown) {
        x += pen.text(x, area.y, area.right().saturating_sub(x), text, role) + 2;
    }
    let mut end = area.right();
    for (text, role) in parts.iter().skip(split).rev().filter_map(shown) {
        let wide = width(text) as u16;
        end = end.saturating_sub(wide);
        pen.text(end, area.y, wide, text, role);
        end = end.saturating_sub(2);
    }
}

fn shown(part: &Part) -> Option<(&str, Role)> {
    part.forms.first().map(|(text, _)| (text.as_str(), part.role))
}

/// Lets forms give way until the rest fits; the last one stays, to be cut.
fn shorten(parts: &mut [Part], room: usize) {
    let used = |parts: &[Part]| {
        let columns: usize = parts.iter().filter_map(shown).map(|(text, _)| width(text) + 2).sum();
        columns.saturating_sub(2)
    };
    while used(parts) > room && parts.iter().map(|p| p.forms.len()).sum::<usize>() > 1 {
        let rank = |part: &&mut Part| part.forms.first().map(|(_, rank)| *rank);
        if let Some(part) = parts.iter_mut().max_by_key(rank) {
            part.forms.remove(0);
        }
    }
}

fn left_parts(scene: &Scene) -> Vec<Part> {
    let source = &scene.live.source;
    let filter = scene.ui.filter.to_string();
    let filter = if filter.is_empty() { filter } else { format!("/ {filter}") };
    let short = |text: &str, most: usize| fit(text, most).into_owned();
    let (feed, feed_role) = feed_words(scene);
    let window = scene.ui.window_words();
    let bare = window.strip_prefix("last ").unwrap_or(&window).to_owned();
    let times = times(scene);
    let of_the_log = if is_old_log(scene) { format!("{window} of the log") } else { String::new() };
    vec![
        part(Role::Title, [("llmtop".to_owned(), 17)]),
        part(Role::Text, [(short(source, 28), 13), (short(source, 16), 9)]),
        part(feed_role, [(feed, 5)]),
        alarm(scene),
        part(Role::Strong, [(of_the_log, 16), (window, 14), (bare, 1)]),
        part(Role::Dim, [(format!("◂ {times} ▸"), 15), (times, 8)]),
        part(Role::Warn, [(short(&filter, 60), 11), (short(&filter, 30), 10), (short(&filter, 16), 4)]),
    ]
}

/// The worst alert that stands out, by its name, and how many more do.
fn alarm(scene: &Scene) -> Part {
    let Some((worst, others)) = Alarm::worst(&scene.live.alarms) else { return part(Role::Text, []) };
    let (sign, role) = if worst.standing == Standing::Firing { ('▲', Role::Bad) } else { ('△', Role::Warn) };
    let more = if others > 0 { format!(" +{others}") } else { String::new() };
    let form = |most| format!("{sign} {}{more}", fit(&worst.name, most));
    part(role, [(form(28), 12), (form(14), 2)])
}

fn right_parts(scene: &Scene) -> Vec<Part> {
    let a = &scene.snapshot.accounting;
    // What is not there to be worried about goes before what is.
    let count = |n: u64, word: &str, role: Role, (rank, rank_of_none): (u8, u8)| {
        let (role, rank) = if n > 0 { (role, rank) } else { (Role::Dim, rank_of_none) };
        part(role, [(format!("{word} {}", figures::count(n)), rank)])
    };
    vec![
        count(a.read, "read", Role::Dim, (6, 6)),
        count(a.rejected, "rejected", Role::Warn, (3, 7)),
        count(scene.live.lost, "lost", Role::Bad, (0, 19)),
    ]
}

/// Whether the last hour of the log is not the last hour on the clock.
fn is_old_log(scene: &Scene) -> bool {
    let range = scene.snapshot.range;
    let follows = matches!(scene.snapshot.view.window.anchor, Anchor::Auto);
    let is_old = scene.snapshot.now_us.saturating_sub(range.until_us) > range.len_us();
    follows && is_old && scene.ui.window_words().starts_with("last")
}

/// `14:02–14:17`: the times of the window shown.
fn times(scene: &Scene) -> String {
    let range = scene.snapshot.range;
    let zone = scene.ui.zone;
    let day = |ts| units::time(ts, zone, "%Y-%m-%d");
    let year = |ts| units::time(ts, zone, "%Y");
    let form = match range.len_us() {
        l if l <= 60_000_000 => "%H:%M:%S",
        l if l <= 86_400_000_000 && day(range.since_us) == day(range.until_us) => "%H:%M",
        l if l <= 7 * 86_400_000_000 && year(range.since_us) == year(scene.snapshot.now_us) => "%m-%d %H:%M",
        l if l <= 7 * 86_400_000_000 => "%Y-%m-%d %H:%M",
        _ => "%Y-%m-%d",
    };
    let old = scene.snapshot.now_us.saturating_sub(range.until_us) > 86_400_000_000;
    let date = if old && form.starts_with("%H") { day(range.until_us) + " " } else { String::new() };
    let zone_name = if zone == units::Zone::Utc { " UTC" } else { "" };
    // Up to a day the second date follows from the first.
    let to_form = if range.len_us() <= 86_400_000_000 && form.ends_with("%H:%M") { "%H:%M" } else { form };
    let (from, to) = (units::time(range.since_us, zone, form), units::time(range.until_us, zone, to_form));
    format!("{date}{from}–{to}{zone_name}")
}

fn feed_words(scene: &Scene) -> (String, Role) {
    if scene.ui.is_paused() {
        return ("⏸ paused".to_owned(), Role::Warn);
    }
    if let Some(us) = scene.live.stale_us {
        return (format!("stale {}", units::duration_us(us as f64)), Role::Warn);
    }
    let scan = scene.snapshot.scan;
    if scan.rows && scan.covered < 1.0 {
        return (format!("partial {}", units::percent(scan.covered)), Role::Warn);
    }
    // A newer window, filter or size that the store has not answered yet.
    if scene.snapshot.view != scene.ui.view() {
        return ("… asking".to_owned(), Role::Dim);
    }
    if let (Anchor::At(_), false) = (scene.ui.window.anchor, matches!(scene.live.feed, Feed::Loading { .. })) {
        return ("◂ in the past".to_owned(), Role::Warn);
    }
    match &scene.live.feed {
        Feed::Idle => (String::new(), Role::Dim),
        Feed::Live => ("● live".to_owned(), Role::Text),
        Feed::Ended => ("■ ended".to_owned(), Role::Dim),
        Feed::Loading { done, total, .. } if *total > 0 => {
            (format!("↓ loading {}", whole_percent(*done as f64 / *total as f64)), Role::Warn)
        }
        Feed::Loading { .. } => ("↓ loading".to_owned(), Role::Warn),
        Feed::Replay { speed } if *speed > 0.0 => (format!("▶ replay {}×", units::compact(*speed)), Role::Text),
        Feed::Replay { .. } => ("▶ replay".to_owned(), Role::Text),
    }
}

fn whole_percent(share: f64) -> String {
    format!("{:.0} %", (share * 100.0).clamp(0.0, 100.0).floor())
}

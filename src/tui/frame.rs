//! A whole frame: the header line, the body, the footer; a notice lies over the last row of the body, so that nothing
//! moves when one comes and goes.

use super::clean::width;
use super::keys::{Action, Binding, Context, KEYS};
use super::live::{Feed, Live, Scene};
use super::mouse::Spots;
use super::pen::Pen;
use super::theme::{Ink, Role};
use super::ui::{Line, Message, Mode, Ui};
use super::widgets::bar;
use super::{details, figures, help, panes, states};
use crate::snapshot::Snapshot;
use crate::units;
use crate::view::{Anchor, Filter};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

/// Draws a frame. Pure: it looks at its arguments alone.
pub fn draw(frame: &mut ratatui::Frame, snapshot: &Snapshot, live: &Live, ui: &Ui) {
    paint(frame.buffer_mut(), snapshot, live, ui);
}

/// Draws into a buffer; answers what can be clicked on it.
pub fn paint(buffer: &mut Buffer, snapshot: &Snapshot, live: &Live, ui: &Ui) -> Spots {
    let area = buffer.area;
    if area.width == 0 || area.height == 0 {
        return Spots::default();
    }
    let scene = Scene { snapshot, live, ui };
    let mut pen = Pen::new(buffer, ui.theme);
    let body = panes::body(area);
    header(&mut pen, Rect { height: 1, ..area }, &scene);
    match &ui.mode {
        Mode::Help { scroll } => help::draw(&mut pen, body, *scroll),
        Mode::Details(open) => details::draw(&mut pen, body, &scene, open),
        _ => match states::words(&scene) {
            Some(words) => pen.words(body, &words),
            None => panes::draw(&mut pen, body, &scene),
        },
    }
    if area.height >= 3 {
        let footer = Rect { y: area.bottom() - 1, height: 1, ..area };
        let above = Rect { y: footer.y.saturating_sub(1), ..footer };
        bottom(&mut pen, above, footer, &scene);
    }
    pen.spots()
}

/// A part of the header: what it says, how it looks, which rank it has; high ranks go first where room runs out.
struct Part {
    text: String,
    role: Role,
    rank: u8,
}

fn part(text: impl Into<String>, role: Role, rank: u8) -> Part {
    Part { text: text.into(), role, rank }
}

fn header(pen: &mut Pen, area: Rect, scene: &Scene) {
    let mut parts = left_parts(scene);
    let split = parts.len();
    parts.extend(right_parts(scene));
    parts.iter_mut().for_each(|p| p.text = super::clean::fit(&p.text, 60).into_owned());
    let room = usize::from(area.width);
    let mut keep: Vec<bool> = parts.iter().map(|p| !p.text.is_empty()).collect();
    let used = |keep: &[bool]| -> usize {
        let shown = parts.iter().zip(keep).filter(|(_, k)| **k);
        shown.map(|(p, _)| width(&p.text) + 2).sum::<usize>().saturating_sub(2)
    };
    while used(&keep) > room {
        let Some(last) = (0..parts.len()).filter(|i| keep[*i]).max_by_key(|i| parts[*i].rank) else { break };
        if keep.iter().filter(|k| **k).count() == 1 {
            break;
        }
        keep[last] = false;
    }
    let mut x = area.x;
    for (p, _) in parts.iter().zip(&keep).take(split).filter(|(_, k)| **k) {
        x += pen.text(x, area.y, area.right().saturating_sub(x), &p.text, p.role) + 2;
    }
    let mut end = area.right();
    for (p, _) in parts.iter().zip(&keep).skip(split).rev().filter(|(_, k)| **k) {
        let wide = width(&p.text) as u16;
        end = end.saturating_sub(wide);
        pen.text(end, area.y, wide, &p.text, p.role);
        end = end.saturating_sub(2);
    }
}

fn left_parts(scene: &Scene) -> Vec<Part> {
    let (ui, live) = (scene.ui, scene.live);
    let filter = ui.filter.to_string();
    let filter = if filter.is_empty() { part("", Role::Dim, 0) } else { part(format!("/ {filter}"), Role::Warn, 2) };
    let feed = feed_words(scene);
    vec![
        part("llmtop", Role::Title, 7),
        part(super::clean::fit(&live.source, 28), Role::Text, 6),
        part(feed.0, feed.1, 3),
        part(window_words(scene), Role::Strong, 1),
        part(times(scene), Role::Dim, 5),
        filter,
    ]
}

/// `last 1h`; of an old log, where that is not the last hour on the clock, it says so.
fn window_words(scene: &Scene) -> String {
    let (words, range) = (scene.ui.window_words(), scene.snapshot.range);
    let follows = matches!(scene.snapshot.view.window.anchor, Anchor::Auto);
    let is_old = scene.snapshot.now_us.saturating_sub(range.until_us) > range.len_us();
    if follows && is_old && words.starts_with("last") { words + " of the log" } else { words }
}

/// `◂ 14:02–14:17 ▸`: the times of the window shown.
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
    format!("◂ {date}{from}–{to}{zone_name} ▸")
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

fn right_parts(scene: &Scene) -> Vec<Part> {
    let a = &scene.snapshot.accounting;
    let some = |n: u64, word: &str, role: Role, rank: u8| {
        let role = if n > 0 { role } else { Role::Dim };
        part(format!("{word} {}", figures::count(n)), role, if n > 0 { rank } else { 9 })
    };
    vec![
        some(a.read, "read", Role::Dim, 8),
        some(a.rejected, "rejected", Role::Warn, 4),
        some(scene.live.lost, "lost", Role::Bad, 0),
    ]
}

fn bottom(pen: &mut Pen, above: Rect, footer: Rect, scene: &Scene) {
    match &scene.ui.mode {
        Mode::Filter(line) => {
            let fault = Filter::parse(line.text()).err();
            typed(pen, footer, "/", line);
            match fault {
                Some(e) if line.text().trim().len() > 1 => point_at(pen, above, e.column, &e.why),
                _ => notice(
                    pen,
                    above,
                    scene,
                    "model:gpt-4o*  status:error  error:timeout  latency>5s  -app:batch  \"text\"",
                ),
            }
        }
        Mode::Command(line) => {
            typed(pen, footer, ":", line);
            notice(
                pen,
                above,
                scene,
                "window 1h   filter …   pane errors   by provider   sort p95   theme light   quit",
            );
        }
        _ => {
            tabs(pen, footer, scene);
            notice(pen, above, scene, "");
        }
    }
}

/// The line being typed, with its cursor; a long one is shown around the cursor.
fn typed(pen: &mut Pen, area: Rect, sign: &str, line: &Line) {
    pen.erase(area);
    pen.text(area.x, area.y, 1, sign, Role::Strong);
    let room = usize::from(area.width).saturating_sub(3);
    let skip = line.cursor().saturating_sub(room);
    let shown: String = line.text().chars().skip(skip).collect();
    let before: String = line.text().chars().skip(skip).take(line.cursor() - skip).collect();
    pen.text(area.x + 2, area.y, area.width.saturating_sub(2), &shown, Role::Text);
    let at = area.x + 2 + width(&super::clean(&before)) as u16;
    pen.mark(Rect { x: at.min(area.right() - 1), width: 1, ..area });
}

/// Says what is wrong below—here above—the column where it is.
fn point_at(pen: &mut Pen, area: Rect, column: usize, why: &str) {
    pen.erase(area);
    let at = (column + 1).min(usize::from(area.width).saturating_sub(1)) as u16;
    let wide = width(why) as u16;
    let room = area.width.saturating_sub(at + 2);
    pen.put(area.x + at, area.y, '▼', Role::Bad);
    if wide <= room || at < area.width / 2 {
        pen.text(area.x + at + 2, area.y, room, why, Role::Bad);
    } else {
        let start = at.saturating_sub(wide + 1);
        pen.text(area.x + start, area.y, at.saturating_sub(start + 1), why, Role::Bad);
    }
}

/// The most important thing to say, over the last row of the body.
fn notice(pen: &mut Pen, area: Rect, scene: &Scene, example: &str) {
    let live = scene.live;
    let (text, role) = match (&scene.ui.message, &live.store_error, live.troubles.last()) {
        (Some(Message::Fault(text)), ..) => (text.clone(), Role::Bad),
        (Some(Message::Note(text)), ..) => (text.clone(), Role::Strong),
        (None, Some(error), _) => (format!("store: {error}"), Role::Bad),
        _ if !example.is_empty() => (example.to_owned(), Role::Dim),
        (None, None, Some(trouble)) => {
            let more = if live.troubles.len() > 1 {
                format!(" (and {} more)", live.troubles.len() - 1)
            } else {
                String::new()
            };
            (format!("{trouble}{more}"), Role::Warn)
        }
        (None, None, None) => return progress(pen, area, &live.feed),
    };
    pen.erase(area);
    pen.text(area.x + 1, area.y, area.width.saturating_sub(2), &text, role);
}

/// How far the loading of what was there at the start has come.
fn progress(pen: &mut Pen, area: Rect, feed: &Feed) {
    let Feed::Loading { done, total, lines_per_s, eta_us } = feed else { return };
    pen.erase(area);
    let left = eta_us.map_or(String::new(), |us| format!(" · {} left", units::duration_us(us as f64)));
    let of = if *total > 0 { format!(" of {}", units::bytes(*total)) } else { String::new() };
    let words = format!("{}{of} · {} lines/s{left}", units::bytes(*done), units::compact(lines_per_s.round()));
    let wide = width(&words) as u16 + 1;
    let bar_width = area.width.saturating_sub(wide + 3).min(60);
    if *total > 0 && bar_width >= 8 {
        for x in 0..bar_width {
            pen.put(area.x + 1 + x, area.y, '·', Role::Dim);
        }
        bar::along(pen, area.x + 1, area.y, bar_width, *done as f64 / *total as f64, Role::Series(Ink::Two));
        pen.text(area.x + bar_width + 2, area.y, wide, &words, Role::Text);
    } else {
        pen.text(area.x + 1, area.y, area.width.saturating_sub(1), &words, Role::Text);
    }
}

/// The panes with their numbers, then hints from the key table as far as there is room.
fn tabs(pen: &mut Pen, area: Rect, scene: &Scene) {
    let ui = scene.ui;
    let names: usize = panes::ALL.iter().map(|p| p.title.len() + 3).sum();
    let long = names + 7 <= usize::from(area.width);
    let mut x = area.x;
    for (i, pane) in panes::ALL.iter().enumerate() {
        let here = i == ui.pane;
        let text = if long || here { format!("{} {}", i + 1, pane.title) } else { (i + 1).to_string() };
        let wide = width(&text) as u16;
        if x + wide > area.right() {
            break;
        }
        pen.text(x, area.y, wide, &text, if here { Role::Cursor } else { Role::Dim });
        pen.pane_spot(Rect { x, width: wide, ..area }, i);
        x += wide + 1;
    }
    hints(pen, Rect { x: x + 1, width: area.right().saturating_sub(x + 1), ..area }, ui.context());
}

/// The hints of the key table, at the right edge: help and quit first, then as many as there is room for, in the order
/// of the table.
fn hints(pen: &mut Pen, area: Rect, context: Context) {
    let here = |b: &&Binding| !b.hint.is_empty() && b.contexts.contains(&context);
    let is_last = |b: &&Binding| matches!(b.action, Action::Help | Action::Quit);
    let name = |b: &Binding| b.keys.first().map(|k| k.name()).unwrap_or_default();
    let wide = |b: &Binding| (width(&name(b)) + 3 + width(b.hint)) as u16;
    let mut room = area.width;
    let mut take = |b: &&Binding| room.checked_sub(wide(b)).map(|left| room = left).is_some();
    let last: Vec<_> = KEYS.iter().filter(here).filter(is_last).take_while(&mut take).collect();
    let first: Vec<_> = KEYS.iter().filter(here).filter(|b| !is_last(b)).take_while(&mut take).collect();
    let mut x = area.x + room;
    for binding in first.into_iter().chain(last) {
        x += 2 + pen.text(x + 2, area.y, area.width, &name(binding), Role::Strong);
        x += 1 + pen.text(x + 1, area.y, area.width, binding.hint, Role::Dim);
    }
}

//! A whole frame: the header line, the body, the footer; a notice lies over the last row of the body, so that nothing
//! moves when one comes and goes.

use super::clean::width;
use super::live::{Feed, Live, Scene};
use super::mouse::Spots;
use super::pen::Pen;
use super::theme::{Ink, Role};
use super::ui::{Line, Message, Mode, Ui};
use super::widgets::bar;
use super::{alerts, details, footer, header, help, panes, states, story};
use crate::snapshot::Snapshot;
use crate::units;
use crate::view::Filter;
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
    header::draw(&mut pen, Rect { height: 1, ..area }, &scene);
    match &ui.mode {
        Mode::Help { scroll } => help::draw(&mut pen, body, *scroll),
        Mode::Details(open) => details::draw(&mut pen, body, &scene, open),
        Mode::Story(reading) => story::draw(&mut pen, body, &scene, reading),
        Mode::Step(open) => story::draw_step(&mut pen, body, &scene, open),
        Mode::Alerts { scroll } => alerts::draw(&mut pen, body, &scene, *scroll),
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
                "window 1h   filter …   pane errors   by provider   sort p95   theme light   alerts   quit",
            );
        }
        _ => {
            footer::draw(pen, footer, scene);
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

//! What retrievals were worth: how often they found nothing, how long they took, what of it was relevant and what cited.

use super::{figure, quality};
use crate::snapshot::Snapshot;
use crate::snapshot::quality::{Quality, RagFigure, RetrievalStats, Retrieved, Scale};
use crate::tui::figures::{self, Bad, Quantile};
use crate::tui::live::Scene;
use crate::tui::pen::Pen;
use crate::tui::theme::Role;
use crate::tui::widgets::bar;
use crate::units;
use ratatui::layout::Rect;

/// A line: what, the figure, how sure, the change, how many.
struct Line {
    name: &'static str,
    value: (String, Role),
    interval: String,
    change: (String, Role),
    n: String,
}

/// Where each part of a line begins, and how wide it is.
const PARTS: [(u16, u16); 5] = [(0, 17), (17, 9), (28, 12), (41, 12), (54, 10)];

/// Draws the panel.
pub(super) fn draw(pen: &mut Pen, area: Rect, scene: &Scene, _: Option<usize>) {
    let quality = quality(scene.snapshot);
    let stats = quality.and_then(|q| q.retrieval.as_ref()).filter(|r| r.now.count > 0);
    let count = stats.map(|r| format!("{} retrievals", figures::count(r.now.count))).unwrap_or_default();
    let inner = pen.panel_with(area, &[("retrieval", Role::Title), (&count, Role::Dim)]);
    let Some((quality, stats)) = quality.zip(stats) else { return pen.words(inner, &nothing(scene.snapshot)) };
    let inner = Rect { x: inner.x + 1, width: inner.width.saturating_sub(2), ..inner };
    let lines = lines(quality, stats);
    for (at, line) in lines.iter().take(usize::from(inner.height)).enumerate() {
        draw_line(pen, inner, inner.y + at as u16, line);
    }
    let used = (lines.len() as u16).min(inner.height);
    names(pen, Rect { y: inner.y + used, height: inner.height - used, ..inner }, stats);
}

fn nothing(snapshot: &Snapshot) -> Vec<(String, Role)> {
    let text = match quality(snapshot) {
        Some(Quality { retrieval: None, .. }) => "spans do not say what the filter asks for; x clears it",
        Some(_) => "no retrieval spans in this window",
        None => "looking …",
    };
    vec![(text.to_owned(), Role::Dim)]
}

fn draw_line(pen: &mut Pen, area: Rect, y: u16, line: &Line) {
    let shown = |part: usize| PARTS[part].0 + PARTS[part].1 <= area.width;
    let x = |part: usize| area.x + PARTS[part].0;
    pen.text(area.x, y, PARTS[0].1.min(area.width), line.name, Role::Dim);
    if shown(1) {
        pen.figure(x(1), y, PARTS[1].1, &line.value.0, line.value.1);
    }
    if shown(2) {
        pen.text(x(2), y, PARTS[2].1, &line.interval, Role::Dim);
    }
    if shown(3) {
        pen.text(x(3), y, PARTS[3].1, &line.change.0, line.change.1);
    }
    if shown(4) {
        pen.text(x(4), y, area.width.saturating_sub(PARTS[4].0), &line.n, Role::Dim);
    }
}

fn lines(quality: &Quality, stats: &RetrievalStats) -> Vec<Line> {
    let mut out = vec![empty(stats)];
    out.push(took("latency p95", stats, Quantile::P95));
    out.extend(stats.measures.iter().map(|measure| of_measure(quality, measure)));
    out.push(took("latency p50", stats, Quantile::P50));
    let plain = |name, value: String, role| Line {
        name,
        value: (value, role),
        interval: String::new(),
        change: (String::new(), Role::Dim),
        n: String::new(),
    };
    if stats.now.made_up > 0 {
        out.push(plain("cited, not found", figures::count(stats.now.made_up), Role::Warn));
    }
    if stats.now.failed > 0 {
        out.push(plain("failed", figures::count(stats.now.failed), Role::Bad));
    }
    out
}

fn empty(stats: &RetrievalStats) -> Line {
    let Retrieved { empty, told, .. } = stats.now;
    let rate = stats.now.empty_rate();
    let value = rate.map_or_else(|| units::UNKNOWN.to_owned(), |rate| format!("{:.1} %", rate * 100.0));
    let interval = stats.now.empty_interval();
    let interval = interval.map(|i| format!("{:.1}–{:.1}", i.low * 100.0, i.high * 100.0)).unwrap_or_default();
    let change = figures::points(rate, stats.before.empty_rate(), empty);
    let role = if empty > 0 { Role::Strong } else { Role::Text };
    let n = format!("{} of {}", figures::count(empty), figures::count(told));
    Line { name: "found nothing", value: (value, role), interval, change: or_nothing(change), n }
}

/// A change that is not known is nothing.
fn or_nothing(change: Option<(String, Role)>) -> (String, Role) {
    change.unwrap_or((String::new(), Role::Dim))
}

/// By the spans; where they do not tell, by scores that say the same.
fn of_measure(quality: &Quality, of: &RagFigure) -> Line {
    let by_score = of.measure.scores().iter().find_map(|name| quality.score(name));
    let (now, before, scale, whose) = match by_score {
        Some(score) if of.now.count() == 0 => (&score.now, &score.before, score.scale, " by scores"),
        _ => (&of.now, &of.before, Scale::Mean, ""),
    };
    let interval = figure::interval(now, scale);
    let change = figure::change(now, before, scale, false);
    let known = now.count() > 0;
    let beside = by_score.filter(|_| whose.is_empty() && known).map(|score| {
        format!(", {} by {} scores", figure::value(&score.now, score.scale).0, figures::count(score.now.count()))
    });
    let n = || format!("n {}{whose}{}", figures::count(now.count()), beside.unwrap_or_default());
    Line {
        name: of.measure.word(),
        value: figure::value(now, scale),
        interval: if known { interval.0 } else { "not told".to_owned() },
        change: if known { change } else { (String::new(), Role::Dim) },
        n: if known { n() } else { String::new() },
    }
}

fn took(name: &'static str, stats: &RetrievalStats, q: Quantile) -> Line {
    let (value, role) = figures::duration(&stats.now.latency_us, q);
    let change = figures::change(q.sound(&stats.now.latency_us), q.sound(&stats.before.latency_us), Bad::Up);
    Line { name, value: (value, role), interval: String::new(), change: or_nothing(change), n: String::new() }
}

/// What was searched, and how often it gave nothing, where there is room.
fn names(pen: &mut Pen, area: Rect, stats: &RetrievalStats) {
    if area.height < 3 || area.width < 40 {
        return;
    }
    let spark = area.width.saturating_sub(20).min(24);
    pen.text(area.x, area.y, 17, "found nothing", Role::Dim);
    bar::spark(pen, area.x + 19, area.y, spark, &stats.trend, Role::Text);
    for (at, name) in stats.names.iter().take(usize::from(area.height - 1)).enumerate() {
        let y = area.y + 1 + at as u16;
        let called = name.name.as_deref().unwrap_or("no name");
        pen.text(area.x, y, 17, called, Role::Text);
        let empty = format!("{} of {} empty", figures::count(name.empty), figures::count(name.told));
        let p95 = figures::duration(&name.latency_us, Quantile::P95).0;
        pen.text(area.x + 19, y, area.width.saturating_sub(19), &format!("{empty}, p95 {p95}"), Role::Dim);
    }
}

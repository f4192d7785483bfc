//! The parts of a trace as a tree beside bars on one axis of time. What held the whole up is marked by shape, not by colour
//! alone; what ran beside it, what only waited and where nothing ran look different each.

use crate::snapshot::traces::{Node, PartKind, Trace, Tree};
use crate::tui::clean;
use crate::tui::figures;
use crate::tui::pen::Pen;
use crate::tui::theme::{Ink, Role};
use crate::units;
use ratatui::layout::Rect;

/// A figure beside the bars: its heading, how wide it is, from which width of the screen on, and what stands in it.
struct Figure {
    head: &'static str,
    width: u16,
    from: u16,
    cell: fn(&Node) -> String,
}

const FIGURES: [Figure; 5] = [
    Figure { head: "took", width: 7, from: 40, cell: |n| units::duration_cell(n.part.latency_us.map(|us| us as f64)) },
    Figure {
        head: "ttft",
        width: 7,
        from: 130,
        cell: |n| of_call(n, n.part.ttft_us.map(|us| units::duration_cell(Some(us as f64)))),
    },
    Figure {
        head: "in",
        width: 6,
        from: 110,
        cell: |n| of_call(n, n.part.input_tokens.map(|t| units::compact(t as f64))),
    },
    Figure {
        head: "out",
        width: 6,
        from: 110,
        cell: |n| of_call(n, n.part.output_tokens.map(|t| units::compact(t as f64))),
    },
    Figure {
        head: "cost",
        width: 9,
        from: 100,
        cell: |n| of_call(n, n.part.cost_nusd.map(|c| figures::money(Some(c as f64)))),
    },
];

/// What only calls have: unknown there, nothing for other steps.
fn of_call(node: &Node, text: Option<String>) -> String {
    match node.part.kind {
        PartKind::Call => text.unwrap_or_else(|| units::UNKNOWN.to_owned()),
        PartKind::Step(_) => String::new(),
    }
}

/// Signs of bars.
const CRITICAL: char = '█';
const BESIDE: char = '▒';
const WAITING: char = '─';
const IDLE: char = '·';

/// Where things stand.
struct Places {
    names: Rect,
    figures: Vec<(u16, &'static Figure)>,
    bars: Rect,
}

/// Draws it with the cursor on one of the parts.
pub(super) fn draw(pen: &mut Pen, area: Rect, (trace, cursor): (&Trace, usize)) {
    let signs = format!("{CRITICAL} held it up  {BESIDE} beside that  {WAITING} its steps run  {IDLE} none runs");
    let inner = pen.panel_with(area, &[("waterfall", Role::Title), (&signs, Role::Dim)]);
    if inner.height == 0 || inner.width < 4 {
        return;
    }
    let tree = &trace.tree;
    let head = u16::from(inner.height >= 3);
    let room = usize::from(inner.height - head);
    let first = (cursor + 1)
        .saturating_sub(room.max(1))
        .max(cursor.saturating_sub(room * 2 / 3).min(tree.nodes.len().saturating_sub(room)).min(cursor));
    let places = places(inner, tree);
    if head > 0 {
        heads(pen, &places, tree);
    }
    pen.hidden(inner, tree.nodes.len().saturating_sub(room));
    for (i, node) in tree.nodes.iter().enumerate().skip(first).take(room) {
        let y = inner.y + head + (i - first) as u16;
        row(pen, y, &places, (node, tree));
        if i == cursor {
            // The bar keeps its look: turned inside out it would say something else.
            let until = if places.bars.width > 0 { places.bars.x - inner.x } else { inner.width };
            pen.mark(Rect { y, height: 1, width: until, ..inner });
        }
    }
}

/// So many parts say how wide the names are, and so many characters of each.
const MEASURED: usize = 500;
const LONG: usize = 60;

fn places(inner: Rect, tree: &Tree) -> Places {
    let figures: Vec<&'static Figure> = FIGURES.iter().filter(|f| inner.width >= f.from).collect();
    let taken: u16 = figures.iter().map(|f| f.width + 1).sum();
    // As many as a person looks at say how wide names are; longer ones are cut all the same.
    let wide = |node: &Node| {
        let name: String = node.part.label().chars().take(LONG).collect();
        indent(node) + 2 + clean::width(&name) + node.remarks().iter().map(|r| r.len() + 2).sum::<usize>()
    };
    let longest = tree.nodes.iter().take(MEASURED).map(wide).max().unwrap_or(0).min(usize::from(u16::MAX / 2)) as u16;
    let free = inner.width.saturating_sub(taken + 1);
    let names = (longest + 1).min(free * 9 / 20).max(free.min(14));
    let mut x = inner.x + names;
    let mut placed = Vec::new();
    for figure in figures {
        placed.push((x, figure));
        x += figure.width + 1;
    }
    let x = (x + 1).min(inner.right());
    Places {
        names: Rect { width: names, ..inner },
        figures: placed,
        bars: Rect { x, width: inner.right() - x, ..inner },
    }
}

/// How far a name is set in: deep trees by less, so that names stay.
fn indent(node: &Node) -> usize {
    let depth = node.depth;
    if depth <= 8 { depth * 2 } else { 16 + (depth - 8).min(8) }
}

fn heads(pen: &mut Pen, places: &Places, tree: &Tree) {
    let y = places.names.y;
    for (x, figure) in &places.figures {
        pen.figure(*x, y, figure.width, figure.head, Role::Dim);
    }
    let bars = places.bars;
    let all = span(tree).1;
    // The axis: its beginning, its quarters as far as there is room, its end.
    let end = units::duration_us(all as f64);
    pen.text(bars.x, y, bars.width, "0", Role::Dim);
    let marks: &[f64] = if bars.width >= 60 {
        &[0.25, 0.5, 0.75]
    } else if bars.width >= 30 {
        &[0.5]
    } else {
        &[]
    };
    for share in marks {
        let text = units::duration_us(all as f64 * share);
        let x = bars.x + (f64::from(bars.width) * share) as u16;
        pen.text(x, y, bars.right() - x, &text, Role::Dim);
    }
    if bars.width > 10 {
        pen.figure(bars.x, y, bars.width, &end, Role::Dim);
    }
}

/// The beginning of the axis, and its length, µs.
fn span(tree: &Tree) -> (i64, u64) {
    (tree.start_us, tree.last_us.abs_diff(tree.start_us).max(1))
}

fn row(pen: &mut Pen, y: u16, places: &Places, (node, tree): (&Node, &Tree)) {
    let names = places.names;
    let sign = if node.critical.is_empty() { ' ' } else { '◆' };
    pen.put(names.x, y, sign, Role::Strong);
    let (mut x, end) = (names.x + 2 + (indent(node) as u16).min(names.width / 2), names.right());
    let role = if node.part.has_failed() { Role::Bad } else { Role::Text };
    x += pen.text(x, y, end.saturating_sub(x + 1), node.part.label(), role);
    let remarks = node.remarks().join(", ");
    if !remarks.is_empty() && x + 3 < end {
        pen.text(x + 1, y, end - x - 2, &remarks, if node.part.has_failed() { Role::Bad } else { Role::Warn });
    }
    for (x, figure) in &places.figures {
        pen.figure(*x, y, figure.width, &(figure.cell)(node), Role::Text);
    }
    bar(pen, Rect { y, height: 1, ..places.bars }, (node, tree));
}

/// Which cells of an axis a stretch of time covers: something is never nothing.
fn cells((from, to): (i64, i64), tree: &Tree, width: u16) -> std::ops::Range<u16> {
    let (start, all) = span(tree);
    let at = |us: i64| us.saturating_sub(start).max(0) as f64 / all as f64 * f64::from(width);
    let first = (at(from).floor() as u16).min(width.saturating_sub(1));
    let last = (at(to).round() as u16).clamp(first + 1, width.max(first + 1));
    first..last
}

fn bar(pen: &mut Pen, area: Rect, (node, tree): (&Node, &Tree)) {
    if area.width == 0 {
        return;
    }
    let part = &node.part;
    let ink = match (part.has_failed(), part.kind) {
        (true, _) => Ink::Failed,
        (false, PartKind::Call) => Ink::One,
        (false, PartKind::Step(_)) => Ink::Two,
    };
    let mut put = |stretch: (i64, i64), sign: char, role: Role| {
        for x in cells(stretch, tree, area.width) {
            pen.put(area.x + x, area.y, sign, role);
        }
    };
    let whole = (part.start_us(), part.end_us());
    let has_steps = !node.children.is_empty();
    put(whole, if has_steps { WAITING } else { BESIDE }, if has_steps { Role::Dim } else { Role::Series(ink) });
    // Moments between steps are too short to be seen, and would hide what is.
    let is_seen = |(from, to): &&(i64, i64)| to.abs_diff(*from).saturating_mul(u64::from(area.width)) >= span(tree).1;
    node.gaps.iter().filter(is_seen).for_each(|gap| put(*gap, IDLE, Role::Dim));
    let critical = node.critical.iter().filter(|stretch| !has_steps || is_seen(stretch));
    critical.for_each(|stretch| put(*stretch, CRITICAL, Role::Series(ink)));
}

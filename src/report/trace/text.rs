//! A trace or a conversation for people: what it came to, where the time went, what is odd, and its parts as a tree.

use super::super::{Column, Grid, Options};
use crate::snapshot::traces::{Conversation, Node, PartKind, Story, Trace, TraceRow, Tree, Turn};
use crate::units::{self, clean};
use crate::view::TraceId;
use std::io;
use unicode_width::UnicodeWidthStr;

/// Writes it.
///
/// # Errors
/// Those of writing.
pub fn write(story: &Story, options: &Options, out: &mut dyn io::Write) -> io::Result<()> {
    match story {
        Story::Trace(trace) => of_trace(trace, options, out),
        Story::Session(told) => of_session(told, options, out),
    }
}

fn took(us: u64) -> String {
    units::duration_us(us as f64)
}

fn many(n: u64, name: &str) -> String {
    format!("{} {name}{}", units::count(n), if n == 1 { "" } else { "s" })
}

/// How long after the beginning of the whole.
fn after(us: u64) -> String {
    if us == 0 { "0".to_owned() } else { took(us) }
}

/// Lines with something at their ends, one below the other.
fn with_ends(lines: Vec<String>, ends: impl Iterator<Item = String>, out: &mut dyn io::Write) -> io::Result<()> {
    let wide = lines.iter().map(|line| line.width()).max().unwrap_or(0);
    for (line, end) in lines.into_iter().zip(ends) {
        match end.is_empty() {
            true => writeln!(out, "{line}")?,
            false => writeln!(out, "{line}{}  {}", " ".repeat(wide - line.width()), clean(&end))?,
        }
    }
    Ok(())
}

fn cost(nano: Option<i64>) -> String {
    nano.map_or_else(|| units::UNKNOWN.to_owned(), units::usd)
}

fn of_trace(trace: &Trace, options: &Options, out: &mut dyn io::Write) -> io::Result<()> {
    let kind = match &trace.id {
        TraceId::Trace(_) => "trace",
        TraceId::Request(_) => "request",
        TraceId::Loose(_) | TraceId::Session(_) => "session",
    };
    writeln!(out, "{kind} {}", clean(trace.id.text()))?;
    writeln!(out, "{}", clean(&figures(&trace.row, options)))?;
    writeln!(out, "{}", clean(&trace.blame()))?;
    for odd in trace.oddities() {
        writeln!(out, "! {}", clean(&odd))?;
    }
    writeln!(out)?;
    tree(&trace.tree, options, out)
}

fn figures(row: &TraceRow, options: &Options) -> String {
    let mut parts = vec![took(row.latency_us()), row.end.word().to_owned()];
    parts.push(many(row.calls, "call"));
    parts.push(many(row.tools, "tool"));
    parts.extend(row.tokens().map(|n| format!("{} tokens", units::count(n))));
    parts.push(if row.unpriced > 0 {
        format!("{} and {} calls of unknown cost", cost(row.cost_nusd), units::count(row.unpriced))
    } else {
        cost(row.cost_nusd)
    });
    parts.push(many(row.errors, "error"));
    parts.extend(row.user.as_ref().map(|user| format!("user {user}")));
    parts.push(units::time(row.start_us, options.zone, "%Y-%m-%d %H:%M:%S%.3f"));
    parts.join("  ")
}

/// Names are indented by as much as the first few levels need; deeper ones say how deep they are.
fn name(node: &Node) -> String {
    const DEEPEST: usize = 12;
    let sign = if node.critical.is_empty() { ' ' } else { '*' };
    let deep = if node.depth > DEEPEST { format!("({}) ", node.depth) } else { String::new() };
    format!("{sign} {}{deep}{}", "  ".repeat(node.depth.min(DEEPEST)), node.part.label())
}

fn tree(tree: &Tree, options: &Options, out: &mut dyn io::Write) -> io::Result<()> {
    let call = |node: &Node, text: Option<String>| match node.part.kind {
        PartKind::Call => text.unwrap_or_else(|| units::UNKNOWN.to_owned()),
        PartKind::Step(_) => String::new(),
    };
    let columns = [("kind", 3), ("begins", 2), ("took", 0), ("ttft", 4), ("in", 5), ("out", 5), ("cost", 1)];
    let row = |node: &Node| {
        let part = &node.part;
        let cells = vec![
            part.kind.word().to_owned(),
            after(part.start_us().abs_diff(tree.start_us)),
            part.latency_us.map_or_else(|| units::UNKNOWN.to_owned(), took),
            call(node, part.ttft_us.map(took)),
            call(node, part.input_tokens.map(units::count)),
            call(node, part.output_tokens.map(units::count)),
            call(node, part.cost_nusd.map(units::usd)),
        ];
        (name(node), cells)
    };
    let grid = grid("  * held it up", &columns, tree.nodes.iter().map(row).collect());
    let said = |node: &Node| node.remarks().into_iter().chain(node.part.error.clone()).collect::<Vec<_>>().join(", ");
    let remarks = std::iter::once(String::new()).chain(tree.nodes.iter().map(said));
    with_ends(grid.lines(options.width), remarks, out)
}

fn grid(label: &str, columns: &[(&'static str, u8)], rows: Vec<(String, Vec<String>)>) -> Grid {
    let columns = columns.iter().map(|(title, rank)| Column { title, rank: *rank }).collect();
    Grid { label: label.to_owned(), columns, rows }
}

fn of_session(told: &Conversation, options: &Options, out: &mut dyn io::Write) -> io::Result<()> {
    writeln!(out, "session {}", clean(&told.session))?;
    writeln!(out, "{}", clean(&figures(&told.row, options)))?;
    if told.is_cut {
        writeln!(out, "! it has more calls than are shown")?;
    }
    writeln!(out)?;
    let columns = [("took", 2), ("calls", 4), ("tools", 5), ("cost", 3), ("so far", 0), ("errors", 4), ("outcome", 1)];
    let row = |turn: &Turn| {
        let row = &turn.row;
        let begins = units::time(row.start_us, options.zone, "%Y-%m-%d %H:%M:%S");
        let cells = vec![
            took(row.latency_us()),
            units::count(row.calls),
            units::count(row.tools),
            cost(row.cost_nusd),
            cost(turn.so_far_nusd),
            units::count(row.errors),
            row.end.word().to_owned(),
        ];
        (begins, cells)
    };
    let grid = grid("begins", &columns, told.turns.iter().map(row).collect());
    let what = |turn: &Turn| {
        let name = turn.row.name.as_deref().unwrap_or(units::UNKNOWN);
        let trace = if turn.call.is_some() { "one call" } else { turn.row.id.text() };
        format!("{name}  {trace}")
    };
    let ends = std::iter::once("first step  trace".to_owned()).chain(told.turns.iter().map(what));
    with_ends(grid.lines(options.width), ends, out)
}

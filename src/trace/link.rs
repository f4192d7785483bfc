//! Who is whose parent: by ids where parts name them, else by time, with circles cut and what is missing said.

use super::{Node, Part, PartKind, ROUNDING_US};
use crate::event::SpanKind;
use std::cmp::Reverse;
use std::collections::HashMap;

/// How a part came to its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Link {
    /// It names no parent, and nothing around it can be one.
    Root,
    /// By its parent's id.
    Id,
    /// It names no parent: it lies within this one's time.
    Time,
    /// The parent it names was never seen.
    Orphan,
    /// The parent it names is one of its own descendants, or itself.
    Cycle,
}

/// So many steps that are open at once are looked at for one that lies around a part.
const AROUND: usize = 256;

/// Nodes in the order of the tree.
pub(super) fn link(mut parts: Vec<Part>) -> Vec<Node> {
    // Whatever the order of arrival, one order to begin with; what lies around comes before what lies within.
    parts.sort_by(|a, b| order(a).cmp(&order(b)).then_with(|| a.span_id.cmp(&b.span_id)));
    let (ids, doubles) = by_id(&parts);
    let mut links = by_name(&parts, &ids);
    nest(&parts, &mut links);
    cut_circles(&mut links);
    arrange(parts, &links, &doubles)
}

fn order(part: &Part) -> (i64, Reverse<i64>, u8, i64) {
    (part.start_us(), Reverse(part.end_us()), rank(part.kind), part.key.id)
}

/// Of parts with the same times, which lies around which.
fn rank(kind: PartKind) -> u8 {
    match kind {
        PartKind::Step(SpanKind::Agent) => 0,
        PartKind::Step(SpanKind::Chain) => 1,
        PartKind::Step(SpanKind::Tool | SpanKind::Retrieval | SpanKind::Guardrail) => 2,
        PartKind::Call => 3,
        PartKind::Step(SpanKind::Attempt) => 4,
    }
}

/// Parts by their ids, the first of those with the same one, and whether each shares its own.
fn by_id(parts: &[Part]) -> (HashMap<&str, usize>, Vec<bool>) {
    let (mut ids, mut doubles) = (HashMap::new(), vec![false; parts.len()]);
    for (number, part) in parts.iter().enumerate() {
        let Some(id) = part.span_id.as_deref().filter(|id| !id.is_empty()) else { continue };
        match ids.get(id) {
            Some(first) => (doubles[*first], doubles[number]) = (true, true),
            None => drop(ids.insert(id, number)),
        }
    }
    // Own ids go before those of requests.
    for (number, part) in parts.iter().enumerate() {
        if let Some(id) = part.request_id.as_deref().filter(|id| !id.is_empty()) {
            ids.entry(id).or_insert(number);
        }
    }
    (ids, doubles)
}

fn by_name(parts: &[Part], ids: &HashMap<&str, usize>) -> Vec<(Option<usize>, Link)> {
    let link = |(number, part): (usize, &Part)| match part.parent_id.as_deref().filter(|id| !id.is_empty()) {
        None => (None, Link::Root),
        Some(id) => match ids.get(id) {
            None => (None, Link::Orphan),
            Some(parent) if *parent == number => (None, Link::Cycle),
            Some(parent) => (Some(*parent), Link::Id),
        },
    };
    parts.iter().enumerate().map(link).collect()
}

/// Puts parts that name no parent into the step that lies around them, of several the one that began last. Calls have
/// nothing within them but what names them.
fn nest(parts: &[Part], links: &mut [(Option<usize>, Link)]) {
    let mut open: Vec<usize> = Vec::new();
    for (number, part) in parts.iter().enumerate() {
        while open.last().is_some_and(|o| parts[*o].end_us() < part.start_us()) {
            open.pop();
        }
        if links[number].1 == Link::Root {
            let is_around = |o: &&usize| parts[**o].end_us().saturating_add(ROUNDING_US) >= part.end_us();
            if let Some(around) = open.iter().rev().take(AROUND).find(is_around) {
                links[number] = (Some(*around), Link::Time);
            }
        }
        if matches!(part.kind, PartKind::Step(kind) if kind != SpanKind::Attempt) && part.latency_us.is_some() {
            open.push(number);
        }
    }
}

/// Cuts every circle at one link: one that was made by time, else that of the part that began first.
fn cut_circles(links: &mut [(Option<usize>, Link)]) {
    let mut seen = vec![0_usize; links.len()];
    for start in 0..links.len() {
        let mut at = Some(start);
        while let Some(number) = at.filter(|n| seen[*n] == 0) {
            seen[number] = start + 1;
            at = links[number].0;
        }
        // Back on this very walk: a circle.
        if let Some(first) = at.filter(|n| seen[*n] == start + 1) {
            let mut circle = vec![first];
            while let Some(next) = circle.last().and_then(|n| links[*n].0).filter(|n| *n != first) {
                circle.push(next);
            }
            let by_time = circle.iter().copied().find(|n| links[*n].1 == Link::Time);
            match by_time {
                Some(number) => links[number] = (None, Link::Root),
                None => links[circle.into_iter().min().unwrap_or(first)] = (None, Link::Cycle),
            }
        }
    }
}

/// The nodes, parents before children. On a stack of its own: chains may be long.
fn arrange(parts: Vec<Part>, links: &[(Option<usize>, Link)], doubles: &[bool]) -> Vec<Node> {
    let mut children: Vec<Vec<usize>> = vec![Vec::new(); parts.len()];
    for (number, (parent, _)) in links.iter().enumerate() {
        if let Some(parent) = parent {
            children[*parent].push(number);
        }
    }
    let mut parts: Vec<Option<Part>> = parts.into_iter().map(Some).collect();
    let roots = (0..links.len()).rev().filter(|n| links[*n].0.is_none());
    let mut stack: Vec<(usize, Option<usize>)> = roots.map(|n| (n, None)).collect();
    let mut nodes: Vec<Node> = Vec::with_capacity(parts.len());
    while let Some((number, parent)) = stack.pop() {
        let Some(part) = parts[number].take() else { continue };
        let at = nodes.len();
        let above = parent.map(|p| (nodes[p].depth + 1, nodes[p].part.end_us()));
        if let Some(parent) = parent {
            nodes[parent].children.push(at);
        }
        nodes.push(Node {
            is_late: above.is_some_and(|(_, end_us)| part.end_us() > end_us.saturating_add(ROUNDING_US)),
            depth: above.map_or(0, |(depth, _)| depth),
            parent,
            link: links[number].1,
            children: Vec::new(),
            is_double: doubles[number],
            critical: Vec::new(),
            gaps: Vec::new(),
            retry: 0,
            again: 0,
            part,
        });
        stack.extend(children[number].iter().rev().map(|child| (*child, Some(at))));
    }
    nodes
}

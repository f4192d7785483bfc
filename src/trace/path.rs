//! What held a trace up: the chain of parts that determined its end, where nothing ran, and what the time went to.

use super::{Node, PartKind, ROUNDING_US, Tree};
use std::collections::HashMap;

/// What a share of a trace's time went to.
#[derive(Debug, Clone, PartialEq)]
pub struct Blame {
    /// What: the names of calls and steps; `None` where no part of the trace ran.
    pub name: Option<String>,
    /// Calls, or steps.
    pub kind: Option<PartKind>,
    /// How long, µs.
    pub us: u64,
    /// In how many parts.
    pub parts: usize,
}

/// Finds the critical path, gaps and blame.
///
/// The path is found as in Zhang et al., "CRISP: Critical Path Analysis of Large-Scale Microservice Architectures" (USENIX
/// ATC 2022): from the end of a part back to its beginning, always into the child that ended last before that point; what no
/// child covers is the part's own. A child that ended after its parent held nothing up, and is left out.
pub(super) fn walk(tree: &mut Tree) {
    let roots: Vec<usize> = tree.roots().collect();
    let nodes = &mut tree.nodes;
    tree.start_us = nodes.iter().map(|n| n.part.start_us()).min().unwrap_or_default();
    tree.last_us = nodes.iter().map(|n| n.part.end_us()).max().unwrap_or_default();
    tree.end_us = roots.iter().map(|n| nodes[*n].part.end_us()).max().unwrap_or_default();
    let top = Stretch { from: tree.start_us, to: tree.end_us };
    let mut work = Vec::new();
    let mut idle = back(nodes, &roots, top, &mut work);
    while let Some((number, stretch)) = work.pop() {
        let children = std::mem::take(&mut nodes[number].children);
        let waited: Vec<usize> = children.iter().copied().filter(|c| !nodes[*c].is_late).collect();
        let mut own = back(nodes, &waited, stretch, &mut work);
        own.reverse();
        nodes[number].children = children;
        nodes[number].critical = own;
    }
    idle.reverse();
    for number in 0..nodes.len() {
        nodes[number].gaps = gaps(nodes, number);
    }
    tree.blame = blame(nodes, &idle);
}

#[derive(Clone, Copy)]
struct Stretch {
    from: i64,
    to: i64,
}

/// Goes back through a stretch: which children it leads into, and until when; what none of them covers, newest first.
fn back(nodes: &[Node], children: &[usize], within: Stretch, work: &mut Vec<(usize, Stretch)>) -> Vec<(i64, i64)> {
    let mut by_end: Vec<usize> =
        children.iter().copied().filter(|c| nodes[*c].part.latency_us.is_some_and(|us| us > 0)).collect();
    by_end.sort_by_key(|c| std::cmp::Reverse((nodes[*c].part.end_us(), nodes[*c].part.start_us())));
    let (mut at, mut own) = (within.to, Vec::new());
    for child in by_end {
        let part = &nodes[child].part;
        let (start, ended, end) = (part.start_us().max(within.from), part.end_us(), part.end_us().min(at));
        // Rounded clocks make a step end a little after the next has begun.
        if ended > at.saturating_add(ROUNDING_US) || start >= end {
            continue;
        }
        if end < at {
            own.push((end, at));
        }
        work.push((child, Stretch { from: start, to: end }));
        at = start;
    }
    if within.from < at {
        own.push((within.from, at));
    }
    own
}

/// Where none of a node's children ran.
fn gaps(nodes: &[Node], number: usize) -> Vec<(i64, i64)> {
    let node = &nodes[number];
    if node.children.is_empty() || node.part.latency_us.is_none() {
        return Vec::new();
    }
    let mut covered: Vec<(i64, i64)> =
        node.children.iter().map(|c| (nodes[*c].part.start_us(), nodes[*c].part.end_us())).collect();
    covered.sort_unstable();
    let (mut at, end, mut gaps) = (node.part.start_us(), node.part.end_us(), Vec::new());
    for (from, to) in covered {
        if from > at && at < end {
            gaps.push((at, from.min(end)));
        }
        at = at.max(to);
    }
    if at < end {
        gaps.push((at, end));
    }
    gaps
}

fn blame(nodes: &[Node], idle: &[(i64, i64)]) -> Vec<Blame> {
    let mut sums: HashMap<(PartKind, &str), (u64, usize)> = HashMap::new();
    for node in nodes.iter().filter(|n| n.critical_us() > 0) {
        let sum = sums.entry((node.part.kind, node.part.label())).or_default();
        *sum = (sum.0 + node.critical_us(), sum.1 + 1);
    }
    let of = |((kind, name), (us, parts)): ((PartKind, &str), (u64, usize))| Blame {
        name: Some(name.to_owned()),
        kind: Some(kind),
        us,
        parts,
    };
    let mut blame: Vec<Blame> = sums.into_iter().map(of).collect();
    let us: u64 = idle.iter().map(|(from, to)| to.abs_diff(*from)).sum();
    if us > 0 {
        blame.push(Blame { name: None, kind: None, us, parts: idle.len() });
    }
    blame.sort_by(|a, b| b.us.cmp(&a.us).then_with(|| a.name.cmp(&b.name)));
    blame
}

//! What was done again: tries after a failure, the same asked for though it had been answered, and rounds that do not end.

use super::{Node, Part, PartKind, Tree};
use crate::event::SpanKind;
use std::collections::HashMap;

/// Something worth pointing out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// The same was asked for again, though it had been answered.
    Again {
        /// What.
        name: String,
        /// How often in all.
        times: usize,
        /// The first of them.
        node: usize,
    },
    /// The same steps one after another, again and again.
    Loop {
        /// Their names, in order.
        steps: Vec<String>,
        /// How often in all.
        times: usize,
        /// The first step of them.
        node: usize,
    },
    /// Tried again after failures.
    Retried {
        /// What.
        name: String,
        /// How many tries there were after the first.
        retries: usize,
        /// The first of them.
        node: usize,
    },
}

/// So many rounds are a loop.
const ROUNDS: usize = 3;

/// A round has at most so many steps.
const STEPS: usize = 6;

/// Finds what was done again.
pub(super) fn look(tree: &mut Tree) {
    let (retried, mut findings) = (retries(&mut tree.nodes), Vec::new());
    findings.extend(again(&mut tree.nodes));
    let roots: Vec<usize> = tree.roots().collect();
    let groups = std::iter::once(roots.as_slice()).chain(tree.nodes.iter().map(|n| n.children.as_slice()));
    findings.extend(groups.filter_map(|group| rounds(&tree.nodes, group)));
    findings.extend(retried);
    tree.findings = findings;
}

/// Marks what was tried again: after one of the same name under the same parent had failed, the same as far as is known.
fn retries(nodes: &mut [Node]) -> Vec<Finding> {
    let mut last: HashMap<(Option<usize>, PartKind, String), usize> = HashMap::new();
    let mut found: HashMap<(Option<usize>, PartKind, String), (usize, usize)> = HashMap::new();
    let mut order: Vec<usize> = (0..nodes.len()).collect();
    order.sort_by_key(|n| (nodes[*n].part.start_us(), *n));
    for number in order {
        let node = &nodes[number];
        let name = (node.parent, node.part.kind, node.part.label().to_owned());
        if let Some(before) = last.get(&name).map(|n| &nodes[*n])
            && before.part.has_failed()
            && before.part.end_us() <= node.part.start_us().saturating_add(super::ROUNDING_US)
            && (before.part.asked == node.part.asked || before.part.asked.is_none() || node.part.asked.is_none())
        {
            let (first, retry) = (last[&name], before.retry + 1);
            nodes[number].retry = retry;
            found.entry(name.clone()).or_insert((first, 0)).1 += 1;
        }
        last.insert(name, number);
    }
    let mut found: Vec<Finding> =
        found.into_iter().map(|((_, _, name), (node, retries))| Finding::Retried { name, retries, node }).collect();
    found.sort_by_key(|finding| std::cmp::Reverse(weight(finding)));
    found
}

/// Marks what was asked for again without need.
fn again(nodes: &mut [Node]) -> Vec<Finding> {
    let mut seen: HashMap<(PartKind, String, u64), Vec<usize>> = HashMap::new();
    for (number, node) in nodes.iter().enumerate().filter(|(_, node)| node.retry == 0) {
        if let Some(asked) = node.part.asked {
            seen.entry((node.part.kind, node.part.label().to_owned(), asked)).or_default().push(number);
        }
    }
    let mut found = Vec::new();
    for ((_, name, _), numbers) in seen.into_iter().filter(|(_, numbers)| numbers.len() > 1) {
        for (time, number) in (0..).zip(&numbers) {
            nodes[*number].again = time;
        }
        found.push(Finding::Again { name, times: numbers.len(), node: numbers[0] });
    }
    found.sort_by_key(|finding| std::cmp::Reverse(weight(finding)));
    found
}

fn weight(finding: &Finding) -> (usize, std::cmp::Reverse<usize>) {
    let (weight, node) = match finding {
        Finding::Again { times, node, .. } => (*times, *node),
        Finding::Loop { steps, times, node } => (steps.len() * times, *node),
        Finding::Retried { retries, node, .. } => (*retries, *node),
    };
    (weight, std::cmp::Reverse(node))
}

/// The longest row of rounds among the children of one parent. Calls are alike by their model, since what is said grows from
/// round to round; steps by what was asked of them, too. Rounds do not overlap, and there is more in them than calls.
fn rounds(nodes: &[Node], group: &[usize]) -> Option<Finding> {
    let alike = |a: usize, b: usize| {
        // What is tried again is no further round.
        let is_first = nodes[group[b]].retry == 0;
        let (a, b) = (&nodes[group[a]].part, &nodes[group[b]].part);
        let same = a.kind == b.kind && a.label() == b.label();
        is_first
            && same
            && (a.kind == PartKind::Call || a.asked == b.asked)
            && a.end_us() <= b.start_us() + super::ROUNDING_US
    };
    let is_step = |n: usize| matches!(nodes[group[n]].part.kind, PartKind::Step(kind) if kind != SpanKind::Attempt);
    let mut best: Option<(usize, usize, usize)> = None;
    for length in 1..=STEPS.min(group.len() / ROUNDS) {
        let (mut from, mut at) = (0, 0);
        while at + length <= group.len() {
            if at + length < group.len() && alike(at, at + length) {
                at += 1;
                continue;
            }
            let rounds = (at - from + length) / length;
            let covered = rounds * length;
            let is_better = best.is_none_or(|(_, length, rounds)| covered > length * rounds);
            if rounds >= ROUNDS && is_better && (from..from + length).any(is_step) {
                best = Some((from, length, rounds));
            }
            at += 1;
            from = at;
        }
    }
    let (from, length, times) = best?;
    let steps = group[from..from + length].iter().map(|n| Part::label(&nodes[*n].part).to_owned()).collect();
    Some(Finding::Loop { steps, times, node: group[from] })
}

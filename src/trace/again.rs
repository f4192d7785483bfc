//! What was done again: tries after a failure, the same asked for though it had been answered, and rounds that do not end.

use super::{Node, PartKind, Tree};
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
    let loops: Vec<Finding> = groups.filter_map(|group| rounds(&tree.nodes, group)).collect();
    // What a loop does again and again need not be said of each of its steps.
    findings.retain(|finding| !loops.iter().any(|of| is_within(finding, of)));
    findings.splice(0..0, loops);
    findings.extend(retried);
    tree.findings = findings;
}

/// Whether what was done again is a step of a loop.
fn is_within(again: &Finding, of: &Finding) -> bool {
    match (again, of) {
        (Finding::Again { name, .. }, Finding::Loop { steps, .. }) => {
            steps.iter().any(|step| step.split(" + ").any(|of_step| of_step == name))
        }
        _ => false,
    }
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

/// What is done at one time: parts of one parent that overlap, each as what it is, what it is called, and what was asked of
/// it. Of calls that does not count, since what is said grows from round to round.
type Moment<'n> = Vec<(&'static str, &'n str, Option<u64>)>;

/// The children of one parent by moments, with the first part of each. What is only tried again is no part of them.
fn moments<'n>(nodes: &'n [Node], group: &[usize]) -> Vec<(usize, Moment<'n>)> {
    let (mut moments, mut end_us): (Vec<(usize, Moment<'n>)>, i64) = (Vec::new(), i64::MIN);
    for number in group {
        let node = &nodes[*number];
        let part = &node.part;
        if part.kind == PartKind::Step(SpanKind::Attempt) {
            continue;
        }
        let follows = part.start_us() >= end_us.saturating_sub(super::ROUNDING_US);
        end_us = end_us.max(part.end_us());
        let asked = part.asked.filter(|_| part.kind != PartKind::Call);
        let what = (part.kind.word(), part.label(), asked);
        match moments.last_mut() {
            Some(_) if node.retry > 0 => {}
            Some((_, moment)) if !follows => moment.push(what),
            _ => moments.push((*number, vec![what])),
        }
    }
    moments.iter_mut().for_each(|(_, moment)| moment.sort_unstable());
    moments
}

/// The longest row of rounds among the children of one parent; there is more in them than calls.
fn rounds(nodes: &[Node], group: &[usize]) -> Option<Finding> {
    let moments = moments(nodes, group);
    let has_step = |(_, moment): &(usize, Moment<'_>)| moment.iter().any(|(kind, ..)| *kind != PartKind::Call.word());
    let mut best: Option<(usize, usize, usize)> = None;
    for length in 1..=STEPS.min(moments.len() / ROUNDS) {
        let (mut from, mut at) = (0, 0);
        while at + length <= moments.len() {
            if at + length < moments.len() && moments[at].1 == moments[at + length].1 {
                at += 1;
                continue;
            }
            let rounds = (at - from + length) / length;
            let is_better = best.is_none_or(|(_, length_of_best, of_best)| rounds * length > length_of_best * of_best);
            if rounds >= ROUNDS && is_better && moments[from..from + length].iter().any(has_step) {
                best = Some((from, length, rounds));
            }
            at += 1;
            from = at;
        }
    }
    let (from, length, times) = best?;
    let names = |(_, moment): &(usize, Moment<'_>)| {
        let names: Vec<&str> = moment.iter().map(|(_, name, _)| *name).collect();
        names.join(" + ")
    };
    let round = &moments[from..from + length];
    Some(Finding::Loop { steps: round.iter().map(names).collect(), times, node: round[0].0 })
}

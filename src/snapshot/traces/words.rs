//! Traces in words, the same on the screen and in print: where the time went, and what is odd about it.

use super::{Blame, Finding, Link, Node, PartKind, Trace, Tree};
use crate::event::SpanKind;
use crate::units;

impl Trace {
    /// Where its time went: `the time went to greenhouse_sensor 4.10 s (45.0 %), …`
    pub fn blame(&self) -> String {
        blame(&self.tree)
    }

    /// What is worth pointing out, a line each.
    pub fn oddities(&self) -> Vec<String> {
        odd(self)
    }
}

impl Node {
    /// What is odd about it, in a few words each.
    pub fn remarks(&self) -> Vec<String> {
        remarks(self)
    }
}

/// Where the time went: `the time went to greenhouse_sensor 4.10 s (45 %), …`
fn blame(tree: &Tree) -> String {
    const MOST: usize = 4;
    const LEAST: f64 = 0.005;
    let all = tree.latency_us().max(1) as f64;
    let part = |blame: &Blame| {
        let name = blame.name.as_deref().unwrap_or("nothing (no step ran)");
        let own = matches!(blame.kind, Some(PartKind::Step(kind)) if is_frame(kind));
        let own = if own { " between its steps" } else { "" };
        let times = if blame.parts > 1 && blame.kind.is_some() && own.is_empty() {
            format!(" in {}", blame.parts)
        } else {
            String::new()
        };
        format!(
            "{name}{own} {}{times} ({})",
            units::duration_us(blame.us as f64),
            units::percent(blame.us as f64 / all)
        )
    };
    // What is too little to be said in per cent says nothing of why.
    let counts = |blame: &&Blame| blame.us as f64 >= all * LEAST;
    let named: Vec<String> = tree.blame.iter().filter(counts).take(MOST).map(part).collect();
    match named.is_empty() {
        true => "no part says how long it took".to_owned(),
        false => format!("the time went to {}", named.join(", ")),
    }
}

fn is_frame(kind: SpanKind) -> bool {
    matches!(kind, SpanKind::Agent | SpanKind::Chain)
}

/// What is worth pointing out, a line each.
fn odd(trace: &Trace) -> Vec<String> {
    let nodes = &trace.tree.nodes;
    let mut out: Vec<String> = failure(trace).into_iter().collect();
    out.extend(trace.tree.findings.iter().take(4).map(finding));
    let count = |is: &dyn Fn(&Node) -> bool| nodes.iter().filter(|node| is(node)).count();
    let many = |n: usize, one: &str, many: &str| match n {
        0 => None,
        1 => Some(format!("one {one}")),
        n => Some(format!("{n} {many}")),
    };
    let late = count(&|n| n.is_late);
    out.extend(many(
        late,
        "step ended after its parent, which did not wait for it",
        "steps ended after their parents, which did not wait for them",
    ));
    let orphans = count(&|n| n.link == Link::Orphan);
    out.extend(many(orphans, "part names a parent that was never seen", "parts name parents that were never seen"));
    let cycles = count(&|n| n.link == Link::Cycle);
    out.extend(many(
        cycles,
        "part is its own ancestor: the circle is cut there",
        "parts are their own ancestors: the circles are cut there",
    ));
    let double = count(&|n| n.is_double);
    out.extend(many(double, "part has the id of another", "parts share their ids"));
    out.extend(
        trace.is_cut.then(|| format!("it has more parts: the first {} are shown", units::count(nodes.len() as u64))),
    );
    out
}

/// Why it failed, where it did: what its first step says, and what the last failed part below that says.
fn failure(trace: &Trace) -> Option<String> {
    let nodes = &trace.tree.nodes;
    let failed = |node: &&Node| node.part.has_failed();
    let root = nodes.iter().find(|node| node.parent.is_none()).filter(failed);
    let below = nodes.iter().filter(failed).filter(|node| !node.is_late && node.children.is_empty());
    // What was tried again with success held nobody up for good.
    let last = below.max_by_key(|node| node.part.end_us()).filter(|_| root.is_some() || trace.row.end.is_bad());
    let of = |node: &Node| {
        let why = node.part.error.clone().unwrap_or_else(|| node.remarks().join(", "));
        format!("{}: {why}", node.part.label())
    };
    let mut said: Vec<String> = root.into_iter().chain(last).map(of).collect();
    said.dedup();
    (!said.is_empty()).then(|| format!("it failed: {}", said.join("; ")))
}

fn finding(finding: &Finding) -> String {
    match finding {
        Finding::Again { name, times, .. } => {
            format!("{name} was asked the same {times} times, though it had answered")
        }
        Finding::Loop { steps, times, .. } => format!("a loop: {} {times} times in a row", steps.join(" → ")),
        Finding::Retried { name, retries: 1, .. } => format!("{name} was tried again after it had failed"),
        Finding::Retried { name, retries, .. } => format!("{name} was tried {retries} more times after it had failed"),
    }
}

/// The remarks on a part: how it came to its place, and what is odd about it.
fn remarks(node: &Node) -> Vec<String> {
    let mut out = Vec::new();
    let mut say = |is: bool, text: &dyn Fn() -> String| {
        if is {
            out.push(text());
        }
    };
    say(node.part.has_failed(), &|| match (node.part.kind, node.part.outcome) {
        (PartKind::Call, Some(outcome)) => outcome.word().to_owned(),
        _ => "error".to_owned(),
    });
    say(node.retry > 0, &|| format!("retry {}", node.retry));
    say(node.again > 0, &|| format!("the same again ({})", node.again + 1));
    say(node.is_late, &|| "late".to_owned());
    say(node.link == Link::Orphan, &|| "orphan".to_owned());
    say(node.link == Link::Cycle, &|| "cycle".to_owned());
    say(node.is_double, &|| "id twice".to_owned());
    say(node.part.retries.is_some_and(|n| n > 0), &|| match node.part.retries {
        Some(1) => "after one try".to_owned(),
        tries => format!("after {} tries", tries.unwrap_or(0)),
    });
    out
}

//! Trees of all shapes: whole, broken, endless; and what is said of them.

use super::*;
use crate::event::FailureMode;
use proptest::prelude::*;

const START: i64 = 1_772_409_600_000_000;

/// A span of milliseconds: its id, its parent's, from when to when.
fn step(id: &str, parent: &str, from: i64, to: i64) -> Part {
    made(PartKind::Step(SpanKind::Tool), id, parent, from, to)
}

fn made(kind: PartKind, id: &str, parent: &str, from: i64, to: i64) -> Part {
    let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let key = RecordKey { ts_us: START + to * 1_000, id: id.bytes().fold(7, |h, b| h * 31 + i64::from(b)) };
    Part {
        name: some(id),
        span_id: some(id),
        parent_id: some(parent),
        latency_us: Some((to - from) as u64 * 1_000),
        outcome: Some(Outcome::Ok),
        ..Part::new(kind, key)
    }
}

fn call(id: &str, parent: &str, from: i64, to: i64) -> Part {
    Part { name: Some("m".into()), ..made(PartKind::Call, id, parent, from, to) }
}

fn agent(from: i64, to: i64) -> Part {
    made(PartKind::Step(SpanKind::Agent), "root", "", from, to)
}

fn failed(part: Part) -> Part {
    Part { outcome: Some(Outcome::Failed(FailureMode::Unknown)), ..part }
}

/// Each node as `depth id`, in order.
fn shape(tree: &Tree) -> Vec<String> {
    let id = |n: &Node| n.part.span_id.clone().unwrap_or_else(|| "?".into());
    tree.nodes.iter().map(|n| format!("{} {}", n.depth, id(n))).collect()
}

fn node<'t>(tree: &'t Tree, id: &str) -> &'t Node {
    tree.nodes.iter().find(|n| n.part.span_id.as_deref() == Some(id)).expect("is there")
}

fn ms(stretches: &[(i64, i64)]) -> Vec<(i64, i64)> {
    stretches.iter().map(|(a, b)| ((a - START) / 1_000, (b - START) / 1_000)).collect()
}

#[test]
fn parents_are_found_by_their_ids_in_any_order() {
    let parts = vec![step("b", "a", 40, 60), agent(0, 100), step("a", "root", 10, 70), step("c", "root", 5, 8)];
    let tree = Tree::build(parts.clone());
    assert_eq!(shape(&tree), ["0 root", "1 c", "1 a", "2 b"]);
    assert!(tree.nodes[1..].iter().all(|n| n.link == Link::Id));
    assert_eq!(Tree::build(parts.into_iter().rev().collect()), tree);
}

#[test]
fn without_parents_parts_nest_by_time() {
    let tree = Tree::build(vec![
        call("x", "", 10, 30),
        step("t", "", 31, 60),
        call("y", "", 40, 50),
        agent(0, 100),
        call("z", "", 120, 130),
    ]);
    assert_eq!(shape(&tree), ["0 root", "1 x", "1 t", "2 y", "0 z"]);
    assert_eq!(node(&tree, "y").link, Link::Time);
    // Nothing lies within a call but what names it.
    let tree = Tree::build(vec![call("x", "", 0, 100), call("y", "", 10, 20)]);
    assert_eq!(shape(&tree), ["0 x", "0 y"]);
}

#[test]
fn tries_of_a_call_hang_below_it_by_its_request() {
    let mut tried = made(PartKind::Step(SpanKind::Attempt), "req-1", "", 0, 40);
    (tried.span_id, tried.parent_id) = (Some("a-1".into()), Some("req-1".into()));
    let of = Part { span_id: None, request_id: Some("req-1".into()), ..call("c", "", 0, 90) };
    let tree = Tree::build(vec![tried, of]);
    assert_eq!(tree.nodes[1].parent, Some(0));
    assert_eq!(tree.nodes[1].part.kind, PartKind::Step(SpanKind::Attempt));
}

#[test]
fn what_is_missing_or_goes_in_circles_is_said() {
    let tree = Tree::build(vec![step("a", "never", 0, 10), step("b", "a", 1, 5)]);
    assert_eq!((shape(&tree), node(&tree, "a").link), (vec!["0 a".into(), "1 b".into()], Link::Orphan));
    let tree =
        Tree::build(vec![step("a", "c", 0, 9), step("b", "a", 1, 8), step("c", "b", 2, 7), step("s", "s", 20, 21)]);
    assert_eq!(shape(&tree), ["0 a", "1 b", "2 c", "0 s"]);
    assert_eq!((node(&tree, "a").link, node(&tree, "s").link), (Link::Cycle, Link::Cycle));
    // A child around its parent makes no circle out of what names no parent.
    let tree = Tree::build(vec![agent(0, 100), step("wide", "root", 0, 120)]);
    assert_eq!((shape(&tree), node(&tree, "root").link), (vec!["0 root".into(), "1 wide".into()], Link::Root));
    let tree = Tree::build(vec![step("a", "", 0, 9), step("a", "", 20, 30), step("b", "a", 21, 22)]);
    assert_eq!(tree.nodes.iter().filter(|n| n.is_double).count(), 2);
    assert_eq!(tree.nodes.len(), 3);
    assert!(Tree::build(Vec::new()).nodes.is_empty());
}

#[test]
fn a_child_that_its_parent_did_not_wait_for_is_late() {
    let tree = Tree::build(vec![agent(0, 100), step("a", "root", 10, 90), step("late", "root", 95, 300)]);
    assert_eq!((node(&tree, "late").is_late, node(&tree, "a").is_late), (true, false));
    assert_eq!((ms(&[(tree.start_us, tree.end_us)]), tree.last_us - START), (vec![(0, 100)], 300_000));
    assert!(node(&tree, "late").critical.is_empty());
    // Rounded to milliseconds, an end may lie a little after the parent's.
    let tree = Tree::build(vec![agent(0, 100), step("a", "root", 10, 101)]);
    assert!(!node(&tree, "a").is_late);
}

#[test]
fn the_critical_path_leads_back_from_the_end() {
    // plan, three tools beside each other, answer; the longest tool is what the answer waited for.
    let tree = Tree::build(vec![
        agent(0, 1_000),
        call("plan", "root", 10, 200),
        step("quick", "root", 210, 300),
        step("slow", "root", 210, 700),
        step("middle", "root", 250, 500),
        step("in slow", "slow", 220, 650),
        call("answer", "root", 720, 990),
        step("late", "root", 900, 1_500),
    ]);
    let critical: Vec<&str> = tree.nodes.iter().filter(|n| !n.critical.is_empty()).map(|n| n.part.label()).collect();
    assert_eq!(critical, ["root", "m", "slow", "in slow", "m"]);
    assert_eq!(ms(&node(&tree, "root").critical), [(0, 10), (200, 210), (700, 720), (990, 1_000)]);
    assert_eq!(ms(&node(&tree, "slow").critical), [(210, 220), (650, 700)]);
    assert_eq!(ms(&node(&tree, "root").gaps), [(0, 10), (200, 210), (700, 720)]);
    let blame: Vec<(Option<&str>, u64, usize)> =
        tree.blame.iter().map(|b| (b.name.as_deref(), b.us / 1_000, b.parts)).collect();
    assert_eq!(blame, [(Some("m"), 460, 2), (Some("in slow"), 430, 1), (Some("slow"), 60, 1), (Some("root"), 50, 1)]);
    assert_eq!(tree.blame.iter().map(|b| b.us).sum::<u64>(), tree.latency_us());
}

#[test]
fn time_in_which_nothing_ran_is_nobodys() {
    let tree = Tree::build(vec![call("a", "", 0, 100), call("b", "", 400, 500)]);
    assert_eq!(tree.blame[0], Blame { name: None, kind: None, us: 300_000, parts: 1 });
    assert_eq!(tree.latency_us(), 500_000);
}

#[test]
fn what_is_done_again_is_told_apart() {
    let asked = |part: Part, what| Part { asked: Some(what), ..part };
    let named = |name: &str, part: Part| Part { name: Some(name.to_owned()), ..part };
    let tree = Tree::build(vec![
        agent(0, 1_000),
        failed(asked(named("fetch", step("f1", "root", 0, 50)), 1)),
        failed(asked(named("fetch", step("f2", "root", 60, 90)), 1)),
        asked(named("fetch", step("f3", "root", 100, 120)), 1),
        asked(named("search", step("s1", "root", 130, 140)), 2),
        asked(named("search", step("s2", "root", 150, 160)), 2),
        asked(named("search", step("s3", "root", 170, 180)), 9),
    ]);
    assert_eq!((node(&tree, "f1").retry, node(&tree, "f2").retry, node(&tree, "f3").retry), (0, 1, 2));
    assert_eq!((node(&tree, "s1").again, node(&tree, "s2").again, node(&tree, "s3").again), (0, 1, 0));
    let first = |id: &str| tree.nodes.iter().position(|n| n.part.span_id.as_deref() == Some(id)).expect("there");
    assert_eq!(
        tree.findings,
        [
            Finding::Again { name: "search".into(), times: 2, node: first("s1") },
            Finding::Retried { name: "fetch".into(), retries: 2, node: first("f1") },
        ]
    );
}

#[test]
fn rounds_that_do_not_end_are_a_loop() {
    let mut parts = vec![agent(0, 1_000)];
    for round in 0..5 {
        let at = 10 + round * 100;
        parts.push(call(&format!("c{round}"), "root", at, at + 40));
        let tool =
            Part { name: Some("look".into()), asked: Some(3), ..step(&format!("t{round}"), "root", at + 40, at + 90) };
        parts.push(tool);
    }
    let tree = Tree::build(parts.clone());
    assert!(tree.findings.contains(&Finding::Loop { steps: vec!["m".into(), "look".into()], times: 5, node: 1 }));
    // Other questions each time are work.
    for (n, part) in parts.iter_mut().enumerate() {
        part.asked = part.asked.map(|_| n as u64);
    }
    assert_eq!(Tree::build(parts).findings, []);
    // What runs at one time is one step of a round, in whatever order it ends; a try again is no part of it.
    let mut parts = vec![agent(0, 1_000)];
    for round in 0..4 {
        let at = 10 + round * 100;
        parts.push(call(&format!("c{round}"), "root", at, at + 40));
        for (name, took) in [("look", 10 + round % 2 * 20), ("ask", 20)] {
            let id = format!("{name}{round}");
            let tool = Part { name: Some(name.into()), asked: Some(3), ..step(&id, "root", at + 41, at + 41 + took) };
            parts.push(if round == 1 && name == "ask" { failed(tool) } else { tool });
        }
        if round == 1 {
            let again = step("again", "root", at + 65, at + 70);
            parts.push(Part { name: Some("ask".into()), asked: Some(3), ..again });
        }
    }
    let tree = Tree::build(parts);
    assert_eq!(tree.findings[0], Finding::Loop { steps: vec!["m".into(), "ask + look".into()], times: 4, node: 1 });
    assert!(matches!(tree.findings[1..], [Finding::Retried { .. }]), "{:?}", tree.findings);
    // So are the same beside each other, and one call after another.
    let beside = (0..6).map(|n| Part { name: Some("get".into()), ..step(&format!("p{n}"), "", n, 100 + n) });
    assert_eq!(Tree::build(beside.collect()).findings, []);
    let talk = (0..6).map(|n| call(&format!("c{n}"), "", n * 100, n * 100 + 50));
    assert_eq!(Tree::build(talk.collect()).findings, []);
}

#[test]
fn long_chains_and_wide_rows_are_no_trouble() {
    let chain = (0..10_000)
        .map(|n| step(&format!("s{n}"), &if n > 0 { format!("s{}", n - 1) } else { String::new() }, n, 20_000 - n));
    let tree = Tree::build(chain.collect());
    assert_eq!((tree.nodes.len(), tree.nodes[9_999].depth), (10_000, 9_999));
    assert!(tree.nodes.iter().all(|n| !n.critical.is_empty()));
    let row = (0..10_000).map(|n| step(&format!("s{n}"), "root", n, n + 500)).chain([agent(0, 20_000)]);
    assert_eq!(Tree::build(row.collect()).nodes[0].children.len(), 10_000);
}

fn any_part() -> impl Strategy<Value = Part> {
    (0..5u8, 0..12u8, 0..14u8, 0..60i64, prop::option::of(0..40i64), any::<bool>(), prop::option::of(0..3u64)).prop_map(
        |(kind, id, parent, to, took, ok, asked)| {
            let kind = match kind {
                0 => PartKind::Call,
                1 => PartKind::Step(SpanKind::Agent),
                2 => PartKind::Step(SpanKind::Attempt),
                _ => PartKind::Step(SpanKind::Tool),
            };
            let text = |n: u8| (n > 0).then(|| format!("n{n}"));
            let key = RecordKey { ts_us: START + to * 500, id: i64::from(id) + to * 100 };
            let outcome = Some(if ok { Outcome::Ok } else { Outcome::Failed(FailureMode::Unknown) });
            let latency_us = took.map(|t| t as u64 * 500);
            Part {
                name: text(id % 3),
                span_id: text(id),
                parent_id: text(parent),
                latency_us,
                outcome,
                asked,
                ..Part::new(kind, key)
            }
        },
    )
}

proptest! {
    #[test]
    fn any_parts_make_a_tree_that_accounts_for_its_time(parts in prop::collection::vec(any_part(), 0..40)) {
        let tree = Tree::build(parts.clone());
        prop_assert_eq!(tree.nodes.len(), parts.len());
        for (number, node) in tree.nodes.iter().enumerate() {
            prop_assert!(node.parent.is_none_or(|p| p < number && tree.nodes[p].children.contains(&number)));
            prop_assert_eq!(node.depth, node.parent.map_or(0, |p| tree.nodes[p].depth + 1));
        }
        // Every moment of the whole is somebody's, once.
        prop_assert_eq!(tree.blame.iter().map(|b| b.us).sum::<u64>(), tree.latency_us());
    }
}

//! What differs between tables, and what is left when one is taken over.

use super::*;
use crate::price::entry::Author;
use crate::price::own::{self, day, line};

fn book(lines: &[&str]) -> Book {
    let text = [&[r#"{"format":"llmtop-prices","version":1,"date":"2026-07-24"}"#], lines].concat().join("\n");
    own::read(&text, Author::Imported).unwrap()
}

fn told(change: &PriceChange) -> Vec<String> {
    let rate = |rate: Option<Rate>| rate.map_or("-".to_owned(), |rate| rate.to_string());
    change.differences().iter().map(|d| format!("{}: {} {}", d.place, rate(d.before), rate(d.after))).collect()
}

#[test]
fn only_what_differs_is_told_and_taken_over() {
    let ours = book(&[
        r#"{"model":"same","input":1}"#,
        r#"{"model":"m","input":1,"output":4,"tiers":[{"above":200000,"input":2}],"batch":{"input":0.5}}"#,
        r#"{"model":"here","input":1}"#,
    ]);
    let theirs = book(&[
        r#"{"model":"same","input":1,"aliases":["x"]}"#,
        r#"{"model":"m","input":1,"output":5,"tiers":[{"above":200000,"input":3}],"flex":{"input":0.5}}"#,
        r#"{"model":"new","input":1}"#,
    ]);
    let from_us = day("2026-08-01").unwrap();
    let changes = changes(&Table::of(ours.entries.clone()), &theirs, from_us);
    assert_eq!(changes.len(), 2);
    assert_eq!(
        told(&changes[0]),
        ["output: 4 5", "input above 200000: 2 3", "batch input: 0.5 -", "flex input: - 0.5"]
    );
    assert_eq!(told(&changes[1]), ["input: - 1"]);
    let imported =
        book(&[r#"{"model":"m","from":"2026-07-30","input":7}"#, r#"{"model":"m","from":"2026-08-09","input":8}"#]);
    let kept: Vec<String> = taken_over(imported.entries, &changes).iter().map(line).collect();
    assert_eq!(
        kept,
        [
            r#"{"model":"m","from":"2026-07-30","input":7}"#,
            r#"{"model":"m","from":"2026-08-01","input":1,"output":5,"tiers":[{"above":200000,"input":3}],"flex":{"input":0.5}}"#,
            r#"{"model":"new","from":"2026-08-01","input":1}"#,
        ]
    );
}

#[test]
fn a_table_differs_from_what_holds_on_its_day() {
    let ours =
        Table::of(book(&[r#"{"model":"m","input":1}"#, r#"{"model":"m","from":"2026-09-01","input":2}"#]).entries);
    let theirs = book(&[r#"{"model":"m","input":2}"#]);
    assert_eq!(changes(&ours, &theirs, day("2026-09-01").unwrap()), []);
    assert_eq!(changes(&ours, &theirs, day("2026-08-31").unwrap()).len(), 1);
}

//! One table over another, by dates.

use super::*;
use crate::price::entry::Author;
use crate::price::own;

fn table(date: &str, lines: &[&str]) -> Table {
    let header = format!(r#"{{"format":"llmtop-prices","version":1,"date":"{date}"}}"#);
    let text = [&[header.as_str()], lines].concat().join("\n");
    Table::of(own::read(&text, Author::Shipped).unwrap().entries)
}

/// From when on which input rate holds.
fn history(table: &Table, name: &str) -> Vec<String> {
    let text = |entry: &Arc<Entry>| {
        let rate = entry.schemes[0].as_ref().and_then(|s| s.rates.get(crate::price::Bucket::Input));
        format!(
            "{} {}",
            entry.from_us.map_or("ever".to_owned(), own::day_text),
            rate.map_or(String::new(), |r| r.to_string())
        )
    };
    table.full(name).unwrap_or_default().iter().map(text).collect()
}

#[test]
fn an_entry_holds_from_its_date_on_and_what_was_before_stays() {
    let base = table(
        "2026-07-24",
        &[
            r#"{"model":"m","provider":"p","input":1}"#,
            r#"{"model":"m","provider":"p","from":"2026-06-01","input":2}"#,
            r#"{"model":"other","provider":"p","input":9}"#,
        ],
    );
    let over = table(
        "2026-08-01",
        &[
            r#"{"model":"m","provider":"p","from":"2026-05-01","input":3}"#,
            r#"{"model":"p/new","provider":"p","input":4}"#,
        ],
    );
    let both = base.under(&over);
    assert_eq!(history(&both, "p/m"), ["ever 1", "2026-05-01 3"]);
    assert_eq!(history(&both, "p/other"), ["ever 9"]);
    assert_eq!(history(&both, "p/new"), ["ever 4"]);
    assert!(both.bare("m").is_some() && both.bare("new").is_none());
    let later = table("2026-08-01", &[r#"{"model":"m","provider":"p","from":"2026-08-01","input":3}"#]);
    assert_eq!(history(&base.under(&later), "p/m"), ["ever 1", "2026-06-01 2", "2026-08-01 3"]);
}

#[test]
fn a_table_without_dates_replaces_all_there_was() {
    let base = table("2026-07-24", &[r#"{"model":"m","input":1}"#]);
    let over = table("2026-08-01", &[r#"{"model":"m","input":3}"#]);
    assert_eq!(history(&base.under(&over), "m"), ["ever 3"]);
}

#[test]
fn what_a_later_release_knows_goes_before_an_older_import() {
    let base = table("2026-12-01", &[r#"{"model":"m","input":1}"#]);
    let over = table("2026-08-01", &[r#"{"model":"m","from":"2026-08-01","input":3}"#]);
    assert_eq!(history(&base.under(&over), "m"), ["ever 1", "2026-08-01 3", "2026-12-01 1"]);
}

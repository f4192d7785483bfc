//! How names are found, and whose prices go before whose; the bills of `tests/bills.rs` show the rest.

use super::*;
use crate::price::entry::Author;
use crate::price::{Prices, Tables, own};

fn entries(lines: &[&str], author: Author) -> Vec<Entry> {
    let text = [&[r#"{"format":"llmtop-prices","version":1}"#], lines].concat().join("\n");
    own::read(&text, author).unwrap().entries
}

fn prices(table: &[&str], own: &[&str]) -> Prices {
    let own = entries(own, Author::Config).into_iter().map(Arc::new).collect();
    Prices { own, tables: Tables::only(Table::of(entries(table, Author::Shipped))), ..Prices::default() }
}

/// How it was found, and its input rate.
fn found(prices: &Prices, provider: Option<&str>, model: &str) -> Option<String> {
    let model = prices.model(provider, Some(model))?;
    let rate = model.at(0).0.schemes[0].as_ref()?.rates.get(crate::price::Bucket::Input)?;
    Some(format!("{} {rate}", model.found.word()))
}

#[test]
fn a_more_exact_name_goes_before_the_configuration() {
    let table = [r#"{"model":"m","provider":"p","input":1}"#, r#"{"model":"m-2025-01-01","provider":"p","input":2}"#];
    let prices = prices(&table, &[r#"{"model":"m","input":7}"#]);
    let found = |model| found(&prices, Some("p"), model);
    assert_eq!(found("m").as_deref(), Some("exact 7"));
    assert_eq!(found("m-2025-01-01").as_deref(), Some("exact 2"), "a snapshot with a price of its own keeps it");
    assert_eq!(found("m-2025-02-02").as_deref(), Some("snapshot 7"));
}

#[test]
fn the_configuration_speaks_of_one_provider_or_of_all() {
    let table =
        [r#"{"model":"m","provider":"openai","input":1}"#, r#"{"model":"azure/m","provider":"azure","input":2}"#];
    let own = [r#"{"model":"m","input":5}"#, r#"{"model":"m","provider":"azure","input":6}"#];
    let both = prices(&table, &own);
    assert_eq!(found(&both, Some("openai"), "m").as_deref(), Some("exact 5"));
    assert_eq!(found(&both, Some("azure"), "m").as_deref(), Some("exact 6"), "what is said of one goes first");
    assert_eq!(found(&both, None, "azure/m").as_deref(), Some("exact 6"));
    assert_eq!(found(&both, None, "m").as_deref(), Some("exact 5"));
    let one = prices(&table, &own[1..]);
    assert_eq!(found(&one, None, "m").as_deref(), Some("exact 1"), "the bare name is openai's");
    let by_full_name = prices(&table, &[r#"{"model":"azure/m","input":8}"#]);
    assert_eq!(found(&by_full_name, Some("azure"), "m").as_deref(), Some("exact 8"));
    assert_eq!(found(&by_full_name, Some("openai"), "m").as_deref(), Some("exact 1"));
}

#[test]
fn a_model_of_the_configuration_alone_is_found_and_never_guessed() {
    let own = [
        r#"{"model":"own","provider":"acme","input":5}"#,
        r#"{"model":"two","provider":"acme","input":1}"#,
        r#"{"model":"two","provider":"umbrella","input":2}"#,
    ];
    let prices = prices(&[r#"{"model":"m","provider":"openai","input":1}"#], &own);
    assert_eq!(found(&prices, Some("acme"), "own").as_deref(), Some("exact 5"));
    assert_eq!(found(&prices, None, "own").as_deref(), Some("exact 5"));
    assert_eq!(found(&prices, None, "acme/own").as_deref(), Some("prefix 5"));
    assert_eq!(found(&prices, Some("openai"), "own"), None);
    assert_eq!(found(&prices, Some("acme"), "m"), None, "acme is a provider, and not openai");
    assert_eq!(found(&prices, None, "two"), None, "two providers have it");
    assert_eq!(found(&prices, Some("umbrella"), "two").as_deref(), Some("exact 2"));
}

#[test]
fn aliases_and_prefixes_keep_to_their_provider() {
    let table = [
        r#"{"model":"mistral/large","provider":"mistral","input":1,"aliases":["large"]}"#,
        r#"{"model":"groq/x","provider":"groq","input":2}"#,
    ];
    let prices = prices(&table, &[]);
    assert_eq!(found(&prices, None, "large").as_deref(), Some("alias 1"));
    assert_eq!(found(&prices, Some("mistralai"), "large").as_deref(), Some("exact 1"));
    assert_eq!(found(&prices, Some("groq"), "large"), None);
    assert_eq!(found(&prices, Some("groq"), "mistral/large"), None);
    assert_eq!(found(&prices, None, "mistralai/large-2025-01-01").as_deref(), Some("snapshot 1"));
    assert_eq!(found(&prices, Some("a-gateway"), "groq/x").as_deref(), Some("exact 2"));
    assert_eq!(found(&prices, None, "x"), None);
    assert_eq!(found(&prices, None, "nobody/x"), None);
}

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
    assert_eq!(found(&prices, Some("litellm-proxy"), "groq/x").as_deref(), Some("exact 2"));
    assert_eq!(found(&prices, Some("a-gateway"), "groq/x"), None);
    assert_eq!(found(&prices, None, "x"), None);
    assert_eq!(found(&prices, None, "nobody/x"), None);
}

#[test]
fn a_price_reaches_the_snapshots_that_cost_the_same() {
    let table = [
        r#"{"model":"m","provider":"p","input":1,"output":2,"batch":{"input":1}}"#,
        r#"{"model":"m-2025-01-01","provider":"p","input":1,"output":2}"#,
        r#"{"model":"m-2024-01-01","provider":"p","input":3,"output":2}"#,
        r#"{"model":"q/m","provider":"q","input":4}"#,
        r#"{"model":"q/m-2025-01-01","provider":"q","input":4}"#,
    ];
    let one = prices(&table, &[r#"{"model":"m","provider":"p","input":7}"#]);
    assert_eq!(found(&one, Some("p"), "m-2025-01-01").as_deref(), Some("same-snapshot 7"));
    assert_eq!(found(&one, Some("p"), "m-2024-01-01").as_deref(), Some("exact 3"), "it costs something else");
    assert_eq!(found(&one, Some("q"), "m-2025-01-01").as_deref(), Some("exact 4"), "that is another provider's");
    assert_eq!(found(&one, None, "p/m-2025-01-01").as_deref(), Some("same-snapshot 7"));
    let all = prices(&table, &[r#"{"model":"m","input":7}"#]);
    assert_eq!(found(&all, Some("q"), "m-2025-01-01").as_deref(), Some("same-snapshot 7"));
    let both = [r#"{"model":"m","input":7}"#, r#"{"model":"m-2025-01-01","input":8}"#];
    assert_eq!(found(&prices(&table, &both), Some("p"), "m-2025-01-01").as_deref(), Some("exact 8"));
    let model = all.model(Some("q"), Some("m-2025-01-01")).unwrap();
    let (entry, _) = model.at(0);
    assert_eq!((&*entry.model, entry.provider.as_deref()), ("q/m-2025-01-01", Some("q")), "it is that model's now");
}

#[test]
fn a_gateway_may_have_prices_of_its_own() {
    let table = [r#"{"model":"m","provider":"p","input":1}"#, r#"{"model":"any","input":5}"#];
    let own = [r#"{"model":"m","from":"1999-01-01","input":2}"#, r#"{"model":"fine","provider":"gate","input":3}"#];
    let prices = Prices { gateways: vec!["gate".to_owned()], ..prices(&table, &own) };
    assert_eq!(found(&prices, Some("gate"), "fine").as_deref(), Some("exact 3"));
    assert_eq!(found(&prices, Some("Gate"), "m").as_deref(), Some("exact 1"), "before 1999 the list holds");
    assert_eq!(found(&prices, Some("nobody"), "any").as_deref(), Some("exact 5"), "a table may speak of all providers");
    assert_eq!((prices.stranger(Some("gate")), prices.stranger(Some("nobody"))), (None, Some("nobody")));
    assert_eq!((prices.stranger(None), prices.stranger(Some("")), prices.stranger(Some("P"))), (None, None, None));
}

#[test]
fn an_uplift_holds_whether_or_not_the_configuration_has_the_price() {
    let uplift = |provider: Option<&str>, model: &str| Uplift {
        provider: provider.map(str::to_owned),
        model: Some(Pattern::glob(model, crate::view::Case::Exact)),
        parts: 10_000,
        from_us: None,
    };
    let table = [r#"{"model":"m","provider":"p","input":1}"#];
    for own in [&[][..], &[r#"{"model":"m","input":7}"#]] {
        for (uplift, said) in [(uplift(Some("p"), "m"), "m"), (uplift(None, "m-2025-*"), "m-2025-01-01")] {
            let prices = Prices { uplifts: vec![uplift], ..prices(&table, own) };
            assert_eq!(prices.model(None, Some(said)).unwrap().uplift(0), 10_000, "{own:?} {said}");
        }
    }
}

//! `llmtop prices` as it is typed, and that what is imported or configured prices what is read afterwards.

#![allow(clippy::unwrap_used)] // a test that cannot read what was printed has to fail

mod common;

use common::program::Home;
use serde_json::Value;
use std::os::unix::fs::PermissionsExt;

const EVENT: &str = r#"{"event":"llm_call","timestamp":"2026-05-01T10:00:00Z","request_id":"a","provider":"acme","model":"own-model","input_tokens":1000,"output_tokens":100}"#;

const TABLE: &str = r#"{
"own-model": {"litellm_provider": "acme", "mode": "chat", "input_cost_per_token": 2e-06, "output_cost_per_token": 8e-06},
"odd": {"litellm_provider": "acme", "mode": "chat", "input_cost_per_token": -2e-06}
}"#;

fn cost(home: &Home, log: &str) -> Value {
    let report = home.run(["report", "--format", "json", log]).good();
    serde_json::from_str::<Value>(&report).unwrap()["totals"]["cost_usd"].clone()
}

#[test]
fn prices_are_listed_shown_and_looked_for() {
    let home = Home::new();
    let list = home.run(["prices", "list", "gpt-4.1*", "--provider", "openai"]).good();
    assert!(list.lines().next().unwrap().starts_with("model"), "{list}");
    assert!(list.contains("gpt-4.1-mini") && list.contains("dollars per million tokens"), "{list}");
    let json = home.run(["prices", "list", "*haiku*", "--format", "json"]).good();
    let first: Value = serde_json::from_str(json.lines().next().unwrap()).unwrap();
    assert!(first["model"].as_str().unwrap().contains("haiku") && first["input"].is_number(), "{first}");
    let show = home.run(["prices", "show", "claude-sonnet-4-5@20300101", "--provider", "anthropic"]).good();
    for says in
        ["claude-sonnet-4-5 (anthropic, chat)", "without the date of a snapshot", "cache write 1h", "above 200000"]
    {
        assert!(show.contains(says), "{says}: {show}");
    }
    let near = home.run(["prices", "show", "gpt-4.1-minii"]).bad();
    assert!(near.contains("called nearly so are gpt-4.1-mini"), "{near}");
    let other = home.run(["prices", "show", "gpt-4.1", "--provider", "groq"]).bad();
    assert!(other.contains("there is one of azure, openai"), "{other}");
    let strange = home.run(["prices", "show", "deepseek-chat", "--provider", "siliconflow"]).bad();
    assert!(strange.contains("no prices of provider siliconflow") && strange.contains("cost.gateways"), "{strange}");
    assert!(home.run(["prices", "list", "no-such-*"]).bad().contains("no model of that name"));
}

#[test]
fn an_imported_table_prices_what_is_read_from_then_on() {
    let home = Home::new();
    home.write("first.jsonl", EVENT);
    assert_eq!(cost(&home, "first.jsonl"), Value::Null, "nobody knows the model");
    home.write("table.json", TABLE);
    let diff = home.run(["prices", "diff", "table.json"]).good();
    assert!(diff.contains("new      own-model: input 2, output 8"), "{diff}");
    let import = home.run(["prices", "import", "table.json", "--from", "2026-04-01"]).good();
    for says in
        ["left out odd: -0.000002 is no price", "0 changed, 1 new, 0 the same, 1 left out", "--since 2026-04-01"]
    {
        assert!(import.contains(says), "{says}: {import}");
    }
    let path = home.path("config/llmtop/prices.jsonl");
    let mode = |path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(path.clone()), mode(home.path("config/llmtop"))), (0o600, 0o700));
    home.write("second.jsonl", EVENT);
    assert_eq!(cost(&home, "second.jsonl"), 0.0028);
    let again = home.run(["prices", "import", "table.json"]).good();
    assert!(again.contains("1 the same") && again.contains("nothing was written"), "{again}");
    home.write("dearer.json", TABLE.replace("8e-06", "9e-06"));
    let dearer = home.run(["prices", "import", "dearer.json", "--from", "2026-05-01"]).good();
    assert!(dearer.contains("changed  own-model: output 8 → 9"), "{dearer}");
    let show = home.run(["prices", "show", "own-model"]).good();
    assert!(show.contains("from 2026-05-01 on") && show.contains("from 2026-04-01 on"), "{show}");
    home.write("third.jsonl", EVENT);
    assert_eq!(cost(&home, "third.jsonl"), 0.0029);
}

#[test]
fn a_broken_table_is_named_with_its_line_and_changes_nothing() {
    let home = Home::new();
    home.write("cut.json", &TABLE[..TABLE.len() / 2]);
    assert!(home.run(["prices", "import", "cut.json"]).bad().contains("cut.json, line 2: "), "the line");
    home.write("slip.jsonl", "{\"format\":\"llmtop-prices\",\"version\":1}\n{\"model\":\"m\",\"inptu\":1}\n");
    let slip = home.run(["prices", "import", "slip.jsonl"]).bad();
    assert!(slip.contains("slip.jsonl, line 2: m: no field \"inptu\"; did you mean input?"), "{slip}");
    assert!(!home.path("config/llmtop/prices.jsonl").exists());
    assert!(home.run(["prices", "diff", "none.json"]).bad().contains("none.json"));
    home.write("config/llmtop/prices.jsonl", "{\"format\":\"llmtop-prices\",\"version\":1}\n{\"model\":\"m\"}\n");
    home.write("log.jsonl", EVENT);
    for args in [["ingest", "log.jsonl"], ["report", "log.jsonl"], ["prices", "list"]] {
        let told = home.run(args).bad();
        assert!(told.contains("config/llmtop/prices.jsonl, line 2: m has no price"), "{told}");
    }
}

#[test]
fn the_configuration_prices_over_any_table() {
    let home = Home::new();
    home.write("table.json", TABLE);
    home.run(["prices", "import", "table.json", "--from", "2026-04-01"]).good();
    let config = "[[price]]\nmodel = \"own-model\"\nprovider = \"acme\"\ninput = 1\noutput = 1\n[[uplift]]\nprovider = \"acme\"\npercent = 10\n";
    home.write("config/llmtop/config.toml", config);
    home.write("log.jsonl", EVENT);
    assert_eq!(cost(&home, "log.jsonl"), 0.00121);
    let show = home.run(["prices", "show", "own-model"]).good();
    assert!(show.contains("by the configuration, line 1") && show.contains("and 10 % of it on top"), "{show}");
    let list = home.run(["prices", "list", "own-*"]).good();
    assert!(list.contains("1 model;"), "{list}");
}

#[test]
fn the_configuration_prices_snapshots_and_gateways() {
    let home = Home::new();
    let config = "cost.gateways = [\"acme\"]\n[[price]]\nmodel = \"gpt-4o\"\ninput = 1\noutput = 1\n";
    home.write("config/llmtop/config.toml", config);
    home.write("log.jsonl", EVENT.replace("own-model", "gpt-4o-2024-08-06"));
    assert_eq!(cost(&home, "log.jsonl"), 0.0011);
    let show = home.run(["prices", "show", "gpt-4o-2024-08-06"]).good();
    for says in ["gpt-4o-2024-08-06 (openai, chat), found by its name without the date", "at the same prices", "line 2"]
    {
        assert!(show.contains(says), "{says}: {show}");
    }
    let list = home.run(["prices", "list", "gpt-4o", "--provider", "openai"]).good();
    assert!(
        list.contains("gpt-4o") && list.contains("1 model;"),
        "what is said of all providers is said of each: {list}"
    );
    assert!(home.run(["config", "show"]).good().contains("cost.gateways = [\"acme\"]"), "as it is typed");
    home.write("config/llmtop/config.toml", "cost.gateways = \"acme\"\n");
    let told = home.run(["prices", "list"]).bad();
    assert!(
        told.contains("line 1") && told.contains("cost.gateways cannot be a string; write a list of names"),
        "{told}"
    );
}

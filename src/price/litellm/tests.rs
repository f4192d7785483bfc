//! Reading of the public form: what its fields mean, and what is left out.

use super::*;
use crate::price::own::{day, line};

fn lines(table: &str) -> (Vec<String>, Vec<String>) {
    let (book, left_out) = read(table, day("2026-07-24").unwrap()).unwrap();
    let told = left_out.iter().map(|out| format!("{}: {}", out.model, out.why)).collect();
    (book.entries.iter().map(line).collect(), told)
}

fn only(model: &str) -> String {
    let (lines, told) = lines(&format!("{{\"m\":{model}}}"));
    assert!(told.is_empty(), "{told:?}");
    lines.join("\n")
}

#[test]
fn fields_are_buckets_sizes_and_service_tiers() {
    let got = only(
        r#"{"litellm_provider":"vertex_ai-anthropic_models","mode":"chat","input_cost_per_token":3e-06,"output_cost_per_token":1.5e-05,
        "cache_read_input_token_cost":3e-07,"cache_creation_input_token_cost":3.75e-06,"cache_creation_input_token_cost_above_1hr":6e-06,
        "input_cost_per_token_above_200k_tokens":6e-06,"cache_creation_input_token_cost_above_1hr_above_200k_tokens":1.2e-05,
        "input_cost_per_token_batches":1.5e-06,"input_cost_per_token_above_272k_tokens_priority":1e-05,"input_cost_per_token_priority":"5e-06",
        "output_cost_per_reasoning_token":4e-06,"input_cost_per_audio_token":1e-06,"output_cost_per_image":0.04,"max_tokens":8192,
        "supports_vision":true,"input_cost_per_character":1e-07}"#,
    );
    assert_eq!(
        got,
        r#"{"model":"m","provider":"vertex_ai","mode":"chat","input":3,"cache_read":0.3,"cache_write":3.75,"cache_write_1h":6,"output":15,"reasoning":4,"audio_input":1,"tiers":[{"above":200000,"input":6,"cache_write_1h":12}],"batch":{"input":1.5},"priority":{"input":5,"tiers":[{"above":272000,"input":10}]}}"#
    );
}

#[test]
fn ranges_of_sizes_are_tiers() {
    let got = only(
        r#"{"litellm_provider":"dashscope","mode":"chat","tiered_pricing":[
        {"input_cost_per_token":4e-07,"output_cost_per_token":1.2e-06,"output_cost_per_reasoning_token":4e-06,"range":[0,256000.0]},
        {"input_cost_per_token":1.2e-06,"output_cost_per_token":3.6e-06,"output_cost_per_reasoning_token":1.2e-05,"range":[256000.0,1000000.0]}]}"#,
    );
    assert_eq!(
        got,
        r#"{"model":"m","provider":"dashscope","mode":"chat","input":0.4,"output":1.2,"reasoning":4,"tiers":[{"above":256000,"input":1.2,"output":3.6,"reasoning":12}]}"#
    );
}

#[test]
fn zero_is_unknown_unless_the_model_runs_at_home() {
    let zero = |provider: &str| {
        only(&format!(
            r#"{{"litellm_provider":"{provider}","mode":"chat","input_cost_per_token":0,"output_cost_per_token":1e-6,"cache_creation_input_token_cost":0.0}}"#
        ))
    };
    assert_eq!(zero("openai"), r#"{"model":"m","provider":"openai","mode":"chat","output":1}"#);
    assert_eq!(
        zero("ollama"),
        r#"{"model":"m","provider":"ollama","mode":"chat","input":0,"cache_write":0,"output":1}"#
    );
    let free = r#"{"litellm_provider":"publicai","mode":"chat","input_cost_per_token":0,"output_cost_per_token":0}"#;
    assert_eq!(only(free), "");
}

#[test]
fn a_second_name_of_a_field_does_not_go_before_the_first() {
    for order in [
        ["cache_read_input_token_cost", "input_cost_per_token_cache_hit"],
        ["input_cost_per_token_cache_hit", "cache_read_input_token_cost"],
    ] {
        let value = |name: &str| if name.ends_with("hit") { "2e-07" } else { "1e-07" };
        let fields = order.map(|name| format!("\"{name}\":{}", value(name))).join(",");
        let got = only(&format!(r#"{{"litellm_provider":"deepseek","mode":"chat",{fields}}}"#));
        assert_eq!(got, r#"{"model":"m","provider":"deepseek","mode":"chat","cache_read":0.1}"#);
    }
}

#[test]
fn one_model_under_two_names_is_one_and_makers_names_are_declared() {
    let model = |provider: &str, rest: &str| {
        format!(r#"{{"litellm_provider":"{provider}","mode":"chat","input_cost_per_token":1e-06{rest}}}"#)
    };
    let table = format!(
        r#"{{"gemini/g":{},"g":{},"xai/grok":{},"xai/org/other":{},"groq/open":{},"mistral/open-mistral":{}}}"#,
        model("gemini", r#","output_cost_per_token":2e-06"#),
        model("gemini", ""),
        model("xai", ""),
        model("xai", ""),
        model("groq", ""),
        model("mistral", "")
    );
    let (lines, told) = lines(&table);
    assert_eq!(
        lines,
        [
            r#"{"model":"g","provider":"gemini","mode":"chat","input":1,"output":2}"#,
            r#"{"model":"xai/grok","provider":"xai","mode":"chat","input":1,"aliases":["grok"]}"#,
            r#"{"model":"xai/org/other","provider":"xai","mode":"chat","input":1}"#,
            r#"{"model":"groq/open","provider":"groq","mode":"chat","input":1}"#,
            r#"{"model":"mistral/open-mistral","provider":"mistral","mode":"chat","input":1}"#,
        ]
    );
    assert!(told.is_empty());
}

#[test]
fn what_cannot_be_a_price_is_left_out_and_told() {
    let model = |cost: &str| format!(r#"{{"litellm_provider":"x","mode":"chat","input_cost_per_token":{cost}}}"#);
    let table = format!(
        r#"{{"sample_spec":{},"neg":{},"dear":{},"word":{},"image":{{"litellm_provider":"x","mode":"image_generation","input_cost_per_token":1e-6}},"good":{}}}"#,
        model("1"),
        model("-1e-6"),
        model("0.1"),
        model("\"free\""),
        model("1e-6")
    );
    let (lines, told) = lines(&table);
    assert_eq!(lines, [r#"{"model":"good","provider":"x","mode":"chat","input":1}"#]);
    assert_eq!(
        told,
        [
            "neg: -0.000001 is no price",
            "dear: 0.1 is more than 1000 dollars per million tokens",
            "word: \"free\" is no price"
        ]
    );
}

#[test]
fn rates_of_writing_that_cannot_be_right_are_unknown_and_told() {
    let table = r#"{"a":{"litellm_provider":"anthropic","mode":"chat","input_cost_per_token":1.5e-05,
        "cache_creation_input_token_cost":1.875e-05,"cache_creation_input_token_cost_above_1hr":6e-06},
        "b":{"litellm_provider":"azure","mode":"chat","input_cost_per_token":2e-06,"cache_creation_input_token_cost":2e-06,
        "input_cost_per_token_above_200k_tokens":4e-06,"cache_creation_input_token_cost_above_200k_tokens":2.5e-07}}"#;
    let (lines, told) = lines(table);
    assert_eq!(
        lines,
        [
            r#"{"model":"a","provider":"anthropic","mode":"chat","input":15,"cache_write":18.75}"#,
            r#"{"model":"b","provider":"azure","mode":"chat","input":2,"cache_write":2,"tiers":[{"above":200000,"input":4}]}"#,
        ]
    );
    assert_eq!(told, ["a: 6 is less than input costs, 15", "b: 0.25 is less than input costs, 4"]);
}

#[test]
fn what_is_no_table_is_told_with_its_line() {
    for (text, says) in [
        ("{\n\"a\": {\n", "line 3: column 0: EOF"),
        ("[]", "line 1: neither a table of this program nor LiteLLM's"),
        ("{\"a\":{\"price\":1}}", "line 1: neither a table"),
        ("", "line 1: column 0: EOF"),
    ] {
        let fault = read(text, 0).unwrap_err().to_string();
        assert!(fault.contains(says), "{text}: {fault}");
    }
}

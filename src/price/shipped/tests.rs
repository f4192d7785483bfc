//! What must hold of the shipped table, whatever its figures.

use super::*;
use crate::price::{Bucket, Mode, Prices, Service};

#[test]
fn it_reads_and_says_where_it_is_from() {
    let book = own::read(TEXT, Author::Shipped).unwrap();
    assert!(book.entries.len() > 2_000, "{}", book.entries.len());
    assert!(book.source.date_us.is_some() && !book.source.name.is_empty());
    assert_eq!(own::write(&book), TEXT, "it is written as the program writes it");
}

#[test]
fn every_model_can_be_billed_and_nothing_is_free_but_what_runs_at_home() {
    let book = own::read(TEXT, Author::Shipped).unwrap();
    for entry in &book.entries {
        let standard = entry.scheme(Service::Standard).unwrap();
        assert!(standard.rates.get(Bucket::Input).is_some(), "{}", entry.model);
        let has_output = standard.rates.get(Bucket::Output).is_some();
        assert!(has_output || entry.mode == Some(Mode::Embedding), "{}", entry.model);
        let at_home = matches!(entry.provider.as_deref(), Some("ollama" | "lemonade"));
        let free = standard.rates.known().filter(|(_, rate)| rate.picos() == 0).count();
        assert!(free == 0 || at_home, "{}", entry.model);
        for rates in
            entry.schemes.iter().flatten().flat_map(|scheme| scheme.clone().sizes_mut().map(|r| *r).collect::<Vec<_>>())
        {
            assert_eq!(rates.doubtful(), None, "{}: a slip of the source", entry.model);
        }
        assert!(standard.tiers.is_sorted_by_key(|tier| tier.above), "{}", entry.model);
    }
}

#[test]
fn models_of_today_are_found_as_people_name_them() {
    let prices = Prices { tables: Tables::shipped(), ..Prices::default() };
    for (provider, model) in [
        (Some("openai"), "gpt-4.1-mini"),
        (None, "gpt-4o-2024-08-06"),
        (Some("azure.ai.openai"), "gpt-4.1"),
        (Some("anthropic"), "claude-sonnet-4-5-20250929"),
        (Some("gcp.vertex_ai"), "claude-sonnet-4-5@20250929"),
        (Some("aws.bedrock"), "us.anthropic.claude-sonnet-4-5-20250929-v1:0"),
        (Some("gemini"), "gemini-2.5-flash"),
        (Some("gemini"), "models/gemini-2.5-flash"),
        (None, "gemini/gemini-2.5-pro"),
        (Some("openrouter"), "anthropic/claude-sonnet-4.5"),
        (None, "openrouter/anthropic/claude-sonnet-4.5"),
        (Some("mistral_ai"), "mistral-large-latest"),
        (None, "mistral-large-latest"),
        (Some("x_ai"), "grok-4"),
        (Some("deepseek"), "deepseek-chat"),
        (Some("groq"), "llama-3.3-70b-versatile"),
        (Some("cohere"), "embed-v4.0"),
        (Some("openai"), "text-embedding-3-small"),
        (Some("voyage"), "voyage-3.5"),
        (Some("ollama"), "llama3.1"),
        (Some("litellm"), "gpt-4.1"),
        (Some("anthropic"), "claude-sonnet-4-0"),
        (Some("anthropic"), "claude-opus-4-0"),
        (None, "claude-sonnet-4"),
        (None, "anthropic/claude-opus-4"),
        (Some("anthropic"), "claude-3-7-sonnet-latest"),
        (Some("anthropic"), "claude-3-opus-latest"),
        (Some("xai"), "grok-4-fast"),
    ] {
        assert!(prices.model(provider, Some(model)).is_some(), "{provider:?} {model}");
    }
    for (provider, model) in [
        (Some("groq"), "gpt-4.1"),
        (Some("siliconflow"), "deepseek-chat"),
        (Some("my-gateway"), "gpt-4.1"),
        (Some("bedrock"), "claude-sonnet-4-0"),
        (Some("vllm"), "gpt-4o"),
        (None, "gpt-4.1-minii"),
        (None, "GPT-4.1"),
        (None, "deepseek-r1"),
        (None, ""),
    ] {
        assert!(prices.model(provider, Some(model)).is_none(), "{provider:?} {model}");
    }
}

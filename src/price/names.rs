//! Names of providers and models: one spelling for each provider, and what may be taken off a model's name. Names are
//! never compared by likeness.

use chrono::NaiveDate;
use std::borrow::Cow;

/// Other spellings: of OpenTelemetry's conventions, of frameworks, and of price tables that divide a provider up.
const SPELLINGS: [(&str, &str); 37] = [
    ("azure_ai_openai", "azure"),
    ("az_ai_openai", "azure"),
    ("azure_openai", "azure"),
    ("azureopenai", "azure"),
    ("azure_text", "azure"),
    ("azure_ai_inference", "azure_ai"),
    ("az_ai_inference", "azure_ai"),
    ("aws_bedrock", "bedrock"),
    ("amazon_bedrock", "bedrock"),
    ("bedrock_converse", "bedrock"),
    ("gcp_vertex_ai", "vertex_ai"),
    ("vertexai", "vertex_ai"),
    ("google_vertex", "vertex_ai"),
    ("google_vertex_ai", "vertex_ai"),
    ("google_vertexai", "vertex_ai"),
    ("gcp_gemini", "gemini"),
    ("gcp_gen_ai", "gemini"),
    ("google_genai", "gemini"),
    ("google_ai_studio", "gemini"),
    ("google_generative_ai", "gemini"),
    ("x_ai", "xai"),
    ("mistral_ai", "mistral"),
    ("mistralai", "mistral"),
    ("cohere_chat", "cohere"),
    ("together", "together_ai"),
    ("togetherai", "together_ai"),
    ("fireworks", "fireworks_ai"),
    ("fireworks_ai_embedding_models", "fireworks_ai"),
    ("text_completion_openai", "openai"),
    ("text_completion_codestral", "codestral"),
    ("text_completion_inception", "inception"),
    ("moonshot_ai", "moonshot"),
    ("moonshotai", "moonshot"),
    ("ibm_watsonx_ai", "watsonx"),
    ("llama_cpp", "llamacpp"),
    ("lmstudio", "lm_studio"),
    ("hosted_vllm", "vllm"),
];

/// Servers that people run themselves: they are providers, though no list has their prices.
pub const LOCAL: [&str; 7] = ["ollama", "vllm", "lm_studio", "llamacpp", "sglang", "tgi", "lemonade"];

/// Providers of which a model's name may begin, though a table may not have them.
pub const OTHERS: [&str; 5] = ["openai", "azure", "anthropic", "huggingface", "nvidia_nim"];

/// What passes calls on to whoever serves the model, at their prices: as a provider it says nothing.
pub const GATEWAYS: [&str; 15] = [
    "litellm",
    "litellm_proxy",
    "portkey",
    "portkey_ai",
    "helicone",
    "kong",
    "kong_ai_gateway",
    "langfuse",
    "langsmith",
    "braintrust",
    "unify",
    "requesty",
    "martian",
    "truefoundry",
    "cloudflare_ai_gateway",
];

/// What stands before a model's name beside its provider: how the provider is reached, and Google's resource names.
const ROUTES: [(&str, &str); 7] = [
    ("bedrock/converse/", "bedrock"),
    ("bedrock/invoke/", "bedrock"),
    ("bedrock/converse_like/", "bedrock"),
    ("azure/responses/", "azure"),
    ("openai/responses/", "openai"),
    ("models/", "gemini"),
    ("publishers/google/models/", "vertex_ai"),
];

/// A provider in the one spelling of this program.
pub fn provider(name: &str) -> Cow<'_, str> {
    let is_plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
    let name = if name.bytes().all(is_plain) {
        Cow::Borrowed(name)
    } else {
        let plain = |c: char| if matches!(c, '-' | '.' | ' ' | '/') { '_' } else { c.to_ascii_lowercase() };
        Cow::Owned(name.trim().chars().map(plain).collect())
    };
    if name.starts_with("vertex_ai_") {
        return Cow::Borrowed("vertex_ai");
    }
    SPELLINGS.iter().find(|(other, _)| *other == name).map_or(name, |(_, ours)| Cow::Borrowed(*ours))
}

/// The model's name with its provider before it, once.
pub fn full(provider: &str, model: &str) -> String {
    format!("{provider}/{}", bare(provider, model))
}

/// The model's name without its provider before it.
pub fn bare<'a>(of: &str, model: &'a str) -> &'a str {
    match model.split_once('/') {
        Some((first, rest)) if provider(first) == of => rest,
        _ => model,
    }
}

/// A model's name that begins with a provider's, taken apart.
pub fn split(model: &str) -> Option<(Cow<'_, str>, &str)> {
    let route = ROUTES.iter().find_map(|(route, of)| Some((Cow::Borrowed(*of), model.strip_prefix(route)?)));
    route.or_else(|| model.split_once('/').map(|(first, rest)| (provider(first), rest)))
}

/// The name without the date of a snapshot at its end: `-2025-08-07`, `@20250929` or `-20250929`, where that is a day.
pub fn undated(model: &str) -> Option<&str> {
    let day = |text: &str, form: &str| NaiveDate::parse_from_str(text, form).is_ok();
    let cut = |length: usize| model.len().checked_sub(length).and_then(|at| model.split_at_checked(at));
    let dashed = cut(10).filter(|(_, date)| is_digits(&date.replace('-', "")) && day(date, "%Y-%m-%d"));
    let plain = || cut(8).filter(|(_, date)| is_digits(date) && day(date, "%Y%m%d"));
    let (name, before) = match dashed {
        Some((before, _)) => (before.strip_suffix('-')?, before),
        None => plain().and_then(|(before, _)| Some((before.strip_suffix(['-', '@'])?, before)))?,
    };
    let century = model.get(before.len()..before.len() + 2);
    (!name.is_empty() && century == Some("20")).then_some(name)
}

fn is_digits(text: &str) -> bool {
    text.len() == 8 && text.bytes().all(|b| b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn providers_have_one_spelling() {
        for (theirs, ours) in [
            ("azure.ai.openai", "azure"),
            ("az.ai.inference", "azure_ai"),
            ("azure.ai.inference", "azure_ai"),
            ("aws.bedrock", "bedrock"),
            ("bedrock_converse", "bedrock"),
            ("gcp.vertex_ai", "vertex_ai"),
            ("vertex_ai-anthropic_models", "vertex_ai"),
            ("gcp.gemini", "gemini"),
            ("gcp.gen_ai", "gemini"),
            ("x_ai", "xai"),
            ("mistral_ai", "mistral"),
            ("text-completion-openai", "openai"),
            ("OpenAI", "openai"),
            ("amazon-nova", "amazon_nova"),
            ("bedrock_mantle", "bedrock_mantle"),
            ("my-gateway", "my_gateway"),
        ] {
            assert_eq!(provider(theirs), ours, "{theirs}");
            assert_eq!(provider(ours), ours);
        }
    }

    #[test]
    fn a_date_comes_off_only_where_it_is_a_day() {
        for (model, name) in [
            ("gpt-5-2025-08-07", Some("gpt-5")),
            ("claude-sonnet-4-5@20250929", Some("claude-sonnet-4-5")),
            ("claude-sonnet-4-5-20250929", Some("claude-sonnet-4-5")),
            ("gpt-5-2025-13-07", None),
            ("gpt-5-2025-02-30", None),
            ("model-20251301", None),
            ("model-12345678", None),
            ("model-19991231", None),
            ("command-r-08-2024", None),
            ("gpt-4-0613", None),
            ("gpt-4o", None),
            ("2025-08-07", None),
            ("-2025-08-07", None),
            ("@20250929", None),
            ("x20250929", None),
            ("gpt-5@2025-08-07", None),
            ("é-2025-08-07", Some("é")),
            ("ü0250929", None),
            ("", None),
        ] {
            assert_eq!(undated(model), name, "{model}");
        }
    }

    #[test]
    fn names_come_apart_at_their_provider() {
        assert_eq!(split("azure/eu/gpt-4o"), Some(("azure".into(), "eu/gpt-4o")));
        assert_eq!(split("bedrock/converse/us.amazon.nova-lite-v1:0").unwrap().1, "us.amazon.nova-lite-v1:0");
        assert_eq!(split("models/gemini-2.5-pro"), Some(("gemini".into(), "gemini-2.5-pro")));
        assert_eq!(split("gpt-4o"), None);
        assert_eq!(full("azure", "azure/gpt-4o"), "azure/gpt-4o");
        assert_eq!(full("openrouter", "openai/gpt-4o"), "openrouter/openai/gpt-4o");
        assert_eq!(full("amazon_nova", "amazon-nova/nova-pro-v1"), "amazon_nova/nova-pro-v1");
    }
}

//! The models of the demo: how fast they are and what they cost. Prices are list prices of 2026-07-24, dollars per
//! million tokens; speeds are typical, not measured.

/// What a model costs, dollars per million tokens.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Price {
    pub input: f64,
    pub cached: f64,
    pub cache_write: f64,
    pub output: f64,
}

/// One model of the demo.
#[derive(Debug, PartialEq)]
pub(super) struct Model {
    pub name: &'static str,
    pub provider: Provider,
    /// `None` where nobody says: such calls are unpriced.
    pub price: Option<Price>,
    /// Median time to first token of a short prompt, ms.
    pub first_token_ms: f64,
    /// Median speed of the answer, tokens per second; 0 where nothing is generated.
    pub tokens_per_s: f64,
    /// Spread of both, as standard deviation of the logarithm.
    pub spread: f64,
    /// Longest prompt, tokens.
    pub context: u64,
}

/// Who runs a model; decides the words of its errors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Provider {
    OpenAi,
    Anthropic,
    Google,
    /// A server of one's own.
    Vllm,
}

impl Provider {
    /// The name in events.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Provider::OpenAi => "openai",
            Provider::Anthropic => "anthropic",
            Provider::Google => "gemini",
            Provider::Vllm => "vllm",
        }
    }
}

const fn price(input: f64, cached: f64, cache_write: f64, output: f64) -> Option<Price> {
    Some(Price { input, cached, cache_write, output })
}

pub(super) static GPT_4_1: Model = Model {
    name: "gpt-4.1",
    provider: Provider::OpenAi,
    price: price(2.0, 0.5, 2.0, 8.0),
    first_token_ms: 520.0,
    tokens_per_s: 92.0,
    spread: 0.34,
    context: 1_047_576,
};

pub(super) static GPT_4_1_MINI: Model = Model {
    name: "gpt-4.1-mini",
    provider: Provider::OpenAi,
    price: price(0.4, 0.1, 0.4, 1.6),
    first_token_ms: 380.0,
    tokens_per_s: 118.0,
    spread: 0.30,
    context: 1_047_576,
};

pub(super) static SONNET: Model = Model {
    name: "claude-sonnet-4-5",
    provider: Provider::Anthropic,
    price: price(3.0, 0.3, 3.75, 15.0),
    first_token_ms: 890.0,
    tokens_per_s: 68.0,
    spread: 0.36,
    context: 200_000,
};

pub(super) static HAIKU: Model = Model {
    name: "claude-haiku-4-5",
    provider: Provider::Anthropic,
    price: price(1.0, 0.1, 1.25, 5.0),
    first_token_ms: 430.0,
    tokens_per_s: 142.0,
    spread: 0.28,
    context: 200_000,
};

pub(super) static GEMINI_FLASH: Model = Model {
    name: "gemini-2.5-flash",
    provider: Provider::Google,
    price: price(0.3, 0.03, 0.3, 2.5),
    first_token_ms: 460.0,
    tokens_per_s: 205.0,
    spread: 0.40,
    context: 1_048_576,
};

pub(super) static EMBEDDING_SMALL: Model = Model {
    name: "text-embedding-3-small",
    provider: Provider::OpenAi,
    price: price(0.02, 0.02, 0.02, 0.0),
    first_token_ms: 74.0,
    tokens_per_s: 0.0,
    spread: 0.42,
    context: 8_191,
};

pub(super) static EMBEDDING_LARGE: Model = Model {
    name: "text-embedding-3-large",
    provider: Provider::OpenAi,
    price: price(0.13, 0.13, 0.13, 0.0),
    first_token_ms: 160.0,
    tokens_per_s: 0.0,
    spread: 0.38,
    context: 8_191,
};

/// Runs on hardware of one's own, so nobody bills it and no price is known.
pub(super) static LLAMA_GUARD: Model = Model {
    name: "llama-guard-3-8b",
    provider: Provider::Vllm,
    price: None,
    first_token_ms: 48.0,
    tokens_per_s: 160.0,
    spread: 0.25,
    context: 131_072,
};

/// Tokens of a call; `cached` and `written` are parts of `input`, `reasoning` of `output`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Tokens {
    pub input: u64,
    pub cached: u64,
    pub written: u64,
    pub output: u64,
    pub reasoning: u64,
}

impl Model {
    /// Dollars for these tokens; `None` without a price.
    pub(super) fn cost_usd(&self, tokens: Tokens) -> Option<f64> {
        let price = self.price?;
        let fresh = tokens.input.saturating_sub(tokens.cached).saturating_sub(tokens.written);
        let micro_usd = fresh as f64 * price.input
            + tokens.cached as f64 * price.cached
            + tokens.written as f64 * price.cache_write
            + tokens.output as f64 * price.output;
        Some(micro_usd / 1e6)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bucket_of_tokens_has_its_price() {
        let tokens = Tokens { input: 10_000, cached: 6_000, written: 1_000, output: 500, reasoning: 100 };
        let usd = SONNET.cost_usd(tokens).expect("a price");
        let want = (3_000.0 * 3.0 + 6_000.0 * 0.3 + 1_000.0 * 3.75 + 500.0 * 15.0) / 1e6;
        assert!((usd - want).abs() < 1e-12, "{usd} {want}");
        assert_eq!(LLAMA_GUARD.cost_usd(tokens), None);
    }
}

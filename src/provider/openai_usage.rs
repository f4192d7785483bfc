//! Usage as OpenAI and its likes count it: input includes what was cached, output includes reasoning.

use super::Usage;
use super::json::{Maybe, Scalar};
use serde::Deserialize;

/// A usage object, under the names of chat and of responses.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Counts<'a> {
    #[serde(borrow)]
    prompt_tokens: Scalar<'a>,
    #[serde(borrow)]
    completion_tokens: Scalar<'a>,
    #[serde(borrow)]
    input_tokens: Scalar<'a>,
    #[serde(borrow)]
    output_tokens: Scalar<'a>,
    #[serde(borrow)]
    prompt_tokens_details: Maybe<Details<'a>>,
    #[serde(borrow)]
    completion_tokens_details: Maybe<Details<'a>>,
    #[serde(borrow)]
    input_tokens_details: Maybe<Details<'a>>,
    #[serde(borrow)]
    output_tokens_details: Maybe<Details<'a>>,
    /// DeepSeek's name for what was cached.
    #[serde(borrow)]
    prompt_cache_hit_tokens: Scalar<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Details<'a> {
    #[serde(borrow)]
    cached_tokens: Scalar<'a>,
    #[serde(borrow)]
    cache_write_tokens: Scalar<'a>,
    #[serde(borrow)]
    audio_tokens: Scalar<'a>,
    #[serde(borrow)]
    reasoning_tokens: Scalar<'a>,
}

impl Counts<'_> {
    /// As totals.
    pub fn usage(&self) -> Usage {
        let (none, tokens) = (Details::default(), |of: &Scalar<'_>| Usage::count(of.count()));
        let input = self.prompt_tokens_details.0.as_ref().or(self.input_tokens_details.0.as_ref()).unwrap_or(&none);
        let output = self.completion_tokens_details.0.as_ref().or(self.output_tokens_details.0.as_ref());
        let output = output.unwrap_or(&none);
        Usage {
            input: tokens(&self.prompt_tokens).or(tokens(&self.input_tokens)),
            output: tokens(&self.completion_tokens).or(tokens(&self.output_tokens)),
            cache_read: tokens(&input.cached_tokens).or(tokens(&self.prompt_cache_hit_tokens)),
            cache_write: tokens(&input.cache_write_tokens),
            cache_write_1h: None,
            reasoning: tokens(&output.reasoning_tokens),
            input_audio: tokens(&input.audio_tokens),
            output_audio: tokens(&output.audio_tokens),
        }
    }
}

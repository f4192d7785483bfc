//! How calls fail in the demo: the words, codes and times of each provider, for every failure mode.

use super::catalog::{Model, Provider};
use super::rng::Rng;
use crate::event::FailureMode;

/// One failed attempt.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Fault {
    pub mode: FailureMode,
    pub http_status: Option<u16>,
    pub error_type: &'static str,
    pub message: String,
    /// From sending to failing, ms.
    pub after_ms: f64,
    /// How long the provider asks to wait, ms.
    pub retry_after_ms: Option<u64>,
}

/// Modes that happen now and then whatever the weather, with their chances per call.
const NOW_AND_THEN: [(FailureMode, f64); 8] = [
    (FailureMode::ServerError, 0.0022),
    (FailureMode::Connection, 0.0012),
    (FailureMode::InvalidRequest, 0.0006),
    (FailureMode::ContextLength, 0.0011),
    (FailureMode::ContentFilter, 0.0012),
    (FailureMode::MalformedOutput, 0.0022),
    (FailureMode::Cancelled, 0.0028),
    (FailureMode::Unknown, 0.0003),
];

/// The like for a staging environment, where keys are wrong and budgets small.
const IN_STAGING: [(FailureMode, f64); 2] = [(FailureMode::Auth, 0.022), (FailureMode::BudgetExceeded, 0.015)];

/// Whether a call fails for no reason of the weather, and how.
pub(super) fn mishap(rng: &mut Rng, staging: bool) -> Option<FailureMode> {
    let mut left = rng.unit();
    let more = if staging { IN_STAGING.as_slice() } else { &[] };
    NOW_AND_THEN.iter().chain(more).find_map(|&(mode, chance)| {
        left -= chance;
        (left < 0.0).then_some(mode)
    })
}

/// A failure of this mode as this model's provider words it.
pub(super) fn fault(rng: &mut Rng, mode: FailureMode, model: &Model) -> Fault {
    let (http_status, error_type, message) = words(rng, mode, model);
    let after_ms = match mode {
        FailureMode::Timeout => 30_000.0 + rng.exponential(40.0),
        FailureMode::Connection => rng.log_normal(900.0, 0.9),
        FailureMode::ServerError => rng.log_normal(1_500.0, 0.8),
        FailureMode::Cancelled => rng.log_normal(2_600.0, 0.6),
        FailureMode::MalformedOutput => rng.log_normal(2_200.0, 0.5),
        FailureMode::GuardrailBlocked | FailureMode::BudgetExceeded => rng.log_normal(6.0, 0.4),
        _ => rng.log_normal(140.0, 0.4),
    };
    let retry_after_ms = match mode {
        FailureMode::RateLimit => Some(rng.between(2, 19) * 500),
        FailureMode::Overloaded if model.provider == Provider::Anthropic => Some(rng.between(1, 6) * 1_000),
        _ => None,
    };
    Fault { mode, http_status, error_type, message, after_ms, retry_after_ms }
}

type Words = (Option<u16>, &'static str, String);

fn words(rng: &mut Rng, mode: FailureMode, model: &Model) -> Words {
    let code = |status: u16, kind: &'static str, message: String| (Some(status), kind, message);
    let none = |kind: &'static str, message: &str| (None, kind, message.to_owned());
    match mode {
        FailureMode::RateLimit => rate_limit(rng, model),
        FailureMode::Overloaded => overloaded(model),
        FailureMode::ServerError => server_error(rng, model),
        FailureMode::Timeout => none("APITimeoutError", "Request timed out: no first byte within 30 s"),
        FailureMode::Connection => {
            let reasons =
                ["Connection error: connection reset by peer", "Connection error: broken pipe while streaming"];
            none("APIConnectionError", rng.pick(&reasons))
        }
        FailureMode::Auth => {
            let message = "Incorrect API key provided: sk-demo-****************7f3a";
            code(401, "invalid_api_key", message.to_owned())
        }
        FailureMode::InvalidRequest => {
            let message = format!("Unsupported value: 'temperature' does not support 0.2 with {}", model.name);
            code(400, "invalid_request_error", message)
        }
        FailureMode::ContextLength => context_length(rng, model),
        FailureMode::ContentFilter => {
            let message = "The response was filtered: the prompt triggered the content management policy";
            code(400, "content_filter", message.to_owned())
        }
        FailureMode::MalformedOutput => {
            let at = rng.between(40, 900);
            let message = format!("answer is not the JSON that was asked for: expected `,` or `}}` at column {at}");
            code(200, "OutputParserException", message)
        }
        FailureMode::GuardrailBlocked => {
            code(400, "guardrail_blocked", "blocked by guardrail prompt_injection: asks to ignore instructions".into())
        }
        FailureMode::BudgetExceeded => {
            let message = "Budget exceeded for team staging: $25.00 of $25.00 spent this month";
            code(429, "budget_exceeded", message.to_owned())
        }
        FailureMode::Cancelled => code(499, "client_disconnected", "client closed the request before it ended".into()),
        FailureMode::Unknown => none("Error", "something went wrong"),
    }
}

fn rate_limit(rng: &mut Rng, model: &Model) -> Words {
    let used = 400_000 - rng.below(9_000);
    let message = match model.provider {
        Provider::Anthropic => {
            "This request would exceed your organization's rate limit of 400,000 input tokens per minute".to_owned()
        }
        Provider::Google => format!("Resource has been exhausted: quota of requests per minute for {}", model.name),
        Provider::OpenAi | Provider::Vllm => format!(
            "Rate limit reached for {} on tokens per min (TPM): Limit 400000, Used {used}, Requested {}",
            model.name,
            rng.between(9_000, 24_000)
        ),
    };
    let kind = match model.provider {
        Provider::Anthropic => "rate_limit_error",
        Provider::Google => "RESOURCE_EXHAUSTED",
        Provider::OpenAi | Provider::Vllm => "rate_limit_exceeded",
    };
    (Some(429), kind, message)
}

fn overloaded(model: &Model) -> Words {
    match model.provider {
        Provider::Anthropic => (Some(529), "overloaded_error", "Overloaded".to_owned()),
        Provider::Google => (Some(503), "UNAVAILABLE", "The model is overloaded. Please try again later.".to_owned()),
        Provider::OpenAi | Provider::Vllm => {
            (Some(503), "overloaded", "The engine is currently overloaded, please try again later".to_owned())
        }
    }
}

fn server_error(rng: &mut Rng, model: &Model) -> Words {
    match model.provider {
        Provider::Anthropic => (Some(500), "api_error", "Internal server error".to_owned()),
        Provider::Google => (Some(500), "INTERNAL", "An internal error has occurred. Please retry.".to_owned()),
        Provider::OpenAi | Provider::Vllm => {
            let message = "The server had an error while processing your request. Sorry about that! Request id req_";
            (Some(500), "server_error", format!("{message}{}", rng.hex(12)))
        }
    }
}

fn context_length(rng: &mut Rng, model: &Model) -> Words {
    let limit = model.context;
    let asked = limit + rng.between(400, 40_000);
    let message = match model.provider {
        Provider::Anthropic => format!("prompt is too long: {asked} tokens > {limit} maximum"),
        Provider::Google => {
            format!("The input token count ({asked}) exceeds the maximum number of tokens allowed ({limit})")
        }
        Provider::OpenAi | Provider::Vllm => format!(
            "This model's maximum context length is {limit} tokens. However, your messages resulted in {asked} tokens"
        ),
    };
    let kind = match model.provider {
        Provider::Anthropic => "invalid_request_error",
        Provider::Google => "INVALID_ARGUMENT",
        Provider::OpenAi | Provider::Vllm => "context_length_exceeded",
    };
    (Some(400), kind, message)
}

#[cfg(test)]
mod tests {
    use super::super::catalog::{GEMINI_FLASH, GPT_4_1, LLAMA_GUARD, SONNET};
    use super::*;
    use crate::event::{Evidence, Outcome, classify};

    #[test]
    fn every_mode_has_words_at_every_provider() {
        let mut rng = Rng::new(3);
        for model in [&GPT_4_1, &SONNET, &GEMINI_FLASH, &LLAMA_GUARD] {
            for mode in FailureMode::ALL {
                let fault = fault(&mut rng, mode, model);
                assert!(!fault.message.is_empty() && !fault.error_type.is_empty() && fault.after_ms > 0.0);
                assert!(fault.retry_after_ms.is_none_or(|ms| ms >= 500));
                let outcome = classify(Evidence {
                    ok: Some(false),
                    http_status: fault.http_status,
                    error_type: fault.error_type,
                    message: &fault.message,
                });
                assert_eq!(outcome, Outcome::Failed(mode), "{fault:?}");
            }
        }
    }

    #[test]
    fn mishaps_are_rare_and_more_in_staging() {
        let mut rng = Rng::new(4);
        let mut share = |staging| (0..20_000).filter(|_| mishap(&mut rng, staging).is_some()).count();
        let (prod, staging) = (share(false), share(true));
        assert!((150..350).contains(&prod), "{prod}");
        assert!(staging > 2 * prod, "{staging}");
    }
}

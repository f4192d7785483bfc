//! What providers, gateways and libraries really say, and what must never be taken for the same.

use super::{Alike, alike};
use crate::stats::template::template;
use proptest::prelude::*;

fn is_model(word: &str) -> bool {
    ["gpt-4o", "gpt-4o-mini", "gpt-4.1", "o3", "claude-sonnet-4-5", "claude-haiku-4-5", "gemini-2.5-flash", "mixtral"]
        .contains(&word)
}

/// The groups of some messages, each as the places of its messages, and their patterns.
fn grouped(messages: &[&str]) -> Vec<(String, Vec<usize>)> {
    let templates: Vec<String> = messages.iter().map(|message| template(message)).collect();
    let refs: Vec<&str> = templates.iter().map(String::as_str).collect();
    let mut groups: Vec<(String, Vec<usize>)> = alike(&refs, &is_model)
        .into_iter()
        .map(|Alike { pattern, mut members }| {
            members.sort_unstable();
            (pattern, members)
        })
        .collect();
    groups.sort_by_key(|(_, members)| members.clone());
    groups
}

fn patterns(messages: &[&str]) -> Vec<String> {
    grouped(messages).into_iter().map(|(pattern, _)| pattern).collect()
}

#[test]
fn what_differs_in_variables_alone_is_one() {
    let cases: [(&[&str], &str); 14] = [
        (
            &[
                "Rate limit reached for gpt-4o in organization org-Ab12Cd34Ef56Gh78 on tokens per min (TPM): Limit 30000, Used 14567, Requested 24754. Please try again in 18.642s.",
                "Rate limit reached for gpt-4o-mini in organization org-Zz98Yy87Xx76Ww65 on tokens per min (TPM): Limit 200000, Used 199001, Requested 2000. Please try again in 6m0s.",
            ],
            "Rate limit reached for <model> in organization <id> on tokens per min (TPM): Limit <n>, Used <n>, Requested <n>. Please try again in <n>.",
        ),
        (
            &[
                "The model `gpt-5-turbo` does not exist or you do not have access to it.",
                "The model `o9` does not exist or you do not have access to it.",
            ],
            "The model `…` does not exist or you do not have access to it.",
        ),
        (
            &[
                "Error code: 404 - {'error': {'message': 'The model gpt-4o does not exist', 'type': 'invalid_request_error', 'param': None, 'code': 'model_not_found'}}",
                "Error code: 404 - {'error': {'message': 'The model o3 does not exist', 'type': 'invalid_request_error', 'param': None, 'code': 'model_not_found'}}",
            ],
            "Error code: <n> - {'error': {'message': 'The model <model> does not exist', 'type': 'invalid_request_error', 'param': None, 'code': 'model_not_found'}}",
        ),
        (
            &[
                "messages.3.content.0: prompt is too long: 208310 tokens > 200000 maximum",
                "messages.11.content.2: prompt is too long: 200001 tokens > 200000 maximum",
            ],
            "<*>: prompt is too long: <n> tokens > <n> maximum",
        ),
        (
            &[
                "This request would exceed your organization's rate limit of 400,000 input tokens per minute",
                "This request would exceed your organization's rate limit of 80,000 input tokens per minute",
            ],
            "This request would exceed your organization's rate limit of <n> input tokens per minute",
        ),
        (
            &[
                "Resource has been exhausted: quota of requests per minute for gemini-2.5-flash",
                "Resource has been exhausted: quota of requests per minute for gemini-2.5-pro",
            ],
            "Resource has been exhausted: quota of requests per minute for <*>",
        ),
        (
            &[
                "Requests to the ChatCompletions_Create Operation under Azure OpenAI API version 2024-06-01 have exceeded token rate limit of your current OpenAI S0 pricing tier. Please retry after 7 seconds.",
                "Requests to the ChatCompletions_Create Operation under Azure OpenAI API version 2024-10-21 have exceeded token rate limit of your current OpenAI S0 pricing tier. Please retry after 59 seconds.",
            ],
            "Requests to the ChatCompletions_Create Operation under Azure OpenAI API version <n> have exceeded token rate limit of your current OpenAI S0 pricing tier. Plea…",
        ),
        (
            &[
                "This model's maximum context length is 32768 tokens. However, you requested 40112 tokens in the messages.",
                "This model's maximum context length is 8192 tokens. However, you requested 9000 tokens in the messages.",
            ],
            "This model's maximum context length is <n> tokens. However, you requested <n> tokens in the messages.",
        ),
        (
            &[
                "litellm.Timeout: APITimeoutError - Request timed out. Error_str: Request timed out. - timeout value=600.0, time taken=600.04 seconds",
                "litellm.Timeout: APITimeoutError - Request timed out. Error_str: Request timed out. - timeout value=30, time taken=30.9 seconds",
            ],
            "litellm.Timeout: APITimeoutError - Request timed out. Error_str: Request timed out. - timeout value=<n>, time taken=<n> seconds",
        ),
        (
            &[
                "litellm.RateLimitError: No deployments available for selected model gpt-4o, try again in 60 seconds",
                "litellm.RateLimitError: No deployments available for selected model mixtral, try again in 5 seconds",
            ],
            "litellm.RateLimitError: No deployments available for selected model <model>, try again in <n> seconds",
        ),
        (
            &[
                "Traceback (most recent call last):\n  File \"/srv/app/llm.py\", line 41, in ask\n    raise error\nhttpx.ConnectError: [Errno 111] Connection refused",
                "Traceback (most recent call last):\n  File \"/srv/app/jobs.py\", line 7, in run\n    go()\nhttpx.ConnectError: [Errno 61] Connection refused",
            ],
            "httpx.ConnectError: [Errno <n>] Connection refused",
        ),
        (
            &[
                "FetchError: request to https://api.openai.com/v1/chat failed, reason: connect ETIMEDOUT 104.18.7.192:443\n    at ClientRequest.<anonymous> (/app/node_modules/node-fetch/lib/index.js:1501:11)",
                "FetchError: request to https://api.openai.com/v1/embeddings failed, reason: connect ETIMEDOUT 104.18.6.1:443",
            ],
            "FetchError: request to <url> failed, reason: connect ETIMEDOUT <n>",
        ),
        (
            &["deployment chat-eu-1 of tenant t1 is overloaded", "deployment chat-us-22 of tenant t9 is overloaded"],
            "deployment <*> of tenant <*> is overloaded",
        ),
        (
            &[
                "no budget is left for team alpha today",
                "no budget is left for team beta today",
                "no budget is left for team gamma today",
                "no budget is left for team delta today",
                "no budget is left for team sales today",
            ],
            "no budget is left for team <*> today",
        ),
    ];
    for (messages, want) in cases {
        assert_eq!(patterns(messages), [want], "{messages:#?}");
    }
}

#[test]
fn what_means_something_else_stays_apart() {
    let apart: &[&[&str]] = &[
        &["Connection refused", "Connection reset", "Connection closed"],
        &["Connection error: connection reset by peer", "Connection error: broken pipe while streaming"],
        &["Rate limit reached for requests", "Rate limit reached for tokens"],
        &["model not found", "user not found", "key not found"],
        &[
            "litellm.RateLimitError: OpenAIException - rate limit",
            "litellm.AuthenticationError: OpenAIException - rate limit",
        ],
        &["rate_limit_exceeded for gpt-4o now", "context_length_exceeded for gpt-4o now"],
        &[
            "Error code: 429 - {'error': {'message': 'Rate limit reached', 'type': 'tokens'}}",
            "Error code: 401 - {'error': {'message': 'Incorrect API key provided', 'type': 'invalid_request_error'}}",
            "Error code: 400 - {'error': {'message': 'Invalid schema for response_format', 'type': 'invalid_request_error'}}",
        ],
        &["gpt-4o: 429", "claude-haiku-4-5: 503", "o3: 1"],
        &["Overloaded", "overloaded_error", "Internal server error", "Bad gateway", ""],
        &["input is too long by 5 tokens", "output is too long by 5 tokens"],
        &["temperature must be at most 2", "top_p must be at most 2", "n must be at most 2"],
    ];
    for messages in apart {
        assert_eq!(grouped(messages).len(), messages.len(), "{:#?}", grouped(messages));
    }
}

#[test]
fn cut_messages_of_different_lengths_meet() {
    let long = |model: &str, n: u64| {
        format!(
            "Rate limit reached for {model} in project proj-Ab12Cd34Ef56 on tokens per day: limit is {n} and so many words come after it that nothing of the end of this message is left in what is kept of it in the end"
        )
    };
    let (a, b) = (long("gpt-4o", 5), long("claude-sonnet-4-5", 7));
    let found = patterns(&[&a, &b]);
    assert_eq!(found.len(), 1, "{found:#?}");
    assert!(
        found[0].starts_with("Rate limit reached for <model> in project <id> on tokens") && found[0].ends_with('…')
    );
}

const WORDS: [&str; 24] = [
    "the",
    "request",
    "failed",
    "because",
    "connection",
    "was",
    "refused",
    "upstream",
    "timed",
    "out",
    "invalid",
    "key",
    "quota",
    "exceeded",
    "content",
    "filtered",
    "schema",
    "rejected",
    "stream",
    "ended",
    "early",
    "token",
    "budget",
    "spent",
];

fn sentence() -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(&WORDS[..]), 1..9).prop_map(|words| words.join(" "))
}

fn message() -> impl Strategy<Value = String> {
    let number = (0u32..99_999).prop_map(|n| n.to_string());
    let model = prop::sample::select(&["gpt-4o", "o3", "mixtral", "claude-haiku-4-5"][..]).prop_map(str::to_owned);
    let word = prop::sample::select(&WORDS[..]).prop_map(str::to_owned);
    prop::collection::vec(prop_oneof![4 => word, 1 => number, 1 => model], 1..10).prop_map(|words| words.join(" "))
}

proptest! {
    #[test]
    fn the_order_does_not_matter(messages in prop::collection::vec(message(), 0..40), seed in any::<u64>()) {
        let templates: Vec<String> = messages.iter().map(|m| template(m)).collect();
        let mut shuffled: Vec<&str> = templates.iter().map(String::as_str).collect();
        let straight = shuffled.clone();
        let mut state = seed;
        for i in (1..shuffled.len()).rev() {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            shuffled.swap(i, (state >> 33) as usize % (i + 1));
        }
        let texts = |list: &[&str]| -> Vec<(String, Vec<String>)> {
            let named = |group: Alike| {
                let members = group.members.iter().map(|at| list[*at].to_owned()).collect();
                (group.pattern, members)
            };
            alike(list, &is_model).into_iter().map(named).collect()
        };
        prop_assert_eq!(texts(&straight), texts(&shuffled));
    }

    #[test]
    fn sentences_of_other_words_stay_apart(sentences in prop::collection::btree_set(sentence(), 1..5)) {
        let list: Vec<&str> = sentences.iter().map(String::as_str).collect();
        prop_assert_eq!(alike(&list, &is_model).len(), list.len());
    }

    #[test]
    fn any_text_is_in_exactly_one_group(messages in prop::collection::vec("\\PC{0,60}|(<n>|…|<\\*>| |a|\u{1b}){0,20}", 0..30)) {
        for list in [messages.clone(), messages.iter().map(|m| template(m)).collect()] {
            let list: Vec<&str> = list.iter().map(String::as_str).collect();
            let mut seen: Vec<usize> = alike(&list, &is_model).into_iter().flat_map(|g| g.members).collect();
            seen.sort_unstable();
            prop_assert_eq!(seen, (0..list.len()).collect::<Vec<_>>());
        }
    }
}

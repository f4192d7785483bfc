//! The table of examples that the classification is held to: what providers, clients and gateways really say.

use super::FailureMode::*;
use super::*;

/// HTTP status, type or code, message, and what it is.
type Example = (u16, &'static str, &'static str, FailureMode);

/// Failures as producers log them; a status of 0 is none.
const EXAMPLES: &[Example] = &[
    // OpenAI
    (
        429,
        "rate_limit_exceeded",
        "Rate limit reached for gpt-4o in organization org-x on tokens per min (TPM): Limit 30000, Used 14567, Requested 24754. Please try again in 18.642s.",
        RateLimit,
    ),
    (429, "tokens", "Request too large for gpt-4o on tokens per min (TPM): Limit 30000, Requested 45000.", RateLimit),
    (
        429,
        "insufficient_quota",
        "You exceeded your current quota, please check your plan and billing details.",
        BudgetExceeded,
    ),
    (429, "", "You exceeded your current quota, please check your plan and billing details.", BudgetExceeded),
    (
        401,
        "invalid_api_key",
        "Incorrect API key provided: sk-abc. You can find your API key at https://platform.openai.com.",
        Auth,
    ),
    (404, "model_not_found", "The model `gpt-5-x` does not exist or you do not have access to it.", InvalidRequest),
    (
        400,
        "context_length_exceeded",
        "This model's maximum context length is 128000 tokens. However, your messages resulted in 130004 tokens.",
        ContextLength,
    ),
    (
        400,
        "invalid_request_error",
        "This model's maximum context length is 8192 tokens, however you requested 9000 tokens.",
        ContextLength,
    ),
    (400, "invalid_request_error", "Unrecognized request argument supplied: max_token", InvalidRequest),
    (400, "content_policy_violation", "Your request was rejected as a result of our safety system.", ContentFilter),
    (500, "server_error", "The server had an error while processing your request. Sorry about that!", ServerError),
    (503, "", "The engine is currently overloaded, please try again later", Overloaded),
    (503, "", "That model is currently overloaded with other requests.", Overloaded),
    (0, "openai.APITimeoutError", "Request timed out.", Timeout),
    (0, "openai.APIConnectionError", "Connection error.", Connection),
    (0, "RateLimitError", "Error code: 429 - {'error': {'message': 'Rate limit reached'}}", RateLimit),
    (0, "openai.InternalServerError", "Error code: 500 - {'error': {'message': 'internal'}}", ServerError),
    (0, "openai.NotFoundError", "Error code: 404", InvalidRequest),
    (0, "openai.PermissionDeniedError", "Error code: 403", Auth),
    (
        0,
        "openai.LengthFinishReasonError",
        "Could not parse response content as the length limit was reached",
        MalformedOutput,
    ),
    // Anthropic
    (529, "overloaded_error", "Overloaded", Overloaded),
    (529, "", "", Overloaded),
    (
        429,
        "rate_limit_error",
        "This request would exceed your organization's rate limit of 40,000 input tokens per minute.",
        RateLimit,
    ),
    (401, "authentication_error", "invalid x-api-key", Auth),
    (403, "permission_error", "Your API key does not have permission to use the specified resource.", Auth),
    (400, "invalid_request_error", "prompt is too long: 3333404 tokens > 200000 maximum", ContextLength),
    (400, "invalid_request_error", "Your credit balance is too low to access the Anthropic API.", BudgetExceeded),
    (400, "invalid_request_error", "messages: roles must alternate between \"user\" and \"assistant\"", InvalidRequest),
    (404, "not_found_error", "model: claude-9", InvalidRequest),
    (413, "request_too_large", "Request exceeds the maximum size", InvalidRequest),
    (500, "api_error", "Internal server error", ServerError),
    (400, "invalid_request_error", "Output blocked by content filtering policy", ContentFilter),
    (504, "timeout_error", "The request timed out while processing.", Timeout),
    // Gemini and Vertex
    (429, "RESOURCE_EXHAUSTED", "Resource has been exhausted (e.g. check quota).", RateLimit),
    (
        429,
        "RESOURCE_EXHAUSTED",
        "You exceeded your current quota, please check your plan and billing details. Quota metric: generate_content_free_tier_requests, limit: 15",
        RateLimit,
    ),
    (503, "UNAVAILABLE", "The model is overloaded. Please try again later.", Overloaded),
    (500, "INTERNAL", "An internal error has occurred.", ServerError),
    (504, "DEADLINE_EXCEEDED", "Deadline expired before operation could complete.", Timeout),
    (400, "INVALID_ARGUMENT", "API key not valid. Please pass a valid API key.", Auth),
    (
        400,
        "INVALID_ARGUMENT",
        "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).",
        ContextLength,
    ),
    (400, "INVALID_ARGUMENT", "Please use a valid role: user, model.", InvalidRequest),
    (400, "FAILED_PRECONDITION", "User location is not supported for the API use.", InvalidRequest),
    (403, "PERMISSION_DENIED", "Your project does not have access to model.", Auth),
    (0, "SAFETY", "", ContentFilter),
    (0, "PROHIBITED_CONTENT", "", ContentFilter),
    // Azure
    (429, "RateLimitReached", "Your requests to grok-4 in westeurope have exceeded rate limit.", RateLimit),
    (
        429,
        "429",
        "Requests to the ChatCompletions_Create Operation have exceeded token rate limit of your current pricing tier. Please retry after 7 seconds.",
        RateLimit,
    ),
    (
        400,
        "content_filter",
        "The response was filtered due to the prompt triggering Azure OpenAI's content management policy.",
        ContentFilter,
    ),
    (
        400,
        "",
        "The response was filtered due to the prompt triggering Azure OpenAI's content management policy.",
        ContentFilter,
    ),
    (404, "DeploymentNotFound", "The API deployment for this resource does not exist.", InvalidRequest),
    (401, "401", "Access denied due to invalid subscription key or wrong API endpoint.", Auth),
    (408, "", "", Timeout),
    // Bedrock
    (429, "ThrottlingException", "Too many requests, please wait before trying again.", RateLimit),
    (0, "ThrottlingException", "Too many tokens, please wait before trying again.", RateLimit),
    (0, "botocore.errorfactory.ServiceQuotaExceededException", "Your request exceeds the service quota.", RateLimit),
    (0, "ModelNotReadyException", "The model is not ready for inference.", Overloaded),
    (0, "ModelTimeoutException", "Model has timed out in processing the request.", Timeout),
    (0, "ModelErrorException", "The system encountered an unexpected error.", ServerError),
    (0, "ModelStreamErrorException", "", ServerError),
    (0, "ServiceUnavailableException", "", Overloaded),
    (0, "AccessDeniedException", "You don't have access to the model with the specified model ID.", Auth),
    (0, "UnrecognizedClientException", "The security token included in the request is invalid.", Auth),
    (0, "ValidationException", "Input is too long for requested model.", ContextLength),
    (0, "ValidationException", "Malformed input request: #: required key [messages] not found", InvalidRequest),
    (0, "ReadTimeoutError", "Read timeout on endpoint URL", Timeout),
    (0, "EndpointConnectionError", "Could not connect to the endpoint URL", Connection),
    // litellm
    (0, "litellm.RateLimitError", "", RateLimit),
    (429, "litellm.exceptions.RateLimitError", "AnthropicException - rate_limit_error", RateLimit),
    (0, "litellm.Timeout", "", Timeout),
    (0, "litellm.exceptions.ContextWindowExceededError", "", ContextLength),
    (0, "litellm.ContentPolicyViolationError", "", ContentFilter),
    (0, "litellm.AuthenticationError", "", Auth),
    (0, "litellm.BadRequestError", "OpenAIException - Invalid parameter", InvalidRequest),
    (0, "litellm.ServiceUnavailableError", "", Overloaded),
    (0, "litellm.InternalServerError", "AnthropicException - Overloaded", Overloaded),
    (0, "litellm.InternalServerError", "", ServerError),
    (0, "litellm.APIConnectionError", "", Connection),
    (
        0,
        "litellm.BudgetExceededError",
        "Budget has been exceeded! Current cost: 12.1, Max budget: 12.0",
        BudgetExceeded,
    ),
    (0, "litellm.JSONSchemaValidationError", "", MalformedOutput),
    (0, "litellm.UnsupportedParamsError", "", InvalidRequest),
    (0, "litellm.GuardrailRaisedException", "", GuardrailBlocked),
    // other gateways and hosts
    (402, "", "This request requires more credits, or fewer max_tokens.", BudgetExceeded),
    (402, "", "Insufficient Balance", BudgetExceeded),
    (413, "tokens", "Request too large for model `llama-3.3-70b` on tokens per minute (TPM): Limit 12000", RateLimit),
    (400, "json_validate_failed", "Failed to generate JSON. Please adjust your prompt.", MalformedOutput),
    (502, "", "Bad Gateway", ServerError),
    (502, "", "<html><head><title>502 Bad Gateway</title></head></html>", ServerError),
    (503, "", "Service Unavailable", ServerError),
    (504, "", "", Timeout),
    (524, "", "", Timeout),
    (499, "", "", Cancelled),
    (422, "", "", InvalidRequest),
    (418, "", "", InvalidRequest),
    (500, "", "", ServerError),
    (429, "", "", RateLimit),
    (403, "", "", Auth),
    // networks and clients
    (0, "ECONNREFUSED", "connect ECONNREFUSED 127.0.0.1:11434", Connection),
    (0, "ECONNRESET", "", Connection),
    (0, "ETIMEDOUT", "", Timeout),
    (0, "ENOTFOUND", "getaddrinfo ENOTFOUND api.example.com", Connection),
    (0, "TypeError", "fetch failed", Connection),
    (0, "httpx.ConnectError", "[Errno -2] Name or service not known", Connection),
    (0, "httpx.ReadTimeout", "", Timeout),
    (0, "httpx.ConnectTimeout", "", Timeout),
    (
        0,
        "httpx.RemoteProtocolError",
        "peer closed connection without sending complete message body (incomplete chunked read)",
        Connection,
    ),
    (0, "aiohttp.ClientConnectorError", "Cannot connect to host api.example.com:443 ssl:default", Connection),
    (0, "requests.exceptions.SSLError", "certificate verify failed", Connection),
    (0, "asyncio.TimeoutError", "", Timeout),
    (0, "asyncio.CancelledError", "", Cancelled),
    (0, "AbortError", "This operation was aborted", Cancelled),
    (0, "", "context deadline exceeded", Timeout),
    (0, "", "context canceled", Cancelled),
    (0, "", "socket hang up", Connection),
    (0, "", "dial tcp: lookup api.example.com: no such host: dns error", Connection),
    // reading the answer
    (0, "json.decoder.JSONDecodeError", "Expecting value: line 1 column 1 (char 0)", MalformedOutput),
    (0, "pydantic.ValidationError", "2 validation errors for Answer", MalformedOutput),
    (0, "OutputParserException", "Could not parse LLM output", MalformedOutput),
    (0, "SyntaxError", "Unexpected token < in JSON at position 0", MalformedOutput),
    // only a message
    (0, "", "RateLimitError: slow down", RateLimit),
    (0, "", "Error code: 429", RateLimit),
    (0, "", "Request failed with status code 503", ServerError),
    (0, "", "rate_limit_exceeded", RateLimit),
    // this project's own words
    (0, "rate_limit", "", RateLimit),
    (0, "budget_exceeded", "", BudgetExceeded),
    (0, "guardrail_blocked", "", GuardrailBlocked),
    (0, "malformed_output", "", MalformedOutput),
    (0, "content_filter", "", ContentFilter),
    (0, "cancelled", "", Cancelled),
    (0, "server_error", "", ServerError),
    (0, "connection", "", Connection),
    (0, "auth", "", Auth),
    (0, "invalid_request", "", InvalidRequest),
    (0, "context_length", "", ContextLength),
    (0, "timeout", "", Timeout),
    (0, "overloaded", "", Overloaded),
    // nothing that says why
    (0, "", "", Unknown),
    (0, "output_too_short", "", Unknown),
    (0, "ValueError", "something odd", Unknown),
    (0, "", "Oops", Unknown),
];

#[test]
fn failures_are_told_apart() {
    let mut wrong = Vec::new();
    for &(status, error_type, message, want) in EXAMPLES {
        let http_status = (status != 0).then_some(status);
        let got = classify(Evidence { ok: Some(false), http_status, error_type, message });
        if got != Outcome::Failed(want) {
            wrong.push(format!("{status} {error_type:?} {message:?}: {} not {}", got.word(), want.word()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_failed_and_what_did_not() {
    let fails =
        |ok, http_status, error_type, message| classify(Evidence { ok, http_status, error_type, message }).is_error();
    assert!(!fails(None, None, "", ""));
    assert!(!fails(None, Some(200), "", ""));
    assert!(!fails(Some(true), None, "", ""));
    // The error of an attempt before the last, kept beside the success.
    assert!(!fails(Some(true), Some(200), "rate_limit", "retried"));
    assert!(fails(None, None, "rate_limit", ""));
    assert!(fails(None, None, "", "boom"));
    assert!(fails(None, Some(429), "", ""));
    assert!(fails(Some(true), Some(500), "", ""));
    assert!(fails(Some(false), Some(200), "", ""));
    assert!(fails(Some(false), None, "", ""));
}

#[test]
fn long_messages_are_cut_at_a_character() {
    let message = "é".repeat(5_000) + " rate limit";
    let got = classify(Evidence { ok: Some(false), message: &message, ..Evidence::default() });
    assert_eq!(got, Outcome::Failed(Unknown));
}

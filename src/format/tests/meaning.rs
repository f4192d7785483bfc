//! What fields of many names and protocols mean together: totals of tokens, the outcome.

use super::*;

#[test]
fn tokens_become_totals_whatever_the_protocol_counts() {
    let tokens = |fields: &str| {
        let call = call(fields);
        ["input_tokens", "cached_input_tokens", "cache_write_tokens", "output_tokens"].map(|f| call[f].as_u64())
    };
    let cases = [
        // OpenAI: the cached are in the input.
        (
            r#""usage":{"prompt_tokens":100,"completion_tokens":9,"prompt_tokens_details":{"cached_tokens":64}}"#,
            [Some(100), Some(64), None, Some(9)],
        ),
        // Anthropic: they stand beside it.
        (
            r#""usage":{"input_tokens":10,"cache_read_input_tokens":64,"cache_creation_input_tokens":26,"output_tokens":9}"#,
            [Some(100), Some(64), Some(26), Some(9)],
        ),
        (
            r#""input_tokens":10,"cache_read_input_tokens":64,"cache_creation":{"ephemeral_5m_input_tokens":20,"ephemeral_1h_input_tokens":6}"#,
            [Some(100), Some(64), Some(26), None],
        ),
        // litellm gives OpenAI's totals with Anthropic's names beside them.
        (
            r#""prompt_tokens":100,"cache_read_input_tokens":64,"completion_tokens":9"#,
            [Some(100), Some(64), None, Some(9)],
        ),
        // The sum says that the input is a total.
        (
            r#""input_tokens":100,"cache_read_input_tokens":64,"output_tokens":9,"total_tokens":109"#,
            [Some(100), Some(64), None, Some(9)],
        ),
        // Native names are totals.
        (
            r#""input_tokens":100,"cached_input_tokens":64,"cache_write_tokens":26"#,
            [Some(100), Some(64), Some(26), None],
        ),
        // OpenTelemetry: the input includes them.
        (
            r#""gen_ai.usage.input_tokens":100,"gen_ai.usage.cache_read.input_tokens":64"#,
            [Some(100), Some(64), None, None],
        ),
        // Gemini: thoughts stand beside the output.
        (
            r#""usageMetadata":{"promptTokenCount":100,"candidatesTokenCount":9,"thoughtsTokenCount":30,"cachedContentTokenCount":64}"#,
            [Some(100), Some(64), None, Some(39)],
        ),
        // What is missing of a sum is what is left.
        (r#""output_tokens":9,"total_tokens":109"#, [Some(100), None, None, Some(9)]),
        (r#""total_tokens":109"#, [None, None, None, None]),
        (r#""input_tokens":10,"total_tokens":110"#, [Some(10), None, None, Some(100)]),
        (r#""prompt_tokens":8,"total_tokens":8"#, [Some(8), None, None, Some(0)]),
        (r#""input_tokens":0,"total_tokens":110"#, [Some(0), None, None, None]),
        (r#""input_tokens":10,"total_tokens":9"#, [Some(10), None, None, None]),
        // The producer's own sum, of the two figures it knows: the input does not hold so many cached ones.
        (
            r#""input_tokens":10,"output_tokens":5,"total_tokens":15,"cache_read_input_tokens":1000"#,
            [Some(1_010), Some(1_000), None, Some(5)],
        ),
        (
            r#""input_tokens":10,"total_tokens":15,"cache_read_input_tokens":1000"#,
            [Some(1_010), Some(1_000), None, None],
        ),
        (r#""input_tokens":100,"total_tokens":109,"cache_read_input_tokens":64"#, [Some(100), Some(64), None, Some(9)]),
        // Bedrock: all four stand side by side.
        (
            r#""usage":{"inputTokens":30,"outputTokens":20,"totalTokens":1150,"cacheReadInputTokens":1000,"cacheWriteInputTokens":100}"#,
            [Some(1_130), Some(1_000), Some(100), Some(20)],
        ),
        (
            r#""usage":{"inputTokens":30,"outputTokens":20,"cacheReadInputTokenCount":1000,"cacheWriteInputTokenCount":100}"#,
            [Some(1_130), Some(1_000), Some(100), Some(20)],
        ),
        // Gemini: without an answer the thoughts are the output; what tools gave stands beside the prompt.
        (
            r#""usageMetadata":{"promptTokenCount":10,"thoughtsTokenCount":500,"totalTokenCount":510}"#,
            [Some(10), None, None, Some(500)],
        ),
        (r#""usageMetadata":{"promptTokenCount":10,"thoughtsTokenCount":500}"#, [Some(10), None, None, Some(500)]),
        (
            r#""usageMetadata":{"promptTokenCount":10,"toolUsePromptTokenCount":90,"candidatesTokenCount":5,"totalTokenCount":105}"#,
            [Some(100), None, None, Some(5)],
        ),
        (
            r#""usageMetadata":{"promptTokenCount":10,"toolUsePromptTokenCount":90,"candidatesTokenCount":5}"#,
            [Some(100), None, None, Some(5)],
        ),
        (
            r#""usageMetadata":{"toolUsePromptTokenCount":90,"candidatesTokenCount":5,"totalTokenCount":105}"#,
            [Some(100), None, None, Some(5)],
        ),
        // Reasoning by other names is a part of an output, not the whole of it.
        (r#""input_tokens":10,"reasoning_tokens":500"#, [Some(10), None, None, None]),
    ];
    for (fields, want) in cases {
        assert_eq!(tokens(fields), want, "{fields}");
    }
}

#[test]
fn outcomes_come_from_whatever_says_so() {
    let cases = [
        (r#""status":"ok""#, "ok"),
        (r#""status":"success""#, "ok"),
        (r#""status":"error""#, "unknown"),
        (r#""status":"failure","error_type":"RateLimitError""#, "rate_limit"),
        (r#""status":"cancelled""#, "cancelled"),
        (r#""status":"timeout""#, "timeout"),
        (r#""status":429"#, "rate_limit"),
        (r#""status":200"#, "ok"),
        (r#""success":false"#, "unknown"),
        (r#""failure":true"#, "unknown"),
        (r#""failure":false"#, "ok"),
        (r#""error":null"#, "ok"),
        (r#""error":false"#, "ok"),
        (r#""error":"""#, "ok"),
        (r#""error":{}"#, "ok"),
        (r#""error":true"#, "unknown"),
        (r#""error":"rate_limit_exceeded""#, "rate_limit"),
        (r#""error":"Request timed out.""#, "timeout"),
        (r#""error":{"type":"overloaded_error","message":"Overloaded"}"#, "overloaded"),
        (r#""error":{"code":"context_length_exceeded","type":"invalid_request_error"}"#, "context_length"),
        (r#""error":{"code":503,"status":"UNAVAILABLE","message":"The model is overloaded."}"#, "overloaded"),
        (r#""error":{"detail":"too many requests"}"#, "rate_limit"),
        (r#""error_code":"429""#, "rate_limit"),
        (r#""error_code":0"#, "ok"),
        (r#""error_code":"0""#, "ok"),
        (r#""error_code":200"#, "ok"),
        (r#""error_code":1"#, "unknown"),
        (r#""error":0"#, "ok"),
        (r#""error":1"#, "unknown"),
        (r#""error":"true""#, "unknown"),
        (r#""status":"ok","error":"None""#, "ok"),
        (r#""error":"<nil>""#, "ok"),
        (r#""error_type":"None","error_message":"null""#, "ok"),
        (r#""error":{"code":0,"message":""}"#, "ok"),
        (r#""error":{"code":null,"message":"success","details":[]}"#, "ok"),
        (r#""error":{"code":0,"message":"too many requests"}"#, "rate_limit"),
        (r#""failure":"Rate limit""#, "rate_limit"),
        (r#""failure":"none""#, "ok"),
        (r#""is_error":"true""#, "unknown"),
        (r#""failure":{"message":"Rate limit"}"#, "rate_limit"),
        (r#""success":"failed""#, "unknown"),
        (r#""success":"partly""#, "ok"),
        (r#""status":{"code":0}"#, "ok"),
        (r#""status":{"code":1}"#, "ok"),
        (r#""status":{"code":2}"#, "unknown"),
        (r#""status":{"code":"STATUS_CODE_ERROR","message":"x"}"#, "unknown"),
        (r#""status.code":14"#, "unknown"),
        (r#""status":1"#, "ok"),
        (r#""status":"429 Too Many Requests""#, "rate_limit"),
        (r#""status_code":"OK""#, "ok"),
        (r#""status_code":"ERROR""#, "unknown"),
        (r#""status_code":"503 Service Unavailable""#, "server_error"),
        (r#""http_status":503"#, "server_error"),
        (r#""status":"ok","http_status":500"#, "server_error"),
        (r#""status":"ok","error_type":"rate_limit","retries":1"#, "ok"),
        (r#""status":"ok","success":false"#, "unknown"),
        (r#""finish_reason":"content_filter","status":"ok""#, "ok"),
        (r#""finish_reason":"content_filter","status":"error""#, "content_filter"),
    ];
    for (fields, want) in cases {
        assert_eq!(call(fields)["outcome"], want, "{fields}");
    }
}

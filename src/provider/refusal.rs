//! Errors that the gateway answers itself, in the words of each family, so that its SDKs raise the class of error that
//! belongs to the status; as a body, and as an event of a stream that has begun.

use super::Family;
use serde_json::{Value, json};

/// The error as a body. `status` is the HTTP status it goes with.
pub fn body(family: Family, status: u16, code: &str, message: &str) -> Vec<u8> {
    error(family, status, code, message).to_string().into_bytes()
}

/// The error as an event of a stream, its blank line included.
pub fn event(family: Family, status: u16, code: &str, message: &str) -> Vec<u8> {
    let error = error(family, status, code, message);
    let name = if family == Family::Anthropic { "event: error\n" } else { "" };
    format!("{name}data: {error}\n\n").into_bytes()
}

fn error(family: Family, status: u16, code: &str, message: &str) -> Value {
    match family {
        Family::OpenAi => {
            json!({"error": {"message": message, "type": openai_type(status), "param": null, "code": code}})
        }
        Family::Anthropic => {
            json!({"type": "error", "error": {"type": anthropic_type(status), "message": message, "code": code}})
        }
        Family::Gemini => {
            json!({"error": {"code": status, "message": message, "status": gemini_status(status), "details": [
                {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": code, "domain": "llmtop"}
            ]}})
        }
    }
}

fn openai_type(status: u16) -> &'static str {
    match status {
        401 | 403 => "authentication_error",
        429 => "rate_limit_error",
        400..=499 => "invalid_request_error",
        _ => "server_error",
    }
}

fn anthropic_type(status: u16) -> &'static str {
    match status {
        401 => "authentication_error",
        403 => "permission_error",
        404 => "not_found_error",
        413 => "request_too_large",
        429 => "rate_limit_error",
        400..=499 => "invalid_request_error",
        504 => "timeout_error",
        503 | 529 => "overloaded_error",
        _ => "api_error",
    }
}

/// The words of google.rpc.Code.
fn gemini_status(status: u16) -> &'static str {
    match status {
        401 => "UNAUTHENTICATED",
        403 => "PERMISSION_DENIED",
        404 => "NOT_FOUND",
        429 => "RESOURCE_EXHAUSTED",
        400..=499 => "INVALID_ARGUMENT",
        503 => "UNAVAILABLE",
        504 => "DEADLINE_EXCEEDED",
        _ => "INTERNAL",
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::provider::{Keep, PROVIDERS};

    #[test]
    fn what_we_say_reads_as_an_error_of_the_family() {
        for provider in PROVIDERS {
            for status in [400, 401, 404, 413, 429, 502, 503, 504] {
                let mut reader = provider.reader(Keep::All);
                reader.body(&body(provider.family(), status, "why", "it is \"so\""));
                let error = reader.answer().error.clone().unwrap_or_default();
                assert_eq!(error.message.as_deref(), Some("it is \"so\""), "{} {status}", provider.name());
                assert!(error.kind.is_some(), "{} {status}", provider.name());
            }
            let (mut reader, mut events) = (provider.reader(Keep::All), crate::provider::sse::Events::default());
            events.push(&event(provider.family(), 504, "why", "late"), &mut |event| {
                reader.event(event.name, event.data);
            });
            assert_eq!(
                reader.answer().error.as_ref().and_then(|e| e.message.as_deref()),
                Some("late"),
                "{}",
                provider.name()
            );
        }
    }
}

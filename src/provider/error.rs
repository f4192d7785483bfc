//! Errors in the providers' words: as bodies of refused calls, and inside of streams that began well.

use super::ApiError;
use serde_json::Value;

/// Of a body that is no JSON so much is the message, characters.
const MOST: usize = 500;

/// The error that a body holds: under `error` or `errors`, or the body itself where it has a message; an object, a list of
/// one, or a text.
pub fn of_body(body: &[u8]) -> Option<ApiError> {
    match serde_json::from_slice::<Value>(body) {
        Ok(Value::Array(list)) => list.iter().find_map(of_object),
        Ok(value) => of_object(&value),
        Err(_) => of_text(body),
    }
}

fn of_object(value: &Value) -> Option<ApiError> {
    let inner = value.get("error").filter(|inner| !inner.is_null());
    match inner {
        Some(inner) => of_value(inner),
        None => value.get("message").or_else(|| value.get("detail")).and_then(|_| of_value(value)),
    }
}

/// The error in the value of an `error`.
pub fn of_value(value: &Value) -> Option<ApiError> {
    let text = |value: Option<&Value>| match value? {
        Value::String(text) => Some(text.clone()).filter(|text| !text.is_empty()),
        Value::Number(number) => Some(number.to_string()),
        Value::Null | Value::Bool(_) => None,
        other => Some(other.to_string()),
    };
    match value {
        Value::Null => None,
        Value::String(message) => Some(ApiError { message: Some(message.clone()), ..ApiError::default() }),
        Value::Object(_) => Some(ApiError {
            kind: text(value.get("type")).or_else(|| text(value.get("status"))),
            code: text(value.get("code")),
            message: text(value.get("message")).or_else(|| text(value.get("detail"))),
            retry_after_us: retry_info(value),
        }),
        other => Some(ApiError { message: Some(other.to_string()), ..ApiError::default() }),
    }
}

/// Gemini's `google.rpc.RetryInfo`: `"retryDelay": "17.5s"`.
fn retry_info(error: &Value) -> Option<u64> {
    let details = error.get("details")?.as_array()?;
    let delay = details.iter().find_map(|detail| detail.get("retryDelay")?.as_str())?;
    let seconds: f64 = delay.strip_suffix('s')?.parse().ok()?;
    (seconds.is_finite() && (0.0..1e9).contains(&seconds)).then_some((seconds * 1e6) as u64)
}

/// A body that is no JSON: a proxy's page, a line of text.
fn of_text(body: &[u8]) -> Option<ApiError> {
    let text = String::from_utf8_lossy(body);
    let title = text.split_once("<title>").and_then(|(_, rest)| rest.split("</title>").next());
    let message: String = title.unwrap_or(&text).trim().chars().take(MOST).collect();
    (!message.is_empty()).then(|| ApiError { message: Some(message), ..ApiError::default() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_family_says_what_is_wrong() {
        for (body, kind, code, message, wait) in [
            (r#"{"error":{"message":"M","type":"T","param":null,"code":"C"}}"#, Some("T"), Some("C"), "M", None),
            (
                r#"{"type":"error","error":{"type":"overloaded_error","message":"M"}}"#,
                Some("overloaded_error"),
                None,
                "M",
                None,
            ),
            (
                r#"{"error":{"code":429,"message":"M","status":"RESOURCE_EXHAUSTED","details":[{"@type":"x"},{"retryDelay":"1.5s"}]}}"#,
                Some("RESOURCE_EXHAUSTED"),
                Some("429"),
                "M",
                Some(1_500_000),
            ),
            (r#"[{"error":{"code":400,"message":"M","status":"S"}}]"#, Some("S"), Some("400"), "M", None),
            (r#"{"error":"M"}"#, None, None, "M", None),
            (r#"{"detail":"M"}"#, None, None, "M", None),
            ("<html><head><title>M</title></head>", None, None, "M", None),
            ("M\n", None, None, "M", None),
        ] {
            let got = of_body(body.as_bytes()).unwrap_or_default();
            let want = ApiError {
                kind: kind.map(str::to_owned),
                code: code.map(str::to_owned),
                message: Some(message.to_owned()),
                retry_after_us: wait,
            };
            assert_eq!(got, want, "{body}");
        }
        for none in ["", r#"{"error":null}"#, r#"{"id":"x","choices":[]}"#, "{}"] {
            assert_eq!(of_body(none.as_bytes()), None, "{none}");
        }
    }
}

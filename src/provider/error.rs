//! Errors as the providers word them: objects of all families, objects of servers that speak nearly like them, and plain
//! text or HTML of whatever stands between.

use super::ApiError;
use super::json::{List, Maybe, Scalar};
use serde::Deserialize;
use serde_json::value::RawValue;

/// Characters that are kept of a message, which may be a whole page.
const MAX_MESSAGE: usize = 1000;

/// An error object, or a body that is one itself.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Words<'a> {
    #[serde(borrow, rename = "type")]
    kind: Scalar<'a>,
    #[serde(borrow)]
    status: Scalar<'a>,
    #[serde(borrow)]
    code: Scalar<'a>,
    #[serde(borrow, rename = "statusCode")]
    status_code: Scalar<'a>,
    #[serde(borrow)]
    message: Scalar<'a>,
    #[serde(borrow)]
    details: List<Detail<'a>>,
}

/// One of Google's details.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Detail<'a> {
    #[serde(borrow, rename = "retryDelay")]
    retry_delay: Scalar<'a>,
}

/// A body that holds an error, or is one.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Body<'a> {
    #[serde(borrow)]
    error: Option<&'a RawValue>,
    #[serde(borrow)]
    detail: Option<&'a RawValue>,
}

/// The error of an `error` field; `None` where it is null or says nothing.
pub fn of_field(field: Option<&RawValue>) -> Option<ApiError> {
    let field = field?.get();
    if let Ok(Maybe(Some(words))) = serde_json::from_str::<Maybe<Words<'_>>>(field) {
        return Some(words.told());
    }
    match serde_json::from_str(field).ok()? {
        Scalar::Text(text) if !text.is_empty() => Some(of_message(&text)),
        _ => None,
    }
}

/// The error that a body or an event is, whether it has an `error` field, words of its own, or is no JSON at all; `None`
/// where there is nothing.
pub fn of_body(body: &[u8]) -> Option<ApiError> {
    let body = body.trim_ascii();
    match serde_json::from_slice::<List<Words<'_>>>(body) {
        Ok(list) if list.is_list => return of_list(body),
        // JSON that was cut says nothing, and may hold what must not be told.
        Err(_) if matches!(body.first(), Some(b'{' | b'[' | b'"')) => return None,
        Err(_) => return of_text(&String::from_utf8_lossy(body)),
        Ok(_) => {}
    }
    let Ok(Maybe(Some(held))) = serde_json::from_slice::<Maybe<Body<'_>>>(body) else {
        return of_text(&String::from_utf8_lossy(body));
    };
    let own =
        || serde_json::from_slice::<Maybe<Words<'_>>>(body).ok()?.0.map(Words::told).filter(|e| e.message.is_some());
    of_field(held.error).or_else(own).or_else(|| of_detail(held.detail))
}

/// Google wraps the error of a stream into a list.
fn of_list(body: &[u8]) -> Option<ApiError> {
    let list = serde_json::from_slice::<List<Body<'_>>>(body).ok()?;
    list.items.into_iter().find_map(|item| of_field(item.error))
}

/// What FastAPI servers say: a text, or a list of what is not valid.
fn of_detail(detail: Option<&RawValue>) -> Option<ApiError> {
    let detail = detail?.get();
    match serde_json::from_str(detail) {
        Ok(Scalar::Text(text)) => of_text(&text),
        _ => of_text(detail),
    }
}

/// A page's title, or the text itself.
fn of_text(text: &str) -> Option<ApiError> {
    let title = |text: &str| {
        let lower = text.to_ascii_lowercase();
        let (start, end) = (lower.find("<title>")? + "<title>".len(), lower.find("</title>")?);
        text.get(start..end).map(str::trim).filter(|title| !title.is_empty()).map(str::to_owned)
    };
    let said = title(text).unwrap_or_else(|| text.trim().to_owned());
    (!said.is_empty()).then(|| of_message(&said))
}

fn of_message(message: &str) -> ApiError {
    ApiError { message: Some(message.chars().take(MAX_MESSAGE).collect()), ..ApiError::default() }
}

impl Words<'_> {
    fn told(self) -> ApiError {
        let message = self.message.text().map(|text| text.chars().take(MAX_MESSAGE).collect());
        // The `type` of a body around an error is `error`, which says nothing.
        let kind = self.kind.owned().filter(|kind| kind != "error").or_else(|| self.status.owned());
        let delay = self.details.items.iter().find_map(|detail| micros(detail.retry_delay.text()?));
        ApiError { kind, code: self.code.word().or_else(|| self.status_code.word()), message, retry_after_us: delay }
    }
}

/// A duration as protocol buffers write it, such as `34.074s`, µs.
fn micros(duration: &str) -> Option<u64> {
    let (whole, fraction) = duration.strip_suffix('s')?.split_once('.').unwrap_or((duration.strip_suffix('s')?, ""));
    if !fraction.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let seconds: u64 = whole.parse().ok()?;
    let digits = fraction.bytes().chain(std::iter::repeat(b'0')).take(6);
    let part = digits.fold(0, |sum, digit| sum * 10 + u64::from(digit - b'0'));
    seconds.checked_mul(1_000_000)?.checked_add(part)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn said(body: &str) -> (Option<String>, Option<String>, Option<String>) {
        let error = of_body(body.as_bytes()).unwrap();
        (error.kind, error.code, error.message)
    }

    #[test]
    fn every_family_is_understood() {
        for (body, kind, code, message) in [
            (r#"{"error":{"message":"m","type":"t","code":"c","param":null}}"#, "t", "c", "m"),
            (r#"{"error":{"message":"m","code":429}}"#, "", "429", "m"),
            (r#"{"type":"error","error":{"type":"overloaded_error","message":"m"}}"#, "overloaded_error", "", "m"),
            (r#"{"error":{"code":503,"message":"m","status":"UNAVAILABLE"}}"#, "UNAVAILABLE", "503", "m"),
            (r#"[{"error":{"code":503,"message":"m","status":"UNAVAILABLE"}}]"#, "UNAVAILABLE", "503", "m"),
            (r#"{"error":"m"}"#, "", "", "m"),
            (r#"{"statusCode":429,"message":"m"}"#, "", "429", "m"),
            (r#"{"object":"error","message":"m","type":"NotFoundError","code":404}"#, "NotFoundError", "404", "m"),
            (r#"{"type":"error","code":"server_error","message":"m","param":null}"#, "", "server_error", "m"),
            (r#"{"detail":"m"}"#, "", "", "m"),
            (r#"{"detail":[{"loc":["body"]}]}"#, "", "", r#"[{"loc":["body"]}]"#),
            ("upstream is away\n", "", "", "upstream is away"),
            ("<html><head><TITLE>502 Bad Gateway</TITLE></head><body>…</body></html>", "", "", "502 Bad Gateway"),
        ] {
            let some = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
            assert_eq!(said(body), (some(kind), some(code), some(message)), "{body}");
        }
        assert_eq!(of_body(b" \n"), None);
        assert_eq!(of_body(br#"{"choices":[],"error":null}"#), None);
    }

    #[test]
    fn google_says_how_long_to_wait() {
        let body = r#"{"error":{"code":429,"message":"m","status":"RESOURCE_EXHAUSTED","details":[
            {"@type":"type.googleapis.com/google.rpc.QuotaFailure","violations":[]},
            {"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"34.0745s"}]}}"#;
        assert_eq!(of_body(body.as_bytes()).unwrap().retry_after_us, Some(34_074_500));
        for (text, us) in
            [("7s", Some(7_000_000)), ("0.000000001s", Some(0)), ("-1s", None), ("x", None), ("1.xs", None)]
        {
            assert_eq!(micros(text), us, "{text}");
        }
        assert_eq!(micros("99999999999999999999s"), None);
        assert_eq!(micros("18446744073709551615s"), None);
    }
}

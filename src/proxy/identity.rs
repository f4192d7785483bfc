//! Who made a call, and what it belongs to: from its headers and its body, else a short hash of its key.

use super::headers;
use crate::provider::Asked;
use http::{HeaderMap, HeaderName};
use sha2::{Digest, Sha256};

/// What a call says of itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Identity {
    /// The end user, or the key by its hash.
    pub user: Option<String>,
    /// Whose calls wait together: the client, else its key by its hash. Nothing that a call says of itself.
    pub owner: String,
    /// The conversation.
    pub session: Option<String>,
    /// The trace.
    pub trace: Option<String>,
    /// The span that caused it.
    pub parent: Option<String>,
    /// The application.
    pub app: Option<String>,
    /// Tags, a JSON list.
    pub tags: Option<String>,
    /// The experiment and the variant that the application chose.
    pub variant: Option<String>,
}

/// Before the hash of a key, where that is the name of an owner.
pub const KEY: &str = "key:";

const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// Reads who made a call; `client` is the one whose key it has, `key` that key.
pub fn of(headers: &HeaderMap, asked: &Asked, (client, key): (Option<&str>, Option<&[u8]>)) -> Identity {
    // Most calls say nothing of themselves in headers.
    let says = headers.keys().any(|name| name.as_str().starts_with(headers::OWN));
    let own = |name: &str| if says { headers::text(headers, name).map(clean) } else { None };
    let (trace, parent) = headers.get(&TRACEPARENT).and_then(|value| traceparent(value.to_str().ok()?.trim())).unzip();
    let owner = client.map(|name| format!("client:{name}"));
    let owner = owner.or_else(|| key.map(|key| format!("{KEY}{}", short_hash(key))));
    Identity {
        user: own("x-llmtop-user").or_else(|| asked.user.clone()).or_else(|| owner.clone()),
        owner: owner.unwrap_or_default(),
        session: own("x-llmtop-session").or_else(|| asked.session.clone()),
        trace: own("x-llmtop-trace").or(trace),
        parent,
        app: own("x-llmtop-app"),
        tags: if says { tags(headers) } else { None },
        variant: own("x-llmtop-variant"),
    }
}

/// An id that somebody gives.
pub fn id(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    headers.get(name)?.to_str().ok().map(str::trim).filter(|text| !text.is_empty()).map(clean)
}

/// Ids are a line of text of bounded length.
fn clean(text: &str) -> String {
    const MOST: usize = 256;
    text.chars().filter(|c| !c.is_control()).take(MOST).collect()
}

fn tags(headers: &HeaderMap) -> Option<String> {
    let values = headers.get_all("x-llmtop-tag").iter().filter_map(|value| value.to_str().ok());
    let tags: Vec<String> =
        values.flat_map(|value| value.split(',')).map(|tag| clean(tag.trim())).filter(|tag| !tag.is_empty()).collect();
    if tags.is_empty() { None } else { serde_json::to_string(&tags).ok() }
}

/// The trace and the parent of a W3C `traceparent`.
fn traceparent(text: &str) -> Option<(String, String)> {
    let mut parts = text.split('-');
    let (version, trace, parent) = (parts.next()?, parts.next()?, parts.next()?);
    let is_hex = |text: &str, len: usize| text.len() == len && text.bytes().all(|b| b.is_ascii_hexdigit());
    let is_some = |text: &str| text.bytes().any(|b| b != b'0');
    let valid = is_hex(version, 2) && is_hex(trace, 32) && is_hex(parent, 16) && is_some(trace) && is_some(parent);
    valid.then(|| (trace.to_owned(), parent.to_owned()))
}

/// A key by the beginning of its hash: tells callers apart, and nobody gets the key out of it.
pub fn short_hash(key: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let hash = Sha256::digest(key);
    let digits = hash.iter().take(4).flat_map(|byte| [byte >> 4, byte & 15]);
    digits.map(|digit| char::from(DIGITS[usize::from(digit)])).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use http::HeaderValue;

    fn identity(headers: &[(&'static str, &'static str)], asked: &Asked) -> Identity {
        let headers: HeaderMap =
            headers.iter().map(|(k, v)| (HeaderName::from_static(k), HeaderValue::from_static(v))).collect();
        of(&headers, asked, (None, headers::key(&headers)))
    }

    #[test]
    fn headers_go_before_the_body_and_the_body_before_the_key() {
        let asked = Asked { user: Some("bob".to_owned()), ..Asked::default() };
        let all = [("x-llmtop-user", "ann"), ("authorization", "Bearer sk-1")];
        assert_eq!(identity(&all, &asked).user.unwrap(), "ann");
        assert_eq!(identity(&all[1..], &asked).user.unwrap(), "bob");
        let user = identity(&all[1..], &Asked::default()).user.unwrap();
        assert_eq!(user, format!("key:{}", short_hash(b"sk-1")));
        assert!(!user.contains("sk-1") && user.len() == 12, "{user}");
    }

    #[test]
    fn a_trace_is_a_valid_one() {
        let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
        let one = |value: &'static str| identity(&[("traceparent", value)], &Asked::default());
        let found = one("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
        assert_eq!((found.trace.as_deref(), found.parent.as_deref()), (Some(trace), Some("00f067aa0ba902b7")));
        for broken in ["", "00-1-2-3", "00-00000000000000000000000000000000-00f067aa0ba902b7-01"] {
            assert_eq!(one(broken).trace, None, "{broken}");
        }
    }

    #[test]
    fn tags_come_one_by_one_or_in_a_list() {
        let found = identity(&[("x-llmtop-tag", "a, b"), ("x-llmtop-tag", "c")], &Asked::default());
        assert_eq!(found.tags.as_deref(), Some(r#"["a","b","c"]"#));
    }
}

//! Who may call: keys known by their hashes, compared in constant time.

use super::headers;
use super::settings::Client;
use http::HeaderMap;
use sha2::{Digest, Sha256};
use subtle::{Choice, ConditionallySelectable, ConstantTimeEq};

/// The SHA-256 of nothing.
pub const NO_KEY: [u8; 32] = [
    0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14, 0x9a, 0xfb, 0xf4, 0xc8, 0x99, 0x6f, 0xb9, 0x24, 0x27, 0xae, 0x41,
    0xe4, 0x64, 0x9b, 0x93, 0x4c, 0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52, 0xb8, 0x55,
];

/// The client whose key a call has; `None` where it has none that is known. Takes the same time whichever it is.
pub fn of<'c>(clients: &'c [Client], headers: &HeaderMap, query: Option<&str>) -> Option<&'c Client> {
    let key = key(headers, query).filter(|key| !key.is_empty())?;
    let hash = Sha256::digest(key);
    let mut found = u32::MAX;
    for (n, client) in (0u32..).zip(clients) {
        let is_it: Choice = hash.as_slice().ct_eq(&client.key_sha256);
        found = u32::conditional_select(&found, &n, is_it);
    }
    clients.get(usize::try_from(found).ok()?)
}

/// Why a call that nobody is known for is refused.
pub fn refusal(headers: &HeaderMap, query: Option<&str>) -> &'static str {
    match key(headers, query) {
        Some(key) if !key.is_empty() => "the key is none that this proxy knows",
        _ => "a key is missing: this proxy wants one, where the SDK sends that of its provider",
    }
}

/// The key of a call, wherever it stands.
pub fn key<'h>(headers: &'h HeaderMap, query: Option<&'h str>) -> Option<&'h [u8]> {
    headers::key(headers).or_else(|| key_in(query?).map(str::as_bytes))
}

/// The key in a query, as Gemini's clients may send it.
pub fn key_in(query: &str) -> Option<&str> {
    query.split('&').find_map(|pair| pair.strip_prefix("key="))
}

/// Path and query without such a key.
pub fn without_key(target: &str) -> String {
    let Some((path, query)) = target.split_once('?') else { return target.to_owned() };
    let rest: Vec<&str> = query.split('&').filter(|pair| !pair.starts_with("key=")).collect();
    if rest.is_empty() { path.to_owned() } else { format!("{path}?{}", rest.join("&")) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use http::HeaderValue;

    fn client(name: &str, key: &str) -> Client {
        Client { name: name.to_owned(), key_sha256: Sha256::digest(key).into() }
    }

    #[test]
    fn a_key_is_known_wherever_it_stands() {
        let clients = [client("a", "k-a"), client("b", "k-b")];
        let name = |header: &'static str, value: &'static str, query| {
            let mut headers = HeaderMap::new();
            headers.insert(header, HeaderValue::from_static(value));
            of(&clients, &headers, query).map(|client| client.name.clone())
        };
        assert_eq!(name("authorization", "Bearer k-b", None).as_deref(), Some("b"));
        assert_eq!(name("x-api-key", "k-a", None).as_deref(), Some("a"));
        assert_eq!(name("x-goog-api-key", "k-a", None).as_deref(), Some("a"));
        assert_eq!(name("x-other", "k-a", Some("alt=sse&key=k-b")).as_deref(), Some("b"));
        for (header, value) in [("authorization", "Bearer k-c"), ("authorization", "k-a"), ("x-other", "k-a")] {
            assert_eq!(name(header, value, None), None, "{header}: {value}");
        }
    }

    #[test]
    fn no_key_is_nobodys() {
        assert_eq!(NO_KEY[..], Sha256::digest("")[..]);
        let clients = [client("a", "")];
        let mut headers = HeaderMap::new();
        assert_eq!(of(&clients, &headers, None), None);
        for header in ["x-api-key", "authorization"] {
            headers.insert(header, HeaderValue::from_static(""));
            assert_eq!(of(&clients, &headers, Some("key=")), None);
        }
    }

    #[test]
    fn a_key_is_taken_out_of_a_query() {
        for (target, want) in
            [("/a?key=x", "/a"), ("/a?b=1&key=x&c=2", "/a?b=1&c=2"), ("/a?b=1", "/a?b=1"), ("/a", "/a")]
        {
            assert_eq!(without_key(target), want);
        }
    }
}

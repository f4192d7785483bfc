//! Which headers go on and which belong to one connection alone (RFC 9110, 7.6.1).

use crate::provider::Family;
use http::header::{
    ACCEPT_ENCODING, AUTHORIZATION, CONNECTION, HOST, HeaderMap, HeaderName, HeaderValue, PROXY_AUTHENTICATE,
    PROXY_AUTHORIZATION, TE, TRAILER, TRANSFER_ENCODING, UPGRADE,
};

/// Headers that speak of one connection, besides those that `connection` names.
static HOP_BY_HOP: [HeaderName; 8] = [
    CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
    PROXY_AUTHENTICATE,
];

/// The gateway's own headers begin with this: they go no further.
const OWN: &str = "x-llmtop-";

/// Takes out what belongs to the connection it came by.
pub fn strip_hop_by_hop(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .collect();
    for name in named.iter().chain(&HOP_BY_HOP) {
        headers.remove(name);
    }
}

/// Which key goes up.
#[derive(Debug, Clone, Copy)]
pub enum Key<'k> {
    /// That of the client.
    Clients,
    /// The upstream's own.
    Own(&'k HeaderValue),
    /// None.
    Nothing,
}

/// Makes a client's headers those of the call to an upstream of a family.
pub fn to_upstream(headers: &mut HeaderMap, (host, family): (&HeaderValue, Family), key: Key<'_>) {
    strip_hop_by_hop(headers);
    headers.remove(PROXY_AUTHORIZATION);
    let own: Vec<HeaderName> = headers.keys().filter(|name| name.as_str().starts_with(OWN)).cloned().collect();
    for name in own {
        headers.remove(name);
    }
    headers.insert(HOST, host.clone());
    match key {
        Key::Clients => {}
        Key::Nothing => remove_keys(headers),
        Key::Own(key) => set_key(headers, family, key),
    }
}

/// The headers that carry keys, but for `authorization`.
const KEYS: [HeaderName; 3] = [
    HeaderName::from_static("x-api-key"),
    HeaderName::from_static("api-key"),
    HeaderName::from_static("x-goog-api-key"),
];

/// Puts a key in the place where the client has put its own, else where the family has it.
fn set_key(headers: &mut HeaderMap, family: Family, key: &HeaderValue) {
    let place = KEYS.iter().find(|name| headers.contains_key(*name)).cloned();
    let usual = match family {
        _ if headers.contains_key(AUTHORIZATION) => None,
        Family::OpenAi => None,
        Family::Anthropic => Some(HeaderName::from_static("x-api-key")),
        Family::Gemini => Some(HeaderName::from_static("x-goog-api-key")),
    };
    remove_keys(headers);
    match place.or(usual) {
        Some(place) => headers.insert(place, key.clone()),
        None => headers.insert(AUTHORIZATION, bearer(key)),
    };
}

/// Takes every key out.
fn remove_keys(headers: &mut HeaderMap) {
    headers.remove(AUTHORIZATION);
    for name in &KEYS {
        headers.remove(name);
    }
}

fn bearer(key: &HeaderValue) -> HeaderValue {
    let mut value = b"Bearer ".to_vec();
    value.extend_from_slice(key.as_bytes());
    let mut value = HeaderValue::from_bytes(&value).unwrap_or_else(|_| key.clone());
    value.set_sensitive(true);
    value
}

/// The key a client sends.
pub fn key(headers: &HeaderMap) -> Option<&[u8]> {
    let bearer = headers.get(AUTHORIZATION).map(HeaderValue::as_bytes);
    let bearer = bearer.and_then(|value| value.strip_prefix(b"Bearer ").or_else(|| value.strip_prefix(b"bearer ")));
    bearer.or_else(|| KEYS.iter().find_map(|name| headers.get(name)).map(HeaderValue::as_bytes))
}

/// Asks for an answer that can be cut into events.
pub fn ask_for_plain(headers: &mut HeaderMap) {
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
}

/// A header as text.
pub fn text<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name)?.to_str().ok().map(str::trim).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn map(headers: &[(&'static str, &'static str)]) -> HeaderMap {
        headers.iter().map(|(k, v)| (HeaderName::from_static(k), HeaderValue::from_static(v))).collect()
    }

    #[test]
    fn what_a_connection_names_stays_with_it() {
        let mut headers = map(&[
            ("connection", "close, x-mine"),
            ("x-mine", "1"),
            ("transfer-encoding", "chunked"),
            ("anthropic-beta", "tools"),
            ("content-length", "5"),
        ]);
        strip_hop_by_hop(&mut headers);
        assert_eq!(headers, map(&[("anthropic-beta", "tools"), ("content-length", "5")]));
    }

    #[test]
    fn several_connection_headers_name_what_is_theirs() {
        let mut headers =
            map(&[("connection", "x-one , X-TWO"), ("connection", "x-three,,not a name"), ("x-one", "1")]);
        headers.extend(map(&[("x-two", "2"), ("x-three", "3"), ("keep-alive", "timeout=5"), ("te", "trailers")]));
        headers.extend(map(&[
            ("upgrade", "h2c"),
            ("trailer", "x-end"),
            ("proxy-connection", "close"),
            ("via", "1.1 x"),
        ]));
        strip_hop_by_hop(&mut headers);
        assert_eq!(headers, map(&[("via", "1.1 x")]));
    }

    #[test]
    fn what_is_for_the_gateway_goes_no_further() {
        let mut headers = map(&[
            ("x-llmtop-user", "ann"),
            ("x-llmtop-tag", "a"),
            ("x-llmtop-tag", "b"),
            ("proxy-authorization", "Basic eDp5"),
            ("authorization", "Bearer sk-mine"),
            ("x-llmtopic", "stays"),
            ("host", "gateway:4141"),
        ]);
        to_upstream(&mut headers, (&HeaderValue::from_static("up:1"), Family::OpenAi), Key::Clients);
        assert_eq!(headers, map(&[("authorization", "Bearer sk-mine"), ("x-llmtopic", "stays"), ("host", "up:1")]));
    }

    #[test]
    fn no_key_of_a_client_goes_where_none_belongs() {
        let all = ["authorization", "x-api-key", "api-key", "x-goog-api-key"];
        let host = HeaderValue::from_static("up");
        let key = HeaderValue::from_static("sk-up");
        for list in
            (1..16).map(|n| all.iter().enumerate().filter(move |(at, _)| n >> at & 1 == 1).map(|(_, name)| *name))
        {
            let clients: Vec<_> = list.map(|name| (name, "sk-mine")).collect();
            let mut headers = map(&clients);
            to_upstream(&mut headers, (&host, Family::OpenAi), Key::Nothing);
            assert_eq!(headers, map(&[("host", "up")]), "{clients:?}");
            let mut headers = map(&clients);
            to_upstream(&mut headers, (&host, Family::OpenAi), Key::Own(&key));
            assert_eq!(headers.len(), 2, "one key alone: {headers:?}");
            assert!(!headers.values().any(|value| value == "sk-mine"), "{headers:?}");
        }
    }

    #[test]
    fn a_key_is_found_wherever_a_client_may_put_it() {
        for (name, value, want) in [
            ("authorization", "Bearer sk-1", Some("sk-1")),
            ("authorization", "bearer sk-1", Some("sk-1")),
            ("authorization", "Basic eDp5", None),
            ("x-api-key", "sk-1", Some("sk-1")),
            ("api-key", "sk-1", Some("sk-1")),
            ("x-goog-api-key", "sk-1", Some("sk-1")),
            ("x-key", "sk-1", None),
        ] {
            assert_eq!(key(&map(&[(name, value)])), want.map(str::as_bytes), "{name}: {value}");
        }
        let both = map(&[("x-api-key", "two"), ("authorization", "Bearer one")]);
        assert_eq!(key(&both), Some(&b"one"[..]));
    }

    #[test]
    fn a_key_stands_where_the_family_has_it_where_the_client_sends_none() {
        let (host, key) = (HeaderValue::from_static("up"), HeaderValue::from_static("sk-up"));
        for (family, client, place, value) in [
            (Family::OpenAi, None, "authorization", "Bearer sk-up"),
            (Family::Anthropic, None, "x-api-key", "sk-up"),
            (Family::Gemini, None, "x-goog-api-key", "sk-up"),
            (Family::Gemini, Some("authorization"), "authorization", "Bearer sk-up"),
            (Family::OpenAi, Some("api-key"), "api-key", "sk-up"),
        ] {
            let mut headers: HeaderMap = client.map(|name| map(&[(name, "Bearer mine")])).unwrap_or_default();
            to_upstream(&mut headers, (&host, family), Key::Own(&key));
            assert_eq!((headers.len(), headers.get(place).unwrap().to_str().unwrap()), (2, value), "{family:?}");
        }
    }

    #[test]
    fn a_header_as_text_is_trimmed_and_never_empty() {
        let mut headers = map(&[("a", "  x "), ("b", " ")]);
        headers.insert("c", HeaderValue::from_bytes(b"\xff").unwrap());
        assert_eq!(["a", "b", "c", "d"].map(|name| text(&headers, name)), [Some("x"), None, None, None]);
        ask_for_plain(&mut headers);
        assert_eq!(text(&headers, "accept-encoding"), Some("identity"));
    }

    #[test]
    fn a_key_takes_the_place_of_the_clients() {
        let host = HeaderValue::from_static("up");
        let key = HeaderValue::from_static("sk-up");
        for (client, place, value) in
            [("authorization", "authorization", "Bearer sk-up"), ("x-api-key", "x-api-key", "sk-up")]
        {
            let mut headers = map(&[(client, "Bearer mine"), ("x-llmtop-user", "ann"), ("host", "here")]);
            to_upstream(&mut headers, (&host, Family::OpenAi), Key::Own(&key));
            assert_eq!(headers.get(place).unwrap(), value);
            assert_eq!(headers.len(), 2, "{headers:?}");
        }
    }
}

//! Which headers go on and which belong to one connection alone (RFC 9110, 7.6.1).

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
    // Most messages have few headers and none of these.
    if !headers.keys().any(|name| HOP_BY_HOP.contains(name)) {
        return;
    }
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

/// Makes a client's headers those of the call to an upstream.
pub fn to_upstream(headers: &mut HeaderMap, host: &HeaderValue, key: Key<'_>) {
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
        Key::Own(key) => set_key(headers, key),
    }
}

/// The headers that carry keys, but for `authorization`.
const KEYS: [HeaderName; 3] = [
    HeaderName::from_static("x-api-key"),
    HeaderName::from_static("api-key"),
    HeaderName::from_static("x-goog-api-key"),
];

/// Puts a key in the place where the client has put its own, else behind `authorization: Bearer`.
fn set_key(headers: &mut HeaderMap, key: &HeaderValue) {
    let place = KEYS.iter().find(|name| headers.contains_key(*name)).cloned();
    remove_keys(headers);
    match place {
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
    fn a_key_takes_the_place_of_the_clients() {
        let host = HeaderValue::from_static("up");
        let key = HeaderValue::from_static("sk-up");
        for (client, place, value) in
            [("authorization", "authorization", "Bearer sk-up"), ("x-api-key", "x-api-key", "sk-up")]
        {
            let mut headers = map(&[(client, "Bearer mine"), ("x-llmtop-user", "ann"), ("host", "here")]);
            to_upstream(&mut headers, &host, Key::Own(&key));
            assert_eq!(headers.get(place).unwrap(), value);
            assert_eq!(headers.len(), 2, "{headers:?}");
        }
    }
}

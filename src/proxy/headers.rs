//! Which headers go on and which belong to one connection alone (RFC 9110, 7.6.1).

use crate::provider::Family;
use http::header::{
    ACCEPT_ENCODING, AUTHORIZATION, CONNECTION, COOKIE, EXPECT, HOST, HeaderMap, HeaderName, HeaderValue,
    PROXY_AUTHENTICATE, PROXY_AUTHORIZATION, TE, TRANSFER_ENCODING, UPGRADE,
};

/// Headers that speak of one connection, besides those that `connection` names.
static HOP_BY_HOP: [HeaderName; 7] = [
    CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    TE,
    TRANSFER_ENCODING,
    UPGRADE,
    PROXY_AUTHENTICATE,
];

/// The gateway's own headers begin with this: they go no further.
pub const OWN: &str = "x-llmtop-";

/// Takes out what belongs to the connection it came by.
pub fn strip_hop_by_hop(headers: &mut HeaderMap) {
    // Most messages have few headers and none of these.
    if !headers.keys().any(|name| HOP_BY_HOP.contains(name)) {
        return;
    }
    // And of those that have one most say that the connection stays, and nothing else.
    let is_alone = headers.keys().filter(|name| HOP_BY_HOP.contains(name)).count() == 1;
    let mut connections = headers.get_all(CONNECTION).iter();
    if is_alone && connections.next().is_some_and(|value| value == "keep-alive") && connections.next().is_none() {
        headers.remove(CONNECTION);
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
    /// The upstream's own, in the place where its protocol has it.
    Own {
        /// It.
        key: &'k HeaderValue,
        /// Whose protocol the upstream speaks, where it is one alone.
        of: Option<Family>,
        /// Whose protocol the call speaks.
        spoken: Family,
    },
    /// None, nor anything else that is between the client and another: the call goes elsewhere than the client meant.
    Nothing,
}

/// Makes a client's headers those of the call to an upstream.
/// The connection says which host it is of; what it was asked for under says nothing.
pub fn to_upstream(headers: &mut HeaderMap, key: Key<'_>) {
    strip_hop_by_hop(headers);
    headers.remove(PROXY_AUTHORIZATION);
    let own: Vec<HeaderName> = headers.keys().filter(|name| name.as_str().starts_with(OWN)).cloned().collect();
    for name in own {
        headers.remove(name);
    }
    headers.remove(HOST);
    // The body has been taken already, or is on its way.
    headers.remove(EXPECT);
    join_cookies(headers);
    match key {
        Key::Clients => {}
        Key::Nothing => {
            remove_keys(headers);
            PERSONAL.iter().for_each(|name| drop(headers.remove(name)));
        }
        Key::Own { key, of, spoken } => set_key(headers, key, (of, spoken)),
    }
}

/// The headers that carry keys, but for `authorization`.
const KEYS: [HeaderName; 3] = [
    HeaderName::from_static("x-api-key"),
    HeaderName::from_static("api-key"),
    HeaderName::from_static("x-goog-api-key"),
];

/// What a client and its provider have between them, besides the key.
const PERSONAL: [HeaderName; 3] =
    [COOKIE, HeaderName::from_static("openai-organization"), HeaderName::from_static("openai-project")];

/// HTTP/2 may send cookies one by one, HTTP/1.1 has them in one line (RFC 9113, 8.2.3).
fn join_cookies(headers: &mut HeaderMap) {
    if headers.get_all(COOKIE).iter().nth(1).is_some() {
        let all: Vec<&[u8]> = headers.get_all(COOKIE).iter().map(HeaderValue::as_bytes).collect();
        if let Ok(joined) = HeaderValue::from_bytes(&all.join(&b"; "[..])) {
            headers.insert(COOKIE, joined);
        }
    }
}

/// Puts a key where the upstream's protocol has it; where that may be any, in the place where the client has put its own, else
/// where the call's protocol has it. Azure, which speaks as OpenAI does, has a place of its own.
fn set_key(headers: &mut HeaderMap, key: &HeaderValue, (of, spoken): (Option<Family>, Family)) {
    let [anthropic, azure, gemini] = &KEYS;
    let usual = |family: Family| match family {
        Family::Anthropic => Some(anthropic.clone()),
        Family::Gemini => Some(gemini.clone()),
        Family::OpenAi => Some(azure.clone()).filter(|azure| headers.contains_key(azure)),
    };
    let place = match of {
        Some(family) => usual(family),
        None if headers.contains_key(AUTHORIZATION) => None,
        None => KEYS.iter().find(|name| headers.contains_key(*name)).cloned().or_else(|| usual(spoken)),
    };
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

/// Where a web page is from that sends this, if a browser says so and it is not of this machine.
pub fn foreign_origin(headers: &HeaderMap) -> Option<&str> {
    let origin = text(headers, "origin")?;
    let host = origin.split_once("://").map_or(origin, |(_, host)| host);
    let name = match host.strip_prefix('[') {
        Some(v6) => v6.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    let is_local = name == "localhost"
        || name.ends_with(".localhost")
        || name.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
    (!is_local).then_some(origin)
}

/// A header as text.
pub fn text<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name)?.to_str().ok().map(str::trim).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn own(key: &HeaderValue, of: Option<Family>, spoken: Family) -> Key<'_> {
        Key::Own { key, of, spoken }
    }

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
        headers.extend(map(&[("upgrade", "h2c"), ("proxy-connection", "close"), ("via", "1.1 x")]));
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
        to_upstream(&mut headers, Key::Clients);
        assert_eq!(headers, map(&[("authorization", "Bearer sk-mine"), ("x-llmtopic", "stays")]));
    }

    #[test]
    fn no_key_of_a_client_goes_where_none_belongs() {
        let all = ["authorization", "x-api-key", "api-key", "x-goog-api-key"];
        let key = HeaderValue::from_static("sk-up");
        for list in
            (1..16).map(|n| all.iter().enumerate().filter(move |(at, _)| n >> at & 1 == 1).map(|(_, name)| *name))
        {
            let clients: Vec<_> = list.map(|name| (name, "sk-mine")).collect();
            let mut headers = map(&clients);
            to_upstream(&mut headers, Key::Nothing);
            assert_eq!(headers, HeaderMap::new(), "{clients:?}");
            let mut headers = map(&clients);
            to_upstream(&mut headers, own(&key, None, Family::OpenAi));
            assert_eq!(headers.len(), 1, "one key alone: {headers:?}");
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
        let key = HeaderValue::from_static("sk-up");
        for (family, client, place, value) in [
            (Family::OpenAi, None, "authorization", "Bearer sk-up"),
            (Family::Anthropic, None, "x-api-key", "sk-up"),
            (Family::Gemini, None, "x-goog-api-key", "sk-up"),
            (Family::Gemini, Some("authorization"), "authorization", "Bearer sk-up"),
            (Family::OpenAi, Some("api-key"), "api-key", "sk-up"),
        ] {
            let mut headers: HeaderMap = client.map(|name| map(&[(name, "Bearer mine")])).unwrap_or_default();
            to_upstream(&mut headers, own(&key, None, family));
            assert_eq!((headers.len(), headers.get(place).unwrap().to_str().unwrap()), (1, value), "{family:?}");
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
    fn a_key_stands_where_its_protocol_has_it() {
        let key = HeaderValue::from_static("sk-up");
        let (openai, anthropic, gemini) = (Some(Family::OpenAi), Some(Family::Anthropic), Some(Family::Gemini));
        for (client, family, place, value) in [
            ("authorization", None, "authorization", "Bearer sk-up"),
            ("x-api-key", None, "x-api-key", "sk-up"),
            ("x-api-key", openai, "authorization", "Bearer sk-up"),
            ("api-key", openai, "api-key", "sk-up"),
            ("authorization", anthropic, "x-api-key", "sk-up"),
            ("authorization", gemini, "x-goog-api-key", "sk-up"),
        ] {
            let mut headers =
                map(&[(client, "Bearer mine"), ("x-llmtop-user", "ann"), ("host", "here"), ("expect", "100-continue")]);
            to_upstream(&mut headers, own(&key, family, Family::OpenAi));
            assert_eq!(headers.get(place).unwrap(), value);
            assert_eq!(headers.len(), 1, "{headers:?}");
        }
    }

    #[test]
    fn nothing_personal_goes_elsewhere() {
        let mut headers =
            map(&[("authorization", "Bearer mine"), ("cookie", "a=1"), ("openai-organization", "o"), ("x", "1")]);
        to_upstream(&mut headers, Key::Nothing);
        assert_eq!(headers, map(&[("x", "1")]));
    }

    #[test]
    fn cookies_that_came_one_by_one_go_in_one_line() {
        let mut headers = map(&[("cookie", "a=1"), ("cookie", "b=2")]);
        to_upstream(&mut headers, Key::Clients);
        assert_eq!(headers, map(&[("cookie", "a=1; b=2")]));
    }

    #[test]
    fn pages_of_this_machine_are_not_foreign() {
        for (origin, is_foreign) in [
            ("http://localhost:3000", false),
            ("http://127.0.0.1:8080", false),
            ("http://[::1]:1", false),
            ("https://app.localhost", false),
            ("https://evil.example", true),
            ("http://127.0.0.1.evil.example:4141", true),
            ("null", true),
        ] {
            assert_eq!(foreign_origin(&map(&[("origin", origin)])).is_some(), is_foreign, "{origin}");
        }
        assert_eq!(foreign_origin(&HeaderMap::new()), None);
    }
}

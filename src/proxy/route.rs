//! Where a request goes: which protocol its path speaks, which upstream takes it, and under which address.

use super::refusal::Kind;
use super::settings::{Takes, Upstream};
use crate::provider::{self, Family, Provider};
use http::request::Parts;
use http::uri::{PathAndQuery, Uri};
use http::{HeaderMap, Method};
use std::sync::Arc;

/// What a path says, before the body is read.
#[derive(Clone, Copy)]
pub struct Route<'p> {
    /// The upstream it names by `/u/NAME`.
    pub named: Option<&'p str>,
    /// Path and query of what is asked for, from its slash.
    pub rest: &'p str,
    /// The protocol it speaks, where it is one that is read.
    pub provider: Option<&'static dyn Provider>,
    /// Whose protocol that is, or seems to be.
    pub family: Family,
}

impl<'p> Route<'p> {
    /// The path of what is asked for, without its query.
    pub fn path(&self) -> &'p str {
        self.rest.split('?').next().unwrap_or_default()
    }
}

/// What is not passed on: a path that climbs out of where its upstream begins, a change of protocol, a tunnel.
pub fn check(head: &Parts, target: &str) -> Result<(), (Kind, String)> {
    let path = target.split('?').next().unwrap_or_default();
    // Without either no segment is one of dots.
    let may_climb = path.contains(['.', '%']);
    let climbs = |segment: &str| matches!(segment.to_ascii_lowercase().replace("%2e", ".").as_str(), "." | "..");
    if may_climb && (path.split(['/', '\\']).any(climbs) || path.to_ascii_lowercase().contains("%2f..")) {
        return Err((Kind::BadRequest, "the path has a segment of dots".to_owned()));
    }
    if head.method == Method::CONNECT {
        return Err((Kind::Unsupported, "this is no proxy for tunnels: make it the base URL of the SDK".to_owned()));
    }
    if head.headers.contains_key(http::header::UPGRADE) && head.version < http::Version::HTTP_2 {
        return Err((Kind::Unsupported, "a change of protocol, such as to WebSocket, is not passed on".to_owned()));
    }
    Ok(())
}

/// Reads a path. Only a POST is a call to a model.
pub fn of<'p>(method: &Method, target: &'p str, headers: &HeaderMap) -> Route<'p> {
    let (named, rest) = split_name(target);
    let path = rest.split('?').next().unwrap_or_default();
    let provider = (*method == Method::POST).then(|| provider::of_path(path)).flatten();
    let family = provider.map_or_else(|| family_of(path, headers), |provider| provider.family());
    Route { named, rest, provider, family }
}

/// `/u/NAME/rest` by its parts.
fn split_name(target: &str) -> (Option<&str>, &str) {
    let Some(after) = target.strip_prefix("/u/") else { return (None, target) };
    let end = after.find(['/', '?']).unwrap_or(after.len());
    match after.split_at(end) {
        ("", _) => (None, target),
        (name, "") => (Some(name), "/"),
        (name, rest) => (Some(name), rest),
    }
}

/// Whose a path is that is none of a model's: by its beginning, then by the header that only Anthropic's clients send.
pub fn family_of(path: &str, headers: &HeaderMap) -> Family {
    if path.starts_with("/v1beta/") || headers.contains_key("x-goog-api-key") {
        Family::Gemini
    } else if headers.contains_key("anthropic-version") || path.starts_with("/v1/messages") {
        Family::Anthropic
    } else {
        Family::OpenAi
    }
}

/// The upstreams that may take a call: the one it names, else those that have its model, else those of its protocol, else
/// those of every protocol. Empty where there is none.
pub fn candidates(upstreams: &[Arc<Upstream>], route: &Route<'_>, model: Option<&str>) -> Vec<Arc<Upstream>> {
    let those = |fits: &dyn Fn(&Upstream) -> bool| -> Vec<Arc<Upstream>> {
        upstreams.iter().filter(|upstream| fits(upstream)).cloned().collect()
    };
    if let Some(name) = route.named {
        return those(&|upstream| upstream.name == name);
    }
    let speaks = |upstream: &Upstream| upstream.family.is_none_or(|family| family == route.family);
    let has = |upstream: &Upstream| model.is_some_and(|model| upstream.takes.has(model)) && speaks(upstream);
    let general = |upstream: &Upstream| upstream.takes == Takes::Rest;
    let mut found = those(&has);
    if found.is_empty() {
        found = those(&|upstream| general(upstream) && upstream.family == Some(route.family));
    }
    if found.is_empty() {
        found = those(&|upstream| general(upstream) && upstream.family.is_none());
    }
    found
}

/// The address at an upstream: its own path, then what is asked for. Where its path ends as the other begins, as with
/// `https://host/api/v1` and `/v1/models`, that stands there once.
///
/// # Errors
/// Where the parts make no address.
pub fn address(base: &Uri, rest: &str) -> Result<Uri, http::Error> {
    let own = base.path().trim_end_matches('/');
    let last = own.rfind('/').map_or("", |at| &own[at..]);
    let is_twice = is_version(last) && rest.strip_prefix(last).is_some_and(|after| after.starts_with(['/', '?']));
    let rest = if is_twice { &rest[last.len()..] } else { rest };
    let path = if own.is_empty() { PathAndQuery::try_from(rest)? } else { format!("{own}{rest}").parse()? };
    let mut parts = http::uri::Parts::default();
    parts.scheme = base.scheme().cloned();
    parts.authority = base.authority().cloned();
    parts.path_and_query = Some(path);
    Ok(Uri::from_parts(parts)?)
}

/// `/v1`, `/v1beta`: the part that both a base URL and a path may have.
fn is_version(segment: &str) -> bool {
    segment.strip_prefix("/v").is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::breaker::{Breaker, Rule};
    use super::super::target::Live;
    use super::*;

    fn upstream(name: &str, family: Option<Family>, models: &[&str]) -> Arc<Upstream> {
        let live = Arc::new(Live::new(Breaker::new(Rule::default()), 0));
        let mut upstream = Upstream::new(name, Uri::from_static("http://up"), live);
        upstream.family = family;
        if !models.is_empty() {
            upstream.takes = Takes::Models(models.iter().map(|model| glob::Pattern::new(model).unwrap()).collect());
        }
        Arc::new(upstream)
    }

    fn chosen(target: &str, model: Option<&str>) -> Option<String> {
        let upstreams = [
            upstream("openai", Some(Family::OpenAi), &[]),
            upstream("anthropic", Some(Family::Anthropic), &[]),
            upstream("local", None, &["llama*"]),
            upstream("rest", None, &[]),
        ];
        let headers = HeaderMap::new();
        let route = of(&Method::POST, target, &headers);
        candidates(&upstreams, &route, model).first().map(|upstream| upstream.name.clone())
    }

    #[test]
    fn a_name_goes_before_a_model_and_a_model_before_the_protocol() {
        assert_eq!(chosen("/u/rest/v1/chat/completions", Some("llama-3")).as_deref(), Some("rest"));
        assert_eq!(chosen("/u/nobody/v1/chat/completions", None), None);
        assert_eq!(chosen("/v1/chat/completions", Some("llama-3")).as_deref(), Some("local"));
        assert_eq!(chosen("/v1/chat/completions", Some("gpt-4o")).as_deref(), Some("openai"));
        assert_eq!(chosen("/v1/messages", None).as_deref(), Some("anthropic"));
        assert_eq!(chosen("/v1beta/models", None).as_deref(), Some("rest"));
    }

    #[test]
    fn an_address_has_its_version_once() {
        for (base, rest, want) in [
            ("http://up", "/v1/models?a=b", "http://up/v1/models?a=b"),
            ("https://up:1/api/v1/", "/v1/models", "https://up:1/api/v1/models"),
            ("https://up/api/v1", "/chat/completions", "https://up/api/v1/chat/completions"),
            ("https://up/v1", "/v1beta/models", "https://up/v1/v1beta/models"),
            ("https://up/openai", "/openai/x", "https://up/openai/openai/x"),
        ] {
            assert_eq!(address(&base.parse().unwrap(), rest).unwrap().to_string(), want);
        }
    }

    #[test]
    fn a_name_is_cut_off_the_path() {
        assert_eq!(split_name("/u/a/v1/x?y"), (Some("a"), "/v1/x?y"));
        assert_eq!(split_name("/u/a"), (Some("a"), "/"));
        assert_eq!(split_name("/u//x"), (None, "/u//x"));
        assert_eq!(split_name("/users"), (None, "/users"));
    }

    #[test]
    fn only_a_post_calls_a_model_and_every_path_has_a_family() {
        for (method, target, header, provider, family) in [
            (Method::POST, "/v1/chat/completions?x=1", "", Some("openai.chat"), Family::OpenAi),
            (Method::GET, "/v1/chat/completions", "", None, Family::OpenAi),
            (Method::POST, "/u/a/openai/deployments/d/chat/completions", "", Some("openai.chat"), Family::OpenAi),
            (Method::POST, "/v1/messages/", "", Some("anthropic.messages"), Family::Anthropic),
            (Method::POST, "/v1/messages/count_tokens", "", None, Family::Anthropic),
            (Method::GET, "/v1/models", "anthropic-version", None, Family::Anthropic),
            (Method::GET, "/v1/models", "x-goog-api-key", None, Family::Gemini),
            (Method::GET, "/v1beta/models", "", None, Family::Gemini),
            (Method::GET, "/v1beta", "", None, Family::OpenAi),
            (Method::POST, "/v1/files", "", None, Family::OpenAi),
            (Method::POST, "/v1beta/models/g:generateContent?key=k", "", Some("gemini"), Family::Gemini),
        ] {
            let mut headers = HeaderMap::new();
            if !header.is_empty() {
                headers.insert(header, "x".parse().unwrap());
            }
            let route = of(&method, target, &headers);
            assert_eq!((route.provider.map(|p| p.name()), route.family), (provider, family), "{method} {target}");
        }
    }

    #[test]
    fn one_that_has_the_model_but_not_the_protocol_does_not_take_it() {
        let upstreams =
            [upstream("a", Some(Family::Anthropic), &["claude*", "shared"]), upstream("o", None, &["shared"])];
        let names = |target: &str, model| {
            let headers = HeaderMap::new();
            let route = of(&Method::POST, target, &headers);
            let found = candidates(&upstreams, &route, Some(model));
            found.iter().map(|upstream| upstream.name.clone()).collect::<Vec<_>>()
        };
        assert_eq!(names("/v1/messages", "shared"), ["a", "o"], "all that have it");
        assert_eq!(names("/v1/chat/completions", "shared"), ["o"]);
        assert_eq!(names("/v1/chat/completions", "claude-4"), [""; 0]);
        assert_eq!(names("/v1/messages", "gpt-4o"), [""; 0], "who has models takes no others");
        assert_eq!(names("/u/o/v1/messages", "gpt-4o"), ["o"], "but for its name");
    }

    #[test]
    fn an_address_keeps_what_is_asked_for_by_the_byte() {
        for rest in ["/v1/a%20b%2Fc?q=%22&&x", "/", "/v1//x", "/v1/models/g:generateContent?alt=sse", "/%F0%9F%98%80"] {
            let at = |base: &str| address(&base.parse().unwrap(), rest).unwrap().to_string();
            assert_eq!(at("http://up"), format!("http://up{rest}"));
            assert_eq!(at("https://up:8443/own/"), format!("https://up:8443/own{rest}"));
        }
        assert_eq!(address(&"http://up/v1".parse().unwrap(), "/v1?x").unwrap().to_string(), "http://up/v1?x");
        assert!(address(&"http://up".parse().unwrap(), "/a b").is_err());
    }
}

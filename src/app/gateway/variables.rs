//! Where the program of `llmtop run` is told to go: by the variables that the known SDKs read. Whatever a variable said before
//! stays where its calls go; only the way leads through the gateway.

use super::settings;
use crate::config::{self, Env};
use crate::proxy::breaker::Rule;
use crate::proxy::settings::Upstream;
use http::Uri;
use std::sync::Arc;

/// A variable, the upstream that is meant where it says nothing, and what stands behind the address in it then.
type Variable = (&'static str, Option<&'static str>, &'static str);

/// The variables of the known SDKs. Without an upstream that is meant it stays unset.
const VARIABLES: [Variable; 7] = [
    ("OPENAI_BASE_URL", Some("openai"), "/v1"),
    ("OPENAI_API_BASE", Some("openai"), "/v1"),
    ("ANTHROPIC_BASE_URL", Some("anthropic"), ""),
    ("GOOGLE_GEMINI_BASE_URL", Some("gemini"), ""),
    ("GEMINI_BASE_URL", Some("gemini"), ""),
    ("AZURE_OPENAI_ENDPOINT", None, ""),
    ("LITELLM_PROXY_API_BASE", None, ""),
];

/// What no proxy may stand before.
const HERE: &str = "127.0.0.1";

/// What is set for a program.
#[derive(Debug, Default)]
pub struct Variables {
    /// Each by its name, with what stands behind the gateway's address in it.
    paths: Vec<(&'static str, String)>,
    /// Each by its name, as it is.
    others: Vec<(&'static str, String)>,
    /// What is left as it is, and why.
    pub left: Vec<String>,
}

impl Variables {
    /// What to set, beside `flags` that say where calls go; adds the upstreams that were meant before.
    pub fn of(flags: &[String], env: Env<'_>, rule: Rule, upstreams: &mut Vec<Arc<Upstream>>) -> Variables {
        let mut set = Variables { paths: vec![("LLMTOP_PROXY_URL", String::new())], ..Variables::default() };
        for (variable, meant, path) in VARIABLES {
            let before = env(variable).and_then(|value| value.into_string().ok()).filter(|value| !value.is_empty());
            let is_flagged = flags.iter().any(|flag| match settings::split(flag).0 {
                None => true,
                name => name == meant,
            });
            match before {
                Some(before) if !is_flagged => match lead(&before, rule, upstreams) {
                    Ok(path) => set.paths.push((variable, path)),
                    Err(why) => set.left.push(format!("{variable} is left as it is, so its calls are not seen: {why}")),
                },
                None if meant.is_none() => {}
                _ => set.paths.push((variable, path.to_owned())),
            }
        }
        let text = |name: &str| env(name).and_then(|value| value.into_string().ok());
        for (name, other) in [("NO_PROXY", "no_proxy"), ("no_proxy", "NO_PROXY")] {
            set.others.push((name, unproxied(text(name).or_else(|| text(other)).as_deref().unwrap_or_default())));
        }
        set
    }

    /// All of them, for a gateway at this address.
    pub fn at(&self, url: &str) -> impl Iterator<Item = (&'static str, String)> {
        let paths = self.paths.iter().map(move |(name, path)| (*name, format!("{url}{path}")));
        paths.chain(self.others.iter().cloned())
    }
}

/// The path by which the gateway goes where a URL leads; the upstream is added where there is none for it yet.
fn lead(before: &str, rule: Rule, upstreams: &mut Vec<Arc<Upstream>>) -> Result<String, String> {
    // What stands before an @ may be a secret.
    if before.contains('@') {
        return Err("it has more than a host and a path".to_owned());
    }
    let url = config::base_url(before)?;
    let mut parts = http::uri::Parts::default();
    parts.scheme = url.scheme().cloned();
    parts.authority = url.authority().cloned();
    parts.path_and_query = Some(http::uri::PathAndQuery::from_static("/"));
    let base = Uri::from_parts(parts).map_err(|why| why.to_string())?;
    let path = if url.path() == "/" && !before.ends_with('/') { "" } else { url.path() };
    let host = url.authority().map_or("", |authority| authority.as_str());
    let plain = |c: char| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '-' };
    let host: String = host.chars().map(plain).collect();
    for n in 1.. {
        let name = if n == 1 { host.clone() } else { format!("{host}-{n}") };
        match upstreams.iter().find(|upstream| upstream.name == name) {
            Some(other) if other.base == base && other.keys.is_empty() => return Ok(format!("/u/{name}{path}")),
            Some(_) => {}
            None => {
                upstreams.push(Arc::new(settings::by_name(&name, base, rule)));
                return Ok(format!("/u/{name}{path}"));
            }
        }
    }
    Err("there are too many upstreams".to_owned())
}

/// The same list with this machine in it.
fn unproxied(list: &str) -> String {
    let mut hosts = list.split(',').map(str::trim);
    if list.trim().is_empty() {
        HERE.to_owned()
    } else if hosts.any(|host| host == HERE || host == "*") {
        list.to_owned()
    } else {
        format!("{list},{HERE}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(flags: &[&str], env: &[(&str, &str)]) -> (Vec<(&'static str, String)>, Vec<String>, Vec<String>) {
        let flags: Vec<String> = flags.iter().map(|flag| (*flag).to_owned()).collect();
        let env = |name: &str| env.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).into());
        let mut upstreams = Vec::new();
        let set = Variables::of(&flags, &env, Rule::default(), &mut upstreams);
        let upstreams = upstreams.iter().map(|upstream| format!("{} {}", upstream.name, upstream.base)).collect();
        (set.at("http://gw").collect(), upstreams, set.left)
    }

    fn value<'v>(set: &'v [(&'static str, String)], name: &str) -> Option<&'v str> {
        set.iter().find(|(key, _)| *key == name).map(|(_, value)| value.as_str())
    }

    #[test]
    fn what_a_variable_said_is_where_its_calls_go() {
        let env = [
            ("OPENAI_BASE_URL", "https://openrouter.ai/api/v1"),
            ("OPENAI_API_BASE", "https://openrouter.ai/api/v2/"),
            ("AZURE_OPENAI_ENDPOINT", "https://me.openai.azure.com:8443"),
            ("GEMINI_BASE_URL", "https://ann:secret@host/"),
        ];
        let (all, upstreams, left) = set(&[], &env);
        assert_eq!(value(&all, "OPENAI_BASE_URL"), Some("http://gw/u/openrouter.ai/api/v1"));
        assert_eq!(value(&all, "OPENAI_API_BASE"), Some("http://gw/u/openrouter.ai/api/v2/"));
        assert_eq!(value(&all, "AZURE_OPENAI_ENDPOINT"), Some("http://gw/u/me.openai.azure.com-8443"));
        assert_eq!(value(&all, "ANTHROPIC_BASE_URL"), Some("http://gw"));
        assert_eq!(value(&all, "LITELLM_PROXY_API_BASE"), None);
        assert_eq!(value(&all, "GEMINI_BASE_URL"), None);
        assert_eq!(
            upstreams,
            ["openrouter.ai https://openrouter.ai/", "me.openai.azure.com-8443 https://me.openai.azure.com:8443/"]
        );
        assert!(left.len() == 1 && !left[0].contains("secret"), "{left:?}");
    }

    #[test]
    fn flags_go_before_what_a_variable_said() {
        let env = [("OPENAI_BASE_URL", "https://one/v1"), ("ANTHROPIC_BASE_URL", "https://two")];
        let (all, ..) = set(&["openai=http://three"], &env);
        assert_eq!(value(&all, "OPENAI_BASE_URL"), Some("http://gw/v1"));
        assert_eq!(value(&all, "ANTHROPIC_BASE_URL"), Some("http://gw/u/two"));
        let (all, upstreams, _) = set(&["http://all"], &env);
        assert_eq!((value(&all, "ANTHROPIC_BASE_URL"), upstreams.len()), (Some("http://gw"), 0));
    }

    #[test]
    fn no_proxy_stands_before_the_gateway() {
        let (all, ..) = set(&[], &[("NO_PROXY", "a,b")]);
        assert_eq!(value(&all, "no_proxy"), Some("a,b,127.0.0.1"));
        assert_eq!(value(&all, "NO_PROXY"), Some("a,b,127.0.0.1"));
        assert_eq!((unproxied("*"), unproxied(" ")), ("*".to_owned(), HERE.to_owned()));
    }
}

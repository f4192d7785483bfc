//! From configuration and flags to what a gateway is told.

use crate::cli::GatewayArgs;
use crate::config::{self, Effective, Env};
use crate::provider::Family;
use crate::proxy::breaker::{Breaker, Rule};
use crate::proxy::settings::{Settings, Upstream};
use crate::proxy::target::Live;
use anyhow::{Context, Result, bail};
use http::Uri;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// The providers that are known by name: their protocol, and where they are.
const KNOWN: [(&str, Family, &str); 3] = [
    ("openai", Family::OpenAi, "https://api.openai.com"),
    ("anthropic", Family::Anthropic, "https://api.anthropic.com"),
    ("gemini", Family::Gemini, "https://generativelanguage.googleapis.com"),
];

/// What a gateway is told, listening at `listen`.
pub fn of(args: &GatewayArgs, listen: SocketAddr, settings: &Effective) -> Result<Settings> {
    let _ = settings;
    Ok(Settings {
        listen,
        upstreams: upstreams(&args.upstream)?.into_iter().map(Arc::new).collect(),
        max_body: 64 << 20,
        timeouts: Default::default(),
        backoff: Default::default(),
        retry_share: 0.2,
        fallbacks: Vec::new(),
        degraded: None,
        capture: Default::default(),
        journal: journal(args)?,
        segment: 64 << 20,
        unrecorded: Default::default(),
        stall: Duration::from_secs(10),
        grace: Duration::from_secs(30),
        app: None,
    })
}

/// The folder of the journal: the one that is named, else one beside the default store.
fn journal(args: &GatewayArgs) -> Result<PathBuf> {
    if let Some(journal) = &args.journal {
        return Ok(std::path::absolute(journal)?);
    }
    let env: Env<'_> = &|name| std::env::var_os(name);
    let store = config::default_store(env)?;
    Ok(store.with_file_name("journal"))
}

/// Those of the command line before those that are known; a URL alone takes every protocol.
fn upstreams(args: &[String]) -> Result<Vec<Upstream>> {
    let mut all = Vec::new();
    for arg in args {
        let upstream = named(arg)?;
        if all.iter().any(|other: &Upstream| other.name == upstream.name) {
            bail!("--upstream {arg}: there are two upstreams called {}", upstream.name);
        }
        all.push(upstream);
    }
    let takes_all = all.iter().any(|upstream| upstream.family.is_none() && upstream.models.is_empty());
    for (name, family, base) in KNOWN {
        if !takes_all && !all.iter().any(|upstream| upstream.name == name) {
            let base = Uri::from_static(base);
            all.push(upstream(name, Some(name), base, Some(family)));
        }
    }
    Ok(all)
}

/// `URL`, or `NAME=URL`.
fn named(arg: &str) -> Result<Upstream> {
    let is_name =
        |name: &str| !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b));
    let (name, url) = match arg.split_once('=') {
        Some((name, url)) if is_name(name) => (Some(name), url),
        _ => (None, arg),
    };
    let base: Uri = url.parse().with_context(|| format!("--upstream {arg}: not a URL"))?;
    if !matches!(base.scheme_str(), Some("http" | "https")) || base.authority().is_none() {
        bail!("--upstream {arg}: write a URL such as https://api.example.com or http://127.0.0.1:9999");
    }
    if base.query().is_some() {
        bail!("--upstream {arg}: a base URL has no query");
    }
    let Some(name) = name else { return Ok(upstream("default", None, base, None)) };
    let known = KNOWN.iter().find(|(known, ..)| *known == name);
    Ok(upstream(name, Some(name), base, known.map(|(_, family, _)| *family)))
}

fn upstream(name: &str, provider: Option<&str>, base: Uri, family: Option<Family>) -> Upstream {
    let live = Arc::new(Live::new(Breaker::new(Rule::default()), 0));
    Upstream { provider: provider.map(str::to_owned), family, ..Upstream::new(name, base, live) }
}

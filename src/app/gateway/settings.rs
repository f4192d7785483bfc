//! From configuration and flags to what a gateway is told.

use crate::cli::GatewayArgs;
use crate::config::{self, Config, Effective, Env, Proxy};
use crate::provider::Family;
use crate::proxy::breaker::{Breaker, Rule};
use crate::proxy::settings::{Client, Fallback, KNOWN, Settings, Takes, Upstream};
use crate::proxy::target::Live;
use anyhow::{Context, Result, anyhow, bail};
use http::{HeaderValue, Uri};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

/// Where it listens unless it is told otherwise.
const LISTEN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 4141);

/// The same told anew: what goes on at upstreams that stay goes on.
pub fn anew(mut told: Settings, before: &Settings) -> Settings {
    for upstream in &mut told.upstreams {
        // What was learned of one place says nothing of another.
        let same = |old: &&Arc<Upstream>| {
            old.name == upstream.name && old.base == upstream.base && old.keys.len() == upstream.keys.len()
        };
        if let Some(old) = before.upstreams.iter().find(same) {
            *upstream = Arc::new(Upstream { live: Arc::clone(&old.live), ..Upstream::clone(upstream) });
        }
    }
    told
}

/// The settings that differ and are looked at when a gateway starts alone.
pub fn at_next_start(all: &Config, before: &Config) -> Vec<&'static str> {
    let (new, old) = (&all.proxy, &before.proxy);
    [
        ("listen", new.listen != old.listen),
        ("journal", new.journal != old.journal),
        ("journal_segment", new.segment != old.segment),
        ("journal_keep", new.keep_us != old.keep_us),
        ("tls_cert and tls_key", new.tls.is_some() != old.tls.is_some()),
        ("connect_timeout", new.timeouts.connect != old.timeouts.connect),
        ("queue and queue_wait", new.queue != old.queue),
        ("retry_budget", new.retry_share != old.retry_share),
        ("breaker_failures and breaker_open", new.breaker != old.breaker),
        ("prices", (&all.pricing, &all.price_table) != (&before.pricing, &before.price_table)),
        ("retention", all.retention != before.retention),
        ("budgets", all.budgets != before.budgets),
        ("alerts", all.alerts != before.alerts),
        (
            "ask_for_usage",
            new.upstreams.iter().any(|one| {
                old.upstreams.iter().any(|other| {
                    one.name == other.name && one.base == other.base && one.ask_for_usage != other.ask_for_usage
                })
            }),
        ),
    ]
    .into_iter()
    .filter_map(|(name, differs)| differs.then_some(name))
    .collect()
}

/// What a gateway is told, listening at `listen`: flags over the configuration.
///
/// # Errors
/// What is missing or contradicts itself.
pub fn of(args: &GatewayArgs, listen: Option<SocketAddr>, settings: &Effective) -> Result<Settings> {
    let told = &settings.config.proxy;
    let listen = listen.or(told.listen).unwrap_or(LISTEN);
    if !listen.ip().is_loopback() && told.clients.is_empty() {
        bail!(
            "{listen} can be reached from elsewhere: say who may call by [client.NAME] key_sha256 in the configuration \
             (`llmtop key new` makes a key), or listen on 127.0.0.1"
        );
    }
    let upstreams = upstreams(args, told)?;
    if let Some(upstream) = upstreams.iter().find(|upstream| is_itself(&upstream.base, listen)) {
        bail!(
            "the upstream {:?} at {} is this gateway itself; say where the provider is",
            upstream.name,
            upstream.base
        );
    }
    for fallback in &told.fallbacks {
        let unknown = |name: &&String| !upstreams.iter().any(|upstream| upstream.name == **name);
        if let Some(name) = fallback.to.iter().filter_map(|next| next.upstream.as_ref()).find(unknown) {
            bail!("[[fallback]] of {}: no upstream is called {name:?}", fallback.model);
        }
        one_protocol(fallback, &upstreams)?;
    }
    Ok(Settings {
        listen,
        upstreams: upstreams.into_iter().map(Arc::new).collect(),
        max_body: told.max_body,
        timeouts: told.timeouts,
        queue: told.queue,
        backoff: told.backoff,
        retry_share: told.retry_share,
        fallbacks: told.fallbacks.iter().map(|f| Fallback { model: f.model.clone(), to: f.to.clone() }).collect(),
        degraded: told.degraded.clone(),
        capture: told.capture,
        journal: journal(args, told, &settings.config)?,
        segment: told.segment,
        unrecorded: told.unrecorded,
        stall: told.stall,
        grace: told.grace,
        app: told.app.clone(),
        clients: told.clients.iter().map(|c| Client { name: c.name.clone(), key_sha256: c.key_sha256 }).collect(),
        tls: told.tls.clone(),
    })
}

/// Whether a URL leads to where the gateway listens.
fn is_itself(base: &Uri, listen: SocketAddr) -> bool {
    let usual = if base.scheme_str() == Some("https") { 443 } else { 80 };
    let host = base.host().unwrap_or_default().trim_matches(['[', ']']);
    let is_here = match host.parse::<IpAddr>() {
        Ok(ip) => ip == listen.ip() || ip.is_loopback() && listen.ip().is_unspecified(),
        Err(_) => host == "localhost" && (listen.ip().is_loopback() || listen.ip().is_unspecified()),
    };
    is_here && base.port_u16().unwrap_or(usual) == listen.port()
}

/// What a call says in one protocol means nothing in another: a chain stays in that of its model, where it is known whose that
/// is, and in any case in one.
fn one_protocol(fallback: &config::ProxyFallback, upstreams: &[Upstream]) -> Result<()> {
    let model = fallback.model.as_str();
    let has = |upstream: &&Upstream| match &upstream.takes {
        Takes::Models(models) => models.iter().any(|pattern| pattern.as_str() == model || pattern.matches(model)),
        Takes::Rest | Takes::Nothing => false,
    };
    let owner = NAMES.iter().find(|(prefix, _)| model.starts_with(prefix)).map(|(_, family)| *family);
    let mut family = upstreams.iter().find(has).and_then(|upstream| upstream.family).or(owner);
    for name in fallback.to.iter().filter_map(|next| next.upstream.as_ref()) {
        let of = upstreams.iter().find(|upstream| upstream.name == *name).and_then(|upstream| upstream.family);
        if let (Some(family), Some(of)) = (family, of)
            && family != of
        {
            bail!("[[fallback]] of {model}: the upstream {name:?} speaks another protocol than what comes before it");
        }
        family = family.or(of);
    }
    Ok(())
}

/// Whose models are called so.
const NAMES: [(&str, Family); 3] =
    [("gpt-", Family::OpenAi), ("claude-", Family::Anthropic), ("gemini-", Family::Gemini)];

/// The folder of the journal: the one that is named, else one beside the store, so that stores have a journal each.
fn journal(args: &GatewayArgs, told: &Proxy, config: &Config) -> Result<PathBuf> {
    if let Some(journal) = args.journal.as_ref().or(told.journal.as_ref()) {
        return Ok(std::path::absolute(journal)?);
    }
    let env: Env<'_> = &|name| std::env::var_os(name);
    let store = std::path::absolute(config.store()?)?;
    if config::default_store(env).is_ok_and(|usual| usual == store) {
        return Ok(store.with_file_name("journal"));
    }
    let mut name = store.into_os_string();
    name.push(".journal");
    Ok(name.into())
}

/// Those of the command line before those of the configuration before those that are known; one that takes every protocol
/// leaves none to those.
fn upstreams(args: &GatewayArgs, told: &Proxy) -> Result<Vec<Upstream>> {
    let mut all: Vec<Upstream> = Vec::new();
    for arg in &args.upstream {
        let upstream = named(arg, told.breaker)?;
        if all.iter().any(|other| other.name == upstream.name) {
            bail!("--upstream {arg}: there are two upstreams called {}", upstream.name);
        }
        all.push(upstream);
    }
    for told_of in &told.upstreams {
        if !all.iter().any(|other| other.name == told_of.name) {
            all.push(configured(told_of, told.breaker)?);
        }
    }
    let takes_all = all.iter().any(|upstream| upstream.family.is_none() && upstream.takes == Takes::Rest);
    for (name, family, base) in KNOWN {
        // Whoever says where calls of a protocol go has said it of all of them: what a typo names goes nowhere else.
        let stands = |upstream: &Upstream| {
            upstream.name == name || upstream.family == Some(family) && upstream.takes != Takes::Nothing
        };
        if !takes_all && !all.iter().any(stands) {
            let live = live(told.breaker, 0);
            let known = Upstream::new(name, Uri::from_static(base), live);
            all.push(Upstream { provider: Some(name.to_owned()), family: Some(family), ..known });
        }
    }
    Ok(all)
}

fn live(rule: Rule, keys: usize) -> Arc<Live> {
    Arc::new(Live::new(Breaker::new(rule), keys))
}

/// Where calls go, in one line: `openai https://api.openai.com, local http://127.0.0.1:8000/v1 (llama-*)`.
pub fn whither(settings: &Settings) -> String {
    let one = |upstream: &Arc<Upstream>| {
        let of = match &upstream.takes {
            Takes::Rest => String::new(),
            Takes::Models(models) => {
                format!(" ({})", models.iter().map(|model| model.as_str()).collect::<Vec<_>>().join(", "))
            }
            Takes::Nothing => format!(" (/u/{})", upstream.name),
        };
        format!("{} {}{of}", upstream.name, upstream.base.to_string().trim_end_matches('/'))
    };
    settings.upstreams.iter().map(one).collect::<Vec<_>>().join(", ")
}

/// The protocol that a name alone says.
fn family_of(name: &str) -> Option<Family> {
    KNOWN.iter().find(|(known, ..)| *known == name).map(|(_, family, _)| *family)
}

/// `URL`, or `NAME=URL`.
fn named(arg: &str, rule: Rule) -> Result<Upstream> {
    let (name, url) = split(arg);
    let base = config::base_url(url).map_err(|why| anyhow!("--upstream {arg}: {why}"))?;
    let Some(name) = name else { return Ok(Upstream::new("default", base, live(rule, 0))) };
    let upstream = match family_of(name) {
        Some(family) => Upstream { family: Some(family), ..Upstream::new(name, base, live(rule, 0)) },
        None => by_name(name, base, rule),
    };
    Ok(Upstream { provider: Some(name.to_owned()), ..upstream })
}

/// Name and URL of an `--upstream`.
pub fn split(arg: &str) -> (Option<&str>, &str) {
    let is_name =
        |name: &str| !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b));
    match arg.split_once('=') {
        Some((name, url)) if is_name(name) => (Some(name), url),
        _ => (None, arg),
    }
}

/// An upstream that is asked for by its name alone and takes nothing else.
pub fn by_name(name: &str, base: Uri, rule: Rule) -> Upstream {
    Upstream { takes: Takes::Nothing, ..Upstream::new(name, base, live(rule, 0)) }
}

fn configured(told: &config::ProxyUpstream, rule: Rule) -> Result<Upstream> {
    let keys = keys(told).with_context(|| format!("[upstream.{}]", told.name))?;
    let live = live(rule, keys.len());
    if !told.ask_for_usage {
        live.forget_usage();
    }
    Ok(Upstream {
        provider: told.provider.clone(),
        family: told.family.or_else(|| family_of(&told.name)),
        takes: if told.models.is_empty() { Takes::Rest } else { Takes::Models(told.models.clone()) },
        weight: told.weight,
        keys,
        ..Upstream::new(&told.name, told.base.clone(), live)
    })
}

/// The keys of an upstream, from the environment or a file; they are never shown.
fn keys(told: &config::ProxyUpstream) -> Result<Vec<HeaderValue>> {
    let mut texts = Vec::new();
    for name in &told.key_env {
        let key = std::env::var(name).ok().filter(|key| !key.trim().is_empty());
        texts.push(key.with_context(|| format!("key_env: the variable {name} is not set"))?);
    }
    if let Some(path) = &told.key_file {
        let text =
            std::fs::read_to_string(path).with_context(|| format!("key_file: {} cannot be read", path.display()))?;
        texts.extend(text.lines().map(str::to_owned).filter(|line| !line.trim().is_empty()));
    }
    let key = |text: &String| {
        let mut key =
            HeaderValue::from_str(text.trim()).map_err(|_| anyhow!("a key has characters that no header has"))?;
        key.set_sensitive(true);
        Ok(key)
    };
    texts.iter().map(key).collect()
}

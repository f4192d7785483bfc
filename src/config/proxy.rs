//! `[proxy]`, `[upstream.NAME]`, `[client.NAME]` and `[[fallback]]`: what a gateway is told.

use super::Config;
use super::lists::Section;
use crate::nearest::did_you_mean;
use crate::provider::{Family, Keep};
use crate::proxy::backoff::Backoff;
use crate::proxy::breaker::Rule;
use crate::proxy::queue::Bounds;
use crate::proxy::settings::{Capture, KNOWN, Next, Secrets, Timeouts, Unrecorded};
use crate::units;
use http::Uri;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

#[cfg(test)]
mod tests;

/// What is said of the gateway.
#[derive(Debug, Clone, PartialEq)]
pub struct Proxy {
    /// Where it listens; `None` is where it usually does.
    pub listen: Option<SocketAddr>,
    /// The folder of its journal; `None` is beside the store.
    pub journal: Option<PathBuf>,
    /// A segment of the journal is this long at most, bytes.
    pub segment: u64,
    /// Segments that the store has are deleted when they are older than this, µs; `None` is never.
    pub keep_us: Option<i64>,
    /// The largest body of a request, bytes.
    pub max_body: usize,
    /// How long it waits for what.
    pub timeouts: Timeouts,
    /// How calls wait before a provider's limits.
    pub queue: Bounds,
    /// When calls are tried again.
    pub backoff: Backoff,
    /// At most so many retries for each call, 0..=1.
    pub retry_share: f64,
    /// When an upstream is left alone.
    pub breaker: Rule,
    /// What of texts is written down.
    pub capture: Capture,
    /// What to do with calls that cannot be recorded.
    pub unrecorded: Unrecorded,
    /// A pause inside a stream that is longer than this is a stall.
    pub stall: Duration,
    /// How long streams may go on after it was told to stop.
    pub grace: Duration,
    /// What to answer where everything has failed.
    pub degraded: Option<String>,
    /// What calls without a word of their own are of.
    pub app: Option<String>,
    /// Certificate and key of its listener.
    pub tls: Option<(PathBuf, PathBuf)>,
    /// Whom it calls.
    pub upstreams: Vec<Upstream>,
    /// Who may call.
    pub clients: Vec<Client>,
    /// What to try where a model cannot be had.
    pub fallbacks: Vec<Fallback>,
}

/// `[upstream.NAME]`
#[derive(Debug, Clone, PartialEq)]
pub struct Upstream {
    /// Its name.
    pub name: String,
    /// Where it is.
    pub base: Uri,
    /// Whose protocol it speaks; `None` is any.
    pub family: Option<Family>,
    /// The provider by the name prices know it by.
    pub provider: Option<String>,
    /// Variables of the environment that hold its keys.
    pub key_env: Vec<String>,
    /// A file with its keys, one a line.
    pub key_file: Option<PathBuf>,
    /// Models that are sent there.
    pub models: Vec<glob::Pattern>,
    /// How many calls it takes beside others.
    pub weight: u32,
    /// Whether it may be asked for the usage of a stream.
    pub ask_for_usage: bool,
}

/// `[client.NAME]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Client {
    /// Its name.
    pub name: String,
    /// The SHA-256 of its key.
    pub key_sha256: [u8; 32],
}

/// `[[fallback]]`
#[derive(Debug, Clone, PartialEq)]
pub struct Fallback {
    /// Of which models.
    pub model: glob::Pattern,
    /// What to try.
    pub to: Vec<Next>,
}

impl Default for Proxy {
    fn default() -> Proxy {
        Proxy {
            listen: None,
            journal: None,
            segment: 64 << 20,
            keep_us: Some(7 * 86_400_000_000),
            max_body: 64 << 20,
            timeouts: Timeouts::default(),
            queue: Bounds::default(),
            backoff: Backoff::default(),
            retry_share: 0.2,
            breaker: Rule::default(),
            capture: Capture::default(),
            unrecorded: Unrecorded::default(),
            stall: Duration::from_secs(10),
            grace: Duration::from_secs(30),
            degraded: None,
            app: None,
            tls: None,
            upstreams: Vec::new(),
            clients: Vec::new(),
            fallbacks: Vec::new(),
        }
    }
}

const LENGTH: &str = "a length of time such as \"500ms\", \"10s\" or \"5m\"";
const SIZE: &str = "a size such as \"64MB\"";

/// Reads `[proxy]`.
pub(super) fn proxy(section: &mut Section<'_>, config: &mut Config) {
    let proxy = &mut config.proxy;
    put_some(&mut proxy.listen, section.read("listen", "an address and a port such as \"127.0.0.1:4141\"", address));
    put_some(&mut proxy.journal, section.read("journal", "the path of a folder", path));
    put(&mut proxy.segment, section.read("journal_segment", SIZE, size));
    put(&mut proxy.keep_us, section.read("journal_keep", "an age such as \"7d\", or \"forever\"", age));
    put(
        &mut proxy.max_body,
        section.read("max_body", SIZE, |text| size(text).map(|n| usize::try_from(n).unwrap_or(usize::MAX))),
    );
    put_some(&mut proxy.app, section.read("app", "the name of an application", name));
    put_some(&mut proxy.degraded, section.read("degraded_answer", "what to answer when everything else failed", name));
    capture(section, proxy);
    waits(section, proxy);
    let words = "\"pass\" (calls go through, the loss is told) or \"block\"";
    put(&mut proxy.unrecorded, section.read("on_record_failure", words, unrecorded));
    let [cert, key] = ["tls_cert", "tls_key"].map(|name| section.read(name, "the path of a PEM file", path));
    match (cert, key) {
        (Some(cert), Some(key)) => proxy.tls = Some((cert, key)),
        (None, None) => {}
        _ => section.fault("tls_cert and tls_key go together"),
    }
}

fn capture(section: &mut Section<'_>, proxy: &mut Proxy) {
    let words = "\"none\", \"preview\" or \"full\"";
    put(&mut proxy.capture.keep, section.read("capture", words, keep));
    put(&mut proxy.capture.secrets, section.read("redact", "true or false", secrets));
}

fn waits(section: &mut Section<'_>, proxy: &mut Proxy) {
    let Proxy { timeouts, backoff, breaker, queue, .. } = proxy;
    for (name, slot) in [
        ("connect_timeout", &mut timeouts.connect),
        ("first_token_timeout", &mut timeouts.first_byte),
        ("between_tokens_timeout", &mut timeouts.between),
        ("total_timeout", &mut timeouts.total),
    ] {
        put(slot, section.read(name, LENGTH, some_length));
    }
    for (name, slot) in [
        ("retry_base", &mut backoff.base),
        ("retry_cap", &mut backoff.cap),
        ("retry_after_limit", &mut backoff.longest),
        ("breaker_open", &mut breaker.open),
        ("queue_wait", &mut queue.longest),
        ("stall", &mut proxy.stall),
        ("grace", &mut proxy.grace),
    ] {
        put(slot, section.read(name, LENGTH, length));
    }
    let calls = section.read("queue", "how many calls may wait, at most 100000", |text| whole(text, (0, 100_000)));
    put(&mut queue.most, calls.and_then(|calls| usize::try_from(calls).ok()));
    put(&mut backoff.most, section.read("retries", "a whole number from 0 to 10", |text| whole(text, (0, 10))));
    put(
        &mut breaker.failures,
        section.read("breaker_failures", "a whole number, 0 for never", |text| whole(text, (0, 1_000))),
    );
    put(&mut proxy.retry_share, section.read("retry_budget", "a share of the calls such as \"20%\"", share));
}

/// Reads `[upstream.NAME]`.
pub(super) fn upstream(section: &mut Section<'_>, config: &mut Config) {
    let name = section.title().to_owned();
    let base = section.need("base_url", "a URL such as \"https://api.example.com/v1\"", base_url);
    let family = section.read("protocol", "\"openai\", \"anthropic\" or \"gemini\"", family);
    let provider = section.read("provider", "the name that prices know the provider by", self::name);
    let key_env = section.each("key_env", "the name of a variable of the environment", variable);
    // What is no path may be the key itself, which is not repeated.
    let no_path = |_| "no absolute path (a key itself does not belong here)".to_owned();
    let key_file = section.read("key_file", "the path of a file with a key", |text| path(text).map_err(no_path));
    let models = section.each("models", "names of models, * for any characters", pattern);
    let weight = section.read("weight", "a whole number from 1 to 1000", |text| whole(text, (1, 1_000)));
    let ask_for_usage = section.read("ask_for_usage", "true or false", switch);
    let is_name = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b));
    if !is_name {
        return section.fault("a name has letters, digits, and - _ . alone: it stands in /u/NAME/");
    }
    let Some(base) = base else { return };
    config.proxy.upstreams.push(Upstream {
        provider: provider.or_else(|| Some(name.clone())),
        name,
        base,
        family,
        key_env: key_env.unwrap_or_default(),
        key_file,
        models: models.unwrap_or_default(),
        weight: weight.unwrap_or(1),
        ask_for_usage: ask_for_usage.unwrap_or(true),
    });
}

/// Reads `[client.NAME]`.
pub(super) fn client(section: &mut Section<'_>, config: &mut Config) {
    let name = section.title().to_owned();
    let key = section.need("key_sha256", "the 64 digits that `llmtop key new` prints", sha256);
    let Some(key_sha256) = key else { return };
    config.proxy.clients.push(Client { name, key_sha256 });
}

/// Reads a `[[fallback]]`.
pub(super) fn fallback(section: &mut Section<'_>, config: &mut Config) {
    let model = section.need("model", "the name of a model, * for any characters", pattern);
    let words = "models, or upstreams and models, such as [\"gpt-4o-mini\", \"groq/llama-3.3-70b\"]";
    let to = section.each("to", words, |text| name(text).map(|text| next(&text, &config.proxy.upstreams)));
    let (Some(model), Some(to)) = (model, to) else {
        if !section.has("to") {
            section.fault(format!("to is missing; write {words}"));
        }
        return;
    };
    if let Some(same) = to.iter().find(|next| next.upstream.is_none() && model.as_str() == next.model) {
        return section.fault_at("to", &format!("{:?} cannot stand in for itself", same.model));
    }
    config.proxy.fallbacks.push(Fallback { model, to });
}

/// `upstream/model` where there is such an upstream: names of models have slashes too.
fn next(text: &str, upstreams: &[Upstream]) -> Next {
    let is_known = |name: &str| KNOWN.iter().any(|(known, ..)| *known == name);
    match text.split_once('/') {
        Some((name, model)) if is_known(name) || upstreams.iter().any(|upstream| upstream.name == name) => {
            Next { upstream: Some(name.to_owned()), model: model.to_owned() }
        }
        _ => Next { upstream: None, model: text.to_owned() },
    }
}

fn put<T>(slot: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *slot = value;
    }
}

fn put_some<T>(slot: &mut Option<T>, value: Option<T>) {
    if value.is_some() {
        *slot = value;
    }
}

fn address(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| format!("{text:?} is no address with a port"))
}

fn path(text: &str) -> Result<PathBuf, String> {
    let env: super::Env<'_> = &|name| std::env::var_os(name);
    let path = super::expand_home(text, env);
    if path.is_absolute() { Ok(path) } else { Err(format!("{text:?} means another place in every folder")) }
}

fn length(text: &str) -> Result<Duration, String> {
    let us = units::parse_duration_us(text).and_then(|us| u64::try_from(us).ok());
    us.map(Duration::from_micros).ok_or_else(|| format!("{text:?} is no length of time"))
}

/// No call is over in no time: who writes 0 means something else.
fn some_length(text: &str) -> Result<Duration, String> {
    let length = length(text)?;
    if length.is_zero() { Err(format!("{text:?} leaves no time")) } else { Ok(length) }
}

fn age(text: &str) -> Result<Option<i64>, String> {
    if text == "forever" {
        return Ok(None);
    }
    units::parse_duration_us(text).filter(|us| *us >= 0).map(Some).ok_or_else(|| format!("{text:?} is no age"))
}

fn size(text: &str) -> Result<u64, String> {
    units::parse_bytes(text).filter(|bytes| *bytes > 0).ok_or_else(|| format!("{text:?} is no size"))
}

fn whole(text: &str, (least, most): (u32, u32)) -> Result<u32, String> {
    let number = text.parse().ok().filter(|n| (least..=most).contains(n));
    number.ok_or_else(|| format!("{text:?} is no whole number from {least} to {most}"))
}

fn share(text: &str) -> Result<f64, String> {
    let share = match text.strip_suffix('%') {
        Some(percent) => percent.trim().parse::<f64>().map(|percent| percent / 100.0),
        None => text.parse(),
    };
    share
        .ok()
        .filter(|share| (0.0..=1.0).contains(share))
        .ok_or_else(|| format!("{text:?} is no share from 0% to 100%"))
}

fn name(text: &str) -> Result<String, String> {
    if text.trim().is_empty() { Err("empty".to_owned()) } else { Ok(text.trim().to_owned()) }
}

fn variable(text: &str) -> Result<String, String> {
    let is_name = text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') && !text.is_empty();
    if is_name {
        Ok(text.to_owned())
    } else {
        Err("no name of a variable (a key itself does not belong here)".to_owned())
    }
}

fn pattern(text: &str) -> Result<glob::Pattern, String> {
    glob::Pattern::new(text).map_err(|why| format!("{text:?}: {why}"))
}

fn switch(text: &str) -> Result<bool, String> {
    text.parse().map_err(|_| format!("{text:?} is neither true nor false"))
}

fn keep(text: &str) -> Result<Keep, String> {
    match text {
        "none" => Ok(Keep::Nothing),
        "preview" => Ok(Capture::default().keep),
        "full" => Ok(Keep::All),
        _ => Err(format!("no way to capture {text:?}{}", did_you_mean(text, ["none", "preview", "full"]))),
    }
}

fn secrets(text: &str) -> Result<Secrets, String> {
    switch(text).map(|redact| if redact { Secrets::Redacted } else { Secrets::AsTheyAre })
}

fn unrecorded(text: &str) -> Result<Unrecorded, String> {
    match text {
        "pass" => Ok(Unrecorded::Pass),
        "block" => Ok(Unrecorded::Block),
        _ => Err(format!("{text:?} is neither pass nor block")),
    }
}

/// A URL that calls can be put behind.
pub fn base_url(text: &str) -> Result<Uri, String> {
    // What stands before an @ may be a secret.
    if text.contains('@') {
        return Err("a URL with a name or a key in it is not called; key_env and key_file are for keys".to_owned());
    }
    let base: Uri = text.parse().map_err(|_| format!("{text:?} is no URL"))?;
    if !matches!(base.scheme_str(), Some("http" | "https")) || base.authority().is_none() {
        return Err(format!("{text:?} does not begin with https:// or http://"));
    }
    if base.query().is_some() {
        return Err(format!("{text:?} has more than a host and a path"));
    }
    Ok(base)
}

fn family(text: &str) -> Result<Family, String> {
    match text {
        "openai" => Ok(Family::OpenAi),
        "anthropic" => Ok(Family::Anthropic),
        "gemini" => Ok(Family::Gemini),
        _ => Err(format!("no protocol {text:?}{}", did_you_mean(text, ["openai", "anthropic", "gemini"]))),
    }
}

fn sha256(text: &str) -> Result<[u8; 32], String> {
    let mut hash = [0; 32];
    let is_hex = text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit());
    for (n, byte) in hash.iter_mut().enumerate() {
        let digits = text.get(2 * n..2 * n + 2).filter(|_| is_hex).unwrap_or("x");
        *byte = u8::from_str_radix(digits, 16).map_err(|_| "no 64 hexadecimal digits".to_owned())?;
    }
    if hash == crate::proxy::NO_KEY { Err("the hash of no key at all".to_owned()) } else { Ok(hash) }
}

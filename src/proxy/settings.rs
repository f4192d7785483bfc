//! What a gateway is told: plain data, valid when it gets here.

use super::backoff::Backoff;
use super::queue::Bounds;
use super::target::Live;
use crate::provider::{Family, Keep};
use crate::redact;
use http::{HeaderValue, Uri};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// The providers that are known by name: their protocol, and where they are.
pub const KNOWN: [(&str, Family, &str); 3] = [
    ("openai", Family::OpenAi, "https://api.openai.com"),
    ("anthropic", Family::Anthropic, "https://api.anthropic.com"),
    ("gemini", Family::Gemini, "https://generativelanguage.googleapis.com"),
];

/// Everything a gateway is told.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where it listens; port 0 is any free one.
    pub listen: SocketAddr,
    /// Whom it may call, in the order of the configuration.
    pub upstreams: Vec<Arc<Upstream>>,
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
    /// What to try where a model cannot be had; the first that fits counts.
    pub fallbacks: Vec<Fallback>,
    /// What to answer where everything has failed; `None` is the error.
    pub degraded: Option<String>,
    /// What of texts is written down.
    pub capture: Capture,
    /// The folder of its journal.
    pub journal: PathBuf,
    /// A segment of the journal is this long at most, bytes.
    pub segment: u64,
    /// What to do with calls that cannot be recorded.
    pub unrecorded: Unrecorded,
    /// A pause inside a stream that is longer than this is a stall.
    pub stall: Duration,
    /// How long streams may go on after it was told to stop.
    pub grace: Duration,
    /// What calls without a word of their own are of.
    pub app: Option<String>,
    /// Who may call; nobody is everybody.
    pub clients: Vec<Client>,
    /// Certificate and key of the listener, PEM; `None` is without TLS.
    pub tls: Option<(PathBuf, PathBuf)>,
}

/// Somebody who may call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Client {
    /// The name.
    pub name: String,
    /// The SHA-256 of the key.
    pub key_sha256: [u8; 32],
}

/// One upstream.
#[derive(Debug, Clone)]
pub struct Upstream {
    /// Its name, as in `/u/NAME/`.
    pub name: String,
    /// The provider, by the name prices know it by; `None` where nobody said.
    pub provider: Option<String>,
    /// Scheme, host and the path that stands before what is asked for.
    pub base: Uri,
    /// Whose calls come here where nothing else decides; `None` for those of every protocol.
    pub family: Option<Family>,
    /// The calls that come here without naming it.
    pub takes: Takes,
    /// The keys it is called with, in turn; without one that of the client goes up.
    pub keys: Vec<HeaderValue>,
    /// How many calls it takes beside others that take the same ones; at least 1.
    pub weight: u32,
    /// What goes on there.
    pub live: Arc<Live>,
}

impl Upstream {
    /// An upstream of every protocol, called with the clients' own keys.
    pub fn new(name: &str, base: Uri, live: Arc<Live>) -> Upstream {
        Upstream {
            name: name.to_owned(),
            provider: None,
            base,
            family: None,
            takes: Takes::Rest,
            keys: Vec::new(),
            weight: 1,
            live,
        }
    }
}

/// Which calls come to an upstream that they do not name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Takes {
    /// Those of its protocol that nobody else takes by their model.
    Rest,
    /// Those of these models.
    Models(Vec<glob::Pattern>),
    /// None.
    Nothing,
}

impl Takes {
    /// Whether it takes a model by its name.
    pub fn has(&self, model: &str) -> bool {
        matches!(self, Takes::Models(models) if models.iter().any(|pattern| pattern.matches(model)))
    }
}

/// What to try where a model cannot be had.
#[derive(Debug, Clone)]
pub struct Fallback {
    /// Of which models.
    pub model: glob::Pattern,
    /// What to try, one after the other.
    pub to: Vec<Next>,
}

/// One step of a chain of fallbacks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Next {
    /// The upstream; `None` is whoever has the model.
    pub upstream: Option<String>,
    /// The model, by the name it has there.
    pub model: String,
}

/// How long to wait for what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// For a connection.
    pub connect: Duration,
    /// From the request to the first byte of an answer.
    pub first_byte: Duration,
    /// Between two pieces of an answer.
    pub between: Duration,
    /// For the whole call.
    pub total: Duration,
}

impl Default for Timeouts {
    fn default() -> Timeouts {
        Timeouts {
            connect: Duration::from_secs(10),
            first_byte: Duration::from_secs(600),
            between: Duration::from_secs(300),
            total: Duration::from_secs(3600),
        }
    }
}

/// What of prompts and answers is written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capture {
    /// How much.
    pub keep: Keep,
    /// How secrets and personal data in it are written.
    pub secrets: Secrets,
}

/// How secrets and personal data are written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Secrets {
    /// By what they are, such as `[redacted:email]`.
    Redacted,
    /// As they are.
    AsTheyAre,
}

/// So many characters of a text tell how many there are to a token.
const SAMPLE: usize = 400;

impl Capture {
    /// What readers keep: more than is written, since secrets are taken out before it is cut.
    pub fn keep_more(&self) -> Keep {
        match (self.keep, self.secrets) {
            (Keep::All, _) => Keep::All,
            (Keep::Beginning(most), _) => Keep::Beginning(most.saturating_add(redact::MARGIN)),
            // An estimate of tokens needs a sample, of which nothing is written.
            (Keep::Nothing, _) => Keep::Beginning(SAMPLE),
        }
    }
}

impl Default for Capture {
    fn default() -> Capture {
        Capture { keep: Keep::Beginning(200), secrets: Secrets::Redacted }
    }
}

/// What to do with calls that cannot be recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Unrecorded {
    /// They go through, and the loss is told.
    #[default]
    Pass,
    /// They are refused.
    Block,
}

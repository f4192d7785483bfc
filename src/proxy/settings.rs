//! What a gateway is told: plain data, valid when it gets here.

use crate::provider::{Family, Keep};
use http::{HeaderValue, Uri};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

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
    /// The models that are sent here.
    pub models: Vec<glob::Pattern>,
    /// The key it is called with; without one that of the client goes up.
    pub key: Option<HeaderValue>,
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

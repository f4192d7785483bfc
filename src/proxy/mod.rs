//! The gateway: stands between applications and the providers of models, passes bytes on as they are, and makes one
//! `llm_call` of every call, in a journal that the pipeline reads like any log.

mod admin;
mod attempt;
pub mod backoff;
mod body;
pub mod breaker;
mod bucket;
mod chain;
mod client;
mod clients;
mod clock;
mod decode;
mod degrade;
mod exchange;
mod eye;
mod fair;
mod headers;
mod identity;
mod journal;
mod limit;
mod line;
mod link;
mod metrics;
mod pace;
mod pool;
pub mod queue;
mod record;
mod recorder;
mod refusal;
mod route;
mod server;
pub mod settings;
mod sliding;
mod step;
mod strip;
mod tap;
pub mod target;
mod throttle;
mod tls;
mod turns;
mod watch;
mod whole;

pub use clients::NO_KEY;
pub use journal::{EXTENSION, Journal, JournalError, PATTERN};
pub use recorder::Recorder;
pub use server::{Hand, Handed, assist, hand, serve};
pub use tls::{Certificate, new_key};

use crate::provider::Family;
use arc_swap::ArcSwap;
use backoff::RetryBudget;
use client::Upstreams;
use http::HeaderMap;
use http::request::Parts;
use refusal::{Kind, Refusal};
use settings::{Settings, Unrecorded};
use std::error::Error;
use std::io;
use std::sync::Arc;
use throttle::Throttle;

/// A gateway: what it was told, and what it holds.
pub struct Gateway {
    settings: Arc<ArcSwap<Settings>>,
    upstreams: Upstreams,
    recorder: Arc<Recorder>,
    retries: Arc<RetryBudget>,
    throttle: Arc<Throttle>,
    /// What bodies that are read whole may take in all.
    bodies: Arc<whole::Budget>,
}

impl Gateway {
    /// A gateway that records into `recorder`.
    ///
    /// # Errors
    /// Where the system's root certificates cannot be read.
    pub fn new(settings: Settings, recorder: Arc<Recorder>) -> io::Result<Arc<Gateway>> {
        let upstreams = client::client(settings.timeouts.connect)?;
        let throttle = Arc::new(Throttle::new(settings.queue));
        let retries = Arc::new(RetryBudget::new(settings.retry_share));
        let settings = Arc::new(ArcSwap::from_pointee(settings));
        Ok(Arc::new(Gateway { settings, upstreams, recorder, retries, throttle, bodies: Arc::default() }))
    }

    /// The same gateway for another thread: what it was told and what it knows is shared, its connections are not.
    ///
    /// # Errors
    /// Where the system's root certificates cannot be read.
    pub fn beside(&self) -> io::Result<Arc<Gateway>> {
        Ok(Arc::new(Gateway {
            settings: Arc::clone(&self.settings),
            upstreams: client::client(self.settings().timeouts.connect)?,
            recorder: Arc::clone(&self.recorder),
            retries: Arc::clone(&self.retries),
            throttle: Arc::clone(&self.throttle),
            bodies: Arc::clone(&self.bodies),
        }))
    }

    /// What it is told at present.
    pub fn settings(&self) -> Arc<Settings> {
        self.settings.load_full()
    }

    /// Tells it something else, for the calls from now on.
    pub fn tell(&self, settings: Settings) {
        self.recorder.heed(settings.capture, settings.app.clone());
        self.settings.store(Arc::new(settings));
    }

    /// Whether somebody may see its figures.
    fn may_see(&self, headers: &HeaderMap) -> bool {
        let settings = self.settings.load();
        settings.clients.is_empty() || clients::of(&settings.clients, headers, None).is_some()
    }

    /// Whether a call may pass at all, and as which client; `None` where everybody may call.
    fn admit(&self, settings: &Settings, head: &Parts, family: Family) -> Result<Option<String>, Refusal> {
        if settings.unrecorded == Unrecorded::Block
            && let Some(trouble) = self.recorder.trouble()
        {
            return Err(Refusal::new(family, Kind::Unrecorded, format!("calls cannot be recorded: {trouble}")));
        }
        if settings.clients.is_empty() {
            let has_keys = settings.upstreams.iter().any(|upstream| !upstream.keys.is_empty());
            if let Some(origin) = has_keys.then(|| headers::foreign_origin(&head.headers)).flatten() {
                let why =
                    format!("a page of {origin} may not use the keys of this proxy; give it one by [client.NAME]");
                return Err(Refusal::new(family, Kind::Forbidden, why));
            }
            return Ok(None);
        }
        match clients::of(&settings.clients, &head.headers, head.uri.query()) {
            Some(client) => Ok(Some(client.name.clone())),
            None => {
                let why = clients::refusal(&head.headers, head.uri.query());
                Err(Refusal::new(family, Kind::Unauthorized, why))
            }
        }
    }
}

/// An error with its causes, in one line.
fn causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(why) = cause {
        let more = why.to_string();
        if !text.ends_with(&more) {
            text.push_str(": ");
            text.push_str(&more);
        }
        cause = why.source();
    }
    text
}

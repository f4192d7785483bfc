//! The gateway: stands between applications and the providers of models, passes bytes on as they are, and makes one
//! `llm_call` of every call, in a journal that the pipeline reads like any log.

mod body;
mod client;
mod clock;
mod decode;
mod exchange;
mod eye;
mod headers;
mod identity;
mod journal;
mod line;
mod pace;
mod record;
mod recorder;
mod refusal;
mod route;
mod server;
pub mod settings;
mod strip;
mod tap;

pub use journal::{Journal, JournalError, PATTERN};
pub use recorder::Recorder;
pub use server::serve;

use client::Upstreams;
use settings::Settings;
use std::error::Error;
use std::io;
use std::sync::Arc;

/// A gateway: what it was told, and what it holds.
pub struct Gateway {
    settings: Settings,
    upstreams: Upstreams,
    recorder: Arc<Recorder>,
}

impl Gateway {
    /// A gateway that records into `recorder`.
    ///
    /// # Errors
    /// Where the system's root certificates cannot be read.
    pub fn new(settings: Settings, recorder: Arc<Recorder>) -> io::Result<Arc<Gateway>> {
        let upstreams = client::client(settings.timeouts.connect)?;
        Ok(Arc::new(Gateway { settings, upstreams, recorder }))
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

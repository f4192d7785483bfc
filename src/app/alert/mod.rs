//! Alerts at work: `lookout` asks the store and steps the engine, `courier` tells whoever is to be told (`command`,
//! `webhook`, `file`) on threads of its own. What the terminal is told goes by whoever owns it.

mod command;
mod courier;
mod file;
mod lookout;
mod sentry;
mod webhook;

pub use courier::Courier;
pub use lookout::{Found, Lookout, Now};
pub use sentry::{Reach, Sentry, signals_of};

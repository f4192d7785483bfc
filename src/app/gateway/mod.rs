//! The commands with a gateway: `proxy` and `run`. A gateway is a thread with sockets that writes a journal; what reads the
//! journal is the same feed as of any log.

mod feed;
mod proxy;
mod run;
mod serving;
mod settings;

pub use proxy::run as proxy;
pub use run::run;

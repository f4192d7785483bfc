//! The commands with a gateway: `proxy` and `run`. A gateway is a thread with sockets that writes a journal; what reads the
//! journal is the same feed as of any log.

mod feed;
pub mod keep;
mod key;
mod proxy;
mod run;
mod serving;
mod settings;
mod variables;

pub use key::new as new_key;
pub use proxy::run as proxy;
pub use run::run;

//! Alerts by HTTP: one POST of JSON. Redirects are not followed, and the address, which may be a secret, is never shown.

use super::courier::Failure;
use crate::alert::Address;
use std::time::Duration;
use ureq::Agent;

/// A client that waits for an answer at most so long.
pub(super) fn agent(limit: Duration) -> Agent {
    let config = Agent::config_builder()
        .timeout_global(Some(limit))
        .max_redirects(0)
        .max_redirects_will_error(false)
        .http_status_as_error(false)
        .user_agent(concat!("llmtop/", env!("CARGO_PKG_VERSION")));
    config.build().into()
}

/// Posts a body; `id` lets a receiver tell a repetition.
pub(super) fn post(agent: &Agent, to: &Address, body: &str, id: &str) -> Result<(), Failure> {
    let request = agent.post(&to.0).header("Content-Type", "application/json").header("Idempotency-Key", id);
    match request.send(body) {
        Ok(answer) => judge(to, answer.status().as_u16()),
        Err(error) => Err(Failure::passing(format!("{}: {}", to.host(), without(&error.to_string(), to)))),
    }
}

/// What a status says: a fault of the moment, or one of the request.
fn judge(to: &Address, status: u16) -> Result<(), Failure> {
    let host = to.host();
    match status {
        200..=299 => Ok(()),
        300..=399 => Err(Failure::lasting(format!("{host} leads elsewhere ({status}); give the address it leads to"))),
        408 | 425 | 429 | 500.. => Err(Failure::passing(format!("{host} answered {status}"))),
        _ => Err(Failure::lasting(format!("{host} answered {status}"))),
    }
}

/// A message without the address that may stand in it.
fn without(message: &str, to: &Address) -> String {
    message.replace(&to.0, to.host())
}

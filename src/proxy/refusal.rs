//! What the gateway answers itself, where it does not pass on what an upstream said.

use super::body::Reply;
use super::record::End;
use crate::event::FailureMode;
use crate::provider::{Family, refusal};
use http::header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use http::{Response, StatusCode};
use std::time::Duration;

/// Why there is no answer of an upstream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Something took too long; its name.
    Timeout(&'static str),
    /// Nobody could be reached; the word for why.
    Unreachable(&'static str),
    /// Everybody who could take it is left alone after failures; how long yet.
    Open(Duration),
    /// Too many wait already, or it would take too long; how long to stay away.
    QueueFull(Duration),
    /// A body longer than allowed.
    TooLarge,
    /// A request that is none.
    BadRequest,
    /// The client went away before its request was there.
    ClientLeft,
    /// The body did not come in time.
    SlowBody,
    /// No upstream of that name, or none that takes it.
    NoRoute,
    /// No key that is known here.
    Unauthorized,
    /// A web page of somewhere else asks.
    Forbidden,
    /// Something that is not passed on, such as a change of protocol.
    Unsupported,
    /// It could not be recorded, and what cannot be recorded does not pass.
    Unrecorded,
    /// The gateway is being stopped.
    Stopping,
}

impl Kind {
    /// The status that goes with it.
    pub fn status(self) -> StatusCode {
        match self {
            Kind::Timeout(_) => StatusCode::GATEWAY_TIMEOUT,
            Kind::Unreachable(_) => StatusCode::BAD_GATEWAY,
            Kind::QueueFull(_) => StatusCode::TOO_MANY_REQUESTS,
            Kind::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Kind::BadRequest | Kind::ClientLeft => StatusCode::BAD_REQUEST,
            Kind::SlowBody => StatusCode::REQUEST_TIMEOUT,
            Kind::NoRoute => StatusCode::NOT_FOUND,
            Kind::Unauthorized => StatusCode::UNAUTHORIZED,
            Kind::Forbidden => StatusCode::FORBIDDEN,
            Kind::Unsupported => StatusCode::NOT_IMPLEMENTED,
            Kind::Open(_) | Kind::Unrecorded | Kind::Stopping => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// Its word, for programs.
    pub fn word(self) -> &'static str {
        match self {
            Kind::Timeout(word) | Kind::Unreachable(word) => word,
            Kind::Open(_) => "upstream_left_alone",
            Kind::QueueFull(_) => "queue_full",
            Kind::TooLarge => "request_too_large",
            Kind::BadRequest => "bad_request",
            Kind::ClientLeft => "client_left",
            Kind::SlowBody => "timeout_request_body",
            Kind::NoRoute => "no_upstream",
            Kind::Unauthorized => "unknown_key",
            Kind::Forbidden => "foreign_origin",
            Kind::Unsupported => "not_supported",
            Kind::Unrecorded => "not_recorded",
            Kind::Stopping => "proxy_shutdown",
        }
    }

    fn mode(self) -> FailureMode {
        match self {
            Kind::Timeout(_) | Kind::SlowBody => FailureMode::Timeout,
            Kind::Unreachable(_) => FailureMode::Connection,
            Kind::Open(_) => FailureMode::Overloaded,
            Kind::Unrecorded => FailureMode::ServerError,
            Kind::QueueFull(_) => FailureMode::RateLimit,
            Kind::TooLarge | Kind::BadRequest | Kind::NoRoute | Kind::Unsupported => FailureMode::InvalidRequest,
            Kind::Unauthorized | Kind::Forbidden => FailureMode::Auth,
            Kind::Stopping | Kind::ClientLeft => FailureMode::Cancelled,
        }
    }
}

/// A refusal.
#[derive(Debug, Clone)]
pub struct Refusal {
    /// In whose words.
    pub family: Family,
    /// Why.
    pub kind: Kind,
    /// In words for people.
    pub message: String,
}

impl Refusal {
    /// A refusal for this reason.
    pub fn new(family: Family, kind: Kind, message: impl Into<String>) -> Refusal {
        Refusal { family, kind, message: message.into() }
    }

    /// How the call ends by it.
    pub fn end(&self) -> End {
        if self.kind == Kind::ClientLeft {
            return End::ClientLeft;
        }
        End::Refused { mode: self.kind.mode(), word: self.kind.word(), why: self.message.clone() }
    }

    /// The answer to the client.
    pub fn response(&self) -> Response<Reply> {
        let status = self.kind.status();
        let body = refusal::body(self.family, status.as_u16(), self.kind.word(), &format!("llmtop: {}", self.message));
        let mut response = Response::new(Reply::own(body));
        *response.status_mut() = status;
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let Kind::QueueFull(wait) | Kind::Open(wait) = self.kind {
            let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds.max(1)));
        }
        response
    }
}

/// The end of a stream that took too long, as an event of it.
pub fn event(family: Family, word: &str) -> Vec<u8> {
    refusal::event(family, StatusCode::GATEWAY_TIMEOUT.as_u16(), word, "llmtop: the upstream gave no answer in time")
}

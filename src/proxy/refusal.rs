//! What the gateway answers itself, where it does not pass on what an upstream said.

use super::body::Reply;
use super::record::End;
use super::route::Route;
use super::settings::Settings;
use crate::event::FailureMode;
use crate::provider::Family;
use http::{Response, StatusCode};

/// Why there is no answer of an upstream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Timeout(&'static str),
    Unreachable,
    TooLarge,
    BadRequest,
    NoRoute,
    Stopping,
}

impl Kind {
    pub fn status(self) -> StatusCode {
        match self {
            Kind::Timeout(_) => StatusCode::GATEWAY_TIMEOUT,
            Kind::Unreachable => StatusCode::BAD_GATEWAY,
            Kind::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Kind::BadRequest => StatusCode::BAD_REQUEST,
            Kind::NoRoute => StatusCode::NOT_FOUND,
            Kind::Stopping => StatusCode::SERVICE_UNAVAILABLE,
        }
    }
}

/// A refusal.
pub struct Refusal {
    pub family: Family,
    pub kind: Kind,
    pub message: String,
}

impl Refusal {
    pub fn new(family: Family, kind: Kind, message: impl Into<String>) -> Refusal {
        Refusal { family, kind, message: message.into() }
    }

    pub fn of_body(family: Family, kind: Kind, settings: &Settings) -> Refusal {
        Refusal::new(family, kind, format!("the body is longer than {} bytes", settings.max_body))
    }

    pub fn no_route(family: Family, route: &Route<'_>) -> Refusal {
        Refusal::new(family, Kind::NoRoute, format!("no upstream for {}", route.rest))
    }

    pub fn end(&self) -> End {
        match self.kind {
            Kind::Timeout(what) => End::Timeout(what),
            Kind::Unreachable => End::Unreachable(self.message.clone()),
            _ => End::Refused(FailureMode::InvalidRequest, self.message.clone()),
        }
    }

    pub fn response(&self) -> Response<Reply> {
        let mut response = Response::new(Reply::own(self.message.clone()));
        *response.status_mut() = self.kind.status();
        response
    }
}

pub fn event(_family: Family, word: &str) -> Vec<u8> {
    format!("data: {word}\n\n").into_bytes()
}

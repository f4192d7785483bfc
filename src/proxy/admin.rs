//! The gateway's own addresses: whether it lives, whether it is ready, its figures.

use super::body::Reply;
use super::metrics::{escaped, head};
use super::{Gateway, Unrecorded};
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{HeaderMap, Method, Response, StatusCode};
use std::fmt::Write;

/// The answer to one of its own addresses; `None` for all others. Its figures name models, upstreams and keys by their hashes:
/// where keys are asked for, they are for those who have one.
pub fn answer(gateway: &Gateway, method: &Method, path: &str, headers: &HeaderMap) -> Option<Response<Reply>> {
    if *method != Method::GET {
        return None;
    }
    match path {
        "/health" => Some(text(StatusCode::OK, "text/plain", "ok\n".to_owned())),
        "/ready" => Some(ready(gateway)),
        "/metrics" if !gateway.may_see(headers) => {
            Some(text(StatusCode::UNAUTHORIZED, "text/plain", "a client key is missing\n".to_owned()))
        }
        "/metrics" => Some(text(StatusCode::OK, "text/plain; version=0.0.4", metrics(gateway))),
        _ => None,
    }
}

fn text(status: StatusCode, kind: &'static str, body: String) -> Response<Reply> {
    let mut response = Response::new(Reply::own(body));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}

/// Ready is who takes calls, whatever becomes of them at upstreams: those are found well by calls alone.
fn ready(gateway: &Gateway) -> Response<Reply> {
    let settings = gateway.settings();
    if settings.unrecorded == Unrecorded::Block {
        gateway.recorder.look_again();
    }
    let why = match gateway.recorder.trouble() {
        _ if gateway.recorder.is_stopping() => Some("stopping".to_owned()),
        Some(trouble) if settings.unrecorded == Unrecorded::Block => {
            Some(format!("calls cannot be recorded: {trouble}"))
        }
        _ => None,
    };
    match why {
        None => text(StatusCode::OK, "text/plain", "ready\n".to_owned()),
        Some(why) => text(StatusCode::SERVICE_UNAVAILABLE, "text/plain", format!("{why}\n")),
    }
}

fn metrics(gateway: &Gateway) -> String {
    let mut out = String::with_capacity(8 << 10);
    gateway.recorder.metrics().write(&mut out);
    let (written, lost) = gateway.recorder.counts();
    for (name, kind, about, value) in [
        ("llmtop_proxy_recorded_total", "counter", "Calls written to the journal", written.to_string()),
        ("llmtop_proxy_unrecorded_total", "counter", "Calls that could not be written", lost.to_string()),
        ("llmtop_proxy_calls_in_flight", "gauge", "Calls under way", gateway.recorder.in_flight().to_string()),
    ] {
        head(&mut out, name, kind, about);
        let _ = writeln!(out, "{name} {value}");
    }
    gateway.throttle.write(&mut out);
    let settings = gateway.settings();
    head(&mut out, "llmtop_proxy_upstream_calls_in_flight", "gauge", "Calls under way at an upstream");
    for upstream in &settings.upstreams {
        let name = escaped(&upstream.name);
        let _ =
            writeln!(out, "llmtop_proxy_upstream_calls_in_flight{{upstream=\"{name}\"}} {}", upstream.live.in_flight());
    }
    head(
        &mut out,
        "llmtop_proxy_upstream_up",
        "gauge",
        "1 where calls go through, 0 where it is left alone after failures",
    );
    for upstream in &settings.upstreams {
        let (name, up) = (escaped(&upstream.name), u8::from(upstream.live.breaker.is_closed()));
        let _ = writeln!(out, "llmtop_proxy_upstream_up{{upstream=\"{name}\"}} {up}");
    }
    out
}

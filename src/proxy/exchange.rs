//! One client call from its head to the head of its answer: read, routed, sent, tried again where that helps, answered.

use super::body::{Outbound, Reply, Sent};
use super::client::Opened;
use super::eye::{self, Eye};
use super::pace::Pace;
use super::record::{End, Open, Record};
use super::refusal::{Kind, Refusal};
use super::settings::{Settings, Upstream};
use super::strip::Strip;
use super::tap::{self, Tap};
use super::{Gateway, clock, headers, identity, route};
use crate::provider::{Asked, Keep};
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderValue, Request, Response};
use http_body::Frame;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper_util::client::legacy::connect::capture_connection;
use std::sync::{Arc, OnceLock};
use std::time::Instant;

/// Answers a call, whatever comes of it.
pub async fn answer(gateway: Arc<Gateway>, request: Request<Incoming>) -> Response<Reply> {
    let (head, body) = request.into_parts();
    let request_id = headers::text(&head.headers, "x-llmtop-request-id").map(str::to_owned);
    let mut open = Open::new(Record::new(request_id), Arc::clone(&gateway.recorder));
    match exchange(&gateway, head, body, &mut open).await {
        Ok(answer) => answer.into_response(&gateway.settings, open),
        Err(refusal) => refuse(&mut open, &refusal),
    }
}

fn refuse(open: &mut Open, refusal: &Refusal) -> Response<Reply> {
    if let Some(record) = open.record() {
        record.status = Some(refusal.kind.status().as_u16());
    }
    open.finish(&refusal.end());
    refusal.response()
}

/// An answer whose head is there.
struct Landed {
    head: http::response::Parts,
    body: Incoming,
    first: Option<Frame<Bytes>>,
    strip: Option<Strip>,
    until: Instant,
    keep: Keep,
}

/// A request that is ready to go.
struct Ready {
    head: Parts,
    body: Body,
    /// What of the answer was asked for by the gateway alone.
    strip: Option<Strip>,
    rest: String,
}

enum Body {
    Whole(Bytes),
    Passing(Incoming),
}

async fn exchange(gateway: &Gateway, head: Parts, body: Incoming, open: &mut Open) -> Result<Landed, Refusal> {
    let settings = &gateway.settings;
    let target = head.uri.path_and_query().map_or("/", |path| path.as_str()).to_owned();
    let route = route::of(&head.method, &target, &head.headers);
    let family = route.family;
    let Some(record) = open.record() else { return Err(Refusal::new(family, Kind::Stopping, "already over")) };
    record.provider = route.provider;
    let body = match route.provider {
        Some(provider) => {
            let bytes =
                whole(body, settings.max_body).await.map_err(|kind| Refusal::of_body(family, kind, settings))?;
            record.request_bytes = bytes.len() as u64;
            record.asked = provider.asked(route.rest, &bytes, settings.capture.keep);
            Body::Whole(bytes)
        }
        None => {
            record.target = Some(format!("{} {}", head.method, route.rest.split('?').next().unwrap_or_default()));
            Body::Passing(body)
        }
    };
    record.identity = identity::of(&head.headers, &record.asked);
    let Some(upstream) = route::choose(&settings.upstreams, &route, record.asked.model.as_deref()) else {
        return Err(Refusal::no_route(family, &route));
    };
    let rest = route.rest.to_owned();
    let ready = Ready { head, body, strip: None, rest };
    send(gateway, upstream, ready, record).await.map_err(|failure| failure.refusal(family))
}

/// The whole body of a request.
async fn whole(body: Incoming, most: usize) -> Result<Bytes, Kind> {
    if body_is_over(&body, most) {
        return Err(Kind::TooLarge);
    }
    let collected = Limited::new(body, most).collect().await;
    collected.map(|body| body.to_bytes()).map_err(|why| match why.downcast_ref::<LengthLimitError>() {
        Some(_) => Kind::TooLarge,
        None => Kind::BadRequest,
    })
}

fn body_is_over(body: &Incoming, most: usize) -> bool {
    http_body::Body::size_hint(body).lower() > most as u64
}

/// A try that came to nothing.
enum Failure {
    Unreachable(String),
    Timeout(&'static str),
    Address(String),
}

impl Failure {
    fn refusal(self, family: crate::provider::Family) -> Refusal {
        match self {
            Failure::Unreachable(why) => Refusal::new(family, Kind::Unreachable, why),
            Failure::Timeout(what) => Refusal::new(family, Kind::Timeout(what), "the upstream gave no answer in time"),
            Failure::Address(why) => Refusal::new(family, Kind::BadRequest, why),
        }
    }
}

/// One try.
async fn send(
    gateway: &Gateway,
    upstream: &Arc<Upstream>,
    ready: Ready,
    record: &mut Record,
) -> Result<Landed, Failure> {
    let settings = &gateway.settings;
    let began = clock::now();
    record.upstream = Some(Arc::clone(upstream));
    record.phases.tried = Some(began);
    let until = record.started.checked_add(settings.timeouts.total).unwrap_or(began);
    let sent: Sent = Arc::new(OnceLock::new());
    let strip = ready.strip;
    let mut request = request(upstream, ready.head, ready.body, &ready.rest, settings, &sent)?;
    let connection = capture_connection(&mut request);
    let within = settings.timeouts.first_byte.min(until.saturating_duration_since(began));
    let response = tokio::time::timeout(within, gateway.upstreams.request(request)).await;
    note_connection(record, &connection, began);
    record.phases.sent = sent.get().copied();
    let response = response.map_err(|_| Failure::Timeout("timeout_first_byte"))?;
    let response = response.map_err(|why| Failure::Unreachable(super::causes(&why)))?;
    record.phases.first_byte = Some(clock::now());
    let (head, mut body) = response.into_parts();
    record.status = Some(head.status.as_u16());
    record.provider_request_id = provider_request_id(&head.headers);
    let first = match record.provider {
        Some(_) => first_frame(&mut body, settings, until).await?,
        None => None,
    };
    let keep = settings.capture.keep;
    Ok(Landed { head, body, first, strip, until, keep })
}

fn request(
    upstream: &Upstream,
    head: Parts,
    body: Body,
    rest: &str,
    settings: &Settings,
    sent: &Sent,
) -> Result<Request<Outbound>, Failure> {
    let address = |why: &dyn std::error::Error| Failure::Address(format!("{rest}: {}", super::causes(why)));
    let uri = route::address(&upstream.base, rest).map_err(|why| address(&why))?;
    let host = uri.authority().map_or("", |authority| authority.as_str());
    let host = HeaderValue::from_str(host).map_err(|why| address(&why))?;
    let body = match body {
        Body::Whole(bytes) => Outbound::whole(bytes, Arc::clone(sent)),
        Body::Passing(body) => Outbound::Passing { body, left: settings.max_body, sent: Arc::clone(sent) },
    };
    let mut request = Request::new(body);
    *request.method_mut() = head.method;
    *request.uri_mut() = uri;
    *request.headers_mut() = head.headers;
    // The spelling of the names goes on too.
    *request.extensions_mut() = head.extensions;
    headers::to_upstream(request.headers_mut(), &host, upstream.key.as_ref());
    Ok(request)
}

/// The time that a call waited for its connection; none where one was there.
fn note_connection(
    record: &mut Record,
    connection: &hyper_util::client::legacy::connect::CaptureConnection,
    began: Instant,
) {
    let metadata = connection.connection_metadata();
    let Some(connected) = metadata.as_ref() else { return };
    let mut extensions = http::Extensions::new();
    connected.get_extras(&mut extensions);
    if let Some(opened) = extensions.get::<Opened>()
        && opened.done > began
    {
        record.phases.connect_us = clock::micros(opened.done.saturating_duration_since(opened.begun.max(began)));
    }
}

/// The provider's own id of a call.
fn provider_request_id(headers: &http::HeaderMap) -> Option<String> {
    const NAMES: [&str; 4] = ["x-request-id", "request-id", "apim-request-id", "x-generation-id"];
    NAMES.iter().find_map(|name| headers::text(headers, name)).map(str::to_owned)
}

/// The first piece of an answer: until it is there the call can be tried again.
async fn first_frame(
    body: &mut Incoming,
    settings: &Settings,
    until: Instant,
) -> Result<Option<Frame<Bytes>>, Failure> {
    let within = settings.timeouts.first_byte.min(until.saturating_duration_since(clock::now()));
    match tokio::time::timeout(within, body.frame()).await {
        Err(_) => Err(Failure::Timeout("timeout_first_byte")),
        Ok(None) => Ok(None),
        Ok(Some(Ok(frame))) => Ok(Some(frame)),
        Ok(Some(Err(why))) => Err(Failure::Unreachable(super::causes(&why))),
    }
}

impl Landed {
    fn into_response(self, settings: &Settings, mut open: Open) -> Response<Reply> {
        let Landed { mut head, body, first, strip, until, keep } = self;
        head.version = http::Version::default();
        headers::strip_hop_by_hop(&mut head.headers);
        let provider = open.record().and_then(|record| record.provider);
        let eye = Eye::new(provider, &head.headers, keep);
        let strip = strip.filter(|_| eye::is_event_stream(&head.headers));
        if strip.is_some() {
            head.headers.remove(http::header::CONTENT_LENGTH);
        }
        let pace = Pace::new(settings.timeouts.between, until);
        let parts = tap::Parts { inner: body, first, open, eye, strip, pace, stall: settings.stall, held: Vec::new() };
        Response::from_parts(head, Reply::Tapped(Box::new(Tap::new(parts))))
    }
}

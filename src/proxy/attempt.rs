//! One try of a call at one target: sent, waited for, and looked at far enough to tell whether another may help.

use super::body::{Outbound, Sent};
use super::client::Opened;
use super::decode::Decoder;
use super::headers::Key;
use super::record::Record;
use super::settings::Settings;
use super::strip::Strip;
use super::tap::Held;
use super::target::Target;
use super::{Gateway, clock, headers, route};
use crate::provider::{ApiError, Keep, Provider, retry, splice};
use bytes::Bytes;
use http::header::CONTENT_LENGTH;
use http::request::Parts;
use http::{HeaderValue, Request};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper_util::client::legacy::connect::{CaptureConnection, capture_connection};
use std::collections::VecDeque;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

/// A request that can be sent more than once.
pub struct Call {
    /// Its head, as it came.
    pub head: Parts,
    /// Its body.
    pub body: Bytes,
    /// Path and query of what is asked for.
    pub rest: String,
    /// Its protocol.
    pub provider: &'static dyn Provider,
    /// Whether its stream says how much it was only where somebody asks.
    pub lacks_usage: bool,
    /// When it has to be over.
    pub until: Instant,
}

/// An answer whose head is there.
pub struct Landed {
    /// Status and headers.
    pub head: http::response::Parts,
    /// When it came.
    pub since: Instant,
    /// What of the body has come already.
    pub first: VecDeque<Bytes>,
    /// The rest.
    pub body: Incoming,
    /// What takes out of it what the client did not ask for.
    pub strip: Option<Strip>,
    /// What is wrong with it, where another try may help.
    pub trouble: Option<Trouble>,
    /// What is given back at its end.
    pub held: Held,
}

/// What may be mended by another try.
#[derive(Debug, Clone, Default)]
pub struct Trouble {
    /// The error in the provider's words.
    pub error: ApiError,
    /// How long the provider asks to wait, µs.
    pub after_us: Option<u64>,
}

/// A try that came to nothing.
#[derive(Debug, Clone)]
pub enum Failure {
    /// No connection, or none that held.
    Unreachable(String),
    /// No answer in time; what took too long.
    Timeout(&'static str),
    /// An address or header that is none.
    Invalid(String),
}

/// An error's body is looked at as far as this, bytes.
const MOST_ERROR: usize = 256 << 10;

/// And no longer than this.
const ERROR_WITHIN: Duration = Duration::from_secs(10);

/// Sends a call, under another model's name where one is given.
///
/// # Errors
/// Where there is no answer.
pub async fn send(
    gateway: &Gateway,
    settings: &Settings,
    target: &Target,
    (call, model): (&Call, Option<&str>),
    record: &mut Record,
) -> Result<Landed, Failure> {
    let (body, rest) = renamed(call, model);
    let asks = call.lacks_usage && target.upstream.live.tells_usage();
    let asking = asks.then(|| splice::ask_for_usage(&body)).flatten();
    let strip = asking.as_ref().map(|_| Strip::default());
    let sent: Sent = Arc::new(OnceLock::new());
    let body = asking.map_or(body, Bytes::from);
    let len = body.len();
    let outbound = Outbound::whole(body, Arc::clone(&sent));
    let mut request = request(target, &call.head, outbound, (&rest, record))?;
    if strip.is_some() {
        headers::ask_for_plain(request.headers_mut());
    }
    // Without one the length is told by the body.
    if request.headers().contains_key(CONTENT_LENGTH) {
        request.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(len));
    }
    let mut landed = exchange(gateway, settings, request, (&sent, call.until), record).await?;
    landed.strip = strip;
    look(settings, call, &mut landed).await?;
    Ok(landed)
}

/// Passes on a request whose body comes as it comes: once, and nothing of it is looked at.
///
/// # Errors
/// Where there is no answer.
pub async fn pass(
    gateway: &Gateway,
    settings: &Settings,
    target: &Target,
    (head, body, rest): (Parts, Incoming, &str),
    record: &mut Record,
) -> Result<Landed, Failure> {
    let until = record.started.checked_add(settings.timeouts.total).unwrap_or(record.started);
    let sent: Sent = Arc::new(OnceLock::new());
    let outbound = Outbound::Passing { body, left: settings.max_body, sent: Arc::clone(&sent) };
    let request = request(target, &head, outbound, (rest, record))?;
    exchange(gateway, settings, request, (&sent, until), record).await
}

fn renamed(call: &Call, model: Option<&str>) -> (Bytes, String) {
    let Some(model) = model else { return (call.body.clone(), call.rest.clone()) };
    let body = splice::rename_model(&call.body, model).map_or_else(|| call.body.clone(), Bytes::from);
    let rest = splice::rename_model_in_path(&call.rest, model).unwrap_or_else(|| call.rest.clone());
    (body, rest)
}

fn request(
    target: &Target,
    head: &Parts,
    body: Outbound,
    (rest, record): (&str, &Record),
) -> Result<Request<Outbound>, Failure> {
    let invalid = |why: &dyn std::error::Error| Failure::Invalid(format!("{rest}: {}", super::causes(why)));
    let uri = route::address(&target.upstream.base, rest).map_err(|why| invalid(&why))?;
    let host = uri.authority().map_or("", |authority| authority.as_str());
    let host = HeaderValue::from_str(host).map_err(|why| invalid(&why))?;
    let mut request = Request::new(body);
    *request.method_mut() = head.method.clone();
    *request.uri_mut() = uri;
    *request.headers_mut() = head.headers.clone();
    // The spelling of the names goes on too.
    *request.extensions_mut() = head.extensions.clone();
    let key = match (target.key(), &record.client) {
        (Some(key), _) => Key::Own(key),
        // A key to the gateway is none of the upstream's.
        (None, Some(_)) => Key::Nothing,
        (None, None) => Key::Clients,
    };
    headers::to_upstream(request.headers_mut(), &host, key);
    Ok(request)
}

async fn exchange(
    gateway: &Gateway,
    settings: &Settings,
    mut request: Request<Outbound>,
    (sent, until): (&Sent, Instant),
    record: &mut Record,
) -> Result<Landed, Failure> {
    let began = clock::now();
    record.phases.tried.get_or_insert(began);
    let connection = capture_connection(&mut request);
    let within = settings.timeouts.first_byte.min(until.saturating_duration_since(began));
    let response = tokio::time::timeout(within, gateway.upstreams.request(request)).await;
    record.phases.connect_us = waited_for(&connection, began);
    record.phases.sent = sent.get().copied();
    let response = response.map_err(|_| Failure::Timeout("timeout_first_byte"))?;
    let response = response.map_err(|why| failure(&why))?;
    let since = clock::now();
    record.phases.first_byte = Some(since);
    let (head, body) = response.into_parts();
    record.status = Some(head.status.as_u16());
    record.provider_request_id = provider_request_id(&head.headers);
    Ok(Landed { head, since, first: VecDeque::new(), body, strip: None, trouble: None, held: Vec::new() })
}

fn failure(why: &hyper_util::client::legacy::Error) -> Failure {
    let text = super::causes(why);
    if why.is_connect() && text.contains("no connection within") {
        Failure::Timeout("timeout_connect")
    } else {
        Failure::Unreachable(text)
    }
}

/// How long a call waited for its connection, µs; 0 where one was there.
fn waited_for(connection: &CaptureConnection, began: Instant) -> u64 {
    let metadata = connection.connection_metadata();
    let Some(connected) = metadata.as_ref() else { return 0 };
    let mut extensions = http::Extensions::new();
    connected.get_extras(&mut extensions);
    let opened = extensions.get::<Opened>().filter(|opened| opened.done > began);
    opened.map_or(0, |opened| clock::micros(opened.done.saturating_duration_since(opened.begun.max(began))))
}

/// The provider's own id of a call.
fn provider_request_id(headers: &http::HeaderMap) -> Option<String> {
    const NAMES: [&str; 4] = ["x-request-id", "request-id", "apim-request-id", "x-generation-id"];
    NAMES.iter().find_map(|name| headers::text(headers, name)).map(str::to_owned)
}

/// Waits for the first piece of an answer, of an error for all of it: until then another try is possible.
async fn look(settings: &Settings, call: &Call, landed: &mut Landed) -> Result<(), Failure> {
    let status = landed.head.status;
    if status.is_success() {
        let now = landed.since;
        let within = settings.timeouts.first_byte.min(call.until.saturating_duration_since(now));
        return piece(landed, within).await.map(|_| ());
    }
    let mut seen = 0;
    while seen < MOST_ERROR && !hyper::body::Body::is_end_stream(&landed.body) {
        match piece(landed, ERROR_WITHIN).await? {
            Some(len) => seen += len,
            None => break,
        }
    }
    let error = error_of(call, landed);
    if retry::may_help(status, &landed.head.headers, error.as_ref()) {
        let after_us = retry::after_us(&landed.head.headers, error.as_ref(), clock::now_us());
        landed.trouble = Some(Trouble { error: error.unwrap_or_default(), after_us });
    } else if landed.strip.is_some() && refuses_usage(landed, error.as_ref()) {
        landed.trouble = Some(Trouble { error: error.unwrap_or_default(), after_us: Some(0) });
    }
    Ok(())
}

/// Whether an upstream does not know the question for usage.
pub fn refuses_usage(landed: &Landed, error: Option<&ApiError>) -> bool {
    let says =
        error.and_then(|error| error.message.as_deref()).is_some_and(|message| message.contains("stream_options"));
    matches!(landed.head.status.as_u16(), 400 | 422) && says
}

/// The next piece of a body, added to those that have come; how long it is, `None` at the end.
async fn piece(landed: &mut Landed, within: Duration) -> Result<Option<usize>, Failure> {
    match tokio::time::timeout(within, landed.body.frame()).await {
        Err(_) => Err(Failure::Timeout("timeout_first_byte")),
        Ok(None) => Ok(None),
        Ok(Some(Err(why))) => Err(Failure::Unreachable(super::causes(&why))),
        Ok(Some(Ok(frame))) => {
            let data = frame.into_data().unwrap_or_default();
            let len = data.len();
            landed.first.push_back(data);
            Ok(Some(len))
        }
    }
}

fn error_of(call: &Call, landed: &Landed) -> Option<ApiError> {
    let (mut decoder, mut body) = (Decoder::of(&landed.head.headers), Vec::new());
    for piece in &landed.first {
        decoder.push(piece, &mut |bytes| body.extend_from_slice(bytes));
    }
    let mut reader = call.provider.reader(Keep::Nothing);
    reader.body(&body);
    reader.answer().error.clone()
}

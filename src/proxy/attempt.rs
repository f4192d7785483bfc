//! One try of a call at one target: sent, waited for, and looked at far enough to tell whether another may help.

use super::body::{BrokeOff, Outbound, Sent, TooLong};
use super::client::{ConnectTimeout, Unanswered};
use super::decode::Decoder;
use super::headers::Key;
use super::link::Inbound;
use super::pace::Late;
use super::record::Record;
use super::refusal::{Kind, Refusal};
use super::settings::Settings;
use super::strip::Strip;
use super::tap::Held;
use super::target::Target;
use super::whole::{Whole, of_break};
use super::{Gateway, clients, clock, headers, identity, route};
use crate::provider::{ApiError, Family, Keep, Provider, retry, splice};
use bytes::Bytes;
use http::header::CONTENT_LENGTH;
use http::request::Parts;
use http::{HeaderName, HeaderValue, Request};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use std::collections::VecDeque;
use std::error::Error;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

/// A request that can be sent more than once.
pub struct Call {
    /// Its head, as it came.
    pub head: Parts,
    /// Its body.
    pub body: Whole,
    /// Path and query of what is asked for.
    pub rest: String,
    /// Its protocol.
    pub provider: &'static dyn Provider,
    /// Whether its stream says how much it was only where somebody asks.
    pub lacks_usage: bool,
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
    pub body: Inbound,
    /// What takes out of it what the client did not ask for.
    pub strip: Option<Strip>,
    /// What is wrong with it, where another try may help.
    pub trouble: Option<Trouble>,
    /// What is given back at its end.
    pub held: Held,
    /// When the model has to have begun to speak.
    pub first_by: Instant,
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
    /// No connection, or none that held: the word for it, and why.
    Unreachable(&'static str, String),
    /// No answer in time; what took too long.
    Timeout(&'static str),
    /// The client's own fault, of which the upstream knows nothing.
    Client(Kind, String),
}

impl Failure {
    /// Why there is no answer, in the words of a family.
    pub fn refusal(self, family: Family) -> Refusal {
        match self {
            Failure::Unreachable(word, why) => Refusal::new(family, Kind::Unreachable(word), why),
            Failure::Timeout(what) => Refusal::new(family, Kind::Timeout(what), "the upstream gave no answer in time"),
            Failure::Client(kind, why) => Refusal::new(family, kind, why),
        }
    }

    /// The same as what a try says of itself.
    pub fn error(&self) -> ApiError {
        let (word, why) = match self {
            Failure::Unreachable(word, why) => (*word, why.as_str()),
            Failure::Timeout(what) => (*what, "no answer in time"),
            Failure::Client(kind, why) => (kind.word(), why.as_str()),
        };
        ApiError { kind: Some(word.to_owned()), message: Some(why.to_owned()), ..ApiError::default() }
    }
}

/// What a try is to be.
#[derive(Debug, Clone, Copy)]
pub struct How<'a> {
    /// The model to ask for; `None` is the one that the call names.
    pub model: Option<&'a str>,
    /// Whether usage may be asked for.
    pub asks_usage: bool,
}

/// An error's body is looked at as far as this, bytes.
const MOST_ERROR: usize = 256 << 10;

/// And in all no longer than this: then what has come goes on.
const ERROR_WITHIN: Duration = Duration::from_secs(10);

/// Sends a call, under another model's name where one is given.
///
/// # Errors
/// Where there is no answer.
pub async fn send(
    gateway: &Gateway,
    settings: &Settings,
    target: &Target,
    (call, how): (&Call, How<'_>),
    record: &mut Record,
) -> Result<Landed, Failure> {
    let (body, rest) = renamed(call, how.model)?;
    let asks = call.lacks_usage && how.asks_usage && target.upstream.live.tells_usage(clock::now());
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
    let first_by = first_by(settings, record);
    let mut landed = exchange(gateway, request, (&sent, first_by), record).await?;
    landed.strip = strip;
    look(call, &mut landed, (first_by, record.until)).await?;
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
    let sent: Sent = Arc::new(OnceLock::new());
    let outbound = Outbound::Passing { body, left: settings.max_body, sent: Arc::clone(&sent) };
    let request = request(target, &head, outbound, (rest, record))?;
    let first_by = first_by(settings, record);
    let mut landed = exchange(gateway, request, (&sent, first_by), record).await?;
    if sent.get().is_none() {
        landed.body.part();
    }
    Ok(landed)
}

/// When the first of an answer has to be there, and what is late if it is not.
fn first_by(settings: &Settings, record: &Record) -> (Instant, &'static str) {
    let by = clock::now().checked_add(settings.timeouts.first_byte).unwrap_or(record.until);
    if record.until <= by { (record.until, Late::Total.word()) } else { (by, "timeout_first_byte") }
}

/// Body and path with another model, wherever it stands.
fn renamed(call: &Call, model: Option<&str>) -> Result<(Bytes, String), Failure> {
    let body = &call.body.bytes;
    let Some(model) = model else { return Ok((body.clone(), call.rest.clone())) };
    let renamed = splice::rename_model(body, model).map(Bytes::from);
    let rest = splice::rename_model_in_path(&call.rest, model);
    let is_in_path = splice::rename_model_in_path(&call.rest, "any").is_some();
    // Under its old name it would ask for what has failed already.
    if (is_in_path && rest.is_none()) || (!is_in_path && renamed.is_none()) {
        let why = format!("the call names its model where {model:?} cannot stand");
        return Err(Failure::Client(Kind::NoRoute, why));
    }
    Ok((renamed.unwrap_or_else(|| body.clone()), rest.unwrap_or_else(|| call.rest.clone())))
}

fn request(
    target: &Target,
    head: &Parts,
    body: Outbound,
    (rest, record): (&str, &Record),
) -> Result<Request<Outbound>, Failure> {
    let invalid = |why: &dyn Error| Failure::Client(Kind::BadRequest, format!("{rest}: {}", super::causes(why)));
    let rest = if target.key().is_some() { clients::without_key(rest) } else { rest.to_owned() };
    let uri = route::address(&target.upstream.base, &rest).map_err(|why| invalid(&why))?;
    let mut request = Request::new(body);
    *request.method_mut() = head.method.clone();
    *request.uri_mut() = uri;
    *request.headers_mut() = head.headers.clone();
    // The spelling of the names goes on too.
    *request.extensions_mut() = head.extensions.clone();
    let spoken = record.provider.map(|provider| provider.family());
    let spoken = spoken.unwrap_or_else(|| route::family_of(&rest, &head.headers));
    let key = match (target.key(), &record.client) {
        (Some(key), _) => Key::Own { key, of: target.upstream.family, spoken },
        (None, None) if record.is_home(&target.upstream) => Key::Clients,
        // A key to the gateway is none of the upstream's, nor is one to another.
        _ => Key::Nothing,
    };
    headers::to_upstream(request.headers_mut(), key);
    Ok(request)
}

async fn exchange(
    gateway: &Gateway,
    request: Request<Outbound>,
    (sent, (by, late)): (&Sent, (Instant, &'static str)),
    record: &mut Record,
) -> Result<Landed, Failure> {
    let began = clock::now();
    if record.phases.tried.is_none() {
        record.phases.tried = Some(began);
        record.phases.queue_before_us = record.phases.queue_us;
    }
    let in_flight = record.upstream.as_ref().map_or(0, |upstream| upstream.live.in_flight().saturating_sub(1));
    let mut opened = None;
    let sending = gateway.upstreams.send(request, in_flight, &mut opened);
    let response = tokio::time::timeout_at(by.into(), sending).await;
    record.phases.connect_us = opened.map_or(0, clock::micros);
    record.phases.sent = sent.get().copied();
    let response = response.map_err(|_| Failure::Timeout(late))?;
    let response = response.map_err(|why| failure(&why))?;
    let since = clock::now();
    record.phases.first_byte = Some(since);
    let (head, body) = response.into_parts();
    record.status = Some(head.status.as_u16());
    record.provider_request_id = provider_request_id(&head.headers);
    Ok(Landed { head, since, first: VecDeque::new(), body, strip: None, trouble: None, held: Vec::new(), first_by: by })
}

fn failure(why: &Unanswered) -> Failure {
    let mut cause: Option<&(dyn Error + 'static)> = Some(why);
    while let Some(error) = cause {
        if error.is::<TooLong>() {
            return Failure::Client(Kind::TooLarge, error.to_string());
        }
        if let Some(broken) = error.downcast_ref::<BrokeOff>() {
            return Failure::Client(of_break(broken), error.to_string());
        }
        if error.is::<ConnectTimeout>() {
            return Failure::Unreachable("timeout_connect", error.to_string());
        }
        cause = error.source();
    }
    Failure::Unreachable(UNREACHABLE, super::causes(why))
}

/// The word for an upstream that could not be reached, or did not hold.
const UNREACHABLE: &str = "upstream_unreachable";

/// The provider's own id of a call.
fn provider_request_id(headers: &http::HeaderMap) -> Option<String> {
    const NAMES: [HeaderName; 4] = [
        HeaderName::from_static("x-request-id"),
        HeaderName::from_static("request-id"),
        HeaderName::from_static("apim-request-id"),
        HeaderName::from_static("x-generation-id"),
    ];
    NAMES.iter().find_map(|name| identity::id(headers, name))
}

/// Waits for the first piece of an answer, of an error for all of it: until then another try is possible.
async fn look(
    call: &Call,
    landed: &mut Landed,
    ((first_by, late), until): ((Instant, &'static str), Instant),
) -> Result<(), Failure> {
    let status = landed.head.status;
    if status.is_success() {
        return match tokio::time::timeout_at(first_by.into(), piece(landed)).await {
            Ok(came) => came.map(|_| ()),
            Err(_) => Err(Failure::Timeout(late)),
        };
    }
    let until = clock::now().checked_add(ERROR_WITHIN).map_or(until, |by| by.min(until));
    let mut seen = 0;
    while seen < MOST_ERROR && !hyper::body::Body::is_end_stream(&landed.body) {
        match tokio::time::timeout_at(until.into(), piece(landed)).await {
            Ok(came) => match came? {
                Some(len) => seen += len,
                None => break,
            },
            // What has come is more than nothing.
            Err(_) => break,
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
async fn piece(landed: &mut Landed) -> Result<Option<usize>, Failure> {
    match landed.body.frame().await {
        None => Ok(None),
        Some(Err(why)) => Err(Failure::Unreachable(UNREACHABLE, super::causes(&why))),
        Some(Ok(frame)) => {
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

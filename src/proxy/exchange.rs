//! One client call from its head to the head of its answer: read, routed, sent on its way, answered.

use super::attempt::{self, Call, Failure, Landed};
use super::body::Reply;
use super::eye::{self, Eye};
use super::identity::{self, Identity};
use super::pace::Pace;
use super::record::{End, Open, Record};
use super::refusal::{Kind, Refusal};
use super::route::{self, Route};
use super::settings::Settings;
use super::tap::{self, Tap};
use super::watch::Watched;
use super::{Gateway, chain, clients, clock, degrade, headers, step, target, whole};
use crate::event::Outcome;
use crate::provider::{Family, Provider};
use http::request::Parts;
use http::{HeaderName, Request, Response, StatusCode};
use hyper::body::Incoming;
use std::sync::Arc;
use std::time::Duration;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-llmtop-request-id");

/// Answers a call, whatever comes of it.
pub async fn answer(gateway: Arc<Gateway>, request: Request<Incoming>) -> Response<Reply> {
    let (head, body) = request.into_parts();
    let settings = gateway.settings();
    let request_id = identity::id(&head.headers, &REQUEST_ID);
    let mut record = Record::new(request_id);
    record.until = record.started.checked_add(settings.timeouts.total).unwrap_or(record.until);
    let mut open = Open::new(record, Arc::clone(&gateway.recorder));
    match exchange(&gateway, &settings, head, body, &mut open).await {
        Ok(landed) if landed.trouble.is_some() => last_words(&settings, landed, open),
        Ok(landed) => respond(&settings, landed, open),
        Err(refusal) => refuse(&settings, &mut open, &refusal),
    }
}

/// An answer that no other try has bettered: the configured one, else what the upstream said.
fn last_words(settings: &Settings, landed: Landed, mut open: Open) -> Response<Reply> {
    let degraded = settings.degraded.as_deref();
    let response = open.record().and_then(|record| degrade::response(record, degraded?));
    let (Some(response), Some(record)) = (response, open.record()) else { return respond(settings, landed, open) };
    record.answer.error = landed.trouble.map(|trouble| trouble.error);
    let verdict = record.verdict(&End::Whole);
    record.degraded = true;
    // What went wrong is in the verdict; the status is the one that the client gets.
    record.status = Some(StatusCode::OK.as_u16());
    debug_assert_ne!(verdict.outcome, Outcome::Ok);
    open.finish(&End::Degraded(verdict));
    response
}

fn refuse(settings: &Settings, open: &mut Open, refusal: &Refusal) -> Response<Reply> {
    let is_outage = matches!(refusal.kind, Kind::Timeout(_) | Kind::Unreachable(_) | Kind::Open(_));
    let degraded = settings.degraded.as_deref().filter(|_| is_outage);
    let response = open.record().and_then(|record| {
        let response = degrade::response(record, degraded?)?;
        record.degraded = true;
        Some(response)
    });
    let response = response.unwrap_or_else(|| refusal.response());
    if let Some(record) = open.record() {
        // Who has left has got nothing.
        record.status = Some(response.status().as_u16()).filter(|_| refusal.kind != Kind::ClientLeft);
    }
    open.finish(&refusal.end());
    response
}

async fn exchange(
    gateway: &Gateway,
    settings: &Settings,
    head: Parts,
    body: Incoming,
    open: &mut Open,
) -> Result<Landed, Refusal> {
    let target = head.uri.path_and_query().map_or("/", |path| path.as_str()).to_owned();
    let route = route::of(&head.method, &target, &head.headers);
    let Some(record) = open.record() else { return Err(Refusal::new(route.family, Kind::Stopping, "already over")) };
    record.provider = route.provider;
    route::check(&head, &target).map_err(|(kind, why)| Refusal::new(route.family, kind, why))?;
    record.client = gateway.admit(settings, &head, route.family)?;
    match route.provider {
        Some(provider) => call(gateway, settings, (head, body), (&route, provider), record).await,
        None => pass(gateway, settings, (head, body), &route, record).await,
    }
}

/// A path that is no call to a model: passed on as it comes, once.
async fn pass(
    gateway: &Gateway,
    settings: &Settings,
    (head, body): (Parts, Incoming),
    route: &Route<'_>,
    record: &mut Record,
) -> Result<Landed, Refusal> {
    record.target = Some(format!("{} {}", head.method, route.rest.split('?').next().unwrap_or_default()));
    record.identity = who(&head, record);
    if hyper::body::Body::size_hint(&body).lower() > settings.max_body as u64 {
        return Err(of_body(route.family, Kind::TooLarge, settings));
    }
    let candidates = route::candidates(&settings.upstreams, route, None);
    record.home = candidates.first().cloned();
    let target = target::choose(&candidates, clock::now()).ok_or_else(|| step::none(&candidates, route))?;
    record.upstream = Some(Arc::clone(&target.upstream));
    let rest = if record.client.is_some() { clients::without_key(route.rest) } else { route.rest.to_owned() };
    let landed = attempt::pass(gateway, settings, &target, (head, body, &rest), record).await;
    step::settle(target, landed, record).map_err(|failure| match failure {
        Failure::Client(kind @ (Kind::TooLarge | Kind::ClientLeft), _) => of_body(route.family, kind, settings),
        failure => failure.refusal(route.family),
    })
}

/// A call to a model.
async fn call(
    gateway: &Gateway,
    settings: &Settings,
    (head, body): (Parts, Incoming),
    (route, provider): (&Route<'_>, &'static dyn Provider),
    record: &mut Record,
) -> Result<Landed, Refusal> {
    let body = whole::read(body, &gateway.bodies, settings.max_body, record.until).await;
    let body = body.map_err(|kind| of_body(route.family, kind, settings))?;
    record.request_bytes = body.bytes.len() as u64;
    record.phases.read = Some(clock::now());
    record.asked = provider.asked(route.path(), &body.bytes, settings.capture.keep_more());
    record.asked.bound();
    record.identity = who(&head, record);
    let lacks_usage = provider.omits_usage() && record.asked.stream && !record.asked.usage_in_stream;
    let rest = if record.client.is_some() { clients::without_key(route.rest) } else { route.rest.to_owned() };
    let call = Call { head, body, rest, provider, lacks_usage };
    gateway.retries.add();
    chain::run((gateway, settings), &call, route, record).await
}

/// Who makes a call.
fn who(head: &Parts, record: &Record) -> Identity {
    let key = clients::key(&head.headers, head.uri.query());
    identity::of(&head.headers, &record.asked, (record.client.as_deref(), key))
}

fn of_body(family: Family, kind: Kind, settings: &Settings) -> Refusal {
    let why = match kind {
        Kind::TooLarge => format!("the body is longer than {} bytes (proxy.max_body)", settings.max_body),
        Kind::SlowBody => "the body did not come in time".to_owned(),
        Kind::QueueFull(_) => "the bodies of other calls leave no room for this one".to_owned(),
        _ => "the body broke off".to_owned(),
    };
    Refusal::new(family, kind, why)
}

/// How long an answer has at least, so that what has come of it can go out.
const LAST_WORDS: Duration = Duration::from_millis(100);

fn respond(settings: &Settings, landed: Landed, mut open: Open) -> Response<Reply> {
    let Landed { mut head, since, first, body, strip, held, first_by, .. } = landed;
    head.version = http::Version::default();
    headers::strip_hop_by_hop(&mut head.headers);
    let (record, now) = (open.record(), clock::now());
    // What has come is passed on, be it late.
    let until = record.as_ref().map_or(now, |record| record.until).max(now + LAST_WORDS);
    let provider = record.and_then(|record| record.provider);
    let eye = Eye::new(provider, &head.headers, settings.capture.keep_more());
    let strip = strip.filter(|_| eye::is_event_stream(&head.headers) && eye.is_plain());
    if strip.is_some() {
        head.headers.remove(http::header::CONTENT_LENGTH);
    }
    let first_by = Some(first_by).filter(|_| eye.is_stream());
    let pace = Pace::new(settings.timeouts.between, (since, until), first_by);
    // What is there already is soon over.
    let is_watched = !hyper::body::Body::is_end_stream(&body);
    let parts = tap::Parts { inner: body, first, open, eye, strip, pace, stall: settings.stall, held };
    let mut tap = Tap::new(parts);
    tap.settle();
    let reply = if is_watched { Reply::Watched(Watched::new(tap, until)) } else { Reply::Tapped(Box::new(tap)) };
    Response::from_parts(head, reply)
}

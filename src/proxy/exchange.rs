//! One client call from its head to the head of its answer: read, routed, sent, tried again and elsewhere where that helps,
//! answered.

use super::attempt::{self, Call, Failure, Landed};
use super::body::Reply;
use super::eye::{self, Eye};
use super::limit::{Lane, Sent};
use super::pace::Pace;
use super::record::{Attempt, Open, Record};
use super::refusal::{Kind, Refusal};
use super::settings::{Next, Settings, Upstream};
use super::tap::{self, Tap};
use super::target::{self, Target};
use super::{Gateway, clients, clock, degrade, headers, identity, route, throttle};
use crate::provider::{ApiError, Family, Provider};
use bytes::Bytes;
use http::request::Parts;
use http::{Request, Response};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::Incoming;
use route::Route;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Answers a call, whatever comes of it.
pub async fn answer(gateway: Arc<Gateway>, request: Request<Incoming>) -> Response<Reply> {
    let (head, body) = request.into_parts();
    let settings = gateway.settings();
    let request_id = headers::text(&head.headers, "x-llmtop-request-id").map(str::to_owned);
    let mut open = Open::new(Record::new(request_id), Arc::clone(&gateway.recorder));
    match exchange(&gateway, &settings, head, body, &mut open).await {
        Ok(landed) if landed.trouble.is_some() => last_words(&settings, landed, open),
        Ok(landed) => respond(&settings, landed, open),
        Err(refusal) => refuse(&settings, &mut open, &refusal),
    }
}

/// An answer that no other try has bettered: the configured one, else what the upstream said.
fn last_words(settings: &Settings, landed: Landed, mut open: Open) -> Response<Reply> {
    if let Some(text) = &settings.degraded
        && let Some(response) = open.record().and_then(|record| degrade::response(record, text))
    {
        if let (Some(record), Some(trouble)) = (open.record(), landed.trouble) {
            record.answer.error = Some(trouble.error);
            record.degraded = true;
        }
        open.finish(&super::record::End::Whole);
        return response;
    }
    respond(settings, landed, open)
}

fn refuse(settings: &Settings, open: &mut Open, refusal: &Refusal) -> Response<Reply> {
    let is_outage = matches!(refusal.kind, Kind::Timeout(_) | Kind::Unreachable | Kind::Open);
    let degraded = settings.degraded.as_deref().filter(|_| is_outage);
    let response = open.record().and_then(|record| {
        let response = degrade::response(record, degraded?)?;
        record.degraded = true;
        Some(response)
    });
    let response = response.unwrap_or_else(|| refusal.response());
    if let Some(record) = open.record() {
        record.status = Some(response.status().as_u16());
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
    record.identity = identity::of(&head.headers, &record.asked, record.client.as_deref());
    let candidates = route::candidates(&settings.upstreams, route, None);
    let target = take(&candidates, route, record)?;
    let rest = if record.client.is_some() { clients::without_key(route.rest) } else { route.rest.to_owned() };
    let landed = attempt::pass(gateway, settings, &target, (head, body, &rest), record).await;
    settle(target, landed).map_err(|failure| refusal_of(route.family, failure))
}

/// A target that takes the call now.
fn take(candidates: &[Arc<Upstream>], route: &Route<'_>, record: &mut Record) -> Result<Target, Refusal> {
    if candidates.is_empty() {
        let why = match route.named {
            Some(name) => format!("no upstream is called {name:?}"),
            None => format!("no upstream takes {}", route.rest.split('?').next().unwrap_or_default()),
        };
        return Err(Refusal::new(route.family, Kind::NoRoute, why));
    }
    let target = target::choose(candidates, clock::now()).ok_or_else(|| {
        let names: Vec<&str> = candidates.iter().map(|upstream| upstream.name.as_str()).collect();
        Refusal::new(
            route.family,
            Kind::Open,
            format!("{} failed several times and is left alone for now", names.join(", ")),
        )
    })?;
    record.upstream = Some(Arc::clone(&target.upstream));
    Ok(target)
}

/// A call to a model.
async fn call(
    gateway: &Gateway,
    settings: &Settings,
    (head, body): (Parts, Incoming),
    (route, provider): (&Route<'_>, &'static dyn Provider),
    record: &mut Record,
) -> Result<Landed, Refusal> {
    let body = whole(body, settings.max_body).await.map_err(|kind| of_body(route.family, kind, settings))?;
    record.request_bytes = body.len() as u64;
    record.asked = provider.asked(route.rest, &body, settings.capture.keep_more());
    record.identity = identity::of(&head.headers, &record.asked, record.client.as_deref());
    let until = record.started.checked_add(settings.timeouts.total).unwrap_or(record.started);
    let lacks_usage = provider.omits_usage() && record.asked.stream && !record.asked.usage_in_stream;
    let rest = if record.client.is_some() { clients::without_key(route.rest) } else { route.rest.to_owned() };
    let call = Call { head, body, rest, provider, lacks_usage, until };
    gateway.retries.add();
    let steps = steps(settings, route, record.asked.model.as_deref());
    let last = steps.len() - 1;
    for (n, next) in steps.iter().enumerate() {
        let result = step(gateway, settings, (&call, route), next.as_ref(), record).await;
        let is_over = match &result {
            Ok(landed) => landed.trouble.is_none(),
            Err(refusal) => {
                !matches!(refusal.kind, Kind::Timeout(_) | Kind::Unreachable | Kind::Open | Kind::QueueFull(_))
            }
        };
        if is_over || n == last {
            return result;
        }
        let (status, error) = match &result {
            Ok(landed) => said(landed),
            Err(refusal) => (None, words(refusal.kind.word(), &refusal.message)),
        };
        note(record, next.as_ref().map(|next| next.model.as_str()), status, error);
        record.fallback_from = record.asked.model.clone();
    }
    Err(Refusal::new(route.family, Kind::NoRoute, "no upstream"))
}

/// What to try, in order: the call itself, then the chain of its model.
fn steps(settings: &Settings, route: &Route<'_>, model: Option<&str>) -> Vec<Option<Next>> {
    let fits = |fallback: &&super::settings::Fallback| model.is_some_and(|model| fallback.model.matches(model));
    let chain = settings.fallbacks.iter().find(fits).filter(|_| route.named.is_none());
    let chain = chain.into_iter().flat_map(|fallback| fallback.to.iter().cloned().map(Some));
    std::iter::once(None).chain(chain).collect()
}

/// One step of the chain, with its retries.
async fn step(
    gateway: &Gateway,
    settings: &Settings,
    (call, route): (&Call, &Route<'_>),
    next: Option<&Next>,
    record: &mut Record,
) -> Result<Landed, Refusal> {
    let model = next.map(|next| next.model.as_str());
    let named = next.and_then(|next| next.upstream.as_deref());
    let route = Route { named: named.or(route.named), ..*route };
    let asked = record.asked.model.clone();
    let candidates = route::candidates(&settings.upstreams, &route, model.or(asked.as_deref()));
    let mut retries = 0;
    loop {
        let target = take(&candidates, &route, record)?;
        record.tried = (clock::now(), clock::now_us());
        let lane = throttle::lane(&target, headers::key(&call.head.headers), model.or(asked.as_deref()));
        let admitted = gateway.throttle.enter(&lane, record).await.map_err(|full| {
            let why = format!("the limits of {} leave no room", target.upstream.name);
            Refusal::new(route.family, Kind::QueueFull(full.wait), why)
        })?;
        record.phases.queue_us = record.phases.queue_us.saturating_add(clock::micros(admitted.waited));
        let result = attempt::send(gateway, settings, &target, (call, model), record).await;
        hear(gateway, (&lane, &admitted.sent), &result);
        let result = settle(target, result);
        let wait = match &result {
            Ok(landed) => match &landed.trouble {
                None => None,
                Some(_) if unlearn(landed, record) => Some(Duration::ZERO),
                Some(trouble) => again(gateway, settings, (retries, call.until), trouble.after_us),
            },
            Err(Failure::Unreachable(_)) => again(gateway, settings, (retries, call.until), None),
            Err(Failure::Timeout(_) | Failure::Invalid(_)) => None,
        };
        let Some(wait) = wait else {
            if let Ok(Landed { trouble: Some(trouble), .. }) = &result {
                record.retry_after_us = trouble.after_us;
            }
            return result.map_err(|failure| refusal_of(route.family, failure));
        };
        let (status, error) = match &result {
            Ok(landed) => said(landed),
            Err(Failure::Unreachable(why) | Failure::Invalid(why)) => (None, words("unreachable", why)),
            Err(Failure::Timeout(what)) => (None, words(what, "no answer in time")),
        };
        note(record, model, status, error);
        drop(result);
        tokio::time::sleep(wait).await;
        record.phases.queue_us = record.phases.queue_us.saturating_add(clock::micros(wait));
        retries += 1;
    }
}

/// Takes over what an answer tells of limits.
fn hear(gateway: &Gateway, of: (&Lane, &Sent), result: &Result<Landed, Failure>) {
    match result {
        Ok(landed) => {
            let wait = landed.trouble.as_ref().and_then(|trouble| trouble.after_us).map(Duration::from_micros);
            gateway.throttle.heard(of, (landed.head.status, &landed.head.headers), wait);
        }
        Err(Failure::Unreachable(_) | Failure::Invalid(_)) => gateway.throttle.take_back(of.0, of.1),
        Err(Failure::Timeout(_)) => {}
    }
}

/// Tells the breaker, and keeps the target busy as long as its answer lives.
fn settle(target: Target, result: Result<Landed, Failure>) -> Result<Landed, Failure> {
    let Target { permit, busy, .. } = target;
    match result {
        Ok(mut landed) => {
            if landed.head.status.is_server_error() {
                permit.failed(clock::now())
            } else {
                permit.worked()
            }
            landed.held.push(Box::new(busy));
            Ok(landed)
        }
        Err(failure) => {
            permit.failed(clock::now());
            Err(failure)
        }
    }
}

/// An upstream that does not know the question for usage is not asked again.
fn unlearn(landed: &Landed, record: &Record) -> bool {
    let error = landed.trouble.as_ref().map(|trouble| &trouble.error);
    let refuses = landed.strip.is_some() && attempt::refuses_usage(landed, error);
    if let (true, Some(upstream)) = (refuses, &record.upstream) {
        upstream.live.forget_usage();
    }
    refuses
}

/// How long to wait for another try; `None` where there is none: too many, too late, or too many of all calls.
fn again(
    gateway: &Gateway,
    settings: &Settings,
    (retries, until): (u32, Instant),
    after_us: Option<u64>,
) -> Option<Duration> {
    let wait = settings.backoff.wait(retries, after_us.map(Duration::from_micros), fastrand::f64())?;
    let in_time = clock::now().checked_add(wait).is_some_and(|at| at < until);
    (in_time && gateway.retries.take()).then_some(wait)
}

/// Writes down a try that is given up for another.
fn note(record: &mut Record, model: Option<&str>, status: Option<u16>, error: ApiError) {
    let Some(upstream) = record.upstream.clone() else { return };
    let (begun, started_us) = record.tried;
    let latency_us = clock::micros(clock::now().saturating_duration_since(begun));
    let model = model.map(str::to_owned).or_else(|| record.asked.model.clone());
    record.attempts.push(Attempt { upstream, model, started_us, latency_us, status, error });
    record.status = None;
}

/// What an answer says that may be bettered.
fn said(landed: &Landed) -> (Option<u16>, ApiError) {
    (Some(landed.head.status.as_u16()), landed.trouble.clone().unwrap_or_default().error)
}

fn words(kind: &str, message: &str) -> ApiError {
    ApiError { kind: Some(kind.to_owned()), message: Some(message.to_owned()), ..ApiError::default() }
}

fn refusal_of(family: Family, failure: Failure) -> Refusal {
    match failure {
        Failure::Unreachable(why) => Refusal::new(family, Kind::Unreachable, why),
        Failure::Timeout(what) => Refusal::new(family, Kind::Timeout(what), "the upstream gave no answer in time"),
        Failure::Invalid(why) => Refusal::new(family, Kind::BadRequest, why),
    }
}

/// The whole body of a request.
async fn whole(body: Incoming, most: usize) -> Result<Bytes, Kind> {
    if hyper::body::Body::size_hint(&body).lower() > most as u64 {
        return Err(Kind::TooLarge);
    }
    let collected = Limited::new(body, most).collect().await;
    collected.map(|body| body.to_bytes()).map_err(|why| match why.downcast_ref::<LengthLimitError>() {
        Some(_) => Kind::TooLarge,
        None => Kind::BadRequest,
    })
}

fn of_body(family: Family, kind: Kind, settings: &Settings) -> Refusal {
    let why = match kind {
        Kind::TooLarge => format!("the body is longer than {} bytes (proxy.max_body)", settings.max_body),
        _ => "the body broke off".to_owned(),
    };
    Refusal::new(family, kind, why)
}

fn respond(settings: &Settings, landed: Landed, mut open: Open) -> Response<Reply> {
    let Landed { mut head, since, first, body, strip, held, .. } = landed;
    head.version = http::Version::default();
    headers::strip_hop_by_hop(&mut head.headers);
    let record = open.record();
    let until = record.as_ref().map_or_else(clock::now, |record| record.started);
    let until = until.checked_add(settings.timeouts.total).unwrap_or(until);
    let provider = record.and_then(|record| record.provider);
    let eye = Eye::new(provider, &head.headers, settings.capture.keep_more());
    let strip = strip.filter(|_| eye::is_event_stream(&head.headers));
    if strip.is_some() {
        head.headers.remove(http::header::CONTENT_LENGTH);
    }
    let pace = Pace::new(settings.timeouts.between, until, since);
    let parts = tap::Parts { inner: body, first, open, eye, strip, pace, stall: settings.stall, held };
    Response::from_parts(head, Reply::Tapped(Box::new(Tap::new(parts))))
}

//! One step of the way of a call: one model, at whoever has it, tried again where that helps: elsewhere at once, where it
//! failed after a while.

use super::attempt::{self, Call, Failure, How, Landed};
use super::limit::{Lane, Sent};
use super::pace::Late;
use super::record::{Attempt, Record};
use super::refusal::{Kind, Refusal};
use super::route::Route;
use super::settings::{Settings, Upstream};
use super::target::{self, Failed, Place, Target};
use super::{Gateway, clients, clock, identity, throttle};
use crate::provider::ApiError;
use http::StatusCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A step, and what its tries have shown so far.
pub struct Try<'a> {
    /// The gateway.
    pub gateway: &'a Gateway,
    /// What it is told.
    pub settings: &'a Settings,
    /// The call.
    pub call: &'a Call,
    /// Its path, with the upstream that the step names.
    pub route: Route<'a>,
    /// The model to ask for; `None` is the one that the call names.
    pub model: Option<&'a str>,
    /// Who may take it.
    pub candidates: Vec<Arc<Upstream>>,
    /// What has failed.
    pub failed: Failed,
    /// How often it was tried again after a while.
    pub retries: u32,
    /// Who has refused to be asked for usage: nobody is asked any more.
    pub refuses_usage: Option<Arc<Upstream>>,
}

/// A target and its lane, where the call is counted as sent.
struct Entered {
    target: Target,
    lane: Lane,
    sent: Sent,
}

impl Try<'_> {
    /// Takes the step.
    ///
    /// # Errors
    /// Why there is no answer.
    pub async fn run(mut self, record: &mut Record) -> Result<Landed, Refusal> {
        loop {
            let entered = self.enter(record).await?;
            let Entered { target, lane, sent } = entered;
            let place = Place::clone(&target);
            let how = How { model: self.model, asks_usage: self.refuses_usage.is_none() };
            let result = attempt::send(self.gateway, self.settings, &target, (self.call, how), record).await;
            record.meter = Some(self.gateway.throttle.meter(&lane));
            self.hear((&lane, &sent), &result);
            let result = settle(target, result, record);
            let Some(wait) = self.again(&place, &result, record) else {
                self.learn(&place, &result);
                if let Ok(Landed { trouble: Some(trouble), .. }) = &result {
                    record.retry_after_us = trouble.after_us;
                }
                return result.map_err(|failure| failure.refusal(self.route.family));
            };
            note(record, self.model, &result);
            drop(result);
            tokio::time::sleep(wait).await;
            record.phases.queue_us = record.phases.queue_us.saturating_add(clock::micros(wait));
        }
    }

    /// Goes where there is room, else waits where that takes least. Leave of the breaker is asked for after that.
    async fn enter(&self, record: &mut Record) -> Result<Entered, Refusal> {
        if record.home.is_none() {
            record.home = self.candidates.first().cloned();
        }
        loop {
            let places = target::order(&self.candidates, &self.failed, clock::now());
            if places.is_empty() {
                return Err(none(&self.candidates, &self.route));
            }
            let fewest = self.failed.count(&places[0]);
            let with_lane = |place: Place| {
                let lane = self.lane(&place, record);
                (place, lane)
            };
            let lanes: Vec<(Place, Lane)> = places.into_iter().map(with_lane).collect();
            let throttle = &self.gateway.throttle;
            // What has failed waits until nothing else is left.
            let fresh = lanes.iter().filter(|(place, _)| self.failed.count(place) == fewest);
            let at_once = fresh.clone().find_map(|way| throttle.try_enter(&way.1, record).map(|sent| (way, sent)));
            let ((place, lane), sent) = match at_once {
                Some(found) => found,
                None => {
                    let Some(way) = lanes.iter().min_by_key(|(_, lane)| throttle.expected(lane, record)) else {
                        return Err(none(&self.candidates, &self.route));
                    };
                    // Seldom, and large.
                    (way, Box::pin(self.wait(way, record)).await?)
                }
            };
            record.upstream = Some(Arc::clone(&place.upstream));
            record.tried = (clock::now(), clock::now_us());
            match place.clone().take(clock::now()) {
                Some(target) => return Ok(Entered { target, lane: lane.clone(), sent }),
                None => throttle.take_back(lane, &sent),
            }
        }
    }

    async fn wait(&self, (place, lane): &(Place, Lane), record: &mut Record) -> Result<Sent, Refusal> {
        record.upstream = Some(Arc::clone(&place.upstream));
        match self.gateway.throttle.enter(lane, record).await {
            Ok(admitted) => {
                record.phases.queue_us = record.phases.queue_us.saturating_add(clock::micros(admitted.waited));
                Ok(admitted.sent)
            }
            Err(_) if clock::now() >= record.until => {
                let why = format!("the limits of {} left no room in time", place.upstream.name);
                Err(Refusal::new(self.route.family, Kind::Timeout(Late::Total.word()), why))
            }
            Err(full) => {
                let why = format!("the limits of {} leave no room", place.upstream.name);
                Err(Refusal::new(self.route.family, Kind::QueueFull(full.wait), why))
            }
        }
    }

    fn lane(&self, place: &Place, record: &Record) -> Lane {
        let head = &self.call.head;
        let key = || clients::key(&head.headers, head.uri.query()).map(identity::short_hash);
        // Whoever has no other name goes by that hash already.
        let key = || record.identity.owner.strip_prefix(identity::KEY).map(str::to_owned).or_else(key);
        throttle::lane(place, key, self.model.or(record.asked.model.as_deref()))
    }

    /// Takes over what an answer tells of limits.
    fn hear(&self, of: (&Lane, &Sent), result: &Result<Landed, Failure>) {
        match result {
            Ok(landed) => {
                let wait = landed.trouble.as_ref().and_then(|trouble| trouble.after_us).map(Duration::from_micros);
                self.gateway.throttle.heard(of, (landed.head.status, &landed.head.headers), wait);
            }
            Err(Failure::Unreachable(..) | Failure::Client(..)) => self.gateway.throttle.take_back(of.0, of.1),
            Err(Failure::Timeout(_)) => {}
        }
    }

    /// How long to wait before another try; `None` where there is none.
    fn again(&mut self, place: &Place, result: &Result<Landed, Failure>, record: &Record) -> Option<Duration> {
        let after_us = match result {
            Ok(landed) => {
                let trouble = landed.trouble.as_ref()?;
                if landed.strip.is_some() && attempt::refuses_usage(landed, Some(&trouble.error)) {
                    self.refuses_usage = Some(Arc::clone(&place.upstream));
                    return Some(Duration::ZERO);
                }
                if landed.head.status == StatusCode::TOO_MANY_REQUESTS {
                    self.failed.key(place);
                    if self.is_elsewhere(place, true, record) && self.gateway.retries.take() {
                        return Some(Duration::ZERO);
                    }
                } else {
                    self.failed.upstream(&place.upstream);
                }
                trouble.after_us
            }
            Err(Failure::Unreachable(..)) => {
                self.failed.upstream(&place.upstream);
                None
            }
            Err(Failure::Timeout(_) | Failure::Client(..)) => return None,
        };
        let wait = if self.is_elsewhere(place, false, record) {
            (self.retries < self.settings.backoff.most).then_some(Duration::ZERO)?
        } else {
            self.settings.backoff.wait(self.retries, after_us.map(Duration::from_micros), fastrand::f64())?
        };
        let in_time = clock::now().checked_add(wait).is_some_and(|at: Instant| at < record.until);
        let again = in_time && self.gateway.retries.take();
        self.retries += u32::from(again);
        again.then_some(wait)
    }

    /// Whether somebody takes the call at once who has not failed in it: another key, or another upstream alone.
    fn is_elsewhere(&self, place: &Place, or_key: bool, record: &Record) -> bool {
        target::order(&self.candidates, &self.failed, clock::now()).iter().any(|other| {
            (or_key || !Arc::ptr_eq(&other.upstream, &place.upstream))
                && self.failed.count(other) == 0
                && self.gateway.throttle.has_room(&self.lane(other, record), record)
        })
    }

    /// An upstream that refused the question for usage and answers without it is not asked for a while; where the client had
    /// options of its own, those may have been at fault.
    fn learn(&self, place: &Place, result: &Result<Landed, Failure>) {
        let is_it = self.refuses_usage.as_ref().is_some_and(|refused| Arc::ptr_eq(refused, &place.upstream));
        let has_own = || memchr::memmem::find(&self.call.body.bytes, b"\"stream_options\"").is_some();
        if is_it && result.as_ref().is_ok_and(|landed| landed.head.status.is_success()) && !has_own() {
            place.upstream.live.hide_usage(clock::now());
        }
    }
}

/// Why nobody takes a call.
pub fn none(candidates: &[Arc<Upstream>], route: &Route<'_>) -> Refusal {
    if candidates.is_empty() {
        let why = match route.named {
            Some(name) => format!("no upstream is called {name:?}"),
            None => format!("no upstream takes {}", route.rest.split('?').next().unwrap_or_default()),
        };
        return Refusal::new(route.family, Kind::NoRoute, why);
    }
    let names: Vec<&str> = candidates.iter().map(|upstream| upstream.name.as_str()).collect();
    let now = clock::now();
    let wait = candidates.iter().map(|upstream| upstream.live.breaker.closed_for(now)).min().unwrap_or_default();
    let seconds = wait.as_secs_f64().ceil().max(1.0);
    let why = format!("{} failed several times and is left alone for another {seconds} s", names.join(", "));
    Refusal::new(route.family, Kind::Open(wait), why)
}

/// Tells the breaker, or lets the end of the answer tell it, and keeps the target busy as long as its answer lives.
pub fn settle(target: Target, result: Result<Landed, Failure>, record: &mut Record) -> Result<Landed, Failure> {
    let Target { mut permit, busy, .. } = target;
    match result {
        Ok(mut landed) => {
            if landed.head.status.is_server_error() {
                permit.failed(clock::now());
            } else if landed.head.status.is_success() {
                permit.answered();
                record.permit = Some(permit);
            } else {
                permit.worked();
            }
            landed.held.push(Box::new(busy));
            Ok(landed)
        }
        // Of the client's faults the upstream knows nothing.
        Err(Failure::Client(kind, why)) => Err(Failure::Client(kind, why)),
        Err(failure) => {
            permit.failed(clock::now());
            Err(failure)
        }
    }
}

/// Writes down a try that is given up for another.
fn note(record: &mut Record, model: Option<&str>, result: &Result<Landed, Failure>) {
    let (status, error) = match result {
        Ok(landed) => (Some(landed.head.status.as_u16()), landed.trouble.clone().unwrap_or_default().error),
        Err(failure) => (None, failure.error()),
    };
    note_as(record, model, status, error);
}

/// Writes down a try that is given up, with what was wrong with it.
pub fn note_as(record: &mut Record, model: Option<&str>, status: Option<u16>, error: ApiError) {
    let Some(upstream) = record.upstream.clone() else { return };
    let (begun, started_us) = record.tried;
    let latency_us = clock::micros(clock::now().saturating_duration_since(begun));
    let model = model.map(str::to_owned).or_else(|| record.asked.model.clone());
    record.attempts.push(Attempt { upstream, model, started_us, latency_us, status, error });
    record.status = None;
    record.permit = None;
}

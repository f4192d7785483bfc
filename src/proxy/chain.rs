//! The chain of fallbacks of a call: its own model first, then each that stands in for it, until one answers. Where none
//! does, the client gets the first answer that mattered, not the troubles of a stand-in.

use super::Gateway;
use super::attempt::{Call, Landed};
use super::record::Record;
use super::refusal::{Kind, Refusal};
use super::route::{self, Route};
use super::settings::{Fallback, Next, Settings};
use super::step::{Try, note_as};
use super::target::Failed;
use crate::provider::ApiError;

/// What a step came to, and what its record said then.
struct Given {
    result: Result<Landed, Refusal>,
    upstream: Option<std::sync::Arc<super::settings::Upstream>>,
    status: Option<u16>,
    provider_request_id: Option<String>,
    retry_after_us: Option<u64>,
    /// Its place among the tries that were given up, where it has one.
    noted: Option<usize>,
}

/// Tries the call itself, then what stands in for its model.
///
/// # Errors
/// Why there is no answer.
pub async fn run(
    (gateway, settings): (&Gateway, &Settings),
    call: &Call,
    route: &Route<'_>,
    record: &mut Record,
) -> Result<Landed, Refusal> {
    let steps = steps(settings, route, record.asked.model.as_deref());
    let last = steps.len() - 1;
    let mut first: Option<Given> = None;
    for (n, next) in steps.iter().enumerate() {
        let step = of(gateway, settings, call, route, *next, record);
        let result = step.run(record).await;
        if is_over(&result, n > 0) {
            return result;
        }
        let is_last = n == last || super::clock::now() >= record.until;
        if is_last && first.is_none() {
            return result;
        }
        let matters = first.is_none() && !matches!(&result, Err(refusal) if refusal.kind == Kind::NoRoute);
        let given = give_up(record, next.map(|next| next.model.as_str()), result);
        if matters {
            first = Some(given);
        } else if first.is_none() && is_last {
            return given.result;
        }
        record.fallback_from = record.asked.model.clone();
        if is_last {
            break;
        }
    }
    match first {
        Some(given) => restored(record, given),
        None => Err(Refusal::new(route.family, Kind::NoRoute, "no upstream")),
    }
}

fn of<'a>(
    gateway: &'a Gateway,
    settings: &'a Settings,
    call: &'a Call,
    route: &Route<'a>,
    next: Option<&'a Next>,
    record: &Record,
) -> Try<'a> {
    let model = next.map(|next| next.model.as_str());
    let named = next.and_then(|next| next.upstream.as_deref());
    let route = Route { named: named.or(route.named), ..*route };
    let mut candidates = route::candidates(&settings.upstreams, &route, model.or(record.asked.model.as_deref()));
    if named.is_some() {
        // What is said in one protocol means nothing in another.
        candidates.retain(|upstream| upstream.family.is_none_or(|family| family == route.family));
    }
    let failed = Failed::default();
    Try { gateway, settings, call, route, model, candidates, failed, retries: 0, refuses_usage: None }
}

/// What to try, in order: the call itself, then the chain of its model.
fn steps<'s>(settings: &'s Settings, route: &Route<'_>, model: Option<&str>) -> Vec<Option<&'s Next>> {
    let fits = |fallback: &&Fallback| model.is_some_and(|model| fallback.model.matches(model));
    let chain = settings.fallbacks.iter().find(fits).filter(|_| route.named.is_none());
    let chain = chain.into_iter().flat_map(|fallback| fallback.to.iter().map(Some));
    std::iter::once(None).chain(chain).collect()
}

/// Whether a step ends the chain. What a stand-in refuses (an unknown model, a key without the right) is no answer to what
/// the client asked.
fn is_over(result: &Result<Landed, Refusal>, is_stand_in: bool) -> bool {
    match result {
        Ok(landed) => landed.trouble.is_none() && !(is_stand_in && landed.head.status.is_client_error()),
        Err(refusal) => !matches!(
            refusal.kind,
            Kind::Timeout(_) | Kind::Unreachable(_) | Kind::Open(_) | Kind::QueueFull(_) | Kind::NoRoute
        ),
    }
}

fn give_up(record: &mut Record, model: Option<&str>, result: Result<Landed, Refusal>) -> Given {
    let (status, error) = match &result {
        Ok(landed) => (Some(landed.head.status.as_u16()), landed.trouble.clone().unwrap_or_default().error),
        Err(refusal) => {
            let (kind, message) = (Some(refusal.kind.word().to_owned()), Some(refusal.message.clone()));
            (None, ApiError { kind, message, ..ApiError::default() })
        }
    };
    let before = record.attempts.len();
    let given = Given {
        result,
        upstream: record.upstream.clone(),
        status: record.status,
        provider_request_id: record.provider_request_id.take(),
        retry_after_us: record.retry_after_us.take(),
        noted: record.upstream.is_some().then_some(before),
    };
    note_as(record, model, status, error);
    given
}

/// The answer to a call as if nobody had stood in for it; the tries of those that did are kept.
fn restored(record: &mut Record, given: Given) -> Result<Landed, Refusal> {
    if let Some(noted) = given.noted.filter(|noted| *noted < record.attempts.len()) {
        record.attempts.remove(noted);
    }
    record.fallback_from = None;
    record.upstream = given.upstream;
    record.status = given.status;
    record.provider_request_id = given.provider_request_id;
    record.retry_after_us = given.retry_after_us;
    given.result
}

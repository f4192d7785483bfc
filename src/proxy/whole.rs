//! Bodies of requests that are read whole: in time, no longer than allowed, and within what all of them together may take.

use super::refusal::Kind;
use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use std::error::Error;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// What all bodies together may take, bytes.
const MOST: usize = 512 << 20;

/// Who finds no room for its body may ask again after this.
const ASK_AGAIN: Duration = Duration::from_secs(1);

/// How many bytes may still be taken.
#[derive(Debug)]
pub struct Budget {
    left: AtomicUsize,
}

impl Default for Budget {
    fn default() -> Budget {
        Budget { left: AtomicUsize::new(MOST) }
    }
}

/// A body, counted as long as this lives.
#[derive(Debug)]
pub struct Whole {
    /// Its bytes.
    pub bytes: Bytes,
    _held: Held,
}

/// Bytes that are taken of a budget.
#[derive(Debug)]
struct Held {
    budget: Arc<Budget>,
    bytes: usize,
}

impl Held {
    fn take(&mut self, bytes: usize) -> Result<(), Kind> {
        let less = |left: usize| left.checked_sub(bytes);
        let taken = self.budget.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
        taken.map_err(|_| Kind::QueueFull(ASK_AGAIN))?;
        self.bytes += bytes;
        Ok(())
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.budget.left.fetch_add(self.bytes, Ordering::Relaxed);
    }
}

/// The whole body of a request, of at most `most` bytes, by `until`.
///
/// # Errors
/// Why there is none.
pub async fn read(body: Incoming, budget: &Arc<Budget>, most: usize, until: Instant) -> Result<Whole, Kind> {
    let reading = tokio::time::timeout_at(until.into(), collect(body, budget, most));
    reading.await.unwrap_or(Err(Kind::SlowBody))
}

async fn collect(mut body: Incoming, budget: &Arc<Budget>, most: usize) -> Result<Whole, Kind> {
    if hyper::body::Body::size_hint(&body).lower() > most as u64 {
        return Err(Kind::TooLarge);
    }
    let mut held = Held { budget: Arc::clone(budget), bytes: 0 };
    let (mut first, mut all) = (Bytes::new(), Vec::new());
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|why| of_break(&why))?;
        let Ok(data) = frame.into_data() else { continue };
        if held.bytes + data.len() > most {
            return Err(Kind::TooLarge);
        }
        held.take(data.len())?;
        if first.is_empty() {
            first = data;
        } else {
            all.extend_from_slice(if all.is_empty() { &first } else { &[] });
            all.extend_from_slice(&data);
        }
    }
    let bytes = if all.is_empty() { first } else { all.into() };
    Ok(Whole { bytes, _held: held })
}

/// Why a body broke off: its client went away, or wrote what is no body.
pub fn of_break(why: &(dyn Error + 'static)) -> Kind {
    let mut cause = Some(why);
    while let Some(error) = cause {
        let kind = error.downcast_ref::<io::Error>().map(io::Error::kind);
        if matches!(kind, Some(io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData)) {
            return Kind::BadRequest;
        }
        cause = error.source();
    }
    Kind::ClientLeft
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn bodies_together_stay_within_the_budget_and_give_back() {
        let budget = Arc::new(Budget { left: AtomicUsize::new(10) });
        let held = || Held { budget: Arc::clone(&budget), bytes: 0 };
        let (mut one, mut two) = (held(), held());
        one.take(6).unwrap();
        assert_eq!(two.take(5), Err(Kind::QueueFull(ASK_AGAIN)));
        two.take(4).unwrap();
        drop(one);
        two.take(6).unwrap();
        drop(two);
        assert_eq!(budget.left.load(Ordering::Relaxed), 10);
    }

    #[test]
    fn what_is_no_body_is_told_from_a_client_that_left() {
        assert_eq!(of_break(&io::Error::from(io::ErrorKind::InvalidInput)), Kind::BadRequest);
        assert_eq!(of_break(&io::Error::from(io::ErrorKind::ConnectionReset)), Kind::ClientLeft);
    }
}

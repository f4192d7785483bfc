//! An answer on its way to the client: passed on as it comes, read from a copy, and recorded before anybody hears of its
//! end. Dropped, it ends the call at the upstream too.

use super::body::BodyError;
use super::clock;
use super::eye::Eye;
use super::link::Inbound;
use super::pace::{Late, Pace};
use super::record::{End, Open};
use super::strip::Strip;
use crate::provider::Family;
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

#[cfg(test)]
mod tests;

/// An answer on its way.
pub struct Tap {
    /// `None` once it has taken too long.
    inner: Option<Inbound>,
    /// Pieces that were waited for before the head went out.
    first: VecDeque<Bytes>,
    open: Open,
    eye: Eye,
    strip: Option<Strip>,
    pace: Pace,
    stall: Duration,
    state: State,
    /// What is given back when the answer has passed.
    held: Held,
    /// What is said in the end where time ran out while nobody listened.
    last: Option<Result<Bytes, &'static str>>,
}

/// Whatever lives as long as the answer.
pub type Held = Vec<Box<dyn Send + Sync>>;

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Passing,
    /// Told the client of an error in its stream; nothing more comes.
    Over,
}

/// What a tap is made of.
pub struct Parts {
    /// The upstream's body.
    pub inner: Inbound,
    /// Its first pieces.
    pub first: VecDeque<Bytes>,
    /// The call.
    pub open: Open,
    /// What reads it.
    pub eye: Eye,
    /// What takes out of it what the client did not ask for.
    pub strip: Option<Strip>,
    /// How long its pieces may take.
    pub pace: Pace,
    /// What pause is a stall.
    pub stall: Duration,
    /// What is given back at its end.
    pub held: Held,
}

impl Tap {
    /// An answer that begins to pass.
    pub fn new(parts: Parts) -> Tap {
        let Parts { inner, first, open, eye, strip, pace, stall, held } = parts;
        let state = State::Passing;
        Tap { inner: Some(inner), first, open, eye, strip, pace, stall, state, held, last: None }
    }

    /// An answer without a body is over at once: nobody will ask for what is not there.
    pub fn settle(&mut self) {
        if self.first.iter().all(Bytes::is_empty) && self.inner.as_ref().is_none_or(Body::is_end_stream) {
            self.whole();
        }
    }

    /// The next piece.
    pub fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        loop {
            if self.state == State::Over {
                let last = self.last.take();
                return Poll::Ready(last.map(|last| last.map(Frame::data).map_err(BodyError::from)));
            }
            let Some(inner) = &mut self.inner else { return Poll::Ready(None) };
            let was_there = !self.first.is_empty();
            let next = match self.first.pop_front() {
                Some(piece) => Some(Ok(Frame::data(piece))),
                None => match Pin::new(inner).poll_frame(cx) {
                    Poll::Ready(next) => next,
                    Poll::Pending => {
                        let late = ready!(self.pace.poll_late(cx));
                        return Poll::Ready(self.too_late(late));
                    }
                },
            };
            match next {
                None => return Poll::Ready(self.ended().map(Ok)),
                Some(Err(why)) => {
                    self.read_out();
                    self.open.finish(&End::Cut(super::causes(&why)));
                    return Poll::Ready(Some(Err(why.into())));
                }
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => {
                        let out = self.saw(data);
                        if !was_there
                            && self.open.record().is_some()
                            && let Some(late) = self.pace.late(clock::now())
                        {
                            return Poll::Ready(self.too_late(late));
                        }
                        if !out.is_empty() {
                            return Poll::Ready(Some(Ok(Frame::data(out))));
                        }
                    }
                    Err(trailers) => {
                        // Nothing comes after them, and nobody may ask whether anything does.
                        self.whole();
                        return Poll::Ready(Some(Ok(trailers)));
                    }
                },
            }
        }
    }

    /// Reads a piece, and says what of it goes on.
    fn saw(&mut self, data: Bytes) -> Bytes {
        let now = clock::now();
        let seen = self.eye.push(&data, self.strip.as_mut());
        // Of a stream only what the model says counts.
        let pause = if seen.spoke || !self.eye.is_stream() { self.pace.moved(now) } else { Duration::ZERO };
        let stall = self.stall;
        if let Some(record) = self.open.record() {
            record.response_bytes = record.response_bytes.saturating_add(data.len() as u64);
            record.phases.stalls += u32::from(pause > stall);
        }
        if seen.spoke
            && let Some(record) = self.open.record()
            && record.phases.first_token.is_none()
        {
            record.phases.first_token = Some(now);
        }
        let out = match &mut self.strip {
            Some(strip) => strip.take(data),
            None => data,
        };
        // The client must not have the end before the journal has the call.
        let is_last = self.first.is_empty() && self.inner.as_ref().is_none_or(Body::is_end_stream);
        if self.eye.is_over() || is_last && self.strip.is_none() {
            self.whole();
        }
        out
    }

    /// The upstream has said all.
    fn ended(&mut self) -> Option<Frame<Bytes>> {
        self.whole();
        self.state = State::Over;
        let rest = self.strip.as_mut().map(Strip::rest).unwrap_or_default();
        (!rest.is_empty()).then(|| Frame::data(rest))
    }

    /// The answer is there; a stream that lacks its end has been cut, however politely.
    fn whole(&mut self) {
        self.read_out();
        let end = if self.eye.is_cut() { End::Cut("the stream ended before its end".to_owned()) } else { End::Whole };
        self.open.finish(&end);
    }

    /// Puts what was read into the record.
    fn read_out(&mut self) {
        if let Some(record) = self.open.record() {
            self.eye.read_out(&mut record.answer);
        }
    }

    /// Time is up, and nobody may be reading: the call ends here, at the upstream too.
    pub fn expire(&mut self) {
        if self.state == State::Over {
            return;
        }
        self.last = self.too_late(Late::Total).map(|last| match last {
            Ok(frame) => Ok(frame.into_data().unwrap_or_default()),
            Err(_) => Err(Late::Total.word()),
        });
        self.inner = None;
        self.first.clear();
        self.held.clear();
    }

    fn too_late(&mut self, late: Late) -> Option<Result<Frame<Bytes>, BodyError>> {
        let is_between = self.eye.is_between_events();
        self.read_out();
        let family = self.open.record().and_then(|record| record.provider).map_or(Family::OpenAi, |p| p.family());
        self.open.finish(&End::Timeout(late.word()));
        self.state = State::Over;
        let is_between = match &self.strip {
            Some(strip) => strip.is_between_events(),
            None => is_between,
        };
        // Behind half an event, or in a coded stream, it would be read as rubbish: there the stream breaks off.
        if is_between {
            return Some(Ok(Frame::data(super::refusal::event(family, late.word()).into())));
        }
        Some(Err(late.word().into()))
    }

    /// Whether all has passed.
    pub fn is_end_stream(&self) -> bool {
        (self.state == State::Over && self.last.is_none())
            || (self.first.is_empty() && self.strip.is_none() && self.inner.as_ref().is_none_or(Body::is_end_stream))
    }

    /// How much is to come.
    pub fn size_hint(&self) -> SizeHint {
        let mut hint = if self.strip.is_some() {
            SizeHint::default()
        } else {
            self.inner.as_ref().map(Body::size_hint).unwrap_or_default()
        };
        let first: usize = self.first.iter().map(Bytes::len).sum();
        if let Some(exact) = hint.exact() {
            hint.set_exact(exact.saturating_add(first as u64));
        }
        hint
    }
}

impl Drop for Tap {
    fn drop(&mut self) {
        self.read_out();
    }
}

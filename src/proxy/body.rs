//! The two bodies that go out: a request's to an upstream, which notes when its last byte was taken, and an answer's to a
//! client.

use super::clock;
use super::tap::Tap;
use super::watch::Watched;
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use std::time::Instant;

/// What goes wrong with a body.
pub type BodyError = Box<dyn std::error::Error + Send + Sync>;

/// When the last byte of a request was taken.
pub type Sent = Arc<OnceLock<Instant>>;

/// The body of a request to an upstream.
pub enum Outbound {
    /// Bytes that are there.
    Whole {
        /// What is left of them.
        bytes: Option<Bytes>,
        /// When they were taken.
        sent: Sent,
    },
    /// Passed on as it comes.
    Passing {
        /// The client's body.
        body: Incoming,
        /// How many bytes may still come.
        left: usize,
        /// When the last was taken.
        sent: Sent,
    },
}

impl Outbound {
    /// A body that is there.
    pub fn whole(bytes: Bytes, sent: Sent) -> Outbound {
        Outbound::Whole { bytes: Some(bytes).filter(|bytes| !bytes.is_empty()), sent }
    }
}

/// A request's body is longer than allowed.
#[derive(Debug, thiserror::Error)]
#[error("the request's body is longer than allowed")]
pub struct TooLong;

/// A request's body broke off on its way from the client.
#[derive(Debug, thiserror::Error)]
#[error("the request's body broke off")]
pub struct BrokeOff(#[source] pub BodyError);

impl Body for Outbound {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        match &mut *self {
            Outbound::Whole { bytes, sent } => {
                let _ = sent.set(clock::now());
                Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes))))
            }
            Outbound::Passing { body, left, sent } => {
                let frame = std::task::ready!(Pin::new(body).poll_frame(cx));
                let Some(frame) = frame else {
                    let _ = sent.set(clock::now());
                    return Poll::Ready(None);
                };
                let frame = frame.map_err(|why| BrokeOff(why.into()))?;
                let taken = frame.data_ref().map_or(0, Bytes::len);
                *left = left.checked_sub(taken).ok_or(TooLong)?;
                Poll::Ready(Some(Ok(frame)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Outbound::Whole { bytes, .. } => bytes.is_none(),
            Outbound::Passing { body, .. } => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Outbound::Whole { bytes, .. } => SizeHint::with_exact(bytes.as_ref().map_or(0, |b| b.len() as u64)),
            Outbound::Passing { body, .. } => body.size_hint(),
        }
    }
}

/// The body of an answer to a client.
pub enum Reply {
    /// The gateway's own words.
    Own(Option<Bytes>),
    /// An upstream's, read while it passes.
    Tapped(Box<Tap>),
    /// The same, where it may take so long that somebody has to watch the time.
    Watched(Watched),
}

impl Reply {
    /// The gateway's own words.
    pub fn own(bytes: impl Into<Bytes>) -> Reply {
        Reply::Own(Some(bytes.into()).filter(|bytes| !bytes.is_empty()))
    }
}

impl Body for Reply {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        match &mut *self {
            Reply::Own(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Reply::Tapped(tap) => tap.poll_frame(cx),
            Reply::Watched(tap) => tap.with(|tap| tap.poll_frame(cx)),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Reply::Own(bytes) => bytes.is_none(),
            Reply::Tapped(tap) => tap.is_end_stream(),
            Reply::Watched(tap) => tap.with(|tap| tap.is_end_stream()),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Reply::Own(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, |b| b.len() as u64)),
            Reply::Tapped(tap) => tap.size_hint(),
            Reply::Watched(tap) => tap.with(|tap| tap.size_hint()),
        }
    }
}

//! A connection to an upstream that speaks HTTP/1.1: whoever has the call drives it, in the same task. A task of its own would
//! cost every call two hops there and back, and a wait in the run queue before each piece of a stream.

use super::body::Outbound;
use super::client::Stream;
use super::pool::Host;
use bytes::Bytes;
use http::{Request, Response};
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use hyper::client::conn::TrySendError;
use hyper::client::conn::http1::{Connection, SendRequest};
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

/// What comes of a request that was handed to a connection; one that was not begun comes back.
pub type Sent<T> = Result<Response<T>, TrySendError<Request<Outbound>>>;

/// A connection, for one call at a time.
pub struct Link(Box<Parts>);

struct Parts {
    sender: SendRequest<Outbound>,
    /// `None` once it is over; then nothing of it is kept waiting.
    connection: Option<Connection<Stream, Outbound>>,
    bell: Arc<Bell>,
    /// The bell, as the connection rings it.
    waker: Waker,
}

impl Link {
    /// A connection that stands.
    pub fn new((sender, connection): (SendRequest<Outbound>, Connection<Stream, Outbound>)) -> Link {
        let bell = Arc::<Bell>::default();
        let waker = Waker::from(Arc::clone(&bell));
        Link(Box::new(Parts { sender, connection: Some(connection), bell, waker }))
    }

    /// Moves it on, for a task that is woken when there is more to do.
    fn drive(&mut self, cx: &mut Context<'_>) {
        let Parts { connection, bell, waker, .. } = &mut *self.0;
        if let Some(driven) = connection {
            bell.ring_for(cx.waker());
            if Pin::new(driven).poll(&mut Context::from_waker(waker)).is_ready() {
                *connection = None;
            }
        }
    }

    /// Sends a request, and waits for the head of its answer.
    ///
    /// # Errors
    /// Where there is none.
    pub async fn send(mut self, request: Request<Outbound>, host: &Arc<Host>) -> Sent<Inbound> {
        self.0.bell.mute();
        // Only the connection moves it on, and that is driven here: it need not wake anybody.
        let mut answer = pin!(tokio::task::unconstrained(self.0.sender.try_send_request(request)));
        let response = poll_fn(|cx| {
            self.drive(cx);
            let polled = answer.as_mut().poll(&mut Context::from_waker(Waker::noop()));
            if polled.is_ready() {
                self.0.bell.mute();
            }
            polled
        });
        let response = response.await?;
        let host = Arc::clone(host);
        Ok(response.map(|body| Inbound::new(body, Some((self, host)))))
    }

    /// Whether it takes another call.
    fn is_free(&self) -> bool {
        self.0.connection.is_some() && self.0.sender.is_ready()
    }

    /// Whether it still stands, as far as is known, while nobody uses it.
    pub fn stands(&mut self) -> bool {
        self.drive(&mut Context::from_waker(Waker::noop()));
        self.rest();
        self.is_free()
    }

    /// Nobody uses it: what happens to it is seen by whoever looks next.
    fn rest(&self) {
        self.0.bell.mute();
        self.0.bell.forget();
    }

    /// Ends it politely.
    pub fn close(self) {
        let Parts { sender, connection, bell, .. } = *self.0;
        drop(sender);
        if let Some(connection) = connection {
            bell.forget();
            tokio::spawn(connection);
        }
    }
}

/// Wakes the task that drives a connection, but not for what that task does itself.
#[derive(Debug, Default)]
struct Bell {
    state: AtomicU8,
    task: Mutex<Option<Waker>>,
}

const LOUD: u8 = 0;
const MUTE: u8 = 1;
/// Somebody has rung a bell that is mute.
const MISSED: u8 = 2;

impl Bell {
    /// From now on it rings for this task.
    fn ring_for(&self, waker: &Waker) {
        let mut task = self.task.lock().unwrap_or_else(PoisonError::into_inner);
        match &mut *task {
            Some(known) => known.clone_from(waker),
            none => *none = Some(waker.clone()),
        }
        drop(task);
        self.state.store(LOUD, Ordering::SeqCst);
    }

    /// From now on it does not ring: the connection is driven again before anybody waits for it.
    fn mute(&self) {
        self.state.store(MUTE, Ordering::SeqCst);
    }

    /// From now on it rings again, at once where it was rung meanwhile.
    fn unmute(&self) {
        if self.state.swap(LOUD, Ordering::SeqCst) == MISSED {
            self.ring();
        }
    }

    fn ring(&self) {
        if let Some(task) = &*self.task.lock().unwrap_or_else(PoisonError::into_inner) {
            task.wake_by_ref();
        }
    }

    /// It has nobody to ring for.
    fn forget(&self) {
        *self.task.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if self.state.compare_exchange(MUTE, MISSED, Ordering::SeqCst, Ordering::SeqCst) == Err(LOUD) {
            self.ring();
        }
    }
}

/// The body of an answer. At its end the connection is free for another call; dropped before, it ends the call.
pub struct Inbound {
    body: Incoming,
    /// What drives it; `None` where that has a task of its own, or is no longer needed.
    link: Option<(Link, Arc<Host>)>,
    /// A piece has gone on, and nobody has waited since.
    has_given: bool,
    /// Why it broke off, once that has waited for its turn.
    broken: Option<hyper::Error>,
}

impl From<Incoming> for Inbound {
    fn from(body: Incoming) -> Inbound {
        Inbound::new(body, None)
    }
}

impl Inbound {
    fn new(body: Incoming, link: Option<(Link, Arc<Host>)>) -> Inbound {
        Inbound { body, link, has_given: false, broken: None }
    }

    /// The request is still on its way: it goes on whether or not anybody reads the answer.
    pub fn part(&mut self) {
        if let Some((link, _)) = self.link.take() {
            link.close();
        }
    }

    /// What has come, with the connection driven where nothing has.
    fn poll_body(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let Some((link, _)) = &mut self.link else { return Pin::new(&mut self.body).poll_frame(cx) };
        let mut own = Context::from_waker(Waker::noop());
        link.0.bell.mute();
        let there = Pin::new(&mut self.body).poll_frame(&mut own);
        if there.is_ready() {
            return there;
        }
        link.drive(cx);
        link.0.bell.mute();
        let came = Pin::new(&mut self.body).poll_frame(&mut own);
        if came.is_pending() {
            link.0.bell.unmute();
        }
        came
    }

    /// The answer is there: its connection takes another call, if it can.
    fn release(&mut self) {
        if let Some((link, host)) = self.link.take()
            && link.is_free()
        {
            link.rest();
            host.keep(link);
        }
    }
}

impl Body for Inbound {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        if let Some(why) = self.broken.take() {
            return Poll::Ready(Some(Err(why)));
        }
        let next = self.poll_body(cx);
        if matches!(next, Poll::Ready(None)) || next.is_ready() && self.body.is_end_stream() {
            self.release();
        }
        match next {
            // Whoever hears of it forgets what it has not sent yet: what came before has to go out first.
            Poll::Ready(Some(Err(why))) if std::mem::take(&mut self.has_given) => {
                self.broken = Some(why);
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            next => {
                self.has_given = next.is_ready();
                next
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Inbound {
    fn drop(&mut self) {
        // Without a body it has never been asked for one.
        if self.body.is_end_stream() {
            self.release();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicUsize;

    #[derive(Default)]
    struct Count(AtomicUsize);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    #[test]
    fn a_mute_bell_rings_later_where_somebody_waits_then() {
        let (bell, count) = (Arc::<Bell>::default(), Arc::<Count>::default());
        let rung = || count.0.load(Ordering::SeqCst);
        bell.wake_by_ref();
        bell.ring_for(&Waker::from(Arc::clone(&count)));
        bell.wake_by_ref();
        assert_eq!(rung(), 1);
        bell.mute();
        bell.wake_by_ref();
        bell.wake_by_ref();
        assert_eq!(rung(), 1);
        bell.unmute();
        assert_eq!(rung(), 2);
        bell.mute();
        bell.unmute();
        assert_eq!(rung(), 2, "nobody has rung it");
        bell.forget();
        bell.wake_by_ref();
        assert_eq!(rung(), 2);
    }
}

//! Listens, speaks HTTP/1.1 and HTTP/2 to clients, and stops in an orderly way: no new calls, time for those under way, the
//! rest recorded as stopped.

use super::{Gateway, admin, exchange};
use crate::event::LimitEvent;
use hyper::Request;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::io;
use std::net::TcpStream as StdStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio_rustls::TlsAcceptor;

/// Serves until `stop` is ready, then until the calls under way are over or the grace has passed; over TLS where there is
/// an acceptor of it. Shares its clients with `hands`, threads that [`assist`].
pub async fn serve(
    gateway: Arc<Gateway>,
    (listener, acceptor): (TcpListener, Option<TlsAcceptor>),
    hands: Vec<Hand>,
    stop: impl Future<Output = ()>,
) {
    let server = Server::new((gateway, acceptor));
    let telling = tokio::spawn(tell(Arc::clone(&server.gateway)));
    let own = Arc::new(());
    let mut stop = std::pin::pin!(stop);
    loop {
        tokio::select! {
            biased;
            () = &mut stop => break,
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => match idlest(&hands, &own) {
                    Some(hand) => hand.take(stream),
                    None => server.accept(stream, Arc::clone(&own)),
                },
                Err(why) => pause_after(&why).await,
            },
        }
    }
    telling.abort();
    drop((listener, hands));
    server.end().await;
}

/// How often it is told what is known of limits.
const TELL: Duration = Duration::from_secs(2);

/// Tells what is known of limits, where that has changed, until it is stopped.
async fn tell(gateway: Arc<Gateway>) {
    let mut before = Vec::new();
    let mut tick = tokio::time::interval(TELL);
    loop {
        tick.tick().await;
        let now = gateway.throttle.told();
        let is_new = |limit: &&LimitEvent| {
            !before.iter().any(|old| LimitEvent { ts_us: limit.ts_us, ..LimitEvent::clone(old) } == **limit)
        };
        let new: Vec<LimitEvent> = now.iter().filter(is_new).cloned().collect();
        gateway.recorder.tell(&new);
        before = now;
    }
}

/// Serves the clients that are handed to it, until nobody hands any more; then as [`serve`] does.
pub async fn assist(of: (Arc<Gateway>, Option<TlsAcceptor>), mut handed: Handed) {
    let server = Server::new(of);
    while let Some((stream, load)) = handed.recv().await {
        // A stream that is none any more is found at once by its client, too.
        if let Ok(stream) = TcpStream::from_std(stream) {
            server.accept(stream, load);
        }
    }
    server.end().await;
}

/// A thread that assists.
pub struct Hand {
    streams: UnboundedSender<(StdStream, Load)>,
    load: Load,
}

/// Held by each connection of a thread, so that they can be counted.
type Load = Arc<()>;

/// What is handed to a thread that assists.
pub type Handed = UnboundedReceiver<(StdStream, Load)>;

/// A new hand, and what it takes.
pub fn hand() -> (Hand, Handed) {
    let (streams, handed) = unbounded_channel();
    (Hand { streams, load: Load::default() }, handed)
}

impl Hand {
    fn take(&self, stream: TcpStream) {
        // A thread that is gone takes none; its client sees a closed connection.
        if let Ok(stream) = stream.into_std() {
            let _ = self.streams.send((stream, Arc::clone(&self.load)));
        }
    }
}

/// The hand with the fewest connections; `None` where whoever asks has no more.
fn idlest<'h>(hands: &'h [Hand], own: &Load) -> Option<&'h Hand> {
    let idlest = hands.iter().min_by_key(|hand| Arc::strong_count(&hand.load))?;
    (Arc::strong_count(&idlest.load) < Arc::strong_count(own)).then_some(idlest)
}

/// What a connection needs.
struct Server {
    gateway: Arc<Gateway>,
    builder: auto::Builder<TokioExecutor>,
    graceful: GracefulShutdown,
    acceptor: Option<TlsAcceptor>,
}

impl Server {
    fn new((gateway, acceptor): (Arc<Gateway>, Option<TlsAcceptor>)) -> Server {
        Server { gateway, builder: builder(), graceful: GracefulShutdown::new(), acceptor }
    }

    /// Waits for what is under way, as long as is allowed.
    async fn end(self) {
        let Server { gateway, graceful, .. } = self;
        if tokio::time::timeout(gateway.settings().grace, graceful.shutdown()).await.is_err() {
            gateway.recorder.stop();
        }
    }

    fn accept(&self, stream: TcpStream, load: Load) {
        // A reset while it was accepted is found again at the first read.
        let _ = stream.set_nodelay(true);
        let (gateway, builder, watcher) = (Arc::clone(&self.gateway), self.builder.clone(), self.graceful.watcher());
        match self.acceptor.clone() {
            None => drop(tokio::spawn(async move {
                let _load = load;
                connection(gateway, builder, watcher, stream).await;
            })),
            Some(acceptor) => drop(tokio::spawn(async move {
                let _load = load;
                // Who does not get through the handshake in time has no call to be recorded.
                if let Ok(Ok(stream)) = tokio::time::timeout(HANDSHAKE, acceptor.accept(stream)).await {
                    connection(gateway, builder, watcher, stream).await;
                }
            })),
        }
    }
}

/// How long a TLS handshake may take.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// How long a new connection may take to ask for anything.
const FIRST_HEAD: Duration = Duration::from_secs(75);

async fn connection<S>(gateway: Arc<Gateway>, builder: auto::Builder<TokioExecutor>, watcher: Watcher, stream: S)
where
    S: AsyncRead + AsyncWrite + Unpin + 'static,
{
    let has_asked = Arc::new(AtomicBool::new(false));
    let asked = Arc::clone(&has_asked);
    let service = service_fn(move |request: Request<Incoming>| {
        asked.store(true, Ordering::Relaxed);
        let gateway = Arc::clone(&gateway);
        async move {
            let own = admin::answer(&gateway, request.method(), request.uri().path(), request.headers());
            Ok::<_, Infallible>(match own {
                Some(answer) => answer,
                None => exchange::answer(gateway, request).await,
            })
        }
    });
    let connection = builder.serve_connection(TokioIo::new(stream), service);
    let mut connection = std::pin::pin!(watcher.watch(connection.into_owned()));
    let mut first_head = std::pin::pin!(tokio::time::sleep(FIRST_HEAD));
    // What breaks a connection has been recorded with its call. Later heads have a timer of their own.
    poll_fn(|cx| match connection.as_mut().poll(cx) {
        Poll::Ready(_) => Poll::Ready(()),
        Poll::Pending if has_asked.load(Ordering::Relaxed) => Poll::Pending,
        Poll::Pending => first_head.as_mut().poll(cx),
    })
    .await;
}

fn builder() -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .preserve_header_case(true)
        .auto_date_header(false)
        .keep_alive(true)
        .timer(TokioTimer::new())
        .header_read_timeout(Duration::from_secs(75));
    builder.http2().auto_date_header(false).adaptive_window(true).timer(TokioTimer::new());
    builder
}

/// A call refused by the system (too many open files) is tried again soon, not at once.
async fn pause_after(why: &io::Error) {
    use io::ErrorKind::{ConnectionAborted, ConnectionReset, Interrupted};
    if !matches!(why.kind(), ConnectionAborted | ConnectionReset | Interrupted) {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

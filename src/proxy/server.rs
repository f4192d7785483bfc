//! Listens, speaks HTTP/1.1 and HTTP/2 to clients, and stops in an orderly way: no new calls, time for those under way, the
//! rest recorded as stopped.

use super::{Gateway, exchange};
use hyper::Request;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulShutdown;
use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};

/// Serves until `stop` is ready, then until the calls under way are over or the grace has passed.
///
/// # Errors
/// Where the listener breaks.
pub async fn serve(gateway: Arc<Gateway>, listener: TcpListener, stop: impl Future<Output = ()>) -> io::Result<()> {
    let graceful = GracefulShutdown::new();
    let builder = builder();
    let mut stop = std::pin::pin!(stop);
    loop {
        tokio::select! {
            biased;
            () = &mut stop => break,
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => connection(&gateway, &builder, &graceful, stream),
                Err(why) => pause_after(&why).await,
            },
        }
    }
    drop(listener);
    if tokio::time::timeout(gateway.settings().grace, graceful.shutdown()).await.is_err() {
        gateway.recorder.stop();
    }
    Ok(())
}

fn builder() -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .preserve_header_case(true)
        .auto_date_header(false)
        .keep_alive(true)
        .pipeline_flush(true)
        .timer(TokioTimer::new())
        .header_read_timeout(Duration::from_secs(75));
    builder.http2().auto_date_header(false).adaptive_window(true).timer(TokioTimer::new());
    builder
}

fn connection(
    gateway: &Arc<Gateway>,
    builder: &auto::Builder<TokioExecutor>,
    graceful: &GracefulShutdown,
    stream: TcpStream,
) {
    // A reset while it was accepted is found again at the first read.
    let _ = stream.set_nodelay(true);
    let gateway = Arc::clone(gateway);
    let service = service_fn(move |request: Request<Incoming>| {
        let gateway = Arc::clone(&gateway);
        async move { Ok::<_, Infallible>(exchange::answer(gateway, request).await) }
    });
    let connection = builder.serve_connection(TokioIo::new(stream), service).into_owned();
    let connection = graceful.watch(connection);
    tokio::spawn(async move {
        // What breaks a connection has been recorded with its call.
        let _ = connection.await;
    });
}

/// A call refused by the system (too many open files) is tried again soon, not at once.
async fn pause_after(why: &io::Error) {
    use io::ErrorKind::{ConnectionAborted, ConnectionReset, Interrupted};
    if !matches!(why.kind(), ConnectionAborted | ConnectionReset | Interrupted) {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

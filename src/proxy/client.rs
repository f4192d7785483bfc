//! The pooled client to the upstreams: HTTP/1.1 and HTTP/2, TLS with the system's roots, else with Mozilla's, and for each
//! connection when it was opened, so that a call can say how long it waited for one.

use super::body::Outbound;
use super::clock;
use hyper::Uri;
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_rustls::{ConfigBuilderExt, HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::{Connected, Connection, HttpConnector};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::ClientConfig;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use tower_service::Service;

type Pool = Client<Timed<HttpsConnector<HttpConnector>>, Outbound>;

/// The clients: the more calls are under way at an upstream, the more of them share those. One alone would have one
/// connection to an upstream that speaks HTTP/2, which takes so many calls at a time as the upstream pleases.
pub struct Upstreams([Pool; POOLS]);

const POOLS: usize = 8;

/// Calls at an upstream before the next client takes one: providers take 100 on a connection and more.
const CALLS: usize = 64;

impl Upstreams {
    /// The client for one more call where so many are under way.
    pub fn beside(&self, in_flight: usize) -> &Pool {
        &self.0[in_flight / CALLS % POOLS]
    }
}

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Makes the clients.
///
/// # Errors
/// Where the root certificates that the environment names cannot be read.
pub fn client(connect: Duration) -> io::Result<Upstreams> {
    let mut http = HttpConnector::new();
    http.enforce_http(false);
    http.set_nodelay(true);
    // What has died without a word is found out.
    http.set_keepalive(Some(ALIVE));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let tls = tls.map_err(io::Error::other)?;
    // A container may have no roots at all. Who names some means those and no others.
    let are_named = ["SSL_CERT_FILE", "SSL_CERT_DIR"].iter().any(|name| std::env::var_os(name).is_some());
    let tls = match tls.clone().with_native_roots() {
        Ok(tls) => tls,
        Err(_) if !are_named => tls.with_webpki_roots(),
        Err(why) => return Err(io::Error::other(format!("SSL_CERT_FILE and SSL_CERT_DIR: {why}"))),
    };
    let tls = tls.with_no_client_auth();
    let https = HttpsConnectorBuilder::new()
        .with_tls_config(tls)
        .https_or_http()
        .enable_http1()
        .enable_http2()
        .wrap_connector(http);
    let connector = Timed { inner: https, within: connect };
    Ok(Upstreams(std::array::from_fn(|_| pool(connector.clone()))))
}

/// Connections that are silent for so long are asked whether they live.
const ALIVE: Duration = Duration::from_secs(20);

fn pool(connector: Timed<HttpsConnector<HttpConnector>>) -> Pool {
    Client::builder(TokioExecutor::new())
        .pool_idle_timeout(Duration::from_secs(90))
        .pool_timer(TokioTimer::new())
        .timer(TokioTimer::new())
        .http1_preserve_header_case(true)
        .http1_title_case_headers(false)
        .http2_adaptive_window(true)
        .http2_keep_alive_interval(ALIVE)
        .http2_keep_alive_timeout(Duration::from_secs(10))
        .http2_keep_alive_while_idle(true)
        .build(connector)
}

/// When a connection was asked for and when it stood.
#[derive(Debug, Clone, Copy)]
pub struct Opened {
    /// When it was asked for.
    pub begun: Instant,
    /// When it stood, TLS included.
    pub done: Instant,
}

/// A connector that notes when, and gives up in time, TLS included.
#[derive(Clone)]
pub struct Timed<C> {
    inner: C,
    within: Duration,
}

impl<C> Service<Uri> for Timed<C>
where
    C: Service<Uri>,
    C::Response: Send,
    C::Error: Into<BoxError>,
    C::Future: Send + 'static,
{
    type Response = Noted<C::Response>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Noted<C::Response>, BoxError>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let begun = clock::now();
        let within = self.within;
        let connecting = self.inner.call(uri);
        Box::pin(async move {
            let opened = tokio::time::timeout(within, connecting).await;
            let inner = opened.map_err(|_| ConnectTimeout(within))?.map_err(Into::into)?;
            Ok(Noted { inner, opened: Opened { begun, done: clock::now() } })
        })
    }
}

/// No connection stood in time.
#[derive(Debug, thiserror::Error)]
#[error("no connection within {} ms", .0.as_millis())]
pub struct ConnectTimeout(pub Duration);

/// A connection that knows when it was opened.
pub struct Noted<T> {
    inner: T,
    opened: Opened,
}

impl<T: Connection> Connection for Noted<T> {
    fn connected(&self) -> Connected {
        self.inner.connected().extra(self.opened)
    }
}

impl<T: Read + Unpin> Read for Noted<T> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: ReadBufCursor<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_read(cx, buf)
    }
}

impl<T: Write + Unpin> Write for Noted<T> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write_vectored(cx, bufs)
    }
}

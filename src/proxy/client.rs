//! The way to the upstreams: connections that stand or are opened now, HTTP/1.1 and HTTP/2, TLS with the system's roots, else
//! with Mozilla's.

use super::body::Outbound;
use super::clock;
use super::link::{Inbound, Link};
use super::pool::{Host, Shared, Way};
use http::{Request, Response};
use hyper::client::conn::{http1, http2};
use hyper_rustls::{ConfigBuilderExt, HttpsConnector, HttpsConnectorBuilder, MaybeHttpsStream};
use hyper_util::client::legacy::connect::{Connection, HttpConnector};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use rustls::ClientConfig;
use std::error::Error;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::net::TcpStream;
use tower_service::Service;

/// What a connection runs over.
pub type Stream = MaybeHttpsStream<TokioIo<TcpStream>>;

/// The upstreams of one thread, by their addresses.
pub struct Upstreams {
    connector: HttpsConnector<HttpConnector>,
    within: Duration,
    hosts: Arc<Mutex<Vec<Arc<Host>>>>,
    is_swept: AtomicBool,
}

type BoxError = Box<dyn Error + Send + Sync>;

/// Why a request got no answer.
#[derive(Debug, thiserror::Error)]
pub enum Unanswered {
    /// The address names no host.
    #[error("client error (UserAbsoluteUriRequired)")]
    Address,
    /// No connection.
    #[error("client error (Connect)")]
    Connect(#[source] BoxError),
    /// The connection was over before the request had begun.
    #[error("client error (Canceled)")]
    Canceled(#[source] hyper::Error),
    /// The connection did not hold.
    #[error("client error (SendRequest)")]
    Sent(#[source] hyper::Error),
}

/// No connection stood in time.
#[derive(Debug, thiserror::Error)]
#[error("no connection within {} ms", .0.as_millis())]
pub struct ConnectTimeout(pub Duration);

/// Makes the way to the upstreams, a connection of which has to stand within `connect`.
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
    Ok(Upstreams { connector: https, within: connect, hosts: Arc::default(), is_swept: AtomicBool::new(false) })
}

/// Connections that are silent for so long are asked whether they live.
const ALIVE: Duration = Duration::from_secs(20);

/// How often it is seen which connections have ended.
const SWEEP: Duration = Duration::from_secs(5);

impl Upstreams {
    /// Sends a request beside so many others, over a connection that stands if there is one; `opened` is how long it waited for
    /// another. One that ended before the request had begun is no matter.
    ///
    /// # Errors
    /// Where there is no answer.
    pub async fn send(
        &self,
        mut request: Request<Outbound>,
        in_flight: usize,
        opened: &mut Option<Duration>,
    ) -> Result<Response<Inbound>, Unanswered> {
        let host = self.host(&request)?;
        loop {
            let standing = host.standing(in_flight);
            let is_new = standing.is_none();
            let way = match standing {
                Some(way) => way,
                // Seldom, and large: what every call carries about is small without it.
                None => Box::pin(self.open(&host, in_flight, opened)).await?,
            };
            let mut why = match send(way, request, &host).await {
                Ok(response) => return Ok(response),
                Err(why) => why,
            };
            request = match why.take_message() {
                Some(request) if !is_new => request,
                Some(_) => return Err(Unanswered::Canceled(why.into_error())),
                None => return Err(Unanswered::Sent(why.into_error())),
            };
        }
    }

    fn host(&self, request: &Request<Outbound>) -> Result<Arc<Host>, Unanswered> {
        let mut hosts = lock(&self.hosts);
        if let Some(known) = hosts.iter().find(|host| host.is_of(request.uri())) {
            return Ok(Arc::clone(known));
        }
        let host = Arc::new(Host::of(request.uri()).ok_or(Unanswered::Address)?);
        hosts.push(Arc::clone(&host));
        Ok(host)
    }

    async fn open(&self, host: &Arc<Host>, in_flight: usize, opened: &mut Option<Duration>) -> Result<Way, Unanswered> {
        self.sweep();
        let begun = clock::now();
        let connecting = self.connector.clone().call(host.address());
        let stream = match tokio::time::timeout(self.within, connecting).await {
            Ok(stream) => stream.map_err(Unanswered::Connect)?,
            Err(_) => return Err(Unanswered::Connect(ConnectTimeout(self.within).into())),
        };
        *opened = Some(clock::now().saturating_duration_since(begun));
        if stream.connected().is_negotiated_h2() {
            return Ok(Way::Shared(host.share(shared(stream).await?, in_flight)));
        }
        let (sender, connection) =
            http1::Builder::new().preserve_header_case(true).handshake(stream).await.map_err(connect)?;
        Ok(Way::Own(Link::new((sender, connection))))
    }

    /// Looks after the connections from now on, until they are gone.
    fn sweep(&self) {
        if self.is_swept.swap(true, Ordering::Relaxed) {
            return;
        }
        let hosts = Arc::downgrade(&self.hosts);
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(SWEEP).await;
                let Some(hosts) = hosts.upgrade() else { return };
                let known: Vec<Arc<Host>> = lock(&hosts).clone();
                known.iter().for_each(|host| host.sweep(clock::now()));
            }
        });
    }
}

fn lock(hosts: &Mutex<Vec<Arc<Host>>>) -> MutexGuard<'_, Vec<Arc<Host>>> {
    hosts.lock().unwrap_or_else(PoisonError::into_inner)
}

fn connect(why: hyper::Error) -> Unanswered {
    Unanswered::Connect(why.into())
}

async fn send(way: Way, mut request: Request<Outbound>, host: &Arc<Host>) -> super::link::Sent<Inbound> {
    match way {
        Way::Own(link) => {
            host.own(&mut request);
            link.send(request, host).await
        }
        Way::Shared(mut shared) => {
            host.shared(&mut request);
            Ok(shared.try_send_request(request).await?.map(Inbound::from))
        }
    }
}

/// A connection of HTTP/2, which has a task of its own.
async fn shared(stream: Stream) -> Result<Shared, Unanswered> {
    let mut builder = http2::Builder::new(TokioExecutor::new());
    builder
        .timer(TokioTimer::new())
        .adaptive_window(true)
        .keep_alive_interval(ALIVE)
        .keep_alive_timeout(Duration::from_secs(10))
        .keep_alive_while_idle(true);
    let (mut sender, connection) = builder.handshake(stream).await.map_err(connect)?;
    tokio::spawn(connection);
    sender.ready().await.map_err(connect)?;
    Ok(sender)
}

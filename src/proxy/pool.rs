//! The connections to one upstream that stand: those of HTTP/1.1 that rest between calls, and those of HTTP/2, which calls
//! share.

use super::body::Outbound;
use super::clock;
use super::link::Link;
use http::header::HOST;
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{HeaderValue, Request, Uri};
use hyper::client::conn::http2;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// A connection of HTTP/2, for many calls.
pub type Shared = http2::SendRequest<Outbound>;

/// A connection that stands.
pub enum Way {
    /// For one call at a time.
    Own(Link),
    /// For many.
    Shared(Shared),
}

/// A connection that nobody has used for so long is closed.
const REST: Duration = Duration::from_secs(90);

/// The more calls are under way at an upstream, the more connections of HTTP/2 they share: one alone would take as many at a
/// time as the upstream pleases.
const SHARES: usize = 8;

/// Calls at an upstream before the next connection is shared: providers take 100 on one and more.
const CALLS: usize = 64;

/// An upstream, as far as its connections go.
pub struct Host {
    scheme: Scheme,
    authority: Authority,
    /// Its name as HTTP/1.1 tells it.
    name: HeaderValue,
    standing: Mutex<Standing>,
}

#[derive(Default)]
struct Standing {
    resting: Vec<(Link, Instant)>,
    shared: [Option<(Shared, Instant)>; SHARES],
}

impl Host {
    /// An upstream without any connection yet; `None` where the address does not say which.
    pub fn of(address: &Uri) -> Option<Host> {
        let (scheme, authority) = (address.scheme()?.clone(), address.authority()?.clone());
        let is_usual = matches!((address.port_u16(), scheme == Scheme::HTTPS), (Some(443), true) | (Some(80), false));
        let name = match authority.port().filter(|_| !is_usual) {
            Some(port) => format!("{}:{port}", authority.host()),
            None => authority.host().to_owned(),
        };
        let name = HeaderValue::try_from(name).ok()?;
        Some(Host { scheme, authority, name, standing: Mutex::default() })
    }

    /// Whether an address is of it.
    pub fn is_of(&self, address: &Uri) -> bool {
        address.authority() == Some(&self.authority) && address.scheme() == Some(&self.scheme)
    }

    /// Its address, without a path.
    pub fn address(&self) -> Uri {
        self.with(PathAndQuery::from_static("/"))
    }

    fn with(&self, path: PathAndQuery) -> Uri {
        let mut parts = http::uri::Parts::default();
        parts.scheme = Some(self.scheme.clone());
        parts.authority = Some(self.authority.clone());
        parts.path_and_query = Some(path);
        // Its parts have been those of an address.
        Uri::from_parts(parts).unwrap_or_default()
    }

    /// A connection that stands, for a call beside so many others: of HTTP/1.1 the one that was used last.
    pub fn standing(&self, in_flight: usize) -> Option<Way> {
        let mut standing = self.lock();
        if let Some((link, _)) = standing.resting.pop() {
            return Some(Way::Own(link));
        }
        let place = &mut standing.shared[in_flight / CALLS % SHARES];
        let (shared, used) = place.as_mut().filter(|(shared, _)| shared.is_ready())?;
        *used = clock::now();
        Some(Way::Shared(shared.clone()))
    }

    /// Keeps a connection that takes another call.
    pub fn keep(&self, link: Link) {
        self.lock().resting.push((link, clock::now()));
    }

    /// Shares a new connection; one that is shared already is used instead.
    pub fn share(&self, new: Shared, in_flight: usize) -> Shared {
        let place = &mut self.lock().shared[in_flight / CALLS % SHARES];
        let (shared, used) = match place.take() {
            Some(known) if known.0.is_ready() => known,
            _ => (new, clock::now()),
        };
        place.insert((shared, used)).0.clone()
    }

    /// Closes what has ended, or has rested for long.
    pub fn sweep(&self, now: Instant) {
        let is_fresh = |used: &Instant| now.saturating_duration_since(*used) < REST;
        let mut standing = self.lock();
        for place in &mut standing.shared {
            *place = place.take().filter(|(shared, used)| shared.is_ready() && is_fresh(used));
        }
        let resting = std::mem::take(&mut standing.resting);
        for (mut link, used) in resting {
            if !is_fresh(&used) {
                link.close();
            } else if link.stands() {
                standing.resting.push((link, used));
            }
        }
    }

    /// Writes a request as HTTP/1.1 has it: the name in a header, the path alone in the address.
    pub fn own(&self, request: &mut Request<Outbound>) {
        request.headers_mut().entry(HOST).or_insert_with(|| self.name.clone());
        *request.uri_mut() =
            std::mem::take(request.uri_mut()).into_parts().path_and_query.map_or_else(Uri::default, Uri::from);
    }

    /// Writes a request as HTTP/2 has it, be it written as [`Host::own`] before.
    pub fn shared(&self, request: &mut Request<Outbound>) {
        if request.uri().authority().is_none() {
            let path = request.uri().path_and_query().cloned();
            *request.uri_mut() = self.with(path.unwrap_or_else(|| PathAndQuery::from_static("/")));
            request.headers_mut().remove(HOST);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Standing> {
        self.standing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use hyper::client::conn::http1;
    use hyper_rustls::MaybeHttpsStream;
    use hyper_util::rt::TokioIo;
    use tokio::net::{TcpListener, TcpStream};

    fn host(address: &'static str) -> Host {
        Host::of(&Uri::from_static(address)).unwrap()
    }

    /// A connection, and its other end.
    async fn link() -> (Link, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let stream = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let handshake = http1::handshake(MaybeHttpsStream::Http(TokioIo::new(stream)));
        (Link::new(handshake.await.unwrap()), listener.accept().await.unwrap().0)
    }

    fn resting(host: &Host) -> usize {
        host.lock().resting.len()
    }

    #[tokio::test]
    async fn what_rests_goes_with_its_upstream_and_after_a_while() {
        let host = host("http://up");
        let ((one, peer), (two, _kept)) = (link().await, link().await);
        host.keep(one);
        host.keep(two);
        host.sweep(clock::now());
        assert_eq!(resting(&host), 2);
        drop(peer);
        while resting(&host) == 2 {
            tokio::time::sleep(Duration::from_millis(1)).await;
            host.sweep(clock::now());
        }
        assert!(
            matches!(host.standing(0), Some(Way::Own(_))) && host.standing(0).is_none(),
            "one is left, for one call"
        );
        let (three, _kept) = link().await;
        host.keep(three);
        host.sweep(clock::now() + REST);
        assert_eq!(resting(&host), 0);
    }

    #[test]
    fn a_request_names_its_host_as_its_protocol_has_it() {
        for (address, name) in [
            ("http://up/v1/x?y=1", "up"),
            ("http://up:80/v1/x?y=1", "up"),
            ("https://up:443/v1/x?y=1", "up"),
            ("https://up:80/v1/x?y=1", "up:80"),
            ("http://[::1]:8080/v1/x?y=1", "[::1]:8080"),
        ] {
            let (host, whole) = (host(address), Uri::from_static(address));
            assert!(host.is_of(&whole) && !host.is_of(&Uri::from_static("http://other/")), "{address}");
            let mut request = Request::new(Outbound::whole("".into(), Default::default()));
            *request.uri_mut() = whole.clone();
            host.own(&mut request);
            assert_eq!(
                (request.uri().to_string().as_str(), &request.headers()[HOST]),
                ("/v1/x?y=1", &name.parse().unwrap())
            );
            host.shared(&mut request);
            assert_eq!((request.uri(), request.headers().len()), (&whole, 0), "{address}");
        }
        assert!(Host::of(&Uri::from_static("/v1/x")).is_none());
    }
}

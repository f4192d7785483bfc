//! HTTP/2 and TLS on both sides of the gateway: clients with prior knowledge and by ALPN, a certificate that cannot be used,
//! and upstreams behind an authority of one's own.

mod gateway_common;

use bytes::Bytes;
use gateway_common::{Act, Gateway, Home, Upstream, chunk, json, stream_head};
use http::{HeaderMap, Request, Response, StatusCode, Version};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use std::convert::Infallible;
use std::future::Future;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;
use tokio_rustls::{TlsAcceptor, TlsConnector};

const CHAT: &str = "/v1/chat/completions";
const ASK: &str = r#"{"model":"gpt-4o-mini","messages":[{"role":"user","content":"hi"}]}"#;
const ASK_STREAM: &str = r#"{"model":"gpt-4o-mini","stream":true,"messages":[{"role":"user","content":"hi"}]}"#;
const ANSWER: &str = r#"{"id":"c1","model":"gpt-4o-mini","choices":[{"index":0,"message":{"role":"assistant","content":"Hello"},"finish_reason":"stop"}],"usage":{"prompt_tokens":9,"completion_tokens":3}}"#;
const WORD: &str = "data: {\"id\":\"c1\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Hel\"}}]}\n\n";

/// An authority, and a certificate of it for this machine.
struct Authority {
    root: String,
    cert: String,
    key: String,
}

impl Authority {
    fn new() -> Authority {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        let root = params.self_signed(&key).expect("a root").pem();
        let issuer = Issuer::new(params, key);
        let key = KeyPair::generate().expect("a key");
        let names = CertificateParams::new(["localhost".to_owned(), "127.0.0.1".to_owned()]).expect("names");
        let cert = names.signed_by(&key, &issuer).expect("a certificate").pem();
        Authority { root, cert, key: key.serialize_pem() }
    }

    /// A client that trusts it, and offers these protocols.
    fn connector(&self, protocols: &[&str]) -> TlsConnector {
        let mut roots = rustls::RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(self.root.as_bytes()).expect("PEM")).expect("a root");
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let mut config = config.expect("versions").with_root_certificates(roots).with_no_client_auth();
        config.alpn_protocols = protocols.iter().map(|protocol| protocol.as_bytes().to_vec()).collect();
        TlsConnector::from(Arc::new(config))
    }

    /// A server with its certificate, that offers these protocols.
    fn acceptor(&self, protocols: &[&str]) -> TlsAcceptor {
        let chain = vec![CertificateDer::from_pem_slice(self.cert.as_bytes()).expect("PEM")];
        let key = PrivateKeyDer::from_pem_slice(self.key.as_bytes()).expect("PEM");
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let config = config.expect("versions").with_no_client_auth().with_single_cert(chain, key);
        let mut config = config.expect("a certificate");
        config.alpn_protocols = protocols.iter().map(|protocol| protocol.as_bytes().to_vec()).collect();
        TlsAcceptor::from(Arc::new(config))
    }

    /// A home in which a gateway has its certificate.
    fn home(&self, upstream: &Upstream) -> Home {
        let home = Home::new();
        let (cert, key) = (home.write("cert.pem", &self.cert), home.write("key.pem", &self.key));
        let tls = format!("tls_cert = \"{}\"\ntls_key = \"{}\"", cert.display(), key.display());
        let config = format!("[proxy]\n{tls}\n[upstream.one]\nbase_url = \"{}\"\n", upstream.url());
        home.write("config/llmtop/config.toml", config);
        home
    }
}

fn wait<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let within = Duration::from_secs(60);
    runtime.block_on(async { tokio::time::timeout(within, future).await.expect("in time") })
}

fn whole() -> Act {
    let headers = "Connection: keep-alive, X-Mine\r\nX-Mine: 1\r\nKeep-Alive: timeout=5\r\nX-Theirs: 2\r\n";
    Act::Send(vec![json("200 OK", headers, ANSWER)])
}

fn post(body: &'static str, id: &str) -> Request<Full<Bytes>> {
    let request = Request::post(format!("http://gateway{CHAT}")).header("x-llmtop-request-id", id);
    request.header("content-type", "application/json").body(Full::from(body)).expect("a request")
}

type Http2 = http2::SendRequest<Full<Bytes>>;

/// A connection that speaks HTTP/2 from its first byte.
async fn http2<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(stream: S) -> Http2 {
    let (sender, connection) =
        http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.expect("a connection");
    tokio::spawn(connection);
    sender
}

async fn read(answer: Response<Incoming>) -> (StatusCode, Version, HeaderMap, String) {
    let (head, body) = answer.into_parts();
    let body = body.collect().await.expect("a whole body").to_bytes();
    (head.status, head.version, head.headers, String::from_utf8_lossy(&body).into_owned())
}

async fn ask(sender: &mut Http2, id: &str) -> (StatusCode, Version, HeaderMap, String) {
    read(sender.send_request(post(ASK, id)).await.expect("an answer")).await
}

#[test]
fn one_connection_of_http2_carries_many_calls() {
    let upstream = Upstream::start(vec![whole()]);
    let gateway = Gateway::of(&upstream);
    wait(async {
        let sender = http2(TcpStream::connect(gateway.address).await.expect("connected")).await;
        let calls: Vec<_> = (0..30)
            .map(|n| {
                let mut sender = sender.clone();
                tokio::spawn(async move { ask(&mut sender, &format!("call-{n}")).await })
            })
            .collect();
        for call in calls {
            let (status, version, headers, body) = call.await.expect("no panic");
            assert_eq!((status, version, body.as_str()), (StatusCode::OK, Version::HTTP_2, ANSWER));
            assert_eq!(headers.get("x-theirs").expect("passed"), "2");
            for name in ["connection", "keep-alive", "x-mine", "transfer-encoding"] {
                assert!(!headers.contains_key(name), "{name} belongs to one connection: {headers:?}");
            }
        }
    });
    let asked = upstream.asked();
    assert_eq!(asked.line, format!("POST {CHAT} HTTP/1.1"));
    assert_eq!(asked.header("host"), Some(upstream.address.to_string().as_str()), "its own, not the gateway's");
    let mut ids: Vec<String> = gateway.calls(30).iter().map(|call| call["request_id"].to_string()).collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 30, "each once");
}

/// Waits until the gateway has left a stalled answer, while the connection to it is driven on.
async fn left(upstream: Upstream) -> Upstream {
    let waited = tokio::task::spawn_blocking(move || {
        upstream.is_left();
        upstream
    });
    waited.await.expect("it is left")
}

#[test]
fn a_stream_that_is_left_ends_alone() {
    let upstream = Upstream::start(vec![Act::Stall(vec![stream_head(), chunk(WORD)]), whole()]);
    let gateway = Gateway::of(&upstream);
    wait(async {
        let mut sender = http2(TcpStream::connect(gateway.address).await.expect("connected")).await;
        let mut stream = sender.send_request(post(ASK_STREAM, "left")).await.expect("an answer");
        let first = stream.frame().await.expect("a frame").expect("no error").into_data().expect("data");
        assert_eq!(first, WORD, "at once, not at the end");
        assert_eq!(ask(&mut sender, "beside").await.3, ANSWER);
        drop(stream);
        left(upstream).await;
        assert_eq!(ask(&mut sender, "after").await.3, ANSWER, "the connection goes on");
    });
    for call in gateway.calls(3) {
        let want = if call["request_id"] == "left" { "client_left" } else { "ok" };
        let got = call["error_type"].as_str().or(call["status"].as_str());
        assert_eq!(got, Some(want), "{call}");
    }
}

#[test]
fn a_stop_ends_streams_of_http2_after_their_grace() {
    let upstream = Upstream::start(vec![Act::Stall(vec![stream_head(), chunk(WORD)])]);
    let config = "[proxy]\ngrace = \"200ms\"\n[upstream.one]\nbase_url = \"UPSTREAM\"\n";
    let mut gateway = Gateway::told(&upstream, config);
    wait(async {
        let mut sender = http2(TcpStream::connect(gateway.address).await.expect("connected")).await;
        let mut stream = sender.send_request(post(ASK_STREAM, "stopped")).await.expect("an answer");
        stream.frame().await.expect("a frame").expect("no error");
        gateway.signal("-TERM");
        assert!(stream.collect().await.is_err(), "it breaks off");
    });
    assert_eq!(gateway.ended(), Some(143));
    assert_eq!(gateway.calls(1)[0]["error_type"], "proxy_shutdown");
}

async fn connect(authority: &Authority, protocols: &[&str], address: SocketAddr) -> TlsStream<TcpStream> {
    let stream = TcpStream::connect(address).await.expect("connected");
    let name = ServerName::try_from("localhost").expect("a name");
    authority.connector(protocols).connect(name, stream).await.expect("TLS")
}

#[test]
fn a_listener_with_a_certificate_speaks_both_versions() {
    let (authority, upstream) = (Authority::new(), Upstream::start(vec![whole()]));
    let gateway = Gateway::start(authority.home(&upstream), &[]);
    wait(async {
        let stream = connect(&authority, &["h2", "http/1.1"], gateway.address).await;
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
        let (status, version, _, body) = ask(&mut http2(stream).await, "by-h2").await;
        assert_eq!((status, version, body.as_str()), (StatusCode::OK, Version::HTTP_2, ANSWER));
        for (protocols, chosen, id) in
            [(&["http/1.1"][..], Some(&b"http/1.1"[..]), "by-http1"), (&[][..], None, "by-nothing")]
        {
            let stream = connect(&authority, protocols, gateway.address).await;
            assert_eq!(stream.get_ref().1.alpn_protocol(), chosen);
            let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.expect("a connection");
            tokio::spawn(connection);
            let answer = read(sender.send_request(post(ASK, id)).await.expect("an answer")).await;
            assert_eq!((answer.0, answer.1, answer.3.as_str()), (StatusCode::OK, Version::HTTP_11, ANSWER));
        }
    });
    // Who speaks no TLS is no call, and disturbs nobody.
    let mut plain = gateway.send(CHAT, &[], ASK.as_bytes());
    let mut said = Vec::new();
    let _ = std::io::Read::read_to_end(&mut plain, &mut said);
    assert!(!said.starts_with(b"HTTP"), "{}", String::from_utf8_lossy(&said));
    gateway.calls(3);
}

#[test]
fn a_certificate_that_cannot_be_used_is_said_at_once() {
    let (authority, other) = (Authority::new(), Authority::new());
    let upstream = Upstream::start(vec![whole()]);
    let started = |home: &Home| home.run(["proxy", "--headless", "--listen", "127.0.0.1:0"]).bad();
    let home = authority.home(&upstream);
    home.write("key.pem", &other.key);
    let error = started(&home);
    assert!(error.contains("tls_cert") && error.contains("cert.pem"), "{error}");
    home.write("key.pem", "no key at all\n");
    let error = started(&home);
    assert!(error.contains("tls_key") && error.contains("key.pem"), "{error}");
    std::fs::remove_file(home.path("cert.pem")).expect("removed");
    let error = started(&home);
    assert!(error.contains("cert.pem") && error.contains("No such file"), "{error}");
    assert!(!home.path("data/llmtop/journal").exists(), "nothing was begun");
}

#[test]
fn a_program_of_its_own_is_called_without_tls() {
    let (authority, upstream) = (Authority::new(), Upstream::start(vec![whole()]));
    let home = authority.home(&upstream);
    let code = "import os, urllib.request as u; print(u.urlopen(os.environ['LLMTOP_PROXY_URL'] + '/health').read())";
    let ran = home.run(["run", "--", "python3", "-c", code]);
    assert!(ran.code == Some(0) && ran.out.contains("b'ok\\n'"), "{}{}", ran.out, ran.err);
}

/// An upstream behind TLS: what it tells of each request.
fn secure(authority: &Authority, protocols: &[&str]) -> (SocketAddr, Receiver<(Version, Option<String>)>) {
    let acceptor = authority.acceptor(protocols);
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    listener.set_nonblocking(true).expect("set");
    let (tell, told) = channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::from_std(listener).expect("a listener");
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, tell) = (acceptor.clone(), tell.clone());
                tokio::spawn(async move {
                    let Ok(stream) = acceptor.accept(stream).await else { return };
                    let service = hyper::service::service_fn(move |request: Request<Incoming>| {
                        let host = request.headers().get("host").and_then(|host| host.to_str().ok());
                        let host = host.or(request.uri().authority().map(|host| host.as_str())).map(str::to_owned);
                        let _ = tell.send((request.version(), host));
                        async {
                            let _ = request.into_body().collect().await;
                            let answer = Response::builder().header("content-type", "application/json");
                            Ok::<_, Infallible>(answer.body(Full::<Bytes>::from(ANSWER)).expect("an answer"))
                        }
                    });
                    let builder = auto::Builder::new(TokioExecutor::new());
                    let _ = builder.serve_connection(TokioIo::new(stream), service).await;
                });
            }
        });
    });
    (address, told)
}

/// A gateway before an upstream behind TLS, that trusts what is in `roots`.
fn before(address: SocketAddr, roots: &str) -> Gateway {
    let home = Home::new();
    let host = format!("localhost:{}", address.port());
    let roots = home.write("roots.pem", roots);
    home.write(
        "config/llmtop/config.toml",
        format!("[proxy]\nretries = 0\n[upstream.own]\nbase_url = \"https://{host}\"\n"),
    );
    let mut command = Gateway::command(&home, &[]);
    command.env("SSL_CERT_FILE", roots);
    Gateway::run(home, command)
}

#[test]
fn an_upstream_of_a_private_authority_is_called_by_either_version() {
    let authority = Authority::new();
    for (protocols, version) in
        [(&["h2", "http/1.1"][..], Version::HTTP_2), (&["http/1.1"][..], Version::HTTP_11), (&[][..], Version::HTTP_11)]
    {
        let (address, told) = secure(&authority, protocols);
        let gateway = before(address, &authority.root);
        let headers = [("Connection", "keep-alive, x-mine"), ("x-mine", "1"), ("TE", "trailers")];
        let answers: Vec<_> = (0..3).map(|_| gateway.call(CHAT, &headers, ASK.as_bytes())).collect();
        for answer in &answers {
            assert_eq!((answer.status, answer.text().as_str()), (200, ANSWER), "{protocols:?}");
        }
        let host = Some(format!("localhost:{}", address.port()));
        assert_eq!(told.try_iter().collect::<Vec<_>>(), vec![(version, host); 3], "{protocols:?}");
        for call in gateway.calls(3) {
            assert_eq!((&call["status"], &call["input_tokens"]), (&"ok".into(), &9.into()), "{call}");
        }
    }
}

#[test]
fn an_upstream_whose_authority_nobody_knows_is_not_called() {
    let (authority, other) = (Authority::new(), Authority::new());
    let (address, told) = secure(&authority, &["h2"]);
    let gateway = before(address, &other.root);
    let answer = gateway.call(CHAT, &[], ASK.as_bytes());
    assert_eq!((answer.status, told.try_iter().count()), (502, 0));
    assert!(answer.text().contains("certificate"), "{}", answer.text());
    let call = &gateway.calls(1)[0];
    assert_eq!(call["failure_mode"], "connection");
    assert!(call["error_message"].as_str().is_some_and(|why| why.contains("certificate")), "{call}");
}

#[test]
fn roots_that_are_named_and_are_none_are_said_at_once() {
    let home = Home::new();
    let roots = home.write("roots.pem", "no certificate\n");
    let mut command = Gateway::command(&home, &["--upstream", "http://127.0.0.1:9"]);
    let output = command.env("SSL_CERT_FILE", roots).output().expect("the program starts");
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() == Some(1) && error.contains("SSL_CERT_FILE"), "{error}");
}

#[test]
fn a_certificate_is_renewed_by_a_hang_up_and_a_broken_one_refused() {
    let upstream = Upstream::start(vec![whole()]);
    let old = Authority::new();
    let home = old.home(&upstream);
    let mut command = Gateway::command(&home, &[]);
    command.stderr(Stdio::piped());
    let mut gateway = Gateway::run(home, command);
    let mut said = BufReader::new(gateway.errors()).lines();
    let mut again = |cert: &str, key: &str| {
        gateway.home.write("cert.pem", cert);
        gateway.home.write("key.pem", key);
        gateway.signal("-HUP");
        said.next().expect("a line").expect("text")
    };
    let new = Authority::new();
    let refused = again(&new.cert, "no key");
    assert!(refused.contains("the configuration before stays") && refused.contains("key.pem"), "{refused}");
    wait(async { drop(connect(&old, &["h2"], gateway.address).await) });
    let renewed = again(&new.cert, &new.key);
    assert!(renewed.contains("was read again"), "{renewed}");
    wait(async { drop(connect(&new, &["h2"], gateway.address).await) });
}

//! TLS of the listener: a certificate and its key from PEM files, read anew where they are asked for again; keys of clients.

use arc_swap::ArcSwap;
use rustls::ServerConfig;
use rustls::crypto::ring::default_provider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use std::io;
use std::path::Path;
use std::sync::Arc;
use tokio_rustls::TlsAcceptor;

/// The certificate of a listener and its key, which may be read anew while it is served.
#[derive(Debug, Clone)]
pub struct Certificate(Arc<Newest>);

#[derive(Debug)]
struct Newest(ArcSwap<CertifiedKey>);

impl ResolvesServerCert for Newest {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.load_full())
    }
}

impl Certificate {
    /// Reads both from PEM files.
    ///
    /// # Errors
    /// Where a file cannot be read, or the two do not go together; it names the file.
    pub fn read(cert: &Path, key: &Path) -> io::Result<Certificate> {
        Ok(Certificate(Arc::new(Newest(ArcSwap::from_pointee(certified(cert, key)?)))))
    }

    /// Serves another one from now on.
    pub fn replace(&self, by: &Certificate) {
        self.0.0.store(by.0.0.load_full());
    }

    /// What accepts TLS with it, for HTTP/2 and HTTP/1.1.
    ///
    /// # Errors
    /// Where no version of TLS is to be had.
    pub fn acceptor(&self) -> io::Result<TlsAcceptor> {
        let mut config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(io::Error::other)?
            .with_no_client_auth()
            .with_cert_resolver(Arc::clone(&self.0) as Arc<dyn ResolvesServerCert>);
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(TlsAcceptor::from(Arc::new(config)))
    }
}

fn certified(cert: &Path, key: &Path) -> io::Result<CertifiedKey> {
    let named = |path: &Path, why: &dyn std::fmt::Display| io::Error::other(format!("{}: {why}", path.display()));
    let chain: Vec<CertificateDer<'static>> =
        CertificateDer::pem_file_iter(cert).and_then(Iterator::collect).map_err(|why| named(cert, &why))?;
    let private = PrivateKeyDer::from_pem_file(key).map_err(|why| named(key, &why))?;
    let certified = CertifiedKey::from_der(chain, private, &default_provider()).map_err(|why| named(cert, &why))?;
    // None at all is found out by nobody else.
    certified.end_entity_cert().map_err(|why| named(cert, &why))?;
    Ok(certified)
}

/// A new key for a client: 32 random bytes in hexadecimal digits behind `llmtop-`, and the hash to configure it by.
///
/// # Errors
/// Where the system has no random bytes.
pub fn new_key() -> io::Result<(String, String)> {
    use sha2::{Digest, Sha256};
    let mut random = [0u8; 32];
    default_provider()
        .secure_random
        .fill(&mut random)
        .map_err(|_| io::Error::other("the system has no random bytes"))?;
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let key = format!("llmtop-{}", hex(&random));
    let hash = hex(&Sha256::digest(&key));
    Ok((key, hash))
}

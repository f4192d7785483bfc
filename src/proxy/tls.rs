//! TLS of the listener: a certificate and its key from PEM files.

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::io;
use std::path::Path;
use std::sync::Arc;
use tokio_rustls::TlsAcceptor;

/// What accepts TLS, HTTP/2 and HTTP/1.1.
///
/// # Errors
/// Where a file cannot be read, or the two do not go together; it names the file.
pub fn acceptor(cert: &Path, key: &Path) -> io::Result<TlsAcceptor> {
    let named = |path: &Path, why: &dyn std::fmt::Display| io::Error::other(format!("{}: {why}", path.display()));
    let chain: Vec<CertificateDer<'static>> =
        CertificateDer::pem_file_iter(cert).and_then(Iterator::collect).map_err(|why| named(cert, &why))?;
    let private = PrivateKeyDer::from_pem_file(key).map_err(|why| named(key, &why))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?
        .with_no_client_auth()
        .with_single_cert(chain, private)
        .map_err(|why| named(cert, &why))?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

/// A new key for a client: 32 random bytes in hexadecimal digits behind `llmtop-`, and the hash to configure it by.
///
/// # Errors
/// Where the system has no random bytes.
pub fn new_key() -> io::Result<(String, String)> {
    use sha2::{Digest, Sha256};
    let mut random = [0u8; 32];
    let provider = rustls::crypto::ring::default_provider();
    provider.secure_random.fill(&mut random).map_err(|_| io::Error::other("the system has no random bytes"))?;
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let key = format!("llmtop-{}", hex(&random));
    let hash = hex(&Sha256::digest(&key));
    Ok((key, hash))
}

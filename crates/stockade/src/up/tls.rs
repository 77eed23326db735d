//! TLS for the listeners: our certificate, and on the gateway's also those of clients.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arc_swap::ArcSwap;
use rustls::RootCertStore;
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{VerifierBuilderError, WebPkiClientVerifier};
use rustls_pki_types::pem::{self, PemObject};
use rustls_pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer};
use stockade_gateway::SharedTls;

use crate::config::{CertificatesConfig, Config, Place, Senseless};

/// What each listener speaks.
pub(crate) struct Tls {
    pub(crate) gateway: Arc<rustls::ServerConfig>,
    /// Nobody has a certificate in a browser, so nobody is asked for one.
    pub(crate) console: Arc<rustls::ServerConfig>,
}

/// TLS in force, which renewed certificates replace.
pub(super) struct InForce {
    pub(super) gateway: SharedTls,
    pub(super) console: SharedTls,
}

impl InForce {
    pub(super) fn new(tls: Tls) -> Self {
        let shared = |config| Arc::new(ArcSwap::new(config));
        Self { gateway: shared(tls.gateway), console: shared(tls.console) }
    }

    /// Puts others in place; connections that are open keep theirs.
    pub(super) fn replace(&self, tls: Tls) {
        self.gateway.store(tls.gateway);
        self.console.store(tls.console);
    }
}

/// The files that TLS is made of: certificate and key, authorities and lists of clients' certificates.
pub(super) fn files(config: &Config) -> Vec<PathBuf> {
    let server = &config.server;
    let clients = config.identity.certificates.iter();
    let own = server.tls_certificate.iter().chain(&server.tls_key).cloned();
    own.chain(clients.flat_map(|own| std::iter::once(own.ca.clone()).chain(own.crls.iter().cloned())))
        .collect()
}

/// TLS for gateway and console, when the configuration names a certificate.
pub(crate) fn tls(config: &Config) -> Result<Option<Tls>, Senseless> {
    let server = &config.server;
    let (Some(certificate), Some(key)) = (&server.tls_certificate, &server.tls_key) else { return Ok(None) };
    let chain = certificates("server.tls_certificate", certificate)?;
    let key = PrivateKeyDer::from_pem_file(key).map_err(|error| unreadable("server.tls_key", key, &error))?;
    let build = |clients: Option<Arc<dyn ClientCertVerifier>>| {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .and_then(|builder| {
                let builder = match clients {
                    Some(verifier) => builder.with_client_cert_verifier(verifier),
                    None => builder.with_no_client_auth(),
                };
                builder.with_single_cert(chain.clone(), key.clone_key())
            })
            .map_err(|error| {
                wrong("server.tls_key", format!("the certificate and the key do not go together: {error}"))
            })?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Arc::new(config))
    };
    let clients = config.identity.certificates.as_ref().map(verifier).transpose()?;
    Ok(Some(Tls { gateway: build(clients)?, console: build(None)? }))
}

/// Who signs clients' certificates, and which were taken back.
fn verifier(own: &CertificatesConfig) -> Result<Arc<dyn ClientCertVerifier>, Senseless> {
    let at = "identity.certificates.ca";
    let mut roots = RootCertStore::empty();
    for root in certificates(at, &own.ca)? {
        roots.add(root).map_err(|error| wrong(at, format!("`{}`: {error}", own.ca.display())))?;
    }
    let mut crls = Vec::new();
    for (item, path) in own.crls.iter().enumerate() {
        let read = CertificateRevocationListDer::pem_file_iter(path).and_then(Iterator::collect);
        let wrong = |what: String| {
            let help = "lists in PEM, each between `BEGIN X509 CRL` and its end";
            let message = format!("`{}`: {what}", path.display());
            Senseless::new(Place::of("identity.certificates.crls").item(item), message, help)
        };
        let read: Vec<CertificateRevocationListDer<'static>> =
            read.map_err(|error| wrong(error.to_string()))?;
        if read.is_empty() {
            return Err(wrong("it holds no list".to_owned()));
        }
        crls.extend(read);
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut builder = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
    if !crls.is_empty() {
        builder = builder.with_crls(crls);
    }
    if !own.required {
        builder = builder.allow_unauthenticated();
    }
    builder.build().map_err(|error| match error {
        VerifierBuilderError::InvalidCrl(_) => {
            let help = "lists of version 2 with their number and issuer (RFC 5280 section 5)";
            Senseless::new(Place::of("identity.certificates.crls"), error.to_string(), help)
        }
        error => wrong(at, error.to_string()),
    })
}

fn certificates(at: &str, path: &Path) -> Result<Vec<CertificateDer<'static>>, Senseless> {
    let read = CertificateDer::pem_file_iter(path).and_then(Iterator::collect);
    let read: Vec<CertificateDer<'static>> = read.map_err(|error| unreadable(at, path, &error))?;
    if read.is_empty() {
        return Err(wrong(at, format!("`{}` holds no certificate", path.display())));
    }
    Ok(read)
}

fn unreadable(at: &str, path: &Path, error: &pem::Error) -> Senseless {
    wrong(at, format!("`{}`: {error}", path.display()))
}

fn wrong(at: &str, message: String) -> Senseless {
    let help = if at.starts_with("server.") {
        "a chain of certificates and its key, both PEM"
    } else {
        "the certificates of the authorities that sign clients' certificates, PEM"
    };
    Senseless::new(Place::of(at), message, help)
}

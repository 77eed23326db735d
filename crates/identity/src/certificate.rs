//! A client's certificate, once TLS has verified it: which names it gives, until when it is good, and its thumbprint.
//!
//! Names are those of the subject alternative name: URIs (SPIFFE ids are such, SPIFFE X.509-SVID section 2) and DNS names.
//! The common name of the subject is no identity (RFC 9525 section 2).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use stockade_crypto::sha256;
use stockade_domain::Micros;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer as _, X509Certificate};

/// The longest certificate that is read, in bytes.
const MAX_CERTIFICATE: usize = 64 << 10;

/// The most names that are looked at.
const MAX_NAMES: usize = 64;

/// What a client's certificate says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientCertificate {
    /// Its names as the configuration writes them: URIs as they are, DNS names after `dns:` and in small letters.
    pub names: Vec<String>,
    /// When it begins to be good.
    pub not_before: Micros,
    /// When it ends.
    pub not_after: Micros,
    /// SHA-256 of its DER form, in base64url (RFC 8705 section 3.1, `x5t#S256`).
    pub thumbprint: String,
}

impl ClientCertificate {
    /// Reads a certificate in DER; `None` when it cannot be read. That its chain is good, TLS has found out.
    #[must_use]
    pub fn read(der: &[u8]) -> Option<Self> {
        if der.len() > MAX_CERTIFICATE {
            return None;
        }
        let (rest, certificate) = X509Certificate::from_der(der).ok()?;
        if !rest.is_empty() {
            return None;
        }
        let alternatives = certificate.subject_alternative_name().ok()?;
        let names = alternatives.iter().flat_map(|extension| &extension.value.general_names);
        let names = names.take(MAX_NAMES).filter_map(|name| match name {
            GeneralName::URI(uri) => Some((*uri).to_owned()),
            GeneralName::DNSName(dns) => Some(format!("dns:{}", dns.to_ascii_lowercase())),
            _ => None,
        });
        let seconds = |at: i64| Micros::from_i64(at.saturating_mul(1_000_000));
        let validity = certificate.validity();
        Some(Self {
            names: names.collect(),
            not_before: seconds(validity.not_before.timestamp()),
            not_after: seconds(validity.not_after.timestamp()),
            thumbprint: URL_SAFE_NO_PAD.encode(sha256(der)),
        })
    }
}

//! `[identity.certificates]`: client certificates as credentials of workloads.

use std::collections::BTreeMap;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use stockade_domain::WorkloadName;

use super::place::Place;
use super::schema::ServerConfig;
use super::sense::Senseless;

/// Client certificates on the gateway's listener.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CertificatesConfig {
    /// The authorities that sign clients' certificates, PEM.
    pub(crate) ca: PathBuf,
    /// Lists of certificates that were taken back, PEM.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) crls: Vec<PathBuf>,
    /// Whoever shows no certificate does not get as far as a request.
    #[serde(default)]
    pub(crate) required: bool,
    /// From a name in a certificate, a URI such as a SPIFFE id or `dns:` and a DNS name, to a workload.
    pub(crate) workloads: BTreeMap<String, String>,
}

impl CertificatesConfig {
    pub(super) fn check(&self, server: &ServerConfig) -> Result<(), Senseless> {
        let wrong = |key: &str, message: String, help: &str| {
            Err(Senseless::new(Place::of(&format!("identity.certificates.{key}")), message, help))
        };
        if server.tls_certificate.is_none() {
            let message = "clients show certificates in TLS, and the gateway has none".to_owned();
            return wrong("ca", message, "give `tls_certificate` and `tls_key` in `[server]`");
        }
        for (name, workload) in &self.workloads {
            let is_dns = name
                .strip_prefix("dns:")
                .is_some_and(|dns| !dns.is_empty() && *dns == dns.to_ascii_lowercase());
            if !is_dns && !name.contains("://") && !name.starts_with("urn:") {
                let message = format!("`{name}` is no name that a certificate is known by here");
                let help = "a URI (`spiffe://example.org/chat`) or `dns:` and a DNS name in small letters; common names are not looked at";
                return wrong("workloads", message, help);
            }
            if workload.parse::<WorkloadName>().is_err() {
                let message = format!("`{workload}` is no name of a workload");
                return wrong("workloads", message, "`stockade workload list` shows them");
            }
        }
        Ok(())
    }
}

//! The report, `stockade.scan/1`. `docs/schemas/stockade.scan-1.json` is its schema.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use stockade_domain::Severity;

use crate::asset::{Asset, Finding, Kind, Scope};
use crate::route;

/// The name and version of the format.
pub const SCHEMA: &str = "stockade.scan/1";

/// What a scan found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// [`SCHEMA`].
    pub schema: String,
    /// The version of the scanner.
    pub tool_version: String,
    /// The workload that the tree is.
    pub workload: String,
    /// Where its name comes from: `stockade.toml` or `directory`.
    pub workload_from: String,
    /// Entities by kind and name.
    pub assets: Vec<Asset>,
    /// Findings by path and line.
    pub findings: Vec<Finding>,
    /// What was looked at and what was not.
    pub coverage: Coverage,
    /// Counts.
    pub summary: Summary,
    /// What a running gateway says of the endpoints, where one was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gateway: Option<Gateway>,
}

/// What was looked at and what was not.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Coverage {
    /// Files in the tree.
    pub files: usize,
    /// Files that were read.
    pub read: usize,
    /// What is not for this scanner.
    pub skipped: Vec<Lack>,
    /// What should have been read and was not, or not to its end.
    pub incomplete: Vec<Lack>,
    /// What somebody should know who relies on what was put aside.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<Lack>,
}

/// Something that was not looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lack {
    /// The file.
    pub path: String,
    /// Why.
    pub why: String,
}

/// Counts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// Entities of the product by kind.
    pub assets: BTreeMap<String, usize>,
    /// Findings that count, by severity.
    pub findings: BTreeMap<String, usize>,
    /// Findings that were put aside.
    pub suppressed: usize,
}

/// What a running gateway knows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Seen {
    /// Who was asked, for people.
    pub asked: String,
    /// The gateway's base URL.
    pub gateway: String,
    /// The models that the workload asked it for.
    pub models: Vec<String>,
    /// Its upstreams, each `host:port`.
    pub upstreams: Vec<String>,
}

/// The join of what code declares and what a gateway sees.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gateway {
    /// Who was asked.
    pub asked: String,
    /// Model endpoints in the code.
    pub endpoints: usize,
    /// Those that the gateway knows; nothing where no gateway was asked.
    pub seen: Option<usize>,
    /// For each that it does not, where it is and what changes that.
    pub unseen: Vec<Unseen>,
}

/// An endpoint that does not go through the gateway.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unseen {
    /// The endpoint.
    pub endpoint: String,
    /// The file.
    pub path: String,
    /// The line, from 1.
    pub line: usize,
    /// What to change there.
    pub change: String,
}

/// What differs between two reports.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// Entities that only the second has.
    pub assets_added: Vec<Asset>,
    /// Entities that only the first has.
    pub assets_removed: Vec<Asset>,
    /// Findings that only the second has.
    pub findings_added: Vec<Finding>,
    /// Findings that only the first has.
    pub findings_removed: Vec<Finding>,
}

/// The word of a severity.
#[must_use]
pub const fn severity_word(severity: Severity) -> &'static str {
    match severity {
        Severity::Info => "info",
        Severity::Low => "low",
        Severity::Medium => "medium",
        Severity::High => "high",
        Severity::Critical => "critical",
    }
}

impl Summary {
    pub(crate) fn new(assets: &[Asset], findings: &[Finding]) -> Self {
        let mut summary = Self::default();
        for kind in Kind::ALL {
            let count =
                assets.iter().filter(|asset| asset.kind == kind && asset.scope == Scope::Product).count();
            summary.assets.insert(kind.as_str().to_owned(), count);
        }
        for finding in findings {
            if finding.suppressed.is_some() {
                summary.suppressed = summary.suppressed.saturating_add(1);
            } else {
                let count = summary.findings.entry(severity_word(finding.severity).to_owned()).or_default();
                *count = count.saturating_add(1);
            }
        }
        summary
    }
}

impl Report {
    /// The worst severity of findings that count.
    #[must_use]
    pub fn worst(&self) -> Option<Severity> {
        self.findings
            .iter()
            .filter(|finding| finding.suppressed.is_none())
            .map(|finding| finding.severity)
            .max()
    }

    /// What another, later report has that this one has not, and the other way round.
    #[must_use]
    pub fn difference(&self, later: &Self) -> Difference {
        let lacks_asset = |report: &Self, asset: &Asset| {
            !report.assets.iter().any(|other| other.kind == asset.kind && other.name == asset.name)
        };
        let lacks = |report: &Self, finding: &Finding| {
            !report.findings.iter().any(|other| other.fingerprint == finding.fingerprint)
        };
        Difference {
            assets_added: later.assets.iter().filter(|asset| lacks_asset(self, asset)).cloned().collect(),
            assets_removed: self.assets.iter().filter(|asset| lacks_asset(later, asset)).cloned().collect(),
            findings_added: later.findings.iter().filter(|finding| lacks(self, finding)).cloned().collect(),
            findings_removed: self.findings.iter().filter(|finding| lacks(later, finding)).cloned().collect(),
        }
    }

    /// Adds what would change if a gateway ran at its usual address, where none was asked.
    pub fn join_none(&mut self, usual: &str) {
        self.join(&Seen {
            asked: "no server runs here; the changes are for one at its usual address".to_owned(),
            gateway: usual.to_owned(),
            ..Seen::default()
        });
        if let Some(gateway) = &mut self.gateway {
            gateway.seen = None;
        }
    }

    /// Adds what a gateway said. An endpoint is seen when it is the gateway itself, or when the workload asked the gateway
    /// for a model that a file with the endpoint names.
    pub fn join(&mut self, seen: &Seen) {
        let listener = seen.gateway.trim_end_matches('/');
        let files: BTreeSet<&str> = self
            .assets
            .iter()
            .filter(|asset| asset.kind == Kind::Model && seen.models.contains(&asset.name))
            .flat_map(|asset| asset.occurrences.iter().map(|occurrence| occurrence.path.as_str()))
            .collect();
        let mut gateway = Gateway { asked: seen.asked.clone(), ..Gateway::default() };
        let mut known = 0_usize;
        let product = |asset: &&Asset| asset.kind == Kind::ModelEndpoint && asset.scope == Scope::Product;
        for asset in self.assets.iter().filter(product) {
            gateway.endpoints = gateway.endpoints.saturating_add(1);
            let used = asset.occurrences.iter().any(|occurrence| files.contains(occurrence.path.as_str()));
            if used || asset.name == listener || asset.name.starts_with(&format!("{listener}/")) {
                known = known.saturating_add(1);
                continue;
            }
            let upstream = seen.upstreams.iter().any(|host| same_host(host, &asset.name));
            let Some(first) = asset.occurrences.iter().find(|one| one.scope == Scope::Product) else {
                continue;
            };
            gateway.unseen.push(Unseen {
                endpoint: asset.name.clone(),
                path: first.path.clone(),
                line: first.line,
                change: route::change(asset, listener, upstream),
            });
        }
        gateway.seen = Some(known);
        self.gateway = Some(gateway);
    }
}

/// Whether `host:port` is where a URL leads.
fn same_host(host: &str, url: &str) -> bool {
    let Some((scheme, rest)) = url.split_once("://") else { return false };
    let authority = rest.split('/').next().unwrap_or_default().to_ascii_lowercase();
    let port = if scheme == "https" { 443 } else { 80 };
    let full = if authority.contains(':') { authority } else { format!("{authority}:{port}") };
    full == host.to_ascii_lowercase()
}

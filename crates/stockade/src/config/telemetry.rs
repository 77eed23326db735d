//! Where traces of requests go.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use stockade_egress::SystemTarget;

use super::place::Place;
use super::sense::{Sense, Senseless, is_name};

/// Where a collector takes traces when its address says no path (OTLP 1.x over HTTP, "OTLP/HTTP Request").
const PATH: &str = "/v1/traces";

/// Traces of requests, for an OpenTelemetry collector.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct TelemetryConfig {
    /// The collector: `https`, or `http` on loopback. Without it there are no traces.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) endpoint: Option<String>,
    /// Header fields that each request to it gets, as a credential: `env:NAME` or `file:PATH`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) headers: BTreeMap<String, String>,
    /// Of a hundred requests that belong to no trace yet, so many get one.
    pub(crate) sample_percent: u8,
    /// Upstreams are told the trace in `traceparent`. Its number comes from the caller where the caller has one.
    pub(crate) propagate: bool,
    /// What this installation is called there.
    pub(crate) service: String,
}

impl Default for TelemetryConfig {
    fn default() -> Self {
        Self {
            endpoint: None,
            headers: BTreeMap::new(),
            sample_percent: 100,
            propagate: false,
            service: "stockade".to_owned(),
        }
    }
}

impl TelemetryConfig {
    pub(super) fn check(&self) -> Sense {
        let wrong = |key: &str, message: String, help: &str| {
            Err(Senseless::new(Place::of(&format!("telemetry.{key}")), message, help))
        };
        if self.sample_percent > 100 {
            let message = format!("{} of a hundred are more than all", self.sample_percent);
            return wrong("sample_percent", message, "0 to 100");
        }
        if !is_name(&self.service) {
            let message = format!("`{}` is no name of a service", self.service);
            return wrong("service", message, "letters, digits, `-`, `_` and `.`");
        }
        for (name, value) in &self.headers {
            if http::HeaderName::try_from(name.as_str()).is_err() {
                return wrong(
                    "headers",
                    format!("`{name}` is no name of a header field"),
                    "for example `authorization`",
                );
            }
            if !value.starts_with("env:") && !value.starts_with("file:") {
                let message = format!("the value of `{name}` is never written into the file");
                return wrong("headers", message, "use an `env:` or `file:` reference");
            }
        }
        self.target().map(drop)
    }

    /// The collector's address for traces.
    pub(crate) fn target(&self) -> Result<Option<SystemTarget>, Senseless> {
        let Some(endpoint) = &self.endpoint else { return Ok(None) };
        let has_path =
            endpoint.split_once("://").is_some_and(|(_, rest)| rest.trim_end_matches('/').contains('/'));
        let url =
            if has_path { endpoint.clone() } else { format!("{}{PATH}", endpoint.trim_end_matches('/')) };
        let target = SystemTarget::new(&url).map_err(|error| {
            let help = "for example `https://otel.example.com:4318` or `http://127.0.0.1:4318`";
            Senseless::new(Place::of("telemetry.endpoint"), error.to_string(), help)
        })?;
        Ok(Some(target))
    }
}

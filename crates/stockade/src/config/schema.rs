//! The shape of the file, and what its values must mean.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use stockade_domain::Label;

use super::entra::EntraConfig;
use super::identity::IdentityConfig;
use super::labels::LabelsConfig;
use super::routes::RouteConfig;
use super::telemetry::TelemetryConfig;
use super::units::{ByteCount, Span};
use super::usage::{PriceConfig, UsageLimitConfig};

/// The whole file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Config {
    /// Listeners.
    pub(crate) server: ServerConfig,
    /// Bounds.
    pub(crate) limits: LimitsConfig,
    /// What is kept readable of requests and answers.
    pub(crate) recording: RecordingConfig,
    /// Traces of requests, for an OpenTelemetry collector.
    pub(crate) telemetry: TelemetryConfig,
    /// Sensitivity labels.
    pub(crate) labels: LabelsConfig,
    /// Policies beside the built-in ones.
    pub(crate) policies: PoliciesConfig,
    /// What inspection looks for beside the built-in rules.
    pub(crate) rules: RulesConfig,
    /// What guards answers against leaks. Which workloads they guard, policy says.
    pub(crate) guards: GuardsConfig,
    /// What models cost; the first entry that fits a model counts.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) prices: Vec<PriceConfig>,
    /// Whose tokens are accepted beside API keys.
    pub(crate) identity: IdentityConfig,
    /// Models that several upstreams serve.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) routes: Vec<RouteConfig>,
    /// Where models run, under names of your choice: letters, digits, `-`, `_` and `.`.
    pub(crate) upstreams: BTreeMap<String, UpstreamConfig>,
}

/// Listeners.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct ServerConfig {
    /// What programs talk to. Other than loopback needs TLS.
    #[schemars(with = "String")]
    pub(crate) gateway: SocketAddr,
    /// Console and API.
    #[schemars(with = "String")]
    pub(crate) console: SocketAddr,
    /// `/metrics`, `/healthz` and `/readyz`; loopback only.
    #[schemars(with = "String")]
    pub(crate) metrics: SocketAddr,
    /// Host names, beside those of this machine, that the listeners answer to.
    pub(crate) hosts: Vec<String>,
    /// Certificate chain and key, PEM, for gateway and console.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) tls_certificate: Option<PathBuf>,
    /// Its key, PEM.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) tls_key: Option<PathBuf>,
    /// How long running answers may go on after a stop was asked for.
    pub(crate) drain: Span,
}

/// Bounds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct LimitsConfig {
    /// A request's body, and a whole answer.
    pub(crate) body: ByteCount,
    /// How long a body may take.
    pub(crate) body_timeout: Span,
    /// Nesting of JSON, from 1 to 512.
    pub(crate) json_depth: usize,
    /// The block of header fields, from 8 KiB to 1 MiB.
    pub(crate) header_block: ByteCount,
    /// One event of a stream.
    pub(crate) event: ByteCount,
    /// Connections at once, from 1 to 1,000,000.
    pub(crate) connections: usize,
    /// Until an upstream is connected, TLS included.
    pub(crate) connect_timeout: Span,
    /// Until an upstream begins to answer.
    pub(crate) head_timeout: Span,
    /// Between two pieces of its answer.
    pub(crate) idle_timeout: Span,
    /// Requests at one time that an upstream gets even when its answers come late.
    pub(crate) upstream_least: usize,
    /// Requests at one time that an upstream gets at most.
    pub(crate) upstream_most: usize,
    /// Requests that wait for a place at an upstream.
    pub(crate) queue: usize,
    /// How long one waits for it.
    pub(crate) queue_time: Span,
    /// Limits of use. Each that fits a request holds for it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) usage: Vec<UsageLimitConfig>,
}

/// What is kept readable of requests and answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct RecordingConfig {
    /// Which text is kept.
    pub(crate) text: Recorded,
    /// How long; then the text is erased and the proofs stay.
    pub(crate) retention: Span,
    /// Of text, for each direction of a request.
    pub(crate) limit: ByteCount,
}

/// Which text is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Recorded {
    /// Text after redaction.
    Redacted,
    /// None.
    None,
}

/// Policies beside the built-in ones.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct PoliciesConfig {
    /// A directory of `*.cedar` files that are added to the built-in ones.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) dir: Option<PathBuf>,
}

/// What inspection looks for beside the built-in rules.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct RulesConfig {
    /// A directory with the folders of `rules/`; a rule with the id of a built-in one replaces it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) dir: Option<PathBuf>,
    /// Look for names of people, places and organisations, addresses, births and health terms too. Streams then wait for
    /// the end of each text.
    pub(crate) names: bool,
    /// Countries, as ISO 3166-1 alpha-2 codes, whose weak patterns run too.
    pub(crate) locales: Vec<String>,
}

/// What guards answers against leaks.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct GuardsConfig {
    /// Hosts that links and images of answers may lead to: `docs.example.com`, or `*.example.com` for everything below.
    pub(crate) link_hosts: Vec<String>,
}

/// An upstream.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct UpstreamConfig {
    /// Where it is: `https`, or `http` on loopback.
    pub(crate) base_url: String,
    /// Whose protocols it speaks, and where it wants its key.
    #[serde(default)]
    pub(crate) dialect: Speaks,
    /// Which of them it offers; by default all of its dialect.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) apis: Option<Vec<Api>>,
    /// How Anthropic's models are asked to think for a caller of another dialect.
    #[serde(default)]
    pub(crate) thinking: Thinks,
    /// `env:NAME` or `file:PATH`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) api_key: Option<String>,
    /// Tokens of Microsoft Entra in place of a key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) entra: Option<EntraConfig>,
    /// Tell Azure for whom a chat is: the workload's name, the person, the client's address (`user_security_context`).
    #[serde(default)]
    pub(crate) user_security_context: bool,
    /// Names of models; `*` at the end stands for any rest.
    pub(crate) models: Vec<String>,
    /// The highest label that may be sent there.
    #[serde(default = "internal")]
    #[schemars(with = "String")]
    pub(crate) label_max: Label,
    /// Where it keeps what it is sent, in your word: `labels.regions` and policies speak of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) region: Option<String>,
}

/// Whose protocols an upstream speaks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Speaks {
    /// OpenAI's, with the key in `Authorization`.
    #[default]
    OpenAi,
    /// OpenAI's as Azure offers them (`https://NAME.openai.azure.com/openai/v1`), with the key in `api-key`.
    Azure,
    /// Anthropic's messages, with the key in `x-api-key`.
    Anthropic,
    /// Models that are not generative: Open Inference Protocol v2, MLflow's `/invocations`, Azure ML's `/score`, with the key
    /// in `Authorization`.
    Predict,
    /// Ollama's own (`http://localhost:11434`), and OpenAI's below `/v1`, with the key in `Authorization`.
    Ollama,
}

impl Speaks {
    /// Whether a protocol is one of them.
    pub(super) fn offers(self, api: Api) -> bool {
        match self {
            Self::OpenAi | Self::Azure => !matches!(api, Api::Messages | Api::Ollama | Api::Predict),
            Self::Anthropic => api == Api::Messages,
            Self::Predict => api == Api::Predict,
            Self::Ollama => matches!(api, Api::Ollama | Api::Chat | Api::Completions | Api::Embeddings),
        }
    }
}

/// The two generations of thinking in Anthropic's messages; a model takes one of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Thinks {
    /// As much as the effort says.
    #[default]
    Adaptive,
    /// Within a budget of tokens.
    Budget,
}

/// One protocol of an upstream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Api {
    /// OpenAI chat completions.
    Chat,
    /// OpenAI legacy completions.
    Completions,
    /// OpenAI embeddings.
    Embeddings,
    /// OpenAI responses.
    Responses,
    /// Anthropic messages.
    Messages,
    /// Ollama's chat, completions and embeddings.
    Ollama,
    /// Predictions.
    Predict,
}

fn internal() -> Label {
    Label::new("internal")
}

fn loopback(port: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], port))
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self {
            gateway: loopback(8470),
            console: loopback(8471),
            metrics: loopback(8472),
            hosts: Vec::new(),
            tls_certificate: None,
            tls_key: None,
            drain: Span::seconds(20),
        }
    }
}

impl Default for LimitsConfig {
    fn default() -> Self {
        Self {
            body: ByteCount(32 << 20),
            body_timeout: Span::seconds(120),
            json_depth: 128,
            header_block: ByteCount(32 << 10),
            event: ByteCount(8 << 20),
            connections: 16_384,
            connect_timeout: Span::seconds(10),
            head_timeout: Span::seconds(300),
            idle_timeout: Span::seconds(120),
            upstream_least: 16,
            upstream_most: 4_096,
            queue: 1_024,
            queue_time: Span::seconds(10),
            usage: Vec::new(),
        }
    }
}

impl Default for RecordingConfig {
    fn default() -> Self {
        Self { text: Recorded::Redacted, retention: Span::seconds(24 * 3_600), limit: ByteCount(64 << 10) }
    }
}

//! The one place that ties ports to implementations.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, anyhow};
use arc_swap::ArcSwap;
use stockade_authz::{Engine as PolicyEngine, Model, Pdp, PolicySet, Rules};
use stockade_crypto::KeyRole;
use stockade_domain::Label;
use stockade_egress::{Credential, Egress, EgressOptions, Target, TargetId};
use stockade_gateway::ports::{Apis, Catalog, CatalogEntry};
use stockade_gateway::{Hosts, Leaks, Options, Parts, Sandbox};
use stockade_inspect::leak::{Canaries, GuardRules, LinkHosts};
use stockade_inspect::{Engine, Pseudonymiser};
use stockade_platform::{Environment, Platform};
use stockade_rulebook::Rulebook;

use super::listen::Listeners;
use crate::config::{Api, Config, Recorded, Speaks, Thinks, UpstreamConfig};

/// The gateway's parts, and what is replaced in them when configuration changes.
pub(super) struct Wiring {
    pub(super) parts: Parts,
    pub(super) catalog: Arc<ArcSwap<Catalog>>,
    pub(super) pdp: Arc<Pdp>,
    pub(super) link_hosts: Arc<ArcSwap<LinkHosts>>,
    /// The names to tell on the first screen.
    pub(super) models: Vec<String>,
}

/// So many detectors are named in one entry of the record, which is bounded.
const IDS: usize = 128;

/// Upstreams that the environment names.
#[derive(Debug, Clone, Default)]
pub(crate) struct EnvUpstreams {
    found: Vec<(&'static str, UpstreamConfig)>,
    unused: Vec<&'static str>,
}

impl Wiring {
    pub(super) fn new(
        config: &Config,
        env: &EnvUpstreams,
        platform: &Platform,
        env_: &Environment,
    ) -> Result<Self> {
        let limits = &config.limits;
        let (egress, minter) = Egress::new(EgressOptions {
            connect_timeout: limits.connect_timeout.0,
            head_timeout: limits.head_timeout.0,
            idle_timeout: limits.idle_timeout.0,
        })
        .context("setting up TLS")?;
        let pdp = Arc::new(Pdp::new(rules(config)?, minter));
        let catalog = catalog(config, env)?;
        let models = catalog.named().map(|(name, _)| name.to_owned()).collect();
        let catalog = Arc::new(ArcSwap::from_pointee(catalog));
        let book = book(config)?;
        let engine = if config.rules.names {
            Engine::with_names_and_locales(&book, &config.rules.locales)
        } else {
            Engine::with_locales(&book, &config.rules.locales)
        };
        let engine = engine.context("compiling the inspection rules")?;
        let link_hosts = Arc::new(ArcSwap::from_pointee(LinkHosts::new(&config.guards.link_hosts)));
        let leaks = Leaks {
            rules: GuardRules::load(&book).context("reading the rules of leaks")?,
            canaries: Canaries::new(env_.ring.mac_key(KeyRole::Pseudonym, 1, b"canaries")?),
            hosts: Arc::clone(&link_hosts),
        };
        // Records name sets of detectors; here it is said once what is in them.
        for set in engine.sets() {
            for ids in set.detectors.chunks(IDS) {
                let detail = [("set", set.id.to_string()), ("detectors", ids.join(" "))];
                platform.journal.admin("rules.load", "system", detail).context("recording the rules")?;
            }
        }
        platform.journal.record_payloads(config.recording.text == Recorded::Redacted);
        let parts = Parts {
            keys: platform.roster.directory(),
            audit: Arc::new(platform.recorder()),
            pdp: Arc::clone(&pdp),
            engine,
            leaks,
            egress,
            catalog: Arc::clone(&catalog),
            prompts: Arc::<stockade_platform::Roster>::clone(&platform.roster),
            pseudonymiser: Arc::new(Pseudonymiser::new(env_.ring.mac_key(
                KeyRole::Pseudonym,
                1,
                b"content",
            )?)),
            people: env_.ring.mac_key(KeyRole::Pseudonym, 1, b"people")?,
            hosts: Hosts::new(config.server.hosts.iter().cloned()),
            clock: Arc::clone(&env_.clock),
            random: Arc::clone(&env_.random),
        };
        Ok(Self { parts, catalog, pdp, link_hosts, models })
    }
}

/// The gateway's bounds.
pub(super) fn options(config: &Config) -> Options {
    let limits = &config.limits;
    Options {
        body: limits.body.0,
        body_timeout: limits.body_timeout.0,
        json_depth: limits.json_depth,
        header_block: limits.header_block.0,
        event: limits.event.0,
        connections: limits.connections,
        record_limit: if config.recording.text == Recorded::Redacted { config.recording.limit.0 } else { 0 },
        ..Options::default()
    }
}

/// The built-in rules of inspection and those of the operator's directory.
fn book(config: &Config) -> Result<Rulebook> {
    let built_in = Rulebook::new(stockade_rules::FILES);
    match &config.rules.dir {
        Some(dir) => {
            built_in.overlay(dir).with_context(|| format!("reading the rules in `{}`", dir.display()))
        }
        None => Ok(built_in),
    }
}

/// The built-in policies and those of the operator's directory.
pub(crate) fn policy_files(config: &Config) -> Result<Vec<(String, String)>> {
    let mut files: Vec<(String, String)> =
        stockade_rules::POLICIES.iter().map(|(n, t)| ((*n).to_owned(), (*t).to_owned())).collect();
    if let Some(dir) = &config.policies.dir {
        let listing =
            std::fs::read_dir(dir).with_context(|| format!("reading the policies in `{}`", dir.display()))?;
        for entry in listing {
            let path = entry?.path();
            if path.extension().is_some_and(|e| e == "cedar") {
                let text = std::fs::read_to_string(&path)
                    .with_context(|| format!("reading `{}`", path.display()))?;
                files.push((path.display().to_string(), text));
            }
        }
    }
    Ok(files)
}

pub(crate) fn rules(config: &Config) -> Result<Rules> {
    let files = policy_files(config)?;
    let texts: Vec<(&str, &str)> = files.iter().map(|(n, t)| (n.as_str(), t.as_str())).collect();
    let policies = PolicySet::load(&texts).map_err(|e| anyhow!("{e}"))?;
    Ok(Rules { engine: PolicyEngine::new(policies)?, labels: config.label_order() })
}

/// The models that exist: the sandbox, then configured upstreams in the order of their names, then the environment's.
pub(super) fn catalog(config: &Config, env: &EnvUpstreams) -> Result<Catalog> {
    let sandbox = Arc::new(Target::local(TargetId::new("sandbox"), Arc::new(Sandbox)));
    let highest = config.label_order().highest();
    let built_in = |name: &str, observe: bool| CatalogEntry {
        models: vec![name.to_owned()],
        model: Model {
            name: String::new(),
            upstream: "sandbox".to_owned(),
            sandbox: true,
            observe,
            label_max: highest.clone(),
        },
        target: Arc::clone(&sandbox),
        apis: Apis { chat: true, completions: true, embeddings: true, ..Apis::NONE },
    };
    let mut entries = Vec::new();
    if config.server.gateway.ip().is_loopback() {
        entries.push(built_in("sandbox", false));
        entries.push(built_in("sandbox-observe", true));
    }
    let named = config.upstreams.iter().map(|(name, upstream)| (name.as_str(), upstream));
    for (name, upstream) in named.chain(env.found.iter().map(|(n, u)| (*n, u))) {
        let key = upstream
            .api_key
            .as_deref()
            .map(secret)
            .transpose()
            .with_context(|| format!("upstreams.{name}.api_key"))?;
        let (target, apis) =
            target(name, upstream, key.as_deref()).with_context(|| format!("upstreams.{name}"))?;
        entries.push(CatalogEntry {
            models: upstream.models.clone(),
            model: Model {
                name: String::new(),
                upstream: name.to_owned(),
                sandbox: false,
                observe: false,
                label_max: upstream.label_max.clone(),
            },
            target: Arc::new(target),
            apis,
        });
    }
    Ok(Catalog { entries })
}

/// The version of Anthropic's API that is spoken (<https://docs.anthropic.com/en/api/versioning>).
const ANTHROPIC_VERSION: (&str, &str) = ("anthropic-version", "2023-06-01");

/// Where an upstream is, and what it speaks.
fn target(name: &str, upstream: &UpstreamConfig, key: Option<&str>) -> Result<(Target, Apis)> {
    let id = TargetId::new(name);
    let (base, credential, constant, all): (_, _, &[_], _) = match upstream.dialect {
        Speaks::OpenAi => (upstream.base_url.as_str(), key.map(Credential::Bearer), &[], Apis::OPENAI),
        Speaks::Azure => {
            let credential = key.map(|key| Credential::Field("api-key", key));
            (upstream.base_url.as_str(), credential, &[], Apis::OPENAI)
        }
        Speaks::Anthropic => {
            // With or without the version in the address: both are written.
            let base = upstream.base_url.trim_end_matches('/');
            let base = base.strip_suffix("/v1").unwrap_or(base);
            let credential = key.map(|key| Credential::Field("x-api-key", key));
            (base, credential, &[ANTHROPIC_VERSION], Apis::ANTHROPIC)
        }
    };
    let apis = match &upstream.apis {
        None => all,
        Some(list) => Apis {
            chat: list.contains(&Api::Chat),
            completions: list.contains(&Api::Completions),
            embeddings: list.contains(&Api::Embeddings),
            responses: list.contains(&Api::Responses),
            messages: list.contains(&Api::Messages),
            ..Apis::NONE
        },
    };
    let target = Target::http_with(id, base, credential, constant)?;
    // OpenAI's reasoning models take no other name for the limit; most other servers know only the older one.
    let host = target.authority().map(|(host, _)| host).unwrap_or_default();
    let completion_limit = upstream.dialect == Speaks::Azure || host == "api.openai.com";
    let thinks_in_budget = upstream.thinking == Thinks::Budget;
    Ok((target, Apis { completion_limit, thinks_in_budget, ..apis }))
}

/// Follows a reference to a secret.
fn secret(reference: &str) -> Result<String> {
    let value = match reference.split_once(':') {
        Some(("env", name)) => {
            std::env::var(name).map_err(|_| anyhow!("the environment variable `{name}` is not set"))?
        }
        Some(("file", path)) => {
            std::fs::read_to_string(Path::new(path)).with_context(|| format!("reading `{path}`"))?
        }
        _ => return Err(anyhow!("a secret is an `env:` or `file:` reference")),
    };
    Ok(value.trim().to_owned())
}

impl EnvUpstreams {
    /// What the environment offers. A key or address of our own is never an upstream: that would be a loop.
    pub(super) fn read(listeners: &Listeners) -> Self {
        let var = |name: &str| std::env::var(name).ok().filter(|v| !v.trim().is_empty());
        let own = [
            listeners.gateway_address.port(),
            listeners.console_address.port(),
            listeners.metrics_address.port(),
        ];
        let is_ours = |url: &str| {
            Target::http(TargetId::new("x"), url, None).ok().and_then(|t| t.authority()).is_some_and(
                |(host, port)| {
                    own.contains(&port)
                        && (host == "localhost"
                            || host.ends_with(".localhost")
                            || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback()))
                },
            )
        };
        let mut out = Self::default();
        let upstream = |base_url: String, api_key: Option<&str>, models: &[&str]| UpstreamConfig {
            base_url,
            dialect: Speaks::OpenAi,
            apis: None,
            thinking: Thinks::default(),
            api_key: api_key.map(str::to_owned),
            models: models.iter().map(|m| (*m).to_owned()).collect(),
            label_max: Label::new("internal"),
        };
        let ollama = var("OLLAMA_HOST");
        let mut has_ollama = false;
        if let Some(key) = var("OPENAI_API_KEY")
            && !key.starts_with(stockade_platform::PREFIX)
        {
            let base = var("OPENAI_BASE_URL").unwrap_or_else(|| "https://api.openai.com/v1".to_owned());
            if !is_ours(&base) {
                let models: &[&str] =
                    if ollama.is_some() { &["gpt-*", "o1*", "o3*", "o4*", "chatgpt-*"] } else { &["*"] };
                out.found.push(("env-openai", upstream(base, Some("env:OPENAI_API_KEY"), models)));
            }
        }
        if let Some(host) = ollama {
            let base = if host.contains("://") { host } else { format!("http://{host}") };
            let base = format!("{}/v1", base.trim_end_matches('/'));
            if !is_ours(&base) && Target::http(TargetId::new("x"), &base, None).is_ok() {
                has_ollama = true;
                let apis = Some(vec![Api::Chat, Api::Completions, Api::Embeddings]);
                out.found.push(("env-ollama", UpstreamConfig { apis, ..upstream(base, None, &["*"]) }));
            }
        }
        if let Some(key) = var("ANTHROPIC_API_KEY")
            && !key.starts_with(stockade_platform::PREFIX)
        {
            let base = var("ANTHROPIC_BASE_URL").unwrap_or_else(|| "https://api.anthropic.com".to_owned());
            if !is_ours(&base) {
                let found = upstream(base, Some("env:ANTHROPIC_API_KEY"), &["claude-*"]);
                let found = UpstreamConfig { dialect: Speaks::Anthropic, ..found };
                // Before Ollama, which serves any rest.
                out.found.insert(
                    out.found.len().saturating_sub(usize::from(has_ollama)),
                    ("env-anthropic", found),
                );
            }
        }
        if let (Some(_), Some(endpoint)) = (var("AZURE_OPENAI_API_KEY"), var("AZURE_OPENAI_ENDPOINT")) {
            // Which deployments there are, only its operator knows: they need lines in the file.
            tracing::debug!(
                endpoint,
                "Azure OpenAI is in the environment; name its deployments in the configuration"
            );
            out.unused = vec!["AZURE_OPENAI_API_KEY", "AZURE_OPENAI_ENDPOINT"];
        }
        out
    }

    /// A line for each, so that nobody is surprised where a prompt went.
    pub(super) fn announcements(&self) -> Vec<String> {
        let mut lines: Vec<String> = self
            .found
            .iter()
            .map(|(name, u)| {
                format!(
                    "{} from the environment ({name}, up to label {}); --no-env-upstreams leaves it out",
                    u.base_url, u.label_max
                )
            })
            .collect();
        if !self.unused.is_empty() {
            lines.push(format!("{} set: name its deployments in stockade.toml", self.unused.join(", ")));
        }
        lines
    }
}

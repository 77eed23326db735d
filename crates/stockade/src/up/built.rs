//! What a configuration comes to: everything that is made from it before a port is served or a record written. `up`, a
//! reload and `config check` make it in the same way, so that none of them takes what another refuses.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Result, anyhow};
use http::{HeaderName, HeaderValue};
use stockade_authz::{Engine as PolicyEngine, Model, PolicySet, Rules};
use stockade_egress::{Target, TargetId};
use stockade_gateway::Sandbox;
use stockade_gateway::labels::LabelRules;
use stockade_gateway::ports::{Apis, Catalog, CatalogEntry, Route};
use stockade_gateway::trace::ExporterOptions;
use stockade_identity::{IssuerOptions, LoginOptions};
use stockade_inspect::Engine;
use stockade_inspect::leak::GuardRules;
use stockade_views::Role;

use super::environment::EnvUpstreams;
use super::upstream;
use crate::config::{Config, Place, Senseless, UpstreamConfig};
use crate::home::Home;
use crate::inspection::{self, Chosen};
use crate::output::chain;

/// The longest secret that is read from a file, in bytes.
const LONGEST_SECRET: u64 = 64 << 10;

/// The provider that people sign in to the console with, and what its words for roles mean here.
pub(crate) struct ConsoleProvider {
    pub(crate) options: LoginOptions,
    pub(crate) roles: BTreeMap<String, Role>,
}

/// The parts that a configuration decides.
pub(crate) struct Built {
    pub(crate) rules: Rules,
    pub(crate) engine: Engine,
    pub(crate) guards: GuardRules,
    pub(crate) catalog: Catalog,
    pub(crate) issuers: Vec<IssuerOptions>,
    pub(crate) login: Option<ConsoleProvider>,
    pub(crate) labels: LabelRules,
    pub(crate) traces: Option<ExporterOptions>,
}

impl Built {
    /// Makes everything, or says which setting is in the way.
    pub(crate) fn new(config: &Config, env: &EnvUpstreams, home: &Home) -> Result<Self, Senseless> {
        let rules = rules(config)?;
        let catalog = catalog(config, env)?;
        let (engine, guards) = inspector(config, home)?;
        let issuers = config.identity.options()?;
        let login = login(config)?;
        let labels = config.label_rules()?;
        let traces = traces(config)?;
        Ok(Self { rules, engine, guards, catalog, issuers, login, labels, traces })
    }
}

/// The built-in policies and those of the operator's directory, in the order of their names.
pub(crate) fn policy_files(config: &Config) -> Result<Vec<(String, String)>, Senseless> {
    let mut files: Vec<(String, String)> =
        stockade_rules::POLICIES.iter().map(|(n, t)| ((*n).to_owned(), (*t).to_owned())).collect();
    let Some(dir) = &config.policies.dir else { return Ok(files) };
    let unreadable = |path: &Path, error: &std::io::Error| {
        let message = format!("`{}` cannot be read: {error}", path.display());
        Senseless::new(Place::of("policies.dir"), message, "name a directory of `.cedar` files")
    };
    let listing = std::fs::read_dir(dir).map_err(|error| unreadable(dir, &error))?;
    let paths = listing.map(|entry| entry.map(|entry| entry.path())).collect::<Result<Vec<_>, _>>();
    let mut paths = paths.map_err(|error| unreadable(dir, &error))?;
    paths.retain(|path| path.extension().is_some_and(|ending| ending == "cedar"));
    paths.sort();
    for path in paths {
        let text = std::fs::read_to_string(&path).map_err(|error| unreadable(&path, &error))?;
        files.push((path.display().to_string(), text));
    }
    Ok(files)
}

fn rules(config: &Config) -> Result<Rules, Senseless> {
    let files = policy_files(config)?;
    let texts: Vec<(&str, &str)> = files.iter().map(|(n, t)| (n.as_str(), t.as_str())).collect();
    let wrong = |error: String| {
        let message = format!("the policies cannot be loaded: {}", error.trim_end());
        Senseless::new(Place::of("policies.dir"), message, "`stockade policy check` shows the places")
    };
    let policies = PolicySet::load(&texts).map_err(|errors| wrong(errors.to_string()))?;
    let engine = PolicyEngine::new(policies).map_err(|error| wrong(error.to_string()))?;
    Ok(Rules { engine, labels: config.label_order() })
}

fn inspector(config: &Config, home: &Home) -> Result<(Engine, GuardRules), Senseless> {
    let own = &config.rules;
    let wrong = |error: &anyhow::Error| {
        let message = format!("the rules cannot be used: {}", chain(error));
        Senseless::new(Place::of("rules.dir"), message, "`stockade rules test --dir DIR` tries them")
    };
    let book = inspection::book(own.dir.as_deref()).map_err(|error| {
        let help = "name a directory with folders such as `recognizers`";
        Senseless::new(Place::of("rules.dir"), format!("the rules cannot be read: {error}"), help)
    })?;
    let unknown = inspection::unknown_country(&book, &own.locales).map_err(|error| wrong(&error.into()))?;
    if let Some(unknown) = unknown {
        return Err(Senseless::new(
            Place::of("rules.locales").item(unknown.at),
            format!("no rule is about the country `{}`", unknown.code),
            unknown.known,
        ));
    }
    let chosen = Chosen { locales: &own.locales, names: own.names };
    let engine = inspection::engine(&book, chosen, || Ok(home.clone())).map_err(|error| wrong(&error))?;
    let guards = GuardRules::load(&book).map_err(|error| wrong(&error.into()))?;
    Ok((engine, guards))
}

/// The models that exist: the sandbox, then configured upstreams in the order of their names, then the environment's.
fn catalog(config: &Config, env: &EnvUpstreams) -> Result<Catalog, Senseless> {
    let sandbox = Arc::new(Target::local(TargetId::new("sandbox"), Arc::new(Sandbox)));
    let highest = config.label_order().highest();
    let built_in = |name: &str, observe: bool| CatalogEntry {
        models: vec![name.to_owned()],
        model: Model {
            name: String::new(),
            upstream: "sandbox".to_owned(),
            region: None,
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
    for (name, upstream) in &config.upstreams {
        entries.push(entry(config, name, upstream, "correct it, or leave it out")?);
    }
    for (name, upstream) in env.found() {
        entries.push(entry(
            config,
            name,
            upstream,
            "the environment names it; `--no-env-upstreams` leaves it out",
        )?);
    }
    let mut routes = Vec::new();
    for route in &config.routes {
        let mut upstreams = Vec::new();
        for target in &route.targets {
            let named = entries.iter().find(|entry| entry.model.upstream == target.upstream);
            upstreams.extend(named.map(|entry| (entry.clone(), target.weight)));
        }
        let attempts = route.attempts.unwrap_or(upstreams.len());
        routes.push(Route { models: route.models.clone(), upstreams, attempts });
    }
    Ok(Catalog { entries, routes })
}

fn entry(
    config: &Config,
    name: &str,
    configured: &UpstreamConfig,
    help: &str,
) -> Result<CatalogEntry, Senseless> {
    let wrong = |key: &str, message: String| Senseless::new(Place::upstream(name, key), message, help);
    let key = configured.api_key.as_deref().map(secret).transpose();
    let key = key.map_err(|error| wrong("api_key", error.to_string()))?;
    upstream::target(name, configured, None).map_err(|error| wrong("base_url", error.to_string()))?;
    // The address is good: what is wrong now is the key.
    let target = upstream::target(name, configured, key.as_deref())
        .map_err(|error| wrong("api_key", error.to_string()))?;
    let target = match &configured.entra {
        None => target,
        Some(entra) => {
            let tokens = entra.tokens(secret).map_err(|error| wrong("entra", format!("{error:#}")))?;
            target.with_tokens(Arc::new(tokens))
        }
    };
    let apis = upstream::apis(configured, &target);
    let model = Model {
        name: String::new(),
        upstream: name.to_owned(),
        region: configured.region.clone(),
        sandbox: false,
        observe: false,
        label_max: config.clearance(configured),
    };
    Ok(CatalogEntry { models: configured.models.clone(), model, target: Arc::new(target), apis })
}

/// Where traces go, with the credential of that place.
fn traces(config: &Config) -> Result<Option<ExporterOptions>, Senseless> {
    let telemetry = &config.telemetry;
    let Some(target) = telemetry.target()? else { return Ok(None) };
    let mut fields = Vec::new();
    for (name, reference) in &telemetry.headers {
        let wrong = |message: String| {
            Senseless::new(
                Place::of("telemetry.headers"),
                message,
                "each request to the collector carries it",
            )
        };
        let value = secret(reference).map_err(|error| wrong(error.to_string()))?;
        let name = HeaderName::try_from(name.as_str()).map_err(|error| wrong(error.to_string()))?;
        let mut value = HeaderValue::try_from(value).map_err(|error| wrong(error.to_string()))?;
        value.set_sensitive(true);
        fields.push((name, value));
    }
    let (service, version) = (telemetry.service.clone(), env!("CARGO_PKG_VERSION"));
    Ok(Some(ExporterOptions { target, fields, service, version }))
}

/// The provider that people sign in to the console with.
fn login(config: &Config) -> Result<Option<ConsoleProvider>, Senseless> {
    let Some(console) = &config.identity.console else { return Ok(None) };
    let roles = console.roles()?;
    let client_secret = console.client_secret.as_deref().map(secret).transpose().map_err(|error| {
        let help = "requests to the provider carry it";
        Senseless::new(Place::of("identity.console.client_secret"), error.to_string(), help)
    })?;
    let options = console.options(client_secret);
    Ok(Some(ConsoleProvider { options, roles }))
}

/// Follows a reference to a secret.
pub(crate) fn secret(reference: &str) -> Result<String> {
    let value = match reference.split_once(':') {
        Some(("env", name)) => {
            std::env::var(name).map_err(|_| anyhow!("the environment variable `{name}` is not set"))?
        }
        Some(("file", path)) => {
            let read = || -> std::io::Result<String> {
                use std::io::Read as _;
                let mut text = String::new();
                std::fs::File::open(path)?.take(LONGEST_SECRET).read_to_string(&mut text)?;
                Ok(text)
            };
            read().map_err(|error| anyhow!("`{path}` cannot be read: {error}"))?
        }
        _ => return Err(anyhow!("a secret is an `env:` or `file:` reference")),
    };
    let value = value.trim();
    if value.is_empty() {
        return Err(anyhow!("there is nothing in `{reference}`"));
    }
    Ok(value.to_owned())
}

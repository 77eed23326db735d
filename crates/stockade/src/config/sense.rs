//! What the values must mean, each alone and together. What lies outside the file (directories, secrets, rules) is looked
//! at where it is used: see [`crate::up::Built`].

use std::net::SocketAddr;

use stockade_egress::{Target, TargetId};

use super::labels::LabelsConfig;
use super::place::Place;
use super::schema::{Config, LimitsConfig, ServerConfig, Speaks, UpstreamConfig};

/// A value that has the right type and makes no sense.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Senseless {
    pub(crate) at: Place,
    pub(crate) message: String,
    pub(crate) help: String,
}

pub(super) type Sense = Result<(), Senseless>;

/// More connections than this are more than a process can have files open.
const MOST_CONNECTIONS: usize = 1_000_000;

/// The longest name of an upstream, label or model, in bytes.
const LONGEST_NAME: usize = 128;

/// Upstreams' names that are taken.
const OWN_UPSTREAMS: [&str; 4] = ["sandbox", "env-openai", "env-anthropic", "env-ollama"];

impl Senseless {
    pub(crate) fn new(at: Place, message: impl Into<String>, help: impl Into<String>) -> Self {
        Self { at, message: message.into(), help: help.into() }
    }
}

impl Config {
    /// Whether the values make sense together.
    pub(crate) fn check(&self) -> Sense {
        self.server.check()?;
        self.limits.check()?;
        self.check_usage()?;
        self.check_routes()?;
        self.labels.check()?;
        self.telemetry.check()?;
        let code = |locale: &String| locale.len() == 2 && locale.bytes().all(|b| b.is_ascii_alphabetic());
        first(
            &self.rules.locales,
            |locale| !code(locale),
            |at, locale| {
                Senseless::new(
                    Place::of("rules.locales").item(at),
                    format!("`{locale}` is no country code"),
                    "two letters as in ISO 3166-1, for example `[\"de\", \"fr\"]`",
                )
            },
        )?;
        let is_host = |entry: &String| {
            let host = entry.strip_prefix("*.").unwrap_or(entry);
            let inner = |c: char| c.is_alphanumeric() || matches!(c, '-' | '.' | ':');
            !host.is_empty() && host.chars().all(inner) && !host.starts_with('.')
        };
        first(
            &self.guards.link_hosts,
            |entry| !is_host(entry),
            |at, entry| {
                Senseless::new(
                    Place::of("guards.link_hosts").item(at),
                    format!("`{entry}` is no host"),
                    "for example `[\"docs.example.com\", \"*.example.org\"]`, without scheme, port and path",
                )
            },
        )?;
        self.identity.options()?;
        self.identity.certificates.iter().try_for_each(|own| own.check(&self.server))?;
        self.identity.console.iter().try_for_each(|console| console.roles().map(drop))?;
        self.upstreams.iter().try_for_each(|(name, upstream)| upstream.check(name, &self.labels))
    }
}

impl ServerConfig {
    fn check(&self) -> Sense {
        if self.tls_certificate.is_some() != self.tls_key.is_some() {
            return Err(Senseless::new(
                Place::of("server.tls_certificate"),
                "`tls_certificate` and `tls_key` go together",
                "give both, or neither",
            ));
        }
        for (at, address) in [("server.gateway", self.gateway), ("server.console", self.console)] {
            if !address.ip().is_loopback() && self.tls_certificate.is_none() {
                return Err(Senseless::new(
                    Place::of(at),
                    format!("`{address}` can be reached from other machines, and there is no TLS"),
                    "give `tls_certificate` and `tls_key`, or listen on 127.0.0.1",
                ));
            }
        }
        if !self.metrics.ip().is_loopback() {
            return Err(Senseless::new(
                Place::of("server.metrics"),
                format!("`{}` would show metrics to other machines", self.metrics),
                "listen on 127.0.0.1 and let a local agent collect",
            ));
        }
        let taken = |one: SocketAddr, other: SocketAddr| one.port() != 0 && one == other;
        for (at, address, other, others) in [
            ("server.console", self.console, "gateway", self.gateway),
            ("server.metrics", self.metrics, "gateway", self.gateway),
            ("server.metrics", self.metrics, "console", self.console),
        ] {
            if taken(address, others) {
                return Err(Senseless::new(
                    Place::of(at),
                    format!("`{address}` is where `{other}` listens"),
                    "give each listener a port of its own",
                ));
            }
        }
        first(
            &self.hosts,
            |host| !is_host_name(host),
            |at, host| {
                Senseless::new(
                    Place::of("server.hosts").item(at),
                    format!("`{host}` is no host name"),
                    "for example `[\"ai.example.com\"]`, without scheme, port and path",
                )
            },
        )
    }
}

impl LimitsConfig {
    fn check(&self) -> Sense {
        let between = |key: &str, value: usize, least: usize, most: usize, help: &str| {
            if (least..=most).contains(&value) {
                return Ok(());
            }
            Err(Senseless::new(Place::of(&format!("limits.{key}")), format!("`{key}` must be {help}"), ""))
        };
        between("header_block", self.header_block.0, 8 << 10, 1 << 20, "from 8 KiB to 1 MiB")?;
        between("json_depth", self.json_depth, 1, 512, "from 1 to 512")?;
        between("upstream_least", self.upstream_least, 1, self.upstream_most, "from 1 to `upstream_most`")?;
        between("upstream_most", self.upstream_most, 1, MOST_CONNECTIONS, "from 1 to 1000000")?;
        between("queue", self.queue, 1, MOST_CONNECTIONS, "from 1 to 1000000")?;
        between("connections", self.connections, 1, MOST_CONNECTIONS, "from 1 to 1000000")?;
        between("body", self.body.0, 1 << 10, usize::MAX, "1 KiB or more: a larger body is refused")?;
        between("event", self.event.0, 1 << 10, usize::MAX, "1 KiB or more: a larger event is refused")?;
        for (key, span) in [
            ("body_timeout", self.body_timeout),
            ("connect_timeout", self.connect_timeout),
            ("head_timeout", self.head_timeout),
            ("idle_timeout", self.idle_timeout),
            ("queue_time", self.queue_time),
        ] {
            if span.0.is_zero() {
                return Err(Senseless::new(
                    Place::of(&format!("limits.{key}")),
                    format!("`{key}` leaves no time: every request would fail"),
                    "give it seconds, for example `\"30s\"`",
                ));
            }
        }
        Ok(())
    }
}

impl UpstreamConfig {
    fn check(&self, name: &str, labels: &LabelsConfig) -> Sense {
        let wrong = |at: Place, message: String, help: &str| Err(Senseless::new(at, message, help));
        let key = |key: &str| Place::upstream(name, key);
        if !is_name(name) {
            let message = format!("`{name}` is no name for an upstream");
            return wrong(Place::upstreams(name), message, "letters, digits, `-`, `_` and `.`");
        }
        if OWN_UPSTREAMS.contains(&name) {
            let message = format!("`{name}` is the name of an upstream that is not from the file");
            return wrong(Place::upstreams(name), message, "call it something else");
        }
        if let Err(error) = Target::http(TargetId::new(name), &self.base_url, None) {
            let help = "for example `https://api.openai.com/v1` or `http://127.0.0.1:11434/v1`";
            return wrong(key("base_url"), error.to_string(), help);
        }
        for (item, api) in self.apis.iter().flatten().enumerate() {
            if !self.dialect.offers(*api) {
                let message = "an upstream of this dialect does not offer that".to_owned();
                let help = "`anthropic` offers `messages`; `ollama` offers `ollama`, `chat`, `completions` and `embeddings`; \
                            `openai` and `azure` offer all but `messages` and `ollama`; `predict` offers `predict`";
                return wrong(key("apis").item(item), message, help);
            }
        }
        if self.user_security_context && self.dialect != Speaks::Azure {
            let message = "only Azure's chats have a `user_security_context`".to_owned();
            return wrong(key("user_security_context"), message, "leave the line out");
        }
        if let Some(entra) = &self.entra {
            entra.check(name, self)?;
        }
        if self.apis.as_ref().is_some_and(Vec::is_empty) {
            let message = "an upstream that offers nothing is never used".to_owned();
            return wrong(key("apis"), message, "leave the line out for all of its dialect");
        }
        if self.models.is_empty() {
            let message = "an upstream without models is never used".to_owned();
            return wrong(key("models"), message, "name them, or `[\"*\"]` for all");
        }
        for (item, model) in self.models.iter().enumerate() {
            let at = key("models").item(item);
            let bare = model.strip_suffix('*').unwrap_or(model);
            if model.is_empty() || model.len() > LONGEST_NAME || model.chars().any(|c| c.is_control()) {
                return wrong(at, format!("{model:?} is no name of a model"), "leave it out");
            }
            if model.trim() != model {
                return wrong(at, format!("{model:?} begins or ends with a blank"), "take the blank out");
            }
            if bare.contains('*') {
                let message =
                    format!("`{model}` fits no model: `*` stands for the rest of a name, at its end only");
                return wrong(at, message, "for example `gpt-*`, or `*` for all");
            }
            if model.starts_with("sandbox") {
                let message = "names that begin with `sandbox` belong to the built-in model".to_owned();
                return wrong(at, message, "leave them out");
            }
        }
        if self.api_key.as_ref().is_some_and(|k| !k.starts_with("env:") && !k.starts_with("file:")) {
            return wrong(
                key("api_key"),
                "a key is never written into the file; use an `env:` or `file:` reference".to_owned(),
                "for example `api_key = \"env:OPENAI_API_KEY\"`",
            );
        }
        if self.region.as_ref().is_some_and(|region| !is_name(region)) {
            let message = "that is no name of a region".to_owned();
            return wrong(key("region"), message, "letters, digits, `-`, `_` and `.`");
        }
        if let Some(region) = self.region.as_ref().filter(|region| !labels.knows_region(region)) {
            let known: Vec<_> = labels.regions.keys().map(|name| format!("`{name}`")).collect();
            let message = format!("`labels.regions` does not name the region `{region}`");
            return wrong(key("region"), message, &format!("the regions are {}", known.join(", ")));
        }
        labels.is_known(&key("label_max"), &self.label_max)
    }
}

/// The first item of a list that is wrong.
pub(super) fn first<T>(
    list: &[T],
    wrong: impl Fn(&T) -> bool,
    tell: impl FnOnce(usize, &T) -> Senseless,
) -> Sense {
    match list.iter().enumerate().find(|(_, item)| wrong(item)) {
        Some((at, item)) => Err(tell(at, item)),
        None => Ok(()),
    }
}

/// A name that can stand in a record, a metric and a command.
pub(super) fn is_name(name: &str) -> bool {
    let inner = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    !name.is_empty() && name.len() <= LONGEST_NAME && name.chars().all(inner)
}

/// As a `Host` header names it, without its port (RFC 9110 section 7.2): a name, or an address, IPv6 in brackets.
fn is_host_name(host: &str) -> bool {
    if let Some(address) = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        return address.parse::<std::net::Ipv6Addr>().is_ok();
    }
    let inner = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    host.len() <= 253 && host.split('.').all(|part| !part.is_empty() && part.chars().all(inner))
}

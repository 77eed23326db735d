//! Upstreams that the environment names: what a newcomer has already, announced line by line.

use stockade_domain::LabelOrder;
use stockade_egress::{Target, TargetId};

use crate::config::{Speaks, Thinks, UpstreamConfig};

/// The highest label that may be sent to an upstream which nobody configured; where it does not exist, the lowest.
const CAP: &str = "internal";

/// Upstreams that the environment names.
#[derive(Debug, Clone, Default)]
pub(crate) struct EnvUpstreams {
    found: Vec<(&'static str, UpstreamConfig)>,
    unused: Vec<&'static str>,
}

impl EnvUpstreams {
    /// What the environment offers to a process with listeners on these ports. A key or address of our own is never an upstream: that would be a loop.
    pub(crate) fn read(own: [u16; 3], labels: &LabelOrder) -> Self {
        let var = |name: &str| std::env::var(name).ok().filter(|v| !v.trim().is_empty());
        let lowest = || labels.iter().next().cloned().unwrap_or_default();
        let capped = labels.iter().find(|label| label.as_str() == CAP).cloned().unwrap_or_else(lowest);
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
            entra: None,
            user_security_context: false,
            models: models.iter().map(|m| (*m).to_owned()).collect(),
            label_max: capped.clone(),
            region: None,
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
            let base = ollama_at(&host);
            if !is_ours(&base) && Target::http(TargetId::new("x"), &base, None).is_ok() {
                has_ollama = true;
                let found = upstream(base, None, &["*"]);
                out.found.push(("env-ollama", UpstreamConfig { dialect: Speaks::Ollama, ..found }));
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
                let at = out.found.len().saturating_sub(usize::from(has_ollama));
                out.found.insert(at, ("env-anthropic", found));
            }
        }
        out.unused = ["AZURE_OPENAI_API_KEY", "AZURE_OPENAI_ENDPOINT"]
            .into_iter()
            .filter(|name| var(name).is_some())
            .collect();
        out
    }

    /// What was found: a name, and how it would be configured.
    pub(super) fn found(&self) -> impl Iterator<Item = (&'static str, &UpstreamConfig)> {
        self.found.iter().map(|(name, upstream)| (*name, upstream))
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

/// The address that Ollama's own programs take from `OLLAMA_HOST`: without a port it is 11434, and what listens on every
/// address is asked on this machine (<https://github.com/ollama/ollama/blob/main/docs/faq.mdx>).
fn ollama_at(host: &str) -> String {
    let host = host.trim().trim_end_matches('/');
    if host.contains("://") {
        return host.to_owned();
    }
    let port = if host.rsplit_once(':').is_some_and(|(_, port)| port.bytes().all(|b| b.is_ascii_digit())) {
        ""
    } else {
        ":11434"
    };
    let host = match host.strip_prefix("0.0.0.0") {
        Some(rest) => format!("127.0.0.1{rest}"),
        None => host.to_owned(),
    };
    format!("http://{host}{port}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ollama_s_address_is_read_as_ollama_reads_it() {
        for (host, at) in [
            ("127.0.0.1", "http://127.0.0.1:11434"),
            ("localhost:9/", "http://localhost:9"),
            ("0.0.0.0", "http://127.0.0.1:11434"),
            ("0.0.0.0:8080", "http://127.0.0.1:8080"),
            ("https://ollama.example.com", "https://ollama.example.com"),
        ] {
            assert_eq!(ollama_at(host), at);
        }
    }
}

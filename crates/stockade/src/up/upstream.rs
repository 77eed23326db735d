//! Where an upstream is, how it is told who asks, and what it speaks.

use stockade_egress::{Credential, Target, TargetError, TargetId};
use stockade_gateway::ports::Apis;

use crate::config::{Api, Speaks, Thinks, UpstreamConfig};

/// The version of Anthropic's API that is spoken when a caller names none
/// (<https://docs.anthropic.com/en/api/versioning>).
const ANTHROPIC_VERSION: (&str, &str) = ("anthropic-version", "2023-06-01");

/// The target of an upstream.
pub(super) fn target(
    name: &str,
    upstream: &UpstreamConfig,
    key: Option<&str>,
) -> Result<Target, TargetError> {
    let id = TargetId::new(name);
    let base = upstream.base_url.as_str();
    match upstream.dialect {
        Speaks::OpenAi | Speaks::Predict => Target::http_with(id, base, key.map(Credential::Bearer), &[]),
        Speaks::Azure => Target::http_with(id, base, key.map(|key| Credential::Field("api-key", key)), &[]),
        Speaks::Ollama => {
            // The address of its OpenAI protocols is taken for that of the server.
            let base = base.trim_end_matches('/');
            let base = base.strip_suffix("/v1").unwrap_or(base);
            Target::http_with(id, base, key.map(Credential::Bearer), &[])
        }
        Speaks::Anthropic => {
            // With or without the version in the address: both are written.
            let base = base.trim_end_matches('/');
            let base = base.strip_suffix("/v1").unwrap_or(base);
            let credential = key.map(|key| Credential::Field("x-api-key", key));
            Target::http_with(id, base, credential, &[ANTHROPIC_VERSION])
        }
    }
}

/// What an upstream speaks.
pub(super) fn apis(upstream: &UpstreamConfig, target: &Target) -> Apis {
    let all = match upstream.dialect {
        Speaks::OpenAi | Speaks::Azure => Apis::OPENAI,
        Speaks::Anthropic => Apis::ANTHROPIC,
        Speaks::Ollama => Apis::OLLAMA,
        Speaks::Predict => Apis::PREDICT,
    };
    let offered = match &upstream.apis {
        None => all,
        Some(list) => Apis {
            chat: list.contains(&Api::Chat),
            completions: list.contains(&Api::Completions),
            embeddings: list.contains(&Api::Embeddings),
            responses: list.contains(&Api::Responses),
            messages: list.contains(&Api::Messages),
            ollama: list.contains(&Api::Ollama),
            predict: list.contains(&Api::Predict),
            ..Apis::NONE
        },
    };
    // OpenAI's reasoning models take no other name for the limit; most other servers know only the older one.
    let host = target.authority().map(|(host, _)| host).unwrap_or_default();
    let completion_limit = upstream.dialect == Speaks::Azure || host == "api.openai.com";
    let thinks_in_budget = upstream.thinking == Thinks::Budget;
    let user_security_context = upstream.user_security_context;
    Apis { completion_limit, thinks_in_budget, user_security_context, ..offered }
}

//! Tokens of Microsoft Entra with which the gateway asks an upstream.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use stockade_identity::{EntraCredential, EntraSecret, EntraTokens};

use super::place::Place;
use super::schema::{Speaks, UpstreamConfig};
use super::sense::{Sense, Senseless};

/// Tokens of Microsoft Entra in place of a key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct EntraConfig {
    /// By what Entra knows the gateway.
    pub(crate) with: EntraWith,
    /// The tenant's id. With `workload_identity` also `AZURE_TENANT_ID`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) tenant: Option<String>,
    /// The application's id, or of several managed identities that of the one to use. With `workload_identity` also
    /// `AZURE_CLIENT_ID`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) client_id: Option<String>,
    /// `env:NAME` or `file:PATH`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) client_secret: Option<String>,
    /// The file in which a cluster puts its tokens; left out, `AZURE_FEDERATED_TOKEN_FILE`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) token_file: Option<String>,
    /// Who signs people and programs in; left out, `AZURE_AUTHORITY_HOST` or `https://login.microsoftonline.com`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) authority: Option<String>,
    /// What the token is for. Azure ML's endpoints want `https://ml.azure.com/.default`.
    #[serde(default = "scope")]
    pub(crate) scope: String,
}

/// By what Entra knows the gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum EntraWith {
    /// A secret of an application.
    ClientSecret,
    /// A token that the cluster signs for the workload.
    WorkloadIdentity,
    /// The identity of the machine, App Service or container app that it runs on.
    ManagedIdentity,
}

const AUTHORITY: &str = "https://login.microsoftonline.com";

fn scope() -> String {
    "https://cognitiveservices.azure.com/.default".to_owned()
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.trim().is_empty())
}

impl EntraConfig {
    /// Checks what can be checked without a secret or the environment.
    pub(super) fn check(&self, name: &str, upstream: &UpstreamConfig) -> Sense {
        let wrong = |key: &str, message: &str, help: &str| {
            Err(Senseless::new(Place::upstream(name, key), message.to_owned(), help))
        };
        if upstream.api_key.is_some() {
            return wrong("api_key", "it has a key and Entra's tokens", "leave one of the two out");
        }
        if !matches!(upstream.dialect, Speaks::OpenAi | Speaks::Azure | Speaks::Predict) {
            return wrong(
                "entra",
                "an upstream of this dialect takes no tokens of Entra",
                "give it an `api_key`",
            );
        }
        let is_reference = |secret: &String| secret.starts_with("env:") || secret.starts_with("file:");
        if self.client_secret.as_ref().is_some_and(|secret| !is_reference(secret)) {
            let help = "for example `client_secret = \"env:ENTRA_SECRET\"`";
            return wrong(
                "entra",
                "a secret is never written into the file; use an `env:` or `file:` reference",
                help,
            );
        }
        let is_secret = self.with == EntraWith::ClientSecret;
        if is_secret && (self.tenant.is_none() || self.client_id.is_none() || self.client_secret.is_none()) {
            let message = "an application with a secret needs `tenant`, `client_id` and `client_secret`";
            return wrong("entra", message, "the portal shows them under App registrations");
        }
        if !is_secret && self.client_secret.is_some() {
            return wrong("entra", "only `with = \"client_secret\"` uses a secret", "leave it out");
        }
        Ok(())
    }

    /// The tokens; `secret` follows a reference to one.
    ///
    /// # Errors
    /// Says what is missing.
    pub(crate) fn tokens(
        &self,
        secret: impl Fn(&str) -> anyhow::Result<String>,
    ) -> anyhow::Result<EntraTokens> {
        let authority = || {
            let named = self.authority.clone().or_else(|| variable("AZURE_AUTHORITY_HOST"));
            named.unwrap_or_else(|| AUTHORITY.to_owned())
        };
        let needed = |value: &Option<String>, key: &str, name: &str| {
            let value = value.clone().or_else(|| variable(name));
            value.ok_or_else(|| anyhow::anyhow!("`{key}` is missing: set it, or the variable `{name}`"))
        };
        let credential = match self.with {
            EntraWith::ClientSecret => EntraCredential::Secret {
                authority: authority(),
                tenant: needed(&self.tenant, "tenant", "AZURE_TENANT_ID")?,
                client_id: needed(&self.client_id, "client_id", "AZURE_CLIENT_ID")?,
                secret: EntraSecret(secret(self.client_secret.as_deref().unwrap_or_default())?),
            },
            EntraWith::WorkloadIdentity => EntraCredential::Federated {
                authority: authority(),
                tenant: needed(&self.tenant, "tenant", "AZURE_TENANT_ID")?,
                client_id: needed(&self.client_id, "client_id", "AZURE_CLIENT_ID")?,
                token_file: needed(&self.token_file, "token_file", "AZURE_FEDERATED_TOKEN_FILE")?.into(),
            },
            EntraWith::ManagedIdentity => {
                let client_id = self.client_id.clone();
                match (variable("IDENTITY_ENDPOINT"), variable("IDENTITY_HEADER")) {
                    (Some(endpoint), Some(header)) => {
                        EntraCredential::Service { endpoint, header: EntraSecret(header), client_id }
                    }
                    _ => EntraCredential::Machine {
                        at: variable("AZURE_POD_IDENTITY_AUTHORITY_HOST"),
                        client_id,
                    },
                }
            }
        };
        let tokens = EntraTokens::new(credential, &self.scope);
        tokens.check()?;
        Ok(tokens)
    }
}

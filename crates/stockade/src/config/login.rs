//! `[identity.console]`: the provider that people sign in to the console with, and what they may do then.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use stockade_egress::SystemTarget;
use stockade_identity::LoginOptions;
use stockade_views::Role;

use super::place::Place;
use super::sense::{Senseless, is_name};
use super::units::Span;

/// The provider that people sign in to the console with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ConsoleLogin {
    /// What it is called on the page and in records: letters, digits, `-`, `_` and `.`.
    pub(crate) name: String,
    /// Its `iss`, letter for letter: `https`, or `http` on this machine.
    pub(crate) issuer: String,
    /// Who the console is there.
    pub(crate) client_id: String,
    /// `env:NAME` or `file:PATH`; left out for a public client.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) client_secret: Option<String>,
    /// What is asked for besides `openid`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) scopes: Vec<String>,
    /// The claim of the ID token with roles or groups; a dot goes into an object.
    #[serde(default = "roles_claim")]
    pub(crate) roles_claim: String,
    /// From a word of that claim to `admin`, `auditor`, `operator` or `viewer`.
    pub(crate) roles: BTreeMap<String, String>,
    /// How far its clock and ours may be apart; at most 5 minutes.
    #[serde(default = "skew")]
    pub(crate) clock_skew: Span,
}

fn roles_claim() -> String {
    "roles".to_owned()
}

fn skew() -> Span {
    Span::seconds(10)
}

impl ConsoleLogin {
    /// As the client of the provider wants it; the secret is looked up elsewhere.
    pub(crate) fn options(&self, client_secret: Option<String>) -> LoginOptions {
        LoginOptions {
            name: self.name.clone(),
            issuer: self.issuer.clone(),
            client_id: self.client_id.clone(),
            client_secret,
            scopes: self.scopes.clone(),
            roles_claim: self.roles_claim.clone(),
            clock_skew: self.clock_skew.0,
        }
    }

    /// Checks what can be checked without the secret; gives the roles.
    pub(crate) fn roles(&self) -> Result<BTreeMap<String, Role>, Senseless> {
        let wrong = |key: &str, message: String, help: &str| {
            Senseless::new(Place::of(&format!("identity.console.{key}")), message, help)
        };
        if !is_name(&self.name) {
            let message = format!("`{}` is no name", self.name);
            return Err(wrong("name", message, "letters, digits, `-`, `_` and `.`"));
        }
        if let Err(error) = SystemTarget::new(&self.issuer) {
            return Err(wrong("issuer", error.to_string(), "for example `https://login.example.com`"));
        }
        if self.client_id.is_empty() {
            return Err(wrong(
                "client_id",
                "it is empty".to_owned(),
                "the provider gives it when the console is registered",
            ));
        }
        let is_reference = |secret: &String| secret.starts_with("env:") || secret.starts_with("file:");
        if self.client_secret.as_ref().is_some_and(|secret| !is_reference(secret)) {
            let message =
                "a secret is never written into the file; use an `env:` or `file:` reference".to_owned();
            return Err(wrong(
                "client_secret",
                message,
                "for example `client_secret = \"env:CONSOLE_CLIENT_SECRET\"`",
            ));
        }
        if self.clock_skew.0 > std::time::Duration::from_secs(300) {
            return Err(wrong("clock_skew", "it is more than 5 minutes".to_owned(), "set the clocks"));
        }
        if self.roles.is_empty() {
            let help = "`[identity.console.roles]` with a line `\"word-of-the-claim\" = \"viewer\"` for each";
            return Err(wrong("roles", "nobody would have a role".to_owned(), help));
        }
        let roles = self.roles.iter().map(|(word, role)| {
            let role = role.parse::<Role>().map_err(|()| {
                let known: Vec<_> = Role::ALL.iter().map(|role| role.as_str()).collect();
                wrong("roles", format!("`{role}` is no role"), &format!("one of {}", known.join(", ")))
            })?;
            Ok((word.clone(), role))
        });
        roles.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::parse;

    #[test]
    fn a_provider_that_makes_no_sense_is_told() {
        let good = "[identity.console]\nname = \"corp\"\nissuer = \"https://i.example\"\nclient_id = \"console\"\n\
                    client_secret = \"env:X\"\nroles = { staff = \"viewer\" }\n";
        let read = |text: &str| parse(None, text, &[]).map(drop).map_err(|error| error.to_string());
        assert_eq!(read(good), Ok(()));
        for (change, needle) in [
            (good.replace("https", "http"), "https"),
            (good.replace("env:X", "hunter2"), "env:"),
            (good.replace("viewer", "root"), "no role"),
            (good.replace("{ staff = \"viewer\" }", "{}"), "nobody"),
            (good.replace("corp", "a b"), "no name"),
        ] {
            let error = read(&change).unwrap_err();
            assert!(error.contains(needle), "{change}: {error}");
        }
    }
}

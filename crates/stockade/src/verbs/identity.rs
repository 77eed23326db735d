//! `stockade identity`: what a token would be here, and why it is not accepted.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context as _, Result, bail};
use clap::{Args, Subcommand};
use serde::Serialize;
use stockade_domain::Clock as _;
use stockade_egress::{Egress, EgressOptions};
use stockade_identity::{KeysEvent, MAX_TOKEN, Observer, Reason, Verified, Verifier};

use super::read_text;
use crate::config;
use crate::output::{OutputArgs, Verdict};
use crate::system::{SystemClock, env_vars};

/// Says what a token would be here, and why it is not accepted
#[derive(Debug, Args)]
pub(crate) struct IdentityArgs {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Check a token against the configured issuers, with their keys as they are now
    Check {
        /// The file that holds the token, `-` or nothing for standard input
        file: Option<PathBuf>,
        /// The configuration to check with [default: ./stockade.toml, if it is there]
        #[arg(long, value_name = "FILE")]
        config: Option<PathBuf>,
    },
}

/// What became of a token.
#[derive(Debug, Default, Serialize)]
struct Checked {
    accepted: bool,
    /// The stable word of why not.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    issuer: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    workload: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<String>,
    groups: Vec<String>,
    groups_known: bool,
    roles: Vec<String>,
    scopes: Vec<String>,
    /// What whoever presents it has to prove.
    #[serde(skip_serializing_if = "Option::is_none")]
    bound_to: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ends: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    signed_by: Option<String>,
}

/// Why keys could not be fetched is a part of the answer here.
#[derive(Default)]
struct Failures(parking_lot::Mutex<Option<String>>);

impl Observer for Failures {
    fn keys(&self, _: &str, event: &KeysEvent) {
        if let KeysEvent::Failed(error) = event {
            *self.0.lock() = Some(error.to_string());
        }
    }
}

pub(crate) fn run(output: OutputArgs, args: &IdentityArgs) -> Result<ExitCode> {
    let Verb::Check { file, config } = &args.verb;
    let limit = u64::try_from(MAX_TOKEN).unwrap_or(u64::MAX).saturating_add(2);
    let token = read_text(file.as_deref(), limit)?;
    let loaded = config::load(config.as_deref(), &env_vars()).map_err(crate::report)?;
    let issuers = loaded.config.identity.options().map_err(|error| crate::report(loaded.refuse(&error)))?;
    if issuers.is_empty() {
        bail!("the configuration has no `[[identity.issuers]]`, so every token is refused");
    }
    let (egress, _) = Egress::new(EgressOptions::default()).context("setting up TLS")?;
    let failures = Arc::new(Failures::default());
    let observer: Arc<dyn Observer> = Arc::<Failures>::clone(&failures);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let verified = runtime.block_on(async {
        let verifier = Verifier::new(issuers, &egress.system(), &observer, &Verifier::default());
        verifier.verify(token.trim(), SystemClock.now()).await
    });
    // The observer is told beside the request: ending the runtime waits for it.
    drop(runtime);
    let checked = match verified {
        Ok(verified) => Checked::good(verified),
        Err(reason) => Checked::bad(reason, failures.0.lock().take()),
    };
    output.one(&checked, Checked::to_text)?;
    Ok(if checked.accepted { Verdict::Clean } else { Verdict::Findings }.into())
}

impl Checked {
    fn good(verified: Verified) -> Self {
        let identity = verified.identity;
        // Whether the workload exists, only the running installation knows.
        let reason = identity.workload.is_none().then_some(Reason::NoWorkload);
        let person = identity.person;
        Self {
            accepted: reason.is_none(),
            reason: reason.map(Reason::as_str),
            detail: reason.map(|reason| reason.to_string()),
            issuer: Some(verified.issuer),
            client: identity.client,
            workload: identity.workload,
            groups: person.as_ref().map(|person| person.groups.clone()).unwrap_or_default(),
            groups_known: person.as_ref().is_none_or(|person| person.groups_known),
            user: person.map(|person| person.id),
            roles: identity.roles,
            scopes: identity.scopes,
            bound_to: match (identity.bound.key, identity.bound.certificate) {
                (None, None) => None,
                (Some(_), None) => Some("a key: each request needs a DPoP proof"),
                (None, Some(_)) => Some("a client certificate: it is good on that client's connections"),
                (Some(_), Some(_)) => Some("a key and a client certificate"),
            },
            ends: Some(identity.ends.to_string()),
            signed_by: Some(verified.signed_by),
        }
    }

    fn bad(reason: Reason, failure: Option<String>) -> Self {
        let detail = match failure {
            Some(failure) if reason == Reason::KeysUnavailable => format!("{reason}: {failure}"),
            _ => reason.to_string(),
        };
        Self { reason: Some(reason.as_str()), detail: Some(detail), ..Self::default() }
    }

    fn to_text(&self) -> String {
        let mut lines = vec![match (&self.reason, &self.detail) {
            (Some(reason), Some(detail)) => format!("refused ({reason}): {detail}"),
            _ => "accepted".to_owned(),
        }];
        let list = |words: &[String]| Some(words.join(", ")).filter(|text| !text.is_empty());
        let groups = if self.groups_known {
            list(&self.groups)
        } else {
            Some("not known: the issuer left them out".to_owned())
        };
        let facts = [
            ("issuer", self.issuer.clone()),
            ("client", self.client.clone()),
            ("workload", self.workload.clone()),
            ("user", self.user.clone()),
            ("groups", groups.filter(|_| self.issuer.is_some())),
            ("roles", list(&self.roles)),
            ("scopes", list(&self.scopes)),
            ("bound to", self.bound_to.map(str::to_owned)),
            ("ends", self.ends.clone()),
            ("signed by", self.signed_by.clone()),
        ];
        let told = facts.into_iter().filter_map(|(name, value)| Some((name, value?)));
        lines.extend(told.map(|(name, value)| {
            format!("{name:<10} {}", stockade_domain::Untrusted::new(&value).for_log())
        }));
        lines.join("\n")
    }
}

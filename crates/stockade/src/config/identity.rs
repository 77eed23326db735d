//! `[identity]`: whose tokens are accepted, and which workloads they stand for.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use stockade_domain::WorkloadName;
use stockade_egress::SystemTarget;
use stockade_identity::{Algorithm, ClientRule, IssuerOptions};

use super::certificates::CertificatesConfig;
use super::login::ConsoleLogin;
use super::place::Place;
use super::sense::{Senseless, is_name};
use super::units::Span;

/// The most that two clocks may differ. More is a clock that is wrong.
const MOST_SKEW: Span = Span::seconds(300);

/// The shortest time after which keys are fetched again: issuers must not be flooded.
const LEAST_REFRESH: Span = Span::seconds(10);

/// Identity providers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct IdentityConfig {
    /// Issuers whose tokens are accepted as credentials, `[[identity.issuers]]` each.
    pub(crate) issuers: Vec<IssuerConfig>,
    /// The provider that people sign in to the console with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) console: Option<ConsoleLogin>,
    /// DPoP proofs must carry a nonce of ours, which costs a client a request now and then.
    pub(crate) dpop_nonce: bool,
    /// Client certificates as credentials.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) certificates: Option<CertificatesConfig>,
}

/// An issuer whose tokens are accepted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct IssuerConfig {
    /// Its name in records and policies: letters, digits, `-`, `_` and `.`.
    pub(crate) name: String,
    /// What kind of provider it is.
    #[serde(default)]
    pub(crate) kind: ProviderKind,
    /// Its `iss`, letter for letter: `https`, or `http` on this machine. For `entra` it may be left out, or hold `{tenant}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) issuer: Option<String>,
    /// Tenants of Microsoft Entra ID whose tokens are accepted, by their ids.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) tenants: Vec<String>,
    /// Where its keys are; by default its description at `/.well-known/openid-configuration` says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) jwks_uri: Option<String>,
    /// What we are called in `aud`; a token must name one of them.
    pub(crate) audiences: Vec<String>,
    /// What it may sign with.
    #[serde(default = "algorithms")]
    pub(crate) algorithms: Vec<String>,
    /// What `typ` in a token's header may say; a token without one counts as `JWT`.
    #[serde(default = "token_types")]
    pub(crate) token_types: Vec<String>,
    /// The workload of every token whose client is not named in `workloads`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) workload: Option<String>,
    /// From a client's id to the workload that it is.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) workloads: BTreeMap<String, String>,
    /// The claim with the client's id; by default `azp`, `client_id` or `appid`, which must agree.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) client_claim: Option<String>,
    /// Whether tokens speak of people; `false` where all are of programs.
    #[serde(default = "yes")]
    pub(crate) users: bool,
    /// The claim that identifies a person; `sub` by default, `oid` for `entra`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) user_claim: Option<String>,
    /// The claim with a person's groups, for policies; a dot goes into an object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) groups_claim: Option<String>,
    /// The claim with roles, for policies; `roles` by default for `entra`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) roles_claim: Option<String>,
    /// Scopes that a token must have, all of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) required_scopes: Vec<String>,
    /// How far its clock and ours may be apart; at most 5 minutes.
    #[serde(default = "skew")]
    pub(crate) clock_skew: Span,
    /// How long ago a token may have been issued.
    #[serde(default = "day")]
    pub(crate) max_age: Span,
    /// Keys are fetched again after this time.
    #[serde(default = "ten_minutes")]
    pub(crate) keys_refresh: Span,
    /// Keys that are older are not used any more, even when the issuer cannot be reached.
    #[serde(default = "day")]
    pub(crate) keys_stale: Span,
}

/// What kind of provider an issuer is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ProviderKind {
    /// Any that speaks OpenID Connect or RFC 9068.
    #[default]
    Oidc,
    /// Microsoft Entra ID, tokens of version 1 and 2.
    Entra,
}

fn algorithms() -> Vec<String> {
    Algorithm::DEFAULT.iter().map(ToString::to_string).collect()
}

/// RFC 9068 section 4; most providers still say `JWT`.
fn token_types() -> Vec<String> {
    ["at+jwt", "JWT"].map(str::to_owned).to_vec()
}

fn yes() -> bool {
    true
}

fn skew() -> Span {
    Span::seconds(10)
}

fn ten_minutes() -> Span {
    Span::seconds(600)
}

fn day() -> Span {
    Span::seconds(24 * 3_600)
}

impl IdentityConfig {
    /// The issuers, checked alone and together.
    pub(crate) fn options(&self) -> Result<Vec<IssuerOptions>, Senseless> {
        let mut all: Vec<IssuerOptions> = Vec::new();
        for (at, issuer) in self.issuers.iter().enumerate() {
            let wrong = |message: String, help: &str| {
                Senseless::new(Place::of("identity.issuers").item(at), message, help)
            };
            if self.issuers.iter().take(at).any(|earlier| earlier.name == issuer.name) {
                let message = format!("there are two issuers `{}`", issuer.name);
                return Err(wrong(
                    message,
                    "records and policies call an issuer by its name: give each its own",
                ));
            }
            for options in issuer.options(&wrong)? {
                if let Some(same) = all.iter().find(|earlier| earlier.issuer == options.issuer) {
                    let message = format!("`{}` and `{}` have the same `issuer`", same.name, issuer.name);
                    return Err(wrong(message, "put their audiences and workloads into one"));
                }
                all.push(options);
            }
        }
        Ok(all)
    }
}

impl IssuerConfig {
    fn options(&self, wrong: &dyn Fn(String, &str) -> Senseless) -> Result<Vec<IssuerOptions>, Senseless> {
        let name = &self.name;
        let told = |message: String, help: &str| wrong(format!("issuer `{name}`: {message}"), help);
        if !is_name(name) {
            return Err(told("that is no name".to_owned(), "letters, digits, `-`, `_` and `.`"));
        }
        self.check_lists(&told)?;
        self.check_times(&told)?;
        let jwks_uri = match &self.jwks_uri {
            None => None,
            Some(url) => Some(SystemTarget::new(url).map_err(|error| {
                told(format!("`jwks_uri`: {error}"), "for example `https://login.example.com/keys`")
            })?),
        };
        let algorithms = self.algorithms.iter().map(|word| {
            word.parse::<Algorithm>().map_err(|()| {
                let known: Vec<_> = Algorithm::ALL.iter().map(|known| known.as_str()).collect();
                told(
                    format!("`{word}` is no algorithm that tokens may be signed with"),
                    &format!(
                        "one of {}; never `none`, and no secrets shared with an issuer",
                        known.join(", ")
                    ),
                )
            })
        });
        let algorithms = algorithms.collect::<Result<Vec<_>, _>>()?;
        let is_entra = self.kind == ProviderKind::Entra;
        let client = ClientRule {
            claim: self.client_claim.clone(),
            workloads: self.workloads.clone(),
            otherwise: self.workload.clone(),
        };
        let user_claim =
            self.user_claim.clone().unwrap_or_else(|| if is_entra { "oid" } else { "sub" }.to_owned());
        let issuers = self.issuers(&told)?;
        let options = issuers.into_iter().map(|(issuer, entra_tenant)| IssuerOptions {
            name: name.clone(),
            issuer,
            jwks_uri: jwks_uri.clone(),
            audiences: self.audiences.clone(),
            algorithms: algorithms.clone(),
            types: self.token_types.clone(),
            client: client.clone(),
            user_claim: self.users.then(|| user_claim.clone()),
            groups_claim: self.groups_claim.clone(),
            roles_claim: self.roles_claim.clone().or_else(|| is_entra.then(|| "roles".to_owned())),
            required_scopes: self.required_scopes.clone(),
            clock_skew: self.clock_skew.0,
            max_age: self.max_age.0,
            refresh: self.keys_refresh.0,
            stale: self.keys_stale.0,
            entra_tenant,
        });
        Ok(options.collect())
    }

    /// Each `iss` with its tenant. Entra signs tokens of version 1 and of version 2 under two names
    /// (<https://learn.microsoft.com/entra/identity-platform/access-tokens#token-formats>).
    fn issuers(
        &self,
        told: &dyn Fn(String, &str) -> Senseless,
    ) -> Result<Vec<(String, Option<String>)>, Senseless> {
        const ENTRA: [&str; 2] =
            ["https://login.microsoftonline.com/{tenant}/v2.0", "https://sts.windows.net/{tenant}/"];
        let all = match self.kind {
            ProviderKind::Oidc => {
                if !self.tenants.is_empty() {
                    return Err(told("`tenants` are for Entra".to_owned(), "add `kind = \"entra\"`"));
                }
                let issuer = self.issuer.clone().ok_or_else(|| {
                    told(
                        "it has no `issuer`".to_owned(),
                        "for example `issuer = \"https://login.example.com\"`",
                    )
                })?;
                vec![(issuer, None)]
            }
            ProviderKind::Entra => {
                if self.tenants.is_empty() {
                    let message = "tokens of which tenants are accepted, `tenants` must say".to_owned();
                    return Err(told(message, "ids as the portal shows them; `common` is no tenant"));
                }
                if let Some(bad) = self.tenants.iter().find(|tenant| !is_uuid(tenant)) {
                    let message = format!("`{bad}` is no id of a tenant");
                    return Err(told(
                        message,
                        "for example `8f2a4f3e-1f2b-4c6d-9e1a-3b5c7d9e1f20`, in small letters",
                    ));
                }
                let patterns = self.issuer.as_deref().map_or_else(|| ENTRA.to_vec(), |own| vec![own]);
                let for_tenant = |tenant: &String| {
                    let filled = patterns.iter().map(|pattern| pattern.replace("{tenant}", tenant));
                    filled.map(|issuer| (issuer, Some(tenant.clone()))).collect::<Vec<_>>()
                };
                self.tenants.iter().flat_map(for_tenant).collect()
            }
        };
        for (issuer, _) in &all {
            let target = SystemTarget::new(issuer).map_err(|error| {
                told(format!("`issuer`: {error}"), "for example `https://login.example.com`")
            })?;
            if issuer.contains('?') || target.to_string().contains('?') {
                let message = format!("`{issuer}` has a query");
                return Err(told(message, "an issuer's address has none (OpenID Connect Core section 1.2)"));
            }
        }
        Ok(all)
    }

    fn check_lists(&self, told: &dyn Fn(String, &str) -> Senseless) -> Result<(), Senseless> {
        if self.audiences.is_empty() || self.audiences.iter().any(String::is_empty) {
            let message = "without `audiences` a token for anybody else would be good here".to_owned();
            return Err(told(message, "what your provider writes into `aud` of tokens for this gateway"));
        }
        if self.algorithms.is_empty() || self.token_types.is_empty() {
            let message = "without `algorithms` and `token_types` no token is accepted".to_owned();
            return Err(told(message, "leave them out for their defaults"));
        }
        if self.workload.is_none() && self.workloads.is_empty() {
            let message = "its tokens stand for no workload".to_owned();
            let help = "`workload = \"NAME\"` for all of them, or `[identity.issuers.workloads]` with a line \
                        `\"client-id\" = \"NAME\"` for each client";
            return Err(told(message, help));
        }
        let named = self.workload.iter().chain(self.workloads.values());
        if let Some(bad) = named.into_iter().find(|workload| workload.parse::<WorkloadName>().is_err()) {
            let message = format!("`{bad}` is no name of a workload");
            return Err(told(message, "`stockade workload list` shows them"));
        }
        let claims = [&self.client_claim, &self.user_claim, &self.groups_claim, &self.roles_claim];
        if claims.into_iter().flatten().any(|claim| claim.trim().is_empty()) {
            return Err(told("a claim has no name".to_owned(), "leave the setting out"));
        }
        Ok(())
    }

    fn check_times(&self, told: &dyn Fn(String, &str) -> Senseless) -> Result<(), Senseless> {
        if self.clock_skew.0 > MOST_SKEW.0 {
            let message = format!("`clock_skew` is more than {MOST_SKEW}");
            return Err(told(message, "set the clocks; what is expired is good for that much longer"));
        }
        if self.max_age.0.is_zero() {
            return Err(told("`max_age` leaves no time".to_owned(), "for example `\"24h\"`"));
        }
        if self.keys_refresh.0 < LEAST_REFRESH.0 || self.keys_stale.0 < self.keys_refresh.0 {
            let message =
                format!("`keys_refresh` is at least {LEAST_REFRESH}, `keys_stale` at least `keys_refresh`");
            return Err(told(message, "for example `\"10m\"` and `\"24h\"`"));
        }
        Ok(())
    }
}

/// A UUID as Entra writes it: small letters, with its dashes.
fn is_uuid(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let is_hex = |part: &&str| part.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
    parts.iter().map(|part| part.len()).eq([8, 4, 4, 4, 12]) && parts.iter().all(is_hex)
}

#[cfg(test)]
mod tests {
    use super::super::{Config, parse};

    fn read(text: &str) -> Result<Config, String> {
        parse(None, text, &[]).map(|loaded| loaded.config).map_err(|error| error.to_string())
    }

    const GOOD: &str = "[[identity.issuers]]\nname = \"corp\"\nissuer = \"https://login.example.com\"\n\
                        audiences = [\"ai\"]\nworkload = \"app\"\n";

    #[test]
    fn issuers_that_make_no_sense_are_told() {
        assert_eq!(read(GOOD).unwrap().identity.options().unwrap().len(), 1);
        for (change, needle) in [
            (GOOD.replace("https", "http"), "https"),
            (GOOD.replace("\"ai\"", ""), "audiences"),
            (GOOD.replace("workload = \"app\"\n", ""), "no workload"),
            (GOOD.replace("\"app\"", "\"No Name\""), "name of a workload"),
            (GOOD.replace("corp", "a:b"), "no name"),
            (format!("{GOOD}algorithms = [\"HS256\"]"), "HS256"),
            (format!("{GOOD}algorithms = [\"none\"]"), "none"),
            (format!("{GOOD}clock_skew = \"1h\""), "clock_skew"),
            (format!("{GOOD}keys_refresh = \"1s\""), "keys_refresh"),
            (format!("{GOOD}jwks_uri = \"file:///etc/passwd\""), "jwks_uri"),
            (format!("{GOOD}tenants = [\"x\"]"), "Entra"),
            (format!("{GOOD}audience = \"x\""), "unknown field"),
            (format!("{GOOD}{GOOD}"), "two issuers"),
            (format!("{GOOD}{}", GOOD.replace("corp", "other")), "same `issuer`"),
        ] {
            let error = read(&change).unwrap_err();
            assert!(error.contains(needle), "{change}: {error}");
        }
    }

    #[test]
    fn entra_signs_under_two_names_for_each_tenant() {
        let tenant = "8f2a4f3e-1f2b-4c6d-9e1a-3b5c7d9e1f20";
        let text = format!(
            "[[identity.issuers]]\nname = \"entra\"\nkind = \"entra\"\ntenants = [\"{tenant}\"]\n\
             audiences = [\"api://ai\"]\nworkload = \"app\"\n"
        );
        let options = read(&text).unwrap().identity.options().unwrap();
        let issuers: Vec<_> = options.iter().map(|options| options.issuer.as_str()).collect();
        let v2 = format!("https://login.microsoftonline.com/{tenant}/v2.0");
        assert_eq!(issuers, [v2.as_str(), &format!("https://sts.windows.net/{tenant}/")]);
        assert!(options.iter().all(|options| options.user_claim.as_deref() == Some("oid")));
        assert!(read(&text.replace(tenant, "common")).unwrap_err().contains("tenant"));
        assert!(read(&text.replace(tenant, &tenant.to_uppercase())).unwrap_err().contains("tenant"));
    }
}

//! Is a token for us, now, and for whom. Pure: the same claims at the same time give the same answer.
//!
//! Types are checked here, claim by claim: a time that is a text is not a time that is absent (CVE-2026-25537).

use serde_json::Value;
use stockade_domain::Micros;

use crate::json::Object;
use crate::options::{ClientRule, IssuerOptions};
use crate::reason::Reason;

/// The last second of the year 9999, where RFC 3339 ends. Later times are no times.
const LAST_SECOND: f64 = 253_402_300_799.0;

/// The longest identifier of a person, program or token, in bytes. OpenID Connect Core section 2 allows 255 for `sub`.
const MAX_ID: usize = 256;

/// The most groups, roles or scopes of one token. Entra stops at 200 groups by itself.
const MAX_WORDS: usize = 1_024;

/// The claims that name the program a token was issued to: OpenID Connect Core section 2, RFC 9068 section 2.2, Entra's
/// tokens of version 1.
const CLIENT_CLAIMS: [&str; 3] = ["azp", "client_id", "appid"];

/// Who a token speaks of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The program that it was issued to.
    pub client: Option<String>,
    /// The name of its workload; `None` when none is configured for the program.
    pub workload: Option<String>,
    /// The person, if it speaks of one.
    pub person: Option<Person>,
    /// Roles, each after the issuer's name and a colon.
    pub roles: Vec<String>,
    /// Scopes.
    pub scopes: Vec<String>,
    /// When it ends. What runs under it ends then.
    pub ends: Micros,
    /// Its own identifier.
    pub id: Option<String>,
    /// What it is bound to: whoever presents it must prove to hold that.
    pub bound: Bound,
}

/// What a token is bound to (`cnf`, RFC 7800 section 3.1); nothing, where both are absent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Bound {
    /// Thumbprint of a key (`jkt`, RFC 9449 section 6.1).
    pub key: Option<String>,
    /// Thumbprint of a client certificate (`x5t#S256`, RFC 8705 section 3.1).
    pub certificate: Option<String>,
}

/// A person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// The issuer's name, a colon, and the issuer's identifier of the person.
    pub id: String,
    /// Groups, each after the issuer's name and a colon.
    pub groups: Vec<String>,
    /// `false` when the issuer says that there are groups and not which.
    pub groups_known: bool,
}

/// Claims with the rules that they are read by.
struct Reader<'a> {
    claims: &'a Object,
    options: &'a IssuerOptions,
}

/// Reads the claims of a token whose issuer is the one of the options.
pub(crate) fn read(claims: &Object, options: &IssuerOptions, now: Micros) -> Result<Identity, Reason> {
    let reader = Reader { claims, options };
    if claims.contains_key("events") {
        return Err(Reason::Event);
    }
    reader.audience()?;
    let ends = reader.times(now)?;
    reader.tenant()?;
    let bound = reader.bound()?;
    let scopes = reader.scopes()?;
    if !options.required_scopes.iter().all(|scope| scopes.contains(scope)) {
        return Err(Reason::Scope);
    }
    let client = reader.client()?;
    let workload = options.client.workload(client.as_deref());
    let person = reader.person(client.as_deref())?;
    Ok(Identity {
        workload,
        person,
        roles: reader.roles()?,
        scopes,
        ends,
        id: reader.id("jti")?,
        client,
        bound,
    })
}

/// The tenant that a token claims to be of (Entra).
pub(crate) fn tenant(claims: &Object) -> Option<&str> {
    claims.get("tid").and_then(Value::as_str)
}

impl ClientRule {
    fn workload(&self, client: Option<&str>) -> Option<String> {
        client.and_then(|client| self.workloads.get(client)).or(self.otherwise.as_ref()).cloned()
    }
}

impl Reader<'_> {
    /// RFC 7519 section 4.1.3: one text, or an array of texts, of which one must be us.
    fn audience(&self) -> Result<(), Reason> {
        let is_us = |value: &Value| match value {
            Value::String(text) => Ok(self.options.audiences.contains(text)),
            _ => Err(Reason::Claim),
        };
        let found = match self.claims.get("aud") {
            None => return Err(Reason::Claim),
            Some(Value::Array(items)) => {
                items.iter().map(is_us).try_fold(false, |found, is| is.map(|is| found | is))?
            }
            Some(value) => is_us(value)?,
        };
        if found { Ok(()) } else { Err(Reason::Audience) }
    }

    /// When the token ends. `exp` and `iat` must be there (RFC 9068 section 2.2).
    ///
    /// A token that came before its end ends at its end; one that came within the tolerance for clocks ends with that.
    fn times(&self, now: Micros) -> Result<Micros, Reason> {
        let (skew, max_age) = (self.options.clock_skew, self.options.max_age);
        let expires = self.time("exp")?.ok_or(Reason::Claim)?;
        let issued = self.time("iat")?.ok_or(Reason::Claim)?;
        let not_before = self.time("nbf")?;
        if expires.plus(skew) <= now {
            return Err(Reason::Expired);
        }
        if issued > now.plus(skew) || not_before.is_some_and(|from| from > now.plus(skew)) {
            return Err(Reason::NotYet);
        }
        let oldest = issued.plus(max_age);
        if oldest.plus(skew) <= now {
            return Err(Reason::TooOld);
        }
        let end = expires.min(oldest);
        Ok(if end > now { end } else { end.plus(skew) })
    }

    /// A `NumericDate` (RFC 7519 section 2): a number of seconds, perhaps with a fraction.
    fn time(&self, name: &str) -> Result<Option<Micros>, Reason> {
        let seconds = match self.claims.get(name) {
            None => return Ok(None),
            Some(Value::Number(number)) => number.as_f64().ok_or(Reason::Claim)?,
            Some(_) => return Err(Reason::Claim),
        };
        if !(0.0..=LAST_SECOND).contains(&seconds) {
            return Err(Reason::Claim);
        }
        let since = std::time::Duration::try_from_secs_f64(seconds).map_err(|_| Reason::Claim)?;
        Ok(Some(Micros::from_i64(0).plus(since)))
    }

    fn tenant(&self) -> Result<(), Reason> {
        match &self.options.entra_tenant {
            Some(wanted) if tenant(self.claims) != Some(wanted) => Err(Reason::Tenant),
            _ => Ok(()),
        }
    }

    /// A way of binding that is not known cannot be proved here, and without proof a bound token is worth nothing.
    fn bound(&self) -> Result<Bound, Reason> {
        let members = match self.claims.get("cnf") {
            None => return Ok(Bound::default()),
            Some(Value::Object(members)) => members,
            Some(_) => return Err(Reason::Claim),
        };
        let mut bound = Bound::default();
        for (name, value) in members {
            let place = match name.as_str() {
                "jkt" => &mut bound.key,
                "x5t#S256" => &mut bound.certificate,
                _ => return Err(Reason::Bound),
            };
            *place = Some(identifier(value.as_str().ok_or(Reason::Claim)?)?);
        }
        if bound == Bound::default() { Err(Reason::Bound) } else { Ok(bound) }
    }

    /// `scope`, words between blanks (RFC 9068 section 2.2.3), or `scp`, which is that or an array.
    fn scopes(&self) -> Result<Vec<String>, Reason> {
        let mut scopes = Vec::new();
        for name in ["scope", "scp"] {
            match self.claims.get(name) {
                None => {}
                Some(Value::String(text)) => {
                    scopes.extend(text.split(' ').filter(|word| !word.is_empty()).map(str::to_owned));
                }
                Some(Value::Array(_)) => scopes.extend(self.words(name)?),
                Some(_) => return Err(Reason::Claim),
            }
        }
        scopes.sort_unstable();
        scopes.dedup();
        if scopes.len() > MAX_WORDS { Err(Reason::Claim) } else { Ok(scopes) }
    }

    fn client(&self) -> Result<Option<String>, Reason> {
        if let Some(name) = &self.options.client.claim {
            return self.id(name);
        }
        let mut client: Option<String> = None;
        for name in CLIENT_CLAIMS {
            let Some(said) = self.id(name)? else { continue };
            if client.as_ref().is_some_and(|known| *known != said) {
                return Err(Reason::ClientConflict);
            }
            client = Some(said);
        }
        // An ID token is no access token. Entra's ID tokens name no program; its access tokens all do.
        if client.is_none() && self.options.entra_tenant.is_some() {
            return Err(Reason::Claim);
        }
        Ok(client)
    }

    fn person(&self, client: Option<&str>) -> Result<Option<Person>, Reason> {
        let Some(claim) = &self.options.user_claim else { return Ok(None) };
        let subject = match &self.options.entra_tenant {
            // Never an address or name: those change hands (Microsoft identity platform, "secure applications and APIs by
            // validating claims").
            Some(tenant) if claim == "oid" => self.id("oid")?.map(|oid| format!("{tenant}:{oid}")),
            _ => self.id(claim)?,
        };
        if self.is_of_a_program(client)? {
            return Ok(None);
        }
        let Some(subject) = subject else { return Ok(None) };
        let (groups, groups_known) = self.groups()?;
        Ok(Some(Person { id: self.named(&subject), groups, groups_known }))
    }

    /// Whether a program got the token for itself: its subject is the program (RFC 9068 section 2.2), or the provider says
    /// so in its own way (Entra's `idtyp`, and its lack of `scp`; Auth0's `gty`).
    fn is_of_a_program(&self, client: Option<&str>) -> Result<bool, Reason> {
        let says = |name: &str, word: &str| self.claims.get(name).and_then(Value::as_str) == Some(word);
        let is_subject = client.is_some() && self.id("sub")?.as_deref() == client;
        let in_entra = self.options.entra_tenant.is_some() && !self.claims.contains_key("scp");
        Ok(is_subject || in_entra || says("idtyp", "app") || says("gty", "client-credentials"))
    }

    /// The groups, and whether they are all: Entra leaves them out when they are many, and says so in `_claim_names` or
    /// `hasgroups` ("Groups overage claim" of the Microsoft identity platform; OpenID Connect Core section 5.6.2).
    fn groups(&self) -> Result<(Vec<String>, bool), Reason> {
        let Some(claim) = &self.options.groups_claim else { return Ok((Vec::new(), true)) };
        let elsewhere = match self.claims.get("_claim_names") {
            None => false,
            Some(Value::Object(names)) => names.contains_key(claim),
            Some(_) => return Err(Reason::Claim),
        };
        let has_more = match self.claims.get("hasgroups") {
            None => false,
            Some(Value::Bool(yes)) => *yes,
            // It is sent as the text `true` in tokens of the implicit flow.
            Some(Value::String(yes)) => yes == "true",
            Some(_) => return Err(Reason::Claim),
        };
        let groups = self.words(claim)?.iter().map(|group| self.named(group)).collect();
        Ok((groups, !elsewhere && !has_more))
    }

    fn roles(&self) -> Result<Vec<String>, Reason> {
        let mut roles = Vec::new();
        if let Some(claim) = &self.options.roles_claim {
            roles.extend(self.words(claim)?);
        }
        if self.options.entra_tenant.is_some() {
            // Roles of the directory, by their template.
            roles.extend(self.words("wids")?);
        }
        Ok(roles.iter().map(|role| self.named(role)).collect())
    }

    fn named(&self, word: &str) -> String {
        format!("{}:{word}", self.options.name)
    }

    /// A list of words, or one word.
    fn words(&self, name: &str) -> Result<Vec<String>, Reason> {
        match self.at(name) {
            None => Ok(Vec::new()),
            Some(Value::String(word)) => Ok(vec![identifier(word)?]),
            Some(Value::Array(items)) if items.len() <= MAX_WORDS => {
                items.iter().map(|item| identifier(item.as_str().ok_or(Reason::Claim)?)).collect()
            }
            Some(_) => Err(Reason::Claim),
        }
    }

    /// A claim by its name; where there is none, by the way to it: `realm_access.roles`.
    fn at(&self, name: &str) -> Option<&Value> {
        if let Some(value) = self.claims.get(name) {
            return Some(value);
        }
        let (first, rest) = name.split_once('.')?;
        rest.split('.').try_fold(self.claims.get(first)?, |value, step| value.get(step))
    }

    fn id(&self, name: &str) -> Result<Option<String>, Reason> {
        match self.at(name) {
            None => Ok(None),
            Some(Value::String(text)) => identifier(text).map(Some),
            Some(_) => Err(Reason::Claim),
        }
    }
}

/// A text that can stand in a record and a policy.
fn identifier(text: &str) -> Result<String, Reason> {
    if text.is_empty() || text.len() > MAX_ID || text.chars().any(char::is_control) {
        return Err(Reason::Claim);
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests;

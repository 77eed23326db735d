//! Tokens of Microsoft Entra with which the gateway itself asks an upstream: for an application with a secret, for a workload
//! whose cluster signs who it is, and for the managed identity of a machine or an App Service.
//!
//! A token is kept until shortly before it runs out. One request fetches, the others wait for it, or go on with the old
//! token as long as that is good. What could not be had is not asked for again at once.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::ArcSwapOption;
use http::{HeaderName, HeaderValue};
use serde_json::Value;
use stockade_egress::{
    Form, Purpose, SystemClient, SystemRequest, SystemTarget, TargetError, TokenError, TokenSource,
};
use tokio::io::AsyncReadExt as _;

use crate::json;
use crate::login::{encoded, form_encoded};

/// Who is asked for tokens, and by what it knows the gateway.
#[derive(Debug, Clone)]
pub enum EntraCredential {
    /// An application with a secret
    /// (<https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow>).
    Secret {
        /// `https://login.microsoftonline.com`, or that of another cloud.
        authority: String,
        /// The tenant's id.
        tenant: String,
        /// The application's id.
        client_id: String,
        /// Its secret.
        secret: EntraSecret,
    },
    /// An application that trusts what a cluster signs (workload identity federation).
    Federated {
        /// As above.
        authority: String,
        /// The tenant's id.
        tenant: String,
        /// The application's id.
        client_id: String,
        /// The file in which the cluster puts a fresh token from time to time.
        token_file: PathBuf,
    },
    /// The identity of the virtual machine (Azure Instance Metadata Service).
    Machine {
        /// Where the service is: none for its fixed address; an address on this machine where something stands in for it.
        at: Option<String>,
        /// Of several identities which.
        client_id: Option<String>,
    },
    /// The identity of an App Service, a function or a container app.
    Service {
        /// `IDENTITY_ENDPOINT`.
        endpoint: String,
        /// `IDENTITY_HEADER`.
        header: EntraSecret,
        /// Of several identities which.
        client_id: Option<String>,
    },
}

/// A secret that does not show in logs.
#[derive(Clone, PartialEq, Eq)]
pub struct EntraSecret(pub String);

/// Tokens for one upstream.
#[derive(Debug)]
pub struct EntraTokens {
    credential: EntraCredential,
    scope: String,
    held: ArcSwapOption<Held>,
    /// Held by who fetches; in it when fetching failed last, and why.
    fetching: tokio::sync::Mutex<Option<(Instant, TokenError)>>,
}

#[derive(Debug)]
struct Held {
    value: HeaderValue,
    ends: Instant,
    renew: Instant,
}

/// So long before its end a token is replaced, as Azure's own libraries do.
const EARLY: Duration = Duration::from_secs(300);

/// So long nothing is asked again after a failure.
const PAUSE: Duration = Duration::from_secs(5);

/// A token is taken for good no longer than this, whatever is said of it: a managed identity's lives a day.
const LONGEST: u64 = 24 * 3_600;

/// What a cluster signs is no longer than this, in bytes.
const LONGEST_ASSERTION: u64 = 64 << 10;

impl EntraTokens {
    /// Tokens for what the scope names, for example `https://cognitiveservices.azure.com/.default`.
    #[must_use]
    pub fn new(credential: EntraCredential, scope: &str) -> Self {
        let held = ArcSwapOption::empty();
        Self { credential, scope: scope.to_owned(), held, fetching: tokio::sync::Mutex::new(None) }
    }

    /// Checks the addresses that tokens come from.
    ///
    /// # Errors
    /// [`TargetError`] says what is wrong with one.
    pub fn check(&self) -> Result<(), TargetError> {
        match &self.credential {
            EntraCredential::Secret { authority, tenant, .. }
            | EntraCredential::Federated { authority, tenant, .. } => {
                token_endpoint(authority, tenant).map(drop)
            }
            EntraCredential::Machine { at, .. } => {
                at.as_deref().map_or(Ok(()), |at| SystemTarget::new(at).map(drop))
            }
            EntraCredential::Service { endpoint, .. } => SystemTarget::new(endpoint).map(drop),
        }
    }

    async fn get(&self, system: &SystemClient) -> Result<HeaderValue, TokenError> {
        let good = |held: &Arc<Held>, until: fn(&Held) -> Instant| Instant::now() < until(held);
        if let Some(held) = self.held.load_full().filter(|held| good(held, |held| held.renew)) {
            return Ok(held.value.clone());
        }
        let mut failed = match self.fetching.try_lock() {
            Ok(failed) => failed,
            Err(_) => match self.held.load_full().filter(|held| good(held, |held| held.ends)) {
                // Somebody renews it, and it is good until then.
                Some(held) => return Ok(held.value.clone()),
                None => self.fetching.lock().await,
            },
        };
        // Who waited finds what the other fetched.
        if let Some(held) = self.held.load_full().filter(|held| good(held, |held| held.renew)) {
            return Ok(held.value.clone());
        }
        let error = match &*failed {
            Some((at, error)) if at.elapsed() < PAUSE => error.clone(),
            _ => match self.fetch(system).await {
                Ok(held) => {
                    let value = held.value.clone();
                    self.held.store(Some(Arc::new(held)));
                    *failed = None;
                    return Ok(value);
                }
                Err(error) => {
                    *failed = Some((Instant::now(), error.clone()));
                    error
                }
            },
        };
        match self.held.load_full().filter(|held| good(held, |held| held.ends)) {
            Some(held) => Ok(held.value.clone()),
            None => Err(error),
        }
    }

    async fn fetch(&self, system: &SystemClient) -> Result<Held, TokenError> {
        let request = self.request().await?;
        let answer = system.fetch(request).await.map_err(|error| TokenError(error.to_string()))?;
        read(&answer.body)
    }

    async fn request(&self) -> Result<SystemRequest, TokenError> {
        let resource = self.scope.strip_suffix("/.default").unwrap_or(&self.scope);
        let query = |version: &str, client: &Option<String>| {
            let mut query = format!("?api-version={version}&resource={}", form_encoded(resource));
            if let Some(client) = client {
                query.push_str(&format!("&client_id={}", form_encoded(client)));
            }
            query
        };
        let told = |error: TargetError| TokenError(error.to_string());
        let managed = |target, name: &'static str, value: &str| {
            let mut value =
                HeaderValue::try_from(value).map_err(|_| TokenError("a header that is none".to_owned()))?;
            value.set_sensitive(true);
            let field = Some((HeaderName::from_static(name), value));
            Ok(SystemRequest { purpose: Purpose::ManagedIdentity, target, form: None, field })
        };
        let asked = |authority: &str, tenant: &str, fields: &[(&str, &str)]| {
            let mut all = vec![("grant_type", "client_credentials"), ("scope", self.scope.as_str())];
            all.extend_from_slice(fields);
            let form = Some(Form { body: encoded(&all), authorization: None });
            let target = token_endpoint(authority, tenant).map_err(told)?;
            Ok(SystemRequest { purpose: Purpose::UpstreamToken, target, form, field: None })
        };
        match &self.credential {
            EntraCredential::Secret { authority, tenant, client_id, secret } => {
                asked(authority, tenant, &[("client_id", client_id), ("client_secret", &secret.0)])
            }
            EntraCredential::Federated { authority, tenant, client_id, token_file } => {
                let assertion = assertion(token_file).await?;
                // RFC 7523 section 2.2.
                let kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
                asked(
                    authority,
                    tenant,
                    &[
                        ("client_id", client_id),
                        ("client_assertion_type", kind),
                        ("client_assertion", &assertion),
                    ],
                )
            }
            EntraCredential::Machine { at, client_id } => {
                let query = query("2018-02-01", client_id);
                let target = match at {
                    None => SystemTarget::metadata_service(&query),
                    Some(at) => {
                        let at = at.trim_end_matches('/');
                        SystemTarget::new(&format!("{at}/metadata/identity/oauth2/token{query}"))
                    }
                };
                managed(target.map_err(told)?, "metadata", "true")
            }
            EntraCredential::Service { endpoint, header, client_id } => {
                let target = SystemTarget::new(&format!("{endpoint}{}", query("2019-08-01", client_id)));
                managed(target.map_err(told)?, "x-identity-header", &header.0)
            }
        }
    }
}

impl TokenSource for EntraTokens {
    fn token<'a>(
        &'a self,
        system: &'a SystemClient,
    ) -> std::pin::Pin<Box<dyn Future<Output = Result<HeaderValue, TokenError>> + Send + 'a>> {
        Box::pin(self.get(system))
    }

    fn refused(&self) {
        self.held.store(None);
    }
}

impl std::fmt::Debug for EntraSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("EntraSecret(..)")
    }
}

fn token_endpoint(authority: &str, tenant: &str) -> Result<SystemTarget, TargetError> {
    SystemTarget::new(&format!("{}/{tenant}/oauth2/v2.0/token", authority.trim_end_matches('/')))
}

async fn assertion(file: &std::path::Path) -> Result<String, TokenError> {
    let read = async {
        let mut text = String::new();
        tokio::fs::File::open(file).await?.take(LONGEST_ASSERTION).read_to_string(&mut text).await?;
        Ok::<_, std::io::Error>(text)
    };
    let text =
        read.await.map_err(|error| TokenError(format!("`{}` cannot be read: {error}", file.display())))?;
    Ok(text.trim().to_owned())
}

/// Reads an answer (RFC 6749 section 5.1). Some services write numbers as texts.
fn read(body: &[u8]) -> Result<Held, TokenError> {
    let wrong = |what: &str| TokenError(format!("the answer {what}"));
    let answer = json::object(body).map_err(|_| wrong("is no JSON object"))?;
    let token = answer.get("access_token").and_then(Value::as_str).unwrap_or_default();
    let mut value =
        HeaderValue::try_from(format!("Bearer {token}")).map_err(|_| wrong("has a token that is none"))?;
    value.set_sensitive(true);
    if token.is_empty() {
        return Err(wrong("has no `access_token`"));
    }
    let number = |name: &str| match answer.get(name) {
        Some(Value::Number(number)) => number.as_u64(),
        Some(Value::String(text)) => text.parse().ok(),
        _ => None,
    };
    let now =
        std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let lives = number("expires_in").or_else(|| number("expires_on").map(|end| end.saturating_sub(now)));
    let lives =
        Duration::from_secs(lives.ok_or_else(|| wrong("does not say when the token ends"))?.min(LONGEST));
    let now = Instant::now();
    // Of a short life the last half is early enough.
    let early = EARLY.min(lives / 2);
    let after = |time: Duration| now.checked_add(time).unwrap_or(now);
    Ok(Held { value, ends: after(lives), renew: after(lives.saturating_sub(early)) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_read_as_services_write_them() {
        let held = read(br#"{"access_token":"abc","expires_in":3600,"token_type":"Bearer"}"#).unwrap();
        assert!(held.value == "Bearer abc" && held.value.is_sensitive());
        assert!(held.renew < held.ends && held.ends > Instant::now() + Duration::from_secs(3_500));
        let text = read(br#"{"access_token":"abc","expires_on":"4102444800"}"#).unwrap();
        assert!(text.ends <= Instant::now() + Duration::from_secs(LONGEST));
        for bad in [
            "[]",
            "{}",
            r#"{"access_token":"a"}"#,
            r#"{"access_token":"","expires_in":1}"#,
            r#"{"access_token":"a\nb","expires_in":1}"#,
        ] {
            assert!(read(bad.as_bytes()).is_err(), "{bad}");
        }
    }

    #[tokio::test]
    async fn each_credential_asks_in_its_way_and_shows_no_secret() {
        let scope = "https://cognitiveservices.azure.com/.default";
        let request =
            |credential| async move { EntraTokens::new(credential, scope).request().await.unwrap() };
        let asked = request(EntraCredential::Secret {
            authority: "https://login.microsoftonline.com/".to_owned(),
            tenant: "t".to_owned(),
            client_id: "c".to_owned(),
            secret: EntraSecret("s&t".to_owned()),
        })
        .await;
        assert_eq!(asked.target.to_string(), "https://login.microsoftonline.com/t/oauth2/v2.0/token");
        let body = asked.form.clone().map(|form| form.body).unwrap_or_default();
        assert!(
            body.contains("client_secret=s%26t") && body.contains("grant_type=client_credentials"),
            "{body}"
        );
        assert!(!format!("{asked:?}").contains("s&t") && !format!("{asked:?}").contains("s%26t"));
        let machine = request(EntraCredential::Machine { at: None, client_id: Some("u".to_owned()) }).await;
        assert_eq!(
            machine.target.to_string(),
            "http://169.254.169.254/metadata/identity/oauth2/token?api-version=2018-02-01&resource=https%3A%2F%2Fcognitiveservices.azure.com&client_id=u"
        );
        assert_eq!(machine.purpose, Purpose::ManagedIdentity);
        let header = EntraSecret("hh".to_owned());
        let endpoint = "http://127.0.0.1:4/msi/token".to_owned();
        let service = request(EntraCredential::Service { endpoint, header, client_id: None }).await;
        assert!(
            service.field.as_ref().is_some_and(|(name, value)| name == "x-identity-header" && value == "hh")
        );
        assert!(!format!("{service:?}").contains("hh"));
    }
}

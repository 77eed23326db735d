//! A person signs in: authorization code with PKCE (RFC 6749 section 4.1, RFC 7636), the answer's issuer checked (RFC
//! 9207), and an ID token that is checked like every token and for its nonce (OpenID Connect Core section 3.1.3.7).
//!
//! Nothing is kept here between the two halves: whoever calls keeps [`Started`], for one browser and a short time.

use std::sync::Arc;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use http::HeaderValue;
use serde_json::Value;
use stockade_crypto::{CryptoError, Random, ct_eq, sha256};
use stockade_domain::Micros;
use stockade_egress::{Form, Purpose, SystemClient, SystemRequest, SystemTarget};

use crate::algorithm::Algorithm;
use crate::discovery;
use crate::json::{self, Object};
use crate::keys::Observer;
use crate::options::{ClientRule, IssuerOptions};
use crate::verifier::Verifier;

/// An ID token is made when it is asked for: an old one was kept by somebody.
const ID_TOKEN_AGE: Duration = Duration::from_secs(600);

/// How long a provider's description is kept, and how long it is not asked again when it did not come.
const DESCRIBED_FOR: Duration = Duration::from_secs(600);
const FAILED_FOR: Duration = Duration::from_secs(5);

/// The longest answer that a provider sends a browser back with, in bytes.
const MAX_QUERY: usize = 8 << 10;

/// What an operator says of the provider.
#[derive(Clone, PartialEq, Eq)]
pub struct LoginOptions {
    /// Its name in records.
    pub name: String,
    /// Its `iss`, and the base of its description.
    pub issuer: String,
    /// Who we are there.
    pub client_id: String,
    /// Our secret, where the provider gave one.
    pub client_secret: Option<String>,
    /// What is asked for besides `openid`.
    pub scopes: Vec<String>,
    /// The claim with the roles, or groups, of a person.
    pub roles_claim: String,
    /// How far two clocks may be apart.
    pub clock_skew: Duration,
}

/// A client of one provider.
#[derive(Debug)]
pub struct LoginClient {
    options: LoginOptions,
    system: SystemClient,
    verifier: Verifier,
    /// What the provider's description said last, or why it did not, and when. Held while it is fetched.
    described: tokio::sync::Mutex<Option<(Instant, Result<Endpoints, LoginFailure>)>>,
}

/// A login that was begun: what its second half is checked against.
#[derive(Clone)]
pub struct Started {
    /// Comes back with the answer.
    pub state: String,
    /// Must stand in the ID token.
    nonce: String,
    /// Proves that who redeems the code asked for it.
    verifier: String,
    /// Where the answer goes.
    redirect: String,
    /// Whether the provider names itself in every answer.
    names_itself: bool,
}

/// A person who signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedInPerson {
    /// The issuer's name, a colon, and its identifier of the person.
    pub id: String,
    /// What the roles claim says.
    pub roles: Vec<String>,
}

/// Why nobody was signed in. For operators; no secret is in it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LoginFailure {
    /// The provider's description or its answer to the code did not come or is not usable.
    #[error("the provider: {0}")]
    Provider(String),
    /// The answer is not the one to what was asked.
    #[error("the answer: {0}")]
    Answer(&'static str),
    /// The provider answered with an error (RFC 6749 section 4.1.2.1).
    #[error("the provider answered `{0}`")]
    Denied(String),
    /// The ID token is not good.
    #[error("the ID token: {0}")]
    IdToken(String),
    /// No randomness.
    #[error(transparent)]
    Crypto(#[from] CryptoError),
}

/// What of a provider's description is used.
#[derive(Debug, Clone)]
struct Endpoints {
    authorization: SystemTarget,
    token: SystemTarget,
    names_itself: bool,
    takes_basic: bool,
}

impl LoginOptions {
    /// The provider as an issuer of ID tokens.
    #[must_use]
    pub fn as_issuer(&self) -> IssuerOptions {
        IssuerOptions {
            name: self.name.clone(),
            issuer: self.issuer.clone(),
            jwks_uri: None,
            audiences: vec![self.client_id.clone()],
            algorithms: Algorithm::DEFAULT.to_vec(),
            types: vec!["JWT".to_owned()],
            client: ClientRule { claim: Some("azp".to_owned()), ..ClientRule::default() },
            user_claim: Some("sub".to_owned()),
            groups_claim: None,
            roles_claim: Some(self.roles_claim.clone()),
            required_scopes: Vec::new(),
            clock_skew: self.clock_skew,
            max_age: ID_TOKEN_AGE,
            refresh: Duration::from_secs(600),
            stale: Duration::from_secs(86_400),
            entra_tenant: None,
        }
    }
}

impl LoginClient {
    /// A client.
    #[must_use]
    pub fn new(options: LoginOptions, system: SystemClient, observer: &Arc<dyn Observer>) -> Self {
        let issuer = options.as_issuer();
        let verifier = Verifier::new(vec![issuer], &system, observer, &Verifier::default());
        Self { options, system, verifier, described: tokio::sync::Mutex::new(None) }
    }

    /// The provider's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.options.name
    }

    /// The first half: where the browser goes.
    ///
    /// # Errors
    /// When the provider's description cannot be had.
    pub async fn start(
        &self,
        redirect: &str,
        random: &dyn Random,
    ) -> Result<(String, Started), LoginFailure> {
        let endpoints = self.endpoints().await?;
        let (state, nonce, verifier) = (secret(random)?, secret(random)?, secret(random)?);
        let challenge = URL_SAFE_NO_PAD.encode(sha256(verifier.as_bytes()));
        let scope = std::iter::once("openid").chain(self.options.scopes.iter().map(String::as_str));
        let query = encoded(&[
            ("response_type", "code"),
            ("client_id", &self.options.client_id),
            ("redirect_uri", redirect),
            ("scope", &scope.collect::<Vec<_>>().join(" ")),
            ("state", &state),
            ("nonce", &nonce),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
        ]);
        let address = endpoints.authorization.to_string();
        let joint = if address.contains('?') { '&' } else { '?' };
        let started = Started {
            state,
            nonce,
            verifier,
            redirect: redirect.to_owned(),
            names_itself: endpoints.names_itself,
        };
        Ok((format!("{address}{joint}{query}"), started))
    }

    /// The second half: from what the browser came back with to who signed in.
    ///
    /// # Errors
    /// [`LoginFailure`]; then nobody signed in.
    pub async fn finish(
        &self,
        started: &Started,
        query: &str,
        redirect: &str,
        now: Micros,
    ) -> Result<SignedInPerson, LoginFailure> {
        let code = self.code(started, query, redirect)?;
        let token = self.redeem(started, &code).await?;
        let verified = self.verifier.verify(&token, now).await;
        let verified = verified.map_err(|reason| LoginFailure::IdToken(reason.to_string()))?;
        self.check_id_token(started, &verified.claims)?;
        let person = verified.identity.person;
        let person = person.ok_or_else(|| LoginFailure::IdToken("it has no `sub`".to_owned()))?;
        let prefix = format!("{}:", self.options.name);
        let bare = |role: String| role.strip_prefix(&prefix).map(str::to_owned).unwrap_or(role);
        Ok(SignedInPerson { id: person.id, roles: verified.identity.roles.into_iter().map(bare).collect() })
    }

    fn code(&self, started: &Started, query: &str, redirect: &str) -> Result<String, LoginFailure> {
        let answer = Answer::read(query)?;
        if !ct_eq(answer.state.as_bytes(), started.state.as_bytes()) {
            return Err(LoginFailure::Answer("its `state` is another one"));
        }
        if redirect != started.redirect {
            return Err(LoginFailure::Answer("it came to another address"));
        }
        // RFC 9207 section 2.4: against answers that another provider sent the browser back with.
        match answer.iss {
            Some(iss) if iss != self.options.issuer => {
                return Err(LoginFailure::Answer("its `iss` is another issuer"));
            }
            None if started.names_itself => return Err(LoginFailure::Answer("it has no `iss`")),
            _ => {}
        }
        if let Some(error) = answer.error {
            return Err(LoginFailure::Denied(
                error.chars().filter(|c| c.is_ascii_graphic()).take(64).collect(),
            ));
        }
        answer.code.ok_or(LoginFailure::Answer("it has no `code`"))
    }

    async fn redeem(&self, started: &Started, code: &str) -> Result<String, LoginFailure> {
        let endpoints = self.endpoints().await?;
        let mut fields = vec![
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", started.redirect.as_str()),
            ("code_verifier", started.verifier.as_str()),
        ];
        let mut authorization = None;
        match &self.options.client_secret {
            // RFC 6749 section 2.3.1: both encoded before they are joined.
            Some(secret) if endpoints.takes_basic => {
                let pair = format!("{}:{}", form_encoded(&self.options.client_id), form_encoded(secret));
                let value = HeaderValue::try_from(format!("Basic {}", STANDARD.encode(pair)));
                let mut value =
                    value.map_err(|_| LoginFailure::Provider("the secret is no header".to_owned()))?;
                value.set_sensitive(true);
                authorization = Some(value);
            }
            Some(secret) => {
                fields.extend([("client_id", self.options.client_id.as_str()), ("client_secret", secret)]);
            }
            None => fields.push(("client_id", &self.options.client_id)),
        }
        let form = Some(Form { body: encoded(&fields), authorization });
        let request =
            SystemRequest { purpose: Purpose::IssuerToken, target: endpoints.token, form, field: None };
        let answer = self.system.fetch(request).await;
        let answer =
            answer.map_err(|error| LoginFailure::Provider(format!("its answer to the code: {error}")))?;
        let answer = json::object(&answer.body)
            .map_err(|_| LoginFailure::Provider("its answer to the code is no JSON object".to_owned()))?;
        match answer.get("id_token") {
            Some(Value::String(token)) => Ok(token.clone()),
            _ => Err(LoginFailure::Provider("its answer to the code has no `id_token`".to_owned())),
        }
    }

    /// What OpenID Connect Core section 3.1.3.7 asks beyond what every token must be.
    fn check_id_token(&self, started: &Started, claims: &Object) -> Result<(), LoginFailure> {
        let wrong = |what: &str| Err(LoginFailure::IdToken(what.to_owned()));
        let nonce = claims.get("nonce").and_then(Value::as_str).unwrap_or_default();
        if !ct_eq(nonce.as_bytes(), started.nonce.as_bytes()) {
            return wrong("its `nonce` is another one");
        }
        let alone = match claims.get("aud") {
            Some(Value::Array(audiences)) => audiences.len() == 1,
            _ => true,
        };
        match claims.get("azp") {
            Some(party) if *party != self.options.client_id.as_str() => wrong("its `azp` is another client"),
            None if !alone => wrong("it is for several audiences and names no `azp`"),
            _ => Ok(()),
        }
    }

    /// Strangers can ask to sign in: what that costs the provider is bounded.
    async fn endpoints(&self) -> Result<Endpoints, LoginFailure> {
        let mut described = self.described.lock().await;
        if let Some((at, known)) = &*described {
            let good_for = if known.is_ok() { DESCRIBED_FOR } else { FAILED_FOR };
            if at.elapsed() < good_for {
                return known.clone();
            }
        }
        let fetched = self.describe().await;
        *described = Some((Instant::now(), fetched.clone()));
        fetched
    }

    async fn describe(&self) -> Result<Endpoints, LoginFailure> {
        let provider = |error: String| LoginFailure::Provider(error);
        let target =
            discovery::metadata_of(&self.options.issuer).map_err(|error| provider(error.to_string()))?;
        let request = SystemRequest { purpose: Purpose::IssuerMetadata, target, form: None, field: None };
        let answer = self.system.fetch(request).await.map_err(|error| provider(error.to_string()))?;
        // It must be the description of this issuer, as for its keys.
        discovery::keys_of(&self.options.issuer, &answer.body)
            .map_err(|error| provider(error.to_string()))?;
        let described = json::object(&answer.body).map_err(|error| provider(error.to_string()))?;
        let endpoint = |name: &str| {
            let url = described
                .get(name)
                .and_then(Value::as_str)
                .ok_or_else(|| provider(format!("it names no `{name}`")))?;
            SystemTarget::new(url).map_err(|error| provider(format!("its `{name}`: {error}")))
        };
        let lists = |name: &str, word: &str| match described.get(name) {
            Some(Value::Array(words)) => words.iter().any(|known| known == word),
            _ => true,
        };
        if !lists("code_challenge_methods_supported", "S256") {
            return Err(provider("it does not do PKCE with S256".to_owned()));
        }
        Ok(Endpoints {
            authorization: endpoint("authorization_endpoint")?,
            token: endpoint("token_endpoint")?,
            names_itself: described.get("authorization_response_iss_parameter_supported")
                == Some(&Value::Bool(true)),
            takes_basic: lists("token_endpoint_auth_methods_supported", "client_secret_basic"),
        })
    }
}

/// The query of an answer (RFC 6749 section 4.1.2): each parameter once (section 3.1).
#[derive(Default)]
struct Answer {
    state: String,
    code: Option<String>,
    iss: Option<String>,
    error: Option<String>,
}

impl Answer {
    fn read(query: &str) -> Result<Self, LoginFailure> {
        if query.len() > MAX_QUERY {
            return Err(LoginFailure::Answer("it is too long"));
        }
        let (mut state, mut answer) = (None, Self::default());
        for pair in query.split('&') {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let place = match name {
                "state" => &mut state,
                "code" => &mut answer.code,
                "iss" => &mut answer.iss,
                "error" => &mut answer.error,
                _ => continue,
            };
            let value = form_decoded(value).ok_or(LoginFailure::Answer("it is not encoded as a form"))?;
            if place.replace(value).is_some() {
                return Err(LoginFailure::Answer("a parameter stands in it twice"));
            }
        }
        answer.state = state.ok_or(LoginFailure::Answer("it has no `state`"))?;
        Ok(answer)
    }
}

/// 256 random bits.
fn secret(random: &dyn Random) -> Result<String, CryptoError> {
    let mut bytes = [0; 32];
    random.fill(&mut bytes)?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

pub(crate) fn encoded(fields: &[(&str, &str)]) -> String {
    let pairs = fields.iter().map(|(name, value)| format!("{name}={}", form_encoded(value)));
    pairs.collect::<Vec<_>>().join("&")
}

/// Percent-encodes all but what never has a meaning (RFC 3986 section 2.3).
pub(crate) fn form_encoded(text: &str) -> String {
    use std::fmt::Write as _;
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

fn form_decoded(text: &str) -> Option<String> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        out.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digits = [bytes.next()?, bytes.next()?];
                let digit =
                    |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
                let [high, low] = digits.map(digit);
                high? << 4 | low?
            }
            other => other,
        });
    }
    String::from_utf8(out).ok()
}

impl std::fmt::Debug for LoginOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "LoginOptions({} at {})", self.name, self.issuer)
    }
}

impl std::fmt::Debug for Started {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Started(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_has_each_parameter_once() {
        let answer = Answer::read("code=a%20b%2B&state=s&iss=https%3A%2F%2Fi&x=1&x=2").unwrap();
        assert_eq!((answer.code.as_deref(), answer.state.as_str()), (Some("a b+"), "s"));
        assert_eq!(answer.iss.as_deref(), Some("https://i"));
        for bad in
            ["", "code=a", "state=a&state=a", "state=a&code=b&code=b", "state=%", "state=%zz", "state=%ff"]
        {
            assert!(Answer::read(bad).is_err(), "{bad}");
        }
        assert!(Answer::read(&format!("state=a&x={}", "x".repeat(MAX_QUERY))).is_err());
    }

    #[test]
    fn forms_round_trip() {
        for text in ["", "a b", "ü&=+%/?~-._", "\u{1f600}\n"] {
            assert_eq!(form_decoded(&form_encoded(text)).as_deref(), Some(text));
        }
    }
}

//! People who sign in to the console by way of an identity provider: what was begun, which role they get, and the session.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use parking_lot::Mutex;
use stockade_crypto::{Digest, Random, sha256, to_hex};
use stockade_domain::{Clock, Micros};
use stockade_identity::{LoginClient, LoginFailure, SignedInPerson, Started};
use stockade_views::{Begun, Login, LoginError, NewSession, Role};

use crate::sessions::Sessions;

/// How long a person may take at the provider.
const LOGIN_LIFETIME: Duration = Duration::from_secs(600);

/// How many logins may be under way; a further one ends the oldest.
const MAX_PENDING: usize = 1_024;

/// Logins by one provider.
pub struct Logins {
    client: LoginClient,
    /// From a word of the roles claim to what it is here.
    roles: BTreeMap<String, Role>,
    sessions: Arc<Sessions>,
    random: Arc<dyn Random>,
    clock: Arc<dyn Clock>,
    /// By the hash of the browser's secret.
    pending: Mutex<HashMap<Digest, Pending>>,
}

#[derive(Clone)]
struct Pending {
    started: Started,
    since: Micros,
}

impl Logins {
    /// Logins by this client, with these roles.
    #[must_use]
    pub fn new(
        client: LoginClient,
        roles: BTreeMap<String, Role>,
        sessions: Arc<Sessions>,
        random: Arc<dyn Random>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self { client, roles, sessions, random, clock, pending: Mutex::default() }
    }

    async fn start(&self, redirect: &str) -> Result<Begun, LoginError> {
        let (url, started) =
            self.client.start(redirect, self.random.as_ref()).await.map_err(|error| told(&error))?;
        let mut bytes = [0; 32];
        self.random.fill(&mut bytes).map_err(|_| LoginError::Unavailable)?;
        let secret = to_hex(&bytes);
        let now = self.clock.now();
        let mut pending = self.pending.lock();
        pending.retain(|_, login| login.is_good(now));
        if pending.len() >= MAX_PENDING {
            let oldest = pending.iter().min_by_key(|(_, login)| login.since).map(|(hash, _)| *hash);
            oldest.map(|oldest| pending.remove(&oldest));
        }
        pending.insert(sha256(secret.as_bytes()), Pending { started, since: now });
        Ok(Begun { url, secret })
    }

    async fn end(&self, secret: &str, query: &str, redirect: &str) -> Result<NewSession, LoginError> {
        let now = self.clock.now();
        let pending = self.pending.lock().remove(&sha256(secret.as_bytes()));
        let Pending { started, .. } =
            pending.filter(|login| login.is_good(now)).ok_or(LoginError::Unknown)?;
        let person =
            self.client.finish(&started, query, redirect, now).await.map_err(|error| told(&error))?;
        let role = self.role(&person);
        let (sessions, provider) = (Arc::clone(&self.sessions), self.client.name().to_owned());
        // The record is waited for, off the threads that answer requests.
        let begun =
            tokio::task::spawn_blocking(move || sessions.begin_person(&person.id, &provider, role)).await;
        match begun {
            Ok(Ok(Some(session))) => Ok(session),
            Ok(Ok(None)) => Err(LoginError::NoRole),
            Ok(Err(error)) => {
                tracing::error!(%error, "a session could not begin");
                Err(LoginError::Unavailable)
            }
            Err(_) => Err(LoginError::Unavailable),
        }
    }

    /// The role that counts of all that the person has.
    fn role(&self, person: &SignedInPerson) -> Option<Role> {
        let has = |role: &Role| person.roles.iter().any(|word| self.roles.get(word) == Some(role));
        Role::ALL.into_iter().find(has)
    }
}

impl Pending {
    fn is_good(&self, now: Micros) -> bool {
        self.since <= now && now < self.since.plus(LOGIN_LIFETIME)
    }
}

/// What the browser is told; the log says more.
fn told(failure: &LoginFailure) -> LoginError {
    tracing::warn!("nobody was signed in: {failure}");
    match failure {
        LoginFailure::Provider(_) | LoginFailure::Crypto(_) => LoginError::Unavailable,
        LoginFailure::Denied(_) => LoginError::Denied,
        LoginFailure::Answer(_) | LoginFailure::IdToken(_) => LoginError::Unverified,
    }
}

impl Login for Logins {
    fn provider(&self) -> &str {
        self.client.name()
    }

    fn begin<'a>(&'a self, redirect: &'a str) -> BoxFuture<'a, Result<Begun, LoginError>> {
        self.start(redirect).boxed()
    }

    fn finish<'a>(
        &'a self,
        secret: &'a str,
        query: &'a str,
        redirect: &'a str,
    ) -> BoxFuture<'a, Result<NewSession, LoginError>> {
        self.end(secret, query, redirect).boxed()
    }
}

impl std::fmt::Debug for Logins {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Logins").field("client", &self.client).finish_non_exhaustive()
    }
}

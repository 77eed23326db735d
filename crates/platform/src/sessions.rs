//! Who may look at the console: sessions that begin with a one-time link from the command line, or by way of an identity
//! provider.
//!
//! Both outlast a restart. Of both only keyed hashes are kept, so that neither memory nor store holds what opens them.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use stockade_crypto::{CryptoError, Digest, KeyRing, KeyRole, MacKey, Random, from_hex, to_hex};
use stockade_domain::{Clock, Micros};
use stockade_store::Store;
use stockade_views::{LinkError, NewSession, Role, Session};

use crate::audit::Journal;
use crate::error::PlatformError;

/// How long a sign-in link can be used.
pub const LINK_LIFETIME: Duration = Duration::from_secs(600);
/// How long a session lasts.
pub const SESSION_LIFETIME: Duration = Duration::from_secs(12 * 3_600);
/// How many sessions there can be; a further one ends the oldest.
const MAX_SESSIONS: usize = 1_024;
/// How many links that are not good may be tried in a minute.
const MAX_TRIES: u32 = 30;

/// Sessions of people at the console.
pub struct Sessions {
    mac: MacKey,
    random: Arc<dyn Random>,
    clock: Arc<dyn Clock>,
    store: Store,
    journal: Arc<Journal>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    sessions: HashMap<Digest, Held>,
    /// When the current minute of tries began, and how many failed in it.
    tries: (Micros, u32),
}

/// A session. Those that a provider began are in memory only: after a restart the provider is asked again.
#[derive(Clone)]
struct Held {
    times: Times,
    role: Role,
    who: Arc<str>,
}

#[derive(Clone, Copy)]
struct Times {
    since: Micros,
    expires: Micros,
}

/// Who used a link of the command line: whoever can print one owns the installation.
const AT_THE_CONSOLE: &str = "console";

impl Sessions {
    /// Loads the sessions that are still good.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub(crate) fn open(
        ring: &KeyRing,
        random: Arc<dyn Random>,
        clock: Arc<dyn Clock>,
        store: Store,
        journal: Arc<Journal>,
    ) -> Result<Self, PlatformError> {
        let mac = ring.mac_key(KeyRole::Session, 1, b"")?;
        store.sessions().forget_expired(clock.now())?;
        let sessions = store.sessions().list()?.into_iter().filter_map(|(hash, since, expires)| {
            Some((from_hex(&hash)?.try_into().ok()?, Held::of_link(Times { since, expires })))
        });
        let state = State { sessions: sessions.collect(), ..State::default() };
        Ok(Self { mac, random, clock, store, journal, state: Mutex::new(state) })
    }

    /// A token for a sign-in link: 256 bits, good once, for [`LINK_LIFETIME`].
    ///
    /// # Errors
    /// When it cannot be recorded.
    pub fn new_link(&self, actor: &str) -> Result<String, PlatformError> {
        let token = self.token()?;
        let now = self.clock.now();
        let expires = now.plus(LINK_LIFETIME);
        self.journal.admin("signin.link", actor, [("expires", expires.to_string())])?;
        let links = self.store.signin_links();
        links.forget_expired(now)?;
        links.create(&to_hex(&self.hash(&token)), now, expires)?;
        Ok(token)
    }

    /// The pseudonym of a session in records.
    #[must_use]
    pub fn pseudonym(&self, cookie: &str) -> String {
        let tag = to_hex(&self.mac.mac_parts(&[b"pseudonym", cookie.as_bytes()]));
        format!("session:{}", tag.get(..16).unwrap_or_default())
    }

    fn token(&self) -> Result<String, CryptoError> {
        let mut bytes = [0; 32];
        self.random.fill(&mut bytes)?;
        Ok(to_hex(&bytes))
    }

    fn hash(&self, token: &str) -> Digest {
        self.mac.mac_parts(&[b"token", token.as_bytes()])
    }

    /// Uses a link up. Comparing hashes says nothing about tokens, so it need not be in constant time. A good link works
    /// however many others were tried.
    fn take_link(&self, token: &str, now: Micros) -> Result<(), LinkError> {
        match self.store.signin_links().consume(&to_hex(&self.hash(token)), now) {
            Ok(true) => Ok(()),
            Ok(false) if self.is_guessing(now) => Err(LinkError::TooMany),
            Ok(false) => Err(LinkError::Spent),
            Err(error) => {
                tracing::warn!(%error, "a sign-in link could not be looked up");
                Err(LinkError::Spent)
            }
        }
    }

    /// Counts a try that failed; gives whether this minute has seen too many.
    fn is_guessing(&self, now: Micros) -> bool {
        let mut state = self.state.lock();
        let (since, tries) = &mut state.tries;
        if now.since(*since) >= 60_000_000 || now < *since {
            (*since, *tries) = (now, 0);
        }
        *tries = tries.saturating_add(1);
        *tries > MAX_TRIES
    }

    fn begin(&self, now: Micros) -> Result<NewSession, PlatformError> {
        let cookie = self.token()?;
        let hash = self.hash(&cookie);
        let times = Times { since: now, expires: now.plus(SESSION_LIFETIME) };
        self.journal.admin("signin", &self.pseudonym(&cookie), [("expires", times.expires.to_string())])?;
        self.store.sessions().create(&to_hex(&hash), times.since, times.expires)?;
        self.hold(cookie, hash, Held::of_link(times))
    }

    /// Begins the session of a person whom a provider signed in; `None` for one without a role. Both are recorded.
    ///
    /// # Errors
    /// When it cannot be recorded: then there is no session.
    pub(crate) fn begin_person(
        &self,
        person: &str,
        provider: &str,
        role: Option<Role>,
    ) -> Result<Option<NewSession>, PlatformError> {
        let tag = to_hex(&self.mac.mac_parts(&[b"person", person.as_bytes()]));
        let who = format!("person:{}", tag.get(..16).unwrap_or_default());
        let Some(role) = role else {
            self.journal.admin("signin.refused", &who, [("provider", provider.to_owned())])?;
            return Ok(None);
        };
        let now = self.clock.now();
        let times = Times { since: now, expires: now.plus(SESSION_LIFETIME) };
        let detail = [
            ("expires", times.expires.to_string()),
            ("provider", provider.to_owned()),
            ("role", role.as_str().to_owned()),
        ];
        self.journal.admin("signin", &who, detail)?;
        let cookie = self.token()?;
        let hash = self.hash(&cookie);
        self.hold(cookie, hash, Held { times, role, who: who.into() }).map(Some)
    }

    fn hold(&self, cookie: String, hash: Digest, held: Held) -> Result<NewSession, PlatformError> {
        let Times { since: now, expires } = held.times;
        let ended = {
            let mut state = self.state.lock();
            state.sessions.retain(|_, held| held.times.expires > now);
            let oldest =
                state.sessions.iter().min_by_key(|(_, held)| held.times.since).map(|(hash, _)| *hash);
            let ended = oldest.filter(|_| state.sessions.len() >= MAX_SESSIONS);
            if let Some(oldest) = &ended {
                state.sessions.remove(oldest);
            }
            state.sessions.insert(hash, held);
            ended
        };
        if let Some(oldest) = ended {
            self.store.sessions().end(&to_hex(&oldest))?;
        }
        Ok(NewSession { cookie, since: now, expires })
    }
}

impl Held {
    fn of_link(times: Times) -> Self {
        Self { times, role: Role::Admin, who: AT_THE_CONSOLE.into() }
    }
}

impl stockade_views::Sessions for Sessions {
    fn consume_link(&self, token: &str) -> Result<NewSession, LinkError> {
        let now = self.clock.now();
        self.take_link(token, now)?;
        self.begin(now).map_err(|error| {
            tracing::warn!(%error, "a session could not begin");
            LinkError::Spent
        })
    }

    fn session(&self, cookie: &str) -> Option<Session> {
        let Held { times, role, who } = self.state.lock().sessions.get(&self.hash(cookie))?.clone();
        let now = self.clock.now();
        // A clock that was put back must not bring an ended session to life, nor a future one forward.
        if times.expires <= now || now < times.since {
            return None;
        }
        let csrf = to_hex(&self.mac.mac_parts(&[b"csrf", cookie.as_bytes()]));
        Some(Session { role, who: who.to_string(), csrf, since: times.since, expires: times.expires })
    }

    fn end(&self, cookie: &str) {
        let hash = self.hash(cookie);
        let Some(Held { who, .. }) = self.state.lock().sessions.remove(&hash) else { return };
        let actor = if *who == *AT_THE_CONSOLE { self.pseudonym(cookie) } else { who.to_string() };
        if let Err(error) = self.store.sessions().end(&to_hex(&hash)) {
            tracing::warn!(%error, "a session has ended but could not be forgotten");
        }
        if let Err(error) = self.journal.admin("signout", &actor, []) {
            tracing::warn!(%error, "the end of a session could not be recorded");
        }
    }
}

impl std::fmt::Debug for Sessions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sessions(..)")
    }
}

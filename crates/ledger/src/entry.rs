//! The envelope around an event: what is hashed, signed and proved.
//!
//! `{"event":{..},"payload":{..},"v":1}` in canonical form. The payload itself lies elsewhere; the entry holds what
//! shows, for ever, whether a payload is the one that was recorded.

use serde::Serialize;
use stockade_crypto::{Digest, from_hex, to_hex};
use stockade_domain::{AuditEvent, RequestId};

use crate::canonical::{self, EncodeError, Encoder};
use crate::error::LedgerError;

/// The longest canonical form of an entry, in bytes.
pub const MAX_ENTRY_BYTES: usize = 16 * 1024;

/// Version of the envelope.
const VERSION: u8 = 1;

/// Admin action of the entry that announces the erasure of one payload.
pub(crate) const ERASE: &str = "payload.erase";
/// Admin action of the entry that announces the deletion of payloads whose time is over.
pub(crate) const EXPIRE: &str = "payload.expire";

/// An entry as it stands in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its place, counted from 0.
    pub index: u64,
    /// Its canonical JSON.
    pub json: String,
}

/// What an entry says of its payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PayloadMark {
    /// HMAC-SHA-256 of the payload's text under the salt.
    pub(crate) commitment: Digest,
    /// SHA-256 of the salt.
    pub(crate) salt: Digest,
    /// SHA-256 of the sealed bytes.
    pub(crate) sealed: Digest,
}

/// What an event is to the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Subject {
    /// It opens a request.
    Opens(RequestId),
    /// It ends a request.
    Ends(RequestId),
    /// It announces that the payload of an entry is erased.
    Erases(u64),
    /// It announces that the payloads of the entries from the first to the second are deleted.
    Expires(u64, u64),
    /// None of these.
    Other,
}

/// What the log needs to know of an entry that it reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Facts {
    pub(crate) subject: Subject,
    pub(crate) payload: Option<PayloadMark>,
}

#[derive(Serialize)]
struct Envelope<'a> {
    event: &'a AuditEvent,
    #[serde(skip_serializing_if = "Option::is_none")]
    payload: Option<MarkText>,
    v: u8,
}

#[derive(Serialize)]
struct MarkText {
    commitment: String,
    salt: String,
    sealed: String,
}

/// The canonical bytes of an entry, in the encoder's buffer.
pub(crate) fn encode<'e>(
    encoder: &'e mut Encoder,
    event: &AuditEvent,
    payload: Option<&PayloadMark>,
) -> Result<&'e [u8], LedgerError> {
    let payload = payload.map(|mark| MarkText {
        commitment: to_hex(&mark.commitment),
        salt: to_hex(&mark.salt),
        sealed: to_hex(&mark.sealed),
    });
    let entry = encoder
        .encode(&Envelope { event, payload, v: VERSION })
        .map_err(|EncodeError(why)| LedgerError::NotCanonical(why.into()))?;
    if entry.len() > MAX_ENTRY_BYTES {
        return Err(LedgerError::EntryTooLarge { bytes: entry.len() });
    }
    Ok(entry)
}

// === impl Subject ===

impl Subject {
    /// Of an event that is about to be written.
    pub(crate) fn of(event: &AuditEvent) -> Self {
        match event {
            AuditEvent::Intent(intent) => Self::Opens(intent.request),
            AuditEvent::Outcome(outcome) => Self::Ends(outcome.request),
            AuditEvent::Interrupted(interrupted) => Self::Ends(interrupted.request),
            AuditEvent::Admin { action, detail, .. } if action == ERASE || action == EXPIRE => {
                let bound = |key| detail.get(key).and_then(|n: &String| n.parse().ok());
                match (bound("first"), bound("last")) {
                    (Some(first), Some(last)) if action == ERASE && first == last => Self::Erases(first),
                    (Some(first), Some(last)) if action == EXPIRE && first <= last => {
                        Self::Expires(first, last)
                    }
                    _ => Self::Other,
                }
            }
            _ => Self::Other,
        }
    }
}

// === impl Entry ===

impl Entry {
    pub(crate) fn from_bytes(index: u64, bytes: Vec<u8>) -> Result<Self, LedgerError> {
        let json = String::from_utf8(bytes)
            .map_err(|_| LedgerError::damaged(format!("entry {index}"), "it is not UTF-8"))?;
        Ok(Self { index, json })
    }

    /// Its leaf hash (RFC 6962 section 2.1).
    #[must_use]
    pub fn leaf(&self) -> Digest {
        crate::merkle::leaf_hash(self.json.as_bytes())
    }

    /// The event inside the envelope; `None` when this version does not know its form.
    #[must_use]
    pub fn event(&self) -> Option<AuditEvent> {
        #[derive(serde::Deserialize)]
        struct Inner {
            event: AuditEvent,
        }
        serde_json::from_str::<Inner>(&self.json).ok().map(|inner| inner.event)
    }
}

// === impl Facts ===

impl Facts {
    /// Reads an entry: it must be canonical and an envelope of this version. The error says why it is not.
    pub(crate) fn read(entry: &[u8]) -> Result<Self, String> {
        let mut seen = Seen::default();
        if entry.len() > MAX_ENTRY_BYTES {
            return Err(format!("it has {} bytes", entry.len()));
        }
        canonical::check(entry, |parent, key, value| seen.member(parent, key, value))
            .map_err(|e| e.to_string())?;
        let version = seen.version.and_then(|v| v.parse::<u8>().ok());
        if version != Some(VERSION) || seen.event.is_none() || seen.others {
            return Err("it is not an envelope of version 1".to_owned());
        }
        let payload = match seen.payload {
            false => None,
            true => Some(seen.mark().ok_or("its payload mark is not of the known form")?),
        };
        Ok(Self { subject: seen.subject()?, payload })
    }
}

/// Members of an envelope that matter, as raw JSON.
#[derive(Default)]
struct Seen<'a> {
    event: Option<&'a str>,
    kind: Option<&'a str>,
    request: Option<&'a str>,
    action: Option<&'a str>,
    payload: bool,
    marks: [Option<Digest>; 3],
    version: Option<&'a str>,
    others: bool,
}

impl<'a> Seen<'a> {
    fn member(&mut self, parent: Option<&'a str>, key: &'a str, value: &'a str) {
        let text = || value.strip_prefix('"').and_then(|v| v.strip_suffix('"'));
        let digest = || text().and_then(from_hex).and_then(|d| Digest::try_from(d).ok());
        match (parent, key) {
            (Some("event"), "type") => self.kind = text(),
            (Some("event"), "request") => self.request = text(),
            (Some("event"), "action") => self.action = text(),
            (Some("payload"), "commitment") => self.marks[0] = digest(),
            (Some("payload"), "salt") => self.marks[1] = digest(),
            (Some("payload"), "sealed") => self.marks[2] = digest(),
            (None, "event") => self.event = value.starts_with('{').then_some(value),
            (None, "payload") => self.payload = true,
            (None, "v") => self.version = Some(value),
            (None, _) | (Some("payload"), _) => self.others = true,
            _ => (),
        }
    }

    fn mark(&self) -> Option<PayloadMark> {
        let [commitment, salt, sealed] = self.marks;
        Some(PayloadMark { commitment: commitment?, salt: salt?, sealed: sealed? })
    }

    fn subject(&self) -> Result<Subject, String> {
        let request = || {
            let id = self.request.and_then(|r| r.parse::<RequestId>().ok());
            id.ok_or_else(|| "its request id is missing or malformed".to_owned())
        };
        match self.kind {
            None => Err("its event has no type".to_owned()),
            Some("intent") => Ok(Subject::Opens(request()?)),
            Some("outcome" | "interrupted") => Ok(Subject::Ends(request()?)),
            Some("admin") if self.action == Some(ERASE) || self.action == Some(EXPIRE) => {
                let event = serde_json::from_str::<AuditEvent>(self.event.unwrap_or_default());
                match event.as_ref().map(Subject::of) {
                    Ok(known @ (Subject::Erases(_) | Subject::Expires(..))) => Ok(known),
                    _ => Err("it announces an erasure without saying of what".to_owned()),
                }
            }
            Some(_) => Ok(Subject::Other),
        }
    }
}

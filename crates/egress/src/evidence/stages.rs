//! From a ticket to an examined request.

use std::borrow::Cow;
use std::ops::Range;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::{HeaderName, HeaderValue};
use stockade_domain::{Action, Caller, CallerRecord, Channel, Finding, Inspection, Micros, RequestId, Role};

use super::ticket::{Closing, Ticket};

/// For how long a credential is good, and how to hear that it no longer is.
pub struct Lease {
    /// When the credential runs out.
    pub expires: Option<Micros>,
    /// Resolves when the credential is revoked or has run out. Running answers end then.
    pub ended: BoxFuture<'static, LeaseEnd>,
}

/// Why a credential is no longer good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LeaseEnd {
    /// Somebody took it back.
    Revoked,
    /// Its time was up.
    Expired,
}

/// A request whose caller is known.
#[derive(Debug)]
pub struct Authenticated {
    pub(super) ticket: Ticket,
    pub(super) caller: Caller,
    pub(super) lease: Lease,
}

/// One text span with its place in the raw bytes.
#[derive(Debug, Clone)]
pub struct ParsedSpan {
    /// What part of the message it is.
    pub channel: Channel,
    /// Who is said to have said it.
    pub role: Role,
    /// JSON Pointer (RFC 6901) of the leaf.
    pub path: String,
    /// The decoded text.
    pub text: String,
    /// The bytes of the JSON token, quotes included, in the body.
    pub raw: Range<usize>,
}

/// Content that does not pass through us.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// JSON Pointer of the reference.
    pub path: String,
    /// A stable word, for example `image_url` or `file_id`.
    pub kind: &'static str,
}

/// A request as it was read: the raw bytes and every text in them.
#[derive(Debug, Clone)]
pub struct Message {
    /// The dialect and operation, for example `openai.chat`.
    pub surface: &'static str,
    /// What is asked for.
    pub action: Action,
    /// The upstream path, relative to the API's root.
    pub path: Cow<'static, str>,
    /// It only fetches something: there is no body.
    pub fetches: bool,
    /// The model that was asked for.
    pub model: String,
    /// Whether the answer is to be streamed.
    pub stream: bool,
    /// Whether the client wants the stream's usage event.
    pub stream_usage: bool,
    /// How many tools the request offers.
    pub tools: usize,
    /// Texts.
    pub spans: Vec<ParsedSpan>,
    /// Content that does not pass through us.
    pub references: Vec<Reference>,
    /// Parts that cannot be read as text: media, token ids.
    pub opaque: Vec<Reference>,
    /// Parts that their provider signed or encrypted: never edited.
    pub sealed: Vec<Reference>,
    /// Header fields that say how the body is meant: versions and parts of an API. Checked words, no text of the caller's.
    pub fields: Vec<(HeaderName, HeaderValue)>,
    /// Lists of numbers that a model is given.
    pub tensors: Vec<Tensor>,
    /// The raw bytes.
    pub body: Bytes,
}

/// A list of numbers, as much of it as a record may hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tensor {
    /// JSON Pointer.
    pub path: String,
    /// The length of its first list in each depth.
    pub shape: Vec<u64>,
    /// `int`, `float` or `bool`.
    pub kind: &'static str,
    /// A keyed digest of its text, in hex.
    pub fingerprint: String,
}

/// A request that was read.
#[derive(Debug)]
pub struct Parsed {
    pub(super) from: Authenticated,
    pub(super) message: Message,
}

/// A finding in a span.
#[derive(Debug, Clone)]
pub struct SpanFinding {
    /// Which span of the message.
    pub span: usize,
    /// What was found.
    pub finding: Finding,
}

/// A request that was inspected.
#[derive(Debug)]
pub struct Examined {
    pub(super) from: Parsed,
    pub(super) findings: Vec<SpanFinding>,
    pub(super) inspection: Inspection,
}

impl std::fmt::Debug for Lease {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Lease").field("expires", &self.expires).finish_non_exhaustive()
    }
}

// === impl Ticket ===

impl Ticket {
    /// The credential was checked: from here on the request is recorded under its caller.
    #[must_use]
    pub fn authenticate(mut self, caller: Caller, record: CallerRecord, lease: Lease) -> Authenticated {
        self.identify(record);
        Authenticated { ticket: self, caller, lease }
    }
}

// === impl Authenticated ===

impl Authenticated {
    /// Who calls.
    #[must_use]
    pub fn caller(&self) -> &Caller {
        &self.caller
    }

    /// The request's id.
    #[must_use]
    pub fn request(&self) -> RequestId {
        self.ticket.request()
    }

    /// What is known so far of the request's end.
    pub fn draft(&mut self) -> &mut Closing {
        self.ticket.draft()
    }

    /// The body was read into spans.
    #[must_use]
    pub fn parse(self, message: Message) -> Parsed {
        Parsed { from: self, message }
    }

    /// Gives the ticket back, to record why this request goes no further.
    #[must_use]
    pub fn into_ticket(self) -> Ticket {
        self.ticket
    }
}

// === impl Parsed ===

impl Parsed {
    /// The request as it was read.
    #[must_use]
    pub fn message(&self) -> &Message {
        &self.message
    }

    /// Who calls.
    #[must_use]
    pub fn caller(&self) -> &Caller {
        &self.from.caller
    }

    /// The spans were inspected.
    #[must_use]
    pub fn examine(self, findings: Vec<SpanFinding>, inspection: Inspection) -> Examined {
        Examined { from: self, findings, inspection }
    }

    /// Gives the ticket back, to record why this request goes no further.
    #[must_use]
    pub fn into_ticket(self) -> Ticket {
        self.from.ticket
    }
}

// === impl Examined ===

impl Examined {
    /// The request as it was read.
    #[must_use]
    pub fn message(&self) -> &Message {
        &self.from.message
    }

    /// Who calls.
    #[must_use]
    pub fn caller(&self) -> &Caller {
        &self.from.from.caller
    }

    /// What was found.
    #[must_use]
    pub fn findings(&self) -> &[SpanFinding] {
        &self.findings
    }

    /// What ran, and what could not.
    #[must_use]
    pub fn inspection(&self) -> &Inspection {
        &self.inspection
    }

    /// Gives the ticket back, to record why this request goes no further.
    #[must_use]
    pub fn into_ticket(self) -> Ticket {
        self.from.from.ticket
    }
}

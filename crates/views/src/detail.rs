//! One request with everything that is known of it.

use stockade_domain::{Channel, Intent, Outcome, Role};

use crate::list::RequestRow;

/// The most pieces of text that a view of one direction should hold; what is left out is said by
/// [`PayloadView::Recorded::cut`].
pub const MAX_PIECES: usize = 10_000;

/// A request, its entries in the ledger, and its text as far as it was recorded and not erased.
#[derive(Debug, Clone)]
pub struct RequestDetail {
    /// Its line in the list.
    pub row: RequestRow,
    /// The intent entry; `None` when the request was refused before a decision.
    pub intent: Option<Intent>,
    /// The outcome entry; `None` while it is under way and after an interruption.
    pub outcome: Option<Outcome>,
    /// The text of the request.
    pub request: PayloadView,
    /// The text of the answer.
    pub response: PayloadView,
}

/// The readable text of one direction, as it was recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PayloadView {
    /// Nothing was recorded.
    None,
    /// It was recorded and has been erased; the entry's commitment remains.
    Erased,
    /// Whoever asks may not see text.
    Withheld,
    /// What was recorded.
    Recorded {
        /// The spans, in the order of the message.
        spans: Vec<SpanView>,
        /// Whether the recording or the view leaves something out at the end.
        cut: bool,
    },
}

/// A span with what was done inside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpanView {
    /// What part of the message it is.
    pub channel: Channel,
    /// Who is said to have said it.
    pub role: Role,
    /// Where it stands, as a JSON Pointer (RFC 6901). Its free-form keys are the client's words.
    pub path: String,
    /// Its text in order.
    pub pieces: Vec<Piece>,
}

/// A run of text with one mark.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// The text as it left: of a redaction the mark that stands in its place. It is somebody else's text.
    pub text: String,
    /// What was done here.
    pub mark: Mark,
}

/// What was done to a piece of text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mark {
    /// Nothing.
    Plain,
    /// A finding of this type was replaced by a mark.
    Redacted(String),
    /// A finding of this type was replaced by a pseudonym.
    Pseudonym(String),
    /// A pseudonym was turned back into its original for the client. The original itself is not recorded.
    Restored,
}

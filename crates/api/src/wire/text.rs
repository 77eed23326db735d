//! The recorded text of one direction, with the places where something was done.

use serde::Serialize;
use stockade_domain::{Channel, Role};
use stockade_views::{Mark, PayloadView, SpanView};
use utoipa::ToSchema;

use super::words;

/// The text of one direction.
#[derive(Debug, Serialize, ToSchema)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Text {
    /// Nothing was recorded.
    None,
    /// It was recorded and has been erased.
    Erased,
    /// The token's scope has no text.
    Withheld,
    /// It was recorded.
    Recorded {
        /// The spans, in the order of the message.
        spans: Vec<Span>,
        /// Whether something is left out at the end.
        cut: bool,
    },
}

/// A labelled piece of the message.
#[derive(Debug, Serialize, ToSchema)]
pub struct Span {
    /// What part of the message it is.
    #[schema(schema_with = words::channel)]
    pub channel: Channel,
    /// Who is said to have said it.
    #[schema(schema_with = words::role)]
    pub role: Role,
    /// Where it stands, as a JSON Pointer (RFC 6901).
    pub path: String,
    /// Its text in order.
    pub pieces: Vec<Piece>,
}

/// A run of text with one mark. The text is somebody else's: escape it for where it goes.
#[derive(Debug, Serialize, ToSchema)]
#[serde(tag = "mark", rename_all = "snake_case")]
pub enum Piece {
    /// Nothing was done.
    Plain {
        /// The text.
        text: String,
    },
    /// A finding was replaced by a mark.
    Redacted {
        /// The mark that stands in its place.
        text: String,
        /// What was found, for example `aws_access_key`.
        finding: String,
    },
    /// A finding was replaced by a pseudonym.
    Pseudonym {
        /// The pseudonym.
        text: String,
        /// What was found, for example `email`.
        finding: String,
    },
    /// A pseudonym was turned back into its original, which is not recorded.
    Restored {
        /// The pseudonym.
        text: String,
    },
}

impl From<PayloadView> for Text {
    fn from(view: PayloadView) -> Self {
        match view {
            PayloadView::None => Self::None,
            PayloadView::Erased => Self::Erased,
            PayloadView::Withheld => Self::Withheld,
            PayloadView::Recorded { spans, cut } => {
                Self::Recorded { spans: spans.into_iter().map(Span::from).collect(), cut }
            }
        }
    }
}

impl From<SpanView> for Span {
    fn from(span: SpanView) -> Self {
        let piece = |piece: stockade_views::Piece| match piece.mark {
            Mark::Plain => Piece::Plain { text: piece.text },
            Mark::Redacted(finding) => Piece::Redacted { text: piece.text, finding },
            Mark::Pseudonym(finding) => Piece::Pseudonym { text: piece.text, finding },
            Mark::Restored => Piece::Restored { text: piece.text },
        };
        Self {
            channel: span.channel,
            role: span.role,
            path: span.path,
            pieces: span.pieces.into_iter().map(piece).collect(),
        }
    }
}

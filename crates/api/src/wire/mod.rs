//! What goes over the wire. These shapes are the API's promise; the ledger's own format may move without them.

mod entry;
mod list;
mod status;
mod text;
mod words;

use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse as _, Response};
use serde::Serialize;
use stockade_domain::RequestId;
use utoipa::ToSchema;

pub use entry::{Charge, Decision, Detector, Finding, Inspection, Intent, Outcome, Trial, Usage};
pub use list::{RequestPage, RequestRow};
pub use status::Status;
pub use text::{Piece, Span, Text};

/// One request with everything that is known of it.
#[derive(Debug, Serialize, ToSchema)]
pub struct RequestDetail {
    /// Its line in the list.
    pub request: RequestRow,
    /// The ledger entry before the answer; absent when it was refused before a decision.
    pub intent: Option<Intent>,
    /// The ledger entry at the end; absent while it is under way and after an interruption.
    pub outcome: Option<Outcome>,
    /// The text of the request, as it was recorded.
    pub request_text: Text,
    /// The text of the answer, as it was recorded.
    pub response_text: Text,
}

impl From<stockade_views::RequestDetail> for RequestDetail {
    fn from(detail: stockade_views::RequestDetail) -> Self {
        Self {
            request: detail.row.into(),
            intent: detail.intent.map(Intent::from),
            outcome: detail.outcome.map(Outcome::from),
            request_text: detail.request.into(),
            response_text: detail.response.into(),
        }
    }
}

/// A proof bundle as a file to keep.
#[must_use]
pub fn proof_file(id: RequestId, bundle: Vec<u8>) -> Response {
    let mut response = bundle.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if let Ok(name) = HeaderValue::try_from(format!("attachment; filename=\"stockade-proof-{id}.json\"")) {
        headers.insert(header::CONTENT_DISPOSITION, name);
    }
    response
}

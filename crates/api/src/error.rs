//! Errors as problem documents (RFC 9457). What a caller reads is safe to show; the cause goes to the log.

use std::error::Error;
use std::sync::Arc;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use stockade_domain::RequestId;
use stockade_views::ViewError;
use utoipa::ToSchema;

use crate::guard::Refusal;
use crate::query::BadParameter;

/// Why a call of the API or the console cannot be answered. The message is safe to show.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ApiError {
    /// Nobody is signed in.
    #[error("sign in first: `stockade signin` prints a link")]
    NotSignedIn,
    /// The token that was presented is unknown, has run out or was revoked: the three are not told apart.
    #[error("the token is not good (any more): `stockade tokens create` makes one")]
    BadToken,
    /// The guard turned it away.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// There is no such route or request.
    #[error("there is no such page or request")]
    NotFound,
    /// The route does not know the method.
    #[error("the method is not one of this route's")]
    Method,
    /// A parameter of the query is wrong.
    #[error(transparent)]
    Parameter(#[from] BadParameter),
    /// No checkpoint covers the request yet.
    #[error("no signed checkpoint covers this request yet; try again in a second")]
    NotSigned,
    /// The store or the ledger could not be read; the cause is for the log.
    #[error("the records cannot be read at the moment")]
    Unavailable(Arc<dyn Error + Send + Sync>),
    /// The store or the ledger took too long.
    #[error("the records took too long to read; try again")]
    TimedOut,
    /// As many live views as may be are open.
    #[error("too many live views are open; close one and load the page again")]
    TooManyStreams,
}

/// A problem document (RFC 9457 section 3.1). `type` is `about:blank`, so `title` is the status in words; programs look
/// at `code`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Problem {
    /// Always `about:blank`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// The HTTP status in words.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What is wrong with this call, for a person.
    pub detail: String,
    /// What is wrong, as a stable word for programs, for example `not_signed_in`.
    pub code: &'static str,
    /// The id of this call in the server's log; also in the header `x-request-id`.
    pub request_id: String,
}

impl ApiError {
    /// The HTTP status.
    #[must_use]
    pub const fn status(&self) -> StatusCode {
        match self {
            Self::NotSignedIn | Self::BadToken => StatusCode::UNAUTHORIZED,
            Self::Refused(refusal) => refusal.status(),
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::Parameter(_) => StatusCode::BAD_REQUEST,
            Self::NotSigned => StatusCode::CONFLICT,
            Self::Unavailable(_) | Self::TimedOut | Self::TooManyStreams => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// The stable code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NotSignedIn => "not_signed_in",
            Self::BadToken => "invalid_token",
            Self::Refused(refusal) => refusal.code(),
            Self::NotFound => "not_found",
            Self::Method => "method_not_allowed",
            Self::Parameter(_) => "bad_parameter",
            Self::NotSigned => "not_signed_yet",
            Self::Unavailable(_) => "records_unavailable",
            Self::TimedOut => "records_timed_out",
            Self::TooManyStreams => "too_many_streams",
        }
    }

    /// The problem document of this error, in the call with this id.
    #[must_use]
    pub fn problem(&self, request: RequestId) -> Problem {
        Problem {
            kind: "about:blank",
            title: self.status().canonical_reason().unwrap_or("Error").to_owned(),
            status: self.status().as_u16(),
            detail: self.to_string(),
            code: self.code(),
            request_id: request.to_string(),
        }
    }

    /// Writes the cause to the log, where there is one that the caller is not told.
    pub fn log(&self, request: RequestId) {
        if let Self::Unavailable(cause) = self {
            tracing::error!(%request, code = self.code(), error = %cause, "a view failed");
        }
    }
}

impl From<ViewError> for ApiError {
    fn from(error: ViewError) -> Self {
        match error {
            ViewError::NotFound => Self::NotFound,
            ViewError::NotSigned => Self::NotSigned,
            ViewError::Unavailable(cause) => Self::Unavailable(Arc::from(cause)),
        }
    }
}

impl IntoResponse for ApiError {
    /// The status with the error beside it: the outermost layer, which knows the call's id, writes the body.
    fn into_response(self) -> Response {
        let mut response = self.status().into_response();
        if response.status() == StatusCode::SERVICE_UNAVAILABLE {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response.extensions_mut().insert(self);
        response
    }
}

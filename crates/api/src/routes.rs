//! The routes, and the one layer around all of them.

use std::sync::Arc;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{any, get};
use axum::{Extension, Json, Router};
use stockade_domain::RequestId;
use stockade_views::{Reader, Sessions, Tokens, Views};

use crate::error::{ApiError, Problem};
use crate::guard::{Site, harden};
use crate::openapi;
use crate::query::{BadParameter, ListQuery};
use crate::tag::{fresh_request_id, within};
use crate::wire;

/// Data is not a page: nothing in it may run, load or be framed.
const CONTENT_SECURITY_POLICY: &str =
    "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; sandbox";

#[derive(Clone)]
struct Door {
    site: Site,
    sessions: Arc<dyn Sessions>,
    tokens: Arc<dyn Tokens>,
}

type Shared = State<Arc<dyn Views>>;

/// The routes under `/api/v1` and `/openapi.json`. The console's router has none of these, so the two can be merged.
pub fn router(
    site: Site,
    views: Arc<dyn Views>,
    sessions: Arc<dyn Sessions>,
    tokens: Arc<dyn Tokens>,
) -> Router {
    Router::new()
        .route("/openapi.json", get(async || Json(openapi::document())))
        .route("/api/v1/status", get(status))
        .route("/api/v1/requests", get(requests))
        .route("/api/v1/requests/{id}", get(request))
        .route("/api/v1/requests/{id}/proof", get(proof))
        .route("/api", any(async || ApiError::NotFound))
        .route("/api/{*rest}", any(async || ApiError::NotFound))
        .with_state(views)
        .layer(middleware::from_fn_with_state(Door { site, sessions, tokens }, door))
}

/// Guard, sign-in, route; then the problem document of whatever went wrong, and the headers of every answer.
async fn door(State(door): State<Door>, request: Request, next: Next) -> Response {
    let Ok(id) = fresh_request_id() else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let (mut parts, body) = request.into_parts();
    let admitted = door.site.admit(&parts).map_err(ApiError::from).and_then(|()| door.reader(&parts.headers));
    let mut response = match admitted {
        Ok(reader) => {
            parts.extensions.insert(reader);
            next.run(Request::from_parts(parts, body)).await
        }
        Err(error) => error.into_response(),
    };
    if response.status() == StatusCode::METHOD_NOT_ALLOWED {
        response.extensions_mut().insert(ApiError::Method);
    }
    if let Some(error) = response.extensions_mut().remove::<ApiError>() {
        error.log(id);
        let mut problem = Json(error.problem(id)).into_response();
        *problem.status_mut() = error.status();
        for name in [header::RETRY_AFTER, header::ALLOW] {
            if let Some(value) = response.headers().get(&name) {
                problem.headers_mut().insert(name, value.clone());
            }
        }
        problem
            .headers_mut()
            .insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        response = problem;
    }
    if response.status() == StatusCode::UNAUTHORIZED {
        // RFC 9110 section 11.6.1, RFC 6750 section 3.
        let challenge = HeaderValue::from_static("Bearer realm=\"stockade\"");
        response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
    }
    harden(response.headers_mut(), CONTENT_SECURITY_POLICY);
    if let Ok(value) = HeaderValue::try_from(id.to_string()) {
        response.headers_mut().insert("x-request-id", value);
    }
    response
}

impl Door {
    /// Who asks: a program by its token, where it presents one, else a person by the session's cookie.
    fn reader(&self, headers: &HeaderMap) -> Result<Reader, ApiError> {
        match bearer(headers) {
            None => self
                .site
                .session(headers, &*self.sessions)
                .map(|session| session.reader())
                .ok_or(ApiError::NotSignedIn),
            Some(token) => token.and_then(|token| self.tokens.reader(token)).ok_or(ApiError::BadToken),
        }
    }
}

/// The token of an `Authorization` header (RFC 6750 section 2.1): `None` without the header, nothing inside for one that
/// cannot be read.
fn bearer(headers: &HeaderMap) -> Option<Option<&str>> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let first = values.next()?;
    let alone = values.next().is_none();
    let token = || {
        let (scheme, token) = first.to_str().ok()?.split_once(' ')?;
        (scheme.eq_ignore_ascii_case("bearer") && alone).then_some(token.trim())
    };
    Some(token())
}

/// How the installation is.
#[utoipa::path(
    get,
    path = "/api/v1/status",
    tag = "status",
    responses(
        (status = 200, description = "How the ledger is, and how many requests are under way", body = wire::Status),
        (status = 401, description = "Nobody is signed in, or the token is not good", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "The records cannot be read", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn status(State(views): Shared) -> Result<Json<wire::Status>, ApiError> {
    Ok(Json(within(views.status()).await?.into()))
}

/// Requests, newest first, in pages.
#[utoipa::path(
    get,
    path = "/api/v1/requests",
    tag = "requests",
    params(ListQuery),
    responses(
        (status = 200, description = "A page of requests", body = wire::RequestPage),
        (status = 400, description = "A parameter is wrong", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "Nobody is signed in, or the token is not good", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "The records cannot be read", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn requests(
    State(views): Shared,
    query: Result<Query<ListQuery>, QueryRejection>,
) -> Result<Json<wire::RequestPage>, ApiError> {
    let Query(query) = query.map_err(|_| BadParameter::Unknown)?;
    Ok(Json(within(views.requests(query.filter()?)).await?.into()))
}

/// One request: its line, its two ledger entries, and its text as it was recorded.
#[utoipa::path(
    get,
    path = "/api/v1/requests/{id}",
    tag = "requests",
    params(("id" = String, Path, description = "The request's id, `req_` and 26 characters")),
    responses(
        (status = 200, description = "The request", body = wire::RequestDetail),
        (status = 401, description = "Nobody is signed in, or the token is not good", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "There is no such request", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "The records cannot be read", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn request(
    State(views): Shared,
    Extension(reader): Extension<Reader>,
    Path(id): Path<String>,
) -> Result<Json<wire::RequestDetail>, ApiError> {
    let id = id.parse::<RequestId>().map_err(|_| ApiError::NotFound)?;
    let detail = within(views.request(id, reader)).await?.ok_or(ApiError::NotFound)?;
    Ok(Json(detail.into()))
}

/// The proof bundle of one request, which `stockade audit verify` checks without this server.
#[utoipa::path(
    get,
    path = "/api/v1/requests/{id}/proof",
    tag = "requests",
    params(("id" = String, Path, description = "The request's id, `req_` and 26 characters")),
    responses(
        (status = 200, description = "The proof bundle; see docs/ledger.md", body = Object, content_type = "application/json"),
        (status = 401, description = "Nobody is signed in, or the token is not good", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "There is no such request", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "No checkpoint covers it yet", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "The records cannot be read", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn proof(State(views): Shared, Path(id): Path<String>) -> Result<Response, ApiError> {
    let id = id.parse::<RequestId>().map_err(|_| ApiError::NotFound)?;
    Ok(wire::proof_file(id, within(views.proof(id)).await?))
}

//! What stands around every page: the guard, the sign-in, the headers, and a page for whatever goes wrong.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{Html, IntoResponse as _, Response};
use stockade_api::{ApiError, fresh_request_id, harden};
use stockade_views::Session;

use crate::pages::error::ErrorPage;
use crate::pages::signin::SignInPage;
use crate::router::App;

/// Scripts and styles from our own files only, nothing inline, no plug-in, no frame, and no script that turns text into
/// markup (Trusted Types, <https://w3c.github.io/trusted-types/dist/spec/>: no policy may be made, so every such sink
/// throws).
pub(crate) const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
    img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; \
    require-trusted-types-for 'script'; trusted-types 'none'";

/// The session of the request, for handlers behind [`signed_in`].
#[derive(Clone)]
pub(crate) struct SignedIn {
    pub(crate) session: Session,
    pub(crate) cookie: String,
}

/// The outermost layer.
pub(crate) async fn guard(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let Ok(id) = fresh_request_id() else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let (parts, body) = request.into_parts();
    let mut response = match app.options.site.admit(&parts) {
        Ok(()) => next.run(Request::from_parts(parts, body)).await,
        Err(refusal) => ApiError::from(refusal).into_response(),
    };
    if response.status() == StatusCode::METHOD_NOT_ALLOWED {
        response.extensions_mut().insert(ApiError::Method);
    }
    if let Some(error) = response.extensions_mut().remove::<ApiError>() {
        error.log(id);
        let assets = app.assets.base();
        let page = match error {
            ApiError::NotSignedIn => {
                html(&SignInPage { assets, token: None, failed: None, provider: app.provider() })
            }
            _ => html(&ErrorPage::new(assets, &error, id)),
        };
        let headers = std::mem::take(response.headers_mut());
        response = (error.status(), page).into_response();
        for name in [header::RETRY_AFTER, header::ALLOW] {
            if let Some(value) = headers.get(&name) {
                response.headers_mut().insert(name, value.clone());
            }
        }
    }
    harden(response.headers_mut(), CONTENT_SECURITY_POLICY);
    if let Ok(value) = HeaderValue::try_from(id.to_string()) {
        response.headers_mut().insert("x-request-id", value);
    }
    response
}

/// Lets signed-in people through.
pub(crate) async fn signed_in(State(app): State<Arc<App>>, mut request: Request, next: Next) -> Response {
    let site = &app.options.site;
    let found = site.session(request.headers(), &*app.sessions).zip(site.cookie(request.headers()));
    let Some((session, cookie)) = found else {
        return ApiError::NotSignedIn.into_response();
    };
    let signed_in = SignedIn { session, cookie: cookie.to_owned() };
    request.extensions_mut().insert(signed_in);
    next.run(request).await
}

/// A template as a page.
pub(crate) fn html(page: &impl Template) -> Response {
    match page.render() {
        Ok(text) => Html(text).into_response(),
        Err(error) => {
            tracing::error!(%error, "a page could not be written");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

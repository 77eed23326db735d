//! Signing in by way of an identity provider: away to it, and back.
//!
//! The way there is a link and not a form, since a form that is answered with a redirect elsewhere is what the policy of
//! our pages forbids. The way back is a page that leads on by itself: a redirect would still count as coming from the
//! provider's site, and the session's cookie, which is strict, would not be sent.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Redirect, Response};
use stockade_api::ApiError;
use stockade_views::LoginError;

use crate::door::html;
use crate::pages::signin::SignInPage;
use crate::router::App;

/// Where providers send browsers back to.
pub(crate) const CALLBACK: &str = "/signin/callback";

#[derive(Template)]
#[template(path = "signedin.html")]
struct SignedInPage<'a> {
    assets: &'a str,
}

/// Sends the browser to the provider.
pub(crate) async fn begin(State(app): State<Arc<App>>, request: Request) -> Result<Response, ApiError> {
    let login = app.options.login.as_ref().ok_or(ApiError::NotFound)?;
    let (parts, _) = request.into_parts();
    let site = &app.options.site;
    let redirect = format!("{}{CALLBACK}", site.origin(&parts).map_err(ApiError::from)?);
    match login.begin(&redirect).await {
        Ok(begun) => match site.begin_login_cookie(&begun.secret) {
            Some(cookie) => Ok(([(header::SET_COOKIE, cookie)], Redirect::to(&begun.url)).into_response()),
            None => Ok(StatusCode::INTERNAL_SERVER_ERROR.into_response()),
        },
        Err(failed) => Ok(refused(&app, failed)),
    }
}

/// Takes the provider's answer, and begins a session.
pub(crate) async fn finish(State(app): State<Arc<App>>, request: Request) -> Result<Response, ApiError> {
    let login = app.options.login.as_ref().ok_or(ApiError::NotFound)?;
    let (parts, _) = request.into_parts();
    let site = &app.options.site;
    let redirect = format!("{}{CALLBACK}", site.origin(&parts).map_err(ApiError::from)?);
    let query = parts.uri.query().unwrap_or_default();
    let begun = match site.login_cookie(&parts.headers) {
        Some(secret) => login.finish(secret, query, &redirect).await,
        None => Err(LoginError::Unknown),
    };
    let mut response = match begun {
        Ok(session) => {
            let Some(cookie) = site.begin_cookie(&session) else {
                app.sessions.end(&session.cookie);
                return Ok(StatusCode::INTERNAL_SERVER_ERROR.into_response());
            };
            if let Some(before) = site.cookie(&parts.headers) {
                app.sessions.end(before);
            }
            let mut response = html(&SignedInPage { assets: app.assets.base() });
            let headers = response.headers_mut();
            headers.append(header::SET_COOKIE, cookie);
            headers.insert(HeaderName::from_static("refresh"), HeaderValue::from_static("0; url=/"));
            response
        }
        Err(failed) => refused(&app, failed),
    };
    // The answer was good once, whatever came of it.
    if let Some(cookie) = site.end_login_cookie() {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    Ok(response)
}

fn refused(app: &App, failed: LoginError) -> Response {
    let status = match failed {
        LoginError::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::FORBIDDEN,
    };
    let failed = Some(failed.to_string());
    let page = SignInPage { assets: app.assets.base(), token: None, failed, provider: app.provider() };
    (status, html(&page)).into_response()
}

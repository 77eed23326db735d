//! Signing in and out.
//!
//! The link from the command line opens a page with a button, and only the button uses the token up: previews and
//! prefetchers follow links, they do not send forms.

use std::sync::Arc;

use askama::Template;
use axum::Extension;
use axum::extract::rejection::{FormRejection, QueryRejection};
use axum::extract::{Form, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Redirect, Response};
use serde::Deserialize;
use stockade_api::{ApiError, Refusal};
use stockade_crypto::ct_eq;
use stockade_views::LinkError;

use crate::door::{SignedIn, html};
use crate::router::App;

/// The longest token that is looked at, in characters.
const MAX_TOKEN: usize = 256;

#[derive(Template)]
#[template(path = "signin.html")]
pub(crate) struct SignInPage<'a> {
    pub(crate) assets: &'a str,
    pub(crate) token: Option<&'a str>,
    pub(crate) failed: Option<String>,
    /// The identity provider that one can sign in with.
    pub(crate) provider: Option<&'a str>,
}

#[derive(Deserialize)]
pub(crate) struct Link {
    token: Option<String>,
}

/// The form of a request that changes something.
#[derive(Deserialize)]
pub(crate) struct Change {
    csrf: String,
}

impl Change {
    /// Whether the form came from a page of this session.
    pub(crate) fn check(&self, signed_in: &SignedIn) -> Result<(), ApiError> {
        let token = &signed_in.session.csrf;
        let same = !token.is_empty() && ct_eq(self.csrf.as_bytes(), token.as_bytes());
        if same { Ok(()) } else { Err(Refusal::Token.into()) }
    }
}

/// Shows the button, or says how to get a link.
pub(crate) async fn ask(
    State(app): State<Arc<App>>,
    link: Result<Query<Link>, QueryRejection>,
    headers: HeaderMap,
) -> Response {
    let token = link.ok().and_then(|Query(link)| link.token).filter(|token| plausible(token));
    if token.is_none() && app.options.site.session(&headers, &*app.sessions).is_some() {
        return Redirect::to("/").into_response();
    }
    html(&SignInPage {
        assets: app.assets.base(),
        token: token.as_deref(),
        failed: None,
        provider: app.provider(),
    })
}

/// Uses the link up and begins a session.
pub(crate) async fn begin(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    form: Result<Form<Link>, FormRejection>,
) -> Response {
    let token = form.ok().and_then(|Form(link)| link.token).filter(|token| plausible(token));
    let begun = token.ok_or(LinkError::Spent).and_then(|token| app.sessions.consume_link(&token));
    match begun {
        Ok(session) => {
            let Some(cookie) = app.options.site.begin_cookie(&session) else {
                app.sessions.end(&session.cookie);
                return StatusCode::INTERNAL_SERVER_ERROR.into_response();
            };
            // Whoever was signed in here before is not any more.
            if let Some(before) = app.options.site.cookie(&headers) {
                app.sessions.end(before);
            }
            ([(header::SET_COOKIE, cookie)], Redirect::to("/")).into_response()
        }
        Err(failed) => {
            let status = match failed {
                LinkError::Spent => StatusCode::FORBIDDEN,
                LinkError::TooMany => StatusCode::TOO_MANY_REQUESTS,
            };
            let page = html(&SignInPage {
                assets: app.assets.base(),
                token: None,
                failed: Some(failed.to_string()),
                provider: app.provider(),
            });
            (status, page).into_response()
        }
    }
}

/// Ends the session.
pub(crate) async fn end(
    State(app): State<Arc<App>>,
    Extension(signed_in): Extension<SignedIn>,
    form: Result<Form<Change>, FormRejection>,
) -> Result<Response, ApiError> {
    let Form(form) = form.map_err(|_| Refusal::Token)?;
    form.check(&signed_in)?;
    app.sessions.end(&signed_in.cookie);
    let mut response = Redirect::to("/signin").into_response();
    if let Some(cookie) = app.options.site.end_cookie() {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    Ok(response)
}

fn plausible(token: &str) -> bool {
    (1..=MAX_TOKEN).contains(&token.len())
        && token.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
}

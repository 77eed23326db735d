//! The API keys: which there are, and the button that ends one.

use std::sync::Arc;

use askama::Template;
use axum::Extension;
use axum::extract::rejection::FormRejection;
use axum::extract::{Form, Path, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use stockade_api::{ApiError, Refusal, within};
use stockade_domain::{KeyId, Micros};
use stockade_views::{KeyRow, KeyStanding};

use crate::door::{SignedIn, html};
use crate::pages::list::StatusView;
use crate::pages::signin::Change;
use crate::present::{text, units};
use crate::router::App;

#[derive(Template)]
#[template(path = "keys.html")]
struct KeysPage<'a> {
    assets: &'a str,
    csrf: &'a str,
    place: &'static str,
    status: StatusView,
    good: String,
    keys: Vec<Line>,
}

struct Line {
    id: String,
    short_id: String,
    workload: String,
    note: String,
    state: &'static str,
    state_text: &'static str,
    created: String,
    expires: String,
    last_used: String,
    can_end: bool,
}

/// Shows the keys.
pub(crate) async fn show(
    State(app): State<Arc<App>>,
    Extension(signed_in): Extension<SignedIn>,
) -> Result<Response, ApiError> {
    let keys = within(app.installation.keys()).await?;
    let status = StatusView::new(&within(app.views.status()).await?);
    let good = keys.iter().filter(|key| key.state == KeyStanding::Good).count();
    Ok(html(&KeysPage {
        assets: app.assets.base(),
        csrf: &signed_in.session.csrf,
        place: "keys",
        status,
        good: units::count(good as u64),
        // Those that can be used come first, the newest of them on top.
        keys: {
            let mut keys = keys;
            keys.sort_by_key(|key| (key.state != KeyStanding::Good, std::cmp::Reverse(key.created)));
            keys.into_iter().map(|key| Line::new(key, signed_in.session.role.changes())).collect()
        },
    }))
}

/// Revokes a key.
pub(crate) async fn revoke(
    State(app): State<Arc<App>>,
    Extension(signed_in): Extension<SignedIn>,
    Path(id): Path<String>,
    form: Result<Form<Change>, FormRejection>,
) -> Result<Response, ApiError> {
    let Form(form) = form.map_err(|_| Refusal::Token)?;
    form.check(&signed_in)?;
    let id: KeyId = id.parse().map_err(|_| ApiError::NotFound)?;
    if !signed_in.session.role.changes() {
        return Err(Refusal::Role.into());
    }
    within(app.installation.revoke(id, signed_in.session.who.clone())).await?;
    Ok(Redirect::to("/keys").into_response())
}

impl Line {
    fn new(key: KeyRow, may_end: bool) -> Self {
        let (state, state_text) = match key.state {
            KeyStanding::Good => ("permit", "Good"),
            KeyStanding::Expired => ("", "Expired"),
            KeyStanding::Revoked => ("deny", "Revoked"),
        };
        let day = |time: Option<Micros>, none: &str| {
            time.map_or_else(
                || none.to_owned(),
                |time| {
                    let (date, clock) = units::date_and_clock(time);
                    format!("{date} {}", clock.get(..5).unwrap_or_default())
                },
            )
        };
        Self {
            id: key.id.to_string(),
            short_id: text::line(&key.short_id),
            workload: text::line(&key.workload),
            note: text::line(&key.note),
            state,
            state_text,
            created: day(Some(key.created), ""),
            expires: day(key.expires, "never"),
            last_used: day(key.last_used, "not yet"),
            can_end: may_end && key.state == KeyStanding::Good,
        }
    }
}

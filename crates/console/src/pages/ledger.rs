//! The ledger: its key, its latest checkpoint and its entries.

use std::sync::Arc;

use askama::Template;
use axum::Extension;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::response::Response;
use serde::Deserialize;
use stockade_api::{ApiError, BadParameter, within};
use stockade_views::LedgerRow;

use crate::door::{SignedIn, html};
use crate::pages::list::StatusView;
use crate::present::{text, units};
use crate::router::App;

#[derive(Template)]
#[template(path = "ledger.html")]
struct LedgerPage<'a> {
    assets: &'a str,
    csrf: &'a str,
    place: &'static str,
    status: StatusView,
    verifier: String,
    checkpoint: String,
    entries: Vec<Line>,
    newest: bool,
    next: Option<u64>,
}

struct Line {
    index: String,
    date: String,
    clock: String,
    kind: &'static str,
    request: Option<String>,
    text: String,
    leaf: String,
}

/// Where a page begins.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct From {
    before: Option<u64>,
}

/// Shows a page of the ledger.
pub(crate) async fn show(
    State(app): State<Arc<App>>,
    Extension(signed_in): Extension<SignedIn>,
    query: Result<Query<From>, QueryRejection>,
) -> Result<Response, ApiError> {
    let Query(from) = query.map_err(|_| BadParameter::Unknown)?;
    let page = within(app.installation.ledger(from.before)).await?;
    let status = StatusView::new(&within(app.views.status()).await?);
    Ok(html(&LedgerPage {
        assets: app.assets.base(),
        csrf: &signed_in.session.csrf,
        place: "ledger",
        status,
        verifier: page.verifier,
        checkpoint: page.checkpoint,
        entries: page.entries.into_iter().map(Line::new).collect(),
        newest: from.before.is_none(),
        next: page.next,
    }))
}

impl Line {
    fn new(row: LedgerRow) -> Self {
        let (date, clock) = row.time.map(units::date_and_clock).unwrap_or_default();
        Self {
            index: units::count(row.index),
            date,
            clock,
            kind: row.kind,
            request: row.request.map(|request| request.to_string()),
            text: text::line(&row.text),
            leaf: row.leaf.chars().take(16).collect(),
        }
    }
}
